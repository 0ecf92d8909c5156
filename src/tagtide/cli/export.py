"""``tagtide export``: data out."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TextIO
from zoneinfo import ZoneInfo

import click

from tagtide.bootstrap import App
from tagtide.cli.options import application, common_options, one_campaign
from tagtide.cli.options import run as run_async
from tagtide.errors import InvalidInput
from tagtide.exports import KINDS, export_rows
from tagtide.models import Campaign
from tagtide.services.export import export_batches


@click.command()
@click.argument("kind", type=click.Choice(sorted(KINDS)))
@click.argument("campaign", required=False)
@click.option(
    "--format", "style", type=click.Choice(["csv", "jsonl"]), default="csv", show_default=True
)
@click.option("--output", "-o", type=click.Path(dir_okay=False, path_type=Path), help="File.")
@click.option(
    "--since", metavar="DAYS", type=click.IntRange(1), help="Readings: only so many days."
)
@click.option(
    "--raw", is_flag=True, help="CSV for machines: text as it is, no defence against formulas."
)
@common_options
def export(
    kind: str,
    campaign: str | None,
    style: str,
    output: Path | None,
    since: int | None,
    raw: bool,
    config: str | None,
    database: str | None,
) -> None:
    """Export videos, creators, readings or alerts of CAMPAIGN.

    Text from strangers that a spreadsheet would run as a formula gets an apostrophe in front;
    --raw leaves it as it is.
    """

    async def main() -> int:
        async with application(config, database) as app:
            found = await one_campaign(app, campaign)
            with _opened(output) as stream:
                return await _write(app, found, kind, style, stream, since=since, raw=raw)

    count = run_async(main)
    click.echo(f"{count:,} rows" + (f" in {output}" if output else ""), err=True)


async def _write(
    app: App,
    campaign: Campaign,
    kind: str,
    style: str,
    stream: TextIO,
    *,
    since: int | None,
    raw: bool,
) -> int:
    start = app.context.clock.now() - timedelta(days=since) if since else None
    zone = ZoneInfo(campaign.timezone)
    count = export_rows(kind, (), style, stream, raw=raw, zone=zone)
    async for rows in export_batches(app.context, campaign, kind, since=start):
        count += export_rows(kind, rows, style, stream, raw=raw, header=False, zone=zone)
    return count


@contextmanager
def _opened(output: Path | None) -> Iterator[TextIO]:
    """Stdout, or a file that carries its name only once it is whole."""
    if output is None:
        yield sys.stdout
        return
    draft = output.with_name(f".{output.name}.part")
    try:
        with draft.open("w", encoding="utf-8", newline="") as stream:
            yield stream
        draft.replace(output)
    except OSError as error:
        raise InvalidInput(f"{output} cannot be written: {error.strerror}") from error
