"""The step a rounded counter moves in.

TikTok shows 861.5K, 13.3M and 9.3B; the API's rounded fields carry those as whole numbers.
"""

from __future__ import annotations

from collections.abc import Iterable

#: Below the limit a rounded counter moves in steps of the unit.
_STEPS = ((10_000, 1), (1_000_000, 100), (1_000_000_000, 100_000))
_BILLIONS = 100_000_000


def display_unit(value: int) -> int:
    """Step of a counter from a field that TikTok rounds; 1 is exact.

    A value that is not a multiple of its step cannot have been rounded and is exact. Does NOT know
    the field: counters of ``statsV2`` are exact whatever they look like, and need no call.
    """
    unit = next((unit for limit, unit in _STEPS if value < limit), _BILLIONS)
    return unit if value % unit == 0 else 1


def learned_unit(values: Iterable[int]) -> int:
    """The largest power of ten that divides every value, for series without a source field.

    0 divides by everything and says nothing; without any other value the unit is 1. Pass the last
    five values: fewer tell little, more span a change of the unit.
    """
    informative = [abs(value) for value in values if value]
    unit = 1
    while informative and all(value % (unit * 10) == 0 for value in informative):
        unit *= 10
    return unit


def step_bounds(value: int, unit: int) -> tuple[int, int]:
    """Smallest and largest count that may stand behind a stated value, never below 0.

    Holds for values that were cut and for values that were rounded to the nearest step.
    """
    slack = max(unit, 1) - 1
    return max(0, value - slack), value + slack


def delta_bounds(delta: int, unit_before: int, unit_now: int) -> tuple[int, int]:
    """Smallest and largest true change behind a stated one.

    Both ends are taken to be rounded in the same manner, so that the slack is one step of the
    coarser unit, not two.
    """
    slack = max(unit_before, unit_now, 1) - 1
    return delta - slack, delta + slack
