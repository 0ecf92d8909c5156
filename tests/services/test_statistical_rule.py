"""The statistical rule in a campaign: states go on or are learned anew, the pool is remade."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest
from lab import HOUR, START, Lab, lab
from small_world import SmallWorld, Tag

from tagtide.core.detect import SHIPPED
from tagtide.models import AlertState, Campaign, Rule, Status
from tagtide.ports import Changes, DetectorState
from tagtide.services.detection import calibration, refresh_pool
from tagtide.simulator import FaultRule

WORLD = {"glow": Tag(videos_per_hour=20), "shine": Tag(videos_per_hour=4)}


def live(story: Callable[[Lab, Campaign], Awaitable[None]]) -> None:
    async def lived() -> None:
        async with lab(SmallWorld(START, tags=dict(WORLD))) as bench:
            await story(bench, await bench.add(own=["glow", "shine"]))

    asyncio.run(lived())


async def days(bench: Lab, campaign: Campaign, count: float) -> None:
    for _ in range(int(count * 4)):
        bench.clock.advance(6 * HOUR)
        await bench.track(campaign)


async def burst(bench: Lab, campaign: Campaign) -> list[str]:
    """Rules that fire when #glow gains a week's videos in six hours."""
    bench.world.change("glow", videos=bench.world.tag("glow").videos + 900)
    bench.clock.advance(6 * HOUR)
    return [a.rule.value for a in (await bench.track(campaign)).alerts]


def test_a_burst_is_told_with_what_is_usual() -> None:
    async def story(bench: Lab, campaign: Campaign) -> None:
        await days(bench, campaign, 5)
        assert await bench.store.alerts() == []
        assert Rule.STATISTICAL.value in await burst(bench, campaign)
        found = await bench.store.alerts(state=AlertState.FIRING)
        (alert,) = [a for a in found if a.rule is Rule.STATISTICAL]
        assert alert.reason.startswith("#glow gained 1,020 videos since ")
        assert "it normally gains" in alert.reason
        assert alert.data["new_videos"] == 1020
        assert alert.data["usual_low"] < 120 < alert.data["usual_high"] < 300
        assert alert.data["false_alarms"] == 0.25
        assert alert.data["explanation"]["sentence"]
        await days(bench, campaign, 0.5)
        later = await bench.store.alert(alert.alert_id)
        # Usual readings inside the incident leave the words that people know.
        assert (later.state, later.reason) == (AlertState.FIRING, alert.reason)
        await days(bench, campaign, 2)
        assert (await bench.store.alert(alert.alert_id)).state is AlertState.RESOLVED

    live(story)


def test_a_failed_reading_teaches_and_raises_nothing() -> None:
    async def story(bench: Lab, campaign: Campaign) -> None:
        await days(bench, campaign, 5)
        before = await bench.store.detector_states("glow")
        bench.fail(FaultRule(fault="truncated_json", endpoint="hashtag"))
        bench.clock.advance(6 * HOUR)
        assert (await bench.track(campaign)).status is Status.FAILED
        assert await bench.store.detector_states("glow") == before

    live(story)


@pytest.mark.parametrize("body", [{}, {"version": 99}])
def test_a_state_that_cannot_be_read_is_learned_anew_from_the_readings(body: dict) -> None:  # type: ignore[type-arg]
    async def story(bench: Lab, campaign: Campaign) -> None:
        await days(bench, campaign, 5)
        (known,) = (await bench.store.detector_states("glow")).values()
        await bench.store.commit(Changes(detectors=(replace(known, body=body),)))
        assert Rule.STATISTICAL.value in await burst(bench, campaign)
        (learned,) = (await bench.store.detector_states("glow")).values()
        assert learned.body["version"] == known.body["version"]

    live(story)


def test_each_knob_has_a_state_of_its_own() -> None:
    async def story(bench: Lab, campaign: Campaign) -> None:
        other = await bench.add("Other", own=["glow"])
        careful = replace(other.rules, false_alarms=0.05)
        await bench.store.replace_campaign(replace(other, rules=careful))
        await days(bench, campaign, 1)
        assert set(await bench.store.detector_states("glow")) == {0.25, 0.05}
        assert set(await bench.store.detector_states("shine")) == {0.25}

    live(story)


def test_an_incident_that_began_before_the_rule_was_on_is_no_news() -> None:
    async def story(bench: Lab, campaign: Campaign) -> None:
        off = replace(campaign.rules, enabled=(Rule.GROWTH,))
        await bench.store.replace_campaign(replace(campaign, rules=off))
        quiet = replace(campaign, rules=off)
        await days(bench, quiet, 5)
        await burst(bench, quiet)
        await bench.store.replace_campaign(campaign)
        bench.clock.advance(6 * HOUR)
        assert (await bench.track(campaign)).alerts == ()

    live(story)


def test_the_pool_is_remade_once_a_day_by_whoever_is_first() -> None:
    async def story(bench: Lab, campaign: Campaign) -> None:
        assert await calibration(bench.context) == SHIPPED
        assert not await refresh_pool(bench.context)
        await days(bench, campaign, 3)
        made = await asyncio.gather(*(refresh_pool(bench.context) for _ in range(4)))
        assert sorted(made) == [False, False, False, True]
        assert (await calibration(bench.context)).version == "1"
        assert not await refresh_pool(bench.context)
        bench.clock.advance(25 * HOUR)
        assert await refresh_pool(bench.context)
        assert (await calibration(bench.context)).version == "2"

    live(story)


def test_a_pool_that_cannot_be_read_leaves_the_shipped_one() -> None:
    async def story(bench: Lab, campaign: Campaign) -> None:
        await days(bench, campaign, 1)
        await refresh_pool(bench.context)
        pool = await bench.store.detector_pool()
        await bench.store.put_detector_pool(replace(pool, version=2, body={"format": 0}))
        assert await calibration(bench.context) == SHIPPED
        (state,) = (await bench.store.detector_states("shine")).values()
        assert isinstance(state, DetectorState)

    live(story)
