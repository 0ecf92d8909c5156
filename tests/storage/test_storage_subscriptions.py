"""Subscriptions, one message a slot, and the files that go with messages: on every engine."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select
from storage_samples import HOUR, NOON, campaign, run

from tagtide.core.endpoints import Aftermath, Ending
from tagtide.errors import Conflict, NotFound
from tagtide.models import Endpoint, MessageFile, Notification
from tagtide.ports import AttemptEnd, NewShare, QueueChange, ReportMessage, Subscription
from tagtide.storage import tables as t
from tagtide.storage.store import SqlStore

DAY = timedelta(days=1)
PDF = MessageFile(name="report.pdf", media_type="application/pdf", content=b"%PDF-" + bytes(999))
CHART = MessageFile(name="c.png", media_type="image/png", content=b"\x89PNG\x00", shows="It grew ↑")


@pytest.fixture(autouse=True)
def campaigns(store: SqlStore) -> None:
    run(store.add_campaign(campaign("One")))


def wanted(**changes: Any) -> Subscription:
    values: dict[str, Any] = {
        "person": "Ana 🌸",
        "campaign_id": 1,
        "kind": "daily",
        "channel": "mail",
        "files": ("pdf", "xlsx"),
        "to": "ana@ours.test",
        "made_by": "ben",
        "made_at": NOON,
    }
    return Subscription(**values | changes)


def message(
    one: Subscription, name: str, slot_at: datetime = NOON, **changes: Any
) -> ReportMessage:
    note = Notification(
        notification_id=name,
        channel=one.channel,
        alert_id=None,
        kind="report",
        created_at=slot_at,
        due_at=slot_at,
        payload={"type": "report"},
        to=one.to,
        files=(CHART, PDF),
    )
    values: dict[str, Any] = {"subscription_id": one.subscription_id, "slot_at": slot_at}
    return ReportMessage(**values | {"notification": note} | changes)


def count(store: SqlStore, name: str) -> int:
    query = select(func.count()).select_from(t.metadata.tables[name])
    return int(run(store._db.read(lambda c: c.execute(query).scalar_one())))


def accept(store: SqlStore, name: str, at: datetime) -> None:
    queue = run(store.dispatch_queue("mail"))
    fence = queue.endpoint.fence
    begun = QueueChange(channel="mail", fence=fence, at=at, attempted=name, lease_until=at + HOUR)
    assert run(store.change_queue(begun))
    after = Aftermath(endpoint=Endpoint(channel="mail"), ending=Ending.SENT)
    end = AttemptEnd(fence=fence + 1, at=at, notification_id=name, aftermath=after)
    run(store.end_attempt(end))


def test_a_subscription_is_stored_listed_and_changed(store: SqlStore) -> None:
    one = run(store.add_subscription(wanted()))
    assert one == replace(wanted(), subscription_id=one.subscription_id)
    other = run(store.add_subscription(wanted(kind="weekly", to=None, files=())))
    assert run(store.subscriptions()) == [one, other]
    assert run(store.subscriptions(campaign_id=1, kind="weekly")) == [other]
    assert run(store.subscriptions(campaign_id=2)) == []
    changed = run(store.change_subscription(replace(one, person="Eva", files=("pdf",))))
    assert (changed.person, changed.files, changed.made_by) == ("Eva", ("pdf",), "ben")
    assert run(store.subscription(one.subscription_id)) == changed
    for missing in (store.subscription(99), store.end_subscription(99, by="x", now=NOON)):
        with pytest.raises(NotFound):
            run(missing)


def test_nobody_gets_the_same_report_twice(store: SqlStore) -> None:
    one = run(store.add_subscription(wanted()))
    for like in (wanted(), wanted(person="Somebody else"), wanted(to="ANA@ours.test")):
        with pytest.raises(Conflict):
            run(store.add_subscription(like))
    other = run(store.add_subscription(wanted(to=None)))
    with pytest.raises(Conflict):
        run(store.change_subscription(replace(other, to="ana@ours.test")))
    assert run(store.subscription(other.subscription_id)) == other
    # What was stopped is in nobody's way.
    run(store.end_subscription(one.subscription_id, by="ben", now=NOON))
    assert run(store.add_subscription(wanted())).subscription_id > other.subscription_id


def test_a_slot_has_one_message_whoever_writes_it(store: SqlStore) -> None:
    one = run(store.add_subscription(wanted()))

    async def at_once() -> list[bool]:
        puts = (store.put_report_message(message(one, f"m{n}"), "s") for n in range(4))
        return await asyncio.gather(*puts)

    assert sorted(run(at_once())) == [False, False, False, True]
    assert len(run(store.undelivered())) == 1
    assert count(store, "message_file") == 2
    assert run(store.told_in_slot(NOON, [one.subscription_id, 7])) == {one.subscription_id}
    assert run(store.told_in_slot(NOON + DAY, [one.subscription_id])) == frozenset()
    assert run(store.put_report_message(message(one, "next", NOON + DAY), "s"))
    assert run(store.subscription(one.subscription_id)).told_at == NOON + DAY


def test_all_of_a_message_is_written_or_nothing(store: SqlStore) -> None:
    """A copy whose secret is taken: neither the slot nor the message is there afterwards."""
    one = run(store.add_subscription(wanted()))
    share = NewShare(
        secret_hash="a" * 64,
        campaign_id=1,
        kind="daily",
        on=NOON.date(),
        title="Daily",
        as_of=NOON,
        timezone="UTC",
        document=[],
        expires_at=NOON + DAY,
    )
    assert run(store.put_report_message(message(one, "m1", share=share), "subscription 1"))
    assert [s.made_by for s in run(store.shares())] == ["subscription 1"]
    broken = message(one, "m2", NOON + DAY, share=share)
    with pytest.raises(Exception, match=r".+"):
        run(store.put_report_message(broken, "s"))
    assert run(store.told_in_slot(NOON + DAY, [one.subscription_id])) == frozenset()
    assert [n.notification_id for n in run(store.undelivered())] == ["m1"]
    assert run(store.put_report_message(message(one, "m2", NOON + DAY), "s"))


def test_files_stay_as_they_are_and_go_with_their_last_message(store: SqlStore) -> None:
    one, two = (run(store.add_subscription(wanted(to=to))) for to in ("a@x.test", "b@x.test"))
    for number, who in enumerate((one, two)):
        assert run(store.put_report_message(message(who, f"m{number}"), "s"))
    assert run(store.message_files("m0")) == (CHART, PDF)
    assert run(store.message_files("nothing")) == ()
    assert (count(store, "message_file"), count(store, "message_content")) == (4, 2)
    accept(store, "m0", NOON + HOUR)
    assert run(store.subscription(one.subscription_id)).sent_at == NOON + HOUR
    # What is kept for 90 days goes with its files; bytes that another message has stay.
    assert run(store.prune_deliveries(NOON + 2 * HOUR)) == 1
    assert run(store.message_files("m0")) == ()
    assert run(store.message_files("m1")) == (CHART, PDF)
    accept(store, "m1", NOON + HOUR)
    assert run(store.prune_deliveries(NOON + 2 * HOUR)) == 1
    assert (count(store, "message_file"), count(store, "message_content")) == (0, 0)
    # The slot stays taken.
    assert not run(store.put_report_message(message(one, "again"), "s"))


def test_what_was_stopped_sends_nothing_and_forgets_the_address(store: SqlStore) -> None:
    one = run(store.add_subscription(wanted()))
    hashed = "b" * 64
    assert run(store.put_report_message(message(one, "sent", NOON - DAY), "s"))
    accept(store, "sent", NOON - HOUR)
    assert run(store.put_report_message(message(one, "waits", unsubscribe_hash=hashed), "s"))
    assert run(store.subscription_by_secret("c" * 64)) is None
    found = run(store.subscription_by_secret(hashed))
    assert found is not None
    assert found.subscription_id == one.subscription_id
    ended = run(store.end_subscription(one.subscription_id, by="a link", now=NOON + HOUR))
    assert (ended.ended_at, ended.ended_by, ended.to) == (NOON + HOUR, "a link", None)
    assert [n.to for n in run(store.notifications(["sent", "waits"]))] == [None]
    assert run(store.undelivered()) == []
    assert run(store.message_files("waits")) == ()
    assert run(store.subscriptions()) == []
    assert not run(store.put_report_message(message(one, "more", NOON + DAY), "s"))
    # A second time changes nothing; the secret still says whose it was.
    again = run(store.end_subscription(one.subscription_id, by="x", now=NOON + DAY))
    assert again == ended
    assert run(store.subscription_by_secret(hashed)) == ended
    with pytest.raises(NotFound):
        run(store.change_subscription(ended))
