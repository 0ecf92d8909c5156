"""Words, cells and columns that every report says in the same way."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from tagtide.core import formats as f
from tagtide.core.language import say, say_as, say_many
from tagtide.core.messages.blocks import (
    Block,
    Cell,
    Column,
    Figure,
    Kind,
    Note,
    Table,
    Tone,
    creator_url,
    safe_link,
)
from tagtide.core.metrics import (
    Anomaly,
    Change,
    KnownSum,
)
from tagtide.core.names import hashtag_url
from tagtide.core.reports.facts import HashtagLine, VideoLine, brought_nothing
from tagtide.core.reports.weekly import WeeklyRow
from tagtide.models import Reason, Role, Rule, Status


def reason_words(reason: Reason) -> str:
    """A reason code for a person; empty for none."""
    reasons = {
        Reason.NOT_FOUND: say("the API knows no such hashtag"),
        Reason.BAD_REQUEST: say("the API refused the request"),
        Reason.UNDECODABLE: say("the answer could not be read"),
        Reason.SCHEMA: say("the answer had an unknown form"),
        Reason.OVERSIZE: say("the answer was too large"),
        Reason.REDIRECT: say("the API answered with a redirect"),
        Reason.UPSTREAM: say("the API was not available"),
        Reason.CONNECTION: say("no connection to the API"),
        Reason.TIMEOUT: say("the API did not answer in time"),
        Reason.RATE_LIMITED: say("too many calls were in flight"),
        Reason.CREDITS: say("no credits were left"),
        Reason.BUDGET: say("the credit budget was spent"),
        Reason.AUTH: say("the API key was not accepted"),
        Reason.PAUSED: say("it is paused after repeated failures"),
        Reason.BREAKER: say("the API had failed too often just before"),
        Reason.DOWNTIME: say("tagtide was not running"),
        Reason.STORAGE: say("the database did not take it"),
        Reason.INTERRUPTED: say("the run was interrupted"),
        Reason.INTERNAL: say("an internal error"),
        Reason.PAGE_BUDGET: say("the page budget was spent before the feed ended"),
    }
    return reasons.get(reason, reason.value.replace("_", " "))


#: The page of a hashtag, beside the addresses of videos and creators.
tag_url = hashtag_url


def tag_cell(name: str) -> Cell:
    """A hashtag, leading to its page."""
    return Cell(f"#{f.clean_text(name, 40)}", link=safe_link(tag_url(name)))


def creator_name(username: str | None, nickname: str | None = None) -> str:
    """A creator's handle, else nickname, as one clean word or two."""
    if username:
        return f"@{f.clean_text(username, 30)}"
    return f.clean_text(nickname, 30) or say("unknown creator")


def creator_cell(username: str | None, nickname: str | None) -> Cell:
    """A creator, leading to their page."""
    return Cell(creator_name(username, nickname), link=creator_url(username), foreign=True)


def video_cell(line: VideoLine) -> Cell:
    """A video by its caption, leading to its page."""
    caption = f.clean_text(line.video.caption, 60) or say(
        "video {number}", number=line.video.video_id
    )
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
    gain, span = f.signed_whole(change.value), f.span(change.elapsed)
    if change.margin:
        margin = f.compact(change.margin)
        exact = say("{gain} in {span} (±{margin})", gain=gain, span=span, margin=margin)
    else:
        exact = say("{gain} in {span}", gain=gain, span=span)
    text = f.change(change.value) + ("*" if change.margin else "")
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
    return over_videos(known.known, known.unknown)


def over_videos(known: int, unknown: int) -> str:
    """How many videos a figure is made from, of how many there are."""
    if not unknown:
        return say_many(known, "over {count} video", "over {count} videos")
    return say_many(
        known + unknown,
        "over {known} of {count} video",
        "over {known} of {count} videos",
        known=f.whole(known),
    )


def sum_figure(label: str, known: KnownSum) -> Figure:
    """A sum over videos, with what it rests on."""
    return Figure(label, f.compact(known.total), "", rests_on(known), number=known.total)


def rate_figure(label: str, rate: float | None, note: str) -> Figure:
    """A rate with what it is made of."""
    return Figure(label, f.percent(rate), "", note, number=rate)


def ago(age: timedelta | None) -> str:
    """The age of a reading at the instant of the report."""
    if age is None:
        return f.DASH
    if age <= timedelta(minutes=1):
        return say_as("age of a reading", "newest")
    return say("{span} earlier", span=f.span(age))


def as_of_words(as_of: datetime, zone: ZoneInfo) -> str:
    """The instant a report speaks of."""
    return say("As of {instant}, {zone} time.", instant=f.instant_text(as_of, zone), zone=zone.key)


def rounded_note() -> str:
    """What the star behind a change means."""
    return say("* The source rounds this counter; the change is good to its rounding.")


def videos_text(count: int) -> str:
    """A count of videos."""
    return say_many(count, "{count} video", "{count} videos")


def creators_text(count: int) -> str:
    """A count of creators."""
    return say_many(count, "{count} creator", "{count} creators")


def whose_words(role: Role) -> str:
    """Whose hashtag it is."""
    return say_as("hashtag", "own") if role is Role.OWN else say_as("hashtag", "competitor")


def outcome_words(status: Status) -> str:
    """How an attempt ended."""
    outcomes = {
        Status.OK: say_as("outcome", "ok"),
        Status.PARTIAL: say_as("outcome", "partial"),
        Status.FAILED: say_as("outcome", "failed"),
        Status.SKIPPED: say_as("outcome", "skipped"),
    }
    return outcomes.get(status, status.value)


def verdict_words(anomaly: Anomaly) -> str:
    """What a week is against the usual one; the code where nothing is said of it."""
    verdicts = {
        Anomaly.SPIKE: say_as("verdict", "spike"),
        Anomaly.DROP: say_as("verdict", "drop"),
        Anomaly.NONE: say_as("verdict", "usual"),
    }
    return verdicts.get(anomaly, anomaly.value)


def enumerate_words(parts: Iterable[str]) -> str:
    """Parts as one enumeration: ``a, b and c``."""
    *head, last = [part for part in parts if part] or [""]
    return say("{parts} and {last}", parts=", ".join(head), last=last) if head else last


def sentence(text: str) -> str:
    """Text with a capital and a full stop."""
    return text[:1].upper() + text[1:] + ("" if text.endswith(".") else ".")


def last_good(line: HashtagLine | WeeklyRow) -> str:
    """Why a hashtag has no fresh value, and the last one it had."""
    why = reason_words(line.reason) if brought_nothing(line.status, line.reason) else ""
    tag = f"#{f.clean_text(line.hashtag, 40)}"
    failed = (
        say("{hashtag} was not read: {why}.", hashtag=tag, why=why)
        if why
        else say("{hashtag} was not read.", hashtag=tag)
    )
    return f"{failed} {_last_value(line)}"


def _last_value(line: HashtagLine | WeeklyRow) -> str:
    if line.read_at is None:
        return say("There is no earlier value.")
    age, views = ago(line.age), f.compact(line.view_count)
    if line.view_count is None and line.video_count is None:
        return say("The last answer, {age}, stated no counter.", age=age)
    if line.video_count is None:
        return say("Last good value: {views} views, {age}.", views=views, age=age)
    return say(
        "Last good value: {views} views, {videos} videos, {age}.",
        views=views,
        videos=f.compact(line.video_count),
        age=age,
    )


def failure_notes(lines: Sequence[HashtagLine | WeeklyRow]) -> list[Block]:
    """A remark for each hashtag whose last read brought nothing."""
    return [Note(last_good(line), Tone.WARN) for line in lines if line.failed]


def video_columns() -> tuple[Column, ...]:
    """Titles above `video_row`."""
    return (
        Column(say("Video")),
        Column(say("Creator")),
        Column(say("Followers"), Kind.NUMBER),
        Column(say("Views"), Kind.NUMBER),
        Column(say("Engagement"), Kind.NUMBER),
        Column(say("Rate"), Kind.NUMBER),
    )


def creator_columns() -> tuple[Column, ...]:
    """Titles of a ranking of creators."""
    return (
        Column("", Kind.NUMBER),
        Column(say("Creator")),
        Column(say("Followers"), Kind.NUMBER),
        Column(say("Videos"), Kind.NUMBER),
        Column(say("Views"), Kind.NUMBER),
        Column(say("Engagement"), Kind.NUMBER),
        Column(say("Rate"), Kind.NUMBER),
    )


def rate_columns() -> tuple[Column, ...]:
    """Titles of a distribution of engagement rates."""
    return (
        Column(say("Engagement rate")),
        Column(say("Videos"), Kind.NUMBER),
        Column(say_as("part of a whole", "Share"), Kind.NUMBER),
    )


def rate_range(low: float, high: float | None) -> str:
    """A bin of engagement rates, fractions: ``5 to 6 %``; None is no upper end."""
    least = f.decimal(low * 100, 0)
    if high is None:
        return say("{low} % and above", low=least)
    return say("{low} to {high} %", low=least, high=f.decimal(high * 100, 0))


def known_only(table: Table, title: str | None = None) -> Table:
    """The table without a column of which nothing is known; that of the followers by default."""
    wanted = say("Followers") if title is None else title
    at = next((i for i, column in enumerate(table.columns) if column.title == wanted), None)
    if at is None or not table.rows or any(row[at].text != f.DASH for row in table.rows):
        return table
    return replace(
        table,
        columns=table.columns[:at] + table.columns[at + 1 :],
        rows=tuple(row[:at] + row[at + 1 :] for row in table.rows),
    )


def video_row(line: VideoLine) -> tuple[Cell, ...]:
    """The cells under `video_columns`."""
    video = line.video
    return (
        video_cell(line),
        creator_cell(video.author_username, video.author_nickname),
        number_cell(video.author_followers),
        number_cell(video.counters.view_count),
        number_cell(video.counters.engagement),
        percent_cell(video.counters.engagement_rate),
    )


def rule_words(rule: Rule) -> str:
    """What a rule is called."""
    words = {
        Rule.NEW_VIDEOS: say_as("rule", "new videos"),
        Rule.GROWTH: say_as("rule", "growth"),
        Rule.VIRAL_VIDEO: say_as("rule", "viral video"),
        Rule.STATISTICAL: say_as("rule", "out of the usual"),
        Rule.SELF: say_as("rule", "tagtide itself"),
    }
    return words[rule]
