"""How figures and instants look to the readers of a channel: separators and clock."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from tagtide.core.formats import DASH, date_text, time_of_day
from tagtide.core.language import CLOCKS, NUMBERS, in_look

#: A number of ours in a sentence; not a part of a handle, a hashtag or a word.
_NUMBER = re.compile(r"(?<![\w@#.,])\d{1,3}(?:,\d{3})*(?:\.\d+)?(?![\w.,]*\w)")


@dataclass(frozen=True, slots=True)
class Style:
    """Separators and clock; the defaults are those of `core.formats`."""

    #: A key of `NUMBERS`.
    numbers: str = "1,234.5"
    #: One of `CLOCKS`.
    clock: str = "24h"

    def of_campaign(self, numbers: object, clock: object) -> Style:
        """The same with what a campaign sets; what is no style of ours is left alone."""
        return Style(
            numbers if isinstance(numbers, str) and numbers in NUMBERS else self.numbers,
            clock if isinstance(clock, str) and clock in CLOCKS else self.clock,
        )

    def figure(self, text: str) -> str:
        """A figure from `core.formats` in this style."""
        return in_look(text, self.numbers)

    def sentence(self, text: str) -> str:
        """A sentence of ours with its numbers in this style."""
        return _NUMBER.sub(lambda found: self.figure(found.group()), text)

    def instant(self, instant: datetime | None, zone: ZoneInfo) -> str:
        """Date, time and the zone's name: ``20 Nov 2026, 14:05 (Europe/Paris)``."""
        if instant is None:
            return DASH
        return f"{date_text(instant, zone)}, {time_of_day(instant, zone, self.clock)} ({zone.key})"
