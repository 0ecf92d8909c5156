"""The rounds of the scheduler on a clock that the test moves, against the local data API."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from jobs_lab import NEVER, InlineQueue, api, campaign, service_on, settings_for

from tagtide.bootstrap import App
from tagtide.clock import SystemClock
from tagtide.errors import StorageUnavailable
from tagtide.jobs import Condition, Readiness, Service, Slot
from tagtide.models import Campaign, Job, Reason, Rule, RuleSettings, Status
from tagtide.simulator import SimClock, SimulatorServer

START = datetime(2026, 3, 2, 0, 30, tzinfo=UTC)  # a Monday
TRACK = {**dict.fromkeys(Job, NEVER), Job.TRACK: "0 */6 * * * UTC"}


class Lab(NamedTuple):
    server: SimulatorServer
    clock: SimClock
    app: App
    service: Service
    queue: InlineQueue

    async def pass_time(self, hours: float, step: timedelta = timedelta(minutes=5)) -> None:
        """Let the scheduler look every ``step``."""
        end = self.clock.now() + timedelta(hours=hours)
        while self.clock.now() < end:
            self.clock.advance(step)
            await self.service.tick()

    async def add(self, **more: Any) -> Campaign:
        stored = campaign(created_at=self.clock.now(), **more)
        return await self.app.store.add_campaign(stored)

    async def runs(self, job: Job = Job.TRACK) -> list[tuple[Status, Reason, str]]:
        """Oldest first."""
        found = await self.app.store.runs(job=job, limit=500)
        return [(s.run.status, s.run.reason, s.run.trigger) for s in reversed(found)]


def lab(
    folder: Path,
    story: Callable[[Lab], Awaitable[None]],
    start: datetime = START,
    **options: Any,
) -> None:
    clock = SimClock(SystemClock(), start=start, speed=0)

    async def main() -> None:
        with api(clock=clock, **options) as server:
            loaded = settings_for(f"sqlite:///{folder / 'data.db'}", server, folder)
            queue = InlineQueue()
            async with service_on(loaded, clock, queue) as (app, service):
                service.health.clear(Condition.STARTING)
                await story(Lab(server, clock, app, service, queue))

    asyncio.run(main())


OK = (Status.OK, Reason.NONE, "schedule")


def test_a_day_has_four_trackings_and_one_of_everything_daily(tmp_path: Path) -> None:
    async def story(lab: Lab) -> None:
        await lab.add(hashtags=1, pages=1, schedules={})
        await lab.pass_time(24)
        # Monday 09:00 lies three hours behind a tracking: the ranking reads totals first.
        assert await lab.runs() == [OK] * 5
        assert await lab.runs(Job.COLLECT) == [OK]
        assert await lab.runs(Job.REPORT_DAILY) == [OK]
        assert await lab.runs(Job.REPORT_CAMPAIGN) == [OK]
        assert await lab.runs(Job.REPORT_WEEKLY) == [OK]
        assert len(await lab.app.store.reports(1, "weekly")) == 1
        paid = [c.at.hour for c in lab.server.calls if c.endpoint == "hashtag"]
        assert paid == [6, 9, 12, 18, 0]

    lab(tmp_path, story)


WRAPUP = {**TRACK, Job.TRACK: "0 6 * * * UTC", Job.REPORT_WRAPUP: "0 10 * * *"}


def test_the_end_of_a_campaign_is_reported_once(tmp_path: Path) -> None:
    async def story(lab: Lab) -> None:
        hour = timedelta(hours=1)
        ending = await lab.add(hashtags=1, schedules=WRAPUP, ends_on=START.date())
        open_ended = await lab.add(name="Other", hashtags=1, schedules=WRAPUP)
        await lab.pass_time(33, step=hour)
        assert await lab.runs(Job.REPORT_WRAPUP) == []
        await lab.pass_time(40, step=hour)
        assert await lab.runs(Job.REPORT_WRAPUP) == [OK]
        (kept,) = await lab.app.store.reports(ending.campaign_id, "wrapup")
        assert kept.body["period"]["is_over"] is True
        # The other campaign goes on reading the hashtag: the period ends all the same.
        assert kept.body["period"]["last_day"] == "2026-03-02"
        # An end that is set when it has passed is made up for.
        over = replace(open_ended, ends_on=START.date())
        await lab.app.store.replace_campaign(over)
        await lab.pass_time(30, step=hour)
        made = [run[2] for run in await lab.runs(Job.REPORT_WRAPUP)]
        assert made == ["schedule", "catch_up"]
        assert len(await lab.app.store.reports(over.campaign_id, "wrapup")) == 1

    lab(tmp_path, story, start=START.replace(minute=0))


def test_a_campaign_is_picked_up_and_edited_while_it_runs(tmp_path: Path) -> None:
    async def story(lab: Lab) -> None:
        await lab.pass_time(1)
        stored = await lab.add(hashtags=1, schedules=TRACK)
        await lab.pass_time(6)
        assert await lab.runs() == [OK]
        hourly = Campaign(
            campaign_id=stored.campaign_id,
            name=stored.name,
            hashtags=stored.hashtags,
            schedules={**TRACK, Job.TRACK: "30 * * * *"},
            created_at=stored.created_at,
        )
        await lab.app.store.replace_campaign(hourly)
        await lab.pass_time(2)
        assert await lab.runs() == [OK] * 3
        await lab.app.store.remove_campaign(stored.campaign_id, lab.clock.now())
        await lab.pass_time(2)
        assert await lab.runs() == [OK] * 3

    lab(tmp_path, story)


def test_after_down_time_one_run_makes_up_for_all(tmp_path: Path) -> None:
    async def story(lab: Lab) -> None:
        await lab.add(hashtags=2, schedules=TRACK)
        await lab.pass_time(6)
        charged = lab.server.charged
        lab.clock.advance(timedelta(days=3))
        await lab.service.tick()
        found = await lab.runs()
        assert found[0] == OK
        assert found[-1] == (Status.OK, Reason.NONE, "catch_up")
        assert found[1:-1] == [(Status.SKIPPED, Reason.DOWNTIME, "catch_up")] * 11
        assert lab.server.charged == charged + 2
        await lab.service.tick()
        assert len(await lab.runs()) == 13
        assert lab.service.health.skipped[Job.TRACK, Reason.DOWNTIME] == 11

    lab(tmp_path, story)


def test_eight_in_paris_on_the_shortest_and_the_longest_day(tmp_path: Path) -> None:
    async def story(lab: Lab) -> None:
        daily = {**TRACK, Job.TRACK: "0 8 * * *"}
        await lab.add(hashtags=1, schedules=daily, timezone="Europe/Paris")
        for _ in range(3):
            await lab.pass_time(24, timedelta(minutes=10))
        slots = [s.run.slot_at for s in await lab.app.store.runs(job=Job.TRACK)]
        assert [f"{s:%d %H}" for s in reversed(slots)] == ["28 07", "29 06", "30 06"]

    lab(tmp_path, story, datetime(2026, 3, 28, 0, 5, tzinfo=UTC))


def test_a_campaign_runs_between_its_dates_only(tmp_path: Path) -> None:
    async def story(lab: Lab) -> None:
        day = date(2026, 3, 3)
        await lab.add(hashtags=1, schedules=TRACK, starts_on=day, ends_on=day)
        await lab.pass_time(72, timedelta(minutes=10))
        slots = {s.run.slot_at.date() for s in await lab.app.store.runs(job=Job.TRACK)}
        assert slots == {day}
        assert len(await lab.runs()) == 4

    lab(tmp_path, story)


def test_without_credits_no_further_call_but_a_free_question_every_quarter_of_an_hour(
    tmp_path: Path,
) -> None:
    async def story(lab: Lab) -> None:
        await lab.add(hashtags=3, schedules=TRACK)
        lab.server.balance = 0
        await lab.pass_time(24)
        refused = [c for c in lab.server.calls if c.endpoint != "usage"]
        # A second hashtag may have been asked for while the first answer was being stored.
        assert len(refused) <= 2
        asked = [c for c in lab.server.calls if c.endpoint == "usage"]
        assert len(asked) in range(70, 75)  # in 18.5 h
        assert lab.service.health.readiness is Readiness.DEGRADED
        assert set(lab.service.health.conditions) == {Condition.CREDITS}

        lab.server.balance = 100
        await lab.pass_time(0.5)
        found = await lab.runs()
        assert found[-1] == (Status.OK, Reason.NONE, "catch_up")
        assert (Status.SKIPPED, Reason.CREDITS, "catch_up") in found
        # No storm: only the newest slot.
        assert lab.server.charged == 3
        assert lab.service.health.readiness is Readiness.OK

    lab(tmp_path, story)


def test_a_refused_key_is_tried_again_after_an_hour(tmp_path: Path) -> None:
    async def story(lab: Lab) -> None:
        hourly = {**TRACK, Job.TRACK: "*/5 * * * *"}
        await lab.add(hashtags=3, schedules=hourly)
        await lab.pass_time(3)
        assert len({c.at for c in lab.server.calls}) == 3
        assert len(lab.server.calls) <= 6
        assert Condition.AUTH in lab.service.health.conditions

    lab(tmp_path, story, keys={"another"})


def test_a_full_disk_stops_what_costs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(lab: Lab) -> None:
        await lab.add(hashtags=1, schedules=TRACK)
        real = shutil.disk_usage
        monkeypatch.setattr(shutil, "disk_usage", lambda _: (1, 1, 50 * 2**20) and _Usage())
        lab.clock.advance(timedelta(hours=6))
        await _round(lab.service)
        assert lab.service.health.readiness is Readiness.DOWN
        assert set(lab.service.health.conditions) == {Condition.DISK}
        assert lab.server.calls == []
        monkeypatch.setattr(shutil, "disk_usage", real)
        await _round(lab.service)
        assert lab.service.health.readiness is Readiness.OK
        assert lab.server.charged == 1

    lab(tmp_path, story)


class _Usage:
    free = 50 * 2**20


async def _round(service: Service) -> None:
    """One round as the loop makes it, with its errors caught."""
    stop = asyncio.Event()

    async def once() -> None:
        stop.set()
        await service.tick()

    await service._every(0, once, stop)


def test_a_lost_database_is_shown_and_survived(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(lab: Lab) -> None:
        await lab.add(hashtags=1, schedules=TRACK)
        away = StorageUnavailable("The database does not answer.")

        async def fails() -> None:
            raise away

        with monkeypatch.context() as patch:
            patch.setattr(lab.app.store, "check_writable", fails)
            await _round(lab.service)
            assert set(lab.service.health.conditions) == {Condition.DATABASE}
            assert lab.service.health.readiness is Readiness.DEGRADED
        await _round(lab.service)
        assert lab.service.health.readiness is Readiness.OK
        assert lab.service.health.database_errors == 1

    lab(tmp_path, story)


def test_a_clock_that_steps_back_runs_nothing_twice(tmp_path: Path) -> None:
    async def story(lab: Lab) -> None:
        await lab.add(hashtags=1, schedules={**TRACK, Job.TRACK: "*/10 * * * *"})
        await lab.pass_time(2)
        charged = lab.server.charged
        lab.clock.advance(timedelta(hours=-1))
        await lab.service.tick()
        assert Condition.CLOCK in lab.service.health.conditions
        await lab.pass_time(0.9)
        assert lab.server.charged == charged
        await lab.pass_time(0.5)
        assert Condition.CLOCK not in lab.service.health.conditions
        assert lab.server.charged > charged
        assert len({s.key for s in lab.queue.slots}) == len(lab.queue.slots)

    lab(tmp_path, story)


def test_a_slot_whose_successor_has_come_is_not_paid_for(tmp_path: Path) -> None:
    async def story(lab: Lab) -> None:
        stored = await lab.add(hashtags=1, schedules=TRACK)
        lab.clock.advance(timedelta(hours=14))
        old = Slot(Job.TRACK, stored.campaign_id, START.replace(hour=6, minute=0), "schedule")
        assert await lab.service.perform(old) == "skipped"
        assert lab.server.calls == []
        assert await lab.runs() == [(Status.SKIPPED, Reason.DOWNTIME, "schedule")]

    lab(tmp_path, story)


def test_a_finished_slot_is_not_run_again(tmp_path: Path) -> None:
    async def story(lab: Lab) -> None:
        await lab.add(hashtags=2, schedules=TRACK)
        await lab.pass_time(6)
        assert lab.server.charged == 2
        assert await lab.service.perform(lab.queue.slots[0]) == "ok"
        assert lab.server.charged == 2

    lab(tmp_path, story)


def test_a_poisonous_campaign_does_not_stop_the_others(tmp_path: Path) -> None:
    async def story(lab: Lab) -> None:
        bad = await lab.add(name="bad", hashtags=1, schedules=TRACK)
        await lab.add(name="good", hashtags=1, schedules=TRACK)
        # A zone that no longer exists, as after a downgrade of the zone data.
        await lab.app.store.replace_campaign(
            Campaign(
                campaign_id=bad.campaign_id,
                name="bad",
                hashtags=bad.hashtags,
                timezone="Mars/Olympus",
                rules=RuleSettings(),
                schedules=TRACK,
                created_at=bad.created_at,
            )
        )
        await lab.pass_time(0.7)
        assert await lab.runs() == [OK]

    lab(tmp_path, story, START.replace(hour=5))


# --- what people are told of tagtide itself -------------------------------------------------------


async def told(bench: Lab) -> list[tuple[str, str]]:
    """Incidents and how they stand, oldest first."""
    await bench.service.check()
    found = [a for a in await bench.app.store.alerts() if a.rule is Rule.SELF]
    return [(str(a.condition), a.state.value) for a in reversed(found)]


def test_a_full_disk_is_told_and_that_it_is_over(tmp_path: Path) -> None:
    async def story(bench: Lab) -> None:
        assert await told(bench) == []
        bench.service.health.set(Condition.DISK, "Only 3 MB are left.")
        assert await told(bench) == [("disk:here", "firing")]
        bench.service.health.clear(Condition.DISK)
        assert await told(bench) == [("disk:here", "resolved")]

    lab(tmp_path, story)


def test_a_clock_that_stepped_back_is_told(tmp_path: Path) -> None:
    async def story(bench: Lab) -> None:
        await bench.service.tick()
        bench.clock.advance(timedelta(hours=-2))
        await bench.service.tick()
        assert await told(bench) == [("clock:here", "firing")]

    lab(tmp_path, story)


@pytest.mark.parametrize(
    ("minutes", "heard"),
    [(2, [[], []]), (10, [[("db:here", "firing")], [("db:here", "resolved")]])],
)
def test_a_database_that_was_away_for_long_is_told_when_it_is_back(
    tmp_path: Path, minutes: int, heard: list[list[tuple[str, str]]]
) -> None:
    async def story(bench: Lab) -> None:
        for _ in range(minutes):
            bench.service._lost_database(StorageUnavailable("The database does not answer."))
            bench.clock.advance(timedelta(minutes=1))
        await bench.service.tick()
        assert [await told(bench), await told(bench)] == heard

    lab(tmp_path, story)


def test_runs_that_do_not_come_are_told_after_a_new_process_had_time_for_them(
    tmp_path: Path,
) -> None:
    async def story(bench: Lab) -> None:
        await bench.add(schedules=TRACK)
        bench.clock.advance(timedelta(minutes=10))
        assert await told(bench) == []
        bench.clock.advance(timedelta(hours=30))
        assert await told(bench) == []
        bench.service._started -= 1800.0
        # Nobody plans: the scheduler is stuck, or its queue is.
        assert await told(bench) == [("collector", "firing")]

    lab(tmp_path, story)


def test_the_first_look_of_a_process_calls_nothing_silent(tmp_path: Path) -> None:
    async def story(bench: Lab) -> None:
        stored = campaign(created_at=bench.clock.now() - timedelta(days=9), schedules=TRACK)
        await bench.app.store.add_campaign(stored)
        assert await told(bench) == []
        await bench.service.tick()
        bench.clock.advance(timedelta(hours=1))
        assert await told(bench) == []

    lab(tmp_path, story)
