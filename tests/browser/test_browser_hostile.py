"""What strangers write is text on every page, with the content security policy on and off.

The real way of a text: local API server, collection, database, page. The same world with harmless
words is the control: the pages must have the same elements.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from hostile import TextWorld, payloads

from live import live
from tagtide.bootstrap import App, open_app
from tagtide.clock import SystemClock
from tagtide.models import Job
from tagtide.services.campaigns import make_campaign
from tagtide.services.collect import collect
from tagtide.services.runs import RunRequest
from tagtide.services.track import track
from tagtide.settings import load
from tagtide.simulator import DEMO_COMPETITORS, DEMO_OWN, SimClock, SimulatorServer, demo_world

pytestmark = [pytest.mark.browser, pytest.mark.prove]

#: Feed pages that are read of each hashtag: together more videos than there are payloads.
_PAGES = 10
#: Pages of one kind that are looked at.
_OF_A_KIND = 4 if os.environ.get("HYPOTHESIS_PROFILE") == "prove" else 1
_SKELETON = """() => {
    const walk = (node) => [node.tagName, ...[...node.children].map(walk)];
    return JSON.stringify(walk(document.body));
}"""


async def read_world(folder: Path, texts: list[str]) -> None:
    """Track and collect twice, six hours apart, in a world that writes these texts."""
    now = SystemClock().now()
    clock = SimClock(SystemClock(), start=now - timedelta(hours=7), speed=0)
    world = TextWorld(demo_world(11, now), texts)
    server = SimulatorServer(world, clock=clock, plan="growth", credits=100_000)
    await server.start()
    try:
        environ = {
            "TAGTIDE_DATABASE_URL": f"sqlite:///{folder}/tagtide.db",
            "TAGTIDE_API_URL": f"http://127.0.0.1:{server.port}",
        }
        async with open_app(load(environ=environ, cwd=folder), clock=clock) as app:
            made = make_campaign(
                "Spring", hashtags=DEMO_OWN, competitors=DEMO_COMPETITORS, page_budget=_PAGES
            )
            await app.store.add_campaign(made)
            for at in (now - timedelta(hours=7), now - timedelta(minutes=30)):
                clock.set(at)
                await run_both(app)
    finally:
        await server.stop()


async def run_both(app: App) -> None:
    (campaign,) = await app.store.campaigns()
    at = app.context.clock.now()
    await track(app.context, RunRequest(job=Job.TRACK, campaign=campaign, slot_at=at))
    await collect(app.context, RunRequest(job=Job.COLLECT, campaign=campaign, slot_at=at))


@pytest.fixture(scope="module")
def worlds(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """Addresses of the pages over the hostile world, and over the harmless one."""
    with ExitStack() as stack:
        found = []
        for texts in (payloads(), ["plain words"]):
            folder = tmp_path_factory.mktemp("world")
            # Playwright has an event loop running in this thread.
            with ThreadPoolExecutor(1) as thread:
                thread.submit(asyncio.run, read_world(folder, texts)).result()
            found.append(stack.enter_context(live(folder)))
        yield found[0], found[1]


@pytest.fixture(params=["policy on", "policy off"])
def page(browser: Any, worlds: tuple[str, str], request: pytest.FixtureRequest) -> Iterator[Any]:
    context = browser.new_context(bypass_csp=request.param == "policy off")
    page = context.new_page()
    page.troubles = []
    page.on("dialog", lambda d: (page.troubles.append(d.message), d.dismiss()))
    page.on("request", lambda r: is_foreign(r.url, worlds) and page.troubles.append(r.url))
    page.on("console", lambda m: m.type == "error" and page.troubles.append(m.text))
    yield page
    context.close()


def is_foreign(address: str, homes: tuple[str, str]) -> bool:
    return not address.startswith((*homes, "data:,", "data:image", "blob:"))


def pages_of(page: Any, home: str) -> list[str]:
    """Paths of pages of every kind, found by following links; some of each kind."""
    waiting, seen, kinds = ["/"], [], {}
    while waiting:
        path = waiting.pop(0)
        kind = re.sub(r"/[^/?]*[\d%@][^/?]*|/hashtags/[^/?]+|cursor=[^&]*", "/x", path)
        if path in seen or kinds.get(kind, 0) >= _OF_A_KIND or re.search(r"\.\w+($|\?)", path):
            continue
        kinds[kind] = kinds.get(kind, 0) + 1
        seen.append(path)
        page.goto(home + path)
        links = page.eval_on_selector_all(
            "main a[href], nav a[href]", "all => all.map(a => a.href)"
        )
        for link in links:
            parts = urlsplit(link)
            if link.startswith(home + "/") and not parts.path.startswith(("/api", "/logout")):
                waiting.append(parts.path + (f"?{parts.query}" if parts.query else ""))
    return seen


def settle(page: Any) -> None:
    """Give what would run the time to; a page that follows runs is never idle."""
    page.wait_for_load_state("load")
    page.wait_for_timeout(150)


def test_nothing_of_strangers_runs(page: Any, worlds: tuple[str, str]) -> None:
    hostile, harmless = worlds
    paths = pages_of(page, hostile)
    assert len(paths) > 6
    different = []
    for path in paths:
        page.goto(hostile + path)
        settle(page)
        assert page.evaluate("window.tagtideRan") is None, path
        mine = page.evaluate(_SKELETON)
        page.goto(harmless + path)
        settle(page)
        if "/alerts/" not in path and mine != page.evaluate(_SKELETON):
            different.append(path)
    assert page.troubles == []
    assert different == []


def test_a_text_that_runs_is_seen(page: Any, worlds: tuple[str, str]) -> None:
    """The negative control: with the policy off, a page that writes markup is caught."""
    page.goto(worlds[0])
    page.evaluate("document.querySelector('main').innerHTML = '<img src=x onerror=tagtideRan=1>'")
    page.wait_for_timeout(300)
    bypassed = page.evaluate("window.tagtideRan") == 1
    assert bypassed or any("Content Security Policy" in trouble for trouble in page.troubles)
