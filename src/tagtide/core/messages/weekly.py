"""The weekly tracker for people."""

from __future__ import annotations

from dataclasses import replace
from zoneinfo import ZoneInfo

from tagtide.core import formats as f
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
from tagtide.core.messages.words import (
    change_cell,
    enumerate_words,
    failure_notes,
    gain_cell,
    number_cell,
    rank_cell,
    ratio_cell,
    sentence,
    tag_cell,
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
    return [
        Heading(f"{name}: weekly report, {report.week}", level=1),
        Paragraph(weekly_sentence(report), lead=True),
        Note(f"As of {f.instant_text(report.as_of, zone)}, {report.timezone} time."),
        *failure_notes(report.rows),
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
        return "What changed this week is not known: it takes two good readings about a week apart."
    said = [*unusual, *([f"{enumerate_words(gains)} this week"] if gains else [])]
    judged = any(row.verdict.anomaly is Anomaly.NONE for row in report.rows)
    calm = "" if unusual or not judged else " No hashtag left its usual range."
    return " ".join(map(sentence, said)) + calm


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
    parts = [f"#{f.clean_text(row.hashtag, 40)} {_gained(value)}" for row, value in known[:2]]
    if len(known) > 2:
        rest = sum(value for _, value in known[2:])
        parts.append(f"{f.counted(len(known) - 2, 'other hashtag')} {_gained(rest)}")
    return parts


def _gained(value: float) -> str:
    if value == 0:
        return "gained no views"
    return f"{'gained' if value > 0 else 'lost'} {f.compact(abs(value))} views"


def _anomaly_words(row: WeeklyRow) -> str:
    verdict = row.verdict
    value = None if row.change is None else row.change.views_per_week
    word = "a spike" if verdict.anomaly is Anomaly.SPIKE else "a drop"
    return (
        f"#{f.clean_text(row.hashtag, 40)} {_gained(value or 0)} this week, {word}: its usual week "
        f"is {f.signed(verdict.baseline)}"
    )


def _weekly_table(report: WeeklyReport) -> Table:
    columns = (
        Column("", Kind.NUMBER),
        Column("Hashtag"),
        Column("Whose", minor=True),
        Column("Views", Kind.NUMBER),
        Column("Change", Kind.CHANGE),
        Column("%", Kind.CHANGE),
        Column("Videos", Kind.NUMBER, minor=True),
        Column("New", Kind.CHANGE),
        Column("Usual", Kind.NUMBER),
        Column("Trend", Kind.SPARKLINE),
        Column("Verdict"),
    )
    notes = []
    if any(row.change and row.change.scaled for row in report.rows):
        notes.append(f"† {_scaled_note(report)}")
    if any(row.change and row.change.views and row.change.views.margin for row in report.rows):
        notes.append("* The source rounds this counter; the change is good to its rounding.")
    return Table(
        "Hashtags by views",
        columns,
        tuple(_weekly_cells(row) for row in report.rows),
        empty="No hashtag has been read yet; `tagtide track` reads them.",
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
        said = f"over {shortest} to {longest}" if shortest != longest else f"over {shortest}"
    else:
        said = enumerate_words(f"#{name} over {f.span(elapsed)}" for elapsed, name in spans)
    return f"The change is not over 7 d: {said}. Usual and verdict take it scaled to 7 d."


def _weekly_cells(row: WeeklyRow) -> tuple[Cell, ...]:
    change = row.change
    views = None if change is None else change.views
    videos = None if change is None else change.videos
    return (
        rank_cell(row.rank),
        tag_cell(row.hashtag),
        Cell("own" if row.role is Role.OWN else "competitor", tone=Tone.MUTED),
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
    score = f"{verdict.score:+.1f}".replace("-", f.MINUS) if verdict.score is not None else ""
    tones = {Anomaly.SPIKE: Tone.UP, Anomaly.DROP: Tone.DOWN}
    word = "usual" if verdict.anomaly is Anomaly.NONE else verdict.anomaly.value
    if row.change is not None and row.change.corrected:
        score = f"{score}, counter corrected"
    return Cell(f"{word} ({score})", tone=tones.get(verdict.anomaly, Tone.PLAIN))


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
        Column("Hashtag"),
        Column("Engagement", Kind.NUMBER),
        Column("Change", Kind.CHANGE),
        Column("%", Kind.CHANGE),
        Column("Videos read in both weeks", Kind.NUMBER),
    )
    note = "Engagement of the videos that are held; the change is over those read in both weeks."
    return [Table("Engagement", columns, rows, note=note)]


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
        Column("Hashtag"),
        Column("Videos, 7 days", Kind.NUMBER),
        Column("7 days before", Kind.NUMBER),
        Column("Change", Kind.CHANGE),
        Column("Creators", Kind.NUMBER),
    )
    sample = f.counted(report.emerging_sample, "held video")
    note = f"Beside the campaign's hashtags in {sample} published in the last 7 days."
    return [Table("Emerging hashtags", columns, rows, note=note)]


def _weekly_method(report: WeeklyReport) -> str:
    return (
        f"Usual: mean of up to {report.rolling_weeks} earlier weekly changes of views. A verdict "
        "takes 3 of them; its figure is the distance from their mean in standard deviations, which "
        "count as at least 10 % of the mean. A spike or a drop is 3 or more."
    )
