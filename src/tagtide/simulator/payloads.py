"""The world's facts in the shapes of the API: the mobile leg, the web leg, and their padding."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from functools import lru_cache
from hashlib import sha256
from typing import Any

from tagtide.simulator.captions import caption, hostile_caption, ring_caption
from tagtide.simulator.growth import display
from tagtide.simulator.people import Person
from tagtide.simulator.protocol import to_json
from tagtide.simulator.streams import Clip


class TotalsForm(StrEnum):
    """How a hashtag's totals are stated."""

    #: ``statsV2`` with exact strings beside the rounded ``stats``.
    EXACT = "exact"
    #: ``stats`` only: rounded views, no video count.
    ROUNDED = "rounded"
    #: Rounded ``stats`` inside ``challenge``.
    INSIDE = "inside"
    #: The mobile leg: ``ch_info``.
    MOBILE = "mobile"


class FeedForm(StrEnum):
    """Which leg answers a feed."""

    MOBILE = "mobile"
    WEB = "web"


#: What is said about a hashtag nobody has used.
UNKNOWN_HASHTAG = to_json({"challengeInfo": {}, "statusCode": 10205})


def invented_id(name: str) -> str:
    """A hashtag id for a name: digits, the same in every world."""
    return str(int.from_bytes(sha256(name.encode()).digest()[:5], "big") + 10_000)


def hashtag_totals(
    form: TotalsForm, hashtag_id: str, name: str, views: int, videos: int
) -> dict[str, Any]:
    """The ``data`` part of a hashtag answer."""
    if form is TotalsForm.MOBILE:
        info = {"cid": hashtag_id, "cha_name": name, "desc": "", "user_count": videos * 9 // 10}
        return {"ch_info": {**info, "view_count": display(views), "is_commerce": False}}
    challenge: dict[str, Any] = {"id": hashtag_id, "title": name, "desc": ""}
    # TikTok itself says 0 here, whatever the number is.
    stats = {"videoCount": 0, "viewCount": display(views)}
    if form is TotalsForm.INSIDE:
        return {"challengeInfo": {"challenge": {**challenge, "stats": stats}}}
    info = {"challenge": challenge, "stats": stats}
    if form is TotalsForm.EXACT:
        info["statsV2"] = {"videoCount": str(videos), "viewCount": str(views)}
    return {"challengeInfo": info, "statusCode": 0}


def feed_page(form: FeedForm, records: Sequence[bytes], *, cursor: int, has_more: bool) -> bytes:
    """The ``data`` part of a feed page around records that are JSON already."""
    listed = b"[" + b",".join(records) + b"]"
    if form is FeedForm.WEB:
        tail = f',"cursor":"{cursor}","hasMore":{json.dumps(has_more)},"statusCode":0}}'
        return b'{"itemList":' + listed + tail.encode()
    tail = f',"cursor":{cursor},"has_more":{int(has_more)},"status_code":0}}'
    return b'{"aweme_list":' + listed + tail.encode()


def search_page(records: Sequence[bytes], *, cursor: int, has_more: bool) -> bytes:
    """The ``data`` part of a search page."""
    wrapped = b",".join(b'{"aweme_info":' + record + b"}" for record in records)
    tail = f'],"cursor":{cursor},"has_more":{int(has_more)}}}'
    return b'{"search_item_list":[' + wrapped + tail.encode()


def profile(author: Person, followers: int) -> dict[str, Any]:
    """The ``data`` part of a profile answer."""
    user = {
        **_mobile_author(author),
        "bio_url": "",
        "follower_count": followers,
        "following_count": author.following,
        "aweme_count": author.posts,
        "total_favorited": author.likes,
        "avatar_larger": _image(f"avatar/{author.uid}"),
    }
    return {"user": user}


def clip_text(clip: Clip, topic: str) -> str:
    """The caption of a video."""
    rng = random.Random(clip.video_id)
    if clip.ring:
        return ring_caption(topic, clip.tags, clip.ring)
    if clip.is_hostile:
        return hostile_caption(topic, clip.tags, rng)
    return caption(topic, clip.author.language, clip.tags, rng)


def mobile_record(
    clip: Clip, topic: str, views: int, id_of: Callable[[str], str]
) -> dict[str, Any]:
    """A video as the mobile leg states it. Author counters are 0: the feed does not fill them."""
    text = clip_text(clip, topic)
    video_id = str(clip.video_id)
    duration = _duration(clip) * 1_000
    record: dict[str, Any] = {
        "aweme_id": video_id,
        "desc": text,
        "create_time": clip.created,
        "region": clip.author.region,
        "desc_language": clip.author.language,
        "aweme_type": 0,
        "is_top": 0,
        "is_ads": False,
        "share_url": f"https://m.tiktok.com/v/{video_id}.html?u_code=0&language=en",
        "duration": duration,
        "author_user_id": int(clip.author.uid),
        "author": _mobile_author(clip.author) | _NOT_HYDRATED,
        "statistics": {"aweme_id": video_id, **_statistics(clip, views)},
        "text_extra": _text_extra(text, clip.tags, id_of),
        "cha_list": [
            {"cid": id_of(tag), "cha_name": tag, "view_count": 0, "user_count": 0}
            for tag in clip.tags
        ] or None,
        "music": _music(clip),
        "video": {
            "duration": duration,
            "width": 576,
            "height": 1024,
            "ratio": "540p",
            "cover": _image(f"cover/{video_id}"),
            "play_addr": _image(f"play/{video_id}"),
        },
        "status": {"is_delete": False, "is_private": False, "private_status": 0},
    }  # fmt: skip
    if clip.video_id % 19 == 0:
        record["image_post_info"] = {"images": [{"display_image": _image(f"photo/{video_id}")}]}
    return record


def web_record(
    clip: Clip, topic: str, views: int, followers: int, id_of: Callable[[str], str]
) -> dict[str, Any]:
    """A video as the web leg states it."""
    text = clip_text(clip, topic)
    counts = _statistics(clip, views)
    exact = {
        "playCount": counts["play_count"],
        "diggCount": counts["digg_count"],
        "commentCount": counts["comment_count"],
        "shareCount": counts["share_count"],
        "collectCount": counts["collect_count"],
    }
    author = clip.author
    return {
        "id": str(clip.video_id),
        "desc": text,
        "createTime": clip.created,
        "author": {
            "id": author.uid,
            "uniqueId": author.username,
            "nickname": author.nickname,
            "secUid": author.sec_uid,
            "verified": author.verified,
            "signature": "",
        },
        "authorStats": {
            "followerCount": display(followers),
            "followingCount": author.following,
            "heartCount": author.likes,
            "videoCount": author.posts,
        },
        "stats": {name: display(value) for name, value in exact.items()},
        "statsV2": {name: str(value) for name, value in exact.items()},
        "challenges": [{"id": id_of(tag), "title": tag, "desc": ""} for tag in clip.tags],
        "textExtra": [
            {
                "hashtagName": mark["hashtag_name"],
                "start": mark["start"],
                "end": mark["end"],
                "type": 1,
            }
            for mark in _text_extra(text, clip.tags, id_of)
        ],
        "music": {"id": _music(clip)["id_str"], "title": "original sound", "original": True},
        "video": {"duration": _duration(clip), "cover": "", "playAddr": ""},
    }


def padded(record: Mapping[str, Any], size: int) -> bytes:
    """A record as JSON, filled up to about ``size`` bytes with what real records carry."""
    body = to_json(record)
    if len(body) >= size:
        return body
    return body[:-1] + b"," + _filler(size - len(body)) + b"}"


@lru_cache(maxsize=256)
def _filler(size: int) -> bytes:
    # Real records have some 77 kB: addresses of the same video in many qualities, and nulls.
    rows: list[bytes] = []
    while sum(map(len, rows)) + len(rows) < size - 40:
        rows.append(to_json(_quality(len(rows))))
    return b'"bit_rate":[' + b",".join(rows) + b'],"risk_infos":null'


def _quality(n: int) -> dict[str, Any]:
    return {
        "gear_name": f"normal_{540 + n}_0",
        "quality_type": n,
        "bit_rate": 812_345 + n,
        "play_addr": _image(f"quality/{n}") | {"data_size": 3_000_000 + n, "file_cs": f"c:0-{n}"},
        "is_bytevc1": n % 2,
        "dub_infos": None,
        "HDR_type": "",
    }


_NOT_HYDRATED = {
    "follower_count": 0,
    "following_count": 0,
    "aweme_count": 0,
    "total_favorited": 0,
    "favoriting_count": 0,
}


def _mobile_author(author: Person) -> dict[str, Any]:
    return {
        "uid": author.uid,
        "unique_id": author.username,
        "nickname": author.nickname,
        "sec_uid": author.sec_uid,
        "signature": "",
        "region": author.region,
        "language": author.language,
        "verification_type": 1,
        "custom_verify": "Verified account" if author.verified else "",
        "enterprise_verify_reason": "",
        "secret": 0,
        "avatar_thumb": _image(f"avatar/{author.uid}"),
    }


def _statistics(clip: Clip, views: int) -> dict[str, int]:
    return {
        "play_count": views,
        "digg_count": int(views * clip.likes),
        "comment_count": int(views * clip.comments),
        "share_count": int(views * clip.shares),
        "collect_count": int(views * clip.saves),
        "download_count": int(views * clip.shares / 3),
        "forward_count": 0,
        "whatsapp_share_count": int(views * clip.shares / 9),
    }


def _text_extra(
    text: str, tags: Sequence[str], id_of: Callable[[str], str]
) -> list[dict[str, Any]]:
    marks = []
    end = len(text)
    for tag in reversed(tags):
        start = text.rindex(f"#{tag}", 0, end)
        marks.append(
            {
                "type": 1,
                "hashtag_name": tag,
                "hashtag_id": id_of(tag),
                "is_commerce": False,
                "start": start,
                "end": start + len(tag) + 1,
            }
        )
        end = start
    return marks[::-1]


def _duration(clip: Clip) -> int:
    # Seconds; a ring posts the same clip again and again.
    return 12 if clip.ring else 7 + clip.video_id // 7 % 54


def _music(clip: Clip) -> dict[str, Any]:
    number = 7_000_000_000_000_000_000 + (clip.video_id // 13 % 400)
    return {
        "id": number,
        "id_str": str(number),
        "mid": str(number),
        "title": f"original sound {number % 1000}",
        "author": "Sound Desk",
        "duration": 60,
        "is_original_sound": True,
    }


def _image(path: str) -> dict[str, Any]:
    url = f"https://cdn.example.invalid/{path}.webp"
    return {"uri": path, "url_list": [url], "width": 720, "height": 720}
