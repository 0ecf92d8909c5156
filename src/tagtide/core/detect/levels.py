"""What is looked at in a series of levels: statistics of a reading and of the readings before it.

Each is one number per reading, made from the past alone, in constant memory: the value and its
logarithm, its distance from short and long averages and from what is usual at this hour of the day
and of the week, and the mean, the scatter and the restlessness of the last 6, 24 and 96 readings.
"""

from __future__ import annotations

from collections import deque
from math import exp, log, sqrt
from typing import Any, NamedTuple

#: Readings of the windows.
WINDOWS = (6, 24, 96)
#: Parts of a new value that enter the short and the long average.
_SHORT, _LONG = 0.1, 0.01
#: A new day enters the profile with at least this part.
_NEW_DAY = 0.25
#: The profile of the week is used from here on.
_WEEK_KNOWN_HOURS = 504.0
_DAY_BINS, _WEEK_BINS = 48, 168
#: A scatter of nothing at all is taken for this, so that it has a logarithm.
_STILL = 1e-9
#: Sums are made anew so often, so that rounding does not gather.
_RENEWED = 24


class Statistic(NamedTuple):
    """One of the numbers; the sentence of an alert is made of it."""

    name: str
    #: Said of the observed value; ``{value}`` and ``{span}`` are filled in.
    phrase: str
    #: Readings it looks back over.
    readings: int = 1
    is_log: bool = False


_STOOD = "stood at {value}"
_AVERAGED = "averaged {value} over {span}"
_SCATTERED = "had a standard deviation of {value} over {span}"
_MOVED = "moved by {value} from reading to reading over {span}"
_FROM_DAY = "averaged {value} against the usual at these hours, over {span}"

STATISTICS = (
    Statistic("value", _STOOD),
    Statistic("log_value", _STOOD, is_log=True),
    Statistic("from_short", "lay {value} from its average of the last readings"),
    Statistic("from_long", "lay {value} from its average of the last hundred readings"),
    Statistic("step", "moved by {value} in one reading", 2),
    Statistic("from_day", "lay {value} from what is usual at this hour"),
    Statistic("from_week", "lay {value} from what is usual at this hour of the week"),
    *(Statistic(f"mean_{n}", _AVERAGED, n) for n in WINDOWS),
    *(Statistic(f"scatter_{n}", _SCATTERED, n, is_log=True) for n in WINDOWS),
    *(Statistic(f"moves_{n}", _MOVED, n) for n in WINDOWS),
    *(Statistic(f"from_day_{n}", _FROM_DAY, n) for n in WINDOWS[1:]),
)


def shown(statistic: Statistic, value: float) -> float:
    """A statistic's value as a person reads it."""
    return exp(min(value, 700.0)) if statistic.is_log else value


class Window:
    """Mean and variance of the last values, in constant time."""

    __slots__ = ("_base", "_size", "_square", "_sum", "_values")

    def __init__(self, size: int) -> None:
        self._size = size
        self._values: deque[float] = deque()
        #: Values are counted from here, so that squares do not swamp a small scatter.
        self._base = self._sum = self._square = 0.0

    def add(self, value: float) -> bool:
        """Whether the window is full with this value."""
        if not self._values:
            self._base = value
        value -= self._base
        self._values.append(value)
        self._sum += value
        self._square += value * value
        if len(self._values) > self._size:
            gone = self._values.popleft()
            self._sum -= gone
            self._square -= gone * gone
        return len(self._values) == self._size

    def renew(self) -> None:
        """Take rounding out of the sums."""
        self._sum = sum(self._values)
        self._square = sum(value * value for value in self._values)

    def clear(self) -> None:
        """Begin anew."""
        self._values.clear()
        self._sum = self._square = 0.0

    @property
    def mean(self) -> float:
        """Of the values."""
        return self._sum / len(self._values) + self._base

    @property
    def deviation(self) -> float:
        """Standard deviation of the values; 0 where rounding is all that is left."""
        mean = self._sum / len(self._values)
        square = self._square / len(self._values)
        variance = square - mean * mean
        return sqrt(variance) if variance > 1e-12 * square else 0.0

    def state(self) -> list[Any]:
        """Everything, as JSON."""
        return [self._base, self._sum, self._square, list(self._values)]

    def restore(self, state: list[Any]) -> None:
        """Take up a state."""
        self._base, self._sum, self._square = state[:3]
        self._values = deque(state[3])


class Profile:
    """The usual value of each part of a day or a week."""

    __slots__ = ("_count", "_days", "_means", "_part", "_sum")

    def __init__(self, parts: int) -> None:
        self._means, self._days = [0.0] * parts, [0] * parts
        #: The part that goes on; it enters the profile when it is over.
        self._part: int | None = None
        self._sum, self._count = 0.0, 0

    def usual(self, part: int) -> float | None:
        """What is usual; None while this part was never over."""
        return self._means[part] if self._days[part] else None

    def add(self, part: int, value: float) -> None:
        """One value."""
        if part != self._part:
            old = self._part
            if old is not None:
                weight = max(1 / (self._days[old] + 1), _NEW_DAY)
                self._means[old] += weight * (self._sum / self._count - self._means[old])
                self._days[old] += 1
            self._part, self._sum, self._count = part, 0.0, 0
        self._sum += value
        self._count += 1

    def state(self) -> list[Any]:
        """Everything, as JSON."""
        return [self._means, self._days, self._part, self._sum, self._count]

    def restore(self, state: list[Any]) -> None:
        """Take up a state."""
        self._means, self._days = list(state[0]), list(state[1])
        self._part, self._sum, self._count = state[2:]


class Levels:
    """Turns readings into the statistics, in the order of `STATISTICS`."""

    __slots__ = (
        "_before",
        "_day",
        "_from_day",
        "_long",
        "_moves",
        "_seen",
        "_short",
        "_since",
        "_values",
        "_week",
    )

    def __init__(self) -> None:
        self._since: float | None = None
        self._before: float | None = None
        self._short = self._long = 0.0
        self._seen = 0
        self._values = [Window(size) for size in WINDOWS]
        self._moves = [Window(size) for size in WINDOWS]
        self._from_day = [Window(size) for size in WINDOWS[1:]]
        self._day, self._week = Profile(_DAY_BINS), Profile(_WEEK_BINS)

    def restart(self) -> None:
        """What comes does not follow on what was: only the profiles stay."""
        self._before = None
        for window in (*self._values, *self._moves, *self._from_day):
            window.clear()

    def measure(self, at: float, value: float) -> list[float | None]:
        """The statistics of a reading; ``at`` is in hours since 1970."""
        if self._since is None:
            self._since = at
        half_hour, hour = int(at * 2) % _DAY_BINS, int(at) % _WEEK_BINS
        day, week = self._day.usual(half_hour), self._week.usual(hour)
        if at - self._since < _WEEK_KNOWN_HOURS:
            week = None
        found: list[float | None] = [value, log(value) if value > 0 else None]
        before = self._before
        if before is None:
            found += (None, None, None)
            self._short = self._long = value
        else:
            found += (value - self._short, value - self._long, value - before)
            self._short += _SHORT * (value - self._short)
            self._long += _LONG * (value - self._long)
        found.append(None if day is None else value - day)
        found.append(None if week is None else value - week)
        full = [window.add(value) for window in self._values]
        found += [w.mean if f else None for w, f in zip(self._values, full, strict=True)]
        found += [
            log(max(w.deviation, _STILL)) if f else None
            for w, f in zip(self._values, full, strict=True)
        ]
        for windows, added in (
            (self._moves, None if before is None else abs(value - before)),
            (self._from_day, None if day is None else value - day),
        ):
            for window in windows:
                is_full = added is not None and window.add(added)
                found.append(window.mean if is_full else None)
        self._day.add(half_hour, value)
        self._week.add(hour, value)
        self._before = value
        self._seen += 1
        if self._seen % _RENEWED == 0:
            for window in (*self._values, *self._moves, *self._from_day):
                window.renew()
        return found

    # --- storage ----------------------------------------------------------------------------------

    def state(self) -> dict[str, Any]:
        """Everything, as JSON."""
        return {
            "known": [self._since, self._before, self._short, self._long, self._seen],
            "values": [window.state() for window in self._values],
            "moves": [window.state() for window in self._moves],
            "from_day": [window.state() for window in self._from_day],
            "day": self._day.state(),
            "week": self._week.state(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Take up what `state` holds."""
        self._since, self._before, self._short, self._long, self._seen = state["known"]
        for name, windows in (
            ("values", self._values),
            ("moves", self._moves),
            ("from_day", self._from_day),
        ):
            for window, kept in zip(windows, state[name], strict=True):
                window.restore(kept)
        self._day.restore(state["day"])
        self._week.restore(state["week"])
