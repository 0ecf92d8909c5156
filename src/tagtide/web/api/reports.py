"""Kept reports: their list, one of them as JSON, and the weekly ranking by pages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response

from tagtide.errors import InvalidInput
from tagtide.services.creator_report import read_creator
from tagtide.services.report import report_language
from tagtide.services.views.reports import KINDS, view_report, view_reports, view_weekly
from tagtide.web.api.campaigns import CampaignId
from tagtide.web.api.params import PLAIN, RowId
from tagtide.web.api.problem import described
from tagtide.web.api.route import api_router
from tagtide.web.creator_file import CreatorStyle, creator_file
from tagtide.web.documents import MEDIA
from tagtide.web.frame import shared_of

PageNumber = Annotated[int, Query(ge=1, le=1_000_000)]
_KIND = "^[a-z_]{1,40}$"
Kind = Annotated[str, Path(pattern=_KIND)]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptReport:
    """A report that was kept."""

    campaign_id: int
    #: Empty where the campaign is gone.
    campaign: str
    kind: str
    on: date
    made_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptReports:
    """A page of them, newest first."""

    reports: tuple[KeptReport, ...]
    page: int
    has_more: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class WeeklyRanking:
    """The weekly report of a day, a hundred hashtags a page."""

    campaign_id: int
    campaign: str
    #: None where there is no report yet.
    on: date | None
    week: str | None
    sentence: str
    hashtags: tuple[Mapping[str, Any], ...]
    emerging: tuple[Mapping[str, Any], ...]
    page: int
    pages: int
    #: Days of the reports that are kept, newest first.
    days: tuple[date, ...]


def router() -> APIRouter:
    """Routes of the topic."""
    routes = api_router("reports")

    @routes.get("/reports", responses=described())
    async def list_reports(
        request: Request,
        campaign_id: RowId = None,
        kind: Annotated[str | None, Query(pattern=_KIND)] = None,
        page: PageNumber = 1,
    ) -> KeptReports:
        """Reports that were kept, newest first."""
        if kind is not None and kind not in KINDS:
            raise InvalidInput(
                "There is no such kind of report.", hint=f"Kinds are {', '.join(KINDS)}."
            )
        view = await view_reports(
            shared_of(request).app.context, campaign_id=campaign_id, kind=kind, page=page
        )
        found = [
            KeptReport(
                campaign_id=line.name.campaign_id,
                campaign=line.campaign,
                kind=line.name.kind,
                on=line.name.on,
                made_at=line.name.made_at,
            )
            for line in view.reports
        ]
        return KeptReports(reports=tuple(found), page=view.page, has_more=view.has_more)

    @routes.get(
        "/reports/creator.{style}",
        response_class=Response,
        responses={
            **described(404),
            200: {
                "description": "The page as a file; as JSON, what `tagtide report creator` says.",
                "content": {name.partition(";")[0]: {} for name in MEDIA.values()},
            },
        },
    )
    async def creator_report(
        request: Request,
        style: CreatorStyle,
        creator_key: Annotated[str, Query(min_length=1, max_length=300, pattern=PLAIN)],
        campaign_id: RowId = None,
    ) -> Response:
        """One creator on one page, of one campaign or of all: without notes and Spark codes."""
        app = shared_of(request).app
        campaign = None
        if campaign_id is not None:
            campaign = await app.context.store.campaign_by_id(campaign_id)
        report = await read_creator(app.context, creator_key, campaign)
        speech = report_language(app.context, campaign)
        return await creator_file(report, style, app.brand(), speech)

    @routes.get("/reports/{campaign_id}/{kind}/{day}", responses=described(404))
    async def get_report(
        request: Request,
        campaign_id: CampaignId,
        kind: Kind,
        day: date,
    ) -> dict[str, Any]:
        """One report, as `tagtide report --json` gave it."""
        context = shared_of(request).app.context
        return dict((await view_report(context, campaign_id, kind, day)).report.body)

    @routes.get("/campaigns/{campaign_id}/weekly", responses=described(404))
    async def weekly(
        request: Request,
        campaign_id: CampaignId,
        day: Annotated[date | None, Query(description="The newest without it.")] = None,
        page: PageNumber = 1,
    ) -> WeeklyRanking:
        """The weekly ranking of own and competitors' hashtags."""
        app = shared_of(request).app
        campaign = await app.store.campaign_by_id(campaign_id)
        view = await view_weekly(app.context, campaign, schedules=app.schedules, on=day, page=page)
        return WeeklyRanking(
            campaign_id=campaign_id,
            campaign=campaign.name,
            on=view.report.on if view.report else None,
            week=view.report.body.get("week") if view.report else None,
            sentence=view.sentence,
            hashtags=view.rows,
            emerging=view.emerging,
            page=view.page,
            pages=view.pages,
            days=view.days,
        )

    return routes
