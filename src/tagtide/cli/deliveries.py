"""``tagtide deliveries``: what waits, what was sent, what was given up; send it again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from tagtide.bootstrap import App, open_channels
from tagtide.cli.options import application, common_options, json_option, print_json
from tagtide.cli.options import run as run_async
from tagtide.cli.show import print_blocks
from tagtide.core.formats import clean_text, counted, iso_utc
from tagtide.core.messages import Cell, Column, Kind, Table, Tone
from tagtide.errors import InvalidInput, NotFound
from tagtide.models import Delivery, DeliveryState
from tagtide.ports import Channel
from tagtide.services.deliver import deliver_within

_TONES = {DeliveryState.DEAD: Tone.WARN, DeliveryState.WAITING: Tone.PLAIN}


async def deliver(app: App, channels: Mapping[str, Channel] | None = None) -> None:
    """After something was done by hand: send what can be sent soon, and say what waits."""
    chosen = app.channels if channels is None else channels
    waiting = await deliver_within(app.context, chosen)
    if waiting:
        click.echo(
            f"{counted(waiting, 'message')} not sent yet: the next command that reads, or "
            "`tagtide serve`, goes on; `tagtide deliveries list` shows why.",
            err=True,
        )


@click.group()
def deliveries() -> None:
    """Messages on their way to channels, sent and given up."""


@deliveries.command("list")
@click.option(
    "--state",
    type=click.Choice([state.value for state in DeliveryState]),
    help="Only those that stand so.",
)
@click.option("--channel", metavar="NAME", help="Only to this channel.")
@click.option("--limit", type=click.IntRange(1), default=20, show_default=True)
@common_options
@json_option
def list_(
    state: str | None,
    channel: str | None,
    limit: int,
    config: str | None,
    database: str | None,
    as_json: bool,
) -> None:
    """Newest first."""

    async def main() -> list[Delivery]:
        async with application(config, database) as app:
            wanted = DeliveryState(state) if state else None
            return await app.store.deliveries(state=wanted, channel=channel, limit=limit)

    found = run_async(main)
    if as_json:
        print_json({"deliveries": [delivery_body(d) for d in found]})
        return
    columns = (
        Column("Message"),
        Column("Channel"),
        Column("State"),
        Column("Written", Kind.INSTANT),
        Column("Tries", Kind.NUMBER),
        Column("About"),
    )
    empty = "No message yet. Alerts are told to the channels of the configuration."
    print_blocks([Table("Deliveries", columns, tuple(_row(d) for d in found), empty=empty)])


def delivery_body(delivery: Delivery) -> dict[str, Any]:
    """A delivery as JSON."""
    message = delivery.notification
    return {
        "notification_id": message.notification_id,
        "channel": message.channel,
        "state": delivery.state.value,
        "kind": message.kind,
        "alert_id": message.alert_id,
        "created_at": iso_utc(message.created_at),
        "due_at": iso_utc(message.due_at) if delivery.state is DeliveryState.WAITING else None,
        "sent_at": iso_utc(delivery.sent_at) if delivery.sent_at else None,
        "given_up_at": iso_utc(delivery.given_up_at) if delivery.given_up_at else None,
        "folded_into": delivery.folded_into,
        "held_for_digest": delivery.is_held,
        "attempts": message.attempts,
        "last_error": delivery.last_error,
        "payload": message.payload,
    }


def _row(delivery: Delivery) -> tuple[Cell, ...]:
    message = delivery.notification
    return (
        Cell(message.notification_id[:8]),
        Cell(message.channel),
        Cell(_state(delivery), tone=_TONES.get(delivery.state, Tone.MUTED)),
        Cell(message.created_at.strftime("%d %b %Y %H:%M UTC")),
        Cell(str(message.attempts)),
        Cell(clean_text(_about(delivery), 100), foreign=True),
    )


def _state(delivery: Delivery) -> str:
    if delivery.state is DeliveryState.WAITING and delivery.is_held:
        return "waiting for the digest"
    if delivery.state is DeliveryState.FOLDED:
        return f"told in {(delivery.folded_into or '')[:8]}"
    return delivery.state.value


def _about(delivery: Delivery) -> str:
    if delivery.last_error:
        return delivery.last_error
    payload = delivery.notification.payload
    alert = payload.get("alert")
    if isinstance(alert, dict):
        return f"{delivery.notification.kind}: {alert.get('reason') or ''}"
    if isinstance(payload.get("items"), list):
        return f"{delivery.notification.kind}: {counted(len(payload['items']), 'alert')}"
    return str(payload.get("message") or payload.get("title") or payload.get("type") or "")


@deliveries.command()
@click.argument("ids", nargs=-1, metavar="[ID]...")
@click.option("--all-dead", is_flag=True, help="Every message that was given up.")
@click.option("--channel", metavar="NAME", help="With --all-dead: only to this channel.")
@common_options
@json_option
def replay(
    ids: tuple[str, ...],
    all_dead: bool,
    channel: str | None,
    config: str | None,
    database: str | None,
    as_json: bool,
) -> None:
    """Send messages that were given up once more; the first characters of an ID will do."""
    if bool(ids) == all_dead or (channel and not all_dead):
        raise InvalidInput(
            "Say which messages: ids, or --all-dead, alone or with --channel NAME.",
            hint="`tagtide deliveries list --state dead` shows them.",
        )

    async def main() -> int:
        async with application(config, database) as app:
            now = app.context.clock.now()
            if all_dead:
                count = await app.store.replay(now, channel=channel)
            else:
                count = sum([await app.store.replay(now, notification_id=one) for one in ids])
            async with open_channels(app) as channels:
                await deliver(app, channels)
            return count

    count = run_async(main)
    if as_json:
        print_json({"replayed": count})
    else:
        click.echo(f"{counted(count, 'message')} put back into the queue.")


@deliveries.command()
@click.argument("channel", metavar="NAME")
@common_options
@json_option
def enable(channel: str, config: str | None, database: str | None, as_json: bool) -> None:
    """Use a channel again that was disabled, or left alone; what waits is sent at once."""

    async def main() -> tuple[bool, tuple[str, ...]]:
        async with application(config, database) as app:
            changed = await app.store.enable_endpoint(channel)
            async with open_channels(app) as channels:
                await deliver(app, {n: c for n, c in channels.items() if n == channel})
            return changed, app.context.channels

    changed, known = run_async(main)
    if not changed and channel not in known:
        raise NotFound(
            f"There is no channel {clean_text(channel, 40)!r}.",
            hint=f"There are {', '.join(known)}." if known else "None is configured.",
        )
    if as_json:
        print_json({"channel": channel, "was_disabled_or_failing": changed})
    else:
        text = "is used again" if changed else "was in use already"
        click.echo(f"Channel {clean_text(channel, 40)} {text}.")
