"""Real payloads through the real program: the local server as a process, the services on its clock.

The command line reads the machine's clock, as it should. Days and hours that lie years back are
stepped here instead, with the same services and the same wiring, on a clock that is set by hand,
and the server's clock is set to the same instant over its own control address.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import urllib.request
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from tagtide.bootstrap import App, open_app, system_clock
from tagtide.models import Campaign, Job
from tagtide.services.campaigns import make_campaign
from tagtide.services.collect import CollectResult, collect
from tagtide.services.runs import RunRequest
from tagtide.services.track import TrackResult, track
from tagtide.settings import load
from tagtide.simulator import SimClock


@dataclass(frozen=True)
class Replaying:
    """A running ``tagtide simulate --replay``."""

    url: str

    def set_clock(self, at: datetime) -> None:
        body = json.dumps({"now": at.isoformat()}).encode()
        request = urllib.request.Request(f"{self.url}/simulate/clock", body, method="POST")
        with urllib.request.urlopen(request, timeout=10) as answer:
            assert json.load(answer)["now"] == at.isoformat().replace("+00:00", "Z")


@contextlib.contextmanager
def replaying(folder: Path, start: datetime, *options: str) -> Iterator[Replaying]:
    """Serve a folder of recordings on a free port; its clock stands still at ``start``."""
    command = [sys.executable, "-m", "tagtide", "simulate", "--replay", str(folder), "--port", "0"]
    command += ["--start", start.isoformat(), "--speed", "0", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            greeting = process.stdout.readline()
            assert greeting.startswith("Local data API at "), greeting
            yield Replaying(greeting.split()[4])
        finally:
            process.terminate()


def config(folder: Path, url: str) -> Path:
    """A configuration file whose database lies beside it."""
    path = folder / "tagtide.toml"
    path.write_text(
        f'[api]\nurl = "{url}"\nplan = "growth"\n[database]\nurl = "sqlite:///tagtide.db"\n'
    )
    return path


@dataclass
class Watch:
    """The application on a clock that is set by hand."""

    app: App
    clock: SimClock
    server: Replaying | None = None

    def set_clock(self, at: datetime) -> None:
        self.clock.set(at)
        if self.server:
            self.server.set_clock(at)

    async def add(self, name: str, hashtags: list[str], **settings: object) -> Campaign:
        made = make_campaign(name, hashtags=hashtags, **settings)  # type: ignore[arg-type]
        created = replace(made, created_at=self.clock.now())
        return await self.app.store.add_campaign(created)

    async def collect(self, campaign: Campaign) -> CollectResult:
        return await collect(self.app.context, self._request(Job.COLLECT, campaign))

    async def track(self, campaign: Campaign) -> TrackResult:
        return await track(self.app.context, self._request(Job.TRACK, campaign))

    def _request(self, job: Job, campaign: Campaign) -> RunRequest:
        slot = self.clock.now()
        return RunRequest(job=job, campaign=campaign, slot_at=slot, trigger="schedule")


@contextlib.asynccontextmanager
async def watching(
    folder: Path, url: str, start: datetime, server: Replaying | None = None
) -> AsyncIterator[Watch]:
    """Open the application on a new store, with its clock standing still at ``start``."""
    clock = SimClock(system_clock(), start=start, speed=0)
    loaded = load(config=str(config(folder, url)), environ={})
    async with open_app(loaded, clock=clock) as app:
        yield Watch(app, clock, server)
