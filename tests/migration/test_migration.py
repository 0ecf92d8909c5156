"""The migrations give exactly the tables of the code, on both engines, also when interrupted."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, event, inspect

from conftest_postgres import new_database
from tagtide.storage import schema
from tagtide.storage.database import parse_url, postgres_engine, sqlite_engine
from tagtide.storage.tables import metadata

ENGINES = ("sqlite", pytest.param("postgres", marks=pytest.mark.postgres))


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    if request.param == "sqlite":
        opened = sqlite_engine(tmp_path / "empty.db")
    else:
        opened = postgres_engine(parse_url(new_database()), 2)
    yield opened
    opened.dispose()


def upgrade(engine: Engine) -> None:
    with engine.begin() as connection:
        schema.upgrade_in(connection)


def state(engine: Engine) -> schema.SchemaState:
    with engine.connect() as connection:
        return schema.state(connection)


def shape(engine: Engine) -> dict[str, object]:
    """Everything that is worth comparing, as the engine itself tells it."""
    look = inspect(engine)
    return {
        name: (
            [(c["name"], str(c["type"]), c["nullable"]) for c in look.get_columns(name)],
            look.get_pk_constraint(name),
            sorted(map(str, look.get_foreign_keys(name))),
            sorted(index_of(index) for index in look.get_indexes(name)),
            sorted(map(str, look.get_unique_constraints(name))),
        )
        for name in sorted(set(look.get_table_names()) - {schema.VERSION_TABLE})
    }


def index_of(found: Mapping[str, Any]) -> str:
    condition = {name: str(value) for name, value in found.get("dialect_options", {}).items()}
    return str([found["name"], found["column_names"], bool(found["unique"]), condition])


def test_the_migrations_give_the_tables_of_the_code(engine: Engine, tmp_path: Path) -> None:
    upgrade(engine)
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"version_table": schema.VERSION_TABLE, "compare_type": True}
        )
        assert compare_metadata(context, metadata) == []
    if engine.dialect.name == "sqlite":
        other = sqlite_engine(tmp_path / "other.db")
    else:
        other = postgres_engine(parse_url(new_database()), 2)
    metadata.create_all(other)
    assert shape(engine) == shape(other)
    other.dispose()


def test_tables_without_rowid_are_so_by_migration_too(tmp_path: Path) -> None:
    engine = sqlite_engine(tmp_path / "x.db")
    upgrade(engine)
    engine.dispose()
    with sqlite3.connect(tmp_path / "x.db") as raw:
        stored = dict(raw.execute("SELECT name, sql FROM sqlite_master WHERE type = 'table'"))
    raw.close()
    tables = metadata.tables.items()
    meant = {name for name, table in tables if table.kwargs.get("sqlite_with_rowid") is False}
    assert "video_reading" in meant
    assert {name for name, sql in stored.items() if "WITHOUT ROWID" in sql} == meant


def test_the_version_is_known_and_an_upgrade_can_be_repeated(engine: Engine) -> None:
    assert state(engine) is schema.SchemaState.EMPTY
    upgrade(engine)
    assert state(engine) is schema.SchemaState.CURRENT
    before = shape(engine)
    upgrade(engine)
    assert shape(engine) == before


def test_the_list_of_versions_is_the_history() -> None:
    script = ScriptDirectory(str(Path(schema.__file__).with_name("migrations")))
    history = [revision.revision for revision in script.walk_revisions()][::-1]
    assert tuple(history) == schema.REVISIONS


class Killed(Exception):
    pass


@pytest.mark.parametrize("after", [1, 2, 7, 20, 30])
def test_an_upgrade_that_is_stopped_has_changed_nothing_and_resumes(
    engine: Engine, after: int
) -> None:
    statements = 0

    def stop(*_: object) -> None:
        nonlocal statements
        statements += 1
        if statements == after:
            raise Killed

    event.listen(engine, "before_cursor_execute", stop)
    with pytest.raises(Killed):
        upgrade(engine)
    event.remove(engine, "before_cursor_execute", stop)
    assert inspect(engine).get_table_names() == []
    upgrade(engine)
    assert state(engine) is schema.SchemaState.CURRENT
