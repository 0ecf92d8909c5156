"""Cron with time zones, catch-up after down-time, schedules in words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tagtide.core.schedule import (
    DEFAULTS,
    CatchUpReason,
    Schedule,
    decide_catch_up,
    describe,
)
from tagtide.errors import InvalidInput
from tagtide.models import Job


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("expression", "after", "expected"),
    [
        ("0 8 * * *", "2026-01-05 06:59:59", "2026-01-05 07:00"),
        ("0 8 * * *", "2026-01-05 07:00", "2026-01-06 07:00"),
        # The day that has 23 hours, and the one that has 25.
        ("0 8 * * *", "2026-03-28 12:00", "2026-03-29 06:00"),
        ("0 8 * * *", "2026-10-24 12:00", "2026-10-25 07:00"),
        # 02:30 does not exist: the first instant after the gap. It comes twice: the first.
        ("30 2 * * *", "2026-03-28 12:00", "2026-03-29 01:00"),
        ("30 2 * * *", "2026-10-24 12:00", "2026-10-25 00:30"),
        ("30 2 * * *", "2026-10-25 00:30", "2026-10-26 01:30"),
        # Every quarter of an hour goes on through both.
        ("*/15 * * * *", "2026-03-29 00:45", "2026-03-29 01:00"),
        ("*/15 * * * *", "2026-10-25 00:45", "2026-10-25 01:00"),
        # A zone of its own.
        ("0 */6 * * * UTC", "2026-03-29 00:00", "2026-03-29 06:00"),
        ("0 9 * * 1 UTC", "2026-03-01 00:00", "2026-03-02 09:00"),
        ("30 2 * * * Australia/Lord_Howe", "2026-10-03 12:00", "2026-10-03 15:30"),
        ("0 8 * * * Asia/Kathmandu", "2026-01-05 00:00", "2026-01-05 02:15"),
        # Samoa had no 30 December 2011.
        ("0 8 * * * Pacific/Apia", "2011-12-29 18:00", "2011-12-30 10:00"),
        ("0 0 29 2 *", "2026-03-01 00:00", "2028-02-28 23:00"),
    ],
)
def test_the_next_slot(expression: str, after: str, expected: str) -> None:
    schedule = Schedule.parse(expression, "Europe/Paris")
    assert schedule.next_after(at(after)) == at(expected)
    assert schedule.previous_at_or_before(at(expected)) == at(expected)


@pytest.mark.parametrize(
    ("day", "expected"), [("2026-03-29", 1), ("2026-10-25", 1), ("2026-06-01", 1)]
)
def test_a_daily_job_runs_once_on_every_day(day: str, expected: int) -> None:
    schedule = Schedule.parse("0 8 * * *", "Europe/Paris")
    start = at(day)
    assert len(schedule.slots_between(start, start + timedelta(days=1))) == expected


def test_every_six_hours_is_four_times_on_every_day() -> None:
    schedule = Schedule.parse(DEFAULTS[Job.TRACK], "Europe/Paris")
    for day in ("2026-03-29", "2026-10-25"):
        assert len(schedule.slots_between(at(day), at(day) + timedelta(days=1))) == 4


@pytest.mark.parametrize(
    ("expression", "why", "hint"),
    [
        ("* * * * *", "more often than every 5", ""),
        ("*/4 * * * *", "more often than every 5", ""),
        ("0,3 8 * * *", "more often than every 5", ""),
        ("0,58 8,9 * * *", "more often than every 5", ""),
        ("0,58 0,23 * * *", "more often than every 5", ""),
        ("0 8 * *", "4 fields", ""),
        ("", "0 fields", ""),
        ("0 0 8 * * *", "6 fields", ""),
        ("0 0 8 * * * UTC", "7 fields", ""),
        ("61 8 * * *", "bad minute", ""),
        ("0 8 * * 9", "bad day-of-week", ""),
        ("0 8 30 2 *", "bad day-of-month", ""),
        ("@daily", "1 fields", ""),
        ("0 8 * * * Europe/Pariss", "not a time zone", "Europe/Paris?"),
        ("0 8 * * * paris", "not a time zone", "Europe/Paris?"),
        ("0 8 * * * Europe", "not a time zone", ""),
        ("0 8 * * * localtime", "not a time zone", ""),
        ("0 8 * * * a/../../etc/passwd", "not a time zone", ""),
    ],
)
def test_a_bad_schedule_is_refused_with_its_reason(expression: str, why: str, hint: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        Schedule.parse(expression, "UTC")
    assert why in str(refused.value)
    assert hint in refused.value.hint


def test_every_five_minutes_is_allowed() -> None:
    assert Schedule.parse("*/5 * * * *", "UTC").expression == "*/5 * * * *"
    assert Schedule.parse("0,59 8 * * *", "UTC")


def test_an_unknown_default_zone_is_refused() -> None:
    with pytest.raises(InvalidInput):
        Schedule.parse("0 8 * * *", "Nowhere/City")


@pytest.mark.parametrize("job", list(Job))
def test_every_job_has_a_schedule(job: Job) -> None:
    assert Schedule.parse(DEFAULTS[job], "Europe/Paris")


TRACK = Schedule.parse("0 */6 * * * UTC", "UTC")
DAILY = Schedule.parse("0 8 * * *", "UTC")
HOURLY = Schedule.parse("0 * * * *", "UTC")


@pytest.mark.parametrize(
    ("schedule", "last", "now", "run", "skipped", "reason"),
    [
        (TRACK, None, "2026-03-05 01:00", None, 0, CatchUpReason.NEVER_RAN),
        (TRACK, "2026-03-05 00:00", "2026-03-05 05:59", None, 0, CatchUpReason.NOTHING_MISSED),
        (
            TRACK,
            "2026-03-05 00:00",
            "2026-03-05 06:01",
            "2026-03-05 06:00",
            0,
            CatchUpReason.NEWEST_MISSED,
        ),
        (
            TRACK,
            "2026-03-01 00:00",
            "2026-03-05 11:59",
            "2026-03-05 06:00",
            16,
            CatchUpReason.NEWEST_MISSED,
        ),
        (
            DAILY,
            "2026-03-01 08:00",
            "2026-03-05 07:59",
            "2026-03-04 08:00",
            2,
            CatchUpReason.NEWEST_MISSED,
        ),
        (
            HOURLY,
            "2026-03-01 00:00",
            "2026-03-01 05:30",
            "2026-03-01 05:00",
            4,
            CatchUpReason.NEWEST_MISSED,
        ),
    ],
)
def test_catch_up_runs_the_newest_missed_slot_only(
    schedule: Schedule,
    last: str | None,
    now: str,
    run: str | None,
    skipped: int,
    reason: CatchUpReason,
) -> None:
    found = decide_catch_up(schedule, at(last) if last else None, at(now))
    assert (found.run, found.skipped, found.reason) == (at(run) if run else None, skipped, reason)


def test_the_newest_missed_slot_may_be_too_old() -> None:
    mornings = Schedule.parse("0 6,7,8 * * *", "UTC")
    night = decide_catch_up(mornings, at("2026-03-01 06:00"), at("2026-03-01 23:00"))
    assert (night.run, night.skipped, night.reason) == (None, 2, CatchUpReason.TOO_OLD)
    noon = decide_catch_up(mornings, at("2026-03-01 06:00"), at("2026-03-01 13:59"))
    assert (noon.run, noon.skipped) == (at("2026-03-01 08:00"), 1)


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("0 */6 * * * UTC", "every 6 hours"),
        ("30 */6 * * * UTC", "every 6 hours at minute 30"),
        ("0 * * * * UTC", "every hour"),
        ("*/15 * * * * UTC", "every 15 minutes"),
        ("0 8 * * *", "daily at 08:00 Europe/Paris"),
        ("5 20 * * *", "daily at 20:05 Europe/Paris"),
        ("0 9 * * 1 UTC", "Mondays at 09:00 UTC"),
        ("0 9 * * MON,wed UTC", "Mondays and Wednesdays at 09:00 UTC"),
        ("0 9 * * 1-5 UTC", "weekdays at 09:00 UTC"),
        ("0 */6 * * *", "every 6 hours (Europe/Paris)"),
        ("0 */5 * * *", "0 */5 * * * Europe/Paris"),
        ("0 9 1 * *", "0 9 1 * * Europe/Paris"),
        ("0 9 * * 1#1", "0 9 * * 1#1 Europe/Paris"),
    ],
)
def test_schedules_in_words(expression: str, words: str) -> None:
    assert describe(Schedule.parse(expression, "Europe/Paris")) == words
