"""Reports that were kept: their list, one as a document of its own, and a new one by hand."""

from __future__ import annotations

import asyncio
from datetime import date

from fastapi import APIRouter, Request, Response

from tagtide.core.access import Need
from tagtide.core.messages import language_of
from tagtide.core.subscriptions import FILES
from tagtide.errors import InvalidInput, NotFound
from tagtide.renderers import render_as, render_json
from tagtide.renderers.look import Brand
from tagtide.services.report_kinds import MAKERS
from tagtide.services.subscriptions import view_subscriptions
from tagtide.services.views.reports import (
    JOBS,
    KINDS,
    TITLES,
    ReportView,
    report_title,
    view_report,
    view_reports,
)
from tagtide.web.documents import MEDIA, policy
from tagtide.web.forms import fields_of, local_path, number_of, see
from tagtide.web.frame import page, shared_of
from tagtide.web.pages.campaigns import page_number

#: How long a link to a report may be good, as forms offer it.
LIVES = {"7": "7 days", "30": "30 days", "90": "90 days", "365": "a year"}
#: Formats that show who hands a report out, and in which it can be handed out.
BRANDED = ("html", "pdf")
#: Formats that no browser shows.
_SAVED = ("md", "xlsx")


def router() -> APIRouter:
    """Routes of the pages."""
    routes = APIRouter()

    @routes.get("/reports", response_model=None)
    async def listed(request: Request) -> Response:
        asked = request.query_params
        kind = asked.get("kind") or None
        if kind is not None and kind not in KINDS:
            raise InvalidInput(
                f"There is no kind of report {kind[:40]!r}.", hint=f"Kinds are {', '.join(KINDS)}."
            )
        app = shared_of(request).app
        view = await view_reports(
            app.context,
            campaign_id=number_of(asked.get("campaign") or None),
            kind=kind,
            page=page_number(request),
        )
        return await page(
            request,
            "reports.html.j2",
            view=view,
            titles=TITLES,
            lives=LIVES,
            OPERATE=Need.OPERATE,
            subscriptions=await view_subscriptions(app.context, app.schedules),
            kinds=app.context.kinds,
            files=FILES,
            scheduled=JOBS,
        )

    @routes.post("/reports", response_model=None)
    async def made(request: Request) -> Response:
        fields = await fields_of(request)
        context, kind = shared_of(request).app.context, fields.get("kind", "")
        number = number_of(fields.get("campaign"))
        if kind not in MAKERS or number is None:
            raise InvalidInput("Which report is not said.", hint="Choose a campaign and a kind.")
        campaign = await context.store.campaign_by_id(number)
        await MAKERS[kind](context, campaign)
        return see(local_path(fields.get("back"), "/reports"))

    @routes.get("/reports/{campaign_id}/{kind}/{day}.{style}", response_model=None)
    async def one(request: Request, campaign_id: int, kind: str, day: str, style: str) -> Response:
        if style not in MEDIA:
            raise NotFound("Reports are given as html, pdf, xlsx, md and json.")
        context = shared_of(request).app.context
        view = await view_report(context, campaign_id, kind, day_of(day))
        brand = shared_of(request).app.brand() if style in BRANDED else None
        return await document(view, style, brand, is_download="download" in request.query_params)

    return routes


def day_of(text: str) -> date:
    """A day of an address. Raises `NotFound`."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise NotFound("There is no report of such a day.", hint="Days are 2026-11-20.") from None


async def document(
    view: ReportView, style: str, brand: Brand | None, *, is_download: bool
) -> Response:
    """The report as a file of its own, with a policy of its own: no script, no request."""
    report = view.report
    content = render_json(report.body) if style == "json" else await _for_people(view, style, brand)
    headers = {"Content-Security-Policy": policy(style, content)}
    if is_download or style in _SAVED:
        name = f"tagtide-{report.campaign_id}-{report.kind}-{report.on.isoformat()}.{style}"
        headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return Response(content, media_type=MEDIA[style], headers=headers)


async def _for_people(view: ReportView, style: str, brand: Brand | None) -> str | bytes:
    report, blocks = view.report, view.blocks
    if blocks is None:
        raise NotFound(
            "This report was kept by an older version, as JSON only.",
            hint="Make the report of the day again, or take its JSON.",
        )
    return await asyncio.to_thread(
        render_as,
        style,
        blocks,
        title=report_title(report.kind, view.campaign.name, language_of(blocks)),
        as_of=report.as_of,
        timezone=str(report.body.get("timezone") or view.campaign.timezone),
        brand=brand,
    )
