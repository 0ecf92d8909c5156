"""Reads ``timestamp,value`` rows: any common form of an instant, and a clear word on bad lines."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import chain, islice, pairwise
from math import isfinite
from typing import NamedTuple, TextIO

import click

from tagtide.core.detect import Point
from tagtide.errors import InvalidInput

#: A file with no more rows than this is put in order when it is not.
_SORTABLE = 200_000
#: A longer line is no row of two columns.
_LONGEST_LINE = 10_000
_MISSING = frozenset({"", "nan", "na", "n/a", "null", "none", "-", "–"})
_FORMS = (
    "%Y/%m/%d %H:%M:%S",
    "%Y/%m/%d %H:%M",
    "%Y/%m/%d",
    "%d.%m.%Y %H:%M:%S",
    "%d.%m.%Y %H:%M",
    "%d.%m.%Y",
    "%a, %d %b %Y %H:%M:%S %z",
    "%a, %d %b %Y %H:%M:%S GMT",
    "%Y-%m-%d %H:%M:%S %Z",
    "%Y-%m-%d %H:%M:%S %z",
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
#: Epoch numbers above these are milliseconds, microseconds, nanoseconds.
_SUBSECONDS = ((1e17, 1e9), (1e14, 1e6), (1e11, 1e3))
_LATEST_YEAR = 2200


class Row(NamedTuple):
    """One row, as it stands in the file and as it is understood."""

    line: int
    timestamp: str
    text: str
    at: datetime
    #: None is unknown.
    value: float | None

    def point(self) -> Point:
        """For a detector."""
        return Point(self.at, self.value)


def read_rows(stream: TextIO, name: str, *, may_sort: bool) -> Iterator[Row]:
    """Rows in order of time.

    ``may_sort`` puts a file of up to 200,000 rows in order; a longer one, or one that is still
    being written, must be. Raises `InvalidInput` that names the line.
    """
    rows = _parsed(stream, name)
    first = next(rows, None)
    if first is None:
        raise InvalidInput(
            f"{name} holds no rows", hint="Each line is `timestamp,value`; a header may be there."
        )
    rows = chain([first], rows)
    if may_sort:
        held = list(islice(rows, _SORTABLE + 1))
        if len(held) <= _SORTABLE:
            yield from _in_order(held)
            return
        rows = chain(held, rows)
        del held
    yield from _checked(rows, name)


def _in_order(rows: list[Row]) -> list[Row]:
    disorder = next((b for a, b in pairwise(rows) if b.at < a.at), None)
    if disorder is not None:
        click.echo(
            f"Line {disorder.line} is earlier than the line before; the rows were put in order.",
            err=True,
        )
        rows.sort(key=lambda row: row.at)
    return rows


def _checked(rows: Iterable[Row], name: str) -> Iterator[Row]:
    last = None
    for row in rows:
        if last is not None and row.at < last:
            raise InvalidInput(
                f"{name}, line {row.line}: {_shown(row.timestamp)} is earlier than the line before",
                hint="Sort the rows by time first.",
            )
        last = row.at
        yield row


def _parsed(stream: TextIO, name: str) -> Iterator[Row]:
    reader = csv.reader(_lines(stream, name))
    is_first, places = True, (0, 1)
    try:
        for cells in reader:
            if not cells or not any(cell.strip() for cell in cells):
                continue
            if is_first and _is_header(cells):
                is_first, places = False, _places(cells)
                continue
            is_first = False
            if places != (0, 1) and len(cells) > max(places):
                cells = [cells[place] for place in places]  # noqa: PLW2901
            yield _row(cells, reader.line_num, name)
    except csv.Error as error:
        raise InvalidInput(f"{name}, line {reader.line_num}: not a CSV row ({error})") from error


def _lines(stream: TextIO, name: str) -> Iterator[str]:
    number = 0
    while line := stream.readline(_LONGEST_LINE + 1):
        number += 1
        if len(line) > _LONGEST_LINE or "\0" in line:
            raise InvalidInput(
                f"{name}, line {number}: this is not a CSV file of timestamp,value rows"
            )
        yield line


def _is_header(cells: list[str]) -> bool:
    """A first row of which nothing can be read as an instant or a number."""
    return (
        len(cells) >= 2
        and _instant(cells[0].strip()) is None
        and not _is_number(cells[1].strip())
        and cells[1].strip().lower() not in _MISSING
    )


def _places(cells: list[str]) -> tuple[int, int]:
    """Columns called timestamp and value, wherever they stand; else the first two of two."""
    names = [cell.strip().lower() for cell in cells]
    if len(names) > 2 and "timestamp" in names and "value" in names:
        return names.index("timestamp"), names.index("value")
    return 0, 1


def _row(cells: list[str], line: int, name: str) -> Row:
    if len(cells) != 2:
        found = "1 column" if len(cells) == 1 else f"{len(cells)} columns"
        raise InvalidInput(
            f"{name}, line {line}: {found} where timestamp,value were expected",
            hint="Cut the two columns out first, e.g. with `cut -d, -f1,3`.",
        )
    timestamp, text = cells[0].strip(), cells[1].strip()
    at = _instant(timestamp)
    if at is None:
        raise InvalidInput(
            f"{name}, line {line}: {_shown(timestamp)} is not an instant",
            hint="Write 2026-03-01T14:05:00Z, 2026-03-01 14:05 (UTC), or seconds since 1970.",
        )
    return Row(line, timestamp, text, at, _value(text, line, name))


def _value(text: str, line: int, name: str) -> float | None:
    """A number; None where the file says that it is unknown, and for a negative one."""
    try:
        value = float(text) if "_" not in text else None
    except ValueError:
        value = None
        if text.lower() in _MISSING:
            return None
    if value is None or value in {float("inf"), float("-inf")}:
        raise InvalidInput(
            f"{name}, line {line}: {_shown(text)} is not a number",
            hint="Leave the value empty where it is unknown.",
        )
    if not isfinite(value):
        return None
    return int(value) if value == int(value) else value


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _instant(text: str) -> datetime | None:
    """An aware instant in UTC; None when the text is none."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return _epoch(text) or _by_form(text)
    if text.isdigit() and len(text) != 8:
        return _epoch(text)
    return _utc(found)


def _utc(found: datetime) -> datetime | None:
    if found.tzinfo is None:
        return found.replace(tzinfo=UTC)
    try:
        return found.astimezone(UTC)
    except OverflowError:
        return None


def _epoch(text: str) -> datetime | None:
    if not _is_number(text) or "_" in text:
        return None
    seconds = float(text)
    if not isfinite(seconds):
        return None
    for limit, divisor in _SUBSECONDS:
        if abs(seconds) >= limit:
            seconds /= divisor
            break
    try:
        found = _EPOCH + timedelta(seconds=seconds)
    except OverflowError:
        return None
    return found if found.year < _LATEST_YEAR else None


def _by_form(text: str) -> datetime | None:
    for form in _FORMS:
        try:
            return _utc(datetime.strptime(text, form))  # noqa: DTZ007 - without a zone it is UTC
        except ValueError:
            continue
    return None


def _shown(text: str) -> str:
    """What a stranger's file says, short and harmless."""
    from tagtide.core.formats import clean_text

    return f"'{clean_text(text, 40)}'"
