"""Read tools about campaigns: what is watched, and how its figures went."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from tagtide.bootstrap import App
from tagtide.core.metrics import creators as rank_creators
from tagtide.core.names import parse_hashtag
from tagtide.core.planning import campaign_phase
from tagtide.core.reports.facts import creator_dict, video_dict
from tagtide.core.velocity import HISTORY, measure_change
from tagtide.errors import InvalidInput, NotFound
from tagtide.mcp import arguments as a
from tagtide.mcp.errors import NO_CAMPAIGN, NO_HASHTAG, NOTHING_READ, Refusal
from tagtide.models import Campaign, HashtagReading, Role, video_url
from tagtide.ports import KnownVideo
from tagtide.services.report import read_campaign, read_weekly
from tagtide.services.views.today import CampaignLine, Purse, view_today

#: Readings of a long history that are shown.
_POINTS = 100


async def campaign_of(app: App, name: str) -> Campaign:
    """The campaign of that name. Raises `Refusal`."""
    try:
        return await app.store.campaign(name)
    except NotFound:
        raise Refusal(NO_CAMPAIGN) from None


def hashtag_of(campaign: Campaign, text: str) -> str:
    """The watched hashtag that is meant. Raises `Refusal`."""
    try:
        name = parse_hashtag(text)
    except InvalidInput:
        raise Refusal(NO_HASHTAG) from None
    if name not in {tag.name for tag in campaign.hashtags}:
        raise Refusal(NO_HASHTAG)
    return name


async def list_campaigns(app: App, _: a.Nothing) -> dict[str, Any]:
    """What is watched."""
    now = app.context.clock.now()
    return {
        "campaigns": [
            {
                "campaign": one.name,
                "timezone": one.timezone,
                "phase": campaign_phase(one, now),
                "starts_on": one.starts_on,
                "ends_on": one.ends_on,
                "hashtags": [
                    {
                        "hashtag": tag.name,
                        "role": tag.role,
                        "feed": tag.feed,
                        "threshold": tag.threshold,
                    }
                    for tag in one.hashtags
                ],
                "rules": list(one.rules.enabled),
                "page_budget": one.page_budget,
                "credits_per_day": one.credits_per_day,
            }
            for one in await app.store.campaigns()
        ]
    }


async def today(app: App, asked: a.Since) -> dict[str, Any]:
    """What changed over all campaigns."""
    since = app.context.clock.now() - timedelta(hours=asked.hours)
    view = await view_today(app.context, schedules=app.schedules, since=since)
    return {
        "since": view.since,
        "now": view.now,
        "campaigns": [_line(line) for line in view.campaigns],
        "firing": view.firing,
        "taken_in_hand": view.in_hand,
        "alerts": [
            {
                "alert_id": one.alert.alert_id,
                "campaign": one.campaign,
                "rule": one.alert.rule,
                "hashtag": one.alert.hashtag,
                "opened_at": one.alert.opened_at,
                "summary": one.alert.reason,
            }
            for one in view.alerts
        ],
        "priority_videos": [
            {"campaign": one.campaign, **video_facts(one.video)} for one in view.priority_videos
        ],
        "failed_runs": [
            {
                "campaign": one.campaign,
                "job": one.summary.run.job,
                "started_at": one.summary.run.started_at,
                "status": one.summary.run.status,
                "reason": one.summary.run.reason,
            }
            for one in view.failed_runs
        ],
        "credits": purse_facts(view.purse),
        "dead_letters": view.dead_letter_count,
    }


def _line(line: CampaignLine) -> dict[str, Any]:
    return {
        "campaign": line.campaign,
        "phase": line.phase,
        "hashtags_watched": line.hashtags,
        "hashtags_read": line.hashtags_read,
        "hashtags_compared": line.hashtags_compared,
        "view_count": line.view_count,
        "new_views": line.new_views,
        "new_videos_seen": line.new_videos_seen,
        "previous_at": line.previous_at,
        "read_at": line.read_at,
        "leader": line.leader.hashtag if line.leader else None,
        "firing": line.firing,
        "next_job": line.next_run.job if line.next_run else None,
        "next_run_at": line.next_run.at if line.next_run else None,
    }


def purse_facts(purse: Purse) -> dict[str, Any]:
    """Credits left and spent."""
    balance = purse.balance
    return {
        "credits_remaining": balance.credits_remaining if balance else None,
        "balance_read_at": balance.read_at if balance else None,
        "spent_today": purse.today.charged + purse.today.unknown,
        "unconfirmed": purse.today.unknown,
        "credits_allowed": purse.allowed_today,
        "credits_per_day": purse.credits_per_day,
        "days_left": purse.days_left,
        "price_per_credit": purse.price_per_credit,
        "currency": purse.currency,
    }


async def hashtag_history(app: App, asked: a.History) -> dict[str, Any]:
    """Readings of a hashtag, newest first, and its change over the whole span."""
    campaign = await campaign_of(app, asked.campaign)
    name = hashtag_of(campaign, asked.hashtag)
    now = app.context.clock.now()
    since = now - timedelta(days=asked.days)
    before = await app.store.hashtag_readings(name, since - HISTORY, now)
    readings = [r for r in before if r.read_at >= since]
    shown = _thinned(readings)
    return {
        "campaign": campaign.name,
        "hashtag": name,
        "since": since,
        **_change(readings, before),
        "total": len(readings),
        "thinned": len(shown) < len(readings),
        "readings": [
            {"read_at": r.read_at, "view_count": r.view_count, "video_count": r.video_count}
            for r in reversed(shown)
        ],
    }


def _thinned(readings: list[HashtagReading]) -> list[HashtagReading]:
    """At most so many, evenly, the first and the last among them."""
    last = len(readings) - 1
    if last < _POINTS:
        return readings
    return [readings[round(place * last / (_POINTS - 1))] for place in range(_POINTS)]


def _change(readings: list[HashtagReading], known: list[HashtagReading]) -> dict[str, Any]:
    if len(readings) < 2:
        return {"elapsed_hours": None, "new_views": None, "new_videos": None}
    first, last = readings[0], readings[-1]
    change = measure_change(last, first, [r for r in known if r.read_at < last.read_at])
    return {
        "previous_at": change.previous_at,
        "read_at": last.read_at,
        "elapsed_hours": round((last.read_at - first.read_at).total_seconds() / 3600, 2),
        "new_views": change.new_views,
        "new_videos": change.new_videos,
    }


async def weekly_ranking(app: App, asked: a.OfCampaign) -> dict[str, Any]:
    """Own and competitors' hashtags, ranked."""
    campaign = await campaign_of(app, asked.campaign)
    try:
        return (await read_weekly(app.context, campaign)).as_dict()
    except NotFound:
        raise Refusal(NOTHING_READ) from None


async def campaign_summary(app: App, asked: a.OfCampaign) -> dict[str, Any]:
    """Totals, rates, growth, rankings and coverage."""
    campaign = await campaign_of(app, asked.campaign)
    try:
        body = (await read_campaign(app.context, campaign)).as_dict(videos=False)
    except NotFound:
        raise Refusal(NOTHING_READ) from None
    for key in ("viral_videos", "standout_videos", "top_videos", "top_videos_by_views"):
        body[key] = [_plain_url(video) for video in body[key]]
    body["high_priority"] = len(body["high_priority"])
    # Its sentence and its address hold names of creators.
    body["alerts"] = [
        {**alert, "reason": None, "url": None, "summary": alert["reason"]}
        for alert in body["alerts"]
    ]
    return body


# --- videos and creators --------------------------------------------------------------------------

_ORDERS: dict[str, Callable[[KnownVideo], float]] = {
    "views": lambda v: v.counters.view_count or -1,
    "engagement": lambda v: v.counters.engagement or -1,
    "rate": lambda v: v.counters.engagement_rate or -1,
    "created": lambda v: v.created_at.timestamp() if v.created_at else -1,
    "seen": lambda v: v.first_seen_at.timestamp(),
}


def video_facts(video: KnownVideo) -> dict[str, Any]:
    """A video, its address without the creator's name."""
    return _plain_url(video_dict(video))


def _plain_url(body: dict[str, Any]) -> dict[str, Any]:
    return {**body, "url": video_url(body["video_id"], None)}


async def top_videos(app: App, asked: a.TopVideos) -> dict[str, Any]:
    """Own videos, ranked."""
    campaign = await campaign_of(app, asked.campaign)
    tags = [hashtag_of(campaign, asked.hashtag)] if asked.hashtag is not None else None
    held = await app.store.known_videos(
        campaign.campaign_id,
        role=None if tags else Role.OWN,
        hashtags=tags,
        high_priority=asked.high_priority,
    )
    held.sort(key=_ORDERS[asked.by], reverse=True)
    return _ranked(campaign, held, asked.limit)


async def search_videos(app: App, asked: a.SearchVideos) -> dict[str, Any]:
    """Videos whose caption or creator holds a text; most views first."""
    campaign = await campaign_of(app, asked.campaign)
    wanted = asked.text.casefold()
    held = [
        video
        for video in await app.store.known_videos(campaign.campaign_id)
        if any(
            wanted in text.casefold()
            for text in (video.caption, video.author_username, video.author_nickname)
            if text
        )
    ]
    held.sort(key=_ORDERS["views"], reverse=True)
    return _ranked(campaign, held, asked.limit)


def _ranked(campaign: Campaign, held: list[KnownVideo], limit: int) -> dict[str, Any]:
    return {
        "campaign": campaign.name,
        "total": len(held),
        "shown": min(limit, len(held)),
        "videos": [
            {"rank": rank, **video_facts(video)} for rank, video in enumerate(held[:limit], 1)
        ],
    }


async def top_creators(app: App, asked: a.TopCreators) -> dict[str, Any]:
    """Creators of own videos, by views."""
    campaign = await campaign_of(app, asked.campaign)
    held = await app.store.known_videos(campaign.campaign_id, role=Role.OWN)
    ranked = rank_creators(held)
    return {
        "campaign": campaign.name,
        "total": len(ranked),
        "shown": min(asked.limit, len(ranked)),
        "creators": [creator_dict(rank, one) for rank, one in enumerate(ranked[: asked.limit], 1)],
    }
