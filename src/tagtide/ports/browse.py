"""What lists and single pages read: alerts, videos and creators, filtered, in order, by pages.

A page follows the item whose id is given as ``after``; where that item is gone, it is the first
page. Sums and rates rest on newest counters, never on the history.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from tagtide.models import (
    Alert,
    AlertState,
    CounterSource,
    Creator,
    Delivery,
    Role,
    Rule,
    Video,
    VideoCounters,
)
from tagtide.ports.records import KnownVideo


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertFilter:
    """Which alerts; what is None keeps all."""

    state: AlertState | None = None
    rule: Rule | None = None
    campaign_id: int | None = None
    hashtag: str | None = None
    video_id: str | None = None


class VideoSort(StrEnum):
    """Orders of videos, the largest first; what is unknown comes last."""

    VIEWS = "views"
    ENGAGEMENT_RATE = "engagement_rate"
    #: First sighting in the campaign.
    NEWEST = "newest"
    #: Views for the age at the newest reading, by the shipped age curve.
    AGE_SCORE = "age_score"


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoFilter:
    """Which videos; what is None or False keeps all."""

    #: None: of every campaign, each video once for each.
    campaign_id: int | None = None
    #: First seen in the campaign from then on.
    since: datetime | None = None
    high_priority: bool = False
    #: That the viral rule has raised an alert about in the campaign.
    viral: bool = False
    #: Seen in its feed.
    hashtag: str | None = None
    #: Part of the caption.
    text: str | None = None
    #: Part of the creator's handle or name.
    creator: str | None = None
    creator_key: str | None = None
    min_views: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignVideo:
    """A video as a campaign holds it."""

    campaign_id: int
    video: KnownVideo


class CreatorSort(StrEnum):
    """Orders of creators, the largest first; what is unknown comes last."""

    VIEWS = "views"
    VIDEOS = "videos"
    ENGAGEMENT_RATE = "engagement_rate"
    #: Their newest first sighting in the campaign.
    NEWEST = "newest"


@dataclass(frozen=True, slots=True, kw_only=True)
class CreatorFilter:
    """Which creators of a campaign; what is None or False keeps all."""

    campaign_id: int
    #: Part of the handle or name.
    text: str | None = None
    #: With at least one high-priority video.
    high_priority: bool = False
    #: Over all their videos.
    min_views: int | None = None
    min_videos: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignCreator:
    """A creator with the sums over their videos in a campaign."""

    creator: Creator
    videos: int
    #: None when no video's views are known.
    view_count: int | None
    #: Videos that sum rests on.
    views_known: int
    #: Pooled over the videos whose rate is known.
    engagement_rate: float | None
    high_priority_videos: int
    #: Their first and newest first sighting in the campaign.
    first_seen_at: datetime
    last_seen_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CrowdVideo:
    """One of the videos that another is compared with."""

    video_id: str
    creator_key: str
    author_followers: int | None
    created_at: datetime | None
    read_at: datetime
    counters: VideoCounters
    #: The first reading; None where it is the newest.
    first_read_at: datetime | None
    first_view_count: int | None
    first_source: CounterSource | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Membership:
    """A campaign that holds a video."""

    campaign_id: int
    #: Where it was seen first.
    hashtag: str
    #: The part that hashtag plays; None where the campaign does not watch it any more.
    role: Role | None
    first_seen_at: datetime
    high_priority_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedSighting:
    """A feed that a video was seen in."""

    hashtag: str
    first_seen_at: datetime
    last_seen_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoFile:
    """All that is kept about a video beside its readings."""

    video: Video
    counters: VideoCounters
    first_seen_at: datetime
    read_at: datetime
    #: Of campaigns in service, and in order of the first sighting.
    campaigns: tuple[Membership, ...]
    feeds: tuple[FeedSighting, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundVideo:
    """A video that a search has found."""

    video_id: str
    caption: str
    author_username: str | None
    author_nickname: str | None
    view_count: int | None
    read_at: datetime


class BrowseStore(Protocol):
    """What lists and single pages read."""

    async def alert_page(
        self, wanted: AlertFilter, *, after: str | None = None, limit: int = 50
    ) -> list[Alert]:
        """Firing first, then pending, then resolved; the newest of each first."""

    async def alert_deliveries(self, alert_id: str, limit: int = 100) -> list[Delivery]:
        """Messages about an alert and what became of them, newest first."""

    async def video_page(
        self,
        wanted: VideoFilter,
        sort: VideoSort = VideoSort.VIEWS,
        *,
        after: str | None = None,
        limit: int = 50,
    ) -> list[CampaignVideo]:
        """Videos of campaigns in service, in that order."""

    async def creator_page(
        self,
        wanted: CreatorFilter,
        sort: CreatorSort = CreatorSort.VIEWS,
        *,
        after: str | None = None,
        limit: int = 50,
    ) -> list[CampaignCreator]:
        """Creators of a campaign, in that order; ``after`` is a creator key."""

    async def crowd_videos(
        self, campaign_id: int, *, role: Role | None = None, limit: int = 1000
    ) -> list[CrowdVideo]:
        """The videos a campaign saw first most recently; ``role`` keeps one side's."""

    async def rated_counters(
        self, campaign_id: int | None, creator_keys: list[str]
    ) -> dict[str, list[VideoCounters]]:
        """Newest counters of creators' videos, those of one campaign or of all."""

    async def video_file(self, video_id: str) -> VideoFile:
        """Raises `NotFound`."""

    async def creator_file(self, creator_key: str) -> Creator:
        """Raises `NotFound`."""

    async def find_creators(self, text: str, limit: int) -> list[Creator]:
        """Creators whose handle or name holds the text, among the newest 50,000."""

    async def find_videos(self, text: str, limit: int) -> list[FoundVideo]:
        """Videos whose id is the text, or whose caption holds it, among the newest 50,000."""
