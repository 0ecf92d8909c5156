"""Single readings of videos by instant, and which run brought each.

That is the run under way at the instant that saw the video.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import Connection, select

from tagtide.models import VideoReading
from tagtide.storage import tables as t
from tagtide.storage.rows import chunks, video_reading_of

#: No run lasts longer.
_LONGEST = timedelta(days=1)

#: Id of a video, and the instant of a reading of it.
VideoAt = tuple[str, datetime]


def runs_of_readings(connection: Connection, wanted: Collection[VideoAt]) -> dict[VideoAt, int]:
    """The run of each reading; without those whose run is not on record."""
    under_way = _under_way(connection, {at for _, at in wanted})
    saw = _saw(connection, {run_id for runs in under_way.values() for run_id in runs})
    found = {}
    for video_id, at in wanted:
        runs = [run_id for run_id in under_way[at] if (run_id, video_id) in saw]
        if len(runs) == 1:
            found[video_id, at] = runs[0]
    return found


def _under_way(connection: Connection, instants: set[datetime]) -> dict[datetime, list[int]]:
    if not instants:
        return {}
    run = t.run.c
    query = (
        select(run.id, run.started_at, run.finished_at)
        .where(run.started_at >= min(instants) - _LONGEST, run.started_at <= max(instants))
        .order_by(run.started_at)
    )
    rows = connection.execute(query).all()
    starts = [row.started_at for row in rows]
    found = {}
    for at in instants:
        begun = rows[bisect_left(starts, at - _LONGEST) : bisect_right(starts, at)]
        found[at] = [row.id for row in begun if row.finished_at is None or row.finished_at >= at]
    return found


def _saw(connection: Connection, runs: set[int]) -> set[tuple[int, str]]:
    found: set[tuple[int, str]] = set()
    seen = t.run_video.c
    for some in chunks(sorted(runs)):
        query = (
            select(seen.run_id, t.video.c.video_id)
            .join_from(t.run_video, t.video, t.video.c.id == seen.video_key)
            .where(seen.run_id.in_(some))
        )
        found.update((row.run_id, row.video_id) for row in connection.execute(query))
    return found


def readings_at(connection: Connection, wanted: Collection[VideoAt]) -> dict[VideoAt, VideoReading]:
    """Stored readings by video and instant; without those that are not there."""
    instants: dict[str, set[datetime]] = {}
    for video_id, at in wanted:
        instants.setdefault(video_id, set()).add(at)
    found = {}
    reading = t.video_reading
    for some in chunks(sorted(instants)):
        asked = set().union(*(instants[video_id] for video_id in some))
        query = (
            select(t.video.c.video_id, reading)
            .join_from(t.video, reading, reading.c.video_key == t.video.c.id)
            .where(t.video.c.video_id.in_(some))
            .where(reading.c.read_at >= min(asked), reading.c.read_at <= max(asked))
        )
        for row in connection.execute(query):
            if row.read_at in instants[row.video_id]:
                found[row.video_id, row.read_at] = video_reading_of(row)
    return found
