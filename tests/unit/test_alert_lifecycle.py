"""The life of an alert: pending, back again, on and off, in hand, muted; and what people hear."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest

from tagtide.core.alerts import (
    AlertAction,
    AlertDecision,
    AlertReason,
    Lifecycle,
    acknowledge,
    decide_alert,
    end_unwatched,
    fingerprint,
    group_key,
    unacknowledge,
)
from tagtide.core.rules import Incident, RuleState, Verdict
from tagtide.errors import Conflict
from tagtide.models import Alert, AlertState, Mute, Pending, Rule, RuleSettings, Status

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
LETTERS = {
    "F": RuleState.FIRES,
    "h": RuleState.HOLDS,
    "c": RuleState.CLEAR,
    "?": RuleState.UNJUDGED,
}


def verdict(state: RuleState, value: float = 250.0) -> Verdict:
    values = {RuleState.FIRES: value, RuleState.HOLDS: 150.0, RuleState.CLEAR: 50.0}
    return Verdict(
        rule=Rule.NEW_VIDEOS,
        state=state,
        value=values.get(state),
        threshold=200.0,
        reason=f"It {state}.",
    )


def incident(stage: Incident, value: float = 1.0) -> Verdict:
    return Verdict(
        rule=Rule.STATISTICAL,
        state=stage.state,
        value=value,
        threshold=1.0,
        reason=f"It {stage}.",
        incident=stage,
    )


def muted(until: timedelta, **what: object) -> Mute:
    named = what or {"hashtag": "glow"}
    return Mute(mute_id="m", created_at=NOW, until=NOW + until, by="ana", **named)  # type: ignore[arg-type]


@dataclass
class Life:
    """One fingerprint, run after run."""

    lifecycle: Lifecycle = field(default_factory=Lifecycle)
    mutes: Iterable[Mute] = ()
    alert: Alert | None = None
    now: datetime = NOW
    actions: list[str] = field(default_factory=list)
    reasons: list[AlertReason] = field(default_factory=list)
    #: Kinds of messages, a dash where a run said nothing.
    heard: list[str] = field(default_factory=list)
    _number: int = 0

    def judge(
        self, judged: Verdict, *, status: Status = Status.OK, hours: float = 6
    ) -> AlertDecision:
        self._number += 1
        decision = decide_alert(
            judged,
            self.alert,
            now=self.now,
            alert_id=f"a{self._number}",
            campaign_id=1,
            hashtag="glow",
            video_id=None,
            url="",
            run_status=status,
            lifecycle=self.lifecycle,
            mutes=self.mutes,
        )
        self.alert = decision.alert or self.alert
        self.now += timedelta(hours=hours)
        self.actions.append(decision.action.value)
        self.reasons.append(decision.reason)
        self.heard.append(decision.kind or "-")
        return decision

    def runs(self, letters: str) -> str:
        """Judge one verdict per letter; a lower-case x is a run that failed."""
        for letter in letters:
            if letter == "x":
                self.judge(verdict(RuleState.FIRES), status=Status.PARTIAL)
            else:
                self.judge(verdict(LETTERS[letter]))
        return " ".join(self.actions[-len(letters) :])


# --- pending --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pending", "letters", "actions"),
    [
        (Pending(), "F", "raise"),
        (Pending(runs=1), "F", "raise"),
        (Pending(runs=2), "FF", "wait raise"),
        (Pending(runs=3), "FFF", "wait keep raise"),
        # What is not known neither advances nor ends it.
        (Pending(runs=2), "F?xF", "wait keep keep raise"),
        (Pending(runs=2), "FcF", "wait lapse wait"),
        (Pending(runs=2), "FhF", "wait lapse wait"),
        (Pending(runs=2), "FFcFF", "wait raise resolve wait reopen"),
        (Pending(runs=2), "FFcFcFF", "wait raise resolve wait lapse wait reopen"),
        (Pending(hours=6), "FF", "wait raise"),
        (Pending(hours=7), "FFF", "wait keep raise"),
        (Pending(runs=2, hours=12), "FFF", "wait keep raise"),
        (Pending(runs=4, hours=1), "FFFF", "wait keep keep raise"),
    ],
)
def test_a_rule_must_hold_before_it_fires(pending: Pending, letters: str, actions: str) -> None:
    life = Life(Lifecycle(pending=pending))
    assert life.runs(letters) == actions


def test_nobody_hears_of_what_is_only_pending() -> None:
    life = Life(Lifecycle(pending=Pending(runs=2)))
    life.runs("FcFc")
    assert life.heard == ["-"] * 4
    assert life.alert is not None
    assert (life.alert.fired_at, life.alert.flaps) == (None, 0)
    life.runs("FF")
    assert life.heard[-2:] == ["-", "firing"]
    assert life.reasons[-1] is AlertReason.HELD
    assert life.alert.alert_id == "a1"
    # It began when it began to hold, and fired when it had held.
    assert life.alert.opened_at == NOW + 24 * HOUR
    assert life.alert.fired_at == NOW + 30 * HOUR


def test_what_lapses_before_it_fires_again_had_ended_when_it_ended() -> None:
    life = Life(Lifecycle(pending=Pending(runs=2)))
    life.runs("FFc")
    ended = life.alert.resolved_at if life.alert else None
    assert ended == NOW + 12 * HOUR
    life.runs("F")
    assert life.alert is not None
    assert (life.alert.state, life.alert.resolved_at) == (AlertState.PENDING, ended)
    life.runs("c")
    assert (life.alert.state, life.alert.resolved_at) == (AlertState.RESOLVED, ended)


def test_a_requirement_that_was_taken_away_lets_it_fire() -> None:
    life = Life(Lifecycle(pending=Pending(runs=9)))
    life.runs("F")
    life.lifecycle = Lifecycle()
    assert life.runs("F") == "raise"


# --- back again, on and off -----------------------------------------------------------------------


def test_what_comes_back_within_the_time_is_the_same_episode() -> None:
    life = Life()
    life.runs("Fc")
    life.now += 17 * HOUR  # 23 h after its end
    decision = life.judge(verdict(RuleState.FIRES))
    assert (decision.action, decision.kind) == (AlertAction.REOPEN, "firing")
    assert life.alert is not None
    assert (life.alert.alert_id, life.alert.flaps, life.alert.resolved_at) == ("a1", 1, None)
    assert life.alert.opened_at == NOW
    assert "It is back: it had ended 23 h ago." in life.alert.reason


@pytest.mark.parametrize(("reopen", "action"), [(24, "raise"), (25, "reopen"), (0, "raise")])
def test_what_comes_back_later_is_a_new_one(reopen: float, action: str) -> None:
    life = Life(Lifecycle(reopen=timedelta(hours=reopen)))
    life.runs("F")
    life.judge(verdict(RuleState.CLEAR), hours=24)
    assert life.runs("F") == action


def test_what_goes_on_and_off_is_told_so_once_and_again_when_it_is_quiet() -> None:
    life = Life()
    life.runs("Fc" * 30)
    assert [kind for kind in life.heard if kind != "-"] == [
        "firing", "resolved", "firing", "resolved", "firing",
    ]  # fmt: skip
    assert life.alert is not None
    assert (life.alert.flaps, life.alert.is_flapping) == (29, True)
    assert life.reasons[4] is AlertReason.FLAPS
    life.runs("cccc")
    assert life.heard[-4:] == ["-", "-", "-", "resolved"]
    assert life.reasons[-1] is AlertReason.QUIET_AGAIN
    assert life.alert.is_flapping is False
    assert "on and off 30 times" in life.alert.reason
    # The next one is a new episode.
    assert life.runs("F") == "raise"


def test_the_sentence_says_how_often_and_when_one_hears_again() -> None:
    life = Life()
    life.runs("FcFcF")
    assert life.alert is not None
    assert life.alert.reason == (
        "It fires. It goes on and off: 3 times in 24 h. You hear of it again when it has doubled "
        "or been quiet for 24 h."
    )


def test_growth_is_news_also_of_what_goes_on_and_off() -> None:
    life = Life()
    life.runs("FcFcFc")
    assert life.judge(verdict(RuleState.FIRES, 499)).kind is None
    life.runs("c")
    assert life.judge(verdict(RuleState.FIRES, 500)).kind == "firing"
    assert life.judge(verdict(RuleState.FIRES, 999)).kind is None
    assert life.judge(verdict(RuleState.FIRES, 1_000)).kind == "update"


def test_what_goes_on_and_off_slowly_is_not_quiet_before_a_run_has_seen_it_so() -> None:
    life = Life()
    life.runs("FcFcFc")
    life.now += 300 * HOUR
    assert life.runs("F") == "reopen"
    assert life.heard[-1] == "-"


# --- in hand --------------------------------------------------------------------------------------


def test_what_is_in_hand_is_told_again_when_it_has_doubled_from_there_and_at_its_end() -> None:
    life = Life()
    life.judge(verdict(RuleState.FIRES, 250))
    life.judge(verdict(RuleState.FIRES, 400))
    assert life.alert is not None
    life.alert, event = acknowledge(life.alert, by="ana", note="on it", now=life.now)
    assert (event.by, event.note, event.reason) == ("ana", "on it", "acknowledged")
    assert (life.alert.acked_by, life.alert.ack_note) == ("ana", "on it")
    assert life.judge(verdict(RuleState.FIRES, 799)).kind is None
    assert life.judge(verdict(RuleState.FIRES, 800)).kind == "update"
    assert life.judge(verdict(RuleState.FIRES, 1_599)).kind is None
    assert life.judge(verdict(RuleState.FIRES, 1_600)).kind == "update"
    assert life.judge(verdict(RuleState.CLEAR)).kind == "resolved"
    assert life.alert.acked_by == "ana"


def test_acknowledging_a_smaller_figure_lowers_no_bar() -> None:
    life = Life()
    life.judge(verdict(RuleState.FIRES, 1_000))
    life.judge(verdict(RuleState.FIRES, 210))
    assert life.alert is not None
    life.alert, _ = acknowledge(life.alert, by="ana", note="", now=life.now)
    assert life.judge(verdict(RuleState.FIRES, 1_999)).kind is None
    assert life.judge(verdict(RuleState.FIRES, 2_000)).kind == "update"


def test_what_is_in_hand_comes_back_without_a_word() -> None:
    life = Life()
    life.runs("F")
    assert life.alert is not None
    life.alert, _ = acknowledge(life.alert, by="ana", note="", now=life.now)
    life.runs("cFcFcF")
    assert life.heard[1:] == ["resolved", "-", "-", "-", "-", "-"]
    # Unless it has doubled from there; then its end is worth a word as well.
    life.judge(verdict(RuleState.FIRES, 500))
    life.runs("c")
    assert life.heard[-2:] == ["update", "resolved"]


def test_what_is_given_back_is_told_as_if_nobody_had_had_it() -> None:
    life = Life()
    life.judge(verdict(RuleState.FIRES, 250))
    life.judge(verdict(RuleState.FIRES, 400))
    assert life.alert is not None
    life.alert, _ = acknowledge(life.alert, by="ana", note="on it", now=life.now)
    assert life.judge(verdict(RuleState.FIRES, 500)).kind is None
    life.alert, event = unacknowledge(life.alert, by="ben", now=life.now)
    assert (event.by, event.reason) == ("ben", "unacknowledged")
    assert event.from_state == event.to_state == life.alert.state
    assert (life.alert.acked_at, life.alert.acked_by, life.alert.ack_note) == (None, None, None)
    # Twice what people were told of, 250: in hand it would have been twice 400.
    assert life.judge(verdict(RuleState.FIRES, 500)).kind == "update"


def test_what_came_back_in_somebodys_hand_is_told_when_it_is_given_back() -> None:
    life = Life()
    life.runs("F")
    assert life.alert is not None
    life.alert, _ = acknowledge(life.alert, by="ana", note="", now=life.now)
    life.runs("cF")
    assert life.heard[1:] == ["resolved", "-"]
    life.alert, _ = unacknowledge(life.alert, by="ana", now=life.now)
    life.runs("FFc")
    assert life.heard[3:] == ["firing", "-", "resolved"]


def test_what_nobody_has_in_hand_cannot_be_given_back() -> None:
    life = Life()
    life.runs("F")
    assert life.alert is not None
    with pytest.raises(Conflict, match="Nobody has"):
        unacknowledge(life.alert, by="ana", now=life.now)


def test_what_is_over_cannot_be_taken_in_hand() -> None:
    life = Life()
    life.runs("Fc")
    assert life.alert is not None
    with pytest.raises(Conflict, match="is over"):
        acknowledge(life.alert, by="ana", note="", now=life.now)


# --- muted ----------------------------------------------------------------------------------------


def test_a_muted_alert_is_recorded_and_ends_without_a_word() -> None:
    life = Life(mutes=[muted(999 * HOUR)])
    life.runs("FFc")
    assert life.heard == ["-", "-", "-"]
    assert life.actions == ["raise", "keep", "resolve"]
    assert life.alert is not None
    assert life.alert.state is AlertState.RESOLVED


def test_what_still_fires_when_the_mute_ends_is_told_then() -> None:
    life = Life(mutes=[muted(9 * HOUR)])
    life.runs("FFFF")
    assert life.actions == ["raise", "keep", "tell", "keep"]
    assert life.heard == ["-", "-", "firing", "-"]
    life.runs("c")
    assert life.heard[-1] == "resolved"


def test_what_ended_while_it_was_muted_is_never_told() -> None:
    life = Life(mutes=[muted(9 * HOUR)])
    life.runs("Fccc")
    assert life.heard == ["-"] * 4


def test_growth_under_a_mute_is_told_after_it() -> None:
    life = Life()
    life.judge(verdict(RuleState.FIRES, 250))
    life.mutes = [muted(15 * HOUR)]
    life.judge(verdict(RuleState.FIRES, 800))
    assert (life.reasons[-1], life.heard[-1]) == (AlertReason.MUTED, "-")
    life.judge(verdict(RuleState.FIRES, 700))
    assert life.judge(verdict(RuleState.FIRES, 700)).kind == "update"


def test_a_note_says_why_nobody_was_told() -> None:
    life = Life(mutes=[muted(9 * HOUR)])
    event = life.judge(verdict(RuleState.FIRES)).event
    assert event is not None
    assert (event.told, event.note) == (False, "muted until 2026-03-01T21:00:00Z")


# --- a rule that keeps book itself ----------------------------------------------------------------


def test_an_incident_needs_no_threshold() -> None:
    life = Life()
    stages = [
        Incident.OPENED, Incident.GOES_ON, Incident.ESCALATED, Incident.GOES_ON, Incident.OVER,
    ]  # fmt: skip
    for stage in stages:
        life.judge(incident(stage))
    assert life.actions == ["raise", "keep", "update", "keep", "resolve"]
    assert life.heard == ["firing", "-", "update", "-", "resolved"]
    assert life.reasons[0] is AlertReason.INCIDENT_OPENED
    assert life.reasons[2] is AlertReason.ESCALATED
    assert life.reasons[-1] is AlertReason.INCIDENT_OVER


def test_an_incident_does_not_double_by_itself() -> None:
    life = Life()
    life.judge(incident(Incident.OPENED, 1))
    assert life.judge(incident(Incident.GOES_ON, 9)).kind is None


def test_an_incident_that_nobody_has_raised_is_not_lost() -> None:
    life = Life()
    assert life.judge(incident(Incident.GOES_ON)).action is AlertAction.RAISE


def test_an_escalation_under_a_mute_is_told_after_it_once() -> None:
    life = Life()
    life.judge(incident(Incident.OPENED))
    life.mutes = [muted(9 * HOUR)]
    assert life.judge(incident(Incident.ESCALATED)).kind is None
    told = [life.judge(incident(Incident.GOES_ON)).kind for _ in range(3)]
    assert told == ["update", None, None]


def test_an_escalation_of_what_is_in_hand_is_told_when_it_has_doubled() -> None:
    life = Life()
    life.judge(incident(Incident.OPENED, 2))
    assert life.alert is not None
    life.alert, _ = acknowledge(life.alert, by="ana", note="", now=life.now)
    assert life.judge(incident(Incident.ESCALATED, 3)).kind is None
    assert life.judge(incident(Incident.ESCALATED, 4)).kind == "update"


def test_an_incident_may_have_to_hold_as_well() -> None:
    life = Life(Lifecycle(pending=Pending(runs=2)))
    life.judge(incident(Incident.OPENED))
    life.judge(incident(Incident.GOES_ON))
    assert life.actions == ["wait", "raise"]


# --- the rest -------------------------------------------------------------------------------------


def test_what_is_not_watched_any_more_ends() -> None:
    life = Life()
    life.runs("F")
    assert life.alert is not None
    ended = end_unwatched(life.alert, life.now)
    assert (ended.action, ended.kind) == (AlertAction.RESOLVE, "resolved")
    assert ended.alert is not None
    assert ended.alert.reason.endswith("It is not watched any more.")
    waiting = Life(Lifecycle(pending=Pending(runs=2)))
    waiting.runs("F")
    assert waiting.alert is not None
    assert end_unwatched(waiting.alert, waiting.now).kind is None


def test_settings_say_how_long_each_rule_must_hold() -> None:
    settings = RuleSettings(growth_for_runs=2, statistical_for_hours=6.0, reopen_hours=3.0)
    assert Lifecycle.of(settings, Rule.GROWTH).pending == Pending(2, 0.0)
    assert Lifecycle.of(settings, Rule.STATISTICAL).pending == Pending(0, 6.0)
    assert Lifecycle.of(settings, Rule.NEW_VIDEOS) == Lifecycle(reopen=3 * HOUR)


def test_conditions_are_subjects_of_their_own() -> None:
    marks = {fingerprint(None, Rule.SELF, None, None, c) for c in ("auth", "credits", "disk:a")}
    assert len(marks) == 3


def test_alerts_of_a_campaign_go_together() -> None:
    life = Life()
    life.runs("F")
    assert life.alert is not None
    assert group_key(life.alert) == "campaign:1"
    assert group_key(replace(life.alert, campaign_id=None)) == "self"
