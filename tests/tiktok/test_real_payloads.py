"""Payloads that TikTok really sent, one per shape: checked values, or a refusal that names keys."""

from __future__ import annotations

import gzip
import json

import pytest

from tagtide.errors import Reason, UnexpectedResponse
from tagtide.models import CounterSource
from tagtide.tiktok import wire

PAGES = {
    "mobile_challenge_aweme_list_2021": (2, "40", True, "6864614389271019977", 4163152, 353011),
    "mobile_music_aweme_list_2021": (2, "56", True, "6901762673178420205", 878424, 131857),
    "web_feed_itemStruct_2021": (10, None, False, "6982106910350590632", 257200, 11400),
    "web_item_list_trending_2020": (30, None, False, "6810264522269705450", 24196909, 729879),
    "web_user_item_list_2020": (25, None, False, "6829267836262618287", 12586053, 2320411),
    "web_share_item_list_2020_authorInfos": (
        30,
        None,
        False,
        "6821608029668222296",
        36322192,
        9285590,
    ),
    "web_share_item_list_2020_music": (30, None, False, "6827884443081887530", 84544919, 9763379),
    "web_scrapfly_posts_2026": (1, None, False, "7198206285781436084", 15000000, 1500000),
    "web_scrapfly_search_2026": (84, None, False, "7555555106715979426", 2600000, 161000),
}
#: Shapes that no endpoint we call can mean: each with a key that the refusal names.
FOREIGN = {
    "creative_center_popular_hashtags_2023": "pagination",
    "web_challenge_search_2020": "challenge",
    "web_discover_hashtags_2020": "cardItem",
    "web_related_hashtags_2020": "extraInfo",
    "web_scrapfly_channel_2026": "createTime",
    "web_user_search_2020": "user",
    "wire_hashtag_2020": "hashtagContent",
}


@pytest.fixture
def payload(shared_data):
    def load(name):
        raw = json.loads((shared_data / "payload_shapes" / f"{name}.json").read_bytes())
        data = raw["data"] if isinstance(raw, dict) and "data" in raw else raw
        body = json.dumps({"data": data, "credits_used": 1, "credits_remaining": 5}).encode()
        return wire.decode_body(body)

    return load


@pytest.mark.parametrize("name", sorted(PAGES))
def test_pages(payload, name):
    count, cursor, has_more, video_id, views, likes = PAGES[name]
    page = wire.decode_video_page(payload(name)).value
    assert (len(page.videos), page.cursor, page.has_more) == (count, cursor, has_more)
    assert page.rejected == ()
    first = page.videos[0]
    assert first.video.video_id == video_id
    assert (first.counters.view_count, first.counters.like_count) == (views, likes)
    for seen in page.videos:
        # The upper bits of an id are the second of its upload, a few days before at most.
        assert seen.video.created_at is not None
        assert (
            abs(seen.video.created_at.timestamp() - (int(seen.video.video_id) >> 32)) < 10 * 86_400
        )
        assert seen.counters.view_count


def test_the_mobile_hashtag(payload):
    totals = wire.decode_hashtag(payload("mobile_challenge_detail_ch_info_2021"), name="olympian")
    assert totals.flags == ()
    assert (totals.value.hashtag_id, totals.value.view_count) == ("2087230", 345523145)
    assert (totals.value.video_count, totals.value.view_source) == (None, CounterSource.CH_INFO)


def test_the_web_hashtag(payload):
    totals = wire.decode_hashtag(payload("web_challenge_detail_2020")).value
    assert (totals.hashtag_id, totals.title) == ("99770", "duett")
    assert (totals.view_count, totals.view_unit) == (37_100_000_000, 100_000_000)
    assert (totals.video_count, totals.view_source) == (None, CounterSource.STATS)


def test_the_web_video(payload):
    seen = wire.decode_video(payload("web_item_detail_2020")).value
    assert (seen.video.video_id, seen.video.duration) == ("6832324355848638929", 6.0)
    assert seen.video.hashtags == ("shutitdown", "fyp", "foryou")
    assert seen.counters.view_count == 1_200_000


def test_the_web_profile(payload):
    document = payload("web_scrapfly_profiles_2026")
    creator = wire.decode_profile({**document, "data": document["data"][0]}).value
    assert (creator.follower_count, creator.video_count) == (4_001_943, 178)


@pytest.mark.parametrize("name", sorted(FOREIGN))
def test_foreign_shapes_are_refused_by_name(payload, name):
    document = payload(name)
    for decode in (
        wire.decode_hashtag,
        wire.decode_video_page,
        wire.decode_video,
        wire.decode_profile,
    ):
        with pytest.raises(UnexpectedResponse) as caught:
            decode(document)
        assert caught.value.reason is Reason.SCHEMA
        assert FOREIGN[name] in caught.value.detail


def test_every_file_is_accounted_for(shared_data):
    named = {
        *PAGES,
        *FOREIGN,
        "mobile_challenge_detail_ch_info_2021",
        "web_challenge_detail_2020",
        "web_item_detail_2020",
        "web_scrapfly_profiles_2026",
    }
    assert {path.stem for path in (shared_data / "payload_shapes").glob("*.json")} == named


def test_every_pull_of_the_mobile_feed(shared_data):
    with gzip.open(shared_data / "mobile_feed" / "feed_pulls.jsonl.gz") as lines:
        pulls = [json.loads(line)["response"] for line in lines]
    seen = [seen for pull in pulls for seen in decoded_pull(pull)]
    assert (len(pulls), len(seen)) == (39, 308)
    assert len({s.video.video_id for s in seen}) == 187
    assert all(s.counters.view_count and s.counters.save_count is not None for s in seen)
    assert all(s.video.creator.username and s.video.creator.sec_uid for s in seen)


def decoded_pull(pull):
    page = wire.decode_video_page(wire.decode_body(json.dumps({"data": pull}).encode()))
    assert page.value.rejected == ()
    assert page.flags == ()
    stated = {item["aweme_id"]: item["statistics"] for item in pull["aweme_list"]}
    for seen in page.value.videos:
        statistics = stated[seen.video.video_id]
        assert seen.counters.view_count == statistics["play_count"]
        assert seen.counters.like_count == statistics["digg_count"]
        assert seen.counters.save_count == statistics["collect_count"]
    return page.value.videos
