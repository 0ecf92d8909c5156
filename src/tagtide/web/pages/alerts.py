"""Alerts: the list, one alert, what its rule would have done; taking in hand and muting."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from urllib.parse import quote

from fastapi import APIRouter, Request, Response

from tagtide.core.charts import Chart
from tagtide.core.charts.alert import course_chart, parts_chart
from tagtide.core.charts.video import views_chart
from tagtide.core.formats import (
    clean_text,
    counted,
    percent,
    signed_percent,
    signed_whole,
    span_of_hours,
    whole,
)
from tagtide.core.names import parse_hashtag
from tagtide.core.periods import zone_or_utc
from tagtide.errors import InvalidInput
from tagtide.models import Alert, AlertState, Campaign, Rule
from tagtide.ports.browse import AlertFilter
from tagtide.services import respond
from tagtide.services.views.alerts import (
    AlertsView,
    AlertView,
    ChangePart,
    Decomposition,
    PartKind,
    view_alert,
    view_alerts,
    view_replay,
)
from tagtide.web.forms import fields_of, form_of, local_path, see
from tagtide.web.frame import page, shared_of, visitor_of
from tagtide.web.words import MEASURES

#: An alert muted until it is over is muted for the longest there is.
_UNTIL_OVER = "365d"
_SPANS = {"1h": "1 hour", "24h": "24 hours", "7d": "7 days", "over": "until it is over"}
_DEFAULT_SPAN = "24h"
#: Alerts that one form takes in hand.
_MOST = 100


def router() -> APIRouter:
    """Routes of the pages."""
    routes = APIRouter()
    replaying = asyncio.Lock()

    @routes.get("/alerts", response_model=None)
    async def listed(request: Request) -> Response:
        query = request.query_params
        wanted = filter_of(query)
        view = await view_alerts(
            shared_of(request).app.context, wanted, after=query.get("after") or None
        )
        return await page(
            request,
            "alerts.html.j2",
            view=view,
            wanted=wanted,
            query=query_of(wanted),
            is_first=not query.get("after"),
            sentence=sentence(view),
            zone=_zone(view.campaigns),
        )

    @routes.get("/alerts/{alert_id}", response_model=None)
    async def one(request: Request, alert_id: str) -> Response:
        view = await view_alert(shared_of(request).app.context, alert_id)
        return await page(
            request,
            "alert.html.j2",
            view=view,
            charts=charts_of(view),
            parts=[(part_label(p), p) for p in _parts(view)],
            scopes=scopes_of(view.line.alert, view.line.campaign),
            spans=_SPANS,
            without=without_text(view.decomposition),
            zone=view.line.timezone,
        )

    @routes.get("/alerts/{alert_id}/backtest", response_model=None)
    async def backtest(request: Request, alert_id: str) -> Response:
        # One at a time: each takes a core for as long as it lasts.
        async with replaying:
            view = await view_replay(shared_of(request).app.context, alert_id)
        zone = view.campaign.timezone if view.campaign else "UTC"
        return await page(request, "backtest.html.j2", view=view, zone=zone)

    _add_actions(routes)
    return routes


def _add_actions(routes: APIRouter) -> None:
    @routes.post("/alerts/ack", response_model=None)
    async def acknowledge_many(request: Request) -> Response:
        fields = await fields_of(request)
        picked = [str(value) for value in (await form_of(request)).getlist("alert_id")]
        if not picked:
            raise InvalidInput("No alert was chosen.", hint="Tick those to take in hand.")
        context = shared_of(request).app.context
        await respond.acknowledge_open(
            context, picked[:_MOST], by=visitor_of(request).name, note=fields.get("note", "")
        )
        return see(local_path(fields.get("back"), "/alerts"))

    @routes.post("/alerts/{alert_id}/ack", response_model=None)
    async def acknowledge(request: Request, alert_id: str) -> Response:
        fields = await fields_of(request)
        await respond.acknowledge(
            shared_of(request).app.context,
            alert_id,
            by=visitor_of(request).name,
            note=fields.get("note", ""),
        )
        return see(local_path(fields.get("back"), _path(alert_id)))

    @routes.post("/alerts/{alert_id}/mute", response_model=None)
    async def mute(request: Request, alert_id: str) -> Response:
        fields = await fields_of(request)
        context = shared_of(request).app.context
        alert = await context.store.alert(alert_id)
        campaigns = {c.campaign_id: c for c in await context.store.campaigns()}
        scope = fields.get("scope", "alert")
        campaign = campaigns.get(alert.campaign_id) if alert.campaign_id is not None else None
        await respond.mute(
            context,
            target_of(alert, campaign, scope),
            until=until_of(fields, scope),
            reason=fields.get("reason", ""),
            by=visitor_of(request).name,
        )
        return see(local_path(fields.get("back"), _path(alert.alert_id)))

    @routes.post("/alerts/mutes/{mute_id}/end", response_model=None)
    async def unmute(request: Request, mute_id: str) -> Response:
        fields = await fields_of(request)
        context = shared_of(request).app.context
        in_force = await context.store.mutes(context.clock.now())
        # One that is over already is as the person wanted it.
        if any(mute.mute_id == mute_id for mute in in_force):
            await respond.unmute(
                context, respond.Target(alert_id=mute_id), by=visitor_of(request).name
            )
        return see(local_path(fields.get("back"), "/alerts"))


def _path(alert_id: str) -> str:
    return f"/alerts/{quote(alert_id, safe='')}"


# --- what is asked --------------------------------------------------------------------------------


def filter_of(query: Mapping[str, str]) -> AlertFilter:
    """The filter in an address. Raises `InvalidInput`."""
    try:
        state = AlertState(query["state"]) if query.get("state") else None
        rule = Rule(query["rule"]) if query.get("rule") else None
    except ValueError as error:
        raise InvalidInput("That filter is not known.", hint="Choose one on the page.") from error
    return AlertFilter(
        state=state,
        rule=rule,
        campaign_id=number_in(query, "campaign"),
        hashtag=parse_hashtag(query["hashtag"]) if query.get("hashtag") else None,
    )


def number_in(query: Mapping[str, str], name: str) -> int | None:
    """A whole number in an address; None without it. Raises `InvalidInput`."""
    text = query.get(name, "").strip()
    if not text:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) <= 18):
        raise InvalidInput(f"{clean_text(text, 20)} is not a whole number.")
    return int(text)


def query_of(wanted: AlertFilter) -> dict[str, object]:
    """The filter as parameters of an address."""
    return {
        "state": wanted.state and wanted.state.value,
        "rule": wanted.rule and wanted.rule.value,
        "campaign": wanted.campaign_id,
        "hashtag": wanted.hashtag,
    }


def target_of(alert: Alert, campaign: Campaign | None, scope: str) -> respond.Target:
    """What a mute of that scope is about. Raises `InvalidInput`."""
    if scope == "alert":
        return respond.Target(alert_id=alert.alert_id)
    if campaign is None:
        raise InvalidInput("The campaign of this alert is not in service; mute the alert itself.")
    if scope == "campaign":
        return respond.Target(campaign=campaign.name)
    if scope == "rule" and alert.rule is not Rule.SELF:
        return respond.Target(campaign=campaign.name, rule=alert.rule.value)
    if scope == "hashtag" and alert.hashtag is not None:
        return respond.Target(campaign=campaign.name, hashtag=alert.hashtag)
    raise InvalidInput("It is not known what to mute.", hint="Choose one on the page.")


def until_of(fields: Mapping[str, str], scope: str) -> str:
    """The end of a mute as the service takes it. Raises `InvalidInput`."""
    own = fields.get("own", "").strip()
    if own:
        return own
    chosen = fields.get("until", _DEFAULT_SPAN)
    if chosen == "over":
        if scope != "alert":
            raise InvalidInput(
                "Only one alert can be muted until it is over.",
                hint="Choose a span for a hashtag, a rule or a campaign.",
            )
        return _UNTIL_OVER
    if chosen not in _SPANS:
        raise InvalidInput("That span is not known.", hint="Choose one on the page.")
    return chosen


def scopes_of(alert: Alert, campaign: Campaign | None) -> dict[str, str]:
    """What can be muted from here, in words."""
    found = {"alert": "this alert"}
    if campaign is None:
        return found
    name = clean_text(campaign.name, 40)
    if alert.hashtag is not None:
        found["hashtag"] = f"everything about #{clean_text(alert.hashtag, 40)} in {name}"
    if alert.rule is not Rule.SELF:
        found["rule"] = f"this rule in {name}"
    return found | {"campaign": f"everything about {name}"}


# --- words ----------------------------------------------------------------------------------------


def sentence(view: AlertsView) -> str:
    """How things stand, in a sentence."""
    if not view.firing:
        return "Nothing is out of the usual."
    alone = view.firing - view.in_hand
    firing = f"{counted(view.firing, 'alert')} {'fires' if view.firing == 1 else 'fire'}"
    if not alone:
        return f"{firing}; somebody has {'it' if view.firing == 1 else 'each'} in hand."
    if not view.in_hand:
        return f"{firing}, and nobody has {'it' if view.firing == 1 else 'one'} in hand."
    return f"{firing}; {alone:,} of them nobody has in hand."


def _zone(campaigns: tuple[Campaign, ...]) -> str:
    zones = {campaign.timezone for campaign in campaigns}
    return zones.pop() if len(zones) == 1 else "UTC"


def charts_of(view: AlertView) -> dict[str, Chart]:
    """What can be drawn."""
    zone_name = view.line.timezone
    zone, found = zone_or_utc(zone_name), {}
    if view.course is not None:
        found["course"] = course_chart(view.course, zone, zone_name)
    if view.video is not None:
        curve = view.video
        found["course"] = views_chart(
            curve.readings, curve.file.video.created_at, curve.usual, zone, zone_name
        )
    parts = _parts(view)
    if view.decomposition is not None and parts:
        said = view.decomposition
        largest = max(parts, key=lambda part: part.gained)
        noun = MEASURES[said.measure]
        share = percent(largest.share)
        found["parts"] = parts_chart(
            [(part_label(part), part.gained, part.share) for part in parts],
            noun,
            f"{share} of {signed_whole(said.delta)} {noun}: {part_label(largest)}",
        )
    return found


def _parts(view: AlertView) -> tuple[ChangePart, ...]:
    return view.decomposition.parts if view.decomposition else ()


def part_label(part: ChangePart) -> str:
    """What a part is, short enough for a chart."""
    if part.kind is PartKind.UNSEEN:
        return "not seen in any video held"
    if part.kind is PartKind.OTHERS:
        return counted(part.videos or 0, "other video held", "other videos held")
    name = clean_text(part.author_username, 32)
    by = f"@{name}" if name else "unknown creator"
    if part.kind is PartKind.CREATOR:
        return f"{by}, {counted(part.videos or 0, 'video')}"
    return by if part.age_hours is None else f"{by}, {span_of_hours(part.age_hours)} old"


def without_text(found: Decomposition | None) -> str:
    """The verdict without the largest part, in a sentence; empty where there is none."""
    if found is None or found.without_value is None or found.without_fires is None:
        return ""
    name = clean_text(found.without_author, 40)
    whose = f"@{name}" if name else "an unknown creator"
    what = "videos" if found.measure.value in {"video_count", "videos_seen"} else "video"
    left = f"{whole(found.without_value)} {MEASURES[found.measure]}"
    if found.without_ratio is not None:
        left += f" ({signed_percent(found.without_ratio)})"
    would = "have fired all the same" if found.without_fires else "not have fired"
    verdict = f"the rule would {would}"
    return f"Without the largest part, the {what} of {whose}, {left} are left: {verdict}."
