"""Conversations with mail servers through the gate.

The socket is connected here, to the judged address; `smtplib` speaks over it in a thread. At the
deadline, or when the caller is cancelled, the socket is shut down under it, so that no server can
hold the thread.
"""

from __future__ import annotations

import asyncio
import smtplib
import socket
import ssl
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from typing import IO, Any, TypeVar

from tagtide.net.addresses import (
    MAIL_PORTS,
    AddressRefused,
    Endpoint,
    IPAddress,
    Refusal,
    judged_addresses,
    networks,
)

T = TypeVar("T")

CONNECT_SECONDS = 5.0
#: Bytes a server may say in one conversation.
MAX_ANSWERS = 64 * 1024


class _Answers:
    """What the server says, up to a limit."""

    def __init__(self, inner: IO[bytes]) -> None:
        self._inner = inner
        self._left = MAX_ANSWERS

    def readline(self, limit: int = -1) -> bytes:
        line = self._inner.readline(limit)
        self._left -= len(line)
        if self._left < 0:
            raise smtplib.SMTPServerDisconnected("too many words")
        return line

    def close(self) -> None:
        self._inner.close()


class GateSMTP(smtplib.SMTP):
    """smtplib over a connected socket; certificates are checked against the name."""

    def __init__(
        self, endpoint: Endpoint, connected: socket.socket, context: ssl.SSLContext | None
    ) -> None:
        """Read the greeting.

        Args:
            endpoint: Whom the socket is connected to.
            connected: A blocking socket with a timeout.
            context: To speak TLS from the first byte; None begins in clear.
        """
        self._connected = connected
        self._context = context
        # A literal as own name keeps smtplib from looking up that of this machine.
        super().__init__(endpoint.host, endpoint.port, local_hostname="[127.0.0.1]")

    def _get_socket(self, host: str, port: int, timeout: Any) -> socket.socket:  # noqa: ARG002 - the signature belongs to smtplib
        if self._context is None:
            return self._connected
        return self._context.wrap_socket(self._connected, server_hostname=host)

    @property
    def file(self) -> Any:
        """The server's words; smtplib opens and closes it."""
        return self.__dict__.get("_file")

    @file.setter
    def file(self, inner: IO[bytes] | None) -> None:
        self.__dict__["_file"] = None if inner is None else _Answers(inner)


async def converse(
    endpoint: Endpoint,
    talk: Callable[[GateSMTP], T],
    *,
    context: ssl.SSLContext | None,
    seconds: float,
    allow: Sequence[str] = (),
    executor: Executor | None = None,
) -> T:
    """Connect and let ``talk`` speak, in a thread, for at most so many seconds in all.

    Args:
        endpoint: From `vet_host`.
        talk: What to say; a blocking function.
        context: TLS from the first byte; None begins in clear.
        seconds: Total deadline.
        allow: CIDR networks to allow although they are private.
        executor: Where the thread comes from.

    Raises:
        AddressRefused: nothing was sent.
        TimeoutError: the deadline has passed.
        OSError, smtplib.SMTPException: from the conversation.
    """
    async with asyncio.timeout(seconds):
        connected = await _connect(endpoint, allow)
        # TLS takes the socket over; a second handle can always end the connection.
        handle = connected.dup()

        def run() -> T:
            connected.settimeout(seconds)
            with connected:
                server = GateSMTP(endpoint, connected, context)
                try:
                    return talk(server)
                finally:
                    server.close()

        work = asyncio.get_running_loop().run_in_executor(executor, run)
        try:
            return await asyncio.shield(work)
        except BaseException:
            _shut_down(handle)
            # Whatever it ends with: the conversation is over.
            work.add_done_callback(lambda done: done.cancelled() or done.exception())
            raise
        finally:
            handle.close()


def _shut_down(handle: socket.socket) -> None:
    try:
        handle.shutdown(socket.SHUT_RDWR)
    except OSError:
        return


async def _connect(endpoint: Endpoint, allow: Sequence[str]) -> socket.socket:
    addresses = await judged_addresses(
        endpoint.host,
        endpoint.port,
        loopback=endpoint.loopback,
        allow=networks(allow),
        ports=MAIL_PORTS,
        limit=CONNECT_SECONDS,
    )
    failure: OSError | None = None
    for address in addresses:
        try:
            return await _connect_to(address, endpoint.port)
        except OSError as error:
            failure = error
    raise failure or AddressRefused(Refusal.UNRESOLVED)


async def _connect_to(address: IPAddress, port: int) -> socket.socket:
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    connected = socket.socket(family, socket.SOCK_STREAM)
    try:
        connected.setblocking(False)
        async with asyncio.timeout(CONNECT_SECONDS):
            await asyncio.get_running_loop().sock_connect(connected, (str(address), port))
    except BaseException:
        connected.close()
        raise
    return connected
