"""Files of reports, for messages that bring them along."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from tagtide.core.charts.base import Chart
from tagtide.core.messages import Block
from tagtide.renderers import render_pdf, render_xlsx
from tagtide.renderers.look import Brand
from tagtide.renderers.press import press

_REMEMBERED = 32


class ReportFiles:
    """`tagtide.ports.ReportPress`: drawing and typesetting in a process of its own, each time."""

    def __init__(self, brand: Callable[[], Brand]) -> None:
        """Take what gives the brand, which may read a logo and raise `ConfigError`."""
        self._brand = brand
        #: Pictures that were drawn lately, by what they show: chats fetch one for each reader.
        self._drawn: dict[str, bytes] = {}
        self._lock = threading.Lock()

    def file(
        self, style: str, blocks: Sequence[Block], title: str, as_of: datetime, timezone: str
    ) -> bytes:
        """A report as ``pdf`` or ``xlsx``. Raises `TagtideError` with what went wrong."""
        if style == "xlsx":
            return render_xlsx(blocks, as_of=as_of, timezone=timezone)
        return render_pdf(blocks, title, as_of, self._brand())

    def pictures(self, charts: Sequence[Chart]) -> Mapping[str, bytes]:
        """Charts as PNG, by their names. Raises `RenderingFailed`."""
        keys = {chart.name: _key(chart) for chart in charts}
        with self._lock:
            found = {n: self._drawn[key] for n, key in keys.items() if key in self._drawn}
        missing = [chart for chart in charts if chart.name not in found]
        if missing:
            found |= press(missing, themes=(), png=True).png
            with self._lock:
                self._drawn |= {keys[chart.name]: found[chart.name] for chart in missing}
                while len(self._drawn) > _REMEMBERED:
                    del self._drawn[next(iter(self._drawn))]
        return found


def _key(chart: Chart) -> str:
    return hashlib.sha256(json.dumps(chart.spec, sort_keys=True).encode()).hexdigest()
