"""To be filled in."""

from __future__ import annotations

from collections.abc import Sequence

from tagtide.core.messages import Block


def render(blocks: Sequence[Block], width: int = 100, *, color: bool = False) -> str:
    """Render."""
    raise NotImplementedError
