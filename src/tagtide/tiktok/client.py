"""One attempt at a call of the data API. Retries belong to the caller.

Each attempt ends in an answer or in a `SourceError` that says whether it was billed, as far as
anyone can know. The key goes to the configured host only and stands in no message.
"""

from __future__ import annotations

import asyncio
import json
import logging
import ssl
import zlib
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import httpx2

from tagtide.errors import (
    AnswerLost,
    Charge,
    ConfigError,
    RateLimited,
    Reason,
    SourceError,
    SourceUnavailable,
    UnexpectedResponse,
)
from tagtide.net import AddressRefused, make_client, vet_url
from tagtide.ports import Clock
from tagtide.tiktok.wire import MAX_BODY, ApiRequest, classify

_log = logging.getLogger(__name__)

#: Bytes read of an answer that is an error.
_MAX_ERROR_BODY = 64 * 1024
#: Headers of an answer that a recording keeps.
_RECORDED_HEADERS = frozenset({"content-type", "retry-after", "x-ratelimit-reset", "date"})
#: Bytes decoded at once.
_PIECE = 64 * 1024
_USER_AGENT = "tagtide"


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """A request and its whole answer, without host and key."""

    request: ApiRequest
    status: int
    #: A few harmless ones.
    headers: Mapping[str, str]
    #: Decoded.
    body: bytes
    recorded_at: datetime


Recorder = Callable[[Exchange], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadlines:
    """Limits in seconds of one attempt; waiting for a free place does not count."""

    connect: float = 10.0
    read: float = 60.0
    #: From the first step to the last byte, whatever arrives in between.
    total: float = 90.0


class InFlightLimit:
    """How many calls may be in flight: halves when the API says too many, recovers slowly.

    Calls that were under way when it last halved do not halve it again: one burst of refusals is
    one piece of news.
    """

    def __init__(self, cap: int) -> None:
        if cap < 1:
            raise ConfigError("At least one call must be allowed in flight.")
        self.cap = cap
        self.current = cap
        self._active = 0
        self._successes = 0
        self._epoch = 0
        self._waiting: list[asyncio.Future[None]] = []

    @asynccontextmanager
    async def place(self) -> AsyncIterator[int]:
        """Wait for a free place and hold it; yields what `refused` wants to be told."""
        await self._enter()
        try:
            yield self._epoch
        finally:
            self._active -= 1
            self._wake()

    async def _enter(self) -> None:
        while self._active >= self.current:
            turn = asyncio.get_running_loop().create_future()
            self._waiting.append(turn)
            await turn
        self._active += 1

    def _wake(self) -> None:
        # All of them look again, so that a place is never lost to one that was cancelled.
        woken, self._waiting = self._waiting, []
        for turn in woken:
            if not turn.done():
                turn.set_result(None)

    def refused(self, epoch: int) -> None:
        """The API said that too many calls are in flight."""
        self._successes = 0
        if epoch == self._epoch:
            self._epoch += 1
            self.current = max(1, self.current // 2)

    def succeeded(self) -> None:
        """A call was answered; ten in a row open one more place, up to the cap."""
        self._successes += 1
        if self._successes >= 10 and self.current < self.cap:
            self.current += 1
            self._successes = 0


@dataclass(slots=True)
class _Attempt:
    """What is known about an attempt while it runs."""

    endpoint: str
    sent: bool = False
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    async def trace(self, event: str, _: Any) -> None:
        if event.endswith("send_request_headers.started"):
            self.sent = True


class ApiClient:
    """Sends requests to the data API, each once."""

    def __init__(
        self,
        base_url: str,
        api_key: str,
        *,
        clock: Clock,
        max_in_flight: int = 1,
        deadlines: Deadlines | None = None,
        pacing: float = 0.0,
        allow: tuple[str, ...] = (),
        recorder: Recorder | None = None,
        context: ssl.SSLContext | None = None,
    ) -> None:
        """Set up; opens nothing yet.

        Args:
            base_url: https, or http to this machine.
            api_key: Sent as bearer token to that host only.
            clock: Time.
            max_in_flight: The plan's concurrency.
            deadlines: Limits of one attempt.
            pacing: Least seconds between two starts; 0 for none.
            allow: CIDR networks to allow although they are private.
            recorder: Called with every exchange, in a thread.
            context: TLS settings other than the system's.

        Raises:
            ConfigError: the key cannot be a header.
            InvalidInput: the URL may not be used.
        """
        if not api_key.isascii() or not api_key.isprintable() or " " in api_key or not api_key:
            raise ConfigError("The API key is empty or holds characters that no key has.")
        self._clock = clock
        self._deadlines = deadlines or Deadlines()
        self._pacing = pacing
        self._next_start = 0.0
        self._recorder = recorder
        self.limit = InFlightLimit(max_in_flight)
        target = vet_url(base_url, allow=allow)
        self._base = str(target.url).rstrip("/")
        self._http = make_client(
            target,
            allow=allow,
            connect=self._deadlines.connect,
            read=self._deadlines.read,
            connections=max_in_flight,
            headers={
                "Authorization": f"Bearer {api_key}",
                "Accept": "application/json",
                "Accept-Encoding": "gzip",
                "User-Agent": _USER_AGENT,
            },
            context=context,
        )

    def __repr__(self) -> str:
        return f"ApiClient(in_flight={self.limit.current})"

    async def call(self, request: ApiRequest) -> bytes:
        """Send a request once and return the body of its 2xx answer.

        Raises:
            SourceError: anything else.
        """
        async with self.limit.place() as epoch:
            await self._pace()
            try:
                body = await self._attempt(request)
            except RateLimited:
                self.limit.refused(epoch)
                raise
            self.limit.succeeded()
            return body

    async def aclose(self) -> None:
        """Close connections."""
        await self._http.aclose()

    async def _pace(self) -> None:
        if self._pacing <= 0:
            return
        now = self._clock.monotonic()
        start = max(now, self._next_start)
        self._next_start = start + self._pacing
        if start > now:
            await self._clock.sleep(start - now)

    async def _attempt(self, request: ApiRequest) -> bytes:
        attempt = _Attempt(request.endpoint)
        try:
            async with asyncio.timeout(self._deadlines.total):
                body = await self._exchange(request, attempt)
        except SourceError:
            raise
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError) as error:
            if attempt.status is None or 200 <= attempt.status < 300:
                raise _transport_error(attempt, error) from error
            # The status had arrived before the deadline; it says more than the lost body.
            body = b""
        status = attempt.status or 0
        await self._record(request, status, attempt.headers, body)
        if 200 <= status < 300:
            _check_type(attempt.headers, request.endpoint)
            return body
        now = self._clock.now()
        raise classify(status, attempt.headers, body, request.endpoint, now=now)

    async def _exchange(self, request: ApiRequest, attempt: _Attempt) -> bytes:
        content = None if request.body is None else json.dumps(request.body).encode()
        async with self._http.stream(
            request.method,
            self._base + request.path,
            content=content,
            headers=None if content is None else {"Content-Type": "application/json"},
            extensions={"trace": attempt.trace},
        ) as response:
            attempt.status = response.status_code
            attempt.headers = dict(response.headers)
            if response.is_success:
                return await _read(response, request.endpoint)
            return await _read_start(response)

    async def _record(
        self, request: ApiRequest, status: int, headers: Mapping[str, str], body: bytes
    ) -> None:
        if self._recorder is None:
            return
        exchange = Exchange(
            request=request,
            status=status,
            headers={name: headers[name] for name in _RECORDED_HEADERS & headers.keys()},
            body=body,
            recorded_at=self._clock.now(),
        )
        try:
            await asyncio.to_thread(self._recorder, exchange)
        except OSError:
            # The answer is paid for; a full disk must not lose it.
            _log.warning("An answer of %s could not be recorded.", request.endpoint)


def _check_type(headers: Mapping[str, str], endpoint: str) -> None:
    """A page of a proxy may be JSON by accident; what calls itself something else is not read."""
    media = headers.get("content-type", "application/json").partition(";")[0].strip().lower()
    if media != "application/json" and not media.endswith("+json"):
        raise _unreadable(endpoint, "another content type", Reason.UNDECODABLE)


def _transport_error(attempt: _Attempt, error: Exception) -> SourceError:
    timed_out = isinstance(error, TimeoutError | httpx2.TimeoutException)
    facts: dict[str, Any] = {"endpoint": attempt.endpoint, "status": attempt.status}
    if attempt.sent:
        return AnswerLost(
            reason=Reason.TIMEOUT if timed_out else Reason.CONNECTION,
            charge=Charge.UNKNOWN,
            detail=type(error).__name__,
            **facts,
        )
    return SourceUnavailable(
        "The data API cannot be reached.",
        reason=Reason.CONNECTION,
        charge=Charge.NOT_CHARGED,
        detail=_connection_detail(error, timed_out),
        **facts,
    )


def _connection_detail(error: BaseException, timed_out: bool) -> str:
    """One of: certificate, tls, timeout, a refusal of the gate, connect."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, AddressRefused):
            return cause.refusal.value
        if isinstance(cause, ssl.SSLCertVerificationError):
            return "certificate"
        if isinstance(cause, ssl.SSLError):
            return "tls"
        cause = cause.__cause__ or cause.__context__
    return "timeout" if timed_out else "connect"


class _Inflater:
    """Undoes gzip in small pieces, so that a bomb is noticed before it has grown."""

    def __init__(self, encoding: str) -> None:
        names = {"": False, "identity": False, "gzip": True, "x-gzip": True}
        self.known = encoding in names
        self._stream = zlib.decompressobj(31) if names.get(encoding) else None

    @property
    def complete(self) -> bool:
        return self._stream is None or self._stream.eof

    def pieces(self, chunk: bytes) -> Iterator[bytes]:
        """Decoded pieces of at most 64 KiB. Raises `zlib.error`."""
        if self._stream is None:
            yield chunk
            return
        rest = chunk
        while rest and not self._stream.eof:
            yield self._stream.decompress(rest, _PIECE)
            rest = self._stream.unconsumed_tail
        # The last input may still have output waiting behind the piece limit.
        while not rest and not self._stream.eof and (more := self._stream.decompress(b"", _PIECE)):
            yield more


async def _body(response: httpx2.Response, limit: int) -> tuple[bytes, bool]:
    """Decoded body up to one piece over the limit, and whether it is whole."""
    inflater = _Inflater(response.headers.get("content-encoding", "").strip().lower())
    if not inflater.known:
        raise zlib.error("unknown encoding")
    body = bytearray()
    async for chunk in response.aiter_raw():
        for piece in inflater.pieces(chunk):
            body += piece
            if len(body) > limit:
                return bytes(body), False
    return bytes(body), inflater.complete


async def _read(response: httpx2.Response, endpoint: str) -> bytes:
    """The whole body of a 2xx answer, decoded, at most 16 MiB."""
    length = response.headers.get("content-length", "")
    try:
        if length.isdecimal() and int(length[:20]) > MAX_BODY:
            raise _unreadable(endpoint, "larger than 16 MiB", Reason.OVERSIZE)
        body, complete = await _body(response, MAX_BODY)
    except zlib.error as error:
        raise _unreadable(endpoint, "damaged compression", Reason.UNDECODABLE) from error
    if len(body) > MAX_BODY:
        raise _unreadable(endpoint, "larger than 16 MiB", Reason.OVERSIZE)
    if not complete:
        raise _unreadable(endpoint, "cut compression", Reason.UNDECODABLE)
    return body


def _unreadable(endpoint: str, why: str, reason: Reason) -> UnexpectedResponse:
    return UnexpectedResponse(
        f"The data API sent an answer that cannot be read ({why}).",
        endpoint=endpoint,
        reason=reason,
        detail=why,
    )


async def _read_start(response: httpx2.Response) -> bytes:
    """The first part of an error's body; the status is known and decides, whatever follows."""
    try:
        body, _ = await _body(response, _MAX_ERROR_BODY)
    except (zlib.error, httpx2.TransportError):
        return b""
    return body[:_MAX_ERROR_BODY]
