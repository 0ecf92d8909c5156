"""The detectors, reading by reading."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from tagtide.core.detect import (
    DETECTORS,
    SHIPPED,
    Detector,
    Direction,
    Finding,
    Phase,
    Point,
    Reason,
    Settings,
    StateMismatch,
    explain,
    make_detector,
    pooled,
    restore_detector,
)
from tagtide.core.detect.intake import Intake

START = datetime(2026, 3, 2, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


def steady(readings: int, per_reading: int = 60, hours: float = 6.0, seed: int = 1) -> list[Point]:
    """A counter that gains about the same at every reading."""
    random, total, points = Random(seed), 5_003, []
    for number in range(readings):
        points.append(Point(START + number * hours * HOUR, total))
        total += max(0, round(random.gauss(per_reading, per_reading**0.5)))
    return points


def follow(points: Sequence[Point], detector: Detector | None = None) -> list[Finding]:
    detector = detector or make_detector()
    return [detector.observe(point) for point in points]


def after(points: Sequence[Point], gain: int, hours: float = 6.0) -> Point:
    last = points[-1]
    assert last.value is not None
    return Point(last.at + hours * HOUR, last.value + gain)


def test_a_burst_opens_an_incident_and_says_why() -> None:
    points = steady(60)
    finding = follow([*points, after(points, 400)])[-1]
    assert finding.phase is Phase.OPENS
    assert finding.reason is Reason.RISE
    assert finding.is_alert
    assert (finding.observed, finding.hours) == (400, 6)
    assert finding.expected == pytest.approx(60, rel=0.6)
    assert finding.score > 0.5
    assert explain(finding, "#brandtag").startswith(
        "#brandtag gained 400 videos since 19:00 (6 h). At this hour on a Tuesday it normally "
        "gains "
    )
    assert "jump this big happens by chance less than once in a century" in explain(
        finding, "#brandtag"
    )


def test_an_incident_is_told_once_unless_it_grows_far_stranger() -> None:
    points = steady(60)
    for gain in (300, 300, 300, 250):
        points.append(after(points, gain))
    phases = [finding.phase for finding in follow(points)[-4:]]
    assert phases[0] is Phase.OPENS
    assert Phase.OPENS not in phases[1:]
    points.append(after(points, 30_000))
    assert follow(points)[-1].phase is Phase.ESCALATES


def test_an_incident_closes_after_a_quiet_day_and_a_half() -> None:
    points = steady(60)
    points.append(after(points, 500))
    for gain in [60] * 14:
        points.append(after(points, gain))
    phases = [finding.phase for finding in follow(points)[60:]]
    assert phases[0] is Phase.OPENS
    assert phases.count(Phase.CLOSES) == 1
    assert phases.index(Phase.CLOSES) * 6 >= 36
    assert set(phases[phases.index(Phase.CLOSES) + 1 :]) == {Phase.NONE}


def test_the_third_reading_can_be_an_alert() -> None:
    points = [Point(START + 6 * n * HOUR, value) for n, value in enumerate((1_003, 1_013, 9_019))]
    assert [f.reason for f in follow(points)[:2]] == [Reason.FIRST_READING, Reason.LEARNING]
    assert follow(points)[2].phase is Phase.OPENS


def test_a_campaign_that_dies_is_a_fall() -> None:
    points = steady(120)
    for gain in [2, 1, 0, 3] * 4:
        points.append(after(points, gain))
    alerts = [finding for finding in follow(points) if finding.is_alert]
    assert [finding.direction for finding in alerts] == [Direction.FALL]
    assert "drop this deep" in explain(alerts[0], "#brandtag")


def test_falls_can_be_left_out() -> None:
    points = steady(120)
    for gain in [2, 1, 0, 3] * 4:
        points.append(after(points, gain))
    findings = follow(points, make_detector(settings=Settings(falls_share=0)))
    assert not any(finding.is_alert for finding in findings)


def test_a_small_gain_is_not_worth_an_alert_however_rare() -> None:
    points = [Point(START + 6 * n * HOUR, 1_003) for n in range(200)]
    points.append(after(points, 3))
    assert not follow(points)[-1].is_alert


@pytest.mark.parametrize("name", DETECTORS)
@pytest.mark.parametrize("is_counter", [True, False])
def test_a_state_stored_anywhere_goes_on_as_if_never_interrupted(
    name: str, is_counter: bool
) -> None:
    random = Random(4)
    points = steady(150)
    points.append(after(points, 700))
    points += [Point(points[-1].at + n * HOUR, None if n % 3 else 6_000 + n) for n in range(1, 40)]
    if not is_counter:
        points = [Point(p.at, random.choice((0, 3, 9, 2.5, None))) for p in points]
    settings = Settings(is_counter=is_counter)
    whole = follow(points, make_detector(name, settings))
    detector, parts = make_detector(name, settings), []
    for point in points:
        detector = restore_detector(json.loads(json.dumps(detector.state())), settings)
        parts.append(detector.observe(point))
    assert parts == whole


def test_a_state_of_another_version_begins_anew() -> None:
    state = make_detector().state()
    with pytest.raises(StateMismatch):
        restore_detector(state | {"version": 99})
    with pytest.raises(StateMismatch):
        restore_detector(state | {"detector": "oracle"})


@pytest.mark.parametrize("minutes", [5, 60, 360])
@pytest.mark.parametrize("name", DETECTORS)
def test_the_state_stays_small(name: str, minutes: int) -> None:
    detector, points = make_detector(name), steady(9_000, hours=minutes / 60)
    follow(points[:4_500], detector)
    half = len(json.dumps(detector.state()))
    follow(points[4_500:], detector)
    full = len(json.dumps(detector.state()))
    assert full < 1.2 * half + 500
    assert full < 16_000


def test_a_pool_without_days_is_the_shipped_table() -> None:
    pool = pooled([make_detector().state()], "2026-11-26")
    assert pool.version == "2026-11-26"
    assert pool.rise == SHIPPED.rise


def test_a_pool_learns_how_strange_quiet_days_are() -> None:
    states = []
    for seed in range(12):
        detector = make_detector()
        follow(steady(400, seed=seed), detector)
        states.append(detector.state())
    pool = pooled(states, "v2")
    assert pool.rise.outer != SHIPPED.rise.outer
    assert type(pool).from_state(json.loads(json.dumps(pool.state()))) == pool


def test_a_counter_that_becomes_finer_does_not_make_news_of_its_last_step() -> None:
    """A tick of 100,000 counts as rounding although the next reading is exact."""
    points = [Point(START + 6 * n * HOUR, 100_000) for n in range(30)]
    points.append(Point(START + 180 * HOUR, 200_000))
    points += [Point(START + (180 + n) * HOUR, 200_000 + 555 * n + 1) for n in range(1, 30)]
    assert not any(finding.is_alert for finding in follow(points))


def test_a_counter_that_stands_still_at_a_round_number_is_no_coarser_for_it() -> None:
    """In steps of 100: a burst after a day at 85,000 is judged by steps of 100, not of 1,000."""
    values = [84_000 + 100 * n for n in range(11)] + [85_000] * 8 + [85_900]
    intake = Intake(is_counter=True)
    for n, value in enumerate(values):
        step = intake.take(Point(START + 3 * n * HOUR, value))
        if step.is_learned:
            intake.settle(step, value)
    assert (step.gain, step.unit, step.is_restart) == (900, 100, False)
