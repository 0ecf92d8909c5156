"""A video's own curve against what its campaign's videos get at that age."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, tzinfo
from typing import Any

from tagtide.core.charts.alert import wall_clock
from tagtide.core.charts.base import Chart, single
from tagtide.core.detect.age_curve import UsualCurve, ages_for
from tagtide.core.formats import compact, decimal, instant_text, percent, whole
from tagtide.models import VideoReading

#: More points than a chart can show are thinned out.
_MOST_POINTS = 300


def views_chart(
    readings: Sequence[VideoReading],
    created_at: datetime | None,
    usual: UsualCurve | None,
    zone: tzinfo,
    zone_name: str,
) -> Chart:
    """Views by age, with the middle 80 % of the campaign's videos; without an age, by time."""
    shown = [r for r in _thinned(readings) if r.counters.view_count]
    by_age = created_at is not None
    x = _axis(by_age=by_age)
    values = [
        {
            "x": _place(r.read_at, created_at, zone),
            "views": r.counters.view_count,
            "when": instant_text(r.read_at, zone),
        }
        for r in shown
    ]
    y = {
        "type": "quantitative",
        "scale": {"type": "log"},
        "title": None,
        # Whole powers of ten: what lies between them is clutter on this scale.
        "axis": {"format": "~s", "values": [10**n for n in range(13)]},
    }
    layers: list[dict[str, Any]] = []
    if usual is not None and created_at is not None and readings:
        layers = _usual_layers(usual, (readings[-1].read_at - created_at).total_seconds(), x, y)
    layers.append(
        {
            "mark": {"type": "line", "point": True, "tooltip": True, "strokeWidth": 2},
            "encoding": {
                "x": {"field": "x", **x},
                "y": {"field": "views", **y},
                "tooltip": [
                    {"field": "when", "title": "Read"},
                    {"field": "views", "title": "Views", "format": ","},
                ],
            },
        }
    )
    against = ""
    if layers[1:]:
        against = "; shaded what the middle 80 % of the campaign's videos get at that age"
    unit = "days since publication" if by_age else f"time of reading, {zone_name}"
    return Chart(
        name="views",
        title=_views_title(readings, created_at, usual),
        subtitle=f"Views (a step up is ten times as many on this scale) by {unit}{against}",
        spec=single(values, 260, layer=layers),
        columns=("Read", "Age", "Views", "Usual at that age"),
        rows=tuple(_row(r, created_at, usual, zone) for r in reversed(_thinned(readings))),
    )


def engagement_chart(
    readings: Sequence[VideoReading], created_at: datetime | None, zone: tzinfo, zone_name: str
) -> Chart:
    """Likes, comments and shares together, by age."""
    shown = [r for r in _thinned(readings) if r.counters.engagement is not None]
    values = [
        {
            "x": _place(r.read_at, created_at, zone),
            "engagement": r.counters.engagement,
            "when": instant_text(r.read_at, zone),
        }
        for r in shown
    ]
    unit = "days since publication" if created_at is not None else f"time of reading, {zone_name}"
    last = shown[-1].counters if shown else None
    return Chart(
        name="engagement",
        title="Engagement is not known"
        if last is None
        else f"{whole(last.engagement)} likes, comments and shares, "
        f"{percent(last.engagement_rate)} of its views",
        subtitle=f"Likes + comments + shares by {unit}",
        spec=single(
            values,
            140,
            mark={"type": "line", "point": True, "tooltip": True, "strokeWidth": 2},
            encoding={
                "x": {"field": "x", **_axis(by_age=created_at is not None)},
                "y": {
                    "field": "engagement",
                    "type": "quantitative",
                    "title": None,
                    "scale": {"zero": False},
                    "axis": {"format": "~s", "tickCount": 4},
                },
                "tooltip": [
                    {"field": "when", "title": "Read"},
                    {"field": "engagement", "title": "Engagement", "format": ","},
                ],
            },
        ),
        columns=("Read", "Likes", "Comments", "Shares", "Engagement rate"),
        rows=tuple(
            (
                instant_text(r.read_at, zone),
                whole(r.counters.like_count),
                whole(r.counters.comment_count),
                whole(r.counters.share_count),
                percent(r.counters.engagement_rate),
            )
            for r in reversed(_thinned(readings))
        ),
    )


def _usual_layers(
    usual: UsualCurve, seconds: float, x: dict[str, Any], y: dict[str, Any]
) -> list[dict[str, Any]]:
    values = [
        {"x": at.age_hours / 24, "low": at.low, "middle": at.middle, "high": at.high}
        for at in (usual.at(age) for age in ages_for(seconds / 3600))
    ]
    return [
        {
            "data": {"values": values},
            "mark": {"type": "area", "opacity": 0.16},
            "encoding": {
                "x": {"field": "x", **x},
                "y": {"field": "low", **y},
                "y2": {"field": "high"},
            },
        },
        {
            "data": {"values": values},
            "mark": {"type": "line", "strokeDash": [4, 3], "strokeWidth": 1.5, "opacity": 0.7},
            "encoding": {"x": {"field": "x", **x}, "y": {"field": "middle", **y}},
        },
    ]


def _views_title(
    readings: Sequence[VideoReading], created_at: datetime | None, usual: UsualCurve | None
) -> str:
    last = next((r for r in reversed(readings) if r.counters.view_count is not None), None)
    if last is None:
        return "Its views are not known"
    views = last.counters.view_count or 0
    said = f"{compact(views)} views"
    if created_at is None:
        return f"{said}; how old it is, is not known"
    age = (last.read_at - created_at).total_seconds() / 3600
    said += f" after {age_text(age)}"
    if usual is None:
        return f"{said}; too few other videos to say what is usual"
    middle = usual.at(age).middle
    return f"{said}, where {compact(middle)} are usual: {decimal(views / middle)} times as many"


def _row(
    r: VideoReading, created_at: datetime | None, usual: UsualCurve | None, zone: tzinfo
) -> tuple[str, ...]:
    age = None if created_at is None else (r.read_at - created_at).total_seconds() / 3600
    at = usual.at(age) if usual is not None and age is not None else None
    return (
        instant_text(r.read_at, zone),
        "not known" if age is None else age_text(age),
        whole(r.counters.view_count),
        "not known" if at is None else f"{compact(at.low)} to {compact(at.high)}",
    )


def age_text(hours: float) -> str:
    """An age: ``9 h``, ``8 days``."""
    if hours < 48:
        return f"{whole(max(hours, 0))} h"
    return f"{whole(hours / 24)} days"


def _axis(*, by_age: bool) -> dict[str, Any]:
    if by_age:
        return {
            "type": "quantitative",
            "title": None,
            "axis": {"grid": False, "labelExpr": "datum.label + ' d'", "tickCount": 8},
        }
    return {"type": "temporal", "scale": {"type": "utc"}, "title": None}


def _place(at: datetime, created_at: datetime | None, zone: tzinfo) -> float | str:
    if created_at is None:
        return wall_clock(at, zone)
    return (at - created_at).total_seconds() / 86400


def _thinned(readings: Sequence[VideoReading]) -> Sequence[VideoReading]:
    if len(readings) <= _MOST_POINTS:
        return readings
    step = (len(readings) - 1) / (_MOST_POINTS - 1)
    return [readings[round(n * step)] for n in range(_MOST_POINTS)]
