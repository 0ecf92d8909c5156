"""Writing what an answer says of a hashtag: its reading, its newest counters, its sums."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Text, bindparam, case, func, select, update

from tagtide.core.counter import STALE_FALL
from tagtide.models import HashtagReading, Role
from tagtide.storage import tables as t
from tagtide.storage.prepared import Prepared, PreparedInsert
from tagtide.storage.rows import hashtag_key

_WINDOW_HOURS = 6
_GROWTH = ("view_change", "video_change", "corrections")


def window_of(instant: datetime) -> datetime:
    """Start of the six hours (UTC) an instant lies in."""
    hour = instant.hour - instant.hour % _WINDOW_HOURS
    return instant.replace(hour=hour, minute=0, second=0, microsecond=0)


def put_hashtag_reading(connection: Connection, reading: HashtagReading) -> None:
    """Add a reading; one of the same instant stays as it is."""
    key = hashtag_key(connection, reading.hashtag)
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
    if not _ADD_READING.run(connection, [row | {"hashtag_key": key}]):
        return
    growth = _growth(connection, key, reading)
    new = {f"new_{name}": value for name, value in row.items()}
    _REFRESH_HASHTAG.run(connection, new | {"key": key})
    _COUNT_TOTALS.run(connection, [_totals_row(key, reading) | growth.added()])
    _add_to_campaigns(connection, key, reading, growth)


_TOTALS = (
    "read_at", "view_count", "view_source", "view_unit", "video_count", "video_source",
    "video_unit", "run_id", "payload_hash", "flags",
)  # fmt: skip


_ADD_READING = PreparedInsert(
    t.hashtag_reading,
    ["hashtag_key", "tiktok_id", *_TOTALS],
    returning=[t.hashtag_reading.c.hashtag_key],
)
_REFRESH_HASHTAG = Prepared(
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
    window = {"hashtag_key": key, "window_at": window_of(reading.read_at), "readings": 1}
    return first | last | window


def _into_window(statement: Any) -> Any:
    window, new = t.hashtag_window.c, statement.excluded
    earlier = window.first_read_at.is_(None) | (new.first_read_at < window.first_read_at)
    later = window.last_read_at.is_(None) | (new.last_read_at > window.last_read_at)
    changed: dict[str, Any] = {name: window[name] + new[name] for name in ("readings", *_GROWTH)}
    for name in _COUNTED:
        first, last = f"first_{name}", f"last_{name}"
        changed[first] = case((earlier, new[first]), else_=window[first])
        changed[last] = case((later, new[last]), else_=window[last])
    return statement.on_conflict_do_update(
        index_elements=["hashtag_key", "window_at"], set_=changed
    )


_COUNTED = ("read_at", "view_count", "video_count")
_COUNT_TOTALS = PreparedInsert(
    t.hashtag_window,
    [
        "hashtag_key",
        "window_at",
        "readings",
        *_GROWTH,
        *(f"{end}_{name}" for end in ("first", "last") for name in _COUNTED),
    ],
    complete=_into_window,
)


@dataclass(slots=True)
class _Growth:
    """What a reading adds to the growth of its six hours."""

    view_change: int = 0
    video_change: int = 0
    corrections: int = 0
    #: Whether no other reading of the hashtag is in them.
    is_first: bool = True

    def added(self) -> dict[str, int]:
        return {name: getattr(self, name) for name in _GROWTH}


def _growth(connection: Connection, key: int, reading: HashtagReading) -> _Growth:
    """Growth since the reading before; nothing when a newer one is stored."""
    newest = _NEWEST.one(connection, {"key": key})
    found = _Growth()
    if newest is None or newest.read_at is None:
        return found
    window = window_of(reading.read_at)
    found.is_first = _IN_WINDOW.one(connection, {"key": key, "window": window}) is None
    if newest.read_at >= reading.read_at:
        return found
    for name in ("view", "video"):
        value, source = getattr(reading, f"{name}_count"), getattr(reading, f"{name}_source")
        base = getattr(newest, f"{name}_count")
        is_other = newest.tiktok_id not in {None, reading.hashtag_id}
        if is_other or not base or getattr(newest, f"{name}_source") is not source:
            base = _LAST_KNOWN[name].one(
                connection,
                {"key": key, "id": reading.hashtag_id, "source": source, "at": reading.read_at},
            )
            base = None if base is None else base[0]
        if not value or not base:
            continue
        gain = _news(connection, key, name, reading, base)
        setattr(found, f"{name}_change", gain or 0)
        if name == "view" and gain is None:
            found.corrections = 1
    return found


def _news(
    connection: Connection, key: int, name: str, reading: HashtagReading, base: int
) -> int | None:
    """Growth above ``base``; None for a correction. The way back to a level is no growth.

    A small fall is a stale read: the way back from it makes up for it.
    """
    value = getattr(reading, f"{name}_count")
    if value < base * (1 - STALE_FALL):
        return None
    if value > base * (1 + STALE_FALL):
        since = reading.read_at - _REMEMBERED
        asked = {
            "key": key,
            "id": reading.hashtag_id,
            "source": getattr(reading, f"{name}_source"),
            "since": since,
            "at": reading.read_at,
        }
        base = max(base, min(value, _HIGHEST[name].one(connection, asked)[0] or 0))
    return int(value - base)


def _add_to_campaigns(
    connection: Connection, key: int, reading: HashtagReading, growth: _Growth
) -> None:
    """Add the growth up for every campaign that has the hashtag as its own now."""
    row = {"window_at": window_of(reading.read_at), "hashtags": int(growth.is_first)}
    rows = [
        row | growth.added() | {"campaign_id": found.campaign_id}
        for found in _OWNERS.rows(connection, {"key": key})
    ]
    _ADD_UP.run(connection, rows)


def _added_up(statement: Any) -> Any:
    window, new = t.campaign_window.c, statement.excluded
    return statement.on_conflict_do_update(
        index_elements=["campaign_id", "window_at"],
        set_={name: window[name] + new[name] for name in (*_GROWTH, "hashtags")},
    )


_ADD_UP = PreparedInsert(
    t.campaign_window, ["campaign_id", "window_at", *_GROWTH, "hashtags"], complete=_added_up
)
_OWNERS = Prepared(
    select(t.campaign_hashtag.c.campaign_id)
    .join(t.campaign, t.campaign.c.id == t.campaign_hashtag.c.campaign_id)
    .where(t.campaign_hashtag.c.hashtag_key == bindparam("key"))
    .where(t.campaign_hashtag.c.role == Role.OWN.value, t.campaign.c.removed_at.is_(None))
    .order_by(t.campaign_hashtag.c.campaign_id)
)
_IN_WINDOW = Prepared(
    select(t.hashtag_window.c.readings)
    .where(t.hashtag_window.c.hashtag_key == bindparam("key"))
    .where(t.hashtag_window.c.window_at == bindparam("window"), t.hashtag_window.c.readings > 0)
)
#: A level before a correction is remembered for so long.
_REMEMBERED = timedelta(days=14)
_NEWEST = Prepared(
    select(
        t.hashtag.c.read_at,
        t.hashtag.c.tiktok_id,
        t.hashtag.c.view_count,
        t.hashtag.c.view_source,
        t.hashtag.c.video_count,
        t.hashtag.c.video_source,
    ).where(t.hashtag.c.id == bindparam("key"))
)
_OF_KEY = t.hashtag_reading.c.hashtag_key == bindparam("key")
_BEFORE = t.hashtag_reading.c.read_at < bindparam("at")
_LAST_KNOWN = {
    name: Prepared(
        select(t.hashtag_reading.c[f"{name}_count"])
        .where(_OF_KEY, _BEFORE, t.hashtag_reading.c[f"{name}_count"] > 0)
        .where(t.hashtag_reading.c[f"{name}_source"] == bindparam("source"))
        .where(t.hashtag_reading.c.tiktok_id == bindparam("id"))
        .order_by(t.hashtag_reading.c.read_at.desc())
        .limit(1)
    )
    for name in ("view", "video")
}
_HIGHEST = {
    name: Prepared(
        select(func.max(t.hashtag_reading.c[f"{name}_count"]))
        .where(_OF_KEY, _BEFORE)
        .where(t.hashtag_reading.c[f"{name}_source"] == bindparam("source"))
        .where(t.hashtag_reading.c.tiktok_id == bindparam("id"))
        .where(t.hashtag_reading.c.read_at >= bindparam("since"))
    )
    for name in ("view", "video")
}
