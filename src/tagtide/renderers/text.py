"""Blocks as text for a terminal, a log or a plain-text mail.

Rich measures wide characters and lays out tables; strangers' text reaches it only as `Text`, which
knows no markup, so that ``[red]`` or ``:smile:`` in a caption stay what they are. Links are not
written into tables: a terminal that is told about them by an escape sequence may hide where they
lead. `BulletList` and `Link` write the address out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from io import StringIO
from typing import TYPE_CHECKING

from tagtide.core.formats import clean_text
from tagtide.core.language import say
from tagtide.core.messages import (
    Block,
    BulletList,
    Cell,
    Chart,
    Column,
    Definitions,
    Figure,
    Heading,
    KeyFigures,
    Kind,
    Link,
    Note,
    Paragraph,
    Sparkline,
    Table,
    Tone,
    safe_link,
)
from tagtide.renderers.spark import bars

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.table import Table as RichTable
    from rich.text import Text

_STYLES = {
    Tone.PLAIN: "",
    Tone.UP: "green",
    Tone.DOWN: "red",
    Tone.WARN: "yellow",
    Tone.MUTED: "dim",
}
#: A column of free text never gets narrower than this.
_TEXT_MIN, _TEXT_MAX = 8, 44
_LONGEST = 4_000


def render(blocks: Sequence[Block], width: int = 100, *, color: bool = False) -> str:
    """Text of at most ``width`` columns (at least 40); no trailing spaces, newline at the end."""
    console = _console(max(width, 40), color=color)
    for index, block in enumerate(blocks):
        if index and not _joins(blocks[index - 1], block):
            console.print()
        console.print(_renderable(block, console.width))
    written = console.file.getvalue()  # type: ignore[attr-defined]
    return "\n".join(line.rstrip() for line in written.splitlines()) + "\n"


def _console(width: int, *, color: bool) -> Console:
    from rich.console import Console

    return Console(
        file=StringIO(),
        width=width,
        force_terminal=color,
        color_system="standard" if color else None,
        no_color=not color,
        legacy_windows=False,
        markup=False,
        emoji=False,
        highlight=False,
        _environ={},
    )


def _joins(before: Block, block: Block) -> bool:
    """Whether two blocks stand without an empty line between them."""
    return isinstance(before, Note) and isinstance(block, Note)


def _renderable(block: Block, width: int) -> RenderableType:
    match block:
        case Heading():
            return _text(block.text, "bold underline" if block.level == 1 else "bold")
        case Paragraph():
            return _text(block.text, "bold" if block.lead else "")
        case Note():
            return _text(
                ("! " if block.tone is Tone.WARN else "") + block.text, _STYLES[block.tone]
            )
        case Link():
            return _text(_with_address(block.text, block.url))
        case Sparkline():
            return _text(f"{block.label}  {bars(block.values)}")
        case BulletList():
            return _bullets(block)
        case KeyFigures():
            return _figures(block, width)
        case Table():
            return _table(block, width)
        case Definitions():
            return _definitions(block)
        case Chart():
            return _text(block.title)


def _text(text: str, style: str = "") -> Text:
    from rich.text import Text

    return Text(clean_text(text, _LONGEST), style=style)


def _with_address(text: str, url: str | None) -> str:
    address = safe_link(url)
    return f"{text}  {address}" if address else text


def _bullets(block: BulletList) -> RenderableType:
    from rich.table import Table as RichTable

    grid = RichTable.grid(padding=(0, 1))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    for item in block.items:
        grid.add_row("•", _text(_with_address(item.text, item.link), _STYLES[item.tone]))
    return grid


def _definitions(block: Definitions) -> RenderableType:
    from rich.console import Group
    from rich.table import Table as RichTable

    grid = RichTable.grid(padding=(0, 2, 0, 0))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    for item in block.terms:
        grid.add_row(_text(item.term), _text(item.meaning, _STYLES[Tone.MUTED]))
    return Group(_text(block.title, "bold"), grid)


def _figures(block: KeyFigures, width: int) -> RenderableType:
    """Two figures to a line where there is room."""
    from rich.table import Table as RichTable

    per_line = 2 if width >= 130 else 1
    grid = RichTable.grid(padding=(0, 2, 0, 0))
    for _ in range(per_line):
        grid.add_column(no_wrap=True)
        grid.add_column(no_wrap=True, justify="right")
        grid.add_column(no_wrap=True, justify="right")
        grid.add_column(overflow="fold")
    for start in range(0, len(block.figures), per_line):
        cells = [_figure(figure) for figure in block.figures[start : start + per_line]]
        grid.add_row(*[part for cell in cells for part in cell])
    return grid


def _figure(figure: Figure) -> tuple[Text, Text, Text, Text]:
    return (
        _text(figure.label),
        _text(figure.value, "bold"),
        _text(figure.change, _STYLES[figure.tone]),
        _text(figure.note, "dim"),
    )


def _table(block: Table, width: int) -> RenderableType:
    from rich.console import Group

    if not block.rows:
        return Group(_text(block.title, "bold"), _text(block.nothing, "dim"))
    shown, missing = block, [c.title for c in block.columns if c.minor]
    if _least_width(block) <= width:
        missing = []
    elif missing:
        shown = _without_minor(block)
    fits = _least_width(shown) <= width
    parts: list[RenderableType] = [_text(block.title, "bold")]
    parts.append(_grid(shown) if fits else _records(block))
    if block.note:
        parts.append(_text(block.note, "dim"))
    if missing and fits:
        names = ", ".join(missing)
        said = say("Not shown in {width} columns: {titles}.", width=width, titles=names)
        parts.append(_text(said, "dim"))
    return Group(*parts)


def _without_minor(block: Table) -> Table:
    kept = [index for index, column in enumerate(block.columns) if not column.minor]
    return replace(
        block,
        columns=tuple(block.columns[index] for index in kept),
        rows=tuple(tuple(row[index] for index in kept) for row in block.rows),
    )


def _least_width(block: Table) -> int:
    """Columns a table needs when free text is cut as far as it may be."""
    from rich.cells import cell_len

    least = 0
    for index, column in enumerate(block.columns):
        shown = [column.title, *(_shown(row[index], column) for row in block.rows)]
        widest = max(cell_len(text) for text in shown)
        least += (min(widest, _TEXT_MIN) if _is_free(column) else widest) + 2
    return least - 2


def _grid(block: Table) -> RichTable:
    from rich import box
    from rich.table import Table as RichTable

    table = RichTable(
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        show_edge=False,
        header_style="dim",
        padding=(0, 1, 0, 0),
    )
    for column in block.columns:
        _add_column(table, column, is_last=column is block.columns[-1])
    for row in block.rows:
        cells = zip(row, block.columns, strict=True)
        table.add_row(*[_cell(cell, column) for cell, column in cells])
    return table


def _records(block: Table) -> RenderableType:
    """A table that is too wide for the terminal: one line per value, an empty line per row."""
    from rich.table import Table as RichTable

    grid = RichTable.grid(padding=(0, 2, 0, 0))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    for index, row in enumerate(block.rows):
        if index:
            grid.add_row()
        for cell, column in zip(row, block.columns, strict=True):
            grid.add_row(_text(column.title or "#"), _cell(cell, column, fold=True))
    return grid


def _add_column(table: RichTable, column: Column, *, is_last: bool) -> None:
    free = _is_free(column)
    table.add_column(
        _text(column.title),
        justify="right" if column.kind.right else "left",
        no_wrap=not free,
        overflow="ellipsis",
        min_width=_TEXT_MIN if free else None,
        # What would stand to the right of the last column is empty anyway.
        max_width=_TEXT_MAX if free and not is_last else None,
    )


def _is_free(column: Column) -> bool:
    """Whether a column may get narrower than what it holds."""
    return column.kind is Kind.TEXT and bool(column.title)


def _shown(cell: Cell, column: Column) -> str:
    return bars(cell.values) if column.kind is Kind.SPARKLINE else cell.text


def _cell(cell: Cell, column: Column, *, fold: bool = False) -> Text:
    text = _text(_shown(cell, column), _STYLES[cell.tone])
    if cell.foreign and not fold:
        text.no_wrap, text.overflow = True, "ellipsis"
    return text
