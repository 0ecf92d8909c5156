"""What has been spent against what may be: warnings before a limit stops the work."""

from __future__ import annotations

from tagtide.core.periods import start_of_day
from tagtide.core.planning import balance_warning
from tagtide.services.context import Context


async def spending_warnings(context: Context) -> list[str]:
    """A sentence for each allowance of which the configured share is spent; none is good news.

    Allowances are the budget of the day and of the month, and the credits that there were when the
    month began (spent since plus what is left).
    """
    store, policy, now = context.store, context.budget, context.clock.now()
    midnight = start_of_day(now)
    today = await store.spent(midnight)
    month = await store.spent(midnight.replace(day=1))
    balance = await store.balance()
    spent_today, spent = today.charged + today.unknown, month.charged + month.unknown
    found = [
        balance_warning(spent_today, policy.credits_per_day, "today's budget", policy.warn_at),
        balance_warning(spent, policy.credits_per_month, "this month's budget", policy.warn_at),
    ]
    if balance is not None:
        had = spent + balance.credits_remaining
        found.append(balance_warning(spent, had, "the credits of this month", policy.warn_at))
    return [sentence for sentence in found if sentence]
