"""Fixed rule: more than three standard deviations above the mean of the last 28 readings."""

from __future__ import annotations

from collections import deque
from math import sqrt
from typing import Any, ClassVar

from tagtide.core.detect.base import Settings
from tagtide.core.detect.fixed import FixedRule, Measured
from tagtide.core.detect.intake import Step

_READINGS = 28
#: Fewer earlier readings give no spread worth the name.
_LEAST_READINGS = 7
#: The spread is at least this part of the mean: a flat past is no certainty.
_LEAST_SPREAD = 0.1


class RollingAverage(FixedRule):
    """A z-score of the gain per hour."""

    name: str = "average"
    reach: ClassVar[float] = 1.0
    default_bar: ClassVar[float] = 3.0

    def __init__(self, settings: Settings | None = None, bar: float | None = None) -> None:
        super().__init__(settings, bar)
        self._rates: deque[float] = deque(maxlen=_READINGS)

    def measure(self, step: Step, level: float) -> Measured | None:
        """Distance of this span's gain per hour from the mean of those before."""
        del level
        hours = step.at - step.since
        rate, rates = step.gain / hours, list(self._rates)
        self._rates.append(rate)
        if len(rates) < _LEAST_READINGS:
            return None
        mean = sum(rates) / len(rates)
        variance = sum((r - mean) ** 2 for r in rates) / (len(rates) - 1)
        spread = max(sqrt(variance), _LEAST_SPREAD * mean, step.unit / hours)
        return Measured((rate - mean) / spread, self._bar, step.since, step.gain, mean * hours)

    def extra_state(self) -> Any:
        """The last rates."""
        return list(self._rates)

    def restore_extra(self, state: Any) -> None:
        """The last rates."""
        self._rates = deque(state, maxlen=_READINGS)
