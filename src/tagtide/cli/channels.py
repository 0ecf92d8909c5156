"""``tagtide channels``: list and test."""

from __future__ import annotations

import asyncio
import difflib
from collections.abc import Sequence
from dataclasses import dataclass

import click

from tagtide.bootstrap import make_channel, masked_target, system_clock
from tagtide.cli.options import common_options, json_option, print_json, read_settings
from tagtide.cli.options import run as run_async
from tagtide.cli.show import print_blocks
from tagtide.core.messages import Cell, Column, Note, Table, Tone
from tagtide.core.messages.notification import check_payload
from tagtide.errors import ConfigError, DeliveryError, NotFound
from tagtide.models import Notification
from tagtide.ports import Clock
from tagtide.settings import Settings

#: What is said of a channel that cannot be used as it is configured.
_UNUSABLE = "unusable"
_EMPTY = "No channel is configured: alerts are only listed. `tagtide init` shows how to set one."


@click.group()
def channels() -> None:
    """Ways to tell people."""


@channels.command("list")
@common_options
@json_option
def list_(config: str | None, database: str | None, as_json: bool) -> None:
    """Every channel, where it leads (masked), and whether it can be used. Sends nothing."""
    settings = read_settings(config, database).settings
    states = run_async(lambda: _states(settings))
    if as_json:
        print_json(
            {
                "channels": [
                    {
                        "name": name,
                        "kind": settings.channels[name].kind,
                        "target": masked_target(settings.channels[name]),
                        "state": _UNUSABLE if problem else "ready",
                        "reason": problem or None,
                    }
                    for name, problem in states.items()
                ]
            }
        )
        return
    columns = (Column("Channel"), Column("Kind"), Column("Leads to"), Column("State"))
    rows = tuple(
        (
            Cell(name),
            Cell(settings.channels[name].kind),
            Cell(masked_target(settings.channels[name])),
            Cell(problem or "ready", tone=Tone.WARN if problem else Tone.PLAIN),
        )
        for name, problem in states.items()
    )
    print_blocks([Table("Channels", columns, rows, empty=_EMPTY)])


async def _states(settings: Settings) -> dict[str, str]:
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
    except ConfigError as error:
        return _Tried(name, kind, _UNUSABLE, str(error), error.hint)
    now = clock.now()
    message = Notification(
        notification_id=clock.token(),
        channel=name,
        alert_id=None,
        kind="test",
        created_at=now,
        due_at=now,
        payload=check_payload(name, now),
    )
    try:
        await channel.send(message)
    except DeliveryError as error:
        return _Tried(name, kind, error.fault.value, str(error), error.hint)
    finally:
        await channel.aclose()
    return _Tried(name, kind, "ok")
