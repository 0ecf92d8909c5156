"""Zones, where a day began in them, spans as people write them, and the periods of pages."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from enum import StrEnum
from zoneinfo import ZoneInfo

_SPAN = re.compile(r"(\d{1,4})([hdw])", re.ASCII)
_UNITS = {"h": "hours", "d": "days", "w": "weeks"}


def zone_or_utc(name: str) -> ZoneInfo:
    """The zone of that name; UTC for one that this machine does not know (any more)."""
    try:
        return ZoneInfo(name or "UTC")
    except (ValueError, OSError, LookupError):
        return ZoneInfo("UTC")


def start_of_day(instant: datetime, zone: str = "UTC") -> datetime:
    """Midnight before ``instant`` on the wall clock of ``zone``, in the zone of ``instant``."""
    local = instant.astimezone(ZoneInfo(zone)).replace(hour=0, minute=0, second=0, microsecond=0)
    return local.astimezone(instant.tzinfo)


def midnight(day: date, zone: tzinfo) -> datetime:
    """When a day begins on the wall clock of a zone."""
    return datetime.combine(day, time(), zone)


def parse_span(text: str) -> timedelta | None:
    """The time meant by 12h, 60d or 8w; None for anything else."""
    span = _SPAN.fullmatch(text.strip().lower())
    return timedelta(**{_UNITS[span[2]]: int(span[1])}) if span else None


class PeriodName(StrEnum):
    """Periods that a page can speak of."""

    DAY = "24h"
    WEEK = "7d"
    MONTH = "28d"
    CAMPAIGN = "campaign"
    CUSTOM = "custom"


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """A stretch of time that a page speaks of, and the one of the same length before it."""

    name: PeriodName
    since: datetime
    until: datetime
    #: Begin of the period before; None where there is nothing to compare with.
    before: datetime | None

    @property
    def length(self) -> timedelta:
        """From its begin to its end."""
        return self.until - self.since


def last_hours(name: PeriodName, hours: int, now: datetime) -> Period:
    """The hours before ``now``, compared with as many before them."""
    length = timedelta(hours=hours)
    return Period(name=name, since=now - length, until=now, before=now - 2 * length)


def days_between(first: date, last: date, zone: str, now: datetime) -> Period:
    """Whole days of a zone, both included, but for what lies ahead; compared with as many before.

    Raises `ValueError` when the first day lies ahead, or after the last.
    """
    if last < first:
        raise ValueError("the last day is before the first")
    since, end = _midnight(first, zone, now), _midnight(last + timedelta(days=1), zone, now)
    if since >= now:
        raise ValueError("the first day has not begun")
    before = _midnight(first - (last - first) - timedelta(days=1), zone, now)
    return Period(name=PeriodName.CUSTOM, since=since, until=min(end, now), before=before)


def whole_campaign(
    begins: date | None, ends: date | None, created_at: datetime | None, zone: str, now: datetime
) -> Period:
    """From the first day, or from when it was added, to the last day or now."""
    since = _midnight(begins, zone, now) if begins else created_at or now - timedelta(days=28)
    until = min(now, _midnight(ends + timedelta(days=1), zone, now)) if ends else now
    if since >= until:
        since = until - timedelta(days=1)
    return Period(name=PeriodName.CAMPAIGN, since=since, until=until, before=None)


def _midnight(day: date, zone: str, like: datetime) -> datetime:
    return midnight(day, zone_or_utc(zone)).astimezone(like.tzinfo)
