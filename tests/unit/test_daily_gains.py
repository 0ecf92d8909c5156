"""What was gained by day, worked out by hand."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from report_facts import totals_at
from tagtide.core.daily_gains import daily_gains
from tagtide.models import CounterSource, HashtagReading

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
START = datetime(2026, 3, 2, tzinfo=UTC)
FIRST = START.date()


def every(hours: float, values: list[int | None], unit: int = 1) -> list[HashtagReading]:
    return [
        totals_at("a", START + index * hours * HOUR, value, unit=unit)
        for index, value in enumerate(values)
    ]


def test_readings_at_midnight_are_subtracted() -> None:
    assert daily_gains(every(24, [100, 130, 190]), UTC).days == {
        FIRST: pytest.approx(30),
        FIRST + DAY: pytest.approx(60),
    }


def test_a_stretch_over_midnight_is_split_by_its_hours() -> None:
    readings = [totals_at("a", START + h * HOUR, v) for h, v in ((0, 1000), (18, 1180), (30, 1300))]
    # 18 h at 10 an hour, then 6 of the 12 hours of a stretch of 120.
    assert daily_gains(readings, UTC).days == {FIRST: pytest.approx(240)}


def test_a_day_begins_at_midnight_of_the_zone() -> None:
    # One hour after midnight in Paris until then.
    gains = daily_gains(every(6, [1000 + 60 * n for n in range(13)]), ZoneInfo("Europe/Paris"))
    assert gains.days[date(2026, 3, 3)] == pytest.approx(240)


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ([1000, 1100, None, None, 1400], "read on neither day"),
        ([1000, 1100, 0, 0, 1400], "0 is no value"),
    ],
)
def test_what_lies_in_a_gap_is_not_known(values: list[int | None], why: str) -> None:
    assert list(daily_gains(every(24, values), UTC).days) == [FIRST], why


def test_a_correction_is_no_growth_and_no_loss() -> None:
    values = [100_000, 101_000, 50_000, 51_000, 120_000, 121_000]
    days = daily_gains(every(24, values), UTC).days
    # The fall, and the way back to the level before it, are not known.
    assert days == {FIRST: pytest.approx(1000), FIRST + 4 * DAY: pytest.approx(1000)}


def test_a_stale_read_changes_nothing() -> None:
    fresh = daily_gains(every(6, [10_000 + 100 * n for n in range(9)]), UTC).days
    values = [10_000 + 100 * n for n in range(9)]
    values[2] = 9_990
    assert daily_gains(every(6, values), UTC).days == pytest.approx(fresh)


def test_another_field_is_another_counter() -> None:
    readings = every(24, [1000, 1100])
    other = totals_at("a", START + 2 * DAY, 900_000, source=CounterSource.STATS)
    assert list(daily_gains([*readings, other], UTC).days) == [FIRST]


def test_a_rounded_counter_is_taken_between_its_steps() -> None:
    # 40 a day, shown in steps of 100: it moves on the third, fifth, eighth and tenth day.
    values = [10_000 + 40 * n // 100 * 100 for n in range(11)]
    days = daily_gains(every(24, values, unit=100), UTC).days
    assert [round(gain) for gain in days.values()] == [17, 17, 17, 50, 50, 33, 33, 33, 50, 50]
    assert daily_gains(every(24, values, unit=100), UTC).step == 100


def test_nothing_comes_of_nothing() -> None:
    assert daily_gains([], UTC).days == {}
    assert daily_gains(every(24, [1000]), UTC).days == {}


@settings(max_examples=25)
@given(
    st.lists(st.integers(100, 5000), min_size=20, max_size=60),
    st.integers(1, 1000),
)
def test_scale_and_order_of_readings_do_not_matter(gains: list[int], factor: int) -> None:
    total, values = 1_000_000, []
    for gain in gains:
        total += gain
        values.append(total)
    plain = daily_gains(every(6, list(values)), UTC).days
    scaled = daily_gains(every(6, [v * factor for v in values])[::-1], UTC).days
    assert scaled == pytest.approx({day: gain * factor for day, gain in plain.items()})
