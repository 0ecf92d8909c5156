"""Rules of a campaign, with what a change would have done before it is saved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from fastapi import APIRouter, Request, Response
from starlette.datastructures import FormData, QueryParams

from tagtide.core.access import Need
from tagtide.core.backtest import PresetTest
from tagtide.core.campaign_version import campaign_version
from tagtide.errors import InvalidInput
from tagtide.models import CAMPAIGN_RULES, Campaign, Rule
from tagtide.services.backtest import ARMING_SPAN, Arming, presets, try_change
from tagtide.services.campaign_form import RulesTyped, check_rules, rules_typed_of
from tagtide.web.forms import campaign_of, form_of
from tagtide.web.frame import page, shared_of, visitor_of
from tagtide.web.pages.campaign_settings import store_changed
from tagtide.web.settings_nav import tabs_of


@dataclass(frozen=True, slots=True)
class Setting:
    """One number of the rules, in words."""

    key: str
    label: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """Settings that belong to one rule, or to all."""

    #: None: of every rule, or of none.
    rule: Rule | None
    name: str
    about: str
    settings: tuple[Setting, ...]


def _pending(rule: Rule) -> tuple[Setting, ...]:
    return (
        Setting(f"{rule.value}_for_runs", "Must hold for runs", "in a row; 0 fires at once"),
        Setting(f"{rule.value}_for_hours", "and for hours", "0 fires at once"),
    )


GROUPS = (
    Group(
        Rule.NEW_VIDEOS,
        "New videos",
        "Fires when a hashtag gains more videos in a window than the threshold.",
        (Setting("new_videos", "New videos per window"), *_pending(Rule.NEW_VIDEOS)),
    ),
    Group(
        Rule.GROWTH,
        "Growth",
        "Fires when videos, views or engagement grow by more than a share in a window.",
        (
            Setting("growth", "Growth in the window", "0.5 is +50 %"),
            Setting("growth_min_videos", "Judged from videos on"),
            Setting("growth_min_views", "Judged from views on"),
            *_pending(Rule.GROWTH),
        ),
    ),
    Group(
        Rule.VIRAL_VIDEO,
        "Viral video",
        "Fires when a video has many times the mean of the campaign's others.",
        (
            Setting("viral_factor", "Times the mean of the others"),
            Setting("viral_min_others", "Other videos needed to judge"),
            *_pending(Rule.VIRAL_VIDEO),
        ),
    ),
    Group(
        Rule.STATISTICAL,
        "Out of the usual",
        "Fires when a hashtag does what it does by chance only this seldom.",
        (
            Setting(
                "false_alarms",
                "False alarms per hashtag and month",
                "expected when nothing happens; larger is more sensitive",
            ),
            *_pending(Rule.STATISTICAL),
        ),
    ),
    Group(
        None,
        "Windows and ends",
        "What the rules have in common.",
        (
            Setting("window_hours", "Window in hours", "new videos and growth"),
            Setting("resolve_below", "Ends below this share", "of the threshold; at most 1"),
            Setting("reopen_hours", "Same episode for hours", "what fires again within them"),
            Setting("rolling_weeks", "Weeks of the rolling average", "in the weekly report"),
        ),
    ),
    Group(
        None,
        "High priority",
        "A video is high priority when it reaches both marks. Raises no alert.",
        (
            Setting("high_priority_rate", "Engagement rate", "0.05 is 5 %"),
            Setting("high_priority_views", "Views"),
        ),
    ),
)
_KEYS = tuple(setting.key for group in GROUPS for setting in group.settings)


def router() -> APIRouter:
    """Routes of the pages."""
    routes = APIRouter()
    path = "/settings/campaigns/{campaign_id}/rules"

    @routes.get(path, response_model=None)
    async def rules(request: Request, campaign_id: str) -> Response:
        campaign = await campaign_of(request, campaign_id)
        # A link may bring values, such as those of a preset; nothing is stored by following it.
        return await _form(request, campaign, _with(rules_typed_of(campaign), request.query_params))

    @routes.post(path, response_model=None)
    async def save(request: Request, campaign_id: str) -> Response:
        form = await form_of(request)
        campaign = await campaign_of(request, campaign_id)
        return await _save(request, campaign, typed_from(form), seen=str(form.get("seen", "")))

    @routes.get(f"{path}/try", response_model=None)
    async def tried(request: Request, campaign_id: str) -> Response:
        campaign = await campaign_of(request, campaign_id)
        typed = typed_from(request.query_params)
        seen = request.query_params.get("seen")
        return await _form(request, campaign, typed, tries=True, seen=seen)

    @routes.get(f"{path}/presets", response_model=None)
    async def fitting(request: Request, campaign_id: str, rule: str = "") -> Response:
        campaign = await campaign_of(request, campaign_id)
        chosen = next((one for one in CAMPAIGN_RULES if one.value == rule), None)
        if chosen is None:
            raise InvalidInput(f"The rules are {', '.join(CAMPAIGN_RULES)}.")
        return await _form(
            request,
            campaign,
            rules_typed_of(campaign),
            fitted=chosen,
            found=await _presets(request, campaign, chosen),
        )

    return routes


def typed_from(form: FormData | QueryParams) -> RulesTyped:
    """What stands in the fields of a form that was sent."""

    def text(name: str) -> str | None:
        value = form.get(name)
        return value if isinstance(value, str) else None

    return RulesTyped(
        values={key: value for key in _KEYS if (value := text(key)) is not None},
        enabled=tuple(v for v in form.getlist("enabled") if isinstance(v, str)),
        thresholds=text("thresholds") or "",
    )


def _with(typed: RulesTyped, query: QueryParams) -> RulesTyped:
    given = {key: value[:40] for key in _KEYS if (value := query.get(key)) is not None}
    return replace(typed, values={**typed.values, **given})


async def _presets(request: Request, campaign: Campaign, rule: Rule) -> Sequence[PresetTest]:
    """None of them before the first reading: they come from the campaign's own history."""
    shared = shared_of(request)
    async with shared.live.histories.turn:
        history = await shared.live.histories.of(shared.app.context, campaign)
        if history is None:
            return ()
        return await presets(shared.app.context, history, rule, campaign.rules)


async def _save(request: Request, stored: Campaign, typed: RulesTyped, *, seen: str) -> Response:
    checked = check_rules(typed, stored)
    if checked.campaign is None:
        return await _form(request, stored, typed, problems=checked.problems, seen=seen)
    return await store_changed(
        request,
        checked.campaign,
        seen,
        f"/settings/campaigns/{stored.campaign_id}/rules",
        lambda refused: _form(
            request,
            stored,
            typed,
            problems=refused.problems,
            differences=refused.differences,
            seen=refused.seen,
            status=409,
        ),
    )


async def _form(
    request: Request,
    campaign: Campaign,
    typed: RulesTyped,
    *,
    problems: Mapping[str, Sequence[str]] | None = None,
    differences: Sequence[str] = (),
    seen: str | None = None,
    status: int | None = None,
    tries: bool = False,
    fitted: Rule | None = None,
    found: Sequence[PresetTest] = (),
) -> Response:
    checked = check_rules(typed, campaign)
    shown = checked.problems if problems is None else problems
    tried: Sequence[Arming] | None = None
    if tries and checked.campaign is not None:
        tried = await _tried(request, campaign, checked.campaign)
    # A try is an answer even where a value is wrong: the page says so beside its field.
    fallback = 422 if problems else 200
    return await page(
        request,
        "rules.html.j2",
        status=status or fallback,
        tabs=tabs_of(request),
        campaign=campaign,
        typed=typed,
        seen=campaign_version(campaign) if seen is None else seen,
        groups=GROUPS,
        problems=shown,
        differences=differences,
        tried=tried,
        days=ARMING_SPAN.days,
        fitted=fitted,
        presets=found,
        is_saved=request.query_params.get("saved") == "1" and not problems,
        may_try=visitor_of(request).may(Need.OPERATE),
        is_admin=visitor_of(request).may(Need.ADMIN),
        base=f"/settings/campaigns/{campaign.campaign_id}/rules",
        zone=campaign.timezone,
    )


async def _tried(request: Request, before: Campaign, after: Campaign) -> list[Arming]:
    shared = shared_of(request)
    async with shared.live.histories.turn:
        history = await shared.live.histories.of(shared.app.context, before)
        return await try_change(shared.app.context, before, after, history)
