"""Read tools about the watching itself: alerts, runs, credits, prices, back-tests."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from tagtide.bootstrap import App
from tagtide.core.backtest import LADDERS, BackTest
from tagtide.core.forecast import daily_calls
from tagtide.core.mutes import mute_of
from tagtide.errors import InvalidInput, NotFound
from tagtide.mcp import arguments as a
from tagtide.mcp.campaigns import campaign_of, purse_facts
from tagtide.mcp.errors import NO_ALERT, NO_SETTING, NOTHING_READ, Refusal
from tagtide.models import Alert, AlertState, Campaign, Job, Mute, Rule, video_url
from tagtide.ports import RunSummary
from tagtide.services.backtest import backtest, load_history
from tagtide.services.campaigns import rules_from
from tagtide.services.price import Price, price_of
from tagtide.services.views.today import view_purse

_EPISODES = 20


async def alerts(app: App, asked: a.Alerts) -> dict[str, Any]:
    """Alerts, newest first."""
    number = None
    if asked.campaign is not None:
        number = (await campaign_of(app, asked.campaign)).campaign_id
    state = AlertState(asked.state) if asked.state else None
    found = await app.store.alerts(campaign_id=number, state=state, limit=asked.limit)
    named, mutes = await _around(app)
    return {"alerts": [_alert(app, alert, named, mutes) for alert in found]}


async def explain_alert(app: App, asked: a.OneAlert) -> dict[str, Any]:
    """One alert: what was measured, which videos made it, what happened to it."""
    alert = await alert_of(app, asked.alert_id)
    named, mutes = await _around(app)
    explanation = alert.data.get("explanation")
    top = alert.data.get("top_videos")
    return {
        **_alert(app, alert, named, mutes),
        "explanation": _explained(explanation) if isinstance(explanation, Mapping) else None,
        "top_videos": [_video(v) for v in top] if isinstance(top, list) else [],
        "history": [
            {
                "at": event.at,
                "from": event.from_state,
                "to": event.to_state,
                "reason": event.reason,
                "told": event.told,
                "by": event.by,
                "note": event.note or None,
            }
            for event in await app.store.alert_events(alert.alert_id)
        ],
    }


async def alert_of(app: App, alert_id: str) -> Alert:
    """The alert with that id, or with an id that begins like it. Raises `Refusal`."""
    try:
        return await app.store.alert(alert_id)
    except NotFound:
        raise Refusal(NO_ALERT) from None


async def _around(app: App) -> tuple[dict[int, str], list[Mute]]:
    campaigns = {c.campaign_id: c.name for c in await app.store.campaigns()}
    return campaigns, await app.store.mutes(app.context.clock.now())


def _alert(app: App, alert: Alert, named: Mapping[int, str], mutes: list[Mute]) -> dict[str, Any]:
    muted = mute_of(alert, mutes, app.context.clock.now())
    return {
        "alert_id": alert.alert_id,
        "campaign": named.get(alert.campaign_id) if alert.campaign_id is not None else None,
        "rule": alert.rule,
        "hashtag": alert.hashtag,
        "video_id": alert.video_id,
        "condition": alert.condition.partition(":")[0] if alert.condition else None,
        "state": alert.state,
        "value": alert.value,
        "peak": alert.peak,
        "threshold": alert.threshold,
        # Holds names of creators: the fence takes it.
        "summary": alert.reason,
        "url": video_url(alert.video_id, None) if alert.video_id else alert.url,
        "opened_at": alert.opened_at,
        "updated_at": alert.updated_at,
        "fired_at": alert.fired_at,
        "told_at": alert.told_at,
        "resolved_at": alert.resolved_at,
        "flaps": alert.flaps,
        "is_flapping": alert.is_flapping,
        "acked_at": alert.acked_at,
        "acked_by": alert.acked_by,
        "ack_note": alert.ack_note,
        "muted_until": muted.until if muted else None,
        "mute_reason": (muted.reason or None) if muted else None,
    }


def _explained(explanation: Mapping[str, Any]) -> dict[str, Any]:
    """As it is kept, with addresses that hold no names."""
    videos = explanation.get("videos")
    over = explanation.get("over")
    return {
        **explanation,
        "videos": [_video(v) for v in videos] if isinstance(videos, list) else [],
        "over": {**over, "top": _video(over.get("top"))} if isinstance(over, Mapping) else None,
    }


def _video(facts: Any) -> dict[str, Any] | None:
    if not isinstance(facts, Mapping):
        return None
    number = facts.get("video_id")
    url = video_url(number, None) if isinstance(number, str) else None
    return {**facts, "url": url, "title": facts.get("caption")}


async def runs_and_coverage(app: App, asked: a.Runs) -> dict[str, Any]:
    """What was asked, got and missed, newest first."""
    number = None
    if asked.campaign is not None:
        number = (await campaign_of(app, asked.campaign)).campaign_id
    named = {c.campaign_id: c.name for c in await app.store.campaigns()}
    found = await app.store.runs(campaign_id=number, limit=asked.limit)
    return {"runs": [run_facts(summary, named) for summary in found]}


def run_facts(summary: RunSummary, named: Mapping[int, str]) -> dict[str, Any]:
    """A run with the outcome of each hashtag."""
    run = summary.run
    return {
        "run_id": run.run_id,
        "campaign": named.get(run.campaign_id),
        "job": run.job,
        "trigger": run.trigger,
        "slot_at": run.slot_at,
        "started_at": run.started_at,
        "finished_at": run.finished_at,
        "status": run.status,
        "reason": run.reason,
        "credits_used": run.credits,
        "outcomes": [
            {
                "hashtag": one.hashtag,
                "status": one.status,
                "reason": one.reason,
                "videos_seen": one.videos_seen,
                "new_in_run": one.videos_new,
                "new_views": one.new_views,
                "pages": one.pages,
                "credits_used": one.credits,
                "detail": one.detail or None,
            }
            for one in summary.outcomes
        ],
    }


async def credits_(app: App, _: a.Nothing) -> dict[str, Any]:
    """Credits left, spent and forecast."""
    purse = await view_purse(app.context)
    campaigns = await app.store.campaigns()
    schedules = app.loaded.settings.schedules
    forecast = {
        c.name: daily_calls(c, collect=schedules.collect, track=schedules.track) for c in campaigns
    }
    total = sum(forecast.values())
    balance = purse.balance
    return {
        **purse_facts(purse),
        "forecast_per_day": round(total, 2),
        "days_left": balance.credits_remaining / total if balance and total else None,
        "by_campaign": [
            {"campaign": name, "forecast_per_day": round(calls, 2)}
            for name, calls in sorted(forecast.items(), key=lambda item: -item[1])
        ],
    }


async def preview_run(app: App, asked: a.Run) -> dict[str, Any]:
    """The price of a run now."""
    price = await price_of(app.context, Job(asked.job), await campaign_of(app, asked.campaign))
    purse = await view_purse(app.context)
    return {**price_facts(app, price), "credits": purse_facts(purse)}


def price_facts(app: App, price: Price) -> dict[str, Any]:
    """What a run costs at most, by hashtag."""
    return {
        "campaign": price.campaign.name,
        "job": price.job,
        "credits_at_most": price.credits,
        "money_at_most": round(price.credits * app.context.price_per_credit, 4),
        "currency": app.context.currency,
        "hashtags": [
            {"hashtag": h.hashtag, "credits_at_most": h.credits, "is_paused": h.is_paused}
            for h in price.hashtags
        ],
    }


async def backtest_rule(app: App, asked: a.BackTest) -> dict[str, Any]:
    """How often, and when, a rule would have fired."""
    campaign = await campaign_of(app, asked.campaign)
    rule = Rule(asked.rule)
    key = "false_alarms" if rule is Rule.STATISTICAL else LADDERS[rule][0]
    try:
        changes = {} if asked.value is None else {key: asked.value}
        settings = rules_from(changes, campaign.rules)
    except InvalidInput:
        raise Refusal(NO_SETTING) from None

    async def tried() -> tuple[BackTest, float]:
        since = app.context.clock.now() - timedelta(days=asked.days)
        history = await load_history(app.context, campaign, since)
        return await backtest(app.context, history, rule, settings), history.months

    try:
        # Seconds of computing: in a thread, so that others are answered meanwhile.
        test, months = await asyncio.to_thread(lambda: asyncio.run(tried()))
    except NotFound:
        raise Refusal(NOTHING_READ) from None
    return _tested(campaign, test, months, key, getattr(settings, key))


def _tested(
    campaign: Campaign, test: BackTest, months: float, key: str, value: float
) -> dict[str, Any]:
    rate = test.per_month
    newest = sorted(test.episodes, key=lambda e: e.fired_at, reverse=True)
    return {
        "campaign": campaign.name,
        "rule": test.rule,
        "setting": key,
        "value": value,
        "enabled": test.rule in campaign.rules.enabled,
        "since": test.since,
        "until": test.until,
        "hashtag_months": round(months, 3),
        "judged": test.judged,
        "fired": len(newest),
        "per_hashtag_month": None if rate is None else round(rate, 4),
        "episodes": [
            {
                "hashtag": e.hashtag,
                "video_id": e.video_id,
                "fired_at": e.fired_at,
                "ended_at": e.ended_at,
                "peak": e.peak,
                "threshold": e.threshold,
                "summary": e.reason,
            }
            for e in newest[:_EPISODES]
        ],
    }
