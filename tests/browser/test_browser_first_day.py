"""What a person does on the first day, from an empty folder on, in a browser."""

from __future__ import annotations

import contextlib
import csv
import os
import re
import socket
import subprocess
import sysconfig
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tagtide.clock import SystemClock
from tagtide.simulator import DEMO_COMPETITORS, DEMO_OWN, SimClock, SimulatorServer, demo_world

pytestmark = pytest.mark.browser

KEY = "sk_live_c4n4ry-of-the-key"
PASSWORD = "seven unrelated words"
OWN, COMPETITOR = DEMO_OWN[0], DEMO_COMPETITORS[0]
#: A page that was loaded again has lost it.
_MARK = "window.tagtideSame"


@dataclass
class Installation:
    """``tagtide serve`` in a folder of its own, and the world that it reads."""

    folder: Path
    api: SimulatorServer
    clock: SimClock
    home: str = ""
    #: What stands on the console, line by line.
    console: tuple[str, ...] = ()


@pytest.fixture
def installed(browser: Any, tmp_path: Path) -> Iterator[Installation]:
    """The command as people start it, reached by another name than localhost's number."""
    now = SystemClock().now()
    # The world stands still: time passes in it when the test says so.
    clock = SimClock(SystemClock(), start=now - timedelta(hours=12), speed=0)
    api = SimulatorServer(demo_world(3, now), clock=clock, keys={KEY}, latency=0.25, concurrency=1)
    with api.run_in_thread():
        made = Installation(tmp_path, api, clock)
        with serving(made):
            yield made


@contextlib.contextmanager
def serving(made: Installation) -> Iterator[None]:
    """Run ``tagtide serve``; its console is read until it says where the first account is made."""
    port = free_port()
    environ = {
        "PATH": os.environ["PATH"],
        "HOME": str(made.folder),
        "LANG": "C.UTF-8",
        "PYTHONPATH": os.environ.get("PYTHONPATH", ""),
        "SCAVIO_API_KEY": KEY,
        "TAGTIDE_API_URL": made.api.url,
        # Behind a name of its own, so that being on this machine is no proof of anything.
        "TAGTIDE_WEB__PUBLIC_URL": f"http://localhost:{port}",
    }
    process = subprocess.Popen(
        [Path(sysconfig.get_path("scripts")) / "tagtide", "serve", "--port", str(port)],
        cwd=made.folder,
        env=environ,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    lines: list[str] = []
    try:
        for line in process.stderr:
            lines.append(line.rstrip())
            if "Whoever has that address" in line:
                break
        made.home, made.console = f"http://localhost:{port}", tuple(lines)
        # What is said later must not fill the pipe.
        threading.Thread(target=process.stderr.read, daemon=True).start()
        yield
    finally:
        process.terminate()
        assert process.wait(30) == 0


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


@pytest.fixture
def page(browser: Any, installed: Installation) -> Iterator[Any]:
    context = browser.new_context(accept_downloads=True)
    page = context.new_page()
    page.troubles = []
    page.on("pageerror", lambda error: page.troubles.append(str(error)))
    page.on("console", lambda m: m.type == "error" and page.troubles.append(m.text))
    yield page
    context.close()


def test_a_first_day(page: Any, installed: Installation) -> None:
    """Every main path, one after the other, each from where the one before has led."""
    make_the_first_account(page, installed)
    add_a_campaign(page)
    watch(page, "Collect", r"Read 1 of 1 hashtag, with \d+ new videos\.")
    watch(page, "Track", r"Read 2 of 2 hashtags\.")
    judge_ten_videos(page)
    grant_rights(page)
    installed.clock.advance(timedelta(hours=12))
    raise_and_take_an_alert(page)
    export_all_videos(page, installed.folder)
    export_what_is_cleared(page, installed.folder)
    assert page.troubles == []
    # The prices that were shown were the truth; an alert that begins has its feed looked at once.
    assert installed.api.charged == sum(page.prices) + 1


# --- set-up ---------------------------------------------------------------------------------------


def make_the_first_account(page: Any, installed: Installation) -> None:
    """The address on the console opens the form; without its token there is no way in."""
    page.goto(installed.home)
    assert page.url.endswith("/setup")
    fill_account(page, token="tt_guessed")
    assert "That is not the set-up token" in page.inner_text("[role=alert]")
    page.troubles.clear()  # A browser reports the 403 on its console.
    (address,) = re.findall(r"http://\S+/setup\?token=\S+", " ".join(installed.console))
    page.goto(address)
    fill_account(page)
    assert page.url.rstrip("/") == installed.home
    assert "ana" in page.inner_text("header.bar")
    # It was good for one account.
    assert page.request.get(address, max_redirects=0).status == 303


def fill_account(page: Any, token: str = "") -> None:
    if token:
        page.get_by_label("Set-up token").fill(token)
    page.get_by_label("Name").fill("ana")
    page.get_by_label("Password").fill(PASSWORD)
    with page.expect_navigation():
        page.get_by_role("button", name="Make the account").click()


# --- a campaign -----------------------------------------------------------------------------------


def add_a_campaign(page: Any) -> None:
    """The empty first page leads to the form; what was typed wrong is said beside its field."""
    page.locator("main").get_by_role("link", name="Add a campaign").click()
    page.get_by_label("Name", exact=True).fill("Summer glow")
    page.get_by_label("Own hashtags").fill(f"#{OWN}")
    page.get_by_label("Competitors' hashtags").fill(COMPETITOR)
    page.get_by_label("Time zone").fill("Europe/Pari")
    submit(page, "Add the campaign")
    assert "Europe/Pari" in page.locator("#w-timezone-1").inner_text()
    page.troubles.clear()  # A browser reports the 422 on its console.
    page.get_by_label("Time zone").fill("Europe/Paris")
    submit(page, "Add the campaign")
    assert page.inner_text(".notice").startswith("Added.")
    page.get_by_role("link", name="Its rules").click()
    page.get_by_label("Own thresholds of hashtags").fill(f"{OWN} 1")
    submit(page, "Save")
    assert page.inner_text(".notice").startswith("Saved.")


def submit(page: Any, name: str) -> None:
    with page.expect_navigation():
        page.get_by_role("button", name=name, exact=True).click()


# --- a run ----------------------------------------------------------------------------------------


def watch(page: Any, job: str, ends: str) -> None:
    """Start a run with its price before one's eyes; see it end without loading the page again."""
    go_to(page, "Runs")
    offer = page.get_by_role("listitem").filter(has=page.get_by_role("button", name=f"{job} now"))
    (price,) = re.findall(r"about (\d+) credit", offer.locator(".soft").inner_text())
    page.prices = [*getattr(page, "prices", []), int(price)]
    with page.expect_navigation():
        offer.get_by_role("button").click()
    page.evaluate(f"{_MARK} = true")
    assert "have ended so far" in page.inner_text("h1")
    page.get_by_role("heading", level=1, name=re.compile(ends)).wait_for(timeout=20_000)
    assert page.evaluate(_MARK) is True


def go_to(page: Any, name: str) -> None:
    page.get_by_role("navigation", name="Main").get_by_role("link", name=name, exact=True).click()
    page.wait_for_load_state()


# --- the desk -------------------------------------------------------------------------------------


def judge_ten_videos(page: Any) -> None:
    """Ten new videos, one key each; the next one is marked by itself. A mistake is undone."""
    go_to(page, "Desk")
    page.get_by_role("navigation", name="Lists").get_by_role("link", name="New").click()
    page.wait_for_load_state()
    page.keyboard.press("j")
    judged = [judge(page, key) for key in "sxasxasxas"]
    assert len(set(judged)) == 10
    tabs = page.inner_text(".tabs")
    assert all(one in tabs for one in ("Shortlisted 4", "Asked 3", "Declined 3"))
    open_list(page, "Declined")
    page.keyboard.press("j")
    judge(page, "u")
    assert "Declined 2" in page.inner_text(".tabs")


def judge(page: Any, key: str) -> str:
    video = page.locator("[data-item].on").get_attribute("id")
    with page.expect_navigation():
        page.keyboard.press(key)
    assert page.inner_text(".notice") == "1 video changed."
    return str(video)


def open_list(page: Any, name: str) -> None:
    page.get_by_role("navigation", name="Lists").get_by_role("link", name=name).click()
    page.wait_for_load_state()


def grant_rights(page: Any) -> None:
    """The creator has said yes: website and organic posts, in two countries, for a year."""
    open_list(page, "Asked")
    page.keyboard.press("j")
    with page.expect_navigation():
        page.keyboard.press("g")
    detail = page.locator("#detail")
    detail.get_by_role("checkbox", name="website").check()
    detail.get_by_label("Territory").fill("FR, DE")
    detail.get_by_label("Ends").fill("1y")
    detail.get_by_label("The reply, word for word").fill("yes, go ahead!")
    submit(page, "Record the right")
    assert "granted" in detail.locator(".head").inner_text()
    assert detail.locator("h3:has-text('Cleared now') + p .tag").all_inner_texts() == [
        "organic",
        "website",
    ]
    assert "yes, go ahead!" in detail.inner_text()


# --- an alert -------------------------------------------------------------------------------------


def raise_and_take_an_alert(page: Any) -> None:
    """Half a day later the hashtag has passed its threshold: read, seen, taken in hand."""
    watch(page, "Track", r"Read 2 of 2 hashtags")
    go_to(page, "Today")
    assert f"#{OWN} gained" in page.inner_text("main")
    go_to(page, "Alerts")
    page.keyboard.press("j")
    page.keyboard.press("a")
    page.get_by_text("in hand: ana").wait_for()
    page.locator("[data-item] a").first.click()
    page.get_by_role("heading", level=1).wait_for()
    assert re.search(r"In hand since .*: ana\.", page.inner_text("main"))


# --- files ----------------------------------------------------------------------------------------


def export_all_videos(page: Any, folder: Path) -> None:
    """The file holds what the list shows."""
    go_to(page, "Campaigns")
    page.locator("main").get_by_role("link", name="Summer glow").first.click()
    page.get_by_role("link", name="Videos", exact=True).first.click()
    page.wait_for_load_state()
    shown = page.locator("tbody th a").evaluate_all("all => all.map(a => a.pathname)")
    rows = downloaded(page, page.get_by_role("link", name="Export as CSV"), folder)
    held = {f"/videos/{row['video_id']}" for row in rows}
    assert shown
    assert held >= set(shown)
    assert {row["hashtag"] for row in rows} == {OWN}
    assert all(int(row["view_count"]) >= 0 for row in rows if row["view_count"])


def export_what_is_cleared(page: Any, folder: Path) -> None:
    """One video may be used on a website in France, none in Spain, and one right says why."""
    go_to(page, "Desk")
    page.get_by_text("Export what is cleared").click()
    form = page.locator("form[action='/desk/cleared.csv']")
    form.get_by_label("Channel").select_option("website")
    button = form.get_by_role("button", name="Cleared videos as CSV")
    form.get_by_label("Country").fill("FR")
    (cleared,) = downloaded(page, button, folder)
    form.get_by_label("Country").fill("ES")
    assert downloaded(page, button, folder) == []
    (right,) = downloaded(page, form.get_by_role("button", name="All rights as CSV"), folder)
    assert right["video_id"] == cleared["video_id"]
    assert right["evidence"] == "yes, go ahead!"


def downloaded(page: Any, control: Any, folder: Path) -> list[dict[str, str]]:
    with page.expect_download() as started:
        control.click()
    path = folder / started.value.suggested_filename
    started.value.save_as(path)
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))
