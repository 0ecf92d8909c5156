"""What has been spent against what may be: warnings before a limit stops the work."""

from __future__ import annotations

from tagtide.core.periods import start_of_day
from tagtide.core.planning import balance_warning
from tagtide.ports import Balance
from tagtide.services.context import BudgetPolicy, Context


async def spending_warnings(context: Context) -> list[str]:
    """A sentence for each allowance of which the configured share is spent; none is good news.

    Allowances are the budget of the day and of the month, and the credits that there were when the
    month began (spent since plus what is left).
    """
    store, midnight = context.store, start_of_day(context.clock.now())
    today = await store.spent(midnight)
    month = await store.spent(midnight.replace(day=1))
    return warnings_of(
        context.budget,
        today.charged + today.unknown,
        month.charged + month.unknown,
        await store.balance(),
    )


def warnings_of(
    policy: BudgetPolicy, spent_today: int, spent: int, balance: Balance | None
) -> list[str]:
    """The same from what was spent today and this month (UTC), and what is left."""
    found = [
        balance_warning(spent_today, policy.credits_per_day, "today's budget", policy.warn_at),
        balance_warning(spent, policy.credits_per_month, "this month's budget", policy.warn_at),
    ]
    if balance is not None:
        had = spent + balance.credits_remaining
        found.append(balance_warning(spent, had, "the credits of this month", policy.warn_at))
    return [sentence for sentence in found if sentence]


async def refresh_balance(context: Context) -> None:
    """Ask the provider what is left, which is free, and keep it. Raises `SourceError`."""
    usage = await context.source.usage()
    if usage.credit_balance is not None:
        now = context.clock.now()
        await context.store.record_balance(
            Balance(credits_remaining=usage.credit_balance, read_at=now, plan=usage.plan)
        )
