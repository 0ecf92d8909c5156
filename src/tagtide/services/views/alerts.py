"""Alerts: the list, one with all that explains it, and what its rule would have done."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from tagtide.core.alert_course import Course, JudgedSpan, course_of
from tagtide.core.backtest import BackTest
from tagtide.core.detect.calibration import SHIPPED
from tagtide.core.mutes import mute_of
from tagtide.core.rules import Measure
from tagtide.errors import NotFound
from tagtide.models import (
    Alert,
    AlertEvent,
    Campaign,
    Delivery,
    Mute,
    Rule,
)
from tagtide.ports.browse import AlertFilter
from tagtide.services.backtest import ARMING_SPAN, load_history, replay
from tagtide.services.context import Context
from tagtide.services.detection import calibration
from tagtide.services.views.video import VideoCurve, view_curve

_PAGE = 50
#: The course begins so long before the alert and goes on so long after its end.
_BEFORE, _AFTER, _LONGEST = timedelta(days=7), timedelta(days=1), timedelta(days=14)
#: Earlier weeks that say what is usual.
_HISTORY = timedelta(days=29)
#: A campaign with more videos than this is not replayed for a page.
_MOST_VIDEOS = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertLine:
    """An alert in one row."""

    alert: Alert
    #: None for what tagtide says about itself.
    campaign: Campaign | None
    #: The mute that keeps people from hearing of it now.
    mute: Mute | None

    @property
    def timezone(self) -> str:
        """Of the campaign."""
        return self.campaign.timezone if self.campaign else "UTC"

    @property
    def can_acknowledge(self) -> bool:
        """Whether it can still be taken in hand."""
        return self.alert.acked_at is None and (self.alert.is_open or self.alert.is_flapping)


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertsView:
    """A page of the list."""

    now: datetime
    alerts: tuple[AlertLine, ...]
    #: What the next page follows; None on the last.
    next_after: str | None
    firing: int
    in_hand: int
    #: To choose from.
    campaigns: tuple[Campaign, ...]
    hashtags: tuple[str, ...]


async def view_alerts(
    context: Context, wanted: AlertFilter, *, after: str | None = None, limit: int = _PAGE
) -> AlertsView:
    """Gather a page of the list. Raises `StorageError`."""
    store, now = context.store, context.clock.now()
    campaigns = await store.campaigns()
    alerts = await store.alert_page(wanted, after=after, limit=limit + 1)
    firing = await store.firing()
    shown = alerts[:limit]
    return AlertsView(
        now=now,
        alerts=tuple(lines_of(shown, campaigns, await store.mutes(now), now)),
        next_after=shown[-1].alert_id if len(alerts) > limit else None,
        firing=len(firing),
        in_hand=sum(alert.acked_at is not None for alert in firing),
        campaigns=tuple(campaigns),
        hashtags=tuple(sorted({h.name for c in campaigns for h in c.hashtags})),
    )


def lines_of(
    alerts: Iterable[Alert], campaigns: Iterable[Campaign], mutes: Sequence[Mute], now: datetime
) -> list[AlertLine]:
    """Rows for alerts, with their campaigns and mutes."""
    named = {c.campaign_id: c for c in campaigns}
    return [
        AlertLine(
            alert=alert,
            campaign=named.get(alert.campaign_id) if alert.campaign_id is not None else None,
            mute=mute_of(alert, mutes, now),
        )
        for alert in alerts
    ]


# --- one alert ------------------------------------------------------------------------------------


class PartKind(StrEnum):
    """What a part of a change is."""

    VIDEO = "video"
    CREATOR = "creator"
    #: Held videos, new and known, beyond those named.
    OTHERS = "others"
    #: What no held video accounts for.
    UNSEEN = "unseen"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangePart:
    """A part of the change behind an alert."""

    kind: PartKind
    gained: int
    #: Of the change.
    share: float | None
    video_id: str | None = None
    author_username: str | None = None
    is_new: bool | None = None
    age_hours: float | None = None
    #: How many videos it is.
    videos: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Decomposition:
    """What the change is made of, as it was when people were last told."""

    sentence: str
    measure: Measure
    since: datetime
    until: datetime
    delta: int
    low: int
    high: int | None
    parts: tuple[ChangePart, ...]
    new_videos: int
    new_share: float | None
    known_videos: int
    known_share: float | None
    #: Held videos of which nothing can be said.
    left_out: int
    #: The largest part left out: whose, what is left, and whether the rule would fire all the same.
    without_author: str | None
    without_value: int | None
    without_ratio: float | None
    without_fires: bool | None
    doubt: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertView:
    """Everything about one alert."""

    now: datetime
    line: AlertLine
    #: None where nothing was recorded, or it cannot be read.
    decomposition: Decomposition | None
    #: None for a video, for tagtide itself, and where too little was read.
    course: Course | None
    #: Of the video that it is about.
    video: VideoCurve | None
    events: tuple[AlertEvent, ...]
    deliveries: tuple[Delivery, ...]
    #: Every mute in force that keeps it silent.
    mutes: tuple[Mute, ...]
    #: Whether its rule can be replayed: its campaign is there, and it is no rule about tagtide.
    can_replay: bool


async def view_alert(context: Context, alert_id: str) -> AlertView:
    """Gather one. Raises `NotFound`, `StorageError`."""
    store, now = context.store, context.clock.now()
    alert = await store.alert(alert_id)
    mutes = await store.mutes(now)
    (line,) = lines_of([alert], await store.campaigns(), mutes, now)
    return AlertView(
        now=now,
        line=line,
        decomposition=decomposition_of(alert),
        course=await _course(context, alert, now),
        video=await _video(context, alert),
        events=tuple(await store.alert_events(alert.alert_id)),
        deliveries=tuple(await store.alert_deliveries(alert.alert_id)),
        mutes=tuple(mute for mute in mutes if mute_of(alert, [mute], now)),
        can_replay=line.campaign is not None and alert.rule is not Rule.SELF,
    )


async def _video(context: Context, alert: Alert) -> VideoCurve | None:
    if alert.video_id is None:
        return None
    try:
        return await view_curve(context, alert.video_id, campaign_id=alert.campaign_id)
    except NotFound:
        return None


async def _course(context: Context, alert: Alert, now: datetime) -> Course | None:
    if alert.hashtag is None or alert.video_id is not None:
        return None
    began = alert.fired_at or alert.opened_at
    until = min(now, (alert.resolved_at or now) + _AFTER, began + _LONGEST)
    since = began - _BEFORE
    readings = await context.store.hashtag_readings(alert.hashtag, since - _HISTORY, until)
    try:
        measure = Measure(alert.data.get("measure", Measure.VIEWS))
    except ValueError:
        measure = Measure.VIEWS
    if len(readings) < 2:
        return None
    return course_of(
        readings,
        measure,
        shown_since=since,
        began_at=began,
        judged=_judged(alert.data),
        is_fall=alert.data.get("direction") == "fall",
    )


def _judged(data: Mapping[str, Any]) -> JudgedSpan | None:
    """The detector's own range at its newest judgement, from what it noted."""
    keys = ("since", "elapsed_hours", "usual_low", "usual_high")
    if any(data.get(key) is None for key in keys):
        return None
    gain = data.get("new_views") if data.get("measure") == "views" else data.get("new_videos")
    if gain is None:
        return None
    try:
        since = datetime.fromisoformat(data["since"])
        until = since + timedelta(hours=float(data["elapsed_hours"]))
        low, high = float(data["usual_low"]), float(data["usual_high"])
    except (TypeError, ValueError, OverflowError):
        return None
    return JudgedSpan(since=since, until=until, gain=gain, usual_low=low, usual_high=high)


def decomposition_of(alert: Alert) -> Decomposition | None:
    """The stored explanation, taken apart; None without one, or with one of another shape."""
    found = alert.data.get("explanation")
    if not isinstance(found, dict):
        return None
    try:
        return _decomposition(found)
    except (KeyError, TypeError, ValueError, AttributeError):
        return None


def _decomposition(found: Mapping[str, Any]) -> Decomposition:
    measure = Measure(found["measure"])
    counts_videos = measure in {Measure.VIDEO_COUNT, Measure.VIDEOS_SEEN}
    without, new, known = found.get("without") or {}, found["new"], found["known"]
    return Decomposition(
        sentence=found["sentence"],
        measure=measure,
        since=datetime.fromisoformat(found["since"]),
        until=datetime.fromisoformat(found["until"]),
        delta=found["delta"],
        low=found["low"],
        high=found["high"],
        parts=tuple(_parts(found, counts_videos=counts_videos)),
        new_videos=new["videos"],
        new_share=new["share"],
        known_videos=known["videos"],
        known_share=known["share"],
        left_out=found["left_out"],
        without_author=without.get("author_username"),
        without_value=without.get("value"),
        without_ratio=without.get("ratio"),
        without_fires=without.get("fires"),
        doubt=found["doubt"],
    )


def _parts(found: Mapping[str, Any], *, counts_videos: bool) -> list[ChangePart]:
    total = max(found["delta"], found["new"]["gained"] + found["known"]["gained"])

    def share(gained: int) -> float | None:
        return gained / total if total > 0 else None

    if counts_videos:
        parts = [
            ChangePart(
                kind=PartKind.CREATOR,
                gained=c["gained"],
                share=share(c["gained"]),
                author_username=c["author_username"],
                videos=c["videos"],
            )
            for c in found["creators"]
        ]
    else:
        parts = [
            ChangePart(
                kind=PartKind.VIDEO,
                gained=v["gained"],
                share=share(v["gained"]),
                video_id=v["video_id"],
                author_username=v["author_username"],
                is_new=v["is_new"],
                age_hours=v["age_hours"],
                videos=1,
            )
            for v in found["videos"]
            if v["gained"]
        ]
    held = found["new"]["gained"] + found["known"]["gained"]
    rest = held - sum(part.gained for part in parts)
    if rest > 0:
        counted = found["new"]["videos"] + found["known"]["videos"]
        others = counted - sum(part.videos or 0 for part in parts)
        parts.append(
            ChangePart(kind=PartKind.OTHERS, gained=rest, share=share(rest), videos=max(others, 0))
        )
    if total > held:
        parts.append(
            ChangePart(kind=PartKind.UNSEEN, gained=total - held, share=share(total - held))
        )
    return parts


# --- its rule on the past -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayView:
    """What the rule of an alert would have done; None where that cannot be said, and why."""

    alert: Alert
    campaign: Campaign | None
    test: BackTest | None
    why_not: str | None


async def view_replay(context: Context, alert_id: str) -> ReplayView:
    """Replay an alert's rule over the last 60 days, for its hashtag alone where it has one.

    Computes in a thread. Raises `NotFound`, `StorageError`.
    """
    store = context.store
    alert = await store.alert(alert_id)
    (line,) = lines_of([alert], await store.campaigns(), (), context.clock.now())
    campaign = line.campaign

    def not_said(why: str) -> ReplayView:
        return ReplayView(alert=alert, campaign=campaign, test=None, why_not=why)

    if campaign is None or alert.rule is Rule.SELF:
        return not_said("Only rules of a campaign that is in service can be replayed.")
    newest = await store.newest_reading_at(campaign.campaign_id)
    if newest is None:
        return not_said("Nothing of the campaign was read yet.")
    if (await store.new_video_count(campaign.campaign_id, None, _EVER, newest)) > _MOST_VIDEOS:
        return not_said(
            "The campaign holds too many videos to replay them for a page; "
            f"run: tagtide backtest {alert.rule.value}"
        )
    narrowed = campaign
    if alert.rule is not Rule.VIRAL_VIDEO and alert.hashtag is not None:
        mine = tuple(h for h in campaign.hashtags if h.name == alert.hashtag)
        if not mine:
            return not_said("The campaign does not watch that hashtag any more.")
        narrowed = replace(campaign, hashtags=mine)
    try:
        history = await load_history(context, narrowed, newest - ARMING_SPAN)
    except NotFound:
        return not_said("Nothing was read in the last 60 days.")
    pool = await calibration(context) if alert.rule is Rule.STATISTICAL else SHIPPED
    test = await asyncio.to_thread(
        replay, history, alert.rule, campaign.rules, pool, history.thresholds
    )
    return ReplayView(alert=alert, campaign=campaign, test=test, why_not=None)


_EVER = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
