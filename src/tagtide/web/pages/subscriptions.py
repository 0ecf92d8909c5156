"""Reports on schedule: made, stopped and sent by operators; stopped by whoever has a message."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from tagtide.errors import InvalidInput, NotFound
from tagtide.services.report_messages import send_now
from tagtide.services.subscriptions import (
    Wanted,
    find_unsubscribe,
    stop,
    subscribe,
    unsubscribe,
)
from tagtide.services.views.reports import TITLES
from tagtide.web.forms import campaign_of, fields_of, number_of, see
from tagtide.web.frame import alone, shared_of, visitor_of
from tagtide.web.pages.shares import PRIVATE

_BACK = "/reports#subscriptions"


def router() -> APIRouter:
    """Routes of the pages."""
    routes = APIRouter()
    add = routes.add_api_route
    one = "/reports/subscriptions/{number}"
    add("/reports/subscriptions", made, methods=["POST"], response_model=None)
    add(f"{one}/stop", stopped, methods=["POST"], response_model=None)
    add(f"{one}/send", sent, methods=["POST"], response_model=None)
    add("/unsubscribe/{secret}", asked, methods=["GET"], response_model=None)
    add("/unsubscribe/{secret}", done, methods=["POST"], response_model=None)
    return routes


async def made(request: Request) -> Response:
    """Add a subscription."""
    fields = await fields_of(request)
    if "kind" not in fields or "channel" not in fields:
        raise InvalidInput("Which report, and through which channel, is not said.")
    wanted = Wanted(
        person=fields.get("person", ""),
        kind=fields["kind"],
        channel=fields["channel"],
        files=tuple(name for name in fields.get("files", "").split(",") if name),
        to=fields.get("to"),
    )
    campaign = await campaign_of(request, fields.get("campaign", ""))
    context = shared_of(request).app.context
    await subscribe(context, campaign, wanted, by=visitor_of(request).by)
    return see(_BACK)


async def stopped(request: Request, number: str) -> Response:
    """Stop one."""
    await fields_of(request)
    context = shared_of(request).app.context
    await stop(context, _number(number), by=visitor_of(request).by)
    return see(_BACK)


async def sent(request: Request, number: str) -> Response:
    """Make the report now and put its message on the way."""
    await fields_of(request)
    await send_now(shared_of(request).app.context, _number(number))
    return see(_BACK)


async def asked(request: Request, secret: str) -> Response:
    """Ask whether it is meant: programs that look at links must stop nothing."""
    return await _about(request, secret)


async def done(request: Request, secret: str) -> Response:
    """Stop it: by the button of the page, or by one click of a mail program (RFC 8058).

    The secret is the permission: nothing else of the request is looked at.
    """
    await unsubscribe(shared_of(request).app.context, secret)
    return await _about(request, secret)


async def _about(request: Request, secret: str) -> Response:
    found, campaign = await find_unsubscribe(shared_of(request).app.context, secret)
    page = alone(
        request,
        "unsubscribe.html.j2",
        title=TITLES.get(found.kind, found.kind),
        campaign=campaign,
        is_over=found.ended_at is not None,
    )
    page.headers.update(PRIVATE)
    return page


def _number(text: str) -> int:
    number = number_of(text)
    if number is None:
        raise NotFound("There is no such subscription.")
    return number
