"""A server of raw sockets: it sends exactly the bytes that a test gives it, and counts."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from tagtide.clock import SystemClock
from tagtide.tiktok import ScavioSource

KEY = "sk_test_do_not_tell_anyone"


@dataclass
class Seen:
    """A request as it arrived."""

    line: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self):
        return json.loads(self.body)


@dataclass
class RawServer:
    """Answers each request with ``respond(seen, writer)``."""

    respond: object
    seen: list[Seen] = field(default_factory=list)
    connections: int = 0
    in_flight: int = 0
    most_in_flight: int = 0
    url: str = ""

    async def connected(self, reader, writer):
        self.connections += 1
        try:
            while request := await read_request(reader):
                self.seen.append(request)
                self.in_flight += 1
                self.most_in_flight = max(self.most_in_flight, self.in_flight)
                try:
                    await self.respond(request, writer)
                    await writer.drain()
                finally:
                    self.in_flight -= 1
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


async def read_request(reader):
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    line, *lines = head.strip().split("\r\n")
    headers = {name.lower(): value for name, value in (text.split(": ", 1) for text in lines)}
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return Seen(line, headers, body)


def http(status=200, body=b"{}", headers=()):
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


@asynccontextmanager
async def served(respond):
    server = RawServer(respond)
    listener = await asyncio.start_server(server.connected, "127.0.0.1", 0, limit=2**20)
    server.url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
    try:
        yield server
    finally:
        listener.close()


@asynccontextmanager
async def source_of(server, **settings):
    source = ScavioSource(base_url=server.url, api_key=KEY, clock=SystemClock(), **settings)
    try:
        yield source
    finally:
        await source.aclose()


async def outcome(call):
    try:
        return await call
    except Exception as error:  # noqa: BLE001 - the test judges it, whatever it is
        return error


def saying(*answers):
    """A responder that sends these raw answers in turn, the last one for ever."""
    left = list(answers)

    async def respond(_, writer):
        writer.write(left.pop(0) if len(left) > 1 else left[0])

    return respond
