"""Complete tables of a report, for media that compute: every video, creator and hashtag.

A table of the blocks is read; one of these is sorted, filtered and added up. So it holds values and
no texts about them, strangers' words as they are, and says of each column what it means.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any, Generic, TypeVar

from tagtide.core.messages.blocks import Value, creator_url, safe_link
from tagtide.core.messages.words import tag_url
from tagtide.core.metrics import Change, CreatorStanding, VideoFacts, creators, top_by_views
from tagtide.core.reports.campaign import CampaignReport
from tagtide.core.reports.facts import HashtagLine, VideoLine, completeness_dict
from tagtide.core.reports.weekly import Emerging, WeeklyReport, WeeklyRow

T = TypeVar("T")


class Form(StrEnum):
    """What a column holds."""

    TEXT = "text"
    #: Digits that are no number: never added up.
    ID = "id"
    #: An address, as text.
    LINK = "link"
    COUNT = "count"
    CHANGE = "change"
    #: A fraction.
    RATE = "rate"
    SIGNED_RATE = "signed rate"
    DECIMAL = "decimal"
    INSTANT = "instant"
    FLAG = "flag"


@dataclass(frozen=True, slots=True)
class Field:
    """A column, and what stands in it, in a sentence."""

    title: str
    form: Form
    meaning: str


@dataclass(frozen=True, slots=True)
class FullTable:
    """Rows of values under fields; None is unknown."""

    title: str
    fields: tuple[Field, ...]
    rows: tuple[tuple[str | Value, ...], ...]


@dataclass(frozen=True, slots=True)
class _Of(Generic[T]):
    """A field, and how its value is found."""

    title: str
    form: Form
    meaning: str
    value: Callable[[T], Any]

    @property
    def field(self) -> Field:
        return Field(self.title, self.form, self.meaning)


def campaign_appendix(report: CampaignReport) -> tuple[FullTable, ...]:
    """Every video of a daily or campaign report, its creators, its hashtags."""
    lines = (*report.hashtags, *report.competitors)
    ranked = top_by_views(report.videos, len(report.videos))
    unknown = [v for v in report.videos if v.counters.view_count is None]
    viral = {line.video.video_id: line.viral for line in report.viral}
    times: _Of[VideoFacts] = _Of(
        "× mean of others",
        Form.DECIMAL,
        "Of viral videos: the counter over its mean among the campaign's other videos.",
        lambda v: found.times if (found := viral.get(v.video_id)) else None,
    )
    return (
        _table("All videos", (*_VIDEO, times), [*ranked, *unknown]),
        _table("All creators", _CREATOR, creators(report.videos)),
        _table("All hashtags", _HASHTAG, lines),
    )


def weekly_appendix(report: WeeklyReport) -> tuple[FullTable, ...]:
    """Every hashtag of a weekly report with its weeks, and every emerging hashtag."""
    weeks = max((len(row.history) for row in report.rows), default=0)
    tables = [_table("All hashtags", (*_WEEKLY, *map(_week, range(weeks, 0, -1))), report.rows)]
    if report.emerging:
        tables.append(_table("All emerging hashtags", _EMERGING, report.emerging))
    return tuple(tables)


def _table(title: str, columns: Sequence[_Of[T]], lines: Iterable[T]) -> FullTable:
    values = [column.value for column in columns]
    return FullTable(
        title,
        tuple(column.field for column in columns),
        tuple(tuple([value(line) for value in values]) for line in lines),
    )


def _spaced(names: Iterable[str]) -> str:
    return " ".join(names)


_VIDEO: tuple[_Of[VideoFacts], ...] = (
    _Of("Video", Form.ID, "TikTok's number of the video.", lambda v: v.video_id),
    _Of("Link", Form.LINK, "Its page on TikTok.", lambda v: safe_link(VideoLine(v).url)),
    _Of("Caption", Form.TEXT, "As its creator wrote it.", lambda v: v.caption),
    _Of("Creator", Form.TEXT, "Handle of its creator.", lambda v: v.author_username),
    _Of("Creator's name", Form.TEXT, "As the creator shows it.", lambda v: v.author_nickname),
    _Of(
        "Followers",
        Form.COUNT,
        "Of the creator, as last read; unknown where nobody asked.",
        lambda v: v.author_followers,
    ),
    _Of("Views", Form.COUNT, "At the newest reading.", lambda v: v.counters.view_count),
    _Of("Likes", Form.COUNT, "At the newest reading.", lambda v: v.counters.like_count),
    _Of("Comments", Form.COUNT, "At the newest reading.", lambda v: v.counters.comment_count),
    _Of("Shares", Form.COUNT, "At the newest reading.", lambda v: v.counters.share_count),
    _Of("Saves", Form.COUNT, "At the newest reading.", lambda v: v.counters.save_count),
    _Of("Engagement", Form.COUNT, "Likes + comments + shares.", lambda v: v.counters.engagement),
    _Of(
        "Rate",
        Form.RATE,
        "Engagement over views; unknown when views are 0 or unknown.",
        lambda v: v.counters.engagement_rate,
    ),
    _Of("Created", Form.INSTANT, "When it was published.", lambda v: v.created_at),
    _Of("First seen", Form.INSTANT, "First sighting in the campaign.", lambda v: v.first_seen_at),
    _Of("Read", Form.INSTANT, "When its counters were read.", lambda v: v.read_at),
    _Of(
        "Hashtags",
        Form.TEXT,
        "Hashtags of the campaign that it was seen under.",
        lambda v: _spaced(v.hashtags),
    ),
    _Of("First under", Form.TEXT, "The hashtag where it was first seen.", lambda v: v.hashtag),
    _Of(
        "High priority",
        Form.FLAG,
        "Whether its rate and views have both reached the campaign's marks.",
        lambda v: v.high_priority_at is not None,
    ),
    _Of("High since", Form.INSTANT, "When it first did.", lambda v: v.high_priority_at),
)

_CREATOR: tuple[_Of[CreatorStanding], ...] = (
    _Of("Creator", Form.TEXT, "Handle.", lambda c: c.author_username),
    _Of("Link", Form.LINK, "Page on TikTok.", lambda c: creator_url(c.author_username)),
    _Of("Name", Form.TEXT, "As the creator shows it.", lambda c: c.author_nickname),
    _Of(
        "Followers",
        Form.COUNT,
        "As last read; unknown where nobody asked.",
        lambda c: c.author_followers,
    ),
    _Of("Videos", Form.COUNT, "Held videos of the campaign.", lambda c: c.videos),
    _Of("Views", Form.COUNT, "Sum over the videos with known views.", lambda c: c.views.total),
    _Of("Views unknown", Form.COUNT, "Videos that are not in it.", lambda c: c.views.unknown),
    _Of(
        "Engagement",
        Form.COUNT,
        "Sum over the videos with a known one.",
        lambda c: c.engagement.total,
    ),
    _Of(
        "Rate",
        Form.RATE,
        "All engagement over all views, of the videos that have a rate.",
        lambda c: c.engagement_rate,
    ),
    _Of("High priority", Form.COUNT, "High-priority videos.", lambda c: c.high_priority_videos),
    _Of("Top video", Form.ID, "The one with the most views.", lambda c: c.top_video_id),
)

_HASHTAG: tuple[_Of[HashtagLine], ...] = (
    _Of("Hashtag", Form.TEXT, "Without #.", lambda h: h.hashtag),
    _Of("Link", Form.LINK, "Page on TikTok.", lambda h: safe_link(tag_url(h.hashtag))),
    _Of("Whose", Form.TEXT, "Own, or a competitor's.", lambda h: h.role.value),
    _Of("Views", Form.COUNT, "All videos under it, as TikTok states.", lambda h: h.view_count),
    _Of("Views gained", Form.CHANGE, "Over the span.", lambda h: _gained(h.views)),
    _Of(
        "Rounding",
        Form.COUNT,
        "The true gain lies within so much of it: the source rounds.",
        lambda h: _margin(h.views),
    ),
    _Of("Videos", Form.COUNT, "Videos under it, as TikTok states.", lambda h: h.video_count),
    _Of("Videos gained", Form.CHANGE, "Over the span.", lambda h: _gained(h.videos)),
    _Of("Span, hours", Form.DECIMAL, "Between the two readings.", lambda h: _hours(h.elapsed)),
    _Of("From", Form.INSTANT, "The earlier reading.", lambda h: h.previous_at),
    _Of("Read", Form.INSTANT, "The newest good reading.", lambda h: h.read_at),
    _Of("Outcome", Form.TEXT, "How the last try ended.", lambda h: h.status and h.status.value),
    _Of("Reason", Form.TEXT, "Why, where it did not end well.", lambda h: h.reason.value),
    _Of(
        "Completeness",
        Form.RATE,
        "Held videos over videos that exist, of those published in the span.",
        lambda h: completeness_dict(h.held)["completeness"],
    ),
)

_WEEKLY: tuple[_Of[WeeklyRow], ...] = (
    _Of("Rank", Form.COUNT, "By views.", lambda r: r.rank),
    _Of("Hashtag", Form.TEXT, "Without #.", lambda r: r.hashtag),
    _Of("Link", Form.LINK, "Page on TikTok.", lambda r: safe_link(tag_url(r.hashtag))),
    _Of("Whose", Form.TEXT, "Own, or a competitor's.", lambda r: r.role.value),
    _Of("Views", Form.COUNT, "All videos under it, as TikTok states.", lambda r: r.view_count),
    _Of(
        "Views gained",
        Form.CHANGE,
        "Over the span.",
        lambda r: _gained(r.change.views) if r.change else None,
    ),
    _Of(
        "Gained, relative",
        Form.SIGNED_RATE,
        "Views gained over views then.",
        lambda r: r.change.views.ratio if r.change and r.change.views else None,
    ),
    _Of(
        "Per 7 days",
        Form.CHANGE,
        "Views gained, scaled to 7 days.",
        lambda r: r.change.views_per_week if r.change else None,
    ),
    _Of("Videos", Form.COUNT, "Videos under it, as TikTok states.", lambda r: r.video_count),
    _Of(
        "Videos gained",
        Form.CHANGE,
        "Over the span.",
        lambda r: _gained(r.change.videos) if r.change else None,
    ),
    _Of(
        "Span, hours",
        Form.DECIMAL,
        "Between the two readings.",
        lambda r: _hours(r.change.elapsed) if r.change else None,
    ),
    _Of(
        "Usual",
        Form.CHANGE,
        "Mean of the earlier weekly changes of views.",
        lambda r: r.verdict.baseline,
    ),
    _Of("Verdict", Form.TEXT, "Usual, a spike or a drop.", lambda r: r.verdict.anomaly.value),
    _Of(
        "Distance",
        Form.DECIMAL,
        "From the usual change, in standard deviations.",
        lambda r: r.verdict.score,
    ),
    _Of("Engagement", Form.COUNT, "Of its held videos.", lambda r: r.engagement),
    _Of(
        "Engagement gained",
        Form.CHANGE,
        "Over the videos read in both weeks.",
        lambda r: r.engagement_growth.change,
    ),
    _Of("Read", Form.INSTANT, "The newest good reading.", lambda r: r.read_at),
)

_EMERGING: tuple[_Of[Emerging], ...] = (
    _Of("Hashtag", Form.TEXT, "Without #.", lambda e: e.hashtag),
    _Of("Link", Form.LINK, "Page on TikTok.", lambda e: safe_link(tag_url(e.hashtag))),
    _Of("Videos, 7 days", Form.COUNT, "Held videos published then.", lambda e: e.videos),
    _Of("7 days before", Form.COUNT, "Held videos published then.", lambda e: e.videos_before),
    _Of("Change", Form.CHANGE, "Of the two.", lambda e: e.videos - e.videos_before),
    _Of("Creators", Form.COUNT, "Of the videos of 7 days.", lambda e: e.creators),
)


def _week(back: int) -> _Of[WeeklyRow]:
    """The weekly change at a place from the end; this week's is 1."""
    weeks = "1 week" if back == 2 else f"{back - 1} weeks"
    return _Of(
        "This week" if back == 1 else f"{weeks} before",
        Form.CHANGE,
        "Views gained in that week, scaled to 7 days.",
        lambda row: row.history[-back] if back <= len(row.history) else None,
    )


def _gained(change: Change | None) -> float | None:
    return None if change is None else change.value


def _margin(change: Change | None) -> float | None:
    return None if change is None else change.margin


def _hours(elapsed: timedelta | None) -> float | None:
    return None if elapsed is None else elapsed.total_seconds() / 3600
