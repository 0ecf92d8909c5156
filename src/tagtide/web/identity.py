"""Who asks (session cookie, bearer token, open demo), and where a request comes from."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from urllib.parse import urlsplit

from fastapi import Request, Response

from tagtide.core.access import OPEN_DEMO, Identity, Verdict
from tagtide.services.accounts import Caller, identify
from tagtide.settings import LOOPBACK, WebSettings
from tagtide.web.guard import host_of

#: Name of the session cookie; behind https no other host can set one of that name.
COOKIE, SECURE_COOKIE = "tagtide", "__Host-tagtide"
#: Headers by which a proxy gives itself away.
_FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via")
#: A header names so many machines at most; the rest is made up.
_MOST_HOPS = 20


class NotLetIn(Exception):
    """The identity behind a request does not meet the need of the route."""

    def __init__(self, verdict: Verdict, who: Identity) -> None:
        super().__init__(verdict.value)
        self.verdict = verdict
        self.who = who


async def identity_of(request: Request) -> Identity:
    """The identity behind a request. A bearer token makes everything else count for nothing."""
    shared = request.app.state.shared
    token = bearer_of(request)
    if token is not None:
        return await identify(shared.app.accounts, token=token)
    if shared.is_open:
        return OPEN_DEMO
    return await identify(shared.app.accounts, session=request.cookies.get(cookie_name(request)))


def bearer_of(request: Request) -> str | None:
    """The token of any Authorization header with one; None where there is none.

    Other kinds, such as the Basic of a proxy in front, say nothing to tagtide.
    """
    for value in request.headers.getlist("authorization"):
        if value[:7].casefold() == "bearer ":
            return value[7:].strip()
    return None


# --- the cookie -----------------------------------------------------------------------------------


def is_secure(request: Request) -> bool:
    """Whether the browser speaks https: it came by the public address, and that is https."""
    public = urlsplit(_web(request).public_url or "")
    host = host_of(request.headers.get("host", ""))
    return public.scheme == "https" and host == (public.hostname or "")


def cookie_name(request: Request) -> str:
    """Under which the session stands in this browser."""
    return SECURE_COOKIE if is_secure(request) else COOKIE


def keep_session(request: Request, response: Response, secret: str) -> None:
    """Give a session to the browser, until it is closed or the session ends."""
    response.set_cookie(
        cookie_name(request),
        secret,
        max_age=int(_web(request).session_days * 86_400),
        path="/",
        secure=is_secure(request),
        httponly=True,
        samesite="lax",
    )


def drop_session(request: Request, response: Response) -> None:
    """Take the session from the browser."""
    response.delete_cookie(
        cookie_name(request),
        path="/",
        secure=is_secure(request),
        httponly=True,
        samesite="lax",
    )


# --- where a request comes from -------------------------------------------------------------------


def client_of(request: Request) -> Caller:
    """The address and the browser behind a request."""
    peer = request.client.host if request.client else ""
    hops = ",".join(request.headers.getlist("x-forwarded-for")).split(",")[-_MOST_HOPS:]
    address = client_address(peer, hops, _web(request).proxies)
    return Caller(address, request.headers.get("user-agent", ""))


def client_address(peer: str, hops: Sequence[str], proxies: Sequence[str]) -> str:
    """The nearest address that is not one of our proxies.

    Args:
        peer: Who opened the connection.
        hops: What the forwarding header says, the nearest last.
        proxies: Networks whose word counts.
    """
    networks = [ipaddress.ip_network(text) for text in proxies]
    found = peer
    for hop in reversed(hops):
        if not _is_within(found, networks):
            break
        try:
            found = str(ipaddress.ip_address(hop.strip()))
        except ValueError:
            break
    return found


def _is_within(
    address: str, networks: Sequence[ipaddress.IPv4Network | ipaddress.IPv6Network]
) -> bool:
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    mapped = getattr(found, "ipv4_mapped", None)
    return any((mapped or found) in network for network in networks)


def is_from_here(request: Request) -> bool:
    """Whether only this machine can have made the request: no proxy, no other name, no network."""
    web = _web(request)
    if web.host not in LOOPBACK or web.public_url is not None:
        return False
    if any(request.headers.get(name) is not None for name in _FORWARDED):
        return False
    peer = request.client.host if request.client else ""
    here = [ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128")]
    return host_of(request.headers.get("host", "")) in LOOPBACK and _is_within(peer, here)


def _web(request: Request) -> WebSettings:
    found: WebSettings = request.app.state.shared.app.loaded.settings.web
    return found
