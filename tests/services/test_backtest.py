"""A back-test says what happened live, and spends nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest
from lab import HOUR, START, Lab, lab
from small_world import Clip, SmallWorld, Tag, crowd

from tagtide.core.backtest import BackTest, Preset
from tagtide.errors import NotFound
from tagtide.models import CAMPAIGN_RULES, Alert, Campaign, Rule
from tagtide.services.backtest import backtest, load_history, presets, try_change
from tagtide.simulator import FaultRule
from tagtide.simulator.payloads import TotalsForm

#: Of four runs each.
DAYS = 12
STAR = Clip(number=500, created=START + 40 * HOUR, views=500, views_per_hour=0)


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The address of a store that has seen twelve days."""
    url = f"sqlite:///{tmp_path_factory.mktemp('lived')}/lived.db"

    async def live() -> None:
        async with lab(world(), database=url) as bench:
            campaign = await bench.add(
                own=["steady", "jumpy", "unknown"],
                competitors=["rival"],
                thresholds={"unknown": 12},
            )
            await live_through(bench, campaign)

    asyncio.run(live())
    return url


def read(url: str, story: Callable[[Lab, Campaign], Awaitable[None]]) -> None:
    async def main() -> None:
        async with lab(database=url, start=START + DAYS * 24 * HOUR) as bench:
            (campaign,) = await bench.store.campaigns()
            await story(bench, campaign)
            assert bench.calls() == []

    asyncio.run(main())


def world() -> SmallWorld:
    feed = (*crowd(START - 9 * HOUR, 20), STAR)
    burst = crowd(START + 101 * HOUR, 25, first=100, views=50)
    return SmallWorld(
        START,
        tags={
            "steady": Tag(feed=feed),
            "jumpy": Tag(videos_per_hour=15),
            "unknown": Tag(form=TotalsForm.ROUNDED, feed=burst),
            "rival": Tag(views=2_000_000),
        },
    )


async def live_through(bench: Lab, campaign: Campaign) -> None:
    """Twelve days on schedule: a jump, a burst of views, a star, missed runs and a dead API."""
    for slot in range(DAYS * 4):
        bench.clock.set(START + slot * 6 * HOUR)
        if slot in {16, 17, 31}:
            bench.world.change("jumpy", videos=bench.world.tag("jumpy").videos + 450)
        if slot == 20:
            bench.world.change("rival", views=5_000_000)
        if slot == 24:
            bench.world.change("steady", feed=(*crowd(START, 20), replace(STAR, views=90_000)))
        if slot in {27, 28}:
            continue
        bench.fail(*([FaultRule(fault="truncated_json", endpoint="hashtag")] if slot == 34 else []))
        await bench.track(campaign)
        if slot % 4 == 1:
            await bench.collect(campaign)


def facts(alert: Alert) -> tuple[Any, ...]:
    return (alert.hashtag, alert.video_id, alert.fired_at, alert.resolved_at, alert.peak)


def replayed(test: BackTest) -> list[tuple[Any, ...]]:
    return [(e.hashtag, e.video_id, e.fired_at, e.ended_at, e.peak) for e in test.episodes]


def test_a_back_test_repeats_what_happened_live(lived: str) -> None:
    async def story(bench: Lab, campaign: Campaign) -> None:
        history = await load_history(bench.context, campaign, START - HOUR)
        live = await bench.store.alerts(campaign_id=campaign.campaign_id, limit=1000)
        seen = set()
        for rule in CAMPAIGN_RULES:
            test = await backtest(bench.context, history, rule, campaign.rules)
            happened = sorted((facts(a) for a in live if a.rule is rule), key=str)
            assert sorted(replayed(test), key=str) == happened, rule
            seen.update([rule] if happened else [])
        # A world in which a rule never fires would prove nothing about it.
        assert seen == set(CAMPAIGN_RULES)

    read(lived, story)


def test_a_back_test_tries_what_is_not_armed(lived: str) -> None:
    async def story(bench: Lab, campaign: Campaign) -> None:
        history = await load_history(bench.context, campaign, START + 24 * HOUR)
        lower = replace(campaign.rules, new_videos=50)
        before = await backtest(bench.context, history, Rule.NEW_VIDEOS, campaign.rules)
        after = await backtest(bench.context, history, Rule.NEW_VIDEOS, lower)
        assert len(after.episodes) > len(before.episodes) > 0
        assert after.per_month == pytest.approx(len(after.episodes) / history.months)

    read(lived, story)


def test_presets_come_from_the_history(lived: str) -> None:
    async def story(bench: Lab, campaign: Campaign) -> None:
        history = await load_history(bench.context, campaign, START - HOUR)
        for rule in CAMPAIGN_RULES:
            found = await presets(bench.context, history, rule, campaign.rules)
            assert [p.preset for p in found] == [*Preset]
            values = [p.value for p in found]
            for chosen in found:
                changed = replace(campaign.rules, **{chosen.key: chosen.value})
                own = {} if rule is Rule.NEW_VIDEOS else None
                again = await backtest(bench.context, history, rule, changed, thresholds=own)
                assert again.episodes == chosen.test.episodes
                if rule is Rule.STATISTICAL:
                    assert chosen.value == chosen.preset.per_month
                elif not chosen.is_above:
                    assert (chosen.test.per_month or 0) <= chosen.preset.per_month
            # Strict is a higher threshold, or fewer false incidents.
            assert values == sorted(values, reverse=rule is Rule.STATISTICAL)

    read(lived, story)


def test_a_change_of_rules_is_tried_before_it_is_made(lived: str) -> None:
    async def story(bench: Lab, campaign: Campaign) -> None:
        higher = replace(campaign, rules=replace(campaign.rules, new_videos=100_000))
        (tried,) = await try_change(bench.context, campaign, higher)
        assert tried.rule is Rule.NEW_VIDEOS
        assert tried.before is not None
        assert tried.after is not None
        assert len(tried.before.episodes) > len(tried.after.episodes)
        off = replace(campaign, rules=replace(campaign.rules, enabled=(Rule.GROWTH,)))
        assert {t.rule for t in await try_change(bench.context, campaign, off)} == {
            Rule.NEW_VIDEOS,
            Rule.VIRAL_VIDEO,
            Rule.STATISTICAL,
        }
        assert await try_change(bench.context, campaign, replace(campaign, name="Other")) == []

    read(lived, story)


def test_without_readings_there_is_nothing_to_test() -> None:
    async def main() -> None:
        async with lab(world()) as bench:
            campaign = await bench.add(own=["steady"])
            with pytest.raises(NotFound):
                await load_history(bench.context, campaign, START - HOUR)
            changed = replace(campaign, rules=replace(campaign.rules, new_videos=1))
            assert await try_change(bench.context, campaign, changed) == []

    asyncio.run(main())
