"""From a verdict to an alert: pending, firing, resolved; one alert per episode.

People are told when an episode begins, has doubled and ends. One that comes back soon after its end
is the same episode; one that keeps coming back is told so once. `docs/alerts.md` draws it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import sha256

from tagtide.core.alert_terms import (
    KINDS,
    AlertAction,
    AlertDecision,
    AlertReason,
    Lifecycle,
    Occasion,
)
from tagtide.core.formats import iso_utc, span
from tagtide.core.mutes import mute_of
from tagtide.core.rules import Incident, Measure, RuleState, Verdict
from tagtide.errors import Conflict
from tagtide.models import (
    Alert,
    AlertEvent,
    AlertState,
    Mute,
    Rule,
    Status,
)

__all__ = [
    "AlertAction",
    "AlertDecision",
    "AlertReason",
    "Lifecycle",
    "acknowledge",
    "decide_alert",
    "end_unwatched",
    "event_by_hand",
    "fingerprint",
    "group_key",
    "has_expired",
    "unacknowledge",
]

#: A viral video is no news after this.
VIRAL_LIFETIME = timedelta(days=14)
#: People are told again when an alert is so many times as far above its threshold as last told.
_UPDATE_FACTOR = 2.0
#: An episode that has come back so often goes on and off.
_FLAPS = 2


def fingerprint(
    campaign_id: int | None,
    rule: Rule,
    hashtag: str | None,
    video_id: str | None,
    condition: str | None = None,
) -> str:
    """What makes two alerts the same episode. A video is one thing under any hashtag."""
    subject = f"video:{video_id}" if video_id else f"hashtag:{hashtag or ''}"
    if condition is not None:
        subject = f"condition:{condition}"
    return sha256(f"{campaign_id}\n{rule.value}\n{subject}".encode()).hexdigest()[:32]


def group_key(alert: Alert) -> str:
    """Alerts with the same key may share a message: those of one campaign, those of tagtide."""
    return "self" if alert.campaign_id is None else f"campaign:{alert.campaign_id}"


def decide_alert(
    verdict: Verdict,
    open_alert: Alert | None,
    *,
    now: datetime,
    alert_id: str,
    campaign_id: int | None,
    hashtag: str | None,
    video_id: str | None,
    url: str,
    run_status: Status,
    expired: bool = False,
    condition: str | None = None,
    lifecycle: Lifecycle = Lifecycle(),  # noqa: B008 - frozen
    mutes: Iterable[Mute] = (),
) -> AlertDecision:
    """Decide what one verdict does to the alert of its fingerprint.

    ``open_alert`` is the newest alert of the fingerprint, also when it is over: what comes back
    soon is the same episode, and one that expired must be clear once before it is raised again.
    Only a hashtag that ended `Status.OK` begins, advances, updates or ends anything. ``alert_id``
    is used when an episode begins.
    """
    if run_status is not Status.OK:
        return _nothing(open_alert, AlertReason.RUN_NOT_OK)
    occasion = Occasion(verdict=verdict, now=now, lifecycle=lifecycle, mutes=tuple(mutes))
    if open_alert is None or open_alert.state is AlertState.RESOLVED:
        if verdict.state is not RuleState.FIRES:
            return _stays_quiet(occasion, open_alert)
        if open_alert is not None and open_alert.data.get("awaits_clear"):
            return _nothing(None, AlertReason.NOT_CLEAR_SINCE)
        if open_alert is not None and _comes_back(occasion, open_alert):
            return _begin(occasion, _taken_up(occasion, open_alert), open_alert)
        begun = _new_alert(occasion, alert_id, campaign_id, hashtag, video_id, url, condition)
        return _begin(occasion, begun, None)
    if open_alert.state is AlertState.PENDING:
        return _while_pending(occasion, open_alert)
    if expired or has_expired(open_alert, now):
        return _resolve(occasion, open_alert, AlertReason.EXPIRED)
    return _while_firing(occasion, open_alert)


# --- nothing is open ------------------------------------------------------------------------------


def _stays_quiet(occasion: Occasion, last: Alert | None) -> AlertDecision:
    verdict, now = occasion.verdict, occasion.now
    if verdict.state is RuleState.UNJUDGED:
        return _nothing(None, AlertReason.UNJUDGED)
    if last is None:
        return _nothing(None, AlertReason.QUIET)
    ended = last.resolved_at or last.updated_at
    if last.is_flapping and now - ended >= occasion.lifecycle.reopen:
        times = f"It went on and off {last.flaps + 1} times and has been quiet since it ended."
        settled = replace(last, is_flapping=False, updated_at=now, reason=f"{last.reason} {times}")
        return _tell(occasion, AlertAction.SETTLE, last, settled, AlertReason.QUIET_AGAIN)
    if verdict.state is RuleState.CLEAR and last.data.get("awaits_clear"):
        cleared = replace(last, data={**last.data, "awaits_clear": False})
        return _keep(cleared, AlertReason.QUIET)
    return _nothing(None, AlertReason.QUIET)


def _comes_back(occasion: Occasion, last: Alert) -> bool:
    """Whether what fires now is the episode that ended."""
    if has_expired(last, occasion.now):
        return False
    ended = last.resolved_at or last.updated_at
    # One that goes on and off was not seen quiet for long enough yet, however long ago that was.
    return last.is_flapping or occasion.now - ended < occasion.lifecycle.reopen


def _taken_up(occasion: Occasion, last: Alert) -> Alert:
    """The episode that ended, with the figures of now; one that never fired begins afresh."""
    figures = _with_figures(occasion, last)
    if last.fired_at is not None:
        return figures
    return replace(figures, opened_at=occasion.now, resolved_at=None, peak=figures.value)


def _begin(occasion: Occasion, alert: Alert, last: Alert | None) -> AlertDecision:
    """It holds and nothing is open: it fires, or waits first."""
    waiting = replace(alert, state=AlertState.PENDING, pending_since=occasion.now, pending_runs=1)
    if _is_held(occasion, waiting):
        at_once = replace(alert, pending_since=None, pending_runs=0)
        return _fire(occasion, at_once, last)
    return _changed(AlertAction.WAIT, last, waiting, AlertReason.NOT_YET, occasion.now)


# --- pending --------------------------------------------------------------------------------------


def _while_pending(occasion: Occasion, alert: Alert) -> AlertDecision:
    verdict, now = occasion.verdict, occasion.now
    if verdict.state is RuleState.UNJUDGED:
        return _nothing(alert, AlertReason.UNJUDGED)
    if verdict.state is RuleState.FIRES:
        figures = _with_figures(occasion, alert)
        longer = replace(figures, pending_runs=alert.pending_runs + 1)
        if _is_held(occasion, longer):
            return _fire(occasion, longer, alert)
        return _keep(longer, AlertReason.NOT_YET)
    if not _judges_what_fired(verdict, alert):
        return _nothing(alert, AlertReason.OTHER_MEASURE)
    # Where it had fired before, that episode ended when it ended.
    ended = alert.resolved_at or now
    lapsed = replace(alert, state=AlertState.RESOLVED, resolved_at=ended, updated_at=now)
    return _changed(AlertAction.LAPSE, alert, lapsed, AlertReason.NOT_HELD, now)


def _is_held(occasion: Occasion, alert: Alert) -> bool:
    wanted = occasion.lifecycle.pending
    held = occasion.now - (alert.pending_since or occasion.now)
    return alert.pending_runs >= wanted.runs and held >= timedelta(hours=wanted.hours)


def _fire(occasion: Occasion, alert: Alert, last: Alert | None) -> AlertDecision:
    now, verdict = occasion.now, occasion.verdict
    fired = replace(alert, state=AlertState.FIRING, resolved_at=None, updated_at=now)
    if alert.fired_at is not None:
        return _fire_again(occasion, replace(fired, flaps=alert.flaps + 1), last)
    reason = AlertReason.THRESHOLD_PASSED
    if alert.pending_since is not None:
        reason = AlertReason.HELD
    elif verdict.incident is not None:
        reason = AlertReason.INCIDENT_OPENED
    first = replace(fired, fired_at=now)
    return _tell(occasion, AlertAction.RAISE, last, first, reason)


def _fire_again(occasion: Occasion, alert: Alert, last: Alert | None) -> AlertDecision:
    """It is back. Said the first time, then once that it goes on and off, then no more."""
    action, reason = AlertAction.REOPEN, AlertReason.REOPENED
    if _has_grown(occasion.verdict, alert):
        return _tell(occasion, action, last, alert, AlertReason.DOUBLED)
    if alert.is_flapping or alert.acked_at is not None:
        return _changed(action, last, alert, reason, occasion.now)
    if alert.flaps >= _FLAPS:
        reason = AlertReason.FLAPS
        alert = replace(alert, is_flapping=True)
    said = f"{occasion.verdict.reason} {_how_it_came_back(occasion, alert, last)}"
    return _tell(occasion, action, last, replace(alert, reason=said), reason)


def _how_it_came_back(occasion: Occasion, alert: Alert, last: Alert | None) -> str:
    now, ended = occasion.now, last.resolved_at if last else None
    if not alert.is_flapping:
        ago = f" {span(now - ended)} ago" if ended else ""
        return f"It is back: it had ended{ago}."
    return (
        f"It goes on and off: {alert.flaps + 1} times in {span(now - alert.opened_at)}. You hear "
        f"of it again when it has doubled or been quiet for {span(occasion.lifecycle.reopen)}."
    )


# --- firing ---------------------------------------------------------------------------------------


def _while_firing(occasion: Occasion, alert: Alert) -> AlertDecision:
    verdict = occasion.verdict
    if verdict.state is RuleState.UNJUDGED:
        return _nothing(alert, AlertReason.UNJUDGED)
    if verdict.state is RuleState.CLEAR:
        if not _judges_what_fired(verdict, alert):
            return _nothing(alert, AlertReason.OTHER_MEASURE)
        is_own = verdict.incident is not None
        reason = AlertReason.INCIDENT_OVER if is_own else AlertReason.BELOW_HALF
        return _resolve(occasion, alert, reason)
    figures = _with_figures(occasion, alert)
    if verdict.state is RuleState.HOLDS:
        return _keep(figures, AlertReason.BELOW_THRESHOLD)
    if alert.told_at is None and alert.acked_at is None:
        if mute_of(alert, occasion.mutes, occasion.now) is not None:
            return _keep(figures, AlertReason.MUTED)
        return _tell(occasion, AlertAction.TELL, alert, figures, AlertReason.MUTE_ENDED)
    if _has_grown(verdict, alert):
        return _grown(occasion, alert, figures)
    return _keep(figures, AlertReason.STILL_FIRING)


def _grown(occasion: Occasion, alert: Alert, figures: Alert) -> AlertDecision:
    is_own = occasion.verdict.incident is not None
    reason = AlertReason.ESCALATED if is_own else AlertReason.DOUBLED
    if mute_of(alert, occasion.mutes, occasion.now) is None:
        return _tell(occasion, AlertAction.UPDATE, alert, figures, reason)
    # An escalation is said once by its rule; it must not be forgotten with the mute.
    missed = replace(figures, data={**figures.data, "untold_escalation": is_own})
    return _keep(missed, AlertReason.MUTED)


def _has_grown(verdict: Verdict, alert: Alert) -> bool:
    """Whether it is worth another message: twice what people know, or what they took in hand."""
    known = max(_notified_severity(alert), alert.acked_severity or 0.0)
    if verdict.incident is None:
        return _severity(verdict) >= _UPDATE_FACTOR * known
    has_escalated = verdict.incident is Incident.ESCALATED or bool(
        alert.data.get("untold_escalation")
    )
    bar = _UPDATE_FACTOR * (alert.acked_severity or 0.0)
    return has_escalated and _severity(verdict) >= bar


def has_expired(alert: Alert, now: datetime) -> bool:
    """Whether an episode is too old to be news, whatever its figures say."""
    return alert.rule is Rule.VIRAL_VIDEO and now - alert.opened_at >= VIRAL_LIFETIME


def _judges_what_fired(verdict: Verdict, alert: Alert) -> bool:
    """An unknown measure cannot end what it began."""
    measure = alert.data.get("measure")
    return measure is None or measure in verdict.data.get("judged", [m.value for m in Measure])


def _resolve(occasion: Occasion, alert: Alert, reason: AlertReason) -> AlertDecision:
    verdict, now = occasion.verdict, occasion.now
    ended = _with_figures(occasion, alert)
    if reason is AlertReason.EXPIRED:
        ended = replace(
            ended,
            reason=f"{alert.reason} No longer news: it began more than 14 days ago."
            if has_expired(alert, now)
            else f"{alert.reason} No longer news.",
            data={**ended.data, "awaits_clear": verdict.state is not RuleState.CLEAR},
        )
    return _end(occasion.mutes, alert, ended, reason, now)


def end_unwatched(alert: Alert, now: datetime, mutes: Iterable[Mute] = ()) -> AlertDecision:
    """End an alert that nothing will judge any more; people who know of it are told."""
    said = f"{alert.reason} It is not watched any more."
    ended = replace(alert, reason=said, is_flapping=False, updated_at=now)
    return _end(tuple(mutes), alert, ended, AlertReason.NOT_WATCHED, now)


def _end(
    mutes: tuple[Mute, ...], before: Alert, ended: Alert, reason: AlertReason, now: datetime
) -> AlertDecision:
    resolved = replace(ended, state=AlertState.RESOLVED, resolved_at=now)
    is_known = before.told_at is not None and before.state is AlertState.FIRING
    if not is_known or ended.is_flapping:
        return _changed(AlertAction.RESOLVE, before, resolved, reason, now)
    mute = mute_of(before, mutes, now)
    if mute is not None:
        return _changed(AlertAction.RESOLVE, before, resolved, reason, now, mute=mute)
    said = replace(resolved, told_at=None)
    return _changed(AlertAction.RESOLVE, before, said, reason, now, is_told=True)


# --- by hand --------------------------------------------------------------------------------------


def acknowledge(alert: Alert, *, by: str, note: str, now: datetime) -> tuple[Alert, AlertEvent]:
    """Take an alert in hand: it stays listed, and is told again only when it doubles from here.

    Raises `Conflict` when it is over.
    """
    if not alert.is_open and not alert.is_flapping:
        raise Conflict(
            f"The alert {alert.alert_id[:8]} is over.",
            hint="Only what is pending or firing can be acknowledged.",
        )
    severity = alert.value / alert.threshold if alert.threshold else 0.0
    acked = replace(
        alert,
        acked_at=now,
        acked_by=by,
        ack_note=note or None,
        acked_severity=max(severity, alert.acked_severity or 0.0),
    )
    return acked, event_by_hand(alert, AlertReason.ACKNOWLEDGED, by=by, note=note, now=now)


def unacknowledge(alert: Alert, *, by: str, now: datetime) -> tuple[Alert, AlertEvent]:
    """Nobody has an alert in hand any more: it is told as if nobody had ever had it.

    Also one that is over, which may come back. Raises `Conflict` when nobody has it in hand.
    """
    if alert.acked_at is None:
        raise Conflict(
            f"Nobody has the alert {alert.alert_id[:8]} in hand.",
            hint="`tagtide alerts list` says of each who has it.",
        )
    free = replace(alert, acked_at=None, acked_by=None, ack_note=None, acked_severity=None)
    return free, event_by_hand(alert, AlertReason.UNACKNOWLEDGED, by=by, note="", now=now)


def event_by_hand(
    alert: Alert, reason: AlertReason, *, by: str, note: str, now: datetime
) -> AlertEvent:
    """A line of the history for what a person did; the state stays."""
    return AlertEvent(
        alert_id=alert.alert_id,
        at=now,
        from_state=alert.state,
        to_state=alert.state,
        reason=reason.value,
        by=by,
        note=note,
    )


# --- figures --------------------------------------------------------------------------------------


def _severity(verdict: Verdict) -> float:
    """How far above its threshold: comparable over spans of different length."""
    return (verdict.value or 0.0) / verdict.threshold if verdict.threshold else 0.0


def _notified_severity(alert: Alert) -> float:
    value = float(alert.data.get("notified_value", alert.value))
    threshold = float(alert.data.get("notified_threshold", alert.threshold))
    return value / threshold if threshold else 0.0


def _new_alert(
    occasion: Occasion,
    alert_id: str,
    campaign_id: int | None,
    hashtag: str | None,
    video_id: str | None,
    url: str,
    condition: str | None,
) -> Alert:
    verdict, now = occasion.verdict, occasion.now
    value = verdict.value or 0.0
    return Alert(
        alert_id=alert_id,
        fingerprint=fingerprint(campaign_id, verdict.rule, hashtag, video_id, condition),
        campaign_id=campaign_id,
        rule=verdict.rule,
        hashtag=hashtag,
        video_id=video_id,
        condition=condition,
        state=AlertState.PENDING,
        opened_at=now,
        updated_at=now,
        resolved_at=None,
        value=value,
        threshold=verdict.threshold,
        peak=value,
        reason=verdict.reason,
        url=url,
        data=dict(verdict.data),
    )


def _with_figures(occasion: Occasion, alert: Alert) -> Alert:
    verdict = occasion.verdict
    if verdict.incident is Incident.GOES_ON:
        # What is judged later is often usual again: the words stay those of what people know.
        return replace(alert, updated_at=occasion.now)
    value = verdict.value if verdict.value is not None else alert.value
    return replace(
        alert,
        updated_at=occasion.now,
        value=value,
        threshold=verdict.threshold,
        peak=max(alert.peak, value),
        reason=verdict.reason,
        data={**alert.data, **verdict.data},
    )


# --- decisions ------------------------------------------------------------------------------------


def _tell(
    occasion: Occasion,
    action: AlertAction,
    before: Alert | None,
    alert: Alert,
    reason: AlertReason,
) -> AlertDecision:
    """A change people hear of, unless the alert is muted."""
    now, verdict = occasion.now, occasion.verdict
    mute = mute_of(alert, occasion.mutes, now)
    if action is AlertAction.SETTLE:
        is_told = mute is None and alert.told_at is not None
        said = replace(alert, told_at=None) if is_told else alert
        return _changed(action, before, said, reason, now, is_told=is_told, mute=mute)
    if mute is not None:
        unknown = replace(alert, told_at=None)
        return _changed(action, before, unknown, reason, now, mute=mute)
    facts = {key: value for key, value in alert.data.items() if key != "untold_escalation"}
    is_news = "notified_value" not in facts or _severity(verdict) >= _notified_severity(alert)
    if is_news:
        facts |= {"notified_value": verdict.value, "notified_threshold": verdict.threshold}
    told = replace(alert, told_at=now, data=facts)
    return _changed(action, before, told, reason, now, is_told=True)


def _changed(
    action: AlertAction,
    before: Alert | None,
    alert: Alert,
    reason: AlertReason,
    now: datetime,
    *,
    is_told: bool = False,
    mute: Mute | None = None,
) -> AlertDecision:
    event = AlertEvent(
        alert_id=alert.alert_id,
        at=now,
        from_state=before.state if before else None,
        to_state=alert.state,
        reason=reason.value,
        told=is_told,
        note=f"muted until {iso_utc(mute.until)}" if mute else "",
    )
    kind = KINDS[action] if is_told else None
    return AlertDecision(action=action, alert=alert, reason=reason, event=event, kind=kind)


def _keep(alert: Alert, reason: AlertReason) -> AlertDecision:
    return AlertDecision(action=AlertAction.KEEP, alert=alert, reason=reason)


def _nothing(alert: Alert | None, reason: AlertReason) -> AlertDecision:
    is_open = alert is not None and alert.is_open
    action = AlertAction.KEEP if is_open else AlertAction.NONE
    return AlertDecision(action=action, alert=None, reason=reason)
