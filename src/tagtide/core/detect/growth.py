"""Fixed rule: grown by more than half in six hours."""

from __future__ import annotations

from typing import ClassVar

from tagtide.core.detect.fixed import FixedRule, Measured
from tagtide.core.detect.intake import Step
from tagtide.core.detect.threshold import WINDOW

#: A smaller base is not judged.
_LEAST_BASE = 50.0


class Growth(FixedRule):
    """The origins' rule of +50 %."""

    name: str = "growth"
    reach: ClassVar[float] = WINDOW
    default_bar: ClassVar[float] = 0.5

    def measure(self, step: Step, level: float) -> Measured | None:
        """The gain of six hours over the level before; increments are compared with all before."""
        since, gain = step.since, step.gain
        start = self.before(step.at - WINDOW)
        if start is not None and step.at - step.since < WINDOW:
            since, gain = start.at, self._gained - start.gained
        base = (level if self._settings.is_counter else self._gained) - gain
        if base < _LEAST_BASE * self._intake.scale:
            return None
        bar = self._bar * max(1.0, (step.at - since) / WINDOW)
        return Measured((gain - step.unit + 1) / base, bar, since, gain)
