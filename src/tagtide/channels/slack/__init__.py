"""Alerts as Slack messages through an incoming webhook."""

from __future__ import annotations

import json

from tagtide.channels.posting import Poster
from tagtide.channels.slack.blocks import message
from tagtide.core.messages.notice import Look
from tagtide.models import Notification
from tagtide.ports import Clock

#: Slack answers 404 to a hook that was removed, and 410 for an archived channel.
_GONE = frozenset({404, 410})


class SlackChannel:
    """Posts one message per notification."""

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
            url: The incoming webhook; whoever knows it can post, so it stands in no message.
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
        content = json.dumps(message(notification.payload, self._look)).encode()
        await self._poster.post(content, {}, now=self._clock.now(), gone=_GONE)

    async def aclose(self) -> None:
        """Close connections."""
        await self._poster.aclose()
