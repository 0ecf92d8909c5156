"""What the pages of campaigns and reports read, on every engine."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from itertools import product

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

from tagtide.errors import NotFound
from tagtide.models import (
    AlertState,
    CounterSource,
    HashtagOutcome,
    Job,
    Reason,
    Role,
    Status,
)
from tagtide.ports import Changes, StoredReport
from tagtide.storage.store import SqlStore

DAY = timedelta(days=1)
SIX = timedelta(hours=6)


@pytest.fixture(autouse=True)
def campaigns(store: SqlStore) -> None:
    run(store.add_campaign(campaign("One")))
    run(store.add_campaign(campaign("Two")))


def number_of(store: SqlStore, name: str = "One") -> int:
    return run(store.campaign(name)).campaign_id


def growth(store: SqlStore, *views: int | None, name: str = "ours") -> list[int]:
    """Growth in each six hours, with a reading in each."""
    found = tuple(reading(n, NOON + i * SIX, hashtag=name) for i, n in enumerate(views))
    run(store.commit(Changes(readings=found)))
    points = run(store.gains(number_of(store), NOON, NOON + len(views) * SIX))
    return [point.new_views for point in points]


# --- campaigns ------------------------------------------------------------------------------------


def test_a_campaign_by_its_number(store: SqlStore) -> None:
    one = run(store.campaign("One"))
    assert run(store.campaign_by_id(one.campaign_id)) == one
    run(store.remove_campaign(one.campaign_id, NOON))
    for number in (one.campaign_id, 0, 10**18, 10**40):
        with pytest.raises(NotFound):
            run(store.campaign_by_id(number))


def test_names_with_the_first_hashtags(store: SqlStore) -> None:
    names = run(store.campaign_names(2))
    assert [(n.name, n.hashtags) for n in names] == [
        ("One", ("ours", "also")),
        ("Two", ("ours", "also")),
    ]
    bare = run(store.add_campaign(replace(campaign("Bare"), hashtags=())))
    assert run(store.campaign_names())[0].campaign_id == bare.campaign_id
    assert run(store.campaign_names())[0].hashtags == ()


def test_hashtags_at_instants(store: SqlStore) -> None:
    instants = (NOON - 12 * DAY, NOON - DAY, NOON)
    found = tuple(reading(n, at) for n, at in enumerate(instants, 1))
    run(store.commit(Changes(readings=found)))
    tags = run(store.hashtags_at(number_of(store), [NOON - HOUR, NOON - 11 * DAY, NOON - 20 * DAY]))
    assert [t.hashtag for t in tags] == ["ours", "also", "theirs"]
    assert [t.role for t in tags] == [Role.OWN, Role.OWN, Role.COMPETITOR]
    levels = [level_of(one) for one in found]
    assert tags[0].latest == levels[2]
    assert tags[0].readings == (levels[1], levels[0], None)
    assert tags[1].latest is None
    # One that is older than ten days stands for nothing: then the first one after counts.
    assert run(store.hashtags_at(number_of(store), [NOON - 1.5 * DAY]))[0].readings == (levels[1],)
    assert run(store.hashtags_at(number_of(store), [NOON, NOON - 1.5 * DAY]))[0].readings == (
        levels[2],
        None,
    )


# --- growth ---------------------------------------------------------------------------------------


def test_growth_begins_with_the_second_reading(store: SqlStore) -> None:
    assert growth(store, 1000, 1300, 1350) == [0, 300, 50]
    points = run(store.gains(number_of(store), NOON, NOON + DAY))
    assert [(p.hashtag, p.hashtags, p.corrections) for p in points] == [(None, 1, 0)] * 3
    assert [p.begins_at for p in points] == [NOON, NOON + SIX, NOON + 2 * SIX]


def test_growth_bridges_what_was_not_read_or_not_known(store: SqlStore) -> None:
    assert growth(store, 1000, None, 1300, 0, 1500) == [0, 0, 300, 0, 200]


def test_a_stale_read_is_made_up_for(store: SqlStore) -> None:
    assert growth(store, 1000, 990, 1030) == [0, -10, 40]


def test_a_correction_is_no_growth_and_neither_is_the_way_back(store: SqlStore) -> None:
    assert growth(store, 1000, 500, 990, 1200) == [0, 0, 0, 200]
    points = run(store.gains(number_of(store), NOON, NOON + DAY))
    assert [p.corrections for p in points] == [0, 1, 0, 0]


def test_counters_of_different_fields_are_never_subtracted(store: SqlStore) -> None:
    mine = {"view_source": CounterSource.STATS, "view_unit": 100}
    found = (
        reading(1000, NOON),
        reading(5000, NOON + SIX, **mine),
        reading(1200, NOON + 2 * SIX),
        reading(5300, NOON + 3 * SIX, **mine),
        reading(9000, NOON + 4 * SIX, hashtag_id="43"),
    )
    run(store.commit(Changes(readings=found)))
    points = run(store.gains(number_of(store), NOON, NOON + 2 * DAY))
    assert [p.new_views for p in points] == [0, 0, 200, 300, 0]


def test_a_reading_that_comes_late_adds_nothing(store: SqlStore) -> None:
    assert growth(store, 1000, 1300) == [0, 300]
    run(store.commit(Changes(readings=(reading(1100, NOON + HOUR),))))
    points = run(store.gains(number_of(store), NOON, NOON + DAY))
    assert [p.new_views for p in points] == [0, 300]
    assert [(p.hashtags, p.corrections) for p in points] == [(1, 0), (1, 0)]


def test_own_hashtags_stand_together_and_competitors_apart(store: SqlStore) -> None:
    for name, base in (("ours", 1000), ("also", 2000), ("theirs", 4000)):
        more = {"video_count": 10, "video_source": CounterSource.STATS_V2, "hashtag_id": name}
        first = reading(base, NOON, hashtag=name, **more)
        second = reading(base + base // 10, NOON + SIX, hashtag=name, **more | {"video_count": 17})
        run(store.commit(Changes(readings=(first, second))))
    one = number_of(store)
    points = run(store.gains(one, NOON, NOON + DAY, every=4, apart=["theirs", "ours"]))
    whole = [(p.hashtag, p.new_views, p.new_videos, p.hashtags) for p in points]
    assert whole == [(None, 300, 14, 2), ("theirs", 400, 7, 1)]
    assert [p.begins_at for p in points] == [NOON.replace(hour=0)] * 2
    assert run(store.gains(one, NOON + DAY, NOON + 2 * DAY, apart=["theirs"])) == []
    # What another campaign holds is added up for it as well.
    assert run(store.gains(number_of(store, "Two"), NOON, NOON + DAY, every=4)) == points[:1]


def test_counters_of_strangers_are_added_up_whatever_their_size(store: SqlStore) -> None:
    assert growth(store, 5, 2**62) == [0, 2**62]
    both = reading(5, NOON, hashtag="also"), reading(2**62, NOON + SIX, hashtag="also")
    run(store.commit(Changes(readings=both)))
    points = run(store.gains(number_of(store), NOON + SIX, NOON + DAY))
    assert [p.new_views for p in points] == [2**63]


def test_growth_of_a_campaign_is_what_it_held_at_the_time(store: SqlStore) -> None:
    one = run(store.campaign("One"))
    growth(store, 1000, 1300)
    run(store.replace_campaign(replace(one, hashtags=one.hashtags[1:])))
    run(store.commit(Changes(readings=(reading(1900, NOON + 2 * SIX),))))
    points = run(store.gains(one.campaign_id, NOON, NOON + DAY))
    assert [p.new_views for p in points] == [0, 300]
    assert len(run(store.gains(number_of(store, "Two"), NOON, NOON + DAY))) == 3


def test_curves_of_hashtags(store: SqlStore) -> None:
    growth(store, 1000, None, 1300)
    curves = run(store.hashtag_curves(number_of(store), ["ours", "also"], NOON))
    assert curves == {"ours": [(NOON, 0), (NOON + SIX, None), (NOON + 2 * SIX, 300)]}
    assert run(store.hashtag_curves(number_of(store), [], NOON)) == {}


# --- videos ---------------------------------------------------------------------------------------


def test_figures_of_held_videos(store: SqlStore) -> None:
    run(store.commit(Changes(sightings=(sighting(seen(1, 50), seen(2, None)),))))
    later = sighting(seen(3, 10), seen(1, 60), at=NOON + HOUR, hashtag="theirs")
    run(store.commit(Changes(sightings=(later,))))
    one = number_of(store)
    found = {v.video_id[-1]: v for v in run(store.video_figures(one, NOON, NOON + DAY))}
    assert {key: (v.view_count, bool(v.is_new), bool(v.is_own)) for key, v in found.items()} == {
        "1": (60, False, True),
        "2": (None, False, True),
        "3": (10, True, False),
    }
    people = run(store.creators_by_key([v.creator_key for v in found.values()]))
    assert sorted(c.username or "" for c in people.values()) == ["user1", "user2", "user3"]
    spans = [(NOON - DAY, NOON), (NOON, NOON + DAY)]
    assert run(store.own_video_counts(one, spans)) == [2, 0]
    assert run(store.top_videos(one, NOON - DAY, NOON, 5)) == [found["1"].video_id]
    assert run(store.top_in_feed(one, "ours", 5)) == [found["1"].video_id, found["2"].video_id]
    assert run(store.feed_size(one, "ours")) == 2
    assert run(store.feed_size(one, "nobody")) == 0


def test_published_counts_in_feeds_of_own_hashtags(store: SqlStore) -> None:
    page = sighting(seen(1), seen(2, created_at=NOON - DAY), seen(3, created_at=None))
    run(store.commit(Changes(sightings=(page, replace(page, hashtag="theirs")))))
    one = number_of(store)
    keys = {tag.hashtag: tag.hashtag_key for tag in run(store.hashtags_at(one, [NOON]))}
    span = (NOON - 2 * DAY, NOON)
    assert run(store.published_in({keys["ours"]: span})) == {keys["ours"]: 2}
    assert run(store.published_in({keys["also"]: span})) == {}
    assert run(store.published_in({keys["theirs"]: span})) == {keys["theirs"]: 2}
    assert run(store.published_in({})) == {}
    assert run(store.published_under("theirs", *span)) == 2
    assert run(store.published_under("nobody", *span)) == 0


def test_published_counts_in_the_span_of_each_hashtag(store: SqlStore) -> None:
    """Whatever reads them, and by whatever way: a few days or many, spans alike or not."""
    ago = [0, 1, 24, 26, 240, 300, 500, 719, 720, 721, 900]
    instants = [NOON - n * HOUR for n in ago]
    page = sighting(*(seen(n, created_at=at) for n, at in enumerate(instants)))
    run(store.commit(Changes(sightings=(page, replace(page, hashtag="also")))))
    one = number_of(store)
    keys = {tag.hashtag: tag.hashtag_key for tag in run(store.hashtags_at(one, [NOON]))}
    spans = [(b, e) for b in instants[2::2] for e in (*instants[:4], NOON + HOUR) if b < e]
    for (begin, end), other in product(spans, (spans[0], spans[-1], (instants[8], instants[1]))):
        asked = {keys["ours"]: (begin, end), keys["also"]: other}
        wanted = {key: sum(b < at <= e for at in instants) for key, (b, e) in asked.items()}
        wanted = {key: count for key, count in wanted.items() if count}
        assert run(store.published_in(asked, campaign_id=one)) == wanted
        assert run(store.published_in(asked)) == wanted
    assert run(store.published_under("ours", *spans[-1])) == sum(
        spans[-1][0] < at <= spans[-1][1] for at in instants
    )


def test_videos_count_for_the_role_their_hashtag_has_now(store: SqlStore) -> None:
    """Where a video was seen first is the short way to its role, not the only one."""
    run(store.commit(Changes(sightings=(sighting(seen(1), hashtag="theirs"), sighting(seen(2))))))
    run(store.commit(Changes(sightings=(sighting(seen(1), at=NOON + HOUR),))))
    one = run(store.campaign("One"))
    spans = [(NOON - DAY, NOON + DAY)]
    assert run(store.own_video_counts(one.campaign_id, spans)) == [2]
    # Its own hashtag becomes a competitor's, and the one it had before is gone.
    kept = tuple(replace(h, role=Role.COMPETITOR) for h in one.hashtags if h.name == "ours")
    run(store.replace_campaign(replace(one, hashtags=kept)))
    assert run(store.own_video_counts(one.campaign_id, spans)) == [0]
    figures = run(store.video_figures(one.campaign_id, NOON, NOON + DAY))
    assert sorted((v.video_id[-1], v.is_own) for v in figures) == [("1", 0), ("2", 0)]
    run(store.replace_campaign(replace(one, hashtags=())))
    assert run(store.video_figures(one.campaign_id, NOON, NOON + DAY)) == []


# --- one hashtag ----------------------------------------------------------------------------------


def test_readings_by_pages_and_by_windows(store: SqlStore) -> None:
    found = [reading(n, NOON + n * HOUR) for n in range(1, 9)]
    run(store.commit(Changes(readings=tuple(found))))
    assert run(store.newest_readings("ours", NOON + 8 * HOUR, 3)) == found[6:3:-1]
    assert run(store.newest_readings("nobody", NOON + DAY, 3)) == []
    assert run(store.window_readings("ours", NOON, NOON + DAY)) == [found[4], found[7]]
    assert run(store.window_readings("ours", NOON, NOON + 5 * HOUR)) == [found[4]]


def test_outcomes_of_slots(store: SqlStore) -> None:
    begun = started(store)
    bad = HashtagOutcome(hashtag="ours", status=Status.FAILED, reason=Reason.UPSTREAM)
    run(store.commit(Changes(outcome=bad, outcome_claim=claimed(store, begun.run_id))))
    (found,) = run(store.slot_outcomes("ours", Job.COLLECT, NOON - DAY, NOON))
    assert (found.slot_at, found.run_id, found.status) == (NOON, begun.run_id, Status.FAILED)
    assert found.reason is Reason.UPSTREAM
    assert run(store.slot_outcomes("ours", Job.TRACK, NOON - DAY, NOON)) == []
    assert run(store.slot_outcomes("ours", Job.COLLECT, NOON + HOUR, NOON + DAY)) == []


def test_alerts_that_fired(store: SqlStore) -> None:
    one = number_of(store)
    old = {"opened_at": NOON - 9 * DAY, "fired_at": NOON - 9 * DAY, "campaign_id": one}
    over = {"state": AlertState.RESOLVED, "resolved_at": NOON}
    run(
        store.commit(
            Changes(
                alerts=(
                    alert("a1", fingerprint="f1", fired_at=NOON, campaign_id=one),
                    alert("a2", fingerprint="f2", **old),
                    alert("a3", fingerprint="f3", **old, **over),
                    alert("a4", fingerprint="f4", campaign_id=one, state=AlertState.PENDING),
                    alert("a5", fingerprint="f5", **old, hashtag="also"),
                )
            )
        )
    )
    assert [a.alert_id for a in run(store.campaign_alerts(one))] == ["a1", "a2", "a3", "a5"]
    recent = run(store.campaign_alerts(one, since=NOON - DAY))
    assert [a.alert_id for a in recent] == ["a1", "a2", "a5"]
    assert [a.alert_id for a in run(store.campaign_alerts(one, hashtag="also"))] == ["a5"]
    assert len(run(store.campaign_alerts(one, limit=2))) == 2


# --- reports and days -----------------------------------------------------------------------------


def test_reports_by_name_and_day(store: SqlStore) -> None:
    one, on = number_of(store), date(2026, 3, 1)
    report = StoredReport(campaign_id=one, kind="daily", on=on, made_at=NOON, body={"a": 1})
    shown = replace(report, kind="weekly", document=[{"block": "Note", "text": "x"}])
    run(store.put_report(report))
    run(store.put_report(shown))
    run(store.put_report(replace(report, campaign_id=number_of(store, "Two"), on=on + DAY)))
    names = run(store.report_names())
    assert [(n.kind, n.on, n.has_document) for n in names] == [
        ("daily", on + DAY, False),
        ("daily", on, False),
        ("weekly", on, True),
    ]
    assert [n.kind for n in run(store.report_names(campaign_id=one, kind="weekly"))] == ["weekly"]
    assert run(store.report_names(limit=1, offset=1)) == names[1:2]
    assert run(store.report_on(one, "weekly", on)) == shown
    assert run(store.report_on(one, "daily", on)) == report
    with pytest.raises(NotFound):
        run(store.report_on(one, "daily", on + DAY))
    run(store.remove_campaign(one, NOON))
    assert [n.on for n in run(store.report_names())] == [on + DAY]


def test_sightings_do_not_count_as_reads_of_the_counter(store: SqlStore) -> None:
    run(store.commit(Changes(sightings=(sighting(seen(1)),))))
    assert run(store.gains(number_of(store), NOON, NOON + DAY)) == []
    run(store.commit(Changes(readings=(reading(1000, NOON),))))
    (point,) = run(store.gains(number_of(store), NOON, NOON + DAY))
    assert (point.hashtags, point.new_views) == (1, 0)
