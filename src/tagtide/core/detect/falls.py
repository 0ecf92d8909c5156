"""Falls: a campaign that dies. Less than usual over a whole day, or three."""

from __future__ import annotations

from math import log, sqrt

from tagtide.core.detect.baseline import Baseline, spread_class
from tagtide.core.detect.rises import REDRAWN, Judgement
from tagtide.core.detect.tails import log_lower_tail

#: Numbers of the windows of 24 and 72 hours.
_TESTED = (2, 3)
#: The usual rate must be known for so long: before, a decline is how every campaign begins.
_HISTORY_HOURS = 168.0
#: A fall leaves at most this part of the expectation, which was at least so many units.
_MOST_LEFT = 0.5
_LEAST_EXPECTED = 5.0
#: Nearer to the expectation than this, in standard deviations, nothing is rare.
_NEAR = 0.8
_LOG_TEN = log(10)
#: By how many windows were tested.
_LOG_TESTED = (0.0, log(24), log(48))


def judge_fall(
    base: Baseline, at: float, gained_total: float, exposed_total: float, unit: float, waited: float
) -> Judgement | None:
    """Judge the last day and the last three; None when they cannot be judged.

    The expectation is the smaller of the rates of weeks and of months: what follows a burst is no
    fall as long as it is not below what was before it.
    """
    if base.since is None or at - base.since < _HISTORY_HOURS:
        return None
    slow = base.slow_rate(unit)
    found, best, tested = None, 0.0, 0
    for number in _TESTED:
        start = base.window(number, at)
        if start is None:
            continue
        hours = at - start.at
        mean = min(start.rate, slow) * (exposed_total - start.exposed)
        gain = gained_total - start.gained
        shape = base.shape(base.spreads[spread_class(hours)], start.evidence)
        tested += 1
        high = gain + unit - 1
        rate = 0.0
        if high < mean - _NEAR * sqrt(mean + mean * mean / shape):
            rate = log_lower_tail(high, mean, shape) - log(max(waited, hours / REDRAWN))
        if found is None or rate < best:
            is_informative = mean >= _LEAST_EXPECTED * unit
            found = Judgement(0.0, start.at, gain, mean, shape, is_informative)
            best = rate
    if found is None:
        return None
    if best + _LOG_TESTED[tested] >= 0:
        return found
    strangeness = -(best + _LOG_TESTED[tested]) / _LOG_TEN
    return found._replace(strangeness=strangeness)


def is_deep(found: Judgement, unit: float) -> bool:
    """The practical floors of a fall."""
    high = found.gain + unit - 1
    return found.mean >= _LEAST_EXPECTED * unit and high <= _MOST_LEFT * found.mean
