"""Styles and scripts, served under an address that holds their digest: cached for ever."""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

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


def address(name: str) -> str:
    """Where a page finds the file of that name."""
    return f"/assets/{assets()[name].digest}/{name}"


def _read(file: Path) -> Asset:
    plain = file.read_bytes()
    digest = hashlib.sha256(plain).hexdigest()[:16]
    return Asset(digest, _TYPES[file.suffix], plain, gzip.compress(plain, 9, mtime=0))
