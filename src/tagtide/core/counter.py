"""How far one reading of a running total can be trusted, knowing only the readings before it.

A small fall is a stale read, a large or lasting one is a correction, and the climb back to the
level before a correction is not news. Velocity and the detectors both judge by this.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

#: A smaller fall is a stale read ...
STALE_FALL = 0.05
#: ... until so many lower reads came in a row.
_LOWER_READS = 3
#: So many reads without a move are believed, whatever was expected.
STILL_READS = 3
#: An exact counter that stands still although this much was expected was read from a cache.
_EXPECTED_GAIN = 10


class ChangeNote(StrEnum):
    """Why a change is unknown, or how it came about."""

    NONE = ""
    FIRST_READING = "first_reading"
    #: The values come from different fields of the payload, or from a hashtag with another id.
    SOURCE_CHANGED = "source_changed"
    UNKNOWN = "unknown"
    #: The provider corrected the counter; growth up to its earlier level is not news.
    COUNTER_CORRECTED = "counter_corrected"
    #: Lower than before by less than 5 %, or standing still against all expectation: an old answer.
    STALE = "stale"


def is_small_fall(level: float, fall: float, unit: float) -> bool:
    """Whether a fall from a level is one that a stale read makes, or rounding to ``unit``."""
    return fall < STALE_FALL * level or (unit > 1 and fall <= unit)


class CounterTrack:
    """Level of one counter while its readings are followed; instants are hours since 1970."""

    __slots__ = (
        "at",
        "ceiling",
        "ceiling_at",
        "level",
        "lower_reads",
        "rate",
        "still_reads",
        "unit",
    )

    def __init__(self) -> None:
        #: Newest reading that was believed; ``at`` is None before the first.
        self.at: float | None = None
        self.level: float = 0
        self.unit: float = 1
        #: The level before a correction, 0 without one; growth up to it is not news.
        self.ceiling: float = 0
        self.ceiling_at = 0.0
        self.lower_reads = 0
        self.still_reads = 0
        self.rate = 0.0

    def judge(self, at: float, value: float, unit: float, is_repeat: bool = False) -> ChangeNote:
        """Judge the next reading and follow it.

        ``is_repeat``: every counter of the answer is what it was in the answer before.
        """
        note = self._note(at, value, unit, is_repeat)
        if note is ChangeNote.COUNTER_CORRECTED:
            if self.level > self.ceiling and self.at is not None:
                self.ceiling, self.ceiling_at = self.level, self.at
            self.rate = 0.0
        elif note is ChangeNote.NONE:
            self.rate = self._rate_to(at, value)
        if note is not ChangeNote.STALE:
            self.at, self.level, self.unit = at, value, unit
            self.lower_reads = self.still_reads = 0
        return note

    def _note(self, at: float, value: float, unit: float, is_repeat: bool) -> ChangeNote:
        if self.at is None or value > self.level:
            return ChangeNote.NONE
        step = max(unit, self.unit)
        step = step if step > 1 else 0
        if value == self.level:
            return self._note_unmoved(at, step, is_repeat)
        self.lower_reads += 1
        is_small = is_small_fall(self.level, self.level - value, step)
        if is_small and self.lower_reads < _LOWER_READS:
            return ChangeNote.STALE
        return ChangeNote.COUNTER_CORRECTED

    def _note_unmoved(self, at: float, step: float, is_repeat: bool) -> ChangeNote:
        """The very same value: from a cache, if much growth was to be expected."""
        self.still_reads += 1
        assert self.at is not None
        expected = self.rate * (at - self.at)
        is_suspect = is_repeat and step == 0
        if is_suspect and expected >= _EXPECTED_GAIN and self.still_reads < STILL_READS:
            return ChangeNote.STALE
        return ChangeNote.NONE

    def _rate_to(self, at: float, value: float) -> float:
        if self.at is None or value <= self.ceiling:
            return 0.0
        hours = at - self.at
        return (value - self.level) / hours if hours > 0 else 0.0

    def state(self) -> list[Any]:
        """Everything, for storage as JSON."""
        return [getattr(self, name) for name in self.__slots__]

    @classmethod
    def from_state(cls, state: list[Any]) -> CounterTrack:
        """The track that `state` came from."""
        track = cls()
        for name, value in zip(cls.__slots__, state, strict=True):
            setattr(track, name, value)
        return track
