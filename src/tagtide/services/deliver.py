"""Deliver what waits in the outbox: lease, send with an idempotency key, mark. At least once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

import structlog

from tagtide.errors import DeliveryError
from tagtide.models import Notification
from tagtide.ports import Channel
from tagtide.services.context import Context

_log = structlog.get_logger(__name__)

#: A sender that dies keeps its messages this long; longer than any channel's own timeout.
_LEASE = timedelta(seconds=60)
#: Waits after the first attempts; then every half hour, in all about 76 hours.
_FIRST_WAITS = (5.0, 30.0, 120.0, 600.0, 1800.0)
_LATER_WAIT = 1800.0
_GIVE_UP_AFTER = timedelta(hours=76)
#: Attempts after which a receiver that says no is believed.
_REFUSALS = 4
#: Share by which a wait varies.
_JITTER = 0.2


@dataclass(frozen=True, slots=True)
class Delivered:
    """What one round of delivery did."""

    sent: int = 0
    #: Tried again later.
    delayed: int = 0
    #: Given up: listed as undelivered.
    dead: int = 0


async def deliver_due(context: Context, channels: Mapping[str, Channel]) -> Delivered:
    """Send every message that is due, once each.

    A message is marked sent after its receiver accepted it: a crash in between sends it again with
    the same id, it never loses it. A message to a channel that is no longer configured is given up.
    """
    sent = delayed = dead = 0
    # One at a time: a lease must not run out while others of its batch are being sent.
    while batch := await context.store.lease_notifications(context.clock.now(), _LEASE, 1):
        for notification in batch:
            match await _deliver(context, channels, notification):
                case "sent":
                    sent += 1
                case "delayed":
                    delayed += 1
                case _:
                    dead += 1
    return Delivered(sent, delayed, dead)


async def _deliver(
    context: Context, channels: Mapping[str, Channel], notification: Notification
) -> str:
    store, clock = context.store, context.clock
    channel = channels.get(notification.channel)
    if channel is None:
        reason = f"there is no channel {notification.channel!r} any more"
        await store.mark_failed(notification.notification_id, reason, clock.now(), None)
        return "dead"
    try:
        await channel.send(notification)
    except DeliveryError as error:
        return await _failed(context, notification, error)
    except Exception:  # noqa: BLE001 - one message that cannot be sent must not hold up the others
        _log.exception("delivery_crashed", notification=notification.notification_id)
        crashed = DeliveryError("tagtide could not send the message; the log has the details")
        return await _failed(context, notification, crashed)
    await store.mark_sent(notification.notification_id, clock.now())
    _log.info("delivered", channel=channel.name, notification=notification.notification_id)
    return "sent"


async def _failed(context: Context, notification: Notification, error: DeliveryError) -> str:
    now = context.clock.now()
    wait = next_wait(notification.attempts, error, context.clock.random())
    exhausted = now + timedelta(seconds=wait) - notification.created_at > _GIVE_UP_AFTER
    refused = error.refused and notification.attempts >= _REFUSALS
    hopeless = error.permanent or refused or exhausted
    retry_at = None if hopeless else now + timedelta(seconds=wait)
    _log.warning(
        "delivery_failed",
        channel=notification.channel,
        notification=notification.notification_id,
        attempts=notification.attempts,
        error=str(error),
        gives_up=retry_at is None,
    )
    await context.store.mark_failed(notification.notification_id, str(error), now, retry_at)
    return "dead" if retry_at is None else "delayed"


def next_wait(attempts: int, error: DeliveryError, chance: float) -> float:
    """Seconds until the next attempt: what the receiver asked for, else the ladder with jitter."""
    if error.retry_after is not None:
        return error.retry_after
    step = attempts - 1
    base = _FIRST_WAITS[step] if 0 <= step < len(_FIRST_WAITS) else _LATER_WAIT
    return base * (1 + _JITTER * (2 * chance - 1))
