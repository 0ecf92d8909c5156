"""A part of `bench.pages`: when a browser shows something of a page, with a collection beside it.

The application is served on a socket in this process, where the collection runs too. Chromium
opens each page with an empty cache, so that style and scripts are fetched as well, and says when it
first painted any content (``performance.getEntriesByType("paint")``).
"""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from statistics import median

import uvicorn

from tagtide.web.guard import Application

_FLAGS = ("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking")
_PAINT = """() => performance.getEntriesByType("paint")
    .filter(entry => entry.name === "first-contentful-paint").map(entry => entry.startTime)[0]"""


def chromium() -> str | None:
    """Path of the browser; None where there is none."""
    return os.environ.get("TAGTIDE_CHROMIUM") or shutil.which("chromium")


async def paints(
    served: Application, browser: str, pages: Sequence[str], times: int
) -> dict[str, float]:
    """By page, milliseconds until the first contentful paint: the median."""
    from playwright.async_api import async_playwright

    found: dict[str, list[float]] = {page: [] for page in pages}
    async with _address(served) as address, async_playwright() as playwright:
        launched = await playwright.chromium.launch(executable_path=browser, args=[*_FLAGS])
        for _ in range(times):
            for page in pages:
                context = await launched.new_context()
                tab = await context.new_page()
                await tab.goto(f"{address}{page}", wait_until="load")
                painted = None
                while painted is None:
                    await asyncio.sleep(0.05)
                    painted = await tab.evaluate(_PAINT)
                found[page].append(float(painted))
                await context.close()
        await launched.close()
    return {page: median(taken) for page, taken in found.items()}


@asynccontextmanager
async def _address(served: Application) -> AsyncIterator[str]:
    config = uvicorn.Config(
        served, host="127.0.0.1", port=0, log_config=None, access_log=False, lifespan="off"
    )
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - it tells in no other way
        await asyncio.sleep(0.02)
    try:
        port = server.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        await serving
