"""Every way a receiver may behave, against every kind of channel, in simulated time.

Whatever it does, a message is accepted, waits, or is a dead letter that is listed; after it has
come to its senses everything arrives within the hour, each message under one id.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from lab import START

from tagtide.bootstrap import _no_source
from tagtide.channels import posting
from tagtide.channels.slack import SlackChannel
from tagtide.channels.webhook import WebhookChannel
from tagtide.models import DeliveryState, Notification
from tagtide.ports import Changes, Channel
from tagtide.services.context import Context
from tagtide.services.deliver import deliver_channel
from tagtide.storage.store import open_store
from tagtide.testing import SimulatedClock

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
LOOPBACK = ("127.0.0.0/8",)
Answer = bytes | Callable[[asyncio.StreamWriter], Awaitable[None]]

KINDS: dict[str, Callable[[str, SimulatedClock], Channel]] = {
    "webhook": lambda url, clock: WebhookChannel(name="c", url=url, clock=clock, allow=LOOPBACK),
    "slack": lambda url, clock: SlackChannel(name="c", url=url, clock=clock, allow=LOOPBACK),
}


def status(number: int, *headers: str, body: bytes = b"ok") -> bytes:
    lines = [f"HTTP/1.1 {number} X", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


OK = status(200)


async def silent(_: asyncio.StreamWriter) -> None:
    await asyncio.sleep(60)


async def slow_headers(writer: asyncio.StreamWriter) -> None:
    for byte in b"HTTP/1.1 200 OK\r\nX-Slow: " + b"a" * 100:
        writer.write(bytes([byte]))
        await writer.drain()
        await asyncio.sleep(0.02)


async def drip(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    for _ in range(100):
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.02)


async def endless(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    for _ in range(500):
        writer.write(b"2000\r\n" + b"x" * 0x2000 + b"\r\n")
        await writer.drain()


async def endless_headers(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n")
    for _ in range(500):
        writer.write(b"X-More: " + b"x" * 0x2000 + b"\r\n")
        await writer.drain()


async def reset(writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()


async def closes(writer: asyncio.StreamWriter) -> None:
    writer.close()


async def half_a_body(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf")
    await writer.drain()
    writer.close()


async def http_1_0(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.0 200 OK\r\n\r\nok")
    await writer.drain()
    writer.close()


def late(seconds: float) -> str:
    return f"Retry-After: {format_datetime(START + timedelta(seconds=seconds), usegmt=True)}"


#: What is taken, although oddly.
ACCEPTING: dict[str, Answer] = {
    "200": OK,
    "201": status(201),
    "202": status(202),
    "204": b"HTTP/1.1 204 X\r\n\r\n",
    "200 and closes": status(200, "Connection: close"),
    "200 in HTTP/1.0": http_1_0,
    "200 with garbage": status(200, body=bytes(range(256))),
    "200 behind a 100": b"HTTP/1.1 100 Continue\r\n\r\n" + OK,
    "200 and half a body": half_a_body,
    "200 and an endless body": endless,
    "200 and a slow body": drip,
}
#: What may be better in a moment; seconds that must pass before the second request.
FAILING: dict[str, tuple[Answer, float]] = {
    **{str(n): (status(n, "Location: http://127.0.0.1:1/"), 4) for n in (301, 302, 303, 307, 308)},
    "304": (b"HTTP/1.1 304 X\r\n\r\n", 4),
    **{str(n): (status(n), 4) for n in (408, 429, 500, 501, 502, 503, 504, 599)},
    "429 for 77 s": (status(429, "Retry-After: 77"), 77),
    "429 until a date": (status(429, late(90)), 85),
    "429 for 0 s": (status(429, "Retry-After: 0"), 4),
    "429 with garbage": (status(429, "Retry-After: soon"), 4),
    "429 for a year": (status(429, "Retry-After: 31536000"), 3600),
    "503 for 30 s": (status(503, "Retry-After: 30"), 30),
    "silent": (silent, 4),
    "slow headers": (slow_headers, 4),
    "endless headers": (endless_headers, 4),
    "reset": (reset, 4),
    "closes": (closes, 4),
    "not HTTP": (b"SSH-2.0-x\r\n\r\n", 4),
    "nothing but a status": (b"HTTP/1.1 200", 4),
}
#: What is said about the message: believed at the fourth time.
REFUSING = (400, 401, 403, 404, 405, 406, 409, 415, 422, 451)


@dataclass
class Receiver:
    """Answers as it is told; keeps the instants and ids of what it was sent."""

    clock: SimulatedClock
    answer: Answer = OK
    url: str = ""
    got: list[tuple[str, float]] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
                headers = dict(x.split(": ", 1) for x in head.strip().split("\r\n")[1:])
                body = await reader.readexactly(int(headers["content-length"]))
                identity = headers.get("webhook-id", "slack")
                self.got.append((identity, (self.clock.now() - START).total_seconds()))
                self.sizes.append(len(body))
                if callable(self.answer):
                    await self.answer(writer)
                else:
                    writer.write(self.answer)
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


@dataclass
class Bench:
    """A store, a channel, its receiver, and time that is moved by hand."""

    context: Context
    clock: SimulatedClock
    channel: Channel
    receiver: Receiver

    async def write(self, count: int = 1) -> None:
        now = self.clock.now()
        videos = [{"video_id": "7", "caption": "x" * 300}] * 3
        alert = {"alert_id": "a", "campaign": "Spring", "reason": "grew", "top_videos": videos}
        messages = tuple(
            Notification(
                notification_id=self.clock.token(),
                channel="c",
                alert_id="a",
                kind="firing",
                created_at=now,
                due_at=now,
                payload={"type": "alert.firing", "alert": alert},
            )
            for _ in range(count)
        )
        await self.context.store.commit(Changes(notifications=messages))

    async def live(self, span: timedelta, *, at_most: timedelta = 30 * MINUTE) -> None:
        """Deliver whatever can be delivered while time passes."""
        end = self.clock.now() + span
        while self.clock.now() < end:
            done = await deliver_channel(self.context, self.channel, settle=False)
            soon = self.clock.now() + at_most
            wanted = min(done.next_at or soon, soon, end)
            self.clock.set(max(wanted, self.clock.now() + timedelta(milliseconds=100)))
        await deliver_channel(self.context, self.channel, settle=False)

    async def states(self) -> dict[str, int]:
        return {c.state.value: c.count for c in await self.context.store.delivery_counts()}

    @property
    def times(self) -> list[float]:
        return [at for _, at in self.receiver.got]


@asynccontextmanager
async def bench_of(kind: str, answer: Answer, *, tls: bool = False) -> AsyncIterator[Bench]:
    clock = SimulatedClock(START)
    receiver = Receiver(clock, answer)
    server = await asyncio.start_server(receiver.connected, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    receiver.url = f"{'https' if tls else 'http'}://127.0.0.1:{port}/hook"
    store = await open_store("sqlite://", clock=clock, migrate=True)
    context = Context(store=store, source=_no_source(), clock=clock, channels=("c",))
    channel = KINDS[kind](receiver.url, clock)
    try:
        yield Bench(context, clock, channel, receiver)
    finally:
        await channel.aclose()
        server.close()
        await store.aclose()


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(posting, "TOTAL_SECONDS", 0.15)
    monkeypatch.setattr(posting, "DRAIN_SECONDS", 0.1)


def spaced(times: Sequence[float]) -> bool:
    """At most three requests in any minute."""
    return all(sum(at <= x < at + 60 for x in times) <= 3 for at in times)


kinds = pytest.mark.parametrize("kind", KINDS)


@kinds
@pytest.mark.parametrize("name", ACCEPTING)
def test_what_is_accepted_is_sent_once(kind: str, name: str) -> None:
    async def story() -> None:
        async with bench_of(kind, ACCEPTING[name]) as bench:
            await bench.write()
            await bench.live(2 * HOUR)
            assert await bench.states() == {"sent": 1}
            assert len(bench.times) == 1

    asyncio.run(story())


@kinds
@pytest.mark.parametrize("name", FAILING)
def test_what_fails_is_tried_again_under_the_same_id_and_arrives(kind: str, name: str) -> None:
    async def story() -> None:
        answer, wait = FAILING[name]
        async with bench_of(kind, answer) as bench:
            await bench.write()
            await bench.live(timedelta(seconds=max(10.0, wait + 5)))
            assert await bench.states() == {"waiting": 1}
            assert len(bench.times) >= 2
            assert bench.times[1] - bench.times[0] >= wait * 0.8
            assert spaced(bench.times)
            (endpoint,) = await bench.context.store.endpoints()
            assert endpoint.failures == len(bench.times)
            bench.receiver.answer = OK
            await bench.live(HOUR)
            assert await bench.states() == {"sent": 1}
            assert len({identity for identity, _ in bench.receiver.got}) == 1
            (endpoint,) = await bench.context.store.endpoints()
            assert (endpoint.failures, endpoint.failing_since) == (0, None)

    asyncio.run(story())


@kinds
@pytest.mark.parametrize("number", REFUSING)
def test_what_is_refused_is_believed_at_the_fourth_time(kind: str, number: int) -> None:
    async def story() -> None:
        async with bench_of(kind, status(number)) as bench:
            await bench.write()
            await bench.live(HOUR)
            if (kind, number) == ("slack", 404):
                assert_disabled(bench, await bench.states())
                return
            assert await bench.states() == {"dead": 1}
            assert len(bench.times) == 4
            assert spaced(bench.times)
            (dead,) = await bench.context.store.deliveries(state=DeliveryState.DEAD)
            assert str(number) in (dead.last_error or "")
            bench.receiver.answer = OK
            assert await bench.context.store.replay(bench.clock.now()) == 1
            await bench.live(HOUR)
            assert await bench.states() == {"sent": 1}

    asyncio.run(story())


def assert_disabled(bench: Bench, states: dict[str, int]) -> None:
    assert states == {"waiting": 1}
    assert len(bench.times) == 1


@kinds
def test_an_address_that_is_gone_is_asked_once(kind: str) -> None:
    async def story() -> None:
        async with bench_of(kind, status(410)) as bench:
            await bench.write()
            await bench.live(24 * HOUR)
            assert_disabled(bench, await bench.states())
            bench.receiver.answer = OK
            await bench.context.store.enable_endpoint("c")
            await bench.live(MINUTE)
            assert await bench.states() == {"sent": 1}

    asyncio.run(story())


@kinds
def test_a_message_that_is_too_long_is_sent_again_with_less_in_it(kind: str) -> None:
    async def story() -> None:
        async with bench_of(kind, status(413)) as bench:

            async def small_only(writer: asyncio.StreamWriter) -> None:
                writer.write(OK if bench.receiver.sizes[-1] < 1_000 else status(413))

            bench.receiver.answer = small_only
            await bench.write()
            await bench.live(MINUTE)
            assert await bench.states() == {"sent": 1}
            assert len({identity for identity, _ in bench.receiver.got}) == 1
            assert bench.receiver.sizes[-1] < bench.receiver.sizes[0]

    asyncio.run(story())


@kinds
@pytest.mark.parametrize("tls", [False, True])
def test_nobody_there_and_somebody_without_tls(kind: str, tls: bool) -> None:
    async def story() -> None:
        async with bench_of(kind, OK, tls=tls) as bench:
            if not tls:
                bench.channel = KINDS[kind](f"http://127.0.0.1:{closed_port()}/", bench.clock)
            await bench.write()
            await bench.live(HOUR)
            assert await bench.states() == {"waiting": 1}
            assert bench.receiver.got == []
            if not tls:
                await bench.channel.aclose()

    asyncio.run(story())


def closed_port() -> int:
    with contextlib.closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def outage(kind: str, answer: Answer, span: timedelta, count: int) -> Any:
    """Messages all through an outage, and what is there an hour after it."""

    async def story() -> tuple[Bench, dict[str, int]]:
        async with bench_of(kind, answer) as bench:
            for _ in range(count):
                await bench.write()
                await bench.live(span / count)
            assert spaced(bench.times)
            before = len(bench.receiver.got)
            bench.receiver.answer = OK
            await bench.live(HOUR)
            states = await bench.states()
            # One digest, and the few that were tried before: they may have arrived already.
            assert len(bench.receiver.got) - before <= 16
            return bench, states

    return asyncio.run(story())


def assert_all_arrived(states: dict[str, int], count: int) -> None:
    assert states.keys() <= {"sent", "folded"}
    folds = int("folded" in states)
    assert states["sent"] - folds + states.get("folded", 0) == count


OUTAGES = (24 * HOUR, 76 * HOUR)


@pytest.mark.parametrize("span", OUTAGES, ids=lambda span: f"{span // HOUR} h")
@pytest.mark.parametrize(("kind", "name"), [("webhook", "500"), ("slack", "closes")])
def test_an_outage_is_followed_within_the_hour(kind: str, name: str, span: timedelta) -> None:
    _, states = outage(kind, FAILING[name][0], span, 40)
    assert_all_arrived(states, 40)


@pytest.mark.prove
@kinds
@pytest.mark.parametrize("span", OUTAGES, ids=lambda span: f"{span // HOUR} h")
@pytest.mark.parametrize("name", FAILING)
def test_every_kind_of_outage_is_followed_within_the_hour(
    kind: str, name: str, span: timedelta
) -> None:
    if name == "429 until a date":
        pytest.skip("the date is over after a minute and a half")
    _, states = outage(kind, FAILING[name][0], span, 40)
    assert_all_arrived(states, 40)
