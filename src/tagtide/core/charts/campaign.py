"""Charts of a campaign: growth beside competitors, velocity, engagement rates, share of voice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from enum import StrEnum
from typing import Any

from tagtide.core import formats as f
from tagtide.core.charts.base import Chart, amounts, percents, single
from tagtide.core.charts.times import Event, event_layers, time_axis, wall_time
from tagtide.core.language import figure, say, say_as
from tagtide.core.metrics import RateSummary

#: A line is shown as a change in percent from a level of so much on, up to so many times of it.
_INDEX_FROM = 10_000
_INDEX_MOST = 5.0
#: Two labels at the end of lines are at least this part of the height apart.
_LABELS_APART = 0.07


class Noun(StrEnum):
    """What grows."""

    VIEWS = "views"
    VIDEOS = "videos"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """Growth of one hashtag, or of several together."""

    name: str
    #: Level at the beginning; None where it is not known.
    base: int | None
    #: Ends of stretches with what was gained in each, in order of time.
    gains: tuple[tuple[datetime, int], ...]
    #: When the first stretch begins; None: with the chart.
    begins_at: datetime | None = None

    @property
    def total(self) -> int:
        """Gained in all stretches."""
        return sum(gain for _, gain in self.gains)


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """The stretch of time that a chart shows."""

    since: datetime
    until: datetime
    zone: tzinfo
    zone_name: str


def growth_chart(
    lines: Sequence[Line], axis: Axis, *, name: str, noun: Noun, events: Sequence[Event] = ()
) -> Chart:
    """Growth since the beginning; in percent of the level then where that can be compared.

    Lines of totals would show nothing: a day is a hair's breadth of forty billion views.
    """
    shown = [line for line in lines if line.gains]
    indexed = bool(shown) and all(_has_index(line) for line in shown)
    values, labels = [], []
    for line in shown:
        points = _cumulated(line, axis.since, indexed=indexed)
        values += [_growth_point(line.name, at, value, indexed, axis.zone) for at, value in points]
        labels.append(values[-1])
    domain = [line.name for line in shown]
    scale = {"domain": domain}
    y = {
        "field": "value",
        "type": "quantitative",
        "title": None,
        "axis": (percents("+.3~p") if indexed else amounts()) | {"tickCount": 5},
    }
    x = time_axis(axis.since, axis.until, axis.zone)
    colour = {"field": "line", "type": "nominal", "scale": scale, "legend": None}
    unit = _growth_unit(noun, axis.zone_name, indexed=indexed)
    return Chart(
        name=name,
        title=_growth_finding(shown, noun, indexed=indexed),
        # A picture may stand where the list of events does not.
        subtitle=say("{unit}; numbers: see Events", unit=unit) if events else unit,
        spec=single(
            values,
            height=225,
            layer=[
                {
                    "mark": {"type": "line", "strokeWidth": 2, "interpolate": "linear"},
                    "encoding": {"x": x, "y": y, "color": colour},
                },
                {
                    "mark": {"type": "point", "filled": True, "size": 60, "opacity": 0},
                    "encoding": {
                        "x": x,
                        "y": y,
                        "tooltip": [
                            {"field": "line", "title": say("Hashtag")},
                            {"field": "when", "title": say_as("instant", "Up to")},
                            {"field": "said", "title": say("Change")},
                        ],
                    },
                },
                {
                    "data": {"values": _apart(labels)},
                    "mark": {"type": "text", "align": "right", "dx": -4, "dy": -8},
                    "encoding": {
                        "x": x,
                        "y": {"field": "label_at", "type": "quantitative"},
                        "text": {"field": "line"},
                        "color": colour,
                    },
                },
                *event_layers(events, x, axis.zone),
            ],
        ),
        columns=(say("Hashtag"), say_as("instant", "Up to"), say("Change")),
        rows=tuple((v["line"], v["when"], v["said"]) for v in values),
    )


def _has_index(line: Line) -> bool:
    if line.base is None or line.base < _INDEX_FROM:
        return False
    return abs(line.total) <= _INDEX_MOST * line.base


def _cumulated(line: Line, since: datetime, *, indexed: bool) -> list[tuple[datetime, float]]:
    # A line begins where something was read first: what was before is not known to be level.
    total, points = 0, [(max(since, line.begins_at or since), 0.0)]
    for at, gain in line.gains:
        total += gain
        points.append((at, total / line.base if indexed and line.base else float(total)))
    return points


def _growth_point(
    name: str, at: datetime, value: float, indexed: bool, zone: tzinfo
) -> dict[str, Any]:
    return {
        "line": name,
        "at": wall_time(at, zone),
        "value": value,
        "when": f.instant_text(at, zone),
        "said": f.signed_percent(value) if indexed else f.signed(value),
    }


def _apart(labels: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Labels moved so far apart that they can be read."""
    if not labels:
        return []
    ordered = sorted(labels, key=lambda label: float(label["value"]))
    span = max(float(ordered[-1]["value"]), 0.0) - min(float(ordered[0]["value"]), 0.0)
    placed, least = [], None
    for label in ordered:
        at = float(label["value"])
        if least is not None:
            at = max(at, least)
        placed.append(label | {"label_at": at})
        least = at + _LABELS_APART * span
    return placed


def _growth_unit(noun: Noun, zone: str, *, indexed: bool) -> str:
    if noun == Noun.VIEWS:
        if indexed:
            return say(
                "Change of views since the beginning of the period, in percent; time of {zone}",
                zone=zone,
            )
        return say("Views gained since the beginning of the period; time of {zone}", zone=zone)
    if indexed:
        return say(
            "Change of videos since the beginning of the period, in percent; time of {zone}",
            zone=zone,
        )
    return say("Videos gained since the beginning of the period; time of {zone}", zone=zone)


def _growth_finding(lines: Sequence[Line], noun: Noun, *, indexed: bool) -> str:
    is_views = noun == Noun.VIEWS
    if not lines:
        if is_views:
            return say("No growth of views is known in this period")
        return say("No growth of videos is known in this period")

    def said(line: Line) -> str:
        if indexed and line.base:
            return f.signed_percent(line.total / line.base)
        return f.signed(line.total)

    own, *others = lines
    values = {"own": own.name, "gain": said(own)}
    if not others:
        return (
            say("{own}: {gain} views", **values)
            if is_views
            else say("{own}: {gain} videos", **values)
        )

    def rank(line: Line) -> float:
        return line.total / (line.base or 1) if indexed else float(line.total)

    best = max(others, key=rank)
    values |= {"other": best.name, "others_gain": said(best)}
    if rank(own) == rank(best):
        if is_views:
            return say("{own}: {gain} views, as much as {other} ({others_gain})", **values)
        return say("{own}: {gain} videos, as much as {other} ({others_gain})", **values)
    if rank(own) > rank(best):
        if is_views:
            return say("{own}: {gain} views, more than {other} ({others_gain})", **values)
        return say("{own}: {gain} videos, more than {other} ({others_gain})", **values)
    if is_views:
        return say("{own}: {gain} views, less than {other} ({others_gain})", **values)
    return say("{own}: {gain} videos, less than {other} ({others_gain})", **values)


# --- velocity -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """Growth in one stretch, and what was usual for it; None where too little is known."""

    begins_at: datetime
    ends_at: datetime
    gain: int | None
    low: float | None = None
    high: float | None = None
    middle: float | None = None


def velocity_chart(
    paces: Sequence[Pace], axis: Axis, *, name: str, noun: str, span: str, band: str
) -> Chart:
    """Growth per stretch as bars over the band of what is usual; gaps stay gaps."""
    values: list[dict[str, Any]] = [
        {
            "at": wall_time(p.begins_at, axis.zone),
            "to": wall_time(p.ends_at, axis.zone),
            "inner": wall_time(p.begins_at + (p.ends_at - p.begins_at) / 5, axis.zone),
            "inner_to": wall_time(p.ends_at - (p.ends_at - p.begins_at) / 5, axis.zone),
            "value": p.gain,
            "low": p.low,
            "high": p.high,
            "middle": p.middle,
            "when": f.instant_text(p.begins_at, axis.zone),
            "gained": f.signed(p.gain),
            "usual": _usual(p),
        }
        for p in paces
    ]
    x = time_axis(axis.since, axis.until, axis.zone)
    told = [
        {"field": "when", "title": "From"},
        {"field": "gained", "title": noun.capitalize()},
        {"field": "usual", "title": "Usual"},
    ]
    y = {"type": "quantitative", "title": None, "axis": {"format": "~s", "tickCount": 4}}
    plain = {"type": "temporal", "title": None}
    layers: list[dict[str, Any]] = [
        # Holds the axis: where a mark has two ends, an explicit domain would be taken for two.
        {"mark": {"type": "point", "opacity": 0}, "encoding": {"x": x}},
        {
            "data": {"values": [v for v in values if v["low"] is not None]},
            "mark": {"type": "bar", "opacity": 0.22},
            "encoding": {
                "x": {"field": "at", **plain},
                "x2": {"field": "to"},
                "y": {"field": "low", **y},
                "y2": {"field": "high"},
                "tooltip": told,
            },
        },
        {
            "data": {"values": [v for v in values if v["value"] is not None]},
            "mark": {"type": "bar"},
            "encoding": {
                "x": {"field": "inner", **plain},
                "x2": {"field": "inner_to"},
                "y": {"field": "value", **y},
                "y2": {"datum": 0},
                "tooltip": told,
            },
        },
    ]
    return Chart(
        name=name,
        title=_velocity_finding(paces, noun),
        subtitle=f"{noun.capitalize()} gained per {span}; pale: {band}; time of {axis.zone_name}",
        spec=single(values, height=180, layer=layers),
        columns=("From", "Gained", "Usual"),
        rows=tuple((v["when"], v["gained"], v["usual"]) for v in values),
    )


def _usual(pace: Pace) -> str:
    if pace.low is None or pace.high is None:
        return f.DASH
    return f"{f.compact(pace.low)} to {f.compact(pace.high)}"


def _velocity_finding(paces: Sequence[Pace], noun: str) -> str:
    judged = [p for p in paces if p.gain is not None and p.low is not None and p.high is not None]
    above = [p for p in judged if (p.gain or 0) > (p.high or 0)]
    below = [p for p in judged if (p.gain or 0) < (p.low or 0)]
    if not judged:
        return f"Too little is known to say what is usual for {noun}"
    if not above and not below:
        return f"{noun.capitalize()} grew as usual"
    parts = [
        f"{len(found)} of {len(judged)} stretches {where} the usual range"
        for found, where in ((above, "above"), (below, "below"))
        if found
    ]
    return f"{noun.capitalize()}: {' and '.join(parts)}"


# --- engagement rates -----------------------------------------------------------------------------


def rates_chart(rates: RateSummary, new: RateSummary | None) -> Chart:
    """How the engagement rates of the held videos are spread, with the median."""
    values: list[dict[str, Any]] = []
    for part in rates.histogram:
        label = _bin(part.low * 100, None if part.high is None else part.high * 100)
        share = part.videos / rates.known if rates.known else 0.0
        values.append(
            {"rate": label, "videos": part.videos, "share": share, "said": f.percent(share)}
        )
    return Chart(
        name="rates",
        title=_rates_finding(rates, new),
        subtitle=say(
            "Videos by engagement rate: (likes + comments + shares) / views, newest readings"
        ),
        spec=single(
            values,
            height=200,
            mark={"type": "bar"},
            encoding={
                "x": {
                    "field": "rate",
                    "type": "ordinal",
                    "sort": None,
                    "title": None,
                    "axis": {"labelAngle": -35, "labelOverlap": True},
                },
                "y": {
                    "field": "videos",
                    "type": "quantitative",
                    "title": None,
                    "axis": {"tickCount": 4, **amounts()},
                },
                "tooltip": [
                    {"field": "rate", "title": say("Rate")},
                    {"field": "videos", "title": say("Videos")},
                    {"field": "said", "title": say_as("part of a whole", "Share")},
                ],
            },
        ),
        columns=(say("Engagement rate"), say("Videos"), say_as("part of a whole", "Share")),
        rows=tuple((v["rate"], f.whole(v["videos"]), v["said"]) for v in values),
    )


def _bin(low: float, high: float | None) -> str:
    least = figure(f"{low:g}")
    if not high:
        return say("{low} % and more", low=least)
    return say("{low} to {high} %", low=least, high=figure(f"{high:g}"))


def _rates_finding(rates: RateSummary, new: RateSummary | None) -> str:
    if rates.median is None:
        return say("No engagement rate is known yet")
    if new is None or new.median is None:
        return say(
            "Half of the videos have an engagement rate above {rate}", rate=f.percent(rates.median)
        )
    return say(
        "Half of the videos have an engagement rate above {rate}; "
        "of the new ones, above {new_rate}",
        rate=f.percent(rates.median),
        new_rate=f.percent(new.median),
    )
