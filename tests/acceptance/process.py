"""A command line as a process, and how it ended."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

KEY = "sk_live_c4n4ry-of-the-key"
#: Seconds until a process counts as stuck; a machine that is busy with other things takes long.
_PATIENCE = 300


@dataclass(frozen=True)
class Ended:
    """Code and output of a process."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass
class Shell:
    """Starts processes in one folder with one environment."""

    command: str
    folder: Path
    environ: dict[str, str]
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    def __call__(self, *args: str, **environ: str) -> Ended:
        process = self.start(*args, **environ)
        out, err = process.communicate(timeout=_PATIENCE)
        return Ended(process.returncode, out, err)

    def start(self, *args: str, **environ: str) -> subprocess.Popen[str]:
        return self._popen([self.command, *args], environ)

    def bash(self, script: str) -> Ended:
        process = self._popen(["bash", "-c", script.replace("tagtide", self.command)], {})
        out, err = process.communicate(timeout=_PATIENCE)
        return Ended(process.returncode, out, err)

    def _popen(self, command: list[str], environ: dict[str, str]) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            command,
            cwd=self.folder,
            env=self.environ | environ,
            text=True,
            encoding="utf-8",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self.started.append(process)
        return process


def wait_until(holds: Callable[[], bool], seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            raise TimeoutError
        time.sleep(0.01)
