"""Zones, where a day began in them, and spans as people write them."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
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


def parse_span(text: str) -> timedelta | None:
    """The time meant by 12h, 60d or 8w; None for anything else."""
    span = _SPAN.fullmatch(text.strip().lower())
    return timedelta(**{_UNITS[span[2]]: int(span[1])}) if span else None
