"""Messages on their way: one sender per endpoint, nothing written by who was overtaken."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from storage_samples import HOUR, LEASE, NOON, campaign, notification, run

from tagtide.core.endpoints import Aftermath, Ending
from tagtide.errors import LeaseLost, NotFound
from tagtide.models import DeliveryState, Endpoint, Notification
from tagtide.ports import AttemptEnd, Changes, DeliveryCount, QueueChange
from tagtide.storage.store import SqlStore

DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def campaigns(store: SqlStore) -> None:
    run(store.add_campaign(campaign("One")))


def put(store: SqlStore, *names: str, **changes: object) -> None:
    messages = tuple(notification(name, **changes) for name in names)
    run(store.commit(Changes(notifications=messages)))


def change(fence: int = 0, **changes: object) -> QueueChange:
    return QueueChange(**{"channel": "slack", "fence": fence, "at": NOON} | changes)


def attempt(store: SqlStore, name: str, fence: int = 0) -> bool:
    return run(store.change_queue(change(fence, attempted=name, lease_until=NOON + LEASE)))


def end(store: SqlStore, name: str, fence: int, ending: Ending, **changes: object) -> None:
    endpoint = changes.pop("endpoint", Endpoint(channel="slack"))
    after = Aftermath(endpoint=endpoint, ending=ending, **changes)
    error = "" if ending is Ending.SENT else "refused"
    run(
        store.end_attempt(
            AttemptEnd(fence=fence, at=NOON, notification_id=name, aftermath=after, error=error)
        )
    )


def state(store: SqlStore, name: str) -> DeliveryState:
    (found,) = [d for d in run(store.deliveries()) if d.notification.notification_id == name]
    return found.state


def waiting(store: SqlStore) -> list[str]:
    return [w.notification_id for w in run(store.dispatch_queue("slack")).waiting]


def test_a_message_is_attempted_sent_and_gone(store: SqlStore) -> None:
    put(store, "n1")
    assert run(store.channels_waiting()) == ["slack"]
    assert attempt(store, "n1")
    queue = run(store.dispatch_queue("slack", NOON))
    assert (queue.endpoint.fence, queue.endpoint.lease_until) == (1, NOON + LEASE)
    assert [w.attempts for w in queue.waiting] == [1]
    end(store, "n1", 1, Ending.SENT)
    queue = run(store.dispatch_queue("slack", NOON - HOUR))
    assert queue.endpoint == Endpoint(channel="slack", fence=1)
    assert (queue.waiting, queue.sent) == ((), (("firing", NOON),))
    assert run(store.dispatch_queue("slack")).sent == ()
    assert run(store.dispatch_queue("slack", NOON)).sent == ()
    assert run(store.channels_waiting()) == run(store.undelivered()) == []
    assert state(store, "n1") is DeliveryState.SENT


def test_who_decided_on_an_older_state_writes_nothing(store: SqlStore) -> None:
    put(store, "n1", "n2")
    assert attempt(store, "n1")
    assert not attempt(store, "n1")
    assert not run(store.change_queue(change(0, held=("n2",), given_up=("n1",), digest_at=NOON)))
    assert not any(w.is_held for w in run(store.dispatch_queue("slack")).waiting)
    assert waiting(store) == ["n1", "n2"]


def test_an_owner_who_was_overtaken_marks_nothing(store: SqlStore) -> None:
    put(store, "n1")
    attempt(store, "n1")
    # The lease has run out, somebody else sends and has not marked yet.
    attempt(store, "n1", fence=1)
    for ending in Ending:
        with pytest.raises(LeaseLost):
            end(store, "n1", 1, ending, due_at=NOON)
    assert waiting(store) == ["n1"]
    end(store, "n1", 2, Ending.SENT)
    assert waiting(store) == []


def test_an_owner_who_was_late_but_not_overtaken_marks(store: SqlStore) -> None:
    put(store, "n1")
    attempt(store, "n1")
    end(store, "n1", 1, Ending.SENT)
    assert state(store, "n1") is DeliveryState.SENT


def test_one_of_many_gets_the_endpoint(store: SqlStore) -> None:
    put(store, *(f"n{n}" for n in range(8)))

    async def take() -> list[bool]:
        changes = (change(0, attempted=f"n{n}", lease_until=NOON + LEASE) for n in range(8))
        return await asyncio.gather(*(store.change_queue(c) for c in changes))

    assert sorted(run(take())) == [False] * 7 + [True]
    assert sum(w.attempts for w in run(store.dispatch_queue("slack")).waiting) == 1


def test_a_failed_attempt_leaves_its_mark_on_message_and_endpoint(store: SqlStore) -> None:
    put(store, "n1")
    attempt(store, "n1")
    failing = Endpoint(
        channel="slack", failing_since=NOON, failures=1, next_attempt_at=NOON + HOUR, last_error="x"
    )
    end(store, "n1", 1, Ending.DELAYED, endpoint=failing, due_at=NOON + HOUR)
    queue = run(store.dispatch_queue("slack", NOON))
    assert queue.endpoint == replace(failing, fence=1)
    (waits,) = queue.waiting
    assert (waits.due_at, waits.first_failed_at) == (NOON + HOUR, NOON)
    assert run(store.endpoints()) == [queue.endpoint]
    (delivery,) = run(store.deliveries(state=DeliveryState.WAITING))
    assert delivery.last_error == "refused"
    assert run(store.enable_endpoint("slack"))
    assert not run(store.enable_endpoint("slack"))
    assert run(store.dispatch_queue("slack")).endpoint == Endpoint(channel="slack", fence=1)


def test_the_end_of_an_outage_makes_everything_due_that_was_tried(store: SqlStore) -> None:
    put(store, "n1", "n2", due_at=NOON + HOUR, attempts=3)
    put(store, "new", due_at=NOON + HOUR)
    put(store, "other", due_at=NOON + HOUR, attempts=3, channel="crm")
    attempt(store, "n1")
    end(store, "n1", 1, Ending.SENT, releases=True)
    due = {w.notification_id: w.due_at for w in run(store.dispatch_queue("slack")).waiting}
    assert due == {"n2": NOON, "new": NOON + HOUR}
    (other,) = run(store.dispatch_queue("crm")).waiting
    assert other.due_at == NOON + HOUR


def test_messages_told_in_another_one_share_its_fate(store: SqlStore) -> None:
    put(store, "n1", "n2", "n3")
    fold = notification("f1", kind="fold", alert_id=None)
    told = change(queued=fold, folded=("n1", "n2"), attempted="f1", lease_until=NOON + LEASE)
    assert run(store.change_queue(told))
    assert waiting(store) == ["f1", "n3"]
    assert state(store, "n1") is DeliveryState.FOLDED
    assert [n.notification_id for n in run(store.undelivered())] == ["f1", "n3"]
    assert run(store.notifications(["n2", "n1"])) == [notification("n1"), notification("n2")]
    counts = {c.state: c.count for c in run(store.delivery_counts())}
    assert counts == {DeliveryState.FOLDED: 2, DeliveryState.WAITING: 2}


def test_what_is_held_or_given_up(store: SqlStore) -> None:
    put(store, "n1", "n2")
    run(store.change_queue(change(held=("n1",), given_up=("n2",), reason="too old")))
    (held,) = run(store.dispatch_queue("slack")).waiting
    assert held.is_held
    (dead,) = run(store.deliveries(state=DeliveryState.DEAD))
    assert (dead.given_up_at, dead.last_error) == (NOON, "too old")
    assert run(store.delivery_counts()) == [
        DeliveryCount(channel="slack", state=DeliveryState.DEAD, count=1, oldest_at=NOON),
        DeliveryCount(channel="slack", state=DeliveryState.WAITING, count=1, oldest_at=NOON),
    ]


def test_dead_letters_can_be_replayed(store: SqlStore) -> None:
    for name, channel, attempts in (("abc", "slack", 9), ("abd", "slack", 0), ("x", "crm", 2)):
        put(store, name, channel=channel, attempts=attempts)
        fence = run(store.dispatch_queue(channel)).endpoint.fence
        run(store.change_queue(change(fence, channel=channel, given_up=(name,))))
    with pytest.raises(NotFound, match="Several"):
        run(store.replay(NOON + DAY, notification_id="ab"))
    with pytest.raises(NotFound, match="no dead letter"):
        run(store.replay(NOON + DAY, notification_id="%"))
    assert run(store.replay(NOON + DAY, notification_id="abc")) == 1
    with pytest.raises(NotFound):
        run(store.replay(NOON + DAY, notification_id="abc"))
    (again,) = run(store.dispatch_queue("slack")).waiting
    # What may have arrived keeps its mark; its 76 hours begin anew.
    assert (again.attempts, again.queued_at, again.due_at) == (1, NOON + DAY, NOON + DAY)
    assert run(store.replay(NOON + DAY, channel="slack")) == 1
    assert [w.attempts for w in run(store.dispatch_queue("slack")).waiting] == [1, 0]
    assert run(store.replay(NOON + DAY)) == 1
    assert run(store.deliveries(state=DeliveryState.DEAD)) == []


def test_what_is_old_is_forgotten_and_what_waits_is_not(store: SqlStore) -> None:
    fold = notification("f1", kind="fold", alert_id=None)
    put(store, "told", "dead", "waits")
    run(
        store.change_queue(
            change(queued=fold, folded=("told",), given_up=("dead",), attempted="f1")
        )
    )
    end(store, "f1", 1, Ending.SENT)
    assert run(store.prune_deliveries(NOON)) == 0
    assert run(store.prune_deliveries(NOON + HOUR)) == 3
    assert [d.notification.notification_id for d in run(store.deliveries())] == ["waits"]


def test_the_same_message_is_queued_once(store: SqlStore) -> None:
    put(store, "n1")
    attempt(store, "n1")
    end(store, "n1", 1, Ending.SENT)
    put(store, "n1")
    assert run(store.undelivered()) == []


def test_an_attempt_that_was_broken_off_gives_the_endpoint_free(store: SqlStore) -> None:
    put(store, "n1")
    attempt(store, "n1")
    run(store.release_endpoint("slack", 0))
    assert run(store.dispatch_queue("slack")).endpoint.lease_until == NOON + LEASE
    run(store.release_endpoint("slack", 1))
    assert run(store.dispatch_queue("slack")).endpoint.lease_until is None


def test_deliveries_newest_first_by_state_and_channel(store: SqlStore) -> None:
    for n in range(3):
        put(store, f"n{n}", created_at=NOON + n * HOUR)
    put(store, "other", channel="crm")

    def names(**wanted: object) -> list[str]:
        return [d.notification.notification_id for d in run(store.deliveries(**wanted))]

    assert names(limit=2) == ["n2", "n1"]
    assert names(channel="crm") == ["other"]
    assert names(state=DeliveryState.SENT) == []


def test_a_queue_is_read_in_order_and_holds_everything_a_decision_needs(store: SqlStore) -> None:
    put(store, "b", "a")
    put(store, "older", created_at=NOON - HOUR)
    queue = run(store.dispatch_queue("slack", NOON))
    assert [w.notification_id for w in queue.waiting] == ["older", "a", "b"]
    assert {w.alert_id for w in queue.waiting} == {"a1"}
    empty = run(store.dispatch_queue("none"))
    assert (empty.endpoint, empty.waiting, empty.sent) == (Endpoint(channel="none"), (), ())
    assert isinstance(run(store.notifications(["a"]))[0], Notification)
