"""The local API server as a program: what ``tagtide simulate`` runs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from tagtide.errors import ConfigError
from tagtide.ports import Clock
from tagtide.simulator.faults import FaultPlan, load_scenario
from tagtide.simulator.protocol import PLANS, Answers
from tagtide.simulator.replay import Replay
from tagtide.simulator.server import SimulatorServer
from tagtide.simulator.simclock import SimClock
from tagtide.simulator.worlds import DEMO_COMPETITORS, DEMO_OWN, demo_world


async def run_simulator(
    *,
    host: str,
    port: int,
    seed: int,
    replay: Path | None,
    scenario: Path | None,
    plan: str,
    credits: int | None,  # noqa: A002 -- the provider's word, and the flag's
    concurrency: int | None,
    latency: float,
    start: datetime | None,
    speed: float,
    clock: Clock,
    announce: Callable[[str], None],
    anchor: datetime | None = None,
    summed_totals: bool = False,
) -> None:
    """Serve until cancelled.

    Args:
        host: Address to listen on; it should be a loopback one.
        port: 0 takes a free one.
        seed: Of the world and of its faults' chance.
        replay: A folder of recordings to serve instead of the living world.
        scenario: A file of fault rules.
        plan: Name of a plan, for credits and calls in flight.
        credits: Balance at the start; None takes the plan's.
        concurrency: Calls in flight; None takes the plan's.
        latency: Real seconds per billed call.
        start: Simulated instant to start at; None is now.
        speed: Simulated seconds per real one.
        clock: Real time.
        announce: Takes one line when the server answers.
        anchor: The instant whose last 30 days hold the world's story; None takes the start.
        summed_totals: See `Replay`.

    Raises:
        ConfigError: Scenario, recordings or plan cannot be used, or the port is taken.
    """
    if plan not in PLANS:
        raise ConfigError(f"There is no plan '{plan}'.", hint=f"Plans: {', '.join(PLANS)}.")
    sim_clock = SimClock(clock, start=start, speed=speed)
    answers: Answers = (
        demo_world(seed, anchor or sim_clock.now())
        if replay is None
        else await asyncio.to_thread(Replay, replay, summed_totals=summed_totals)
    )
    server = SimulatorServer(
        answers,
        clock=sim_clock,
        host=host,
        port=port,
        plan=plan,
        credits=credits,
        concurrency=concurrency,
        latency=latency,
        faults=load_scenario(scenario) if scenario else FaultPlan(),
    )
    await _start(server)
    try:
        announce(_greeting(server, replay))
        await asyncio.Event().wait()
    finally:
        await server.stop()


async def _start(server: SimulatorServer) -> None:
    try:
        await server.start()
    except OSError as error:
        raise ConfigError(
            f"The local server cannot listen on {server.host} port {server.port}: {error}.",
            hint="Choose another port with --port, or 0 for a free one.",
        ) from error


def _greeting(server: SimulatorServer, replay: Path | None) -> str:
    what = (
        f"hashtags {', '.join((*DEMO_OWN, *DEMO_COMPETITORS))}"
        if replay is None
        else f"recordings of {replay}"
    )
    return f"Local data API at {server.url} ({what}); any key is accepted."
