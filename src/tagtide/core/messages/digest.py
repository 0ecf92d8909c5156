"""Several alerts in one message."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from tagtide.core.messages.notification import digest_payload
from tagtide.core.messages.shorter import bare

#: Alerts that one message lists; with captions left out they fit into 20 KB.
MOST_ITEMS = 40


def digest_of(
    alerts: Sequence[Mapping[str, Any]], *, since: datetime, until: datetime
) -> dict[str, Any]:
    """One message about many alerts, as other messages describe them; newest word of each counts.

    Those that fire come first, the furthest above their threshold in front. What does not fit is
    counted, never dropped in silence.
    """
    newest = {str(alert.get("alert_id")): alert for alert in alerts}
    ordered = sorted(newest.values(), key=_importance)
    campaigns = {alert.get("campaign") for alert in ordered}
    zones = {alert.get("timezone") for alert in ordered}
    return digest_payload(
        [bare(alert) for alert in ordered[:MOST_ITEMS]],
        since=since,
        until=until,
        campaign=_only(campaigns),
        timezone=_only(zones) or "UTC",
        more=max(0, len(ordered) - MOST_ITEMS),
    )


def _importance(alert: Mapping[str, Any]) -> tuple[bool, float]:
    value, threshold = alert.get("value") or 0.0, alert.get("threshold") or 0.0
    return alert.get("state") != "firing", -value / threshold if threshold else 0.0


def _only(values: set[Any]) -> Any:
    return next(iter(values)) if len(values) == 1 else None
