"""Workbooks (XLSX): the only place that writes into one.

Every text becomes a string cell by the one call that asks nothing about what it looks like, so that
no text is a formula, a link or a number; the same values give the same bytes.
"""

from __future__ import annotations

import math
import re
import shutil
from collections.abc import Container, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, tzinfo
from html import escape
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any, BinaryIO
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from xlsxwriter import Workbook as Library  # type: ignore[import-untyped]
from xlsxwriter.exceptions import XlsxWriterException  # type: ignore[import-untyped]
from xlsxwriter.utility import xl_col_to_name, xl_range_formula  # type: ignore[import-untyped]
from xlsxwriter.worksheet import Worksheet as LibrarySheet  # type: ignore[import-untyped]

from tagtide.core.formats import iso_utc
from tagtide.core.spreadsheet import (
    LARGEST_EXACT,
    LONGEST_TEXT,
    could_compute,
    fitting,
    sheet_name,
    utf16_units,
)

Value = str | int | float | bool | date | None

COUNT, RATE, DECIMAL = "#,##0", "0.0%", "#,##0.0"
INSTANT, DAY = "yyyy-mm-dd hh:mm", "yyyy-mm-dd"
TRUE_FALSE = '"TRUE";"TRUE";"FALSE"'

_EPOCH = datetime(1899, 12, 30)  # noqa: DTZ001 - a spreadsheet's wall clock has no zone
#: Before it, Excel counts a day that never was.
_FIRST_YEAR = 1901
_A4 = 9
_MISTAKEN = re.compile(r"\A<r>.*</r>\Z|_x[0-9a-fA-F]{4}_x[0-9a-fA-F]{4}_", re.DOTALL)
_BETWEEN_ESCAPES = re.compile("(?<=_x[0-9a-fA-F]{4})(?=_x[0-9a-fA-F]{4}_)")
_INK, _PALE, _HEAD = "#1f2933", "#6b7280", "#e8ecf1"
#: In a sheet of the library, where rows go; no text can be it: those stand elsewhere, or escaped.
_ROWS = b"<!--rows-->"
_NO_DATE, _UNIX = (1980, 1, 1, 0, 0, 0), 3
_OPTIONS = {
    "in_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
}
#: What a text of finished XML may not hold as it is, and what looks like an escape of that.
_UNWRITTEN = re.compile("[&<>\x00-\x08\x0b-\x1f\ufffe\uffff]|_(?=x[0-9a-fA-F]{4}_)")
_T = '<t xml:space="preserve">'
_NAMED = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """How a cell is shown; ``number`` is a number format of spreadsheets."""

    number: str = ""
    bold: bool = False
    size: int = 0
    is_pale: bool = False
    is_head: bool = False
    wraps: bool = False
    right: bool = False
    indent: int = 0


PLAIN = Look()
HEAD = Look(bold=True, is_head=True, wraps=True)
RIGHT_HEAD = Look(bold=True, is_head=True, wraps=True, right=True)


class Workbook:
    """A workbook on its way into a file; nothing is in the file before `close`."""

    def __init__(
        self, file: BinaryIO, *, created: datetime, zone: tzinfo, folder: Path | None = None
    ) -> None:
        """Write to ``file``.

        Args:
            file: Opened for writing.
            created: What the file gives as its date.
            zone: Of the wall clock in cells.
            folder: Where rows wait for `close`; None keeps them in memory.
        """
        self._file, self._folder = file, folder
        # What the library writes is small: long tables are put into it on its way to the file.
        self._draft = BytesIO()
        self._book = Library(self._draft, _OPTIONS)
        self._waiting: dict[str, IO[bytes]] = {}
        self._book.set_properties(
            {"author": "tagtide", "created": created.astimezone(UTC).replace(tzinfo=None)}
        )
        self._zone = zone
        self._names: set[str] = set()
        self._formats: dict[Look, Any] = {}
        self._quoted: dict[Look, Any] = {}

    def sheet(self, title: str) -> Sheet:
        """A new sheet at the end, under a name that Excel takes."""
        return Sheet(self, self._book.add_worksheet(self._name(title)), self._zone)

    def long_sheet(self, title: str) -> LongSheet:
        """A new sheet at the end for a table of any length."""
        made = self._book.add_worksheet(self._name(title), worksheet_class=_LongWorksheet)
        rows = BytesIO() if self._folder is None else _file_in(self._folder)
        self._waiting[f"xl/worksheets/sheet{made.index + 1}.xml"] = rows
        return LongSheet(self, made, self._zone, rows)

    def _name(self, title: str) -> str:
        name = sheet_name(title, self._names)
        self._names.add(name.casefold())
        return name

    def chart(self, kind: str, subtype: str | None = None) -> Any:
        """A chart of the library, to be filled with references to cells only."""
        return self._book.add_chart({"type": kind, "subtype": subtype})

    def close(self) -> None:
        """Write the file. Raises `OSError`."""
        try:
            self._book.close()
        except XlsxWriterException as error:
            raise OSError(str(error)) from error
        with ZipFile(self._draft) as draft, ZipFile(self._file, "w", ZIP_DEFLATED) as archive:
            for name in draft.namelist():
                self._write_part(archive, name, draft.read(name))

    def _write_part(self, archive: ZipFile, name: str, content: bytes) -> None:
        """A part with the rows that wait for it, never as a whole in memory."""
        rows, entry = self._waiting.get(name), ZipInfo(name, _NO_DATE)
        entry.compress_type, entry.create_system = ZIP_DEFLATED, _UNIX
        entry.file_size = len(content) + (rows.tell() if rows else 0)
        before, _, after = content.partition(_ROWS)
        with archive.open(entry, "w") as part:
            part.write(before)
            if rows is not None:
                rows.seek(0)
                shutil.copyfileobj(rows, part, 1 << 20)
                rows.close()
            part.write(after)

    def format(self, look: Look, *, is_quoted: bool = False) -> Any:
        """The library's format of a look, made once."""
        formats = self._quoted if is_quoted else self._formats
        found = formats.get(look)
        if found is None:
            found = formats[look] = self._made(look, is_quoted=is_quoted)
        return found

    def _made(self, look: Look, *, is_quoted: bool) -> Any:
        asked: dict[str, Any] = {"valign": "top", "quote_prefix": is_quoted}
        if look.number:
            asked["num_format"] = look.number
        if look.size:
            asked["font_size"] = look.size
        if look.is_head:
            asked |= {"bg_color": _HEAD, "bottom": 1}
        if look.right:
            asked["align"] = "right"
        if look.indent:
            asked["indent"] = look.indent
        colour = _PALE if look.is_pale else _INK
        return self._book.add_format(
            asked | {"bold": look.bold, "text_wrap": look.wraps, "font_color": colour}
        )


class Sheet:
    """A sheet; rows and columns count from 0."""

    def __init__(self, book: Workbook, sheet: Any, zone: tzinfo) -> None:
        self._book, self._sheet, self._zone = book, sheet, zone
        sheet.ignore_errors({"number_stored_as_text": "A1:XFD1048576"})
        sheet.set_landscape()
        sheet.set_paper(_A4)
        sheet.fit_to_pages(1, 0)
        sheet.set_footer("&L&A&R&P / &N")

    @property
    def name(self) -> str:
        """As it stands on its tab."""
        return str(self._sheet.get_name())

    def put(self, row: int, column: int, value: Value, look: Look = PLAIN) -> None:
        """Write a value as what it is; None and empty text leave the cell empty."""
        if value is None or value == "":
            return
        if isinstance(value, str):
            self._put_text(row, column, value, look)
        elif isinstance(value, bool):
            self._sheet.write_boolean(row, column, value, self._book.format(look))
        elif isinstance(value, int | float):
            self._put_number(row, column, value, look)
        else:
            self._put_date(row, column, value, look)

    def _put_text(self, row: int, column: int, text: str, look: Look) -> None:
        shown = self._book.format(look, is_quoted=could_compute(text))
        self._sheet.write_string(row, column, _written(text), shown)

    def _put_number(self, row: int, column: int, number: float, look: Look) -> None:
        if isinstance(number, int) and abs(number) > LARGEST_EXACT:
            self._put_text(row, column, str(number), look)
        elif math.isfinite(number):
            self._sheet.write_number(row, column, number, self._book.format(look))

    def _put_date(self, row: int, column: int, value: date, look: Look) -> None:
        """Dates as a spreadsheet counts them, in the zone; as text where it cannot."""
        days = _days(value, self._zone)
        if days is None:
            self._put_text(row, column, _iso(value), look)
        else:
            self._sheet.write_number(row, column, days, self._book.format(look))

    def head(self, row: int, titles: Sequence[str], right: Container[int] = ()) -> None:
        """A row of titles; those of ``right`` stand above numbers."""
        for column, title in enumerate(titles):
            look = RIGHT_HEAD if column in right else HEAD
            self._sheet.write_blank(row, column, None, self._book.format(look))
            self.put(row, column, title, look)

    def widths(self, widths: Sequence[float], first: int = 0) -> None:
        """Widths of columns, in characters."""
        for column, width in enumerate(widths, first):
            self._sheet.set_column(column, column, width)

    def wrapped(self, row: int, columns: tuple[int, int], text: str, look: Look) -> None:
        """A text over the columns from the first to the last of them."""
        first, last = columns
        if first < last:
            self._sheet.merge_range(row, first, row, last, "", self._book.format(look))
        self.put(row, first, text, look)

    def height(self, row: int, height: float) -> None:
        """The height of a row: no program finds it where a text goes over several columns."""
        self._sheet.set_row(row, height)

    def freeze(self, row: int, column: int = 0) -> None:
        """Keep what is above and before while the rest scrolls, and on each printed page."""
        self._sheet.freeze_panes(row, column)
        if row:
            self._sheet.repeat_rows(row - 1)

    def filter(self, row: int, last_row: int, columns: int) -> None:
        """Filters at the titles of a table."""
        if last_row > row:
            self._sheet.autofilter(row, 0, last_row, columns - 1)

    def spark(self, row: int, column: int, first: int, last: int) -> None:
        """A line in a cell, of the cells from ``first`` to ``last`` of its row."""
        cells = (row, first, row, last)
        self._sheet.add_sparkline(row, column, {"range": _range(self.name, *cells)})

    def show(self, chart: Any, row: int, column: int) -> None:
        """Place a chart of `Workbook.chart`."""
        self._sheet.insert_chart(row, column, chart)


class LongSheet(Sheet):
    """A sheet for a table of any length: row after row below the titles, in little time and memory.

    The library takes several microseconds for each cell, and holds a whole sheet when it writes the
    file. The rows wait as finished XML.
    """

    def __init__(self, book: Workbook, sheet: Any, zone: tzinfo, waiting: IO[bytes]) -> None:
        super().__init__(book, sheet, zone)
        self._waiting = waiting
        self._letters: list[str] = []
        self._styles: list[tuple[int, int, int]] = []
        #: Below the titles.
        self.rows = 0

    def columns(self, looks: Sequence[Look]) -> None:
        """How the values of each column are shown; texts are shown plainly."""
        text = self._book.format(PLAIN)._get_xf_index()  # noqa: SLF001 - there is no other way
        quoted = self._book.format(PLAIN, is_quoted=True)._get_xf_index()  # noqa: SLF001
        self._letters = [xl_col_to_name(column) for column in range(len(looks))]
        self._styles = [
            (self._book.format(look)._get_xf_index(), text, quoted)  # noqa: SLF001
            for look in looks
        ]

    def add(self, values: Sequence[Value]) -> None:
        """The next row; None and empty text leave cells empty."""
        self.rows += 1
        number = self.rows + 1
        cells = "".join(
            self._cell(f"{letter}{number}", value, styles)
            for letter, value, styles in zip(self._letters, values, self._styles, strict=True)
            if value is not None and value != ""
        )
        self._waiting.write(f'<row r="{number}">{cells}</row>'.encode())
        self._sheet.long_rows = self.rows

    def _cell(self, place: str, value: Value, styles: tuple[int, int, int]) -> str:
        style, text, quoted = styles
        if isinstance(value, bool):
            return f'<c r="{place}" s="{style}" t="b"><v>{int(value)}</v></c>'
        if isinstance(value, int | float):
            if isinstance(value, int) and abs(value) > LARGEST_EXACT:
                return self._cell(place, str(value), styles)
            return (
                f'<c r="{place}" s="{style}"><v>{value!r}</v></c>' if math.isfinite(value) else ""
            )
        if isinstance(value, date):
            days = _days(value, self._zone)
            if days is None:
                return self._cell(place, _iso(value), styles)
            return f'<c r="{place}" s="{style}"><v>{days!r}</v></c>'
        said = str(value)
        shown = quoted if could_compute(said) else text
        said = _UNWRITTEN.sub(_escaped, fitting(said))
        return f'<c r="{place}" s="{shown}" t="inlineStr"><is>{_T}{said}</t></is></c>'


class _LongWorksheet(LibrarySheet):  # type: ignore[misc]
    """The library's sheet with a mark where the rows go, behind the titles.

    It states their number, and must not know them otherwise: it makes something of every row.
    """

    long_rows = 0

    def _write_dimension(self) -> None:
        titles: int = self.dim_rowmax  # type: ignore[has-type]
        self.dim_rowmax = max(titles, self.long_rows)
        super()._write_dimension()
        self.dim_rowmax = titles

    def _write_sheet_data(self) -> None:
        self._xml_start_tag("sheetData")
        self._write_rows()
        self.fh.write(_ROWS.decode())
        self._xml_end_tag("sheetData")


def _file_in(folder: Path) -> IO[bytes]:
    return TemporaryFile(dir=folder)


def _escaped(match: re.Match[str]) -> str:
    char = match[0]
    return _NAMED.get(char) or f"_x{ord(char):04X}_"


def _written(text: str) -> str:
    """What the library has to be given for a text; nearly always the text.

    What begins and ends as runs of rich text it takes for finished markup, and escapes only
    characters that XML cannot hold; and of two such escapes that share an underscore it sees the
    first alone. Such texts it gets as markup: the same text, in runs that end between the escapes.
    """
    text = fitting(text)
    if not (text.startswith("<r>") or "_x" in text) or not _MISTAKEN.search(text):
        return text
    markup = "".join(
        f"<r>{_T}{escape(piece, quote=False)}</t></r>" for piece in _BETWEEN_ESCAPES.split(text)
    )
    return markup if utf16_units(markup) <= LONGEST_TEXT else _written(text[: len(text) // 2] + "…")


def _range(name: str, row: int, column: int, last_row: int, last_column: int) -> str:
    return str(xl_range_formula(name, row, column, last_row, last_column))


def _days(value: date, zone: tzinfo) -> float | None:
    local = _wall_clock(value, zone)
    if local is None:
        return None
    since = local - _EPOCH
    return since.days + since.seconds / 86_400


def _iso(value: date) -> str:
    if isinstance(value, datetime) and value.tzinfo is not None:
        return iso_utc(value)
    return value.isoformat()


def _wall_clock(value: date, zone: tzinfo) -> datetime | None:
    """A wall clock without zone, which it may be; None outside what a spreadsheet counts."""
    if isinstance(value, datetime) and value.tzinfo is None:
        local = value
    elif isinstance(value, datetime):
        try:
            local = value.astimezone(zone).replace(tzinfo=None)
        except OverflowError:
            return None
    else:
        local = datetime(value.year, value.month, value.day)  # noqa: DTZ001 - see _EPOCH
    return local if local.year >= _FIRST_YEAR else None
