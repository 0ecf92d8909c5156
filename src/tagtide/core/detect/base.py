"""What every detector takes, gives and promises.

A detector follows one counter of one hashtag, reading by reading. It never looks ahead, reads no
clock and draws no chance; what it knows fits into a JSON document of bounded size, so that it can
be stored in the transaction of the reading it belongs to and taken up again later.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple, Protocol

from tagtide.core.detect.tails import quantile


class Point(NamedTuple):
    """One reading of one counter, or one increment."""

    #: Aware; UTC everywhere else in tagtide.
    at: datetime
    #: None is unknown. A counter's 0 is unknown as well, an increment's 0 is a value.
    value: float | None
    #: Step of a rounded counter; 1 is exact, None learns it from trailing zeros.
    unit: int | None = None
    #: Payload field and hashtag id: values of different series are never subtracted.
    series: str = ""
    #: Every counter of the answer is what it was in the answer before.
    is_repeat: bool = False


class Reason(StrEnum):
    """Why a finding is what it is."""

    #: Judged, and nothing unusual.
    USUAL = "usual"
    #: Judged, and rarer than asked for: see `Finding.phase` for what follows.
    RISE = "rise"
    FALL = "fall"
    #: Rare enough, but below the practical floors.
    TOO_SMALL = "too_small"
    # Not judged:
    FIRST_READING = "first_reading"
    LEARNING = "learning"
    UNKNOWN = "unknown"
    STALE = "stale"
    COUNTER_CORRECTED = "counter_corrected"
    SOURCE_CHANGED = "source_changed"
    GAP = "gap"
    DUPLICATE = "duplicate"
    CLOCK_BACK = "clock_back"


class Phase(StrEnum):
    """What a reading does to the incident."""

    NONE = ""
    OPENS = "opens"
    ESCALATES = "escalates"
    #: An incident is open and this reading neither escalates nor closes it.
    CONTINUES = "continues"
    CLOSES = "closes"


class Direction(StrEnum):
    """More than expected, or less."""

    RISE = "rise"
    FALL = "fall"


class Finding(NamedTuple):
    """Judgement of one reading; numbers are None where nothing was judged."""

    at: datetime
    #: 0 to 1, larger is stranger; comparable between hashtags, sizes and cadences.
    score: float
    reason: Reason
    phase: Phase = Phase.NONE
    direction: Direction | None = None
    #: Chance that one reading of a hashtag at which nothing happens is this strange, calibrated.
    p: float | None = None
    #: Length of the span that was judged; it ends at ``at``.
    hours: float | None = None
    #: Gain over that span, and what was to be expected.
    observed: float | None = None
    expected: float | None = None
    #: Shape of the distribution about the expectation (variance = mean + mean^2 / shape) and the
    #: factor values were counted in; `usual` makes a range of them.
    shape: float | None = None
    scale: float = 1.0
    #: Hours between chance findings as strange as this one.
    return_hours: float | None = None
    #: What made a fixed rule fire; None for the statistical detector.
    threshold: float | None = None
    #: What ``observed`` is, of a series of levels; see `levels.Statistic`.
    phrase: str | None = None
    #: What the statistic leaves only in its extreme readings.
    bounds: tuple[float, float] | None = None

    @property
    def is_alert(self) -> bool:
        """Whether a person should hear of it: an incident begins, or became far worse."""
        return self.phase in (Phase.OPENS, Phase.ESCALATES)

    @property
    def since(self) -> datetime | None:
        """Beginning of the span that was judged."""
        if self.hours is None:
            return None
        return self.at - timedelta(milliseconds=round(self.hours * 3_600_000))

    @property
    def usual(self) -> tuple[float, float] | None:
        """The middle 90 % of what is to be expected over the span; None where nothing is known.

        Computed on demand: most findings are never shown.
        """
        if self.bounds is not None:
            return self.bounds
        if self.expected is None or self.shape is None:
            return None
        mean = self.expected * self.scale
        low, high = (quantile(share, mean, self.shape) / self.scale for share in (0.05, 0.95))
        return low, high

    @property
    def is_judged(self) -> bool:
        """Whether the reading could be judged; what could not neither opens nor closes anything."""
        return self.reason in (Reason.USUAL, Reason.RISE, Reason.FALL, Reason.TOO_SMALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a person may choose. Not part of the state: a change takes effect at once."""

    #: F: expected false incidents per counter and 30 days, rises and falls together.
    false_alarms: float = 0.25
    #: Readings of a running total; False is increments.
    is_counter: bool = True
    #: Part of F that goes to falls; 0 looks for rises only.
    falls_share: float = 0.2
    #: Practical floors of a rise: display units gained, and times the expectation.
    floor_units: float = 5.0
    floor_ratio: float = 1.3
    #: Days after which a reading counts half in the baseline.
    memory_days: float = 7.0


class Detector(Protocol):
    """Follows one counter."""

    #: As in `tagtide detect --detector NAME`.
    name: str

    def observe(self, point: Point) -> Finding:
        """Judge the next reading and learn from it."""
        ...

    def state(self) -> dict[str, Any]:
        """What is known, as JSON: a detector restored from it goes on as if never interrupted."""
        ...


class StateMismatch(ValueError):
    """A stored state is of another detector or version: begin anew."""


def check_state(state: dict[str, Any], name: str, version: int) -> None:
    """Raise `StateMismatch` unless the state is of this detector and version."""
    if state.get("detector") != name or state.get("version") != version:
        raise StateMismatch(
            f"a state of {state.get('detector')} {state.get('version')} is not one of {name} "
            f"{version}"
        )
