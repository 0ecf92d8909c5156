"""Alerts as signed JSON to an address of the user's own.

With a secret, every request carries the headers of Standard Webhooks, so that any of its
libraries can check who sent it and drop repeats by ``webhook-id``.
"""

from __future__ import annotations

import binascii
import json
from typing import Any

from standardwebhooks import Webhook
from standardwebhooks.webhooks import EmptyWebhookSecretError

from tagtide.channels.posting import Poster
from tagtide.core.messages.shorter import shorter
from tagtide.errors import ConfigError, DeliveryError
from tagtide.models import Notification
from tagtide.ports import Clock

#: What Standard Webhooks recommends as the largest payload, in bytes.
MAX_PAYLOAD = 20_000


class WebhookChannel:
    """Posts each notification's payload."""

    def __init__(
        self,
        name: str,
        url: str,
        *,
        clock: Clock,
        secret: str | None = None,
        previous_secret: str | None = None,
        allow: tuple[str, ...] = (),
    ) -> None:
        """Check address and secret; opens nothing yet.

        Args:
            name: From the configuration.
            url: https, or http to this machine. A secret: it stands in no message.
            clock: Time of the signature.
            secret: ``whsec_`` and base64; None sends unsigned.
            previous_secret: The one before: signs as well, until every receiver knows the new one.
            allow: CIDR networks to allow although they are private.

        Raises:
            ConfigError: the secret is not one.
            InvalidInput: the address may not be used.
        """
        self.name = name
        self._clock = clock
        secrets = (secret, previous_secret)
        self._signers = [_signer(name, text) for text in secrets if text is not None]
        self._poster = Poster(url, allow=allow)

    async def send(self, notification: Notification) -> None:
        """Send one message, once. Raises `DeliveryError`; its text holds no address or secret."""
        identity, content = notification.notification_id, encode(notification.payload)
        now = self._clock.now()
        headers = {"webhook-id": identity}
        if self._signers:
            headers["webhook-timestamp"] = str(int(now.timestamp()))
            headers["webhook-signature"] = " ".join(
                signer.sign(identity, now, content.decode()) for signer in self._signers
            )
        await self._poster.post(content, headers, now=now)

    async def aclose(self) -> None:
        """Close connections."""
        await self._poster.aclose()


def encode(payload: dict[str, Any]) -> bytes:
    """The payload as JSON; videos or items are left out from the last on until it fits.

    Raises:
        DeliveryError: it is too long even so, or holds what JSON cannot say.
    """
    content = _json(payload)
    while len(content) > MAX_PAYLOAD and (less := shorter(payload)):
        payload = less
        content = _json(payload)
    if len(content) > MAX_PAYLOAD:
        raise DeliveryError("The message is too long to be sent.", permanent=True)
    return content


def _json(payload: dict[str, Any]) -> bytes:
    try:
        return json.dumps(payload, separators=(",", ":"), allow_nan=False).encode()
    except (TypeError, ValueError):
        raise DeliveryError("The message cannot be written as JSON.", permanent=True) from None


def _signer(name: str, secret: str) -> Webhook:
    try:
        return Webhook(secret.strip())
    except (binascii.Error, ValueError, EmptyWebhookSecretError):
        raise ConfigError(
            f"The secret of channel {name} is not a webhook secret.",
            hint="A secret is `whsec_` followed by base64.",
        ) from None
