"""What the use cases need from the outside, as Protocols.

Adapters implement them; `bootstrap` wires.

Every method of `Store` may raise `StorageError`. Every method that reads the data API may raise
`SourceError`. One method of `Store` that writes is one transaction.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Protocol

from tagtide.core.dispatch import DispatchQueue
from tagtide.core.endpoints import Aftermath
from tagtide.models import (
    Alert,
    AlertEvent,
    AlertState,
    Answer,
    Campaign,
    Charge,
    Creator,
    Delivery,
    DeliveryState,
    Endpoint,
    HashtagOutcome,
    HashtagReading,
    HashtagTotals,
    Job,
    Mute,
    Notification,
    Reason,
    Role,
    Rule,
    Run,
    Status,
    Usage,
    VideoCounters,
    VideoPage,
    VideoReading,
    VideoSeen,
)

# --- time and chance ------------------------------------------------------------------------------


class Clock(Protocol):
    """The only source of time and chance. A simulated one may run ahead."""

    def now(self) -> datetime:
        """The instant, aware, in UTC."""

    def monotonic(self) -> float:
        """Seconds for measuring durations; never steps."""

    async def sleep(self, seconds: float) -> None:
        """Wait; 0 yields."""

    def random(self) -> float:
        """A number in [0, 1) for jitter."""

    def token(self) -> str:
        """A new unguessable, URL-safe identifier of at least 128 bit."""


# --- the data API ---------------------------------------------------------------------------------


class Source(Protocol):
    """A provider of TikTok data. One call is one attempt: retries belong to the caller.

    Each method makes exactly one request or raises before it is sent. Every `SourceError` says in
    ``charge`` whether it was billed, as far as anyone can know.
    """

    #: Name of the provider, for the ledger and for messages.
    name: str
    #: Calls that may be in flight at once, now (shrinks while the API says it is too many).
    max_in_flight: int

    async def hashtag(
        self, *, name: str | None = None, hashtag_id: str | None = None
    ) -> Answer[HashtagTotals]:
        """Totals of a hashtag; by id where it is known. Raises `ItemNotFound`."""

    async def hashtag_videos(
        self, hashtag_id: str, *, cursor: str = "0", count: int = 30
    ) -> Answer[VideoPage]:
        """One page of the hashtag's feed, in TikTok's ranking."""

    async def search_videos(
        self, keyword: str, *, cursor: str = "0", count: int = 30, published_within_days: int = 0
    ) -> Answer[VideoPage]:
        """One page of a keyword search; days are one of 0 (all), 1, 7, 30, 90, 180."""

    async def profile(
        self, *, username: str | None = None, sec_uid: str | None = None
    ) -> Answer[Creator]:
        """A creator with followers."""

    async def video(self, video_id: str) -> Answer[VideoSeen]:
        """One video."""

    async def usage(self) -> Usage:
        """Plan and balance; free."""

    async def aclose(self) -> None:
        """Close connections; the source is not usable afterwards."""


# --- channels -------------------------------------------------------------------------------------


class Channel(Protocol):
    """A way to tell people. `send` returns when the receiver has accepted."""

    #: Name from the configuration.
    name: str

    async def send(self, notification: Notification) -> None:
        """Send one message, once. Raises `DeliveryError`; its text holds no address or secret."""

    async def aclose(self) -> None:
        """Close connections."""


class Lifeline(Protocol):
    """Someone outside who raises the alarm when this process falls silent."""

    async def ping(self) -> None:
        """Say once that this process does its work. Raises `DeliveryError`; names no address."""

    async def aclose(self) -> None:
        """Close connections."""


# --- storage: what is written ---------------------------------------------------------------------


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


# --- storage: what is read ------------------------------------------------------------------------


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
class Crowd:
    """Sums over the videos of a campaign whose views are known, at their latest readings."""

    count: int
    views: int
    #: Of those whose engagement is known.
    engagement: int


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


class Spool(Protocol):
    """Where paid-for changes wait while the database does not take them."""

    def put(self, changes: Changes, name: str) -> None:
        """Keep changes under a new name. Raises `OSError`."""

    def waiting(self) -> Iterator[tuple[str, Changes | None]]:
        """Everything kept, oldest name first; None for what cannot be read any more."""

    def done(self, name: str) -> None:
        """Forget what has been stored."""


# --- the store, topic by topic --------------------------------------------------------------------


class CampaignStore(Protocol):
    """What is watched."""

    async def add_campaign(self, campaign: Campaign) -> Campaign:
        """Store a new campaign and return it with its id. Raises `Conflict` if the name exists."""

    async def replace_campaign(self, campaign: Campaign) -> None:
        """Make the stored campaign equal to this one (by id). History of its hashtags stays."""

    async def remove_campaign(self, campaign_id: int, now: datetime) -> None:
        """Take a campaign out of service; its readings stay, its name is free again."""

    async def campaigns(self) -> list[Campaign]:
        """All in service, by name."""

    async def campaign(self, name: str) -> Campaign:
        """One by name. Raises `NotFound` with the nearest name as hint."""


class RunStore(Protocol):
    """Runs, slots and what they write."""

    async def start_run(
        self, job: Job, campaign_id: int, slot_at: datetime, trigger: str, now: datetime
    ) -> Run:
        """Start the run of a slot, or return the one that exists for (job, campaign, slot_at)."""

    async def finish_run(
        self, run_id: int, status: Status, reason: Reason, now: datetime, changes: Changes
    ) -> None:
        """End a run; changes (alerts, notifications) are written in the same transaction.

        A run's credits are computed from its ledger rows; rows of the run that are still
        ``reserved`` become ``not_charged`` (never sent).
        """

    async def claim_slot(
        self,
        job: Job,
        hashtag: str,
        slot_at: datetime,
        run_id: int,
        now: datetime,
        lease: timedelta,
    ) -> Claim | SlotTaken:
        """Claim (job, hashtag, instant): it is free, or its lease has ended.

        A run does not get its own slot again while the lease lives: two processes may have taken
        up the same interrupted run.
        """

    async def renew_run(self, run_id: int, lease_until: datetime) -> None:
        """Extend the lease of every unfinished slot of a run."""

    async def interrupted_run(
        self, job: Job, campaign_id: int, since: datetime, now: datetime
    ) -> Run | None:
        """Newest manual run started after ``since``, never finished, with no live lease."""

    async def recover(self, now: datetime) -> int:
        """Turn ``reserved`` rows of runs with no live lease into ``unknown``; return how many."""

    async def last_slot(self, job: Job, campaign_id: int) -> datetime | None:
        """Newest scheduled or catch-up slot of a job that was started."""

    async def newest_run(
        self, job: Job, campaign_id: int, statuses: Sequence[Status]
    ) -> Run | None:
        """The newest run that ended with one of these statuses."""

    async def ended_since(self, since: datetime) -> list[HashtagOutcome]:
        """Outcomes of hashtags that were really tried, of runs started since then."""

    async def runs(
        self, *, campaign_id: int | None = None, job: Job | None = None, limit: int = 50
    ) -> list[RunSummary]:
        """Newest first."""

    async def run(self, run_id: int) -> RunSummary: ...

    async def commit(self, changes: Changes) -> list[SightingEffect]:
        """Write one decision in one transaction.

        Latest counters, first sightings and window rollups are kept in the same transaction. A
        reading that exists already (same thing, same instant) is left as it is.
        Raises `LeaseLost` when the claim of ``progress`` or ``outcome_claim`` has a newer owner.
        """


class LedgerStore(Protocol):
    """Credits: reserved before a call, settled after it."""

    async def reserve(
        self, reservations: Sequence[Reservation], limits: Sequence[BudgetLimit], now: datetime
    ) -> list[int]:
        """Write one ``reserved`` row each in one commit and return their ids, in order.

        Raises `BudgetExceeded` and writes nothing when any limit would be passed.
        """

    async def settle(self, settlements: Sequence[Settlement]) -> None:
        """Settle rows that have nothing else to write (failed attempts)."""

    async def spent(self, since: datetime, campaign_id: int | None = None) -> LedgerTotals: ...

    async def spending(self, since: datetime, by: str) -> list[LedgerLine]:
        """Lines by ``campaign``, ``job``, ``endpoint`` or ``day``; largest first, days in order."""

    async def record_balance(self, balance: Balance) -> None: ...

    async def balance(self) -> Balance | None:
        """Newest statement of the provider, from any answer."""

    async def newest_note(self, notes: Sequence[str]) -> tuple[str, datetime] | None:
        """Note and instant of the newest settled row with one of these notes."""


class ReadingStore(Protocol):
    """Readings and what is derived from them."""

    async def hashtag_states(self, names: Sequence[str]) -> dict[str, HashtagState]: ...

    async def watchers(self, hashtag: str) -> list[Campaign]:
        """Campaigns in service that hold this hashtag."""

    async def resume_hashtag(self, hashtag: str) -> None:
        """Clear pause and failures."""

    async def reading_near(
        self, hashtag: str, target: datetime, *, before: datetime, tolerance: timedelta
    ) -> HashtagReading | None:
        """The reading nearest to ``target`` within the tolerance, else the newest one before it.

        Only readings strictly before ``before`` count. Where none lies within the tolerance, the
        latest earlier one (the newest before ``before``) is returned; None without any.
        """

    async def hashtag_readings(
        self, hashtag: str, since: datetime, until: datetime
    ) -> list[HashtagReading]:
        """In order of time, both ends included."""

    async def known_videos(
        self,
        campaign_id: int,
        *,
        hashtags: Sequence[str] | None = None,
        role: Role | None = None,
        seen_in_run: int | None = None,
        read_since: datetime | None = None,
        video_ids: Sequence[str] | None = None,
        high_priority: bool = False,
        reaching: tuple[float, float] | None = None,
    ) -> list[KnownVideo]:
        """Every video of a campaign at its latest reading; by id. Each argument keeps fewer.

        ``reaching`` keeps those with so many views, or so much engagement.
        """

    async def crowd(self, campaign_id: int, role: Role) -> Crowd:
        """Of the videos seen in the feeds of hashtags of that role."""

    async def video_readings_near(
        self,
        campaign_id: int,
        target: datetime,
        tolerance: timedelta,
        *,
        hashtags: Sequence[str] | None = None,
    ) -> dict[str, VideoReading]:
        """For each video of the campaign, its reading nearest to ``target`` in the tolerance."""

    async def video_readings(
        self, campaign_id: int, since: datetime, until: datetime
    ) -> list[VideoReading]:
        """Of every video of a campaign, in order of time, both ends included."""

    async def video_history(self, video_id: str) -> list[VideoReading]:
        """Raises `NotFound`."""

    async def new_video_count(
        self, campaign_id: int, hashtag: str | None, since: datetime, until: datetime
    ) -> int:
        """Videos first seen in the campaign in (since, until]."""

    async def newest_reading_at(self, campaign_id: int) -> datetime | None:
        """The instant of a report: the campaign's newest reading of any kind."""

    async def put_report(self, report: StoredReport) -> None:
        """Store or replace the report of that campaign, kind and day."""

    async def reports(self, campaign_id: int, kind: str, limit: int = 60) -> list[StoredReport]:
        """Newest first."""


class AlertStore(Protocol):
    """Alerts with their history, and mutes."""

    async def firing(self, campaign_id: int | None = None) -> list[Alert]:
        """Newest first; of every campaign and of tagtide itself when None."""

    async def alerts(
        self,
        *,
        campaign_id: int | None = None,
        state: AlertState | None = None,
        limit: int = 100,
        lapsed: bool = False,
    ) -> list[Alert]:
        """Newest first; those that were pending and never fired only with ``lapsed``."""

    async def episodes(
        self,
        campaign_id: int | None,
        *,
        resolved_since: datetime | None = None,
        rule: Rule | None = None,
    ) -> list[Alert]:
        """What a decision must know, oldest first: what is open, goes on and off, or ended since.

        ``campaign_id`` None are those of tagtide itself; ``resolved_since`` None is all that ended.
        """

    async def alert(self, alert_id: str) -> Alert:
        """Raises `NotFound`; a unique prefix of the id will do."""

    async def alert_events(self, alert_id: str) -> list[AlertEvent]:
        """The history of an alert, oldest first."""

    async def acknowledge(self, alert_id: str, *, by: str, note: str, now: datetime) -> Alert:
        """Somebody has an alert in hand. Raises `NotFound`, or `Conflict` when it is over."""

    async def add_mute(self, mute: Mute) -> None:
        """Mute; the history of a single alert says so. Raises `NotFound`."""

    async def mutes(self, now: datetime) -> list[Mute]:
        """Those in force, by their end."""

    async def end_mutes(self, mute_ids: Sequence[str], *, by: str, now: datetime) -> int:
        """End mutes before their time; return how many were in force."""


class DetectorStore(Protocol):
    """What the statistical detector has learned; states are written by `commit`."""

    async def detector_states(self, hashtag: str) -> dict[float, DetectorState]:
        """By the knob they were made for."""

    async def all_detector_states(self) -> list[DetectorState]:
        """Of every hashtag and knob, the largest knob of a hashtag last."""

    async def detector_pool(self) -> DetectorPool | None:
        """The newest; None before the first."""

    async def put_detector_pool(self, pool: DetectorPool) -> bool:
        """Add a version. False, and nothing is written, when it exists: somebody was faster."""


class OutboxStore(Protocol):
    """Messages on their way, and the endpoints they go to."""

    async def channels_waiting(self) -> list[str]:
        """Names of channels for which a message waits."""

    async def dispatch_queue(
        self, channel: str, sent_since: datetime | None = None
    ) -> DispatchQueue:
        """What a decision about a channel reads; of a long queue only the oldest thousand.

        What was sent is left out without ``sent_since``.
        """

    async def notifications(self, notification_ids: Sequence[str]) -> list[Notification]:
        """Messages with their words, in order of creation."""

    async def change_queue(self, change: QueueChange) -> bool:
        """Write what was decided; False, and nothing written, when somebody else was faster."""

    async def end_attempt(self, end: AttemptEnd) -> None:
        """Write what became of an attempt and give the endpoint free. Raises `LeaseLost`."""

    async def release_endpoint(self, channel: str, fence: int) -> None:
        """Give an endpoint free whose attempt was broken off; nothing for an older owner."""

    async def endpoints(self) -> list[Endpoint]:
        """Every endpoint that anything was ever sent to, by name."""

    async def enable_endpoint(self, channel: str) -> bool:
        """Forget what was wrong with an endpoint; False when nothing was."""

    async def undelivered(self) -> list[Notification]:
        """Everything that waits or was given up; oldest first."""

    async def deliveries(
        self,
        *,
        state: DeliveryState | None = None,
        channel: str | None = None,
        limit: int = 100,
    ) -> list[Delivery]:
        """Messages and what became of them, newest first."""

    async def delivery_counts(self) -> list[DeliveryCount]:
        """How many messages of each channel stand where."""

    async def replay(
        self, now: datetime, *, notification_id: str | None = None, channel: str | None = None
    ) -> int:
        """Make dead letters wait again, as if they were new, and return how many.

        One by id or by a prefix that only it has (raises `NotFound`), or all of a channel, or all.
        """

    async def prune_deliveries(self, before: datetime) -> int:
        """Forget messages that were sent or given up before an instant; return how many."""


class Store(
    CampaignStore,
    RunStore,
    LedgerStore,
    ReadingStore,
    AlertStore,
    DetectorStore,
    OutboxStore,
    Protocol,
):
    """Everything that is kept."""

    async def check_writable(self) -> None:
        """Raise what a write would raise: read only, disk full, locked. Before a paid call."""

    async def aclose(self) -> None:
        """Release files and connections."""
