"""A receiver on a real socket that answers what a test wants and keeps what it was sent."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from tagtide.models import Notification

SECRET_PATH = "/services/T0/B0/do-not-tell"


@dataclass
class Receiver:
    answer: object
    url: str = ""
    #: (headers, body) of each request.
    seen: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    async def connected(self, reader, writer):
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                _, *lines = head.strip().split("\r\n")
                pairs = (line.split(": ", 1) for line in lines)
                headers = {name.lower(): value for name, value in pairs}
                body = await reader.readexactly(int(headers["content-length"]))
                self.seen.append((headers, body))
                if callable(self.answer):
                    await self.answer(writer)
                else:
                    writer.write(self.answer)
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def receiving(answer):
    receiver = Receiver(answer)
    server = await asyncio.start_server(receiver.connected, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    receiver.url = f"http://127.0.0.1:{port}{SECRET_PATH}"
    try:
        yield receiver
    finally:
        server.close()


@pytest.fixture
def send():
    """Send notifications to a receiver that answers so; returns (receiver, None or the error)."""

    def run(make_channel, notification, answer, times=1):
        async def go():
            async with receiving(answer) as receiver:
                channel = make_channel(receiver.url)
                error = None
                for _ in range(times):
                    try:
                        await channel.send(notification)
                    except Exception as raised:  # noqa: BLE001 - the test judges it
                        error = raised
                await channel.aclose()
                return receiver, error

        return asyncio.run(go())

    return run


@pytest.fixture
def notify():
    """A notification with this payload."""

    def make(payload):
        now = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
        return Notification(
            notification_id="msg_1",
            channel="team",
            alert_id="a1",
            kind="firing",
            created_at=now,
            due_at=now,
            payload=payload,
        )

    return make


@pytest.fixture
def payload():
    """An alert as a channel gets it."""
    return {
        "type": "alert.firing",
        "alert": {
            "alert_id": "a1",
            "rule": "new_videos",
            "campaign": "Summer",
            "hashtag": "tidal",
            "video_id": None,
            "state": "firing",
            "value": 312.0,
            "threshold": 200.0,
            "reason": "312 new videos in 6.1 h, 200 were allowed.",
            "url": "https://www.tiktok.com/tag/tidal",
            "opened_at": "2026-11-20T12:00:00Z",
            "updated_at": "2026-11-20T12:00:00Z",
            "top_videos": [
                {
                    "video_id": f"735081099802394959{number}",
                    "author_username": f"tide{number}",
                    "view_count": 1_204_000,
                    "url": f"https://www.tiktok.com/@tide{number}/video/735081099802394959{number}",
                    "caption": f"Low tide {number}",
                }
                for number in range(5)
            ],
            "new_videos": 312,
            "views_per_hour": 48_200.0,
            "elapsed_hours": 6.1,
        },
    }
