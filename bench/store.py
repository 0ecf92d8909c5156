"""store: pages of 30 readings, each durable before the next is taken.

Hypothesis: storing a page costs little more than the disk's own promise to keep it, and where many
pages wait they share that promise.

Method: pages of 30 videos go through `Store.commit`, one transaction each, into a SQLite file with
``synchronous=FULL``: first sightings, then the same videos again; one after the other, and with 50
waiting at a time. The peak memory is that of a client process after whole cycles with pages of
200 kB and of 2.3 MB, 50 in flight.

Control: 4 kB written to a file on the same disk and synced, again and again, between the rounds.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench.apiserver import PAGE_LENGTH, SizedPages, api_server, hashtag_id, hashtag_name
from bench.client import run_cycle
from bench.figures import Figure, Result
from tagtide.clock import SystemClock
from tagtide.models import Campaign, CampaignHashtag, VideoSeen
from tagtide.ports import Changes, Sighting, Store
from tagtide.simulator.protocol import ApiCall, Data, Endpoint, envelope
from tagtide.storage.store import open_store
from tagtide.tiktok.wire import decode_body, decode_video_page

_NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
_WAITING = 50
_SYNCS = 50


def run(*, quick: bool) -> Result:
    """Measure."""
    with tempfile.TemporaryDirectory() as folder:
        rates, syncs = asyncio.run(_rates(Path(folder), 100 if quick else 400))
    sync_rate = statistics.median(syncs)
    against = f"the disk's {sync_rate:.0f} syncs/s ({1000 / sync_rate:.2f} ms each)"
    pages = [
        Figure(
            name=f"pages of {PAGE_LENGTH} committed, {name}",
            value=rate / sync_rate,
            against=f"{rate:.0f} pages/s = {rate * PAGE_LENGTH:,.0f} readings/s to {against}",
        )
        for name, rate in rates.items()
    ]
    memory = {page: _peak_memory(page, 20 if quick else 60) for page in ("200k", "2.3M")}
    peaks = [
        Figure(
            name=f"peak memory of a cycle, pages of {page}B",
            value=peak,
            target=300,
            at_most=True,
            unit=" MB",
            against="largest resident set of the client process, 50 in flight",
        )
        for page, peak in memory.items()
    ]
    return Result(name="store", figures=[*pages, *peaks], facts={"rates": rates, "syncs": syncs})


async def _rates(folder: Path, count: int) -> tuple[dict[str, float], list[float]]:
    """Pages per second by kind of round, and syncs per second measured between the rounds."""
    pages = [_page(number) for number in range(count)]
    store = await open_store(f"sqlite:///{folder / 'store.db'}", clock=SystemClock())
    syncs, rates = [_sync_rate(folder)], {}
    rounds = (("one by one, new", 0, 1), ("one by one, known", 1, 1), ("50 waiting, known", 2, 50))
    try:
        campaign = await store.add_campaign(_campaign(count))
        for name, hour, waiting in rounds:
            at = _NOON + timedelta(hours=hour)
            start = time.perf_counter()
            await _commit_all(store, campaign, pages, at, waiting)
            rates[name] = count / (time.perf_counter() - start)
            syncs.append(_sync_rate(folder))
    finally:
        await store.aclose()
    return rates, syncs


def _campaign(count: int) -> Campaign:
    watched = tuple(CampaignHashtag(name=hashtag_name(number)) for number in range(count))
    return Campaign(name="Bench", hashtags=watched)


def _page(number: int) -> tuple[VideoSeen, ...]:
    call = ApiCall(Endpoint.HASHTAG_VIDEOS, {"hashtag_id": hashtag_id(number), "cursor": "0"})
    answer = SizedPages(0).answer(_NOON, call)
    assert isinstance(answer, Data)
    body = envelope(answer.json, response_time=1, credits_used=1, credits_remaining=1)
    return decode_video_page(decode_body(body)).value.videos


async def _commit_all(
    store: Store,
    campaign: Campaign,
    pages: Sequence[tuple[VideoSeen, ...]],
    at: datetime,
    waiting: int,
) -> None:
    queue = list(enumerate(pages))

    async def worker() -> None:
        while queue:
            number, videos = queue.pop()
            sighting = Sighting(
                hashtag=hashtag_name(number),
                campaign_ids=(campaign.campaign_id,),
                read_at=at,
                videos=videos,
                run_id=None,
            )
            await store.commit(Changes(sightings=(sighting,)))

    async with asyncio.TaskGroup() as group:
        for _ in range(waiting):
            group.create_task(worker())


def _sync_rate(folder: Path) -> float:
    """How many times per second the disk promises to keep 4 kB."""
    file = os.open(folder / "sync", os.O_CREAT | os.O_WRONLY | os.O_APPEND)
    start = time.perf_counter()
    for _ in range(_SYNCS):
        os.write(file, bytes(4096))
        os.fsync(file)
    rate = _SYNCS / (time.perf_counter() - start)
    os.close(file)
    return rate


def _peak_memory(page: str, hashtags: int) -> float:
    """In MB, of a process that has run `track` and `collect` once."""
    with tempfile.TemporaryDirectory() as folder, api_server(page=page) as server:
        measured = run_cycle(server.url, Path(folder) / "memory.db", hashtags, in_flight=_WAITING)
        return float(measured["peak_rss_mb"])
