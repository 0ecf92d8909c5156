"""Rises: more than usual since the last reading, in an hour, in six, or in a day."""

from __future__ import annotations

from math import log, sqrt
from typing import NamedTuple

from tagtide.core.detect.baseline import WINDOWS, Baseline, spread_class
from tagtide.core.detect.intake import Step
from tagtide.core.detect.tails import log_upper_tail

#: Windows that are tested beside the span since the last reading, where they are longer than it.
_TESTED = 3
#: A window much longer than the distance of readings is a new draw every so many parts of itself.
REDRAWN = 6.0
#: Nearer to the expectation than this, in standard deviations, nothing is rare.
_NEAR = 1.2
_LOG_TEN = log(10)


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
    is_informative, start, tested = mean > unit / 2, None, 1
    mark = base.mark
    assert mark is not None
    gained_total = mark.gained + gain
    for number in range(_TESTED):
        if hours > WINDOWS[number] / 1.5:
            continue
        begin = base.window(number, at)
        if begin is None or begin.at >= since:
            continue
        tested += 1
        window_hours = at - begin.at
        window_gain = gained_total - begin.gained
        window_mean = begin.rate * (exposed_total - begin.exposed)
        if window_mean > unit / 2:
            is_informative = True
        if window_gain <= window_mean:
            continue
        window_shape = base.shape(base.spreads[spread_class(window_hours)], begin.evidence)
        redrawn = max(hours, window_hours / REDRAWN)
        rate = _log_rate(window_gain, window_mean, window_shape, unit, redrawn)
        if rate < best:
            best, start = rate, begin
            gain, mean, shape = window_gain, window_mean, window_shape
    strangeness = -(best + log(24 * tested)) / _LOG_TEN if best < 0 else 0.0
    began = since if start is None else start.at
    return Judgement(max(0.0, strangeness), began, gain, mean, shape, is_informative)


def _log_rate(gain: float, mean: float, shape: float, unit: float, redrawn: float) -> float:
    """Logarithm of the chance findings per hour; 0 where nothing is rare."""
    low = gain - unit + 1 if unit > 1 else gain
    if low <= mean or low <= mean + _NEAR * sqrt(mean + mean * mean / shape):
        return 0.0
    return log_upper_tail(low, mean, shape) - log(redrawn)


def is_large(found: Judgement, unit: float, floor_units: float, floor_ratio: float) -> bool:
    """The practical floors: small gains are not worth a message, however rare."""
    low = found.gain - unit + 1 if unit > 1 else found.gain
    return found.gain >= floor_units * unit and low >= floor_ratio * found.mean
