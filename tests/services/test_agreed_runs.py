"""Runs at an agreed price: what they cost before they start, and that they never cost more."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tagtide.bootstrap import App
from tagtide.errors import BudgetExceeded, Conflict, InvalidInput
from tagtide.models import Campaign, CampaignHashtag, Job, Reason, Role, Status
from tagtide.services.price import price_of, run_agreed
from tagtide.services.runs import RunRequest
from tagtide.services.track import track
from tagtide.simulator import DEMO_OWN, SimulatorServer, demo_world
from tagtide.testing import SimulatedClock, make_app

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)

Act = Callable[[App, SimulatorServer, Campaign], Awaitable[None]]


def installed(act: Act, **settings: str) -> None:
    async def main() -> None:
        clock = SimulatedClock(NOW)
        server = SimulatorServer(demo_world(3, NOW - timedelta(hours=1)), clock=clock)
        async with server.running(), make_app(server.url, clock=clock, settings=settings) as app:
            campaign = await app.store.add_campaign(
                Campaign(
                    name="Glow",
                    hashtags=(
                        *(CampaignHashtag(name=name) for name in DEMO_OWN),
                        CampaignHashtag(name="velvaskin", role=Role.COMPETITOR, feed=False),
                    ),
                    created_at=NOW - timedelta(days=1),
                )
            )
            await act(app, server, campaign)

    asyncio.run(main())


def test_a_price_is_what_the_run_then_costs() -> None:
    async def act(app: App, server: SimulatorServer, campaign: Campaign) -> None:
        for job, per_day in ((Job.COLLECT, 100), (Job.TRACK, 100), (Job.COLLECT, 100)):
            price = await price_of(app.context, job, campaign)
            before = server.charged
            done = await run_agreed(
                app.context, job, campaign, agreed=price.credits, per_day=per_day
            )
            assert done.run.trigger == "agent"
            assert done.run.status is Status.OK
            assert done.run.credits == server.charged - before <= price.credits
            app.context.clock.advance(timedelta(hours=1))  # type: ignore[attr-defined]

    installed(act)


def test_the_price_knows_ids_pages_and_pauses() -> None:
    async def act(app: App, _: SimulatorServer, campaign: Campaign) -> None:
        own = len(DEMO_OWN)
        assert (await price_of(app.context, Job.TRACK, campaign)).credits == own + 1
        # Ids are asked for once.
        assert (await price_of(app.context, Job.COLLECT, campaign)).credits == own * 3
        await track(app.context, RunRequest(job=Job.TRACK, campaign=campaign, slot_at=NOW))
        assert (await price_of(app.context, Job.COLLECT, campaign)).credits == own * 2
        deeper = replace(campaign, page_budget=5)
        assert (await price_of(app.context, Job.COLLECT, deeper)).credits == own * 5
        with pytest.raises(InvalidInput):
            await price_of(app.context, Job.REPORT_WEEKLY, campaign)

    installed(act)


def test_another_price_than_agreed_starts_nothing() -> None:
    async def act(app: App, server: SimulatorServer, campaign: Campaign) -> None:
        price = (await price_of(app.context, Job.TRACK, campaign)).credits
        for agreed in (price - 1, price + 1, 100):
            with pytest.raises(Conflict):
                await run_agreed(app.context, Job.TRACK, campaign, agreed=agreed, per_day=1_000)
        assert server.calls == []
        assert await app.store.runs() == []

    installed(act)


def test_agents_have_a_budget_of_their_own() -> None:
    async def act(app: App, server: SimulatorServer, campaign: Campaign) -> None:
        price = (await price_of(app.context, Job.TRACK, campaign)).credits
        with pytest.raises(BudgetExceeded):
            await run_agreed(app.context, Job.TRACK, campaign, agreed=price, per_day=price - 1)
        assert server.calls == []
        # What the schedules spend does not count ...
        await track(
            app.context,
            RunRequest(job=Job.TRACK, campaign=campaign, slot_at=NOW, trigger="schedule"),
        )
        app.context.clock.advance(timedelta(hours=1))  # type: ignore[attr-defined]
        await run_agreed(app.context, Job.TRACK, campaign, agreed=price, per_day=price + 1)
        # ... what agents have spent does.
        app.context.clock.advance(timedelta(hours=1))  # type: ignore[attr-defined]
        before = server.charged
        late = await run_agreed(app.context, Job.TRACK, campaign, agreed=price, per_day=price + 1)
        assert server.charged - before <= 1
        assert late.run.reason is Reason.BUDGET

    installed(act)


def test_the_budget_of_the_installation_holds_for_agents_too() -> None:
    async def act(app: App, server: SimulatorServer, campaign: Campaign) -> None:
        price = (await price_of(app.context, Job.TRACK, campaign)).credits
        done = await run_agreed(app.context, Job.TRACK, campaign, agreed=price, per_day=100)
        assert server.charged <= 2
        assert done.run.reason is Reason.BUDGET

    installed(act, **{"budget.credits_per_day": "2"})


def test_a_run_of_an_agent_claims_no_slot_of_the_schedule() -> None:
    async def act(app: App, _: SimulatorServer, campaign: Campaign) -> None:
        price = (await price_of(app.context, Job.TRACK, campaign)).credits
        await run_agreed(app.context, Job.TRACK, campaign, agreed=price, per_day=100)
        assert await app.store.last_slot(Job.TRACK, campaign.campaign_id) is None

    installed(act)
