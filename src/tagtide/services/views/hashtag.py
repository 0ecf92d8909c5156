"""One hashtag of a campaign: its curve, its velocity, what its rules say of it now, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from tagtide.core.coverage import Completeness, completeness
from tagtide.core.detect.base import StateMismatch
from tagtide.core.periods import Period
from tagtide.core.rules import Measure, RuleState, Verdict, judge_growth, judge_new_videos
from tagtide.core.statistical_rule import HashtagDetector, Usual
from tagtide.core.velocity import Change, change_over_window, measure_change, reach_of
from tagtide.errors import NotFound
from tagtide.models import (
    Alert,
    Campaign,
    CampaignHashtag,
    HashtagReading,
    Job,
    Reason,
    Role,
    Rule,
    Status,
)
from tagtide.ports import HashtagState, KnownVideo, SlotOutcome
from tagtide.services.context import Context
from tagtide.services.detection import calibration
from tagtide.services.views.campaign import (
    SIX_HOURS,
    CampaignHead,
    Velocity,
    view_head,
)

#: Up to so long every reading is drawn, beyond it the last one of six hours.
_EVERY_READING = timedelta(days=8)
_VELOCITY = timedelta(days=7)
_TOP, _ALERTS = 5, 20
READINGS_A_PAGE = 50
#: The outcomes that leave a hole in the curve.
_UNCERTAIN = frozenset({Status.FAILED, Status.PARTIAL})


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleNow:
    """What one rule says of the newest reading."""

    rule: Rule
    is_enabled: bool
    #: None where it cannot be said without reading more: then ``reason`` says why.
    state: RuleState | None
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HashtagView:
    """The page."""

    now: datetime
    head: CampaignHead
    period: Period
    hashtag: str
    role: Role
    threshold: int
    state: HashtagState
    #: Newest reading of the period, and the newest one up to its beginning or else its first.
    latest: HashtagReading | None
    base: HashtagReading | None
    change: Change | None
    held: Completeness | None
    #: Readings of the period in order of time, thinned to one in six hours in longer periods.
    curve: tuple[HashtagReading, ...]
    is_thinned: bool
    #: Slots of the period in which it was not read, or only in part.
    uncertain: tuple[SlotOutcome, ...]
    velocity: tuple[Velocity, ...]
    #: Whether the usual range comes from the detector; else it is unknown.
    has_usual: bool
    rules: tuple[RuleNow, ...]
    alerts: tuple[Alert, ...]
    feed_size: int
    videos: tuple[KnownVideo, ...]
    #: A page of the history, newest first, and whether there is more.
    readings: tuple[HashtagReading, ...]
    has_more: bool


async def view_hashtag(
    context: Context,
    campaign: Campaign,
    name: str,
    period: Period,
    *,
    schedules: Mapping[Job, str],
    before: datetime | None = None,
) -> HashtagView:
    """Gather the page; ``before`` pages the readings. Raises `NotFound` or `StorageError`."""
    held = next((h for h in campaign.hashtags if h.name == name), None)
    if held is None:
        raise NotFound("This campaign has no such hashtag.", hint="Its page lists them.")
    store, now, number = context.store, context.clock.now(), campaign.campaign_id
    state = (await store.hashtag_states([name]))[name]
    is_thinned = period.length > _EVERY_READING
    curve = await (store.window_readings if is_thinned else store.hashtag_readings)(
        name, period.since, period.until
    )
    base = await _up_to(context, name, period.since)
    latest = curve[-1] if curve else None
    if base is None and len(curve) > 1:
        base = curve[0]
    velocity, has_usual = await _velocity(context, campaign, name, period)
    top = await store.top_in_feed(number, name, _TOP)
    videos = {v.video_id: v for v in await store.known_videos(number, video_ids=top)}
    readings = await store.newest_readings(
        name, before or now + timedelta(days=1), READINGS_A_PAGE + 1
    )
    return HashtagView(
        now=now,
        head=view_head(campaign, schedules, now),
        period=period,
        hashtag=name,
        role=held.role,
        threshold=campaign.rules.new_videos if held.threshold is None else held.threshold,
        state=state,
        latest=latest,
        base=base,
        change=measure_change(latest, base) if latest is not None and base is not None else None,
        held=await _held(context, held, base, latest),
        curve=tuple(curve),
        is_thinned=is_thinned,
        uncertain=await _uncertain(context, name, period),
        velocity=velocity,
        has_usual=has_usual,
        rules=await _rules(context, campaign, held, state),
        alerts=tuple(await store.campaign_alerts(number, hashtag=name, limit=_ALERTS)),
        feed_size=await store.feed_size(number, name),
        videos=tuple(videos[key] for key in top if key in videos),
        readings=tuple(readings[:READINGS_A_PAGE]),
        has_more=len(readings) > READINGS_A_PAGE,
    )


async def _up_to(context: Context, name: str, at: datetime) -> HashtagReading | None:
    found = await context.store.newest_readings(name, at + timedelta(microseconds=1), 1)
    return found[0] if found else None


async def _held(
    context: Context,
    tag: CampaignHashtag,
    base: HashtagReading | None,
    latest: HashtagReading | None,
) -> Completeness | None:
    if tag.role is not Role.OWN or base is None or latest is None:
        return None
    if base.read_at >= latest.read_at:
        return None
    seen = await context.store.published_under(tag.name, base.read_at, latest.read_at)
    return completeness(seen, base, latest)


async def _uncertain(context: Context, name: str, period: Period) -> tuple[SlotOutcome, ...]:
    found = await context.store.slot_outcomes(name, Job.TRACK, period.since, period.until)
    return tuple(
        slot for slot in found if slot.status in _UNCERTAIN and slot.reason is not Reason.SHARED
    )


# --- velocity -------------------------------------------------------------------------------------


async def _velocity(
    context: Context, campaign: Campaign, name: str, period: Period
) -> tuple[tuple[Velocity, ...], bool]:
    """Growth per six hours with what the detector, as it is now, takes for usual in them."""
    since = max(period.since, period.until - _VELOCITY)
    curves = await context.store.hashtag_curves(campaign.campaign_id, [name], _whole(since))
    gains = dict(curves.get(name, ()))
    detector = await _detector(context, campaign, name)
    found, at = [], _whole(since)
    while at < period.until:
        end = at + SIX_HOURS
        usual = detector.usual(Measure.VIEWS, at, end) if detector is not None else None
        found.append(
            Velocity(
                begins_at=at,
                ends_at=end,
                new_views=gains.get(at),
                usual_low=None if usual is None else usual.low,
                usual_high=None if usual is None else usual.high,
                days=0,
            )
        )
        at = end
    return tuple(found), any(one.usual_low is not None for one in found)


def _whole(at: datetime) -> datetime:
    return at.replace(hour=at.hour - at.hour % 6, minute=0, second=0, microsecond=0)


async def _detector(context: Context, campaign: Campaign, name: str) -> HashtagDetector | None:
    states = await context.store.detector_states(name)
    stored = states.get(campaign.rules.false_alarms) or next(iter(states.values()), None)
    if stored is None:
        return None
    pool = await calibration(context)
    try:
        return HashtagDetector(name, stored.false_alarms, pool, stored.body)
    except (StateMismatch, KeyError, ValueError, TypeError):
        return None


# --- rules ----------------------------------------------------------------------------------------


async def _rules(
    context: Context, campaign: Campaign, tag: CampaignHashtag, state: HashtagState
) -> tuple[RuleNow, ...]:
    reading, rules = state.latest, campaign.rules
    if reading is None:
        return ()
    history = await context.store.hashtag_readings(
        tag.name,
        reading.read_at - reach_of(rules.window_hours),
        reading.read_at - timedelta(microseconds=1),
    )
    newest = history[-1:] or await context.store.newest_readings(tag.name, reading.read_at, 1)
    change, previous = change_over_window(
        reading, history, rules.window_hours, newest[0] if newest else None
    )
    threshold = rules.new_videos if tag.threshold is None else tag.threshold
    verdicts = [
        judge_new_videos(change, threshold, rules.window_hours, resolve_below=rules.resolve_below),
        judge_growth(change, reading, previous, None, None, rules),
    ]
    found = [_of_verdict(verdict, campaign) for verdict in verdicts]
    detector = await _detector(context, campaign, tag.name)
    return (*found, _statistical(detector, campaign, history, reading))


def _of_verdict(verdict: Verdict, campaign: Campaign) -> RuleNow:
    return RuleNow(
        rule=verdict.rule,
        is_enabled=verdict.rule in campaign.rules.enabled,
        state=verdict.state,
        reason=verdict.reason,
    )


def _statistical(
    detector: HashtagDetector | None,
    campaign: Campaign,
    history: Sequence[HashtagReading],
    reading: HashtagReading,
) -> RuleNow:
    is_enabled = Rule.STATISTICAL in campaign.rules.enabled
    if detector is None:
        return RuleNow(
            rule=Rule.STATISTICAL,
            is_enabled=is_enabled,
            state=None,
            reason="It has learned nothing of this hashtag yet.",
        )
    usual = None
    if history:
        usual = detector.usual(Measure.VIEWS, history[-1].read_at, reading.read_at)
    return RuleNow(
        rule=Rule.STATISTICAL,
        is_enabled=is_enabled,
        state=RuleState.FIRES if detector.is_open else RuleState.CLEAR,
        reason=_said(detector, usual),
    )


def _said(detector: HashtagDetector, usual: Usual | None) -> str:
    said = "An incident goes on." if detector.is_open else "No incident goes on."
    if usual is None:
        return f"{said} It is still learning what is usual."
    return (
        f"{said} Since the reading before, a gain of {round(usual.low):,} to "
        f"{round(usual.high):,} views was usual."
    )
