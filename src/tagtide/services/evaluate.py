"""Judge rules and turn verdicts into alerts and messages. Writes nothing: returns what to write."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tagtide.core.alerts import AlertAction, decide_alert, has_expired, notification_payload
from tagtide.core.rules import Verdict, judge_viral
from tagtide.models import (
    Alert,
    AlertState,
    Campaign,
    Notification,
    Rule,
    Run,
    Status,
    video_url,
)
from tagtide.ports import KnownVideo
from tagtide.services.context import Context

_KINDS = {
    AlertAction.RAISE: "firing",
    AlertAction.UPDATE: "update",
    AlertAction.RESOLVE: "resolved",
}
#: A smaller fall of a counter is a stale read.
_STALE_FALL = 0.05
#: Past alerts looked through for earlier episodes of a video.
_EPISODES = 5_000


@dataclass(frozen=True, slots=True)
class Judgement:
    """Alerts and messages to be written with the readings that caused them."""

    #: To be written; some only with newer figures.
    alerts: tuple[Alert, ...] = ()
    notifications: tuple[Notification, ...] = ()
    #: Those of the alerts that were raised, updated or resolved.
    told: tuple[Alert, ...] = ()

    def __add__(self, other: Judgement) -> Judgement:
        return Judgement(
            self.alerts + other.alerts,
            self.notifications + other.notifications,
            self.told + other.told,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What a verdict is about."""

    campaign: Campaign
    hashtag: str | None
    video_id: str | None
    url: str
    #: Top videos and the like, kept with the alert.
    facts: Mapping[str, Any]


def judge(
    context: Context,
    subject: Subject,
    verdict: Verdict,
    open_alert: Alert | None,
    *,
    status: Status,
    expired: bool = False,
) -> Judgement:
    """Decide about one verdict; a message goes out only when an episode opens, grows or ends."""
    now = context.clock.now()
    decision = decide_alert(
        verdict,
        open_alert,
        now=now,
        alert_id=context.clock.token(),
        campaign_id=subject.campaign.campaign_id,
        hashtag=subject.hashtag,
        video_id=subject.video_id,
        url=subject.url,
        run_status=status,
        expired=expired,
    )
    if decision.alert is None:
        return Judgement()
    alert = decision.alert
    if decision.action is not AlertAction.RESOLVE:
        alert = replace(alert, data={**alert.data, **subject.facts})
    if decision.action not in _KINDS:
        return Judgement((alert,))
    messages = _messages(context, subject.campaign, alert, _KINDS[decision.action])
    return Judgement((alert,), messages, (alert,))


def _messages(
    context: Context, campaign: Campaign, alert: Alert, kind: str
) -> tuple[Notification, ...]:
    now = context.clock.now()
    payload = notification_payload(alert, campaign.name, kind)
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
    """Firing alerts by what makes an episode."""
    return {alert.fingerprint: alert for alert in alerts}


def was_read_in(run: Run, video: KnownVideo) -> bool:
    """Whether the newest reading of a video is of the run's slot.

    Another run may have read it: a hashtag that several campaigns hold is read once per slot.
    """
    return video.read_at >= run.slot_at


async def judge_viral_videos(
    context: Context,
    campaign: Campaign,
    run: Run,
    complete: Iterable[str],
    videos: Sequence[KnownVideo],
) -> Judgement:
    """Alerts about viral videos among those read in this slot under hashtags read completely.

    ``videos`` are all of the campaign; each own one is compared with the mean of the other own ones
    at their latest readings.
    """
    if Rule.VIRAL_VIDEO not in campaign.rules.enabled:
        return Judgement()
    episodes = await _viral_episodes(context, campaign)
    names, wanted = {h.name for h in campaign.own()}, set(complete)
    own = [v for v in videos if v.hashtag in names or names.intersection(v.hashtags)]
    total = Judgement()
    crowd = _Crowd.of(own)
    for video in own:
        episode = episodes.get(video.video_id)
        if episode is None and not crowd.is_topped_by(video, campaign.rules.viral_factor):
            continue
        is_read = was_read_in(run, video) and bool(wanted & {video.hashtag, *video.hashtags})
        if is_read or (episode and episode.state is AlertState.FIRING):
            total += _viral(context, campaign, video, crowd, episode, is_read=is_read)
    return total


async def _viral_episodes(context: Context, campaign: Campaign) -> dict[str, Alert]:
    """The newest episode of each video, also when it is over: a video that is still as large as it
    was when its episode ended is no news.
    """
    past = await context.store.alerts(campaign_id=campaign.campaign_id, limit=_EPISODES)
    newest: dict[str, Alert] = {}
    for alert in past:
        if alert.rule is Rule.VIRAL_VIDEO and alert.video_id is not None:
            newest.setdefault(alert.video_id, alert)
    return newest


def _viral(
    context: Context,
    campaign: Campaign,
    video: KnownVideo,
    crowd: _Crowd,
    episode: Alert | None,
    *,
    is_read: bool,
) -> Judgement:
    others, views, engagement = crowd.without(video)
    verdict = judge_viral(
        video.video_id,
        video.counters.view_count,
        video.counters.engagement,
        others_count=others,
        others_total_views=views,
        others_total_engagement=engagement,
        settings=campaign.rules,
        author=video.author_username,
    )
    subject = Subject(
        campaign=campaign,
        hashtag=video.hashtag,
        video_id=video.video_id,
        url=video_url(video.video_id, video.author_username),
        facts={"top_videos": [video_facts(video)]},
    )
    now = context.clock.now()
    firing = episode is not None and episode.state is AlertState.FIRING
    expired = firing and episode is not None and has_expired(episode, now)
    # A video that this run did not read can only grow old; so can one whose counter was corrected.
    judged = is_read and not (firing and _has_fallen(video, episode))
    status = Status.OK if judged or expired else Status.PARTIAL
    return judge(context, subject, verdict, episode, status=status, expired=expired)


def _has_fallen(video: KnownVideo, episode: Alert | None) -> bool:
    """Whether its views are fewer than the episode last noted: views do not fall by themselves."""
    noted = episode.data.get("top_videos") if episode else None
    before = noted[0].get("view_count") if noted else None
    now = video.counters.view_count
    return now is not None and before is not None and now < before * (1 - _STALE_FALL)


@dataclass(frozen=True, slots=True)
class _Crowd:
    """Sums over all videos of a campaign, so that leaving one out is cheap."""

    count: int
    views: int
    engagement: int

    @classmethod
    def of(cls, videos: Iterable[KnownVideo]) -> _Crowd:
        known = [v.counters for v in videos if v.counters.view_count is not None]
        return cls(
            len(known),
            sum(c.view_count or 0 for c in known),
            sum(c.engagement or 0 for c in known),
        )

    def without(self, video: KnownVideo) -> tuple[int, int, int]:
        views = video.counters.view_count
        if views is None:
            return self.count, self.views, self.engagement
        engagement = video.counters.engagement or 0
        return self.count - 1, self.views - views, self.engagement - engagement

    def is_topped_by(self, video: KnownVideo, factor: float) -> bool:
        """Whether a video may be viral: most are far from it and need no sentence that says so."""
        others, views, engagement = self.without(video)
        counters = video.counters
        pairs = ((counters.view_count, views), (counters.engagement, engagement))
        return any(value is not None and value * others >= factor * sum_ for value, sum_ in pairs)


def video_facts(video: KnownVideo) -> dict[str, Any]:
    """What a message says about a video."""
    return {
        "video_id": video.video_id,
        "author_username": video.author_username,
        "view_count": video.counters.view_count,
        "url": video_url(video.video_id, video.author_username),
        "caption": video.caption[:300],
    }
