"""Settings of campaigns: listed, added, edited, taken out of service."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any
from zoneinfo import available_timezones

from fastapi import APIRouter, Request, Response
from starlette.datastructures import FormData

from tagtide.core.access import Need
from tagtide.core.campaign_version import campaign_version
from tagtide.core.forecast import daily_calls
from tagtide.core.language import CLOCKS, NUMBERS
from tagtide.errors import Conflict, InvalidInput, NotFound
from tagtide.languages import codes
from tagtide.models import Campaign, Job
from tagtide.services.campaign_form import (
    FORM,
    CampaignTyped,
    Checked,
    check_campaign,
    typed_of,
)
from tagtide.services.campaigns import compare
from tagtide.services.views.settings import view_campaign_settings
from tagtide.web.forms import campaign_of, fields_of, form_of, see
from tagtide.web.frame import page, shared_of, visitor_of
from tagtide.web.settings_nav import tabs_of

_EVERY_JOB = tuple(Job)


def router() -> APIRouter:
    """Routes of the pages."""
    routes = APIRouter()

    @routes.get("/settings", response_model=None)
    async def campaigns(request: Request) -> Response:
        return await _list(request)

    @routes.get("/settings/campaigns/new", response_model=None)
    async def blank(request: Request) -> Response:
        settings = shared_of(request).app.loaded.settings
        return await _form(request, CampaignTyped(page_budget=str(settings.collect.pages)))

    @routes.post("/settings/campaigns", response_model=None)
    async def add(request: Request) -> Response:
        return await _add(request, typed_from(await form_of(request)))

    @routes.get("/settings/campaigns/{campaign_id}", response_model=None)
    async def edit(request: Request, campaign_id: str) -> Response:
        campaign = await campaign_of(request, campaign_id)
        return await _form(request, typed_of(campaign), stored=campaign)

    @routes.post("/settings/campaigns/{campaign_id}", response_model=None)
    async def save(request: Request, campaign_id: str) -> Response:
        form = await form_of(request)
        return await _save(
            request,
            await campaign_of(request, campaign_id),
            typed_from(form),
            seen=str(form.get("seen", "")),
        )

    @routes.post("/settings/campaigns/{campaign_id}/remove", response_model=None)
    async def remove(request: Request, campaign_id: str) -> Response:
        fields = await fields_of(request)
        context = shared_of(request).app.context
        campaign = await campaign_of(request, campaign_id)
        if fields.get("sure") != "yes":
            raise InvalidInput(
                "Nothing was removed: the box that says you are sure was not ticked.",
                hint="Go back and tick it.",
            )
        await context.store.remove_campaign(campaign.campaign_id, context.clock.now())
        return see("/settings")

    @routes.post("/settings/campaigns/{campaign_id}/resume", response_model=None)
    async def resume(request: Request, campaign_id: str) -> Response:
        fields = await fields_of(request)
        campaign = await campaign_of(request, campaign_id)
        name = fields.get("hashtag", "")
        if name not in {h.name for h in campaign.hashtags}:
            raise NotFound("The campaign does not have that hashtag.")
        await shared_of(request).app.store.resume_hashtag(name)
        return see(f"/settings/campaigns/{campaign.campaign_id}")

    return routes


async def _list(request: Request) -> Response:
    app = shared_of(request).app
    campaigns = await app.store.campaigns()
    return await page(
        request,
        "settings.html.j2",
        tabs=tabs_of(request),
        found=await view_campaign_settings(app.context, campaigns, app.schedules),
        costs={c.campaign_id: _cost(c, app.schedules) for c in campaigns},
        is_admin=visitor_of(request).may(Need.ADMIN),
        zone="UTC",
    )


def _cost(campaign: Campaign, schedules: Mapping[Job, str]) -> float | None:
    try:
        return daily_calls(campaign, collect=schedules[Job.COLLECT], track=schedules[Job.TRACK])
    except InvalidInput:
        return None


def typed_from(form: FormData) -> CampaignTyped:
    """What stands in the fields of a form that was sent."""

    def text(name: str) -> str:
        value = form.get(name)
        return value if isinstance(value, str) else ""

    return CampaignTyped(
        name=text("name"),
        hashtags=text("hashtags"),
        competitors=text("competitors"),
        competitor_feeds=text("competitor_feeds") == "yes",
        timezone=text("timezone").strip() or "UTC",
        numbers=text("numbers"),
        clock=text("clock"),
        language=text("language"),
        starts_on=text("starts_on"),
        ends_on=text("ends_on"),
        page_budget=text("page_budget"),
        credits_per_day=text("credits_per_day"),
        channels=tuple(v for v in form.getlist("channels") if isinstance(v, str)),
        schedules={job: text(f"schedule_{job.value}") for job in _EVERY_JOB},
    )


def _check(request: Request, typed: CampaignTyped, before: Campaign | None) -> Checked:
    settings = shared_of(request).app.loaded.settings
    return check_campaign(
        typed,
        before,
        defaults=settings.rules.rules(),
        pages=settings.collect.pages,
        channels=settings.channels,
    )


async def _add(request: Request, typed: CampaignTyped) -> Response:
    context = shared_of(request).app.context
    checked = _check(request, typed, None)
    if checked.campaign is None:
        return await _form(request, typed, problems=checked.problems)
    made = replace(checked.campaign, created_at=context.clock.now())
    try:
        stored = await context.store.add_campaign(made)
    except Conflict as error:
        same = await _same(context.store.campaign(made.name), made)
        if same is not None:
            # The button was pressed twice.
            return see(f"/settings/campaigns/{same.campaign_id}?added=1")
        problems = {"name": (str(error), "Choose another name, or edit that campaign.")}
        return await _form(request, typed, problems=problems, status=409)
    return see(f"/settings/campaigns/{stored.campaign_id}?added=1")


async def _same(looked_up: Any, made: Campaign) -> Campaign | None:
    try:
        stored: Campaign = await looked_up
    except NotFound:
        return None
    wanted = replace(made, campaign_id=stored.campaign_id)
    return stored if campaign_version(wanted) == campaign_version(stored) else None


async def _save(request: Request, stored: Campaign, typed: CampaignTyped, *, seen: str) -> Response:
    checked = _check(request, typed, stored)
    if checked.campaign is None:
        return await _form(request, typed, stored=stored, problems=checked.problems, seen=seen)
    return await store_changed(
        request,
        checked.campaign,
        seen,
        f"/settings/campaigns/{stored.campaign_id}",
        lambda refused: _form(
            request,
            typed,
            stored=stored,
            problems=refused.problems,
            differences=refused.differences,
            seen=refused.seen,
            status=409,
        ),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """Why a change was not written."""

    problems: Mapping[str, Sequence[str]]
    #: How what is stored now differs from what was typed.
    differences: Sequence[str] = ()
    #: Version of what is stored now: who saves once more writes over it knowingly.
    seen: str


async def store_changed(
    request: Request,
    changed: Campaign,
    seen: str,
    path: str,
    again: Callable[[Refused], Awaitable[Response]],
) -> Response:
    """Write a change that rests on what the person has seen; else show the form ``again``."""
    try:
        # An empty version is nobody's: a form without one must not write blindly.
        await shared_of(request).app.store.replace_campaign(changed, seen=seen or "none")
    except Conflict as error:
        now = await campaign_of(request, str(changed.campaign_id))
        version = campaign_version(now)
        if version == campaign_version(changed):
            # The button was pressed twice.
            return see(f"{path}?saved=1")
        if version == seen:
            return await again(Refused(problems={"name": (str(error),)}, seen=version))
        return await again(
            Refused(
                problems={FORM: (str(error),)}, differences=_differences(now, changed), seen=version
            )
        )
    return see(f"{path}?saved=1")


def _differences(now: Campaign, typed: Campaign) -> list[str]:
    named = compare([now], [replace(typed, name=now.name)]).lines()
    lines = [line.removeprefix(f"~ {now.name}: ") for line in named]
    return [*([f"name {now.name} -> {typed.name}"] if now.name != typed.name else []), *lines]


async def _form(
    request: Request,
    typed: CampaignTyped,
    *,
    stored: Campaign | None = None,
    problems: Mapping[str, Sequence[str]] | None = None,
    differences: Sequence[str] = (),
    seen: str | None = None,
    status: int | None = None,
) -> Response:
    app = shared_of(request).app
    found = await view_campaign_settings(app.context, [stored] if stored else [], app.schedules)
    version = found[0].version if found else ""
    return await page(
        request,
        "campaign_settings.html.j2",
        status=status or (422 if problems else 200),
        tabs=tabs_of(request),
        typed=typed,
        settings=found[0] if found else None,
        seen=version if seen is None else seen,
        problems=problems or {},
        differences=differences,
        is_added=stored is not None and request.query_params.get("added") == "1" and not problems,
        is_saved=request.query_params.get("saved") == "1" and not problems,
        is_admin=visitor_of(request).may(Need.ADMIN),
        may_resume=visitor_of(request).may(Need.OPERATE),
        channels=sorted({*app.loaded.settings.channels, *typed.channels}),
        configured=list(app.loaded.settings.channels),
        defaults=app.schedules,
        jobs=_EVERY_JOB,
        zones=zones(),
        looks=list(NUMBERS),
        clocks=CLOCKS,
        languages=codes(),
        zone=stored.timezone if stored else "UTC",
    )


@lru_cache(maxsize=1)
def zones() -> list[str]:
    """Every time zone this machine knows, by name."""
    return sorted(available_timezones() - {"localtime"})
