"""Prepared statements say and return what SQLAlchemy would, on every engine."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from sqlalchemy import Connection, bindparam, select, update
from storage_samples import NOON, SteppedClock, run

from tagtide.models import Charge, CounterSource
from tagtide.storage import tables as t
from tagtide.storage.prepared import Prepared, PreparedIn, PreparedInsert
from tagtide.storage.store import SqlStore, open_store

ADD = PreparedInsert(t.hashtag, ["name"], returning=[t.hashtag.c.id, t.hashtag.c.name])
NAMED = PreparedIn(t.hashtag.c.name, lambda named: select(t.hashtag).where(named))
ONE = Prepared(select(t.hashtag).where(t.hashtag.c.name == bindparam("wanted")))
READ = Prepared(
    update(t.hashtag)
    .where(t.hashtag.c.name == bindparam("wanted"))
    .values(
        read_at=bindparam("at"),
        view_source=bindparam("source"),
        flags=bindparam("marks"),
        failure_reason=Charge.UNKNOWN,
    )
)


def write(store: SqlStore, work: Any) -> Any:
    return run(store._db.write(work))


@pytest.mark.parametrize("count", [0, 1, 2, 30, 100, 101, 250])
def test_any_number_of_rows_and_names(store: SqlStore, count: int) -> None:
    names = [f"name{number}" for number in range(count)]
    added = write(store, lambda c: ADD.run(c, [{"name": name} for name in names]))
    assert {name for _, name in added} == {*names}
    found = run(store._db.read(lambda c: list(NAMED.rows(c, [*names, "absent"]))))
    assert {row.name: row.id for row in found} == {name: key for key, name in added}
    assert len(found) == count


def test_rows_that_exist_are_left_and_not_returned(store: SqlStore) -> None:
    write(store, lambda c: ADD.run(c, [{"name": "a"}]))
    added = write(store, lambda c: ADD.run(c, [{"name": "a"}, {"name": "b"}]))
    assert [name for _, name in added] == ["b"]


def test_values_are_converted_both_ways_as_sqlalchemy_does(store: SqlStore) -> None:
    def change(connection: Connection) -> tuple[int, int]:
        ADD.run(connection, [{"name": "a"}])
        new = {"at": NOON, "source": CounterSource.CH_INFO, "marks": ["x", "é"]}
        here = READ.run(connection, new | {"wanted": "a"})
        return here, READ.run(connection, new | {"wanted": "nobody"})

    assert write(store, change) == (1, 0)
    ours = run(store._db.read(lambda c: ONE.one(c, {"wanted": "a"})))
    query = select(t.hashtag).where(t.hashtag.c.name == "a")
    theirs = run(store._db.read(lambda c: c.execute(query).one()))
    assert tuple(ours) == tuple(theirs)
    assert (ours.read_at, ours.view_source) == (NOON, CounterSource.CH_INFO)
    assert (ours.flags, ours.video_source, ours.failure_reason) == (["x", "é"], None, "unknown")
    assert run(store._db.read(lambda c: ONE.one(c, {"wanted": "nobody"}))) is None


def test_an_instant_without_a_zone_is_the_mistake_of_the_caller(store: SqlStore) -> None:
    naive = {"at": NOON.replace(tzinfo=None), "source": None, "marks": [], "wanted": "a"}
    with pytest.raises(ValueError, match="time zone"):
        write(store, lambda c: READ.run(c, naive))


def test_what_fails_behind_a_prepared_statement_leaves_nothing(store: SqlStore) -> None:
    def broken(connection: Connection) -> None:
        ADD.run(connection, [{"name": "gone"}])
        raise LookupError

    with pytest.raises(LookupError):
        write(store, broken)
    assert run(store._db.read(lambda c: list(NAMED.rows(c, ["gone"])))) == []


def test_one_that_fails_among_many_leaves_nothing_of_its_own(store: SqlStore) -> None:
    def work(connection: Connection, number: int) -> None:
        ADD.run(connection, [{"name": f"n{number}"}])
        if number % 5 == 3:
            raise LookupError(number)

    async def all_at_once() -> list[Any]:
        jobs = (store._db.write(lambda c, n=n: work(c, n)) for n in range(40))  # type: ignore[misc]
        return await asyncio.gather(*jobs, return_exceptions=True)

    done = run(all_at_once())
    failed = {n for n, result in enumerate(done) if isinstance(result, LookupError)}
    assert failed == {n for n in range(40) if n % 5 == 3}
    names = [f"n{n}" for n in range(40)]
    stored = run(store._db.read(lambda c: {row.name for row in NAMED.rows(c, names)}))
    assert stored == {f"n{n}" for n in range(40) if n not in failed}


def test_a_read_sees_one_instant(sqlite_url: str, clock: SteppedClock) -> None:
    """Two statements of one read see the same database, whatever is committed between them."""
    store = run(open_store(sqlite_url, clock=clock))

    def twice(connection: Connection) -> tuple[int, int]:
        before = len(list(NAMED.rows(connection, ["late"])))
        run(store._db.write(lambda c: ADD.run(c, [{"name": "late"}])))
        return before, len(list(NAMED.rows(connection, ["late"])))

    assert run(store._db.read(twice)) == (0, 0)
    assert len(run(store._db.read(lambda c: list(NAMED.rows(c, ["late"]))))) == 1
    run(store.aclose())
