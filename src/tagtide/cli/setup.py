"""``tagtide init``, ``doctor`` and ``config``."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import click

from tagtide.bootstrap import (
    api_key,
    make_channel,
    make_lifeline,
    make_source,
    masked_target,
    open_app,
    system_clock,
)
from tagtide.cli.options import common_options, json_option, print_json, read_settings
from tagtide.cli.options import run as run_async
from tagtide.cli.show import print_blocks
from tagtide.core.messages import Cell, Column, Note, Paragraph, Table, Tone
from tagtide.errors import ConfigError, Conflict, SourceError, TagtideError
from tagtide.ports import Balance, Clock
from tagtide.settings import Loaded, load, mask_url
from tagtide.settings_file import template

#: Seconds the machine's clock may differ from the API's before schedules are in doubt.
_LATEST_PLAUSIBLE = datetime(2100, 1, 1, tzinfo=UTC)
_EARLIEST_PLAUSIBLE = datetime(2026, 1, 1, tzinfo=UTC)


@click.command()
@click.option("--force", is_flag=True, help="Write the file again although it exists.")
@common_options
def init(force: bool, config: str | None, database: str | None) -> None:
    """Write a commented tagtide.toml and create the database."""
    front = click.get_current_context().find_root().obj or {}
    path = Path(config or front.get("config") or "tagtide.toml")
    if path.exists() and not force:
        raise Conflict(f"{path} exists already", hint="Edit it, or use --force to start afresh.")
    try:
        path.touch(mode=0o600)
        path.write_text(template(), encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror}") from error
    loaded = load(config=str(path), database=database or front.get("database"))

    async def create() -> None:
        async with open_app(loaded, source=False, migrate=True):
            pass

    run_async(create)
    print_blocks(
        [
            Paragraph(f"Wrote {path} and created {mask_url(loaded.settings.database.url)}."),
            Paragraph(
                "Next: put your key into SCAVIO_API_KEY, then `tagtide doctor`, then "
                "`tagtide campaign add NAME --hashtag yours --competitor theirs`."
            ),
        ]
    )


@click.group()
def config() -> None:
    """The configuration in force."""


@config.command("show")
@common_options
@json_option
def show(config: str | None, database: str | None, as_json: bool) -> None:
    """Every value and where it came from; secrets masked."""
    loaded = read_settings(config, database)
    values = loaded.effective()
    if as_json:
        print_json(
            {
                "file": str(loaded.path) if loaded.path else None,
                "values": {v.key: {"value": v.value, "from": v.origin} for v in values},
            }
        )
        return
    columns = (Column("Key"), Column("Value"), Column("From"))
    rows = tuple(
        (
            Cell(v.key),
            Cell(v.value),
            Cell(v.origin, tone=Tone.MUTED if v.origin == "default" else Tone.PLAIN),
        )
        for v in values
    )
    print_blocks([Table("Configuration", columns, rows)])


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing `doctor` looked at."""

    what: str
    is_good: bool
    found: str
    #: What to do when it is not good.
    remedy: str = ""


@click.command()
@common_options
@json_option
def doctor(config: str | None, database: str | None, as_json: bool) -> int:
    """Check config, database, key, balance, channels and clock; say what to do.

    Asks the provider for the balance, which is free. Sends no message.
    """
    loaded = read_settings(config, database)
    findings = run_async(lambda: _examine(loaded))
    if as_json:
        print_json(
            {
                "ok": all(f.is_good for f in findings),
                "checks": [
                    {"check": f.what, "ok": f.is_good, "found": f.found, "remedy": f.remedy}
                    for f in findings
                ],
            }
        )
    else:
        columns = (Column("Check"), Column("Verdict"), Column("Found"))
        rows = tuple(
            (
                Cell(f.what),
                Cell("ok" if f.is_good else "NOT OK", tone=Tone.PLAIN if f.is_good else Tone.WARN),
                Cell(f.found),
            )
            for f in findings
        )
        print_blocks([Table("Doctor", columns, rows)])
        print_blocks([Note(f"{f.what}: {f.remedy}", Tone.WARN) for f in findings if f.remedy])
    return 0 if all(f.is_good for f in findings) else 1


async def _examine(loaded: Loaded) -> list[Finding]:
    clock = system_clock()
    found = [_configuration(loaded), _clock(clock.now())]
    found.append(await _guarded("database", lambda: _database(loaded)))
    try:
        api_key(loaded.settings)
    except ConfigError as error:
        found.append(Finding("key", False, str(error), error.hint))
    else:
        found.append(Finding("key", True, "set"))
        found.append(await _guarded("data API", lambda: _api(loaded, clock)))
    found += await _all_channels(loaded)
    found.append(await _guarded("dead man's switch", lambda: _deadman(loaded, clock)))
    return found


async def _guarded(what: str, check: Callable[[], Awaitable[Finding]]) -> Finding:
    try:
        return await asyncio.wait_for(check(), timeout=30)
    except TimeoutError:
        return Finding(what, False, "no answer within 30 seconds", "Check the network.")
    except TagtideError as error:
        return Finding(what, False, str(error), error.hint)


def _configuration(loaded: Loaded) -> Finding:
    warnings = loaded.warnings()
    where = str(loaded.path) if loaded.path else "no file; defaults and environment"
    if warnings:
        return Finding("configuration", False, where, " ".join(warnings))
    return Finding("configuration", True, where)


def _clock(now: datetime) -> Finding:
    stated = f"{now:%Y-%m-%d %H:%M} UTC"
    if _EARLIEST_PLAUSIBLE <= now <= _LATEST_PLAUSIBLE:
        return Finding("clock", True, stated)
    return Finding("clock", False, stated, "Set the machine's clock; schedules depend on it.")


async def _database(loaded: Loaded) -> Finding:
    async with open_app(loaded, source=False) as app:
        await app.store.check_writable()
        campaigns = await app.store.campaigns()
    url = mask_url(loaded.settings.database.url)
    number = f"{len(campaigns)} campaign{'' if len(campaigns) == 1 else 's'}"
    return Finding("database", True, f"{url}, {number}")


async def _api(loaded: Loaded, clock: Clock) -> Finding:
    source = make_source(loaded.settings, clock)
    try:
        usage = await source.usage()
    except SourceError as error:
        return Finding("data API", False, str(error), error.hint or "Try again in a minute.")
    finally:
        await source.aclose()
    left = usage.credit_balance
    if left is not None:
        async with open_app(loaded, source=False) as app:
            await app.store.record_balance(
                Balance(credits_remaining=left, read_at=clock.now(), plan=usage.plan)
            )
    stated = f"plan {usage.plan or 'unknown'}, {left if left is not None else '?'} credits left"
    if left == 0:
        return Finding("data API", False, stated, "Add credits at the provider.")
    return Finding("data API", True, stated)


async def _all_channels(loaded: Loaded) -> list[Finding]:
    names = list(loaded.settings.channels)
    if not names:
        return [Finding("channels", True, "none: alerts are only listed, not sent")]
    return [await _guarded(f"channel {name}", partial(_channel, loaded, name)) for name in names]


async def _channel(loaded: Loaded, name: str) -> Finding:
    """Whether a channel can be used as it is configured; nothing is sent."""
    channel = loaded.settings.channels[name]
    await make_channel(loaded.settings, name, system_clock()).aclose()
    return Finding(f"channel {name}", True, f"{channel.kind}, {masked_target(channel)}")


async def _deadman(loaded: Loaded, clock: Clock) -> Finding:
    lifeline = make_lifeline(loaded.settings, clock)
    if lifeline is None:
        return Finding("dead man's switch", True, "none: nobody notices when tagtide falls silent")
    await lifeline.aclose()
    return Finding("dead man's switch", True, f"every {loaded.settings.deadman.every:g} s")
