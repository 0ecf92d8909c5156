"""What happens when the file or the server misbehaves."""

from __future__ import annotations

import asyncio
import hashlib
import sqlite3
import stat
import subprocess
import sys
import textwrap
from pathlib import Path

import psycopg
import pytest
from storage_samples import HOUR, NOON, SteppedClock, alert, campaign, reading, run, seen, sighting
from storage_samples import started as start_a_run

from conftest_postgres import execute, server_address
from tagtide.errors import (
    ConfigError,
    Conflict,
    DatabaseCorrupt,
    DiskFull,
    SchemaOutdated,
    SchemaTooNew,
    StorageBusy,
    StorageReadOnly,
    StorageUnavailable,
)
from tagtide.ports import Changes
from tagtide.storage import schema
from tagtide.storage.database import SqliteDatabase, sqlite_file
from tagtide.storage.maintenance import backup
from tagtide.storage.store import SqlStore, open_store


def file_of(url: str) -> Path:
    path = sqlite_file(url)
    assert path is not None
    return path


def open_and_close(url: str, **options: object) -> None:
    async def work() -> None:
        store = await open_store(url, clock=SteppedClock(), **options)  # type: ignore[arg-type]
        await store.aclose()

    run(work())


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def writer(store: SqlStore) -> sqlite3.Connection:
    """The one connection that writes, to make trouble on it."""
    database = store._db
    assert isinstance(database, SqliteDatabase)
    with database.writer_engine.connect() as connection:
        raw = connection.connection.dbapi_connection
    assert isinstance(raw, sqlite3.Connection)
    return raw


@pytest.fixture
def filled(sqlite_url: str) -> str:
    """A file with enough in it that damage has something to hit."""

    async def work() -> None:
        store = await open_store(sqlite_url, clock=SteppedClock())
        await store.add_campaign(campaign())
        for page in range(10):
            videos = [seen(page * 30 + n) for n in range(30)]
            await store.commit(Changes(sightings=(sighting(*videos),)))
        await store.aclose()

    run(work())
    return sqlite_url


# --- opening --------------------------------------------------------------------------------------


def test_a_new_file_belongs_to_its_owner_alone(tmp_path: Path) -> None:
    async def work() -> list[int]:
        store = await open_store(f"sqlite:///{tmp_path}/new.db", clock=SteppedClock())
        await store.add_campaign(campaign())
        modes = [stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()]
        await store.aclose()
        return modes

    assert run(work()) == [0o600] * 3


def test_the_pragmas_are_those_that_lose_nothing(store: SqlStore, url: str) -> None:
    if url.startswith("postgresql"):
        pytest.skip("SQLite only")
    wanted = {"synchronous": 2, "foreign_keys": 1, "secure_delete": 2, "trusted_schema": 0}
    wanted["busy_timeout"] = 5000
    raw = writer(store)
    assert {name: raw.execute(f"PRAGMA {name}").fetchone()[0] for name in wanted} == wanted
    mode = raw.execute("PRAGMA journal_mode").fetchone()[0]
    assert mode == ("memory" if url == "sqlite://" else "wal")


def test_opening_an_up_to_date_file_does_not_load_the_migration_tool(sqlite_url: str) -> None:
    code = textwrap.dedent("""
        import asyncio, sys
        from storage_samples import SteppedClock
        from tagtide.storage.store import open_store
        store = asyncio.run(open_store(sys.argv[1], clock=SteppedClock()))
        asyncio.run(store.aclose())
        heavy = {"alembic", "psycopg"} & set(sys.modules)
        assert not heavy, heavy
    """)
    subprocess.run(
        [sys.executable, "-c", code, sqlite_url], check=True, cwd=Path(__file__).parent, timeout=60
    )


@pytest.mark.parametrize("content", [b"", b"not a database" * 100, b"SQLite format 3\x00"])
def test_a_file_that_is_no_database_is_refused_and_left_alone(
    tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "x.db"
    path.write_bytes(content)
    (tmp_path / "backups").mkdir()
    (tmp_path / "backups" / "x-20260101T000000000000Z.db").touch()
    with pytest.raises(DatabaseCorrupt) as caught:
        open_and_close(f"sqlite:///{path}")
    assert path.read_bytes() == content
    assert "tagtide db restore" in caught.value.hint
    assert "x-20260101T000000000000Z.db" in caught.value.hint


def test_a_database_of_another_program_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE theirs (x)")
    other.close()
    before = digest(path)
    with pytest.raises(DatabaseCorrupt, match="another program"):
        open_and_close(f"sqlite:///{path}")
    assert digest(path) == before


@pytest.mark.parametrize("part", [0.3, 0.6, 0.99])
def test_a_truncated_file_is_refused(filled: str, part: float) -> None:
    path = file_of(filled)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * part)])
    with pytest.raises(DatabaseCorrupt) as caught:
        open_and_close(filled)
    assert "no backup" in caught.value.hint
    assert path.stat().st_size == int(len(content) * part)


def test_a_damaged_page_is_found(filled: str) -> None:
    path = file_of(filled)
    content = bytearray(path.read_bytes())
    content[4096 * 3 : 4096 * 30] = b"\x55" * (4096 * 27)
    path.write_bytes(content)
    with pytest.raises(DatabaseCorrupt):
        open_and_close(filled)


def test_a_newer_database_is_not_touched(sqlite_url: str) -> None:
    path = file_of(sqlite_url)
    with sqlite3.connect(path) as raw:
        raw.execute(f"UPDATE {schema.VERSION_TABLE} SET version_num = '9999'")
    raw.close()
    before = digest(path)
    with pytest.raises(SchemaTooNew):
        open_and_close(sqlite_url, migrate=True)
    assert digest(path) == before


def test_no_file_is_made_when_it_may_not_be(tmp_path: Path) -> None:
    with pytest.raises(SchemaOutdated):
        open_and_close(f"sqlite:///{tmp_path}/none.db", migrate=False)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(StorageUnavailable, match=r"none/x\.db"):
        open_and_close(f"sqlite:///{tmp_path}/none/x.db")


@pytest.mark.parametrize("url", ["mysql://root:secret@host/x", "no address", "://"])
def test_other_databases_are_refused_without_repeating_the_address(url: str) -> None:
    with pytest.raises(ConfigError) as caught:
        open_and_close(url)
    assert "secret" not in str(caught.value) + caught.value.hint


# --- writing --------------------------------------------------------------------------------------


def test_a_locked_file_is_busy_and_readers_go_on(sqlite_url: str) -> None:
    store = run(open_store(sqlite_url, clock=SteppedClock()))
    run(store.add_campaign(campaign()))
    writer(store).execute("PRAGMA busy_timeout=50")
    other = sqlite3.connect(file_of(sqlite_url), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StorageBusy):
        run(store.commit(Changes(readings=(reading(),))))
    assert len(run(store.campaigns())) == 1
    other.execute("ROLLBACK")
    other.close()
    run(store.commit(Changes(readings=(reading(),))))
    run(store.aclose())


def test_a_read_only_database(sqlite_url: str) -> None:
    store = run(open_store(sqlite_url, clock=SteppedClock()))
    writer(store).execute("PRAGMA query_only=ON")
    for write in (store.check_writable(), store.commit(Changes(readings=(reading(),)))):
        with pytest.raises(StorageReadOnly):
            run(write)
    assert run(store.campaigns()) == []
    run(store.aclose())


def test_a_full_disk_stops_writing_cleanly_and_writing_resumes(filled: str) -> None:
    store = run(open_store(filled, clock=SteppedClock()))
    raw = writer(store)
    run(store.check_writable())
    pages = raw.execute("PRAGMA page_count").fetchone()[0]
    raw.execute(f"PRAGMA max_page_count={pages}")
    page = tuple(seen(1000 + n, caption="x" * 4000) for n in range(30))
    with pytest.raises(DiskFull):
        run(store.commit(Changes(sightings=(sighting(*page, at=NOON + HOUR),))))
    with pytest.raises(DiskFull):
        run(store.check_writable())
    assert len(run(store.known_videos(1))) == 300
    raw.execute("PRAGMA max_page_count=1000000")
    run(store.check_writable())
    run(store.commit(Changes(sightings=(sighting(*page, at=NOON + HOUR),))))
    assert len(run(store.known_videos(1))) == 330
    assert raw.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
    run(store.aclose())


def test_little_space_is_said_before_a_paid_call(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = run(open_store(sqlite_url, clock=SteppedClock()))
    monkeypatch.setattr("tagtide.storage.store.MIN_FREE_BYTES", 2**62)
    with pytest.raises(DiskFull, match="MB are left"):
        run(store.check_writable())
    run(store.aclose())


def test_check_writable_leaves_no_trace(store: SqlStore) -> None:
    run(store.check_writable())
    run(store.check_writable())
    assert run(store.campaigns()) == []


# --- many at once ---------------------------------------------------------------------------------


def test_one_mistake_in_a_shared_commit_hurts_nobody_else(store: SqlStore) -> None:
    start_a_run(store)
    run(store.commit(Changes(alerts=(alert(),))))

    async def all_at_once() -> list[object]:
        good = [Changes(readings=(reading(at=NOON + n * HOUR),)) for n in range(20)]
        bad = Changes(readings=(reading(at=NOON - HOUR),), alerts=(alert("a2"),))
        everything = [*good[:10], bad, *good[10:]]
        return await asyncio.gather(*map(store.commit, everything), return_exceptions=True)

    results = run(all_at_once())
    assert [n for n, result in enumerate(results) if result != []] == [10]
    assert isinstance(results[10], Conflict)
    stored = run(store.hashtag_readings("ours", NOON - HOUR, NOON + 99 * HOUR))
    assert len(stored) == 20


def test_a_full_disk_in_a_shared_commit_stops_only_what_does_not_fit(filled: str) -> None:
    store = run(open_store(filled, clock=SteppedClock()))
    raw = writer(store)
    pages = raw.execute("PRAGMA page_count").fetchone()[0]
    raw.execute(f"PRAGMA max_page_count={pages}")
    big = tuple(seen(1000 + n, caption="x" * 4000) for n in range(30))

    async def all_at_once() -> list[object]:
        small = [store.release_endpoint(f"c{n}", 0) for n in range(5)]
        page = store.commit(Changes(sightings=(sighting(*big, at=NOON + HOUR),)))
        return await asyncio.gather(*small, page, *[store.recover(NOON)], return_exceptions=True)

    results = run(all_at_once())
    assert [type(result) for result in results] == [type(None)] * 5 + [DiskFull, int]
    run(store.aclose())


def test_work_of_a_cancelled_caller_does_not_break_the_writer(store: SqlStore) -> None:
    async def cancel_some() -> None:
        tasks = [
            asyncio.ensure_future(store.commit(Changes(readings=(reading(at=NOON + n * HOUR),))))
            for n in range(20)
        ]
        await asyncio.sleep(0)
        for task in tasks[::2]:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    run(cancel_some())
    stored = run(store.hashtag_readings("ours", NOON, NOON + 99 * HOUR))
    assert len(stored) >= 10


def test_an_error_comes_to_the_caller_as_it_is(store: SqlStore) -> None:
    with pytest.raises(ValueError, match="time zone"):
        run(store.hashtag_readings("ours", NOON.replace(tzinfo=None), NOON))


# --- PostgreSQL -----------------------------------------------------------------------------------


@pytest.mark.postgres
def test_an_empty_server_database_is_left_to_the_upgrade(postgres_url: str) -> None:
    execute(postgres_url, f"ALTER TABLE {schema.VERSION_TABLE} RENAME TO aside")
    try:
        with pytest.raises(SchemaOutdated) as caught:
            open_and_close(postgres_url)
        assert "tagtide db upgrade" in caught.value.hint
    finally:
        execute(postgres_url, f"ALTER TABLE aside RENAME TO {schema.VERSION_TABLE}")


@pytest.mark.postgres
def test_a_newer_server_database_is_refused(postgres_url: str) -> None:
    execute(postgres_url, f"UPDATE {schema.VERSION_TABLE} SET version_num = '9999'")
    try:
        with pytest.raises(SchemaTooNew):
            open_and_close(postgres_url, migrate=True)
    finally:
        execute(postgres_url, f"UPDATE {schema.VERSION_TABLE} SET version_num = '{schema.HEAD}'")


@pytest.mark.postgres
@pytest.mark.parametrize("refused", ["/nobody-listens", "host=127.0.0.1&port=1"])
def test_a_server_that_is_away_is_waited_for_and_then_named(refused: str) -> None:
    clock = SteppedClock()
    query = refused if "=" in refused else f"host={refused}"

    async def work() -> None:
        url = f"postgresql://someone:hunter2@/name?{query}"
        await open_store(url, clock=clock, patience=20.0)

    with pytest.raises(StorageUnavailable) as caught:
        run(work())
    assert "hunter2" not in str(caught.value) + str(caught.value.hint)
    assert clock.now() - NOON > HOUR / 360


@pytest.mark.postgres
def test_a_wrong_name_is_not_waited_for() -> None:
    clock = SteppedClock()

    async def work() -> None:
        await open_store(server_address().replace("/postgres?", "/nothing?"), clock=clock)

    with pytest.raises(StorageUnavailable):
        run(work())
    assert clock.now() == NOON


@pytest.mark.postgres
def test_killed_connections_are_replaced(postgres_url: str) -> None:
    async def work() -> int:
        store = await open_store(postgres_url, clock=SteppedClock())
        await store.add_campaign(campaign())
        with psycopg.connect(server_address(), autocommit=True) as admin:
            admin.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE application_name = 'tagtide'"
            )
        found = await store.campaigns()
        await store.commit(Changes(readings=(reading(),)))
        await store.aclose()
        return len(found)

    assert run(work()) == 1


@pytest.mark.postgres
def test_a_deadlock_is_repeated(postgres_url: str) -> None:
    from sqlalchemy import text

    async def work() -> list[int]:
        store = await open_store(postgres_url, clock=SteppedClock())
        await store.add_campaign(campaign())
        barrier = asyncio.Barrier(2)
        loop = asyncio.get_running_loop()
        attempts = [0, 0]

        def cross(me: int):
            def work(connection: object) -> None:
                attempts[me] += 1
                for name in (("ours", "theirs"), ("theirs", "ours"))[me]:
                    connection.execute(  # type: ignore[attr-defined]
                        text("UPDATE hashtag SET failures = failures + 1 WHERE name = :n"),
                        {"n": name},
                    )
                    if attempts[me] == 1 and not met[me]:
                        met[me] = True
                        asyncio.run_coroutine_threadsafe(barrier.wait(), loop).result(10)

            return work

        met = [False, False]
        await asyncio.gather(store._db.write(cross(0)), store._db.write(cross(1)))
        failures = (await store.hashtag_states(["ours", "theirs"])).values()
        await store.aclose()
        assert sum(attempts) > 2
        return [state.failures for state in failures]

    assert run(work()) == [2, 2]


# --- killed ---------------------------------------------------------------------------------------

_STREAM = """
import asyncio, sys
from storage_samples import *
from tagtide.ports import Changes
from tagtide.storage.store import open_store

async def work(url, first):
    store = await open_store(url, clock=SteppedClock())
    async def stream(lane):
        n = first
        while True:
            at = NOON + (n * 4 + lane) * timedelta(seconds=1)
            page = sighting(seen(n * 4 + lane), at=at)
            await store.commit(Changes(readings=(reading(at=at),), sightings=(page,),
                                       notifications=(notification(str(at)),)))
            print(int((at - NOON).total_seconds()), flush=True)
            n += 1
    await asyncio.gather(*(stream(lane) for lane in range(4)))

asyncio.run(work(sys.argv[1], int(sys.argv[2])))
"""


def test_kill_loses_nothing_that_was_acknowledged(sqlite_url: str) -> None:
    store = run(open_store(sqlite_url, clock=SteppedClock()))
    run(store.add_campaign(campaign()))
    run(store.aclose())
    acknowledged: set[int] = set()
    for kill in range(20):
        child = subprocess.Popen(
            [sys.executable, "-c", _STREAM, sqlite_url, str(kill * 100_000)],
            cwd=Path(__file__).parent,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert child.stdout is not None
        for _ in range(3 + kill * 2):
            line = child.stdout.readline()
            assert line, "the writer ended by itself"
            acknowledged.add(int(line))
        child.kill()
        rest, _ = child.communicate()
        acknowledged.update(int(line) for line in rest.splitlines(keepends=True) if "\n" in line)
    store = run(open_store(sqlite_url, clock=SteppedClock()))
    readings = run(store.hashtag_readings("ours", NOON, NOON + 10**6 * HOUR))
    stored = {int((r.read_at - NOON).total_seconds()) for r in readings}
    assert acknowledged <= stored
    # Whole decisions only: each reading has its video and its message.
    assert len(run(store.known_videos(1))) == len(run(store.undelivered())) == len(stored)
    run(store.aclose())
    with sqlite3.connect(file_of(sqlite_url)) as raw:
        assert raw.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
    raw.close()


def test_a_backup_is_named_when_the_file_is_damaged(filled: str) -> None:
    made = backup(filled, now=NOON)
    file_of(filled).write_bytes(b"garbage")
    with pytest.raises(DatabaseCorrupt) as caught:
        open_and_close(filled)
    assert str(made.path) in caught.value.hint
