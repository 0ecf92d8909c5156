"""A world for `bench.pages`: the demo's shape, 1,000 hashtags and 5 million readings, in SQLite.

A campaign of 400 hashtags that holds 10,000 videos, and twelve of 50 that share as many, read every
six hours for sixty days. Tables and campaigns are made by the store, rows are written in bulk, and
what is derived from them (detectors, reports) by the project's own services.
"""

from __future__ import annotations

import asyncio
import json
import math
import random
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tagtide.clock import SimulatedClock
from tagtide.core.statistical_rule import HashtagDetector
from tagtide.models import Campaign, CampaignHashtag, CounterSource, HashtagReading, Role
from tagtide.storage.store import open_store

HOUR = 3_600_000_000
STEP = 6 * HOUR
#: The instant at which the world is looked at.
NOW = datetime(2026, 11, 20, 12, 30, tzinfo=UTC)
_CAMPAIGNS = (400, *[50] * 12)
_VIDEOS = (10_000, *[830] * 11, 870)
_CREATORS = 6_000


@dataclass(frozen=True, slots=True)
class Size:
    """How much there is."""

    #: Readings of everything, six hours apart.
    instants: int

    @property
    def begin(self) -> int:
        """Microseconds of the first."""
        last = int(NOW.timestamp()) * 1_000_000 // STEP * STEP
        return last - (self.instants - 1) * STEP

    @property
    def readings(self) -> int:
        """Of hashtags and videos."""
        return self.instants * (sum(_CAMPAIGNS) + sum(_VIDEOS))


def build(path: Path, size: Size) -> None:
    """Build the file; a torn one never gets the final name."""
    path.parent.mkdir(exist_ok=True)
    torn = path.with_suffix(".building")
    torn.unlink(missing_ok=True)
    asyncio.run(_campaigns(torn))
    connection = sqlite3.connect(torn)
    connection.executescript("PRAGMA synchronous=OFF; PRAGMA cache_size=-200000;")
    with connection:
        _hashtags(connection, size)
        _people(connection, size)
        _runs(connection, size)
        _alerts(connection, size)
    connection.execute("ANALYZE")
    connection.commit()
    connection.close()
    torn.rename(path)


async def _campaigns(path: Path) -> None:
    clock = SimulatedClock(NOW - timedelta(days=60))
    store = await open_store(f"sqlite:///{path}", clock=clock)
    number = 0
    for index, count in enumerate(_CAMPAIGNS):
        tags = []
        for n in range(count):
            role = Role.COMPETITOR if n >= count * 3 // 4 else Role.OWN
            tags.append(CampaignHashtag(name=f"bench{number}", role=role, feed=role is Role.OWN))
            number += 1
        await store.add_campaign(
            Campaign(name=f"Campaign {index}", hashtags=tuple(tags), timezone="Europe/Paris")
        )
    await store.aclose()


def _insert(
    connection: sqlite3.Connection, table: str, columns: str, rows: Iterator[tuple[object, ...]]
) -> None:
    marks = ", ".join("?" * len(columns.split(",")))
    connection.executemany(f"INSERT INTO {table} ({columns}) VALUES ({marks})", rows)


# --- hashtags -------------------------------------------------------------------------------------


def _levels(key: int, size: Size) -> list[tuple[int, int]]:
    """Views and videos of a hashtag at each instant: growth with a rhythm and some noise."""
    chance = random.Random(key)
    views, videos = int(10 ** chance.uniform(5, 9.5)), int(10 ** chance.uniform(2.5, 5.5))
    rate = chance.lognormvariate(0, 0.7) / 4 / 100
    found = []
    for n in range(size.instants):
        rhythm = 1 + 0.4 * math.sin(n * math.pi / 2)
        factor = rate * rhythm * chance.lognormvariate(0, 0.3)
        views += int(views * factor) + 1
        videos += int(videos * factor / 2) + chance.randrange(2)
        found.append((views, videos))
    return found


def _hashtags(connection: sqlite3.Connection, size: Size) -> None:
    keys = dict(connection.execute("SELECT id, name FROM hashtag ORDER BY id").fetchall())
    reading = (
        "hashtag_key,read_at,tiktok_id,view_count,view_source,view_unit,video_count,video_source,"
        "video_unit,run_id,payload_hash,flags"
    )
    window = (
        "hashtag_key,window_at,first_read_at,first_view_count,first_video_count,last_read_at,"
        "last_view_count,last_video_count,readings,new_videos,view_change,video_change"
    )
    for key, name in keys.items():
        levels = _levels(key, size)
        rows = [
            (key, size.begin + n * STEP, str(key), views, 1, 1, videos, 1, 1, None, "ab" * 32, "[]")
            for n, (views, videos) in enumerate(levels)
        ]
        _insert(connection, "hashtag_reading", reading, iter(rows))
        sums = []
        for before, (_, at, _, views, _, _, videos, *_) in zip(
            [rows[0], *rows], rows, strict=False
        ):
            counted = (at, views, videos)
            gains = (int(str(views)) - int(str(before[3])), int(str(videos)) - int(str(before[6])))
            sums.append((key, at, *counted, *counted, 1, 3, *gains))
        _insert(connection, "hashtag_window", window, iter(sums))
        _, at, tiktok_id, views, _, _, videos, *_ = rows[-1]
        connection.execute(
            "UPDATE hashtag SET tiktok_id=?, read_at=?, view_count=?, view_source=1, view_unit=1,"
            " video_count=?, video_source=1, video_unit=1, payload_hash='', flags='[]' WHERE id=?",
            (tiktok_id, at, views, videos, key),
        )
        _detector(connection, key, name, rows[-120:])
    connection.execute(
        "INSERT INTO campaign_window (campaign_id,window_at,view_change,video_change,hashtags)"
        " SELECT h.campaign_id, w.window_at, sum(w.view_change), sum(w.video_change), count(*)"
        " FROM campaign_hashtag h JOIN hashtag_window w ON w.hashtag_key = h.hashtag_key"
        " WHERE h.role = 'own' GROUP BY 1, 2"
    )


def _detector(
    connection: sqlite3.Connection, key: int, name: str, rows: list[tuple[object, ...]]
) -> None:
    detector = HashtagDetector(name, 0.25)
    for row in rows:
        detector.observe(
            HashtagReading(
                hashtag=name,
                hashtag_id=str(key),
                read_at=datetime.fromtimestamp(int(str(row[1])) / 1e6, UTC),
                view_count=int(str(row[3])),
                view_source=CounterSource.STATS_V2,
                view_unit=1,
                video_count=int(str(row[6])),
                video_source=CounterSource.STATS_V2,
                video_unit=1,
            )
        )
    connection.execute(
        "INSERT INTO detector_state (hashtag_key, false_alarms, read_at, body) VALUES (?,?,?,?)",
        (key, 0.25, rows[-1][1], json.dumps(detector.state())),
    )


# --- videos ---------------------------------------------------------------------------------------

_COUNTERS = "view_count,like_count,comment_count,share_count,save_count,source"


def _counters(n: int, age: int) -> tuple[int, ...]:
    """Counters so many readings after publication: most views come in the first days."""
    final = 300 + (n * 7919 % 1009) ** 2 // 3
    views = int(final * (1 - math.exp(-(age + 1) / 12)))
    likes = views * (20 + n % 97) // 1000
    return views, likes, likes // 20, likes // 25, likes // 12, 5


def _people(connection: sqlite3.Connection, size: Size) -> None:
    _insert(
        connection,
        "creator",
        "id,creator_key,sec_uid,username,nickname,follower_count",
        (
            (n, f"MS4wLjABAAAA{n:064d}", f"MS4wLjABAAAA{n:064d}", f"creator{n}", f"Creator {n}",
             None if n % 3 else 500 + n * 7919 % 900_000)
            for n in range(1, _CREATORS + 1)
        ),
    )  # fmt: skip
    tags: dict[int, list[int]] = {}
    for campaign, key in connection.execute(
        "SELECT campaign_id, hashtag_key FROM campaign_hashtag WHERE role='own' ORDER BY position"
    ):
        tags.setdefault(campaign, []).append(key)
    number = 0
    for campaign, count in enumerate(_VIDEOS, 1):
        for n in range(count):
            number += 1
            _video(connection, number, campaign, tags[campaign][n % len(tags[campaign])], size)


def _video(
    connection: sqlite3.Connection, number: int, campaign: int, tag: int, size: Size
) -> None:
    """A video, held all the time but published in the course of it."""
    published = number * 104_729 % size.instants
    first = size.begin + published * STEP
    last = size.begin + (size.instants - 1) * STEP
    newest = _counters(number, size.instants - 1 - published)
    caption = f"a video with a caption of usual length, number {number} #bench #summer"
    connection.execute(
        "INSERT INTO video (id,video_id,creator_key,caption,created_at,is_photo,hashtags,"
        f"first_seen_at,read_at,{_COUNTERS}) VALUES (?,?,?,?,?,0,'[]',?,?,?,?,?,?,?,?)",
        (number, str(7_600_000_000_000_000_000 + number), number * 31 % _CREATORS + 1, caption,
         first - HOUR, first, last, *newest),
    )  # fmt: skip
    connection.execute("INSERT INTO hashtag_video VALUES (?,?,?,?)", (tag, number, first, last))
    connection.execute(
        "INSERT INTO campaign_video (campaign_id,video_key,hashtag_key,first_seen_at,"
        "high_priority_at) VALUES (?,?,?,?,?)",
        (campaign, number, tag, first, first if number % 23 == 0 else None),
    )
    # As many readings for each, so that the history has its size: before publication they are 1.
    connection.executemany(
        f"INSERT INTO video_reading (video_key,read_at,{_COUNTERS}) VALUES (?,?,?,?,?,?,?,?)",
        [
            (number, size.begin + step * STEP, *_counters(number, max(0, step - published)))
            for step in range(size.instants)
        ],
    )


# --- what was done --------------------------------------------------------------------------------


def _runs(connection: sqlite3.Connection, size: Size) -> None:
    """Runs of both jobs, with slots, outcomes and credits; one hashtag in two hundred fails."""
    tags: dict[int, list[tuple[int, bool]]] = {}
    for campaign, key, role in connection.execute(
        "SELECT campaign_id, hashtag_key, role FROM campaign_hashtag"
    ):
        tags.setdefault(campaign, []).append((key, role == "own"))
    slot = "job,hashtag_key,slot_at,run_id,lease_until,fence,done_at"
    outcome = "run_id,hashtag_key,status,reason,videos_seen,videos_new,pages,credits,detail"
    ledger = "run_id,campaign_id,hashtag_key,endpoint,state,credits,reserved_at,settled_at,note"
    run = 0
    for step in range(size.instants):
        at = size.begin + step * STEP
        for campaign, all_tags in tags.items():
            for job, held in (
                ("track", [key for key, _ in all_tags]),
                ("collect", [key for key, is_own in all_tags if is_own]),
            ):
                run += 1
                bad = {key for key in held if (key + step) % 200 == 0}
                connection.execute(
                    "INSERT INTO run (id,job,campaign_id,slot_at,trigger,started_at,finished_at,"
                    "status,reason,credits) VALUES (?,?,?,?,'schedule',?,?,?,?,?)",
                    (run, job, campaign, at, at, at + HOUR // 60, "partial" if bad else "ok",
                     "upstream" if bad else "", len(held)),
                )  # fmt: skip
                _insert(connection, "slot", slot, ((job, key, at, run, at, 1, at) for key in held))
                _insert(
                    connection,
                    "run_hashtag",
                    outcome,
                    ((run, key, *_outcome(key in bad), 30, 1, 1, 1, "") for key in held),
                )
                _insert(
                    connection,
                    "ledger",
                    ledger,
                    ((run, campaign, key, job, "charged", 1, at, at, "ok") for key in held),
                )


def _outcome(is_bad: bool) -> tuple[str, str]:
    return ("failed", "upstream") if is_bad else ("ok", "")


def _alerts(connection: sqlite3.Connection, size: Size) -> None:
    columns = (
        "alert_id,fingerprint,campaign_id,rule,hashtag,state,opened_at,updated_at,resolved_at,"
        "value,threshold,peak,reason,url,data,fired_at"
    )
    rows = []
    for n in range(600):
        at = size.begin + (size.instants - 1 - n * 7 % size.instants) * STEP
        is_open = n % 20 == 0
        rows.append(
            (f"alert{n}", f"f{n}", n % len(_CAMPAIGNS) + 1, "growth", f"bench{n}",
             "firing" if is_open else "resolved", at, at, None if is_open else at + STEP, 0.7, 0.5,
             0.7, f"The views of #bench{n} grew by 70 %.", f"https://www.tiktok.com/tag/bench{n}",
             "{}", at)
        )  # fmt: skip
    _insert(connection, "alert", columns, iter(rows))
