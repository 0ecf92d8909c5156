"""The store, topic by topic.

Every method may raise `StorageError`. One method that writes is one transaction.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from tagtide.core.crowd import Crowd
from tagtide.core.dispatch import DispatchQueue
from tagtide.models import (
    Alert,
    AlertEvent,
    AlertState,
    Campaign,
    Delivery,
    DeliveryState,
    Endpoint,
    HashtagOutcome,
    HashtagReading,
    Job,
    Mute,
    Notification,
    Reason,
    Role,
    Rule,
    Run,
    Status,
    VideoReading,
)
from tagtide.ports.accounts import AccountStore
from tagtide.ports.browse import BrowseStore

# --- the store, topic by topic --------------------------------------------------------------------
from tagtide.ports.campaign_views import CampaignPageStore
from tagtide.ports.desk import DeskStore
from tagtide.ports.records import (
    AttemptEnd,
    Balance,
    BudgetLimit,
    Changes,
    Claim,
    DeliveryCount,
    DetectorPool,
    DetectorState,
    HashtagState,
    KnownVideo,
    LedgerLine,
    LedgerTotals,
    QueueChange,
    Reservation,
    RunSummary,
    Settlement,
    SightingEffect,
    SlotTaken,
    StoredReport,
)

# --- the store, topic by topic --------------------------------------------------------------------
from tagtide.ports.requests import RequestStore
from tagtide.ports.shares import ShareStore
from tagtide.ports.subscriptions import SubscriptionStore
from tagtide.ports.views import OverviewStore
from tagtide.ports.work import WorkStore


class CampaignStore(Protocol):
    """What is watched."""

    async def add_campaign(self, campaign: Campaign) -> Campaign:
        """Store a new campaign and return it with its id. Raises `Conflict` if the name exists."""

    async def replace_campaign(self, campaign: Campaign, *, seen: str | None = None) -> None:
        """Make the stored campaign equal to this one (by id). History of its hashtags stays.

        ``seen`` is `core.campaign_version` of what the change rests on. Raises `Conflict`,
        and changes nothing, when the stored one is another by now, or the name is taken.
        """

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

    async def hashtag_readings_after(
        self, hashtag: str, after: datetime, limit: int
    ) -> list[HashtagReading]:
        """The first ``limit`` readings after an instant, in order of time: for long exports."""

    async def video_readings_after(
        self, campaign_id: int, after: tuple[str, datetime] | None, since: datetime, limit: int
    ) -> list[VideoReading]:
        """The next ``limit`` readings of a campaign's videos after one of them: for long exports.

        Video by video, each in order of time. ``after`` is the video and the instant of the last
        one that was given, None for the first; ``since`` leaves out older readings.
        """

    async def video_ids_after(self, campaign_id: int, after: str, limit: int) -> list[str]:
        """Ids of a campaign's videos after one of them, in order: for long exports."""

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

    async def video_readings_at(
        self, wanted: Collection[tuple[str, datetime]]
    ) -> dict[tuple[str, datetime], VideoReading]:
        """By video id and instant; without those that are not stored."""

    async def runs_of_readings(
        self, wanted: Collection[tuple[str, datetime]]
    ) -> dict[tuple[str, datetime], int]:
        """The run that brought each reading of a video, by video id and instant.

        The one under way at that instant that saw the video; without those whose run is not on
        record, or where two did.
        """

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

    async def unacknowledge(self, alert_id: str, *, by: str, now: datetime) -> Alert:
        """Nobody has it in hand any more. Raises `NotFound`, or `Conflict` when nobody had it."""

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
    OverviewStore,
    RequestStore,
    ShareStore,
    SubscriptionStore,
    AccountStore,
    DeskStore,
    WorkStore,
    CampaignPageStore,
    BrowseStore,
    Protocol,
):
    """Everything that is kept."""

    async def check_writable(self) -> None:
        """Raise what a write would raise: read only, disk full, locked. Before a paid call."""

    async def aclose(self) -> None:
        """Release files and connections."""
