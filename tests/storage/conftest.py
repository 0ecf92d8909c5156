"""The store, on every engine it runs on."""

from __future__ import annotations

import functools
import itertools
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from storage_samples import SteppedClock, run

from conftest_postgres import execute, new_database
from tagtide.storage.store import SqlStore, open_store
from tagtide.storage.tables import metadata


@functools.cache
def sqlite_template() -> Path:
    path = Path(tempfile.mkdtemp(prefix="tagtide-template-")) / "template.db"
    run(run_and_close(f"sqlite:///{path}"))
    return path


@functools.cache
def postgres_with_tables() -> str:
    address = new_database()
    run(run_and_close(address))
    return address


async def run_and_close(url: str) -> None:
    store = await open_store(url, clock=SteppedClock(), migrate=True)
    await store.aclose()


_names = itertools.count()


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """A fresh SQLite file with the tables in it."""
    path = tmp_path / f"store{next(_names)}.db"
    shutil.copy(sqlite_template(), path)
    return f"sqlite:///{path}"


@pytest.fixture
def postgres_url() -> str:
    """A PostgreSQL database with the tables in it, emptied."""
    address = postgres_with_tables()
    execute(address, f"TRUNCATE {', '.join(metadata.tables)} RESTART IDENTITY")
    return address


ENGINES = ("memory", "sqlite", pytest.param("postgres", marks=pytest.mark.postgres))


@pytest.fixture(params=ENGINES)
def url(request: pytest.FixtureRequest) -> str:
    """The address of an empty store: in memory, in a file, on a server."""
    if request.param == "memory":
        return "sqlite://"
    return str(request.getfixturevalue(f"{request.param}_url"))


@pytest.fixture
def clock() -> SteppedClock:
    return SteppedClock()


@pytest.fixture
def store(url: str, clock: SteppedClock) -> Iterator[SqlStore]:
    opened = run(open_store(url, clock=clock, migrate=True))
    yield opened
    run(opened.aclose())
