"""What may never raise an alert, whatever came before it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from random import Random

from bench.detection.worlds import poisson
from hypothesis import given
from hypothesis import strategies as st

from tagtide.core.detect import (
    Detector,
    Finding,
    Point,
    Reason,
    Settings,
    make_detector,
    restore_detector,
)

START = datetime(2026, 3, 2, tzinfo=UTC)


@st.composite
def quiet_counters(draw: st.DrawFn) -> list[Point]:
    """A counter of any size and cadence at which nothing happens, exact or rounded."""
    random = Random(draw(st.integers(0, 2**32)))
    per_hour = 10 ** draw(st.floats(-2, 5))
    hours = draw(st.sampled_from([0.5, 1, 3, 6, 12, 24]))
    unit = draw(st.sampled_from([1, 1, 100, 100_000]))
    readings = draw(st.integers(3, 80))
    total = draw(st.integers(1, 10_000)) * unit
    points, at = [], START
    for _ in range(readings):
        points.append(Point(at, total - total % unit, unit if draw(st.booleans()) else None))
        step = hours * random.uniform(0.9, 1.1)
        at += timedelta(hours=step)
        total += poisson(random, per_hour * step)
    return points


def watched(points: Sequence[Point]) -> Detector:
    """A detector that has seen these points."""
    detector = make_detector()
    for point in points:
        detector.observe(point)
    return detector


def assert_no_alert(detector: Detector, *points: Point) -> Finding:
    for point in points:
        finding = detector.observe(point)
        assert not finding.is_alert, finding
    return finding


@given(quiet_counters(), st.sampled_from([0, None, float("nan"), -5]))
def test_an_unknown_value_is_no_alert_and_neither_is_the_way_back(
    points: list[Point], value: float | None
) -> None:
    last, hours = points[-1], points[-1].at - points[-2].at
    unknown = Point(last.at + hours, value)
    detector = watched(points)
    assert assert_no_alert(detector, unknown).reason is Reason.UNKNOWN
    assert_no_alert(detector, Point(last.at + 2 * hours, last.value))


@given(quiet_counters(), st.integers(1, 8))
def test_a_stale_answer_is_no_alert_and_neither_is_catching_up(
    points: list[Point], repeats: int
) -> None:
    """The last reading comes late: before it, the same old answer several times over."""
    *before, last = points
    old, detector = before[-1], watched(before)
    step = (last.at - old.at) / (repeats + 1)
    for number in range(1, repeats + 1):
        assert_no_alert(detector, Point(old.at + number * step, old.value, old.unit))
    assert_no_alert(detector, last)


@given(quiet_counters(), st.sampled_from([1, 100, 100_000, 100_000_000]))
def test_one_display_unit_is_no_alert(points: list[Point], unit: int) -> None:
    """A counter that stood still ticks."""
    level = points[0].value or 1
    level = level - level % unit + unit
    still = [Point(point.at, level, unit) for point in points]
    after = still[-1].at + timedelta(hours=1)
    for moved in (level + unit, level - unit or unit):
        assert_no_alert(watched(still), Point(after, moved, unit))


@given(quiet_counters(), st.floats(36.1, 5_000), st.integers(0, 10**9))
def test_what_happened_in_a_gap_is_no_alert(points: list[Point], hours: float, gain: int) -> None:
    last = points[-1]
    assert last.value is not None
    cadence = max(b.at - a.at for a, b in pairwise(points))
    after = last.at + timedelta(hours=hours) + 3.5 * cadence
    finding = assert_no_alert(watched(points), Point(after, last.value + gain, last.unit))
    assert finding.reason is Reason.GAP


@given(quiet_counters(), st.floats(1, 2_000))
def test_a_gap_of_any_length_at_the_usual_rate_is_no_alert(
    points: list[Point], hours: float
) -> None:
    first, last = points[0], points[-1]
    assert last.value is not None
    assert first.value is not None
    rate = (last.value - first.value) / ((last.at - first.at).total_seconds() / 3600)
    after = Point(last.at + timedelta(hours=hours), round(last.value + rate * hours), last.unit)
    assert_no_alert(watched(points), after)


@given(quiet_counters(), st.floats(0.0, 0.9), st.floats(0.0, 1.0), st.integers(1, 6))
def test_a_purge_is_no_alert_and_neither_is_the_way_back(
    points: list[Point], left: float, regained: float, steps: int
) -> None:
    last, hours = points[-1], points[-1].at - points[-2].at
    assert last.value is not None
    purged = max(1, int(last.value * left))
    detector = watched(points)
    assert_no_alert(detector, Point(last.at + hours, purged))
    for number in range(1, steps + 1):
        value = purged + int((last.value - purged) * regained * number / steps)
        assert_no_alert(detector, Point(last.at + (1 + number) * hours, value))


@given(quiet_counters(), st.integers(0, 10**9), st.floats(0, 10_000))
def test_duplicates_and_clocks_that_step_back_change_nothing(
    points: list[Point], value: int, hours: float
) -> None:
    detector = make_detector()
    for point in points:
        detector.observe(point)
    before = json.dumps(detector.state())
    finding = detector.observe(Point(points[-1].at - timedelta(hours=hours), value))
    assert finding.reason in {Reason.DUPLICATE, Reason.CLOCK_BACK}
    assert not finding.is_alert
    assert json.dumps(detector.state()) == before


@given(quiet_counters(), st.integers(0, 79))
def test_a_stored_state_goes_on_as_if_never_interrupted(points: list[Point], cut: int) -> None:
    settings = Settings(false_alarms=100)
    whole, resumed = make_detector(settings=settings), make_detector(settings=settings)
    expected = [whole.observe(point) for point in points]
    found = []
    for number, point in enumerate(points):
        if number == cut:
            resumed = restore_detector(json.loads(json.dumps(resumed.state())), settings)
        found.append(resumed.observe(point))
    assert found == expected


@given(st.lists(st.tuples(st.floats(0, 1e4), st.one_of(st.none(), st.floats(), st.integers()))))
def test_any_numbers_at_all_are_survived(rows: list[tuple[float, float | None]]) -> None:
    for is_counter in (True, False):
        detector = make_detector(settings=Settings(is_counter=is_counter, false_alarms=1e6))
        for hours, value in rows:
            finding = detector.observe(Point(START + timedelta(hours=hours), value))
            assert 0 <= finding.score <= 1
            assert finding.p is None or 0 <= finding.p <= 1
            json.dumps(detector.state(), allow_nan=False)
