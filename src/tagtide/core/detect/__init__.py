"""Detectors: one protocol, one counter of one hashtag each, streaming, with a state to store.

::

    detector = make_detector("statistical", Settings(false_alarms=0.25))
    finding = detector.observe(Point(at=read_at, value=412))
    if finding.is_alert:
        print(explain(finding, "#brandtag"))
    stored = detector.state()                                # JSON, bounded
    detector = restore_detector(stored, Settings())          # goes on as if never interrupted
"""

from __future__ import annotations

from typing import Any

from tagtide.core.detect.average import RollingAverage
from tagtide.core.detect.base import (
    Detector,
    Direction,
    Finding,
    Phase,
    Point,
    Reason,
    Settings,
    StateMismatch,
)
from tagtide.core.detect.calibration import SHIPPED, Calibration, pooled
from tagtide.core.detect.fixed import FixedRule
from tagtide.core.detect.growth import Growth
from tagtide.core.detect.kinds import Automatic
from tagtide.core.detect.last_week import LastWeek
from tagtide.core.detect.level import Level
from tagtide.core.detect.statistical import Statistical
from tagtide.core.detect.threshold import Threshold
from tagtide.core.detect.wording import explain

_FIXED: dict[str, type[FixedRule]] = {
    rule.name: rule for rule in (Threshold, Growth, RollingAverage, LastWeek)
}
#: Detectors of counters, for `make_detector`; the first is the default.
DETECTORS = (Statistical.name, *_FIXED)
#: `make_detector` knows these as well: levels, and levels or increments.
OF_LEVELS = (Level.name, Automatic.name)


def make_detector(
    name: str = Statistical.name,
    settings: Settings | None = None,
    calibration: Calibration = SHIPPED,
    bar: float | None = None,
) -> Detector:
    """A detector that knows nothing yet. ``bar`` is a fixed rule's threshold.

    Raises `KeyError` for a name that is in neither `DETECTORS` nor `OF_LEVELS`.
    """
    if name == Statistical.name:
        return Statistical(settings, calibration)
    if name == Level.name:
        return Level(settings)
    if name == Automatic.name:
        return Automatic(settings, calibration)
    return _FIXED[name](settings, bar)


def restore_detector(
    state: dict[str, Any],
    settings: Settings | None = None,
    calibration: Calibration = SHIPPED,
    bar: float | None = None,
) -> Detector:
    """The detector a stored state came from.

    Raises `StateMismatch` when the state is of a version that is no longer known: begin anew.
    """
    name = state.get("detector")
    if name == Statistical.name:
        return Statistical.from_state(state, settings, calibration)
    if name == Level.name:
        return Level.from_state(state, settings)
    if name == Automatic.name:
        return Automatic.from_state(state, settings, calibration)
    if name not in _FIXED:
        raise StateMismatch(f"there is no detector {name}")
    detector = _FIXED[name](settings, bar)
    detector.restore(state)
    return detector


__all__ = [
    "DETECTORS",
    "OF_LEVELS",
    "SHIPPED",
    "Automatic",
    "Calibration",
    "Detector",
    "Direction",
    "Finding",
    "Phase",
    "Point",
    "Reason",
    "Settings",
    "StateMismatch",
    "explain",
    "make_detector",
    "pooled",
    "restore_detector",
]
