"""What a creator's videos say about them: tier, cadence, a rate and how far it can be trusted.

The rate of a creator with three videos says little. It is drawn toward what creators of the
campaign have, by as much as their own videos leave open, and stands with an interval.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import chain, pairwise
from statistics import fmean, median
from typing import TypeVar

#: Two-sided 90 % of a normal distribution.
_Z = 1.645
#: Fewer creators than this say nothing about how creators differ.
_MIN_CREATORS = 10

_K = TypeVar("_K")


class Tier(StrEnum):
    """By followers, as the trade cuts it."""

    NANO = "nano"
    MICRO = "micro"
    MID = "mid"
    MACRO = "macro"
    MEGA = "mega"


#: Followers from which each tier begins.
TIERS = (
    (1_000_000, Tier.MEGA),
    (500_000, Tier.MACRO),
    (100_000, Tier.MID),
    (10_000, Tier.MICRO),
    (0, Tier.NANO),
)


def tier_of(followers: int | None) -> Tier | None:
    """The tier; None where the followers are not known."""
    if followers is None or followers < 0:
        return None
    return next(tier for least, tier in TIERS if followers >= least)


# --- rates ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class RateSpread:
    """How engagement rates scatter in a campaign, on the scale of square roots."""

    #: Mean over videos.
    mean: float
    #: Variance between the videos of one creator, and between creators.
    within: float
    between: float
    creators: int
    videos: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RateEstimate:
    """A creator's engagement rate with what is known of it; fractions."""

    #: Drawn toward the campaign.
    rate: float
    low: float
    high: float
    #: Share of the creator's own videos in it; the rest is the campaign.
    own_share: float
    #: Videos it rests on.
    videos: int


def rate_spread(by_creator: Mapping[_K, Sequence[float]]) -> RateSpread | None:
    """How the rates of a campaign's videos scatter; None with fewer than ten creators, or where no
    creator has two videos.

    Rates are engagement / views of single videos. On the scale of square roots their scatter hardly
    depends on their size. The variances are those of a one-way analysis of variance with groups of
    unequal size (Searle, Casella and McCulloch, Variance Components, 1992, section 3.6):
    ``within = SSE / (N - k)``, ``between = max(0, (MSB - within) / n0)`` with
    ``n0 = (N - sum n^2 / N) / (k - 1)``.
    """
    groups = [[*map(math.sqrt, rates)] for rates in by_creator.values() if rates]
    count, total = len(groups), sum(map(len, groups))
    if count < _MIN_CREATORS or total <= count:
        return None
    mean = math.fsum(chain.from_iterable(groups)) / total
    # Most creators have one video, which lies at their mean.
    several = [(g, math.fsum(g) / len(g)) for g in groups if len(g) > 1]
    within = math.fsum((x - m) ** 2 for g, m in several for x in g) / (total - count)
    around = math.fsum(
        [(g[0] - mean) ** 2 for g in groups if len(g) == 1]
        + [len(g) * (m - mean) ** 2 for g, m in several]
    )
    size = (total - sum(len(g) ** 2 for g in groups) / total) / (count - 1)
    between = max(0.0, (around / (count - 1) - within) / size)
    return RateSpread(mean=mean, within=within, between=between, creators=count, videos=total)


def estimate_rate(rates: Sequence[float], spread: RateSpread | None) -> RateEstimate | None:
    """A creator's rate with a 90 % interval; None without a video whose rate is known.

    Empirical Bayes with normal distributions (Morris, Journal of the American Statistical
    Association 78, 1983, pages 47 to 55): with ``n`` videos of mean ``x`` on the scale of square
    roots, ``share = between / (between + within / n)``, ``estimate = mean + share (x - mean)``,
    ``variance = share within / n + (1 - share)^2 (between + within / n) / k``; the last part is
    that the campaign's mean is itself an estimate over ``k`` creators. Where nothing is known of
    the campaign, it is the median of the videos and their smallest and largest.
    """
    if not rates:
        return None
    count = len(rates)
    if spread is None:
        return RateEstimate(
            rate=median(rates), low=min(rates), high=max(rates), own_share=1.0, videos=count
        )
    own = fmean(math.sqrt(rate) for rate in rates)
    noise = spread.within / count
    total = spread.between + noise
    share = spread.between / total if total > 0 else 1.0
    middle = spread.mean + share * (own - spread.mean)
    deviation = math.sqrt(share * noise + (1 - share) ** 2 * total / spread.creators)
    return RateEstimate(
        rate=middle**2,
        low=max(0.0, middle - _Z * deviation) ** 2,
        high=(middle + _Z * deviation) ** 2,
        own_share=share,
        videos=count,
    )


# --- cadence --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Cadence:
    """How often a creator publishes what is held."""

    videos: int
    first_at: datetime
    last_at: datetime
    #: Median time between two videos; None with fewer than two.
    gap: timedelta | None


def cadence_of(published: Iterable[datetime]) -> Cadence | None:
    """From the instants of publication that are known; None without any."""
    instants = sorted(published)
    if not instants:
        return None
    gaps = [(later - earlier).total_seconds() for earlier, later in pairwise(instants)]
    return Cadence(
        videos=len(instants),
        first_at=instants[0],
        last_at=instants[-1],
        gap=timedelta(seconds=median(gaps)) if gaps else None,
    )


# --- names ----------------------------------------------------------------------------------------

#: Scripts with letters that look like each other's.
_ALIKE = frozenset({"LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE"})


def mixes_scripts(name: str | None) -> bool:
    """Whether a word of a name mixes scripts whose letters look alike, as names do that pass for
    another's (Unicode Technical Standard 39, mixed-script confusables).
    """
    for word in (name or "").split():
        scripts = {unicodedata.name(char, "").partition(" ")[0] for char in word if char.isalpha()}
        if len(scripts & _ALIKE) > 1:
            return True
    return False
