"""How the counter behind an alert went on, beside what it usually does at those hours.

The usual range is that of the same hours of earlier weeks; where fewer than two weeks were read, of
the same hours of the days before. It is there to see by: rules judge by their own bars.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import pairwise
from statistics import median

from tagtide.core.rules import Measure
from tagtide.core.velocity import measure_change
from tagtide.models import HashtagReading

_DAY = timedelta(days=1)
#: Days back to each comparable hour, and how many of them are needed.
_WEEKS, _LEAST_WEEKS = tuple(7 * n for n in range(1, 5)), 2
_DAYS, _LEAST_DAYS = tuple(range(1, 8)), 3
#: A comparable step ends within this share of its own length of the same hour.
_NEAR = 0.5


class Basis(StrEnum):
    """What the usual range was taken from."""

    #: The same hours of up to four earlier weeks.
    WEEKS = "weeks"
    #: The same hours of up to seven days before.
    DAYS = "days"
    #: Too little was read before.
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class CourseStep:
    """The change between two readings, and what is usual for a span of that length."""

    since: datetime
    at: datetime
    #: None where it cannot be known, such as when the counter was corrected in between.
    gain: int | None
    usual_low: float | None = None
    usual_middle: float | None = None
    usual_high: float | None = None
    #: Whether it lies beyond the usual range, on the side that the alert is about.
    is_out: bool = False

    @property
    def hours(self) -> float:
        """The span."""
        return (self.at - self.since).total_seconds() / 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedSpan:
    """The range that the detector itself expected over the span it judged."""

    since: datetime
    until: datetime
    gain: float
    usual_low: float
    usual_high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """The course of one counter around an alert."""

    hashtag: str
    #: `Measure.VIEWS` or `Measure.VIDEO_COUNT`.
    measure: Measure
    #: What the alert is about, which may be no counter of the hashtag.
    asked: Measure
    basis: Basis
    #: In order of time.
    steps: tuple[CourseStep, ...]
    #: When the alert began.
    began_at: datetime
    #: The step at which it left the usual range; None where it did not, or nothing is usual.
    left: CourseStep | None
    #: None unless the alert came from the detector.
    judged: JudgedSpan | None


def course_of(
    readings: Sequence[HashtagReading],
    measure: Measure,
    *,
    shown_since: datetime,
    began_at: datetime,
    judged: JudgedSpan | None = None,
    is_fall: bool = False,
) -> Course | None:
    """From readings in order of time, those of weeks before ``shown_since`` included.

    None where fewer than two readings lie in what is shown. Engagement and videos seen are no
    counters of the hashtag: for them it is the views, and the video count. ``is_fall``: the alert
    is about too little.
    """
    is_views = measure in {Measure.VIEWS, Measure.ENGAGEMENT}
    steps = _steps(readings, is_views=is_views)
    shown = [step for step in steps if step.at > shown_since]
    if not shown or all(step.gain is None for step in shown):
        return None
    near = min(shown, key=lambda step: abs(step.at - began_at))
    basis, ranged = Basis.NONE, shown
    for candidate, days, least in (
        (Basis.WEEKS, _WEEKS, _LEAST_WEEKS),
        (Basis.DAYS, _DAYS, _LEAST_DAYS),
    ):
        if len(_comparable(near, steps, days)) >= least:
            basis = candidate
            ranged = [
                _with_range(step, _comparable(step, steps, days), least, is_fall=is_fall)
                for step in shown
            ]
            break
    return Course(
        hashtag=readings[-1].hashtag,
        measure=Measure.VIEWS if is_views else Measure.VIDEO_COUNT,
        asked=measure,
        basis=basis,
        steps=tuple(ranged),
        began_at=began_at,
        left=_left(ranged, began_at),
        judged=judged,
    )


def _steps(readings: Sequence[HashtagReading], *, is_views: bool) -> list[CourseStep]:
    found = []
    for before, now in pairwise(readings):
        change = measure_change(now, before)
        gain = change.new_views if is_views else change.new_videos
        found.append(CourseStep(since=before.read_at, at=now.read_at, gain=gain))
    return found


def _comparable(step: CourseStep, steps: Sequence[CourseStep], days: Sequence[int]) -> list[float]:
    """Gains of the same hours so many days back, for a span as long as this one."""
    reach = (step.at - step.since) * _NEAR
    found = []
    for back in days:
        target = step.at - back * _DAY
        near = [s for s in steps if abs(s.at - target) <= reach and s.gain is not None]
        if near:
            best = min(near, key=lambda s: abs(s.at - target))
            if best.hours > 0:
                found.append((best.gain or 0) * step.hours / best.hours)
    return found


def _with_range(
    step: CourseStep, earlier: Sequence[float], least: int, *, is_fall: bool
) -> CourseStep:
    if len(earlier) < least:
        return step
    low, high, gain = min(earlier), max(earlier), step.gain
    return CourseStep(
        since=step.since,
        at=step.at,
        gain=step.gain,
        usual_low=low,
        usual_middle=median(earlier),
        usual_high=high,
        is_out=gain is not None and (gain < low if is_fall else gain > high),
    )


def _left(steps: Sequence[CourseStep], began_at: datetime) -> CourseStep | None:
    """The first of the steps outside the range that lead up to the beginning of the alert."""
    place = next((n for n, step in enumerate(steps) if step.at >= began_at), len(steps) - 1)
    # A run reads, then judges: the step that made the alert ends a little before it began.
    before = place and began_at - steps[place - 1].at < steps[place].at - began_at
    place -= int(bool(before))
    if not steps[place].is_out:
        return None
    while place and steps[place - 1].is_out:
        place -= 1
    return steps[place]
