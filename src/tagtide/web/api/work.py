"""Runs, credits and the ledger; runs started by hand."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, HTTPException, Path, Query, Request
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from tagtide.models import Charge, Job, Run, Status
from tagtide.ports import LedgerFilter, RunFilter
from tagtide.services.views.credits import CreditsView, LedgerView, view_credits, view_ledger
from tagtide.services.views.runs import RunsView, RunView, view_run, view_runs
from tagtide.web.api.params import BIGGEST, Before, Instant, RowId
from tagtide.web.api.problem import described
from tagtide.web.api.route import api_router
from tagtide.web.frame import shared_of
from tagtide.web.live import MOST_STREAMS


class RunWanted(BaseModel):
    """A run that is to begin now."""

    model_config = ConfigDict(extra="forbid", strict=True)

    campaign_id: int = Field(ge=1, le=BIGGEST)
    job: Literal["collect", "track"]


def router() -> APIRouter:
    """Routes of the topic."""
    routes = api_router("runs and credits")
    _add_runs(routes)
    _add_credits(routes)
    return routes


def _add_runs(routes: APIRouter) -> None:
    @routes.get("/runs", responses=described())
    async def list_runs(
        request: Request,
        since: Annotated[Instant | None, Query(description="Slots from then on.")] = None,
        campaign_id: RowId = None,
        job: Job | None = None,
        status: Status | None = None,
        before: Before = None,
    ) -> RunsView:
        """Runs newest first, with the outcome of every slot, and what a run by hand would cost."""
        wanted = RunFilter(since=since, campaign_id=campaign_id, job=job, status=status)
        return await view_runs(shared_of(request).app.context, wanted, before=before)

    # Before the route of one run, whose number would otherwise be "events".
    @routes.get(
        "/runs/events",
        response_class=StreamingResponse,
        responses={
            **described(),
            200: {
                "description": "Server-sent events of runs as they go on; never ends by itself.",
                "content": {"text/event-stream": {}},
            },
        },
    )
    async def follow_runs(request: Request, run_id: RowId = None) -> StreamingResponse:
        """Follow one run, or all."""
        streams = shared_of(request).live.streams
        if streams.is_full:
            raise HTTPException(503, f"{MOST_STREAMS} readers follow runs already.")
        return StreamingResponse(streams.events(run_id), media_type="text/event-stream")

    @routes.get("/runs/{run_id}", responses=described(404))
    async def get_run(request: Request, run_id: Annotated[int, Path(ge=1, le=BIGGEST)]) -> RunView:
        """What a run asked, got, missed and paid."""
        return await view_run(shared_of(request).app.context, run_id)

    @routes.post("/runs", status_code=202, responses=described(402, 404, 409, 413, 502))
    async def start_run(request: Request, wanted: RunWanted) -> Run:
        """Begin a run now. It spends credits: `GET /runs` says in `offers` how many."""
        shared = shared_of(request)
        campaign = await shared.app.context.store.campaign_by_id(wanted.campaign_id)
        return await shared.live.runs.start(campaign, Job(wanted.job))


def _add_credits(routes: APIRouter) -> None:
    @routes.get("/credits", responses=described())
    async def credits_spent(request: Request) -> CreditsView:
        """Spent, forecast, budgets, cost per campaign, new video and alert."""
        app = shared_of(request).app
        return await view_credits(app.context, schedules=app.schedules)

    @routes.get("/ledger", responses=described())
    async def ledger(
        request: Request,
        since: Annotated[Instant | None, Query()] = None,
        until: Annotated[Instant | None, Query()] = None,
        run_id: RowId = None,
        campaign_id: RowId = None,
        endpoint: Annotated[str | None, Query(max_length=40, pattern=r"^[a-z_/]*$")] = None,
        charge: Charge | None = None,
        before: Before = None,
    ) -> LedgerView:
        """One row per call, newest first."""
        wanted = LedgerFilter(
            since=since,
            until=until,
            run_id=run_id,
            campaign_id=campaign_id,
            endpoint=endpoint or None,
            state=charge,
        )
        return await view_ledger(shared_of(request).app.context, wanted, before=before)
