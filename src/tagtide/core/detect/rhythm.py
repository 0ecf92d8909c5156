"""How activity is spread over the hours of the day and the days of the week (UTC).

Exposure is time weighted by the rhythm: an hour at which twice as much happens counts two hours.
With it, gaps of any length and any hour need no special case. The rhythm of a hashtag is learned
from its own readings and shrunk to the pooled one by how much they tell.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
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
        "_day",
        "_day_seen",
        "_day_sums",
        "_day_time",
        "_days",
        "_hour_seen",
        "_hour_sums",
        "_hour_time",
        "_hours",
        "_pooled",
    )

    def __init__(self, pooled_hours: Sequence[float], pooled_days: Sequence[float]) -> None:
        self._pooled = (tuple(pooled_hours), tuple(pooled_days))
        self._hour_seen, self._hour_time = [0.0] * 24, [0.0] * 24
        self._day_seen, self._day_time = [0.0] * 7, [0.0] * 7
        #: The day since 1970 for which the table was made.
        self._day: int | None = None
        self._tabulate(pooled_hours, pooled_days)

    def _tabulate(self, hours: Sequence[float], days: Sequence[float]) -> None:
        factor = 24 / sum(hours)
        self._hours = [share * factor for share in hours]
        factor = 7 / sum(days)
        self._days = [share * factor for share in days]
        self._sum_up()

    def _sum_up(self) -> None:
        self._hour_sums = [0.0, *accumulate(self._hours)]
        self._day_sums = [0.0, *accumulate(self._days)]

    def until(self, at: float) -> float:
        """Exposure from the beginning of time to an instant."""
        hours = at + _FIRST_HOUR
        days = int(hours // 24)
        within = hours - 24 * days
        weeks, day = divmod(days, 7)
        hour = int(within)
        of_day = self._hour_sums[hour] + (within - hour) * self._hours[hour]
        return weeks * _WEEK + 24 * self._day_sums[day] + self._days[day] * of_day

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
        times, seen, shares = self._hour_time, self._hour_seen, self._hours
        if span < 1:
            hour = int(middle) % 24
            times[hour] += span
            seen[hour] += span * ratio * shares[hour]
            return
        # Hours whose middle lies within the span.
        first = int(since + _FIRST_HOUR + 0.5)
        for hour in range(first, max(first + 1, int(at + _FIRST_HOUR + 0.5))):
            hour %= 24  # noqa: PLW2901
            times[hour] += 1
            seen[hour] += ratio * shares[hour]

    def turn(self, at: float, hour_noise: float, day_noise: float) -> bool:
        """Once a day, make the table anew and say so.

        The noises are the relative variances of one hour's and one day's gain.
        """
        day = int(at // 24)
        if day == self._day:
            return False
        is_first, self._day = self._day is None, day
        if is_first:
            return False
        hours, days = self._pooled
        weight = hour_noise / _HOUR_VARIANCE
        hour_shares = [
            (seen + weight * prior) / (time + weight)
            for seen, time, prior in zip(self._hour_seen, self._hour_time, hours, strict=True)
        ]
        weight = 24 * day_noise / _DAY_VARIANCE
        day_shares = [
            (seen + weight * prior) / (time + weight)
            for seen, time, prior in zip(self._day_seen, self._day_time, days, strict=True)
        ]
        self._tabulate(hour_shares, day_shares)
        self._hour_seen = [value * _DAILY_LOSS for value in self._hour_seen]
        self._hour_time = [value * _DAILY_LOSS for value in self._hour_time]
        self._day_seen = [value * _DAILY_LOSS for value in self._day_seen]
        self._day_time = [value * _DAILY_LOSS for value in self._day_time]
        return True

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
