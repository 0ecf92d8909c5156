"""Rises: more than usual since the last reading, in an hour, in six, or in a day."""

from __future__ import annotations

from math import log, sqrt
from typing import NamedTuple

from tagtide.core.detect.baseline import WINDOWS, Baseline, Mark, spread_class
from tagtide.core.detect.intake import Step
from tagtide.core.detect.tails import log_upper_tail

#: Windows that are tested beside the span since the last reading, where they are longer than it.
_TESTED = 3
#: A window much longer than the distance of readings is a new draw every so many parts of itself.
REDRAWN = 6.0
#: Nearer to the expectation than this, in standard deviations, nothing is rare.
_NEAR = 1.2


class Judgement(NamedTuple):
    """The strangest of the windows that were tested."""

    #: Negative power of ten of the chance findings per day, before calibration; never below 0.
    strangeness: float
    since: float
    gain: float
    mean: float
    shape: float
    #: Whether enough was expected for the judgement to enter the pool.
    is_informative: bool


def judge_rise(base: Baseline, step: Step, exposed: float, exposed_total: float) -> Judgement:
    """Judge the span since the last trusted reading and the windows that end with it.

    ``exposed`` is the exposure of the step, ``exposed_total`` that of all steps with it.
    """
    since, at, gain, unit = step.since, step.at, step.gain, step.unit
    hours = at - since
    spread = base.spreads[spread_class(hours)]
    shape = base.shape(spread, base.evidence)
    mean = base.rate * exposed
    best = _log_rate(gain, mean, shape, unit, hours)
    found = Judgement(0.0, since, gain, mean, shape, mean > unit / 2)
    tested = 1
    mark = base.mark
    assert mark is not None
    gained_total = mark.gained + gain
    for number in range(_TESTED):
        if hours > WINDOWS[number] / 1.5:
            continue
        start = base.window(number, at)
        if start is None or start.at >= since:
            continue
        tested += 1
        window = _window(base, start, at, gained_total, exposed_total)
        rate = _log_rate(
            window.gain, window.mean, window.shape, unit, max(hours, (at - start.at) / REDRAWN)
        )
        if rate < best:
            best, found = rate, window._replace(is_informative=found.is_informative)
        if window.mean > unit / 2:
            found = found._replace(is_informative=True)
    strangeness = -(best + log(24 * tested)) / log(10)
    return found._replace(strangeness=max(0.0, strangeness))


def _window(
    base: Baseline, start: Mark, at: float, gained_total: float, exposed_total: float
) -> Judgement:
    spread = base.spreads[spread_class(at - start.at)]
    return Judgement(
        0.0,
        start.at,
        gained_total - start.gained,
        start.rate * (exposed_total - start.exposed),
        base.shape(spread, start.evidence),
        False,
    )


def _log_rate(gain: float, mean: float, shape: float, unit: float, redrawn: float) -> float:
    """Logarithm of the chance findings per hour; 0 where nothing is rare."""
    low = gain - unit + 1 if unit > 1 else gain
    if low <= mean + _NEAR * sqrt(mean + mean * mean / shape):
        return 0.0
    return log_upper_tail(low, mean, shape) - log(redrawn)


def is_large(found: Judgement, unit: float, floor_units: float, floor_ratio: float) -> bool:
    """The practical floors: small gains are not worth a message, however rare."""
    low = found.gain - unit + 1 if unit > 1 else found.gain
    return found.gain >= floor_units * unit and low >= floor_ratio * found.mean
