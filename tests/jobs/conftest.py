"""No process outlives its test."""

from __future__ import annotations

from collections.abc import Iterator

import jobs_lab
import pytest


@pytest.fixture(autouse=True)
def _no_orphans() -> Iterator[None]:
    yield
    while jobs_lab.spawned:
        process = jobs_lab.spawned.pop()
        if process.popen.poll() is None:
            process.kill()
