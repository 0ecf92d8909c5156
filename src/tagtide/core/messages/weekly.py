"""The weekly tracker for people."""

from __future__ import annotations

from dataclasses import replace
from zoneinfo import ZoneInfo

from tagtide.core import formats as f
from tagtide.core.charts.campaign import Noun
from tagtide.core.language import say, say_as, say_many, spoken
from tagtide.core.messages.blocks import (
    Block,
    Cell,
    Column,
    Heading,
    Kind,
    Note,
    Paragraph,
    Table,
    Tone,
)
from tagtide.core.messages.insights import trend_blocks
from tagtide.core.messages.words import (
    as_of_words,
    change_cell,
    enumerate_words,
    failure_notes,
    gain_cell,
    number_cell,
    rank_cell,
    ratio_cell,
    rounded_note,
    sentence,
    tag_cell,
    verdict_words,
    whose_words,
)
from tagtide.core.metrics import (
    Anomaly,
)
from tagtide.core.reports.weekly import WeeklyReport, WeeklyRow
from tagtide.models import Role


def weekly_blocks(report: WeeklyReport) -> list[Block]:
    """The weekly tracker for people."""
    zone = ZoneInfo(report.timezone)
    name = f.clean_text(report.campaign, 80)
    year, week = report.week.split("-W")
    return [
        Heading(
            say("{campaign}: weekly report, {year}-W{week}", campaign=name, year=year, week=week),
            level=1,
            language=spoken().code,
        ),
        Paragraph(weekly_sentence(report), lead=True),
        Note(as_of_words(report.as_of, zone)),
        *failure_notes(report.rows),
        *trend_blocks(report.trend, report.timezone, nouns=[Noun.VIEWS]),
        _weekly_table(report),
        *_weekly_engagement(report),
        *_weekly_emerging(report),
        Note(_weekly_method(report)),
    ]


def weekly_sentence(report: WeeklyReport) -> str:
    """What changed in the week: what is unusual first, then the own hashtags."""
    unusual = [_anomaly_words(row) for row in report.anomalies]
    gains = _gains(report)
    if not unusual and not gains:
        return say(
            "What changed this week is not known: it takes two good readings about a week apart."
        )
    said = [*unusual]
    if gains:
        said.append(say("{gains} this week.", gains=enumerate_words(gains)))
    if not unusual and any(row.verdict.anomaly is Anomaly.NONE for row in report.rows):
        said.append(say("No hashtag left its usual range."))
    return " ".join(map(sentence, said))


def _gains(report: WeeklyReport) -> list[str]:
    """The own hashtags with the largest changes, but for unusual ones; the rest in one sum.

    What was read over less than half a week says nothing about the week.
    """
    known = [
        (row, row.change.views.value)
        for row in report.rows
        if row.role is Role.OWN and row.change and row.change.counts and row.change.views
        if row not in report.anomalies
    ]
    known.sort(key=lambda pair: -abs(pair[1]))
    parts = [_gained(_tag(row), value) for row, value in known[:2]]
    if len(known) > 2:
        others = say_many(len(known) - 2, "{count} other hashtag", "{count} other hashtags")
        parts.append(_gained(others, sum(value for _, value in known[2:])))
    return parts


def _tag(row: WeeklyRow) -> str:
    return f"#{f.clean_text(row.hashtag, 40)}"


def _gained(who: str, value: float) -> str:
    if value == 0:
        return say("{who} gained no views", who=who)
    if value > 0:
        return say("{who} gained {views} views", who=who, views=f.compact(value))
    return say("{who} lost {views} views", who=who, views=f.compact(abs(value)))


def _anomaly_words(row: WeeklyRow) -> str:
    verdict = row.verdict
    value = None if row.change is None else row.change.views_per_week
    gain, usual = _gained(_tag(row), value or 0), f.signed(verdict.baseline)
    if verdict.anomaly is Anomaly.SPIKE:
        return say("{gain} this week, a spike: its usual week is {usual}.", gain=gain, usual=usual)
    return say("{gain} this week, a drop: its usual week is {usual}.", gain=gain, usual=usual)


def _weekly_table(report: WeeklyReport) -> Table:
    columns = (
        Column("", Kind.NUMBER),
        Column(say("Hashtag")),
        Column(say_as("hashtag", "Whose"), minor=True),
        Column(say("Views"), Kind.NUMBER),
        Column(say("Change"), Kind.CHANGE),
        Column("%", Kind.CHANGE),
        Column(say("Videos"), Kind.NUMBER, minor=True),
        Column(say_as("videos gained", "New"), Kind.CHANGE),
        Column(say_as("change", "Usual"), Kind.NUMBER),
        Column(say("Trend"), Kind.SPARKLINE),
        Column(say("Verdict")),
    )
    notes = []
    if any(row.change and row.change.scaled for row in report.rows):
        notes.append(_scaled_note(report))
    if any(row.change and row.change.views and row.change.views.margin for row in report.rows):
        notes.append(rounded_note())
    return Table(
        say("Hashtags by views"),
        columns,
        tuple(_weekly_cells(row) for row in report.rows),
        empty=say("No hashtag has been read yet; `tagtide track` reads them."),
        note=" ".join(notes),
    )


def _scaled_note(report: WeeklyReport) -> str:
    spans = [
        (row.change.elapsed, f.clean_text(row.hashtag, 40))
        for row in report.rows
        if row.change and row.change.scaled
    ]
    if len(spans) > 4:
        shortest, longest = f.span(min(spans)[0]), f.span(max(spans)[0])
        said = (
            say("over {shortest} to {longest}", shortest=shortest, longest=longest)
            if shortest != longest
            else say("over {span}", span=shortest)
        )
    else:
        said = enumerate_words(
            say("#{hashtag} over {span}", hashtag=name, span=f.span(elapsed))
            for elapsed, name in spans
        )
    return say(
        "† The change is not over 7 d: {spans}. Usual and verdict take it scaled to 7 d.",
        spans=said,
    )


def _weekly_cells(row: WeeklyRow) -> tuple[Cell, ...]:
    change = row.change
    views = None if change is None else change.views
    videos = None if change is None else change.videos
    return (
        rank_cell(row.rank),
        tag_cell(row.hashtag),
        Cell(whose_words(row.role), tone=Tone.MUTED),
        number_cell(row.view_count),
        _view_change(row),
        ratio_cell(None if views is None else views.ratio),
        number_cell(row.video_count),
        change_cell(videos),
        Cell(f.signed(row.verdict.baseline), value=row.verdict.baseline),
        Cell("", values=row.history),
        _verdict(row),
    )


def _view_change(row: WeeklyRow) -> Cell:
    cell = change_cell(None if row.change is None else row.change.views)
    scaled = row.change is not None and row.change.scaled and row.change.views is not None
    return replace(cell, text=f"{cell.text}†") if scaled else cell


def _verdict(row: WeeklyRow) -> Cell:
    verdict = row.verdict
    if verdict.anomaly is Anomaly.NOT_ENOUGH_HISTORY:
        return Cell(row.unjudged, tone=Tone.MUTED)
    values = {
        "verdict": verdict_words(verdict.anomaly),
        "score": "" if verdict.score is None else f.signed_decimal(verdict.score),
    }
    text = (
        say("{verdict} ({score}, counter corrected)", **values)
        if row.change is not None and row.change.corrected
        else say("{verdict} ({score})", **values)
    )
    tones = {Anomaly.SPIKE: Tone.UP, Anomaly.DROP: Tone.DOWN}
    return Cell(text, tone=tones.get(verdict.anomaly, Tone.PLAIN))


def _weekly_engagement(report: WeeklyReport) -> list[Block]:
    rows = tuple(
        (
            tag_cell(row.hashtag),
            number_cell(row.engagement),
            gain_cell(row.engagement_growth.change),
            ratio_cell(row.engagement_growth.ratio),
            number_cell(row.engagement_growth.videos),
        )
        for row in report.rows
        if row.engagement is not None
    )
    if not rows:
        return []
    columns = (
        Column(say("Hashtag")),
        Column(say("Engagement"), Kind.NUMBER),
        Column(say("Change"), Kind.CHANGE),
        Column("%", Kind.CHANGE),
        Column(say("Videos read in both weeks"), Kind.NUMBER),
    )
    note = say(
        "Engagement of the videos that are held; the change is over those read in both weeks."
    )
    return [Table(say("Engagement"), columns, rows, note=note)]


def _weekly_emerging(report: WeeklyReport) -> list[Block]:
    if not report.emerging:
        return []
    rows = tuple(
        (
            tag_cell(tag.hashtag),
            number_cell(tag.videos),
            number_cell(tag.videos_before),
            gain_cell(tag.videos - tag.videos_before),
            number_cell(tag.creators),
        )
        for tag in report.emerging
    )
    columns = (
        Column(say("Hashtag")),
        Column(say("Videos, 7 days"), Kind.NUMBER),
        Column(say("7 days before"), Kind.NUMBER),
        Column(say("Change"), Kind.CHANGE),
        Column(say("Creators"), Kind.NUMBER),
    )
    note = say_many(
        report.emerging_sample,
        "Beside the campaign's hashtags in {count} held video published in the last 7 days.",
        "Beside the campaign's hashtags in {count} held videos published in the last 7 days.",
    )
    return [Table(say("Emerging hashtags"), columns, rows, note=note)]


def _weekly_method(report: WeeklyReport) -> str:
    return say(
        "Usual: mean of up to {weeks} earlier weekly changes of views. A verdict "
        "takes 3 of them; its figure is the distance from their mean in standard deviations, which "
        "count as at least 10 % of the mean. A spike or a drop is 3 or more.",
        weeks=report.rolling_weeks,
    )
