"""Blocks of `core.messages` in each medium; one escaping place per medium.

Each renderer is a module of its own, imported when it is used. All take blocks, but for
`render_json`, which takes the report's own JSON object. What a medium says of its own, it says in
the language that the blocks are in, whatever is spoken around it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import TYPE_CHECKING, Any

from tagtide.core.language import ENGLISH, Language, speaking
from tagtide.core.messages import Block, language_of
from tagtide.languages import find_language

if TYPE_CHECKING:
    from tagtide.core.messages.appendix import FullTable
    from tagtide.core.proof.contents import Contents
    from tagtide.renderers.look import Brand


def _speaking_as(blocks: Sequence[Block]) -> AbstractContextManager[Language]:
    return speaking(find_language(language_of(blocks)))


def render_text(blocks: Sequence[Block], width: int = 100, *, color: bool = False) -> str:
    """Plain or coloured text for a terminal of ``width`` columns."""
    from tagtide.renderers.text import render

    with _speaking_as(blocks):
        return render(blocks, width, color=color)


def render_markdown(blocks: Sequence[Block]) -> str:
    """Markdown (GitHub flavour: tables)."""
    from tagtide.renderers.markdown import render

    with _speaking_as(blocks):
        return render(blocks)


def render_html(blocks: Sequence[Block], title: str, brand: Brand | None = None) -> str:
    """One self-contained page: no script, no request to anywhere. Raises `RenderingFailed`."""
    from tagtide.renderers.html import render

    with _speaking_as(blocks):
        return render(blocks, title, brand)


def render_pdf(
    blocks: Sequence[Block], title: str, as_of: datetime, brand: Brand | None = None
) -> bytes:
    """A PDF on A4, dated ``as_of``. Raises `RenderingFailed`."""
    from tagtide.renderers.pdf import render

    with _speaking_as(blocks):
        return render(blocks, title, as_of, brand)


def render_json(report: Mapping[str, Any]) -> str:
    """The report's JSON object, in its own key order, with a newline at the end."""
    from tagtide.renderers.json import render

    return render(report)


def render_xlsx(
    blocks: Sequence[Block],
    *,
    as_of: datetime,
    timezone: str,
    appendix: Sequence[FullTable] = (),
) -> bytes:
    """A workbook: a summary, a sheet for every table and complete table, definitions."""
    from tagtide.renderers.xlsx import render

    with _speaking_as(blocks):
        return render(blocks, as_of=as_of, timezone=timezone, appendix=appendix)


def render_as(
    style: str,
    blocks: Sequence[Block],
    *,
    title: str,
    as_of: datetime,
    timezone: str,
    brand: Brand | None = None,
    appendix: Sequence[FullTable] = (),
) -> str | bytes:
    """As ``md``, ``html``, ``pdf`` or ``xlsx``; else as text. Raises `RenderingFailed`."""
    match style:
        case "md":
            return render_markdown(blocks)
        case "html":
            return render_html(blocks, title, brand)
        case "pdf":
            return render_pdf(blocks, title, as_of, brand)
        case "xlsx":
            return render_xlsx(blocks, as_of=as_of, timezone=timezone, appendix=appendix)
        case _:
            return render_text(blocks)


def render_capsule(contents: Contents) -> tuple[bytes, bytes]:
    """The page of a proof capsule, before and behind its data part."""
    from tagtide.renderers.capsule import render

    with speaking(ENGLISH):
        return render(contents)
