"""Collecting: every sighting a reading, pages paid for once, nothing concluded from half a feed."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from lab import HOUR, START, Lab, lab
from small_world import Clip, SmallWorld, Tag, crowd

from tagtide.cli.exits import run_exit_code
from tagtide.models import AlertState, HashtagOutcome, Job, Reason, Role, Rule, Status
from tagtide.services.collect import CollectResult, collect
from tagtide.services.runs import RunRequest
from tagtide.simulator import Call, FaultRule

DAY = 24 * HOUR
Story = Callable[[Lab], Awaitable[None]]


def live(story: Story, world: SmallWorld | None = None, **options: Any) -> None:
    async def lived() -> None:
        async with lab(world, **options) as bench:
            await story(bench)

    asyncio.run(lived())


def feed(count: int, **changes: Any) -> SmallWorld:
    clips = crowd(START - DAY, count)
    return SmallWorld(START, default=Tag(feed=clips, **changes))


def pages(calls: list[Call]) -> list[str]:
    return [str(call.body["cursor"]) for call in calls if call.endpoint == "hashtag/videos"]


def only(result: CollectResult) -> HashtagOutcome:
    (outcome,) = result.outcomes
    return outcome


# --- when a feed ends -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("videos", "budget", "read", "reason"),
    [
        (0, 3, ["0"], Reason.NONE),
        (30, 3, ["0"], Reason.NONE),
        (31, 3, ["0", "30"], Reason.NONE),
        (61, 5, ["0", "30", "60"], Reason.NONE),
        (61, 2, ["0", "30"], Reason.PAGE_BUDGET),
    ],
)
def test_a_feed_is_read_to_its_end_or_to_the_page_budget(
    videos: int, budget: int, read: list[str], reason: Reason
) -> None:
    async def story(bench: Lab) -> None:
        campaign = await bench.add(own=["a"], page_budget=budget)
        outcome = only(await bench.collect(campaign))
        assert pages(bench.calls()) == read
        held = min(videos, 30 * budget)
        assert (outcome.status, outcome.reason) == (Status.OK, reason)
        assert (outcome.videos_seen, outcome.videos_new, outcome.pages) == (held, held, len(read))
        assert outcome.credits == len(read) + 1
        assert (await bench.spent()).reserved == 0

    live(story, feed(videos))


@pytest.mark.parametrize(
    ("fault", "calls"),
    [("cursor_stuck", 1), ("empty_page", 1), ("has_more_forever", 3)],
)
def test_a_feed_that_never_ends_is_left(fault: str, calls: int) -> None:
    async def story(bench: Lab) -> None:
        campaign = await bench.add(own=["a"], page_budget=9)
        bench.fail(FaultRule(fault=fault, endpoint="hashtag/videos"))
        outcome = only(await bench.collect(campaign))
        assert len(pages(bench.calls())) == calls
        assert outcome.status is Status.OK
        assert bench.server.charged == (await bench.spent()).charged == calls + 1

    live(story, feed(40))


def test_the_id_is_asked_for_once_for_ever() -> None:
    async def story(bench: Lab) -> None:
        campaign = await bench.add(own=["a"])
        for _ in range(3):
            await bench.collect(campaign)
            bench.clock.advance(DAY)
        assert [c.endpoint for c in bench.calls()].count("hashtag") == 1

    live(story, feed(3))


def test_competitors_feeds_are_read_only_when_asked_for() -> None:
    async def story(bench: Lab) -> None:
        totals = await bench.add("Totals", own=["a"], competitors=["c"])
        assert [o.hashtag for o in (await bench.collect(totals)).outcomes] == ["a"]
        bench.clock.advance(DAY)
        feeds = await bench.add("Feeds", own=["a"], competitors=["c"], competitor_feeds=True)
        assert len((await bench.collect(feeds)).outcomes) == 2
        assert await bench.store.known_videos(totals.campaign_id, hashtags=["c"]) == []

    tags = {"a": Tag(feed=crowd(START, 3)), "c": Tag(feed=crowd(START, 4, first=50))}
    live(story, SmallWorld(START, tags=tags))


# --- sightings ------------------------------------------------------------------------------------


def test_a_video_that_takes_off_later_becomes_high_priority_then() -> None:
    """Every sighting is a reading: the numbers of the first one are not for ever."""

    async def story(bench: Lab) -> None:
        campaign = await bench.add(own=["a"])
        seen = []
        for _ in range(4):
            result = await bench.collect(campaign)
            (video,) = result.high_priority or (None,)
            seen.append((video and video.high_priority_at, bool(result.new_high_priority)))
            bench.clock.advance(DAY)
        # 4,000 views at first, 4,000 more a day: 10,000 are passed on the third day.
        then = START + 2 * DAY
        assert seen == [(None, False), (None, False), (then, True), (then, False)]
        history = await bench.store.video_history("7000000000000000001")
        assert [r.counters.view_count for r in history] == [4_000, 8_000, 12_000, 16_000]

    rising = Clip(number=1, created=START, views=4_000, views_per_hour=4_000 // 24 + 1, likes=4)
    exact = Clip(**{**vars(rising), "views_per_hour": 4_000 / 24})
    live(story, SmallWorld(START, default=Tag(feed=(exact,))))


@pytest.mark.parametrize(
    ("views", "likes", "is_high"),
    [(10_000, 3, True), (9_999, 3, False), (10_000, 2, False)],
)
def test_both_thresholds_are_inclusive(views: int, likes: int, is_high: bool) -> None:
    async def story(bench: Lab) -> None:
        campaign = await bench.add(own=["a"])
        assert bool((await bench.collect(campaign)).high_priority) is is_high

    # Likes, one comment and one share per hundred views: 5 % with three likes.
    clip = Clip(number=1, created=START, views=views, likes=likes)
    live(story, SmallWorld(START, default=Tag(feed=(clip,))))


def test_new_views_are_those_of_new_videos_and_the_growth_of_known_ones() -> None:
    async def story(bench: Lab) -> None:
        campaign = await bench.add(own=["a"])
        await bench.collect(campaign)
        bench.clock.advance(DAY)
        old = bench.world.tag("a").feed
        bench.world.change("a", feed=(*old, Clip(number=500, created=START, views=777)))
        outcome = only(await bench.collect(campaign))
        assert (outcome.videos_seen, outcome.videos_new) == (11, 1)
        assert outcome.new_views == 777 + 10 * 240

    live(story, feed(10))


def test_a_shared_hashtag_is_new_in_both_campaigns_and_paid_for_once() -> None:
    async def story(bench: Lab) -> None:
        one = await bench.add("One", own=["a"])
        two = await bench.add("Two", own=["a", "b"])
        first, second = await bench.collect(one), await bench.collect(two)
        assert (first.credits_used, second.credits_used) == (2, 2)
        for campaign in (one, two):
            known = await bench.store.known_videos(campaign.campaign_id, hashtags=["a"])
            assert len(known) == 12
        outcomes = {o.hashtag: o for o in (await bench.store.run(second.run_id)).outcomes}
        assert (outcomes["a"].status, outcomes["a"].reason) == (Status.OK, Reason.SHARED)
        # The viral video under the shared hashtag is news for both.
        assert {a.campaign_id for a in await bench.store.firing()} == {1, 2}

    star = Clip(number=900, created=START - DAY, views=90_000)
    clips = (*crowd(START - DAY, 11), star)
    live(story, SmallWorld(START, tags={"a": Tag(feed=clips)}))


def test_the_others_begin_when_the_first_call_is_answered() -> None:
    """Not when the first hashtag is read to its end: a key that was accepted once is good."""

    async def story(bench: Lab) -> None:
        campaign = await bench.add(own=[f"tag{i}" for i in range(6)])
        result = await bench.collect(campaign)
        assert result.status is Status.OK
        asked = [(call.endpoint, call.body.get("cursor")) for call in bench.calls()]
        second_page = asked.index(("hashtag/videos", "30"))
        assert [endpoint for endpoint, _ in asked[:second_page]].count("hashtag") == 6

    live(story, feed(60), settings={"api.plan": "growth"}, latency=0.2)


# --- viral videos ---------------------------------------------------------------------------------


def crowd_with_star(views: int, others: int = 10) -> SmallWorld:
    """Ten others with 1,000 views each, and one video beside them."""
    rest = tuple(Clip(number=i, created=START - DAY) for i in range(1, others + 1))
    star = Clip(number=99, created=START - DAY, views=views, likes=0, comments=0, shares=0)
    return SmallWorld(START, default=Tag(feed=(star, *rest)))


@pytest.mark.parametrize(("views", "fires"), [(10_000, False), (10_001, True)])
def test_viral_is_more_than_ten_times_the_mean_of_the_others(views: int, fires: bool) -> None:
    async def story(bench: Lab) -> None:
        campaign = await bench.add(own=["a"])
        alerts = (await bench.collect(campaign)).alerts
        assert bool(alerts) is fires
        assert all(a.rule is Rule.VIRAL_VIDEO for a in await bench.store.alerts())

    live(story, crowd_with_star(views))


def test_nine_others_are_too_few_to_judge() -> None:
    async def story(bench: Lab) -> None:
        assert (await bench.collect(await bench.add(own=["a"]))).alerts == ()

    live(story, crowd_with_star(1_000_000, others=9))


def test_half_a_feed_raises_and_clears_nothing() -> None:
    async def story(bench: Lab) -> None:
        campaign = await bench.add(own=["a"], page_budget=3)
        bench.fail(FaultRule(fault="page2_fails", endpoint="hashtag/videos"))
        result = await bench.collect(campaign)
        outcome = only(result)
        assert (outcome.status, outcome.reason, outcome.pages) == (
            Status.PARTIAL, Reason.UPSTREAM, 1,
        )  # fmt: skip
        assert outcome.videos_seen == 30
        assert run_exit_code([(result.status, result.reason)]) == 3
        assert await bench.store.alerts() == []
        bench.fail()
        bench.clock.advance(DAY)
        assert len((await bench.collect(campaign)).alerts) == 1
        before = await bench.store.alerts()
        bench.fail(FaultRule(fault="page2_fails", endpoint="hashtag/videos"))
        bench.clock.advance(DAY)
        await bench.collect(campaign)
        assert await bench.store.alerts() == before

    star = Clip(number=900, created=START - DAY, views=900_000)
    live(story, SmallWorld(START, default=Tag(feed=(star, *crowd(START - DAY, 50)))))


def test_a_viral_episode_ends_after_a_fortnight_and_does_not_begin_again() -> None:
    async def story(bench: Lab) -> None:
        campaign = await bench.add(own=["a"])
        states = []
        for _ in range(5):
            states.append([a.state for a in (await bench.collect(campaign)).alerts])
            bench.clock.advance(7 * DAY)
        assert states == [[AlertState.FIRING], [], [AlertState.RESOLVED], [], []]

    live(story, crowd_with_star(50_000))


def test_an_alert_carries_the_score_of_its_age() -> None:
    async def story(bench: Lab) -> None:
        campaign = await bench.add(own=["a"])
        (alert,) = (await bench.collect(campaign)).alerts
        score = alert.data["age_score"]
        assert (score["stands_out"], score["others"], score["age_hours"]) == (True, 10, 24.0)
        assert "standard deviations above what a 24-hour-old video" in alert.reason

    live(story, crowd_with_star(50_000))


def test_an_episode_ends_when_the_others_have_caught_up() -> None:
    async def story(bench: Lab) -> None:
        campaign = await bench.add(own=["a"])
        states = [[a.state for a in (await bench.collect(campaign)).alerts]]
        bench.clock.advance(2 * DAY)
        # Still far above the others, at a seventh of the multiple that began it.
        rest = tuple(Clip(number=i, created=START - DAY, views=7_000 + i) for i in range(1, 11))
        star = Clip(number=99, created=START - DAY, views=50_000, likes=0, comments=0, shares=0)
        bench.world.change("a", feed=(star, *rest))
        states.append([a.state for a in (await bench.collect(campaign)).alerts])
        bench.clock.advance(DAY)
        rest = tuple(replace(clip, views=40_000 + clip.number) for clip in rest)
        bench.world.change("a", feed=(star, *rest))
        states.append([a.state for a in (await bench.collect(campaign)).alerts])
        assert states == [[AlertState.FIRING], [], [AlertState.RESOLVED]]

    live(story, crowd_with_star(50_000))


# --- interruption ---------------------------------------------------------------------------------


class Stop(BaseException):
    """The process dies here."""


async def killed_at_page(bench: Lab, campaign: Any, number: int) -> None:
    """A collection by hand whose process dies when it asks for its so-manyth page."""
    source, real, asked = bench.context.source, bench.context.source.hashtag_videos, 0

    async def dying(*args: Any, **kwargs: Any) -> Any:
        nonlocal asked
        asked += 1
        if asked == number:
            raise Stop
        return await real(*args, **kwargs)

    source.hashtag_videos = dying  # type: ignore[method-assign]
    with pytest.raises(BaseExceptionGroup):
        await bench.collect(campaign, trigger="manual")
    source.hashtag_videos = real  # type: ignore[method-assign]


@pytest.mark.parametrize("page", [1, 2, 3, 4])
def test_the_next_run_goes_on_behind_the_last_stored_page(page: int, database: str) -> None:
    async def story(bench: Lab) -> None:
        campaign = await bench.add(own=["a"], page_budget=4)
        await killed_at_page(bench, campaign, page)
        bench.clock.advance(timedelta(seconds=90))
        result = await bench.collect(campaign, trigger="manual")
        assert pages(bench.calls()) == ["0", "30", "60", "90"]
        outcome = only(result)
        assert (outcome.videos_seen, outcome.videos_new, outcome.pages) == (120, 120, 4)
        assert outcome.new_views == sum(c.views_at(START) for c in bench.world.tag("a").feed[:120])
        assert bench.server.charged == (await bench.spent()).charged == outcome.credits == 5
        assert result.credits_used == 5

    live(story, SmallWorld(START, default=Tag(feed=crowd_at_rest(130))), database=database)


def crowd_at_rest(count: int) -> tuple[Clip, ...]:
    return tuple(Clip(number=i, created=START - DAY, views=100 + i) for i in range(count))


def let_waiting_take_real_time(bench: Lab) -> None:
    """Who waits for another process must not make its lease end by moving the common clock."""

    async def pause(_seconds: float) -> None:
        await asyncio.sleep(0.02)

    bench.clock.sleep = pause  # type: ignore[method-assign]


def test_two_runs_by_hand_never_read_one_page_twice(database: str) -> None:
    """The second one waits, then finds a campaign that was just read, and reads it anew."""

    async def story(bench: Lab) -> None:
        campaign = await bench.add(own=["a", "b"], page_budget=2)
        let_waiting_take_real_time(bench)
        now = bench.clock.now()

        async def by_hand(delay: int) -> CollectResult:
            at = now + timedelta(microseconds=delay)
            request = RunRequest(job=Job.COLLECT, campaign=campaign, slot_at=at)
            return await collect(bench.context, request)

        one, two = await asyncio.gather(by_hand(0), by_hand(1))
        runs = len({one.run_id, two.run_id})
        asked = [c.body for c in bench.calls() if c.endpoint == "hashtag/videos"]
        read = Counter((body["hashtag_id"], body["cursor"]) for body in asked)
        assert set(read.values()) == {runs}
        assert bench.server.charged == (await bench.spent()).charged
        assert (await bench.spent()).reserved == 0

    live(story, feed(60), database=database)


def test_two_workers_on_one_slot_read_every_page_once(database: str) -> None:
    async def story(bench: Lab) -> None:
        campaign = await bench.add(own=["a", "b", "c"], page_budget=3)
        let_waiting_take_real_time(bench)
        results = await asyncio.gather(*(bench.collect(campaign) for _ in range(3)))
        asked = [c.body for c in bench.calls() if c.endpoint == "hashtag/videos"]
        read = Counter((body["hashtag_id"], body["cursor"]) for body in asked)
        assert set(read.values()) == {1}
        assert bench.server.charged == (await bench.spent()).charged == 12
        assert len({r.run_id for r in results}) == 1
        assert all(r.status is Status.OK for r in results)

    live(story, feed(90), database=database)


def test_an_emptied_budget_ends_a_feed_early_and_is_never_passed() -> None:
    async def story(bench: Lab) -> None:
        campaign = await bench.add(own=["a", "b", "c"], page_budget=2)
        result = await bench.collect(campaign)
        assert bench.server.charged <= 7
        assert run_exit_code([(result.status, result.reason)]) == 4
        # Three calls each: two hashtags fit, the third does not.
        assert sorted(o.status.value for o in result.outcomes) == ["ok", "ok", "skipped"]

    live(story, feed(70), settings={"budget.credits_per_day": "7", "api.plan": "free"})


def test_what_was_reserved_and_not_needed_may_be_spent_by_others() -> None:
    """Feeds of one page under a budget of ten: the reservation of pages that never came is free."""

    async def story(bench: Lab) -> None:
        campaign = await bench.add(own=["a", "b", "c", "d"], page_budget=4)
        result = await bench.collect(campaign)
        assert result.status is Status.OK
        assert bench.server.charged == 8

    live(story, feed(5), settings={"budget.credits_per_day": "12", "api.plan": "free"})


def test_a_role_is_kept_with_the_videos() -> None:
    async def story(bench: Lab) -> None:
        campaign = await bench.add(own=["a"], competitors=["c"], competitor_feeds=True)
        await bench.collect(campaign)
        assert len(await bench.store.known_videos(campaign.campaign_id, role=Role.OWN)) == 3
        assert len(await bench.store.known_videos(campaign.campaign_id)) == 7

    tags = {"a": Tag(feed=crowd(START, 3)), "c": Tag(feed=crowd(START, 4, first=50))}
    live(story, SmallWorld(START, tags=tags))
