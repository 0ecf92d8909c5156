"""Delivery to a real receiver: at least once, the same id at every attempt, nothing lost."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from lab import HOUR, START, Lab, lab
from small_world import SmallWorld, Tag

from tagtide.errors import DeliveryError
from tagtide.services.deliver import Delivered, deliver_due, next_wait
from tagtide.testing import RecordingChannel


class Receiver:
    """Keeps what it is sent and answers with the statuses it is given, then with 200."""

    def __init__(self, statuses: list[int]) -> None:
        self.statuses = statuses
        self.got: list[tuple[str, dict[str, object]]] = []


@contextmanager
def receiver(*statuses: int) -> Iterator[tuple[Receiver, str]]:
    kept = Receiver(list(statuses))

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            kept.got.append((self.headers["webhook-id"], json.loads(body)))
            self.send_response(kept.statuses.pop(0) if kept.statuses else 200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield kept, f"http://127.0.0.1:{server.server_port}/hook/s3cr3t-path"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


async def alerting(bench: Lab) -> None:
    campaign = await bench.add(own=["a"])
    await bench.track(campaign)
    bench.clock.advance(6 * HOUR)
    assert len((await bench.track(campaign)).alerts) == 1


def world() -> SmallWorld:
    return SmallWorld(START, default=Tag(videos_per_hour=50))


def settings(url: str) -> dict[str, str]:
    return {"channels.crm.kind": "webhook", "channels.crm.url": url}


def test_a_failed_message_is_sent_again_with_the_same_id() -> None:
    async def story(url: str, kept: Receiver) -> None:
        async with lab(world(), settings=settings(url)) as bench:
            await alerting(bench)
            channels = bench.app.channels
            assert await deliver_due(bench.context, channels) == Delivered(delayed=1)
            assert await deliver_due(bench.context, channels) == Delivered()
            bench.clock.advance(timedelta(seconds=10))
            assert await deliver_due(bench.context, channels) == Delivered(delayed=1)
            bench.clock.advance(timedelta(minutes=1))
            assert await deliver_due(bench.context, channels) == Delivered(sent=1)
            bench.clock.advance(10 * HOUR)
            assert await deliver_due(bench.context, channels) == Delivered()
            assert await bench.store.undelivered() == []
        assert len(kept.got) == 3
        assert len({identity for identity, _ in kept.got}) == 1
        body = kept.got[0][1]
        assert body["type"] == "alert.firing"
        assert body["alert"]["new_videos"] == 300  # type: ignore[index]

    with receiver(500, 503) as (kept, url):
        asyncio.run(story(url, kept))


@pytest.mark.parametrize("statuses", [(410,)])
def test_an_address_that_is_gone_is_given_up_and_listed(statuses: tuple[int, ...]) -> None:
    async def story(url: str, kept: Receiver) -> None:
        async with lab(world(), settings=settings(url)) as bench:
            await alerting(bench)
            assert await deliver_due(bench.context, bench.app.channels) == Delivered(dead=1)
            bench.clock.advance(100 * HOUR)
            assert await deliver_due(bench.context, bench.app.channels) == Delivered()
            assert len(await bench.store.undelivered()) == 1
        assert len(kept.got) == 1

    with receiver(*statuses) as (kept, url):
        asyncio.run(story(url, kept))


def test_a_sender_that_dies_after_the_receiver_accepted_sends_again() -> None:
    """Never marked before it is sent: a crash in between costs a repeat, not the message."""

    class Dies(BaseException):
        pass

    async def story() -> None:
        async with lab(world(), settings=settings("http://127.0.0.1:9/")) as bench:
            await alerting(bench)
            channel, mark = RecordingChannel("crm"), bench.store.mark_sent

            async def dies(*_args: object) -> None:
                raise Dies

            bench.store.mark_sent = dies
            with pytest.raises(Dies):
                await deliver_due(bench.context, {"crm": channel})
            bench.store.mark_sent = mark
            assert await deliver_due(bench.context, {"crm": channel}) == Delivered()
            bench.clock.advance(timedelta(seconds=61))
            assert await deliver_due(bench.context, {"crm": channel}) == Delivered(sent=1)
            first, second = channel.sent
            assert first.notification_id == second.notification_id

    asyncio.run(story())


def test_a_message_that_cannot_be_sent_holds_up_no_other() -> None:
    async def story() -> None:
        async with lab(world(), settings=settings("http://127.0.0.1:9/")) as bench:
            await alerting(bench)
            other = await bench.add("Other", own=["b"])
            await bench.track(other)
            bench.clock.advance(6 * HOUR)
            await bench.track(other)
            channel = RecordingChannel("crm", [TypeError("broken")])  # type: ignore[list-item]
            assert await deliver_due(bench.context, {"crm": channel}) == Delivered(1, 1, 0)

    asyncio.run(story())


def test_a_channel_that_is_no_longer_configured_is_given_up() -> None:
    async def story() -> None:
        async with lab(world(), settings=settings("http://127.0.0.1:9/")) as bench:
            await alerting(bench)
            assert await deliver_due(bench.context, {}) == Delivered(dead=1)

    asyncio.run(story())


def test_a_day_of_outage_is_followed_within_the_hour() -> None:
    async def story() -> None:
        async with lab(world(), settings=settings("http://127.0.0.1:9/")) as bench:
            await alerting(bench)
            channel = RecordingChannel("crm", [DeliveryError("down")] * 10_000)
            tries = 0
            for _ in range(24 * 12):
                tries += (await deliver_due(bench.context, {"crm": channel})).delayed
                bench.clock.advance(timedelta(minutes=5))
            assert tries < 70
            channel = RecordingChannel("crm")
            for _ in range(12):
                bench.clock.advance(timedelta(minutes=5))
                await deliver_due(bench.context, {"crm": channel})
            assert len(channel.sent) == 1

    asyncio.run(story())


def test_what_is_never_accepted_is_given_up_after_76_hours() -> None:
    async def story() -> None:
        async with lab(world(), settings=settings("http://127.0.0.1:9/")) as bench:
            await alerting(bench)
            began = bench.clock.now()
            channel = RecordingChannel("crm", [DeliveryError("down")] * 10_000)
            while not (await deliver_due(bench.context, {"crm": channel})).dead:
                bench.clock.advance(timedelta(minutes=20))
            assert 74 * HOUR < bench.clock.now() - began <= 76 * HOUR

    asyncio.run(story())


@pytest.mark.parametrize(
    ("attempts", "seconds"), [(1, 5), (2, 30), (3, 120), (4, 600), (5, 1800), (6, 1800), (99, 1800)]
)
def test_waits_grow_and_vary_by_a_fifth(attempts: int, seconds: float) -> None:
    error = DeliveryError("down")
    waits = [next_wait(attempts, error, chance) for chance in (0.0, 0.5, 0.999)]
    assert waits == pytest.approx([0.8 * seconds, seconds, 1.2 * seconds], rel=0.01)
    assert next_wait(attempts, DeliveryError("down", retry_after=77), 0.1) == 77
