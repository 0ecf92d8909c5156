"""The desk as JSON and as blocks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime
from enum import Enum
from typing import Any

from tagtide.core.desk import DeskState, Step
from tagtide.core.desk.parse import shown_lines
from tagtide.core.desk.words import clearance_words, step_words, territory_words
from tagtide.core.formats import (
    DASH,
    clean_text,
    compact,
    date_text,
    instant_text,
    iso_utc,
    percent,
)
from tagtide.core.messages import (
    Block,
    Cell,
    Column,
    Figure,
    Heading,
    KeyFigures,
    Kind,
    Link,
    Note,
    Paragraph,
    Table,
    Tone,
    safe_link,
)
from tagtide.core.periods import zone_or_utc
from tagtide.services.desk import DeskOutcome
from tagtide.services.views.desk import (
    DeskDetailView,
    DeskLine,
    DeskView,
    RightLine,
    RightStatus,
    StepLine,
)

_TONES = {
    DeskState.GRANTED: Tone.UP,
    DeskState.EXPIRED: Tone.WARN,
    DeskState.REVOKED: Tone.WARN,
    DeskState.DECLINED: Tone.MUTED,
}


def plain(value: Any) -> Any:
    """Facts of a view as JSON types."""
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: plain(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, datetime):
        return iso_utc(value)
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        return {plain(key): plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    return value


# --- the list -------------------------------------------------------------------------------------


def list_blocks(view: DeskView) -> list[Block]:
    """The list, with how many stand where."""
    columns = (
        Column("State"),
        Column("Creator"),
        Column("Views", Kind.NUMBER),
        Column("Rate", Kind.NUMBER),
        Column("Ends"),
        Column("With"),
        Column("Labels", minor=True),
        Column("Caption", minor=True),
        Column("Video", Kind.ID),
    )
    rows = tuple(_row(line) for line in view.lines)
    empty = (
        "Nothing here. New videos of high priority come by themselves; "
        "`tagtide desk list --state new` shows all that nobody has judged."
    )
    counts = ", ".join(f"{count:,} {state}" for state, count in view.counts.items() if count)
    blocks: list[Block] = [Table("Desk", columns, rows, empty=empty)]
    if counts:
        blocks.append(Note(f"In all: {counts}; {view.new_high_priority:,} new of high priority."))
    if view.next_cursor:
        blocks.append(Note(f"More: the same with --cursor {view.next_cursor}"))
    return blocks


def _row(line: DeskLine) -> tuple[Cell, ...]:
    zone = zone_or_utc(line.timezone)
    mark = "! " if line.high_priority and line.state is DeskState.NEW else ""
    return (
        Cell(f"{mark}{line.state.value}", tone=_TONES.get(line.state, Tone.PLAIN)),
        Cell(f"@{clean_text(line.author_username or '-', 30)}", foreign=True),
        Cell(compact(line.view_count)),
        Cell(percent(line.engagement_rate)),
        Cell(date_text(line.next_end_at, zone) if line.next_end_at else ""),
        Cell(clean_text(line.assignee or "", 20)),
        Cell(clean_text(" ".join(line.labels), 30)),
        Cell(clean_text(line.caption, 40), foreign=True),
        Cell(line.video_id, link=safe_link(line.url)),
    )


# --- one video ------------------------------------------------------------------------------------


def detail_blocks(view: DeskDetailView) -> list[Block]:
    """A video with its rights, where it is cleared, and its history."""
    line = view.line
    blocks: list[Block] = [
        Heading(f"@{clean_text(line.author_username or '-', 64)} in {line.campaign}"),
        Paragraph(_sentence(view), lead=True),
        KeyFigures(_figures(line)),
    ]
    if caption := clean_text(line.caption, 300):
        blocks.append(Paragraph(caption))
    if view.rights:
        blocks.append(_rights(view))
        for right in view.rights:
            blocks += _evidence(right)
    blocks.append(_history(view))
    if url := safe_link(line.url):
        blocks.append(Link("Open on TikTok", url))
    return blocks


def _sentence(view: DeskDetailView) -> str:
    cleared = [c.channel.value for c in view.clearance if c.is_cleared]
    state = view.line.state.value.capitalize()
    if cleared:
        return f"{state}. Cleared now for {', '.join(cleared)}."
    if not view.rights:
        return f"{state}. Not cleared for anything: no right was granted."
    reasons = {clearance_words(c.reason) for c in view.clearance if c.channel in _granted(view)}
    return f"{state}. Not cleared for anything: {', '.join(sorted(reasons))}."


def _granted(view: DeskDetailView) -> set[str]:
    return {channel for right in view.rights for channel in right.channels}


def _figures(line: DeskLine) -> tuple[Figure, ...]:
    zone = zone_or_utc(line.timezone)
    read = f"read {instant_text(line.read_at, zone)}"
    figures = [
        Figure("Views", compact(line.view_count), note=read),
        Figure("Engagement rate", percent(line.engagement_rate)),
        Figure("Followers", compact(line.author_followers)),
        Figure("With", clean_text(line.assignee or DASH, 40)),
    ]
    if line.labels:
        figures.append(Figure("Labels", clean_text(", ".join(line.labels), 120)))
    return tuple(figures)


def _rights(view: DeskDetailView) -> Table:
    zone = zone_or_utc(view.line.timezone)
    columns = (
        Column("Right", Kind.NUMBER),
        Column("Status"),
        Column("Channels"),
        Column("Where"),
        Column("Until"),
        Column("Edits"),
        Column("Paid"),
        Column("Spark code"),
        Column("Code until"),
    )
    rows = tuple(
        (
            Cell(str(right.right)),
            Cell(right.status.value, tone=_status_tone(right)),
            Cell(", ".join(right.channels)),
            Cell(territory_words(right.territory)),
            Cell(_until(right, zone)),
            Cell(_yes_no(right.edits)),
            Cell(_paid(right)),
            Cell(right.spark_code or DASH),
            Cell(date_text(right.spark_expires_at, zone)),
        )
        for right in view.rights
    )
    return Table("Rights", columns, rows)


def _status_tone(right: RightLine) -> Tone:
    return Tone.UP if right.status is RightStatus.STANDING else Tone.MUTED


def _until(right: RightLine, zone: Any) -> str:
    if right.revoked_at is not None:
        return f"revoked {date_text(right.revoked_at, zone)}"
    return "no end" if right.expires_at is None else date_text(right.expires_at, zone)


def _yes_no(value: bool | None) -> str:
    return DASH if value is None else "yes" if value else "no"


def _paid(right: RightLine) -> str:
    if right.fee_amount is not None:
        return f"{right.fee_amount} {right.fee_currency or ''}".strip()
    return clean_text(right.fee_note, 60) if right.fee_note else _yes_no(right.is_paid)


def _evidence(right: RightLine) -> list[Block]:
    parts = []
    if right.evidence:
        parts.append(f"“{clean_text(right.evidence, 300)}”")
    if right.evidence_url:
        parts.append(clean_text(right.evidence_url, 300))
    if right.evidence_at:
        parts.append(iso_utc(right.evidence_at))
    said = ", ".join(parts) or "none: nothing shows that it was given"
    return [Note(f"Evidence of right {right.right}: {said}")]


def _history(view: DeskDetailView) -> Table:
    zone = zone_or_utc(view.line.timezone)
    columns = (
        Column("Step", Kind.NUMBER),
        Column(f"At ({view.line.timezone})", Kind.INSTANT),
        Column("Who"),
        Column("What"),
        Column("Note"),
    )
    rows = tuple(
        (
            Cell(str(step.number)),
            Cell(instant_text(step.at, zone)),
            Cell(clean_text(step.by, 30)),
            Cell(_what(step)),
            Cell(clean_text(shown_lines(step.note), 200)),
        )
        for step in view.history
    )
    return Table("History", columns, rows, empty="Nobody has touched it yet.")


def _what(step: StepLine) -> str:
    same = {f.name: getattr(step, f.name) for f in fields(Step)}
    return step_words(Step(**same), is_undone=step.is_undone)


# --- outcomes -------------------------------------------------------------------------------------


def outcome_body(outcome: DeskOutcome) -> dict[str, Any]:
    """How a change ended, as JSON."""
    return {
        "video_id": outcome.video_id,
        "campaign": outcome.campaign,
        "done": outcome.is_done,
        "reason": outcome.reason,
        "message": outcome.message or None,
        "hint": outcome.hint or None,
        "state": outcome.state.value if outcome.state else None,
        "version": outcome.version,
    }


def outcome_text(outcome: DeskOutcome) -> str:
    """How a change ended, in a line."""
    if not outcome.is_done:
        return f"{outcome.video_id}: not done. {outcome.message}"
    state = outcome.state.value if outcome.state else DASH
    words = {"moved": f"now {state}"}
    return f"{outcome.video_id}: {words.get(outcome.reason, outcome.reason.replace('_', ' '))}."
