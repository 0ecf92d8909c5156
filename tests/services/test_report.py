"""Reports of a small world, against figures computed from the world itself."""

from __future__ import annotations

import asyncio
import statistics
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest
from lab import HOUR, START, Lab, lab
from small_world import Clip, SmallWorld, Tag

from tagtide.core.language import figure, speaking
from tagtide.core.messages import language_of
from tagtide.core.messages.campaign import campaign_blocks
from tagtide.core.messages.document import from_document
from tagtide.errors import NotFound
from tagtide.models import Campaign
from tagtide.services.context import Context
from tagtide.services.report import (
    report_campaign,
    report_daily,
    report_language,
    report_weekly,
)
from tagtide.simulator import FaultRule

DAY = 24 * HOUR
Story = Callable[[Lab], Awaitable[None]]


def live(story: Story, world: SmallWorld) -> None:
    async def lived() -> None:
        async with lab(world) as bench:
            await story(bench)

    asyncio.run(lived())


def two_hashtags() -> SmallWorld:
    """Eleven videos under one hashtag, three under the other, one of them under both."""
    first = tuple(
        Clip(number=i, created=START - i * HOUR, views=100 * i, views_per_hour=10, likes=i)
        for i in range(1, 12)
    )
    late = Clip(number=50, created=START + 20 * HOUR, views=9_000, author="late")
    second = (first[0], Clip(number=40, created=START - DAY, views=777, author="other"), late)
    tags = {"a": Tag(feed=first), "b": Tag(feed=second), "c": Tag(views=5_000_000)}
    return SmallWorld(START, tags=tags)


async def two_days(bench: Lab) -> Campaign:
    campaign = await bench.add(own=["a", "b"], competitors=["c"])
    for _ in range(2):
        await bench.track(campaign)
        await bench.collect(campaign)
        bench.clock.advance(DAY)
    bench.clock.advance(-DAY)
    return campaign


@pytest.mark.parametrize("build", [report_campaign, report_daily])
def test_totals_are_those_of_the_world(build: Callable[..., Awaitable[object]]) -> None:
    async def story(bench: Lab) -> None:
        campaign = await two_days(bench)
        at = bench.clock.now()
        clips = {c.number: c for name in "ab" for c in bench.world.tag(name).feed}
        stats = [c.record(at)["statistics"] for c in clips.values()]
        views = [s["play_count"] for s in stats]  # type: ignore[index]
        parts = {
            part: sum(s[f"{key}_count"] for s in stats)  # type: ignore[index]
            for part, key in (("likes", "digg"), ("comments", "comment"), ("shares", "share"))
        }
        rates = [
            (s["digg_count"] + s["comment_count"] + s["share_count"]) / s["play_count"]  # type: ignore[index]
            for s in stats
        ]
        body = (await build(bench.context, campaign)).as_dict()  # type: ignore[attr-defined]
        assert body["total_videos"] == len(clips) == 13
        assert body["unique_creators"] == 13
        assert body["total_views"] == sum(views)
        assert {part: body[f"total_{part}"] for part in parts} == parts
        assert body["total_engagement"] == sum(parts.values())
        assert body["avg_views"] == pytest.approx(sum(views) / 13, abs=0.01)
        assert body["median_engagement_rate"] == pytest.approx(statistics.median(rates), abs=1e-4)
        assert body["avg_engagement_rate"] == pytest.approx(statistics.mean(rates), abs=1e-4)
        pooled = sum(parts.values()) / sum(views)
        assert body["pooled_engagement_rate"] == pytest.approx(pooled, abs=1e-4)
        assert body["new_videos_24h"] == 1
        # Ten views an hour for eleven videos; one more stands still; the new one is not growth.
        assert body["view_growth_24h"] == 11 * 240
        assert body["top_creators"][0]["author_username"] == "late"
        totals = {h["hashtag"]: h for h in body["hashtags"]}
        assert totals["a"]["view_count"] == bench.world.views_of("a", at)
        assert totals["b"]["video_count"] == bench.world.videos_of("b", at)

    live(story, two_hashtags())


def test_a_report_spends_nothing_and_replaces_that_of_its_day() -> None:
    async def story(bench: Lab) -> None:
        campaign = await two_days(bench)
        calls = len(bench.calls())
        first = (await report_campaign(bench.context, campaign)).as_dict()
        second = (await report_campaign(bench.context, campaign)).as_dict()
        assert first == second
        assert len(await bench.store.reports(campaign.campaign_id, "campaign")) == 1
        assert len(bench.calls()) == calls

    live(story, two_hashtags())


def test_a_report_is_kept_in_the_language_that_was_chosen() -> None:
    """As asked, else as the campaign's, else as the installation's; what was kept stays so."""

    async def story(bench: Lab) -> None:
        campaign = await two_days(bench)
        context = replace(bench.context, language="de")
        german, english = ("Wochenbericht", "eigene Hashtags"), ("weekly report", "own hashtags")
        assert await kept(bench, context, campaign) == german
        assert await kept(bench, context, replace(campaign, language="en"), "de") == german
        assert await kept(bench, context, replace(campaign, language="tlh")) == english
        assert await kept(bench, context, replace(campaign, language="en")) == english
        styled = replace(campaign, numbers="1'234.5", clock="12h")
        with speaking(report_language(context, styled)):
            assert figure("9,000.5") == "9’000.5"
        report = await bench.store.reports(campaign.campaign_id, "weekly")
        assert language_of(from_document(report[0].document or ())) == "en"

    live(story, two_hashtags())


async def kept(
    bench: Lab, context: Context, campaign: Campaign, language: str | None = None
) -> tuple[str, str]:
    """Words of the stored reports that name their language."""
    await report_weekly(context, campaign, language)
    await report_campaign(context, campaign, language)
    weekly = (await bench.store.reports(campaign.campaign_id, "weekly"))[0]
    whole = (await bench.store.reports(campaign.campaign_id, "campaign"))[0]
    found = [
        next(word for word in words if word in str(one.document))
        for one, words in (
            (weekly, ("Wochenbericht", "weekly report")),
            (whole, ("eigene Hashtags", "own hashtags")),
        )
    ]
    return found[0], found[1]


def test_nothing_read_is_said() -> None:
    async def story(bench: Lab) -> None:
        campaign = await bench.add(own=["a"])
        with pytest.raises(NotFound):
            await report_daily(bench.context, campaign)

    live(story, two_hashtags())


def test_weekly_keeps_the_last_good_value_and_names_what_failed() -> None:
    async def story(bench: Lab) -> None:
        campaign = await bench.add(own=["a"], competitors=["c"])
        for week in range(6):
            if week == 5:
                bench.fail(FaultRule(fault="html_200", hashtag="a"))
            await bench.track(campaign)
            last = bench.clock.now()
            bench.clock.advance(7 * DAY)
        rows = {
            h["hashtag"]: h
            for h in (await report_weekly(bench.context, campaign)).as_dict()["hashtags"]
        }
        assert rows["a"]["status"] == "failed"
        assert rows["a"]["view_count"] == bench.world.views_of("a", last - 7 * DAY)
        assert rows["a"]["anomaly"] in {"none", "not_enough_history"}
        assert rows["c"]["view_change"] == 7 * 24 * 1_000
        assert rows["c"]["video_change"] == 7 * 24 * 10
        assert rows["c"]["rolling_average"] == pytest.approx(168_000)
        assert (rows["c"]["anomaly"], rows["c"]["rank"]) == ("none", 1)

    live(story, two_hashtags())


def test_a_failed_week_makes_no_spike_of_the_next_one() -> None:
    async def story(bench: Lab) -> None:
        campaign = await bench.add(own=["a"])
        for week in range(8):
            bench.fail(*([FaultRule(fault="status_500")] if week == 6 else []))
            await bench.track(campaign)
            if week < 7:
                bench.clock.advance(7 * DAY)
        (row,) = (await report_weekly(bench.context, campaign)).as_dict()["hashtags"]
        assert row["status"] == "ok"
        assert row["anomaly"] == "none"

    live(story, two_hashtags())


def test_share_of_voice_is_made_of_what_hashtags_gained() -> None:
    async def story(bench: Lab) -> None:
        campaign = await two_days(bench)
        report = await report_campaign(bench.context, campaign)
        voice = report.as_dict()["share_of_voice"]
        changes = {line.hashtag: line.views.value for line in report.hashtags if line.views}
        rival = report.competitors[0].views
        assert rival is not None
        assert voice["views"]["own"] == sum(changes.values()) > 0
        assert voice["views"]["competitors"] == rival.value

    live(story, two_hashtags())


def test_every_competitor_counts_in_the_share_of_voice_and_the_unknown_ones_are_told() -> None:
    names = [f"rival{n}" for n in range(7)]
    tags = {"a": Tag(feed=(Clip(number=1, created=START),))}
    tags |= {name: Tag(views_per_hour=100 * n) for n, name in enumerate(names, 1)}

    async def story(bench: Lab) -> None:
        campaign = await bench.add(own=["a"], competitors=names)
        bench.fail(FaultRule(fault="status_500", hashtag=names[-1]))
        for _ in range(2):
            await bench.track(campaign)
            await bench.collect(campaign)
            bench.clock.advance(DAY)
        report = await report_campaign(bench.context, campaign)
        voice = report.as_dict()["share_of_voice"]["views"]
        assert voice["competitors"] == pytest.approx(
            24 * (100 + 200 + 300 + 400 + 500 + 600), rel=0.001
        )
        assert (voice["competitors_counted"], voice["competitors_missing"]) == (6, 1)
        assert report.trend is not None
        assert len(report.trend.views) == 5
        said = str(campaign_blocks(report))
        assert "6 competitors gained together in 1 day." in said
        assert "1 competitor could not be counted: growth unknown." in said

    live(story, SmallWorld(START, tags=tags))


def test_a_campaign_without_competitors_has_no_share() -> None:
    async def story(bench: Lab) -> None:
        campaign = await bench.add(own=["a"])
        for _ in range(2):
            await bench.track(campaign)
            await bench.collect(campaign)
            bench.clock.advance(DAY)
        report = await report_campaign(bench.context, campaign)
        assert report.as_dict()["share_of_voice"]["views"] is None

    live(story, two_hashtags())


def test_what_competitors_gained_before_the_own_hashtags_were_read_has_nothing_beside_it() -> None:
    tags = {"a": Tag(views_per_hour=50, feed=(Clip(number=1, created=START),))}
    tags |= {"c": Tag(views_per_hour=100)}

    async def story(bench: Lab) -> None:
        campaign = await bench.add(own=["a"], competitors=["c"])
        bench.fail(FaultRule(fault="status_500", hashtag="a"))
        for _ in range(3):
            await bench.track(campaign)
            bench.clock.advance(DAY)
        bench.fail()
        await bench.collect(campaign)
        for _ in range(3):
            await bench.track(campaign)
            bench.clock.advance(DAY)
        report = await report_campaign(bench.context, campaign)
        voice = report.as_dict()["share_of_voice"]["views"]
        assert (voice["own"], voice["competitors"]) == (48 * 50, 48 * 100)
        assert report.trend is not None
        own, rival = report.trend.views
        assert own.begins_at == rival.begins_at == report.trend.since

    live(story, SmallWorld(START, tags=tags))


def test_charts_mark_alerts_and_the_days_of_the_campaign() -> None:
    async def story(bench: Lab) -> None:
        campaign = await two_days(bench)
        first = START.date()
        campaign = replace(campaign, starts_on=first, timezone="UTC")
        report = await report_campaign(bench.context, campaign)
        weekly = await report_weekly(bench.context, campaign)
        began, alert = report.as_dict()["events"]
        assert (began["kind"], began["at"]) == ("began", f"{first}T00:00:00Z")
        assert (alert["kind"], alert["rule"], alert["hashtag"]) == ("alert", "viral_video", "b")
        # Its steps are of six hours, and the first reading was made at eight.
        assert weekly.as_dict()["events"] == [alert]
        assert "Alert: viral video, #b" in str(campaign_blocks(report))

    live(story, two_hashtags())
