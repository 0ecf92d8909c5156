"""``tagtide credits``: spent, left, forecast."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import click

from tagtide.bootstrap import App
from tagtide.cli.options import application, common_options, json_option, print_json
from tagtide.cli.options import run as run_async
from tagtide.cli.show import print_blocks
from tagtide.core.forecast import daily_calls
from tagtide.core.formats import iso_utc
from tagtide.core.messages import (
    Block,
    Cell,
    Column,
    Figure,
    Heading,
    KeyFigures,
    Kind,
    Note,
    Table,
    Tone,
)
from tagtide.core.periods import start_of_day
from tagtide.models import Campaign
from tagtide.ports import Balance, LedgerLine, LedgerTotals
from tagtide.services.spending import refresh_balance, spending_warnings

_MONTH = 30


@click.command("credits")
@click.option("--refresh", is_flag=True, help="Ask the provider for the balance (free).")
@click.option("--days", type=click.IntRange(1, 366), default=30, show_default=True)
@common_options
@json_option
def credits_(
    refresh: bool, days: int, config: str | None, database: str | None, as_json: bool
) -> None:
    """Credits spent, left and forecast, per campaign."""

    async def main() -> dict[str, Any]:
        async with application(config, database, source=refresh) as app:
            return await _facts(app, days=days, refresh=refresh)

    facts = run_async(main)
    if as_json:
        print_json(_body(facts))
    else:
        print_blocks(_blocks(facts))


async def _facts(app: App, *, days: int, refresh: bool) -> dict[str, Any]:
    store, now = app.store, app.context.clock.now()
    if refresh:
        await refresh_balance(app.context)
    midnight = start_of_day(now)
    campaigns = await store.campaigns()
    since = now - timedelta(days=days)
    return {
        "days": days,
        "balance": await store.balance(),
        "today": await store.spent(midnight),
        "month": await store.spent(midnight.replace(day=1)),
        "period": await store.spent(since),
        "lines": await store.spending(since, "campaign"),
        "forecast": {c.name: _per_day(app, c) for c in campaigns},
        "budget": app.loaded.settings.budget,
        "price": app.context.price_per_credit,
        "currency": app.context.currency,
        "warnings": await spending_warnings(app.context),
    }


def _per_day(app: App, campaign: Campaign) -> float:
    schedules = app.loaded.settings.schedules
    return daily_calls(campaign, collect=schedules.collect, track=schedules.track)


def _days_left(balance: Balance | None, forecast: dict[str, float]) -> float | None:
    total = sum(forecast.values())
    return balance.credits_remaining / total if balance and total else None


def _body(facts: dict[str, Any]) -> dict[str, Any]:
    balance: Balance | None = facts["balance"]
    per_day = sum(facts["forecast"].values())
    return {
        "credits_remaining": balance.credits_remaining if balance else None,
        "balance_read_at": iso_utc(balance.read_at) if balance else None,
        "plan": balance.plan if balance else None,
        "spent_today": _spent(facts["today"]),
        "spent_this_month": _spent(facts["month"]),
        "days": facts["days"],
        "spent": _spent(facts["period"]),
        "unconfirmed": facts["period"].unknown,
        "money_spent": round(_spent(facts["period"]) * facts["price"], 4),
        "currency": facts["currency"],
        "by_campaign": [
            {"campaign": line.key, "calls": line.calls, "credits": line.credits}
            for line in facts["lines"]
        ],
        "budget": facts["budget"].model_dump(),
        "forecast_per_day": round(per_day, 2),
        "forecast_by_campaign": {k: round(v, 2) for k, v in facts["forecast"].items()},
        "warnings": facts["warnings"],
        "days_left": _days_left(balance, facts["forecast"]),
    }


def _spent(totals: LedgerTotals) -> int:
    """What was or may have been billed."""
    return totals.charged + totals.unknown


def _blocks(facts: dict[str, Any]) -> list[Block]:
    balance: Balance | None = facts["balance"]
    left = _days_left(balance, facts["forecast"])
    per_day = sum(facts["forecast"].values())
    money = _spent(facts["period"]) * facts["price"]
    read_at = f"read {balance.read_at:%d %b %H:%M} UTC" if balance else "run with --refresh"
    figures = (
        Figure("Left", f"{balance.credits_remaining:,}" if balance else "-", note=read_at),
        Figure("Lasts", f"{left:.0f} days" if left is not None else "-", note="at the schedules"),
        Figure(
            "Today", f"{_spent(facts['today']):,}", note=_limit(facts["budget"].credits_per_day)
        ),
        Figure(
            "This month",
            f"{_spent(facts['month']):,}",
            note=_limit(facts["budget"].credits_per_month),
        ),
        Figure("Forecast", f"{per_day:.0f} a day", note=f"{per_day * _MONTH:,.0f} a month"),
        Figure(f"Last {facts['days']} days", f"{money:,.2f} {facts['currency']}"),
    )
    columns = (Column("Campaign"), Column("Calls", Kind.NUMBER), Column("Credits", Kind.NUMBER))
    lines: list[LedgerLine] = facts["lines"]
    rows = tuple((Cell(x.key), Cell(f"{x.calls:,}"), Cell(f"{x.credits:,}")) for x in lines)
    blocks: list[Block] = [Heading("Credits"), KeyFigures(figures)]
    blocks += [Note(text, Tone.WARN) for text in facts["warnings"]]
    blocks.append(Table(f"Spent in the last {facts['days']} days", columns, rows))
    if facts["period"].unknown:
        blocks.append(
            Note(
                f"{facts['period'].unknown} credits are unconfirmed: the call was sent and no "
                "answer said whether it was billed. They count as spent."
            )
        )
    return blocks


def _limit(limit: int | None) -> str:
    return "no limit set" if limit is None else f"of {limit:,}"
