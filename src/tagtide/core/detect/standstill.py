"""A counter that does not move: nothing happens, or the answers come from a cache.

While chance alone would hardly do that, what is read is not believed; and a gain after a standstill
is measured against all of it as far as the standstill was doubtful.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass
from math import log, log10
from typing import Any

from tagtide.core.counter import STILL_READS
from tagtide.core.detect.baseline import Baseline, spread_class
from tagtide.core.detect.intake import Step
from tagtide.core.detect.rises import Judgement
from tagtide.core.detect.tails import log_upper_tail

#: A standstill is waited for so long, and so many reads, until it is believed.
_HELD_HOURS = 24.0
#: Standing still is not believed when chance alone does it less often than this ...
_PLAUSIBLE = 0.05
#: ... and when it does so less often than this, what follows is taken to be catching up.
_LIKELY = 0.35
#: At most this share of all answers is old.
_STALE_SHARE = 0.1


@dataclass(slots=True)
class Standstill:
    """The standstill that a counter is in, if any."""

    #: Hours since 1970 of the last move; None while it moves.
    since: float | None = None
    #: Units that were expected in what was believed of it so far.
    mean: float = 0.0
    #: The rate when it began; a standstill is not its own measure.
    rate: float = 0.0
    #: Readings in a row that were not believed yet.
    held: int = 0

    def is_held(self, base: Baseline, step: Step, exposed: float) -> bool:
        """Whether this reading without a gain is not believed yet.

        The next one is then measured from the same beginning.
        """
        if self.since is None:
            self.rate = base.rate
        mean = self.mean + self.rate * exposed / step.unit
        since = step.since if self.since is None else self.since
        self.held += 1
        is_young = self.held < STILL_READS or step.at - step.since < _HELD_HOURS
        if is_young and _chance_of_nothing(base, mean, step.at - since) < _PLAUSIBLE:
            return True
        self.since, self.mean, self.held = since, mean, 0
        return False

    def is_doubtful(self, base: Baseline, at: float) -> bool:
        """Whether the gain that ends it at an instant is rather one of the whole standstill."""
        if self.since is None:
            return False
        return _chance_of_nothing(base, self.mean, at - self.since) < _LIKELY

    def temper(self, base: Baseline, step: Step, found: Judgement) -> Judgement:
        """A rise that began in the standstill is no stranger than catching up would be.

        Old answers are a known share of all: so much of the chance goes to a gain of the whole
        standstill.
        """
        if self.since is None or found.strangeness <= 0 or found.since < self.since + 1e-9:
            return found
        hours = step.at - self.since
        mean = self.mean * step.unit + self.rate * (base.rhythm.until(step.at) - base.reached)
        nothing = _chance_of_nothing(base, self.mean, hours)
        # Who knows little of a counter cannot tell the two apart.
        stale = min(1.0, _STALE_SHARE + 4 / max(1.0, base.evidence) ** 2)
        share = stale / (stale + (1 - stale) * nothing)
        shape = base.shape(base.spreads[spread_class(hours)], base.evidence)
        low = step.gain - step.unit + 1 if step.unit > 1 else step.gain
        log_chance = log(share) + log_upper_tail(low, mean, shape)
        most = -log_chance / log(10) - log10(24 / (step.at - step.since))
        return found._replace(strangeness=max(0.0, min(found.strangeness, most)))

    def state(self) -> list[Any]:
        """Everything, as JSON."""
        return list(astuple(self))


def _chance_of_nothing(base: Baseline, mean: float, hours: float) -> float:
    """How often nothing at all is gained where this many units are expected."""
    shape = base.shape(base.spreads[spread_class(hours)], base.evidence)
    return float((1 + mean / shape) ** -shape)
