"""``tagtide subscriptions``: reports that go out on schedule, to whom, and one of them now."""

from __future__ import annotations

from datetime import UTC
from typing import Any

import click

from tagtide.bootstrap import App, open_channels
from tagtide.cli.deliveries import deliver
from tagtide.cli.options import (
    application,
    common_options,
    json_option,
    one_campaign,
    print_json,
)
from tagtide.cli.options import run as run_async
from tagtide.cli.show import print_blocks
from tagtide.cli.users import COMMAND_LINE
from tagtide.core.formats import DASH, clean_text, instant_text, iso_utc
from tagtide.core.messages import Cell, Column, Kind, Note, Table, Tone
from tagtide.core.subscriptions import FILES
from tagtide.errors import InvalidInput
from tagtide.services.report_messages import send_now
from tagtide.services.subscriptions import (
    SubscriptionLine,
    Wanted,
    change,
    stop,
    subscribe,
    view_subscription,
    view_subscriptions,
)
from tagtide.services.views.reports import JOBS

_EMPTY = "Nobody gets reports on schedule yet: tagtide subscriptions add NAME --kind daily ..."
_NO_FILES = "none"
_KIND = click.option("--kind", type=click.Choice(list(JOBS)), help="Which report.")
_CHANNEL = click.option("--channel", metavar="NAME", help="Through which configured channel.")
_ATTACH = click.option(
    "--attach",
    type=click.Choice([*FILES, _NO_FILES]),
    multiple=True,
    help="Files that go with an e-mail; may be repeated (default: pdf).",
)
_TO = click.option("--to", metavar="ADDRESS", help="In place of the channel's own (e-mail).")


@click.group()
def subscriptions() -> None:
    """Reports that go out on schedule: who gets which, through which channel."""


@subscriptions.command("list")
@common_options
@json_option
def list_(config: str | None, database: str | None, as_json: bool) -> None:
    """Every subscription: what, to whom, when next, when last. Sends nothing."""

    async def main() -> tuple[SubscriptionLine, ...]:
        async with application(config, database) as app:
            return await view_subscriptions(app.context, app.schedules)

    found = run_async(main)
    if as_json:
        print_json({"subscriptions": [subscription_body(line) for line in found]})
        return
    columns = (
        Column("Id", Kind.NUMBER),
        *map(Column, ("Who", "Report", "Campaign", "Through", "Files")),
        Column("Next (UTC)", Kind.INSTANT),
        Column("Last (UTC)", Kind.INSTANT),
    )
    print_blocks([Table("Subscriptions", columns, tuple(map(_row, found)), empty=_EMPTY)])
    print_blocks(
        [
            Note(f"Subscription {line.subscription.subscription_id}: {line.broken}", Tone.WARN)
            for line in found
            if line.broken
        ]
    )


def _row(line: SubscriptionLine) -> tuple[Cell, ...]:
    one = line.subscription
    through = f"{one.channel}, {one.to}" if one.to else one.channel
    next_at = instant_text(line.next_at, UTC) if line.next_at else DASH
    last_at = instant_text(one.sent_at, UTC) if one.sent_at else DASH
    return (
        Cell(str(one.subscription_id)),
        Cell(clean_text(one.person, 40), foreign=True),
        Cell(one.kind),
        Cell(clean_text(line.campaign, 40) or DASH, foreign=True),
        Cell(through),
        Cell(", ".join(one.files) or DASH),
        Cell("broken" if line.broken else next_at, tone=Tone.WARN if line.broken else Tone.PLAIN),
        Cell(last_at),
    )


def subscription_body(line: SubscriptionLine) -> dict[str, Any]:
    """A subscription as JSON."""
    one = line.subscription
    return {
        "subscription_id": one.subscription_id,
        "person": one.person,
        "campaign_id": one.campaign_id,
        "campaign": line.campaign or None,
        "kind": one.kind,
        "channel": one.channel,
        "files": list(one.files),
        "to": one.to,
        "rhythm": line.rhythm,
        "next_at": iso_utc(line.next_at) if line.next_at else None,
        "written_at": iso_utc(one.told_at) if one.told_at else None,
        "sent_at": iso_utc(one.sent_at) if one.sent_at else None,
        "broken": line.broken or None,
        "made_by": one.made_by,
        "made_at": iso_utc(one.made_at),
        "ended_at": iso_utc(one.ended_at) if one.ended_at else None,
    }


@subscriptions.command()
@click.argument("person", metavar="WHO")
@click.option("--campaign", metavar="NAME", help="Of which campaign; the only one when left out.")
@_KIND
@_CHANNEL
@_ATTACH
@_TO
@common_options
@json_option
def add(
    person: str,
    campaign: str | None,
    kind: str | None,
    channel: str | None,
    attach: tuple[str, ...],
    to: str | None,
    config: str | None,
    database: str | None,
    as_json: bool,
) -> None:
    """Send a report to somebody whenever it is made on schedule; WHO is a name or a label."""
    if kind is None or channel is None:
        raise InvalidInput(
            "Which report, and through which channel, is not said.",
            hint=f"--kind is one of {', '.join(JOBS)}; `tagtide channels list` shows channels.",
        )
    wanted = Wanted(person=person, kind=kind, channel=channel, files=_files(attach), to=to)

    async def main() -> SubscriptionLine:
        async with application(config, database) as app:
            chosen = await one_campaign(app, campaign)
            made = await subscribe(app.context, chosen, wanted, by=COMMAND_LINE)
            return await _line(app, made.subscription_id)

    line = run_async(main)
    _say(line, as_json, f"It is made: {_standing(line)}")


@subscriptions.command()
@click.argument("number", metavar="ID", type=click.IntRange(1))
@click.option("--who", metavar="NAME", help="Another name or label.")
@_CHANNEL
@_ATTACH
@click.option("--to", metavar="ADDRESS", help="An address of its own; '' for the channel's.")
@common_options
@json_option
def edit(
    number: int,
    who: str | None,
    channel: str | None,
    attach: tuple[str, ...],
    to: str | None,
    config: str | None,
    database: str | None,
    as_json: bool,
) -> None:
    """Change who gets it, through which channel, with which files."""
    wanted = Wanted(person=who, channel=channel, files=_files(attach), to=to)

    async def main() -> SubscriptionLine:
        async with application(config, database) as app:
            await change(app.context, number, wanted)
            return await _line(app, number)

    line = run_async(main)
    _say(line, as_json, f"It is changed: {_standing(line)}")


@subscriptions.command()
@click.argument("number", metavar="ID", type=click.IntRange(1))
@common_options
@json_option
def remove(number: int, config: str | None, database: str | None, as_json: bool) -> None:
    """Stop one; what waits for it is not sent, and its address is forgotten."""

    async def main() -> SubscriptionLine:
        async with application(config, database) as app:
            await stop(app.context, number, by=COMMAND_LINE)
            return await _line(app, number)

    _say(run_async(main), as_json, f"Subscription {number} is stopped.")


@subscriptions.command()
@click.argument("number", metavar="ID", type=click.IntRange(1))
@common_options
@json_option
def send(number: int, config: str | None, database: str | None, as_json: bool) -> None:
    """Make the report now and send it to this subscriber alone; reads only what is stored."""

    async def main() -> SubscriptionLine:
        async with application(config, database) as app:
            await send_now(app.context, number)
            async with open_channels(app) as channels:
                name = (await app.store.subscription(number)).channel
                await deliver(app, {n: c for n, c in channels.items() if n == name})
            return await _line(app, number)

    line = run_async(main)
    _say(line, as_json, f"The {line.subscription.kind} report is on its way.")


def _files(attach: tuple[str, ...]) -> tuple[str, ...] | None:
    if not attach:
        return None
    if _NO_FILES in attach and len(attach) > 1:
        raise InvalidInput("--attach none stands alone.")
    return () if _NO_FILES in attach else attach


async def _line(app: App, number: int) -> SubscriptionLine:
    return await view_subscription(app.context, number, app.schedules)


def _standing(line: SubscriptionLine) -> str:
    next_at = f"next {instant_text(line.next_at, UTC)} UTC" if line.next_at else "nothing due yet"
    return f"subscription {line.subscription.subscription_id}, {next_at}."


def _say(line: SubscriptionLine, as_json: bool, done: str) -> None:
    if as_json:
        print_json({"subscription": subscription_body(line)})
    else:
        click.echo(done)
