"""What the pages about runs, credits and the installation read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from tagtide.models import Charge, Job, Reason, Run, Status
from tagtide.ports.records import RunSummary


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFilter:
    """Which runs are meant; None keeps all."""

    #: Slots from here on.
    since: datetime | None = None
    campaign_id: int | None = None
    job: Job | None = None
    status: Status | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotMark:
    """How one hashtag ended in one run."""

    run_id: int
    job: Job
    campaign_id: int
    hashtag: str
    slot_at: datetime
    status: Status
    reason: Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Troubled:
    """A hashtag of a campaign that failed, wholly or partly, and how often."""

    campaign_id: int
    hashtag: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerFilter:
    """Which rows of the ledger are meant; None keeps all."""

    since: datetime | None = None
    until: datetime | None = None
    run_id: int | None = None
    campaign_id: int | None = None
    endpoint: str | None = None
    state: Charge | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerEntry:
    """One row of the ledger: a call that was reserved, and what became of it."""

    entry_id: int
    run_id: int | None
    #: Of the run; None where there is none.
    job: Job | None
    campaign_id: int | None
    campaign: str | None
    hashtag: str | None
    endpoint: str
    state: Charge
    credits: int
    reserved_at: datetime
    settled_at: datetime | None
    credits_remaining: int | None
    #: ``ok``, ``not_sent``, or the reason of the failure.
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SpendingCell:
    """Calls of one day (UTC), campaign, job and endpoint."""

    on: date
    campaign_id: int | None
    job: Job | None
    endpoint: str
    calls: int
    #: Charged.
    credits: int
    #: May have been charged: nobody knows.
    unknown: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseFacts:
    """What keeps everything."""

    #: ``SQLite`` or ``PostgreSQL``, with its version.
    engine: str
    #: None where it cannot be told.
    size_bytes: int | None
    #: Of the tables.
    schema: str


class WorkStore(Protocol):
    """Runs and ledger as people look through them."""

    async def runs_page(
        self, wanted: RunFilter, *, before: int | None = None, limit: int = 50
    ) -> list[RunSummary]:
        """Newest first; with ``before`` those that are older than that run."""

    async def run_counts(self, wanted: RunFilter) -> dict[Status, int]:
        """How many runs ended how."""

    async def outcome_counts(self, wanted: RunFilter) -> dict[Status, int]:
        """How many hashtags ended how, over all runs; the status of the filter does not matter."""

    async def troubled(self, wanted: RunFilter, limit: int) -> list[Troubled]:
        """Hashtags that failed, wholly or partly; most often first."""

    async def slot_marks(
        self, wanted: RunFilter, campaign_ids: Sequence[int], hashtags: Sequence[str]
    ) -> list[SlotMark]:
        """Outcomes of these hashtags in these campaigns, in order of time."""

    async def bare_runs(self, wanted: RunFilter) -> list[Run]:
        """Runs that read data and are under way, or ended without an outcome of any hashtag."""

    async def live_runs(self, now: datetime) -> list[Run]:
        """Runs that somebody is at work on: a lease lives, or they have just been started."""

    async def ledger_page(
        self, wanted: LedgerFilter, *, before: int | None = None, limit: int = 100
    ) -> list[LedgerEntry]:
        """Newest first; with ``before`` those that are older than that row."""

    async def spending_cells(self, since: date) -> list[SpendingCell]:
        """What was sent from a day (UTC) on, in order of days.

        Days that were over two days ago may be told as they stood half an hour ago.
        """

    async def fired_counts(self, since: datetime) -> dict[int, int]:
        """By campaign, alerts that fired from an instant on."""

    async def database_facts(self) -> DatabaseFacts:
        """Kind, size and version of the database."""
