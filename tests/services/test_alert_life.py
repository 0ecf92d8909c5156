"""The life of alerts from run to run: many at once, on and off, waiting, in hand, muted."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from lab import HOUR, START, Lab, lab
from small_world import SmallWorld, Tag, crowd

from tagtide.models import Alert, AlertState, Campaign, Rule, RuleSettings
from tagtide.services.respond import Target, acknowledge, mute, unmute
from tagtide.simulator import FaultRule

CHANNEL = {"channels.team.kind": "webhook", "channels.team.url": "http://127.0.0.1:9/hook"}
ONLY_A = {"enabled": (Rule.NEW_VIDEOS,)}


def live(story: Callable[[Lab], Awaitable[None]], **options: Any) -> None:
    async def lived() -> None:
        world = SmallWorld(START, default=Tag(videos_per_hour=0))
        async with lab(world, settings=CHANNEL, **options) as bench:
            await story(bench)

    asyncio.run(lived())


async def gains(bench: Lab, campaign: Campaign, *gained: int, name: str = "a") -> list[str]:
    """Run after run, so many new videos each; what people heard, a dash where nothing."""
    heard = []
    for count in gained:
        before = len(await bench.store.undelivered())
        bench.clock.advance(6 * HOUR)
        bench.world.change(name, videos=bench.world.tag(name).videos + count)
        await bench.track(campaign)
        heard.append("+".join(n.kind for n in (await bench.store.undelivered())[before:]) or "-")
    return heard


async def history(bench: Lab, alert: Alert) -> list[str]:
    return [e.reason for e in await bench.store.alert_events(alert.alert_id)]


def test_a_hashtag_that_flaps_is_told_so_once(database: str) -> None:
    async def story(bench: Lab) -> None:
        campaign = await bench.add(own=["a"], rules=RuleSettings(**ONLY_A))
        await bench.track(campaign)
        heard = await gains(bench, campaign, *([300, 50] * 10))
        assert heard == ["firing", "resolved", "firing", "resolved", "firing", *["-"] * 15]
        (alert,) = await bench.store.alerts()
        assert (alert.flaps, alert.is_flapping) == (9, True)
        told = [n.payload["alert"]["reason"] for n in await bench.store.undelivered()]
        assert sum("goes on and off" in reason for reason in told) == 1
        heard = await gains(bench, campaign, 0, 0, 0, 0, 0)
        assert heard == ["-", "-", "-", "resolved", "-"]
        reasons = Counter(await history(bench, alert))
        assert reasons == {
            "threshold_passed": 1, "below_half": 10, "reopened": 8, "flaps": 1, "quiet_again": 1,
        }  # fmt: skip

    live(story, database=database)


def test_five_hundred_hashtags_spike_at_once() -> None:
    names = [f"tag{n:03}" for n in range(500)]

    async def story(bench: Lab) -> None:
        campaign = await bench.add(own=names, rules=RuleSettings(**ONLY_A))
        await bench.track(campaign)
        bench.clock.advance(6 * HOUR)
        bench.world.default = replace(bench.world.default, videos=5_300)
        result = await bench.track(campaign)
        assert len(result.alerts) == 500
        firing = await bench.store.firing()
        assert {a.hashtag for a in firing} == {*names}
        assert len({a.fingerprint for a in firing}) == 500
        waiting = await bench.store.undelivered()
        assert Counter(n.kind for n in waiting) == {"firing": 500}
        assert {n.alert_id for n in waiting} == {a.alert_id for a in firing}
        # The same again: nobody is told anything new.
        bench.clock.advance(6 * HOUR)
        bench.world.default = replace(bench.world.default, videos=5_600)
        assert (await bench.track(campaign)).alerts == ()
        assert len(await bench.store.undelivered()) == 500

    live(story)


def test_a_rule_that_must_hold_for_two_runs() -> None:
    async def story(bench: Lab) -> None:
        rules = RuleSettings(new_videos_for_runs=2, **ONLY_A)
        campaign = await bench.add(own=["a"], rules=rules)
        await bench.track(campaign)
        assert await gains(bench, campaign, 300, 0, 300) == ["-", "-", "-"]
        (waiting,) = await bench.store.alerts()
        assert waiting.state is AlertState.PENDING
        # A run that fails advances nothing.
        bench.fail(FaultRule(fault="truncated_json"))
        assert await gains(bench, campaign, 300) == ["-"]
        bench.fail()
        (waiting,) = await bench.store.alerts()
        assert (waiting.state, waiting.pending_runs) == (AlertState.PENDING, 1)
        assert await gains(bench, campaign, 300, 300, 0) == ["firing", "-", "resolved"]
        (alert,) = await bench.store.alerts()
        assert await history(bench, alert) == [
            "not_yet", "not_held", "not_yet", "held", "below_half",
        ]  # fmt: skip

    live(story)


def test_what_is_in_hand_is_silent_until_it_doubles_and_stays_listed() -> None:
    async def story(bench: Lab) -> None:
        campaign = await bench.add(own=["a"], rules=RuleSettings(**ONLY_A))
        await bench.track(campaign)
        assert await gains(bench, campaign, 300) == ["firing"]
        (alert,) = await bench.store.firing()
        await acknowledge(bench.context, alert.alert_id[:6], by="ana", note="on it")
        assert await gains(bench, campaign, 590, 600, 590) == ["-", "update", "-"]
        (listed,) = await bench.store.firing()
        assert (listed.acked_by, listed.ack_note) == ("ana", "on it")
        assert await gains(bench, campaign, 0) == ["resolved"]

    live(story)


@pytest.mark.parametrize(
    "target",
    [
        {"hashtag": "#A"},
        {"hashtag": "a", "rule": "new-videos"},
        {"campaign": "Spring"},
        {"campaign": "Spring", "rule": "new_videos"},
    ],
)
def test_what_is_muted_is_recorded_and_not_told(target: dict[str, str]) -> None:
    async def story(bench: Lab) -> None:
        campaign = await bench.add(own=["a"], rules=RuleSettings(**ONLY_A))
        await bench.track(campaign)
        await mute(bench.context, Target(**target), until="2d", reason="launch", by="ana")
        assert await gains(bench, campaign, 300, 900, 0) == ["-", "-", "-"]
        (alert,) = await bench.store.alerts()
        assert (alert.state, alert.peak) == (AlertState.RESOLVED, 900.0)
        first = (await bench.store.alert_events(alert.alert_id))[0]
        assert (first.told, first.note) == (False, "muted until 2026-03-04T08:00:00Z")

    live(story)


def test_a_mute_of_something_else_does_not_matter() -> None:
    async def story(bench: Lab) -> None:
        campaign = await bench.add(own=["a", "b"], rules=RuleSettings(**ONLY_A))
        await bench.track(campaign)
        for target in (Target(hashtag="b"), Target(hashtag="a", rule="growth")):
            await mute(bench.context, target, until="2d", reason="", by="ana")
        assert await gains(bench, campaign, 300) == ["firing"]

    live(story)


def test_when_a_mute_is_ended_what_still_fires_is_told() -> None:
    async def story(bench: Lab) -> None:
        campaign = await bench.add(own=["a"], rules=RuleSettings(**ONLY_A))
        await bench.track(campaign)
        await mute(bench.context, Target(hashtag="a"), until="30d", reason="", by="ana")
        assert await gains(bench, campaign, 300) == ["-"]
        await unmute(bench.context, Target(hashtag="a"), by="ana")
        assert await gains(bench, campaign, 300, 300) == ["firing", "-"]
        (alert,) = await bench.store.alerts()
        assert await history(bench, alert) == ["threshold_passed", "mute_ended"]

    live(story)


def test_what_is_not_watched_any_more_does_not_fire_for_ever() -> None:
    async def story(bench: Lab) -> None:
        campaign = await bench.add(own=["a", "b"], rules=RuleSettings(**ONLY_A))
        await bench.track(campaign)
        assert await gains(bench, campaign, 300) == ["firing"]
        kept = tuple(h for h in campaign.hashtags if h.name == "b")
        edited = replace(campaign, hashtags=kept)
        await bench.store.replace_campaign(edited)
        assert await gains(bench, edited, 300) == ["resolved"]
        (alert,) = await bench.store.alerts()
        assert alert.state is AlertState.RESOLVED
        assert "not watched any more" in alert.reason

    live(story)


def test_a_viral_video_of_a_dropped_hashtag_is_no_alert_any_more() -> None:
    async def story(bench: Lab) -> None:
        made = START - 2 * HOUR
        bench.world.change("a", feed=(*crowd(made, 15), *crowd(made, 1, first=99, views=90_000)))
        campaign = await bench.add(own=["a", "b"])
        assert [a.rule for a in (await bench.collect(campaign)).alerts] == [Rule.VIRAL_VIDEO]
        bench.clock.advance(24 * HOUR)
        kept = tuple(h for h in campaign.hashtags if h.name == "b")
        edited = replace(campaign, hashtags=kept)
        await bench.store.replace_campaign(edited)
        (ended,) = (await bench.collect(edited)).alerts
        assert ended.state is AlertState.RESOLVED

    live(story)


def test_an_acknowledgement_during_a_run_is_kept() -> None:
    async def story(bench: Lab) -> None:
        campaign = await bench.add(own=["a"], rules=RuleSettings(**ONLY_A))
        await bench.track(campaign)
        await gains(bench, campaign, 300)
        (alert,) = await bench.store.firing()
        commit = bench.store.commit

        async def meanwhile(changes: Any) -> Any:
            if changes.alerts:
                await acknowledge(bench.context, alert.alert_id, by="ana", note="")
            return await commit(changes)

        bench.store.commit = meanwhile
        await gains(bench, campaign, 310)
        (listed,) = await bench.store.firing()
        assert (listed.value, listed.acked_by) == (310.0, "ana")

    live(story)


def test_two_processes_that_judge_at_once_tell_once(database: str) -> None:
    """The end of an alert, decided by two runs that both know it as firing."""

    async def story(bench: Lab) -> None:
        campaign = await bench.add(own=["a"], rules=RuleSettings(**ONLY_A))
        await bench.track(campaign)
        await gains(bench, campaign, 300)
        bench.clock.advance(6 * HOUR)
        commit, other = bench.store.commit, timedelta(seconds=1)

        async def meanwhile(changes: Any) -> Any:
            if changes.alerts:
                bench.store.commit = commit
                bench.clock.advance(other)
                await bench.track(campaign, "manual")
            return await commit(changes)

        bench.store.commit = meanwhile
        await bench.track(campaign)
        kinds = [n.kind for n in await bench.store.undelivered()]
        assert kinds == ["firing", "resolved"]
        (alert,) = await bench.store.alerts()
        assert await history(bench, alert) == ["threshold_passed", "below_half"]

    live(story, database=database)
