"""Alerts: read, taken in hand, given back, muted."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from tagtide.core.names import parse_hashtag
from tagtide.models import Alert, AlertState, Mute, Rule
from tagtide.ports.browse import AlertFilter
from tagtide.services import respond
from tagtide.services.views.alerts import AlertsView, AlertView, view_alert, view_alerts
from tagtide.web.api.params import PLAIN, After, Limit, RowId
from tagtide.web.api.problem import described
from tagtide.web.api.route import api_router
from tagtide.web.frame import shared_of, visitor_of

AlertId = Annotated[str, Path(pattern="^[0-9A-Za-z_-]{1,64}$")]


class Note(BaseModel):
    """What a person says about it."""

    model_config = ConfigDict(extra="forbid", strict=True)

    note: str = Field("", max_length=500, pattern=PLAIN)


class AlertsNamed(Note):
    """Alerts that somebody takes in hand together."""

    alert_ids: list[Annotated[str, Field(pattern="^[0-9A-Za-z_-]{1,64}$")]] = Field(
        min_length=1, max_length=100
    )


class Alerts(BaseModel):
    """Alerts that were taken in hand."""

    alerts: list[Alert]


class MuteWanted(BaseModel):
    """No messages for a while, about one alert, or about all that match what is named."""

    model_config = ConfigDict(extra="forbid", strict=True)

    until: str = Field(
        max_length=40, pattern=PLAIN, description="A span such as 24h or 7d, or an instant."
    )
    reason: str = Field("", max_length=500, pattern=PLAIN)
    alert_id: str | None = Field(None, pattern="^[0-9A-Za-z_-]{1,64}$")
    hashtag: str | None = Field(None, max_length=200, pattern=PLAIN)
    rule: str | None = Field(None, max_length=40, pattern=PLAIN)
    campaign: str | None = Field(None, max_length=200, pattern=PLAIN)


class Mutes(BaseModel):
    """Mutes in force, by their end."""

    mutes: list[Mute]


def router() -> APIRouter:
    """Routes of the topic."""
    routes = api_router("alerts")
    _add_reads(routes)
    _add_acts(routes)
    return routes


def _add_reads(routes: APIRouter) -> None:
    @routes.get("/alerts", responses=described())
    async def list_alerts(
        request: Request,
        state: AlertState | None = None,
        rule: Rule | None = None,
        campaign_id: RowId = None,
        hashtag: Annotated[str | None, Query(max_length=200)] = None,
        limit: Limit = 50,
        after: After = None,
    ) -> AlertsView:
        """Alerts, those that fire first, newest first."""
        wanted = AlertFilter(
            state=state,
            rule=rule,
            campaign_id=campaign_id,
            hashtag=parse_hashtag(hashtag) if hashtag else None,
        )
        return await view_alerts(shared_of(request).app.context, wanted, after=after, limit=limit)

    @routes.get("/alerts/{alert_id}", responses=described(404, 409))
    async def get_alert(request: Request, alert_id: AlertId) -> AlertView:
        """One alert with what its change is made of, its history and its messages."""
        return await view_alert(shared_of(request).app.context, alert_id)

    @routes.get("/mutes", responses=described())
    async def list_mutes(request: Request) -> Mutes:
        """Mutes in force."""
        context = shared_of(request).app.context
        return Mutes.model_construct(mutes=await context.store.mutes(context.clock.now()))


def _add_acts(routes: APIRouter) -> None:
    @routes.post("/alerts/acknowledge", responses=described(404, 409, 413))
    async def acknowledge_many(request: Request, named: AlertsNamed) -> Alerts:
        """Take several in hand; what ended meanwhile, or is somebody's, is left out."""
        taken = await respond.acknowledge_open(
            shared_of(request).app.context,
            named.alert_ids,
            by=visitor_of(request).by,
            note=named.note,
        )
        return Alerts.model_construct(alerts=taken)

    @routes.post("/alerts/{alert_id}/acknowledge", responses=described(404, 409, 413))
    async def acknowledge(request: Request, alert_id: AlertId, said: Note) -> Alert:
        """Take an alert in hand: it is told again only when it has doubled, and at its end."""
        return await respond.acknowledge(
            shared_of(request).app.context, alert_id, by=visitor_of(request).by, note=said.note
        )

    @routes.post("/alerts/{alert_id}/unacknowledge", responses=described(404, 409, 413))
    async def unacknowledge(request: Request, alert_id: AlertId) -> Alert:
        """Give an alert back that somebody has in hand."""
        return await respond.unacknowledge(
            shared_of(request).app.context, alert_id, by=visitor_of(request).by
        )

    @routes.post("/mutes", status_code=201, responses=described(404, 409, 413))
    async def add_mute(request: Request, wanted: MuteWanted) -> Mute:
        """Have peace for a while; everything is still recorded."""
        target = respond.Target(
            alert_id=wanted.alert_id,
            hashtag=wanted.hashtag,
            rule=wanted.rule,
            campaign=wanted.campaign,
        )
        return await respond.mute(
            shared_of(request).app.context,
            target,
            until=wanted.until,
            reason=wanted.reason,
            by=visitor_of(request).by,
        )

    @routes.delete("/mutes/{mute_id}", responses=described(404, 409))
    async def end_mute(request: Request, mute_id: AlertId) -> Mutes:
        """End a mute before its time."""
        ended = await respond.unmute(
            shared_of(request).app.context,
            respond.Target(alert_id=mute_id),
            by=visitor_of(request).by,
        )
        return Mutes.model_construct(mutes=ended)
