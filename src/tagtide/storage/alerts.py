"""Alerts: one row per episode, at most one open per fingerprint; their history; mutes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, or_, select, update
from sqlalchemy.exc import IntegrityError

from tagtide.core.alerts import (
    AlertReason,
    acknowledge,
    end_unwatched,
    event_by_hand,
    unacknowledge,
)
from tagtide.errors import Conflict, NotFound
from tagtide.models import Alert, AlertEvent, AlertState, Mute, Rule
from tagtide.storage import tables as t
from tagtide.storage.rows import Topic, insert

#: Written by what a person does alone: a decision that was under way must not undo it.
_BY_HAND = ("acked_at", "acked_by", "ack_note", "acked_severity")


class Alerts(Topic):
    """The alert part of the store; alerts are written by `commit` and `finish_run`."""

    async def firing(self, campaign_id: int | None = None) -> list[Alert]:
        """Those that fire now, newest first; of every campaign and of tagtide when None."""
        return await self._db.read(
            lambda c: alerts_of(c, _newest_first(campaign_id, AlertState.FIRING))
        )

    async def alerts(
        self,
        *,
        campaign_id: int | None = None,
        state: AlertState | None = None,
        limit: int = 100,
        lapsed: bool = False,
    ) -> list[Alert]:
        """Newest first; those that were pending and never fired only with ``lapsed``."""
        query = _newest_first(campaign_id, state).limit(limit)
        if not lapsed:
            a = t.alert.c
            fired = or_(
                a.state != AlertState.RESOLVED, a.fired_at.is_not(None), a.pending_since.is_(None)
            )
            query = query.where(fired)
        return await self._db.read(lambda c: alerts_of(c, query))

    async def episodes(
        self,
        campaign_id: int | None,
        *,
        resolved_since: datetime | None = None,
        rule: Rule | None = None,
    ) -> list[Alert]:
        """What a decision must know, oldest first: what is open, goes on and off, or ended since.

        ``campaign_id`` None are those of tagtide itself; ``resolved_since`` None is all that ended.
        """
        a = t.alert.c
        own = a.campaign_id.is_(None) if campaign_id is None else a.campaign_id == campaign_id
        query = select(t.alert).where(own).order_by(a.opened_at, a.alert_id)
        if resolved_since is not None:
            is_open = a.state != AlertState.RESOLVED
            query = query.where(or_(is_open, a.is_flapping, a.resolved_at >= resolved_since))
        if rule is not None:
            query = query.where(a.rule == rule)
        return await self._db.read(lambda c: alerts_of(c, query))

    async def alert(self, alert_id: str) -> Alert:
        """One by id or by a prefix that only it has. Raises `NotFound`."""
        return await self._db.read(lambda c: _by_prefix(c, alert_id))

    async def alert_events(self, alert_id: str) -> list[AlertEvent]:
        """The history of an alert, oldest first."""
        mine = t.alert_event.c.alert_id == alert_id
        query = select(t.alert_event).where(mine).order_by(t.alert_event.c.id)
        return await self._db.read(lambda c: [_event(row) for row in c.execute(query)])

    async def acknowledge(self, alert_id: str, *, by: str, note: str, now: datetime) -> Alert:
        """Somebody has an alert in hand. Raises `NotFound`, or `Conflict` when it is over."""
        return await self._db.write(
            lambda c: _by_hand(c, alert_id, lambda a: acknowledge(a, by=by, note=note, now=now))
        )

    async def unacknowledge(self, alert_id: str, *, by: str, now: datetime) -> Alert:
        """Nobody has it in hand any more. Raises `NotFound`, or `Conflict` when nobody had it."""
        return await self._db.write(
            lambda c: _by_hand(c, alert_id, lambda a: unacknowledge(a, by=by, now=now))
        )

    async def add_mute(self, mute: Mute) -> None:
        """Mute; the history of a single alert says so. Raises `NotFound`."""
        await self._db.write(lambda c: _add_mute(c, mute))

    async def mutes(self, now: datetime) -> list[Mute]:
        """Those in force, by their end."""
        m = t.mute.c
        query = (
            select(t.mute).where(m.ended_at.is_(None), m.until > now).order_by(m.until, m.mute_id)
        )
        return await self._db.read(lambda c: [_mute(row) for row in c.execute(query)])

    async def end_mutes(self, mute_ids: Sequence[str], *, by: str, now: datetime) -> int:
        """End mutes before their time; return how many were in force."""
        return await self._db.write(lambda c: sum(_end_mute(c, m, by, now) for m in mute_ids))


def put_alerts(connection: Connection, alerts: Sequence[Alert]) -> None:
    """Insert alerts or replace them by id.

    Raises `Conflict` when two would be open for one thing, or when an alert was changed since the
    decision read it.
    """
    # The end of one episode and the beginning of the next may come in one decision.
    for alert in sorted(alerts, key=lambda a: a.is_open):
        try:
            _put(connection, alert)
        except IntegrityError as error:
            raise Conflict(f"An alert for {alert.fingerprint!r} is open already.") from error


def _put(connection: Connection, alert: Alert) -> None:
    row = {key: value for key, value in asdict(alert).items() if key != "version"}
    decided = {key: value for key, value in row.items() if key not in _BY_HAND}
    newer = {**decided, "version": t.alert.c.version + 1}
    if alert.version:
        known = (t.alert.c.alert_id == alert.alert_id) & (t.alert.c.version == alert.version)
        if not connection.execute(update(t.alert).where(known).values(newer)).rowcount:
            raise Conflict(f"The alert {alert.alert_id[:8]} was changed by another process.")
        return
    statement = insert(connection, t.alert).values({**row, "version": 1})
    connection.execute(statement.on_conflict_do_update(index_elements=["alert_id"], set_=newer))


def put_events(connection: Connection, events: Sequence[AlertEvent]) -> None:
    """Add lines to the history of alerts."""
    if events:
        connection.execute(t.alert_event.insert(), [asdict(event) for event in events])


def end_alerts_of(connection: Connection, campaign_id: int, now: datetime) -> None:
    """End what a removed campaign has open; whoever removed it need not be told."""
    mine = select(t.alert).where(t.alert.c.campaign_id == campaign_id)
    for alert in alerts_of(connection, mine.where(t.alert.c.state != AlertState.RESOLVED)):
        decision = end_unwatched(alert, now)
        assert decision.alert is not None
        assert decision.event is not None
        put_alerts(connection, [decision.alert])
        put_events(connection, [replace(decision.event, told=False)])


def _newest_first(campaign_id: int | None, state: AlertState | None) -> Select[Any]:
    query = select(t.alert).order_by(t.alert.c.opened_at.desc(), t.alert.c.alert_id)
    if campaign_id is not None:
        query = query.where(t.alert.c.campaign_id == campaign_id)
    return query if state is None else query.where(t.alert.c.state == state)


def alerts_of(connection: Connection, query: Select[Any]) -> list[Alert]:
    """The alerts that a query of their table gives, in its order."""
    return [alert_of(row) for row in connection.execute(query)]


def _by_prefix(connection: Connection, alert_id: str) -> Alert:
    starts = t.alert.c.alert_id.startswith(alert_id, autoescape=True)
    found = alerts_of(connection, select(t.alert).where(starts).limit(50)) if alert_id else []
    exact = [alert for alert in found if alert.alert_id == alert_id]
    if exact or len(found) == 1:
        return (exact or found)[0]
    if found:
        raise NotFound(f"Several alerts begin with {alert_id!r}.", hint="Give more of the id.")
    raise NotFound(f"There is no alert {alert_id!r}.", hint="`tagtide alerts list` shows them.")


def _by_hand(
    connection: Connection, alert_id: str, change: Callable[[Alert], tuple[Alert, AlertEvent]]
) -> Alert:
    # Locked, so that the line of the history speaks of the state the alert has.
    this = select(t.alert).where(t.alert.c.alert_id == alert_id).with_for_update()
    found = alerts_of(connection, this)
    if not found:
        raise NotFound(f"There is no alert {alert_id!r}.", hint="`tagtide alerts list` shows them.")
    changed, event = change(found[0])
    values = {name: getattr(changed, name) for name in _BY_HAND}
    connection.execute(update(t.alert).where(t.alert.c.alert_id == alert_id).values(values))
    put_events(connection, [event])
    return changed


def _add_mute(connection: Connection, mute: Mute) -> None:
    if mute.alert_id is not None:
        alert = _by_prefix(connection, mute.alert_id)
        mute = replace(mute, alert_id=alert.alert_id)
        event = event_by_hand(
            alert, AlertReason.MUTED, by=mute.by, note=mute.reason, now=mute.created_at
        )
        put_events(connection, [event])
    connection.execute(t.mute.insert().values(asdict(mute)))


def _end_mute(connection: Connection, mute_id: str, by: str, now: datetime) -> int:
    in_force = (t.mute.c.mute_id == mute_id) & t.mute.c.ended_at.is_(None) & (t.mute.c.until > now)
    ended = connection.execute(
        update(t.mute).where(in_force).values(ended_at=now).returning(t.mute.c.alert_id)
    ).all()
    for (alert_id,) in ended:
        if alert_id is not None:
            alert = _by_prefix(connection, alert_id)
            put_events(
                connection,
                [event_by_hand(alert, AlertReason.UNMUTED, by=by, note="", now=now)],
            )
    return len(ended)


def alert_of(row: Any) -> Alert:
    """A row of `alert`."""
    values = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for it
    return Alert(**values | {"rule": Rule(row.rule), "state": AlertState(row.state)})


def _event(row: Any) -> AlertEvent:
    return AlertEvent(
        alert_id=row.alert_id,
        at=row.at,
        from_state=AlertState(row.from_state) if row.from_state else None,
        to_state=AlertState(row.to_state),
        reason=row.reason,
        told=row.told,
        by=row.by,
        note=row.note,
    )


def _mute(row: Any) -> Mute:
    values = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for it
    return Mute(**values | {"rule": Rule(row.rule) if row.rule else None})
