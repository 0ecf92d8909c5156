"""The sign of life: sent while this process works, withheld when not, its address never told."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import Any

import pytest
import structlog
from jobs_lab import InlineQueue, api, make_service, settings_for

from tagtide.bootstrap import open_app
from tagtide.channels.deadman import DeadmanSwitch
from tagtide.clock import SystemClock
from tagtide.errors import DeliveryError, Fault, InvalidInput
from tagtide.jobs import Condition, Health, Service
from tagtide.simulator import SimClock
from tagtide.web.metrics import exposition

SECRET = "c4n4ry-uuid"


class Switch:
    """Counts pings; fails with the errors it is given first."""

    def __init__(self, *errors: DeliveryError) -> None:
        self.errors = list(errors)
        self.pings = 0

    async def ping(self) -> None:
        self.pings += 1
        if self.errors:
            raise self.errors.pop(0)

    async def aclose(self) -> None: ...


def story(folder: Path, switch: Any, tell: Any, **extra: str) -> None:
    clock = SimClock(SystemClock(), speed=0)

    async def main() -> None:
        with api(clock=clock) as server:
            loaded = settings_for(f"sqlite:///{folder / 'data.db'}", server, folder, **extra)
            async with open_app(loaded, clock=clock) as app:
                service = make_service(app, InlineQueue(), lifeline=switch or app.lifeline)
                service.health.clear(Condition.STARTING)
                await tell(service, clock, app)

    asyncio.run(main())


def test_it_is_sent_while_the_scheduler_ticks(tmp_path: Path) -> None:
    switch = Switch()

    async def tell(service: Service, *_: Any) -> None:
        await service.ping()
        assert (switch.pings, service.health.pings) == (0, {"withheld": 1})
        await service.tick()
        await service.ping()
        await service.ping()
        assert (switch.pings, service.health.pings["sent"]) == (2, 2)
        assert service.health.ticked is not None
        service.health.ticked -= 600
        await service.ping()
        assert (switch.pings, service.health.pings["withheld"]) == (2, 2)
        await service.tick()
        await service.ping()
        assert switch.pings == 3

    story(tmp_path, switch, tell)


@pytest.mark.parametrize(
    ("condition", "sent"),
    [
        (Condition.DISK, 0),
        (Condition.STARTING, 0),
        (Condition.CREDITS, 1),
        (Condition.AUTH, 1),
        (Condition.DEADMAN, 1),
    ],
)
def test_it_is_withheld_when_nothing_is_watched(
    tmp_path: Path, condition: Condition, sent: int
) -> None:
    switch = Switch()

    async def tell(service: Service, *_: Any) -> None:
        await service.tick()
        service.health.set(condition, "A sentence.")
        await service.ping()

    story(tmp_path, switch, tell)
    assert switch.pings == sent


def test_a_failure_is_shown_and_goes_away_by_itself(tmp_path: Path) -> None:
    error = DeliveryError("The receiver cannot be reached.", fault=Fault.UNREACHABLE)
    switch = Switch(error, error)

    async def tell(service: Service, _: SimClock, app: Any) -> None:
        health: Health = service.health
        await service.tick()
        await service.ping()
        assert "cannot be reached" in health.conditions[Condition.DEADMAN]
        assert health.readiness.value == "degraded"
        await service.ping()
        await service.ping()
        assert Condition.DEADMAN not in health.conditions
        text = (await exposition(app, health)).decode()
        assert 'tagtide_deadman_pings_total{outcome="failed"} 2.0' in text
        assert 'tagtide_deadman_pings_total{outcome="sent"} 1.0' in text
        assert 'tagtide_condition{condition="deadman"} 0.0' in text

    story(tmp_path, switch, tell)


def test_without_one_nothing_happens(tmp_path: Path) -> None:
    async def tell(service: Service, *_: Any) -> None:
        await service.tick()
        await service.ping()
        assert service.health.pings == {}

    story(tmp_path, None, tell)


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    ("status", "fault"),
    [
        (200, None),
        (404, Fault.GONE),
        (302, Fault.REFUSED),
        (500, Fault.BUSY),
        (None, Fault.UNREACHABLE),
    ],
)
def test_a_real_one_as_configured_never_tells_its_address(
    tmp_path: Path,
    method: str,
    status: int | None,
    fault: Fault | None,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    heard: list[str] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append((await reader.readuntil(b"\r\n\r\n")).decode())
        if status is not None:
            writer.write(f"HTTP/1.1 {status} X\r\nContent-Length: 0\r\n\r\n".encode())
        writer.close()

    async def tell(service: Service, *_: Any) -> None:
        await service.tick()
        await service.ping()
        outcome = "sent" if fault is None else "failed"
        assert service.health.pings == {outcome: 1}
        shown = repr(service.health) + repr(vars(service))
        assert SECRET not in shown

    async def main() -> None:
        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/ping/{SECRET}"
        switch = DeadmanSwitch(url, clock=SystemClock(), method=method)
        assert SECRET not in repr(switch)
        with api() as local:
            loaded = settings_for(f"sqlite:///{tmp_path / 'data.db'}", local, tmp_path)
            async with open_app(loaded) as app:
                service = make_service(app, InlineQueue(), lifeline=switch)
                service.health.clear(Condition.STARTING)
                await tell(service)
        await switch.aclose()
        server.close()

    structlog.reset_defaults()
    asyncio.run(main())
    assert heard[0].startswith(f"{method} /ping/{SECRET} ")
    output = capsys.readouterr()
    assert SECRET not in caplog.text + output.out + output.err


def test_the_configured_one_is_made(tmp_path: Path) -> None:
    async def tell(_: Service, __: SimClock, app: Any) -> None:
        assert app.lifeline is not None
        assert SECRET not in repr(app.loaded)

    url = f"https://hc-ping.com/{SECRET}"
    story(tmp_path, None, tell, TAGTIDE_DEADMAN__URL=url, TAGTIDE_DEADMAN__METHOD="POST")


@pytest.mark.parametrize("url", ["http://example.com/", "https://10.0.0.1/", "x"])
def test_addresses_that_are_refused(url: str) -> None:
    with pytest.raises(InvalidInput):
        DeadmanSwitch(url, clock=SystemClock())
