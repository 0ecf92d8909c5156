"""The server as a program, and the official client against it."""

from __future__ import annotations

import asyncio
import json
import os
import socket
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from simulator_api import NOW, Api, Serve

from tagtide.clock import SystemClock
from tagtide.errors import ConfigError
from tagtide.simulator import FaultRule, World
from tagtide.simulator.app import run_simulator


def _run(work: Any, **options: Any) -> Any:
    """Run the program until ``work(base url)`` is done."""
    settings: dict[str, Any] = {
        "host": "127.0.0.1", "port": 0, "seed": 7, "replay": None, "scenario": None,
        "plan": "free", "credits": None, "concurrency": None, "latency": 0.0, "start": NOW,
        "speed": 0.0, "clock": SystemClock(),
    }  # fmt: skip

    async def main() -> Any:
        said: asyncio.Queue[str] = asyncio.Queue()
        program = asyncio.ensure_future(
            run_simulator(**(settings | options), announce=said.put_nowait)
        )
        waiting = asyncio.ensure_future(said.get())
        await asyncio.wait({program, waiting}, return_when=asyncio.FIRST_COMPLETED)
        if program.done():
            waiting.cancel()
            return program.result()
        line = waiting.result()
        base_url = next(word for word in line.split() if word.startswith("http"))
        headers = {"Authorization": "Bearer any"}
        async with httpx2.AsyncClient(base_url=base_url, headers=headers) as client:
            result = await work(client)
        program.cancel()
        with pytest.raises(asyncio.CancelledError):
            await program
        return result

    return asyncio.run(main())


async def _views(client: httpx2.AsyncClient) -> Any:
    answer = await client.post("/api/v1/tiktok/hashtag", json={"hashtag_name": "velvaskin"})
    return answer.json()["data"]["challengeInfo"]["statsV2"]["viewCount"]


def test_it_serves_the_demo_world_from_the_start_given() -> None:
    first = _run(_views)
    assert first == _run(_views)
    assert _run(_views, start=NOW + timedelta(days=1), anchor=NOW) != first

    async def usage(client: httpx2.AsyncClient) -> Any:
        return (await client.get("/api/v1/usage")).json()

    assert _run(usage)["credit_balance"] == 50
    assert _run(usage, credits=3)["credit_balance"] == 3


def test_speed_makes_days_of_seconds() -> None:
    async def state(client: httpx2.AsyncClient) -> Any:
        return (await client.get("/simulate/state")).json()["now"]

    now = datetime.fromisoformat(_run(state, speed=86_400.0 * 365))
    assert now > NOW + timedelta(days=1)


def test_it_takes_a_scenario_and_a_replay(tmp_path: Path) -> None:
    storm = tmp_path / "storm.json"
    storm.write_text(json.dumps({"rules": [{"fault": 503}]}))

    async def status(client: httpx2.AsyncClient) -> int:
        answer = await client.post("/api/v1/tiktok/hashtag", json={"hashtag_name": "velvaskin"})
        return answer.status_code

    assert _run(status, scenario=storm) == 503
    (tmp_path / "views.csv").write_text("tag,observed_at,view_count\nDew,2026-02-03 00:00:00,500\n")

    async def dew(client: httpx2.AsyncClient) -> Any:
        answer = await client.post("/api/v1/tiktok/hashtag", json={"hashtag_name": "dew"})
        return answer.json()["data"]["challengeInfo"]["stats"]["viewCount"]

    assert _run(dew, replay=tmp_path) == 500


def test_what_cannot_be_served_says_why(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no plan 'gold'"):
        _run(_views, plan="gold")
    with pytest.raises(ConfigError, match="holds nothing"):
        _run(_views, replay=tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match="cannot listen"):
            _run(_views, port=port)


# --- the official client --------------------------------------------------------------------------


@pytest.fixture
def scavio(monkeypatch: pytest.MonkeyPatch) -> Any:
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)
    return pytest.importorskip("scavio")


def _client(scavio: Any, api: Api) -> Any:
    return scavio.ScavioClient(
        api_key="sk_test_x", base_url=api.server.url, timeout=5, max_requests_per_second=50
    )


def test_the_official_client_reads_the_world(serve: Serve, world: World, scavio: Any) -> None:
    api = serve(world)
    client = _client(scavio, api)
    info = client.tiktok.hashtag(hashtag_name="lumenglow")["data"]["challengeInfo"]
    assert int(info["statsV2"]["videoCount"]) == world.totals("lumenglow", NOW).videos
    page = client.tiktok.hashtag_videos(info["challenge"]["id"], cursor="0", count=30)["data"]
    assert len(page["aweme_list"]) == 30
    more = client.tiktok.hashtag_videos(
        info["challenge"]["id"], cursor=str(page["cursor"]), count=30
    )["data"]
    assert more["aweme_list"] != page["aweme_list"]
    record = page["aweme_list"][0]
    profile = client.tiktok.profile(username=record["author"]["unique_id"])["data"]["user"]
    assert profile["sec_uid"] == record["author"]["sec_uid"]
    video = client.tiktok.video(record["aweme_id"])["data"]["aweme_detail"]
    assert video == record
    found = client.tiktok.search_videos("lumen", publish_time="30")["data"]["search_item_list"]
    assert len(found) == 20
    assert api.server.charged == 6


def test_the_official_client_meets_the_errors(serve: Serve, world: World, scavio: Any) -> None:
    api = serve(world, FaultRule(fault="status_429", nth=(1,)), credits=1)
    client = _client(scavio, api)
    assert client.tiktok.hashtag(hashtag_name="lumenglow")["credits_remaining"] == 0
    assert [call.status for call in api.server.calls] == [429, 200]
    with pytest.raises(scavio.InsufficientCreditsError):
        client.tiktok.hashtag(hashtag_name="lumenglow")
