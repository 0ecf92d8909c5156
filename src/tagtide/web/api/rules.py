"""Rules of a campaign: read, replaced, tried on its history before they are saved, presets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from tagtide.core.backtest import BackTest, Episode, Preset, PresetTest
from tagtide.core.campaign_version import campaign_version
from tagtide.errors import NotFound
from tagtide.models import Campaign, Rule
from tagtide.services.backtest import ARMING_SPAN, presets, try_change
from tagtide.services.views.alerts import view_replay
from tagtide.web.api.alerts import AlertId
from tagtide.web.api.campaigns import CampaignId, CampaignSettings, IfMatch, checked, shown
from tagtide.web.api.problem import described, overtaken
from tagtide.web.api.route import api_router, matches, tag_of
from tagtide.web.frame import shared_of

PATH = "/campaigns/{campaign_id}/rules"
RuleName = Annotated[
    Literal["new_videos", "growth", "viral_video", "statistical"], Query(description="Which one.")
]


class CampaignRules(BaseModel):
    """Rules of a campaign, and thresholds of single hashtags."""

    model_config = ConfigDict(extra="forbid", strict=True)

    rules: dict[str, int | float | bool | list[str]] = Field(
        {}, description="What is left out takes the installation's."
    )
    thresholds: dict[str, int] = Field({}, description="New videos that alert, by hashtag.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tested:
    """What one rule with one setting would have done."""

    rule: Rule
    setting: str
    since: datetime
    until: datetime
    hashtag_months: float
    readings: int
    judged: int
    fired: int
    #: None where less than a day was read.
    per_hashtag_month: float | None
    last_fired_at: datetime | None
    episodes: tuple[Episode, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """A rule as it is, and as it is to be; null: it is off."""

    rule: Rule
    before: Tested | None
    after: Tested | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TriedRules:
    """Every rule that a change touches; none where nothing changes or nothing was read."""

    days: int
    rules: tuple[Tried, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundPreset:
    """The setting that a preset means for a campaign."""

    preset: Preset
    accepts_per_hashtag_month: float
    key: str
    value: float
    #: Even the least sensitive setting fires more often than the preset accepts.
    fires_more_often: bool
    rule: Rule
    setting: str
    judged: int
    fired: int
    per_hashtag_month: float | None
    last_fired_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundPresets:
    """One for each preset, the most sensitive first."""

    presets: tuple[FoundPreset, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertReplay:
    """What the rule of an alert would have done in 60 days."""

    alert_id: str
    test: Tested | None
    #: Where that cannot be said.
    why_not: str | None


def router() -> APIRouter:
    """Routes of the topic."""
    routes = api_router("rules")
    _add_settings(routes)
    _add_tests(routes)
    return routes


def _add_settings(routes: APIRouter) -> None:
    @routes.get(PATH, responses=described(404))
    async def get_rules(request: Request, campaign_id: CampaignId) -> CampaignRules:
        """Every setting of the rules, with thresholds of single hashtags."""
        return _shown(await shared_of(request).app.store.campaign_by_id(campaign_id))

    @routes.put(PATH, responses=described(404, 409, 412, 413), response_model=CampaignRules)
    async def replace_rules(
        request: Request,
        response: Response,
        campaign_id: CampaignId,
        wanted: CampaignRules,
        if_match: IfMatch = None,
    ) -> Any:
        """Make the rules equal to what is sent; what is left out takes its default."""
        store = shared_of(request).app.store
        before = await store.campaign_by_id(campaign_id)
        if if_match is not None and not matches(if_match, tag_of(_shown(before))):
            return overtaken("Somebody has changed the rules since they were read.")
        after = _changed(request, before, wanted)
        seen = None if if_match is None else campaign_version(before)
        await store.replace_campaign(after, seen=seen)
        response.headers["ETag"] = tag_of(_shown(after))
        return _shown(after)


def _add_tests(routes: APIRouter) -> None:
    @routes.post(f"{PATH}/try", responses=described(404, 413))
    async def try_rules(
        request: Request, campaign_id: CampaignId, wanted: CampaignRules
    ) -> TriedRules:
        """What these rules would have done in 60 days, beside those in force. Changes nothing."""
        shared = shared_of(request)
        before = await shared.app.store.campaign_by_id(campaign_id)
        after = _changed(request, before, wanted)
        # One at a time: each takes a core for as long as it lasts.
        async with shared.live.histories.turn:
            history = await shared.live.histories.of(shared.app.context, before)
            found = await try_change(shared.app.context, before, after, history)
        rules = [
            Tried(rule=a.rule, before=_tested(a.before), after=_tested(a.after)) for a in found
        ]
        return TriedRules(days=ARMING_SPAN.days, rules=tuple(rules))

    @routes.get(f"{PATH}/presets", responses=described(404))
    async def rule_presets(
        request: Request, campaign_id: CampaignId, rule: RuleName
    ) -> FoundPresets:
        """What sensitive, balanced and strict mean for this campaign, from its own history."""
        shared = shared_of(request)
        campaign = await shared.app.store.campaign_by_id(campaign_id)
        async with shared.live.histories.turn:
            history = await shared.live.histories.of(shared.app.context, campaign)
            if history is None:
                raise NotFound(
                    "Nothing of this campaign was read yet, so no preset can be found for it."
                )
            found = await presets(shared.app.context, history, Rule(rule), campaign.rules)
        return FoundPresets(presets=tuple(map(_preset, found)))

    @routes.get("/alerts/{alert_id}/backtest", responses=described(404))
    async def alert_backtest(request: Request, alert_id: AlertId) -> AlertReplay:
        """What the rule of an alert would have done in 60 days, for its hashtag."""
        shared = shared_of(request)
        async with shared.live.histories.turn:
            view = await view_replay(shared.app.context, alert_id)
        return AlertReplay(alert_id=alert_id, test=_tested(view.test), why_not=view.why_not)


def _shown(campaign: Campaign) -> CampaignRules:
    found = shown(campaign)
    return CampaignRules.model_construct(rules=found.rules, thresholds=found.thresholds)


def _changed(request: Request, before: Campaign, wanted: CampaignRules) -> Campaign:
    """The campaign with these rules, by the same checks as everywhere. Raises `InvalidInput`."""
    same: Mapping[str, Any] = {
        "name": before.name,
        "hashtags": [h.name for h in before.own()],
        "competitors": [h.name for h in before.competitors()],
    }
    made = checked(
        request,
        CampaignSettings.model_construct(**same, rules=wanted.rules, thresholds=wanted.thresholds),
    )
    thresholds = {h.name: h.threshold for h in made.hashtags}
    hashtags = tuple(replace(h, threshold=thresholds[h.name]) for h in before.hashtags)
    return replace(before, rules=made.rules, hashtags=hashtags)


def _tested(test: BackTest | None) -> Tested | None:
    if test is None:
        return None
    return Tested(
        since=test.since,
        until=test.until,
        hashtag_months=round(test.months, 3),
        readings=test.readings,
        episodes=test.episodes,
        **_summary(test),
    )


def _preset(found: PresetTest) -> FoundPreset:
    return FoundPreset(
        preset=found.preset,
        accepts_per_hashtag_month=found.preset.per_month,
        key=found.key,
        value=found.value,
        fires_more_often=found.is_above,
        **_summary(found.test),
    )


def _summary(test: BackTest) -> dict[str, Any]:
    rate = test.per_month
    return {
        "rule": test.rule,
        "setting": test.setting,
        "judged": test.judged,
        "fired": len(test.episodes),
        "per_hashtag_month": None if rate is None else round(rate, 4),
        "last_fired_at": test.episodes[-1].fired_at if test.episodes else None,
    }
