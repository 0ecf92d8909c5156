"""Which slot is due: tables, the odd days of the year, and what holds for any of them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagtide.core.schedule import DEFAULTS, Schedule, effective_schedule
from tagtide.jobs.planning import Slot, due_slot, newest_slot
from tagtide.models import Campaign, CampaignHashtag, Job

PARIS = ZoneInfo("Europe/Paris")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def a_campaign(created: str = "2026-01-01T00:00", **more: object) -> Campaign:
    return Campaign(
        campaign_id=7,
        name="c",
        hashtags=(CampaignHashtag(name="a"),),
        created_at=at(created),
        **more,  # type: ignore[arg-type]
    )


TRACK = Schedule.parse("0 */6 * * * UTC", "UTC")
DAILY = Schedule.parse("0 8 * * *", "Europe/Paris")


@pytest.mark.parametrize(
    ("last", "now", "slot", "trigger", "skipped"),
    [
        ("2026-03-02T06:00", "2026-03-02T11:59", None, None, 0),
        ("2026-03-02T06:00", "2026-03-02T12:00", "2026-03-02T12:00", "schedule", 0),
        ("2026-03-02T06:00", "2026-03-02T12:01", "2026-03-02T12:00", "schedule", 0),
        ("2026-03-02T06:00", "2026-03-02T14:00", "2026-03-02T12:00", "catch_up", 0),
        # Down for three days: one run, not twelve.
        ("2026-03-02T06:00", "2026-03-05T07:00", "2026-03-05T06:00", "catch_up", 11),
        (None, "2026-01-01T05:00", None, None, 0),
        (None, "2026-01-01T06:30", "2026-01-01T06:00", "catch_up", 0),
    ],
)
def test_track_slots(
    last: str | None, now: str, slot: str | None, trigger: str | None, skipped: int
) -> None:
    due = due_slot(a_campaign(), Job.TRACK, TRACK, at(last) if last else None, at(now))
    assert (due.slot and due.slot.slot_at) == (at(slot) if slot else None)
    assert (due.slot and due.slot.trigger) == trigger
    assert len(due.skipped) == skipped


def test_a_missed_slot_older_than_a_period_is_skipped_for_good() -> None:
    monthly = Schedule.parse("0 8 1 * *", "UTC")
    due = due_slot(
        a_campaign(), Job.COLLECT, monthly, at("2026-01-01T08:00"), at("2026-02-27T08:00")
    )
    assert due.slot is not None  # younger than a month
    weekly = Schedule.parse("0 8 * * 1", "UTC")
    last, now = at("2026-03-02T08:00"), at("2026-03-12T09:00")
    assert due_slot(a_campaign(), Job.COLLECT, weekly, last, now).slot is not None
    ended = a_campaign(ends_on=date(2026, 3, 8))
    assert due_slot(ended, Job.COLLECT, weekly, last, now).slot is None


def test_dates_of_the_campaign_are_dates_of_its_zone() -> None:
    hourly = Schedule.parse("0 * * * *", "Europe/Paris")
    campaign = a_campaign(
        timezone="Europe/Paris", starts_on=date(2026, 3, 10), ends_on=date(2026, 3, 10)
    )
    first = due_slot(campaign, Job.TRACK, hourly, None, at("2026-03-09T23:01"))
    assert first.slot is not None
    assert first.slot.slot_at == at("2026-03-09T23:00")  # midnight in Paris
    assert due_slot(campaign, Job.TRACK, hourly, None, at("2026-03-09T22:01")).slot is None
    last = at("2026-03-10T22:00")
    assert due_slot(campaign, Job.TRACK, hourly, last, at("2026-03-10T23:30")).slot is None


@pytest.mark.parametrize(
    ("day", "instant"),
    [
        ("2026-03-28", "2026-03-28T07:00"),
        ("2026-03-29", "2026-03-29T06:00"),  # 23 hours
        ("2026-10-25", "2026-10-25T07:00"),  # 25 hours
    ],
)
def test_eight_in_paris_comes_once_on_every_day(day: str, instant: str) -> None:
    last = at(instant) - timedelta(hours=12)
    minutes = [last + timedelta(minutes=m) for m in range(0, 24 * 60, 5)]
    slots = set()
    for now in minutes:
        due = due_slot(a_campaign(), Job.COLLECT, DAILY, max([last, *slots]), now)
        if due.slot:
            slots.add(due.slot.slot_at)
    assert slots == {at(instant)}
    assert at(instant).astimezone(PARIS).strftime("%H:%M") == "08:00"


def test_the_campaigns_own_schedule_wins_in_its_zone() -> None:
    campaign = a_campaign(timezone="Asia/Tokyo", schedules={Job.TRACK: "0 9 * * *"})
    assert effective_schedule(campaign, Job.TRACK, DEFAULTS) == Schedule("0 9 * * *", "Asia/Tokyo")
    assert effective_schedule(campaign, Job.COLLECT, DEFAULTS).zone == "Asia/Tokyo"
    assert effective_schedule(campaign, Job.REPORT_WEEKLY, DEFAULTS).zone == "UTC"


def test_the_key_is_the_slot_and_nothing_else() -> None:
    slot = Slot(Job.TRACK, 7, at("2026-03-02T12:00"), "schedule")
    assert slot.key == "track:7:2026-03-02T12:00:00Z"
    paris = Slot(Job.TRACK, 7, at("2026-03-02T12:00").astimezone(PARIS), "catch_up")
    assert paris.key == slot.key


def test_no_slot_supersedes_after_the_end() -> None:
    campaign = a_campaign(ends_on=date(2026, 3, 2))
    assert newest_slot(campaign, TRACK, at("2026-03-02T13:00")) == at("2026-03-02T12:00")
    assert newest_slot(campaign, TRACK, at("2026-03-03T13:00")) is None


TEN = Schedule.parse("0 10 * * *", "Europe/Paris")


def due_wrapup(campaign: Campaign, last: str | None, now: str) -> tuple[str, str] | None:
    due = due_slot(campaign, Job.REPORT_WRAPUP, TEN, at(last) if last else None, at(now))
    return (f"{due.slot.slot_at:%d %H:%M}", due.slot.trigger) if due.slot else None


def test_the_end_is_reported_once_and_made_up_for_a_month_long() -> None:
    ended = a_campaign(timezone="Europe/Paris", ends_on=date(2026, 3, 8))
    slot = ("09 09:00", "schedule")  # ten in Paris, on the day after
    assert due_wrapup(ended, None, "2026-03-08T09:00") is None
    assert due_wrapup(ended, None, "2026-03-09T08:59") is None
    assert due_wrapup(ended, None, "2026-03-09T09:00") == slot
    assert due_wrapup(ended, "2026-03-09T09:00", "2026-03-10T09:00") is None
    assert due_wrapup(ended, None, "2026-03-30T09:00") == ("09 09:00", "catch_up")
    late = due_slot(ended, Job.REPORT_WRAPUP, TEN, None, at("2026-05-01T09:00"))
    assert (late.slot, late.skipped) == (None, (at("2026-03-09T09:00"),))


def test_a_campaign_without_an_end_is_never_wrapped_up_and_one_that_goes_on_is_again() -> None:
    assert due_wrapup(a_campaign(), None, "2026-03-09T09:00") is None
    longer = a_campaign(timezone="Europe/Paris", ends_on=date(2026, 3, 20))
    assert due_wrapup(longer, "2026-03-09T09:00", "2026-03-20T09:00") is None
    again = due_wrapup(longer, "2026-03-09T09:00", "2026-03-21T09:00")
    assert again == ("21 09:00", "schedule")


instants = st.integers(0, 360 * 24 * 60).map(
    lambda minutes: datetime(2026, 1, 2, tzinfo=UTC) + timedelta(minutes=minutes)
)


@given(instants, st.floats(0, 400), st.sampled_from(["0 8 * * *", "0 */6 * * * UTC", "15 9 * * 1"]))
def test_every_missed_slot_is_run_or_skipped_and_at_most_one_is_run(
    now: datetime, hours: float, expression: str
) -> None:
    schedule = Schedule.parse(expression, "Europe/Paris")
    last = now - timedelta(hours=hours)
    due = due_slot(a_campaign("2025-01-01T00:00"), Job.TRACK, schedule, last, now)
    run = [due.slot.slot_at] if due.slot else []
    assert [*due.skipped, *run] == schedule.slots_between(last, now)
    if run:
        # What is asked for is never older than a period, or six hours.
        period = schedule.next_after(run[0]) - run[0]
        assert now - run[0] < max(period, timedelta(hours=6))
