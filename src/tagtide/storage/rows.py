"""Small pieces every topic needs: the base class, upserts, keys of hashtags, rows to models."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

from sqlalchemy import Connection, Table, bindparam, select
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from tagtide.models import HashtagReading, VideoCounters, VideoReading
from tagtide.ports import Clock
from tagtide.storage import tables as t
from tagtide.storage.database import Database

#: Bound parameters per statement that both engines take without complaint.
_IN_LIMIT = 500


class Topic:
    """What the part of the store for one topic works with."""

    _db: Database
    _clock: Clock


def insert(connection: Connection, table: Table) -> Any:
    """An INSERT that knows ON CONFLICT; the one statement that differs between the engines."""
    return insert_for(connection.dialect.name, table)


def insert_for(dialect: str, table: Table) -> Any:
    """The same by the name of the dialect, for statements that are built once."""
    if dialect == "postgresql":
        from sqlalchemy.dialects.postgresql import insert as postgresql_insert

        return postgresql_insert(table)
    return sqlite_insert(table)


def insert_missing(connection: Connection, table: Table, rows: Sequence[dict[str, Any]]) -> None:
    """Insert rows and leave those that exist already as they are."""
    if rows:
        connection.execute(_insert_missing(connection.dialect.name, table), rows)


@cache
def _insert_missing(dialect: str, table: Table) -> Any:
    return insert_for(dialect, table).on_conflict_do_nothing()


def chunks(values: Iterable[Any]) -> Iterable[list[Any]]:
    """Pieces small enough for an IN."""
    everything = list(values)
    for start in range(0, len(everything), _IN_LIMIT):
        yield everything[start : start + _IN_LIMIT]


_HASHTAGS = select(t.hashtag.c.name, t.hashtag.c.id).where(
    t.hashtag.c.name.in_(bindparam("names", expanding=True))
)


def hashtag_keys(connection: Connection, names: Iterable[str]) -> dict[str, int]:
    """Keys of hashtags by name; those never seen before get one."""
    wanted = sorted(set(names))
    found = known_hashtag_keys(connection, wanted)
    missing = [name for name in wanted if name not in found]
    if missing:
        insert_missing(connection, t.hashtag, [{"name": name} for name in missing])
        found |= known_hashtag_keys(connection, missing)
    return found


def known_hashtag_keys(connection: Connection, names: Iterable[str]) -> dict[str, int]:
    """Keys of those hashtags that are stored, by name."""
    found: dict[str, int] = {}
    for some in chunks(names):
        rows = connection.execute(_HASHTAGS, {"names": some})
        found.update((row.name, row.id) for row in rows)
    return found


def counters_of(row: Any) -> VideoCounters:
    """The counters of a row of `video` or `video_reading`."""
    return VideoCounters(
        view_count=row.view_count,
        like_count=row.like_count,
        comment_count=row.comment_count,
        share_count=row.share_count,
        save_count=row.save_count,
        source=row.source,
    )


def video_reading_of(row: Any) -> VideoReading:
    """A row with ``video_id`` and the columns of a video reading."""
    return VideoReading(video_id=row.video_id, read_at=row.read_at, counters=counters_of(row))


def hashtag_reading_of(row: Any, name: str) -> HashtagReading:
    """A row of `hashtag` or `hashtag_reading`."""
    return HashtagReading(
        hashtag=name,
        hashtag_id=row.tiktok_id,
        read_at=row.read_at,
        view_count=row.view_count,
        view_source=row.view_source,
        view_unit=row.view_unit,
        video_count=row.video_count,
        video_source=row.video_source,
        video_unit=row.video_unit,
        run_id=row.run_id,
        payload_hash=row.payload_hash or "",
        flags=tuple(row.flags or ()),
    )
