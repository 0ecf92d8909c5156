"""Every page in a real browser: no error, no foreign request, nothing that a reader cannot use."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.base import AXE_FILE_PATH
from walk import walk

pytestmark = pytest.mark.browser

WIDTHS = {"phone": (360, 740), "laptop": (1280, 800), "wide": (3840, 2160)}
#: Pages of one kind that are opened at most.
OF_A_KIND = 3 if os.environ.get("HYPOTHESIS_PROFILE") == "prove" else 1


@pytest.fixture(scope="module")
def addresses(browser: Any, demo: str) -> list[str]:
    """Every kind of page, found by following links."""
    page = browser.new_page()
    found = sorted(walk(page, demo, of_a_kind=OF_A_KIND))
    page.close()
    return found


#: How a page is looked at: both themes and all widths, the rest of their pairs in `./run prove`.
LOOKS = [
    ("light", "laptop"),
    ("dark", "phone"),
    *(
        pytest.param(look, marks=pytest.mark.prove)
        for look in (("dark", "laptop"), ("light", "phone"), ("light", "wide"), ("dark", "wide"))
    ),
]


@pytest.fixture(params=LOOKS, ids="-".join)
def page(browser: Any, demo: str, request: pytest.FixtureRequest) -> Iterator[Any]:
    """A page that notes what must not happen."""
    theme, width = request.param
    wide, high = WIDTHS[width]
    context = browser.new_context(viewport={"width": wide, "height": high}, color_scheme=theme)
    page = context.new_page()
    page.troubles = []
    page.on("console", lambda m: m.type in {"error", "warning"} and page.troubles.append(m.text))
    page.on("pageerror", lambda error: page.troubles.append(str(error)))
    page.on(
        "request",
        lambda r: r.url.startswith((demo, "data:", "blob:")) or page.troubles.append(r.url),
    )
    page.on("requestfailed", lambda r: was_left(r) or page.troubles.append(f"{r.url} {r.failure}"))
    yield page
    context.close()


def was_left(request: Any) -> bool:
    """Whether a request ended because its page was left: the stream of a page that follows runs."""
    return "ERR_ABORTED" in request.failure and request.url.endswith("/runs/events")


def settled(page: Any) -> None:
    """Wait until every chart is drawn."""
    for figure in page.locator("figure[data-library]").all():
        figure.locator("xpath=self::*[@data-drawn]").wait_for(timeout=60_000)


def test_every_page_is_quiet_and_fits_and_serves_everybody(page: Any, addresses: list[str]) -> None:
    """No error, no foreign request, nothing cut off, and nothing serious that axe finds."""
    for address in addresses:
        page.goto(address)
        settled(page)
        overflow = page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        assert overflow <= 0, f"{address} is {overflow} px wider than the window"
        assert page.locator("h1").count() == 1, f"{address} has no single heading"
        assert page.troubles == [], address
        assert serious(page) == [], address


def serious(page: Any) -> list[Any]:
    """What hinders people badly: WCAG 2.2 AA by axe."""
    page.evaluate(AXE_FILE_PATH.read_text())
    found = page.evaluate(
        "axe.run({runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']})"
    )
    return [
        (v["id"], [n["target"] for n in v["nodes"]][:3], v["nodes"][0]["failureSummary"])
        for v in found["violations"]
        if v["impact"] in {"serious", "critical"}
    ]


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
