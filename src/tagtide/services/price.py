"""What a run would cost if it were started now, and a run that spends no more than was agreed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from tagtide.core.periods import start_of_day
from tagtide.core.planning import is_probe_due
from tagtide.errors import BudgetExceeded, Conflict, InvalidInput, NotFound
from tagtide.models import Campaign, Job
from tagtide.ports import BudgetLimit, HashtagState, RunSummary
from tagtide.services.collect import collect, feed_hashtags
from tagtide.services.context import Context
from tagtide.services.runs import RunRequest
from tagtide.services.track import track

#: Jobs that are paid for.
PAID_JOBS = (Job.TRACK, Job.COLLECT)
#: Trigger of runs that an agent has started; they have a budget of their own.
AGENT = "agent"


@dataclass(frozen=True, slots=True, kw_only=True)
class HashtagPrice:
    """What one hashtag of a run costs at most."""

    hashtag: str
    credits: int
    #: Paused after failures and not yet due for a try: nothing is asked.
    is_paused: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """What a run costs at most: every call that it plans. Retries come out of the same sum."""

    job: Job
    campaign: Campaign
    hashtags: tuple[HashtagPrice, ...]

    @property
    def credits(self) -> int:
        """The sum."""
        return sum(one.credits for one in self.hashtags)


async def price_of(context: Context, job: Job, campaign: Campaign) -> Price:
    """The price of tracking or collecting a campaign now. Spends nothing, writes nothing.

    Raises `InvalidInput` for a job that is not paid for.
    """
    if job not in PAID_JOBS:
        raise InvalidInput("Only track and collect spend credits.")
    states = await context.store.hashtag_states([tag.name for tag in campaign.hashtags])
    return planned_price(job, campaign, states, context.clock.now())


def planned_price(
    job: Job, campaign: Campaign, states: Mapping[str, HashtagState], now: datetime
) -> Price:
    """The price by what is known of the campaign's hashtags."""
    tags = campaign.hashtags if job is Job.TRACK else feed_hashtags(campaign)

    def one(state: HashtagState) -> HashtagPrice:
        paused = state.paused_at is not None and not is_probe_due(state.paused_at, now)
        calls = 1
        if job is Job.COLLECT:
            # Without an id of TikTok's it is asked for first.
            calls = campaign.page_budget + (state.hashtag_id is None)
        return HashtagPrice(hashtag=state.name, credits=0 if paused else calls, is_paused=paused)

    return Price(job=job, campaign=campaign, hashtags=tuple(one(states[tag.name]) for tag in tags))


async def run_agreed(
    context: Context, job: Job, campaign: Campaign, *, agreed: int, per_day: int
) -> RunSummary:
    """Run a job for an agent: at the price that was agreed, within the budget of agents.

    No call beyond ``agreed`` is made, and none beyond ``per_day`` credits of all runs of agents in
    a day of UTC; the installation's and the campaign's own budgets hold as always.

    Raises `Conflict` when the price is another one now, `BudgetExceeded` before anything is asked.
    """
    price = await price_of(context, job, campaign)
    if price.credits != agreed:
        raise Conflict(
            f"The price is {price.credits} credits now, and {agreed} were agreed.",
            hint="Ask for the price again.",
        )
    if not agreed:
        raise NotFound(f"{campaign.name} has no hashtag that {job.value} would read now.")
    if agreed > per_day:
        raise BudgetExceeded(f"Agents may spend {per_day} credits a day.")
    now = context.clock.now()
    limits = (
        BudgetLimit(
            credits=per_day, since=start_of_day(now), period="today for agents", trigger=AGENT
        ),
        BudgetLimit(credits=agreed, since=now, period="for this run", trigger=AGENT),
    )
    bounded = replace(context, budget=replace(context.budget, more=limits))
    request = RunRequest(job=job, campaign=campaign, slot_at=now, trigger=AGENT)
    if job is Job.TRACK:
        number = (await track(bounded, request)).run_id
    else:
        number = (await collect(bounded, request)).run_id
    return await context.store.run(number)
