"""Reports that go out on schedule: to whom, and what went."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from tagtide.models import MessageFile, Notification
from tagtide.ports.shares import NewShare


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """One person's wish for one kind of report of one campaign."""

    #: 0 until stored.
    subscription_id: int = 0
    #: A label or a name; of an operator's own choice.
    person: str
    campaign_id: int
    kind: str
    #: Name of a configured channel; it may be gone by now.
    channel: str
    #: Files that go with it, of `core.subscriptions.FILES`.
    files: tuple[str, ...] = ()
    #: An address in place of the channel's own: personal data, in no log and no payload.
    to: str | None = field(default=None, repr=False)
    made_by: str
    made_at: datetime
    #: When and by whom it was stopped; its address is forgotten then.
    ended_at: datetime | None = None
    ended_by: str | None = None
    #: When its newest message was written, and when one was accepted last, as far as that is kept.
    told_at: datetime | None = None
    sent_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportMessage:
    """One report to one subscriber: all of it is written, or nothing."""

    subscription_id: int
    #: The scheduled instant; of one that is sent by hand, its own.
    slot_at: datetime
    #: With its files.
    notification: Notification
    #: The frozen copy that its link leads to.
    share: NewShare | None = None
    #: Of the secret with which whoever has the message can stop it.
    unsubscribe_hash: str | None = None


class SubscriptionStore(Protocol):
    """Subscriptions, and the messages they cause."""

    async def add_subscription(self, subscription: Subscription) -> Subscription:
        """Store a new one and return it with its id. Raises `Conflict` when there is its like."""

    async def change_subscription(self, subscription: Subscription) -> Subscription:
        """Make the stored one (by id) equal to this one. Raises `NotFound`, `Conflict`."""

    async def subscriptions(
        self, *, campaign_id: int | None = None, kind: str | None = None
    ) -> list[Subscription]:
        """Those that were not stopped, by id."""

    async def subscription(self, subscription_id: int) -> Subscription:
        """One, stopped or not. Raises `NotFound`."""

    async def end_subscription(
        self, subscription_id: int, *, by: str, now: datetime
    ) -> Subscription:
        """Stop one: its messages that are not out yet go, its address is forgotten.

        Nothing changes for one that was stopped. Raises `NotFound`.
        """

    async def told_in_slot(self, slot_at: datetime, ids: Sequence[int]) -> frozenset[int]:
        """Which of these subscriptions have their message of a slot."""

    async def put_report_message(self, message: ReportMessage, by: str) -> bool:
        """Write a message with all that belongs to it.

        False, and nothing is written, when there is one of that subscription and slot, or when the
        subscription was stopped.
        """

    async def message_files(self, notification_id: str) -> tuple[MessageFile, ...]:
        """The files of a message, in order, with their bytes."""

    async def subscription_by_secret(self, unsubscribe_hash: str) -> Subscription | None:
        """Whose message holds a secret, stopped or not; None for a secret of nobody."""
