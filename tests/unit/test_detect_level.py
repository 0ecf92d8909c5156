"""The detector of levels, and the choice between levels and counts."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from math import cos, isfinite, log10, pi
from random import Random

import pytest
from bench.detection.levels import make_level
from bench.detection.worlds import make
from hypothesis import given
from hypothesis import strategies as st

from tagtide.core.detect import (
    OF_LEVELS,
    Automatic,
    Direction,
    Finding,
    Phase,
    Point,
    Reason,
    Settings,
    StateMismatch,
    explain,
    make_detector,
    restore_detector,
)
from tagtide.core.detect.extremes import LEAST_BLOCKS, Tail
from tagtide.core.detect.kinds import KindSoFar
from tagtide.core.detect.levels import STATISTICS, Levels, Window

START = datetime(2026, 3, 2, tzinfo=UTC)
QUARTER = timedelta(minutes=15)
INCREMENTS = Settings(is_counter=False)


def room(readings: int, seed: int = 2) -> list[float]:
    """Degrees in a room, every quarter of an hour: a rhythm of the day and a little noise."""
    random = Random(seed)
    return [20 + 3 * cos(2 * pi * n / 96) + random.gauss(0, 0.3) for n in range(readings)]


def points(values: Sequence[float | None], first: int = 0) -> list[Point]:
    return [Point(START + (first + n) * QUARTER, value) for n, value in enumerate(values)]


def follow(values: Sequence[float | None], name: str = "level") -> list[Finding]:
    detector = make_detector(name, INCREMENTS)
    return [detector.observe(point) for point in points(values)]


def alerts(findings: Sequence[Finding]) -> list[int]:
    return [number for number, finding in enumerate(findings) if finding.is_alert]


# --- what is found --------------------------------------------------------------------------------


def test_a_jump_is_one_alert_with_a_sentence() -> None:
    values = room(1_400)
    values[1_200:1_230] = [31.0 + 0.01 * n for n in range(30)]
    findings = follow(values)
    assert alerts(findings)[0] == 1_200
    found = findings[1_200]
    assert (found.phase, found.direction, found.reason) == (
        Phase.OPENS,
        Direction.RISE,
        Reason.RISE,
    )
    assert found.score > 0.5
    low, high = found.usual or (0, 0)
    assert low < high < (found.observed or 0)
    assert "for this series." in explain(found, "The room")
    assert len(alerts(findings)) <= 2, "told once, or again when far stranger"


def test_a_fall_is_a_fall() -> None:
    values = room(1_400)
    values[1_200:1_210] = [4.0] * 10
    found = follow(values)[1_200]
    assert (found.is_alert, found.direction) == (True, Direction.FALL)


@pytest.mark.parametrize("stuck", [18.5, 20.0, 22.0])
def test_a_value_that_is_never_strange_but_does_not_move_is_found(stuck: float) -> None:
    values = room(1_600)
    values[1_300:1_400] = [stuck] * 100
    assert 1_300 <= alerts(follow(values))[0] < 1_400


def test_a_value_that_is_usual_at_another_hour_is_found() -> None:
    values = room(1_600)
    assert min(values) < 17.6
    noon = 14 * 96  # the warmest hour
    values[noon - 8 : noon + 8] = [17.6 + 0.05 * (n % 3) for n in range(16)]
    assert noon - 8 <= alerts(follow(values))[0] < noon + 8


def test_more_scatter_about_the_same_mean_is_found() -> None:
    random, values = Random(5), room(1_600)
    values[1_300:1_350] = [v + random.gauss(0, 2.5) for v in values[1_300:1_350]]
    assert 1_300 <= alerts(follow(values))[0] < 1_350


def test_nothing_is_told_of_a_room_where_nothing_happens() -> None:
    assert alerts(follow(room(3_000))) == []


def test_negative_values_are_levels_and_what_is_unknown_is_not_judged() -> None:
    values: list[float | None] = [value - 20 for value in room(1_400)]
    values[1_100], values[1_101], values[1_102] = None, float("nan"), float("inf")
    findings = follow(values)
    assert [f.reason for f in findings[1_100:1_103]] == [Reason.UNKNOWN] * 3
    assert alerts(findings) == []
    assert findings[1_099].is_judged


def test_the_first_two_days_and_what_follows_a_gap_are_not_judged() -> None:
    values = room(400)
    values[150] = 90.0
    findings = follow(values)
    assert findings[0].reason is Reason.FIRST_READING
    assert {f.reason for f in findings[1:190]} == {Reason.LEARNING}
    detector = make_detector("level", INCREMENTS)
    for point in points(room(1_000)):
        detector.observe(point)
    after = Point(START + 1_000 * QUARTER + timedelta(days=3), 60.0)
    assert detector.observe(after).reason is Reason.GAP
    moved = Point(after.at + QUARTER, 61.0, series="other")
    assert detector.observe(moved).reason is Reason.SOURCE_CHANGED


def test_false_incidents_are_about_what_was_asked_for() -> None:
    """24 months at F = 1: three standard deviations are 60 %. Asking for more gets more."""
    told = {}
    for asked in (1.0, 8.0):
        opened = 0
        for seed in range(8):
            series = make_level(70_000 + seed, 90, 1.0)
            detector = make_detector("level", Settings(false_alarms=asked))
            for hour, value in zip(series.hours, series.values, strict=True):
                at = datetime.fromtimestamp(hour * 3600, UTC)
                opened += detector.observe(Point(at, value)).phase is Phase.OPENS
        told[asked] = opened / 24
    assert 0.3 < told[1.0] < 1.7
    assert told[8.0] > 3


# --- states ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", OF_LEVELS)
def test_a_state_stored_anywhere_goes_on_as_if_never_interrupted(name: str) -> None:
    values: list[float | None] = [round(value, 2) for value in room(700)]
    values[::50] = [None] * len(values[::50])
    values[600:620] = [30.0] * 20
    detector, parts = make_detector(name, INCREMENTS), []
    for number, point in enumerate(points(values)):
        if number % 7 == 0:
            detector = restore_detector(json.loads(json.dumps(detector.state())), INCREMENTS)
        parts.append(detector.observe(point))
    assert parts == follow(values, name)
    assert alerts(parts)


@pytest.mark.parametrize("name", OF_LEVELS)
def test_a_state_of_another_version_begins_anew(name: str) -> None:
    with pytest.raises(StateMismatch):
        restore_detector(make_detector(name).state() | {"version": 99})


@pytest.mark.parametrize("name", OF_LEVELS)
def test_the_state_does_not_grow(name: str) -> None:
    detector, sizes = make_detector(name, INCREMENTS), []
    for number, point in enumerate(points(room(6_000))):
        detector.observe(point)
        if number in {2_999, 5_999}:
            sizes.append(len(json.dumps(detector.state())))
    assert sizes[1] < 1.05 * sizes[0] + 500
    assert sizes[1] < 50_000


# --- levels or counts -----------------------------------------------------------------------------


def test_increments_of_hashtags_are_judged_exactly_as_before() -> None:
    """Whatever their size and cadence, rounded or exact: the choice changes nothing at all."""
    for seed in range(18):
        series = make(seed, 20, (1.0, 3.0, 6.0)[seed % 3])
        gains = [max(0, b - a) for a, b in pairwise(series.values)]
        chosen, plain = make_detector("automatic", INCREMENTS), make_detector(settings=INCREMENTS)
        for at, gain in zip(series.instants()[1:], gains, strict=True):
            point = Point(at, gain)
            assert chosen.observe(point) == plain.observe(point)
        assert isinstance(chosen, Automatic)
        assert not chosen.is_level


@given(st.integers(0, 2**32), st.floats(0.05, 500))
def test_pure_counting_is_never_taken_for_levels(seed: int, mean: float) -> None:
    from bench.detection.worlds import poisson

    random, kind = Random(seed), KindSoFar()
    assert not any(kind.is_level(poisson(random, mean)) for _ in range(300))


@pytest.mark.parametrize(
    ("values", "decided_by"),
    [
        ([20.5, 20.25, 20.75, 20.5], 3),
        ([-1, -2, -1, -3], 3),
        ([63 + n % 3 for n in range(400)], 100),
        ([20] * 200 + [80] * 200, 100),
        ([5, 7, -3, 6, 8, 4] * 1, None),
        ([0] * 400, None),
        ([0, 0, 0, 100] * 100, None),
        ([100, 0, 300, 200] * 100, None),
        ([1, 0, 1, 1] * 100, None),
    ],
    ids=["fractions", "negative", "speeds", "plateaus", "one mistake", "silence", "rounded",
         "coarse", "small"],
)  # fmt: skip
def test_what_is_taken_for_levels_and_how_soon(values: list[float], decided_by: int | None) -> None:
    kind = KindSoFar()
    decided = next((n for n, v in enumerate(values, 1) if kind.is_level(v)), None)
    if decided_by is None:
        assert decided is None
    else:
        assert decided is not None
        assert decided <= decided_by


def test_levels_found_out_late_are_judged_by_all_that_was_read() -> None:
    values = [float(round(value)) for value in room(1_000)]
    values += room(400)
    values[1_300] = 45.0
    detector = make_detector("automatic", INCREMENTS)
    findings = [detector.observe(point) for point in points(values)]
    assert isinstance(detector, Automatic)
    assert detector.is_level
    assert findings[1_300].is_alert
    assert findings[1_300] == follow(values)[1_300]


# --- parts ----------------------------------------------------------------------------------------


def test_a_tail_ranks_what_was_seen_and_extrapolates_beyond() -> None:
    tail = Tail()
    for block in range(LEAST_BLOCKS - 1):
        tail.see(float(block))
        tail.close()
    assert tail.rarity(1e9) == 0, "too few blocks"
    for block in range(LEAST_BLOCKS - 1, 99):
        tail.see(block - 1.0)
        tail.see(float(block))
        tail.close()
    assert tail.rarity(70.0) == 0
    assert tail.rarity(98.0) == pytest.approx(-log10(0.7 / 100))
    assert tail.rarity(97.0) == pytest.approx(-log10(2.5 / 100))
    rarities = [tail.rarity(float(value)) for value in range(80, 200)]
    assert rarities == sorted(rarities)
    assert Tail.from_state(json.loads(json.dumps(tail.state()))).rarity(120.0) == tail.rarity(120.0)


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=60))
def test_a_window_is_the_mean_and_deviation_of_the_last_values(values: list[float]) -> None:
    window = Window(6)
    for value in values:
        window.add(value)
    last = values[-6:]
    mean = sum(last) / len(last)
    spread = max(abs(v) for v in values) + 1
    assert window.mean == pytest.approx(mean, abs=1e-6 * spread)
    exact = (sum((v - mean) ** 2 for v in last) / len(last)) ** 0.5
    assert window.deviation == pytest.approx(exact, abs=1e-4 * spread)


def test_the_statistics_are_of_the_past_alone() -> None:
    """Other values later change nothing earlier."""
    one, other = room(300), [*room(200), *([99.0] * 100)]
    first, second = Levels(), Levels()
    for number, (a, b) in enumerate(zip(one, other, strict=True)):
        found, also = first.measure(number / 4, a), second.measure(number / 4, b)
        assert len(found) == len(STATISTICS)
        assert (found == also) == (number < 200)


@given(st.lists(st.tuples(st.floats(0, 1e4), st.one_of(st.none(), st.floats(), st.integers()))))
def test_any_numbers_at_all_are_survived(rows: list[tuple[float, float | None]]) -> None:
    for name in OF_LEVELS:
        detector = make_detector(name, Settings(is_counter=False, false_alarms=1e6))
        for hours, value in rows:
            finding = detector.observe(Point(START + timedelta(hours=hours), value))
            assert 0 <= finding.score <= 1
            assert finding.p is None or 0 <= finding.p <= 1
            assert finding.observed is None or isfinite(finding.observed)
            explain(finding, "The series")
            json.dumps(detector.state(), allow_nan=False)
