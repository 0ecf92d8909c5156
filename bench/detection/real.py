"""Real counters: bursts labelled in hindsight, and the stretches between them."""

from __future__ import annotations

import csv
import gzip
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import NamedTuple

from tagtide.core.rounding import display_unit

#: A label compares a day with the days from so far to so far around it.
_FAR, _NEAR = 21 * 24.0, 3 * 24.0
_DAY = 24.0
#: Readings over which a hindsight counter looks ahead for a lower value.
_AHEAD = 3


class Counter(NamedTuple):
    """Readings of one hashtag: instants in hours since 1970."""

    name: str
    hours: list[float]
    values: list[int]


@dataclass(frozen=True, slots=True)
class Episode:
    """A burst, in hindsight."""

    onset: float
    end: float
    #: Largest gain of a day over the median of the days around it.
    ratio: float
    units: float


def load(folder: Path) -> Iterator[Counter]:
    """The hashtags of the 3-hourly archive."""
    with gzip.open(folder / "hashtag_views_3h" / "hashtag_views.csv.gz", "rt") as lines:
        name, hours, values = "", [], []
        for row in csv.DictReader(lines):
            if row["tag"] != name:
                if name:
                    yield Counter(name, hours, values)
                name, hours, values = row["tag"], [], []
            hours.append(hour_of(row["observed_at"]))
            values.append(int(row["view_count"]))
        yield Counter(name, hours, values)


def load_hourly(folder: Path) -> Iterator[Counter]:
    """The campaigns read every hour."""
    by_name: dict[str, dict[float, int]] = {}
    path = folder / "campaign_views_hourly" / "campaign_hashtags_hourly.csv"
    with path.open(encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            readings = by_name.setdefault(row["challenge_name"], {})
            readings[hour_of(row["observed_at"])] = int(row["views"])
    for name, readings in by_name.items():
        hours = sorted(readings)
        yield Counter(name, hours, [readings[hour] for hour in hours])


def hour_of(text: str) -> float:
    """Hours since 1970 of an instant in UTC."""
    at = datetime.fromisoformat(text)
    return (at.replace(tzinfo=UTC) if at.tzinfo is None else at).timestamp() / 3600


def label(counter: Counter, least_ratio: float, least_units: float = 10) -> list[Episode]:
    """Hindsight bursts.

    The counter is freed of stale reads and glitches: the running maximum of the smallest of the
    next three values. The gain of the 24 hours before each reading (interpolated) is divided by the
    median of such gains between 3 and 21 days before and after, plus one display unit. An episode
    is a run of readings at which that ratio is at least ``least_ratio`` and the gain at least
    ``least_units`` display units; runs less than 3 days apart are one. Its onset is the instant at
    which a tenth of the gain of its first such day was made.
    """
    hours, level = counter.hours, _hindsight(counter.values)
    if len(hours) < 100:
        return []
    gains = [level[i] - _at(hours, level, hours[i] - _DAY) for i in range(len(hours))]
    found: list[Episode] = []
    for i in range(len(hours)):
        unit = display_unit(counter.values[i])
        if gains[i] < least_units * unit or hours[i] - hours[0] < _DAY + _NEAR:
            continue
        if hours[i] - hours[max(0, i - 1)] > _DAY:
            continue
        around = _around(hours, gains, hours[i])
        if len(around) < 20:
            continue
        ratio = gains[i] / (median(around) + unit)
        if ratio < least_ratio:
            continue
        if found and hours[i] - found[-1].end < _NEAR:
            last = found[-1]
            units = max(last.units, gains[i] / unit)
            found[-1] = Episode(last.onset, hours[i], max(last.ratio, ratio), units)
        else:
            onset = _onset(hours, level, i, gains[i])
            found.append(Episode(onset, hours[i], ratio, gains[i] / unit))
    return found


def _hindsight(values: Sequence[int]) -> list[int]:
    level, top = [], 0
    for i in range(len(values)):
        top = max(top, min(values[i : i + _AHEAD]))
        level.append(top)
    return level


def _at(hours: Sequence[float], level: Sequence[int], hour: float) -> float:
    i = bisect_left(hours, hour)
    if i == 0:
        return level[0]
    part = (hour - hours[i - 1]) / (hours[i] - hours[i - 1])
    return level[i - 1] + part * (level[i] - level[i - 1])


def _around(hours: Sequence[float], gains: Sequence[float], hour: float) -> list[float]:
    before = gains[bisect_left(hours, hour - _FAR) : bisect_right(hours, hour - _NEAR)]
    after = gains[bisect_left(hours, hour + _NEAR) : bisect_right(hours, hour + _FAR)]
    return [*before, *after]


def _onset(hours: Sequence[float], level: Sequence[int], end: int, gain: float) -> float:
    i = bisect_left(hours, hours[end] - _DAY)
    reached = level[end] - 0.9 * gain
    while i < end and level[i] < reached:
        i += 1
    return hours[i]
