"""Every way a receiver may behave, against every kind of channel, in simulated time.

Whatever it does, a message is accepted, waits, or is a dead letter that is listed; after it has
come to its senses everything arrives within the hour, each message under one id, and once.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from receivers import (
    HANGING,
    KINDS,
    OK,
    START,
    Behaviour,
    Got,
    Receiver,
    mark_of,
    status,
)

from tagtide.bootstrap import _no_source
from tagtide.channels import email, posting
from tagtide.models import DeliveryState, Notification
from tagtide.ports import Changes, Channel
from tagtide.services.context import Context
from tagtide.services.deliver import deliver_channel
from tagtide.storage.store import open_store
from tagtide.testing import SimulatedClock

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
#: Seconds that a sender waits: for who never answers, for who is silent after taking a message, and
#: for anybody else, so that a busy machine decides nothing.
_NEVER, _AFTERWARDS, PATIENT = 0.05, 0.5, 10.0


def be_patient_with(name: str) -> None:
    seconds = _NEVER if name in HANGING else PATIENT
    posting.TOTAL_SECONDS = email.TOTAL_SECONDS = seconds
    if name == "250 and silence":
        email.TOTAL_SECONDS = _AFTERWARDS


@dataclass
class Bench:
    """A store, a channel, its receiver, and time that is moved by hand."""

    context: Context
    clock: SimulatedClock
    channel: Channel
    receiver: Receiver
    written: int = 0

    async def write(self) -> None:
        now, mark = self.clock.now(), mark_of(self.written)
        videos = [{"video_id": "7", "caption": "x" * 300}] * 3
        facts = {"alert_id": mark, "campaign": "Spring", "reason": mark, "top_videos": videos}
        message = Notification(
            notification_id=self.clock.token(),
            channel="c",
            alert_id=mark,
            kind="firing",
            created_at=now,
            due_at=now,
            payload={"type": "alert.firing", "alert": facts},
        )
        self.written += 1
        await self.context.store.commit(Changes(notifications=(message,)))

    async def live(self, span: timedelta, *, at_most: timedelta = 30 * MINUTE) -> None:
        """Deliver whatever can be delivered while time passes."""
        end = self.clock.now() + span
        while self.clock.now() < end:
            done = await deliver_channel(self.context, self.channel, settle=False)
            soon = self.clock.now() + at_most
            wanted = min(done.next_at or soon, soon, end)
            self.clock.set(max(wanted, self.clock.now() + timedelta(milliseconds=100)))
        await deliver_channel(self.context, self.channel, settle=False)

    def behave(self, name: str, behaviour: Behaviour, *, takes: bool) -> None:
        self.receiver.behaviour, self.receiver.takes = behaviour, takes
        be_patient_with(name)

    def heal(self) -> None:
        self.receiver.heal()
        be_patient_with("")

    async def states(self) -> dict[str, int]:
        return {c.state.value: c.count for c in await self.context.store.delivery_counts()}

    @property
    def got(self) -> list[Got]:
        return self.receiver.got


@asynccontextmanager
async def bench_of(
    kind: str, behaviour: Behaviour, name: str = "", *, takes: bool = False
) -> AsyncIterator[Bench]:
    clock = SimulatedClock(START)
    receiver = KINDS[kind].receiver(clock, behaviour, takes=takes)
    server = await asyncio.start_server(receiver.connected, "127.0.0.1", 0)
    receiver.port = server.sockets[0].getsockname()[1]
    store = await open_store("sqlite://", clock=clock, migrate=True)
    context = Context(store=store, source=_no_source(), clock=clock, channels=("c",))
    channel = KINDS[kind].make(receiver.port, clock)
    be_patient_with(name)
    try:
        yield Bench(context, clock, channel, receiver)
    finally:
        await channel.aclose()
        server.close()
        await store.aclose()


@pytest.fixture(autouse=True)
def _patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(posting, "TOTAL_SECONDS", PATIENT)
    monkeypatch.setattr(email, "TOTAL_SECONDS", PATIENT)
    monkeypatch.setattr(posting, "DRAIN_SECONDS", 0.1)


#: What the proofs of this file have seen, told at their end.
seen: Counter[str] = Counter()


@pytest.fixture(scope="module", autouse=True)
def _figures(request: pytest.FixtureRequest) -> Iterator[None]:
    seen.clear()
    yield
    if seen:
        capture = request.config.pluginmanager.getplugin("capturemanager")
        assert capture is not None
        with capture.global_and_fixture_disabled():
            print("\ndelivery matrix:", ", ".join(f"{n} {what}" for what, n in seen.items()))


def spaced(times: Sequence[float]) -> bool:
    """At most three requests in any minute."""
    return all(sum(at <= x < at + 60 for x in times) <= 3 for at in times)


def cases(part: str) -> pytest.MarkDecorator:
    """Each kind with each of its ways to behave."""
    # A message through Apprise is a process of a second or two: the rest is for the proof.
    found = [
        pytest.param(kind, name, marks=[pytest.mark.prove] if kind == "apprise" and place else [])
        for kind, what in KINDS.items()
        for place, name in enumerate(getattr(what, part))
    ]
    return pytest.mark.parametrize(("kind", "name"), found)


def named_alike(got: Sequence[Got]) -> bool:
    """Whether every attempt that came far enough to have an id has the same."""
    return len({g.identity for g in got if g.marks}) == 1


@cases("accepting")
def test_what_is_accepted_is_sent_once(kind: str, name: str) -> None:
    async def story() -> None:
        async with bench_of(kind, KINDS[kind].accepting[name], name, takes=True) as bench:
            await bench.write()
            await bench.live(2 * HOUR)
            assert await bench.states() == {"sent": 1}
            assert [got.marks for got in bench.got] == [{mark_of(0)}]

    asyncio.run(story())


@cases("failing")
def test_what_fails_is_tried_again_under_the_same_id_and_arrives(kind: str, name: str) -> None:
    async def story() -> None:
        behaviour, wait = KINDS[kind].failing[name]
        async with bench_of(kind, behaviour, name) as bench:
            await bench.write()
            await bench.live(timedelta(seconds=max(10.0, wait + 5)))
            assert await bench.states() == {"waiting": 1}
            times = bench.receiver.times
            assert len(times) >= 2
            assert times[1] - times[0] >= wait * 0.8
            assert spaced(times)
            (endpoint,) = await bench.context.store.endpoints()
            assert endpoint.failures == len(times)
            bench.heal()
            await bench.live(HOUR)
            assert await bench.states() == {"sent": 1}
            assert named_alike(bench.got)
            assert [got.marks for got in bench.got if got.is_taken] == [{mark_of(0)}]
            (endpoint,) = await bench.context.store.endpoints()
            assert (endpoint.failures, endpoint.failing_since) == (0, None)

    asyncio.run(story())


@cases("refusing")
def test_what_is_refused_is_believed_at_the_fourth_time(kind: str, name: str) -> None:
    async def story() -> None:
        async with bench_of(kind, KINDS[kind].refusing[name], name) as bench:
            await bench.write()
            await bench.live(HOUR)
            if name in KINDS[kind].gone:
                await assert_disabled(bench)
                return
            assert await bench.states() == {"dead": 1}
            assert len(bench.got) == 4
            assert spaced(bench.receiver.times)
            (dead,) = await bench.context.store.deliveries(state=DeliveryState.DEAD)
            assert name[:3] in (dead.last_error or "") or "refuses" in (dead.last_error or "")
            bench.heal()
            assert await bench.context.store.replay(bench.clock.now()) == 1
            await bench.live(HOUR)
            assert await bench.states() == {"sent": 1}

    asyncio.run(story())


async def assert_disabled(bench: Bench) -> None:
    assert await bench.states() == {"waiting": 1}
    assert len(bench.got) == 1


with_gone = pytest.mark.parametrize("kind", [k for k, what in KINDS.items() if what.gone])


@with_gone
def test_an_address_that_is_gone_is_asked_once(kind: str) -> None:
    async def story() -> None:
        async with bench_of(kind, status(410)) as bench:
            await bench.write()
            await bench.live(24 * HOUR)
            await assert_disabled(bench)
            bench.heal()
            await bench.context.store.enable_endpoint("c")
            await bench.live(MINUTE)
            assert await bench.states() == {"sent": 1}

    asyncio.run(story())


@with_gone
def test_a_message_that_is_too_long_is_sent_again_with_less_in_it(kind: str) -> None:
    async def story() -> None:
        async with bench_of(kind, status(413)) as bench:

            async def small_only(writer: asyncio.StreamWriter) -> None:
                writer.write(OK if bench.got[-1].size < bench.got[0].size / 2 else status(413))

            bench.receiver.behaviour = small_only
            await bench.write()
            await bench.live(MINUTE)
            assert await bench.states() == {"sent": 1}
            assert named_alike(bench.got)
            assert len(bench.got) == 2

    asyncio.run(story())


@pytest.mark.parametrize("kind", KINDS)
def test_nobody_there(kind: str) -> None:
    async def story() -> None:
        async with bench_of(kind, OK) as bench:
            bench.channel = KINDS[kind].make(closed_port(), bench.clock)
            await bench.write()
            await bench.live(MINUTE if kind == "apprise" else HOUR)
            assert await bench.states() == {"waiting": 1}
            await bench.channel.aclose()

    asyncio.run(story())


@with_gone
def test_somebody_without_tls(kind: str) -> None:
    async def story() -> None:
        # A server without TLS waits for the end of what it takes for headers.
        async with bench_of(kind, OK, "silent") as bench:
            made = type(bench.channel)
            url = f"https://127.0.0.1:{bench.receiver.port}/"
            options: Any = {"clock": bench.clock, "allow": ("127.0.0.0/8",)}
            bench.channel = made("c", url, **options)
            await bench.write()
            await bench.live(HOUR)
            assert await bench.states() == {"waiting": 1}
            assert bench.got == []
            await bench.channel.aclose()

    asyncio.run(story())


def closed_port() -> int:
    with contextlib.closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


# --- outages --------------------------------------------------------------------------------------

MESSAGES = 40


async def assert_all_arrived(bench: Bench) -> None:
    """Nothing is lost and nothing came twice, by what the receiver says it took."""
    found = await bench.context.store.deliveries(limit=1_000)
    by_id = {d.notification.notification_id: d for d in found}
    arrived = [d for d in found if d.state is DeliveryState.SENT]
    lost = [
        d
        for d in found
        if d.state is not DeliveryState.SENT
        and (
            d.state is not DeliveryState.FOLDED
            or by_id[d.folded_into or ""].state is not DeliveryState.SENT
        )
    ]
    taken = [got for got in bench.got if got.is_taken]
    alone = Counter(mark for got in taken if len(got.marks) == 1 for mark in got.marks)
    seen["messages"] += bench.written
    seen["attempts"] += len(bench.got)
    seen["lost"] += len(lost) + max(0, len(arrived) - len(taken))
    seen["duplicates"] += max(0, len(taken) - len(arrived))
    assert lost == []
    assert len(taken) == len(arrived)
    assert not [mark for mark, times in alone.items() if times > 1]
    assert {mark_of(n) for n in range(bench.written)} >= {m for got in taken for m in got.marks}


async def ended(bench: Bench) -> None:
    """The receiver is well again: what is there an hour later."""
    bench.heal()
    await bench.live(HOUR)
    await assert_all_arrived(bench)
    seen["outages"] += 1


def outage(kind: str, name: str, span: timedelta) -> None:
    """Messages all through an outage, and what is there an hour after it."""

    async def story() -> None:
        async with bench_of(kind, KINDS[kind].failing[name][0], name) as bench:
            for _ in range(MESSAGES):
                await bench.write()
                await bench.live(span / MESSAGES)
            assert spaced(bench.receiver.times)
            before = len(bench.got)
            await ended(bench)
            # One digest, and the few that were tried before: they may have arrived already.
            assert len(bench.got) - before <= 16

    asyncio.run(story())


OUTAGES = (24 * HOUR, 76 * HOUR)
spans = pytest.mark.parametrize("span", OUTAGES, ids=lambda span: f"{span // HOUR} h")


@spans
@pytest.mark.parametrize(
    ("kind", "name"),
    [("webhook", "500"), ("slack", "closes"), ("teams", "429"), ("email", "452 full")],
)
def test_an_outage_is_followed_within_the_hour(kind: str, name: str, span: timedelta) -> None:
    outage(kind, name, span)


#: The date of "429 until a date" is over after a minute and a half.
LASTING = [
    (kind, name)
    for kind, what in KINDS.items()
    for name in what.failing
    if name != "429 until a date" and kind != "apprise"
]


@pytest.mark.prove
@spans
@pytest.mark.parametrize(("kind", "name"), LASTING)
def test_every_kind_of_outage_is_followed_within_the_hour(
    kind: str, name: str, span: timedelta
) -> None:
    outage(kind, name, span)


@pytest.mark.prove
def test_a_day_without_what_apprise_speaks_to_is_followed_within_the_hour() -> None:
    # Each attempt is a process of a second or two: one of its behaviours, and one day, is enough.
    outage("apprise", "500", 24 * HOUR)


def moody(kind: str, seed: int) -> None:
    """A receiver that behaves otherwise every few hours, for three days."""
    chance, what = random.Random(seed), KINDS[kind]
    moods: list[tuple[str, Behaviour, bool]] = [
        *((name, behaviour, True) for name, behaviour in what.accepting.items()),
        *((name, behaviour, False) for name, (behaviour, _) in what.failing.items()),
    ]

    async def story() -> None:
        async with bench_of(kind, what.receiver.well, takes=True) as bench:
            for _ in range(MESSAGES):
                if chance.random() < 0.4:
                    name, behaviour, takes = chance.choice(moods)
                    bench.behave(name, behaviour, takes=takes)
                await bench.write()
                await bench.live(chance.uniform(0, 3.6) * HOUR)
            assert spaced([got.at for got in bench.got if not got.is_taken])
            await ended(bench)

    asyncio.run(story())


MOODY = ("webhook", "slack", "teams", "email")


@pytest.mark.parametrize("kind", MOODY)
def test_a_receiver_of_many_moods(kind: str) -> None:
    moody(kind, 1)


@pytest.mark.prove
@pytest.mark.parametrize("seed", range(2, 12))
@pytest.mark.parametrize("kind", MOODY)
def test_receivers_of_many_moods(kind: str, seed: int) -> None:
    moody(kind, seed)
