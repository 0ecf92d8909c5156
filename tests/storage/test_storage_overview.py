"""What the first page reads, on every engine."""

from __future__ import annotations

from datetime import timedelta

import pytest
from storage_samples import (
    HOUR,
    NOON,
    alert,
    campaign,
    claimed,
    level_of,
    reading,
    run,
    seen,
    sighting,
    started,
)

from tagtide.models import AlertState, HashtagOutcome, Reason, Status
from tagtide.ports import Changes
from tagtide.storage.store import SqlStore

DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def campaigns(store: SqlStore) -> None:
    run(store.add_campaign(campaign("One")))
    run(store.add_campaign(campaign("Two")))


def test_pace_is_the_newest_reading_and_the_one_before_an_instant(store: SqlStore) -> None:
    instants = (NOON - 11 * DAY, NOON - DAY - HOUR, NOON - DAY, NOON - HOUR, NOON)
    found = tuple(reading(n, at) for n, at in enumerate(instants, 1))
    run(store.commit(Changes(readings=found)))
    paces = run(store.hashtag_pace(NOON - DAY))
    assert [p.campaign_id for p in paces] == sorted(p.campaign_id for p in paces)
    ours = [p for p in paces if p.hashtag == "ours"]
    assert len(ours) == 2
    assert all(p.latest == level_of(found[-1]) for p in ours)
    assert [p.base and p.base.view_count for p in ours] == [3, 3]
    assert [p.base and p.base.read_at for p in ours] == [NOON - DAY] * 2
    # Nothing was read up to then, or only too long before.
    assert all(p.base is None for p in run(store.hashtag_pace(NOON - 12 * DAY)))
    others = [p for p in paces if p.hashtag != "ours"]
    # Own ones only.
    assert {p.hashtag for p in others} == {"also"}
    assert all(p.latest is None and p.base is None for p in others)


def test_what_a_removed_campaign_held_is_left_out(store: SqlStore) -> None:
    run(store.commit(Changes(readings=(reading(),))))
    one = run(store.campaign("One")).campaign_id
    run(store.remove_campaign(one, NOON))
    assert one not in {p.campaign_id for p in run(store.hashtag_pace(NOON))}
    assert one not in {w.campaign_id for w in run(store.window_totals(NOON - DAY))}
    assert one not in run(store.new_video_counts(NOON - DAY))


def test_window_totals_add_own_hashtags_up(store: SqlStore) -> None:
    huge = 2**62
    readings = (reading(5, NOON), reading(7, NOON + HOUR), reading(huge, NOON + 6 * HOUR))
    run(store.commit(Changes(readings=readings)))
    one = run(store.campaign("One")).campaign_id
    totals = [w for w in run(store.window_totals(NOON - DAY)) if w.campaign_id == one]
    assert [(w.window_at, w.new_views, w.hashtags) for w in totals] == [
        (NOON, 2, 1),
        (NOON + 6 * HOUR, huge, 1),
    ]
    assert run(store.window_totals(NOON + DAY)) == []


def test_fresh_priority_is_since_an_instant_by_views(store: SqlStore) -> None:
    page = sighting(*(seen(n, 10 * n) for n in (1, 2, 3)))
    run(store.commit(Changes(sightings=(page,))))
    one = run(store.campaign("One")).campaign_id
    ids = [v.video.video_id for v in page.videos]
    marked = tuple((one, video_id, NOON + n * HOUR) for n, video_id in enumerate(ids))
    run(store.commit(Changes(high_priority=marked)))
    found = run(store.fresh_priority(NOON, 8))
    assert [f.video_id for f in found] == [ids[2], ids[1]]
    assert run(store.fresh_priority(NOON, 1)) == found[:1]
    assert run(store.fresh_priority(NOON + DAY, 8)) == []
    assert run(store.new_video_counts(NOON - DAY))[one] == 3
    assert run(store.new_video_counts(NOON + DAY)) == {}


def test_failed_runs_are_those_that_ended_badly_since(store: SqlStore) -> None:
    begun = started(store)
    claim = claimed(store, begun.run_id)
    bad = HashtagOutcome(hashtag="ours", status=Status.FAILED, reason=Reason.UPSTREAM)
    run(store.commit(Changes(outcome=bad, outcome_claim=claim)))
    assert run(store.failed_runs(NOON - DAY, 8)) == []
    run(store.finish_run(begun.run_id, Status.FAILED, Reason.UPSTREAM, NOON, Changes()))
    (found,) = run(store.failed_runs(begun.started_at - HOUR, 8))
    assert found.run.run_id == begun.run_id
    assert [o.reason for o in found.outcomes] == [Reason.UPSTREAM]
    assert run(store.failed_runs(begun.started_at, 8)) == []


def test_firing_counts_by_campaign(store: SqlStore) -> None:
    one = run(store.campaign("One")).campaign_id
    run(
        store.commit(
            Changes(
                alerts=(
                    alert("a1", fingerprint="f1", campaign_id=one),
                    alert("a2", fingerprint="f2", campaign_id=one),
                    alert("a3", fingerprint="f3", campaign_id=None),
                    alert(
                        "a4",
                        fingerprint="f4",
                        campaign_id=one,
                        state=AlertState.RESOLVED,
                        resolved_at=NOON,
                    ),
                )
            )
        )
    )
    assert run(store.firing_counts()) == {one: 2, None: 1}
