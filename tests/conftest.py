"""Fixtures every test may use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import structlog
from hypothesis import settings
from xdist.scheduler import LoadGroupScheduling

# The same cases every time, so that a red build speaks of the change; `./run prove` explores. How
# long a case takes is no property of the code: speed is measured in bench/.
settings.register_profile("test", derandomize=True, deadline=None)
settings.register_profile("prove", deadline=None, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "test"))

_configure = structlog.configure


def _without_a_cache(**settings_: object) -> None:
    _configure(**settings_ | {"cache_logger_on_first_use": False})


# Tests share a process: a logger that one of them cached would go on writing to its stream.
structlog.configure = _without_a_cache

# The library's own trace of a failure shows every local variable, which takes seconds.
structlog.configure(
    processors=[
        structlog.processors.add_log_level,
        structlog.dev.ConsoleRenderer(
            colors=False, exception_formatter=structlog.dev.plain_traceback
        ),
    ]
)

#: Files whose tests read one world that takes long to make: each of them has one worker.
ONE_WORLD = {
    "tests/acceptance/test_figures.py",
    "tests/renderers/test_golden_demo.py",
    "tests/services/test_backtest.py",
    "tests/web/test_web_api_contract.py",
}


class OneWorldOneWorker(LoadGroupScheduling):
    """The marks of groups have no effect with this pytest: it writes names of tests itself."""

    def _split_scope(self, nodeid: str) -> str:
        path = nodeid.partition("::")[0]
        return path if path in ONE_WORLD else nodeid


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> OneWorldOneWorker | None:
    """How tests are dealt out."""
    return OneWorldOneWorker(config, log) if config.getvalue("dist") == "loadgroup" else None


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of real, pseudonymised payloads and series that is not part of the repository."""
    here = Path(__file__).resolve().parents[2] / "shared"
    folder = Path(os.environ.get("TAGTIDE_SHARED", str(here))) / "data"
    if not folder.is_dir():
        pytest.skip(f"real payloads are not here: {folder} (set TAGTIDE_SHARED)")
    return folder
