"""The Numenta Anomaly Benchmark's score, from its published formula (Lavin and Ahmad, 2015).

Detections are weighed by where they lie: the earliest one inside a window counts up to 1 at the
window's beginning, a missed window counts -1, and a detection outside costs up to 0.11, less just
behind a window. The score is 100 for perfect and 0 for silence. The first 15 % of a series (of
5,000 rows at most) is for learning and not scored.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import exp
from pathlib import Path
from typing import NamedTuple

from tagtide.core.detect import Detector, Point

#: Weights of the standard profile.
HIT, FALSE, MISSED = 1.0, 0.11, 1.0
#: Behind a window by more than so many of its widths, a detection costs everything.
_FAR = 3.0


class Labelled(NamedTuple):
    """One series with the rows at which its windows begin and end."""

    name: str
    instants: Sequence[datetime]
    values: Sequence[float]
    windows: Sequence[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Score:
    """Points of one or many series."""

    points: float
    windows: int
    hit: int
    false: int

    def __add__(self, other: Score) -> Score:
        return Score(
            self.points + other.points,
            self.windows + other.windows,
            self.hit + other.hit,
            self.false + other.false,
        )

    @property
    def normalised(self) -> float | None:
        """100 for perfect, 0 for silence; None without a window."""
        if not self.windows:
            return None
        silence, perfect = -MISSED * self.windows, HIT * self.windows
        return 100 * (self.points - silence) / (perfect - silence)


def sigmoid(position: float) -> float:
    """1 well before 0, -1 well behind it."""
    return -1.0 if position > _FAR else 2 / (1 + exp(5 * position)) - 1


def probation(rows: int) -> int:
    """Rows that are not scored."""
    return int(0.15 * min(rows, 5_000))


def score(rows: int, windows: Sequence[tuple[int, int]], detections: Iterable[int]) -> Score:
    """Score the rows at which something was detected."""
    first = probation(rows)
    best: dict[int, float] = {}
    points, false = 0.0, 0
    for row in sorted(set(detections)):
        if row < first:
            continue
        number = next((n for n, (a, b) in enumerate(windows) if a <= row <= b), None)
        if number is None:
            points += FALSE * _beside(windows, row)
            false += 1
            continue
        begin, end = windows[number]
        value = sigmoid(-(end - row + 1) / (end - begin + 1)) / sigmoid(-1.0)
        best[number] = max(best.get(number, -1.0), HIT * value)
    points += sum(best.values()) - MISSED * (len(windows) - len(best))
    return Score(points, len(windows), len(best), false)


def _beside(windows: Sequence[tuple[int, int]], row: int) -> float:
    before = [window for window in windows if window[1] < row]
    if not before:
        return -1.0
    begin, end = before[-1]
    return sigmoid((row - end) / max(1, end - begin))


def load(folder: Path) -> list[Labelled]:
    """The series that are there."""
    folder /= "series_labelled"
    windows = json.loads((folder / "combined_windows.json").read_text(encoding="utf-8"))
    found = []
    for path in sorted(folder.glob("*/*.csv")):
        name = f"{path.parent.name}/{path.name}"
        with path.open(encoding="utf-8") as lines:
            rows = [
                (datetime.fromisoformat(r["timestamp"]), float(r["value"]))
                for r in csv.DictReader(lines)
            ]
        instants = [at.replace(tzinfo=UTC) for at, _ in rows]
        spans = [_rows_of(instants, *span) for span in windows[name]]
        found.append(Labelled(name, instants, [value for _, value in rows], spans))
    return found


def _rows_of(instants: Sequence[datetime], begin: str, end: str) -> tuple[int, int]:
    first, last = (datetime.fromisoformat(text).replace(tzinfo=UTC) for text in (begin, end))
    inside = [row for row, at in enumerate(instants) if first <= at <= last]
    return inside[0], inside[-1]


def as_given(series: Labelled, detector: Detector) -> list[int]:
    """Rows of alerts when every row is an increment."""
    return [
        row
        for row, (at, value) in enumerate(zip(series.instants, series.values, strict=True))
        if detector.observe(Point(at, value)).is_alert
    ]


def polled(series: Labelled, detector: Detector, hours: float = 1.0) -> list[int]:
    """Rows of alerts when only the sum since the last poll is seen, once an hour."""
    alerts, gathered, due = [], 0.0, series.instants[0] + timedelta(hours=hours)
    for row, (at, value) in enumerate(zip(series.instants, series.values, strict=True)):
        gathered += value
        if at < due:
            continue
        if detector.observe(Point(at, gathered)).is_alert:
            alerts.append(row)
        gathered = 0.0
        due = max(due + timedelta(hours=hours), at + timedelta(hours=hours / 2))
    return alerts


def total(
    found: Iterable[Labelled],
    follow: Callable[[Labelled, Detector], list[int]],
    make: Callable[[], Detector],
) -> Score:
    """Score of all series, one new detector each."""
    whole = Score(0.0, 0, 0, 0)
    for series in found:
        whole += score(len(series.values), series.windows, follow(series, make()))
    return whole
