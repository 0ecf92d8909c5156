"""detection.bursts: bursts laid over quiet counters, all methods at equal false alarms.

Hypothesis: at equal false incidents more bursts are found, and sooner, than by a fixed rule.
Method: bursts of 2 to 20 times the rate put into simulated counters; found within 48 hours.
Control: the fixed rules, with bars fitted on another world to tell as many false incidents.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from random import Random
from statistics import median

from bench.detection.follow import RULES, Make, false_incidents, fitted_bar, table, told
from bench.detection.worlds import Burst, Series, make
from bench.figures import Figure, Result
from tagtide.core.detect import Direction, Settings, make_detector

PEAKS = (2, 3, 5, 10, 20)
ASKED = 0.25
#: Bars are fitted on one world and used on another.
_FIT_SEEDS, _BURST_SEEDS = 1_000, 5_000
_DAYS, _FIT_DAYS = 75, 90
_TARGETS = {5: 0.65, 10: 0.88}


def run(*, quick: bool) -> Result:
    """Bursts of 2 to 20 times the rate between day 40 and 66, read every 6 hours."""
    count = 40 if quick else 200
    fit = [make(_FIT_SEEDS + seed, _FIT_DAYS) for seed in range(count // 2)]
    worlds = {peak: _world(peak, count) for peak in PEAKS}
    ours: Make = partial(make_detector, settings=Settings(false_alarms=ASKED))
    wanted = false_incidents(fit, ours, _FIT_DAYS).whole
    rows, figures = [[f"tagtide, F = {ASKED}", wanted, *_row(worlds, ours)]], []
    for peak, target in _TARGETS.items():
        share, _ = found(worlds[peak], ours)
        name = f"G2 bursts x{peak} found in 48 h"
        figures.append(Figure(name=name, value=share, target=target))
        exact = [series for series in worlds[peak] if not is_rounded(series)]
        share, _ = found(exact, ours)
        figures.append(Figure(name=f"the same, {len(exact)} exact counters", value=share))
    for name, as_written in RULES.items():
        bar = fitted_bar(name, fit, _FIT_DAYS, wanted)
        fitted: Make = partial(make_detector, name, bar=bar)
        told_falsely = false_incidents(fit, fitted, _FIT_DAYS).whole
        rows.append([f"{name}, bar fitted ({bar:.3g})", told_falsely, *_row(worlds, fitted)])
        written: Make = partial(make_detector, name, bar=as_written)
        told_falsely = false_incidents(fit, written, _FIT_DAYS).whole
        rows.append([f"{name} {as_written:g}, as written", told_falsely, *_row(worlds, written)])
    print(f"\nShare of {count} bursts found within 48 h / median delay in hours\n")
    print(table(["method", "false/month", *(f"x{p}" for p in PEAKS)], rows), flush=True)
    return Result(name="detection.bursts", figures=figures, facts={"rows": rows})


def _world(peak: int, count: int) -> list[Series]:
    random = Random(99)
    return [
        make(_BURST_SEEDS + seed, _DAYS, burst=Burst(24 * random.uniform(40, 66), peak))
        for seed in range(count)
    ]


def is_rounded(series: Series) -> bool:
    """Whether the counter is shown in steps."""
    large = [value for value in series.values if value >= 10_000]
    return bool(large) and all(value % 100 == 0 for value in large)


def found(world: Sequence[Series], make_one: Make) -> tuple[float, float | None]:
    """Share of bursts told within 48 hours, and the median delay of those."""
    delays = []
    for series in world:
        onset = series.bursts[0].at
        hours = [
            t.hour - onset
            for t in told(series.hours, series.values, make_one())
            if t.direction is Direction.RISE and 0 <= t.hour - onset <= 48
        ]
        delays += hours[:1]
    return len(delays) / len(world), median(delays) if delays else None


def _row(worlds: dict[int, list[Series]], make_one: Make) -> list[str]:
    cells = []
    for peak in PEAKS:
        share, delay = found(worlds[peak], make_one)
        cells.append(f"{share:.2f}" + ("" if delay is None else f" / {delay:.1f}"))
    return cells
