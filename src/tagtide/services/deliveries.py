"""Look after deliveries as a whole: tell people of an endpoint that fails, forget what is old."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog

from tagtide.core.endpoints import tells_operator
from tagtide.core.formats import instant_text
from tagtide.models import DeliveryState, Endpoint
from tagtide.ports import QueueChange
from tagtide.services.context import Context
from tagtide.services.self_alerts import notify_self, open_conditions, resolve_self

_log = structlog.get_logger(__name__)

#: Messages are kept for so long after they were sent or given up.
KEPT = timedelta(days=90)
#: How long a message waits for a channel that this process does not know: another one may have a
#: newer configuration.
_UNKNOWN_CHANNEL = timedelta(hours=1)
#: A dead letter younger than this is news.
_NEWS = timedelta(hours=24)
#: Conditions of incidents, in front of the channel's name.
_CHANNEL, _UNDELIVERED = "channel:", "undelivered:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How a channel stands: its far end, and its messages."""

    endpoint: Endpoint
    #: Messages that wait.
    waiting: int = 0
    #: Creation of the oldest of them.
    oldest_at: datetime | None = None
    #: Messages that were given up.
    dead: int = 0


async def standings(context: Context) -> dict[str, Standing]:
    """How each configured channel stands. Raises `StorageError`."""
    endpoints = {e.channel: e for e in await context.store.endpoints()}
    counts = {(c.channel, c.state): c for c in await context.store.delivery_counts()}
    found = {}
    for name in context.channels:
        waiting = counts.get((name, DeliveryState.WAITING))
        dead = counts.get((name, DeliveryState.DEAD))
        found[name] = Standing(
            endpoint=endpoints.get(name, Endpoint(channel=name)),
            waiting=waiting.count if waiting else 0,
            oldest_at=waiting.oldest_at if waiting else None,
            dead=dead.count if dead else 0,
        )
    return found


async def watch_deliveries(context: Context) -> list[str]:
    """Tell the other channels of each that fails, once, and when it works again.

    Returns:
        What is wrong, a sentence for each channel.

    Raises:
        StorageError: the database.
    """
    await _give_up_unknown(context)
    lasting = await open_conditions(context)
    endpoints = {e.channel: e for e in await context.store.endpoints()}
    wrong: list[str] = []
    for name in context.channels:
        wrong += await _watch(context, endpoints.get(name, Endpoint(channel=name)), lasting)
        wrong += await _watch_dead_letters(context, name, lasting)
    await _close_unknown(context, lasting)
    return wrong


async def _watch(context: Context, endpoint: Endpoint, lasting: set[str]) -> list[str]:
    name, condition = endpoint.channel, f"{_CHANNEL}{endpoint.channel}"
    if tells_operator(endpoint, context.clock.now()):
        sentence, hint = _in_words(endpoint)
        await notify_self(context, condition, sentence, hint, without=name)
        return [sentence]
    if not endpoint.failures and condition in lasting:
        await resolve_self(context, condition, f"Channel {name} takes messages again.")
    return []


def _in_words(endpoint: Endpoint) -> tuple[str, str]:
    name, met = endpoint.channel, endpoint.last_error or ""
    if endpoint.disabled_at is not None:
        return (
            f"Channel {name} is disabled. {met}".strip(),
            f"Set a new address for it and restart; then `tagtide deliveries enable {name}`.",
        )
    assert endpoint.failing_since is not None
    since = instant_text(endpoint.failing_since, UTC)
    return (
        f"Channel {name} has not taken a message since {since} UTC. {met}".strip(),
        "Messages wait for up to 76 hours; `tagtide deliveries list` shows them.",
    )


async def _watch_dead_letters(context: Context, name: str, lasting: set[str]) -> list[str]:
    condition, since = f"{_UNDELIVERED}{name}", context.clock.now() - _NEWS
    newest = await context.store.deliveries(state=DeliveryState.DEAD, channel=name, limit=20)
    if any(d.given_up_at is not None and d.given_up_at > since for d in newest):
        sentence = f"Messages to channel {name} were given up."
        hint = f"When it works again: `tagtide deliveries replay --all-dead --channel {name}`."
        await notify_self(context, condition, sentence, hint, without=name)
        return [sentence]
    if condition in lasting:
        done = f"No message to channel {name} was given up within a day."
        await resolve_self(context, condition, done)
    return []


async def _close_unknown(context: Context, lasting: set[str]) -> None:
    """What was wrong with a channel that is no longer configured is over."""
    for condition in lasting:
        for prefix in (_CHANNEL, _UNDELIVERED):
            name = condition.removeprefix(prefix)
            if name != condition and name not in context.channels:
                await resolve_self(context, condition, f"There is no channel {name} any more.")


async def _give_up_unknown(context: Context) -> None:
    """Messages to channels that are no longer configured become dead letters."""
    store, now = context.store, context.clock.now()
    for name in _unknown(await store.channels_waiting(), context.channels):
        queue = await store.dispatch_queue(name)
        old = [w for w in queue.waiting if now - w.queued_at >= _UNKNOWN_CHANNEL]
        if not old:
            continue
        _log.warning("channel_unknown", channel=name, count=len(old))
        await store.change_queue(
            QueueChange(
                channel=name,
                fence=queue.endpoint.fence,
                at=now,
                given_up=tuple(w.notification_id for w in old),
                reason=f"There is no channel {name} any more.",
            )
        )


def _unknown(names: Iterable[str], known: Iterable[str]) -> list[str]:
    return sorted(set(names) - set(known))


async def prune_deliveries(context: Context) -> int:
    """Forget messages that were sent or given up long ago, and links that ended as long ago.

    Raises `StorageError`.
    """
    before = context.clock.now() - KEPT
    await context.store.prune_shares(before)
    return await context.store.prune_deliveries(before)
