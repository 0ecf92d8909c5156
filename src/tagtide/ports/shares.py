"""Reports that were handed out by a link."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class NewShare:
    """A report as it is at this moment, for whoever has the link."""

    #: Of the secret in the link, which is kept nowhere.
    secret_hash: str
    campaign_id: int
    kind: str
    on: date
    title: str
    as_of: datetime
    timezone: str
    #: As `core.messages.document` writes it.
    document: Sequence[Mapping[str, Any]]
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """A link that was made; without what it leads to."""

    share_id: int
    campaign_id: int
    kind: str
    on: date
    title: str
    as_of: datetime
    timezone: str
    made_by: str
    made_at: datetime
    expires_at: datetime
    revoked_at: datetime | None
    #: How often, and when last, somebody opened it.
    opened: int
    opened_at: datetime | None

    def is_good(self, now: datetime) -> bool:
        """Whether it still leads anywhere."""
        return self.revoked_at is None and now < self.expires_at


class ShareStore(Protocol):
    """Links to reports."""

    async def add_share(self, share: NewShare, by: str, now: datetime) -> Share:
        """Keep a copy of a report under a link."""

    async def shares(self, limit: int = 100) -> list[Share]:
        """Newest first, those that lead nowhere any more too."""

    async def open_share(
        self, secret_hash: str, now: datetime, *, counts: bool = True
    ) -> tuple[Share, Sequence[Mapping[str, Any]]] | None:
        """The report behind a link, counted as opened; None for one that leads nowhere.

        A picture of it, which programs fetch by themselves, ``counts`` for nothing.
        """

    async def revoke_share(self, share_id: int, now: datetime) -> Share:
        """End a link; nothing changes for one that ended. Raises `NotFound`."""

    async def prune_shares(self, before: datetime) -> int:
        """Forget links that ended, by themselves or not, before an instant; return how many."""
