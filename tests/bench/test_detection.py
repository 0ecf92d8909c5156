"""The detection benchmark measures what it says: the score's worked properties, labels, rates."""

from __future__ import annotations

from functools import partial
from math import exp

import pytest
from bench.detection.bursts import found
from bench.detection.follow import false_incidents, fitted_bar, table
from bench.detection.hashtags import delay_of
from bench.detection.labelled import probation, score, sigmoid
from bench.detection.real import Counter, label
from bench.detection.worlds import Burst, make

from tagtide.core.detect import Settings, make_detector
from tagtide.core.detect.baseline import Baseline

ROWS, WINDOWS = 10_000, [(2_000, 2_099), (6_000, 6_199)]


def test_the_sigmoid_of_the_published_formula() -> None:
    assert sigmoid(-1) == pytest.approx(2 / (1 + exp(-5)) - 1)
    assert sigmoid(0) == 0
    assert sigmoid(1) == pytest.approx(-sigmoid(-1))
    assert sigmoid(3.01) == -1


def test_silence_is_0_and_the_first_row_of_every_window_is_100() -> None:
    assert score(ROWS, WINDOWS, []).normalised == 0
    assert score(ROWS, WINDOWS, [2_000, 6_000]).normalised == pytest.approx(100)
    assert score(ROWS, [], []).normalised is None


def test_only_the_first_detection_in_a_window_counts_and_early_is_better() -> None:
    early = score(ROWS, WINDOWS, [2_010])
    assert score(ROWS, WINDOWS, [2_010, 2_050, 2_099]) == early
    late = score(ROWS, WINDOWS, [2_090])
    assert 0 < late.points + 1 < early.points + 1 < 1
    # Half way through a window of 100 rows: relative position -(99 - 50 + 1) / 100.
    half = score(ROWS, WINDOWS, [2_050])
    assert half.points == pytest.approx(sigmoid(-0.5) / sigmoid(-1) - 1)


def test_a_false_detection_costs_most_far_from_a_window() -> None:
    far = score(ROWS, WINDOWS, [1_500])
    assert far.points == pytest.approx(-2 - 0.11)
    assert far.normalised == pytest.approx(100 * -0.11 / 4)
    behind = score(ROWS, WINDOWS, [2_100])
    assert behind.points == pytest.approx(-2 + 0.11 * sigmoid(1 / 99))
    assert far.points < behind.points < -2
    assert score(ROWS, WINDOWS, [5_000]).points == pytest.approx(far.points), "over 3 widths behind"


def test_the_first_part_is_for_learning() -> None:
    assert (probation(1_000), probation(5_000), probation(20_000)) == (150, 750, 750)
    assert score(ROWS, WINDOWS, [10, 749]).points == -2
    assert score(ROWS, WINDOWS, [750]).false == 1


# --- our own worlds -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def quiet():
    return [make(70_000 + seed, 60) for seed in range(60)]


def test_false_incidents_are_about_what_was_asked_for(quiet) -> None:
    """120 hashtag-months at F = 1: 3 standard deviations are 27 %, and as much for the model."""
    told = false_incidents(quiet, partial(make_detector, settings=Settings(false_alarms=1)), 60)
    assert 0.5 < told.whole < 1.55


def test_a_model_without_scatter_tells_far_more(quiet, monkeypatch) -> None:
    """The negative control of the test above: counts as if they were only Poisson."""
    monkeypatch.setattr(Baseline, "shape", lambda *_: 1e6)
    told = false_incidents(quiet, partial(make_detector, settings=Settings(false_alarms=1)), 60)
    assert told.whole > 2.5


def test_worlds_are_the_same_every_time_and_hold_what_they_promise() -> None:
    one, again, other = make(1, 30), make(1, 30), make(2, 30)
    assert one == again
    assert one != other
    long = [make(seed, 120) for seed in range(20)]
    steps = [b - a for s in long for a, b in zip(s.values, s.values[1:], strict=False)]
    assert min(steps) < 0, "purges"
    hours = [b - a for s in long for a, b in zip(s.hours, s.hours[1:], strict=False)]
    assert 0.03 < sum(h > 10 for h in hours) / len(hours) < 0.08, "missed polls"


def test_bursts_are_found_and_a_bar_can_be_fitted(quiet) -> None:
    world = [make(seed, 50, burst=Burst(24 * 40 + 3.0, 30)) for seed in range(80_000, 80_012)]
    share, delay = found(world, partial(make_detector, settings=Settings(false_alarms=0.25)))
    assert share > 0.7
    assert delay is not None
    assert delay < 24
    bar = fitted_bar("average", quiet[:12], 60, 1.0)
    fitted = false_incidents(quiet[:12], partial(make_detector, "average", bar=bar), 60)
    assert fitted.whole == pytest.approx(1.0, abs=0.35)


# --- labels ---------------------------------------------------------------------------------------


def steady_then(gains: dict[int, int]) -> Counter:
    """90 days of 3-hourly readings that gain 100 each, other gains where given."""
    hours, values, total = [], [], 5_000
    for row in range(720):
        total += gains.get(row, 100)
        hours.append(3.0 * row)
        values.append(total)
    return Counter("tag", hours, values)


def test_a_burst_is_labelled_once_with_its_onset_and_size() -> None:
    episodes = label(steady_then(dict.fromkeys(range(400, 408), 1_000)), 3)
    assert len(episodes) == 1
    assert episodes[0].ratio == pytest.approx(8_000 / 801, rel=0.15)
    assert episodes[0].onset == pytest.approx(400 * 3, abs=24)
    assert episodes[0].end > 408 * 3


@pytest.mark.parametrize(
    "gains",
    [{}, {400: 1_500}, {400: -3_000, 401: 3_100}, {400: 0, 401: 0, 402: 0, 403: 400}],
    ids=["nothing", "twice the day", "a dip and back", "a stale answer"],
)
def test_what_is_no_burst_is_not_labelled(gains: dict[int, int]) -> None:
    assert label(steady_then(gains), 3) == []


def test_the_delay_is_that_of_the_first_rise_near_the_onset() -> None:
    from bench.detection.follow import Told
    from bench.detection.real import Episode

    episode = Episode(100.0, 130.0, 5.0, 50.0)
    assert delay_of(episode, [Told(60.0, True, None), Told(108.0, True, None)]) == 8
    assert delay_of(episode, [Told(90.0, True, None)]) == 0
    assert delay_of(episode, [Told(160.0, True, None)]) is None


def test_tables_show_unknown_as_a_dash() -> None:
    assert table(["a", "b"], [[None, 0.5]]).splitlines()[-1] == "| – | 0.50 |"
