"""Videos coming into the world: a Poisson process per hashtag, made day by day, on demand.

A day of a stream is a function of the seed, the stream and the date alone, so that any instant can
be asked in any order and always gives the same videos.
"""

from __future__ import annotations

import math
import random
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass

from tagtide.simulator.growth import (
    DAY,
    HOUR,
    EngagementLaw,
    ViewLaw,
    activity,
    correlated_chance,
    engagement,
    growth,
    poisson,
    rhythm,
)
from tagtide.simulator.people import ANY_FOLLOWERS, FollowerLaw, Person, person

#: Creators of a stream have numbers from ``index * CREATORS_PER_STREAM`` on.
CREATORS_PER_STREAM = 1_000_000_000
_RING_NUMBERS = 10_000
_ONE_OFF_NUMBERS = 20_000
_ONE_OFF_PER_DAY = 20_000

#: 3,594 videos of a real campaign have 2,937 creators: 87 % of them posted once, 8 % twice, 2.4 %
#: three times, the most active one 20 times. Drawing some videos from creators who post only once
#: and the others from a pool with a slowly falling weight reproduces that.
ONE_OFF_SHARE = 0.59
_POOL_PER_VIDEO = 0.40
_POOL_EXPONENT = 0.55
#: Days of videos that one pool is meant for.
_POOL_DAYS = 60


@dataclass(frozen=True, slots=True)
class Burst:
    """A wave of new videos: the rate jumps by a factor and dies away."""

    at: float
    factor: float
    #: Hours until the extra has fallen to 37 %.
    hours: float


@dataclass(frozen=True, slots=True)
class Explosion:
    """One video that finds no end: a quiet start, then millions."""

    at: float
    #: When the second wave starts.
    explodes_at: float
    #: 30-day views of the first wave, and of the second.
    views: float
    extra_views: float


@dataclass(frozen=True, slots=True)
class Ring:
    """Many near-identical videos nobody likes, by a few young accounts."""

    at: float
    hours: float
    videos: int
    accounts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """Where videos come from: one hashtag's creators, or people who mention a brand without one."""

    #: What captions are about.
    topic: str
    #: None: videos without a hashtag, found by search only.
    hashtag: str | None
    #: Words that a search finds these videos by, beside the hashtag.
    keywords: tuple[str, ...] = ()
    #: Unix instant before which there is no video.
    starts: float
    #: New videos per day in the long run.
    daily: float
    #: Rate at the launch as a multiple of the long-run rate, and its half-life.
    launch_factor: float = 1.0
    launch_half_life_days: float = 6.0
    bursts: tuple[Burst, ...] = ()
    explosions: tuple[Explosion, ...] = ()
    rings: tuple[Ring, ...] = ()
    views: ViewLaw
    engagement: EngagementLaw
    followers: FollowerLaw = ANY_FOLLOWERS
    #: Other hashtags on these videos, with their probability.
    also: tuple[tuple[str, float], ...] = ()
    #: Shares of captions that attack, and of videos that are deleted within weeks.
    hostile: float = 0.01
    deleted: float = 0.03

    def rate(self, at: float) -> float:
        """New videos per hour at an instant, before chance."""
        if at < self.starts:
            return 0.0
        days = (at - self.starts) / DAY
        launch = 1 + (self.launch_factor - 1) * 0.5 ** (days / self.launch_half_life_days)
        waves = sum(
            (burst.factor - 1) * math.exp(-(at - burst.at) / HOUR / burst.hours)
            for burst in self.bursts
            if at >= burst.at
        )
        hourly: float = self.daily / 24 * rhythm(at) * (launch + waves)
        return hourly


@dataclass(slots=True)
class Clip:
    """A video of the world, with everything that decides its future."""

    video_id: int
    created: int
    stream: int
    author: Person
    tags: tuple[str, ...]
    #: Views at 30 days.
    final: float
    rise: float
    life: float
    likes: float
    comments: float
    shares: float
    saves: float
    born: float
    deleted_at: float = math.inf
    second_at: float = math.inf
    second_views: float = 0.0
    is_hostile: bool = False
    #: Position in a ring of near-identical videos; 0 outside.
    ring: int = 0

    def views(self, at: float, clock: float) -> int:
        """Views at an instant; ``clock`` is ``activity(at)``. A deleted video keeps its last."""
        if at > self.deleted_at:
            at, clock = self.deleted_at, activity(self.deleted_at)
        views = self.final * growth(clock - self.born, self.rise, self.life)
        if at > self.second_at:
            age = clock - activity(self.second_at)
            views += self.second_views * growth(age, self.rise, self.life)
        return int(views)


class StreamHistory:
    """The videos of one stream, kept in order of creation as far as anyone has asked."""

    def __init__(self, seed: int, index: int, stream: Stream) -> None:
        self.stream = stream
        self._seed = seed
        self._index = index
        self._clips: list[Clip] = []
        self._created: list[int] = []
        self._next_day = int(stream.starts // DAY)
        pool = round(stream.daily * _POOL_DAYS * _POOL_PER_VIDEO)
        self._pool_sums = _zipf_sums(min(max(6, pool), _RING_NUMBERS))

    def until(self, at: float) -> list[Clip]:
        """Every video created up to an instant, oldest first, deleted ones included."""
        while self._next_day * DAY <= at:
            day = self.day(self._next_day)
            self._clips += day
            self._created += [clip.created for clip in day]
            self._next_day += 1
        return self._clips[: bisect_right(self._created, at)]

    def day(self, number: int) -> list[Clip]:
        """The videos of one UTC day, given as days since 1970."""
        rng = random.Random(f"{self._seed}:stream:{self._index}:{number}")
        clips = [
            self._ordinary(at, rng, number, i) for i, at in enumerate(self._births(number, rng))
        ]
        clips += self._planted(number, rng)
        clips.sort(key=lambda clip: clip.created)
        for i, clip in enumerate(clips):
            clip.video_id = _video_id(clip.created, self._index, number, i)
        return clips

    def person(self, number: int) -> Person:
        """A creator of this stream."""
        local = number % CREATORS_PER_STREAM
        young = _RING_NUMBERS <= local < _ONE_OFF_NUMBERS
        return person(self._seed, number, self.stream.followers, newcomer=young)

    def _births(self, day: int, rng: random.Random) -> list[float]:
        # Days differ by more than Poisson chance: an over-dispersion of about 1 / 25.
        mood = math.exp(rng.gauss(0, 0.2) - 0.02)
        births: list[float] = []
        for hour in range(day * 24, day * 24 + 24):
            mean = mood * self.stream.rate((hour + 0.5) * HOUR)
            births += [(hour + rng.random()) * HOUR for _ in range(poisson(mean, rng))]
        return births

    def _ordinary(self, at: float, rng: random.Random, day: int, i: int) -> Clip:
        author = self.person(self._author_number(rng, day, i))
        stream = self.stream
        clip = self._clip(at, author, stream.views.at(correlated_chance(author.rank, rng)), rng)
        clip.is_hostile = rng.random() < stream.hostile
        if rng.random() < stream.deleted:
            clip.deleted_at = at + rng.expovariate(1 / (10 * DAY))
        return clip

    def _author_number(self, rng: random.Random, day: int, i: int) -> int:
        first = self._index * CREATORS_PER_STREAM
        if rng.random() < ONE_OFF_SHARE:
            return first + _ONE_OFF_NUMBERS + day * _ONE_OFF_PER_DAY + i
        return first + bisect_right(self._pool_sums, rng.random() * self._pool_sums[-1])

    def _clip(self, at: float, author: Person, final: float, rng: random.Random) -> Clip:
        likes, comments, shares, saves = engagement(self.stream.engagement, author.warmth, rng)
        return Clip(
            video_id=0,
            created=int(at),
            stream=self._index,
            author=author,
            tags=self._tags(rng),
            final=final,
            # First waves of real videos: x2.0 from 10-48 h to 17 days later, x1.3 from 3-5 days.
            rise=14.0 * math.exp(0.5 * rng.gauss(0, 1)),
            # 13 % of real videos gained nothing in 17 days.
            life=max(36.0, 1_500.0 * math.exp(1.2 * rng.gauss(0, 1))),
            likes=likes,
            comments=comments,
            shares=shares,
            saves=saves,
            born=activity(int(at)),
        )

    def _tags(self, rng: random.Random) -> tuple[str, ...]:
        own = (self.stream.hashtag,) if self.stream.hashtag else ()
        return own + tuple(tag for tag, share in self.stream.also if rng.random() < share)

    def _planted(self, day: int, rng: random.Random) -> Iterator[Clip]:
        for i, explosion in enumerate(self.stream.explosions):
            if int(explosion.at // DAY) == day:
                yield self._exploding(explosion, i, rng)
        for i, ring in enumerate(self.stream.rings):
            yield from self._ring(ring, i, day)

    def _exploding(self, explosion: Explosion, i: int, rng: random.Random) -> Clip:
        last = (self._index + 1) * CREATORS_PER_STREAM - 1
        clip = self._clip(explosion.at, self.person(last - i), explosion.views, rng)
        clip.rise, clip.life = 9.0, math.inf
        clip.second_at, clip.second_views = explosion.explodes_at, explosion.extra_views
        return clip

    def _ring(self, ring: Ring, i: int, day: int) -> Iterator[Clip]:
        rng = random.Random(f"{self._seed}:ring:{self._index}:{i}")
        first = self._index * CREATORS_PER_STREAM + _RING_NUMBERS + i * 100
        for n in range(ring.videos):
            at = ring.at + ring.hours * HOUR * (n + rng.random()) / ring.videos
            clip = self._clip(
                at, self.person(first + n % ring.accounts), rng.uniform(180, 260), rng
            )
            clip.likes, clip.comments, clip.shares, clip.saves = 0.004, 0.0, 0.0, 0.0
            clip.ring, clip.rise, clip.life = n + 1, 3.0, 36.0
            if int(at // DAY) == day:
                yield clip


def _zipf_sums(size: int) -> list[float]:
    total, sums = 0.0, []
    for place in range(1, size + 1):
        total += float(place**-_POOL_EXPONENT)
        sums.append(total)
    return sums


def _video_id(created: int, stream: int, day: int, i: int) -> int:
    # TikTok's ids hold the creation second in their upper half. The odd factor keeps the 20 low
    # bits distinct within a day; the stream lets an id be looked up without an index.
    return created << 32 | stream << 20 | (day * 7_919 + i * 104_729) % (1 << 20)


def stream_of(video_id: int) -> int:
    """Index of the stream an id belongs to."""
    return video_id >> 20 & 0xFFF
