"""A mail server on a real socket that misbehaves where a test wants it to."""

from __future__ import annotations

import asyncio
import base64
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import trustme

#: Stages of a conversation at which a test may interfere.
STAGES = ("greeting", "EHLO", "STARTTLS", "AUTH", "MAIL", "RCPT", "DATA", "end", "QUIT")


@dataclass
class Letter:
    sender: str
    recipients: list[str]
    content: bytes
    #: Whether it came through TLS, and as whom.
    encrypted: bool
    user: str | None


@dataclass
class MailServer:
    #: What to say at a stage instead of the usual; bytes, or a function of the writer.
    instead: dict[str, object] = field(default_factory=dict)
    #: Recipients that are refused, with the answer.
    refused: dict[str, bytes] = field(default_factory=dict)
    offers: tuple[str, ...] = ("STARTTLS", "AUTH PLAIN")
    users: dict[str, str] = field(default_factory=lambda: {"tagtide": "c4n4ry-password"})
    tls: ssl.SSLContext | None = None
    implicit: bool = False
    port: int = 0
    letters: list[Letter] = field(default_factory=list)
    #: Letters that came, whether they were taken or not.
    offered: list[Letter] = field(default_factory=list)
    #: Every line of every conversation, passwords included.
    heard: list[bytes] = field(default_factory=list)

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError, ssl.SSLError, _Hung):
            await _Talk(self, reader, writer).run()
        writer.close()


class _Hung(Exception):
    """The conversation was left by the test's own doing."""


@dataclass
class _Talk:
    server: MailServer
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    user: str | None = None
    sender: str = ""
    recipients: list[str] = field(default_factory=list)
    encrypted: bool = False

    async def say(self, stage: str, usual: bytes) -> bool:
        """Answer; False when the test answered otherwise."""
        instead = self.server.instead.get(stage)
        if callable(instead):
            await instead(self.writer)
            raise _Hung
        said = instead if isinstance(instead, bytes) else usual
        self.writer.write(said + b"\r\n")
        await self.writer.drain()
        return instead is None

    async def run(self) -> None:
        self.encrypted = self.server.implicit
        await self.say("greeting", b"220 mail.test ESMTP")
        while True:
            line = await self.reader.readuntil(b"\n")
            self.server.heard.append(line)
            verb, _, rest = line.strip().partition(b" ")
            handler = getattr(self, verb.decode().lower(), None)
            if handler is None:
                self.writer.write(b"500 what?\r\n")
            elif await handler(rest.decode()):
                return

    async def ehlo(self, _: str) -> None:
        offers = [o for o in self.server.offers if not (o == "STARTTLS" and self.encrypted)]
        lines = ["mail.test", *offers]
        usual = [f"250{'-' if n < len(lines) - 1 else ' '}{text}" for n, text in enumerate(lines)]
        await self.say("EHLO", "\r\n".join(usual).encode())

    helo = ehlo

    async def starttls(self, _: str) -> None:
        if await self.say("STARTTLS", b"220 go on"):
            await self.writer.start_tls(self.server.tls)
            self.encrypted = True

    async def auth(self, rest: str) -> None:
        mechanism, _, first = rest.partition(" ")
        assert mechanism == "PLAIN"
        _, user, password = base64.b64decode(first).decode().split("\0")
        if self.server.users.get(user) != password:
            self.writer.write(b"535 5.7.8 no, " + password.encode() + b"\r\n")
            return
        if await self.say("AUTH", b"235 welcome"):
            self.user = user

    async def mail(self, rest: str) -> None:
        if await self.say("MAIL", b"250 ok"):
            self.sender, self.recipients = _address(rest), []

    async def rcpt(self, rest: str) -> None:
        address = _address(rest)
        if address in self.server.refused:
            self.writer.write(self.server.refused[address] + b"\r\n")
        elif await self.say("RCPT", b"250 ok"):
            self.recipients.append(address)

    async def data(self, _: str) -> None:
        if not await self.say("DATA", b"354 go on"):
            return
        content = (await self.reader.readuntil(b"\r\n.\r\n"))[:-3].replace(b"\r\n..", b"\r\n.")
        letter = Letter(self.sender, self.recipients, content, self.encrypted, self.user)
        self.server.offered.append(letter)
        if self.server.instead.get("end") is None:
            self.server.letters.append(letter)
        await self.say("end", b"250 accepted")

    async def rset(self, _: str) -> None:
        self.writer.write(b"250 ok\r\n")

    async def quit(self, _: str) -> bool:
        await self.say("QUIT", b"221 bye")
        return True


def _address(rest: str) -> str:
    return rest.partition("<")[2].partition(">")[0]


@asynccontextmanager
async def serving(server: MailServer) -> AsyncIterator[MailServer]:
    tls = server.tls if server.implicit else None
    listener = await asyncio.start_server(server.connected, "127.0.0.1", 0, ssl=tls, limit=2**25)
    server.port = listener.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listener.close()


@dataclass(frozen=True)
class Authority:
    """A throwaway certificate authority."""

    authority: trustme.CA = field(default_factory=trustme.CA)

    def server(self, name: str = "localhost") -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.authority.issue_cert(name).configure_cert(context)
        return context

    def client(self) -> ssl.SSLContext:
        context = ssl.create_default_context()
        self.authority.configure_trust(context)
        return context
