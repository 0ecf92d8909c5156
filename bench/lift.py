"""lift: placebo campaigns on real and simulated counters, and lifts laid over them.

Hypothesis: of campaigns in which nothing happened at most one in ten gets a lift, and the interval
holds the true one at least nine times in ten, whatever the lift, the length and the controls.

Method: the counters of real hashtags, a reading per six hours; a random hashtag at a random day for
7, 14 or 28 days, with random controls among those that say enough over the same days. Lifts of +20
to +300 % are laid over the days within. The constants of the method were fitted on one half of the
hashtags and are judged on the other. The same on simulated counters at which nothing happens.

Control: the same estimate with the normal interval of the days' own scatter, as a spreadsheet
would make it.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, timedelta
from random import Random
from statistics import fmean, median, stdev

from bench.detection.data import shared_data
from bench.detection.follow import EPOCH, table
from bench.detection.real import load
from bench.detection.worlds import START, make
from bench.figures import Figure, Result
from tagtide.core.daily_gains import DailyGains, daily_gains
from tagtide.core.lift import BEFORE, Control, Counted, Lift, measure_lift
from tagtide.core.rounding import display_unit
from tagtide.models import CounterSource, HashtagReading

LIFTS = (0.2, 0.5, 1.0, 3.0)
LENGTHS = (7, 14, 28)
CONTROLS = (1, 2, 4, 8)
_DAY = timedelta(days=1)
#: Readings of the archive are three hours apart; a tracked hashtag is read every six.
_APART = 5.5
_Z = 1.645

World = Mapping[str, DailyGains]


@dataclass(frozen=True, slots=True, kw_only=True)
class Placebo:
    """A campaign in which nothing happened, as it was judged, and with lifts laid over it."""

    false: bool
    #: Half the width of the interval, as a logarithm.
    reach: float
    #: By lift: whether it was found, and whether the interval holds it.
    found: tuple[bool, ...]
    held: tuple[bool, ...]
    #: Whether the spreadsheet's interval leaves zero out.
    naive: bool


def run(*, quick: bool) -> Result:
    """Both halves of the real hashtags, and simulated ones."""
    tries = 150 if quick else 1000
    real = _real(8 if quick else 1)
    worlds = {
        "real, fitted on": {n: g for n, g in real.items() if not _is_judged(n)},
        "real, judged on": {n: g for n, g in real.items() if _is_judged(n)},
        "simulated": _simulated(20 if quick else 60),
    }
    rows, judged = [], []
    for name, world in worlds.items():
        for count in CONTROLS:
            found = _placebos(world, count, tries)
            rows.append([name, count, *_row(found)])
            if name == "real, judged on":
                judged += found
    head = ["hashtags", "controls", "placebos", "false", "spreadsheet", "half-width"]
    head += [f"found at +{lift:.0%}" for lift in LIFTS] + ["held"]
    print("\n" + table(head, rows), flush=True)
    false = fmean(one.false for one in judged)
    held = fmean(held for one in judged for held in one.held)
    how = "real hashtags of the other half"
    figures = [
        Figure(name="placebos told a lift", value=false, target=0.10, at_most=True, against=how),
        Figure(name="true lifts held by the interval", value=held, target=0.90, against=how),
        Figure(
            name="the same placebos, spreadsheet",
            value=fmean(one.naive for one in judged),
            against="told a lift",
        ),
        Figure(name="half-width, times", value=math.exp(median(one.reach for one in judged))),
        *(
            Figure(name=f"found at +{lift:.0%}", value=fmean(one.found[i] for one in judged))
            for i, lift in enumerate(LIFTS)
        ),
    ]
    return Result(name="lift", figures=figures, facts={"rows": rows})


def _row(found: Sequence[Placebo]) -> list[str]:
    if not found:
        return ["0"] + ["-"] * (4 + len(LIFTS))
    return [
        str(len(found)),
        f"{fmean(one.false for one in found):.1%}",
        f"{fmean(one.naive for one in found):.1%}",
        f"x{math.exp(median(one.reach for one in found)):.2f}",
        *(f"{fmean(one.found[i] for one in found):.1%}" for i in range(len(LIFTS))),
        f"{fmean(held for one in found for held in one.held):.1%}",
    ]


# --- campaigns in which nothing happened ----------------------------------------------------------


def _placebos(world: World, count: int, tries: int) -> list[Placebo]:
    random = Random(1_000 + count)
    names = sorted(name for name, gains in world.items() if len(gains.days) >= BEFORE + LENGTHS[0])
    found = []
    for _ in range(tries):
        name = random.choice(names)
        began = random.choice(sorted(world[name].days))
        last = began + (random.choice(LENGTHS) - 1) * _DAY
        others = [other for other in random.sample(names, len(names)) if other != name]
        own = Counted(hashtag=name, gains=world[name])
        controls = _controls(world, own, others, count, began, last)
        told = measure_lift([own], controls, began, last)
        if isinstance(told, Lift) and len(told.controls) == count:
            found.append(_judged(told, own, controls, began, last))
    return found


def _controls(
    world: World, own: Counted, others: Sequence[str], count: int, began: date, last: date
) -> list[Counted]:
    """The first of the others that say enough."""
    kept: list[Counted] = []
    for name in others:
        if len(kept) == count:
            break
        one = Counted(hashtag=name, gains=world[name])
        told = measure_lift([own], [one], began, last)
        if isinstance(told, Lift):
            kept.append(one)
        elif not told.left_out or told.left_out[0].is_own:
            break
    return kept


def _judged(
    told: Lift, own: Counted, controls: Sequence[Counted], began: date, last: date
) -> Placebo:
    found, held = [], []
    for lift in LIFTS:
        days = {
            day: gain * (1 + lift) if began <= day <= last else gain
            for day, gain in own.gains.days.items()
        }
        lifted = Counted(hashtag=own.hashtag, gains=replace(own.gains, days=days))
        with_lift = measure_lift([lifted], controls, began, last)
        assert isinstance(with_lift, Lift)
        found.append(with_lift.ratio_low > 0)
        held.append(with_lift.ratio_low <= lift <= with_lift.ratio_high)
    return Placebo(
        false=told.is_clear,
        reach=math.log(told.expected_high / told.expected),
        found=tuple(found),
        held=tuple(held),
        naive=_spreadsheet(told, own.gains),
    )


def _spreadsheet(told: Lift, gains: DailyGains) -> bool:
    """Whether a comparison of mean daily gains tells a difference, days taken as independent."""

    def of(first: date, last: date) -> list[float]:
        days = [first + n * _DAY for n in range((last - first).days + 1)]
        return [gains.days[day] for day in days if day in gains.days]

    before, within = of(*told.before), of(*told.within)
    error = math.hypot(
        stdev(before) / math.sqrt(len(before)), stdev(within) / math.sqrt(len(within))
    )
    others = _mean_change(told.controls)
    return abs(fmean(within) - fmean(before) * (1 + others)) > _Z * error


def _mean_change(controls: Sequence[Control]) -> float:
    return fmean(control.change for control in controls)


# --- counters -------------------------------------------------------------------------------------


def _is_judged(name: str) -> bool:
    return zlib.crc32(name.encode()) % 2 == 1


def _real(step: int) -> dict[str, DailyGains]:
    counters = list(load(shared_data()))[::step]
    return {c.name: _gains(c.name, c.hours, c.values, 0.0) for c in counters}


def _simulated(count: int) -> dict[str, DailyGains]:
    found = {}
    for seed in range(count):
        series = make(9_000 + seed, 100)
        shift = (START - EPOCH) / timedelta(hours=1)
        found[series.name] = _gains(series.name, series.hours, series.values, shift)
    return found


def _gains(name: str, hours: Sequence[float], values: Sequence[int], shift: float) -> DailyGains:
    readings, newest = [], -math.inf
    for hour, value in zip(hours, values, strict=True):
        if hour - newest < _APART:
            continue
        newest = hour
        readings.append(
            HashtagReading(
                hashtag=name,
                hashtag_id=name,
                read_at=EPOCH + timedelta(hours=hour + shift),
                view_count=value,
                view_source=CounterSource.STATS,
                view_unit=display_unit(value),
                video_count=None,
                video_source=None,
                video_unit=1,
            )
        )
    return daily_gains(readings, UTC)
