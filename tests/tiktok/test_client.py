"""One attempt over a real socket, with servers that misbehave in every known way."""

from __future__ import annotations

import asyncio
import gzip
import json
import logging
import pickle
import ssl
import subprocess
import time
import traceback
import tracemalloc
import zlib

import pytest
from raw_server import KEY, http, outcome, saying, served, source_of

from tagtide.clock import SimulatedClock, SystemClock
from tagtide.errors import (
    AnswerLost,
    AuthenticationFailed,
    Charge,
    ConfigError,
    InvalidInput,
    RateLimited,
    Reason,
    SourceError,
    SourceUnavailable,
    UnexpectedResponse,
)
from tagtide.models import Answer
from tagtide.tiktok import Recorder, ScavioSource
from tagtide.tiktok.client import InFlightLimit

GOOD = json.dumps(
    {
        "data": {
            "challengeInfo": {
                "challenge": {"id": "77", "title": "tidal"},
                "statsV2": {"viewCount": "99", "videoCount": "9"},
            }
        },
        "credits_used": 1,
        "credits_remaining": 41,
    }
).encode()


def gzipped(body, cut=0):
    packed = gzip.compress(body)
    return http(200, packed[: len(packed) - cut], ["Content-Encoding: gzip"])


# --- what goes out --------------------------------------------------------------------------------


def test_a_call_is_one_request_with_the_key(ask):
    server, answer = ask(saying(http(200, GOOD)))
    assert answer.value.view_count == 99
    (seen,) = server.seen
    assert seen.line == "POST /api/v1/tiktok/hashtag HTTP/1.1"
    assert seen.headers["authorization"] == f"Bearer {KEY}"
    assert seen.headers["content-type"] == "application/json"
    assert seen.json == {"hashtag_name": "tidal"}


def test_usage_is_a_get_without_body(ask):
    body = json.dumps({"plan": "free", "credit_balance": 50}).encode()
    server, usage = ask(saying(http(200, body)), lambda source: source.usage())
    assert (usage.plan, usage.credit_balance) == ("free", 50)
    assert server.seen[0].line == "GET /api/v1/usage HTTP/1.1"
    assert server.seen[0].body == b""


CALLS = {
    "hashtag": (
        lambda source: source.hashtag(name="tidal"),
        lambda sdk: sdk.tiktok.hashtag(hashtag_name="tidal"),
    ),
    "hashtag by id": (
        lambda source: source.hashtag(hashtag_id="77"),
        lambda sdk: sdk.tiktok.hashtag(hashtag_id="77"),
    ),
    "videos": (
        lambda source: source.hashtag_videos("77", cursor="20", count=30),
        lambda sdk: sdk.tiktok.hashtag_videos("77", cursor="20", count=30),
    ),
    "search": (
        lambda source: source.search_videos("low tide", count=10, published_within_days=7),
        lambda sdk: sdk.tiktok.search_videos("low tide", cursor="0", count=10, publish_time="7"),
    ),
    "profile": (
        lambda source: source.profile(username="tide"),
        lambda sdk: sdk.tiktok.profile(username="tide"),
    ),
    "profile by id": (
        lambda source: source.profile(sec_uid="MS4x"),
        lambda sdk: sdk.tiktok.profile(sec_user_id="MS4x"),
    ),
    "video": (lambda source: source.video("735"), lambda sdk: sdk.tiktok.video("735")),
}


def test_requests_equal_those_of_the_official_sdk():
    scavio = pytest.importorskip("scavio")

    async def run():
        async with served(saying(http(200, b'{"data":{}}'))) as server:
            async with source_of(server) as source:
                for ours, _ in CALLS.values():
                    await outcome(ours(source))
            async with scavio.AsyncScavioClient(
                api_key=KEY, base_url=server.url, max_requests_per_second=50
            ) as sdk:
                for _, theirs in CALLS.values():
                    await theirs(sdk)
        return server.seen

    seen = asyncio.run(run())
    ours, theirs = seen[: len(CALLS)], seen[len(CALLS) :]
    assert [(s.line, s.json) for s in ours] == [(s.line, s.json) for s in theirs]
    for one, other in zip(ours, theirs, strict=True):
        assert one.headers["authorization"] == other.headers["authorization"]


# --- what comes back ------------------------------------------------------------------------------

ANSWERS = {
    "html": (http(200, b"<html>"), UnexpectedResponse, Reason.UNDECODABLE, Charge.CHARGED),
    "empty": (http(200, b""), UnexpectedResponse, Reason.UNDECODABLE, Charge.CHARGED),
    "list": (http(200, b"[]"), UnexpectedResponse, Reason.UNDECODABLE, Charge.CHARGED),
    "html type": (
        http(200, GOOD, ["Content-Type: text/html"]),
        UnexpectedResponse,
        Reason.UNDECODABLE,
        Charge.CHARGED,
    ),
    "204": (
        b"HTTP/1.1 204 No Content\r\n\r\n",
        UnexpectedResponse,
        Reason.UNDECODABLE,
        Charge.CHARGED,
    ),
    "cut gzip": (gzipped(GOOD, 12), UnexpectedResponse, Reason.UNDECODABLE, Charge.CHARGED),
    "no gzip": (
        http(200, GOOD, ["Content-Encoding: gzip"]),
        UnexpectedResponse,
        Reason.UNDECODABLE,
        Charge.CHARGED,
    ),
    "brotli": (
        http(200, GOOD, ["Content-Encoding: br"]),
        UnexpectedResponse,
        Reason.UNDECODABLE,
        Charge.CHARGED,
    ),
    "redirect": (
        http(302, b"", ["Location: http://127.0.0.1:1/"]),
        UnexpectedResponse,
        Reason.REDIRECT,
        Charge.UNKNOWN,
    ),
    "401": (http(401), AuthenticationFailed, Reason.AUTH, Charge.NOT_CHARGED),
    "429": (
        http(429, b'{"error":"x"}', ["Retry-After: 2"]),
        RateLimited,
        Reason.RATE_LIMITED,
        Charge.NOT_CHARGED,
    ),
    "500": (http(500, b"oops"), SourceUnavailable, Reason.UPSTREAM, Charge.UNKNOWN),
    "no http": (b"SSH-2.0-x\r\n\r\n", AnswerLost, Reason.CONNECTION, Charge.UNKNOWN),
}


@pytest.mark.parametrize("name", sorted(ANSWERS))
def test_answers(ask, name):
    raw, kind, reason, charge = ANSWERS[name]

    async def respond(_, writer):
        writer.write(raw)
        if name == "no http":
            writer.close()

    server, error = ask(respond)
    assert (type(error), error.reason, error.charge) == (kind, reason, charge)
    assert len(server.seen) == 1
    assert server.connections == 1


@pytest.mark.parametrize("media", ["application/json; charset=utf-8", "application/problem+json"])
def test_json_by_any_name_is_read(ask, media):
    _, answer = ask(saying(http(200, GOOD, [f"Content-Type: {media}"])))
    assert isinstance(answer, Answer)


def test_gzip_is_read(ask):
    _, answer = ask(saying(gzipped(GOOD)))
    assert isinstance(answer, Answer)


async def _reset(_, writer):
    writer.transport.abort()


async def _truncate(_, writer):
    writer.write(http(200, GOOD)[:-20])
    await writer.drain()
    writer.close()


async def _hang(_, writer):
    await asyncio.sleep(30)


async def _drip(_, writer):
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    for _ in range(300):
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.05)


@pytest.mark.parametrize(
    ("respond", "reason"),
    [
        (_reset, Reason.CONNECTION),
        (_truncate, Reason.CONNECTION),
        (_hang, Reason.TIMEOUT),
        (_drip, Reason.TIMEOUT),
    ],
)
def test_an_answer_that_does_not_come_may_have_been_billed(ask, respond, reason):
    started = time.monotonic()
    server, error = ask(respond, deadline=0.4)
    assert (type(error), error.reason, error.charge) == (AnswerLost, reason, Charge.UNKNOWN)
    assert len(server.seen) == 1
    assert time.monotonic() - started < 3


def test_a_silence_is_noticed_before_the_deadline(ask):
    _, error = ask(_hang, read_timeout=0.2, deadline=20.0)
    assert (type(error), error.reason) == (AnswerLost, Reason.TIMEOUT)


def test_a_status_that_arrived_counts_although_its_body_does_not_end(ask):
    async def respond(_, writer):
        writer.write(b"HTTP/1.1 429 X\r\nRetry-After: 3\r\nContent-Length: 1000\r\n\r\n{")
        await writer.drain()
        await asyncio.sleep(30)

    _, error = ask(respond, deadline=0.3)
    assert isinstance(error, RateLimited)
    assert error.retry_after == 3.0


def test_nothing_was_sent_to_a_closed_port():
    async def run():
        async with served(saying(b"")) as server:
            pass
        async with source_of(server) as source:
            return await outcome(source.usage())

    error = asyncio.run(run())
    assert type(error) is SourceUnavailable
    assert (error.reason, error.charge) == (Reason.CONNECTION, Charge.NOT_CHARGED)
    assert error.detail == "connect"


def test_a_wrong_certificate_is_named_and_nothing_is_sent(tmp_path):
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    command = "openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=localhost"
    files = ["-keyout", str(key), "-out", str(cert)]
    made = subprocess.run([*command.split(), *files], capture_output=True, check=False)
    if made.returncode:
        pytest.skip("openssl cannot make a certificate here")
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(cert, key)

    async def run():
        requests = []

        async def connected(reader, writer):
            requests.append(await reader.read(10))
            writer.close()

        listener = await asyncio.start_server(connected, "127.0.0.1", 0, ssl=tls)
        port = listener.sockets[0].getsockname()[1]
        source = ScavioSource(
            base_url=f"https://127.0.0.1:{port}", api_key=KEY, clock=SystemClock()
        )
        error = await outcome(source.usage())
        await source.aclose()
        listener.close()
        return error, requests

    error, requests = asyncio.run(run())
    assert type(error) is SourceUnavailable
    assert (error.detail, error.charge) == ("certificate", Charge.NOT_CHARGED)
    assert not any(requests)


# --- sizes ----------------------------------------------------------------------------------------


async def _gzip_bomb(_, writer):
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n")
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    block = b" " * 2**20
    for _ in range(400):
        packed = packer.compress(block)
        if packed:
            writer.write(b"%x\r\n%s\r\n" % (len(packed), packed))
            await writer.drain()


async def _two_hundred_mebibytes(_, writer):
    writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    for _ in range(200):
        writer.write(b"100000\r\n" + b" " * 2**20 + b"\r\n")
        await writer.drain()


async def _announced(_, writer):
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 209715200\r\n\r\n")


@pytest.mark.parametrize("respond", [_gzip_bomb, _two_hundred_mebibytes, _announced])
def test_a_huge_body_is_refused_early_and_in_little_memory(ask, respond):
    tracemalloc.start()
    try:
        _, error = ask(respond, deadline=20.0)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert type(error) is UnexpectedResponse
    assert (error.reason, error.charge) == (Reason.OVERSIZE, Charge.CHARGED)
    assert peak < 64 * 1024 * 1024


# --- the key --------------------------------------------------------------------------------------


def test_the_environment_changes_nothing(ask, monkeypatch, tmp_path):
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login a password b\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    monkeypatch.delenv("NO_PROXY", raising=False)
    server, answer = ask(saying(http(200, GOOD)))
    assert isinstance(answer, Answer)
    assert server.seen[0].headers["authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize("name", sorted(ANSWERS))
def test_the_key_stands_in_no_message_and_no_log(ask, caplog, name):
    caplog.set_level(logging.DEBUG)
    echo = f'{{"error":"your key {KEY} is bad"}}'.encode()
    raw = ANSWERS[name][0] if name != "401" else http(401, echo)

    async def respond(_, writer):
        writer.write(raw)
        writer.close()

    _, error = ask(respond)
    told = "".join(traceback.format_exception(error))
    told += repr(error) + str(error) + error.hint + repr(vars(error)) + caplog.text
    assert KEY not in told
    assert isinstance(pickle.loads(pickle.dumps(error)), SourceError)
    assert KEY.encode() not in pickle.dumps(error)


@pytest.mark.parametrize("key", ["", "a b", "a\nb", "schlüssel", "a\x00"])
def test_a_key_that_is_none_is_refused_without_being_told(key):
    with pytest.raises(ConfigError) as caught:
        ScavioSource(base_url="https://api.scavio.dev", api_key=key, clock=SystemClock())
    assert not key or key not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    ["http://api.scavio.dev", "https://user@api.scavio.dev", "https://10.0.0.1", "ftp://x", ""],
)
def test_addresses_that_get_no_key(url):
    with pytest.raises(InvalidInput):
        ScavioSource(base_url=url, api_key=KEY, clock=SystemClock())


def test_a_repr_holds_no_key():
    source = ScavioSource(base_url="https://api.scavio.dev", api_key=KEY, clock=SystemClock())
    assert KEY not in repr(source) + repr(source._client)


# --- how many at once -----------------------------------------------------------------------------


async def _slow(_, writer):
    await asyncio.sleep(0.03)
    writer.write(http(200, GOOD))


@pytest.mark.parametrize("limit", [1, 3])
def test_no_more_in_flight_than_allowed_and_waiting_is_not_the_deadlines(limit):
    async def run():
        async with (
            served(_slow) as server,
            source_of(server, max_in_flight=limit, deadline=0.3) as source,
        ):
            answers = await asyncio.gather(*(source.hashtag(name="tidal") for _ in range(30)))
        return server, answers

    server, answers = asyncio.run(run())
    assert server.most_in_flight == limit
    assert all(isinstance(answer, Answer) for answer in answers)


def test_refusals_halve_the_limit_and_successes_open_it_again():
    async def run():
        busy = True

        async def respond(_, writer):
            await asyncio.sleep(0.01)
            writer.write(http(429, b"{}") if busy else http(200, GOOD))

        limits = []
        async with served(respond) as server, source_of(server, max_in_flight=8) as source:
            await asyncio.gather(*(outcome(source.usage()) for _ in range(8)))
            limits.append(source.max_in_flight)
            await outcome(source.usage())
            limits.append(source.max_in_flight)
            busy = False
            for _ in range(70):
                await source.hashtag(name="tidal")
                limits.append(source.max_in_flight)
        return limits

    limits = asyncio.run(run())
    assert limits[:2] == [4, 2]
    assert limits[2 + 9] == 3
    assert limits[2 + 19] == 4
    assert limits[-1] == 8


def test_the_limit_never_falls_below_one():
    async def run():
        limit = InFlightLimit(3)
        for _ in range(5):
            async with limit.place() as epoch:
                limit.refused(epoch)
        return limit.current

    assert asyncio.run(run()) == 1


def test_a_cancelled_call_gives_its_place_back():
    async def run():
        async with served(_slow) as server, source_of(server) as source:
            call = asyncio.ensure_future(source.hashtag(name="tidal"))
            waiting = asyncio.ensure_future(source.hashtag(name="tidal"))
            await asyncio.sleep(0.01)
            call.cancel()
            waiting.cancel()
            await asyncio.gather(call, waiting, return_exceptions=True)
            return await asyncio.wait_for(source.hashtag(name="tidal"), 5)

    assert isinstance(asyncio.run(run()), Answer)


def test_pacing_spaces_the_starts(ask):
    clock = SimulatedClock(SystemClock().now())

    async def run():
        async with served(saying(http(200, GOOD))) as server:
            source = ScavioSource(base_url=server.url, api_key=KEY, clock=clock, min_interval=2.0)
            for _ in range(4):
                await source.hashtag(name="tidal")
            await source.aclose()
        return clock.monotonic()

    assert asyncio.run(run()) == pytest.approx(6.0)


# --- recordings -----------------------------------------------------------------------------------


def test_every_exchange_is_recorded_without_the_key(ask, tmp_path):
    folder = tmp_path / "records"
    ask(saying(http(200, GOOD)), recorder=Recorder(folder))
    ask(saying(http(502, b"<html>")), recorder=Recorder(folder))
    files = sorted(folder.iterdir())
    first, second = (json.loads(path.read_text()) for path in files)
    assert first["endpoint"] == "hashtag"
    assert first["path"] == "/api/v1/tiktok/hashtag"
    assert first["request"] == {"hashtag_name": "tidal"}
    assert (first["status"], first["body"]) == (200, json.loads(GOOD))
    assert first["recorded_at"].endswith("Z")
    assert (second["status"], second["body"]) == (502, {"base64": "PGh0bWw+"})
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in files)
    assert all(KEY not in path.read_text() for path in files)


def test_a_recording_that_fails_loses_no_answer(ask, tmp_path):
    (tmp_path / "file").write_text("")
    _, answer = ask(saying(http(200, GOOD)), recorder=Recorder(tmp_path / "file"))
    assert isinstance(answer, Answer)
