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

from tagtide.core.language import say, say_as, say_many
from tagtide.core.lift import LiftDay, Unmeasured
from tagtide.core.messages.blocks import Value, creator_url, safe_link
from tagtide.core.messages.words import outcome_words, tag_url, verdict_words, whose_words
from tagtide.core.metrics import (
    Anomaly,
    Change,
    CreatorStanding,
    VideoFacts,
    creators,
    top_by_views,
)
from tagtide.core.reports.campaign import CampaignReport
from tagtide.core.reports.creator import CreatorReport
from tagtide.core.reports.facts import HashtagLine, VideoLine, completeness_dict
from tagtide.core.reports.weekly import Emerging, WeeklyReport, WeeklyRow
from tagtide.core.reports.wrapup import WrapUp

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
        say("× mean of others"),
        Form.DECIMAL,
        say("Of viral videos: the counter over its mean among the campaign's other videos."),
        lambda v: found.times if (found := viral.get(v.video_id)) else None,
    )
    return (
        _table(say("All videos"), (*_video_fields(), times), [*ranked, *unknown]),
        _table(say("All creators"), _creator_fields(), creators(report.videos)),
        _table(say("All hashtags"), _hashtag_fields(), lines),
    )


def weekly_appendix(report: WeeklyReport) -> tuple[FullTable, ...]:
    """Every hashtag of a weekly report with its weeks, and every emerging hashtag."""
    weeks = max((len(row.history) for row in report.rows), default=0)
    tables = [
        _table(
            say("All hashtags"), (*_weekly_fields(), *map(_week, range(weeks, 0, -1))), report.rows
        )
    ]
    if report.emerging:
        tables.append(_table(say("All emerging hashtags"), _emerging_fields(), report.emerging))
    return tuple(tables)


def wrapup_appendix(report: WrapUp) -> tuple[FullTable, ...]:
    """Everything of a campaign report, and the days of the lift."""
    lines = (*report.hashtags, *report.competitors)
    videos, creators_, _ = campaign_appendix(report.report)
    tables = (videos, creators_, _table(say("All hashtags"), _hashtag_fields(), lines))
    if isinstance(report.lift, Unmeasured):
        return tables
    return (*tables, _table(say("Lift by day"), _lift_fields(), report.lift.days))


def creator_appendix(report: CreatorReport) -> tuple[FullTable, ...]:
    """Every video of the creator that is held."""
    return (_table(say("All videos"), _video_fields(), [one.video for one in report.videos]),)


def _table(title: str, columns: Sequence[_Of[T]], lines: Iterable[T]) -> FullTable:
    values = [column.value for column in columns]
    return FullTable(
        title,
        tuple(column.field for column in columns),
        tuple(tuple([value(line) for value in values]) for line in lines),
    )


def _spaced(names: Iterable[str]) -> str:
    return " ".join(names)


def _video_fields() -> tuple[_Of[VideoFacts], ...]:
    return (
        _Of(say("Video"), Form.ID, say("TikTok's number of the video."), lambda v: v.video_id),
        _Of(
            say("Link"),
            Form.LINK,
            say("Its page on TikTok."),
            lambda v: safe_link(VideoLine(v).url),
        ),
        _Of(say("Caption"), Form.TEXT, say("As its creator wrote it."), lambda v: v.caption),
        _Of(say("Creator"), Form.TEXT, say("Handle of its creator."), lambda v: v.author_username),
        _Of(
            say("Creator's name"),
            Form.TEXT,
            say("As the creator shows it."),
            lambda v: v.author_nickname,
        ),
        _Of(
            say("Followers"),
            Form.COUNT,
            say("Of the creator, as last read; unknown where nobody asked."),
            lambda v: v.author_followers,
        ),
        _Of(
            say("Views"), Form.COUNT, say("At the newest reading."), lambda v: v.counters.view_count
        ),
        _Of(
            say("Likes"), Form.COUNT, say("At the newest reading."), lambda v: v.counters.like_count
        ),
        _Of(
            say("Comments"),
            Form.COUNT,
            say("At the newest reading."),
            lambda v: v.counters.comment_count,
        ),
        _Of(
            say("Shares"),
            Form.COUNT,
            say("At the newest reading."),
            lambda v: v.counters.share_count,
        ),
        _Of(
            say("Saves"), Form.COUNT, say("At the newest reading."), lambda v: v.counters.save_count
        ),
        _Of(
            say("Engagement"),
            Form.COUNT,
            say("Likes + comments + shares."),
            lambda v: v.counters.engagement,
        ),
        _Of(
            say("Rate"),
            Form.RATE,
            say("Engagement over views; unknown when views are 0 or unknown."),
            lambda v: v.counters.engagement_rate,
        ),
        _Of(say("Created"), Form.INSTANT, say("When it was published."), lambda v: v.created_at),
        _Of(
            say("First seen"),
            Form.INSTANT,
            say("First sighting in the campaign."),
            lambda v: v.first_seen_at,
        ),
        _Of(
            say_as("when", "Read"),
            Form.INSTANT,
            say("When its counters were read."),
            lambda v: v.read_at,
        ),
        _Of(
            say("Hashtags"),
            Form.TEXT,
            say("Hashtags of the campaign that it was seen under."),
            lambda v: _spaced(v.hashtags),
        ),
        _Of(
            say("First under"),
            Form.TEXT,
            say("The hashtag where it was first seen."),
            lambda v: v.hashtag,
        ),
        _Of(
            say("High priority"),
            Form.FLAG,
            say("Whether its rate and views have both reached the campaign's marks."),
            lambda v: v.high_priority_at is not None,
        ),
        _Of(
            say("High since"), Form.INSTANT, say("When it first did."), lambda v: v.high_priority_at
        ),
    )


def _creator_fields() -> tuple[_Of[CreatorStanding], ...]:
    return (
        _Of(say("Creator"), Form.TEXT, say("Handle."), lambda c: c.author_username),
        _Of(
            say("Link"), Form.LINK, say("Page on TikTok."), lambda c: creator_url(c.author_username)
        ),
        _Of(
            say_as("of a creator", "Name"),
            Form.TEXT,
            say("As the creator shows it."),
            lambda c: c.author_nickname,
        ),
        _Of(
            say("Followers"),
            Form.COUNT,
            say("As last read; unknown where nobody asked."),
            lambda c: c.author_followers,
        ),
        _Of(say("Videos"), Form.COUNT, say("Held videos of the campaign."), lambda c: c.videos),
        _Of(
            say("Views"),
            Form.COUNT,
            say("Sum over the videos with known views."),
            lambda c: c.views.total,
        ),
        _Of(
            say("Views unknown"),
            Form.COUNT,
            say("Videos that are not in it."),
            lambda c: c.views.unknown,
        ),
        _Of(
            say("Engagement"),
            Form.COUNT,
            say("Sum over the videos with a known one."),
            lambda c: c.engagement.total,
        ),
        _Of(
            say("Rate"),
            Form.RATE,
            say("All engagement over all views, of the videos that have a rate."),
            lambda c: c.engagement_rate,
        ),
        _Of(
            say("High priority"),
            Form.COUNT,
            say("High-priority videos."),
            lambda c: c.high_priority_videos,
        ),
        _Of(
            say("Top video"), Form.ID, say("The one with the most views."), lambda c: c.top_video_id
        ),
    )


def _hashtag_fields() -> tuple[_Of[HashtagLine], ...]:
    return (
        _Of(say("Hashtag"), Form.TEXT, say("Without #."), lambda h: h.hashtag),
        _Of(
            say("Link"), Form.LINK, say("Page on TikTok."), lambda h: safe_link(tag_url(h.hashtag))
        ),
        _Of(
            say_as("hashtag", "Whose"),
            Form.TEXT,
            say("Own, or a competitor's."),
            lambda h: whose_words(h.role),
        ),
        _Of(
            say("Views"),
            Form.COUNT,
            say("All videos under it, as TikTok states."),
            lambda h: h.view_count,
        ),
        _Of(say("Views gained"), Form.CHANGE, say("Over the span."), lambda h: _gained(h.views)),
        _Of(
            say("Rounding"),
            Form.COUNT,
            say("The true gain lies within so much of it: the source rounds."),
            lambda h: _margin(h.views),
        ),
        _Of(
            say("Videos"),
            Form.COUNT,
            say("Videos under it, as TikTok states."),
            lambda h: h.video_count,
        ),
        _Of(say("Videos gained"), Form.CHANGE, say("Over the span."), lambda h: _gained(h.videos)),
        _Of(
            say("Span, hours"),
            Form.DECIMAL,
            say("Between the two readings."),
            lambda h: _hours(h.elapsed),
        ),
        _Of(
            say_as("instant", "From"),
            Form.INSTANT,
            say("The earlier reading."),
            lambda h: h.previous_at,
        ),
        _Of(
            say_as("when", "Read"),
            Form.INSTANT,
            say("The newest good reading."),
            lambda h: h.read_at,
        ),
        _Of(
            say_as("of a read", "Outcome"),
            Form.TEXT,
            say("How the last try ended."),
            lambda h: h.status and outcome_words(h.status),
        ),
        _Of(
            say("Reason"),
            Form.TEXT,
            say("Why, where it did not end well."),
            lambda h: h.reason.value,
        ),
        _Of(
            say("Completeness"),
            Form.RATE,
            say("Held videos over videos that exist, of those published in the span."),
            lambda h: completeness_dict(h.held)["completeness"],
        ),
    )


def _weekly_fields() -> tuple[_Of[WeeklyRow], ...]:
    return (
        _Of(say("Rank"), Form.COUNT, say("By views."), lambda r: r.rank),
        _Of(say("Hashtag"), Form.TEXT, say("Without #."), lambda r: r.hashtag),
        _Of(
            say("Link"), Form.LINK, say("Page on TikTok."), lambda r: safe_link(tag_url(r.hashtag))
        ),
        _Of(
            say_as("hashtag", "Whose"),
            Form.TEXT,
            say("Own, or a competitor's."),
            lambda r: whose_words(r.role),
        ),
        _Of(
            say("Views"),
            Form.COUNT,
            say("All videos under it, as TikTok states."),
            lambda r: r.view_count,
        ),
        _Of(
            say("Views gained"),
            Form.CHANGE,
            say("Over the span."),
            lambda r: _gained(r.change.views) if r.change else None,
        ),
        _Of(
            say("Gained, relative"),
            Form.SIGNED_RATE,
            say("Views gained over views then."),
            lambda r: r.change.views.ratio if r.change and r.change.views else None,
        ),
        _Of(
            say("Per 7 days"),
            Form.CHANGE,
            say("Views gained, scaled to 7 days."),
            lambda r: r.change.views_per_week if r.change else None,
        ),
        _Of(
            say("Videos"),
            Form.COUNT,
            say("Videos under it, as TikTok states."),
            lambda r: r.video_count,
        ),
        _Of(
            say("Videos gained"),
            Form.CHANGE,
            say("Over the span."),
            lambda r: _gained(r.change.videos) if r.change else None,
        ),
        _Of(
            say("Span, hours"),
            Form.DECIMAL,
            say("Between the two readings."),
            lambda r: _hours(r.change.elapsed) if r.change else None,
        ),
        _Of(
            say_as("change", "Usual"),
            Form.CHANGE,
            say("Mean of the earlier weekly changes of views."),
            lambda r: r.verdict.baseline,
        ),
        _Of(
            say("Verdict"),
            Form.TEXT,
            say("Usual, a spike or a drop."),
            lambda r: _verdict(r.verdict.anomaly),
        ),
        _Of(
            say("Distance"),
            Form.DECIMAL,
            say("From the usual change, in standard deviations."),
            lambda r: r.verdict.score,
        ),
        _Of(say("Engagement"), Form.COUNT, say("Of its held videos."), lambda r: r.engagement),
        _Of(
            say("Engagement gained"),
            Form.CHANGE,
            say("Over the videos read in both weeks."),
            lambda r: r.engagement_growth.change,
        ),
        _Of(
            say_as("when", "Read"),
            Form.INSTANT,
            say("The newest good reading."),
            lambda r: r.read_at,
        ),
    )


def _emerging_fields() -> tuple[_Of[Emerging], ...]:
    return (
        _Of(say("Hashtag"), Form.TEXT, say("Without #."), lambda e: e.hashtag),
        _Of(
            say("Link"), Form.LINK, say("Page on TikTok."), lambda e: safe_link(tag_url(e.hashtag))
        ),
        _Of(
            say("Videos, 7 days"),
            Form.COUNT,
            say("Held videos published then."),
            lambda e: e.videos,
        ),
        _Of(
            say("7 days before"),
            Form.COUNT,
            say("Held videos published then."),
            lambda e: e.videos_before,
        ),
        _Of(say("Change"), Form.CHANGE, say("Of the two."), lambda e: e.videos - e.videos_before),
        _Of(say("Creators"), Form.COUNT, say("Of the videos of 7 days."), lambda e: e.creators),
    )


def _week(back: int) -> _Of[WeeklyRow]:
    """The weekly change at a place from the end; this week's is 1."""
    return _Of(
        say("This week")
        if back == 1
        else say_many(back - 1, "{count} week before", "{count} weeks before"),
        Form.CHANGE,
        say("Views gained in that week, scaled to 7 days."),
        lambda row: row.history[-back] if back <= len(row.history) else None,
    )


def _verdict(anomaly: Anomaly) -> str:
    """Also what is no verdict: a column of a filter has no gaps."""
    if anomaly is Anomaly.NONE:
        return say_as("verdict", "none")
    if anomaly is Anomaly.NOT_ENOUGH_HISTORY:
        return say_as("verdict", "not_enough_history")
    return verdict_words(anomaly)


def _gained(change: Change | None) -> float | None:
    return None if change is None else change.value


def _margin(change: Change | None) -> float | None:
    return None if change is None else change.margin


def _hours(elapsed: timedelta | None) -> float | None:
    return None if elapsed is None else elapsed.total_seconds() / 3600


def _lift_fields() -> tuple[_Of[LiftDay], ...]:
    return (
        _Of(
            say("Day"),
            Form.TEXT,
            say("On the clock of the campaign's zone."),
            lambda d: d.on.isoformat(),
        ),
        _Of(
            say("Gained"),
            Form.COUNT,
            say("Views that the own hashtags gained; empty where too little was read."),
            lambda d: _whole(d.gained),
        ),
        _Of(
            say("To be expected"),
            Form.COUNT,
            say("Views a day without the campaign."),
            lambda d: _whole(d.expected),
        ),
        _Of(
            say("At least"),
            Form.COUNT,
            say("Lower end of its 90 % interval, over the whole campaign."),
            lambda d: _whole(d.low),
        ),
        _Of(
            say("At most"),
            Form.COUNT,
            say("Upper end of its 90 % interval, over the whole campaign."),
            lambda d: _whole(d.high),
        ),
    )


def _whole(value: float | None) -> int | None:
    return None if value is None else round(value)
