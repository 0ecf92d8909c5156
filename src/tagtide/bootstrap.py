"""The composition root: settings in, a wired application out.

The only place that knows every class.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import cast
from urllib.parse import urlsplit

from tagtide.clock import SystemClock
from tagtide.errors import ConfigError, InvalidInput
from tagtide.models import Job
from tagtide.ports import Channel, Clock, Source, Spool, Store
from tagtide.services.context import BudgetPolicy, Context
from tagtide.settings import LOOPBACK, ChannelSettings, Loaded, Settings, mask_url

#: The local server accepts this key; nothing else does.
LOCAL_KEY = "sk_test_local"


@dataclass(frozen=True, slots=True)
class App:
    """Everything a command needs, open."""

    loaded: Loaded
    context: Context
    channels: Mapping[str, Channel]

    @property
    def store(self) -> Store:
        """Where everything is kept."""
        return self.context.store

    @property
    def source(self) -> Source:
        """The data API."""
        return self.context.source

    @property
    def schedules(self) -> dict[Job, str]:
        """Schedule per job where a campaign has none of its own."""
        schedules = self.loaded.settings.schedules
        return {job: getattr(schedules, job.value) for job in Job}


@asynccontextmanager
async def open_app(
    loaded: Loaded,
    *,
    source: bool = True,
    record: Path | None = None,
    clock: Clock | None = None,
    migrate: bool | None = None,
) -> AsyncIterator[App]:
    """Open the database and, if ``source``, the connection to the data API; close both at the end.

    Args:
        loaded: Settings with their origins.
        source: False for commands that only read what is stored: no key is needed then, and a call
            to the data API is a bug that raises.
        record: Folder in which every answer of the data API is kept.
        clock: Another clock than the machine's, for simulations.
        migrate: Create or upgrade the schema; None does so for SQLite only.

    Raises `ConfigError` when a source is wanted and there is no key, `StorageError` when the
    database cannot be opened.
    """
    from tagtide.storage.store import open_store

    settings, clock = loaded.settings, clock or SystemClock()
    async with AsyncExitStack() as stack:
        the_source = make_source(settings, clock, record) if source else _no_source()
        stack.push_async_callback(the_source.aclose)
        channels = make_channels(settings, clock) if source else {}
        for channel in channels.values():
            stack.push_async_callback(channel.aclose)
        store = await open_store(
            settings.database.url, migrate="auto" if migrate is None else migrate, clock=clock
        )
        stack.push_async_callback(store.aclose)
        yield App(loaded, make_context(settings, store, the_source, clock), channels)


def make_context(settings: Settings, store: Store, source: Source, clock: Clock) -> Context:
    """The context of the use cases."""
    return Context(
        store=store,
        source=source,
        clock=clock,
        spool=make_spool(settings),
        budget=BudgetPolicy(**settings.budget.model_dump()),
        channels=tuple(settings.channels),
        slot_deadline=timedelta(seconds=settings.api.slot_deadline),
        price_per_credit=settings.api.price_per_credit,
        currency=settings.api.currency,
    )


def make_spool(settings: Settings) -> Spool | None:
    """Beside an SQLite file; else in the user's state folder, one folder per database.

    None for a database in memory, which nothing outlives.
    """
    from tagtide.spool import FolderSpool
    from tagtide.storage.database import sqlite_file

    url = settings.database.url
    if url.startswith("sqlite:"):
        file = sqlite_file(url)
        return FolderSpool(Path(f"{file}.spool")) if file else None
    home = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    mark = hashlib.sha256(mask_url(url).encode()).hexdigest()[:12]
    return FolderSpool(Path(home) / "tagtide" / f"spool-{mark}")


def make_source(settings: Settings, clock: Clock, record: Path | None = None) -> Source:
    """The configured data provider. Raises `ConfigError` without a key."""
    from tagtide.tiktok.recording import Recorder
    from tagtide.tiktok.source import ScavioSource

    api = settings.api
    return ScavioSource(
        base_url=api.url,
        api_key=api_key(settings),
        clock=clock,
        max_in_flight=api.in_flight,
        min_interval=api.min_interval,
        connect_timeout=api.connect_timeout,
        read_timeout=api.read_timeout,
        deadline=api.deadline,
        recorder=Recorder(record) if record else None,
    )


def api_key(settings: Settings) -> str:
    """The key of the data API; the local server's own one where the address is this machine."""
    if settings.api.key is not None and settings.api.key.get_secret_value():
        return settings.api.key.get_secret_value()
    if urlsplit(settings.api.url).hostname in LOOPBACK:
        return LOCAL_KEY
    raise ConfigError(
        "there is no key for the data API",
        hint="Set SCAVIO_API_KEY (or SCAVIO_API_KEY_FILE), or look around without one: "
        "`tagtide demo`.",
    )


def make_channels(settings: Settings, clock: Clock) -> dict[str, Channel]:
    """Every configured channel, by name. Raises `ConfigError` that names the channel."""
    made: dict[str, Channel] = {}
    for name, channel in settings.channels.items():
        try:
            made[name] = _make_channel(name, channel, clock)
        except InvalidInput as error:
            raise ConfigError(
                f"channel {name}: {error}", hint=error.hint or f"Correct [channels.{name}]."
            ) from error
    return made


def _make_channel(name: str, channel: ChannelSettings, clock: Clock) -> Channel:
    from tagtide.channels.slack import SlackChannel
    from tagtide.channels.webhook import WebhookChannel

    url = channel.url.get_secret_value()
    if channel.kind == "slack":
        return SlackChannel(name=name, url=url, clock=clock)
    secret = channel.secret.get_secret_value() if channel.secret else None
    return WebhookChannel(name=name, url=url, secret=secret, clock=clock)


class _NoSource:
    """Stands in where no call may be made; any use is a bug."""

    name = "none"
    max_in_flight = 1

    def __getattr__(self, name: str) -> object:
        raise RuntimeError(f"this command must not call the data API ({name})")

    async def aclose(self) -> None:
        """Nothing to close."""


def _no_source() -> Source:
    return cast("Source", _NoSource())


def system_clock() -> Clock:
    """The machine's clock."""
    return SystemClock()


def maintenance() -> ModuleType:
    """Backup, restore and check of the database, which need no open application."""
    from tagtide.storage import maintenance as module

    return module


async def upgrade_database(url: str) -> str:
    """Bring a database to this version's tables; say what was done. Raises `StorageError`."""
    from tagtide.storage.store import upgrade

    return await upgrade(url, clock=SystemClock())


def process_id() -> str:
    """Name of this process among workers: host and process id."""
    return f"{os.uname().nodename}:{os.getpid()}"
