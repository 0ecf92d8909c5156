"""``tagtide serve`` and ``tagtide worker``."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import click
from pydantic import ValidationError

from tagtide.bootstrap import App, open_app, process_id
from tagtide.cli.options import common_options, read_settings
from tagtide.cli.options import run as run_async
from tagtide.errors import ConfigError
from tagtide.jobs import Health, Service, ServicePlan, instance, refuse_unshared
from tagtide.services.accounts import new_set_up_token
from tagtide.settings import LOOPBACK, Loaded, WebSettings

if TYPE_CHECKING:
    from tagtide.mcp.http import Endpoint

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
            async with open_app(loaded) as app, _agents(loaded) as agents:
                health = Health()
                stop = asyncio.Event()
                token = await _set_up_token(app)
                with stopping(stop):
                    announce = partial(_announce, app, token)
                    pages = serve_pages(app, health, sock, announce, agents=agents)
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


@asynccontextmanager
async def _agents(loaded: Loaded) -> AsyncIterator[Endpoint | None]:
    """What answers agents at /mcp; None where that is off."""
    if not loaded.settings.mcp.http:
        yield None
        return
    from tagtide.mcp import open_endpoint

    async with open_endpoint(loaded) as endpoint:
        yield endpoint


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
    try:
        web = WebSettings.model_validate(loaded.settings.web.model_dump() | update)
    except ValidationError as error:
        problems = [str(e["msg"]).removeprefix("Value error, ") for e in error.errors()]
        raise ConfigError([f"web: {p}" for p in problems], hint="Correct --host.") from None
    settings = loaded.settings.model_copy(update={"web": web})
    return Loaded(settings, loaded.path, loaded.origins)


async def _set_up_token(app: App) -> str | None:
    """A token for the first account, where one is needed."""
    web = app.loaded.settings.web
    if web.open_on_loopback:
        return None
    return await new_set_up_token(app.accounts)


def _announce(app: App, token: str | None, address: str) -> None:
    from tagtide.web import settle_memory

    settle_memory()
    click.echo(f"tagtide is at {address} - stop with Ctrl-C.", err=True)
    if token is None:
        return
    web = app.loaded.settings.web
    if web.host in LOOPBACK and web.public_url is None:
        click.echo(f"There is no account yet: make the first one at {address}setup", err=True)
        return
    home = f"{web.home()}/" if web.public_url else address
    click.echo(
        f"There is no account yet. Make the first one at {home}setup?token={token}\n"
        "Whoever has that address can do so; it ends with the next start.",
        err=True,
    )
