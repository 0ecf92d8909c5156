"""What strangers write is text on every page, with the content security policy on and off.

The real way of a text: local API server, collection, database, page. The same world with harmless
words is the control: the pages must have the same elements.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hostile import TextWorld, payloads
from walk import form_of, kind_of, walk

from live import live
from tagtide.bootstrap import App, open_app
from tagtide.clock import SystemClock
from tagtide.core.formats import clean_text
from tagtide.models import Job
from tagtide.services.campaigns import make_campaign
from tagtide.services.collect import collect
from tagtide.services.runs import RunRequest
from tagtide.services.track import track
from tagtide.settings import load
from tagtide.simulator import DEMO_COMPETITORS, DEMO_OWN, SimClock, SimulatorServer, demo_world

# A minute and more: in `./run prove`. Every page is tried with hostile words in tests/web as well.
pytestmark = [pytest.mark.browser, pytest.mark.prove]

#: Feed pages that are read of each hashtag: together more videos than there are payloads.
_PAGES = 10
#: Pages that are looked at: one of a kind, or four of every form in `./run prove`.
_OF_A_KIND, _KIND = (
    (4, form_of) if os.environ.get("HYPOTHESIS_PROFILE") == "prove" else (1, kind_of)
)
#: The policy would hide what a page does wrong: without it is the harder trial.
_POLICIES = ["policy on", "policy off"]
_SKELETON = """() => {
    const walk = (node) => [node.tagName, ...[...node.children].map(walk)];
    return JSON.stringify(walk(document.body));
}"""


async def read_world(folder: Path, texts: list[str], now: datetime) -> None:
    """Track and collect twice, six hours apart, in a world that writes these texts."""
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
        found, now = [], SystemClock().now()
        for texts in (payloads(), ["plain words"]):
            folder = tmp_path_factory.mktemp("world")
            # Playwright has an event loop running in this thread.
            with ThreadPoolExecutor(1) as thread:
                thread.submit(asyncio.run, read_world(folder, texts, now)).result()
            found.append(stack.enter_context(live(folder)))
        yield found[0], found[1]


@pytest.fixture(params=_POLICIES)
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


def settle(page: Any) -> None:
    """Give what would run the time to; a page that follows runs is never idle."""
    page.wait_for_load_state("load")
    page.wait_for_timeout(150)


def paths_of(page: Any, home: str) -> list[str]:
    """Paths of pages of every form, and of lists that show every video between them."""
    found = list(walk(page, home, of_a_kind=_OF_A_KIND, kind=_KIND))
    page.goto(f"{home}/campaigns/1/videos")
    while onward := page.query_selector("a[rel=next]"):
        onward.click()
        page.wait_for_load_state("load")
        found.append(page.url)
    return [address.removeprefix(home) for address in dict.fromkeys(found)]


def test_nothing_of_strangers_runs(page: Any, worlds: tuple[str, str]) -> None:
    """Every page of a hostile world is the page of a harmless one with other words in it."""
    hostile, harmless = worlds
    different, shown, texts = [], set(), {text: clean_text(text) for text in payloads()}
    for path in paths_of(page, hostile):
        page.goto(hostile + path)
        settle(page)
        assert page.evaluate("window.tagtideRan") is None, path
        mine = page.evaluate(_SKELETON)
        words = " ".join(page.evaluate("document.body.textContent").split())
        shown |= {text for text, clean in texts.items() if clean in words}
        if "/alerts/" in path:
            continue  # They have other numbers there.
        page.goto(harmless + path)
        settle(page)
        if mine != page.evaluate(_SKELETON):
            different.append(path)
    assert page.troubles == []
    assert different == []
    assert len(shown) >= 300


def test_a_text_that_runs_is_seen(page: Any, worlds: tuple[str, str]) -> None:
    """The negative control: with the policy off, a page that writes markup is caught."""
    page.goto(worlds[0])
    page.evaluate("document.querySelector('main').innerHTML = '<img src=x onerror=tagtideRan=1>'")
    for _ in range(100):
        bypassed = page.evaluate("window.tagtideRan") == 1
        forbidden = any("Content Security Policy" in trouble for trouble in page.troubles)
        if bypassed or forbidden:
            break
        page.wait_for_timeout(100)
    assert bypassed or forbidden
