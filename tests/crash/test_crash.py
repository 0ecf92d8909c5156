"""Real processes, killed at random instants of poll, store, detect, send and mark.

No reading that was acknowledged is lost, no alert is lost, and whatever arrives twice has the same
id both times. A build that marks a message before sending it must fail here.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path

import pytest
from crash_worker import BURST, SLOT, START

from conftest_postgres import new_database
from tagtide.clock import SystemClock
from tagtide.models import AlertState, Rule, RuleSettings
from tagtide.services.campaigns import make_campaign
from tagtide.storage.store import open_store

HASHTAGS = ("one", "two", "three")
#: Every burst is an episode of its own, and nothing but rule A says so.
RULES = RuleSettings(reopen_hours=0, enabled=(Rule.NEW_VIDEOS,))
#: A worker is killed at most so many readings and messages, and then seconds, after its start.
PROGRESS, LONGEST = 9, 0.08
FAR = datetime(2100, 1, 1, tzinfo=UTC)


@dataclass
class Receiver:
    """Keeps every message, and takes a moment before it says that it did."""

    latency: float
    url: str = ""
    #: (id, body) in order of arrival.
    got: list[tuple[str, dict[str, object]]] = field(default_factory=list)


@contextlib.contextmanager
def receiving(latency: float) -> Iterator[Receiver]:
    kept = Receiver(latency)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            # Some of what was sent by who dies now never arrives.
            time.sleep(kept.latency / 2)
            kept.got.append((self.headers["webhook-id"], json.loads(body)))
            time.sleep(kept.latency / 2)
            with contextlib.suppress(OSError):
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

        def log_message(self, *_args: object) -> None:
            pass

        def handle_one_request(self) -> None:
            with contextlib.suppress(OSError):
                super().handle_one_request()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    kept.url = f"http://127.0.0.1:{server.server_port}/hook"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield kept
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class Workers:
    """Forks workers off one process; one lives at a time."""

    def __init__(self, order: dict[str, str]) -> None:
        self._order = order
        script = Path(__file__).with_name("crash_worker.py")
        self._process = subprocess.Popen(
            [sys.executable, str(script)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def start(self, mode: str) -> int:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(self._order | {"mode": mode}) + "\n")
        self._process.stdin.flush()
        return int(self._line())

    def ended(self) -> int:
        return int(self._line().split()[1])

    def _line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline()

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()


def make_store(url: str) -> None:
    async def main() -> None:
        store = await open_store(url, clock=SystemClock(), migrate=True)
        await store.add_campaign(make_campaign("Spring", hashtags=HASHTAGS, rules=RULES))
        await store.aclose()

    asyncio.run(main())


@dataclass
class Story:
    """What a series of kills left behind."""

    receiver: Receiver
    url: str
    acks: Path
    kills: int


def killed_often(url: str, folder: Path, kills: int, mode: str, seed: int) -> Story:
    print(f"seed {seed}")
    chance, acks = random.Random(seed), folder / "acks"
    make_store(url)
    with receiving(0.02 if mode == "mark_first" else 0.004) as receiver:
        workers = Workers({"database": url, "hook": receiver.url, "acks": str(acks)})
        try:
            for _ in range(kills):
                before = progress(receiver, acks)
                child = workers.start(mode)
                wait_for(receiver, acks, before + chance.randint(0, PROGRESS))
                time.sleep(chance.uniform(0, LONGEST))
                os.kill(child, signal.SIGKILL)
                assert workers.ended() == -signal.SIGKILL
            workers.start("finish")
            assert workers.ended() == 0
        finally:
            workers.close()
    return Story(receiver, url, acks, kills)


def progress(receiver: Receiver, acks: Path) -> int:
    """Readings and messages so far."""
    read = acks.read_bytes().count(b"\n") if acks.exists() else 0
    return read + len(receiver.got)


def wait_for(receiver: Receiver, acks: Path, wanted: int) -> None:
    deadline = time.monotonic() + 20
    while progress(receiver, acks) < wanted and time.monotonic() < deadline:
        time.sleep(0.002)


def lost_alerts(story: Story) -> list[tuple[str, str]]:
    """Begins and ends of stored alerts that no message told of."""
    told: defaultdict[tuple[str, str, str], set[str]] = defaultdict(set)
    for identity, body in story.receiver.got:
        items = body["items"] if body["type"] == "digest" else [body["alert"]]
        for alert in items:  # type: ignore[union-attr]
            told[alert["alert_id"], alert["state"], alert["updated_at"]].add(identity)
            if body["type"] == "digest" and alert["state"] == "resolved":
                # A digest has one line for an alert: its end says that there was a beginning.
                told[alert["alert_id"], "firing", alert["opened_at"]].add("in a digest")
    # Whatever was told twice had the same id both times.
    twice = {key: ids - {"in a digest"} for key, ids in told.items()}
    assert {key: ids for key, ids in twice.items() if len(ids) > 1} == {}
    expected = [(a.alert_id, "firing") for a in stored_alerts(story)]
    expected += [
        (a.alert_id, "resolved") for a in stored_alerts(story) if a.state is AlertState.RESOLVED
    ]
    assert len(expected) > story.kills / 4
    known = {(alert_id, state) for alert_id, state, _ in told}
    return [key for key in expected if key not in known]


def stored_alerts(story: Story) -> list:
    async def main() -> list:
        store = await open_store(story.url, clock=SystemClock(), migrate=False)
        found = await store.alerts(limit=1_000_000)
        await store.aclose()
        return found

    return asyncio.run(main())


def assert_nothing_is_lost(story: Story) -> None:
    assert lost_alerts(story) == []
    messages = {identity for identity, _ in story.receiver.got}
    assert len(story.receiver.got) - len(messages) <= story.kills
    readings = stored_readings(story)
    acknowledged = [line.split() for line in story.acks.read_text().splitlines()]
    assert len(acknowledged) > story.kills / 2
    held = {(name, reading.read_at.isoformat()) for name in readings for reading in readings[name]}
    assert [pair for pair in acknowledged if tuple(pair) not in held] == []
    opened = {(a.hashtag, a.opened_at) for a in stored_alerts(story) if a.rule is Rule.NEW_VIDEOS}
    for name, series in readings.items():
        assert_every_burst_was_detected(name, series, opened)


def assert_every_burst_was_detected(name: str, series: list, opened: set) -> None:
    """Judged by hand: nothing in one slot, then a burst within the next."""
    steps = list(pairwise(series))
    for (a, b), (_, c) in pairwise(steps):
        spans = (b.read_at - a.read_at, c.read_at - b.read_at)
        grown = (b.video_count - a.video_count, c.video_count - b.video_count)
        if max(spans) < SLOT * 1.02 and grown == (0, BURST):
            assert any(
                name == tag and abs(at - c.read_at) < timedelta(minutes=1) for tag, at in opened
            ), (name, c.read_at)


def stored_readings(story: Story) -> dict[str, list]:
    async def main() -> dict[str, list]:
        store = await open_store(story.url, clock=SystemClock(), migrate=False)
        found = {name: await store.hashtag_readings(name, START, FAR) for name in HASHTAGS}
        await store.aclose()
        return found

    return asyncio.run(main())


def sqlite_in(folder: Path) -> str:
    return f"sqlite:///{folder / 'crash.db'}"


def assert_sound(url: str) -> None:
    with contextlib.closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as raw:
        assert raw.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def test_30_kills_on_sqlite_lose_nothing(tmp_path: Path) -> None:
    story = killed_often(sqlite_in(tmp_path), tmp_path, 30, "work", 1)
    assert_nothing_is_lost(story)
    assert_sound(story.url)


@pytest.mark.postgres
def test_10_kills_on_postgres_lose_nothing(tmp_path: Path) -> None:
    assert_nothing_is_lost(killed_often(new_database(), tmp_path, 10, "work", 2))


def test_a_build_that_marks_before_it_sends_loses_alerts(tmp_path: Path) -> None:
    """The negative control: these tests see what they look for."""
    story = killed_often(sqlite_in(tmp_path), tmp_path, 20, "mark_first", 3)
    assert lost_alerts(story) != []


@pytest.mark.prove
def test_300_kills_on_sqlite_lose_nothing(tmp_path: Path) -> None:
    story = killed_often(sqlite_in(tmp_path), tmp_path, 300, "work", time.time_ns())
    assert_nothing_is_lost(story)
    assert_sound(story.url)


@pytest.mark.prove
@pytest.mark.postgres
def test_100_kills_on_postgres_lose_nothing(tmp_path: Path) -> None:
    assert_nothing_is_lost(killed_often(new_database(), tmp_path, 100, "work", time.time_ns()))
