"""The first page of the day: what changed since somebody last looked, and what needs a decision."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from tagtide.core.periods import start_of_day
from tagtide.core.planning import Phase, campaign_phase
from tagtide.core.schedule import effective_schedule, rhythm_of, wrapup_slot
from tagtide.core.velocity import gains_between
from tagtide.errors import InvalidInput
from tagtide.models import (
    Alert,
    Campaign,
    Delivery,
    DeliveryState,
    Job,
)
from tagtide.ports import (
    Balance,
    HashtagPace,
    KnownVideo,
    LedgerTotals,
    RunSummary,
    WindowTotal,
)
from tagtide.services.context import Context

_DAY = timedelta(days=1)
#: Curves of the campaigns go back so far.
_CURVE = timedelta(days=7)
_WINDOW = timedelta(hours=6)
#: Days of spending that a forecast rests on.
_SPENDING_DAYS = 7
_ALERTS = _VIDEOS = _RUNS = 8
_DEAD_LETTERS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Gain:
    """What a hashtag gained since the instant asked for."""

    hashtag: str
    new_views: int | None
    new_videos: int | None
    #: The reading it is measured from, and the newest.
    previous_at: datetime
    read_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class NextRun:
    """When a job runs next."""

    job: Job
    #: In words, with the zone; None when its schedule cannot be read.
    rhythm: str | None
    #: None while the campaign is not running, or when the schedule cannot be read.
    at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignLine:
    """A campaign in one row. Sums are over its own hashtags."""

    campaign_id: int
    campaign: str
    timezone: str
    phase: Phase
    hashtags: int
    #: Sum over the hashtags whose views are known; None before the first reading.
    view_count: int | None
    #: How many hashtags that sum rests on.
    hashtags_read: int
    #: Sum of what was gained since; None as soon as nothing is known of any.
    new_views: int | None
    #: Hashtags that sum rests on.
    hashtags_compared: int
    #: Videos seen for the first time since.
    new_videos_seen: int
    #: Oldest and newest reading among those the row speaks of.
    previous_at: datetime | None
    read_at: datetime | None
    #: The hashtag that gained most views.
    leader: Gain | None
    #: Views gained per six hours, oldest first; None where not all hashtags were read.
    curve: tuple[int | None, ...]
    firing: int
    next_run: NextRun | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignAlert:
    """An alert with the name of its campaign; None for what tagtide says about itself."""

    alert: Alert
    campaign: str | None
    timezone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PriorityVideo:
    """A video that became high priority since."""

    campaign_id: int
    campaign: str
    timezone: str
    high_priority_at: datetime
    video: KnownVideo


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedRun:
    """A run that ended as partial or failed."""

    campaign: str | None
    summary: RunSummary


@dataclass(frozen=True, slots=True, kw_only=True)
class Purse:
    """Credits: what is left, what was spent, and until when it lasts at this pace."""

    balance: Balance | None
    today: LedgerTotals
    #: Credits that may be spent today; None is no limit.
    allowed_today: int | None
    #: Mean of the last whole days with any spending; None without one.
    credits_per_day: float | None
    #: How many days the balance lasts at that pace; None when either is unknown.
    days_left: float | None
    price_per_credit: float
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TodayView:
    """Everything on the page."""

    now: datetime
    #: Since when it speaks.
    since: datetime
    campaigns: tuple[CampaignLine, ...]
    #: Alerts that fire and that nobody has in hand, newest first, at most a few.
    alerts: tuple[CampaignAlert, ...]
    #: How many fire, and how many of these somebody has in hand.
    firing: int
    in_hand: int
    priority_videos: tuple[PriorityVideo, ...]
    #: Whether there are more of them than shown.
    more_priority_videos: bool
    failed_runs: tuple[FailedRun, ...]
    purse: Purse
    #: Messages that were given up, newest first, at most a few, and how many there are.
    dead_letters: tuple[Delivery, ...]
    dead_letter_count: int


async def view_today(
    context: Context, *, schedules: Mapping[Job, str], since: datetime | None = None
) -> TodayView:
    """Gather the page. ``since`` defaults to a day ago. Raises `StorageError`."""
    store, now = context.store, context.clock.now()
    since = since or now - _DAY
    campaigns = await store.campaigns()
    named = {c.campaign_id: c for c in campaigns}
    counts = await store.delivery_counts()
    videos = await _priority_videos(context, named, since)
    alerts = await store.firing()
    return TodayView(
        now=now,
        since=since,
        campaigns=await view_lines(
            context, campaigns, await paces_of(context, since), schedules, since
        ),
        alerts=tuple(with_campaign(alert, named) for alert in alerts if alert.acked_at is None)[
            :_ALERTS
        ],
        firing=len(alerts),
        in_hand=sum(alert.acked_at is not None for alert in alerts),
        priority_videos=tuple(videos[:_VIDEOS]),
        more_priority_videos=len(videos) > _VIDEOS,
        failed_runs=tuple(
            FailedRun(
                campaign=named[s.run.campaign_id].name if s.run.campaign_id in named else None,
                summary=s,
            )
            for s in await store.failed_runs(since, _RUNS)
        ),
        purse=await view_purse(context),
        dead_letters=tuple(await store.deliveries(state=DeliveryState.DEAD, limit=_DEAD_LETTERS)),
        dead_letter_count=sum(c.count for c in counts if c.state is DeliveryState.DEAD),
    )


async def view_purse(context: Context) -> Purse:
    """Credits left and spent. Raises `StorageError`."""
    store, now = context.store, context.clock.now()
    midnight = start_of_day(now)
    balance = await store.balance()
    days = await store.daily_credits(midnight - _SPENDING_DAYS * _DAY)
    spent = [count for day, count in days.items() if day != midnight.date()]
    pace = sum(spent) / len(spent) if spent and sum(spent) else None
    left = balance.credits_remaining / pace if balance is not None and pace else None
    return Purse(
        balance=balance,
        today=await store.spent(midnight),
        allowed_today=context.budget.credits_per_day,
        credits_per_day=pace,
        days_left=left,
        price_per_credit=context.price_per_credit,
        currency=context.currency,
    )


def next_run(
    campaign: Campaign, jobs: Sequence[Job], schedules: Mapping[Job, str], now: datetime
) -> NextRun | None:
    """The soonest of the next runs of these jobs; None without any that can be read."""
    found = [_next_run(campaign, job, schedules, now) for job in jobs]
    return min((run for run in found if run.at), key=lambda run: run.at or now, default=None)


def _next_run(campaign: Campaign, job: Job, schedules: Mapping[Job, str], now: datetime) -> NextRun:
    try:
        schedule = effective_schedule(campaign, job, schedules)
    except InvalidInput:
        return NextRun(job=job, rhythm=None, at=None)
    at = schedule.next_after(now) if campaign_phase(campaign, now) is Phase.RUNNING else None
    if job is Job.REPORT_WRAPUP:
        slot = wrapup_slot(campaign, schedule)
        at = slot if slot is not None and slot > now else None
    return NextRun(job=job, rhythm=rhythm_of(job, schedule), at=at)


def with_campaign(alert: Alert, named: Mapping[int, Campaign]) -> CampaignAlert:
    """The alert with the name and the zone of its campaign."""
    campaign = named.get(alert.campaign_id) if alert.campaign_id is not None else None
    return CampaignAlert(
        alert=alert,
        campaign=campaign.name if campaign else None,
        timezone=campaign.timezone if campaign else "UTC",
    )


async def _priority_videos(
    context: Context, named: Mapping[int, Campaign], since: datetime
) -> list[PriorityVideo]:
    fresh = await context.store.fresh_priority(since, _VIDEOS + 1)
    wanted: dict[int, list[str]] = defaultdict(list)
    for one in fresh:
        wanted[one.campaign_id].append(one.video_id)
    known = {
        (number, video.video_id): video
        for number, ids in wanted.items()
        for video in await context.store.known_videos(number, video_ids=ids)
    }
    return [
        PriorityVideo(
            campaign_id=one.campaign_id,
            campaign=named[one.campaign_id].name,
            timezone=named[one.campaign_id].timezone,
            high_priority_at=one.high_priority_at,
            video=known[one.campaign_id, one.video_id],
        )
        for one in fresh
        if one.campaign_id in named and (one.campaign_id, one.video_id) in known
    ]


async def paces_of(context: Context, since: datetime) -> Mapping[int, list[HashtagPace]]:
    """By campaign, its own hashtags now and at an earlier instant. Raises `StorageError`."""
    paces: dict[int, list[HashtagPace]] = defaultdict(list)
    for pace in await context.store.hashtag_pace(since):
        paces[pace.campaign_id].append(pace)
    return paces


async def view_lines(
    context: Context,
    campaigns: Sequence[Campaign],
    paces: Mapping[int, list[HashtagPace]],
    schedules: Mapping[Job, str],
    since: datetime,
) -> tuple[CampaignLine, ...]:
    """A line for each campaign, in the same order. Raises `StorageError`."""
    store, now = context.store, context.clock.now()
    firing = await store.firing_counts()
    windows: dict[int, list[WindowTotal]] = defaultdict(list)
    for total in await store.window_totals(now - _CURVE):
        windows[total.campaign_id].append(total)
    seen = await store.new_video_counts(since)
    return tuple(
        _line(
            campaign,
            paces[campaign.campaign_id],
            curve=view_curve(windows[campaign.campaign_id]),
            new_videos=seen.get(campaign.campaign_id, 0),
            firing=firing.get(campaign.campaign_id, 0),
            soonest=next_run(campaign, (Job.TRACK, Job.COLLECT), schedules, now),
            now=now,
        )
        for campaign in campaigns
    )


def _line(
    campaign: Campaign,
    paces: Sequence[HashtagPace],
    *,
    curve: tuple[int | None, ...],
    new_videos: int,
    firing: int,
    soonest: NextRun | None,
    now: datetime,
) -> CampaignLine:
    views = [p.latest.view_count for p in paces if p.latest and p.latest.view_count is not None]
    gains = [
        (*gains_between(p.base, p.latest), p)
        for p in paces
        if p.base and p.latest and p.base.read_at < p.latest.read_at
    ]
    known = [new_views for new_views, _, _ in gains if new_views is not None]
    best = max((gain for gain in gains if gain[0]), key=lambda g: g[0] or 0, default=None)
    return CampaignLine(
        campaign_id=campaign.campaign_id,
        campaign=campaign.name,
        timezone=campaign.timezone,
        phase=campaign_phase(campaign, now),
        hashtags=len(campaign.own()),
        view_count=sum(views) if views else None,
        hashtags_read=len(views),
        new_views=sum(known) if known else None,
        hashtags_compared=len(known),
        new_videos_seen=new_videos,
        previous_at=min((p.base.read_at for _, _, p in gains if p.base), default=None),
        read_at=max((p.latest.read_at for p in paces if p.latest), default=None),
        leader=None if best is None else _gain(*best),
        curve=curve,
        firing=firing,
        next_run=soonest,
    )


def _gain(new_views: int | None, new_videos: int | None, pace: HashtagPace) -> Gain:
    assert pace.base is not None
    assert pace.latest is not None
    return Gain(
        hashtag=pace.hashtag,
        new_views=new_views,
        new_videos=new_videos,
        previous_at=pace.base.read_at,
        read_at=pace.latest.read_at,
    )


def view_curve(totals: Sequence[WindowTotal]) -> tuple[int | None, ...]:
    """Growth in each six hours after the first; None where nothing was read, or the sum fell."""
    if not totals:
        return ()
    known = {total.window_at: total.new_views for total in totals}
    found: list[int | None] = []
    at, end = totals[0].window_at + _WINDOW, totals[-1].window_at
    while at <= end:
        gain = known.get(at)
        found.append(None if gain is None or gain < 0 else gain)
        at += _WINDOW
    return tuple(found)
