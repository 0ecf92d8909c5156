"""A notification as an Adaptive Card.

Teams reads Markdown in text blocks and facts, and none in the runs of a rich text block: sentences
stand in runs, and no sign of markup reaches a fact or a title as itself.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from tagtide.channels.harmless import without_markup
from tagtide.core.messages.notice import Look, Notice, NoticePicture, NoticeVideo, notice

#: Teams takes 28 kB.
MAX_MESSAGE = 27_000


def encode(payload: Mapping[str, Any], look: Look | None = None) -> bytes:
    """What a workflow is sent for a payload; items of a digest are left out until it fits."""
    said = notice(payload, look or Look(), without_markup)
    content = _json(said)
    while len(content) > MAX_MESSAGE and said.items:
        note = "There are more in: tagtide alerts list"
        said = replace(said, items=said.items[:-1], note=note)
        content = _json(said)
    return content


def _json(said: Notice) -> bytes:
    attachment = {
        "contentType": "application/vnd.microsoft.card.adaptive",
        "contentUrl": None,
        "content": _card(said),
    }
    # Other scripts as they are: escaped, they would take up to three times the room.
    body = {"type": "message", "attachments": [attachment]}
    return json.dumps(body, ensure_ascii=False).encode()


def _card(said: Notice) -> dict[str, Any]:
    body = [
        _run(said.title, size="large", weight="bolder"),
        *(_run(warning, weight="bolder") for warning in said.warnings),
        *(_run(line) for line in said.text.splitlines() if line),
        *([_run(said.explanation)] if said.explanation else []),
        *_facts(said),
        *(block for picture in said.pictures for block in _picture(picture)),
        *(block for video in said.videos for block in _video(video)),
        *(_run(sentence, url) for sentence, url in said.items),
        *([_run(said.note, isSubtle=True)] if said.note else []),
    ]
    return {
        "$schema": "https://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "msteams": {"width": "Full"},
        "fallbackText": said.title,
        "body": body,
        "actions": _actions(said),
    }


def _run(text: str, url: str | None = None, **look: Any) -> dict[str, Any]:
    run: dict[str, Any] = {"type": "TextRun", "text": text, **look}
    if url:
        run["selectAction"] = {"type": "Action.OpenUrl", "url": url}
    return {"type": "RichTextBlock", "inlines": [run]}


def _facts(said: Notice) -> list[dict[str, Any]]:
    facts = [{"title": name, "value": value} for name, value in said.facts]
    return [{"type": "FactSet", "facts": facts}] if facts else []


def _picture(picture: NoticePicture) -> list[dict[str, Any]]:
    if picture.url is None:
        return []
    return [{"type": "Image", "url": picture.url, "altText": picture.shows, "size": "stretch"}]


def _video(video: NoticeVideo) -> list[dict[str, Any]]:
    caption = [_run(video.caption, isSubtle=True)] if video.caption else []
    return [_run(video.line, video.url), *caption]


def _actions(said: Notice) -> list[dict[str, Any]]:
    pages = (
        (said.report_label, said.report),
        ("Open on TikTok", said.url),
        ("Open in tagtide", said.home),
    )
    return [{"type": "Action.OpenUrl", "title": label, "url": url} for label, url in pages if url]
