"""What the entries of a capsule stand for, as typed records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

#: A creator whose key begins so was erased: what follows is a hash, never a name.
ERASED = "erased:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """Whose report it is, of which instant, by which rules."""

    schema: int
    form: int
    tool: str
    campaign: str
    timezone: str
    as_of: datetime
    date: str
    top: int
    viral_factor: float
    viral_min_others: int
    high_priority_rate: float
    high_priority_views: int
    #: Public half of the key that signs; None without a signature.
    key: str | None
    n: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CreatorRecord:
    """A creator; the number stands for TikTok's id, in the order of these ids."""

    creator: int
    handle: str | None
    nickname: str | None
    followers: int | None
    #: Hash that the erasure left; None for all others.
    erased: str | None
    n: int


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoRecord:
    """What does not change about a video."""

    video: str
    creator: int
    hashtags: tuple[str, ...]
    first_seen_at: datetime
    high_priority_at: datetime | None
    #: Only of videos in a list of the report.
    caption: str | None
    n: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """Counters of a video at one instant."""

    video: str
    at: datetime
    #: ``latest`` or ``earlier``.
    end: str
    views: int | None
    likes: int | None
    comments: int | None
    shares: int | None
    saves: int | None
    field: str
    run: int | None
    n: int
    #: likes + comments + shares; unknown when one of them is.
    engagement: int | None
    #: Engagement over views; unknown when views are 0 or unknown.
    rate: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class HashtagRecord:
    """A hashtag of the campaign, and how its last read ended."""

    hashtag: str
    role: str
    status: str | None
    reason: str
    #: Whether readings beside the two ends were at hand, to tell stale and corrected counters.
    has_history: bool
    n: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HashtagReadingRecord:
    """Counters of a hashtag at one instant."""

    hashtag: str
    at: datetime
    #: ``latest``, ``earlier`` or ``beside``.
    end: str
    id: str | None
    views: int | None
    views_field: str | None
    views_unit: int
    videos: int | None
    videos_field: str | None
    videos_unit: int
    run: int | None
    n: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FigureRecord:
    """A figure as the report states it."""

    key: str
    value: Any
    #: How it is worked out, in words.
    formula: str
    #: Numbers of the entries it rests on, or the name of a set of readings.
    inputs: Any
    n: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Stated:
    """What the report says and no reading here can prove."""

    key: str
    value: Any
    n: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Records:
    """Everything a capsule holds, in the order of the file."""

    header: Header
    creators: Mapping[int, CreatorRecord]
    videos: Mapping[str, VideoRecord]
    latest: Mapping[str, Reading]
    earlier: Mapping[str, Reading]
    hashtags: Mapping[str, HashtagRecord]
    hashtag_readings: Mapping[str, tuple[HashtagReadingRecord, ...]]
    figures: Mapping[str, FigureRecord]
    stated: Mapping[str, Stated]
    #: SHA-256 of the page; None while it is being made.
    page: str | None

    @property
    def readings(self) -> int:
        """How many readings it holds."""
        tags = sum(len(held) for held in self.hashtag_readings.values())
        return len(self.latest) + len(self.earlier) + tags


# Readings of one page share their instant.
@lru_cache(maxsize=4096)
def written(instant: datetime) -> str:
    """An instant as entries hold it: UTC with ``Z``, microseconds only where there are any."""
    return instant.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"
