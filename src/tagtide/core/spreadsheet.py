"""What spreadsheets do to text, and what keeps them from it; for CSV and for workbooks.

A spreadsheet takes text that begins in a certain way for a formula. CSV knows no types, so that an
apostrophe goes before it (`defend`, after OWASP ASVS V1.2.10): before ``= + - @``, tab, CR, LF or
NUL, or their full-width forms, also behind quotes, spaces and a byte order mark, and also after a
delimiter or a line end inside the text, where a reader with another delimiter would start a cell.
`undefend` gives back every original exactly. A workbook has string cells, in which nothing is
computed; there the apostrophe is a property of the cell (`could_compute`), and the text is whole.
"""

from __future__ import annotations

import re
from collections.abc import Container

from tagtide.core.formats import clean_text

_FORMULA = "=+\\-@＝＋－＠"
#: What a spreadsheet may skip before it looks at the first character of a cell.
_SKIPPED = "\"'\\ufeff"
_SPACES = " \\u00a0\\u2000-\\u200f\\u2028\\u2029\\u202f\\u2060\\u3000"
_BREAK = "\\t\\r\\n\\x00"
_DELIMITER = f",;|{_BREAK}\\x0b\\x0c\\x85\\u2028\\u2029"

_FIRST = f"^(?=[{_SKIPPED}{_SPACES}]*[{_FORMULA}{_BREAK}])"
_LATER = f"(?<=[{_DELIMITER}])(?=[{_SKIPPED}]*[{_FORMULA}])"
_COULD_COMPUTE = re.compile(_FIRST)
_DEFEND = re.compile(f"{_FIRST}|{_LATER}")
_UNDEFEND = re.compile(
    f"^'(?=[{_SKIPPED}{_SPACES}]*[{_FORMULA}{_BREAK}])"
    f"|(?<=[{_DELIMITER}])'(?=[{_SKIPPED}]*[{_FORMULA}])"
)
_SURROGATES = re.compile("[\ud800-\udfff]")

#: UTF-16 units that a cell of Excel holds; it calls a file with more broken.
LONGEST_TEXT = 32_767
#: Rows of a sheet, the one with the titles among them.
MOST_ROWS = 1_048_576
#: Integers beyond it are not exact in a spreadsheet.
LARGEST_EXACT = 2**53
_LONGEST_NAME = 31
_NOT_IN_NAMES = re.compile(r"[\[\]:*?/\\]")


def could_compute(text: str) -> bool:
    """Whether a spreadsheet would take the text for a formula where it were typed in."""
    return _COULD_COMPUTE.match(text) is not None


def defend(text: str) -> str:
    """Text that is text in every spreadsheet."""
    return _DEFEND.sub("'", text)


def undefend(text: str) -> str:
    """The original of a defended text."""
    return _UNDEFEND.sub("", text)


def encodable(text: str) -> str:
    """Text without lone surrogates, which UTF-8 cannot hold."""
    return text if text.isascii() else _SURROGATES.sub("\ufffd", text)


def fitting(text: str) -> str:
    """Text that a cell of a workbook holds: what is too long ends in an ellipsis."""
    text = encodable(text)
    if len(text) * 2 <= LONGEST_TEXT or utf16_units(text) <= LONGEST_TEXT:
        return text
    cut = text.encode("utf-16-le")[: (LONGEST_TEXT - 1) * 2].decode("utf-16-le", "ignore")
    return f"{cut}…"


def utf16_units(text: str) -> int:
    """The length of a text as Excel counts it."""
    return len(text.encode("utf-16-le")) // 2


def sheet_name(title: str, taken: Container[str] = ()) -> str:
    """A name that Excel takes for a sheet.

    At most 31 characters, none of ``[ ] : * ? / \\``, no apostrophe at an end, not ``History``, and
    none of ``taken`` (in small letters: Excel does not tell them apart).
    """
    wanted = _NOT_IN_NAMES.sub(" ", clean_text(title, 200)).strip("' ")
    wanted = " ".join(wanted.split()) or "Sheet"
    if wanted.casefold() == "history":
        wanted = f"{wanted} of it"
    number, tail = 1, ""
    while True:
        name = _cut(wanted, _LONGEST_NAME - len(tail)) + tail
        if name.casefold() not in taken:
            return name
        number += 1
        tail = f" {number}"


def _cut(text: str, units: int) -> str:
    cut = text.encode("utf-16-le")[: units * 2].decode("utf-16-le", "ignore")
    return cut.rstrip("' ")
