"""Heartbeats of the processes that share a database."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, delete, select

from tagtide.storage import tables as t
from tagtide.storage.rows import Topic, insert


class Workers(Topic):
    """Who is alive."""

    async def beat(self, executor_id: str, host: str, now: datetime) -> None:
        """Say that a worker lives; the first beat is its start."""
        await self._db.write(lambda c: _beat(c, executor_id, host, now))

    async def dead_workers(self, before: datetime) -> list[str]:
        """Workers whose last beat is older than ``before``, by id."""
        query = (
            select(t.worker.c.executor_id)
            .where(t.worker.c.beat_at < before)
            .order_by(t.worker.c.executor_id)
        )
        return await self._db.read(lambda c: list(c.execute(query).scalars()))

    async def remove_worker(self, executor_id: str) -> None:
        """Forget a worker; nothing happens when it is not known."""
        this = t.worker.c.executor_id == executor_id
        await self._db.write(lambda c: c.execute(delete(t.worker).where(this)))


def _beat(connection: Connection, executor_id: str, host: str, now: datetime) -> None:
    row = {"executor_id": executor_id, "host": host, "started_at": now, "beat_at": now}
    connection.execute(
        insert(connection, t.worker)
        .values(row)
        .on_conflict_do_update(index_elements=["executor_id"], set_={"beat_at": now, "host": host})
    )
