"""What a counter usually does: its rate, how far gains scatter about it, and the recent past.

The rate is a discounted ratio of gains to exposure; a gain far beyond expectation counts only up to
a limit, so that a burst does not become the new usual before it has lasted. The scatter is learned
for four lengths of spans and shrunk to the pool's. Windows keep the beginnings of the last hours
with the rate that was known there, so that a window is never compared with itself.
"""

from __future__ import annotations

from collections import deque
from math import exp, log, sqrt
from typing import Any, NamedTuple

from tagtide.core.detect.calibration import Calibration
from tagtide.core.detect.rhythm import Rhythm

#: Lengths of the windows kept, in hours.
WINDOWS = (1.0, 6.0, 24.0, 72.0)
#: A window is kept in so many parts.
_PARTS = 24
#: A window may be so much shorter or longer than its name.
_SHORTEST, _LONGEST = 0.6, 1.15
#: Spans up to so many hours share a spread; the last has no end.
_SPREAD_LIMITS = (0.75, 4.5, 12.0)
#: The shipped spread weighs like so many readings.
_PRIOR_READINGS = 8.0
#: Days after which a reading counts half in the spread, and in the slow rate.
_SLOW_DAYS = 28.0
#: A reading counts as evidence of its own from so many hours on.
_EVIDENCE_HOURS = 3.0
_DAILY_LOSS = 0.5 ** (1 / _SLOW_DAYS)
_LEAST_SPREAD = 1e-5
#: Squared residuals count up to so many times their variance.
_CLIP = 9.0


class Mark(NamedTuple):
    """A beginning of windows: totals then, and what was known then."""

    at: float
    gained: float
    exposed: float
    rate: float
    evidence: float


def spread_class(hours: float) -> int:
    """Which of the four spreads a span of this length has."""
    if hours <= _SPREAD_LIMITS[1]:
        return 0 if hours <= _SPREAD_LIMITS[0] else 1
    return 2 if hours <= _SPREAD_LIMITS[2] else 3


class Baseline:
    """Learned from steps that can be trusted; instants are hours since 1970."""

    __slots__ = (
        "_decay_days",
        "_exposed",
        "_gained",
        "_priors",
        "_slow_exposed",
        "_slow_gained",
        "_spread_seen",
        "_spread_weight",
        "evidence",
        "exposed_total",
        "gained_total",
        "mark",
        "rate",
        "reached",
        "rhythm",
        "since",
        "spreads",
        "windows",
    )

    def __init__(self, calibration: Calibration, memory_days: float) -> None:
        self._decay_days = memory_days
        self._priors = calibration.spreads
        self.rhythm = Rhythm(calibration.hours, calibration.days)
        self._gained = self._exposed = self._slow_gained = self._slow_exposed = 0.0
        self._spread_seen, self._spread_weight = [0.0] * 4, [0.0] * 4
        self.spreads = list(calibration.spreads)
        #: Expected gain per hour of exposure; 0 while nothing is known.
        self.rate = 0.0
        #: Readings' worth of evidence behind the rate.
        self.evidence = 0.0
        self.gained_total = self.exposed_total = 0.0
        #: The newest trusted reading, and the first.
        self.mark: Mark | None = None
        #: Exposure from the beginning of time to the newest trusted reading.
        self.reached = 0.0
        self.since: float | None = None
        self.windows: tuple[deque[Mark], ...] = tuple(deque() for _ in WINDOWS)

    def restart(self, at: float) -> None:
        """Windows begin anew here; what was learned stays."""
        for window in self.windows:
            window.clear()
        if self.since is None:
            self.since = at
        self.mark = Mark(at, self.gained_total, self.exposed_total, self.rate, self.evidence)
        self.reached = self.rhythm.until(at)
        if self.rate > 0:
            self._keep(self.mark, 0.0)

    def forget_after(self, at: float) -> None:
        """No window may begin after this instant: what was read there is in doubt."""
        for window in self.windows:
            while window and window[-1].at > at:
                window.pop()

    def rescale(self, factor: float) -> None:
        """Gains are counted in other units from now on."""
        self._gained *= factor
        self._slow_gained *= factor
        self.gained_total *= factor
        self.rate *= factor
        for window in self.windows:
            window.clear()
        if self.mark is not None:
            self.mark = self.mark._replace(gained=self.gained_total, rate=self.rate)

    def shape(self, spread: float, evidence: float) -> float:
        """Shape of the negative binomial, wider while little is known."""
        known = evidence if evidence > 1.0 else 1.0  # noqa: FURB136 - three times per reading
        return 1 / (spread * (1 + 1 / known) + 0.5 / known)

    def slow_rate(self, unit: float) -> float:
        """The rate over months instead of weeks."""
        if self._slow_exposed <= 0:
            return 0.0
        return (self._slow_gained + unit / 2) / self._slow_exposed

    def learn(
        self, since: float, at: float, gain: float, exposed: float, unit: float, is_clipped: bool
    ) -> None:
        """Add a trusted span; ``is_clipped`` limits what a gain beyond expectation teaches."""
        hours = at - since
        mean = self.rate * exposed
        kind = spread_class(hours)
        counted = gain
        if mean > 0:
            if is_clipped and gain > mean:
                limit = exp(2 * sqrt(self.spreads[kind]))
                counted = min(gain, mean * limit + 3 * sqrt(mean + 1) + 2 * unit)
            if mean > unit / 2:
                self.rhythm.learn(since, at, counted / mean)
        fade = 0.5 ** (hours / (24 * self._decay_days))
        slow_fade = 0.5 ** (hours / (24 * _SLOW_DAYS))
        self._gained = self._gained * fade + counted
        self._exposed = self._exposed * fade + exposed
        self._slow_gained = self._slow_gained * slow_fade + counted
        self._slow_exposed = self._slow_exposed * slow_fade + exposed
        self.evidence = self.evidence * fade + min(1.0, hours / _EVIDENCE_HOURS)
        self.rate = (self._gained + unit / 2) / self._exposed
        self.gained_total += gain
        self.exposed_total += exposed
        self.mark = Mark(at, self.gained_total, self.exposed_total, self.rate, self.evidence)
        self._keep(self.mark, hours)
        if self.rhythm.turn(at, *self._noises()):
            self._spread_seen = [value * _DAILY_LOSS for value in self._spread_seen]
            self._spread_weight = [value * _DAILY_LOSS for value in self._spread_weight]
        self.reached = self.rhythm.until(at)

    def _noises(self) -> tuple[float, float]:
        """Relative variances of an hour's and a day's gain."""
        rate = max(self.rate, 1e-9)
        return self.spreads[1] + 1 / rate, self.spreads[3] + 1 / (24 * rate)

    def learn_spread(
        self, hours: float, gain: float, mean: float, unit: float, waited: float
    ) -> None:
        """How far a span's gain lay from its expectation, on the scale of square roots."""
        kind = spread_class(hours)
        spread = self.spreads[kind]
        counting = 1 + (unit * unit / (6 * mean) if unit > 1 else 0.0)
        residual = 4 * (sqrt(gain + 0.375) - sqrt(mean + 0.375)) ** 2
        variance = counting + mean * spread
        weight = (mean * spread / variance) ** 2 * min(1.0, 4 * waited / hours)
        self._spread_seen[kind] += weight * (min(residual, _CLIP * variance) - counting) / mean
        self._spread_weight[kind] += weight
        prior, seen = self._priors[kind], self._spread_weight[kind]
        own = max(self._spread_seen[kind] / seen, prior / 1000, _LEAST_SPREAD) if seen else prior
        share = seen / (seen + _PRIOR_READINGS)
        self.spreads[kind] = exp(share * log(own) + (1 - share) * log(prior))

    def _keep(self, mark: Mark, waited: float) -> None:
        """Windows not much longer than the distance of readings are never asked for."""
        for number in (3, 2, 1, 0):
            hours, window = WINDOWS[number], self.windows[number]
            if hours < waited:
                break
            while window and window[0].at < mark.at - _LONGEST * hours:
                window.popleft()
            if not window or mark.at - window[-1].at >= 0.98 * hours / _PARTS:
                window.append(mark)

    def window(self, number: int, at: float) -> Mark | None:
        """The beginning of a window that ends at an instant; None when too little is kept."""
        hours, marks = WINDOWS[number], self.windows[number]
        oldest = at - _LONGEST * hours
        while marks and marks[0].at < oldest:
            marks.popleft()
        return marks[0] if marks and at - marks[0].at >= _SHORTEST * hours else None

    # --- storage ----------------------------------------------------------------------------------

    def state(self) -> dict[str, Any]:
        """Everything, as JSON."""
        return {
            "rates": [self._gained, self._exposed, self._slow_gained, self._slow_exposed],
            "spreads": [self._spread_seen, self._spread_weight, self.spreads],
            "known": [self.rate, self.evidence, self.since],
            "totals": [self.gained_total, self.exposed_total],
            "mark": self.mark,
            "windows": [list(window) for window in self.windows],
            "rhythm": self.rhythm.state(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Take up what `state` holds."""
        self._gained, self._exposed, self._slow_gained, self._slow_exposed = state["rates"]
        self._spread_seen, self._spread_weight, self.spreads = (list(x) for x in state["spreads"])
        self.rate, self.evidence, self.since = state["known"]
        self.gained_total, self.exposed_total = state["totals"]
        self.mark = None if state["mark"] is None else Mark(*state["mark"])
        self.windows = tuple(deque(Mark(*mark) for mark in window) for window in state["windows"])
        self.rhythm.restore(state["rhythm"])
        self.reached = 0.0 if self.mark is None else self.rhythm.until(self.mark.at)
