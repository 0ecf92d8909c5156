"""The only reader of the clock and of chance."""

from __future__ import annotations

import asyncio
import random
import secrets
import time
from datetime import UTC, datetime, timedelta


class SystemClock:
    """The machine's clock, and its entropy."""

    def now(self) -> datetime:
        """The instant in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds for durations."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait; 0 yields."""
        await asyncio.sleep(max(0.0, seconds))

    def random(self) -> float:
        """A number in [0, 1)."""
        return random.random()

    def token(self) -> str:
        """128 bit of entropy in hexadecimal: easy to type, and never like an option."""
        return secrets.token_hex(16)


class SimulatedClock:
    """A clock that stands still until it is moved; deterministic by seed.

    ``sleep`` moves the clock and yields once, so code that waits for hours runs at once. Durations
    follow the simulated instant. Not for code that waits on real sockets with real deadlines.
    """

    def __init__(self, start: datetime, *, seed: int = 0) -> None:
        self._now = start
        self._start = start
        self._chance = random.Random(seed)

    def now(self) -> datetime:
        """The simulated instant in UTC."""
        return self._now

    def monotonic(self) -> float:
        """Simulated seconds since the start."""
        return (self._now - self._start).total_seconds()

    async def sleep(self, seconds: float) -> None:
        """Move the clock by ``seconds`` and yield."""
        self.advance(timedelta(seconds=max(0.0, seconds)))
        await asyncio.sleep(0)

    def random(self) -> float:
        """The next number of the seeded sequence."""
        return self._chance.random()

    def token(self) -> str:
        """The next token of the seeded sequence: unique, not secret."""
        return f"{self._chance.getrandbits(128):032x}"

    def advance(self, span: timedelta) -> None:
        """Move forward by ``span``."""
        self._now += span

    def set(self, instant: datetime) -> None:
        """Move to ``instant``, forward or back."""
        self._now = instant
