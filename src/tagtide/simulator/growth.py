"""The laws of the world: rhythm of the day, views by age, views per video, engagement.

Every constant says where it comes from: public measurements of TikTok hashtag counters and videos,
and fits to real payloads. `tests/simulator/test_statistics.py` compares both sides.
"""

from __future__ import annotations

import math
import random
from bisect import bisect_left
from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist

HOUR = 3600
DAY = 86_400

#: Share of activity per UTC hour, mean 1. Pooled profile of hashtag view counters read every 3 h:
#: trough at 07-08 h with 0.63 of the mean, peak at 18-20 h with 1.31.
HOURLY = (
    1.12, 1.06, 1.00, 0.93, 0.84, 0.74, 0.66, 0.63, 0.64, 0.70, 0.78, 0.86,
    0.94, 1.01, 1.08, 1.15, 1.21, 1.27, 1.31, 1.31, 1.30, 1.22, 1.17, 1.07,
)  # fmt: skip
#: Monday first; the same counters show at most 5 % between weekdays.
WEEKDAY = (0.97, 0.98, 0.99, 1.00, 1.01, 1.03, 1.02)
#: 1970-01-01 was a Thursday.
_EPOCH_WEEKDAY = 3
_WEEK_HOURS = 168

#: Views after the first two days grow as age^0.2: the one-parameter curve that forecasts real
#: TikTok videos to 17 days with a median error of 16 %.
LATE_GROWTH = 0.2
_KNEE_HOURS = 48.0
#: "Final" views mean those at 30 days.
_FINAL_HOURS = 720.0
_FINAL_FACTOR = (1 + _FINAL_HOURS / _KNEE_HOURS) ** LATE_GROWTH

#: Creators' followers explain little of a video's views: correlation of the logs 0.33 over 3,594
#: videos of a real campaign.
FOLLOWER_CORRELATION = 0.33

_NORMAL = NormalDist()


def rhythm(at: float) -> float:
    """Activity at a Unix instant relative to the mean of the week."""
    hours = int(at // HOUR)
    weekday = (hours // 24 + _EPOCH_WEEKDAY) % 7
    return HOURLY[hours % 24] * WEEKDAY[weekday]


@lru_cache(maxsize=1)
def _cumulative() -> tuple[float, ...]:
    total, sums = 0.0, [0.0]
    for hour in range(_WEEK_HOURS):
        total += rhythm(hour * HOUR)
        sums.append(total)
    return tuple(sums)


def activity(at: float) -> float:
    """Hours of activity since 1970: the integral of `rhythm`, so that growth sleeps at night."""
    sums = _cumulative()
    weeks, rest = divmod(at / HOUR, _WEEK_HOURS)
    hour = int(rest)
    within = sums[hour] + (rest - hour) * (sums[hour + 1] - sums[hour])
    return weeks * sums[_WEEK_HOURS] + within


def growth(age: float, rise: float, life: float) -> float:
    """Share of the 30-day views that a video has at an age.

    Args:
        age: Hours of activity since creation.
        rise: Hours after which the first wave has brought 63 % of its views.
        life: Hours after which nobody is shown the video any more.
    """
    if age <= 0:
        return 0.0
    age = min(age, life)
    wave = 1 - math.exp(-age / rise)
    late = (1 + age / _KNEE_HOURS) ** LATE_GROWTH
    share: float = wave * late / _FINAL_FACTOR
    return share


@dataclass(frozen=True, slots=True)
class ViewLaw:
    """Final views of a hashtag's videos: ``exp(floor + scale * Erlang(3))``.

    The logarithm has a hard lower end and a heavy upper one, like the videos of two real campaign
    hashtags (about 1,800 each): quantiles 1-50-99 % of ln views 10.2-12.1-15.7 and 13.4-14.5-16.8.
    """

    floor: float
    scale: float

    def at(self, chance: float) -> float:
        """Views at a quantile."""
        return math.exp(self.floor + self.scale * erlang3(chance))


#: The two hashtags of the campaign burst of 2020.
CAMPAIGN_2020 = (ViewLaw(10.2, 0.68), ViewLaw(13.35, 0.43))


@lru_cache(maxsize=1)
def _erlang_table() -> tuple[list[float], list[float]]:
    xs = [i * 0.02 for i in range(1_000)]
    return [1 - math.exp(-x) * (1 + x + x * x / 2) for x in xs], xs


def erlang3(chance: float) -> float:
    """Quantile of the sum of three unit exponentials."""
    probabilities, xs = _erlang_table()
    i = bisect_left(probabilities, chance)
    if i >= len(xs):
        return xs[-1]
    if i == 0:
        return 0.0
    low, high = probabilities[i - 1], probabilities[i]
    return xs[i - 1] + (xs[i] - xs[i - 1]) * (chance - low) / (high - low)


@dataclass(frozen=True, slots=True)
class EngagementLaw:
    """Likes, comments, shares and saves per view.

    The engagement rate is logistic-normal; comments, shares and saves are log-normal shares of
    views; likes are the rest. Spread between creators and between videos of one creator have the
    ratio found for 254 creators (logit variance 0.170 : 0.074).
    """

    #: Median engagement rate and the standard deviation of its logit.
    rate: float
    spread: float
    comments: float
    shares: float
    saves: float


#: Medians and spreads of three real samples: 3,594 campaign videos of 2020 (saves unknown then),
#: 780 videos under 39 large hashtags, 187 videos of a mobile feed of 2024.
ENGAGEMENT_2020 = EngagementLaw(0.248, 0.76, 0.0031, 0.0048, 0.005)
ENGAGEMENT_TOP = EngagementLaw(0.139, 0.57, 0.0020, 0.0025, 0.005)
ENGAGEMENT_2024 = EngagementLaw(0.056, 0.92, 0.00046, 0.0025, 0.0048)

#: Standard deviation of the log of comments, shares and saves per view in the same samples.
_COMMENT_SPREAD, _SHARE_SPREAD, _SAVE_SPREAD = 0.90, 1.40, 0.98
_CREATOR_PART = math.sqrt(0.170 / (0.170 + 0.074))
_VIDEO_PART = math.sqrt(1 - _CREATOR_PART**2)


def engagement(
    law: EngagementLaw, creator: float, rng: random.Random
) -> tuple[float, float, float, float]:
    """Likes, comments, shares and saves per view of one video; ``creator`` is N(0, 1)."""
    normal = _CREATOR_PART * creator + _VIDEO_PART * rng.gauss(0, 1)
    logit = math.log(law.rate / (1 - law.rate)) + law.spread * normal
    rate = 1 / (1 + math.exp(-logit))
    comments = min(0.2 * rate, law.comments * math.exp(_COMMENT_SPREAD * rng.gauss(0, 1)))
    shares = min(0.3 * rate, law.shares * math.exp(_SHARE_SPREAD * rng.gauss(0, 1)))
    saves = min(0.3, law.saves * math.exp(_SAVE_SPREAD * rng.gauss(0, 1)))
    return rate - comments - shares, comments, shares, saves


def correlated_chance(creator: float, rng: random.Random) -> float:
    """A quantile for a video's views that leans on its creator's size (N(0, 1))."""
    own = math.sqrt(1 - FOLLOWER_CORRELATION**2)
    return _NORMAL.cdf(FOLLOWER_CORRELATION * creator + own * rng.gauss(0, 1))


def poisson(mean: float, rng: random.Random) -> int:
    """A Poisson number; above 50 by its normal limit, which is close enough there."""
    if mean > 50:
        return max(0, round(rng.gauss(mean, math.sqrt(mean))))
    limit, product, n = math.exp(-mean), rng.random(), 0
    while product > limit:
        product *= rng.random()
        n += 1
    return n


def display(value: int) -> int:
    """A counter as TikTok rounds it in ``stats``.

    Exact below 10,000, then steps of 100 to 1 M, of 100,000 to 1 G and of 100 M above: the steps
    seen in 714,806 readings of 189 hashtag counters.
    """
    unit = display_unit(value)
    return value // unit * unit


def display_unit(value: int) -> int:
    """The rounding step at a value."""
    if value < 10_000:
        return 1
    if value < 1_000_000:
        return 100
    return 100_000 if value < 1_000_000_000 else 100_000_000
