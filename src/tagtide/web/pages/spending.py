"""Credits: spent, left, forecast; and the ledger behind them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta

from fastapi import APIRouter, Request, Response

from tagtide.core import formats
from tagtide.core.access import Need
from tagtide.core.charts.credits import burn_down, daily_spending, day_text
from tagtide.models import Charge
from tagtide.ports import LedgerFilter
from tagtide.services.views.credits import CreditsView, view_credits, view_ledger
from tagtide.web.forms import fields_of, local_path, number_of, see
from tagtide.web.frame import page, shared_of, visitor_of
from tagtide.web.live import refreshed
from tagtide.web.words import ENDPOINTS

#: Days of the ledger that can be chosen; 0 is everything.
_SPANS = {"1d": 1, "7d": 7, "30d": 30, "all": 0}


def router() -> APIRouter:
    """Routes of the pages."""
    routes = APIRouter()

    @routes.get("/credits", response_model=None)
    async def credits_(request: Request) -> Response:
        app = shared_of(request).app
        view = await view_credits(app.context, schedules=app.schedules)
        return await page(
            request,
            "credits.html.j2",
            view=view,
            sentence=sentence(view),
            burn=burn_down(view.month_daily, view.month_limit, view.forecast, view.month_last),
            days=daily_spending(view.daily, view.credits_per_day),
            can_ask=app.can_call and visitor_of(request).may(Need.OPERATE),
            zone="UTC",
        )

    @routes.post("/credits/refresh", response_model=None)
    async def refresh(request: Request) -> Response:
        fields = await fields_of(request)
        await refreshed(shared_of(request).app)
        return see(local_path(fields.get("back"), "/credits"))

    @routes.get("/credits/ledger", response_model=None)
    async def ledger(request: Request) -> Response:
        app, query = shared_of(request).app, request.query_params
        wanted, shown = _wanted(query, app.context.clock.now())
        view = await view_ledger(app.context, wanted, before=number_of(query.get("before")))
        return await page(
            request,
            "ledger.html.j2",
            view=view,
            query=shown,
            spans=_SPANS,
            endpoints=list(ENDPOINTS),
            charges=list(Charge),
            zone="UTC",
        )

    return routes


def _wanted(
    query: Mapping[str, str], now: datetime
) -> tuple[LedgerFilter, Mapping[str, str | int | None]]:
    run_id, on = number_of(query.get("run")), _day(query.get("day", ""))
    span = query.get("period", "")
    span = span if span in _SPANS else "all" if run_id else "30d"
    since = now - timedelta(days=_SPANS[span]) if _SPANS[span] else None
    until = None
    if on is not None:
        since = datetime.combine(on, time(), UTC)
        until = since + timedelta(days=1)
    endpoint = query.get("endpoint")
    wanted = LedgerFilter(
        since=since,
        until=until,
        run_id=run_id,
        campaign_id=number_of(query.get("campaign")),
        endpoint=endpoint if endpoint in ENDPOINTS else None,
        state=next((c for c in Charge if c.value == query.get("charge")), None),
    )
    return wanted, {
        "period": span,
        "day": on.isoformat() if on else None,
        "run": run_id,
        "campaign": wanted.campaign_id,
        "endpoint": wanted.endpoint,
        "charge": wanted.state.value if wanted.state else None,
    }


def _day(text: str) -> date | None:
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return None
    return found if 2000 <= found.year <= 2200 else None


def sentence(view: CreditsView) -> str:
    """How long the credits last, in a sentence."""
    spent = view.month.counted
    so_far = f"{formats.counted(spent, 'credit')} spent since {day_text(view.month_begin)}"
    if not spent and not view.forecast.per_day:
        return "Nothing was spent this month, and no schedule spends anything."
    limit, what = view.credits_per_month, "the month's budget"
    if limit is not None and view.forecast.expected > limit:
        return f"{so_far}; at this pace {what} of {formats.whole(limit)} ends before the month."
    if limit is not None:
        return f"{so_far}; at this pace {what} of {formats.whole(limit)} lasts."
    if view.days_left is None:
        return f"{so_far}; how many are left is not known."
    if view.days_left > 400:
        return f"{so_far}; what is left lasts for more than a year at this pace."
    days = formats.counted(int(view.days_left), "day")
    return f"{so_far}; what is left lasts {days} at this pace."
