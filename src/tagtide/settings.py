"""One frozen `Settings`, read once at the edge: defaults, the file, the environment, the flags.

Every problem of every source is reported at once, unknown keys with the nearest known name. Secrets
are `pydantic.SecretStr`; they never show in `repr`, in errors or in `effective()`.
"""

from __future__ import annotations

import difflib
import ipaddress
import os
import re
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import (
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)

from tagtide.channel_settings import channel_problems, deadman_problems
from tagtide.core.dispatch import DispatchPolicy
from tagtide.core.quiet import QuietHours, parse_digest
from tagtide.core.rule_limits import problems_of
from tagtide.core.schedule import DEFAULTS as SCHEDULE_DEFAULTS
from tagtide.core.schedule import Schedule
from tagtide.errors import ConfigError, InvalidInput
from tagtide.models import Job, Rule, RuleSettings
from tagtide.report_settings import ReportSettings
from tagtide.section import Section
from tagtide.settings_sources import (
    ENVIRONMENT,
    PREFIX,
    flatten,
    from_environment,
    merge,
    put,
    read_secret_files,
    read_toml,
)

#: Names of this machine.
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})

#: Calls in flight that each plan of the provider allows.
PLANS = {"free": 1, "payg": 1, "project": 5, "bootstrap": 10, "startup": 15, "growth": 50}

#: Whole numbers beyond this mean nothing, and no database column holds what is much larger.
_LARGEST = 10**15


class ApiSettings(Section):
    """The data API."""

    url: str = "https://api.scavio.dev"
    #: Better in SCAVIO_API_KEY, or in a file named by key_file.
    key: SecretStr | None = None
    plan: Literal["free", "payg", "project", "bootstrap", "startup", "growth"] = "free"
    #: Calls in flight; overrides what the plan says.
    concurrency: int | None = Field(default=None, ge=1, le=500)
    #: Seconds between the starts of two calls; 0 paces nothing beyond the concurrency.
    min_interval: float = Field(default=0.0, ge=0)
    #: Seconds: to connect, between bytes, and for a whole answer.
    connect_timeout: float = Field(default=10.0, gt=0)
    read_timeout: float = Field(default=60.0, gt=0)
    deadline: float = Field(default=90.0, gt=0)
    #: Seconds after which a hashtag gives up waiting for a free place at the API.
    slot_deadline: float = Field(default=900.0, gt=0)
    #: What a credit costs, for the reports.
    price_per_credit: float = Field(default=0.01, ge=0)
    currency: str = Field(default="USD", pattern=r"^[A-Z]{3}$")

    @field_validator("url")
    @classmethod
    def _https(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.username or parts.password:
            raise ValueError("must not hold a user or password")
        loopback = parts.hostname in LOOPBACK
        if not parts.hostname or parts.scheme not in {"https", "http"}:
            raise ValueError("must be an address such as https://api.scavio.dev")
        if parts.scheme == "http" and not loopback:
            raise ValueError("must be https; http is for this machine only")
        return value.rstrip("/")

    @property
    def in_flight(self) -> int:
        """Calls that may be in flight."""
        return self.concurrency or PLANS[self.plan]


class DatabaseSettings(Section):
    """Where everything is kept."""

    url: str = "sqlite:///tagtide.db"

    @field_validator("url")
    @classmethod
    def _scheme(cls, value: str) -> str:
        if not value.startswith(("sqlite:", "postgresql:", "postgres:", "postgresql+psycopg:")):
            raise ValueError("must start with sqlite:/// or postgresql://")
        return value


class BudgetSettings(Section):
    """How many credits may be spent; no limit where nothing is set."""

    credits_per_day: int | None = Field(default=None, ge=0, le=_LARGEST)
    credits_per_month: int | None = Field(default=None, ge=0, le=_LARGEST)
    #: Share of a limit, or of the balance, at which a warning is shown.
    warn_at: float = Field(default=0.8, gt=0, le=1)


class ScheduleSettings(Section):
    """When each job runs; the campaign's zone unless the expression ends in one."""

    collect: str = SCHEDULE_DEFAULTS[Job.COLLECT]
    track: str = SCHEDULE_DEFAULTS[Job.TRACK]
    report_daily: str = SCHEDULE_DEFAULTS[Job.REPORT_DAILY]
    report_campaign: str = SCHEDULE_DEFAULTS[Job.REPORT_CAMPAIGN]
    report_weekly: str = SCHEDULE_DEFAULTS[Job.REPORT_WEEKLY]
    report_wrapup: str = SCHEDULE_DEFAULTS[Job.REPORT_WRAPUP]

    @field_validator("*")
    @classmethod
    def _cron(cls, value: str) -> str:
        try:
            Schedule.parse(value, "UTC")
        except InvalidInput as error:
            raise ValueError(str(error)) from error
        return value


class RuleDefaults(Section):
    """Thresholds of a campaign that sets none of its own."""

    new_videos: int = Field(default=200, ge=1, le=_LARGEST)
    growth: float = Field(default=0.5, gt=0)
    growth_min_videos: int = Field(default=50, ge=0, le=_LARGEST)
    growth_min_views: int = Field(default=10_000, ge=0, le=_LARGEST)
    window_hours: float = Field(default=6.0, gt=0, le=24 * 14)
    viral_factor: float = Field(default=10.0, gt=1)
    viral_min_others: int = Field(default=10, ge=1, le=_LARGEST)
    high_priority_rate: float = Field(default=0.05, ge=0)
    high_priority_views: int = Field(default=10_000, ge=0, le=_LARGEST)
    rolling_weeks: int = Field(default=4, ge=3, le=52)
    #: False incidents expected per hashtag and month.
    false_alarms: float = 0.25
    #: Share of a threshold below which an alert ends.
    resolve_below: float = 0.5
    #: Hours after its end in which an alert that fires again is the same episode.
    reopen_hours: float = 24.0
    #: Runs in a row, and hours, that a rule must hold before it fires; 0 fires at once.
    new_videos_for_runs: int = 0
    new_videos_for_hours: float = 0.0
    growth_for_runs: int = 0
    growth_for_hours: float = 0.0
    viral_video_for_runs: int = 0
    viral_video_for_hours: float = 0.0
    statistical_for_runs: int = 0
    statistical_for_hours: float = 0.0
    enabled: tuple[Rule, ...] = RuleSettings().enabled

    @model_validator(mode="after")
    def _no_contradiction(self) -> RuleDefaults:
        if problems := problems_of(self.rules()):
            raise ValueError("; ".join(problems))
        return self

    def rules(self) -> RuleSettings:
        """The same as the model's value."""
        return RuleSettings(**self.model_dump())


class CollectSettings(Section):
    """How much of a feed is read."""

    #: Pages of up to 30 videos per hashtag and run, where a campaign sets none; 2 hold 50 videos.
    pages: int = Field(default=2, ge=1, le=200)


class ChannelSettings(Section):
    """One way to tell people; which keys a kind has, `channel_settings` knows."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_by_alias=True)

    kind: Literal["slack", "teams", "email", "webhook", "apprise"]
    url: SecretStr | None = None
    #: Signs webhook messages (Standard Webhooks, ``whsec_...``); the one before signs as well.
    secret: SecretStr | None = None
    previous_secret: SecretStr | None = None
    #: The mail server.
    host: str | None = None
    port: int | None = Field(default=None, ge=1, le=65_535)
    security: Literal["starttls", "tls", "none"] = "starttls"
    username: str | None = None
    password: SecretStr | None = None
    sender: str | None = Field(default=None, alias="from")
    to: tuple[str, ...] = ()
    #: Private networks that the channel may reach.
    allow: tuple[str, ...] = ()
    #: Wording of alerts, with {placeholders}.
    title: str | None = None
    text: str | None = None
    numbers: Literal["1,234.5", "1.234,5", "1 234,5", "1'234.5", "1234.5"] = "1,234.5"
    clock: Literal["24h", "12h"] = "24h"
    #: Interruptions in any seven days; what is over goes into the digest. No limit when absent.
    weekly_budget: int | None = Field(default=None, ge=0)
    #: "22:00-08:00 Europe/Paris": alerts wait until their end.
    quiet_hours: str | None = None
    #: "09:00 Europe/Paris", or cron and zone: a daily line of what fires and what was held.
    digest: str | None = None

    @field_validator("to", "allow", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return _items(value)

    @field_validator("allow")
    @classmethod
    def _networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return _checked_networks(value)

    @field_validator("quiet_hours")
    @classmethod
    def _hours(cls, value: str | None) -> str | None:
        return _checked(QuietHours.parse, value)

    @field_validator("digest")
    @classmethod
    def _digest_time(cls, value: str | None) -> str | None:
        return _checked(parse_digest, value)

    def dispatch(self) -> DispatchPolicy:
        """The same as the policy of its queue; Slack takes one message a second and few an hour."""
        is_slack = self.kind == "slack"
        return DispatchPolicy(
            weekly_budget=self.weekly_budget,
            quiet=QuietHours.parse(self.quiet_hours) if self.quiet_hours else None,
            digest=parse_digest(self.digest) if self.digest else None,
            pace=timedelta(seconds=1) if is_slack else timedelta(),
            per_hour=20 if is_slack else None,
        )


def _checked(parse: Callable[[str], object], value: str | None) -> str | None:
    """The text as it is, once it could be read."""
    try:
        if value is not None:
            parse(value)
    except InvalidInput as error:
        raise ValueError(f"{error} {error.hint}".strip()) from error
    return value


def _items(value: object) -> object:
    """A list; in the environment its items stand with commas between them."""
    if isinstance(value, str):
        return [item.strip() for item in value.split(",") if item.strip()]
    return value


def _checked_networks(texts: tuple[str, ...]) -> tuple[str, ...]:
    for text in texts:
        try:
            ipaddress.ip_network(text)
        except ValueError as error:
            raise ValueError("must be networks such as 10.1.0.0/16") from error
    return texts


class DeadmanSettings(Section):
    """A dead man's switch: an address outside that raises the alarm when tagtide falls silent."""

    #: Such as https://hc-ping.com/...; whoever knows it can ping.
    url: SecretStr | None = None
    #: Seconds between two pings.
    every: float = Field(default=60.0, ge=10, le=86_400)
    method: Literal["GET", "POST"] = "GET"
    #: Private networks that the address may lead to.
    allow: tuple[str, ...] = ()

    @field_validator("allow")
    @classmethod
    def _networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return _checked_networks(value)


class DeskSettings(Section):
    """The review desk: requests for rights, and reminders."""

    #: Name of the brand in requests; the campaign's name where none is set.
    brand: str | None = Field(default=None, min_length=1, max_length=100)
    #: People are reminded of a request that has no answer after so many days.
    unanswered_days: int = Field(default=7, ge=1, le=365)
    #: Hour of the day, in the campaign's zone, from which people are reminded.
    remind_hour: int = Field(default=9, ge=0, le=23)


class WebSettings(Section):
    """Pages of `tagtide serve`."""

    host: str = "127.0.0.1"
    port: int = Field(default=8765, ge=0, le=65535)
    #: Where people reach these pages, for links in messages.
    public_url: str | None = None
    #: Networks whose X-Forwarded-For is believed: those of the reverse proxy, if there is one.
    proxies: tuple[str, ...] = ()
    #: A session ends after so many hours without a request, and so many days after the login.
    session_idle_hours: float = Field(default=12.0, gt=0, le=24 * 366)
    session_days: float = Field(default=30.0, gt=0, le=366)
    #: Nobody has to log in; everybody who reaches the pages is an operator. For demos.
    open_on_loopback: bool = False

    @field_validator("proxies", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return _items(value)

    @field_validator("proxies")
    @classmethod
    def _networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return _checked_networks(value)

    @model_validator(mode="after")
    def _open_only_here(self) -> WebSettings:
        if self.open_on_loopback and (self.host not in LOOPBACK or self.public_url is not None):
            raise ValueError(
                "open_on_loopback is for this machine alone: host must be 127.0.0.1, ::1 or "
                "localhost, and public_url must not be set"
            )
        return self

    @field_validator("public_url")
    @classmethod
    def _page(cls, value: str | None) -> str | None:
        if value is None:
            return None
        parts = urlsplit(value)
        odd = any(c in value for c in "\\<>|\"'` ") or not value.isprintable()
        if odd or parts.scheme not in {"https", "http"} or not parts.hostname or "@" in value:
            raise ValueError("must be an address such as https://tagtide.example.com")
        return value

    def home(self) -> str:
        """Where links begin, without a slash at the end: ``public_url``, else this machine."""
        if self.public_url:
            return self.public_url.rstrip("/")
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"


class McpSettings(Section):
    """The server for agents: `tagtide mcp`, and /mcp of `tagtide serve`. Reading is always on."""

    #: Answer at /mcp of `tagtide serve` too; asks for a token.
    http: bool = False
    #: Let agents start runs, which spend credits ...
    may_spend: bool = False
    #: ... at most so many in a day of UTC, all agents together.
    credits_per_day: int = Field(default=0, ge=0, le=_LARGEST)
    #: Let agents acknowledge and mute alerts.
    may_change: bool = False
    #: Calls of one agent in any minute.
    calls_per_minute: int = Field(default=60, ge=1, le=100_000)


class LogSettings(Section):
    """What is logged to stderr."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["auto", "console", "json"] = "auto"


class Settings(Section):
    """The whole configuration of an installation. Campaigns live in the database."""

    api: ApiSettings = ApiSettings()
    database: DatabaseSettings = DatabaseSettings()
    budget: BudgetSettings = BudgetSettings()
    schedules: ScheduleSettings = ScheduleSettings()
    rules: RuleDefaults = RuleDefaults()
    collect: CollectSettings = CollectSettings()
    channels: dict[str, ChannelSettings] = Field(default_factory=dict)
    deadman: DeadmanSettings = DeadmanSettings()
    desk: DeskSettings = DeskSettings()
    reports: ReportSettings = ReportSettings()
    web: WebSettings = WebSettings()
    mcp: McpSettings = McpSettings()
    log: LogSettings = LogSettings()


@dataclass(frozen=True, slots=True)
class Effective:
    """One value in force, for `tagtide config show`."""

    key: str
    value: str
    origin: str


@dataclass(frozen=True, slots=True)
class Loaded:
    """Settings and where each value came from."""

    settings: Settings
    #: Configuration file in use, if any.
    path: Path | None
    #: Dotted key to origin; keys at their default are absent.
    origins: Mapping[str, str]

    def effective(self) -> list[Effective]:
        """Every value with its origin; secrets and passwords masked."""
        return [
            Effective(key, _shown(key, value), self.origins.get(key, "default"))
            for key, value in flatten(self.settings.model_dump(by_alias=True))
        ]

    def warnings(self) -> list[str]:
        """What is legal but unwise, a sentence each."""
        found: list[str] = []
        if (
            self.path
            and _holds_secret(self)
            and self.path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO)
        ):
            found.append(
                f"{self.path} holds a secret and others can read it: chmod 600 {self.path}"
            )
        return found


def find_config(explicit: str | None, environ: Mapping[str, str], cwd: Path) -> Path | None:
    """The file to read: the one named, ``tagtide.toml`` here, or the one in the user's folder."""
    named = explicit or environ.get("TAGTIDE_CONFIG")
    if named:
        path = Path(named).expanduser()
        if not path.is_file():
            raise ConfigError(
                f"there is no configuration file {path}", hint="Make one with `tagtide init`."
            )
        return path
    home = environ.get("XDG_CONFIG_HOME") or str(
        Path(environ.get("HOME", "/nonexistent")) / ".config"
    )
    for path in (cwd / "tagtide.toml", Path(home) / "tagtide" / "tagtide.toml"):
        if path.is_file():
            return path
    return None


def load(
    *,
    config: str | None = None,
    database: str | None = None,
    environ: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> Loaded:
    """Read and check everything. Raises `ConfigError` with every problem found."""
    environ = os.environ if environ is None else environ
    cwd = Path.cwd() if cwd is None else cwd
    path = find_config(config, environ, cwd)
    problems: list[str] = []
    values: dict[str, Any] = {}
    origins: dict[str, str] = {}
    if path is not None:
        merge(values, origins, read_toml(path), str(path))
        read_secret_files(values, origins, path, problems)
    for key, value, origin in from_environment(environ, problems):
        put(values, key, value)
        origins[key] = origin
    if database:
        put(values, "database.url", database)
        origins["database.url"] = "--database"
    found = [
        *channel_problems(values.get("channels"), origins, str(path)),
        *deadman_problems(values.get("deadman"), origins, str(path)),
    ]
    for key, sentence in found:
        origin = origins.get(key, str(path))
        problems.append(sentence if origin == str(path) else f"{sentence} (from {origin})")
    try:
        settings = Settings.model_validate(values)
    except ValidationError as error:
        said = {key for key, _ in found}
        problems += [_sentence(e, origins) for e in error.errors() if _key(e) not in said]
        raise ConfigError(problems, hint=_where(problems, path)) from None
    if problems:
        raise ConfigError(problems, hint=_where(problems, path))
    return Loaded(_anchor(settings, path, origins), path, origins)


def _where(problems: list[str], path: Path | None) -> str:
    """What to correct: where the values in question came from."""
    if all("(from --database)" in problem for problem in problems):
        return "Correct --database and try again."
    if path is None or all(_is_from_environment(problem) for problem in problems):
        return "Correct the environment and try again."
    return f"Correct {path} and try again."


def _is_from_environment(problem: str) -> bool:
    names = (*ENVIRONMENT, PREFIX)
    return any(f"(from {name}" in problem or problem.startswith(name) for name in names)


def _key(item: Any) -> str:
    return ".".join(str(part) for part in item["loc"])


def _sentence(item: Any, origins: Mapping[str, str]) -> str:
    location, key = [str(part) for part in item["loc"]], _key(item)
    origin = origins.get(key) or next((o for k, o in origins.items() if k.startswith(key)), "")
    where = f" (from {origin})" if origin else ""
    if item["type"] == "extra_forbidden":
        near = difflib.get_close_matches(location[-1], _names(location[:-1]), n=1)
        meant = f"; did you mean {near[0]!r}?" if near else ""
        return f"unknown key {key!r}{where}{meant}"
    return f"{key}{where}: {item['msg'].removeprefix('Value error, ')}"


def _names(parents: list[str]) -> list[str]:
    model: Any = Settings
    for parent in parents:
        if model is Settings and parent == "channels":
            model = None
        elif model is None:
            model = ChannelSettings
        elif parent in model.model_fields:
            model = model.model_fields[parent].annotation
    fields = {} if model is None else model.model_fields
    return [field.alias or name for name, field in fields.items()]


def _anchor(settings: Settings, path: Path | None, origins: Mapping[str, str]) -> Settings:
    """A relative SQLite path lies beside the configuration file, unless it came from elsewhere."""
    url = settings.database.url
    from_file = origins.get("database.url") in {None, str(path)}
    relative = url.startswith("sqlite:///") and not url.startswith("sqlite:////") and len(url) > 10
    if not (path and from_file and relative) or url == "sqlite:///:memory:":
        return settings
    absolute = (path.parent / url.removeprefix("sqlite:///")).absolute()
    database = settings.database.model_copy(update={"url": f"sqlite:///{absolute}"})
    return settings.model_copy(update={"database": database})


def _holds_secret(loaded: Loaded) -> bool:
    return any(
        origin == str(loaded.path) and isinstance(_get(loaded.settings, key), SecretStr)
        for key, origin in loaded.origins.items()
    )


def _get(settings: Settings, key: str) -> Any:
    node: Any = settings
    for part in key.split("."):
        node = node.get(part) if isinstance(node, dict) else getattr(node, part, None)
    return node


def _shown(key: str, value: Any) -> str:
    if isinstance(value, SecretStr):
        return "(set, hidden)"
    if value is None:
        return "(not set)"
    if key == "database.url":
        return mask_url(str(value))
    if isinstance(value, tuple):
        return ", ".join(str(getattr(v, "value", v)) for v in value)
    return str(value)


def mask_url(url: str) -> str:
    """The address without its password, for messages."""
    shown = re.sub(r"(?i)([?&](?:ssl)?password=)[^&#]*", r"\1***", url)
    parts = urlsplit(shown)
    if not parts.password:
        return shown
    return shown.replace(f":{parts.password}@", ":***@", 1)
