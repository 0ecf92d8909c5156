"""``tagtide export``: data out."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TextIO
from zoneinfo import ZoneInfo

import click

from tagtide.cli.files import opened
from tagtide.cli.options import application, common_options, one_campaign
from tagtide.cli.options import run as run_async
from tagtide.exports import KINDS, export_rows
from tagtide.services.export import export_batches, parse_use

_FORMATS = ("csv", "jsonl", "xlsx")
#: Date of a workbook before anything was read.
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)


@click.command()
@click.argument("kind", type=click.Choice(sorted(KINDS)))
@click.argument("campaign", required=False)
@click.option(
    "--format",
    "style",
    type=click.Choice(_FORMATS),
    help="Default: what the file's name says, else csv.",
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
    style: str | None,
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

    Text from strangers that a spreadsheet would run as a formula gets an apostrophe in front in
    CSV; --raw leaves it as it is. In XLSX it is a cell of text, and stays as it is.
    """

    style = style or _style_of(output)
    if (cleared or territory) and kind != "videos":
        raise click.UsageError("--cleared and --territory go with videos.")
    if territory and not cleared:
        raise click.UsageError("--territory goes with --cleared.")
    if with_spark_codes and kind != "rights":
        raise click.UsageError("--with-spark-codes goes with rights.")
    if raw and style == "xlsx":
        raise click.UsageError("--raw goes with csv; text in xlsx is as it is.")
    if style == "xlsx" and output is None and sys.stdout.isatty():
        raise click.UsageError("xlsx is no text: give it a file with --output.")
    use = parse_use(cleared, territory) if cleared else None

    async def main() -> int:
        async with application(config, database) as app:
            found = await one_campaign(app, campaign)
            start = app.context.clock.now() - timedelta(days=since) if since else None
            batches = export_batches(
                app.context, found, kind, since=start, use=use, with_codes=with_spark_codes
            )
            if style == "xlsx":
                created = await app.store.newest_reading_at(found.campaign_id)
                return await _write_workbook(
                    batches, kind, output, created=created or _EPOCH, timezone=found.timezone
                )
            with opened(output) as stream:
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


async def _write_workbook(
    batches: AsyncIterator[Sequence[Any]],
    kind: str,
    output: Path | None,
    *,
    created: datetime,
    timezone: str,
) -> int:
    """Rows wait in files beside the output: a folder for such files may be in memory."""
    from tagtide.exports.xlsx import WorkbookExport

    count = 0
    with (
        opened(output, is_text=False) as stream,
        TemporaryDirectory(prefix=".tagtide-", dir=output and output.parent) as folder,
    ):
        book = WorkbookExport(kind, stream, folder=Path(folder), created=created, timezone=timezone)
        async for rows in batches:
            count += book.add(rows)
        book.close()
    return count


def _style_of(output: Path | None) -> str:
    """The format a file's name asks for."""
    suffix = output.suffix.lstrip(".") if output else ""
    return suffix if suffix in _FORMATS else "csv"
