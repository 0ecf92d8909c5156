"""Looking at messages and endpoints, and setting right by hand what went wrong with them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    and_,
    case,
    delete,
    func,
    or_,
    select,
    true,
    update,
)

from tagtide.errors import NotFound
from tagtide.models import Delivery, DeliveryState, Notification
from tagtide.ports import DeliveryCount
from tagtide.storage import tables as t
from tagtide.storage.outbox import WAITING, notification_of
from tagtide.storage.rows import Topic
from tagtide.storage.subscriptions import forget_lost_files

_box = t.outbox.c
_STATES: dict[DeliveryState, ColumnElement[bool]] = {
    DeliveryState.SENT: _box.sent_at.is_not(None),
    DeliveryState.FOLDED: and_(_box.sent_at.is_(None), _box.folded_into.is_not(None)),
    DeliveryState.DEAD: and_(
        _box.sent_at.is_(None), _box.folded_into.is_(None), _box.given_up_at.is_not(None)
    ),
    DeliveryState.WAITING: and_(*WAITING),
}
_STATE = case(
    *((condition, state.value) for state, condition in _STATES.items()), else_=None
).label("state")
_NEWEST_FIRST = (_box.created_at.desc(), _box.notification_id)


class Deliveries(Topic):
    """The part of the store for who looks after deliveries."""

    async def undelivered(self) -> list[Notification]:
        """Everything that waits or was given up; oldest first."""
        query = (
            select(t.outbox)
            .where(_box.sent_at.is_(None), _box.folded_into.is_(None))
            .order_by(_box.created_at, _box.notification_id)
        )
        return await self._db.read(lambda c: [notification_of(row) for row in c.execute(query)])

    async def deliveries(
        self,
        *,
        state: DeliveryState | None = None,
        channel: str | None = None,
        limit: int = 100,
    ) -> list[Delivery]:
        """Messages and what became of them, newest first."""
        wanted = true() if state is None else _STATES[state]
        if channel is not None:
            wanted = and_(wanted, _box.channel == channel)
        return await self._db.read(lambda c: deliveries_of(c, wanted, limit))

    async def delivery_counts(self) -> list[DeliveryCount]:
        """How many messages of each channel stand where."""
        # PostgreSQL takes two expressions with parameters in them for two, even if they are one.
        box = select(_box.channel, _STATE, _box.created_at).subquery().c
        query = (
            select(box.channel, box.state, func.count(), func.min(box.created_at, type_=t.Instant))
            .group_by(box.channel, box.state)
            .order_by(box.channel, box.state)
        )
        return await self._db.read(lambda c: [_count(*row) for row in c.execute(query)])

    async def replay(
        self, now: datetime, *, notification_id: str | None = None, channel: str | None = None
    ) -> int:
        """Make dead letters wait again, as if they were new, and return how many.

        One by id or by a prefix that only it has (raises `NotFound`), or all of a channel, or all.
        """
        return await self._db.write(lambda c: _replay(c, now, notification_id, channel))

    async def enable_endpoint(self, channel: str) -> bool:
        """Forget what was wrong with an endpoint; False when nothing was."""
        row = t.endpoint.c
        wrong = or_(row.disabled_at.is_not(None), row.failures > 0)
        well = {
            "disabled_at": None,
            "failing_since": None,
            "failures": 0,
            "failed_at": None,
            "next_attempt_at": None,
            "last_error": None,
        }
        change = update(t.endpoint).where(row.channel == channel, wrong).values(well)
        return await self._db.write(lambda c: c.execute(change).rowcount > 0)

    async def prune_deliveries(self, before: datetime) -> int:
        """Forget messages that were sent or given up before an instant; return how many."""
        return await self._db.write(lambda c: _prune(c, before))


def deliveries_of(
    connection: Connection, wanted: ColumnElement[bool], limit: int
) -> list[Delivery]:
    """Messages that a condition keeps, newest first."""
    query = select(t.outbox, _STATE).where(wanted).order_by(*_NEWEST_FIRST).limit(limit)
    return [_delivery(row) for row in connection.execute(query)]


def _delivery(row: Any) -> Delivery:
    return Delivery(
        notification=notification_of(row),
        state=DeliveryState(row.state),
        sent_at=row.sent_at,
        given_up_at=row.given_up_at,
        folded_into=row.folded_into,
        is_held=row.is_held,
        last_error=row.last_error,
    )


def _count(channel: str, state: str, count: int, oldest_at: datetime) -> DeliveryCount:
    return DeliveryCount(
        channel=channel, state=DeliveryState(state), count=count, oldest_at=oldest_at
    )


def _replay(
    connection: Connection, now: datetime, notification_id: str | None, channel: str | None
) -> int:
    these = _STATES[DeliveryState.DEAD]
    if notification_id is not None:
        these = _box.notification_id == _dead_letter(connection, notification_id)
    elif channel is not None:
        these = and_(these, _box.channel == channel)
    again = {
        "given_up_at": None,
        "due_at": now,
        "replayed_at": now,
        "first_failed_at": None,
        "is_held": False,
        # One that may have arrived keeps its mark: it is repeated under its own id.
        "attempts": case((_box.attempts > 0, 1), else_=0),
    }
    return connection.execute(update(t.outbox).where(these).values(again)).rowcount


def _dead_letter(connection: Connection, prefix: str) -> str:
    starts = _box.notification_id.startswith(prefix, autoescape=True)
    query = select(_box.notification_id).where(starts, _STATES[DeliveryState.DEAD]).limit(50)
    found = list(connection.execute(query).scalars())
    if prefix in found:
        return prefix
    if len(found) == 1:
        return str(found[0])
    if found:
        raise NotFound(f"Several dead letters begin with {prefix!r}.", hint="Give more of the id.")
    raise NotFound(
        f"There is no dead letter {prefix!r}.",
        hint="`tagtide deliveries list --state dead` shows them.",
    )


def _prune(connection: Connection, before: datetime) -> int:
    over = or_(_box.sent_at < before, _box.given_up_at < before)
    pruned = connection.execute(delete(t.outbox).where(over)).rowcount
    # What was told in a message goes with it.
    told_by = t.outbox.alias("told_by")
    gone = ~select(told_by).where(told_by.c.notification_id == _box.folded_into).exists()
    orphaned = delete(t.outbox).where(_box.folded_into.is_not(None), gone)
    pruned += connection.execute(orphaned).rowcount
    forget_lost_files(connection)
    return pruned
