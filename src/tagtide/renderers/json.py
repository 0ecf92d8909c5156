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


def render(report: Mapping[str, Any]) -> str:
    """Indented JSON in the mapping's own key order; raises `ValueError` on NaN or infinity."""
    text = json.dumps(report, ensure_ascii=False, allow_nan=False, indent=2)
    return _ACTIVE.sub(_escape, text) + "\n"


def _escape(match: re.Match[str]) -> str:
    return json.dumps(match[0])[1:-1] if match[0] != "\x7f" else "\\u007f"
