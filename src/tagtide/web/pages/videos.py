"""Videos: one with its curve, and those of a campaign as a list and as a file."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime

from fastapi import APIRouter, Request, Response

from tagtide.core import formats
from tagtide.core.charts import Chart
from tagtide.core.charts.video import engagement_chart, views_chart
from tagtide.core.names import parse_hashtag
from tagtide.core.periods import parse_span, zone_or_utc
from tagtide.errors import InvalidInput
from tagtide.models import Campaign
from tagtide.ports.browse import VideoFilter, VideoSort
from tagtide.services.views.lists import video_batches, view_videos
from tagtide.services.views.video import VideoView, view_video
from tagtide.web.download import export_file
from tagtide.web.forms import campaign_of
from tagtide.web.frame import page, shared_of
from tagtide.web.pages.alerts import number_in

_LONGEST_TEXT = 100
#: Far from the ends of time, which no zone may pass.
_YEARS = (2000, 2200)
#: Orders in words.
SORTS = {
    VideoSort.VIEWS: "most views",
    VideoSort.ENGAGEMENT_RATE: "highest engagement rate",
    VideoSort.NEWEST: "seen first most recently",
    VideoSort.AGE_SCORE: "most views for its age",
}


def router() -> APIRouter:
    """Routes of the pages."""
    routes = APIRouter()

    @routes.get("/videos/{video_id}", response_model=None)
    async def one(request: Request, video_id: str) -> Response:
        within = number_in(request.query_params, "campaign")
        view = await view_video(shared_of(request).app.context, video_id, campaign_id=within)
        campaign = view.curve.campaign
        zone = campaign.timezone if campaign else "UTC"
        return await page(
            request,
            "video.html.j2",
            view=view,
            charts=charts_of(view, zone),
            sentence=sentence(view),
            rank=rank_text(view),
            zone=zone,
        )

    @routes.get("/campaigns/{campaign_id}/videos", response_model=None)
    async def listed(request: Request, campaign_id: str) -> Response:
        context = shared_of(request).app.context
        campaign = await campaign_of(request, campaign_id)
        query = request.query_params
        wanted, sort = filter_of(query, campaign, context.clock.now()), sort_of(query)
        after = query.get("after") or None
        view = await view_videos(context, campaign, wanted, sort, after=after)
        return await page(
            request,
            "videos.html.j2",
            view=view,
            wanted=wanted,
            query=asked(query),
            sort=sort,
            sorts=SORTS,
            is_first=after is None,
            zone=campaign.timezone,
        )

    @routes.get("/campaigns/{campaign_id}/videos.csv", response_model=None)
    async def exported(request: Request, campaign_id: str) -> Response:
        context = shared_of(request).app.context
        campaign = await campaign_of(request, campaign_id)
        wanted = filter_of(request.query_params, campaign, context.clock.now())
        return export_file("videos", "videos", campaign, video_batches(context, wanted))

    return routes


# --- what is asked --------------------------------------------------------------------------------

_NAMES = ("since", "priority", "viral", "hashtag", "text", "creator", "min_views", "sort")


def asked(query: Mapping[str, str]) -> dict[str, str]:
    """The filter as parameters of an address, without the page."""
    return {name: query.get(name, "").strip()[:_LONGEST_TEXT] for name in _NAMES}


def filter_of(query: Mapping[str, str], campaign: Campaign, now: datetime) -> VideoFilter:
    """The filter in an address. Raises `InvalidInput`."""
    return VideoFilter(
        campaign_id=campaign.campaign_id,
        since=since_in(query, campaign, now),
        high_priority=bool(query.get("priority")),
        viral=bool(query.get("viral")),
        hashtag=parse_hashtag(query["hashtag"]) if query.get("hashtag") else None,
        text=text_in(query, "text"),
        creator=text_in(query, "creator"),
        min_views=number_in(query, "min_views"),
    )


def sort_of(query: Mapping[str, str]) -> VideoSort:
    """The order in an address. Raises `InvalidInput`."""
    try:
        return VideoSort(query.get("sort") or VideoSort.VIEWS)
    except ValueError as error:
        raise InvalidInput("That order is not known.", hint="Choose one on the page.") from error


def text_in(query: Mapping[str, str], name: str) -> str | None:
    """A text in an address; None without it."""
    return query.get(name, "").strip()[:_LONGEST_TEXT] or None


def since_in(query: Mapping[str, str], campaign: Campaign, now: datetime) -> datetime | None:
    """A day in the campaign's zone, or a span such as ``24h`` or ``7d`` back from now.

    Raises `InvalidInput`.
    """
    text = query.get("since", "").strip().casefold()
    if not text:
        return None
    span = parse_span(text)
    if span is not None:
        return now - span
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise InvalidInput(
            f"“{formats.clean_text(text, 20)}” is no day.", hint="Write 2026-12-01, or 24h or 7d."
        ) from error
    if not _YEARS[0] <= day.year <= _YEARS[1]:
        raise InvalidInput(f"Nothing was seen in the year {day.year}.")
    return datetime(day.year, day.month, day.day, tzinfo=zone_or_utc(campaign.timezone))


# --- words ----------------------------------------------------------------------------------------


def charts_of(view: VideoView, zone_name: str) -> dict[str, Chart]:
    """What can be drawn."""
    curve, zone = view.curve, zone_or_utc(zone_name)
    created_at = curve.file.video.created_at
    found = {"views": views_chart(curve.readings, created_at, curve.usual, zone, zone_name)}
    if any(r.counters.engagement is not None for r in curve.readings):
        found["engagement"] = engagement_chart(curve.readings, created_at, zone, zone_name)
    return found


def sentence(view: VideoView) -> str:
    """What became of it, in a sentence."""
    readings = [r for r in view.curve.readings if r.counters.view_count is not None]
    if not readings:
        return "Its views are not known."
    last = readings[-1]
    said = f"{formats.compact(last.counters.view_count)} views"
    rate = last.counters.engagement_rate
    if rate is not None:
        said += f" at an engagement rate of {formats.percent(rate)}"
    day = last.read_at.timestamp() - 86_400
    before = [r for r in readings[:-1] if r.read_at.timestamp() <= day]
    if not before:
        return f"{said}."
    gained = (last.counters.view_count or 0) - (before[-1].counters.view_count or 0)
    same = last.counters.source is before[-1].counters.source
    if not same or gained < 0:
        return f"{said}."
    return (
        f"{said}; it gained {formats.compact(gained)} in the last "
        f"{formats.span(last.read_at - before[-1].read_at)} it was read."
    )


def rank_text(view: VideoView) -> str:
    """Its rank for its age and what that means, in a sentence or two."""
    curve = view.curve
    if curve.campaign is None:
        return "No campaign in service holds it, so there is nothing to compare it with."
    if curve.file.video.created_at is None:
        return "When it was published is not known, so it cannot be compared by age."
    if curve.score is None or curve.rank is None:
        return (
            "It cannot be ranked yet: that takes known views and at least ten other videos whose "
            "views and age are known."
        )
    place = f"Rank {curve.rank:,} of {curve.compared:,} for its age"
    mark = (
        "past the mark that one in 100 ordinary videos passes"
        if curve.score.stands_out
        else "short of the mark that one in 100 ordinary videos passes"
    )
    return (
        f"{place}: {curve.score.sentence}. That is {mark} "
        f"({formats.decimal(curve.score.z)} of {formats.decimal(curve.score.mark)})."
    )
