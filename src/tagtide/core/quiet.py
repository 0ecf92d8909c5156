"""Hours in which a channel wakes nobody: "22:00-08:00 Europe/Paris"."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from tagtide.core.formats import clean_text
from tagtide.core.schedule import Schedule, check_zone, first_instant
from tagtide.errors import InvalidInput

_HOURS = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d) (\S+)")
_TIME = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)(?: (\S+))?")


@dataclass(frozen=True, slots=True)
class QuietHours:
    """From one time on the wall clock of a zone to another, which may be on the next day."""

    begin: time
    end: time
    #: IANA name.
    zone: str

    @classmethod
    def parse(cls, text: str) -> QuietHours:
        """Read ``HH:MM-HH:MM Zone``. Raises `InvalidInput`."""
        found = _HOURS.fullmatch(" ".join(text.split()))
        if not found:
            raise InvalidInput(
                f"“{clean_text(text, 60)}” are no quiet hours.",
                hint='Begin, end and zone: "22:00-08:00 Europe/Paris".',
            )
        *numbers, zone = found.groups()
        check_zone(zone)
        begin_hour, begin_minute, end_hour, end_minute = map(int, numbers)
        begin, end = time(begin_hour, begin_minute), time(end_hour, end_minute)
        if begin == end:
            raise InvalidInput("Quiet hours that begin when they end leave no other hour.")
        return cls(begin, end, zone)

    def end_after(self, instant: datetime) -> datetime | None:
        """When the quiet that holds at ``instant`` is over, in UTC; None when it is not quiet.

        A time that the clocks skip is the first instant after the gap; of one that comes twice it
        is quiet until the second has passed.
        """
        wall = instant.astimezone(ZoneInfo(self.zone)).replace(tzinfo=None, fold=0)
        if self.begin < self.end:
            if not self.begin <= wall.time() < self.end:
                return None
            over = wall.date()
        elif wall.time() >= self.begin:
            over = wall.date() + timedelta(days=1)
        elif wall.time() < self.end:
            over = wall.date()
        else:
            return None
        end = datetime.combine(over, self.end)
        last = end.replace(tzinfo=ZoneInfo(self.zone), fold=1).astimezone(UTC)
        is_real = last.astimezone(ZoneInfo(self.zone)).replace(tzinfo=None, fold=0) == end
        return last if is_real else first_instant(end, ZoneInfo(self.zone))

    def is_quiet(self, instant: datetime) -> bool:
        """Whether nobody is to be woken at ``instant``."""
        return self.end_after(instant) is not None


def parse_digest(text: str) -> Schedule:
    """When the digest goes out: ``HH:MM Zone``, or five cron fields and a zone; UTC without one.

    Raises `InvalidInput`.
    """
    found = _TIME.fullmatch(" ".join(text.split()))
    if not found:
        return Schedule.parse(text, "UTC")
    hour, minute, zone = found.groups()
    return Schedule.parse(f"{int(minute)} {int(hour)} * * *", zone or "UTC")
