"""Fixed rule: twice what the same span gained a week ago."""

from __future__ import annotations

from typing import ClassVar

from tagtide.core.detect.fixed import FixedRule, Measured
from tagtide.core.detect.intake import Step

_WEEK = 168.0


class LastWeek(FixedRule):
    """The comparison people make by hand."""

    name: str = "last_week"
    reach: ClassVar[float] = 2 * _WEEK
    default_bar: ClassVar[float] = 2.0

    def measure(self, step: Step, level: float) -> Measured | None:
        """The gain since the last reading over that of the same hours a week earlier."""
        del level
        begin, end = self.gained_at(step.since - _WEEK), self.gained_at(step.at - _WEEK)
        if begin is None or end is None:
            return None
        # Nothing a week ago is at most one unit that was not shown yet.
        before = max(end - begin, step.unit)
        return Measured(step.gain / before, self._bar, step.since, step.gain, end - begin)
