"""The lift of a campaign: what was gained by day, against the level that was to be expected."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from tagtide.core import formats as f
from tagtide.core.charts.base import Chart, amounts, single
from tagtide.core.charts.times import Event, event_layers, time_axis, wall_time
from tagtide.core.language import say
from tagtide.core.lift import Lift, LiftDay
from tagtide.core.periods import midnight, zone_or_utc


def lift_chart(lift: Lift, zone_name: str) -> Chart:
    """Views gained by day; a day that is not known is a gap."""
    zone = zone_or_utc(zone_name)
    values = [_value(day, zone) for day in lift.days]
    x = time_axis(
        midnight(lift.before[0], zone), midnight(lift.within[1] + timedelta(days=1), zone), zone
    )
    plain = {"field": "at", "type": "temporal", "title": None}
    y = {"type": "quantitative", "title": None, "axis": amounts() | {"tickCount": 5}}
    within = {"values": [v for v in values if v["expected"] is not None]}
    launch = Event(at=midnight(lift.within[0], zone), label=say("Campaign begins"))
    layers: list[dict[str, Any]] = [
        # Holds the axis: where a mark has two ends, an explicit domain would be taken for two.
        {"mark": {"type": "point", "opacity": 0}, "encoding": {"x": x}},
        {
            "data": within,
            "mark": {"type": "area", "opacity": 0.16},
            "encoding": {"x": plain, "y": {"field": "low", **y}, "y2": {"field": "high"}},
        },
        {
            "data": within,
            "mark": {"type": "line", "strokeDash": [4, 3], "strokeWidth": 1.5, "opacity": 0.8},
            "encoding": {"x": plain, "y": {"field": "expected", **y}},
        },
        {
            "mark": {"type": "line", "point": True, "strokeWidth": 2},
            "encoding": {
                "x": plain,
                "y": {"field": "gained", **y},
                "tooltip": [
                    {"field": "when", "title": say("Day")},
                    {"field": "said", "title": say("Gained")},
                    {"field": "usual", "title": say("To be expected")},
                ],
            },
        },
        *event_layers([launch], x, zone),
    ]
    return Chart(
        name="lift",
        title=_finding(lift),
        subtitle=say(
            "Views gained by day; dashed: the level to be expected without the campaign, pale: its "
            "90 % interval over the whole period, not of single days; 1: the campaign begins; time "
            "of {zone}",
            zone=zone_name,
        ),
        spec=single(values, height=240, layer=layers),
        columns=(
            say("Day"),
            say("Gained"),
            say("To be expected"),
            say("At least"),
            say("At most"),
        ),
        rows=tuple(
            (v["when"], v["said"], f.whole(v["expected"]), f.whole(v["low"]), f.whole(v["high"]))
            for v in values
        ),
    )


def _value(day: LiftDay, zone: ZoneInfo) -> dict[str, Any]:
    noon = datetime.combine(day.on, time(12), zone)
    return {
        "at": wall_time(noon, zone),
        "gained": day.gained,
        "expected": day.expected,
        "low": day.low,
        "high": day.high,
        "when": f.date_text(noon, zone),
        "said": f.whole(day.gained),
        "usual": f.DASH
        if day.low is None
        else say("{low} to {high}", low=f.compact(day.low), high=f.compact(day.high)),
    }


def _finding(lift: Lift) -> str:
    gained, expected = f.compact(lift.gained), f.compact(lift.expected)
    if not lift.is_clear:
        return say(
            "{gained} views gained, {expected} to be expected: no lift can be told from chance",
            gained=gained,
            expected=expected,
        )
    if lift.ratio > 0:
        return say(
            "{gained} views gained, more than the {expected} to be expected",
            gained=gained,
            expected=expected,
        )
    return say(
        "{gained} views gained, less than the {expected} to be expected",
        gained=gained,
        expected=expected,
    )
