"""What a campaign's videos get at an age: the range that a video's own curve is seen against."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tagtide.core.detect.virality import MIN_OTHERS, AgeCurve, Viewed
from tagtide.core.metrics import quantile

_MIN_AGE_HOURS = 1.0
#: Share of the others below and above the range.
_LOW, _HIGH = 0.1, 0.9


@dataclass(frozen=True, slots=True, kw_only=True)
class UsualViews:
    """Views of the middle 80 % of a campaign's videos at an age."""

    age_hours: float
    low: float
    middle: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class UsualCurve:
    """The usual views by age; docs/virality.md has the curve."""

    curve: AgeCurve
    #: Views of the others, as logarithms, brought to the age of one hour; ascending.
    levels: tuple[float, ...]

    @property
    def others(self) -> int:
        """Videos it rests on."""
        return len(self.levels)

    def at(self, age_hours: float) -> UsualViews:
        """The usual views at an age."""
        grown = self.curve.exponent * math.log(max(age_hours, _MIN_AGE_HOURS))
        low, middle, high = (math.exp(quantile(self.levels, p) + grown) for p in (_LOW, 0.5, _HIGH))
        return UsualViews(age_hours=age_hours, low=low, middle=middle, high=high)

    def share_below(self, views: int, age_hours: float) -> float:
        """Share of the others with fewer views at that age."""
        if views <= 0:
            return 0.0
        level = math.log(views) - self.curve.exponent * math.log(max(age_hours, _MIN_AGE_HOURS))
        return sum(other < level for other in self.levels) / len(self.levels)


def usual_curve(others: Iterable[Viewed], curve: AgeCurve | None = None) -> UsualCurve | None:
    """The curve of some videos; those without known views (above 0) or age are left out.

    None when fewer than ten are left: too few to say what is usual.
    """
    used = curve or AgeCurve()
    levels = sorted(
        math.log(v.views) - used.exponent * math.log(max(v.age_hours, _MIN_AGE_HOURS))
        for v in others
        if v.views and v.age_hours is not None
    )
    if len(levels) < MIN_OTHERS:
        return None
    return UsualCurve(curve=used, levels=tuple(levels))


def ages_for(until_hours: float, count: int = 40) -> Sequence[float]:
    """Ages to draw the curve at, from one hour on, evenly on a logarithmic scale."""
    last = max(until_hours, 2.0)
    return [last ** (step / (count - 1)) for step in range(count)]
