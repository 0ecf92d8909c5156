"""Readings for the tables of the pure part."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from tagtide.models import CounterSource, HashtagReading

START = datetime(2026, 3, 1, tzinfo=UTC)
V2, STATS = CounterSource.STATS_V2, CounterSource.STATS


def reading(
    hours: float,
    videos: int | None,
    views: int | None = None,
    *,
    source: CounterSource = V2,
    unit: int = 1,
    hashtag_id: str | None = "1",
) -> HashtagReading:
    return HashtagReading(
        hashtag="glow",
        hashtag_id=hashtag_id,
        read_at=START + timedelta(hours=hours),
        view_count=views,
        view_source=None if views is None else source,
        view_unit=unit,
        video_count=videos,
        video_source=None if videos is None else source,
        video_unit=unit,
    )
