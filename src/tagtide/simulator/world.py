"""A living world of hashtags: what the API would say is a function of (seed, instant).

Nothing is stored and nothing advances by itself. The clock may run ahead, stand still or go back;
the same question at the same instant always has the same bytes as its answer.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from heapq import merge

from tagtide.simulator.growth import DAY, HOUR, activity
from tagtide.simulator.payloads import (
    UNKNOWN_HASHTAG,
    FeedForm,
    TotalsForm,
    clip_text,
    feed_page,
    hashtag_totals,
    invented_id,
    mobile_record,
    padded,
    profile,
    search_page,
    web_record,
)
from tagtide.simulator.people import Person, number_of_sec_uid, number_of_username
from tagtide.simulator.protocol import Answered, ApiCall, Data, Endpoint, Missing, to_json
from tagtide.simulator.streams import (
    CREATORS_PER_STREAM,
    Clip,
    Stream,
    StreamHistory,
    stream_of,
)

#: Counters are refreshed once a minute; between two refreshes answers are identical.
REFRESH_SECONDS = 60
#: A feed ends long before the hashtag does.
FEED_DEPTH = 600
#: Share of feed places that repeat a video from further up.
_REPEATS = 0.03
_CACHE_BYTES = 96 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Tag:
    """A hashtag and what it held before the world began."""

    name: str
    #: Totals of videos that the world does not hold one by one, and what they gain per day.
    base_views: int = 0
    base_videos: int = 0
    views_per_day: float = 0.0
    videos_per_day: float = 0.0
    #: Before this Unix instant nobody has used it.
    starts: float = -math.inf
    form: TotalsForm = TotalsForm.EXACT


@dataclass(frozen=True, slots=True)
class Totals:
    """True totals of a hashtag."""

    views: int
    videos: int


class World:
    """Hashtags, videos and creators; implements `tagtide.simulator.protocol.Answers`.

    Args:
        seed: Another seed is another world.
        epoch: Unix instant from which the base totals of hashtags grow.
        tags: The hashtags.
        streams: Where their videos come from, at most 4,096.
        feed_form: Which leg answers feeds.
        record_bytes: Records are padded to about this size; 0 leaves them small (about 2 kB).
        stale_share: Share of the ten-minute spans in which a hashtag's totals are hours old.
    """

    def __init__(
        self,
        *,
        seed: int,
        epoch: float,
        tags: Sequence[Tag],
        streams: Sequence[Stream],
        feed_form: FeedForm = FeedForm.MOBILE,
        record_bytes: int = 0,
        stale_share: float = 0.015,
    ) -> None:
        if len(streams) > 4_096:
            raise ValueError("a world holds at most 4,096 streams")
        self.seed = seed
        self.tags = {tag.name: tag for tag in tags}
        self._epoch = epoch
        self._feed_form = feed_form
        self._record_bytes = record_bytes
        self._stale_share = stale_share
        self._histories = [StreamHistory(seed, i, stream) for i, stream in enumerate(streams)]
        self._names = {self.id_of(name): name for name in self.tags}
        self._cache = _Cache(_CACHE_BYTES)
        self._answers: dict[Endpoint, Callable[[float, ApiCall], Answered]] = {
            Endpoint.HASHTAG: self._hashtag,
            Endpoint.HASHTAG_VIDEOS: self._hashtag_videos,
            Endpoint.SEARCH_VIDEOS: self._search_videos,
            Endpoint.PROFILE: self._profile,
            Endpoint.VIDEO: self._video,
        }

    # --- what the server asks ---------------------------------------------------------------------

    def answer(self, at: datetime, call: ApiCall) -> Answered:
        """What the API says at an instant."""
        instant = float(at.timestamp() // REFRESH_SECONDS * REFRESH_SECONDS)
        key = (instant, call.endpoint, *call.params.items())
        kept = self._cache.get(key)
        if kept is not None:
            return Data(kept)
        answered = self._answers[call.endpoint](instant, call)
        if isinstance(answered, Data):
            self._cache.put(key, answered.json)
        return answered

    def name_of(self, hashtag_id: str) -> str | None:
        """Name of a hashtag of this world."""
        return self._names.get(hashtag_id)

    def id_of(self, name: str) -> str:
        """Id of a hashtag, known or not."""
        return invented_id(name)

    # --- what tests ask ---------------------------------------------------------------------------

    def totals(self, name: str, at: datetime) -> Totals:
        """True totals, never stale. Raises `KeyError` for a hashtag that is not here."""
        return self._totals(self.tags[name], at.timestamp())

    def clips(self, name: str, at: datetime) -> list[Clip]:
        """Every video under a hashtag up to an instant, oldest first, deleted ones included."""
        return self._clips(name, at.timestamp())

    # --- totals -----------------------------------------------------------------------------------

    def _hashtag(self, at: float, call: ApiCall) -> Answered:
        name = self._tag_name(call)
        tag = self.tags.get(name or "")
        if tag is None or at < tag.starts:
            return Data(UNKNOWN_HASHTAG)
        totals = self._totals(tag, at - self._staleness(tag.name, at))
        hashtag_id = self.id_of(tag.name)
        body = hashtag_totals(tag.form, hashtag_id, tag.name, totals.views, totals.videos)
        return Data(to_json(body))

    def _tag_name(self, call: ApiCall) -> str | None:
        hashtag_id = call.text("hashtag_id")
        if hashtag_id is not None:
            return self._names.get(hashtag_id)
        return (call.text("hashtag_name") or "").casefold()

    def _totals(self, tag: Tag, at: float) -> Totals:
        clock = activity(at)
        clips = self._clips(tag.name, at)
        days = max(0.0, clock - activity(self._epoch)) / 24
        views = tag.base_views + int(tag.views_per_day * days)
        videos = tag.base_videos + int(tag.videos_per_day * days)
        views += sum(clip.views(at, clock) for clip in clips)
        videos += sum(clip.deleted_at > at for clip in clips)
        return Totals(views, videos)

    def _staleness(self, name: str, at: float) -> float:
        """Seconds by which the totals are old: mostly none, at times some hours."""
        chance = self._chance(name, int(at // 600))
        return 0.0 if chance >= self._stale_share else HOUR * (1 + 5 * chance / self._stale_share)

    # --- feeds ------------------------------------------------------------------------------------

    def _hashtag_videos(self, at: float, call: ApiCall) -> Answered:
        name = self._names.get(call.text("hashtag_id") or "")
        ranked = self._ranked(name, at) if name else []
        page, cursor, has_more = _page_of(ranked, call)
        records = [self._record(clip, at) for clip in page]
        return Data(feed_page(self._feed_form, records, cursor=cursor, has_more=has_more))

    def _ranked(self, name: str, at: float) -> list[Clip]:
        kept = self._cache.ranking(name, at)
        if kept is None:
            living = [clip for clip in self._clips(name, at) if clip.deleted_at > at]
            kept = self._with_repeats(self._by_score(living, at)[:FEED_DEPTH])
            self._cache.keep_ranking(name, at, kept)
        return kept

    def _by_score(self, clips: Iterable[Clip], at: float) -> list[Clip]:
        clock, day = activity(at), int(at // DAY)

        def score(clip: Clip) -> float:
            popularity = math.log1p(clip.views(at, clock))
            freshness = 3.5 * math.exp(-(at - clip.created) / (30 * HOUR))
            return popularity + freshness + 2.5 * self._chance(clip.video_id, day)

        return sorted(clips, key=score, reverse=True)

    def _with_repeats(self, clips: list[Clip]) -> list[Clip]:
        feed: list[Clip] = []
        for place, clip in enumerate(clips):
            feed.append(clip)
            if place > 20 and self._chance(clip.video_id, "repeat") < _REPEATS:
                feed.append(clips[place - 1 - clip.video_id % 20])
        return feed

    def _clips(self, name: str, at: float) -> list[Clip]:
        sources = [
            history.until(at)
            if history.stream.hashtag == name
            else [clip for clip in history.until(at) if name in clip.tags]
            for history in self._histories
            if name == history.stream.hashtag or any(name == tag for tag, _ in history.stream.also)
        ]
        if len(sources) == 1:
            return sources[0]
        return list(merge(*sources, key=lambda clip: clip.created))

    def _record(self, clip: Clip, at: float) -> bytes:
        views = clip.views(at, activity(at))
        topic = self._histories[clip.stream].stream.topic
        if self._feed_form is FeedForm.WEB:
            followers = self._followers(clip.author, at)
            record = web_record(clip, topic, views, followers, self.id_of)
        else:
            record = mobile_record(clip, topic, views, self.id_of)
        return padded(record, self._record_bytes)

    # --- search, people, single videos ------------------------------------------------------------

    def _search_videos(self, at: float, call: ApiCall) -> Answered:
        found = self._found((call.text("keyword") or "").casefold().lstrip("#"), at)
        days = int(call.params["publish_time"])
        if days:
            found = [clip for clip in found if clip.created >= at - days * DAY]
        ordered = self._by_score(found, at)
        if call.params["sort_type"] == "1":
            clock = activity(at)
            ordered.sort(key=lambda clip: clip.views(at, clock) * clip.likes, reverse=True)
        page, cursor, has_more = _page_of(ordered[:FEED_DEPTH], call)
        records = [self._mobile(clip, at) for clip in page]
        return Data(search_page(records, cursor=cursor, has_more=has_more))

    def _found(self, keyword: str, at: float) -> list[Clip]:
        return [
            clip
            for history in self._histories
            if _mentions(history.stream, keyword)
            for clip in history.until(at)
            if clip.deleted_at > at
        ]

    def _mobile(self, clip: Clip, at: float) -> bytes:
        topic = self._histories[clip.stream].stream.topic
        record = mobile_record(clip, topic, clip.views(at, activity(at)), self.id_of)
        return padded(record, self._record_bytes)

    def _profile(self, at: float, call: ApiCall) -> Answered:
        sec_uid, username = call.text("sec_user_id"), call.text("username")
        number = number_of_sec_uid(sec_uid) if sec_uid else number_of_username(username or "")
        index = -1 if number is None else number // CREATORS_PER_STREAM
        if number is None or not 0 <= index < len(self._histories):
            return Missing()
        author = self._histories[index].person(number)
        if (sec_uid or username) not in {author.sec_uid, author.username}:
            return Missing()
        return Data(to_json(profile(author, self._followers(author, at))))

    def _followers(self, author: Person, at: float) -> int:
        years = max(0.0, at - self._epoch) / (365 * DAY)
        return int(author.followers * (1 + 0.4 * years))

    def _video(self, at: float, call: ApiCall) -> Answered:
        clip = self._clip(call.text("video_id") or "")
        if clip is None or not clip.created <= at < clip.deleted_at:
            return Missing()
        return Data(b'{"aweme_detail":' + self._mobile(clip, at) + b"}")

    def _clip(self, text: str) -> Clip | None:
        if not (text.isascii() and text.isdigit() and len(text) <= 20):
            return None
        video_id = int(text)
        index = stream_of(video_id)
        if index >= len(self._histories):
            return None
        day = self._histories[index].day((video_id >> 32) // DAY)
        return next((clip for clip in day if clip.video_id == video_id), None)

    def caption_of(self, clip: Clip) -> str:
        """The caption of a video."""
        return clip_text(clip, self._histories[clip.stream].stream.topic)

    def _chance(self, *parts: object) -> float:
        """A number in [0, 1) that is the same whenever the same is asked."""
        digest = blake2b(repr((self.seed, parts)).encode(), digest_size=6).digest()
        return int.from_bytes(digest, "big") / 2**48


def _mentions(stream: Stream, keyword: str) -> bool:
    return bool(keyword) and (
        keyword in (stream.hashtag or "") or any(keyword in word for word in stream.keywords)
    )


def _page_of(clips: Sequence[Clip], call: ApiCall) -> tuple[Sequence[Clip], int, bool]:
    start = int(call.cursor)
    page = clips[start : start + call.count]
    cursor = start + len(page)
    return page, cursor, cursor < len(clips)


class _Cache:
    """The newest answers, up to a number of bytes, and the newest rankings."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._size = 0
        self._bodies: OrderedDict[object, bytes] = OrderedDict()
        self._rankings: OrderedDict[tuple[str, float], list[Clip]] = OrderedDict()

    def get(self, key: object) -> bytes | None:
        return self._bodies.get(key)

    def put(self, key: object, body: bytes) -> None:
        self._bodies[key] = body
        self._size += len(body)
        while self._size > self._limit:
            self._size -= len(self._bodies.popitem(last=False)[1])

    def ranking(self, name: str, at: float) -> list[Clip] | None:
        return self._rankings.get((name, at))

    def keep_ranking(self, name: str, at: float, clips: list[Clip]) -> None:
        self._rankings[name, at] = clips
        if len(self._rankings) > 512:
            self._rankings.popitem(last=False)
