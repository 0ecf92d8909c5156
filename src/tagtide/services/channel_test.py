"""Try a channel with a message that is marked as a test; it takes the way of an alert."""

from __future__ import annotations

from tagtide.core.messages.notification import check_payload
from tagtide.errors import DeliveryError
from tagtide.models import Notification
from tagtide.ports import Channel, Clock


async def send_test(channel: Channel, clock: Clock) -> DeliveryError | None:
    """Send one; None when the receiver has accepted it. Does not close the channel."""
    now = clock.now()
    message = Notification(
        notification_id=clock.token(),
        channel=channel.name,
        alert_id=None,
        kind="test",
        created_at=now,
        due_at=now,
        payload=check_payload(channel.name, now),
    )
    try:
        await channel.send(message)
    except DeliveryError as error:
        return error
    return None
