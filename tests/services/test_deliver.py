"""Delivery to a real receiver: at least once, the same id at every attempt, nothing lost."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from lab import HOUR, START, Lab, lab
from small_world import SmallWorld, Tag

from tagtide.errors import DeliveryError
from tagtide.models import DeliveryState, Notification
from tagtide.ports import Changes, Channel
from tagtide.services import deliver
from tagtide.services.deliver import LEASE, deliver_channel, deliver_within
from tagtide.services.deliveries import prune_deliveries, watch_deliveries
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


MINUTE = timedelta(minutes=1)
CRM = settings("http://127.0.0.1:9/")
TWO = CRM | {"channels.team.kind": "slack", "channels.team.url": "http://127.0.0.1:9/"}


async def count(bench: Lab, channels: Mapping[str, Channel]) -> tuple[int, int, int]:
    """One round: how many were sent, delayed and given up."""
    done = await asyncio.gather(
        *(deliver_channel(bench.context, channel, settle=False) for channel in channels.values())
    )
    return sum(d.sent for d in done), sum(d.delayed for d in done), sum(d.dead for d in done)


async def write(bench: Lab, number: int, channel: str = "crm", kind: str = "firing") -> None:
    """Messages as an alert would write them."""
    now = bench.clock.now()
    messages = tuple(
        Notification(
            notification_id=bench.clock.token(),
            channel=channel,
            alert_id=f"a{n}",
            kind=kind,
            created_at=now,
            due_at=now,
            payload={"type": "alert.firing", "alert": {"alert_id": f"a{n}", "campaign": "Spring"}},
        )
        for n in range(number)
    )
    await bench.store.commit(Changes(notifications=messages))


async def states(bench: Lab) -> Counter[str]:
    counts: Counter[str] = Counter()
    for found in await bench.store.delivery_counts():
        counts[found.state.value] += found.count
    return counts


def broken(name: str = "crm") -> RecordingChannel:
    return RecordingChannel(name, [DeliveryError("down")] * 100_000)


def test_a_failed_message_is_sent_again_with_the_same_id() -> None:
    async def story(url: str, kept: Receiver) -> None:
        async with lab(world(), settings=settings(url)) as bench:
            await alerting(bench)
            channels = bench.app.channels
            assert await count(bench, channels) == (0, 1, 0)
            assert await count(bench, channels) == (0, 0, 0)
            bench.clock.advance(timedelta(seconds=10))
            assert await count(bench, channels) == (0, 1, 0)
            bench.clock.advance(MINUTE)
            assert await count(bench, channels) == (1, 0, 0)
            bench.clock.advance(10 * HOUR)
            assert await count(bench, channels) == (0, 0, 0)
            assert await bench.store.undelivered() == []
        assert len(kept.got) == 3
        assert len({identity for identity, _ in kept.got}) == 1
        body = kept.got[0][1]
        assert body["type"] == "alert.firing"
        assert body["alert"]["new_videos"] == 300  # type: ignore[index]

    with receiver(500, 503) as (kept, url):
        asyncio.run(story(url, kept))


def test_an_address_that_is_gone_is_left_alone_until_a_person_says_so() -> None:
    async def story(url: str, kept: Receiver) -> None:
        async with lab(world(), settings=TWO | settings(url)) as bench:
            await write(bench, 3)
            assert await count(bench, bench.app.channels) == (0, 1, 0)
            assert "no longer in use" in (await watch_deliveries(bench.context))[0]
            bench.clock.advance(10 * HOUR)
            await watch_deliveries(bench.context)
            assert await count(bench, {"crm": bench.app.channels["crm"]}) == (0, 0, 0)
            # The other channel is told once.
            told = await bench.store.deliveries(channel="team")
            assert [d.notification.payload["type"] for d in told] == ["self.firing"]
            assert "tagtide deliveries enable crm" in told[0].notification.payload["hint"]
            assert len(kept.got) == 1
            assert await bench.store.enable_endpoint("crm")
            assert await count(bench, {"crm": bench.app.channels["crm"]}) == (3, 0, 0)
            assert await watch_deliveries(bench.context) == []
            told = await bench.store.deliveries(channel="team")
            assert {d.notification.payload["type"] for d in told} == {
                "self.firing",
                "self.resolved",
            }

    with receiver(410) as (kept, url):
        asyncio.run(story(url, kept))


def test_a_sender_that_dies_after_the_receiver_accepted_sends_again() -> None:
    """Never marked before it is sent: a crash in between costs a repeat, not the message."""

    class Dies(BaseException):
        pass

    async def story() -> None:
        async with lab(world(), settings=CRM) as bench:
            await alerting(bench)
            channel, mark = RecordingChannel("crm"), bench.store.end_attempt

            async def dies(*_args: object) -> None:
                raise Dies

            bench.store.end_attempt = dies
            with pytest.raises(Dies):
                await count(bench, {"crm": channel})
            bench.store.end_attempt = mark
            assert await count(bench, {"crm": channel}) == (0, 0, 0)
            bench.clock.advance(LEASE)
            assert await count(bench, {"crm": channel}) == (1, 0, 0)
            first, second = channel.sent
            assert first.notification_id == second.notification_id

    asyncio.run(story())


def test_a_message_that_cannot_be_sent_holds_up_the_others_for_seconds() -> None:
    async def story() -> None:
        async with lab(world(), settings=CRM) as bench:
            await write(bench, 3)
            channel = RecordingChannel("crm", [TypeError("broken")])  # type: ignore[list-item]
            assert await count(bench, {"crm": channel}) == (0, 1, 0)
            bench.clock.advance(timedelta(seconds=6))
            assert await count(bench, {"crm": channel}) == (3, 0, 0)

    asyncio.run(story())


def test_a_message_that_is_refused_lets_the_others_pass_and_is_believed_at_the_fourth() -> None:
    class Picky(RecordingChannel):
        async def send(self, notification: Notification) -> None:
            if notification.alert_id == "a0":
                refused.append(notification.notification_id)
                raise DeliveryError("no", refused=True)
            await super().send(notification)

    refused: list[str] = []

    async def story() -> None:
        async with lab(world(), settings=TWO) as bench:
            await write(bench, 3)
            channel = Picky("crm")
            for _ in range(40):
                await count(bench, {"crm": channel})
                bench.clock.advance(timedelta(seconds=20))
            assert await states(bench) == Counter(sent=2, dead=1)
            assert len(refused) == 4
            assert {n.alert_id for n in channel.sent} == {"a1", "a2"}
            assert await watch_deliveries(bench.context) == [
                "Messages to channel crm were given up."
            ]
            told = await bench.store.deliveries(channel="team")
            assert [d.notification.payload["condition"] for d in told] == ["undelivered:crm"]

    asyncio.run(story())


def test_a_channel_that_is_no_longer_configured_is_given_up_in_the_end() -> None:
    async def story() -> None:
        async with lab(world(), settings=CRM) as bench:
            await write(bench, 2, channel="gone")
            await watch_deliveries(bench.context)
            assert await states(bench) == Counter(waiting=2)
            bench.clock.advance(HOUR)
            await watch_deliveries(bench.context)
            (dead, _) = await bench.store.deliveries(state=DeliveryState.DEAD)
            assert dead.last_error == "There is no channel gone any more."

    asyncio.run(story())


def test_a_day_of_outage_is_followed_within_the_hour_by_one_digest() -> None:
    async def story() -> None:
        async with lab(world(), settings=TWO) as bench:
            failing, tries = broken(), 0
            for step in range(24 * 3):
                if step < 30:
                    await write(bench, 1)
                tries += (await count(bench, {"crm": failing}))[1]
                await watch_deliveries(bench.context)
                bench.clock.advance(20 * MINUTE)
            assert 30 < tries < 70
            told = await bench.store.deliveries(channel="team")
            assert [d.notification.payload["condition"] for d in told] == ["channel:crm"]
            channel = RecordingChannel("crm")
            for _ in range(12):
                bench.clock.advance(5 * MINUTE)
                await count(bench, {"crm": channel})
            assert set(await states(bench)) == {"sent", "folded", "waiting"}
            waiting = await bench.store.deliveries(state=DeliveryState.WAITING)
            assert {d.notification.channel for d in waiting} == {"team"}
            alone = [n for n in channel.sent if n.kind == "firing"]
            (digest,) = [n for n in channel.sent if n.kind == "fold"]
            assert len(alone) <= 14
            assert len(alone) + len(await folded(bench, digest.notification_id)) == 30

    asyncio.run(story())


async def folded(bench: Lab, into: str) -> list[str]:
    return [
        d.notification.notification_id
        for d in await bench.store.deliveries(state=DeliveryState.FOLDED, limit=1_000)
        if d.folded_into == into
    ]


def test_the_operator_is_told_after_half_an_hour_and_at_the_end() -> None:
    async def story() -> None:
        async with lab(world(), settings=TWO) as bench:
            await write(bench, 1)
            began, told = bench.clock.now(), []
            while not (await count(bench, {"crm": broken()}))[2]:
                await watch_deliveries(bench.context)
                if not told:
                    told = await bench.store.deliveries(channel="team")
                    told_after = bench.clock.now() - began
                bench.clock.advance(10 * MINUTE if not told else 30 * MINUTE)
            assert 76 * HOUR <= bench.clock.now() - began < 77 * HOUR
            assert 30 * MINUTE <= told_after <= 40 * MINUTE
            await watch_deliveries(bench.context)
            told = await bench.store.deliveries(channel="team")
            assert sorted(d.notification.payload["condition"] for d in told) == [
                "channel:crm",
                "undelivered:crm",
            ]

    asyncio.run(story())


def test_five_hundred_at_once_are_one_message() -> None:
    async def story() -> None:
        async with lab(world(), settings=CRM) as bench:
            await write(bench, 500)
            channel = RecordingChannel("crm")
            assert await count(bench, {"crm": channel}) == (1, 0, 0)
            (digest,) = channel.sent
            assert digest.payload["type"] == "digest"
            assert digest.payload["campaign"] == "Spring"
            assert len(digest.payload["items"]) + digest.payload["more"] == 500
            assert await states(bench) == Counter(sent=1, folded=500)
            assert len(json.dumps(digest.payload)) < 20_000

    asyncio.run(story())


def test_a_digest_is_sent_again_under_its_own_id() -> None:
    async def story() -> None:
        async with lab(world(), settings=CRM) as bench:
            await write(bench, 20)
            channel = RecordingChannel("crm", [DeliveryError("down")] * 2)
            tried: list[str] = []
            send = channel.send

            async def noted(notification: Notification) -> None:
                tried.append(notification.notification_id)
                await send(notification)

            channel.send = noted  # type: ignore[method-assign]
            for _ in range(10):
                await count(bench, {"crm": channel})
                bench.clock.advance(MINUTE)
            assert len(tried) == 3
            assert len(set(tried)) == 1
            assert await states(bench) == Counter(sent=1, folded=20)

    asyncio.run(story())


def test_what_is_over_the_budget_is_in_the_digest_with_what_fires() -> None:
    budget = {"channels.crm.weekly_budget": "1", "channels.crm.digest": "09:00 UTC"}

    async def story() -> None:
        async with lab(world(), settings=CRM | budget) as bench:
            channel = RecordingChannel("crm")
            await alerting(bench)
            assert await count(bench, {"crm": channel}) == (1, 0, 0)
            await write(bench, 2)
            assert await count(bench, {"crm": channel}) == (0, 0, 0)
            assert (await states(bench))["waiting"] == 2
            bench.clock.advance(20 * HOUR)
            assert await count(bench, {"crm": channel}) == (1, 0, 0)
            digest = channel.sent[-1]
            assert digest.kind == "digest"
            told = [item["alert_id"] for item in digest.payload["items"]]
            (fires,) = await bench.store.firing()
            assert told[0] == fires.alert_id
            assert sorted(told[1:]) == ["a0", "a1"]
            assert await states(bench) == Counter(sent=2, folded=2)
            assert await count(bench, {"crm": channel}) == (0, 0, 0)

    asyncio.run(story())


def test_a_message_that_is_too_large_is_sent_with_less_in_it() -> None:
    class Small(RecordingChannel):
        async def send(self, notification: Notification) -> None:
            if len(json.dumps(notification.payload)) > 3_000:
                raise DeliveryError("The receiver answered with status 413.", too_large=True)
            await super().send(notification)

    async def story() -> None:
        async with lab(world(), settings=CRM) as bench:
            await write(bench, 100)
            channel = Small("crm")
            assert await count(bench, {"crm": channel}) == (1, 0, 0)
            (digest,) = channel.sent
            assert len(digest.payload["items"]) + digest.payload["more"] == 100

    asyncio.run(story())


def test_a_tarpit_holds_up_no_other_channel() -> None:
    class Tarpit(RecordingChannel):
        async def send(self, notification: Notification) -> None:
            await asyncio.sleep(3600)

    async def story() -> None:
        async with lab(world(), settings=TWO) as bench:
            await write(bench, 2)
            await write(bench, 2, channel="team")
            healthy = RecordingChannel("team")
            channels = {"crm": Tarpit("crm"), "team": healthy}
            started = time.monotonic()
            waiting = await deliver_within(bench.context, channels, 2.0)
            assert time.monotonic() - started < 12
            assert waiting == 2
            assert len(healthy.sent) == 2
            # What was broken off is tried again at once, without waiting for its lease.
            assert await count(bench, {"crm": RecordingChannel("crm")}) == (2, 0, 0)

    asyncio.run(story())


def test_a_channel_that_never_ends_is_broken_off(monkeypatch: pytest.MonkeyPatch) -> None:
    class Tarpit(RecordingChannel):
        async def send(self, notification: Notification) -> None:
            await asyncio.sleep(3600)

    async def story() -> None:
        async with lab(world(), settings=CRM) as bench:
            await write(bench, 1)
            assert await count(bench, {"crm": Tarpit("crm")}) == (0, 1, 0)

    monkeypatch.setattr(deliver, "_SEND_SECONDS", 0.05)
    asyncio.run(story())


def test_alerts_of_a_run_wait_a_moment_for_each_other() -> None:
    async def story() -> None:
        async with lab(world(), settings=CRM) as bench:
            channel = RecordingChannel("crm")
            for _ in range(6):
                await write(bench, 1)
                assert (await deliver_channel(bench.context, channel)).sent == 0
                bench.clock.advance(timedelta(seconds=0.3))
            bench.clock.advance(timedelta(seconds=0.3))
            assert (await deliver_channel(bench.context, channel)).sent == 1
            assert channel.sent[0].kind == "fold"

    asyncio.run(story())


@pytest.mark.parametrize("senders", [2, 8])
def test_many_senders_on_one_store_send_each_message_once(database: str, senders: int) -> None:
    sent: Counter[str] = Counter()
    under_way: Counter[str] = Counter()

    class Slow(RecordingChannel):
        async def send(self, notification: Notification) -> None:
            under_way[self.name] += 1
            assert under_way[self.name] == 1
            await asyncio.sleep(0.002)
            sent[notification.notification_id] += 1
            under_way[self.name] -= 1

    async def story() -> None:
        async with lab(world(), settings=TWO, database=database) as bench:
            for channel in ("crm", "team"):
                for _ in range(20):
                    await write(bench, 1, channel=channel)
                    bench.clock.advance(2 * MINUTE)

            async def one() -> None:
                channels = {name: Slow(name) for name in ("crm", "team")}
                for _ in range(40):
                    bench.clock.advance(timedelta(milliseconds=200))
                    await count(bench, channels)

            await asyncio.gather(*(one() for _ in range(senders)))
            for _ in range(40):
                bench.clock.advance(timedelta(seconds=2))
                await count(bench, {name: Slow(name) for name in ("crm", "team")})
            assert (await states(bench)).keys() <= {"sent", "folded"}
        assert set(sent.values()) == {1}

    asyncio.run(story())


def test_a_sender_that_was_paused_past_its_lease_cannot_mark(database: str) -> None:
    async def story() -> None:
        async with lab(world(), settings=CRM, database=database) as bench:
            await write(bench, 1)
            woken, asleep = asyncio.Event(), asyncio.Event()

            class Paused(RecordingChannel):
                async def send(self, notification: Notification) -> None:
                    asleep.set()
                    await woken.wait()
                    raise DeliveryError("it woke up to find nothing there")

            paused = asyncio.ensure_future(count(bench, {"crm": Paused("crm")}))
            await asleep.wait()
            assert await count(bench, {"crm": RecordingChannel("crm")}) == (0, 0, 0)
            bench.clock.advance(LEASE)
            heir = RecordingChannel("crm")
            assert await count(bench, {"crm": heir}) == (1, 0, 0)
            woken.set()
            assert await paused == (0, 0, 0)
            assert await states(bench) == Counter(sent=1)
            (endpoint,) = await bench.store.endpoints()
            assert endpoint.failures == 0

    asyncio.run(story())


def test_what_is_ninety_days_old_is_forgotten() -> None:
    async def story() -> None:
        async with lab(world(), settings=CRM) as bench:
            await write(bench, 2)
            await count(bench, {"crm": RecordingChannel("crm")})
            bench.clock.advance(timedelta(days=90))
            await write(bench, 1)
            assert await prune_deliveries(bench.context) == 0
            bench.clock.advance(timedelta(seconds=1))
            assert await prune_deliveries(bench.context) == 2
            assert await states(bench) == Counter(waiting=1)

    asyncio.run(story())


def test_order_is_kept_over_short_failures() -> None:
    async def story() -> None:
        async with lab(world(), settings=CRM) as bench:
            names: list[datetime] = []
            channel = RecordingChannel("crm", [DeliveryError("down")] * 2)
            for _ in range(8):
                await write(bench, 1)
                await count(bench, {"crm": channel})
                bench.clock.advance(timedelta(seconds=4))
            for _ in range(10):
                bench.clock.advance(10 * MINUTE)
                await count(bench, {"crm": channel})
            names = [n.created_at for n in channel.sent]
            assert len(names) == 8
            assert names == sorted(names)

    asyncio.run(story())
