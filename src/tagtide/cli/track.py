"""``tagtide track``."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import click

from tagtide.bootstrap import App
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
from tagtide.core.formats import change, compact, decimal, iso_utc, span_of_hours
from tagtide.core.messages import Block, Cell, Column, Heading, Kind, Note, Paragraph, Table, Tone
from tagtide.models import Alert, AlertState, Campaign, Job, Status
from tagtide.services.detection import refresh_pool
from tagtide.services.runs import RunRequest
from tagtide.services.self_alerts import check_self
from tagtide.services.spending import spending_warnings
from tagtide.services.track import TrackedHashtag, TrackResult
from tagtide.services.track import track as track_campaign


@click.command()
@click.argument("campaigns", nargs=-1)
@click.option(
    "--record",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Keep every answer of the data API in DIR.",
)
@common_options
@json_option
def track(
    campaigns: tuple[str, ...],
    record: Path | None,
    config: str | None,
    database: str | None,
    as_json: bool,
) -> int:
    """Read the hashtag totals of CAMPAIGNS (default: all), judge the rules, raise alerts."""

    async def main() -> list[TrackResult]:
        async with application(config, database, source=True, record=record) as app:
            now = app.context.clock.now()
            chosen = await chosen_campaigns(app, campaigns)
            found = [await _one(app, c, now) for c in chosen]
            await check_self(app.context, app.schedules)
            if app.channels:
                from tagtide.cli.deliveries import deliver

                await deliver(app)
            # Those who run commands from cron have no other process that could do it.
            await refresh_pool(app.context)
            for warning in await spending_warnings(app.context):
                click.echo(warning, err=True)
            return found

    found = run_async(main)
    if as_json:
        print_json(_combined(found))
    else:
        for result in found:
            print_blocks(track_blocks(result))
    return run_exit_code([(r.status, r.reason) for r in found])


async def _one(app: App, campaign: Campaign, now: datetime) -> TrackResult:
    request = RunRequest(job=Job.TRACK, campaign=campaign, slot_at=now)
    with progress_bar(f"Tracking {campaign.name}", len(campaign.hashtags)) as advance:
        return await track_campaign(app.context, request, advance)


def _combined(results: list[TrackResult]) -> dict[str, Any]:
    several = len(results) > 1
    return {
        "readings": [_reading(h, r, several) for r in results for h in r.hashtags],
        "alerts": [_alert(a, r, several) for r in results for a in r.alerts],
        "credits_used": sum(r.credits_used for r in results),
        "credits_remaining": results[-1].credits_remaining if results else None,
    }


def _reading(tracked: TrackedHashtag, result: TrackResult, several: bool) -> dict[str, Any]:
    outcome, reading, moved = tracked.outcome, tracked.reading, tracked.change
    body: dict[str, Any] = {
        "hashtag": outcome.hashtag,
        "hashtag_id": reading.hashtag_id if reading else None,
        "status": outcome.status.value,
        "reason": outcome.reason.value,
        "detail": outcome.detail,
        "read_at": iso_utc(reading.read_at) if reading else None,
        "view_count": reading.view_count if reading else None,
        "view_source": reading.view_source if reading else None,
        "video_count": reading.video_count if reading else None,
        "previous_at": iso_utc(moved.previous_at) if moved and moved.previous_at else None,
        "elapsed_hours": _round(moved.elapsed_hours) if moved else None,
        "new_views": moved.new_views if moved else None,
        "new_videos": moved.new_videos if moved else None,
        "views_per_hour": _round(moved.views_per_hour) if moved else None,
        "videos_per_hour": _round(moved.videos_per_hour) if moved else None,
    }
    return {"campaign": result.campaign.name, **body} if several else body


def _round(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def _alert(alert: Alert, result: TrackResult, several: bool) -> dict[str, Any]:
    from tagtide.core.reports.facts import alert_dict

    body = alert_dict(alert)
    return {"campaign": result.campaign.name, **body} if several else body


def track_blocks(result: TrackResult) -> list[Block]:
    """A tracking run for people: alerts first, then every hashtag."""
    columns = (
        Column("Hashtag"),
        Column("Views", Kind.NUMBER),
        Column("Change", Kind.CHANGE),
        Column("Per hour", Kind.NUMBER),
        Column("Videos", Kind.NUMBER),
        Column("New", Kind.CHANGE),
        Column("Over", Kind.NUMBER),
        Column("Outcome"),
    )
    rows = tuple(_row(h) for h in result.hashtags)
    blocks: list[Block] = [Heading(f"{result.campaign.name}: tracked", 1)]
    blocks.append(Paragraph(_lead(result), lead=True))
    if result.alerts:
        from tagtide.cli.alert_views import alert_notes

        blocks += alert_notes(result.alerts)
    blocks.append(Table("Hashtags", columns, rows))
    left = result.credits_remaining
    remaining = "an unknown number" if left is None else f"{left:,}"
    blocks.append(Note(f"{result.credits_used} credits used, {remaining} left."))
    return blocks


def _lead(result: TrackResult) -> str:
    failed = [h.outcome for h in result.hashtags if h.outcome.status is not Status.OK]
    read = len(result.hashtags) - len(failed)
    text = f"{read} of {len(result.hashtags)} hashtags read"
    if failed:
        names = ", ".join(f"#{o.hashtag} ({o.reason.value})" for o in failed[:5])
        text += f"; not read: {names}" + (" ..." if len(failed) > 5 else "")
    firing = sum(a.state is AlertState.FIRING for a in result.alerts)
    return f"{text}. {firing or 'No'} alert{'' if firing == 1 else 's'} raised or grown."


def _row(tracked: TrackedHashtag) -> tuple[Cell, ...]:
    outcome, reading, moved = tracked.outcome, tracked.reading, tracked.change
    views = reading.view_count if reading else None
    videos = reading.video_count if reading else None
    told = outcome.status.value + (f": {outcome.reason.value}" if outcome.reason else "")
    bad = outcome.status is not Status.OK
    return (
        Cell(f"#{outcome.hashtag}"),
        Cell(compact(views), exact=f"{views:,}" if views is not None else None),
        Cell(change(moved.new_views if moved else None)),
        Cell(decimal(moved.views_per_hour if moved else None, 0)),
        Cell(compact(videos), exact=f"{videos:,}" if videos is not None else None),
        Cell(change(moved.new_videos if moved else None)),
        Cell(span_of_hours(moved.elapsed_hours if moved else None)),
        Cell(told, tone=Tone.WARN if bad else Tone.MUTED),
    )
