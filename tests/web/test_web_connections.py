"""Clients that are slow, silent or senseless, on a real socket, and one that behaves."""

from __future__ import annotations

import contextlib
import re
import socket
import time
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

import live
from tagtide.bootstrap import App
from tagtide.models import CounterSource, HashtagReading
from tagtide.ports import Changes
from tagtide.services.campaigns import make_campaign
from tagtide.web.connections import MOST_CONNECTIONS, Awaited, Connection
from tagtide.web.guard import LARGEST_HEAD
from tagtide.web.live import MOST_STREAMS

GET = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n"
#: Seconds that stand for the ten, forty and sixty of a real server.
SHORT = 0.6


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Of pages that lose patience soon, and whose sockets hold little that is not read."""
    listen = live.listen

    def small(host: str, port: int) -> socket.socket:
        sock = listen(host, port)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        return sock

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Connection, "patience", dict.fromkeys(Awaited, SHORT))
        patch.setattr(live, "listen", small)
        with live.live(tmp_path_factory.mktemp("pages"), long_history) as address:
            yield int(address.rpartition(":")[2])


@contextlib.contextmanager
def client(port: int, *said: bytes) -> Iterator[socket.socket]:
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sock.settimeout(10)
        sock.connect(("127.0.0.1", port))
        for data in said:
            sock.sendall(data)
        yield sock


def answer(sock: socket.socket) -> bytes:
    """What comes until the end of the connection, however it ends."""
    found = b""
    with contextlib.suppress(ConnectionError):
        while data := sock.recv(65536):
            found += data
    return found


def is_well(port: int) -> bool:
    """Whether somebody who behaves is answered, and soon."""
    began = time.monotonic()
    with client(port, GET, b"Connection: close\r\n\r\n") as sock:
        return answer(sock).endswith(b"ok\n") and time.monotonic() - began < 5


def test_a_thousand_idle_sockets_keep_nobody_out(port: int) -> None:
    with contextlib.ExitStack() as stack:
        idle = [stack.enter_context(client(port)) for _ in range(1000)]
        assert is_well(port)
        ended = [sock for sock in idle if answer(sock) == b""]
        assert len(ended) == 1000
    assert is_well(port)


def test_a_busy_socket_is_not_the_one_that_goes(port: int) -> None:
    """Room is made among those that keep the server waiting; a stream that is followed stays."""
    with contextlib.ExitStack() as stack:
        stream = stack.enter_context(client(port, follow("/runs/events")))
        assert b"event: state" in stream.recv(4096) + stream.recv(4096)
        for _ in range(MOST_CONNECTIONS + 50):
            stack.enter_context(client(port))
        assert is_well(port)
        time.sleep(SHORT * 2)
        stream.settimeout(0.2)
        with pytest.raises(TimeoutError):
            stream.recv(4096)


def follow(path: str) -> bytes:
    return b"GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n" % path.encode()


@pytest.mark.parametrize("head", [b"", GET, GET + b"X-A: b"], ids=["nothing", "lines", "half"])
def test_headers_that_drip_are_cut_off(port: int, head: bytes) -> None:
    with client(port, head) as sock:
        with contextlib.suppress(ConnectionError):
            for _ in range(20):
                sock.sendall(b"X-A: b\r\n")
                assert is_well(port)
                time.sleep(SHORT / 5)
        assert answer(sock) == b""


def test_a_body_that_drips_is_cut_off(port: int) -> None:
    head = (
        b"POST /login HTTP/1.1\r\nHost: localhost\r\nOrigin: http://localhost\r\n"
        b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 900000\r\n\r\n"
    )
    with client(port, head) as sock:
        with contextlib.suppress(ConnectionError):
            for _ in range(20):
                sock.sendall(b"name=a")
                assert is_well(port)
                time.sleep(SHORT / 5)
        assert b" 200 " not in answer(sock)


def test_a_body_nobody_wants_is_not_waited_for(port: int) -> None:
    """The answer is there at once; what still drips in afterwards holds no connection."""
    head = b"POST /runs HTTP/1.1\r\nHost: localhost\r\nContent-Length: 900000\r\n\r\n"
    with client(port, head) as sock:
        assert b" 403 " in sock.recv(4096)
        with contextlib.suppress(ConnectionError):
            for _ in range(20):
                sock.sendall(b"x")
                time.sleep(SHORT / 5)
            raise AssertionError("the connection is still taken")


@pytest.mark.parametrize("pieces", [1, 40])
def test_huge_headers_are_refused(port: int, pieces: int) -> None:
    """In one header or in many; in one piece or in several."""
    size = LARGEST_HEAD * 4 // pieces
    headers = b"".join(b"X-%d: %s\r\n" % (n, b"a" * size) for n in range(pieces))
    with client(port) as sock:
        with contextlib.suppress(ConnectionError):
            sock.sendall(GET + headers + b"\r\n")
        assert re.match(rb"HTTP/1.1 (400|431) |$", answer(sock))
    assert is_well(port)


def test_garbage_in_a_pipeline_ends_it(port: int) -> None:
    """What was asked before it is answered, nothing after it is."""
    with client(port, GET + b"\r\n", b"\x00\xff nonsense\r\n\r\n" + GET + b"\r\n") as sock:
        found = answer(sock)
    assert found.count(b"HTTP/1.1 200 ") == 1
    assert found.count(b"HTTP/1.1 ") <= 2
    assert is_well(port)


def test_requests_in_a_pipeline_are_answered_in_their_order(port: int) -> None:
    with client(port, (GET + b"\r\n") * 50, GET + b"Connection: close\r\n\r\n") as sock:
        assert answer(sock).count(b"HTTP/1.1 200 ") == 51


# --- who does not read ----------------------------------------------------------------------------


async def long_history(app: App) -> None:
    """An export of a few hundred kilobytes."""
    made = await app.store.add_campaign(make_campaign("Glow", hashtags=["glow"]))
    assert made.campaign_id == 1
    began = app.context.clock.now() - timedelta(days=60)
    readings = [reading(began + timedelta(minutes=n), n) for n in range(3000)]
    await app.store.commit(Changes(readings=tuple(readings)))


def reading(at: datetime, count: int) -> HashtagReading:
    return HashtagReading(
        hashtag="glow",
        hashtag_id="1",
        read_at=at,
        view_count=count,
        view_source=CounterSource.STATS_V2,
        view_unit=1,
        video_count=count,
        video_source=CounterSource.STATS_V2,
        video_unit=1,
    )


EXPORT = "/api/v1/campaigns/1/exports/readings.csv"


def test_an_export_that_is_not_read_is_cut_off(port: int) -> None:
    with client(port, follow(EXPORT)) as sock:
        for _ in range(8):
            assert is_well(port)
            time.sleep(SHORT / 4)
        found = answer(sock)
    assert b" 200 OK" in found
    assert found.count(b"\n") < 3000


def test_an_export_that_is_read_slowly_is_whole(port: int) -> None:
    """The control: it takes longer than patience lasts, and something all the time."""
    began = time.monotonic()
    found = b""
    with client(port, follow(EXPORT)[:-2] + b"Connection: close\r\n\r\n") as sock:
        while data := sock.recv(8192):
            found += data
            time.sleep(SHORT / 60)
    assert found.count(b",glow,") == 3000
    assert time.monotonic() - began > SHORT


def test_streams_that_nobody_reads_are_few(port: int) -> None:
    with contextlib.ExitStack() as stack:
        streams = [
            stack.enter_context(client(port, follow("/runs/events"))) for _ in range(MOST_STREAMS)
        ]
        assert all(b" 200 OK" in stream.recv(1024) for stream in streams)
        with client(port, follow("/runs/events")) as one_more:
            assert b" 503 " in one_more.recv(1024)
        assert is_well(port)
