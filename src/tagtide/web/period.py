"""Which period a page speaks of, from its address: ``?period=7d`` or ``?from=...&to=...``."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from urllib.parse import urlencode

from starlette.datastructures import QueryParams

from tagtide.core.periods import (
    Period,
    PeriodName,
    days_between,
    last_hours,
    whole_campaign,
    zone_or_utc,
)
from tagtide.errors import InvalidInput
from tagtide.models import Campaign

#: What a page speaks of when nothing is asked for.
DEFAULT = PeriodName.WEEK
_HOURS = {PeriodName.DAY: 24, PeriodName.WEEK: 7 * 24, PeriodName.MONTH: 28 * 24}
_LABELS = {
    PeriodName.DAY: "24 hours",
    PeriodName.WEEK: "7 days",
    PeriodName.MONTH: "28 days",
    PeriodName.CAMPAIGN: "Campaign",
}
#: TikTok began in the first of these years; beyond the last, calendars of computers end.
_FIRST_YEAR, _LAST_YEAR = 2016, 2200


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One segment of the control."""

    label: str
    query: str
    is_current: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PeriodChoice:
    """The period of a page, and the others to choose from."""

    period: Period
    choices: tuple[Choice, ...]
    #: Days for the two fields of a period of one's own.
    first_day: str
    last_day: str
    #: As asked for, to be kept in links to other pages.
    query: str


def parse_period(asked: QueryParams, campaign: Campaign, now: datetime) -> PeriodChoice:
    """The period asked for, in the campaign's zone. Raises `InvalidInput`."""
    name = _name(asked)
    period = _period(name, asked, campaign, now)
    zone = zone_or_utc(campaign.timezone)
    first = period.since.astimezone(zone).date().isoformat()
    last = period.until.astimezone(zone).date().isoformat()
    query = {"period": name.value}
    if name is PeriodName.CUSTOM:
        first, last = asked.get("from", ""), asked.get("to") or last
        query = {"from": first, "to": last}
    return PeriodChoice(
        period=period,
        choices=tuple(
            Choice(label=label, query=f"period={one.value}", is_current=one is name)
            for one, label in _LABELS.items()
        ),
        first_day=first,
        last_day=last,
        query=urlencode(query),
    )


def _name(asked: QueryParams) -> PeriodName:
    given = asked.get("period")
    if not given:
        return PeriodName.CUSTOM if asked.get("from") or asked.get("to") else DEFAULT
    try:
        return PeriodName(given)
    except ValueError:
        known = ", ".join(PeriodName)
        raise InvalidInput(
            f"There is no period {given[:40]!r}.", hint=f"Periods are {known}."
        ) from None


def _period(name: PeriodName, asked: QueryParams, campaign: Campaign, now: datetime) -> Period:
    if name in _HOURS:
        return last_hours(name, _HOURS[name], now)
    if name is PeriodName.CAMPAIGN:
        return whole_campaign(
            campaign.starts_on, campaign.ends_on, campaign.created_at, campaign.timezone, now
        )
    today = now.astimezone(zone_or_utc(campaign.timezone)).date()
    first, last = _day(asked.get("from"), "first"), today
    if asked.get("to"):
        last = _day(asked.get("to"), "last")
    try:
        return days_between(first, last, campaign.timezone, now)
    except ValueError as error:
        said = str(error)
        raise InvalidInput(f"This is no period: {said}.", hint="Choose other days.") from None


def _day(given: str | None, which: str) -> date:
    try:
        day = date.fromisoformat(given or "")
    except ValueError:
        day = date.min
    if not _FIRST_YEAR <= day.year <= _LAST_YEAR:
        raise InvalidInput(
            f"The {which} day {(given or '')[:40]!r} is not one.",
            hint="Write days as 2026-11-20, for example ?from=2026-11-01&to=2026-11-20.",
        )
    return day
