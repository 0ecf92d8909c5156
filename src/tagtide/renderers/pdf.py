"""Blocks as a PDF on A4, with charts, shipped fonts, and bookmarks.

The program that sets the pages is ours and fixed; texts reach it as data and are never read as
markup. The same blocks give the same bytes: the date in the file is that of the report.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from tagtide.core.formats import clean_text
from tagtide.core.language import spoken
from tagtide.core.messages import (
    Block,
    BulletList,
    Cell,
    Chart,
    Definitions,
    Heading,
    KeyFigures,
    Kind,
    Link,
    Note,
    Paragraph,
    Sparkline,
    Table,
    safe_link,
)
from tagtide.renderers.look import FAMILIES, Brand
from tagtide.renderers.press import Pages, press
from tagtide.renderers.spark import segments

_LONGEST = 4_000
#: A cell with more letters may be broken into lines.
_LONG_CELL = 28
_SPARK_WIDTH, _SPARK_HEIGHT = 48.0, 10.0
#: Points that a page has for a table, that stand beside a column, and that letters take: those of
#: cells and those of titles, on average.
_ROOM, _BESIDE, _LETTER, _SMALL_LETTER = 493.0, 10.0, 4.0, 3.5


def render(
    blocks: Sequence[Block], title: str, as_of: datetime, brand: Brand | None = None
) -> bytes:
    """A PDF file named ``title``, dated ``as_of``.

    Takes a second or two in a process of its own and blocks meanwhile; raises `RenderingFailed`.
    """
    brand = brand or Brand()
    charts = [block for block in blocks if isinstance(block, Chart)]
    data = {
        "title": _clean(title),
        # Without a region, which the typesetter takes apart from it.
        "language": spoken().code.partition("-")[0],
        "families": FAMILIES,
        "brand": {
            "name": _clean(brand.name),
            "colour": brand.colour,
            # The typesetter takes no files but texts.
            "logo": None if brand.logo is None else [*brand.logo],
        },
        "blocks": [_block(block) for block in blocks],
    }
    pages = Pages(program=_program(), data=data, instant=int(as_of.timestamp()))
    return press(charts, pages=pages).pdf


def _program() -> str:
    return (Path(__file__).parent / "templates" / "report.typ").read_text(encoding="utf-8")


def _clean(text: str) -> str:
    return clean_text(text, _LONGEST)


def _block(block: Block) -> dict[str, Any]:
    return {"kind": type(block).__name__.casefold()} | _content(block)


def _content(block: Block) -> dict[str, Any]:
    match block:
        case Heading():
            return {"text": _clean(block.text), "level": block.level}
        case Paragraph():
            return {"text": _clean(block.text), "lead": block.lead}
        case Note():
            return {"text": _clean(block.text), "tone": block.tone.value}
        case Link():
            return {"text": _clean(block.text), "url": safe_link(block.url)}
        case Sparkline():
            return {"text": _clean(block.label), "curve": _curve(block.values)}
        case BulletList():
            return {"items": [_cell(item) for item in block.items]}
        case KeyFigures():
            return {
                "figures": [
                    {
                        "label": _clean(figure.label),
                        "value": _clean(figure.value),
                        "change": _clean(figure.change),
                        "note": _clean(figure.note),
                        "tone": figure.tone.value,
                    }
                    for figure in block.figures
                ]
            }
        case Table():
            return _table(block)
        case Definitions():
            terms = [[_clean(d.term), _clean(d.meaning)] for d in block.terms]
            return {"title": _clean(block.title), "terms": terms}
        case Chart():
            return {
                "name": block.name,
                "title": _clean(block.title),
                "subtitle": _clean(block.subtitle),
            }


def _table(table: Table) -> dict[str, Any]:
    is_tight = _room_left(table) < 0
    return {
        "title": _clean(table.title),
        "columns": [
            {
                "title": _clean(column.title),
                "right": column.kind.right,
                "width": width,
            }
            for column, width in zip(table.columns, _widths(table, is_tight=is_tight), strict=True)
        ],
        "tight": is_tight,
        "rows": [[_cell(cell) for cell in row] for row in table.rows],
        "empty": _clean(table.nothing),
        "note": _clean(table.note),
    }


def _longest(table: Table, place: int) -> int:
    return max((len(row[place].text) for row in table.rows), default=0)


def _widths(table: Table, *, is_tight: bool) -> list[float | None]:
    """Parts of the room that columns of long texts take; None is as wide as what stands in it.

    Where no text is long, the first column takes what is left, so that all tables end alike; where
    nothing is left, the widest ones give way.
    """
    widths: list[float | None] = []
    for place, column in enumerate(table.columns):
        longest = _longest(table, place)
        is_long = column.kind is Kind.TEXT and longest > _LONG_CELL
        widths.append(min(longest, 2 * _LONG_CELL) if is_long else None)
    if widths and not any(widths) and not is_tight:
        texts = (at for at, column in enumerate(table.columns) if column.kind is Kind.TEXT)
        widths[next(texts, 0)] = 1
    return widths


def _room_left(table: Table) -> float:
    """Points that a page has left beside a table, about; what is long takes what it gets."""
    room = _ROOM
    for place, column in enumerate(table.columns):
        longest = min(_longest(table, place), _LONG_CELL)
        curve = _SPARK_WIDTH if column.kind is Kind.SPARKLINE else 0.0
        room -= _BESIDE + max(longest * _LETTER, len(column.title) * _SMALL_LETTER, curve)
    return room


def _cell(cell: Cell) -> dict[str, Any]:
    return {
        "text": _clean(cell.text),
        "url": safe_link(cell.link),
        "tone": cell.tone.value,
        "language": cell.language,
        "curve": _curve(cell.values),
    }


def _curve(values: Sequence[float | None]) -> list[list[list[float]]]:
    """Stretches of points, from the upper left."""
    stretches = segments(values, _SPARK_WIDTH, _SPARK_HEIGHT)
    return [[[x, y] for x, y in points] for points in stretches]
