"""seed_loop: a plain loop beside the cycle, at 1 s per call.

Hypothesis: one call at a time with a pause between leaves nearly all of the plan unused.

Method: a tenth of the cycle's work (30 hashtags, 90 calls) twice in the same run: by the loop, and
by tagtide. Both times per call are compared, for a whole cycle is the same work ten times.

Control: the loop is what a short script does: one blocking call, one row, one commit, half a second
of sleep, the next. Its time has a floor of its own (90 x 1.5 s), reported beside.
"""

from __future__ import annotations

import json
import sqlite3
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

from bench.apiserver import api_server, hashtag_id
from bench.client import PAGES, run_cycle
from bench.figures import Figure, Result, timed

LATENCY = 1.0
PAUSE = 0.5


def run(*, quick: bool) -> Result:
    """Measure."""
    hashtags = 5 if quick else 30
    calls = hashtags * (1 + PAGES)
    with tempfile.TemporaryDirectory() as folder, api_server(latency=LATENCY) as server:
        loop = timed(lambda: _loop(server.url, Path(folder) / "loop.db", hashtags))
        ours = run_cycle(server.url, Path(folder) / "ours.db", hashtags)["wall"]
    floor = calls * (LATENCY + PAUSE)
    against = f"a loop's {loop:.1f} s for {calls} calls (its floor: {floor:.1f} s) to {ours:.1f} s"
    return Result(
        name="seed_loop",
        figures=[Figure(name="faster than a plain loop", value=loop / ours, against=against)],
        facts={"loop": loop, "ours": ours, "calls": calls},
    )


def _loop(url: str, database: Path, hashtags: int) -> None:
    connection = sqlite3.connect(database)
    connection.execute("CREATE TABLE snapshots (hashtag TEXT, views INTEGER, at REAL)")
    connection.execute("CREATE TABLE videos (video TEXT, views INTEGER, at REAL)")
    for number in range(hashtags):
        totals = _call(url, "hashtag", hashtag_id=hashtag_id(number))["challengeInfo"]["statsV2"]
        row = (str(number), int(totals["viewCount"]), time.time())
        connection.execute("INSERT INTO snapshots VALUES (?, ?, ?)", row)
        connection.commit()
        time.sleep(PAUSE)
        for page in range(PAGES):
            _read_page(connection, url, number, str(30 * page))
            time.sleep(PAUSE)
    connection.close()


def _read_page(connection: sqlite3.Connection, url: str, number: int, cursor: str) -> None:
    found = _call(url, "hashtag/videos", hashtag_id=hashtag_id(number), cursor=cursor, count=30)
    for video in found["aweme_list"]:
        row = (video["aweme_id"], video["statistics"]["play_count"], time.time())
        connection.execute("INSERT INTO videos VALUES (?, ?, ?)", row)
        connection.commit()


def _call(url: str, endpoint: str, **body: Any) -> dict[str, Any]:
    request = urllib.request.Request(
        f"{url}/api/v1/tiktok/{endpoint}",
        data=json.dumps(body).encode(),
        headers={"Authorization": "Bearer sk_test_local", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        found: dict[str, Any] = json.load(answer)["data"]
        return found
