"""Subscriptions, the messages they cause, and the files that go with those."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, delete, func, select, update
from sqlalchemy.exc import IntegrityError

from tagtide.core.subscriptions import fingerprint
from tagtide.errors import Conflict, NotFound
from tagtide.models import MessageFile, Notification
from tagtide.ports import ReportMessage, Subscription
from tagtide.storage import tables as t
from tagtide.storage.outbox import enqueue
from tagtide.storage.rows import Topic, chunks, insert
from tagtide.storage.shares import add_share_to

_sub, _told, _box, _file, _content = (
    t.subscription.c,
    t.subscription_message.c,
    t.outbox.c,
    t.message_file.c,
    t.message_content.c,
)


#: Newest messages of a subscription among which one that was accepted is looked for.
_LOOKED_AT = 20


class Subscriptions(Topic):
    """The part of the store for reports on schedule."""

    async def add_subscription(self, subscription: Subscription) -> Subscription:
        """Store a new one and return it with its id. Raises `Conflict` when there is its like."""
        return await self._db.write(lambda c: _add(c, subscription))

    async def change_subscription(self, subscription: Subscription) -> Subscription:
        """Make the stored one (by id) equal to this one. Raises `NotFound`, `Conflict`."""
        return await self._db.write(lambda c: _change(c, subscription))

    async def subscriptions(
        self, *, campaign_id: int | None = None, kind: str | None = None
    ) -> list[Subscription]:
        """Those that were not stopped, by id."""
        query = _listed().where(_sub.ended_at.is_(None)).order_by(_sub.id)
        if campaign_id is not None:
            query = query.where(_sub.campaign_id == campaign_id)
        if kind is not None:
            query = query.where(_sub.kind == kind)
        return await self._db.read(lambda c: [_subscription(row) for row in c.execute(query)])

    async def subscription(self, subscription_id: int) -> Subscription:
        """One, stopped or not. Raises `NotFound`."""
        return await self._db.read(lambda c: _one(c, subscription_id))

    async def end_subscription(
        self, subscription_id: int, *, by: str, now: datetime
    ) -> Subscription:
        """Stop one: its messages that are not out yet go, its address is forgotten."""
        return await self._db.write(lambda c: _end(c, subscription_id, by, now))

    async def told_in_slot(self, slot_at: datetime, ids: Sequence[int]) -> frozenset[int]:
        """Which of these subscriptions have their message of a slot."""
        return await self._db.read(lambda c: frozenset(_told_in(c, slot_at, ids)))

    async def put_report_message(self, message: ReportMessage, by: str) -> bool:
        """Write a message with all that belongs to it; False when it was written before."""
        return await self._db.write(lambda c: _put(c, message, by))

    async def message_files(self, notification_id: str) -> tuple[MessageFile, ...]:
        """The files of a message, in order, with their bytes."""
        return await self._db.read(lambda c: _files(c, notification_id))

    async def subscription_by_secret(self, unsubscribe_hash: str) -> Subscription | None:
        """Whose message holds a secret, stopped or not; None for a secret of nobody."""
        whose = select(_told.subscription_id).where(_told.unsubscribe_hash == unsubscribe_hash)
        query = _listed().where(_sub.id == whose.scalar_subquery())
        row = await self._db.read(lambda c: c.execute(query).one_or_none())
        return None if row is None else _subscription(row)


def _listed() -> Select[Any]:
    """Rows of `subscription`, each with the newest of its messages."""
    newest = (
        select(_told.notification_id)
        .where(_told.subscription_id == _sub.id)
        .order_by(_told.slot_at.desc())
        .correlate(t.subscription)
    )
    told_at = newest.with_only_columns(_told.told_at).limit(1)
    # Messages may wait for days; older ones are not looked for.
    sent_at = select(func.max(_box.sent_at, type_=t.Instant)).where(
        _box.notification_id.in_(newest.limit(_LOOKED_AT))
    )
    return select(
        t.subscription,
        told_at.scalar_subquery().label("told_at"),
        sent_at.scalar_subquery().label("sent_at"),
    )


def _told_in(connection: Connection, slot_at: datetime, ids: Sequence[int]) -> list[int]:
    query = select(_told.subscription_id).where(_told.slot_at == slot_at)
    return [
        number
        for some in chunks(ids)
        for number in connection.execute(query.where(_told.subscription_id.in_(some))).scalars()
    ]


def _subscription(row: Any) -> Subscription:
    return Subscription(
        subscription_id=row.id,
        person=row.person,
        campaign_id=row.campaign_id,
        kind=row.kind,
        channel=row.channel,
        files=tuple(row.files),
        to=row.mail_to,
        made_by=row.made_by,
        made_at=row.made_at,
        ended_at=row.ended_at,
        ended_by=row.ended_by,
        told_at=row.told_at,
        sent_at=row.sent_at,
    )


def _one(connection: Connection, subscription_id: int) -> Subscription:
    row = connection.execute(_listed().where(_sub.id == subscription_id)).one_or_none()
    if row is None:
        raise NotFound(
            f"There is no subscription {subscription_id}.",
            hint="`tagtide subscriptions list` shows them.",
        )
    return _subscription(row)


def _values(wanted: Subscription) -> dict[str, Any]:
    return {
        "person": wanted.person,
        "campaign_id": wanted.campaign_id,
        "kind": wanted.kind,
        "channel": wanted.channel,
        "files": list(wanted.files),
        "mail_to": wanted.to,
        "fingerprint": fingerprint(
            wanted.campaign_id, wanted.kind, wanted.channel, wanted.person, wanted.to
        ),
    }


def _like_it() -> Conflict:
    return Conflict(
        "There is such a subscription already: it would bring the same report twice.",
        hint="`tagtide subscriptions list` shows them.",
    )


def _add(connection: Connection, wanted: Subscription) -> Subscription:
    values = _values(wanted) | {"made_by": wanted.made_by, "made_at": wanted.made_at}
    query = insert(connection, t.subscription).values(values).on_conflict_do_nothing()
    number = connection.execute(query.returning(_sub.id)).scalar()
    if number is None:
        raise _like_it()
    return _one(connection, number)


def _change(connection: Connection, wanted: Subscription) -> Subscription:
    goes_on = (_sub.id == wanted.subscription_id, _sub.ended_at.is_(None))
    try:
        with connection.begin_nested():
            done = connection.execute(
                update(t.subscription).where(*goes_on).values(_values(wanted))
            )
    except IntegrityError as error:
        raise _like_it() from error
    found = _one(connection, wanted.subscription_id)
    if not done.rowcount:
        raise NotFound(f"Subscription {wanted.subscription_id} was stopped.")
    return found


def _end(connection: Connection, subscription_id: int, by: str, now: datetime) -> Subscription:
    goes_on = (_sub.id == subscription_id, _sub.ended_at.is_(None))
    gone = {"ended_at": now, "ended_by": by, "mail_to": None, "fingerprint": None}
    if connection.execute(update(t.subscription).where(*goes_on).values(gone)).rowcount:
        mine = select(_told.notification_id).where(_told.subscription_id == subscription_id)
        its = _box.notification_id.in_(mine)
        # What has not been accepted must not go to whom else the channel goes.
        connection.execute(delete(t.outbox).where(its, _box.sent_at.is_(None)))
        connection.execute(update(t.outbox).where(its).values(mail_to=None))
        forget_lost_files(connection)
    return _one(connection, subscription_id)


# --- messages -------------------------------------------------------------------------------------


def _put(connection: Connection, message: ReportMessage, by: str) -> bool:
    # Its row is held until the end, so that nobody stops it between this look and the message.
    held = select(_sub.id).where(_sub.id == message.subscription_id, _sub.ended_at.is_(None))
    if connection.execute(held.with_for_update(key_share=True)).first() is None:
        return False
    note = message.notification
    row = {
        "subscription_id": message.subscription_id,
        "slot_at": message.slot_at,
        "notification_id": note.notification_id,
        "told_at": note.created_at,
        "unsubscribe_hash": message.unsubscribe_hash,
    }
    begun = insert(connection, t.subscription_message).values(row).on_conflict_do_nothing()
    if connection.execute(begun.returning(_told.slot_at)).first() is None:
        return False
    if message.share is not None:
        add_share_to(connection, message.share, by, note.created_at)
    enqueue(connection, [note])
    _put_files(connection, note)
    return True


def _put_files(connection: Connection, note: Notification) -> None:
    for number, file in enumerate(note.files):
        digest = hashlib.sha256(file.content).hexdigest()
        kept = insert(connection, t.message_content).values(
            content_hash=digest, content=file.content
        )
        # Written once more rather than left alone: so nobody forgets it meanwhile.
        kept = kept.on_conflict_do_update(
            index_elements=["content_hash"], set_={"content_hash": digest}
        )
        connection.execute(kept)
        connection.execute(
            t.message_file.insert().values(
                notification_id=note.notification_id,
                number=number,
                name=file.name,
                media_type=file.media_type,
                shows=file.shows,
                content_hash=digest,
            )
        )


def _files(connection: Connection, notification_id: str) -> tuple[MessageFile, ...]:
    query = (
        select(_file.name, _file.media_type, _file.shows, _content.content)
        .join(t.message_content, _content.content_hash == _file.content_hash)
        .where(_file.notification_id == notification_id)
        .order_by(_file.number)
    )
    return tuple(
        MessageFile(
            name=row.name, media_type=row.media_type, content=bytes(row.content), shows=row.shows
        )
        for row in connection.execute(query)
    )


def forget_lost_files(connection: Connection) -> None:
    """Forget files of messages that are gone, and bytes that no message has any more."""
    message = select(_box.notification_id).where(_box.notification_id == _file.notification_id)
    connection.execute(delete(t.message_file).where(~message.exists()))
    used = select(_file.number).where(_file.content_hash == _content.content_hash)
    connection.execute(delete(t.message_content).where(~used.exists()))
