"""Reports on schedule: who gets which, through which channel; one of them now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from tagtide.core.access import Need
from tagtide.core.subscriptions import masked_address
from tagtide.services.report_messages import send_now
from tagtide.services.subscriptions import (
    SubscriptionLine,
    Wanted,
    change,
    stop,
    subscribe,
    view_subscription,
    view_subscriptions,
)
from tagtide.web.api.params import BIGGEST, PLAIN
from tagtide.web.api.problem import described
from tagtide.web.api.route import api_router
from tagtide.web.frame import shared_of, visitor_of

SubscriptionId = Annotated[int, Path(ge=1, le=BIGGEST)]
Words = Annotated[str, Field(min_length=1, max_length=80, pattern=PLAIN)]
Address = Annotated[str, Field(max_length=254, pattern=PLAIN)]
_FILES = "Of `pdf` and `xlsx`; with e-mail alone, where `pdf` is usual."
_TO = "A mail address in place of the channel's own; with e-mail alone."


class SubscriptionWanted(BaseModel):
    """A report that somebody is to get."""

    model_config = ConfigDict(extra="forbid", strict=True)

    campaign_id: int = Field(ge=1, le=BIGGEST)
    person: Words = Field(description="A name or a label.")
    kind: Words
    channel: Words
    files: list[Words] | None = Field(None, max_length=10, description=_FILES)
    to: Address | None = Field(None, repr=False, description=_TO)


class SubscriptionChange(BaseModel):
    """What is to be different about a subscription."""

    model_config = ConfigDict(extra="forbid", strict=True)

    person: Words | None = None
    channel: Words | None = None
    files: list[Words] | None = Field(None, max_length=10, description=_FILES)
    to: Address | None = Field(
        None, repr=False, description=f"{_TO} Empty: to whom the channel goes."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionShown:
    """A subscription as it stands."""

    subscription_id: int
    person: str
    campaign_id: int
    #: None where the campaign is gone.
    campaign: str | None
    kind: str
    channel: str
    files: tuple[str, ...]
    #: In full for operators, else masked; None goes to whom the channel goes.
    to: str | None
    #: How often, in words.
    rhythm: str | None
    next_at: datetime | None
    #: When its newest message was written, and when one was accepted last.
    written_at: datetime | None
    sent_at: datetime | None
    #: Why nothing comes of it; None for one that works.
    broken: str | None
    made_by: str
    made_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionsShown:
    """Those that were not stopped, by campaign."""

    subscriptions: tuple[SubscriptionShown, ...]


def router() -> APIRouter:
    """Routes of the topic."""
    routes = api_router("reports")
    _add_reads(routes)
    _add_acts(routes)
    return routes


def _add_reads(routes: APIRouter) -> None:
    @routes.get("/subscriptions", responses=described())
    async def list_subscriptions(request: Request) -> SubscriptionsShown:
        """Who gets which report. Addresses in full for operators, else masked."""
        app = shared_of(request).app
        lines = await view_subscriptions(app.context, app.schedules)
        return SubscriptionsShown(subscriptions=tuple(_shown(request, line) for line in lines))

    @routes.get("/subscriptions/{subscription_id}", responses=described(404))
    async def get_subscription(
        request: Request, subscription_id: SubscriptionId
    ) -> SubscriptionShown:
        """One, also one that was stopped."""
        return await _one(request, subscription_id)


def _add_acts(routes: APIRouter) -> None:
    @routes.post("/subscriptions", status_code=201, responses=described(404, 409, 413))
    async def add_subscription(
        request: Request, response: Response, wanted: SubscriptionWanted
    ) -> SubscriptionShown:
        """Send a report to somebody whenever it is made on schedule."""
        context = shared_of(request).app.context
        campaign = await context.store.campaign_by_id(wanted.campaign_id)
        asked = _asked(wanted, wanted.kind)
        made = await subscribe(context, campaign, asked, by=visitor_of(request).by)
        response.headers["Location"] = f"{request.url.path}/{made.subscription_id}"
        return await _one(request, made.subscription_id)

    @routes.patch("/subscriptions/{subscription_id}", responses=described(404, 409, 413))
    async def change_subscription(
        request: Request, subscription_id: SubscriptionId, wanted: SubscriptionChange
    ) -> SubscriptionShown:
        """Change who gets it, through which channel, with which files."""
        await change(shared_of(request).app.context, subscription_id, _asked(wanted))
        return await _one(request, subscription_id)

    @routes.delete("/subscriptions/{subscription_id}", responses=described(404, 409))
    async def stop_subscription(
        request: Request, subscription_id: SubscriptionId
    ) -> SubscriptionShown:
        """Stop one: what waits for it is not sent, and its address is forgotten."""
        context = shared_of(request).app.context
        await stop(context, subscription_id, by=visitor_of(request).by)
        return await _one(request, subscription_id)

    @routes.post(
        "/subscriptions/{subscription_id}/send", status_code=202, responses=described(404, 409, 413)
    )
    async def send_subscription(
        request: Request, subscription_id: SubscriptionId
    ) -> SubscriptionShown:
        """Make the report now, from what is stored, and put its message on the way."""
        await send_now(shared_of(request).app.context, subscription_id)
        return await _one(request, subscription_id)


def _asked(wanted: SubscriptionWanted | SubscriptionChange, kind: str | None = None) -> Wanted:
    return Wanted(
        person=wanted.person,
        kind=kind,
        channel=wanted.channel,
        files=None if wanted.files is None else tuple(wanted.files),
        to=wanted.to,
    )


async def _one(request: Request, subscription_id: int) -> SubscriptionShown:
    app = shared_of(request).app
    return _shown(request, await view_subscription(app.context, subscription_id, app.schedules))


def _shown(request: Request, line: SubscriptionLine) -> SubscriptionShown:
    one = line.subscription
    to = one.to
    if to is not None and not visitor_of(request).may(Need.OPERATE):
        to = masked_address(to)
    return SubscriptionShown(
        subscription_id=one.subscription_id,
        person=one.person,
        campaign_id=one.campaign_id,
        campaign=line.campaign or None,
        kind=one.kind,
        channel=one.channel,
        files=one.files,
        to=to,
        rhythm=line.rhythm,
        next_at=line.next_at,
        written_at=one.told_at,
        sent_at=one.sent_at,
        broken=line.broken or None,
        made_by=one.made_by,
        made_at=one.made_at,
        ended_at=one.ended_at,
    )
