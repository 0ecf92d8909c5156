"""Where transactions run: in threads, so that the event loop never waits for a disk.

SQLite has one writer thread and a few readers. The writer takes everything that waits, gives each
piece of work a savepoint of its own and commits once: an fsync is the dearest part of a small
transaction. Nobody is told "done" before that commit. PostgreSQL has a pool and repeats a
transaction that the server asks to repeat.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError, StatementError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.pool import QueuePool, StaticPool

from tagtide.errors import ConfigError, StorageUnavailable
from tagtide.ports import Clock
from tagtide.storage.failures import is_repeatable, translate

T = TypeVar("T")
Work = Callable[[Connection], T]

#: Milliseconds a SQLite writer waits for another process.
BUSY_TIMEOUT_MS = 5000
_READERS = 3
_POOL_SIZE = 8
_TRANSACTION_ATTEMPTS = 5
#: Pieces of work that share one commit at most, so that the first does not wait for long.
_GROUP_SIZE = 64

_PRAGMAS = (
    f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}",
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",
    "PRAGMA foreign_keys=ON",
    "PRAGMA secure_delete=FAST",
    "PRAGMA trusted_schema=OFF",
    "PRAGMA cache_size=-16000",
)


class Database(Protocol):
    """Runs work on a connection, in a thread."""

    async def read(self, work: Work[T]) -> T:
        """Run work that writes nothing."""

    async def write(self, work: Work[T]) -> T:
        """Run work in one transaction and return when it is durable.

        The work may be run more than once, so it must have no effect but on its connection.
        """

    async def aclose(self) -> None:
        """Wait for what is under way and release everything."""


def parse_url(url: str) -> URL:
    """The address with our driver in it. Raises `ConfigError` for other databases."""
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise ConfigError("The database address cannot be read.", hint=_URL_HINT) from error
    backend = parsed.get_backend_name()
    if backend == "sqlite":
        return parsed.set(drivername="sqlite")
    if backend in ("postgresql", "postgres"):
        return parsed.set(drivername="postgresql+psycopg")
    raise ConfigError(f"tagtide cannot store data in {backend!r}.", hint=_URL_HINT)


_URL_HINT = "Use sqlite:///tagtide.db or postgresql://user@host/name."


def sqlite_file(url: str) -> Path | None:
    """The file of a SQLite address; None in memory and for PostgreSQL."""
    parsed = parse_url(url)
    if parsed.get_backend_name() != "sqlite" or parsed.database in (None, "", ":memory:"):
        return None
    return Path(str(parsed.database))


# --- SQLite ---------------------------------------------------------------------------------------


def sqlite_engine(path: Path | None, *, readers: int = 0, read_only: bool = False) -> Engine:
    """An engine with the pragmas set, for that many readers, or else for the one writer.

    With ``read_only`` SQLite itself refuses every statement that would change something.
    """
    options: dict[str, Any] = {
        "check_same_thread": False,
        "timeout": BUSY_TIMEOUT_MS / 1000,
        # An INSERT of many rows is another text for every number of rows.
        "cached_statements": 512,
    }
    pool: dict[str, Any] = {"poolclass": StaticPool}
    if readers:
        pool = {"poolclass": QueuePool, "pool_size": readers, "max_overflow": 0}
    address = URL.create("sqlite", database=str(path) if path else None)
    engine = create_engine(address, connect_args=options, **pool)
    event.listen(engine, "connect", _set_up_sqlite)
    if read_only:
        event.listen(engine, "connect", _refuse_writes)
    begin = "BEGIN" if readers or read_only else "BEGIN IMMEDIATE"
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql(begin))
    return engine


def _set_up_sqlite(raw: sqlite3.Connection, _record: object) -> None:
    # The driver's own BEGIN comes too late for IMMEDIATE and not at all before a SELECT.
    raw.isolation_level = None
    for pragma in _PRAGMAS:
        raw.execute(pragma)


def _refuse_writes(raw: sqlite3.Connection, _record: object) -> None:
    raw.execute("PRAGMA query_only=ON")


@dataclass(slots=True)
class _Job(Generic[T]):
    work: Work[T]
    future: asyncio.Future[T]
    result: T | None = None
    error: Exception | None = None

    def tell(self) -> None:
        """In the thread of the one who waits, who may have given up meanwhile."""
        if self.future.done():
            return
        if self.error is None:
            self.future.set_result(self.result)  # type: ignore[arg-type]  # T itself may be None
        else:
            self.future.set_exception(self.error)


class SqliteDatabase:
    """One file (or memory), one writer thread with group commit, readers that never block."""

    def __init__(self, path: Path | None, *, read_only: bool = False) -> None:
        self.writer_engine = sqlite_engine(path, read_only=read_only)
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="tagtide-writer")
        self._waiting: deque[_Job[Any]] = deque()
        #: Whether the writer thread is at work or on its way to it; guarded like the queue.
        self._is_draining = False
        self._lock = threading.Lock()
        # A database in memory is one connection: its readers queue behind the writer.
        self._reader_engine = (
            sqlite_engine(path, readers=_READERS, read_only=read_only)
            if path
            else self.writer_engine
        )
        self._readers = (
            ThreadPoolExecutor(_READERS, thread_name_prefix="tagtide-reader")
            if path
            else self._writer
        )

    async def read(self, work: Work[T]) -> T:
        """Run work on a snapshot; in memory, between two writes."""
        return await asyncio.wrap_future(self._readers.submit(self._read, work))

    async def write(self, work: Work[T]) -> T:
        """Run work in a transaction that others may share; return after its commit."""
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        job = _Job(work, future)
        with self._lock:
            self._waiting.append(job)
            is_idle, self._is_draining = not self._is_draining, True
        if is_idle:
            self._writer.submit(self._drain)
        return await future

    async def aclose(self) -> None:
        """Wait for what is under way, then close the file."""
        await asyncio.to_thread(self._close)

    def _close(self) -> None:
        self._writer.shutdown()
        self._readers.shutdown()
        self._reader_engine.dispose()
        self.writer_engine.dispose()

    def _read(self, work: Work[T]) -> T:
        try:
            with self._reader_engine.connect() as connection, connection.begin():
                return work(connection)
        except (SQLAlchemyError, sqlite3.Error) as error:
            raise translate(error) from error

    def _drain(self) -> None:
        while taken := self._take():
            jobs = [job for job in taken if not job.future.cancelled()]
            if not jobs:
                continue
            try:
                self._commit(jobs)
            except Exception as error:  # noqa: BLE001 - whatever it was, somebody waits for the answer
                self._after_failure(jobs, error)
            _tell(jobs)

    def _take(self) -> list[_Job[Any]]:
        with self._lock:
            count = min(len(self._waiting), _GROUP_SIZE)
            self._is_draining = count > 0
            return [self._waiting.popleft() for _ in range(count)]

    def _commit(self, jobs: list[_Job[Any]]) -> None:
        with self.writer_engine.connect() as connection, connection.begin():
            for job in jobs:
                job.error = None
                if len(jobs) == 1:
                    job.result = job.work(connection)
                else:
                    self._run_in_savepoint(job, connection)

    def _run_in_savepoint(self, job: _Job[Any], connection: Connection) -> None:
        # Past SQLAlchemy, whose `begin_nested` takes 99 microseconds; every job has one.
        run = connection.connection.driver_connection.execute  # type: ignore[union-attr]
        run("SAVEPOINT job")
        try:
            job.result = job.work(connection)
        except (SQLAlchemyError, sqlite3.Error):
            # SQLite may have given up the whole transaction: each is then tried by itself.
            raise
        except Exception as error:  # noqa: BLE001 - its own mistake; the others go on
            job.error = error
            run("ROLLBACK TO job")
        run("RELEASE job")

    def _after_failure(self, jobs: list[_Job[Any]], error: Exception) -> None:
        if len(jobs) == 1:
            jobs[0].error = _as_ours(error)
            return
        for job in jobs:
            try:
                self._commit([job])
            except Exception as own:  # noqa: BLE001 - told to the one who waits for it
                job.error = _as_ours(own)


def _tell(jobs: list[_Job[Any]]) -> None:
    """Wake each event loop once for all of its jobs: every wake-up interrupts it."""
    by_loop: dict[asyncio.AbstractEventLoop, list[_Job[Any]]] = {}
    for job in jobs:
        by_loop.setdefault(job.future.get_loop(), []).append(job)
    for loop, own in by_loop.items():
        # A loop that is closed has nobody left who waits.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(_tell_here, own)


def _tell_here(jobs: list[_Job[Any]]) -> None:
    for job in jobs:
        job.tell()


def _as_ours(error: Exception) -> Exception:
    if isinstance(error, (SQLAlchemyError, sqlite3.Error)):
        ours = translate(error)
        ours.__cause__ = error
        return ours
    return error


# --- PostgreSQL -----------------------------------------------------------------------------------


def postgres_engine(url: URL, pool_size: int = _POOL_SIZE, *, read_only: bool = False) -> Engine:
    """An engine whose sessions speak UTC and give up a statement after 30 s."""
    options = (
        "-c timezone=UTC -c statement_timeout=30000 -c idle_in_transaction_session_timeout=60000"
    )
    if read_only:
        options += " -c default_transaction_read_only=on"
    return create_engine(
        url,
        # Prepared statements bind by place, as SQLite's do anyway.
        paramstyle="format",
        pool_size=pool_size,
        max_overflow=0,
        pool_pre_ping=True,
        connect_args={"options": options, "connect_timeout": 5, "application_name": "tagtide"},
    )


class _NotSent(Exception):
    """The transaction never reached its commit, so that repeating it is safe."""


class PostgresDatabase:
    """A pool of connections, each used by one thread at a time."""

    def __init__(self, url: URL, clock: Clock, patience: float, *, read_only: bool = False) -> None:
        self.engine = postgres_engine(url, read_only=read_only)
        self._threads = ThreadPoolExecutor(_POOL_SIZE, thread_name_prefix="tagtide-postgres")
        self._clock = clock
        self._patience = patience
        self._closing = threading.Event()

    async def read(self, work: Work[T]) -> T:
        """Run work; repeat while the server cannot be reached."""
        return await self._patiently(lambda: self._transact(work))

    async def write(self, work: Work[T]) -> T:
        """Run work in one transaction; repeat it when the server asks to, or was not reached."""
        return await self._patiently(lambda: self._transact(work))

    async def aclose(self) -> None:
        """Wait for what is under way, then close the pool."""
        self._closing.set()
        await asyncio.to_thread(self._threads.shutdown)
        self.engine.dispose()

    async def _patiently(self, attempt: Callable[[], T]) -> T:
        deadline = self._clock.monotonic() + self._patience
        delay = 0.25
        while True:
            try:
                return await asyncio.wrap_future(self._threads.submit(attempt))
            except _NotSent as error:
                if self._clock.monotonic() + delay > deadline or self._closing.is_set():
                    raise StorageUnavailable("The database server does not answer.") from error
            await self._clock.sleep(delay * (0.5 + self._clock.random()))
            delay = min(delay * 2, 5.0)

    def _transact(self, work: Work[T]) -> T:
        attempts = 0
        while True:
            attempts += 1
            try:
                return self._once(work)
            except StatementError as error:
                if attempts == _TRANSACTION_ATTEMPTS or not is_repeatable(error):
                    raise translate(error) from error

    def _once(self, work: Work[T]) -> T:
        try:
            connection = self.engine.connect()
        except (DBAPIError, PoolTimeout) as error:
            ours = translate(error)
            raise (_NotSent() if _may_come_back(error) else ours) from error
        with connection:
            transaction = connection.begin()
            try:
                result = work(connection)
            except DBAPIError as error:
                if error.connection_invalidated:
                    raise _NotSent from error
                raise
            transaction.commit()
            return result


def _may_come_back(error: SQLAlchemyError) -> bool:
    # A wrong password or name stays wrong; a server that starts says 57P03, a dead one nothing.
    text = str(error)
    return not any(sign in text for sign in ("authentication failed", "does not exist"))
