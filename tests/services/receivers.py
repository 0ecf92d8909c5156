"""Receivers on real sockets, and every way in which they may behave: over HTTP and over SMTP.

A receiver keeps what it is sent, and whether it took it: that, and not what the store says, tells
what was lost and what came twice.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.utils import format_datetime
from typing import Any

from mail_server import Letter, MailServer
from tagtide.channels.apprise import AppriseChannel
from tagtide.channels.email import EmailChannel
from tagtide.channels.slack import SlackChannel
from tagtide.channels.teams import TeamsChannel
from tagtide.channels.webhook import WebhookChannel
from tagtide.ports import Channel, Clock

START = datetime(2026, 3, 2, 8, tzinfo=UTC)
LOOPBACK = ("127.0.0.0/8",)
#: What an HTTP receiver does; what a mail server says at a stage of the conversation.
Answer = bytes | Callable[[asyncio.StreamWriter], Awaitable[None]]
Behaviour = Answer | Mapping[str, Answer]

_LETTERS = str.maketrans("0123456789", "abcdefghij")
_MARK = re.compile("mark[a-j]{4}")


def mark_of(number: int) -> str:
    """A word by which one message is known in any medium."""
    return f"mark{number:04}".translate(_LETTERS)


def status(number: int, *headers: str, body: bytes = b"ok") -> bytes:
    lines = [f"HTTP/1.1 {number} X", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


OK = status(200)


# --- ways to behave -------------------------------------------------------------------------------


async def silent(_: asyncio.StreamWriter) -> None:
    await asyncio.sleep(60)


async def slow_headers(writer: asyncio.StreamWriter) -> None:
    for byte in b"HTTP/1.1 200 OK\r\nX-Slow: " + b"a" * 3_000:
        writer.write(bytes([byte]))
        await writer.drain()
        await asyncio.sleep(0.02)


async def drip(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    for _ in range(100):
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.02)


async def endless(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    for _ in range(500):
        writer.write(b"2000\r\n" + b"x" * 0x2000 + b"\r\n")
        await writer.drain()


async def endless_headers(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n")
    for _ in range(500):
        writer.write(b"X-More: " + b"x" * 0x2000 + b"\r\n")
        await writer.drain()


async def reset(writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()


async def closes(writer: asyncio.StreamWriter) -> None:
    writer.close()


async def half_a_body(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf")
    await writer.drain()
    writer.close()


async def http_1_0(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.0 200 OK\r\n\r\nok")
    await writer.drain()
    writer.close()


async def dripping_words(writer: asyncio.StreamWriter) -> None:
    while True:
        writer.write(b"2")
        await writer.drain()
        await asyncio.sleep(0.02)


async def endless_words(writer: asyncio.StreamWriter) -> None:
    while True:
        writer.write(b"250-" + b"x" * 200 + b"\r\n")
        await writer.drain()


def late(seconds: float) -> str:
    return f"Retry-After: {format_datetime(START + timedelta(seconds=seconds), usegmt=True)}"


#: What is taken, although oddly.
ACCEPTING: dict[str, Answer] = {
    "200": OK,
    "201": status(201),
    "202": status(202),
    "204": b"HTTP/1.1 204 X\r\n\r\n",
    "200 and closes": status(200, "Connection: close"),
    "200 in HTTP/1.0": http_1_0,
    "200 with garbage": status(200, body=bytes(range(256))),
    "200 behind a 100": b"HTTP/1.1 100 Continue\r\n\r\n" + OK,
    "200 and half a body": half_a_body,
    "200 and an endless body": endless,
    "200 and a slow body": drip,
}
#: What may be better in a moment; seconds that must pass before the second request.
FAILING: dict[str, tuple[Answer, float]] = {
    **{str(n): (status(n, "Location: http://127.0.0.1:1/"), 4) for n in (301, 302, 303, 307, 308)},
    "304": (b"HTTP/1.1 304 X\r\n\r\n", 4),
    **{str(n): (status(n), 4) for n in (408, 429, 500, 501, 502, 503, 504, 599)},
    "429 for 77 s": (status(429, "Retry-After: 77"), 77),
    "429 until a date": (status(429, late(90)), 85),
    "429 for 0 s": (status(429, "Retry-After: 0"), 4),
    "429 with garbage": (status(429, "Retry-After: soon"), 4),
    "429 for a year": (status(429, "Retry-After: 31536000"), 3600),
    "503 for 30 s": (status(503, "Retry-After: 30"), 30),
    "silent": (silent, 4),
    "slow headers": (slow_headers, 4),
    "endless headers": (endless_headers, 4),
    "reset": (reset, 4),
    "closes": (closes, 4),
    "not HTTP": (b"SSH-2.0-x\r\n\r\n", 4),
    "nothing but a status": (b"HTTP/1.1 200", 4),
}
#: What is said about the message: believed at the fourth time.
REFUSING: dict[str, Answer] = {
    str(n): status(n) for n in (400, 401, 403, 404, 405, 406, 409, 415, 422, 451)
}

MAIL_ACCEPTING: dict[str, Behaviour] = {
    "250": {},
    "250 and closes": {"QUIT": closes},
    "250 and a reset": {"QUIT": reset},
    "250 and silence": {"QUIT": silent},
    "250 and 421": {"QUIT": b"421 sorry"},
    "250 and junk": {"QUIT": b"junk"},
}
MAIL_FAILING: dict[str, tuple[Behaviour, float]] = {
    "421 greeting": ({"greeting": b"421 busy"}, 4),
    "not SMTP": ({"greeting": b"SSH-2.0-x"}, 4),
    "451 sender": ({"MAIL": b"451 later"}, 4),
    "450 recipient": ({"RCPT": b"450 greylisted"}, 4),
    "451 data": ({"DATA": b"451 later"}, 4),
    "452 full": ({"end": b"452 full"}, 4),
    "999": ({"end": b"999 what"}, 4),
    "silent at first": ({"greeting": silent}, 4),
    "silent at the end": ({"end": silent}, 4),
    "slow words": ({"EHLO": dripping_words}, 4),
    "endless words": ({"EHLO": endless_words}, 4),
    "reset at first": ({"greeting": reset}, 4),
    "reset at the end": ({"end": reset}, 4),
    "closes": ({"RCPT": closes}, 4),
}
MAIL_REFUSING: dict[str, Behaviour] = {
    "554 greeting": {"greeting": b"554 go away"},
    "550 sender": {"MAIL": b"550 not you"},
    "550 recipient": {"RCPT": b"550 nobody"},
    "554 data": {"DATA": b"554 no"},
    "552 too large": {"end": b"552 too large"},
    "554 spam": {"end": b"554 spam"},
}
#: These hold the line until the sender loses patience.
HANGING = {"silent", "slow headers", "nothing but a status"}
HANGING |= {"silent at first", "silent at the end", "slow words"}


# --- receivers ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Got:
    """One attempt as its receiver saw it."""

    #: Simulated seconds.
    at: float
    #: Whether the receiver said that it took it.
    is_taken: bool
    #: Under which id it came; empty where the medium has none, or where it did not come so far.
    identity: str
    #: What it was about.
    marks: frozenset[str]
    size: int


class Receiver:
    """What a test works with, whatever the protocol."""

    #: How one behaves that takes everything.
    well: Behaviour

    def __init__(self, clock: Clock, behaviour: Behaviour, *, takes: bool) -> None:
        self.clock, self.behaviour, self.takes = clock, behaviour, takes
        self.port = 0

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        raise NotImplementedError

    @property
    def got(self) -> list[Got]:
        raise NotImplementedError

    @property
    def times(self) -> list[float]:
        return [got.at for got in self.got]

    def heal(self) -> None:
        """From now on it takes everything."""
        self.behaviour, self.takes = self.well, True

    def _now(self) -> float:
        return (self.clock.now() - START).total_seconds()


class WebReceiver(Receiver):
    """Answers as it is told."""

    well = OK

    def __init__(self, clock: Clock, behaviour: Behaviour, *, takes: bool) -> None:
        super().__init__(clock, behaviour, takes=takes)
        self._got: list[Got] = []

    @property
    def got(self) -> list[Got]:
        return self._got

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
                headers = dict(x.split(": ", 1) for x in head.strip().split("\r\n")[1:])
                body = await reader.readexactly(int(headers.get("content-length", "0")))
                marks = frozenset(_MARK.findall(body.decode()))
                identity = headers.get("webhook-id", "")
                self._got.append(Got(self._now(), self.takes, identity, marks, len(body)))
                assert not isinstance(self.behaviour, Mapping)
                if callable(self.behaviour):
                    await self.behaviour(writer)
                else:
                    writer.write(self.behaviour)
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


class MailReceiver(Receiver):
    """Every conversation is an attempt, also one that never comes to a letter."""

    well = MAIL_ACCEPTING["250"]

    def __init__(self, clock: Clock, behaviour: Behaviour, *, takes: bool) -> None:
        super().__init__(clock, behaviour, takes=takes)
        self._talks: list[tuple[float, bool, MailServer]] = []

    @property
    def got(self) -> list[Got]:
        return [_letter(at, taken, server.offered) for at, taken, server in self._talks]

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert isinstance(self.behaviour, Mapping)
        server = MailServer(instead=dict(self.behaviour), offers=())
        self._talks.append((self._now(), self.takes, server))
        await server.connected(reader, writer)


def _letter(at: float, is_taken: bool, offered: Sequence[Letter]) -> Got:
    if not offered:
        return Got(at, is_taken, "", frozenset(), 0)
    (letter,) = offered
    parsed = message_from_bytes(letter.content, policy=policy.default)
    part = parsed.get_body(("plain",))
    marks = frozenset(_MARK.findall(part.get_content())) if part else frozenset()
    return Got(at, is_taken, str(parsed["Message-ID"]), marks, len(letter.content))


# --- kinds of channel -----------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A kind of channel, and what its receivers may do."""

    make: Callable[[int, Clock], Channel]
    receiver: type[Receiver] = WebReceiver
    accepting: Mapping[str, Behaviour]
    failing: Mapping[str, tuple[Behaviour, float]]
    refusing: Mapping[str, Behaviour]
    #: Statuses that say that the address is no longer in use.
    gone: frozenset[str] = frozenset()


def _url(port: int, scheme: str = "http") -> str:
    return f"{scheme}://127.0.0.1:{port}/hook"


def _some(behaviours: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: behaviours[name] for name in names}


def _webhook(port: int, clock: Clock) -> Channel:
    return WebhookChannel(name="c", url=_url(port), clock=clock, allow=LOOPBACK)


def _slack(port: int, clock: Clock) -> Channel:
    return SlackChannel(name="c", url=_url(port), clock=clock, allow=LOOPBACK)


def _teams(port: int, clock: Clock) -> Channel:
    return TeamsChannel(name="c", url=_url(port), clock=clock, allow=LOOPBACK)


def _apprise(port: int, _: Clock) -> Channel:
    return AppriseChannel(name="c", url=_url(port, "json"), allow=LOOPBACK)


def _email(port: int, _: Clock) -> Channel:
    return EmailChannel(
        name="c",
        host="127.0.0.1",
        port=port,
        security="none",
        sender="tagtide@ours.test",
        recipients=["ana@ours.test"],
        allow=LOOPBACK,
    )


_WEB: dict[str, Any] = {"accepting": ACCEPTING, "failing": FAILING, "refusing": REFUSING}

KINDS: dict[str, Kind] = {
    "webhook": Kind(make=_webhook, gone=frozenset({"410"}), **_WEB),
    "slack": Kind(make=_slack, gone=frozenset({"404", "410"}), **_WEB),
    "teams": Kind(make=_teams, gone=frozenset({"404", "410"}), **_WEB),
    "email": Kind(
        make=_email,
        receiver=MailReceiver,
        accepting=MAIL_ACCEPTING,
        failing=MAIL_FAILING,
        refusing=MAIL_REFUSING,
    ),
    # It says yes or no and nothing else, and each message is a process: a few do.
    "apprise": Kind(
        make=_apprise,
        accepting=_some(ACCEPTING, "200", "204", "200 and closes"),
        failing={
            **_some(FAILING, "500", "307", "429", "reset", "not HTTP"),
            "404": (status(404), 4),
            "410": (status(410), 4),
            "413": (status(413), 4),
        },
        refusing={},
    ),
}
