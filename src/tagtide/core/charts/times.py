"""Time on an axis: the wall clock of a zone, the same in every medium and every browser."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any

from tagtide.core.formats import instant_text
from tagtide.core.language import say, say_as

#: Numbers of events that are nearer than this part of the axis stand together.
_NUMBERS_APART = 0.08


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something to be marked on a time axis: an alert, a launch, a corrected counter."""

    at: datetime
    #: A few words.
    label: str


def wall_time(at: datetime, zone: tzinfo) -> str:
    """What clocks of the zone showed, for an axis whose scale is of type ``utc``.

    A drawing program knows the zone of the machine and UTC, not that of a campaign.
    """
    return at.astimezone(zone).replace(tzinfo=None, microsecond=0).isoformat() + "Z"


def time_axis(since: datetime, until: datetime, zone: tzinfo) -> dict[str, Any]:
    """Encoding of ``at`` between two instants."""
    days = (until - since).total_seconds() / 86400
    shown = "%H:%M" if days <= 1.5 else say_as("date on an axis (d3)", "%-d %b")
    return {
        "field": "at",
        "type": "temporal",
        "title": None,
        "scale": {"type": "utc", "domain": [wall_time(since, zone), wall_time(until, zone)]},
        "axis": {"format": shown, "labelOverlap": True, "tickCount": 6, "grid": False},
    }


def event_layers(events: Sequence[Event], x: dict[str, Any], zone: tzinfo) -> list[dict[str, Any]]:
    """Lines from top to bottom with numbers, which a list below the chart explains.

    ``x`` is the chart's `time_axis`: layers with different ones would not share it.
    """
    if not events:
        return []
    values = [
        {
            "at": wall_time(event.at, zone),
            "what": f"{number}. {event.label}",
            "when": instant_text(event.at, zone),
        }
        for number, event in enumerate(events, 1)
    ]
    begin, end = map(datetime.fromisoformat, x["scale"]["domain"])
    groups: list[tuple[datetime, list[int]]] = []
    for number, event in sorted(enumerate(events, 1), key=lambda one: one[1].at):
        if groups and event.at - groups[-1][0] <= _NUMBERS_APART * (end - begin):
            groups[-1][1].append(number)
        else:
            groups.append((event.at, [number]))
    return [
        {
            "data": {"values": values},
            "mark": {"type": "rule", "strokeDash": [3, 3], "opacity": 0.7, "clip": True},
            "encoding": {
                "x": x,
                "tooltip": [
                    {"field": "when", "title": say("When")},
                    {"field": "what", "title": say("What")},
                ],
            },
        },
        {
            "data": {
                "values": [
                    {"at": wall_time(at, zone), "numbers": _numbers(found)} for at, found in groups
                ]
            },
            # Above the plot, and above the name of a line that ends at the top of it.
            "mark": {"type": "text", "align": "left", "baseline": "bottom", "dx": -3, "dy": -18},
            "encoding": {"x": x, "y": {"value": 0}, "text": {"field": "numbers"}},
        },
    ]


def _numbers(found: Sequence[int]) -> str:
    """Numbers as people write them: 1 to 3 as 1–3."""
    if len(found) > 2 and [*found] == [*range(found[0], found[-1] + 1)]:
        return f"{found[0]}–{found[-1]}"
    return ", ".join(map(str, found))


def hatching(
    stretches: Sequence[tuple[datetime, datetime, str]],
    since: datetime,
    until: datetime,
    zone: tzinfo,
) -> list[dict[str, Any]]:
    """Slanted lines over stretches in which not everything is known, with the reason of each."""
    length = until - since
    if not stretches or not length:
        return []
    lines, areas = [], []
    lean, apart = length / 40, length / 120
    for begin, end, why in stretches:
        begin, end = max(begin, since), min(end, until)  # noqa: PLW2901 - cut to what is shown
        if begin >= end:
            continue
        areas.append({"at": wall_time(begin, zone), "to": wall_time(end, zone), "why": why})
        foot = begin - lean
        while foot < end:
            left, right = max(foot, begin), min(foot + lean, end)
            lines.append(
                {
                    "at": wall_time(left, zone),
                    "to": wall_time(right, zone),
                    "low": (left - foot) / lean,
                    "high": (right - foot) / lean,
                }
            )
            foot += apart
    # The domain stands in another layer: where a mark has two ends, it would be taken for two.
    x = {"field": "at", "type": "temporal", "title": None}
    share = {"type": "quantitative", "scale": {"domain": [0, 1]}, "axis": None}
    return [
        {
            "data": {"values": areas},
            "mark": {"type": "rect", "opacity": 0.001},
            "encoding": {"x": x, "x2": {"field": "to"}, "tooltip": [{"field": "why"}]},
        },
        {
            "data": {"values": lines},
            "mark": {"type": "rule", "opacity": 0.35, "clip": True},
            "encoding": {
                "x": x,
                "x2": {"field": "to"},
                "y": {"field": "low", **share},
                "y2": {"field": "high"},
            },
        },
    ]
