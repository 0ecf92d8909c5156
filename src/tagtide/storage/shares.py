"""Reports that were handed out by a link: copies, under the hash of a secret."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, delete, insert, or_, select, update

from tagtide.errors import NotFound
from tagtide.ports import NewShare, Share
from tagtide.storage import tables as t
from tagtide.storage.rows import Topic

_LISTED = [column for column in t.share.c if column.name not in {"document", "secret_hash"}]


class Shares(Topic):
    """The part of the store for links to reports."""

    async def add_share(self, share: NewShare, by: str, now: datetime) -> Share:
        """Keep a copy of a report under a link."""
        return await self._db.write(lambda c: add_share_to(c, share, by, now))

    async def shares(self, limit: int = 100) -> list[Share]:
        """Newest first, those that lead nowhere any more too."""
        query = select(*_LISTED).order_by(t.share.c.id.desc()).limit(limit)
        return await self._db.read(lambda c: [_share_of(row) for row in c.execute(query)])

    async def open_share(
        self, secret_hash: str, now: datetime, *, counts: bool = True
    ) -> tuple[Share, Sequence[Mapping[str, Any]]] | None:
        """The report behind a link, counted as opened; None for one that leads nowhere."""
        if counts:
            return await self._db.write(lambda c: _open(c, secret_hash, now))
        return await self._db.read(lambda c: _look(c, secret_hash, now))

    async def revoke_share(self, share_id: int, now: datetime) -> Share:
        """End a link; nothing changes for one that ended. Raises `NotFound`."""
        return await self._db.write(lambda c: _revoke(c, share_id, now))

    async def prune_shares(self, before: datetime) -> int:
        """Forget links that ended, by themselves or not, before an instant; return how many."""
        over = or_(t.share.c.expires_at < before, t.share.c.revoked_at < before)
        return await self._db.write(lambda c: c.execute(delete(t.share).where(over)).rowcount)


def add_share_to(connection: Connection, share: NewShare, by: str, now: datetime) -> Share:
    """Keep a copy of a report under a link, within a transaction that writes more."""
    values = {
        "secret_hash": share.secret_hash,
        "campaign_id": share.campaign_id,
        "kind": share.kind,
        "day": share.on,
        "title": share.title,
        "as_of": share.as_of,
        "timezone": share.timezone,
        "document": [dict(part) for part in share.document],
        "made_by": by,
        "made_at": now,
        "expires_at": share.expires_at,
        "opened": 0,
    }
    query = insert(t.share).values(values).returning(*_LISTED)
    return _share_of(connection.execute(query).one())


def _leads(secret_hash: str, now: datetime) -> tuple[ColumnElement[bool], ...]:
    """Conditions of a link that leads somewhere."""
    is_it = t.share.c.secret_hash == secret_hash
    return is_it, t.share.c.revoked_at.is_(None), t.share.c.expires_at > now


def _look(
    connection: Connection, secret_hash: str, now: datetime
) -> tuple[Share, Sequence[Mapping[str, Any]]] | None:
    query = select(*_LISTED, t.share.c.document).where(*_leads(secret_hash, now))
    row = connection.execute(query).one_or_none()
    return None if row is None else (_share_of(row), row.document)


def _open(
    connection: Connection, secret_hash: str, now: datetime
) -> tuple[Share, Sequence[Mapping[str, Any]]] | None:
    query = (
        update(t.share)
        .where(*_leads(secret_hash, now))
        .values(opened=t.share.c.opened + 1, opened_at=now)
        .returning(*_LISTED, t.share.c.document)
    )
    row = connection.execute(query).one_or_none()
    return None if row is None else (_share_of(row), row.document)


def _revoke(connection: Connection, share_id: int, now: datetime) -> Share:
    connection.execute(
        update(t.share)
        .where(t.share.c.id == share_id, t.share.c.revoked_at.is_(None))
        .values(revoked_at=now)
    )
    row = connection.execute(select(*_LISTED).where(t.share.c.id == share_id)).one_or_none()
    if row is None:
        raise NotFound(
            "There is no such link.", hint="`tagtide links list` and the page of reports list them."
        )
    return _share_of(row)


def _share_of(row: Any) -> Share:
    return Share(
        share_id=row.id,
        campaign_id=row.campaign_id,
        kind=row.kind,
        on=row.day,
        title=row.title,
        as_of=row.as_of,
        timezone=row.timezone,
        made_by=row.made_by,
        made_at=row.made_at,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
        opened=row.opened,
        opened_at=row.opened_at,
    )
