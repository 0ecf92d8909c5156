"""``tagtide export``: data out."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TextIO
from zoneinfo import ZoneInfo

import click

from tagtide.bootstrap import App
from tagtide.cli.options import application, common_options, one_campaign
from tagtide.cli.options import run as run_async
from tagtide.core.metrics import creators as rank_creators
from tagtide.errors import InvalidInput
from tagtide.exports import KINDS, export_rows
from tagtide.models import Campaign

_EVER = datetime(1970, 1, 1, tzinfo=UTC)


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

    async def main() -> tuple[Campaign, list[Any]]:
        async with application(config, database) as app:
            found = await one_campaign(app, campaign)
            return found, list(await _rows(app, kind, found, since))

    found, rows = run_async(main)
    with _opened(output) as stream:
        count = export_rows(kind, rows, style, stream, raw=raw, zone=ZoneInfo(found.timezone))
    click.echo(f"{count:,} rows" + (f" in {output}" if output else ""), err=True)


async def _rows(app: App, kind: str, campaign: Campaign, since: int | None) -> Iterable[Any]:
    store = app.store
    if kind == "alerts":
        return await store.alerts(campaign_id=campaign.campaign_id, limit=100_000)
    if kind == "readings":
        now = app.context.clock.now()
        start = now - timedelta(days=since) if since else _EVER
        tags = [await store.hashtag_readings(h.name, start, now) for h in campaign.hashtags]
        return [reading for readings in tags for reading in readings]
    videos = await store.known_videos(campaign.campaign_id)
    return rank_creators(videos) if kind == "creators" else videos


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
