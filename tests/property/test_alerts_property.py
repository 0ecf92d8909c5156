"""What must hold of alerts whatever runs, people and time do."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tagtide.core.alerts import Lifecycle, acknowledge, decide_alert, unacknowledge
from tagtide.core.mutes import mute_of
from tagtide.core.rules import Incident, RuleState, Verdict
from tagtide.models import Alert, AlertEvent, AlertState, Mute, Pending, Rule, Status

NOW = datetime(2026, 3, 1, tzinfo=UTC)
THRESHOLD = 200.0
#: Messages of one episode without growth: it fires, ends, is back, ends, goes on and off, is quiet.
MOST = 6

VALUES = st.sampled_from([None, 0.0, 99.0, 100.0, 150.0, 200.0, 250.0, 399.0])
GROWING = st.sampled_from([None, 50.0, 150.0, 250.0, 600.0, 1_300.0, 5_000.0, 90_000.0])
STEPS = st.sampled_from([0.1, 1.0, 6.0, 6.0, 6.0, 23.9, 24.0, 200.0])
PENDING = st.sampled_from([Pending(), Pending(runs=2), Pending(hours=6), Pending(runs=3, hours=12)])
NOT_OK = st.sampled_from([s for s in Status if s is not Status.OK])


def verdict(value: float | None) -> Verdict:
    if value is None:
        state = RuleState.UNJUDGED
    elif value >= THRESHOLD:
        state = RuleState.FIRES
    else:
        state = RuleState.CLEAR if value < THRESHOLD / 2 else RuleState.HOLDS
    return Verdict(
        rule=Rule.NEW_VIDEOS, state=state, value=value, threshold=THRESHOLD, reason=f"{value}"
    )


class Episodes(RuleBasedStateMachine):
    """One fingerprint, judged by runs, touched by people."""

    values = VALUES

    def __init__(self) -> None:
        super().__init__()
        self.now = NOW
        self.alerts: dict[str, Alert] = {}
        self.events: list[AlertEvent] = []
        self.messages: list[tuple[str, str]] = []
        self.mutes: list[Mute] = []
        self.lifecycle = Lifecycle()
        self.acked: set[str] = set()
        self.number = 0

    @property
    def newest(self) -> Alert | None:
        return list(self.alerts.values())[-1] if self.alerts else None

    def judge(self, judged: Verdict, status: Status = Status.OK) -> None:
        self.number += 1
        before = self.newest
        decision = decide_alert(
            judged,
            before,
            now=self.now,
            alert_id=f"a{self.number}",
            campaign_id=1,
            hashtag="glow",
            video_id=None,
            url="",
            run_status=status,
            lifecycle=self.lifecycle,
            mutes=self.mutes,
        )
        if status is not Status.OK:
            assert (decision.alert, decision.event, decision.kind) == (None, None, None)
            return
        after = decision.alert
        if after is None:
            assert decision.event is None
            return
        known = self.alerts.get(after.alert_id)
        was = known.state if known else None
        if was is not after.state or decision.kind:
            assert decision.event is not None
        if decision.event is not None:
            assert (decision.event.from_state, decision.event.to_state) == (was, after.state)
            assert decision.event.told is (decision.kind is not None)
            self.events.append(decision.event)
        if decision.kind:
            assert mute_of(after, self.mutes, self.now) is None
            self.messages.append((after.alert_id, decision.kind))
        if before is not None and before.is_open:
            assert after.alert_id == before.alert_id
            if not after.is_open:
                assert judged.state in {RuleState.CLEAR, RuleState.HOLDS}
        if judged.state is RuleState.FIRES and after.state is AlertState.FIRING:
            muted = mute_of(after, self.mutes, self.now)
            assert after.told_at or after.acked_at or muted, "it fires, and nobody knows"
        self.alerts[after.alert_id] = after

    @rule(data=st.data(), hours=STEPS)
    def a_run(self, data: st.DataObject, hours: float) -> None:
        self.now += timedelta(hours=hours)
        self.judge(verdict(data.draw(self.values)))

    @rule(data=st.data(), status=NOT_OK)
    def a_run_that_is_not_ok(self, data: st.DataObject, status: Status) -> None:
        self.judge(verdict(data.draw(self.values)), status)

    @rule(pending=PENDING, hours=st.sampled_from([0.0, 6.0, 24.0]))
    def somebody_edits_the_rule(self, pending: Pending, hours: float) -> None:
        self.lifecycle = Lifecycle(pending=pending, reopen=timedelta(hours=hours))

    @precondition(lambda self: self.newest is not None and self.newest.is_open)
    @rule()
    def somebody_acknowledges(self) -> None:
        newest = self.newest
        assert newest is not None
        acked, event = acknowledge(newest, by="ana", note="", now=self.now)
        self.alerts[acked.alert_id] = acked
        self.events.append(event)
        self.acked.add(acked.alert_id)

    @precondition(lambda self: self.newest is not None and self.newest.acked_at is not None)
    @rule()
    def somebody_gives_it_back(self) -> None:
        newest = self.newest
        assert newest is not None
        free, event = unacknowledge(newest, by="ana", now=self.now)
        self.alerts[free.alert_id] = free
        self.events.append(event)
        self.acked.discard(free.alert_id)

    @rule(hours=st.sampled_from([1.0, 12.0, 72.0]))
    def somebody_mutes(self, hours: float) -> None:
        until = self.now + timedelta(hours=hours)
        self.mutes.append(
            Mute(mute_id="m", created_at=self.now, until=until, by="ana", campaign_id=1)
        )

    @rule()
    def somebody_unmutes(self) -> None:
        self.mutes = [replace(m, ended_at=self.now) for m in self.mutes]

    @invariant()
    def at_most_one_is_open(self) -> None:
        assert sum(alert.is_open for alert in self.alerts.values()) <= 1

    @invariant()
    def what_was_acknowledged_is_still_there(self) -> None:
        assert all(self.alerts[alert_id].acked_by == "ana" for alert_id in self.acked)

    @invariant()
    def the_history_is_a_chain_that_ends_where_the_alert_stands(self) -> None:
        state: dict[str, AlertState] = {}
        for event in self.events:
            assert event.from_state is state.get(event.alert_id)
            state[event.alert_id] = event.to_state
        assert state == {alert_id: alert.state for alert_id, alert in self.alerts.items()}

    @invariant()
    def nobody_hears_of_the_end_of_what_he_never_heard_of(self) -> None:
        known: dict[str, bool] = {}
        for alert_id, kind in self.messages:
            assert kind != "resolved" or known[alert_id]
            known[alert_id] = kind != "resolved"

    @invariant()
    def messages_are_few(self) -> None:
        told = Counter(alert_id for alert_id, _ in self.messages)
        for alert_id, count in told.items():
            peak = self.alerts[alert_id].peak
            doublings = math.ceil(math.log2(max(peak, THRESHOLD) / THRESHOLD))
            # Each end of a mute may bring one more.
            assert count <= MOST + doublings + len(self.mutes)


class GrowingEpisodes(Episodes):
    """The same with figures that grow without an end."""

    values = GROWING


class Incidents(Episodes):
    """The same with a rule that keeps book itself."""

    @rule(stage=st.sampled_from(list(Incident)), hours=STEPS)
    def a_run(self, stage: Incident, hours: float) -> None:  # type: ignore[override]
        self.now += timedelta(hours=hours)
        self.judge(
            Verdict(
                rule=Rule.STATISTICAL,
                state=stage.state,
                value=1.0,
                threshold=1.0,
                reason="",
                incident=stage,
            )
        )

    @invariant()
    def messages_are_few(self) -> None:
        """Each escalation is one; the rule itself says how many there are."""


@given(
    st.lists(
        st.tuples(
            st.sampled_from([200.0, 250.0, 399.0]),
            st.sampled_from([0.0, 99.0, None]),
            st.sampled_from([0.1, 6.0, 11.9]),
        ),
        min_size=3,
        max_size=60,
    ),
    st.sampled_from([Pending(), Pending(runs=2)]),
)
def test_what_flaps_is_told_a_handful_of_times(
    turns: list[tuple[float, float | None, float]], pending: Pending
) -> None:
    life = Episodes()
    life.lifecycle = Lifecycle(pending=pending)
    for fires, clear, hours in turns:
        for value in (fires, fires, clear):
            life.now += timedelta(hours=hours / 3)
            life.judge(verdict(value))
    assert len(life.alerts) == 1
    assert len(life.messages) < MOST
    life.the_history_is_a_chain_that_ends_where_the_alert_stands()


_STEPS = settings(max_examples=30, stateful_step_count=40, deadline=None)

TestEpisodes = Episodes.TestCase
TestEpisodes.settings = _STEPS
TestGrowingEpisodes = GrowingEpisodes.TestCase
TestGrowingEpisodes.settings = _STEPS
TestIncidents = Incidents.TestCase
TestIncidents.settings = _STEPS
