"""The wrap-up of a small campaign, against figures worked out by hand."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from lab import Lab, lab
from small_world import SmallWorld, Tag, crowd

from report_facts import totals_at
from tagtide.core.messages.document import from_document
from tagtide.core.messages.wrapup import wrapup_blocks
from tagtide.errors import InvalidInput, NotFound
from tagtide.models import Campaign
from tagtide.ports import Changes
from tagtide.renderers import render_markdown, render_text
from tagtide.services.desk import DeskTarget, RightTyped, change, moving
from tagtide.services.report import report_campaign
from tagtide.services.wrapup import WrapUpWish, read_wrapup, report_wrapup
from tagtide.simulator.payloads import invented_id
from tagtide.simulator.protocol import ApiCall, Endpoint

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
#: Midnight; the first reading of all.
FIRST = datetime(2026, 3, 1, tzinfo=UTC)
BEGAN = FIRST + 42 * DAY
ENDED = BEGAN + 14 * DAY

Story = Callable[[Lab, Campaign], Awaitable[None]]


def live(story: Story, **options: Any) -> None:
    """Eight weeks of readings: 1,000 views an hour, in the campaign 3,000; a competitor at 500."""

    async def lived() -> None:
        world = SmallWorld(FIRST, tags={"own": Tag(feed=crowd(BEGAN, 12))})
        async with lab(world, start=ENDED - HOUR) as bench:
            added = await bench.add(own=["own"], competitors=["rival"])
            dates = {"starts_on": BEGAN.date(), "ends_on": last_day(), "created_at": FIRST}
            campaign = replace(added, **(dates | options))
            await bench.store.replace_campaign(campaign)
            await bench.store.commit(Changes(readings=tuple(readings())))
            # The id is known, so that a collection reads no totals.
            assert world.answer(ENDED, ApiCall(Endpoint.HASHTAG, {"hashtag_name": "own"}))
            await bench.collect(campaign)
            bench.clock.advance(11 * HOUR)
            await story(bench, campaign)

    asyncio.run(lived())


def last_day() -> date:
    return (ENDED - DAY).date()


def readings() -> list[Any]:
    found, own, rival = [], 1_000_000, 9_000_000
    at = FIRST
    while at < ENDED:
        for name, views in (("own", own), ("rival", rival)):
            one = totals_at(name, at, views, 5_000)
            found.append(replace(one, hashtag_id=invented_id(name)))
        own += 6 * (3_000 if at >= BEGAN else 1_000)
        rival += 6 * 500
        at += 6 * HOUR
    return found


def test_the_whole_campaign_is_told_and_kept() -> None:
    async def story(bench: Lab, campaign: Campaign) -> None:
        report = await report_wrapup(bench.context, campaign)
        body = json.loads(json.dumps(report.as_dict()))
        assert body["period"]["is_over"] is True
        assert body["period"]["days"] == 14
        # Thirteen days and 18 hours lie between the first and the last reading.
        assert body["views_gained"] == 3_000 * (13 * 24 + 18) + 6_000
        assert body["lift"]["lift"] == pytest.approx(2.0, abs=1e-6)
        variance = 4 * 0.0625 / (4 + 5)
        reach = 2.132 * math.sqrt(variance + 1 / (1 / 0.0225 + 1 / variance))
        assert body["lift"]["lift_low"] == pytest.approx(3 * math.exp(-reach) - 1, abs=1e-5)
        assert body["lift"]["within"]["days_known"] == 13
        assert body["lift"]["views_expected"] == 13 * 24_000
        (own,), (rival,) = body["hashtags"], body["competitors"]
        assert own["view_change"] == 3_000 * (13 * 24 + 18)
        assert rival["view_change"] == 500 * (13 * 24 + 18)
        assert [one["days_read"] for one in body["coverage"]["hashtags"]] == [14, 14]
        assert body["coverage"]["days_without_readings"] == []
        kept = await bench.store.report_on(campaign.campaign_id, "wrapup", report.on)
        assert kept.body == json.loads(json.dumps(report.as_dict(videos=False)))
        assert list(from_document(kept.document)) == wrapup_blocks(report)
        assert report.on == last_day()

    live(story)


def test_its_figures_are_those_of_the_campaign_report_and_of_the_ledger() -> None:
    async def story(bench: Lab, campaign: Campaign) -> None:
        # What another campaign spends is not its.
        await bench.collect(await bench.add("Another", own=["else"]))
        body = (await read_wrapup(bench.context, campaign)).as_dict()
        other = (await report_campaign(bench.context, campaign)).as_dict()
        for name in (
            "total_videos",
            "unique_creators",
            "total_views",
            "total_engagement",
            "pooled_engagement_rate",
            "earned_media_value",
            "rated_creators",
        ):
            assert body[name] == other[name]
        spent = await bench.store.spent(FIRST, campaign.campaign_id)
        assert body["credits_used"] == spent.charged + spent.unknown > 0
        assert sum(one["credits"] for one in body["spending"]) == body["credits_used"]
        assert body["coverage"]["runs"] == {"ok": 1}

    live(story)


def test_the_same_readings_give_the_same_report() -> None:
    async def story(bench: Lab, campaign: Campaign) -> None:
        one = await read_wrapup(bench.context, campaign)
        bench.clock.advance(30 * DAY)
        other = await read_wrapup(bench.context, campaign)
        assert one.as_dict() == other.as_dict()
        assert render_markdown(wrapup_blocks(one)) == render_markdown(wrapup_blocks(other))

    live(story)


def test_before_the_end_it_says_so_far() -> None:
    async def story(bench: Lab, campaign: Campaign) -> None:
        report = await read_wrapup(bench.context, campaign)
        assert not report.span.is_over
        text = render_text(wrapup_blocks(report))
        assert "the campaign so far" in text
        assert "The campaign ends on 2026-12-31" in text

    live(story, ends_on=date(2026, 12, 31))


def test_without_a_first_day_there_is_no_lift_and_the_rest_is_told() -> None:
    async def story(bench: Lab, campaign: Campaign) -> None:
        report = await read_wrapup(bench.context, campaign)
        assert report.as_dict()["lift"]["reason"] == "no_start"
        assert "nobody said on which day the campaign began" in render_text(wrapup_blocks(report))
        launched = WrapUpWish(launched=BEGAN.date())
        again = await read_wrapup(bench.context, campaign, launched)
        assert again.as_dict()["lift"]["lift"] == pytest.approx(2.0, abs=1e-6)

    live(story, starts_on=None)


def test_controls_can_be_chosen_and_one_that_was_never_read_is_named() -> None:
    async def story(bench: Lab, campaign: Campaign) -> None:
        wish = WrapUpWish(controls=("#Nobody",))
        report = await read_wrapup(bench.context, campaign, wish)
        body = report.as_dict()["lift"]
        assert (body["measured"], body["reason"]) == (False, "no_control")
        text = render_text(wrapup_blocks(report))
        assert "too few days before the campaign are known: 0 of 14 needed" in text
        both = WrapUpWish(controls=("nobody", "rival"))
        body = (await read_wrapup(bench.context, campaign, both)).as_dict()["lift"]
        assert [one["hashtag"] for one in body["controls"]] == ["rival"]
        assert [one["hashtag"] for one in body["left_out"]] == ["nobody"]
        with pytest.raises(InvalidInput, match="own hashtag"):
            await read_wrapup(bench.context, campaign, WrapUpWish(controls=("own",)))
        open_ended = replace(campaign, ends_on=None)
        with pytest.raises(InvalidInput, match="after its newest reading"):
            await read_wrapup(bench.context, open_ended, WrapUpWish(launched=date(2027, 1, 1)))
        with pytest.raises(InvalidInput, match="before 2026-04-27"):
            await read_wrapup(bench.context, campaign, WrapUpWish(launched=date(2026, 4, 27)))
        later = replace(campaign, starts_on=date(2027, 1, 1), ends_on=None)
        with pytest.raises(NotFound, match="since it began"):
            await read_wrapup(bench.context, later)

    live(story)


def test_rights_stand_as_the_desk_has_them() -> None:
    async def story(bench: Lab, campaign: Campaign) -> None:
        right = RightTyped(channels=("website", "organic"), territory="EU", expires="2027-06-30")
        for number in (1, 2):
            target = DeskTarget(video=str(7_000_000_000_000_000_000 + number))
            typed = right if number == 1 else RightTyped(channels=("ads",))
            step = moving("granted", by="ann", text="never to be shown", right=typed)
            await change(bench.context, target, step)
        report = await read_wrapup(bench.context, campaign)
        rights = report.as_dict()["rights"]
        assert rights["states"]["granted"] == 2
        assert rights["states"]["new"] == 10
        (first, second) = rights["cleared"]
        assert (first["channels"], first["territory"]) == (["organic", "website"], ["EU"])
        assert first["expires_at"].startswith("2027-0")
        assert second["expires_at"] is None
        assert "never to be shown" not in json.dumps(report.as_dict())
        assert report.as_dict()["credits_per"]["video_granted"] == pytest.approx(report.credits / 2)
        assert "no end" in render_text(wrapup_blocks(report))

    live(story)
