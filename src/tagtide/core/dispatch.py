"""What to do next for one channel: send, tell several in one, hold, give up, or wait.

A pure function of what waits, what was sent lately, how the endpoint is, and the instant. It is
asked again after each step. Every message ends sent, told in another message, given up, or it
still waits; none is dropped.

Only a message that was never tried is told in another one: one that may have arrived already is
repeated under its own id, so that its receiver can tell.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from tagtide.core.endpoints import GIVE_UP_AFTER, OUTAGE, has_had_its_time
from tagtide.core.quiet import QuietHours
from tagtide.core.schedule import Schedule
from tagtide.models import Endpoint

#: Kinds of `Notification`.
FIRING, UPDATE, RESOLVED = "firing", "update", "resolved"
FOLD, DIGEST, SELF = "fold", "digest", "self"
#: A report on schedule: never an interruption, never told in another message.
REPORT = "report"
_ALERTS = frozenset({FIRING, UPDATE, RESOLVED})
#: These go first, at any hour: the one at the time a person chose, the other because nobody watches
#: while tagtide does not work.
_PROMPT = frozenset({DIGEST, SELF})
#: These let everything else go first, and leave room for it where a channel takes so many an hour.
_PATIENT = frozenset({REPORT})
#: What counts as an interruption. The end of an alert does not: who was told of its begin waits for
#: it. Neither does what tagtide says about itself, which it says once per incident.
INTERRUPTING = frozenset({FIRING, UPDATE, FOLD})

#: Alerts of one run come within moments of each other: wait for this long after the newest ...
_SETTLE = timedelta(seconds=1)
#: ... and no longer than this after the oldest.
_LONGEST_SETTLE = timedelta(seconds=2)
#: More than so many that have just been written are told in one message ...
BURST = 5
_JUST = timedelta(minutes=1)
#: ... and more than so many of any age.
BACKLOG = 10
_WEEK = timedelta(days=7)
_HOUR = timedelta(hours=1)
#: Where a budget is set and no time for the digest.
DEFAULT_DIGEST = Schedule("0 9 * * *", "UTC")


class DispatchReason(StrEnum):
    """Why."""

    #: It is its turn.
    DUE = "due"
    #: The endpoint is failing; one message tries whether it still does.
    PROBE = "probe"
    #: Many were written at once.
    BURST = "burst"
    #: Many have piled up.
    BACKLOG = "backlog"
    #: The quiet hours in which they were written are over.
    QUIET_ENDED = "quiet_ended"
    #: More are due than the channel takes within the hour.
    RATE = "rate"
    #: More are due than the week's budget has left.
    BUDGET_ENDS = "budget_ends"
    #: The week's budget is spent: kept for the digest.
    BUDGET_SPENT = "budget_spent"
    #: The time of the daily digest has come.
    DIGEST_TIME = "digest_time"
    DIGESTS_BEGIN = "digests_begin"
    #: It has waited for as long as is promised.
    EXPIRED = "expired"
    #: Somebody else is sending to this channel.
    LEASED = "leased"
    #: The address is no longer in use.
    DISABLED = "disabled"
    #: The endpoint is failing, or has asked to be left alone.
    BACKING_OFF = "backing_off"
    #: Others of the same run may follow.
    SETTLING = "settling"
    QUIET = "quiet"
    #: The channel takes so many messages a second, or an hour, and no more.
    PACE = "pace"
    #: There is nothing to send.
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True, kw_only=True)
class DispatchPolicy:
    """What a channel's owner has asked for, and what its kind allows."""

    #: Interruptions in any seven days; None is no limit.
    weekly_budget: int | None = None
    quiet: QuietHours | None = None
    digest: Schedule | None = None
    #: Between two messages.
    pace: timedelta = timedelta()
    #: Messages in any hour; None is no limit.
    per_hour: int | None = None

    @property
    def look_back(self) -> timedelta:
        """How far back a decision needs to know what was sent."""
        if self.weekly_budget is not None:
            return _WEEK
        return _HOUR if self.pace or self.per_hour is not None else timedelta()

    @property
    def digest_schedule(self) -> Schedule | None:
        """When the digest goes out; a budget needs one."""
        if self.digest is None and self.weekly_budget is not None:
            return DEFAULT_DIGEST
        return self.digest


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A message that is not out, without its words."""

    notification_id: str
    kind: str
    alert_id: str | None
    created_at: datetime
    due_at: datetime
    attempts: int = 0
    is_held: bool = False
    #: Its creation, or when it was replayed: from here on it has its time.
    queued_at: datetime
    first_failed_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DispatchQueue:
    """What a decision about a channel reads."""

    endpoint: Endpoint
    #: In order of creation.
    waiting: Sequence[Waiting] = ()
    #: (kind, instant) of what was accepted lately: within the policy's ``look_back``.
    sent: Sequence[tuple[str, datetime]] = ()


@dataclass(frozen=True, slots=True)
class Send:
    """Send this one now."""

    notification_id: str
    reason: DispatchReason


@dataclass(frozen=True, slots=True)
class Fold:
    """Tell these in one message, now."""

    notification_ids: tuple[str, ...]
    reason: DispatchReason


@dataclass(frozen=True, slots=True)
class SendDigest:
    """Write the digest of this slot, with what was held, and with the alerts that still fire."""

    slot: datetime
    notification_ids: tuple[str, ...]
    reason: DispatchReason = DispatchReason.DIGEST_TIME


@dataclass(frozen=True, slots=True)
class BeginDigests:
    """Digests were not asked for before: the next slot is the first."""

    at: datetime
    reason: DispatchReason = DispatchReason.DIGESTS_BEGIN


@dataclass(frozen=True, slots=True)
class Hold:
    """Keep these for the digest."""

    notification_ids: tuple[str, ...]
    reason: DispatchReason = DispatchReason.BUDGET_SPENT


@dataclass(frozen=True, slots=True)
class GiveUp:
    """These become dead letters."""

    notification_ids: tuple[str, ...]
    reason: DispatchReason = DispatchReason.EXPIRED


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing can be done before ``until``; None: before something new comes."""

    until: datetime | None
    reason: DispatchReason


Step = Send | Fold | SendDigest | BeginDigests | Hold | GiveUp | Wait


def next_step(
    queue: DispatchQueue, policy: DispatchPolicy, now: datetime, *, settle: bool = True
) -> Step:
    """Decide what to do next for one channel.

    Args:
        queue: What waits, what was sent, how the endpoint is.
        policy: The channel's.
        now: The instant.
        settle: Wait a moment for others of the same run; False when the run is known to be over.
    """
    if barred := _barred(queue, now):
        return barred
    if not queue.endpoint.failures and (digest := _digest(queue, policy, now)):
        return digest
    due = [w for w in queue.waiting if w.due_at <= now and not _is_kept(w, policy)]
    first = [w for w in due if w.kind in _PROMPT]
    quiet_until = policy.quiet.end_after(now) if policy.quiet else None
    rest = [] if quiet_until else [w for w in due if w.kind not in _PROMPT]
    if held := _over_budget(rest, queue, policy, now):
        return Hold(held)
    if queue.endpoint.failures:
        found: Step | None = _probe([*first, *rest], queue.endpoint)
    elif first:
        turn = Send(min(first, key=_order).notification_id, DispatchReason.DUE)
        found = _too_fast(queue, policy, now, is_exempt=True) or turn
    else:
        found = _next_alert(rest, queue, policy, now, settle=settle)
    return found or _nothing(queue, policy, now, quiet_until)


def _barred(queue: DispatchQueue, now: datetime) -> Step | None:
    """Why nothing may be sent to the endpoint at all."""
    endpoint = queue.endpoint
    if endpoint.lease_until is not None and endpoint.lease_until > now:
        return Wait(endpoint.lease_until, DispatchReason.LEASED)
    if expired := tuple(w.notification_id for w in queue.waiting if _is_expired(w, endpoint, now)):
        return GiveUp(expired)
    if endpoint.disabled_at is not None:
        return Wait(None, DispatchReason.DISABLED)
    if endpoint.next_attempt_at is not None and endpoint.next_attempt_at > now:
        return Wait(endpoint.next_attempt_at, DispatchReason.BACKING_OFF)
    return None


def _next_alert(
    rest: Sequence[Waiting],
    queue: DispatchQueue,
    policy: DispatchPolicy,
    now: datetime,
    *,
    settle: bool,
) -> Step | None:
    if not rest:
        return None
    urgent = [w for w in rest if w.kind not in _PATIENT]
    if not urgent:
        return _next_report(rest, queue, policy, now)
    ready_at = _ready_at(urgent) if settle else None
    if ready_at is not None and now < ready_at:
        return Wait(ready_at, DispatchReason.SETTLING)
    if slower := _too_fast(queue, policy, now, is_exempt=False):
        return slower
    head = min(urgent, key=_order)
    fold = None if head.attempts else _fold(urgent, queue, policy, now)
    return fold or Send(head.notification_id, DispatchReason.DUE)


def _next_report(
    reports: Sequence[Waiting], queue: DispatchQueue, policy: DispatchPolicy, now: datetime
) -> Step:
    """One at a time; half of an hour's messages are left for alerts that may come."""
    if slower := _too_fast(queue, policy, now, is_exempt=False):
        return slower
    if policy.per_hour is not None:
        most = max(1, policy.per_hour // 2)
        sent = sorted(at for kind, at in queue.sent if kind in _PATIENT and at > now - _HOUR)
        if len(sent) >= most:
            return Wait(sent[-most] + _HOUR, DispatchReason.PACE)
    return Send(min(reports, key=_order).notification_id, DispatchReason.DUE)


def _order(waiting: Waiting) -> tuple[datetime, str]:
    return waiting.created_at, waiting.notification_id


def _is_expired(waiting: Waiting, endpoint: Endpoint, now: datetime) -> bool:
    if endpoint.disabled_at is not None:
        return now - waiting.queued_at >= GIVE_UP_AFTER
    is_over = has_had_its_time(waiting.queued_at, endpoint.failing_since, endpoint.failed_at)
    return is_over and not waiting.is_held


def _is_kept(waiting: Waiting, policy: DispatchPolicy) -> bool:
    """Whether it waits for a digest, which there is as long as the settings say so."""
    return waiting.is_held and policy.digest_schedule is not None


def _nothing(
    queue: DispatchQueue, policy: DispatchPolicy, now: datetime, quiet_until: datetime | None
) -> Wait:
    later = [w.due_at for w in queue.waiting if w.due_at > now and not _is_kept(w, policy)]
    if quiet_until is not None and any(not _is_kept(w, policy) for w in queue.waiting):
        return Wait(min([*later, quiet_until]), DispatchReason.QUIET)
    return Wait(min(later, default=None), DispatchReason.NOTHING)


# --- digest and budget ----------------------------------------------------------------------------


def _digest(
    queue: DispatchQueue, policy: DispatchPolicy, now: datetime
) -> SendDigest | BeginDigests | None:
    schedule, last = policy.digest_schedule, queue.endpoint.digest_at
    if schedule is None:
        return None
    if last is None:
        return BeginDigests(now)
    if schedule.next_after(last) > now:
        return None
    held = tuple(w.notification_id for w in queue.waiting if w.is_held)
    return SendDigest(schedule.previous_at_or_before(now) or now, held)


def _over_budget(
    rest: Sequence[Waiting], queue: DispatchQueue, policy: DispatchPolicy, now: datetime
) -> tuple[str, ...]:
    if policy.weekly_budget is None:
        return ()
    untried = [w for w in rest if not w.attempts]
    silent = {w.alert_id for w in queue.waiting if w.is_held}
    held: list[str] = []
    if _budget_left(queue, policy.weekly_budget, now) <= 0:
        over = [w for w in untried if w.kind in INTERRUPTING]
        silent |= {w.alert_id for w in over}
        held += [w.notification_id for w in over]
    # Nobody waits for the end of what nobody was told of.
    held += [w.notification_id for w in untried if w.kind == RESOLVED and w.alert_id in silent]
    return tuple(held)


def _budget_left(queue: DispatchQueue, budget: int, now: datetime) -> int:
    used = sum(kind in INTERRUPTING and at > now - _WEEK for kind, at in queue.sent)
    under_way = sum(w.kind in INTERRUPTING and w.attempts > 0 for w in queue.waiting)
    return budget - used - under_way


# --- a failing endpoint ---------------------------------------------------------------------------


def _probe(due: Sequence[Waiting], endpoint: Endpoint) -> Send | None:
    """The message that tries whether the endpoint is back.

    The oldest, so that a short failure changes no order. In an outage also those behind it, a few
    more as time goes on: it may be that one message that is at fault.
    """
    failures = endpoint.failures
    width = 1 if failures < OUTAGE else min(failures - 1, 8) + failures // 24
    candidates = sorted(due, key=_order)[:width]
    if not candidates:
        return None
    chosen = min(candidates, key=lambda w: (w.attempts, *_order(w)))
    return Send(chosen.notification_id, DispatchReason.PROBE)


# --- together -------------------------------------------------------------------------------------


def _ready_at(rest: Sequence[Waiting]) -> datetime | None:
    fresh = [w.created_at for w in rest if not w.attempts]
    if not fresh:
        return None
    return min(min(fresh) + _LONGEST_SETTLE, max(fresh) + _SETTLE)


def _too_fast(
    queue: DispatchQueue, policy: DispatchPolicy, now: datetime, *, is_exempt: bool
) -> Wait | None:
    sent = sorted(at for _, at in queue.sent if at > now - _HOUR)
    if sent and sent[-1] + policy.pace > now:
        return Wait(sent[-1] + policy.pace, DispatchReason.PACE)
    if is_exempt or policy.per_hour is None or len(sent) < policy.per_hour:
        return None
    return Wait(sent[-policy.per_hour] + _HOUR, DispatchReason.PACE)


def _fold(
    rest: Sequence[Waiting], queue: DispatchQueue, policy: DispatchPolicy, now: datetime
) -> Fold | None:
    untried = sorted((w for w in rest if w.kind in _ALERTS and not w.attempts), key=_order)
    if len(untried) < 2:
        return None
    reason = _fold_reason(untried, queue, policy, now)
    return Fold(tuple(w.notification_id for w in untried), reason) if reason else None


def _fold_reason(
    untried: Sequence[Waiting], queue: DispatchQueue, policy: DispatchPolicy, now: datetime
) -> DispatchReason | None:
    if policy.quiet and sum(policy.quiet.is_quiet(w.created_at) for w in untried) > 1:
        return DispatchReason.QUIET_ENDED
    if len(untried) > BACKLOG:
        return DispatchReason.BACKLOG
    if sum(now - w.created_at < _JUST for w in untried) > BURST:
        return DispatchReason.BURST
    if policy.weekly_budget is not None:
        left = _budget_left(queue, policy.weekly_budget, now)
        if sum(w.kind in INTERRUPTING for w in untried) > left:
            return DispatchReason.BUDGET_ENDS
    if policy.per_hour is not None:
        room = policy.per_hour - sum(at > now - _HOUR for _, at in queue.sent)
        if len(untried) > room:
            return DispatchReason.RATE
    return None
