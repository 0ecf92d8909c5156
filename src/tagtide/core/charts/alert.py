"""What an alert looks like: the course of its counter, and what its change is made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, tzinfo
from typing import Any

from tagtide.core.alert_course import Basis, Course, CourseStep
from tagtide.core.charts.base import Chart, single
from tagtide.core.formats import clean_text, compact, instant_text, percent, span_of_hours, whole
from tagtide.core.rules import Measure

_BASES = {
    Basis.WEEKS: "the usual range is that of the same hours of up to four earlier weeks",
    Basis.DAYS: "the usual range is that of the same hours of up to seven days before, because "
    "fewer than two weeks were read",
    Basis.NONE: "too little was read before to say what is usual",
}
#: What is no counter of the hashtag, and what is shown for it.
_STANDS_FOR = {
    Measure.ENGAGEMENT: "The alert is about the engagement of the videos held, which the hashtag "
    "does not count: its views are shown. ",
    Measure.VIDEOS_SEEN: "The alert is about videos seen in the feed: the video count is shown. ",
}


def course_chart(course: Course, zone: tzinfo, zone_name: str) -> Chart:
    """Bars between readings, with the usual range and the moment it was left."""
    noun = "views" if course.measure is Measure.VIEWS else "new videos"
    values = [_step_value(step, zone) for step in course.steps if step.gain is not None]
    axis = {"format": "%-d %b", "tickCount": {"interval": "day", "step": 1}, "labelOverlap": True}
    time = {"type": "temporal", "scale": {"type": "utc"}, "title": None, "axis": axis}
    layers: list[dict[str, Any]] = [
        {
            "transform": [{"filter": "isValid(datum.low)"}],
            "mark": {"type": "rect", "opacity": 0.22},
            "encoding": {
                "x": {"field": "since", **time},
                "x2": {"field": "at"},
                "y": {"field": "low", "type": "quantitative"},
                "y2": {"field": "high"},
            },
        },
        {
            "mark": {"type": "rect", "tooltip": True},
            "encoding": {
                "x": {"field": "since", **time},
                "x2": {"field": "at"},
                "y2": {"datum": 0},
                "y": {
                    "field": "per_hour",
                    "type": "quantitative",
                    "title": None,
                    "axis": {"format": "~s", "tickCount": 5},
                },
                "opacity": {
                    "condition": {"test": "datum.out", "value": 0.8},
                    "value": 0.4,
                },
                "tooltip": [
                    {"field": "when", "title": "Between"},
                    {"field": "gained", "title": noun.capitalize()},
                    {"field": "usual", "title": "Usual"},
                ],
            },
        },
    ]
    if course.judged is not None and course.judged.until > course.judged.since:
        layers.append(_judged_layer(course, zone, time))
    layers.append(_moment_layer(course, zone, time))
    return Chart(
        name="course",
        title=_course_title(course, noun, zone),
        subtitle=f"{noun.capitalize()} per hour between readings; {_BASES[course.basis]}. "
        f"{_STANDS_FOR.get(course.asked, '')}Times are {zone_name}.",
        spec=single(values, 260, layer=layers),
        columns=("Between", noun.capitalize(), "Per hour", "Usual range", "Outside"),
        rows=tuple(_step_row(step, zone) for step in reversed(course.steps)),
    )


def _step_value(step: CourseStep, zone: tzinfo) -> dict[str, Any]:
    hours = max(step.hours, 1 / 60)
    return {
        "since": wall_clock(step.since, zone),
        "at": wall_clock(step.at, zone),
        "per_hour": (step.gain or 0) / hours,
        "low": None if step.usual_low is None else step.usual_low / hours,
        "high": None if step.usual_high is None else step.usual_high / hours,
        "out": step.is_out,
        "when": f"{instant_text(step.since, zone)} – {instant_text(step.at, zone)}",
        "gained": whole(step.gain),
        "usual": _range(step),
    }


def _judged_layer(course: Course, zone: tzinfo, time: Mapping[str, Any]) -> dict[str, Any]:
    judged = course.judged
    assert judged is not None
    hours = (judged.until - judged.since).total_seconds() / 3600
    ends = [wall_clock(judged.since, zone), wall_clock(judged.until, zone)]
    levels = (judged.usual_low / hours, judged.usual_high / hours)
    return {
        "data": {"values": [{"since": ends[0], "at": ends[1], "level": n} for n in levels]},
        "mark": {"type": "rule", "strokeWidth": 2.5, "strokeDash": [5, 3]},
        "encoding": {
            "x": {"field": "since", **time},
            "x2": {"field": "at"},
            "y": {"field": "level", "type": "quantitative"},
        },
    }


def _moment_layer(course: Course, zone: tzinfo, time: Mapping[str, Any]) -> dict[str, Any]:
    at = course.left.at if course.left is not None else course.began_at
    said = "left the range" if course.left is not None else "alert began"
    return {
        "data": {"values": [{"at": wall_clock(at, zone), "said": said}]},
        "encoding": {"x": {"field": "at", **time}},
        "layer": [
            {"mark": {"type": "rule", "strokeWidth": 1.5}},
            {
                "mark": {"type": "text", "align": "right", "dx": -5, "baseline": "top"},
                "encoding": {"text": {"field": "said"}, "y": {"value": 0}},
            },
        ],
    }


def _course_title(course: Course, noun: str, zone: tzinfo) -> str:
    tag = f"#{clean_text(course.hashtag, 60)}"
    judged = course.judged
    if judged is not None:
        hours = (judged.until - judged.since).total_seconds() / 3600
        return (
            f"{tag} gained {compact(judged.gain)} {noun} in {span_of_hours(hours)} up to "
            f"{instant_text(judged.until, zone)}, where {compact(judged.usual_low)} to "
            f"{compact(judged.usual_high)} were expected (between the dashes)"
        )
    step = course.left
    if step is not None:
        side = "above" if (step.gain or 0) > (step.usual_high or 0) else "below"
        return (
            f"{tag} left its usual range at {instant_text(step.at, zone)}: {compact(step.gain)} "
            f"{noun} in {span_of_hours(step.hours)}, {side} {_range(step)}"
        )
    near = min(course.steps, key=lambda s: abs(s.at - course.began_at))
    said = f"{tag} gained {compact(near.gain)} {noun} in {span_of_hours(near.hours)}"
    if near.gain is None:
        said = f"What {tag} gained is not known"
    end = "" if near.usual_high is None else f", within {_range(near)} of those hours"
    return f"{said} when the alert began{end}"


def _step_row(step: CourseStep, zone: tzinfo) -> tuple[str, ...]:
    per_hour = None if step.gain is None or not step.hours else step.gain / step.hours
    return (
        f"{instant_text(step.since, zone)} – {instant_text(step.at, zone)}",
        whole(step.gain),
        compact(per_hour),
        _range(step),
        "yes" if step.is_out else "",
    )


def _range(step: CourseStep) -> str:
    if step.usual_low is None or step.usual_high is None:
        return "not known"
    return f"{compact(step.usual_low)} to {compact(step.usual_high)}"


def wall_clock(at: datetime, zone: tzinfo) -> str:
    """The time in a zone as if it were UTC: charts know no zones."""
    return at.astimezone(zone).replace(tzinfo=UTC).isoformat().replace("+00:00", "Z")


# --- decomposition --------------------------------------------------------------------------------

_ALL = "All of it"


def parts_chart(parts: Sequence[tuple[str, int, float | None]], noun: str, title: str) -> Chart:
    """A stacked bar, and below it each part where it lies in the bar.

    Args:
        parts: Label, size and share of each part, in order.
        noun: What is counted.
        title: The finding.
    """
    values: list[dict[str, Any]] = []
    start = 0
    for place, (label, size, share) in enumerate(parts):
        value = {
            "part": f"{place}",
            "start": start,
            "end": start + size,
            "label": label,
            "size": whole(size),
            "share": percent(share),
        }
        values += [{**value, "row": _ALL}, {**value, "row": label}]
        start += size
    order = [_ALL, *(label for label, _, _ in parts)]
    spec = single(
        values,
        34 * len(order),
        mark={"type": "bar", "tooltip": True, "height": {"band": 0.62}},
        encoding={
            "y": {
                "field": "row",
                "type": "nominal",
                "sort": order,
                "title": None,
                "axis": {"domain": False, "ticks": False, "labelLimit": 220},
            },
            "x": {
                "field": "start",
                "type": "quantitative",
                "title": None,
                "axis": {"format": "~s", "tickCount": 5},
            },
            "x2": {"field": "end"},
            "color": {
                "field": "part",
                "type": "nominal",
                "legend": None,
                "sort": [f"{n}" for n in range(len(parts))],
            },
            "tooltip": [
                {"field": "label", "title": "Part"},
                {"field": "size", "title": noun.capitalize()},
                {"field": "share", "title": "Share"},
            ],
        },
    )
    return Chart(
        name="parts",
        title=title,
        subtitle=f"{noun.capitalize()} by what is held of them",
        spec=spec,
        columns=("Part", noun.capitalize(), "Share"),
        rows=tuple((label, whole(size), percent(share)) for label, size, share in parts),
    )
