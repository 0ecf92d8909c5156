"""Where a day began."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo


def start_of_day(instant: datetime, zone: str = "UTC") -> datetime:
    """Midnight before ``instant`` on the wall clock of ``zone``, in the zone of ``instant``."""
    local = instant.astimezone(ZoneInfo(zone)).replace(hour=0, minute=0, second=0, microsecond=0)
    return local.astimezone(instant.tzinfo)
