"""The detector of levels: temperatures, loads, prices, speeds; see docs/detection.md.

A level has no rate and no total. Every statistic of `levels` is held against its own extremes; an
alert is due when one is so rare, or two are rare together, that chance does it less often than the
expected false incidents. Nothing is known of a series but what was read of it.
"""

from __future__ import annotations

from math import isfinite, log10
from typing import Any, NamedTuple

from tagtide.core.detect.base import (
    Direction,
    Finding,
    Phase,
    Point,
    Reason,
    Settings,
    check_state,
)
from tagtide.core.detect.extremes import Tail
from tagtide.core.detect.incidents import Incident
from tagtide.core.detect.intake import GAP_HOURS, GAP_TIMES
from tagtide.core.detect.levels import STATISTICS, Levels, shown

_VERSION = 1
_MONTH_DAYS, _MONTH_HOURS = 30.0, 720.0
#: Readings of a block; see `extremes`.
BLOCK = 24
#: Hours without an exceedance after which an incident is over.
QUIET_HOURS = 24.0
#: Nothing is judged before the series was seen for so long: whole days first.
_LEAST_HOURS = 48.0
#: The statistics are looked at together: the rarest counts as one of twice as many, the second of
#: 0.4 times as many. Measured on simulated levels at which nothing happens.
_FIRST, _SECOND = 1.92, 0.385
#: Rarer and more common than so many powers of ten per month nothing is told apart: so much cannot
#: be known from a few weeks.
_RAREST, _COMMON = 6.0, -3.0
#: Larger values are no measurement; their squares would not be numbers.
LARGEST = 1e100


class _Rarest(NamedTuple):
    """What stands out of one reading."""

    #: Negative powers of ten of the shares of blocks; of the rarest statistic and of the second.
    first: float
    second: float
    #: The rarest.
    number: int
    is_above: bool
    #: So many statistics could be looked at.
    statistics: int


class Level:
    """Follows one series of levels.

    Of the settings only the expected false incidents count: floors, memory and the share of falls
    are of counters.
    """

    name = "level"

    def __init__(self, settings: Settings | None = None) -> None:
        self._settings = settings or Settings()
        self._levels = Levels()
        self._above = [Tail(s.readings / BLOCK) for s in STATISTICS]
        self._below = [Tail(s.readings / BLOCK) for s in STATISTICS]
        self._incident = Incident(QUIET_HOURS)
        self._last: float | None = None
        self._cadence: float | None = None
        #: Readings judged or learned from, and the hours they cover.
        self._readings = 0
        self._hours = 0.0
        self._series = ""

    def observe(self, point: Point) -> Finding:
        """Judge the next reading and learn from it."""
        at, last = point.at.timestamp() / 3600, self._last
        if last is not None and at <= last:
            return self._unjudged(point, Reason.DUPLICATE if at == last else Reason.CLOCK_BACK)
        waited = 0.0 if last is None else at - last
        self._last = at
        value = point.value
        if value is None or not isfinite(value) or abs(value) > LARGEST:
            return self._unjudged(point, Reason.UNKNOWN)
        reason = self._follows(point, waited)
        values = self._levels.measure(at, float(value))
        self._readings += 1
        finding = self._judged(point, at, waited, values, reason)
        for number, found in enumerate(values):
            if found is not None:
                self._above[number].see(found)
                self._below[number].see(-found)
        if self._readings % BLOCK == 0:
            for tail in (*self._above, *self._below):
                tail.close()
        return finding

    def _follows(self, point: Point, waited: float) -> Reason:
        """Whether the reading can be compared with those before it; follows the cadence."""
        series, self._series = self._series, point.series
        if self._readings == 0:
            return Reason.FIRST_READING
        if point.series != series:
            self._levels.restart()
            return Reason.SOURCE_CHANGED
        cadence = self._cadence
        is_gap = waited > max(GAP_HOURS, GAP_TIMES * (cadence or waited))
        self._cadence = waited if cadence is None else cadence + 0.1 * (waited - cadence)
        if is_gap:
            self._levels.restart()
            return Reason.GAP
        self._hours += waited
        return Reason.USUAL

    def _judged(
        self, point: Point, at: float, waited: float, values: list[float | None], reason: Reason
    ) -> Finding:
        if reason is not Reason.USUAL:
            return self._unjudged(point, reason)
        found = self._rarest(values)
        if found is None or self._hours < _LEAST_HOURS:
            return self._unjudged(point, Reason.LEARNING)
        cadence = self._hours / (self._readings - 1)
        draws = found.statistics * 2 * _MONTH_HOURS / (BLOCK * cadence)
        strangeness = max(
            found.first - log10(_FIRST * draws), found.second - log10(_SECOND * draws), _COMMON
        )
        strangeness = min(strangeness, _RAREST)
        exceeds = strangeness > -log10(self._settings.false_alarms)
        phase = self._incident.step(at, strangeness, exceeds, exceeds)
        statistic, value = STATISTICS[found.number], values[found.number]
        assert value is not None
        low, high = -self._below[found.number].bar, self._above[found.number].bar
        daily = 10**-strangeness / _MONTH_DAYS
        positive = max(0.0, -log10(daily))
        direction = Direction.RISE if found.is_above else Direction.FALL
        usual = None
        if abs(low) < LARGEST and abs(high) < LARGEST:
            usual = shown(statistic, low), shown(statistic, high)
        return Finding(
            point.at,
            positive / (positive + 2),
            Reason(direction.value) if exceeds else Reason.USUAL,
            phase,
            direction,
            p=min(1.0, daily * min(waited, 24.0) / 24),
            hours=statistic.readings * cadence,
            observed=shown(statistic, value),
            return_hours=24 / daily,
            phrase=statistic.phrase,
            bounds=usual,
        )

    def _rarest(self, values: list[float | None]) -> _Rarest | None:
        """The statistic that is rarest, and how rare the second is; None while too little is
        known of all of them.
        """
        first = second = 0.0
        best, is_above, statistics, is_known = 0, True, 0, False
        for number, value in enumerate(values):
            if value is None:
                continue
            statistics += 1
            for tail, mirrored in ((self._above[number], value), (self._below[number], -value)):
                is_known = is_known or tail.is_known
                if mirrored <= tail.bar:
                    continue
                rarity = tail.rarity(mirrored)
                if rarity > first:
                    first, second = rarity, first
                    best, is_above = number, mirrored is value
                elif rarity > second:
                    second = rarity
        return _Rarest(first, second, best, is_above, statistics) if is_known else None

    def _unjudged(self, point: Point, reason: Reason) -> Finding:
        return Finding(point.at, 0.0, reason, Phase.CONTINUES if self.is_open else Phase.NONE)

    # --- storage ----------------------------------------------------------------------------------

    @property
    def is_open(self) -> bool:
        """Whether an incident goes on."""
        return self._incident.opened_at is not None

    def state(self) -> dict[str, Any]:
        """Everything that was learned, as JSON of bounded size."""
        return {
            "detector": self.name,
            "version": _VERSION,
            "levels": self._levels.state(),
            "above": [tail.state() for tail in self._above],
            "below": [tail.state() for tail in self._below],
            "incident": self._incident.state(),
            "known": [self._last, self._cadence, self._readings, self._hours, self._series],
        }

    @classmethod
    def from_state(cls, state: dict[str, Any], settings: Settings | None = None) -> Level:
        """The detector that `state` came from. Raises `StateMismatch` for another's state."""
        check_state(state, cls.name, _VERSION)
        detector = cls(settings)
        detector._levels.restore(state["levels"])
        detector._above = _restored(state["above"])
        detector._below = _restored(state["below"])
        detector._incident = Incident.from_state(state["incident"], QUIET_HOURS)
        known = state["known"]
        detector._last, detector._cadence, detector._readings, detector._hours = known[:4]
        detector._series = known[4]
        return detector


def _restored(tails: list[Any]) -> list[Tail]:
    return [
        Tail.from_state(tail, statistic.readings / BLOCK)
        for tail, statistic in zip(tails, STATISTICS, strict=True)
    ]
