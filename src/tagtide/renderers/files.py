"""Files of reports, for messages that bring them along."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from tagtide.core.charts.base import Chart
from tagtide.core.messages import Block
from tagtide.renderers import render_pdf, render_xlsx
from tagtide.renderers.look import Brand
from tagtide.renderers.press import press


class ReportFiles:
    """`tagtide.ports.ReportPress`: drawing and typesetting in a process of its own, each time."""

    def __init__(self, brand: Callable[[], Brand]) -> None:
        """Take what gives the brand, which may read a logo and raise `ConfigError`."""
        self._brand = brand

    def file(
        self, style: str, blocks: Sequence[Block], title: str, as_of: datetime, timezone: str
    ) -> bytes:
        """A report as ``pdf`` or ``xlsx``. Raises `TagtideError` with what went wrong."""
        if style == "xlsx":
            return render_xlsx(blocks, as_of=as_of, timezone=timezone)
        return render_pdf(blocks, title, as_of, self._brand())

    def pictures(self, charts: Sequence[Chart]) -> Mapping[str, bytes]:
        """Charts as PNG, by their names. Raises `RenderingFailed`."""
        return press(charts, themes=(), png=True).png
