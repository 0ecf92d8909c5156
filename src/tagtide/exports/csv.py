"""CSV after RFC 4180, with strangers' text that no spreadsheet takes for a formula.

The defence is OWASP ASVS V1.2.10: an apostrophe before text that begins with ``= + - @``, tab, CR,
LF or NUL, or their full-width forms, also behind quotes, spaces and a byte order mark, and also
after a delimiter or a line end inside the text, where a reader with another delimiter would start a
cell. `undefend` gives back every original exactly. Numbers are never touched.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TextIO

_FORMULA = "=+\\-@＝＋－＠"
#: What a spreadsheet may skip before it looks at the first character of a cell.
_SKIPPED = "\"'\\ufeff"
_SPACES = " \\u00a0\\u2000-\\u200f\\u2028\\u2029\\u202f\\u2060\\u3000"
_BREAK = "\\t\\r\\n\\x00"
_DELIMITER = f",;|{_BREAK}\\x0b\\x0c\\x85\\u2028\\u2029"

_FIRST = f"^(?=[{_SKIPPED}{_SPACES}]*[{_FORMULA}{_BREAK}])"
_LATER = f"(?<=[{_DELIMITER}])(?=[{_SKIPPED}]*[{_FORMULA}])"
_DEFEND = re.compile(f"{_FIRST}|{_LATER}")
_UNDEFEND = re.compile(
    f"^'(?=[{_SKIPPED}{_SPACES}]*[{_FORMULA}{_BREAK}])"
    f"|(?<=[{_DELIMITER}])'(?=[{_SKIPPED}]*[{_FORMULA}])"
)
_SURROGATES = re.compile("[\ud800-\udfff]")


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


def _field(value: object, *, raw: bool) -> str | int | float:
    if value is None:
        return ""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, int | float):
        return value
    text = " ".join(value) if isinstance(value, list) else str(value)
    text = _SURROGATES.sub("\ufffd", text)
    return text if raw else defend(text)


def defend(text: str) -> str:
    """Text that is text in every spreadsheet."""
    return _DEFEND.sub("'", text)


def undefend(text: str) -> str:
    """The original of a defended text."""
    return _UNDEFEND.sub("", text)
