"""What was paid for and could not be stored, as files until the database takes it.

One JSON file per piece of work, written whole and renamed, mode 0600. The format is private to one
version of tagtide's models: a file that no longer fits is left where it is and named.
"""

from __future__ import annotations

import json
import types
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from tagtide.ports import Changes

T = TypeVar("T")


class FolderSpool:
    """A folder of set-aside changes; made when it is first needed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, changes: Changes, name: str) -> None:
        """Keep changes under a new name. Raises `OSError`."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = self._folder / f".{name}.part"
        draft.touch(mode=0o600)
        draft.write_text(json.dumps(encode(changes)), encoding="utf-8")
        draft.rename(self._folder / f"{name}.json")

    def waiting(self) -> Iterator[tuple[str, Changes | None]]:
        """Everything kept, oldest name first; None for a file that cannot be read any more."""
        if not self._folder.is_dir():
            return
        for path in sorted(self._folder.glob("*.json")):
            try:
                yield path.stem, decode(Changes, json.loads(path.read_text(encoding="utf-8")))
            except (OSError, ValueError, TypeError, KeyError, AttributeError):
                yield path.stem, None

    def done(self, name: str) -> None:
        """Forget what has been stored."""
        (self._folder / f"{name}.json").unlink(missing_ok=True)


# --- dataclasses as JSON --------------------------------------------------------------------------


def encode(value: Any) -> Any:
    """Dataclasses, tuples, enums and instants as JSON types."""
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: encode(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, (tuple, list, frozenset)):
        return [encode(item) for item in value]
    if isinstance(value, dict):
        return {key: encode(item) for key, item in value.items()}
    return value.isoformat() if isinstance(value, date) else value


def decode(kind: Any, value: Any) -> Any:
    """The inverse of `encode` for a type; raises `ValueError`, `TypeError` or `KeyError`."""
    if value is None or kind is Any:
        return value
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in {Union, types.UnionType}:
        (inner,) = (a for a in arguments if a is not type(None))
        return decode(inner, value)
    if origin is tuple:
        return _tuple(arguments, value)
    if origin is frozenset:
        return frozenset(decode(arguments[0], item) for item in value)
    if origin is dict:
        return {key: decode(arguments[1], item) for key, item in value.items()}
    return _scalar(kind, value)


def _tuple(arguments: tuple[Any, ...], value: Any) -> tuple[Any, ...]:
    if len(arguments) == 2 and arguments[1] is Ellipsis:
        return tuple(decode(arguments[0], item) for item in value)
    return tuple(decode(kind, item) for kind, item in zip(arguments, value, strict=True))


def _scalar(kind: type[Any], value: Any) -> Any:
    if hasattr(kind, "__dataclass_fields__"):
        hints = _hints(kind)
        return kind(**{name: decode(hints[name], item) for name, item in value.items()})
    if issubclass(kind, datetime):
        return datetime.fromisoformat(value)
    if issubclass(kind, date):
        return date.fromisoformat(value)
    return kind(value) if issubclass(kind, StrEnum) else value


def _hints(kind: type[Any]) -> dict[str, Any]:
    return get_type_hints(kind)
