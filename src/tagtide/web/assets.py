"""Styles and scripts, served under an address that holds their digest: cached for ever."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import hashlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from tagtide.renderers.vega import Script, chart_script

_FOLDER = Path(__file__).parent / "assets"
_TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8"}
FOREVER = "public, max-age=31536000, immutable"
#: The charting program; made by `renderers.vega`, not a file of ours.
CHARTS = "charts.js"


@dataclass(frozen=True, slots=True)
class Asset:
    """A file as it is sent."""

    digest: str
    media_type: str
    plain: bytes
    gzipped: bytes


@lru_cache(maxsize=1)
def assets() -> dict[str, Asset]:
    """Every style and script, by name."""
    return {file.name: _read(file) for file in _FOLDER.iterdir() if file.suffix in _TYPES}


class ChartProgram:
    """The script that draws charts: made or read once, when it is first asked for."""

    def __init__(self) -> None:
        self._made: asyncio.Future[Script] | None = None

    async def script(self) -> Script:
        """The script. Raises `OSError` where it cannot be made; the next one asks again."""
        if self._made is None or (self._made.done() and self._made.exception() is not None):
            self._made = asyncio.ensure_future(chart_script())
        return await asyncio.shield(self._made)

    async def warm(self) -> None:
        """Have it ready for the first page; whoever cannot make it now tries again then."""
        with contextlib.suppress(OSError):
            await self.script()

    def close(self) -> None:
        """Stop making it."""
        if self._made is not None:
            self._made.cancel()


def address(name: str) -> str:
    """Where a page finds the file of that name."""
    return f"/assets/{assets()[name].digest}/{name}"


def _read(file: Path) -> Asset:
    plain = file.read_bytes()
    digest = hashlib.sha256(plain).hexdigest()[:16]
    return Asset(digest, _TYPES[file.suffix], plain, gzip.compress(plain, 9, mtime=0))
