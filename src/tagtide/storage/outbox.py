"""Messages on their way: written with the alert, leased, sent, marked. At least once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, or_, select, update

from tagtide.models import Notification
from tagtide.storage import tables as t
from tagtide.storage.rows import Topic, insert_missing


class Outbox(Topic):
    """The delivery part of the store; messages are written by `commit` and `finish_run`."""

    async def lease_notifications(
        self, now: datetime, lease: timedelta, limit: int = 20
    ) -> list[Notification]:
        """Take due messages; nobody else gets them until the lease ends."""
        return await self._db.write(lambda c: _lease(c, now, lease, limit))

    async def mark_sent(self, notification_id: str, now: datetime) -> None:
        """The receiver has accepted it."""
        done = {"sent_at": now, "lease_until": None, "last_error": None}
        await self._db.write(lambda c: _mark(c, notification_id, done))

    async def mark_failed(
        self, notification_id: str, error: str, now: datetime, retry_at: datetime | None
    ) -> None:
        """Due again at ``retry_at``, or given up when that is None."""
        again: dict[str, Any] = {"lease_until": None, "last_error": error}
        again |= {"given_up_at": now} if retry_at is None else {"due_at": retry_at}
        await self._db.write(lambda c: _mark(c, notification_id, again))

    async def undelivered(self) -> list[Notification]:
        """Everything that was not accepted yet, given up or not; oldest first."""
        query = (
            select(t.outbox)
            .where(t.outbox.c.sent_at.is_(None))
            .order_by(t.outbox.c.created_at, t.outbox.c.notification_id)
        )
        return await self._db.read(lambda c: [_notification(row) for row in c.execute(query)])


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
        }
        for n in notifications
    ]
    insert_missing(connection, t.outbox, rows)


def _lease(
    connection: Connection, now: datetime, lease: timedelta, limit: int
) -> list[Notification]:
    box = t.outbox.c
    due = (
        select(t.outbox)
        .where(box.sent_at.is_(None), box.given_up_at.is_(None), box.due_at <= now)
        .where(or_(box.lease_until.is_(None), box.lease_until <= now))
        .order_by(box.due_at, box.notification_id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    taken = [_notification(row) for row in connection.execute(due)]
    if taken:
        connection.execute(
            update(t.outbox)
            .where(box.notification_id.in_([n.notification_id for n in taken]))
            .values(lease_until=now + lease, attempts=box.attempts + 1)
        )
    return [replace(n, attempts=n.attempts + 1) for n in taken]


def _mark(connection: Connection, notification_id: str, values: dict[str, Any]) -> None:
    this = t.outbox.c.notification_id == notification_id
    connection.execute(update(t.outbox).where(this, t.outbox.c.sent_at.is_(None)).values(values))


def _notification(row: Any) -> Notification:
    return Notification(
        notification_id=row.notification_id,
        channel=row.channel,
        alert_id=row.alert_id,
        kind=row.kind,
        created_at=row.created_at,
        due_at=row.due_at,
        payload=row.payload,
        attempts=row.attempts,
    )
