"""Sockets and uvicorn; the signals stay with whoever calls."""

from __future__ import annotations

import asyncio
import errno
import gc
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tagtide.bootstrap import App
from tagtide.errors import ConfigError, Conflict
from tagtide.jobs import Health
from tagtide.web.app import make_app
from tagtide.web.assets import ChartProgram
from tagtide.web.connections import MOST_CONNECTIONS, PATIENCE, Awaited, Connection
from tagtide.web.guard import LARGEST_HEAD, Application
from tagtide.web.live import Live

if TYPE_CHECKING:
    import uvicorn

#: Seconds that open requests have to end.
_LAST_REQUESTS = 3
#: Objects made before the youngest are looked through; by default 700.
_YOUNGEST = 20_000


def listen(host: str, port: int) -> socket.socket:
    """Take a port; 0 takes a free one.

    Raises `Conflict` when it is taken, `ConfigError` when the address cannot be listened on.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((host, port))
        sock.listen(MOST_CONNECTIONS)
    except OSError as error:
        sock.close()
        raise _refusal(error, host, port) from error
    sock.setblocking(False)
    return sock


def _refusal(error: OSError, host: str, port: int) -> Conflict | ConfigError:
    if error.errno == errno.EADDRINUSE:
        return Conflict(
            f"port {port} on {host} is in use",
            hint="Stop the program that uses it, or choose another one with --port (0 takes a "
            "free one).",
        )
    if error.errno == errno.EACCES:
        return ConfigError(
            f"port {port} may not be used by this user", hint="Choose one above 1023 with --port."
        )
    return ConfigError(
        f"{host} is not an address of this machine", hint="Set [web] host, for example 127.0.0.1."
    )


def address_of(sock: socket.socket) -> str:
    """What a person types into a browser."""
    host, port = sock.getsockname()[:2]
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"


def settle_memory() -> None:
    """Leave what start-up made to itself; for a process that serves from now on.

    Modules, tables and templates live as long as the process. The collector of garbage would go
    through these hundreds of thousands of objects again and again, 50 ms and more in the middle of
    some page; and a page makes thousands of objects that are gone with it, without the collector.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNGEST, 20, 10)


async def serve_pages(
    app: App,
    health: Health,
    sock: socket.socket,
    announce: Callable[[str], None],
    *,
    is_open: bool | None = None,
    agents: Application | None = None,
) -> None:
    """Serve the pages on a socket until cancelled; ``announce`` gets the address.

    It is called when the pages answer. Handles no signals. ``is_open`` and ``agents`` as in
    `make_app`.
    """
    import uvicorn

    charts = ChartProgram()
    live = Live(app, health)
    config = uvicorn.Config(
        make_app(app, health, is_open=is_open, charts=charts, live=live, agents=agents),
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=True,
        proxy_headers=False,
        http=Connection,
        # Not more than the guard takes, where it comes in pieces.
        h11_max_incomplete_event_size=LARGEST_HEAD,
        # Nobody is refused but where every connection is being answered.
        limit_concurrency=MOST_CONNECTIONS + 1,
        timeout_keep_alive=round(PATIENCE[Awaited.REQUEST]),
        timeout_graceful_shutdown=_LAST_REQUESTS,
        lifespan="off",
    )
    server = _quiet(uvicorn.Server(config))
    async with live.open(), asyncio.TaskGroup() as group:
        serving = group.create_task(server.serve(sockets=[sock]))
        try:
            while not server.started and not serving.done():
                await app.context.clock.sleep(0.02)
            announce(address_of(sock))
            group.create_task(charts.warm())
            await asyncio.shield(serving)
        except asyncio.CancelledError:
            charts.close()
            live.streams.close()
            server.should_exit = True
            await serving
            raise


def _quiet(server: uvicorn.Server) -> uvicorn.Server:
    """Leave the signals to the command, which has more to end than pages."""

    @contextmanager
    def no_signals() -> Iterator[None]:
        yield

    server.capture_signals = no_signals  # type: ignore[method-assign]
    return server


async def serve_overview(app: App, host: str, port: int, announce: Callable[[str], None]) -> None:
    """Serve only the pages of what is stored, until cancelled. Runs no schedules.

    Raises `Conflict` when the port is taken.
    """
    with listen(host, port) as sock:
        await serve_pages(app, Health(), sock, announce)
