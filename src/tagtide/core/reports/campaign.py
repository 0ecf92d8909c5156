"""The daily and the campaign report: totals, averages, rankings and change since the day before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from tagtide.core.coverage import Completeness
from tagtide.core.detect.virality import AgeScore, campaign_scores
from tagtide.core.metrics import (
    CreatorStanding,
    Growth,
    KnownSum,
    RateSummary,
    Totals,
    VideoFacts,
    creators,
    engagement_growth,
    first_seen_since,
    known_sum,
    rate_summary,
    top_by_engagement,
    top_by_views,
    totals,
    view_growth,
    viral_videos,
)
from tagtide.core.reports.facts import (
    HashtagFacts,
    HashtagLine,
    VideoLine,
    add_up,
    alert_dict,
    completeness_dict,
    creator_dict,
    hashtag_line,
    hours,
    iso,
    rounded,
    video_dict,
)
from tagtide.core.reports.insights import Insights, Valuation, build_insights
from tagtide.core.reports.trend import Trend
from tagtide.models import Alert, Campaign, Role, VideoReading

DAY = timedelta(hours=24)
#: Videos first seen within this share of the span after its start belong to the run at its start.
_RUN_SHARE = 1 / 48


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedWith:
    """The earlier end of a comparison."""

    at: datetime
    #: The real span.
    elapsed: timedelta
    #: Videos read at both ends.
    videos: int

    def as_dict(self) -> dict[str, Any]:
        """JSON form."""
        return {"at": iso(self.at), "hours": hours(self.elapsed), "videos": self.videos}


@dataclass(frozen=True, slots=True, kw_only=True)
class SinceReport:
    """Differences to the report of an earlier day, as that report stated its figures."""

    on: str
    videos: int | None
    creators: int | None
    views: int | None
    engagement: int | None

    def as_dict(self) -> dict[str, Any]:
        """JSON form."""
        return {
            "date": self.on,
            "total_videos": self.videos,
            "unique_creators": self.creators,
            "total_views": self.views,
            "total_engagement": self.engagement,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignReport:
    """Everything a daily or campaign report says. Own hashtags only, but for ``competitors``."""

    #: ``daily`` or ``campaign``.
    kind: str
    campaign: str
    timezone: str
    #: Instant of the newest reading; the report speaks about nothing later.
    as_of: datetime
    #: Its date in the campaign's zone.
    on: date
    hashtags: tuple[HashtagLine, ...]
    competitors: tuple[HashtagLine, ...]
    totals: Totals
    rates: RateSummary
    viral: tuple[VideoLine, ...]
    viral_judged: bool
    viral_factor: float
    #: Others far above what the campaign's videos get at their age, furthest first.
    standing_out: tuple[VideoLine, ...]
    #: Videos that have an age-adjusted score; about one in a hundred stands out by chance.
    scored: int
    top_videos: tuple[VideoLine, ...]
    top_by_views: tuple[VideoLine, ...]
    top_creators: tuple[CreatorStanding, ...]
    high_priority: tuple[VideoLine, ...]
    new_videos: int
    new_views: KnownSum
    growth: Growth
    engagement_growth: Growth
    compared_with: ComparedWith | None
    since_report: SinceReport | None
    held: Completeness | None
    alerts: tuple[Alert, ...]
    credits_used: int | None
    price_per_credit: float | None
    videos: tuple[VideoFacts, ...]
    #: Of the campaign report; the daily one has neither.
    trend: Trend | None = None
    insights: Insights | None = None

    @property
    def money_spent(self) -> float | None:
        """Credits times price; None without either."""
        if self.credits_used is None or self.price_per_credit is None:
            return None
        return round(self.credits_used * self.price_per_credit, 6)

    @property
    def existing_videos(self) -> int | None:
        """Video count of the own hashtags; None as soon as one is unknown, or with several.

        A video may be under several hashtags, so that counts of several must not be added.
        """
        return self.hashtags[0].video_count if len(self.hashtags) == 1 else None

    def as_dict(self, *, videos: bool = True) -> dict[str, Any]:
        """The documented JSON object; without ``videos`` small enough to keep one for every day."""
        return {
            "kind": self.kind,
            "date": self.on.isoformat(),
            "campaign": self.campaign,
            "timezone": self.timezone,
            "as_of": iso(self.as_of),
            "hashtags": [line.as_dict() for line in self.hashtags],
            "competitors": [line.as_dict() for line in self.competitors],
            **self._figures(),
            "viral_videos": [line.as_dict() for line in self.viral],
            "viral_judged": self.viral_judged,
            "standout_videos": [line.as_dict() for line in self.standing_out],
            "age_scored_videos": self.scored,
            "top_videos": _ranked(self.top_videos),
            "top_videos_by_views": _ranked(self.top_by_views),
            "top_creators": [creator_dict(i, c) for i, c in enumerate(self.top_creators, 1)],
            "high_priority": [line.as_dict() for line in self.high_priority],
            **self._changes(),
            "alerts": [alert_dict(alert) for alert in self.alerts],
            "credits_used": self.credits_used,
            "money_spent": self.money_spent,
            "coverage": self._coverage(),
            **({} if self.trend is None else self.trend.as_dict()),
            **({} if self.insights is None else self.insights.as_dict()),
            **({"videos": [video_dict(video) for video in self.videos]} if videos else {}),
        }

    def _figures(self) -> dict[str, Any]:
        sums, rates = self.totals, self.rates
        return {
            "total_videos": sums.videos,
            "unique_creators": sums.creators,
            "total_views": sums.views.total,
            "total_likes": sums.likes.total,
            "total_comments": sums.comments.total,
            "total_shares": sums.shares.total,
            "total_saves": sums.saves.total,
            "total_engagement": sums.engagement.total,
            "avg_views": rounded(sums.views.mean, 2),
            "avg_engagement": rounded(sums.engagement.mean, 2),
            "avg_engagement_rate": rounded(rates.mean),
            "median_engagement_rate": rounded(rates.median),
            "pooled_engagement_rate": rounded(rates.pooled),
            "engagement_rate_distribution": distribution_dict(rates),
        }

    def _changes(self) -> dict[str, Any]:
        return {
            "new_videos_24h": self.new_videos,
            "new_views_24h": self.new_views.total,
            "view_growth_24h": self.growth.change,
            "view_growth_videos": self.growth.videos,
            "view_growth_fallen": self.growth.fallen,
            "engagement_growth_24h": self.engagement_growth.change,
            "compared_with": None if self.compared_with is None else self.compared_with.as_dict(),
            "since_report": None if self.since_report is None else self.since_report.as_dict(),
        }

    def _coverage(self) -> dict[str, Any]:
        return {
            **completeness_dict(self.held),
            "videos_held": self.totals.videos,
            "videos_existing": self.existing_videos,
            "views_known": self.totals.views.known,
            "views_unknown": self.totals.views.unknown,
            "engagement_known": self.totals.engagement.known,
            "engagement_unknown": self.totals.engagement.unknown,
            "rates_known": self.rates.known,
            "rates_unknown": self.rates.unknown,
            "hashtags_failed": [line.hashtag for line in self.hashtags if line.failed],
        }


def distribution_dict(rates: RateSummary) -> dict[str, Any]:
    """JSON form of a distribution: quantiles (type 7) and bins ``from <= rate < to``."""
    return {
        "videos": rates.known,
        "quantiles": {f"p{round(p * 100)}": rounded(value) for p, value in rates.quantiles},
        "histogram": [
            {"from": part.low, "to": part.high, "videos": part.videos} for part in rates.histogram
        ],
    }


def _ranked(lines: Sequence[VideoLine]) -> list[dict[str, Any]]:
    return [{"rank": rank, **line.as_dict()} for rank, line in enumerate(lines, 1)]


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignFacts:
    """What a daily or campaign report is made from."""

    #: Whose report it is; its rules and zone count.
    campaign: Campaign
    #: Instant of the newest reading.
    as_of: datetime
    #: Every video of the own hashtags at its latest reading, and none of a competitor.
    videos: Sequence[VideoFacts]
    #: By video id, the reading nearest to 24 hours before ``as_of``.
    earlier: Mapping[str, VideoReading] = field(default_factory=dict)
    #: Own hashtags and competitors, in the campaign's order.
    hashtags: Sequence[HashtagFacts] = ()
    #: What the campaign spent on the report's day; None when unknown.
    credits_used: int | None = None
    #: By video id, the reading nearest to a week before ``as_of``; the age curve is fitted on them.
    week_before: Mapping[str, VideoReading] = field(default_factory=dict)
    #: In the account's currency; None when not configured.
    price_per_credit: float | None = None
    #: Body of the report of an earlier day, as `CampaignReport.as_dict` made it.
    previous: Mapping[str, Any] | None = None
    #: Alerts that are firing.
    alerts: Sequence[Alert] = ()
    #: Growth over the last weeks; None where nobody looked.
    trend: Trend | None = None
    #: How earned media value is counted.
    valuation: Valuation = field(default_factory=Valuation)


def build_daily(facts: CampaignFacts, top: int = 5) -> CampaignReport:
    """The daily monitor, with rankings of ``top`` lines. Reads nothing and spends nothing."""
    return _build("daily", facts, creators(facts.videos), top)


def build_campaign(facts: CampaignFacts, top: int = 5) -> CampaignReport:
    """The campaign report: the figures of `build_daily`, what the videos tell beyond, the trend."""
    standings = creators(facts.videos)
    report = _build("campaign", facts, standings, top)
    insights = build_insights(
        facts.videos,
        standings,
        report.totals,
        as_of=facts.as_of,
        zone=ZoneInfo(facts.campaign.timezone),
        own=[hashtag.name for hashtag in facts.campaign.own()],
        tracked=[hashtag.name for hashtag in facts.campaign.hashtags],
        valuation=facts.valuation,
    )
    return replace(report, trend=facts.trend, insights=insights)


def _build(
    kind: str, facts: CampaignFacts, standings: Sequence[CreatorStanding], top: int
) -> CampaignReport:
    campaign, as_of, videos = facts.campaign, facts.as_of, facts.videos
    lines = [hashtag_line(hashtag, as_of) for hashtag in facts.hashtags]
    own = tuple(line for line in lines if line.role is Role.OWN)
    sums, growth = totals(videos), view_growth(videos, facts.earlier)
    compared = _compared_with(growth, own)
    new = first_seen_since(videos, _new_after(compared, as_of), as_of)
    rules = campaign.rules
    on = as_of.astimezone(ZoneInfo(campaign.timezone)).date()
    scores = campaign_scores(videos, as_of, facts.week_before, rules.viral_min_others)
    viral = _viral_lines(videos, scores, rules.viral_factor, rules.viral_min_others)
    priority = top_by_views((v for v in videos if v.high_priority_at is not None), len(videos))
    return CampaignReport(
        kind=kind,
        campaign=campaign.name,
        timezone=campaign.timezone,
        as_of=as_of,
        on=on,
        hashtags=own,
        competitors=tuple(line for line in lines if line.role is Role.COMPETITOR),
        totals=sums,
        rates=rate_summary(videos),
        viral=viral,
        viral_judged=sums.views.known > rules.viral_min_others,
        viral_factor=rules.viral_factor,
        standing_out=_standing_out(videos, scores, viral),
        scored=len(scores),
        top_videos=tuple(map(VideoLine, top_by_engagement(videos, top))),
        top_by_views=tuple(map(VideoLine, top_by_views(videos, top))),
        top_creators=tuple(standings[:top]),
        high_priority=tuple(map(VideoLine, priority)),
        new_videos=len(new),
        new_views=known_sum(v.counters.view_count for v in new),
        growth=growth,
        engagement_growth=engagement_growth(videos, facts.earlier),
        compared_with=compared,
        since_report=_since_report(facts.previous, sums, on),
        held=add_up(line.held for line in own if line.held is not None),
        alerts=tuple(facts.alerts),
        credits_used=facts.credits_used,
        price_per_credit=facts.price_per_credit,
        videos=tuple(videos),
    )


def _viral_lines(
    videos: Sequence[VideoFacts], scores: Mapping[str, AgeScore], factor: float, min_others: int
) -> tuple[VideoLine, ...]:
    found = viral_videos(videos, factor, min_others)
    by_id = {v.video_id: v for v in videos} if found else {}
    return tuple(VideoLine(by_id[o.video_id], o, scores.get(o.video_id)) for o in found)


def _standing_out(
    videos: Sequence[VideoFacts], scores: Mapping[str, AgeScore], viral: Sequence[VideoLine]
) -> tuple[VideoLine, ...]:
    listed = {line.video.video_id for line in viral}
    lines = [
        VideoLine(video, score=score)
        for video in videos
        if (score := scores.get(video.video_id)) is not None
        and score.stands_out
        and video.video_id not in listed
    ]
    lines.sort(key=lambda line: (-line.score.z if line.score else 0.0, line.video.video_id))
    return tuple(lines)


def _compared_with(growth: Growth, own: Sequence[HashtagLine]) -> ComparedWith | None:
    """The earlier end: that of the videos, else that of the first hashtag that has one.

    A hashtag first read some minutes ago is no earlier end: half a day is the least.
    """
    if growth.since is not None and growth.elapsed is not None:
        return ComparedWith(at=growth.since, elapsed=growth.elapsed, videos=growth.videos)
    for line in own:
        if line.previous_at is None or line.read_at is None:
            continue
        elapsed = line.read_at - line.previous_at
        if elapsed >= DAY / 2:
            return ComparedWith(at=line.previous_at, elapsed=elapsed, videos=0)
    return None


def _new_after(compared: ComparedWith | None, as_of: datetime) -> datetime:
    """Videos first seen after this are new; the run that made the comparison took its time."""
    start = as_of - DAY if compared is None else compared.at
    return start + (as_of - start) * _RUN_SHARE


def _since_report(previous: Mapping[str, Any] | None, sums: Totals, on: date) -> SinceReport | None:
    if not previous or str(previous.get("date", "")) >= on.isoformat():
        return None
    return SinceReport(
        on=str(previous["date"]),
        videos=_minus(sums.videos, previous.get("total_videos")),
        creators=_minus(sums.creators, previous.get("unique_creators")),
        views=_minus(sums.views.total, previous.get("total_views")),
        engagement=_minus(sums.engagement.total, previous.get("total_engagement")),
    )


def _minus(now: int | None, then: object) -> int | None:
    return now - then if now is not None and isinstance(then, int) else None
