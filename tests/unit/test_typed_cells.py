"""Behind every figure that a report shows stands the value itself, which a spreadsheet takes."""

from __future__ import annotations

import pytest

from report_examples import BLOCKS
from tagtide.core import formats as f
from tagtide.core.messages import KeyFigures, Table
from tagtide.core.messages.blocks import Figure, Value

TABLES = [(name, b) for name, blocks in BLOCKS.items() for b in blocks if isinstance(b, Table)]
FIGURES = [
    figure
    for blocks in BLOCKS.values()
    for b in blocks
    if isinstance(b, KeyFigures)
    for figure in b.figures
]


def readings_of(value: Value) -> set[str]:
    """Every way in which a report writes a value."""
    assert isinstance(value, int | float)
    return {
        f.whole(value),
        f.compact(value),
        f.signed(value),
        f.change(value),
        f.percent(value),
        f.signed_percent(value),
        f.span_of_hours(value) if value < 100_000 else f.DASH,
        f.decimal(value),
        f.decimal(value, 2),
        f"{f.decimal(value)} ×",
        f"+{f.whole(value)} new",
    }


@pytest.mark.parametrize(("name", "table"), TABLES, ids=lambda part: getattr(part, "title", part))
def test_every_figure_of_a_table_has_its_value(name: str, table: Table) -> None:
    for row in table.rows:
        for column, cell in zip(table.columns, row, strict=True):
            if not column.kind.right:
                continue
            if cell.text in ("", f.DASH):
                assert cell.value is None, "unknown is not a number"
            else:
                assert cell.text.rstrip("*†") in readings_of(cell.value), column


def test_every_key_figure_has_its_number() -> None:
    assert len(FIGURES) > 20
    for figure in FIGURES:
        check(figure, figure.value, figure.number)
        check(figure, figure.change, figure.change_number)


def check(figure: Figure, text: str, value: Value) -> None:
    if text in ("", f.DASH):
        assert value is None, figure
    else:
        assert text in readings_of(value), figure
