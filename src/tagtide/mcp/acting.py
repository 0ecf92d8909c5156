"""Tools that spend or change. None of them exists unless the operator has turned it on.

Each opens the database for itself, for writing, and closes it again: what the read tools work with
cannot be written through.
"""

from __future__ import annotations

from typing import Any

from tagtide.bootstrap import App, open_app
from tagtide.mcp import arguments as a
from tagtide.mcp.campaigns import campaign_of
from tagtide.mcp.operations import alert_of, run_facts
from tagtide.models import Job
from tagtide.services.price import run_agreed
from tagtide.services.respond import Target, acknowledge, mute

#: Who did it, in the history of an alert.
_WHO = "agent"


async def start_run(app: App, asked: a.StartRun) -> dict[str, Any]:
    """Track or collect a campaign, at the price that preview_run gave."""
    per_day = app.loaded.settings.mcp.credits_per_day
    clock = app.context.clock
    async with open_app(app.loaded, clock=clock, migrate=False) as writing:
        campaign = await campaign_of(writing, asked.campaign)
        summary = await run_agreed(
            writing.context,
            Job(asked.job),
            campaign,
            agreed=asked.agreed_credits,
            per_day=per_day,
        )
    return run_facts(summary, {campaign.campaign_id: campaign.name})


async def acknowledge_alert(app: App, asked: a.Acknowledge) -> dict[str, Any]:
    """Take an alert in hand."""
    clock = app.context.clock
    async with open_app(app.loaded, source=False, clock=clock, migrate=False) as writing:
        found = await alert_of(writing, asked.alert_id)
        done = await acknowledge(writing.context, found.alert_id, by=_WHO, note=asked.note)
    return {"alert_id": done.alert_id, "state": done.state, "acked_at": done.acked_at}


async def mute_alert(app: App, asked: a.MuteAlert) -> dict[str, Any]:
    """No messages about an alert for some hours."""
    clock = app.context.clock
    async with open_app(app.loaded, source=False, clock=clock, migrate=False) as writing:
        found = await alert_of(writing, asked.alert_id)
        done = await mute(
            writing.context,
            Target(alert_id=found.alert_id),
            until=f"{asked.hours}h",
            reason=asked.reason,
            by=_WHO,
        )
    return {"alert_id": done.alert_id, "muted_until": done.until}
