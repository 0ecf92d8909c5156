"""The installation: channels with a test, schedules with the next runs, what runs here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from typing import Annotated

from fastapi import APIRouter, Path, Request

from tagtide.bootstrap import masked_target
from tagtide.core.access import Need
from tagtide.core.forecast import daily_calls
from tagtide.core.names import parse_hashtag
from tagtide.core.planning import Phase
from tagtide.errors import InvalidInput, NotFound
from tagtide.jobs import Condition, Readiness
from tagtide.models import Campaign, Job
from tagtide.ports import DatabaseFacts
from tagtide.services.views.settings import (
    CampaignSettings,
    ChannelLine,
    JobPlan,
    plan_of,
    view_campaign_settings,
    view_channels,
    view_database,
)
from tagtide.settings import mask_url
from tagtide.web.api.campaigns import CampaignId
from tagtide.web.api.params import PLAIN, RowId
from tagtide.web.api.problem import described
from tagtide.web.api.route import api_router
from tagtide.web.api.watching import Name
from tagtide.web.frame import shared_of, visitor_of
from tagtide.web.live import Tried, known_channel, try_channel

ChannelName = Annotated[str, Path(min_length=1, max_length=40, pattern=PLAIN)]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelState:
    """A channel, and how it stands. Where it leads is a secret."""

    channel: str
    kind: str
    #: Masked; for operators only.
    target: str | None
    #: None while it takes messages.
    failing_since: datetime | None
    failures: int
    next_attempt_at: datetime | None
    #: Its address is no longer in use.
    disabled_at: datetime | None
    #: What the newest failed attempt met; for admins only.
    last_error: str | None
    waiting: int
    oldest_at: datetime | None
    #: Messages that were given up.
    dead: int
    last_sent_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Channels:
    """Every configured channel."""

    channels: tuple[ChannelState, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Paused:
    """A hashtag that is not read any more, after failures."""

    hashtag: str
    paused_at: datetime
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignPlan:
    """When the jobs of a campaign run."""

    campaign_id: int
    campaign: str
    timezone: str
    phase: Phase
    #: Calls a day at these schedules; None where one cannot be read.
    calls_per_day: float | None
    jobs: tuple[JobPlan, ...]
    paused: tuple[Paused, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedules:
    """Schedules of the installation, which campaigns may override."""

    #: In UTC; ``own`` is the expression.
    jobs: tuple[JobPlan, ...]
    campaigns: tuple[CampaignPlan, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What runs here."""

    version: str
    database: DatabaseFacts
    #: Masked; for admins only.
    database_url: str | None
    status: Readiness
    reasons: tuple[Condition, ...]
    runs_schedules: bool
    can_call: bool


def router() -> APIRouter:
    """Routes of the topic."""
    routes = api_router("installation")
    _add_channels(routes)
    _add_schedules(routes)
    return routes


def _add_channels(routes: APIRouter) -> None:
    @routes.get("/channels", responses=described())
    async def list_channels(request: Request) -> Channels:
        """Every configured channel: whether it takes messages, what waits."""
        found = await view_channels(shared_of(request).app.context)
        return Channels(channels=tuple(_state(request, line) for line in found))

    @routes.post("/channels/{name}/test", responses=described(404))
    async def test_channel(request: Request, name: ChannelName) -> Tried:
        """Send a message that is marked as a test; `error` is null when it was accepted."""
        shared = shared_of(request)
        found = await try_channel(shared.app, known_channel(shared.app, name))
        shared.live.tried[name] = found
        return found

    @routes.post("/channels/{name}/enable", status_code=204, responses=described(404))
    async def enable_channel(request: Request, name: ChannelName) -> None:
        """Use a channel again whose address was said to be no longer in use."""
        app = shared_of(request).app
        await app.store.enable_endpoint(known_channel(app, name))

    @routes.post("/channels/{name}/replay", status_code=204, responses=described(404))
    async def replay_channel(request: Request, name: ChannelName) -> None:
        """Send once more what was given up."""
        app = shared_of(request).app
        await app.store.replay(app.context.clock.now(), channel=known_channel(app, name))


def _add_schedules(routes: APIRouter) -> None:
    @routes.get("/schedules", responses=described(404))
    async def schedules(request: Request, campaign_id: RowId = None) -> Schedules:
        """When every job runs next, of the installation and of each campaign; paused hashtags."""
        app = shared_of(request).app
        now = app.context.clock.now()
        # As of a campaign without a schedule of its own, in UTC.
        nobody = Campaign(name="", hashtags=(), schedules=dict(app.schedules))
        campaigns = (
            await app.store.campaigns()
            if campaign_id is None
            else [await app.store.campaign_by_id(campaign_id)]
        )
        found = await view_campaign_settings(app.context, campaigns, app.schedules)
        return Schedules(
            jobs=tuple(plan_of(nobody, job, app.schedules, now) for job in Job),
            campaigns=tuple(_plan(request, one) for one in found),
        )

    @routes.post(
        "/campaigns/{campaign_id}/hashtags/{name}/resume",
        status_code=204,
        responses=described(404),
    )
    async def resume(request: Request, campaign_id: CampaignId, name: Name) -> None:
        """Read a hashtag again that was paused after failures."""
        store, wanted = shared_of(request).app.store, parse_hashtag(name)
        campaign = await store.campaign_by_id(campaign_id)
        if wanted not in {h.name for h in campaign.hashtags}:
            raise NotFound("This campaign has no such hashtag.")
        await store.resume_hashtag(wanted)

    @routes.get("/about", responses=described())
    async def about(request: Request) -> About:
        """Version, database, and how this process is doing."""
        shared = shared_of(request)
        url = shared.app.loaded.settings.database.url
        return About(
            version=version("tagtide"),
            database=await view_database(shared.app.context),
            database_url=mask_url(url) if visitor_of(request).may(Need.ADMIN) else None,
            status=shared.health.readiness,
            reasons=tuple(sorted(shared.health.conditions)),
            runs_schedules=shared.health.ticked is not None,
            can_call=shared.app.can_call,
        )


def _state(request: Request, line: ChannelLine) -> ChannelState:
    visitor, end = visitor_of(request), line.standing.endpoint
    settings = shared_of(request).app.loaded.settings.channels[line.name]
    return ChannelState(
        channel=line.name,
        kind=settings.kind,
        target=masked_target(settings) if visitor.may(Need.OPERATE) else None,
        failing_since=end.failing_since,
        failures=end.failures,
        next_attempt_at=end.next_attempt_at,
        disabled_at=end.disabled_at,
        last_error=end.last_error if visitor.may(Need.ADMIN) else None,
        waiting=line.standing.waiting,
        oldest_at=line.standing.oldest_at,
        dead=line.standing.dead,
        last_sent_at=line.last.sent_at if line.last else None,
    )


def _plan(request: Request, found: CampaignSettings) -> CampaignPlan:
    campaign, schedules = found.campaign, shared_of(request).app.schedules
    try:
        calls = daily_calls(campaign, collect=schedules[Job.COLLECT], track=schedules[Job.TRACK])
    except InvalidInput:
        calls = None
    return CampaignPlan(
        campaign_id=campaign.campaign_id,
        campaign=campaign.name,
        timezone=campaign.timezone,
        phase=found.phase,
        calls_per_day=calls,
        jobs=found.plans,
        paused=tuple(
            Paused(hashtag=s.name, paused_at=s.paused_at, reason=s.failure_reason.value)
            for s in found.paused
            if s.paused_at is not None
        ),
    )
