"""desk: pages of the review desk at 100,000 videos.

Hypothesis: a page of 50 rows takes no longer at 100,000 videos than a person notices, in any order
and with any filter, because each list is read from an index or from the few rows that were touched.

Method: one campaign with 100,000 videos in a SQLite file, one in twenty of high priority, 5,000
touched (shortlisted, asked, granted with a right, declined), labels and assignees on some. Every
kind of list is asked for again and again; the 95th percentile of the processor's time counts.

Control: the key of one hashtag, the smallest read there is.
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench.figures import Figure, Result
from tagtide.clock import SystemClock
from tagtide.core.desk import DeskItem, DeskState, Right, RightsChannel, assign, label, move
from tagtide.core.desk.terms import Decision
from tagtide.models import (
    Campaign,
    CampaignHashtag,
    CounterSource,
    Creator,
    Video,
    VideoCounters,
    VideoSeen,
)
from tagtide.ports import Changes, DeskQuery, DeskSort, DeskWrite, Sighting, Store
from tagtide.storage.store import open_store

_NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
_PAGE = 100
_LIMIT_MS = 100.0

Read = Callable[[], Awaitable[object]]


def run(*, quick: bool) -> Result:
    """Measure."""
    count = 10_000 if quick else 100_000
    with tempfile.TemporaryDirectory() as folder:
        found = asyncio.run(_measured(Path(folder), count, 20 if quick else 40))
    smallest = found.pop("one key")
    figures = [
        Figure(
            name=f"{name}, p95 at {count:,} videos",
            value=times[-1],
            target=_LIMIT_MS,
            at_most=True,
            unit=" ms",
            against=f"median {times[0]:.1f} ms; one key takes {smallest[0]:.1f} ms",
        )
        for name, times in found.items()
    ]
    return Result(name="desk", figures=figures, facts=dict(found))


async def _measured(folder: Path, count: int, rounds: int) -> dict[str, tuple[float, float]]:
    store = await open_store(f"sqlite:///{folder / 'desk.db'}", clock=SystemClock())
    try:
        await _fill(store, count)
        found = {}
        for name, read in _reads(store, count):
            await read()
            times = []
            for _ in range(rounds):
                start = time.process_time()
                await read()
                times.append(1000 * (time.process_time() - start))
            found[name] = (statistics.median(times), statistics.quantiles(times, n=20)[-1])
        return found
    finally:
        await store.aclose()


def _reads(store: Store, count: int) -> Iterator[tuple[str, Read]]:
    everything = frozenset(DeskState)
    asked = {
        "what awaits somebody": {},
        "all, newest": {"states": everything},
        "all, by views": {"states": everything, "sort": DeskSort.VIEWS},
        "all, next end": {"states": everything, "sort": DeskSort.ENDS},
        "granted, changed": {
            "states": frozenset({DeskState.GRANTED}), "sort": DeskSort.CHANGED,
        },
        "one creator": {"states": everything, "creator": "user77"},
        "text that is nowhere": {"states": everything, "text": "nowhere"},
        "one hashtag": {"states": everything, "hashtag": "ours"},
        "one label": {"states": everything, "label": "reel"},
        "ending in 14 days": {"states": everything, "ends_before": _NOON + timedelta(days=14)},
    }  # fmt: skip
    yield "one key", lambda: store.hashtag_states(["ours"])
    for name, options in asked.items():
        query = DeskQuery(campaign_ids=(1,), now=_NOON, **options)
        yield name, lambda query=query: store.desk_page(query)
    yield "counts", lambda: store.desk_counts((1,), _NOON)
    yield "one video", lambda: store.desk_record(1, _id(count // 2))


async def _fill(store: Store, count: int) -> None:
    ours, theirs = CampaignHashtag(name="ours"), CampaignHashtag(name="theirs")
    await store.add_campaign(Campaign(name="One", hashtags=(ours, theirs)))
    for first in range(0, count, _PAGE):
        numbers = range(first, first + _PAGE)
        sighting = Sighting(
            hashtag="ours" if first % 300 else "theirs",
            campaign_ids=(1,),
            read_at=_NOON - timedelta(minutes=(count - first) // _PAGE),
            videos=tuple(_seen(number) for number in numbers),
            run_id=None,
        )
        marks = tuple((1, _id(n), _NOON) for n in numbers if n % 20 == 0)
        await store.commit(Changes(sightings=(sighting,), high_priority=marks))
    for start in range(0, count, 20 * 50):
        touched = range(start, start + 20 * 50, 20)
        await asyncio.gather(*(_touch(store, number) for number in touched))


def _id(number: int) -> str:
    return str(7_000_000_000_000_000_000 + number)


def _seen(number: int) -> VideoSeen:
    name = f"user{number % 2000}"
    creator = Creator(creator_key=name, sec_uid=name, uid=None, username=name, nickname=name)
    views = 37 * number % 1_000_003
    counters = VideoCounters(
        view_count=views,
        like_count=views // 20,
        comment_count=views // 300,
        share_count=views // 500,
        save_count=None,
        source=CounterSource.STATS_V2,
    )
    caption = f"clip {number} of the summer, #ours and more words as people write them"
    video = Video(video_id=_id(number), creator=creator, caption=caption, created_at=_NOON)
    return VideoSeen(video=video, counters=counters)


async def _touch(store: Store, number: int) -> None:
    kind, item = number // 20 % 5, DeskItem()
    right = Right(
        channels=(RightsChannel.ORGANIC,),
        granted_at=_NOON,
        expires_at=_NOON + timedelta(days=1 + number % 400),
    )
    decisions: list[Decision] = []
    if kind == 0:
        decisions = [label(item, add=["reel"], now=_NOON, by="ann")]
    elif kind == 1:
        decisions = [assign(item, f"user {number % 7}", now=_NOON, by="ann")]
    elif kind == 2:
        decisions = [move(item, DeskState.ASKED, now=_NOON, by="ann")]
    elif kind == 3:
        decisions = [move(item, DeskState.GRANTED, now=_NOON, by="ann", right=right)]
    else:
        decisions = [move(item, DeskState.DECLINED, now=_NOON, by="ann")]
    for one in decisions:
        assert one.step is not None
        write = DeskWrite(
            campaign_id=1, video_id=_id(number), step=one.step, after=one.item, right=one.right
        )
        await store.put_desk_step(write)
