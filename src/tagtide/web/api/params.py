"""Parameters that several routes of the API take."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import Query
from pydantic import AwareDatetime, BeforeValidator

LARGEST_PAGE: Final = 500
#: Larger than any key of a row, and what both databases hold.
BIGGEST: Final = 2**62
#: Letters without controls: what both databases take.
PLAIN: Final = r"^[^\x00-\x1f\x7f]*$"

Limit = Annotated[int, Query(ge=1, le=LARGEST_PAGE, description="Items of a page.")]
After = Annotated[str | None, Query(max_length=200, description="`next_after` of the page before.")]
Before = Annotated[
    int | None, Query(ge=1, le=BIGGEST, description="`next_before` of the page before.")
]
#: The key of a row; None keeps all.
RowId = Annotated[int | None, Query(ge=1, le=BIGGEST)]


def _is_written_out(value: object) -> object:
    """A bare number would be taken for seconds since 1970."""
    if isinstance(value, str) and "T" in value.upper():
        return value
    raise ValueError("must be an instant such as 2026-03-01T12:00:00Z")


Instant = Annotated[AwareDatetime, BeforeValidator(_is_written_out)]
