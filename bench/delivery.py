"""delivery: how long an alert takes from its commit to its receiver, with and without tarpits.

Hypothesis: a message that is committed while the service runs is with its receiver within a few
seconds: the loop looks once a second, and alerts of one run wait up to two seconds for each other.
Channels that hang change nothing, since each has a queue and a sender of its own.

Method: the service of `tagtide serve` with its real loops on a SQLite file (`synchronous=FULL`),
webhook channels on loopback, real time. Alerts are committed at random instants; the receiver notes
when each was told of, alone or in a digest. In the second half twenty other channels have a message
for a receiver that accepts the connection and never answers.

Control: the same service, the same channel, without the tarpits.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from bench.figures import Figure, Result
from tagtide.bootstrap import App, open_app
from tagtide.cli.options import configure_logging
from tagtide.cli.serve import make_service
from tagtide.clock import SystemClock
from tagtide.jobs import Health
from tagtide.models import Notification
from tagtide.ports import Changes
from tagtide.settings import load

_TARPITS = 20
_SEED = 7


def run(*, quick: bool) -> Result:
    """Measure."""
    configure_logging("error", "json")
    messages, seconds = (40, 15.0) if quick else (300, 120.0)
    alone = asyncio.run(_measure(messages, seconds, tarpits=0))
    beside = asyncio.run(_measure(messages, seconds, tarpits=_TARPITS))
    how = f"{messages} alerts at random instants of {seconds:.0f} s"
    figures = [
        _figure("commit to receiver, p99", alone, 0.99, 30, how),
        _figure("commit to receiver, p50", alone, 0.5, 2, how),
        _figure(f"p99 beside {_TARPITS} tarpits", beside, 0.99, 10, how),
        _figure(f"p50 beside {_TARPITS} tarpits", beside, 0.5, 2, how),
    ]
    return Result(name="delivery", figures=figures, facts={"alone": alone, "beside": beside})


def _figure(name: str, delays: Sequence[float], share: float, target: float, how: str) -> Figure:
    value = sorted(delays)[min(len(delays) - 1, int(share * len(delays)))]
    return Figure(name=name, value=value, target=target, at_most=True, unit=" s", against=how)


class _Receiver:
    def __init__(self, expected: int) -> None:
        self.told: dict[str, float] = {}
        self.all = asyncio.Event()
        self._expected = expected

    async def well(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
                length = int(head.partition("content-length: ")[2].partition("\r\n")[0])
                body = json.loads(await reader.readexactly(length))
                for alert in body.get("items") or [body["alert"]]:
                    self.told.setdefault(alert["alert_id"], time.time())
                if len(self.told) >= self._expected:
                    self.all.set()
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    async def tarpit(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await reader.read(65536):
                pass
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()


async def _measure(messages: int, seconds: float, *, tarpits: int) -> list[float]:
    receiver, chance = _Receiver(messages), random.Random(_SEED)
    well = await asyncio.start_server(receiver.well, "127.0.0.1", 0)
    pit = await asyncio.start_server(receiver.tarpit, "127.0.0.1", 0)
    ports = {"well": well.sockets[0].getsockname()[1]}
    ports |= {f"tarpit{n}": pit.sockets[0].getsockname()[1] for n in range(tarpits)}
    written: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        loaded = load(environ=_environment(folder, ports), cwd=Path(folder))
        async with open_app(loaded, clock=SystemClock()) as app:
            stop = asyncio.Event()
            async with asyncio.TaskGroup() as group:
                group.create_task(make_service(app, Health()).run(stop))
                for name in ports:
                    if name != "well":
                        await _write(app, name, "0")
                pauses = sorted(chance.uniform(0, seconds) for _ in range(messages))
                began = time.time()
                for number, pause in enumerate(pauses):
                    await asyncio.sleep(max(0.0, began + pause - time.time()))
                    await _write(app, "well", str(number))
                    written[str(number)] = time.time()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(receiver.all.wait(), 60)
                stop.set()
    well.close()
    pit.close()
    return [receiver.told.get(one, float("inf")) - at for one, at in written.items()]


async def _write(app: App, channel: str, number: str) -> None:
    now = app.context.clock.now()
    message = Notification(
        notification_id=app.context.clock.token(),
        channel=channel,
        alert_id=number,
        kind="firing",
        created_at=now,
        due_at=now,
        payload={"type": "alert.firing", "alert": {"alert_id": number}},
    )
    await app.store.commit(Changes(notifications=(message,)))


def _environment(folder: str, ports: dict[str, int]) -> dict[str, str]:
    return {
        "TAGTIDE_DATABASE_URL": f"sqlite:///{folder}/delivery.db",
        "TAGTIDE_API_URL": "http://127.0.0.1:9",
        **{
            f"TAGTIDE_CHANNELS__{name}__{key}": value
            for name, port in ports.items()
            for key, value in (("KIND", "webhook"), ("URL", f"http://127.0.0.1:{port}/"))
        },
    }
