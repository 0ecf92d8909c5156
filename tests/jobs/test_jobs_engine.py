"""The queue itself, on a file: what survives, and what asking twice does."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tagtide.errors import ConfigError
from tagtide.jobs import Slot
from tagtide.jobs.engine import Engine
from tagtide.models import Job

SLOT = Slot(Job.TRACK, 7, datetime(2026, 3, 2, 12, tzinfo=UTC), "schedule")


async def wait_for(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.02)


def engine_on(folder: Path, name: str, perform: Callable[[Slot], Awaitable[str]]) -> Engine:
    return Engine(f"sqlite:///{folder / 'data.db'}", name, perform)


def test_what_the_grace_did_not_suffice_for_is_resumed(tmp_path: Path) -> None:
    begun: list[str] = []

    async def main() -> None:
        async def hangs(slot: Slot) -> str:
            begun.append("first")
            await asyncio.Event().wait()
            return "never"

        first = engine_on(tmp_path, "first", hangs)
        await first.start()
        await first.enqueue(SLOT)
        await first.enqueue(SLOT)
        await wait_for(lambda: bool(begun))
        assert await first.owners() == {"first"}
        await first.stop(1)

        async def works(slot: Slot) -> str:
            assert slot == SLOT
            begun.append("second")
            return "ok"

        second = engine_on(tmp_path, "second", works)
        await second.start()
        assert await second.owners() == {"first"}
        await second.take_from(["somebody else"])
        assert await second.owners() == {"first"}
        await second.take_from(["first"])
        await wait_for(lambda: len(begun) > 1)
        await second.enqueue(SLOT)
        async with asyncio.timeout(20):
            while await second.owners():
                await asyncio.sleep(0.05)
        assert await second.sweep(datetime.now(UTC) + timedelta(days=15)) == 1
        await second.stop(1)

    asyncio.run(main())
    assert begun == ["first", "second"]


def test_the_job_file_is_private_json_and_in_wal(tmp_path: Path) -> None:
    async def main() -> None:
        async def works(slot: Slot) -> str:
            return "ok"

        engine = engine_on(tmp_path, "me", works)
        await engine.start()
        await engine.enqueue(SLOT)
        await engine.stop(1)

    asyncio.run(main())
    file = tmp_path / "data-jobs.db"
    assert file.stat().st_mode & 0o077 == 0
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        rows = connection.execute(
            "SELECT workflow_uuid, serialization, application_version FROM workflow_status"
        ).fetchall()
    assert rows == [(SLOT.key, "portable_json", "1")]


def test_a_database_in_memory_cannot_hold_a_queue() -> None:
    async def perform(slot: Slot) -> str:
        return "ok"

    with pytest.raises(ConfigError, match="outlives"):
        asyncio.run(Engine("sqlite://", "me", perform).start())
