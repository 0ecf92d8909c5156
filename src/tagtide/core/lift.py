"""Lift: whether own hashtags grew faster in a campaign than they would have without it.

Difference in differences on logarithms of daily gains (Angrist and Pischke, Mostly Harmless
Econometrics, 2009, section 5.2): what the own hashtags gained per day within the campaign over what
they gained before, less the same of control hashtags over the same days. Two things are shrunk,
because campaigns have few controls and few weeks:

- What the controls have in common is drawn toward no change by as much as their own unrest leaves
  open (a random effect with weights by precision, Searle, Casella and McCulloch, Variance
  Components, 1992, section 3.4), so that one restless control decides little.
- How far a hashtag moves by itself is estimated from its own weeks and drawn toward what is usual
  (a moderated variance: Smyth, Statistical Applications in Genetics and Molecular Biology 3, 2004).
  The interval is that of Student's t with four degrees of freedom, because hashtags have bursts.

The constants come from placebo campaigns on real counters, in which nothing happened;
`docs/lift.md` has the figures. Of a series that says too little there is no number at all.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from itertools import pairwise
from statistics import fmean
from typing import Any

from tagtide.core.daily_gains import DailyGains

#: Days before that the level rests on, and how many of them must be known.
BEFORE, NEEDED_BEFORE = 28, 14
#: Unrest is learned from up to so many weeks before.
_WEEKS = 8
#: Known days within that are needed: so many, and half of all.
NEEDED_WITHIN = 3
#: Of a week so many days make its mean.
_OF_A_WEEK = 5
#: Less growth in the days before says nothing: views, and steps of a rounded counter.
NEEDED_VIEWS, NEEDED_STEPS = 1_000, 10
LEVEL = 0.90
#: Student's t, four degrees of freedom, two-sided 90 %.
_T = 2.132
#: Usual standard deviation of a hashtag between its last weeks and two weeks after, and the number
#: of own changes from week to week that it counts as much as.
_USUAL, _COUNTS = 0.25, 4
#: It grows with the length of the campaign to this power.
_GROWS = 0.15
#: Standard deviation of what hashtags of one platform and subject have in common.
_COMMON = 0.15
_DAY = timedelta(days=1)


class LiftReason(StrEnum):
    """Why a hashtag was left out, or why there is no lift at all."""

    #: Nobody said on which day the campaign began.
    NO_START = "no_start"
    FEW_DAYS_BEFORE = "few_days_before"
    #: Of the last seven days before.
    LAST_WEEK_UNKNOWN = "last_week_unknown"
    FEW_DAYS_WITHIN = "few_days_within"
    FEW_VIEWS_BEFORE = "few_views_before"
    #: The counter is rounded so coarsely that it moved in too few steps.
    FEW_STEPS_BEFORE = "few_steps_before"
    NO_OWN = "no_own"
    NO_CONTROL = "no_control"
    #: No control hashtag was chosen, and the campaign has no competitor.
    NONE_CHOSEN = "none_chosen"


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """A hashtag with what it gained by day."""

    hashtag: str
    gains: DailyGains


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """A hashtag that says too little."""

    hashtag: str
    is_own: bool
    reason: LiftReason
    #: What there is of what is needed: days, views or steps.
    have: int
    need: int

    def as_dict(self) -> dict[str, Any]:
        """JSON form."""
        return {
            "hashtag": self.hashtag,
            "is_own": self.is_own,
            "reason": self.reason.value,
            "have": self.have,
            "need": self.need,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """A hashtag that was compared with."""

    hashtag: str
    days_before: int
    days_within: int
    #: Its own growth per day within, over before; a fraction.
    change: float
    #: Its share in what was expected; what is missing to 1 is "no change".
    weight: float

    def as_dict(self) -> dict[str, Any]:
        """JSON form."""
        return {
            "hashtag": self.hashtag,
            "days_before": self.days_before,
            "days_within": self.days_within,
            "change": round(self.change, 6),
            "weight": round(self.weight, 6),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class LiftDay:
    """One day of the own hashtags together; None is not known, or not of the campaign."""

    on: date
    gained: float | None
    expected: float | None
    #: Of the level that was to be expected over all days, not of this one.
    low: float | None
    high: float | None

    def as_dict(self) -> dict[str, Any]:
        """JSON form."""
        return {
            "date": self.on.isoformat(),
            "gained": _whole(self.gained),
            "expected": _whole(self.expected),
            "expected_low": _whole(self.low),
            "expected_high": _whole(self.high),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Lift:
    """How much more was gained than was to be expected, with a 90 % interval."""

    #: Own hashtags it is of.
    hashtags: tuple[str, ...]
    #: First and last day of both periods, and how many days of them are known.
    before: tuple[date, date]
    within: tuple[date, date]
    days_before: int
    days_within: int
    #: Over the known days within.
    gained: float
    expected: float
    expected_low: float
    expected_high: float
    controls: tuple[Control, ...]
    left_out: tuple[LeftOut, ...]
    days: tuple[LiftDay, ...]

    @property
    def ratio(self) -> float:
        """Gained over expected, less one: 0.5 is +50 %."""
        return self.gained / self.expected - 1

    @property
    def ratio_low(self) -> float:
        """Lower end of the interval."""
        return self.gained / self.expected_high - 1

    @property
    def ratio_high(self) -> float:
        """Upper end of the interval."""
        return self.gained / self.expected_low - 1

    @property
    def is_clear(self) -> bool:
        """Whether the interval leaves zero out."""
        return self.ratio_low > 0 or self.ratio_high < 0

    def as_dict(self) -> dict[str, Any]:
        """JSON form."""
        return {
            "measured": True,
            "hashtags": list(self.hashtags),
            "level": LEVEL,
            "lift": round(self.ratio, 6),
            "lift_low": round(self.ratio_low, 6),
            "lift_high": round(self.ratio_high, 6),
            "is_clear": self.is_clear,
            "views_gained": _whole(self.gained),
            "views_expected": _whole(self.expected),
            "views": _whole(self.gained - self.expected),
            "views_low": _whole(self.gained - self.expected_high),
            "views_high": _whole(self.gained - self.expected_low),
            "before": _period_dict(self.before, self.days_before),
            "within": _period_dict(self.within, self.days_within),
            "controls": [one.as_dict() for one in self.controls],
            "left_out": [one.as_dict() for one in self.left_out],
            "days": [day.as_dict() for day in self.days],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Unmeasured:
    """There is no lift, and why."""

    reason: LiftReason
    left_out: tuple[LeftOut, ...] = ()
    #: Where it is about the own hashtags together: what there is of what is needed.
    have: int = 0
    need: int = 0

    def as_dict(self) -> dict[str, Any]:
        """JSON form."""
        return {
            "measured": False,
            "reason": self.reason.value,
            "have": self.have,
            "need": self.need,
            "left_out": [one.as_dict() for one in self.left_out],
        }


def measure_lift(
    own: Sequence[Counted], controls: Sequence[Counted], began: date, last: date
) -> Lift | Unmeasured:
    """The lift of own hashtags from the day a campaign began to its last one, both included.

    ``controls`` took no part in it and stood under the same winds; one that ran a campaign itself
    makes the lift look smaller. Own hashtags that say too little are left out, and the lift is of
    the others together.
    """
    if not controls:
        return Unmeasured(reason=LiftReason.NONE_CHOSEN)
    judged = [(one, True, _judge(one, began, last)) for one in own]
    judged += [(one, False, _judge(one, began, last)) for one in controls]
    left_out = tuple(
        LeftOut(hashtag=one.hashtag, is_own=is_own, reason=told[0], have=told[1], need=told[2])
        for one, is_own, told in judged
        if told is not None
    )
    kept = [one for one, is_own, told in judged if is_own and told is None]
    others = [one for one, is_own, told in judged if not is_own and told is None]
    if not kept:
        return Unmeasured(reason=LiftReason.NO_OWN, left_out=left_out)
    together = Counted(hashtag="", gains=_sum([one.gains for one in kept]))
    if (told := _judge(together, began, last)) is not None:
        # Each is known on enough days, but all of them on too few days at once.
        return Unmeasured(reason=told[0], left_out=left_out, have=told[1], need=told[2])
    if not others:
        return Unmeasured(reason=LiftReason.NO_CONTROL, left_out=left_out)
    return _lift(kept, together, others, left_out, began, last)


def _lift(
    kept: Sequence[Counted],
    together: Counted,
    others: Sequence[Counted],
    left_out: tuple[LeftOut, ...],
    began: date,
    last: date,
) -> Lift:
    ours = _Movement.of(together.gains, began, last)
    found = [(one, _Movement.of(one.gains, began, last)) for one in others]
    precision = 1 / _COMMON**2 + math.fsum(1 / moved.variance for _, moved in found)
    common = math.fsum(moved.change / moved.variance for _, moved in found) / precision
    reach = _T * math.sqrt(ours.variance + 1 / precision)
    level = math.exp(ours.level + common)
    low, high = level * math.exp(-reach), level * math.exp(reach)
    days = ours.days_within
    return Lift(
        hashtags=tuple(one.hashtag for one in kept),
        before=(began - BEFORE * _DAY, began - _DAY),
        within=(began, last),
        days_before=ours.days_before,
        days_within=days,
        gained=ours.gained,
        expected=level * days,
        expected_low=low * days,
        expected_high=high * days,
        controls=tuple(
            Control(
                hashtag=one.hashtag,
                days_before=moved.days_before,
                days_within=moved.days_within,
                change=math.exp(moved.change) - 1,
                weight=1 / moved.variance / precision,
            )
            for one, moved in found
        ),
        left_out=left_out,
        days=tuple(
            LiftDay(
                on=day,
                gained=together.gains.days.get(day),
                expected=level if day >= began else None,
                low=low if day >= began else None,
                high=high if day >= began else None,
            )
            for day in _days(began - BEFORE * _DAY, last)
        ),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Movement:
    """One series before and within, in logarithms of views per day."""

    level: float
    change: float
    #: How far it would have moved by itself.
    variance: float
    gained: float
    days_before: int
    days_within: int

    @classmethod
    def of(cls, gains: DailyGains, began: date, last: date) -> _Movement:
        """Of a series that `_judge` has nothing against."""
        least = gains.step / 2
        weeks = [_week(gains, began - (7 * n + 1) * _DAY, least) for n in range(_WEEKS)]
        newest, months = weeks[0], [week for week in weeks[: BEFORE // 7] if week is not None]
        assert newest is not None
        # The last week says what is, the weeks before what it returns to.
        level = (fmean(months) + newest) / 2
        steps = [a - b for a, b in pairwise(weeks) if a is not None and b is not None]
        within = _known(gains.days, began, last)
        gained = max(math.fsum(within), least)
        unrest = _COUNTS * _USUAL**2 + math.fsum(step * step for step in steps)
        length = ((last - began).days + 1) / 14
        return cls(
            level=level,
            change=math.log(gained / len(within)) - level,
            variance=unrest / (_COUNTS + len(steps)) * length ** (2 * _GROWS),
            gained=math.fsum(within),
            days_before=len(_known(gains.days, began - BEFORE * _DAY, began - _DAY)),
            days_within=len(within),
        )


def _week(gains: DailyGains, newest: date, least: float) -> float | None:
    """Logarithm of the mean of seven days up to one."""
    known = _known(gains.days, newest - 6 * _DAY, newest)
    if len(known) < _OF_A_WEEK:
        return None
    return math.log(max(math.fsum(known), least) / len(known))


def _judge(one: Counted, began: date, last: date) -> tuple[LiftReason, int, int] | None:
    """What a series lacks; None when it says enough."""
    gains = one.gains
    before = _known(gains.days, began - BEFORE * _DAY, began - _DAY)
    if len(before) < NEEDED_BEFORE:
        return LiftReason.FEW_DAYS_BEFORE, len(before), NEEDED_BEFORE
    week = len(_known(gains.days, began - 7 * _DAY, began - _DAY))
    if week < _OF_A_WEEK:
        return LiftReason.LAST_WEEK_UNKNOWN, week, _OF_A_WEEK
    within = len(_known(gains.days, began, last))
    needed = max(NEEDED_WITHIN, ((last - began).days + 2) // 2)
    if within < needed:
        return LiftReason.FEW_DAYS_WITHIN, within, needed
    gained = math.fsum(before)
    if gained < NEEDED_VIEWS:
        return LiftReason.FEW_VIEWS_BEFORE, int(gained), NEEDED_VIEWS
    if gained < NEEDED_STEPS * gains.step:
        return LiftReason.FEW_STEPS_BEFORE, int(gained / gains.step), NEEDED_STEPS
    return None


def _sum(parts: Sequence[DailyGains]) -> DailyGains:
    """Of days on which every part is known: a sum with a part missing is no sum."""
    common = set(parts[0].days).intersection(*(part.days for part in parts))
    return DailyGains(
        days={day: math.fsum(part.days[day] for part in parts) for day in sorted(common)},
        step=max(part.step for part in parts),
        read_on=frozenset().union(*(part.read_on for part in parts)),
    )


def _known(days: Mapping[date, float], first: date, last: date) -> list[float]:
    return [days[day] for day in _days(first, last) if day in days]


def _days(first: date, last: date) -> Iterator[date]:
    day = first
    while day <= last:
        yield day
        day += _DAY


def _whole(value: float | None) -> int | None:
    return None if value is None else round(value)


def _period_dict(period: tuple[date, date], known: int) -> dict[str, Any]:
    first, last = period
    days = (last - first).days + 1
    return {
        "first": first.isoformat(),
        "last": last.isoformat(),
        "days": days,
        "days_known": known,
    }
