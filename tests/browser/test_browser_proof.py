"""A proof capsule in a real browser, from the disk: no request, no word on the console."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import pytest
from hostile import RAN, payloads

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "proof"))
from test_proof_hostile import hostile_file

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("policy", ["policy on", "policy off"])
def test_a_capsule_asks_for_nothing_and_runs_nothing(
    browser: Any, tmp_path: Path, policy: str
) -> None:
    page = browser.new_page()
    asked: list[str] = []
    said: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    texts = payloads()
    for number, start in enumerate(range(0, len(texts), 120)):
        content = hostile_file(texts[start : start + 120])
        if policy == "policy off":
            content = re.sub(rb"<meta http-equiv[^>]*>", b"", content)
        file = tmp_path / f"{number}.html"
        file.write_bytes(content)
        page.goto(file.as_uri())
        page.evaluate("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
        assert page.evaluate(f"{RAN.partition('=')[0]} === undefined")
        assert page.locator("main").count() == 1
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert [url for url in asked if not url.startswith("file:")] == []
    assert len(asked) == number + 1
    assert said == []
    page.close()


def test_a_figure_opens_its_readings_without_a_script(browser: Any, tmp_path: Path) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    file = tmp_path / "capsule.html"
    file.write_bytes(hostile_file(["plain"]))
    page.goto(file.as_uri())
    figure = page.locator("#total_views")
    assert not figure.locator("table").is_visible()
    figure.locator("summary").click()
    assert figure.locator("table").is_visible()
    assert "5,120,110" in figure.inner_text()
    context.close()
