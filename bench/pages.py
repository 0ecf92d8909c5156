"""pages: what the server takes for a page, alone and beside a collection.

Hypothesis: a page reads newest counters and sums, so that 1,000 hashtags and 5 million readings
behind it cost little.

Method: the world of `bench.pages_world` in SQLite, built once (minutes) and kept in bench/results;
``--quick`` takes a twentieth of the readings. The pages are asked for through the ASGI application
in the process, one after the other. First alone, for the processor's time of each; then while a
task of the same process commits pages of thirty videos, ten a second, as a collection does, for the
time from the request to the whole answer. 40 times each, the first 5 left out.

Where there is a Chromium, `bench.paint` then asks it when it first paints anything of each page.

Control: `/healthz` between them, which reads nothing, in the same process at the same time; and a
loop of 60,000 squares behind each page (3 ms at best): other programs slow both.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles

import httpx2

from bench.figures import RESULTS, Figure, Result
from bench.pages_world import NOW, Size, build
from bench.paint import chromium, paints
from tagtide.bootstrap import App, open_app
from tagtide.clock import SimulatedClock
from tagtide.jobs import Health
from tagtide.models import CounterSource, Creator, Video, VideoCounters, VideoSeen
from tagtide.ports import Changes, Sighting
from tagtide.services.report import report_daily, report_weekly
from tagtide.settings import load
from tagtide.storage.schema import HEAD
from tagtide.web.app import make_app
from tagtide.web.server import settle_memory

_PAGES = (
    "/",
    "/campaigns",
    "/campaigns/1",
    "/campaigns/1?period=24h",
    "/campaigns/1?period=28d",
    "/campaigns/1?period=campaign",
    "/campaigns/1/content",
    "/campaigns/1/videos",
    "/campaigns/1/hashtags",
    "/campaigns/1/hashtags/bench0",
    "/campaigns/1/hashtags/bench0?period=28d",
    "/campaigns/1/weekly",
    "/campaigns/2",
    "/reports",
)
_CONTROL = "/healthz"
_LOOP = "a loop"
_TARGET = 100
#: Until something of a page is painted.
_PAINTED = 1000
_PAGES_A_SECOND = 10


def run(*, quick: bool) -> Result:
    """Measure."""
    size = Size(instants=12 if quick else 240)
    path = world_file(size)
    if not path.exists():
        build(path, size)
        asyncio.run(_reports(path))
    # The collection writes: the world stays as it was built.
    with tempfile.TemporaryDirectory(prefix="tagtide-bench-") as folder:
        copy = Path(folder) / "pages.db"
        shutil.copy(path, copy)
        times = asyncio.run(_measure(copy, 10 if quick else 40))
        painted = asyncio.run(_paints(copy, 1 if quick else 5))
    figures = [
        Figure(
            name=f"`GET {page}`, p95",
            value=of_page.processor,
            target=None if page == _CONTROL else _TARGET,
            at_most=True,
            unit=" ms",
            against=f"of the processor's time, in the middle {of_page.loops:.1f} times a loop of "
            f"60,000 squares; beside a collection p50 {of_page.middle:.0f} ms, "
            f"p95 {of_page.high:.0f} ms",
        )
        for page, of_page in sorted(times.items(), key=lambda item: -item[1].processor)
    ]
    facts: dict[str, object] = {page: vars(of_page) for page, of_page in times.items()}
    if painted:
        slowest = max(painted, key=lambda page: painted[page])
        figures.append(
            Figure(
                name=f"first contentful paint in Chromium, slowest page (`{slowest}`)",
                value=painted[slowest],
                target=_PAINTED,
                at_most=True,
                unit=" ms",
                against=f"medians with an empty cache, beside a collection; fastest page "
                f"{min(painted.values()):.0f} ms",
            )
        )
        facts["first contentful paint"] = painted
    return Result(name="pages", figures=figures, facts=facts)


@dataclass(frozen=True)
class _Times:
    """Milliseconds of one page."""

    #: The processor's, p95, alone.
    processor: float
    #: Its median over that of the loop.
    loops: float
    #: On the clock, beside a collection.
    middle: float
    high: float


def world_file(size: Size) -> Path:
    """Where a world is kept: one that older tables hold would be upgraded at each opening."""
    return RESULTS / f"pages-{size.readings}-{HEAD}.db"


@asynccontextmanager
async def opened(path: Path) -> AsyncIterator[App]:
    environ = {"TAGTIDE_DATABASE_URL": f"sqlite:///{path}", "TAGTIDE_API_URL": "http://127.0.0.1:9"}
    loaded = load(environ=environ, cwd=path.parent)
    async with open_app(loaded, source=False, clock=SimulatedClock(NOW)) as app:
        yield app


async def _reports(path: Path) -> None:
    async with opened(path) as app:
        for campaign in await app.store.campaigns():
            await report_weekly(app.context, campaign)
            await report_daily(app.context, campaign)


async def _measure(path: Path, times: int) -> dict[str, _Times]:
    async with opened(path) as app:
        made = make_app(app, Health(), is_open=True)
        settle_memory()
        transport = httpx2.ASGITransport(app=made)
        async with httpx2.AsyncClient(transport=transport, base_url="http://localhost") as client:
            alone = await _timed(client, times, time.process_time)
            async with _collecting(app):
                beside = await _timed(client, times, time.perf_counter)
    return {
        page: _Times(
            processor=quantiles(alone[page], n=20)[18],
            loops=median(alone[page]) / median(alone[_LOOP]),
            middle=median(taken),
            high=quantiles(taken, n=20)[18],
        )
        for page, taken in beside.items()
        if page != _LOOP
    }


async def _timed(
    client: httpx2.AsyncClient, times: int, clock: Callable[[], float]
) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {}
    for turn in range(times + 5):
        for page in (*_PAGES, _CONTROL):
            start = clock()
            answer = await client.get(page)
            elapsed = (clock() - start) * 1000
            if answer.status_code != 200:
                raise SystemExit(f"{page} answered {answer.status_code}")
            if turn >= 5:
                found.setdefault(page, []).append(elapsed)
                start = clock()
                sum(n * n for n in range(60_000))
                found.setdefault(_LOOP, []).append((clock() - start) * 1000)
            # What a person does between two pages; the collection goes on.
            await asyncio.sleep(0.02)
    return found


async def _paints(path: Path, times: int) -> dict[str, float]:
    """Empty without a browser."""
    browser = chromium()
    if browser is None:
        return {}
    async with opened(path) as app:
        made = make_app(app, Health(), is_open=True)
        settle_memory()
        async with _collecting(app):
            return await paints(made, browser, _PAGES, times)


@asynccontextmanager
async def _collecting(app: App) -> AsyncIterator[None]:
    collecting = asyncio.create_task(_collect(app))
    try:
        yield
    finally:
        collecting.cancel()
        with suppress(asyncio.CancelledError):
            await collecting


async def _collect(app: App) -> None:
    """Pages of thirty videos, one of them new, with newer counters each time."""
    number, began = 0, time.perf_counter()
    while True:
        number += 1
        videos = tuple(_seen(number, place) for place in range(30))
        await app.store.commit(
            Changes(
                sightings=(
                    Sighting(
                        hashtag=f"bench{number % 300}",
                        campaign_ids=(1,),
                        read_at=app.context.clock.now(),
                        videos=videos,
                        run_id=None,
                    ),
                )
            )
        )
        late = began + number / _PAGES_A_SECOND - time.perf_counter()
        await asyncio.sleep(max(late, 0))


def _seen(number: int, place: int) -> VideoSeen:
    known = place > 0
    key = (number * 29 + place) % 10_000 + 1 if known else 1_000_000 + number
    creator = Creator(
        creator_key=f"MS4wLjABAAAA{key % 6_000 + 1:064d}",
        sec_uid=f"MS4wLjABAAAA{key % 6_000 + 1:064d}",
        uid=None,
        username=f"creator{key % 6_000 + 1}",
        nickname=None,
    )
    video = Video(
        video_id=str(7_600_000_000_000_000_000 + key),
        creator=creator,
        caption="a video with a caption of usual length #bench #summer",
        created_at=NOW,
    )
    views = 100_000 + number * 100 + place
    counters = VideoCounters(
        view_count=views,
        like_count=views // 20,
        comment_count=views // 400,
        share_count=views // 500,
        save_count=views // 300,
        source=CounterSource.STATISTICS,
    )
    return VideoSeen(video=video, counters=counters)
