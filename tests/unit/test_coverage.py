"""Completeness: seen over existing, or unknown."""

import pytest
from build_readings import STATS, reading

from tagtide.core.coverage import completeness


@pytest.mark.parametrize(
    ("seen", "then", "now", "ratio", "note"),
    [
        (31, 100, 147, 31 / 47, "31 of 47 new videos held"),
        (47, 100, 147, 1.0, "47 of 47 new videos held"),
        (50, 100, 147, 1.0, "50 new videos held, more than the 47 that TikTok counts"),
        (0, 100, 100, None, "no new videos"),
        (0, 100, 147, 0.0, "0 of 47 new videos held"),
    ],
)
def test_completeness_shows_its_denominator(
    seen: int, then: int, now: int, ratio: float | None, note: str
) -> None:
    found = completeness(seen, reading(0, then), reading(24, now))
    assert (found.ratio, found.note) == (ratio, note)


def test_a_rounded_count_gives_a_range() -> None:
    then = reading(0, 10_000, source=STATS, unit=100)
    found = completeness(31, then, reading(24, 10_200, source=STATS, unit=100))
    assert (found.existing_low, found.existing, found.existing_high) == (101, 200, 299)
    assert found.note == "31 of 101 to 299 new videos held"


@pytest.mark.parametrize(
    ("then", "now", "words"),
    [
        (None, reading(24, 5), "both ends"),
        (reading(0, 5), None, "both ends"),
        (reading(0, None), reading(24, 5), "not known"),
        (reading(0, 5, source=STATS), reading(24, 9), "different fields"),
        (reading(0, 100), reading(24, 50), "corrected"),
        (reading(0, 100), reading(24, 99), "old answer"),
    ],
)
def test_without_two_counts_it_is_unknown(then, now, words: str) -> None:
    found = completeness(7, then, now)
    assert (found.existing, found.ratio) == (None, None)
    assert found.note.startswith("7 new videos held, of how many is unknown")
    assert words in found.note
