"""Statements that run for every page: compiled once, then executed as text.

They are SQLAlchemy Core like all others. What is left out is SQLAlchemy's work at each execution
(cache key, parameters, result), which costs more than the database's own: the key of a hashtag
takes 4 instead of 79 microseconds, thirty readings 30 instead of 149, and a page takes some twenty
statements. Statements that run once per command need none of this.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from operator import itemgetter
from typing import Any

from sqlalchemy import Column, Connection, Dialect, Float, Table, bindparam
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from tagtide.storage.tables import Instant, SourceNumber, from_micros, source_of, to_micros

#: Rows of one INSERT, and values of one IN, at most: far below what either engine can bind.
_MOST = 100
#: Lists of an IN are filled up to one of these by repeating a value, so that few texts are needed.
_SIZES = (1, 4, 12, 32, _MOST)

_Convert = Callable[[Any], Any]


def insert_for(dialect: str, table: Table) -> Any:
    """An INSERT that knows ON CONFLICT; the one statement that differs between the engines."""
    if dialect == "postgresql":
        from sqlalchemy.dialects.postgresql import insert as postgresql_insert

        return postgresql_insert(table)
    return sqlite_insert(table)


def _execute(connection: Connection, sql: str, bound: tuple[Any, ...]) -> Any:
    """Something with rows and a ``rowcount``."""
    if connection.dialect.name == "sqlite":
        # Its errors are translated as they are. SQLAlchemy's `exec_driver_sql` would take 20
        # microseconds more; over a network that is nothing, and what it tells of a lost connection
        # is needed there.
        return connection.connection.driver_connection.execute(sql, bound)  # type: ignore[union-attr]
    return connection.exec_driver_sql(sql, bound)


#: One instant stands in every row of a page.
_micros = lru_cache(maxsize=256)(to_micros)


def _to_driver(kind: Any, dialect: Dialect) -> _Convert | None:
    if isinstance(kind, Instant):
        return _micros
    convert: _Convert | None = kind.dialect_impl(dialect).bind_processor(dialect)
    return convert


#: All readings of a run stand at a few instants.
_instant = lru_cache(maxsize=4096)(from_micros)


def _from_driver(kind: Any, dialect: Dialect) -> _Convert | None:
    if isinstance(kind, Instant):
        return _instant
    if isinstance(kind, SourceNumber):
        return source_of
    if isinstance(kind, Float):
        # Both drivers give floats; what SQLAlchemy would do depends on the cursor.
        return None
    convert: _Convert | None = kind.dialect_impl(dialect).result_processor(dialect, None)
    return convert


def _converted(values: list[Any], converts: Iterable[tuple[int, _Convert]]) -> list[Any]:
    for place, convert in converts:
        if values[place] is not None:
            values[place] = convert(values[place])
    return values


def _needed(converts: Iterable[_Convert | None]) -> tuple[tuple[int, _Convert], ...]:
    return tuple((n, convert) for n, convert in enumerate(converts) if convert is not None)


@dataclass(frozen=True, slots=True)
class _Text:
    """A compiled statement: its text, what to bind in which order, and how to read its rows."""

    sql: str
    #: Name, whether the caller gives it, and the statement's own value where not.
    binds: tuple[tuple[str, bool, Any], ...]
    to_driver: tuple[tuple[int, _Convert], ...]
    row: Callable[[Iterable[Any]], Any] | None
    from_driver: tuple[tuple[int, _Convert], ...]

    def bound(self, given: Mapping[str, Any]) -> tuple[Any, ...]:
        values = [given[name] if is_given else own for name, is_given, own in self.binds]
        return tuple(_converted(values, self.to_driver))

    def read(self, raw: Iterable[Any]) -> Any:
        assert self.row is not None
        return self.row(_converted(list(raw), self.from_driver))


def _compile(statement: Any, dialect: Dialect) -> _Text:
    compiled = statement.compile(dialect=dialect)
    names = compiled.positiontup
    columns = [*getattr(statement, "exported_columns", ())]
    # Two columns may have one name (both sides of a join): only the first can be asked for.
    row: Any = namedtuple("Row", [c.name for c in columns], rename=True) if columns else None
    return _Text(
        sql=str(compiled),
        binds=tuple((name, compiled.binds[name].required, compiled.params[name]) for name in names),
        to_driver=_needed(_to_driver(compiled.binds[name].type, dialect) for name in names),
        row=None if row is None else row._make,
        from_driver=_needed(_from_driver(column.type, dialect) for column in columns),
    )


class Prepared:
    """One statement with named parameters."""

    def __init__(self, statement: Any) -> None:
        self._statement = statement
        self._texts: dict[str, _Text] = {}

    def run(self, connection: Connection, given: Mapping[str, Any]) -> int:
        """Execute once; return how many rows it changed."""
        text = self._text(connection)
        return int(_execute(connection, text.sql, text.bound(given)).rowcount)

    def run_many(self, connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
        """Execute for every row."""
        if len(rows) == 1:
            self.run(connection, rows[0])
            return
        text = self._text(connection)
        connection.exec_driver_sql(text.sql, [text.bound(given) for given in rows])

    def rows(
        self,
        connection: Connection,
        given: Mapping[str, Any],
        make: Callable[[Iterable[Any]], Any] | None = None,
    ) -> list[Any]:
        """Execute once and return rows with a name for each column, or what ``make`` makes."""
        text = self._text(connection)
        found = _execute(connection, text.sql, text.bound(given))
        if make is None:
            return [text.read(row) for row in found]
        if not text.from_driver:
            return [make(row) for row in found]
        return [make(_converted(list(row), text.from_driver)) for row in found]

    def one(self, connection: Connection, given: Mapping[str, Any]) -> Any:
        """The first row, or None."""
        found = self.rows(connection, given)
        return found[0] if found else None

    def _text(self, connection: Connection) -> _Text:
        name = connection.dialect.name
        text = self._texts.get(name)
        if text is None:
            text = self._texts[name] = _compile(self._statement, connection.dialect)
        return text


class PreparedIn:
    """One statement about the rows whose column is among given values."""

    def __init__(self, column: Column[Any], build: Callable[[Any], Any]) -> None:
        """``build`` gets the condition."""
        self._by_size = {size: Prepared(build(_among(column, size))) for size in _SIZES}

    def rows(
        self,
        connection: Connection,
        values: Iterable[Any],
        given: Mapping[str, Any] | None = None,
        make: Callable[[Iterable[Any]], Any] | None = None,
    ) -> Iterator[Any]:
        """Rows of all values, in pieces."""
        for statement, bound in self._pieces(values, given or {}):
            yield from statement.rows(connection, bound, make)

    def run(
        self, connection: Connection, values: Iterable[Any], given: Mapping[str, Any] | None = None
    ) -> None:
        """Execute for all values, in pieces."""
        for statement, bound in self._pieces(values, given or {}):
            statement.run(connection, bound)

    def _pieces(
        self, values: Iterable[Any], given: Mapping[str, Any]
    ) -> Iterator[tuple[Prepared, dict[str, Any]]]:
        everything = list(values)
        for start in range(0, len(everything), _MOST):
            some = everything[start : start + _MOST]
            size = next(size for size in _SIZES if size >= len(some))
            some += some[-1:] * (size - len(some))
            yield self._by_size[size], {**given, **{f"in{n}": v for n, v in enumerate(some)}}


def _among(column: Column[Any], size: int) -> Any:
    return column.in_([bindparam(f"in{n}", type_=column.type) for n in range(size)])


@dataclass(frozen=True, slots=True)
class _InsertText:
    """An INSERT before, of and behind the values of one row."""

    head: str
    group: str
    tail: str
    values: Callable[[Mapping[str, Any]], tuple[Any, ...]]
    to_driver: tuple[tuple[int, _Convert], ...]

    def sql(self, rows: int) -> str:
        return f"{self.head}{', '.join([self.group] * rows)}{self.tail}"


class PreparedInsert:
    """An INSERT of many rows as one statement, which SQLite then runs without Python's lock."""

    def __init__(
        self,
        table: Table,
        columns: Sequence[str],
        *,
        complete: Callable[[Any], Any] | None = None,
        returning: Sequence[Column[Any]] = (),
    ) -> None:
        """Set up.

        Args:
            table: Where the rows go.
            columns: Given for every row.
            complete: Adds what to do with a row that exists; by default it is left as it is.
            returning: Columns to return of what was written.
        """
        self._table, self._columns, self._returning = table, list(columns), returning
        self._complete = complete or (lambda statement: statement.on_conflict_do_nothing())
        self._texts: dict[str, _InsertText] = {}

    def run(self, connection: Connection, rows: Sequence[Mapping[str, Any]]) -> list[Any]:
        """Insert the rows; return what the database says of them, unconverted."""
        if not rows:
            return []
        text = self._text(connection)
        returned: list[Any] = []
        for start in range(0, len(rows), _MOST):
            some = rows[start : start + _MOST]
            bound: list[Any] = []
            for row in some:
                bound += _converted(list(text.values(row)), text.to_driver)
            done = _execute(connection, text.sql(len(some)), tuple(bound))
            if self._returning:
                returned += done.fetchall()
        return returned

    def _text(self, connection: Connection) -> _InsertText:
        name = connection.dialect.name
        if name not in self._texts:
            self._texts[name] = self._compile(connection.dialect)
        return self._texts[name]

    def _compile(self, dialect: Dialect) -> _InsertText:
        one, two = (self._statement(dialect.name, n).compile(dialect=dialect) for n in (1, 2))
        head, values, rest = str(one).partition(" VALUES ")
        size = len(str(two)) - len(str(one)) - len(", ")
        group, tail = rest[:size], rest[size:]
        assert str(two) == f"{head}{values}{group}, {group}{tail}"
        names = [name.removesuffix("_m0") for name in one.positiontup]
        assert sorted(names) == sorted(self._columns)
        return _InsertText(
            head=head + values,
            group=group,
            tail=tail,
            values=itemgetter(*names) if len(names) > 1 else lambda row: (row[names[0]],),
            to_driver=_needed(_to_driver(self._table.c[name].type, dialect) for name in names),
        )

    def _statement(self, dialect: str, rows: int) -> Any:
        empty = dict.fromkeys(self._columns)
        statement = self._complete(insert_for(dialect, self._table).values([empty] * rows))
        return statement.returning(*self._returning) if self._returning else statement
