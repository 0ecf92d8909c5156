"""Blocks as one self-contained page: opens from a disk, prints well, asks nobody for anything.

Jinja2 escapes every value; the template holds no ``safe``. A content security policy in the page
forbids scripts and requests even if something should slip through.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from tagtide.core.formats import clean_text
from tagtide.core.messages import Block, safe_link
from tagtide.renderers.spark import bars, segments

if TYPE_CHECKING:
    from jinja2 import Template

_SPARK_WIDTH, _SPARK_HEIGHT = 72.0, 16.0
_LONGEST = 4_000


def render(blocks: Sequence[Block], title: str) -> str:
    """A whole HTML document with ``title`` in its head; newline at the end."""
    named = [(type(block).__name__, block) for block in blocks]
    return _template().render(blocks=named, title=clean_text(title, 200)) + "\n"


@lru_cache(maxsize=1)
def _template() -> Template:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "clean": lambda text: clean_text(text, _LONGEST),
        "tiktok": safe_link,
        "bars": bars,
        "segments": _polylines,
    }
    return environment.get_template("report.html.j2")


def _polylines(values: Sequence[float | None]) -> list[str]:
    """Points of each stretch of a curve; a lone point becomes a short dash."""
    return [
        " ".join(f"{x},{y + 1}" for x, y in (points if len(points) > 1 else points * 2))
        for points in segments(values, _SPARK_WIDTH, _SPARK_HEIGHT)
    ]
