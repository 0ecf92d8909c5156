"""``tagtide channels``: list and test."""

from __future__ import annotations

import asyncio
import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import click

from tagtide.bootstrap import make_channel, masked_target, open_app, system_clock
from tagtide.cli.options import common_options, json_option, print_json, read_settings
from tagtide.cli.options import run as run_async
from tagtide.cli.show import print_blocks
from tagtide.core.formats import clean_text, instant_text, iso_utc, whole
from tagtide.core.messages import Cell, Column, Kind, Note, Table, Tone
from tagtide.errors import ConfigError, NotFound, StorageError
from tagtide.ports import Clock
from tagtide.services.channel_test import send_test
from tagtide.services.deliveries import Standing, standings
from tagtide.settings import Loaded, Settings

#: What is said of a channel that cannot be used as it is configured.
_UNUSABLE = "unusable"
#: And of one whose far end says that its address is no longer in use, or takes nothing just now.
_DISABLED, _BACKING_OFF = "disabled", "backing_off"
_EMPTY = "No channel is configured: alerts are only listed. `tagtide init` shows how to set one."


@click.group()
def channels() -> None:
    """Ways to tell people."""


@channels.command("list")
@common_options
@json_option
def list_(config: str | None, database: str | None, as_json: bool) -> None:
    """Every channel: where it leads (masked), whether it takes messages, what waits.

    Sends nothing.
    """
    loaded = read_settings(config, database)
    listed, unknown = run_async(lambda: _list(loaded))
    if as_json:
        print_json({"channels": [_body(one) for one in listed]})
        return
    columns = (
        *map(Column, ("Channel", "Kind", "Leads to", "State")),
        Column("Waiting", Kind.NUMBER),
        Column("Given up", Kind.NUMBER),
        Column("Why"),
    )
    rows = tuple(_row(one) for one in listed)
    print_blocks([Table("Channels", columns, rows, empty=_EMPTY)])
    print_blocks([Note(sentence, Tone.WARN) for sentence in (*unknown, *_advice(listed))])


@dataclass(frozen=True, slots=True)
class _Listed:
    """One channel as it is configured, and how it stands."""

    name: str
    kind: str
    target: str
    #: What is wrong with its settings; empty when it can be used.
    problem: str
    #: None: the database does not say.
    standing: Standing | None

    @property
    def state(self) -> str:
        if self.problem:
            return _UNUSABLE
        endpoint = self.standing.endpoint if self.standing else None
        if endpoint and endpoint.disabled_at:
            return _DISABLED
        return _BACKING_OFF if endpoint and endpoint.failing_since else "ready"


async def _list(loaded: Loaded) -> tuple[list[_Listed], list[str]]:
    """Every channel, and why nothing is known of how they stand."""
    settings, unknown = loaded.settings, []
    standing: dict[str, Standing] = {}
    if settings.channels:
        try:
            async with open_app(loaded, source=False) as app:
                standing = await standings(app.context)
        except StorageError as error:
            unknown = [f"What waits for them is not known: {error}"]
    problems = await _problems(settings)
    listed = [
        _Listed(name, channel.kind, masked_target(channel), problems[name], standing.get(name))
        for name, channel in settings.channels.items()
    ]
    return listed, unknown


async def _problems(settings: Settings) -> dict[str, str]:
    """What is wrong with each channel; empty when it can be used."""
    found: dict[str, str] = {}
    for name in settings.channels:
        try:
            channel = make_channel(settings, name, system_clock())
        except ConfigError as error:
            found[name] = str(error)
        else:
            found[name] = ""
            await channel.aclose()
    return found


def _body(one: _Listed) -> dict[str, Any]:
    endpoint = one.standing.endpoint if one.standing else None
    return {
        "name": one.name,
        "kind": one.kind,
        "target": one.target,
        "state": one.state,
        "reason": one.problem or (endpoint.last_error if endpoint else None) or None,
        "failing_since": _iso(endpoint.failing_since if endpoint else None),
        "failures": endpoint.failures if endpoint else None,
        "next_attempt_at": _iso(endpoint.next_attempt_at if endpoint else None),
        "disabled_at": _iso(endpoint.disabled_at if endpoint else None),
        "waiting": one.standing.waiting if one.standing else None,
        "oldest_waiting_at": _iso(one.standing.oldest_at if one.standing else None),
        "given_up": one.standing.dead if one.standing else None,
    }


def _iso(at: datetime | None) -> str | None:
    return iso_utc(at) if at else None


def _row(one: _Listed) -> tuple[Cell, ...]:
    standing = one.standing
    endpoint = standing.endpoint if standing else None
    why = one.problem or (endpoint.last_error if endpoint else None) or ""
    return (
        Cell(one.name),
        Cell(one.kind),
        Cell(one.target),
        Cell(_state(one), tone=Tone.PLAIN if one.state == "ready" else Tone.WARN),
        Cell(whole(standing.waiting if standing else None)),
        Cell(whole(standing.dead if standing else None)),
        Cell(clean_text(why, 200)),
    )


def _state(one: _Listed) -> str:
    endpoint = one.standing.endpoint if one.standing else None
    if endpoint and one.state == _DISABLED:
        return f"disabled since {_utc(endpoint.disabled_at)}"
    if endpoint and one.state == _BACKING_OFF:
        return f"backing off until {_utc(endpoint.next_attempt_at or endpoint.failing_since)}"
    return one.state


def _utc(at: datetime | None) -> str:
    return f"{instant_text(at, UTC)} UTC"


def _advice(listed: Sequence[_Listed]) -> list[str]:
    """What a person can do about each channel that takes nothing."""
    when = {_DISABLED: "when its address is right", _BACKING_OFF: "to try it now"}
    return [
        f"{one.name}, {when[one.state]}: tagtide deliveries enable {one.name}"
        for one in listed
        if one.state in when
    ]


@dataclass(frozen=True, slots=True)
class _Tried:
    """What became of one test message."""

    name: str
    kind: str
    #: ``ok``, ``unusable``, or a `Fault`.
    result: str
    message: str = ""
    hint: str = ""

    @property
    def is_good(self) -> bool:
        return self.result == "ok"


@channels.command()
@click.argument("names", nargs=-1)
@common_options
@json_option
def test(names: Sequence[str], config: str | None, database: str | None, as_json: bool) -> int:
    """Send a message that is marked as a test through every channel, or through those named.

    It takes the way of an alert. Says per channel `ok` or why not; exit code 1 when one failed.
    """
    settings = read_settings(config, database).settings
    chosen = _chosen(settings, names)
    tried = run_async(lambda: _try_all(settings, chosen))
    if as_json:
        print_json(
            {
                "ok": all(t.is_good for t in tried),
                "channels": [
                    {
                        "name": t.name,
                        "kind": t.kind,
                        "ok": t.is_good,
                        "result": t.result,
                        "message": t.message or None,
                        "hint": t.hint or None,
                    }
                    for t in tried
                ],
            }
        )
    else:
        columns = (Column("Channel"), Column("Kind"), Column("Result"), Column("Why"))
        rows = tuple(
            (
                Cell(t.name),
                Cell(t.kind),
                Cell(t.result, tone=Tone.PLAIN if t.is_good else Tone.WARN),
                Cell(t.message),
            )
            for t in tried
        )
        print_blocks([Table("Test messages", columns, rows, empty=_EMPTY)])
        print_blocks([Note(f"{t.name}: {t.hint}", Tone.WARN) for t in tried if t.hint])
    return 0 if all(t.is_good for t in tried) else 1


def _chosen(settings: Settings, names: Sequence[str]) -> list[str]:
    known = list(settings.channels)
    for name in names:
        if name not in settings.channels:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"Did you mean {near[0]!r}?" if near else f"There are {', '.join(known)}."
            raise NotFound(f"there is no channel {name!r}", hint=hint if known else _EMPTY)
    return list(dict.fromkeys(names)) or known


async def _try_all(settings: Settings, names: Sequence[str]) -> list[_Tried]:
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_try(settings, n, system_clock())) for n in names]
    return [task.result() for task in tasks]


async def _try(settings: Settings, name: str, clock: Clock) -> _Tried:
    kind = settings.channels[name].kind
    try:
        channel = make_channel(settings, name, clock)
    except ConfigError as refused:
        return _Tried(name, kind, _UNUSABLE, str(refused), refused.hint)
    try:
        error = await send_test(channel, clock)
    finally:
        await channel.aclose()
    if error is not None:
        return _Tried(name, kind, error.fault.value, str(error), error.hint)
    return _Tried(name, kind, "ok")
