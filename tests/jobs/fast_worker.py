"""`tagtide worker`, but quick to notice a death; run as a process by the tests."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from tagtide.bootstrap import open_app
from tagtide.cli import serve
from tagtide.cli.options import configure_logging
from tagtide.jobs import Health, Service, ServicePlan, Timing
from tagtide.settings import load

FAST = Timing(plan=0.5, beat=0.5, deliver=1.0, dead_after=2.0, grace=10.0)


async def main() -> None:
    loaded = load()
    configure_logging("info", "json")
    async with open_app(loaded) as app:
        plan: ServicePlan = replace(serve.service_plan(app), timing=FAST)
        stop = asyncio.Event()
        with serve.stopping(stop):
            await Service(plan, app.context, app.channels, Health()).run(stop)


asyncio.run(main())
