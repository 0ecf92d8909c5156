"""Clients of web addresses through the gate.

The certificate is checked against the name. A client talks to the one host it was made for, follows
no redirect and ignores the environment's proxies and ``~/.netrc``.
"""

from __future__ import annotations

import logging
import ssl
from collections.abc import Sequence
from typing import Any

import httpcore2
import httpx2

from tagtide.net.addresses import (
    AddressRefused,
    IPNetwork,
    Refusal,
    Target,
    judged_addresses,
    networks,
)
from tagtide.net.pool import HostPool
from tagtide.net.streams import SocketStream

# These libraries log whole URLs, and the URL of a hook is a secret.
for _name in ("httpx2", "httpcore2"):
    logging.getLogger(_name).setLevel(logging.WARNING)

# --- connections ----------------------------------------------------------------------------------


class _GateBackend(httpcore2.AsyncNetworkBackend):
    """Connects to judged addresses of one host."""

    def __init__(self, target: Target, allow: Sequence[IPNetwork]) -> None:
        self._target = target
        self._allow = tuple(allow)

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the signature belongs to httpcore2
        local_address: str | None = None,  # noqa: ARG002 - same; nobody sets it
        socket_options: Any = None,  # noqa: ARG002 - same
    ) -> httpcore2.AsyncNetworkStream:
        if (host, port) != (self._target.ascii_host, self._target.port):
            raise AddressRefused(Refusal.HOST)
        failure: Exception | None = None
        loopback = self._target.loopback
        for address in await judged_addresses(
            host, port, loopback=loopback, allow=self._allow, limit=timeout
        ):
            try:
                return await SocketStream.connect(str(address), port, timeout)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                failure = error
        raise failure or AddressRefused(Refusal.UNRESOLVED)

    async def connect_unix_socket(self, *_: Any, **__: Any) -> httpcore2.AsyncNetworkStream:
        raise AddressRefused(Refusal.SCHEME)


class _GateTransport(httpx2.AsyncHTTPTransport):
    """httpx2's transport over the gate; the base class would open sockets by itself."""

    def __init__(
        self, target: Target, allow: Sequence[IPNetwork], context: ssl.SSLContext | None, size: int
    ) -> None:
        # The base constructor is left out on purpose: all it does is build another pool.
        backend = _GateBackend(target, allow)
        self._pool = HostPool(backend, context, size)  # type: ignore[assignment]


def make_client(
    target: Target,
    *,
    allow: Sequence[str] = (),
    connect: float = 10.0,
    read: float = 60.0,
    connections: int = 100,
    headers: dict[str, str] | None = None,
    context: ssl.SSLContext | None = None,
) -> httpx2.AsyncClient:
    """A client that reaches one host, through the gate.

    It follows no redirects, keeps no cookies between hosts, and reads neither proxies nor
    ``~/.netrc`` from the environment. It sets no total deadline; callers do.

    Args:
        target: From `vet_url`.
        allow: CIDR networks to allow although they are private.
        connect: Seconds to connect.
        read: Seconds between two pieces of an answer.
        connections: Largest number at once.
        headers: Sent with every request.
        context: TLS settings; by default the system's certificates are trusted.
    """
    if context is None and target.url.scheme == "https":
        context = httpx2.create_ssl_context(trust_env=False)
    return httpx2.AsyncClient(
        transport=_GateTransport(target, networks(allow), context, connections),
        timeout=httpx2.Timeout(read, connect=connect, pool=None),
        headers=headers,
        trust_env=False,
        follow_redirects=False,
    )
