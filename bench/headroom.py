"""headroom: calls per second when the API takes no time at all.

Hypothesis: reading, decoding and storing is at least twice as fast as the largest plan allows
(50 calls in flight at 1 s are 50 calls/s), so that the plan is the limit and not the program.

Method: `collect`, two pages per hashtag, 50 in flight, from a server without latency, into a SQLite
file with ``synchronous=FULL``; pages of 200 kB, and of 2.3 MB as the mobile feed has them. Every
video is new, the dearest case. Client and server share the machine's cores.

Control: four plain connections read the same pages and throw them away: what
server, loopback and Python's sockets allow.
"""

from __future__ import annotations

import json
import tempfile
import threading
import time
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

from bench.apiserver import PAGE_LENGTH, api_server, hashtag_id
from bench.client import PAGES, run_cycle
from bench.figures import Figure, Result

_THREADS = 4


def run(*, quick: bool) -> Result:
    """Measure."""
    large, small = _measure("2.3M", 10 if quick else 30), _measure("200k", 50 if quick else 200)
    figures = [_figure("200 kB", small, target=100), _figure("2.3 MB", large, target=None)]
    return Result(name="headroom", figures=figures, facts={"200k": small, "2.3M": large})


def _figure(size: str, found: dict[str, float], *, target: float | None) -> Figure:
    return Figure(
        name=f"pages of {size} read, decoded and stored",
        value=found["stored"],
        target=target,
        unit="/s",
        against=f"plain sockets on the same server: {found['sockets']:.0f}/s; "
        f"client CPU {found['cpu_ms']:.1f} ms per page",
    )


def _measure(page: str, hashtags: int) -> dict[str, float]:
    calls = hashtags * PAGES
    with tempfile.TemporaryDirectory() as folder, api_server(page=page) as server:
        sockets = calls / _read_by_sockets(server.url, calls)
        database = Path(folder) / "headroom.db"
        measured = run_cycle(server.url, database, hashtags, jobs="collect")
    cpu_ms = measured["cpu"] / calls * 1000
    return {"stored": calls / measured["wall"], "sockets": sockets, "cpu_ms": cpu_ms}


def _read_by_sockets(url: str, calls: int) -> float:
    """Seconds that plain blocking connections need for the pages."""
    threads = [
        threading.Thread(target=_read_pages, args=(url, calls // _THREADS, number))
        for number in range(_THREADS)
    ]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return time.perf_counter() - start


def _read_pages(url: str, calls: int, number: int) -> None:
    connection = HTTPConnection(urlsplit(url).netloc)
    headers = {"Authorization": "Bearer sk_test_local", "Content-Type": "application/json"}
    for page in range(calls):
        body = {"hashtag_id": hashtag_id(number), "cursor": str(page * PAGE_LENGTH), "count": 30}
        connection.request("POST", "/api/v1/tiktok/hashtag/videos", json.dumps(body), headers)
        connection.getresponse().read()
    connection.close()
