"""Paid calls: a ledger row before each attempt, the outcome after it, retries by `core.retry`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from tagtide.core.retry import Tries, decide_retry
from tagtide.errors import SourceError
from tagtide.models import Answer, Campaign, Charge
from tagtide.ports import Reservation, Settlement
from tagtide.services.context import Context

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Paid(Generic[T]):
    """An answer with the settlement to be written together with what it says."""

    answer: Answer[T]
    settlement: Settlement


@dataclass(frozen=True, slots=True)
class Caller:
    """Makes the paid calls of one run for one hashtag."""

    context: Context
    campaign: Campaign | None
    run_id: int | None
    hashtag: str | None

    async def reserve(self, endpoints: Sequence[str]) -> list[int]:
        """Reserve all planned calls in one commit. Raises `BudgetExceeded`, writing nothing."""
        now = self.context.clock.now()
        return await self.context.store.reserve(
            [self._reservation(endpoint) for endpoint in endpoints],
            self.context.budget.limits(self.campaign, now),
            now,
        )

    async def call(
        self, entry_id: int, endpoint: str, request: Callable[[], Awaitable[Answer[T]]]
    ) -> Paid[T]:
        """Make one call under a reservation, with retries.

        Every failed attempt is settled at once; every retry has a reservation of its own. The
        settlement of the successful attempt is returned unwritten: it belongs into the transaction
        of the reading. Raises the `SourceError` of the last attempt, or `BudgetExceeded`.
        """
        clock, store = self.context.clock, self.context.store
        started, tries = clock.monotonic(), Tries()
        while True:
            try:
                answer = await request()
            except SourceError as error:
                await store.settle([self._failed(entry_id, error)])
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
            else:
                return Paid(answer, self._succeeded(entry_id, answer))

    def _reservation(self, endpoint: str) -> Reservation:
        campaign_id = self.campaign.campaign_id if self.campaign else None
        return Reservation(
            run_id=self.run_id, campaign_id=campaign_id, hashtag=self.hashtag, endpoint=endpoint
        )

    def _succeeded(self, entry_id: int, answer: Answer[T]) -> Settlement:
        return Settlement(
            entry_id=entry_id,
            charge=Charge.CHARGED if answer.credits_used != 0 else Charge.NOT_CHARGED,
            credits=1 if answer.credits_used is None else answer.credits_used,
            settled_at=self.context.clock.now(),
            credits_remaining=answer.credits_remaining,
            note="ok",
        )

    def _failed(self, entry_id: int, error: SourceError) -> Settlement:
        return Settlement(
            entry_id=entry_id,
            charge=error.charge,
            credits=0 if error.charge is Charge.NOT_CHARGED else 1,
            settled_at=self.context.clock.now(),
            credits_remaining=error.credits_remaining,
            note=error.reason.value,
        )
