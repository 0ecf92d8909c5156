"""The desk as both engines keep it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from storage_samples import HOUR, NOON, campaign, notification, run, seen, sighting

from tagtide.core.desk import (
    Decision,
    DeskItem,
    DeskState,
    Evidence,
    Fee,
    Right,
    RightsChannel,
    assign,
    label,
    move,
    replay,
    undo,
)
from tagtide.core.desk.reminders import Cause, Due, Reminder
from tagtide.errors import Conflict, NotFound
from tagtide.models import CampaignHashtag, Role
from tagtide.ports import Changes, DeskPage, DeskQuery, DeskRecord, DeskSort, DeskWrite
from tagtide.storage.store import SqlStore

DAY = timedelta(days=1)
ORGANIC = RightsChannel.ORGANIC


def video(number: int) -> str:
    return seen(number).video.video_id


@pytest.fixture(autouse=True)
def videos(store: SqlStore) -> None:
    """Six videos, an hour apart; 1 and 2 of high priority; 6 only of a competitor."""
    run(store.add_campaign(campaign("One", hashtags=(*campaign().hashtags,))))
    own = [
        sighting(seen(n, 100 * n, caption=f"clip {n} 100%"), at=NOON + n * HOUR)
        for n in range(1, 6)
    ]
    theirs = sighting(seen(6), at=NOON + 6 * HOUR, hashtag="theirs")
    marks = tuple((1, video(n), NOON) for n in (1, 2))
    run(store.commit(Changes(sightings=(*own, theirs), high_priority=marks)))


def record(store: SqlStore, number: int = 1) -> DeskRecord:
    return run(store.desk_record(1, video(number)))


def item_of(found: DeskRecord) -> DeskItem:
    return replay(found.steps, found.rights)


def put(store: SqlStore, number: int, decide: Callable[[DeskItem], Decision]) -> DeskItem:
    decision = decide(item_of(record(store, number)))
    assert decision.step is not None, decision.reason
    write = DeskWrite(
        campaign_id=1,
        video_id=video(number),
        step=decision.step,
        after=decision.item,
        right=decision.right,
    )
    run(store.put_desk_step(write))
    return decision.item


def moved(store: SqlStore, number: int, to: DeskState, **options: Any) -> DeskItem:
    values = {"now": NOON, "by": "ann"} | options
    return put(store, number, lambda item: move(item, to, **values))


def right(**changes: Any) -> Right:
    values: dict[str, Any] = {
        "channels": (ORGANIC, RightsChannel.SPARK),
        "territory": ("FR", "DE"),
        "edits": False,
        "is_paid": True,
        "fee": Fee(amount="150.50", currency="EUR", note=""),
        "granted_at": NOON - DAY,
        "expires_at": NOON + 30 * DAY,
        "evidence": Evidence(
            text="yes \N{SNOWMAN}\n'); --", url="https://x.example/1", at=NOON - DAY
        ),
        "spark_code": "#code+/=",
        "spark_expires_at": NOON + 10 * DAY,
    }
    return Right(**values | changes)


def page(store: SqlStore, **asked: Any) -> DeskPage:
    return run(store.desk_page(DeskQuery(**{"campaign_ids": (1,), "now": NOON} | asked)))


def numbers(found: DeskPage) -> list[int]:
    return [int(row.video.video_id) % 1000 for row in found.rows]


# --- steps ----------------------------------------------------------------------------------------


def test_what_was_decided_comes_back_as_it_was(store: SqlStore) -> None:
    moved(store, 1, DeskState.ASKED, data={"request": "Hi"}, note="by mail")
    after = moved(store, 1, DeskState.GRANTED, right=right())
    found = record(store)
    assert item_of(found) == after
    assert found.rights == (replace(right(), number=2, recorded_at=NOON, recorded_by="ann"),)
    assert [(s.number, s.note, s.data) for s in found.steps] == [
        (1, "by mail", {"request": "Hi"}),
        (2, "", {}),
    ]
    assert "code" not in str(found.steps)
    assert found.video.author_username == "user1"


@pytest.mark.parametrize(
    "bare", [{"fee": None, "evidence": None}, {"fee": Fee(note="two hoodies")}]
)
def test_a_bare_right_comes_back(store: SqlStore, bare: dict[str, Any]) -> None:
    unknown = {
        "territory": (), "edits": None, "is_paid": None, "expires_at": None,
        "spark_code": None, "spark_expires_at": None,
    }  # fmt: skip
    moved(store, 1, DeskState.GRANTED, right=right(**unknown | bare))
    (found,) = record(store).rights
    assert found == replace(right(**unknown | bare), number=1, recorded_at=NOON, recorded_by="ann")


def test_a_change_that_rests_on_an_older_version_is_refused(store: SqlStore) -> None:
    for number in (1, 2):
        before = item_of(record(store))
        moved(store, 1, DeskState.ASKED)
        stale = move(before, DeskState.DECLINED, now=NOON, by="bob")
        assert stale.step is not None
        write = DeskWrite(campaign_id=1, video_id=video(1), step=stale.step, after=stale.item)
        with pytest.raises(Conflict):
            run(store.put_desk_step(write))
        found = record(store)
        assert len(found.steps) == number
        assert item_of(found).state is DeskState.ASKED


def test_of_two_at_once_one_is_refused(store: SqlStore) -> None:
    before = item_of(record(store))

    async def both() -> list[BaseException | None]:
        decisions = [move(before, DeskState.SHORTLISTED, now=NOON, by=who) for who in "ab"]
        writes = [
            DeskWrite(campaign_id=1, video_id=video(1), step=d.step, after=d.item)
            for d in decisions
            if d.step
        ]
        return await asyncio.gather(
            *(store.put_desk_step(w) for w in writes), return_exceptions=True
        )

    assert sorted(type(x).__name__ for x in run(both())) == ["Conflict", "NoneType"]
    assert len(record(store).steps) == 1


def test_a_video_that_the_campaign_does_not_hold(store: SqlStore) -> None:
    with pytest.raises(NotFound):
        run(store.desk_record(1, "7"))
    decision = move(DeskItem(), DeskState.SHORTLISTED, now=NOON, by="a")
    assert decision.step is not None
    write = DeskWrite(campaign_id=1, video_id="7", step=decision.step, after=decision.item)
    with pytest.raises(NotFound):
        run(store.put_desk_step(write))
    assert run(store.desk_campaigns(video(1))) == [1]
    run(store.remove_campaign(1, NOON))
    assert run(store.desk_campaigns(video(1))) == []


def test_undo_and_everything_made_of_the_steps(store: SqlStore) -> None:
    moved(store, 1, DeskState.GRANTED, right=right())
    put(store, 1, lambda item: label(item, add=["b", "a"], now=NOON, by="ann"))
    put(store, 1, lambda item: assign(item, "bob", now=NOON, by="ann"))
    (row,) = page(store, states=frozenset({DeskState.GRANTED})).rows
    assert (row.labels, row.assignee, row.version) == (("a", "b"), "bob", 3)
    assert row.next_end_at == NOON + 10 * DAY
    for _ in range(3):
        steps = record(store).steps
        put(store, 1, lambda item, steps=steps: undo(item, steps, now=NOON, by="bob"))  # type: ignore[misc]
    (row,) = (r for r in page(store).rows if r.video.video_id == video(1))
    assert (row.state, row.labels, row.assignee, row.version) == (DeskState.NEW, (), None, 6)
    assert row.next_end_at is None
    assert len(record(store).rights) == 1
    assert run(store.desk_choices((1,))).labels == ()


# --- lists ----------------------------------------------------------------------------------------


def test_every_video_of_an_own_hashtag_is_on_the_desk(store: SqlStore) -> None:
    assert numbers(page(store, states=frozenset(DeskState))) == [5, 4, 3, 2, 1]
    assert numbers(page(store)) == [2, 1]
    again = sighting(seen(6), at=NOON + 9 * HOUR, hashtag="ours")
    run(store.commit(Changes(sightings=(again,))))
    assert numbers(page(store, states=frozenset({DeskState.NEW})))[0] == 6
    assert page(store).rows[0].state is DeskState.NEW
    assert page(store).rows[0].version == 0


def test_what_awaits_somebody(store: SqlStore) -> None:
    moved(store, 3, DeskState.SHORTLISTED)
    moved(store, 1, DeskState.DECLINED)
    put(store, 4, lambda item: label(item, add=["x"], now=NOON, by="ann"))
    assert numbers(page(store)) == [3, 2]
    counts = run(store.desk_counts((1,), NOON))
    assert counts.states == dict.fromkeys(DeskState, 0) | {
        DeskState.NEW: 3, DeskState.SHORTLISTED: 1, DeskState.DECLINED: 1,
    }  # fmt: skip
    assert counts.new_high_priority == 1


def test_time_makes_granted_expired_in_lists_and_counts(store: SqlStore) -> None:
    moved(store, 1, DeskState.GRANTED, right=right())
    granted, expired = frozenset({DeskState.GRANTED}), frozenset({DeskState.EXPIRED})
    end = NOON + 30 * DAY
    assert numbers(page(store, states=granted, now=end - HOUR)) == [1]
    assert numbers(page(store, states=expired, now=end - HOUR)) == []
    assert numbers(page(store, states=granted, now=end)) == []
    assert numbers(page(store, states=expired, now=end)) == [1]
    assert run(store.desk_counts((1,), end)).states[DeskState.EXPIRED] == 1
    moved(store, 2, DeskState.GRANTED, right=right(expires_at=None))
    assert numbers(page(store, states=granted, now=end + 9_999 * DAY)) == [2]


FILTERS: list[tuple[dict[str, Any], list[int]]] = [
    ({"high_priority": True}, [2, 1]),
    ({"creator": "USER3"}, [3]),
    ({"text": "CLIP 4"}, [4]),
    ({"text": "user5"}, [5]),
    ({"text": "100%"}, [5, 4, 3, 2, 1]),
    ({"text": "0_%"}, []),
    ({"hashtag": "ours"}, [5, 4, 3, 2, 1]),
    ({"hashtag": "also"}, []),
    ({"label": "reel"}, [4]),
    ({"assignee": "bob"}, [3]),
    ({"assignee": ""}, [5, 4, 2, 1]),
    ({"ends_before": NOON + 9 * DAY}, []),
    ({"ends_before": NOON + 10 * DAY}, [2]),
    ({"sort": DeskSort.VIEWS}, [5, 4, 3, 2, 1]),
    ({"sort": DeskSort.ENDS}, [2]),
    ({"states": frozenset()}, []),
]


def test_filters_and_orders(store: SqlStore) -> None:
    moved(store, 2, DeskState.GRANTED, right=right())
    put(store, 3, lambda item: assign(item, "bob", now=NOON, by="ann"))
    put(store, 4, lambda item: label(item, add=["reel"], now=NOON, by="ann"))
    for asked, wanted in FILTERS:
        found = page(store, **{"states": frozenset(DeskState)} | asked)
        assert numbers(found) == wanted, asked


def test_pages_show_each_video_once_in_the_order_of_the_whole(store: SqlStore) -> None:
    two = campaign("Two", hashtags=(CampaignHashtag(name="ours", role=Role.OWN),))
    run(store.add_campaign(two))
    shared = sighting(*(seen(n, 300) for n in (2, 3, 7)), at=NOON + 4 * HOUR, campaign_ids=(1, 2))
    run(store.commit(Changes(sightings=(shared,))))
    moved(store, 2, DeskState.GRANTED, right=right())
    moved(store, 5, DeskState.ASKED, now=NOON + HOUR)
    for sort in DeskSort:
        asked: dict[str, Any] = {
            "campaign_ids": (1, 2), "states": frozenset(DeskState), "sort": sort,
        }  # fmt: skip
        whole = [(r.campaign_id, r.video.video_id) for r in page(store, **asked).rows]
        assert len(whole) == len(set(whole)) == (1 if sort is DeskSort.ENDS else 9)
        for limit in (1, 2, 3):
            assert in_parts(store, asked, limit) == whole, (sort, limit)


def in_parts(store: SqlStore, asked: dict[str, Any], limit: int) -> list[tuple[int, str]]:
    found: list[tuple[int, str]] = []
    after = None
    while True:
        part = page(store, **asked, limit=limit, after=after)
        found += [(r.campaign_id, r.video.video_id) for r in part.rows]
        after = part.next
        if after is None:
            return found


def test_choices_are_those_in_use(store: SqlStore) -> None:
    put(store, 3, lambda item: assign(item, "bob", now=NOON, by="ann"))
    put(store, 4, lambda item: label(item, add=["b", "a"], now=NOON, by="ann"))
    choices = run(store.desk_choices((1,)))
    assert (choices.assignees, choices.labels) == (("bob",), ("a", "b"))
    assert run(store.desk_choices((2,))).labels == ()


def test_records_with_rights(store: SqlStore) -> None:
    moved(store, 2, DeskState.GRANTED, right=right())
    moved(store, 2, DeskState.REVOKED, now=NOON + HOUR)
    moved(store, 1, DeskState.ASKED)
    (found,) = run(store.desk_with_rights(1))
    assert (found.video.video_id, len(found.steps)) == (video(2), 2)
    assert item_of(found).rights[0].revoked_at == NOON + HOUR


# --- reminders ------------------------------------------------------------------------------------


def due(store: SqlStore, asked_before: Any = NOON) -> list[Due]:
    return run(store.desk_due(1, NOON, NOON + 14 * DAY, asked_before))


def test_what_ends_and_what_waits(store: SqlStore) -> None:
    moved(store, 1, DeskState.GRANTED, right=right(expires_at=NOON + 14 * DAY))
    moved(store, 2, DeskState.ASKED)
    moved(store, 3, DeskState.ASKED, now=NOON + HOUR)
    found = {(one.cause, int(one.video_id) % 1000, one.number) for one in due(store)}
    assert found == {
        (Cause.RIGHT_ENDS, 1, 1), (Cause.SPARK_CODE_ENDS, 1, 1), (Cause.UNANSWERED, 2, 1),
    }  # fmt: skip
    moved(store, 1, DeskState.REVOKED)
    moved(store, 2, DeskState.DECLINED)
    assert due(store) == []


def test_people_are_reminded_once_of_a_thing_and_once_a_day(store: SqlStore) -> None:
    moved(store, 2, DeskState.ASKED)
    moved(store, 3, DeskState.ASKED)
    first, second = (Reminder(due=one, stage=7) for one in due(store))
    day = date(2026, 3, 1)

    def remind(on: date, *told: Reminder, message: str) -> bool:
        said = [notification(message, alert_id=None, kind="desk")]
        return run(store.put_reminders(1, on, told, said, NOON))

    assert not run(store.desk_reminded_on(1, day))
    assert remind(day, first, message="n1")
    assert run(store.desk_reminded_on(1, day))
    assert not remind(day, second, message="n2")
    assert not remind(day + DAY, second, first, message="n3")
    assert run(store.desk_told(1, due(store))) == {first.key}
    assert not run(store.desk_reminded_on(1, day + DAY))
    assert [n.notification_id for n in run(store.undelivered())] == ["n1"]
    assert remind(day + DAY, second, message="n4")
    assert run(store.desk_told(1, due(store))) == {first.key, second.key}
