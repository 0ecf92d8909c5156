"""E-mail against a real server: what arrives, and what each way of misbehaving means."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
import traceback
from email import message_from_bytes
from email.policy import default as modern
from typing import Any

import pytest

from mail_server import STAGES, Authority, MailServer, serving
from tagtide.channels import email as mail
from tagtide.channels.email import EmailChannel
from tagtide.core.messages.notice import Look
from tagtide.errors import ConfigError, DeliveryError, Fault, InvalidInput, TagtideError

PASSWORD = "c4n4ry-password"
TO = ["ana@ours.test", "ben@ours.test"]


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


def channel(server: MailServer, authority: Authority, **options: Any) -> EmailChannel:
    settings: dict[str, Any] = {
        "sender": "tagtide@ours.test",
        "recipients": TO,
        "port": server.port,
        "username": "tagtide",
        "password": PASSWORD,
        "context": authority.client(),
    }
    return EmailChannel("mail", options.pop("host", "localhost"), **settings | options)


def deliver(
    server: MailServer, authority: Authority, note: Any, times: int = 1, **options: Any
) -> DeliveryError | None:
    """Send through a server that behaves so; the last error, or None."""

    async def main() -> DeliveryError | None:
        async with serving(server):
            sender = channel(server, authority, **options)
            error = None
            for _ in range(times):
                try:
                    await sender.send(note)
                    error = None
                except DeliveryError as raised:
                    error = raised
            await sender.aclose()
            return error

    return asyncio.run(main())


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_letter_arrives_encrypted_with_both_parts(
    security: Any, authority: Authority, notify: Any, payload: Any
) -> None:
    server = MailServer(tls=authority.server(), implicit=security == "tls")
    assert deliver(server, authority, notify(payload), security=security) is None
    (letter,) = server.letters
    assert (letter.encrypted, letter.user) == (True, "tagtide")
    assert (letter.sender, letter.recipients) == ("tagtide@ours.test", TO)
    received = message_from_bytes(letter.content, policy=modern)
    assert received["subject"] == "Alert: #tidal"
    assert received["from"] == "tagtide@ours.test"
    assert received["auto-submitted"] == "auto-generated"
    text, html = (part.get_content() for part in received.iter_parts())
    for part in (text, html):
        for fact in ("312 new videos in 6.1 h", "48.2 k", "Low tide 0", "20 Nov 2026, 12:00 (UTC)"):
            assert fact in part
        assert "https://www.tiktok.com/tag/tidal" in part
    assert "<img" not in html
    assert "src=" not in html


def test_to_this_machine_it_may_go_in_clear_and_without_a_login(
    authority: Authority, notify: Any, payload: Any
) -> None:
    server = MailServer(offers=())
    options: dict[str, Any] = {"security": "none", "username": None, "password": None}
    assert deliver(server, authority, notify(payload), **options) is None
    assert (server.letters[0].encrypted, server.letters[0].user) == (False, None)


def test_a_repeat_has_the_same_message_id(authority: Authority, notify: Any, payload: Any) -> None:
    server = MailServer(tls=authority.server())
    assert deliver(server, authority, notify(payload), times=2) is None
    first, second = (message_from_bytes(letter.content, policy=modern) for letter in server.letters)
    assert first["message-id"] == second["message-id"]
    assert first["message-id"].endswith("@ours.test>")
    assert first["date"] == second["date"]


def test_a_long_way_out_of_a_report_is_not_broken(authority: Authority, notify: Any) -> None:
    home = f"https://tagtide.example.com/{'a-long-path/' * 20}"
    way_out = f"{home}unsubscribe/{'0' * 32}"
    report = {"type": "report", "title": "Daily", "sentence": "x", "unsubscribe": way_out}
    server = MailServer(tls=authority.server())
    assert deliver(server, authority, notify(report), look=Look(home=home)) is None
    assert f"List-Unsubscribe: <{way_out}>\r\n".encode() in server.letters[0].content


def test_a_dot_alone_does_not_end_a_letter(authority: Authority, notify: Any, payload: Any) -> None:
    payload["alert"]["reason"] = "."
    look = Look()
    server = MailServer(tls=authority.server())
    assert deliver(server, authority, notify(payload), look=look) is None
    assert len(server.letters) == 1
    assert b"Low tide" in server.letters[0].content


# --- who is who -----------------------------------------------------------------------------------


def test_a_certificate_for_another_name_is_refused_before_the_password(
    authority: Authority, notify: Any, payload: Any
) -> None:
    for security in ("starttls", "tls"):
        tls = authority.server("other.test")
        server = MailServer(tls=tls, implicit=security == "tls")
        error = deliver(server, authority, notify(payload), security=security)
        assert error is not None
        assert error.fault is Fault.CERTIFICATE
        assert not any(b"AUTH" in line for line in server.heard)


def test_a_certificate_of_nobody_known_is_refused(
    authority: Authority, notify: Any, payload: Any
) -> None:
    server = MailServer(tls=Authority().server())
    error = deliver(server, authority, notify(payload))
    assert error is not None
    assert error.fault is Fault.CERTIFICATE


def test_no_password_without_tls(authority: Authority, notify: Any, payload: Any) -> None:
    """A server, or someone on the way to it, that takes STARTTLS out of its offers."""
    server = MailServer(offers=("AUTH PLAIN",))
    error = deliver(server, authority, notify(payload))
    assert error is not None
    assert error.refused
    assert not any(b"AUTH" in line or b"MAIL" in line for line in server.heard)


def test_a_wrong_password(authority: Authority, notify: Any, payload: Any) -> None:
    server = MailServer(tls=authority.server(), users={})
    error = deliver(server, authority, notify(payload))
    assert error is not None
    assert (error.fault, error.refused) == (Fault.LOGIN, True)
    assert PASSWORD not in "".join(traceback.format_exception(error))


def test_letters_that_smtp_cannot_carry(authority: Authority, notify: Any, payload: Any) -> None:
    server = MailServer(tls=authority.server())
    error = deliver(server, authority, notify(payload), password="pässwörd")
    assert error is not None


# --- servers that misbehave -----------------------------------------------------------------------


async def _silent(_: asyncio.StreamWriter) -> None:
    await asyncio.sleep(30)


async def _reset(writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()


async def _drip(writer: asyncio.StreamWriter) -> None:
    while True:
        writer.write(b"2")
        await writer.drain()
        await asyncio.sleep(0.05)


async def _endless(writer: asyncio.StreamWriter) -> None:
    while True:
        writer.write(b"250-" + b"x" * 200 + b"\r\n")
        await writer.drain()


@pytest.mark.parametrize("stage", [s for s in STAGES if s != "QUIT"])
@pytest.mark.parametrize("way", [_silent, _reset, _drip, _endless])
def test_a_server_that_hangs_or_talks_without_end(
    stage: str, way: Any, authority: Authority, notify: Any, payload: Any, monkeypatch: Any
) -> None:
    monkeypatch.setattr(mail, "TOTAL_SECONDS", 0.6)
    server = MailServer(tls=authority.server(), instead={stage: way})
    started = time.monotonic()
    error = deliver(server, authority, notify(payload))
    assert time.monotonic() - started < 5
    assert error is not None
    assert not error.permanent
    assert error.fault in {Fault.TIMEOUT, Fault.UNREACHABLE}
    assert server.letters == []
    _no_thread_left()


def _no_thread_left() -> None:
    deadline = time.monotonic() + 3
    while [t for t in threading.enumerate() if t.name.startswith("mail")]:
        assert time.monotonic() < deadline, "a thread is still held"
        time.sleep(0.02)


def test_the_deadline_is_fifteen_seconds() -> None:
    assert mail.TOTAL_SECONDS == 15.0


@pytest.mark.parametrize("way", [_silent, _reset, _drip, _endless, b"421 sorry", b"junk"])
def test_what_is_accepted_is_not_sent_again_for_a_bad_farewell(
    way: Any, authority: Authority, notify: Any, payload: Any, monkeypatch: Any
) -> None:
    monkeypatch.setattr(mail, "TOTAL_SECONDS", 0.8)
    server = MailServer(tls=authority.server(), instead={"QUIT": way})
    assert deliver(server, authority, notify(payload)) is None
    assert len(server.letters) == 1


ANSWERS = [
    ("greeting", b"421 busy", Fault.BUSY, False),
    ("greeting", b"554 go away", Fault.REFUSED, True),
    ("greeting", b"SSH-2.0-OpenSSH", Fault.BUSY, False),
    ("MAIL", b"451 later", Fault.BUSY, False),
    ("MAIL", b"550 not you", Fault.REFUSED, True),
    ("RCPT", b"450 later", Fault.BUSY, False),
    ("RCPT", b"550 nobody", Fault.REFUSED, True),
    ("DATA", b"451 later", Fault.BUSY, False),
    ("DATA", b"554 no", Fault.REFUSED, True),
    ("end", b"452 full", Fault.BUSY, False),
    ("end", b"552 too large", Fault.REFUSED, True),
    ("end", b"999 what", Fault.BUSY, False),
    ("AUTH", b"454 later", Fault.LOGIN, False),
]


@pytest.mark.parametrize(("stage", "answer", "fault", "refused"), ANSWERS)
def test_what_an_answer_means(
    stage: str,
    answer: bytes,
    fault: Fault,
    refused: bool,
    authority: Authority,
    notify: Any,
    payload: Any,
) -> None:
    server = MailServer(tls=authority.server(), instead={stage: answer})
    error = deliver(server, authority, notify(payload))
    assert error is not None
    assert (error.fault, error.refused, error.permanent) == (fault, refused, False)
    # The server's own words go nowhere.
    assert answer.decode().partition(" ")[2] not in str(error) + error.hint or stage == "greeting"


def test_who_has_it_is_spared_at_the_next_attempt(
    authority: Authority, notify: Any, payload: Any
) -> None:
    server = MailServer(tls=authority.server(), refused={"ben@ours.test": b"450 later"})

    async def main() -> None:
        async with serving(server):
            sender = channel(server, authority)
            with pytest.raises(DeliveryError) as caught:
                await sender.send(notify(payload))
            assert caught.value.fault is Fault.BUSY
            assert "1 of 2" in str(caught.value)
            server.refused.clear()
            await sender.send(notify(payload))
            await sender.send(notify(payload))
            await sender.aclose()

    asyncio.run(main())
    sent_to = [letter.recipients for letter in server.letters]
    assert sent_to == [["ana@ours.test"], ["ben@ours.test"], TO]


# --- settings that cannot be used -----------------------------------------------------------------


@pytest.mark.parametrize(
    "options",
    [
        {"host": "10.0.0.1"},
        {"host": "smtp.example.com/x"},
        {"host": "smtp.example.com:25"},
        {"host": "a@smtp.example.com"},
        {"host": "smtp.example.com\r\n"},
        {"host": ""},
        {"host": "smtp.example.com", "port": 22},
        {"host": "smtp.example.com", "port": 443},
        {"host": "smtp.example.com", "security": "none"},
        {"sender": "x"},
        {"sender": "a@b.example\r\nBcc: eve@evil.example"},
        {"sender": "Ana <ana@ours.test>"},
        {"recipients": ["a@b.example", "b"]},
        {"recipients": ["a@b.example, c@d.example"]},
        {"recipients": ["ä@b.example"]},
        {"recipients": ['"x y"@b.example']},
        {"recipients": ["a@b.example>\r\nRCPT TO:<eve@evil.example"]},
    ],
)
def test_settings_that_cannot_be_used(options: dict[str, Any]) -> None:
    settings: dict[str, Any] = {"host": "smtp.example.com", "port": 587, "recipients": TO}
    settings |= {"sender": "a@b.example"} | options
    with pytest.raises((ConfigError, InvalidInput)) as caught:
        EmailChannel("mail", settings.pop("host"), **settings)
    assert "example" not in str(caught.value)


def test_an_allow_list_opens_a_server_of_the_house() -> None:
    with pytest.raises(InvalidInput):
        EmailChannel("m", "10.1.2.3", sender="a@b.example", recipients=TO, port=1025)
    allowed = {"allow": ("10.1.0.0/16",), "port": 1025}
    assert EmailChannel("m", "10.1.2.3", sender="a@b.example", recipients=TO, **allowed)


@pytest.fixture
def told(caplog: pytest.LogCaptureFixture) -> Any:
    caplog.set_level(logging.DEBUG)
    return lambda error: (
        "".join(traceback.format_exception(error)) + caplog.text + repr(vars(error))
    )


@pytest.mark.parametrize("stage", STAGES[1:-1])
@pytest.mark.parametrize("answer", [b"550 c4n4ry-password no", _reset])
def test_password_and_host_stand_in_no_error_and_no_log(
    stage: str, answer: Any, authority: Authority, notify: Any, payload: Any, told: Any
) -> None:
    server = MailServer(tls=authority.server(), instead={stage: answer})
    error = deliver(server, authority, notify(payload))
    assert isinstance(error, TagtideError)
    shown = told(error)
    assert PASSWORD not in shown
    assert "localhost" not in shown
