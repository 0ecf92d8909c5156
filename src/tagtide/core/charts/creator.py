"""The views of a creator's best videos over time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, tzinfo
from typing import Any

from tagtide.core import formats as f
from tagtide.core.charts.base import Chart, amounts, single
from tagtide.core.charts.times import time_axis, wall_time
from tagtide.core.language import say, say_as, say_many
from tagtide.models import VideoReading

#: More points of a line than a small chart can show are thinned out.
_MOST_POINTS = 60


def creator_chart(
    curves: Sequence[tuple[int, Sequence[VideoReading]]], zone: tzinfo, zone_name: str
) -> Chart | None:
    """A line per video, named by its rank; None where no video was read twice."""
    lines = [(rank, _thinned(known)) for rank, found in curves if (known := _known(found))]
    if all(len(points) < 2 for _, points in lines):
        return None
    values = [_point(rank, reading, zone) for rank, points in lines for reading in points]
    instants = [reading.read_at for _, points in lines for reading in points]
    x = time_axis(min(instants), max(instants), zone)
    y: dict[str, Any] = {"type": "quantitative", "title": None, "axis": amounts()}
    y["axis"] |= {"tickCount": 3}
    ranks = [str(rank) for rank, _ in lines]
    colour = {"field": "line", "type": "nominal", "scale": {"domain": ranks}, "legend": None}
    ends = [_point(rank, points[-1], zone) for rank, points in lines]
    return Chart(
        name="creator",
        title=say_many(
            len(lines), "Views of {count} video over time", "Views of {count} videos over time"
        ),
        subtitle=say(
            "Views at each reading; numbers as in the table; time of {zone}", zone=zone_name
        ),
        spec=single(
            values,
            height=95,
            layer=[
                {
                    "mark": {"type": "line", "point": True, "strokeWidth": 1.5},
                    "encoding": {
                        "x": x,
                        "y": {"field": "views", **y},
                        "color": colour,
                        "tooltip": [
                            {"field": "line", "title": say("Video")},
                            {"field": "when", "title": say_as("when", "Read")},
                            {"field": "said", "title": say("Views")},
                        ],
                    },
                },
                {
                    "data": {"values": ends},
                    "mark": {"type": "text", "align": "right", "dx": -4, "dy": -7},
                    "encoding": {
                        "x": x,
                        "y": {"field": "views", **y},
                        "text": {"field": "line"},
                        "color": colour,
                    },
                },
            ],
        ),
        columns=(say("Video"), say_as("when", "Read"), say("Views")),
        rows=tuple((v["line"], v["when"], v["said"]) for v in values),
    )


def _known(readings: Sequence[VideoReading]) -> list[VideoReading]:
    return [reading for reading in readings if reading.counters.view_count is not None]


def _thinned(readings: Sequence[VideoReading]) -> Sequence[VideoReading]:
    if len(readings) <= _MOST_POINTS:
        return readings
    step = (len(readings) - 1) / (_MOST_POINTS - 1)
    return [readings[round(n * step)] for n in range(_MOST_POINTS)]


def _point(rank: int, reading: VideoReading, zone: tzinfo) -> dict[str, Any]:
    at: datetime = reading.read_at
    return {
        "line": str(rank),
        "at": wall_time(at, zone),
        "views": reading.counters.view_count,
        "when": f.instant_text(at, zone),
        "said": f.whole(reading.counters.view_count),
    }
