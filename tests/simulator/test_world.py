"""The living world: a function of seed and instant, with the story it promises."""

from __future__ import annotations

import statistics
from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from simulator_api import NOW, Api, Serve

from tagtide.simulator import DEMO_COMPETITORS, DEMO_OWN, demo_story, demo_world, make_world
from tagtide.simulator.captions import HOSTILE
from tagtide.simulator.growth import HOURLY, WEEKDAY, activity, display, rhythm
from tagtide.simulator.payloads import FeedForm, TotalsForm
from tagtide.simulator.protocol import ApiCall, Data, Endpoint
from tagtide.simulator.world import World

STORY = demo_story(NOW)


def _bytes(world: World, at: datetime, endpoint: Endpoint, **params: Any) -> bytes:
    answered = world.answer(at, ApiCall(endpoint, params))
    assert isinstance(answered, Data)
    return answered.json


def _some_answers(world: World, at: datetime) -> list[bytes]:
    glow = world.id_of("lumenglow")
    return [
        _bytes(world, at, Endpoint.HASHTAG, hashtag_name="lumenglow"),
        _bytes(world, at, Endpoint.HASHTAG_VIDEOS, hashtag_id=glow, cursor="0", count=30),
        _bytes(world, at, Endpoint.HASHTAG_VIDEOS, hashtag_id=glow, cursor="30", count=30),
        _bytes(
            world, at, Endpoint.SEARCH_VIDEOS, keyword="lumen", cursor="0", count=10,
            sort_type="0", publish_time="7",
        ),
    ]  # fmt: skip


def test_same_seed_and_instant_give_the_same_bytes_in_any_order() -> None:
    instants = [NOW - timedelta(days=n) for n in (3, 0, 8, 1)]
    forward, backward = demo_world(7, NOW), demo_world(7, NOW)
    one = {at: _some_answers(forward, at) for at in instants}
    other = {at: _some_answers(backward, at) for at in sorted(instants, reverse=True)}
    assert one == other
    assert _some_answers(demo_world(8, NOW), NOW) != one[NOW]


def test_counters_never_fall_but_for_deletions_and_stale_reads(world: World) -> None:
    hours = [NOW - timedelta(hours=n) for n in range(24 * 20, 0, -3)]
    totals = [world.totals("lumenglow", at) for at in hours]
    assert all(a.views <= b.views for a, b in pairwise(totals))
    falls = sum(a.videos > b.videos for a, b in pairwise(totals))
    assert falls < len(totals) / 10
    for clip in world.clips("lumenglow", NOW)[::40]:
        views = [clip.views(at.timestamp(), activity(at.timestamp())) for at in hours]
        assert views == sorted(views)


def test_totals_are_what_the_videos_say(world: World) -> None:
    at = NOW.timestamp()
    clips = world.clips("mylumen", NOW)
    totals = world.totals("mylumen", NOW)
    assert totals.videos == sum(clip.deleted_at > at for clip in clips)
    assert totals.views == sum(clip.views(at, activity(at)) for clip in clips)
    assert 0.005 < statistics.mean(clip.deleted_at <= at for clip in clips) < 0.06


def test_stale_reads_happen_at_times(world: World) -> None:
    spans = [NOW - timedelta(minutes=10 * n) for n in range(1, 3_000)]
    stale = sum(world._staleness("lumenglow", at.timestamp()) > 0 for at in spans)
    assert 0.008 < stale / len(spans) < 0.025


def test_the_rhythm_of_day_and_week() -> None:
    assert HOURLY.index(min(HOURLY)) == 7
    assert HOURLY.index(max(HOURLY)) in {18, 19, 20}
    assert (min(HOURLY), max(HOURLY)) == (0.63, 1.31)
    assert statistics.mean(HOURLY) == pytest.approx(1.0, abs=0.005)
    assert max(abs(day - 1) for day in WEEKDAY) <= 0.05
    monday = datetime(2026, 3, 2, 7, tzinfo=UTC).timestamp()
    assert rhythm(monday) == pytest.approx(0.63 * 0.97)
    assert activity(monday + 3_600) - activity(monday) == pytest.approx(rhythm(monday))


def test_new_videos_follow_the_rhythm() -> None:
    world = make_world(3, NOW, hashtags=12, days=20, daily=60, burst_share=0)
    hours = Counter(
        clip.created // 3_600 % 24 for i in range(12) for clip in world.clips(f"tag{i:03d}", NOW)
    )
    mean = sum(hours.values()) / 24
    assert hours[7] + hours[8] < 0.72 * 2 * mean
    assert hours[18] + hours[19] + hours[20] > 1.2 * 3 * mean


def test_ids_hold_the_second_and_lead_back(world: World, demo: Api) -> None:
    clips = [clip for name in DEMO_OWN + DEMO_COMPETITORS for clip in world.clips(name, NOW)]
    ids = {clip.video_id for clip in clips}
    assert len(ids) == len({(clip.stream, clip.video_id) for clip in clips})
    assert all(clip.video_id >> 32 == clip.created for clip in clips)
    clip = next(clip for clip in clips[500:] if clip.deleted_at > NOW.timestamp())
    detail = demo.tiktok("video", video_id=str(clip.video_id)).data["aweme_detail"]
    assert detail["desc"] == world.caption_of(clip)
    author = detail["author"]
    by_name = demo.tiktok("profile", username=author["unique_id"]).data["user"]
    assert by_name == demo.tiktok("profile", sec_user_id=author["sec_uid"]).data["user"]
    assert by_name["follower_count"] > 0
    assert author["follower_count"] == 0


def _feed(api: Api, name: str, pages: int = 25) -> list[dict[str, Any]]:
    hashtag_id, records, cursor = api.id_of(name), [], "0"
    for _ in range(pages):
        page = api.tiktok("hashtag/videos", hashtag_id=hashtag_id, cursor=cursor, count=30).data
        records += page["aweme_list"]
        cursor = str(page["cursor"])
        if not page["has_more"]:
            break
    return records


def test_the_feed_is_ranked_repeats_itself_and_ends(demo: Api, world: World) -> None:
    feed = _feed(demo, "lumenglow")
    ids = [record["aweme_id"] for record in feed]
    assert 400 < len(set(ids)) < len(ids)
    assert len(set(ids)) < world.totals("lumenglow", NOW).videos
    created = [record["create_time"] for record in feed]
    assert created != sorted(created, reverse=True)
    views = [record["statistics"]["play_count"] for record in feed]
    assert views != sorted(views, reverse=True)
    assert statistics.median(views[:60]) > 3 * statistics.median(views[-60:])
    fresh = [at > NOW.timestamp() - 86_400 for at in created]
    assert any(fresh[:90])


def test_the_story_of_the_demo(world: World) -> None:
    at = NOW.timestamp()
    assert all(at - 30 * 86_400 < moment.timestamp() < at for moment in _moments())
    glow = world.clips("lumenglow", NOW)
    views = {clip.video_id: clip.views(at, activity(at)) for clip in glow}
    viral = max(glow, key=lambda clip: views[clip.video_id])
    assert viral.created == int(STORY.viral_posted.timestamp())
    others = [views[clip.video_id] for clip in glow if clip is not viral]
    assert views[viral.video_id] > 10 * statistics.mean(others)
    before = STORY.viral_explodes.timestamp()
    assert viral.views(before, activity(before)) < 20_000

    ring = [clip for clip in glow if clip.ring]
    assert len(ring) == 90
    assert len({clip.author.number for clip in ring}) == 6
    assert all(clip.author.followers <= 25 for clip in ring)
    assert max(clip.likes + clip.comments + clip.shares for clip in ring) < 0.01

    burst = _born(world, "mylumen", STORY.burst, hours=6)
    usual = _born(world, "mylumen", STORY.burst - timedelta(days=1), hours=6)
    assert burst > 200 > 10 * usual
    assert _born(world, "lumenglow", STORY.launch - timedelta(days=9), hours=216) == 0


def _moments() -> list[datetime]:
    return [STORY.launch, STORY.competitor_launch, STORY.viral_posted, STORY.viral_explodes,
            STORY.ring, STORY.burst]  # fmt: skip


def _born(world: World, name: str, since: datetime, *, hours: float) -> int:
    start, end = since.timestamp(), since.timestamp() + hours * 3_600
    return sum(start <= clip.created < end for clip in world.clips(name, NOW))


def test_a_hashtag_is_unknown_before_its_launch(serve: Serve, world: World) -> None:
    api = serve(world, at=STORY.launch - timedelta(hours=1))
    assert api.tiktok("hashtag", hashtag_name="lumenglow").data["challengeInfo"] == {}
    assert api.tiktok("hashtag", hashtag_name="velvaskin").data["challengeInfo"]


def test_captions_are_of_many_languages_and_some_attack(world: World) -> None:
    clips = [clip for name in DEMO_OWN for clip in world.clips(name, NOW)]
    assert len({clip.author.language for clip in clips}) >= 8
    hostile = [world.caption_of(clip) for clip in clips if clip.is_hostile]
    assert len(hostile) >= 20
    for mark in ("=HYPERLINK", "<script>", "<!channel>", "\u202e", "\u200b"):
        assert any(mark in text for text in HOSTILE)
    assert sum(any(mark in text for mark in ("=HY", "<script>", "\u202e")) for text in hostile) > 0


def test_search_finds_mentions_without_a_hashtag(demo: Api) -> None:
    found = []
    for cursor in range(0, 600, 30):
        page = demo.tiktok("search/videos", keyword="Lumen", cursor=str(cursor), count=30).data
        found += [item["aweme_info"] for item in page["search_item_list"]]
    assert any(record["cha_list"] is None for record in found)
    day = demo.tiktok("search/videos", keyword="lumen", publish_time="1", count=30).data
    oldest = min(item["aweme_info"]["create_time"] for item in day["search_item_list"])
    assert oldest >= NOW.timestamp() - 86_400
    liked = demo.tiktok("search/videos", keyword="lumen", sort_type="1", count=30).data
    likes = [item["aweme_info"]["statistics"]["digg_count"] for item in liked["search_item_list"]]
    assert likes == sorted(likes, reverse=True)
    assert demo.tiktok("search/videos", keyword="nothing").data["search_item_list"] == []


@pytest.mark.parametrize(("size", "low", "high"), [(6_600, 180, 220), (77_000, 2_100, 2_400)])
def test_pages_can_have_the_weight_of_real_ones(size: int, low: int, high: int) -> None:
    world = make_world(1, NOW, hashtags=1, daily=20, record_bytes=size)
    page = _bytes(
        world, NOW, Endpoint.HASHTAG_VIDEOS, hashtag_id=world.id_of("tag000"), cursor="0", count=30
    )
    assert low < len(page) / 1_000 < high


def test_every_form_of_totals_and_the_web_leg(serve: Serve) -> None:
    forms = {f"tag00{i}": form for i, form in enumerate(TotalsForm)}
    world = make_world(1, NOW, hashtags=5, forms=forms, feed_form=FeedForm.WEB)
    api = serve(world)
    got = {form: api.tiktok("hashtag", hashtag_name=name).data for name, form in forms.items()}
    assert "statsV2" in got[TotalsForm.EXACT]["challengeInfo"]
    assert set(got[TotalsForm.ROUNDED]["challengeInfo"]) == {"challenge", "stats"}
    assert got[TotalsForm.INSIDE]["challengeInfo"]["challenge"]["stats"]["videoCount"] == 0
    assert got[TotalsForm.MOBILE]["ch_info"]["cha_name"] == "tag003"
    page = api.tiktok("hashtag/videos", hashtag_id=world.id_of("tag000"), count=3).data
    item = page["itemList"][0]
    assert isinstance(page["cursor"], str)
    assert item["stats"]["playCount"] == display(int(item["statsV2"]["playCount"]))
    assert item["authorStats"]["followerCount"] > 0


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0, 0), (9_999, 9_999), (10_050, 10_000), (861_549, 861_500), (1_099_999, 1_000_000),
        (13_349_999, 13_300_000), (999_999_999, 999_900_000), (9_349_999_999, 9_300_000_000),
    ],
)  # fmt: skip
def test_display_rounding(value: int, shown: int) -> None:
    assert display(value) == shown
