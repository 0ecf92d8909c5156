"""Requests that may be repeated without being done twice."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class RememberedRequest:
    """A request under a key that its sender chose, and the answer once there is one."""

    #: Of sender, route and key; at most 64 characters.
    key: str
    #: Of what was sent: another body under the same key is a mistake of the sender.
    digest: str
    #: None while it is under way.
    status: int | None = None
    #: JSON text; empty for an answer without a body.
    body: str = ""
    #: Where the answer says that the new thing is.
    location: str | None = None


class RequestStore(Protocol):
    """Answers to requests that carried a key."""

    async def begin_request(self, key: str, digest: str, now: datetime) -> RememberedRequest | None:
        """Begin a request; None when nobody has used the key, else what is known of it."""

    async def end_request(self, request: RememberedRequest) -> None:
        """Keep the answer."""

    async def forget_request(self, key: str) -> None:
        """The request failed in a way that leaves nothing behind: its key may be used again."""

    async def prune_requests(self, before: datetime) -> int:
        """Forget what began before an instant; return how many."""
