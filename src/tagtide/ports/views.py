"""What pages read beyond what decisions do. Rollups and newest counters only: never the history."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from tagtide.models import HashtagLevel
from tagtide.ports.records import RunSummary


@dataclass(frozen=True, slots=True, kw_only=True)
class HashtagPace:
    """An own hashtag of a campaign at its newest reading and at an earlier one."""

    campaign_id: int
    hashtag: str
    hashtag_key: int
    #: None before the first.
    latest: HashtagLevel | None
    #: The newest one that is not younger than asked for; None where there is none.
    base: HashtagLevel | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowTotal:
    """Growth of a campaign's own hashtags together in six hours."""

    campaign_id: int
    #: Begin of the six hours.
    window_at: datetime
    #: Views gained, over the hashtags that were read in them.
    new_views: int
    #: How many were.
    hashtags: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FreshVideo:
    """A video that became high priority."""

    campaign_id: int
    video_id: str
    high_priority_at: datetime


class OverviewStore(Protocol):
    """What the first page reads, over every campaign in service."""

    async def hashtag_pace(self, since: datetime) -> list[HashtagPace]:
        """Every own hashtag of every campaign, now and at the newest reading up to ``since``."""

    async def window_totals(self, since: datetime) -> list[WindowTotal]:
        """Growth of the own hashtags by campaign and six hours, in order of time."""

    async def daily_credits(self, since: datetime) -> dict[date, int]:
        """By day (UTC), credits charged or perhaps charged; days without any are left out."""

    async def fresh_priority(self, since: datetime, limit: int) -> list[FreshVideo]:
        """Videos that became high priority after ``since``, those with most views first."""

    async def new_video_counts(self, since: datetime) -> dict[int, int]:
        """By campaign, videos first seen after ``since``; campaigns without any are left out."""

    async def failed_runs(self, since: datetime, limit: int) -> list[RunSummary]:
        """Runs that ended as partial or failed after ``since``, newest first; of their outcomes
        only those that are partial or failed too."""

    async def firing_counts(self) -> dict[int | None, int]:
        """By campaign, alerts that fire; None are those of tagtide itself."""
