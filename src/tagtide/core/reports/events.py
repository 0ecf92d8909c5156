"""What charts of a campaign mark: alerts, corrected counters, its first and its last day."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from tagtide.core.periods import midnight, zone_or_utc
from tagtide.core.reports.facts import iso
from tagtide.models import Alert, Campaign

#: More would cover the lines of a chart.
MOST_EVENTS = 12


class EventKind(StrEnum):
    """What happened."""

    BEGAN = "began"
    ENDED = "ended"
    ALERT = "alert"
    CORRECTION = "correction"


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignEvent:
    """Something that happened at an instant."""

    at: datetime
    kind: EventKind
    #: Whose: None is the campaign, and of a correction the own hashtags together.
    hashtag: str | None = None
    #: The alert; only with `EventKind.ALERT`.
    alert: Alert | None = None

    def as_dict(self) -> dict[str, Any]:
        """JSON form."""
        alert = self.alert
        return {
            "at": iso(self.at),
            "kind": self.kind.value,
            "hashtag": self.hashtag,
            "rule": None if alert is None else alert.rule.value,
            "alert_id": None if alert is None else alert.alert_id,
            "video_id": None if alert is None else alert.video_id,
        }


def events_between(
    campaign: Campaign,
    since: datetime,
    until: datetime,
    *,
    alerts: Iterable[Alert],
    corrections: Iterable[tuple[datetime, str | None]],
    most: int = MOST_EVENTS,
) -> tuple[CampaignEvent, ...]:
    """The events from ``since`` to ``until``, both included, oldest first.

    Args:
        campaign: Its first day begins, and its last day ends, at midnight in its own time zone.
        alerts: Alerts of the campaign in any order; those that began outside are left out.
        corrections: When a view count was corrected, and of which hashtag; None is the own ones.
        most: The first and the last day stay, then the newest.
    """
    zone = zone_or_utc(campaign.timezone)
    days = []
    if campaign.starts_on is not None:
        days.append(CampaignEvent(at=midnight(campaign.starts_on, zone), kind=EventKind.BEGAN))
    if campaign.ends_on is not None:
        over = midnight(campaign.ends_on + timedelta(days=1), zone)
        days.append(CampaignEvent(at=over, kind=EventKind.ENDED))
    days = [event for event in days if since <= event.at <= until]
    others = [
        *(
            CampaignEvent(at=a.opened_at, kind=EventKind.ALERT, hashtag=a.hashtag, alert=a)
            for a in alerts
            if since <= a.opened_at <= until
        ),
        *(
            CampaignEvent(at=at, kind=EventKind.CORRECTION, hashtag=hashtag)
            for at, hashtag in corrections
            if since <= at <= until
        ),
    ]
    others.sort(key=lambda event: event.at)
    newest = others[max(len(days) + len(others) - most, 0) :]
    return tuple(sorted([*days, *newest], key=lambda event: event.at))
