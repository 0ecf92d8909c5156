"""Blocks as one self-contained page: opens from a disk, prints well, asks nobody for anything.

Jinja2 escapes every value; the template holds no ``safe``. A content security policy in the page
forbids scripts and requests even if something should slip through. Charts are pictures within it,
one for a light page and one for a dark one.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from tagtide.core.formats import clean_text
from tagtide.core.language import say, say_as, spoken
from tagtide.core.messages import Block, Chart, safe_link
from tagtide.renderers.look import THEMES, Brand
from tagtide.renderers.page import page_template
from tagtide.renderers.press import press
from tagtide.renderers.spark import bars, segments

if TYPE_CHECKING:
    from jinja2 import Template

_SPARK_WIDTH, _SPARK_HEIGHT = 72.0, 16.0
_LONGEST = 4_000


def render(blocks: Sequence[Block], title: str, brand: Brand | None = None) -> str:
    """A whole HTML document with ``title`` in its head; newline at the end.

    Charts are drawn in a process of its own, which takes a second or two and blocks meanwhile;
    raises `RenderingFailed`.
    """
    charts = [block for block in blocks if isinstance(block, Chart)]
    drawings = press(charts, themes=list(THEMES)).svg if charts else {}
    brand = brand or Brand()
    named = [(type(block).__name__, block) for block in blocks]
    logo = brand.logo and f"data:image/{_KINDS[brand.picture or '']};base64,{_coded(brand.logo)}"
    written = _template().render(
        blocks=named,
        language=spoken().code,
        as_a_table=say("As a table"),
        trend=say_as("curve", "trend"),
        title=clean_text(title, 200),
        pictures={
            name: {theme: _picture(svg) for theme, svg in themes.items()}
            for name, themes in drawings.items()
        },
        brand=brand,
        logo=logo,
    )
    return written + "\n"


#: Media types of logos.
_KINDS = {"png": "png", "jpg": "jpeg"}


def _picture(svg: str) -> str:
    """A drawing as the address of a picture: what is in a picture never runs and asks nobody."""
    return f"data:image/svg+xml;base64,{_coded(svg.encode())}"


def _coded(content: bytes) -> str:
    return base64.b64encode(content).decode()


@lru_cache(maxsize=1)
def _template() -> Template:
    filters: dict[str, Callable[..., Any]] = {
        "clean": lambda text: clean_text(text, _LONGEST),
        "tiktok": safe_link,
        "bars": bars,
        "segments": _polylines,
    }
    return page_template("report.html.j2", filters)


def _polylines(values: Sequence[float | None]) -> list[str]:
    """Points of each stretch of a curve; a lone point becomes a short dash."""
    return [
        " ".join(f"{x},{y + 1}" for x, y in (points if len(points) > 1 else points * 2))
        for points in segments(values, _SPARK_WIDTH, _SPARK_HEIGHT)
    ]
