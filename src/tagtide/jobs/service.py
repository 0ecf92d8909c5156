"""The loops of a process that runs schedules: planner, heartbeat, deliveries, watchdog."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol, cast

import structlog

from tagtide.core.conditions import Kind
from tagtide.core.formats import span
from tagtide.core.schedule import Schedule, effective_schedule
from tagtide.errors import (
    ConfigError,
    DiskFull,
    SourceError,
    StorageError,
    StorageUnavailable,
    TagtideError,
)
from tagtide.jobs.engine import Engine
from tagtide.jobs.health import Condition, Health, Holds, Readiness
from tagtide.jobs.planning import PAID, Slot, due_slot
from tagtide.jobs.work import Worker
from tagtide.models import Campaign, Job, Reason, Status
from tagtide.ports import Balance, Changes, Channel, Clock, Lifeline
from tagtide.services.context import Context
from tagtide.services.deliver import deliver_channel
from tagtide.services.deliveries import prune_deliveries, watch_deliveries
from tagtide.services.desk_reminders import remind_all
from tagtide.services.detection import refresh_pool
from tagtide.services.ping import ping
from tagtide.services.self_alerts import check_self
from tagtide.services.subscriptions import watch_subscriptions
from tagtide.storage.database import sqlite_file
from tagtide.storage.maintenance import hold_instance

_log = structlog.get_logger(__name__)

#: Seconds without a tick of the scheduler after which the process gives up on itself.
STUCK_AFTER = 600.0
STUCK_EXIT = 70
#: Seconds that messages under way have after the stop; a receiver that is well needs less.
_LAST_SENDS = 5.0
#: What could not be planned is tried again after this.
_LOOK_AGAIN = timedelta(hours=1)
#: Conditions of this process that people are told of; the others show in what is stored.
_TOLD = {Condition.DISK: Kind.DISK, Condition.CLOCK: Kind.CLOCK}
#: A database that was away for less is not worth a message.
_LONG_OUTAGE = timedelta(minutes=5)
#: Seconds a new process has for what was missed before it calls a job silent.
_SETTLED = 1800.0
#: Ticks that may be late before this process is no longer said to live.
_LATE_TICKS = 6
#: Missed slots that are written down one by one; older ones are only counted.
_RECORDED = 50
#: A request of the API under a key may be repeated for so long.
_ANSWERS_KEPT = timedelta(hours=24)


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """Seconds between two rounds of each loop, and how long things may take."""

    plan: float = 10.0
    beat: float = 15.0
    #: Each channel by itself, so that one that hangs holds up no other.
    deliver: float = 1.0
    #: Looks at the channels.
    watch: float = 30.0
    #: Looks at tagtide itself.
    check: float = 60.0
    sweep: float = 3600.0
    #: A worker that has not beaten for this long is dead.
    dead_after: float = 60.0
    #: What runs in flight have to end after SIGTERM.
    grace: float = 25.0


class WorkerStore(Protocol):
    """Heartbeats, beside `tagtide.ports.Store`."""

    async def beat(self, executor_id: str, host: str, now: datetime) -> None:
        """Say that a worker lives."""

    async def dead_workers(self, before: datetime) -> list[str]:
        """Workers whose last beat is older."""

    async def remove_worker(self, executor_id: str) -> None:
        """Forget a worker."""


class Queue(Protocol):
    """What the loops need of the job engine."""

    async def start(self) -> None:
        """Begin to claim."""

    async def enqueue(self, slot: Slot) -> None:
        """Ask for a slot, any number of times."""

    async def owners(self) -> set[str]:
        """Executors with unfinished work."""

    async def take_from(self, executors: list[str]) -> None:
        """Hand on what they have left."""

    async def sweep(self, now: datetime) -> int:
        """Forget what ended long ago."""

    async def stop(self, grace: float) -> None:
        """Claim nothing more and end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServicePlan:
    """Plain values a service is built from."""

    database_url: str
    #: Name of this process among workers.
    executor_id: str
    host: str
    #: Schedule per job where a campaign has none of its own.
    schedules: Mapping[Job, str]
    #: Runs at once that call the data API; the source limits the calls in flight by itself.
    paid_at_once: int = 2
    #: Seconds between two signs of life to the dead man's switch.
    ping_every: float = 60.0
    timing: Timing = Timing()


def instance(database_url: str) -> AbstractContextManager[None]:
    """Hold a SQLite database for this process. Raises `DataInUse`; nothing on PostgreSQL."""
    return hold_instance(database_url)


def refuse_unshared(database_url: str) -> None:
    """Raise `ConfigError` unless several processes can share the database."""
    if "sqlite" in database_url.partition(":")[0]:
        raise ConfigError(
            "A worker needs a PostgreSQL that it shares with others; this database is SQLite.",
            hint="Use `tagtide serve` on this machine, or set "
            "TAGTIDE_DATABASE_URL=postgresql://user@host/name.",
        )


@dataclass(slots=True)
class Planner:
    """Finds due slots of every campaign in service and puts them into the queue."""

    context: Context
    schedules: Mapping[Job, str]
    queue: Queue
    health: Health
    holds: Holds
    #: Per campaign and job: the schedule, and the next instant worth a look at the store.
    _next: dict[tuple[int, Job], tuple[Schedule, datetime]] = field(default_factory=dict)
    #: Newest slot put into the queue by this process; it may not have started yet.
    _asked: dict[tuple[int, Job], datetime] = field(default_factory=dict)
    #: Jobs with a due slot that was held back, and why.
    _held: dict[tuple[int, Job], Reason] = field(default_factory=dict)
    #: What could not be planned, and when it is tried again unless the campaign is edited before.
    _broken: dict[tuple[int, Job], tuple[Campaign, datetime]] = field(default_factory=dict)
    _latest: datetime | None = None

    async def tick(self) -> None:
        """Look once. Raises `StorageError`."""
        now = self.context.clock.now()
        if self._clock_is_back(now):
            return
        for campaign in await self.context.store.campaigns():
            for job in Job:
                await self._look(campaign, job, now)

    def _clock_is_back(self, now: datetime) -> bool:
        """After a step back nothing is planned until time passes where it was."""
        if self._latest is not None and now < self._latest - timedelta(minutes=1):
            self.health.set(Condition.CLOCK, f"The clock stepped back from {self._latest:%H:%M}.")
            return True
        self.health.clear(Condition.CLOCK)
        self._latest = now
        return False

    async def _look(self, campaign: Campaign, job: Job, now: datetime) -> None:
        """One campaign that cannot be planned must not stop the others."""
        key = campaign.campaign_id, job
        broken = self._broken.get(key)
        if broken is not None and broken[0] == campaign and now < broken[1]:
            return
        try:
            await self._plan(campaign, job, now)
        except StorageError:
            raise
        except Exception:  # noqa: BLE001 - a zone or schedule may have become unreadable
            self._broken[key] = campaign, now + _LOOK_AGAIN
            _log.exception("campaign_not_planned", campaign=campaign.name, job=job.value)

    async def _plan(self, campaign: Campaign, job: Job, now: datetime) -> None:
        key = campaign.campaign_id, job
        schedule = effective_schedule(campaign, job, self.schedules)
        known = self._next.get(key)
        if known is not None and known[0] != schedule:
            # Edited: what the new schedule would have run before was not missed.
            known = self._next[key] = schedule, schedule.next_after(now)
        if known is not None and now < known[1]:
            return
        if job in PAID and (reason := self.holds.reason(now)) is not Reason.NONE:
            self._held[key] = reason
            return
        since = known[1] - timedelta(microseconds=1) if known else None
        await self._ask(campaign, job, schedule, now, since)
        self._next[key] = schedule, schedule.next_after(now)

    async def _ask(
        self,
        campaign: Campaign,
        job: Job,
        schedule: Schedule,
        now: datetime,
        since: datetime | None,
    ) -> None:
        key = campaign.campaign_id, job
        last = await self.context.store.last_slot(job, campaign.campaign_id)
        if job is Job.REPORT_WRAPUP:
            # An end that is set afterwards lies before the last look.
            since = None
        newest = max(filter(None, (last, self._asked.get(key), since)), default=None)
        due = due_slot(campaign, job, schedule, newest, now)
        reason = self._held.pop(key, Reason.DOWNTIME)
        if due.skipped:
            await self._write_down(campaign, job, due.skipped, reason)
        if due.slot is not None:
            await self.queue.enqueue(due.slot)
            self._asked[key] = due.slot.slot_at
            _log.info("slot_asked_for", slot=due.slot.key, trigger=due.slot.trigger)

    async def _write_down(
        self, campaign: Campaign, job: Job, missed: tuple[datetime, ...], reason: Reason
    ) -> None:
        """Missed slots become runs that were skipped, so that nobody looks for their readings."""
        _log.warning(
            "slots_skipped",
            campaign=campaign.name,
            job=job.value,
            count=len(missed),
            reason=reason.value,
        )
        self.health.skipped[job, reason] += len(missed)
        store = self.context.store
        for slot_at in missed[-_RECORDED:]:
            now = self.context.clock.now()
            run = await store.start_run(job, campaign.campaign_id, slot_at, "catch_up", now)
            if run.started_at == now:
                await store.finish_run(run.run_id, Status.SKIPPED, reason, now, Changes())


class Service:
    """Scheduler and worker in one process, until told to stop."""

    def __init__(
        self,
        plan: ServicePlan,
        context: Context,
        channels: Mapping[str, Channel],
        health: Health | None = None,
        queue: Queue | None = None,
        lifeline: Lifeline | None = None,
    ) -> None:
        self.health = health or Health()
        self._lifeline = lifeline
        self.health.set(Condition.STARTING, "The schedules are being started.")
        self._holds = Holds(self.health)
        self._plan, self._context, self._channels = plan, context, channels
        self._worker = Worker(
            context=context,
            schedules=plan.schedules,
            health=self.health,
            holds=self._holds,
        )
        engine = Engine(
            plan.database_url, plan.executor_id, self.perform, paid_at_once=plan.paid_at_once
        )
        self._queue: Queue = queue or cast("Queue", engine)
        self._planner = Planner(context, plan.schedules, self._queue, self.health, self._holds)
        self._workers = cast("WorkerStore", context.store)
        #: One process alone on its file: whoever else owns work is dead.
        self._is_alone = sqlite_file(plan.database_url) is not None
        self._steady_since: float | None = None
        self._started = context.clock.monotonic()
        #: Since when the database has been away, and what it said; kept until people know.
        self._outage: tuple[datetime, str] | None = None

    async def perform(self, slot: Slot) -> str:
        """Run one slot to its end, as the queue does."""
        return await self._worker.perform(slot)

    @property
    def _clock(self) -> Clock:
        return self._context.clock

    async def run(self, stop: asyncio.Event) -> None:
        """Work until ``stop`` is set, then end what is in flight, within the grace.

        Survives a database that goes away. Raises `ConfigError` where the queue cannot live.
        """
        timing = self._plan.timing
        with self._watchdog():
            if not await self._start(stop):
                return
            try:
                async with asyncio.TaskGroup() as group:
                    for seconds, work in (
                        (timing.plan, self.tick),
                        (timing.beat, self.beat),
                        (timing.watch, self.watch),
                        (timing.check, self.check),
                        (timing.sweep, self._sweep),
                        (self._plan.ping_every, self.ping),
                    ):
                        group.create_task(self._every(seconds, work, stop))
                    senders = [
                        group.create_task(
                            self._every(timing.deliver, self._sender(channel, stop), stop)
                        )
                        for channel in self._channels.values()
                    ]
                    group.create_task(_end_soon(senders, stop))
            finally:
                await self._end()

    async def _start(self, stop: asyncio.Event) -> bool:
        wait = 0.25
        while not stop.is_set():
            try:
                # Known before the first claim, or a peer would take its work away again.
                await self._say_alive()
                await self._queue.start()
            except StorageUnavailable as error:
                self._lost_database(error)
                await _pause(stop, wait)
                wait = min(5.0, 2 * wait)
            else:
                self.health.clear(Condition.STARTING, Condition.DATABASE)
                _log.info("schedules_started", executor=self._plan.executor_id)
                return True
        return False

    async def _end(self) -> None:
        self.health.set(Condition.STARTING, "The process is stopping.")
        _log.info("schedules_stopping")
        await self._queue.stop(self._plan.timing.grace)
        with suppress(StorageError):
            await self._workers.remove_worker(self._plan.executor_id)
        _log.info("schedules_stopped")

    async def _every(
        self, seconds: float, work: Callable[[], Awaitable[None]], stop: asyncio.Event
    ) -> None:
        while not stop.is_set():
            try:
                await work()
            except StorageError as error:
                self._lost_database(error)
            except TagtideError as error:
                _log.error("loop_failed", loop=work.__name__, error=str(error))
            except Exception:  # noqa: BLE001 - one bad round must not end the schedules
                _log.exception("loop_crashed", loop=work.__name__)
            await _pause(stop, seconds)

    def _lost_database(self, error: StorageError) -> None:
        self.health.database_errors += 1
        is_disk = isinstance(error, DiskFull)
        self.health.set(Condition.DISK if is_disk else Condition.DATABASE, str(error))
        if not is_disk and self._outage is None:
            self._outage = self._clock.now(), str(error)
        _log.warning("database_failed", error=str(error))

    # --- the loops --------------------------------------------------------------------------------

    async def tick(self) -> None:
        """One round of the scheduler. Raises `StorageError`."""
        self.health.ticked = self._clock.monotonic()
        await self._context.store.check_writable()
        self.health.clear(Condition.DATABASE, Condition.DISK)
        await self._probe()
        await self._planner.tick()

    async def _probe(self) -> None:
        if not self._holds.probe_due(self._clock.now()):
            return
        try:
            usage = await self._context.source.usage()
        except SourceError as error:
            self._holds.probed(None, self._clock.now())
            _log.warning("usage_probe_failed", error=str(error))
            return
        now = self._clock.now()
        self._holds.probed(usage.credit_balance, now)
        if usage.credit_balance is not None:
            await self._context.store.record_balance(
                Balance(credits_remaining=usage.credit_balance, read_at=now, plan=usage.plan)
            )

    async def check(self) -> None:
        """Tell people what is wrong with tagtide itself, and when it is over."""
        wrong = {
            kind: self.health.conditions[condition]
            for condition, kind in _TOLD.items()
            if condition in self.health.conditions
        }
        if self._outage is not None and Condition.DATABASE not in self.health.conditions:
            since, said = self._outage
            away = self._clock.now() - since
            if away >= _LONG_OUTAGE:
                # While it lasted nothing could be written. The next round says that it is over.
                wrong[Kind.DATABASE] = f"{said} It was away for {span(away)}."
        await check_self(
            self._context,
            self._plan.schedules,
            host=self._plan.host,
            wrong=wrong,
            is_scheduler=self._clock.monotonic() - self._started >= _SETTLED,
        )
        if Condition.DATABASE not in self.health.conditions:
            self._outage = None

    async def beat(self) -> None:
        """Say that this process lives, and take over from those that do not any more."""
        try:
            await self._say_alive()
        except StorageError:
            self._steady_since = None
            raise
        if self._steady_since is None:
            self._steady_since = self._clock.monotonic()
        await self._reap()

    async def _say_alive(self) -> None:
        await self._workers.beat(self._plan.executor_id, self._plan.host, self._clock.now())

    async def _reap(self) -> None:
        """Hand on the work of the dead."""
        owners = await self._queue.owners() - {self._plan.executor_id}
        dead = await self._dead(owners)
        orphaned = sorted(owners & dead)
        if orphaned:
            _log.warning("work_taken_over", executors=orphaned)
            await self._queue.take_from(orphaned)
        for executor in dead:
            await self._workers.remove_worker(executor)

    async def _dead(self, owners: set[str]) -> set[str]:
        if self._is_alone:
            return owners
        now = self._clock.now()
        dead_after = self._plan.timing.dead_after
        silent = set(await self._workers.dead_workers(now - timedelta(seconds=dead_after)))
        known = set(await self._workers.dead_workers(now + timedelta(days=365)))
        gone = owners - known
        # After an outage of the database everybody has been silent; wait until the living had time
        # to beat again.
        steady = self._clock.monotonic() - (self._steady_since or self._clock.monotonic())
        return gone | silent if steady >= dead_after else gone

    def _sender(self, channel: Channel, stop: asyncio.Event) -> Callable[[], Awaitable[None]]:
        async def deliver() -> None:
            await deliver_channel(self._context, channel, stop=stop.is_set)

        return deliver

    async def watch(self) -> None:
        """Tell of channels that fail, and of subscriptions without one. Raises `StorageError`."""
        wrong = await watch_deliveries(self._context)
        await watch_subscriptions(self._context)
        if wrong:
            self.health.set(Condition.DELIVERY, " ".join(wrong))
        else:
            self.health.clear(Condition.DELIVERY)

    async def ping(self) -> None:
        """Tell the dead man's switch that this process works; silence says that it does not."""
        if self._lifeline is None:
            return
        ticked, late = self.health.ticked, _LATE_TICKS * self._plan.timing.plan
        is_late = ticked is None or self._clock.monotonic() - ticked > late
        if is_late or self.health.readiness is Readiness.DOWN:
            self.health.pings["withheld"] += 1
            return
        error = await ping(self._lifeline)
        self.health.pings["failed" if error else "sent"] += 1
        if error is None:
            self.health.clear(Condition.DEADMAN)
            return
        self.health.set(Condition.DEADMAN, f"The dead man's switch was not reached: {error}")
        _log.warning("ping_failed", fault=error.fault.value, error=str(error))

    async def _sweep(self) -> None:
        await self._queue.sweep(self._clock.now())
        await prune_deliveries(self._context)
        await self._context.store.prune_requests(self._clock.now() - _ANSWERS_KEPT)
        await refresh_pool(self._context)
        await remind_all(self._context)

    # --- giving up --------------------------------------------------------------------------------

    @contextmanager
    def _watchdog(self) -> Iterator[None]:
        """A thread of its own, since what is stuck may be the event loop."""
        over = threading.Event()
        thread = threading.Thread(target=self._watch, args=(over,), daemon=True, name="watchdog")
        thread.start()
        try:
            yield
        finally:
            over.set()

    def _watch(self, over: threading.Event) -> None:
        started = self._clock.monotonic()
        while not over.wait(STUCK_AFTER / 60):
            silent = self._clock.monotonic() - (self.health.ticked or started)
            if silent > STUCK_AFTER:
                _log.error("scheduler_stuck", silent_seconds=round(silent))
                # Nothing of this process can be trusted to end it in order.
                os._exit(STUCK_EXIT)


async def _end_soon(senders: list[asyncio.Task[None]], stop: asyncio.Event) -> None:
    """After the stop a message under way has a moment; one that is broken off is sent again."""
    await stop.wait()
    if senders:
        await asyncio.wait(senders, timeout=_LAST_SENDS)
    for sender in senders:
        sender.cancel()


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    # Real time, whatever clock decides: databases, peers and people live in it.
    with suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)
