"""Clients of the local server that show what is really on the wire."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from tagtide.simulator import SimulatorServer

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
KEY = "sk_test_key"


@dataclass(frozen=True)
class Got:
    """An answer as received."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def data(self) -> Any:
        return self.json["data"]


@dataclass
class Api:
    """A blocking client of one server that adds nothing and hides nothing."""

    server: SimulatorServer

    def post(self, path: str, body: Any, *, key: str | None = KEY) -> Got:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.request("POST", path, content, key=key)

    def tiktok(self, path: str, **params: Any) -> Got:
        return self.post(f"/api/v1/tiktok/{path}", params)

    def request(
        self, method: str, path: str, body: bytes | None = None, *, key: str | None = KEY
    ) -> Got:
        connection = http.client.HTTPConnection(self.server.host, self.server.port, timeout=10)
        headers = {"Content-Type": "application/json"}
        if key is not None:
            headers["Authorization"] = f"Bearer {key}"
        with contextlib.closing(connection):
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            return Got(response.status, dict(response.getheaders()), response.read())

    def id_of(self, name: str) -> str:
        challenge = self.tiktok("hashtag", hashtag_name=name).data["challengeInfo"]["challenge"]
        return str(challenge["id"])

    def open(self, path: str, params: Any) -> socket.socket:
        """A raw connection on which a request was sent and nothing was read."""
        raw = socket.create_connection((self.server.host, self.server.port), timeout=10)
        raw.sendall(raw_request(path, params))
        return raw


def raw_request(path: str, params: Any) -> bytes:
    body = json.dumps(params).encode()
    head = (
        f"POST /api/v1/tiktok/{path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {KEY}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def read_all(raw: socket.socket) -> bytes:
    parts = []
    while part := raw.recv(65_536):
        parts.append(part)
    return b"".join(parts)


Serve = Callable[..., Api]
