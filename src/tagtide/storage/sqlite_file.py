"""A SQLite file as a file: its permissions, its backups, and whether it may be opened at all.

Nothing here writes to a database, and nothing ever deletes or recreates one.
"""

from __future__ import annotations

import errno
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import quote

from tagtide.errors import (
    DatabaseCorrupt,
    DiskFull,
    StorageBusy,
    StorageError,
    StorageReadOnly,
    StorageUnavailable,
)
from tagtide.storage.failures import translate

MAGIC = b"SQLite format 3\x00"
#: Files up to this size are looked through whenever they are opened; larger ones by `db check`.
_QUICK_CHECK_BYTES = 64 * 1024 * 1024
#: Where the header holds the size of a page, and the number of pages.
_PAGE_SIZE_AT, _PAGES_AT = 16, 28


def companion(path: Path, suffix: str) -> Path:
    """The ``-wal`` or ``-shm`` file beside a database."""
    return path.with_name(path.name + suffix)


def backup_folder(path: Path) -> Path:
    """Where the backups of a database go by default."""
    return path.resolve().parent / "backups"


def backups_of(path: Path, folder: Path | None = None) -> list[Path]:
    """Finished backups of a database, newest first. Unfinished ones are never listed."""
    found = (folder or backup_folder(path)).glob(f"{path.stem}-*Z.db")
    return sorted(found, reverse=True)


def create_private(path: Path) -> None:
    """Create a file for its owner alone; SQLite gives its companions the same permissions."""
    try:
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as error:
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise StorageReadOnly(f"The database file {path} cannot be written.") from error
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DiskFull from error
        raise StorageUnavailable(
            f"The database file {path} cannot be opened: {error.strerror}.",
            hint="Check that its folder exists and that its disk is healthy.",
        ) from error


def corrupt(path: Path, what: str) -> DatabaseCorrupt:
    """The error for a damaged file: names the newest backup and the command."""
    backups = backups_of(path)
    hint = (
        f"Restore the last good backup with `tagtide db restore {backups[0]}`."
        if backups
        else f"There is no backup in {backup_folder(path)}; keep the file, and choose another one."
    )
    return DatabaseCorrupt(f"{path}: {what}", hint=hint)


@contextmanager
def read_only(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection that changes nothing, not even the journal. Raises `StorageError`."""
    address = f"file:{quote(str(path))}?mode=ro"
    try:
        with closing(sqlite3.connect(address, uri=True, timeout=5.0)) as connection:
            yield connection
    except sqlite3.Error as error:
        raise translate(error) from error


def inspect_before_opening(path: Path) -> None:
    """Refuse a file that is damaged or is no database. Raises `DatabaseCorrupt`."""
    size = path.stat().st_size
    if size == 0:
        if backups_of(path) or _has_content(companion(path, "-wal")):
            raise corrupt(path, "the file is empty, though there was data.")
        return
    with path.open("rb") as file:
        header = file.read(100)
    if not header.startswith(MAGIC):
        raise corrupt(path, "the file is not a database.")
    if _is_truncated(path, header, size):
        raise corrupt(path, "the end of the database file is missing.")
    if size <= _QUICK_CHECK_BYTES:
        _quick_check(path)


def _has_content(path: Path) -> bool:
    return path.exists() and path.stat().st_size > 0


def _is_truncated(path: Path, header: bytes, size: int) -> bool:
    # While there is a journal the size may be on its way; SQLite puts that right by itself.
    if len(header) < 100:
        return True
    if _has_content(companion(path, "-wal")):
        return False
    page_size = int.from_bytes(header[_PAGE_SIZE_AT : _PAGE_SIZE_AT + 2], "big")
    pages = int.from_bytes(header[_PAGES_AT : _PAGES_AT + 4], "big")
    return size < pages * (65536 if page_size == 1 else page_size)


def _quick_check(path: Path) -> None:
    problems = _check(path, "quick_check")
    if problems:
        raise corrupt(path, f"the database file is damaged ({problems[0].rstrip('.')}).")


def integrity_problems(path: Path) -> list[str]:
    """What SQLite finds wrong with a file, looking at everything; empty when it is sound."""
    return _check(path, "integrity_check")


def _check(path: Path, pragma: str) -> list[str]:
    try:
        with read_only(path) as connection:
            found = [str(row[0]) for row in connection.execute(f"PRAGMA {pragma}(10)")]
    except DatabaseCorrupt as error:
        # What SQLite itself says ("malformed") tells more than our own sentence once more.
        return [str(error.__cause__ or error)]
    except (StorageBusy, StorageReadOnly, StorageUnavailable):
        raise
    except StorageError as error:
        return [str(error)]
    return [] if found == ["ok"] else found
