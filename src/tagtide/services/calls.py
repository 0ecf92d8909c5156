"""Paid calls: a ledger row before each attempt, the outcome after it, retries by `core.retry`."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from tagtide.core.retry import Tries, decide_retry
from tagtide.errors import SourceError, StorageError
from tagtide.models import Answer, Campaign, Charge
from tagtide.ports import NOT_SENT, Reservation, Settlement
from tagtide.services.context import Context

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Paid(Generic[T]):
    """An answer with the settlement to be written together with what it says."""

    answer: Answer[T]
    settlement: Settlement


@dataclass(slots=True)
class Caller:
    """Makes the paid calls of one run for one hashtag."""

    context: Context
    campaign: Campaign | None
    run_id: int | None
    hashtag: str | None
    #: Credits charged so far, those of an interrupted attempt at the same slot included.
    credits: int = 0
    #: Called whenever the API has answered.
    on_answer: Callable[[], None] = lambda: None
    #: Reserved, and neither settled nor released.
    _open: set[int] = field(default_factory=set)
    #: The one that was sent last.
    _sent: int | None = None

    @property
    def has_called(self) -> bool:
        """Whether any call was made."""
        return self._sent is not None

    async def reserve(self, endpoints: Sequence[str]) -> list[int]:
        """Reserve all planned calls in one commit. Raises `BudgetExceeded`, writing nothing."""
        now = self.context.clock.now()
        entries = await self.context.store.reserve(
            [self._reservation(endpoint) for endpoint in endpoints],
            self.context.budget.limits(self.campaign, now),
            now,
        )
        self._open |= {*entries}
        return entries

    async def release(self) -> None:
        """Give back what was reserved and not needed, so that others may spend it."""
        unused = [self._settled(entry, Charge.NOT_CHARGED, NOT_SENT) for entry in self._open]
        if unused:
            await self.context.store.settle(unused)
            self._open.clear()

    async def abandon(self) -> None:
        """As `release`, when work is broken off: what is under way may yet be billed."""
        self._open.discard(self._sent or 0)
        await self.release()

    @asynccontextmanager
    async def paid(
        self, entry_id: int, endpoint: str, request: Callable[[], Awaitable[Answer[T]]]
    ) -> AsyncIterator[Paid[T]]:
        """An answer to work with, obtained under a reservation, with retries.

        Every failed attempt is settled at once; every retry has a reservation of its own. The
        settlement of the successful attempt belongs into the transaction of the reading; when the
        block fails it is written alone, so that what was paid is known although it was of no use.
        Raises the `SourceError` of the last attempt, or `BudgetExceeded`.
        """
        paid = await self._answered(entry_id, endpoint, request)
        try:
            yield paid
        except Exception:
            with contextlib.suppress(StorageError):
                await self.context.store.settle([paid.settlement])
            raise

    async def _answered(
        self, entry_id: int, endpoint: str, request: Callable[[], Awaitable[Answer[T]]]
    ) -> Paid[T]:
        clock = self.context.clock
        started, tries = clock.monotonic(), Tries()
        while True:
            self._sent = entry_id
            try:
                answer = await request()
            except SourceError as error:
                await self._settle_failure(entry_id, error)
                decision = decide_retry(
                    error,
                    tries,
                    now_elapsed=clock.monotonic() - started,
                    deadline=self.context.slot_deadline.total_seconds(),
                    chance=clock.random(),
                )
                if decision.wait_seconds is None:
                    raise
                tries = decision.tries
                await clock.sleep(decision.wait_seconds)
                (entry_id,) = await self.reserve([endpoint])
            except Exception:
                # A fault of ours: whether the call was sent and billed, nobody can say.
                await self._settle(self._settled(entry_id, Charge.UNKNOWN, "internal"))
                raise
            else:
                return self._succeeded(entry_id, answer)

    def _reservation(self, endpoint: str) -> Reservation:
        campaign_id = self.campaign.campaign_id if self.campaign else None
        return Reservation(
            run_id=self.run_id, campaign_id=campaign_id, hashtag=self.hashtag, endpoint=endpoint
        )

    def _succeeded(self, entry_id: int, answer: Answer[T]) -> Paid[T]:
        used = 1 if answer.credits_used is None else answer.credits_used
        charge = Charge.CHARGED if used else Charge.NOT_CHARGED
        settlement = self._settled(
            entry_id, charge, "ok", credits_used=used, remaining=answer.credits_remaining
        )
        self._open.discard(entry_id)
        self.credits += used
        self.on_answer()
        return Paid(answer, settlement)

    async def _settle_failure(self, entry_id: int, error: SourceError) -> None:
        await self._settle(
            self._settled(
                entry_id, error.charge, error.reason.value, remaining=error.credits_remaining
            )
        )

    async def _settle(self, settlement: Settlement) -> None:
        await self.context.store.settle([settlement])
        self._open.discard(settlement.entry_id)
        if settlement.charge is Charge.CHARGED:
            self.credits += settlement.credits

    def _settled(
        self,
        entry_id: int,
        charge: Charge,
        note: str,
        *,
        credits_used: int = 1,
        remaining: int | None = None,
    ) -> Settlement:
        return Settlement(
            entry_id=entry_id,
            charge=charge,
            credits=0 if charge is Charge.NOT_CHARGED else credits_used,
            settled_at=self.context.clock.now(),
            credits_remaining=remaining,
            note=note,
        )
