"""What rules would have done: stored readings once more, through the code that judges them live.

Nothing looks ahead: at each instant only what had been read by then counts. What was never read
cannot be replayed; a run that failed then is a gap now, as it was live.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, cast

from tagtide.core.alert_terms import Lifecycle
from tagtide.core.alerts import decide_alert, fingerprint
from tagtide.core.crowd import Crowd
from tagtide.core.detect.calibration import Calibration
from tagtide.core.detect.virality import (
    FITTED_BEFORE,
    FITTED_WITHIN,
    AgeScore,
    campaign_scores,
)
from tagtide.core.engagement import Ends, engagement_over
from tagtide.core.metrics import VideoFacts
from tagtide.core.rules import Verdict, judge_growth, judge_new_videos, judge_viral
from tagtide.core.statistical_rule import HashtagDetector, statistical_verdict
from tagtide.core.velocity import Change, change_over_window, reach_of
from tagtide.models import Alert, HashtagReading, Rule, RuleSettings, Status, VideoReading

#: Video readings further apart than this belong to different runs.
_RUN_GAP = timedelta(minutes=10)
_MONTH_HOURS = 720.0


class Preset(StrEnum):
    """How often a rule may interrupt."""

    SENSITIVE = "sensitive"
    BALANCED = "balanced"
    STRICT = "strict"

    @property
    def per_month(self) -> float:
        """Episodes per hashtag and month that are accepted; the knob of the statistical rule."""
        return {"sensitive": 1.0, "balanced": 0.25, "strict": 0.05}[self.value]


@dataclass(frozen=True, slots=True, kw_only=True)
class Episode:
    """One alert as it would have been."""

    rule: Rule
    hashtag: str | None
    video_id: str | None
    fired_at: datetime
    #: None: it would still be firing.
    ended_at: datetime | None
    peak: float
    #: The bar it passed when it fired.
    threshold: float
    #: The sentence of the moment it fired.
    reason: str
    #: Messages beyond the first: that it has grown, or is over.
    further_messages: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BackTest:
    """What one rule with one setting would have done."""

    rule: Rule
    #: The setting in words, e.g. ``new_videos=200``.
    setting: str
    since: datetime
    until: datetime
    #: Hashtag-months (of 30 days) that were really read.
    months: float
    readings: int
    #: Readings that the rule could judge.
    judged: int
    episodes: tuple[Episode, ...]

    @property
    def per_month(self) -> float | None:
        """Episodes per hashtag and month; None where less than a day was read."""
        return len(self.episodes) / self.months if self.months >= 1 / 30 else None


@dataclass(frozen=True, slots=True, kw_only=True)
class PresetTest:
    """The setting that a preset means for this campaign, and what it would have done."""

    preset: Preset
    #: The setting to write, under the name that `campaign edit --rule` takes.
    key: str
    value: float
    test: BackTest
    #: Whether even the least sensitive setting fires more often than the preset accepts.
    is_above: bool


# --- what is replayed -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class HashtagHistory:
    """What is stored of one hashtag."""

    #: In order of time; those before ``since`` serve as the past of the first ones.
    readings: Sequence[HashtagReading]
    #: (published, first seen) of each stored video of its feed.
    published: Sequence[tuple[datetime, datetime]] = ()
    #: Readings of each of these videos in order of time, for the engagement of rule B.
    videos: Sequence[Sequence[VideoReading]] = ()


@dataclass(frozen=True, slots=True)
class Measured:
    """One reading with all that rules A and B judge; the dear part, done once for any settings."""

    reading: HashtagReading
    previous: HashtagReading | None
    change: Change
    at_least: int | None
    engagement: tuple[int | None, int | None]


def measure(history: HashtagHistory, since: datetime, window_hours: float) -> list[Measured]:
    """Every reading from ``since`` on, measured as `track` would have."""
    readings = list(history.readings)
    times = [r.read_at for r in readings]
    engagement, reach = _Engagement(history.videos, window_hours), reach_of(window_hours)
    found = []
    for place in range(bisect_left(times, since), len(readings)):
        reading = readings[place]
        begin = bisect_left(times, reading.read_at - reach)
        latest = readings[place - 1] if place else None
        change, previous = change_over_window(reading, readings[begin:place], window_hours, latest)
        found.append(
            Measured(
                reading,
                previous,
                change,
                _new_seen(history.published, change, reading.read_at),
                engagement.at(reading.read_at),
            )
        )
    return found


def _new_seen(
    published: Sequence[tuple[datetime, datetime]], change: Change, at: datetime
) -> int | None:
    since = change.previous_at
    if change.new_videos is not None or since is None:
        return None
    return sum(since < made <= at and seen <= at for made, seen in published)


class _Engagement:
    """Engagement of the held videos now and a window ago, over those read at both ends."""

    def __init__(self, videos: Sequence[Sequence[VideoReading]], window_hours: float) -> None:
        self._window_hours = window_hours
        self._videos = [([r.read_at for r in one], one) for one in videos]

    def at(self, now: datetime) -> tuple[int | None, int | None]:
        ends, pairs = Ends(now, self._window_hours), []
        for times, readings in self._videos:
            place = bisect_right(times, now) - 1
            if place < 0 or times[place] < ends.fresh_since:
                continue
            earlier = _nearest(times, ends.earlier, ends.tolerance, before=place)
            if earlier is not None:
                pairs.append((readings[place], readings[earlier]))
        return engagement_over(pairs)


def _nearest(
    times: Sequence[datetime], target: datetime, tolerance: timedelta, *, before: int
) -> int | None:
    """Place of the instant nearest to the target, among those in front of ``before``."""
    place = bisect_left(times, target)
    near = [
        p for p in (place - 1, place) if 0 <= p < before and abs(times[p] - target) <= tolerance
    ]
    return min(near, key=lambda p: (abs(times[p] - target), p), default=None)


# --- episodes -------------------------------------------------------------------------------------


@dataclass(slots=True)
class Episodes:
    """The alerts of one rule, decided as live, kept in memory."""

    rule: Rule
    settings: RuleSettings
    judged: int = 0
    _newest: dict[str, Alert] = field(default_factory=dict)
    _fired: dict[str, Episode] = field(default_factory=dict)

    def decide(
        self,
        verdict: Verdict,
        at: datetime,
        *,
        hashtag: str | None,
        video_id: str | None = None,
        expired: bool = False,
    ) -> None:
        """What the verdict of one instant does."""
        self.judged += verdict.value is not None
        key = fingerprint(0, self.rule, hashtag, video_id)
        decision = decide_alert(
            verdict,
            self._newest.get(key),
            now=at,
            alert_id=f"{key}:{at.isoformat()}",
            campaign_id=0,
            hashtag=hashtag,
            video_id=video_id,
            url="",
            run_status=Status.OK,
            expired=expired,
            lifecycle=Lifecycle.of(self.settings, self.rule),
        )
        if decision.alert is None:
            return
        self._newest[key] = decision.alert
        self._note(decision.alert, is_told=decision.kind is not None)

    def newest(self, hashtag: str | None, video_id: str | None) -> Alert | None:
        """The newest alert about one thing."""
        return self._newest.get(fingerprint(0, self.rule, hashtag, video_id))

    def found(self) -> tuple[Episode, ...]:
        """Every episode that fired, in order of time."""
        return tuple(sorted(self._fired.values(), key=lambda e: (e.fired_at, e.hashtag or "")))

    def _note(self, alert: Alert, *, is_told: bool) -> None:
        if alert.fired_at is None:
            return
        known = self._fired.get(alert.alert_id)
        if known is None:
            self._fired[alert.alert_id] = Episode(
                rule=self.rule,
                hashtag=alert.hashtag,
                video_id=alert.video_id,
                fired_at=alert.fired_at,
                ended_at=None,
                peak=alert.peak,
                threshold=alert.threshold,
                reason=alert.reason,
                further_messages=0,
            )
            return
        self._fired[alert.alert_id] = replace(
            known,
            ended_at=None if alert.is_open else alert.resolved_at,
            peak=max(known.peak, alert.peak),
            further_messages=known.further_messages + is_told,
        )


def replay_totals(
    rule: Rule,
    settings: RuleSettings,
    hashtags: Mapping[str, Sequence[Measured]],
    thresholds: Mapping[str, int],
) -> Episodes:
    """Rule A or B over measured readings. ``thresholds`` are rule A's own ones of hashtags."""
    episodes = Episodes(rule, settings)
    for name, measured in hashtags.items():
        threshold = thresholds.get(name, settings.new_videos)
        for one in measured:
            verdict = _verdict(rule, settings, threshold, one)
            episodes.decide(verdict, one.reading.read_at, hashtag=name)
    return episodes


def _verdict(rule: Rule, settings: RuleSettings, threshold: int, one: Measured) -> Verdict:
    if rule is Rule.NEW_VIDEOS:
        return judge_new_videos(
            one.change,
            threshold=threshold,
            window_hours=settings.window_hours,
            at_least=one.at_least,
            resolve_below=settings.resolve_below,
        )
    now, before = one.engagement
    return judge_growth(
        one.change,
        one.reading,
        one.previous,
        engagement_now=now,
        engagement_before=before,
        settings=settings,
    )


def replay_statistical(
    settings: RuleSettings,
    hashtags: Mapping[str, Sequence[HashtagReading]],
    since: datetime,
    calibration: Calibration,
) -> Episodes:
    """Rule C over readings in order of time; those before ``since`` are learned from in silence."""
    episodes = Episodes(Rule.STATISTICAL, settings)
    for name, readings in hashtags.items():
        detector = HashtagDetector(name, settings.false_alarms, calibration)
        for reading in readings:
            found = detector.observe(reading)
            if reading.read_at >= since:
                newest = episodes.newest(name, None)
                is_known = newest is not None and newest.is_open
                verdict = statistical_verdict(found, is_known=is_known)
                episodes.decide(verdict, reading.read_at, hashtag=name)
    return episodes


# --- viral videos ---------------------------------------------------------------------------------


def replay_videos(
    settings: RuleSettings,
    readings: Iterable[VideoReading],
    videos: Mapping[str, VideoFacts],
    since: datetime,
) -> Episodes:
    """The viral rule over the readings of a campaign's own videos, in order of time.

    Runs are told apart by ten minutes without a reading; at the end of each, the videos it read are
    judged against all others at their latest readings. ``videos`` are as they are known today.
    """
    episodes = Episodes(Rule.VIRAL_VIDEO, settings)
    crowd = _Crowd(videos, settings)
    for run in _runs(readings):
        for reading in run:
            crowd.see(reading)
        at = run[-1].read_at
        if at < since:
            continue
        crowd.forget_scores()
        for video_id in dict.fromkeys(r.video_id for r in run):
            newest = episodes.newest(None, video_id)
            if newest is not None or crowd.may_top(video_id):
                verdict, hashtag = crowd.verdict(video_id), videos[video_id].hashtag
                episodes.decide(verdict, at, hashtag=hashtag, video_id=video_id)
    return episodes


def _runs(readings: Iterable[VideoReading]) -> Iterator[list[VideoReading]]:
    run: list[VideoReading] = []
    for reading in readings:
        if run and reading.read_at - run[-1].read_at > _RUN_GAP:
            yield run
            run = []
        run.append(reading)
    if run:
        yield run


class _Crowd:
    """Latest counters of every video, their sums, and their scores."""

    def __init__(self, videos: Mapping[str, VideoFacts], settings: RuleSettings) -> None:
        self._videos, self._settings = videos, settings
        self._history: dict[str, list[VideoReading]] = {}
        self._sums = Crowd()
        self._scores: dict[str, AgeScore] | None = None

    def see(self, reading: VideoReading) -> None:
        history = self._history.setdefault(reading.video_id, [])
        if history:
            self._sums = self._sums.without(history[-1].counters)
        history.append(reading)
        self._sums = self._sums.including(reading.counters)

    def forget_scores(self) -> None:
        """Another run has read videos."""
        self._scores = None

    def may_top(self, video_id: str) -> bool:
        counters = self._history[video_id][-1].counters
        return self._sums.is_topped_by(counters, self._settings.viral_factor)

    def verdict(self, video_id: str) -> Verdict:
        counters = self._history[video_id][-1].counters
        return judge_viral(
            video_id,
            counters.view_count,
            counters.engagement,
            self._sums.without(counters),
            settings=self._settings,
            author=self._videos[video_id].author_username,
            score=self._score_of(video_id),
        )

    def _score_of(self, video_id: str) -> AgeScore | None:
        if self._scores is None:
            newest = max(readings[-1].read_at for readings in self._history.values())
            earlier = {
                name: near
                for name, readings in self._history.items()
                if (near := _reading_near(readings, newest - FITTED_BEFORE, FITTED_WITHIN))
            }
            held = [
                _as_read(self._videos[name], readings[-1])
                for name, readings in self._history.items()
            ]
            self._scores = campaign_scores(held, newest, earlier, self._settings.viral_min_others)
        return self._scores.get(video_id)


def _reading_near(
    readings: Sequence[VideoReading], target: datetime, tolerance: timedelta
) -> VideoReading | None:
    times = [r.read_at for r in readings]
    place = _nearest(times, target, tolerance, before=len(times))
    return None if place is None else readings[place]


def _as_read(video: VideoFacts, reading: VideoReading) -> VideoFacts:
    """A video as it stood at one of its readings."""
    then: Any = replace(cast("Any", video), read_at=reading.read_at, counters=reading.counters)
    return cast("VideoFacts", then)


# --- settings from history ------------------------------------------------------------------------

#: Steps in which thresholds are tried: the rule's own name of its setting, and the ladder.
LADDERS: dict[Rule, tuple[str, tuple[float, ...]]] = {
    Rule.NEW_VIDEOS: (
        "new_videos",
        (5, 10, 15, 20, 30, 50, 75, 100, 150, 200, 300, 500, 750, 1000, 2000, 5000, 10_000, 50_000),
    ),
    Rule.GROWTH: (
        "growth",
        (0.02, 0.03, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 0.75, 1, 1.5, 2, 3, 5, 10),
    ),
    Rule.VIRAL_VIDEO: ("viral_factor", (2, 3, 5, 7.5, 10, 15, 20, 30, 50, 75, 100, 200, 500, 1000)),
}


def months_read(hashtags: Iterable[Sequence[HashtagReading]], since: datetime) -> float:
    """Hashtag-months between the first and the last reading of each hashtag from ``since`` on."""
    hours = 0.0
    for readings in hashtags:
        times = [r.read_at for r in readings if r.read_at >= since]
        if times:
            hours += (times[-1] - times[0]).total_seconds() / 3600
    return hours / _MONTH_HOURS
