"""``tagtide db``: upgrade, backup, restore, check."""

from __future__ import annotations

from pathlib import Path

import click

from tagtide.bootstrap import maintenance, system_clock, upgrade_database
from tagtide.cli.options import common_options, json_option, print_json, read_settings
from tagtide.cli.options import run as run_async
from tagtide.settings import mask_url


@click.group()
def db() -> None:
    """Upgrade, back up, restore and check the database."""


@db.command()
@common_options
def upgrade(config: str | None, database: str | None) -> None:
    """Bring the database to this version's schema; an SQLite file is backed up first."""
    url = read_settings(config, database).settings.database.url
    result = run_async(lambda: upgrade_database(url))
    click.echo(f"{mask_url(url)}: {result}")


@db.command()
@click.option("--to", "target", type=click.Path(path_type=Path), help="File or folder.")
@common_options
def backup(target: Path | None, config: str | None, database: str | None) -> None:
    """Make a verified copy while tagtide runs; the newest seven are kept."""
    url = read_settings(config, database).settings.database.url
    made = maintenance().backup(url, target, now=system_clock().now())
    click.echo(f"Backed up {sum(made.rows.values()):,} rows to {made.path}.")


@db.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--yes", is_flag=True, help="Do not ask.")
@common_options
def restore(file: Path, yes: bool, config: str | None, database: str | None) -> None:
    """Put a backup in place of the database; the replaced file is kept beside it."""
    url = read_settings(config, database).settings.database.url
    if not yes:
        click.confirm(f"Replace {mask_url(url)} by {file}?", abort=True, err=True)
    done = maintenance().restore(url, file, now=system_clock().now())
    kept = f" The replaced database is {done.replaced}." if done.replaced else ""
    click.echo(f"Restored {sum(done.rows.values()):,} rows from {file}.{kept}")


@db.command()
@common_options
@json_option
def check(config: str | None, database: str | None, as_json: bool) -> int:
    """Examine every page and every reference; exit 65 when something is wrong."""
    url = read_settings(config, database).settings.database.url
    report = maintenance().check(url)
    if as_json:
        print_json(report.as_dict())
    else:
        for line in report.lines():
            click.echo(line)
    return 0 if report.is_good else 65
