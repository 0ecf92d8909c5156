"""Writing what was seen: readings, first sightings, newest counters and sums, in one go.

Readings are only ever added. What stands on the rows of `video` and `hashtag` is the newest of
them, also when an older one is stored later.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Column, Connection, Text, bindparam, case, func, select, update

from tagtide.models import (
    Creator,
    HashtagReading,
    Video,
    VideoCounters,
    VideoReading,
    VideoSeen,
)
from tagtide.ports import Sighting, SightingEffect
from tagtide.storage import tables as t
from tagtide.storage.rows import (
    chunks,
    hashtag_keys,
    insert_for,
    insert_missing,
    video_reading_of,
)

_WINDOW_HOURS = 6


def window_of(instant: datetime) -> datetime:
    """Start of the six hours (UTC) an instant lies in."""
    hour = instant.hour - instant.hour % _WINDOW_HOURS
    return instant.replace(hour=hour, minute=0, second=0, microsecond=0)


# --- totals of a hashtag --------------------------------------------------------------------------


def put_hashtag_reading(connection: Connection, reading: HashtagReading) -> None:
    """Add a reading; one of the same instant stays as it is."""
    key = hashtag_keys(connection, [reading.hashtag])[reading.hashtag]
    row = {
        "tiktok_id": reading.hashtag_id,
        "read_at": reading.read_at,
        "view_count": reading.view_count,
        "view_source": reading.view_source,
        "view_unit": reading.view_unit,
        "video_count": reading.video_count,
        "video_source": reading.video_source,
        "video_unit": reading.video_unit,
        "run_id": reading.run_id,
        "payload_hash": reading.payload_hash,
        "flags": list(reading.flags),
    }
    added = _add_reading(connection.dialect.name)
    if connection.execute(added, row | {"hashtag_key": key}).one_or_none() is None:
        return
    new = {f"new_{name}": value for name, value in row.items()}
    connection.execute(_REFRESH_HASHTAG, new | {"key": key})
    connection.execute(_count_totals(connection.dialect.name), _totals_row(key, reading))


_TOTALS = (
    "read_at", "view_count", "view_source", "view_unit", "video_count", "video_source",
    "video_unit", "run_id", "payload_hash", "flags",
)  # fmt: skip


@cache
def _add_reading(dialect: str) -> Any:
    statement = insert_for(dialect, t.hashtag_reading).on_conflict_do_nothing()
    return statement.returning(t.hashtag_reading.c.read_at)


_REFRESH_HASHTAG = (
    update(t.hashtag)
    .where(t.hashtag.c.id == bindparam("key"))
    .where(t.hashtag.c.read_at.is_(None) | (t.hashtag.c.read_at < bindparam("new_read_at")))
    .values(
        {name: bindparam(f"new_{name}") for name in _TOTALS}
        | {
            "tiktok_id": func.coalesce(
                bindparam("new_tiktok_id", type_=Text), t.hashtag.c.tiktok_id
            )
        }
    )
)


def _totals_row(key: int, reading: HashtagReading) -> dict[str, Any]:
    counted = {
        "read_at": reading.read_at,
        "view_count": reading.view_count,
        "video_count": reading.video_count,
    }
    first = {f"first_{name}": value for name, value in counted.items()}
    last = {f"last_{name}": value for name, value in counted.items()}
    return first | last | {"hashtag_key": key, "window_at": window_of(reading.read_at)}


@cache
def _count_totals(dialect: str) -> Any:
    statement = insert_for(dialect, t.hashtag_window).values(readings=1)
    window, new = t.hashtag_window.c, statement.excluded
    earlier = window.first_read_at.is_(None) | (new.first_read_at < window.first_read_at)
    later = window.last_read_at.is_(None) | (new.last_read_at > window.last_read_at)
    changed: dict[str, Any] = {"readings": window.readings + 1}
    for name in ("read_at", "view_count", "video_count"):
        first, last = f"first_{name}", f"last_{name}"
        changed[first] = case((earlier, new[first]), else_=window[first])
        changed[last] = case((later, new[last]), else_=window[last])
    return statement.on_conflict_do_update(
        index_elements=["hashtag_key", "window_at"], set_=changed
    )


# --- creators -------------------------------------------------------------------------------------

_CREATOR_FACTS = (
    "sec_uid", "uid", "username", "nickname", "follower_count", "video_count", "verified", "region",
)  # fmt: skip


def put_creators(connection: Connection, creators: Iterable[Creator]) -> dict[str, int]:
    """Insert creators or complete them: a fact that is not stated stays as it was."""
    wanted = {creator.creator_key: creator for creator in creators}
    stored = _stored_creators(connection, wanted)
    changed = [c for key, c in wanted.items() if key not in stored or _says_more(c, stored[key])]
    keys = {key: row.id for key, row in stored.items()}
    if changed:
        _upsert_creators(connection, changed)
        fresh = [c.creator_key for c in changed if c.creator_key not in keys]
        keys |= {key: row.id for key, row in _stored_creators(connection, fresh).items()}
    return keys


_CREATORS = select(t.creator).where(t.creator.c.creator_key.in_(bindparam("keys", expanding=True)))


def _stored_creators(connection: Connection, keys: Iterable[str]) -> dict[str, Any]:
    rows: dict[str, Any] = {}
    for some in chunks(keys):
        found = connection.execute(_CREATORS, {"keys": some})
        rows.update((row.creator_key, row) for row in found)
    return rows


def _says_more(creator: Creator, row: Any) -> bool:
    stated = ((getattr(creator, name), getattr(row, name)) for name in _CREATOR_FACTS)
    return any(new is not None and new != old for new, old in stated)


def _upsert_creators(connection: Connection, creators: Iterable[Creator]) -> None:
    # In one order everywhere, so that two writers never wait for each other.
    rows = sorted((_creator_row(c) for c in creators), key=lambda row: str(row["creator_key"]))
    connection.execute(_complete_creator(connection.dialect.name), rows)


@cache
def _complete_creator(dialect: str) -> Any:
    statement = insert_for(dialect, t.creator)
    stated = {
        name: func.coalesce(statement.excluded[name], t.creator.c[name]) for name in _CREATOR_FACTS
    }
    return statement.on_conflict_do_update(index_elements=["creator_key"], set_=stated)


def _creator_row(creator: Creator) -> dict[str, Any]:
    return {"creator_key": creator.creator_key} | {
        name: getattr(creator, name) for name in _CREATOR_FACTS
    }


# --- a page of videos -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Page:
    """A sighting with the keys of everything in it."""

    sighting: Sighting
    hashtag_key: int
    seen: Mapping[str, VideoSeen]
    keys: Mapping[str, int]
    #: The newest reading before this one, of videos that were known.
    previous: Mapping[str, VideoReading]
    #: Videos whose reading of this very instant is stored already.
    repeated: frozenset[str]
    first: frozenset[str]


def put_sighting(connection: Connection, sighting: Sighting) -> list[SightingEffect]:
    """Store a page and say what it changed, per video in the order seen (each once)."""
    seen: dict[str, VideoSeen] = {}
    for one in sighting.videos:
        seen.setdefault(one.video.video_id, one)
    if not seen:
        return []
    page = _identify(connection, sighting, seen)
    _put_readings(connection, page)
    new_in = _put_memberships(connection, page)
    return [
        SightingEffect(
            video_id=video_id,
            new_in=tuple(new_in.get(page.keys[video_id], ())),
            is_first=video_id in page.first,
            previous=page.previous.get(video_id),
        )
        for video_id in seen
    ]


def _identify(connection: Connection, sighting: Sighting, seen: Mapping[str, VideoSeen]) -> _Page:
    creators = put_creators(connection, (one.video.creator for one in seen.values()))
    stored = _stored_videos(connection, seen)
    new = [one for video_id, one in seen.items() if video_id not in stored]
    first: frozenset[str] = frozenset()
    if new:
        first = _insert_videos(connection, new, creators, sighting.read_at)
        missing = [one.video.video_id for one in new]
        stored = stored | _stored_videos(connection, missing)
    known = {video_id: stored[video_id] for video_id in seen if video_id not in first}
    _refresh_latest(connection, known, seen, creators, sighting.read_at)
    return _Page(
        sighting=sighting,
        hashtag_key=hashtag_keys(connection, [sighting.hashtag])[sighting.hashtag],
        seen=seen,
        keys={video_id: stored[video_id].id for video_id in seen},
        previous=_previous(connection, known, sighting.read_at),
        repeated=frozenset(v for v, row in known.items() if row.read_at == sighting.read_at),
        first=first,
    )


_COUNTERS = ("view_count", "like_count", "comment_count", "share_count", "save_count", "source")

# Locked in one order, so that "previous" is true and two writers never deadlock.
_VIDEOS = (
    select(
        t.video.c.id,
        t.video.c.video_id,
        t.video.c.read_at,
        *(t.video.c[name] for name in _COUNTERS),
    )
    .where(t.video.c.video_id.in_(bindparam("ids", expanding=True)))
    .order_by(t.video.c.id)
    .with_for_update()
)


def _stored_videos(connection: Connection, video_ids: Iterable[str]) -> dict[str, Any]:
    rows: dict[str, Any] = {}
    for some in chunks(video_ids):
        rows.update((row.video_id, row) for row in connection.execute(_VIDEOS, {"ids": some}))
    return rows


def _counter_values(counters: VideoCounters) -> dict[str, Any]:
    return {name: getattr(counters, name) for name in _COUNTERS}


def _insert_videos(
    connection: Connection,
    new: Sequence[VideoSeen],
    creators: Mapping[str, int],
    read_at: datetime,
) -> frozenset[str]:
    """Insert and return the ids that were really new (another worker may have been faster)."""
    rows = sorted(
        (_video_row(one.video, creators) | _counter_values(one.counters) for one in new),
        key=lambda row: str(row["video_id"]),
    )
    for row in rows:
        row |= {"first_seen_at": read_at, "read_at": read_at}
    statement = _insert_returning(connection.dialect.name, t.video.c.video_id)
    return frozenset(connection.execute(statement, rows).scalars())


@cache
def _insert_returning(dialect: str, *columns: Column[Any]) -> Any:
    """Insert what is missing and return columns of what was inserted."""
    return insert_for(dialect, columns[0].table).on_conflict_do_nothing().returning(*columns)


def _video_row(video: Video, creators: Mapping[str, int]) -> dict[str, Any]:
    return {
        "video_id": video.video_id,
        "creator_key": creators[video.creator.creator_key],
        "caption": video.caption,
        "created_at": video.created_at,
        "duration": video.duration,
        "is_photo": video.is_photo,
        "is_ad": video.is_ad,
        "region": video.region,
        "music_id": video.music_id,
        "hashtags": list(video.hashtags),
    }


_REFRESH = (
    update(t.video)
    .where(t.video.c.id == bindparam("key"), t.video.c.read_at < bindparam("at"))
    .values(
        read_at=bindparam("at"),
        creator_key=bindparam("creator"),
        **{name: bindparam(f"new_{name}") for name in _COUNTERS},
    )
)


def _refresh_latest(
    connection: Connection,
    known: Mapping[str, Any],
    seen: Mapping[str, VideoSeen],
    creators: Mapping[str, int],
    read_at: datetime,
) -> None:
    rows = [
        {
            "key": row.id,
            "at": read_at,
            "creator": creators[seen[video_id].video.creator.creator_key],
            **{f"new_{k}": v for k, v in _counter_values(seen[video_id].counters).items()},
        }
        for video_id, row in known.items()
        if row.read_at < read_at
    ]
    if rows:
        connection.execute(_REFRESH, rows)


def _previous(
    connection: Connection, known: Mapping[str, Any], read_at: datetime
) -> dict[str, VideoReading]:
    found = {v: video_reading_of(row) for v, row in known.items() if row.read_at < read_at}
    late = {row.id: video_id for video_id, row in known.items() if row.read_at >= read_at}
    if late:
        found |= _readings_before(connection, late, read_at)
    return found


def _readings_before(
    connection: Connection, keys: Mapping[int, str], read_at: datetime
) -> dict[str, VideoReading]:
    reading = t.video_reading
    other = reading.alias()
    newest = (
        select(func.max(other.c.read_at))
        .where(other.c.video_key == reading.c.video_key, other.c.read_at < read_at)
        .scalar_subquery()
    )
    query = (
        select(t.video.c.video_id, reading)
        .join(t.video, t.video.c.id == reading.c.video_key)
        .where(reading.c.video_key.in_(list(keys)), reading.c.read_at == newest)
    )
    return {row.video_id: video_reading_of(row) for row in connection.execute(query)}


def _put_readings(connection: Connection, page: _Page) -> None:
    rows = [
        {
            "video_key": page.keys[video_id],
            "read_at": page.sighting.read_at,
            **_counter_values(one.counters),
        }
        for video_id, one in page.seen.items()
    ]
    insert_missing(connection, t.video_reading, rows)


def _put_memberships(connection: Connection, page: _Page) -> dict[int, list[int]]:
    """Note where the videos were seen; return the campaigns each is new in, by video key."""
    if page.sighting.run_id is not None:
        owner = {"run_id": page.sighting.run_id, "hashtag_key": page.hashtag_key}
        insert_missing(
            connection, t.run_video, [owner | {"video_key": key} for key in page.keys.values()]
        )
    new_here = _put_in_hashtag(connection, page)
    _count_videos(connection, page, new_here)
    return _put_in_campaigns(connection, page)


_HELD = (t.hashtag_video.c.hashtag_key == bindparam("feed")) & t.hashtag_video.c.video_key.in_(
    bindparam("videos", expanding=True)
)
_HELD_VIDEOS = select(t.hashtag_video.c.video_key).where(_HELD)
_SEEN_AGAIN = (
    update(t.hashtag_video)
    .where(_HELD, t.hashtag_video.c.last_seen_at < bindparam("at"))
    .values(last_seen_at=bindparam("at"))
)


def _put_in_hashtag(connection: Connection, page: _Page) -> int:
    """Return how many videos the hashtag's feed showed for the first time."""
    at = page.sighting.read_at
    here = {"feed": page.hashtag_key, "videos": list(page.keys.values())}
    known = set(connection.execute(_HELD_VIDEOS, here).scalars())
    if known:
        connection.execute(_SEEN_AGAIN, here | {"at": at})
    rows = [
        {"hashtag_key": page.hashtag_key, "video_key": k, "first_seen_at": at, "last_seen_at": at}
        for k in page.keys.values()
        if k not in known
    ]
    insert_missing(connection, t.hashtag_video, rows)
    return len(rows)


def _put_in_campaigns(connection: Connection, page: _Page) -> dict[int, list[int]]:
    held = t.campaign_video
    rows = [
        {
            "campaign_id": campaign_id,
            "video_key": key,
            "hashtag_key": page.hashtag_key,
            "first_seen_at": page.sighting.read_at,
        }
        for campaign_id in page.sighting.campaign_ids
        for key in page.keys.values()
    ]
    if not rows:
        return {}
    statement = _insert_returning(connection.dialect.name, held.c.video_key, held.c.campaign_id)
    inserted = connection.execute(statement, rows)
    new_in: dict[int, list[int]] = {}
    for video_key, campaign_id in inserted:
        new_in.setdefault(video_key, []).append(campaign_id)
    return {key: sorted(campaigns) for key, campaigns in new_in.items()}


def _count_videos(connection: Connection, page: _Page, new_here: int) -> None:
    gain = sum(_gain(page, video_id) for video_id in page.seen)
    if not new_here and not gain:
        return
    row = {
        "hashtag_key": page.hashtag_key,
        "window_at": window_of(page.sighting.read_at),
        "new_videos": new_here,
        "view_gain": gain,
    }
    connection.execute(_add_to_window(connection.dialect.name), row)


@cache
def _add_to_window(dialect: str) -> Any:
    statement = insert_for(dialect, t.hashtag_window)
    window, new = t.hashtag_window.c, statement.excluded
    added = {name: window[name] + new[name] for name in ("new_videos", "view_gain")}
    return statement.on_conflict_do_update(index_elements=["hashtag_key", "window_at"], set_=added)


def _gain(page: _Page, video_id: str) -> int:
    previous = page.previous.get(video_id)
    if previous is None or video_id in page.repeated:
        return 0
    before, now = previous.counters, page.seen[video_id].counters
    if before.source is not now.source or before.view_count is None or now.view_count is None:
        return 0
    return max(0, now.view_count - before.view_count)


# --- high priority --------------------------------------------------------------------------------


def mark_high_priority(connection: Connection, marks: Sequence[tuple[int, str, datetime]]) -> None:
    """Note when a video first was of high priority in a campaign; an earlier note stays."""
    if marks:
        rows = [{"campaign": campaign, "video": video, "at": at} for campaign, video, at in marks]
        connection.execute(_MARK, rows)


_MARK = (
    update(t.campaign_video)
    .where(
        t.campaign_video.c.campaign_id == bindparam("campaign"),
        t.campaign_video.c.video_key
        == select(t.video.c.id).where(t.video.c.video_id == bindparam("video")).scalar_subquery(),
        t.campaign_video.c.high_priority_at.is_(None),
    )
    .values(high_priority_at=bindparam("at"))
)
