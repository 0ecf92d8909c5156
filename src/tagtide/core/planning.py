"""What to read and when, within the credits there are."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TypeVar
from zoneinfo import ZoneInfo

from tagtide.core.formats import counted, percent, whole
from tagtide.models import Campaign

T = TypeVar("T")

#: A paused hashtag is tried again after this.
_PROBE_AFTER = timedelta(hours=24)


def is_probe_due(paused_at: datetime, now: datetime) -> bool:
    """Whether a paused hashtag deserves a try: once a day, for it may have come to life."""
    return now - paused_at >= _PROBE_AFTER


def rotate(items: Sequence[T], day_number: int) -> list[T]:
    """The same items, beginning one further each day.

    When credits end in the middle of a run, it is not always the same hashtags that go without.
    """
    if not items:
        return []
    start = day_number % len(items)
    return [*items[start:], *items[:start]]


class Phase(StrEnum):
    """Where a campaign stands in time."""

    UPCOMING = "upcoming"
    RUNNING = "running"
    ENDED = "ended"


def campaign_phase(campaign: Campaign, now: datetime) -> Phase:
    """Phase by the local date of the campaign's zone; start and end days belong to it."""
    today = now.astimezone(ZoneInfo(campaign.timezone)).date()
    if campaign.starts_on is not None and today < campaign.starts_on:
        return Phase.UPCOMING
    if campaign.ends_on is not None and today > campaign.ends_on:
        return Phase.ENDED
    return Phase.RUNNING


def balance_warning(
    spent: int, allowed: int | None, what: str = "this month's credits", warn_at: float = 0.8
) -> str | None:
    """A sentence when a share of an allowance is spent; None below it, or without an allowance.

    ``allowed`` is a budget, or the credits there were when the period began (spent + remaining).
    """
    if allowed is None or spent < warn_at * allowed:
        return None
    if spent >= allowed:
        return f"All of {what} are spent ({whole(spent)} of {whole(allowed)})."
    left = counted(allowed - spent, "credit")
    return f"{percent(spent / allowed)} of {what} are spent; {left} are left."
