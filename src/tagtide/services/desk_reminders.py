"""Remind people of rights that end and of requests without an answer: one message a day at most.

What was told and the messages that tell it are one transaction. The row of the day, and one per
thing, keep two processes, or one that starts again, from telling anything twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import structlog

from tagtide.core.desk.reminders import HORIZON, MOST_LINES, reminder_payload, reminders
from tagtide.core.periods import zone_or_utc
from tagtide.models import Campaign, Notification
from tagtide.services.context import Context

_log = structlog.get_logger(__name__)
_KIND = "desk"


async def remind(context: Context, campaign: Campaign) -> int:
    """Write today's message to the channels of a campaign, if there is anything to tell.

    Returns:
        How many things it tells of; 0 where there is nothing new, no channel, or today's message
        was written before.

    Raises:
        StorageError: nothing was written.
    """
    store, now = context.store, context.clock.now()
    channels = context.channels_of(campaign)
    day = now.astimezone(zone_or_utc(campaign.timezone)).date()
    if not channels or await store.desk_reminded_on(campaign.campaign_id, day):
        return 0
    unanswered = context.desk.unanswered
    due = await store.desk_due(campaign.campaign_id, now, now + HORIZON, now - unanswered)
    told = await store.desk_told(campaign.campaign_id, due)
    found = reminders(due, told, now, unanswered)
    if not found:
        return 0
    lines = found[:MOST_LINES]
    payload = reminder_payload(
        lines, campaign.name, campaign.timezone, now, more=len(found) - len(lines)
    )
    messages = _messages(context, channels, payload)
    if not await store.put_reminders(campaign.campaign_id, day, lines, messages, now):
        return 0
    _log.info("desk_reminded", campaign=campaign.name, count=len(lines))
    return len(lines)


async def remind_all(context: Context) -> int:
    """The daily round of the service: every campaign whose hour has come.

    Returns:
        How many things people were told of.

    Raises:
        StorageError: what was written before stays.
    """
    total = 0
    for campaign in await context.store.campaigns():
        local = context.clock.now().astimezone(zone_or_utc(campaign.timezone))
        if local.hour >= context.desk.remind_hour:
            total += await remind(context, campaign)
    return total


def _messages(
    context: Context, channels: Sequence[str], payload: dict[str, Any]
) -> list[Notification]:
    now = context.clock.now()
    return [
        Notification(
            notification_id=context.clock.token(),
            channel=channel,
            alert_id=None,
            kind=_KIND,
            created_at=now,
            due_at=now,
            payload=payload,
        )
        for channel in channels
    ]
