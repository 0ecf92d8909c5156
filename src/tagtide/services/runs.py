"""A run over many hashtags: slots, workers, what stops it, how it ends."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from tagtide.core.planning import is_probe_due
from tagtide.errors import BudgetExceeded, DataInUse, LeaseLost, SourceError, StorageError
from tagtide.models import Campaign, HashtagOutcome, Job, Reason, Run, Status
from tagtide.ports import Changes, Claim, HashtagState, SlotTaken
from tagtide.services.calls import Caller
from tagtide.services.context import Context, OnOutcome
from tagtide.services.keep import take_up

_log = structlog.get_logger(__name__)

#: Real seconds between two renewals of a run's leases.
_RENEW_EVERY = 15.0
#: Seconds between two looks at a slot that another run is working on.
_SHARED_POLL = 1.0

#: A run by hand that was interrupted longer ago than this is history, not to be continued.
_RESUMABLE = timedelta(hours=1)
#: How long an answer of the API shows that the key is accepted.
_TRUSTED = timedelta(minutes=5)
#: What makes every further call of a run pointless.
_STOPPING = frozenset({Reason.AUTH, Reason.CREDITS, Reason.BUDGET, Reason.STORAGE})

Work = Callable[[HashtagState, Claim, Caller], Awaitable[HashtagOutcome]]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRequest:
    """Which slot a run is for."""

    job: Job
    campaign: Campaign
    #: The scheduled instant; by hand, the instant of the command.
    slot_at: datetime
    #: ``schedule``, ``catch_up``, ``manual`` or ``agent``.
    trigger: str = "manual"


async def open_run(context: Context, request: RunRequest) -> Run:
    """Start the run, or take up an interrupted one of the same slot or by the same hand.

    Raises `StorageError` before anything is paid for when results could not be written.
    """
    await context.store.check_writable()
    await take_up(context)
    interrupted = await _interrupted(context, request) if request.trigger == "manual" else None
    # Only now nobody is at work on what was interrupted: its calls may have been billed.
    await context.store.recover(context.clock.now())
    if interrupted is not None:
        return interrupted
    return await context.store.start_run(
        request.job,
        request.campaign.campaign_id,
        request.slot_at,
        request.trigger,
        context.clock.now(),
    )


async def _interrupted(context: Context, request: RunRequest) -> Run | None:
    """A run by hand that died: it is taken up, so that no page is paid for twice.

    A process that died without a word holds its lease a little longer; that is waited for. Raises
    `DataInUse` when the other run turns out to be alive.
    """
    job, campaign = request.job, request.campaign
    waited_until = context.clock.now() + context.lease + timedelta(seconds=5)
    while True:
        now = context.clock.now()
        since = now - _RESUMABLE
        run = await context.store.interrupted_run(job, campaign.campaign_id, since, now)
        if run is not None:
            _log.info("run_resumed", run_id=run.run_id, job=job.value, campaign=campaign.name)
            return run
        recent = await context.store.runs(campaign_id=campaign.campaign_id, job=job, limit=5)
        if not any(_is_open(s.run, since) for s in recent):
            return None
        if now >= waited_until:
            raise DataInUse(
                f"{campaign.name} is being read by another process",
                hint="Wait until it has finished; `tagtide hashtags` shows what is stored.",
            )
        _log.warning("waiting_for_another_run", job=job.value, campaign=campaign.name)
        await context.clock.sleep(_SHARED_POLL)


def _is_open(run: Run, since: datetime) -> bool:
    return run.trigger == "manual" and run.finished_at is None and run.started_at >= since


class HashtagRunner:
    """Runs one piece of work per hashtag, several at a time, and gathers the outcomes.

    One bad hashtag never stops the others. What makes every further call pointless (key refused,
    no credits, budget spent, storage gone) does: the remaining hashtags are skipped with that
    reason and no call is made for them.
    """

    def __init__(
        self, context: Context, run: Run, campaign: Campaign, progress: OnOutcome | None = None
    ) -> None:
        self._context = context
        self._run = run
        self._campaign = campaign
        self._progress = progress or (lambda _outcome: None)
        #: Outcomes that no claim of this run has stored; for `Store.finish_run`.
        self.unclaimed: list[HashtagOutcome] = []
        #: Hashtags at work, those that wait for credits not counted, and what wakes these.
        self._working = 0
        self._released = asyncio.Event()
        #: Whether the API has answered a call of this run, or a hashtag has ended without.
        self._answered = asyncio.Event()
        self._stop: Reason | None = None
        self._failure: StorageError | None = None

    async def run(self, names: Sequence[str], work: Work) -> list[HashtagOutcome]:
        """Work through the hashtags and return one outcome each, in the given order.

        Afterwards no slot of the run is held any more. Raises `StorageError` when outcomes could
        not be written.
        """
        states = await self._context.store.hashtag_states(names)
        queue = list(reversed([states[name] for name in names]))
        outcomes: dict[str, HashtagOutcome] = {}

        async def next_one() -> None:
            state = queue.pop()
            outcomes[state.name] = outcome = await self._one(state, work)
            self._progress(outcome)
            # Also when it ended without an answer: nobody may wait for it any more.
            self._answered.set()

        async def worker() -> None:
            while queue:
                await next_one()

        # Twice the places at the API: while one hashtag is being stored another is being read.
        workers = min(len(names), 2 * self._context.source.max_in_flight)
        done = asyncio.Event()
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._keep_leases(done))
                is_trusted = await self._is_answered_lately()
                async with asyncio.TaskGroup() as pool:
                    for number in range(workers):
                        pool.create_task(worker())
                        if number == 0 and not is_trusted:
                            # A refused key or an empty balance costs one call.
                            await self._answered.wait()
                done.set()
        except asyncio.CancelledError:
            # Interrupted by a person: whoever goes on need not wait for the lease to end.
            await self._let_go()
            raise
        if self._failure is not None:
            raise self._failure
        if self._stop is Reason.BUDGET:
            # What this campaign may not pay for, another one in the same slot may.
            await self._let_go()
        return [outcomes[name] for name in names]

    async def _is_answered_lately(self) -> bool:
        """Whether the key was good and there were credits a moment ago: it need not be tried."""
        balance = await self._context.store.balance()
        if balance is None or balance.credits_remaining <= 0:
            return False
        return self._context.clock.now() - balance.read_at < _TRUSTED

    async def _let_go(self) -> None:
        await self._context.store.renew_run(self._run.run_id, self._context.clock.now())

    async def _keep_leases(self, done: asyncio.Event) -> None:
        # Real time, whatever clock decides: a lease tells living processes from dead ones.
        while not done.is_set():
            try:
                await asyncio.wait_for(done.wait(), _RENEW_EVERY)
            except TimeoutError:
                until = self._context.clock.now() + self._context.lease
                # A renewal that fails costs nothing yet: fencing protects what is written.
                with contextlib.suppress(StorageError):
                    await self._context.store.renew_run(self._run.run_id, until)

    async def _one(self, state: HashtagState, work: Work) -> HashtagOutcome:
        if self._stop is not None:
            return self._skip(state, self._stop)
        now = self._context.clock.now()
        if state.paused_at is not None and not is_probe_due(state.paused_at, now):
            return self._skip(state, Reason.PAUSED, _paused(state))
        if not self._context.breaker.allows(self._context.clock.monotonic()):
            return self._skip(state, Reason.BREAKER, "the data API is failing; not tried")
        try:
            claim = await self._claim(state.name)
            if isinstance(claim, HashtagOutcome):
                return claim
        except StorageError as error:
            return self._storage_failed(state, error)
        self._working += 1
        try:
            return await self._guarded(state, claim, work)
        except StorageError as error:
            return self._storage_failed(state, error)
        finally:
            self._gave_back()

    async def _guarded(self, state: HashtagState, claim: Claim, work: Work) -> HashtagOutcome:
        caller = Caller(
            self._context,
            self._campaign,
            self._run.run_id,
            state.name,
            credits=claim.credits,
            on_answer=self._answered.set,
        )
        try:
            outcome = await self._worked(state, claim, work, caller)
        except SourceError as error:
            outcome = await self._fail(claim, caller, error.reason, _said(error))
        except BudgetExceeded as error:
            outcome = self._skip(state, Reason.BUDGET, str(error))
        except StorageError:
            raise
        except asyncio.CancelledError:
            with contextlib.suppress(StorageError):
                await caller.abandon()
            raise
        except Exception:  # noqa: BLE001 - one poisonous hashtag must not stop the others
            _log.exception("hashtag_crashed", hashtag=state.name, run_id=self._run.run_id)
            detail = "tagtide could not process the answer; the log has the details"
            outcome = await self._fail(claim, caller, Reason.INTERNAL, detail)
        await caller.release()
        if outcome.status is not Status.OK and outcome.reason in _STOPPING:
            self._stop = outcome.reason
        self._context.breaker.record(
            outcome.status is not Status.FAILED,
            outcome.reason,
            self._context.clock.monotonic(),
        )
        return outcome

    async def _worked(
        self, state: HashtagState, claim: Claim, work: Work, caller: Caller
    ) -> HashtagOutcome:
        """The outcome of the work. Other hashtags reserve more than they may come to need: while
        any of them is at work, a budget that seems spent is waited for.
        """
        while True:
            try:
                return await work(state, claim, caller)
            except BudgetExceeded:
                if caller.has_called or self._working == 1:
                    raise
                self._working -= 1
                try:
                    await self._released.wait()
                finally:
                    self._working += 1
                if self._stop is not None:
                    raise

    def _gave_back(self) -> None:
        """Wake those who wait for credits."""
        self._working -= 1
        self._released.set()
        self._released = asyncio.Event()

    async def _fail(
        self, claim: Claim, caller: Caller, reason: Reason, detail: str
    ) -> HashtagOutcome:
        outcome = HashtagOutcome(
            hashtag=caller.hashtag or "",
            status=Status.FAILED,
            reason=reason,
            credits=caller.credits,
            detail=detail,
        )
        await self._context.store.commit(Changes(outcome=outcome, outcome_claim=claim))
        return outcome

    async def _claim(self, name: str) -> Claim | HashtagOutcome:
        context, run = self._context, self._run
        while True:
            claim = await context.store.claim_slot(
                run.job, name, run.slot_at, run.run_id, context.clock.now(), context.lease
            )
            if isinstance(claim, Claim):
                return claim
            if claim.done:
                return self._shared(name, claim)
            await context.clock.sleep(_SHARED_POLL)

    def _skip(self, state: HashtagState, reason: Reason, detail: str = "") -> HashtagOutcome:
        skipped = HashtagOutcome(
            hashtag=state.name, status=Status.SKIPPED, reason=reason, detail=detail
        )
        self.unclaimed.append(skipped)
        return skipped

    def _shared(self, name: str, taken: SlotTaken) -> HashtagOutcome:
        """The outcome another run (or this one, before it was interrupted) has stored."""
        outcome = taken.outcome or HashtagOutcome(hashtag=name, status=Status.FAILED)
        if taken.run_id == self._run.run_id:
            return outcome
        shared = HashtagOutcome(
            hashtag=name,
            status=outcome.status,
            reason=outcome.reason if outcome.status is not Status.OK else Reason.SHARED,
            videos_seen=outcome.videos_seen,
            detail="read for another campaign in the same slot",
        )
        self.unclaimed.append(shared)
        return shared

    def _storage_failed(self, state: HashtagState, error: StorageError) -> HashtagOutcome:
        if isinstance(error, LeaseLost):
            return HashtagOutcome(
                hashtag=state.name,
                status=Status.SKIPPED,
                reason=Reason.SHARED,
                detail="another process took this hashtag over",
            )
        self._stop, self._failure = Reason.STORAGE, self._failure or error
        return HashtagOutcome(
            hashtag=state.name, status=Status.FAILED, reason=Reason.STORAGE, detail=str(error)
        )


def _said(error: SourceError) -> str:
    """What went wrong; of a form that is not known also what was there."""
    if error.reason is Reason.SCHEMA and error.detail:
        return f"{error} Found: {error.detail}."
    return str(error)


def _paused(state: HashtagState) -> str:
    return (
        f"paused after {state.failures} failures in a row ({state.failure_reason.value}) and tried "
        f"once a day; `tagtide campaign edit CAMPAIGN --resume {state.name}` tries it at once"
    )


def run_status(outcomes: Sequence[HashtagOutcome]) -> Status:
    """Status of a run as a whole: ok, failed or skipped when all hashtags are, else partial.

    Some failed and the others skipped is failed: nothing was read.
    """
    statuses = {outcome.status for outcome in outcomes} or {Status.OK}
    if len(statuses) == 1:
        return statuses.pop()
    return Status.PARTIAL if statuses & {Status.OK, Status.PARTIAL} else Status.FAILED


def run_reason(outcomes: Sequence[HashtagOutcome]) -> Reason:
    """The reason to name for a run that is not ok: the one that stopped it, else the first."""
    reasons = [o.reason for o in outcomes if o.status not in {Status.OK, Status.RUNNING}]
    stopping = [reason for reason in reasons if reason in _STOPPING]
    return (stopping or reasons or [Reason.NONE])[0]
