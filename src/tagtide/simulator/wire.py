"""HTTP/1.1 on one connection: bytes to requests and replies to bytes, with every way to break them.

`Delivery` is how a reply reaches the peer. Everything but ``WHOLE`` is a fault on purpose.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from dataclasses import dataclass, field
from enum import Enum

import h11

from tagtide.ports import Clock

#: A request larger than this is refused; the real requests have some hundred bytes.
MAX_REQUEST_BYTES = 1 << 20
_READ_BYTES = 1 << 16


class Delivery(Enum):
    """How a reply is sent."""

    WHOLE = "whole"
    #: Close the connection without a byte.
    CLOSE = "close"
    #: Reset the connection (RST) without a byte.
    RESET = "reset"
    #: Send half of the body, then reset.
    RESET_MID_BODY = "reset_mid_body"
    #: Send nothing until the peer gives up.
    NEVER = "never"
    #: Send a few bytes per second.
    DRIP = "drip"


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """One request, body included."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer and how it is delivered."""

    status: int
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()
    content_type: str = "application/json"
    delivery: Delivery = Delivery.WHOLE
    #: For ``DRIP``.
    bytes_per_second: int = 100


class RequestTooLarge(Exception):
    """The request has more than `MAX_REQUEST_BYTES`."""


@dataclass(slots=True)
class Conversation:
    """The requests and replies of one connection, one after the other."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    clock: Clock
    _http: h11.Connection = field(default_factory=lambda: h11.Connection(h11.SERVER))

    async def next_request(self) -> HttpRequest | None:
        """The next request; None when the peer is done.

        Raises `h11.RemoteProtocolError` for what is not HTTP and `RequestTooLarge`.
        """
        if self._http.our_state is h11.DONE and self._http.their_state is h11.DONE:
            self._http.start_next_cycle()
        head = await self._next_event()
        if not isinstance(head, h11.Request):
            return None
        body = await self._body()
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in head.headers}
        path = head.target.decode("latin-1").partition("?")[0]
        return HttpRequest(head.method.decode("latin-1"), path, headers, body)

    async def _body(self) -> bytes:
        parts: list[bytes] = []
        size = 0
        while isinstance(event := await self._next_event(), h11.Data):
            parts.append(bytes(event.data))
            size += len(event.data)
            if size > MAX_REQUEST_BYTES:
                raise RequestTooLarge
        return b"".join(parts)

    async def _next_event(self) -> h11.Event | type[h11.PAUSED]:
        while True:
            event = self._http.next_event()
            if event is not h11.NEED_DATA:
                return event  # type: ignore[return-value]
            if self._http.they_are_waiting_for_100_continue:
                self._write(h11.InformationalResponse(status_code=100, headers=[]))
            self._http.receive_data(await self.reader.read(_READ_BYTES))

    async def send(self, reply: Reply) -> bool:
        """Deliver a reply; True when the connection can take another request."""
        match reply.delivery:
            case Delivery.WHOLE:
                self._write_whole(reply)
                await self.writer.drain()
                return self._http.our_state is h11.DONE
            case Delivery.DRIP:
                await self._drip(reply)
            case Delivery.RESET_MID_BODY:
                await self._send_half(reply)
                self._reset()
            case Delivery.RESET:
                self._reset()
            case Delivery.NEVER:
                while await self.reader.read(_READ_BYTES):
                    pass
            case Delivery.CLOSE:
                pass
        return False

    def refuse(self, reply: Reply) -> None:
        """Answer a request that could not be read, as far as that is still possible."""
        if self._http.our_state in {h11.IDLE, h11.SEND_RESPONSE}:
            with contextlib.suppress(h11.LocalProtocolError):
                self._write_whole(reply)

    def _head(self, reply: Reply) -> h11.Response:
        headers = [
            ("Content-Type", reply.content_type),
            ("Content-Length", str(len(reply.body))),
            *reply.headers,
        ]
        return h11.Response(status_code=reply.status, headers=headers)

    def _write(self, event: h11.Event) -> None:
        if data := self._http.send(event):
            self.writer.write(data)

    def _write_whole(self, reply: Reply) -> None:
        # One write for small answers: two would cost a second packet and a second wake-up.
        head = self._http.send(self._head(reply)) or b""
        body = self._http.send_with_data_passthrough(h11.Data(data=reply.body)) or []
        tail = self._http.send(h11.EndOfMessage()) or b""
        self.writer.writelines([head, *body, tail])

    async def _send_half(self, reply: Reply) -> None:
        self._write(self._head(reply))
        self.writer.write(reply.body[: len(reply.body) // 2])
        await self.writer.drain()

    async def _drip(self, reply: Reply) -> None:
        self._write(self._head(reply))
        step = max(1, reply.bytes_per_second // 10)
        for start in range(0, len(reply.body), step):
            self.writer.write(reply.body[start : start + step])
            await self.writer.drain()
            await self.clock.sleep(0.1)
            if self.writer.is_closing():
                return

    def _reset(self) -> None:
        # Linger 0 makes the kernel send RST instead of FIN.
        raw = self.writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()
