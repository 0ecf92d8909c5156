"""What the use cases of accounts work with."""

from __future__ import annotations

import hashlib
import ipaddress
from dataclasses import dataclass

from tagtide.core.access import AccessPolicy
from tagtide.core.formats import clean_text
from tagtide.ports import AccountStore, Clock, Passwords

_LONGEST_AGENT = 160


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountContext:
    """Ports and policy of accounts in one process."""

    store: AccountStore
    passwords: Passwords
    clock: Clock
    policy: AccessPolicy


@dataclass(frozen=True, slots=True)
class Caller:
    """Where a request comes from, as the server sees it."""

    address: str
    agent: str = ""

    @property
    def shown_agent(self) -> str:
        """What the browser says of itself, as one safe line."""
        return clean_text(self.agent, _LONGEST_AGENT)

    @property
    def network(self) -> str:
        """What counts as one address: of IPv6 the 64 bits that one household has."""
        try:
            address = ipaddress.ip_address(self.address.partition("%")[0])
        except ValueError:
            return clean_text(self.address, 60) or "unknown"
        if isinstance(address, ipaddress.IPv6Address):
            if address.ipv4_mapped is not None:
                return str(address.ipv4_mapped)
            return str(ipaddress.ip_network((address, 64), strict=False))
        return str(address)


def secret_hash(secret: str) -> str:
    """What is kept of a session, a token or a set-up token: they hold 128 bit of chance each."""
    return hashlib.sha256(secret.encode(errors="surrogatepass")).hexdigest()
