"""Which videos are worth acting on, and what a sighting added."""

from __future__ import annotations

from tagtide.models import RuleSettings, VideoCounters, VideoReading


def is_high_priority(counters: VideoCounters, rules: RuleSettings) -> bool:
    """Engagement rate and views both at or above the campaign's marks; unknown is not."""
    rate, views = counters.engagement_rate, counters.view_count
    if rate is None or views is None:
        return False
    return rate >= rules.high_priority_rate and views >= rules.high_priority_views


def view_growth(counters: VideoCounters, previous: VideoReading | None) -> int:
    """Views gained since the previous reading.

    0 where either count is unknown or they come from different fields of the payload; a fall of the
    counter is not a gain and counts as 0.
    """
    if previous is None or previous.counters.source is not counters.source:
        return 0
    before = previous.counters.view_count
    if before is None or counters.view_count is None:
        return 0
    return max(0, counters.view_count - before)
