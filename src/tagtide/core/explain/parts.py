"""What an explanation says, as data; docs/explanation.md has the shape."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from tagtide.core.formats import clean_text, iso_utc
from tagtide.core.rules import Measure
from tagtide.models import video_url

_TOP = 5
_CREATORS = 3


class Doubt(StrEnum):
    """What speaks against taking the change at its word."""

    NONE = ""
    #: The counter is shown in steps, and moved by one.
    ROUNDING_STEP = "rounding_step"
    #: The videos that hold most of its views hardly moved: perhaps a correction of the counter.
    NOT_IN_VIDEOS = "not_in_videos"
    #: The held videos alone gained more than the counter did: it is behind.
    COUNTER_BEHIND = "counter_behind"


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """A change that a rule judged, whichever rule."""

    hashtag: str
    measure: Measure
    since: datetime
    until: datetime
    #: As stated. None where the change is that of the held videos themselves (engagement).
    delta: int | None
    #: Bounds of the true change; ``high`` is None where there may be any number more.
    low: int | None
    high: int | None
    #: Level that the change starts from.
    base: int | None = None
    #: The change at which the rule fires, None when it is not known; as a fraction of the base
    #: with ``is_relative``.
    bar: float | None = None
    is_relative: bool = False

    @property
    def hours(self) -> float:
        """The span."""
        return max((self.until - self.since).total_seconds() / 3600, 0.0)

    @property
    def counts_videos(self) -> bool:
        """Whether it is a number of videos."""
        return self.measure in {Measure.VIDEO_COUNT, Measure.VIDEOS_SEEN}


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What one video gained."""

    video_id: str
    author_key: str
    author_username: str | None
    #: Published in the span.
    is_new: bool
    age_hours: float | None
    gained: int
    #: What it had at the earlier end; 0 for a new one.
    before: int
    #: Of the change; None when there is none to be a share of.
    share: float | None = None

    def as_dict(self) -> dict[str, Any]:
        """JSON form."""
        return {
            "video_id": self.video_id,
            "author_username": handle(self.author_username),
            "url": video_url(self.video_id, self.author_username),
            "is_new": self.is_new,
            "age_hours": None if self.age_hours is None else round(self.age_hours, 1),
            "gained": self.gained,
            "share": rounded_share(self.share),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class CreatorPart:
    """What the videos of one creator gained, or how many new ones there are."""

    author_key: str
    author_username: str | None
    videos: int
    gained: int
    share: float | None

    def as_dict(self) -> dict[str, Any]:
        """JSON form."""
        return {
            "author_username": handle(self.author_username),
            "videos": self.videos,
            "gained": self.gained,
            "share": rounded_share(self.share),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """New videos together, or known ones."""

    videos: int
    gained: int
    share: float | None

    def as_dict(self) -> dict[str, Any]:
        """JSON form."""
        return {"videos": self.videos, "gained": self.gained, "share": rounded_share(self.share)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Over:
    """What held videos gained between readings that reach back beyond the span."""

    hours: float
    videos: int
    gained: int
    #: The one that gained most, with its share of what these videos gained.
    top: Part | None

    def as_dict(self) -> dict[str, Any]:
        """JSON form."""
        return {
            "hours": round(self.hours, 1),
            "videos": self.videos,
            "gained": self.gained,
            "top": None if self.top is None else self.top.as_dict(),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Without:
    """The change without its largest part: one video, or the new videos of one creator."""

    video_id: str | None
    author_username: str | None
    videos: int
    value: int
    #: Relative to the base without that part; None without a base.
    ratio: float | None
    #: Whether the rule would have fired all the same; None when its bar is not known.
    fires: bool | None

    def as_dict(self) -> dict[str, Any]:
        """JSON form."""
        return {
            "video_id": self.video_id,
            "author_username": handle(self.author_username),
            "videos": self.videos,
            "value": self.value,
            "ratio": rounded_share(self.ratio),
            "fires": self.fires,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """What new videos have in common; says nothing about why."""

    #: Most that were published within ten minutes.
    within_ten_minutes: int
    #: Most that have the same caption.
    same_caption: int

    def as_dict(self) -> dict[str, Any]:
        """JSON form."""
        return {
            "within_ten_minutes": self.within_ten_minutes,
            "same_caption": self.same_caption,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """A change and what it is made of."""

    moved: Moved
    delta: int
    low: int
    high: int | None
    parts: tuple[Part, ...]
    creators: tuple[CreatorPart, ...]
    new: Group
    known: Group
    unseen_low: int
    #: None where there may be any number more.
    unseen_high: int | None
    unseen_share: float | None
    #: Held videos of which nothing can be said: read at one end only, or not since the change.
    left_out: int
    #: From when to when the counted videos were read, when that is not the span itself.
    read_since: datetime | None
    read_until: datetime | None
    over: Over | None
    without: Without | None
    pattern: Pattern | None
    doubt: Doubt
    #: All of it for a person.
    sentence: str = ""

    def as_dict(self) -> dict[str, Any]:
        """JSON form: always these keys, unknown is null."""
        moved = self.moved
        return {
            "sentence": self.sentence,
            "measure": moved.measure.value,
            "since": iso_utc(moved.since),
            "until": iso_utc(moved.until),
            "hours": round(moved.hours, 2),
            "delta": self.delta,
            "low": self.low,
            "high": self.high,
            "videos": [part.as_dict() for part in self.parts[:_TOP]],
            "creators": [creator.as_dict() for creator in self.creators[:_CREATORS]],
            "new": self.new.as_dict(),
            "known": self.known.as_dict(),
            "unseen": {
                "low": self.unseen_low,
                "high": self.unseen_high,
                "share": rounded_share(self.unseen_share),
            },
            "left_out": self.left_out,
            "read_since": None if self.read_since is None else iso_utc(self.read_since),
            "read_until": None if self.read_until is None else iso_utc(self.read_until),
            "over": None if self.over is None else self.over.as_dict(),
            "without": None if self.without is None else self.without.as_dict(),
            "pattern": None if self.pattern is None else self.pattern.as_dict(),
            "doubt": self.doubt.value,
        }


def handle(username: str | None) -> str | None:
    """A stranger's handle as one clean word; None without one."""
    return clean_text(username, 40) or None


def rounded_share(share: float | None) -> float | None:
    """A share for machines."""
    return None if share is None else round(share, 4)
