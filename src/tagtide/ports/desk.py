"""The desk as a store keeps it: what is written with a step, and what lists and reminders read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Protocol

from tagtide.core.desk import DeskItem, DeskState, Right, Step
from tagtide.core.desk.reminders import Due, Reminder
from tagtide.models import Notification
from tagtide.ports.records import KnownVideo


class DeskSort(StrEnum):
    """What comes first in a list of the desk."""

    #: Seen first last.
    NEWEST = "newest"
    VIEWS = "views"
    #: Touched last.
    CHANGED = "changed"
    #: The right or code that ends next; only where one does.
    ENDS = "ends"


@dataclass(frozen=True, slots=True)
class DeskPlace:
    """Where a page of a list ended."""

    key: int
    campaign_id: int
    video_key: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskQuery:
    """Which videos of the desk, in which order. Each argument keeps fewer."""

    campaign_ids: tuple[int, ...]
    #: What has expired by then is no longer granted.
    now: datetime
    #: None is what awaits somebody: new ones of high priority, shortlisted, asked, granted.
    states: frozenset[DeskState] | None = None
    #: "" is nobody.
    assignee: str | None = None
    label: str | None = None
    #: A handle without @; case does not count.
    creator: str | None = None
    high_priority: bool = False
    hashtag: str | None = None
    #: A right or a Spark code ends between ``now`` and then.
    ends_before: datetime | None = None
    #: In the caption or the handle.
    text: str | None = None
    sort: DeskSort = DeskSort.NEWEST
    limit: int = 50
    after: DeskPlace | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskRow:
    """A video on the desk, with what a list shows of it."""

    campaign_id: int
    video: KnownVideo
    #: With what time has made of it.
    state: DeskState
    #: 0 where nobody has touched it.
    version: int
    assignee: str | None
    labels: tuple[str, ...]
    asked_at: datetime | None
    changed_at: datetime | None
    changed_by: str | None
    #: What ends next of its rights and codes; None where nothing does.
    next_end_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskPage:
    """Some rows, and where to go on; None at the end."""

    rows: tuple[DeskRow, ...]
    next: DeskPlace | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskRecord:
    """Everything that is kept of one video on a desk."""

    campaign_id: int
    video: KnownVideo
    steps: tuple[Step, ...] = ()
    #: As they were recorded.
    rights: tuple[Right, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskWrite:
    """One step and what it makes of the item."""

    campaign_id: int
    video_id: str
    step: Step
    after: DeskItem
    right: Right | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskCounts:
    """How many videos stand where."""

    #: With what time has made of them; of *new*, every video that nobody has judged.
    states: dict[DeskState, int]
    #: New ones of high priority.
    new_high_priority: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskChoices:
    """What there is to filter by."""

    assignees: tuple[str, ...]
    labels: tuple[str, ...]


class DeskStore(Protocol):
    """Where videos stand on the desks of campaigns. Steps and rights are only ever added."""

    async def desk_page(self, query: DeskQuery) -> DeskPage:
        """Rows in order; every video of a campaign's own hashtags is on its desk."""

    async def desk_counts(self, campaign_ids: Sequence[int], now: datetime) -> DeskCounts: ...

    async def desk_choices(self, campaign_ids: Sequence[int]) -> DeskChoices: ...

    async def desk_campaigns(self, video_id: str) -> list[int]:
        """Campaigns in service that hold a video, oldest first."""

    async def desk_record(self, campaign_id: int, video_id: str) -> DeskRecord:
        """One video with its history. Raises `NotFound` when the campaign does not hold it."""

    async def desk_with_rights(self, campaign_id: int) -> list[DeskRecord]:
        """Every video for which a right was ever recorded, by id."""

    async def put_desk_step(self, write: DeskWrite) -> None:
        """Add a step. Raises `Conflict` when it rests on an older version, `NotFound`."""

    async def desk_due(
        self, campaign_id: int, now: datetime, until: datetime, asked_before: datetime
    ) -> list[Due]:
        """What ends between ``now`` and ``until``, and requests that are open for longer."""

    async def desk_told(
        self, campaign_id: int, due: Sequence[Due]
    ) -> frozenset[tuple[str, str, int, int]]:
        """Keys of the reminders of those things that people had."""

    async def desk_reminded_on(self, campaign_id: int, day: date) -> bool:
        """Whether people were reminded on a day."""

    async def put_reminders(
        self,
        campaign_id: int,
        day: date,
        told: Sequence[Reminder],
        notifications: Sequence[Notification],
        now: datetime,
    ) -> bool:
        """Write a day's messages and what they tell. False, and nothing written, when somebody
        was faster.
        """
