"""Tails of the negative binomial distribution, in plain Python.

A count with mean ``mu`` and shape ``k`` has variance ``mu + mu^2 / k``; its tails are regularised
incomplete beta functions (NIST DLMF 8.17.5 and 8.17.22), evaluated by a continued fraction with
Lentz's method. Counts and shapes may be fractions.
"""

from __future__ import annotations

from math import exp, lgamma, log, log1p

_TINY = 1e-300
_PRECISION = 1e-10
_MOST_STEPS = 400
#: Larger means are scaled down: their Poisson part no longer matters and the fraction converges.
_LARGE_MEAN = 1e5


def log_upper_tail(count: float, mean: float, shape: float) -> float:
    """ln P(X >= count); 0.0 for a count that is not positive."""
    if count <= 0 or mean <= 0:
        return 0.0 if count <= 0 else -1e9
    if mean > _LARGE_MEAN:
        count, mean = count * _LARGE_MEAN / mean, _LARGE_MEAN
    whole = mean + shape
    return _log_beta_tail(count, shape, mean / whole, shape / whole)


def log_lower_tail(count: float, mean: float, shape: float) -> float:
    """ln P(X <= count); a negative count cannot be, and gives a very large negative number."""
    if count < 0:
        return -1e9
    if mean <= 0:
        return 0.0
    if mean > _LARGE_MEAN:
        count, mean = count * _LARGE_MEAN / mean, _LARGE_MEAN
    whole = mean + shape
    return _log_beta_tail(shape, count + 1, shape / whole, mean / whole)


def quantile(share: float, mean: float, shape: float) -> float:
    """A count that is not exceeded with this chance; interpolated where counts are few."""
    low, high = 0.0, max(10.0, 4 * mean)
    while log_lower_tail(high, mean, shape) < log(share) and high < 1e15:
        high *= 2
    for _ in range(60):
        middle = (low + high) / 2
        if log_lower_tail(middle, mean, shape) < log(share):
            low = middle
        else:
            high = middle
        if high - low < 0.01 * max(1.0, low):
            break
    return high


def _log_beta_tail(a: float, b: float, z: float, rest: float) -> float:
    """Logarithm of I_z(a, b); ``rest`` is 1 - z, passed because the difference loses digits."""
    front = lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(z) + b * log(rest)
    if z * (a + b + 2) < a + 1:
        return min(0.0, front - log(a) + log(_fraction(a, b, z)))
    other = front - log(b) + log(_fraction(b, a, rest))
    return log1p(-min(exp(other), 1 - 1e-16)) if other < 0 else -1e9


def _fraction(a: float, b: float, z: float) -> float:
    """The continued fraction of the incomplete beta function."""
    total, up, down = a + b, 1.0, 1 - (a + b) * z / (a + 1)
    down = 1 / (down if abs(down) > _TINY else _TINY)
    value = down
    for step in range(1, _MOST_STEPS):
        twice = a + 2 * step
        term = step * (b - step) * z / ((twice - 1) * twice)
        down = 1 + term * down
        down = 1 / (down if abs(down) > _TINY else _TINY)
        up = 1 + term / up
        up = up if abs(up) > _TINY else _TINY
        value *= up * down
        term = -(a + step) * (total + step) * z / (twice * (twice + 1))
        down = 1 + term * down
        down = 1 / (down if abs(down) > _TINY else _TINY)
        up = 1 + term / up
        up = up if abs(up) > _TINY else _TINY
        change = up * down
        value *= change
        if abs(change - 1) < _PRECISION:
            break
    return value
