"""The held videos of a campaign: totals, engagement rates, the best of them and their creators."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from heapq import nlargest
from typing import NamedTuple

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
    others = [video for video in found if not video.is_own] if len(own) < len(found) else []
    columns, new = _columns(own), _columns([video for video in own if video.is_new])
    best, best_new = _best(columns), _best(new)
    known = {
        v.video_id: v for v in await store.known_videos(number, video_ids=[*{*best, *best_new}])
    }
    now, totals = context.clock.now(), _totals(columns)
    return CampaignVideosView(
        now=now,
        head=view_head(campaign, schedules, now),
        period=period,
        totals=totals,
        new=_totals(new),
        share_of_engagement=_share(totals, others),
        competitor_videos=len(others),
        top_videos=tuple(known[key] for key in best if key in known),
        top_new_videos=tuple(known[key] for key in best_new if key in known),
        top_creators=await _creators(context, own, columns),
    )


class _Columns(NamedTuple):
    """Figures of videos a column at a time: ten thousand of them are one page."""

    ids: Sequence[str]
    creators: Sequence[int]
    views: Sequence[int | None]
    likes: Sequence[int | None]
    comments: Sequence[int | None]
    shares: Sequence[int | None]
    saves: Sequence[int | None]
    #: likes + comments + shares; unknown when one of them is.
    engagement: Sequence[int | None]


def _columns(videos: Sequence[VideoFigures]) -> _Columns:
    columns = [*zip(*videos, strict=True)] or [()] * len(VideoFigures._fields)
    engagement = [
        None if likes is None or comments is None or shares is None else likes + comments + shares
        for likes, comments, shares in zip(*columns[3:6], strict=True)
    ]
    return _Columns._make([*columns[:7], engagement])


def video_totals(videos: Sequence[VideoFigures]) -> VideoTotals:
    """Sums and rates of videos."""
    return _totals(_columns(videos))


def _totals(of: _Columns) -> VideoTotals:
    known = [(e, v) for e, v in zip(of.engagement, of.views, strict=True) if v and e is not None]
    return VideoTotals(
        videos=len(of.ids),
        creators=len({*of.creators}),
        views=known_sum(of.views),
        likes=known_sum(of.likes),
        comments=known_sum(of.comments),
        shares=known_sum(of.shares),
        saves=known_sum(of.saves),
        engagement=known_sum(of.engagement),
        rates=summarise_rates(
            [e / v for e, v in known],
            len(of.ids) - len(known),
            sum(e for e, _ in known),
            sum(v for _, v in known),
        ),
    )


def _best(of: _Columns) -> list[str]:
    known = [one for one in zip(of.views, of.ids, strict=True) if one[0] is not None]
    return [key for _, key in nlargest(_TOP, known)]


def _share(totals: VideoTotals, others: Sequence[VideoFigures]) -> Share | None:
    theirs = known_sum(_columns(others).engagement)
    own = totals.engagement.total
    if own is None or not theirs.known or theirs.total is None:
        return None
    return Share(own=own, others=theirs.total)


async def _creators(
    context: Context, own: Sequence[VideoFigures], of: _Columns
) -> tuple[CreatorLine, ...]:
    views: dict[int, int] = defaultdict(int)
    for key, seen in zip(of.creators, of.views, strict=True):
        views[key] += seen or 0
    rates: dict[int, list[float]] = defaultdict(list)
    for key, seen, engagement in zip(of.creators, of.views, of.engagement, strict=True):
        if seen and engagement is not None:
            rates[key].append(engagement / seen)
    best = nlargest(_TOP, ((total, -key) for key, total in views.items()))
    held: dict[int, list[VideoFigures]] = {-key: [] for _, key in best}
    for video in [video for video in own if video[1] in held]:
        held[video.creator_key].append(video)
    people = await context.store.creators_by_key([*held])
    spread = rate_spread(rates)
    return tuple(
        _creator_line(people[key], videos, rates.get(key, []), spread)
        for key, videos in held.items()
        if key in people
    )


def _creator_line(
    creator: Creator,
    held: Sequence[VideoFigures],
    rates: Sequence[float],
    spread: RateSpread | None,
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
        estimate=estimate_rate(rates, spread),
    )
