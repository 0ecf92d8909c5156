"""The composition root: settings in, a wired application out.

The only place that knows every class.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, cast
from urllib.parse import urlsplit

from pydantic import SecretStr

from tagtide.clock import SystemClock
from tagtide.core.access import AccessPolicy
from tagtide.errors import ConfigError, InvalidInput
from tagtide.models import Job
from tagtide.ports import Channel, Clock, Lifeline, ReportPress, Source, Spool, Store
from tagtide.renderers.files import ReportFiles
from tagtide.renderers.look import Brand
from tagtide.services.accounts.context import AccountContext
from tagtide.services.context import BudgetPolicy, Context, DeskPolicy
from tagtide.settings import LOOPBACK, ChannelSettings, Loaded, Settings, mask_url

if TYPE_CHECKING:
    from tagtide.core.messages.notice import Look

#: The local server accepts this key; nothing else does.
LOCAL_KEY = "sk_test_local"


@dataclass(frozen=True, slots=True)
class App:
    """Everything a command needs, open."""

    loaded: Loaded
    context: Context
    channels: Mapping[str, Channel]
    accounts: AccountContext
    #: The dead man's switch; None where none is configured.
    lifeline: Lifeline | None = None

    @property
    def store(self) -> Store:
        """Where everything is kept."""
        return self.context.store

    @property
    def source(self) -> Source:
        """The data API."""
        return self.context.source

    @property
    def can_call(self) -> bool:
        """Whether the data API may be called; not where only what is stored is read."""
        return not isinstance(self.context.source, _NoSource)

    def brand(self) -> Brand:
        """Who hands reports out. Reads the logo; raises `ConfigError` when that cannot be used."""
        return brand_of(self.loaded)

    @property
    def schedules(self) -> dict[Job, str]:
        """Schedule per job where a campaign has none of its own."""
        schedules = self.loaded.settings.schedules
        return {job: getattr(schedules, job.value) for job in Job}


def brand_of(loaded: Loaded) -> Brand:
    """Who hands reports out. Reads the logo; raises `ConfigError` when that cannot be used."""
    reports, path = loaded.settings.reports, loaded.path
    logo = None
    try:
        if reports.logo is not None:
            beside = path.parent if path is not None else Path()
            logo = (beside / reports.logo.expanduser()).read_bytes()
        return Brand(name=reports.brand or "", colour=reports.color, logo=logo)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise ConfigError(f"the logo {reports.logo} cannot be used: {why}") from error


@asynccontextmanager
async def open_app(
    loaded: Loaded,
    *,
    source: bool = True,
    record: Path | None = None,
    clock: Clock | None = None,
    migrate: bool | None = None,
    read_only: bool = False,
) -> AsyncIterator[App]:
    """Open the database and, if ``source``, the connection to the data API; close both at the end.

    Args:
        loaded: Settings with their origins.
        source: False for commands that only read what is stored: no key is needed then, and a call
            to the data API is a bug that raises.
        record: Folder in which every answer of the data API is kept.
        clock: Another clock than the machine's, for simulations.
        migrate: Create or upgrade the schema; None does so for SQLite only.
        read_only: The database itself refuses every write; it must exist and be current.

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
        lifeline = make_lifeline(settings, clock) if source else None
        if lifeline is not None:
            stack.push_async_callback(lifeline.aclose)
        store = await open_store(
            settings.database.url,
            migrate="auto" if migrate is None else migrate,
            clock=clock,
            read_only=read_only,
        )
        stack.push_async_callback(store.aclose)
        press = ReportFiles(lambda: brand_of(loaded))
        context = make_context(settings, store, the_source, clock, press)
        yield App(loaded, context, channels, make_accounts(settings, store, clock), lifeline)


@asynccontextmanager
async def open_channels(app: App) -> AsyncIterator[Mapping[str, Channel]]:
    """The channels of an application that was opened without a source. Raises `ConfigError`."""
    async with AsyncExitStack() as stack:
        channels = make_channels(app.loaded.settings, app.context.clock)
        for channel in channels.values():
            stack.push_async_callback(channel.aclose)
        yield channels


def make_context(
    settings: Settings,
    store: Store,
    source: Source,
    clock: Clock,
    press: ReportPress | None = None,
) -> Context:
    """The context of the use cases."""
    web = settings.web
    return Context(
        store=store,
        source=source,
        clock=clock,
        spool=make_spool(settings),
        budget=BudgetPolicy(**settings.budget.model_dump()),
        channels=tuple(settings.channels),
        kinds={name: channel.kind for name, channel in settings.channels.items()},
        home=web.home() if web.public_url else None,
        press=press,
        dispatch={name: channel.dispatch() for name, channel in settings.channels.items()},
        slot_deadline=timedelta(seconds=settings.api.slot_deadline),
        price_per_credit=settings.api.price_per_credit,
        currency=settings.api.currency,
        desk=DeskPolicy(
            brand=settings.desk.brand,
            unanswered=timedelta(days=settings.desk.unanswered_days),
            remind_hour=settings.desk.remind_hour,
        ),
        valuation=settings.reports.valuation,
        language=settings.reports.language,
    )


def make_accounts(settings: Settings, store: Store, clock: Clock) -> AccountContext:
    """What accounts work with."""
    from tagtide.passwords import ArgonPasswords

    web = settings.web
    policy = AccessPolicy(
        idle=timedelta(hours=web.session_idle_hours), longest=timedelta(days=web.session_days)
    )
    return AccountContext(store=store, passwords=ArgonPasswords(), clock=clock, policy=policy)


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
    """Every configured channel, by name. Raises `ConfigError` with what is wrong with each."""
    made: dict[str, Channel] = {}
    problems: list[str] = []
    hints: list[str] = []
    for name in settings.channels:
        try:
            made[name] = make_channel(settings, name, clock)
        except ConfigError as error:
            problems += error.problems
            hints.append(error.hint)
    if problems:
        raise ConfigError(problems, hint=" ".join(dict.fromkeys(filter(None, hints))))
    return made


def make_channel(settings: Settings, name: str, clock: Clock) -> Channel:
    """One configured channel. Raises `ConfigError` that names it."""
    channel = settings.channels[name]
    try:
        return _MAKERS[channel.kind](name, channel, _look(settings, channel), clock)
    except InvalidInput as error:
        raise ConfigError(
            f"channel {name}: {error}", hint=error.hint or f"Correct [channels.{name}]."
        ) from error


def _look(settings: Settings, channel: ChannelSettings) -> Look:
    from tagtide.core.messages.notice import Look
    from tagtide.core.messages.style import Style
    from tagtide.core.messages.template import parse_template
    from tagtide.languages import find_language

    web = settings.web
    return Look(
        style=Style(channel.numbers, channel.clock),
        title=parse_template(channel.title) if channel.title else None,
        text=parse_template(channel.text) if channel.text else None,
        home=f"{web.home()}/" if web.public_url else None,
        find_language=find_language,
    )


def _slack(name: str, channel: ChannelSettings, look: Look, clock: Clock) -> Channel:
    from tagtide.channels.slack import SlackChannel

    return SlackChannel(name, _secret(channel.url), clock=clock, look=look, allow=channel.allow)


def _teams(name: str, channel: ChannelSettings, look: Look, clock: Clock) -> Channel:
    from tagtide.channels.teams import TeamsChannel

    return TeamsChannel(name, _secret(channel.url), clock=clock, look=look, allow=channel.allow)


def _email(name: str, channel: ChannelSettings, look: Look, _: Clock) -> Channel:
    from tagtide.channels.email import EmailChannel

    return EmailChannel(
        name,
        channel.host or "",
        sender=channel.sender or "",
        recipients=channel.to,
        port=channel.port,
        security=channel.security,
        username=channel.username,
        password=_secret(channel.password) or None,
        look=look,
        allow=channel.allow,
    )


def _webhook(name: str, channel: ChannelSettings, _: Look, clock: Clock) -> Channel:
    from tagtide.channels.webhook import WebhookChannel

    return WebhookChannel(
        name,
        _secret(channel.url),
        clock=clock,
        secret=None if channel.secret is None else _secret(channel.secret),
        previous_secret=_secret(channel.previous_secret) or None,
        allow=channel.allow,
    )


def _apprise(name: str, channel: ChannelSettings, look: Look, _: Clock) -> Channel:
    from tagtide.channels.apprise import AppriseChannel

    return AppriseChannel(name, _secret(channel.url), look=look, allow=channel.allow)


_MAKERS = {
    "slack": _slack,
    "teams": _teams,
    "email": _email,
    "webhook": _webhook,
    "apprise": _apprise,
}


def _secret(value: SecretStr | None) -> str:
    return value.get_secret_value() if value is not None else ""


def make_lifeline(settings: Settings, clock: Clock) -> Lifeline | None:
    """The dead man's switch, if one is configured. Raises `ConfigError`."""
    from tagtide.channels.deadman import DeadmanSwitch

    deadman = settings.deadman
    if deadman.url is None:
        return None
    try:
        return DeadmanSwitch(
            _secret(deadman.url), clock=clock, method=deadman.method, allow=deadman.allow
        )
    except InvalidInput as error:
        raise ConfigError(f"dead man's switch: {error}", hint="Correct [deadman].") from error


def masked_target(channel: ChannelSettings) -> str:
    """Where a channel leads, for people: enough to tell two apart, nothing that opens it."""
    if channel.kind == "email":
        count = len(channel.to)
        return f"{channel.host}, {count} recipient{'s' if count != 1 else ''}"
    scheme, _, rest = _secret(channel.url).partition("://")
    if channel.kind == "apprise":
        return f"{scheme}://***" if re.fullmatch(r"[a-z0-9+.-]{1,20}", scheme) else "***"
    host = urlsplit(f"https://{rest}").hostname or ""
    if not re.fullmatch(r"[a-z0-9.:\[\]-]{1,253}", host):
        return "***"
    # What stands in front of the last names of a host may be a token.
    labels = host.split(".")
    hidden = len(labels) > 3 and not host.replace(".", "").isdigit()
    shown = "***." + ".".join(labels[-2:]) if hidden else host
    return f"{'http' if scheme == 'http' else 'https'}://{shown}/***"


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
