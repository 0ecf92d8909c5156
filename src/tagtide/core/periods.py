"""Zones, and where a day began in them."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo


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
