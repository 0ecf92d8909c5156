"""``tagtide report``."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import click

from tagtide.bootstrap import App
from tagtide.cli.files import opened
from tagtide.cli.options import application, common_options, one_campaign
from tagtide.cli.options import run as run_async
from tagtide.cli.show import print_blocks
from tagtide.core.language import Language, speaking, spoken
from tagtide.core.messages import Block
from tagtide.core.messages.appendix import (
    FullTable,
    campaign_appendix,
    creator_appendix,
    weekly_appendix,
    wrapup_appendix,
)
from tagtide.core.messages.campaign import campaign_blocks, daily_blocks
from tagtide.core.messages.creator import creator_blocks, creator_title
from tagtide.core.messages.weekly import weekly_blocks
from tagtide.core.messages.wrapup import wrapup_blocks
from tagtide.core.reports.creator import CreatorReport
from tagtide.errors import InvalidInput
from tagtide.exports.csv import table_text
from tagtide.models import Campaign
from tagtide.renderers import render_as, render_json
from tagtide.renderers.look import Brand
from tagtide.services.context import Context
from tagtide.services.creator_report import find_creator, read_creator
from tagtide.services.report import report_campaign, report_daily, report_language, report_weekly
from tagtide.services.views.reports import report_title
from tagtide.services.wrapup import WrapUpWish, report_wrapup

_FORMATS = ("text", "json", "md", "html", "pdf", "xlsx", "csv")
#: Formats that are no text.
_BINARY = ("pdf", "xlsx")
#: Formats that show who hands the report out.
_BRANDED = ("html", "pdf")

Build = Callable[[Context, Campaign, str | None], Awaitable[Any]]
Blocks = Callable[[Any], list[Block]]
Appendix = Callable[[Any], tuple[FullTable, ...]]


@click.group()
def report() -> None:
    """Reports from what is stored. They read nothing from the data API and cost no credit."""


def _options(command: Any) -> Any:
    for option in (
        click.option(
            "--output", "-o", type=click.Path(dir_okay=False, path_type=Path), help="File."
        ),
        click.option(
            "--format",
            "style",
            type=click.Choice(_FORMATS),
            help="Default: what the file's name says, else text.",
        ),
        click.option("--language", metavar="CODE", help="Of the report, e.g. de."),
        click.option("--json", "as_json", is_flag=True, help="Same as --format json."),
        common_options,
        click.argument("campaign", required=False),
    ):
        command = option(command)
    return command


@report.command("campaign")
@_options
@click.option("--proof", is_flag=True, help="One HTML file with every reading behind the figures.")
@click.option(
    "--sign",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Sign the proof with this key (`tagtide keys new`).",
)
def campaign_(campaign: str | None, proof: bool, sign: Path | None, **options: Any) -> None:
    """Totals, growth, viral videos, top performers and creators of a campaign."""
    if proof or sign is not None:
        from tagtide.cli.proof import make_proof

        make_proof(campaign, sign=sign, is_proof=proof, **options)
        return
    _make("campaign", campaign, report_campaign, campaign_blocks, campaign_appendix, **options)


@report.command()
@_options
def daily(campaign: str | None, **options: Any) -> None:
    """Overview of the day: metrics, distribution, top five, change since yesterday, money."""
    _make("daily", campaign, report_daily, daily_blocks, campaign_appendix, **options)


@report.command()
@_options
def weekly(campaign: str | None, **options: Any) -> None:
    """Own and competitors' hashtags ranked, with changes, rolling averages and anomalies."""
    _make("weekly", campaign, report_weekly, weekly_blocks, weekly_appendix, **options)


@report.command()
@_options
@click.option(
    "--launched",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="DATE",
    help="First day of the campaign itself, where its hashtags were watched before.",
)
@click.option(
    "--control",
    "controls",
    multiple=True,
    metavar="HASHTAG",
    help="Compare with this hashtag; repeatable. Default: the campaign's competitors.",
)
def wrapup(
    campaign: str | None, launched: datetime | None, controls: tuple[str, ...], **options: Any
) -> None:
    """The whole campaign: what it moved, its lift with an interval, rights, alerts, cost."""
    wish = WrapUpWish(launched=launched.date() if launched else None, controls=controls)
    build = partial(report_wrapup, wish=wish)
    _make("wrapup", campaign, build, wrapup_blocks, wrapup_appendix, **options)


@report.command()
@click.argument("creator")
@_options
def creator(creator: str, campaign: str | None, language: str | None, **options: Any) -> None:
    """One page about @CREATOR: videos, rates beside others, rights. Of one campaign, or of all."""

    async def build(app: App) -> tuple[CreatorReport, Language]:
        within = await app.store.campaign(campaign) if campaign else None
        found = await find_creator(app.context, creator)
        report = await read_creator(app.context, found.creator_key, within)
        return report, report_language(app.context, within, language)

    _write(build, creator_title, creator_blocks, creator_appendix, **options)


def _make(
    kind: str,
    campaign: str | None,
    build: Build,
    blocks: Blocks,
    appendix: Appendix,
    *,
    language: str | None,
    **options: Any,
) -> None:
    async def built(app: App) -> tuple[Any, Language]:
        found = await one_campaign(app, campaign)
        speech = report_language(app.context, found, language)
        return await build(app.context, found, language), speech

    def title(made: Any) -> str:
        return report_title(kind, made.campaign, spoken().code)

    _write(built, title, blocks, appendix, **options)


def _write(
    build: Callable[[App], Awaitable[tuple[Any, Language]]],
    title: Callable[[Any], str],
    blocks: Blocks,
    appendix: Appendix,
    *,
    config: str | None,
    database: str | None,
    style: str | None,
    as_json: bool,
    output: Path | None,
) -> None:
    chosen = "json" if as_json else style or _style_of(output)
    if output is None and chosen in _BINARY and sys.stdout.isatty():
        raise InvalidInput(
            f"A {chosen.upper()} file is nothing for a terminal.", hint="Say where: --output FILE."
        )

    async def main() -> tuple[tuple[Any, Language], Brand | None]:
        async with application(config, database) as app:
            brand = app.brand() if chosen in _BRANDED else None
            return await build(app), brand

    (built, speech), brand = run_async(main)
    with speaking(speech):
        if output is None and chosen == "text":
            print_blocks(blocks(built))
            return
        written = _rendered(chosen, title(built), built, blocks, appendix, brand)
    if output is None:
        click.echo(written, nl=False)
        return
    with opened(output, is_text=False) as stream:
        stream.write(written.encode() if isinstance(written, str) else written)
    click.echo(f"Wrote {output}.", err=True)


def _style_of(output: Path | None) -> str:
    """The format a file's name asks for."""
    suffix = output.suffix.lstrip(".") if output else ""
    return suffix if suffix in _FORMATS else "text"


def _rendered(
    style: str,
    title: str,
    built: Any,
    blocks: Blocks,
    appendix: Appendix,
    brand: Brand | None,
) -> str | bytes:
    if style == "json":
        return render_json(built.as_dict())
    if style == "csv":
        # A file of CSV is one table: every video, and of a weekly report every hashtag.
        return table_text(appendix(built)[0])
    return render_as(
        style,
        blocks(built),
        title=title,
        as_of=built.as_of,
        timezone=built.timezone,
        brand=brand,
        appendix=appendix(built) if style == "xlsx" else (),
    )
