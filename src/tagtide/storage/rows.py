"""Small pieces every topic needs: the base class, upserts, keys of hashtags, rows to models."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, Table, select

from tagtide.models import HashtagReading, VideoCounters, VideoReading
from tagtide.ports import Clock
from tagtide.storage import tables as t
from tagtide.storage.database import Database
from tagtide.storage.prepared import PreparedIn, PreparedInsert, insert_for

#: Bound parameters per statement that both engines take without complaint.
_IN_LIMIT = 500


class Topic:
    """What the part of the store for one topic works with."""

    _db: Database
    _clock: Clock


def insert(connection: Connection, table: Table) -> Any:
    """An INSERT that knows ON CONFLICT, for statements that run seldom."""
    return insert_for(connection.dialect.name, table)


def insert_missing(connection: Connection, table: Table, rows: Sequence[dict[str, Any]]) -> None:
    """Insert rows and leave those that exist already as they are."""
    if rows:
        connection.execute(insert(connection, table).on_conflict_do_nothing(), rows)


def chunks(values: Iterable[Any]) -> Iterable[list[Any]]:
    """Pieces small enough for an IN."""
    everything = list(values)
    for start in range(0, len(everything), _IN_LIMIT):
        yield everything[start : start + _IN_LIMIT]


_HASHTAGS = PreparedIn(
    t.hashtag.c.name, lambda named: select(t.hashtag.c.name, t.hashtag.c.id).where(named)
)
_ADD_HASHTAGS = PreparedInsert(t.hashtag, ["name"])


def hashtag_key(connection: Connection, name: str) -> int:
    """Key of one hashtag; one never seen before gets a new one."""
    return hashtag_keys(connection, [name])[name]


def hashtag_keys(connection: Connection, names: Iterable[str]) -> dict[str, int]:
    """Keys of hashtags by name; those never seen before get one."""
    wanted = sorted(set(names))
    found = known_hashtag_keys(connection, wanted)
    missing = [name for name in wanted if name not in found]
    if missing:
        _ADD_HASHTAGS.run(connection, [{"name": name} for name in missing])
        found |= known_hashtag_keys(connection, missing)
    return found


def known_hashtag_keys(connection: Connection, names: Iterable[str]) -> dict[str, int]:
    """Keys of those hashtags that are stored, by name."""
    return {row.name: row.id for row in _HASHTAGS.rows(connection, names)}


def level_columns(table: Table) -> list[Any]:
    """What `HashtagLevel` holds, of `hashtag` or `hashtag_reading`."""
    return [table.c[name] for name in ("tiktok_id", "read_at", *_TOTALS)]


_TOTALS = ("view_count", "view_source", "view_unit", "video_count", "video_source", "video_unit")


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
