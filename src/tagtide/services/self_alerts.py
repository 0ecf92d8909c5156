"""What tagtide says about itself: once when something goes wrong with it, once when it is over.

Incidents are alerts without a campaign; the database keeps each of them from being raised twice,
whoever notices it: `check_self` runs at the end of a command and in the loops of every process.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta

import structlog

from tagtide.core.alert_terms import AlertAction
from tagtide.core.alerts import AlertDecision, Lifecycle, decide_alert
from tagtide.core.conditions import (
    FORMAT_WINDOW,
    CreditRecord,
    Found,
    JobRecord,
    Kind,
    LastAnswer,
    firing,
    judge_collector,
    judge_credits,
    judge_credits_low,
    judge_format,
    judge_hashtags,
    judge_key,
    over,
)
from tagtide.core.forecast import daily_calls
from tagtide.core.messages.notification import self_payload
from tagtide.core.periods import start_of_day
from tagtide.core.planning import Phase, campaign_phase
from tagtide.core.rules import Incident
from tagtide.core.schedule import Schedule
from tagtide.errors import Conflict, InvalidInput
from tagtide.models import Alert, Campaign, Job, Mute, Notification, Reason, Rule, Status
from tagtide.ports import Changes
from tagtide.services.context import Context

_log = structlog.get_logger(__name__)

#: What comes back within this time is the same incident.
_LIFECYCLE = Lifecycle(reopen=timedelta(hours=6))
#: Notes of the ledger that say whether key and credits are good.
_TELLING = ("ok", Reason.AUTH.value, Reason.CREDITS.value, Reason.NOT_FOUND.value)
_PAID = (Job.COLLECT, Job.TRACK)
_GOOD = (Status.OK, Status.PARTIAL)
_ENDED = (*_GOOD, Status.FAILED, Status.SKIPPED)
_BEGINS = frozenset({AlertAction.RAISE, AlertAction.REOPEN})


async def notify_self(
    context: Context,
    condition: str,
    message: str,
    hint: str = "",
    *,
    without: str | None = None,
) -> bool:
    """Tell every channel that something is wrong; nothing happens while the incident lasts.

    Args:
        context: Ports; its ``channels`` are told.
        condition: A short name, the same at the begin and at the end, such as ``channel:team``.
        message: One sentence. Holds no secret and no address.
        hint: What to do, one sentence; by default what `core.conditions` says of its kind.
        without: A channel that is not told, because it is the one that fails.

    Returns:
        Whether the incident began with this call.

    Raises:
        StorageError: nothing was written.
    """
    found = Found(condition=condition, verdict=firing(condition, message, hint=hint))
    return await _carry_out(context, found, await _Known.now(context), without)


async def resolve_self(
    context: Context, condition: str, message: str, *, without: str | None = None
) -> bool:
    """Tell every channel that it is over; nothing happens when there was no such incident.

    Returns:
        Whether the incident ended with this call.

    Raises:
        StorageError: nothing was written.
    """
    found = Found(condition=condition, verdict=over(message))
    return await _carry_out(context, found, await _Known.now(context), without)


async def open_conditions(context: Context) -> set[str]:
    """What is wrong with tagtide now, as far as people know. Raises `StorageError`."""
    return {*(await _Known.now(context)).open()}


async def check_self(
    context: Context,
    schedules: Mapping[Job, str],
    *,
    host: str | None = None,
    wrong: Mapping[Kind, str] | None = None,
    is_scheduler: bool = False,
) -> None:
    """Judge every condition by what is stored, and tell people what has changed.

    Args:
        context: Ports.
        schedules: Schedule per job where a campaign has none of its own.
        host: Name of the machine, for conditions that only a process can see.
        wrong: Those of them that are so now, with a sentence; None when this process cannot tell.
        is_scheduler: This process plans runs: one that did not come is missed.

    Raises:
        StorageError: what was written before stays.
    """
    known = await _Known.now(context)
    for found in await _judged(context, schedules, known, is_scheduler=is_scheduler):
        await _carry_out(context, found, known)
    if host is not None and wrong is not None:
        for found in _of_process(host, wrong):
            await _carry_out(context, found, known)


class _Known:
    """Incidents and mutes as they stand."""

    def __init__(self, alerts: Iterable[Alert], mutes: Iterable[Mute]) -> None:
        self.by_condition = {alert.condition: alert for alert in alerts}
        self.mutes = tuple(mutes)

    @classmethod
    async def now(cls, context: Context) -> _Known:
        at = context.clock.now()
        since = at - _LIFECYCLE.reopen
        past = await context.store.episodes(None, resolved_since=since, rule=Rule.SELF)
        return cls(past, await context.store.mutes(at))

    def open(self) -> list[str]:
        """Names of what is wrong, as far as people know."""
        return [a.condition for a in self.by_condition.values() if a.is_open and a.condition]


# --- judging --------------------------------------------------------------------------------------


async def _judged(
    context: Context, schedules: Mapping[Job, str], known: _Known, *, is_scheduler: bool
) -> list[Found]:
    store, now = context.store, context.clock.now()
    campaigns = await store.campaigns()
    note = await store.newest_note(_TELLING)
    answer = LastAnswer(note=note[0], at=note[1]) if note else None
    key = judge_key(answer)
    record = await _credit_record(context, campaigns, schedules)
    spent = judge_credits(answer, record)
    is_held = Incident.GOES_ON in {key.incident, spent.incident}
    jobs = [r for c in campaigns for r in await _job_records(context, c, schedules)]
    ended = await store.ended_since(now - FORMAT_WINDOW)
    unreadable = [o for o in ended if o.reason is Reason.SCHEMA]
    collector = judge_collector(jobs, now, is_scheduler=is_scheduler, is_held=is_held)
    return [
        Found(condition=Kind.AUTH, verdict=key),
        Found(condition=Kind.CREDITS, verdict=spent),
        Found(condition=Kind.CREDITS_LOW, verdict=judge_credits_low(record)),
        Found(
            condition=Kind.FORMAT,
            verdict=judge_format(len(ended), len(unreadable), [o.detail for o in unreadable]),
        ),
        Found(condition=Kind.COLLECTOR, verdict=collector),
        *judge_hashtags(await _paused(context, campaigns), known.open()),
    ]


async def _credit_record(
    context: Context, campaigns: list[Campaign], schedules: Mapping[Job, str]
) -> CreditRecord:
    store, now = context.store, context.clock.now()
    month = await store.spent(start_of_day(now).replace(day=1))
    balance = await store.balance()
    running = [c for c in campaigns if campaign_phase(c, now) is Phase.RUNNING]
    collect, track = schedules[Job.COLLECT], schedules[Job.TRACK]
    return CreditRecord(
        left=balance.credits_remaining if balance else None,
        left_at=balance.read_at if balance else None,
        spent_this_month=month.charged + month.unknown,
        per_day=sum(daily_calls(c, collect=collect, track=track) for c in running),
        warn_at=context.budget.warn_at,
    )


async def _job_records(
    context: Context, campaign: Campaign, schedules: Mapping[Job, str]
) -> list[JobRecord]:
    store, now = context.store, context.clock.now()
    if campaign_phase(campaign, now) is not Phase.RUNNING:
        return []
    found = []
    for job in _PAID:
        try:
            schedule = Schedule.parse(
                campaign.schedules.get(job) or schedules[job], campaign.timezone
            )
        except InvalidInput:
            continue
        good = await store.newest_run(job, campaign.campaign_id, _GOOD)
        newest = await store.newest_run(job, campaign.campaign_id, _ENDED)
        found.append(
            JobRecord(
                campaign=campaign.name,
                job=job.value,
                schedule=schedule,
                since=campaign.created_at or now,
                succeeded_at=good.started_at if good else None,
                newest=newest.status if newest else None,
            )
        )
    return found


async def _paused(context: Context, campaigns: list[Campaign]) -> list[tuple[str, Reason]]:
    names = sorted({h.name for c in campaigns for h in c.hashtags})
    states = await context.store.hashtag_states(names)
    return [(s.name, s.failure_reason) for s in states.values() if s.paused_at is not None]


def _of_process(host: str, wrong: Mapping[Kind, str]) -> list[Found]:
    """Conditions of this machine: another one's clock or disk may be right."""
    right = {
        Kind.DISK: f"There is space for the database again on {host}.",
        Kind.DATABASE: f"The database answers {host} again.",
        Kind.CLOCK: f"The clock of {host} is right again.",
    }
    return [
        Found(
            condition=kind.of(host),
            verdict=firing(kind, f"{wrong[kind]} ({host})") if kind in wrong else over(said),
        )
        for kind, said in right.items()
    ]


# --- telling --------------------------------------------------------------------------------------


async def _carry_out(
    context: Context, found: Found, known: _Known, without: str | None = None
) -> bool:
    """Decide about one condition and store it; whether that began or ended an incident."""
    decision = decide_alert(
        found.verdict,
        known.by_condition.get(found.condition),
        now=context.clock.now(),
        alert_id=context.clock.token(),
        campaign_id=None,
        hashtag=None,
        video_id=None,
        url="",
        run_status=Status.OK,
        condition=found.condition,
        lifecycle=_LIFECYCLE,
        mutes=known.mutes,
    )
    if decision.alert is None or decision.event is None:
        # A sentence that has changed a little is no reason to write every minute.
        return False
    changes = Changes(
        alerts=(decision.alert,),
        alert_events=(decision.event,),
        notifications=_messages(context, decision, without),
    )
    try:
        await context.store.commit(changes)
    except Conflict:
        # Another process was faster: it has told people.
        return False
    known.by_condition[found.condition] = decision.alert
    _log.warning(
        "self_alert",
        condition=found.condition,
        action=decision.action.value,
        reason=decision.reason.value,
        message=decision.alert.reason,
    )
    return decision.action in _BEGINS or decision.action is AlertAction.RESOLVE


def _messages(
    context: Context, decision: AlertDecision, without: str | None
) -> tuple[Notification, ...]:
    alert, now = decision.alert, context.clock.now()
    if alert is None or decision.kind is None:
        return ()
    payload = self_payload(
        alert.condition or "",
        alert.reason,
        str(alert.data.get("hint") or ""),
        is_firing=decision.kind != "resolved",
    )
    return tuple(
        Notification(
            notification_id=context.clock.token(),
            channel=channel,
            alert_id=alert.alert_id,
            kind="self",
            created_at=now,
            due_at=now,
            payload=payload,
        )
        for channel in context.channels
        if channel != without
    )
