"""What is wrong with tagtide itself, from what is stored."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tagtide.core.conditions import (
    HINTS,
    CreditRecord,
    JobRecord,
    Kind,
    LastAnswer,
    hint_for,
    judge_collector,
    judge_credits,
    judge_credits_low,
    judge_format,
    judge_hashtags,
    judge_key,
)
from tagtide.core.rules import RuleState
from tagtide.core.schedule import Schedule
from tagtide.models import Reason, Status

NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)  # a Wednesday
HOUR = timedelta(hours=1)
FIRES, CLEAR, UNJUDGED = RuleState.FIRES, RuleState.CLEAR, RuleState.UNJUDGED


def answer(note: str, hours_ago: float = 1) -> LastAnswer:
    return LastAnswer(note=note, at=NOW - hours_ago * HOUR)


def record(
    left: int | None, *, hours_ago: float = 1, spent: int = 0, per_day: float = 0.0
) -> CreditRecord:
    return CreditRecord(
        left=left,
        left_at=None if left is None else NOW - hours_ago * HOUR,
        spent_this_month=spent,
        per_day=per_day,
        warn_at=0.8,
    )


@pytest.mark.parametrize(
    ("note", "state"),
    [(None, UNJUDGED), ("ok", CLEAR), ("auth", FIRES), ("credits", CLEAR), ("not_found", CLEAR)],
)
def test_the_key(note: str | None, state: RuleState) -> None:
    assert judge_key(answer(note) if note else None).state is state


@pytest.mark.parametrize(
    ("last", "credit", "state"),
    [
        (None, record(None), UNJUDGED),
        (None, record(10), CLEAR),
        (None, record(0), FIRES),
        (answer("ok"), record(None), CLEAR),
        (answer("credits"), record(None), FIRES),
        # The balance is older than the refusal ...
        (answer("credits", 1), record(10, hours_ago=2), FIRES),
        # ... or newer: somebody has paid.
        (answer("credits", 2), record(10, hours_ago=1), CLEAR),
        (answer("credits", 2), record(0, hours_ago=1), FIRES),
    ],
)
def test_no_credits(last: LastAnswer | None, credit: CreditRecord, state: RuleState) -> None:
    assert judge_credits(last, credit).state is state


@pytest.mark.parametrize(
    ("credit", "state"),
    [
        (record(None), UNJUDGED),
        # None left at all is another condition.
        (record(0, spent=100), UNJUDGED),
        (record(100, per_day=10), CLEAR),
        (record(29, per_day=10), FIRES),
        (record(30, per_day=10), CLEAR),
        (record(21, spent=79), CLEAR),
        (record(20, spent=80), FIRES),
    ],
)
def test_few_credits(credit: CreditRecord, state: RuleState) -> None:
    assert judge_credits_low(credit).state is state


def test_few_credits_say_for_how_long_they_last() -> None:
    verdict = judge_credits_low(record(29, per_day=10))
    assert verdict.reason == (
        "29 credits will last for 2.9 days. The schedules of all campaigns need 10 a day."
    )


@pytest.mark.parametrize(
    ("read", "unreadable", "state"),
    [(0, 0, UNJUDGED), (10, 0, CLEAR), (10, 2, CLEAR), (10, 3, FIRES), (1, 1, FIRES)],
)
def test_the_format(read: int, unreadable: int, state: RuleState) -> None:
    assert judge_format(read, unreadable, []).state is state


def test_the_format_names_what_was_found() -> None:
    said = judge_format(4, 2, ["Found: stats3, x\x1b[31m.", "", "Found: stats3, x\x1b[31m."]).reason
    assert said.startswith("2 of 4 hashtags read within an hour (50.0 %) were answered in a form")
    assert said.count("stats3") == 1
    assert "\x1b" not in said


def job(
    hours_ago: float | None,
    *,
    cron: str = "0 */6 * * *",
    newest: Status | None = Status.OK,
    since: float = 1_000,
    name: str = "track",
) -> JobRecord:
    return JobRecord(
        campaign="Spring",
        job=name,
        schedule=Schedule.parse(cron, "UTC"),
        since=NOW - since * HOUR,
        succeeded_at=None if hours_ago is None else NOW - hours_ago * HOUR,
        newest=newest,
    )


@pytest.mark.parametrize(
    ("records", "state"),
    [
        ([], UNJUDGED),
        ([job(6)], CLEAR),
        # The third slot missed was at 6 o'clock ...
        ([job(23.9)], FIRES),
        # ... or is just being run.
        ([job(17)], CLEAR),
        ([job(None, newest=None, since=3)], CLEAR),
        ([job(None, newest=None, since=30)], FIRES),
        # Three slots every five minutes are not silence yet.
        ([job(3.9, cron="*/5 * * * *")], CLEAR),
        ([job(4.1, cron="*/5 * * * *")], FIRES),
        # On weekdays only: Friday to Wednesday noon has three slots, Monday to Wednesday two.
        ([job(5 * 24, cron="0 8 * * 1-5")], FIRES),
        ([job(2 * 24 + 5, cron="0 8 * * 1-5")], FIRES),
        ([job(2 * 24 + 3, cron="0 8 * * 1-5")], CLEAR),
        ([job(6), job(99, name="collect")], FIRES),
    ],
)
def test_a_collector_that_is_silent(records: list[JobRecord], state: RuleState) -> None:
    verdict = judge_collector(records, NOW, is_scheduler=True, is_held=False)
    assert verdict.state is state


def test_the_job_that_is_silent_longest_is_named() -> None:
    records = [job(99), job(200, name="collect"), job(1, name="other")]
    verdict = judge_collector(records, NOW, is_scheduler=True, is_held=False)
    assert verdict.reason == (
        "No run of collect for Spring and 1 other job has brought anything for 8.3 d."
    )
    assert verdict.value == pytest.approx(200)


def test_a_cause_that_is_told_anyway_is_not_told_twice() -> None:
    assert judge_collector([job(999)], NOW, is_scheduler=True, is_held=True).state is UNJUDGED


@pytest.mark.parametrize(
    ("newest", "state"),
    [(Status.FAILED, FIRES), (Status.SKIPPED, FIRES), (Status.OK, UNJUDGED), (None, UNJUDGED)],
)
def test_without_a_scheduler_only_runs_that_failed_tell(
    newest: Status | None, state: RuleState
) -> None:
    record = job(99, newest=newest)
    assert judge_collector([record], NOW, is_scheduler=False, is_held=False).state is state


def test_paused_hashtags() -> None:
    found = judge_hashtags(
        [("gone", Reason.NOT_FOUND)], ["hashtag:gone", "hashtag:back", "auth", "hashtag:a:b"]
    )
    assert [(f.condition, f.verdict.state) for f in found] == [
        ("hashtag:gone", FIRES), ("hashtag:back", CLEAR), ("hashtag:a:b", CLEAR),
    ]  # fmt: skip
    assert "(not_found)" in found[0].verdict.reason
    assert found[2].verdict.reason == "#a:b is not paused any more."


def test_every_condition_says_what_to_do() -> None:
    assert {*HINTS} == {*Kind}
    assert hint_for("channel:team") == HINTS[Kind.CHANNEL]
    assert hint_for("something else") == ""
