from __future__ import annotations

import asyncio
import errno
import os
import sqlite3
import stat
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from storage_samples import HOUR, NOON, SteppedClock, campaign, reading, run, seen, sighting

from tagtide.errors import (
    Conflict,
    DatabaseCorrupt,
    DataInUse,
    DiskFull,
    InvalidInput,
    NotFound,
    SchemaTooNew,
    StorageError,
    StorageReadOnly,
    StorageUnavailable,
)
from tagtide.ports import Changes
from tagtide.storage import schema
from tagtide.storage.database import sqlite_file
from tagtide.storage.maintenance import backup, check, hold_instance, restore
from tagtide.storage.sqlite_file import create_private, inspect_before_opening
from tagtide.storage.store import open_store, upgrade


def file_of(url: str) -> Path:
    path = sqlite_file(url)
    assert path is not None
    return path


def put(url: str, hours: int) -> None:
    async def work() -> None:
        store = await open_store(url, clock=SteppedClock())
        if not await store.campaigns():
            await store.add_campaign(campaign())
        at = NOON + hours * HOUR
        await store.commit(
            Changes(readings=(reading(at=at),), sightings=(sighting(seen(hours), at=at),))
        )
        await store.aclose()

    run(work())


def hours_in(url: str) -> list[int]:
    async def work() -> list[int]:
        store = await open_store(url, clock=SteppedClock())
        found = await store.hashtag_readings("ours", NOON, NOON + 999 * HOUR)
        await store.aclose()
        return [(r.read_at - NOON) // HOUR for r in found]

    return run(work())


def execute(path: Path, statement: str) -> None:
    with sqlite3.connect(path) as raw:
        raw.execute(statement)
    raw.close()


def test_a_backup_is_whole_private_and_counted(sqlite_url: str) -> None:
    put(sqlite_url, 1)
    made = backup(sqlite_url, now=NOON)
    assert made.path.parent == file_of(sqlite_url).parent / "backups"
    assert stat.S_IMODE(made.path.stat().st_mode) == 0o600
    assert (made.rows["hashtag_reading"], made.rows["video"]) == (1, 1)
    assert hours_in(f"sqlite:///{made.path}") == [1]


def test_the_newest_backups_are_kept(sqlite_url: str) -> None:
    names = [backup(sqlite_url, now=NOON + n * timedelta(seconds=1), keep=3).path for n in range(5)]
    assert sorted(names[0].parent.iterdir()) == names[2:]


def test_a_backup_into_a_file_replaces_nothing(sqlite_url: str, tmp_path: Path) -> None:
    target = tmp_path / "mine.db"
    assert backup(sqlite_url, target, now=NOON).path == target
    with pytest.raises(Conflict):
        backup(sqlite_url, target, now=NOON)


def test_a_backup_while_writing_holds_everything_acknowledged_before(sqlite_url: str) -> None:
    put(sqlite_url, 0)

    async def work() -> None:
        store = await open_store(sqlite_url, clock=SteppedClock())
        known = 0
        for n in range(5):
            pages = (
                store.commit(Changes(readings=(reading(at=NOON + (n * 20 + k + 1) * HOUR),)))
                for k in range(20)
            )
            at = NOON + n * timedelta(seconds=1)
            made, *_ = await asyncio.gather(asyncio.to_thread(backup, sqlite_url, now=at), *pages)
            assert made.rows["hashtag_reading"] >= known
            known = len(await store.hashtag_readings("ours", NOON, NOON + 999 * HOUR))
        await store.aclose()

    run(work())


def test_a_torn_backup_is_never_listed(sqlite_url: str) -> None:
    file = file_of(sqlite_url)
    file.write_bytes(b"SQLite format 3\x00 and then nothing")
    with pytest.raises(DatabaseCorrupt):
        backup(sqlite_url, now=NOON)
    assert list((file.parent / "backups").iterdir()) == []


def test_a_restore_brings_back_what_was_and_keeps_what_is(sqlite_url: str) -> None:
    put(sqlite_url, 1)
    made = backup(sqlite_url, now=NOON)
    put(sqlite_url, 2)
    done = restore(sqlite_url, made.path, now=NOON)
    assert hours_in(sqlite_url) == [1]
    assert done.replaced is not None
    assert hours_in(f"sqlite:///{done.replaced}") == [1, 2]
    assert stat.S_IMODE(file_of(sqlite_url).stat().st_mode) == 0o600
    assert check(sqlite_url).problems == ()


@pytest.mark.parametrize("damage", [b"garbage", b""])
def test_a_restore_over_a_damaged_file(sqlite_url: str, damage: bytes) -> None:
    put(sqlite_url, 1)
    made = backup(sqlite_url, now=NOON)
    file_of(sqlite_url).write_bytes(damage)
    done = restore(sqlite_url, made.path, now=NOON)
    assert hours_in(sqlite_url) == [1]
    assert done.replaced is not None
    assert done.replaced.read_bytes() == damage


def test_a_restore_into_nothing(sqlite_url: str, tmp_path: Path) -> None:
    put(sqlite_url, 1)
    made = backup(sqlite_url, now=NOON)
    target = f"sqlite:///{tmp_path}/elsewhere/new.db"
    (tmp_path / "elsewhere").mkdir()
    assert restore(target, made.path, now=NOON).replaced is None
    assert hours_in(target) == [1]


def test_an_unfit_file_is_not_restored(sqlite_url: str, tmp_path: Path) -> None:
    put(sqlite_url, 1)
    other, newer, torn = (tmp_path / name for name in ("other.db", "newer.db", "torn.db"))
    execute(other, "CREATE TABLE theirs (x)")
    backup(sqlite_url, newer, now=NOON)
    torn.write_bytes(newer.read_bytes()[:-5000])
    execute(newer, f"UPDATE {schema.VERSION_TABLE} SET version_num = '9999'")
    text = tmp_path / "text.db"
    text.write_text("hello")
    refused = [
        (other, DatabaseCorrupt),
        (newer, SchemaTooNew),
        (torn, DatabaseCorrupt),
        (text, DatabaseCorrupt),
        (tmp_path / "none.db", NotFound),
    ]
    for file, error in refused:
        with pytest.raises(error):
            restore(sqlite_url, file, now=NOON)
    assert hours_in(sqlite_url) == [1]


def test_a_restore_waits_for_the_instance_to_stop(sqlite_url: str) -> None:
    made = backup(sqlite_url, now=NOON)
    with hold_instance(sqlite_url), pytest.raises(DataInUse):
        restore(sqlite_url, made.path, now=NOON)


def test_a_sound_database_has_no_problems(sqlite_url: str) -> None:
    put(sqlite_url, 1)
    made = backup(sqlite_url, now=NOON)
    report = check(sqlite_url)
    assert report.problems == ()
    assert (report.version, report.newest_backup) == (schema.HEAD, made.path)
    assert (report.rows["video"], report.rows["ledger"]) == (1, 0)
    assert report.is_good
    assert report.lines()[-1] == "Sound."
    assert report.as_dict()["newest_backup"] == str(made.path)


@pytest.mark.parametrize(
    ("statement", "problem"),
    [
        ("UPDATE video SET read_at = 1", "1 videos do not show their newest reading"),
        ("DELETE FROM video_reading", "1 videos do not show their newest reading"),
        ("DELETE FROM creator", "a row of video refers to a missing row of creator"),
        (
            "INSERT INTO ledger (endpoint, state, credits, reserved_at)"
            " VALUES ('x', 'charged', 1, 1)",
            "1 settled calls have no instant of settlement",
        ),
        (
            "INSERT INTO run (job, campaign_id, slot_at, trigger, started_at, finished_at, status,"
            " reason, credits) VALUES ('collect', 1, 1, 'manual', 1, 2, 'ok', '', 5)",
            "1 finished runs do not have the credits that their calls cost",
        ),
    ],
)
def test_check_names_what_is_wrong(sqlite_url: str, statement: str, problem: str) -> None:
    put(sqlite_url, 1)
    execute(file_of(sqlite_url), statement)
    assert problem in check(sqlite_url).problems


def test_check_of_a_damaged_file(sqlite_url: str) -> None:
    file_of(sqlite_url).write_bytes(b"garbage" * 100)
    report = check(sqlite_url)
    assert report.version is None
    assert "damaged" in report.problems[0]
    assert not report.is_good
    assert "Newest backup: none." in report.lines()


def test_check_leaves_a_newer_database_to_the_newer_version(sqlite_url: str) -> None:
    put(sqlite_url, 1)
    execute(file_of(sqlite_url), "UPDATE tagtide_version SET version_num = '9999'")
    with pytest.raises(SchemaTooNew):
        check(sqlite_url)


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        (errno.EROFS, StorageReadOnly),
        (errno.EACCES, StorageReadOnly),
        (errno.ENOSPC, DiskFull),
        (errno.EIO, StorageUnavailable),
    ],
)
def test_what_the_machine_says_of_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, kind: type[StorageError]
) -> None:
    def refuse(*_: object) -> int:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(kind) as caught:
        create_private(tmp_path / "x.db")
    assert caught.value.hint


def test_damage_is_said_once(sqlite_url: str) -> None:
    put(sqlite_url, 1)
    file = file_of(sqlite_url)
    whole = file.read_bytes()
    file.write_bytes(whole[:4096] + b"A" * (len(whole) - 4096))
    with pytest.raises(DatabaseCorrupt) as caught:
        inspect_before_opening(file)
    assert str(caught.value).lower().count("the database file is damaged") == 1


@pytest.mark.postgres
def test_a_server_is_checked_too_and_backed_up_by_its_own_tools(postgres_url: str) -> None:
    assert check(postgres_url).problems == ()
    secret = "postgresql://me:hunter2@host/db"
    for work in (lambda: backup(secret, now=NOON), lambda: restore(secret, Path("f"), now=NOON)):
        with pytest.raises(InvalidInput) as caught:
            work()
        assert "pg_" in caught.value.hint
        assert "postgresql://me@host/db" in caught.value.hint


def test_memory_has_no_backup() -> None:
    with pytest.raises(InvalidInput, match="memory"):
        backup("sqlite://", now=NOON)


def test_a_second_instance_is_refused_and_told_who_holds_the_file(sqlite_url: str) -> None:
    code = (
        "import sys; from tagtide.storage.maintenance import hold_instance\n"
        "with hold_instance(sys.argv[1]): print('held', flush=True); sys.stdin.read()"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", code, sqlite_url],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    with pytest.raises(DataInUse, match=f"process {holder.pid} on "), hold_instance(sqlite_url):
        pass
    put(sqlite_url, 1)  # a command beside the server
    holder.kill()
    holder.communicate()
    with hold_instance(sqlite_url):
        pass


def test_memory_and_servers_are_shared() -> None:
    with hold_instance("sqlite://"), hold_instance("postgresql://host/db"):
        pass


def test_upgrade_says_the_version(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/new.db"
    assert run(upgrade(url, clock=SteppedClock())) == schema.HEAD
    assert check(url).problems == ()
