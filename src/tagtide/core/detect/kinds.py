"""What kind of series it is, decided from what was read of it so far.

Counts of things that happen are whole, never negative, and scatter at least as counting does, by
about the square root of the count. A series that has fractions or negative values, or that moves
less from reading to reading than counting would, is one of levels.
"""

from __future__ import annotations

from math import isfinite, sqrt
from typing import Any

from tagtide.core.detect.base import Finding, Point, Settings, check_state
from tagtide.core.detect.calibration import SHIPPED, Calibration
from tagtide.core.detect.level import LARGEST, Level
from tagtide.core.detect.statistical import Statistical

_VERSION = 1
#: Readings after which what was not decided is a count.
_MOST_READINGS = 2_000
#: So many fractions or negative values, and this part of all, are no mistake of a count.
_LEAST_ODD, _ODD_PART = 3, 0.05
#: A step's squared half is the mean for pure counting, and counts up to so many times that, lest
#: one change of level speak for all; then it comes to this part of the mean, with this deviation
#: for one reading. A level moves less, by so many deviations.
_CLIP = 4.0
_COUNTING, _DEVIATION, _SURE = 0.88, 1.75, 4.0
#: Counts this small, or with zeros more often than this, can be told by no scatter.
_LEAST_MEAN = 2.0
_MOST_ZEROS = 0.05


class KindSoFar:
    """Looks at values as they come; whole numbers that scatter like counts decide nothing."""

    __slots__ = ("_before", "_moved", "_odd", "_readings", "_total", "_zeros")

    def __init__(self) -> None:
        self._readings = self._zeros = self._odd = 0
        self._total = self._moved = 0.0
        self._before: float | None = None

    def is_level(self, value: float | None) -> bool | None:
        """With this value: True for levels, False for counts, None when it is open."""
        if value is None or not isfinite(value) or abs(value) > LARGEST:
            return None
        before, self._before = self._before, value
        self._readings += 1
        if value < 0 or value != int(value):
            self._odd += 1
            if self._odd >= _LEAST_ODD and self._odd >= _ODD_PART * self._readings:
                return True
        self._zeros += value == 0
        self._total += value
        if before is not None:
            mean = self._total / self._readings
            self._moved += min((value - before) ** 2 / 2, _CLIP * mean)
        doubt = _SURE * _DEVIATION / sqrt(self._readings)
        is_large = self._total >= _LEAST_MEAN * self._readings
        is_large = is_large and self._zeros <= _MOST_ZEROS * self._readings
        if is_large and self._moved < (_COUNTING - doubt) * self._total:
            return True
        return False if self._readings >= _MOST_READINGS else None

    def state(self) -> list[Any]:
        """Everything, as JSON."""
        return [
            self._readings,
            self._zeros,
            self._odd,
            self._total,
            self._moved,
            self._before,
        ]

    def restore(self, state: list[Any]) -> None:
        """Take up a state."""
        self._readings, self._zeros, self._odd = state[:3]
        self._total, self._moved, self._before = state[3:]


class Automatic:
    """Increments for the statistical detector, or levels: whichever the series turns out to be.

    Until that is decided both follow it, and the statistical detector answers.
    """

    name = "automatic"

    def __init__(
        self, settings: Settings | None = None, calibration: Calibration = SHIPPED
    ) -> None:
        self._kind = KindSoFar()
        self._counts: Statistical | None = Statistical(settings, calibration)
        self._levels: Level | None = Level(settings)

    @property
    def is_level(self) -> bool:
        """Whether the series is taken for one of levels."""
        return self._counts is None

    def observe(self, point: Point) -> Finding:
        """Judge the next reading and learn from it."""
        if self._counts is not None and self._levels is not None:
            kind = self._kind.is_level(point.value)
            if kind is True:
                self._counts = None
            elif kind is False:
                self._levels = None
        found = None if self._levels is None else self._levels.observe(point)
        if self._counts is not None:
            found = self._counts.observe(point)
        assert found is not None
        return found

    def state(self) -> dict[str, Any]:
        """Everything that was learned, as JSON of bounded size."""
        return {
            "detector": self.name,
            "version": _VERSION,
            "kind": self._kind.state(),
            "counts": None if self._counts is None else self._counts.state(),
            "levels": None if self._levels is None else self._levels.state(),
        }

    @classmethod
    def from_state(
        cls,
        state: dict[str, Any],
        settings: Settings | None = None,
        calibration: Calibration = SHIPPED,
    ) -> Automatic:
        """The detector that `state` came from. Raises `StateMismatch` for another's state."""
        check_state(state, cls.name, _VERSION)
        detector = cls(settings, calibration)
        detector._kind.restore(state["kind"])
        counts, levels = state["counts"], state["levels"]
        detector._counts = counts and Statistical.from_state(counts, settings, calibration)
        detector._levels = levels and Level.from_state(levels, settings)
        return detector
