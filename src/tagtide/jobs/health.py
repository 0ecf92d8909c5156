"""How the process is doing, as plain values for probes, metrics and pages."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from tagtide.models import Job, Reason, Status

#: After the provider has refused the key, it is not asked again for this long.
AUTH_HOLD = timedelta(hours=1)
#: The free usage endpoint is asked this often whether there are credits again.
CREDITS_PROBE = timedelta(minutes=15)


class Condition(StrEnum):
    """What is wrong; the name is what `/readyz` says."""

    STARTING = "starting"
    DISK = "disk"
    DATABASE = "db"
    AUTH = "auth"
    CREDITS = "credits"
    CLOCK = "clock"
    #: The dead man's switch could not be reached.
    DEADMAN = "deadman"
    DELIVERY = "delivery"


class Readiness(StrEnum):
    """Whether the process does its work."""

    OK = "ok"
    #: It works, with a restriction that a person should know.
    DEGRADED = "degraded"
    DOWN = "down"


_DOWN = frozenset({Condition.STARTING, Condition.DISK})


@dataclass(slots=True)
class Health:
    """Written by the loops of one process, read by its pages. Not for several threads."""

    #: What is wrong, with a sentence for a person.
    conditions: dict[Condition, str] = field(default_factory=dict)
    #: Runs of this process by (job, status, reason).
    runs: Counter[tuple[Job, Status, Reason]] = field(default_factory=Counter)
    #: Slots that were not run, by (job, reason).
    skipped: Counter[tuple[Job, Reason]] = field(default_factory=Counter)
    database_errors: int = 0
    #: Seconds between a slot and the start of its run, the newest per job.
    lateness: dict[Job, float] = field(default_factory=dict)
    #: Pings of the dead man's switch by what became of them.
    pings: Counter[str] = field(default_factory=Counter)
    #: ``Clock.monotonic`` of the scheduler's newest tick; None before the first.
    ticked: float | None = None

    @property
    def readiness(self) -> Readiness:
        """The worst of the conditions."""
        if _DOWN & self.conditions.keys():
            return Readiness.DOWN
        return Readiness.DEGRADED if self.conditions else Readiness.OK

    def set(self, condition: Condition, sentence: str) -> None:
        """Something is wrong."""
        self.conditions[condition] = sentence

    def clear(self, *conditions: Condition) -> None:
        """It is right again; nothing happens when it was."""
        for condition in conditions:
            self.conditions.pop(condition, None)


@dataclass(slots=True)
class Holds:
    """Why no paid run may start just now."""

    health: Health
    _auth_until: datetime | None = None
    _probe_at: datetime | None = None

    def learn(self, reason: Reason, now: datetime) -> None:
        """Take note of how a run ended."""
        if reason is Reason.AUTH:
            self._auth_until = now + AUTH_HOLD
            self.health.set(
                Condition.AUTH,
                "The data API refuses the key. Set a valid one and restart; "
                "otherwise it is tried again in an hour.",
            )
        elif reason is Reason.CREDITS:
            self._probe_at = now + CREDITS_PROBE
            self.health.set(
                Condition.CREDITS,
                "There are no credits left. Add some at the provider; "
                "monitoring goes on by itself within 15 minutes.",
            )

    def reason(self, now: datetime) -> Reason:
        """Why paid runs are held back; `Reason.NONE` when they are not."""
        if self._auth_until is not None and now >= self._auth_until:
            self._auth_until = None
            self.health.clear(Condition.AUTH)
        if Condition.DISK in self.health.conditions:
            return Reason.STORAGE
        if self._auth_until is not None:
            return Reason.AUTH
        return Reason.CREDITS if self._probe_at is not None else Reason.NONE

    def probe_due(self, now: datetime) -> bool:
        """Whether the provider is to be asked for the balance."""
        return self._probe_at is not None and now >= self._probe_at

    def probed(self, balance: int | None, now: datetime) -> None:
        """Take note of a balance; unknown counts as none."""
        if balance:
            self._probe_at = None
            self.health.clear(Condition.CREDITS)
        else:
            self._probe_at = now + CREDITS_PROBE
