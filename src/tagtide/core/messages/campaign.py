"""The daily and the campaign report for people."""

from __future__ import annotations

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from tagtide.core import formats as f
from tagtide.core.charts.campaign import rates_chart
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
    DEFINITIONS,
    creators_table,
    insight_blocks,
    trend_blocks,
)
from tagtide.core.messages.words import (
    CREATOR_COLUMNS,
    RATE_COLUMNS,
    VIDEO_COLUMNS,
    ago,
    change_cell,
    creator_cell,
    creator_name,
    failure_notes,
    known_only,
    number_cell,
    percent_cell,
    rank_cell,
    rate_range,
    rests_on,
    sentence,
    span_cell,
    tag_cell,
    tone_of,
    video_cell,
    video_row,
)
from tagtide.core.metrics import (
    CreatorStanding,
    Growth,
    KnownSum,
    RateSummary,
    ViralBasis,
)
from tagtide.core.reports.campaign import CampaignReport
from tagtide.core.reports.facts import HashtagLine, VideoLine, alert_told
from tagtide.core.reports.weekly import WeeklyRow
from tagtide.models import Status


def daily_blocks(report: CampaignReport) -> list[Block]:
    """The daily monitor for people."""
    if not report.totals.videos:
        return _without_videos(report, "daily report")
    return [
        *_opening(report, "daily report"),
        *_alerts(report),
        _key_figures(report),
        _hashtags(report.hashtags, "Hashtags"),
        _top_videos(report.top_videos, "Top videos by engagement"),
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
        return _without_videos(report, "campaign report")
    insights = report.insights
    return [
        *_opening(report, "campaign report"),
        _key_figures(report),
        *trend_blocks(report.trend, report.timezone),
        *_viral(report),
        _top_videos(report.top_by_views, "Top videos by views"),
        _top_videos(report.top_videos, "Top videos by engagement"),
        *_creators(report),
        *_high_priority(report),
        _hashtags(report.hashtags, "Hashtags"),
        *_competitors(report),
        *_alerts(report),
        *_rates(report.rates),
        *([] if insights is None else insight_blocks(insights, report.timezone)),
        *_closing(report),
        DEFINITIONS,
    ]


def _creators(report: CampaignReport) -> list[Block]:
    if report.insights is None:
        return [_top_creators(report.top_creators)]
    return [creators_table(report.insights)]


def _rates(rates: RateSummary) -> list[Block]:
    """The distribution as a chart, with its table."""
    return [rates_chart(rates, None), *_distribution(rates)[1:]] if rates.known else []


def _without_videos(report: CampaignReport, what: str) -> list[Block]:
    return [
        *_opening(report, what),
        *_alerts(report),
        _hashtags(report.hashtags, "Hashtags"),
        *_competitors(report),
        Note(_cost(report)),
    ]


def _opening(report: CampaignReport, what: str) -> list[Block]:
    zone = ZoneInfo(report.timezone)
    name = f.clean_text(report.campaign, 80)
    return [
        Heading(f"{name}: {what}, {f.date_text(report.as_of, zone)}", level=1),
        Paragraph(campaign_sentence(report), lead=True),
        Note(f"As of {f.instant_text(report.as_of, zone)}, {report.timezone} time."),
        *failure_notes(report.hashtags),
    ]


def campaign_sentence(report: CampaignReport) -> str:
    """What changed, in a sentence; says so when that is unknown."""
    if not report.totals.videos:
        return "No video of this campaign is held yet; `tagtide collect` reads the feeds."
    compared = report.compared_with
    if compared is None:
        return (
            f"{f.counted(report.totals.videos, 'video')} by "
            f"{f.counted(report.totals.creators, 'creator')} held so far; "
            "what changed is known from the second reading on."
        )
    zone = ZoneInfo(report.timezone)
    new = f.counted(report.new_videos, "new video")
    since = f"since {f.instant_text(compared.at, zone)} ({f.span(compared.elapsed)})"
    held = "" if report.held is None else f" {sentence(report.held.note)}"
    return sentence(f"{new} {since}, {_growth_words(report)}") + held


def _growth_words(report: CampaignReport) -> str:
    growth = report.growth
    if growth.change is None:
        return "and no video was read at both ends, so that the growth of views is unknown"
    ends = f"{f.counted(growth.videos, 'video')} read at both ends"
    words = f"and {f.signed(growth.change)} views on {ends}"
    leader = next((v for v in report.videos if v.video_id == growth.leader), None)
    if leader is None or growth.change <= 0 or growth.leader_gain * 5 < growth.change:
        return words
    share = min(growth.leader_gain / growth.change, 1.0)
    author = creator_name(leader.author_username, leader.author_nickname)
    return f"{words}; one video by {author} made {f.percent(share)} of it"


def _key_figures(report: CampaignReport) -> KeyFigures:
    sums, rates = report.totals, report.rates
    growth, loves = report.growth, report.engagement_growth
    creators = None if report.since_report is None else report.since_report.creators
    return KeyFigures(
        (
            Figure(
                "Videos",
                f.whole(sums.videos),
                _new(report),
                _held(report),
                number=sums.videos,
                change_number=report.new_videos if _new(report) else None,
            ),
            Figure(
                "Creators",
                f.whole(sums.creators),
                "" if creators is None else f.change(creators),
                number=sums.creators,
                change_number=creators,
            ),
            _sum_figure("Views", sums.views, growth),
            _sum_figure("Engagement", sums.engagement, loves),
            _sum_figure("Likes", sums.likes),
            _sum_figure("Comments", sums.comments),
            _sum_figure("Shares", sums.shares),
            _sum_figure("Saves", sums.saves),
            _mean_figure("Mean views", sums.views),
            _mean_figure("Mean engagement", sums.engagement),
            _rate_figure("Median rate", rates.median, _rates_of(rates)),
            _rate_figure(
                "Pooled rate", rates.pooled, f"mean of the videos {f.percent(rates.mean)}"
            ),
        )
    )


def _sum_figure(label: str, known: KnownSum, growth: Growth | None = None) -> Figure:
    value, rests = f.compact(known.total), rests_on(known)
    if growth is None:
        return Figure(label, value, "", rests, number=known.total)
    return Figure(
        label,
        value,
        f.change(growth.change) if growth.videos else "",
        rests,
        tone_of(growth.change),
        number=known.total,
        change_number=growth.change if growth.videos else None,
    )


def _mean_figure(label: str, known: KnownSum) -> Figure:
    return Figure(label, f.compact(known.mean), "", "per video", number=known.mean)


def _rate_figure(label: str, rate: float | None, note: str) -> Figure:
    return Figure(label, f.percent(rate), "", note, number=rate)


def _new(report: CampaignReport) -> str:
    known = report.compared_with is not None or report.new_videos
    return f"+{f.whole(report.new_videos)} new" if known else ""


def _held(report: CampaignReport) -> str:
    if report.held is not None:
        return report.held.note
    return "completeness unknown"


def _rates_of(rates: RateSummary) -> str:
    if not rates.unknown:
        return f"over {f.counted(rates.known, 'video')}"
    return f"over {f.whole(rates.known)} of {f.counted(rates.known + rates.unknown, 'video')}"


def _alerts(report: CampaignReport, most: int = 5) -> list[Block]:
    if not report.alerts:
        return []
    count = len(report.alerts)
    shown = [Cell(alert_told(a), link=safe_link(a.url)) for a in report.alerts[:most]]
    more = [Cell(f"{count - most} more in `tagtide alerts list`.")] if count > most else []
    return [Heading(f"{f.counted(count, 'alert')} firing"), BulletList((*shown, *more))]


def _hashtags(lines: Sequence[HashtagLine], title: str) -> Table:
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
            Column("Hashtag"),
            Column("Views", Kind.NUMBER),
            Column("Change", Kind.CHANGE),
            Column("Videos", Kind.NUMBER),
            Column("New", Kind.CHANGE),
            Column("Span", Kind.NUMBER),
            Column("Read", Kind.INSTANT),
        ),
        rows,
        empty="No hashtag has been read yet; `tagtide track` reads them.",
        note="* The source rounds this counter; the change is good to its rounding."
        if rounded
        else "",
    )


def _state(line: HashtagLine | WeeklyRow) -> str:
    if line.read_at is None:
        return "never"
    if line.failed:
        return f"{ago(line.age)}, last read failed"
    return "partly" if line.status is Status.PARTIAL else ago(line.age)


def _top_videos(lines: Sequence[VideoLine], title: str) -> Table:
    rows = tuple((rank_cell(rank), *video_row(line)) for rank, line in enumerate(lines, 1))
    columns = (Column("", Kind.NUMBER), *VIDEO_COLUMNS)
    return known_only(
        Table(title, columns, rows, empty="No video with known counters is held yet.")
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
    empty = "No creator is known yet."
    return known_only(Table("Top creators by views", CREATOR_COLUMNS, rows, empty=empty))


def _high_priority(report: CampaignReport, most: int = 5) -> list[Block]:
    lines = report.high_priority
    if not lines:
        return []
    more = len(lines) - most
    note = f"{f.counted(more, 'more video')} in `tagtide videos`." if more > 0 else ""
    title = f"High priority: {f.counted(len(lines), 'video')}"
    rows = tuple(map(video_row, lines[:most]))
    return [known_only(Table(title, VIDEO_COLUMNS, rows, note=note))]


def _viral(report: CampaignReport) -> list[Block]:
    if not report.viral_judged:
        return [Note("Viral videos: too few videos to judge; it takes one and ten others.")]
    rows = tuple(
        (
            video_cell(line),
            creator_cell(line.video.author_username, line.video.author_nickname),
            *_viral_cells(line),
        )
        for line in report.viral
    )
    columns = (
        Column("Video"),
        Column("Creator"),
        Column("Counter"),
        Column("Value", Kind.NUMBER),
        Column("× mean of others", Kind.NUMBER),
        Column("Age score", Kind.NUMBER),
    )
    factor = f.decimal(report.viral_factor).removesuffix(".0")
    return [
        Table(
            "Viral videos",
            columns,
            rows,
            empty=f"No video is above {factor} times the mean of the others.",
            note=_age_note(report),
        ),
        *_standing_out(report),
    ]


def _age_note(report: CampaignReport) -> str:
    score = next((line.score for line in report.viral if line.score is not None), None)
    if score is None:
        return ""
    return (
        "Age score: standard deviations above what videos of this campaign have at that age; "
        f"1 in 100 ordinary videos passes {f.decimal(score.mark)}."
    )


def _standing_out(report: CampaignReport, most: int = 5) -> list[Block]:
    """Videos that the multiple of the mean does not see: young ones, or several at once."""
    lines = report.standing_out
    if not lines:
        return []
    items = tuple(
        Cell(
            f"{creator_name(line.video.author_username, line.video.author_nickname)}: "
            f"{f.compact(line.video.counters.view_count)} views, "
            f"{'' if line.score is None else line.score.sentence}",
            link=safe_link(line.url),
            foreign=True,
        )
        for line in lines[:most]
    )
    more = f" {f.counted(len(lines) - most, 'more video')} in the JSON." if lines[most:] else ""
    expected = f.counted(max(round(report.scored / 100), 1), "video")
    return [
        Heading(f"Far above their age: {f.counted(len(lines), 'video')}"),
        BulletList(items),
        Note(f"Of {f.whole(report.scored)} videos about {expected} would be by chance.{more}"),
    ]


def _viral_cells(line: VideoLine) -> tuple[Cell, ...]:
    viral = line.viral
    if viral is None:
        return (Cell(f.DASH),) * 4
    word = "views" if viral.basis is ViralBasis.VIEWS else "engagement"
    times = Cell(f"{f.decimal(viral.times)} ×", value=viral.times)
    z = None if line.score is None else line.score.z
    return Cell(word), number_cell(viral.value), times, Cell(f.decimal(z), value=z)


def _distribution(rates: RateSummary) -> list[Block]:
    if not rates.known:
        return []
    quantiles = ", ".join(f"{_QUANTILE_WORDS[p]} {f.percent(v)}" for p, v in rates.quantiles)
    rows = tuple(
        (
            Cell(rate_range(part.low, part.high)),
            number_cell(part.videos),
            percent_cell(part.videos / rates.known),
        )
        for part in rates.histogram
        if part.videos
    )
    note = f"{sentence(quantiles)} {sentence(_rates_of(rates))}"
    return [
        Sparkline(
            "Distribution of engagement rates", tuple(float(b.videos) for b in rates.histogram)
        ),
        Table("Engagement rates", RATE_COLUMNS, rows, note=note),
    ]


_QUANTILE_WORDS = {
    0.10: "a tenth of the videos below",
    0.25: "a quarter below",
    0.50: "half below",
    0.75: "three quarters below",
    0.90: "nine tenths below",
}


def _competitors(report: CampaignReport) -> list[Block]:
    if not report.competitors:
        return []
    return [_hashtags(report.competitors, "Competitors"), *failure_notes(report.competitors)]


def _closing(report: CampaignReport) -> list[Block]:
    notes = [
        "Views, engagement and rates rest on the videos that are held: the feed is TikTok's own "
        "selection, never all of it. Competitors are not in any total.",
    ]
    if report.growth.fallen:
        notes.append(
            f"Views fell on {f.counted(report.growth.fallen, 'video')}: TikTok corrects counters "
            "and sometimes serves older ones."
        )
    return [Note(" ".join(notes)), Note(_cost(report))]


def _cost(report: CampaignReport) -> str:
    if report.credits_used is None:
        return "Credits spent on this day: unknown."
    spent = f"Credits spent on this day: {f.whole(report.credits_used)}"
    money = report.money_spent
    price = "" if money is None else f" (${f.decimal(money, 3 if 0 < money < 0.1 else 2)})"
    return f"{spent}{price}. This report spent none."
