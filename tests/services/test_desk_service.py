"""The desk end to end: what is typed, decided, stored, told."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from lab import HOUR, START, Lab, lab
from small_world import SmallWorld, Tag, crowd
from structlog.testing import capture_logs

from tagtide.core.desk import DeskState, RightsChannel
from tagtide.errors import Conflict, InvalidInput, NotFound
from tagtide.models import Campaign
from tagtide.ports import DeskSort
from tagtide.services.desk import (
    DeskFilter,
    DeskTarget,
    RequestTyped,
    RightTyped,
    assigning,
    change,
    change_many,
    desk_detail,
    labelling,
    moving,
    noting,
    parse_cursor,
    parse_video,
    undoing,
)
from tagtide.services.desk_reminders import remind, remind_all
from tagtide.services.views.desk import cleared_videos, view_desk, view_desk_video, view_rights

DAY = timedelta(days=1)
CODE = "#s3cret/code+=="
RIGHT = RightTyped(
    channels=("organic,spark",),
    territory="FR",
    expires="30d",
    evidence=("yes", "https://x.example/reply"),
    spark_code=CODE,
    spark_expires="10d",
)
CHANNELS = {
    "channels.crm.kind": "webhook",
    "channels.crm.url": "https://hooks.example.com/hook",
}


def video(number: int) -> str:
    return str(7_000_000_000_000_000_000 + number)


@asynccontextmanager
async def desk(
    database: str = "sqlite://", **options: object
) -> AsyncIterator[tuple[Lab, Campaign]]:
    """A campaign whose collection has brought ten videos."""
    world = SmallWorld(START, tags={"glow": Tag(feed=crowd(START - HOUR, 10))})
    async with lab(world, database=database, **options) as opened:  # type: ignore[arg-type]
        campaign = await opened.add(own=["glow"], timezone="Europe/Paris")
        await opened.collect(campaign)
        yield opened, campaign


def target(number: int, **options: object) -> DeskTarget:
    return DeskTarget(video=video(number), **options)  # type: ignore[arg-type]


async def grant(opened: Lab, number: int, right: RightTyped = RIGHT) -> None:
    outcome = await change(opened.context, target(number), moving("granted", by="ann", right=right))
    assert outcome.is_done, outcome


def test_a_video_from_new_to_revoked(database: str) -> None:
    async def main() -> None:
        async with desk(database) as (opened, campaign):
            context = opened.context
            steps = (
                moving("shortlisted", by="ann"),
                noting("lovely\nlight", by="ann"),
                labelling(["Reel"], [], by="ann"),
                assigning("bob", by="ann"),
                moving("asked", by="bob", request=RequestTyped(), policy=context.desk),
                moving("granted", by="bob", right=RIGHT),
                moving("revoked", by="bob", text="she changed her mind"),
            )
            outcomes = [await change(context, target(1), one) for one in steps]
            assert [o.reason for o in outcomes] == [
                "moved", "noted", "labelled", "assigned", "moved", "moved", "moved",
            ]  # fmt: skip
            assert [o.version for o in outcomes] == [*range(1, 8)]
            view = await view_desk_video(context, target(1))
            assert view.line.state is DeskState.REVOKED
            assert (view.line.assignee, view.line.labels) == ("bob", ("reel",))
            assert [step.number for step in view.history] == [*range(1, 8)]
            assert view.history[1].note == "lovely\nlight"
            assert view.history[4].data["request"].startswith("Hi @user1, we love your video")
            assert not any(one.is_cleared for one in view.clearance)
            undone = await change(context, target(1), undoing(by="ann"))
            assert (undone.reason, undone.state) == ("undone", DeskState.GRANTED)
            cleared = await cleared_videos(context, campaign, RightsChannel.ORGANIC)
            assert [v.video_id for v in cleared] == [video(1)]

    asyncio.run(main())


def test_what_is_cleared_follows_the_clock_and_the_place() -> None:
    async def main() -> None:
        async with desk() as (opened, campaign):
            await grant(opened, 1)
            await grant(opened, 2, RightTyped(channels=("organic",)))

            async def cleared(channel: RightsChannel, territory: str | None = None) -> list[int]:
                found = await cleared_videos(opened.context, campaign, channel, territory)
                return [int(v.video_id) % 1000 for v in found]

            organic, spark = RightsChannel.ORGANIC, RightsChannel.SPARK
            assert await cleared(organic) == [1, 2]
            assert await cleared(organic, "FR") == [1]
            assert await cleared(organic, "DE") == []
            assert await cleared(spark) == [1]
            opened.clock.advance(10 * DAY)
            assert await cleared(spark) == []
            assert await cleared(organic) == [1, 2]
            opened.clock.advance(20 * DAY)
            assert await cleared(organic) == [2]
            view = await view_desk_video(opened.context, target(1))
            assert view.line.state is DeskState.EXPIRED

    asyncio.run(main())


def test_one_bad_video_stops_no_other() -> None:
    async def main() -> None:
        async with desk() as (opened, _):
            await grant(opened, 3)
            targets = [target(1), DeskTarget(video="nonsense"), DeskTarget(video="12"), target(3)]
            targets += [target(2, version=5), target(4)]
            found = await change_many(opened.context, targets, moving("declined", by="ann"))
            assert [(o.is_done, o.reason) for o in found] == [
                (True, "moved"), (False, "invalid_input"), (False, "not_found"),
                (False, "rights_stand"), (False, "conflict"), (True, "moved"),
            ]  # fmt: skip
            assert found[3].message == "Its rights stand: revoke them before it becomes declined."
            assert all(o.message for o in found if not o.is_done)

    asyncio.run(main())


def test_a_person_who_saw_an_older_version_is_told() -> None:
    async def main() -> None:
        async with desk() as (opened, _):
            await change(opened.context, target(1, version=0), moving("shortlisted", by="ann"))
            with pytest.raises(Conflict, match="somebody else"):
                await change(opened.context, target(1, version=0), moving("declined", by="bob"))
            detail = await desk_detail(opened.context, target(1))
            assert (detail.state, len(detail.record.steps)) == (DeskState.SHORTLISTED, 1)

    asyncio.run(main())


def test_a_video_is_named_by_its_id_or_its_page_and_found_in_its_campaign() -> None:
    link = f"https://www.tiktok.com/@user1/video/{video(1)}?lang=en"
    assert parse_video(link) == video(1)
    for wrong in ("", "https://evil.example/@a/video/1", "https://vm.tiktok.com/x", "1 2", "-1"):
        with pytest.raises(InvalidInput):
            parse_video(wrong)

    async def main() -> None:
        async with desk() as (opened, _):
            two = await opened.add("Two", own=["glow"])
            opened.clock.advance(HOUR)
            await opened.collect(two)
            with pytest.raises(NotFound, match="Several") as caught:
                await desk_detail(opened.context, DeskTarget(video=link))
            assert caught.value.hint == "Choose one with --campaign: Spring, Two."
            found = await desk_detail(opened.context, DeskTarget(video=link, campaign="Two"))
            assert found.campaign.name == "Two"
            with pytest.raises(NotFound):
                await desk_detail(opened.context, DeskTarget(video="77"))

    asyncio.run(main())


def test_pages_go_on_where_they_ended() -> None:
    async def main() -> None:
        async with desk() as (opened, _):
            found: list[str] = []
            cursor = None
            while True:
                wanted = DeskFilter(everything=True, limit=3, sort=DeskSort.VIEWS, cursor=cursor)
                view = await view_desk(opened.context, wanted)
                found += [line.video_id for line in view.lines]
                cursor = view.next_cursor
                if cursor is None:
                    break
            assert found == [video(n) for n in range(10, 0, -1)]
            assert view.counts[DeskState.NEW] == 10

    asyncio.run(main())


@pytest.mark.parametrize(
    "text", ["", "x", "MS4y", "!!", "\u2603", "OTk5OTk5OTk5OTk5OTk5OTk5OS4xLjE"]
)
def test_a_cursor_that_is_none_of_ours(text: str) -> None:
    with pytest.raises(InvalidInput):
        parse_cursor(text)


@pytest.mark.parametrize(
    "right",
    [
        RightTyped(expires="30d"),
        RightTyped(channels=("radio",)),
        RightTyped(channels=("organic",), expires="2020-01-01"),
        RightTyped(channels=("spark",), spark_code=CODE),
        RightTyped(channels=("spark",), spark_expires="30d"),
        RightTyped(channels=("organic",), granted="2999-01-01"),
        RightTyped(channels=("organic",), fee="150 EUR", is_paid=False),
        RightTyped(channels=("organic",), evidence_at="2026-03-01"),
    ],
)
def test_a_right_that_cannot_be_is_not_stored(right: RightTyped) -> None:
    async def main() -> None:
        async with desk() as (opened, _):
            with pytest.raises(InvalidInput):
                await change(opened.context, target(1), moving("granted", by="a", right=right))
            assert (await desk_detail(opened.context, target(1))).record.steps == ()

    asyncio.run(main())


def test_a_day_ends_in_the_zone_of_the_campaign() -> None:
    async def main() -> None:
        async with desk() as (opened, _):
            await grant(opened, 1, RightTyped(channels=("organic",), expires="2026-06-30"))
            (right,) = (await desk_detail(opened.context, target(1))).item.rights
            assert right.expires_at is not None
            assert right.expires_at.isoformat() == "2026-06-30T22:00:00+00:00"

    asyncio.run(main())


def test_a_code_shows_only_to_whoever_may_see_it() -> None:
    async def main() -> None:
        async with desk() as (opened, campaign):
            with capture_logs() as logs:
                await grant(opened, 1)
                await change(opened.context, target(1), undoing(by="ann"))
                await grant(opened, 1)
                view = await view_desk(opened.context, DeskFilter(), chosen=target(1))
                rights = await view_rights(opened.context, campaign)
            for shown in (view, rights, logs, RIGHT):
                assert "s3cret" not in repr(shown)
            hidden = [row.right.spark_code for row in rights]
            assert hidden == ["…+=="] * 2
            full = await view_desk_video(opened.context, target(1), may_see_codes=True)
            assert full.rights[-1].spark_code == CODE

    asyncio.run(main())


# --- reminders ------------------------------------------------------------------------------------


async def told(opened: Lab) -> list[dict[str, object]]:
    return [n.payload for n in await opened.store.undelivered() if n.kind == "desk"]


def test_people_are_reminded_once_of_each_thing_and_once_a_day(database: str) -> None:
    async def main() -> None:
        async with desk(database, settings=CHANNELS) as (opened, campaign):
            await grant(opened, 1)
            await change(opened.context, target(2), moving("asked", by="ann"))
            counts = []
            for _ in range(40):
                counts.append(await remind(opened.context, campaign))
                assert await remind(opened.context, campaign) == 0
                opened.clock.advance(DAY)
            # The code ends on day 10, the right on day 30, the request is a week old on day 7.
            days = {day: count for day, count in enumerate(counts) if count}
            assert days == {0: 1, 7: 2, 16: 1, 27: 1}
            messages = await told(opened)
            assert len(messages) == 4
            assert [i["cause"] for m in messages for i in m["items"]] == [  # type: ignore[attr-defined]
                "spark_code_ends", "spark_code_ends", "unanswered", "right_ends", "right_ends",
            ]  # fmt: skip
            assert "s3cret" not in json.dumps(messages)

    asyncio.run(main())


def test_two_processes_tell_it_once(database: str) -> None:
    async def main() -> None:
        async with desk(database, settings=CHANNELS) as (opened, campaign):
            await grant(opened, 1)
            both = (remind(opened.context, campaign) for _ in range(4))
            assert sorted(await asyncio.gather(*both)) == [0, 0, 0, 1]
            assert len(await told(opened)) == 1

    asyncio.run(main())


def test_the_service_waits_for_the_morning_of_the_campaign() -> None:
    async def main() -> None:
        # 07:30 UTC is half past eight in Paris.
        early = START.replace(hour=7, minute=30)
        async with desk(settings=CHANNELS, start=early) as (opened, _):
            await grant(opened, 1)
            assert await remind_all(opened.context) == 0
            opened.clock.advance(HOUR)
            assert await remind_all(opened.context) == 1
            assert await remind_all(opened.context) == 0

    asyncio.run(main())


def test_what_a_longer_right_goes_on_allowing_is_no_news() -> None:
    async def main() -> None:
        async with desk(settings=CHANNELS) as (opened, campaign):
            short = RightTyped(channels=("organic",), expires="10d", territory="FR")
            await grant(opened, 1, short)
            await grant(opened, 2, short)
            await grant(opened, 1, RightTyped(channels=("organic,ads",), territory="world"))
            assert await remind(opened.context, campaign) == 1
            ((message),) = await told(opened)
            assert [i["video_id"] for i in message["items"]] == [video(2)]  # type: ignore[attr-defined]

    asyncio.run(main())


def test_without_a_channel_nothing_counts_as_told() -> None:
    async def main() -> None:
        async with desk() as (opened, campaign):
            await grant(opened, 1)
            assert await remind(opened.context, campaign) == 0
            day = opened.clock.now().date()
            assert not await opened.store.desk_reminded_on(campaign.campaign_id, day)

    asyncio.run(main())
