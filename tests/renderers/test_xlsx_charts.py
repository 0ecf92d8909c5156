"""Charts of workbooks: the values of the spec in cells, and a native chart over those cells."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree as ET

import pytest

from report_examples import videos
from spreadsheet_texts import CORPUS
from tagtide.core.charts import Chart
from tagtide.core.charts.base import single
from tagtide.core.charts.campaign import (
    Axis,
    Line,
    Pace,
    growth_chart,
    rates_chart,
    velocity_chart,
)
from tagtide.core.metrics import rate_summary
from tagtide.core.periods import zone_or_utc
from tagtide.renderers import render_xlsx
from workbook_reader import ReadBook, instant, read_workbook

START = datetime(2026, 3, 1, 11, tzinfo=UTC)
HOURS = timedelta(hours=6)
ZONE = zone_or_utc("Asia/Tokyo")
AXIS = Axis(since=START, until=START + 8 * HOURS, zone=ZONE, zone_name="Asia/Tokyo")
_C = "{http://schemas.openxmlformats.org/drawingml/2006/chart}"


def book_of(*charts: Chart) -> ReadBook:
    book = read_workbook(render_xlsx(charts, as_of=START, timezone="Asia/Tokyo"))
    assert book.dangers == []
    return book


def drawn(book: ReadBook, number: int = 1) -> ET.Element:
    return ET.fromstring(book.parts[f"xl/charts/chart{number}.xml"])


def references(tree: ET.Element) -> list[str]:
    return [f.text or "" for f in tree.iter(f"{_C}f")]


def test_lines_have_places_of_their_own_and_the_wall_clock_of_the_campaign() -> None:
    lines = [
        Line(name="#glowup", base=1_000_000, gains=((START + HOURS, 50_000),)),
        Line(name="#rival", base=2_000_000, gains=((START + 2 * HOURS, 1), (START + 3 * HOURS, 9))),
    ]
    book = book_of(growth_chart(lines, AXIS, name="growth", noun="views"))
    sheet = book.sheets["Growth chart"]
    assert sheet.cells[0, 0] == "#glowup: +5.0 % views, more than #rival (0.0 %)"
    assert [sheet.cells[3, c] for c in range(4)] == ["At", "#glowup", "At", "#rival"]
    assert str(instant(sheet.cells[4, 0])) == "2026-03-01 20:00:00"
    assert [sheet.cells.get((row, 1)) for row in range(4, 8)] == [0.0, 0.05, None, None]
    assert [sheet.cells.get((row, 3)) for row in range(4, 8)] == [0.0, 5e-7, 5e-6, None]
    assert sheet.formats[5, 1] == "0.0%"
    assert references(drawn(book)) == [
        "'Growth chart'!$B$4",
        "'Growth chart'!$A$5:$A$6",
        "'Growth chart'!$B$5:$B$6",
        "'Growth chart'!$D$4",
        "'Growth chart'!$C$5:$C$7",
        "'Growth chart'!$D$5:$D$7",
    ]


def test_bars_with_a_band_share_their_places_and_leave_gaps() -> None:
    gains = [50, None, 5, 7]
    paces = [
        Pace(
            begins_at=START + n * HOURS,
            ends_at=START + (n + 1) * HOURS,
            gain=gain,
            low=10,
            high=40,
        )
        for n, gain in enumerate(gains)
    ]
    made = velocity_chart(paces, AXIS, name="velocity", noun="views", span="6 h", band="usual")
    book = book_of(made)
    sheet = book.sheets["Velocity chart"]
    assert [sheet.cells[3, c] for c in range(4)] == ["From", "Low", "High", "Gained"]
    assert [sheet.cells.get((row, 3)) for row in range(4, 8)] == gains
    assert [sheet.cells.get((row, 1)) for row in range(4, 8)] == [10.0] * 4
    tree = drawn(book)
    assert len([*tree.iter(f"{_C}barChart")]) == len([*tree.iter(f"{_C}lineChart")]) == 1
    # The library leaves out what is Excel's own choice: a gap.
    assert [*tree.iter(f"{_C}dispBlanksAs")] == []


def test_every_value_of_a_distribution_is_in_its_cells() -> None:
    made = rates_chart(rate_summary(videos()), None)
    sheet = book_of(made).sheets["Rates chart"]
    values = made.spec["data"]["values"]
    assert [sheet.cells[row, 0] for row in range(4, 4 + len(values))] == [v["rate"] for v in values]
    assert [sheet.cells[row, 1] for row in range(4, 4 + len(values))] == [
        v["videos"] for v in values
    ]


def test_bars_of_several_colours_are_stacked_as_the_spec_stacks_them() -> None:
    values = [{"day": d, "tag": t, "n": n} for d in ("a", "b") for t, n in (("x", 1), ("y", 2))]
    for stack, expected in (
        ("zero", "stacked"),
        ("normalize", "percentStacked"),
        (None, "clustered"),
    ):
        encoding = {
            "x": {"field": "day", "type": "ordinal"},
            "y": {"field": "n", "type": "quantitative", "stack": stack},
            "color": {"field": "tag"},
        }
        tree = drawn(book_of(chart(values, mark="bar", encoding=encoding)))
        assert next(tree.iter(f"{_C}grouping")).attrib["val"] == expected


def test_points_with_an_interval_are_markers_between_two_lines() -> None:
    values = [{"h": f"{n}", "share": n / 10, "low": n / 20, "high": n / 5} for n in range(1, 4)]
    x, y = {"field": "h", "type": "ordinal"}, {"type": "quantitative", "axis": {"format": ".0%"}}
    layers = [
        {"mark": "rule", "encoding": {"y": {"field": "half", **y}}},
        {"mark": "rule", "encoding": {"x": x, "y": {"field": "low", **y}, "y2": {"field": "high"}}},
        {"mark": {"type": "point"}, "encoding": {"x": x, "y": {"field": "share", **y}}},
        {"mark": {"type": "point", "opacity": 0}, "encoding": {"x": x, "y": {"field": "low", **y}}},
    ]
    book = book_of(replace(chart(values, layer=layers), columns=("Hour", "a", "b", "Share")))
    sheet = book.sheets["Some chart"]
    assert [sheet.cells[3, c] for c in range(4)] == ["Hour", "Low", "High", "Share"]
    assert [sheet.cells[row, 3] for row in (4, 5, 6)] == [0.1, 0.2, 0.3]
    assert sheet.formats[4, 3] == "0.0%"
    assert (4, 4) not in sheet.cells


def test_what_no_workbook_draws_is_a_table_of_its_words() -> None:
    made = chart([{"a": 1}], mark="rect", encoding={"x": {"field": "a"}})
    book = book_of(made)
    sheet = book.sheets["Some chart"]
    assert sheet.cells[4, 0] == "=1+1"
    assert "xl/charts/chart1.xml" not in book.parts


def chart(values: list[dict[str, object]], **more: object) -> Chart:
    return Chart(
        name="some",
        title="=1+1",
        subtitle="@SUM(1)",
        spec=single(values, **more),
        columns=("Word",),
        rows=(("=1+1",),),
    )


def test_strangers_words_are_references_in_a_chart_never_formulas() -> None:
    """A name that begins as a formula would be one, were it given to the chart as it is."""
    values = [
        {"tag": text, "day": text, "n": n}
        for n, text in enumerate(CORPUS[:200])
        if "\ud800" not in text
    ]
    encoding = {
        "x": {"field": "day", "type": "nominal"},
        "y": {"field": "n", "type": "quantitative"},
        "color": {"field": "tag"},
    }
    book = book_of(chart(values, mark="bar", encoding=encoding))
    for reference in references(drawn(book)):
        assert re.fullmatch(r"'Some chart'!\$[A-Z]+\$\d+(:\$[A-Z]+\$\d+)?", reference)


@pytest.mark.parametrize("values", [[], [{"at": None, "n": None}]])
def test_a_chart_without_values_is_written(values: list[dict[str, object]]) -> None:
    encoding = {
        "x": {"field": "at", "type": "ordinal"},
        "y": {"field": "n", "type": "quantitative"},
    }
    book_of(chart(values, mark="line", encoding=encoding))
