"""Keeps exchanges with the data API as files that the local server can replay."""

from __future__ import annotations

import base64
import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tagtide.errors import UnexpectedResponse
from tagtide.ports import Clock
from tagtide.tiktok.wire import ApiRequest, decode_body


class Recorder:
    """Writes each exchange as one JSON file, readable by its owner only; never the key.

    A file holds ``endpoint``, ``path``, ``request`` (the JSON sent, or null), ``status``,
    ``headers`` (a few harmless ones), ``body`` (the JSON received, or ``{"base64": ...}``) and
    ``recorded_at``. Names sort by time.
    """

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._folder = folder
        self._clock = clock

    def __call__(
        self, request: ApiRequest, status: int, headers: Mapping[str, str], body: bytes
    ) -> None:
        """Write one exchange. Raises `OSError`."""
        now = self._clock.now()
        record = {
            "endpoint": request.endpoint,
            "path": request.path,
            "request": request.body,
            "status": status,
            "headers": dict(headers),
            "body": _readable(body),
            "recorded_at": now.isoformat().replace("+00:00", "Z"),
        }
        token = re.sub(r"[^A-Za-z0-9]", "", self._clock.token())[:8]
        name = f"{now:%Y%m%dT%H%M%S%f}Z-{request.endpoint}-{token}.json"
        self._write(name, json.dumps(record, indent=1).encode())

    def _write(self, name: str, content: bytes) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        part = self._folder / f".{name}.part"
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        part.rename(self._folder / name)


def _readable(body: bytes) -> Any:
    try:
        return decode_body(body)
    except UnexpectedResponse:
        return {"base64": base64.b64encode(body).decode("ascii")}
