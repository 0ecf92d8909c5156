"""tagtide about itself: once when something goes wrong, once when it is over, whoever notices."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from lab import HOUR, START, Lab, lab
from small_world import SmallWorld, Tag

from tagtide.core.conditions import Kind
from tagtide.models import Alert, AlertState, Rule
from tagtide.ports import Balance
from tagtide.services.respond import Target, acknowledge, mute
from tagtide.services.self_alerts import check_self, notify_self, resolve_self
from tagtide.simulator import FaultRule
from tagtide.storage.store import open_store

CHANNEL = {"channels.team.kind": "webhook", "channels.team.url": "http://127.0.0.1:9/hook"}


def live(story: Callable[[Lab], Awaitable[None]], **options: Any) -> None:
    async def lived() -> None:
        world = SmallWorld(START, default=Tag(videos_per_hour=0))
        settings = {**CHANNEL, **options.pop("settings", {})}
        async with lab(world, settings=settings, **options) as bench:
            await story(bench)

    asyncio.run(lived())


async def look(bench: Lab, **options: Any) -> list[str]:
    """What people hear from one look, as ``condition firing`` or ``condition resolved``."""
    before = {n.notification_id for n in await bench.store.undelivered()}
    await check_self(bench.context, bench.app.schedules, **options)
    new = [n for n in await bench.store.undelivered() if n.notification_id not in before]
    assert all(n.kind == "self" and n.payload["message"] for n in new)
    return [f"{n.payload['condition']} {n.payload['type'].partition('.')[2]}" for n in new]


async def own(bench: Lab) -> list[Alert]:
    return [a for a in await bench.store.alerts(limit=999) if a.rule is Rule.SELF]


def test_a_healthy_installation_says_nothing() -> None:
    async def story(bench: Lab) -> None:
        campaign = await bench.add(own=["a"])
        assert await look(bench, is_scheduler=True) == []
        for _ in range(8):
            await bench.track(campaign)
            await bench.collect(campaign, "manual")
            assert await look(bench, is_scheduler=True) == []
            bench.clock.advance(6 * HOUR)
        assert await own(bench) == []

    live(story)


def test_a_refused_key_is_told_once_and_again_when_it_is_accepted() -> None:
    async def story(bench: Lab) -> None:
        campaign = await bench.add(own=["a"])
        bench.fail(FaultRule(fault="status_401"))
        for heard in (["auth firing"], [], []):
            await bench.track(campaign)
            assert await look(bench) == heard
            bench.clock.advance(6 * HOUR)
        bench.fail()
        await bench.track(campaign)
        assert await look(bench) == ["auth resolved"]
        (alert,) = await own(bench)
        assert (alert.condition, alert.campaign_id, alert.state) == (
            "auth", None, AlertState.RESOLVED,
        )  # fmt: skip
        first = (await bench.store.undelivered())[0].payload
        assert first["type"] == "self.firing"
        assert "SCAVIO_API_KEY" in first["hint"]

    live(story)


def test_credits_that_are_exhausted_and_come_back() -> None:
    async def story(bench: Lab) -> None:
        campaign = await bench.add(own=["a", "b"])
        await bench.track(campaign)
        assert await look(bench) == ["credits_low firing"]
        bench.clock.advance(6 * HOUR)
        await bench.track(campaign)
        assert await look(bench) == ["credits firing"]
        bench.clock.advance(HOUR)
        assert await look(bench) == []
        balance = Balance(credits_remaining=9_000, read_at=bench.clock.now())
        await bench.store.record_balance(balance)
        assert sorted(await look(bench)) == ["credits resolved", "credits_low resolved"]

    live(story, credits=3)


def test_few_credits_by_the_share_of_the_balance() -> None:
    async def story(bench: Lab) -> None:
        campaign = await bench.add(own=["a"], schedules={})
        for heard in ([], [], [], ["credits_low firing"]):
            await bench.track(campaign)
            assert await look(bench) == heard
            bench.clock.advance(6 * HOUR)

    live(story, credits=40, settings={"budget.warn_at": "0.1"})


def test_another_format_names_the_keys_that_are_not_known() -> None:
    async def story(bench: Lab) -> None:
        campaign = await bench.add(own=[f"t{n}" for n in range(10)])
        await bench.track(campaign)
        bench.clock.advance(6 * HOUR)
        for struck, heard in ((2, []), (3, ["format firing"])):
            rules = [FaultRule(fault="renamed_fields", hashtag=f"t{n}") for n in range(struck)]
            bench.fail(*rules)
            await bench.track(campaign)
            assert await look(bench) == heard
            bench.clock.advance(6 * HOUR)
        (alert,) = await own(bench)
        assert alert.reason.startswith("3 of 10 hashtags read within an hour (30.0 %)")
        assert "Found: " in alert.reason
        # Nothing was read lately: nobody knows.
        assert await look(bench) == []
        bench.fail()
        await bench.track(campaign)
        assert await look(bench) == ["format resolved"]

    live(story)


def test_a_collector_that_is_silent_is_told_by_the_scheduler() -> None:
    async def story(bench: Lab) -> None:
        campaign = await bench.add(own=["a"])
        await bench.track(campaign)
        await bench.collect(campaign)
        # It is half past midnight: the slots of 12 and 18 brought nothing, that of 0 may yet.
        bench.clock.advance(16.5 * HOUR)
        assert await look(bench, is_scheduler=True) == []
        bench.clock.advance(HOUR)
        # A command beside it cannot know that a run should have come.
        assert await look(bench) == []
        assert await look(bench, is_scheduler=True) == ["collector firing"]
        bench.clock.advance(48 * HOUR)
        assert await look(bench, is_scheduler=True) == []
        assert await look(bench) == []
        await bench.track(campaign)
        assert await look(bench) == ["collector resolved"]

    live(story)


def test_a_paused_hashtag_until_it_is_dropped() -> None:
    async def story(bench: Lab) -> None:
        campaign = await bench.add(own=["a", "gone"])
        bench.world.missing = frozenset({"gone"})
        for heard in ([], [], ["hashtag:gone firing"], []):
            await bench.track(campaign)
            assert await look(bench) == heard
            bench.clock.advance(6 * HOUR)
        kept = tuple(h for h in campaign.hashtags if h.name == "a")
        await bench.store.replace_campaign(replace(campaign, hashtags=kept))
        assert await look(bench) == ["hashtag:gone resolved"]

    live(story)


def test_what_only_a_process_sees_belongs_to_its_machine() -> None:
    async def story(bench: Lab) -> None:
        full = {Kind.DISK: "Only 3 MB are left."}
        assert await look(bench, host="one", wrong=full) == ["disk:one firing"]
        assert await look(bench, host="two", wrong={}) == []
        assert await look(bench, host="one", wrong=full) == []
        # A command knows nothing of it.
        assert await look(bench) == []
        assert await look(bench, host="one", wrong={}) == ["disk:one resolved"]

    live(story)


def test_many_processes_tell_once(database: str) -> None:
    async def story(bench: Lab) -> None:
        campaign = await bench.add(own=["a"])
        bench.fail(FaultRule(fault="status_401"))
        await bench.track(campaign)
        stores = [await open_store(database, clock=bench.clock, migrate=False) for _ in range(4)]
        contexts = [bench.context, *(replace(bench.context, store=store) for store in stores)]

        async def everybody_looks() -> None:
            looks = (check_self(c, bench.app.schedules, is_scheduler=True) for c in contexts)
            await asyncio.gather(*looks)

        await everybody_looks()
        assert [n.payload["type"] for n in await bench.store.undelivered()] == ["self.firing"]
        bench.fail()
        bench.clock.advance(HOUR)
        await bench.track(campaign, "manual")
        await everybody_looks()
        told = [n.payload["type"] for n in await bench.store.undelivered()]
        assert told == ["self.firing", "self.resolved"]
        for store in stores:
            await store.aclose()

    live(story, database=database)


def test_a_dead_channel_is_told_on_the_others() -> None:
    async def story(bench: Lab) -> None:
        told = await notify_self(
            bench.context, "channel:team", "Channel team is gone.", "Do it.", without="team"
        )
        assert told is True
        again = await notify_self(bench.context, "channel:team", "Channel team is gone.")
        assert again is False
        (message,) = await bench.store.undelivered()
        assert message.channel == "other"
        assert message.payload["hint"] == "Do it."
        assert await resolve_self(bench.context, "channel:team", "It is back.") is True
        assert await resolve_self(bench.context, "channel:team", "It is back.") is False
        kinds = Counter((n.channel, n.payload["type"]) for n in await bench.store.undelivered())
        resolved = {("other", "self.resolved"): 1, ("team", "self.resolved"): 1}
        assert kinds == {("other", "self.firing"): 1, **resolved}

    other = {"channels.other.kind": "webhook", "channels.other.url": "http://127.0.0.1:9/other"}
    live(story, settings=other)


def test_one_that_comes_and_goes_is_told_so_once() -> None:
    async def story(bench: Lab) -> None:
        full = {Kind.DISK: "Only 3 MB are left."}
        heard = []
        for number in range(40):
            wrong = full if number % 2 == 0 else {}
            heard += await look(bench, host="one", wrong=wrong)
            bench.clock.advance(timedelta(minutes=5))
        assert heard == [
            "disk:one firing", "disk:one resolved", "disk:one firing", "disk:one resolved",
            "disk:one firing",
        ]  # fmt: skip
        bench.clock.advance(7 * HOUR)
        assert await look(bench, host="one", wrong={}) == ["disk:one resolved"]

    live(story)


def test_it_can_be_taken_in_hand_and_muted_like_any_other() -> None:
    async def story(bench: Lab) -> None:
        full = {Kind.DISK: "Only 3 MB are left.", Kind.CLOCK: "The clock stepped back."}
        await look(bench, host="one", wrong=full)
        by_condition = {a.condition: a for a in await own(bench)}
        await acknowledge(
            bench.context, by_condition["disk:one"].alert_id, by="ana", note="ordered a disk"
        )
        target = Target(alert_id=by_condition["clock:one"].alert_id)
        await mute(bench.context, target, until="1h", reason="", by="ana")
        assert await look(bench, host="one", wrong={}) == ["disk:one resolved"]

    live(story)


@pytest.mark.parametrize("fault", ["status_500", "timeout", "truncated_json"])
def test_an_outage_says_nothing_about_the_key(fault: str) -> None:
    async def story(bench: Lab) -> None:
        campaign = await bench.add(own=["a"])
        bench.fail(FaultRule(fault=fault))
        await bench.track(campaign)
        assert await look(bench) == []

    impatient = {"api.read_timeout": "0.2", "api.deadline": "0.3"}
    live(story, settings=impatient)


def test_jobs_that_only_fail_are_told_without_a_scheduler() -> None:
    async def story(bench: Lab) -> None:
        campaign = await bench.add(own=["a"])
        await bench.track(campaign)
        bench.fail(FaultRule(fault="truncated_json"))
        heard = []
        for _ in range(5):
            bench.clock.advance(6 * HOUR)
            await bench.track(campaign)
            heard.append(await look(bench))
        assert heard == [[], [], ["collector firing"], [], []]

    live(story)
