"""Alerts as cards in Microsoft Teams, through the web address of a workflow."""

from __future__ import annotations

from tagtide.channels.posting import Poster
from tagtide.channels.teams.card import encode
from tagtide.core.messages.notice import Look
from tagtide.models import Notification
from tagtide.ports import Clock

#: A workflow that was deleted answers 404.
_GONE = frozenset({404, 410})


class TeamsChannel:
    """Posts one card per notification."""

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
            url: Of a workflow that begins with "When a Teams webhook request is received"; whoever
                knows it can post, so it stands in no message.
            clock: Time.
            look: Wording, figures and links.
            allow: CIDR networks to allow although they are private.

        Raises:
            InvalidInput: the address may not be used.
        """
        self.name = name
        self._clock = clock
        self._look = look or Look()
        self._poster = Poster(url, allow=allow)

    async def send(self, notification: Notification) -> None:
        """Send one message, once. Raises `DeliveryError`; its text holds no address."""
        await self._poster.post(
            encode(notification.payload, self._look), {}, now=self._clock.now(), gone=_GONE
        )

    async def aclose(self) -> None:
        """Close connections."""
        await self._poster.aclose()
