"""Creators: one with every video of theirs, and those of a campaign as a list."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from fastapi import APIRouter, Request, Response

from tagtide.core import formats
from tagtide.errors import InvalidInput, NotFound
from tagtide.models import Campaign
from tagtide.ports.browse import CreatorFilter, CreatorSort
from tagtide.services.creator_report import read_creator
from tagtide.services.report import report_language
from tagtide.services.views.creator import CreatorView, view_creator
from tagtide.services.views.lists import view_creators
from tagtide.web.creator_file import CreatorStyle, creator_file
from tagtide.web.documents import MEDIA
from tagtide.web.forms import campaign_of, number_of
from tagtide.web.frame import page, shared_of
from tagtide.web.pages.alerts import number_in
from tagtide.web.pages.videos import text_in

SORTS = {
    CreatorSort.VIEWS: "most views",
    CreatorSort.VIDEOS: "most videos",
    CreatorSort.ENGAGEMENT_RATE: "highest engagement rate",
    CreatorSort.NEWEST: "newest video",
}
_NAMES = ("text", "priority", "min_views", "min_videos", "sort")


def router() -> APIRouter:
    """Routes of the pages."""
    routes = APIRouter()

    @routes.get("/reports/creator.{style}", response_model=None)
    async def as_file(request: Request, style: str) -> Response:
        """One creator as a file; the key stands in the query, for it may hold anything."""
        if style not in MEDIA:
            raise NotFound("The page is given as pdf, html, xlsx, md and json.")
        app, query = shared_of(request).app, request.query_params
        number = number_of(query.get("campaign") or None)
        campaign = None if number is None else await app.context.store.campaign_by_id(number)
        report = await read_creator(app.context, query.get("creator", ""), campaign)
        speech = report_language(app.context, campaign)
        return await creator_file(report, cast("CreatorStyle", style), app.brand(), speech)

    # A key is a stranger's: it may hold anything, a slash too.
    @routes.get("/creators/{creator_key:path}", response_model=None)
    async def one(request: Request, creator_key: str) -> Response:
        view = await view_creator(shared_of(request).app.context, creator_key)
        zones = {stake.campaign.timezone for stake in view.stakes}
        return await page(
            request,
            "creator.html.j2",
            view=view,
            sentence=sentence(view),
            cadence=cadence_text(view),
            zone=zones.pop() if len(zones) == 1 else "UTC",
        )

    @routes.get("/campaigns/{campaign_id}/creators", response_model=None)
    async def listed(request: Request, campaign_id: str) -> Response:
        context = shared_of(request).app.context
        campaign = await campaign_of(request, campaign_id)
        query = request.query_params
        wanted, sort = filter_of(query, campaign), sort_of(query)
        after = query.get("after") or None
        view = await view_creators(context, campaign, wanted, sort, after=after)
        return await page(
            request,
            "creators.html.j2",
            view=view,
            wanted=wanted,
            query={name: query.get(name, "").strip()[:100] for name in _NAMES},
            sort=sort,
            sorts=SORTS,
            is_first=after is None,
            zone=campaign.timezone,
        )

    return routes


def filter_of(query: Mapping[str, str], campaign: Campaign) -> CreatorFilter:
    """The filter in an address. Raises `InvalidInput`."""
    return CreatorFilter(
        campaign_id=campaign.campaign_id,
        text=text_in(query, "text"),
        high_priority=bool(query.get("priority")),
        min_views=number_in(query, "min_views"),
        min_videos=number_in(query, "min_videos"),
    )


def sort_of(query: Mapping[str, str]) -> CreatorSort:
    """The order in an address. Raises `InvalidInput`."""
    try:
        return CreatorSort(query.get("sort") or CreatorSort.VIEWS)
    except ValueError as error:
        raise InvalidInput("That order is not known.", hint="Choose one on the page.") from error


def sentence(view: CreatorView) -> str:
    """What they are worth, in a sentence."""
    count = formats.counted(len(view.videos), "video")
    if not view.videos:
        return "No campaign in service holds a video of theirs."
    views = "" if view.views.total is None else f" with {formats.compact(view.views.total)} views"
    campaigns = formats.counted(len(view.stakes), "campaign")
    rate = ""
    if view.engagement_rate is not None:
        rate = f" at an engagement rate of {formats.percent(view.engagement_rate)}"
    return f"{count}{views}{rate}, in {campaigns}."


def cadence_text(view: CreatorView) -> str:
    """How often they publish what is held."""
    found = view.cadence
    if found is None:
        return "When they published is not known."
    if found.gap is None:
        return "One video: no cadence to speak of."
    span = formats.span(found.last_at - found.first_at)
    return (
        f"{formats.counted(found.videos, 'video')} within {span}; half of the pauses between two "
        f"are {formats.span(found.gap)} or shorter. Only videos that tagtide has seen count."
    )
