"""Connections are shared one after another, never at once, and a dead one is not used."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Awaitable, Callable
from typing import Any

import httpx2
import pytest

from tagtide.net import make_client, vet_url

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b"


class Peer:
    """Counts connections and keeps what arrives in one piece."""

    def __init__(self, body: bytes = b"ok", *, hang_up: bool = False) -> None:
        self.answer = ANSWER % (len(body), body)
        self.hang_up = hang_up
        self.connections = 0
        self.arrivals: list[bytes] = []
        self.open = self.most_open = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        while data := await reader.read(1 << 20):
            self.arrivals.append(data)
            self.open += 1
            self.most_open = max(self.most_open, self.open)
            await asyncio.sleep(0.02)
            self.open -= 1
            writer.write(self.answer)
            await writer.drain()
            if self.hang_up:
                break
        writer.close()


def talk(peer: Peer, work: Callable[[httpx2.AsyncClient, str], Awaitable[Any]], size: int) -> Any:
    async def main() -> Any:
        server = await asyncio.start_server(peer.serve, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        client = make_client(vet_url(url), connections=size, read=5.0)
        try:
            return await work(client, url)
        finally:
            await client.aclose()
            server.close()

    return asyncio.run(main())


async def one_by_one(client: httpx2.AsyncClient, url: str) -> list[bytes]:
    answers = []
    for _ in range(5):
        answers.append((await client.post(url, content=b"question")).content)
        await asyncio.sleep(0.01)
    return answers


async def at_once(client: httpx2.AsyncClient, url: str) -> list[bytes]:
    answers = await asyncio.gather(*(client.post(url, content=b"question") for _ in range(12)))
    return [answer.content for answer in answers]


def test_one_after_another_share_a_connection() -> None:
    peer = Peer()
    assert talk(peer, one_by_one, 4) == [b"ok"] * 5
    assert peer.connections == 1


def test_head_and_body_are_sent_together() -> None:
    peer = Peer()
    talk(peer, one_by_one, 1)
    assert len(peer.arrivals) == 5
    assert all(part.endswith(b"\r\n\r\nquestion") for part in peer.arrivals)


@pytest.mark.parametrize("size", [1, 3])
def test_never_more_at_once_than_allowed(size: int) -> None:
    peer = Peer()
    assert talk(peer, at_once, size) == [b"ok"] * 12
    assert peer.connections == peer.most_open == size


def test_a_connection_that_the_peer_closed_is_not_used_again() -> None:
    peer = Peer(hang_up=True)
    assert talk(peer, one_by_one, 4) == [b"ok"] * 5
    assert peer.connections == 5


def test_a_large_body_arrives_whole_although_it_is_read_late() -> None:
    body = bytes(range(256)) * 40_000

    async def slowly(client: httpx2.AsyncClient, url: str) -> bytes:
        received = b""
        async with client.stream("GET", url) as response:
            async for piece in response.aiter_raw():
                received += piece
                await asyncio.sleep(0.001)
        return received

    assert talk(Peer(body), slowly, 1) == body


def test_a_call_that_is_broken_off_gives_its_place_back() -> None:
    peer = Peer()

    async def impatient(client: httpx2.AsyncClient, url: str) -> bytes:
        for _ in range(3):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.005):
                    await client.get(url)
        async with asyncio.timeout(5):
            return (await client.get(url)).content

    assert talk(peer, impatient, 1) == b"ok"


def test_an_answer_that_is_not_read_gives_its_place_back() -> None:
    async def careless(client: httpx2.AsyncClient, url: str) -> bytes:
        for _ in range(3):
            async with client.stream("GET", url):
                pass
        async with asyncio.timeout(5):
            return (await client.get(url)).content

    assert talk(Peer(), careless, 1) == b"ok"


def answer_once(listener: socket.socket, after: float, asked: threading.Event) -> None:
    peer, _ = listener.accept()
    with peer:
        peer.recv(1 << 16)
        asked.set()
        time.sleep(after)
        peer.sendall(ANSWER % (2, b"ok"))
        peer.recv(1)


@pytest.mark.parametrize(("after", "busy", "arrives"), [(0.05, 0.4, True), (0.6, 0.0, False)])
def test_what_arrived_while_the_loop_was_busy_is_no_timeout(
    after: float, busy: float, arrives: bool
) -> None:
    asked = threading.Event()

    async def main(url: str) -> bytes:
        client = make_client(vet_url(url), connections=1, read=0.2)
        call = asyncio.get_running_loop().create_task(client.get(url))
        while not asked.is_set():
            await asyncio.sleep(0.005)
        time.sleep(busy)
        try:
            return (await call).content
        finally:
            await client.aclose()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        arguments = (listener, after, asked)
        thread = threading.Thread(target=answer_once, args=arguments, daemon=True)
        thread.start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        if arrives:
            assert asyncio.run(main(url)) == b"ok"
        else:
            with pytest.raises(httpx2.ReadTimeout):
                asyncio.run(main(url))
        thread.join(5)
