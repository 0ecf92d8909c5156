"""Tracking: readings, velocity over the time that really passed, alerts once per episode."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest
from lab import HOUR, LONG_AGO, START, Lab, lab
from small_world import Clip, SmallWorld, Tag, crowd

from tagtide.cli.exits import run_exit_code
from tagtide.errors import BudgetExceeded
from tagtide.models import AlertState, Reason, Role, Rule, Status
from tagtide.services.track import TrackResult
from tagtide.simulator import FaultRule
from tagtide.simulator.payloads import TotalsForm


def live(
    story: Callable[[Lab], Awaitable[None]], world: SmallWorld | None = None, **options
) -> None:  # type: ignore[no-untyped-def]
    async def lived() -> None:
        async with lab(world, **options) as bench:
            await story(bench)

    asyncio.run(lived())


def steady(per_window: float, **changes: object) -> SmallWorld:
    """So many new videos every 6 hours, always."""
    return SmallWorld(START, default=Tag(videos_per_hour=per_window / 6, **changes))  # type: ignore[arg-type]


# --- velocity -------------------------------------------------------------------------------------


def test_the_change_is_measured_against_the_reading_six_hours_earlier() -> None:
    async def story(bench: Lab) -> None:
        campaign = await bench.add(own=["a"])
        for hours in (0, 3, 3.5):
            bench.clock.advance(hours * HOUR)
            await bench.track(campaign)
        bench.clock.advance(3 * HOUR)
        (tracked,) = (await bench.track(campaign)).hashtags
        assert tracked.change is not None
        # Readings at 0, 3 and 6.5 h; at 9.5 h the one at 3 h lies nearest to 6 h earlier.
        assert tracked.change.previous_at == START + 3 * HOUR
        assert tracked.change.elapsed_hours == 6.5
        assert tracked.change.new_videos == round(9.5 * 20) - 60
        assert tracked.change.views_per_hour == pytest.approx(1_000)

    live(story, steady(120))


def test_constant_growth_never_alerts_whatever_the_schedule_does() -> None:
    """150 new videos per 6 h against a threshold of 200, with jitter, missed runs and an outage."""

    async def story(bench: Lab) -> None:
        campaign = await bench.add(own=["a"])
        for run in range(60):
            if run % 11 == 3 or 40 <= run < 52:
                continue
            jitter = timedelta(seconds=(run * 37) % 90 - 20)
            bench.clock.set(START + run * 6 * HOUR + max(jitter, timedelta(0)))
            result = await bench.track(campaign)
            assert result.status is Status.OK
        assert await bench.store.alerts() == []

    live(story, steady(150))


def test_a_long_gap_scales_the_threshold() -> None:
    async def story(bench: Lab) -> None:
        campaign = await bench.add(own=["a"])
        await bench.track(campaign)
        bench.clock.advance(72 * HOUR)
        assert (await bench.track(campaign)).alerts == ()
        bench.world.change("a", videos=bench.world.tag("a").videos + 1_000)
        bench.clock.advance(12 * HOUR)
        (alert,) = (await bench.track(campaign)).alerts
        assert (alert.value, alert.threshold) == (1_300.0, 400.0)

    live(story, steady(150))


# --- rule A ---------------------------------------------------------------------------------------


def test_each_hashtag_has_its_own_threshold() -> None:
    async def story(bench: Lab) -> None:
        campaign = await bench.add(own=["a", "b"], competitors=["c"], thresholds={"b": 500})
        await bench.track(campaign)
        bench.clock.advance(6 * HOUR)
        alerts = (await bench.track(campaign)).alerts
        assert sorted(str(a.hashtag) for a in alerts) == ["a", "c"]
        assert {a.threshold for a in alerts} == {200.0}

    live(story, steady(300))


@pytest.mark.parametrize(("gained", "fires"), [(199, False), (200, True)])
def test_the_threshold_itself_alerts(gained: int, fires: bool) -> None:
    async def story(bench: Lab) -> None:
        campaign = await bench.add(own=["a"])
        await bench.track(campaign)
        bench.world.change("a", videos=5_000 + gained)
        bench.clock.advance(6 * HOUR)
        assert bool((await bench.track(campaign)).alerts) is fires

    live(story, steady(0))


def test_an_unknown_count_counts_what_was_seen_and_says_at_least() -> None:
    async def story(bench: Lab) -> None:
        campaign = await bench.add(own=["a"], thresholds={"a": 20})
        await bench.track(campaign)
        bench.clock.advance(6 * HOUR)
        old = crowd(START - 9 * HOUR, 5)
        new = crowd(START + HOUR, 25, first=100)
        bench.world.change("a", feed=(*new, *old))
        result = await bench.track(campaign)
        (alert,) = result.alerts
        assert (alert.rule, alert.value) == (Rule.NEW_VIDEOS, 25.0)
        assert "at least 25 new videos" in alert.reason
        assert alert.data["new_videos"] == 25
        assert len(alert.data["top_videos"]) == 3
        assert result.credits_used == 2
        assert {c.hashtag for c in await bench.store.known_videos(campaign.campaign_id)} == {"a"}

    live(story, steady(0, form=TotalsForm.ROUNDED))


def test_no_feed_is_paid_for_a_competitor_whose_videos_nobody_wants() -> None:
    async def story(bench: Lab) -> None:
        campaign = await bench.add(own=["a"], competitors=["c"])
        await bench.track(campaign)
        assert sorted(c.endpoint for c in bench.calls()) == ["hashtag", "hashtag", "hashtag/videos"]

    live(story, steady(0, form=TotalsForm.ROUNDED))


# --- episodes -------------------------------------------------------------------------------------


def test_an_episode_is_told_once_then_when_it_doubles_and_when_it_ends() -> None:
    async def story(bench: Lab) -> None:
        campaign = await bench.add(own=["a"])
        told = []
        videos = 5_000
        for gained in (0, 300, 310, 700, 640, 120, 90, 80):
            videos += gained
            bench.world.change("a", videos=videos)
            result = await bench.track(campaign)
            told.append([a.state.value for a in result.alerts])
            bench.clock.advance(6 * HOUR)
        assert told == [[], ["firing"], [], ["firing"], [], [], ["resolved"], []]
        (alert,) = await bench.store.alerts()
        assert (alert.peak, alert.state) == (700.0, AlertState.RESOLVED)
        kinds = [n.kind for n in await bench.store.undelivered()]
        assert kinds == ["firing", "update", "resolved"]
        assert len({n.notification_id for n in await bench.store.undelivered()}) == 3

    channel = {"channels.team.kind": "webhook", "channels.team.url": "http://127.0.0.1:9/hook"}
    live(story, steady(0), settings=channel)


def test_a_failed_hashtag_neither_raises_nor_clears() -> None:
    async def story(bench: Lab) -> None:
        campaign = await bench.add(own=["a", "b"])
        await bench.track(campaign)
        bench.world.change("a", videos=5_400)
        bench.clock.advance(6 * HOUR)
        await bench.track(campaign)
        before = await bench.store.firing()
        assert [a.hashtag for a in before] == ["a"]
        bench.world.change("b", videos=9_000)
        bench.fail(FaultRule(fault="truncated_json"))
        bench.clock.advance(6 * HOUR)
        failed = await bench.track(campaign)
        assert (failed.status, failed.alerts) == (Status.FAILED, ())
        assert await bench.store.alerts() == before

    live(story, steady(0))


@pytest.mark.parametrize("fault", ["stale", "stale_repeat"])
def test_an_old_answer_ends_no_episode(fault: str) -> None:
    async def story(bench: Lab) -> None:
        campaign = await bench.add(own=["a"])
        await bench.track(campaign)
        bench.clock.advance(6 * HOUR)
        if fault == "stale_repeat":
            bench.fail(FaultRule(fault=fault, options={"_kept": {}}))
        await bench.track(campaign)
        if fault == "stale":
            bench.fail(FaultRule(fault=fault, options={"hours": 6}))
        bench.clock.advance(6 * HOUR)
        result = await bench.track(campaign)
        assert [t.outcome.reason for t in result.hashtags] == [Reason.UNCHANGED]
        assert result.alerts == ()
        assert [a.state for a in await bench.store.alerts()] == [AlertState.FIRING]

    live(story, steady(300))


def test_the_way_back_after_a_correction_is_no_news() -> None:
    async def story(bench: Lab) -> None:
        campaign = await bench.add(own=["a"])
        for videos in (5_000, 5_050, 3_000, 5_060, 5_100):
            bench.world.change("a", videos=videos)
            result = await bench.track(campaign)
            assert result.alerts == ()
            change = result.hashtags[0].change
            assert change is None or change.new_videos is None or change.new_videos >= 0
            bench.clock.advance(6 * HOUR)

    live(story, steady(0))


def test_another_id_under_the_same_name_begins_a_new_series() -> None:
    async def story(bench: Lab) -> None:
        campaign = await bench.add(own=["a"])
        await bench.track(campaign)
        bench.fail(FaultRule(fault="hashtag_id_change"))
        bench.world.change("a", videos=90_000, views=900_000_000)
        bench.clock.advance(6 * HOUR)
        result = await bench.track(campaign)
        assert result.alerts == ()
        assert result.hashtags[0].change is not None
        assert result.hashtags[0].change.new_videos is None

    live(story, steady(0))


# --- what belongs together ------------------------------------------------------------------------


def test_two_processes_raise_one_alert_each_message_once() -> None:
    async def story(bench: Lab) -> None:
        campaign = await bench.add(own=["a"])
        await bench.track(campaign)
        bench.clock.advance(6 * HOUR)
        spent = (await bench.spent()).charged
        # Both processes judge the same growth; the second one meets the alert of the first.
        mine, theirs = await asyncio.gather(bench.track(campaign), _other(bench))
        assert (mine.status, theirs.status) == (Status.OK, Status.OK)
        assert len({a.fingerprint for a in await bench.store.firing()}) == 2
        assert len(await bench.store.alerts()) == 2
        assert len(await bench.store.undelivered()) == 2
        # Totals and, for the explanation, a page of the feed: once or by each of the two.
        charged = (await bench.spent()).charged
        assert charged == bench.server.charged
        assert spent + 3 <= charged <= spent + 4

    async def _other(bench: Lab) -> TrackResult:
        other = await bench.add("Other", own=["a"])
        bench.clock.advance(timedelta(seconds=1))
        return await bench.track(other, trigger="manual")

    channel = {"channels.team.kind": "webhook", "channels.team.url": "http://127.0.0.1:9/hook"}
    live(story, steady(300), settings=channel)


@pytest.mark.parametrize(
    ("fault", "reason", "code"),
    [
        ("status_401", Reason.AUTH, 1),
        ("status_403", Reason.AUTH, 1),
        ("status_402", Reason.CREDITS, 4),
    ],
)
def test_a_refused_key_or_an_empty_balance_ends_the_run_after_one_call(
    fault: str, reason: Reason, code: int, database: str
) -> None:
    async def story(bench: Lab) -> None:
        campaign = await bench.add(own=[f"tag{i}" for i in range(12)])
        bench.fail(FaultRule(fault=fault))
        result = await bench.track(campaign)
        assert len(bench.calls()) == 1
        assert bench.server.charged == 0
        outcomes = (await bench.store.run(result.run_id)).outcomes
        assert len(outcomes) == 12
        assert {o.reason for o in outcomes} == {reason}
        assert sorted(o.status.value for o in outcomes) == ["failed"] + ["skipped"] * 11
        assert run_exit_code([(result.status, result.reason)]) == code
        assert await bench.store.hashtag_readings("tag0", LONG_AGO, START) == []

    live(story, database=database, settings={"api.plan": "free"})


def test_credits_that_end_in_the_middle_keep_what_was_read() -> None:
    async def story(bench: Lab) -> None:
        campaign = await bench.add(own=[f"tag{i}" for i in range(6)])
        result = await bench.track(campaign)
        statuses = [t.outcome.status for t in result.hashtags]
        assert statuses.count(Status.OK) == 3
        assert (result.status, result.reason) == (Status.PARTIAL, Reason.CREDITS)
        assert run_exit_code([(result.status, result.reason)]) == 4
        assert result.credits_remaining == 0
        # One more call may have been on its way when the balance ended.
        assert len(bench.calls()) in {4, 5}
        assert bench.server.charged == (await bench.spent()).charged == 3
        read = [t for t in result.hashtags if t.reading is not None]
        assert len(read) == 3

    live(story, credits=3, settings={"api.plan": "free"})


def test_a_poisonous_hashtag_harms_no_other() -> None:
    """A fault of our own in one hashtag: the others are read, and the credit is accounted for."""

    async def story(bench: Lab) -> None:
        campaign = await bench.add(own=["a", "poison", "b"])
        source, decode = bench.context.source, bench.context.source.hashtag

        async def poisoned(**asked: object) -> object:
            answer = await decode(**asked)
            if asked["name"] == "poison":
                raise ZeroDivisionError
            return answer

        source.hashtag = poisoned  # type: ignore[method-assign, assignment]
        result = await bench.track(campaign)
        outcomes = {t.outcome.hashtag: t.outcome for t in result.hashtags}
        assert outcomes["poison"].reason is Reason.INTERNAL
        assert [outcomes[n].status for n in ("a", "b")] == [Status.OK, Status.OK]
        spent = await bench.spent()
        assert (spent.charged, spent.unknown, spent.reserved) == (2, 1, 0)
        assert bench.server.charged == 3

    live(story)


def test_what_a_crash_has_paid_for_is_in_the_ledger() -> None:
    """The answer came, and we stumbled over it: the credit is gone all the same."""

    async def story(bench: Lab) -> None:
        campaign = await bench.add(own=["a", "b"])

        async def stumbling(*_args: object, **_asked: object) -> object:
            raise ZeroDivisionError

        bench.store.hashtag_readings = stumbling
        await bench.track(campaign)
        bench.clock.advance(6 * HOUR)
        result = await bench.track(campaign)
        assert {t.outcome.reason for t in result.hashtags} == {Reason.INTERNAL}
        assert [t.outcome.credits for t in result.hashtags] == [1, 1]
        spent = await bench.spent()
        assert (spent.charged, spent.unknown, spent.reserved) == (bench.server.charged, 0, 0)

    live(story)


def test_a_budget_is_kept_to_and_says_so() -> None:
    async def story(bench: Lab) -> None:
        campaign = await bench.add(own=[f"tag{i}" for i in range(5)])
        result = await bench.track(campaign)
        assert bench.server.charged == 3
        assert run_exit_code([(result.status, result.reason)]) == 4
        reasons = [t.outcome.reason for t in result.hashtags]
        assert reasons.count(Reason.BUDGET) == 2
        with pytest.raises(BudgetExceeded):
            await bench.store.reserve(
                [reservation_of(campaign.campaign_id)],
                bench.context.budget.limits(campaign, bench.clock.now()),
                bench.clock.now(),
            )

    live(story, settings={"budget.credits_per_day": "3"})


def reservation_of(campaign_id: int):  # type: ignore[no-untyped-def]
    from tagtide.ports import Reservation

    return Reservation(run_id=None, campaign_id=campaign_id, hashtag="x", endpoint="hashtag")


def test_what_one_campaign_may_not_pay_another_one_may() -> None:
    async def story(bench: Lab) -> None:
        poor = await bench.add("Poor", own=["a"], credits_per_day=0)
        rich = await bench.add("Rich", own=["a"])
        assert (await bench.track(poor)).reason is Reason.BUDGET
        assert (await bench.track(rich)).status is Status.OK

    live(story)


def test_a_hashtag_of_two_campaigns_is_paid_for_once_and_judged_for_both() -> None:
    async def story(bench: Lab) -> None:
        one = await bench.add("One", own=["a"])
        two = await bench.add("Two", own=["a"], thresholds={"a": 250})
        for _ in range(2):
            first = await bench.track(one)
            second = await bench.track(two)
            bench.clock.advance(6 * HOUR)
        # Totals twice; one page of the feed when the alerts opened.
        assert len(bench.calls()) == 3
        assert {a.campaign_id for a in await bench.store.firing()} == {
            one.campaign_id,
            two.campaign_id,
        }
        assert [t.outcome.reason for t in second.hashtags] == [Reason.SHARED]
        assert (first.credits_used, second.credits_used) == (2, 0)

    live(story, steady(300))


def test_a_video_that_was_seen_by_the_way_can_become_high_priority() -> None:
    async def story(bench: Lab) -> None:
        campaign = await bench.add(own=["a"])
        await bench.track(campaign)
        (video,) = await bench.store.known_videos(campaign.campaign_id, role=Role.OWN)
        assert video.high_priority_at == START

    star = Clip(number=1, created=START - HOUR, views=20_000, likes=9)
    live(story, steady(0, form=TotalsForm.ROUNDED, feed=(star,)))
