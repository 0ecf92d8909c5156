"""CSV after RFC 4180, with strangers' text that no spreadsheet takes for a formula.

The defence is that of `core.spreadsheet`. Numbers are never touched.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from io import StringIO
from typing import TYPE_CHECKING, Any, TextIO

from tagtide.core.formats import iso_utc
from tagtide.core.spreadsheet import defend, encodable

if TYPE_CHECKING:
    from tagtide.core.messages.appendix import FullTable


def write(
    columns: Sequence[str],
    records: Iterable[Mapping[str, Any]],
    stream: TextIO,
    *,
    raw: bool = False,
    bom: bool = False,
    header: bool = True,
) -> int:
    """Write a header, if one is wanted, and a line per record; returns the number of records."""
    if bom:
        stream.write("\ufeff")
    writer = csv.writer(stream, lineterminator="\r\n")
    if header:
        writer.writerow(columns)
    count = 0
    for record in records:
        writer.writerow([_field(record[column], raw=raw) for column in columns])
        count += 1
    return count


def table_text(table: FullTable) -> str:
    """A complete table of a report: a line with the titles, and one per row."""
    file = StringIO(newline="")
    writer = csv.writer(file, lineterminator="\r\n")
    writer.writerow([field.title for field in table.fields])
    writer.writerows([_field(value, raw=False) for value in row] for row in table.rows)
    return file.getvalue()


def _field(value: object, *, raw: bool) -> str | int | float:
    if value is None:
        return ""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, int | float):
        return value
    if isinstance(value, datetime):
        return iso_utc(value)
    if isinstance(value, date):
        return value.isoformat()
    text = encodable(" ".join(value) if isinstance(value, list) else str(value))
    return text if raw else defend(text)
