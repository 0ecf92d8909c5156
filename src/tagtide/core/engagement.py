"""Engagement of a hashtag's held videos at both ends of a window, for the growth rule.

Each video counts with its newest reading, if that is not older than half a window, and with the one
nearest to a window ago, if that is not further from it than half a window.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from tagtide.models import VideoCounters


class Read(Protocol):
    """Counters of a video at an instant."""

    @property
    def read_at(self) -> datetime:
        """When."""

    @property
    def counters(self) -> VideoCounters:
        """What."""


@dataclass(frozen=True, slots=True)
class Ends:
    """Where readings count that are compared at an instant."""

    now: datetime
    window_hours: float

    @property
    def tolerance(self) -> timedelta:
        """Half a window."""
        return timedelta(hours=self.window_hours) / 2

    @property
    def fresh_since(self) -> datetime:
        """The newest reading of a video must not be older."""
        return self.now - self.tolerance

    @property
    def earlier(self) -> datetime:
        """The other reading lies near this, within the tolerance."""
        return self.now - timedelta(hours=self.window_hours)


def engagement_over(pairs: Iterable[tuple[Read, Read]]) -> tuple[int | None, int | None]:
    """Engagement (now, then) summed over videos that have both; None twice where none has.

    Args:
        pairs: Of each video its newest reading and the one a window ago, where it has one.
    """
    known = [
        (now.counters.engagement, then.counters.engagement)
        for now, then in pairs
        if then.read_at < now.read_at
    ]
    both = [(a, b) for a, b in known if a is not None and b is not None]
    if not both:
        return None, None
    return sum(a for a, _ in both), sum(b for _, b in both)
