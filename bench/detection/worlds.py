"""Our own generator of counters: hashtags at which nothing happens, and bursts laid over them.

Gains are over-dispersed counts: a Poisson draw per half hour about an intensity with a rhythm of
hours and days, a slow drift, and noise that stays for about six hours. Readings of the total come
every few hours with jitter; some are missed, some repeat the answer before, and now and then the
counter is corrected downwards. A third of the counters is rounded as TikTok rounds.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from math import cos, exp, log, pi, sqrt
from random import Random

START = datetime(2026, 1, 5, tzinfo=UTC)
_PART = 0.5
#: Hours over which noise forgets itself.
_NOISE_HOURS = 6.0


@dataclass(frozen=True, slots=True)
class Burst:
    """More than usual: ``peak`` times the rate, risen in two hours, gone in a day."""

    at: float
    peak: float

    def factor(self, hour: float) -> float:
        """How many times the usual rate, at an hour since the beginning of the world."""
        after = hour - self.at
        if after < 0:
            return 1.0
        if after < 2:
            return 1 + (self.peak - 1) * after / 2
        return 1 + (self.peak - 1) * exp(-(after - 2) / 12)


@dataclass(frozen=True, slots=True)
class Series:
    """What a detector is given: hours since `START`, and totals as they were told."""

    name: str
    hours: Sequence[float]
    values: Sequence[int]
    #: Gains per day, the size the quintiles are made of.
    daily: float
    bursts: Sequence[Burst] = ()

    def instants(self) -> list[datetime]:
        """The hours as instants."""
        return [START + timedelta(hours=hour) for hour in self.hours]


def poisson(random: Random, mean: float) -> int:
    """One draw."""
    if mean <= 0:
        return 0
    if mean > 50:
        return max(0, round(random.gauss(mean, sqrt(mean))))
    limit, count, product = exp(-mean), 0, random.random()
    while product > limit:
        product *= random.random()
        count += 1
    return count


def make(
    seed: int, days: int, cadence: float = 6.0, burst: Burst | None = None, start: int | None = None
) -> Series:
    """One hashtag, read every ``cadence`` hours for so many days."""
    random = Random(seed)
    daily = exp(random.gauss(log(100), 1.9))
    totals = _totals(random, days, daily, burst)
    at_first = random.choice((0, round(daily * random.uniform(10, 400))))
    total_at = [value + (at_first if start is None else start) for value in totals]
    is_rounded = random.random() < 1 / 3
    hours, values = _read(random, total_at, days, cadence, is_rounded)
    return Series(f"tag{seed}", hours, values, daily, [burst] if burst else [])


def _totals(random: Random, days: int, daily: float, burst: Burst | None) -> list[int]:
    """The true total at every half hour."""
    shape = exp(random.uniform(log(3), log(30)))
    depth, peak_hour = random.uniform(0.2, 0.6), random.gauss(19, 2)
    weekend = random.uniform(0.85, 1.25)
    trend = random.gauss(0, 0.01)
    keep = exp(-_PART / _NOISE_HOURS)
    deviation = sqrt(log(1 + 1 / shape))
    noise = random.gauss(0, deviation)
    gains = []
    for part in range(round(days * 24 / _PART)):
        hour = part * _PART
        noise = keep * noise + random.gauss(0, deviation * sqrt(1 - keep * keep))
        intensity = daily / 24 * (1 + depth * cos(2 * pi * (hour - peak_hour) / 24))
        if int(hour // 24) % 7 >= 5:
            intensity *= weekend
        intensity *= exp(trend * hour / 24 + noise - deviation * deviation / 2)
        if burst is not None:
            intensity *= burst.factor(hour)
        gains.append(poisson(random, intensity * _PART))
    return [0, *accumulate(gains)]


def _read(
    random: Random, totals: Sequence[int], days: int, cadence: float, is_rounded: bool
) -> tuple[list[float], list[int]]:
    hours: list[float] = []
    values: list[int] = []
    purged = 0
    at = random.uniform(0, cadence)
    while at < days * 24 - 1:
        moment = at + random.uniform(-0.08, 0.08) * cadence
        at += cadence
        chance = random.random()
        if moment < 0 or chance < 0.05:
            continue
        part = int(moment / _PART)
        within = moment / _PART - part
        total = round(totals[part] + within * (totals[part + 1] - totals[part]))
        if random.random() < cadence / 24 / 90:
            purged += round(total * random.uniform(0.001, 0.15))
        total = max(1, total - purged)
        if is_rounded:
            total -= total % _step(total)
        if values and random.random() < 0.02:
            total = values[-1]
        hours.append(moment)
        values.append(total)
    return hours, values


def _step(total: int) -> int:
    """Step of the display at a total of this size."""
    limits = (10_000, 1_000_000, 1_000_000_000)
    return (1, 100, 100_000, 100_000_000)[bisect_right(limits, total)]
