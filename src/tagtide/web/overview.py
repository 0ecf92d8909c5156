"""What the overview shows, gathered from the store: facts, no words and no HTML."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from tagtide.bootstrap import App
from tagtide.core.periods import start_of_day
from tagtide.core.planning import Phase, campaign_phase
from tagtide.core.schedule import describe
from tagtide.core.velocity import HISTORY, Change, measure_change
from tagtide.errors import InvalidInput
from tagtide.jobs import Health, effective_schedule
from tagtide.models import Alert, Campaign, CampaignHashtag, Delivery, DeliveryState, Job
from tagtide.ports import Balance, HashtagState, LedgerTotals, RunSummary
from tagtide.services.context import Context

_DAY = timedelta(days=1)
_TOLERANCE = timedelta(hours=12)
_RUNS = 8
_DEAD_LETTERS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class HashtagLine:
    """A hashtag at its newest reading."""

    hashtag: CampaignHashtag
    state: HashtagState
    #: Against the reading nearest to a day earlier; None without a reading.
    change: Change | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NextRun:
    """When a job runs next."""

    job: Job
    #: In words, with the zone.
    rhythm: str
    #: None while the campaign is not running, or when the schedule cannot be read.
    at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignView:
    """One campaign."""

    campaign: Campaign
    phase: Phase
    hashtags: tuple[HashtagLine, ...]
    alerts: tuple[Alert, ...]
    runs: tuple[RunSummary, ...]
    next_runs: tuple[NextRun, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """Everything on the page."""

    now: datetime
    campaigns: tuple[CampaignView, ...]
    balance: Balance | None
    today: LedgerTotals
    #: Credits that may be spent today; None is no limit.
    allowed_today: int | None
    price_per_credit: float
    currency: str
    #: What is wrong, a sentence each.
    warnings: tuple[str, ...]
    #: Messages that were given up, newest first, at most a few.
    dead_letters: tuple[Delivery, ...]
    #: How many there are.
    dead_letter_count: int


async def gather(app: App, health: Health) -> Overview:
    """Read everything the page shows. Raises `StorageError`."""
    context = app.context
    now = context.clock.now()
    midnight = start_of_day(now)
    schedules = app.schedules
    campaigns = await context.store.campaigns()
    counts = await context.store.delivery_counts()
    dead = await context.store.deliveries(state=DeliveryState.DEAD, limit=_DEAD_LETTERS)
    return Overview(
        now=now,
        campaigns=tuple([await _campaign(context, c, schedules, now) for c in campaigns]),
        balance=await context.store.balance(),
        today=await context.store.spent(midnight),
        allowed_today=context.budget.credits_per_day,
        price_per_credit=context.price_per_credit,
        currency=context.currency,
        warnings=tuple(health.conditions.values()),
        dead_letters=tuple(dead),
        dead_letter_count=sum(c.count for c in counts if c.state is DeliveryState.DEAD),
    )


async def _campaign(
    context: Context, campaign: Campaign, schedules: Mapping[Job, str], now: datetime
) -> CampaignView:
    store, number = context.store, campaign.campaign_id
    states = await store.hashtag_states([h.name for h in campaign.hashtags])
    phase = campaign_phase(campaign, now)
    return CampaignView(
        campaign=campaign,
        phase=phase,
        hashtags=tuple([await _line(context, h, states[h.name]) for h in campaign.hashtags]),
        alerts=tuple(await store.firing(number)),
        runs=tuple(await store.runs(campaign_id=number, limit=_RUNS)),
        next_runs=tuple(_next_run(campaign, job, schedules, phase, now) for job in Job),
    )


async def _line(context: Context, hashtag: CampaignHashtag, state: HashtagState) -> HashtagLine:
    latest = state.latest
    if latest is None:
        return HashtagLine(hashtag=hashtag, state=state, change=None)
    read_at = latest.read_at
    earlier = await context.store.reading_near(
        hashtag.name, read_at - _DAY, before=read_at, tolerance=_TOLERANCE
    )
    history = await context.store.hashtag_readings(hashtag.name, read_at - HISTORY, read_at)
    return HashtagLine(
        hashtag=hashtag, state=state, change=measure_change(latest, earlier, history)
    )


def _next_run(
    campaign: Campaign, job: Job, schedules: Mapping[Job, str], phase: Phase, now: datetime
) -> NextRun:
    try:
        schedule = effective_schedule(campaign, job, schedules)
    except InvalidInput:
        return NextRun(job=job, rhythm="its schedule cannot be read", at=None)
    at = schedule.next_after(now) if phase is Phase.RUNNING else None
    return NextRun(job=job, rhythm=describe(schedule), at=at)
