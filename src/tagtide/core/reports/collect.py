"""The summary of a collection: what came in, what deserves a look, what was not seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tagtide.core.coverage import Completeness
from tagtide.core.metrics import VideoFacts, top_by_views
from tagtide.core.reports.facts import VideoLine, add_up, completeness_dict, iso, rounded
from tagtide.models import HashtagOutcome, Reason, Status


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectedHashtag:
    """How one hashtag ended, and what is known beyond its outcome."""

    outcome: HashtagOutcome
    #: Views of the new videos alone; None when unknown.
    views_of_new: int | None = None
    #: Growth of the views of known videos; None when unknown.
    growth_of_known: int | None = None
    #: None when nobody computed the completeness.
    held: Completeness | None = None
    #: Last time its feed was read before this run; for a hashtag that failed.
    last_read_at: datetime | None = None

    def as_dict(self) -> dict[str, Any]:
        """JSON form."""
        outcome = self.outcome
        return {
            "hashtag": outcome.hashtag,
            "status": outcome.status.value,
            "reason": outcome.reason.value,
            "detail": outcome.detail,
            "videos_seen": outcome.videos_seen,
            "videos_new": outcome.videos_new,
            "new_views": outcome.new_views,
            "views_of_new": self.views_of_new,
            "growth_of_known": self.growth_of_known,
            "pages": outcome.pages,
            "credits": outcome.credits,
            "completeness": completeness_dict(self.held),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectFacts:
    """What a summary of a collection is made from."""

    campaign: str
    #: IANA name of the campaign's zone.
    timezone: str
    run_id: int
    #: When the run began.
    at: datetime
    hashtags: Sequence[CollectedHashtag]
    #: High-priority videos that the run saw.
    high_priority: Sequence[VideoFacts] = ()
    #: Ids of those that became high priority in this run.
    newly_high_priority: frozenset[str] = frozenset()
    credits_used: int | None = None
    credits_remaining: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectSummary:
    """The result of `tagtide collect` for one campaign."""

    campaign: str
    timezone: str
    run_id: int
    at: datetime
    hashtags: tuple[CollectedHashtag, ...]
    #: Newly high-priority ones first, then by views.
    high_priority: tuple[VideoLine, ...]
    newly_high_priority: frozenset[str]
    held: Completeness | None
    credits_used: int | None
    credits_remaining: int | None

    @property
    def videos_new(self) -> int:
        """New videos of all hashtags."""
        return sum(h.outcome.videos_new for h in self.hashtags)

    @property
    def videos_seen(self) -> int:
        """Videos seen, summed over the hashtags."""
        return sum(h.outcome.videos_seen for h in self.hashtags)

    @property
    def new_views(self) -> int | None:
        """Views that came in, as far as known; None when no hashtag knows."""
        known = [h.outcome.new_views for h in self.hashtags if h.outcome.new_views is not None]
        return sum(known) if known else None

    @property
    def failed(self) -> tuple[CollectedHashtag, ...]:
        """Hashtags that brought nothing or not everything they should have."""
        return tuple(
            h
            for h in self.hashtags
            if h.outcome.status is not Status.OK and h.outcome.reason is not Reason.SHARED
        )

    def as_dict(self) -> dict[str, Any]:
        """The documented JSON object."""
        return {
            "campaign": self.campaign,
            "run_id": self.run_id,
            "at": iso(self.at),
            "hashtags": [h.as_dict() for h in self.hashtags],
            "videos_seen": self.videos_seen,
            "videos_new": self.videos_new,
            "new_views": self.new_views,
            "high_priority": [self._priority_dict(line) for line in self.high_priority],
            "completeness": completeness_dict(self.held),
            "credits_used": self.credits_used,
            "credits_remaining": self.credits_remaining,
        }

    def _priority_dict(self, line: VideoLine) -> dict[str, Any]:
        video = line.video
        return {
            "video_id": video.video_id,
            "hashtag": video.hashtag,
            "author_username": video.author_username,
            "author_followers": video.author_followers,
            "engagement_rate": rounded(video.counters.engagement_rate),
            "view_count": video.counters.view_count,
            "url": line.url,
            "new": video.video_id in self.newly_high_priority,
        }


def build_collect_summary(facts: CollectFacts) -> CollectSummary:
    """Order and add up what a collection brought. Reads nothing and spends nothing."""
    ranked = top_by_views(facts.high_priority, len(facts.high_priority))
    ranked.sort(key=lambda v: v.video_id not in facts.newly_high_priority)
    return CollectSummary(
        campaign=facts.campaign,
        timezone=facts.timezone,
        run_id=facts.run_id,
        at=facts.at,
        hashtags=tuple(facts.hashtags),
        high_priority=tuple(map(VideoLine, ranked)),
        newly_high_priority=facts.newly_high_priority,
        held=add_up(h.held for h in facts.hashtags if h.held is not None),
        credits_used=facts.credits_used,
        credits_remaining=facts.credits_remaining,
    )
