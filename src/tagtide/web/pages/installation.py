"""Settings of the installation: channels, schedules, mutes, and what runs here."""

from __future__ import annotations

from importlib.metadata import version

from fastapi import APIRouter, Request, Response

from tagtide.bootstrap import masked_target
from tagtide.core.access import Need
from tagtide.models import Campaign, Job
from tagtide.services.views.settings import (
    plan_of,
    view_channels,
    view_database,
    view_mutes,
)
from tagtide.settings import mask_url
from tagtide.web.forms import fields_of, see
from tagtide.web.frame import page, shared_of, visitor_of
from tagtide.web.live import known_channel, try_channel
from tagtide.web.settings_nav import tabs_of

_CHANNELS = "/settings/channels"


def router() -> APIRouter:
    """Routes of the pages."""
    routes = APIRouter()

    @routes.get(_CHANNELS, response_model=None)
    async def channels(request: Request) -> Response:
        return await _channels(request)

    @routes.post(f"{_CHANNELS}/{{name}}/test", response_model=None)
    async def test(request: Request, name: str) -> Response:
        await fields_of(request)
        shared = shared_of(request)
        shared.live.tried[name] = await try_channel(shared.app, known_channel(shared.app, name))
        return see(_CHANNELS)

    @routes.post(f"{_CHANNELS}/{{name}}/enable", response_model=None)
    async def enable(request: Request, name: str) -> Response:
        await fields_of(request)
        app = shared_of(request).app
        await app.store.enable_endpoint(known_channel(app, name))
        return see(_CHANNELS)

    @routes.post(f"{_CHANNELS}/{{name}}/replay", response_model=None)
    async def replay(request: Request, name: str) -> Response:
        await fields_of(request)
        app = shared_of(request).app
        await app.store.replay(app.context.clock.now(), channel=known_channel(app, name))
        return see(_CHANNELS)

    @routes.get("/settings/schedules", response_model=None)
    async def schedules(request: Request) -> Response:
        return await _schedules(request)

    @routes.get("/settings/mutes", response_model=None)
    async def mutes(request: Request) -> Response:
        found = await view_mutes(shared_of(request).app.context)
        return await page(
            request,
            "mutes.html.j2",
            tabs=tabs_of(request),
            mutes=found,
            may_end=visitor_of(request).may(Need.OPERATE),
        )

    @routes.post("/settings/mutes/{mute_id}/end", response_model=None)
    async def end(request: Request, mute_id: str) -> Response:
        await fields_of(request)
        app = shared_of(request).app
        now = app.context.clock.now()
        await app.store.end_mutes([mute_id], by=visitor_of(request).by, now=now)
        return see("/settings/mutes")

    @routes.get("/settings/about", response_model=None)
    async def about(request: Request) -> Response:
        return await _about(request)

    return routes


async def _channels(request: Request) -> Response:
    app, visitor = shared_of(request).app, visitor_of(request)
    settings = app.loaded.settings.channels
    may_see = visitor.may(Need.OPERATE)
    return await page(
        request,
        "channels.html.j2",
        tabs=tabs_of(request),
        channels=await view_channels(app.context),
        settings=settings,
        # Not even masked ones reach the page of a viewer.
        targets={name: masked_target(one) if may_see else None for name, one in settings.items()},
        tried=shared_of(request).live.tried if may_see else {},
        file=str(app.loaded.path) if app.loaded.path and may_see else None,
        is_admin=visitor.may(Need.ADMIN),
    )


async def _schedules(request: Request) -> Response:
    app = shared_of(request).app
    now = app.context.clock.now()
    # As of a campaign without a schedule of its own, in UTC.
    nobody = Campaign(name="", hashtags=())
    campaigns = await app.store.campaigns()
    return await page(
        request,
        "schedules.html.j2",
        tabs=tabs_of(request),
        plans=[plan_of(nobody, job, app.schedules, now) for job in Job],
        expressions=app.schedules,
        own=[
            (c, [plan_of(c, job, app.schedules, now) for job in c.schedules])
            for c in campaigns
            if c.schedules
        ],
        file=_file(request),
    )


def _file(request: Request) -> str | None:
    path = shared_of(request).app.loaded.path
    return str(path) if path and visitor_of(request).may(Need.OPERATE) else None


async def _about(request: Request) -> Response:
    shared = shared_of(request)
    is_admin = visitor_of(request).may(Need.ADMIN)
    settings = shared.app.loaded.settings
    return await page(
        request,
        "about.html.j2",
        tabs=tabs_of(request),
        version=version("tagtide"),
        database=await view_database(shared.app.context),
        address=mask_url(settings.database.url) if is_admin else None,
        file=_file(request),
        health=shared.health,
        runs_schedules=shared.health.ticked is not None,
        can_call=shared.app.can_call,
    )
