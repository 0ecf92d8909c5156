"""What the held videos of a campaign tell beyond their totals: hours, hashtags, creators, value."""

from __future__ import annotations

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from functools import lru_cache
from typing import Any

from tagtide.core.creators import RateEstimate, Tier, estimate_rate, rate_spread, tier_of
from tagtide.core.emv import PUBLISHED_CARDS, RateCard, Receipt, receipts
from tagtide.core.hours import BLOCK_HOURS, HourBlock, best_hour, posting_hours
from tagtide.core.metrics import CreatorStanding, Totals, VideoFacts
from tagtide.core.names import hashtags_in
from tagtide.core.reports.facts import rounded

#: A hashtag beside the campaign's is named from so many videos and creators on.
_BESIDE_LEAST, _BESIDE_CREATORS = 3, 2
_BESIDE, _NEAR = 10, 10
#: Shorter names are one letter from too many words.
_NEAR_LETTERS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """A hashtag that stands in captions of the campaign's videos."""

    hashtag: str
    videos: int
    creators: int
    #: Own hashtag it may be a slip of; None where it is another one.
    near: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """JSON form."""
        named = {} if self.near is None else {"near": self.near}
        return {
            "hashtag": self.hashtag,
            "videos": self.videos,
            "creators": self.creators,
            **named,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class RatedCreator:
    """A creator with a rate that says how far it can be trusted."""

    standing: CreatorStanding
    tier: Tier | None
    rate: RateEstimate | None

    def as_dict(self) -> dict[str, Any]:
        """JSON form."""
        rate = self.rate
        return {
            "author_username": self.standing.author_username,
            "tier": self.tier,
            "videos": self.standing.videos,
            "view_count": self.standing.views.total,
            "engagement_rate": None if rate is None else rounded(rate.rate),
            "engagement_rate_low": None if rate is None else rounded(rate.low),
            "engagement_rate_high": None if rate is None else rounded(rate.high),
            "own_share": None if rate is None else rounded(rate.own_share),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Insights:
    """Everything of this module about one campaign."""

    hours: tuple[HourBlock, ...]
    #: The block whose videos do better than others; None where none clearly does.
    best_hour: int | None
    beside: tuple[Beside, ...]
    near: tuple[Beside, ...]
    creators: tuple[RatedCreator, ...]
    #: Creators by tier; None counts those whose followers nobody asked for.
    tiers: tuple[tuple[Tier | None, int], ...]
    receipts: tuple[Receipt, ...]
    currency: str

    def as_dict(self) -> dict[str, Any]:
        """JSON form: fields of the report."""
        amounts = [receipt.amount for receipt in self.receipts]
        return {
            "posting_hours": {
                "best_from_hour": self.best_hour,
                "blocks": [_hour_dict(block) for block in self.hours],
            },
            "co_hashtags": [one.as_dict() for one in self.beside],
            "near_miss_hashtags": [one.as_dict() for one in self.near],
            "rated_creators": [one.as_dict() for one in self.creators],
            "creator_tiers": {tier or "unknown": count for tier, count in self.tiers},
            "earned_media_value": {
                "currency": self.currency,
                "low": round(min(amounts), 2) if amounts else None,
                "high": round(max(amounts), 2) if amounts else None,
                "receipts": [receipt.as_dict() for receipt in self.receipts],
            },
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Valuation:
    """How earned media value is counted."""

    cards: tuple[RateCard, ...] = PUBLISHED_CARDS
    currency: str = "USD"


def build_insights(
    videos: Sequence[VideoFacts],
    standings: Sequence[CreatorStanding],
    totals: Totals,
    *,
    as_of: datetime,
    zone: tzinfo,
    own: Sequence[str],
    tracked: Iterable[str],
    valuation: Valuation,
    top: int = 10,
) -> Insights:
    """Look at every held video once.

    ``own`` are the campaign's own hashtags, ``tracked`` all that it reads; ``standings`` its
    creators, most views first.
    """
    hours = posting_hours(videos, as_of, zone)
    beside, near = _hashtags_beside(videos, own, frozenset(tracked))
    return Insights(
        hours=hours,
        best_hour=best_hour(hours),
        beside=beside,
        near=near,
        creators=_rated(videos, standings[:top]),
        tiers=_tiers(standings),
        receipts=receipts(totals, valuation.cards),
        currency=valuation.currency,
    )


def _hour_dict(block: HourBlock) -> dict[str, Any]:
    return {
        "from_hour": block.hour,
        "to_hour": block.hour + BLOCK_HOURS,
        "videos": block.videos,
        "median_views": block.median_views,
        "share_above_median": rounded(block.above),
        "low": rounded(block.low),
        "high": rounded(block.high),
    }


# --- hashtags -------------------------------------------------------------------------------------


def _hashtags_beside(
    videos: Sequence[VideoFacts], own: Sequence[str], tracked: frozenset[str]
) -> tuple[tuple[Beside, ...], tuple[Beside, ...]]:
    counts: Counter[str] = Counter()
    people: dict[str, set[str]] = defaultdict(set)
    for video in videos:
        for name in hashtags_in(video.caption):
            if name not in tracked:
                counts[name] += 1
                people[name].add(video.author_key)
    ranked = sorted(counts, key=lambda name: (-counts[name], name))
    near, beside = [], []
    for name in ranked:
        target = near_miss(name, own)
        one = Beside(hashtag=name, videos=counts[name], creators=len(people[name]), near=target)
        if target is not None:
            near.append(one)
        elif one.videos >= _BESIDE_LEAST and one.creators >= _BESIDE_CREATORS:
            beside.append(one)
    return tuple(beside[:_BESIDE]), tuple(near[:_NEAR])


def near_miss(name: str, own: Sequence[str]) -> str | None:
    """The own hashtag that a name may be a slip of: one letter more, less, other or swapped, or the
    same without accents, digits and underscores."""
    bare = _bare(name)
    for target in own:
        if len(target) < _NEAR_LETTERS or name == target:
            continue
        if bare == _bare(target) or _one_slip(name, target):
            return target
    return None


# Every name of the captions is held against every own hashtag.
@lru_cache(maxsize=4096)
def _bare(name: str) -> str:
    letters = unicodedata.normalize("NFKD", name)
    return "".join(char for char in letters if char.isalpha())


def _one_slip(name: str, target: str) -> bool:
    """Whether one edit makes one of the other (Damerau: insert, delete, replace, swap)."""
    if abs(len(name) - len(target)) > 1:
        return False
    at, shorter = 0, min(len(name), len(target))
    while at < shorter and name[at] == target[at]:
        at += 1
    rest, goal = name[at:], target[at:]
    swapped = rest[1:2] + rest[:1] + rest[2:] == goal
    return rest[1:] == goal[1:] or rest[1:] == goal or rest == goal[1:] or swapped


# --- creators -------------------------------------------------------------------------------------


def _rated(
    videos: Sequence[VideoFacts], standings: Sequence[CreatorStanding]
) -> tuple[RatedCreator, ...]:
    rates: dict[str, list[float]] = defaultdict(list)
    for video in videos:
        if video.counters.engagement_rate is not None:
            rates[video.author_key].append(video.counters.engagement_rate)
    spread = rate_spread(rates)
    return tuple(
        RatedCreator(
            standing=standing,
            tier=tier_of(standing.author_followers),
            rate=estimate_rate(rates.get(standing.author_key, ()), spread),
        )
        for standing in standings
    )


def _tiers(standings: Sequence[CreatorStanding]) -> tuple[tuple[Tier | None, int], ...]:
    counts = Counter(tier_of(standing.author_followers) for standing in standings)
    order: list[Tier | None] = [*reversed(Tier), None]
    return tuple((tier, counts[tier]) for tier in order if counts[tier])
