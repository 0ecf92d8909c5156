"""Every page over data that is hard to show: see `odd`."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from looks import look_at, looking
from odd import PASSWORD, USER, tell
from walk import walk

from live import live

# Some minutes: in `./run prove`.
pytestmark = [pytest.mark.browser, pytest.mark.prove]

LOOKS = [(theme, width) for width in ("phone", "laptop", "wide") for theme in ("light", "dark")]
OF_A_KIND = 5 if os.environ.get("HYPOTHESIS_PROFILE") == "prove" else 1


@pytest.fixture(scope="module")
def home(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("odd")
    # Playwright has an event loop running in this thread.
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, tell(folder)).result()
    with live(folder, is_open=False) as address:
        yield address


@pytest.fixture(params=LOOKS, ids="-".join)
def page(browser: Any, home: str, request: pytest.FixtureRequest) -> Iterator[Any]:
    """Somebody who may see everything."""
    with looking(browser, home, *request.param) as page:
        page.goto(f"{home}/login")
        page.get_by_label("Name").fill(USER)
        page.get_by_label("Password").fill(PASSWORD)
        with page.expect_navigation():
            page.get_by_role("button", name="Log in").click()
        yield page


def test_every_page_of_odd_data(page: Any, home: str) -> None:
    kinds = list(walk(page, home, of_a_kind=OF_A_KIND))
    page.troubles.clear()  # Pages were left while parts of them were on their way.
    for address in kinds:
        look_at(page, address)
    assert len(kinds) > 30
    # The story has come about: every kind of trouble is somewhere on the pages.
    page.goto(f"{home}/runs")
    assert "failed" in page.inner_text("main")
    page.goto(f"{home}/settings")
    assert "paused" in page.inner_text("main")
