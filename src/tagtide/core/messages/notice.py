"""A notification as a person reads it: title, text, facts, videos, links, without any markup.

Each channel writes it in its own medium. Strangers' words pass through the channel's ``words`` on
the way in, and are one clean line each.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from tagtide.core.formats import DASH, clean_text, compact, counted, decimal, percent, whole
from tagtide.core.language import ENGLISH, Language, say, speaking, spoken
from tagtide.core.messages.blocks import safe_link
from tagtide.core.messages.style import Style
from tagtide.core.messages.template import Template
from tagtide.core.periods import zone_or_utc
from tagtide.models import Rule

#: Makes strangers' words harmless in one medium.
Words = Callable[[str], str]

TITLES = {"alert.firing": "Alert", "alert.updated": "Still growing", "alert.resolved": "Resolved"}
_STATES = {"pending": "Pending", "firing": "Firing", "resolved": "Resolved"}
_NAME, _SENTENCE, _CAPTION = 100, 1_000, 300
_TITLE, _TEXT = 150, 2_500
_VIDEOS, _ITEMS, _FIGURES = 3, 15, 10
_ZONES = 100
#: Of our own pages: nothing that ends an address wherever it may be written.
_ADDRESS = re.compile(r"[\w.~:/?#@!$&*+,;=%-]{1,900}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Look:
    """What the configuration says about the messages of a channel."""

    style: Style = field(default_factory=Style)
    #: Wording of an alert's title and text; None takes ours.
    title: Template | None = None
    text: Template | None = None
    #: Address of tagtide's own pages, for a link; None makes none.
    home: str | None = None
    #: Finds the language that a report is told in, by its code.
    find_language: Callable[[str], Language] = field(default=lambda _: ENGLISH)


@dataclass(frozen=True, slots=True)
class NoticeVideo:
    """A video worth opening."""

    line: str
    caption: str
    url: str | None


@dataclass(frozen=True, slots=True)
class NoticeFigure:
    """A key figure of a report."""

    label: str
    value: str
    change: str
    note: str

    @property
    def fact(self) -> tuple[str, str]:
        """All of it as name and value."""
        note = f"({self.note})" if self.note else ""
        return self.label, " ".join(filter(None, (self.value, self.change, note)))


@dataclass(frozen=True, slots=True)
class NoticePicture:
    """A chart: what it shows, and where whoever may fetch it finds it."""

    shows: str
    url: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """What is said; empty parts are left out."""

    title: str
    #: What is missing; said before everything else.
    warnings: tuple[str, ...] = ()
    text: str
    explanation: str = ""
    #: Name and value.
    facts: tuple[tuple[str, str], ...] = ()
    #: Facts that are figures, once more in their parts.
    figures: tuple[NoticeFigure, ...] = ()
    videos: tuple[NoticeVideo, ...] = ()
    #: Alerts of a digest: the sentence and the page to open.
    items: tuple[tuple[str, str | None], ...] = ()
    pictures: tuple[NoticePicture, ...] = ()
    #: A remark below everything.
    note: str = ""
    #: The report that this is the message of, and where it can be said that no more are wanted.
    report: str | None = None
    unsubscribe: str | None = None
    #: What is said on both, and the language of all of it.
    report_label: str = "Open the report"
    unsubscribe_label: str = "No more of these"
    language: str = "en"
    #: Page on TikTok to open next.
    url: str | None = None
    #: tagtide's own pages.
    home: str | None = None
    is_good_news: bool = False


def notice(payload: Mapping[str, Any], look: Look, words: Words) -> Notice:
    """What to say of a payload; anything in it may be missing, None or of another type."""
    kind = _text(payload.get("type"))
    alert = payload.get("alert")
    if isinstance(alert, dict):
        return _alert_notice(kind, alert, look, words)
    if kind == "digest":
        return _digest_notice(payload, look, words)
    if kind == "desk.reminder":
        return _desk_notice(payload, look, words)
    if kind == "report":
        with speaking(look.find_language(_text(payload.get("language")))):
            return _report_notice(payload, look, words)
    if kind in ("self.firing", "self.resolved"):
        return _self_notice(kind, payload, look, words)
    text = clean_text(_text(payload.get("text")), _SENTENCE) or "A message from tagtide."
    title = "Test message" if kind == "test" else "Message"
    return Notice(title=title, text=words(text), home=look.home)


def as_text(said: Notice) -> str:
    """A notice as lines of plain text, title left out."""
    lines = [*said.warnings, *([""] if said.warnings else [])]
    lines += [said.text, said.explanation, ""]
    lines += [f"{name}: {value}" for name, value in said.facts]
    for video in said.videos:
        lines += ["", video.line, *([video.caption] if video.caption else [])]
        lines += [video.url] if video.url else []
    for sentence, url in said.items:
        lines += ["", sentence, *([url] if url else [])]
    lines += ["", *(picture.shows for picture in said.pictures)]
    lines += ["", said.note, f"On TikTok: {said.url}" if said.url else ""]
    lines += [f"{said.report_label}: {said.report}"] if said.report else []
    lines += [f"In tagtide: {said.home}"] if said.home else []
    lines += ["", f"{said.unsubscribe_label}: {said.unsubscribe}"] if said.unsubscribe else []
    return _without_gaps(lines)


def _without_gaps(lines: list[str]) -> str:
    kept: list[str] = []
    for line in lines:
        if line or (kept and kept[-1]):
            kept.append(line)
    return "\n".join(kept).strip()


# --- one alert ------------------------------------------------------------------------------------


def _alert_notice(kind: str, alert: Mapping[str, Any], look: Look, words: Words) -> Notice:
    style = look.style.of_campaign(alert.get("numbers"), alert.get("clock"))
    values = placeholder_values(kind, alert, style, words)
    title, text, explanation = look.title, look.text, _explanation(alert)
    shown = words(style.sentence(explanation)) if explanation else ""
    own_title = _cut(title.filled(values), _TITLE) if title else ""
    return Notice(
        title=own_title or _title(kind, alert, words),
        text=_cut_lines(text.filled(values), _TEXT) if text else _reason(alert, style, words),
        explanation="" if text else shown,
        facts=_facts(values),
        videos=_videos(alert, style, words),
        url=safe_link(_text(alert.get("url"))),
        home=look.home,
        is_good_news=kind == "alert.resolved",
    )


def placeholder_values(
    kind: str, alert: Mapping[str, Any], style: Style, words: Words
) -> dict[str, str]:
    """A value for every placeholder; unknown is a dash."""
    zone = _zone(alert.get("timezone"))
    videos = _list(alert.get("top_videos"))
    top = videos[0] if videos and isinstance(videos[0], dict) else {}
    creator = clean_text(_text(top.get("author_username")), _NAME)

    def foreign(name: str, limit: int = _NAME) -> str:
        return words(clean_text(_text(alert.get(name)), limit)) or DASH

    def instant(name: str) -> str:
        return style.instant(_instant(alert.get(name)), zone)

    return {
        "kind": TITLES.get(kind, "Alert"),
        "campaign": foreign("campaign"),
        "hashtag": foreign("hashtag"),
        "rule": foreign("rule").replace("_", " "),
        "state": foreign("state"),
        "reason": words(style.sentence(clean_text(_text(alert.get("reason")), _SENTENCE))) or DASH,
        "explanation": words(style.sentence(_explanation(alert))) or DASH,
        "value": style.figure(_value(alert, "value")),
        "threshold": style.figure(_value(alert, "threshold")),
        "new_videos": style.figure(_shown(alert.get("new_videos"), whole)),
        "views_per_hour": style.figure(_shown(alert.get("views_per_hour"), compact)),
        "elapsed_hours": style.figure(_shown(alert.get("elapsed_hours"), decimal)),
        "opened_at": instant("opened_at"),
        "updated_at": instant("updated_at"),
        "resolved_at": instant("resolved_at"),
        "top_creator": words(f"@{creator}") if creator else DASH,
        "top_views": style.figure(_shown(top.get("view_count"), compact)),
        "url": safe_link(_text(alert.get("url"))) or DASH,
        "alert_id": foreign("alert_id"),
    }


def _title(kind: str, alert: Mapping[str, Any], words: Words) -> str:
    hashtag = clean_text(_text(alert.get("hashtag")), _NAME)
    campaign = clean_text(_text(alert.get("campaign")), 80)
    about = f"#{words(hashtag)}" if hashtag else words(campaign) or "a campaign"
    return _cut(f"{TITLES.get(kind, 'Alert')}: {about}", _TITLE)


def _reason(alert: Mapping[str, Any], style: Style, words: Words) -> str:
    reason = clean_text(_text(alert.get("reason")), _SENTENCE)
    return words(style.sentence(reason))


def _explanation(alert: Mapping[str, Any]) -> str:
    explanation = alert.get("explanation")
    sentence = explanation.get("sentence") if isinstance(explanation, dict) else None
    return clean_text(_text(sentence), _SENTENCE)


def _facts(values: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    hours = values["elapsed_hours"]
    facts = (
        ("Campaign", values["campaign"]),
        ("New videos", values["new_videos"]),
        ("Views per hour", values["views_per_hour"]),
        ("Measured over", DASH if hours == DASH else f"{hours} h"),
        ("Began", values["opened_at"]),
        ("Ended", values["resolved_at"]),
    )
    return tuple((name, value) for name, value in facts if value != DASH)


def _videos(alert: Mapping[str, Any], style: Style, words: Words) -> tuple[NoticeVideo, ...]:
    known = [v for v in _list(alert.get("top_videos")) if isinstance(v, dict)]
    return tuple(_video(video, style, words) for video in known[:_VIDEOS])


def _video(video: Mapping[str, Any], style: Style, words: Words) -> NoticeVideo:
    author = clean_text(_text(video.get("author_username")), 64)
    views = _shown(video.get("view_count"), compact)
    parts = (
        words(f"@{author}") if author else "",
        "" if views == DASH else f"{style.figure(views)} views",
    )
    return NoticeVideo(
        line=" - ".join(part for part in parts if part) or "A video",
        caption=words(clean_text(_text(video.get("caption")), _CAPTION)),
        url=safe_link(_text(video.get("url"))),
    )


# --- everything else ------------------------------------------------------------------------------


def _digest_notice(payload: Mapping[str, Any], look: Look, words: Words) -> Notice:
    items = [item for item in _list(payload.get("items")) if isinstance(item, dict)]
    more = payload.get("more")
    left_out = (more if type(more) is int and more > 0 else 0) + max(0, len(items) - _ITEMS)
    total = len(items[:_ITEMS]) + left_out
    campaign = words(clean_text(_text(payload.get("campaign")), 80))
    return Notice(
        title=f"Digest: {counted(total, 'alert')}" + (f", {campaign}" if campaign else ""),
        text=_period(payload, look.style),
        items=tuple(_item(item, look, words) for item in items[:_ITEMS]),
        note=f"{counted(left_out, 'more alert')} in: tagtide alerts list" if left_out else "",
        home=look.home,
    )


def _period(payload: Mapping[str, Any], style: Style) -> str:
    period, zone = payload.get("period"), _zone(payload.get("timezone"))
    ends = period if isinstance(period, dict) else {}
    since, until = (_instant(ends.get(name)) for name in ("since", "until"))
    if since is None or until is None:
        return "Alerts that were not sent one by one."
    return f"From {style.instant(since, zone)} to {style.instant(until, zone)}."


def _item(alert: Mapping[str, Any], look: Look, words: Words) -> tuple[str, str | None]:
    state = _STATES.get(_text(alert.get("state")), "Alert")
    hashtag = clean_text(_text(alert.get("hashtag")), _NAME)
    about = f", #{words(hashtag)}" if hashtag else ""
    style = look.style.of_campaign(alert.get("numbers"), alert.get("clock"))
    reason = _reason(alert, style, words)
    return _cut(f"{state}{about}: {reason}", 500), safe_link(_text(alert.get("url")))


def _desk_notice(payload: Mapping[str, Any], look: Look, words: Words) -> Notice:
    """Rights that end soon and requests without an answer."""
    items = [item for item in _list(payload.get("items")) if isinstance(item, dict)]
    more = payload.get("more")
    left_out = (more if type(more) is int and more > 0 else 0) + max(0, len(items) - _ITEMS)
    total = len(items[:_ITEMS]) + left_out
    campaign = words(clean_text(_text(payload.get("campaign")), 80))
    return Notice(
        title=f"Desk: {counted(total, 'reminder')}" + (f", {campaign}" if campaign else ""),
        text="Rights and codes that end soon, and requests without an answer.",
        items=tuple(
            (_cut(_reason(item, look.style, words), 500), safe_link(_text(item.get("url"))))
            for item in items[:_ITEMS]
        ),
        note=f"{counted(left_out, 'more reminder')} in: tagtide desk list --expiring 14d"
        if left_out
        else "",
        home=look.home,
    )


def _report_notice(payload: Mapping[str, Any], look: Look, words: Words) -> Notice:
    """A report in a few lines, what is missing first; figures look as in the report."""

    def said(value: Any, limit: int = _SENTENCE) -> str:
        return words(clean_text(_text(value), limit))

    known = [figure for figure in _list(payload.get("figures")) if isinstance(figure, dict)]
    figures = tuple(_figure(figure, words) for figure in known[:_FIGURES])
    charts = [chart for chart in _list(payload.get("charts")) if isinstance(chart, dict)]
    files = [file for file in _list(payload.get("attachments")) if isinstance(file, dict)]
    attached = ", ".join(filter(None, (said(file.get("name"), _NAME) for file in files[:_VIDEOS])))
    return Notice(
        title=_cut(said(payload.get("title"), _TITLE), _TITLE) or say("Report"),
        warnings=tuple(filter(None, map(said, _list(payload.get("missing"))[:_ITEMS]))),
        text=said(payload.get("sentence")),
        facts=tuple(figure.fact for figure in figures),
        figures=figures,
        pictures=tuple(
            NoticePicture(
                said(chart.get("title"), _CAPTION) or say("A chart"), _own(chart.get("url"), look)
            )
            for chart in charts[:_VIDEOS]
        ),
        note=say("Attached: {files}.", files=attached) if attached else "",
        report=_own(payload.get("url"), look),
        unsubscribe=_own(payload.get("unsubscribe"), look),
        report_label=say("Open the report"),
        unsubscribe_label=say("No more of these"),
        language=spoken().code,
        home=look.home,
    )


def _figure(figure: Mapping[str, Any], words: Words) -> NoticeFigure:
    def part(name: str) -> str:
        return words(clean_text(_text(figure.get(name)), _NAME))

    label, value = part("label") or say("Figure"), part("value") or DASH
    return NoticeFigure(label, value, part("change"), part("note"))


def _own(url: Any, look: Look) -> str | None:
    """An address of tagtide's own pages; None for every other one."""
    own = _text(url)
    return own if look.home and own.startswith(look.home) and _ADDRESS.fullmatch(own) else None


def _self_notice(kind: str, payload: Mapping[str, Any], look: Look, words: Words) -> Notice:
    begins = kind == "self.firing"
    message = clean_text(_text(payload.get("message")), _SENTENCE)
    condition = words(clean_text(_text(payload.get("condition")), 40))
    return Notice(
        title="tagtide needs attention" if begins else "tagtide works again",
        text=words(message) or ("Something is wrong." if begins else "It is over."),
        facts=(("Condition", condition),) if condition else (),
        note=words(clean_text(_text(payload.get("hint")), _SENTENCE)) if begins else "",
        home=look.home,
        is_good_news=not begins,
    )


# --- what may be anything -------------------------------------------------------------------------


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else []


def _shown(value: Any, form: Callable[[float], str]) -> str:
    is_number = type(value) in {int, float} and math.isfinite(value)
    return form(value) if is_number else DASH


def _value(alert: Mapping[str, Any], name: str) -> str:
    rule, value = _text(alert.get("rule")), alert.get(name)
    if rule == Rule.GROWTH.value:
        return _shown(value, percent)
    return _shown(value, decimal if rule == Rule.VIRAL_VIDEO.value else whole)


def _instant(value: Any) -> datetime | None:
    try:
        found = datetime.fromisoformat(_text(value))
    except ValueError:
        return None
    return found if found.tzinfo else None


def _zone(value: Any) -> ZoneInfo:
    return zone_or_utc(_text(value)[:_ZONES])


def _cut(text: str, limit: int) -> str:
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def _cut_lines(text: str, limit: int) -> str:
    lines = "\n".join(_cut(line, limit) for line in text.splitlines()).strip()
    return lines if len(lines) <= limit else lines[: limit - 1] + "…"
