"""Runs that a person starts: what one will cost, what stands against it, and the run itself."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

import structlog

from tagtide.errors import BudgetExceeded, Conflict, InvalidInput, SourceError, StorageError
from tagtide.models import Campaign, Job, Reason, Run, Status
from tagtide.ports import Balance, Changes
from tagtide.services.collect import collect
from tagtide.services.context import Context
from tagtide.services.price import planned_price
from tagtide.services.runs import RunRequest
from tagtide.services.track import track

_log = structlog.get_logger(__name__)

#: Jobs that a person can start.
BY_HAND = (Job.TRACK, Job.COLLECT)
#: A run by hand that was interrupted longer ago is history, not to be continued.
_RESUMABLE = timedelta(hours=1)


class Hindrance(StrEnum):
    """Why a run cannot be started now."""

    NONE = "none"
    UNDER_WAY = "under_way"
    CREDITS = "credits"
    BUDGET = "budget"


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A run that a person could start."""

    campaign_id: int
    campaign: str
    job: Job
    #: Calls at most, when nothing has to be tried twice.
    credits: int
    hindrance: Hindrance
    #: The run that is under way.
    run_id: int | None
    #: What the budgets leave; None where none binds.
    budget_left: int | None


async def offers(context: Context, campaigns: Iterable[Campaign]) -> list[Offer]:
    """Every run that could be started for these campaigns. Raises `StorageError`."""
    campaigns, now = list(campaigns), context.clock.now()
    balance = await context.store.balance()
    live = {(r.campaign_id, r.job): r for r in await context.store.live_runs(now)}
    names = dict.fromkeys(h.name for c in campaigns for h in c.hashtags)
    states = await context.store.hashtag_states(list(names))
    found = []
    for campaign in campaigns:
        left = await _budget_left(context, campaign)
        for job in BY_HAND:
            run = live.get((campaign.campaign_id, job))
            found.append(
                Offer(
                    campaign_id=campaign.campaign_id,
                    campaign=campaign.name,
                    job=job,
                    credits=planned_price(job, campaign, states, now).credits,
                    hindrance=_hindrance(run, balance, left),
                    run_id=run.run_id if run else None,
                    budget_left=left,
                )
            )
    return found


def _hindrance(run: Run | None, balance: Balance | None, left: int | None) -> Hindrance:
    if run is not None:
        return Hindrance.UNDER_WAY
    if balance is not None and balance.credits_remaining <= 0:
        return Hindrance.CREDITS
    return Hindrance.BUDGET if left is not None and left <= 0 else Hindrance.NONE


async def _budget_left(context: Context, campaign: Campaign) -> int | None:
    rest = []
    for limit in context.budget.limits(campaign, context.clock.now()):
        used = await context.store.spent(limit.since, limit.campaign_id)
        rest.append(limit.credits - used.charged - used.unknown - used.reserved)
    return min(rest, default=None)


async def begin(context: Context, campaign: Campaign, job: Job) -> Run:
    """Start a run, or take up one by hand that was interrupted within the hour.

    Nothing is called yet; `carry_out` does the work.

    Raises:
        Conflict: A run of the job is under way for the campaign.
        BudgetExceeded: There are no credits, or the budget allows none.
        StorageError: Results could not be written.
    """
    if job not in BY_HAND:
        raise InvalidInput(f"{job.value} cannot be started by hand")
    store = context.store
    await store.check_writable()
    (offer,) = [o for o in await offers(context, [campaign]) if o.job is job]
    if offer.hindrance is Hindrance.CREDITS:
        await _ask_balance(context)
        (offer,) = [o for o in await offers(context, [campaign]) if o.job is job]
    _refuse(offer)
    now = context.clock.now()
    interrupted = await store.interrupted_run(job, campaign.campaign_id, now - _RESUMABLE, now)
    if interrupted is not None:
        return interrupted
    return await store.start_run(job, campaign.campaign_id, now, "manual", now)


async def _ask_balance(context: Context) -> None:
    """Credits may have been added since; asking is free."""
    try:
        usage = await context.source.usage()
    except SourceError as error:
        _log.warning("usage_not_answered", error=str(error))
        return
    if usage.credit_balance is not None:
        now = context.clock.now()
        await context.store.record_balance(
            Balance(credits_remaining=usage.credit_balance, read_at=now, plan=usage.plan)
        )


def _refuse(offer: Offer) -> None:
    match offer.hindrance:
        case Hindrance.UNDER_WAY:
            raise Conflict(
                f"{offer.campaign} is being read already (run {offer.run_id}).",
                hint="Wait until that run has ended; nothing was started and nothing was paid.",
            )
        case Hindrance.CREDITS:
            raise BudgetExceeded(
                "There are no credits left at the provider; nothing was started.",
                hint="Add credits at the provider, then start the run again.",
            )
        case Hindrance.BUDGET:
            raise BudgetExceeded(
                f"The budget leaves no credits for {offer.campaign}; nothing was started."
            )


async def carry_out(context: Context, campaign: Campaign, run: Run) -> tuple[Status, Reason]:
    """Do the work of a run that was begun. A fault of ours ends it as failed.

    Raises `StorageError` when results could not be written.
    """
    request = RunRequest(job=run.job, campaign=campaign, slot_at=run.slot_at)
    try:
        if run.job is Job.COLLECT:
            collected = await collect(context, request)
            return collected.status, collected.reason
        tracked = await track(context, request)
    except StorageError:
        raise
    except Exception:  # noqa: BLE001 - one poisonous campaign must not end the process
        _log.exception("run_crashed", run_id=run.run_id)
        now = context.clock.now()
        await context.store.finish_run(run.run_id, Status.FAILED, Reason.INTERNAL, now, Changes())
        return Status.FAILED, Reason.INTERNAL
    return tracked.status, tracked.reason
