"""``tagtide serve`` and ``tagtide worker``."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

import click

from tagtide.bootstrap import App, open_app, process_id
from tagtide.cli.options import common_options, read_settings
from tagtide.cli.options import run as run_async
from tagtide.jobs import Health, Service, ServicePlan, instance, refuse_unshared
from tagtide.settings import Loaded

_SIGNALS = (signal.SIGTERM, signal.SIGINT)
#: What a shell says of a process that SIGTERM ended.
_KILLED = 143


@click.command()
@click.option("--host", help="Address of the dashboard (default: [web] host).")
@click.option("--port", type=click.IntRange(0, 65535), help="Their port; 0 takes a free one.")
@common_options
def serve(host: str | None, port: int | None, config: str | None, database: str | None) -> int:
    """Run the schedules of all campaigns, with the dashboard, until stopped."""
    loaded = _with_address(read_settings(config, database, is_service=True), host, port)

    async def main() -> None:
        from tagtide.web import listen, serve_pages

        web = loaded.settings.web
        with listen(web.host, web.port) as sock:
            async with open_app(loaded) as app:
                health = Health()
                stop = asyncio.Event()
                with stopping(stop):
                    pages = serve_pages(app, health, sock, _announce)
                    await _until_stopped(app, health, stop, pages)

    with instance(loaded.settings.database.url):
        run_async(main)
    return 0


@click.command()
@common_options
def worker(config: str | None, database: str | None) -> int:
    """One more scheduler and worker on a PostgreSQL that is shared with others."""
    loaded = read_settings(config, database, is_service=True)
    refuse_unshared(loaded.settings.database.url)

    async def main() -> None:
        async with open_app(loaded) as app:
            stop = asyncio.Event()
            with stopping(stop):
                click.echo("Working. Stop with Ctrl-C.", err=True)
                await make_service(app, Health()).run(stop)

    run_async(main)
    return 0


def make_service(app: App, health: Health) -> Service:
    """Scheduler and worker of this process."""
    return Service(service_plan(app), app.context, app.channels, health, lifeline=app.lifeline)


def service_plan(app: App) -> ServicePlan:
    """What the schedules of this process are built from."""
    settings = app.loaded.settings
    return ServicePlan(
        database_url=settings.database.url,
        # A host and a process id can come again, in a container that is started anew.
        executor_id=f"{process_id()}:{app.context.clock.token()[:8]}",
        host=os.uname().nodename,
        schedules=app.schedules,
        # A run of a few hashtags does not use up a large plan alone.
        paid_at_once=max(2, settings.api.in_flight // 5),
        ping_every=settings.deadman.every,
    )


async def _until_stopped(
    app: App, health: Health, stop: asyncio.Event, pages: Coroutine[Any, Any, None]
) -> None:
    async with asyncio.TaskGroup() as group:
        serving = group.create_task(pages)
        await make_service(app, health).run(stop)
        serving.cancel()


@contextmanager
def stopping(stop: asyncio.Event) -> Iterator[None]:
    """The first signal ends in order, the second one at once."""
    loop = asyncio.get_running_loop()

    def signalled() -> None:
        if stop.is_set():
            os._exit(_KILLED)
        click.echo("Stopping: what is in flight ends first (at most 25 s).", err=True)
        stop.set()

    for number in _SIGNALS:
        loop.add_signal_handler(number, signalled)
    try:
        yield
    finally:
        for number in _SIGNALS:
            loop.remove_signal_handler(number)


def _with_address(loaded: Loaded, host: str | None, port: int | None) -> Loaded:
    given = {"host": host, "port": port}
    update = {name: value for name, value in given.items() if value is not None}
    web = loaded.settings.web.model_copy(update=update)
    settings = loaded.settings.model_copy(update={"web": web})
    return Loaded(settings, loaded.path, loaded.origins)


def _announce(address: str) -> None:
    click.echo(f"tagtide is at {address} - stop with Ctrl-C.", err=True)
