"""A socket as httpcore2 wants it, straight on asyncio.

The stream that httpcore2 brings cuts what has arrived into small pieces, with a timeout scope
around each, and sends head and body of a request one by one. With this one and the pool beside it
a call with an answer of 200 kB takes 2.2 instead of 3.1 ms of the processor.
"""

from __future__ import annotations

import asyncio
import select
import ssl
from typing import Any

import httpcore2

#: Bytes that may wait to be read before the peer is made to wait.
_MOST_WAITING = 1 << 20
#: Bytes to be sent that are not kept until somebody reads.
_MOST_UNSENT = 1 << 16


class _Arrivals(asyncio.Protocol):
    """What has arrived, and who waits for it."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self.ended = False
        self.error: Exception | None = None
        self.gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._pieces: list[bytes] = []
        self._size = 0
        self._waiter: asyncio.Future[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self._pieces.append(data)
        self._size += len(data)
        if self._size > _MOST_WAITING and self.transport is not None:
            self.transport.pause_reading()
        self._wake()

    def eof_received(self) -> bool:
        self.ended = True
        self._wake()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self.ended = True
        self.error = exc
        if not self.gone.done():
            self.gone.set_result(None)
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    @property
    def is_readable(self) -> bool:
        return self._size > 0 or self.ended

    async def wait(self, seconds: float | None) -> bool:
        """Until something has arrived or nothing will; False when it took too long.

        The alarm wakes and does not cancel: where the loop was busy until both are due, what has
        arrived counts.
        """
        loop = asyncio.get_running_loop()
        self._waiter = loop.create_future()
        alarm = None if seconds is None else loop.call_later(seconds, self._wake)
        try:
            await self._waiter
        finally:
            self._waiter = None
            if alarm is not None:
                alarm.cancel()
        return self.is_readable

    def take(self) -> bytes:
        """Everything that has arrived."""
        data = self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)
        self._pieces.clear()
        if self._size > _MOST_WAITING and self.transport is not None:
            self.transport.resume_reading()
        self._size = 0
        return data


class SocketStream(httpcore2.AsyncNetworkStream):
    """One connection."""

    def __init__(self, transport: asyncio.Transport, arrivals: _Arrivals) -> None:
        self._transport = transport
        self._arrivals = arrivals
        self._unsent = bytearray()
        self._readable = select.poll()
        self._readable.register(transport.get_extra_info("socket"), select.POLLIN)

    @classmethod
    async def connect(cls, address: str, port: int, timeout: float | None) -> SocketStream:  # noqa: ASYNC109 - as httpcore2 has it
        """Connect to a numeric address. Raises httpcore2's errors."""
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(timeout):
                transport, arrivals = await loop.create_connection(_Arrivals, address, port)
        except TimeoutError as error:
            raise httpcore2.ConnectTimeout from error
        except OSError as error:
            raise httpcore2.ConnectError(str(error)) from error
        return cls(transport, arrivals)

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002, ASYNC109 - the signature belongs to httpcore2
        """All that has arrived, also beyond ``max_bytes``: to cut it costs more than to keep it."""
        self._send()
        if not self._arrivals.is_readable and not await self._arrivals.wait(timeout):
            raise httpcore2.ReadTimeout
        data = self._arrivals.take()
        if not data and self._arrivals.error is not None:
            raise httpcore2.ReadError(str(self._arrivals.error)) from self._arrivals.error
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002, ASYNC109 - same
        """Sent when the answer is read, which follows at once: head and body become one packet."""
        self._unsent += buffer
        if len(self._unsent) > _MOST_UNSENT:
            self._send()

    def _send(self) -> None:
        if self._unsent:
            self._transport.write(bytes(self._unsent))
            self._unsent.clear()

    async def aclose(self) -> None:
        """Drop the connection; nothing that is still unsent is worth waiting for."""
        self._transport.abort()
        await asyncio.wait([self._arrivals.gone])

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - same
    ) -> httpcore2.AsyncNetworkStream:
        """Encrypt from here on. Raises httpcore2's errors."""
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(timeout):
                encrypted = await loop.start_tls(
                    self._transport, self._arrivals, ssl_context, server_hostname=server_hostname
                )
        except TimeoutError as error:
            self._transport.abort()
            raise httpcore2.ConnectTimeout from error
        except OSError as error:
            # That of a certificate is one of these, and is looked for behind what is raised.
            self._transport.abort()
            raise httpcore2.ConnectError(str(error)) from error
        assert encrypted is not None
        self._arrivals.transport = encrypted
        return SocketStream(encrypted, self._arrivals)

    def get_extra_info(self, info: str) -> Any:
        """``is_readable`` tells the pool that an idle peer has hung up, or is about to."""
        if info == "is_readable":
            return self._arrivals.is_readable or bool(self._readable.poll(0))
        return self._transport.get_extra_info(info)
