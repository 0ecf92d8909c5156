"""Alerts say which videos made the change, and spend one credit on a fresh page to know it."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from lab import HOUR, START, Lab, lab
from small_world import Clip, SmallWorld, Tag, crowd

from tagtide.core.alert_terms import AlertAction
from tagtide.core.reports.facts import alert_told
from tagtide.models import Alert, AlertState, Campaign, Job, Role, Rule, RuleSettings, Status
from tagtide.services import totals_rules
from tagtide.services.runs import RunRequest
from tagtide.services.track import track
from tagtide.simulator import DEMO_OWN, FaultRule, demo_story, demo_world

DAY = 24 * HOUR
CHANNEL = {"channels.team.kind": "webhook", "channels.team.url": "http://127.0.0.1:9/hook"}


def live(
    story: Callable[[Lab], Awaitable[None]], world: SmallWorld | None = None, **options: Any
) -> None:
    async def lived() -> None:
        async with lab(world, **options) as bench:
            await story(bench)

    asyncio.run(lived())


def quiet(**changes: Any) -> SmallWorld:
    """Hashtags in which nothing happens."""
    still: dict[str, Any] = {"views": 1_000_000, "views_per_hour": 0, "videos_per_hour": 0}
    return SmallWorld(START, default=Tag(**(still | changes)))


def endpoints(bench: Lab, since: int = 0) -> list[str]:
    return sorted(call.endpoint for call in bench.calls(since))


def why(alert: Alert) -> dict[str, Any]:
    return dict(alert.data["explanation"])


async def burst(bench: Lab, name: str = "a", views: int = 1_600_000) -> None:
    """A new video by eve makes most of the growth of six hours."""
    bench.clock.advance(6 * HOUR)
    star = Clip(number=500, created=START + 4 * HOUR, views=480_000, author="eve")
    bench.world.change(name, views=views, feed=(star, *bench.world.tag(name).feed))


def test_a_viral_video_explains_the_growth() -> None:
    async def story(bench: Lab) -> None:
        campaign = await bench.add(own=["a"])
        await bench.collect(campaign)
        await bench.track(campaign)
        await burst(bench)
        before = len(bench.calls())
        result = await bench.track(campaign)
        alert = next(a for a in result.alerts if a.rule is Rule.GROWTH)
        found = why(alert)
        assert len(found["videos"]) == 5
        assert found["videos"][0] | {"url": ""} == {
            "video_id": Clip(number=500, created=START).video_id, "author_username": "eve",
            "url": "", "is_new": True, "age_hours": 2.0, "gained": 480_000, "share": 0.8,
        }  # fmt: skip
        assert found["known"]["videos"] == 12
        assert found["without"]["fires"] is False
        assert found["sentence"].startswith(
            "80 % of +600.0 k views is one video by @eve, 2 h old; "
        )
        assert "Without that video +12 %: the rule would not have fired." in found["sentence"]
        # One page was read for it, and the ledger knows.
        assert endpoints(bench, before) == ["hashtag", "hashtag/videos"]
        assert result.credits_used == 2
        assert result.hashtags[0].outcome.pages == 1
        assert (await bench.spent()).charged == bench.server.charged
        (message,) = [n for n in await bench.store.undelivered() if n.alert_id == alert.alert_id]
        assert message.payload["alert"]["explanation"] == found

    live(story, quiet(feed=crowd(START - DAY, 12)), settings=CHANNEL)


def test_quiet_hashtags_read_no_page() -> None:
    async def story(bench: Lab) -> None:
        campaign = await bench.add(own=["a"])
        for _ in range(3):
            await bench.track(campaign)
            bench.clock.advance(6 * HOUR)
        assert endpoints(bench) == ["hashtag"] * 3

    live(story, quiet(feed=crowd(START - DAY, 12)))


def test_a_page_is_read_when_an_alert_opens_or_grows_and_not_while_it_lasts() -> None:
    async def story(bench: Lab) -> None:
        campaign = await bench.add(own=["a"])
        pages, videos = [], 5_000
        for gained in (0, 300, 310, 700, 640, 90):
            videos += gained
            bench.world.change("a", videos=videos)
            before = len(bench.calls())
            await bench.track(campaign)
            pages.append(endpoints(bench, before).count("hashtag/videos"))
            bench.clock.advance(6 * HOUR)
        assert pages == [0, 1, 0, 1, 0, 0]

    live(story, quiet(feed=crowd(START - DAY, 12)))


class Asked:
    """A store that keeps what it was asked for."""

    def __init__(self, store: Any) -> None:
        self._store, self.names = store, Counter[str]()

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._store, name)

        def asked(*args: Any, **options: Any) -> Any:
            self.names[name] += 1
            return method(*args, **options)

        return asked if callable(method) else method


async def asked_by_a_run(bench: Lab, campaign: Campaign) -> Counter[str]:
    """What one run of tracking asks of the store, by method."""
    asked, now = Asked(bench.store), bench.clock.now()
    context = replace(bench.context, store=asked)
    await track(context, RunRequest(job=Job.TRACK, campaign=campaign, slot_at=now))
    return asked.names


async def asked_by_runs(bench: Lab) -> list[Counter[str]]:
    """Of a run in which nothing fires, one in which an alert begins, one in which two last."""
    rules = RuleSettings(enabled=(Rule.NEW_VIDEOS, Rule.STATISTICAL))
    campaign, found, videos = await bench.add(own=["a"], rules=rules), [], 5_000
    await bench.collect(campaign)
    for gained in (0, 0, 300, 310, 310, 310, 310):
        videos += gained
        bench.world.change("a", videos=videos)
        found.append(await asked_by_a_run(bench, campaign))
        bench.clock.advance(6 * HOUR)
    assert len(await bench.store.firing()) == 2
    # The detector's begins, and grows, in the runs between.
    return [found[1], found[2], found[6]]


def test_an_alert_is_explained_when_it_begins_and_not_while_it_lasts() -> None:
    async def story(bench: Lab) -> None:
        before, begin, last = await asked_by_runs(bench)
        # A page is read when it begins, and the rules are asked again: what was measured, and what
        # the detector made of it, is not.
        for name in ("hashtag_readings", "detector_states", "reading_near"):
            assert begin[name] == before[name], name
        assert begin["video_readings_near"] > 0
        assert last["video_readings_near"] == 0
        # Their top videos.
        assert sum(last.values()) == sum(before.values()) + 2

    live(story, steady())


def test_a_build_that_explains_every_alert_at_every_run_is_found_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The negative control."""
    monkeypatch.setattr(totals_rules, "REPORTED", frozenset(AlertAction))

    async def story(bench: Lab) -> None:
        _, _, last = await asked_by_runs(bench)
        assert last["video_readings_near"] > 0

    live(story, steady())


def steady() -> SmallWorld:
    return quiet(feed=crowd(START - DAY, 12))


@pytest.mark.parametrize("limit", ["budget", "balance"])
def test_without_credits_the_stored_videos_have_to_do(limit: str) -> None:
    async def story(bench: Lab) -> None:
        campaign = await bench.add(own=["a", "b"])
        await bench.track(campaign)
        await burst(bench, "a")
        bench.world.change("b", views=1_600_000)
        before = len(bench.calls())
        result = await bench.track(campaign)
        # Both totals were paid for; the page of neither.
        assert {h.outcome.status for h in result.hashtags} == {Status.OK}
        assert endpoints(bench, before) == ["hashtag", "hashtag"]
        assert len(result.alerts) == 2
        assert all("no video of the hashtag is held" in why(a)["sentence"] for a in result.alerts)

    options: dict[str, Any] = {"credits": 4}
    if limit == "budget":
        options = {"settings": {"budget.credits_per_day": "4"}}
    live(story, quiet(feed=crowd(START - DAY, 12)), **options)


def test_the_totals_of_the_others_come_first() -> None:
    """One credit is left beside the totals: it is spent on a page only when all totals are paid."""

    async def story(bench: Lab) -> None:
        names = [f"tag{i}" for i in range(5)]
        campaign = await bench.add(own=names)
        await bench.track(campaign)
        bench.clock.advance(6 * HOUR)
        for name in names:
            bench.world.change(name, views=1_600_000)
        result = await bench.track(campaign)
        assert {h.outcome.status for h in result.hashtags} == {Status.OK}
        assert bench.server.charged == 11
        assert endpoints(bench).count("hashtag/videos") == 1

    settings = {"budget.credits_per_day": "11", "api.concurrency": "1"}
    live(story, quiet(feed=crowd(START - DAY, 12)), settings=settings)


def test_no_page_is_read_of_a_competitor_whose_feed_nobody_wants() -> None:
    async def story(bench: Lab) -> None:
        campaign = await bench.add(own=["a"], competitors=["c"])
        await bench.track(campaign)
        await burst(bench, "c")
        before = len(bench.calls())
        (alert,) = (await bench.track(campaign)).alerts
        assert endpoints(bench, before) == ["hashtag", "hashtag"]
        assert why(alert)["videos"] == []
        assert await bench.store.known_videos(campaign.campaign_id, role=Role.COMPETITOR) == []

    live(story, quiet())


def test_a_page_that_fails_costs_no_alert() -> None:
    async def story(bench: Lab) -> None:
        campaign = await bench.add(own=["a"])
        await bench.collect(campaign)
        await bench.track(campaign)
        await burst(bench)
        bench.fail(FaultRule(fault="status_404", endpoint="hashtag/videos"))
        result = await bench.track(campaign)
        assert [a.state for a in result.alerts] == [AlertState.FIRING]
        assert result.status is Status.OK
        found = why(result.alerts[0])
        assert found["new"]["videos"] == 0
        assert "is not known" in found["sentence"]
        spent = await bench.spent()
        assert (spent.charged, spent.reserved) == (bench.server.charged, 0)

    live(story, quiet(feed=crowd(START - DAY, 12)))


def test_readings_of_a_daily_collection_are_told_with_their_span() -> None:
    """Known videos that were read a day ago, and now: what they gained is not six hours' worth."""

    async def story(bench: Lab) -> None:
        star = Clip(number=900, created=START - DAY, views=50_000, views_per_hour=20_000)
        campaign = await bench.add(own=["a"])
        bench.world.change("a", feed=(star, *crowd(START - DAY, 11)))
        await bench.collect(campaign)
        bench.clock.advance(18 * HOUR)
        await bench.track(campaign)
        bench.clock.advance(6 * HOUR)
        bench.world.change("a", views=1_700_000)
        alert = next(a for a in (await bench.track(campaign)).alerts if a.rule is Rule.GROWTH)
        found = why(alert)
        assert (found["videos"], found["without"]) == ([], None)
        assert found["unseen"] == {"low": 700_000, "high": 700_000, "share": 1.0}
        assert (found["over"]["hours"], found["over"]["videos"]) == (24.0, 12)
        assert found["over"]["top"]["gained"] == 480_000
        assert "Within 24 h 12 videos read at both ends gained" in found["sentence"]

    live(story, quiet())


def test_new_videos_are_told_by_creator() -> None:
    async def story(bench: Lab) -> None:
        campaign = await bench.add(own=["a"], thresholds={"a": 25})
        await bench.track(campaign)
        bench.clock.advance(6 * HOUR)
        bots = tuple(
            Clip(
                number=i,
                created=START + HOUR * (1 + i / 60),
                author="bot",
                caption="Same \u202ewords\n everywhere",
            )
            for i in range(20)
        )
        bench.world.change("a", videos=5_030, feed=(*bots, *crowd(START + HOUR, 5, first=100)))
        (alert,) = (await bench.track(campaign)).alerts
        found = why(alert)
        assert found["creators"][0] | {"share": 0} == {
            "author_username": "bot", "videos": 20, "gained": 20, "share": 0,
        }  # fmt: skip
        assert found["unseen"]["low"] == 5
        assert found["without"] | {"ratio": None} == {
            "video_id": None, "author_username": "bot", "videos": 20, "value": 10, "ratio": None,
            "fires": False,
        }  # fmt: skip
        assert "20 share one caption, which is unusual" in found["sentence"]
        assert "\u202e" not in found["sentence"]

    live(story, quiet())


def test_the_explanation_is_that_of_the_moment_people_were_told() -> None:
    async def story(bench: Lab) -> None:
        campaign = await bench.add(own=["a"], thresholds={"a": 25})
        await bench.track(campaign)
        bench.clock.advance(6 * HOUR)
        bench.world.change("a", videos=5_030, feed=crowd(START + HOUR, 20))
        (opened,) = (await bench.track(campaign)).alerts
        assert "When told" not in alert_told(opened)
        bench.clock.advance(6 * HOUR)
        bench.world.change("a", videos=5_060)
        assert (await bench.track(campaign)).alerts == ()
        (kept,) = await bench.store.firing()
        assert kept.updated_at > opened.updated_at
        assert why(kept) == why(opened)
        assert "When told: 20 of 30 new videos are held" in alert_told(kept)

    live(story, quiet())


def test_in_a_living_world_the_right_video_is_named() -> None:
    """One video explodes, another hashtag gets a burst of many creators: each is told apart."""
    now = datetime(2026, 3, 30, 12, tzinfo=UTC)
    tale = demo_story(now)

    async def story(bench: Lab) -> None:
        campaign = await bench.add(own=list(DEMO_OWN), page_budget=3)
        told: list[Alert] = []
        for instant in (tale.viral_explodes, tale.burst):
            bench.clock.set(instant - 10.8 * HOUR)
            for run in range(7):
                if run % 4 == 0:
                    await bench.collect(campaign)
                told += (await bench.track(campaign)).alerts
                bench.clock.advance(6 * HOUR)
        held = await bench.store.known_videos(campaign.campaign_id)
        viral = next(v for v in held if v.created_at == tale.viral_posted.replace(microsecond=0))
        growth = next(a for a in told if a.rule is Rule.GROWTH)
        found = why(growth)
        named = found["videos"][0] if found["videos"] else found["over"]["top"]
        assert named["video_id"] == viral.video_id
        assert named["share"] > 0.8
        assert f"@{viral.author_username}" in alert_told(growth)
        many = next(a for a in told if a.rule is Rule.NEW_VIDEOS)
        assert many.hashtag == tale.burst_hashtag
        found = why(many)
        assert found["creators"][0]["share"] < 0.1
        assert found["unseen"]["share"] > 0.5
        assert viral.video_id not in str(found)

    live(story, demo_world(7, now), start=tale.viral_explodes - timedelta(days=1))
