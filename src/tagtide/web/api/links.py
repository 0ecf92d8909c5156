"""Links that hand a kept report out. The address of one is told once, and remembered nowhere."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Path, Request
from pydantic import BaseModel, ConfigDict, Field

from tagtide.ports import Share
from tagtide.services.shares import LONGEST, USUAL, share_report
from tagtide.services.views.reports import view_report
from tagtide.web.api.campaigns import CampaignId
from tagtide.web.api.params import BIGGEST
from tagtide.web.api.problem import described
from tagtide.web.api.reports import Kind
from tagtide.web.api.route import api_router, tell_once
from tagtide.web.frame import home_of, shared_of, visitor_of


class LinkWanted(BaseModel):
    """A link that is to be made."""

    model_config = ConfigDict(extra="forbid", strict=True)

    expires_in_days: int = Field(USUAL.days, ge=1, le=LONGEST.days)


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkShown:
    """A link as it stands."""

    link_id: int
    campaign_id: int
    kind: str
    on: date
    title: str
    made_by: str
    made_at: datetime
    expires_at: datetime
    #: When somebody ended it; None for one that was left alone.
    ended_at: datetime | None
    #: Whether it still leads anywhere.
    is_good: bool
    opened: int
    opened_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkWithAddress:
    """A new link; ``url`` is None where it was told before."""

    link: LinkShown
    url: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LinksShown:
    """The newest hundred, those that ended too."""

    links: tuple[LinkShown, ...]


def router() -> APIRouter:
    """Routes of the topic."""
    routes = api_router("reports")

    @routes.get("/reports/links", responses=described())
    async def list_links(request: Request) -> LinksShown:
        """Links to reports, newest first, without their secrets."""
        context = shared_of(request).app.context
        now = context.clock.now()
        found = await context.store.shares()
        return LinksShown(links=tuple(_shown(one, now) for one in found))

    @routes.post(
        "/reports/{campaign_id}/{kind}/{day}/links",
        status_code=201,
        responses=described(404, 409, 413),
    )
    async def make_link(
        request: Request, campaign_id: CampaignId, kind: Kind, day: date, wanted: LinkWanted
    ) -> LinkWithAddress:
        """Copy a kept report under a new link. The address is told once, also under a key."""
        tell_once(request, "url")
        context = shared_of(request).app.context
        view = await view_report(context, campaign_id, kind, day)
        made, secret = await share_report(
            context,
            view.campaign,
            view.report,
            by=visitor_of(request).by,
            expires_in=timedelta(days=wanted.expires_in_days),
        )
        return LinkWithAddress(
            link=_shown(made, context.clock.now()), url=f"{home_of(request)}/shared/{secret}"
        )

    @routes.delete("/reports/links/{link_id}", responses=described(404))
    async def end_link(
        request: Request, link_id: Annotated[int, Path(ge=1, le=BIGGEST)]
    ) -> LinkShown:
        """End a link: whoever opens it from now on finds nothing."""
        context = shared_of(request).app.context
        now = context.clock.now()
        return _shown(await context.store.revoke_share(link_id, now), now)

    return routes


def _shown(one: Share, now: datetime) -> LinkShown:
    return LinkShown(
        link_id=one.share_id,
        campaign_id=one.campaign_id,
        kind=one.kind,
        on=one.on,
        title=one.title,
        made_by=one.made_by,
        made_at=one.made_at,
        expires_at=one.expires_at,
        ended_at=one.revoked_at,
        is_good=one.is_good(now),
        opened=one.opened,
        opened_at=one.opened_at,
    )
