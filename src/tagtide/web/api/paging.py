"""Pages of long lists, by cursor: what is added meanwhile neither repeats nor hides anything."""

from __future__ import annotations

import base64
import binascii
import json
from typing import Annotated, Any

from fastapi import Query
from pydantic import AwareDatetime, BeforeValidator

from tagtide.errors import InvalidInput

LARGEST_PAGE = 500
_LONGEST = 400

Limit = Annotated[int, Query(ge=1, le=LARGEST_PAGE, description="Items of a page.")]
Cursor = Annotated[
    str | None,
    Query(max_length=_LONGEST, description="`next_cursor` of the page before; none for the first."),
]


def _is_written_out(value: object) -> object:
    """A bare number would be taken for seconds since 1970."""
    if isinstance(value, str) and "T" in value.upper():
        return value
    raise ValueError("must be an instant such as 2026-03-01T12:00:00Z")


Instant = Annotated[AwareDatetime, BeforeValidator(_is_written_out)]


def to_cursor(*key: str | int) -> str:
    """An opaque text that names the last item of a page by what the list is sorted by."""
    text = json.dumps(key, separators=(",", ":"), ensure_ascii=False)
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def from_cursor(cursor: str | None, *kinds: type) -> tuple[Any, ...] | None:
    """What `to_cursor` was given; None for the first page.

    Raises `InvalidInput` for a text that no page of this list gave out.
    """
    if cursor is None:
        return None
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        key = json.loads(base64.b64decode(padded.encode("ascii"), altchars=b"-_", validate=True))
    except (ValueError, binascii.Error, RecursionError):
        key = None
    fits = isinstance(key, list) and len(key) == len(kinds)
    if not fits or not all(type(k) is kind for k, kind in zip(key, kinds, strict=True)):
        raise InvalidInput("The cursor is none that this list gave out.")
    return tuple(key)
