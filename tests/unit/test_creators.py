"""Tiers, rates with their intervals, cadence, names that pass for another's."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagtide.core.creators import (
    RateSpread,
    Tier,
    cadence_of,
    estimate_rate,
    mixes_scripts,
    rate_spread,
    tier_of,
)

RATES = st.lists(st.floats(0, 3), min_size=1, max_size=20)


@pytest.mark.parametrize(
    ("followers", "tier"),
    [
        (None, None),
        (-1, None),
        (0, Tier.NANO),
        (9_999, Tier.NANO),
        (10_000, Tier.MICRO),
        (99_999, Tier.MICRO),
        (100_000, Tier.MID),
        (500_000, Tier.MACRO),
        (1_000_000, Tier.MEGA),
        (10**12, Tier.MEGA),
    ],
)
def test_tiers(followers: int | None, tier: Tier | None) -> None:
    assert tier_of(followers) is tier


def crowd(
    rng: random.Random, creators: int, sizes: range
) -> tuple[dict[str, list[float]], dict[str, float]]:
    """Creators whose true rates scatter on the scale of square roots, and those rates."""
    rates, truth = {}, {}
    for n in range(creators):
        level = abs(rng.gauss(0.25, 0.05))
        truth[f"c{n}"] = level**2
        rates[f"c{n}"] = [rng.gauss(level, 0.06) ** 2 for _ in range(rng.choice(sizes))]
    return rates, truth


def test_the_variances_are_found_again() -> None:
    rates, _ = crowd(random.Random(1), 4000, range(1, 8))
    spread = rate_spread(rates)
    assert spread is not None
    assert spread.mean == pytest.approx(0.25, abs=0.004)
    assert spread.within == pytest.approx(0.0036, rel=0.06)
    assert spread.between == pytest.approx(0.0025, rel=0.12)


def test_the_interval_holds_the_true_rate_nine_times_in_ten() -> None:
    rates, truth = crowd(random.Random(2), 3000, range(1, 6))
    spread = rate_spread(rates)
    held = closer = 0
    for key, theirs in rates.items():
        found = estimate_rate(theirs, spread)
        assert found is not None
        held += found.low <= truth[key] <= found.high
        own = estimate_rate(theirs, None)
        assert own is not None
        closer += abs(found.rate - truth[key]) < abs(own.rate - truth[key])
    assert held / len(rates) == pytest.approx(0.9, abs=0.02)
    # Drawn toward the campaign it lies nearer to the truth more often than not.
    assert closer / len(rates) > 0.55


def test_the_fewer_videos_the_more_it_is_drawn() -> None:
    spread = RateSpread(mean=0.2, within=0.004, between=0.002, creators=100, videos=300)
    one, many = estimate_rate([0.25], spread), estimate_rate([0.25] * 30, spread)
    assert one is not None
    assert many is not None
    assert 0.04 < one.rate < many.rate < 0.25
    assert one.own_share < many.own_share
    assert one.high - one.low > many.high - many.low


def test_where_little_is_known_the_videos_speak_for_themselves() -> None:
    assert estimate_rate([], None) is None
    assert rate_spread({"a": [0.1, 0.2], "b": [0.1]}) is None
    assert rate_spread({f"c{n}": [0.1] for n in range(50)}) is None
    found = estimate_rate([0.3, 0.1, 0.2], None)
    assert found is not None
    assert (found.low, found.rate, found.high) == (0.1, 0.2, 0.3)
    # Creators that do not differ at all: everybody has the campaign's rate.
    same = rate_spread({f"c{n}": [0.1, 0.1] for n in range(20)})
    assert same is not None
    drawn = estimate_rate([0.1], same)
    assert drawn is not None
    assert drawn.rate == pytest.approx(0.1)


@given(st.lists(RATES, min_size=0, max_size=25), RATES)
def test_an_estimate_lies_in_its_interval(groups: list[list[float]], mine: list[float]) -> None:
    spread = rate_spread({str(n): group for n, group in enumerate(groups)})
    found = estimate_rate(mine, spread)
    assert found is not None
    assert 0 <= found.low <= found.rate + 1e-12
    assert found.rate <= found.high + 1e-12
    assert 0 <= found.own_share <= 1


def test_cadence_is_the_median_pause() -> None:
    noon = datetime(2026, 3, 1, 12, tzinfo=UTC)
    assert cadence_of([]) is None
    one = cadence_of([noon])
    assert one is not None
    assert one.gap is None
    hours = (0, 30, 2, 3)
    found = cadence_of(noon + timedelta(hours=h) for h in hours)
    assert found is not None
    assert found.gap == timedelta(hours=2)
    assert found.last_at - found.first_at == timedelta(hours=30)


@pytest.mark.parametrize(
    ("name", "mixes"),
    [
        (None, False),
        ("", False),
        ("nike", False),
        ("nik\N{CYRILLIC SMALL LETTER IE}", True),
        ("\N{GREEK SMALL LETTER OMICRON}range", True),
        ("Анна Smith", False),
        ("日本nike", False),
        ("123 nike_ok", False),
        ("é à la mode", False),
    ],
)
def test_names_that_mix_scripts(name: str | None, mixes: bool) -> None:
    assert mixes_scripts(name) is mixes
