"""Steps of rounded counters."""

import pytest

from tagtide.core.rounding import delta_bounds, display_unit, learned_unit, step_bounds


@pytest.mark.parametrize(
    ("value", "unit"),
    [
        (0, 1),
        (9_999, 1),
        (10_000, 100),
        (861_500, 100),
        (861_550, 1),
        (999_900, 100),
        (1_000_000, 100_000),
        (13_300_000, 100_000),
        (4_291_312, 1),
        (1_000_000_000, 100_000_000),
        (39_100_000_000, 100_000_000),
        (39_051_006_459, 1),
    ],
)
def test_the_step_follows_the_size_and_what_was_never_rounded_is_exact(
    value: int, unit: int
) -> None:
    assert display_unit(value) == unit


@pytest.mark.parametrize(
    ("values", "unit"),
    [
        ([861_500, 861_600], 100),
        ([13_300_000], 100_000),
        ([100, 101], 1),
        ([0, 200], 100),
        ([0, 0], 1),
        ([], 1),
    ],
)
def test_a_step_is_learned_from_trailing_zeros(values: list[int], unit: int) -> None:
    assert learned_unit(values) == unit


@pytest.mark.parametrize(
    ("value", "unit", "bounds"),
    [
        (50, 1, (50, 50)),
        (861_500, 100, (861_401, 861_599)),
        (0, 100, (0, 99)),
        (5, 0, (5, 5)),
    ],
)
def test_a_stated_value_stands_for_a_range(value: int, unit: int, bounds: tuple[int, int]) -> None:
    assert step_bounds(value, unit) == bounds


def test_one_step_may_hide_no_change_at_all() -> None:
    assert delta_bounds(100, 100, 100) == (1, 199)
    assert delta_bounds(0, 100, 1) == (-99, 99)
    assert delta_bounds(7, 1, 1) == (7, 7)
