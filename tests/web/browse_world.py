"""A small store behind pages, for tests of lists and single things."""

from __future__ import annotations

import contextlib
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import httpx2

from tagtide.bootstrap import App, open_app
from tagtide.clock import SimulatedClock
from tagtide.jobs import Health
from tagtide.models import (
    Alert,
    AlertState,
    CounterSource,
    Creator,
    HashtagReading,
    Rule,
    Video,
    VideoCounters,
    VideoSeen,
)
from tagtide.ports import Sighting
from tagtide.settings import load
from tagtide.web import make_app

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '" onmouseover="alert(1)',
    "javascript:alert(1)",
    "{{ 7*7 }}{% raw %}",
    "\u202egnp.exe\u2066",
    "a\x01b\x1b[31m",
    "</script><script>alert(1)</script>",
    "/../../settings?x=1#y",
]


@contextlib.asynccontextmanager
async def open_pages(
    folder: Path, *, is_open: bool = True
) -> AsyncIterator[tuple[App, httpx2.AsyncClient]]:
    """The pages over a store in memory, without a socket."""
    environ = {"TAGTIDE_DATABASE_URL": "sqlite://", "TAGTIDE_API_URL": "http://127.0.0.1:9"}
    loaded = load(environ=environ, cwd=folder)
    async with open_app(loaded, clock=SimulatedClock(NOW)) as app:
        transport = httpx2.ASGITransport(app=make_app(app, Health(), is_open=is_open))
        async with httpx2.AsyncClient(transport=transport, base_url="http://localhost") as web:
            yield app, web


class Marks(HTMLParser):
    """Every element and attribute of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    @classmethod
    def check(cls, page: str) -> None:
        """Nothing of a stranger's has become a part of the page."""
        marks = cls()
        marks.feed(page)
        assert not marks.tags & {"img", "iframe", "object", "base"}
        ours = re.findall(r'<script (?:nonce="[0-9a-f]{32}" src="/|type="application/json">)', page)
        assert page.count("<script") == len(ours)
        assert not [name for name, _ in marks.attributes if name.startswith("on")]
        links = [value for name, value in marks.attributes if name in {"href", "action", "hx-get"}]
        assert all(re.match(r"/|#|data:,$|https://www\.tiktok\.com/", x) for x in links), links
        assert not set("\u202e\u2066\x00\x01\x1b") & set(page)


def reading(name: str, at: datetime, views: int | None, videos: int | None) -> HashtagReading:
    return HashtagReading(
        hashtag=name,
        hashtag_id="1",
        read_at=at,
        view_count=views,
        view_source=CounterSource.STATS_V2 if views is not None else None,
        view_unit=1,
        video_count=videos,
        video_source=CounterSource.STATS_V2 if videos is not None else None,
        video_unit=1,
    )


def seen(number: int, views: int | None = 100, **changes: Any) -> VideoSeen:
    facts: dict[str, Any] = {
        "video_id": str(7_000_000_000 + number),
        "creator": Creator(
            creator_key=f"sec{number % 40}",
            sec_uid=f"sec{number % 40}",
            uid=None,
            username=f"user{number % 40}",
            nickname=f"Nick {number % 40}",
        ),
        "caption": f"caption {number}",
        "created_at": NOW - timedelta(hours=30 + number % 50),
        "hashtags": ("glow",),
    }
    counters: dict[str, Any] = {
        "view_count": views,
        "like_count": None if views is None else views // (10 + number % 7),
        "comment_count": None if views is None else 2,
        "share_count": None if views is None else 1,
        "save_count": None,
        "source": CounterSource.STATISTICS,
    }
    known = {key: changes.pop(key) for key in list(changes) if key in counters}
    return VideoSeen(video=Video(**facts | changes), counters=VideoCounters(**counters | known))


def sighting(
    *videos: VideoSeen,
    campaign_ids: tuple[int, ...] = (1,),
    at: datetime = NOW - timedelta(hours=1),
    hashtag: str = "glow",
) -> Sighting:
    return Sighting(
        hashtag=hashtag, campaign_ids=campaign_ids, read_at=at, videos=videos, run_id=None
    )


def alert(campaign_id: int, **more: Any) -> Alert:
    facts: dict[str, Any] = {
        "alert_id": "a1",
        "fingerprint": "f",
        "campaign_id": campaign_id,
        "rule": Rule.VIRAL_VIDEO,
        "hashtag": "glow",
        "video_id": "7",
        "state": AlertState.FIRING,
        "opened_at": NOW - timedelta(hours=1),
        "updated_at": NOW - timedelta(hours=1),
        "resolved_at": None,
        "value": 12.0,
        "threshold": 10.0,
        "peak": 12.0,
        "reason": "A video went viral.",
        "url": "https://www.tiktok.com/tag/glow",
    }
    return Alert(**facts | more)
