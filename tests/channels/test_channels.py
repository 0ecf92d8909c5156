"""Webhook and Slack against a real receiver: what is sent, and what each answer means."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import time
import traceback
from datetime import UTC, datetime, timedelta

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from tagtide.channels import posting
from tagtide.channels.harmless import without_markup
from tagtide.channels.slack import SlackChannel
from tagtide.channels.slack.blocks import message
from tagtide.channels.teams import TeamsChannel, card
from tagtide.channels.webhook import MAX_PAYLOAD, WebhookChannel, encode
from tagtide.clock import SimulatedClock, SystemClock
from tagtide.core.messages.notice import Look
from tagtide.core.messages.template import parse_template
from tagtide.errors import ConfigError, DeliveryError, InvalidInput

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
SECRET = "whsec_" + base64.b64encode(b"0123456789abcdef0123456789abcdef").decode()
HIDDEN = ("do-not-tell", "127.0.0.1", SECRET)


def webhook(url, secret=SECRET):
    return WebhookChannel(name="team", url=url, secret=secret, clock=SystemClock())


def slack(url):
    return SlackChannel(name="team", url=url, clock=SystemClock())


def teams(url):
    return TeamsChannel(name="team", url=url, clock=SystemClock())


def answering(status, *headers, body=b"ok"):
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


OUTCOMES = [
    (200, (), None),
    (204, (), None),
    (301, ("Location: http://127.0.0.1:1/",), (False, None)),
    (307, ("Location: /x",), (False, None)),
    (400, (), (False, None)),
    (401, (), (False, None)),
    (410, (), (True, None)),
    (429, ("Retry-After: 30",), (False, 30.0)),
    (429, ("Retry-After: 999999",), (False, 3600.0)),
    (429, ("Retry-After: soon",), (False, None)),
    (429, (), (False, None)),
    (500, (), (False, None)),
    (503, ("Retry-After: 5",), (False, 5.0)),
]


@pytest.mark.parametrize("make", [webhook, slack, teams])
@pytest.mark.parametrize(("status", "headers", "expected"), OUTCOMES)
def test_what_an_answer_means(send, notify, payload, make, status, headers, expected):
    answer = answering(status, *headers) if status != 204 else b"HTTP/1.1 204 X\r\n\r\n"
    receiver, error = send(make, notify(payload), answer)
    assert len(receiver.seen) == 1
    if expected is None:
        assert error is None
        return
    assert type(error) is DeliveryError
    assert (error.permanent, error.retry_after) == expected


def test_404_is_final_where_the_service_says_so(send, notify, payload):
    for make in (slack, teams):
        _, error = send(make, notify(payload), answering(404, body=b"no_service"))
        assert error.permanent
    _, error = send(webhook, notify(payload), answering(404))
    assert not error.permanent


def test_a_webhook_can_be_verified(send, notify, payload):
    receiver, error = send(webhook, notify(payload), answering(200), times=2)
    assert error is None
    for headers, body in receiver.seen:
        assert Webhook(SECRET).verify(body, headers) == payload
        assert headers["webhook-id"] == "msg_1"
        assert headers["content-type"] == "application/json"


def test_while_a_secret_is_changed_both_the_old_and_the_new_verify(send, notify, payload):
    old = "whsec_" + base64.b64encode(b"f" * 32).decode()
    make = lambda url: WebhookChannel(  # noqa: E731
        "team", url, clock=SystemClock(), secret=SECRET, previous_secret=old
    )
    receiver, _ = send(make, notify(payload), answering(200))
    headers, body = receiver.seen[0]
    for secret in (SECRET, old):
        assert Webhook(secret).verify(body, headers) == payload
    with pytest.raises(WebhookVerificationError):
        Webhook("whsec_" + base64.b64encode(b"x" * 32).decode()).verify(body, headers)


def test_a_webhook_without_a_secret_still_names_the_message(send, notify, payload):
    receiver, _ = send(lambda url: webhook(url, None), notify(payload), answering(200))
    headers, body = receiver.seen[0]
    assert headers["webhook-id"] == "msg_1"
    assert "webhook-signature" not in headers
    assert json.loads(body) == payload


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_***", "not base64!", "whsec_ä"])
def test_a_secret_that_is_none_is_refused_without_being_told(secret):
    with pytest.raises(ConfigError) as caught:
        webhook("https://example.com/", secret)
    assert not secret or secret not in str(caught.value) + caught.value.hint.replace("whsec_", "")


@pytest.mark.parametrize("make", [webhook, slack, teams])
@pytest.mark.parametrize("url", ["http://example.com/x", "https://10.0.0.1/x", "https://u@e.com/"])
def test_addresses_that_are_refused(make, url):
    with pytest.raises(InvalidInput):
        make(url)


# --- receivers that misbehave ---------------------------------------------------------------------


async def _silent(_):
    await asyncio.sleep(30)


async def _reset(writer):
    writer.transport.abort()


async def _drip(writer):
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    for _ in range(300):
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.05)


async def _not_http(writer):
    writer.write(b"SSH-2.0-x\r\n\r\n")
    writer.close()


@pytest.mark.parametrize("answer", [_silent, _reset, _not_http])
def test_a_bad_receiver_is_tried_again_later(send, notify, payload, answer, monkeypatch):
    monkeypatch.setattr(posting, "TOTAL_SECONDS", 0.4)
    started = time.monotonic()
    _, error = send(webhook, notify(payload), answer)
    assert type(error) is DeliveryError
    assert not error.permanent
    assert time.monotonic() - started < 3


def test_the_status_decides_and_a_slow_body_is_left(send, notify, payload, monkeypatch):
    monkeypatch.setattr(posting, "DRAIN_SECONDS", 0.2)
    started = time.monotonic()
    _, error = send(webhook, notify(payload), _drip)
    assert error is None
    assert time.monotonic() - started < 3


def test_a_long_answer_is_not_read_to_its_end(send, notify, payload):
    written = 0

    async def endless(writer):
        nonlocal written
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 999999999\r\n\r\n")
        for _ in range(2_000):
            writer.write(b" " * 65_536)
            await writer.drain()
            written += 65_536

    _, error = send(webhook, notify(payload), endless)
    assert error is None
    assert written < 32 * 2**20


def test_a_closed_port(notify, payload):
    async def go():
        server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        server.close()
        await server.wait_closed()
        await slack(f"http://127.0.0.1:{port}/do-not-tell").send(notify(payload))

    with pytest.raises(DeliveryError) as caught:
        asyncio.run(go())
    assert not caught.value.permanent
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("make", [webhook, slack, teams])
@pytest.mark.parametrize(
    "answer", [answering(302), answering(500), answering(410), _reset, _not_http]
)
def test_address_and_secret_stand_in_no_error_and_no_log(
    send, notify, payload, make, answer, caplog
):
    caplog.set_level(logging.DEBUG)
    _, error = send(make, notify(payload), answer)
    told = "".join(traceback.format_exception(error)) + repr(vars(error)) + caplog.text
    told += error.hint + repr(make("https://example.com/do-not-tell"))
    assert not any(word in told for word in HIDDEN)


WAITS = [
    ("10", 10.0),
    ("-1", 0.0),
    ("inf", None),
    ("nan", None),
    ("", None),
    ("Fri, 20 Nov 2026 12:01:00 GMT", 60.0),
    ("Fri, 20 Nov 2026 11:00:00 GMT", 0.0),
    ("Fri, 20 Nov 2037 12:01:00 GMT", 3600.0),
    (None, None),
]


@pytest.mark.parametrize(("value", "wait"), WAITS)
def test_retry_after(value, wait):
    assert posting.retry_after(value, NOW) == wait


# --- payloads -------------------------------------------------------------------------------------


def test_a_long_payload_loses_videos_first(payload):
    for video in payload["alert"]["top_videos"]:
        video["caption"] = "x" * 6_000
    content = encode(payload)
    assert len(content) <= MAX_PAYLOAD
    assert len(json.loads(content)["alert"]["top_videos"]) == 3
    assert len(payload["alert"]["top_videos"]) == 5


def test_a_long_digest_loses_items_and_says_how_many(payload):
    alert = payload["alert"] | {"top_videos": [], "reason": "x" * 900}
    content = encode({"type": "digest", "items": [alert] * 40, "more": 2})
    assert len(content) <= MAX_PAYLOAD
    sent = json.loads(content)
    assert len(sent["items"]) > 5
    assert len(sent["items"]) + sent["more"] == 42


def test_an_explanation_too_long_to_be_sent_keeps_its_sentence(payload):
    explanation = {"sentence": "One video made it.", "shares": ["x" * 30_000]}
    payload["alert"]["explanation"] = explanation
    sent = json.loads(encode(payload))
    assert sent["alert"]["explanation"] == {"sentence": "One video made it."}


def test_what_is_too_large_for_a_receiver_is_said_and_not_sent_again(send, notify, payload):
    receiver, error = send(webhook, notify(payload), answering(413))
    assert len(receiver.seen) == 1
    assert (error.too_large, error.refused, error.permanent) == (True, True, False)


@pytest.mark.parametrize("bad", [{"x": "y" * 30_000}, {"x": float("nan")}, {"x": object()}])
def test_a_payload_that_cannot_be_sent_is_given_up(bad):
    with pytest.raises(DeliveryError) as caught:
        encode(bad)
    assert caught.value.permanent


def test_the_signature_uses_the_clock_port(send, notify, payload):
    clock = SimulatedClock(NOW + timedelta(days=3))
    channel = lambda url: WebhookChannel(name="t", url=url, secret=SECRET, clock=clock)  # noqa: E731
    receiver, _ = send(channel, notify(payload), answering(200))
    assert receiver.seen[0][0]["webhook-timestamp"] == str(int(clock.now().timestamp()))


# --- Slack's blocks -------------------------------------------------------------------------------

HOSTILE = [
    "<!channel> free stuff",
    "<https://evil.example|Click>",
    "<@U123> <#C123>",
    "@here @everyone #general !here",
    "*bold* _it_ ~s~ `code` ```x```",
    "&lt;!channel&gt;",
    ":skull: :siren:",
    "\u202eevil\x00\x1b[31m",
    "line\nline\r\u2028line",
    "x" * 10_000,
    "a" + "\u0301" * 5_000,
    "<" * 5_000,
    "&" * 5_000,
    None,
    5,
    ["x"],
]


def texts(node):
    """(type, text) of every text object in a message."""
    if isinstance(node, dict):
        if node.get("type") in {"mrkdwn", "plain_text"}:
            yield node["type"], node["text"]
        for value in node.values():
            yield from texts(value)
    elif isinstance(node, list):
        for value in node:
            yield from texts(value)


def buttons(node):
    """Every button of a message."""
    if isinstance(node, dict):
        if node.get("type") == "button":
            yield node
        for value in node.values():
            yield from buttons(value)
    elif isinstance(node, list):
        for value in node:
            yield from buttons(value)


@pytest.mark.parametrize("text", HOSTILE)
def test_strangers_text_is_harmless_and_within_limits(payload, text):
    alert = payload["alert"]
    alert |= {"campaign": text, "hashtag": text, "reason": text, "url": text}
    for video in alert["top_videos"]:
        video |= {"author_username": text, "caption": text, "url": text, "view_count": text}
    sent = message(payload)
    assert len(sent["blocks"]) <= 50
    assert len(json.dumps(sent)) < 100_000
    for kind, shown in [*texts(sent["blocks"]), ("mrkdwn", sent["text"])]:
        assert 0 < len(shown) <= 3_000
        if kind == "mrkdwn":
            assert "<" not in shown
            assert not any(f"{sign}{word}" in shown for sign in "@#!" for word in "hecgU")
            assert "*b" not in shown
            assert ":s" not in shown
    for block in sent["blocks"]:
        if block["type"] == "header":
            assert len(block["text"]["text"]) <= 150


def test_only_pages_on_tiktok_become_links(payload):
    links = [button["url"] for button in buttons(message(payload))]
    assert len(links) == 4
    assert all(link.startswith("https://www.tiktok.com/") for link in links)
    for url in (
        "https://www.tiktok.com.evil.example/",
        "https://www.tiktok.com/@a|b",
        "https://www.tiktok.com/>x",
        "javascript:1",
        "https://www.tiktok.com/a b",
        "https://www.tiktok.com/a\n",
    ):
        payload["alert"]["url"] = url
        assert url not in json.dumps(message(payload))


def test_a_message_says_what_matters(payload):
    shown = json.dumps(message(payload), ensure_ascii=False)
    for fact in ("Alert: #tidal", "312 new videos in 6.1 h", "New videos: 312", "48.2 k", "Summer"):
        assert fact in shown
    assert shown.count("Low tide") == 3


@pytest.mark.parametrize("alert", [{}, {"top_videos": None}, {"top_videos": [None, 5, {}]}])
def test_anything_may_be_missing(alert):
    assert message({"type": "alert.resolved", "alert": alert})["blocks"]
    assert message({"alert": alert, "type": None})["text"]


@pytest.mark.parametrize("payload", [{}, {"alert": None}, {"text": "A test", "type": "test"}])
def test_a_message_that_is_no_alert(payload):
    sent = message(payload)
    assert sent["blocks"]
    assert sent["text"]


@pytest.mark.parametrize("value", [float("inf"), float("nan"), True, "5", None, []])
def test_numbers_that_are_none_are_left_out(payload, value):
    payload["alert"] |= {"new_videos": value, "views_per_hour": value, "elapsed_hours": value}
    assert "New videos" not in json.dumps(message(payload))


def test_words_in_the_line_that_slack_reads_as_markup():
    assert without_markup("a < b & c") == "a ‹ b ＆ c"
    assert without_markup("@here") == "＠here"
    assert without_markup("14:05, 48.2 k (5 %)") == "14:05, 48.2 k (5 %)"


def test_a_link_to_our_own_pages_only_when_there_are_any(payload):
    assert [b["text"]["text"] for b in buttons(message(payload))][-1] == "Open on TikTok"
    shown = list(buttons(message(payload, Look(home="https://tagtide.example/"))))
    assert shown[-1]["url"] == "https://tagtide.example/"


# --- a card for Teams -----------------------------------------------------------------------------


def test_a_card_says_what_matters(send, notify, payload):
    receiver, error = send(teams, notify(payload), b"HTTP/1.1 202 X\r\nContent-Length: 0\r\n\r\n")
    assert error is None
    sent = json.loads(receiver.seen[0][1])
    assert sent["type"] == "message"
    (attachment,) = sent["attachments"]
    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    shown = json.dumps(attachment["content"], ensure_ascii=False)
    for fact in ("Alert: #tidal", "312 new videos in 6.1 h", "48.2 k", "Summer", "Low tide 0"):
        assert fact in shown
    (action,) = attachment["content"]["actions"]
    assert action["url"] == "https://www.tiktok.com/tag/tidal"


def test_a_digest_fits_into_a_card(payload):
    alert = payload["alert"] | {"top_videos": [], "reason": "\U0001f600" * 900}
    content = card.encode({"type": "digest", "items": [alert] * 15, "more": 0})
    assert len(content) <= 28_000
    shown = content.decode()
    assert shown.count("Firing") >= 8
    assert "more in: tagtide alerts list" in shown


def test_a_title_of_ones_own_that_comes_out_empty_is_ours(payload):
    look = Look(title=parse_template(" \n "))
    assert message(payload, look)["blocks"][0]["text"]["text"] == "Alert: #tidal"
