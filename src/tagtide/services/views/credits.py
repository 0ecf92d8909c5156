"""Credits: spent on what, left, and how long that lasts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TypeVar

from tagtide.core.charts.credits import days_between
from tagtide.core.forecast import MonthForecast, daily_calls, forecast_month, hashtags_for
from tagtide.core.periods import start_of_day
from tagtide.errors import InvalidInput
from tagtide.models import Campaign, Job
from tagtide.ports import (
    Balance,
    LedgerEntry,
    LedgerFilter,
    LedgerTotals,
    SpendingCell,
)
from tagtide.services.context import Context
from tagtide.services.spending import warnings_of

K = TypeVar("K", bound=Hashable)

#: Days that the shares of campaigns, jobs and endpoints are of, and the forecast rests on.
DAYS = 30
#: Rows of the ledger on a page.
_ROWS = 100
_DAY = timedelta(days=1)
#: Calls a day of one hashtag whose totals are read daily, and every six hours.
_DAILY, _SIX_HOURLY = 1.0, 4.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """What calls of one kind have cost."""

    calls: int
    #: Charged.
    credits: int
    #: May have been charged.
    unknown: int

    @property
    def counted(self) -> int:
        """What counts as spent."""
        return self.credits + self.unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignShare:
    """What a campaign has cost, and what for."""

    #: None: calls of no campaign in service.
    campaign_id: int | None
    campaign: str | None
    share: Share
    new_videos: int
    alerts: int
    #: None where there was none to divide by.
    credits_per_new_video: float | None
    credits_per_alert: float | None
    #: What its schedules cost at most; None where they cannot be read.
    scheduled_per_day: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitBuys:
    """What one more unit of money would buy."""

    credits: float
    #: Hashtags whose totals are read for 30 days.
    hashtags_daily: int
    hashtags_six_hourly: int
    #: What one such hashtag costs for 30 days.
    price_daily: float
    price_six_hourly: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditsView:
    """Everything on the page."""

    now: datetime
    balance: Balance | None
    today: LedgerTotals
    month: Share
    forecast: MonthForecast
    #: First day of the month, and its last (UTC).
    month_begin: date
    month_last: date
    credits_per_day: int | None
    credits_per_month: int | None
    #: What the month has: its budget, or what there was when it began; None: not known.
    month_limit: int | None
    #: The balance at this pace; None where either is not known, or nothing is spent.
    days_left: float | None
    price_per_credit: float
    currency: str
    #: Credits of each of the last days, today last.
    daily: tuple[tuple[date, int], ...]
    #: The same of this month.
    month_daily: tuple[tuple[date, int], ...]
    campaigns: tuple[CampaignShare, ...]
    jobs: tuple[tuple[Job | None, Share], ...]
    endpoints: tuple[tuple[str, Share], ...]
    total: Share
    new_videos: int
    alerts: int
    #: None where money buys no credits: a price of 0.
    unit_buys: UnitBuys | None
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerView:
    """A page of the ledger."""

    now: datetime
    wanted: LedgerFilter
    entries: tuple[LedgerEntry, ...]
    next_before: int | None
    campaigns: tuple[tuple[int, str], ...]


async def view_credits(context: Context, *, schedules: Mapping[Job, str]) -> CreditsView:
    """Gather the page. Raises `StorageError`."""
    store, now = context.store, context.clock.now()
    midnight = start_of_day(now)
    today, begin = midnight.date(), midnight.replace(day=1)
    since = min(midnight - DAYS * _DAY, begin)
    cells = await store.spending_cells(since.date())
    recent = [c for c in cells if c.on >= (midnight - DAYS * _DAY).date()]
    campaigns = await store.campaigns()
    scheduled = {c.campaign_id: _scheduled(c, schedules) for c in campaigns}
    month = _share(c for c in cells if c.on >= begin.date())
    spent_today, balance = await store.spent(midnight), await store.balance()
    month_last = (_next_month(begin) - _DAY).date()
    per_day = _by(cells, lambda c: c.on)
    spent_days = [(on, _counted(per_day, on)) for on in days_between(since.date(), today)]
    daily = spent_days[-DAYS - 1 :]
    forecast = forecast_month(
        month.counted,
        _since_first(daily[:-1]),
        (_next_month(begin) - now) / _DAY,
        sum(one or 0.0 for one in scheduled.values()),
    )
    total = _share(recent)
    videos = await store.new_video_counts(midnight - DAYS * _DAY)
    alerts = await store.fired_counts(midnight - DAYS * _DAY)
    budget = context.budget
    return CreditsView(
        now=now,
        balance=balance,
        today=spent_today,
        month=month,
        forecast=forecast,
        month_begin=begin.date(),
        month_last=month_last,
        credits_per_day=budget.credits_per_day,
        credits_per_month=budget.credits_per_month,
        month_limit=_month_limit(budget.credits_per_month, month, balance),
        days_left=_days_left(balance, forecast),
        price_per_credit=context.price_per_credit,
        currency=context.currency,
        daily=tuple(daily),
        month_daily=tuple((on, n) for on, n in spent_days if on >= begin.date()),
        campaigns=_campaigns(campaigns, recent, videos, alerts, scheduled),
        jobs=_largest(_by(recent, lambda c: c.job)),
        endpoints=_largest(_by(recent, lambda c: c.endpoint)),
        total=total,
        new_videos=sum(videos.values()),
        alerts=sum(alerts.values()),
        unit_buys=_unit_buys(context.price_per_credit),
        warnings=tuple(
            warnings_of(budget, spent_today.charged + spent_today.unknown, month.counted, balance)
        ),
    )


async def view_ledger(
    context: Context, wanted: LedgerFilter, *, before: int | None = None
) -> LedgerView:
    """Gather a page of the ledger. Raises `StorageError`."""
    found = await context.store.ledger_page(wanted, before=before, limit=_ROWS + 1)
    return LedgerView(
        now=context.clock.now(),
        wanted=wanted,
        entries=tuple(found[:_ROWS]),
        next_before=found[_ROWS - 1].entry_id if len(found) > _ROWS else None,
        campaigns=tuple((c.campaign_id, c.name) for c in await context.store.campaigns()),
    )


def _scheduled(campaign: Campaign, schedules: Mapping[Job, str]) -> float | None:
    try:
        return daily_calls(campaign, collect=schedules[Job.COLLECT], track=schedules[Job.TRACK])
    except InvalidInput:
        return None


def _next_month(begin: datetime) -> datetime:
    return (begin + 32 * _DAY).replace(day=1)


def _since_first(daily: Sequence[tuple[date, int]]) -> list[int]:
    """Whole days from the first with any spending on: before it there was nothing to spend for."""
    spent = [count for _, count in daily]
    first = next((place for place, count in enumerate(spent) if count), len(spent))
    return spent[first:]


def _month_limit(budget: int | None, month: Share, balance: Balance | None) -> int | None:
    if budget is not None:
        return budget
    if balance is None:
        return None
    return balance.credits_remaining + month.counted


def _days_left(balance: Balance | None, forecast: MonthForecast) -> float | None:
    if balance is None or not forecast.per_day:
        return None
    return balance.credits_remaining / forecast.per_day


def _unit_buys(price: float) -> UnitBuys | None:
    if price <= 0:
        return None
    return UnitBuys(
        credits=1 / price,
        hashtags_daily=hashtags_for(1 / price, _DAILY),
        hashtags_six_hourly=hashtags_for(1 / price, _SIX_HOURLY),
        price_daily=30 * _DAILY * price,
        price_six_hourly=30 * _SIX_HOURLY * price,
    )


# --- sums -----------------------------------------------------------------------------------------


def _share(cells: Iterable[SpendingCell]) -> Share:
    found = list(cells)
    return Share(
        calls=sum(c.calls for c in found),
        credits=sum(c.credits for c in found),
        unknown=sum(c.unknown for c in found),
    )


def _by(cells: Iterable[SpendingCell], key: Callable[[SpendingCell], K]) -> dict[K, Share]:
    groups: dict[K, list[SpendingCell]] = defaultdict(list)
    for cell in cells:
        groups[key(cell)].append(cell)
    return {name: _share(group) for name, group in groups.items()}


def _counted(shares: Mapping[date, Share], on: date) -> int:
    return shares[on].counted if on in shares else 0


def _largest(shares: Mapping[K, Share]) -> tuple[tuple[K, Share], ...]:
    return tuple(sorted(shares.items(), key=lambda item: (-item[1].counted, str(item[0]))))


def _campaigns(
    campaigns: Sequence[Campaign],
    cells: Sequence[SpendingCell],
    videos: Mapping[int, int],
    alerts: Mapping[int, int],
    scheduled: Mapping[int, float | None],
) -> tuple[CampaignShare, ...]:
    names = {c.campaign_id: c.name for c in campaigns}
    shares = _by(cells, lambda c: c.campaign_id if c.campaign_id in names else None)
    empty = Share(calls=0, credits=0, unknown=0)
    keys: list[int | None] = [*names, *([None] if None in shares else [])]
    found = []
    for key in keys:
        share = shares.get(key, empty)
        new, fired = (videos.get(key, 0), alerts.get(key, 0)) if key is not None else (0, 0)
        found.append(
            CampaignShare(
                campaign_id=key,
                campaign=names.get(key) if key is not None else None,
                share=share,
                new_videos=new,
                alerts=fired,
                credits_per_new_video=share.counted / new if new else None,
                credits_per_alert=share.counted / fired if fired else None,
                scheduled_per_day=scheduled.get(key) if key is not None else None,
            )
        )
    return tuple(sorted(found, key=lambda one: -one.share.counted))
