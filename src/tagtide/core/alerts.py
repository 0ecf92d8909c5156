"""From a verdict to an alert: one per episode, updated when it doubles, resolved at its end."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from typing import Any

from tagtide.core.formats import iso_utc
from tagtide.core.rules import Measure, RuleState, Verdict
from tagtide.models import Alert, AlertState, Rule, Status

#: A viral video is no news after this.
_VIRAL_LIFETIME = timedelta(days=14)
#: People are told again when an alert is so many times as far above its threshold as last told.
_UPDATE_FACTOR = 2.0


class AlertAction(StrEnum):
    """What becomes of the alert."""

    #: Nothing; there is nothing to write.
    NONE = "none"
    #: A new episode begins; people are told.
    RAISE = "raise"
    #: It has doubled; people are told.
    UPDATE = "update"
    #: It is over; people are told.
    RESOLVE = "resolve"
    #: As it was, perhaps with new figures to write; nobody is told.
    KEEP = "keep"


class AlertReason(StrEnum):
    """Why."""

    THRESHOLD_PASSED = "threshold_passed"
    DOUBLED = "doubled"
    STILL_FIRING = "still_firing"
    BELOW_THRESHOLD = "below_threshold"
    BELOW_HALF = "below_half"
    EXPIRED = "expired"
    #: A partial or failed run decides nothing.
    RUN_NOT_OK = "run_not_ok"
    #: Too little is known.
    UNJUDGED = "unjudged"
    #: Clear, but not by the measure that raised it: that one is unknown now.
    OTHER_MEASURE = "other_measure"
    #: It fires, but has not been clear since its last episode expired.
    NOT_CLEAR_SINCE = "not_clear_since"
    #: Nothing fires and nothing is open.
    QUIET = "quiet"


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertDecision:
    """An action, the alert to write (None: nothing), and why."""

    action: AlertAction
    alert: Alert | None
    reason: AlertReason


def fingerprint(campaign_id: int, rule: Rule, hashtag: str | None, video_id: str | None) -> str:
    """What makes two alerts the same episode. A video is one thing under any hashtag."""
    subject = f"video:{video_id}" if video_id else f"hashtag:{hashtag or ''}"
    return sha256(f"{campaign_id}\n{rule.value}\n{subject}".encode()).hexdigest()[:32]


def decide_alert(
    verdict: Verdict,
    open_alert: Alert | None,
    *,
    now: datetime,
    alert_id: str,
    campaign_id: int,
    hashtag: str | None,
    video_id: str | None,
    url: str,
    run_status: Status,
    expired: bool = False,
) -> AlertDecision:
    """Decide what one verdict does to the alert of its fingerprint.

    ``open_alert`` is the newest alert of the fingerprint: a firing one, or a resolved one, which
    keeps an episode that expired from being raised again before it was clear once. Only a hashtag
    that ended `Status.OK` raises, updates or clears. ``alert_id`` is used when an episode begins.
    """
    if run_status is not Status.OK:
        return _nothing(open_alert, AlertReason.RUN_NOT_OK)
    if open_alert is None or open_alert.state is AlertState.RESOLVED:
        raised = _new_alert(verdict, now, alert_id, campaign_id, hashtag, video_id, url)
        return _without_episode(verdict, open_alert, raised)
    if expired or has_expired(open_alert, now):
        return _resolve(open_alert, verdict, now, AlertReason.EXPIRED)
    return _within_episode(verdict, open_alert, now)


def _without_episode(verdict: Verdict, last: Alert | None, raised: Alert) -> AlertDecision:
    awaits_clear = last is not None and bool(last.data.get("awaits_clear"))
    if verdict.state is RuleState.FIRES:
        if awaits_clear:
            return _nothing(None, AlertReason.NOT_CLEAR_SINCE)
        return _decision(AlertAction.RAISE, raised, AlertReason.THRESHOLD_PASSED)
    if verdict.state is RuleState.CLEAR and last is not None and awaits_clear:
        cleared = replace(last, data={**last.data, "awaits_clear": False})
        return _decision(AlertAction.KEEP, cleared, AlertReason.QUIET)
    quiet = verdict.state is not RuleState.UNJUDGED
    return _nothing(None, AlertReason.QUIET if quiet else AlertReason.UNJUDGED)


def _within_episode(verdict: Verdict, alert: Alert, now: datetime) -> AlertDecision:
    if verdict.state is RuleState.UNJUDGED:
        return _nothing(alert, AlertReason.UNJUDGED)
    if verdict.state is RuleState.CLEAR:
        if not _judges_what_fired(verdict, alert):
            return _nothing(alert, AlertReason.OTHER_MEASURE)
        return _resolve(alert, verdict, now, AlertReason.BELOW_HALF)
    figures = _with_figures(alert, verdict, now)
    if verdict.state is RuleState.HOLDS:
        return _decision(AlertAction.KEEP, figures, AlertReason.BELOW_THRESHOLD)
    if _severity(verdict) >= _UPDATE_FACTOR * _notified_severity(alert):
        told = replace(figures, data={**figures.data, **_notified(verdict)})
        return _decision(AlertAction.UPDATE, told, AlertReason.DOUBLED)
    return _decision(AlertAction.KEEP, figures, AlertReason.STILL_FIRING)


def has_expired(alert: Alert, now: datetime) -> bool:
    """Whether an episode is too old to be news, whatever its figures say."""
    return alert.rule is Rule.VIRAL_VIDEO and now - alert.opened_at >= _VIRAL_LIFETIME


def _judges_what_fired(verdict: Verdict, alert: Alert) -> bool:
    """An unknown measure cannot end what it began."""
    measure = alert.data.get("measure")
    return measure is None or measure in verdict.data.get("judged", [m.value for m in Measure])


def _severity(verdict: Verdict) -> float:
    """How far above its threshold: comparable over spans of different length."""
    return (verdict.value or 0.0) / verdict.threshold if verdict.threshold else 0.0


def _notified_severity(alert: Alert) -> float:
    value = float(alert.data.get("notified_value", alert.value))
    threshold = float(alert.data.get("notified_threshold", alert.threshold))
    return value / threshold if threshold else 0.0


def _notified(verdict: Verdict) -> dict[str, Any]:
    return {"notified_value": verdict.value, "notified_threshold": verdict.threshold}


def _new_alert(
    verdict: Verdict,
    now: datetime,
    alert_id: str,
    campaign_id: int,
    hashtag: str | None,
    video_id: str | None,
    url: str,
) -> Alert:
    value = verdict.value or 0.0
    return Alert(
        alert_id=alert_id,
        fingerprint=fingerprint(campaign_id, verdict.rule, hashtag, video_id),
        campaign_id=campaign_id,
        rule=verdict.rule,
        hashtag=hashtag,
        video_id=video_id,
        state=AlertState.FIRING,
        opened_at=now,
        updated_at=now,
        resolved_at=None,
        value=value,
        threshold=verdict.threshold,
        peak=value,
        reason=verdict.reason,
        url=url,
        data={**verdict.data, **_notified(verdict)},
    )


def _with_figures(alert: Alert, verdict: Verdict, now: datetime) -> Alert:
    value = verdict.value if verdict.value is not None else alert.value
    return replace(
        alert,
        updated_at=now,
        value=value,
        threshold=verdict.threshold,
        peak=max(alert.peak, value),
        reason=verdict.reason,
        data={**alert.data, **verdict.data},
    )


def _resolve(alert: Alert, verdict: Verdict, now: datetime, reason: AlertReason) -> AlertDecision:
    ended = _with_figures(alert, verdict, now)
    if reason is AlertReason.EXPIRED:
        ended = replace(
            ended,
            reason=f"{alert.reason} No longer news: it began more than 14 days ago."
            if has_expired(alert, now)
            else f"{alert.reason} No longer news.",
            data={**ended.data, "awaits_clear": verdict.state is not RuleState.CLEAR},
        )
    resolved = replace(ended, state=AlertState.RESOLVED, resolved_at=now)
    return _decision(AlertAction.RESOLVE, resolved, reason)


def _decision(action: AlertAction, alert: Alert | None, reason: AlertReason) -> AlertDecision:
    return AlertDecision(action=action, alert=alert, reason=reason)


def _nothing(alert: Alert | None, reason: AlertReason) -> AlertDecision:
    is_open = alert is not None and alert.state is AlertState.FIRING
    return _decision(AlertAction.KEEP if is_open else AlertAction.NONE, None, reason)


# --- what is sent ---------------------------------------------------------------------------------

_TYPES = {"firing": "alert.firing", "update": "alert.updated", "resolved": "alert.resolved"}


def notification_payload(alert: Alert, campaign_name: str, kind: str) -> dict[str, Any]:
    """The message about an alert, the same for every channel; ``kind`` is that of `Notification`.

    Only JSON types; unknown is None. Does NOT escape strangers' text: each channel does.
    """
    return {
        "type": _TYPES[kind],
        "alert": {
            "alert_id": alert.alert_id,
            "rule": alert.rule.value,
            "campaign": campaign_name,
            "hashtag": alert.hashtag,
            "video_id": alert.video_id,
            "state": alert.state.value,
            "value": alert.value,
            "threshold": alert.threshold,
            "reason": alert.reason,
            "url": alert.url,
            "opened_at": iso_utc(alert.opened_at),
            "updated_at": iso_utc(alert.updated_at),
            "resolved_at": iso_utc(alert.resolved_at) if alert.resolved_at else None,
            "top_videos": list(alert.data.get("top_videos", [])),
            "new_videos": alert.data.get("new_videos"),
            "views_per_hour": alert.data.get("views_per_hour"),
            "elapsed_hours": alert.data.get("elapsed_hours"),
        },
    }
