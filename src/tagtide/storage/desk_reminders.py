"""What people are to be reminded of, and what they were reminded of."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, select
from sqlalchemy.exc import IntegrityError

from tagtide.core.desk import DeskState
from tagtide.core.desk.reminders import Cause, Due, Reminder
from tagtide.errors import Conflict
from tagtide.models import Notification
from tagtide.storage import tables as t
from tagtide.storage.outbox import enqueue
from tagtide.storage.rows import Topic, chunks, insert

_item, _end, _told = t.desk_item.c, t.desk_end.c, t.desk_reminder.c


class DeskReminders(Topic):
    """The part of the store for reminders of the desk."""

    async def desk_due(
        self, campaign_id: int, now: datetime, until: datetime, asked_before: datetime
    ) -> list[Due]:
        """What ends between ``now`` and ``until``, and requests that are open for longer."""
        return await self._db.read(lambda c: _due(c, campaign_id, now, until, asked_before))

    async def desk_told(
        self, campaign_id: int, due: Sequence[Due]
    ) -> frozenset[tuple[str, str, int, int]]:
        """Keys of the reminders of those things that people had."""
        ids = sorted({one.video_id for one in due})
        return await self._db.read(lambda c: frozenset(_keys(c, campaign_id, ids)))

    async def desk_reminded_on(self, campaign_id: int, day: date) -> bool:
        """Whether people were reminded on a day."""
        days = t.desk_reminder_day.c
        query = select(days.day).where(days.campaign_id == campaign_id, days.day == day)
        return await self._db.read(lambda c: c.execute(query).first() is not None)

    async def put_reminders(
        self,
        campaign_id: int,
        day: date,
        told: Sequence[Reminder],
        notifications: Sequence[Notification],
        now: datetime,
    ) -> bool:
        """Write a day's messages; False, and nothing written, when somebody was faster."""
        try:
            await self._db.write(lambda c: _put(c, campaign_id, day, told, notifications, now))
        except Conflict:
            return False
        return True


def _due(
    connection: Connection,
    campaign_id: int,
    now: datetime,
    until: datetime,
    asked_before: datetime,
) -> list[Due]:
    whose = (t.video.c.video_id, t.creator.c.username)
    ends = (
        select(*whose, _end.cause, _end.number, _end.at)
        .join(t.video, t.video.c.id == _end.video_key)
        .join(t.creator, t.creator.c.id == t.video.c.creator_key)
        .where(_end.campaign_id == campaign_id, _end.at > now, _end.at <= until)
    )
    asked = (
        select(*whose, _item.asked_in.label("number"), _item.asked_at.label("at"))
        .join(t.video, t.video.c.id == _item.video_key)
        .join(t.creator, t.creator.c.id == t.video.c.creator_key)
        .where(_item.campaign_id == campaign_id, _item.state == DeskState.ASKED)
        .where(_item.asked_at <= asked_before)
    )
    return [
        *(_due_of(row, Cause(row.cause)) for row in connection.execute(ends)),
        *(_due_of(row, Cause.UNANSWERED) for row in connection.execute(asked)),
    ]


def _due_of(row: Any, cause: Cause) -> Due:
    return Due(
        cause=cause,
        video_id=row.video_id,
        author_username=row.username,
        number=row.number,
        at=row.at,
    )


def _keys(
    connection: Connection, campaign_id: int, ids: Sequence[str]
) -> list[tuple[str, str, int, int]]:
    query = (
        select(_told.cause, t.video.c.video_id, _told.number, _told.stage)
        .join(t.video, t.video.c.id == _told.video_key)
        .where(_told.campaign_id == campaign_id)
    )
    return [
        (row.cause, row.video_id, row.number, row.stage)
        for some in chunks(ids)
        for row in connection.execute(query.where(t.video.c.video_id.in_(some)))
    ]


def _put(
    connection: Connection,
    campaign_id: int,
    day: date,
    told: Sequence[Reminder],
    notifications: Sequence[Notification],
    now: datetime,
) -> None:
    today = {"campaign_id": campaign_id, "day": day, "told_at": now}
    begun = insert(connection, t.desk_reminder_day).values(today).on_conflict_do_nothing()
    if connection.execute(begun.returning(t.desk_reminder_day.c.day)).first() is None:
        raise Conflict("People were reminded today already.")
    keys = _video_keys(connection, [one.due.video_id for one in told])
    rows = [
        {
            "campaign_id": campaign_id,
            "video_key": keys[one.due.video_id],
            "number": one.due.number,
            "cause": one.due.cause,
            "stage": one.stage,
            "told_at": now,
        }
        for one in told
    ]
    try:
        connection.execute(t.desk_reminder.insert(), rows)
    except IntegrityError as error:
        raise Conflict("People were reminded of it already.") from error
    enqueue(connection, notifications)


def _video_keys(connection: Connection, ids: Sequence[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for some in chunks(sorted(set(ids))):
        query = select(t.video.c.video_id, t.video.c.id).where(t.video.c.video_id.in_(some))
        found.update((row.video_id, row.id) for row in connection.execute(query))
    return found
