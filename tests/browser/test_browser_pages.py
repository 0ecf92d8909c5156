"""Every page in a real browser: no error, no foreign request, nothing that a reader cannot use."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest
from looks import look_at, looking, serious, settled
from walk import walk

pytestmark = pytest.mark.browser

#: Pages of one kind that are opened at most.
OF_A_KIND = 3 if os.environ.get("HYPOTHESIS_PROFILE") == "prove" else 1


@pytest.fixture(scope="module")
def addresses(browser: Any, demo: str) -> list[str]:
    """Every kind of page, found by following links."""
    page = browser.new_page()
    found = sorted(walk(page, demo, of_a_kind=OF_A_KIND))
    page.close()
    return found


#: Where things do not fit, they do not fit a phone; other looks in `./run prove`.
LOOKS = [
    ("dark", "phone"),
    *(
        pytest.param(look, marks=pytest.mark.prove)
        for look in (
            ("light", "laptop"),
            ("dark", "laptop"),
            ("light", "phone"),
            ("light", "wide"),
            ("dark", "wide"),
        )
    ),
]


@pytest.fixture(params=LOOKS, ids="-".join)
def page(browser: Any, demo: str, request: pytest.FixtureRequest) -> Iterator[Any]:
    with looking(browser, demo, *request.param) as page:
        yield page


def test_every_page_is_quiet_and_fits_and_serves_everybody(page: Any, addresses: list[str]) -> None:
    for address in addresses:
        look_at(page, address)


def test_what_hinders_people_is_found(browser: Any, demo: str) -> None:
    """The negative control of the audit."""
    page = browser.new_page()
    page.goto(f"{demo}/")
    page.evaluate("document.querySelector('h1').innerHTML = '<input>'")
    page.evaluate("document.querySelector('main').style.color = 'var(--paper)'")
    assert {name for name, *_ in serious(page)} >= {"label", "color-contrast"}
    page.close()


def test_pages_can_be_read_without_scripts(browser: Any, demo: str, addresses: list[str]) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    for address in addresses:
        page.goto(address)
        assert page.locator("h1").inner_text().strip(), address
        for figure in page.locator("figure[data-library]").all():
            assert figure.locator("details summary").is_visible(), address
    context.close()


def test_a_page_with_charts_is_light(browser: Any, demo: str) -> None:
    """Weight of a page with everything it loads, the program that draws charts included."""
    page = browser.new_page()
    page.goto(f"{demo}/campaigns/1")
    settled(page)
    sizes = page.evaluate(
        "['resource', 'navigation'].flatMap(kind => performance.getEntriesByType(kind))"
        ".map(entry => entry.transferSize)"
    )
    assert len(sizes) >= 4
    assert 300_000 < sum(sizes) < 1_200_000
    page.close()


def test_a_theme_is_kept(browser: Any, demo: str) -> None:
    context = browser.new_context(color_scheme="light")
    page = context.new_page()
    page.goto(f"{demo}/")
    paper = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(paper)
    page.get_by_label("Light or dark").click()
    assert page.evaluate(paper) != light
    page.reload()
    assert page.evaluate(paper) != light
    context.close()


def test_keys(browser: Any, demo: str) -> None:
    page = browser.new_page()
    page.goto(f"{demo}/")
    page.keyboard.press("?")
    assert page.get_by_role("heading", name="Keys").is_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    page.keyboard.press("j")
    assert page.locator("[data-item].on").count() == 1
    page.keyboard.press("Control+k")
    assert page.get_by_label("Where to").is_visible()
    page.close()
