"""``tagtide alerts``: list and show."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from tagtide.cli.options import application, common_options, json_option, print_json
from tagtide.cli.options import run as run_async
from tagtide.cli.show import print_blocks
from tagtide.core.formats import clean_text, decimal, iso_utc, percent, whole
from tagtide.core.messages import (
    Block,
    Cell,
    Column,
    Figure,
    Heading,
    KeyFigures,
    Kind,
    Link,
    Note,
    Paragraph,
    Table,
    Tone,
)
from tagtide.models import Alert, AlertState, Rule


@click.group()
def alerts() -> None:
    """Alerts and their state."""


@alerts.command("list")
@click.option("--campaign", help="Only of this campaign.")
@click.option("--firing", is_flag=True, help="Only those that are firing now.")
@click.option("--limit", type=click.IntRange(1), default=20, show_default=True)
@common_options
@json_option
def list_(
    campaign: str | None,
    firing: bool,
    limit: int,
    config: str | None,
    database: str | None,
    as_json: bool,
) -> None:
    """Newest first."""

    async def main() -> tuple[list[Alert], dict[int, str]]:
        async with application(config, database) as app:
            names = {c.campaign_id: c.name for c in await app.store.campaigns()}
            wanted = (await app.store.campaign(campaign)).campaign_id if campaign else None
            state = AlertState.FIRING if firing else None
            return await app.store.alerts(campaign_id=wanted, state=state, limit=limit), names

    found, names = run_async(main)
    if as_json:
        print_json({"alerts": [alert_body(a, names) for a in found]})
        return
    columns = (Column("Alert"), Column("State"), Column("Opened", Kind.INSTANT), Column("Why"))
    empty = "No alert yet. `tagtide track` and `tagtide collect` judge the rules."
    print_blocks([Table("Alerts", columns, tuple(_row(a) for a in found), empty=empty)])


def alert_body(alert: Alert, names: dict[int, str]) -> dict[str, Any]:
    """An alert as JSON."""
    return {
        "alert_id": alert.alert_id,
        "campaign": names.get(alert.campaign_id),
        "rule": alert.rule.value,
        "hashtag": alert.hashtag,
        "video_id": alert.video_id,
        "state": alert.state.value,
        "value": alert.value,
        "peak": alert.peak,
        "threshold": alert.threshold,
        "reason": alert.reason,
        "url": alert.url,
        "opened_at": iso_utc(alert.opened_at),
        "updated_at": iso_utc(alert.updated_at),
        "resolved_at": iso_utc(alert.resolved_at) if alert.resolved_at else None,
        "data": alert.data,
    }


def alert_notes(found: Sequence[Alert], most: int = 10) -> list[Block]:
    """What a run raised, updated or resolved: a line each, those furthest above their bar first."""
    ordered = sorted(
        found, key=lambda a: (a.state is not AlertState.FIRING, -a.value / (a.threshold or 1))
    )
    notes = [
        Note(f"ALERT: {a.reason} {a.url}", Tone.WARN)
        if a.state is AlertState.FIRING
        else Note(f"RESOLVED: {a.reason} {a.url}")
        for a in ordered[:most]
    ]
    more = len(found) - most
    return [*notes, Note(f"{whole(more)} more in `tagtide alerts list`.")] if more > 0 else [*notes]


def _row(alert: Alert) -> tuple[Cell, ...]:
    firing = alert.state is AlertState.FIRING
    return (
        Cell(alert.alert_id[:8]),
        Cell(alert.state.value, tone=Tone.WARN if firing else Tone.MUTED),
        Cell(alert.opened_at.strftime("%d %b %Y %H:%M UTC")),
        Cell(alert.reason if firing else f"Peak {_peak(alert)}. At its end: {alert.reason}"),
    )


def _peak(alert: Alert) -> str:
    """The largest value of an episode, in the unit of its rule."""
    if alert.rule is Rule.GROWTH:
        return f"+{percent(alert.peak)}"
    if alert.rule is Rule.VIRAL_VIDEO:
        return f"{decimal(alert.peak)} times the mean"
    return f"{whole(alert.peak)} new videos"


@alerts.command()
@click.argument("alert_id")
@common_options
@json_option
def show(alert_id: str, config: str | None, database: str | None, as_json: bool) -> None:
    """One alert with the facts behind it; the first characters of its id will do."""

    async def main() -> tuple[Alert, dict[int, str]]:
        async with application(config, database) as app:
            names = {c.campaign_id: c.name for c in await app.store.campaigns()}
            return await app.store.alert(alert_id), names

    found, names = run_async(main)
    if as_json:
        print_json(alert_body(found, names))
    else:
        print_blocks(_blocks(found, names))


def _blocks(alert: Alert, names: dict[int, str]) -> list[Block]:
    figures = (
        Figure("Campaign", names.get(alert.campaign_id, "(removed)")),
        Figure("Rule", alert.rule.value.replace("_", " ")),
        Figure("State", alert.state.value),
        Figure("Value", decimal(alert.value), note=f"threshold {decimal(alert.threshold)}"),
        Figure("Peak", decimal(alert.peak)),
        Figure("Opened", alert.opened_at.strftime("%d %b %Y %H:%M UTC")),
    )
    top = alert.data.get("top_videos") or []
    columns = (Column("Creator"), Column("Views", Kind.NUMBER), Column("Caption"), Column("Video"))
    rows = tuple(
        (
            Cell(f"@{clean_text(v.get('author_username') or '-', 30)}", foreign=True),
            Cell(f"{v['view_count']:,}" if v.get("view_count") is not None else "-"),
            Cell(clean_text(v.get("caption") or "", 40), foreign=True),
            Cell(str(v.get("video_id")), link=v.get("url")),
        )
        for v in top
    )
    return [
        Heading(f"Alert {alert.alert_id[:8]}"),
        Paragraph(alert.reason, lead=True),
        KeyFigures(figures),
        Table("Top videos", columns, rows, empty="No video of it is held."),
        Link("Open on TikTok", alert.url),
    ]
