"""How far a video's views lie above what videos of its campaign get at its age.

``r = ln(views) - c ln(age) - b ln(followers)`` against the median and the scale of the *other*
videos. The scale is Qn, which a few viral videos at once do not widen, drawn to a prior with the
weight of five videos. The mark is the score that one in 100 ordinary videos passes, the same for
every campaign: docs/virality.md has what it was measured on. O(n log n) in the number of videos.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from typing import TYPE_CHECKING, Any

from tagtide.core.formats import decimal, short, whole
from tagtide.core.language import say
from tagtide.models import VideoReading

if TYPE_CHECKING:
    from tagtide.core.metrics import VideoFacts

#: Fewer other videos than this are too few to judge.
MIN_OTHERS = 10
#: The readings that the age curve is fitted on lie so long before, and may lie so far from there.
FITTED_BEFORE = timedelta(days=7)
FITTED_WITHIN = FITTED_BEFORE / 2
#: Growth of a video's views with its age, where the account's own readings do not tell yet.
AGE_EXPONENT = 0.2
#: A score is ordinary up to the mark that so many ordinary videos pass.
MARK_CHANCE = 0.01

_PRIOR_SD = 1.0
_PRIOR_WEIGHT = 5
#: From so many others on the upper tail is known well enough to count beside the spread.
_SPREAD_VIDEOS = 60
#: Normal quantiles: (z.99 - z.95) / (z.95 - z.80), and z.99.
_TAIL_STRETCH = 0.8481
_TAIL_NORMAL = 2.3263
#: Pairs of readings whose age grew by less than a fifth tell nothing about the age curve.
_MIN_LOG_AGE_RATIO = math.log(1.2)
#: Pairs from which on the curve is refitted, and the weight of the prior in pairs.
_MIN_PAIRS = 30
_PAIR_PRIOR = 30
_MIN_CREATORS = 50
_MIN_AGE_HOURS = 1.0
#: Residuals are whole numbers of this, so that sums and comparisons are exact.
_GRAIN = 1e-6
_QN_NORMAL = 2.2219


@dataclass(frozen=True, slots=True, kw_only=True)
class Viewed:
    """What the score needs of a video at one reading."""

    video_id: str
    views: int | None
    #: From publication to the reading; None when publication is unknown.
    age_hours: float | None
    followers: int | None = None
    creator: str = ""


@dataclass(frozen=True, slots=True)
class Regrown:
    """Two readings of one video: ages in hours and views."""

    age_before: float
    views_before: int
    age_now: float
    views_now: int


@dataclass(frozen=True, slots=True)
class AgeCurve:
    """Views of a video are proportional to its age to the power of ``exponent``."""

    exponent: float = AGE_EXPONENT
    #: Pairs of readings it was fitted to; 0 is the shipped curve.
    pairs: int = 0

    def expected(self, views: int, age_hours: float, later_hours: float) -> float:
        """Views to be expected at a later age."""
        first = max(age_hours, _MIN_AGE_HOURS)
        return float(views * (max(later_hours, first) / first) ** self.exponent)


@dataclass(frozen=True, slots=True, kw_only=True)
class AgeScore:
    """How far a video's views lie above those of its campaign at the same age."""

    video_id: str
    #: In robust standard deviations of log views.
    z: float
    #: What one in 100 ordinary videos passes.
    mark: float
    #: Share of ordinary videos with at least this score.
    chance: float
    age_hours: float
    #: Videos it was compared with.
    others: int

    @property
    def stands_out(self) -> bool:
        """Whether it passes the mark."""
        return self.z > self.mark

    @property
    def is_ordinary(self) -> bool:
        """Whether it lies below half the mark, where an episode ends."""
        return self.z < self.mark / 2

    @property
    def sentence(self) -> str:
        """The score in words."""
        values = {"deviations": decimal(abs(self.z)), "video": _aged_video(self.age_hours)}
        if self.z < 0:
            return say("{deviations} standard deviations below what {video} gets", **values)
        if self.z == 0:
            return say("{deviations} standard deviations above what {video} gets", **values)
        return say(
            "{deviations} standard deviations above what {video} gets: about 1 in {many}",
            **values,
            many=one_in(self.chance),
        )

    def as_dict(self) -> dict[str, Any]:
        """JSON form."""
        return {
            "z": round(self.z, 2),
            "mark": round(self.mark, 2),
            "chance": float(f"{self.chance:.2g}"),
            "stands_out": self.stands_out,
            "others": self.others,
            "age_hours": round(self.age_hours, 1),
            "sentence": self.sentence,
        }


# --- the age curve --------------------------------------------------------------------------------


def fit_age_curve(pairs: Iterable[Regrown]) -> AgeCurve:
    """The curve through repeated readings: the median of ``ln(v2/v1) / ln(a2/a1)``.

    Each pair weighs as much as the logarithm of its age ratio, so that the sum of absolute errors
    is least. Below 30 usable pairs it is the shipped curve; above, the shipped exponent still
    counts as 30 pairs. The exponent is never below 0, because views do not fall by themselves, and
    never above 1.
    """
    usable = []
    for pair in pairs:
        if pair.views_before <= 0 or pair.views_now <= 0:
            continue
        first = max(pair.age_before, _MIN_AGE_HOURS)
        run = math.log(max(pair.age_now, first) / first)
        if run >= _MIN_LOG_AGE_RATIO:
            usable.append((math.log(pair.views_now / pair.views_before) / run, run))
    if len(usable) < _MIN_PAIRS:
        return AgeCurve()
    slope = min(max(_weighted_median(usable), 0.0), 1.0)
    weight = len(usable)
    drawn = (slope * weight + AGE_EXPONENT * _PAIR_PRIOR) / (weight + _PAIR_PRIOR)
    return AgeCurve(exponent=drawn, pairs=weight)


def _weighted_median(values: Iterable[tuple[float, float]]) -> float:
    ordered = sorted(values)
    half, total = sum(weight for _, weight in ordered) / 2, 0.0
    for value, weight in ordered:
        total += weight
        if total >= half:
            return value
    return ordered[-1][0]


# --- what is ordinary -----------------------------------------------------------------------------

#: Shares of ordinary videos, and per number of others the scores that they pass: quantiles over
#: the families of campaigns in bench/virality.py, which makes this table again.
CHANCES = (0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001)
CALIBRATED: tuple[tuple[int, tuple[float, ...]], ...] = (
    (10, (0.0, 0.99, 1.54, 2.05, 2.74, 3.29, 3.81, 4.48, 5.03)),
    (14, (0.0, 0.96, 1.49, 1.98, 2.6, 3.09, 3.59, 4.24, 4.7)),
    (20, (0.0, 0.94, 1.44, 1.91, 2.52, 2.96, 3.43, 4.03, 4.44)),
    (30, (0.0, 0.92, 1.41, 1.86, 2.43, 2.86, 3.29, 3.84, 4.25)),
    (60, (0.0, 0.89, 1.36, 1.78, 2.33, 2.73, 3.12, 3.64, 4.1)),
    (80, (0.0, 0.89, 1.34, 1.73, 2.25, 2.59, 2.93, 3.41, 3.77)),
    (100, (0.0, 0.89, 1.33, 1.72, 2.22, 2.55, 2.89, 3.32, 3.67)),
    (140, (0.0, 0.87, 1.33, 1.72, 2.22, 2.53, 2.84, 3.24, 3.54)),
    (200, (0.0, 0.86, 1.31, 1.71, 2.18, 2.5, 2.79, 3.15, 3.45)),
    (300, (0.0, 0.85, 1.31, 1.69, 2.17, 2.47, 2.73, 3.09, 3.41)),
)


def passed_by(others: int) -> tuple[float, ...]:
    """The scores that the shares `CHANCES` of ordinary videos pass, beside so many others."""
    place = bisect_left(CALIBRATED, others, key=lambda row: row[0])
    if place == 0:
        return CALIBRATED[0][1]
    if place == len(CALIBRATED):
        return CALIBRATED[-1][1]
    (few, low), (many, high) = CALIBRATED[place - 1], CALIBRATED[place]
    part = (1 / few - 1 / others) / (1 / few - 1 / many)
    return tuple(a + (b - a) * part for a, b in zip(low, high, strict=True))


def mark_of(others: int, chance: float = MARK_CHANCE) -> float:
    """The score that a share of ordinary videos passes; ``chance`` is one of `CHANCES`."""
    return passed_by(others)[CHANCES.index(chance)]


def chance_of(z: float, others: int) -> float:
    """Share of ordinary videos with at least such a score.

    Between the calibrated scores its logarithm is linear; beyond the last one it goes on falling as
    between the last three.
    """
    return _chance(z, passed_by(others))


def _chance(z: float, knots: Sequence[float]) -> float:
    if z <= knots[0]:
        return 0.5 * math.erfc((z - knots[0]) / math.sqrt(2))
    above = min(bisect_left(knots, z), len(knots) - 1)
    below = above - 1 if z <= knots[-1] else above - 3
    fall = math.log(CHANCES[above] / CHANCES[below]) / (knots[above] - knots[below])
    return CHANCES[above] * math.exp(fall * (z - knots[above]))


def one_in(chance: float) -> str:
    """The other side of a chance, to two figures: ``400``, ``1,200``."""
    times = 1 / max(chance, 1e-6)
    if times < 10:
        return short(round(times, 1))
    step = 10 ** (math.floor(math.log10(times)) - 1)
    return whole(round(times / step) * step)


def _aged_video(hours: float) -> str:
    """A video of an age, with its article: ``a 9-hour-old ...``, ``an 8-day-old ...``."""
    number = whole(max(hours, 1) if hours < 48 else hours / 24)
    is_an = number.startswith("8") or number in {"11", "18"}
    if hours < 48:
        if is_an:
            return say("an {number}-hour-old video of this campaign", number=number)
        return say("a {number}-hour-old video of this campaign", number=number)
    if is_an:
        return say("an {number}-day-old video of this campaign", number=number)
    return say("a {number}-day-old video of this campaign", number=number)


# --- the score ------------------------------------------------------------------------------------


def age_scores(
    videos: Iterable[Viewed], curve: AgeCurve | None = None, min_others: int = MIN_OTHERS
) -> dict[str, AgeScore]:
    """Score per video with known views (above 0) and publication; empty when too few to judge.

    Each is judged against all the others, as if it were not there itself. Followers play a part
    from 50 creators with known ones on.
    """
    judged = [v for v in videos if v.views and v.age_hours is not None]
    others = len(judged) - 1
    if others < max(min_others, 2):
        return {}
    residuals = _residuals(judged, curve or AgeCurve())
    ordered = sorted(residuals)
    spreads = _Spreads(ordered)
    middle, low, high = (_Quantile(ordered, p) for p in (0.5, 0.8, 0.95))
    knots = passed_by(others)
    mark = knots[CHANCES.index(MARK_CHANCE)]
    scores = {}
    for video, residual in zip(judged, residuals, strict=True):
        out = bisect_left(ordered, residual)
        centre = middle.without(out)
        spread = spreads.without(residual)
        tail = _tail(centre, low.without(out), high.without(out), spread)
        z = (residual - centre) * _GRAIN / _drawn(spread * _GRAIN, tail * _GRAIN, others)
        scores[video.video_id] = AgeScore(
            video_id=video.video_id,
            z=z,
            mark=mark,
            chance=_chance(z, knots),
            age_hours=video.age_hours or 0.0,
            others=others,
        )
    return scores


def campaign_scores(
    videos: Iterable[VideoFacts],
    as_of: datetime,
    earlier: Mapping[str, VideoReading] | None = None,
    min_others: int = MIN_OTHERS,
) -> dict[str, AgeScore]:
    """`age_scores` of a campaign's videos at their latest reading up to ``as_of``.

    Args:
        videos: All of its side of the campaign.
        as_of: The instant.
        earlier: Their readings `FITTED_BEFORE`, which the age curve is refitted on.
        min_others: What the campaign asks for; never fewer than `MIN_OTHERS`.
    """
    held = list(videos)
    before = earlier or {}
    pairs = (_regrown(v, before[v.video_id]) for v in held if v.video_id in before)
    curve = fit_age_curve(pair for pair in pairs if pair is not None)
    return age_scores((_viewed(v, as_of) for v in held), curve, max(min_others, MIN_OTHERS))


def _viewed(video: VideoFacts, as_of: datetime) -> Viewed:
    return Viewed(
        video_id=video.video_id,
        views=video.counters.view_count,
        age_hours=_hours(video.created_at, min(video.read_at, as_of)),
        followers=video.author_followers,
        creator=video.author_key,
    )


def _regrown(video: VideoFacts, before: VideoReading) -> Regrown | None:
    then, now = before.counters.view_count, video.counters.view_count
    first, last = _hours(video.created_at, before.read_at), _hours(video.created_at, video.read_at)
    if not then or not now or first is None or last is None or first < 0:
        return None
    if before.counters.source is not video.counters.source:
        return None
    return Regrown(first, then, last, now)


def _hours(since: datetime | None, until: datetime) -> float | None:
    return None if since is None else (until - since).total_seconds() / 3600


def _drawn(spread: float, tail: float, others: int) -> float:
    """The scale: Qn, from 60 videos on more and more the upper tail itself, drawn to the prior."""
    for_spread = min(others, _SPREAD_VIDEOS)
    for_tail = 2 * (others - for_spread)
    squares = spread**2 * for_spread + tail**2 * for_tail + _PRIOR_SD**2 * _PRIOR_WEIGHT
    return math.sqrt(squares / (for_spread + for_tail + _PRIOR_WEIGHT))


def _residuals(videos: Sequence[Viewed], curve: AgeCurve) -> list[int]:
    """Log views without what age, and where it can be told followers, explain; in grains."""
    plain = [
        math.log(v.views or 1) - curve.exponent * math.log(max(v.age_hours or 0, _MIN_AGE_HOURS))
        for v in videos
    ]
    slope, middle = _follower_slope(videos, plain)
    if slope:
        plain = [
            # Unknown followers: neither more nor fewer than usual.
            r - slope * (math.log(v.followers) - middle) if v.followers else r
            for v, r in zip(videos, plain, strict=True)
        ]
    return [round(r / _GRAIN) for r in plain]


def _follower_slope(videos: Sequence[Viewed], residuals: Sequence[float]) -> tuple[float, float]:
    """Slope of the residuals over log followers, one point per creator, and their median.

    The median of slopes between creators of the lower and of the upper half (Theil); 0 below 50
    creators.
    """
    by_creator: dict[str, list[tuple[int, float]]] = {}
    for video, residual in zip(videos, residuals, strict=True):
        if video.followers:
            by_creator.setdefault(video.creator, []).append((video.followers, residual))
    if len(by_creator) < _MIN_CREATORS:
        return 0.0, 0.0
    points = sorted(
        (math.log(max(f for f, _ in held)), median(r for _, r in held))
        for held in by_creator.values()
    )
    half = len(points) // 2
    slopes = [
        (high[1] - low[1]) / (high[0] - low[0])
        for low, high in zip(points[:half], points[-half:], strict=True)
        if high[0] > low[0]
    ]
    slope = min(max(median(slopes), 0.0), 1.0) if slopes else 0.0
    return slope, median(x for x, _ in points)


def _tail(middle: float, low: float, high: float, spread: float) -> float:
    """The standard deviation of a normal distribution with the same far end as the others have.

    Their 99 % quantile is drawn from those of 80 and 95 % along a normal tail. A campaign with two
    kinds of creators has a wide middle and a short tail, a campaign of many strangers the reverse.
    """
    far = high + _TAIL_STRETCH * (high - low)
    return max((far - middle) / _TAIL_NORMAL, spread / 5)


class _Quantile:
    """A quantile (type 7) of ascending values with any one of them left out."""

    def __init__(self, ordered: Sequence[int], p: float) -> None:
        left = len(ordered) - 1
        position = (left - 1) * p
        self._below = int(position)
        self._above = min(self._below + 1, left - 1)
        self._part = position - self._below
        self._ordered = ordered

    def without(self, out: int) -> float:
        """The quantile as if the value at that place were not there."""
        low = self._ordered[self._below + (self._below >= out)]
        high = self._ordered[self._above + (self._above >= out)]
        return low + (high - low) * self._part


class _Spreads:
    """Qn of ascending whole numbers with any one of them left out.

    Leaving one out takes away its own distances, at most as many as there are others. The wanted
    distance therefore lies among that many successive ones: they are sorted once, and each video
    needs a binary search in them. Croux and Rousseeuw 1992 have the estimator.
    """

    def __init__(self, ordered: Sequence[int]) -> None:
        self._ordered = ordered
        others = len(ordered) - 1
        half = others // 2 + 1
        self._rank = half * (half - 1) // 2
        small = others / (others + (1.4 if others % 2 else 3.8))
        self._factor = _QN_NORMAL * small
        pairs = (others + 1) * others // 2
        low, below = _distance_at(ordered, self._rank)
        last = min(self._rank + others, pairs)
        high = low if below >= last else _distance_at(ordered, last, low, below)[0]
        #: Candidates, ascending, and how many distances are at most as large.
        self._candidates, self._counts = _between(ordered, low, high, below)

    def without(self, value: int) -> float:
        """Qn of the values without one that equals ``value``."""
        # It lies where one that takes away so many distances would find it.
        first = self._place(self._own(value, self._candidates[0]))
        last = self._place(self._own(value, self._candidates[-1]))
        while first < last:
            middle = (first + last) // 2
            left = self._counts[middle] - self._own(value, self._candidates[middle])
            if left >= self._rank:
                last = middle
            else:
                first = middle + 1
        return self._candidates[first] * self._factor

    def _place(self, own: int) -> int:
        return min(bisect_left(self._counts, self._rank + own), len(self._counts) - 1)

    def _own(self, value: int, distance: int) -> int:
        """Distances of one value to the others up to a limit."""
        ordered = self._ordered
        return bisect_right(ordered, value + distance) - bisect_left(ordered, value - distance) - 1


def _pairs_within(ordered: Sequence[int], distance: int) -> int:
    """Pairs that lie at most so far apart."""
    total = first = 0
    for place, value in enumerate(ordered):
        while value - ordered[first] > distance:
            first += 1
        total += place - first
    return total


def _distance_at(
    ordered: Sequence[int], rank: int, low: int = -1, below: int = 0
) -> tuple[int, int]:
    """The distance of that rank (from 1) among all pairs, and how many are at most as large.

    It is known to be above ``low``, which ``below`` of them do not pass.
    """
    high = ordered[-1] - ordered[0]
    if low > 0:
        # The wanted one is not far above.
        step = low * 16 // len(ordered) + 1
        while low + step < high and _pairs_within(ordered, low + step) < rank:
            step *= 4
        high = min(high, low + step)
    count = _pairs_within(ordered, high)
    enough = 4 * len(ordered)
    while high - low > 1 and count - below > enough:
        middle = (low + high) // 2
        within = _pairs_within(ordered, middle)
        if within >= rank:
            high, count = middle, within
        else:
            low, below = middle, within
    if high - low == 1:
        return high, count
    inside = _distances(ordered, low, high)
    wanted = inside[rank - below - 1]
    return wanted, below + bisect_right(inside, wanted)


def _distances(ordered: Sequence[int], above: int, up_to: int) -> list[int]:
    """Distances in ``(above, up_to]``, ascending."""
    found: list[int] = []
    first = last = 0
    for place, value in enumerate(ordered):
        while value - ordered[first] > up_to:
            first += 1
        while last < place and value - ordered[last] > above:
            last += 1
        found += [value - other for other in ordered[first:last]]
    found.sort()
    return found


def _between(
    ordered: Sequence[int], low: int, high: int, below: int
) -> tuple[list[int], list[int]]:
    """The distinct distances from ``low`` to ``high``, and how many are at most as large."""
    candidates, counts = [low], [below]
    if high > low:
        for distance in _distances(ordered, low, high - 1):
            below += 1
            if distance == candidates[-1]:
                counts[-1] = below
            else:
                candidates.append(distance)
                counts.append(below)
        candidates.append(high)
        # Never asked whether it is enough: it is.
        counts.append(len(ordered) ** 2)
    return candidates, counts
