"""Words, cells and columns that every report says in the same way."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import timedelta

from tagtide.core import formats as f
from tagtide.core.messages.blocks import (
    Block,
    Cell,
    Column,
    Kind,
    Note,
    Table,
    Tone,
    creator_url,
    safe_link,
)
from tagtide.core.metrics import (
    Change,
    KnownSum,
)
from tagtide.core.names import hashtag_url
from tagtide.core.reports.facts import HashtagLine, VideoLine, brought_nothing
from tagtide.core.reports.weekly import WeeklyRow
from tagtide.models import Reason

_REASONS = {
    Reason.NOT_FOUND: "the API knows no such hashtag",
    Reason.BAD_REQUEST: "the API refused the request",
    Reason.UNDECODABLE: "the answer could not be read",
    Reason.SCHEMA: "the answer had an unknown form",
    Reason.OVERSIZE: "the answer was too large",
    Reason.REDIRECT: "the API answered with a redirect",
    Reason.UPSTREAM: "the API was not available",
    Reason.CONNECTION: "no connection to the API",
    Reason.TIMEOUT: "the API did not answer in time",
    Reason.RATE_LIMITED: "too many calls were in flight",
    Reason.CREDITS: "no credits were left",
    Reason.BUDGET: "the credit budget was spent",
    Reason.AUTH: "the API key was not accepted",
    Reason.PAUSED: "it is paused after repeated failures",
    Reason.BREAKER: "the API had failed too often just before",
    Reason.DOWNTIME: "tagtide was not running",
    Reason.STORAGE: "the database did not take it",
    Reason.INTERRUPTED: "the run was interrupted",
    Reason.INTERNAL: "an internal error",
    Reason.PAGE_BUDGET: "the page budget was spent before the feed ended",
}


def reason_words(reason: Reason) -> str:
    """A reason code for a person; empty for none."""
    return _REASONS.get(reason, reason.value.replace("_", " "))


#: The page of a hashtag, beside the addresses of videos and creators.
tag_url = hashtag_url


def tag_cell(name: str) -> Cell:
    """A hashtag, leading to its page."""
    return Cell(f"#{f.clean_text(name, 40)}", link=safe_link(tag_url(name)))


def creator_name(username: str | None, nickname: str | None = None) -> str:
    """A creator's handle, else nickname, as one clean word or two."""
    if username:
        return f"@{f.clean_text(username, 30)}"
    return f.clean_text(nickname, 30) or "unknown creator"


def creator_cell(username: str | None, nickname: str | None) -> Cell:
    """A creator, leading to their page."""
    return Cell(creator_name(username, nickname), link=creator_url(username), foreign=True)


def video_cell(line: VideoLine) -> Cell:
    """A video by its caption, leading to its page."""
    caption = f.clean_text(line.video.caption, 60) or f"video {line.video.video_id}"
    return Cell(caption, link=safe_link(line.url), foreign=True)


def number_cell(value: float | None) -> Cell:
    """A number, short, with the exact one behind it."""
    exact = None if value is None else f.whole(value)
    tone = Tone.MUTED if value is None else Tone.PLAIN
    return Cell(f.compact(value), exact=exact, tone=tone, value=value)


def rank_cell(rank: int) -> Cell:
    """A place in a ranking."""
    return Cell(str(rank), value=rank)


def span_cell(duration: timedelta | None) -> Cell:
    """A duration."""
    hours = None if duration is None else abs(duration.total_seconds()) / 3600
    return Cell(f.span(duration), value=hours)


def gain_cell(value: float | None) -> Cell:
    """A change that came about by addition, with its arrow."""
    return Cell(f.change(value), tone=tone_of(value), value=value)


def tone_of(value: float | None) -> Tone:
    """The colour of a change."""
    if value is None:
        return Tone.MUTED
    return Tone.UP if value > 0 else Tone.DOWN if value < 0 else Tone.PLAIN


def change_cell(change: Change | None) -> Cell:
    """A change of a hashtag's counter, with its span and rounding behind it."""
    if change is None:
        return Cell(f.DASH, tone=Tone.MUTED)
    within = f" (±{f.compact(change.margin)})" if change.margin else ""
    exact = f"{f.signed_whole(change.value)} in {f.span(change.elapsed)}{within}"
    text = f.change(change.value) + ("*" if within else "")
    return Cell(text, exact=exact, tone=tone_of(change.value), value=change.value)


def ratio_cell(ratio: float | None) -> Cell:
    """A relative change."""
    return Cell(f.signed_percent(ratio), tone=tone_of(ratio), value=ratio)


def percent_cell(fraction: float | None) -> Cell:
    """A fraction as percent."""
    tone = Tone.MUTED if fraction is None else Tone.PLAIN
    return Cell(f.percent(fraction), tone=tone, value=fraction)


def rests_on(known: KnownSum) -> str:
    """What a sum rests on."""
    if not known.unknown:
        return f"over {f.counted(known.known, 'video')}"
    return f"over {f.whole(known.known)} of {f.counted(known.known + known.unknown, 'video')}"


def ago(age: timedelta | None) -> str:
    """The age of a reading at the instant of the report."""
    if age is None:
        return f.DASH
    return "newest" if age <= timedelta(minutes=1) else f"{f.span(age)} earlier"


def enumerate_words(parts: Iterable[str]) -> str:
    """Parts as one enumeration: ``a, b and c``."""
    *head, last = [part for part in parts if part] or [""]
    return f"{', '.join(head)} and {last}" if head else last


def sentence(text: str) -> str:
    """Text with a capital and a full stop."""
    return text[:1].upper() + text[1:] + ("" if text.endswith(".") else ".")


def last_good(line: HashtagLine | WeeklyRow) -> str:
    """Why a hashtag has no fresh value, and the last one it had."""
    why = reason_words(line.reason) if brought_nothing(line.status, line.reason) else ""
    failed = f"#{f.clean_text(line.hashtag, 40)} was not read" + (f": {why}" if why else "")
    if line.read_at is None:
        return f"{failed}. There is no earlier value."
    if line.view_count is None and line.video_count is None:
        return f"{failed}. The last answer, {ago(line.age)}, stated no counter."
    value = f"{f.compact(line.view_count)} views"
    if line.video_count is not None:
        value += f", {f.compact(line.video_count)} videos"
    return f"{failed}. Last good value: {value}, {ago(line.age)}."


def failure_notes(lines: Sequence[HashtagLine | WeeklyRow]) -> list[Block]:
    """A remark for each hashtag whose last read brought nothing."""
    return [Note(last_good(line), Tone.WARN) for line in lines if line.failed]


VIDEO_COLUMNS = (
    Column("Video"),
    Column("Creator"),
    Column("Followers", Kind.NUMBER),
    Column("Views", Kind.NUMBER),
    Column("Engagement", Kind.NUMBER),
    Column("Rate", Kind.NUMBER),
)

CREATOR_COLUMNS = (
    Column("", Kind.NUMBER),
    Column("Creator"),
    Column("Followers", Kind.NUMBER),
    Column("Videos", Kind.NUMBER),
    Column("Views", Kind.NUMBER),
    Column("Engagement", Kind.NUMBER),
    Column("Rate", Kind.NUMBER),
)

RATE_COLUMNS = (
    Column("Engagement rate"),
    Column("Videos", Kind.NUMBER),
    Column("Share", Kind.NUMBER),
)


def rate_range(low: float, high: float | None) -> str:
    """A bin of engagement rates, fractions: ``5 to 6 %``; None is no upper end."""
    if high is None:
        return f"{f.decimal(low * 100, 0)} % and above"
    return f"{f.decimal(low * 100, 0)} to {f.decimal(high * 100, 0)} %"


def known_only(table: Table, title: str = "Followers") -> Table:
    """The table without a column of which nothing is known."""
    at = next((i for i, column in enumerate(table.columns) if column.title == title), None)
    if at is None or not table.rows or any(row[at].text != f.DASH for row in table.rows):
        return table
    return replace(
        table,
        columns=table.columns[:at] + table.columns[at + 1 :],
        rows=tuple(row[:at] + row[at + 1 :] for row in table.rows),
    )


def video_row(line: VideoLine) -> tuple[Cell, ...]:
    """The cells of `VIDEO_COLUMNS`."""
    video = line.video
    return (
        video_cell(line),
        creator_cell(video.author_username, video.author_nickname),
        number_cell(video.author_followers),
        number_cell(video.counters.view_count),
        number_cell(video.counters.engagement),
        percent_cell(video.counters.engagement_rate),
    )
