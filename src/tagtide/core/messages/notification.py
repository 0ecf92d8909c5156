"""The one neutral message of an alert, a digest or a self-alert: what every channel is given.

`docs/webhook.schema.json` describes it. Only JSON types; unknown is None. Strangers' text is in it
as they wrote it: each channel makes it harmless for its own medium.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from tagtide.core.formats import iso_utc
from tagtide.models import Alert

#: Grows when a field changes its meaning or goes; new fields may come at any time.
VERSION = 1

#: Type of the message by the kind of `Notification` for alerts.
ALERT_TYPES = {"firing": "alert.firing", "update": "alert.updated", "resolved": "alert.resolved"}


def notification_payload(
    alert: Alert,
    campaign_name: str,
    kind: str,
    *,
    timezone: str = "UTC",
    numbers: str | None = None,
    clock: str | None = None,
) -> dict[str, Any]:
    """The message about an alert; ``kind`` is that of `Notification`."""
    facts = alert_facts(alert, campaign_name, timezone=timezone, numbers=numbers, clock=clock)
    return {"version": VERSION, "type": ALERT_TYPES[kind], "alert": facts}


def alert_facts(
    alert: Alert,
    campaign_name: str,
    *,
    timezone: str = "UTC",
    numbers: str | None = None,
    clock: str | None = None,
) -> dict[str, Any]:
    """What a message says about one alert; also an item of a digest.

    ``timezone``, ``numbers`` and ``clock`` are the campaign's.
    """
    explanation = alert.data.get("explanation")
    return {
        "alert_id": alert.alert_id,
        "rule": alert.rule.value,
        "campaign": campaign_name,
        "timezone": timezone,
        "numbers": numbers,
        "clock": clock,
        "hashtag": alert.hashtag,
        "video_id": alert.video_id,
        "state": alert.state.value,
        "value": alert.value,
        "threshold": alert.threshold,
        "reason": alert.reason,
        "explanation": explanation if isinstance(explanation, dict) else None,
        "url": alert.url,
        "opened_at": iso_utc(alert.opened_at),
        "updated_at": iso_utc(alert.updated_at),
        "resolved_at": iso_utc(alert.resolved_at) if alert.resolved_at else None,
        "top_videos": list(alert.data.get("top_videos", [])),
        "new_videos": alert.data.get("new_videos"),
        "views_per_hour": alert.data.get("views_per_hour"),
        "elapsed_hours": alert.data.get("elapsed_hours"),
    }


def digest_payload(
    items: Iterable[dict[str, Any]],
    *,
    since: datetime,
    until: datetime,
    campaign: str | None = None,
    timezone: str = "UTC",
    more: int = 0,
) -> dict[str, Any]:
    """Several alerts in one message.

    Args:
        items: From `alert_facts`, the most important first.
        since: Begin of the period that the digest tells of.
        until: Its end.
        campaign: Name, when all items are of one campaign.
        timezone: In which the period is shown.
        more: Alerts of the period that are left out.
    """
    return {
        "version": VERSION,
        "type": "digest",
        "campaign": campaign,
        "timezone": timezone,
        "period": {"since": iso_utc(since), "until": iso_utc(until)},
        "items": list(items),
        "more": more,
    }


def self_payload(
    condition: str, message: str, hint: str = "", *, is_firing: bool = True
) -> dict[str, Any]:
    """What tagtide says about itself: something is wrong with it, or right again.

    Args:
        condition: A short name such as ``credits``, the same at the begin and at the end.
        message: One sentence.
        hint: What to do, one sentence.
        is_firing: False when it is over.
    """
    return {
        "version": VERSION,
        "type": "self.firing" if is_firing else "self.resolved",
        "condition": condition,
        "message": message,
        "hint": hint or None,
    }


def check_payload(channel: str, at: datetime) -> dict[str, Any]:
    """The marked message of `tagtide channels test`; ``channel`` is the configured name."""
    return {
        "version": VERSION,
        "type": "test",
        "channel": channel,
        "sent_at": iso_utc(at),
        "text": f"Test message from tagtide: channel {channel} works. Nothing has happened.",
    }
