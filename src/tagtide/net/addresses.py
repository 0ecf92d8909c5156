"""Which addresses may be connected to: judged by number, whatever name led there."""

from __future__ import annotations

import asyncio
import ipaddress
import re
import socket
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

import httpx2

from tagtide.errors import InvalidInput

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
IPNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network

#: Ports outward; an address in the allow-list and loopback may use any.
PORTS = frozenset({443, 8443})
#: The same for mail servers.
MAIL_PORTS = frozenset({25, 465, 587, 2525})
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
    address: IPAddress,
    port: int,
    *,
    loopback: bool,
    allow: Sequence[IPNetwork] = (),
    ports: frozenset[int] = PORTS,
) -> Refusal | None:
    """Why a resolved address may not be connected to; None when it may.

    Args:
        address: Where a name leads.
        port: TCP port.
        loopback: The configured host is this machine, literally: nothing but loopback will do.
        allow: Networks that the configuration file opens explicitly.
        ports: Ports that public addresses may be connected to.
    """
    if loopback:
        return None if address.is_loopback else Refusal.PRIVATE
    if any(address in network for network in allow):
        return None
    if not is_public(address):
        return Refusal.PRIVATE
    return None if port in ports else Refusal.PORT


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

    @property
    def ascii_host(self) -> str:
        """The host as it is resolved and as certificates name it."""
        return self.url.raw_host.decode("ascii")


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


#: Blanks, backslashes, and full stops of other scripts, which turn into dots behind our back.
_ODD = re.compile(r"[\s\\\u3002\uff0e\uff61]")


def _refusal_of(url: str, allow_loopback: bool, allow: Sequence[IPNetwork]) -> Target | Refusal:
    if not url or len(url) > MAX_URL or not url.isprintable() or _ODD.search(url):
        return Refusal.MALFORMED
    try:
        parsed = httpx2.URL(url)
        usual = {"https": 443, "http": 80}.get(parsed.scheme, 0)
        port = usual if parsed.port is None else parsed.port
    except (httpx2.InvalidURL, ValueError):
        return Refusal.MALFORMED
    if (
        parsed.userinfo
        or not parsed.host
        or "%" in parsed.host
        or not 0 < port < 65_536
        or "@" in url.split("?", 1)[0].split("/", 3)[2]
    ):
        return Refusal.MALFORMED
    loopback = is_loopback_name(parsed.host)
    if parsed.scheme != "https" and not (parsed.scheme == "http" and loopback):
        return Refusal.SCHEME
    if loopback and not allow_loopback:
        return Refusal.PRIVATE
    refusal = _literal_refusal(parsed.host, port, loopback=loopback, allow=allow, ports=PORTS)
    return refusal or Target(parsed, parsed.host, port, loopback)


def _literal_refusal(
    host: str,
    port: int,
    *,
    loopback: bool,
    allow: Sequence[IPNetwork],
    ports: frozenset[int],
) -> Refusal | None:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        # A name may still be an address in an odd spelling; it is judged by where it leads.
        return None if port in ports or loopback or allow else Refusal.PORT
    return judge(address, port, loopback=loopback, allow=allow, ports=ports)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A host and a port that were looked at once and may be used."""

    #: As it is resolved and as certificates name it.
    host: str
    port: int
    loopback: bool


def vet_host(
    host: str, port: int, *, allow: Sequence[str] = (), ports: frozenset[int] = MAIL_PORTS
) -> Endpoint:
    """Check a configured host name or literal address without touching the network.

    Raises:
        InvalidInput: one of a few fixed sentences, which never quotes the host.
    """
    is_v6 = ":" in host
    if not host or len(host) > 253 or re.search(r"[/@?#%\[\]]", host) or not 0 < port < 65_536:
        raise InvalidInput(_SENTENCES[Refusal.MALFORMED])
    opened = networks(allow)
    found = _refusal_of(f"https://[{host}]/" if is_v6 else f"https://{host}/", True, _ANY)
    if isinstance(found, Refusal):
        raise InvalidInput(_SENTENCES[found])
    name, loopback = found.ascii_host, found.loopback
    refusal = _literal_refusal(name, port, loopback=loopback, allow=opened, ports=ports)
    if refusal is not None:
        raise InvalidInput(_SENTENCES[refusal])
    return Endpoint(name, port, loopback)


_ANY = (ipaddress.IPv4Network("0.0.0.0/0"), ipaddress.IPv6Network("::/0"))


def is_loopback_name(host: str) -> bool:
    """Whether a host is this machine by its literal name; no resolving, no odd spellings."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host) in _LOOPBACK_V4 or host == "::1"
    except ValueError:
        return False


_LOOPBACK_V4 = ipaddress.IPv4Network("127.0.0.0/8")


async def judged_addresses(
    host: str,
    port: int,
    *,
    loopback: bool,
    allow: Sequence[IPNetwork] = (),
    ports: frozenset[int] = PORTS,
    limit: float | None,
) -> list[IPAddress]:
    """Resolve a host once: all its addresses, none of them refused.

    Raises:
        AddressRefused: it is unknown, or one of its addresses may not be connected to.
    """
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(limit):
            found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise AddressRefused(Refusal.UNRESOLVED) from error
    addresses = [ipaddress.ip_address(entry[4][0]) for entry in found]
    for address in addresses:
        refusal = judge(address, port, loopback=loopback, allow=allow, ports=ports)
        if refusal is not None:
            raise AddressRefused(refusal)
    return addresses
