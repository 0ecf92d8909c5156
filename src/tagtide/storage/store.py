"""The store: every topic over one database, and how it is opened."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from pathlib import Path
from typing import Literal

from sqlalchemy import Connection, text
from sqlalchemy.exc import SQLAlchemyError

from tagtide.errors import DatabaseCorrupt, DiskFull, SchemaOutdated, StorageReadOnly
from tagtide.ports import Clock
from tagtide.storage import schema
from tagtide.storage.alerts import Alerts
from tagtide.storage.browse import Browse
from tagtide.storage.campaign_pages import CampaignPages
from tagtide.storage.campaigns import Campaigns
from tagtide.storage.database import (
    Database,
    PostgresDatabase,
    SqliteDatabase,
    parse_url,
    sqlite_file,
)
from tagtide.storage.deliveries import Deliveries
from tagtide.storage.desk import Desk
from tagtide.storage.desk_list import DeskLists
from tagtide.storage.desk_reminders import DeskReminders
from tagtide.storage.detectors import Detectors
from tagtide.storage.failures import translate
from tagtide.storage.ledger import Ledger
from tagtide.storage.outbox import Outbox
from tagtide.storage.overview import Overviews
from tagtide.storage.readings import Readings
from tagtide.storage.requests import Requests
from tagtide.storage.runs import Runs
from tagtide.storage.sessions import Sessions
from tagtide.storage.shares import Shares
from tagtide.storage.sqlite_file import create_private, inspect_before_opening, read_only
from tagtide.storage.subscriptions import Subscriptions
from tagtide.storage.users import Users
from tagtide.storage.work import Work
from tagtide.storage.workers import Workers

#: Below this a page could be paid for and then not be kept.
MIN_FREE_BYTES = 200 * 1024 * 1024
#: Seconds to wait for a PostgreSQL server that does not answer.
PATIENCE = 30.0


class SqlStore(
    Campaigns,
    Runs,
    Ledger,
    Readings,
    Alerts,
    Detectors,
    Outbox,
    Deliveries,
    Overviews,
    Requests,
    Shares,
    Subscriptions,
    Desk,
    DeskLists,
    DeskReminders,
    Work,
    CampaignPages,
    Browse,
    Workers,
    Users,
    Sessions,
):
    """`tagtide.ports.Store` and `WorkerStore` on SQLite or PostgreSQL."""

    def __init__(self, database: Database, clock: Clock, path: Path | None = None) -> None:
        self._db = database
        self._clock = clock
        self._path = path

    async def check_writable(self) -> None:
        """Raise what a write would raise, without writing. Raises `StorageError`."""
        if self._path is not None:
            _refuse_little_space(self._path)
        await self._db.write(_try_to_write)

    async def aclose(self) -> None:
        """Wait for what is under way, then release files and connections."""
        await self._db.aclose()


def _refuse_little_space(path: Path) -> None:
    free = shutil.disk_usage(path.resolve().parent).free
    if free < MIN_FREE_BYTES:
        raise DiskFull(f"Only {free // 2**20} MB are left on the disk of the database.")


def _try_to_write(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        if connection.execute(text("SHOW transaction_read_only")).scalar() == "on":
            raise StorageReadOnly("The database server does not accept writes.")
        return
    with connection.begin_nested() as attempt:
        # A new table needs a new page, which a full disk or a quota refuses.
        connection.exec_driver_sql("CREATE TABLE writable_probe (x)")
        attempt.rollback()


async def open_store(
    url: str,
    *,
    clock: Clock,
    migrate: bool | Literal["auto"] = "auto",
    patience: float = PATIENCE,
    read_only: bool = False,
) -> SqlStore:
    """Open a database and make sure that its tables are those of this version.

    Args:
        url: ``sqlite:///file.db``, ``sqlite://`` (memory) or ``postgresql://user@host/name``.
        clock: For backoff, and for the instants of outcomes.
        migrate: Whether to create or upgrade the tables; "auto" does so on SQLite (after a backup)
            and leaves a PostgreSQL, which others may be using, to ``tagtide db upgrade``.
        patience: Seconds to wait for a PostgreSQL server that does not answer, each time.
        read_only: The database itself refuses writes of this store, which raise `StorageReadOnly`;
            nothing is created or upgraded, whatever ``migrate`` says.

    Raises:
        SchemaOutdated: The tables are older, and ``migrate`` does not allow to change them.
        SchemaTooNew: A newer tagtide made them. Nothing was written.
        DatabaseCorrupt: The file is damaged, or is not ours.
        ConfigError: The address is of another kind of database.
    """
    parsed = parse_url(url)
    if read_only:
        migrate = False
    if parsed.get_backend_name() == "sqlite":
        return await asyncio.to_thread(
            _open_sqlite, url, clock, migrate=bool(migrate), read_only=read_only
        )
    database = PostgresDatabase(parsed, clock, patience, read_only=read_only)
    try:
        await database.write(lambda c: _bring_up_to_date(c, migrate=migrate is True))
    except BaseException:
        await database.aclose()
        raise
    return SqlStore(database, clock)


async def upgrade(url: str, *, clock: Clock) -> str:
    """Create or upgrade the tables (on SQLite after a backup); return the version they have now."""
    store = await open_store(url, clock=clock, migrate=True)
    await store.aclose()
    return schema.HEAD


def _bring_up_to_date(connection: Connection, *, migrate: bool) -> None:
    found = schema.state(connection)
    if migrate and found in (schema.SchemaState.EMPTY, schema.SchemaState.OUTDATED):
        schema.bring_up_to_date(connection)
        return
    schema.refuse_unless_current(found)


def _open_sqlite(url: str, clock: Clock, *, migrate: bool, read_only: bool) -> SqlStore:
    path = sqlite_file(url)
    found = None
    if path is not None:
        found = _prepare_file(path, clock, migrate=migrate, read_only=read_only)
    database = SqliteDatabase(path, read_only=read_only)
    if found is schema.SchemaState.CURRENT:
        # Nothing to write, so nothing to wait for: who reads is not held up by who writes.
        return SqlStore(database, clock, path)
    try:
        with database.writer_engine.connect() as connection, connection.begin():
            _bring_up_to_date(connection, migrate=migrate)
    except (SQLAlchemyError, sqlite3.Error) as error:
        raise translate(error) from error
    return SqlStore(database, clock, path)


def _prepare_file(
    path: Path, clock: Clock, *, migrate: bool, read_only: bool
) -> schema.SchemaState:
    if not path.exists() and not migrate:
        raise SchemaOutdated(f"There is no database {path}.", hint="Run `tagtide init`.")
    if not read_only:
        create_private(path)
    inspect_before_opening(path)
    found = _state_of(path)
    if found is schema.SchemaState.OUTDATED and migrate:
        from tagtide.storage.maintenance import backup

        backup(f"sqlite:///{path}", now=clock.now())
    elif found is not schema.SchemaState.EMPTY:
        schema.refuse_unless_current(found)
    return found


def _state_of(path: Path) -> schema.SchemaState:
    """Look without writing: the file may belong to a newer tagtide, or to somebody else."""
    with read_only(path) as connection:
        tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master")}
        if schema.VERSION_TABLE in tables:
            row = connection.execute(f"SELECT version_num FROM {schema.VERSION_TABLE}").fetchone()  # noqa: S608 - a constant
            return schema.state_of(row[0] if row else None)
    if tables:
        raise DatabaseCorrupt(
            f"{path} is a database of another program.",
            hint="Choose another file with --database.",
        )
    return schema.SchemaState.EMPTY
