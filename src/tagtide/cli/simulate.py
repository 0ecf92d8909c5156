"""``tagtide simulate``: the local API server."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from tagtide.cli.options import run as run_async
from tagtide.errors import Conflict


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=int, default=8766, show_default=True, help="0 takes a free one.")
@click.option("--seed", type=int, default=1, show_default=True, help="Another seed, another world.")
@click.option(
    "--replay",
    type=click.Path(exists=True, path_type=Path),
    metavar="DIR",
    help="Serve recorded answers instead of a simulated world.",
)
@click.option(
    "--summed-totals",
    is_flag=True,
    help="With --replay: totals are the sums of the videos so far, not the recorded ones.",
)
@click.option(
    "--scenario",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Faults to play (docs/simulator.md).",
)
@click.option("--plan", default="growth", show_default=True, help="Whose limits it keeps.")
@click.option("--credits", "balance", type=int, default=1_000_000, show_default=True)
@click.option("--concurrency", type=int, help="Calls in flight, instead of the plan's.")
@click.option("--latency", type=float, default=0.0, show_default=True, help="Seconds per answer.")
@click.option("--start", metavar="ISO", help="Simulated instant to begin at (default: now).")
@click.option(
    "--speed", type=float, default=1.0, show_default=True, help="Simulated per real second."
)
def simulate(
    host: str,
    port: int,
    seed: int,
    replay: Path | None,
    summed_totals: bool,
    scenario: Path | None,
    plan: str,
    balance: int,
    concurrency: int | None,
    latency: float,
    start: str | None,
    speed: float,
) -> None:
    """A local server that speaks the data API's protocol: a living world, or a replay.

    Point tagtide at it with TAGTIDE_API_URL=http://127.0.0.1:8766. Any key will do.
    """
    from tagtide.bootstrap import system_clock
    from tagtide.simulator.app import run_simulator

    async def main() -> None:
        try:
            await run_simulator(
                host=host,
                port=port,
                seed=seed,
                replay=replay,
                summed_totals=summed_totals,
                scenario=scenario,
                plan=plan,
                credits=balance,
                concurrency=concurrency,
                latency=latency,
                start=_instant(start),
                speed=speed,
                clock=system_clock(),
                announce=click.echo,
            )
        except OSError as error:
            raise Conflict(
                f"cannot listen on {host}:{port} ({error.strerror})", hint="Use another --port."
            ) from error

    try:
        run_async(main)
    except KeyboardInterrupt:
        click.echo("The local server has stopped.", err=True)


def _instant(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError as error:
        raise click.BadParameter(
            f"{text!r} is not an ISO 8601 instant", param_hint="--start"
        ) from error
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)
