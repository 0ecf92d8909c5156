"""The statistical detector: one number, the expected false incidents, for counters of any size."""

from __future__ import annotations

from math import log10
from typing import Any

from tagtide.core.detect.base import (
    Direction,
    Finding,
    Phase,
    Point,
    Reason,
    Settings,
    check_state,
)
from tagtide.core.detect.baseline import Baseline, spread_class
from tagtide.core.detect.calibration import SHIPPED, Calibration, DayPeaks
from tagtide.core.detect.falls import is_deep, judge_fall
from tagtide.core.detect.incidents import QUIET_HOURS, Incident
from tagtide.core.detect.intake import GAP_HOURS, Intake, Step
from tagtide.core.detect.rises import Judgement, is_large, judge_rise
from tagtide.core.detect.standstill import Standstill
from tagtide.core.detect.tails import quantile

_VERSION = 1
#: Days of the month that F counts in.
_MONTH = 30.0
_LEAST_EXPOSURE = 1e-9
#: A counter that never moved is judged from this age on.
_UNMOVED_HOURS = 24.0


class Statistical:
    """Rises and falls of one counter against what is usual for it; see docs/detection.md."""

    name = "statistical"

    def __init__(
        self, settings: Settings | None = None, calibration: Calibration = SHIPPED
    ) -> None:
        self._settings = settings or Settings()
        self._calibration = calibration
        self._intake = Intake(self._settings.is_counter)
        self._base = Baseline(calibration, self._settings.memory_days)
        self._rise, self._fall = Incident(), Incident()
        self._rise_peaks, self._fall_peaks = DayPeaks(), DayPeaks()
        self._still = Standstill()
        share = self._settings.falls_share
        self._most_rises = self._settings.false_alarms * (1 - share) / _MONTH
        self._most_falls = self._settings.false_alarms * share / _MONTH

    def observe(self, point: Point) -> Finding:
        """Judge the next reading and learn from it."""
        scale = self._intake.scale
        step = self._intake.take(point)
        if self._intake.scale != scale:
            self._base.rescale(self._intake.scale / scale)
        if step.is_restart:
            self._still = Standstill()
        if not step.is_learned:
            if step.is_restart:
                self._base.restart(step.at)
            return self._unjudged(point, step.reason)
        base, still = self._base, self._still
        # Readings a microsecond apart have no exposure that a number can hold.
        added = max(base.rhythm.until(step.at) - base.reached, _LEAST_EXPOSURE)
        if step.reason is Reason.USUAL and self._settings.is_counter:
            if step.gain > 0:
                self._still = Standstill()
                step = self._past_standstill(step, still)
            elif still.is_held(base, step, added):
                return self._unjudged(point, Reason.STALE)
        assert point.value is not None
        self._intake.settle(step, point.value)
        finding = self._judged(point, step, added, still)
        self._learn(step, added)
        return finding

    def _past_standstill(self, step: Step, still: Standstill) -> Step:
        """A gain after a doubtful standstill was made in all of it, not since its last reading."""
        if still.since is None or not still.is_doubtful(self._base, step.since):
            return step
        self._base.forget_after(still.since)
        reason = step.reason if step.at - still.since <= GAP_HOURS else Reason.STALE
        return step._replace(since=still.since, reason=reason)

    def _learn(self, step: Step, added: float) -> None:
        base, opened = self._base, self._rise.opened_at
        is_new_usual = opened is not None and step.at - opened >= QUIET_HOURS
        assert base.mark is not None
        base.learn(base.mark.at, step.at, step.gain, added, step.unit, not is_new_usual)
        if step.is_restart:
            base.restart(step.at)

    def _judged(self, point: Point, step: Step, added: float, still: Standstill) -> Finding:
        base = self._base
        if step.reason is not Reason.USUAL:
            return self._unjudged(point, step.reason)
        if base.rate <= 0 or base.mark is None or self._is_unmoved(step.at):
            return self._unjudged(point, Reason.LEARNING)
        exposed = added
        if step.since != base.mark.at:
            exposed += base.reached - base.rhythm.until(step.since)
        gained, exposed_total = base.mark.gained + step.gain, base.mark.exposed + added
        rise = judge_rise(base, step, exposed, exposed_total)
        if still.since is not None:
            rise = still.temper(base, step, rise)
        fall = None
        if self._settings.falls_share > 0 and self._rise.opened_at is None:
            fall = judge_fall(base, step.at, gained, exposed_total, step.unit, step.waited)
        self._learn_spreads(step, exposed, exposed_total)
        finding = self._conclude_rise(point, step, rise)
        if fall is None or finding.is_alert:
            return finding
        return self._conclude_fall(point, step, fall, finding)

    def _is_unmoved(self, at: float) -> bool:
        """Whether the counter has not moved yet and is not known for a day."""
        since = self._base.since
        return self._base.gained_total <= 0 and since is not None and at - since < _UNMOVED_HOURS

    def _learn_spreads(self, step: Step, exposed: float, exposed_total: float) -> None:
        """Only spans outside incidents and with something to expect teach the scatter."""
        base = self._base
        if self._rise.opened_at is not None or base.mark is None:
            return
        mean, hours = base.rate * exposed, step.at - step.since
        if mean > step.unit / 2:
            base.learn_spread(hours, step.gain, mean, step.unit, step.waited)
        for number, longest in ((1, 4.5), (2, 12.0)):
            if hours > longest:
                continue
            start = base.window(number, step.at)
            if start is None:
                continue
            mean = start.rate * (exposed_total - start.exposed)
            if mean > step.unit / 2:
                gain = base.mark.gained + step.gain - start.gained
                base.learn_spread(step.at - start.at, gain, mean, step.unit, step.waited)

    def _conclude_rise(self, point: Point, step: Step, found: Judgement) -> Finding:
        rate = self._calibration.rise.rate(found.strangeness)
        exceeds = rate < self._most_rises
        large = exceeds and is_large(
            found, step.unit, self._settings.floor_units, self._settings.floor_ratio
        )
        if found.is_informative:
            self._rise_peaks.add(step.at, found.strangeness, self._rise.opened_at is None)
        phase = self._rise.step(step.at, log10(1 / rate), exceeds, large)
        reason = Reason.RISE if exceeds else Reason.USUAL
        if exceeds and not large:
            reason = Reason.TOO_SMALL
        return self._finding(point, step, found, rate, reason, phase, Direction.RISE)

    def _conclude_fall(self, point: Point, step: Step, found: Judgement, other: Finding) -> Finding:
        rate = self._calibration.fall.rate(found.strangeness)
        exceeds = rate < self._most_falls
        if found.is_informative:
            self._fall_peaks.add(step.at, found.strangeness, self._fall.opened_at is None)
        # A fall that goes on is ever stranger; it is told once.
        deep = exceeds and is_deep(found, step.unit) and self._fall.opened_at is None
        phase = self._fall.step(step.at, log10(1 / rate), exceeds, deep)
        if phase is Phase.NONE or other.phase is not Phase.NONE:
            return other
        reason = Reason.FALL if exceeds else Reason.USUAL
        return self._finding(point, step, found, rate, reason, phase, Direction.FALL)

    def _finding(
        self,
        point: Point,
        step: Step,
        found: Judgement,
        rate: float,
        reason: Reason,
        phase: Phase,
        direction: Direction,
    ) -> Finding:
        strangeness, scale = log10(1 / rate), self._intake.scale
        return Finding(
            point.at,
            strangeness / (strangeness + 2),
            reason,
            phase,
            direction,
            min(1.0, rate * min(step.waited, 24.0) / 24),
            step.at - found.since,
            found.gain / scale,
            found.mean / scale,
            found.shape,
            scale,
            24 / rate,
        )

    def usual(self, since: float, until: float) -> tuple[float, float, float] | None:
        """The 5 % quantile, mean and 95 % quantile of the gain between two instants (hours since
        1970), by what is known now; None while nothing is known. Changes nothing.
        """
        base = self._base
        hours = until - since
        if base.rate <= 0 or hours <= 0:
            return None
        mean = base.rate * (base.rhythm.until(until) - base.rhythm.until(since))
        shape = base.shape(base.spreads[spread_class(hours)], base.evidence)
        scale = self._intake.scale
        low, high = (quantile(share, mean, shape) / scale for share in (0.05, 0.95))
        return low, mean / scale, high

    def _unjudged(self, point: Point, reason: Reason) -> Finding:
        return Finding(point.at, 0.0, reason, Phase.CONTINUES if self.is_open else Phase.NONE)

    # --- storage ----------------------------------------------------------------------------------

    @property
    def is_open(self) -> bool:
        """Whether an incident goes on, in either direction."""
        return self._rise.opened_at is not None or self._fall.opened_at is not None

    def state(self) -> dict[str, Any]:
        """Everything that was learned, as JSON of bounded size."""
        return {
            "detector": self.name,
            "version": _VERSION,
            "intake": self._intake.state(),
            "baseline": self._base.state(),
            "rise": self._rise.state(),
            "fall": self._fall.state(),
            "still": self._still.state(),
            "rise_peaks": self._rise_peaks.state(),
            "fall_peaks": self._fall_peaks.state(),
        }

    @classmethod
    def from_state(
        cls,
        state: dict[str, Any],
        settings: Settings | None = None,
        calibration: Calibration = SHIPPED,
    ) -> Statistical:
        """The detector that `state` came from. Raises `StateMismatch` for another's state."""
        check_state(state, cls.name, _VERSION)
        detector = cls(settings, calibration)
        detector._intake = Intake.from_state(state["intake"], detector._settings.is_counter)
        detector._base.restore(state["baseline"])
        detector._rise = Incident.from_state(state["rise"])
        detector._fall = Incident.from_state(state["fall"])
        detector._still = Standstill(*state["still"])
        detector._rise_peaks = DayPeaks.from_state(state["rise_peaks"])
        detector._fall_peaks = DayPeaks.from_state(state["fall_peaks"])
        return detector
