"""Arithmetic of a campaign: sums, rates, quantiles, rankings, growth, outliers.

Every function is total over unknown values: None is left out and counted, never read as 0. Rates
are fractions. Nothing here knows a zone, a store or the clock.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import pairwise
from statistics import fmean, median, median_low, stdev
from typing import NamedTuple, Protocol, TypeVar

from tagtide.models import HashtagReading, VideoCounters, VideoReading


class VideoFacts(Protocol):
    """What the figures need to know about a video; `ports.KnownVideo` fits."""

    @property
    def video_id(self) -> str:
        """Decimal digits."""
        ...

    @property
    def hashtag(self) -> str:
        """Where it was first seen."""
        ...

    @property
    def hashtags(self) -> tuple[str, ...]:
        """Every hashtag of the campaign it was seen under."""
        ...

    @property
    def author_key(self) -> str:
        """Identity of the creator."""
        ...

    @property
    def author_username(self) -> str | None:
        """Handle, without ``@``."""
        ...

    @property
    def author_sec_uid(self) -> str | None:
        """TikTok's stable id of the creator."""
        ...

    @property
    def author_nickname(self) -> str | None:
        """Stranger's text."""
        ...

    @property
    def author_followers(self) -> int | None:
        """None where nobody asked."""
        ...

    @property
    def caption(self) -> str:
        """Stranger's text."""
        ...

    @property
    def created_at(self) -> datetime | None:
        """When it was published."""
        ...

    @property
    def first_seen_at(self) -> datetime:
        """First sighting in the campaign."""
        ...

    @property
    def high_priority_at(self) -> datetime | None:
        """When it first was high priority; None if never."""
        ...

    @property
    def read_at(self) -> datetime:
        """Instant of the latest reading."""
        ...

    @property
    def counters(self) -> VideoCounters:
        """Counters of the latest reading."""
        ...


V = TypeVar("V", bound=VideoFacts)


# --- sums -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class KnownSum:
    """A sum over the known values, with how many there were and how many were not known."""

    #: None when nothing is known; 0 for a sum over nothing at all.
    total: int | None
    known: int
    unknown: int

    @property
    def mean(self) -> float | None:
        """Mean of the known values."""
        return None if self.total is None or not self.known else self.total / self.known


def known_sum(values: Iterable[int | None]) -> KnownSum:
    """Add up what is known."""
    everything = list(values)
    known = [value for value in everything if value is not None]
    unknown = len(everything) - len(known)
    return KnownSum(sum(known) if known or not unknown else None, len(known), unknown)


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums over the videos of a campaign at their latest reading."""

    videos: int
    creators: int
    views: KnownSum
    likes: KnownSum
    comments: KnownSum
    shares: KnownSum
    saves: KnownSum
    engagement: KnownSum


def totals(videos: Sequence[VideoFacts]) -> Totals:
    """Campaign totals; each video once, whatever the number of hashtags it is under."""
    counters = [v.counters for v in videos]
    return Totals(
        videos=len(videos),
        creators=len({v.author_key for v in videos}),
        views=known_sum(c.view_count for c in counters),
        likes=known_sum(c.like_count for c in counters),
        comments=known_sum(c.comment_count for c in counters),
        shares=known_sum(c.share_count for c in counters),
        saves=known_sum(c.save_count for c in counters),
        engagement=known_sum(c.engagement for c in counters),
    )


# --- engagement rates -----------------------------------------------------------------------------

#: Edges of the histogram of engagement rates: the same every day, so that days can be compared.
RATE_EDGES = (0.0, 0.01, 0.02, 0.03, 0.04, 0.05, 0.06, 0.08, 0.10, 0.15, 0.20)
RATE_QUANTILES = (0.10, 0.25, 0.50, 0.75, 0.90)


@dataclass(frozen=True, slots=True)
class Bin:
    """Videos with ``low <= rate < high``; the last bin has no upper edge."""

    low: float
    high: float | None
    videos: int


@dataclass(frozen=True, slots=True)
class RateSummary:
    """Engagement rates of a set of videos, as fractions. None without a known rate."""

    #: Videos whose rate is known; every other figure here rests on them.
    known: int
    unknown: int
    #: Mean of the videos' rates: every video counts the same.
    mean: float | None
    median: float | None
    #: All engagement over all views: every view counts the same.
    pooled: float | None
    #: (p, value) for each of `RATE_QUANTILES`; empty without a known rate.
    quantiles: tuple[tuple[float, float], ...]
    histogram: tuple[Bin, ...]


def rate_summary(videos: Iterable[VideoFacts]) -> RateSummary:
    """Mean, median, pooled rate and distribution of the videos whose rate is known."""
    rates: list[float] = []
    engagement = views = unknown = 0
    for counters in (v.counters for v in videos):
        rate = counters.engagement_rate
        if rate is None:
            unknown += 1
            continue
        rates.append(rate)
        engagement += counters.engagement or 0
        views += counters.view_count or 0
    return summarise_rates(rates, unknown, engagement, views)


def summarise_rates(
    rates: Iterable[float], unknown: int, engagement: int, views: int
) -> RateSummary:
    """The same from known rates, with the sums of engagement and views behind them."""
    ordered = sorted(rates)
    return RateSummary(
        known=len(ordered),
        unknown=unknown,
        mean=fmean(ordered) if ordered else None,
        median=median(ordered) if ordered else None,
        pooled=engagement / views if ordered else None,
        quantiles=tuple((p, quantile(ordered, p)) for p in RATE_QUANTILES) if ordered else (),
        histogram=histogram(ordered),
    )


def quantile(ordered: Sequence[float], p: float) -> float:
    """Quantile ``p`` of ascending values: type 7 of Hyndman and Fan, as NumPy and spreadsheets do.

    Linear between the order statistics at ``(n - 1) p``. Raises `IndexError` on no values.
    """
    position = (len(ordered) - 1) * p
    below = math.floor(position)
    above = min(below + 1, len(ordered) - 1)
    low, high = ordered[below], ordered[above]
    return low if low == high else low + (high - low) * (position - below)


def histogram(values: Iterable[float], edges: Sequence[float] = RATE_EDGES) -> tuple[Bin, ...]:
    """Count values per bin. Every value must be at or above the first edge."""
    ordered = sorted(values)
    places = [*(bisect_left(ordered, edge) for edge in edges), len(ordered)]
    highs = [*edges[1:], None]
    return tuple(
        Bin(low, high, after - before)
        for low, high, (before, after) in zip(edges, highs, pairwise(places), strict=True)
    )


# --- rankings -------------------------------------------------------------------------------------


def top_by_engagement(videos: Iterable[V], count: int = 5) -> list[V]:
    """Largest engagement first; ties by views, then by id. Unknown engagement is left out."""
    ranked = [v for v in videos if v.counters.engagement is not None]
    ranked.sort(
        key=lambda v: (-(v.counters.engagement or 0), -(v.counters.view_count or 0), v.video_id)
    )
    return ranked[:count]


def top_by_views(videos: Iterable[V], count: int = 5) -> list[V]:
    """Most views first; ties by engagement, then by id. Unknown views are left out."""
    ranked = [v for v in videos if v.counters.view_count is not None]
    ranked.sort(
        key=lambda v: (-(v.counters.view_count or 0), -(v.counters.engagement or 0), v.video_id)
    )
    return ranked[:count]


@dataclass(frozen=True, slots=True, kw_only=True)
class CreatorStanding:
    """A creator with the sums over their videos in a campaign."""

    author_key: str
    author_username: str | None
    author_sec_uid: str | None
    author_nickname: str | None
    author_followers: int | None
    videos: int
    views: KnownSum
    engagement: KnownSum
    #: Pooled over their videos with a known rate.
    engagement_rate: float | None
    #: The video with the most views.
    top_video_id: str
    high_priority_videos: int


def creators(videos: Iterable[VideoFacts]) -> list[CreatorStanding]:
    """Every creator, most views first; ties by engagement, then by key; unknown views last."""
    by_author: dict[str, list[VideoFacts]] = {}
    for video in videos:
        by_author.setdefault(video.author_key, []).append(video)
    standings = [_standing(held) for held in by_author.values()]
    return sorted(
        standings,
        key=lambda c: (
            c.views.total is None,
            -(c.views.total or 0),
            -(c.engagement.total or 0),
            c.author_key,
        ),
    )


def _standing(held: list[VideoFacts]) -> CreatorStanding:
    newest = max(held, key=lambda v: (v.read_at, v.video_id))
    best = (top_by_views(held, 1) or held)[0]
    rated = [v.counters for v in held if v.counters.engagement_rate is not None]
    rated_views = sum(c.view_count or 0 for c in rated)
    return CreatorStanding(
        author_key=newest.author_key,
        author_username=newest.author_username,
        author_sec_uid=newest.author_sec_uid,
        author_nickname=newest.author_nickname,
        author_followers=next(
            (v.author_followers for v in (newest, *held) if v.author_followers is not None), None
        ),
        videos=len(held),
        views=known_sum(v.counters.view_count for v in held),
        engagement=known_sum(v.counters.engagement for v in held),
        engagement_rate=sum(c.engagement or 0 for c in rated) / rated_views if rated else None,
        top_video_id=best.video_id,
        high_priority_videos=sum(v.high_priority_at is not None for v in held),
    )


# --- growth ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """Change of a counter over the videos that were read at both ends."""

    #: Net change; None when no video was read at both ends.
    change: int | None
    #: Sum at the earlier end, over the same videos.
    before: int | None
    #: Videos read at both ends.
    videos: int
    #: Videos whose counter fell; TikTok corrects counters and serves stale ones.
    fallen: int
    #: Middle of the earlier instants, and of the real spans.
    since: datetime | None
    elapsed: timedelta | None
    #: The video that gained most, and how much; None when none gained.
    leader: str | None = None
    leader_gain: int = 0

    @property
    def ratio(self) -> float | None:
        """Change over the earlier sum; unknown when that is 0 or unknown."""
        return self.change / self.before if self.change is not None and self.before else None


def view_growth(videos: Iterable[VideoFacts], earlier: Mapping[str, VideoReading]) -> Growth:
    """Growth of views between an earlier reading of each video and its latest one.

    Left out: videos without an earlier reading, with an unknown end, and with ends that come from
    different fields of the source.
    """
    return _growth(
        _Pair(
            v.video_id,
            e.read_at,
            v.read_at - e.read_at,
            e.counters.view_count,
            v.counters.view_count,
        )
        for v, e in _both_ends(videos, earlier)
    )


def engagement_growth(videos: Iterable[VideoFacts], earlier: Mapping[str, VideoReading]) -> Growth:
    """Growth of engagement; the same videos are left out as in `view_growth`."""
    return _growth(
        _Pair(
            v.video_id,
            e.read_at,
            v.read_at - e.read_at,
            e.counters.engagement,
            v.counters.engagement,
        )
        for v, e in _both_ends(videos, earlier)
    )


class _Pair(NamedTuple):
    video_id: str
    at: datetime
    elapsed: timedelta
    before: int | None
    now: int | None

    @property
    def gain(self) -> int:
        return (self.now or 0) - (self.before or 0)


def _both_ends(
    videos: Iterable[V], earlier: Mapping[str, VideoReading]
) -> Iterable[tuple[V, VideoReading]]:
    for video in videos:
        reading = earlier.get(video.video_id)
        if reading is None or reading.read_at >= video.read_at:
            continue
        if reading.counters.source is video.counters.source:
            yield video, reading


def _growth(ends: Iterable[_Pair]) -> Growth:
    pairs = [pair for pair in ends if pair.now is not None and pair.before is not None]
    if not pairs:
        return Growth(change=None, before=None, videos=0, fallen=0, since=None, elapsed=None)
    best = max(pairs, key=lambda pair: pair.gain)
    return Growth(
        change=sum(pair.gain for pair in pairs),
        before=sum(pair.before or 0 for pair in pairs),
        videos=len(pairs),
        fallen=sum(pair.gain < 0 for pair in pairs),
        since=median_low(pair.at for pair in pairs),
        elapsed=median_low(pair.elapsed for pair in pairs),
        leader=best.video_id if best.gain > 0 else None,
        leader_gain=max(best.gain, 0),
    )


def first_seen_since(videos: Iterable[V], since: datetime, until: datetime) -> list[V]:
    """Videos first seen in ``(since, until]``."""
    return [v for v in videos if since < v.first_seen_at <= until]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Difference of one counter of a hashtag between two readings."""

    value: int
    #: The true difference lies within this of ``value``; 0 when both ends are exact.
    margin: int
    before: int
    elapsed: timedelta

    @property
    def ratio(self) -> float | None:
        """Change over the earlier value; unknown when that was 0."""
        return self.value / self.before if self.before else None


def hashtag_view_change(now: HashtagReading | None, then: HashtagReading | None) -> Change | None:
    """Change of views; None when an end is unknown or the ends come from different fields."""
    if now is None or then is None or now.view_source is not then.view_source:
        return None
    units = _margin(now.view_unit, then.view_unit)
    return _change(now.view_count, then.view_count, units, now.read_at - then.read_at)


def hashtag_video_change(now: HashtagReading | None, then: HashtagReading | None) -> Change | None:
    """Change of the video count; None as in `hashtag_view_change`."""
    if now is None or then is None or now.video_source is not then.video_source:
        return None
    units = _margin(now.video_unit, then.video_unit)
    return _change(now.video_count, then.video_count, units, now.read_at - then.read_at)


def _margin(*units: int) -> int:
    return sum(unit for unit in units if unit > 1)


def _change(now: int | None, then: int | None, margin: int, elapsed: timedelta) -> Change | None:
    if now is None or then is None or elapsed <= timedelta(0):
        return None
    return Change(value=now - then, margin=margin, before=then, elapsed=elapsed)


# --- viral videos ---------------------------------------------------------------------------------


class ViralBasis(StrEnum):
    """The counter that made a video viral."""

    VIEWS = "views"
    ENGAGEMENT = "engagement"


@dataclass(frozen=True, slots=True)
class Viral:
    """A video far above the mean of the others."""

    video_id: str
    basis: ViralBasis
    value: int
    mean_of_others: float
    others: int

    @property
    def times(self) -> float:
        """How many times the mean of the others."""
        return self.value / self.mean_of_others


def viral_videos(
    videos: Iterable[VideoFacts], factor: float = 10.0, min_others: int = 10
) -> list[Viral]:
    """Videos above ``factor`` times the mean of the *other* videos, in views or engagement.

    Judged only where at least ``min_others`` other videos have a known value, not all of them 0.
    One entry per video (views before engagement), largest multiple first. Linear in the number of
    videos.
    """
    held = list(videos)
    found = _outliers(
        [(v.video_id, v.counters.engagement) for v in held],
        ViralBasis.ENGAGEMENT,
        factor,
        min_others,
    )
    found |= _outliers(
        [(v.video_id, v.counters.view_count) for v in held], ViralBasis.VIEWS, factor, min_others
    )
    return sorted(found.values(), key=lambda o: (-o.times, o.video_id))


def _outliers(
    values: Iterable[tuple[str, int | None]], basis: ViralBasis, factor: float, min_others: int
) -> dict[str, Viral]:
    known = [(key, value) for key, value in values if value is not None]
    others, total = len(known) - 1, sum(value for _, value in known)
    if others < max(min_others, 1):
        return {}
    return {
        key: Viral(key, basis, value, (total - value) / others, others)
        for key, value in known
        if total > value and value * others > factor * (total - value)
    }


# --- weekly changes -------------------------------------------------------------------------------

WEEK = timedelta(days=7)
#: A reading stands for an instant when it lies within half a week of it.
HALF_WEEK = WEEK / 2
#: A change that lies this many scatters from the rolling average is an anomaly.
ANOMALY_SCORE = 3.0
#: The scatter is at least this share of the rolling average.
SCATTER_FLOOR = 0.10
MIN_WEEKS = 3


class Anomaly(StrEnum):
    """Verdict on a weekly change."""

    SPIKE = "spike"
    DROP = "drop"
    NONE = "none"
    NOT_ENOUGH_HISTORY = "not_enough_history"


@dataclass(frozen=True, slots=True, kw_only=True)
class WeeklyVerdict:
    """A weekly change against the weeks before it."""

    anomaly: Anomaly
    #: Distance from the baseline in scatters; None when it could not be judged.
    score: float | None = None
    #: Rolling average of the earlier weekly changes; None below `MIN_WEEKS`.
    baseline: float | None = None
    #: Sample standard deviation of them, with its floor.
    scatter: float | None = None
    #: Earlier changes that were known.
    points: int = 0


def weekly_anomaly(
    change: float | None,
    earlier: Sequence[float | None],
    *,
    margin: float = 0.0,
    threshold: float = ANOMALY_SCORE,
) -> WeeklyVerdict:
    """Judge a weekly change against the earlier ones (unknown ones are left out).

    The scatter is the sample standard deviation, at least 10 % of the average and at least
    ``margin`` (the rounding of the counter). Never flags an unknown change, nor with fewer than
    three known earlier changes.
    """
    known = [value for value in earlier if value is not None]
    if len(known) < MIN_WEEKS:
        return WeeklyVerdict(anomaly=Anomaly.NOT_ENOUGH_HISTORY, points=len(known))
    baseline = fmean(known)
    scatter = max(stdev(known), SCATTER_FLOOR * abs(baseline), margin, 1.0)
    if change is None:
        verdict, score = Anomaly.NOT_ENOUGH_HISTORY, None
    else:
        score = (change - baseline) / scatter
        verdict = _verdict(score, threshold)
    return WeeklyVerdict(
        anomaly=verdict, score=score, baseline=baseline, scatter=scatter, points=len(known)
    )


def _verdict(score: float, threshold: float) -> Anomaly:
    if abs(score) < threshold:
        return Anomaly.NONE
    return Anomaly.SPIKE if score > 0 else Anomaly.DROP


@dataclass(frozen=True, slots=True, kw_only=True)
class WeeklyChange:
    """Change between two readings about a week apart."""

    now: HashtagReading
    then: HashtagReading
    views: Change | None
    videos: Change | None

    @property
    def elapsed(self) -> timedelta:
        """The real span."""
        return self.now.read_at - self.then.read_at

    @property
    def scaled(self) -> bool:
        """Whether the span is so far from 7 days (an hour) that figures are scaled to it."""
        return abs(self.elapsed - WEEK) > timedelta(hours=1)

    @property
    def views_per_week(self) -> float | None:
        """Change of views scaled to 7 days."""
        return None if self.views is None else self.views.value * (WEEK / self.elapsed)

    @property
    def counts(self) -> bool:
        """Whether it is long enough, half a week, to be judged."""
        return self.elapsed >= HALF_WEEK

    @property
    def corrected(self) -> bool:
        """Whether the views fell, which only a correction of the counter does."""
        return self.views is not None and self.views.value < -self.views.margin

    @property
    def is_point(self) -> bool:
        """Whether it is a point of the rolling average."""
        return self.counts and self.views is not None and not self.corrected


def weekly_changes(
    readings: Sequence[HashtagReading], as_of: datetime, weeks: int = 5
) -> list[WeeklyChange]:
    """Changes from week to week, newest first, from readings with known views in any order.

    Starts at the newest reading up to ``as_of`` if that is at most half a week old, else there is
    none. Each step goes to the reading nearest to a week before, within half a week; where none is,
    to the newest one older than that; where none is older, to the oldest there is, and stops.
    """
    known = (r for r in readings if r.read_at <= as_of and r.view_count is not None)
    ordered = sorted(known, key=lambda r: r.read_at)
    changes: list[WeeklyChange] = []
    if not ordered or as_of - ordered[-1].read_at > HALF_WEEK:
        return changes
    now = ordered[-1]
    while len(changes) < weeks and (then := _week_before(ordered, now)) is not None:
        changes.append(
            WeeklyChange(
                now=now,
                then=then,
                views=hashtag_view_change(now, then),
                videos=hashtag_video_change(now, then),
            )
        )
        now = then
    return changes


def _week_before(ordered: Sequence[HashtagReading], now: HashtagReading) -> HashtagReading | None:
    target = now.read_at - WEEK
    earlier = [r for r in ordered if r.read_at < now.read_at]
    if not earlier:
        return None
    nearest = min(earlier, key=lambda r: abs(r.read_at - target))
    if abs(nearest.read_at - target) <= HALF_WEEK:
        return nearest
    older = [r for r in earlier if r.read_at < target]
    return older[-1] if older else earlier[0]
