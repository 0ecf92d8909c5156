"""A whole installation in one test: real server, real client, real store, simulated hours."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from small_world import SmallWorld

from tagtide.bootstrap import App
from tagtide.clock import SystemClock
from tagtide.models import Campaign, Job
from tagtide.ports import LedgerTotals
from tagtide.services.campaigns import make_campaign
from tagtide.services.collect import CollectResult, collect
from tagtide.services.context import Context
from tagtide.services.runs import RunRequest
from tagtide.services.track import TrackResult, track
from tagtide.simulator import Call, FaultPlan, FaultRule, SimulatorServer
from tagtide.simulator.protocol import Answers
from tagtide.testing import SimulatedClock, make_app

START = datetime(2026, 3, 2, 8, tzinfo=UTC)
HOUR = timedelta(hours=1)
LONG_AGO = START - timedelta(days=365)
#: Real seconds: short, for faults that never answer.
IMPATIENT = {"api.read_timeout": "0.5", "api.deadline": "0.8"}


class WorldClock(SystemClock):
    """Tells the application's simulated time; sleeps for real, since its peer is real."""

    def __init__(self, simulated: SimulatedClock) -> None:
        self._simulated = simulated

    def now(self) -> datetime:
        return self._simulated.now()


@dataclass
class Lab:
    """What a test works with."""

    app: App
    server: SimulatorServer
    clock: SimulatedClock
    world: Any

    @property
    def context(self) -> Context:
        return self.app.context

    @property
    def store(self) -> Any:
        return self.app.store

    def fail(self, *rules: FaultRule) -> None:
        """From now on, these faults."""
        self.server.faults = FaultPlan(rules)

    def calls(self, since: int = 0) -> list[Call]:
        return [call for call in self.server.calls[since:] if call.endpoint != "usage"]

    async def add(self, name: str = "Spring", *, own: Sequence[str], **options: Any) -> Campaign:
        made = make_campaign(name, hashtags=own, **options)
        return await self.store.add_campaign(replace(made, created_at=self.clock.now()))

    async def track(self, campaign: Campaign, trigger: str = "schedule") -> TrackResult:
        return await track(self.context, self._request(Job.TRACK, campaign, trigger))

    async def collect(self, campaign: Campaign, trigger: str = "schedule") -> CollectResult:
        return await collect(self.context, self._request(Job.COLLECT, campaign, trigger))

    def _request(self, job: Job, campaign: Campaign, trigger: str) -> RunRequest:
        now = self.clock.now()
        return RunRequest(job=job, campaign=campaign, slot_at=now, trigger=trigger)

    async def spent(self, campaign: Campaign | None = None) -> LedgerTotals:
        campaign_id = campaign.campaign_id if campaign else None
        return await self.store.spent(LONG_AGO, campaign_id)


@asynccontextmanager
async def lab(
    world: Answers | None = None,
    *,
    database: str = "sqlite://",
    settings: dict[str, str] | None = None,
    start: datetime = START,
    **server_options: Any,
) -> AsyncIterator[Lab]:
    clock = SimulatedClock(start)
    answers = world or SmallWorld(start)
    server = SimulatorServer(
        answers, clock=WorldClock(clock), **{"credits": 10_000, "concurrency": 50} | server_options
    )
    async with (
        server.running(),
        make_app(server.url, clock=clock, database=database, settings=settings) as app,
    ):
        yield Lab(app, server, clock, answers)
