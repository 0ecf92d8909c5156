"""How activity is spread over the hours of the day and the days of the week (UTC).

Exposure is time weighted by the rhythm: an hour at which twice as much happens counts two hours.
With it, gaps of any length and any hour need no special case. The rhythm of a hashtag is learned
from its own readings and shrunk to the pooled one by how much they tell.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

_WEEK = 168
#: 1970-01-01 was a Thursday; days count from Monday.
_FIRST_HOUR = 72
#: Variance of the logarithm, between hashtags, of an hour's and a day's share.
_HOUR_VARIANCE = 0.06
_DAY_VARIANCE = 0.02
#: One reading never counts more than so many times its expectation.
_MOST = 4.0
#: Learned sums lose this part per day: they halve in six weeks.
_DAILY_LOSS = 0.5 ** (1 / 42)
#: Longer spans tell nothing of hours, or of days.
_HOURS_SPAN = 12.0
_DAYS_SPAN = 30.0


class Rhythm:
    """Exposure of spans, learned as readings come; instants are hours since 1970."""

    __slots__ = (
        "_cumulated",
        "_day",
        "_day_seen",
        "_day_time",
        "_days",
        "_hour_seen",
        "_hour_time",
        "_hours",
        "_pooled",
        "_week",
    )

    def __init__(self, pooled_hours: Sequence[float], pooled_days: Sequence[float]) -> None:
        self._pooled = (tuple(pooled_hours), tuple(pooled_days))
        self._hour_seen, self._hour_time = [0.0] * 24, [0.0] * 24
        self._day_seen, self._day_time = [0.0] * 7, [0.0] * 7
        #: The day since 1970 for which the table was made.
        self._day: int | None = None
        self._tabulate(pooled_hours, pooled_days)

    def _tabulate(self, hours: Sequence[float], days: Sequence[float]) -> None:
        self._hours = [share * 24 / sum(hours) for share in hours]
        self._days = [share * 7 / sum(days) for share in days]
        self._sum_up()

    def _sum_up(self) -> None:
        self._week = [h * d for d in self._days for h in self._hours]
        total, cumulated = 0.0, [0.0]
        for share in self._week:
            total += share
            cumulated.append(total)
        self._cumulated = cumulated

    def until(self, at: float) -> float:
        """Exposure from the beginning of time to an instant."""
        hours = at + _FIRST_HOUR
        weeks = int(hours // _WEEK)
        within = hours - weeks * _WEEK
        hour = int(within)
        return weeks * _WEEK + self._cumulated[hour] + (within - hour) * self._week[hour]

    def learn(self, since: float, at: float, ratio: float) -> None:
        """A span held ``ratio`` times what this rhythm expected."""
        span = at - since
        if span > _DAYS_SPAN:
            return
        ratio = min(ratio, _MOST)
        middle = (since + at) / 2 + _FIRST_HOUR
        day = int(middle // 24) % 7
        self._day_time[day] += span
        self._day_seen[day] += span * ratio * self._days[day]
        if span > _HOURS_SPAN:
            return
        start = since + _FIRST_HOUR
        while span > 1e-9:
            hour = int(start)
            part = min(span, hour + 1 - start)
            hour %= 24
            self._hour_time[hour] += part
            self._hour_seen[hour] += part * ratio * self._hours[hour]
            start += part
            span -= part

    def turn(self, at: float, hour_noise: float, day_noise: float) -> None:
        """Once a day, make the table anew; the noises are relative variances of one hour or day."""
        day = int(at // 24)
        if day == self._day:
            return
        is_first = self._day is None
        self._day = day
        if is_first:
            return
        hours, days = self._pooled
        hour_shares = [
            (seen + hour_noise / _HOUR_VARIANCE * prior) / (time + hour_noise / _HOUR_VARIANCE)
            for seen, time, prior in zip(self._hour_seen, self._hour_time, hours, strict=True)
        ]
        weight = 24 * day_noise / _DAY_VARIANCE
        day_shares = [
            (seen + weight * prior) / (time + weight)
            for seen, time, prior in zip(self._day_seen, self._day_time, days, strict=True)
        ]
        self._tabulate(hour_shares, day_shares)
        for sums in (self._hour_seen, self._hour_time, self._day_seen, self._day_time):
            sums[:] = [value * _DAILY_LOSS for value in sums]

    def state(self) -> dict[str, Any]:
        """What was learned, and the table in use, as JSON."""
        return {
            "day": self._day,
            "hours": [self._hour_seen, self._hour_time],
            "days": [self._day_seen, self._day_time],
            "shares": [self._hours, self._days],
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Take up what `state` holds."""
        self._day = state["day"]
        self._hour_seen, self._hour_time = (list(sums) for sums in state["hours"])
        self._day_seen, self._day_time = (list(sums) for sums in state["days"])
        self._hours, self._days = (list(shares) for shares in state["shares"])
        self._sum_up()
