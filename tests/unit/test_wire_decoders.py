"""Documents to models over every shape, with payloads written for these tests."""

from __future__ import annotations

from copy import deepcopy
from datetime import UTC, datetime

import pytest

from tagtide.errors import Charge, ItemNotFound, Reason, UnexpectedResponse
from tagtide.models import CounterSource
from tagtide.tiktok import wire

ENVELOPE = {"response_time": 12, "credits_used": 1, "credits_remaining": 41}
V2, STATS = CounterSource.STATS_V2, CounterSource.STATS
IN_CHALLENGE, CH_INFO = CounterSource.CHALLENGE_STATS, CounterSource.CH_INFO


def answer(data):
    return {"data": deepcopy(data), **ENVELOPE}


def hashtag(**info):
    return answer({"challengeInfo": {"challenge": {"id": "77", "title": "Tidal"}, **info}})


# --- hashtags: (document, views, source, unit, videos, source, unit) ------------------------------

EXACT = {"videoCount": "5943247", "viewCount": "39051006459"}
ROUNDED = {"videoCount": 0, "viewCount": 39100000000}
STEP = 100_000_000

TOTALS = {
    "both": (hashtag(stats=ROUNDED, statsV2=EXACT), 39051006459, V2, 1, 5943247, V2, 1),
    "only stats": (hashtag(stats=ROUNDED), 39100000000, STATS, STEP, None, None, 1),
    "statsV2 null": (hashtag(statsV2=None, stats=ROUNDED), 39100000000, STATS, STEP, None, None, 1),
    "v2 videos 0": (
        hashtag(statsV2={"videoCount": "0", "viewCount": "12"}, stats={"videoCount": 41_000}),
        12,
        V2,
        1,
        41_000,
        STATS,
        100,
    ),
    "in the challenge": (
        answer(
            {
                "challengeInfo": {
                    "challenge": {"id": "1", "title": "t", "stats": {"viewCount": 861_500}}
                }
            }
        ),
        861_500,
        IN_CHALLENGE,
        100,
        None,
        None,
        1,
    ),
    "mobile": (
        answer(
            {"ch_info": {"cid": "9", "cha_name": "n", "user_count": 95, "view_count": 345523145}}
        ),
        345523145,
        CH_INFO,
        1,
        None,
        None,
        1,
    ),
    "mobile with use_count": (
        answer(
            {"ch_info": {"cid": "9", "cha_name": "n", "use_count": 9572, "view_count": 3_400_000}}
        ),
        3_400_000,
        CH_INFO,
        100_000,
        9572,
        CH_INFO,
        1,
    ),
    "nothing watched yet": (
        hashtag(statsV2={"videoCount": "2", "viewCount": "0"}),
        0,
        V2,
        1,
        2,
        V2,
        1,
    ),
    "zeros say nothing": (
        hashtag(statsV2={"videoCount": "0", "viewCount": "0"}, stats=None),
        None,
        None,
        1,
        None,
        None,
        1,
    ),
    "nulls": (hashtag(stats={"videoCount": None, "viewCount": None}), None, None, 1, None, None, 1),
    "counters null": (hashtag(stats=None), None, None, 1, None, None, 1),
}


@pytest.mark.parametrize("name", sorted(TOTALS))
def test_totals(name):
    document, *expected = TOTALS[name]
    decoded = wire.decode_hashtag(document)
    t = decoded.value
    assert [
        t.view_count,
        t.view_source,
        t.view_unit,
        t.video_count,
        t.video_source,
        t.video_unit,
    ] == expected
    assert (decoded.credits_used, decoded.credits_remaining) == (1, 41)


BAD_COUNTERS = [
    (-5, "negative"),
    ("-5", "negative"),
    (-1_844_967_296, "negative"),
    (True, "not_a_count"),
    (1.0, "not_a_count"),
    ("1.0", "not_a_count"),
    (" 12 ", "not_a_count"),
    ("1_000", "not_a_count"),
    ("12\n", "not_a_count"),
    ("٣", "not_a_count"),
    ("44.5M", "not_a_count"),
    ("", "not_a_count"),
    ([], "not_a_count"),
    ({}, "not_a_count"),
    (2**63, "too_large"),
    ("9" * 39, "too_large"),
    (10**900, "too_large"),
]


@pytest.mark.parametrize(("value", "problem"), BAD_COUNTERS)
def test_a_bad_counter_is_unknown_and_flagged(value, problem):
    decoded = wire.decode_hashtag(hashtag(statsV2={"viewCount": value, "videoCount": "3"}))
    assert decoded.value.view_count is None
    assert decoded.flags == (f"view_count:{problem}",)


def test_a_bad_counter_falls_to_the_next_place():
    decoded = wire.decode_hashtag(hashtag(statsV2={"viewCount": -1}, stats={"viewCount": 900}))
    assert (decoded.value.view_count, decoded.value.view_source) == (900, STATS)
    assert decoded.flags == ("view_count:negative",)


@pytest.mark.parametrize("stats", [None, {"viewCount": None}, {"videoCount": 5}])
def test_unknown_views_are_flagged(stats):
    assert "view_count:missing" in wire.decode_hashtag(hashtag(stats=stats)).flags


def test_a_zero_is_flagged():
    assert "view_count:zero" in wire.decode_hashtag(hashtag(stats={"viewCount": 0})).flags


@pytest.mark.parametrize(
    ("asked", "flags"),
    [("tidal", ()), ("TIDAL", ()), ("#Tidal", ()), ("tide", ("title_differs",)), (None, ())],
)
def test_another_title_is_flagged(asked, flags):
    document = hashtag(statsV2=EXACT)
    assert wire.decode_hashtag(document, name=asked).flags == flags


def test_another_id_is_flagged():
    document = hashtag(statsV2=EXACT)
    assert wire.decode_hashtag(document, hashtag_id="77").flags == ()
    assert wire.decode_hashtag(document, hashtag_id="78").flags == ("id_differs",)


NOT_FOUND = [
    {},
    {"challengeInfo": {}},
    {"challengeInfo": None},
    {"challengeInfo": {}, "statusCode": 10205},
    {"statusCode": 10205},
    {"challengeInfo": {"challenge": {}}},
    {"challengeInfo": {"challenge": {"id": "", "title": ""}, "stats": {"viewCount": 0}}},
    {"ch_info": None, "status_code": 0},
]


@pytest.mark.parametrize("data", NOT_FOUND)
@pytest.mark.parametrize(
    ("used", "charge"),
    [(1, Charge.CHARGED), (0, Charge.NOT_CHARGED), (None, Charge.UNKNOWN), ("?", Charge.UNKNOWN)],
)
def test_an_answer_that_names_no_hashtag(data, used, charge):
    with pytest.raises(ItemNotFound) as caught:
        wire.decode_hashtag({**answer(data), "credits_used": used})
    assert caught.value.charge is charge
    assert caught.value.credits_remaining == 41


SCHEMA_HASHTAGS = {
    "no data": {"error": "x"},
    "null data": {"data": None},
    "text": {"data": "ok"},
    "list": answer([{"challenge": {"id": "1"}, "stats": {}}]),
    "renamed": answer({"challenge_info": {"id": "1"}}),
    "no counters": hashtag(),
    "renamed counters": hashtag(stats={"views": 5}),
    "bad id": answer(
        {"challengeInfo": {"challenge": {"id": "x1", "title": "t"}, "stats": ROUNDED}}
    ),
    "float id": answer(
        {"challengeInfo": {"challenge": {"id": 1.5, "title": "t"}, "stats": ROUNDED}}
    ),
}


@pytest.mark.parametrize("name", sorted(SCHEMA_HASHTAGS))
def test_an_unknown_format_names_what_it_holds(name):
    with pytest.raises(UnexpectedResponse) as caught:
        wire.decode_hashtag(SCHEMA_HASHTAGS[name])
    assert (caught.value.reason, caught.value.charge) == (Reason.SCHEMA, Charge.CHARGED)
    assert caught.value.detail


def test_unknown_keys_are_named_and_harmless():
    with pytest.raises(UnexpectedResponse) as caught:
        wire.decode_hashtag(answer({"cha\x1b[31m": 1, "neu": 2, "\ud800": 3}))
    assert "neu" in caught.value.detail
    assert caught.value.detail.isascii()
    assert caught.value.detail.isprintable()


def test_a_refusal_of_upstream_is_not_a_missing_hashtag():
    with pytest.raises(UnexpectedResponse) as caught:
        wire.decode_hashtag(answer({"statusCode": 10000, "verifyConfig": {}}))
    assert caught.value.reason is Reason.UPSTREAM


@pytest.mark.parametrize("code", [[], {}, "10205", True, None, 1.5])
def test_a_status_code_may_be_anything(code):
    for data in ({"challengeInfo": {}, "statusCode": code}, {"ch_info": None, "status_code": code}):
        with pytest.raises(ItemNotFound):
            wire.decode_hashtag(answer(data))
    assert wire.decode_video_page(answer({"itemList": [], "statusCode": code})).value.videos == ()


# --- videos ---------------------------------------------------------------------------------------

APP = {
    "aweme_id": "7350810998023949599",
    "desc": "Low tide #Tidal #SEA",
    "create_time": 1711494099,
    "region": "FR",
    "is_ads": False,
    "author": {
        "uid": "5",
        "unique_id": "a.tide_1",
        "nickname": "Ada\u0007 T",
        "sec_uid": "MS4wLjABx",
        "follower_count": 0,
        "aweme_count": 0,
        "custom_verify": "",
        "enterprise_verify_reason": "",
    },
    "statistics": {
        "play_count": 4163152,
        "digg_count": 353011,
        "comment_count": 1269,
        "share_count": 725,
        "collect_count": 20431,
    },
    "text_extra": [
        {"type": 0, "user_id": "66", "sec_uid": "x"},
        {"type": 1, "hashtag_name": "Tidal", "hashtag_id": "77"},
        {"type": 1, "hashtag_name": "SEA"},
    ],
    "cha_list": None,
    "music": {"id": 6835837996332222466, "id_str": "6835837996332222466"},
    "video": {"duration": 28652},
}
WEB = {
    "id": "7350810998023949599",
    "desc": "Low tide #Tidal #SEA",
    "createTime": "1711494099",
    "locationCreated": "FR",
    "isAd": False,
    "author": {
        "id": "5",
        "uniqueId": "a.tide_1",
        "nickname": "Ada T",
        "secUid": "MS4wLjABx",
        "verified": False,
    },
    "authorStats": {"followerCount": 26400, "videoCount": 629},
    "stats": {"playCount": 4200000, "diggCount": 353000, "commentCount": 1269, "shareCount": 725},
    "statsV2": {
        "playCount": "4163152",
        "diggCount": "353011",
        "commentCount": "1269",
        "shareCount": "725",
        "collectCount": "20431",
    },
    "challenges": [{"id": "77", "title": "tidal"}],
    "textExtra": [{"type": 1, "hashtagName": "tidal"}, {"hashtagName": "sea"}],
    "music": {"id": "6835837996332222466"},
    "video": {"duration": 28},
}
OLD_WEB = {
    "itemInfos": {
        "id": "7350810998023949599",
        "text": "Low tide #Tidal #SEA",
        "createTime": "1711494099",
        "playCount": 4163152,
        "diggCount": 353011,
        "commentCount": 1269,
        "shareCount": 725,
        "musicId": "6835837996332222466",
        "video": {"videoMeta": {"duration": 28}},
    },
    "authorInfos": {
        "userId": "5",
        "uniqueId": "a.tide_1",
        "nickName": "Ada T",
        "secUid": "MS4wLjABx",
        "verified": False,
    },
    "authorStats": {"followerCount": 26400, "videoCount": 629},
    "textExtra": [{"HashtagName": "tidal", "Type": 1}, {"HashtagName": "", "Type": 0}],
    "challengeInfoList": [{"challengeName": "SEA"}],
}

PAGES = {
    "app": ({"aweme_list": [APP], "cursor": 20, "has_more": 1}, "20", True),
    "app, last": ({"aweme_list": [APP], "cursor": "40", "has_more": 0}, "40", False),
    "app search": ({"search_item_list": [{"aweme_info": APP}], "cursor": 12}, "12", False),
    "posts": (
        {"aweme_list": [APP], "max_cursor": 1711494099000, "has_more": True},
        "1711494099000",
        True,
    ),
    "web": ({"itemList": [WEB], "cursor": "93", "hasMore": True}, "93", True),
    "web search": ([{"type": 1, "item": WEB}], None, False),
    "bare list": ([WEB], None, False),
    "old web": ([OLD_WEB], None, False),
}


@pytest.mark.parametrize("name", sorted(PAGES))
def test_the_same_video_in_every_shape(name):
    data, cursor, has_more = PAGES[name]
    page = wire.decode_video_page(answer(data)).value
    assert (page.cursor, page.has_more, page.rejected) == (cursor, has_more, ())
    (seen,) = page.videos
    video, counters = seen.video, seen.counters
    assert video.video_id == "7350810998023949599"
    assert video.creator.creator_key == "MS4wLjABx"
    assert (video.creator.uid, video.creator.username) == ("5", "a.tide_1")
    assert video.creator.nickname == "Ada T"
    assert video.creator.verified is False
    assert video.caption == "Low tide #Tidal #SEA"
    assert video.created_at == datetime.fromtimestamp(1711494099, UTC)
    assert video.duration == pytest.approx(28, abs=0.7)
    assert video.hashtags == ("tidal", "sea")
    assert video.music_id == "6835837996332222466"
    assert (counters.view_count, counters.like_count) == (4163152, 353011)
    assert (counters.comment_count, counters.share_count) == (1269, 725)
    assert counters.save_count == (None if name == "old web" else 20431)


def test_a_feed_does_not_know_followers_of_0():
    (seen,) = wire.decode_video_page(answer({"aweme_list": [APP]})).value.videos
    assert (seen.video.creator.follower_count, seen.video.creator.video_count) == (None, None)
    (seen,) = wire.decode_video_page(answer({"itemList": [WEB]})).value.videos
    assert (seen.video.creator.follower_count, seen.video.creator.video_count) == (26400, 629)


def test_one_place_gives_all_counters():
    web = {**WEB, "statsV2": {"playCount": "x", "diggCount": "9"}}
    decoded = wire.decode_video_page(answer({"itemList": [web]}))
    counters = decoded.value.videos[0].counters
    assert (counters.view_count, counters.like_count, counters.source) == (4200000, 353000, STATS)
    assert decoded.flags == ("view_count:not_a_count",)


def edited(**changes):
    return {**deepcopy(APP), **changes}


REJECTED = {
    "not a record": 5,
    "null": None,
    "empty": {},
    "no id": edited(aweme_id=None),
    "float id": edited(aweme_id=7.3e18),
    "long id": edited(aweme_id="1" * 33),
    "no author": edited(author=None),
    "nameless author": edited(author={"nickname": "x"}),
    "no counters": {k: v for k, v in APP.items() if k != "statistics"},
    "renamed counters": edited(statistics={"plays": 1}),
}


@pytest.mark.parametrize("name", sorted(REJECTED))
def test_a_bad_record_is_named_and_the_others_are_kept(name):
    page = wire.decode_video_page(
        answer({"aweme_list": [REJECTED[name], APP], "has_more": 1})
    ).value
    assert len(page.videos) == 1
    (reason,) = page.rejected
    assert reason.startswith("record 0: no ")


@pytest.mark.parametrize("name", sorted(REJECTED))
def test_a_page_without_one_readable_record_is_another_format(name):
    with pytest.raises(UnexpectedResponse) as caught:
        wire.decode_video_page(answer({"aweme_list": [REJECTED[name]]}))
    assert caught.value.reason is Reason.SCHEMA


@pytest.mark.parametrize("records", [None, []])
@pytest.mark.parametrize("name", ["aweme_list", "search_item_list", "itemList"])
def test_a_known_list_without_entries_is_an_empty_page(name, records):
    page = wire.decode_video_page(answer({name: records, "has_more": 0, "cursor": 40})).value
    assert (page.videos, page.has_more, page.cursor) == ((), False, "40")


SCHEMA_PAGES = [{}, {"videos": []}, {"aweme_list": "x"}, {"aweme_list": {"a": 1}}, {"itemList": 0}]


@pytest.mark.parametrize("data", SCHEMA_PAGES)
def test_a_page_without_a_known_list(data):
    with pytest.raises(UnexpectedResponse) as caught:
        wire.decode_video_page(answer(data))
    assert caught.value.reason is Reason.SCHEMA


def test_an_empty_page_with_a_refusal_of_upstream_is_no_empty_page():
    with pytest.raises(UnexpectedResponse) as caught:
        wire.decode_video_page(answer({"itemList": [], "statusCode": 10000}))
    assert caught.value.reason is Reason.UPSTREAM
    with pytest.raises(ItemNotFound):
        wire.decode_video_page(answer({"itemList": None, "statusCode": 10205}))


def test_more_than_1000_entries_are_refused():
    with pytest.raises(UnexpectedResponse) as caught:
        wire.decode_video_page(answer({"aweme_list": [APP] * 1_001}))
    assert caught.value.reason is Reason.OVERSIZE


def test_a_repeated_video_is_kept_once():
    decoded = wire.decode_video_page(answer({"aweme_list": [APP, APP]}))
    assert len(decoded.value.videos) == 1
    assert decoded.flags == ("video:repeated",)


FACTS = [
    ({"create_time": 0}, "created_at", datetime(2024, 3, 26, 23, 0, 56, tzinfo=UTC)),
    ({"create_time": "soon"}, "created_at", datetime(2024, 3, 26, 23, 0, 56, tzinfo=UTC)),
    ({"create_time": 10**30}, "created_at", datetime(2024, 3, 26, 23, 0, 56, tzinfo=UTC)),
    ({"aweme_id": "12", "create_time": None}, "created_at", None),
    ({"video": {"duration": 0}}, "duration", None),
    ({"video": {"duration": True}}, "duration", None),
    ({"video": {"duration": float("inf")}}, "duration", None),
    ({"video": None}, "duration", None),
    ({"image_post_info": {"images": [1]}}, "is_photo", True),
    ({"image_post_info": None}, "is_photo", False),
    ({"is_ads": None}, "is_ad", None),
    ({"is_ads": 1}, "is_ad", True),
    ({"desc": None}, "caption", ""),
    ({"desc": "a\x00b\x1b[31m\r\n\tc\x9b"}, "caption", "ab[31m\n\tc"),
    ({"desc": "a\ud800b"}, "caption", "a\ufffdb"),
    ({"desc": "x" * 9_000}, "caption", "x" * 4_000),
    ({"music": {"id": 7}}, "music_id", "7"),
    ({"music": None}, "music_id", None),
    ({"region": "FR\u0000\n"}, "region", "FR"),
    ({"aweme_id": 7350810998023949599}, "video_id", "7350810998023949599"),
    (
        {"text_extra": [{"hashtag_name": "E\u0301TE\u0301"}, {"hashtag_name": "été"}]},
        "hashtags",
        ("été",),
    ),
    (
        {"text_extra": [{"hashtag_name": "STRASSE"}, {"hashtag_name": "straße"}]},
        "hashtags",
        ("strasse",),
    ),
    ({"text_extra": [{"hashtag_name": 5}, None, 7, {"hashtag_name": "a b"}]}, "hashtags", ()),
    ({"text_extra": "x", "cha_list": [{"cid": "1", "cha_name": "Sea"}]}, "hashtags", ("sea",)),
]


@pytest.mark.parametrize(("changes", "field", "expected"), FACTS)
def test_facts_of_a_video(changes, field, expected):
    seen = wire.decode_video(answer({"aweme_detail": edited(**changes)})).value
    assert getattr(seen.video, field) == expected


def test_views_of_0_beside_likes_are_unknown():
    decoded = wire.decode_video(
        answer({"aweme_detail": edited(statistics={"play_count": 0, "digg_count": 5})})
    )
    assert decoded.value.counters.view_count is None
    assert decoded.flags == ("view_count:zero",)
    assert decoded.value.counters.engagement is None


def test_a_video_that_nobody_has_seen_has_0_views():
    zeros = dict.fromkeys(APP["statistics"], 0)
    decoded = wire.decode_video(answer({"aweme_detail": edited(statistics=zeros)}))
    assert decoded.value.counters.view_count == 0
    assert decoded.value.counters.engagement_rate is None


def test_null_counters_are_unknown():
    decoded = wire.decode_video(answer({"aweme_detail": edited(statistics=None)}))
    assert decoded.value.counters.view_count is None
    assert decoded.flags == ("view_count:missing",)


@pytest.mark.parametrize(
    "handle", ["a/b", "<b>", "a b", "", None, 5, "x" * 65, "a\u202eb", "?q", "a\n"]
)
def test_a_handle_that_is_none_is_unknown(handle):
    author = {**APP["author"], "unique_id": handle}
    seen = wire.decode_video(answer({"aweme_detail": edited(author=author)})).value
    assert seen.video.creator.username is None
    assert seen.video.url == "https://www.tiktok.com/@_/video/7350810998023949599"


def test_the_url_is_never_the_payloads():
    record = edited(share_url="https://evil.example/x")
    seen = wire.decode_video(answer({"aweme_detail": record})).value
    assert seen.video.url == "https://www.tiktok.com/@a.tide_1/video/7350810998023949599"


def test_one_video_of_the_web():
    seen = wire.decode_video(answer({"itemInfo": {"itemStruct": WEB}})).value
    assert (seen.counters.view_count, seen.counters.source) == (4163152, V2)


@pytest.mark.parametrize(
    "data", [{}, {"aweme_detail": None}, {"itemInfo": {}}, {"itemInfo": {}, "statusCode": 10204}]
)
def test_no_such_video(data):
    with pytest.raises(ItemNotFound):
        wire.decode_video(answer(data))


@pytest.mark.parametrize("data", [[], [APP], {"video": APP}, {"aweme_detail": {"x": 1}}])
def test_a_video_in_an_unknown_format(data):
    with pytest.raises(UnexpectedResponse) as caught:
        wire.decode_video(answer(data))
    assert caught.value.reason is Reason.SCHEMA


# --- profiles and usage ---------------------------------------------------------------------------

USER = {
    "unique_id": "tide",
    "nickname": "The Tide",
    "sec_uid": "MS4x",
    "uid": "107955",
    "follower_count": 94066595,
    "aweme_count": 1511,
    "total_favorited": 458010199,
}


def test_a_profile_of_the_app():
    creator = wire.decode_profile(answer({"user": USER})).value
    assert (creator.creator_key, creator.username, creator.uid) == ("MS4x", "tide", "107955")
    assert (creator.follower_count, creator.video_count) == (94066595, 1511)
    assert creator.verified is None


def test_a_profile_of_the_web():
    user = {"id": "5", "uniqueId": "tide", "secUid": "MS4x", "verified": True}
    stats = {"followerCount": 4000000, "videoCount": 178, "heartCount": 77}
    exact = {"followerCount": "4001943", "videoCount": "178"}
    for data in (
        {"userInfo": {"user": user, "stats": stats, "statsV2": exact}},
        {"user": user, "stats": stats, "statsV2": exact},
    ):
        creator = wire.decode_profile(answer(data)).value
        assert (creator.follower_count, creator.video_count) == (4001943, 178)
        assert creator.verified is True


@pytest.mark.parametrize(
    ("changes", "followers"),
    [
        ({"follower_count": 0}, None),
        ({"follower_count": 0, "total_favorited": 0}, 0),
        ({"follower_count": 0, "total_favorited": 0, "aweme_count": 0}, None),
        ({"follower_count": -1}, None),
        ({"follower_count": None}, None),
    ],
)
def test_followers_that_cannot_be_believed(changes, followers):
    assert (
        wire.decode_profile(answer({"user": {**USER, **changes}})).value.follower_count == followers
    )


@pytest.mark.parametrize(
    "data", [{}, {"user": None}, {"user": {}}, {"userInfo": {}, "statusCode": 10221}]
)
def test_no_such_user(data):
    with pytest.raises(ItemNotFound):
        wire.decode_profile(answer(data))


@pytest.mark.parametrize("data", [[], {"users": 1}, {"user": {"nickname": "x"}}])
def test_a_profile_in_an_unknown_format(data):
    with pytest.raises(UnexpectedResponse):
        wire.decode_profile(answer(data))


def test_usage():
    usage = wire.decode_usage(
        {
            "plan": "project",
            "credit_balance": 6540,
            "searches_used": 460,
            "period_start": "2026-11-01T00:00:00Z",
            "auto_recharge": {"enabled": False},
        }
    )
    assert (usage.plan, usage.credit_balance, usage.searches_used) == ("project", 6540, 460)
    assert usage.period_start == datetime(2026, 11, 1, tzinfo=UTC)
    assert wire.decode_usage({"credit_balance": 0, "period_start": "never"}).period_start is None
    with pytest.raises(UnexpectedResponse):
        wire.decode_usage({"error": "x"})
