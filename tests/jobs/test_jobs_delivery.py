"""Deliveries of a running service: channels that hang beside one that is well, in real time."""

from __future__ import annotations

import asyncio
import json
import time
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from jobs_lab import InlineQueue, make_service

from tagtide.bootstrap import open_app
from tagtide.clock import SystemClock
from tagtide.core.endpoints import Aftermath, Ending
from tagtide.jobs.health import Condition
from tagtide.models import Endpoint, Notification
from tagtide.ports import AttemptEnd, Changes, QueueChange, Store
from tagtide.settings import load

TARPITS, MESSAGES = 20, 30


class Receivers:
    """One that answers at once and keeps when; one that never does."""

    def __init__(self) -> None:
        #: When each alert was first told of, alone or among others.
        self.told: dict[str, float] = {}
        self.tarpitted = 0

    async def well(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
                length = int(head.partition("content-length: ")[2].partition("\r\n")[0])
                body = json.loads(await reader.readexactly(length))
                for alert in body.get("items") or [body["alert"]]:
                    self.told.setdefault(alert["alert_id"], time.time())
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    async def tarpit(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.tarpitted += 1
        try:
            while await reader.read(65536):
                pass
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()


async def write(store: Store, name: str, number: int, clock: SystemClock) -> None:
    now = clock.now()
    message = Notification(
        notification_id=f"{name}-{number}",
        channel=name,
        alert_id=None,
        kind="firing",
        created_at=now,
        due_at=now,
        payload={"type": "alert.firing", "alert": {"alert_id": str(number)}},
    )
    await store.commit(Changes(notifications=(message,)))


def environment(folder: Path, well: int, tarpit: int) -> dict[str, str]:
    names = {"well": well, **{f"tarpit{n}": tarpit for n in range(TARPITS)}}
    return {
        "TAGTIDE_DATABASE_URL": f"sqlite:///{folder}/data.db",
        "TAGTIDE_API_URL": "http://127.0.0.1:9",
        **{
            f"TAGTIDE_CHANNELS__{name}__{key}": value
            for name, port in names.items()
            for key, value in (("KIND", "webhook"), ("URL", f"http://127.0.0.1:{port}/"))
        },
    }


def test_twenty_tarpits_beside_a_healthy_channel(tmp_path: Path) -> None:
    receivers, clock, written = Receivers(), SystemClock(), []

    async def story() -> None:
        well = await asyncio.start_server(receivers.well, "127.0.0.1", 0)
        tarpit = await asyncio.start_server(receivers.tarpit, "127.0.0.1", 0)
        ports = [server.sockets[0].getsockname()[1] for server in (well, tarpit)]
        loaded = load(environ=environment(tmp_path, *ports), cwd=tmp_path)
        async with open_app(loaded, clock=clock) as app:
            stop = asyncio.Event()
            service = make_service(app, InlineQueue())
            async with asyncio.TaskGroup() as group:
                group.create_task(service.run(stop))
                for name in loaded.settings.channels:
                    if name != "well":
                        await write(app.store, name, 0, clock)
                for number in range(MESSAGES):
                    await write(app.store, "well", number, clock)
                    written.append(time.time())
                    await asyncio.sleep(0.25)
                while len(receivers.told) < MESSAGES and time.time() < written[-1] + 20:
                    await asyncio.sleep(0.05)
                stopped = time.monotonic()
                stop.set()
            # What hangs is broken off: the process ends in time.
            assert time.monotonic() - stopped < 12
            states = {(c.channel, c.state.value) for c in await app.store.delivery_counts()}
            assert {s for name, s in states if name == "well"} <= {"sent", "folded"}
            assert {s for name, s in states if name != "well"} == {"waiting"}
        well.close()
        tarpit.close()

    asyncio.run(story())
    assert receivers.tarpitted >= TARPITS
    assert len(receivers.told) == MESSAGES
    assert max(receivers.told[str(n)] - at for n, at in enumerate(written)) < 10


@pytest.mark.parametrize("failing", [True, False])
def test_readiness_names_a_channel_that_does_not_work(tmp_path: Path, failing: bool) -> None:
    async def story() -> None:
        loaded = load(environ=environment(tmp_path, 9, 9), cwd=tmp_path)
        async with open_app(loaded, clock=SystemClock()) as app:
            service = make_service(app, InlineQueue())
            if failing:
                await write(app.store, "well", 0, SystemClock())
                queue = await app.store.dispatch_queue("well")
                old = app.context.clock.now() - timedelta(hours=2)
                await fail_for_long(app.store, queue.endpoint.fence, old)
            await service.watch()
            assert (Condition.DELIVERY in service.health.conditions) is failing

    asyncio.run(story())


async def fail_for_long(store: Store, fence: int, at: datetime) -> None:
    change = QueueChange(channel="well", fence=fence, at=at, attempted="well-0", lease_until=at)
    assert await store.change_queue(change)
    endpoint = Endpoint(channel="well", failing_since=at, failures=9, failed_at=at)
    after = Aftermath(endpoint=endpoint, ending=Ending.DELAYED, due_at=at)
    await store.end_attempt(
        AttemptEnd(fence=fence + 1, at=at, notification_id="well-0", aftermath=after, error="x")
    )
