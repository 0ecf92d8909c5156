"""What is done to a database as a whole: back up, restore, check, hold for one instance.

Everything here blocks; call it from a thread where an event loop runs.
"""

from __future__ import annotations

import fcntl
import os
import socket
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TextIO

from sqlalchemy import Connection, Engine, Select, Table, case, func, select
from sqlalchemy.exc import SQLAlchemyError

from tagtide.errors import (
    Conflict,
    DatabaseCorrupt,
    DataInUse,
    InvalidInput,
    NotFound,
    SchemaTooNew,
    StorageError,
    StorageUnavailable,
)
from tagtide.models import AlertState, Charge
from tagtide.storage import schema
from tagtide.storage import tables as t
from tagtide.storage.database import parse_url, postgres_engine, sqlite_engine, sqlite_file
from tagtide.storage.failures import translate
from tagtide.storage.sqlite_file import (
    MAGIC,
    backup_folder,
    backups_of,
    companion,
    create_private,
    integrity_problems,
    read_only,
)

#: A file larger than this is not taken for a backup.
MAX_BACKUP_BYTES = 100 * 2**30


@dataclass(frozen=True, slots=True, kw_only=True)
class Backup:
    """A finished and verified backup."""

    path: Path
    size_bytes: int
    #: Rows per table, as counted in the backup itself.
    rows: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """What a restore did."""

    path: Path
    #: Where the replaced file is now; None if there was none.
    replaced: Path | None
    rows: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckReport:
    """What `check` found; no problems means sound."""

    version: str | None
    rows: Mapping[str, int]
    #: One sentence each.
    problems: tuple[str, ...]
    #: None for PostgreSQL.
    size_bytes: int | None
    newest_backup: Path | None

    @property
    def is_good(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems

    def lines(self) -> list[str]:
        """For a person: the problems, or the rows of each table."""
        if self.problems:
            return [*self.problems, f"Newest backup: {self.newest_backup or 'none'}."]
        return [*(f"{name}: {count} rows" for name, count in self.rows.items()), "Sound."]

    def as_dict(self) -> dict[str, object]:
        """For machines."""
        return {
            "version": self.version,
            "rows": dict(self.rows),
            "problems": list(self.problems),
            "size_bytes": self.size_bytes,
            "newest_backup": str(self.newest_backup) if self.newest_backup else None,
        }


# --- backup and restore ---------------------------------------------------------------------------


def backup(url: str, target: Path | None = None, *, now: datetime, keep: int = 7) -> Backup:
    """Copy a SQLite database while it is in use, verify the copy and keep the newest ones.

    Args:
        url: The database.
        target: A folder (default: ``backups`` beside the database), or a file that does not exist;
            only in a folder are older backups removed.
        now: For the name.
        keep: Backups to keep in the folder.

    Raises:
        InvalidInput: It is a PostgreSQL; the hint is the command that backs it up.
        Conflict: The target file exists.
    """
    path = _file_of(url, "backed up", _pg_dump(url))
    if not path.exists():
        raise NotFound(f"There is no database {path}.")
    rotating = target is None or target.is_dir()
    folder = (target or backup_folder(path)) if rotating else path.parent
    final = folder / f"{path.stem}-{_stamp(now)}.db" if rotating else (target or path)
    if final.exists():
        raise Conflict(f"{final} exists already.")
    final.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    rows = _copy(path, final)
    if rotating:
        for old in backups_of(path, folder)[keep:]:
            old.unlink()
    return Backup(path=final, size_bytes=final.stat().st_size, rows=rows)


def restore(url: str, file: Path, *, now: datetime) -> Restored:
    """Put a backup in the place of a SQLite database; the replaced file stays beside it.

    Raises:
        DataInUse: An instance of tagtide holds the database.
        DatabaseCorrupt: The file is no sound database of tagtide. Nothing was changed.
        SchemaTooNew: A newer tagtide made it. Nothing was changed.
    """
    path = _file_of(url, "restored", _pg_restore(url, file))
    _refuse_unfit(file)
    with hold_instance(url):
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_name(f".{path.name}.restoring")
        fresh.unlink(missing_ok=True)
        rows = _copy(file, fresh)
        replaced = _set_aside(path, _stamp(now)) if path.exists() else None
        fresh.replace(path)
        _sync_folder(path.parent)
    return Restored(path=path, replaced=replaced, rows=rows)


def _stamp(now: datetime) -> str:
    return now.strftime("%Y%m%dT%H%M%S%fZ")


def _file_of(url: str, verb: str, command: str) -> Path:
    path = sqlite_file(url)
    if path is not None:
        return path
    if parse_url(url).get_backend_name() == "sqlite":
        raise InvalidInput(f"A database in memory cannot be {verb}.")
    raise InvalidInput(
        f"A PostgreSQL database is {verb} with its own tools.", hint=f"Run: {command}"
    )


def _pg_address(url: str) -> str:
    # `set` takes None for "unchanged"; a password may stand in the query as well.
    address = parse_url(url)._replace(drivername="postgresql", password=None)
    return address.difference_update_query(["password"]).render_as_string()


def _pg_dump(url: str) -> str:
    return f"pg_dump --format=custom --file=tagtide.dump '{_pg_address(url)}'"


def _pg_restore(url: str, file: Path) -> str:
    return f"pg_restore --clean --if-exists --dbname='{_pg_address(url)}' '{file}'"


def _copy(source: Path, final: Path) -> dict[str, int]:
    """Copy a database to a name that exists only when the copy is whole, verified and on disk."""
    part = final.with_name(f".{final.name}.part")
    part.unlink(missing_ok=True)
    create_private(part)
    try:
        _copy_pages(source, part)
        rows = _verified_rows(part)
        _sync(part)
        part.rename(final)
    except OSError as error:
        raise StorageUnavailable(f"The copy could not be written: {error.strerror}.") from error
    finally:
        part.unlink(missing_ok=True)
    _sync_folder(final.parent)
    return rows


def _copy_pages(source: Path, target: Path) -> None:
    try:
        with read_only(source) as old, closing(sqlite3.connect(target)) as new:
            old.backup(new)
            # One file without companions: whole wherever it is carried.
            new.execute("PRAGMA journal_mode=DELETE")
    except sqlite3.Error as error:
        raise translate(error) from error


def _verified_rows(file: Path) -> dict[str, int]:
    problems = integrity_problems(file)
    if problems:
        raise DatabaseCorrupt(f"{file} is damaged ({problems[0]}).")
    with read_only(file) as connection:
        stored = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        names = sorted(row[0] for row in stored if row[0] in t.metadata.tables)
        counts = {name: f"SELECT count(*) FROM {name}" for name in names}  # noqa: S608 - our names
        return {name: int(connection.execute(sql).fetchone()[0]) for name, sql in counts.items()}


def _refuse_unfit(file: Path) -> None:
    if not file.is_file():
        raise NotFound(f"There is no file {file}.")
    if file.stat().st_size > MAX_BACKUP_BYTES:
        raise InvalidInput(f"{file} is larger than {MAX_BACKUP_BYTES // 2**30} GiB.")
    with file.open("rb") as opened:
        if opened.read(len(MAGIC)) != MAGIC:
            raise DatabaseCorrupt(f"{file} is not a backup of tagtide.", hint=_OTHER_BACKUP)
    problems = integrity_problems(file)
    if problems:
        raise DatabaseCorrupt(f"{file} is damaged ({problems[0]}).", hint=_OTHER_BACKUP)
    if _state_of_file(file) is schema.SchemaState.TOO_NEW:
        raise SchemaTooNew(f"{file} was made by a newer version of tagtide.")


_OTHER_BACKUP = "Choose another backup; the database was not touched."


def _state_of_file(file: Path) -> schema.SchemaState:
    try:
        with read_only(file) as connection:
            row = connection.execute(f"SELECT version_num FROM {schema.VERSION_TABLE}").fetchone()  # noqa: S608 - a constant
    except StorageError as error:
        raise DatabaseCorrupt(f"{file} is not a backup of tagtide.", hint=_OTHER_BACKUP) from error
    return schema.state_of(row[0] if row else None)


def _set_aside(path: Path, stamp: str) -> Path:
    """Keep the present file under another name; its own name is never without a file."""
    aside = path.with_name(f"{path.name}.replaced-{stamp}")
    _empty_journal(path)
    journal = companion(path, "-wal")
    if journal.exists():
        # A journal of the old file must never meet the new one.
        journal.rename(companion(aside, "-wal"))
    companion(path, "-shm").unlink(missing_ok=True)
    os.link(path, aside)
    return aside


def _empty_journal(path: Path) -> None:
    try:
        with closing(sqlite3.connect(path, timeout=5.0)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    except sqlite3.Error:
        return  # damaged, which is why it is replaced: its journal is set aside with it


def _sync(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


# --- check ----------------------------------------------------------------------------------------


def check(url: str) -> CheckReport:
    """Look at everything: pages, references, sums. Changes nothing and repairs nothing.

    Raises `SchemaOutdated` or `SchemaTooNew` when the tables are not those of this version.
    """
    path = sqlite_file(url)
    if path is not None and not path.exists():
        raise NotFound(f"There is no database {path}.")
    broken = integrity_problems(path) if path else []
    if broken:
        # What stands in a damaged file is not worth counting.
        return _report(path, None, {}, [f"damaged: {problem}" for problem in broken])
    engine = sqlite_engine(path, readers=1) if path else postgres_engine(parse_url(url), 1)
    try:
        return _look_through(engine, path)
    except SQLAlchemyError as error:
        raise translate(error) from error
    finally:
        engine.dispose()


def _look_through(engine: Engine, path: Path | None) -> CheckReport:
    with engine.connect() as connection:
        found = schema.state(connection)
        schema.refuse_unless_current(found)
        problems = [*_broken_references(connection), *_wrong_sums(connection)]
        return _report(path, schema.HEAD, _counts(connection), problems)


def _report(
    path: Path | None, version: str | None, rows: Mapping[str, int], problems: list[str]
) -> CheckReport:
    backups = backups_of(path) if path else []
    return CheckReport(
        version=version,
        rows=rows,
        problems=tuple(problems),
        size_bytes=path.stat().st_size if path else None,
        newest_backup=backups[0] if backups else None,
    )


def _counts(connection: Connection) -> dict[str, int]:
    tables = t.metadata.tables.items()
    counts = {name: select(func.count()).select_from(table) for name, table in tables}
    return {name: int(connection.execute(q).scalar_one()) for name, q in sorted(counts.items())}


def _broken_references(connection: Connection) -> list[str]:
    if connection.dialect.name != "sqlite":
        return []  # PostgreSQL never lets them be written
    broken = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
    return [f"a row of {row[0]} refers to a missing row of {row[2]}" for row in broken[:10]]


def _wrong_sums(connection: Connection) -> list[str]:
    questions = {
        "settled calls have no instant of settlement": _unsettled(),
        "finished runs do not have the credits that their calls cost": _miscounted_runs(),
        "videos do not show their newest reading": _stale_videos(),
        "alerts are firing and resolved at once": _contradictory_alerts(),
    }
    found = {text: connection.execute(query).scalar_one() for text, query in questions.items()}
    return [f"{number} {text}" for text, number in found.items() if number]


def _unsettled() -> Select[int]:
    settled = t.ledger.c.state != Charge.RESERVED
    return _count_of(t.ledger).where(settled, t.ledger.c.settled_at.is_(None))


def _miscounted_runs() -> Select[int]:
    cost = case((t.ledger.c.state == Charge.CHARGED, t.ledger.c.credits), else_=0)
    spent = (
        select(func.coalesce(func.sum(cost), 0))
        .where(t.ledger.c.run_id == t.run.c.id)
        .scalar_subquery()
    )
    return _count_of(t.run).where(t.run.c.finished_at.is_not(None), t.run.c.credits != spent)


def _stale_videos() -> Select[int]:
    reading = t.video_reading
    newest = (
        select(func.max(reading.c.read_at))
        .where(reading.c.video_key == t.video.c.id)
        .scalar_subquery()
    )
    return _count_of(t.video).where(t.video.c.read_at.is_distinct_from(newest))


def _contradictory_alerts() -> Select[int]:
    firing = t.alert.c.state == AlertState.FIRING
    return _count_of(t.alert).where(firing, t.alert.c.resolved_at.is_not(None))


def _count_of(table: Table) -> Select[int]:
    return select(func.count()).select_from(table)


# --- one instance at a time ---------------------------------------------------------------------


@contextmanager
def hold_instance(url: str) -> Iterator[None]:
    """Be the only server on a SQLite file. Raises `DataInUse` naming the one that is.

    Commands beside a server need not hold it. It ends with the process, however that ends.
    Does nothing for PostgreSQL, which is made to be shared, and in memory.
    """
    path = sqlite_file(url)
    if path is None:
        yield
        return
    lock = companion(path, ".lock")
    create_private(lock)
    with lock.open("r+", encoding="utf-8") as file:
        _lock(file, path)
        file.truncate(0)
        file.write(f"process {os.getpid()} on {socket.gethostname()}")
        file.flush()
        yield


def _lock(file: TextIO, path: Path) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        holder = file.read(200) or "another process"
        raise DataInUse(
            f"{path} is held by {holder}.", hint="Stop that instance, or use another database."
        ) from error
