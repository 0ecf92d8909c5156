"""A notification as an e-mail: a text part and an HTML part, nothing from elsewhere in either."""

from __future__ import annotations

import email.policy
import hashlib
from collections.abc import Sequence
from email.message import EmailMessage
from email.utils import format_datetime
from html import escape

from tagtide.channels.harmless import unlinked
from tagtide.core.messages.notice import Look, Notice, as_text, notice
from tagtide.models import Notification

#: Refuses line ends in headers.
_POLICY = email.policy.SMTP.clone(cte_type="7bit")


def compose(
    notification: Notification, sender: str, recipients: Sequence[str], look: Look
) -> EmailMessage:
    """The message; the same at every attempt, its ``Message-ID`` included."""
    said = notice(notification.payload, look, unlinked)
    letter = EmailMessage(policy=_POLICY)
    letter["From"] = sender
    letter["To"] = ", ".join(recipients)
    letter["Subject"] = said.title
    letter["Date"] = format_datetime(notification.created_at)
    letter["Message-ID"] = message_id(notification.notification_id, sender)
    # No robot should answer.
    letter["Auto-Submitted"] = "auto-generated"
    letter.set_content(as_text(said))
    letter.add_alternative(_html(said), subtype="html")
    return letter


def message_id(notification_id: str, sender: str) -> str:
    """The same for every attempt, so that a mailbox can drop a repeat."""
    mark = hashlib.sha256(notification_id.encode()).hexdigest()[:32]
    return f"<{mark}@{sender.rpartition('@')[2]}>"


def _html(said: Notice) -> str:
    parts = [f"<h1 style='font-size:18px'>{_foreign(said.title)}</h1>"]
    parts += [f"<p>{_foreign(line)}</p>" for line in said.text.splitlines() if line]
    parts += [f"<p>{_foreign(said.explanation)}</p>"] if said.explanation else []
    parts += [_facts(said)] if said.facts else []
    for video in said.videos:
        caption = f"<br><small>{_foreign(video.caption)}</small>" if video.caption else ""
        parts.append(f"<p>{_linked(video.line, video.url)}{caption}</p>")
    parts += [f"<p>{_linked(sentence, url)}</p>" for sentence, url in said.items]
    parts += [f"<p><small>{_foreign(said.note)}</small></p>"] if said.note else []
    pages = (("Open on TikTok", said.url), ("Open in tagtide", said.home))
    links = [_linked(label, url) for label, url in pages if url]
    parts += [f"<p>{' &middot; '.join(links)}</p>"] if links else []
    body = "\n".join(parts)
    return (
        "<!DOCTYPE html>\n<html lang='en'><head><meta charset='utf-8'></head>\n"
        f"<body style='font-family:sans-serif;font-size:14px'>\n{body}\n</body></html>\n"
    )


def _facts(said: Notice) -> str:
    rows = "".join(
        f"<tr><td>{_foreign(name)}</td><td>{_foreign(value)}</td></tr>"
        for name, value in said.facts
    )
    return f"<table cellpadding='4'>{rows}</table>"


def _foreign(text: str) -> str:
    # Letters of another direction must not carry their neighbours along.
    return f"<bdi>{escape(text)}</bdi>"


def _linked(text: str, url: str | None) -> str:
    return f"<a href='{escape(url)}'>{_foreign(text)}</a>" if url else _foreign(text)
