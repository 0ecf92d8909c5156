"""Time and chance, the data API, channels, the press, the spool: what lies outside this process."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from tagtide.core.charts.base import Chart
from tagtide.core.messages.blocks import Block
from tagtide.models import (
    Answer,
    Creator,
    HashtagTotals,
    Notification,
    Usage,
    VideoPage,
    VideoSeen,
)
from tagtide.ports.records import Changes

# --- time and chance ------------------------------------------------------------------------------


class Clock(Protocol):
    """The only source of time and chance. A simulated one may run ahead."""

    def now(self) -> datetime:
        """The instant, aware, in UTC."""

    def monotonic(self) -> float:
        """Seconds for measuring durations; never steps."""

    async def sleep(self, seconds: float) -> None:
        """Wait; 0 yields."""

    def random(self) -> float:
        """A number in [0, 1) for jitter."""

    def token(self) -> str:
        """A new unguessable, URL-safe identifier of at least 128 bit."""


# --- the data API ---------------------------------------------------------------------------------


class Source(Protocol):
    """A provider of TikTok data. One call is one attempt: retries belong to the caller.

    Each method makes exactly one request or raises before it is sent. Every `SourceError` says in
    ``charge`` whether it was billed, as far as anyone can know.
    """

    #: Name of the provider, for the ledger and for messages.
    name: str
    #: Calls that may be in flight at once, now (shrinks while the API says it is too many).
    max_in_flight: int

    async def hashtag(
        self, *, name: str | None = None, hashtag_id: str | None = None
    ) -> Answer[HashtagTotals]:
        """Totals of a hashtag; by id where it is known. Raises `ItemNotFound`."""

    async def hashtag_videos(
        self, hashtag_id: str, *, cursor: str = "0", count: int = 30
    ) -> Answer[VideoPage]:
        """One page of the hashtag's feed, in TikTok's ranking."""

    async def search_videos(
        self, keyword: str, *, cursor: str = "0", count: int = 30, published_within_days: int = 0
    ) -> Answer[VideoPage]:
        """One page of a keyword search; days are one of 0 (all), 1, 7, 30, 90, 180."""

    async def profile(
        self, *, username: str | None = None, sec_uid: str | None = None
    ) -> Answer[Creator]:
        """A creator with followers."""

    async def video(self, video_id: str) -> Answer[VideoSeen]:
        """One video."""

    async def usage(self) -> Usage:
        """Plan and balance; free."""

    async def aclose(self) -> None:
        """Close connections; the source is not usable afterwards."""


# --- channels -------------------------------------------------------------------------------------


class Channel(Protocol):
    """A way to tell people. `send` returns when the receiver has accepted."""

    #: Name from the configuration.
    name: str

    async def send(self, notification: Notification) -> None:
        """Send one message, once. Raises `DeliveryError`; its text holds no address or secret."""

    async def aclose(self) -> None:
        """Close connections."""


class Lifeline(Protocol):
    """Someone outside who raises the alarm when this process falls silent."""

    async def ping(self) -> None:
        """Say once that this process does its work. Raises `DeliveryError`; names no address."""

    async def aclose(self) -> None:
        """Close connections."""


# --- the press ------------------------------------------------------------------------------------


class ReportPress(Protocol):
    """Makes files of reports. Blocks; call it from a thread where an event loop runs."""

    def file(
        self, style: str, blocks: Sequence[Block], title: str, as_of: datetime, timezone: str
    ) -> bytes:
        """A report as ``pdf`` or ``xlsx``. Raises `TagtideError` with what went wrong."""

    def pictures(self, charts: Sequence[Chart]) -> Mapping[str, bytes]:
        """Charts as PNG, by their names. Raises `RenderingFailed`."""


# --- the spool ------------------------------------------------------------------------------------


class Spool(Protocol):
    """Where paid-for changes wait while the database does not take them."""

    def put(self, changes: Changes, name: str) -> None:
        """Keep changes under a new name. Raises `OSError`."""

    def waiting(self) -> Iterator[tuple[str, Changes | None]]:
        """Everything kept, oldest name first; None for what cannot be read any more."""

    def done(self, name: str) -> None:
        """Forget what has been stored."""
