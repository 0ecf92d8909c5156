"""cycle: 300 hashtags, 900 calls of one second each, 50 in flight.

Hypothesis: tagtide waits for the API and for nothing else, so that a cycle takes hardly longer
than calls x latency / calls in flight, although every page is decoded and durable.

Method: `track` (300 totals) and `collect` (600 pages of 30 videos, 200 kB each) through the real
use cases, client and server, a SQLite file with ``synchronous=FULL``; the ids are known. The server
is a process of its own and answers 429 beyond 50 calls in flight. Afterwards the database is opened
again: readings, videos and charged credits must be complete, and as many as the server counted.

The first call of a run goes alone unless the key was answered in the last five minutes: a refused
key costs one call and not fifty. That second is part of the first figure, not of the second.

Control: the physical limit, 900 x 1 s / 50 = 18 s, which no client can beat.
"""

from __future__ import annotations

import sqlite3
import tempfile
from pathlib import Path
from typing import Any

from bench.apiserver import PAGE_LENGTH, api_server
from bench.client import PAGES, run_cycle
from bench.figures import Figure, Result

IN_FLIGHT = 50
LATENCY = 1.0


def run(*, quick: bool) -> Result:
    """Measure."""
    hashtags = 100 if quick else 300
    limit = hashtags * (1 + PAGES) * LATENCY / IN_FLIGHT
    cold, trusted = (_cycle(hashtags, trusted=known) for known in (False, True))
    return Result(
        name="cycle",
        figures=[
            _figure("cycle at 1 s per call", limit, cold),
            _figure("the same, the key answered in the last 5 minutes", limit, trusted),
            Figure(
                name="CPU of the client",
                value=trusted["cpu"] / trusted["wall"],
                against="of one core",
            ),
        ],
        facts={"cold": cold, "trusted": trusted},
    )


def _cycle(hashtags: int, *, trusted: bool) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder, api_server(latency=LATENCY) as server:
        database = Path(folder) / "cycle.db"
        measured = run_cycle(server.url, database, hashtags, in_flight=IN_FLIGHT, trusted=trusted)
        state = server.state()
        check_stored(database, hashtags)
    calls = hashtags * (1 + PAGES)
    # Asking for the balance is free.
    if state["calls"] - trusted != calls or state["charged"] != calls:
        raise SystemExit(f"{calls} calls were planned, the server saw {state}")
    return measured


def _figure(name: str, limit: float, measured: dict[str, Any]) -> Figure:
    against = f"physical limit ({limit:g} s) / wall time ({measured['wall']:.2f} s)"
    return Figure(name=name, value=limit / measured["wall"], target=0.93, against=against)


def check_stored(database: Path, hashtags: int) -> dict[str, int]:
    """Count what a new process finds in the file; raise `SystemExit` when anything is missing."""
    videos = hashtags * PAGES * PAGE_LENGTH
    expected = {
        "SELECT count(*) FROM video": videos,
        "SELECT count(*) FROM video_reading": videos,
        "SELECT count(*) FROM campaign_video": videos,
        # One each was there before.
        "SELECT count(*) FROM hashtag_reading": hashtags * 2,
        "SELECT sum(credits) FROM ledger WHERE state = 'charged'": hashtags * (1 + PAGES),
        "SELECT count(*) FROM ledger WHERE state <> 'charged'": 0,
        "SELECT count(*) FROM run_hashtag WHERE status = 'ok'": hashtags * 2,
    }
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    try:
        found = {query: connection.execute(query).fetchone()[0] for query in expected}
    finally:
        connection.close()
    if found != expected:
        raise SystemExit(f"the database does not hold everything: {found}")
    return found
