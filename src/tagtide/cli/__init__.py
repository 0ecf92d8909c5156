"""The command line: input -> service call -> text or JSON.

Only names and one-line summaries live here; each command's module is imported when it is used, so
that ``tagtide --help`` stays fast.
"""

from __future__ import annotations

import gc
import importlib
import sys

import click

#: name -> (module, attribute, one line). The order is the order of ``--help``.
COMMANDS: dict[str, tuple[str, str, str]] = {
    "demo": ("demo", "demo", "A living world without a key: simulate, collect, report."),
    "init": ("setup", "init", "Write a commented tagtide.toml and create the database."),
    "doctor": ("setup", "doctor", "Check config, database, key, balance, channels and clock."),
    "config": ("setup", "config", "Show the configuration in force and where it comes from."),
    "campaign": ("campaign", "campaign", "Add, list, show, edit, remove, apply campaigns."),
    "collect": ("collect", "collect", "Read the feeds of campaigns, now."),
    "track": ("track", "track", "Read hashtag totals, judge the rules, raise alerts, now."),
    "report": ("report", "report", "Campaign, daily and weekly reports."),
    "verify": ("verify", "verify", "Check a proof capsule: readings, figures, page, signature."),
    "keys": ("keys", "keys", "Keys that sign proof capsules."),
    "hashtags": ("lists", "hashtags", "Hashtags with their newest totals."),
    "videos": ("lists", "videos", "Videos, ranked and filtered."),
    "creators": ("lists", "creators", "Creators, ranked and filtered."),
    "alerts": ("alerts", "alerts", "Alerts and their state."),
    "desk": ("desk", "desk", "Judge videos, ask for rights, keep them."),
    "channels": ("channels", "channels", "List the ways to tell people; send a test message."),
    "subscriptions": ("subscriptions", "subscriptions", "Reports on schedule: who gets which."),
    "links": ("links", "links", "Addresses that open a kept report without an account."),
    "deliveries": ("deliveries", "deliveries", "Messages on their way, sent and given up."),
    "backtest": ("backtest", "backtest", "How often a rule would have fired, before it is armed."),
    "credits": ("credits", "credits_", "Credits spent, left and forecast."),
    "detect": ("detect", "detect", "Find rises and falls in any timestamp,value series."),
    "export": ("export", "export", "Data out, as CSV or JSON lines."),
    "users": ("users", "users", "Who may log in to the pages, and with which role."),
    "tokens": ("tokens", "tokens", "What programs show instead of a password."),
    "serve": ("serve", "serve", "Run the schedules, with the dashboard."),
    "worker": ("serve", "worker", "One more worker on a shared PostgreSQL."),
    "mcp": ("mcp", "mcp", "Answer an agent on standard input and output; reads only."),
    "simulate": ("simulate", "simulate", "A local server that speaks the data API's protocol."),
    "db": ("db", "db", "Upgrade, back up, restore and check the database."),
}


class LazyGroup(click.Group):
    """A group that imports a command's module when the command is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All names, in the order of `COMMANDS`."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, imported now; None if there is none of that name."""
        if cmd_name not in COMMANDS:
            return None
        module, attribute, _ = COMMANDS[cmd_name]
        command = getattr(importlib.import_module(f"tagtide.cli.{module}"), attribute)
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As usual, but an unknown name suggests the nearest one."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            import difflib

            near = difflib.get_close_matches(args[0], COMMANDS, n=1, cutoff=0.7)
            meant = f" Did you mean '{near[0]}'?" if near else ""
            message = f"There is no command '{args[0][:40]}'.{meant}"
            raise click.UsageError(message, ctx) from error

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The summaries above, without importing anything."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, summary) for name, (_, _, summary) in COMMANDS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--config", metavar="FILE", help="Configuration file (default: ./tagtide.toml).")
@click.option("--database", metavar="URL", help="Database, e.g. sqlite:///tagtide.db.")
@click.version_option(None, "--version", package_name="tagtide")
@click.pass_context
def cli(ctx: click.Context, config: str | None, database: str | None) -> None:
    """Watch TikTok hashtag campaigns: collect, track, alert, report.

    Results go to stdout, progress and logs to stderr. `tagtide demo` needs no key.
    """
    ctx.obj = {"config": config, "database": database}


def calm_collector() -> None:
    """Imports and pages make thousands of objects and no cycle: garbage need not be looked for so
    often.
    """
    gc.set_threshold(50_000, 20, 50)


def main(args: list[str] | None = None) -> int:
    """Run a command line and return its exit code; the only place that prints errors."""
    calm_collector()
    from tagtide.cli.errors import run_guarded

    return run_guarded(cli, sys.argv[1:] if args is None else args)
