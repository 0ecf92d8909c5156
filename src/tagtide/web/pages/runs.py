"""Runs: a timeline of slots, the list of runs, one run, and what starts one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.responses import StreamingResponse

from tagtide.core import formats
from tagtide.core.access import Need
from tagtide.core.periods import zone_or_utc
from tagtide.errors import InvalidInput, NotFound
from tagtide.models import Job, Status
from tagtide.ports import RunFilter
from tagtide.services.by_hand import BY_HAND
from tagtide.services.views.runs import RunsView, RunView, view_run, view_runs
from tagtide.web.forms import campaign_of, fields_of, number_of, see
from tagtide.web.frame import page, shared_of, visitor_of
from tagtide.web.live import MOST_STREAMS
from tagtide.web.timeline import PERIODS, bins_of, cells_of
from tagtide.web.words import reason_text


def router() -> APIRouter:
    """Routes of the pages."""
    routes = APIRouter()

    @routes.get("/runs", response_model=None)
    async def runs(request: Request) -> Response:
        return await _runs(request)

    # Before the route of one run, whose number would otherwise be "events".
    @routes.get("/runs/events", response_model=None)
    async def events(request: Request, run: str = "") -> Response:
        streams = shared_of(request).live.streams
        if streams.is_full:
            raise HTTPException(503, f"{MOST_STREAMS} readers follow runs already.")
        return StreamingResponse(
            streams.events(number_of(run)),
            media_type="text/event-stream",
            headers={"X-Accel-Buffering": "no"},
        )

    @routes.get("/runs/{run_id}", response_model=None)
    async def run(request: Request, run_id: str) -> Response:
        return await _run(request, run_id)

    @routes.post("/runs", response_model=None)
    async def start(request: Request) -> Response:
        fields = await fields_of(request)
        campaign = await campaign_of(request, fields.get("campaign", ""))
        job = next((job for job in BY_HAND if job.value == fields.get("job")), None)
        if job is None:
            raise InvalidInput("Only tracking and collection can be started by hand.")
        begun = await shared_of(request).live.runs.start(campaign, job)
        return see(f"/runs/{begun.run_id}")

    return routes


async def _runs(request: Request) -> Response:
    app, query = shared_of(request).app, request.query_params
    period = query.get("period", "7d")
    period = period if period in PERIODS else "7d"
    now = app.context.clock.now()
    chosen = RunFilter(
        campaign_id=number_of(query.get("campaign")),
        job=next((job for job in Job if job.value == query.get("job")), None),
        status=next((s for s in Status if s.value == query.get("status")), None),
    )
    zone = await _zone(request, chosen)
    bins = bins_of(period, now, zone_or_utc(zone))
    wanted = replace(chosen, since=bins[0].begin)
    view = await view_runs(app.context, wanted, before=number_of(query.get("before")))
    return await page(
        request,
        "runs.html.j2",
        view=view,
        period=period,
        periods=list(PERIODS),
        bins=bins,
        rows=[(row, cells_of(row.marks, bins, counted=period == "28d")) for row in view.rows],
        query=_query(chosen, period),
        sentence=sentence(view, period),
        jobs=list(Job),
        statuses=list(Status),
        can_start=shared_of(request).live.runs.can_start,
        may_start=visitor_of(request).may(Need.OPERATE),
        zone=zone,
    )


async def _zone(request: Request, chosen: RunFilter) -> str:
    campaigns = await shared_of(request).app.store.campaigns()
    zones = {c.timezone for c in campaigns if chosen.campaign_id in {None, c.campaign_id}}
    return zones.pop() if len(zones) == 1 else "UTC"


def _query(chosen: RunFilter, period: str) -> Mapping[str, str | int | None]:
    return {
        "period": period,
        "campaign": chosen.campaign_id,
        "job": chosen.job.value if chosen.job else None,
        "status": chosen.status.value if chosen.status else None,
    }


_SPANS = {"24h": "24 hours", "7d": "7 days", "28d": "28 days"}


def sentence(view: RunsView, period: str) -> str:
    """What was read of what was due, in a sentence."""
    span = _SPANS[period]
    if not view.campaigns:
        return "There is no campaign yet, so nothing is due."
    if not view.due:
        under_way = view.run_counts.get(Status.RUNNING, 0)
        return "The first run is under way." if under_way else f"Nothing was due in {span}."
    failed, skipped = view.missed[Status.FAILED], view.missed[Status.SKIPPED]
    if not failed and not skipped:
        return f"Everything that was due in {span} was read: {_readings(view.due)}."
    parts = [f"{formats.whole(failed)} failed"] if failed else []
    parts += [f"{formats.whole(skipped)} skipped"] if skipped else []
    return (
        f"{formats.percent(view.read / view.due)} of what was due in {span} was read: "
        f"{formats.whole(view.read)} of {_readings(view.due)}; {' and '.join(parts)}."
    )


def _readings(count: int) -> str:
    return formats.counted(count, "hashtag slot")


async def _run(request: Request, run_id: str) -> Response:
    app, number = shared_of(request).app, number_of(run_id)
    if number is None:
        raise NotFound("There is no such run.")
    view = await view_run(app.context, number)
    return await page(
        request,
        "run.html.j2",
        view=view,
        sentence=run_sentence(view),
        zone=view.line.timezone,
    )


def run_sentence(view: RunView) -> str:
    """What a run did, in a sentence."""
    run, total = view.line.summary.run, len(view.hashtags)
    read = view.line.hashtags_read
    if run.job not in BY_HAND:
        return "The report was made." if run.status is Status.OK else "The report was not made."
    if view.line.is_interrupted:
        return (
            f"It was broken off after {formats.whole(read)} of "
            f"{formats.counted(total, 'hashtag')}; what was read is kept."
        )
    done = f"{formats.whole(read)} of {formats.counted(total, 'hashtag')}"
    if run.finished_at is None:
        ended = len(view.line.summary.outcomes)
        return f"{formats.whole(ended)} of {formats.counted(total, 'hashtag')} have ended so far."
    if not read and run.status in {Status.FAILED, Status.SKIPPED}:
        why = reason_text(run.reason)
        return f"Nothing was read: {why}." if why else "Nothing was read."
    new = f", with {formats.counted(view.videos_new, 'new video')}"
    return f"Read {done}{new if run.job is Job.COLLECT or view.videos_new else ''}."
