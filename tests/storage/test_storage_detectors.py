from __future__ import annotations

from dataclasses import replace

from storage_samples import HOUR, NOON, reading, run

from tagtide.ports import Changes, DetectorPool, DetectorState
from tagtide.storage.store import SqlStore

STATE = DetectorState(
    hashtag="ours", false_alarms=0.25, read_at=NOON, body={"level": [1, None, 2.5]}
)
POOL = DetectorPool(version=1, made_at=NOON, body={"beta": 0.43})


def test_a_state_is_kept_by_hashtag_and_knob(store: SqlStore) -> None:
    other = replace(STATE, false_alarms=1.0, body={})
    run(store.commit(Changes(readings=(reading(),), detectors=(STATE, other))))
    assert run(store.detector_states("ours")) == {0.25: STATE, 1.0: other}
    assert run(store.detector_states("theirs")) == {}
    assert run(store.all_detector_states()) == [STATE, other]


def test_a_newer_state_replaces_and_an_older_one_does_not(store: SqlStore) -> None:
    newer = replace(STATE, read_at=NOON + HOUR, body={"level": 2})
    for state in (STATE, newer, STATE):
        run(store.commit(Changes(detectors=(state,))))
    assert run(store.detector_states("ours")) == {0.25: newer}


def test_a_version_of_the_pool_is_made_once(store: SqlStore) -> None:
    assert run(store.detector_pool()) is None
    assert run(store.put_detector_pool(POOL))
    assert not run(store.put_detector_pool(replace(POOL, body={"beta": 9})))
    second = replace(POOL, version=2, made_at=NOON + HOUR)
    assert run(store.put_detector_pool(second))
    assert run(store.detector_pool()) == second
