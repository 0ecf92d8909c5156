"""Parts for tests of tagtide and of what is built on it: time, an application, a channel.

Together with `tagtide.simulator.SimulatorServer` a whole installation runs in one test, with real
storage, real sockets and simulated hours::

    clock = SimulatedClock(datetime(2026, 3, 1, tzinfo=UTC))
    async with server.running(), make_app(server.url, clock=clock) as app:
        await track(app.context, request)
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from tagtide.bootstrap import App, open_app
from tagtide.clock import SimulatedClock
from tagtide.errors import DeliveryError
from tagtide.models import Notification
from tagtide.ports import Clock
from tagtide.settings import load

__all__ = ["RecordingChannel", "SimulatedClock", "make_app"]

#: No configuration file of the machine may reach a test.
_NOWHERE = Path("/nonexistent")


@asynccontextmanager
async def make_app(
    api_url: str,
    *,
    clock: Clock,
    database: str = "sqlite://",
    settings: Mapping[str, str] | None = None,
) -> AsyncIterator[App]:
    """A wired application on its own database, in memory unless another one is named.

    ``settings`` are dotted keys of the configuration with their values as text, such as
    ``{"budget.credits_per_day": "20"}``. Reads neither files nor the environment.
    """
    environ = {
        f"TAGTIDE_{key.upper().replace('.', '__')}": value
        for key, value in {"api.url": api_url, "api.plan": "growth", **(settings or {})}.items()
    }
    loaded = load(database=database, environ=environ, cwd=_NOWHERE)
    async with open_app(loaded, clock=clock, migrate=True) as app:
        yield app


class RecordingChannel:
    """A channel that keeps what it is given; ``failures`` are raised first, one per message."""

    def __init__(self, name: str = "recording", failures: Iterable[DeliveryError] = ()) -> None:
        self.name = name
        self.sent: list[Notification] = []
        self._failures = list(failures)

    async def send(self, notification: Notification) -> None:
        """Keep the message, or raise the next failure."""
        if self._failures:
            raise self._failures.pop(0)
        self.sent.append(notification)

    async def aclose(self) -> None:
        """Nothing to close."""
