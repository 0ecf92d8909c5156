"""``tagtide demo``: a month of a living world, then the dashboard. No key, no network."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import click

from tagtide.bootstrap import App, open_app, system_clock
from tagtide.cli.options import configure_logging, is_terminal
from tagtide.cli.options import run as run_async
from tagtide.cli.show import print_blocks
from tagtide.core.messages import Block, Heading, Note, Paragraph
from tagtide.core.messages.campaign import campaign_blocks
from tagtide.core.messages.weekly import weekly_blocks
from tagtide.core.reports.facts import alert_told
from tagtide.core.schedule import DEFAULTS, Schedule
from tagtide.errors import Conflict
from tagtide.models import Campaign, Job
from tagtide.services.campaigns import make_campaign
from tagtide.services.collect import collect
from tagtide.services.report import report_campaign, report_daily, report_weekly
from tagtide.services.runs import RunRequest
from tagtide.services.track import track
from tagtide.settings import load
from tagtide.simulator import DEMO_COMPETITORS, DEMO_OWN, SimClock, SimulatorServer, demo_world

FOLDER = Path("tagtide-demo")
_SEED = 11
_ZONE = "Europe/Paris"
_NAME = "Lumen glow"
_PAGES = 4
#: Where the world answers, so that other commands can use it while the demo runs.
_API_PORT = 8766
_JOBS = (Job.TRACK, Job.COLLECT, Job.REPORT_DAILY, Job.REPORT_CAMPAIGN, Job.REPORT_WEEKLY)
_CONFIG = """\
# The demo's world. `tagtide --config tagtide-demo/tagtide.toml COMMAND` works on it; commands that
# read the data API need `tagtide demo` running in another terminal.
[api]
url = "http://127.0.0.1:{port}"
plan = "growth"

[database]
url = "sqlite:///tagtide.db"

[web]
open_on_loopback = true
"""


@dataclass(frozen=True, slots=True)
class _Slot:
    at: datetime
    job: Job


@click.command()
@click.option("--port", type=int, default=8765, show_default=True, help="Of the dashboard.")
@click.option("--no-browser", is_flag=True, help="Do not open the page.")
@click.option(
    "--days",
    type=click.IntRange(1, 90),
    default=30,
    show_default=True,
    help="History simulated before it starts.",
)
@click.option("--once", is_flag=True, help="Fill the store, print the summary, exit.")
def demo(port: int, no_browser: bool, days: int, once: bool) -> None:
    """A living world without a key: a month of history, a summary, and the dashboard.

    Keeps everything in ./tagtide-demo; the next start goes on from there.
    """
    configure_logging("warning", "auto")
    run_async(lambda: _demo(port=port, browser=not no_browser, days=days, once=once))


async def _demo(*, port: int, browser: bool, days: int, once: bool) -> None:
    now = system_clock().now()
    anchor = _anchor(now)
    clock = SimClock(system_clock(), start=anchor - timedelta(days=days), speed=0)
    async with _world(anchor, clock) as server, _opened(server, clock) as app:
        campaign = await _campaign(app)
        await _live(app, campaign, clock, since=anchor - timedelta(days=days), until=now)
        await _summary(app, campaign)
        click.echo(f"\nEverything is in ./{FOLDER}; any command works on it:")
        click.echo(f"  tagtide --config {FOLDER}/tagtide.toml videos --high-priority")
        if not once:
            clock.run()
            await _serve(app, port, browser=browser)


def _anchor(now: datetime) -> datetime:
    """The instant the world's story is told up to: that of the first demo in this folder."""
    FOLDER.mkdir(mode=0o700, exist_ok=True)
    file = FOLDER / "world.json"
    if file.is_file():
        return datetime.fromisoformat(json.loads(file.read_text(encoding="utf-8"))["anchor"])
    (FOLDER / ".gitignore").write_text("*\n", encoding="utf-8")
    file.write_text(json.dumps({"anchor": now.isoformat(), "seed": _SEED}), encoding="utf-8")
    return now


@asynccontextmanager
async def _world(anchor: datetime, clock: SimClock) -> AsyncIterator[SimulatorServer]:
    """The local API server on its usual port, or on a free one where that is taken."""
    world = demo_world(_SEED, anchor)
    server = SimulatorServer(world, clock=clock, port=_API_PORT, plan="growth", credits=1_000_000)
    try:
        await server.start()
    except OSError:
        server = SimulatorServer(world, clock=clock, plan="growth", credits=1_000_000)
        await server.start()
    try:
        yield server
    finally:
        await server.stop()


@asynccontextmanager
async def _opened(server: SimulatorServer, clock: SimClock) -> AsyncIterator[App]:
    path = FOLDER / "tagtide.toml"
    path.write_text(_CONFIG.format(port=server.port), encoding="utf-8")
    # The demo's world must never meet the user's key or database.
    loaded = load(config=str(path), environ={})
    async with open_app(loaded, clock=clock) as app:
        yield app


async def _campaign(app: App) -> Campaign:
    for campaign in await app.store.campaigns():
        if campaign.name == _NAME:
            return campaign
    made = make_campaign(
        _NAME,
        hashtags=DEMO_OWN,
        competitors=DEMO_COMPETITORS,
        timezone=_ZONE,
        page_budget=_PAGES,
    )
    return await app.store.add_campaign(replace(made, created_at=app.context.clock.now()))


async def _live(
    app: App, campaign: Campaign, clock: SimClock, *, since: datetime, until: datetime
) -> None:
    """Let the schedules run from ``since`` to ``until``, skipping the slots that are done."""
    slots = [s for s in _slots(campaign, since, until) if not await _is_done(app, campaign, s)]
    label = f"Living through {(until - since).days} days"
    stderr = sys.stderr
    with click.progressbar(slots, label=label, file=stderr, hidden=not is_terminal()) as bar:
        for slot in bar:
            clock.set(slot.at + timedelta(seconds=40))
            await _run(app, campaign, slot)
    clock.set(until)
    # The newest state of both kinds, so that the pages speak of now.
    for job in (Job.TRACK, Job.COLLECT):
        await _run(app, campaign, _Slot(until, job))


def _slots(campaign: Campaign, since: datetime, until: datetime) -> list[_Slot]:
    found = [
        _Slot(at, job)
        for job in _JOBS
        for at in Schedule.parse(DEFAULTS[job], campaign.timezone).slots_between(since, until)
    ]
    return sorted(found, key=lambda slot: (slot.at, _JOBS.index(slot.job)))


async def _is_done(app: App, campaign: Campaign, slot: _Slot) -> bool:
    last = await app.store.last_slot(slot.job, campaign.campaign_id)
    return last is not None and slot.at <= last


async def _run(app: App, campaign: Campaign, slot: _Slot) -> None:
    request = RunRequest(job=slot.job, campaign=campaign, slot_at=slot.at, trigger="schedule")
    match slot.job:
        case Job.TRACK:
            await track(app.context, request)
        case Job.COLLECT:
            await collect(app.context, request)
        case Job.REPORT_DAILY if await _has_readings(app, campaign):
            await report_daily(app.context, campaign)
        case Job.REPORT_CAMPAIGN if await _has_readings(app, campaign):
            await report_campaign(app.context, campaign)
        case Job.REPORT_WEEKLY if await _has_readings(app, campaign):
            await report_weekly(app.context, campaign)


async def _has_readings(app: App, campaign: Campaign) -> bool:
    return await app.store.newest_reading_at(campaign.campaign_id) is not None


async def _summary(app: App, campaign: Campaign) -> None:
    campaign_report = await report_campaign(app.context, campaign)
    weekly = await report_weekly(app.context, campaign)
    print_blocks(campaign_blocks(campaign_report))
    print_blocks(weekly_blocks(weekly))
    print_blocks(await _alert_blocks(app, campaign))


async def _alert_blocks(app: App, campaign: Campaign) -> list[Block]:
    alerts = await app.store.alerts(campaign_id=campaign.campaign_id, limit=5)
    lines: list[Block] = [
        Paragraph(f"{a.opened_at:%d %b %H:%M} UTC, {a.state.value}: {alert_told(a)}")
        for a in alerts
    ]
    return [Heading("Newest alerts"), *(lines or [Note("None.")])]


async def _serve(app: App, port: int, *, browser: bool) -> None:
    from tagtide.web import serve_overview, settle_memory

    def announce(url: str) -> None:
        settle_memory()
        click.echo(f"\ntagtide is at {url}  (Ctrl-C ends it)")
        if browser and is_terminal():
            click.launch(url)

    try:
        await serve_overview(app, "127.0.0.1", port, announce)
    except OSError as error:
        raise Conflict(f"port {port} is in use", hint="Use another one: --port N.") from error
    except asyncio.CancelledError:
        click.echo("The demo has ended; its data stays.", err=True)
