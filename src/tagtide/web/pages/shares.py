"""Links that hand a report out: made and ended by operators, opened by anybody who has one."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

from fastapi import APIRouter, Request, Response

from tagtide.core.access import Need
from tagtide.errors import InvalidInput, NotFound
from tagtide.ports import Share
from tagtide.renderers import render_as
from tagtide.services.shares import open_shared, share_report, shared_chart
from tagtide.services.views.reports import view_report
from tagtide.web.documents import MEDIA, policy
from tagtide.web.forms import fields_of, number_of, see
from tagtide.web.frame import home_of, page, shared_of, visitor_of
from tagtide.web.pages.reports import BRANDED, LIVES, day_of

#: Nobody's index or cache keeps what was handed to one reader.
PRIVATE = {"X-Robots-Tag": "noindex, nofollow", "Cache-Control": "private, no-store"}


def router() -> APIRouter:
    """Routes of the pages."""
    routes = APIRouter()
    add = routes.add_api_route
    add("/reports/links", links, methods=["GET"], response_model=None)
    add("/reports/links/{share_id}/revoke", revoke, methods=["POST"], response_model=None)
    add("/reports/{campaign_id}/{kind}/{day}/share", share, methods=["POST"], response_model=None)
    add("/shared/{secret}", shared, methods=["GET"], response_model=None)
    add("/shared/{secret}/report.{style}", shared, methods=["GET"], response_model=None)
    add("/shared/{secret}/chart-{number}.png", chart, methods=["GET"], response_model=None)
    return routes


async def links(request: Request) -> Response:
    """Every link, and whether it still leads anywhere."""
    return await _show(request)


async def share(request: Request, campaign_id: int, kind: str, day: str) -> Response:
    """Make a link to a copy of a report; it is on this page and nowhere else."""
    fields, context = await fields_of(request), shared_of(request).app.context
    life = fields.get("expires", "30")
    if life not in LIVES:
        raise InvalidInput("How long the link is good is not said.", hint="Choose one of the list.")
    view = await view_report(context, campaign_id, kind, day_of(day))
    made, secret = await share_report(
        context,
        view.campaign,
        view.report,
        by=visitor_of(request).by,
        expires_in=timedelta(days=int(life)),
    )
    return await _show(request, made=made, link=f"{home_of(request)}/shared/{secret}")


async def revoke(request: Request, share_id: str) -> Response:
    """End a link."""
    await fields_of(request)
    number = number_of(share_id)
    if number is None:
        raise NotFound("There is no such link.")
    context = shared_of(request).app.context
    await context.store.revoke_share(number, context.clock.now())
    return see("/reports/links")


async def shared(request: Request, secret: str, style: str = "html") -> Response:
    """The report behind a link, for whoever has it."""
    if style not in BRANDED:
        raise NotFound("A shared report is given as html and pdf.")
    app = shared_of(request).app
    found = await open_shared(app.context, secret)
    share, brand = found.share, app.brand()
    content = await asyncio.to_thread(
        render_as,
        style,
        found.blocks,
        title=share.title,
        as_of=share.as_of,
        timezone=share.timezone,
        brand=brand,
    )
    headers = {"Content-Security-Policy": policy(style, content), **PRIVATE}
    return Response(content, media_type=MEDIA[style], headers=headers)


async def chart(request: Request, secret: str, number: str) -> Response:
    """One of its charts as a picture, for messages that show it."""
    context = shared_of(request).app.context
    content = await shared_chart(context, secret, number_of(number) or 0)
    # A chat fetches it from elsewhere; whoever has the link may show it.
    headers = {**PRIVATE, "Cross-Origin-Resource-Policy": "cross-origin"}
    headers["Content-Security-Policy"] = policy("png", b"")
    return Response(content, media_type="image/png", headers=headers)


async def _show(request: Request, *, made: Share | None = None, link: str = "") -> Response:
    context = shared_of(request).app.context
    facts: dict[str, Any] = {"made": made, "link": link, "OPERATE": Need.OPERATE}
    shares = await context.store.shares()
    return await page(request, "shares.html.j2", shares=shares, **facts)
