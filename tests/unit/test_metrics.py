from __future__ import annotations

import math
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from report_facts import DAY, NOW, AVideo, counters, reading, totals_at
from tagtide.core import metrics as m
from tagtide.models import CounterSource


def videos_with(*views: int | None) -> list[AVideo]:
    return [AVideo(f"{i:03}", counters(v)) for i, v in enumerate(views)]


# --- sums -----------------------------------------------------------------------------------------


def test_totals_of_a_small_campaign() -> None:
    held = [
        AVideo("1", counters(1000, 50, 10, 5, 2), author_key="a"),
        AVideo("2", counters(None, 20, None, 1, None), author_key="a"),
        AVideo("3", counters(500, 5, 0, 0, 1), author_key="b"),
    ]
    sums = m.totals(held)
    assert (sums.videos, sums.creators) == (3, 2)
    assert sums.views == m.KnownSum(1500, 2, 1)
    assert sums.views.mean == 750
    assert sums.likes == m.KnownSum(75, 3, 0)
    assert sums.comments == m.KnownSum(10, 2, 1)
    assert sums.saves == m.KnownSum(3, 2, 1)
    assert sums.engagement == m.KnownSum(70, 2, 1)


def test_a_sum_of_unknowns_is_unknown_and_a_sum_of_nothing_is_0() -> None:
    assert m.known_sum([None, None]) == m.KnownSum(None, 0, 2)
    assert m.known_sum([]) == m.KnownSum(0, 0, 0)
    assert m.known_sum([]).mean is None


@given(st.lists(st.none() | st.integers(0, 10**12)))
def test_an_unknown_video_never_changes_a_known_sum(values: list[int | None]) -> None:
    before, after = m.known_sum(values), m.known_sum([*values, None])
    assert after.known == before.known
    if before.known:
        assert after.total == before.total == sum(v for v in values if v is not None)


# --- rates ----------------------------------------------------------------------------------------


def test_rates_of_a_small_campaign() -> None:
    held = [
        AVideo("1", counters(1000, 80, 15, 5)),  # 10 %
        AVideo("2", counters(100, 2, 0, 0)),  # 2 %
        AVideo("3", counters(900, 27, 0, 9)),  # 4 %
        AVideo("4", counters(0, 3, 0, 0)),  # unknown: no views
        AVideo("5", counters(100, None, 0, 0)),  # unknown: no likes
    ]
    rates = m.rate_summary(held)
    assert (rates.known, rates.unknown) == (3, 2)
    assert rates.mean == pytest.approx((0.10 + 0.02 + 0.04) / 3)
    assert rates.median == pytest.approx(0.04)
    assert rates.pooled == pytest.approx(138 / 2000)
    assert dict(rates.quantiles)[0.25] == pytest.approx(0.03)
    assert dict(rates.quantiles)[0.90] == pytest.approx(0.088)
    counted = {(b.low, b.high): b.videos for b in rates.histogram if b.videos}
    assert counted == {(0.02, 0.03): 1, (0.04, 0.05): 1, (0.10, 0.15): 1}


def test_no_known_rate_has_no_figures() -> None:
    rates = m.rate_summary(videos_with(None, 0))
    assert (rates.mean, rates.median, rates.pooled, rates.quantiles) == (None, None, None, ())


def test_quantile_is_type_7() -> None:
    # as the function "quantile" of R gives with type 7
    values = [1, 2, 4, 8, 16]
    assert [m.quantile(values, p) for p in (0, 0.1, 0.25, 0.5, 0.9, 1)] == pytest.approx(
        [1, 1.4, 2, 4, 12.8, 16]
    )
    assert m.quantile([7], 0.9) == 7


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=60))
def test_quantiles_are_ordered_and_within_the_values(values: list[float]) -> None:
    values.sort()
    found = [m.quantile(values, p) for p in m.RATE_QUANTILES]
    assert found == sorted(found)
    assert values[0] <= found[0]
    assert found[-1] <= values[-1]


@given(st.lists(st.floats(0, 10), max_size=50))
def test_every_value_is_in_one_bin(values: list[float]) -> None:
    assert sum(b.videos for b in m.histogram(values)) == len(values)


def test_bins_hold_their_lower_edge() -> None:
    bins = {b.low: b.videos for b in m.histogram([0.0, 0.05, 0.2, 3.0])}
    assert (bins[0.0], bins[0.05], bins[0.20]) == (1, 1, 2)


# --- rankings -------------------------------------------------------------------------------------


def test_rankings_leave_out_the_unknown_and_break_ties_by_id() -> None:
    held = [
        AVideo("9", counters(100, 10)),
        AVideo("1", counters(100, 10)),
        AVideo("2", counters(None, 50)),
        AVideo("3", counters(900, None)),
    ]
    assert [v.video_id for v in m.top_by_engagement(held)] == ["2", "1", "9"]
    assert [v.video_id for v in m.top_by_views(held)] == ["3", "1", "9"]
    assert [v.video_id for v in m.top_by_views(held, 1)] == ["3"]


def test_creators_are_ranked_by_views() -> None:
    held = [
        AVideo("1", counters(100, 10), author_key="a", author_username="old", read_at=NOW - DAY),
        AVideo("2", counters(300, 10), author_key="a", author_username="new", author_followers=7),
        AVideo("3", counters(350, 70), author_key="b"),
        AVideo("4", counters(None, 9), author_key="c"),
    ]
    first, second, last = m.creators(held)
    assert (first.author_key, first.author_username, first.author_followers) == ("a", "new", 7)
    assert (first.videos, first.views.total, first.top_video_id) == (2, 400, "2")
    assert first.engagement_rate == pytest.approx(20 / 400)
    assert (second.author_key, second.views.total) == ("b", 350)
    assert (last.views.total, last.engagement.total, last.engagement_rate) == (None, 9, None)


@given(st.lists(st.tuples(st.integers(0, 5), st.none() | st.integers(0, 10**9)), max_size=40))
def test_creators_add_up_to_the_campaign(rows: list[tuple[int, int | None]]) -> None:
    held = [AVideo(str(i), counters(v), author_key=str(a)) for i, (a, v) in enumerate(rows)]
    standings, sums = m.creators(held), m.totals(held)
    assert len(standings) == sums.creators
    assert sum(c.videos for c in standings) == sums.videos
    assert sum(c.views.total or 0 for c in standings) == (sums.views.total or 0)


# --- growth ---------------------------------------------------------------------------------------


def test_growth_is_over_videos_read_at_both_ends() -> None:
    held = [
        AVideo("1", counters(1000)),
        AVideo("2", counters(500)),  # fell
        AVideo("3", counters(70)),  # no earlier reading
        AVideo("4", counters(None)),  # unknown now
        AVideo("5", counters(90)),  # unknown then
        AVideo("6", counters(90)),  # another field
        AVideo("7", counters(90)),  # the same reading
    ]
    at = NOW - timedelta(hours=23)
    earlier = {
        "1": reading("1", at, counters(400)),
        "2": reading("2", at - timedelta(hours=1), counters(510)),
        "4": reading("4", at, counters(1)),
        "5": reading("5", at, counters(None)),
        "6": reading("6", at, counters(1, source=CounterSource.STATS)),
        "7": reading("7", NOW, counters(90)),
    }
    growth = m.view_growth(held, earlier)
    assert (growth.change, growth.before, growth.videos, growth.fallen) == (590, 910, 2, 1)
    assert growth.ratio == pytest.approx(590 / 910)
    assert growth.elapsed == timedelta(hours=23)
    assert (growth.leader, growth.leader_gain) == ("1", 600)


def test_growth_of_nothing_is_unknown() -> None:
    growth = m.view_growth(videos_with(5), {})
    assert (growth.change, growth.since, growth.ratio, growth.leader) == (None, None, None, None)


def test_a_hashtag_change_needs_one_source_and_knows_its_rounding() -> None:
    then = totals_at("a", NOW - DAY, 39_000_000_000, unit=100_000_000)
    now = totals_at("a", NOW, 39_100_000_000, unit=100_000_000)
    change = m.hashtag_view_change(now, then)
    assert change is not None
    assert (change.value, change.margin) == (100_000_000, 200_000_000)
    other = totals_at("a", NOW - DAY, 1, source=CounterSource.CH_INFO)
    assert m.hashtag_view_change(now, other) is None
    assert m.hashtag_view_change(now, totals_at("a", NOW - DAY, None)) is None
    assert m.hashtag_view_change(now, None) is None
    assert m.hashtag_video_change(now, then) is None


# --- viral ----------------------------------------------------------------------------------------


def test_a_viral_video_is_judged_against_the_others_only() -> None:
    # Ten others of 100 views: the mean with the video itself would be 100.9 for 110 views more.
    held = videos_with(*[100] * 10, 1001)
    (viral,) = m.viral_videos(held)
    assert (viral.video_id, viral.basis, viral.others) == ("010", m.ViralBasis.VIEWS, 10)
    assert viral.times == pytest.approx(10.01)
    assert m.viral_videos(videos_with(*[100] * 10, 1000)) == []


def test_engagement_alone_makes_a_video_viral() -> None:
    held = [AVideo(f"{i:03}", counters(1000, 10)) for i in range(10)]
    (viral,) = m.viral_videos([*held, AVideo("x", counters(1000, 500))])
    assert (viral.video_id, viral.basis, viral.value) == ("x", m.ViralBasis.ENGAGEMENT, 500)


def test_the_factor_is_the_campaign_s() -> None:
    held = videos_with(*[100] * 10, 350)
    assert m.viral_videos(held) == []
    assert len(m.viral_videos(held, factor=3)) == 1


@given(st.lists(st.integers(0, 10**9), max_size=10))
def test_viral_never_fires_below_ten_others(views: list[int]) -> None:
    assert m.viral_videos(videos_with(*views, None, None)) == []


@given(st.lists(st.none() | st.integers(0, 10**6), min_size=11, max_size=30))
def test_viral_equals_the_plain_definition(views: list[int | None]) -> None:
    held = videos_with(*views)
    known = {v.video_id: v.counters.view_count for v in held if v.counters.view_count is not None}
    expected = set()
    for video_id, value in known.items():
        others = [other for key, other in known.items() if key != video_id]
        if len(others) >= 10 and sum(others) and value > 10 * math.fsum(others) / len(others):
            expected.add(video_id)
    assert {v.video_id for v in m.viral_videos(held)} == expected


# --- weeks ----------------------------------------------------------------------------------------


def weekly(*views: int | None, name: str = "a", unit: int = 1) -> list:
    """Readings a week apart, the last one now."""
    last = len(views) - 1
    return [totals_at(name, NOW - (last - i) * m.WEEK, v, unit=unit) for i, v in enumerate(views)]


@pytest.mark.parametrize(
    ("change", "earlier", "anomaly", "score"),
    [
        # mean 100, sample sd 10: floor and scatter agree
        (140, [90, 100, 110], "spike", 4.0),
        (60, [90, 100, 110], "drop", -4.0),
        (125, [90, 100, 110], "none", 2.5),
        # equal weeks: the floor of 10 % of the mean is the scatter
        (129, [100, 100, 100], "none", 2.9),
        (130, [100, 100, 100], "spike", 3.0),
        (500, [90, 110], "not_enough_history", None),
        (500, [90, None, 110], "not_enough_history", None),
        (None, [90, 100, 110], "not_enough_history", None),
        (140, [90, None, 100, 110], "spike", 4.0),
    ],
)
def test_weekly_anomaly(
    change: float | None, earlier: list[float | None], anomaly: str, score: float | None
) -> None:
    verdict = m.weekly_anomaly(change, earlier)
    assert verdict.anomaly == anomaly
    assert verdict.score == (None if score is None else pytest.approx(score))
    if len([e for e in earlier if e is not None]) >= 3:
        assert verdict.baseline == pytest.approx(100)


def test_rounding_of_the_counter_is_never_a_spike() -> None:
    assert m.weekly_anomaly(100, [0, 0, 0], margin=200).anomaly == "none"


@given(st.lists(st.none() | st.floats(-1e9, 1e9), max_size=6))
def test_an_unknown_week_is_never_flagged(earlier: list[float | None]) -> None:
    assert m.weekly_anomaly(None, earlier).anomaly == "not_enough_history"


def test_weekly_changes_step_back_week_by_week() -> None:
    changes = m.weekly_changes(weekly(100, 200, 350, 400), NOW)
    assert [c.views.value for c in changes if c.views] == [50, 150, 100]
    assert not any(c.scaled for c in changes)


def test_a_missing_week_is_one_longer_change_scaled_to_seven_days() -> None:
    readings = weekly(100, 200, None, 500)
    first, second = m.weekly_changes(readings, NOW)
    assert first.elapsed == 2 * m.WEEK
    assert first.views is not None
    assert (first.views.value, first.views_per_week, first.scaled) == (300, 150, True)
    assert second.views_per_week == 100


def test_jitter_and_extra_readings_do_not_matter() -> None:
    jitter = timedelta(minutes=10)
    readings = [
        totals_at("a", NOW, 400),
        totals_at("a", NOW - timedelta(hours=6), 390),
        totals_at("a", NOW - m.WEEK - jitter, 300),
        totals_at("a", NOW - m.WEEK + timedelta(hours=6), 310),
    ]
    change = m.weekly_changes(readings, NOW)[0]
    assert change.views is not None
    assert (change.views.value, change.scaled) == (100, False)


def test_a_stale_hashtag_has_no_change_of_this_week() -> None:
    readings = [totals_at("a", NOW - timedelta(days=k), 100) for k in (4, 11, 18)]
    assert m.weekly_changes(readings, NOW) == []


def test_a_young_hashtag_is_compared_with_its_oldest_reading_but_not_judged() -> None:
    readings = [totals_at("a", NOW - timedelta(days=k), 100 - k) for k in (0, 1, 2)]
    (change,) = m.weekly_changes(readings, NOW)
    assert change.elapsed == 2 * DAY
    assert not change.is_point
