"""Which version of the tables a database has, and how it gets to ours.

Looking costs one SELECT and no import of the migration tool. All steps of an upgrade are one
transaction on both engines, so that one that is killed has changed nothing and simply starts again.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

from sqlalchemy import Connection, inspect, text

from tagtide.errors import SchemaOutdated, SchemaTooNew

VERSION_TABLE = "tagtide_version"
#: Every version there has been, oldest first.
REVISIONS = (
    "0001",
    "0002",
    "0003",
    "0004",
    "0005",
    "0006",
    "0007",
    "0008",
    "0009",
    "0010",
    "0011",
    "0012",
    "0013",
    "0014",
    "0015",
    "0016",
)
HEAD = REVISIONS[-1]

_MIGRATIONS = Path(__file__).with_name("migrations")
#: Any number that nothing else on the server uses.
_UPGRADE_LOCK = 7_461_702_311


class SchemaState(StrEnum):
    """What the tables of a database are to this version of tagtide."""

    EMPTY = "empty"
    OUTDATED = "outdated"
    CURRENT = "current"
    TOO_NEW = "too_new"


def state(connection: Connection) -> SchemaState:
    """Compare the stored version with ours."""
    if not inspect(connection).has_table(VERSION_TABLE):
        return SchemaState.EMPTY
    stored = connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}"))  # noqa: S608 - a constant
    return state_of(stored.scalar())


def state_of(version: str | None) -> SchemaState:
    """What a stored version is to ours; None where tagtide has never been."""
    if version is None:
        return SchemaState.EMPTY
    if version == HEAD:
        return SchemaState.CURRENT
    return SchemaState.OUTDATED if version in REVISIONS else SchemaState.TOO_NEW


def refuse_unless_current(found: SchemaState) -> None:
    """Raise `SchemaTooNew` or `SchemaOutdated` with what to do."""
    if found is SchemaState.TOO_NEW:
        raise SchemaTooNew
    if found is SchemaState.EMPTY:
        raise SchemaOutdated("The database is empty: it has no tables of tagtide yet.")
    if found is SchemaState.OUTDATED:
        raise SchemaOutdated


def bring_up_to_date(connection: Connection) -> None:
    """Make the tables, or bring them up to date, inside the transaction that is open.

    An empty database gets the tables as they are now, at once: the way there is for those that hold
    something. That both lead to the same tables is tested.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _UPGRADE_LOCK})
    # Behind the lock: another process may have done it meanwhile.
    found = state(connection)
    if found is SchemaState.EMPTY:
        create_in(connection)
    elif found is SchemaState.OUTDATED:
        upgrade_in(connection)


def create_in(connection: Connection) -> None:
    """Make the tables of this version where there are none."""
    from tagtide.storage.tables import metadata

    metadata.create_all(connection, checkfirst=False)
    connection.execute(
        text(
            f"CREATE TABLE {VERSION_TABLE} (version_num VARCHAR(32) NOT NULL, "
            f"CONSTRAINT {VERSION_TABLE}_pkc PRIMARY KEY (version_num))"
        )
    )
    stamp = text(f"INSERT INTO {VERSION_TABLE} (version_num) VALUES (:head)")  # noqa: S608 - a constant
    connection.execute(stamp, {"head": HEAD})


def upgrade_in(connection: Connection, revision: str = "head") -> None:
    """Go through the versions from that of the tables to another; from nothing on if need be."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, revision)
