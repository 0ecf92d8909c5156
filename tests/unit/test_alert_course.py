"""The course of a counter around an alert, its usual range, and the charts of it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagtide.core.alert_course import Basis, Course, JudgedSpan, course_of
from tagtide.core.charts.alert import course_chart, parts_chart, wall_clock
from tagtide.core.charts.video import engagement_chart, views_chart
from tagtide.core.detect.age_curve import ages_for, usual_curve
from tagtide.core.detect.virality import AgeCurve, Viewed
from tagtide.core.rules import Measure
from tagtide.models import CounterSource, HashtagReading, VideoCounters, VideoReading

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
PARIS = ZoneInfo("Europe/Paris")


def readings(gains: list[int | None], step: timedelta = 6 * HOUR) -> list[HashtagReading]:
    """Readings up to noon, with these gains between them; None is a reading that says nothing."""
    found, views = [], 1_000_000
    for n, gain in enumerate([0, *gains]):
        views += gain or 0
        found.append(
            HashtagReading(
                hashtag="glow",
                hashtag_id="1",
                read_at=NOON - (len(gains) - n) * step,
                view_count=None if gain is None else views,
                view_source=None if gain is None else CounterSource.STATS_V2,
                view_unit=1,
                video_count=n,
                video_source=CounterSource.STATS_V2,
                video_unit=1,
            )
        )
    return found


def course(gains: list[int | None], **more: object) -> Course:
    arguments: dict[str, object] = {
        "shown_since": NOON - timedelta(days=3),
        "began_at": NOON + timedelta(minutes=1),
    }
    found = course_of(readings(gains), Measure.VIEWS, **arguments | more)  # type: ignore[arg-type]
    assert found is not None
    return found


def test_the_same_hours_of_earlier_weeks_are_usual() -> None:
    # Four a day over 28 days; each last step of a day gains ten times as much.
    usual = [100 + 900 * (n % 4 == 3) + 3 - n // 28 for n in range(112)]
    usual[-1] = 9_000
    found = course(usual)
    assert found.basis is Basis.WEEKS
    last = found.steps[-1]
    assert last.at == NOON
    assert (last.usual_low, last.usual_middle, last.usual_high) == (1_001, 1_002, 1_003)
    assert last.is_out
    assert found.left == last
    assert not any(step.is_out for step in found.steps[-5:-1])


def test_a_burst_begins_where_it_left_the_range() -> None:
    usual = [100 + n % 3 for n in range(112)]
    usual[-3:] = [500, 700, 900]
    found = course(usual)
    assert found.left is not None
    assert found.left.at == NOON - 12 * HOUR


def test_with_one_week_it_is_the_days_before_and_with_none_nothing() -> None:
    assert course([100 + n % 3 for n in range(25)] + [900]).basis is Basis.DAYS
    young = course([100, 100, 900])
    assert young.basis is Basis.NONE
    assert young.left is None
    assert all(step.usual_high is None for step in young.steps)


def test_an_alert_about_a_fall_looks_below() -> None:
    usual: list[int | None] = [1_000 + n % 3 for n in range(112)]
    usual[-1] = 10
    assert course(usual, is_fall=True).left is not None
    assert course(usual).left is None


def test_what_is_not_known_is_a_gap() -> None:
    gains: list[int | None] = [100 + n % 3 for n in range(112)]
    gains[-3] = None
    found = course(gains)
    assert [step.gain is None for step in found.steps[-4:]] == [False, True, True, False]
    chart = course_chart(found, PARIS, "Europe/Paris")
    assert len(chart.spec["data"]["values"]) == len(found.steps) - 2
    assert chart.rows[2][1] == "–"
    nothing = course_of(
        readings([None, None]), Measure.VIEWS, shown_since=NOON - HOUR * 99, began_at=NOON
    )
    assert nothing is None


@given(st.lists(st.one_of(st.none(), st.integers(-(10**9), 2**62)), min_size=1, max_size=130))
def test_any_course_makes_a_chart_of_json(gains: list[int | None]) -> None:
    found = course_of(
        readings(gains), Measure.VIEWS, shown_since=NOON - timedelta(days=8), began_at=NOON
    )
    if found is not None:
        chart = course_chart(found, UTC, "UTC")
        json.dumps(dict(chart.spec), allow_nan=False)
        assert len(chart.rows) == len(found.steps)


def test_the_detectors_own_range_is_drawn_and_told() -> None:
    judged = JudgedSpan(since=NOON - 6 * HOUR, until=NOON, gain=900, usual_low=80, usual_high=120)
    chart = course_chart(course([100] * 111 + [900], judged=judged), PARIS, "Europe/Paris")
    assert "900 views in 6 h up to 1 Mar 2026, 13:00, where 80 to 120 were expected" in chart.title
    dashes = chart.spec["layer"][2]["data"]["values"]
    assert [round(value["level"], 1) for value in dashes] == [13.3, 20.0]


def test_what_the_hashtag_does_not_count_is_said() -> None:
    found = course_of(
        readings([100] * 20), Measure.ENGAGEMENT, shown_since=NOON - HOUR * 99, began_at=NOON
    )
    assert found is not None
    assert found.measure is Measure.VIEWS
    subtitle = course_chart(found, UTC, "UTC").subtitle
    assert "which the hashtag does not count: its views are shown" in subtitle


def test_charts_have_the_time_of_the_zone() -> None:
    assert wall_clock(NOON, PARIS) == "2026-03-01T13:00:00Z"


def test_parts_lie_where_they_lie_in_the_whole() -> None:
    chart = parts_chart([("a", 60, 0.6), ("b", 40, 0.4)], "views", "60 %: a")
    spans = {v["row"]: (v["start"], v["end"]) for v in chart.spec["data"]["values"][1::2]}
    assert spans == {"a": (0, 60), "b": (60, 100)}
    assert chart.rows == (("a", "60", "60.0 %"), ("b", "40", "40.0 %"))


# --- age ------------------------------------------------------------------------------------------


def others(count: int) -> list[Viewed]:
    return [
        Viewed(video_id=str(n), views=round(100 * (1 + n) * 24**0.2), age_hours=24.0)
        for n in range(count)
    ]


def test_the_usual_curve_is_the_middle_of_the_others_at_any_age() -> None:
    assert usual_curve(others(9)) is None
    curve = usual_curve([*others(21), Viewed(video_id="x", views=None, age_hours=3.0)])
    assert curve is not None
    assert curve.others == 21
    at_a_day = curve.at(24)
    assert at_a_day.middle == pytest.approx(1100 * 24**0.2, rel=1e-3)
    assert at_a_day.low < at_a_day.middle < at_a_day.high
    assert curve.at(240).middle / at_a_day.middle == pytest.approx(10**0.2)
    assert curve.share_below(10**9, 24) == 1
    assert curve.share_below(0, 24) == 0
    flat = usual_curve(others(12), AgeCurve(exponent=0.0))
    assert flat is not None
    assert flat.at(1).middle == flat.at(1000).middle


def test_ages_grow_from_an_hour_to_the_last() -> None:
    ages = ages_for(240)
    assert ages[0] == 1
    assert ages[-1] == pytest.approx(240)
    assert list(ages) == sorted(ages)
    assert ages_for(0)[-1] == pytest.approx(2)


def video(views: int | None, hours: int, likes: int | None = 5) -> VideoReading:
    return VideoReading(
        video_id="7",
        read_at=NOON + hours * HOUR,
        counters=VideoCounters(
            view_count=views,
            like_count=likes,
            comment_count=1,
            share_count=1,
            save_count=None,
            source=CounterSource.STATISTICS,
        ),
    )


@pytest.mark.parametrize("created_at", [NOON - 24 * HOUR, None])
@pytest.mark.parametrize("values", [[], [None], [0], [5], [5, None, 0, 900]])
def test_any_readings_of_a_video_make_charts(
    created_at: datetime | None, values: list[int | None]
) -> None:
    held = [video(views, n) for n, views in enumerate(values)]
    for usual in (None, usual_curve(others(12))):
        chart = views_chart(held, created_at, usual, PARIS, "Europe/Paris")
        json.dumps(dict(chart.spec), allow_nan=False)
        assert len(chart.rows) == len(held)
    json.dumps(dict(engagement_chart(held, created_at, PARIS, "Europe/Paris").spec))


def test_a_long_history_is_thinned_with_its_ends_kept() -> None:
    held = [video(n + 1, n) for n in range(5_000)]
    chart = views_chart(held, NOON, None, UTC, "UTC")
    values = chart.spec["data"]["values"] if "data" in chart.spec else []
    assert len(values) == 300
    assert (values[0]["views"], values[-1]["views"]) == (1, 5_000)
