"""Sending one JSON document to an address that is a secret, and what its answer means."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx2

from tagtide.errors import DeliveryError
from tagtide.net import AddressRefused, Refusal, make_client, vet_url

CONNECT_SECONDS = 5.0
TOTAL_SECONDS = 15.0
#: Bytes read of an answer; nothing of it is kept or shown.
MAX_ANSWER = 64 * 1024
#: Longest wait that a receiver may ask for, in seconds.
MAX_WAIT = 3_600.0


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
        try:
            async with asyncio.timeout(TOTAL_SECONDS):
                status, wait = await self._exchange(content, headers)
        except AddressRefused as error:
            raise _refused(error.refusal) from None
        except (httpx2.TimeoutException, TimeoutError):
            raise DeliveryError("The receiver did not answer in time.") from None
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError):
            raise DeliveryError("The receiver cannot be reached.") from None
        if not 200 <= status < 300:
            raise _failure(status, retry_after(wait, now), gone)

    async def aclose(self) -> None:
        """Close connections."""
        await self._http.aclose()

    async def _exchange(self, content: bytes, headers: Mapping[str, str]) -> tuple[int, str | None]:
        async with self._http.stream(
            "POST",
            self._url,
            content=content,
            headers={"Content-Type": "application/json", **headers},
        ) as response:
            await _drain(response)
            return response.status_code, response.headers.get("retry-after")


async def _drain(response: httpx2.Response) -> None:
    """Read a short answer, so that the connection can be used again; leave a long one."""
    read = 0
    try:
        async for chunk in response.aiter_raw():
            read += len(chunk)
            if read > MAX_ANSWER:
                return
    except httpx2.TransportError:
        # The status has arrived and decides; its words are of no use.
        return


def _refused(refusal: Refusal) -> DeliveryError:
    sentence = f"The receiver's address is not used ({refusal})."
    return DeliveryError(sentence, permanent=refusal is not Refusal.UNRESOLVED)


def _failure(status: int, wait: float | None, gone: frozenset[int]) -> DeliveryError:
    if status in gone:
        return DeliveryError(
            f"The receiver says that this address is no longer in use (status {status}).",
            permanent=True,
            hint="Set a new address for the channel in the configuration.",
        )
    if 300 <= status < 400:
        return DeliveryError("The receiver redirects elsewhere; tagtide does not follow.")
    sentence = f"The receiver answered with status {status}."
    # 408 and 429 are about the moment, not about the message.
    refused = 400 <= status < 500 and status not in {408, 429}
    return DeliveryError(sentence, refused=refused, retry_after=wait)


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
