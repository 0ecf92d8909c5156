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
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import (
    BaseModel,
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

#: Names of this machine.
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})

#: Calls in flight that each plan of the provider allows.
PLANS = {"free": 1, "payg": 1, "project": 5, "bootstrap": 10, "startup": 15, "growth": 50}

#: Environment variables with a name of their own; each also exists with ``_FILE`` behind it.
ENVIRONMENT = {
    "SCAVIO_API_KEY": "api.key",
    "TAGTIDE_API_URL": "api.url",
    "TAGTIDE_DATABASE_URL": "database.url",
}
PREFIX = "TAGTIDE_"
#: Whole numbers beyond this mean nothing, and no database column holds what is much larger.
_LARGEST = 10**15


class Section(BaseModel):
    """A table of the file: unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


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


class WebSettings(Section):
    """Status pages of `tagtide serve`."""

    host: str = "127.0.0.1"
    port: int = Field(default=8765, ge=0, le=65535)
    #: Where people reach these pages, for links in messages.
    public_url: str | None = None

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
    web: WebSettings = WebSettings()
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
            for key, value in _flatten(self.settings.model_dump(by_alias=True))
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
        _merge(values, origins, _read_toml(path), str(path))
        _read_secret_files(values, origins, path, problems)
    for key, value, origin in _from_environment(environ, problems):
        _set(values, key, value)
        origins[key] = origin
    if database:
        _set(values, "database.url", database)
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


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path} is not valid TOML: {error}") from error
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read: {type(error).__name__}") from error


def _merge(
    values: dict[str, Any], origins: dict[str, str], new: dict[str, Any], origin: str
) -> None:
    for name, value in _flatten(new):
        key = _canonical(name)
        _set(values, key, value)
        origins[key] = origin


def _canonical(key: str) -> str:
    """``address`` of a channel is another name of ``url``, as a person would call it."""
    return re.sub(r"^(channels\.[^.]+\.)address(?=$|_file$)", r"\1url", key)


def _flatten(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in tree.items():
        if isinstance(value, Mapping) and value:
            yield from _flatten(value, f"{prefix}{key}.")
        elif not isinstance(value, Mapping):
            yield f"{prefix}{key}", value


def _set(values: dict[str, Any], key: str, value: Any) -> None:
    *parents, last = key.split(".")
    node = values
    for parent in parents:
        child = node.setdefault(parent, {})
        if not isinstance(child, dict):
            child = node[parent] = {}
        node = child
    node[last] = value


def _read_secret_files(
    values: dict[str, Any], origins: dict[str, str], path: Path, problems: list[str]
) -> None:
    """Replace ``NAME_file`` by the content of that file, for the secrets a file may hold."""
    found = dict(_flatten(values))
    for key in [k for k in found if k.endswith(_SECRET_FILES)]:
        target = key.removesuffix("_file")
        file = path.parent / str(found[key])
        _drop(values, key)
        origins.pop(key, None)
        if target in found:
            problems.append(f"{target} and {key} are both set; keep one of them")
        try:
            _set(values, target, file.read_text(encoding="utf-8").strip())
            origins[target] = str(file)
        except (OSError, UnicodeDecodeError) as error:
            problems.append(f"{key}: {file} cannot be read ({type(error).__name__})")


#: Keys that may stand in a file of their own.
_SECRET_FILES = ("key_file", "url_file", "secret_file", "password_file")


def _drop(values: dict[str, Any], key: str) -> None:
    *parents, last = key.split(".")
    for parent in parents:
        values = values[parent]
    values.pop(last)


def _from_environment(
    environ: Mapping[str, str], problems: list[str]
) -> Iterator[tuple[str, str, str]]:
    for name, value in sorted(environ.items()):
        base = name.removesuffix("_FILE")
        key = ENVIRONMENT.get(base)
        if key is None and base.startswith(PREFIX) and "__" in base:
            key = _canonical(base.removeprefix(PREFIX).lower().replace("__", "."))
        if key is None or not value:
            continue
        if base == name:
            yield key, value, name
            continue
        try:
            yield key, Path(value).read_text(encoding="utf-8").strip(), name
        except (OSError, UnicodeDecodeError) as error:
            problems.append(f"{name}: {value} cannot be read ({type(error).__name__})")


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


# --- the file that `tagtide init` writes ----------------------------------------------------------

_INTRO = """\
# tagtide: settings of this installation. Campaigns live in the database (`tagtide campaign add`).
# Every line is a default; take away the # in front of a key to change it.
# Secrets are better kept outside: SCAVIO_API_KEY, or NAME_file = "path" for key, url and secret.
"""

_OUTRO = """\

# Where alerts go. One table per channel; the name is yours. `tagtide channels test` tries them.
# Keys of every kind:
#   allow = ["10.1.0.0/16"]         # private networks it may reach; only in this file
# Keys of every kind but webhook:
#   title = "{kind}: #{hashtag}"    # wording; the placeholders are listed in docs/channels.md
#   text = "{reason} {explanation}"
#   numbers = "1,234.5"             # or "1.234,5", "1 234,5", "1'234.5", "1234.5"
#   clock = "24h"                   # or "12h"
#[channels.team]
#kind = "slack"
#url_file = "slack-url.txt"      # of an incoming webhook; a secret: keep it in a file of its own
#weekly_budget = 10              # interruptions in any seven days; the rest goes into the digest
#quiet_hours = "22:00-08:00 Europe/Paris"
#digest = "09:00 Europe/Paris"   # or a cron expression and a zone
#[channels.office]
#kind = "teams"
#url_file = "teams-url.txt"      # of a workflow "when a Teams webhook request is received"
#[channels.mail]
#kind = "email"
#host = "smtp.example.com"
#port = 587                      # 465 with security = "tls"
#security = "starttls"           # or tls; none is for this machine only
#username = "tagtide"
#password_file = "smtp-password.txt"
#from = "tagtide@example.com"
#to = ["ana@example.com", "ben@example.com"]
#[channels.crm]
#kind = "webhook"
#url_file = "webhook-url.txt"
#secret_file = "webhook-secret.txt"           # signs messages (Standard Webhooks)
#previous_secret_file = "webhook-secret-before.txt"   # while receivers change over to the new one
#[channels.phone]
#kind = "apprise"                # needs: pip install 'tagtide[apprise]'
#url_file = "apprise-url.txt"
"""


def template() -> str:
    """The commented configuration file: every key at its default."""
    parts = [_INTRO]
    for name, field in Settings.model_fields.items():
        section = field.annotation
        if not (isinstance(section, type) and issubclass(section, Section)):
            continue
        parts.append(f"\n# {(section.__doc__ or '').strip()}\n[{name}]\n")
        parts += [_line(section, key) for key in section.model_fields]
    return "".join([*parts, _OUTRO])


def _line(section: type[Section], key: str) -> str:
    default = section.model_fields[key].default
    comment = _COMMENTS.get(f"{section.__name__}.{key}", "")
    text = f"#{key} ="
    if default is not None:
        text += f" {_toml(default)}"
    if key == "key":
        text = '#key_file = "scavio-key.txt"'
    if section is DeadmanSettings and key == "url":
        text = '#url_file = "deadman-url.txt"'
    return (
        f"{text:<46}  # {comment}".rstrip(" #") + "\n"
        if not comment
        else f"{text:<46}  # {comment}\n"
    )


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return "[" + ", ".join(_toml(v) for v in value) + "]"
    return f'"{value}"' if isinstance(value, str) else str(value)


_COMMENTS = {
    "ApiSettings.key": "or set SCAVIO_API_KEY",
    "ApiSettings.plan": ", ".join(PLANS),
    "ApiSettings.concurrency": "calls in flight, where the plan is not listed",
    "ApiSettings.min_interval": "seconds between two calls; 0 paces nothing",
    "ApiSettings.deadline": "seconds for a whole answer",
    "ApiSettings.slot_deadline": "seconds one hashtag may wait for the API",
    "ApiSettings.price_per_credit": "for the reports",
    "DatabaseSettings.url": "or postgresql://user@host/name",
    "BudgetSettings.credits_per_day": "no limit when absent",
    "BudgetSettings.credits_per_month": "no limit when absent",
    "BudgetSettings.warn_at": "share of a limit that warns",
    "ScheduleSettings.collect": "in each campaign's zone",
    "ScheduleSettings.track": "the zone behind it wins",
    "RuleDefaults.new_videos": "per window",
    "RuleDefaults.growth": "0.5 is +50 % in the window",
    "RuleDefaults.viral_factor": "times the mean of the other videos",
    "RuleDefaults.false_alarms": "expected per hashtag and month; statistical rule",
    "RuleDefaults.high_priority_rate": "engagement rate, a fraction",
    "RuleDefaults.resolve_below": "share of its threshold below which an alert ends",
    "RuleDefaults.reopen_hours": "back within this time is the same episode",
    "RuleDefaults.new_videos_for_runs": "runs in a row it must hold before it fires",
    "RuleDefaults.new_videos_for_hours": "and hours; the same for the other rules",
    "CollectSettings.pages": "feed pages of 30 per hashtag",
    "DeadmanSettings.url": "the address to ping is a secret",
    "DeadmanSettings.every": "seconds between two pings",
    "DeadmanSettings.allow": "private networks it may lead to; only here",
    "WebSettings.public_url": "where people reach the pages, for links in messages",
    "WebSettings.host": "other addresses are for behind a proxy",
    "LogSettings.format": "auto, console or json",
}
