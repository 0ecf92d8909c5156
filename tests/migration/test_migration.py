"""The migrations give exactly the tables of the code, on both engines, also when interrupted."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, event, func, inspect, select, text
from sqlalchemy.exc import IntegrityError

from conftest_postgres import new_database
from tagtide.storage import schema
from tagtide.storage.database import parse_url, postgres_engine, sqlite_engine
from tagtide.storage.tables import alert, alert_event, campaign, from_micros, metadata

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
            [{key: str(value) for key, value in c.items()} for c in look.get_columns(name)],
            look.get_pk_constraint(name),
            sorted(map(str, look.get_foreign_keys(name))),
            sorted(index_of(index) for index in look.get_indexes(name)),
            sorted(map(str, look.get_unique_constraints(name))),
            sorted(map(str, look.get_check_constraints(name))),
        )
        for name in sorted(look.get_table_names())
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
    with other.begin() as connection:
        schema.create_in(connection)
    assert shape(engine) == shape(other)
    assert rows(engine) == rows(other) == {schema.VERSION_TABLE: 1}
    assert state(other) is schema.SchemaState.CURRENT
    other.dispose()


def rows(engine: Engine) -> dict[str, int]:
    """How many there are in each table that is not empty."""
    with engine.connect() as connection:
        names = inspect(engine).get_table_names()
        counts = {n: connection.scalar(text(f'SELECT count(*) FROM "{n}"')) for n in names}
    return {name: count for name, count in counts.items() if count}


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


@pytest.mark.postgres
def test_of_many_that_begin_together_one_makes_the_tables() -> None:
    url = parse_url(new_database())
    engines = [postgres_engine(url, 1) for _ in range(6)]
    together = threading.Barrier(len(engines))

    def begin(engine: Engine) -> None:
        together.wait()
        with engine.begin() as connection:
            schema.bring_up_to_date(connection)

    with ThreadPoolExecutor(len(engines)) as pool:
        list(pool.map(begin, engines))
    assert state(engines[0]) is schema.SchemaState.CURRENT
    for engine in engines:
        engine.dispose()


class Killed(Exception):
    pass


@pytest.mark.parametrize("after", [1, 2, 7, 20, 30])
@pytest.mark.parametrize("way", [schema.upgrade_in, schema.create_in, schema.bring_up_to_date])
def test_what_is_stopped_has_changed_nothing_and_resumes(
    engine: Engine, after: int, way: Callable[[Connection], None]
) -> None:
    statements = 0

    def go() -> None:
        with engine.begin() as connection:
            way(connection)

    def stop(*_: object) -> None:
        nonlocal statements
        statements += 1
        if statements == after:
            raise Killed

    event.listen(engine, "before_cursor_execute", stop)
    with pytest.raises(Killed):
        go()
    event.remove(engine, "before_cursor_execute", stop)
    assert inspect(engine).get_table_names() == []
    go()
    assert state(engine) is schema.SchemaState.CURRENT


# --- old data -------------------------------------------------------------------------------------

OLD_ALERTS = (
    "INSERT INTO alert (alert_id, fingerprint, campaign_id, rule, hashtag, video_id, state, "
    "opened_at, updated_at, resolved_at, value, threshold, peak, reason, url, data) VALUES "
    "('a1', 'f1', 1, 'growth', 'glow', NULL, 'firing', 1000000, 2000000, NULL, 0.7, 0.5, 0.9, "
    "'It grew.', 'https://www.tiktok.com/tag/glow', '{\"notified_value\": 0.7}'), "
    "('a2', 'f1', 1, 'growth', 'glow', NULL, 'resolved', 1000, 2000, 3000, 0.1, 0.5, 0.9, "
    "'It is over.', '', '{}')"
)
ALL_RULES = ["new_videos", "growth", "viral_video"]


def add_campaign(connection: Connection, number: int, enabled: list[str]) -> None:
    rules = json.dumps({"new_videos": 300, "enabled": enabled})
    connection.exec_driver_sql(
        "INSERT INTO campaign (id, name, timezone, rules, channels, page_budget, schedules, "
        f"created_at) VALUES ({number}, 'C{number}', 'UTC', '{rules}', '[]', 2, '{{}}', 0)"
    )


def test_alerts_of_before_live_on_with_what_is_known_of_them(engine: Engine) -> None:
    with engine.begin() as connection:
        schema.upgrade_in(connection, "0001")
    with engine.begin() as connection:
        add_campaign(connection, 1, ALL_RULES)
        connection.exec_driver_sql(OLD_ALERTS)
    upgrade(engine)
    with engine.connect() as connection:
        rows = connection.execute(select(alert).order_by(alert.c.alert_id)).all()
        events = connection.execute(select(func.count()).select_from(alert_event)).scalar_one()
    assert [(r.alert_id, r.state, r.value, r.peak, r.reason, r.hashtag) for r in rows] == [
        ("a1", "firing", 0.7, 0.9, "It grew.", "glow"),
        ("a2", "resolved", 0.1, 0.9, "It is over.", "glow"),
    ]
    assert [(r.opened_at, r.fired_at, r.told_at, r.resolved_at) for r in rows] == [
        (from_micros(1_000_000), from_micros(1_000_000), from_micros(1_000_000), None),
        (from_micros(1_000), from_micros(1_000), None, from_micros(3_000)),
    ]
    assert rows[0].data == {"notified_value": 0.7}
    assert {(r.flaps, r.is_flapping, r.pending_runs, r.version) for r in rows} == {(0, False, 0, 1)}
    # What happened before was not written down, and is not made up.
    assert events == 0


def test_the_new_rule_is_on_where_all_were_and_off_where_somebody_chose(engine: Engine) -> None:
    with engine.begin() as connection:
        schema.upgrade_in(connection, "0001")
    chosen = [ALL_RULES, ["growth"], [], ["viral_video", "growth", "new_videos"]]
    with engine.begin() as connection:
        for number, enabled in enumerate(chosen):
            add_campaign(connection, number, enabled)
    upgrade(engine)
    with engine.connect() as connection:
        found = connection.execute(select(campaign.c.rules).order_by(campaign.c.id)).scalars().all()
    assert [rules["enabled"] for rules in found] == [
        [*ALL_RULES, "statistical"], ["growth"], [], [*chosen[3], "statistical"],
    ]  # fmt: skip
    assert {rules["new_videos"] for rules in found} == {300}


def test_references_hold_after_the_alerts_have_moved(tmp_path: Path) -> None:
    moved = sqlite_engine(tmp_path / "x.db")
    upgrade(moved)
    with moved.begin() as connection:
        assert connection.exec_driver_sql("PRAGMA foreign_key_check").all() == []
        with pytest.raises(IntegrityError):
            connection.exec_driver_sql(
                "INSERT INTO alert_event (alert_id, at, to_state, reason, told, note) "
                "VALUES ('nope', 1, 'firing', 'x', 1, '')"
            )
    moved.dispose()


def test_messages_under_way_outlive_the_upgrade_to_endpoints(engine: Engine) -> None:
    """What an older version had leased is simply waiting for the newer one."""
    message = {
        "notification_id": "n1",
        "channel": "crm",
        "kind": "firing",
        "created_at": 1,
        "due_at": 1,
        "payload": "{}",
        "attempts": 2,
        "lease_until": 9,
    }
    names = ", ".join(message)
    with engine.begin() as connection:
        schema.upgrade_in(connection, "0004")
        places = ", ".join(f":{name}" for name in message)
        connection.execute(text(f"INSERT INTO outbox ({names}) VALUES ({places})"), message)
    upgrade(engine)
    with engine.connect() as connection:
        query = "SELECT notification_id, attempts, is_held, folded_into, sent_at FROM outbox"
        assert [tuple(row) for row in connection.execute(text(query))] == [
            ("n1", 2, False, None, None)
        ]


def test_growth_of_stored_counters_is_filled_in(engine: Engine) -> None:
    """As far as the last values of each six hours tell it."""
    window = (
        "INSERT INTO hashtag_window (hashtag_key, window_at, last_view_count, last_video_count,"
        " readings, new_videos, view_gain) VALUES (1, :at, :views, :videos, :readings, 0, 0)"
    )
    with engine.begin() as connection:
        schema.upgrade_in(connection, "0010")
        for statement in (
            "INSERT INTO hashtag (id, name, failures, refusals, failure_reason)"
            " VALUES (1, 'glow', 0, 0, '')",
            "INSERT INTO campaign (id, name, timezone, rules, channels, page_budget, schedules,"
            " created_at) VALUES (1, 'One', 'UTC', '{}', '[]', 2, '{}', 0)",
            "INSERT INTO campaign_hashtag (campaign_id, hashtag_key, position, role, feed)"
            " VALUES (1, 1, 0, 'own', true)",
        ):
            connection.execute(text(statement))
        levels = [(1000, 10), (None, None), (1300, 12), (600, None), (650, 15)]
        for at, (views, videos) in enumerate(levels):
            asked = {"at": at, "views": views, "videos": videos, "readings": 1}
            connection.execute(text(window), asked)
        # What was seen in a feed while no counter was read.
        connection.execute(text(window), {"at": 9, "views": None, "videos": None, "readings": 0})
    upgrade(engine)
    with engine.connect() as connection:
        filled = connection.execute(
            text("SELECT view_change, video_change, corrections FROM hashtag_window ORDER BY 1, 2")
        ).all()
        assert sorted(map(tuple, filled)) == sorted(
            [(0, 0, 0), (0, 0, 0), (300, 2, 0), (0, 0, 1), (50, 3, 0), (0, 0, 0)]
        )
        sums = connection.execute(
            text("SELECT window_at, view_change, hashtags FROM campaign_window ORDER BY 1")
        ).all()
        assert [tuple(row) for row in sums] == [
            (0, 0, 1), (1, 0, 1), (2, 300, 1), (3, 0, 1), (4, 50, 1),
        ]  # fmt: skip
