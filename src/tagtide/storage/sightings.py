"""Writing what was seen: readings, first sightings, newest counters and sums, in one go.

Readings are only ever added. What stands on the rows of `video` and `hashtag` is the newest of
them, also when an older one is stored later.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, func, select, update

from tagtide.models import (
    Creator,
    Video,
    VideoCounters,
    VideoReading,
    VideoSeen,
)
from tagtide.ports import Sighting, SightingEffect
from tagtide.storage import tables as t
from tagtide.storage.hashtag_totals import window_of
from tagtide.storage.prepared import Prepared, PreparedIn, PreparedInsert
from tagtide.storage.rows import hashtag_key, video_reading_of

# --- creators -------------------------------------------------------------------------------------

_CREATOR_FACTS = (
    "sec_uid", "uid", "username", "nickname", "follower_count", "video_count", "verified", "region",
)  # fmt: skip


def put_creators(connection: Connection, creators: Iterable[Creator]) -> dict[str, int]:
    """Insert creators or complete them: a fact that is not stated stays as it was."""
    wanted = {creator.creator_key: creator for creator in creators}
    stored = {row.creator_key: row for row in _CREATORS.rows(connection, wanted)}
    changed = [c for key, c in wanted.items() if key not in stored or _says_more(c, stored[key])]
    keys = {key: row.id for key, row in stored.items()}
    # In one order everywhere, so that two writers never wait for each other.
    rows = sorted((_creator_row(c) for c in changed), key=lambda row: str(row["creator_key"]))
    keys.update((key, number) for number, key in _COMPLETE_CREATORS.run(connection, rows))
    return keys


_CREATORS = PreparedIn(t.creator.c.creator_key, lambda named: select(t.creator).where(named))


def _says_more(creator: Creator, row: Any) -> bool:
    stated = ((getattr(creator, name), getattr(row, name)) for name in _CREATOR_FACTS)
    return any(new is not None and new != old for new, old in stated)


def _as_stated(statement: Any) -> Any:
    stated = {
        name: func.coalesce(statement.excluded[name], t.creator.c[name]) for name in _CREATOR_FACTS
    }
    return statement.on_conflict_do_update(index_elements=["creator_key"], set_=stated)


_COMPLETE_CREATORS = PreparedInsert(
    t.creator,
    ["creator_key", *_CREATOR_FACTS],
    complete=_as_stated,
    returning=[t.creator.c.id, t.creator.c.creator_key],
)


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
    stored = {row.video_id: row for row in _VIDEOS.rows(connection, seen)}
    new = [one for video_id, one in seen.items() if video_id not in stored]
    inserted = _insert_videos(connection, new, creators, sighting.read_at)
    if len(inserted) < len(new):
        # Another worker was faster.
        late = [one.video.video_id for one in new if one.video.video_id not in inserted]
        stored |= {row.video_id: row for row in _VIDEOS.rows(connection, late)}
    known = {video_id: stored[video_id] for video_id in seen if video_id not in inserted}
    _refresh_latest(connection, known, seen, creators, sighting.read_at)
    keys = inserted | {video_id: row.id for video_id, row in known.items()}
    return _Page(
        sighting=sighting,
        hashtag_key=hashtag_key(connection, sighting.hashtag),
        seen=seen,
        keys={video_id: keys[video_id] for video_id in seen},
        previous=_previous(connection, known, sighting.read_at),
        repeated=frozenset(v for v, row in known.items() if row.read_at == sighting.read_at),
        first=frozenset(inserted),
    )


_COUNTERS = ("view_count", "like_count", "comment_count", "share_count", "save_count", "source")

# Locked in one order, so that "previous" is true and two writers never deadlock.
_VIDEOS = PreparedIn(
    t.video.c.video_id,
    lambda named: (
        select(
            t.video.c.id,
            t.video.c.video_id,
            t.video.c.read_at,
            *(t.video.c[name] for name in _COUNTERS),
        )
        .where(named)
        .order_by(t.video.c.id)
        .with_for_update()
    ),
)


def _counter_values(counters: VideoCounters) -> dict[str, Any]:
    return {name: getattr(counters, name) for name in _COUNTERS}


def _insert_videos(
    connection: Connection,
    new: Sequence[VideoSeen],
    creators: Mapping[str, int],
    read_at: datetime,
) -> dict[str, int]:
    """Insert; return the keys of those that were really new, by id."""
    rows = sorted(
        (_video_row(one.video, creators) | _counter_values(one.counters) for one in new),
        key=lambda row: str(row["video_id"]),
    )
    for row in rows:
        row |= {"first_seen_at": read_at, "read_at": read_at}
    return {video_id: key for key, video_id in _ADD_VIDEOS.run(connection, rows)}


_ADD_VIDEOS = PreparedInsert(
    t.video,
    [
        "video_id", "creator_key", "caption", "created_at", "duration", "is_photo", "is_ad",
        "region", "music_id", "hashtags", "first_seen_at", "read_at", *_COUNTERS,
    ],
    returning=[t.video.c.id, t.video.c.video_id],
)  # fmt: skip


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


_REFRESH = Prepared(
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
        _REFRESH.run_many(connection, rows)


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
    _ADD_VIDEO_READINGS.run(connection, rows)


_ADD_VIDEO_READINGS = PreparedInsert(t.video_reading, ["video_key", "read_at", *_COUNTERS])


def _put_memberships(connection: Connection, page: _Page) -> dict[int, list[int]]:
    """Note where the videos were seen; return the campaigns each is new in, by video key."""
    if page.sighting.run_id is not None:
        owner = {"run_id": page.sighting.run_id, "hashtag_key": page.hashtag_key}
        _SEEN_IN_RUN.run(connection, [owner | {"video_key": key} for key in page.keys.values()])
    new_here = _put_in_hashtag(connection, page)
    _count_videos(connection, page, new_here)
    return _put_in_campaigns(connection, page)


_SEEN_IN_RUN = PreparedInsert(t.run_video, ["run_id", "hashtag_key", "video_key"])
_HERE = t.hashtag_video.c.hashtag_key == bindparam("feed")
_HELD_VIDEOS = PreparedIn(
    t.hashtag_video.c.video_key,
    lambda named: select(t.hashtag_video.c.video_key).where(_HERE, named),
)
_SEEN_AGAIN = PreparedIn(
    t.hashtag_video.c.video_key,
    lambda named: (
        update(t.hashtag_video)
        .where(_HERE, named, t.hashtag_video.c.last_seen_at < bindparam("at"))
        .values(last_seen_at=bindparam("at"))
    ),
)
_ADD_TO_FEED = PreparedInsert(
    t.hashtag_video, ["hashtag_key", "video_key", "first_seen_at", "last_seen_at"]
)


def _put_in_hashtag(connection: Connection, page: _Page) -> int:
    """Return how many videos the hashtag's feed showed for the first time."""
    at = page.sighting.read_at
    here = {"feed": page.hashtag_key, "at": at}
    old = [key for video_id, key in page.keys.items() if video_id not in page.first]
    known = {row.video_key for row in _HELD_VIDEOS.rows(connection, old, here)}
    _SEEN_AGAIN.run(connection, known, here)
    rows = [
        {"hashtag_key": page.hashtag_key, "video_key": k, "first_seen_at": at, "last_seen_at": at}
        for k in page.keys.values()
        if k not in known
    ]
    _ADD_TO_FEED.run(connection, rows)
    return len(rows)


def _put_in_campaigns(connection: Connection, page: _Page) -> dict[int, list[int]]:
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
    new_in: dict[int, list[int]] = {}
    for video_key, campaign_id in _ADD_TO_CAMPAIGN.run(connection, rows):
        new_in.setdefault(video_key, []).append(campaign_id)
    return {key: sorted(campaigns) for key, campaigns in new_in.items()}


_ADD_TO_CAMPAIGN = PreparedInsert(
    t.campaign_video,
    ["campaign_id", "video_key", "hashtag_key", "first_seen_at"],
    returning=[t.campaign_video.c.video_key, t.campaign_video.c.campaign_id],
)


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
    _ADD_TO_WINDOW.run(connection, [row])


def _added(statement: Any) -> Any:
    window, new = t.hashtag_window.c, statement.excluded
    added = {name: window[name] + new[name] for name in ("new_videos", "view_gain")}
    return statement.on_conflict_do_update(index_elements=["hashtag_key", "window_at"], set_=added)


_ADD_TO_WINDOW = PreparedInsert(
    t.hashtag_window, ["hashtag_key", "window_at", "new_videos", "view_gain"], complete=_added
)


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
        _MARK.run_many(connection, rows)


_ID = select(t.video.c.id).where(t.video.c.video_id == bindparam("video")).scalar_subquery()
_MARK = Prepared(
    update(t.campaign_video)
    .where(
        t.campaign_video.c.campaign_id == bindparam("campaign"),
        t.campaign_video.c.video_key == _ID,
        t.campaign_video.c.high_priority_at.is_(None),
    )
    .values(high_priority_at=bindparam("at"))
)
