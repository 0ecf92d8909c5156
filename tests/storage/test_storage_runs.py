from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from storage_samples import (
    HOUR,
    LEASE,
    NOON,
    SteppedClock,
    alert,
    campaign,
    claimed,
    notification,
    reading,
    run,
    seen,
    sighting,
    started,
)

from tagtide.errors import LeaseLost, NotFound
from tagtide.models import Charge, HashtagOutcome, Job, Reason, Status
from tagtide.ports import Changes, Claim, Progress, Reservation, Settlement, SlotTaken
from tagtide.storage.store import SqlStore


def test_a_slot_has_one_run(store: SqlStore) -> None:
    first = started(store)
    assert started(store) == first
    assert started(store, NOON + HOUR).run_id != first.run_id


def test_last_slot_knows_schedules_only(store: SqlStore) -> None:
    one = started(store)
    assert run(store.last_slot(Job.COLLECT, one.campaign_id)) == NOON
    started(store, NOON + HOUR, "catch_up")
    started(store, NOON + 2 * HOUR, "manual")
    assert run(store.last_slot(Job.COLLECT, one.campaign_id)) == NOON + HOUR
    assert run(store.last_slot(Job.TRACK, one.campaign_id)) is None


def test_a_slot_is_claimed_once_until_its_lease_ends(store: SqlStore) -> None:
    one = started(store)
    other = run(store.add_campaign(campaign("Other")))
    two = run(store.start_run(Job.COLLECT, other.campaign_id, NOON, "schedule", NOON))
    first = claimed(store, one.run_id)
    taken = run(store.claim_slot(Job.COLLECT, "ours", NOON, two.run_id, NOON, LEASE))
    assert taken == SlotTaken(done=False, run_id=one.run_id, outcome=None)
    later = claimed(store, two.run_id, at=NOON + LEASE)
    assert later.fence > first.fence


def test_a_run_takes_its_own_slot_again_only_when_its_lease_has_ended(store: SqlStore) -> None:
    one = started(store)
    first = claimed(store, one.run_id)
    taken = run(store.claim_slot(Job.COLLECT, "ours", NOON, one.run_id, NOON, LEASE))
    assert taken == SlotTaken(done=False, run_id=one.run_id, outcome=None)
    assert first.fence < claimed(store, one.run_id, at=NOON + LEASE).fence


def test_an_interrupted_slot_goes_on_where_it_stopped(store: SqlStore) -> None:
    one = started(store)
    claim = claimed(store, one.run_id)
    call = Reservation(run_id=one.run_id, campaign_id=1, hashtag="ours", endpoint="videos")
    (entry,) = run(store.reserve([call], [], NOON))
    changes = Changes(
        sightings=(sighting(seen(1), seen(2, 50), run_id=one.run_id),),
        settlements=(
            Settlement(entry_id=entry, charge=Charge.CHARGED, credits=1, settled_at=NOON),
        ),
        progress=Progress(claim=claim, cursor="30", pages=1, lease_until=NOON + LEASE),
    )
    run(store.commit(changes))
    again = claimed(store, one.run_id, at=NOON + LEASE)
    ids = {seen(1).video.video_id, seen(2).video.video_id}
    assert again == replace(
        claim, fence=again.fence, cursor="30", pages=1, seen=frozenset(ids),
        videos_new=2, new_views=150, credits=1,
    )  # fmt: skip


def test_another_run_inherits_an_abandoned_slot(store: SqlStore) -> None:
    one = started(store)
    other = run(store.add_campaign(campaign("Other")))
    two = run(store.start_run(Job.COLLECT, other.campaign_id, NOON, "schedule", NOON))
    call = Reservation(run_id=one.run_id, campaign_id=1, hashtag="ours", endpoint="videos")
    (entry,) = run(store.reserve([call], [], NOON))
    changes = Changes(
        sightings=(sighting(seen(1), run_id=one.run_id, campaign_ids=(1, other.campaign_id)),),
        settlements=(
            Settlement(entry_id=entry, charge=Charge.CHARGED, credits=1, settled_at=NOON),
        ),
        progress=Progress(
            claim=claimed(store, one.run_id), cursor="30", pages=1, lease_until=NOON + LEASE
        ),
    )
    run(store.commit(changes))
    claim = claimed(store, two.run_id, at=NOON + 2 * LEASE)
    assert (claim.cursor, claim.pages, claim.credits) == ("30", 1, 1)
    assert claim.seen == {seen(1).video.video_id}
    assert claimed(store, two.run_id, at=NOON + 3 * LEASE).credits == 1
    known = run(store.known_videos(other.campaign_id, seen_in_run=two.run_id))
    assert [video.video_id for video in known] == [seen(1).video.video_id]


def test_who_lost_the_lease_writes_nothing_at_all(store: SqlStore) -> None:
    one = started(store)
    old = claimed(store, one.run_id)
    claimed(store, one.run_id, at=NOON + LEASE)
    everything = Changes(
        readings=(reading(),),
        sightings=(sighting(seen(1)),),
        alerts=(alert(),),
        notifications=(notification(),),
    )
    late_page = replace(
        everything, progress=Progress(claim=old, cursor="9", pages=9, lease_until=NOON + LEASE)
    )
    late_end = replace(
        everything, outcome=HashtagOutcome(hashtag="ours", status=Status.OK), outcome_claim=old
    )
    for changes in (late_page, late_end):
        with pytest.raises(LeaseLost):
            run(store.commit(changes))
    assert run(store.hashtag_readings("ours", NOON, NOON)) == []
    assert run(store.known_videos(one.campaign_id)) == []
    assert run(store.firing()) == []
    assert run(store.undelivered()) == []
    assert run(store.run(one.run_id)).outcomes == ()


def end(store: SqlStore, at: int, status: Status, reason: Reason = Reason.NONE) -> None:
    slot_at = NOON + at * HOUR
    one = started(store, slot_at)
    claim = run(store.claim_slot(Job.COLLECT, "ours", slot_at, one.run_id, slot_at, LEASE))
    assert isinstance(claim, Claim)
    outcome = HashtagOutcome(hashtag="ours", status=status, reason=reason)
    run(store.commit(Changes(outcome=outcome, outcome_claim=claim)))


def test_a_done_slot_shows_its_outcome(store: SqlStore) -> None:
    one = started(store)
    claim = claimed(store, one.run_id)
    outcome = HashtagOutcome(
        hashtag="ours", status=Status.PARTIAL, reason=Reason.UPSTREAM, videos_seen=3,
        videos_new=2, new_views=None, pages=1, credits=1, detail="The API was away.",
    )  # fmt: skip
    run(store.commit(Changes(outcome=outcome, outcome_claim=claim)))
    taken = run(store.claim_slot(Job.COLLECT, "ours", NOON, one.run_id, NOON, LEASE))
    assert taken == SlotTaken(done=True, run_id=one.run_id, outcome=outcome)
    assert run(store.run(one.run_id)).outcomes == (outcome,)
    with pytest.raises(LeaseLost):
        run(store.commit(Changes(outcome=outcome, outcome_claim=claim)))


def test_three_refusals_in_a_row_pause_a_hashtag(store: SqlStore, clock: SteppedClock) -> None:
    end(store, 1, Status.FAILED, Reason.NOT_FOUND)
    end(store, 2, Status.FAILED, Reason.BAD_REQUEST)
    assert run(store.hashtag_states(["ours"]))["ours"].paused_at is None
    end(store, 3, Status.FAILED, Reason.NOT_FOUND)
    state = run(store.hashtag_states(["ours"]))["ours"]
    assert (state.failures, state.failure_reason) == (3, Reason.NOT_FOUND)
    assert state.paused_at == clock.now()
    run(store.resume_hashtag("ours"))
    state = run(store.hashtag_states(["ours"]))["ours"]
    assert (state.failures, state.failure_reason, state.paused_at) == (0, Reason.NONE, None)


@pytest.mark.parametrize(
    "between",
    [(Status.OK, Reason.NONE), (Status.PARTIAL, Reason.UPSTREAM), (Status.FAILED, Reason.UPSTREAM)],
)
def test_refusals_that_are_not_in_a_row_do_not_pause(
    store: SqlStore, between: tuple[Status, Reason]
) -> None:
    end(store, 1, Status.FAILED, Reason.NOT_FOUND)
    end(store, 2, Status.FAILED, Reason.NOT_FOUND)
    end(store, 3, *between)
    end(store, 4, Status.FAILED, Reason.NOT_FOUND)
    assert run(store.hashtag_states(["ours"]))["ours"].paused_at is None


def test_a_skipped_slot_changes_no_count(store: SqlStore) -> None:
    end(store, 1, Status.FAILED, Reason.NOT_FOUND)
    end(store, 2, Status.SKIPPED, Reason.DOWNTIME)
    assert run(store.hashtag_states(["ours"]))["ours"].failures == 1


def test_the_end_of_a_run_counts_its_ledger_and_releases_the_rest(store: SqlStore) -> None:
    one = started(store)
    call = Reservation(run_id=one.run_id, campaign_id=1, hashtag="ours", endpoint="videos")
    paid, lost, _unsent = run(store.reserve([call, call, call], [], NOON))
    settled = (
        Settlement(entry_id=paid, charge=Charge.CHARGED, credits=1, settled_at=NOON),
        Settlement(entry_id=lost, charge=Charge.UNKNOWN, credits=1, settled_at=NOON),
    )
    run(store.settle(settled))
    end_of_run = Changes(alerts=(alert(),), notifications=(notification(),))
    run(store.finish_run(one.run_id, Status.OK, Reason.NONE, NOON + HOUR, end_of_run))
    ended = run(store.run(one.run_id)).run
    assert (ended.status, ended.finished_at, ended.credits) == (Status.OK, NOON + HOUR, 1)
    totals = run(store.spent(NOON))
    assert (totals.charged, totals.unknown, totals.reserved, totals.calls) == (1, 1, 0, 2)
    assert len(run(store.firing())) == len(run(store.undelivered())) == 1


def test_a_run_that_is_not_there(store: SqlStore) -> None:
    with pytest.raises(NotFound):
        run(store.run(99))
    with pytest.raises(NotFound):
        run(store.finish_run(99, Status.OK, Reason.NONE, NOON, Changes()))


def test_runs_newest_first(store: SqlStore) -> None:
    ids = [started(store, NOON + n * HOUR).run_id for n in range(3)]
    assert [s.run.run_id for s in run(store.runs(limit=2))] == [ids[2], ids[1]]
    assert run(store.runs(job=Job.TRACK)) == []
    assert len(run(store.runs(campaign_id=1))) == 3


def test_an_interrupted_run_is_manual_unfinished_and_without_a_lease(store: SqlStore) -> None:
    started(store, NOON - 3 * HOUR, "schedule")
    old = started(store, NOON - 2 * HOUR, "manual")
    one = started(store, NOON, "manual")
    claimed(store, one.run_id)

    def interrupted(since: timedelta, now: timedelta) -> int | None:
        found = run(store.interrupted_run(Job.COLLECT, 1, NOON - since, NOON + now))
        return None if found is None else found.run_id

    assert interrupted(HOUR, timedelta(0)) is None
    assert interrupted(HOUR, LEASE) == one.run_id
    assert interrupted(3 * HOUR, timedelta(0)) == old.run_id
    run(store.finish_run(one.run_id, Status.OK, Reason.NONE, NOON, Changes()))
    assert interrupted(HOUR, LEASE) is None


def test_recover_gives_up_what_nobody_works_on(store: SqlStore) -> None:
    one = started(store)
    claimed(store, one.run_id)
    held = Reservation(run_id=one.run_id, campaign_id=1, hashtag="ours", endpoint="videos")
    loose = Reservation(run_id=None, campaign_id=None, hashtag=None, endpoint="profile")
    run(store.reserve([held, loose], [], NOON))
    assert run(store.recover(NOON + LEASE / 2)) == 0
    assert run(store.recover(NOON + LEASE)) == 1
    assert run(store.recover(NOON + HOUR)) == 1
    assert run(store.spent(NOON)).unknown == 2


def test_many_claim_one_slot_and_one_gets_it(store: SqlStore) -> None:
    import asyncio

    one = started(store)
    others = [run(store.add_campaign(campaign(f"c{n}"))) for n in range(8)]

    async def claim_all() -> list[Claim | SlotTaken]:
        runs = [
            await store.start_run(Job.COLLECT, c.campaign_id, NOON, "schedule", NOON)
            for c in others
        ]
        claims = (store.claim_slot(Job.COLLECT, "ours", NOON, r.run_id, NOON, LEASE) for r in runs)
        return await asyncio.gather(*claims)

    assert sum(isinstance(result, Claim) for result in run(claim_all())) == 1
    assert one.run_id
