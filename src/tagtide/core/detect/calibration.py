"""What hashtags have in common: the pool a single one is judged against.

A calibration is a versioned table, made by a daily job from all hashtags' states and read-only
while readings are judged; with one state per hashtag and one version of the pool, a back-test
replays exactly what was said. Without a pool the shipped table serves.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Any

#: Strangeness is counted in bins of this width, so many of them.
BIN = 0.1
BINS = 80
#: A pool weighs against the shipped table as if that had been seen on so many days.
_SHIPPED_DAYS = 300.0
#: The quantile of the pool: this share of quiet days has a peak at least so strange.
_OUTER = 0.05
#: Beyond so many powers of ten, nothing is told apart.
_RAREST = 100.0
_VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Tail:
    """From strangeness to chance incidents per day.

    Strangeness is a negative power of ten: 2 is once in 100 days, if the model were exact. It is
    not, so the pool says how strange the strangest of a quiet day is on 1 day in 20; how many
    incidents begin there and how fast they get rarer was measured on counters at which nothing
    happens. A quantile and not a moment: real bursts do not move it.
    """

    #: Exceeded by the largest strangeness of 1 quiet day in 20.
    outer: float
    #: Incidents per day that begin with at least so much.
    begun: float
    #: Powers of ten by which they get rarer per unit of strangeness.
    slope: float

    def rate(self, strangeness: float) -> float:
        """Chance incidents per day at least so strange."""
        if strangeness <= 0:
            return 1.0
        if strangeness < self.outer:
            return float(self.begun ** (strangeness / self.outer))
        return float(self.begun * 10 ** -min(self.slope * (strangeness - self.outer), _RAREST))

    def state(self) -> list[float]:
        """As JSON."""
        return [self.outer, self.begun, self.slope]


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """One version of the pool."""

    #: Names it in findings and back-tests; "shipped" is the table that comes with tagtide.
    version: str
    rise: Tail
    fall: Tail
    #: Mean activity of each hour (UTC) and day (from Monday), as multiples of the mean.
    hours: tuple[float, ...]
    days: tuple[float, ...]
    #: Variance of the logarithm of a span's gain about its expectation, for spans of under 45 min,
    #: under 4.5 h, under 12 h and longer.
    spreads: tuple[float, float, float, float]

    def state(self) -> dict[str, Any]:
        """As JSON, for the database."""
        return {
            "format": _VERSION,
            "version": self.version,
            "rise": self.rise.state(),
            "fall": self.fall.state(),
            "hours": list(self.hours),
            "days": list(self.days),
            "spreads": list(self.spreads),
        }

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Calibration:
        """The calibration that `state` came from."""
        if state.get("format") != _VERSION:
            raise ValueError(f"a calibration of format {state.get('format')} is not known")
        first, second, third, fourth = state["spreads"]
        return cls(
            version=state["version"],
            rise=_restored(state["rise"]),
            fall=_restored(state["fall"]),
            hours=tuple(state["hours"]),
            days=tuple(state["days"]),
            spreads=(first, second, third, fourth),
        )


def _restored(state: Sequence[float]) -> Tail:
    return Tail(outer=state[0], begun=state[1], slope=state[2])


#: Measured on public view counters of hashtags and on simulated ones; see docs/detection.md.
SHIPPED = Calibration(
    version="shipped",
    rise=Tail(outer=0.70, begun=0.038, slope=0.80),
    fall=Tail(outer=0.38, begun=0.0224, slope=1.41),
    hours=(
        1.17, 1.13, 1.05, 0.98, 0.89, 0.79, 0.70, 0.64, 0.63, 0.66, 0.73, 0.82,
        0.92, 1.01, 1.09, 1.16, 1.22, 1.27, 1.30, 1.31, 1.30, 1.27, 1.24, 1.21,
    ),
    days=(1.0, 0.99, 0.98, 0.98, 0.98, 1.02, 1.05),
    spreads=(0.8, 0.6, 0.45, 0.35),
)  # fmt: skip


class DayPeaks:
    """Counts the largest strangeness of each quiet day, per hashtag; feeds the next pool."""

    __slots__ = ("_counts", "_day", "_is_quiet", "_peak")

    def __init__(self) -> None:
        self._counts: dict[int, float] = {}
        self._day: int | None = None
        self._peak = 0.0
        self._is_quiet = True

    def add(self, at: float, strangeness: float, is_quiet: bool) -> None:
        """One informative reading; not ``is_quiet`` is one inside an incident."""
        day = int(at // 24)
        if day != self._day:
            if self._day is not None and self._is_quiet:
                place = min(int(self._peak / BIN), BINS - 1)
                self._counts[place] = self._counts.get(place, 0) + 1
            self._day, self._peak, self._is_quiet = day, 0.0, True
        if not is_quiet:
            self._is_quiet = False
        self._peak = max(self._peak, strangeness)

    def state(self) -> list[Any]:
        """Everything, as JSON."""
        return [sorted(self._counts.items()), self._day, self._peak, self._is_quiet]

    @classmethod
    def from_state(cls, state: list[Any]) -> DayPeaks:
        """The counts that `state` came from."""
        peaks = cls()
        peaks._counts = {int(place): count for place, count in state[0]}
        peaks._day, peaks._peak, peaks._is_quiet = state[1:]
        return peaks


def pooled(
    states: Iterable[dict[str, Any]], version: str, shipped: Calibration = SHIPPED
) -> Calibration:
    """The next version of the pool, from the stored states of statistical detectors.

    Few days move the shipped table little. Rhythm and spreads stay those of ``shipped``.
    """
    rises, falls = [0.0] * BINS, [0.0] * BINS
    for state in states:
        for counts, key in ((rises, "rise_peaks"), (falls, "fall_peaks")):
            for place, count in state[key][0]:
                counts[int(place)] += count
    return Calibration(
        version=version,
        rise=_tail(rises, shipped.rise),
        fall=_tail(falls, shipped.fall),
        hours=shipped.hours,
        days=shipped.days,
        spreads=shipped.spreads,
    )


def _tail(counts: Sequence[float], shipped: Tail) -> Tail:
    days = sum(counts)
    if days == 0:
        return shipped
    weight = days / (days + _SHIPPED_DAYS)
    outer = weight * _quantile(counts, _OUTER) + (1 - weight) * shipped.outer
    return replace(shipped, outer=max(outer, 0.1))


def _quantile(counts: Sequence[float], share: float) -> float:
    """Strangeness above which this share of the days lies, interpolated within its bin."""
    wanted = share * sum(counts)
    above = list(accumulate(reversed(counts)))
    for back, total in enumerate(above):
        if total >= wanted:
            place = len(counts) - 1 - back
            within = (total - wanted) / counts[place]
            return BIN * (place + within)
    return 0.0
