"""Small campaigns written by hand, for the tests of figures, reports and renderers."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from tagtide.models import (
    CounterSource,
    HashtagReading,
    VideoCounters,
    VideoReading,
)

NOW = datetime(2026, 11, 20, 7, 0, tzinfo=UTC)
DAY = timedelta(days=1)


def counters(
    views: int | None = 100,
    likes: int | None = 0,
    comments: int | None = 0,
    shares: int | None = 0,
    saves: int | None = 0,
    source: CounterSource = CounterSource.STATS_V2,
) -> VideoCounters:
    return VideoCounters(
        view_count=views,
        like_count=likes,
        comment_count=comments,
        share_count=shares,
        save_count=saves,
        source=source,
    )


@dataclass(frozen=True)
class AVideo:
    """Has what `VideoFacts` asks for and nothing else: the reports need no store."""

    video_id: str
    counters: VideoCounters
    hashtag: str = "glowup"
    hashtags: tuple[str, ...] = ("glowup",)
    author_key: str = "k"
    author_username: str | None = "jane"
    author_sec_uid: str | None = "sec"
    author_nickname: str | None = "Jane"
    author_followers: int | None = None
    caption: str = "a caption"
    created_at: datetime | None = NOW - 3 * DAY
    first_seen_at: datetime = NOW - 2 * DAY
    high_priority_at: datetime | None = None
    read_at: datetime = field(default=NOW)


def reading(video_id: str, at: datetime, then: VideoCounters) -> VideoReading:
    return VideoReading(video_id=video_id, read_at=at, counters=then)


def totals_at(
    name: str,
    at: datetime,
    views: int | None,
    videos: int | None = None,
    unit: int = 1,
    source: CounterSource = CounterSource.STATS_V2,
) -> HashtagReading:
    return HashtagReading(
        hashtag=name,
        hashtag_id=f"id-{name}",
        read_at=at,
        view_count=views,
        view_source=source,
        view_unit=unit,
        video_count=videos,
        video_source=source,
        video_unit=1,
    )
