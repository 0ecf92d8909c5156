"""A campaign over a period: totals, growth beside competitors, velocity, what stands out."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from tagtide.core.coverage import Completeness, completeness_of
from tagtide.core.metrics import quantile
from tagtide.core.periods import Period, PeriodName
from tagtide.core.planning import Phase, campaign_phase
from tagtide.core.reports.facts import add_up
from tagtide.core.velocity import changes_between
from tagtide.models import Alert, AlertState, Campaign, HashtagLevel, Job, Reason, Role
from tagtide.ports import GainPoint, HashtagAt, KnownVideo
from tagtide.services.context import Context
from tagtide.services.views.today import NextRun, next_run

SIX_HOURS = timedelta(hours=6)
_DAY = timedelta(days=1)
#: Periods up to this are shown by six hours, up to the next by day, longer ones by four weeks.
_BY_SIX_HOURS, _BY_DAY = timedelta(days=8), timedelta(days=120)
#: What is usual at an hour is learned from so many days before, of which so many must be known.
_USUAL_DAYS, _USUAL_LEAST = 28, 7
_USUAL_LOW, _USUAL_HIGH = 0.1, 0.9
#: Velocity is shown for at most so long.
_VELOCITY = timedelta(days=7)
#: A campaign that is read in fewer of its windows is read about once a day.
_DENSE = 0.6
_COMPETITORS, _TOP, _ALERTS = 4, 5, 30
#: Curves in the table of hashtags go back so far.
_CURVE = timedelta(days=7)
HASHTAGS_A_PAGE = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class HashtagLine:
    """A hashtag over the period."""

    hashtag: str
    role: Role
    view_count: int | None
    video_count: int | None
    read_at: datetime | None
    #: The reading the changes are measured from: the newest up to the begin of the period, else the
    #: first in it.
    previous_at: datetime | None
    new_views: int | None
    new_videos: int | None
    #: ``new_views`` over the views then.
    view_growth: float | None
    paused_at: datetime | None
    failures: int
    failure_reason: Reason
    #: New videos held of those that exist; None for a competitor, and where nothing is known.
    held: Completeness | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleTotals:
    """Sums over the hashtags of one role."""

    hashtags: int
    view_count: int | None
    hashtags_read: int
    new_views: int | None
    new_videos: int | None
    #: Hashtags whose views, and whose videos, could be compared.
    hashtags_compared: int
    hashtags_counted: int
    #: ``new_views`` over the views of the same hashtags at the earlier end.
    view_growth: float | None
    #: Oldest and middle reading at the earlier end, and newest at the later one.
    previous_at: datetime | None
    read_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Before:
    """The same in the period before; None where nothing was read in it."""

    since: datetime
    until: datetime
    new_views: int | None
    new_videos: int | None
    #: Begin of the first six hours of it in which anything was read.
    first_at: datetime | None
    videos_seen: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """Growth in stretches of time."""

    #: None is the own hashtags together.
    hashtag: str | None
    #: Views and videos at the begin; None where not known.
    view_count: int | None
    video_count: int | None
    points: tuple[GainPoint, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Velocity:
    """Growth of the own hashtags in one stretch beside what is usual at that hour."""

    begins_at: datetime
    ends_at: datetime
    #: None where no hashtag was read.
    new_views: int | None
    #: Of the same hours of earlier days; None with fewer than a week of them.
    usual_low: float | None
    usual_high: float | None
    days: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """Own part of what own hashtags and competitors gained together."""

    own: int
    others: int

    @property
    def ratio(self) -> float | None:
        """Own over all; None when nothing was gained."""
        return self.own / (self.own + self.others) if self.own + self.others > 0 else None


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignHead:
    """What every page of a campaign says first."""

    campaign_id: int
    campaign: str
    timezone: str
    phase: Phase
    hashtags: int
    competitors: int
    next_run: NextRun | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignView:
    """The first page of a campaign."""

    now: datetime
    head: CampaignHead
    period: Period
    own: RoleTotals
    competitors: RoleTotals
    before: Before | None
    #: Videos held in all, and first seen in the period.
    videos_held: int
    videos_seen: int
    held: Completeness | None
    #: How long a stretch of the series is.
    every: timedelta
    series: tuple[Series, ...]
    #: Competitors that have no line of their own.
    competitors_left_out: int
    velocity: tuple[Velocity, ...]
    velocity_every: timedelta
    #: None as soon as nothing is known of one side.
    share_of_views: Share | None
    share_of_videos: Share | None
    #: Hashtags that gained most, own ones.
    leaders: tuple[HashtagLine, ...]
    top_videos: tuple[KnownVideo, ...]
    #: Alerts of the period and those that still fire, newest first.
    alerts: tuple[Alert, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class HashtagsView:
    """The hashtags of a campaign, a page at a time."""

    now: datetime
    head: CampaignHead
    period: Period
    hashtags: tuple[HashtagLine, ...]
    curves: Mapping[str, tuple[int | None, ...]]
    page: int
    pages: int
    own: RoleTotals
    competitors: RoleTotals


def view_head(campaign: Campaign, schedules: Mapping[Job, str], now: datetime) -> CampaignHead:
    """What every page of a campaign says first."""
    return CampaignHead(
        campaign_id=campaign.campaign_id,
        campaign=campaign.name,
        timezone=campaign.timezone,
        phase=campaign_phase(campaign, now),
        hashtags=len(campaign.own()),
        competitors=len(campaign.competitors()),
        next_run=next_run(campaign, (Job.TRACK, Job.COLLECT), schedules, now),
    )


async def view_campaign(
    context: Context, campaign: Campaign, period: Period, *, schedules: Mapping[Job, str]
) -> CampaignView:
    """Gather the page. Raises `StorageError`."""
    store, now, number = context.store, context.clock.now(), campaign.campaign_id
    found = await store.hashtags_at(number, _instants(period, now))
    lines = await _lines(context, campaign, found, _is_open(period, now))
    own = [line for line in lines if line.role is Role.OWN]
    others = [line for line in lines if line.role is Role.COMPETITOR]
    chosen = sorted(others, key=lambda line: -(line.new_views or 0))[:_COMPETITORS]
    every = _every(period)
    points = await store.gains(
        number,
        _floor(period.since, every),
        period.until,
        every=every,
        apart=[line.hashtag for line in chosen],
    )
    totals, other_totals = _role_totals(own, found), _role_totals(others, found)
    velocity, velocity_every = await _velocity(context, number, period)
    held, seen, seen_before = await store.own_video_counts(
        number,
        [
            (_LONG_AGO, now),
            (period.since, period.until),
            (period.before or period.since, period.since),
        ],
    )
    top = await store.top_videos(number, period.since, period.until, _TOP)
    videos = {v.video_id: v for v in await store.known_videos(number, video_ids=top)}
    return CampaignView(
        now=now,
        head=view_head(campaign, schedules, now),
        period=period,
        own=totals,
        competitors=other_totals,
        before=await _before(context, number, period, seen_before),
        videos_held=held,
        videos_seen=seen,
        held=add_up(line.held for line in own if line.held is not None),
        every=SIX_HOURS * every,
        series=tuple(_series(points, own, chosen, found)),
        competitors_left_out=len(others) - len(chosen),
        velocity=velocity,
        velocity_every=velocity_every,
        share_of_views=_share(totals.new_views, other_totals.new_views),
        share_of_videos=_share(totals.new_videos, other_totals.new_videos),
        leaders=tuple(
            sorted((x for x in own if x.new_views), key=lambda x: -(x.new_views or 0))[:_TOP]
        ),
        top_videos=tuple(videos[key] for key in top if key in videos),
        alerts=tuple(
            alert
            for alert in await store.campaign_alerts(number, since=period.since, limit=_ALERTS)
            if alert.opened_at <= period.until or alert.state is AlertState.FIRING
        ),
    )


async def view_hashtags(
    context: Context,
    campaign: Campaign,
    period: Period,
    *,
    schedules: Mapping[Job, str],
    page: int = 1,
) -> HashtagsView:
    """The hashtags of a campaign, those that gained most first. Raises `StorageError`."""
    store, now = context.store, context.clock.now()
    found = await store.hashtags_at(campaign.campaign_id, _instants(period, now))
    lines = await _lines(context, campaign, found, _is_open(period, now))
    ranked = sorted(
        lines, key=lambda x: (x.role is not Role.OWN, -(x.new_views or 0), -(x.view_count or 0))
    )
    pages = max(1, -(-len(ranked) // HASHTAGS_A_PAGE))
    page = min(max(page, 1), pages)
    shown = ranked[(page - 1) * HASHTAGS_A_PAGE : page * HASHTAGS_A_PAGE]
    curves = await store.hashtag_curves(
        campaign.campaign_id, [line.hashtag for line in shown], now - _CURVE
    )
    return HashtagsView(
        now=now,
        head=view_head(campaign, schedules, now),
        period=period,
        hashtags=tuple(shown),
        curves={name: regular(points) for name, points in curves.items()},
        page=page,
        pages=pages,
        own=_role_totals([x for x in lines if x.role is Role.OWN], found),
        competitors=_role_totals([x for x in lines if x.role is Role.COMPETITOR], found),
    )


# --- hashtags -------------------------------------------------------------------------------------

_LONG_AGO = datetime.fromisoformat("1970-01-02T00:00:00+00:00")


def _is_open(period: Period, now: datetime) -> bool:
    """Whether the period ends now, so that newest readings are its last ones."""
    return period.until >= now


def _instants(period: Period, now: datetime) -> list[datetime]:
    return [period.since] if _is_open(period, now) else [period.since, period.until]


async def _lines(
    context: Context, campaign: Campaign, found: Sequence[HashtagAt], is_open: bool
) -> list[HashtagLine]:
    ends = [(one.readings[0], one.latest if is_open else one.readings[-1]) for one in found]
    published = await context.store.published_in(
        {
            one.hashtag_key: (earlier.read_at, latest.read_at)
            for one, (earlier, latest) in zip(found, ends, strict=True)
            if one.role is Role.OWN and earlier and latest and earlier.read_at < latest.read_at
        },
        campaign_id=campaign.campaign_id,
    )
    return [
        _line(one, earlier, latest, published.get(one.hashtag_key, 0))
        for one, (earlier, latest) in zip(found, ends, strict=True)
    ]


def _line(
    one: HashtagAt, earlier: HashtagLevel | None, latest: HashtagLevel | None, published: int
) -> HashtagLine:
    new_views = new_videos = growth = previous_at = held = None
    if earlier is not None and latest is not None and earlier.read_at < latest.read_at:
        views, videos = changes_between(earlier, latest)
        new_views, new_videos, previous_at = views.delta, videos.delta, earlier.read_at
        growth = views.delta / views.base if views.delta is not None and views.base else None
        held = completeness_of(published, videos) if one.role is Role.OWN else None
    return HashtagLine(
        hashtag=one.hashtag,
        role=one.role,
        view_count=None if latest is None else latest.view_count,
        video_count=None if latest is None else latest.video_count,
        read_at=None if latest is None else latest.read_at,
        previous_at=previous_at,
        new_views=new_views,
        new_videos=new_videos,
        view_growth=growth,
        paused_at=one.paused_at,
        failures=one.failures,
        failure_reason=one.failure_reason,
        held=held,
    )


def _role_totals(lines: Sequence[HashtagLine], found: Sequence[HashtagAt]) -> RoleTotals:
    views = [line.view_count for line in lines if line.view_count is not None]
    gains = [line for line in lines if line.new_views is not None]
    videos = [line.new_videos for line in lines if line.new_videos is not None]
    levels = {x.hashtag: x.readings[0].view_count for x in found if x.readings[0] is not None}
    base = sum(levels.get(line.hashtag) or 0 for line in gains)
    new_views = sum(line.new_views or 0 for line in gains) if gains else None
    return RoleTotals(
        hashtags=len(lines),
        view_count=sum(views) if views else None,
        hashtags_read=len(views),
        new_views=new_views,
        new_videos=sum(videos) if videos else None,
        hashtags_compared=len(gains),
        hashtags_counted=len(videos),
        view_growth=new_views / base if new_views is not None and base else None,
        previous_at=min((x.previous_at for x in lines if x.previous_at), default=None),
        read_at=max((x.read_at for x in lines if x.read_at), default=None),
    )


def _share(own: int | None, others: int | None) -> Share | None:
    return None if own is None or others is None else Share(own=own, others=others)


# --- growth over time -----------------------------------------------------------------------------


def _every(period: Period) -> int:
    """Windows of six hours in a stretch of the series."""
    if period.length <= _BY_SIX_HOURS:
        return 1
    return 4 if period.length <= _BY_DAY else 28


def _floor(at: datetime, every: int = 1) -> datetime:
    size = SIX_HOURS * every
    return _EPOCH + (at - _EPOCH) // size * size


_EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


def _series(
    points: Sequence[GainPoint],
    own: Sequence[HashtagLine],
    chosen: Sequence[HashtagLine],
    found: Sequence[HashtagAt],
) -> list[Series]:
    by_name: dict[str | None, list[GainPoint]] = defaultdict(list)
    for point in points:
        by_name[point.hashtag].append(point)
    levels = {one.hashtag: one.readings[0] for one in found}
    first = [levels[line.hashtag] for line in own]
    views = [r.view_count for r in first if r is not None and r.view_count is not None]
    videos = [r.video_count for r in first if r is not None and r.video_count is not None]
    series = [
        Series(
            hashtag=None,
            view_count=sum(views) if views else None,
            video_count=sum(videos) if videos else None,
            points=tuple(by_name[None]),
        )
    ]
    for line in chosen:
        level = levels[line.hashtag]
        series.append(
            Series(
                hashtag=line.hashtag,
                view_count=None if level is None else level.view_count,
                video_count=None if level is None else level.video_count,
                points=tuple(by_name[line.hashtag]),
            )
        )
    return series


async def _before(
    context: Context, campaign_id: int, period: Period, videos_seen: int
) -> Before | None:
    if period.before is None:
        return None
    store, since = context.store, period.before
    points = await store.gains(campaign_id, _floor(since), _floor(period.since))
    return Before(
        since=since,
        until=period.since,
        new_views=sum(p.new_views for p in points) if points else None,
        new_videos=sum(p.new_videos for p in points) if points else None,
        first_at=points[0].begins_at if points else None,
        videos_seen=videos_seen,
    )


async def _velocity(
    context: Context, campaign_id: int, period: Period
) -> tuple[tuple[Velocity, ...], timedelta]:
    """By six hours, or by day where a campaign is read about once a day."""
    since = max(period.since, period.until - _VELOCITY)
    if period.name is PeriodName.DAY:
        since = period.until - 2 * _DAY
    begin = _floor(since)
    points = await context.store.gains(
        campaign_id, begin - timedelta(days=_USUAL_DAYS), period.until
    )
    if not points:
        return (), SIX_HOURS
    windows = (period.until - points[0].begins_at) / SIX_HOURS
    every = 1 if len(points) >= _DENSE * windows else 4
    gains: Counter[datetime] = Counter()
    for point in points:
        gains[_floor(point.begins_at, every)] += point.new_views
    size, begin = SIX_HOURS * every, _floor(since, every)
    # What was read for the first time has no growth yet.
    gains.pop(_floor(points[0].begins_at, every), None)
    found, at = [], begin
    while at < period.until:
        found.append(_pace(gains, at, size))
        at += size
    return tuple(found), size


def _pace(gains: Mapping[datetime, int], at: datetime, size: timedelta) -> Velocity:
    days = [gains.get(at - n * _DAY) for n in range(1, _USUAL_DAYS + 1)]
    known = sorted(float(value) for value in days if value is not None)
    usual = len(known) >= _USUAL_LEAST
    return Velocity(
        begins_at=at,
        ends_at=at + size,
        new_views=gains.get(at),
        usual_low=quantile(known, _USUAL_LOW) if usual else None,
        usual_high=quantile(known, _USUAL_HIGH) if usual else None,
        days=len(known),
    )


def regular(points: Sequence[tuple[datetime, int | None]]) -> tuple[int | None, ...]:
    """Growth of every six hours from the first to the last; None where nothing was read."""
    if not points:
        return ()
    known = dict(points)
    at, end = points[0][0] + SIX_HOURS, points[-1][0]
    found: list[int | None] = []
    while at <= end:
        found.append(known.get(at))
        at += SIX_HOURS
    return tuple(found)
