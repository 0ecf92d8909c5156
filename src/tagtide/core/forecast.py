"""What a campaign will cost at its schedules."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from statistics import fmean, variance

from tagtide.core.schedule import Schedule
from tagtide.models import Campaign, Job

#: Four weeks without a change of clocks in most zones: long enough for any weekly pattern.
_FROM = datetime(2024, 1, 8, tzinfo=UTC)
_DAYS = 28


def daily_calls(campaign: Campaign, *, collect: str, track: str) -> float:
    """Calls per day: totals of every hashtag per tracking, pages of every feed per collection.

    ``collect`` and ``track`` are the installation's cron expressions; the campaign's own win. The
    page budget counts in full, retries and the one call that resolves an id do not.
    """
    return _per_day(campaign, Job.COLLECT, collect) * run_calls(campaign, Job.COLLECT) + _per_day(
        campaign, Job.TRACK, track
    ) * run_calls(campaign, Job.TRACK)


def run_calls(campaign: Campaign, job: Job) -> int:
    """Calls of one run, each of which costs a credit; what a report makes is nothing."""
    if job is Job.COLLECT:
        return sum(hashtag.feed for hashtag in campaign.hashtags) * campaign.page_budget
    return len(campaign.hashtags) if job is Job.TRACK else 0


def _per_day(campaign: Campaign, job: Job, default: str) -> float:
    return _slots_per_day(campaign.schedules.get(job, default), campaign.timezone)


@lru_cache(maxsize=4096)
def _slots_per_day(text: str, zone: str) -> float:
    """Campaigns are many, their schedules few."""
    schedule = Schedule.parse(text, zone)
    return len(schedule.slots_between(_FROM, _FROM + timedelta(days=_DAYS))) / _DAYS


# --- the rest of the month ------------------------------------------------------------------------

#: Whole days of spending that a forecast, and a band around it, need.
ENOUGH_DAYS = 3
#: Nine months in ten end within the band, if days are alike and independent.
_NINE_IN_TEN = 1.645


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthForecast:
    """Credits that will have been spent when the month ends."""

    #: Spent up to now.
    spent: int
    expected: float
    #: The band; None where too few days are known to tell.
    low: float | None
    high: float | None
    #: Expected per day of what is left of the month, and what that rests on.
    per_day: float
    days_left: float
    #: Whole days it rests on; 0: it rests on the schedules alone.
    days: int


def forecast_month(
    spent: int, daily: Sequence[int], days_left: float, scheduled_per_day: float
) -> MonthForecast:
    """Go on as on the days before; by the schedules where too few of them are known.

    Args:
        spent: Credits of this month up to now.
        daily: Credits of whole days, in any order; days without any are zeros.
        days_left: Until the month ends.
        scheduled_per_day: What the schedules cost at most.
    """
    if len(daily) < ENOUGH_DAYS:
        return MonthForecast(
            spent=spent,
            expected=spent + scheduled_per_day * days_left,
            low=None,
            high=None,
            per_day=scheduled_per_day,
            days_left=days_left,
            days=0,
        )
    mean, scatter = fmean(daily), variance(daily)
    # Of the days to come, and of the mean itself, which rests on a few days.
    spread = _NINE_IN_TEN * math.sqrt(scatter * days_left * (1 + days_left / len(daily)))
    expected = spent + mean * days_left
    return MonthForecast(
        spent=spent,
        expected=expected,
        low=max(float(spent), expected - spread),
        high=expected + spread,
        per_day=mean,
        days_left=days_left,
        days=len(daily),
    )


def hashtags_for(credit_count: float, calls_per_day: float) -> int:
    """How many hashtags so many credits keep up for a month of 30 days."""
    return int(credit_count // (calls_per_day * 30))
