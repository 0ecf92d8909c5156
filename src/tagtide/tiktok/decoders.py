"""Documents of the data API to models, over every shape that was seen.

The ``data`` part is TikTok's own payload passed through, and its shape depends on which of
TikTok's interfaces answered: the app's (snake_case, ``aweme_list``, ``ch_info``), the web's
(camelCase, ``itemList``, ``challengeInfo``), or the older web's (``itemInfos``). Known places are
tried in a fixed order; when none is there the answer is refused with the unknown key names.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn, TypeVar

from tagtide.core.rounding import display_unit
from tagtide.errors import Charge, ItemNotFound, Reason, UnexpectedResponse
from tagtide.models import (
    Answer,
    CounterSource,
    Creator,
    HashtagTotals,
    Usage,
    Video,
    VideoCounters,
    VideoPage,
    VideoSeen,
)
from tagtide.tiktok import fields

T = TypeVar("T")

#: Entries of a list that is read; more is refused.
MAX_ITEMS = 1_000
#: TikTok's own codes for "there is no such thing" (hashtag, user, video; private or gone).
_GONE = {10201, 10202, 10204, 10205, 10215, 10216, 10217, 10221, 10222, 2053}


# --- what all answers share -----------------------------------------------------------------------


class Document(dict[str, Any]):
    """A parsed answer that remembers the SHA-256 of its ``data`` part as it was sent."""

    data_hash: str


def _answer(document: Mapping[str, Any], value: T, flags: list[str]) -> Answer[T]:
    return Answer(
        value=value,
        credits_used=fields.stated_credits(document.get("credits_used")),
        credits_remaining=fields.stated_credits(document.get("credits_remaining")),
        payload_hash=payload_hash(document),
        flags=tuple(dict.fromkeys(flags)),
    )


def payload_hash(document: Mapping[str, Any]) -> str:
    """SHA-256 of the ``data`` part: as sent, or of one canonical spelling where that is lost.

    Times and credits stand outside of it, so the same answer served twice has the same hash.
    """
    if isinstance(document, Document) and hasattr(document, "data_hash"):
        return document.data_hash
    return hashlib.sha256(_CANONICAL.encode(document.get("data")).encode("ascii")).hexdigest()


_CANONICAL = json.JSONEncoder(separators=(",", ":"), sort_keys=True, check_circular=False)


def _refuse(
    endpoint: str,
    document: Mapping[str, Any],
    where: str,
    record: Any,
    reason: Reason = Reason.SCHEMA,
) -> NoReturn:
    raise UnexpectedResponse(
        f"The data API answered in a form that tagtide does not recognise (at {where}).",
        endpoint=endpoint,
        reason=reason,
        credits_remaining=fields.stated_credits(document.get("credits_remaining")),
        detail=f"{where}: {_describe(record)}",
        hint="The format may have changed; nothing was stored. Look for a newer tagtide.",
    )


def _describe(record: Any) -> str:
    """Key names, escaped: they are as foreign as any other text."""
    if isinstance(record, dict):
        names = ", ".join(sorted(record)[:20]) or "no keys"
        return names.encode("unicode_escape").decode("ascii")[:180]
    return {list: "a list", str: "a string", type(None): "null"}.get(type(record), "a number")


def _absent(endpoint: str, document: Mapping[str, Any]) -> NoReturn:
    used = fields.stated_credits(document.get("credits_used"))
    charges = {None: Charge.UNKNOWN, 0: Charge.NOT_CHARGED}
    raise ItemNotFound(
        endpoint=endpoint,
        charge=charges.get(used, Charge.CHARGED),
        credits_remaining=fields.stated_credits(document.get("credits_remaining")),
    )


def _data(document: Mapping[str, Any], endpoint: str) -> Any:
    """The payload, an object or a list; an answer without one is refused."""
    data = document.get("data")
    if not isinstance(data, (dict, list)):
        _refuse(endpoint, document, "the answer", document)
    return data


def _object(document: Mapping[str, Any], endpoint: str) -> dict[str, Any]:
    data = _data(document, endpoint)
    if not isinstance(data, dict):
        first = data[0] if data else data
        _refuse(endpoint, document, "data, a list", first)
    return data


def _status_code(data: Mapping[str, Any]) -> int:
    """TikTok's own code inside the payload; 0 is "fine" and so is none."""
    code = fields.first(data, ("statusCode", "status_code"))
    return code if type(code) is int else 0


def _no_record(
    endpoint: str, document: Mapping[str, Any], data: Mapping[str, Any], names: Iterable[str]
) -> NoReturn:
    """Tell "there is no such thing" from "upstream refused" from "the format has changed"."""
    code = _status_code(data)
    if code in _GONE:
        _absent(endpoint, document)
    if code:
        _refuse(endpoint, document, "upstream status", data, Reason.UPSTREAM)
    if data and not any(name in data for name in names):
        _refuse(endpoint, document, "data", data)
    _absent(endpoint, document)


# --- hashtag --------------------------------------------------------------------------------------

_HASHTAG_KEYS = ("challengeInfo", "ch_info")
_VIEWS = ("viewCount", "view_count")
#: ``user_count`` counts participants, so it is not here.
_VIDEOS = ("videoCount", "use_count")


def decode_hashtag(
    document: Mapping[str, Any], *, name: str | None = None, hashtag_id: str | None = None
) -> Answer[HashtagTotals]:
    """Totals of a hashtag.

    Args:
        document: As `decode_body` returned it.
        name: Asked for by this name; another title is flagged ``title_differs``.
        hashtag_id: Asked for by this id; another id is flagged ``id_differs``.

    Raises:
        ItemNotFound: the answer names no hashtag.
        UnexpectedResponse: reason ``schema`` or ``upstream``.
    """
    data = _object(document, "hashtag")
    identity = _hashtag_identity(data)
    if not identity:
        _no_record("hashtag", document, data, _HASHTAG_KEYS)
    found_id = fields.identifier(fields.first(identity, ("id", "cid")))
    title = fields.text(fields.first(identity, ("title", "cha_name")), 200).strip()
    if found_id is None and not title:
        _absent("hashtag", document)
    if found_id is None:
        _refuse("hashtag", document, "the hashtag's id", identity)
    groups = _hashtag_counters(data)
    if not _has_counters(groups, (*_VIEWS, *_VIDEOS)):
        _refuse("hashtag", document, "the hashtag's counters", _merged(data, groups))
    flags: list[str] = []
    totals = _totals(found_id, title, groups, flags)
    if name is not None and fields.hashtag_name(title) != fields.hashtag_name(name):
        flags.append("title_differs")
    if hashtag_id is not None and found_id != hashtag_id:
        flags.append("id_differs")
    return _answer(document, totals, flags)


_Groups = list[tuple[CounterSource, Any]]


def _hashtag_identity(data: Mapping[str, Any]) -> Mapping[str, Any]:
    challenge = fields.mapping(data.get("challengeInfo")).get("challenge")
    return fields.mapping(challenge) or fields.mapping(data.get("ch_info"))


def _hashtag_counters(data: Mapping[str, Any]) -> _Groups:
    """Every place counters may stand, best first; only those that are there, null or not."""
    info = fields.mapping(data.get("challengeInfo"))
    challenge = fields.mapping(info.get("challenge"))
    places = (
        (CounterSource.STATS_V2, info, "statsV2"),
        (CounterSource.STATS_V2, challenge, "statsV2"),
        (CounterSource.STATS, info, "stats"),
        (CounterSource.CHALLENGE_STATS, challenge, "stats"),
        (CounterSource.CH_INFO, data, "ch_info"),
    )
    return [(source, holder[key]) for source, holder, key in places if key in holder]


def _has_counters(groups: _Groups, names: Iterable[str]) -> bool:
    """Whether any known name is there. A null group is "unknown", not another format."""
    known = set(names)
    return any(group is None or known & fields.mapping(group).keys() for _, group in groups)


def _merged(data: Mapping[str, Any], groups: _Groups) -> dict[str, Any]:
    info = fields.mapping(data.get("challengeInfo")) or data
    merged = dict(info)
    for _, group in groups:
        merged.update(fields.mapping(group))
    return merged


def _totals(hashtag_id: str, title: str, groups: _Groups, flags: list[str]) -> HashtagTotals:
    videos, video_source = _best(groups, _VIDEOS, "video_count", flags)
    views, view_source = _best(groups, _VIEWS, "view_count", flags)
    # Videos that nobody has watched yet are possible; nothing of both is how upstream says nothing.
    zero_views = _zero_source(groups, _VIEWS)
    if views is None and videos is not None and zero_views is not None:
        views, view_source = 0, zero_views
        flags.remove("view_count:zero")
    _flag_missing(views, flags)
    return HashtagTotals(
        hashtag_id=hashtag_id,
        title=title,
        view_count=views,
        view_source=view_source,
        view_unit=_unit(views, view_source),
        video_count=videos,
        video_source=video_source,
        video_unit=_unit(videos, video_source),
    )


def _flag_missing(views: int | None, flags: list[str]) -> None:
    """Say that views are unknown where no other flag does."""
    if views is None and not any(name.startswith("view_count:") for name in flags):
        flags.append("view_count:missing")


def _best(
    groups: _Groups, names: tuple[str, ...], name: str, flags: list[str]
) -> tuple[int | None, CounterSource | None]:
    """First positive counter and its source; a zero is flagged and means unknown."""
    zero = False
    for source, group in groups:
        value = fields.count(fields.first(fields.mapping(group), names), name, flags)
        if value:
            return value, source
        zero = zero or value == 0
    if zero:
        flags.append(f"{name}:zero")
    return None, None


def _zero_source(groups: _Groups, names: tuple[str, ...]) -> CounterSource | None:
    for source, group in groups:
        if fields.count(fields.first(fields.mapping(group), names), "", []) == 0:
            return source
    return None


def _unit(value: int | None, source: CounterSource | None) -> int:
    """Display unit of a total; ``statsV2`` is exact."""
    return 1 if value is None or source is CounterSource.STATS_V2 else display_unit(value)


# --- videos ---------------------------------------------------------------------------------------

_LISTS = ("aweme_list", "search_item_list", "itemList", "item_list")
_WRAPPERS = ("aweme_info", "item", "itemStruct")


def decode_video_page(
    document: Mapping[str, Any], *, endpoint: str = "hashtag_videos"
) -> Answer[VideoPage]:
    """One page of a feed or a search.

    Records that cannot be read are named in ``rejected``; a repeated video is kept once.

    Raises:
        ItemNotFound: upstream says that the hashtag is gone.
        UnexpectedResponse: no known list, no readable record in one, or more than 1,000 entries.
    """
    data = _data(document, endpoint)
    records = _records(document, data, endpoint)
    flags: list[str] = []
    videos: dict[str, VideoSeen] = {}
    rejected: list[str] = []
    for position, record in enumerate(records):
        seen = _video(_unwrapped(record), flags)
        if isinstance(seen, str):
            rejected.append(f"record {position}: {seen}")
        elif seen.video.video_id in videos:
            flags.append("video:repeated")
        else:
            videos[seen.video.video_id] = seen
    if records and not videos:
        _refuse(endpoint, document, f"a video ({rejected[0]})", _unwrapped(records[0]))
    holder = fields.mapping(data)
    page = VideoPage(
        videos=tuple(videos.values()),
        cursor=fields.cursor(fields.first(holder, ("cursor", "max_cursor"))),
        has_more=bool(fields.flag(fields.first(holder, ("has_more", "hasMore")))),
        rejected=tuple(rejected),
    )
    return _answer(document, page, flags)


def _records(document: Mapping[str, Any], data: Any, endpoint: str) -> list[Any]:
    """The list of the page; a known key with null or an empty list is an empty page."""
    records = data if isinstance(data, list) else _listed(document, data, endpoint)
    if len(records) > MAX_ITEMS:
        _refuse(endpoint, document, f"a list of {len(records)}", records, Reason.OVERSIZE)
    return records


def _listed(document: Mapping[str, Any], data: Mapping[str, Any], endpoint: str) -> list[Any]:
    known = [name for name in _LISTS if name in data]
    for name in known:
        if data[name] is not None and not isinstance(data[name], list):
            _refuse(endpoint, document, name, data[name])
    records = next((data[name] for name in known if data[name]), None)
    if records is not None:
        return list(records)
    if _status_code(data):
        _no_record(endpoint, document, data, _LISTS)
    if not known:
        _refuse(endpoint, document, "data", data)
    return []


def _unwrapped(record: Any) -> Any:
    """The video inside a search result's card."""
    inner = fields.first(fields.mapping(record), _WRAPPERS)
    return inner if isinstance(inner, dict) else record


def decode_video(document: Mapping[str, Any]) -> Answer[VideoSeen]:
    """One video.

    Raises:
        ItemNotFound: the answer holds no video.
        UnexpectedResponse: reason ``schema`` or ``upstream``.
    """
    data = _object(document, "video")
    item = fields.mapping(data.get("itemInfo")).get("itemStruct")
    record = fields.mapping(data.get("aweme_detail")) or fields.mapping(item)
    if not record:
        _no_record("video", document, data, ("aweme_detail", "itemInfo"))
    flags: list[str] = []
    seen = _video(record, flags)
    if isinstance(seen, str):
        _refuse("video", document, f"the video ({seen})", record)
    return _answer(document, seen, flags)


@dataclass(frozen=True, slots=True)
class _Shape:
    """Where one of TikTok's interfaces keeps what is read of a video."""

    video_id: tuple[str, ...]
    #: Places of the counters, best first.
    counters: tuple[tuple[CounterSource, str], ...]
    views: str
    likes: str
    comments: str
    shares: str
    saves: str
    #: Seconds per unit of a duration.
    duration_unit: float


_APP = _Shape(
    ("aweme_id",),
    ((CounterSource.STATISTICS, "statistics"),),
    "play_count",
    "digg_count",
    "comment_count",
    "share_count",
    "collect_count",
    0.001,
)
_WEB = _Shape(
    ("id",),
    ((CounterSource.STATS_V2, "statsV2"), (CounterSource.STATS, "stats")),
    "playCount",
    "diggCount",
    "commentCount",
    "shareCount",
    "collectCount",
    1.0,
)


def _video(raw: Any, flags: list[str]) -> VideoSeen | str:
    """A video, or in a few fixed words why the record is none."""
    record = _modernised(fields.mapping(raw))
    shape = _APP if "aweme_id" in record else _WEB
    video_id = fields.identifier(fields.first(record, shape.video_id))
    if video_id is None:
        return "no video id"
    groups: _Groups = [(source, record[key]) for source, key in shape.counters if key in record]
    if not _has_counters(groups, (shape.views, shape.likes)):
        return "no counters"
    creator = _author(record, flags)
    if creator is None:
        return "no author"
    counters = _video_counters(shape, groups, flags)
    return VideoSeen(video=_video_facts(record, shape, video_id, creator), counters=counters)


def _modernised(record: Mapping[str, Any]) -> Mapping[str, Any]:
    """The web's shape of 2020 (``itemInfos``, ``authorInfos``) under today's names."""
    if "itemInfos" not in record:
        return record
    item = fields.mapping(record.get("itemInfos"))
    author = fields.mapping(record.get("authorInfos"))
    meta = fields.mapping(fields.mapping(item.get("video")).get("videoMeta"))
    marks = record.get("textExtra")
    return {
        "id": item.get("id"),
        "desc": item.get("text"),
        "createTime": item.get("createTime"),
        "stats": item,
        "video": meta,
        "author": {**author, "id": author.get("userId"), "nickname": author.get("nickName")},
        "authorStats": record.get("authorStats"),
        "textExtra": [
            {"hashtagName": fields.mapping(mark).get("HashtagName")} for mark in _some(marks)
        ],
        "challenges": [
            {"title": fields.mapping(entry).get("challengeName")}
            for entry in _some(record.get("challengeInfoList"))
        ],
        "music": {"id": item.get("musicId")},
    }


def _some(value: Any) -> list[Any]:
    """A list inside a record; what lies beyond the cap is not read."""
    return value[:MAX_ITEMS] if isinstance(value, list) else []


def _video_counters(shape: _Shape, groups: _Groups, flags: list[str]) -> VideoCounters:
    """All counters from one place: the first that knows the views, else the first of all."""
    read = [(source, _read_counters(shape, group, flags)) for source, group in groups]
    source, values = next((entry for entry in read if entry[1][0] is not None), read[0])
    views, *others = values
    if views == 0 and any(others):
        flags.append("view_count:zero")
        views = None
    _flag_missing(views, flags)
    likes, comments, shares, saves = others
    return VideoCounters(
        view_count=views,
        like_count=likes,
        comment_count=comments,
        share_count=shares,
        save_count=saves,
        source=source,
    )


def _read_counters(shape: _Shape, group: Any, flags: list[str]) -> list[int | None]:
    record = fields.mapping(group)
    names = (
        (shape.views, "view_count"),
        (shape.likes, "like_count"),
        (shape.comments, "comment_count"),
        (shape.shares, "share_count"),
        (shape.saves, "save_count"),
    )
    return [fields.count(record.get(key), name, flags) for key, name in names]


def _video_facts(
    record: Mapping[str, Any], shape: _Shape, video_id: str, creator: Creator
) -> Video:
    media = fields.mapping(record.get("video"))
    music = fields.mapping(record.get("music"))
    photo = fields.first(record, ("image_post_info", "imagePost"))
    return Video(
        video_id=video_id,
        creator=creator,
        caption=fields.text(record.get("desc"), fields.CAPTION_LENGTH),
        created_at=fields.created(fields.first(record, ("create_time", "createTime")), video_id),
        duration=fields.seconds(media.get("duration"), shape.duration_unit),
        is_photo=isinstance(photo, dict) and bool(photo),
        is_ad=fields.flag(fields.first(record, ("is_ads", "isAd"))),
        region=fields.short_text(fields.first(record, ("region", "locationCreated")), 8),
        music_id=fields.identifier(fields.first(music, ("id_str", "mid", "id"))),
        hashtags=_hashtags(record),
    )


def _hashtags(record: Mapping[str, Any]) -> tuple[str, ...]:
    contents = [fields.mapping(part) for part in _some(record.get("contents"))]
    marks = [
        *_some(record.get("text_extra")),
        *_some(record.get("textExtra")),
        *(mark for part in contents for mark in _some(part.get("textExtra"))),
        *_some(record.get("cha_list")),
        *_some(record.get("challenges")),
    ]
    keys = ("hashtag_name", "hashtagName", "cha_name", "title")
    names = (fields.hashtag_name(fields.first(fields.mapping(mark), keys)) for mark in marks)
    return tuple(dict.fromkeys(name for name in names if name is not None))


# --- creators -------------------------------------------------------------------------------------


def _author(record: Mapping[str, Any], flags: list[str]) -> Creator | None:
    """The author of a video; counters of 0 are "not filled in" there."""
    user = fields.mapping(record.get("author"))
    creator_stats = fields.mapping(fields.first(record, ("authorStatsV2", "authorStats")) or user)
    followers = fields.first(creator_stats, ("follower_count", "followerCount"))
    videos = fields.first(creator_stats, ("aweme_count", "videoCount"))
    return _creator(
        user,
        fields.count(followers, "follower_count", flags) or None,
        fields.count(videos, "creator_video_count", flags) or None,
    )


def _creator(user: Mapping[str, Any], followers: int | None, videos: int | None) -> Creator | None:
    """None when nothing identifies the user."""
    secure = fields.sec_uid(fields.first(user, ("sec_uid", "secUid")))
    uid = fields.identifier(fields.first(user, ("uid", "id")))
    username = fields.handle(fields.first(user, ("unique_id", "uniqueId")))
    key = secure or (uid and f"uid:{uid}") or (username and f"@{username}")
    if not key:
        return None
    return Creator(
        creator_key=key,
        sec_uid=secure,
        uid=uid,
        username=username,
        nickname=fields.short_text(user.get("nickname"), fields.NICKNAME_LENGTH),
        follower_count=followers,
        video_count=videos,
        verified=_verified(user),
        region=fields.short_text(user.get("region"), 8),
    )


def _verified(user: Mapping[str, Any]) -> bool | None:
    """The app's ``verification_type`` is 1 for ordinary users too, so it is not asked."""
    if "verified" in user:
        return fields.flag(user["verified"])
    marks = [user[key] for key in ("custom_verify", "enterprise_verify_reason") if key in user]
    return any(bool(mark) for mark in marks) if marks else None


def decode_profile(document: Mapping[str, Any]) -> Answer[Creator]:
    """A creator with followers.

    Raises:
        ItemNotFound: the answer holds no user.
        UnexpectedResponse: reason ``schema`` or ``upstream``.
    """
    data = _object(document, "profile")
    holder = fields.mapping(data.get("userInfo")) or data
    user = fields.mapping(holder.get("user"))
    if not user:
        _no_record("profile", document, data, ("user", "userInfo"))
    flags: list[str] = []
    creator = _profile(user, holder, flags)
    if creator is None:
        _refuse("profile", document, "the user", user)
    return _answer(document, creator, flags)


def _profile(
    user: Mapping[str, Any], holder: Mapping[str, Any], flags: list[str]
) -> Creator | None:
    places = [fields.mapping(holder.get(key)) for key in ("statsV2", "stats")]
    groups = [place for place in (*places, user) if place]
    followers = _profile_count(groups, ("follower_count", "followerCount"), "follower_count", flags)
    videos = _profile_count(groups, ("aweme_count", "videoCount"), "creator_video_count", flags)
    likes = _profile_count(groups, ("total_favorited", "heartCount"), "total_likes", flags)
    if followers == 0 and (likes or not videos):
        # Likes without one follower, or nothing at all, is an answer that was not filled in.
        flags.append("follower_count:zero")
        followers = None
        videos = videos or None
    return _creator(user, followers, videos)


def _profile_count(
    groups: list[Mapping[str, Any]], names: tuple[str, ...], name: str, flags: list[str]
) -> int | None:
    for group in groups:
        value = fields.count(fields.first(group, names), name, flags)
        if value is not None:
            return value
    return None


# --- usage ----------------------------------------------------------------------------------------


def decode_usage(document: Mapping[str, Any]) -> Usage:
    """Plan and balance; this answer has no ``data`` part.

    Raises:
        UnexpectedResponse: it states neither.
    """
    plan = fields.short_text(document.get("plan"), 40)
    balance = fields.stated_credits(document.get("credit_balance"))
    if plan is None and balance is None:
        _refuse("usage", document, "the usage", document)
    return Usage(
        plan=plan,
        credit_balance=balance,
        searches_used=fields.stated_credits(document.get("searches_used")),
        period_start=fields.iso_or_unix_instant(document.get("period_start")),
    )
