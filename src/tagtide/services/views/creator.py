"""One creator: their videos in every campaign, and what their rate is worth."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from tagtide.core.creators import (
    Cadence,
    RateEstimate,
    RateSpread,
    Tier,
    cadence_of,
    estimate_rate,
    mixes_scripts,
    rate_spread,
    tier_of,
)
from tagtide.core.desk import DeskState
from tagtide.core.metrics import KnownSum, known_sum
from tagtide.models import Campaign, Creator, VideoCounters
from tagtide.ports import DeskQuery, KnownVideo
from tagtide.ports.browse import CrowdVideo, VideoFilter, VideoSort
from tagtide.services.context import Context

#: Videos that a page shows, and that its sums rest on.
_MOST = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class CreatorVideo:
    """A video of theirs with the campaigns that hold it."""

    video: KnownVideo
    campaigns: tuple[Campaign, ...]
    #: Where it stands on the desks of those campaigns; without those that hold it on none.
    desk: tuple[tuple[Campaign, DeskState], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CreatorStake:
    """What they are in one campaign."""

    campaign: Campaign
    videos: int
    view_count: KnownSum
    high_priority_videos: int
    #: None without a video whose rate is known.
    engagement_rate: RateEstimate | None
    #: How the campaign's rates scatter; None where too little is known.
    spread: RateSpread | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CreatorView:
    """Everything about one creator."""

    now: datetime
    creator: Creator
    tier: Tier | None
    #: Most views first.
    videos: tuple[CreatorVideo, ...]
    #: Whether there are more than shown; the sums rest on those shown.
    is_cut: bool
    stakes: tuple[CreatorStake, ...]
    views: KnownSum
    engagement: KnownSum
    #: Pooled over the videos whose rate is known.
    engagement_rate: float | None
    cadence: Cadence | None
    #: A name of theirs mixes scripts whose letters look alike.
    looks_like_another: bool


async def view_creator(context: Context, creator_key: str) -> CreatorView:
    """Gather one. Raises `NotFound`, `StorageError`."""
    store, now = context.store, context.clock.now()
    creator = await store.creator_file(creator_key)
    named = {c.campaign_id: c for c in await store.campaigns()}
    rows = await store.video_page(
        VideoFilter(creator_key=creator_key), VideoSort.VIEWS, limit=_MOST + 1
    )
    held: dict[str, list[Campaign]] = defaultdict(list)
    videos: dict[str, KnownVideo] = {}
    by_campaign: dict[int, list[KnownVideo]] = defaultdict(list)
    for row in rows[:_MOST]:
        if row.campaign_id in named:
            videos.setdefault(row.video.video_id, row.video)
            held[row.video.video_id].append(named[row.campaign_id])
            by_campaign[row.campaign_id].append(row.video)
    desk = await _desk(context, creator, tuple(by_campaign))
    counters = [video.counters for video in videos.values()]
    published = [v.created_at for v in videos.values() if v.created_at is not None]
    return CreatorView(
        now=now,
        creator=creator,
        tier=tier_of(creator.follower_count),
        videos=tuple(
            CreatorVideo(
                video=video,
                campaigns=tuple(held[video_id]),
                desk=tuple(
                    (c, desk[c.campaign_id, video_id])
                    for c in held[video_id]
                    if (c.campaign_id, video_id) in desk
                ),
            )
            for video_id, video in videos.items()
        ),
        is_cut=len(rows) > _MOST,
        stakes=tuple(
            [await _stake(context, named[n], theirs) for n, theirs in sorted(by_campaign.items())]
        ),
        views=known_sum(c.view_count for c in counters),
        engagement=known_sum(c.engagement for c in counters),
        engagement_rate=pooled_rate(counters),
        cadence=cadence_of(published),
        looks_like_another=mixes_scripts(creator.username) or mixes_scripts(creator.nickname),
    )


async def _desk(
    context: Context, creator: Creator, campaign_ids: tuple[int, ...]
) -> dict[tuple[int, str], DeskState]:
    """By campaign and video, where theirs stand; a creator without a handle is on no list."""
    if creator.username is None or not campaign_ids:
        return {}
    wanted = DeskQuery(
        campaign_ids=campaign_ids,
        now=context.clock.now(),
        states=frozenset(DeskState),
        creator=creator.username,
        limit=_MOST,
    )
    found = await context.store.desk_page(wanted)
    return {(row.campaign_id, row.video.video_id): row.state for row in found.rows}


async def _stake(context: Context, campaign: Campaign, theirs: list[KnownVideo]) -> CreatorStake:
    spread = await spread_of(context, campaign.campaign_id)
    return CreatorStake(
        campaign=campaign,
        videos=len(theirs),
        view_count=known_sum(v.counters.view_count for v in theirs),
        high_priority_videos=sum(v.high_priority_at is not None for v in theirs),
        engagement_rate=estimate_rate(rates_of(v.counters for v in theirs), spread),
        spread=spread,
    )


async def spread_of(context: Context, campaign_id: int) -> RateSpread | None:
    """How engagement rates scatter among the campaign's newest videos."""
    by_creator: dict[str, list[CrowdVideo]] = defaultdict(list)
    for video in await context.store.crowd_videos(campaign_id):
        by_creator[video.creator_key].append(video)
    return rate_spread(
        {key: rates_of(v.counters for v in theirs) for key, theirs in by_creator.items()}
    )


def rates_of(counters: Iterable[VideoCounters]) -> list[float]:
    """The rates that are known."""
    return [c.engagement_rate for c in counters if c.engagement_rate is not None]


def pooled_rate(counters: list[VideoCounters]) -> float | None:
    """All engagement over all views, of the videos whose rate is known."""
    rated = [c for c in counters if c.engagement_rate is not None]
    views = sum(c.view_count or 0 for c in rated)
    return sum(c.engagement or 0 for c in rated) / views if views else None
