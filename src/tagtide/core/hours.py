"""Hours of publication: how the videos of each did, as far as their number lets one say."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from statistics import median

from tagtide.core.metrics import VideoFacts

#: Hours of the day that are looked at together.
BLOCK_HOURS = 3
#: Younger videos still grow, so that the hour would be mixed up with the age.
_GROWN = timedelta(days=3)
#: Fewer videos in a block say nothing.
_BLOCK_LEAST = 10
#: Two-sided 99 % of a normal distribution: eight blocks are looked at together.
_Z = 2.576


@dataclass(frozen=True, slots=True, kw_only=True)
class HourBlock:
    """Videos published within some hours of the day, in the campaign's zone."""

    #: First hour of the block.
    hour: int
    videos: int
    #: None with fewer than ten videos.
    median_views: float | None
    #: Share with more views than half of all have, and its 99 % interval (Wilson, 1927).
    above: float | None
    low: float | None
    high: float | None


def posting_hours(
    videos: Sequence[VideoFacts], as_of: datetime, zone: tzinfo
) -> tuple[HourBlock, ...]:
    """Videos by the hour they were published at, those older than three days with known views.

    Does NOT say what the hour causes: other videos are published at other hours.
    """
    by_block: dict[int, list[int]] = defaultdict(list)
    for video in videos:
        views, published = video.counters.view_count, video.created_at
        if views is None or published is None or as_of - published < _GROWN:
            continue
        hour = published.astimezone(zone).hour
        by_block[hour // BLOCK_HOURS * BLOCK_HOURS].append(views)
    every = [views for block in by_block.values() for views in block]
    middle = median(every) if every else 0.0
    return tuple(_block(hour, by_block.get(hour, []), middle) for hour in range(0, 24, BLOCK_HOURS))


def _block(hour: int, views: Sequence[int], middle: float) -> HourBlock:
    count = len(views)
    if count < _BLOCK_LEAST:
        return HourBlock(
            hour=hour, videos=count, median_views=None, above=None, low=None, high=None
        )
    above = sum(v > middle for v in views)
    low, high = wilson(above, count)
    return HourBlock(
        hour=hour,
        videos=count,
        median_views=float(median(views)),
        above=above / count,
        low=low,
        high=high,
    )


def wilson(hits: int, count: int, z: float = _Z) -> tuple[float, float]:
    """Interval of a share (Wilson, Journal of the American Statistical Association 22, 1927)."""
    share, square = hits / count, z * z
    middle = (share + square / (2 * count)) / (1 + square / count)
    half = (
        z
        / (1 + square / count)
        * math.sqrt(share * (1 - share) / count + square / (4 * count * count))
    )
    return max(0.0, middle - half), min(1.0, middle + half)


def best_hour(hours: Sequence[HourBlock]) -> int | None:
    """First hour of the block that clearly does better: its whole interval lies above one half."""
    clear = [block for block in hours if block.low is not None and block.low > 0.5]
    return max(clear, key=lambda block: block.above or 0.0).hour if clear else None
