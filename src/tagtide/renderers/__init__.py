"""Blocks of `core.messages` in each medium; one escaping place per medium.

Each renderer is a module of its own, imported when it is used: `render_text`, `render_markdown`,
`render_html` take blocks, `render_json` takes the report's own JSON object.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tagtide.core.messages import Block


def render_text(blocks: Sequence[Block], width: int = 100, *, color: bool = False) -> str:
    """Plain or coloured text for a terminal of ``width`` columns."""
    from tagtide.renderers.text import render

    return render(blocks, width, color=color)


def render_markdown(blocks: Sequence[Block]) -> str:
    """Markdown (GitHub flavour: tables)."""
    from tagtide.renderers.markdown import render

    return render(blocks)


def render_html(blocks: Sequence[Block], title: str) -> str:
    """One self-contained page: no script, no request to anywhere."""
    from tagtide.renderers.html import render

    return render(blocks, title)


def render_json(report: Mapping[str, Any]) -> str:
    """The report's JSON object, in its own key order, with a newline at the end."""
    from tagtide.renderers.json import render

    return render(report)
