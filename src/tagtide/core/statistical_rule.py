"""Rule C: the statistical detector on both counters of a hashtag, and the verdict it comes to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import TYPE_CHECKING, Any

from tagtide.core.detect.base import Direction, Finding, Phase, Point, Settings, StateMismatch
from tagtide.core.detect.calibration import SHIPPED, Calibration
from tagtide.core.detect.statistical import Statistical
from tagtide.core.detect.wording import explain
from tagtide.core.formats import iso_utc
from tagtide.core.rounding import delta_bounds
from tagtide.core.rules import Incident, Measure, RuleState, Verdict
from tagtide.models import HashtagReading, Rule

if TYPE_CHECKING:
    from tagtide.core.explain.parts import Moved

_VERSION = 1
_NOUNS = {Measure.VIEWS: "views", Measure.VIDEO_COUNT: "videos"}


@dataclass(frozen=True, slots=True)
class HashtagFinding:
    """What one reading of a hashtag came to."""

    hashtag: str
    findings: Mapping[Measure, Finding]
    #: None: nothing is wrong, or nothing could be judged.
    incident: Incident | None
    #: Expected false incidents per hashtag and month, and the pool judged against.
    false_alarms: float
    pool: str

    @property
    def lead(self) -> tuple[Measure, Finding]:
        """The counter that says most: what opened or grew, else the stranger one."""
        order = {Phase.OPENS: 3, Phase.ESCALATES: 3, Phase.CLOSES: 2}
        return max(
            self.findings.items(), key=lambda item: (order.get(item[1].phase, 0), item[1].score)
        )

    @property
    def is_judged(self) -> bool:
        """Whether at least one counter could be judged."""
        return any(finding.is_judged for finding in self.findings.values())


@dataclass(frozen=True, slots=True)
class Usual:
    """The middle 90 % of what is to be expected, and the expectation."""

    low: float
    expected: float
    high: float


class HashtagDetector:
    """Follows the views and the video count of one hashtag as one thing with one knob.

    An incident of either counter is an incident of the hashtag: it opens with the first, and is
    over when neither has one. Each counter gets half of the false incidents that are accepted.
    """

    def __init__(
        self,
        hashtag: str,
        false_alarms: float,
        calibration: Calibration = SHIPPED,
        state: Mapping[str, Any] | None = None,
    ) -> None:
        """Go on from a stored ``state``, or begin anew without one.

        Raises `StateMismatch` when the state is of a version that is no longer known.
        """
        self._hashtag, self._false_alarms = hashtag, false_alarms
        self._pool = calibration.version
        settings = Settings(false_alarms=false_alarms / len(_NOUNS))
        if state is not None and state.get("version") != _VERSION:
            raise StateMismatch("the state of the hashtag is of another version")
        self._before: list[int | None] = list(state["before"]) if state else []
        self._counters = {
            measure: Statistical(settings, calibration)
            if state is None
            else Statistical.from_state(state[measure.value], settings, calibration)
            for measure in _NOUNS
        }

    @property
    def is_open(self) -> bool:
        """Whether an incident goes on."""
        return any(counter.is_open for counter in self._counters.values())

    def usual(self, measure: Measure, since: datetime, until: datetime) -> Usual | None:
        """What is usual between two instants, by what is known now; None while it is learning."""
        found = self._counters[measure].usual(since.timestamp() / 3600, until.timestamp() / 3600)
        return None if found is None else Usual(*found)

    def observe(self, reading: HashtagReading) -> HashtagFinding:
        """Judge the next reading and learn from it."""
        was_open = self.is_open
        counts = [reading.view_count, reading.video_count]
        is_repeat, self._before = counts == self._before, counts
        findings = {
            Measure.VIEWS: self._observe(
                Measure.VIEWS, reading, reading.view_count, reading.view_unit, is_repeat
            ),
            Measure.VIDEO_COUNT: self._observe(
                Measure.VIDEO_COUNT, reading, reading.video_count, reading.video_unit, is_repeat
            ),
        }
        return HashtagFinding(
            self._hashtag,
            findings,
            self._incident(was_open, findings),
            self._false_alarms,
            self._pool,
        )

    def _observe(
        self,
        measure: Measure,
        reading: HashtagReading,
        value: int | None,
        unit: int,
        is_repeat: bool,
    ) -> Finding:
        source = reading.view_source if measure is Measure.VIEWS else reading.video_source
        series = f"{source.value if source else ''}:{reading.hashtag_id or ''}"
        point = Point(reading.read_at, value, unit, series, is_repeat)
        return self._counters[measure].observe(point)

    def _incident(self, was_open: bool, findings: Mapping[Measure, Finding]) -> Incident | None:
        if not self.is_open:
            return Incident.OVER if was_open else None
        if not was_open:
            return Incident.OPENED
        phases = {finding.phase for finding in findings.values()}
        return Incident.ESCALATED if Phase.ESCALATES in phases else Incident.GOES_ON

    def state(self) -> dict[str, Any]:
        """What is known, as JSON: a detector made from it goes on as if never interrupted."""
        counters = {m.value: counter.state() for m, counter in self._counters.items()}
        return {"version": _VERSION, "before": self._before, **counters}


def statistical_verdict(
    found: HashtagFinding, *, zone: tzinfo = UTC, is_known: bool = True
) -> Verdict:
    """Rule C's verdict, with the sentence in a campaign's zone.

    ``is_known`` is whether an alert of the incident is open: one that began before the rule was
    watching is no news and is not judged.
    """
    measure, finding = found.lead
    low, high = finding.usual or (None, None)
    is_fall = finding.direction is Direction.FALL
    bar = (low if is_fall else high) or 0.0
    incident = found.incident
    if incident in {Incident.GOES_ON, Incident.ESCALATED} and not is_known:
        incident, state = None, RuleState.UNJUDGED
    elif incident is not None:
        state = incident.state
    else:
        state = RuleState.CLEAR if found.is_judged else RuleState.UNJUDGED
    return Verdict(
        rule=Rule.STATISTICAL,
        state=state,
        value=finding.observed,
        threshold=bar,
        reason=explain(finding, f"#{found.hashtag}", _NOUNS[measure], zone),
        data=_facts(found, measure, finding, low, high),
        incident=incident,
    )


def moved_in(found: HashtagFinding, reading: HashtagReading) -> Moved | None:
    """The rise behind a finding, to be explained; None for a fall, and where nothing was judged."""
    from tagtide.core.explain.parts import Moved

    measure, finding = found.lead
    if finding.direction is not Direction.RISE or not finding.observed or finding.since is None:
        return None
    is_views = measure is Measure.VIEWS
    level = reading.view_count if is_views else reading.video_count
    unit = reading.view_unit if is_views else reading.video_unit
    delta = round(finding.observed)
    low, high = delta_bounds(delta, unit, unit)
    return Moved(
        hashtag=found.hashtag,
        measure=measure,
        since=finding.since,
        until=reading.read_at,
        delta=delta,
        low=max(0, low),
        high=high,
        base=level - delta if level is not None else None,
    )


def _facts(
    found: HashtagFinding,
    measure: Measure,
    finding: Finding,
    low: float | None,
    high: float | None,
) -> dict[str, Any]:
    """Facts for messages; spans and gains under the names the public payload uses."""
    facts: dict[str, Any] = {
        "judged": [m.value for m, f in found.findings.items() if f.is_judged],
        "measure": measure.value,
        "direction": finding.direction.value if finding.direction else None,
        "since": iso_utc(finding.since) if finding.since else None,
        "expected": finding.expected,
        "usual_low": low,
        "usual_high": high,
        "chance": finding.p,
        "return_hours": finding.return_hours,
        "false_alarms": found.false_alarms,
        "pool": found.pool,
        "elapsed_hours": finding.hours,
        "new_videos": None,
        "new_views": None,
        "views_per_hour": None,
    }
    if finding.observed is not None and measure is Measure.VIDEO_COUNT:
        facts["new_videos"] = round(finding.observed)
    if finding.observed is not None and measure is Measure.VIEWS:
        facts["new_views"] = round(finding.observed)
        facts["views_per_hour"] = finding.observed / finding.hours if finding.hours else None
    return facts


def counter_states(state: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The states of the counters inside a stored state of a hashtag, for the next pool."""
    return [state[measure.value] for measure in _NOUNS if measure.value in state]
