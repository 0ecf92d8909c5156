"""Readings as lines, and what opens under a figure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from tagtide.core import formats as f
from tagtide.core.messages.blocks import safe_link
from tagtide.core.messages.words import sentence
from tagtide.core.proof.figures import Worked
from tagtide.core.proof.records import (
    CreatorRecord,
    HashtagReadingRecord,
    Reading,
    Records,
    VideoRecord,
)
from tagtide.models import video_url

#: Lines of one list.
MOST_LINES = 50
#: Videos of one part of the table of all readings.
_PART = 500
ALL_VIDEOS = "Rests on the newest reading of every video."
ERASED_NAME = "erased creator"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingRow:
    """One reading of a video as a line."""

    video: str
    handle: str
    #: As text: nothing in the page leads outside.
    link: str
    at: str
    counters: tuple[str, ...]
    field: str
    run: str
    entry: str
    #: Whether it is the earlier end.
    is_earlier: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TagRow:
    """One reading of a hashtag as a line."""

    hashtag: str
    at: str
    views: str
    views_field: str
    videos: str
    videos_field: str
    end: str
    run: str
    entry: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Behind:
    """What opens under a figure."""

    formula: str
    #: Exact value, in a sentence.
    exact: str
    rows: tuple[ReadingRow, ...] = ()
    tags: tuple[TagRow, ...] = ()
    #: Which readings these are, and where the others stand.
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoRows:
    """A video with its readings, in the table at the end."""

    video: str
    first_seen: str
    rows: tuple[ReadingRow, ...]


@dataclass(frozen=True, slots=True)
class Lines:
    """The readings of a capsule as lines."""

    records: Records
    worked: Mapping[str, Worked]

    def value(self, key: str) -> Any:
        """The value of a figure."""
        return self.worked[key].value

    def behind(self, key: str, readings: Iterable[Reading], note: str) -> Behind:
        """What opens under a figure."""
        worked = self.worked[key]
        return Behind(
            formula=sentence(worked.formula),
            exact=_exact(worked.value),
            rows=tuple(self.row(reading) for reading in readings),
            note=note,
        )

    def row(self, reading: Reading) -> ReadingRow:
        """A reading of a video."""
        creator = self.records.creators[self.records.videos[reading.video].creator]
        counters = (reading.views, reading.likes, reading.comments, reading.shares, reading.saves)
        return ReadingRow(
            video=reading.video,
            handle=creator_name(creator),
            link=_link(reading.video, creator),
            at=_utc(reading.at),
            counters=tuple(map(f.whole, counters)),
            field=f.clean_text(reading.field, 64),
            run=f.DASH if reading.run is None else str(reading.run),
            entry=str(reading.n),
            is_earlier=reading.end == "earlier",
        )

    def tag_rows(self, readings: Iterable[HashtagReadingRecord]) -> Iterable[TagRow]:
        """Readings of hashtags."""
        for reading in readings:
            yield TagRow(
                hashtag=f"#{f.clean_text(reading.hashtag, 60)}",
                at=_utc(reading.at),
                views=_rounded(reading.views, reading.views_unit),
                views_field=f.clean_text(reading.views_field, 64) or f.DASH,
                videos=_rounded(reading.videos, reading.videos_unit),
                videos_field=f.clean_text(reading.videos_field, 64) or f.DASH,
                end={"latest": "newest", "earlier": "earlier"}.get(reading.end, "beside"),
                run=f.DASH if reading.run is None else str(reading.run),
                entry=str(reading.n),
            )

    def parts(self) -> tuple[tuple[str, tuple[VideoRows, ...]], ...]:
        """Every video with its readings, most views first, in parts."""
        latest = self.records.latest
        videos = sorted(self.records.videos.values(), key=lambda v: -(latest[v.video].views or 0))
        found = []
        for start in range(0, len(videos), _PART):
            some = videos[start : start + _PART]
            title = f"Videos {f.whole(start + 1)} to {f.whole(start + len(some))} by views"
            found.append((title, tuple(map(self._video, some))))
        return tuple(found)

    def _video(self, video: VideoRecord) -> VideoRows:
        ends = (self.records.latest[video.video], self.records.earlier.get(video.video))
        return VideoRows(
            video=video.video,
            first_seen=_utc(video.first_seen_at),
            rows=tuple(self.row(reading) for reading in ends if reading is not None),
        )


def most(shown: Sequence[object], everything: Sequence[object]) -> str:
    """That not all are shown; empty where they are."""
    if len(shown) == len(everything):
        return ""
    return f"The {len(shown)} largest of {f.whole(len(everything))}."


def creator_name(creator: CreatorRecord) -> str:
    """A creator's handle, else nickname; never that of an erased one."""
    if creator.erased is not None:
        return ERASED_NAME
    if creator.handle:
        return f"@{f.clean_text(creator.handle, 40)}"
    return f.clean_text(creator.nickname, 40) or "unknown creator"


def _exact(value: object) -> str:
    if type(value) is int:
        return f.whole(value)
    return str(value) if type(value) is float else "" if value is not None else "unknown"


def _link(video: str, creator: CreatorRecord) -> str:
    if creator.erased is not None or not video.isdigit():
        return f.DASH
    url = video_url(video, creator.handle)
    return url if safe_link(url) else video_url(video, None)


@lru_cache(maxsize=4096)
def _utc(instant: datetime) -> str:
    return f"{instant.astimezone(UTC).replace(microsecond=0, tzinfo=None)}"


def _rounded(value: int | None, unit: int) -> str:
    return f.whole(value) + (f" (± {f.whole(unit)})" if value is not None and unit > 1 else "")
