"""How pages are looked at, and what must not be seen on any of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from axe_playwright_python.base import AXE_FILE_PATH

WIDTHS = {"phone": (360, 740), "laptop": (1280, 800), "wide": (3840, 2160)}


@contextmanager
def looking(browser: Any, home: str, theme: str, width: str) -> Iterator[Any]:
    """A page that notes what must not happen: errors, and requests to anybody else."""
    wide, high = WIDTHS[width]
    context = browser.new_context(viewport={"width": wide, "height": high}, color_scheme=theme)
    page = context.new_page()
    page.troubles = []
    page.on("console", lambda m: m.type in {"error", "warning"} and page.troubles.append(m.text))
    page.on("pageerror", lambda error: page.troubles.append(str(error)))
    page.on(
        "request",
        lambda r: r.url.startswith((home, "data:", "blob:")) or page.troubles.append(r.url),
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


def look_at(page: Any, address: str) -> None:
    """No error, no foreign request, nothing cut off, and nothing serious that axe finds."""
    page.goto(address)
    settled(page)
    overflow = page.evaluate(
        "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
    assert overflow <= 0, f"{address} is {overflow} px wider than the window"
    assert page.locator("h1").count() == 1, f"{address} has no single heading"
    assert page.troubles == [], f"{address}: {page.troubles}"
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
