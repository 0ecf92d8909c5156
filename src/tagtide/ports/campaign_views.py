"""What the pages of a campaign read: newest counters, rollups, and pieces of the history by key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple, Protocol

from tagtide.models import (
    Alert,
    Campaign,
    Creator,
    HashtagLevel,
    HashtagReading,
    Job,
    Reason,
    Role,
    Status,
)
from tagtide.ports.records import StoredReport


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignName:
    """A campaign as a list of places to go to names it."""

    campaign_id: int
    name: str
    #: The first of its hashtags.
    hashtags: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class HashtagAt:
    """A hashtag of a campaign and its newest reading up to each of some instants."""

    hashtag: str
    hashtag_key: int
    role: Role
    paused_at: datetime | None
    failures: int
    failure_reason: Reason
    #: Newest of all; None before the first.
    latest: HashtagLevel | None
    #: In the order of the instants; None where there is none.
    readings: tuple[HashtagLevel | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class GainPoint:
    """Growth of the counters of a series of hashtags in one stretch of time.

    Falls by more than a twentieth are corrections: counted, and left out of the growth.
    """

    #: A competitor; None for the own hashtags together.
    hashtag: str | None
    #: When the stretch began.
    begins_at: datetime
    new_views: int
    new_videos: int
    #: Hashtags whose views were read in it, at least once.
    hashtags: int
    corrections: int


class VideoFigures(NamedTuple):
    """Counters of a held video at its newest reading: one of ten thousand, hence so small."""

    video_id: str
    creator_key: int
    view_count: int | None
    like_count: int | None
    comment_count: int | None
    share_count: int | None
    save_count: int | None
    #: 1 when first seen in the campaign within the instants asked for, else 0.
    is_new: int
    #: 1 when seen in the feed of an own hashtag, 0 when in that of a competitor alone.
    is_own: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotOutcome:
    """How a hashtag ended in a slot."""

    job: Job
    slot_at: datetime
    run_id: int
    status: Status
    reason: Reason
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportName:
    """A stored report without its body."""

    campaign_id: int
    kind: str
    on: date
    made_at: datetime
    #: Whether it was kept as shown to people too.
    has_document: bool


class CampaignPageStore(Protocol):
    """What the pages of a campaign and of its hashtags read."""

    async def campaign_by_id(self, campaign_id: int) -> Campaign:
        """One in service. Raises `NotFound`."""

    async def campaign_names(self, hashtags: int = 20) -> list[CampaignName]:
        """All in service, by name, each with so many of its hashtags."""

    async def hashtags_at(self, campaign_id: int, instants: Sequence[datetime]) -> list[HashtagAt]:
        """Hashtags of a campaign, in its order, at the newest readings up to these instants.

        A hashtag that was not read up to the first of them stands there at its first reading after.
        """

    async def gains(
        self,
        campaign_id: int,
        since: datetime,
        until: datetime,
        *,
        every: int = 1,
        apart: Sequence[str] = (),
    ) -> list[GainPoint]:
        """Growth in order of time: of the own hashtags together, of each competitor in ``apart``.

        Stretches are of ``every`` times six hours and begin at multiples of that since 1970; those
        that begin from ``since`` on and before ``until``. One in which nothing was read is left
        out.
        """

    async def hashtag_curves(
        self, campaign_id: int, hashtags: Sequence[str], since: datetime
    ) -> dict[str, list[tuple[datetime, int | None]]]:
        """By hashtag, in order of time, growth of views in each six hours that begin from ``since``
        on; None where none were known."""

    async def video_figures(
        self, campaign_id: int, since: datetime, until: datetime
    ) -> list[VideoFigures]:
        """Every video seen in the feed of a hashtag of the campaign; new are those first seen in
        (since, until]."""

    async def own_video_counts(
        self, campaign_id: int, spans: Sequence[tuple[datetime, datetime]]
    ) -> list[int]:
        """Videos in the feeds of own hashtags first seen in each span (begin, end]."""

    async def top_videos(
        self, campaign_id: int, since: datetime, until: datetime, limit: int
    ) -> list[str]:
        """Ids of videos in the feeds of own hashtags, first seen in (since, until], most views
        first."""

    async def published_in(
        self, spans: Mapping[int, tuple[datetime, datetime]], *, campaign_id: int | None = None
    ) -> dict[int, int]:
        """By key of a hashtag, how many videos in its feed were published in its span (begin, end].

        Hashtags without any are left out. With ``campaign_id`` all of them are its own ones.
        """

    async def published_under(self, hashtag: str, since: datetime, until: datetime) -> int:
        """How many videos in the feed of a hashtag were published in (since, until]."""

    async def creators_by_key(self, keys: Sequence[int]) -> dict[int, Creator]:
        """Creators of `VideoFigures`, by their key there."""

    async def campaign_alerts(
        self,
        campaign_id: int,
        *,
        hashtag: str | None = None,
        since: datetime | None = None,
        limit: int = 50,
    ) -> list[Alert]:
        """Alerts that fired, newest first; those still on or that began after ``since``."""

    async def newest_readings(
        self, hashtag: str, before: datetime, limit: int
    ) -> list[HashtagReading]:
        """Readings strictly before an instant, newest first."""

    async def window_readings(
        self, hashtag: str, since: datetime, until: datetime
    ) -> list[HashtagReading]:
        """The last reading of each six hours, in order of time, both ends included."""

    async def slot_outcomes(
        self, hashtag: str, job: Job, since: datetime, until: datetime
    ) -> list[SlotOutcome]:
        """Outcomes of a hashtag's slots, in order of time."""

    async def top_in_feed(self, campaign_id: int, hashtag: str, limit: int) -> list[str]:
        """Ids of the campaign's videos in the feed of a hashtag, most views first."""

    async def feed_size(self, campaign_id: int, hashtag: str) -> int:
        """How many of the campaign's videos were seen in the feed of a hashtag."""

    async def report_names(
        self,
        *,
        campaign_id: int | None = None,
        kind: str | None = None,
        limit: int = 50,
        offset: int = 0,
    ) -> list[ReportName]:
        """Stored reports of campaigns in service, newest first."""

    async def report_on(self, campaign_id: int, kind: str, on: date) -> StoredReport:
        """One stored report. Raises `NotFound`."""
