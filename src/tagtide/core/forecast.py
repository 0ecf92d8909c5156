"""What a campaign will cost at its schedules."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from tagtide.core.schedule import Schedule
from tagtide.models import Campaign, Job

#: Four weeks without a change of clocks in most zones: long enough for any weekly pattern.
_FROM = datetime(2024, 1, 8, tzinfo=UTC)
_DAYS = 28


def daily_calls(campaign: Campaign, *, collect: str, track: str) -> float:
    """Calls per day: totals of every hashtag per tracking, pages of every feed per collection.

    ``collect`` and ``track`` are the installation's cron expressions; the campaign's own win. The
    page budget counts in full, retries and the one call that resolves an id do not.
    """
    feeds = sum(1 for hashtag in campaign.hashtags if hashtag.feed)
    return _per_day(campaign, Job.COLLECT, collect) * feeds * campaign.page_budget + _per_day(
        campaign, Job.TRACK, track
    ) * len(campaign.hashtags)


def _per_day(campaign: Campaign, job: Job, default: str) -> float:
    schedule = Schedule.parse(campaign.schedules.get(job, default), campaign.timezone)
    return len(schedule.slots_between(_FROM, _FROM + timedelta(days=_DAYS))) / _DAYS
