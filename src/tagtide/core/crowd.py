"""The sums that a viral video is compared with: those of all videos, and without one of them."""

from __future__ import annotations

from dataclasses import dataclass

from tagtide.models import VideoCounters


@dataclass(frozen=True, slots=True, kw_only=True)
class Crowd:
    """Sums over the videos of a campaign whose views are known, at their latest readings."""

    count: int = 0
    views: int = 0
    #: Of those whose engagement is known.
    engagement: int = 0

    def including(self, counters: VideoCounters) -> Crowd:
        """With one video more."""
        return self._changed(counters, 1)

    def without(self, counters: VideoCounters) -> Crowd:
        """With one of its videos less: the others."""
        return self._changed(counters, -1)

    def _changed(self, counters: VideoCounters, sign: int) -> Crowd:
        if counters.view_count is None:
            return self
        return Crowd(
            count=self.count + sign,
            views=self.views + sign * counters.view_count,
            engagement=self.engagement + sign * (counters.engagement or 0),
        )

    def is_topped_by(self, counters: VideoCounters, factor: float) -> bool:
        """Whether one of its videos may be viral: most are far from it, and need no sentence."""
        others = self.without(counters)
        pairs = ((counters.view_count, others.views), (counters.engagement, others.engagement))
        return any(
            value is not None and value * others.count >= factor * total for value, total in pairs
        )

    def marks(self, factor: float) -> tuple[float, float]:
        """Views and engagement without which no video can top it.

        From v (n - 1) >= f (sum - v) follows v >= f sum / (n - 1 + f); rounded down.
        """
        share = factor / max(1.0, self.count + factor) * (1 - 1e-9)
        return self.views * share, self.engagement * share
