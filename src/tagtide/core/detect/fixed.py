"""What the fixed rules share: the checks, the recent past, one alert per episode."""

from __future__ import annotations

from collections import deque
from typing import Any, ClassVar, NamedTuple

from tagtide.core.detect.base import (
    Direction,
    Finding,
    Phase,
    Point,
    Reason,
    Settings,
    check_state,
)
from tagtide.core.detect.incidents import Incident
from tagtide.core.detect.intake import Intake, Step

_VERSION = 1
#: Marks of the past stand at least so far apart: one hour serves a week, a quarter six hours.
_PARTS = 168


class Past(NamedTuple):
    """Total gained until an instant."""

    at: float
    gained: float


class Measured(NamedTuple):
    """What a rule compares with what; it fires when ``value`` exceeds ``bar``."""

    value: float
    bar: float
    since: float
    gain: float
    expected: float | None = None


class FixedRule:
    """A rule without a model, on one counter; subclasses say what they measure."""

    name: str
    #: Hours of the past a rule looks back.
    reach: ClassVar[float]
    default_bar: ClassVar[float]

    def __init__(self, settings: Settings | None = None, bar: float | None = None) -> None:
        self._settings = settings or Settings()
        self._bar = self.default_bar if bar is None else bar
        self._intake = Intake(self._settings.is_counter)
        self._incident = Incident()
        self._gained = 0.0
        self._past: deque[Past] = deque()

    def measure(self, step: Step, level: float) -> Measured | None:
        """What the rule says of this step; None when it cannot be judged. May learn from it."""
        raise NotImplementedError

    def forget(self) -> None:
        """The past is no longer comparable."""
        self._past.clear()

    def observe(self, point: Point) -> Finding:
        """Judge the next reading."""
        step = self._intake.take(point)
        if step.is_restart or step.is_learned:
            assert point.value is not None
            self._intake.settle(step, point.value)
        if step.is_restart:
            self.forget()
            self._keep(Past(step.at, self._gained))
        if step.reason is not Reason.USUAL:
            return self._unjudged(point, step.reason)
        assert point.value is not None
        self._gained += step.gain
        measured = self.measure(step, point.value * self._intake.scale)
        self._keep(Past(step.at, self._gained))
        if measured is None:
            return self._unjudged(point, Reason.LEARNING)
        return self._judged(point, step, measured)

    def _judged(self, point: Point, step: Step, measured: Measured) -> Finding:
        exceeds = measured.value > measured.bar
        phase = self._incident.step(step.at, 0.0, exceeds, exceeds)
        scale, ratio = self._intake.scale, max(0.0, measured.value / measured.bar)
        return Finding(
            point.at,
            ratio / (ratio + 1),
            Reason.RISE if exceeds else Reason.USUAL,
            phase,
            Direction.RISE,
            hours=step.at - measured.since,
            observed=measured.gain / scale,
            expected=None if measured.expected is None else measured.expected / scale,
            threshold=measured.bar,
        )

    def _unjudged(self, point: Point, reason: Reason) -> Finding:
        is_open = self._incident.opened_at is not None
        return Finding(point.at, 0.0, reason, Phase.CONTINUES if is_open else Phase.NONE)

    def _keep(self, mark: Past) -> None:
        past = self._past
        if not past or mark.at - past[-1].at >= 0.98 * self.reach / _PARTS:
            past.append(mark)
        while len(past) > 2 and past[1].at <= mark.at - self.reach:
            past.popleft()

    def before(self, at: float) -> Past | None:
        """The newest mark at or before an instant, allowing for jitter; None without one."""
        found = None
        for mark in self._past:
            if mark.at > at + 0.1:
                break
            found = mark
        return found

    def gained_at(self, at: float) -> float | None:
        """Total gained until an instant, interpolated between marks."""
        before = None
        for mark in self._past:
            if mark.at >= at:
                if before is None:
                    return mark.gained if mark.at - at < 1e-9 else None
                part = (at - before.at) / (mark.at - before.at)
                return before.gained + part * (mark.gained - before.gained)
            before = mark
        return None

    # --- storage ----------------------------------------------------------------------------------

    def extra_state(self) -> Any:
        """What a subclass remembers, as JSON."""
        return None

    def restore_extra(self, state: Any) -> None:
        """Take up what `extra_state` gave."""

    def state(self) -> dict[str, Any]:
        """Everything, as JSON of bounded size."""
        return {
            "detector": self.name,
            "version": _VERSION,
            "intake": self._intake.state(),
            "incident": self._incident.state(),
            "gained": self._gained,
            "past": list(self._past),
            "extra": self.extra_state(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Take up a state. Raises `StateMismatch` for another's."""
        check_state(state, self.name, _VERSION)
        self._intake = Intake.from_state(state["intake"], self._settings.is_counter)
        self._incident = Incident.from_state(state["incident"])
        self._gained = state["gained"]
        self._past = deque(Past(*mark) for mark in state["past"])
        self.restore_extra(state["extra"])
