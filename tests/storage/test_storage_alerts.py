from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from storage_samples import HOUR, NOON, alert, campaign, notification, reading, run

from tagtide.errors import Conflict, NotFound
from tagtide.models import (
    AlertEvent,
    AlertState,
    Charge,
    HashtagOutcome,
    Job,
    Mute,
    Reason,
    Rule,
    Status,
)
from tagtide.ports import Changes, Reservation, Settlement
from tagtide.storage.store import SqlStore


@pytest.fixture(autouse=True)
def campaigns(store: SqlStore) -> None:
    run(store.add_campaign(campaign("One")))


def resolved(alert_id: str = "a1") -> Changes:
    return Changes(alerts=(alert(alert_id, state=AlertState.RESOLVED, resolved_at=NOON + HOUR),))


def test_an_alert_comes_back_and_is_replaced_by_id(store: SqlStore) -> None:
    run(store.commit(Changes(alerts=(alert(),))))
    assert run(store.firing()) == [alert()]
    run(store.commit(resolved()))
    assert run(store.firing()) == []
    assert run(store.alerts()) == list(resolved().alerts)


def test_a_second_alert_for_the_same_thing_is_refused_with_everything_beside_it(
    store: SqlStore,
) -> None:
    run(store.commit(Changes(alerts=(alert(),))))
    second = Changes(alerts=(alert("a2"),), notifications=(notification(),), readings=(reading(),))
    with pytest.raises(Conflict):
        run(store.commit(second))
    assert run(store.undelivered()) == []
    assert run(store.hashtag_readings("ours", NOON, NOON)) == []


def test_one_episode_may_end_where_the_next_begins(store: SqlStore) -> None:
    run(store.commit(Changes(alerts=(alert(),))))
    run(store.commit(Changes(alerts=(alert("a2"), *resolved().alerts))))
    assert [a.alert_id for a in run(store.firing(1))] == ["a2"]
    assert run(store.firing(2)) == []


def test_alerts_newest_first(store: SqlStore) -> None:
    for n in range(3):
        one = alert(f"a{n}", fingerprint=f"f{n}", opened_at=NOON + n * HOUR)
        run(store.commit(Changes(alerts=(one,))))
    assert [a.alert_id for a in run(store.alerts(limit=2))] == ["a2", "a1"]
    assert run(store.alerts(state=AlertState.RESOLVED)) == []


def test_an_alert_by_a_prefix_that_only_it_has(store: SqlStore) -> None:
    for alert_id in ("abc", "abcd", "x%y"):
        run(store.commit(Changes(alerts=(alert(alert_id, fingerprint=alert_id),))))
    assert run(store.alert("abc")).alert_id == "abc"
    assert run(store.alert("x")).alert_id == "x%y"
    with pytest.raises(NotFound, match="Several"):
        run(store.alert("ab"))
    with pytest.raises(NotFound):
        run(store.alert("%"))


def test_workers_beat_and_die(store: SqlStore) -> None:
    run(store.beat("w1", "host", NOON))
    run(store.beat("w2", "host", NOON))
    run(store.beat("w1", "host", NOON + HOUR))
    assert run(store.dead_workers(NOON + HOUR)) == ["w2"]
    run(store.remove_worker("w2"))
    run(store.remove_worker("w2"))
    assert run(store.dead_workers(NOON + HOUR)) == []


# --- the life of an alert -------------------------------------------------------------------------


def event(alert_id: str = "a1", **changes: Any) -> AlertEvent:
    values: dict[str, Any] = {
        "alert_id": alert_id,
        "at": NOON,
        "from_state": None,
        "to_state": AlertState.FIRING,
        "reason": "threshold_passed",
        "told": True,
    }
    return AlertEvent(**values | changes)


def mute(mute_id: str = "m1", **changes: Any) -> Mute:
    values: dict[str, Any] = {
        "mute_id": mute_id,
        "created_at": NOON,
        "until": NOON + 3 * HOUR,
        "by": "ana",
        "reason": "maintenance",
    }
    return Mute(**values | changes)


def test_everything_about_an_alert_comes_back(store: SqlStore) -> None:
    whole = alert(
        fired_at=NOON,
        pending_since=NOON - HOUR,
        pending_runs=2,
        told_at=NOON,
        flaps=3,
        is_flapping=True,
        acked_at=NOON,
        acked_by="ana",
        ack_note="on it",
        acked_severity=1.4,
    )
    own = alert(
        "s1",
        fingerprint="self",
        campaign_id=None,
        rule=Rule.SELF,
        hashtag=None,
        condition="disk:host",
        fired_at=NOON,
    )
    run(store.commit(Changes(alerts=(whole, own))))
    assert run(store.alert("a1")) == whole
    assert run(store.episodes(None)) == [own]
    assert {a.alert_id for a in run(store.firing())} == {"a1", "s1"}


@pytest.mark.parametrize("state", [AlertState.PENDING, AlertState.FIRING])
@pytest.mark.parametrize("other", [AlertState.PENDING, AlertState.FIRING])
def test_one_thing_is_open_once(store: SqlStore, state: AlertState, other: AlertState) -> None:
    run(store.commit(Changes(alerts=(alert(state=state),))))
    with pytest.raises(Conflict, match="open already"):
        run(store.commit(Changes(alerts=(alert("a2", state=other),))))


def test_a_decision_that_rests_on_an_older_one_is_refused_with_everything_beside_it(
    store: SqlStore,
) -> None:
    run(store.commit(Changes(alerts=(alert(),))))
    (mine,), (theirs,) = run(store.firing()), run(store.firing())
    run(store.commit(Changes(alerts=(replace(theirs, value=1.0),))))
    late = Changes(
        alerts=(replace(mine, state=AlertState.RESOLVED, resolved_at=NOON),),
        alert_events=(event(),),
        notifications=(notification(),),
    )
    with pytest.raises(Conflict, match="another process"):
        run(store.commit(late))
    assert [a.value for a in run(store.firing())] == [1.0]
    assert run(store.undelivered()) == []
    assert run(store.alert_events("a1")) == []
    again = run(store.alert("a1"))
    run(store.commit(replace(late, alerts=(replace(again, state=AlertState.RESOLVED),))))
    assert run(store.firing()) == []


def test_of_many_who_decide_at_once_one_is_heard(store: SqlStore) -> None:
    run(store.commit(Changes(alerts=(alert(),))))
    known = run(store.alert("a1"))

    async def end(number: int) -> bool:
        changes = Changes(
            alerts=(replace(known, state=AlertState.RESOLVED, resolved_at=NOON),),
            notifications=(notification(f"n{number}", kind="resolved"),),
        )
        try:
            await store.commit(changes)
        except Conflict:
            return False
        return True

    async def race() -> list[bool]:
        return await asyncio.gather(*(end(number) for number in range(8)))

    assert sum(run(race())) == 1
    assert len(run(store.undelivered())) == 1


def test_of_many_who_raise_at_once_one_is_heard(store: SqlStore) -> None:
    async def begin(number: int) -> bool:
        try:
            await store.commit(
                Changes(
                    alerts=(alert(f"a{number}"),),
                    alert_events=(event(f"a{number}"),),
                    notifications=(notification(f"n{number}"),),
                )
            )
        except Conflict:
            return False
        return True

    async def race() -> list[bool]:
        return await asyncio.gather(*(begin(number) for number in range(8)))

    assert sum(run(race())) == 1
    assert (len(run(store.firing())), len(run(store.undelivered()))) == (1, 1)


def test_an_acknowledgement_survives_a_decision_that_was_under_way(store: SqlStore) -> None:
    run(store.commit(Changes(alerts=(alert(value=1.0),))))
    under_way = run(store.alert("a1"))
    acked = run(store.acknowledge("a1", by="ana", note="on it", now=NOON + HOUR))
    assert (acked.acked_by, acked.acked_severity) == ("ana", 2.0)
    run(store.commit(Changes(alerts=(replace(under_way, value=3.0),))))
    stored = run(store.alert("a1"))
    assert (stored.value, stored.acked_by, stored.ack_note) == (3.0, "ana", "on it")
    assert stored.acked_at == NOON + HOUR
    (line,) = run(store.alert_events("a1"))
    assert (line.reason, line.by, line.note) == ("acknowledged", "ana", "on it")


def test_a_decision_that_was_under_way_does_not_bring_an_acknowledgement_back(
    store: SqlStore,
) -> None:
    run(store.commit(Changes(alerts=(alert(value=1.0),))))
    run(store.acknowledge("a1", by="ana", note="on it", now=NOON))
    under_way = run(store.alert("a1"))
    free = run(store.unacknowledge("a1", by="ben", now=NOON + HOUR))
    assert (free.acked_by, free.acked_severity) == (None, None)
    run(store.commit(Changes(alerts=(replace(under_way, value=3.0),))))
    stored = run(store.alert("a1"))
    assert (stored.value, stored.acked_at, stored.ack_note) == (3.0, None, None)
    lines = run(store.alert_events("a1"))
    assert [(line.reason, line.by) for line in lines] == [
        ("acknowledged", "ana"), ("unacknowledged", "ben"),
    ]  # fmt: skip
    with pytest.raises(Conflict, match="Nobody has"):
        run(store.unacknowledge("a1", by="ben", now=NOON))
    with pytest.raises(NotFound):
        run(store.unacknowledge("a2", by="ben", now=NOON))


def test_what_is_over_or_unknown_is_not_acknowledged(store: SqlStore) -> None:
    run(store.commit(resolved()))
    with pytest.raises(Conflict, match="over"):
        run(store.acknowledge("a1", by="ana", note="", now=NOON))
    with pytest.raises(NotFound):
        run(store.acknowledge("a2", by="ana", note="", now=NOON))
    assert run(store.alert_events("a1")) == []


def test_the_history_keeps_its_order(store: SqlStore) -> None:
    lines = [
        event(),
        event(reason="doubled", from_state=AlertState.FIRING, note="\N{SNOWMAN}", by="ana"),
        event(from_state=AlertState.FIRING, to_state=AlertState.RESOLVED, told=False),
    ]
    run(store.commit(Changes(alerts=(alert(),), alert_events=tuple(lines[:2]))))
    run(store.commit(Changes(alert_events=(lines[2],))))
    assert run(store.alert_events("a1")) == lines
    assert run(store.alert_events("a")) == []


def test_what_a_decision_must_know(store: SqlStore) -> None:
    past = {"state": AlertState.RESOLVED}
    alerts = [
        alert("old", fingerprint="1", resolved_at=NOON - 5 * HOUR, **past),
        alert("late", fingerprint="1", resolved_at=NOON - HOUR, opened_at=NOON + HOUR, **past),
        alert("flaps", fingerprint="2", resolved_at=NOON - 9 * HOUR, is_flapping=True, **past),
        alert("waits", fingerprint="3", state=AlertState.PENDING, resolved_at=NOON - 9 * HOUR),
        alert("video", fingerprint="4", rule=Rule.VIRAL_VIDEO),
    ]
    run(store.commit(Changes(alerts=tuple(alerts))))
    ids = [a.alert_id for a in run(store.episodes(1, resolved_since=NOON - 2 * HOUR))]
    assert ids == ["flaps", "video", "waits", "late"]
    assert len(run(store.episodes(1))) == 5
    assert [a.alert_id for a in run(store.episodes(1, rule=Rule.VIRAL_VIDEO))] == ["video"]
    assert run(store.episodes(2)) == run(store.episodes(None)) == []


def test_what_never_fired_is_not_listed_unless_it_is_asked_for(store: SqlStore) -> None:
    lapsed = alert("a1", state=AlertState.RESOLVED, resolved_at=NOON, pending_since=NOON)
    waiting = alert("a2", state=AlertState.PENDING, pending_since=NOON)
    run(store.commit(Changes(alerts=(lapsed, waiting))))
    assert [a.alert_id for a in run(store.alerts())] == ["a2"]
    assert [a.alert_id for a in run(store.alerts(lapsed=True))] == ["a1", "a2"]
    assert [a.alert_id for a in run(store.alerts(state=AlertState.PENDING))] == ["a2"]
    assert run(store.firing()) == []


def test_mutes_come_and_go(store: SqlStore) -> None:
    run(store.commit(Changes(alerts=(alert(),))))
    one = mute(alert_id="a1")
    two = mute("m2", campaign_id=1, hashtag="ours", rule=Rule.GROWTH, until=NOON + HOUR)
    for made in (one, two):
        run(store.add_mute(made))
    assert run(store.mutes(NOON)) == [two, one]
    assert run(store.mutes(NOON + HOUR)) == [one]
    assert run(store.end_mutes(["m1", "m2", "m3"], by="ben", now=NOON + 2 * HOUR)) == 1
    assert run(store.mutes(NOON)) == [two]
    assert run(store.end_mutes(["m1"], by="ben", now=NOON + 2 * HOUR)) == 0
    lines = run(store.alert_events("a1"))
    assert [(e.reason, e.by, e.note) for e in lines] == [
        ("muted", "ana", "maintenance"), ("unmuted", "ben", ""),
    ]  # fmt: skip


def test_an_alert_that_is_not_there_cannot_be_muted(store: SqlStore) -> None:
    with pytest.raises(NotFound):
        run(store.add_mute(mute(alert_id="nope")))
    assert run(store.mutes(NOON)) == []


def test_a_removed_campaign_leaves_nothing_firing(store: SqlStore) -> None:
    waiting = alert("a2", fingerprint="2", state=AlertState.PENDING)
    run(store.commit(Changes(alerts=(alert(told_at=NOON), waiting))))
    run(store.remove_campaign(1, NOON + HOUR))
    assert {(a.state, a.resolved_at) for a in run(store.alerts())} == {
        (AlertState.RESOLVED, NOON + HOUR)
    }
    (line,) = run(store.alert_events("a1"))
    assert (line.reason, line.told) == ("not_watched", False)
    assert run(store.undelivered()) == []


# --- what tells of tagtide itself -----------------------------------------------------------------


def test_the_newest_note_of_the_ledger(store: SqlStore) -> None:
    def settled(note: str, at: datetime) -> None:
        what = Reservation(run_id=None, campaign_id=None, hashtag=None, endpoint="hashtag")
        (entry,) = run(store.reserve([what], [], NOON))
        run(
            store.settle(
                [
                    Settlement(
                        entry_id=entry,
                        charge=Charge.NOT_CHARGED,
                        credits=0,
                        settled_at=at,
                        note=note,
                    )
                ]
            )
        )

    assert run(store.newest_note(["ok", "auth"])) is None
    for note, hours in (("ok", 0), ("auth", 1), ("upstream", 2)):
        settled(note, NOON + hours * HOUR)
    assert run(store.newest_note(["ok", "auth"])) == ("auth", NOON + HOUR)
    assert run(store.newest_note(["ok"])) == ("ok", NOON)


def test_the_newest_run_by_how_it_ended(store: SqlStore) -> None:
    ended = [(Status.OK, 0), (Status.FAILED, 1), (Status.SKIPPED, 2)]
    for status, hours in ended:
        begun = run(store.start_run(Job.TRACK, 1, NOON + hours * HOUR, "schedule", NOON))
        run(store.finish_run(begun.run_id, status, Reason.NONE, NOON, Changes()))
    run(store.start_run(Job.TRACK, 1, NOON + 3 * HOUR, "schedule", NOON))
    everything = [Status.OK, Status.FAILED, Status.SKIPPED, Status.RUNNING]
    newest = run(store.newest_run(Job.TRACK, 1, everything))
    assert newest is not None
    assert newest.status is Status.SKIPPED
    good = run(store.newest_run(Job.TRACK, 1, [Status.OK]))
    assert good is not None
    assert good.slot_at == NOON
    assert run(store.newest_run(Job.COLLECT, 1, everything)) is None


def test_what_was_tried_lately(store: SqlStore) -> None:
    for hours in (0, 2):
        at = NOON + hours * HOUR
        begun = run(store.start_run(Job.TRACK, 1, at, "schedule", at))
        found = [
            HashtagOutcome(hashtag="ours", status=Status.OK),
            HashtagOutcome(hashtag="also", status=Status.FAILED, reason=Reason.SCHEMA, detail="x"),
            HashtagOutcome(hashtag="theirs", status=Status.SKIPPED, reason=Reason.PAUSED),
            HashtagOutcome(hashtag="shared", status=Status.OK, reason=Reason.SHARED),
        ]
        changes = Changes(unclaimed=tuple(found))
        run(store.finish_run(begun.run_id, Status.PARTIAL, Reason.NONE, at, changes))
    outcomes = run(store.ended_since(NOON + HOUR))
    assert [(o.hashtag, o.reason, o.detail) for o in outcomes] == [
        ("also", Reason.SCHEMA, "x"), ("ours", Reason.NONE, ""),
    ]  # fmt: skip
    assert len(run(store.ended_since(NOON))) == 4
