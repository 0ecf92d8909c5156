"""Alerts: one row per episode; at most one firing per fingerprint."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import Connection, Select, select
from sqlalchemy.exc import IntegrityError

from tagtide.errors import Conflict, NotFound
from tagtide.models import Alert, AlertState, Rule
from tagtide.storage import tables as t
from tagtide.storage.rows import Topic, insert


class Alerts(Topic):
    """The alert part of the store; alerts are written by `commit` and `finish_run`."""

    async def firing(self, campaign_id: int | None = None) -> list[Alert]:
        """Those that fire now, newest first."""
        return await self._db.read(
            lambda c: _alerts(c, _newest_first(campaign_id, AlertState.FIRING))
        )

    async def alerts(
        self, *, campaign_id: int | None = None, state: AlertState | None = None, limit: int = 100
    ) -> list[Alert]:
        """Newest first."""
        query = _newest_first(campaign_id, state).limit(limit)
        return await self._db.read(lambda c: _alerts(c, query))

    async def alert(self, alert_id: str) -> Alert:
        """One by id or by a prefix that only it has. Raises `NotFound`."""
        starts = t.alert.c.alert_id.startswith(alert_id, autoescape=True)
        found = await self._db.read(lambda c: _alerts(c, select(t.alert).where(starts).limit(50)))
        exact = [alert for alert in found if alert.alert_id == alert_id]
        if exact or len(found) == 1:
            return (exact or found)[0]
        if found:
            raise NotFound(f"Several alerts begin with {alert_id!r}.", hint="Give more of the id.")
        raise NotFound(f"There is no alert {alert_id!r}.", hint="`tagtide alerts list` shows them.")


def put_alerts(connection: Connection, alerts: Sequence[Alert]) -> None:
    """Insert alerts or replace them by id. Raises `Conflict` when two would fire for one thing."""
    # The end of one episode and the beginning of the next may come in one decision.
    for alert in sorted(alerts, key=lambda a: a.state is AlertState.FIRING):
        row = asdict(alert)
        statement = insert(connection, t.alert).values(row)
        try:
            connection.execute(
                statement.on_conflict_do_update(index_elements=["alert_id"], set_=row)
            )
        except IntegrityError as error:
            raise Conflict(f"An alert for {alert.fingerprint!r} is firing already.") from error


def _newest_first(campaign_id: int | None, state: AlertState | None) -> Select[Any]:
    query = select(t.alert).order_by(t.alert.c.opened_at.desc(), t.alert.c.alert_id)
    if campaign_id is not None:
        query = query.where(t.alert.c.campaign_id == campaign_id)
    return query if state is None else query.where(t.alert.c.state == state)


def _alerts(connection: Connection, query: Select[Any]) -> list[Alert]:
    return [_alert(row) for row in connection.execute(query)]


def _alert(row: Any) -> Alert:
    values = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for it
    return Alert(**values | {"rule": Rule(row.rule), "state": AlertState(row.state)})
