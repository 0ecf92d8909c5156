"""JSON: for machines, yet safe to print on a terminal."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

#: DEL, C1 controls, soft hyphen, zero-width, bidirectional, line and paragraph separators,
#: byte order mark, annotation and tag characters, lone surrogates: escaped, so that a terminal or
#: a reader never acts on them. JSON means the same either way.
_ACTIVE = re.compile(
    "[\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\uffff"
    "\ud800-\udfff\U000e0000-\U000e0fff]"
)

#: Of the levels of containers.
_LAID_OUT = 2
_ENCODE = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode


def render(report: Mapping[str, Any]) -> str:
    """JSON in the mapping's own key order, a line for each row of a list.

    Raises `ValueError` on NaN or infinity.
    """
    text = _laid_out(report, "", depth=0)
    return _ACTIVE.sub(_escape, text) + "\n"


def _laid_out(value: Any, indent: str, depth: int) -> str:
    """Two levels are laid out for people; what lies deeper is a row, by the encoder in C."""
    if depth == _LAID_OUT or not value or not isinstance(value, Mapping | list | tuple):
        return _ENCODE(value)
    inner = f"{indent}  "
    if isinstance(value, Mapping):
        parts = [
            f"{inner}{_ENCODE(key)}: {_laid_out(part, inner, depth + 1)}"
            for key, part in value.items()
        ]
        begin, end = "{", "}"
    else:
        parts = [f"{inner}{_laid_out(part, inner, depth + 1)}" for part in value]
        begin, end = "[", "]"
    return f"{begin}\n" + ",\n".join(parts) + f"\n{indent}{end}"


def _escape(match: re.Match[str]) -> str:
    return json.dumps(match[0])[1:-1] if match[0] != "\x7f" else "\\u007f"
