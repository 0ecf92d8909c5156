"""Reports to subscribers over a week of simulated time: one message a slot, whatever happens."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from jobs_lab import NEVER, InlineQueue, api, campaign, make_service, service_on, settings_for

from tagtide.bootstrap import App
from tagtide.clock import SystemClock
from tagtide.jobs import Service, Slot
from tagtide.models import Campaign, Job, Notification, Status
from tagtide.services.deliver import deliver_channel
from tagtide.services.deliveries import watch_deliveries
from tagtide.services.report_kinds import MAKERS
from tagtide.services.subscriptions import (
    Wanted,
    stop,
    subscribe,
    view_subscriptions,
    watch_subscriptions,
)
from tagtide.simulator import SimClock
from tagtide.testing import RecordingChannel

START = datetime(2026, 3, 2, 0, 30, tzinfo=UTC)  # a Monday
#: Read once a day, before the reports; those at their usual hours.
DAILY = {Job.TRACK: "0 7 * * *", Job.COLLECT: NEVER}
WITH_FEEDS = DAILY | {Job.COLLECT: "0 8 * * *"}
CHANNELS = {
    "TAGTIDE_CHANNELS__TEAM__KIND": "slack",
    "TAGTIDE_CHANNELS__TEAM__URL": "https://hooks.example.com/services/x",
    "TAGTIDE_CHANNELS__TEAM__WEEKLY_BUDGET": "1",
    "TAGTIDE_CHANNELS__HOOK__KIND": "webhook",
    "TAGTIDE_CHANNELS__HOOK__URL": "https://hooks.example.com/y",
}


@dataclass
class Lab:
    app: App
    service: Service
    clock: SimClock
    queue: InlineQueue
    team: RecordingChannel
    hook: RecordingChannel

    async def pass_time(self, hours: float, step: timedelta = timedelta(minutes=15)) -> None:
        end = self.clock.now() + timedelta(hours=hours)
        while self.clock.now() < end:
            self.clock.advance(step)
            await self.service.tick()
            for channel in (self.team, self.hook):
                await deliver_channel(self.app.context, channel, settle=False)

    async def reports(self) -> list[Notification]:
        found = [d.notification for d in await self.app.store.deliveries(limit=1000)]
        return [n for n in reversed(found) if n.kind == "report"]


def lab(
    folder: Path,
    story: Callable[[Lab, Campaign], Awaitable[None]],
    schedules: dict[Job, str] = DAILY,
) -> None:
    clock = SimClock(SystemClock(), start=START, speed=0)

    async def main() -> None:
        with api(clock=clock) as server:
            url = f"sqlite:///{folder / 'data.db'}"
            loaded = settings_for(url, server, folder, **CHANNELS)
            queue = InlineQueue()
            async with service_on(loaded, clock, queue) as (app, service):
                stored = campaign(hashtags=1, pages=1, schedules=schedules, created_at=clock.now())
                stored = await app.store.add_campaign(stored)
                here = RecordingChannel("team"), RecordingChannel("hook")
                await story(Lab(app, service, clock, queue, *here), stored)

    asyncio.run(main())


def wanted(person: str, kind: str, channel: str = "team") -> Wanted:
    return Wanted(person=person, kind=kind, channel=channel)


@pytest.mark.parametrize("days", [2, pytest.param(7, marks=pytest.mark.prove)])
def test_each_slot_brings_each_subscriber_one_message(tmp_path: Path, days: int) -> None:
    async def story(lab: Lab, stored: Campaign) -> None:
        context = lab.app.context
        for person, kind, channel in (
            ("ana", "daily", "team"),
            ("ben", "weekly", "team"),
            ("eva", "campaign", "hook"),
            ("ida", "daily", "hook"),
        ):
            await subscribe(context, stored, wanted(person, kind, channel), by="test")
        lines = await view_subscriptions(context, lab.app.schedules)
        assert [f"{line.next_at:%a %H:%M}" for line in lines if line.next_at] == [
            "Mon 08:30",
            "Mon 09:00",
            "Mon 08:45",
            "Mon 08:30",
        ]
        await lab.pass_time(days * 24)
        told = Counter((n.channel, n.payload["kind"]) for n in await lab.reports())
        assert told == {
            ("team", "daily"): days,
            ("team", "weekly"): 1,
            ("hook", "daily"): days,
            ("hook", "campaign"): days,
        }
        # All of them arrived, each by itself and once: a report is no interruption.
        sent = [n for n in [*lab.team.sent, *lab.hook.sent] if n.kind == "report"]
        assert len(sent) == len({n.notification_id for n in sent}) == 3 * days + 1
        told_of = [n.payload["day"] for n in sent if n.channel == "team" and n.payload["figures"]]
        assert len(set(told_of)) == days
        assert all(n.payload["missing"] == [] for n in sent)
        lines = await view_subscriptions(context, lab.app.schedules)
        assert all(line.subscription.sent_at for line in lines)

    lab(tmp_path, story, WITH_FEEDS)


class Killed(BaseException):
    """The process is gone."""


@pytest.mark.parametrize("at", ["between two messages", "before the run ends"])
def test_a_crash_repeats_nothing_and_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    async def story(lab: Lab, stored: Campaign) -> None:
        for person in ("ana", "ben", "eva"):
            await subscribe(lab.app.context, stored, wanted(person, "daily"), by="test")
        await lab.pass_time(7.7)
        store = type(lab.app.store)
        real_put, real_end, put = store.put_report_message, store.finish_run, []

        async def dies_after_two(self: Any, message: Any, by: str) -> bool:
            if len(put) == 2:
                raise Killed
            put.append(message)
            return await real_put(self, message, by)

        async def dies(self: Any, run_id: int, *rest: Any) -> None:
            summary = await self.run(run_id)
            if summary.run.job is Job.REPORT_DAILY:
                raise Killed
            await real_end(self, run_id, *rest)

        if at == "between two messages":
            monkeypatch.setattr(store, "put_report_message", dies_after_two)
        else:
            monkeypatch.setattr(store, "finish_run", dies)
        with pytest.raises(Killed):
            await lab.pass_time(1)
        monkeypatch.undo()
        assert len(await lab.reports()) == (2 if at == "between two messages" else 3)
        # As the engine does it: the same slot is handed to whoever lives.
        (slot,) = [s for s in lab.queue.slots if s.job is Job.REPORT_DAILY]
        # And to another one that thinks so too.
        both = [make_service(lab.app, lab.queue) for _ in range(2)]
        ends = await asyncio.gather(*(service.perform(slot) for service in both))
        assert ends == [Status.OK.value] * 2
        people = Counter(n.notification_id for n in await lab.reports())
        assert len(people) == 3
        told = await lab.app.store.told_in_slot(slot.slot_at, [1, 2, 3])
        assert told == {1, 2, 3}

    lab(tmp_path, story)


def test_what_is_missing_is_said_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(lab: Lab, stored: Campaign) -> None:
        context = lab.app.context
        await subscribe(context, stored, wanted("ana", "daily"), by="test")
        await subscribe(context, stored, wanted("ben", "weekly"), by="test")

        async def perform(job: Job, days: int) -> Notification:
            lab.clock.advance(timedelta(days=days))
            slot = Slot(job, stored.campaign_id, lab.clock.now(), "schedule")
            await lab.service.perform(slot)
            return (await lab.reports())[-1]

        # Nothing was read yet: there is no report, and that is what is told.
        nothing = await perform(Job.REPORT_DAILY, 0)
        assert nothing.payload["missing"] == [
            "This report could not be made: nothing has been read for Lumen yet."
        ]
        assert nothing.payload["sentence"] is None
        assert nothing.payload["figures"] == []
        await lab.pass_time(7.7)
        old = await perform(Job.REPORT_DAILY, 3)
        assert old.payload["missing"][0].startswith("The newest reading is 3.1 d old")
        assert old.payload["sentence"]

        async def crashes(*_: Any) -> Any:
            raise RuntimeError("a secret of the inside")

        monkeypatch.setitem(MAKERS, "daily", crashes)  # type: ignore[arg-type]
        crashed = await perform(Job.REPORT_DAILY, 1)
        assert "a fault of tagtide" in crashed.payload["missing"][0]
        assert "secret" not in str(crashed.payload)
        runs = await lab.app.store.runs(job=Job.REPORT_DAILY, limit=1)
        assert runs[0].run.status is Status.FAILED
        assert len(await lab.reports()) == 3

    lab(tmp_path, story)


def test_a_channel_that_is_gone_is_told_of_once_and_loses_nothing(tmp_path: Path) -> None:
    async def story(lab: Lab, stored: Campaign) -> None:
        await subscribe(lab.app.context, stored, wanted("ana", "daily", "hook"), by="test")
        await lab.pass_time(7.7)
        without = _Without(lab)
        (line,) = await view_subscriptions(without.context, lab.app.schedules)
        assert line.broken == "There is no channel hook any more."
        assert line.next_at is None
        for _ in range(3):
            await watch_subscriptions(without.context)
        told = [d.notification for d in await lab.app.store.deliveries(channel="team")]
        (said,) = [n.payload for n in told if n.kind == "self"]
        assert said["message"] == (
            "1 subscription to reports leads nowhere: there is no channel hook any more."
        )
        # Its report waits, is given up after an hour, and can be sent when the channel is back.
        await without.service.perform(
            Slot(Job.REPORT_DAILY, stored.campaign_id, lab.clock.now(), "schedule")
        )
        lab.clock.advance(timedelta(hours=2))
        await watch_deliveries(without.context)
        assert await lab.app.store.replay(lab.clock.now(), channel="hook") == 1
        await deliver_channel(lab.app.context, lab.hook, settle=False)
        assert [n.kind for n in lab.hook.sent][-1:] == ["report"]
        await stop(lab.app.context, 1, by="test")
        await watch_subscriptions(without.context)
        ends = [d.notification.payload for d in await lab.app.store.deliveries(channel="team")]
        assert [p["type"] for p in ends if p["type"].startswith("self")] == [
            "self.resolved",
            "self.firing",
        ]

    lab(tmp_path, story)


class _Without:
    """A process whose configuration has no channel `hook`."""

    def __init__(self, lab: Lab) -> None:
        self.context = replace(lab.app.context, channels=("team",), kinds={"team": "slack"})
        self.service = make_service(replace(lab.app, context=self.context), lab.queue)


def test_the_report_of_the_end_comes_once_after_it(tmp_path: Path) -> None:
    async def story(lab: Lab, stored: Campaign) -> None:
        context = lab.app.context
        over = replace(stored, ends_on=START.date())
        await lab.app.store.replace_campaign(over)
        await subscribe(context, over, wanted("ana", "wrapup"), by="test")
        (line,) = await view_subscriptions(context, lab.app.schedules)
        assert line.next_at == datetime(2026, 3, 3, 10, tzinfo=UTC)
        await lab.pass_time(24 + 9)
        assert await lab.reports() == []
        (line,) = await view_subscriptions(context, lab.app.schedules)
        assert (line.broken, line.next_at is None) == ("", False)
        await lab.pass_time(24)
        assert [n.payload["kind"] for n in await lab.reports()] == ["wrapup"]
        (line,) = await view_subscriptions(context, lab.app.schedules)
        assert line.next_at is None

    lab(tmp_path, story)
