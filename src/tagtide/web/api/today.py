"""What changed, and credits."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request

from tagtide.services.views.campaigns import CampaignsView, view_campaigns
from tagtide.services.views.today import Purse, TodayView, view_purse, view_today
from tagtide.web.api.params import Instant
from tagtide.web.api.problem import described
from tagtide.web.api.route import api_router
from tagtide.web.frame import shared_of
from tagtide.web.live import refreshed

Since = Annotated[
    Instant | None, Query(description="Since when; a day ago without it. With a time zone.")
]


def router() -> APIRouter:
    """Routes of the topic."""
    routes = api_router("overview")

    @routes.get("/today", responses=described())
    async def today(request: Request, since: Since = None) -> TodayView:
        """What changed since an instant over all campaigns, and what needs a decision."""
        app = shared_of(request).app
        return await view_today(app.context, schedules=app.schedules, since=since)

    @routes.get("/balance", responses=described())
    async def balance(request: Request) -> Purse:
        """Credits left, spent today, and how long they last at this pace."""
        return await view_purse(shared_of(request).app.context)

    @routes.post("/balance/refresh", responses=described(502))
    async def refresh_balance(request: Request) -> Purse:
        """Ask the provider what is left, which is free."""
        app = shared_of(request).app
        await refreshed(app)
        return await view_purse(app.context)

    @routes.get("/overview", responses=described())
    async def overview(request: Request) -> CampaignsView:
        """Every campaign in a row: what changed within a day, how complete it is, what fires."""
        app = shared_of(request).app
        return await view_campaigns(app.context, schedules=app.schedules)

    return routes
