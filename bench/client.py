"""One cycle of the real use cases in a process of its own, so that its memory can be read.

``python -m bench.client URL DATABASE HASHTAGS`` prints one JSON object. The ids of the hashtags
are made known first, as they are after the first day of a campaign; that part is not timed.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

from bench.apiserver import hashtag_id, hashtag_name
from tagtide.cli.options import run as run_async
from tagtide.clock import SystemClock
from tagtide.models import Campaign, CampaignHashtag, CounterSource, HashtagReading, Job
from tagtide.ports import Balance, Changes, Store
from tagtide.services.collect import collect
from tagtide.services.context import Context
from tagtide.services.runs import RunRequest
from tagtide.services.track import track
from tagtide.storage.store import open_store
from tagtide.tiktok.source import ScavioSource

PAGES = 2


def run_cycle(
    url: str,
    database: Path,
    hashtags: int,
    *,
    in_flight: int = 50,
    jobs: str = "track,collect",
    trusted: bool = False,
) -> dict[str, Any]:
    """Run a client process to its end and return what it printed."""
    command = [sys.executable, "-m", "bench.client", url, str(database), str(hashtags)]
    command += ["--in-flight", str(in_flight), "--jobs", jobs]
    command += ["--trusted"] * trusted
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"the client failed:\n{done.stderr}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


async def _cycle(given: argparse.Namespace) -> dict[str, Any]:
    clock = SystemClock()
    store = await open_store(f"sqlite:///{given.database}", clock=clock)
    source = ScavioSource(
        base_url=given.url, api_key="sk_test_local", clock=clock, max_in_flight=given.in_flight
    )
    try:
        campaign = await _campaign(store, given.hashtags)
        context = Context(store=store, source=source, clock=clock)
        if given.trusted:
            usage = await source.usage()
            left = usage.credit_balance or 0
            await store.record_balance(Balance(credits_remaining=left, read_at=clock.now()))
        return await _run_jobs(context, campaign, given.jobs.split(","))
    finally:
        await source.aclose()
        await store.aclose()


async def _campaign(store: Store, hashtags: int) -> Campaign:
    """The stored campaign, every hashtag with its id and a reading of six hours ago."""
    numbers = range(hashtags)
    watched = tuple(CampaignHashtag(name=hashtag_name(n)) for n in numbers)
    campaign = await store.add_campaign(Campaign(name="Bench", hashtags=watched, page_budget=PAGES))
    await store.commit(Changes(readings=tuple(_earlier_reading(n) for n in numbers)))
    return campaign


def _earlier_reading(number: int) -> HashtagReading:
    return HashtagReading(
        hashtag=hashtag_name(number),
        hashtag_id=hashtag_id(number),
        read_at=SystemClock().now() - timedelta(hours=6),
        view_count=1_000_000,
        view_source=CounterSource.STATS_V2,
        view_unit=1,
        video_count=5_000,
        video_source=CounterSource.STATS_V2,
        video_unit=1,
    )


async def _run_jobs(context: Context, campaign: Campaign, jobs: list[str]) -> dict[str, Any]:
    done: list[dict[str, Any]] = []
    for name in jobs:
        job = Job(name)
        request = RunRequest(job=job, campaign=campaign, slot_at=context.clock.now())
        start, cpu = time.perf_counter(), time.process_time()
        result = await (track if job is Job.TRACK else collect)(context, request)
        wall, cpu = time.perf_counter() - start, time.process_time() - cpu
        if result.status != "ok":
            raise SystemExit(f"{name} ended {result.status}: {result.reason}")
        done.append({"job": name, "wall": wall, "cpu": cpu, "credits": result.credits_used})
    return {
        "jobs": done,
        "wall": sum(job["wall"] for job in done),
        "cpu": sum(job["cpu"] for job in done),
        "peak_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("database", type=Path)
    parser.add_argument("hashtags", type=int)
    parser.add_argument("--in-flight", type=int, default=50)
    parser.add_argument("--jobs", default="track,collect")
    parser.add_argument("--trusted", action="store_true", help="ask for the balance first")
    given = parser.parse_args()
    # As the commands run theirs.
    print(json.dumps(run_async(lambda: _cycle(given))))


if __name__ == "__main__":
    main()
