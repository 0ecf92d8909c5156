"""One hashtag of a campaign: its curves, its rules, its readings; end its pause."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import quote

from fastapi import APIRouter, Request, Response

from tagtide.core import formats
from tagtide.core.access import Need
from tagtide.core.charts import Chart
from tagtide.core.charts.campaign import Axis, Pace, velocity_chart
from tagtide.core.charts.hashtag import curve_chart
from tagtide.core.charts.times import Event
from tagtide.core.names import parse_hashtag
from tagtide.core.periods import zone_or_utc
from tagtide.errors import InvalidInput, NotFound
from tagtide.services.views.hashtag import HashtagView, view_hashtag
from tagtide.web.forms import fields_of, local_path, see
from tagtide.web.frame import page, shared_of, visitor_of
from tagtide.web.pages.campaigns import asked_for, axis_of, period_words
from tagtide.web.words import RULES, reason_text

_MOST_EVENTS = 12
_LONGEST_NAME = 300


def router() -> APIRouter:
    """Routes of the page."""
    routes = APIRouter()

    @routes.get("/campaigns/{campaign_id}/hashtags/{name}", response_model=None)
    async def shown(request: Request, campaign_id: int, name: str) -> Response:
        app = shared_of(request).app
        campaign, choice = await asked_for(request, campaign_id)
        view = await view_hashtag(
            app.context,
            campaign,
            normal(name),
            choice.period,
            schedules=app.schedules,
            before=_before(request.query_params.get("before")),
        )
        more = view.readings[-1].read_at.isoformat() if view.has_more else ""
        return await page(
            request,
            "hashtag.html.j2",
            view=view,
            head=view.head,
            choice=choice,
            zone=campaign.timezone,
            sentence=sentence(view),
            charts=charts_of(view),
            may_operate=visitor_of(request).may(Need.OPERATE),
            later=f"{choice.query}&before={quote(more)}" if more else "",
            earlier=choice.query if request.query_params.get("before") else "",
        )

    @routes.post("/campaigns/{campaign_id}/hashtags/{name}/resume", response_model=None)
    async def resume(request: Request, campaign_id: int, name: str) -> Response:
        context, wanted = shared_of(request).app.context, normal(name)
        fields = await fields_of(request)
        campaign = await context.store.campaign_by_id(campaign_id)
        if wanted not in {h.name for h in campaign.hashtags}:
            raise NotFound("This campaign has no such hashtag.", hint="Its page lists them.")
        await context.store.resume_hashtag(wanted)
        default = f"/campaigns/{campaign_id}/hashtags/{quote(wanted, safe='')}"
        return see(local_path(fields.get("back"), default))

    return routes


def normal(name: str) -> str:
    """The hashtag of an address as it is stored; what can be none stays as it is."""
    try:
        return parse_hashtag(name[:_LONGEST_NAME])
    except InvalidInput:
        return name[:_LONGEST_NAME]


def _before(given: str | None) -> datetime | None:
    if not given:
        return None
    try:
        at = datetime.fromisoformat(given)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None or not 2016 <= at.year <= 2200:
        raise InvalidInput("This page of readings cannot be found.", hint="Begin at the newest.")
    return at.astimezone(UTC)


def sentence(view: HashtagView) -> str:
    """What changed in the period, in a sentence."""
    name, span = f"#{formats.clean_text(view.hashtag, 64)}", period_words(view.period)
    if view.state.paused_at is not None:
        return f"{name} is paused: {reason_text(view.state.failure_reason)}."
    if view.state.latest is None:
        return f"{name} has not been read yet."
    if view.change is None:
        return f"{name} has no two readings to compare in {span}."
    if view.change.new_views is None:
        return f"{name}: what its views changed by in {span} is not known."
    videos = view.change.new_videos
    also = f" and {formats.counted(videos, 'video')}" if videos else ""
    gained = formats.compact(view.change.new_views)
    growth = ""
    if view.change.views.base:
        growth = f" ({formats.growth(view.change.new_views / view.change.views.base)})"
    return f"{name} gained {gained} views{also} in {span}{growth}."


def charts_of(view: HashtagView) -> dict[str, Chart]:
    """Views, videos and velocity."""
    axis = axis_of(view.period, view.head.timezone)
    uncertain = [
        Event(at=slot.slot_at, label=f"The read failed: {reason_text(slot.reason)}")
        for slot in view.uncertain
    ]
    events = [
        Event(at=alert.opened_at, label=f"{RULES[alert.rule]}: {alert.reason}")
        for alert in reversed(view.alerts)
        if view.period.since <= alert.opened_at <= view.period.until
    ][-_MOST_EVENTS:]
    curves = {
        f"{counter}s": curve_chart(
            view.curve, axis, counter=counter, uncertain=uncertain, events=events
        )
        for counter in ("view", "video")
    }
    return {**curves, "velocity": _velocity_chart(view)}


def _velocity_chart(view: HashtagView) -> Chart:
    paces = [
        Pace(
            begins_at=one.begins_at,
            ends_at=one.ends_at,
            gain=one.new_views,
            low=one.usual_low,
            high=one.usual_high,
        )
        for one in view.velocity
    ]
    axis = Axis(
        since=paces[0].begins_at if paces else view.period.since,
        until=paces[-1].ends_at if paces else view.period.until,
        zone=zone_or_utc(view.head.timezone),
        zone_name=view.head.timezone,
    )
    band = "where 9 of 10 lie by what the detector knows now"
    return velocity_chart(
        paces,
        axis,
        name="velocity",
        noun="views",
        span="six hours",
        band=band if view.has_usual else "nothing, the usual range is not known yet",
    )
