"""The weekly tracker: each hashtag now, against a week ago and against its usual week."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from tagtide.core.language import say
from tagtide.core.metrics import (
    HALF_WEEK,
    MIN_WEEKS,
    WEEK,
    Anomaly,
    Growth,
    VideoFacts,
    WeeklyChange,
    WeeklyVerdict,
    engagement_growth,
    known_sum,
    weekly_anomaly,
    weekly_changes,
)
from tagtide.core.names import hashtags_in
from tagtide.core.reports.facts import brought_nothing, hours, iso, rounded
from tagtide.core.reports.trend import Trend
from tagtide.models import (
    Campaign,
    CampaignHashtag,
    HashtagOutcome,
    HashtagReading,
    Reason,
    Role,
    Status,
    VideoReading,
)

#: A co-occurring hashtag is news from this many videos of a week on.
EMERGING_MIN_VIDEOS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class WeeklyHashtagFacts:
    """What the weekly report reads about one hashtag."""

    hashtag: CampaignHashtag
    #: Its readings of the last ``rolling_weeks + 1`` weeks and half a week more, in any order; and
    #: the last good one before that where there is none in them.
    readings: Sequence[HashtagReading]
    #: Outcome in the last run that tried to read it.
    outcome: HashtagOutcome | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WeeklyFacts:
    """What a weekly report is made from."""

    campaign: Campaign
    #: Instant of the newest reading.
    as_of: datetime
    #: Own hashtags and competitors.
    hashtags: Sequence[WeeklyHashtagFacts]
    #: Every known video of the campaign, for engagement and co-occurring hashtags.
    videos: Sequence[VideoFacts] = ()
    #: By video id, the reading nearest to 7 days before ``as_of``.
    earlier: Mapping[str, VideoReading] = field(default_factory=dict)
    #: Growth in the last 7 days.
    trend: Trend | None = None


class NoVerdict(StrEnum):
    """Why a week is not judged."""

    NEVER_READ = "never_read"
    FAILED = "failed"
    NOT_THIS_WEEK = "not_this_week"
    NO_EARLIER = "no_earlier"
    VIEWS_UNKNOWN = "views_unknown"
    SHORT = "short"
    FEW_WEEKS = "few_weeks"


@dataclass(frozen=True, slots=True, kw_only=True)
class WeeklyRow:
    """One hashtag of the weekly report."""

    rank: int
    hashtag: str
    role: Role
    status: Status | None
    reason: Reason
    detail: str
    #: Last good values and when they were read.
    view_count: int | None
    video_count: int | None
    read_at: datetime | None
    #: Distance of that reading from the instant of the report.
    age: timedelta | None
    #: Change since about a week ago; None when an end is unknown.
    change: WeeklyChange | None
    verdict: WeeklyVerdict
    #: Why there is no verdict; None when there is one.
    no_verdict: NoVerdict | None
    #: Weekly view changes scaled to 7 days, oldest first; None where unknown.
    history: tuple[float | None, ...]
    #: Engagement of its held videos now, and its growth over those read in both weeks.
    engagement: int | None
    engagement_growth: Growth

    @property
    def unjudged(self) -> str:
        """Why there is no verdict, in words; empty when there is one."""
        return "" if self.no_verdict is None else _unjudged_words(self.no_verdict, self.verdict)

    @property
    def failed(self) -> bool:
        """Whether the last attempt brought nothing, or nothing was read in the last half week."""
        if self.age is None or self.age > HALF_WEEK:
            return True
        return brought_nothing(self.status, self.reason)

    def as_dict(self) -> dict[str, Any]:
        """JSON form."""
        return {
            "rank": self.rank,
            "hashtag": self.hashtag,
            "role": self.role.value,
            "status": None if self.status is None else self.status.value,
            "reason": self.reason.value,
            "view_count": self.view_count,
            "video_count": self.video_count,
            **self._changes(),
            "rolling_average": rounded(self.verdict.baseline, 2),
            "anomaly": self.verdict.anomaly.value,
            "anomaly_score": rounded(self.verdict.score, 3),
            "anomaly_reason": self.unjudged,
            "rolling_points": self.verdict.points,
            "history": [rounded(value, 2) for value in self.history],
            "engagement": self.engagement,
            "engagement_change": self.engagement_growth.change,
            "engagement_videos": self.engagement_growth.videos,
            "read_at": iso(self.read_at),
        }

    def _changes(self) -> dict[str, Any]:
        change = self.change
        views = None if change is None else change.views
        videos = None if change is None else change.videos
        return {
            "view_change": None if views is None else views.value,
            "view_change_ratio": None if views is None else rounded(views.ratio),
            "view_change_margin": None if views is None else views.margin,
            "view_change_7d": None if change is None else rounded(change.views_per_week, 2),
            "video_change": None if videos is None else videos.value,
            "video_change_ratio": None if videos is None else rounded(videos.ratio),
            "previous_at": None if change is None else iso(change.then.read_at),
            "elapsed_hours": None if change is None else hours(change.elapsed),
            "scaled": change is not None and change.scaled,
            "corrected": change is not None and change.corrected,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Emerging:
    """A hashtag that stands beside the campaign's in more and more captions."""

    hashtag: str
    #: Held videos published in the last 7 days, and in the 7 days before.
    videos: int
    videos_before: int
    #: Creators of ``videos``.
    creators: int

    def as_dict(self) -> dict[str, Any]:
        """JSON form."""
        return {
            "hashtag": self.hashtag,
            "videos": self.videos,
            "videos_before": self.videos_before,
            "change": self.videos - self.videos_before,
            "creators": self.creators,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class WeeklyReport:
    """Everything the weekly report says; ranked by views."""

    campaign: str
    timezone: str
    as_of: datetime
    on: date
    #: ISO week: ``2026-W47``.
    week: str
    rolling_weeks: int
    rows: tuple[WeeklyRow, ...]
    emerging: tuple[Emerging, ...]
    #: Held videos published in the last 7 days: what ``emerging`` rests on.
    emerging_sample: int
    #: Growth in the last 7 days beside competitors; None where it was not asked for.
    trend: Trend | None = None

    @property
    def own_view_change(self) -> int | None:
        """Views gained by the own hashtags, as far as known; None when none is."""
        changes = [r.change.views.value for r in self._own() if r.change and r.change.views]
        return sum(changes) if changes else None

    @property
    def anomalies(self) -> tuple[WeeklyRow, ...]:
        """Rows with a spike or a drop."""
        return tuple(r for r in self.rows if r.verdict.anomaly in (Anomaly.SPIKE, Anomaly.DROP))

    def _own(self) -> list[WeeklyRow]:
        return [row for row in self.rows if row.role is Role.OWN]

    def as_dict(self) -> dict[str, Any]:
        """The documented JSON object."""
        return {
            "week": self.week,
            "date": self.on.isoformat(),
            "campaign": self.campaign,
            "timezone": self.timezone,
            "as_of": iso(self.as_of),
            "rolling_weeks": self.rolling_weeks,
            "hashtags": [row.as_dict() for row in self.rows],
            "emerging": [tag.as_dict() for tag in self.emerging],
            "emerging_sample": self.emerging_sample,
            **({} if self.trend is None else self.trend.as_dict()),
        }


def build_weekly(facts: WeeklyFacts, top: int = 10) -> WeeklyReport:
    """The weekly tracker, with at most ``top`` emerging hashtags. Reads and spends nothing."""
    campaign, as_of = facts.campaign, facts.as_of
    rows = [_row(hashtag, facts) for hashtag in facts.hashtags]
    rows.sort(key=lambda r: (r.view_count is None, -(r.view_count or 0), r.hashtag))
    on = as_of.astimezone(ZoneInfo(campaign.timezone)).date()
    year, week, _ = on.isocalendar()
    emerging, sample = _emerging(facts)
    return WeeklyReport(
        campaign=campaign.name,
        timezone=campaign.timezone,
        as_of=as_of,
        on=on,
        week=f"{year}-W{week:02}",
        rolling_weeks=campaign.rules.rolling_weeks,
        rows=tuple(replace(row, rank=rank) for rank, row in enumerate(rows, 1)),
        emerging=emerging[:top],
        emerging_sample=sample,
        trend=facts.trend,
    )


def _row(hashtag: WeeklyHashtagFacts, facts: WeeklyFacts) -> WeeklyRow:
    weeks = facts.campaign.rules.rolling_weeks
    latest = max(
        (r for r in hashtag.readings if r.read_at <= facts.as_of),
        key=lambda r: (r.view_count is not None, r.read_at),
        default=None,
    )
    changes = weekly_changes(hashtag.readings, facts.as_of, weeks + 1)
    outcome = hashtag.outcome
    failed = outcome is not None and brought_nothing(outcome.status, outcome.reason)
    verdict, no_verdict = _judge(changes, latest, facts.as_of, failed=failed)
    name = hashtag.hashtag.name
    own_videos = [v for v in facts.videos if name == v.hashtag or name in v.hashtags]
    return WeeklyRow(
        rank=0,
        hashtag=name,
        role=hashtag.hashtag.role,
        status=None if outcome is None else outcome.status,
        reason=Reason.NONE if outcome is None else outcome.reason,
        detail="" if outcome is None else outcome.detail,
        view_count=None if latest is None else latest.view_count,
        video_count=None if latest is None else latest.video_count,
        read_at=None if latest is None else latest.read_at,
        age=None if latest is None else facts.as_of - latest.read_at,
        change=changes[0] if changes else None,
        verdict=verdict,
        no_verdict=no_verdict,
        history=tuple(c.views_per_week if c.counts else None for c in reversed(changes)),
        engagement=_engagement(own_videos),
        engagement_growth=engagement_growth(own_videos, facts.earlier),
    )


def _engagement(videos: Sequence[VideoFacts]) -> int | None:
    """Known engagement of the held videos; None without a held video."""
    return known_sum(v.counters.engagement for v in videos).total if videos else None


def _judge(
    changes: Sequence[WeeklyChange],
    latest: HashtagReading | None,
    as_of: datetime,
    *,
    failed: bool,
) -> tuple[WeeklyVerdict, NoVerdict | None]:
    """The verdict, and why there is none: ignorance never makes an anomaly."""
    current = changes[0] if changes else None
    earlier = [c.views_per_week for c in changes[1:] if c.is_point]
    usable = current is not None and current.counts and current.views is not None and not failed
    margin = float(current.views.margin) if current and current.views else 0.0
    value = current.views_per_week if current and usable else None
    verdict = weekly_anomaly(value, earlier, margin=margin)
    if verdict.anomaly is not Anomaly.NOT_ENOUGH_HISTORY:
        return verdict, None
    return verdict, _why_unjudged(current, latest, as_of, failed=failed)


def _why_unjudged(
    current: WeeklyChange | None,
    latest: HashtagReading | None,
    as_of: datetime,
    *,
    failed: bool,
) -> NoVerdict:
    if latest is None:
        return NoVerdict.NEVER_READ
    if failed:
        return NoVerdict.FAILED
    if as_of - latest.read_at > HALF_WEEK:
        return NoVerdict.NOT_THIS_WEEK
    if current is None:
        return NoVerdict.NO_EARLIER
    if current.views is None:
        return NoVerdict.VIEWS_UNKNOWN
    return NoVerdict.FEW_WEEKS if current.counts else NoVerdict.SHORT


def _unjudged_words(why: NoVerdict, verdict: WeeklyVerdict) -> str:
    if why is NoVerdict.FEW_WEEKS:
        return say("{known} of {needed} weeks", known=verdict.points, needed=MIN_WEEKS)
    reasons = {
        NoVerdict.NEVER_READ: say("never read"),
        NoVerdict.FAILED: say("the last read failed"),
        NoVerdict.NOT_THIS_WEEK: say("not read this week"),
        NoVerdict.NO_EARLIER: say("no earlier reading"),
        NoVerdict.VIEWS_UNKNOWN: say("the change of views is unknown"),
        NoVerdict.SHORT: say("less than half a week of readings"),
    }
    return reasons[why]


# --- co-occurring hashtags ------------------------------------------------------------------------


def _emerging(facts: WeeklyFacts) -> tuple[tuple[Emerging, ...], int]:
    """Hashtags in captions of the last 7 days against the 7 days before; largest growth first."""
    watched = {h.hashtag.name for h in facts.hashtags}
    this_week = _published(facts.videos, facts.as_of - WEEK, facts.as_of)
    before = _published(facts.videos, facts.as_of - 2 * WEEK, facts.as_of - WEEK)
    now, then = _authors_by_tag(this_week), _authors_by_tag(before)
    found = [
        Emerging(
            hashtag=tag,
            videos=len(authors),
            videos_before=len(then.get(tag, ())),
            creators=len(set(authors)),
        )
        for tag, authors in now.items()
        if tag not in watched and len(authors) >= EMERGING_MIN_VIDEOS
    ]
    growing = [tag for tag in found if tag.videos > tag.videos_before]
    growing.sort(key=lambda t: (t.videos_before - t.videos, -t.creators, t.hashtag))
    return tuple(growing), len(this_week)


def _published(videos: Iterable[VideoFacts], since: datetime, until: datetime) -> list[VideoFacts]:
    return [v for v in videos if since < (v.created_at or v.first_seen_at) <= until]


def _authors_by_tag(videos: Iterable[VideoFacts]) -> dict[str, list[str]]:
    tags: dict[str, list[str]] = {}
    for video in videos:
        for tag in hashtags_in(video.caption):
            tags.setdefault(tag, []).append(video.author_key)
    return tags
