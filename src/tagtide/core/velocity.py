"""What changed between two readings of a hashtag, over the time that really passed.

A counter is trusted only as far as it can be: values of different payload fields are never
subtracted, a 0 is no value to measure from (the API also says 0 when it does not know), a small
fall is a stale read, a large or lasting one is a correction, and the climb back to the level before
a correction is not news.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from tagtide.core.counter import ChangeNote as ChangeNote  # noqa: PLC0414 - its readers look here
from tagtide.core.counter import CounterTrack, is_small_fall
from tagtide.core.rounding import delta_bounds
from tagtide.models import CounterSource, HashtagLevel, HashtagReading

#: Earlier readings looked at to tell a stale or corrected counter from a real change.
HISTORY = timedelta(days=3)


@dataclass(frozen=True, slots=True, kw_only=True)
class CounterChange:
    """Change of one counter; every number is None when the change is unknown."""

    note: ChangeNote = ChangeNote.NONE
    #: As stated by the readings.
    delta: int | None = None
    #: Bounds of the true change, wider than the stated one when the counter is rounded.
    low: int | None = None
    high: int | None = None
    #: Value and instant the change is measured from: the newest trustworthy one.
    base: int | None = None
    since: datetime | None = None
    #: Hours from there to the current reading.
    hours: float | None = None

    @property
    def per_hour(self) -> float | None:
        """Change per hour that really passed."""
        return self.delta / self.hours if self.delta is not None and self.hours else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Change of a hashtag between an earlier reading and the current one."""

    hashtag: str
    read_at: datetime
    #: The earlier reading, or the one further back that both counters are measured from because
    #: they could not be trusted then; None on the first.
    previous_at: datetime | None
    #: Hours between the two. Where the counters rest on different readings, each carries its own.
    elapsed_hours: float | None
    views: CounterChange
    videos: CounterChange

    @property
    def new_views(self) -> int | None:
        """Views gained as stated; None when unknown, never negative."""
        return self.views.delta

    @property
    def new_videos(self) -> int | None:
        """Videos gained as stated; None when unknown, never negative."""
        return self.videos.delta

    @property
    def views_per_hour(self) -> float | None:
        """Views gained per hour that really passed."""
        return self.views.per_hour

    @property
    def videos_per_hour(self) -> float | None:
        """Videos gained per hour that really passed."""
        return self.videos.per_hour


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Where to look for the earlier reading, as `Store.reading_near` wants it."""

    target: datetime
    tolerance: timedelta
    #: Readings from here on are enough to tell stale and corrected counters.
    history_since: datetime


def choose_window(now: datetime, window_hours: float) -> Window:
    """The reading nearest to ``now - window`` within half a window serves best."""
    window = timedelta(hours=window_hours)
    return Window(target=now - window, tolerance=window / 2, history_since=now - 28 * window)


def nearest_reading(
    readings: Sequence[HashtagReading], target: datetime, tolerance: timedelta
) -> HashtagReading | None:
    """The reading nearest to ``target`` within the tolerance, else the latest; None without any.

    The same choice as `Store.reading_near` makes, among readings at hand. Of two that are equally
    near the earlier one counts.
    """
    near = [r for r in readings if abs(r.read_at - target) <= tolerance]
    if near:
        return min(near, key=lambda r: (abs(r.read_at - target), r.read_at))
    return max(readings, key=lambda r: r.read_at, default=None)


def measure_change(
    current: HashtagReading,
    previous: HashtagReading | None,
    earlier: Sequence[HashtagReading] = (),
) -> Change:
    """Change from ``previous`` to ``current``.

    ``earlier`` are other readings of the same hashtag, in any order, those between the two
    included; the more there are, the better stale reads and corrections are told from growth.
    Without them a fall is judged against ``previous`` alone, and a cached answer, which is only
    suspect at a known rate, goes unnoticed. Does NOT judge whether it is news.
    """
    if previous is None or previous.read_at >= current.read_at:
        first = CounterChange(note=ChangeNote.FIRST_READING)
        return Change(
            hashtag=current.hashtag,
            read_at=current.read_at,
            previous_at=None,
            elapsed_hours=None,
            views=first,
            videos=first,
        )
    if earlier:
        series = _series(current, [previous, *earlier])
        views = _counter_change(counter_points(series, "view"), previous.read_at)
        videos = _counter_change(counter_points(series, "video"), previous.read_at)
    else:
        views, videos = changes_between(previous, current)
    since = {counter.since for counter in (views, videos)} - {None}
    previous_at = (since.pop() if len(since) == 1 else None) or previous.read_at
    return Change(
        hashtag=current.hashtag,
        read_at=current.read_at,
        previous_at=previous_at,
        elapsed_hours=_hours(previous_at, current.read_at),
        views=views,
        videos=videos,
    )


Levels = HashtagReading | HashtagLevel


def _is_same_series(previous: Levels, current: Levels) -> bool:
    return previous.hashtag_id is None or previous.hashtag_id == current.hashtag_id


#: Two values of a counter, whether they can be compared, and their units.
_Pair = tuple[int | None, int | None, bool, tuple[int, int]]


def _pairs(previous: Levels, current: Levels) -> tuple[_Pair, _Pair]:
    """Views and videos of two readings."""
    is_same = _is_same_series(previous, current)
    return (
        (
            previous.view_count,
            current.view_count,
            is_same and previous.view_source is current.view_source,
            (previous.view_unit, current.view_unit),
        ),
        (
            previous.video_count,
            current.video_count,
            is_same and previous.video_source is current.video_source,
            (previous.video_unit, current.video_unit),
        ),
    )


def changes_between(previous: Levels, current: Levels) -> tuple[CounterChange, CounterChange]:
    """Views and videos of `measure_change` from two readings, the earlier one first."""
    views, videos = _pairs(previous, current)
    since, hours = previous.read_at, _hours(previous.read_at, current.read_at)
    return _between(*views, since, hours), _between(*videos, since, hours)


def gains_between(previous: Levels, current: Levels) -> tuple[int | None, int | None]:
    """What `changes_between` says was gained, which a page asks a thousand times."""
    views, videos = _pairs(previous, current)
    return _gain(views), _gain(videos)


def _gain(pair: _Pair) -> int | None:
    if _pair_note(*pair) is not ChangeNote.NONE:
        return None
    return (pair[1] or 0) - (pair[0] or 0)


def reach_of(window_hours: float) -> timedelta:
    """How far back readings are looked at when a change over a window is measured."""
    return max(HISTORY, 2 * timedelta(hours=window_hours))


def change_over_window(
    reading: HashtagReading,
    history: Sequence[HashtagReading],
    window_hours: float,
    latest: HashtagReading | None = None,
) -> tuple[Change, HashtagReading | None]:
    """The change against the reading nearest to a window earlier, and that reading.

    ``history`` are the readings within `reach_of` before it, in order; ``latest`` is the newest one
    before it, which serves where there are none.
    """
    window = timedelta(hours=window_hours)
    previous = nearest_reading(history, reading.read_at - window, window / 2) or latest
    if previous is not None and previous.hashtag_id not in {None, reading.hashtag_id}:
        # The name belongs to another hashtag now: a new series begins, with a visible seam.
        return measure_change(reading, None), None
    return measure_change(reading, previous, history), previous


# --- one counter ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Point:
    """One reading of one counter."""

    at: datetime
    value: int | None
    source: CounterSource | None
    unit: int
    series: str | None = None
    #: Every counter of the answer is what it was in the answer before.
    is_repeat: bool = False


@dataclass(frozen=True, slots=True)
class Judged:
    """A point and what it is worth."""

    point: Point
    note: ChangeNote
    #: The last point before a correction; growth up to its value is not news.
    ceiling: Point | None = None

    @property
    def is_good(self) -> bool:
        """Whether it may be the end of a change."""
        return self.note in {ChangeNote.NONE, ChangeNote.COUNTER_CORRECTED}


def follow_counter(points: Sequence[Point]) -> list[Judged]:
    """Judge each point of one counter in order of time, knowing only those before it.

    Each payload field is a counter of its own. The first point of each is taken as it is.
    """
    tracks: dict[tuple[CounterSource | None, str | None], _Track] = {}
    judged = []
    for point in points:
        if not point.value:
            judged.append(Judged(point, ChangeNote.UNKNOWN))
            continue
        track = tracks.setdefault((point.source, point.series), _Track())
        judged.append(track.judge(point, point.value))
    return judged


class _Track:
    """The points behind a `CounterTrack`."""

    def __init__(self) -> None:
        self._numbers = CounterTrack()
        self._good: Point | None = None
        self._ceiling: Point | None = None

    def judge(self, point: Point, value: int) -> Judged:
        ceiling = self._numbers.ceiling
        at = point.at.timestamp() / 3600
        note = self._numbers.judge(at, value, point.unit, point.is_repeat)
        if self._numbers.ceiling > ceiling:
            self._ceiling = self._good
        if note is not ChangeNote.STALE:
            self._good = point
        return Judged(point, note, self._ceiling)


def _pair_note(
    base: int | None, value: int | None, is_same: bool, units: tuple[int, int]
) -> ChangeNote:
    """Why growth between two readings alone is not known; ``NONE`` where it is."""
    if not value or not base:
        return ChangeNote.UNKNOWN
    if not is_same:
        return ChangeNote.SOURCE_CHANGED
    if value < base:
        is_small = is_small_fall(base, base - value, max(units))
        return ChangeNote.STALE if is_small else ChangeNote.COUNTER_CORRECTED
    return ChangeNote.NONE


def _between(
    base: int | None,
    value: int | None,
    is_same: bool,
    units: tuple[int, int],
    since: datetime,
    hours: float,
) -> CounterChange:
    """What `_counter_change` says of two readings alone."""
    note = _pair_note(base, value, is_same, units)
    if note is not ChangeNote.NONE:
        return CounterChange(note=note)
    assert base is not None
    assert value is not None
    low, high = delta_bounds(value - base, *units)
    return CounterChange(
        delta=value - base, low=max(0, low), high=high, base=base, since=since, hours=hours
    )


def _counter_change(points: Sequence[Point], previous_at: datetime) -> CounterChange:
    judged = follow_counter(points)
    now = judged[-1]
    if not now.is_good:
        return CounterChange(note=now.note)
    before = [j for j in judged[:-1] if j.point.at <= previous_at and j.is_good]
    usable = [j for j in before if _is_same_counter(j.point, now.point)]
    if not usable:
        return CounterChange(note=ChangeNote.SOURCE_CHANGED if before else ChangeNote.UNKNOWN)
    base = usable[-1]
    between = [
        j
        for j in judged[:-1]
        if base.point.at < j.point.at and _is_same_counter(j.point, now.point)
    ]
    if any(j.note is ChangeNote.COUNTER_CORRECTED for j in [*between, now]):
        return CounterChange(note=ChangeNote.COUNTER_CORRECTED)
    return _difference(base, now)


def _difference(base: Judged, now: Judged) -> CounterChange:
    start = base.point
    if now.ceiling is not None and _value(now.ceiling) > _value(start):
        # What is news has happened since the old level was last seen.
        start = now.ceiling
    delta = _value(now.point) - _value(start)
    if delta <= 0 and start is now.ceiling:
        return CounterChange(note=ChangeNote.COUNTER_CORRECTED)
    low, high = delta_bounds(delta, start.unit, now.point.unit)
    return CounterChange(
        delta=delta,
        low=max(0, low),
        high=high,
        base=_value(start),
        since=start.at,
        hours=_hours(start.at, now.point.at),
    )


def _value(point: Point | None) -> int:
    return 0 if point is None or point.value is None else point.value


def _is_same_counter(one: Point, other: Point) -> bool:
    return (one.source, one.series) == (other.source, other.series)


def _series(current: HashtagReading, others: Sequence[HashtagReading]) -> list[HashtagReading]:
    by_instant = {r.read_at: r for r in others if r.read_at < current.read_at}
    return [by_instant[at] for at in sorted(by_instant)] + [current]


def counter_points(series: Sequence[HashtagReading], counter: str) -> list[Point]:
    """One counter, ``view`` or ``video``, of each reading in order of time.

    A reading without an id is taken to be of the last one.
    """
    return [
        Point(
            at=reading.read_at,
            value=getattr(reading, f"{counter}_count"),
            source=getattr(reading, f"{counter}_source"),
            unit=getattr(reading, f"{counter}_unit"),
            series=reading.hashtag_id or series[-1].hashtag_id,
            is_repeat=before is not None and _counts(before) == _counts(reading),
        )
        for before, reading in zip([None, *series], series, strict=False)
    ]


def _counts(reading: HashtagReading) -> tuple[int | None, int | None]:
    return reading.view_count, reading.video_count


def _hours(earlier: datetime, later: datetime) -> float:
    return (later - earlier).total_seconds() / 3600
