from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from storage_samples import HOUR, LEASE, NOON, alert, campaign, notification, reading, run

from tagtide.errors import Conflict, NotFound
from tagtide.models import AlertState
from tagtide.ports import Changes
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


def test_a_message_is_leased_sent_and_gone(store: SqlStore) -> None:
    run(store.commit(Changes(notifications=(notification(),))))
    assert run(store.lease_notifications(NOON - HOUR, LEASE)) == []
    assert run(store.lease_notifications(NOON, LEASE)) == [notification(attempts=1)]
    assert run(store.lease_notifications(NOON, LEASE)) == []
    assert run(store.lease_notifications(NOON + LEASE, LEASE)) == [notification(attempts=2)]
    run(store.mark_sent("n1", NOON))
    assert run(store.lease_notifications(NOON + HOUR, LEASE)) == []
    assert run(store.undelivered()) == []


def test_a_message_that_failed_is_due_again_and_in_the_end_given_up(store: SqlStore) -> None:
    run(store.commit(Changes(notifications=(notification(),))))
    run(store.lease_notifications(NOON, LEASE))
    run(store.mark_failed("n1", "refused", NOON, NOON + HOUR))
    assert run(store.lease_notifications(NOON + HOUR / 2, LEASE)) == []
    (again,) = run(store.lease_notifications(NOON + HOUR, LEASE))
    assert again == replace(notification(), attempts=2, due_at=NOON + HOUR)
    run(store.mark_failed("n1", "refused", NOON, None))
    assert run(store.lease_notifications(NOON + 9 * HOUR, LEASE)) == []
    assert [n.notification_id for n in run(store.undelivered())] == ["n1"]


def test_the_same_message_is_queued_once(store: SqlStore) -> None:
    run(store.commit(Changes(notifications=(notification(),))))
    run(store.mark_sent("n1", NOON))
    run(store.commit(Changes(notifications=(notification(),))))
    assert run(store.undelivered()) == []


def test_many_deliverers_never_get_the_same_message(store: SqlStore) -> None:
    messages = tuple(notification(f"n{n}") for n in range(30))
    run(store.commit(Changes(notifications=messages)))

    async def deliver() -> list[str]:
        leases = (store.lease_notifications(NOON, LEASE, 7) for _ in range(8))
        return [n.notification_id for taken in await asyncio.gather(*leases) for n in taken]

    taken = run(deliver())
    assert len(taken) == len(set(taken))
    left = run(store.lease_notifications(NOON, LEASE, 99))
    assert len(taken) + len(left) == 30


def test_workers_beat_and_die(store: SqlStore) -> None:
    run(store.beat("w1", "host", NOON))
    run(store.beat("w2", "host", NOON))
    run(store.beat("w1", "host", NOON + HOUR))
    assert run(store.dead_workers(NOON + HOUR)) == ["w2"]
    run(store.remove_worker("w2"))
    run(store.remove_worker("w2"))
    assert run(store.dead_workers(NOON + HOUR)) == []
