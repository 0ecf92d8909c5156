"""Ready-made worlds: a brand campaign with a story for the demo, and crowds for benchmarks."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from tagtide.simulator.growth import DAY, ENGAGEMENT_2024, EngagementLaw, ViewLaw
from tagtide.simulator.payloads import FeedForm, TotalsForm
from tagtide.simulator.people import FollowerLaw
from tagtide.simulator.streams import Burst, Explosion, Ring, Stream
from tagtide.simulator.world import Tag, World

#: Own hashtags of the demo's brand, with the one that gets the burst second.
DEMO_OWN = ("lumenglow", "mylumen", "lumenroutine")
DEMO_COMPETITORS = ("velvaskin", "auradew")
#: Hashtags that travel with the campaign's and grow.
DEMO_EMERGING = ("glassmorning", "barefaceclub")
DEMO_BRAND = "lumen"

#: A young brand's creators are smaller than those of the great hashtags.
_MICRO = FollowerLaw(8.4, 1.7)
#: And its audience is warmer: median engagement rate 6.5 %.
_WARM = EngagementLaw(0.065, 0.62, 0.0012, 0.0030, 0.0060)


@dataclass(frozen=True, slots=True)
class Story:
    """What happens in the demo's world, as instants: the oracle of a demo or a test."""

    launch: datetime
    competitor_launch: datetime
    viral_posted: datetime
    viral_explodes: datetime
    ring: datetime
    burst: datetime
    #: Hashtags the events happen to.
    viral_hashtag: str = DEMO_OWN[0]
    ring_hashtag: str = DEMO_OWN[0]
    burst_hashtag: str = DEMO_OWN[1]


def demo_story(now: datetime) -> Story:
    """When things happen in `demo_world`, all within the 30 days before ``now``."""

    def ago(days: float) -> datetime:
        return datetime.fromtimestamp(now.timestamp() - days * DAY, tz=now.tzinfo)

    return Story(
        launch=ago(26),
        competitor_launch=ago(12.4),
        viral_posted=ago(9.2),
        viral_explodes=ago(8.0),
        ring=ago(5.3),
        burst=ago(3.2),
    )


def demo_world(
    seed: int,
    now: datetime,
    *,
    feed_form: FeedForm = FeedForm.MOBILE,
    record_bytes: int = 0,
) -> World:
    """A skin-care brand, its campaign, two competitors and what comes along.

    The campaign starts 26 days before ``now``; one video goes viral, one hashtag gets a
    burst of new videos, a ring of accounts posts the same text ninety times. Nothing here is real.
    """
    epoch = now.timestamp() // DAY * DAY - 60 * DAY
    story = demo_story(now)
    return World(
        seed=seed,
        epoch=epoch,
        tags=_demo_tags(epoch, story),
        streams=[*_own_streams(story), *_other_streams(epoch, story)],
        feed_form=feed_form,
        record_bytes=record_bytes,
    )


def _demo_tags(epoch: float, story: Story) -> list[Tag]:
    launch = story.launch.timestamp()
    velva, aura = DEMO_COMPETITORS
    return [
        *(Tag(name=name, starts=launch) for name in DEMO_OWN),
        Tag(name=velva, base_views=41_000_000, base_videos=5_200, views_per_day=180_000.0),
        Tag(name=aura, base_views=1_350_000, base_videos=640, views_per_day=9_000.0),
        *(Tag(name=name, starts=epoch) for name in DEMO_EMERGING),
        Tag(
            name="skincare",
            base_views=391_482_331_904,
            base_videos=48_211_093,
            views_per_day=310_000_000.0,
            videos_per_day=24_000.0,
        ),
    ]


def _own_streams(story: Story) -> list[Stream]:
    glow, mine, routine = DEMO_OWN
    launch = story.launch.timestamp()
    viral = Explosion(
        story.viral_posted.timestamp(), story.viral_explodes.timestamp(), 9_000.0, 3_400_000.0
    )
    return [
        Stream(
            topic="Lumen Glow Serum",
            hashtag=glow,
            keywords=(DEMO_BRAND,),
            starts=launch,
            daily=26.0,
            launch_factor=6.0,
            views=ViewLaw(5.6, 0.56),
            engagement=_WARM,
            followers=_MICRO,
            also=((mine, 0.18), (DEMO_EMERGING[0], 0.16), ("skincare", 0.4)),
            explosions=(viral,),
            rings=(Ring(story.ring.timestamp(), 7.0, 90, 6),),
            hostile=0.015,
        ),
        Stream(
            topic="Lumen Morning Mist",
            hashtag=mine,
            keywords=(DEMO_BRAND,),
            starts=launch,
            daily=16.0,
            launch_factor=3.0,
            bursts=(Burst(story.burst.timestamp(), 170.0, 9.0),),
            views=ViewLaw(5.3, 0.54),
            engagement=_WARM,
            followers=_MICRO,
            also=((glow, 0.15), (DEMO_EMERGING[1], 0.12)),
            hostile=0.015,
        ),
        Stream(
            topic="Lumen Three Steps",
            hashtag=routine,
            keywords=(DEMO_BRAND,),
            starts=launch + 2 * DAY,
            daily=7.0,
            launch_factor=2.0,
            views=ViewLaw(5.4, 0.54),
            engagement=_WARM,
            followers=_MICRO,
            also=((glow, 0.35), ("skincare", 0.3)),
        ),
        Stream(
            topic="Lumen",
            hashtag=None,
            keywords=(DEMO_BRAND,),
            starts=launch - 5 * DAY,
            daily=5.0,
            views=ViewLaw(5.3, 0.54),
            engagement=_WARM,
            followers=_MICRO,
        ),
    ]


def _other_streams(epoch: float, story: Story) -> list[Stream]:
    velva, aura = DEMO_COMPETITORS
    launch = story.competitor_launch.timestamp()
    return [
        Stream(
            topic="Velva Barrier Cream",
            hashtag=velva,
            starts=epoch,
            daily=38.0,
            views=ViewLaw(5.8, 0.56),
            engagement=_WARM,
            followers=_MICRO,
        ),
        Stream(
            topic="Auradew Mist",
            hashtag=aura,
            starts=epoch,
            daily=9.0,
            bursts=(Burst(launch, 12.0, 60.0),),
            views=ViewLaw(5.5, 0.55),
            engagement=_WARM,
            followers=_MICRO,
        ),
        *(
            Stream(
                topic=name,
                hashtag=name,
                starts=epoch,
                daily=6.0,
                bursts=(Burst(launch + 3 * DAY, 5.0, 200.0),),
                views=ViewLaw(5.6, 0.58),
                engagement=ENGAGEMENT_2024,
            )
            for name in DEMO_EMERGING
        ),
    ]


def make_world(
    seed: int,
    now: datetime,
    *,
    hashtags: int = 300,
    days: int = 30,
    daily: float = 3.0,
    burst_share: float = 0.1,
    record_bytes: int = 0,
    feed_form: FeedForm = FeedForm.MOBILE,
    forms: Mapping[str, TotalsForm] | None = None,
) -> World:
    """A crowd of hashtags named ``tag000``, ``tag001``, ... for benchmarks and long runs.

    Args:
        seed: Another seed is another crowd.
        now: The world holds single videos from ``days`` before it.
        hashtags: How many.
        days: Days of history that are held video by video.
        daily: Median of new videos per day; hashtags differ log-normally (sd of the log 1.3).
        burst_share: Share of the hashtags that get one burst in the last half of the history.
        record_bytes: About 6,600 gives pages of 200 kB, 77,000 pages of 2.3 MB.
        feed_form: Which leg answers feeds.
        forms: Hashtags whose totals are stated in another form.
    """
    rng = random.Random(f"{seed}:crowd")
    epoch = now.timestamp() // DAY * DAY - days * DAY
    width = max(3, len(str(hashtags - 1)))
    names = [f"tag{i:0{width}d}" for i in range(hashtags)]
    sizes = [min(400.0, daily * math.exp(rng.gauss(0, 1.3))) for _ in names]
    bursts = [
        (
            Burst(
                epoch + days * DAY * rng.uniform(0.5, 0.95), rng.uniform(5, 30), rng.uniform(4, 30)
            ),
        )
        if rng.random() < burst_share
        else ()
        for _ in names
    ]
    return World(
        seed=seed,
        epoch=epoch,
        tags=[
            _crowd_tag(name, size, rng, (forms or {}).get(name, TotalsForm.EXACT))
            for name, size in zip(names, sizes, strict=True)
        ],
        streams=[
            Stream(
                topic=f"{name} things",
                hashtag=name,
                starts=epoch,
                daily=size,
                bursts=burst,
                views=ViewLaw(rng.uniform(4.5, 8.0), rng.uniform(0.45, 0.7)),
                engagement=ENGAGEMENT_2024,
            )
            for name, size, burst in zip(names, sizes, bursts, strict=True)
        ],
        record_bytes=record_bytes,
        feed_form=feed_form,
    )


def _crowd_tag(name: str, daily: float, rng: random.Random, form: TotalsForm) -> Tag:
    # Totals of 39 real hashtags: ln views has mean 24 and standard deviation 2.7; a watched
    # campaign hashtag is smaller.
    age = rng.uniform(60, 900)
    videos = int(daily * age)
    per_day = daily * math.exp(rng.gauss(8.0, 0.8))
    return Tag(
        name=name,
        base_videos=videos,
        base_views=int(per_day * age),
        views_per_day=per_day * 0.2,
        form=form,
    )
