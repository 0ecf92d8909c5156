"""What a driver says, as one of our errors: a clear sentence, never an address with a password."""

from __future__ import annotations

import sqlite3

from sqlalchemy.exc import DBAPIError, SQLAlchemyError, StatementError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from tagtide.errors import (
    DatabaseCorrupt,
    DiskFailing,
    DiskFull,
    StorageBusy,
    StorageError,
    StorageReadOnly,
    StorageUnavailable,
)

_SQLITE: dict[int, tuple[type[StorageError], str]] = {
    sqlite3.SQLITE_BUSY: (StorageBusy, "The database is locked by another process."),
    sqlite3.SQLITE_LOCKED: (StorageBusy, "The database is locked by another process."),
    sqlite3.SQLITE_READONLY: (StorageReadOnly, "The database cannot be written."),
    sqlite3.SQLITE_PERM: (StorageReadOnly, "The database cannot be written."),
    sqlite3.SQLITE_FULL: (DiskFull, "There is no space left for the database."),
    sqlite3.SQLITE_CORRUPT: (DatabaseCorrupt, "The database file is damaged."),
    sqlite3.SQLITE_NOTADB: (DatabaseCorrupt, "The file is not a database."),
    sqlite3.SQLITE_CANTOPEN: (StorageUnavailable, "The database file cannot be opened."),
    sqlite3.SQLITE_IOERR: (DiskFailing, "The disk reported an error for the database file."),
}

_FILE_HINT = "Check that the folder exists, is writable and that its disk is healthy."

#: By the class of SQLSTATE (its first two characters), or the whole of it.
_POSTGRES: dict[str, tuple[type[StorageError], str]] = {
    "08": (StorageUnavailable, "The database server does not answer."),
    "57": (StorageUnavailable, "The database server ended the connection."),
    "57014": (StorageBusy, "The database took longer than allowed for one statement."),
    "55": (StorageBusy, "The database is locked by another process."),
    "40": (StorageBusy, "Other workers wrote the same rows again and again."),
    "53": (StorageUnavailable, "The database server is out of resources."),
    "53100": (DiskFull, "There is no space left for the database."),
    "25006": (StorageReadOnly, "The database server does not accept writes."),
    "28": (StorageUnavailable, "The database server does not accept the user or the password."),
    "3D": (StorageUnavailable, "The database server has no database of that name."),
    "XX": (DatabaseCorrupt, "The database server found damaged data."),
}

#: Serialization failure and deadlock: the whole transaction may simply be repeated.
_REPEATABLE = ("40001", "40P01")


def sqlstate(error: BaseException) -> str | None:
    """SQLSTATE of PostgreSQL behind an error, if there is one."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    return getattr(cause, "sqlstate", None)


def is_repeatable(error: BaseException) -> bool:
    """Whether PostgreSQL asks to repeat the transaction."""
    return sqlstate(error) in _REPEATABLE


def translate(error: SQLAlchemyError | sqlite3.Error) -> Exception:
    """The error to raise instead, a `StorageError`; chain the original with ``from``.

    A value that cannot be stored (a naive datetime, say) is the caller's mistake and comes back as
    the `ValueError` it was.
    """
    cause = error.orig if isinstance(error, StatementError) else error
    if isinstance(error, StatementError) and not isinstance(error, DBAPIError):
        return cause if isinstance(cause, Exception) else error
    if isinstance(cause, sqlite3.Error):
        return _from_sqlite(cause)
    if isinstance(error, PoolTimeout):
        return StorageUnavailable("The database does not answer.")
    return _from_postgres(sqlstate(error), cause)


def _from_sqlite(cause: sqlite3.Error) -> StorageError:
    # The low byte is the primary code; the rest only says where it happened.
    code = getattr(cause, "sqlite_errorcode", 0) & 0xFF
    kind, sentence = _SQLITE.get(code, (StorageError, f"The database refused: {cause}."))
    return kind(sentence, hint=_FILE_HINT if kind is StorageUnavailable else None)


def _from_postgres(state: str | None, cause: BaseException | None) -> StorageError:
    if state is None:
        # psycopg has no SQLSTATE for "no connection"; its text may hold the address, ours does not.
        return StorageUnavailable("The database server does not answer.")
    found = _POSTGRES.get(state) or _POSTGRES.get(state[:2])
    if found is None:
        return StorageError(
            f"The database refused the statement ({type(cause).__name__}, {state})."
        )
    return found[0](found[1])
