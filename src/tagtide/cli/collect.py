"""``tagtide collect``."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from tagtide.bootstrap import App
from tagtide.cli.alert_views import alert_notes
from tagtide.cli.deliveries import deliver
from tagtide.cli.exits import run_exit_code
from tagtide.cli.options import (
    application,
    chosen_campaigns,
    common_options,
    json_option,
    print_json,
)
from tagtide.cli.options import run as run_async
from tagtide.cli.show import print_blocks, progress_bar
from tagtide.core.messages.collect import collect_blocks
from tagtide.core.reports.collect import CollectSummary
from tagtide.core.reports.facts import alert_dict
from tagtide.models import Campaign, Job
from tagtide.services.collect import CollectResult, feed_hashtags
from tagtide.services.collect import collect as collect_campaign
from tagtide.services.report import collect_summary
from tagtide.services.runs import RunRequest
from tagtide.services.self_alerts import check_self
from tagtide.services.spending import spending_warnings

Outcome = tuple[CollectSummary, CollectResult]


@click.command()
@click.argument("campaigns", nargs=-1)
@click.option("--pages", type=click.IntRange(1), help="Feed pages per hashtag, this time.")
@click.option(
    "--record",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Keep every answer of the data API in DIR.",
)
@common_options
@json_option
def collect(
    campaigns: tuple[str, ...],
    pages: int | None,
    record: Path | None,
    config: str | None,
    database: str | None,
    as_json: bool,
) -> int:
    """Read the feeds of CAMPAIGNS (default: all) and list what deserves a look."""

    async def main() -> list[Outcome]:
        async with application(config, database, source=True, record=record) as app:
            now = app.context.clock.now()
            chosen = await chosen_campaigns(app, campaigns)
            found = [await _one(app, c, pages, now) for c in chosen]
            await check_self(app.context, app.schedules)
            await deliver(app)
            for warning in await spending_warnings(app.context):
                click.echo(warning, err=True)
            return found

    found = run_async(main)
    if as_json:
        bodies = [_body(summary, result) for summary, result in found]
        print_json(bodies[0] if len(bodies) == 1 else {"campaigns": bodies})
    else:
        for summary, result in found:
            print_blocks([*collect_blocks(summary), *alert_notes(result.alerts)])
    return run_exit_code([(result.status, result.reason) for _, result in found])


def _body(summary: CollectSummary, result: CollectResult) -> dict[str, Any]:
    return {**summary.as_dict(), "alerts": [alert_dict(alert) for alert in result.alerts]}


async def _one(app: App, campaign: Campaign, pages: int | None, now: datetime) -> Outcome:
    campaign = replace(campaign, page_budget=pages or campaign.page_budget)
    request = RunRequest(job=Job.COLLECT, campaign=campaign, slot_at=now)
    total = len(feed_hashtags(campaign))
    with progress_bar(f"Collecting {campaign.name}", total) as advance:
        result = await collect_campaign(app.context, request, advance)
    return await collect_summary(app.context, result), result
