"""What the tests of schedules share: campaigns with a past, processes, and ways to wait."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2

from tagtide.bootstrap import App, open_app
from tagtide.clock import SystemClock
from tagtide.jobs import Health, Service, ServicePlan, Slot
from tagtide.jobs.service import Queue
from tagtide.models import Campaign, CampaignHashtag, Job, Run
from tagtide.ports import Clock, Lifeline
from tagtide.settings import Loaded, load
from tagtide.simulator import SimulatorServer, make_world
from tagtide.storage.store import open_store

HERE = Path(__file__).parent
#: Runs on no day that a test sees.
NEVER = "0 0 29 2 *"
QUIET = dict.fromkeys(Job, NEVER)


def crowd(now: datetime) -> Any:
    """A world of a few hashtags with feeds of several pages."""
    return make_world(3, now, hashtags=8, daily=40.0)


@contextlib.contextmanager
def api(**options: Any) -> Iterator[SimulatorServer]:
    """The local data API in a thread; its calls and charges are the oracle."""
    clock = options.pop("clock", SystemClock())
    options.setdefault("plan", "project")
    with SimulatorServer(crowd(clock.now()), clock=clock, **options).run_in_thread() as server:
        yield server


def settings_for(url: str, server: SimulatorServer, cwd: Path, **extra: str) -> Loaded:
    return load(environ=environment(url, server, **extra), cwd=cwd)


def environment(url: str, server: SimulatorServer, **extra: str) -> dict[str, str]:
    return {
        "HOME": "/nonexistent",
        "PATH": os.environ["PATH"],
        "TAGTIDE_API_URL": server.url,
        "TAGTIDE_DATABASE_URL": url,
        "TAGTIDE_LOG__FORMAT": "json",
        **extra,
    }


def campaign(
    name: str = "Lumen",
    *,
    hashtags: int = 3,
    pages: int = 4,
    created_at: datetime | None = None,
    schedules: Mapping[Job, str] | None = None,
    **more: Any,
) -> Campaign:
    """Stored a day ago unless told otherwise, so that a slot of each job has been missed."""
    return Campaign(
        name=name,
        hashtags=tuple(CampaignHashtag(name=f"tag{n:03}") for n in range(hashtags)),
        page_budget=pages,
        schedules=dict(QUIET if schedules is None else schedules),
        created_at=created_at or datetime.now(UTC) - timedelta(days=1),
        **more,
    )


def add(url: str, *campaigns: Campaign) -> list[Campaign]:
    """Make the database with these campaigns in it."""

    async def main() -> list[Campaign]:
        store = await open_store(url, clock=SystemClock(), migrate=True)
        try:
            return [await store.add_campaign(c) for c in campaigns]
        finally:
            await store.aclose()

    return asyncio.run(main())


def runs(url: str) -> list[Run]:
    """All runs, newest first."""

    async def main() -> list[Run]:
        store = await open_store(url, clock=SystemClock(), migrate=False)
        try:
            return [s.run for s in await store.runs(limit=1000)]
        finally:
            await store.aclose()

    return asyncio.run(main())


def ledger(url: str) -> tuple[int, int]:
    """Credits that our ledger holds as charged, and as unknown."""

    async def main() -> tuple[int, int]:
        store = await open_store(url, clock=SystemClock(), migrate=False)
        try:
            spent = await store.spent(datetime(2000, 1, 1, tzinfo=UTC))
            return spent.charged, spent.unknown
        finally:
            await store.aclose()

    return asyncio.run(main())


def finished(url: str) -> list[Run]:
    return [run for run in runs(url) if run.finished_at is not None]


def paid_twice(server: SimulatorServer) -> int:
    """Charged calls that had been charged before with the same parameters."""
    calls = Counter((c.endpoint, str(sorted(c.body.items()))) for c in server.calls if c.charged)
    return sum(calls.values()) - len(calls)


# --- in this process ------------------------------------------------------------------------------


@dataclass
class InlineQueue:
    """A queue that works off each slot at once, once, in this process."""

    perform: Callable[[Slot], Awaitable[str]] | None = None
    slots: list[Slot] = field(default_factory=list)

    async def start(self) -> None: ...

    async def enqueue(self, slot: Slot) -> None:
        if slot.key not in {s.key for s in self.slots}:
            self.slots.append(slot)
            assert self.perform is not None
            await self.perform(slot)

    async def owners(self) -> set[str]:
        return set()

    async def take_from(self, executors: list[str]) -> None: ...

    async def sweep(self, now: datetime) -> int:
        return 0

    async def stop(self, grace: float) -> None: ...


@contextlib.asynccontextmanager
async def service_on(loaded: Loaded, clock: Clock, queue: InlineQueue) -> Any:
    """A service whose queue is this process; its rounds are made by the test."""
    async with open_app(loaded, clock=clock) as app:
        service = make_service(app, queue)
        queue.perform = service.perform
        yield app, service


def make_service(app: App, queue: Queue, lifeline: Lifeline | None = None) -> Service:
    schedules = app.loaded.settings.schedules
    plan = ServicePlan(
        database_url=app.loaded.settings.database.url,
        executor_id="here",
        host="here",
        schedules={job: getattr(schedules, job.value) for job in Job},
    )
    return Service(plan, app.context, app.channels, Health(), queue, lifeline)


# --- in processes of their own --------------------------------------------------------------------


spawned: list[Process] = []


class Process:
    """A process of ours with its log in a file."""

    def __init__(self, args: list[str], env: dict[str, str], folder: Path) -> None:
        self.log = folder / f"process-{time.monotonic_ns()}.log"
        with self.log.open("wb") as log:
            self.popen = subprocess.Popen(
                [sys.executable, *args], env=env, cwd=folder, stdout=log, stderr=log
            )
        spawned.append(self)

    @property
    def text(self) -> str:
        return self.log.read_text()

    def kill(self) -> None:
        self.popen.kill()
        self.popen.wait()

    def end(self, timeout: float = 30.0) -> int:
        """SIGTERM, and the exit code."""
        self.popen.send_signal(signal.SIGTERM)
        return self.popen.wait(timeout)


def serve_process(url: str, server: SimulatorServer, folder: Path, *args: str) -> Process:
    command = ["-m", "tagtide", "serve", "--port", "0", *args]
    return Process(command, environment(url, server), folder)


def worker_process(url: str, server: SimulatorServer, folder: Path) -> Process:
    """A worker whose heart beats fast, so that its death is noticed within seconds."""
    return Process([str(HERE / "fast_worker.py")], environment(url, server), folder)


def address_of(process: Process) -> str:
    """Where the pages of a serve process are."""
    until(lambda: "stop with Ctrl-C" in process.text, process)
    line = next(x for x in process.text.splitlines() if "stop with" in x)
    return line.split()[3].rstrip("/")


def get(process: Process, path: str, token: str | None = None) -> httpx2.Response:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    with httpx2.Client(trust_env=False, timeout=10.0) as client:
        return client.get(address_of(process) + path, headers=headers)


def until(
    condition: Callable[[], Any], *processes: Process, timeout: float = 40.0, alive: bool = True
) -> None:
    """Wait for something that processes do."""
    deadline = time.monotonic() + timeout
    while not condition():
        logs = "\n".join(p.text[-3000:] for p in processes)
        assert time.monotonic() < deadline, f"it did not happen\n{logs}"
        for process in processes if alive else ():
            assert process.popen.poll() is None, f"the process ended\n{logs}"
        time.sleep(0.02)
