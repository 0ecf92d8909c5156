"""The change of a hashtag's counter between two readings, worked out from the readings in a file.

Written from docs/proof.md, apart from what reports use: a fall of less than a twentieth is a stale
read until the third in a row, a larger one a correction; growth up to a level from before a
correction is not news; counters of different fields are different counters.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NamedTuple

from tagtide.core.proof.records import HashtagReadingRecord

Which = Literal["views", "videos"]


class Gain(NamedTuple):
    """A change as the report states it."""

    value: int
    #: The true change lies within this of the value.
    margin: int
    since: datetime


class Span(NamedTuple):
    """Both counters of a hashtag over their span; None where a change is unknown."""

    views: Gain | None
    videos: Gain | None
    #: Where both are measured from.
    since: datetime | None
    #: Seconds that the changes took, as the first of them has it.
    seconds: float | None


def span_of(readings: Sequence[HashtagReadingRecord], has_history: bool) -> Span:
    """The changes of a hashtag from its earlier reading to its latest."""
    latest = next((r for r in readings if r.end == "latest"), None)
    earlier = next((r for r in readings if r.end == "earlier"), None)
    if latest is None or earlier is None or earlier.at >= latest.at:
        return Span(None, None, None, None)
    if has_history:
        series = sorted((r for r in readings if r.at <= latest.at), key=lambda r: r.at)
        views, videos = (_followed(series, which, earlier.at) for which in _BOTH)
        starts = {gain.since for gain in (views, videos) if gain is not None}
        since = starts.pop() if len(starts) == 1 else earlier.at
    else:
        views, videos = (_plain(earlier, latest, which) for which in _BOTH)
        since = earlier.at
    first = views or videos
    if first is None:
        return Span(None, None, None, None)
    return Span(views, videos, since, (latest.at - first.since).total_seconds())


_BOTH: tuple[Which, Which] = ("views", "videos")


def _value(reading: HashtagReadingRecord, which: Which) -> int | None:
    return reading.views if which == "views" else reading.videos


def _unit(reading: HashtagReadingRecord, which: Which) -> int:
    return reading.views_unit if which == "views" else reading.videos_unit


def _field(reading: HashtagReadingRecord, which: Which) -> str | None:
    return reading.views_field if which == "views" else reading.videos_field


def _plain(then: HashtagReadingRecord, now: HashtagReadingRecord, which: Which) -> Gain | None:
    before, after = _value(then, which), _value(now, which)
    if before is None or after is None or _field(then, which) != _field(now, which):
        return None
    margin = sum(unit for unit in (_unit(then, which), _unit(now, which)) if unit > 1)
    return Gain(after - before, margin, then.at)


# --- one counter followed through all its readings ------------------------------------------------


@dataclass(slots=True)
class _Level:
    """The last believed reading of one counter."""

    at: datetime
    value: int
    unit: int


@dataclass(slots=True)
class _Counter:
    """One counter: one field of one hashtag id."""

    level: _Level | None = None
    #: Before a correction: growth up to there is not news.
    old: _Level | None = None
    lower: int = 0
    still: int = 0
    per_hour: float = 0.0


class _Seen(NamedTuple):
    at: datetime
    value: int
    unit: int
    counter: tuple[str | None, str | None]
    verdict: Literal["good", "corrected", "stale", "unknown"]
    old: _Level | None


def _followed(
    series: Sequence[HashtagReadingRecord], which: Which, earlier_at: datetime
) -> Gain | None:
    seen = _follow(series, which)
    *before, now = seen
    if now.verdict in ("stale", "unknown"):
        return None
    starts = [
        s
        for s in before
        if s.at <= earlier_at and s.verdict in ("good", "corrected") and s.counter == now.counter
    ]
    if not starts:
        return None
    start = starts[-1]
    since_then = [s for s in before if s.at > start.at and s.counter == now.counter]
    if any(s.verdict == "corrected" for s in (*since_then, now)):
        return None
    base = _Level(start.at, start.value, start.unit)
    is_old = now.old is not None and now.old.value > base.value
    if now.old is not None and is_old:
        base = now.old
    gain = now.value - base.value
    if is_old and gain <= 0:
        return None
    return Gain(gain, max(base.unit, now.unit, 1) - 1, base.at)


def _follow(series: Sequence[HashtagReadingRecord], which: Which) -> list[_Seen]:
    counters: dict[tuple[str | None, str | None], _Counter] = {}
    found: list[_Seen] = []
    last_id = series[-1].id
    for place, reading in enumerate(series):
        value, unit = _value(reading, which), _unit(reading, which)
        key = (_field(reading, which), reading.id or last_id)
        if not value:
            found.append(_Seen(reading.at, 0, unit, key, "unknown", None))
            continue
        counter = counters.setdefault(key, _Counter())
        same = place > 0 and _pair(series[place - 1]) == _pair(reading)
        verdict = _judge(counter, _Level(reading.at, value, unit), same)
        found.append(_Seen(reading.at, value, unit, key, verdict, counter.old))
    return found


def _pair(reading: HashtagReadingRecord) -> tuple[int | None, int | None]:
    return reading.views, reading.videos


def _judge(
    counter: _Counter, now: _Level, same_answer: bool
) -> Literal["good", "corrected", "stale"]:
    level = counter.level
    if level is None:
        counter.level = now
        return "good"
    coarse = max(now.unit, level.unit)
    hours = now.at.timestamp() / 3600 - level.at.timestamp() / 3600
    if now.value < level.value:
        fall = level.value - now.value
        counter.lower += 1
        small = fall < 0.05 * level.value or (coarse > 1 and fall <= coarse)
        if small and counter.lower < 3:
            return "stale"
        if counter.old is None or level.value > counter.old.value:
            counter.old = level
        _believe(counter, now, 0.0)
        return "corrected"
    if now.value == level.value:
        counter.still += 1
        cached = same_answer and coarse <= 1 and counter.per_hour * hours >= 10
        if cached and counter.still < 3:
            return "stale"
    is_news = counter.old is None or now.value > counter.old.value
    rate = (now.value - level.value) / hours if is_news and hours > 0 else 0.0
    _believe(counter, now, rate)
    return "good"


def _believe(counter: _Counter, now: _Level, per_hour: float) -> None:
    counter.level, counter.per_hour = now, per_hour
    counter.lower = counter.still = 0
