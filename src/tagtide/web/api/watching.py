"""Campaigns over a period, their hashtags, videos and creators: what their pages show."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Query, Request
from starlette.datastructures import QueryParams

from tagtide.core.names import parse_hashtag
from tagtide.core.periods import Period
from tagtide.models import Campaign
from tagtide.ports.browse import CreatorFilter, CreatorSort, VideoFilter, VideoSort
from tagtide.services.context import Context
from tagtide.services.views.campaign import (
    CampaignView,
    HashtagsView,
    view_campaign,
    view_hashtags,
)
from tagtide.services.views.campaign_videos import CampaignVideosView, view_campaign_videos
from tagtide.services.views.creator import CreatorView, view_creator
from tagtide.services.views.hashtag import HashtagView, view_hashtag
from tagtide.services.views.lists import (
    CreatorsView,
    SearchView,
    VideosView,
    view_creators,
    view_search,
    view_videos,
)
from tagtide.services.views.video import VideoView, view_video
from tagtide.web.api.campaigns import CampaignId
from tagtide.web.api.params import BIGGEST, PLAIN, After, Instant
from tagtide.web.api.problem import described
from tagtide.web.api.route import api_router
from tagtide.web.frame import shared_of
from tagtide.web.period import parse_period

PeriodName = Annotated[
    Literal["24h", "7d", "28d", "campaign"], Query(description="Ends now; `from` comes first.")
]
From = Annotated[date | None, Query(alias="from", description="First day, in the campaign's zone.")]
To = Annotated[date | None, Query(description="Last day; with `from`.")]
Text = Annotated[str | None, Query(max_length=100, pattern=PLAIN)]
MinViews = Annotated[int | None, Query(ge=0, le=BIGGEST)]
Name = Annotated[str, Path(max_length=200, description="Of a hashtag, with or without the #.")]


def router() -> APIRouter:
    """Routes of the topic."""
    routes = api_router("campaigns")
    _add_periods(routes)
    _add_lists(routes)
    _add_single(routes)
    return routes


@dataclass(frozen=True)
class _Asked:
    """The period in an address."""

    period: PeriodName = "7d"
    first: From = None
    to: To = None

    async def of(self, context: Context, campaign_id: int) -> tuple[Campaign, Period]:
        """The campaign, and the period in its zone. Raises `NotFound`, `InvalidInput`."""
        campaign = await context.store.campaign_by_id(campaign_id)
        given: dict[str, str] = {"period": self.period}
        if self.first is not None:
            given = {"from": self.first.isoformat()}
            given |= {"to": self.to.isoformat()} if self.to else {}
        return campaign, parse_period(QueryParams(given), campaign, context.clock.now()).period


Asked = Annotated[_Asked, Depends()]


@dataclass(frozen=True)
class _VideosAsked:
    """Which videos."""

    since: Annotated[Instant | None, Query(description="From then on; videos: first seen.")] = None
    high_priority: bool = False
    viral: bool = False
    hashtag: Annotated[str | None, Query(max_length=200)] = None
    text: Text = None
    creator: Text = None
    min_views: MinViews = None

    def of(self, campaign_id: int) -> VideoFilter:
        """The same for a campaign. Raises `InvalidInput`."""
        return VideoFilter(
            campaign_id=campaign_id,
            since=self.since,
            high_priority=self.high_priority,
            viral=self.viral,
            hashtag=parse_hashtag(self.hashtag) if self.hashtag else None,
            text=self.text or None,
            creator=self.creator or None,
            min_views=self.min_views,
        )


VideosWanted = Annotated[_VideosAsked, Depends()]


def _add_periods(routes: APIRouter) -> None:
    @routes.get("/campaigns/{campaign_id}/overview", responses=described(404))
    async def overview(request: Request, campaign_id: CampaignId, asked: Asked) -> CampaignView:
        """Growth beside competitors, velocity with its usual range, coverage, share of voice."""
        app = shared_of(request).app
        campaign, period = await asked.of(app.context, campaign_id)
        return await view_campaign(app.context, campaign, period, schedules=app.schedules)

    @routes.get("/campaigns/{campaign_id}/content", responses=described(404))
    async def content(
        request: Request, campaign_id: CampaignId, asked: Asked
    ) -> CampaignVideosView:
        """Totals and rates of the videos held, top videos and creators."""
        app = shared_of(request).app
        campaign, period = await asked.of(app.context, campaign_id)
        return await view_campaign_videos(app.context, campaign, period, schedules=app.schedules)

    @routes.get("/campaigns/{campaign_id}/hashtags", responses=described(404))
    async def hashtags(
        request: Request,
        campaign_id: CampaignId,
        asked: Asked,
        page: Annotated[int, Query(ge=1, le=1_000_000)] = 1,
    ) -> HashtagsView:
        """Every hashtag with what it gained; fifty a page."""
        app = shared_of(request).app
        campaign, period = await asked.of(app.context, campaign_id)
        return await view_hashtags(
            app.context, campaign, period, schedules=app.schedules, page=page
        )

    @routes.get("/campaigns/{campaign_id}/hashtags/{name}", responses=described(404))
    async def hashtag(
        request: Request,
        campaign_id: CampaignId,
        asked: Asked,
        name: Name,
        before: Annotated[Instant | None, Query(description="Readings before then.")] = None,
    ) -> HashtagView:
        """One hashtag: its curve, its readings newest first, its rules, its videos."""
        app = shared_of(request).app
        campaign, period = await asked.of(app.context, campaign_id)
        return await view_hashtag(
            app.context,
            campaign,
            parse_hashtag(name),
            period,
            schedules=app.schedules,
            before=before,
        )


def _add_lists(routes: APIRouter) -> None:
    @routes.get("/campaigns/{campaign_id}/videos", responses=described(404))
    async def videos(
        request: Request,
        campaign_id: CampaignId,
        asked: VideosWanted,
        sort: VideoSort = VideoSort.VIEWS,
        after: After = None,
    ) -> VideosView:
        """Videos of a campaign, fifty a page."""
        context = shared_of(request).app.context
        campaign = await context.store.campaign_by_id(campaign_id)
        wanted = asked.of(campaign_id)
        return await view_videos(context, campaign, wanted, sort, after=after)

    @routes.get("/campaigns/{campaign_id}/creators", responses=described(404))
    async def creators(
        request: Request,
        campaign_id: CampaignId,
        sort: CreatorSort = CreatorSort.VIEWS,
        text: Text = None,
        high_priority: bool = False,
        min_views: MinViews = None,
        min_videos: MinViews = None,
        after: After = None,
    ) -> CreatorsView:
        """Creators of a campaign, fifty a page."""
        context = shared_of(request).app.context
        campaign = await context.store.campaign_by_id(campaign_id)
        wanted = CreatorFilter(
            campaign_id=campaign_id,
            text=text or None,
            high_priority=high_priority,
            min_views=min_views,
            min_videos=min_videos,
        )
        return await view_creators(context, campaign, wanted, sort, after=after)


def _add_single(routes: APIRouter) -> None:
    @routes.get("/videos/{video_id}", responses=described(404))
    async def video(
        request: Request,
        video_id: Annotated[str, Path(pattern="^[0-9]{1,32}$")],
        campaign_id: Annotated[
            int | None, Query(ge=1, le=BIGGEST, description="Compared within this campaign.")
        ] = None,
    ) -> VideoView:
        """One video: its curve against its campaign's, where it was seen, alerts about it."""
        return await view_video(shared_of(request).app.context, video_id, campaign_id=campaign_id)

    @routes.get("/creators/{creator_key:path}", responses=described(404))
    async def creator(
        request: Request,
        creator_key: Annotated[str, Path(min_length=1, max_length=300, pattern=PLAIN)],
    ) -> CreatorView:
        """One creator over all campaigns: videos, rates with intervals, tier."""
        return await view_creator(shared_of(request).app.context, creator_key)

    @routes.get("/search", responses=described())
    async def search(
        request: Request, q: Annotated[str, Query(min_length=1, max_length=100, pattern=PLAIN)]
    ) -> SearchView:
        """Campaigns, hashtags, creators and captions that hold a text."""
        return await view_search(shared_of(request).app.context, q)
