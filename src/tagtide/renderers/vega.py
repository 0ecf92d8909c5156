"""The program that draws charts in a page: Vega, Vega-Lite and Vega-Embed as one script.

It is made once by the charting library, in a process of its own (the library brings a JavaScript
engine that the server need not hold), and kept in the user's cache folder.
"""

from __future__ import annotations

import asyncio
import gzip
import os
import sys
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

_MAKE = "import sys, vl_convert; sys.stdout.write(vl_convert.javascript_bundle())"
#: A bundle is some 900 kB; anything much smaller is not one.
_SMALLEST = 100_000


@dataclass(frozen=True, slots=True)
class Script:
    """The script as it is sent."""

    plain: bytes
    gzipped: bytes


def script_version() -> str:
    """Changes when the script does."""
    return version("vl-convert-python")


async def chart_script() -> Script:
    """The script, from the cache or made now (some seconds). Raises `OSError`."""
    file = _cached()
    try:
        plain = file.read_bytes()
    except OSError:
        plain = b""
    if len(plain) < _SMALLEST:
        plain = await _made()
        _keep(file, plain)
    return Script(plain, gzip.compress(plain, 6, mtime=0))


async def _made() -> bytes:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _MAKE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    try:
        plain, _ = await process.communicate()
    except asyncio.CancelledError:
        process.kill()
        await process.wait()
        raise
    if process.returncode or len(plain) < _SMALLEST:
        raise OSError("the charting library could not make its script")
    return plain


def _cached() -> Path:
    home = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(home) / "tagtide" / f"vega-{script_version()}.js"


def _keep(file: Path, content: bytes) -> None:
    """Into the cache if it takes it; whole or not at all."""
    part = file.with_suffix(f".{os.getpid()}.part")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(content)
        part.replace(file)
    except OSError:
        part.unlink(missing_ok=True)
