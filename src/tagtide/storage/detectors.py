"""What the statistical detector has learned: a state per hashtag and knob, and the common pool."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, select

from tagtide.ports import DetectorPool, DetectorState
from tagtide.storage import tables as t
from tagtide.storage.rows import Topic, hashtag_keys, insert


class Detectors(Topic):
    """The detection part of the store; states are written by `commit`."""

    async def detector_states(self, hashtag: str) -> dict[float, DetectorState]:
        """By the knob they were made for."""
        state = t.detector_state
        query = (
            select(state)
            .join(t.hashtag, t.hashtag.c.id == state.c.hashtag_key)
            .where(t.hashtag.c.name == hashtag)
        )
        return await self._db.read(
            lambda c: {row.false_alarms: _state(row, hashtag) for row in c.execute(query)}
        )

    async def all_detector_states(self) -> list[DetectorState]:
        """Of every hashtag and knob, the largest knob of a hashtag last."""
        state = t.detector_state
        query = (
            select(t.hashtag.c.name, state)
            .join(t.hashtag, t.hashtag.c.id == state.c.hashtag_key)
            .order_by(t.hashtag.c.name, state.c.false_alarms)
        )
        return await self._db.read(lambda c: [_state(row, row.name) for row in c.execute(query)])

    async def detector_pool(self) -> DetectorPool | None:
        """The newest version; None before the first."""
        query = select(t.detector_pool).order_by(t.detector_pool.c.version.desc()).limit(1)
        return await self._db.read(lambda c: _pool(c.execute(query).one_or_none()))

    async def put_detector_pool(self, pool: DetectorPool) -> bool:
        """Add a version; False when it exists already."""
        row = {"version": pool.version, "made_at": pool.made_at, "body": dict(pool.body)}

        def put(connection: Connection) -> bool:
            statement = insert(connection, t.detector_pool).values(row).on_conflict_do_nothing()
            made = connection.execute(statement.returning(t.detector_pool.c.version))
            return made.scalar() is not None

        return await self._db.write(put)


def put_detector_states(connection: Connection, states: Sequence[DetectorState]) -> None:
    """Insert states, or replace those of the same hashtag and knob by newer ones."""
    if not states:
        return
    keys = hashtag_keys(connection, [state.hashtag for state in states])
    for state in states:
        key = {"hashtag_key": keys[state.hashtag], "false_alarms": state.false_alarms}
        values = {"read_at": state.read_at, "body": dict(state.body)}
        connection.execute(
            insert(connection, t.detector_state)
            .values(key | values)
            .on_conflict_do_update(
                index_elements=list(key),
                set_=values,
                # Answers that were set aside are stored late: what is known since then stays.
                where=t.detector_state.c.read_at <= state.read_at,
            )
        )


def _state(row: Any, hashtag: str) -> DetectorState:
    return DetectorState(
        hashtag=hashtag, false_alarms=row.false_alarms, read_at=row.read_at, body=row.body
    )


def _pool(row: Any) -> DetectorPool | None:
    if row is None:
        return None
    return DetectorPool(version=row.version, made_at=row.made_at, body=row.body)
