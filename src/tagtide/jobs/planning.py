"""Which slot of which job is due. Pure: no I/O, no clock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from tagtide.core.periods import midnight
from tagtide.core.planning import Phase, campaign_phase
from tagtide.core.schedule import Schedule, decide_catch_up, wrapup_slot
from tagtide.models import Campaign, Job

#: A slot that is started later than this makes up for down-time.
ON_TIME = timedelta(minutes=2)
#: Jobs that spend credits. The weekly report may track first; it looks after that itself.
PAID = frozenset({Job.COLLECT, Job.TRACK})
#: The end of a campaign is still reported so long after it.
_WRAPUP_WITHIN = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Slot:
    """One run to be made: everything the job engine is told."""

    job: Job
    campaign_id: int
    slot_at: datetime
    #: ``schedule`` or ``catch_up``.
    trigger: str

    @property
    def key(self) -> str:
        """The same for every process that finds this slot due."""
        return f"{self.job.value}:{self.campaign_id}:{self.instant}"

    @property
    def instant(self) -> str:
        """ISO 8601 in UTC."""
        return self.slot_at.astimezone(UTC).isoformat().replace("+00:00", "Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """What to do about one job of one campaign now."""

    #: None for nothing.
    slot: Slot | None
    #: Missed slots that are not made up for, in order.
    skipped: tuple[datetime, ...] = ()


def due_slot(
    campaign: Campaign, job: Job, schedule: Schedule, last_slot: datetime | None, now: datetime
) -> Due:
    """The newest slot that has come and was not started, unless it is too old to be worth it.

    Args:
        campaign: A stored one; slots before its start and after its end do not count.
        job: What would run.
        schedule: When.
        last_slot: Newest slot that was started or skipped; None if the job never ran.
        now: The instant.
    """
    after = max(_first_instant(campaign, now), last_slot or _first_instant(campaign, now))
    if job is Job.REPORT_WRAPUP:
        return _due_wrapup(campaign, schedule, after, now)
    missed = [s for s in schedule.slots_between(after, now) if _is_running(campaign, s)]
    if not missed:
        return Due(slot=None)
    newest = decide_catch_up(schedule, after, now).run
    if newest is None or newest != missed[-1]:
        return Due(slot=None, skipped=tuple(missed))
    trigger = "schedule" if now - newest <= ON_TIME else "catch_up"
    return Due(slot=Slot(job, campaign.campaign_id, newest, trigger), skipped=tuple(missed[:-1]))


def _due_wrapup(campaign: Campaign, schedule: Schedule, after: datetime, now: datetime) -> Due:
    """The one slot after the end; it reads nothing, so that it is made up for long after."""
    slot = wrapup_slot(campaign, schedule)
    if slot is None or not after < slot <= now:
        return Due(slot=None)
    if now - slot > _WRAPUP_WITHIN:
        return Due(slot=None, skipped=(slot,))
    trigger = "schedule" if now - slot <= ON_TIME else "catch_up"
    return Due(slot=Slot(Job.REPORT_WRAPUP, campaign.campaign_id, slot, trigger))


def newest_slot(campaign: Campaign, schedule: Schedule, now: datetime) -> datetime | None:
    """The newest slot that has come while the campaign was running; None if there was none."""
    newest = schedule.previous_at_or_before(now)
    return newest if newest is not None and _is_running(campaign, newest) else None


def _first_instant(campaign: Campaign, now: datetime) -> datetime:
    """Just before the first instant at which a slot could have been missed."""
    created = campaign.created_at or now
    if campaign.starts_on is None:
        return created
    begins = midnight(campaign.starts_on, ZoneInfo(campaign.timezone))
    return max(created, begins.astimezone(UTC) - timedelta(seconds=1))


def _is_running(campaign: Campaign, slot_at: datetime) -> bool:
    return campaign_phase(campaign, slot_at) is Phase.RUNNING
