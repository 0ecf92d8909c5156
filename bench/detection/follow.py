"""Runs a detector over a series and counts what it told."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import NamedTuple

from bench.detection.worlds import Series
from tagtide.core.detect import Detector, Direction, Finding, Phase, Point, make_detector

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MONTH_HOURS = 720.0
#: The fixed rules: name, and the bar of the origins.
RULES = {"threshold": 199.5, "growth": 0.5, "average": 3.0, "last_week": 2.0}

Make = Callable[[], Detector]


class Told(NamedTuple):
    """One alert."""

    hour: float
    is_opening: bool
    direction: Direction | None


def told(hours: Sequence[float], values: Sequence[float], detector: Detector) -> list[Told]:
    """The alerts of one series; hours are since 1970 or since the beginning of a world."""
    found = []
    for hour, value in zip(hours, values, strict=True):
        finding: Finding = detector.observe(Point(EPOCH + timedelta(hours=hour), value))
        if finding.is_alert:
            found.append(Told(hour, finding.phase is Phase.OPENS, finding.direction))
    return found


class Rates(NamedTuple):
    """False incidents per hashtag and month."""

    whole: float
    quintiles: tuple[float, ...]
    first_days: float
    falls: float


def false_incidents(world: Sequence[Series], make: Make, days: float) -> Rates:
    """Openings on series at which nothing happens; quintiles by size."""
    months, rows, early, falls = days / 30, [], 0, 0
    for series in world:
        openings = [t for t in told(series.hours, series.values, make()) if t.is_opening]
        rows.append((series.daily, len(openings)))
        early += sum(t.hour < 14 * 24 for t in openings)
        falls += sum(t.direction is Direction.FALL for t in openings)
    rows.sort()
    count = len(rows)
    parts = [rows[i * count // 5 : (i + 1) * count // 5] for i in range(5)]
    return Rates(
        sum(n for _, n in rows) / count / months,
        tuple(sum(n for _, n in part) / len(part) / months for part in parts),
        early / count * 30 / 14,
        falls / count / months,
    )


def fitted_bar(name: str, world: Sequence[Series], days: float, wanted: float) -> float:
    """The bar at which a fixed rule tells as many false incidents as wanted, on this world."""
    low, high = RULES[name] / 1000, RULES[name] * 1000
    for _ in range(14):
        middle = (low * high) ** 0.5
        rate = false_incidents(world, partial(make_detector, name, bar=middle), days).whole
        low, high = (middle, high) if rate > wanted else (low, middle)
    return high


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Markdown."""
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(_cell(cell) for cell in row) + " |" for row in rows]
    return "\n".join(lines)


def _cell(cell: object) -> str:
    if cell is None:
        return "–"
    return f"{cell:.2f}" if isinstance(cell, float) else str(cell)
