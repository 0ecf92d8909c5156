"""Strangers' words through every channel: nothing live, and everything still readable."""

from __future__ import annotations

import asyncio
import json
import re
import unicodedata
from collections.abc import Callable, Iterator
from email import message_from_bytes
from email.policy import default as modern
from html.parser import HTMLParser
from typing import Any
from unittest import mock

import pytest
from hostile_corpus import HOSTILE

from tagtide.channels import apprise as apprise_channel
from tagtide.channels import email as mail
from tagtide.channels import harmless
from tagtide.channels.apprise import AppriseChannel
from tagtide.channels.email import letter
from tagtide.channels.email.letter import compose
from tagtide.channels.slack import blocks
from tagtide.channels.teams import card
from tagtide.channels.webhook import encode
from tagtide.core.formats import clean_text
from tagtide.core.messages.notice import Look
from tagtide.core.messages.template import parse_template

ZERO_WIDTH = "\u200b"
CUSTOM = Look(
    title=parse_template("{kind}: {hashtag} of {campaign}"),
    text=parse_template("{reason} {explanation} by {top_creator}\n{url}"),
)
LOOKS = [Look(), CUSTOM]


def alert_with(text: str) -> dict[str, Any]:
    """The same hostile text in every place that holds words."""
    video = {"video_id": "7", "author_username": text, "view_count": 5, "url": text}
    return {
        "version": 1,
        "type": "alert.firing",
        "alert": {
            "alert_id": text,
            "rule": text,
            "campaign": text,
            "timezone": text,
            "hashtag": text,
            "video_id": "7",
            "state": text,
            "value": 3.0,
            "threshold": 2.0,
            "reason": text,
            "explanation": {"sentence": text},
            "url": text,
            "opened_at": text,
            "top_videos": [{**video, "caption": text}],
        },
    }


def others_with(text: str) -> Iterator[dict[str, Any]]:
    items = [alert_with(text)["alert"]] * 3
    period = {"since": text, "until": text}
    yield {"type": "digest", "campaign": text, "items": items, "more": 2, "period": period}
    yield {"type": "self.firing", "condition": text, "message": text, "hint": text}
    yield {"type": "test", "channel": text, "text": text}
    figure = dict.fromkeys(("label", "value", "change", "note"), text)
    yield {
        "type": "report",
        "campaign": text,
        "kind": text,
        "title": text,
        "sentence": text,
        "figures": [figure, figure],
        "missing": [text, text],
        "url": text,
        "charts": [{"title": text, "url": text}],
        "attachments": [{"name": text, "media_type": text, "size": text}],
        "unsubscribe": text,
    }


def letters(text: str) -> str:
    """What a person reads of a text."""
    return "".join(c for c in unicodedata.normalize("NFKC", text) if c.isalnum())


# --- what is live ---------------------------------------------------------------------------------

_LINK = re.compile(
    r"[A-Za-z][\w+.-]*:[^\s\u200b]|//|\w@\w|[\w-]\.[^\W\d_]{2,}|www\.\w", re.IGNORECASE
)
_OUR_LINK = re.compile(r"https://www\.tiktok\.com/[\w@/.%-]*")
_SIGNS = re.compile(r"[<>&*_~`|\\\[\]@]|#\w|!\w|:[A-Za-z_+-]|^(?:[-+=#]|\d+[.)])", re.MULTILINE)


def hidden_signs(text: str) -> list[str]:
    """Controls, marks of direction and the like; line ends and our zero-width space are ours."""
    odd = {"Cc", "Cf", "Co", "Cs", "Zl", "Zp"}
    return [c for c in text if unicodedata.category(c) in odd and c not in {"\n", ZERO_WIDTH}]


def live_in_plain(text: str) -> list[str]:
    return _LINK.findall(_OUR_LINK.sub("", text)) + hidden_signs(text)


def live_in_markup(text: str, ours: tuple[str, ...] = ()) -> list[str]:
    for words in ours:
        text = text.replace(words, "")
    text = _OUR_LINK.sub("", text)
    return _SIGNS.findall(text) + live_in_plain(text)


def strings(node: Any, *, but: tuple[str, ...] = ()) -> Iterator[str]:
    if isinstance(node, str):
        yield node
    elif isinstance(node, dict):
        for key, value in node.items():
            if key not in but:
                yield from strings(value, but=but)
    elif isinstance(node, list):
        for value in node:
            yield from strings(value, but=but)


# --- the channels ---------------------------------------------------------------------------------


def slack_live(payload: dict[str, Any], look: Look) -> tuple[list[str], str]:
    sent = json.loads(json.dumps(blocks.message(payload, look)))
    kinds = {block["type"] for block in sent["blocks"]}
    assert kinds <= {"header", "section", "context", "actions"}
    live = live_in_markup(sent["text"], ("Alert: #",))
    found = list(_slack_texts(sent["blocks"]))
    live += [kind for kind, _ in found if kind != "plain_text"]
    for _, text in found:
        live += live_in_plain(text.removeprefix("Alert: "))
        assert 0 < len(text) <= 3_000
    assert len(sent["blocks"]) <= 50
    urls = [b["url"] for b in _nodes(sent, "url")]
    live += [url for url in urls if not _OUR_LINK.fullmatch(url)]
    return live, "\n".join(text for _, text in found)


def _slack_texts(node: Any) -> Iterator[tuple[str, str]]:
    for found in _nodes(node, "text"):
        if isinstance(found["text"], str):
            yield found["type"], found["text"]


def _nodes(node: Any, key: str) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        if key in node:
            yield node
        for value in node.values():
            yield from _nodes(value, key)
    elif isinstance(node, list):
        for value in node:
            yield from _nodes(value, key)


def teams_live(payload: dict[str, Any], look: Look) -> tuple[list[str], str]:
    sent = json.loads(card.encode(payload, look))
    content = sent["attachments"][0]["content"]
    assert {block["type"] for block in content["body"]} <= {"RichTextBlock", "FactSet"}
    assert "entities" not in content["msteams"]
    texts = [
        *strings(content["body"], but=("type", "size", "weight", "url")),
        content["fallbackText"],
    ]
    live = [sign for text in texts for sign in live_in_markup(text, ("Alert: #", ", #"))]
    urls = [found["url"] for found in _nodes(content, "url")]
    live += [url for url in urls if not _OUR_LINK.fullmatch(url)]
    assert len(json.dumps(sent)) < 28_000
    return live, "\n".join(texts)


class _Page(HTMLParser):
    """Tags, attributes and words of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, list[tuple[str, str | None]]]] = []
        self.words: list[str] = []
        self.other: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, attrs))

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    def handle_comment(self, data: str) -> None:
        self.other.append(data)

    def unknown_decl(self, data: str) -> None:
        self.other.append(data)


_TAGS = {"html", "head", "meta", "body", "h1", "p", "table", "tr", "td", "bdi", "br", "small", "a"}
_HEADERS = {"from", "to", "subject", "date", "message-id", "auto-submitted", "mime-version"}


def mail_live(payload: dict[str, Any], look: Look, notify: Any) -> tuple[list[str], str]:
    made = compose(notify(payload), "tagtide@ours.test", ["ana@ours.test", "ben@ours.test"], look)
    received = message_from_bytes(made.as_bytes(), policy=modern)
    live = [name for name in received if name.lower() not in {*_HEADERS, "content-type"}]
    assert len(received.keys()) == len({name.lower() for name in received})
    assert received["to"].addresses[0].addr_spec == "ana@ours.test"
    assert len(received["to"].addresses) == 2
    text_part, html_part = received.iter_parts()
    text = text_part.get_content().replace("\r\n", "\n")
    subject = str(received["subject"])
    live += live_in_plain(text) + live_in_plain(subject.removeprefix("Alert: "))
    page = _Page()
    page.feed(html_part.get_content().replace("\r\n", "\n"))
    live += [*page.other, *(tag for tag, _ in page.tags if tag not in _TAGS)]
    for tag, attributes in page.tags:
        for name, value in attributes:
            if name == "href" and not _OUR_LINK.fullmatch(value or ""):
                live.append(str(value))
            if name not in {"href", "style", "charset", "lang", "cellpadding"}:
                live.append(f"{tag} {name}")
    live += live_in_plain(" ".join(page.words).replace("Alert: ", ""))
    return live, f"{subject}\n{text}"


def apprise_live(payload: dict[str, Any], look: Look, notify: Any) -> tuple[list[str], str]:
    tasks = []

    async def run(task: bytes) -> int:
        tasks.append(json.loads(task))
        return apprise_channel.SENT

    with mock.patch.object(apprise_channel, "_run", run):
        channel = AppriseChannel("x", "discord://id/token", look=look)
        asyncio.run(channel.send(notify(payload)))
    (task,) = tasks
    live = live_in_markup(task["title"], ("Alert: #", "Digest: ")) + live_in_markup(
        _ours_taken_out(task["body"])
    )
    return live, f"{task['title']}\n{task['body']}"


def _ours_taken_out(body: str) -> str:
    """The body without the punctuation that is our own."""
    return re.sub(r"^(Firing|Pending|Resolved|Alert), #", "", body, flags=re.MULTILINE)


Channel = Callable[[dict[str, Any], Look], tuple[list[str], str]]


@pytest.fixture(params=["slack", "teams", "mail", "apprise"])
def channel(request: pytest.FixtureRequest, notify: Any) -> Channel:
    if request.param in {"slack", "teams"}:
        return {"slack": slack_live, "teams": teams_live}[request.param]
    made = {"mail": mail_live, "apprise": apprise_live}[request.param]
    return lambda payload, look: made(payload, look, notify)


def test_the_corpus_is_large() -> None:
    assert len(HOSTILE) >= 200


@pytest.mark.parametrize("look", LOOKS, ids=["ours", "theirs"])
def test_nothing_is_live_and_all_is_readable(channel: Channel, look: Look) -> None:
    failed = []
    for text in HOSTILE:
        live, shown = channel(alert_with(text), look)
        if live:
            failed.append((text, live))
        wanted = letters(clean_text(text, 50).removesuffix("…"))
        assert wanted in letters(shown), (text, shown)
    assert failed == []


def test_nothing_is_live_in_digests_and_messages_about_tagtide(channel: Channel) -> None:
    failed = []
    for text in HOSTILE[::2]:
        for payload in others_with(text):
            live, _ = channel(payload, Look())
            if live:
                failed.append((payload["type"], text, live))
    assert failed == []


def test_a_webhook_gets_the_words_as_they_are() -> None:
    for text in HOSTILE:
        if "\ud800" in text or len(text) > 1_000:
            continue
        payload = alert_with(text)
        assert json.loads(encode(payload)) == payload


@pytest.mark.parametrize("name", ["slack", "teams", "mail", "apprise"])
def test_without_the_precautions_the_same_words_are_live(
    name: str, monkeypatch: pytest.MonkeyPatch, notify: Any
) -> None:
    """The corpus and the looks at it are worth something."""
    for module in (blocks, card, letter, apprise_channel, harmless, mail):
        for function in ("unlinked", "without_markup"):
            if hasattr(module, function):
                monkeypatch.setattr(module, function, lambda text: text)
    monkeypatch.setattr(letter, "escape", lambda text: text)
    made: dict[str, Channel] = {
        "slack": slack_live,
        "teams": teams_live,
        "mail": lambda p, look: mail_live(p, look, notify),
        "apprise": lambda p, look: apprise_live(p, look, notify),
    }
    live = [text for text in HOSTILE[:120] if made[name](alert_with(text), Look())[0]]
    assert len(live) > 50


# --- Apprise's own translation --------------------------------------------------------------------


def posted_by_apprise(url: str, body: str) -> str:
    """What a plugin of Apprise would send, asked as our sender asks."""
    import apprise

    with mock.patch("requests.request") as request, mock.patch("requests.post") as post:
        for call in (request, post):
            call.return_value = mock.Mock(status_code=200, content=b"ok", text="ok", headers={})
        plugin = apprise.Apprise.instantiate(url)
        plugin.request_rate_per_sec = 0
        server = apprise.Apprise(asset=apprise.AppriseAsset(async_mode=False))
        server.add(plugin)
        assert server.notify(body=body, body_format=apprise.NotifyFormat.TEXT)
        return json.dumps([str(c) for call in (request, post) for c in call.call_args_list])


PLUGINS = (
    "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/",
    "discord://4174216298/JHMHI8qBe7bk2ZwO5U711o3dV_js",
)
TOKENS = re.compile(r"<!|<@|<#|<http|@everyone|@here")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("url", PLUGINS)
def test_not_even_apprise_makes_our_words_live_again(url: str) -> None:
    for text in HOSTILE[:60]:
        word = harmless.without_markup(clean_text(text, 300))
        assert not TOKENS.search(posted_by_apprise(url, f"x {word}"))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_apprise_passes_raw_words_on() -> None:
    assert TOKENS.search(posted_by_apprise(PLUGINS[1], "<@123> @everyone"))
