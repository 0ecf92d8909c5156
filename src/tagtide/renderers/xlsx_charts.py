"""Charts as a workbook draws them: the same values in cells, and a native chart over those cells.

The chart follows the marks that carry values (lines, areas, bars, points, intervals); what explains
them in a picture, labels, lines across and shades in the background, stands in words or beside. A
chart that has no such mark is its table alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import cycle
from typing import Any

from tagtide.core.charts import Chart
from tagtide.core.formats import clean_text
from tagtide.core.language import say, say_as
from tagtide.renderers.look import THEMES
from tagtide.workbook import COUNT, DECIMAL, INSTANT, RATE, Look, Sheet, Value, Workbook

_COLOURS, _EDGE = THEMES["light"]["categories"], str(THEMES["light"]["soft"])
_LINES, _BARS, _POINTS = ("line", "area"), ("bar",), ("point", "circle")
#: Draws an interval where it has two ends.
_RULE = "rule"
_HEAD = 3
#: What a chart of a workbook takes.
_MOST_SERIES, _MOST_POINTS = 255, 32_000
_WIDTH, _HEIGHT = 860, 400
_TWO_DAYS = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class Series:
    """Values of one colour, in their order; None is a gap."""

    name: str
    is_bar: bool
    is_point: bool
    #: Where it only surrounds another: the edge of a band.
    is_edge: bool
    number: str
    stack: str
    points: tuple[tuple[Value, float | None], ...]


def write_chart(book: Workbook, sheet: Sheet, chart: Chart) -> None:
    """A chart on a sheet of its own: what it says, its values, and the picture beside them."""
    sheet.put(0, 0, clean_text(chart.title, 400), Look(bold=True, size=13))
    sheet.put(1, 0, clean_text(chart.subtitle, 400), Look(is_pale=True))
    series = [*series_of(chart)]
    if not series:
        _write_words(sheet, chart)
        return
    is_free = not any(one.is_bar for one in series) and not isinstance(_first(series), str)
    places = _write_pairs(sheet, series) if is_free else _write_shared(sheet, chart, series)
    width = max(last for _, _, last, _ in places) + 1
    if len(series) <= _MOST_SERIES and max(len(one.points) for one in series) <= _MOST_POINTS:
        drawn = _drawn(book, sheet, series, places, is_free=is_free)
        sheet.show(drawn, _HEAD, width + 1)


# --- what a spec plots ----------------------------------------------------------------------------


def series_of(chart: Chart) -> Iterator[Series]:
    """What the marks of a spec plot, in the order of its layers."""
    for layer, values in _layers(chart.spec, ()):
        mark, encoding = layer.get("mark"), layer.get("encoding", {})
        marked = {"type": mark} if isinstance(mark, str) else dict(mark or {})
        kind = marked.get("type")
        if kind not in (*_BARS, *_LINES, *_POINTS, _RULE) or marked.get("opacity") == 0:
            continue
        across, up = encoding.get("x", {}), encoding.get("y", {})
        if across.get("type") == "quantitative" and up.get("type") in ("nominal", "ordinal"):
            across, up = up, across
        if "field" not in across or "field" not in up:
            continue
        edge = encoding.get("y2", {}).get("field")
        if kind == _RULE and not edge:
            continue
        for field in (up["field"], edge) if edge else (up["field"],):
            yield from _coloured(chart, values, encoding, across, up | {"field": field}, kind, edge)


def _layers(
    spec: Mapping[str, Any], values: Sequence[Mapping[str, Any]]
) -> Iterator[tuple[Mapping[str, Any], Sequence[Mapping[str, Any]]]]:
    """Single views with the data that each sees; an encoding goes down to the layers below."""
    values = spec.get("data", {}).get("values", values)
    inside = [part for key in ("layer", "hconcat", "vconcat") for part in spec.get(key, ())]
    if not inside:
        yield spec, values
    for part in inside:
        joined = {**spec.get("encoding", {}), **part.get("encoding", {})}
        yield from _layers({**part, "encoding": joined}, values)


def _coloured(
    chart: Chart,
    values: Sequence[Mapping[str, Any]],
    encoding: Mapping[str, Any],
    across: Mapping[str, Any],
    up: Mapping[str, Any],
    kind: str,
    edge: str | None,
) -> Iterator[Series]:
    by = encoding.get("color", {}).get("field")
    groups: dict[str, list[tuple[Value, float | None]]] = {}
    for value in values:
        name = str(value.get(by, "")) if by else _named(chart, up, edge)
        # Bars with two ends are drawn narrower than what they stand for, which begins at ``at``.
        at = value.get("at") if "x2" in encoding else None
        place = _place(at or value.get(across["field"]), across)
        groups.setdefault(name, []).append((place, _number(value.get(up["field"]))))
    stack, is_bar = "", kind in _BARS
    if is_bar and len(groups) > 1 and up.get("stack", "zero"):
        stack = "percent_stacked" if up.get("stack") == "normalize" else "stacked"
    # Types of d3-format that show a fraction as percent.
    shown = RATE if str(up.get("axis", {}).get("format", "")).endswith(("%", "p")) else ""
    for name, points in groups.items():
        yield Series(
            name=clean_text(name, 80),
            is_bar=is_bar and not edge,
            is_point=kind in _POINTS,
            is_edge=bool(edge),
            number=shown,
            stack=stack,
            points=tuple(points),
        )


def _named(chart: Chart, up: Mapping[str, Any], edge: str | None) -> str:
    """Of what has no colour to name it: by the table if that has one value, else by its field."""
    if not edge and 1 < len(chart.columns) <= 3:
        return chart.columns[1]
    fields = {
        "low": say_as("end of an interval", "Low"),
        "high": say_as("end of an interval", "High"),
        "share": say_as("part of a whole", "Share"),
        "gained": say("Gained"),
        "expected": say("To be expected"),
    }
    return fields.get(up["field"]) or str(up.get("title") or up["field"]).capitalize()


def _place(value: Any, across: Mapping[str, Any]) -> Value:
    if across.get("type") == "temporal":
        # Already on the wall clock of the campaign, whatever it ends in.
        return datetime.fromisoformat(str(value)).replace(tzinfo=None)
    return _number(value) if across.get("type") == "quantitative" else str(value)


def _number(value: Any) -> float | None:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


# --- in cells -------------------------------------------------------------------------------------

#: Of each series: the columns of its places and of its values, and its last row.
_At = tuple[int, int, int, int]


def _write_pairs(sheet: Sheet, series: Sequence[Series]) -> list[_At]:
    """Each series with places of its own: hashtags are not read at the same instants."""
    titles, found = list[str](), list[_At]()
    for one in series:
        at = len(titles)
        titles += [
            say_as("instant", "At") if isinstance(one.points[0][0], datetime) else "",
            one.name,
        ]
        for row, (place, value) in enumerate(one.points, _HEAD + 1):
            _put(sheet, row, at, place, "")
            _put(sheet, row, at + 1, value, one.number)
        found.append((at, at + 1, at + 1, _HEAD + len(one.points)))
    _heads(sheet, titles, range(len(titles)))
    return found


def _write_shared(sheet: Sheet, chart: Chart, series: Sequence[Series]) -> list[_At]:
    """One column of places for all: bars stand beside each other."""
    rows = {place: row for row, place in enumerate(_places(series), _HEAD + 1)}
    for place, row in rows.items():
        _put(sheet, row, 0, place, "")
    for column, one in enumerate(series, 1):
        for place, value in one.points:
            _put(sheet, rows[place], column, value, one.number)
    titles = [chart.columns[0] if chart.columns else "", *(one.name for one in series)]
    first = 1 if any(isinstance(place, str) for place in rows) else 0
    _heads(sheet, titles, range(first, len(titles)))
    last = _HEAD + len(rows)
    return [(0, column, len(series), last) for column in range(1, len(series) + 1)]


def _places(series: Sequence[Series]) -> list[Value]:
    """Every place once; instants in their order, names as they come."""
    seen = list(dict.fromkeys(place for one in series for place, _ in one.points))
    times = [place for place in seen if isinstance(place, datetime)]
    return sorted(times) if len(times) == len(seen) else seen  # type: ignore[return-value]


def _put(sheet: Sheet, row: int, column: int, value: Value, number: str) -> None:
    if isinstance(value, datetime):
        number = INSTANT
    elif isinstance(value, float) and not number:
        number = COUNT if value == int(value) else DECIMAL
    sheet.put(row, column, value, Look(number=number or COUNT))


def _heads(sheet: Sheet, titles: Sequence[str], right: Sequence[int]) -> None:
    sheet.head(_HEAD, titles, right)
    sheet.widths([max(17.0, len(title) + 2.0) for title in titles])


def _write_words(sheet: Sheet, chart: Chart) -> None:
    sheet.head(_HEAD, [clean_text(title, 80) for title in chart.columns])
    for number, row in enumerate(chart.rows, _HEAD + 1):
        for column, text in enumerate(row):
            sheet.put(number, column, clean_text(text, 400))
    sheet.widths([24.0] * len(chart.columns))


# --- as a picture ---------------------------------------------------------------------------------


def _drawn(
    book: Workbook,
    sheet: Sheet,
    series: Sequence[Series],
    places: Sequence[_At],
    *,
    is_free: bool,
) -> Any:
    """A chart over the cells: names and values are references, never text of its own."""
    kinds = ["scatter" if is_free else "column" if one.is_bar else "line" for one in series]
    stack = next((one.stack for one in series if one.stack), None)
    subtypes = {"scatter": "straight", "column": stack}
    # In the order of the alphabet: what lies behind lines is drawn before them.
    charts = {kind: book.chart(kind, subtypes.get(kind)) for kind in sorted(set(kinds))}
    colours = cycle(_COLOURS)
    for kind, one, place in zip(kinds, series, places, strict=True):
        colour = _EDGE if one.is_edge else next(colours)
        charts[kind].add_series(_plotted(sheet.name, one, place, colour))
    main, *more = charts.values()
    for other in more:
        main.combine(other)
    main.set_title({"none": True})
    main.set_legend({"position": "bottom"} if len(series) > 1 else {"none": True})
    main.set_size({"width": _WIDTH, "height": _HEIGHT})
    main.set_x_axis(_across(series))
    main.set_y_axis(
        {
            "num_format": RATE if series[0].number == RATE else COUNT,
            "major_gridlines": {"visible": True, "line": {"color": "#e2e4e9"}},
            "line": {"none": True},
        }
    )
    return main


def _plotted(sheet: str, one: Series, place: _At, colour: str) -> dict[str, Any]:
    across, up, _, last = place
    look: dict[str, Any] = {"line": {"color": colour, "width": 2}}
    if one.is_bar:
        look = {"fill": {"color": colour}, "gap": 60}
    elif one.is_point:
        mark = {"type": "circle", "size": 8, "fill": {"color": colour}, "border": {"none": True}}
        look = {"line": {"none": True}, "marker": mark}
    elif one.is_edge:
        look = {"line": {"color": colour, "width": 1, "dash_type": "dash"}}
    return {
        "name": [sheet, _HEAD, up],
        "categories": [sheet, _HEAD + 1, across, last, across],
        "values": [sheet, _HEAD + 1, up, last, up],
        **look,
    }


def _across(series: Sequence[Series]) -> dict[str, Any]:
    axis: dict[str, Any] = {"label_position": "low", "major_gridlines": {"visible": False}}
    times = [place for one in series for place, _ in one.points if isinstance(place, datetime)]
    if times:
        is_short = max(times) - min(times) <= _TWO_DAYS
        axis |= {"num_format": "d mmm hh:mm" if is_short else "d mmm", "text_axis": True}
    return axis


def _first(series: Sequence[Series]) -> Value:
    return series[0].points[0][0] if series[0].points else None
