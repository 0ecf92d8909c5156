"""Lift: examples worked out by hand, what must always hold, and what says too little."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tagtide.core.daily_gains import DailyGains
from tagtide.core.lift import (
    BEFORE,
    Counted,
    Lift,
    LiftReason,
    Unmeasured,
    measure_lift,
)

DAY = timedelta(days=1)
BEGAN = date(2026, 3, 29)
LAST = BEGAN + 13 * DAY
FIRST = BEGAN - 56 * DAY


def counted(name: str, gains: Callable[[int], float], step: int = 1, days: int = 70) -> Counted:
    """What was gained on the days from eight weeks before on."""
    found = {FIRST + n * DAY: float(gains(n)) for n in range(days)}
    return Counted(hashtag=name, gains=DailyGains(days=found, step=step, read_on=frozenset(found)))


def steps(before: float, within: float) -> Callable[[int], float]:
    return lambda n: within if n >= 56 else before


def without(one: Counted, lost: Sequence[int]) -> Counted:
    gone = {FIRST + n * DAY for n in lost}
    kept = {day: gain for day, gain in one.gains.days.items() if day not in gone}
    return replace(one, gains=replace(one.gains, days=kept))


def lift_of(own: Sequence[Counted], controls: Sequence[Counted]) -> Lift:
    found = measure_lift(own, controls, BEGAN, LAST)
    assert isinstance(found, Lift)
    return found


def refusal(own: Sequence[Counted], controls: Sequence[Counted]) -> Unmeasured:
    found = measure_lift(own, controls, BEGAN, LAST)
    assert isinstance(found, Unmeasured)
    return found


STILL = counted("still", steps(500, 500))


def test_worked_example_of_steady_hashtags() -> None:
    """1,000 a day before and 1,500 within; a control that does not move.

    Seven changes from week to week, all of them 0: variance 4 x 0.25^2 / (4 + 7) over 14 days. The
    common part has precision 1 / 0.15^2 and that of the control.
    """
    found = lift_of([counted("own", steps(1000, 1500))], [STILL])
    variance = 4 * 0.0625 / 11
    precision = 1 / 0.0225 + 1 / variance
    reach = 2.132 * math.sqrt(variance + 1 / precision)
    assert found.ratio == pytest.approx(0.5)
    assert found.ratio_low == pytest.approx(1.5 * math.exp(-reach) - 1)
    assert found.ratio_high == pytest.approx(1.5 * math.exp(reach) - 1)
    assert (found.gained, found.expected) == (pytest.approx(21_000), pytest.approx(14_000))
    assert (found.days_before, found.days_within) == (28, 14)
    assert [one.weight for one in found.controls] == [pytest.approx(1 / variance / precision)]


def test_what_the_controls_gained_is_taken_off_as_far_as_they_can_be_trusted() -> None:
    grown = [counted(name, steps(500, 600)) for name in "abc"]
    found = lift_of([counted("own", steps(1000, 1200))], grown)
    variance = 4 * 0.0625 / 11
    share = 3 / variance / (1 / 0.0225 + 3 / variance)
    assert sum(one.weight for one in found.controls) == pytest.approx(share)
    assert found.expected == pytest.approx(14_000 * 1.2**share)
    assert [one.change for one in found.controls] == [pytest.approx(0.2)] * 3
    assert not found.is_clear


def test_the_last_week_counts_half() -> None:
    """Three weeks at 1,000 and the last at 2,000: between their mean and the last one."""
    found = lift_of([counted("own", lambda n: 2000 if 49 <= n < 56 else 1000)], [STILL])
    level = (math.log(1000) * 3 + math.log(2000)) / 4
    expected = math.exp((level + math.log(2000)) / 2)
    assert found.expected == pytest.approx(14 * expected)


def test_a_restless_control_weighs_less_and_a_restless_own_widens() -> None:
    restless = counted("wild", lambda n: 500 * (3 if n // 7 % 2 else 1))
    controls = {one.hashtag: one for one in lift_of([STILL], [restless, STILL]).controls}
    assert controls["wild"].weight < controls["still"].weight / 4

    def width(one: Counted) -> float:
        found = lift_of([one], [STILL])
        return found.expected_high / found.expected_low

    assert width(restless) > 2 * width(counted("own", steps(1000, 1000)))


def test_days_that_are_not_known_are_left_out_on_both_sides() -> None:
    own = without(counted("own", steps(1000, 1500)), [30, 40, 60, 61])
    found = lift_of([own], [STILL])
    assert found.ratio == pytest.approx(0.5)
    assert (found.days_before, found.days_within) == (26, 12)
    assert found.gained == pytest.approx(18_000)
    holes = [day.on for day in found.days if day.gained is None]
    assert holes == [FIRST + n * DAY for n in (30, 40, 60, 61)]


def test_the_line_by_day_adds_up_to_what_was_expected() -> None:
    found = lift_of([counted("own", steps(1000, 1500))], [STILL])
    assert len(found.days) == BEFORE + 14
    assert all(day.expected is None for day in found.days if day.on < BEGAN)
    within = [day for day in found.days if day.on >= BEGAN]
    assert sum(day.expected or 0 for day in within) == pytest.approx(found.expected)
    assert sum(day.gained or 0 for day in within) == pytest.approx(found.gained)


STEADY = counted("own", steps(1000, 1500))


@pytest.mark.parametrize(
    ("own", "reason", "have", "need"),
    [
        (without(STEADY, range(51)), LiftReason.FEW_DAYS_BEFORE, 5, 14),
        (without(STEADY, range(52, 56)), LiftReason.LAST_WEEK_UNKNOWN, 3, 5),
        (without(STEADY, range(58, 70)), LiftReason.FEW_DAYS_WITHIN, 2, 7),
        (counted("own", steps(35, 100)), LiftReason.FEW_VIEWS_BEFORE, 980, 1000),
        (counted("own", steps(1000, 1500), step=100_000), LiftReason.FEW_STEPS_BEFORE, 0, 10),
        (counted("own", steps(0, 5000)), LiftReason.FEW_VIEWS_BEFORE, 0, 1000),
    ],
)
def test_a_hashtag_that_says_too_little_gets_no_number(
    own: Counted, reason: LiftReason, have: int, need: int
) -> None:
    found = refusal([own], [STILL])
    assert found.reason is LiftReason.NO_OWN
    assert [(x.is_own, x.reason, x.have, x.need) for x in found.left_out] == [
        (True, reason, have, need)
    ]
    # As a control it is left out, too.
    alone = refusal([STILL], [own])
    assert alone.reason is LiftReason.NO_CONTROL
    assert [(x.is_own, x.reason) for x in alone.left_out] == [(False, reason)]
    # Beside one that says enough, the number is that one's.
    assert lift_of([own, STILL], [STEADY]).hashtags == ("still",)


def test_without_controls_there_is_no_number() -> None:
    assert refusal([STILL], []).reason is LiftReason.NONE_CHOSEN


def test_own_hashtags_known_on_different_days_are_no_sum() -> None:
    odd = without(STEADY, range(1, 56, 2))
    even = without(counted("even", steps(900, 900)), range(0, 56, 2))
    found = refusal([odd, even], [STILL])
    # Each lacks half of the last week; one that has more of it would not be enough.
    assert found.reason is LiftReason.NO_OWN
    odd, even = without(STEADY, range(28, 49, 2)), without(STEADY, range(29, 49, 2))
    found = refusal([odd, even], [STILL])
    assert (found.reason, found.have, found.need) == (LiftReason.FEW_DAYS_BEFORE, 7, 14)


gains = st.lists(st.integers(200, 5000), min_size=70, max_size=70)


def some(name: str, values: list[int], factor: float = 1.0, step: int = 1) -> Counted:
    return counted(name, lambda n: values[n] * factor, step=step)


@settings(max_examples=20)
@given(gains, st.lists(gains, min_size=1, max_size=4), st.integers(1, 1000))
def test_scale_and_order_change_nothing(
    own: list[int], others: list[list[int]], factor: int
) -> None:
    controls = [some(f"c{n}", values) for n, values in enumerate(others)]
    plain = lift_of([some("own", own)], controls)
    scaled = lift_of(
        [some("own", own, factor, factor)],
        [some(f"c{n}", values, factor, factor) for n, values in enumerate(others)][::-1],
    )
    for name in ("ratio", "ratio_low", "ratio_high"):
        assert getattr(scaled, name) == pytest.approx(getattr(plain, name))
    weights = {one.hashtag: one.weight for one in plain.controls}
    assert weights == pytest.approx({one.hashtag: one.weight for one in scaled.controls})


@settings(max_examples=20)
@given(gains, gains, gains)
def test_names_change_nothing(own: list[int], one: list[int], other: list[int]) -> None:
    plain = lift_of([some("own", own)], [some("a", one), some("b", other)])
    renamed = lift_of([some("x", own)], [some("b", one), some("a", other)])
    assert renamed.ratio == pytest.approx(plain.ratio)
    assert renamed.expected_high == pytest.approx(plain.expected_high)


@settings(max_examples=20)
@given(gains, gains, st.floats(0.1, 20))
def test_a_lift_that_is_laid_over_is_added_whole(
    own: list[int], other: list[int], times: float
) -> None:
    """The interval moves with it, so that its error does not depend on the lift."""
    plain = lift_of([some("own", own)], [some("a", other)])
    lifted = lift_of(
        [counted("own", lambda n: own[n] * (times if n >= 56 else 1))], [some("a", other)]
    )
    assert lifted.ratio + 1 == pytest.approx((plain.ratio + 1) * times)
    assert lifted.expected == pytest.approx(plain.expected)
    assert lifted.ratio_low <= lifted.ratio <= lifted.ratio_high


@settings(max_examples=20)
@given(gains, st.sets(st.integers(28, 69)))
def test_never_a_number_with_too_few_days(values: list[int], lost: set[int]) -> None:
    own = without(some("own", values), sorted(lost))
    found = measure_lift([own], [STILL], BEGAN, LAST)
    days = own.gains.days
    before = sum(BEGAN - BEFORE * DAY <= day < BEGAN for day in days)
    newest = sum(BEGAN - 7 * DAY <= day < BEGAN for day in days)
    within = sum(BEGAN <= day <= LAST for day in days)
    assert isinstance(found, Lift) is (before >= 14 and newest >= 5 and within >= 7)
