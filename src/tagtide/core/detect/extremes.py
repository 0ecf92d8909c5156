"""How rare a value of one statistic is among all that was seen of it, above and below.

A block is a run of readings; each leaves its largest and its smallest value, and the most extreme
of these are kept. Within what was seen, rarity is a rank; beyond it the tail is taken to fall off
exponentially, at the mean distance of the kept extremes from the least of them (peaks over a
threshold; Pickands 1975). Nothing is assumed of the values that are not extreme.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from math import log, log10, sqrt
from typing import Any

#: So many extremes are kept, and at most this part of all blocks.
_KEPT = 20
_KEPT_PART = 3
#: Fewer blocks tell nothing; of statistics that look back over several, a third as many times more.
LEAST_BLOCKS = 12
#: A new extreme of n blocks has this chance, times n + 1.
_NEW_EXTREME = 0.7
_LOG_TEN = log(10)
#: Nothing is told apart beyond so many powers of ten.
_RAREST = 50.0
_NONE = float("inf")


class Tail:
    """Largest values of blocks of one statistic; what is to be rare below is given negative."""

    __slots__ = ("_blocks", "_largest", "_least", "_scale", "_top", "bar")

    def __init__(self, spanned: float = 1.0) -> None:
        """``spanned`` is over how many blocks a value looks back."""
        self._least = LEAST_BLOCKS * max(1.0, spanned / 3)
        #: The largest of each block, ascending; one more than is counted is the threshold.
        self._top: list[float] = []
        self._blocks = 0
        #: The largest of the block that goes on.
        self._largest = -_NONE
        self._scale = 0.0
        #: Nothing up to here is rare; infinite while too little is known.
        self.bar = _NONE

    @property
    def is_known(self) -> bool:
        """Whether there were blocks enough to say what is rare."""
        return self.bar < _NONE

    def see(self, value: float) -> None:
        """One more value of the block that goes on."""
        if value > self._largest:  # noqa: PLR1730 - this is called for every statistic
            self._largest = value

    def close(self) -> None:
        """A block ends."""
        if self._largest == -_NONE:
            return
        self._blocks += 1
        insort(self._top, self._largest)
        if len(self._top) > _KEPT + 1:
            del self._top[0]
        self._largest = -_NONE
        self._fit()

    def _fit(self) -> None:
        if self._blocks < self._least:
            return
        counted = min(_KEPT, self._blocks // _KEPT_PART, len(self._top) - 1)
        threshold = self._top[-counted - 1]
        beyond = [value - threshold for value in self._top[-counted:]]
        mean = sum(beyond) / counted
        # The same for an exponential tail, and larger for a heavier one.
        root = sqrt(sum(value * value for value in beyond) / counted / 2)
        self._scale = max(mean, root) or 1e-9 * (abs(threshold) + 1e-9)
        self.bar = threshold

    def rarity(self, value: float) -> float:
        """Negative power of ten of the share of blocks that reach this value."""
        if value <= self.bar:
            return 0.0
        largest = self._top[-1]
        if value >= largest:
            beyond = (value - largest) / self._scale / _LOG_TEN
            return min(_RAREST, beyond) - log10(_NEW_EXTREME / (self._blocks + 1))
        rank = len(self._top) - bisect_left(self._top, value)
        return -log10((rank + 0.5) / (self._blocks + 1))

    def state(self) -> list[Any]:
        """Everything, as JSON."""
        largest = None if self._largest == -_NONE else self._largest
        return [self._top, self._blocks, largest]

    @classmethod
    def from_state(cls, state: list[Any], spanned: float = 1.0) -> Tail:
        """The tail that `state` came from."""
        tail = cls(spanned)
        tail._top, tail._blocks = list(state[0]), state[1]
        if state[2] is not None:
            tail._largest = state[2]
        tail._fit()
        return tail
