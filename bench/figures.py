"""What a benchmark hands back, how it is printed and where it is kept."""

from __future__ import annotations

import json
import os
import platform
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One number with what it is measured against."""

    name: str
    value: float
    #: Smallest, or with ``at_most`` largest, acceptable value; None is for information.
    target: float | None = None
    at_most: bool = False
    #: Behind the number, e.g. ``/s``; empty for a ratio.
    unit: str = ""
    #: What the ratio is to, or how the number came about.
    against: str = ""

    @property
    def reached(self) -> bool | None:
        """Whether the target holds; None without one."""
        if self.target is None:
            return None
        return self.value <= self.target if self.at_most else self.value >= self.target


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """Everything one benchmark found."""

    name: str
    figures: Sequence[Figure]
    #: Raw measurements, for the JSON file.
    facts: dict[str, Any] = field(default_factory=dict)


def show(result: Result) -> str:
    """A table for people; its first lines paste into docs/performance.md."""
    rows = [_row(figure, result.name) for figure in result.figures]
    head = "| figure | target | reached | ratio to, or how | command |\n|---|---|---|---|---|"
    return "\n".join([head, *rows])


def _row(figure: Figure, name: str) -> str:
    mark = {None: "", True: "", False: " (missed)"}[figure.reached]
    target = "" if figure.target is None else f"{'≤' if figure.at_most else '≥'} "
    target += "" if figure.target is None else _number(figure.target) + figure.unit
    reached = f"{_number(figure.value)}{figure.unit}{mark}"
    return f"| {figure.name} | {target} | {reached} | {figure.against} | `./run bench {name}` |"


def _number(value: float) -> str:
    if value == int(value) or abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3f}" if abs(value) < 1 else f"{value:.4g}"


def keep(result: Result) -> Path:
    """Write the result and the machine it came from as JSON; git ignores it."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{result.name}.json"
    body = {
        "name": result.name,
        "measured_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "machine": machine(),
        "figures": [asdict(f) | {"reached": f.reached} for f in result.figures],
        "facts": result.facts,
    }
    path.write_text(json.dumps(body, indent=2, default=str) + "\n", encoding="utf-8")
    return path


def machine() -> dict[str, Any]:
    """Cores, interpreter, load: what a figure needs to be compared with another."""
    return {
        "cores": len(os.sched_getaffinity(0)),
        "python": platform.python_version(),
        "load_1m": round(os.getloadavg()[0], 2),
    }


def timed(work: Callable[[], object]) -> float:
    """Seconds that one call takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def median_ms(seconds: Sequence[float]) -> float:
    """Median in milliseconds."""
    return statistics.median(seconds) * 1000
