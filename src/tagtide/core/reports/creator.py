"""One creator on one page: who they are, what their videos did, what may be done with them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from tagtide.core.creators import Cadence, RateEstimate, Tier
from tagtide.core.detect.virality import AgeScore
from tagtide.core.metrics import KnownSum, VideoFacts
from tagtide.core.reports.facts import VideoLine, hours, iso, rounded
from tagtide.models import Creator, VideoReading


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldVideo:
    """A video of theirs."""

    video: VideoFacts
    #: Names of the campaigns that hold it.
    campaigns: tuple[str, ...]
    #: By campaign, a value of `core.desk.DeskState`; without those that hold it on no desk.
    desk: tuple[tuple[str, str], ...]
    #: None where it cannot be judged.
    score: AgeScore | None

    def as_dict(self) -> dict[str, Any]:
        """JSON form; the caption is the stranger's own text, unchanged."""
        score = None if self.score is None else self.score.as_dict()
        return VideoLine(self.video).as_dict() | {
            "campaigns": list(self.campaigns),
            "desk": [{"campaign": name, "state": state} for name, state in self.desk],
            "age_score": score,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class InCampaign:
    """What they are in one campaign, beside its other creators."""

    campaign: str
    videos: int
    views: KnownSum
    high_priority_videos: int
    #: None without a video whose rate is known.
    rate: RateEstimate | None
    #: Middle of the rates of the campaign's videos, and of those by creators of the same tier;
    #: None where too few are known.
    crowd_rate: float | None
    tier_rate: float | None
    #: Videos that stand behind these.
    crowd_videos: int
    tier_videos: int

    def as_dict(self) -> dict[str, Any]:
        """JSON form."""
        rate = self.rate
        return {
            "campaign": self.campaign,
            "videos": self.videos,
            "total_views": self.views.total,
            "high_priority_videos": self.high_priority_videos,
            "engagement_rate": None if rate is None else rounded(rate.rate),
            "engagement_rate_low": None if rate is None else rounded(rate.low),
            "engagement_rate_high": None if rate is None else rounded(rate.high),
            "own_share": None if rate is None else rounded(rate.own_share),
            "crowd_median_rate": rounded(self.crowd_rate),
            "crowd_videos": self.crowd_videos,
            "tier_median_rate": rounded(self.tier_rate),
            "tier_videos": self.tier_videos,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantedRight:
    """A right to a video of theirs, without notes, evidence and codes."""

    campaign: str
    video_id: str
    url: str
    #: ``standing``, ``expired`` or ``revoked``.
    status: str
    #: Values of `core.desk.RightsChannel`.
    channels: tuple[str, ...]
    territory: tuple[str, ...]
    #: Whether it may be cut; None is not stated.
    edits: bool | None
    granted_at: datetime
    expires_at: datetime | None
    #: End of the code for ads with their post, where there is one.
    spark_expires_at: datetime | None

    def as_dict(self) -> dict[str, Any]:
        """JSON form."""
        return {
            "campaign": self.campaign,
            "video_id": self.video_id,
            "url": self.url,
            "status": self.status,
            "channels": list(self.channels),
            "territory": list(self.territory),
            "edits": self.edits,
            "granted_at": iso(self.granted_at),
            "expires_at": iso(self.expires_at),
            "spark_expires_at": iso(self.spark_expires_at),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class CreatorReport:
    """Everything the page says."""

    creator: Creator
    tier: Tier | None
    #: A name of theirs mixes scripts whose letters look alike.
    looks_like_another: bool
    #: The campaign it is limited to; None is every campaign in service.
    within: str | None
    timezone: str
    #: Instant of the newest reading of what is shown.
    as_of: datetime
    #: Most views first.
    videos: tuple[HeldVideo, ...]
    #: There are more; sums rest on those shown.
    is_cut: bool
    views: KnownSum
    engagement: KnownSum
    #: Pooled over the videos whose rate is known.
    engagement_rate: float | None
    cadence: Cadence | None
    campaigns: tuple[InCampaign, ...]
    rights: tuple[GrantedRight, ...]
    #: Readings of the videos with most views, by video id.
    curves: Mapping[str, Sequence[VideoReading]]

    @property
    def name(self) -> str:
        """Handle or name, as it stands at its source."""
        handle = self.creator.username
        return f"@{handle}" if handle else self.creator.nickname or "unknown creator"

    @property
    def on(self) -> date:
        """Date of `as_of` in the zone."""
        return self.as_of.astimezone(ZoneInfo(self.timezone)).date()

    def as_dict(self) -> dict[str, Any]:
        """The documented JSON object."""
        creator, cadence = self.creator, self.cadence
        return {
            "kind": "creator",
            "date": self.on.isoformat(),
            "as_of": iso(self.as_of),
            "timezone": self.timezone,
            "campaign": self.within,
            "author_username": creator.username,
            "author_sec_uid": creator.sec_uid,
            "author_nickname": creator.nickname,
            "author_followers": creator.follower_count,
            "tier": self.tier,
            "verified": creator.verified,
            "region": creator.region,
            "name_mixes_scripts": self.looks_like_another,
            "videos_held": len(self.videos),
            "videos_on_profile": creator.video_count,
            "is_cut": self.is_cut,
            "total_views": self.views.total,
            "views_unknown": self.views.unknown,
            "total_engagement": self.engagement.total,
            "engagement_rate": rounded(self.engagement_rate),
            "cadence_hours": None if cadence is None else hours(cadence.gap),
            "campaigns": [one.as_dict() for one in self.campaigns],
            "rights": [one.as_dict() for one in self.rights],
            "videos": [one.as_dict() for one in self.videos],
        }
