"""Durable workflows with DBOS; no other module knows it.

A workflow holds no data: its id is the slot's key, its arguments name the slot, its one step waits
for the use case that runs on the event loop of the process. DBOS keeps what was asked for, hands
each workflow to one worker, and hands it on when that worker has died. What a run has read and
paid for is in our own store, behind its own cursor.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Future
from contextlib import closing
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import structlog

from tagtide.errors import ConfigError, StorageUnavailable
from tagtide.jobs.planning import PAID, Slot
from tagtide.models import Job
from tagtide.storage.database import BUSY_TIMEOUT_MS, parse_url, sqlite_file
from tagtide.storage.sqlite_file import create_private

if TYPE_CHECKING:
    from dbos import DBOSConfig

_log = structlog.get_logger(__name__)

#: Version of the arguments and of the meaning of a workflow. Raise it only when pending work of
#: the older one must not be taken over: DBOS hands work to workers of its own version alone.
JOB_SCHEMA = "1"
_APP = "tagtide"
#: Tables of DBOS in a shared PostgreSQL.
_SCHEMA = "tagtide_jobs"
#: Runs that call the data API.
_PAID_QUEUE = "tagtide-paid"
#: Reports cost nothing and must not wait for a long collection.
_FREE_QUEUE, _FREE_AT_ONCE = "tagtide-free", 2
_POLL_SECONDS = 1.0
#: Finished workflows are kept this long; the runs themselves are in our own tables.
_KEEP = timedelta(days=14)
_SWEEP_LIMIT = 1000

Perform = Callable[[Slot], Awaitable[str]]


class Engine:
    """Queues, claims and recovers slots. One per process: DBOS is a singleton."""

    def __init__(
        self, database_url: str, executor_id: str, perform: Perform, *, paid_at_once: int = 2
    ) -> None:
        self._paid_at_once = paid_at_once
        self._url = database_url
        self._executor_id = executor_id
        self._perform = perform
        self._loop: asyncio.AbstractEventLoop | None = None
        self._running: set[Future[str]] = set()
        self._workflow: Callable[[str, int, str, str], str] | None = None

    async def start(self) -> None:
        """Open the queue and begin to claim from it. Raises `StorageError`, `ConfigError`."""
        self._loop = asyncio.get_running_loop()
        await asyncio.to_thread(self._launch)

    async def enqueue(self, slot: Slot) -> None:
        """Ask for a slot. Asking again, from any process, changes nothing."""
        await asyncio.to_thread(self._enqueue, slot)

    async def owners(self) -> set[str]:
        """Executors that have claimed workflows and not finished them, this one included."""
        return await asyncio.to_thread(_owners)

    async def take_from(self, executors: Sequence[str]) -> None:
        """Put back into the queue what dead executors have left; what has a new owner stays."""
        await asyncio.to_thread(_take_from, list(executors))

    async def sweep(self, now: datetime) -> int:
        """Forget workflows that ended long ago; return how many."""
        return await asyncio.to_thread(_sweep, now - _KEEP)

    async def stop(self, grace: float) -> None:
        """Claim nothing more, wait up to ``grace`` seconds for what runs, then let go of it.

        What was let go of stays claimed, so that another worker, or the next start, resumes it.
        """
        from dbos import DBOS

        await asyncio.to_thread(
            DBOS.destroy, workflow_completion_timeout_sec=int(grace), destroy_registry=True
        )
        for future in list(self._running):
            future.cancel()

    # --- in threads of DBOS and of the pool -------------------------------------------------------

    def _launch(self) -> None:
        from dbos import DBOS
        from sqlalchemy.exc import SQLAlchemyError

        _forward_logs()
        DBOS(config=self._config())
        self._register()
        try:
            DBOS.launch()
            DBOS.register_queue(
                _PAID_QUEUE,
                partition_concurrency=1,
                worker_concurrency=self._paid_at_once,
                polling_interval_sec=_POLL_SECONDS,
            )
            DBOS.register_queue(
                _FREE_QUEUE,
                partition_concurrency=1,
                worker_concurrency=_FREE_AT_ONCE,
                polling_interval_sec=_POLL_SECONDS,
            )
        except SQLAlchemyError as error:
            DBOS.destroy(destroy_registry=True)
            raise StorageUnavailable("The job database does not answer.") from error

    def _config(self) -> DBOSConfig:
        from dbos import DBOSConfig, DBOSPortableJSONSerializer

        return DBOSConfig(
            name=_APP,
            system_database_url=_job_database(self._url),
            dbos_system_schema=_SCHEMA,
            application_version=JOB_SCHEMA,
            executor_id=self._executor_id,
            # The default is pickle: whoever can write to the database could run code here.
            serializer=DBOSPortableJSONSerializer(),
            # Nobody waits for results: runs are read from our own tables.
            use_listen_notify=False,
            log_level="WARNING",
            sys_db_pool_size=5,
        )

    def _register(self) -> None:
        from dbos import DBOS

        def run_slot(job: str, campaign_id: int, instant: str, trigger: str) -> str:
            slot = Slot(Job(job), campaign_id, datetime.fromisoformat(instant), trigger)
            return DBOS.run_step({"name": "run"}, self._wait_for, slot)

        self._workflow = DBOS.workflow(name="slot")(run_slot)

    def _wait_for(self, slot: Slot) -> str:
        assert self._loop is not None
        future = asyncio.run_coroutine_threadsafe(self._call(slot), self._loop)
        self._running.add(future)
        try:
            return future.result()
        finally:
            self._running.discard(future)

    async def _call(self, slot: Slot) -> str:
        return await self._perform(slot)

    def _enqueue(self, slot: Slot) -> None:
        from dbos import DBOS, SetEnqueueOptions, SetWorkflowID

        assert self._workflow is not None
        queue = _PAID_QUEUE if slot.job in PAID else _FREE_QUEUE
        # One at a time per job and campaign: a slot that overruns makes the next one wait.
        partition = f"{slot.job.value}:{slot.campaign_id}"
        with SetWorkflowID(slot.key), SetEnqueueOptions(queue_partition_key=partition):
            DBOS.enqueue_workflow(
                queue, self._workflow, slot.job.value, slot.campaign_id, slot.instant, slot.trigger
            )


def _owners() -> set[str]:
    from dbos import DBOS

    pending = DBOS.list_workflows(status="PENDING", load_input=False, load_output=False)
    return {workflow.executor_id for workflow in pending if workflow.executor_id}


def _take_from(executors: list[str]) -> None:
    from dbos import DBOS

    # Unlike `resume_workflows`, this takes only what the dead executors still own, so that two
    # workers that notice a death at once cannot take a workflow from one another.
    DBOS._recover_pending_workflows(executors)  # noqa: SLF001 - the public call lacks that condition


def _sweep(before: datetime) -> int:
    from dbos import DBOS

    old = DBOS.list_workflows(
        status=["SUCCESS", "ERROR", "CANCELLED"],
        completed_before=before.isoformat(),
        limit=_SWEEP_LIMIT,
        load_input=False,
        load_output=False,
    )
    if old:
        DBOS.delete_workflows([workflow.workflow_id for workflow in old])
    return len(old)


def _job_database(url: str) -> str:
    """Address of the queue: the same PostgreSQL, or a file of its own beside the SQLite file."""
    path = sqlite_file(url)
    if path is not None:
        file = path.with_name(f"{path.stem}-jobs.db")
        create_private(file)
        with closing(sqlite3.connect(file, timeout=BUSY_TIMEOUT_MS / 1000)) as connection:
            # The mode stays with the file. With the default journal a job costs five times more.
            connection.execute("PRAGMA journal_mode=WAL")
        return f"sqlite:///{file}"
    parsed = parse_url(url)
    if parsed.get_backend_name() == "sqlite":
        raise ConfigError(
            "Schedules need a database that outlives the process.",
            hint="Use a file (sqlite:///tagtide.db) or postgresql://...",
        )
    return parsed.render_as_string(hide_password=False)


class _ToOurLog(logging.Handler):
    """One line per event, in the form of our own log."""

    def emit(self, record: logging.LogRecord) -> None:
        cause = record.exc_info[0].__name__ if record.exc_info and record.exc_info[0] else None
        facts: dict[str, Any] = {"message": record.getMessage()[:300]}
        if cause:
            facts["cause"] = cause
        _log.log(record.levelno, "job_engine", **facts)


def _forward_logs() -> None:
    """Before DBOS is made: it brings a handler of its own only where it finds none."""
    logger = logging.getLogger("dbos")
    logger.propagate = False
    logger.handlers = [_ToOurLog()]
