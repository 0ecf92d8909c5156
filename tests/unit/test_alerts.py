"""Episodes: raised once, updated when they double, resolved at their end, raised again after."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tagtide.core.alerts import (
    AlertAction,
    AlertDecision,
    AlertReason,
    decide_alert,
    fingerprint,
)
from tagtide.core.rules import RuleState, Verdict
from tagtide.models import Alert, AlertState, Rule, Status

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def verdict(
    value: float | None,
    threshold: float = 200,
    *,
    rule: Rule = Rule.NEW_VIDEOS,
    judged: tuple[str, ...] = ("video_count", "videos_seen"),
) -> Verdict:
    if value is None:
        state = RuleState.UNJUDGED
    elif value >= threshold:
        state = RuleState.FIRES
    else:
        state = RuleState.CLEAR if value < threshold / 2 else RuleState.HOLDS
    data: dict[str, Any] = {"judged": list(judged), "new_videos": value, "elapsed_hours": 6.0}
    if state is RuleState.FIRES:
        data["measure"] = judged[0]
    return Verdict(
        rule=rule,
        state=state,
        value=value,
        threshold=threshold,
        reason=f"It is {value}.",
        data=data,
    )


def decide(
    judged: Verdict,
    alert: Alert | None = None,
    *,
    now: datetime = NOW,
    status: Status = Status.OK,
    expired: bool = False,
    **more: Any,
) -> AlertDecision:
    is_video = judged.rule is Rule.VIRAL_VIDEO
    return decide_alert(
        judged,
        alert,
        now=now,
        alert_id="a1",
        campaign_id=1,
        hashtag="glow",
        video_id="7" if is_video else None,
        url="https://www.tiktok.com/tag/glow",
        run_status=status,
        expired=expired,
        **more,
    )


def raised(value: float = 250, **facts: Any) -> Alert:
    alert = decide(verdict(value, **facts)).alert
    assert alert is not None
    return alert


@pytest.mark.parametrize(
    ("values", "actions"),
    [
        ([100, 199], "none none"),
        ([250, 260, 499], "raise keep keep"),
        ([250, 500, 600, 1_000], "raise update keep update"),
        ([250, 150, 99], "raise keep resolve"),
        ([250, 100, 199, 250], "raise keep keep keep"),
        ([250, 50, 250], "raise resolve reopen"),
        ([250, None, None, 50], "raise keep keep resolve"),
        ([None, 250], "none raise"),
    ],
)
def test_an_episode(values: list[float | None], actions: str) -> None:
    alert: Alert | None = None
    taken = []
    for hours, value in enumerate(values):
        decision = decide(verdict(value), alert, now=NOW + timedelta(hours=6 * hours))
        taken.append(decision.action.value)
        alert = decision.alert or alert
    assert " ".join(taken) == actions


def test_what_is_raised_carries_the_facts() -> None:
    alert = raised(250)
    assert (alert.alert_id, alert.state, alert.value, alert.peak) == (
        "a1",
        AlertState.FIRING,
        250,
        250,
    )
    assert alert.opened_at == alert.updated_at == NOW
    assert alert.fingerprint == fingerprint(1, Rule.NEW_VIDEOS, "glow", None)
    assert alert.data["notified_value"] == 250


def test_figures_follow_silently_and_the_peak_stays() -> None:
    first = decide(verdict(400), raised(250)).alert
    assert first is not None
    second = decide(verdict(150), first, now=NOW + timedelta(hours=6))
    assert second.reason is AlertReason.BELOW_THRESHOLD
    assert second.alert is not None
    assert (second.alert.value, second.alert.peak) == (150, 400)
    assert second.alert.data["notified_value"] == 250
    assert second.alert.data["measure"] == "video_count"


def test_resolving_sets_the_instant_and_keeps_the_beginning() -> None:
    decision = decide(verdict(10), raised(), now=NOW + timedelta(hours=6))
    assert (decision.action, decision.reason) == (AlertAction.RESOLVE, AlertReason.BELOW_HALF)
    assert decision.alert is not None
    assert decision.alert.state is AlertState.RESOLVED
    assert decision.alert.resolved_at == NOW + timedelta(hours=6)
    assert decision.alert.opened_at == NOW


def test_a_longer_span_is_not_growth() -> None:
    # 900 in 24 h against 800 is less than 250 in 6 h against 200.
    decision = decide(verdict(900, 800), raised(250))
    assert decision.action is AlertAction.KEEP


@pytest.mark.parametrize("status", [s for s in Status if s is not Status.OK])
@pytest.mark.parametrize("value", [10.0, 250.0, 5_000.0])
def test_a_run_that_is_not_ok_decides_nothing(status: Status, value: float) -> None:
    without = decide(verdict(value), status=status)
    assert without == AlertDecision(
        action=AlertAction.NONE, alert=None, reason=AlertReason.RUN_NOT_OK
    )
    beside = decide(verdict(value), raised(), status=status, expired=True)
    assert beside == AlertDecision(
        action=AlertAction.KEEP, alert=None, reason=AlertReason.RUN_NOT_OK
    )


def test_an_unknown_measure_cannot_end_what_it_began() -> None:
    by_count = raised(250)
    seen_only = verdict(3, judged=("videos_seen",))
    assert decide(seen_only, by_count).reason is AlertReason.OTHER_MEASURE
    by_sight = raised(250, judged=("videos_seen",))
    assert decide(seen_only, by_sight).action is AlertAction.RESOLVE
    assert decide(verdict(3), by_sight).action is AlertAction.RESOLVE


def test_a_viral_video_ends_after_14_days_and_returns_only_after_a_clear_reading() -> None:
    def facts(value: float) -> Verdict:
        return verdict(value, 10, rule=Rule.VIRAL_VIDEO, judged=("views",))

    alert = decide(facts(30)).alert
    assert alert is not None
    early = decide(facts(30), alert, now=NOW + timedelta(days=13, hours=23))
    assert early.action is AlertAction.KEEP
    late = decide(facts(30), alert, now=NOW + timedelta(days=14))
    assert (late.action, late.reason) == (AlertAction.RESOLVE, AlertReason.EXPIRED)
    again = decide(facts(30), late.alert, now=NOW + timedelta(days=15))
    assert (again.action, again.reason) == (AlertAction.NONE, AlertReason.NOT_CLEAR_SINCE)
    cleared = decide(facts(2), late.alert, now=NOW + timedelta(days=16)).alert
    assert decide(facts(30), cleared, now=NOW + timedelta(days=17)).action is AlertAction.RAISE


def test_a_caller_may_expire_an_alert() -> None:
    decision = decide(verdict(300), raised(), expired=True)
    assert (decision.action, decision.reason) == (AlertAction.RESOLVE, AlertReason.EXPIRED)


def test_fingerprints_tell_subjects_apart() -> None:
    marks = {
        fingerprint(1, Rule.NEW_VIDEOS, "glow", None),
        fingerprint(2, Rule.NEW_VIDEOS, "glow", None),
        fingerprint(1, Rule.GROWTH, "glow", None),
        fingerprint(1, Rule.NEW_VIDEOS, "shine", None),
        fingerprint(1, Rule.VIRAL_VIDEO, "glow", "7"),
    }
    assert len(marks) == 5
    assert fingerprint(1, Rule.VIRAL_VIDEO, "glow", "7") == fingerprint(
        1, Rule.VIRAL_VIDEO, "shine", "7"
    )
