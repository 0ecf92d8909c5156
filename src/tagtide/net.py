"""The outbound gate: every socket that tagtide opens outward is opened here.

A name is resolved and judged in the step that connects, and the connection goes to the judged
address, so that nothing can change in between. The certificate is checked against the name. A
client talks to the one host it was made for, follows no redirect and ignores the environment's
proxies and ``~/.netrc``.
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import select
import socket
import ssl
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import httpcore2
import httpx2

from tagtide.errors import InvalidInput

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
IPNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network

# These libraries log whole URLs, and the URL of a hook is a secret.
for _name in ("httpx2", "httpcore2"):
    logging.getLogger(_name).setLevel(logging.WARNING)

#: Ports outward; an address in the allow-list and loopback may use any.
PORTS = frozenset({443, 8443})
MAX_URL = 2_048


class Refusal(StrEnum):
    """Why an address is not used; the only words a person is told."""

    MALFORMED = "malformed"
    SCHEME = "scheme"
    HOST = "host"
    PORT = "port"
    PRIVATE = "private"
    UNRESOLVED = "unresolved"


_SENTENCES = {
    Refusal.MALFORMED: "The address is malformed.",
    Refusal.SCHEME: "The address must begin with https:// (http:// to this machine only).",
    Refusal.HOST: "The address leads to another host than it was set for.",
    Refusal.PORT: "The address uses a port that is not allowed.",
    Refusal.PRIVATE: "The address leads into a private network.",
    Refusal.UNRESOLVED: "The host name is not known.",
}


class AddressRefused(httpx2.ConnectError):
    """Nothing was sent, because the address may not be used. Names no address."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(_SENTENCES[refusal])
        self.refusal = refusal


# --- addresses ------------------------------------------------------------------------------------

_CLOSED_V4 = tuple(
    ipaddress.IPv4Network(text)
    for text in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "168.63.129.16/32",  # a cloud's metadata and DNS on an otherwise public address
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
    )
)
#: Mapped, compatible, NAT64, unique local, link and site local and multicast lie outside.
_OPEN_V6 = ipaddress.IPv6Network("2000::/3")
_CLOSED_V6 = tuple(
    ipaddress.IPv6Network(text)
    for text in (
        "2001::/23",  # Teredo, benchmarking, ORCHID
        "2001:db8::/32",
        "2002::/16",  # 6to4
        "3fff::/20",
    )
)
#: Interface identifiers of ISATAP, which carry an IPv4 address behind them.
_ISATAP = frozenset({0x0000_5EFE, 0x0200_5EFE})


def is_public(address: IPAddress) -> bool:
    """Whether an address is globally reachable and hides no other address inside."""
    if isinstance(address, ipaddress.IPv4Address):
        return address.is_global and not any(address in network for network in _CLOSED_V4)
    return (
        address in _OPEN_V6
        and address.scope_id is None
        and address.is_global
        and not any(address in network for network in _CLOSED_V6)
        and (int(address) >> 32) & 0xFFFF_FFFF not in _ISATAP
    )


def judge(
    address: IPAddress, port: int, *, loopback: bool, allow: Sequence[IPNetwork] = ()
) -> Refusal | None:
    """Why a resolved address may not be connected to; None when it may.

    Args:
        address: Where a name leads.
        port: TCP port.
        loopback: The configured host is this machine, literally: nothing but loopback will do.
        allow: Networks that the configuration file opens explicitly.
    """
    if loopback:
        return None if address.is_loopback else Refusal.PRIVATE
    if any(address in network for network in allow):
        return None
    if not is_public(address):
        return Refusal.PRIVATE
    return None if port in PORTS else Refusal.PORT


def networks(texts: Iterable[str]) -> tuple[IPNetwork, ...]:
    """Read an allow-list of CIDR networks. Raises `InvalidInput` for one that is none."""
    try:
        return tuple(ipaddress.ip_network(text.strip()) for text in texts)
    except ValueError as error:
        raise InvalidInput("An allow-list entry is not a network such as 10.1.0.0/16.") from error


# --- URLs -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Target:
    """A URL that was looked at once and may be used. It may be a secret: its repr is bare."""

    url: httpx2.URL
    host: str
    port: int
    loopback: bool

    def __repr__(self) -> str:
        return f"Target(loopback={self.loopback})"


def vet_url(url: str, *, allow_loopback_http: bool = True, allow: Sequence[str] = ()) -> Target:
    """Check a configured URL without touching the network.

    https only; http to this machine by its literal name (``localhost``, ``127.x.y.z``, ``::1``),
    unless ``allow_loopback_http`` is off. Refused: user info, backslashes, blanks and control
    characters, literal addresses that are not public and not in ``allow``. A name is judged
    again, by its addresses, when it is connected to.

    Raises:
        InvalidInput: one of a few fixed sentences, which never quotes the URL.
    """
    refused = _refusal_of(url, allow_loopback_http, networks(allow))
    if isinstance(refused, Refusal):
        raise InvalidInput(_SENTENCES[refused])
    return refused


def _refusal_of(url: str, allow_loopback: bool, allow: Sequence[IPNetwork]) -> Target | Refusal:
    if not url or len(url) > MAX_URL or "\\" in url or not url.isprintable() or " " in url:
        return Refusal.MALFORMED
    try:
        parsed = httpx2.URL(url)
        port = parsed.port or {"https": 443, "http": 80}.get(parsed.scheme, 0)
    except (httpx2.InvalidURL, ValueError):
        return Refusal.MALFORMED
    if (
        parsed.userinfo
        or not parsed.host
        or not 0 <= port < 65_536
        or "@" in url.split("?", 1)[0].split("/", 3)[2]
    ):
        return Refusal.MALFORMED
    loopback = is_loopback_name(parsed.host)
    if parsed.scheme != "https" and not (parsed.scheme == "http" and loopback):
        return Refusal.SCHEME
    if loopback and not allow_loopback:
        return Refusal.PRIVATE
    target = Target(parsed, parsed.host, port, loopback)
    return _literal_refusal(target, allow) or target


def _literal_refusal(target: Target, allow: Sequence[IPNetwork]) -> Refusal | None:
    try:
        address = ipaddress.ip_address(target.host)
    except ValueError:
        return None
    return judge(address, target.port, loopback=target.loopback, allow=allow)


def is_loopback_name(host: str) -> bool:
    """Whether a host is this machine by its literal name; no resolving, no odd spellings."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host) in _LOOPBACK_V4 or host == "::1"
    except ValueError:
        return False


_LOOPBACK_V4 = ipaddress.IPv4Network("127.0.0.0/8")


# --- connections ----------------------------------------------------------------------------------


class _GateBackend(httpcore2.AsyncNetworkBackend):
    """Connects to judged addresses of one host."""

    def __init__(self, target: Target, allow: Sequence[IPNetwork]) -> None:
        self._target = target
        self._allow = tuple(allow)
        self._backend = httpcore2.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the signature belongs to httpcore2
        local_address: str | None = None,
        socket_options: Any = None,
    ) -> httpcore2.AsyncNetworkStream:
        if (host, port) != (self._target.host, self._target.port):
            raise AddressRefused(Refusal.HOST)
        failure: Exception | None = None
        for address in await self._addresses(host, port, timeout):
            try:
                stream = await self._backend.connect_tcp(
                    str(address), port, timeout, local_address, socket_options
                )
                return _GateStream(stream)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                failure = error
        raise failure or AddressRefused(Refusal.UNRESOLVED)

    async def connect_unix_socket(self, *_: Any, **__: Any) -> httpcore2.AsyncNetworkStream:
        raise AddressRefused(Refusal.SCHEME)

    async def sleep(self, seconds: float) -> None:
        await self._backend.sleep(seconds)

    async def _addresses(self, host: str, port: int, limit: float | None) -> list[IPAddress]:
        """All addresses of the host, none of them refused."""
        try:
            async with asyncio.timeout(limit):
                found = await asyncio.get_running_loop().getaddrinfo(
                    host, port, type=socket.SOCK_STREAM
                )
        except (OSError, UnicodeError) as error:
            raise AddressRefused(Refusal.UNRESOLVED) from error
        addresses = [ipaddress.ip_address(entry[4][0]) for entry in found]
        for address in addresses:
            refusal = judge(address, port, loopback=self._target.loopback, allow=self._allow)
            if refusal is not None:
                raise AddressRefused(refusal)
        return addresses


class _GateStream(httpcore2.AsyncNetworkStream):
    """A stream that is cheap to ask whether the peer has closed it.

    The pool asks that of every idle connection at every request; the stream inside would gather
    all that is known about the socket each time.
    """

    def __init__(self, stream: httpcore2.AsyncNetworkStream) -> None:
        self._stream = stream
        self._readable = select.poll()
        self._readable.register(stream.get_extra_info("socket"), select.POLLIN)

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109 - the signature belongs to httpcore2
        return await self._stream.read(max_bytes, timeout)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109 - same
        await self._stream.write(buffer, timeout)

    async def aclose(self) -> None:
        await self._stream.aclose()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - same
    ) -> httpcore2.AsyncNetworkStream:
        return _GateStream(await self._stream.start_tls(ssl_context, server_hostname, timeout))

    def get_extra_info(self, info: str) -> Any:
        if info == "is_readable":
            return bool(self._readable.poll(0))
        return self._stream.get_extra_info(info)


class _GateTransport(httpx2.AsyncHTTPTransport):
    """httpx2's transport over the gate; the base class would open sockets by itself."""

    def __init__(
        self, target: Target, allow: Sequence[IPNetwork], context: ssl.SSLContext | None, size: int
    ) -> None:
        # The base constructor is left out on purpose: all it does is build another pool.
        self._pool = httpcore2.AsyncConnectionPool(
            ssl_context=context,
            max_connections=size,
            max_keepalive_connections=size,
            keepalive_expiry=15.0,
            network_backend=_GateBackend(target, allow),
        )


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
