"""Blocks as a workbook: what is read on its first sheet, each table on one of its own.

A cell holds the value behind a text, under a number format that shows it as the text does, in full.
What is unknown is an empty cell. Addresses stand as text beside what they belong to.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from unicodedata import east_asian_width

from tagtide.core.charts import Chart
from tagtide.core.formats import DASH, clean_text, signed_whole, span_units, step_units
from tagtide.core.language import say
from tagtide.core.messages import (
    Block,
    BulletList,
    Cell,
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
from tagtide.core.messages.appendix import Form, FullTable
from tagtide.core.messages.blocks import Value
from tagtide.core.periods import zone_or_utc
from tagtide.renderers.spark import bars
from tagtide.renderers.xlsx_charts import write_chart
from tagtide.workbook import (
    COUNT,
    DECIMAL,
    INSTANT,
    PLAIN,
    RATE,
    LongSheet,
    Look,
    Sheet,
    Workbook,
)

#: Widths of the first sheet; a sentence goes over all but the last, which is for addresses.
_WIDTHS = (30.0, 16.0, 16.0, 56.0, 44.0)
_LAST = 3
_LINE = 15.0
_NARROWEST, _WIDEST, _LINK, _SPARK = 9, 50, 30, 14
_LONGEST = 4_000
#: Before a title above what is indented.
_INDENT = "  "
_TITLE = Look(bold=True, size=15)
_LEAD = Look(bold=True, wraps=True)
_WRAPPED = Look(wraps=True)
_MUTED = Look(wraps=True, is_pale=True)
_RESTS = Look(wraps=True, is_pale=True, indent=1)

#: What stands behind the last sign within a figure.
_DECIMALS = re.compile(r"\d[.,](\d+)(?![.,]?\d)")
_MARKS = re.compile(r"[*†]*$")
_UNIT = re.compile(r" (?:×|[^\W\d_]+)$")
_SIGNS = ("+", "↑", "↓", "→")


def render(
    blocks: Sequence[Block],
    *,
    as_of: datetime,
    timezone: str,
    appendix: Sequence[FullTable] = (),
) -> bytes:
    """A workbook whose dates are ``as_of``, with a wall clock of ``timezone`` in its cells."""
    file = BytesIO()
    book = Workbook(file, created=as_of, zone=zone_or_utc(timezone))
    summary = book.sheet(say("Summary"))
    parts = [_part(book, block) for block in blocks if isinstance(block, Table | Chart)]
    complete = [(book.long_sheet(table.title), table) for table in appendix]
    definitions = book.sheet(say("Definitions"))
    listed = [*parts, *(_Part(*pair) for pair in complete), _Part(definitions, None)]
    _write_index(summary, _write_summary(summary, blocks) + 1, listed)
    for part in parts:
        if isinstance(part.table, Table):
            _write_table(part.sheet, part.table, timezone)
        elif isinstance(part.table, Chart):
            write_chart(book, part.sheet, part.table)
    for sheet, table in complete:
        _write_full(sheet, table, timezone)
    _write_definitions(definitions, blocks, appendix, timezone)
    book.close()
    return file.getvalue()


@dataclass(frozen=True, slots=True)
class _Part:
    """A sheet with what it holds; None for the definitions."""

    sheet: Sheet
    table: Table | Chart | FullTable | None


def _part(book: Workbook, block: Table | Chart) -> _Part:
    if isinstance(block, Table):
        return _Part(book.sheet(block.title), block)
    return _Part(book.sheet(_chart_sheet(block.name)), block)


def _chart_sheet(name: str) -> str:
    known = {
        "views": say("Views chart"),
        "videos": say("Videos chart"),
        "rates": say("Rates chart"),
        "hours": say("Hours chart"),
        "lift": say("Lift chart"),
        "creator": say("Views by video chart"),
    }
    return known.get(name, f"{name.replace('-', ' ').capitalize()} chart")


# --- the first sheet ------------------------------------------------------------------------------


def _write_summary(sheet: Sheet, blocks: Sequence[Block]) -> int:
    """What is read, in the order of the report; returns the first free row."""
    sheet.widths(_WIDTHS)
    row = 0
    for block in blocks:
        match block:
            case Heading():
                look = _TITLE if block.level == 1 else Look(bold=True)
                sheet.put(row, 0, clean_text(block.text, _LONGEST), look)
                row += 1
            case Paragraph():
                row = _sentence(sheet, row, block.text, _LEAD if block.lead else _WRAPPED)
            case Note():
                mark = "! " if block.tone is Tone.WARN else ""
                look = _WRAPPED if block.tone is Tone.WARN else _MUTED
                row = _sentence(sheet, row, mark + block.text, look)
            case Link():
                row = _sentence(sheet, row, block.text, _WRAPPED, block.url)
            case Sparkline():
                sheet.put(row, 0, clean_text(block.label, _LONGEST))
                sheet.put(row, 1, bars(block.values))
                row += 1
            case BulletList():
                for item in block.items:
                    row = _sentence(sheet, row, f"• {item.text}", _WRAPPED, item.link)
            case KeyFigures():
                row = _write_figures(sheet, row + 1, block.figures) + 1
            case Table() | Chart() | Definitions():
                # On a sheet of its own; the index names it.
                pass
    return row


def _sentence(sheet: Sheet, row: int, text: str, look: Look, link: str | None = None) -> int:
    _wrap(sheet, row, (0, _LAST), text, look)
    sheet.put(row, _LAST + 1, safe_link(link))
    return row + 1


def _wrap(sheet: Sheet, row: int, columns: tuple[int, int], text: str, look: Look) -> None:
    """A text over some columns of the first sheet, in as many lines as it takes."""
    said = clean_text(text, _LONGEST)
    room = int(sum(_WIDTHS[columns[0] : columns[1] + 1]) * 0.95)
    sheet.wrapped(row, columns, said, look)
    sheet.height(row, _LINE * max(-(-_width(said) // room), 1))


def _write_figures(sheet: Sheet, row: int, figures: Sequence[Figure]) -> int:
    titles = (say("Figure"), say("Value"), say("Change"), _INDENT + say("Rests on"))
    sheet.head(row, titles, right=(1, 2))
    for at, figure in enumerate(figures, row + 1):
        sheet.put(at, 0, clean_text(figure.label, _LONGEST))
        _put_said(sheet, at, 1, figure.value, figure.number, is_bold=True)
        _put_said(sheet, at, 2, figure.change, figure.change_number)
        _wrap(sheet, at, (_LAST, _LAST), figure.note, _RESTS)
    return row + 1 + len(figures)


def _put_said(
    sheet: Sheet, row: int, column: int, text: str, value: Value, *, is_bold: bool = False
) -> None:
    """A value, or what is said where there is none."""
    if value is None:
        sheet.put(row, column, clean_text(text, _LONGEST), Look(right=True))
    else:
        look = Look(number=number_format(text, value), bold=is_bold)
        sheet.put(row, column, value, look)


def _write_index(sheet: Sheet, row: int, parts: Sequence[_Part]) -> None:
    titles = (say("Sheet"), say("Rows"), _INDENT + say("What it holds"), "")
    sheet.head(row, titles, right=(1,))
    for at, part in enumerate(parts, row + 1):
        sheet.put(at, 0, part.sheet.name)
        _wrap(sheet, at, (2, _LAST), _held(part), _RESTS)
        if isinstance(part.table, Table | FullTable):
            sheet.put(at, 1, len(part.table.rows), Look(number=COUNT))


def _held(part: _Part) -> str:
    """What is not said by the name."""
    if part.table is None:
        return say("What the words and the columns mean.")
    if isinstance(part.table, FullTable):
        return say("Complete, with a filter at every title.")
    if isinstance(part.table, Chart):
        return clean_text(part.table.title, _LONGEST)
    said = [part.table.title if part.table.title != part.sheet.name else "", part.table.note]
    if not part.table.rows:
        said.append(part.table.nothing)
    return clean_text(". ".join(filter(None, said)), _LONGEST)


# --- tables that are read -------------------------------------------------------------------------


def _write_table(sheet: Sheet, table: Table, timezone: str) -> None:
    at, titles, sparks = 0, list[str](), list[tuple[int, int]]()
    places, right = list[int](), set[int]()
    for index, column in enumerate(table.columns):
        places.append(at)
        if column.kind.right or column.kind is Kind.INSTANT:
            right.add(at)
        title = clean_text(column.title, _LONGEST) or ("#" if column.kind is Kind.NUMBER else "")
        titles.append(f"{title} ({timezone})" if column.kind is Kind.INSTANT else title)
        if any(safe_link(row[index].link) for row in table.rows):
            titles.append(say("{column} link", column=title))
        if column.kind is Kind.SPARKLINE:
            sparks.append((index, max((len(row[index].values) for row in table.rows), default=0)))
        at = len(titles)
    for index, length in sparks:
        titles += [f"{table.columns[index].title} {n}" for n in range(1, length + 1)]
    right.update(range(at, len(titles)))
    _write_head(sheet, titles, len(table.rows), right)
    widest = [_width(title) for title in titles]
    for number, row in enumerate(table.rows, 1):
        for place, cell in zip(places, row, strict=True):
            _put_cell(sheet, number, place, cell, widest)
        _write_sparks(sheet, number, places, row, sparks, widest)
    _fit(sheet, titles, [_fitted(width) for width in widest])


def _put_cell(sheet: Sheet, row: int, column: int, cell: Cell, widest: list[int]) -> None:
    text = "" if cell.text == DASH else clean_text(cell.text, _LONGEST)
    if cell.value is not None:
        sheet.put(row, column, cell.value, Look(number=number_format(cell.text, cell.value)))
        text = INSTANT if isinstance(cell.value, datetime) else signed_whole(cell.value)
    else:
        sheet.put(row, column, text)
    widest[column] = max(widest[column], _width(text))
    if link := safe_link(cell.link):
        sheet.put(row, column + 1, link)
        widest[column + 1] = max(widest[column + 1], min(len(link), _LINK))


def _write_sparks(
    sheet: Sheet,
    number: int,
    places: Sequence[int],
    row: Sequence[Cell],
    sparks: Sequence[tuple[int, int]],
    widest: list[int],
) -> None:
    """The values of a curve at the right end, the newest last, and the curve in its own cell."""
    first = len(widest) - sum(length for _, length in sparks)
    for index, length in sparks:
        values = row[index].values
        for at, value in enumerate(values, first + length - len(values)):
            sheet.put(number, at, value, _LOOKS[Form.CHANGE])
            widest[at] = max(widest[at], len(signed_whole(value)))
        if length:
            widest[places[index]] = _SPARK
            sheet.spark(number, places[index], first, first + length - 1)
        first += length


def number_format(text: str, value: Value) -> str:
    """A number format that shows ``value`` as ``text`` does, but in full."""
    if isinstance(value, datetime):
        return INSTANT
    shown = _MARKS.sub("", text)
    marks = text[len(shown) :]
    if shown.endswith(span_units()):
        hours = say("{number} h", number="")
        return _signed(f'#,##0.0"{hours}"', text)
    if "%" in text:
        return _signed("0.0%" + (f'"{marks}"' if marks else ""), text)
    if shown.endswith(step_units()):
        # Shown in full, so without decimals.
        return _signed(COUNT + (f'"{marks}"' if marks else ""), text)
    unit = found[0] if (found := _UNIT.search(shown)) else ""
    literal = f'"{unit}{marks}"' if unit or marks else ""
    return _signed(_places(shown, value) + literal, text)


def _places(text: str, value: float | None) -> str:
    """As many decimals as are shown, whichever sign is the point."""
    decimals = _DECIMALS.search(text)
    if decimals is None:
        return COUNT
    digits = "".join(filter(str.isdigit, text))
    # Three digits are thousands where the figure without a point is the value.
    if len(decimals[1]) == 3 and int(digits) == round(abs(value or 0)):
        return COUNT
    return f"#,##0.{'0' * len(decimals[1])}"


def _signed(body: str, text: str) -> str:
    return f"+{body};-{body};{body}" if text.startswith(_SIGNS) else body


# --- complete tables ------------------------------------------------------------------------------

_LOOKS = {
    Form.TEXT: PLAIN,
    Form.ID: PLAIN,
    Form.LINK: PLAIN,
    Form.COUNT: Look(number=COUNT),
    Form.CHANGE: Look(number=_signed(COUNT, "+")),
    Form.RATE: Look(number=RATE),
    Form.SIGNED_RATE: Look(number=_signed(RATE, "+")),
    Form.DECIMAL: Look(number=DECIMAL),
    Form.INSTANT: Look(number=INSTANT),
}


def _look(form: Form) -> Look:
    if form is not Form.FLAG:
        return _LOOKS[form]
    # What Excel shows by itself, and other programs when they are told to.
    yes, no = say("TRUE"), say("FALSE")
    return Look(number=f'"{yes}";"{yes}";"{no}"')


_LEFT = (Form.TEXT, Form.ID, Form.FLAG, Form.LINK)
_LEAST = {Form.INSTANT: 17.0, Form.ID: 22.0, Form.LINK: 30.0, Form.COUNT: 13.0, Form.CHANGE: 13.0}


def _write_full(sheet: LongSheet, table: FullTable, timezone: str) -> None:
    titles = [
        f"{field.title} ({timezone})" if field.form is Form.INSTANT else field.title
        for field in table.fields
    ]
    right = {n for n, field in enumerate(table.fields) if field.form not in _LEFT}
    _write_head(sheet, titles, len(table.rows), right, columns=1)
    sheet.columns([_look(field.form) for field in table.fields])
    for row in table.rows:
        sheet.add(row)
    _fit(sheet, titles, list(_full_widths(table)))


def _full_widths(table: FullTable) -> Iterator[float]:
    for column, field in enumerate(table.fields):
        least = _LEAST.get(field.form, _fitted(_width(field.title)))
        if field.form is Form.TEXT:
            texts = {str(row[column]) for row in table.rows if row[column] is not None}
            least = max(least, _fitted(max(map(_width, texts), default=0)))
        yield least


def _write_head(
    sheet: Sheet, titles: Sequence[str], rows: int, right: Container[int] = (), columns: int = 0
) -> None:
    sheet.head(0, titles, right)
    sheet.freeze(1, columns)
    sheet.filter(0, rows, len(titles))


def _fit(sheet: Sheet, titles: Sequence[str], widths: Sequence[float]) -> None:
    """Widths of the columns, and as many lines for the titles as those need."""
    sheet.widths(widths)
    lines = [-(-_width(title) // int(wide - 2)) for title, wide in zip(titles, widths, strict=True)]
    sheet.height(0, _LINE * max([*lines, 1]))


def _fitted(width: int) -> float:
    """Room for a text and the mark of a filter beside a title."""
    return float(min(max(width + 3, _NARROWEST), _WIDEST))


def _width(text: str) -> int:
    if text.isascii():
        return len(text)
    # Only so much is ever shown.
    return sum(2 if east_asian_width(char) in "WF" else 1 for char in text[:400])


# --- definitions ----------------------------------------------------------------------------------


def _write_definitions(
    sheet: Sheet, blocks: Sequence[Block], appendix: Sequence[FullTable], timezone: str
) -> None:
    terms = [term for block in blocks if isinstance(block, Definitions) for term in block.terms]
    rows = [
        ("", say("Empty cell"), say("Unknown, or not stated. Never 0.")),
        ("", say("Dates and times"), say("Wall clock of {zone}.", zone=timezone)),
        (
            "",
            say("Rate"),
            say("Engagement over views; engagement is likes + comments + shares."),
        ),
        *(("", clean_text(term.term), clean_text(term.meaning, _LONGEST)) for term in terms),
        *(
            (table.title, field.title, field.meaning)
            for table in appendix
            for field in table.fields
        ),
    ]
    _write_head(sheet, (say("Sheet"), say("Word"), say("Meaning")), len(rows))
    for number, row in enumerate(rows, 1):
        for column, text in enumerate(row):
            sheet.put(number, column, text, _WRAPPED)
    sheet.widths((24.0, 24.0, 100.0))
