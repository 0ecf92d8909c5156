"""``tagtide links``: addresses that open a kept report without an account."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import click

from tagtide.bootstrap import App
from tagtide.cli.options import (
    application,
    common_options,
    expires_span,
    json_option,
    one_campaign,
    print_json,
)
from tagtide.cli.options import run as run_async
from tagtide.cli.show import print_blocks
from tagtide.cli.users import COMMAND_LINE
from tagtide.core.formats import DASH, clean_text, instant_text, iso_utc
from tagtide.core.messages import Cell, Column, Kind, Table, Tone
from tagtide.errors import NotFound
from tagtide.models import Campaign
from tagtide.ports import Share
from tagtide.services.shares import share_report
from tagtide.services.views.reports import KINDS, view_report

_EMPTY = "No report can be opened from outside: tagtide links add --kind weekly makes a link."


@click.group()
def links() -> None:
    """Addresses that open a kept report without an account."""


@links.command()
@click.argument("campaign", required=False)
@click.option("--kind", type=click.Choice(KINDS), required=True, help="Which report.")
@click.option(
    "--date",
    "day",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="DATE",
    help="Of which day; the newest that is kept when left out.",
)
@click.option(
    "--expires",
    metavar="SPAN",
    default="30d",
    show_default=True,
    help="12h, 90d or 8w; at most 366d.",
)
@common_options
@json_option
def add(
    campaign: str | None,
    kind: str,
    day: datetime | None,
    expires: str,
    config: str | None,
    database: str | None,
    as_json: bool,
) -> None:
    """Make a link to a copy of a kept report and print it, this once."""
    expires_in = expires_span(expires)

    async def main() -> tuple[Share, str, bool]:
        async with application(config, database) as app:
            chosen = await one_campaign(app, campaign)
            on = day.date() if day is not None else await _newest(app, chosen, kind)
            report = (await view_report(app.context, chosen.campaign_id, kind, on)).report
            made, secret = await share_report(
                app.context, chosen, report, by=COMMAND_LINE, expires_in=expires_in
            )
            web = app.loaded.settings.web
            return made, f"{web.home()}/shared/{secret}", web.public_url is not None

    made, address, is_public = run_async(main)
    if as_json:
        print_json({"link": link_body(made), "url": address})
        return
    click.echo(address)
    click.echo(
        f"Shown this once. Until {instant_text(made.expires_at, UTC)} UTC it opens "
        f"{clean_text(made.title, 120)}, {made.on}, as it is now.",
        err=True,
    )
    if not is_public:
        click.echo("It opens on this machine alone: [web] public_url is not set.", err=True)


async def _newest(app: App, campaign: Campaign, kind: str) -> date:
    names = await app.store.report_names(campaign_id=campaign.campaign_id, kind=kind, limit=1)
    if not names:
        raise NotFound(
            f"No {kind} report of {clean_text(campaign.name, 80)} is kept.",
            hint=f"`tagtide report {kind}` makes one.",
        )
    return names[0].on


@links.command("list")
@common_options
@json_option
def list_(config: str | None, database: str | None, as_json: bool) -> None:
    """Every link, without its secret, which is kept nowhere; newest first."""

    async def main() -> tuple[list[Share], datetime]:
        async with application(config, database) as app:
            return await app.store.shares(), app.context.clock.now()

    found, now = run_async(main)
    if as_json:
        print_json({"links": [link_body(one) for one in found]})
        return
    columns = (
        Column("Id", Kind.NUMBER),
        Column("Report"),
        Column("Of"),
        Column("Made by"),
        Column("Good until (UTC)", Kind.INSTANT),
        Column("Opened", Kind.NUMBER),
        Column("Last (UTC)", Kind.INSTANT),
    )
    rows = tuple(_row(one, now) for one in found)
    print_blocks([Table("Links to reports", columns, rows, empty=_EMPTY)])


def _row(one: Share, now: datetime) -> tuple[Cell, ...]:
    until, tone = instant_text(one.expires_at, UTC), Tone.PLAIN
    if not one.is_good(now):
        until, tone = "ended" if one.revoked_at else f"{until} (over)", Tone.MUTED
    return (
        Cell(str(one.share_id)),
        Cell(clean_text(one.title, 60), foreign=True),
        Cell(one.on.isoformat()),
        Cell(clean_text(one.made_by, 40), foreign=True),
        Cell(until, tone=tone),
        Cell(str(one.opened)),
        Cell(instant_text(one.opened_at, UTC) if one.opened_at else DASH),
    )


@links.command()
@click.argument("number", metavar="ID", type=click.IntRange(1))
@common_options
@json_option
def end(number: int, config: str | None, database: str | None, as_json: bool) -> None:
    """End a link: whoever opens it from now on finds nothing."""

    async def main() -> Share:
        async with application(config, database) as app:
            return await app.store.revoke_share(number, app.context.clock.now())

    ended = run_async(main)
    if as_json:
        print_json({"link": link_body(ended)})
    else:
        click.echo(f"Link {number} leads nowhere any more.")


def link_body(one: Share) -> dict[str, Any]:
    """A link as JSON; never its secret."""
    return {
        "link_id": one.share_id,
        "campaign_id": one.campaign_id,
        "kind": one.kind,
        "on": one.on.isoformat(),
        "title": one.title,
        "made_by": one.made_by,
        "made_at": iso_utc(one.made_at),
        "expires_at": iso_utc(one.expires_at),
        "ended_at": iso_utc(one.revoked_at) if one.revoked_at else None,
        "opened": one.opened,
        "opened_at": iso_utc(one.opened_at) if one.opened_at else None,
    }
