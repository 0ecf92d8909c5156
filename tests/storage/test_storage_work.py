"""Runs and ledger as people look through them, on every engine."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from storage_samples import HOUR, LEASE, NOON, SteppedClock, alert, campaign, run

from tagtide.core.campaign_version import campaign_version
from tagtide.errors import Conflict
from tagtide.models import Charge, HashtagOutcome, Job, Reason, Run, Status
from tagtide.ports import (
    NOT_SENT,
    Changes,
    Claim,
    LedgerFilter,
    Reservation,
    RunFilter,
    Settlement,
)
from tagtide.storage.store import SqlStore

DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def campaigns(store: SqlStore) -> None:
    run(store.add_campaign(campaign("One")))
    run(store.add_campaign(campaign("Two")))


def begun(store: SqlStore, hours: int = 0, job: Job = Job.TRACK, campaign_id: int = 1) -> Run:
    at = NOON + hours * HOUR
    return run(store.start_run(job, campaign_id, at, "schedule", at))


def ended(
    store: SqlStore, started: Run, status: Status = Status.OK, reason: Reason = Reason.NONE
) -> None:
    claim = run(
        store.claim_slot(
            started.job, "ours", started.slot_at, started.run_id, started.started_at, LEASE
        )
    )
    assert isinstance(claim, Claim)
    outcome = HashtagOutcome(hashtag="ours", status=status, reason=reason)
    run(store.commit(Changes(outcome=outcome, outcome_claim=claim)))
    run(store.finish_run(started.run_id, status, reason, started.started_at, Changes()))


def test_pages_of_runs_are_newest_first_and_filtered(store: SqlStore) -> None:
    first = begun(store, 0)
    ended(store, first)
    second = begun(store, 1, Job.COLLECT)
    ended(store, second, Status.FAILED, Reason.UPSTREAM)
    third = begun(store, 2, campaign_id=2)
    ids = [first.run_id, second.run_id, third.run_id]

    def page(before: int | None = None, limit: int = 50, **wanted: object) -> list[int]:
        found = run(store.runs_page(RunFilter(**wanted), before=before, limit=limit))  # type: ignore[arg-type]
        return [one.run.run_id for one in found]

    assert page() == ids[::-1]
    assert page(limit=2) == ids[:0:-1]
    assert page(before=ids[1]) == ids[:1]
    assert page(campaign_id=2) == ids[2:]
    assert page(job=Job.COLLECT) == [ids[1]]
    assert page(status=Status.RUNNING) == [ids[2]]
    assert page(since=NOON + HOUR) == ids[:0:-1]
    assert run(store.run_counts(RunFilter(since=NOON))) == {
        Status.OK: 1,
        Status.FAILED: 1,
        Status.RUNNING: 1,
    }
    assert run(store.run_counts(RunFilter(since=NOON + 3 * HOUR))) == {}


def test_outcomes_are_counted_and_listed_by_hashtag(store: SqlStore) -> None:
    for hours, status in enumerate((Status.OK, Status.OK, Status.FAILED)):
        ended(store, begun(store, hours), status)
    counts = run(store.outcome_counts(RunFilter(since=NOON)))
    assert counts == {Status.OK: 2, Status.FAILED: 1}
    assert run(store.outcome_counts(RunFilter(campaign_id=2))) == {}
    (worst,) = run(store.troubled(RunFilter(since=NOON), 5))
    assert (worst.campaign_id, worst.hashtag, worst.count) == (1, "ours", 1)
    assert run(store.troubled(RunFilter(job=Job.COLLECT), 5)) == []
    marks = run(store.slot_marks(RunFilter(since=NOON + HOUR), [1], ["ours", "also"]))
    assert [(m.slot_at, m.status, m.job) for m in marks] == [
        (NOON + HOUR, Status.OK, Job.TRACK),
        (NOON + 2 * HOUR, Status.FAILED, Job.TRACK),
    ]
    assert run(store.slot_marks(RunFilter(), [1], [])) == []
    assert run(store.slot_marks(RunFilter(), [2], ["ours"])) == []


def test_what_ran_without_an_outcome_or_still_runs_is_bare(store: SqlStore) -> None:
    ended(store, begun(store, 0))
    skipped = begun(store, 1)
    at = skipped.started_at
    run(store.finish_run(skipped.run_id, Status.SKIPPED, Reason.DOWNTIME, at, Changes()))
    report = begun(store, 2, Job.REPORT_DAILY)
    run(store.finish_run(report.run_id, Status.OK, Reason.NONE, report.started_at, Changes()))
    open_one = begun(store, 3)
    bare = run(store.bare_runs(RunFilter(since=NOON)))
    assert [(b.run_id, b.reason) for b in bare] == [
        (skipped.run_id, Reason.DOWNTIME),
        (open_one.run_id, Reason.NONE),
    ]


def test_a_run_is_live_while_a_lease_is_or_just_after_its_start(store: SqlStore) -> None:
    started = begun(store)
    at, late = started.started_at, timedelta(seconds=61)

    def live(after: timedelta) -> list[int]:
        return [one.run_id for one in run(store.live_runs(at + after))]

    assert live(timedelta(seconds=1)) == [started.run_id]
    assert live(late) == []
    run(store.claim_slot(Job.TRACK, "ours", started.slot_at, started.run_id, at, LEASE))
    assert live(late) == [started.run_id]
    assert live(LEASE + late) == []
    run(store.finish_run(started.run_id, Status.OK, Reason.NONE, at, Changes()))
    assert live(timedelta(seconds=1)) == []


def paid(store: SqlStore, run_id: int | None, hours: int, charge: Charge, note: str = "ok") -> int:
    at = NOON + hours * HOUR
    reservation = Reservation(run_id=run_id, campaign_id=1, hashtag="ours", endpoint="hashtag")
    (entry,) = run(store.reserve([reservation], [], at))
    credits_used = 0 if charge is Charge.NOT_CHARGED else 1
    settlement = Settlement(
        entry_id=entry,
        charge=charge,
        credits=credits_used,
        settled_at=at,
        credits_remaining=40,
        note=note,
    )
    run(store.settle([settlement]))
    return entry


def test_pages_of_the_ledger_are_newest_first_and_filtered(store: SqlStore) -> None:
    started = begun(store)
    one = paid(store, started.run_id, 0, Charge.CHARGED)
    two = paid(store, None, 1, Charge.UNKNOWN, "timeout")

    def page(before: int | None = None, **wanted: object) -> list[int]:
        found = run(store.ledger_page(LedgerFilter(**wanted), before=before))  # type: ignore[arg-type]
        return [entry.entry_id for entry in found]

    assert page() == [two, one]
    assert page(before=two) == [one]
    assert page(run_id=started.run_id) == [one]
    assert page(state=Charge.UNKNOWN) == [two]
    assert page(campaign_id=2) == []
    assert page(endpoint="profile") == []
    assert page(since=NOON + HOUR) == [two]
    assert page(until=NOON + HOUR) == [one]
    (entry, orphan) = reversed(run(store.ledger_page(LedgerFilter())))
    assert (entry.job, entry.campaign, entry.hashtag) == (Job.TRACK, "One", "ours")
    assert (entry.state, entry.credits, entry.credits_remaining) == (Charge.CHARGED, 1, 40)
    assert (orphan.job, orphan.run_id, orphan.note) == (None, None, "timeout")


def test_spending_is_told_by_day_campaign_job_and_endpoint(store: SqlStore) -> None:
    started = begun(store)
    paid(store, started.run_id, 0, Charge.CHARGED)
    paid(store, started.run_id, 0, Charge.CHARGED)
    paid(store, started.run_id, 0, Charge.NOT_CHARGED, NOT_SENT)
    paid(store, None, 12, Charge.UNKNOWN)
    found = run(store.spending_cells((NOON - DAY).date()))
    assert [(c.on.day, c.job, c.endpoint, c.calls, c.credits, c.unknown) for c in found] == [
        (1, Job.TRACK, "hashtag", 2, 2, 0),
        (2, None, "hashtag", 1, 0, 1),
    ]
    assert [c.campaign_id for c in found] == [1, 1]
    # The second look takes what is over from the first.
    assert run(store.spending_cells((NOON - DAY).date())) == found
    assert run(store.spending_cells((NOON + 2 * DAY).date())) == []


def test_spending_that_is_over_is_kept_and_the_newest_is_not(
    store: SqlStore, clock: SteppedClock
) -> None:
    first = (NOON - 9 * DAY).date()
    paid(store, None, -8 * 24, Charge.CHARGED)
    paid(store, None, 0, Charge.CHARGED)

    def told() -> list[tuple[int, int]]:
        return [(c.on.day, c.credits) for c in run(store.spending_cells(first))]

    assert told() == [(21, 1), (1, 1)]
    paid(store, None, 0, Charge.CHARGED)
    paid(store, None, -8 * 24, Charge.CHARGED)
    assert told() == [(21, 1), (1, 2)]
    clock.at += timedelta(minutes=31)
    assert told() == [(21, 2), (1, 2)]
    # A longer look back asks again.
    assert len(run(store.spending_cells(first - 90 * DAY))) == 2


def test_credits_of_days_that_are_over_are_kept_and_the_newest_are_not(
    store: SqlStore, clock: SteppedClock
) -> None:
    begin = (NOON - 9 * DAY).replace(hour=0)
    for hours in (-8 * 24, -DAY // HOUR, 0):
        paid(store, None, hours, Charge.CHARGED)
    paid(store, None, 0, Charge.UNKNOWN)
    paid(store, None, 0, Charge.NOT_CHARGED)

    def told(since: datetime = begin) -> list[tuple[int, int]]:
        return [(day.day, count) for day, count in run(store.daily_credits(since)).items()]

    assert told() == [(21, 1), (28, 1), (1, 2)]
    for hours in (-8 * 24, -DAY // HOUR, 0):
        paid(store, None, hours, Charge.CHARGED)
    assert told() == [(21, 1), (28, 2), (1, 3)]
    # Part of a day is no day.
    assert told(NOON - 8 * DAY) == [(21, 2), (28, 2), (1, 3)]
    assert told(NOON - 8 * DAY + HOUR) == [(28, 2), (1, 3)]
    clock.at += timedelta(minutes=31)
    assert told() == [(21, 2), (28, 2), (1, 3)]


def test_alerts_are_counted_from_when_they_fired(store: SqlStore) -> None:
    fired = alert("a1", fingerprint="f1", campaign_id=1, fired_at=NOON)
    pending = alert("a2", fingerprint="f2", campaign_id=1, fired_at=None)
    own = alert("a3", fingerprint="f3", campaign_id=None, fired_at=NOON)
    run(store.commit(Changes(alerts=(fired, pending, own))))
    assert run(store.fired_counts(NOON)) == {1: 1}
    assert run(store.fired_counts(NOON + HOUR)) == {}


def test_the_database_says_what_it_is(store: SqlStore, url: str) -> None:
    facts = run(store.database_facts())
    assert facts.engine.startswith("PostgreSQL " if "postgres" in url else "SQLite ")
    assert facts.size_bytes is not None
    assert facts.size_bytes > 10_000
    assert facts.schema.isdigit()


def test_nobody_writes_over_what_they_have_not_seen(store: SqlStore) -> None:
    stored = run(store.campaign("One"))
    version = campaign_version(stored)
    first = replace(stored, page_budget=7)
    run(store.replace_campaign(first, seen=version))
    with pytest.raises(Conflict, match="meanwhile"):
        run(store.replace_campaign(replace(stored, page_budget=9), seen=version))
    assert run(store.campaign("One")).page_budget == 7
    # Whoever has seen the newest may write, and so may a command that asks for nothing.
    run(store.replace_campaign(replace(first, page_budget=8), seen=campaign_version(first)))
    run(store.replace_campaign(replace(first, page_budget=9)))
    assert run(store.campaign("One")).page_budget == 9


def test_a_version_is_of_the_settings_alone(store: SqlStore) -> None:
    stored = run(store.campaign("One"))
    moved = replace(stored, schedules={Job.TRACK: "0 3 * * *", Job.COLLECT: "0 4 * * *"})
    turned = replace(moved, schedules=dict(reversed(moved.schedules.items())))
    assert campaign_version(moved) == campaign_version(turned)
    assert campaign_version(replace(stored, created_at=None)) == campaign_version(stored)
    changed = [
        replace(stored, name="Other"),
        moved,
        replace(stored, rules=replace(stored.rules, growth=0.7)),
        replace(stored, hashtags=stored.hashtags[1:]),
        replace(stored, channels=("crm",)),
    ]
    assert len({campaign_version(c) for c in [stored, *changed]}) == len(changed) + 1
