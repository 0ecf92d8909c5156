"""The summary of a collection for people."""

from __future__ import annotations

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
    known_only,
    number_cell,
    reason_words,
    sentence,
    tag_cell,
    tone_of,
    video_columns,
    video_row,
)
from tagtide.core.reports.collect import CollectedHashtag, CollectSummary
from tagtide.models import Status


def collect_blocks(summary: CollectSummary) -> list[Block]:
    """The summary of a collection for people."""
    zone = ZoneInfo(summary.timezone)
    name = f.clean_text(summary.campaign, 80)
    return [
        Heading(f"{name}: collection, {f.date_text(summary.at, zone)}", level=1),
        Paragraph(collect_sentence(summary), lead=True),
        *(Note(_collect_failure(h), Tone.WARN) for h in summary.failed),
        _collect_table(summary),
        _collect_priority(summary),
        Note(_collect_cost(summary)),
    ]


def collect_sentence(summary: CollectSummary) -> str:
    """What came in, in a sentence."""
    if summary.hashtags and all(h.outcome.status is Status.FAILED for h in summary.hashtags):
        return "Nothing was read: every hashtag failed."
    new = f.counted(summary.videos_new, "new video") if summary.videos_new else "No new video"
    seen = f"among {f.counted(summary.videos_seen, 'video')} seen"
    views = "" if summary.new_views is None else f", {f.signed(summary.new_views)} views"
    priority = len(summary.newly_high_priority)
    more = f"; {f.counted(priority, 'video')} newly high priority" if priority else ""
    return sentence(f"{new} {seen}{views}{more}")


def _collect_failure(hashtag: CollectedHashtag) -> str:
    outcome = hashtag.outcome
    why = reason_words(outcome.reason) or f.clean_text(outcome.detail, 200)
    word = {Status.PARTIAL: "read in part", Status.SKIPPED: "skipped"}.get(
        outcome.status, "not read"
    )
    text = f"#{f.clean_text(outcome.hashtag, 40)} was {word}" + (f": {why}" if why else "")
    return sentence(text)


def _collect_table(summary: CollectSummary) -> Table:
    rows = tuple(
        (
            tag_cell(h.outcome.hashtag),
            _count(h, h.outcome.videos_seen),
            _count(h, h.outcome.videos_new),
            Cell(
                f.signed(h.outcome.new_views),
                tone=tone_of(h.outcome.new_views),
                value=h.outcome.new_views,
            ),
            Cell("unknown" if h.held is None else h.held.note, tone=Tone.MUTED),
            number_cell(h.outcome.pages),
            number_cell(h.outcome.credits),
            Cell(
                h.outcome.status.value,
                tone=Tone.PLAIN if h.outcome.status is Status.OK else Tone.WARN,
            ),
        )
        for h in summary.hashtags
    )
    columns = (
        Column("Hashtag"),
        Column("Seen", Kind.NUMBER),
        Column("New", Kind.NUMBER),
        Column("Views gained", Kind.CHANGE),
        Column("Completeness"),
        Column("Pages", Kind.NUMBER, minor=True),
        Column("Credits", Kind.NUMBER),
        Column("Outcome"),
    )
    return Table("Hashtags", columns, rows, empty="The campaign has no hashtag whose feed is read.")


def _count(hashtag: CollectedHashtag, count: int) -> Cell:
    """A count of a feed; a feed that was not read has none."""
    missing = hashtag.outcome.status in (Status.FAILED, Status.SKIPPED) and not count
    return number_cell(None if missing else count)


def _collect_priority(summary: CollectSummary, most: int = 20) -> Table:
    """The largest of them, those of this run first: a first collection may bring thousands."""
    lines = sorted(
        summary.high_priority,
        key=lambda line: line.video.video_id not in summary.newly_high_priority,
    )
    more = f.counted(len(lines) - most, "more video")
    rows = tuple(
        (
            Cell("new" if line.video.video_id in summary.newly_high_priority else "", tone=Tone.UP),
            *video_row(line),
        )
        for line in lines[:most]
    )
    return known_only(
        Table(
            "High priority",
            (Column(""), *video_columns()),
            rows,
            empty="No video of this collection reaches both marks, engagement rate and views.",
            note=f"{more} in `tagtide videos --high-priority`." if len(lines) > most else "",
        )
    )


def _collect_cost(summary: CollectSummary) -> str:
    spent = (
        f"Credits spent: {f.whole(summary.credits_used)}"
        if summary.credits_used is not None
        else "Credits spent: unknown"
    )
    left = f.whole(summary.credits_remaining)
    return f"{spent}; left: {left if summary.credits_remaining is not None else 'unknown'}."
