"""Databases for the use cases."""

from __future__ import annotations

import asyncio
import functools
from pathlib import Path

import pytest
from lab import START

from conftest_postgres import execute, new_database
from tagtide.storage.store import open_store
from tagtide.storage.tables import metadata
from tagtide.testing import SimulatedClock


@functools.cache
def postgres_with_tables() -> str:
    address = new_database()

    async def create() -> None:
        store = await open_store(address, clock=SimulatedClock(START), migrate=True)
        await store.aclose()

    asyncio.run(create())
    return address


@pytest.fixture
def postgres_url() -> str:
    """A PostgreSQL database with the tables in it, emptied."""
    address = postgres_with_tables()
    execute(address, f"TRUNCATE {', '.join(metadata.tables)} RESTART IDENTITY")
    return address


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty store: in a file, on a server."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/tagtide.db"
    return str(request.getfixturevalue("postgres_url"))
