"""What every request passes before any page sees it, and every answer before it leaves.

Requests for a host that is not served here are refused, so that a foreign page cannot read these
through a name it controls; requests that change something must come from a page of ours; bodies are
bounded; every answer carries the headers that bind a browser.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any
from urllib.parse import urlsplit

import structlog
from starlette.requests import ClientDisconnect

from tagtide.ports import Clock
from tagtide.settings import LOOPBACK

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

_log = structlog.get_logger(__name__)

#: Addresses that listen on every interface: then the name in the request cannot be known.
EVERYWHERE = frozenset({"0.0.0.0", "::", ""})  # noqa: S104 - compared with, not bound to
#: Methods that must not change anything.
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
#: Bytes of a request's body, and seconds it may take to arrive.
LARGEST_BODY = 1_048_576
_BODY_SECONDS = 30
#: Bytes of a request's address and headers.
LARGEST_HEAD = 32_768

_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    # Not "no-referrer": forms of ours would then be sent with "Origin: null". Nobody else is told.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "interest-cohort=()",
}


def policy(nonce: str) -> str:
    """The content security policy of an answer: scripts by nonce, all else of ours or nothing."""
    return (
        f"default-src 'none'; script-src 'nonce-{nonce}'; style-src 'self'; img-src 'self' data:; "
        "font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; "
        "object-src 'none'; frame-ancestors 'none'"
    )


class Guard:
    """ASGI middleware around everything that is served.

    Args:
        inner: The application.
        clock: Gives nonces, and numbers of failures.
        host: The address listened on.
        public_url: Where people reach the pages, if that differs.
    """

    def __init__(
        self, inner: Application, *, clock: Clock, host: str, public_url: str | None
    ) -> None:
        self._inner = inner
        self._clock = clock
        self._hosts = allowed_hosts(host, public_url)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request; refuse it with one plain line where it must not come in."""
        if scope["type"] != "http":
            return
        headers = _headers_of(scope)
        nonce = scope.setdefault("state", {})["nonce"] = self._clock.token()
        answer = _Answer(send, nonce)
        refusal = self._refusal(scope, headers)
        if refusal is not None:
            await answer.plain(*refusal)
            return
        try:
            await self._inner(scope, _bounded(receive, headers), answer)
        except _TooLarge:
            await answer.plain(413, "The request is larger than 1 MiB.\n")
        except ClientDisconnect:
            _log.debug("client_left", path=shown_path(scope["path"]))
        except TimeoutError:
            await answer.plain(408, "The request took too long to arrive.\n")
        except Exception as error:  # noqa: BLE001 - the server would print a traceback of it
            number = failure_number(scope, self._clock)
            path = shown_path(scope["path"])
            _log.error("page_failed", path=path, number=number, exc_info=error)
            await answer.plain(500, f"{FAILED.format(number)}\n")

    def _refusal(self, scope: Scope, headers: dict[str, str]) -> tuple[int, str] | None:
        if _head_size(scope) > LARGEST_HEAD:
            return 431, "The address and the headers of the request are larger than 32 KiB.\n"
        method, host = scope["method"], headers.get("host", "")
        if self._hosts and host_of(host) not in self._hosts:
            return 421, "This host name is not served here.\n"
        if method not in SAFE and not is_own(headers) and not by_secret(scope["path"]):
            return 403, (
                "This request did not come from a page of this server. Programs send an "
                "Authorization header with a token.\n"
            )
        return None


def shown_path(path: str) -> str:
    """A path for the log: what is a secret in it is left out."""
    _, first, *_ = [*path.split("/", 2), ""]
    return f"/{first}/***" if first in {"shared", "unsubscribe"} else path


def by_secret(path: str) -> bool:
    """Whether the secret in an address is all that a change there needs, whoever sends it.

    A mail program that unsubscribes sends no origin, and who it is does not matter.
    """
    return path.startswith("/unsubscribe/")


def is_own(headers: dict[str, str]) -> bool:
    """Whether a request that changes something was made by a page of ours, or with a token.

    A browser adds ``Origin`` to every such request, and cannot be made to add ``Authorization``.
    """
    if headers.get("authorization", "")[:7].casefold() == "bearer ":
        return True
    return is_same_origin(headers)


def is_same_origin(headers: Mapping[str, str]) -> bool:
    """Whether a request says that a page of ours made it."""
    if headers.get("sec-fetch-site", "same-origin") != "same-origin":
        return False
    origin = urlsplit(headers.get("origin", ""))
    return origin.scheme in {"http", "https"} and origin.netloc == headers.get("host", "")


def allowed_hosts(host: str, public_url: str | None) -> frozenset[str]:
    """Names that requests may carry; empty where any may."""
    public = urlsplit(public_url).hostname if public_url else None
    named = frozenset({public}) if public else frozenset()
    if host in EVERYWHERE:
        return LOOPBACK | named if named else frozenset()
    return LOOPBACK | {host.casefold()} | named


def host_of(header: str) -> str:
    """The name in a Host header, without port and brackets."""
    if header.startswith("["):
        return header[1:].partition("]")[0]
    return header.partition(":")[0].casefold()


#: What is said of a fault of ours: nothing but where to look.
FAILED = "This page could not be made. The log has the details under {}."


def failure_number(scope: Scope, clock: Clock) -> str:
    """The number of a request's failure, the same in the answer and in the log."""
    found: str = scope["state"].setdefault("failure", clock.token()[:8])
    return found


class _TooLarge(Exception):
    """More bytes than a body may have."""


def _head_size(scope: Scope) -> int:
    headers = sum(len(name) + len(value) for name, value in scope["headers"])
    return headers + len(scope["path"]) + len(scope["query_string"])


def _headers_of(scope: Scope) -> dict[str, str]:
    return {
        name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]
    }


def _bounded(receive: Receive, headers: dict[str, str]) -> Receive:
    length = headers.get("content-length", "0")
    if not length.isdigit() or int(length) > LARGEST_BODY:

        async def refused() -> Message:
            raise _TooLarge

        return refused
    left = LARGEST_BODY
    is_whole = False
    deadline = asyncio.get_running_loop().time() + _BODY_SECONDS

    async def bounded() -> Message:
        nonlocal left, is_whole
        if is_whole:
            # What comes after the body is only the end of the connection: wait as long as it takes.
            return await receive()
        async with asyncio.timeout_at(deadline):
            message = await receive()
        left -= len(message.get("body", b""))
        is_whole = not message.get("more_body", False)
        if left < 0:
            raise _TooLarge
        return message

    return bounded


class _Answer:
    """Sends an answer with the headers of every answer; knows whether one has begun."""

    def __init__(self, send: Send, nonce: str) -> None:
        self._send = send
        self._nonce = nonce
        self._has_begun = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._has_begun = True
            message["headers"] = [*message.get("headers", []), *self._added(message)]
        await self._send(message)

    def _added(self, message: Message) -> list[tuple[bytes, bytes]]:
        given = {name.lower() for name, _ in message.get("headers", [])}
        added = {
            **_HEADERS,
            "Content-Security-Policy": policy(self._nonce),
            "Cache-Control": "no-store",
        }
        return [
            (name.lower().encode(), value.encode())
            for name, value in added.items()
            if name.lower().encode() not in given
        ]

    async def plain(self, status: int, text: str) -> None:
        """One line instead of the page; nothing where a page has begun already."""
        if self._has_begun:
            return
        body = text.encode()
        headers = [
            (b"content-type", b"text/plain; charset=utf-8"),
            (b"content-length", str(len(body)).encode()),
        ]
        await self({"type": "http.response.start", "status": status, "headers": headers})
        await self._send({"type": "http.response.body", "body": body})
