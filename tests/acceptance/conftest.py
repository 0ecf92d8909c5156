"""The installed command as a process."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from process import KEY, Shell

from tagtide.clock import SystemClock
from tagtide.simulator import SimulatorServer, demo_world


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    """Runs ``tagtide`` in an empty folder with nothing of this machine's environment."""
    command = Path(sys.executable).with_name("tagtide")
    if not command.exists():
        pytest.skip("tagtide is not installed in this environment")
    environ = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "LANG": "C.UTF-8",
        "SCAVIO_API_KEY": KEY,
        "PYTHONPATH": os.environ.get("PYTHONPATH", ""),
    }
    made = Shell(str(command), tmp_path, environ)
    yield made
    for process in made.started:
        if process.poll() is None:
            process.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.communicate(timeout=5)


@pytest.fixture
def serve(shell: Shell) -> Iterator[Callable[..., SimulatorServer]]:
    """Start a local server that the command uses."""
    with contextlib.ExitStack() as stack:

        def start(**options: Any) -> SimulatorServer:
            world = demo_world(3, datetime.now(UTC) - timedelta(hours=1))
            server = SimulatorServer(world, clock=SystemClock(), keys={KEY}, **options)
            stack.enter_context(server.run_in_thread())
            shell.environ["TAGTIDE_API_URL"] = server.url
            return server

        yield start
