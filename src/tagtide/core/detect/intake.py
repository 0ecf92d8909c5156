"""Checks every detector shares: what a reading is worth before anything is computed from it.

Unknown values, stale and corrected counters, rounding, gaps, duplicates and clocks that step back
end here. Counters are judged by `tagtide.core.counter`, as everywhere else.
"""

from __future__ import annotations

from collections import deque
from math import isfinite
from typing import Any, NamedTuple

from tagtide.core.counter import ChangeNote, CounterTrack
from tagtide.core.detect.base import Point, Reason
from tagtide.core.rounding import learned_unit

#: A longer silence is a gap: what happened in it cannot be dated, so it is not judged.
GAP_HOURS = 36.0
#: ... or so many times the usual distance of readings.
GAP_TIMES = 3.0
#: Growth up to the level before a correction is not news for so long; then the correction has
#: lasted, and only a jump over half of what is missing is still taken for the way back.
_WAY_BACK_HOURS = 336.0
#: A series with fractions is continuous: it is counted in such small units that counting noise,
#: which it has not, vanishes.
FINE = 1e6


class Step(NamedTuple):
    """What one reading adds."""

    #: USUAL when it may be judged.
    reason: Reason
    #: Instant of the reading, in hours since 1970.
    at: float
    #: Beginning of the span and what was gained in it.
    since: float = 0.0
    gain: float = 0.0
    unit: float = 1.0
    #: The span does not follow on the one before: windows begin anew.
    is_restart: bool = False
    #: Good enough to learn the usual rate from.
    is_learned: bool = False
    #: Hours since the reading before, whatever it was worth.
    waited: float = 0.0


class Intake:
    """Turns points into steps. `settle` says that the step was believed."""

    __slots__ = (
        "_cadence",
        "_is_counter",
        "_last",
        "_level",
        "_recent",
        "_series",
        "_since",
        "_track",
        "_was_below",
        "scale",
    )

    def __init__(self, is_counter: bool) -> None:
        self._is_counter = is_counter
        self._track = CounterTrack()
        self._series = ""
        self._recent: deque[float] = deque(maxlen=5)
        self._last: float | None = None
        self._cadence: float | None = None
        #: Where the next span begins.
        self._since: float | None = None
        self._level = 0.0
        self._was_below = False
        #: Values are multiplied by this; see `FINE`.
        self.scale = 1.0

    def take(self, point: Point) -> Step:
        """What the next point adds. Does NOT move the beginning of the span: see `settle`."""
        at = point.at.timestamp() / 3600
        last = self._last
        if last is not None and at <= last:
            return Step(Reason.DUPLICATE if at == last else Reason.CLOCK_BACK, at)
        waited = 0.0 if last is None else at - last
        self._last = at
        value = point.value
        if value is None or not isfinite(value) or value < 0 or (self._is_counter and value == 0):
            return Step(Reason.UNKNOWN, at, waited=waited)
        limit = max(GAP_HOURS if self._is_counter else 0.0, GAP_TIMES * (self._cadence or waited))
        if last is not None and waited <= limit:
            cadence = self._cadence
            self._cadence = waited if cadence is None else cadence + 0.1 * (waited - cadence)
        if value != int(value) and self.scale == 1.0:
            self.scale = FINE
            self._level *= FINE
        if self._is_counter:
            return self._take_counter(point, at, value, waited, limit)
        return self._take_increment(point, at, value, waited, limit)

    def settle(self, step: Step, value: float) -> None:
        """The step was believed: the next span begins here."""
        self._since = step.at
        self._level = value * self.scale

    # --- increments -------------------------------------------------------------------------------

    def _take_increment(
        self, point: Point, at: float, value: float, waited: float, limit: float
    ) -> Step:
        since, self._since = self._since, at
        gain, unit = value * self.scale, self._unit(point, value)
        if since is None:
            return Step(Reason.FIRST_READING, at, is_restart=True)
        if waited > limit:
            # Follow the new distance, in case it is the usual one from now on.
            self._cadence = (self._cadence or waited) * 1.5
            return Step(Reason.GAP, at, since, gain, unit, is_restart=True, waited=waited)
        if at - since > limit:
            since = at - waited
        return Step(Reason.USUAL, at, since, gain, unit, False, True, waited)

    # --- running totals ---------------------------------------------------------------------------

    def _take_counter(
        self, point: Point, at: float, value: float, waited: float, limit: float
    ) -> Step:
        if point.series != self._series:
            known = self._since is not None
            self._series, self._track = point.series, CounterTrack()
            self._recent.clear()
            self._since = None
            if known:
                self._begin(point, at, value)
                return Step(Reason.SOURCE_CHANGED, at, is_restart=True, waited=waited)
        unit = self._unit(point, value)
        if self._since is None:
            self._begin(point, at, value)
            return Step(Reason.FIRST_READING, at, is_restart=True, waited=waited)
        track, coarse = self._track, self._track.unit
        note = track.judge(at, value, unit, point.is_repeat)
        if note is ChangeNote.STALE:
            return Step(Reason.STALE, at, waited=waited)
        if note is ChangeNote.COUNTER_CORRECTED:
            self._since, self._level, self._was_below = at, value * self.scale, True
            return Step(Reason.COUNTER_CORRECTED, at, is_restart=True, waited=waited)
        step = self._gain(at, value * self.scale, max(unit, coarse), waited, limit)
        # What a coarse counter gained before it became finer may be rounding: windows begin anew.
        return step._replace(is_restart=True) if unit < coarse else step

    def _begin(self, point: Point, at: float, value: float) -> None:
        unit = self._unit(point, value)
        self._track.judge(at, value, unit, point.is_repeat)
        self._since, self._level, self._was_below = at, value * self.scale, False

    def _gain(self, at: float, level: float, unit: float, waited: float, limit: float) -> Step:
        since, gain = self._since or at, level - self._level
        if self._was_below:
            ceiling = self._track.ceiling * self.scale
            is_lasting = at - self._track.ceiling_at > _WAY_BACK_HOURS
            if is_lasting and gain <= (ceiling - self._level) / 2:
                self._was_below = level <= ceiling
                reason = Reason.GAP if at - since > limit else Reason.USUAL
                return Step(reason, at, since, gain, unit, reason is Reason.GAP, True, waited)
            if level <= ceiling:
                # Growth up to the level before a correction teaches the rate and is never news.
                return Step(Reason.COUNTER_CORRECTED, at, since, gain, unit, True, True, waited)
            self._was_below = False
            since, gain = self._track.ceiling_at, level - ceiling
            reason = Reason.GAP if at - since > limit else Reason.USUAL
            return Step(reason, at, since, gain, unit, True, True, waited)
        if at - since > limit:
            return Step(Reason.GAP, at, since, gain, unit, True, True, waited)
        return Step(Reason.USUAL, at, since, gain, unit, False, True, waited)

    def _unit(self, point: Point, value: float) -> float:
        """Step of the counter, in scaled units."""
        if point.unit is not None:
            return max(1.0, point.unit * self.scale)
        if self.scale != 1.0:
            return 1.0
        # A counter that stands still at a round number shows nothing of its step.
        if not self._recent or value != self._recent[-1]:
            self._recent.append(value)
        return 1.0 if value % 10 else float(learned_unit(int(v) for v in self._recent))

    # --- storage ----------------------------------------------------------------------------------

    def state(self) -> dict[str, Any]:
        """Everything, as JSON."""
        return {
            "series": self._series,
            "track": self._track.state(),
            "recent": list(self._recent),
            "last": self._last,
            "cadence": self._cadence,
            "since": self._since,
            "level": self._level,
            "was_below": self._was_below,
            "scale": self.scale,
        }

    @classmethod
    def from_state(cls, state: dict[str, Any], is_counter: bool) -> Intake:
        """The intake that `state` came from."""
        intake = cls(is_counter)
        intake._series = state["series"]
        intake._track = CounterTrack.from_state(state["track"])
        intake._recent.extend(state["recent"])
        intake._last = state["last"]
        intake._cadence = state["cadence"]
        intake._since = state["since"]
        intake._level = state["level"]
        intake._was_below = state["was_below"]
        intake.scale = state["scale"]
        return intake
