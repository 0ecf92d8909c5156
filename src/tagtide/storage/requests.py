"""Requests under a key, so that a repeated one is answered and not done again."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, delete, select, update

from tagtide.ports import RememberedRequest
from tagtide.storage import tables as t
from tagtide.storage.rows import Topic, insert


class Requests(Topic):
    """The part of the store for requests that carry a key."""

    async def begin_request(self, key: str, digest: str, now: datetime) -> RememberedRequest | None:
        """Begin a request; None when nobody has used the key, else what is known of it."""
        return await self._db.write(lambda c: _begin(c, key, digest, now))

    async def end_request(self, request: RememberedRequest) -> None:
        """Keep the answer."""
        values = {
            "status": request.status,
            "body": request.body,
            "location": request.location,
        }
        query = update(t.request).where(t.request.c.key == request.key).values(values)
        await self._db.write(lambda c: c.execute(query))

    async def forget_request(self, key: str) -> None:
        """Its key may be used again."""
        await self._db.write(lambda c: c.execute(delete(t.request).where(t.request.c.key == key)))

    async def prune_requests(self, before: datetime) -> int:
        """Forget what began before an instant; return how many."""
        query = delete(t.request).where(t.request.c.created_at < before)
        return await self._db.write(lambda c: int(c.execute(query).rowcount))


def _begin(
    connection: Connection, key: str, digest: str, now: datetime
) -> RememberedRequest | None:
    row = {"key": key, "digest": digest, "created_at": now, "body": ""}
    query = insert(connection, t.request).values(row).on_conflict_do_nothing()
    if connection.execute(query.returning(t.request.c.key)).first() is not None:
        return None
    found = connection.execute(select(t.request).where(t.request.c.key == key)).one()
    return RememberedRequest(
        key=found.key,
        digest=found.digest,
        status=found.status,
        body=found.body,
        location=found.location,
    )
