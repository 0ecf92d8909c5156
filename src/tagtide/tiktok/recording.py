"""Keeps exchanges with the data API as files that the local server can replay."""

from __future__ import annotations

import base64
import hashlib
import json
import os
from pathlib import Path
from typing import Any

from tagtide.core.formats import iso_utc
from tagtide.errors import UnexpectedResponse
from tagtide.tiktok.client import Exchange
from tagtide.tiktok.wire import decode_body


class Recorder:
    """Writes each exchange as one JSON file, readable by its owner only; never the key.

    A file holds ``endpoint``, ``path``, ``request`` (the JSON sent, or null), ``status``,
    ``headers`` (a few harmless ones), ``body`` (the JSON received, or ``{"base64": ...}``) and
    ``recorded_at``. Names sort by time.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __call__(self, exchange: Exchange) -> None:
        """Write one exchange. Raises `OSError`."""
        at = exchange.recorded_at
        record = {
            "endpoint": exchange.request.endpoint,
            "path": exchange.request.path,
            "request": exchange.request.body,
            "status": exchange.status,
            "headers": dict(exchange.headers),
            "body": _readable(exchange.body),
            "recorded_at": iso_utc(at),
        }
        content = json.dumps(record, indent=1).encode()
        mark = hashlib.sha256(content).hexdigest()[:8]
        name = f"{at:%Y%m%dT%H%M%S%f}Z-{exchange.request.endpoint}-{mark}.json"
        self._write(name, content)

    def _write(self, name: str, content: bytes) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        part = self._folder / f".{name}.part"
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        part.rename(self._folder / name)


def _readable(body: bytes) -> Any:
    try:
        return decode_body(body)
    except UnexpectedResponse:
        return {"base64": base64.b64encode(body).decode("ascii")}
