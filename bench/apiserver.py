"""The local API server in a process of its own, with pages of a given size.

``python -m bench.apiserver`` serves; `api_server` starts it for a benchmark. The pages have the
shape of the mobile feed, every video and every author occurs once, and what makes them large is
cut once and joined, so that the server has hardly more to do than to write bytes.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from tagtide.clock import SystemClock
from tagtide.simulator.payloads import padded
from tagtide.simulator.protocol import Answered, ApiCall, Data, Endpoint, Missing, to_json
from tagtide.simulator.server import SimulatorServer

#: Bytes of a page: the web's, and the app's with some 77 kB per video.
PAGE_SIZES = {"small": 40_000, "200k": 200_000, "2.3M": 2_300_000}
PAGE_LENGTH = 30
_FIRST_ID = 9_000_000
#: The upper half of a video id is the second in which it was made.
_MADE = 1_780_000_000 << 32


def hashtag_name(number: int) -> str:
    """Name of a hashtag the server knows."""
    return f"bench{number}"


def hashtag_id(number: int) -> str:
    """Its id."""
    return str(_FIRST_ID + number)


class SizedPages:
    """Answers for every hashtag ``bench0``, ``bench1`` ... with pages of about ``size`` bytes."""

    def __init__(self, size: int) -> None:
        self._record_size = size // PAGE_LENGTH

    def answer(self, at: datetime, call: ApiCall) -> Answered:
        """Totals that grow with time, or a page of a feed that does not end."""
        number = _number_of(call)
        if call.endpoint is Endpoint.HASHTAG:
            return Data(to_json(_totals(number, int(at.timestamp()))))
        if call.endpoint is Endpoint.HASHTAG_VIDEOS:
            return Data(self._page(number, int(call.cursor)))
        return Missing()

    def name_of(self, hashtag_id: str) -> str | None:
        """Name of a hashtag."""
        return hashtag_name(int(hashtag_id) - _FIRST_ID)

    def _page(self, number: int, start: int) -> bytes:
        places = range(start, start + PAGE_LENGTH)
        filler = _filler(self._record_size)
        records = (_record(number, place) + filler for place in places)
        tail = f'],"cursor":{start + PAGE_LENGTH},"has_more":1,"status_code":0}}'
        return b'{"aweme_list":[' + b",".join(records) + tail.encode()


def _number_of(call: ApiCall) -> int:
    if found := call.text("hashtag_id"):
        return int(found) - _FIRST_ID
    return int((call.text("hashtag_name") or "").removeprefix("bench"))


def _totals(number: int, seconds: int) -> dict[str, Any]:
    # Ordinary growth since the reading the client begins with: no rule fires.
    views, videos = 1_020_000 + seconds % 86_400 // 10 + number, 5_060
    return {
        "challengeInfo": {
            "challenge": {"id": hashtag_id(number), "title": hashtag_name(number)},
            "statsV2": {"viewCount": str(views), "videoCount": str(videos)},
        },
        "statusCode": 0,
    }


@lru_cache(maxsize=4)
def _filler(record_size: int) -> bytes:
    """What large records carry beside the facts, from ``,`` to the closing brace."""
    return padded({"x": 0}, max(0, record_size - _FACTS_SIZE)).removeprefix(b'{"x":0')


def _record(number: int, place: int) -> bytes:
    """One video up to where the filler begins."""
    serial = number * 100_000 + place
    facts = {
        "aweme_id": str(_MADE + serial),
        "desc": f"a video with a caption of usual length, number {serial} #bench{number} #summer",
        "create_time": _MADE >> 32,
        "region": "FR",
        "duration": 15_000,
        "author": {
            "uid": str(7_000_000_000 + serial),
            "unique_id": f"creator{serial}",
            "nickname": f"Creator {serial}",
            "sec_uid": f"MS4wLjABAAAA{serial:064d}",
            "follower_count": 0,
        },
        "statistics": {
            "play_count": 20_000 + serial % 9_973,
            "digg_count": 900 + serial % 97,
            "comment_count": 40,
            "share_count": 30,
            "collect_count": 20,
        },
        "text_extra": [{"hashtag_name": f"bench{number}", "type": 1, "start": 50, "end": 60}],
        "music": {"id_str": str(6_900_000_000 + serial % 500)},
        "video": {"duration": 15_000},
    }
    return to_json(facts)[:-1]


_FACTS_SIZE = len(_record(100, 0))


# --- the process ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ApiServer:
    """A running server."""

    url: str

    def state(self) -> dict[str, Any]:
        """What it counted."""
        with urllib.request.urlopen(self.url + "/simulate/state", timeout=30) as answer:
            found: dict[str, Any] = json.load(answer)
            return found


@contextmanager
def api_server(
    *, page: str = "200k", latency: float = 0.0, in_flight: int = 50
) -> Iterator[ApiServer]:
    """Start the server as a process of its own and stop it at the end of the block."""
    command = [sys.executable, "-m", "bench.apiserver", "--page", page]
    command += ["--latency", str(latency), "--in-flight", str(in_flight)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield ApiServer(process.stdout.readline().strip())
        finally:
            process.terminate()


async def _serve(page: str, latency: float, in_flight: int) -> None:
    server = SimulatorServer(
        SizedPages(PAGE_SIZES[page]),
        clock=SystemClock(),
        plan="growth",
        credits=1_000_000,
        concurrency=in_flight,
        latency=latency,
    )
    async with server.running():
        print(server.url, flush=True)
        await asyncio.Event().wait()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--page", choices=PAGE_SIZES, default="200k")
    parser.add_argument("--latency", type=float, default=0.0)
    parser.add_argument("--in-flight", type=int, default=50)
    given = parser.parse_args()
    asyncio.run(_serve(given.page, given.latency, given.in_flight))


if __name__ == "__main__":
    main()
