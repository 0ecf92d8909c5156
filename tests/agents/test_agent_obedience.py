"""An agent that obeys whatever it reads: it changes nothing and spends nothing."""

from __future__ import annotations

import asyncio
import json
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hostile_world import fenced, fill, questions, reading, settings
from injections import ORDERS
from mcp import Client
from mcp.shared.exceptions import MCPError

from tagtide.bootstrap import open_app
from tagtide.clock import SystemClock
from tagtide.errors import StorageReadOnly
from tagtide.mcp.server import Caller, make_server
from tagtide.mcp.tools import TOOLS, Kind
from tagtide.ports import Balance
from tagtide.settings import Loaded
from tagtide.simulator import SimulatorServer, demo_world

_CALL = re.compile(r"\b([a-z_]{3,40})\((\{[^{}]*\})\)")


@contextmanager
def api() -> Iterator[SimulatorServer]:
    now = SystemClock().now()
    server = SimulatorServer(demo_world(3, now - timedelta(hours=1)), clock=SystemClock())
    with server.run_in_thread():
        yield server


def content(folder: Path) -> list[str]:
    with closing(sqlite3.connect(f"file:{folder}/tagtide.db?mode=ro", uri=True)) as connection:
        return list(connection.iterdump())


class Obedient:
    """Reads everything, and makes every call that it reads of, until it reads nothing new."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.obeyed: set[tuple[str, str]] = set()
        self.worked: set[str] = set()

    async def read(self, name: str, arguments: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
        """Make a call; return the calls that its answer asks for."""
        try:
            result = await self.client.call_tool(name, arguments)
        except MCPError as error:
            return self.orders(error.error.message)
        if not result.is_error:
            self.worked.add(name)
        texts = [c.text for c in result.content if hasattr(c, "text")]
        texts += list(fenced(result.structured_content))
        return [order for text in texts for order in self.orders(text)]

    def orders(self, text: str) -> list[tuple[str, dict[str, Any]]]:
        found = []
        for name, arguments in _CALL.findall(text):
            if (name, arguments) in self.obeyed:
                continue
            try:
                read = json.loads(arguments)
            except ValueError:
                continue
            self.obeyed.add((name, arguments))
            found.append((name, read))
        return found

    async def obey(self, number: int) -> None:
        waiting = list(questions(number))
        while waiting:
            waiting += await self.read(*waiting.pop())


async def obey(loaded: Loaded, campaigns: int) -> Obedient:
    async with reading(loaded) as app:
        server = make_server(app, lambda _: Caller(key="me", may_operate=True))
        async with Client(server) as client:
            agent = Obedient(client)
            for number in range(campaigns):
                await agent.obey(number)
            # What the texts name, also when they were cut before it.
            for name, arguments in ORDERS:
                await agent.read(name, dict(arguments))
            return agent


def test_an_obedient_agent_changes_and_spends_nothing(tmp_path: Path) -> None:
    with api() as server:
        loaded = settings(tmp_path, server.url)
        asyncio.run(fill(loaded))
        before, file = content(tmp_path), (tmp_path / "tagtide.db").read_bytes()
        agent = asyncio.run(obey(loaded, 4))
        assert len({name for name, _ in agent.obeyed}) >= 6
        assert agent.worked == {t.name for t in TOOLS if t.kind is Kind.READ}
        assert content(tmp_path) == before
        assert (tmp_path / "tagtide.db").read_bytes() == file
        assert (server.charged, len(server.calls)) == (0, 0)


def test_the_same_agent_is_caught_where_the_operator_allows_it(tmp_path: Path) -> None:
    """The control: the agent does obey, so that what held it back above was the server."""
    with api() as server:
        loaded = settings(
            tmp_path,
            server.url,
            TAGTIDE_MCP__MAY_SPEND="true",
            TAGTIDE_MCP__CREDITS_PER_DAY="100",
            TAGTIDE_MCP__MAY_CHANGE="true",
        )
        asyncio.run(fill(loaded))
        before = content(tmp_path)
        agent = asyncio.run(obey(loaded, 2))
        assert {"start_run", "acknowledge_alert", "mute_alert"} <= agent.worked
        assert content(tmp_path) != before
        assert server.charged > 0


def test_what_tools_read_through_cannot_be_written_through(tmp_path: Path) -> None:
    loaded = settings(tmp_path)

    async def main() -> None:
        async with open_app(loaded, source=False):
            pass
        async with reading(loaded) as app:
            balance = Balance(credits_remaining=1, read_at=app.context.clock.now())
            with pytest.raises(StorageReadOnly):
                await app.store.record_balance(balance)
            assert await app.store.balance() is None

    asyncio.run(main())
