"""latest: the newest readings of a campaign, out of a long history.

Hypothesis: what a page needs is found by key, so that the history behind it costs nothing.

Method: 13,889 videos with 360 readings each (5 million), 10,000 of the videos in one campaign, in
the project's own tables. Timed: the query for the newest counters of the campaign's videos, as rows
in memory; and `Store.known_videos` from end to end, which also builds an object per video and reads
in which feeds each was seen. Best of 20: the file is in the page cache. The database is built once
(minutes) and kept in bench/results; ``--quick`` takes half a million readings.

Control: the same question asked of the history itself, by a maximum per video.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from bench.figures import RESULTS, Figure, Result
from tagtide.clock import SystemClock
from tagtide.models import Campaign, CampaignHashtag
from tagtide.ports import Store
from tagtide.storage.store import open_store

VIDEOS, IN_CAMPAIGN, HASHTAGS = 13_889, 10_000, 20
_HOUR = 3_600_000_000
_BEGIN = int(datetime(2026, 8, 1, tzinfo=UTC).timestamp()) * 1_000_000

_LATEST = """
SELECT v.video_id, v.read_at, v.view_count, v.like_count, v.comment_count, v.share_count
FROM campaign_video c JOIN video v ON v.id = c.video_key WHERE c.campaign_id = ?
"""
_FROM_HISTORY = """
SELECT r.video_key, max(r.read_at), r.view_count, r.like_count, r.comment_count, r.share_count
FROM campaign_video c JOIN video_reading r ON r.video_key = c.video_key
WHERE c.campaign_id = ? GROUP BY r.video_key
"""


def run(*, quick: bool) -> Result:
    """Measure."""
    instants = 36 if quick else 360
    path = RESULTS / f"latest-{VIDEOS * instants}.db"
    if not path.exists():
        _build(path, instants)
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    latest, rows = _best_ms(lambda: connection.execute(_LATEST, (1,)).fetchall(), 20)
    history, _ = _best_ms(lambda: connection.execute(_FROM_HISTORY, (1,)).fetchall(), 2)
    connection.close()
    known, videos = asyncio.run(_known_videos(path))
    if rows != IN_CAMPAIGN or videos != IN_CAMPAIGN:
        raise SystemExit(f"{IN_CAMPAIGN} videos were expected, not {rows} and {videos}")
    against = f"{IN_CAMPAIGN:,} videos over {VIDEOS * instants:,} readings"
    figures = [
        Figure(
            name="newest readings of a campaign, query",
            value=latest,
            target=20,
            at_most=True,
            unit=" ms",
            against=f"{against}; asked of the history itself {history:,.0f} ms",
        ),
        Figure(
            name="`known_videos` from end to end",
            value=known,
            unit=" ms",
            against="with an object per video and its feeds",
        ),
    ]
    facts = {"latest_ms": latest, "history_ms": history, "known_videos_ms": known}
    return Result(name="latest", figures=figures, facts=facts)


def _best_ms(work: Callable[[], list[object]], times: int) -> tuple[float, int]:
    best, size = float("inf"), 0
    for _ in range(times):
        start = time.perf_counter()
        size = len(work())
        best = min(best, time.perf_counter() - start)
    return best * 1000, size


async def _known_videos(path: Path) -> tuple[float, int]:
    store = await open_store(f"sqlite:///{path}", clock=SystemClock())
    best, size = float("inf"), 0
    try:
        for _ in range(10):
            start = time.perf_counter()
            size = len(await store.known_videos(1))
            best = min(best, time.perf_counter() - start)
    finally:
        await store.aclose()
    return best * 1000, size


# --- the database ---------------------------------------------------------------------------------


def _build(path: Path, instants: int) -> None:
    """Tables and campaign by the store, rows in bulk; a torn file never gets the final name."""
    RESULTS.mkdir(exist_ok=True)
    torn = path.with_suffix(".building")
    torn.unlink(missing_ok=True)
    asyncio.run(_create(torn))
    connection = sqlite3.connect(torn)
    connection.executescript("PRAGMA synchronous=OFF; PRAGMA cache_size=-200000;")
    with connection:
        _insert(connection, "creator", ("id", "creator_key", "username"), _creators())
        _insert(connection, "video", _VIDEO, _videos(instants))
        _insert(connection, "video_reading", _READING, _readings(instants))
        _insert(connection, "hashtag_video", _FEED, _feeds(instants))
        _insert(connection, "campaign_video", _HELD, _held())
    connection.execute("ANALYZE")
    connection.close()
    torn.rename(path)


async def _create(path: Path) -> None:
    store: Store = await open_store(f"sqlite:///{path}", clock=SystemClock())
    watched = tuple(CampaignHashtag(name=f"bench{n}") for n in range(HASHTAGS))
    await store.add_campaign(Campaign(name="Bench", hashtags=watched))
    await store.aclose()


def _insert(
    connection: sqlite3.Connection,
    table: str,
    columns: tuple[str, ...],
    rows: Iterator[tuple[object, ...]],
) -> None:
    marks = ", ".join("?" * len(columns))
    connection.executemany(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})", rows)


_COUNTERS = ("view_count", "like_count", "comment_count", "share_count", "save_count", "source")
_VIDEO = (
    "id", "video_id", "creator_key", "caption", "is_photo", "hashtags", "first_seen_at", "read_at",
    *_COUNTERS,
)  # fmt: skip
_READING = ("video_key", "read_at", *_COUNTERS)
_FEED = ("hashtag_key", "video_key", "first_seen_at", "last_seen_at")
_HELD = ("campaign_id", "video_key", "hashtag_key", "first_seen_at")


def _creators() -> Iterator[tuple[object, ...]]:
    for n in range(1, VIDEOS + 1):
        yield n, f"MS4wLjABAAAA{n:064d}", f"creator{n}"


def _videos(instants: int) -> Iterator[tuple[object, ...]]:
    last = _BEGIN + (instants - 1) * 6 * _HOUR
    for n in range(1, VIDEOS + 1):
        caption = f"a video with a caption of usual length, number {n} #bench #summer"
        identity = (n, str(7_600_000_000_000_000_000 + n), n, caption, 0, '["bench"]', _BEGIN, last)
        yield (*identity, *_counters(n, instants - 1))


def _readings(instants: int) -> Iterator[tuple[object, ...]]:
    # In the order in which they would come: window by window.
    for step in range(instants):
        at = _BEGIN + step * 6 * _HOUR
        for n in range(1, VIDEOS + 1):
            yield (n, at, *_counters(n, step))


def _counters(n: int, step: int) -> tuple[int, ...]:
    views = 1_000 + n % 977 * 31 + step * (n % 89)
    return views, views // 20, views // 400, views // 500, views // 300, 5


def _feeds(instants: int) -> Iterator[tuple[object, ...]]:
    for n in range(1, IN_CAMPAIGN + 1):
        yield n % HASHTAGS + 1, n, _BEGIN, _BEGIN + (instants - 1) * 6 * _HOUR


def _held() -> Iterator[tuple[object, ...]]:
    for n in range(1, IN_CAMPAIGN + 1):
        yield 1, n, n % HASHTAGS + 1, _BEGIN
