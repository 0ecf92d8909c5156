"""Campaigns: read, added, replaced, removed. What GET gives, PUT takes."""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Header, Path, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from tagtide.core.campaign_version import campaign_version
from tagtide.models import Campaign
from tagtide.services.campaigns import campaign_from
from tagtide.web.api.problem import described, overtaken
from tagtide.web.api.route import api_router, matches, tag_of
from tagtide.web.frame import shared_of

_LARGEST = 10**15

CampaignId = Annotated[int, Path(ge=1, le=2**62, description="`campaign_id` of a campaign.")]
IfMatch = Annotated[
    str | None,
    Header(
        description="ETag of the campaign as it was read: it is changed only if it is the same."
    ),
]


class CampaignSettings(BaseModel):
    """How a campaign is watched. The keys are those of a campaign file."""

    model_config = ConfigDict(extra="forbid", strict=True)

    name: str = Field(min_length=1, max_length=200)
    hashtags: list[str] = Field(min_length=1, max_length=1000, description="Own ones.")
    competitors: list[str] = Field([], max_length=1000)
    competitor_feeds: bool = Field(False, description="Read the videos of competitors too.")
    timezone: str = Field("UTC", max_length=64)
    numbers: str | None = Field(None, max_length=16)
    clock: str | None = Field(None, max_length=16)
    language: str | None = Field(
        None, max_length=16, description="Of its reports; null takes the installation's."
    )
    thresholds: dict[str, int] = Field({}, description="New videos that alert, by hashtag.")
    starts_on: date | None = Field(None, strict=False)
    ends_on: date | None = Field(None, strict=False)
    rules: dict[str, int | float | bool | list[str]] = Field(
        {}, description="Settings of the rules that differ from the installation's."
    )
    channels: list[str] = Field([], max_length=100, description="Empty means every channel.")
    page_budget: int | None = Field(None, ge=1, le=_LARGEST)
    credits_per_day: int | None = Field(None, ge=0, le=_LARGEST)
    schedules: dict[str, str] = Field({}, description="Cron expressions by job.")
    request: str | None = Field(
        None, max_length=10_000, description="Wording by which creators are asked for rights."
    )


class StoredCampaign(CampaignSettings):
    """A campaign in service."""

    model_config = ConfigDict(extra="forbid")

    campaign_id: int


class CampaignList(BaseModel):
    """All campaigns in service, by name."""

    campaigns: list[StoredCampaign]


def router() -> APIRouter:
    """Routes of the topic."""
    routes = api_router("campaigns")

    @routes.get("/campaigns", responses=described())
    async def list_campaigns(request: Request) -> CampaignList:
        """All campaigns in service."""
        found = await shared_of(request).app.store.campaigns()
        return CampaignList(campaigns=[shown(campaign) for campaign in found])

    @routes.get("/campaigns/{campaign_id}", responses=described(404))
    async def get_campaign(request: Request, campaign_id: CampaignId) -> StoredCampaign:
        """One campaign."""
        return shown(await shared_of(request).app.store.campaign_by_id(campaign_id))

    @routes.post("/campaigns", status_code=201, responses=described(409, 413))
    async def add_campaign(
        request: Request, response: Response, settings: CampaignSettings
    ) -> StoredCampaign:
        """Add a campaign. Costs nothing: its first reading comes with its first run."""
        app = shared_of(request).app
        made = checked(request, settings)
        stored = await app.store.add_campaign(replace(made, created_at=app.context.clock.now()))
        response.headers["Location"] = f"{request.url.path}/{stored.campaign_id}"
        return shown(stored)

    @routes.put(
        "/campaigns/{campaign_id}",
        responses=described(404, 409, 412, 413),
        response_model=StoredCampaign,
    )
    async def replace_campaign(
        request: Request,
        response: Response,
        campaign_id: CampaignId,
        settings: CampaignSettings,
        if_match: IfMatch = None,
    ) -> Any:
        """Make a campaign equal to what is sent; what is left out takes its default."""
        store = shared_of(request).app.store
        before = await store.campaign_by_id(campaign_id)
        if if_match is not None and not matches(if_match, tag_of(shown(before))):
            return overtaken("Somebody has changed the campaign since it was read.")
        made = checked(request, settings)
        kept = replace(made, campaign_id=before.campaign_id, created_at=before.created_at)
        # Between the look and the write somebody may have been faster: the store looks once more.
        seen = None if if_match is None else campaign_version(before)
        await store.replace_campaign(kept, seen=seen)
        response.headers["ETag"] = tag_of(shown(kept))
        return shown(kept)

    @routes.delete("/campaigns/{campaign_id}", status_code=204, responses=described(404))
    async def remove_campaign(request: Request, campaign_id: CampaignId) -> None:
        """Take a campaign out of service. Its readings stay, its name is free again."""
        context = shared_of(request).app.context
        await context.store.campaign_by_id(campaign_id)
        await context.store.remove_campaign(campaign_id, context.clock.now())

    return routes


def checked(request: Request, settings: CampaignSettings) -> Campaign:
    """A campaign of what was sent, by the same checks as everywhere. Raises `InvalidInput`."""
    loaded = shared_of(request).app.loaded.settings
    table = {
        key: value
        for key, value in settings.model_dump(exclude={"name"}, exclude_unset=True).items()
        if value is not None
    }
    return campaign_from(settings.name, table, loaded.rules.rules(), loaded.collect.pages)


def shown(campaign: Campaign) -> StoredCampaign:
    """A campaign as the API gives it."""
    return StoredCampaign.model_construct(
        campaign_id=campaign.campaign_id,
        name=campaign.name,
        hashtags=[h.name for h in campaign.own()],
        competitors=[h.name for h in campaign.competitors()],
        competitor_feeds=any(h.feed for h in campaign.competitors()),
        timezone=campaign.timezone,
        numbers=campaign.numbers,
        clock=campaign.clock,
        language=campaign.language,
        thresholds={h.name: h.threshold for h in campaign.hashtags if h.threshold is not None},
        starts_on=campaign.starts_on,
        ends_on=campaign.ends_on,
        rules=_rules(campaign),
        channels=list(campaign.channels),
        page_budget=campaign.page_budget,
        credits_per_day=campaign.credits_per_day,
        schedules={job.value: text for job, text in campaign.schedules.items()},
        request=campaign.request,
    )


def _rules(campaign: Campaign) -> dict[str, Any]:
    found = asdict(campaign.rules)
    return {**found, "enabled": [rule.value for rule in campaign.rules.enabled]}
