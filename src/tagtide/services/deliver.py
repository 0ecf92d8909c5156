"""Deliver what waits in the outbox: decide, take the endpoint, send, mark. At least once.

Every channel has a queue of its own and is looked after by itself: an endpoint that hangs, or is
gone, holds up no other. A message is marked sent after its receiver accepted it: a crash in between
sends it again with the same id, it never loses it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, assert_never

import structlog

from tagtide.core.dispatch import (
    DIGEST,
    FOLD,
    REPORT,
    BeginDigests,
    DispatchPolicy,
    DispatchQueue,
    Fold,
    GiveUp,
    Hold,
    Send,
    SendDigest,
    Step,
    Wait,
    next_step,
)
from tagtide.core.endpoints import Ending, Tried, after_acceptance, after_failure
from tagtide.core.language import speaking
from tagtide.core.messages.digest import digest_of
from tagtide.core.messages.notification import alert_facts
from tagtide.core.messages.shorter import thinner, without_files, without_pictures
from tagtide.errors import DeliveryError, LeaseLost, StorageError
from tagtide.languages import find_language
from tagtide.models import Alert, Campaign, DeliveryState, Notification
from tagtide.ports import AttemptEnd, Channel, QueueChange
from tagtide.services.context import Context

_log = structlog.get_logger(__name__)

#: A sender that dies keeps its endpoint for so long.
LEASE = timedelta(seconds=60)
#: Seconds after which a send is broken off, whatever the channel promises; less than the lease.
_SEND_SECONDS = 45.0
#: By hand: a wait that is worth sitting through, in seconds.
_WORTH_WAITING = 3.0
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Delivered:
    """What was done."""

    sent: int = 0
    #: Tried again later.
    delayed: int = 0
    #: Given up: listed as dead letters.
    dead: int = 0
    #: When the next message can be sent, as far as that is known; None when none waits for a time.
    next_at: datetime | None = None

    def __add__(self, other: Delivered) -> Delivered:
        times = [at for at in (self.next_at, other.next_at) if at is not None]
        return Delivered(
            self.sent + other.sent,
            self.delayed + other.delayed,
            self.dead + other.dead,
            min(times, default=None),
        )


async def deliver_within(
    context: Context, channels: Mapping[str, Channel], seconds: float = 15.0
) -> int:
    """By hand, when no run is under way: send what can be sent within so many seconds.

    Returns:
        How many messages wait behind that, for the next command or for the service.

    Raises:
        StorageError: of the first channel that met one; the others were looked after.
    """
    failed: list[StorageError] = []

    async def one(channel: Channel) -> None:
        try:
            await _deliver_soon(context, channel)
        except StorageError as error:
            failed.append(error)

    try:
        async with asyncio.timeout(seconds), asyncio.TaskGroup() as group:
            for channel in channels.values():
                group.create_task(one(channel))
    except TimeoutError:
        _log.info("delivery_broken_off", seconds=seconds)
    if failed:
        raise failed[0]
    counts = await context.store.delivery_counts()
    return sum(
        c.count for c in counts if c.state is DeliveryState.WAITING and c.channel in channels
    )


async def _deliver_soon(context: Context, channel: Channel) -> None:
    while True:
        done = await deliver_channel(context, channel, settle=False)
        if done.next_at is None:
            return
        wait = (done.next_at - context.clock.now()).total_seconds()
        if wait > _WORTH_WAITING:
            return
        await context.clock.sleep(max(0.0, wait))


async def deliver_channel(
    context: Context,
    channel: Channel,
    *,
    settle: bool = True,
    stop: Callable[[], bool] = lambda: False,
) -> Delivered:
    """Send what can be sent to one channel now, one message after the other.

    Args:
        context: Ports and policies.
        channel: Whose queue it is.
        settle: Wait a moment for others of the same run; False when no run is under way.
        stop: Asked before each message.

    Raises:
        StorageError: the database.
    """
    policy = context.dispatch.get(channel.name, DispatchPolicy())
    total = Delivered()
    while not stop():
        now = context.clock.now()
        sent_since = now - policy.look_back if policy.look_back else None
        queue = await context.store.dispatch_queue(channel.name, sent_since)
        step = next_step(queue, policy, now, settle=settle)
        if isinstance(step, Wait):
            return total + Delivered(next_at=step.until)
        done = await _take(context, channel, queue, step, now)
        if done is None:
            # Somebody else looks after this channel just now.
            return total
        total += done
    return total


async def _take(
    context: Context, channel: Channel, queue: DispatchQueue, step: Step, now: datetime
) -> Delivered | None:
    """Do one step; None when somebody else was faster."""
    log = _log.bind(channel=channel.name, reason=step.reason.value)
    change = QueueChange(channel=channel.name, fence=queue.endpoint.fence, at=now)
    message: Notification | None = None
    match step:
        case Send(notification_id=one):
            message = await _read(context, one)
        case Fold(notification_ids=ids):
            members = await context.store.notifications(ids)
            message = _digest(context, channel, FOLD, _told(members), members, now)
            change = replace(change, queued=message, folded=ids)
            log.info("messages_folded", count=len(ids))
        case SendDigest(slot=slot, notification_ids=ids):
            digest = await _daily_digest(context, channel, ids, now)
            change = replace(change, digest_at=slot, queued=digest, folded=ids)
        case BeginDigests(at=at):
            change = replace(change, digest_at=at)
        case Hold(notification_ids=ids):
            change = replace(change, held=ids)
            log.info("messages_held", count=len(ids))
        case GiveUp(notification_ids=ids):
            change = replace(change, given_up=ids, reason="It was not accepted within 76 hours.")
            log.warning("messages_given_up", count=len(ids))
        case Wait():
            return Delivered()
        case _:
            assert_never(step)
    if message is not None:
        return await _attempt(context, channel, queue, change, message)
    written = await context.store.change_queue(change)
    return Delivered(dead=len(change.given_up)) if written else None


async def _read(context: Context, notification_id: str) -> Notification:
    """A message with all that goes with it."""
    (message,) = await context.store.notifications([notification_id])
    if message.kind != REPORT:
        return message
    files = await context.store.message_files(notification_id)
    # A chat that could not fetch a picture refuses the message: the next attempt does without.
    payload = without_pictures(message.payload) if message.attempts else message.payload
    return replace(message, files=files, payload=payload)


# --- one attempt ----------------------------------------------------------------------------------


async def _attempt(
    context: Context,
    channel: Channel,
    queue: DispatchQueue,
    change: QueueChange,
    message: Notification,
) -> Delivered | None:
    """Take the endpoint, send, mark; None when somebody else has the endpoint."""
    begun = replace(change, attempted=message.notification_id, lease_until=change.at + LEASE)
    fence = change.fence + 1
    message = replace(message, attempts=message.attempts + 1)
    try:
        if not await context.store.change_queue(begun):
            return None
        error = await _send(channel, message)
        return await _mark(context, queue, fence, message, error)
    except asyncio.CancelledError:
        # Broken off: it may have arrived. It is sent again, with the same id.
        await context.store.release_endpoint(channel.name, fence)
        raise


async def _send(channel: Channel, message: Notification) -> DeliveryError | None:
    """Send once, and again with less in it where it was too long; return what was met."""
    try:
        async with asyncio.timeout(_SEND_SECONDS):
            while True:
                try:
                    await channel.send(message)
                except DeliveryError as error:
                    shorter = _less(message) if error.too_large else None
                    if shorter is None:
                        return error
                    message = shorter
                else:
                    return None
    except TimeoutError:
        return DeliveryError("The receiver did not answer in time.")
    except Exception:  # noqa: BLE001 - one message that cannot be sent must not hold up the others
        _log.exception("delivery_crashed", notification=message.notification_id)
        return DeliveryError("tagtide could not send the message; the log has the details.")


def _less(message: Notification) -> Notification | None:
    """The same with less in it; None when nothing can be left out."""
    pictures = tuple(file for file in message.files if file.shows is not None)
    if len(pictures) < len(message.files):
        with speaking(find_language(str(message.payload.get("language")))):
            return replace(message, files=pictures, payload=without_files(message.payload))
    payload = thinner(message.payload)
    return replace(message, payload=payload) if payload is not None else None


async def _mark(
    context: Context,
    queue: DispatchQueue,
    fence: int,
    message: Notification,
    error: DeliveryError | None,
) -> Delivered | None:
    now = context.clock.now()
    if error is None:
        aftermath = after_acceptance(queue.endpoint)
    else:
        tried, chance = _tried(queue, message), context.clock.random()
        aftermath = after_failure(queue.endpoint, tried, error, now, chance)
    end = AttemptEnd(
        fence=fence,
        at=now,
        notification_id=message.notification_id,
        aftermath=aftermath,
        error=str(error or ""),
    )
    try:
        await context.store.end_attempt(end)
    except LeaseLost as lost:
        _log.warning("endpoint_lost", channel=message.channel, error=str(lost))
        return None
    _tell_log(message, aftermath.ending, error)
    return Delivered(
        sent=aftermath.ending is Ending.SENT,
        delayed=aftermath.ending is Ending.DELAYED,
        dead=aftermath.ending is Ending.DEAD,
    )


def _tried(queue: DispatchQueue, message: Notification) -> Tried:
    for waiting in queue.waiting:
        if waiting.notification_id == message.notification_id:
            return Tried(
                attempts=message.attempts,
                queued_at=waiting.queued_at,
                first_failed_at=waiting.first_failed_at,
            )
    return Tried(attempts=message.attempts, queued_at=message.created_at)


def _tell_log(message: Notification, ending: Ending, error: DeliveryError | None) -> None:
    log = _log.bind(
        channel=message.channel, notification=message.notification_id, attempts=message.attempts
    )
    if error is None:
        log.info("delivered")
    else:
        log.warning("delivery_failed", error=str(error), ending=ending.value)


# --- several in one -------------------------------------------------------------------------------


def _told(members: Iterable[Notification]) -> list[dict[str, Any]]:
    """What messages say about their alerts."""
    return [n.payload["alert"] for n in members if isinstance(n.payload.get("alert"), dict)]


def _digest(
    context: Context,
    channel: Channel,
    kind: str,
    alerts: Sequence[Mapping[str, Any]],
    members: Sequence[Notification],
    now: datetime,
) -> Notification:
    since = min((n.created_at for n in members), default=now - _DAY)
    return Notification(
        notification_id=context.clock.token(),
        channel=channel.name,
        alert_id=None,
        kind=kind,
        created_at=now,
        due_at=now,
        payload=digest_of(alerts, since=since, until=now),
    )


async def _daily_digest(
    context: Context, channel: Channel, held: Sequence[str], now: datetime
) -> Notification | None:
    """What was kept for it, and what still fires; None when there is neither."""
    members = await context.store.notifications(held)
    firing = await _still_firing(context, channel.name)
    alerts = [*firing, *_told(members)]
    return _digest(context, channel, DIGEST, alerts, members, now) if alerts else None


async def _still_firing(context: Context, channel: str) -> list[dict[str, Any]]:
    """What a message would say now about each alert of which this channel is told."""
    told = {
        c.campaign_id: c
        for c in await context.store.campaigns()
        if channel in context.channels_of(c)
    }
    return [
        _facts(alert, told[alert.campaign_id])
        for alert in await context.store.firing()
        if alert.campaign_id in told
    ]


def _facts(alert: Alert, campaign: Campaign) -> dict[str, Any]:
    return alert_facts(
        alert,
        campaign.name,
        timezone=campaign.timezone,
        numbers=campaign.numbers,
        clock=campaign.clock,
    )
