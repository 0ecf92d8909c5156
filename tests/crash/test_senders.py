"""Several processes that send from one store: each message once, whoever sends it.

One that is killed, or stopped for longer than its lease, may have sent a message that it did not
mark: that one comes again under the same id, and no other. Without the fence messages come twice.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest
from sender import CHANNEL
from test_crash import Receiver, receiving

from conftest_postgres import new_database
from tagtide.clock import SystemClock
from tagtide.models import DeliveryState, Notification
from tagtide.ports import Changes
from tagtide.storage.store import open_store

#: Seconds that a message takes at its receiver, and that a silent sender keeps others out.
LATENCY, LEASE = 0.004, 1.0
MESSAGES = 80


@dataclass
class Senders:
    """Processes that send, all from one database."""

    order: dict[str, object]
    running: list[subprocess.Popen[str]] = field(default_factory=list)

    def start(self, count: int) -> None:
        """Start so many, and let them go at the same moment."""
        script, order = Path(__file__).with_name("sender.py"), json.dumps(self.order)
        new = [
            subprocess.Popen(
                [sys.executable, str(script), order],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            for _ in range(count)
        ]
        self.running += new
        for process in new:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        for process in new:
            assert process.stdin is not None
            process.stdin.write("\n")
            process.stdin.flush()

    def kill(self, process: subprocess.Popen[str]) -> int:
        """End one at once; return how many messages it had sent and marked."""
        os.kill(process.pid, signal.SIGKILL)
        output, _ = process.communicate()
        if process in self.running:
            self.running.remove(process)
        return output.count("sent")

    def end(self) -> list[int]:
        return [self.kill(process) for process in list(self.running)]


@dataclass
class Race:
    """A database full of messages, a receiver, and senders between them."""

    url: str
    receiver: Receiver
    senders: Senders

    def write(self, count: int) -> None:
        """Messages that are never told together with others."""

        async def main() -> None:
            clock = SystemClock()
            store = await open_store(self.url, clock=clock, migrate=False)
            now = clock.now()
            messages = tuple(
                Notification(
                    notification_id=clock.token(),
                    channel=CHANNEL,
                    alert_id=None,
                    kind="self",
                    created_at=now + timedelta(microseconds=number),
                    due_at=now,
                    payload={"type": "self.firing", "condition": str(number), "message": "x"},
                )
                for number in range(count)
            )
            await store.commit(Changes(notifications=messages))
            await store.aclose()

        asyncio.run(main())

    def wait_until(self, is_so: Callable[[], bool], seconds: float = 40) -> None:
        deadline = time.monotonic() + seconds
        while not is_so():
            assert time.monotonic() < deadline, f"{len(self.ids)} arrived"
            time.sleep(0.002)

    @property
    def ids(self) -> Counter[str]:
        """How often each message came."""
        return Counter(identity for identity, _ in self.receiver.got)

    def marked(self) -> dict[DeliveryState, int]:
        """How messages stand in the store."""

        async def main() -> dict[DeliveryState, int]:
            store = await open_store(self.url, clock=SystemClock(), migrate=False)
            counts = await store.delivery_counts()
            await store.aclose()
            return {c.state: c.count for c in counts}

        return asyncio.run(main())

    def wait_until_all_are_marked(self) -> None:
        self.wait_until(lambda: len(self.ids) == MESSAGES)
        deadline = time.monotonic() + 10
        while self.marked() != {DeliveryState.SENT: MESSAGES}:
            assert time.monotonic() < deadline, self.marked()
            time.sleep(0.05)


@contextlib.contextmanager
def racing(url: str, *, mode: str = "work") -> Iterator[Race]:
    async def create() -> None:
        store = await open_store(url, clock=SystemClock(), migrate=True)
        await store.aclose()

    asyncio.run(create())
    with receiving(LATENCY) as receiver:
        order: dict[str, object] = {"database": url, "hook": receiver.url, "lease": LEASE}
        race = Race(url, receiver, Senders(order | {"mode": mode}))
        race.write(MESSAGES)
        try:
            yield race
        finally:
            race.senders.end()


@pytest.fixture(
    params=[
        pytest.param("sqlite", marks=pytest.mark.prove),
        pytest.param("postgres", marks=pytest.mark.postgres),
    ]
)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "postgres":
        return new_database()
    return f"sqlite:///{tmp_path / 'race.db'}"


def test_two_senders_send_each_message_once(url: str) -> None:
    with racing(url) as race:
        race.senders.start(2)
        race.wait_until_all_are_marked()
        shares = race.senders.end()
    assert race.ids == dict.fromkeys(race.ids, 1)
    assert sum(shares) == MESSAGES
    # Otherwise they have not raced.
    assert min(shares) > 0, shares


def test_of_one_that_is_killed_at_most_one_message_comes_twice(url: str) -> None:
    chance, kills = random.Random(5), 2
    with racing(url) as race:
        race.senders.start(2)
        for kill in range(kills):
            wanted = (kill + 1) * MESSAGES // (kills + 2)
            race.wait_until(lambda wanted=wanted: len(race.ids) >= wanted)  # type: ignore[misc]
            time.sleep(chance.uniform(0, 0.02))
            race.senders.kill(race.senders.running[0])
            race.senders.start(1)
        race.wait_until_all_are_marked()
    assert sum(race.ids.values()) <= MESSAGES + kills
    assert max(race.ids.values()) <= 1 + kills


def test_who_was_stopped_for_longer_than_the_lease_writes_nothing(url: str) -> None:
    stops, overtaken = 4, 0
    with racing(url) as race:
        race.senders.start(2)
        for stop in range(stops):
            wanted = (stop + 1) * MESSAGES // (stops + 1)
            race.wait_until(lambda wanted=wanted: len(race.ids) >= wanted - 8)  # type: ignore[misc]
            stopped = race.senders.running[stop % 2]
            os.kill(stopped.pid, signal.SIGSTOP)
            # Whoever held the endpoint is overtaken, and finds out when he goes on; unless he was
            # stopped within a transaction: then the other waits for the database, not for him.
            patience = time.monotonic() + 4
            while len(race.ids) < wanted and time.monotonic() < patience:
                time.sleep(0.01)
            overtaken += len(race.ids) >= wanted
            os.kill(stopped.pid, signal.SIGCONT)
            race.wait_until(lambda wanted=wanted: len(race.ids) >= wanted)  # type: ignore[misc]
        race.wait_until_all_are_marked()
    assert overtaken > 0
    assert sum(race.ids.values()) <= MESSAGES + stops


def test_a_build_without_the_fence_sends_messages_twice(tmp_path: Path) -> None:
    """The negative control: these tests see what they look for."""
    with racing(f"sqlite:///{tmp_path / 'race.db'}", mode="unfenced") as race:
        race.senders.start(2)
        race.wait_until(lambda: len(race.ids) == MESSAGES)
    assert sum(race.ids.values()) > MESSAGES + 4
