"""Rows of an export as a workbook: typed, streamed, in as many sheets as they fill."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

from tagtide.core.periods import zone_or_utc
from tagtide.core.spreadsheet import MOST_ROWS
from tagtide.exports.rows import columns_and_record
from tagtide.workbook import (
    COUNT,
    DAY,
    INSTANT,
    PLAIN,
    RATE,
    TRUE_FALSE,
    LongSheet,
    Look,
    Value,
    Workbook,
)

_LOOKS = {
    "collected_date": Look(number=DAY),
    "engagement_rate": Look(number=RATE),
    "high_priority": Look(number=TRUE_FALSE),
    "is_paid": Look(number=TRUE_FALSE),
    "edits": Look(number=TRUE_FALSE),
    # Of many units: a rate in one rule, a count in another.
    "value": PLAIN,
    "threshold": PLAIN,
    "peak": PLAIN,
}
_WIDTHS = {"title": 50.0, "reason": 50.0, "evidence": 40.0, "url": 40.0, "evidence_url": 40.0}
_WIDTH, _ID_WIDTH = 14.0, 22.0


class WorkbookExport:
    """A workbook that takes rows as they come; `close` writes the file."""

    def __init__(
        self, kind: str, file: BinaryIO, *, folder: Path, created: datetime, timezone: str = "UTC"
    ) -> None:
        """Begin a workbook.

        Args:
            kind: As for `export_rows`.
            file: Opened for writing.
            folder: Where rows wait for `close`, about 60 bytes a cell.
            created: What the file gives as its date.
            timezone: Of the wall clock in cells, named in the titles.

        Raises `InvalidInput` for an unknown kind.
        """
        self._columns, self._record = columns_and_record(kind)
        self._kind, self._timezone, self._zone = kind, timezone, zone_or_utc(timezone)
        self._book = Workbook(file, created=created, zone=self._zone, folder=folder)
        self._looks = [_look(column) for column in self._columns]
        self._sheet = self._begun()

    def add(self, rows: Iterable[Any]) -> int:
        """Write rows, and return how many."""
        count = 0
        for row in rows:
            if self._sheet.rows + 1 == MOST_ROWS:
                self._end()
                self._sheet = self._begun()
            self._sheet.add(self._values(self._record(row, self._zone)))
            count += 1
        return count

    def close(self) -> None:
        """Write the file. Raises `OSError`."""
        self._end()
        self._book.close()

    def _values(self, record: dict[str, Any]) -> list[Value]:
        found = [record[column] for column in self._columns]
        return [" ".join(value) if isinstance(value, list) else value for value in found]

    def _begun(self) -> LongSheet:
        sheet = self._book.long_sheet(self._kind)
        titles = [
            f"{column} ({self._timezone})" if column.endswith("_at") else column
            for column in self._columns
        ]
        sheet.widths([_width(*pair) for pair in zip(self._columns, titles, strict=True)])
        sheet.head(0, titles)
        sheet.freeze(1)
        sheet.columns(self._looks)
        return sheet

    def _end(self) -> None:
        self._sheet.filter(0, self._sheet.rows, len(self._columns))


def _look(column: str) -> Look:
    if column.endswith("_at"):
        return Look(number=INSTANT)
    return _LOOKS.get(column, Look(number=COUNT))


def _width(column: str, title: str) -> float:
    if column.endswith(("_id", "_uid")):
        return _ID_WIDTH
    return max(_WIDTHS.get(column, _WIDTH), len(title) + 3.0)
