from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import select
from storage_samples import HOUR, NOON, campaign, counters, reading, run, seen, sighting, started

from tagtide.core.crowd import Crowd
from tagtide.errors import NotFound
from tagtide.models import CounterSource, Creator, Reason, Role, Status, VideoReading
from tagtide.ports import Changes, HashtagState, SightingEffect, StoredReport
from tagtide.storage import tables as t
from tagtide.storage.hashtag_totals import window_of
from tagtide.storage.store import SqlStore


@pytest.fixture(autouse=True)
def campaigns(store: SqlStore) -> None:
    run(store.add_campaign(campaign("One")))
    run(store.add_campaign(campaign("Two")))


def see(store: SqlStore, *args: object, **kwargs: object) -> list[SightingEffect]:
    return run(store.commit(Changes(sightings=(sighting(*args, **kwargs),))))  # type: ignore[arg-type]


def windows(store: SqlStore) -> list[dict[str, object]]:
    query = select(t.hashtag_window).order_by(t.hashtag_window.c.window_at)
    return run(store._db.read(lambda c: [dict(row._mapping) for row in c.execute(query)]))


# --- hashtags -------------------------------------------------------------------------------------


def test_a_reading_comes_back_and_becomes_the_latest(store: SqlStore) -> None:
    run(store.commit(Changes(readings=(reading(),))))
    assert run(store.hashtag_readings("ours", NOON, NOON)) == [reading()]
    state = run(store.hashtag_states(["ours", "never"]))
    assert state["ours"].latest == reading()
    assert state["ours"].hashtag_id == "42"
    assert isinstance(state["never"], HashtagState)
    assert state["never"].latest is None


def test_unknown_stays_unknown(store: SqlStore) -> None:
    unknown = reading(None, view_source=None, hashtag_id=None, flags=())
    run(store.commit(Changes(readings=(unknown,))))
    assert run(store.hashtag_readings("ours", NOON, NOON)) == [unknown]


def test_a_reading_of_the_same_instant_stays_as_it_is(store: SqlStore) -> None:
    run(store.commit(Changes(readings=(reading(1),))))
    run(store.commit(Changes(readings=(reading(2),))))
    assert [r.view_count for r in run(store.hashtag_readings("ours", NOON, NOON))] == [1]
    assert windows(store)[0]["readings"] == 1


def test_an_older_reading_does_not_become_the_latest(store: SqlStore) -> None:
    for at in (NOON, NOON - HOUR, NOON + HOUR, NOON - 2 * HOUR):
        run(store.commit(Changes(readings=(reading(int(at.timestamp()), at),))))
    latest = run(store.hashtag_states(["ours"]))["ours"].latest
    assert latest is not None
    assert latest.read_at == NOON + HOUR
    first, second = windows(store)
    assert (first["first_read_at"], first["last_read_at"]) == (NOON - 2 * HOUR, NOON - HOUR)
    assert (second["first_read_at"], second["last_read_at"]) == (NOON, NOON + HOUR)
    assert second["last_view_count"] == int((NOON + HOUR).timestamp())


def test_an_id_once_known_is_kept(store: SqlStore) -> None:
    run(store.commit(Changes(readings=(reading(),))))
    run(store.commit(Changes(readings=(reading(at=NOON + HOUR, hashtag_id=None),))))
    assert run(store.hashtag_states(["ours"]))["ours"].hashtag_id == "42"


@pytest.mark.parametrize(
    ("stored", "expected"),
    [
        ([], None),
        ([-6], -6),
        ([-8, -5, -1], -5),
        ([-9, -7, -1], -7),
        ([-6.01, -5.98], -6.01),
        ([-12, -1], -1),
        ([-20, -12], -12),
        ([-6, 0], -6),
        ([0, 1], None),
        ([-9, -3], -9),
        ([-9.1, -2.9], -2.9),
    ],
)
def test_the_reading_near(store: SqlStore, stored: list[float], expected: float | None) -> None:
    """Hours from now; the target is six hours ago, the tolerance three."""
    for hours in stored:
        run(store.commit(Changes(readings=(reading(at=NOON + hours * HOUR),))))
    near = store.reading_near("ours", NOON - 6 * HOUR, before=NOON, tolerance=3 * HOUR)
    found = run(near)
    assert (None if found is None else found.read_at) == (
        None if expected is None else NOON + expected * HOUR
    )


def test_readings_in_order_with_both_ends(store: SqlStore) -> None:
    for hours in (3, 1, 2, 0, 4):
        run(store.commit(Changes(readings=(reading(at=NOON + hours * HOUR),))))
    found = run(store.hashtag_readings("ours", NOON + HOUR, NOON + 3 * HOUR))
    assert [r.read_at - NOON for r in found] == [HOUR, 2 * HOUR, 3 * HOUR]


# --- videos ---------------------------------------------------------------------------------------


def test_the_first_sighting_and_the_second(store: SqlStore) -> None:
    video_id = seen(1).video.video_id
    first = see(store, seen(1), campaign_ids=(1, 2))
    assert first == [SightingEffect(video_id=video_id, new_in=(1, 2), is_first=True, previous=None)]
    second = see(store, seen(1, 150), at=NOON + HOUR, campaign_ids=(1, 2))
    before = VideoReading(video_id=video_id, read_at=NOON, counters=counters(100))
    assert second == [SightingEffect(video_id=video_id, new_in=(), is_first=False, previous=before)]
    after = VideoReading(video_id=video_id, read_at=NOON + HOUR, counters=counters(150))
    assert run(store.video_history(video_id)) == [before, after]


def test_effects_are_in_the_order_seen_and_once_per_video(store: SqlStore) -> None:
    effects = see(store, seen(3), seen(1), seen(2), seen(1, 999))
    assert [e.video_id[-1] for e in effects] == ["3", "1", "2"]
    assert run(store.video_history(seen(1).video.video_id))[0].counters.view_count == 100


def test_a_known_video_is_new_in_another_campaign(store: SqlStore) -> None:
    see(store, seen(1))
    (effect,) = see(store, seen(1), at=NOON + HOUR, campaign_ids=(1, 2))
    assert (effect.new_in, effect.is_first) == ((2,), False)


def test_the_same_page_twice_changes_nothing(store: SqlStore) -> None:
    see(store, seen(1, 100))
    see(store, seen(1, 150), at=NOON + HOUR)
    before = windows(store)
    (effect,) = see(store, seen(1, 999), at=NOON + HOUR)
    assert effect.previous is not None
    assert effect.previous.counters.view_count == 100
    history = run(store.video_history(effect.video_id))
    assert [r.counters.view_count for r in history] == [100, 150]
    assert windows(store) == before
    assert before[0]["view_gain"] == 50
    assert before[0]["new_videos"] == 1


def test_a_page_from_the_past_is_kept_but_is_not_the_latest(store: SqlStore) -> None:
    see(store, seen(1, 100), at=NOON)
    (effect,) = see(store, seen(1, 50), at=NOON - HOUR)
    assert effect.previous is None
    (known,) = run(store.known_videos(1))
    assert (known.read_at, known.counters.view_count) == (NOON, 100)
    assert len(run(store.video_history(effect.video_id))) == 2


def test_gains_need_the_same_source(store: SqlStore) -> None:
    see(store, seen(1, 100))
    other = replace(seen(1), counters=counters(500, source=CounterSource.STATISTICS))
    see(store, other, at=NOON + HOUR)
    see(store, replace(other, counters=counters(None)), at=NOON + 2 * HOUR)
    assert windows(store)[0]["view_gain"] == 0


def test_a_creator_is_completed_and_never_emptied(store: SqlStore) -> None:
    see(store, seen(1))
    profile = Creator(
        creator_key="sec1", sec_uid="sec1", uid="9", username=None, nickname=None,
        follower_count=1234, verified=True,
    )  # fmt: skip
    run(store.commit(Changes(creators=(profile,))))
    see(store, seen(1), at=NOON + HOUR)
    (known,) = run(store.known_videos(1))
    assert (known.author_username, known.author_followers) == ("user1", 1234)


def test_strangers_text_is_data(store: SqlStore) -> None:
    nasty = "'; DROP TABLE video; -- \u202e\N{PILE OF POO} %s :name {x}"
    see(store, seen(1, caption=nasty))
    (known,) = run(store.known_videos(1))
    assert known.caption == nasty
    assert known.author_nickname == "Nick \N{SNOWMAN}"


def test_known_videos_and_their_filters(store: SqlStore) -> None:
    one = started(store)
    see(store, seen(1), seen(2), run_id=one.run_id)
    see(store, seen(2, 300), seen(3), hashtag="theirs", at=NOON + HOUR)
    see(store, seen(4), campaign_ids=(2,))

    def ids(**filters: object) -> list[str]:
        found = run(store.known_videos(1, **filters))  # type: ignore[arg-type]
        return [video.video_id[-1] for video in found]

    assert ids() == ["1", "2", "3"]
    assert ids(role=Role.OWN) == ["1", "2"]
    assert ids(role=Role.COMPETITOR) == ["2", "3"]
    assert ids(hashtags=["theirs"]) == ["2", "3"]
    assert ids(hashtags=["theirs"], role=Role.OWN) == []
    assert ids(seen_in_run=one.run_id) == ["1", "2"]
    known = run(store.known_videos(1))[1]
    assert (known.hashtag, known.hashtags) == ("ours", ("ours", "theirs"))
    assert (known.first_seen_at, known.read_at) == (NOON, NOON + HOUR)
    assert known.counters == counters(300)


def test_known_videos_that_stand_out(store: SqlStore) -> None:
    see(store, seen(1, 100), seen(2, None), seen(3, 9_000), seen(4, 2**63 - 1))
    run(store.commit(Changes(high_priority=((1, seen(3).video.video_id, NOON),))))

    def ids(**filters: object) -> list[str]:
        found = run(store.known_videos(1, **filters))  # type: ignore[arg-type]
        return [video.video_id[-1] for video in found]

    assert ids(reaching=(101, 14)) == ["3", "4"]
    assert ids(reaching=(9_001, 14)) == ["4"]
    assert ids(reaching=(float("inf"), 13)) == ["1", "2", "3", "4"]
    assert ids(high_priority=True) == ["3"]
    assert ids(high_priority=True, read_since=NOON + HOUR) == []
    assert ids(video_ids=[seen(n).video.video_id for n in (2, 4, 9)]) == ["2", "4"]
    assert ids(video_ids=[]) == []


def test_the_crowd_is_summed_exactly(store: SqlStore) -> None:
    largest = 2**63 - 1
    assert run(store.crowd(1, Role.OWN)) == Crowd(count=0, views=0, engagement=0)
    unknown = replace(seen(5), counters=counters(7, share_count=None))
    hostile = replace(seen(6), counters=counters(largest, like_count=largest, share_count=largest))
    see(store, seen(1, largest), seen(2, None), seen(3, 1), unknown, hostile)
    see(store, seen(7, 1_000), hashtag="theirs")
    see(store, seen(8, 1_000), campaign_ids=(2,))
    engagement = 2 * 13 + 2 * largest + 2
    found = run(store.crowd(1, Role.OWN))
    assert found == Crowd(count=4, views=2 * largest + 8, engagement=engagement)
    assert run(store.crowd(1, Role.COMPETITOR)) == Crowd(count=1, views=1_000, engagement=13)


def test_more_videos_than_one_statement_takes(store: SqlStore) -> None:
    videos = [seen(number, number) for number in range(250)]
    first = see(store, *videos)
    again = see(store, *videos, seen(999), at=NOON + HOUR)
    assert [e.video_id for e in first] == [v.video.video_id for v in videos]
    assert all(e.is_first and e.new_in == (1,) for e in first)
    assert [e.video_id for e in again if e.is_first] == [seen(999).video.video_id]
    assert [e.previous.counters.view_count for e in again if e.previous] == [*range(250)]
    assert len(run(store.known_videos(1))) == 251


def test_the_first_high_priority_counts(store: SqlStore) -> None:
    see(store, seen(1), campaign_ids=(1, 2))
    video_id = seen(1).video.video_id
    for at in (NOON + HOUR, NOON):
        run(store.commit(Changes(high_priority=((1, video_id, at),))))
    assert run(store.known_videos(1))[0].high_priority_at == NOON + HOUR
    assert run(store.known_videos(2))[0].high_priority_at is None


@pytest.mark.parametrize(
    ("stored", "expected"),
    [([-24], -24), ([-27, -22], -22), ([-25, -23], -25), ([-31], None), ([-18, 0], -18)],
)
def test_video_readings_near(store: SqlStore, stored: list[int], expected: int | None) -> None:
    """Hours from now; the target is 24 hours ago, the tolerance six."""
    see(store, seen(2), at=NOON - 24 * HOUR, campaign_ids=(2,))
    for hours in stored:
        see(store, seen(1), at=NOON + hours * HOUR)
    found = run(store.video_readings_near(1, NOON - 24 * HOUR, 6 * HOUR))
    expected_at = {} if expected is None else {seen(1).video.video_id: NOON + expected * HOUR}
    assert {video_id: r.read_at for video_id, r in found.items()} == expected_at


def test_readings_of_all_videos_in_order_with_both_ends(store: SqlStore) -> None:
    one = run(store.add_campaign(campaign()))
    other = run(store.add_campaign(campaign("Other")))
    for hours, videos in ((0, (seen(2), seen(1))), (1, (seen(1, 150),)), (2, (seen(1, 200),))):
        page = sighting(*videos, at=NOON + hours * HOUR, campaign_ids=(one.campaign_id,))
        run(store.commit(Changes(sightings=(page,))))
    found = run(store.video_readings(one.campaign_id, NOON, NOON + HOUR))
    assert [(r.video_id[-1], r.counters.view_count) for r in found] == [
        ("1", 100),
        ("2", 100),
        ("1", 150),
    ]
    assert [r.read_at for r in found] == [NOON, NOON, NOON + HOUR]
    assert run(store.video_readings(other.campaign_id, NOON, NOON + HOUR)) == []


@pytest.mark.parametrize("limit", [1, 2, 3, 100])
def test_readings_of_all_videos_page_by_page(store: SqlStore, limit: int) -> None:
    one = run(store.add_campaign(campaign()))
    run(store.add_campaign(campaign("Other")))
    for hours, videos in ((0, (seen(2), seen(1))), (1, (seen(1, 150),)), (2, (seen(2), seen(3)))):
        page = sighting(*videos, at=NOON + hours * HOUR, campaign_ids=(one.campaign_id,))
        run(store.commit(Changes(sightings=(page,))))
    run(store.commit(Changes(sightings=(sighting(seen(4), at=NOON, campaign_ids=(2,)),))))

    def told(since: datetime) -> list[tuple[str, int]]:
        found: list[VideoReading] = []
        after = None
        while batch := run(store.video_readings_after(one.campaign_id, after, since, limit)):
            assert len(batch) <= limit
            found += batch
            after = batch[-1].video_id, batch[-1].read_at
        return [(r.video_id[-1], (r.read_at - NOON) // HOUR) for r in found]

    assert told(NOON) == [("1", 0), ("1", 1), ("2", 0), ("2", 2), ("3", 2)]
    assert told(NOON + HOUR) == [("1", 1), ("2", 2), ("3", 2)]
    assert run(store.video_readings_after(2, None, NOON, 9))[0].video_id == seen(4).video.video_id


def test_new_videos_are_counted_at_their_first_sighting(store: SqlStore) -> None:
    see(store, seen(1), at=NOON)
    see(store, seen(1), seen(2), at=NOON + HOUR, hashtag="also")
    see(store, seen(2), at=NOON + 2 * HOUR)

    def count(hashtag: str | None, since: int, until: int) -> int:
        return run(store.new_video_count(1, hashtag, NOON + since * HOUR, NOON + until * HOUR))

    assert count(None, -1, 0) == 1
    assert count(None, 0, 1) == 1
    assert count(None, -1, 9) == 2
    assert count("also", -1, 9) == 2
    assert count("theirs", -1, 9) == 0


def test_the_newest_reading_of_any_kind(store: SqlStore) -> None:
    assert run(store.newest_reading_at(1)) is None
    run(store.commit(Changes(readings=(reading(),))))
    assert run(store.newest_reading_at(1)) == NOON
    see(store, seen(1), at=NOON + HOUR, campaign_ids=(1,))
    assert run(store.newest_reading_at(1)) == NOON + HOUR
    assert run(store.newest_reading_at(2)) == NOON


def test_a_video_that_is_not_there(store: SqlStore) -> None:
    with pytest.raises(NotFound):
        run(store.video_history("1"))
    with pytest.raises(NotFound):
        run(store.resume_hashtag("never"))


def test_a_report_of_a_day_is_replaced(store: SqlStore) -> None:
    first = StoredReport(
        campaign_id=1, kind="daily", on=date(2026, 3, 1), made_at=NOON, body={"total": None}
    )
    again = replace(first, made_at=NOON + HOUR, body={"total": 2})
    next_day = replace(first, on=date(2026, 3, 2))
    for report in (first, again, next_day):
        run(store.put_report(report))
    assert run(store.reports(1, "daily")) == [next_day, again]
    assert run(store.reports(1, "daily", limit=1)) == [next_day]
    assert run(store.reports(1, "weekly")) == []


def test_the_run_of_a_reading_is_the_one_that_saw_the_video_then(store: SqlStore) -> None:
    first, second = started(store), started(store, NOON + 2 * HOUR)
    see(store, seen(1), seen(2), at=NOON + HOUR, run_id=first.run_id)
    see(store, seen(1), at=NOON + 3 * HOUR, run_id=second.run_id)
    see(store, seen(3), at=NOON + 3 * HOUR)
    one, two, three = (str(7_000_000_000_000_000_000 + n) for n in (1, 2, 3))
    wanted = [(one, NOON + HOUR), (one, NOON + 3 * HOUR), (two, NOON + HOUR)]
    nobody = [(three, NOON + 3 * HOUR), (two, NOON - HOUR), ("9", NOON + HOUR)]
    assert run(store.runs_of_readings([*wanted, *nobody])) == {
        (one, NOON + HOUR): first.run_id,
        (two, NOON + HOUR): first.run_id,
        # Both are under way and both saw it: nobody can tell.
    }
    run(store.finish_run(first.run_id, Status.OK, Reason.NONE, NOON + 2 * HOUR, Changes()))
    assert run(store.runs_of_readings(wanted))[one, NOON + 3 * HOUR] == second.run_id
    assert run(store.runs_of_readings([])) == {}


def test_single_readings_by_instant(store: SqlStore) -> None:
    see(store, seen(1, 100), seen(2, 200))
    see(store, seen(1, 150), at=NOON + HOUR)
    one, two = (str(7_000_000_000_000_000_000 + n) for n in (1, 2))
    asked = [(one, NOON), (one, NOON + HOUR), (two, NOON), (two, NOON + HOUR), ("9", NOON)]
    found = run(store.video_readings_at(asked))
    assert {key: r.counters.view_count for key, r in found.items()} == {
        (one, NOON): 100,
        (one, NOON + HOUR): 150,
        (two, NOON): 200,
    }
    assert run(store.video_readings_at([])) == {}


def test_windows_are_cut_in_utc() -> None:
    assert window_of(NOON) == NOON
    assert window_of(NOON - timedelta(microseconds=1)) == NOON - 6 * HOUR
