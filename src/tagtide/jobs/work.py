"""One slot, from start to delivery: the body of a durable workflow, without the engine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

import structlog

from tagtide.core.schedule import effective_schedule
from tagtide.errors import (
    DiskFull,
    NotFound,
    StorageBusy,
    StorageError,
    StorageReadOnly,
    StorageUnavailable,
)
from tagtide.jobs.health import Condition, Health, Holds
from tagtide.jobs.planning import PAID, Slot, newest_slot
from tagtide.models import Campaign, Job, Reason, Run, Status
from tagtide.ports import Changes
from tagtide.services.collect import collect
from tagtide.services.context import Context
from tagtide.services.report_kinds import MAKERS
from tagtide.services.report_messages import Made, tell_subscribers
from tagtide.services.runs import RunRequest
from tagtide.services.track import track
from tagtide.services.views.reports import JOBS

_log = structlog.get_logger(__name__)

#: Storage that may come back by itself.
TRANSIENT = (StorageUnavailable, StorageBusy, DiskFull, StorageReadOnly)
#: Seconds between attempts while the storage is away.
_FIRST_WAIT, _LONGEST_WAIT = 1.0, 60.0
_CRASHED = "a fault of tagtide; the log has the details"
#: The weekly report reads totals first when the newest are older.
_FRESH = timedelta(hours=1)

#: The kind of report that a job makes.
_KINDS = {job: kind for kind, job in JOBS.items()}

Ending = tuple[Status, Reason]


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """Executes slots with the use cases of this process."""

    context: Context
    #: Schedule per job where a campaign has none of its own.
    schedules: Mapping[Job, str]
    health: Health
    holds: Holds

    async def perform(self, slot: Slot) -> str:
        """Run a slot to its end and return its status.

        Waits while the storage is away. Never raises for what a run can meet; a run that was
        finished before is not repeated, one that was interrupted goes on where it stopped.
        """
        started = self.context.clock.now()
        self.health.lateness[slot.job] = max(0.0, (started - slot.slot_at).total_seconds())
        status, reason = await self._until_stored(slot)
        self.health.runs[slot.job, status, reason] += 1
        self.holds.learn(reason, self.context.clock.now())
        _log.info(
            "slot_done",
            slot=slot.key,
            trigger=slot.trigger,
            status=status.value,
            reason=reason.value,
        )
        return status.value

    async def _until_stored(self, slot: Slot) -> Ending:
        wait = _FIRST_WAIT
        while True:
            try:
                return await self._attempt(slot)
            except TRANSIENT as error:
                self._storage_is_away(error)
            await self.context.clock.sleep(wait)
            wait = min(2 * wait, _LONGEST_WAIT)

    def _storage_is_away(self, error: StorageError) -> None:
        self.health.database_errors += 1
        is_disk = isinstance(error, DiskFull)
        self.health.set(Condition.DISK if is_disk else Condition.DATABASE, str(error))
        _log.warning("storage_away", error=str(error))

    async def _attempt(self, slot: Slot) -> Ending:
        try:
            return await self._run(slot)
        except TRANSIENT:
            raise
        except Exception:  # noqa: BLE001 - a poisonous campaign must not stop the others
            _log.exception("slot_crashed", slot=slot.key)
        try:
            return await self._end(slot, Status.FAILED, Reason.INTERNAL)
        except TRANSIENT:
            raise
        except Exception:  # noqa: BLE001 - the engine must not hear of it: it would keep the text
            _log.exception("slot_not_ended", slot=slot.key)
            return Status.FAILED, Reason.INTERNAL

    async def _run(self, slot: Slot) -> Ending:
        campaign = await self._campaign(slot.campaign_id)
        if campaign is None:
            return Status.SKIPPED, Reason.NOT_FOUND
        schedule = effective_schedule(campaign, slot.job, self.schedules)
        newest = newest_slot(campaign, schedule, self.context.clock.now())
        if newest is not None and newest > slot.slot_at:
            # The next slot has come while this one waited: only the newest is worth credits.
            return await self._give_up(slot)
        if slot.job in PAID:
            await self._let_go(slot)
        if slot.job is Job.COLLECT:
            collected = await collect(self.context, _request(slot, campaign))
            return collected.status, collected.reason
        if slot.job is Job.TRACK:
            tracked = await track(self.context, _request(slot, campaign))
            return tracked.status, tracked.reason
        return await self._report(slot, campaign)

    async def _campaign(self, campaign_id: int) -> Campaign | None:
        found = await self.context.store.campaigns()
        return next((c for c in found if c.campaign_id == campaign_id), None)

    async def _give_up(self, slot: Slot) -> Ending:
        now = self.context.clock.now()
        run = await self._open(slot)
        if run.finished_at is not None:
            return run.status, run.reason
        if run.started_at < now:
            return await self._end(slot, Status.PARTIAL, Reason.INTERRUPTED)
        self.health.skipped[slot.job, Reason.DOWNTIME] += 1
        return await self._end(slot, Status.SKIPPED, Reason.DOWNTIME)

    async def _report(self, slot: Slot, campaign: Campaign) -> Ending:
        run = await self._open(slot)
        if run.finished_at is not None:
            return run.status, run.reason
        if slot.job is Job.REPORT_WEEKLY:
            await self._freshen(slot, campaign)
        kind, day, problem = _KINDS[slot.job], None, ""
        ending = Status.OK, Reason.NONE
        try:
            day = (await MAKERS[kind](self.context, campaign)).on
        except NotFound as error:
            problem, ending = str(error), (Status.SKIPPED, Reason.NOT_FOUND)
        except TRANSIENT:
            raise
        except Exception:  # noqa: BLE001 - who waits for the report is told that there is none
            _log.exception("report_crashed", slot=slot.key)
            problem, ending = _CRASHED, (Status.FAILED, Reason.INTERNAL)
        # Before the run ends: after a crash it is made again, and whoever was told is not told
        # twice.
        made = Made(kind=kind, day=day, problem=problem)
        await tell_subscribers(self.context, campaign, made, slot.slot_at)
        return await self._end(slot, *ending)

    async def _freshen(self, slot: Slot, campaign: Campaign) -> None:
        """Read totals before the weekly ranking, unless they are fresh or paid runs are held."""
        now = self.context.clock.now()
        states = await self.context.store.hashtag_states([h.name for h in campaign.hashtags])
        read = [s.latest.read_at for s in states.values() if s.latest is not None]
        is_fresh = bool(read) and now - max(read) <= _FRESH
        if is_fresh or self.holds.reason(now) is not Reason.NONE:
            return
        tracking = Slot(Job.TRACK, slot.campaign_id, slot.slot_at, slot.trigger)
        await self._let_go(tracking)
        result = await track(self.context, _request(tracking, campaign))
        self.health.runs[Job.TRACK, result.status, result.reason] += 1
        self.holds.learn(result.reason, self.context.clock.now())

    async def _let_go(self, slot: Slot) -> None:
        """End the leases of a run that was begun before: the engine gave it to us alone.

        Whoever began it is dead, or was this process before the storage came back; should he live
        after all, fencing keeps him from writing.
        """
        now = self.context.clock.now()
        run = await self._open(slot)
        if run.finished_at is None and run.started_at < now:
            await self.context.store.renew_run(run.run_id, now)

    async def _open(self, slot: Slot) -> Run:
        now = self.context.clock.now()
        return await self.context.store.start_run(
            slot.job, slot.campaign_id, slot.slot_at, slot.trigger, now
        )

    async def _end(self, slot: Slot, status: Status, reason: Reason) -> Ending:
        run = await self._open(slot)
        now = self.context.clock.now()
        await self.context.store.finish_run(run.run_id, status, reason, now, Changes())
        return status, reason


def _request(slot: Slot, campaign: Campaign) -> RunRequest:
    return RunRequest(job=slot.job, campaign=campaign, slot_at=slot.slot_at, trigger=slot.trigger)
