"""Messages on their way: written with the alert, sent by whoever holds the endpoint, marked.

The endpoint of a channel is what is leased, not the message: one sender at a time, in order. Its
fence grows with every change of the queue, so that a decision that was taken on an older state, and
an owner who was overtaken, write nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, literal, select, update

from tagtide.core.dispatch import DispatchQueue, Waiting
from tagtide.core.endpoints import Ending
from tagtide.errors import LeaseLost
from tagtide.models import Endpoint, Notification
from tagtide.ports import AttemptEnd, QueueChange
from tagtide.storage import tables as t
from tagtide.storage.rows import Topic, chunks, insert_missing

#: Messages of a channel that one decision reads.
_READ = 1_000

_box = t.outbox.c
#: A message that is not out; the condition of an index.
WAITING = (_box.sent_at.is_(None), _box.given_up_at.is_(None), _box.folded_into.is_(None))
_DECIDED_BY = (
    _box.notification_id,
    _box.kind,
    _box.alert_id,
    _box.created_at,
    _box.due_at,
    _box.attempts,
    _box.is_held,
    func.coalesce(_box.replayed_at, _box.created_at, type_=t.Instant).label("queued_at"),
    _box.first_failed_at,
)


class Outbox(Topic):
    """The delivery part of the store; messages are written with what causes them."""

    async def channels_waiting(self) -> list[str]:
        """Names of channels for which a message waits."""
        query = select(_box.channel).where(*WAITING).distinct().order_by(_box.channel)
        return await self._db.read(lambda c: list(c.execute(query).scalars()))

    async def dispatch_queue(
        self, channel: str, sent_since: datetime | None = None
    ) -> DispatchQueue:
        """What a decision about a channel reads; of a long queue only the oldest thousand."""
        return await self._db.read(lambda c: _queue(c, channel, sent_since))

    async def notifications(self, notification_ids: Sequence[str]) -> list[Notification]:
        """Messages with their words, in order of creation."""
        return await self._db.read(lambda c: _notifications(c, notification_ids))

    async def change_queue(self, change: QueueChange) -> bool:
        """Write what was decided; False, and nothing written, when somebody else was faster."""
        return await self._db.write(lambda c: _change(c, change))

    async def end_attempt(self, end: AttemptEnd) -> None:
        """Write what became of an attempt and give the endpoint free. Raises `LeaseLost`."""
        await self._db.write(lambda c: _end(c, end))

    async def release_endpoint(self, channel: str, fence: int) -> None:
        """Give an endpoint free whose attempt was broken off; nothing for an older owner."""
        ours = (t.endpoint.c.channel == channel, t.endpoint.c.fence == fence)
        free = update(t.endpoint).where(*ours).values(lease_until=None)
        await self._db.write(lambda c: c.execute(free))

    async def endpoints(self) -> list[Endpoint]:
        """Every endpoint that anything was ever sent to, by name."""
        query = select(t.endpoint).order_by(t.endpoint.c.channel)
        return await self._db.read(lambda c: [_endpoint(row) for row in c.execute(query)])


def enqueue(connection: Connection, notifications: Sequence[Notification]) -> None:
    """Write messages; one that is there already stays as it is."""
    rows = [
        {
            "notification_id": n.notification_id,
            "channel": n.channel,
            "alert_id": n.alert_id,
            "kind": n.kind,
            "created_at": n.created_at,
            "due_at": n.due_at,
            "payload": n.payload,
            "attempts": n.attempts,
            "mail_to": n.to,
        }
        for n in notifications
    ]
    insert_missing(connection, t.outbox, rows)


def notification_of(row: Any) -> Notification:
    """A row of `outbox`."""
    return Notification(
        notification_id=row.notification_id,
        channel=row.channel,
        alert_id=row.alert_id,
        kind=row.kind,
        created_at=row.created_at,
        due_at=row.due_at,
        payload=row.payload,
        attempts=row.attempts,
        to=row.mail_to,
    )


def _endpoint(row: Any) -> Endpoint:
    return Endpoint(**row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for it


# --- reading --------------------------------------------------------------------------------------


def _queue(connection: Connection, channel: str, sent_since: datetime | None) -> DispatchQueue:
    found = connection.execute(select(t.endpoint).where(t.endpoint.c.channel == channel)).first()
    endpoint = _endpoint(found) if found else Endpoint(channel=channel)
    here = _box.channel == channel
    in_order = (_box.created_at, _box.notification_id)
    waiting = select(*_DECIDED_BY).where(here, *WAITING).order_by(*in_order).limit(_READ)
    return DispatchQueue(
        endpoint=endpoint,
        waiting=tuple(Waiting(**row._mapping) for row in connection.execute(waiting)),  # noqa: SLF001 - SQLAlchemy's public name for it
        sent=_sent(connection, channel, sent_since),
    )


def _sent(
    connection: Connection, channel: str, since: datetime | None
) -> tuple[tuple[str, datetime], ...]:
    if since is None:
        return ()
    query = select(_box.kind, _box.sent_at).where(_box.channel == channel, _box.sent_at > since)
    return tuple((row.kind, row.sent_at) for row in connection.execute(query))


def _notifications(connection: Connection, ids: Sequence[str]) -> list[Notification]:
    found = [
        notification_of(row)
        for some in chunks(ids)
        for row in connection.execute(select(t.outbox).where(_box.notification_id.in_(some)))
    ]
    return sorted(found, key=lambda n: (n.created_at, n.notification_id))


# --- writing --------------------------------------------------------------------------------------


def _change(connection: Connection, change: QueueChange) -> bool:
    insert_missing(connection, t.endpoint, [{"channel": change.channel}])
    values: dict[str, Any] = {"fence": change.fence + 1, "lease_until": change.lease_until}
    if change.digest_at is not None:
        values["digest_at"] = change.digest_at
    unchanged = (t.endpoint.c.channel == change.channel, t.endpoint.c.fence == change.fence)
    if not connection.execute(update(t.endpoint).where(*unchanged).values(values)).rowcount:
        return False
    if change.queued is not None:
        enqueue(connection, [change.queued])
        _update(connection, change.folded, {"folded_into": change.queued.notification_id})
    if change.attempted is not None:
        _update(connection, [change.attempted], {"attempts": _box.attempts + 1})
    _update(connection, change.held, {"is_held": True})
    _update(connection, change.given_up, {"given_up_at": change.at, "last_error": change.reason})
    return True


def _update(connection: Connection, ids: Sequence[str], values: dict[str, Any]) -> None:
    for some in chunks(ids):
        these = update(t.outbox).where(_box.notification_id.in_(some), *WAITING)
        connection.execute(these.values(values))


def _end(connection: Connection, end: AttemptEnd) -> None:
    after = end.aftermath
    endpoint = after.endpoint
    ours = (t.endpoint.c.channel == endpoint.channel, t.endpoint.c.fence == end.fence)
    state = {
        "failing_since": endpoint.failing_since,
        "failures": endpoint.failures,
        "failed_at": endpoint.failed_at,
        "next_attempt_at": endpoint.next_attempt_at,
        "disabled_at": endpoint.disabled_at,
        "last_error": endpoint.last_error,
        "lease_until": None,
    }
    if not connection.execute(update(t.endpoint).where(*ours).values(state)).rowcount:
        raise LeaseLost(f"Somebody else sends to channel {endpoint.channel} now.")
    _update(connection, [end.notification_id], _ended(end))
    if after.releases:
        tried = update(t.outbox).where(
            _box.channel == endpoint.channel, _box.attempts > 0, _box.due_at > end.at, *WAITING
        )
        connection.execute(tried.values(due_at=end.at))


def _ended(end: AttemptEnd) -> dict[str, Any]:
    after = end.aftermath
    if after.ending is Ending.SENT:
        return {"sent_at": end.at, "last_error": None}
    failed: dict[str, Any] = {
        "last_error": end.error,
        "first_failed_at": func.coalesce(_box.first_failed_at, literal(end.at, t.Instant)),
    }
    if after.ending is Ending.DEAD:
        return failed | {"given_up_at": end.at}
    return failed | {"due_at": after.due_at}
