"""Options every command shares, and how a command opens the application."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import click

from tagtide.bootstrap import App, open_app
from tagtide.cli import calm_collector
from tagtide.core.periods import parse_span
from tagtide.errors import InvalidInput, NotFound
from tagtide.models import Campaign
from tagtide.settings import Loaded, load

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")


def common_options(command: F) -> F:
    """``--config`` and ``--database``, also accepted in front of the command."""
    command = click.option("--database", metavar="URL", help="Database to use.")(command)
    return click.option("--config", metavar="FILE", help="Configuration file.")(command)


def json_option(command: F) -> F:
    """``--json``."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON.")(command)


def read_settings(config: str | None, database: str | None, *, is_service: bool = False) -> Loaded:
    """Settings in force; options behind the command win over those in front of it.

    A one-off command says in its result what it did: unless it is a service, its log is for what
    went wrong.
    """
    front = click.get_current_context().find_root().obj or {}
    loaded = load(config=config or front.get("config"), database=database or front.get("database"))
    log = loaded.settings.log
    configure_logging(
        "warning" if log.level == "info" and not is_service else log.level, log.format
    )
    return loaded


def run(main: Callable[[], Awaitable[T]]) -> T:
    """Run a coroutine to its end."""

    async def wrapped() -> T:
        return await main()

    calm_collector()
    return asyncio.run(wrapped())


@asynccontextmanager
async def application(
    config: str | None,
    database: str | None,
    *,
    source: bool = False,
    record: Path | None = None,
) -> AsyncIterator[App]:
    """The wired application for one command."""
    async with open_app(read_settings(config, database), source=source, record=record) as app:
        yield app


async def chosen_campaigns(app: App, names: Sequence[str]) -> list[Campaign]:
    """The named campaigns, or all. Raises `NotFound` when there are none."""
    if names:
        return [await app.store.campaign(name) for name in names]
    campaigns = await app.store.campaigns()
    if not campaigns:
        raise NotFound(
            "there is no campaign yet",
            hint="Add one: `tagtide campaign add NAME --hashtag a --competitor b`.",
        )
    return campaigns


async def one_campaign(app: App, name: str | None) -> Campaign:
    """The named campaign, or the only one."""
    if name:
        return await app.store.campaign(name)
    campaigns = await chosen_campaigns(app, [])
    if len(campaigns) > 1:
        listed = ", ".join(c.name for c in campaigns)
        raise NotFound("there are several campaigns; name one of them", hint=f"There are {listed}.")
    return campaigns[0]


def expires_span(text: str) -> timedelta:
    """What ``--expires`` says. Raises `InvalidInput`."""
    span = parse_span(text)
    if span is None:
        raise InvalidInput(f"--expires {text[:40]!r} is no span.", hint="Write 90d, 12h or 8w.")
    return span


def print_json(body: Mapping[str, Any]) -> None:
    """One object on stdout."""
    click.echo(json.dumps(body, ensure_ascii=False, indent=2, default=str))


def is_terminal() -> bool:
    """Whether a person is looking at stderr, so that progress may move."""
    return sys.stderr.isatty()


def configure_logging(level: str, style: str) -> None:
    """Structured lines on stderr: readable on a terminal, JSON elsewhere."""
    from tagtide.cli.logs import configure

    configure(level, style)
