"""Triage with the keys alone, in a real browser."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn
from test_desk_page import desk, video

from tagtide.jobs import Health
from tagtide.web import make_app

CHROMIUM = Path("/usr/bin/chromium")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason=f"there is no {CHROMIUM}"),
]


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """A server with the desk of `test_desk_page`, open to whoever reaches it."""
    begun, ended = threading.Event(), threading.Event()
    ports: list[int] = []

    async def serve() -> None:
        async with desk(tmp_path) as (app, _):
            made = make_app(app, Health(), is_open=True)
            config = uvicorn.Config(
                made, host="127.0.0.1", port=0, log_level="error", lifespan="off"
            )
            server = uvicorn.Server(config)
            task = asyncio.ensure_future(server.serve())
            while not server.started:
                await asyncio.sleep(0.02)
            ports.append(server.servers[0].sockets[0].getsockname()[1])
            begun.set()
            await asyncio.to_thread(ended.wait)
            server.should_exit = True
            await task

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    assert begun.wait(30)
    yield f"http://127.0.0.1:{ports[0]}"
    ended.set()
    thread.join(30)


def test_ten_videos_and_a_right_with_the_keys(address: str) -> None:
    from playwright.sync_api import sync_playwright

    arguments = [
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
    ]
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=str(CHROMIUM), args=arguments)
        page = browser.new_page()
        wrong: list[str] = []
        page.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.goto(f"{address}/desk?tab=new")
        page.keyboard.press("j")
        for number, key in enumerate("sxasxasxas", start=1):
            assert page.locator("[data-item].on").get_attribute("id") == f"v{video(number)}"
            with page.expect_navigation():
                page.keyboard.press(key)
            assert page.inner_text(".notice") == "1 video changed."
        assert "Shortlisted 4" in page.inner_text(".tabs")
        page.keyboard.press("j")
        with page.expect_navigation():
            page.keyboard.press("g")
        page.fill("input[name=expires]", "90d")
        with page.expect_navigation():
            page.click("text=Record the right")
        assert "granted" in page.inner_text("#detail .head")
        page.goto(f"{address}/desk?tab=declined")
        page.keyboard.press("j")
        with page.expect_navigation():
            page.keyboard.press("u")
        assert "Declined 2" in page.inner_text(".tabs")
        browser.close()
    assert wrong == []
