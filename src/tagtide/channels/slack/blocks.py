"""A notification as Slack's Block Kit.

Text that strangers wrote reaches Slack in plain-text objects, where no markup counts, or through
`escaped`, the one place that makes text harmless in mrkdwn.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from tagtide.core.formats import clean_text, compact, decimal, whole

#: Slack's limits for a header and a section are 150 and 3,000 characters.
_HEADER, _SECTION, _FIELD = 150, 3_000, 2_000
_CAPTION = 300
_VIDEOS = 3

_TITLES = {"alert.firing": "Alert", "alert.updated": "Still growing", "alert.resolved": "Resolved"}
#: Only pages on TikTok become links, and only with characters that end no link.
_LINK = re.compile(r"https://www\.tiktok\.com/[A-Za-z0-9@/_.%\-]{0,500}")
_ZERO_WIDTH_SPACE = "\u200b"


def message(payload: Mapping[str, Any]) -> dict[str, Any]:
    """The message of an alert; anything in the payload may be missing or None."""
    alert = payload.get("alert")
    if not isinstance(alert, dict):
        return _plain_message(payload)
    title = _title(str(payload.get("type") or ""), alert)
    reason = clean_text(_text(alert.get("reason")), _SECTION)
    blocks = [
        {"type": "header", "text": _plain(title, _HEADER)},
        *_section(reason),
        *_facts(alert),
        *_top_videos(alert),
        *_footer(alert),
    ]
    # Shown in notifications, where Slack does read markup.
    return {"text": escaped(f"{title}: {reason}", 400), "blocks": blocks, "unfurl_links": False}


def escaped(text: str, limit: int) -> str:
    """Text that shows as it is in mrkdwn: no mention, link, emphasis or broadcast comes out.

    ``&``, ``<`` and ``>`` become entities; a zero-width space breaks what Slack would read into
    ``@``, ``#``, ``!`` and formatting signs.
    """
    shown = clean_text(text, limit)
    shown = shown.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([@#!*_~`|:])", rf"\1{_ZERO_WIDTH_SPACE}", shown)


def _plain_message(payload: Mapping[str, Any]) -> dict[str, Any]:
    """Something that is no alert, such as a test message."""
    text = clean_text(_text(payload.get("text")) or "A message from tagtide.", _SECTION)
    return {"text": escaped(text, 400), "blocks": _section(text), "unfurl_links": False}


def _title(kind: str, alert: Mapping[str, Any]) -> str:
    hashtag = clean_text(_text(alert.get("hashtag")), 100)
    campaign = clean_text(_text(alert.get("campaign")), 80)
    about = f"#{hashtag}" if hashtag else campaign or "a campaign"
    return f"{_TITLES.get(kind, 'Alert')}: {about}"


def _facts(alert: Mapping[str, Any]) -> list[dict[str, Any]]:
    facts = (
        ("Campaign", clean_text(_text(alert.get("campaign")), 80)),
        ("New videos", _shown(alert.get("new_videos"), whole)),
        ("Views per hour", _shown(alert.get("views_per_hour"), compact)),
        ("Measured over", _hours(alert.get("elapsed_hours"))),
    )
    shown = [_plain(f"{name}: {value}", _FIELD) for name, value in facts if value]
    return [{"type": "section", "fields": shown}] if shown else []


def _top_videos(alert: Mapping[str, Any]) -> list[dict[str, Any]]:
    videos = alert.get("top_videos")
    known = [video for video in _list(videos) if isinstance(video, dict)]
    return [block for video in known[:_VIDEOS] for block in _video(video)]


def _video(video: Mapping[str, Any]) -> list[dict[str, Any]]:
    author = clean_text(_text(video.get("author_username")), 64)
    views = _shown(video.get("view_count"), compact)
    line = " - ".join(
        part for part in (author and f"@{author}", views and f"{views} views") if part
    )
    link = _link(video.get("url"), line or "video")
    caption = clean_text(_text(video.get("caption")), _CAPTION)
    head = {"type": "section", "text": {"type": "mrkdwn", "text": link}}
    if not caption:
        return [head]
    return [head, {"type": "context", "elements": [_plain(caption, _CAPTION)]}]


def _footer(alert: Mapping[str, Any]) -> list[dict[str, Any]]:
    if not _LINK.fullmatch(_text(alert.get("url"))):
        return []
    link = _link(alert.get("url"), "Open on TikTok")
    return [{"type": "context", "elements": [{"type": "mrkdwn", "text": link}]}]


def _link(url: Any, label: str) -> str:
    shown = escaped(label, 200)
    return f"<{url}|{shown}>" if _LINK.fullmatch(_text(url)) else shown


def _section(text: str) -> list[dict[str, Any]]:
    return [{"type": "section", "text": _plain(text, _SECTION)}] if text else []


def _plain(text: str, limit: int) -> dict[str, Any]:
    # Without `emoji`, ":name:" would become a picture.
    return {"type": "plain_text", "text": text[:limit], "emoji": False}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else []


def _is_number(value: Any) -> bool:
    return type(value) in {int, float} and math.isfinite(value)


def _shown(value: Any, form: Any) -> str:
    return str(form(value)) if _is_number(value) else ""


def _hours(value: Any) -> str:
    return f"{decimal(value)} h" if _is_number(value) else ""
