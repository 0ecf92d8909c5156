"""The dead man's switch: an address that raises the alarm when it is no longer asked for."""

from __future__ import annotations

from tagtide.channels.posting import Poster
from tagtide.ports import Clock


class DeadmanSwitch:
    """Knocks at one address, as healthchecks.io and its kind want it."""

    def __init__(
        self, url: str, *, clock: Clock, method: str = "GET", allow: tuple[str, ...] = ()
    ) -> None:
        """Check the address; opens nothing yet.

        Args:
            url: https, or http to this machine. A secret: it stands in no message.
            clock: Time.
            method: ``GET`` or ``POST``.
            allow: CIDR networks to allow although they are private.

        Raises:
            InvalidInput: the address may not be used.
        """
        self._clock, self._method = clock, method
        self._poster = Poster(url, allow=allow)

    async def ping(self) -> None:
        """Send one sign of life. Raises `DeliveryError`; its text holds no address."""
        await self._poster.ping(self._method, now=self._clock.now())

    async def aclose(self) -> None:
        """Close connections."""
        await self._poster.aclose()
