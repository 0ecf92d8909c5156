"""What a store takes and gives beside the models: arguments and results of its methods."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from tagtide.core.endpoints import Aftermath
from tagtide.models import (
    Alert,
    AlertEvent,
    Charge,
    Creator,
    DeliveryState,
    HashtagOutcome,
    HashtagReading,
    Notification,
    Reason,
    Run,
    VideoCounters,
    VideoReading,
    VideoSeen,
)

# --- what is written ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Reservation:
    """A call that is about to be made; a ledger row in state ``reserved``."""

    run_id: int | None
    campaign_id: int | None
    hashtag: str | None
    endpoint: str
    credits: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetLimit:
    """At most ``credits`` reserved, charged or unknown since ``since``.

    Args of a campaign's own limit carry its id; the installation's have None.
    """

    credits: int
    since: datetime
    #: For messages: "today", "this month".
    period: str
    campaign_id: int | None = None
    #: Counts only what runs of that trigger have reserved; a limit of the runs that agents start.
    trigger: str | None = None


#: Note of a reservation whose call was never made.
NOT_SENT = "not_sent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """What became of a reservation."""

    entry_id: int
    charge: Charge
    credits: int
    settled_at: datetime
    #: Balance the answer stated; None when it did not.
    credits_remaining: int | None = None
    #: ``ok``, `NOT_SENT`, or the reason of the failure.
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """The right to work on a slot until its lease ends; renewed by every commit."""

    slot_id: int
    #: Grows with each owner; a commit with an older one raises `LeaseLost`.
    fence: int
    run_id: int
    #: Where an interrupted run stopped: cursor of the next page, pages already stored.
    cursor: str = "0"
    pages: int = 0
    #: Ids already stored by this slot before the interruption.
    seen: frozenset[str] = frozenset()
    #: Counts already stored by this slot.
    videos_new: int = 0
    new_views: int = 0
    credits: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotTaken:
    """Someone else has the slot: still at work, or done with this outcome."""

    done: bool
    run_id: int
    outcome: HashtagOutcome | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Advance of a claimed slot, written together with the page it describes."""

    claim: Claim
    cursor: str
    pages: int
    lease_until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """Videos seen in one feed at one instant. Always a whole page."""

    hashtag: str
    #: Campaigns in which a first sighting makes a new video.
    campaign_ids: tuple[int, ...]
    read_at: datetime
    videos: tuple[VideoSeen, ...]
    run_id: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectorState:
    """What the statistical detector has learned of a hashtag, for one setting of its knob."""

    hashtag: str
    #: Expected false incidents per hashtag and month. Incidents depend on it, so each has a state.
    false_alarms: float
    #: Newest reading it has seen.
    read_at: datetime
    #: As the detector gives it out; JSON types only.
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectorPool:
    """What the hashtags have in common: read by the detector, remade once a day, never changed."""

    #: Counts up from 1; 0 is the table that tagtide brings with it.
    version: int
    made_at: datetime
    #: As the detector gives it out; JSON types only.
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """Everything one decision wants written: one transaction, all or nothing."""

    readings: tuple[HashtagReading, ...] = ()
    #: Written with the reading that led to them.
    detectors: tuple[DetectorState, ...] = ()
    sightings: tuple[Sighting, ...] = ()
    #: Followers and the like from a profile call.
    creators: tuple[Creator, ...] = ()
    #: (campaign id, video id) that became high priority, and when.
    high_priority: tuple[tuple[int, str, datetime], ...] = ()
    settlements: tuple[Settlement, ...] = ()
    progress: Progress | None = None
    #: Alerts in their new state: inserted, or replaced by id. A second open alert with the same
    #: fingerprint, or one that was changed since it was read, raises `Conflict`.
    alerts: tuple[Alert, ...] = ()
    #: Lines of their history.
    alert_events: tuple[AlertEvent, ...] = ()
    notifications: tuple[Notification, ...] = ()
    #: Outcome of the claimed slot; ends the claim.
    outcome: HashtagOutcome | None = None
    outcome_claim: Claim | None = None
    #: Outcomes without a claim, of hashtags that were skipped or that another run has read; only
    #: `finish_run` takes them.
    unclaimed: tuple[HashtagOutcome, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SightingEffect:
    """What a sighting changed, per video, in the order seen."""

    video_id: str
    #: Campaigns in which this was the first sighting.
    new_in: tuple[int, ...]
    #: Never seen before by this store.
    is_first: bool
    #: The reading before this one; None on the first.
    previous: VideoReading | None


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueChange:
    """What one decision about a channel's queue wants written: one transaction, all or nothing."""

    channel: str
    #: Of the endpoint as the decision read it; nothing is written when it has grown since.
    fence: int
    at: datetime
    #: A message that tells ``folded`` too.
    queued: Notification | None = None
    folded: tuple[str, ...] = ()
    #: The message that is sent now, while the endpoint is ours until ``lease_until``.
    attempted: str | None = None
    lease_until: datetime | None = None
    #: Kept for the digest.
    held: tuple[str, ...] = ()
    #: Become dead letters, with this reason.
    given_up: tuple[str, ...] = ()
    reason: str = ""
    #: The digest that was looked after.
    digest_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptEnd:
    """What became of an attempt."""

    #: The owner's, from the change that began the attempt.
    fence: int
    at: datetime
    notification_id: str
    aftermath: Aftermath
    #: What was met; empty when the message was accepted.
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryCount:
    """Messages of one channel in one state."""

    channel: str
    state: DeliveryState
    count: int
    #: Creation of the oldest.
    oldest_at: datetime


# --- what is read ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class HashtagState:
    """What a decision about a hashtag reads."""

    name: str
    #: TikTok's id, once resolved.
    hashtag_id: str | None
    #: Consecutive failed slots with the reason of the last.
    failures: int
    failure_reason: Reason
    #: Set when the hashtag is paused (3 x not found); shown with its reason.
    paused_at: datetime | None
    latest: HashtagReading | None


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownVideo:
    """A video of a campaign at its latest reading."""

    video_id: str
    #: Where first seen.
    hashtag: str
    hashtags: tuple[str, ...]
    author_key: str
    author_username: str | None
    author_sec_uid: str | None
    author_nickname: str | None
    author_followers: int | None
    caption: str
    created_at: datetime | None
    first_seen_at: datetime
    high_priority_at: datetime | None
    read_at: datetime
    counters: VideoCounters


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerTotals:
    """Sum of ledger rows in a period."""

    charged: int
    unknown: int
    reserved: int
    not_charged_calls: int
    calls: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerLine:
    """Spending of one campaign, job or endpoint in a period."""

    key: str
    calls: int
    credits: int
    unknown: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """Credits left as the provider last said, and when."""

    credits_remaining: int
    read_at: datetime
    plan: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSummary:
    """A run with the outcome of each hashtag."""

    run: Run
    outcomes: tuple[HashtagOutcome, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredReport:
    """A report as it was made; one per campaign, kind and day."""

    campaign_id: int
    kind: str
    on: date
    made_at: datetime
    body: Mapping[str, Any] = field(default_factory=dict)
    #: The same for people, as `core.messages.document` writes it; None where nobody kept it.
    document: Sequence[Mapping[str, Any]] | None = None

    @property
    def as_of(self) -> datetime:
        """Instant of its newest reading; when it was made where an older version did not say."""
        as_of = self.body.get("as_of")
        return datetime.fromisoformat(as_of) if isinstance(as_of, str) else self.made_at
