"""The command line in this process, against a real local server."""

from __future__ import annotations

import contextlib
import io
import signal
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from command_line import KEY, Cli, Ran

from tagtide.cli import main
from tagtide.clock import SystemClock
from tagtide.simulator import SimulatorServer, demo_world
from tagtide.simulator.protocol import Answers


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cli]:
    """Run a command line in an empty folder; no setting of the machine reaches it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("SCAVIO_API_KEY", KEY)
    for name in ("TAGTIDE_CONFIG", "TAGTIDE_DATABASE_URL", "TAGTIDE_API_URL", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    before = signal.getsignal(signal.SIGTERM)

    def run(*args: str) -> Ran:
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = main(list(args))
        return Ran(code, out.getvalue(), err.getvalue())

    yield run
    signal.signal(signal.SIGTERM, before)


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., SimulatorServer]]:
    """Start a local server that the commands use."""
    with contextlib.ExitStack() as stack:

        def start(answers: Answers | None = None, **options: Any) -> SimulatorServer:
            world = answers or demo_world(3, datetime.now(UTC) - timedelta(hours=1))
            server = SimulatorServer(world, clock=SystemClock(), **{"keys": {KEY}} | options)
            stack.enter_context(server.run_in_thread())
            monkeypatch.setenv("TAGTIDE_API_URL", server.url)
            return server

        yield start
