"""The fixed rules: when they fire, and the sentence they say."""

from __future__ import annotations

from typing import Any

import pytest
from build_readings import STATS, reading

from tagtide.core.crowd import Crowd
from tagtide.core.detect.virality import AgeScore
from tagtide.core.rules import RuleState, Verdict, judge_growth, judge_new_videos, judge_viral
from tagtide.core.velocity import measure_change
from tagtide.models import CounterSource, HashtagReading, RuleSettings

RULES = RuleSettings()
F, H, C, U = RuleState.FIRES, RuleState.HOLDS, RuleState.CLEAR, RuleState.UNJUDGED


@pytest.mark.parametrize(
    ("hours", "gained", "state", "bar"),
    [
        (6, 200, F, 200),
        (6, 199, H, 200),
        (6, 100, H, 200),
        (6, 99, C, 200),
        (3, 199, H, 200),
        (3, 200, F, 200),
        (12, 399, H, 400),
        (12, 400, F, 400),
        (9, 299, H, 300),
        (72, 2_399, H, 2_400),
    ],
)
def test_new_videos_against_a_threshold_that_grows_with_the_span(
    hours: float, gained: int, state: RuleState, bar: float
) -> None:
    verdict = judge_new_videos(
        measure_change(reading(hours, 5_000 + gained), reading(0, 5_000)), 200, 6
    )
    assert (verdict.state, verdict.value, verdict.threshold) == (state, gained, bar)


def test_the_sentence_of_rule_a() -> None:
    change = measure_change(reading(5.8, 5_312, 90_000), reading(0, 5_000, 32_000))
    verdict = judge_new_videos(change, 200, 6)
    assert verdict.reason == "#glow gained 312 new videos in 5.8 h; the threshold is 200 per 6 h."
    assert verdict.data["new_videos"] == 312
    assert verdict.data["views_per_hour"] == 10_000
    assert verdict.data["elapsed_hours"] == 5.8
    far = judge_new_videos(measure_change(reading(12, 5_450), reading(0, 5_000)), 200, 6)
    assert far.reason.endswith("in 12 h; the threshold is 200 per 6 h, here 400.")


def test_videos_really_seen_stand_in_for_an_unknown_count() -> None:
    change = measure_change(reading(6, None), reading(0, None))
    verdict = judge_new_videos(change, 20, 6, at_least=27)
    assert verdict.state is F
    assert "at least 27 new videos" in verdict.reason
    assert verdict.data["measure"] == "videos_seen"
    assert judge_new_videos(change, 20, 6, at_least=None).state is U
    assert judge_new_videos(change, 20, 6, at_least=3).state is C
    # Where the count is known, it decides.
    known = measure_change(reading(6, 105), reading(0, 100))
    assert judge_new_videos(known, 20, 6, at_least=27).state is C


def test_a_first_reading_never_fires_whatever_was_seen() -> None:
    change = measure_change(reading(0, 10**9), None)
    verdict = judge_new_videos(change, 20, 6, at_least=30)
    assert verdict.state is U
    assert "first time" in verdict.reason


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ((1_000, 500), "corrected"),
        ((1_000, 999), "an old value"),
        ((None, 999), "no known video count"),
    ],
)
def test_what_is_not_known_is_not_judged_and_says_why(
    values: tuple[int | None, int], words: str
) -> None:
    change = measure_change(reading(6, values[1]), reading(0, values[0]))
    verdict = judge_new_videos(change, 1, 6)
    assert verdict.state is U
    assert words in verdict.reason


def test_a_partial_read_is_not_judged() -> None:
    now, then = reading(6, 9_000, 10**6), reading(0, 100, 10**5)
    change = measure_change(now, then)
    assert judge_new_videos(change, 1, 6, is_partial=True).state is U
    assert judge_growth(change, now, then, None, None, RULES, is_partial=True).state is U


def test_a_rounded_count_fires_on_the_least_it_may_mean() -> None:
    then = reading(0, 10_000, source=STATS, unit=100)
    one = judge_new_videos(measure_change(reading(6, 10_100, source=STATS, unit=100), then), 100, 6)
    two = judge_new_videos(measure_change(reading(6, 10_200, source=STATS, unit=100), then), 100, 6)
    assert (one.state, two.state) == (H, F)
    assert "at least 101 new videos" in two.reason


def growth(
    now: HashtagReading, then: HashtagReading | None, engagement: tuple[int, int] | None = None
) -> Verdict:
    after, before = (engagement[1], engagement[0]) if engagement else (None, None)
    return judge_growth(measure_change(now, then), now, then, after, before, RULES)


@pytest.mark.parametrize(
    ("now", "then", "state", "measure"),
    [
        (reading(6, 151), reading(0, 100), F, "video_count"),
        (reading(6, 150), reading(0, 100), H, None),
        (reading(6, 124), reading(0, 100), C, None),
        (reading(6, 90), reading(0, 49), U, None),
        (reading(6, 76), reading(0, 50), F, "video_count"),
        (reading(6, None, 15_001), reading(0, None, 10_000), F, "views"),
        (reading(6, None, 99_000), reading(0, None, 9_999), U, None),
        (reading(12, 200), reading(0, 100), H, None),
        (reading(12, 201), reading(0, 100), F, "video_count"),
        # One measure fires beside another that does not.
        (reading(6, 101, 40_000), reading(0, 100, 20_000), F, "views"),
        (reading(6, 300, 20_001), reading(0, 100, 20_000), F, "video_count"),
    ],
)
def test_growth(
    now: HashtagReading, then: HashtagReading, state: RuleState, measure: str | None
) -> None:
    verdict = growth(now, then)
    assert (verdict.state, verdict.data.get("measure")) == (state, measure)


def test_growth_names_the_measure_that_fired() -> None:
    verdict = growth(reading(6, 101, 40_000), reading(0, 100, 20_000))
    assert verdict.reason == (
        "The views of #glow grew by 100.0 % (+20.0 k on 20.0 k) in 6 h; "
        "the threshold is 50.0 % per 6 h."
    )
    held = growth(reading(6, None), reading(0, None), (10_000, 16_000))
    assert held.data["measure"] == "engagement"
    assert "engagement of the videos held" in held.reason
    assert growth(reading(6, None), reading(0, None), (9_999, 99_999)).state is U
    assert growth(reading(6, None), reading(0, None), (20_000, 10_000)).state is C


def test_growth_without_an_earlier_reading_is_not_judged() -> None:
    assert growth(reading(0, 10**6, 10**9), None, (10_000, 99_000)).state is U


def test_a_rounding_step_is_not_growth() -> None:
    then = reading(0, None, 1_000_000, source=CounterSource.STATS, unit=100_000)
    jump = reading(6, None, 1_550_000, source=CounterSource.STATS, unit=100_000)
    assert growth(jump, then).state is H


def viral(
    views: int | None, engagement: int | None = None, others: int = 10, **more: Any
) -> Verdict:
    beside = Crowd(count=others, views=1_000 * others, engagement=100 * others)
    facts: dict[str, Any] = {"others": beside, **more}
    return judge_viral("7", views, engagement, settings=RULES, **facts)


@pytest.mark.parametrize(
    ("views", "engagement", "others", "state"),
    [
        (10_001, None, 10, F),
        (10_000, None, 10, H),
        (4_999, None, 10, C),
        (10_001, None, 9, U),
        (500, 1_001, 10, F),
        (None, 1_001, 10, F),
        (None, None, 10, U),
        (10_001, 0, 0, U),
    ],
)
def test_a_viral_video_is_compared_with_the_mean_of_the_others(
    views: int | None, engagement: int | None, others: int, state: RuleState
) -> None:
    assert viral(views, engagement, others).state is state


def test_the_sentence_of_a_viral_video() -> None:
    verdict = viral(12_340, author="eve\u202e\n<!channel>")
    assert verdict.reason == (
        "The video of @eve <!channel> has 12.3 k views, 12.3 times the mean of the 10 other "
        "videos of the campaign (1,000); the threshold is 10 times."
    )
    assert "too few to judge" in viral(12_340, others=3).reason
    assert viral(10**6, others=10).state is F
    silent = Crowd(count=10, views=0, engagement=0)
    assert judge_viral("7", 10**6, None, silent, settings=RULES).state is U


def aged(z: float) -> AgeScore:
    return AgeScore(video_id="7", z=z, mark=2.8, chance=0.0025, age_hours=50, others=10)


@pytest.mark.parametrize(
    ("views", "engagement", "z", "state"),
    [
        (10_001, None, 3.1, F),
        (10_001, None, 1.41, F),
        # Ordinary for its age: no episode begins, and one that began so ends.
        (10_001, None, 1.39, C),
        # Far below the multiple, and still far above its age.
        (4_000, None, 1.41, H),
        (4_000, None, 1.39, C),
        # The score speaks of views: what engagement began it does not end.
        (500, 1_001, 0.0, F),
        (500, 600, 0.0, H),
        (500, 10, 0.0, C),
    ],
)
def test_a_viral_episode_ends_by_the_score_of_its_age(
    views: int, engagement: int | None, z: float, state: RuleState
) -> None:
    assert viral(views, engagement, score=aged(z)).state is state


def test_the_score_stands_in_sentence_and_data() -> None:
    verdict = viral(12_340, score=aged(3.1))
    assert verdict.reason.endswith(
        "the threshold is 10 times. Its views are 3.1 standard deviations above what a 2-day-old "
        "video of this campaign gets: about 1 in 400."
    )
    assert verdict.data["age_score"]["z"] == 3.1
    assert viral(12_340).data["age_score"] is None
