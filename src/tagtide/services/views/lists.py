"""Videos and creators of a campaign, by pages; the search."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime

from tagtide.core.creators import RateEstimate, Tier, estimate_rate, mixes_scripts, tier_of
from tagtide.models import Campaign, CampaignHashtag, Creator
from tagtide.ports import KnownVideo
from tagtide.ports.browse import (
    CampaignCreator,
    CreatorFilter,
    CreatorSort,
    FoundVideo,
    VideoFilter,
    VideoSort,
)
from tagtide.services.context import Context
from tagtide.services.views.creator import rates_of, spread_of

_PAGE = 50
#: Rows of an export that are held at once.
_BATCH = 2000
#: What a search shows of each kind.
_FOUND = 20
#: Shorter texts are found in everything.
SHORTEST, LONGEST = 2, 100


@dataclass(frozen=True, slots=True, kw_only=True)
class VideosView:
    """A page of a campaign's videos."""

    now: datetime
    campaign: Campaign
    videos: tuple[KnownVideo, ...]
    #: What the next page follows; None on the last.
    next_after: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CreatorLine:
    """A creator of a campaign in one row."""

    creator: CampaignCreator
    tier: Tier | None
    #: None without a video whose rate is known.
    estimate: RateEstimate | None
    looks_like_another: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CreatorsView:
    """A page of a campaign's creators."""

    now: datetime
    campaign: Campaign
    creators: tuple[CreatorLine, ...]
    next_after: str | None


async def view_videos(
    context: Context,
    campaign: Campaign,
    wanted: VideoFilter,
    sort: VideoSort,
    *,
    after: str | None = None,
) -> VideosView:
    """Gather a page. Raises `StorageError`."""
    rows = await context.store.video_page(wanted, sort, after=after, limit=_PAGE + 1)
    shown = tuple(row.video for row in rows[:_PAGE])
    return VideosView(
        now=context.clock.now(),
        campaign=campaign,
        videos=shown,
        next_after=shown[-1].video_id if len(rows) > _PAGE else None,
    )


async def video_batches(context: Context, wanted: VideoFilter) -> AsyncIterator[list[KnownVideo]]:
    """Everything that a filter keeps, a batch at a time: newest first sighting first.

    That order alone stays as it is while videos are read.
    """
    after = None
    while True:
        rows = await context.store.video_page(wanted, VideoSort.NEWEST, after=after, limit=_BATCH)
        if rows:
            yield [row.video for row in rows]
        if len(rows) < _BATCH:
            return
        after = rows[-1].video.video_id


async def view_creators(
    context: Context,
    campaign: Campaign,
    wanted: CreatorFilter,
    sort: CreatorSort,
    *,
    after: str | None = None,
) -> CreatorsView:
    """Gather a page. Raises `StorageError`."""
    store, number = context.store, campaign.campaign_id
    rows = await store.creator_page(wanted, sort, after=after, limit=_PAGE + 1)
    shown = rows[:_PAGE]
    counters = await store.rated_counters(number, [row.creator.creator_key for row in shown])
    spread = await spread_of(context, number)
    return CreatorsView(
        now=context.clock.now(),
        campaign=campaign,
        creators=tuple(
            CreatorLine(
                creator=row,
                tier=tier_of(row.creator.follower_count),
                estimate=estimate_rate(rates_of(counters.get(row.creator.creator_key, ())), spread),
                looks_like_another=mixes_scripts(row.creator.username)
                or mixes_scripts(row.creator.nickname),
            )
            for row in shown
        ),
        next_after=shown[-1].creator.creator_key if len(rows) > _PAGE else None,
    )


# --- search ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundHashtag:
    """A hashtag in a campaign."""

    campaign: Campaign
    hashtag: CampaignHashtag


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchView:
    """What was found, by kind; at most so many of each."""

    query: str
    #: Whether it was long enough to look for.
    is_asked: bool
    campaigns: tuple[Campaign, ...] = ()
    hashtags: tuple[FoundHashtag, ...] = ()
    creators: tuple[Creator, ...] = ()
    videos: tuple[FoundVideo, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether nothing was found."""
        return not (self.campaigns or self.hashtags or self.creators or self.videos)


async def view_search(context: Context, query: str) -> SearchView:
    """Look for a text in names and captions, or for the id in the address of a video."""
    text = " ".join(query.split())[:LONGEST]
    if len(text) < SHORTEST:
        return SearchView(query=text, is_asked=False)
    store, folded = context.store, text.casefold()
    bare = folded.lstrip("#@")
    campaigns = await store.campaigns()
    return SearchView(
        query=text,
        is_asked=True,
        campaigns=tuple(c for c in campaigns if folded in c.name.casefold())[:_FOUND],
        hashtags=tuple(
            FoundHashtag(campaign=c, hashtag=h)
            for c in campaigns
            for h in c.hashtags
            if bare and bare in h.name
        )[:_FOUND],
        creators=tuple(await store.find_creators(text, _FOUND)),
        videos=tuple(await store.find_videos(video_id_in(text), _FOUND)),
    )


def video_id_in(text: str) -> str:
    """The id in the address of a video; the text itself where it is none."""
    _, found, rest = text.partition("/video/")
    digits = rest[: len(rest) - len(rest.lstrip("0123456789"))]
    return digits if found and digits else text
