"""A notification as Slack's Block Kit.

Every word stands in a plain-text object, where no markup counts; pages to open are buttons. The
line that Slack shows in notifications is the one place where it reads markup.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tagtide.channels.harmless import unlinked, without_markup
from tagtide.core.messages.notice import Look, Notice, NoticePicture, NoticeVideo, notice

#: Slack's limits for a header, a section, a field and a button are 150, 3,000, 2,000 and 75
#: characters.
_HEADER, _SECTION, _FIELD = 150, 3_000, 2_000
#: What stands for a picture.
_ALT = 2_000
_LINE = 400


def message(payload: Mapping[str, Any], look: Look | None = None) -> dict[str, Any]:
    """The message of a payload; anything in it may be missing or None."""
    said = notice(payload, look or Look(), unlinked)
    blocks = [
        {"type": "header", "text": _plain(said.title, _HEADER)},
        *(block for warning in said.warnings for block in _section(warning)),
        *_section(said.text),
        *_section(said.explanation),
        *_facts(said),
        *(block for picture in said.pictures for block in _picture(picture)),
        *(block for video in said.videos for block in _video(video)),
        *(block for sentence, url in said.items for block in _linked(sentence, url)),
        *_remark(said.note),
        *_buttons(said),
    ]
    first = " ".join([*said.warnings, said.text])
    line = without_markup(f"{said.title}: {' '.join(first.split())}"[:_LINE])
    return {"text": line, "mrkdwn": False, "blocks": blocks, "unfurl_links": False}


def _facts(said: Notice) -> list[dict[str, Any]]:
    # Slack takes at most ten fields.
    fields = [_plain(f"{name}: {value}", _FIELD) for name, value in said.facts[:10]]
    return [{"type": "section", "fields": fields}] if fields else []


def _video(video: NoticeVideo) -> list[dict[str, Any]]:
    return [*_linked(video.line, video.url), *_remark(video.caption)]


def _picture(picture: NoticePicture) -> list[dict[str, Any]]:
    # Slack fetches it by itself, and needs an address for it.
    if picture.url is None:
        return []
    shows = picture.shows[:_ALT]
    return [{"type": "image", "image_url": picture.url, "alt_text": shows}]


def _linked(text: str, url: str | None) -> list[dict[str, Any]]:
    section = _section(text)
    if section and url:
        section[0]["accessory"] = _button("Open", url)
    return section


def _buttons(said: Notice) -> list[dict[str, Any]]:
    buttons = [
        *([_button(said.report_label, said.report)] if said.report else []),
        *([_button("Open on TikTok", said.url)] if said.url else []),
        *([_button("Open in tagtide", said.home)] if said.home else []),
    ]
    return [{"type": "actions", "elements": buttons}] if buttons else []


def _button(label: str, url: str) -> dict[str, Any]:
    return {"type": "button", "text": _plain(label, 75), "url": url}


def _section(text: str) -> list[dict[str, Any]]:
    return [{"type": "section", "text": _plain(text, _SECTION)}] if text else []


def _remark(text: str) -> list[dict[str, Any]]:
    return [{"type": "context", "elements": [_plain(text, _SECTION)]}] if text else []


def _plain(text: str, limit: int) -> dict[str, Any]:
    # Without `emoji`, ":name:" would become a picture.
    return {"type": "plain_text", "text": text[:limit], "emoji": False}
