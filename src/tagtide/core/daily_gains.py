"""What a hashtag gained on each day, from counters that were read at any instants.

A counter is trusted as far as `core.velocity` trusts it. A day of which too little is known is not
there: it is never a day without growth.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from itertools import pairwise
from typing import NamedTuple

from tagtide.core.periods import midnight
from tagtide.core.velocity import ChangeNote, Judged, counter_points, follow_counter
from tagtide.models import HashtagReading

#: Between two readings further apart nobody knows on which day the growth was.
LONGEST_GAP = timedelta(hours=36)
#: A day is known when so much of it is; what is missing is filled up at its own pace.
_ENOUGH = timedelta(hours=20)


@dataclass(frozen=True, slots=True, kw_only=True)
class DailyGains:
    """Views gained by day on the wall clock of a zone; days that are not known are not in it."""

    days: Mapping[date, float]
    #: The coarsest step the counter moved in; 1 is exact.
    step: int
    #: Days on which the counter was read at all.
    read_on: frozenset[date]


class _Stretch(NamedTuple):
    begin: datetime
    end: datetime
    gain: float


def daily_gains(readings: Sequence[HashtagReading], zone: tzinfo) -> DailyGains:
    """From readings in order of time; more before the first day tell more about corrections."""
    ordered = sorted(readings, key=lambda reading: reading.read_at)
    judged = follow_counter(counter_points(ordered, "view")) if ordered else []
    gained: dict[date, float] = defaultdict(float)
    covered: dict[date, timedelta] = defaultdict(timedelta)
    for stretch in _stretches(judged):
        for day, begin, end in _days(stretch.begin, stretch.end, zone):
            share = (end - begin) / (stretch.end - stretch.begin)
            gained[day] += stretch.gain * share
            covered[day] += end - begin
    known = [one.point for one in judged if one.point.value]
    return DailyGains(
        days={
            day: gained[day] * (_length(day, zone) / covered[day])
            for day in sorted(gained)
            if covered[day] >= _ENOUGH
        },
        step=max((point.unit for point in known), default=1),
        read_on=frozenset(point.at.astimezone(zone).date() for point in known),
    )


def _stretches(judged: Sequence[Judged]) -> list[_Stretch]:
    found: list[_Stretch] = []
    for run in _runs(judged):
        is_rounded = any(one.point.unit > 1 for one in run)
        found += _between_steps(run) if is_rounded else _between_readings(run)
    return found


def _runs(judged: Iterable[Judged]) -> Iterable[list[Judged]]:
    """Readings that can be subtracted from each other, in order: a seam begins a new run."""
    run: list[Judged] = []
    for one in judged:
        if not one.is_good:
            continue
        if run and _is_seam(run[-1], one):
            yield run
            run = []
        run.append(one)
    if run:
        yield run


def _is_seam(before: Judged, one: Judged) -> bool:
    if one.note is ChangeNote.COUNTER_CORRECTED:
        return True
    earlier, later = before.point, one.point
    if (earlier.source, earlier.series) != (later.source, later.series):
        return True
    # On the way back to the level before a correction nobody knows what is growth.
    ceiling = 0 if one.ceiling is None else one.ceiling.value or 0
    return later.at - earlier.at > LONGEST_GAP or (earlier.value or 0) < ceiling


def _between_readings(run: Sequence[Judged]) -> list[_Stretch]:
    return [
        _Stretch(a.point.at, b.point.at, (b.point.value or 0) - (a.point.value or 0))
        for a, b in pairwise(run)
    ]


def _between_steps(run: Sequence[Judged]) -> list[_Stretch]:
    """A rounded counter says most at the instants at which it moves.

    Before the first step and after the last one half a step was gained, but never more than the
    pace beside it makes of that time.
    """
    moves = [b.point for a, b in pairwise(run) if b.point.value != a.point.value]
    found = [_Stretch(a.at, b.at, (b.value or 0) - (a.value or 0)) for a, b in pairwise(moves)]
    begin, end = run[0].point, run[-1].point
    if not moves:
        return [_Stretch(begin.at, end.at, 0.0)] if begin.at < end.at else []
    head = _open_end(begin.at, moves[0].at, moves[0].unit, found[:1])
    tail = _open_end(moves[-1].at, end.at, moves[-1].unit, found[-1:])
    return [*head, *found, *tail]


def _open_end(
    begin: datetime, end: datetime, unit: int, beside: Sequence[_Stretch]
) -> list[_Stretch]:
    if begin >= end:
        return []
    gain = unit / 2
    for stretch in beside:
        gain = min(gain, stretch.gain * ((end - begin) / (stretch.end - stretch.begin)))
    return [_Stretch(begin, end, gain)]


def _days(
    begin: datetime, end: datetime, zone: tzinfo
) -> Iterable[tuple[date, datetime, datetime]]:
    """The parts of a stretch by day."""
    while begin < end:
        day = begin.astimezone(zone).date()
        over = midnight(day + timedelta(days=1), zone).astimezone(begin.tzinfo)
        until = min(over, end)
        yield day, begin, until
        begin = until


def _length(day: date, zone: tzinfo) -> timedelta:
    """23 or 25 hours where the clocks change."""
    first, last = midnight(day, zone), midnight(day + timedelta(days=1), zone)
    return timedelta(seconds=last.timestamp() - first.timestamp())
