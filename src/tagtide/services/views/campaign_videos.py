"""The held videos of a campaign: totals, engagement rates, the best of them and their creators."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from heapq import nlargest

from tagtide.core.creators import (
    RateEstimate,
    RateSpread,
    Tier,
    estimate_rate,
    rate_spread,
    tier_of,
)
from tagtide.core.metrics import KnownSum, RateSummary, known_sum, summarise_rates
from tagtide.core.periods import Period
from tagtide.models import Campaign, Creator, Job
from tagtide.ports import KnownVideo, VideoFigures
from tagtide.services.context import Context
from tagtide.services.views.campaign import CampaignHead, Share, view_head

_TOP = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoTotals:
    """Sums over held videos at their newest readings."""

    videos: int
    creators: int
    views: KnownSum
    likes: KnownSum
    comments: KnownSum
    shares: KnownSum
    saves: KnownSum
    engagement: KnownSum
    rates: RateSummary


@dataclass(frozen=True, slots=True, kw_only=True)
class CreatorLine:
    """A creator with the sums over their held videos of the campaign."""

    creator: Creator
    tier: Tier | None
    videos: int
    #: First seen in the period.
    new_videos: int
    views: KnownSum
    engagement: KnownSum
    #: All engagement over all views; None when not known.
    engagement_rate: float | None
    #: Drawn toward the campaign's, with its interval.
    estimate: RateEstimate | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignVideosView:
    """The page."""

    now: datetime
    head: CampaignHead
    period: Period
    #: All held videos of the own hashtags, and those first seen in the period.
    totals: VideoTotals
    new: VideoTotals
    #: Engagement of own videos beside that of videos held of competitors; None without any.
    share_of_engagement: Share | None
    competitor_videos: int
    top_videos: tuple[KnownVideo, ...]
    #: Among those first seen in the period.
    top_new_videos: tuple[KnownVideo, ...]
    top_creators: tuple[CreatorLine, ...]


async def view_campaign_videos(
    context: Context, campaign: Campaign, period: Period, *, schedules: Mapping[Job, str]
) -> CampaignVideosView:
    """Gather the page. Raises `StorageError`."""
    store, number = context.store, campaign.campaign_id
    found = await store.video_figures(number, period.since, period.until)
    own = [video for video in found if video.is_own]
    others = [video for video in found if not video.is_own]
    new = [video for video in own if video.is_new]
    best, best_new = _best(own), _best(new)
    known = {
        v.video_id: v for v in await store.known_videos(number, video_ids=[*{*best, *best_new}])
    }
    now, totals = context.clock.now(), video_totals(own)
    return CampaignVideosView(
        now=now,
        head=view_head(campaign, schedules, now),
        period=period,
        totals=totals,
        new=video_totals(new),
        share_of_engagement=_share(totals, others),
        competitor_videos=len(others),
        top_videos=tuple(known[key] for key in best if key in known),
        top_new_videos=tuple(known[key] for key in best_new if key in known),
        top_creators=await _creators(context, own),
    )


def video_totals(videos: Sequence[VideoFigures]) -> VideoTotals:
    """Sums and rates of videos."""
    engagements = [engagement_of(v) for v in videos]
    rates, engaged, viewed = [], 0, 0
    for video, engagement in zip(videos, engagements, strict=True):
        if engagement is not None and video.view_count:
            rates.append(engagement / video.view_count)
            engaged += engagement
            viewed += video.view_count
    return VideoTotals(
        videos=len(videos),
        creators=len({v.creator_key for v in videos}),
        views=known_sum(v.view_count for v in videos),
        likes=known_sum(v.like_count for v in videos),
        comments=known_sum(v.comment_count for v in videos),
        shares=known_sum(v.share_count for v in videos),
        saves=known_sum(v.save_count for v in videos),
        engagement=known_sum(engagements),
        rates=summarise_rates(rates, len(videos) - len(rates), engaged, viewed),
    )


def engagement_of(video: VideoFigures) -> int | None:
    """likes + comments + shares; unknown when one of them is."""
    _, _, _, likes, comments, shares, *_ = video
    if likes is None or comments is None or shares is None:
        return None
    return likes + comments + shares


def _best(videos: Iterable[VideoFigures]) -> list[str]:
    known = (v for v in videos if v.view_count is not None)
    ranked = nlargest(_TOP, known, key=lambda v: (v.view_count or 0, v.video_id))
    return [v.video_id for v in ranked]


def _share(totals: VideoTotals, others: Sequence[VideoFigures]) -> Share | None:
    theirs = known_sum(map(engagement_of, others))
    own = totals.engagement.total
    if own is None or not theirs.known or theirs.total is None:
        return None
    return Share(own=own, others=theirs.total)


async def _creators(context: Context, own: Sequence[VideoFigures]) -> tuple[CreatorLine, ...]:
    by_creator: dict[int, list[VideoFigures]] = defaultdict(list)
    for video in own:
        by_creator[video.creator_key].append(video)
    ranked = nlargest(
        _TOP,
        by_creator.items(),
        key=lambda item: (sum(v.view_count or 0 for v in item[1]), -item[0]),
    )
    people = await context.store.creators_by_key([key for key, _ in ranked])
    spread = rate_spread({str(key): _rates(held) for key, held in by_creator.items()})
    return tuple(_creator_line(people[key], held, spread) for key, held in ranked if key in people)


def _creator_line(
    creator: Creator, held: Sequence[VideoFigures], spread: RateSpread | None
) -> CreatorLine:
    totals = video_totals(held)
    return CreatorLine(
        creator=creator,
        tier=tier_of(creator.follower_count),
        videos=len(held),
        new_videos=sum(v.is_new for v in held),
        views=totals.views,
        engagement=totals.engagement,
        engagement_rate=totals.rates.pooled,
        estimate=estimate_rate(_rates(held), spread),
    )


def _rates(videos: Sequence[VideoFigures]) -> list[float]:
    return [
        engagement / v.view_count
        for v in videos
        if v.view_count and (engagement := engagement_of(v)) is not None
    ]
