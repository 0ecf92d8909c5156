"""The pages on a socket, in a thread of their own, for clients that are not asynchronous."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tagtide.bootstrap import App, open_app
from tagtide.jobs import Health
from tagtide.settings import load
from tagtide.web import listen, serve_pages

Story = Callable[[App], Awaitable[object]]


@contextmanager
def live(folder: Path, story: Story | None = None, *, is_open: bool = True) -> Iterator[str]:
    """Address of pages over a database in a folder, after a story was told to it."""
    told: list[str] = []
    ready, stop = threading.Event(), threading.Event()

    async def main() -> None:
        environ = {
            "TAGTIDE_DATABASE_URL": f"sqlite:///{folder}/tagtide.db",
            "TAGTIDE_API_URL": "http://127.0.0.1:9",
        }
        async with open_app(load(environ=environ, cwd=folder)) as app:
            if story is not None:
                await story(app)
            with listen("127.0.0.1", 0) as sock:

                def announce(address: str) -> None:
                    told.append(address.rstrip("/"))
                    ready.set()

                pages = serve_pages(app, Health(), sock, announce, is_open=is_open)
                serving = asyncio.ensure_future(pages)
                while not stop.is_set() and not serving.done():
                    await asyncio.sleep(0.02)
                serving.cancel()
                await asyncio.gather(serving, return_exceptions=True)

    thread = threading.Thread(target=lambda: asyncio.run(main()), daemon=True)
    thread.start()
    try:
        assert ready.wait(30), "the pages did not come up"
        yield told[0]
    finally:
        stop.set()
        thread.join(30)
