"""Campaigns: the list, and one of them with its videos and its hashtags."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import quote

from fastapi import APIRouter, Request, Response

from tagtide.core import formats
from tagtide.core.charts import Chart
from tagtide.core.charts.campaign import (
    Axis,
    Line,
    Noun,
    Pace,
    growth_chart,
    rates_chart,
    velocity_chart,
)
from tagtide.core.charts.times import Event
from tagtide.core.periods import Period, PeriodName, zone_or_utc
from tagtide.core.reports.events import CampaignEvent, EventKind, events_between
from tagtide.models import Campaign
from tagtide.services.views.campaign import (
    SIX_HOURS,
    CampaignView,
    HashtagsView,
    Series,
    view_campaign,
    view_hashtags,
)
from tagtide.services.views.campaign_videos import CampaignVideosView, view_campaign_videos
from tagtide.services.views.campaigns import CampaignsView, view_campaigns
from tagtide.web.frame import page, shared_of
from tagtide.web.period import PeriodChoice, parse_period
from tagtide.web.words import RULES

#: A comparison with the period before needs readings from its first day on.
_LATE = timedelta(days=1)


def router() -> APIRouter:
    """Routes of the pages."""
    routes = APIRouter()

    @routes.get("/campaigns", response_model=None)
    async def listed(request: Request) -> Response:
        app = shared_of(request).app
        view = await view_campaigns(app.context, schedules=app.schedules)
        zones = {row.line.timezone for row in view.campaigns}
        return await page(
            request,
            "campaigns.html.j2",
            view=view,
            sentence=list_sentence(view),
            zone=zones.pop() if len(zones) == 1 else "UTC",
        )

    @routes.get("/campaigns/{campaign_id}", response_model=None)
    async def overview(request: Request, campaign_id: int) -> Response:
        app = shared_of(request).app
        campaign, choice = await asked_for(request, campaign_id)
        view = await view_campaign(app.context, campaign, choice.period, schedules=app.schedules)
        events = events_of(view, campaign, request.app.state.paths)
        return await page(
            request,
            "campaign.html.j2",
            view=view,
            head=view.head,
            choice=choice,
            tab="Overview",
            zone=campaign.timezone,
            sentence=sentence(view),
            events=events,
            charts=charts_of(view, [Event(at=e.at, label=e.text) for e in events]),
            versus=versus(view),
        )

    @routes.get("/campaigns/{campaign_id}/content", response_model=None)
    async def content(request: Request, campaign_id: int) -> Response:
        app = shared_of(request).app
        campaign, choice = await asked_for(request, campaign_id)
        view = await view_campaign_videos(
            app.context, campaign, choice.period, schedules=app.schedules
        )
        return await page(
            request,
            "campaign_videos.html.j2",
            view=view,
            head=view.head,
            choice=choice,
            tab="Content",
            zone=campaign.timezone,
            sentence=videos_sentence(view),
            rates=rates_chart(view.totals.rates, view.new.rates),
        )

    @routes.get("/campaigns/{campaign_id}/hashtags", response_model=None)
    async def hashtags(request: Request, campaign_id: int) -> Response:
        app = shared_of(request).app
        campaign, choice = await asked_for(request, campaign_id)
        view = await view_hashtags(
            app.context,
            campaign,
            choice.period,
            schedules=app.schedules,
            page=page_number(request),
        )
        return await page(
            request,
            "campaign_hashtags.html.j2",
            view=view,
            head=view.head,
            choice=choice,
            tab="Hashtags",
            zone=campaign.timezone,
            sentence=hashtags_sentence(view),
        )

    return routes


async def asked_for(request: Request, campaign_id: int) -> tuple[Campaign, PeriodChoice]:
    """The campaign and the period of a request. Raises `NotFound` or `InvalidInput`."""
    context = shared_of(request).app.context
    campaign = await context.store.campaign_by_id(campaign_id)
    return campaign, parse_period(request.query_params, campaign, context.clock.now())


def page_number(request: Request) -> int:
    """The page of a list; the first for what is no number."""
    given = request.query_params.get("page", "")
    return int(given) if given.isascii() and given.isdigit() and len(given) < 7 else 1


_WORDS = {
    PeriodName.DAY: "24 hours",
    PeriodName.WEEK: "7 days",
    PeriodName.MONTH: "28 days",
    PeriodName.CAMPAIGN: "the campaign so far",
}


def period_words(period: Period) -> str:
    """How long a period is, behind "in"."""
    return _WORDS.get(period.name) or formats.counted(max(1, round(period.length.days)), "day")


# --- sentences ------------------------------------------------------------------------------------


def list_sentence(view: CampaignsView) -> str:
    """What changed in all campaigns, in a sentence."""
    if not view.campaigns:
        return "There is no campaign yet."
    lines = [row.line for row in view.campaigns if row.line.new_views is not None]
    if not lines:
        return "What changed is known after the second reading."
    best = max(lines, key=lambda line: line.new_views or 0)
    name = formats.clean_text(best.campaign, 64)
    gained = formats.compact(best.new_views)
    if len(view.campaigns) == 1:
        return f"{name} gained {gained} views within a day."
    total = formats.compact(sum(line.new_views or 0 for line in lines))
    return f"{len(lines)} campaigns gained {total} views within a day, {name} most ({gained})."


def sentence(view: CampaignView) -> str:
    """What changed in the period, in a sentence."""
    own, span = view.own, period_words(view.period)
    if own.new_views is None:
        if own.view_count is None:
            return "Nothing has been read yet."
        return "There is no earlier reading to compare with in this period."
    who = formats.counted(own.hashtags, "own hashtag")
    videos = f" and {formats.counted(own.new_videos, 'video')}" if own.new_videos else ""
    said = f"{who} gained {formats.compact(own.new_views)} views{videos} in {span}"
    before = _ratio_before(view)
    if before is None:
        return f"{said}."
    return f"{said}, {_compared(before)} the {span} before."


def _compared(ratio: float) -> str:
    if ratio >= 2:
        return f"{formats.decimal(ratio)} times"
    if abs(ratio - 1) < 0.05:
        return "about as much as in"
    return f"{formats.percent(abs(ratio - 1))} {'more' if ratio > 1 else 'less'} than in"


def _ratio_before(view: CampaignView) -> float | None:
    """Views gained over those of the period before; None where that was not read from its begin."""
    before = view.before
    if before is None or not before.new_views or before.new_views < 0 or before.first_at is None:
        return None
    if before.first_at - before.since > _LATE or not view.series[0].points:
        return None
    now = sum(point.new_views for point in view.series[0].points)
    return now / before.new_views if now >= 0 else None


def versus(view: CampaignView) -> dict[str, str]:
    """Comparisons with the period before, in words; empty where there are none."""
    before, ratio = view.before, _ratio_before(view)
    views = videos = ""
    if before is not None and ratio is not None:
        views = f"{formats.growth(ratio - 1)} on {formats.compact(before.new_views)} before"
    if before is not None and before.videos_seen:
        change = view.videos_seen / before.videos_seen - 1
        videos = f"{formats.growth(change)} on {formats.whole(before.videos_seen)} before"
    return {"views": views, "videos": videos}


def videos_sentence(view: CampaignVideosView) -> str:
    """What came in, in a sentence."""
    if not view.totals.videos:
        return "No video of this campaign is held yet."
    new, span = view.new, period_words(view.period)
    if not new.videos:
        return f"No new video in {span}; {formats.counted(view.totals.videos, 'video')} are held."
    people = formats.counted(new.creators, "creator")
    said = f"{formats.counted(new.videos, 'new video')} by {people} in {span}"
    if new.views.known and new.views.total is not None:
        said += f", with {formats.compact(new.views.total)} views so far"
    return f"{said}."


def hashtags_sentence(view: HashtagsView) -> str:
    """Which hashtag leads, in a sentence."""
    gained = [line for line in view.hashtags if line.new_views]
    total = view.own.hashtags + view.competitors.hashtags
    if not gained or view.page > 1:
        return f"{formats.counted(total, 'hashtag')}, {view.own.hashtags} of them own."
    best = max(gained, key=lambda line: line.new_views or 0)
    name, views = formats.clean_text(best.hashtag, 64), formats.compact(best.new_views)
    span = period_words(view.period)
    return f"#{name} gained {views} views in {span}, most of the hashtags shown."


# --- charts ---------------------------------------------------------------------------------------


def charts_of(view: CampaignView, events: list[Event]) -> dict[str, Chart]:
    """The charts of the overview."""
    axis = axis_of(view.period, view.head.timezone)
    return {
        "growth_of_views": growth_chart(
            [_line(view, one, "views") for one in view.series],
            axis,
            name="views",
            noun=Noun.VIEWS,
            events=events,
        ),
        "growth_of_videos": growth_chart(
            [_line(view, one, "videos") for one in view.series],
            axis,
            name="videos",
            noun=Noun.VIDEOS,
            events=events,
        ),
        "velocity": _velocity_chart(view),
    }


def axis_of(period: Period, timezone: str) -> Axis:
    """The time axis of a period."""
    return Axis(
        since=period.since, until=period.until, zone=zone_or_utc(timezone), zone_name=timezone
    )


def _line(view: CampaignView, series: Series, counter: str) -> Line:
    own = formats.counted(view.own.hashtags, "own hashtag")
    name = own if series.hashtag is None else f"#{formats.clean_text(series.hashtag, 40)}"
    gains = []
    for point in series.points:
        ends_at = max(min(point.begins_at + view.every, view.period.until), view.period.since)
        gain = point.new_views if counter == "views" else point.new_videos
        gains.append((ends_at, gain))
    base = series.view_count if counter == "views" else series.video_count
    first = series.points[0].begins_at if series.points else None
    return Line(name=name, base=base, gains=tuple(gains), begins_at=first)


def _velocity_chart(view: CampaignView) -> Chart:
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
    zone = zone_or_utc(view.head.timezone)
    since = paces[0].begins_at if paces else view.period.since
    until = paces[-1].ends_at if paces else view.period.until
    is_daily = view.velocity_every > SIX_HOURS
    days = max((one.days for one in view.velocity), default=0)
    return velocity_chart(
        paces,
        Axis(since=since, until=until, zone=zone, zone_name=view.head.timezone),
        name="velocity",
        noun="views",
        span="day" if is_daily else "six hours",
        band=f"8 of 10 earlier days at the same hours, over up to {max(days, 1)} days",
    )


# --- events ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownEvent:
    """An event of a chart, in words, with the page to look at."""

    at: datetime
    text: str
    link: str = ""


def events_of(view: CampaignView, campaign: Campaign, paths: frozenset[str]) -> list[ShownEvent]:
    """What the charts mark, oldest first."""
    found = events_between(
        campaign,
        view.period.since,
        view.period.until,
        alerts=view.alerts,
        corrections=[
            (point.begins_at, series.hashtag)
            for series in view.series
            for point in series.points
            if point.corrections
        ],
    )
    return [_shown(event, paths) for event in found]


def _shown(event: CampaignEvent, paths: frozenset[str]) -> ShownEvent:
    if event.alert is not None:
        link = f"/alerts/{quote(event.alert.alert_id, safe='')}"
        return ShownEvent(
            at=event.at,
            text=f"{RULES[event.alert.rule]}: {event.alert.reason}",
            link=link if "/alerts/{alert_id}" in paths else "",
        )
    whose = "own hashtags" if event.hashtag is None else f"#{event.hashtag}"
    words = {
        EventKind.BEGAN: "The campaign began",
        EventKind.ENDED: "It ended",
        EventKind.CORRECTION: f"TikTok corrected the view count of {whose}",
    }
    return ShownEvent(at=event.at, text=words[event.kind])
