"""Entries to records: whatever does not fit the schema is refused."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from tagtide.core.proof import SCHEMA
from tagtide.core.proof.chain import Malformed
from tagtide.core.proof.records import (
    CreatorRecord,
    FigureRecord,
    HashtagReadingRecord,
    HashtagRecord,
    Header,
    Reading,
    Records,
    Stated,
    VideoRecord,
    written,
)

#: No counter of TikTok's is larger; what is, was not read.
_LARGEST = 2**63 - 1
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?Z", re.ASCII)
_VIDEO = re.compile(r"\d{1,24}|erased-\d{1,9}", re.ASCII)
_KEY = re.compile(r"[0-9a-f]{64}")


class TooNew(Malformed):
    """Made by a newer tagtide."""


def read_records(entries: Iterable[Mapping[str, Any]]) -> Records:
    """The records of a data part. Raises `Malformed`, and `TooNew` for a later schema."""
    held = _Held()
    header: Header | None = None
    for number, entry in enumerate(entries):
        fields = _Fields(entry, number)
        if header is None:
            header = _header(fields)
            fields.end()
        else:
            _read(fields, held)
    if header is None:
        raise Malformed("there is no entry")
    held.check()
    return Records(
        header=header,
        creators=held.creators,
        videos=held.videos,
        latest=held.latest,
        earlier=held.earlier,
        hashtags=held.hashtags,
        hashtag_readings={name: tuple(found) for name, found in held.hashtag_readings.items()},
        figures=held.figures,
        stated=held.stated,
        page=held.page,
    )


def complete(records: Records, says: Iterable[Mapping[str, Any]]) -> Records:
    """The records of a data part to which figures and statements were added."""
    held = _Held()
    for entry in says:
        _read(_Fields(entry, int(entry["n"])), held)
    return replace(records, figures=held.figures, stated=held.stated)


def _read(fields: _Fields, held: _Held) -> None:
    if held.page is not None:
        raise Malformed(f"entry {fields.n} stands behind the page")
    _READERS.get(fields.text("kind", 32), _unknown)(fields, held)
    fields.end()


@dataclass(slots=True)
class _Held:
    creators: dict[int, CreatorRecord] = field(default_factory=dict)
    videos: dict[str, VideoRecord] = field(default_factory=dict)
    latest: dict[str, Reading] = field(default_factory=dict)
    earlier: dict[str, Reading] = field(default_factory=dict)
    hashtags: dict[str, HashtagRecord] = field(default_factory=dict)
    hashtag_readings: dict[str, list[HashtagReadingRecord]] = field(default_factory=dict)
    figures: dict[str, FigureRecord] = field(default_factory=dict)
    stated: dict[str, Stated] = field(default_factory=dict)
    page: str | None = None

    def check(self) -> None:
        """Every video has one newest reading and a creator, and ends lie in their order."""
        for video in self.videos.values():
            latest, earlier = self.latest.get(video.video), self.earlier.get(video.video)
            if video.creator not in self.creators:
                raise Malformed(f"entry {video.n} names a creator that is not there")
            if latest is None:
                raise Malformed(f"entry {video.n} is a video without a newest reading")
            if earlier is not None and earlier.at >= latest.at:
                raise Malformed(f"entry {earlier.n} is earlier in name only")
        for reading in (*self.latest.values(), *self.earlier.values()):
            if reading.video not in self.videos:
                raise Malformed(f"entry {reading.n} is a reading of a video that is not there")
        for name, readings in self.hashtag_readings.items():
            if name not in self.hashtags:
                raise Malformed(f"entry {readings[0].n} is of a hashtag that is not there")
            ends = [r.end for r in readings if r.end != "beside"]
            if len(ends) != len(set(ends)) or len({r.at for r in readings}) != len(readings):
                raise Malformed(f"entry {readings[0].n} is of a hashtag that is read twice at once")


# --- one entry ------------------------------------------------------------------------------------


class _Fields:
    """The fields of one entry, each taken once and by type."""

    def __init__(self, entry: Mapping[str, Any], number: int) -> None:
        self._left, self.n = dict(entry), number
        if self.integer("n") != number:
            raise Malformed(f"entry {number} has another number")

    def end(self) -> None:
        """Nothing may be left over."""
        if self._left:
            raise Malformed(f"entry {self.n} holds more than the schema knows")

    def fault(self, name: str) -> Malformed:
        """What to raise about a field."""
        return Malformed(f"entry {self.n}: {name} is not what the schema asks for")

    def any(self, name: str) -> Any:
        """A field of any type; it must be there."""
        if name not in self._left:
            raise self.fault(name)
        return self._left.pop(name)

    def maybe_text(self, name: str, longest: int) -> str | None:
        """Text, or null."""
        value = self.any(name)
        if value is not None and (not isinstance(value, str) or len(value) > longest):
            raise self.fault(name)
        return value

    def text(self, name: str, longest: int) -> str:
        """Text."""
        value = self.maybe_text(name, longest)
        if value is None:
            raise self.fault(name)
        return value

    def maybe_integer(self, name: str) -> int | None:
        """A whole number from 0 to the largest counter, or null."""
        value = self.any(name)
        if value is not None and (type(value) is not int or not 0 <= value <= _LARGEST):
            raise self.fault(name)
        return value

    def integer(self, name: str) -> int:
        """A whole number from 0 to the largest counter."""
        value = self.maybe_integer(name)
        if value is None:
            raise self.fault(name)
        return value

    def number(self, name: str) -> float:
        """A number from 0 on."""
        value = self.any(name)
        if type(value) not in (int, float) or not 0 <= value <= _LARGEST:
            raise self.fault(name)
        return float(value)

    def boolean(self, name: str) -> bool:
        """True or false."""
        value = self.any(name)
        if not isinstance(value, bool):
            raise self.fault(name)
        return value

    def maybe_instant(self, name: str) -> datetime | None:
        """An instant in UTC, or null."""
        value = self.any(name)
        if value is None:
            return None
        instant = _instant(value) if isinstance(value, str) else None
        if instant is None:
            raise self.fault(name)
        return instant

    def instant(self, name: str) -> datetime:
        """An instant in UTC."""
        value = self.maybe_instant(name)
        if value is None:
            raise self.fault(name)
        return value

    def one_of(self, name: str, *values: str) -> str:
        """One of some words."""
        value = self.text(name, 64)
        if value not in values:
            raise self.fault(name)
        return value

    def maybe_key(self, name: str) -> str | None:
        """64 hexadecimal digits, or null."""
        value = self.maybe_text(name, 64)
        if value is not None and not _KEY.fullmatch(value):
            raise self.fault(name)
        return value

    def video(self) -> str:
        """The id of a video, or what stands for one whose creator was erased."""
        value = self.text("video", 24)
        if not _VIDEO.fullmatch(value):
            raise self.fault("video")
        return value


@lru_cache(maxsize=4096)
def _instant(text: str) -> datetime | None:
    if not _INSTANT.fullmatch(text):
        return None
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        return None
    return instant if written(instant) == text else None


def _header(fields: _Fields) -> Header:
    kind = fields.text("kind", 32)
    schema = fields.integer("schema")
    if kind != "capsule":
        raise Malformed("the first entry does not say what this is")
    if schema > SCHEMA:
        raise TooNew(f"schema {schema}")
    header = Header(
        schema=schema,
        form=fields.integer("form"),
        tool=fields.text("tool", 64),
        campaign=fields.text("campaign", 200),
        timezone=fields.text("timezone", 64),
        as_of=fields.instant("as_of"),
        date=fields.text("date", 10),
        top=fields.integer("top"),
        viral_factor=fields.number("viral_factor"),
        viral_min_others=fields.integer("viral_min_others"),
        high_priority_rate=fields.number("high_priority_rate"),
        high_priority_views=fields.integer("high_priority_views"),
        key=fields.maybe_key("key"),
        n=fields.n,
    )
    try:
        on = header.as_of.astimezone(ZoneInfo(header.timezone)).date()
    except (ValueError, OSError, KeyError, OverflowError):
        raise fields.fault("timezone") from None
    if on.isoformat() != header.date:
        raise fields.fault("date")
    return header


def _creator(fields: _Fields, held: _Held) -> None:
    creator = CreatorRecord(
        creator=fields.integer("creator"),
        handle=fields.maybe_text("handle", 200),
        nickname=fields.maybe_text("nickname", 200),
        followers=fields.maybe_integer("followers"),
        erased=fields.maybe_text("erased", 200),
        n=fields.n,
    )
    known = (creator.handle, creator.nickname, creator.followers)
    if creator.creator in held.creators or (creator.erased is not None and any(known)):
        raise fields.fault("creator")
    held.creators[creator.creator] = creator


def _video(fields: _Fields, held: _Held) -> None:
    hashtags = fields.any("hashtags")
    if not isinstance(hashtags, list) or not all(isinstance(name, str) for name in hashtags):
        raise fields.fault("hashtags")
    video = VideoRecord(
        video=fields.video(),
        creator=fields.integer("creator"),
        hashtags=tuple(hashtags),
        first_seen_at=fields.instant("first_seen_at"),
        high_priority_at=fields.maybe_instant("high_priority_at"),
        caption=fields.maybe_text("caption", 8_000),
        n=fields.n,
    )
    if video.video in held.videos:
        raise fields.fault("video")
    held.videos[video.video] = video


def _reading(fields: _Fields, held: _Held) -> None:
    views = fields.maybe_integer("views")
    likes, comments = fields.maybe_integer("likes"), fields.maybe_integer("comments")
    shares = fields.maybe_integer("shares")
    is_known = likes is not None and comments is not None and shares is not None
    engagement = (likes or 0) + (comments or 0) + (shares or 0) if is_known else None
    reading = Reading(
        video=fields.video(),
        at=fields.instant("at"),
        end=fields.one_of("end", "latest", "earlier"),
        views=views,
        likes=likes,
        comments=comments,
        shares=shares,
        engagement=engagement,
        rate=None if not views or engagement is None else engagement / views,
        saves=fields.maybe_integer("saves"),
        field=fields.text("field", 64),
        run=fields.maybe_integer("run"),
        n=fields.n,
    )
    end = held.latest if reading.end == "latest" else held.earlier
    if reading.video in end:
        raise fields.fault("video")
    end[reading.video] = reading


def _hashtag(fields: _Fields, held: _Held) -> None:
    hashtag = HashtagRecord(
        hashtag=fields.text("hashtag", 400),
        role=fields.one_of("role", "own", "competitor"),
        status=fields.maybe_text("status", 32),
        reason=fields.text("reason", 64),
        has_history=fields.boolean("has_history"),
        n=fields.n,
    )
    if hashtag.hashtag in held.hashtags:
        raise fields.fault("hashtag")
    held.hashtags[hashtag.hashtag] = hashtag


def _hashtag_reading(fields: _Fields, held: _Held) -> None:
    reading = HashtagReadingRecord(
        hashtag=fields.text("hashtag", 400),
        at=fields.instant("at"),
        end=fields.one_of("end", "latest", "earlier", "beside"),
        id=fields.maybe_text("id", 200),
        views=fields.maybe_integer("views"),
        views_field=fields.maybe_text("views_field", 64),
        views_unit=fields.integer("views_unit"),
        videos=fields.maybe_integer("videos"),
        videos_field=fields.maybe_text("videos_field", 64),
        videos_unit=fields.integer("videos_unit"),
        run=fields.maybe_integer("run"),
        n=fields.n,
    )
    held.hashtag_readings.setdefault(reading.hashtag, []).append(reading)


def _figure(fields: _Fields, held: _Held) -> None:
    figure = FigureRecord(
        key=fields.text("key", 64),
        value=fields.any("value"),
        formula=fields.text("formula", 1_000),
        inputs=fields.any("inputs"),
        n=fields.n,
    )
    if figure.key in held.figures:
        raise fields.fault("key")
    held.figures[figure.key] = figure


def _stated(fields: _Fields, held: _Held) -> None:
    stated = Stated(key=fields.text("key", 64), value=fields.any("value"), n=fields.n)
    if stated.key in held.stated:
        raise fields.fault("key")
    held.stated[stated.key] = stated


def _page(fields: _Fields, held: _Held) -> None:
    held.page = fields.maybe_key("sha256")
    if held.page is None:
        raise fields.fault("sha256")


def _unknown(fields: _Fields, held: _Held) -> None:  # noqa: ARG001 - as the other readers
    raise fields.fault("kind")


_READERS = {
    "creator": _creator,
    "video": _video,
    "reading": _reading,
    "hashtag": _hashtag,
    "hashtag_reading": _hashtag_reading,
    "figure": _figure,
    "stated": _stated,
    "page": _page,
}
