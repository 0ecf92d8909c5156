"""Charts of campaigns and hashtags as data, and the time axis they share."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from tagtide.core.charts import Chart
from tagtide.core.charts.campaign import (
    Axis,
    Line,
    Noun,
    Pace,
    growth_chart,
    rates_chart,
    velocity_chart,
)
from tagtide.core.charts.hashtag import curve_chart
from tagtide.core.charts.times import Event, event_layers, hatching, time_axis, wall_time
from tagtide.core.metrics import summarise_rates
from tagtide.core.rules import Measure
from tagtide.core.statistical_rule import HashtagDetector
from tagtide.models import CounterSource, HashtagReading

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
PARIS = ZoneInfo("Europe/Paris")
AXIS = Axis(since=NOON, until=NOON + 24 * HOUR, zone=PARIS, zone_name="Europe/Paris")


def line(name: str, base: int | None, *gains: int) -> Line:
    ends = tuple((NOON + 6 * (n + 1) * HOUR, gain) for n, gain in enumerate(gains))
    return Line(name=name, base=base, gains=ends)


def chart(*lines: Line) -> Chart:
    return growth_chart(lines, AXIS, name="views", noun=Noun.VIEWS)


def reading(hours: float, views: int | None, unit: int = 1) -> HashtagReading:
    return HashtagReading(
        hashtag="glow",
        hashtag_id="1",
        read_at=NOON + hours * HOUR,
        view_count=views,
        view_source=CounterSource.STATS_V2,
        view_unit=unit,
        video_count=None,
        video_source=None,
        video_unit=1,
    )


def points(made: Chart) -> list[dict[str, object]]:
    values: list[dict[str, object]] = made.spec["data"]["values"]
    return values


def test_a_line_begins_where_something_was_read_first() -> None:
    late = replace(line("late", 50_000, 0, 0, 0, 500), begins_at=NOON + 18 * HOUR)
    early = replace(line("early", 50_000, 100), begins_at=NOON - 6 * HOUR)
    made = points(chart(replace(late, gains=late.gains[3:]), early))
    begins = {one["line"]: one["when"] for one in reversed(made) if one["value"] == 0}
    assert begins == {"late": "2 Mar 2026, 07:00", "early": "1 Mar 2026, 13:00"}


# --- time -----------------------------------------------------------------------------------------


def test_an_axis_shows_the_clocks_of_the_campaign() -> None:
    assert wall_time(NOON, PARIS) == "2026-03-01T13:00:00Z"
    assert time_axis(NOON, NOON + HOUR, PARIS)["scale"]["domain"] == [
        "2026-03-01T13:00:00Z",
        "2026-03-01T14:00:00Z",
    ]


@pytest.mark.parametrize(
    ("hours", "numbers"),
    [
        ((0, 0, 12), {"2026-03-01T13:00:00Z": "1, 2", "2026-03-02T01:00:00Z": "3"}),
        ((0, 0.5, 1, 1.5, 12), {"2026-03-01T13:00:00Z": "1–4", "2026-03-02T01:00:00Z": "5"}),
        ((12, 0, 12.5), {"2026-03-01T13:00:00Z": "2", "2026-03-02T01:00:00Z": "1, 3"}),
    ],
)
def test_numbers_of_events_that_are_near_stand_together(
    hours: tuple[float, ...], numbers: dict[str, str]
) -> None:
    x = time_axis(NOON, NOON + 24 * HOUR, PARIS)
    events = [Event(at=NOON + hour * HOUR, label="a") for hour in hours]
    rules, told = event_layers(events, x, PARIS)
    assert {one["at"]: one["numbers"] for one in told["data"]["values"]} == numbers
    assert len(rules["data"]["values"]) == len(events)
    assert rules["data"]["values"][1]["what"] == "2. a"
    assert event_layers([], x, PARIS) == []


def test_hatching_stays_within_its_stretch_and_the_period() -> None:
    until = NOON + 10 * HOUR
    stretches = [(NOON - HOUR, NOON + HOUR, "why"), (until + HOUR, until + 2 * HOUR, "later")]
    area, lines = hatching(stretches, NOON, until, UTC)
    assert [(v["at"], v["to"]) for v in area["data"]["values"]] == [
        ("2026-03-01T12:00:00Z", "2026-03-01T13:00:00Z")
    ]
    assert lines["data"]["values"]
    for value in lines["data"]["values"]:
        assert "2026-03-01T12:00:00Z" <= value["at"] <= value["to"] <= "2026-03-01T13:00:00Z"
        assert 0 <= value["low"] <= value["high"] <= 1
    assert hatching([], NOON, until, UTC) == []
    assert hatching(stretches, NOON, NOON, UTC) == []


# --- growth ---------------------------------------------------------------------------------------


def test_growth_is_in_percent_where_levels_can_be_compared() -> None:
    made = chart(line("own", 20_000, 1_000, 1_000), line("theirs", 4_000_000, 40_000))
    assert [p["value"] for p in points(made)] == [0, 0.05, 0.1, 0, 0.01]
    assert made.title == "own: +10.0 % views, more than theirs (+1.0 %)"
    assert "in percent" in made.subtitle
    assert made.rows[-1] == ("theirs", "1 Mar 2026, 19:00", "+1.0 %")


@pytest.mark.parametrize("base", [None, 0, 500])
def test_growth_is_in_views_where_one_level_is_too_small(base: int | None) -> None:
    made = chart(line("own", base, 900, 600), line("theirs", 4_000_000, 40_000))
    assert [p["value"] for p in points(made)] == [0, 900, 1500, 0, 40_000]
    assert made.title == "own: +1,500 views, less than theirs (+40.0 k)"


def test_nothing_known_draws_nothing() -> None:
    made = chart(line("own", 20_000))
    assert points(made) == []
    assert made.title == "No growth of views is known in this period"
    json.dumps(made.spec)


def test_labels_at_the_ends_do_not_cover_each_other() -> None:
    made = chart(*(line(f"tag {n}", 100_000, 1_000 + n) for n in range(4)))
    labels = next(layer for layer in made.spec["layer"] if layer["mark"]["type"] == "text")
    heights = sorted(v["label_at"] for v in labels["data"]["values"])
    assert all(b - a > 0.0006 for a, b in itertools.pairwise(heights))


# --- velocity -------------------------------------------------------------------------------------


def test_velocity_says_what_left_the_usual_range_and_leaves_gaps() -> None:
    paces = [
        Pace(begins_at=NOON, ends_at=NOON + 6 * HOUR, gain=50, low=10, high=40),
        Pace(begins_at=NOON + 6 * HOUR, ends_at=NOON + 12 * HOUR, gain=None, low=10, high=40),
        Pace(begins_at=NOON + 12 * HOUR, ends_at=NOON + 18 * HOUR, gain=5, low=10, high=40),
        Pace(begins_at=NOON + 18 * HOUR, ends_at=NOON + 24 * HOUR, gain=5),
    ]
    made = velocity_chart(paces, AXIS, name="v", noun=Noun.VIEWS, span="six hours", band="x")
    assert made.title == (
        "Views: 1 of 2 stretches above the usual range and 1 of 2 stretches below the usual range"
    )
    bars = made.spec["layer"][-1]["data"]["values"]
    assert [bar["value"] for bar in bars] == [50, 5, 5]
    assert made.rows[1] == ("1 Mar 2026, 19:00", "–", "10 to 40")


def test_rates_name_the_median_and_never_divide_by_nothing() -> None:
    rates = summarise_rates([0.02, 0.06, 0.30], 1, 38, 300)
    made = rates_chart(rates, None)
    assert made.title == "Half of the videos have an engagement rate above 6.0 %"
    assert made.rows[-1] == ("20 % and more", "1", "33.3 %")
    empty = rates_chart(summarise_rates([], 0, 0, 0), None)
    assert empty.title == "No engagement rate is known yet"
    assert all(row[1:] == ("0", "0.0 %") for row in empty.rows)


# --- the curve of a hashtag -----------------------------------------------------------------------


def test_a_silence_is_a_gap_and_a_failed_read_is_hatched() -> None:
    readings = [reading(n, 1000 + n) for n in (0, 1, 2, 3, 4, 12, 13)]
    made = curve_chart(readings, AXIS, counter="view")
    values = [p["value"] for p in points(made)]
    assert values == [1000, 1001, 1002, 1003, 1004, None, 1012, 1013]
    assert len(made.rows) == 7
    assert "hatched" not in made.subtitle
    failed = [Event(at=NOON + 6 * HOUR, label="The read failed")]
    assert "hatched" in curve_chart(readings, AXIS, counter="view", uncertain=failed).subtitle


def test_a_rounded_counter_is_drawn_with_its_band() -> None:
    made = curve_chart([reading(0, 12_000, 100), reading(1, 12_300, 100)], AXIS, counter="view")
    assert (points(made)[0]["low"], points(made)[0]["high"]) == (11_900, 12_100)
    assert made.rows[0][1] == "12,000 ± 100"
    assert made.spec["layer"][0]["mark"]["type"] == "area"
    exact = curve_chart([reading(0, 12_001)], AXIS, counter="view")
    assert exact.spec["layer"][0]["mark"]["type"] == "line"


@pytest.mark.parametrize("views", [None, 0])
def test_an_unknown_counter_is_no_point(views: int | None) -> None:
    made = curve_chart([reading(0, views), reading(1, 500)], AXIS, counter="view")
    assert [p["value"] for p in points(made)] == [500]
    assert curve_chart([reading(0, views)], AXIS, counter="view").rows == ()


# --- what the detector takes for usual ------------------------------------------------------------


def test_the_usual_range_holds_what_comes_and_changes_nothing() -> None:
    detector = HashtagDetector("glow", 0.25)
    assert detector.usual(Measure.VIEWS, NOON, NOON + HOUR) is None
    for n in range(200):
        detector.observe(reading(n, 100_000 + 50 * n))
    before = detector.state()
    at = NOON + 200 * HOUR
    usual = detector.usual(Measure.VIEWS, at, at + 6 * HOUR)
    assert usual is not None
    assert usual.low < 300 < usual.high
    assert 150 < usual.expected < 600
    longer = detector.usual(Measure.VIEWS, at, at + 24 * HOUR)
    assert longer is not None
    assert longer.expected > 3 * usual.expected
    assert detector.usual(Measure.VIEWS, at, at) is None
    assert detector.state() == before
