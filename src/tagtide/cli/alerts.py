"""``tagtide alerts``: list, show, acknowledge, mute."""

from __future__ import annotations

import getpass
from typing import Any

import click

from tagtide.cli.alert_views import (
    Around,
    alert_blocks,
    alert_body,
    alert_row,
    event_body,
    mute_body,
    what_is_muted,
    when,
)
from tagtide.cli.options import application, common_options, json_option, print_json
from tagtide.cli.options import run as run_async
from tagtide.cli.show import print_blocks
from tagtide.core.formats import clean_text
from tagtide.core.messages import Cell, Column, Kind, Table
from tagtide.models import Alert, AlertEvent, AlertState, Mute
from tagtide.services.respond import Target
from tagtide.services.respond import acknowledge as acknowledge_alert
from tagtide.services.respond import mute as mute_alerts
from tagtide.services.respond import unacknowledge as unacknowledge_alert
from tagtide.services.respond import unmute as unmute_alerts

_EVERYTHING = 100_000


@click.group()
def alerts() -> None:
    """Alerts and their state."""


@alerts.command("list")
@click.option("--campaign", help="Only of this campaign.")
@click.option(
    "--state", type=click.Choice([s.value for s in AlertState]), help="Only those in this state."
)
@click.option("--firing", is_flag=True, help="The same as --state firing.")
@click.option("--all", "everything", is_flag=True, help="All of them, also what never fired.")
@click.option("--limit", type=click.IntRange(1), default=20, show_default=True)
@common_options
@json_option
def list_(
    campaign: str | None,
    state: str | None,
    firing: bool,
    everything: bool,
    limit: int,
    config: str | None,
    database: str | None,
    as_json: bool,
) -> None:
    """Newest first."""
    if firing and state not in {None, "firing"}:
        raise click.UsageError(f"--firing and --state {state} exclude each other.")
    wanted = AlertState.FIRING if firing else AlertState(state) if state else None

    async def main() -> tuple[list[Alert], Around]:
        async with application(config, database) as app:
            number = (await app.store.campaign(campaign)).campaign_id if campaign else None
            found = await app.store.alerts(
                campaign_id=number,
                state=wanted,
                limit=_EVERYTHING if everything else limit,
                lapsed=everything,
            )
            return found, await Around.of(app)

    found, around = run_async(main)
    if as_json:
        print_json({"alerts": [alert_body(a, around) for a in found]})
        return
    columns = (
        Column("Alert", Kind.ID),
        Column("State"),
        Column("Age", Kind.NUMBER),
        Column("From (UTC)", Kind.INSTANT),
        Column("To", Kind.INSTANT),
        Column("Why"),
    )
    empty = "No alert yet. `tagtide track` and `tagtide collect` judge the rules."
    if wanted or campaign:
        empty = "There is no such alert."
    print_blocks(
        [Table("Alerts", columns, tuple(alert_row(a, around) for a in found), empty=empty)]
    )


@alerts.command()
@click.argument("alert_id")
@common_options
@json_option
def show(alert_id: str, config: str | None, database: str | None, as_json: bool) -> None:
    """One alert with its facts and history; the first characters of its id will do."""

    async def main() -> tuple[Alert, list[AlertEvent], Around]:
        async with application(config, database) as app:
            found = await app.store.alert(alert_id)
            return found, await app.store.alert_events(found.alert_id), await Around.of(app)

    found, history, around = run_async(main)
    if as_json:
        print_json({**alert_body(found, around), "history": [event_body(e) for e in history]})
    else:
        print_blocks(alert_blocks(found, history, around))


# --- by hand --------------------------------------------------------------------------------------

_BY = click.option("--by", metavar="NAME", help="Who you are (default: your user name).")


def _me(by: str | None) -> str:
    if by and by.strip():
        return by.strip()[:100]
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "somebody"


@alerts.command()
@click.argument("alert_id")
@click.option("--note", default="", help="What you are doing about it.")
@_BY
@common_options
@json_option
def ack(
    alert_id: str,
    note: str,
    by: str | None,
    config: str | None,
    database: str | None,
    as_json: bool,
) -> None:
    """Take an alert in hand: no more about it unless it doubles from here. It stays listed."""

    async def main() -> tuple[Alert, Around]:
        async with application(config, database) as app:
            acked = await acknowledge_alert(app.context, alert_id, by=_me(by), note=note)
            return acked, await Around.of(app)

    acked, around = run_async(main)
    if as_json:
        print_json(alert_body(acked, around))
    else:
        click.echo(
            f"{clean_text(acked.acked_by or '', 100)} has the alert {acked.alert_id[:8]} in hand. "
            "You hear of it again when it has doubled, and when it is over."
        )


@alerts.command()
@click.argument("alert_id")
@_BY
@common_options
@json_option
def unack(
    alert_id: str, by: str | None, config: str | None, database: str | None, as_json: bool
) -> None:
    """Give an alert back that somebody has in hand: it is told again like any other."""

    async def main() -> tuple[Alert, Around]:
        async with application(config, database) as app:
            free = await unacknowledge_alert(app.context, alert_id, by=_me(by))
            return free, await Around.of(app)

    free, around = run_async(main)
    if as_json:
        print_json(alert_body(free, around))
    else:
        click.echo(f"Nobody has the alert {free.alert_id[:8]} in hand any more.")


def _target_options(command: Any) -> Any:
    for option in (
        click.option("--campaign", help="Everything of this campaign."),
        click.option("--rule", help="Only of this rule."),
        click.option("--hashtag", help="Everything about this hashtag."),
        click.argument("alert_id", required=False, metavar="[ID]"),
    ):
        command = option(command)
    return command


@alerts.command()
@_target_options
@click.option("--until", required=True, metavar="WHEN", help="3d, 12h, or 2026-12-01T08:00.")
@click.option("--reason", default="", help="Why, for the others.")
@_BY
@common_options
@json_option
def mute(
    alert_id: str | None,
    hashtag: str | None,
    rule: str | None,
    campaign: str | None,
    until: str,
    reason: str,
    by: str | None,
    config: str | None,
    database: str | None,
    as_json: bool,
) -> None:
    """No messages for a while about one alert, a hashtag or a campaign; all is still recorded."""
    target = Target(alert_id=alert_id, hashtag=hashtag, rule=rule, campaign=campaign)

    async def main() -> tuple[Mute, Around]:
        async with application(config, database) as app:
            made = await mute_alerts(app.context, target, until=until, reason=reason, by=_me(by))
            return made, await Around.of(app)

    made, around = run_async(main)
    if as_json:
        print_json(mute_body(made, around))
    else:
        click.echo(f"Muted until {when(made.until)}: {what_is_muted(made, around)}.")


@alerts.command()
@_target_options
@_BY
@common_options
@json_option
def unmute(
    alert_id: str | None,
    hashtag: str | None,
    rule: str | None,
    campaign: str | None,
    by: str | None,
    config: str | None,
    database: str | None,
    as_json: bool,
) -> None:
    """End a mute before its time; ID is an alert's or a mute's."""
    target = Target(alert_id=alert_id, hashtag=hashtag, rule=rule, campaign=campaign)

    async def main() -> tuple[list[Mute], Around]:
        async with application(config, database) as app:
            ended = await unmute_alerts(app.context, target, by=_me(by))
            return ended, await Around.of(app)

    ended, around = run_async(main)
    if as_json:
        print_json({"mutes": [mute_body(m, around) for m in ended]})
    else:
        for one in ended:
            click.echo(f"Not muted any more: {what_is_muted(one, around)}.")


@alerts.command()
@common_options
@json_option
def mutes(config: str | None, database: str | None, as_json: bool) -> None:
    """Mutes in force."""

    async def main() -> Around:
        async with application(config, database) as app:
            return await Around.of(app)

    around = run_async(main)
    if as_json:
        print_json({"mutes": [mute_body(m, around) for m in around.mutes]})
        return
    columns = (Column("Mute", Kind.ID), *map(Column, ("What", "Until", "Who", "Why")))
    rows = tuple(
        (
            Cell(m.mute_id[:8]),
            Cell(what_is_muted(m, around)),
            Cell(when(m.until)),
            Cell(clean_text(m.by, 30)),
            Cell(clean_text(m.reason, 80)),
        )
        for m in around.mutes
    )
    print_blocks([Table("Mutes", columns, rows, empty="Nothing is muted.")])
