"""Tails of the negative binomial against exact sums of whole-number coefficients."""

from __future__ import annotations

from fractions import Fraction
from math import comb, exp, log

import pytest

from tagtide.core.detect.tails import log_lower_tail, log_upper_tail, quantile


def exact(count: int, mean: Fraction, shape: int) -> Fraction:
    """P(X < count), summed in exact fractions."""
    p = shape / (shape + mean)
    return sum(
        (comb(i + shape - 1, i) * p**shape * (1 - p) ** i for i in range(count)), Fraction(0)
    )


@pytest.mark.parametrize(
    ("count", "mean", "shape"),
    [
        (1, Fraction(1, 10), 1),
        (5, Fraction(2), 3),
        (12, Fraction(2), 1),
        (20, Fraction(4), 2),
        (30, Fraction(10), 5),
        (3, Fraction(7), 4),
        (90, Fraction(3), 30),
        (400, Fraction(100), 10),
    ],
)
def test_both_tails_agree_with_exact_sums(count: int, mean: Fraction, shape: int) -> None:
    below = exact(count, mean, shape)
    above = log_upper_tail(count, float(mean), shape)
    assert above == pytest.approx(_log(1 - below), rel=1e-8, abs=1e-9)
    up_to = log_lower_tail(count - 1, float(mean), shape)
    assert up_to == pytest.approx(_log(below), rel=1e-8, abs=1e-9)


def _log(value: Fraction) -> float:
    return log(value.numerator) - log(value.denominator)


@pytest.mark.parametrize("mean", [1e-6, 0.3, 40.0, 1e5, 1e9])
@pytest.mark.parametrize("shape", [0.05, 0.7, 4.0, 1e3])
def test_the_tails_add_up_and_fall_with_distance(mean: float, shape: float) -> None:
    counts = [round(mean * factor) + 1 for factor in (0.01, 0.5, 1, 1.1, 2, 5, 50)]
    upper = [log_upper_tail(c, mean, shape) for c in counts]
    assert upper == sorted(upper, reverse=True)
    if mean <= 1e5:
        for count in counts:
            total = exp(log_upper_tail(count, mean, shape))
            total += exp(log_lower_tail(count - 1, mean, shape))
            assert total == pytest.approx(1, abs=1e-7)


@pytest.mark.parametrize(("count", "upper", "lower"), [(0, 0.0, None), (-3, 0.0, -1e9)])
def test_what_cannot_be(count: float, upper: float, lower: float | None) -> None:
    assert log_upper_tail(count, 5, 2) == upper
    if lower is not None:
        assert log_lower_tail(count, 5, 2) == lower
    assert log_upper_tail(3, 0, 2) == -1e9
    assert log_lower_tail(3, 0, 2) == 0


@pytest.mark.parametrize("share", [0.05, 0.5, 0.95])
@pytest.mark.parametrize(("mean", "shape"), [(2.0, 3.0), (60.0, 8.0), (1e6, 2.0)])
def test_a_quantile_is_not_exceeded_that_often(share: float, mean: float, shape: float) -> None:
    found = quantile(share, mean, shape)
    assert exp(log_lower_tail(found, mean, shape)) >= share
    assert exp(log_lower_tail(found * 0.97 - 1, mean, shape)) <= share
