"""``tagtide export``: data out."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, TextIO
from zoneinfo import ZoneInfo

import click

from tagtide.cli.options import application, common_options, one_campaign
from tagtide.cli.options import run as run_async
from tagtide.errors import InvalidInput
from tagtide.exports import KINDS, export_rows
from tagtide.services.export import export_batches, parse_use


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
@click.option(
    "--cleared", metavar="CHANNEL", help="Videos: only what may be used there at this instant."
)
@click.option("--territory", metavar="CODE", help="With --cleared: and in this country.")
@click.option("--with-spark-codes", is_flag=True, help="Rights: codes in full, not masked.")
@common_options
def export(
    kind: str,
    campaign: str | None,
    style: str,
    output: Path | None,
    since: int | None,
    raw: bool,
    cleared: str | None,
    territory: str | None,
    with_spark_codes: bool,
    config: str | None,
    database: str | None,
) -> None:
    """Export videos, creators, readings, alerts or rights of CAMPAIGN.

    Text from strangers that a spreadsheet would run as a formula gets an apostrophe in front;
    --raw leaves it as it is.
    """

    if (cleared or territory) and kind != "videos":
        raise click.UsageError("--cleared and --territory go with videos.")
    if territory and not cleared:
        raise click.UsageError("--territory goes with --cleared.")
    if with_spark_codes and kind != "rights":
        raise click.UsageError("--with-spark-codes goes with rights.")
    use = parse_use(cleared, territory) if cleared else None

    async def main() -> int:
        async with application(config, database) as app:
            found = await one_campaign(app, campaign)
            start = app.context.clock.now() - timedelta(days=since) if since else None
            batches = export_batches(
                app.context, found, kind, since=start, use=use, with_codes=with_spark_codes
            )
            with _opened(output) as stream:
                zone = ZoneInfo(found.timezone)
                return await _write(batches, kind, style, stream, raw=raw, zone=zone)

    count = run_async(main)
    click.echo(f"{count:,} rows" + (f" in {output}" if output else ""), err=True)


async def _write(
    batches: AsyncIterator[Sequence[Any]],
    kind: str,
    style: str,
    stream: TextIO,
    *,
    raw: bool,
    zone: ZoneInfo,
) -> int:
    count = export_rows(kind, (), style, stream, raw=raw, zone=zone)
    async for rows in batches:
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
