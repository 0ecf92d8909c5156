"""One alert per episode: opened once, escalated when it is far stranger, closed after a quiet."""

from __future__ import annotations

from tagtide.core.detect.base import Phase

#: Hours without an exceedance after which an incident is over.
QUIET_HOURS = 36.0
#: An open incident is told again when it is so many powers of ten rarer than when last told.
ESCALATION = 2.0


class Incident:
    """State of the incident of one detector and direction; instants are hours since 1970."""

    __slots__ = ("_quiet_hours", "exceeded_at", "opened_at", "told")

    def __init__(self, quiet_hours: float = QUIET_HOURS) -> None:
        self._quiet_hours = quiet_hours
        self.opened_at: float | None = None
        self.exceeded_at = 0.0
        #: Strangeness (powers of ten) that was last told.
        self.told = 0.0

    def step(self, at: float, strangeness: float, exceeds: bool, is_large: bool) -> Phase:
        """Follow one judged reading; ``is_large`` are the practical floors of an alert."""
        if exceeds:
            if self.opened_at is None:
                if not is_large:
                    return Phase.NONE
                self.opened_at, self.exceeded_at, self.told = at, at, strangeness
                return Phase.OPENS
            self.exceeded_at = at
            if is_large and strangeness >= self.told + ESCALATION:
                self.told = strangeness
                return Phase.ESCALATES
            return Phase.CONTINUES
        if self.opened_at is None:
            return Phase.NONE
        if at - self.exceeded_at >= self._quiet_hours:
            self.opened_at = None
            return Phase.CLOSES
        return Phase.CONTINUES

    def state(self) -> list[float | None]:
        """Everything, as JSON."""
        return [self.opened_at, self.exceeded_at, self.told]

    @classmethod
    def from_state(cls, state: list[float | None], quiet_hours: float = QUIET_HOURS) -> Incident:
        """The incident that `state` came from."""
        incident = cls(quiet_hours)
        incident.opened_at = state[0]
        incident.exceeded_at = state[1] or 0.0
        incident.told = state[2] or 0.0
        return incident
