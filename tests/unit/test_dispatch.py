"""What to do next for one channel."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tagtide.core.dispatch import (
    BeginDigests,
    DispatchPolicy,
    DispatchQueue,
    DispatchReason,
    Fold,
    GiveUp,
    Hold,
    Send,
    SendDigest,
    Step,
    Wait,
    Waiting,
    next_step,
)
from tagtide.core.endpoints import Ending, Tried, after_acceptance, after_failure, retry_wait
from tagtide.core.quiet import QuietHours, parse_digest
from tagtide.errors import DeliveryError
from tagtide.models import Endpoint

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
HEALTHY = Endpoint(channel="crm")
PLAIN = DispatchPolicy()
SLACK = DispatchPolicy(pace=SECOND, per_hour=20)
BUDGET = DispatchPolicy(weekly_budget=2, digest=parse_digest("09:00 UTC"))
NIGHT = DispatchPolicy(quiet=QuietHours.parse("22:00-08:00 UTC"))
#: Digests were asked for before, and that of today is out.
LOOKED_AFTER = replace(HEALTHY, digest_at=NOW - 3 * HOUR)


def message(name: str = "n1", age: timedelta = MINUTE, **changes: Any) -> Waiting:
    created = NOW - age
    values: dict[str, Any] = {
        "notification_id": name,
        "kind": "firing",
        "alert_id": f"alert of {name}",
        "created_at": created,
        "due_at": created,
        "queued_at": created,
    }
    return Waiting(**values | changes)


def several(count: int, age: timedelta = MINUTE, **changes: Any) -> tuple[Waiting, ...]:
    return tuple(message(f"n{n:03}", age, **changes) for n in range(count))


def step(
    *waiting: Waiting,
    endpoint: Endpoint = HEALTHY,
    policy: DispatchPolicy = PLAIN,
    sent: Any = (),
    now: datetime = NOW,
    settle: bool = True,
) -> Step:
    queue = DispatchQueue(endpoint=endpoint, waiting=waiting, sent=sent)
    return next_step(queue, policy, now, settle=settle)


def sent(count: int, age: timedelta, kind: str = "firing") -> list[tuple[str, datetime]]:
    return [(kind, NOW - age)] * count


R = DispatchReason


def test_one_after_the_other_the_oldest_first() -> None:
    assert step(message("b"), message("a", 2 * MINUTE)) == Send("a", R.DUE)
    assert step(message("b"), message("a")) == Send("a", R.DUE)
    assert step() == Wait(None, R.NOTHING)
    later = message(due_at=NOW + HOUR)
    assert step(later) == Wait(NOW + HOUR, R.NOTHING)
    assert step(later, message("x")) == Send("x", R.DUE)


def test_alerts_of_one_run_wait_for_each_other_for_two_seconds_at_most() -> None:
    just = message(age=SECOND / 2)
    assert step(just) == Wait(NOW + SECOND / 2, R.SETTLING)
    assert step(just, settle=False) == Send("n1", R.DUE)
    assert step(just, message("old", 1.8 * SECOND)) == Wait(NOW + 0.2 * SECOND, R.SETTLING)
    assert step(just, message("old", 2 * SECOND)) == Send("old", R.DUE)
    assert step(message(age=SECOND)) == Send("n1", R.DUE)


def test_more_than_five_at_once_go_as_one() -> None:
    five, six = several(5, 3 * SECOND), several(6, 3 * SECOND)
    assert step(*five) == Send("n000", R.DUE)
    assert step(*six) == Fold(tuple(w.notification_id for w in six), R.BURST)
    assert step(*several(6, HOUR)) == Send("n000", R.DUE)


def test_a_backlog_of_more_than_ten_goes_as_one() -> None:
    assert isinstance(step(*several(10, HOUR)), Send)
    many = step(*several(500, HOUR))
    assert isinstance(many, Fold)
    assert (len(many.notification_ids), many.reason) == (500, R.BACKLOG)


def test_what_was_tried_before_is_never_told_under_another_id() -> None:
    tried = several(20, HOUR, attempts=1)
    assert step(*tried) == Send("n000", R.DUE)
    mixed = (message("tried", 2 * HOUR, attempts=1), *several(12, HOUR))
    assert step(*mixed) == Send("tried", R.DUE)
    folded = step(*mixed[1:], message("tried", MINUTE, attempts=1))
    assert isinstance(folded, Fold)
    assert "tried" not in folded.notification_ids


def test_a_digest_and_what_tagtide_says_of_itself_go_first_and_alone() -> None:
    own = message("own", kind="self", alert_id=None)
    assert step(*several(20), own) == Send("own", R.DUE)
    assert step(*several(20), message("d", kind="digest")) == Send("d", R.DUE)
    night = NOW.replace(hour=23)
    assert step(message(), own, policy=NIGHT, now=night) == Send("own", R.DUE)
    full = sent(99, MINUTE)
    assert step(own, policy=replace(SLACK, weekly_budget=0), sent=full, endpoint=LOOKED_AFTER) == (
        Send("own", R.DUE)
    )


# --- pace -----------------------------------------------------------------------------------------


def test_one_message_a_second_and_twenty_an_hour() -> None:
    assert step(message(), policy=SLACK, sent=sent(1, SECOND / 4)) == (
        Wait(NOW + 0.75 * SECOND, R.PACE)
    )
    assert step(message(), policy=SLACK, sent=sent(19, MINUTE)) == Send("n1", R.DUE)
    assert step(message(), policy=SLACK, sent=sent(20, MINUTE)) == (
        Wait(NOW - MINUTE + HOUR, R.PACE)
    )
    assert step(message(), policy=SLACK, sent=sent(20, HOUR)) == Send("n1", R.DUE)
    # The last place of the hour tells everything.
    two = step(*several(2), policy=SLACK, sent=sent(19, MINUTE))
    assert two == Fold(("n000", "n001"), R.RATE)
    assert isinstance(step(*several(2), policy=SLACK, sent=sent(18, MINUTE)), Send)


# --- quiet hours ----------------------------------------------------------------------------------


def test_at_night_alerts_wait_for_the_morning() -> None:
    night, morning = NOW.replace(hour=23), NOW.replace(day=3, hour=8)
    one, two = message("n1", -11 * HOUR), message("n2", -11 * HOUR)
    assert step(one, policy=NIGHT, now=night) == Wait(morning, R.QUIET)
    assert step(one, policy=NIGHT, now=morning) == Send("n1", R.DUE)
    assert step(one, two, policy=NIGHT, now=morning) == Fold(("n1", "n2"), R.QUIET_ENDED)
    failing = replace(HEALTHY, failures=1, failing_since=NOW)
    assert step(one, policy=NIGHT, now=night, endpoint=failing) == Wait(morning, R.QUIET)


# --- budget and digest ----------------------------------------------------------------------------


def budgeted(*waiting: Waiting, used: int, kind: str = "firing", **more: Any) -> Step:
    spent = sent(used, 2 * HOUR, kind)
    return step(*waiting, policy=BUDGET, endpoint=LOOKED_AFTER, sent=spent, **more)


def test_a_weeks_budget_of_interruptions() -> None:
    assert budgeted(message(), used=1) == Send("n1", R.DUE)
    assert budgeted(message(), used=2) == Hold(("n1",))
    assert budgeted(message(), used=9, kind="resolved") == Send("n1", R.DUE)
    assert budgeted(message(), used=9, kind="self") == Send("n1", R.DUE)
    assert budgeted(message(), used=9, kind="digest") == Send("n1", R.DUE)
    # The last interruption tells everything.
    assert budgeted(*several(3), used=1) == Fold(("n000", "n001", "n002"), R.BUDGET_ENDS)
    old = step(message(), policy=BUDGET, endpoint=LOOKED_AFTER, sent=sent(9, timedelta(days=7)))
    assert old == Send("n1", R.DUE)


def test_the_end_of_an_alert_costs_nothing_but_follows_its_beginning() -> None:
    end = message("end", kind="resolved", alert_id="A")
    assert budgeted(end, used=2) == Send("end", R.DUE)
    kept = message("begin", HOUR, alert_id="A", is_held=True)
    assert budgeted(end, kept, used=2) == Hold(("end",))
    both = budgeted(message("begin", alert_id="A"), end, used=2)
    assert both == Hold(("begin", "end"))


def test_one_that_is_being_tried_has_its_part_of_the_budget() -> None:
    trying = message("trying", HOUR, attempts=2, due_at=NOW + HOUR)
    assert budgeted(trying, message(), used=1) == Hold(("n1",))
    assert budgeted(replace(trying, due_at=NOW), used=2) == Send("trying", R.DUE)


def test_the_digest_takes_what_was_held() -> None:
    kept = message("kept", is_held=True)
    assert step(kept, policy=BUDGET, endpoint=LOOKED_AFTER) == Wait(None, R.NOTHING)
    tomorrow = NOW.replace(day=3, hour=9, minute=1)
    slot = tomorrow.replace(minute=0)
    assert step(kept, policy=BUDGET, endpoint=LOOKED_AFTER, now=tomorrow) == (
        SendDigest(slot, ("kept",))
    )
    # Also when nothing was held: what fires is told again.
    assert step(policy=BUDGET, endpoint=LOOKED_AFTER, now=tomorrow) == SendDigest(slot, ())
    # After a week of down-time one digest.
    week = tomorrow + timedelta(days=7)
    assert step(policy=BUDGET, endpoint=LOOKED_AFTER, now=week) == (
        SendDigest(slot + timedelta(days=7), ())
    )


def test_a_digest_that_is_new_begins_with_its_next_slot() -> None:
    assert step(policy=BUDGET) == BeginDigests(NOW)
    assert step(policy=DispatchPolicy(weekly_budget=1)) == BeginDigests(NOW)


def test_without_a_digest_nothing_stays_held() -> None:
    assert step(message(is_held=True)) == Send("n1", R.DUE)


# --- an endpoint that fails -----------------------------------------------------------------------


def failing(failures: int, **changes: Any) -> Endpoint:
    since = {"failing_since": NOW - HOUR, "failures": failures}
    return replace(HEALTHY, **since | changes)


def test_a_failing_endpoint_is_left_alone_as_a_whole() -> None:
    away = failing(2, next_attempt_at=NOW + MINUTE)
    assert step(*several(50), endpoint=away) == Wait(NOW + MINUTE, R.BACKING_OFF)
    assert step(*several(50), endpoint=failing(2)) == Send("n000", R.PROBE)
    assert step(*several(50, attempts=1), endpoint=failing(2)) == Send("n000", R.PROBE)
    leased = replace(HEALTHY, lease_until=NOW + SECOND)
    assert step(message(), endpoint=leased) == Wait(NOW + SECOND, R.LEASED)
    assert isinstance(step(message(), endpoint=replace(leased, lease_until=NOW)), Send)


def test_one_message_at_fault_does_not_block_the_others_for_long() -> None:
    poison = message("poison", 2 * HOUR, attempts=3)
    assert step(poison, *several(3), endpoint=failing(2)) == Send("poison", R.PROBE)
    assert step(poison, *several(3), endpoint=failing(3)) == Send("n000", R.PROBE)


def test_an_outage_tries_few_messages() -> None:
    waiting = {w.notification_id: w for w in several(200, HOUR)}
    for failures in range(1, 156):
        probe = step(*waiting.values(), endpoint=failing(failures))
        assert isinstance(probe, Send)
        tried = waiting[probe.notification_id]
        waiting[probe.notification_id] = replace(tried, attempts=tried.attempts + 1)
    assert sum(w.attempts > 0 for w in waiting.values()) <= 14


def test_a_disabled_endpoint_gets_nothing() -> None:
    disabled = replace(HEALTHY, disabled_at=NOW)
    assert step(message(), endpoint=disabled) == Wait(None, R.DISABLED)
    old = message("old", 76 * HOUR)
    assert step(message(), old, endpoint=disabled) == GiveUp(("old",))


def test_a_message_is_given_up_after_76_hours_of_which_it_had_a_chance() -> None:
    old = message("old", 76 * HOUR + SECOND)
    assert step(old) == Send("old", R.DUE)
    failed = failing(9, failed_at=NOW)
    assert step(old, endpoint=replace(failed, next_attempt_at=NOW + HOUR)) == GiveUp(("old",))
    # One attempt is made after its time: its receiver may have come back just then.
    early = replace(failed, failed_at=NOW - SECOND)
    assert step(old, endpoint=early) == Send("old", R.PROBE)
    just = replace(failed, failing_since=NOW - MINUTE)
    assert step(old, endpoint=just) == Send("old", R.PROBE)
    replayed = message("old", 200 * HOUR, queued_at=NOW - HOUR)
    assert isinstance(step(replayed, endpoint=failed), Send)
    kept = message("old", 100 * HOUR, is_held=True)
    held = step(kept, policy=BUDGET, endpoint=replace(failed, digest_at=NOW - 3 * HOUR))
    assert held == Wait(None, R.NOTHING)
    alone = Tried(attempts=9, queued_at=NOW - 76 * HOUR - SECOND, first_failed_at=NOW - HOUR)
    assert after_failure(HEALTHY, alone, DeliveryError(), NOW, 0.5).ending is Ending.DEAD
    younger = replace(alone, queued_at=NOW - 76 * HOUR)
    assert after_failure(HEALTHY, younger, DeliveryError(), NOW, 0.5).ending is Ending.DELAYED


# --- after an attempt -----------------------------------------------------------------------------


def after(error: DeliveryError, failures: int = 0, attempts: int = 1) -> Any:
    tried = Tried(attempts=attempts, queued_at=NOW - MINUTE)
    return after_failure(failing(failures) if failures else HEALTHY, tried, error, NOW, 0.5)


def test_the_ladder() -> None:
    waits = [retry_wait(n, None, 0.5) for n in range(1, 8)]
    assert waits == [5, 30, 120, 600, 1800, 1800, 1800]
    for chance, factor in ((0.0, 0.8), (0.999, 1.2)):
        assert retry_wait(3, None, chance) == pytest.approx(120 * factor, rel=0.01)
    assert retry_wait(200, None, 1.0) <= 36 * 60


def test_retry_after_is_obeyed_but_never_makes_it_faster() -> None:
    assert retry_wait(1, 77, 0.5) == 77
    assert retry_wait(1, 0, 0.5) == 5
    assert retry_wait(4, 1, 0.5) == 600
    assert retry_wait(1, 1e9, 0.5) == 3600


def test_three_requests_a_minute_at_most() -> None:
    for chance in (0.0, 0.5, 0.999):
        times = [0.0]
        for failures in range(1, 20):
            times.append(times[-1] + retry_wait(failures, 0, chance))
        for start in times:
            assert sum(start <= t < start + 60 for t in times) <= 3


def test_a_failure_holds_back_message_and_endpoint() -> None:
    found = after(DeliveryError("down"))
    assert found.ending is Ending.DELAYED
    assert found.due_at == found.endpoint.next_attempt_at == NOW + 5 * SECOND
    assert (found.endpoint.failing_since, found.endpoint.failures) == (NOW, 1)
    later = after(DeliveryError("down"), failures=3)
    assert later.endpoint.failing_since == NOW - HOUR
    assert later.endpoint.failures == 4


def test_a_refusal_lets_others_go_first_and_is_believed_at_the_fourth() -> None:
    found = after(DeliveryError("no", refused=True))
    assert found.endpoint.next_attempt_at < found.due_at
    assert after(DeliveryError("no", refused=True), attempts=3).ending is Ending.DELAYED
    assert after(DeliveryError("no", refused=True), attempts=4).ending is Ending.DEAD


def test_a_message_that_cannot_be_sent_says_nothing_of_the_endpoint() -> None:
    found = after(DeliveryError("too long", permanent=True), failures=2)
    assert (found.ending, found.endpoint) == (Ending.DEAD, failing(2))


def test_an_address_that_is_gone_disables_the_endpoint_and_loses_nothing() -> None:
    found = after(DeliveryError("gone", permanent=True, disables=True))
    assert (found.ending, found.due_at) == (Ending.DELAYED, NOW)
    assert found.endpoint.disabled_at == NOW


def test_acceptance_ends_everything_that_was_wrong() -> None:
    found = after_acceptance(failing(2, next_attempt_at=NOW, last_error="x"))
    assert (found.endpoint, found.releases) == (HEALTHY, False)
    assert after_acceptance(failing(3)).releases


# --- reports on schedule --------------------------------------------------------------------------


def test_a_report_lets_alerts_go_first_and_is_told_in_no_digest() -> None:
    report = message("r", 3 * MINUTE, kind="report", alert_id=None)
    assert step(report) == Send("r", R.DUE)
    assert step(report, message("a")) == Send("a", R.DUE)
    many = several(6, SECOND * 5)
    folded = step(report, *many)
    assert folded == Fold(tuple(w.notification_id for w in many), R.BURST)


def test_a_report_is_no_interruption_and_waits_for_the_end_of_the_night() -> None:
    report = message("r", kind="report", alert_id=None)
    spent = sent(2, HOUR)
    assert step(report, endpoint=LOOKED_AFTER, policy=BUDGET, sent=spent) == Send("r", R.DUE)
    told = sent(9, HOUR, "report")
    alert = message("a")
    assert step(alert, endpoint=LOOKED_AFTER, policy=BUDGET, sent=told) == Send("a", R.DUE)
    night = NOW.replace(hour=23)
    assert step(report, policy=NIGHT, now=night) == Wait(
        NOW.replace(hour=8) + timedelta(days=1), R.QUIET
    )


def test_reports_leave_half_of_the_hour_to_alerts() -> None:
    reports = several(9, kind="report", alert_id=None)
    out = sent(10, 30 * MINUTE, "report")
    assert step(*reports, policy=SLACK, sent=out[:9]) == Send("n000", R.DUE)
    assert step(*reports, policy=SLACK, sent=out) == Wait(NOW + 30 * MINUTE, R.PACE)
    assert step(*reports, message("a"), policy=SLACK, sent=out) == Send("a", R.DUE)
