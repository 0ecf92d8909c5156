"""What reports are made from, and the lines they share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from tagtide.core.coverage import Completeness, Unknown
from tagtide.core.detect.virality import AgeScore
from tagtide.core.formats import clean_text, iso_utc, percent
from tagtide.core.language import say
from tagtide.core.metrics import (
    Change,
    CreatorStanding,
    VideoFacts,
    Viral,
    hashtag_video_change,
    hashtag_view_change,
)
from tagtide.core.velocity import CounterChange, measure_change
from tagtide.models import (
    Alert,
    CampaignHashtag,
    HashtagOutcome,
    HashtagReading,
    Reason,
    Role,
    Status,
    video_url,
)

#: An explanation speaks of the run that wrote it, which may have waited for the API.
_SAME_RUN = timedelta(minutes=30)

__all__ = ["HashtagFacts", "HashtagLine", "VideoFacts", "VideoLine"]


def completeness_dict(held: Completeness | None) -> dict[str, Any]:
    """JSON form of a completeness; None is one that nobody computed."""
    return {
        "new_videos_held": None if held is None else held.seen,
        "new_videos_existing": None if held is None else held.existing,
        "new_videos_existing_low": None if held is None else held.existing_low,
        "new_videos_existing_high": None if held is None else held.existing_high,
        "completeness": None if held is None else rounded(held.ratio),
        "statement": say("how many of the new videos are held is unknown")
        if held is None
        else held.note,
    }


def add_up(parts: Iterable[Completeness]) -> Completeness | None:
    """Completeness of several hashtags together; unknown as soon as one is. None of nothing."""
    held = list(parts)
    if len(held) < 2:
        return held[0] if held else None
    seen = sum(h.seen for h in held)
    existing = _sum(h.existing for h in held)
    if existing is None:
        return Completeness(seen=seen, existing=None, unknown=Unknown.SOME, is_sum=True)
    return Completeness(
        seen=seen,
        existing=existing,
        existing_low=_sum(h.existing_low for h in held),
        existing_high=_sum(h.existing_high for h in held),
        ratio=min(1.0, seen / existing) if existing else None,
        is_sum=True,
    )


def _sum(values: Iterable[int | None]) -> int | None:
    """The sum, unknown as soon as one value is."""
    total = 0
    for value in values:
        if value is None:
            return None
        total += value
    return total


@dataclass(frozen=True, slots=True, kw_only=True)
class HashtagFacts:
    """What a daily or campaign report reads about one hashtag."""

    hashtag: CampaignHashtag
    #: Newest good reading; None when there never was one.
    latest: HashtagReading | None = None
    #: The reading nearest to 24 h before ``latest``.
    earlier: HashtagReading | None = None
    #: Other readings from some days before ``earlier`` on, to tell stale and corrected counters;
    #: without them the two are subtracted as they stand.
    history: Sequence[HashtagReading] = ()
    #: Outcome in the last run that tried to read it.
    outcome: HashtagOutcome | None = None
    #: Completeness of the new videos; None when nobody computed it.
    held: Completeness | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HashtagLine:
    """One hashtag in a report: last good value, its time, its change, how its last read ended."""

    hashtag: str
    role: Role
    hashtag_id: str | None
    view_count: int | None
    video_count: int | None
    read_at: datetime | None
    previous_at: datetime | None
    views: Change | None
    videos: Change | None
    status: Status | None
    reason: Reason
    detail: str
    held: Completeness | None
    #: Distance of the reading from the instant of the report.
    age: timedelta | None

    @property
    def elapsed(self) -> timedelta | None:
        """Real span of the changes; None without any."""
        change = self.views or self.videos
        return None if change is None else change.elapsed

    @property
    def failed(self) -> bool:
        """Whether the last attempt brought nothing, or nothing was ever read."""
        return self.read_at is None or brought_nothing(self.status, self.reason)

    def as_dict(self) -> dict[str, Any]:
        """JSON form."""
        return {
            "hashtag": self.hashtag,
            "role": self.role.value,
            "hashtag_id": self.hashtag_id,
            "view_count": self.view_count,
            "video_count": self.video_count,
            "read_at": iso(self.read_at),
            "previous_at": iso(self.previous_at),
            "elapsed_hours": hours(self.elapsed),
            "view_change": None if self.views is None else self.views.value,
            "view_change_margin": None if self.views is None else self.views.margin,
            "video_change": None if self.videos is None else self.videos.value,
            "status": None if self.status is None else self.status.value,
            "reason": self.reason.value,
            "completeness": completeness_dict(self.held),
        }


def hashtag_line(facts: HashtagFacts, as_of: datetime) -> HashtagLine:
    """The line of a hashtag; a change needs two readings of the same source."""
    latest = facts.latest
    views, videos, since = _changes(facts)
    outcome = facts.outcome
    return HashtagLine(
        hashtag=facts.hashtag.name,
        role=facts.hashtag.role,
        hashtag_id=None if latest is None else latest.hashtag_id,
        view_count=None if latest is None else latest.view_count,
        video_count=None if latest is None else latest.video_count,
        read_at=None if latest is None else latest.read_at,
        previous_at=since if views or videos else None,
        views=views,
        videos=videos,
        status=None if outcome is None else outcome.status,
        reason=Reason.NONE if outcome is None else outcome.reason,
        detail="" if outcome is None else outcome.detail,
        held=facts.held,
        age=None if latest is None else as_of - latest.read_at,
    )


def _changes(facts: HashtagFacts) -> tuple[Change | None, Change | None, datetime | None]:
    """Changes of views and of videos, and the instant they are measured from."""
    latest, earlier = facts.latest, facts.earlier
    if latest is None or earlier is None or not facts.history:
        plain = hashtag_view_change(latest, earlier), hashtag_video_change(latest, earlier)
        return *plain, earlier.read_at if earlier else None
    trusted = measure_change(latest, earlier, facts.history)
    return _change(trusted.views), _change(trusted.videos), trusted.previous_at


def _change(counter: CounterChange) -> Change | None:
    if counter.delta is None or counter.base is None or counter.hours is None:
        return None
    high = counter.delta if counter.high is None else counter.high
    return Change(
        value=counter.delta,
        margin=high - counter.delta,
        before=counter.base,
        elapsed=timedelta(hours=counter.hours),
    )


@dataclass(frozen=True, slots=True)
class VideoLine:
    """A video in a ranking."""

    video: VideoFacts
    viral: Viral | None = None
    score: AgeScore | None = None

    @property
    def url(self) -> str:
        """Its public page."""
        return video_url(self.video.video_id, self.video.author_username)

    def as_dict(self) -> dict[str, Any]:
        """JSON form; the caption is the stranger's own text, unchanged."""
        body = video_dict(self.video)
        if self.viral is not None:
            body |= {
                "basis": self.viral.basis.value,
                "value": self.viral.value,
                "mean_of_others": round(self.viral.mean_of_others, 2),
                "others": self.viral.others,
                "times": round(self.viral.times, 2),
                "age_adjusted_z": None if self.score is None else round(self.score.z, 2),
                "age_score": None if self.score is None else self.score.as_dict(),
            }
        elif self.score is not None:
            body["age_score"] = self.score.as_dict()
        return body


def video_dict(video: VideoFacts) -> dict[str, Any]:
    """JSON form of a video at its latest reading."""
    counters = video.counters
    return {
        "video_id": video.video_id,
        "url": video_url(video.video_id, video.author_username),
        "hashtag": video.hashtag,
        "hashtags": list(video.hashtags),
        "author_username": video.author_username,
        "author_sec_uid": video.author_sec_uid,
        "author_nickname": video.author_nickname,
        "author_followers": video.author_followers,
        "title": video.caption,
        "view_count": counters.view_count,
        "like_count": counters.like_count,
        "comment_count": counters.comment_count,
        "share_count": counters.share_count,
        "save_count": counters.save_count,
        "engagement": counters.engagement,
        "engagement_rate": rounded(counters.engagement_rate),
        "high_priority": video.high_priority_at is not None,
        "created_at": iso(video.created_at),
        "first_seen_at": iso(video.first_seen_at),
        "read_at": iso(video.read_at),
    }


def creator_dict(rank: int, creator: CreatorStanding) -> dict[str, Any]:
    """JSON form of a creator's standing."""
    return {
        "rank": rank,
        "author_username": creator.author_username,
        "author_sec_uid": creator.author_sec_uid,
        "author_nickname": creator.author_nickname,
        "author_followers": creator.author_followers,
        "videos": creator.videos,
        "total_views": creator.views.total,
        "total_engagement": creator.engagement.total,
        "engagement_rate": rounded(creator.engagement_rate),
        "high_priority_videos": creator.high_priority_videos,
        "top_video_id": creator.top_video_id,
    }


def alert_dict(alert: Alert) -> dict[str, Any]:
    """JSON form of an alert, as `track` prints it."""
    return {
        "alert_id": alert.alert_id,
        "rule": alert.rule.value,
        "hashtag": alert.hashtag,
        "video_id": alert.video_id,
        "state": alert.state.value,
        "opened_at": iso(alert.opened_at),
        "value": alert.value,
        "threshold": alert.threshold,
        "reason": alert.reason,
        "why": alert_why(alert),
        "url": alert.url,
    }


def alert_why(alert: Alert) -> str | None:
    """What explains an alert, in a sentence; None where nothing does."""
    explanation = alert.data.get("explanation")
    said = explanation.get("sentence") if isinstance(explanation, dict) else None
    return said if isinstance(said, str) and said else None


def alert_told(alert: Alert) -> str:
    """What fired and what explains it, as one clean line."""
    why = alert_why(alert)
    if why is None:
        return clean_text(alert.reason, 600)
    until = datetime.fromisoformat(alert.data["explanation"]["until"])
    # Later runs renew the figures of the reason, not the explanation.
    when = "When told: " if alert.updated_at - until > _SAME_RUN else ""
    return clean_text(f"{alert.reason} {when}{why}", 900)


def rounded(rate: float | None, places: int = 6) -> float | None:
    """A rate for machines, without noise digits."""
    return None if rate is None else round(rate, places)


def share(part: int, whole: int) -> str:
    """A share for a sentence: ``82.0 %``; a dash when there is no whole."""
    return percent(part / whole if whole else None)


def hours(duration: timedelta | None) -> float | None:
    """A duration in hours, to two decimals."""
    return None if duration is None else round(duration.total_seconds() / 3600, 2)


def iso(instant: datetime | None) -> str | None:
    """`iso_utc`, or None."""
    return None if instant is None else iso_utc(instant)


def brought_nothing(status: Status | None, reason: Reason) -> bool:
    """Whether an attempt ended without a value; one that another run made for it did not."""
    return status in (Status.FAILED, Status.SKIPPED) and reason is not Reason.SHARED
