"""JSON lines: one object per line, UTF-8, no escaping beyond JSON's own."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any, TextIO

from tagtide.core.formats import iso_utc

#: Characters that some readers take for a line end, and lone surrogates, which UTF-8 cannot hold.
_UNSAFE = re.compile("[\x85\u2028\u2029\ud800-\udfff]")


def write(records: Iterable[Mapping[str, Any]], stream: TextIO) -> int:
    """Write a line per record; returns how many."""
    count = 0
    for record in records:
        line = json.dumps(record, ensure_ascii=False, allow_nan=False, default=_instant)
        stream.write(_UNSAFE.sub(lambda match: json.dumps(match[0])[1:-1], line) + "\n")
        count += 1
    return count


def _instant(value: object) -> str:
    if isinstance(value, datetime):
        return iso_utc(value)
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} is not JSON")
