"""The curve of one hashtag: steps, gaps where nothing was read, hatching where reads failed."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from datetime import timedelta
from statistics import median
from typing import Any

from tagtide.core import formats as f
from tagtide.core.charts.base import Chart, single
from tagtide.core.charts.campaign import Axis
from tagtide.core.charts.times import Event, event_layers, hatching, time_axis, wall_time
from tagtide.models import HashtagReading

#: A silence of so many usual distances between readings is a gap.
_GAP_TIMES = 2.5
#: A failed read leaves the time until the next one in doubt, at most so long.
_DOUBT = timedelta(hours=6)


def curve_chart(
    readings: Sequence[HashtagReading],
    axis: Axis,
    *,
    counter: str,
    uncertain: Sequence[Event] = (),
    events: Sequence[Event] = (),
) -> Chart:
    """Views or videos (``counter`` is ``view`` or ``video``) as the readings state them."""
    noun = f"{counter}s"
    known = [r for r in readings if _value(r, counter) is not None]
    values = _points(known, counter, axis)
    x = time_axis(axis.since, axis.until, axis.zone)
    y = {
        "type": "quantitative",
        "title": None,
        "scale": {"zero": False, "nice": True},
        "axis": {"format": ".4~s", "tickCount": 4},
    }
    told = [
        {"field": "when", "title": "Read"},
        {"field": "said", "title": noun.capitalize()},
        {"field": "source", "title": "Field"},
    ]
    is_rounded = any(_unit(r, counter) > 1 for r in known)
    layers: list[dict[str, Any]] = []
    if is_rounded:
        layers.append(
            {
                "mark": {"type": "area", "interpolate": "step-after", "opacity": 0.25},
                "encoding": {
                    "x": {"field": "at", "type": "temporal", "title": None},
                    "y": {"field": "low", **y},
                    "y2": {"field": "high"},
                },
            }
        )
    layers += [
        {
            "mark": {"type": "line", "interpolate": "step-after", "strokeWidth": 2},
            "encoding": {"x": x, "y": {"field": "value", **y}},
        },
        {
            "mark": {"type": "point", "filled": True, "size": 40, "opacity": 0},
            "encoding": {"x": x, "y": {"field": "value", **y}, "tooltip": told},
        },
    ]
    holes = [(e.at, _end_of_doubt(e, known), e.label) for e in uncertain]
    hatches = hatching(holes, axis.since, axis.until, axis.zone)
    if hatches:
        layers = [{"layer": layers}, {"layer": hatches}]
    layers += event_layers(events, x, axis.zone)
    more = {"resolve": {"scale": {"y": "independent"}}} if hatches else {}
    band = "; pale: within the rounding" if is_rounded else ""
    hatched = "; hatched: reads that failed" if hatches else ""
    return Chart(
        name=noun,
        title=_finding(known, counter),
        subtitle=f"{noun.capitalize()} as TikTok states them{band}{hatched}; time of "
        f"{axis.zone_name}",
        spec=single(values, height=260, layer=layers, **more),
        columns=("Read", noun.capitalize(), "Field"),
        rows=tuple((v["when"], v["said"], v["source"]) for v in values if v["value"] is not None),
    )


def _value(reading: HashtagReading, counter: str) -> int | None:
    value = reading.view_count if counter == "view" else reading.video_count
    # TikTok also says 0 where it does not know.
    return value or None


def _unit(reading: HashtagReading, counter: str) -> int:
    return reading.view_unit if counter == "view" else reading.video_unit


def _points(known: Sequence[HashtagReading], counter: str, axis: Axis) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    longest = _longest(known)
    for index, reading in enumerate(known):
        value, unit = _value(reading, counter) or 0, _unit(reading, counter)
        source = reading.view_source if counter == "view" else reading.video_source
        reach = unit if unit > 1 else 0
        found.append(
            {
                "at": wall_time(reading.read_at, axis.zone),
                "value": value,
                "low": value - reach,
                "high": value + reach,
                "when": f.instant_text(reading.read_at, axis.zone),
                "said": f.whole(value) + (f" ± {f.compact(reach)}" if reach else ""),
                "source": source.value if source else f.DASH,
            }
        )
        after = known[index + 1].read_at if index + 1 < len(known) else None
        if after is not None and longest and after - reading.read_at > longest:
            found.append(_gap(wall_time(reading.read_at + longest / 2, axis.zone)))
    return found


def _gap(at: str) -> dict[str, Any]:
    empty = dict.fromkeys(("value", "low", "high"))
    return {"at": at, **empty, "when": "", "said": f.DASH, "source": f.DASH}


def _longest(known: Sequence[HashtagReading]) -> timedelta | None:
    """The longest usual distance of two readings; None with too few to tell."""
    apart = [b.read_at - a.read_at for a, b in itertools.pairwise(known)]
    if len(apart) < 3:
        return None
    return _GAP_TIMES * timedelta(seconds=median(d.total_seconds() for d in apart))


def _end_of_doubt(event: Event, known: Sequence[HashtagReading]) -> Any:
    after = [r.read_at for r in known if r.read_at > event.at]
    return min(after[0] if after else event.at + _DOUBT, event.at + _DOUBT)


def _finding(known: Sequence[HashtagReading], counter: str) -> str:
    noun = f"{counter}s"
    if not known:
        return f"No reading of {noun} in this period"
    last = _value(known[-1], counter)
    if len(known) == 1:
        return f"{f.compact(last)} {noun} at the one reading of this period"
    first = _value(known[0], counter)
    source = "view_source" if counter == "view" else "video_source"
    if getattr(known[0], source) is not getattr(known[-1], source):
        return f"{f.compact(last)} {noun}; the readings come from different fields"
    change = (last or 0) - (first or 0)
    return f"{f.compact(last)} {noun}, {f.signed(change)} over {f.counted(len(known), 'reading')}"
