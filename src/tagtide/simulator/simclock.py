"""The world's time: the real clock, shifted, sped up or set by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from tagtide.ports import Clock


class SimClock:
    """A `Clock` whose ``now`` can be set and can run faster than the clock beneath it.

    Only ``now`` is changed: ``sleep`` and ``monotonic`` are the real ones, since a peer waits for
    them in real time.
    """

    def __init__(self, base: Clock, *, start: datetime | None = None, speed: float = 1.0) -> None:
        if speed < 0:
            raise ValueError("speed must not be negative")
        self._base = base
        self._speed = speed
        self._origin = base.now()
        self._at = self._origin if start is None else start.astimezone(UTC)

    def now(self) -> datetime:
        """The simulated instant, aware, in UTC."""
        return self._at + (self._base.now() - self._origin) * self._speed

    def set(self, at: datetime) -> None:
        """Jump to an aware instant; time goes on from there at the same speed."""
        self._origin = self._base.now()
        self._at = at.astimezone(UTC)

    def run(self, speed: float = 1.0) -> None:
        """Go on from here at another speed; 0 stands still."""
        self.set(self.now())
        self._speed = speed

    def advance(self, span: timedelta) -> None:
        """Jump by a span, backwards when it is negative."""
        self.set(self.now() + span)

    def monotonic(self) -> float:
        """Real seconds."""
        return self._base.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait real seconds."""
        await self._base.sleep(seconds)

    def random(self) -> float:
        """A number in [0, 1)."""
        return self._base.random()

    def token(self) -> str:
        """A new unguessable identifier."""
        return self._base.token()
