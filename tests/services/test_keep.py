"""A page that was paid for is never lost, even if the database does not take it."""

from __future__ import annotations

import asyncio
import stat
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from lab import HOUR, START, Lab, lab
from small_world import Clip, SmallWorld, Tag

from tagtide.errors import DatabaseCorrupt, DiskFull, StorageBusy, StorageError, StorageUnavailable
from tagtide.models import Job
from tagtide.ports import Changes, SightingEffect
from tagtide.services.collect import collect
from tagtide.services.context import Context
from tagtide.services.keep import take_up
from tagtide.services.runs import RunRequest
from tagtide.services.track import track
from tagtide.spool import FolderSpool


class Refusing:
    """A store that does not take what was paid for, until it is told to."""

    def __init__(self, store: Any, error: StorageError) -> None:
        self._store, self._error = store, error

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def commit(self, changes: Changes) -> list[SightingEffect]:
        raise self._error

    async def settle(self, _settlements: Any) -> None:
        raise self._error


def refusing(bench: Lab, spool: Path, error: StorageError) -> Context:
    store: Any = Refusing(bench.store, error)
    return replace(bench.context, store=store, spool=FolderSpool(spool))


@pytest.mark.parametrize("error", [DiskFull(), StorageBusy(), StorageUnavailable()], ids=repr)
def test_a_page_waits_on_disk_and_is_stored_by_the_next_run(
    tmp_path: Path, error: StorageError
) -> None:
    feed = (Clip(number=1, created=START - HOUR), Clip(number=2, created=START - HOUR))

    async def main() -> None:
        async with lab(SmallWorld(START, default=Tag(feed=feed))) as bench:
            campaign = await bench.add(own=["a"], page_budget=1)
            await bench.track(campaign)
            broken = refusing(bench, tmp_path / "spool", error)
            request = RunRequest(
                job=Job.COLLECT, campaign=campaign, slot_at=bench.clock.now(), trigger="schedule"
            )
            with pytest.raises(type(error)):
                await collect(broken, request)
            assert await bench.store.known_videos(campaign.campaign_id) == []
            assert await take_up(replace(broken, store=bench.store)) == 1
            held = await bench.store.known_videos(campaign.campaign_id)
            spent = await bench.spent()
            assert len(held) == len(feed)
            assert spent.charged == bench.server.charged
            assert not any((tmp_path / "spool").glob("*.json"))

    asyncio.run(main())


def test_a_reading_waits_with_what_it_cost_but_without_an_alert(tmp_path: Path) -> None:
    async def main() -> None:
        async with lab() as bench:
            campaign = await bench.add(own=["a"])
            await bench.track(campaign)
            bench.clock.advance(6 * HOUR)
            broken = refusing(bench, tmp_path / "spool", DiskFull())
            at = bench.clock.now()
            request = RunRequest(job=Job.TRACK, campaign=campaign, slot_at=at, trigger="schedule")
            with pytest.raises(DiskFull):
                await track(broken, request)
            assert await take_up(replace(broken, store=bench.store)) == 1
            latest = (await bench.store.hashtag_states(["a"]))["a"].latest
            assert latest.read_at == at
            assert await bench.store.firing() == []

    asyncio.run(main())


def test_what_would_fail_again_is_not_set_aside(tmp_path: Path) -> None:
    async def main() -> None:
        async with lab() as bench:
            campaign = await bench.add(own=["a"])
            broken = refusing(bench, tmp_path / "spool", DatabaseCorrupt())
            at = bench.clock.now()
            request = RunRequest(job=Job.TRACK, campaign=campaign, slot_at=at, trigger="schedule")
            with pytest.raises(DatabaseCorrupt):
                await track(broken, request)
            assert not (tmp_path / "spool").exists()

    asyncio.run(main())


def test_files_are_private_and_a_torn_one_is_left_alone(tmp_path: Path) -> None:
    spool = FolderSpool(tmp_path / "spool")
    spool.put(Changes(), "b")
    (tmp_path / "spool" / "a.json").write_text('{"readings": [{"hashtag"')
    assert [(name, changes) for name, changes in spool.waiting()] == [("a", None), ("b", Changes())]
    assert stat.S_IMODE((tmp_path / "spool" / "b.json").stat().st_mode) == 0o600
    spool.done("b")
    assert [name for name, _ in spool.waiting()] == ["a"]
