"""How often one may call: so many times in any minute."""

from __future__ import annotations

from collections import OrderedDict, deque

_MINUTE = 60.0
#: Callers remembered; the one that was silent longest is forgotten first.
_CALLERS = 1_000


class Pace:
    """Counts calls of each caller in the last minute."""

    def __init__(self, per_minute: int) -> None:
        self._per_minute = per_minute
        self._calls: OrderedDict[str, deque[float]] = OrderedDict()

    def allows(self, caller: str, now: float) -> bool:
        """Whether a call may be made at ``now`` (seconds that only grow); counts it if so."""
        calls = self._calls.setdefault(caller, deque())
        self._calls.move_to_end(caller)
        while len(self._calls) > _CALLERS:
            self._calls.popitem(last=False)
        while calls and calls[0] <= now - _MINUTE:
            calls.popleft()
        if len(calls) >= self._per_minute:
            return False
        calls.append(now)
        return True
