"""The daily and the campaign report for people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from zoneinfo import ZoneInfo

from tagtide.core import formats as f
from tagtide.core.charts.campaign import rates_chart
from tagtide.core.language import ENGLISH, say, say_as, say_many, spoken
from tagtide.core.messages.blocks import (
    Block,
    BulletList,
    Cell,
    Column,
    Figure,
    Heading,
    KeyFigures,
    Kind,
    Note,
    Paragraph,
    Sparkline,
    Table,
    Tone,
    safe_link,
)
from tagtide.core.messages.insights import (
    creators_table,
    definitions,
    insight_blocks,
    trend_blocks,
)
from tagtide.core.messages.words import (
    ago,
    as_of_words,
    change_cell,
    creator_cell,
    creator_columns,
    creator_name,
    creators_text,
    failure_notes,
    known_only,
    number_cell,
    over_videos,
    percent_cell,
    rank_cell,
    rate_columns,
    rate_figure,
    rate_range,
    rounded_note,
    sentence,
    span_cell,
    sum_figure,
    tag_cell,
    tone_of,
    video_cell,
    video_columns,
    video_row,
    videos_text,
)
from tagtide.core.metrics import (
    CreatorStanding,
    Growth,
    KnownSum,
    RateSummary,
    ViralBasis,
)
from tagtide.core.reports.campaign import CampaignReport, ComparedWith
from tagtide.core.reports.facts import HashtagLine, VideoLine, alert_told
from tagtide.core.reports.weekly import WeeklyRow
from tagtide.models import Status


def daily_blocks(report: CampaignReport) -> list[Block]:
    """The daily monitor for people."""
    if not report.totals.videos:
        return _without_videos(report)
    return [
        *_opening(report),
        *_alerts(report),
        _key_figures(report),
        hashtags_table(report.hashtags, say("Hashtags")),
        videos_table(report.top_videos, say("Top videos by engagement")),
        _top_creators(report.top_creators),
        *_high_priority(report),
        *_viral(report),
        *_distribution(report.rates),
        *_competitors(report),
        *_closing(report),
    ]


def campaign_blocks(report: CampaignReport) -> list[Block]:
    """The campaign report for people."""
    if not report.totals.videos:
        return _without_videos(report)
    insights = report.insights
    return [
        *_opening(report),
        _key_figures(report),
        *trend_blocks(report.trend, report.timezone),
        *_viral(report),
        videos_table(report.top_by_views, say("Top videos by views")),
        videos_table(report.top_videos, say("Top videos by engagement")),
        *_creators(report),
        *_high_priority(report),
        hashtags_table(report.hashtags, say("Hashtags")),
        *_competitors(report),
        *_alerts(report),
        *_rates(report.rates),
        *([] if insights is None else insight_blocks(insights, report.timezone)),
        *_closing(report),
        definitions(),
    ]


def _creators(report: CampaignReport) -> list[Block]:
    if report.insights is None:
        return [_top_creators(report.top_creators)]
    return [creators_table(report.insights)]


def _rates(rates: RateSummary) -> list[Block]:
    """The distribution as a chart, with its table."""
    return [rates_chart(rates, None), *_distribution(rates)[1:]] if rates.known else []


def _without_videos(report: CampaignReport) -> list[Block]:
    return [
        *_opening(report),
        *_alerts(report),
        hashtags_table(report.hashtags, say("Hashtags")),
        *_competitors(report),
        Note(_cost(report)),
    ]


def _opening(report: CampaignReport) -> list[Block]:
    zone = ZoneInfo(report.timezone)
    name, day = f.clean_text(report.campaign, 80), f.date_text(report.as_of, zone)
    title = (
        say("{campaign}: daily report, {date}", campaign=name, date=day)
        if report.kind == "daily"
        else say("{campaign}: campaign report, {date}", campaign=name, date=day)
    )
    return [
        Heading(title, level=1, language=spoken().code),
        Paragraph(campaign_sentence(report), lead=True),
        Note(as_of_words(report.as_of, zone)),
        *failure_notes(report.hashtags),
    ]


def campaign_sentence(report: CampaignReport) -> str:
    """What changed, in a sentence; says so when that is unknown."""
    if not report.totals.videos:
        return say("No video of this campaign is held yet; `tagtide collect` reads the feeds.")
    compared = report.compared_with
    if compared is None:
        return say(
            "{videos} by {creators} held so far; what changed is known from the second reading on.",
            videos=videos_text(report.totals.videos),
            creators=creators_text(report.totals.creators),
        )
    said = _growth_sentence(report, compared)
    return said if report.held is None else f"{said} {sentence(report.held.note)}"


def _growth_sentence(report: CampaignReport, compared: ComparedWith) -> str:
    growth = report.growth
    when = {
        "new": say_many(report.new_videos, "{count} new video", "{count} new videos"),
        "instant": f.instant_text(compared.at, ZoneInfo(report.timezone)),
        "span": f.span(compared.elapsed),
    }
    if growth.change is None:
        return say(
            "{new} since {instant} ({span}), and no video was read at both ends, "
            "so that the growth of views is unknown.",
            **when,
        )
    gained = {
        "views": f.signed(growth.change),
        "ends": say_many(
            growth.videos, "{count} video read at both ends", "{count} videos read at both ends"
        ),
    }
    leader = next((v for v in report.videos if v.video_id == growth.leader), None)
    if leader is None or growth.change <= 0 or growth.leader_gain * 5 < growth.change:
        return say("{new} since {instant} ({span}), and {views} views on {ends}.", **when, **gained)
    return say(
        "{new} since {instant} ({span}), and {views} views on {ends}; "
        "one video by {creator} made {share} of it.",
        **when,
        **gained,
        creator=creator_name(leader.author_username, leader.author_nickname),
        share=f.percent(min(growth.leader_gain / growth.change, 1.0)),
    )


def _key_figures(report: CampaignReport) -> KeyFigures:
    sums, rates = report.totals, report.rates
    growth, loves = report.growth, report.engagement_growth
    creators = None if report.since_report is None else report.since_report.creators
    return KeyFigures(
        (
            Figure(
                say("Videos"),
                f.whole(sums.videos),
                _new(report),
                _held(report),
                number=sums.videos,
                change_number=report.new_videos if _new(report) else None,
            ),
            Figure(
                say("Creators"),
                f.whole(sums.creators),
                "" if creators is None else f.change(creators),
                number=sums.creators,
                change_number=creators,
            ),
            _sum_figure(say("Views"), sums.views, growth),
            _sum_figure(say("Engagement"), sums.engagement, loves),
            _sum_figure(say("Likes"), sums.likes),
            _sum_figure(say("Comments"), sums.comments),
            _sum_figure(say("Shares"), sums.shares),
            _sum_figure(say("Saves"), sums.saves),
            _mean_figure(say("Mean views"), sums.views),
            _mean_figure(say("Mean engagement"), sums.engagement),
            rate_figure(say("Median rate"), rates.median, over_videos(rates.known, rates.unknown)),
            rate_figure(
                say("Pooled rate"),
                rates.pooled,
                say("mean of the videos {rate}", rate=f.percent(rates.mean)),
            ),
        )
    )


def _sum_figure(label: str, known: KnownSum, growth: Growth | None = None) -> Figure:
    figure = sum_figure(label, known)
    if growth is None:
        return figure
    return replace(
        figure,
        change=f.change(growth.change) if growth.videos else "",
        tone=tone_of(growth.change),
        change_number=growth.change if growth.videos else None,
    )


def _mean_figure(label: str, known: KnownSum) -> Figure:
    return Figure(label, f.compact(known.mean), "", say("per video"), number=known.mean)


def _new(report: CampaignReport) -> str:
    known = report.compared_with is not None or report.new_videos
    return say("+{videos} new", videos=f.whole(report.new_videos)) if known else ""


def _held(report: CampaignReport) -> str:
    if report.held is not None:
        return report.held.note
    return say("completeness unknown")


def _alerts(report: CampaignReport, most: int = 5) -> list[Block]:
    if not report.alerts:
        return []
    count, translated = len(report.alerts), spoken().code != ENGLISH.code
    shown = [
        # As it was told when it fired: in English, whatever the language of the report.
        Cell(alert_told(a), link=safe_link(a.url), language=ENGLISH.code if translated else "")
        for a in report.alerts[:most]
    ]
    if count > most:
        shown.append(Cell(say("{count} more in `tagtide alerts list`.", count=count - most)))
    title = say_many(count, "{count} alert firing", "{count} alerts firing")
    return [Heading(title), BulletList(tuple(shown))]


def hashtags_table(lines: Sequence[HashtagLine], title: str) -> Table:
    """Hashtags with their counters, the changes behind them and how their last read ended."""
    rows = tuple(
        (
            tag_cell(line.hashtag),
            number_cell(line.view_count),
            change_cell(line.views),
            number_cell(line.video_count),
            change_cell(line.videos),
            span_cell(line.elapsed),
            Cell(
                _state(line),
                tone=Tone.WARN if line.failed else Tone.PLAIN,
                value=line.read_at,
            ),
        )
        for line in lines
    )
    rounded = any(
        change and change.margin for line in lines for change in (line.views, line.videos)
    )
    return Table(
        title,
        (
            Column(say("Hashtag")),
            Column(say("Views"), Kind.NUMBER),
            Column(say("Change"), Kind.CHANGE),
            Column(say("Videos"), Kind.NUMBER),
            Column(say_as("videos gained", "New"), Kind.CHANGE),
            Column(say("Span"), Kind.NUMBER),
            Column(say_as("when", "Read"), Kind.INSTANT),
        ),
        rows,
        empty=say("No hashtag has been read yet; `tagtide track` reads them."),
        note=rounded_note() if rounded else "",
    )


def _state(line: HashtagLine | WeeklyRow) -> str:
    if line.read_at is None:
        return say_as("when", "never")
    if line.failed:
        return say("{age}, last read failed", age=ago(line.age))
    return say_as("how a read ended", "partly") if line.status is Status.PARTIAL else ago(line.age)


def videos_table(lines: Sequence[VideoLine], title: str) -> Table:
    """A ranking of videos."""
    rows = tuple((rank_cell(rank), *video_row(line)) for rank, line in enumerate(lines, 1))
    columns = (Column("", Kind.NUMBER), *video_columns())
    return known_only(
        Table(title, columns, rows, empty=say("No video with known counters is held yet."))
    )


def _top_creators(standings: Sequence[CreatorStanding]) -> Table:
    rows = tuple(
        (
            rank_cell(rank),
            creator_cell(creator.author_username, creator.author_nickname),
            number_cell(creator.author_followers),
            number_cell(creator.videos),
            number_cell(creator.views.total),
            number_cell(creator.engagement.total),
            percent_cell(creator.engagement_rate),
        )
        for rank, creator in enumerate(standings, 1)
    )
    empty = say("No creator is known yet.")
    return known_only(Table(say("Top creators by views"), creator_columns(), rows, empty=empty))


def _high_priority(report: CampaignReport, most: int = 5) -> list[Block]:
    lines = report.high_priority
    if not lines:
        return []
    more = len(lines) - most
    note = ""
    if more > 0:
        note = say_many(
            more,
            "{count} more video in `tagtide videos`.",
            "{count} more videos in `tagtide videos`.",
        )
    title = say_many(len(lines), "High priority: {count} video", "High priority: {count} videos")
    rows = tuple(map(video_row, lines[:most]))
    return [known_only(Table(title, video_columns(), rows, note=note))]


def _viral(report: CampaignReport) -> list[Block]:
    if not report.viral_judged:
        return [Note(say("Viral videos: too few videos to judge; it takes one and ten others."))]
    rows = tuple(
        (
            video_cell(line),
            creator_cell(line.video.author_username, line.video.author_nickname),
            *_viral_cells(line),
        )
        for line in report.viral
    )
    columns = (
        Column(say("Video")),
        Column(say("Creator")),
        Column(say_as("views or engagement", "Counter")),
        Column(say_as("of a counter", "Value"), Kind.NUMBER),
        Column(say("× mean of others"), Kind.NUMBER),
        Column(say("Age score"), Kind.NUMBER),
    )
    return [
        Table(
            say("Viral videos"),
            columns,
            rows,
            empty=say(
                "No video is above {factor} times the mean of the others.",
                factor=f.short(report.viral_factor),
            ),
            note=_age_note(report),
        ),
        *_standing_out(report),
    ]


def _age_note(report: CampaignReport) -> str:
    score = next((line.score for line in report.viral if line.score is not None), None)
    if score is None:
        return ""
    return say(
        "Age score: standard deviations above what videos of this campaign have at that age; "
        "1 in 100 ordinary videos passes {mark}.",
        mark=f.decimal(score.mark),
    )


def _standing_out(report: CampaignReport, most: int = 5) -> list[Block]:
    """Videos that the multiple of the mean does not see: young ones, or several at once."""
    lines = report.standing_out
    if not lines:
        return []
    items = tuple(
        Cell(_far_above(line), link=safe_link(line.url), foreign=True) for line in lines[:most]
    )
    chance = say_many(
        max(round(report.scored / 100), 1),
        "Of {scored} videos about {count} video would be by chance.",
        "Of {scored} videos about {count} videos would be by chance.",
        scored=f.whole(report.scored),
    )
    if lines[most:]:
        more = say_many(
            len(lines) - most, "{count} more video in the JSON.", "{count} more videos in the JSON."
        )
        chance = f"{chance} {more}"
    title = say_many(
        len(lines), "Far above their age: {count} video", "Far above their age: {count} videos"
    )
    return [Heading(title), BulletList(items), Note(chance)]


def _far_above(line: VideoLine) -> str:
    return say(
        "{creator}: {views} views, {score}",
        creator=creator_name(line.video.author_username, line.video.author_nickname),
        views=f.compact(line.video.counters.view_count),
        score="" if line.score is None else line.score.sentence,
    )


def _viral_cells(line: VideoLine) -> tuple[Cell, ...]:
    viral = line.viral
    if viral is None:
        return (Cell(f.DASH),) * 4
    word = (
        say_as("counter", "views")
        if viral.basis is ViralBasis.VIEWS
        else say_as("counter", "engagement")
    )
    times = Cell(f"{f.decimal(viral.times)} ×", value=viral.times)
    z = None if line.score is None else line.score.z
    return Cell(word), number_cell(viral.value), times, Cell(f.decimal(z), value=z)


def _distribution(rates: RateSummary) -> list[Block]:
    if not rates.known:
        return []
    points = {f"p{round(p * 100)}": f.percent(value) for p, value in rates.quantiles}
    quantiles = say(
        "A tenth of the videos below {p10}, a quarter below {p25}, half below {p50}, "
        "three quarters below {p75}, nine tenths below {p90}.",
        **points,
    )
    rows = tuple(
        (
            Cell(rate_range(part.low, part.high)),
            number_cell(part.videos),
            percent_cell(part.videos / rates.known),
        )
        for part in rates.histogram
        if part.videos
    )
    over = sentence(over_videos(rates.known, rates.unknown))
    return [
        Sparkline(
            say("Distribution of engagement rates"),
            tuple(float(b.videos) for b in rates.histogram),
        ),
        Table(say("Engagement rates"), rate_columns(), rows, note=f"{quantiles} {over}"),
    ]


def _competitors(report: CampaignReport) -> list[Block]:
    if not report.competitors:
        return []
    return [
        hashtags_table(report.competitors, say("Competitors")),
        *failure_notes(report.competitors),
    ]


def _closing(report: CampaignReport) -> list[Block]:
    notes = [
        say(
            "Views, engagement and rates rest on the videos that are held: the feed is TikTok's "
            "own selection, never all of it. Competitors are not in any total."
        ),
    ]
    if report.growth.fallen:
        notes.append(
            say_many(
                report.growth.fallen,
                "Views fell on {count} video: TikTok corrects counters and sometimes serves older "
                "ones.",
                "Views fell on {count} videos: TikTok corrects counters and sometimes serves older "
                "ones.",
            )
        )
    return [Note(" ".join(notes)), Note(_cost(report))]


def _cost(report: CampaignReport) -> str:
    if report.credits_used is None:
        return say("Credits spent on this day: unknown.")
    spent, money = f.whole(report.credits_used), report.money_spent
    if money is None:
        return say("Credits spent on this day: {spent}. This report spent none.", spent=spent)
    return say(
        "Credits spent on this day: {spent} (${money}). This report spent none.",
        spent=spent,
        money=f.decimal(money, 3 if 0 < money < 0.1 else 2),
    )
