"""A world small enough to compute by hand: straight lines, and feeds that are lists."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from tagtide.simulator.payloads import TotalsForm, hashtag_totals, invented_id
from tagtide.simulator.protocol import Answered, ApiCall, Data, Endpoint, Missing, to_json

HOUR = timedelta(hours=1)


@dataclass(frozen=True, kw_only=True)
class Clip:
    """A video whose counters grow on a straight line."""

    number: int
    created: datetime
    views: int = 1_000
    views_per_hour: int = 0
    #: Likes, comments and shares for every hundred views: the engagement rate in percent.
    likes: int = 2
    comments: int = 1
    shares: int = 1
    author: str = ""
    caption: str = "a caption"

    @property
    def video_id(self) -> str:
        return str(7_000_000_000_000_000_000 + self.number)

    def views_at(self, at: datetime) -> int:
        return self.views + round(self.views_per_hour * ((at - self.created) / HOUR))

    def record(self, at: datetime) -> dict[str, object]:
        views = self.views_at(at)
        name = self.author or f"user{self.number % 20}"
        return {
            "aweme_id": self.video_id,
            "desc": self.caption,
            "create_time": int(self.created.timestamp()),
            "author": {"unique_id": name, "sec_uid": f"sec-{name}", "uid": "1", "nickname": name},
            "statistics": {
                "play_count": views,
                "digg_count": views * self.likes // 100,
                "comment_count": views * self.comments // 100,
                "share_count": views * self.shares // 100,
                "collect_count": views // 100,
            },
        }


@dataclass(frozen=True, kw_only=True)
class Tag:
    """A hashtag whose totals grow on straight lines from the world's start."""

    views: int = 1_000_000
    views_per_hour: int = 1_000
    videos: int = 5_000
    videos_per_hour: float = 10.0
    form: TotalsForm = TotalsForm.EXACT
    feed: tuple[Clip, ...] = ()
    #: Fewer than asked for, to make pages of a handful of videos.
    page_size: int = 30


@dataclass
class SmallWorld:
    """Answers for any hashtag; those that are not named are like ``default``."""

    start: datetime
    tags: dict[str, Tag] = field(default_factory=dict)
    default: Tag = Tag()
    missing: frozenset[str] = frozenset()
    _names: dict[str, str] = field(default_factory=dict)

    def change(self, name: str, **values: object) -> None:
        self.tags[name] = replace(self.tag(name), **values)  # type: ignore[arg-type]

    def tag(self, name: str) -> Tag:
        return self.tags.get(name, self.default)

    def name_of(self, hashtag_id: str) -> str | None:
        return self._names.get(hashtag_id)

    def answer(self, at: datetime, call: ApiCall) -> Answered:
        hashtag_id = call.text("hashtag_id")
        name = self._names.get(hashtag_id) if hashtag_id else call.text("hashtag_name")
        if name is None or name in self.missing:
            return Missing()
        self._names[invented_id(name)] = name
        if call.endpoint is Endpoint.HASHTAG:
            return Data(to_json(self._totals(name, at)))
        return Data(to_json(self._page(name, at, call)))

    def views_of(self, name: str, at: datetime) -> int:
        tag = self.tag(name)
        return tag.views + round(tag.views_per_hour * ((at - self.start) / HOUR))

    def videos_of(self, name: str, at: datetime) -> int:
        tag = self.tag(name)
        return tag.videos + round(tag.videos_per_hour * ((at - self.start) / HOUR))

    def _totals(self, name: str, at: datetime) -> dict[str, object]:
        views, videos = self.views_of(name, at), self.videos_of(name, at)
        return hashtag_totals(self.tag(name).form, invented_id(name), name, views, videos)

    def _page(self, name: str, at: datetime, call: ApiCall) -> dict[str, object]:
        tag, start = self.tag(name), int(call.cursor)
        living = [clip for clip in tag.feed if clip.created <= at]
        page = living[start : start + min(tag.page_size, call.count)]
        end = start + len(page)
        return {
            "aweme_list": [clip.record(at) for clip in page],
            "cursor": end,
            "has_more": int(end < len(living)),
        }


def crowd(created: datetime, count: int, *, first: int = 1, views: int = 1_000) -> tuple[Clip, ...]:
    """Ordinary videos with different numbers of views."""
    return tuple(
        Clip(number=first + i, created=created, views=views + 10 * i, views_per_hour=10)
        for i in range(count)
    )
