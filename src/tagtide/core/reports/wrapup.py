"""The end of a campaign: its whole period, what it moved, what was obtained, what it cost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from tagtide.core.lift import Lift, Unmeasured
from tagtide.core.metrics import KnownSum, known_sum
from tagtide.core.reports.campaign import CampaignReport
from tagtide.core.reports.facts import HashtagLine, alert_dict, hours, iso, rounded
from tagtide.core.reports.trend import Trend
from tagtide.models import Alert, Job, Role, Rule, Status


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignSpan:
    """The days a report of a whole campaign speaks of."""

    since: datetime
    #: Its end, or the newest reading before it.
    until: datetime
    first_day: date
    last_day: date
    #: None where nobody said.
    starts_on: date | None
    ends_on: date | None

    @property
    def is_over(self) -> bool:
        """Whether the last day was read."""
        return self.ends_on is not None and self.last_day >= self.ends_on

    @property
    def days(self) -> int:
        """Days, the first and the last included."""
        return (self.last_day - self.first_day).days + 1

    def as_dict(self) -> dict[str, Any]:
        """JSON form."""
        return {
            "since": iso(self.since),
            "until": iso(self.until),
            "first_day": self.first_day.isoformat(),
            "last_day": self.last_day.isoformat(),
            "days": self.days,
            "starts_on": None if self.starts_on is None else self.starts_on.isoformat(),
            "ends_on": None if self.ends_on is None else self.ends_on.isoformat(),
            "is_over": self.is_over,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class ClearedVideo:
    """A video with a right that stands."""

    video_id: str
    url: str
    author_username: str | None
    author_nickname: str | None
    #: Values of `core.desk.RightsChannel`.
    channels: tuple[str, ...]
    territory: tuple[str, ...]
    #: When the first of its rights or codes ends; None has no end.
    until: datetime | None

    def as_dict(self) -> dict[str, Any]:
        """JSON form."""
        return {
            "video_id": self.video_id,
            "url": self.url,
            "author_username": self.author_username,
            "channels": list(self.channels),
            "territory": list(self.territory),
            "expires_at": iso(self.until),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class RightsObtained:
    """Where the videos of the campaign stand on the desk."""

    at: datetime
    #: By value of `core.desk.DeskState`, as the desk goes through them.
    states: Mapping[str, int]
    #: What ends first comes first.
    cleared: tuple[ClearedVideo, ...]

    @property
    def granted(self) -> int:
        """Videos with a right that stands."""
        return self.states.get("granted", 0)

    def as_dict(self) -> dict[str, Any]:
        """JSON form."""
        return {
            "at": iso(self.at),
            "states": dict(self.states),
            "cleared": [one.as_dict() for one in self.cleared],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class SpentOn:
    """Credits of one kind of run."""

    #: None for calls of no run.
    job: Job | None
    calls: int
    credits: int

    def as_dict(self) -> dict[str, Any]:
        """JSON form."""
        job = None if self.job is None else self.job.value
        return {"job": job, "calls": self.calls, "credits": self.credits}


@dataclass(frozen=True, slots=True, kw_only=True)
class HashtagCover:
    """On how many days of the campaign a hashtag was read."""

    hashtag: str
    role: Role
    days_read: int
    days: int

    def as_dict(self) -> dict[str, Any]:
        """JSON form."""
        return {
            "hashtag": self.hashtag,
            "role": self.role.value,
            "days_read": self.days_read,
            "days": self.days,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """What was read of the whole period, and what was not."""

    hashtags: tuple[HashtagCover, ...]
    #: Days on which no own hashtag was read.
    days_without: tuple[date, ...]
    #: Runs that read data, by how they ended.
    runs: Mapping[Status, int]
    #: Hashtags over all of those runs, by how they ended.
    outcomes: Mapping[Status, int]

    def as_dict(self) -> dict[str, Any]:
        """JSON form."""
        return {
            "hashtags": [one.as_dict() for one in self.hashtags],
            "days_without_readings": [day.isoformat() for day in self.days_without],
            "runs": {status.value: count for status, count in sorted(self.runs.items())},
            "outcomes": {status.value: count for status, count in sorted(self.outcomes.items())},
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class WrapUpFacts:
    """What the report is made from."""

    #: The campaign report at the same instant, with longer rankings.
    report: CampaignReport
    span: CampaignSpan
    #: Levels and changes from the begin of the campaign to its end.
    hashtags: Sequence[HashtagLine]
    #: Growth beside competitors over the whole campaign.
    trend: Trend
    lift: Lift | Unmeasured
    rights: RightsObtained
    #: Alerts that fired in the campaign, newest first.
    alerts: Sequence[Alert]
    spending: Sequence[SpentOn]
    coverage: Coverage


@dataclass(frozen=True, slots=True, kw_only=True)
class WrapUp:
    """Everything the report says."""

    report: CampaignReport
    span: CampaignSpan
    hashtags: tuple[HashtagLine, ...]
    competitors: tuple[HashtagLine, ...]
    #: Videos first seen in the campaign's days, and their views.
    new_videos: int
    new_views: KnownSum
    trend: Trend
    lift: Lift | Unmeasured
    rights: RightsObtained
    alerts: tuple[Alert, ...]
    spending: tuple[SpentOn, ...]
    coverage: Coverage

    @property
    def campaign(self) -> str:
        """Name of the campaign."""
        return self.report.campaign

    @property
    def timezone(self) -> str:
        """IANA name."""
        return self.report.timezone

    @property
    def as_of(self) -> datetime:
        """Instant of the newest reading."""
        return self.report.as_of

    @property
    def on(self) -> date:
        """Its date in the campaign's zone."""
        return self.report.on

    @property
    def views_gained(self) -> int | None:
        """By the own hashtags, as TikTok counts them; None where no growth is known."""
        own = self.trend.views[0]
        return own.total if own.gains else None

    @property
    def credits(self) -> int:
        """Spent in all; calls of which nobody knows whether they cost count in full."""
        return sum(one.credits for one in self.spending)

    @property
    def alerts_by_rule(self) -> dict[Rule, int]:
        """How many fired; most first."""
        return dict(Counter(alert.rule for alert in self.alerts).most_common())

    def cost_per(self) -> dict[str, float | None]:
        """Credits for one of what was brought; None where there was none."""
        thousands = (self.views_gained or 0) / 1000
        return {
            "video": _per(self.credits, self.report.totals.videos),
            "high_priority_video": _per(self.credits, len(self.report.high_priority)),
            "alert": _per(self.credits, len(self.alerts)),
            "video_granted": _per(self.credits, self.rights.granted),
            "thousand_views_gained": _per(self.credits, thousands),
        }

    def as_dict(self, *, videos: bool = True) -> dict[str, Any]:
        """The documented JSON object; without ``videos`` small enough to keep."""
        body = self.report.as_dict(videos=videos)
        price = self.report.price_per_credit
        return body | {
            "kind": "wrapup",
            "period": self.span.as_dict(),
            "hashtags": [line.as_dict() for line in self.hashtags],
            "competitors": [line.as_dict() for line in self.competitors],
            "new_videos": self.new_videos,
            "new_views": self.new_views.total,
            "views_gained": self.views_gained,
            **self.trend.as_dict(),
            "lift": self.lift.as_dict(),
            "rights": self.rights.as_dict(),
            "alerts": [_alert_dict(alert) for alert in self.alerts],
            "credits_used": self.credits,
            "money_spent": None if price is None else round(self.credits * price, 6),
            "spending": [one.as_dict() for one in self.spending],
            "credits_per": {name: rounded(cost) for name, cost in self.cost_per().items()},
            "coverage": body["coverage"] | self.coverage.as_dict(),
        }


def build_wrapup(facts: WrapUpFacts) -> WrapUp:
    """Put together what a campaign was. Reads nothing and spends nothing."""
    span = facts.span
    new = [v for v in facts.report.videos if span.since <= v.first_seen_at <= span.until]
    return WrapUp(
        report=facts.report,
        span=span,
        hashtags=tuple(line for line in facts.hashtags if line.role is Role.OWN),
        competitors=tuple(line for line in facts.hashtags if line.role is Role.COMPETITOR),
        new_videos=len(new),
        new_views=known_sum(v.counters.view_count for v in new),
        trend=facts.trend,
        lift=facts.lift,
        rights=facts.rights,
        alerts=tuple(facts.alerts),
        spending=tuple(facts.spending),
        coverage=facts.coverage,
    )


def lasted(alert: Alert) -> timedelta | None:
    """From its beginning to its end; None while it goes on."""
    return None if alert.resolved_at is None else alert.resolved_at - alert.opened_at


def _alert_dict(alert: Alert) -> dict[str, Any]:
    ended = {"resolved_at": iso(alert.resolved_at), "lasted_hours": hours(lasted(alert))}
    return alert_dict(alert) | ended | {"peak": alert.peak}


def _per(spent: int, count: float) -> float | None:
    return spent / count if count > 0 else None
