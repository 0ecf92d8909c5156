"""Servers on a port whose world stands still."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
from simulator_api import KEY, NOW, Api, Serve

from tagtide.clock import SystemClock
from tagtide.simulator import FaultPlan, FaultRule, SimClock, SimulatorServer, World, demo_world
from tagtide.simulator.protocol import Answers


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start servers whose world stands still at `NOW`; they stop with the test."""
    with contextlib.ExitStack() as stack:

        def start(answers: Answers, *rules: FaultRule, at: datetime = NOW, **options: Any) -> Api:
            options.setdefault("clock", SimClock(SystemClock(), start=at, speed=0))
            server = SimulatorServer(answers, faults=FaultPlan(rules), **options)
            return Api(stack.enter_context(server.run_in_thread()))

        yield start


@pytest.fixture(scope="session")
def world() -> World:
    return demo_world(7, NOW)


@pytest.fixture(scope="session")
def demo(world: World) -> Iterator[Api]:
    """A server of the demo world with credits to spare; it keeps its calls over the session."""
    clock = SimClock(SystemClock(), start=NOW, speed=0)
    server = SimulatorServer(world, clock=clock, credits=10**9, keys={KEY})
    with server.run_in_thread():
        yield Api(server)
