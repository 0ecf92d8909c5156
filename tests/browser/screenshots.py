"""Make the pictures in the README from a month of the demo: `./run screenshots`."""

from __future__ import annotations

import base64
import sys
import tempfile
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "screenshots"
WIDTH, HEIGHT = 1280, 800
#: Bytes of a picture: a README is read over telephones too.
LARGEST = 120_000


def _today(page: Any, home: str) -> None:
    page.goto(f"{home}/")


def _campaign(page: Any, home: str) -> None:
    page.goto(f"{home}/campaigns/1?period=28d")


def _alert(page: Any, home: str) -> None:
    page.goto(f"{home}/alerts?rule=growth")
    page.locator("[data-item] a[href^='/alerts/']").first.click()


def _desk(page: Any, home: str) -> None:
    page.goto(f"{home}/desk")
    page.locator("[data-item] a[data-key=Enter]").first.click()
    page.wait_for_load_state()
    page.evaluate("scrollTo(0, 0)")


def _weekly(page: Any, home: str) -> None:
    page.goto(f"{home}/campaigns/1/weekly")


#: By name of the file, how to come to what it shows.
SHOTS: dict[str, Callable[[Any, str], None]] = {
    "today": _today,
    "campaign": _campaign,
    "alert": _alert,
    "desk": _desk,
    "weekly": _weekly,
}


def main() -> None:
    """Look at a fresh demo and write the files anew."""
    from playwright.sync_api import sync_playwright

    from conftest import FLAGS, chromium, serve_demo

    FOLDER.mkdir(exist_ok=True)
    serving = contextmanager(serve_demo)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=list(FLAGS))
        page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, color_scheme="light")
        with serving(Path(folder), days=30) as home:
            for name, come_to in SHOTS.items():
                come_to(page, home)
                _settle(page)
                size = _write(page, FOLDER / f"{name}.webp")
                print(f"{name}.webp: {size:,} bytes")
                if size > LARGEST:
                    sys.exit(f"{name}.webp is larger than {LARGEST:,} bytes")
        browser.close()


def _settle(page: Any) -> None:
    page.wait_for_load_state()
    for figure in page.locator("figure[data-library]").all():
        figure.locator("xpath=self::*[@data-drawn]").wait_for(timeout=60_000)
    page.wait_for_timeout(300)


def _write(page: Any, path: Path) -> int:
    devtools = page.context.new_cdp_session(page)
    taken = devtools.send("Page.captureScreenshot", {"format": "webp", "quality": 82})
    return path.write_bytes(base64.b64decode(taken["data"]))


if __name__ == "__main__":
    main()
