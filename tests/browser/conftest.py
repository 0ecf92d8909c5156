"""A demo world served by the installed command, and a real Chromium looking at it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import pytest

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def chromium() -> str:
    """Path of the browser; skips where there is none."""
    found = os.environ.get("TAGTIDE_CHROMIUM") or shutil.which("chromium")
    if not found:
        pytest.skip("there is no Chromium on this machine (Debian: apt-get install chromium)")
    return found


@pytest.fixture(scope="module")
def browser() -> Iterator[object]:
    """A browser for the tests of a module: while it is open, no event loop can be run here."""
    path = chromium()
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        yield launched
        launched.close()


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a demo of a few days, made and served by the installed command."""
    chromium()
    folder = tmp_path_factory.mktemp("demo")
    yield from serve_demo(folder, days=8)


def serve_demo(folder: Path, *, days: int) -> Iterator[str]:
    """Start ``tagtide demo`` in a folder; give its address; stop it."""
    command = Path(sysconfig.get_path("scripts")) / "tagtide"
    log = folder / "log.txt"
    with log.open("w") as out:
        process = subprocess.Popen(
            [command, "demo", "--no-browser", "--port", "0", "--days", str(days)],
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=out,
            text=True,
            env={**os.environ, "XDG_CACHE_HOME": str(Path(sys.prefix) / "cache")},
        )
        assert process.stdout is not None
        try:
            for line in process.stdout:
                if found := re.search(r"http://127\.0\.0\.1:\d+/", line):
                    yield found[0].rstrip("/")
                    break
            else:
                raise AssertionError(f"the demo did not start:\n{log.read_text()}")
        finally:
            process.terminate()
            process.wait(30)
            process.stdout.close()
