"""detection.levels: false incidents on levels at which nothing happens, and what is found on them.

Hypothesis: the number that is asked for is the number that is told, at any cadence.
Method: simulated levels with correlated noise, a rhythm of hours and days, drift, heavy tails and
rounding; incidents per 30 days over F. Shifts of four standard deviations for twelve hours laid
over others of them; found within 24 hours.
Control: a z-score of the last 24 hours above 3, and above 5, told once per 24 hours.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from math import cos, exp, log, pi, sqrt
from random import Random
from typing import NamedTuple

from bench.detection.follow import table, told
from bench.detection.worlds import START
from bench.figures import Figure, Result
from tagtide.core.detect import Settings, make_detector

ASKED = (0.25, 0.5, 1.0, 2.0)
#: Hours between readings, and days of each.
CADENCES = {"5 min": (1 / 12, 30), "30 min": (0.5, 120), "1 h": (1.0, 200)}
#: The two shares in `core.detect.level` were measured on seeds below 100.
_SEEDS, _SHIFTED_SEEDS = 50_000, 60_000
_SHIFT, _SHIFT_HOURS, _FOUND_HOURS = 4.0, 12.0, 24.0


class Quiet(NamedTuple):
    """One series; hours are since 1970."""

    hours: Sequence[float]
    values: Sequence[float]
    shifted_at: float | None


def make_level(seed: int, days: float, cadence: float, is_shifted: bool = False) -> Quiet:
    """Levels around a mean, with everything that is usual."""
    random, readings = Random(seed), round(days * 24 / cadence)
    mean = exp(random.gauss(4, 1.5))
    deviation = mean * exp(random.uniform(log(0.01), log(0.3)))
    keep = exp(-cadence / exp(random.uniform(log(0.2), log(12))))
    depth, peak = random.choice((0, 0.5, 1, 2, 4)) * deviation, random.uniform(0, 24)
    weekend = random.choice((0, 0, 0.5, 1)) * depth
    drift, white = random.gauss(0, 0.03) * deviation, random.uniform(0, 1) * deviation
    is_heavy, decimals = random.random() < 0.3, random.choice((0, 2, 6))
    start = (START.timestamp()) / 3600
    shifted_at = start + random.uniform(0.6, 0.9) * days * 24 if is_shifted else None
    noise, hours, values = random.gauss(0, deviation), [], []
    for reading in range(readings):
        hour = reading * cadence
        noise = keep * noise + random.gauss(0, deviation * sqrt(1 - keep * keep))
        glitch = random.gauss(0, white) * (exp(random.gauss(0, 0.5)) if is_heavy else 1)
        value = mean + noise + glitch + drift * hour / 24
        value += depth * cos(2 * pi * (hour - peak) / 24)
        if int(hour // 24) % 7 >= 5:
            value -= weekend
        if shifted_at is not None and 0 <= start + hour - shifted_at < _SHIFT_HOURS:
            value += _SHIFT * sqrt(deviation**2 + white**2)
        hours.append(start + hour)
        values.append(round(value, decimals))
    return Quiet(hours, values, shifted_at)


#: Hours of the alerts of one series.
Alerts = Callable[[Quiet], list[float]]


def _ours(asked: float, series: Quiet) -> list[float]:
    detector = make_detector("level", Settings(false_alarms=asked, is_counter=False))
    found = told(series.hours, series.values, detector)
    return [alert.hour for alert in found if alert.is_opening]


def _z_score(bar: float, series: Quiet) -> list[float]:
    readings = max(2, round(24 / (series.hours[1] - series.hours[0])))
    past: deque[float] = deque(maxlen=readings)
    alerts: list[float] = []
    total = square = 0.0
    for hour, value in zip(series.hours, series.values, strict=True):
        if len(past) == readings:
            mean = total / readings
            deviation = sqrt(max(0.0, square / readings - mean * mean))
            is_new = not alerts or hour - alerts[-1] >= 24
            if is_new and abs(value - mean) > bar * deviation:
                alerts.append(hour)
            total, square = total - past[0], square - past[0] ** 2
        past.append(value)
        total, square = total + value, square + value * value
    return alerts


def run(*, quick: bool) -> Result:
    """Quiet levels at three cadences, and as many with a shift."""
    count = 4 if quick else 12
    quiet = {name: _world(_SEEDS, count, *kind, False) for name, kind in CADENCES.items()}
    shifted = {name: _world(_SHIFTED_SEEDS, count, *kind, True) for name, kind in CADENCES.items()}
    methods: dict[str, Alerts] = {f"level, F = {asked}": partial(_ours, asked) for asked in ASKED}
    methods |= {f"z-score of 24 h above {bar}": partial(_z_score, bar) for bar in (3, 5)}
    rows, figures = [], []
    for name, alerts in methods.items():
        months = incidents = 0.0
        cells: list[float] = []
        for cadence, world in quiet.items():
            opened = sum(len(alerts(series)) for series in world)
            spent = len(world) * CADENCES[cadence][1] / 30
            months, incidents = months + spent, incidents + opened
            cells.append(opened / spent)
        everything = [series for world in shifted.values() for series in world]
        share = sum(_is_found(series, alerts(series)) for series in everything) / len(everything)
        rows.append([name, incidents / months, *cells, share])
    for asked, row in zip(ASKED, rows, strict=False):
        ratio = float(row[1]) / asked
        figures.append(Figure(name=f"told / asked of levels at F = {asked}", value=ratio, unit="×"))
    print("\nFalse incidents per series and 30 days, and the share of shifts found\n")
    print(table(["method", "all", *CADENCES, "shifts found in 24 h"], rows), flush=True)
    return Result(name="detection.levels", figures=figures, facts={"rows": rows})


def _world(seeds: int, count: int, cadence: float, days: float, is_shifted: bool) -> list[Quiet]:
    return [make_level(seeds + seed, days, cadence, is_shifted) for seed in range(count)]


def _is_found(series: Quiet, alerts: list[float]) -> bool:
    at = series.shifted_at
    assert at is not None
    return any(at <= hour < at + _FOUND_HOURS for hour in alerts)
