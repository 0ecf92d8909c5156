"""Blocks as JSON and back: a report kept as it was shown can be shown again in any medium."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import UTC, datetime
from enum import Enum
from typing import Any

from tagtide.core.charts.base import Chart
from tagtide.core.language import ENGLISH
from tagtide.core.messages.blocks import (
    Block,
    BulletList,
    Cell,
    Column,
    Definition,
    Definitions,
    Figure,
    Heading,
    KeyFigures,
    Kind,
    Link,
    Note,
    Paragraph,
    Sparkline,
    Table,
    Tone,
)

_KINDS = (
    Heading, Paragraph, KeyFigures, Table, BulletList, Link, Note, Sparkline, Chart, Definitions,
)  # fmt: skip
_BLOCKS: Mapping[str, type[Any]] = {kind.__name__: kind for kind in _KINDS}
#: What stands in fields that are no plain values.
_PARTS: Mapping[str, type[Any]] = {
    "figures": Figure,
    "columns": Column,
    "items": Cell,
    "terms": Definition,
}
#: Fields of typed values.
_TYPED: Mapping[type[Any], tuple[str, ...]] = {
    Cell: ("value",),
    Figure: ("number", "change_number"),
}
_NAMES: Mapping[str, type[Enum]] = {"tone": Tone, "kind": Kind}


def to_document(blocks: Sequence[Block]) -> list[dict[str, Any]]:
    """JSON types only; what a field holds by default is left out."""
    return [{"block": type(block).__name__} | _written(block) for block in blocks]


def from_document(document: Sequence[Mapping[str, Any]]) -> list[Block]:
    """The blocks again. Raises `ValueError` for a document of another version."""
    try:
        return [_block(part) for part in document]
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise ValueError("the document is of another version") from error


def _block(part: Mapping[str, Any]) -> Block:
    if part["block"] == Chart.__name__:
        return _chart(part)
    return _read(_BLOCKS[str(part["block"])], part)  # type: ignore[no-any-return]


def _chart(part: Mapping[str, Any]) -> Chart:
    """Its columns are names, its rows words, and its spec what the drawing program reads."""
    return Chart(
        name=str(part["name"]),
        title=str(part["title"]),
        subtitle=str(part["subtitle"]),
        spec=dict(part["spec"]),
        columns=tuple(map(str, part["columns"])),
        rows=tuple(tuple(map(str, row)) for row in part["rows"]),
    )


def lead_of(document: Sequence[Mapping[str, Any]]) -> str:
    """The text of the first paragraph that leads; empty without one. Reads nothing else."""
    for part in document:
        if part.get("block") == Paragraph.__name__ and part.get("lead"):
            return str(part.get("text", ""))
    return ""


def language_in(document: Sequence[Mapping[str, Any]]) -> str:
    """The language that a stored report says it is in. Reads nothing else."""
    titles = (part for part in document if part.get("block") == Heading.__name__)
    return str(next(titles, {}).get("language", ENGLISH.code))


def _written(part: Any) -> dict[str, Any]:
    found = {}
    for field in fields(part):
        value = getattr(part, field.name)
        if value != field.default:
            found[field.name] = _value(value)
    return found


def _value(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, tuple):
        return [_value(one) for one in value]
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    return _written(value) if isinstance(value, (Figure, Column, Cell, Definition)) else value


def _read(kind: type[Any], stored: Mapping[str, Any]) -> Any:
    """A part again; what a later version says beyond it is left out."""
    known = {field.name for field in fields(kind)}
    values = {name: _field(name, value) for name, value in stored.items() if name in known}
    for name in _TYPED.get(kind, ()):
        if isinstance(values.get(name), str):
            # JSON knows numbers; the one typed value that it writes as text is an instant.
            values[name] = datetime.fromisoformat(values[name])
    return kind(**values)


def _field(name: str, value: Any) -> Any:
    if name in _PARTS:
        return tuple(_read(_PARTS[name], one) for one in value)
    if name in _NAMES:
        return _NAMES[name](value)
    if name == "rows":
        return tuple(tuple(_read(Cell, cell) for cell in row) for row in value)
    return tuple(value) if isinstance(value, list) else value
