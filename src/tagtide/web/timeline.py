"""Slots of a period laid out in columns, so that a table shows them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from tagtide.core import formats
from tagtide.core.periods import start_of_day
from tagtide.models import Status
from tagtide.ports import SlotMark

#: Spans that the page can show.
PERIODS = {
    "24h": timedelta(hours=24),
    "7d": timedelta(days=7),
    "28d": timedelta(days=28),
}
#: More slots than this in a cell are counted instead of shown one by one.
_SINGLE = 8
#: Counted slots in the order of their weight.
_WORST_FIRST = (Status.FAILED, Status.PARTIAL, Status.RUNNING, Status.SKIPPED, Status.OK)


@dataclass(frozen=True, slots=True)
class Bin:
    """One column."""

    begin: datetime
    end: datetime
    head: str


@dataclass(frozen=True, slots=True)
class Cell:
    """What is in a column of a row: slots one by one, or counted where there are many."""

    marks: tuple[SlotMark, ...]
    counts: tuple[tuple[Status, int], ...]


def bins_of(period: str, now: datetime, zone: ZoneInfo) -> list[Bin]:
    """The columns of a period that ends now: three hours each, or days of the zone."""
    if period == "24h":
        return _hours(now, zone)
    days = PERIODS[period].days
    begin = start_of_day(now, zone.key)
    bins = [Bin(begin, now + timedelta(seconds=1), _day(begin, zone))]
    while len(bins) < days:
        end = bins[0].begin
        begin = start_of_day(end - timedelta(hours=1), zone.key)
        bins.insert(0, Bin(begin, end, _day(begin, zone)))
    return bins


def _hours(now: datetime, zone: ZoneInfo) -> list[Bin]:
    step = timedelta(hours=3)
    local = now.astimezone(zone)
    full = local.replace(hour=local.hour - local.hour % 3, minute=0, second=0, microsecond=0)
    last = full.astimezone(now.tzinfo)
    begins = [last - step * n for n in range(8, -1, -1)]
    ends = [*begins[1:], now + timedelta(seconds=1)]
    return [
        Bin(begin, end, formats.time_text(begin, zone))
        for begin, end in zip(begins, ends, strict=True)
    ]


def _day(begin: datetime, zone: ZoneInfo) -> str:
    return formats.date_text(begin, zone).rpartition(" ")[0]


def cells_of(marks: Sequence[SlotMark], bins: Sequence[Bin], *, counted: bool) -> list[Cell]:
    """One cell per column."""
    cells = []
    for one in bins:
        held = tuple(mark for mark in marks if one.begin <= mark.slot_at < one.end)
        if counted or len(held) > _SINGLE:
            counts = Counter(mark.status for mark in held)
            cells.append(Cell((), tuple((s, counts[s]) for s in _WORST_FIRST if counts[s])))
        else:
            cells.append(Cell(held, ()))
    return cells
