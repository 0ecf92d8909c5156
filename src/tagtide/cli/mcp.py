"""``tagtide mcp``."""

from __future__ import annotations

import click

from tagtide.bootstrap import open_app
from tagtide.cli.options import common_options, read_settings
from tagtide.cli.options import run as run_async


@click.command()
@common_options
def mcp(config: str | None, database: str | None) -> None:
    """Answer an agent over the Model Context Protocol on standard input and output.

    Reads the own history, spends nothing and needs no key; ends when standard input ends. What
    more it may do is set in [mcp] of the configuration.
    """
    loaded = read_settings(config, database)

    async def main() -> None:
        from tagtide.mcp import serve_stdio

        async with open_app(loaded, source=False, read_only=True) as app:
            await serve_stdio(app)

    run_async(main)
