"""Whatever an answer holds, decoding ends in an answer or in a `SourceError`, and invents no zero.

Real shapes are mutated where they are read: other types, huge and negative numbers, nulls,
missing and renamed keys, other nesting, on both of upstream's interfaces.
"""

from __future__ import annotations

import json
import random
from copy import deepcopy
from functools import partial

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tagtide.errors import SourceError
from tagtide.models import Creator, HashtagTotals, VideoPage, VideoSeen
from tagtide.tiktok import wire

APP = {
    "aweme_id": "7350810998023949599",
    "desc": "Low tide #Tidal",
    "create_time": 1711494099,
    "is_ads": False,
    "author": {"uid": "5", "unique_id": "tide", "sec_uid": "MS4x", "follower_count": 7},
    "statistics": {
        "play_count": 41,
        "digg_count": 31,
        "comment_count": 21,
        "share_count": 11,
        "collect_count": 1,
    },
    "text_extra": [{"type": 1, "hashtag_name": "Tidal"}],
    "music": {"id_str": "683"},
    "video": {"duration": 28652},
}
WEB = {
    "id": "7350810998023949599",
    "desc": "Low tide",
    "createTime": "1711494099",
    "author": {"id": "5", "uniqueId": "tide", "secUid": "MS4x", "verified": False},
    "authorStats": {"followerCount": 7, "videoCount": 3},
    "stats": {"playCount": 41, "diggCount": 31, "commentCount": 21, "shareCount": 11},
    "statsV2": {"playCount": "41", "diggCount": "31", "commentCount": "21", "shareCount": "11"},
    "textExtra": [{"hashtagName": "tidal"}],
    "challenges": [{"title": "tidal"}],
    "video": {"duration": 28},
}
OLD = {
    "itemInfos": {"id": "7350810998023949599", "text": "x", "playCount": 41, "diggCount": 31},
    "authorInfos": {"userId": "5", "uniqueId": "tide", "secUid": "MS4x"},
    "challengeInfoList": [{"challengeName": "tidal"}],
}
INFO = {
    "challenge": {"id": "77", "title": "tidal", "stats": {"videoCount": 9, "viewCount": 99}},
    "stats": {"videoCount": 9, "viewCount": 99},
    "statsV2": {"videoCount": "9", "viewCount": "99"},
}
USER = {"unique_id": "tide", "sec_uid": "MS4x", "uid": "5", "follower_count": 7, "aweme_count": 2}

page = partial(wire.decode_video_page, endpoint="hashtag_videos")
SHAPES = [
    (wire.decode_hashtag, {"challengeInfo": INFO}),
    (wire.decode_hashtag, {"ch_info": {"cid": "77", "cha_name": "t", "view_count": 99}}),
    (page, {"aweme_list": [APP, APP], "cursor": 20, "has_more": 1}),
    (page, {"search_item_list": [{"aweme_info": APP}], "cursor": "20", "has_more": 1}),
    (page, {"itemList": [WEB], "cursor": "93", "hasMore": True}),
    (page, [WEB, OLD]),
    (wire.decode_video, {"aweme_detail": APP}),
    (wire.decode_video, {"itemInfo": {"itemStruct": WEB}}),
    (wire.decode_profile, {"user": USER}),
    (wire.decode_profile, {"userInfo": {"user": WEB["author"], "stats": WEB["authorStats"]}}),
]

SCALARS = [
    None,
    True,
    False,
    0,
    1,
    -1,
    -1_844_967_296,
    2**31,
    2**63 - 1,
    2**63,
    10**40,
    10**400,
    0.0,
    1.5,
    1e308,
    "",
    "0",
    "1",
    "-1",
    "12.5",
    "1_000",
    " 12 ",
    "٣",
    "NaN",
    "44.5M",
    "9" * 400,
    "a\ud800b",
    "\x00\x1b[31m\u202e",
    "x" * 5_000,
    [],
    {},
    [[]],
    [None],
    [5, "x", {}, []],
    {"": None},
    {"id": {}},
    {"\ud800": 1},
]


def places(node, path=()):
    """Every place inside a payload, the payload itself included."""
    yield path
    if isinstance(node, dict | list):
        entries = node.items() if isinstance(node, dict) else enumerate(node)
        for key, value in entries:
            yield from places(value, (*path, key))


def mutated(payload, chance):
    path = chance.choice(list(places(payload)))
    if not path:
        return chance.choice([*SCALARS, {"data": payload}, [payload]])
    holder = payload
    for key in path[:-1]:
        holder = holder[key]
    key = path[-1]
    action = chance.choice(("replace", "replace", "null", "drop", "rename", "wrap", "swap"))
    if action == "drop":
        del holder[key]
    elif action == "rename" and isinstance(holder, dict):
        holder[chance.choice(("renamed", "stats", "id", "statsV2"))] = holder.pop(key)
    elif action == "wrap":
        holder[key] = chance.choice(([holder[key]], {"x": holder[key]}, [holder[key]] * 3))
    elif action == "swap" and type(holder[key]) in {int, str}:
        value = holder[key]
        holder[key] = str(value) if type(value) is int else int(value) if value.isdigit() else 7
    else:
        holder[key] = None if action == "null" else deepcopy(chance.choice(SCALARS))
    return payload


def counters_of(value):
    """(stated counter, names) of everything in a decoded value."""
    if isinstance(value, HashtagTotals):
        return [value.view_count, value.video_count]
    if isinstance(value, Creator):
        return [value.follower_count, value.video_count]
    videos = value.videos if isinstance(value, VideoPage) else (value,)
    assert all(isinstance(seen, VideoSeen) for seen in videos)
    return [
        number
        for seen in videos
        for number in (
            seen.counters.view_count,
            seen.counters.like_count,
            seen.counters.comment_count,
            seen.counters.share_count,
            seen.counters.save_count,
            seen.video.creator.follower_count,
        )
    ]


def holds_zero(node):
    if isinstance(node, dict):
        return any(holds_zero(value) for value in node.values())
    if isinstance(node, list):
        return any(holds_zero(value) for value in node)
    return (type(node) is int and node == 0) or node == "0"


def outcome(decode, document):
    try:
        return decode(document)
    except SourceError as error:
        return error


#: Mutated answers per example: hypothesis' own work for one costs more than four of them.
PER_EXAMPLE = 4


def check(shape, seed):
    for number in range(PER_EXAMPLE):
        check_one(shape, random.Random(PER_EXAMPLE * seed + number))


def check_one(shape, chance):
    decode, payload = SHAPES[shape]
    payload = deepcopy(payload)
    for _ in range(chance.choice((1, 1, 2, 3, 6))):
        payload = mutated(payload, chance)
    used = chance.choice((1, 0, None, True, "1", -1, 10**50))
    body = json.dumps({"data": payload, "credits_used": used}).encode()
    document = wire.decode_body(body)
    answer = outcome(decode, document)
    if isinstance(answer, SourceError):
        assert answer.detail.isascii()
        assert len(answer.detail) <= 300
        return
    numbers = counters_of(answer.value)
    assert all(number is None or 0 <= number < 2**63 for number in numbers)
    if 0 in numbers:
        assert holds_zero(document["data"])
    assert answer == decode(wire.decode_body(body))


CASES = given(st.integers(0, len(SHAPES) - 1), st.integers(0, 2**32))
QUIET = {"deadline": None, "database": None, "suppress_health_check": list(HealthCheck)}


@settings(max_examples=20_000 // PER_EXAMPLE, derandomize=True, **QUIET)
@CASES
def test_mutated_answers(shape, seed):
    check(shape, seed)


@pytest.mark.prove
@settings(max_examples=500_000 // PER_EXAMPLE, **QUIET)
@CASES
def test_many_mutated_answers(shape, seed):
    check(shape, seed)


@settings(max_examples=500, derandomize=True, **QUIET)
@given(
    st.binary(max_size=200)
    | st.text(max_size=200).map(lambda text: text.encode("utf-8", "replace"))
)
def test_any_bytes(body):
    for candidate in (body, b'{"data":' + body + b"}", b'{"data":{"aweme_list":[' + body + b"]}}"):
        try:
            wire.decode_video_page(wire.decode_body(candidate))
        except SourceError:
            continue
