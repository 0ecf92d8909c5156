"""Size classes of creators, and engagement rates that few videos do not make extreme."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

#: Variances of the logit of engagement rates: between creators, and between videos of one.
BETWEEN, WITHIN = 0.17, 0.074
#: Rates are kept this far from 0 and 1, where the logit has no end.
_EDGE = 1e-4
#: Ends of an interval that holds 80 of 100, in standard deviations.
_EIGHTY = 1.2816


class Tier(StrEnum):
    """Size class by followers."""

    SEED = "seed"
    NANO = "nano"
    MICRO = "micro"
    MID = "mid"
    MACRO = "macro"
    MEGA = "mega"


_FROM = (
    (1_000_000, Tier.MEGA),
    (500_000, Tier.MACRO),
    (100_000, Tier.MID),
    (10_000, Tier.MICRO),
    (1_000, Tier.NANO),
)


def tier_of(followers: int | None) -> Tier | None:
    """The class of a creator; None where nobody knows the followers."""
    if followers is None:
        return None
    return next((tier for least, tier in _FROM if followers >= least), Tier.SEED)


@dataclass(frozen=True, slots=True)
class ShrunkRate:
    """An engagement rate drawn towards the campaign's, the more the fewer videos it rests on."""

    rate: float
    #: Four of five creators like this one have their true rate between these.
    low: float
    high: float
    videos: int


def mean_logit(rates: Sequence[float]) -> float | None:
    """Mean of the logits of rates; None of none."""
    return sum(map(_logit, rates)) / len(rates) if rates else None


def shrunk_rate(rates: Sequence[float], campaign_mean: float | None) -> ShrunkRate | None:
    """The rate of a creator from the rates of their videos and the campaign's `mean_logit`.

    Views are no independent trials, so that every video counts once, whatever its views.
    """
    if not rates or campaign_mean is None:
        return None
    own = sum(map(_logit, rates)) / len(rates)
    precision = len(rates) / WITHIN + 1 / BETWEEN
    middle = (len(rates) / WITHIN * own + campaign_mean / BETWEEN) / precision
    reach = _EIGHTY / math.sqrt(precision)
    low, rate, high = (_rate(middle + by) for by in (-reach, 0.0, reach))
    return ShrunkRate(rate, low, high, len(rates))


def _logit(rate: float) -> float:
    kept = min(max(rate, _EDGE), 1 - _EDGE)
    return math.log(kept / (1 - kept))


def _rate(logit: float) -> float:
    return 1 / (1 + math.exp(-logit))
