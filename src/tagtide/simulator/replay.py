"""Recorded real payloads as answers, against the server's clock.

A folder may mix three kinds of files, told apart by their content:

* a hashtag with its videos: ``{"challengeDetail": ..., "itemListPages": [...]}``, JSON or gzip;
  each video appears at its creation time;
* counters over time: CSV, ``challenge_id,challenge_name,observed_at,views`` or
  ``tag,observed_at,view_count``; the newest observation up to now is what the API says;
* exchanges as the recorder writes them: one JSON object each with ``path``, ``request``,
  ``status``, ``body`` and ``recorded_at``.

What is not known at an instant is answered as the API answers an unknown thing.
"""

from __future__ import annotations

import base64
import csv
import gzip
import io
import json
from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unicodedata import normalize

from tagtide.errors import ConfigError
from tagtide.simulator.growth import DAY
from tagtide.simulator.payloads import UNKNOWN_HASHTAG, FeedForm, feed_page, invented_id
from tagtide.simulator.protocol import (
    JSON_TYPE,
    Answered,
    Answers,
    ApiCall,
    Data,
    Endpoint,
    Missing,
    Refusal,
    Verbatim,
    endpoint_of,
    parse_call,
    to_json,
)

_EMPTY_PAGE = feed_page(FeedForm.WEB, [], cursor=0, has_more=False)
#: What is said about a thing that no file of the replay knows.
_NOTHING: Mapping[Endpoint, Answered] = {
    Endpoint.HASHTAG: Data(UNKNOWN_HASHTAG),
    Endpoint.HASHTAG_VIDEOS: Data(_EMPTY_PAGE),
    Endpoint.SEARCH_VIDEOS: Data(_EMPTY_PAGE),
}


class Replay:
    """A folder of recordings as `tagtide.simulator.protocol.Answers`.

    Args:
        folder: Searched with all its subfolders.
        summed_totals: State a hashtag's totals as the sum over its videos revealed so far, instead
            of as they were recorded (which is often 0).
        sequential: Give the recorded exchanges of one request one after the other, whatever the
            time; the last one stays.

    Raises:
        ConfigError: The folder cannot be read, or holds nothing to replay.
    """

    def __init__(
        self, folder: Path, *, summed_totals: bool = False, sequential: bool = False
    ) -> None:
        captures, counters = _Captures(sequential), _Counters()
        listings = _Listings(summed_totals)
        parts = (captures, counters, listings)
        #: Files that hold nothing to replay.
        self.skipped = [path for path in _files(folder) if not any(p.load(path) for p in parts)]
        self._parts: tuple[Answers, ...] = parts
        if not any(part.size for part in parts):
            raise ConfigError(
                f"{folder} holds nothing to replay.",
                hint="See docs/simulator.md for the files that can be replayed.",
            )

    def answer(self, at: datetime, call: ApiCall) -> Answered:
        """What the recordings say at an instant."""
        for part in self._parts:
            answered = part.answer(at, call)
            if not isinstance(answered, Missing):
                return answered
        return _NOTHING.get(call.endpoint, Missing())

    def name_of(self, hashtag_id: str) -> str | None:
        """Name of a recorded hashtag."""
        names = (part.name_of(hashtag_id) for part in self._parts)
        return next((name for name in names if name), None)


# --- files ----------------------------------------------------------------------------------------


def _files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise ConfigError(f"There is no folder {folder} to replay.")
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _bytes(path: Path) -> bytes:
    return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()


def _json_object(path: Path) -> dict[str, Any]:
    """The object in a JSON file; empty for every other file."""
    if not path.name.endswith((".json", ".json.gz")):
        return {}
    try:
        content = json.loads(_bytes(path))
    except (OSError, EOFError, ValueError, RecursionError) as error:
        raise ConfigError(f"The recording {path} cannot be read: {error}.") from error
    return content if isinstance(content, dict) else {}


def _folded(name: str) -> str:
    return normalize("NFC", name).casefold().removeprefix("#")


def _timestamp(text: str) -> float:
    at = datetime.fromisoformat(text)
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()


# --- hashtags with their videos -------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Recorded:
    """One video as it was recorded."""

    created: int
    item: Mapping[str, Any]
    json: bytes


@dataclass(frozen=True, slots=True)
class _Listing:
    """One hashtag as it was recorded, its videos in the recorded order."""

    hashtag_id: str
    title: str
    detail: Mapping[str, Any]
    videos: tuple[_Recorded, ...]

    def revealed(self, at: float) -> list[_Recorded]:
        return [video for video in self.videos if video.created <= at]


class _Listings:
    def __init__(self, summed: bool) -> None:
        self._summed = summed
        self._by_id: dict[str, _Listing] = {}
        self._by_name: dict[str, _Listing] = {}
        self._answers: Mapping[Endpoint, Callable[[float, ApiCall], Answered]] = {
            Endpoint.HASHTAG: self._totals,
            Endpoint.HASHTAG_VIDEOS: self._feed,
            Endpoint.SEARCH_VIDEOS: self._search,
            Endpoint.PROFILE: self._profile,
            Endpoint.VIDEO: self._video,
        }

    @property
    def size(self) -> int:
        return len(self._by_id)

    def load(self, path: Path) -> bool:
        content = _json_object(path)
        if not {"challengeDetail", "itemListPages"} <= content.keys():
            return False
        listing = _listing(content)
        self._by_id[listing.hashtag_id] = listing
        self._by_name[_folded(listing.title)] = listing
        return True

    def answer(self, at: datetime, call: ApiCall) -> Answered:
        return self._answers[call.endpoint](at.timestamp(), call)

    def name_of(self, hashtag_id: str) -> str | None:
        listing = self._by_id.get(hashtag_id)
        return None if listing is None else listing.title

    def _totals(self, at: float, call: ApiCall) -> Answered:
        by_id = call.text("hashtag_id")
        listing = (
            self._by_id.get(by_id)
            if by_id
            else self._by_name.get(_folded(call.text("hashtag_name") or ""))
        )
        if listing is None:
            return Missing()
        detail = _summed(listing, at) if self._summed else listing.detail
        return Data(to_json(detail))

    def _feed(self, at: float, call: ApiCall) -> Answered:
        listing = self._by_id.get(call.text("hashtag_id") or "")
        return Missing() if listing is None else _page(listing.revealed(at), call)

    def _search(self, at: float, call: ApiCall) -> Answered:
        keyword, days = _folded(call.text("keyword") or ""), int(call.params["publish_time"])
        since = at - days * DAY if days else 0.0
        found = {
            video.item["id"]: video
            for video in self._revealed(at)
            if video.created >= since and keyword in str(video.item.get("desc", "")).casefold()
        }
        videos = list(found.values())
        if call.params["sort_type"] == "1":
            videos.sort(key=_likes, reverse=True)
        return _page(videos, call)

    def _profile(self, at: float, call: ApiCall) -> Answered:
        key = "secUid" if call.text("sec_user_id") else "uniqueId"
        wanted = call.text("sec_user_id") or call.text("username")
        for video in self._revealed(at):
            if video.item["author"].get(key) == wanted:
                return Data(to_json(_user(video.item)))
        return Missing()

    def _video(self, at: float, call: ApiCall) -> Answered:
        for video in self._revealed(at):
            if video.item["id"] == call.text("video_id"):
                return Data(b'{"itemInfo":{"itemStruct":' + video.json + b"}}")
        return Missing()

    def _revealed(self, at: float) -> Iterator[_Recorded]:
        for listing in self._by_id.values():
            yield from listing.revealed(at)


def _listing(content: Mapping[str, Any]) -> _Listing:
    detail = content["challengeDetail"]
    challenge = detail["challengeInfo"]["challenge"]
    items = [item for page in content["itemListPages"] for item in page.get("itemList") or ()]
    return _Listing(
        hashtag_id=str(challenge["id"]),
        title=str(challenge["title"]),
        detail=detail,
        videos=tuple(_Recorded(int(item["createTime"]), item, to_json(item)) for item in items),
    )


def _page(videos: Sequence[_Recorded], call: ApiCall) -> Answered:
    start = int(call.cursor)
    page = videos[start : start + call.count]
    cursor = start + len(page)
    records = [video.json for video in page]
    return Data(feed_page(FeedForm.WEB, records, cursor=cursor, has_more=cursor < len(videos)))


def _summed(listing: _Listing, at: float) -> dict[str, Any]:
    distinct = {video.item["id"]: video.item for video in listing.revealed(at)}
    views = sum(_exact(item, "playCount") for item in distinct.values())
    info = {
        **listing.detail["challengeInfo"],
        "stats": {"videoCount": 0, "viewCount": views},
        "statsV2": {"videoCount": str(len(distinct)), "viewCount": str(views)},
    }
    return {**listing.detail, "challengeInfo": info}


def _exact(item: Mapping[str, Any], name: str) -> int:
    stats = item.get("statsV2") or item.get("stats") or {}
    return int(stats.get(name) or 0)


def _likes(video: _Recorded) -> int:
    return _exact(video.item, "diggCount")


def _user(item: Mapping[str, Any]) -> dict[str, Any]:
    author, stats = item["author"], item.get("authorStats") or {}
    user = {
        "uid": author.get("id"),
        "unique_id": author.get("uniqueId"),
        "nickname": author.get("nickname"),
        "sec_uid": author.get("secUid"),
        "signature": author.get("signature", ""),
        "custom_verify": "Verified account" if author.get("verified") else "",
        "follower_count": stats.get("followerCount"),
        "following_count": stats.get("followingCount"),
        "aweme_count": stats.get("videoCount"),
        "total_favorited": stats.get("heartCount"),
    }
    return {"user": user}


# --- counters over time ---------------------------------------------------------------------------


class _Series:
    """Views of one hashtag over time."""

    def __init__(self, hashtag_id: str, title: str) -> None:
        self.hashtag_id = hashtag_id
        self.title = title
        self._points: list[tuple[float, int]] = []
        self._times = array("d")
        self._views = array("q")

    def add(self, at: float, views: int) -> None:
        self._points.append((at, views))

    def close(self) -> None:
        """Sort once, then keep two flat arrays instead of a list of pairs."""
        self._points.sort(key=lambda point: point[0])
        self._times.extend(at for at, _ in self._points)
        self._views.extend(views for _, views in self._points)
        self._points.clear()

    def at(self, instant: float) -> int | None:
        place = bisect_right(self._times, instant)
        return self._views[place - 1] if place else None


class _Counters:
    def __init__(self) -> None:
        self._by_name: dict[str, _Series] = {}
        self._by_id: dict[str, _Series] = {}

    @property
    def size(self) -> int:
        return len(self._by_name)

    def load(self, path: Path) -> bool:
        if not path.name.endswith((".csv", ".csv.gz")):
            return False
        rows = csv.reader(io.StringIO(_bytes(path).decode("utf-8-sig")))
        header = next(rows, [])
        columns = _counter_columns(header)
        if columns is None:
            return False
        for series in self._read(rows, *columns):
            series.close()
        return True

    def _read(
        self, rows: Iterable[list[str]], hashtag_id: int | None, name: int, at: int, views: int
    ) -> list[_Series]:
        touched: dict[str, _Series] = {}
        for row in rows:
            series = touched.get(row[name])
            if series is None:
                given = row[hashtag_id] if hashtag_id is not None else invented_id(row[name])
                series = touched[row[name]] = _Series(given, row[name])
                self._by_name[_folded(row[name])] = self._by_id[given] = series
            series.add(_timestamp(row[at]), int(row[views]))
        return list(touched.values())

    def answer(self, at: datetime, call: ApiCall) -> Answered:
        if call.endpoint is not Endpoint.HASHTAG:
            return Missing()
        by_id = call.text("hashtag_id")
        series = (
            self._by_id.get(by_id)
            if by_id
            else self._by_name.get(_folded(call.text("hashtag_name") or ""))
        )
        views = series.at(at.timestamp()) if series else None
        if series is None or views is None:
            return Missing()
        # These counters were published rounded, so they go where the API puts rounded ones.
        info = {
            "challenge": {"id": series.hashtag_id, "title": series.title, "desc": ""},
            "stats": {"videoCount": 0, "viewCount": views},
        }
        return Data(to_json({"challengeInfo": info, "statusCode": 0}))

    def name_of(self, hashtag_id: str) -> str | None:
        series = self._by_id.get(hashtag_id)
        return None if series is None else series.title


def _counter_columns(header: Sequence[str]) -> tuple[int | None, int, int, int] | None:
    if {"challenge_id", "challenge_name", "observed_at", "views"} <= set(header):
        names = ("challenge_id", "challenge_name", "observed_at", "views")
        hashtag_id, name, at, views = (header.index(column) for column in names)
        return hashtag_id, name, at, views
    if {"tag", "observed_at", "view_count"} <= set(header):
        return None, header.index("tag"), header.index("observed_at"), header.index("view_count")
    return None


# --- recorded exchanges ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Capture:
    recorded_at: float
    answered: Answered


class _Captures:
    def __init__(self, sequential: bool) -> None:
        self._sequential = sequential
        self._by_request: dict[str, list[_Capture]] = {}
        self._asked: dict[str, int] = {}
        self._names: dict[str, str] = {}

    @property
    def size(self) -> int:
        return len(self._by_request)

    def load(self, path: Path) -> bool:
        content = _json_object(path)
        if not {"path", "request", "status", "body", "recorded_at"} <= content.keys():
            return False
        endpoint = endpoint_of(content["path"])
        if endpoint is None or endpoint is Endpoint.USAGE:
            return True
        call = parse_call(endpoint, to_json(content["request"]))
        if isinstance(call, Refusal):
            return True
        capture = _Capture(_timestamp(content["recorded_at"]), _answered(content))
        for key in {_key(call), *self._other_names(call, content["body"])}:
            captures = self._by_request.setdefault(key, [])
            captures.append(capture)
            captures.sort(key=lambda capture: capture.recorded_at)
        return True

    def _other_names(self, call: ApiCall, body: Any) -> list[str]:
        """Keys under which a hashtag's totals are found too: it is asked by name, later by id."""
        challenge = _challenge(body)
        if call.endpoint is not Endpoint.HASHTAG or challenge is None:
            return []
        hashtag_id, title = challenge
        self._names[hashtag_id] = title
        asked = ({"hashtag_id": hashtag_id}, {"hashtag_name": title})
        return [_key(ApiCall(Endpoint.HASHTAG, params)) for params in asked]

    def answer(self, at: datetime, call: ApiCall) -> Answered:
        key = _key(call)
        captures = self._by_request.get(key, [])
        if self._sequential and captures:
            turn = self._asked.get(key, 0)
            self._asked[key] = turn + 1
            return captures[min(turn, len(captures) - 1)].answered
        instant = at.timestamp()
        past = [capture for capture in captures if capture.recorded_at <= instant]
        return past[-1].answered if past else Missing()

    def name_of(self, hashtag_id: str) -> str | None:
        return self._names.get(hashtag_id)


def _key(call: ApiCall) -> str:
    params = dict(call.params)
    if "hashtag_name" in params:
        params["hashtag_name"] = _folded(params["hashtag_name"])
    return f"{call.endpoint} {sorted(params.items())}"


def _answered(content: Mapping[str, Any]) -> Answered:
    status, body = int(content["status"]), content["body"]
    if isinstance(body, dict) and set(body) == {"base64"}:
        headers = {name.lower(): value for name, value in (content.get("headers") or {}).items()}
        content_type = headers.get("content-type", JSON_TYPE)
        return Verbatim(status, base64.b64decode(body["base64"]), content_type)
    if status == 200 and isinstance(body, dict) and "data" in body:
        return Data(to_json(body["data"]))
    return Verbatim(status, body if isinstance(body, dict) else to_json(body))


def _challenge(body: Any) -> tuple[str, str] | None:
    try:
        challenge = body["data"]["challengeInfo"]["challenge"]
        return str(challenge["id"]), str(challenge["title"])
    except (KeyError, TypeError):
        return None
