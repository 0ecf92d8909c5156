"""One video: its curve against its campaign's, why it was flagged, and wherever it was seen."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from tagtide.core.desk import DeskState
from tagtide.core.detect.age_curve import UsualCurve, usual_curve
from tagtide.core.detect.virality import (
    MIN_OTHERS,
    AgeCurve,
    AgeScore,
    Regrown,
    Viewed,
    age_scores,
    fit_age_curve,
)
from tagtide.errors import NotFound
from tagtide.models import Alert, Campaign, Mute, VideoReading
from tagtide.ports.browse import AlertFilter, CrowdVideo, Membership, VideoFile
from tagtide.services.context import Context
from tagtide.services.desk import detail_of

_ALERTS = 20
#: A video in a feed as recently as this is taken for being there.
_FRESH = timedelta(days=3)


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoCurve:
    """A video's readings against what a campaign's videos get at that age."""

    file: VideoFile
    #: In order of time.
    readings: tuple[VideoReading, ...]
    #: The campaign it is compared within; None where none in service holds it.
    campaign: Campaign | None = None
    #: None where fewer than ten others can be compared, or its age is not known.
    usual: UsualCurve | None = None
    score: AgeScore | None = None
    #: Its place among the compared, the most views for their age first; None without a score.
    rank: int | None = None
    compared: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoCampaign:
    """A campaign that holds the video, and whether it has reached its marks there."""

    campaign: Campaign
    membership: Membership
    #: Where it stands on the desk; None for one that was not seen under an own hashtag.
    desk: DeskState | None


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoView:
    """Everything about one video."""

    now: datetime
    curve: VideoCurve
    campaigns: tuple[VideoCampaign, ...]
    #: About it, the newest of those that fire first.
    alerts: tuple[Alert, ...]
    mutes: tuple[Mute, ...]
    #: Newest sighting in a feed.
    last_seen_at: datetime | None
    #: Whether it was in a feed lately; a feed is a sample, so that False says little.
    is_fresh: bool


async def view_video(
    context: Context, video_id: str, *, campaign_id: int | None = None
) -> VideoView:
    """Gather one. ``campaign_id`` chooses what it is compared within. Raises `NotFound`."""
    store, now = context.store, context.clock.now()
    curve = await view_curve(context, video_id, campaign_id=campaign_id)
    named = {c.campaign_id: c for c in await store.campaigns()}
    seen = max((feed.last_seen_at for feed in curve.file.feeds), default=None)
    return VideoView(
        now=now,
        curve=curve,
        campaigns=tuple(
            [
                VideoCampaign(
                    campaign=named[m.campaign_id],
                    membership=m,
                    desk=await _on_desk(context, named[m.campaign_id], video_id),
                )
                for m in curve.file.campaigns
                if m.campaign_id in named
            ]
        ),
        alerts=tuple(await store.alert_page(AlertFilter(video_id=video_id), limit=_ALERTS)),
        mutes=tuple(await store.mutes(now)),
        last_seen_at=seen,
        is_fresh=seen is not None and now - seen <= _FRESH,
    )


async def _on_desk(context: Context, campaign: Campaign, video_id: str) -> DeskState | None:
    try:
        record = await context.store.desk_record(campaign.campaign_id, video_id)
    except NotFound:
        return None
    if not {h.name for h in campaign.own()}.intersection(record.video.hashtags):
        return None
    return detail_of(campaign, record, context.clock.now()).state


async def view_curve(
    context: Context, video_id: str, *, campaign_id: int | None = None
) -> VideoCurve:
    """Its curve within a campaign that holds it, the first one by default. Raises `NotFound`."""
    store = context.store
    file = await store.video_file(video_id)
    readings = tuple(await store.video_history(video_id))
    named = {c.campaign_id: c for c in await store.campaigns()}
    held = [m for m in file.campaigns if m.campaign_id in named]
    within = next((m for m in held if m.campaign_id == campaign_id), held[0] if held else None)
    if within is None:
        return VideoCurve(file=file, readings=readings)
    crowd = await store.crowd_videos(within.campaign_id, role=within.role)
    curve = age_curve_of(crowd)
    others = [viewed(v) for v in crowd if v.video_id != video_id]
    scores = age_scores([*others, _viewed_file(file)], curve, MIN_OTHERS)
    score = scores.get(video_id)
    return VideoCurve(
        file=file,
        readings=readings,
        campaign=named[within.campaign_id],
        usual=usual_curve(others, curve) if file.video.created_at is not None else None,
        score=score,
        rank=None if score is None else sum(s.z > score.z for s in scores.values()) + 1,
        compared=len(scores),
    )


def age_curve_of(crowd: Iterable[CrowdVideo]) -> AgeCurve:
    """The age curve of a campaign, from the first and the newest reading of each video."""
    return fit_age_curve(pair for video in crowd if (pair := _regrown(video)) is not None)


def viewed(video: CrowdVideo) -> Viewed:
    """What a comparison by age needs of it."""
    return Viewed(
        video_id=video.video_id,
        views=video.counters.view_count,
        age_hours=_hours(video.created_at, video.read_at),
        followers=video.author_followers,
        creator=video.creator_key,
    )


def _viewed_file(file: VideoFile) -> Viewed:
    return Viewed(
        video_id=file.video.video_id,
        views=file.counters.view_count,
        age_hours=_hours(file.video.created_at, file.read_at),
        followers=file.video.creator.follower_count,
        creator=file.video.creator.creator_key,
    )


def _regrown(video: CrowdVideo) -> Regrown | None:
    if video.first_read_at is None or video.first_source is not video.counters.source:
        return None
    first = _hours(video.created_at, video.first_read_at)
    last = _hours(video.created_at, video.read_at)
    before, now = video.first_view_count, video.counters.view_count
    if first is None or last is None or not before or not now:
        return None
    return Regrown(first, before, last, now)


def _hours(since: datetime | None, until: datetime) -> float | None:
    hours = None if since is None else (until - since).total_seconds() / 3600
    return None if hours is None or hours < 0 else hours
