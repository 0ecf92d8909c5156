"""Sending to a web address that is a secret, and what its answer means."""

from __future__ import annotations

import asyncio
import math
import ssl
from abc import ABC, abstractmethod
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx2

from tagtide.core.messages.notice import Look
from tagtide.errors import DeliveryError, Fault
from tagtide.models import Notification
from tagtide.net import AddressRefused, Refusal, make_client, vet_url
from tagtide.ports import Clock

CONNECT_SECONDS = 5.0
TOTAL_SECONDS = 15.0
#: For what follows the status.
DRAIN_SECONDS = 2.0
#: Bytes read of an answer; nothing of it is kept or shown.
MAX_ANSWER = 64 * 1024
#: Longest wait that a receiver may ask for, in seconds.
MAX_WAIT = 3_600.0


class Hook(ABC):
    """A channel that is a secret web address; its folder knows how a message is written for it."""

    #: Statuses that say that the address is no longer in use.
    gone = frozenset({404, 410})

    def __init__(
        self,
        name: str,
        url: str,
        *,
        clock: Clock,
        look: Look | None = None,
        allow: tuple[str, ...] = (),
    ) -> None:
        """Check the address; opens nothing yet.

        Args:
            name: From the configuration.
            url: Whoever knows it can post, so it stands in no message.
            clock: Time.
            look: Wording, figures and links.
            allow: CIDR networks to allow although they are private.

        Raises:
            InvalidInput: the address may not be used.
        """
        self.name = name
        self._clock, self._look = clock, look or Look()
        self._poster = Poster(url, allow=allow)

    @abstractmethod
    def written(self, payload: Mapping[str, Any], look: Look) -> bytes:
        """A message as JSON."""

    async def send(self, notification: Notification) -> None:
        """Send one message, once. Raises `DeliveryError`; its text holds no address."""
        content = self.written(notification.payload, self._look)
        await self._poster.post(content, {}, now=self._clock.now(), gone=self.gone)

    async def aclose(self) -> None:
        """Close connections."""
        await self._poster.aclose()


class Poster:
    """Posts to one address through the outbound gate. Never names the address."""

    def __init__(self, url: str, *, allow: tuple[str, ...] = ()) -> None:
        """Check the address; opens nothing yet.

        Args:
            url: https, or http to this machine.
            allow: CIDR networks to allow although they are private.

        Raises:
            InvalidInput: the address may not be used.
        """
        target = vet_url(url, allow=allow)
        self._url = target.url
        self._http = make_client(
            target,
            allow=allow,
            connect=CONNECT_SECONDS,
            read=TOTAL_SECONDS,
            headers={"User-Agent": "tagtide", "Accept-Encoding": "identity"},
        )

    async def post(
        self,
        content: bytes,
        headers: Mapping[str, str],
        *,
        now: datetime,
        gone: frozenset[int] = frozenset({410}),
    ) -> None:
        """Send once and return when the receiver has accepted.

        Args:
            content: JSON.
            headers: Beside the content type.
            now: To turn a date in ``Retry-After`` into a wait.
            gone: Statuses that say that the address is no longer in use.

        Raises:
            DeliveryError: anything but a status 2xx.
        """
        headers = {"Content-Type": "application/json", **headers}
        await self._send("POST", content, headers, now=now, gone=gone)

    async def ping(self, method: str, *, now: datetime) -> None:
        """Knock once, with an empty body. Raises `DeliveryError` for anything but 2xx."""
        await self._send(method, b"", {}, now=now, gone=frozenset({404, 410}))

    async def _send(
        self,
        method: str,
        content: bytes,
        headers: Mapping[str, str],
        *,
        now: datetime,
        gone: frozenset[int],
    ) -> None:
        answer: tuple[int, str | None] | None = None
        try:
            async with (
                asyncio.timeout(TOTAL_SECONDS),
                self._http.stream(
                    method, self._url, content=content, headers=dict(headers)
                ) as response,
            ):
                answer = response.status_code, response.headers.get("retry-after")
                await _drain(response)
        except AddressRefused as error:
            raise refused_address(error.refusal) from None
        except (httpx2.TimeoutException, TimeoutError):
            if answer is None:
                sentence = "The receiver did not answer in time."
                raise DeliveryError(sentence, fault=Fault.TIMEOUT) from None
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError) as error:
            if answer is None:
                raise unreachable(error) from None
        # The status has arrived and decides; what follows it is of no use.
        assert answer is not None
        status, wait = answer
        if not 200 <= status < 300:
            raise _failure(status, retry_after(wait, now), gone)

    async def aclose(self) -> None:
        """Close connections."""
        await self._http.aclose()


async def _drain(response: httpx2.Response) -> None:
    """Read a short answer, so that the connection can be used again; leave a long or slow one."""
    read = 0
    async with asyncio.timeout(DRAIN_SECONDS):
        async for chunk in response.aiter_raw():
            read += len(chunk)
            if read > MAX_ANSWER:
                return


def unreachable(error: BaseException) -> DeliveryError:
    """What a broken connection means; looks behind the exceptions of libraries."""
    inner: BaseException | None = error
    while inner is not None:
        if isinstance(inner, ssl.SSLCertVerificationError):
            return DeliveryError(
                "The receiver's certificate is not valid for its name.", fault=Fault.CERTIFICATE
            )
        inner = inner.__cause__ or inner.__context__
    return DeliveryError("The receiver cannot be reached.", fault=Fault.UNREACHABLE)


def refused_address(refusal: Refusal) -> DeliveryError:
    """What a refusal of the gate means; an unknown name may be known later."""
    if refusal is Refusal.UNRESOLVED:
        return DeliveryError("The receiver's name is not known.", fault=Fault.UNREACHABLE)
    sentence = f"The receiver's address is not used ({refusal})."
    return DeliveryError(sentence, fault=Fault.ADDRESS, permanent=True, disables=True)


def _failure(status: int, wait: float | None, gone: frozenset[int]) -> DeliveryError:
    if status in gone:
        return DeliveryError(
            f"The receiver says that this address is no longer in use (status {status}).",
            fault=Fault.GONE,
            permanent=True,
            disables=True,
            hint="Set a new address for the channel in the configuration.",
        )
    if 300 <= status < 400:
        return DeliveryError("The receiver redirects elsewhere; tagtide does not follow.")
    sentence = f"The receiver answered with status {status}."
    # 408 and 429 are about the moment, not about the message.
    refused = 400 <= status < 500 and status not in {408, 429}
    fault = _FAULTS.get(status, Fault.REFUSED if refused else Fault.BUSY)
    return DeliveryError(
        sentence, fault=fault, refused=refused, too_large=status == 413, retry_after=wait
    )


_FAULTS = {401: Fault.LOGIN, 403: Fault.LOGIN, 408: Fault.TIMEOUT}


def retry_after(value: str | None, now: datetime) -> float | None:
    """Seconds from a ``Retry-After`` header, a number or a date, at most an hour; else None."""
    if value is None:
        return None
    wait = _number(value)
    if wait is None:
        wait = _until(value, now)
    return None if wait is None else min(max(0.0, wait), MAX_WAIT)


def _number(value: str) -> float | None:
    try:
        number = float(value)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _until(value: str, now: datetime) -> float | None:
    try:
        date = parsedate_to_datetime(value)
    except (ValueError, OverflowError, IndexError, TypeError):
        return None
    return ((date if date.tzinfo else date.replace(tzinfo=UTC)) - now).total_seconds()
