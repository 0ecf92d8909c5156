"""Judge rules and turn verdicts into alerts and messages: says what to write, ends runs with it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import structlog

from tagtide.core.alert_terms import REPORTED
from tagtide.core.alerts import (
    AlertDecision,
    Lifecycle,
    decide_alert,
    end_unwatched,
    has_expired,
)
from tagtide.core.messages.notification import notification_payload
from tagtide.core.rules import Verdict, judge_viral
from tagtide.errors import Conflict
from tagtide.models import (
    Alert,
    AlertEvent,
    AlertState,
    Campaign,
    HashtagOutcome,
    Mute,
    Notification,
    Reason,
    Role,
    Rule,
    Run,
    Status,
    video_url,
)
from tagtide.ports import Changes, KnownVideo
from tagtide.services.context import Context
from tagtide.services.runs import run_reason, run_status

if TYPE_CHECKING:
    from tagtide.core.crowd import Crowd
    from tagtide.core.detect.virality import AgeScore

_log = structlog.get_logger(__name__)

#: How often a decision is made anew because another process has written the same alert.
ATTEMPTS = 4
#: A smaller fall of a counter is a stale read.
_STALE_FALL = 0.05


@dataclass(frozen=True, slots=True)
class Judgement:
    """Alerts and messages to be written with the readings that caused them."""

    #: To be written; some only with newer figures.
    alerts: tuple[Alert, ...] = ()
    notifications: tuple[Notification, ...] = ()
    #: Those of the alerts that were raised, updated or resolved, also where nobody is told.
    told: tuple[Alert, ...] = ()
    #: Lines of their history.
    events: tuple[AlertEvent, ...] = ()

    def __add__(self, other: Judgement) -> Judgement:
        return Judgement(
            self.alerts + other.alerts,
            self.notifications + other.notifications,
            self.told + other.told,
            self.events + other.events,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What a verdict is about."""

    campaign: Campaign
    hashtag: str | None
    video_id: str | None
    url: str


def decide(
    context: Context,
    subject: Subject,
    verdict: Verdict,
    open_alert: Alert | None,
    *,
    status: Status,
    mutes: Sequence[Mute] = (),
    expired: bool = False,
) -> AlertDecision:
    """Decide about one verdict; a message goes out only when an episode opens, grows or ends.

    ``open_alert`` is the newest alert of the fingerprint, also when it is over. `carried_out` says
    what is to be written for it.
    """
    return decide_alert(
        verdict,
        open_alert,
        now=context.clock.now(),
        alert_id=context.clock.token(),
        campaign_id=subject.campaign.campaign_id,
        hashtag=subject.hashtag,
        video_id=subject.video_id,
        url=subject.url,
        run_status=status,
        expired=expired,
        lifecycle=Lifecycle.of(subject.campaign.rules, verdict.rule),
        mutes=mutes,
    )


def carried_out(
    context: Context,
    campaign: Campaign,
    decision: AlertDecision,
    facts: Mapping[str, Any] | None = None,
) -> Judgement:
    """What is to be written for a decision, with its messages; the reason goes to the log.

    ``facts`` are kept with an alert that is open: top videos, the explanation.
    """
    alert, event = decision.alert, decision.event
    if alert is None:
        return Judgement()
    if facts and alert.is_open:
        alert = replace(alert, data={**alert.data, **facts})
    if event is not None:
        _log.info(
            "alert_decided",
            alert_id=alert.alert_id,
            rule=alert.rule.value,
            action=decision.action.value,
            reason=decision.reason.value,
            told=event.told,
        )
    messages = _messages(context, campaign, alert, decision.kind) if decision.kind else ()
    told = (alert,) if decision.action in REPORTED else ()
    return Judgement((alert,), messages, told, (event,) if event else ())


def ended_unwatched(
    context: Context, campaign: Campaign, alerts: Iterable[Alert], mutes: Sequence[Mute]
) -> Judgement:
    """End alerts that nothing judges any more, or they would fire for ever."""
    total, now = Judgement(), context.clock.now()
    for alert in alerts:
        if alert.is_open:
            total += carried_out(context, campaign, end_unwatched(alert, now, mutes))
    return total


def _messages(
    context: Context, campaign: Campaign, alert: Alert, kind: str
) -> tuple[Notification, ...]:
    now = context.clock.now()
    payload = notification_payload(
        alert,
        campaign.name,
        kind,
        timezone=campaign.timezone,
        numbers=campaign.numbers,
        clock=campaign.clock,
    )
    return tuple(
        Notification(
            notification_id=context.clock.token(),
            channel=channel,
            alert_id=alert.alert_id,
            kind=kind,
            created_at=now,
            due_at=now,
            payload=payload,
        )
        for channel in context.channels_of(campaign)
    )


def by_fingerprint(alerts: Iterable[Alert]) -> dict[str, Alert]:
    """The newest of each episode; ``alerts`` come oldest first."""
    return {alert.fingerprint: alert for alert in alerts}


def was_read_in(run: Run, video: KnownVideo) -> bool:
    """Whether the newest reading of a video is of the run's slot.

    Another run may have read it: a hashtag that several campaigns hold is read once per slot.
    """
    return video.read_at >= run.slot_at


async def finish(
    context: Context,
    run: Run,
    outcomes: Sequence[HashtagOutcome],
    unclaimed: Sequence[HashtagOutcome],
    last_words: Callable[[], Awaitable[Judgement]],
) -> Judgement:
    """End a run together with what is judged at its end; the only thing here that writes.

    ``last_words`` is asked again when another process has written the same alert meanwhile.
    """
    status, reason = run_status(outcomes), run_reason(outcomes)
    for _ in range(ATTEMPTS - 1):
        with suppress(Conflict):
            return await _finish(context, run, status, reason, unclaimed, await last_words())
    return await _finish(context, run, status, reason, unclaimed, await last_words())


async def _finish(
    context: Context,
    run: Run,
    status: Status,
    reason: Reason,
    unclaimed: Sequence[HashtagOutcome],
    judgement: Judgement,
) -> Judgement:
    changes = Changes(
        alerts=judgement.alerts,
        alert_events=judgement.events,
        notifications=judgement.notifications,
        unclaimed=tuple(unclaimed),
    )
    await context.store.finish_run(run.run_id, status, reason, context.clock.now(), changes)
    return judgement


async def judge_viral_videos(
    context: Context, campaign: Campaign, run: Run, complete: Iterable[str]
) -> Judgement:
    """Alerts about viral videos among those read in this slot under hashtags read completely.

    Each own video is compared with the mean of the other own ones at their latest readings. Only
    those that come near it, or have been viral, are fetched: of ten thousand hardly any.
    """
    past = await context.store.episodes(campaign.campaign_id, rule=Rule.VIRAL_VIDEO)
    mutes = await context.store.mutes(context.clock.now())
    if Rule.VIRAL_VIDEO not in campaign.rules.enabled:
        return ended_unwatched(context, campaign, past, mutes)
    # Also those that are over: a video that is still as large as it was then is no news.
    episodes = {alert.video_id: alert for alert in past if alert.video_id is not None}
    store, key, wanted = context.store, campaign.campaign_id, set(complete)
    crowd = await store.crowd(key, Role.OWN)
    marks = crowd.marks(campaign.rules.viral_factor)
    near = await store.known_videos(key, role=Role.OWN, reaching=marks)
    held = await store.known_videos(key, role=Role.OWN, video_ids=[*episodes]) if episodes else []
    still = {v.video_id for v in held}
    dropped = [alert for alert in past if alert.video_id not in still]
    total = ended_unwatched(context, campaign, dropped, mutes)
    judged = {v.video_id: v for v in (*near, *held)}
    scores: dict[str, AgeScore] | None = None
    for _, video in sorted(judged.items()):
        episode = episodes.get(video.video_id)
        factor = campaign.rules.viral_factor
        if episode is None and not crowd.is_topped_by(video.counters, factor):
            continue
        is_read = was_read_in(run, video) and bool(wanted & {video.hashtag, *video.hashtags})
        if is_read or (episode and episode.state is AlertState.FIRING):
            if scores is None:
                own = await store.known_videos(key, role=Role.OWN)
                scores = await age_scores_of(context, campaign, own)
            score = scores.get(video.video_id)
            total += _viral(context, campaign, video, crowd, episode, score, mutes, is_read=is_read)
    return total


async def age_scores_of(
    context: Context, campaign: Campaign, own: Sequence[KnownVideo]
) -> dict[str, AgeScore]:
    """Age-adjusted scores of a campaign's videos, with an age curve of its own where it can be
    fitted: on the readings of a week before.
    """
    from tagtide.core.detect.virality import FITTED_BEFORE, FITTED_WITHIN, campaign_scores

    newest = max((v.read_at for v in own), default=context.clock.now())
    earlier = await context.store.video_readings_near(
        campaign.campaign_id, newest - FITTED_BEFORE, FITTED_WITHIN
    )
    return campaign_scores(own, newest, earlier, campaign.rules.viral_min_others)


def _viral(
    context: Context,
    campaign: Campaign,
    video: KnownVideo,
    crowd: Crowd,
    episode: Alert | None,
    score: AgeScore | None,
    mutes: Sequence[Mute],
    *,
    is_read: bool,
) -> Judgement:
    verdict = judge_viral(
        video.video_id,
        video.counters.view_count,
        video.counters.engagement,
        crowd.without(video.counters),
        settings=campaign.rules,
        author=video.author_username,
        score=score,
    )
    subject = Subject(
        campaign=campaign,
        hashtag=video.hashtag,
        video_id=video.video_id,
        url=video_url(video.video_id, video.author_username),
    )
    now = context.clock.now()
    firing = episode is not None and episode.state is AlertState.FIRING
    expired = firing and episode is not None and has_expired(episode, now)
    # A video that this run did not read can only grow old; so can one whose counter was corrected.
    judged = is_read and not (firing and _has_fallen(video, episode))
    status = Status.OK if judged or expired else Status.PARTIAL
    decision = decide(
        context, subject, verdict, episode, status=status, mutes=mutes, expired=expired
    )
    return carried_out(context, campaign, decision, {"top_videos": [video_facts(video)]})


def _has_fallen(video: KnownVideo, episode: Alert | None) -> bool:
    """Whether its views are fewer than the episode last noted: views do not fall by themselves."""
    noted = episode.data.get("top_videos") if episode else None
    before = noted[0].get("view_count") if noted else None
    now = video.counters.view_count
    return now is not None and before is not None and now < before * (1 - _STALE_FALL)


def video_facts(video: KnownVideo) -> dict[str, Any]:
    """What a message says about a video."""
    return {
        "video_id": video.video_id,
        "author_username": video.author_username,
        "view_count": video.counters.view_count,
        "url": video_url(video.video_id, video.author_username),
        "caption": video.caption[:300],
    }
