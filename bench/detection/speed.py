"""detection.speed: readings per second on one core, and the size of the state.

Hypothesis: one core judges 20,000 readings a second, with a state of bounded size.
Method: simulated counters, 90 days of readings every 6 hours and 7 days of readings every 5
minutes, through a detector each, in processor time; the largest state at the end as JSON.
Control: the fixed rules on the same readings.
"""

from __future__ import annotations

import json
import time
from datetime import timedelta

from bench.detection.follow import EPOCH, table
from bench.detection.worlds import make
from bench.figures import Figure, Result
from tagtide.core.detect import DETECTORS, Point, make_detector


def run(*, quick: bool) -> Result:
    """Counters read every 6 hours and every 5 minutes, in processor time."""
    rows, figures = [], []
    for cadence, name in ((6.0, "6 h"), (1 / 12, "5 min")):
        days = 90 if cadence > 1 else 7
        world = [make(seed, days, cadence) for seed in range(10 if quick else 40)]
        points = [
            [Point(EPOCH + timedelta(hours=h), v) for h, v in zip(s.hours, s.values, strict=True)]
            for s in world
        ]
        for detector in DETECTORS:
            speed, size = _measure(points, detector)
            rows.append([f"{detector}, every {name}", f"{speed:,.0f}", f"{size:,}"])
            if detector == "statistical":
                figures.append(
                    Figure(
                        name=f"G8 readings per second, every {name}",
                        value=speed,
                        target=20_000,
                        unit="/s",
                    )
                )
    print("\n" + table(["detector", "readings/s", "largest state, bytes"], rows), flush=True)
    return Result(name="detection.speed", figures=figures, facts={"rows": rows})


def _measure(points: list[list[Point]], name: str) -> tuple[float, int]:
    spent, size = 0.0, 0
    for series in points:
        detector = make_detector(name)
        start = time.process_time()
        for point in series:
            detector.observe(point)
        spent += time.process_time() - start
        size = max(size, len(json.dumps(detector.state())))
    return sum(map(len, points)) / spent, size
