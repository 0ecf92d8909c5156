"""When videos of a campaign were published, and how they did."""

from __future__ import annotations

from collections.abc import Sequence

from tagtide.core import formats as f
from tagtide.core.charts.base import Chart, percents, single
from tagtide.core.hours import BLOCK_HOURS, HourBlock
from tagtide.core.language import say


def hours_chart(hours: Sequence[HourBlock], best: int | None, zone_name: str) -> Chart:
    """Share of videos above the campaign's median by the hour of publication, with intervals."""
    known = [block for block in hours if block.above is not None]
    values = [
        {
            "hours": hours_words(block.hour),
            "share": block.above,
            "low": block.low,
            "high": block.high,
            "said": f.percent(block.above),
            "videos": block.videos,
        }
        for block in known
    ]
    x = {
        "field": "hours",
        "type": "ordinal",
        "sort": None,
        "title": None,
        "scale": {"domain": [hours_words(block.hour) for block in hours]},
        "axis": {"labelAngle": 0},
    }
    share = {
        "type": "quantitative",
        "title": None,
        "scale": {"domain": [0, 1]},
        "axis": percents(".0%") | {"tickCount": 5},
    }
    told = [
        {"field": "hours", "title": say("Published")},
        {"field": "said", "title": say("Above the median")},
        {"field": "videos", "title": say("Videos")},
    ]
    return Chart(
        name="hours",
        title=_finding(known, best),
        subtitle=say(
            "Share of videos with more views than half of all, by hour of publication; line: 99 % "
            "interval; videos of three days and older; time of {zone}",
            zone=zone_name,
        ),
        spec=single(
            values,
            height=170,
            layer=[
                {
                    "data": {"values": [{"half": 0.5}]},
                    "mark": {"type": "rule", "strokeDash": [3, 3], "opacity": 0.7},
                    "encoding": {"y": {"field": "half", **share}},
                },
                {
                    "mark": {"type": "rule", "strokeWidth": 2, "opacity": 0.5},
                    "encoding": {"x": x, "y": {"field": "low", **share}, "y2": {"field": "high"}},
                },
                {
                    "mark": {"type": "point", "filled": True, "size": 70},
                    "encoding": {"x": x, "y": {"field": "share", **share}, "tooltip": told},
                },
            ],
        ),
        columns=(
            say("Published"),
            say("Videos"),
            say("Median views"),
            say("Above the median"),
            say("99 % interval"),
        ),
        rows=tuple(
            (
                hours_words(block.hour),
                f.whole(block.videos),
                f.compact(block.median_views),
                f.percent(block.above),
                f.DASH
                if block.low is None
                else say("{low} to {high}", low=f.percent(block.low), high=f.percent(block.high)),
            )
            for block in hours
        ),
    )


def hours_words(hour: int) -> str:
    """A block of hours as clocks show it: ``18–21``."""
    return f"{hour:02}–{hour + BLOCK_HOURS:02}"


def _finding(known: Sequence[HourBlock], best: int | None) -> str:
    if not known:
        return say("Too few videos to compare hours of publication")
    if best is None:
        return say("No hour of publication clearly does better than others")
    block = next(block for block in known if block.hour == best)
    return say(
        "Videos published from {hours} h do better: {share} of {videos} are above the median",
        hours=hours_words(best),
        share=f.percent(block.above),
        videos=f.whole(block.videos),
    )
