"""Files that people name for results: whole, or not there."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from tagtide.errors import InvalidInput


@contextmanager
def opened(output: Path | None, *, is_text: bool = True) -> Iterator[Any]:
    """Stdout, or a file that carries its name only once it is whole. Raises `InvalidInput`.

    Text is UTF-8 with line ends as they are written.
    """
    if output is None:
        yield sys.stdout if is_text else sys.stdout.buffer
        return
    draft = output.with_name(f".{output.name}.part")
    try:
        with (
            draft.open("w", encoding="utf-8", newline="") if is_text else draft.open("wb") as stream
        ):
            yield stream
        draft.replace(output)
    except OSError as error:
        with suppress(OSError):
            draft.unlink()
        raise InvalidInput(f"{output} cannot be written: {error.strerror or error}") from error
