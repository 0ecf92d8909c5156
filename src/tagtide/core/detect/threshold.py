"""Fixed rule: at least so many new in six hours; the threshold grows with a longer span."""

from __future__ import annotations

from typing import ClassVar

from tagtide.core.detect.fixed import FixedRule, Measured
from tagtide.core.detect.intake import Step

WINDOW = 6.0


class Threshold(FixedRule):
    """The origins' rule of 200 new videos."""

    name: str = "threshold"
    reach: ClassVar[float] = WINDOW
    #: "At least 200" of whole numbers.
    default_bar: ClassVar[float] = 199.5

    def measure(self, step: Step, level: float) -> Measured:
        """The gain of the last six hours, or since the last reading if that is longer ago."""
        del level
        since, gain = step.since, step.gain
        start = self.before(step.at - WINDOW)
        if start is not None and step.at - step.since < WINDOW:
            since, gain = start.at, self._gained - start.gained
        low = gain - step.unit + 1
        bar = self._bar * self._intake.scale * max(1.0, (step.at - since) / WINDOW)
        return Measured(low, bar, since, gain)
