"""What to read next within the credits there are, and what to leave out and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol, TypeVar
from zoneinfo import ZoneInfo

from tagtide.core.formats import counted, percent, whole
from tagtide.models import Campaign, CampaignHashtag, Reason

T = TypeVar("T")

#: Consecutive slots that must say "no such hashtag" before it is paused.
_PROBE_AFTER = timedelta(hours=24)
_PAUSE_AFTER = 3


class KnownHashtag(Protocol):
    """What planning needs of a hashtag's stored state."""

    @property
    def hashtag_id(self) -> str | None:
        """TikTok's id, once resolved."""

    @property
    def paused_at(self) -> datetime | None:
        """When the hashtag was paused; None while it is read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedReads:
    """Calls planned for one hashtag in one run; none when it is skipped."""

    hashtag: str
    #: Calls for the totals: one where the id has to be resolved, or where totals are the purpose.
    totals_calls: int = 0
    #: Feed pages at most.
    pages: int = 0
    #: Why nothing is read.
    skip: Reason = Reason.NONE

    @property
    def credits(self) -> int:
        """Credits to reserve: one per call."""
        return self.totals_calls + self.pages


def plan_collect(
    hashtags: Sequence[CampaignHashtag], states: Mapping[str, KnownHashtag], page_budget: int
) -> list[PlannedReads]:
    """Feed reads of a collection, in the given order.

    Hashtags whose feed is not wanted are left out; a hashtag without a known id needs one call
    more. Does NOT look at the balance: the reservation does.
    """
    return [
        _feed_reads(hashtag.name, states.get(hashtag.name), page_budget)
        for hashtag in hashtags
        if hashtag.feed
    ]


def plan_track(
    hashtags: Sequence[CampaignHashtag],
    states: Mapping[str, KnownHashtag],
    counts_unknown: frozenset[str] = frozenset(),
) -> list[PlannedReads]:
    """Totals of every hashtag; one feed page more where TikTok does not say the video count.

    ``counts_unknown`` names those hashtags.
    """
    planned = []
    for hashtag in hashtags:
        reason = skip_reason(states.get(hashtag.name))
        if reason is not Reason.NONE:
            planned.append(PlannedReads(hashtag=hashtag.name, skip=reason))
        else:
            pages = int(hashtag.feed and hashtag.name in counts_unknown)
            planned.append(PlannedReads(hashtag=hashtag.name, totals_calls=1, pages=pages))
    return planned


def _feed_reads(name: str, state: KnownHashtag | None, page_budget: int) -> PlannedReads:
    reason = skip_reason(state)
    if reason is not Reason.NONE:
        return PlannedReads(hashtag=name, skip=reason)
    is_known = state is not None and state.hashtag_id is not None
    return PlannedReads(hashtag=name, totals_calls=int(not is_known), pages=max(0, page_budget))


def skip_reason(state: KnownHashtag | None) -> Reason:
    """Why a hashtag is not read at all; `Reason.NONE` when it is."""
    return Reason.PAUSED if state is not None and state.paused_at is not None else Reason.NONE


def is_probe_due(paused_at: datetime, now: datetime) -> bool:
    """Whether a paused hashtag deserves a try: once a day, for it may have come to life."""
    return now - paused_at >= _PROBE_AFTER


def pause_reason(failures: int, reason: Reason) -> Reason:
    """`Reason.PAUSED` when a hashtag is to be paused, else `Reason.NONE`.

    ``failures`` counts consecutive failed slots, this one included. Only "no such hashtag" and "bad
    request" pause: they say something about the hashtag, the others about the API.
    """
    if reason in {Reason.NOT_FOUND, Reason.BAD_REQUEST} and failures >= _PAUSE_AFTER:
        return Reason.PAUSED
    return Reason.NONE


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
