"""Change between readings: what is known, over which span, and what is no news."""

from __future__ import annotations

from datetime import timedelta

import pytest
from build_readings import START, STATS, reading

from tagtide.core.velocity import Change, ChangeNote, choose_window, measure_change
from tagtide.models import HashtagReading


def series(*videos: int | None, every: float = 6) -> list[HashtagReading]:
    return [reading(i * every, value) for i, value in enumerate(videos)]


def last_change(readings: list[HashtagReading]) -> Change:
    return measure_change(readings[-1], readings[-2], readings[:-2])


def test_a_change_is_divided_by_the_time_that_really_passed() -> None:
    change = measure_change(reading(6.5, 230, 3_000), reading(0, 100, 1_700))
    assert change.elapsed_hours == 6.5
    assert (change.new_videos, change.videos_per_hour) == (130, 20.0)
    assert (change.new_views, change.views_per_hour) == (1_300, 200.0)
    assert change.previous_at == START
    assert change.videos.base == 100
    assert change.videos.note is ChangeNote.NONE


def test_the_first_reading_has_no_change() -> None:
    change = measure_change(reading(0, 100, 100), None)
    assert (change.elapsed_hours, change.new_videos, change.views_per_hour) == (None, None, None)
    assert change.videos.note is ChangeNote.FIRST_READING


def test_a_reading_that_is_not_earlier_is_none() -> None:
    assert measure_change(reading(0, 9), reading(0, 5)).previous_at is None
    assert measure_change(reading(0, 9), reading(1, 5)).previous_at is None


@pytest.mark.parametrize(("before", "now"), [(None, 100), (100, None), (None, None)])
def test_unknown_stays_unknown(before: int | None, now: int | None) -> None:
    change = measure_change(reading(6, now), reading(0, before))
    assert change.new_videos is None
    assert change.videos.note is ChangeNote.UNKNOWN
    assert change.elapsed_hours == 6


def test_values_of_different_fields_are_never_subtracted() -> None:
    change = measure_change(reading(6, 900), reading(0, 100, source=STATS))
    assert change.new_videos is None
    assert change.videos.note is ChangeNote.SOURCE_CHANGED


def test_a_counter_is_measured_from_its_own_field_further_back() -> None:
    earlier = [reading(0, 100)]
    change = measure_change(reading(12, 160), reading(6, 200, source=STATS), earlier)
    assert change.new_videos == 60
    assert (change.videos.hours, change.videos_per_hour) == (12, 5.0)
    assert (change.elapsed_hours, change.previous_at) == (12, START)


def test_counters_that_rest_on_different_readings_carry_their_own_hours() -> None:
    earlier = [reading(0, 100, 1_000)]
    change = measure_change(reading(12, 160, 3_000), reading(6, None, 2_000), earlier)
    assert (change.videos.hours, change.videos_per_hour) == (12, 5.0)
    assert (change.views.hours, change.new_views) == (6, 1_000)
    assert change.elapsed_hours == 6


def test_another_id_is_another_hashtag() -> None:
    change = measure_change(reading(6, 900, hashtag_id="2"), reading(0, 100))
    assert change.videos.note is ChangeNote.SOURCE_CHANGED
    assert measure_change(reading(6, 900), reading(0, 100, hashtag_id=None)).new_videos == 800


@pytest.mark.parametrize(
    ("values", "delta", "note"),
    [
        ((1_000, 1_000), 0, ChangeNote.NONE),
        ((1_000, 951), None, ChangeNote.STALE),
        ((1_000, 950), None, ChangeNote.COUNTER_CORRECTED),
        ((1_000, 1), None, ChangeNote.COUNTER_CORRECTED),
        # A stale value is no baseline: the change is measured from before it.
        ((1_000, 980, 1_010), 10, ChangeNote.NONE),
        # Two lower reads are stale, the third in a row is believed.
        ((1_000, 980, 981), None, ChangeNote.STALE),
        ((1_000, 980, 981, 982), None, ChangeNote.COUNTER_CORRECTED),
        ((1_000, 980, 981, 1_001, 980), None, ChangeNote.STALE),
        # The way back up is never news ...
        ((1_000, 500, 700), None, ChangeNote.COUNTER_CORRECTED),
        ((1_000, 500, 1_000), None, ChangeNote.COUNTER_CORRECTED),
        ((1_000, 500, 700, 900), None, ChangeNote.COUNTER_CORRECTED),
        # ... and only what lies above the old level is.
        ((1_000, 500, 700, 1_040), 40, ChangeNote.NONE),
        ((1_000, 980, 981, 982, 1_005), 5, ChangeNote.NONE),
        # A 0 says nothing, at either end.
        ((1_000, 0), None, ChangeNote.UNKNOWN),
        ((0, 1_000), None, ChangeNote.UNKNOWN),
        ((1_000, 0, 1_010), 10, ChangeNote.NONE),
        ((1_000, None, 1_010), 10, ChangeNote.NONE),
    ],
)
def test_falls(values: tuple[int | None, ...], delta: int | None, note: ChangeNote) -> None:
    change = last_change(series(*values))
    assert (change.new_videos, change.videos.note) == (delta, note)


@pytest.mark.parametrize("low", [0, 500, 980])
def test_above_the_old_level_time_counts_from_when_it_was_last_seen(low: int) -> None:
    change = last_change(series(1_000, low, 1_300))
    assert (change.new_videos, change.videos.hours) == (300, 12)


def test_a_stale_or_unknown_baseline_reaches_further_back_in_time() -> None:
    change = last_change(series(1_000, 980, 1_010))
    assert (change.videos.since, change.videos.hours) == (START, 12)


def test_standing_still_at_full_speed_is_a_cached_answer() -> None:
    cached = series(1_000, 1_150, 1_150)
    assert last_change(cached).videos.note is ChangeNote.STALE
    after = last_change([*cached, reading(18, 1_450)])
    assert (after.new_videos, after.videos.hours) == (300, 12)
    # A third answer without a move is believed: the hashtag has died.
    dead = series(1_000, 1_150, 1_150, 1_150, 1_150)
    assert last_change(dead).new_videos == 0


def test_an_answer_in_which_another_counter_moved_is_fresh() -> None:
    series = [reading(0, 1_000, 10), reading(6, 1_150, 20), reading(12, 1_150, 30)]
    assert last_change(series).new_videos == 0


def test_standing_still_of_a_quiet_hashtag_is_news_of_nothing() -> None:
    quiet = series(1_000, 1_001, 1_001)
    assert last_change(quiet).new_videos == 0
    burst = last_change([*quiet, reading(18, 1_251)])
    assert (burst.new_videos, burst.videos.hours) == (250, 6)


def test_rounding_widens_the_interval() -> None:
    before = reading(0, None, 13_300_000, source=STATS, unit=100_000)
    now = reading(6, None, 13_500_000, source=STATS, unit=100_000)
    views = measure_change(now, before).views
    assert (views.low, views.delta, views.high) == (100_001, 200_000, 299_999)


def test_one_step_down_of_a_rounded_counter_is_stale_however_large() -> None:
    before = reading(0, None, 1_100_000, source=STATS, unit=100_000)
    now = reading(6, None, 1_000_000, source=STATS, unit=100_000)
    assert measure_change(now, before).views.note is ChangeNote.STALE


def test_the_window_is_half_as_wide_on_each_side() -> None:
    window = choose_window(START, 6)
    assert window.target == START - timedelta(hours=6)
    assert window.tolerance == timedelta(hours=3)
    assert window.history_since < window.target - window.tolerance
