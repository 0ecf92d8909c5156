"""The age-adjusted score: what it is, what it finds, what it must not be moved by."""

from __future__ import annotations

import math
import random
from dataclasses import replace
from datetime import timedelta
from itertools import combinations, pairwise
from statistics import median

import pytest
from hypothesis import given
from hypothesis import strategies as st

from report_facts import DAY, NOW, AVideo, counters, reading
from tagtide.core.detect import virality as v
from tagtide.core.metrics import viral_videos
from tagtide.models import CounterSource


def viewed(*views: int | None, age: float = 72.0) -> list[v.Viewed]:
    return [v.Viewed(video_id=f"{i:03}", views=n, age_hours=age) for i, n in enumerate(views)]


def log_normal(count: int, sd: float = 1.0, seed: int = 1) -> list[v.Viewed]:
    chance = random.Random(seed)
    return viewed(*(round(math.exp(10 + chance.gauss(0, sd))) for _ in range(count)))


# --- the score ------------------------------------------------------------------------------------


def plain_qn(values: list[int]) -> float:
    """Qn by its definition: an order statistic of all distances, with its small-sample factor."""
    n = len(values)
    half = n // 2 + 1
    distances = sorted(abs(a - b) for a, b in combinations(values, 2))
    small = n / (n + (1.4 if n % 2 else 3.8))
    return 2.2219 * small * distances[half * (half - 1) // 2 - 1]


@given(st.lists(st.integers(-50, 50) | st.integers(-(10**7), 10**7), min_size=4, max_size=40))
def test_the_spread_without_one_is_that_of_the_others(values: list[int]) -> None:
    ordered = sorted(values)
    spreads = v._Spreads(ordered)
    for place, value in enumerate(ordered):
        rest = ordered[:place] + ordered[place + 1 :]
        assert spreads.without(value) == pytest.approx(plain_qn(rest))


@given(st.lists(st.integers(1, 10**7), min_size=11, max_size=80))
def test_the_score_is_its_definition(views: list[int]) -> None:
    scores = v.age_scores(viewed(*views))
    logs = [round((math.log(n) - 0.2 * math.log(72)) * 1e6) for n in views]
    if len(views) > 60:
        assert len(scores) == len(views)
        return
    for place, own in enumerate(logs):
        rest = logs[:place] + logs[place + 1 :]
        scale = math.sqrt(((plain_qn(rest) / 1e6) ** 2 * len(rest) + 5) / (len(rest) + 5))
        expected = (own - median(rest)) / 1e6 / scale
        assert scores[f"{place:03}"].z == pytest.approx(expected, abs=1e-6)


def test_three_at_once_do_not_hide_each_other() -> None:
    held = [AVideo(f"{i:03}", counters(n)) for i, n in enumerate(range(800, 1200, 10))]
    stars = [AVideo(f"star{i}", counters(n)) for i, n in enumerate((400_000, 500_000, 600_000))]
    assert viral_videos([*held[-10:], *stars]) == []
    scores = v.campaign_scores([*held, *stars], NOW)
    assert {key for key, s in scores.items() if s.stands_out} == {"star0", "star1", "star2"}


def test_a_young_video_is_judged_at_its_age() -> None:
    """As many views as the others in a twentieth of the time stand out by themselves."""
    held = log_normal(40, sd=0.3)
    young = v.Viewed(video_id="young", views=60_000, age_hours=3.0)
    old = v.Viewed(video_id="old", views=60_000, age_hours=2_000.0)
    scores = v.age_scores([*held, young, old])
    assert scores["young"].z > scores["old"].z + 1
    assert "a 3-hour-old video" in scores["young"].sentence
    assert "an 83-day-old video" in scores["old"].sentence


def test_too_few_are_not_judged_and_unknown_stays_unknown() -> None:
    assert v.age_scores(viewed(*range(1, 11))) == {}
    held = viewed(*range(1, 12))
    unknown = [
        v.Viewed(video_id="none", views=None, age_hours=5.0),
        v.Viewed(video_id="zero", views=0, age_hours=5.0),
        v.Viewed(video_id="undated", views=5, age_hours=None),
    ]
    assert set(v.age_scores([*held, *unknown])) == {f"{i:03}" for i in range(11)}
    assert v.age_scores([*held[:10], *unknown]) == {}


@given(
    st.lists(
        st.tuples(st.none() | st.integers(0, 10**10), st.none() | st.floats(-100, 10**6)),
        max_size=90,
    )
)
def test_nothing_is_divided_by_zero_and_every_chance_is_one(
    facts: list[tuple[int | None, float | None]],
) -> None:
    held = [
        v.Viewed(video_id=str(i), views=n, age_hours=age, followers=n, creator=str(i))
        for i, (n, age) in enumerate(facts)
    ]
    for score in v.age_scores(held).values():
        assert math.isfinite(score.z)
        assert 0 < score.chance <= 1
        assert score.stands_out == (score.z > score.mark)
        assert score.sentence


def test_equal_videos_are_ordinary_and_one_beside_them_is_not() -> None:
    scores = v.age_scores(viewed(*[1_000] * 30, 1_000_000))
    assert scores["000"].z == 0
    assert not scores["000"].stands_out
    assert scores["030"].stands_out


def test_followers_count_from_fifty_creators_on() -> None:
    """A large account's usual views are no surprise; below fifty creators nobody can tell."""
    chance = random.Random(3)

    def held(count: int) -> list[v.Viewed]:
        found = []
        for i in range(count):
            followers = round(math.exp(chance.uniform(5, 15)))
            views = round(followers**0.8 * math.exp(chance.gauss(3, 0.4)))
            found.append(
                v.Viewed(
                    video_id=f"{i:03}", views=views, age_hours=72.0, followers=followers,
                    creator=str(i),
                )
            )  # fmt: skip
        return found

    many, few = held(200), held(49)
    star = v.Viewed(
        video_id="star", views=3_000_000, age_hours=72.0, followers=2_500_000, creator="star"
    )
    unfollowed = [replace(one, followers=None) for one in (*many, star)]
    assert v.age_scores([*many, star])["star"].z < v.age_scores(unfollowed)["star"].z - 0.5
    plain = [replace(one, followers=None) for one in few]
    assert v.age_scores(few) == v.age_scores(plain)
    # Whose followers are unknown is taken to have as many as usual.
    some = [*many[:-1], replace(many[-1], followers=None)]
    assert math.isfinite(v.age_scores(some)[many[-1].video_id].z)


# --- what is ordinary -----------------------------------------------------------------------------


@given(st.integers(10, 20_000), st.lists(st.floats(-20, 40), min_size=2, max_size=20))
def test_a_higher_score_is_never_more_likely(others: int, scores: list[float]) -> None:
    scores.sort()
    chances = [v.chance_of(z, others) for z in scores]
    assert all(a >= b for a, b in pairwise(chances))
    assert all(0 < c <= 1 for c in chances)


@pytest.mark.parametrize("others", [10, 12, 30, 47, 300, 18_000])
def test_the_mark_is_what_one_in_a_hundred_passes(others: int) -> None:
    assert v.chance_of(v.mark_of(others), others) == pytest.approx(0.01)


def test_fewer_others_need_a_higher_score() -> None:
    marks = [v.mark_of(n) for n in range(10, 400)]
    assert all(a >= b for a, b in pairwise(marks))
    assert (round(marks[0], 1), round(marks[20], 1)) == (3.3, 2.9)


def test_about_one_in_a_hundred_ordinary_videos_stands_out() -> None:
    flagged = videos = 0
    for seed in range(60):
        scores = v.age_scores(log_normal(300, sd=1.3, seed=seed))
        flagged += sum(s.stands_out for s in scores.values())
        videos += len(scores)
    assert 0.005 <= flagged / videos <= 0.015


def test_the_sentence() -> None:
    score = v.AgeScore(video_id="1", z=3.12, mark=2.8, chance=0.0024, age_hours=50, others=40)
    assert score.sentence == (
        "3.1 standard deviations above what a 2-day-old video of this campaign gets: about 1 in 420"
    )
    below = replace(score, z=-1.0, chance=0.84, age_hours=0.2)
    assert below.sentence == (
        "1.0 standard deviations below what a 1-hour-old video of this campaign gets"
    )


@pytest.mark.parametrize(
    ("chance", "said"),
    [
        (0.4, "2.5"),
        (0.5, "2"),
        (0.01, "100"),
        (0.0024, "420"),
        (1e-5, "100,000"),
        (0, "1,000,000"),
    ],
)
def test_one_in(chance: float, said: str) -> None:
    assert v.one_in(chance) == said


# --- the age curve --------------------------------------------------------------------------------


def grown(count: int, exponent: float, noise: float = 0.0) -> list[v.Regrown]:
    chance = random.Random(7)
    pairs = []
    for _ in range(count):
        first = chance.uniform(5, 100)
        last = first + 168
        views = chance.uniform(1_000, 1_000_000)
        factor = (last / first) ** exponent * math.exp(chance.gauss(0, noise))
        pairs.append(v.Regrown(first, round(views), last, round(views * factor)))
    return pairs


def test_the_curve_is_refitted_from_thirty_pairs_on() -> None:
    assert v.fit_age_curve(grown(29, 0.6)) == v.AgeCurve(exponent=0.2, pairs=0)
    fitted = v.fit_age_curve(grown(30, 0.6))
    # Thirty pairs weigh as much as the shipped curve.
    assert (fitted.pairs, fitted.exponent) == (30, pytest.approx(0.4, abs=0.005))
    assert v.fit_age_curve(grown(3_000, 0.6, noise=0.5)).exponent == pytest.approx(0.6, abs=0.03)


def test_pairs_that_tell_nothing_do_not_count() -> None:
    useless = [
        v.Regrown(1_000, 50, 1_010, 50),
        v.Regrown(10, 0, 100, 50),
        v.Regrown(10, 50, 100, 0),
        v.Regrown(0, 50, 0.5, 60),
        v.Regrown(100, 50, 10, 60),
    ]
    assert v.fit_age_curve(useless * 20).pairs == 0


@given(
    st.lists(
        st.tuples(
            st.floats(0, 1e5), st.integers(0, 10**9), st.floats(0, 1e5), st.integers(0, 10**9)
        ),
        max_size=60,
    )
)
def test_the_exponent_stays_between_no_growth_and_growth_in_proportion(
    pairs: list[tuple[float, int, float, int]],
) -> None:
    assert 0 <= v.fit_age_curve(v.Regrown(*p) for p in pairs).exponent <= 1


def test_a_campaign_s_own_readings_bend_its_curve() -> None:
    """A week of readings that stand still: age explains nothing any more."""
    held = [
        AVideo(f"{i:03}", counters(1_000 + i), created_at=NOW - timedelta(days=8 + i % 3))
        for i in range(60)
    ]
    then = {one.video_id: reading(one.video_id, NOW - 7 * DAY, one.counters) for one in held}
    star = AVideo("star", counters(3_000), created_at=NOW - timedelta(hours=3))
    plain = v.campaign_scores([*held, star], NOW)["star"]
    bent = v.campaign_scores([*held, star], NOW, then)["star"]
    assert bent.z < plain.z
    other = {key: reading(key, r.read_at, replace(r.counters, source=CounterSource.STATS))
             for key, r in then.items()}  # fmt: skip
    # Counters of different fields are never compared.
    assert v.campaign_scores([*held, star], NOW, other)["star"] == plain
