"""A notification as an e-mail: a text part and an HTML part, nothing from elsewhere in either."""

from __future__ import annotations

import email.policy
import hashlib
from collections.abc import Mapping, Sequence
from email.message import EmailMessage
from email.utils import format_datetime
from html import escape
from typing import Any, cast

from tagtide.channels.harmless import unlinked
from tagtide.core.messages.notice import Look, Notice, as_text, notice
from tagtide.models import MessageFile, Notification

_UNSUBSCRIBE = "List-Unsubscribe"


class _Policy(email.policy.EmailPolicy):
    """As for SMTP, but an address in a header is not taken for words that may be broken."""

    def fold_binary(self, name: str, value: Any) -> bytes:
        """A header as it is sent."""
        if name == _UNSUBSCRIBE:
            return f"{name}: {value}{self.linesep}".encode("ascii")
        return super().fold_binary(name, value)


#: Refuses line ends in headers.
_POLICY = _Policy(linesep="\r\n", cte_type="7bit")


def compose(
    notification: Notification, sender: str, recipients: Sequence[str], look: Look
) -> EmailMessage:
    """The message; the same at every attempt, byte for byte, its ``Message-ID`` included."""
    said = notice(notification.payload, look, unlinked)
    identity = message_id(notification.notification_id, sender)
    pictures = [file for file in notification.files if file.shows is not None]
    named = {f"chart-{n}.{identity[1:-1]}": file for n, file in enumerate(pictures, 1)}
    letter = EmailMessage(policy=_POLICY)
    letter["From"] = sender
    letter["To"] = ", ".join(recipients)
    letter["Subject"] = said.title
    letter["Date"] = format_datetime(notification.created_at)
    letter["Message-ID"] = identity
    # No robot should answer.
    letter["Auto-Submitted"] = "auto-generated"
    if said.unsubscribe:
        letter[_UNSUBSCRIBE] = f"<{said.unsubscribe}>"
        if said.unsubscribe.startswith("https:"):
            letter["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    letter.set_content(as_text(said))
    shown = {cid: file.shows or "" for cid, file in named.items()}
    letter.add_alternative(_html(said, shown), subtype="html")
    _add_files(letter, named, [file for file in notification.files if file.shows is None])
    _fix_boundaries(letter, identity)
    return letter


def _add_files(
    letter: EmailMessage, pictures: Mapping[str, MessageFile], files: Sequence[MessageFile]
) -> None:
    """Pictures beside the part that shows them, files beside all of it."""
    page = cast("EmailMessage", letter.get_payload(1))
    for cid, file in pictures.items():
        kind, _, detail = file.media_type.partition("/")
        page.add_related(
            file.content, kind, detail, cid=f"<{cid}>", filename=file.name, disposition="inline"
        )
    for file in files:
        kind, _, detail = file.media_type.partition("/")
        letter.add_attachment(file.content, kind, detail, filename=file.name)


def _fix_boundaries(letter: EmailMessage, identity: str) -> None:
    """What stands between parts, which would otherwise be chance."""
    mark = identity[1:25]
    for number, part in enumerate(letter.walk()):
        if part.is_multipart():
            part.set_boundary(f"=={mark}={number}==")


def message_id(notification_id: str, sender: str) -> str:
    """The same for every attempt, so that a mailbox can drop a repeat."""
    mark = hashlib.sha256(notification_id.encode()).hexdigest()[:32]
    return f"<{mark}@{sender.rpartition('@')[2]}>"


def _html(said: Notice, pictures: Mapping[str, str]) -> str:
    parts = [f"<h1 style='font-size:18px'>{_foreign(said.title)}</h1>"]
    parts += [_WARNING.format(_foreign(warning)) for warning in said.warnings]
    parts += [f"<p>{_foreign(line)}</p>" for line in said.text.splitlines() if line]
    parts += [f"<p>{_foreign(said.explanation)}</p>"] if said.explanation else []
    parts += [_facts(said)] if said.facts else []
    parts += [_picture(cid, shows) for cid, shows in pictures.items()]
    for video in said.videos:
        caption = f"<br><small>{_foreign(video.caption)}</small>" if video.caption else ""
        parts.append(f"<p>{_linked(video.line, video.url)}{caption}</p>")
    parts += [f"<p>{_linked(sentence, url)}</p>" for sentence, url in said.items]
    parts += [f"<p><small>{_foreign(said.note)}</small></p>"] if said.note else []
    pages = (
        (said.report_label, said.report),
        ("Open on TikTok", said.url),
        ("Open in tagtide", said.home),
        (said.unsubscribe_label, said.unsubscribe),
    )
    links = [_linked(label, url) for label, url in pages if url]
    parts += [f"<p>{' &middot; '.join(links)}</p>"] if links else []
    body = "\n".join(parts)
    return (
        f"<!DOCTYPE html>\n<html lang='{escape(said.language)}'>"
        "<head><meta charset='utf-8'></head>\n"
        f"<body style='font-family:sans-serif;font-size:14px'>\n{body}\n</body></html>\n"
    )


_BESIDE_A_BAR = "border-left:3px solid #b45309;padding:2px 10px;margin:10px 0;font-weight:bold"
_WARNING = f"<p style='{_BESIDE_A_BAR}'>{{}}</p>"


def _picture(cid: str, shows: str) -> str:
    return (
        f"<p>{_foreign(unlinked(shows))}<br>"
        f"<img src='cid:{escape(cid)}' alt='{escape(unlinked(shows))}' width='680' "
        "style='max-width:100%;height:auto'></p>"
    )


def _figures(said: Notice) -> str:
    rows = "".join(
        f"<tr><td>{_foreign(one.label)}</td><td style='font-weight:bold'>{_foreign(one.value)}</td>"
        f"<td>{_foreign(one.change)}</td><td style='color:#57606a'>{_foreign(one.note)}</td></tr>"
        for one in said.figures
    )
    return f"<table cellpadding='4'>{rows}</table>"


def _facts(said: Notice) -> str:
    if said.figures:
        return _figures(said)
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
