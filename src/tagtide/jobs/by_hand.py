"""Runs that a person starts in this process: they outlive the page, and end with the process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog

from tagtide.errors import ConfigError, Conflict, StorageError
from tagtide.jobs.health import Health
from tagtide.models import Campaign, Job, Run
from tagtide.services.by_hand import begin, carry_out
from tagtide.services.context import Context

_log = structlog.get_logger(__name__)

#: Seconds that runs have to end by themselves when the process stops.
GRACE = 10.0


class RunsByHand:
    """Owns the runs; they can be started while `open` is entered."""

    def __init__(self, context: Context, health: Health, *, can_call: bool = True) -> None:
        self._context = context
        self._health = health
        self._can_call = can_call
        self._group: asyncio.TaskGroup | None = None
        self._tasks: dict[tuple[int, Job], asyncio.Task[None]] = {}

    @property
    def can_start(self) -> bool:
        """Whether runs can be started here at all."""
        return self._can_call and self._group is not None

    @asynccontextmanager
    async def open(self, grace: float = GRACE) -> AsyncIterator[None]:
        """Take runs until left; those under way have ``grace`` seconds, then they are broken off.

        What is broken off keeps what it has stored, and whoever starts the same within the hour
        goes on behind it.
        """
        async with asyncio.TaskGroup() as group:
            self._group = group
            try:
                yield
            finally:
                self._group = None
                await self._end(grace)

    async def _end(self, grace: float) -> None:
        tasks = list(self._tasks.values())
        if not tasks:
            return
        _log.info("runs_by_hand_ending", count=len(tasks))
        try:
            await asyncio.wait(tasks, timeout=grace)
        finally:
            for task in tasks:
                task.cancel()

    async def start(self, campaign: Campaign, job: Job) -> Run:
        """Start a run and return it at once.

        Raises:
            ConfigError: This process makes no calls, or is stopping.
            Conflict: A run of the job is under way for the campaign.
            BudgetExceeded: There are no credits, or the budget allows none.
            StorageError: Results could not be written.
        """
        if not self.can_start or self._group is None:
            raise ConfigError(
                "Runs cannot be started in this process: it only shows what is stored.",
                hint="Start `tagtide serve`, or use `tagtide track` and `tagtide collect`.",
            )
        key = campaign.campaign_id, job
        if key in self._tasks:
            raise Conflict(f"{campaign.name} is being read already.", hint="Wait until it ends.")
        begun: asyncio.Future[Run] = asyncio.get_running_loop().create_future()
        # Taken before anything is waited for: of two who press at once, one is refused.
        self._tasks[key] = self._group.create_task(self._run(campaign, job, begun))
        return await asyncio.shield(begun)

    async def _run(self, campaign: Campaign, job: Job, begun: asyncio.Future[Run]) -> None:
        try:
            run = await begin(self._context, campaign, job)
        except BaseException as error:
            self._tasks.pop((campaign.campaign_id, job), None)
            if not isinstance(error, Exception):
                begun.cancel()
                raise
            begun.set_exception(error)
            return
        begun.set_result(run)
        try:
            status, reason = await carry_out(self._context, campaign, run)
        except StorageError as error:
            # Nothing can be written, so the run stays open; it is taken up by whoever comes next.
            self._health.database_errors += 1
            _log.warning("run_by_hand_not_stored", run_id=run.run_id, error=str(error))
        else:
            self._health.runs[job, status, reason] += 1
            _log.info("run_by_hand_done", run_id=run.run_id, status=status.value)
        finally:
            self._tasks.pop((campaign.campaign_id, job), None)
