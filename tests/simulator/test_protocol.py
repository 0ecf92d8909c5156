"""The protocol, table by table, as the provider documents it."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest
from simulator_api import KEY, NOW, Api, Serve, raw_request, read_all

from tagtide.clock import SystemClock
from tagtide.simulator import SimClock, SimulatorServer, World
from tagtide.simulator.protocol import PLANS, Endpoint, Refusal, endpoint_of, parse_call

REFUSED = [
    ("hashtag", {}, "hashtag_id"),
    ("hashtag", {"hashtag": "lumenglow"}, "hashtag_name"),
    ("hashtag", {"hashtag_name": ""}, "hashtag_name"),
    ("hashtag", {"hashtag_name": None}, "hashtag_name"),
    ("hashtag", {"hashtag_name": 5}, "string"),
    ("hashtag/videos", {"hashtag_name": "lumenglow"}, "hashtag_id"),
    ("hashtag/videos", {"hashtag_id": "1", "cursor": 0}, "cursor"),
    ("hashtag/videos", {"hashtag_id": "1", "cursor": "abc"}, "cursor"),
    ("hashtag/videos", {"hashtag_id": "1", "cursor": "٣"}, "cursor"),
    ("hashtag/videos", {"hashtag_id": "1", "count": 0}, "count"),
    ("hashtag/videos", {"hashtag_id": "1", "count": 31}, "count"),
    ("hashtag/videos", {"hashtag_id": "1", "count": "20"}, "count"),
    ("hashtag/videos", {"hashtag_id": "1", "count": True}, "count"),
    ("hashtag/videos", {"hashtag_id": "1", "count": 2.5}, "count"),
    ("search/videos", {}, "keyword"),
    ("search/videos", {"keyword": "x" * 501}, "500"),
    ("search/videos", {"keyword": "x", "publish_time": "3"}, "publish_time"),
    ("search/videos", {"keyword": "x", "publish_time": 7}, "publish_time"),
    ("search/videos", {"keyword": "x", "sort_type": "2"}, "sort_type"),
    ("profile", {}, "username"),
    ("video", {}, "video_id"),
    ("video", {"video_id": 7}, "string"),
]


@pytest.mark.parametrize(("path", "body", "about"), REFUSED)
def test_a_bad_request_is_a_free_400(
    serve: Serve, world: World, path: str, body: Any, about: str
) -> None:
    api = serve(world)
    got = api.tiktok(path, **body)
    assert got.status == 400
    assert about in got.json["error"]["message"]
    assert "data" not in got.json
    assert api.server.charged == 0
    assert [call.status for call in api.server.calls] == [400]


ACCEPTED = [
    (Endpoint.HASHTAG, {"hashtag_name": "a", "hashtag": "b"}, {"hashtag_name": "a"}),
    (Endpoint.HASHTAG, {"hashtag_name": "a", "hashtag_id": "1"}, {"hashtag_id": "1"}),
    (Endpoint.HASHTAG, {"hashtag_name": "a", "hashtag_id": ""}, {"hashtag_name": "a"}),
    (Endpoint.PROFILE, {"username": "a", "sec_user_id": "s"}, {"sec_user_id": "s"}),
    (
        Endpoint.HASHTAG_VIDEOS,
        {"hashtag_id": "1", "cursor": "", "count": ""},
        {"hashtag_id": "1", "cursor": "0", "count": 20},
    ),
    (
        Endpoint.HASHTAG_VIDEOS,
        {"hashtag_id": "1", "cursor": "40", "count": 30, "sort": "new"},
        {"hashtag_id": "1", "cursor": "40", "count": 30},
    ),
    (
        Endpoint.SEARCH_VIDEOS,
        {"keyword": "glow"},
        {"keyword": "glow", "sort_type": "0", "publish_time": "0", "cursor": "0", "count": 20},
    ),
    (Endpoint.VIDEO, {"video_id": "7"}, {"video_id": "7"}),
]


@pytest.mark.parametrize(("endpoint", "body", "params"), ACCEPTED)
def test_defaults_precedence_and_unknown_parameters(
    endpoint: Endpoint, body: Any, params: Any
) -> None:
    call = parse_call(endpoint, json.dumps(body).encode())
    assert not isinstance(call, Refusal)
    assert call.params == params


@pytest.mark.parametrize("key", [None, "", "sk_live_other"])
def test_a_missing_or_wrong_key_is_401(demo: Api, key: str | None) -> None:
    for got in (
        demo.post("/api/v1/tiktok/hashtag", {"hashtag_name": "lumenglow"}, key=key),
        demo.request("GET", "/api/v1/usage", key=key),
    ):
        assert got.status == 401
        assert got.json["error"]["code"] == "unauthorized"


def test_basic_authentication_is_401(demo: Api) -> None:
    request = raw_request("hashtag", {"hashtag_name": "lumenglow"}).replace(b"Bearer", b"Basic")
    with socket.create_connection((demo.server.host, demo.server.port), timeout=10) as raw:
        raw.sendall(request.replace(b"Host: x", b"Host: x\r\nConnection: close"))
        assert read_all(raw).startswith(b"HTTP/1.1 401 ")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/api/v1/tiktok/hashtag/info", 404),
        ("POST", "/api/v1/tiktok/hashtag/posts", 404),
        ("POST", "/hashtag", 404),
        ("GET", "/", 404),
        ("GET", "/api/v1/tiktok/hashtag", 405),
        ("POST", "/api/v1/usage", 405),
        ("DELETE", "/simulate/clock", 405),
    ],
)
def test_unknown_routes_and_methods_are_json_errors(
    demo: Api, method: str, path: str, status: int
) -> None:
    got = demo.request(method, path, b"{}")
    assert got.status == status
    assert got.json["error"]["message"]


def test_the_envelope_and_the_balance(serve: Serve, world: World) -> None:
    api = serve(world, credits=10)
    first = api.tiktok("hashtag", hashtag_name="LumenGlow").json
    assert set(first) == {"data", "response_time", "credits_used", "credits_remaining"}
    assert (first["credits_used"], first["credits_remaining"]) == (1, 9)
    usage = api.request("GET", "/api/v1/usage").json
    assert set(usage) == {
        "plan", "credit_balance", "purchased_credits", "searches_used", "period_start",
        "auto_recharge",
    }  # fmt: skip
    assert (usage["plan"], usage["credit_balance"], usage["searches_used"]) == ("project", 9, 1)
    assert usage["period_start"] == "2026-03-01T00:00:00Z"
    assert [(c.endpoint, c.status, c.charged) for c in api.server.calls] == [
        ("hashtag", 200, 1),
        ("usage", 200, 0),
    ]


def test_a_hashtag_has_exact_strings_beside_rounded_stats(demo: Api) -> None:
    info = demo.tiktok("hashtag", hashtag_name="velvaskin").data["challengeInfo"]
    exact = info["statsV2"]
    assert all(isinstance(value, str) and value.isdigit() for value in exact.values())
    assert info["stats"]["videoCount"] == 0
    assert info["stats"]["viewCount"] == int(exact["viewCount"]) // 100_000 * 100_000
    by_id = demo.tiktok("hashtag", hashtag_id=info["challenge"]["id"], hashtag_name="nobody")
    assert by_id.data["challengeInfo"] == info


def test_what_nobody_has_is_an_empty_success_or_a_404(serve: Serve, world: World) -> None:
    api = serve(world)
    assert api.tiktok("hashtag", hashtag_name="nosuchtag").data["challengeInfo"] == {}
    empty = api.tiktok("hashtag/videos", hashtag_id="1").data
    assert (empty["aweme_list"], empty["has_more"]) == ([], 0)
    assert api.server.charged == 2
    for path, body in (
        ("profile", {"username": "nobody"}),
        ("profile", {"username": "lunaskin.zzz"}),
        ("profile", {"sec_user_id": "MS4wLjABAAAAx-0"}),
        ("video", {"video_id": "12345"}),
        ("video", {"video_id": "9" * 40}),
        ("video", {"video_id": "x"}),
    ):
        assert api.tiktok(path, **body).status == 404
    assert api.server.charged == 2


def test_credits_end_with_a_402_that_says_where_to_pay(serve: Serve, world: World) -> None:
    api = serve(world, credits=2)
    statuses = [api.tiktok("hashtag", hashtag_name="lumenglow").status for _ in range(4)]
    assert statuses == [200, 200, 402, 402]
    body = api.tiktok("hashtag", hashtag_name="lumenglow").json
    assert body["credit_balance"] == 0
    assert body["message"]
    assert body["billing_url"].startswith("https://")
    assert "data" not in body
    assert (api.server.charged, api.server.balance) == (2, 0)
    api.server.balance = 1
    assert api.tiktok("hashtag", hashtag_name="lumenglow").status == 200


@pytest.mark.parametrize(("plan", "concurrency"), [("free", 1), ("project", 5)])
def test_more_calls_in_flight_than_the_plan_allows_are_429(
    world: World, plan: str, concurrency: int
) -> None:
    async def ask_all() -> list[httpx2.Response]:
        clock = SimClock(SystemClock(), start=NOW, speed=0)
        server = SimulatorServer(world, clock=clock, plan=plan, latency=0.2)
        async with server.running(), httpx2.AsyncClient(base_url=server.url) as client:
            return await asyncio.gather(
                *(
                    client.post(
                        "/api/v1/tiktok/hashtag",
                        json={"hashtag_name": "lumenglow"},
                        headers={"Authorization": f"Bearer {KEY}"},
                    )
                    for _ in range(8)
                )
            )

    answers = asyncio.run(ask_all())
    refused = [answer for answer in answers if answer.status_code == 429]
    assert len(refused) == 8 - concurrency
    body = refused[0].json()
    assert refused[0].headers["Retry-After"] == "1"
    assert (body["plan"], body["concurrency"], body["retry_after"]) == (plan, concurrency, 1)
    assert body["in_flight"] == concurrency + 1
    assert body["docs_url"]


def test_a_call_given_up_by_the_client_is_billed(serve: Serve, world: World) -> None:
    api = serve(world, latency=0.15)
    api.open("hashtag", {"hashtag_name": "lumenglow"}).close()
    assert api.server.charged == 0
    wait = threading.Event()
    for _ in range(40):
        if api.server.charged:
            break
        wait.wait(0.05)
    assert api.server.charged == 1


def test_one_connection_carries_many_requests(demo: Api) -> None:
    request = raw_request("hashtag", {"hashtag_name": "lumenglow"})
    last = request.replace(b"Host: x", b"Host: x\r\nConnection: close")
    with socket.create_connection((demo.server.host, demo.server.port), timeout=10) as raw:
        raw.sendall(request * 3 + last)
        assert read_all(raw).count(b"HTTP/1.1 200 ") == 4


JUNK = [
    b"\x00\x01\x02\x03\r\n\r\n",
    b"GET\r\n\r\n",
    b"POST /api/v1/tiktok/hashtag HTTP/1.1\r\nContent-Length: nine\r\nHost: x\r\n\r\n",
    b"POST /api/v1/tiktok/hashtag HTTP/1.1\r\nHost: x\r\n" + b"X: " + b"y" * 100_000 + b"\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
]


@pytest.mark.parametrize("junk", JUNK)
def test_junk_never_takes_the_server_down(demo: Api, junk: bytes) -> None:
    with socket.create_connection((demo.server.host, demo.server.port), timeout=10) as raw:
        raw.sendall(junk)
        raw.shutdown(socket.SHUT_WR)
        answer = read_all(raw)
    assert not answer or answer.startswith(b"HTTP/1.1 4")
    assert demo.tiktok("hashtag", hashtag_name="lumenglow").status == 200


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"null", b'"x"', b"[" * 50_000, b"\xff\xfe", b'{"hashtag_name":NaN}']
)
def test_bodies_that_are_not_an_object_are_400(demo: Api, body: bytes) -> None:
    assert demo.post("/api/v1/tiktok/hashtag", body).status == 400


def test_a_request_of_megabytes_is_refused(demo: Api) -> None:
    got = demo.post("/api/v1/tiktok/hashtag", b'{"hashtag_name":"' + b"x" * (1 << 20) + b'"}')
    assert got.status == 413


def test_routes_and_plans() -> None:
    assert endpoint_of("/api/v1/tiktok/search/videos") is Endpoint.SEARCH_VIDEOS
    assert endpoint_of("/api/v1/tiktok/usage") is None
    assert endpoint_of("/api/v1/usage") is Endpoint.USAGE
    assert {(p.name, p.credits, p.concurrency) for p in PLANS.values()} == {
        ("free", 50, 1),
        ("payg", 2_500, 1),
        ("project", 7_000, 5),
        ("bootstrap", 28_000, 10),
        ("startup", 85_000, 15),
        ("growth", 200_000, 50),
    }


def test_the_clock_can_be_stepped_over_http(serve: Serve, world: World) -> None:
    api = serve(world)
    before = api.tiktok("hashtag", hashtag_name="velvaskin").data
    assert api.post("/simulate/clock", {"advance_seconds": 86_400}, key=None).status == 200
    state = api.request("GET", "/simulate/state", key=None).json
    assert state["now"] == "2026-03-02T12:00:00Z"
    assert (state["calls"], state["charged"], state["credits"]) == (1, 1, 6_999)
    assert api.tiktok("hashtag", hashtag_name="velvaskin").data != before
    assert api.post("/simulate/clock", {"now": "2026-03-01T12:00:00Z"}, key=None).status == 200
    assert api.tiktok("hashtag", hashtag_name="velvaskin").data == before
    for wish in ({}, {"now": "soon"}, {"advance_seconds": "x"}, {"now": 7}, []):
        assert api.post("/simulate/clock", wish, key=None).status == 400


class _Ticking(SystemClock):
    """Real sleeps, time by hand."""

    at = datetime(2026, 1, 1, tzinfo=UTC)

    def now(self) -> datetime:
        return self.at


def test_simulated_time_can_run_ahead() -> None:
    base = _Ticking()
    clock = SimClock(base, start=NOW, speed=60.0)
    assert clock.now() == NOW
    base.at += timedelta(minutes=1)
    assert clock.now() == NOW + timedelta(hours=1)
    clock.advance(timedelta(hours=-2))
    assert clock.now() == NOW - timedelta(hours=1)
    base.at += timedelta(minutes=1)
    assert clock.now() == NOW
    with pytest.raises(ValueError, match="negative"):
        SimClock(base, speed=-1.0)


def test_a_stop_while_a_connection_is_closing_prints_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    complaints: list[dict[str, object]] = []

    async def main() -> None:
        closing = asyncio.Event()

        async def wait_closed(writer: asyncio.StreamWriter) -> None:
            closing.set()
            await asyncio.Event().wait()

        asyncio.get_running_loop().set_exception_handler(lambda _, found: complaints.append(found))
        clock = SimClock(SystemClock(), start=NOW, speed=0)
        server = SimulatorServer(world, clock=clock)
        await server.start()
        monkeypatch.setattr(asyncio.StreamWriter, "wait_closed", wait_closed)
        _, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.close()
        await asyncio.wait_for(closing.wait(), 5)
        await server.stop()
        await asyncio.sleep(0)

    asyncio.run(main())
    assert complaints == []
