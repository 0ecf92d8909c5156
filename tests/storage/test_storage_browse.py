"""Lists by pages, single things and the search, on every engine."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from storage_samples import HOUR, NOON, alert, campaign, counters, notification, run, seen, sighting

from tagtide.errors import NotFound
from tagtide.models import AlertState, Creator, Role, Rule, VideoSeen
from tagtide.ports import Changes
from tagtide.ports.browse import (
    AlertFilter,
    CreatorFilter,
    CreatorSort,
    VideoFilter,
    VideoSort,
)
from tagtide.storage.store import SqlStore

DAY = timedelta(days=1)
HUGE = 2**62


@pytest.fixture
def one(store: SqlStore) -> int:
    run(store.add_campaign(campaign("One")))
    run(store.add_campaign(campaign("Two")))
    return run(store.campaign("One")).campaign_id


def by(author: str, number: int, views: int | None, **changes: object) -> VideoSeen:
    found = seen(number, views, **changes)
    creator = Creator(
        creator_key=author, sec_uid=author, uid=None, username=f"{author}_x", nickname="A % b"
    )
    return replace(found, video=replace(found.video, creator=creator))


def ids(store: SqlStore, wanted: VideoFilter, *args: object, **more: object) -> list[int]:
    found = run(store.video_page(wanted, *args, **more))  # type: ignore[arg-type]
    return [int(one.video.video_id) - 7_000_000_000_000_000_000 for one in found]


def test_videos_come_in_each_order_and_page_by_page(store: SqlStore, one: int) -> None:
    page = (
        by("a", 1, 100, created_at=NOON - 2 * HOUR),
        by("a", 2, None),
        by("b", 3, 90, created_at=NOON - HOUR),
        by("b", 4, 100, created_at=NOON - 30 * DAY),
        by("c", 5, HUGE, created_at=None),
    )
    liked = replace(page[0], counters=counters(100, like_count=80))
    run(store.commit(Changes(sightings=(sighting(liked, *page[1:]),))))
    run(store.commit(Changes(sightings=(sighting(by("d", 6, 0), at=NOON + HOUR),))))
    wanted = VideoFilter(campaign_id=one)
    orders = {
        VideoSort.VIEWS: [5, 4, 1, 3, 6, 2],
        VideoSort.ENGAGEMENT_RATE: [1, 3, 4, 5, 6, 2],
        VideoSort.NEWEST: [6, 5, 4, 3, 2, 1],
        VideoSort.AGE_SCORE: [3, 1, 4, 6, 5, 2],
    }
    for sort, order in orders.items():
        assert ids(store, wanted, sort) == order, sort
        paged: list[int] = []
        after = None
        for _ in range(4):
            found = run(store.video_page(wanted, sort, after=after, limit=2))
            paged += [int(f.video.video_id) % 10 for f in found]
            after = found[-1].video.video_id if found else after
        assert paged == order, sort
    # A page after something that is gone is the first page.
    assert ids(store, wanted, after="nothing") == orders[VideoSort.VIEWS]


def test_filters_keep_what_they_say(store: SqlStore, one: int) -> None:
    videos = (
        by("a", 1, 100, caption="100% Glow_up"),
        by("a", 2, 50, caption="1000 glowXup"),
        by("b", 3, 10, caption="other"),
    )
    run(store.commit(Changes(sightings=(sighting(*videos),))))
    late = sighting(by("b", 4, 7), at=NOON + DAY, hashtag="theirs")
    run(store.commit(Changes(sightings=(late,))))
    video_id = videos[1].video.video_id
    about = alert("v", fingerprint="v", rule=Rule.VIRAL_VIDEO, video_id=video_id, campaign_id=one)
    marked = ((one, videos[2].video.video_id, NOON),)
    run(store.commit(Changes(alerts=(about,), high_priority=marked)))
    for wanted, kept in (
        (VideoFilter(campaign_id=one, text="glow_UP"), [1]),
        (VideoFilter(campaign_id=one, text="0%"), [1]),
        (VideoFilter(campaign_id=one, creator="A_X"), [1, 2]),
        (VideoFilter(campaign_id=one, creator="%"), [1, 2, 3, 4]),
        (VideoFilter(campaign_id=one, creator="a%b"), []),
        (VideoFilter(campaign_id=one, creator_key="b"), [3, 4]),
        (VideoFilter(campaign_id=one, min_views=50), [1, 2]),
        (VideoFilter(campaign_id=one, viral=True), [2]),
        (VideoFilter(campaign_id=one, high_priority=True), [3]),
        (VideoFilter(campaign_id=one, since=NOON + HOUR), [4]),
        (VideoFilter(campaign_id=one, hashtag="theirs"), [4]),
        (VideoFilter(campaign_id=one, hashtag="nobody"), []),
        (VideoFilter(campaign_id=one + 1), []),
    ):
        assert ids(store, wanted) == kept, wanted


def test_a_video_stands_once_for_each_campaign(store: SqlStore, one: int) -> None:
    both = (one, one + 1)
    run(store.commit(Changes(sightings=(sighting(seen(1), seen(2), campaign_ids=both),))))
    wanted = VideoFilter()
    found = run(store.video_page(wanted))
    assert len(found) == 4
    after = f"{found[1].video.video_id}@{found[1].campaign_id}"
    assert run(store.video_page(wanted, after=after)) == found[2:]
    run(store.remove_campaign(one, NOON))
    assert len(run(store.video_page(wanted))) == 2


def test_alerts_that_fire_come_first(store: SqlStore, one: int) -> None:
    def some(name: str, hours: int, state: AlertState, **more: object) -> object:
        return alert(name, fingerprint=name, opened_at=NOON + hours * HOUR, state=state,
                     campaign_id=one, fired_at=NOON, **more)  # fmt: skip

    rows = (
        some("a", 5, AlertState.RESOLVED),
        some("b", 4, AlertState.PENDING),
        some("c", 1, AlertState.FIRING),
        some("d", 2, AlertState.FIRING, rule=Rule.VIRAL_VIDEO, video_id="7", hashtag="also"),
        some("e", 2, AlertState.FIRING),
        replace(some("f", 9, AlertState.RESOLVED), fired_at=None, pending_since=NOON),  # type: ignore[type-var]
    )
    run(store.commit(Changes(alerts=rows)))  # type: ignore[arg-type]

    def names(wanted: AlertFilter, after: str | None = None, limit: int = 50) -> str:
        return "".join(a.alert_id for a in run(store.alert_page(wanted, after=after, limit=limit)))

    everything = AlertFilter()
    assert names(everything) == "decba"
    assert names(everything, limit=2) == "de"
    assert names(everything, after="e", limit=2) == "cb"
    assert names(everything, after="b") == "a"
    assert names(everything, after="gone") == "decba"
    assert names(AlertFilter(state=AlertState.FIRING)) == "dec"
    assert names(AlertFilter(rule=Rule.VIRAL_VIDEO)) == "d"
    assert names(AlertFilter(video_id="7")) == "d"
    assert names(AlertFilter(hashtag="also", campaign_id=one)) == "d"
    assert names(AlertFilter(campaign_id=one + 1)) == ""


def test_deliveries_of_one_alert(store: SqlStore, one: int) -> None:
    mine, other = notification("n1"), notification("n2", alert_id="a2")
    run(store.commit(Changes(notifications=(mine, other))))
    (found,) = run(store.alert_deliveries("a1"))
    assert found.notification.notification_id == "n1"


def test_creators_have_sums_over_their_videos_in_the_campaign(store: SqlStore, one: int) -> None:
    videos = (by("a", 1, 100), by("a", 2, None), by("b", 3, HUGE), by("b", 4, HUGE), by("c", 5, 0))
    run(store.commit(Changes(sightings=(sighting(*videos),))))
    run(store.commit(Changes(high_priority=((one, videos[0].video.video_id, NOON),))))
    wanted = CreatorFilter(campaign_id=one)

    def keys(sort: CreatorSort, filtered: CreatorFilter = wanted, after: str | None = None) -> str:
        found = run(store.creator_page(filtered, sort, after=after))
        return "".join(c.creator.creator_key for c in found)

    assert keys(CreatorSort.VIEWS) == "bac"
    assert keys(CreatorSort.VIDEOS) == "bac"
    assert keys(CreatorSort.ENGAGEMENT_RATE) == "abc"
    assert keys(CreatorSort.VIEWS, after="b") == "ac"
    assert keys(CreatorSort.VIEWS, replace(wanted, high_priority=True)) == "a"
    assert keys(CreatorSort.VIEWS, replace(wanted, min_views=100)) == "ba"
    assert keys(CreatorSort.VIEWS, replace(wanted, min_videos=2)) == "ba"
    assert keys(CreatorSort.VIEWS, replace(wanted, text="@C_")) == "c"
    a = next(c for c in run(store.creator_page(wanted)) if c.creator.creator_key == "a")
    assert (a.videos, a.view_count, a.views_known, a.high_priority_videos) == (2, 100, 1, 1)
    assert a.engagement_rate == pytest.approx(0.13)
    assert a.first_seen_at == a.last_seen_at == NOON
    c = next(c for c in run(store.creator_page(wanted)) if c.creator.creator_key == "c")
    assert c.engagement_rate is None
    rated = run(store.rated_counters(one, ["a", "b"]))
    assert [x.view_count for x in rated["a"]] == [100, None]
    assert run(store.rated_counters(one + 1, ["a"])) == {}
    assert len(run(store.rated_counters(None, ["a"]))["a"]) == 2


def test_the_crowd_is_the_newest_of_one_side_with_first_readings(store: SqlStore, one: int) -> None:
    run(store.commit(Changes(sightings=(sighting(seen(1, 10), seen(2, 20)),))))
    later = sighting(seen(1, 30), at=NOON + DAY)
    theirs = sighting(seen(3, 5), at=NOON + DAY, hashtag="theirs")
    run(store.commit(Changes(sightings=(later, theirs))))
    found = {c.video_id[-1]: c for c in run(store.crowd_videos(one))}
    assert set(found) == {"1", "2", "3"}
    assert (found["1"].first_view_count, found["1"].counters.view_count) == (10, 30)
    assert found["1"].first_read_at == NOON
    assert found["2"].first_read_at is None
    own = run(store.crowd_videos(one, role=Role.OWN))
    assert {c.video_id[-1] for c in own} == {"1", "2"}
    assert [c.video_id[-1] for c in run(store.crowd_videos(one, limit=1))] == ["3"]


def test_a_video_with_all_that_belongs_to_it(store: SqlStore, one: int) -> None:
    first = sighting(seen(1, 10), campaign_ids=(one, one + 1))
    again = sighting(seen(1, 20), at=NOON + HOUR, hashtag="theirs", campaign_ids=(one, one + 1))
    run(store.commit(Changes(sightings=(first, again))))
    run(store.commit(Changes(high_priority=((one, first.videos[0].video.video_id, NOON),))))
    found = run(store.video_file(first.videos[0].video.video_id))
    assert found.video == first.videos[0].video
    assert found.counters.view_count == 20
    assert [(m.campaign_id, m.hashtag, m.role) for m in found.campaigns] == [
        (one, "ours", Role.OWN),
        (one + 1, "ours", Role.OWN),
    ]
    assert found.campaigns[0].high_priority_at == NOON
    assert [(f.hashtag, f.last_seen_at) for f in found.feeds] == [
        ("ours", NOON),
        ("theirs", NOON + HOUR),
    ]
    run(store.remove_campaign(one, NOON))
    assert len(run(store.video_file(found.video.video_id)).campaigns) == 1
    assert run(store.creator_file("sec1")) == found.video.creator
    with pytest.raises(NotFound):
        run(store.video_file("8"))
    with pytest.raises(NotFound):
        run(store.creator_file("nobody"))


def test_the_search_takes_text_for_text(store: SqlStore, one: int) -> None:
    videos = (by("a", 1, 5, caption="100% GLOW"), by("b", 2, 5, caption="1000 glow"))
    run(store.commit(Changes(sightings=(sighting(*videos),))))
    assert [v.caption for v in run(store.find_videos("0%", 9))] == ["100% GLOW"]
    assert [v.caption for v in run(store.find_videos("glow", 1))] == ["1000 glow"]
    (exact,) = run(store.find_videos(videos[0].video.video_id, 9))
    assert exact.author_username == "a_x"
    assert run(store.find_videos("' OR 1=1 --", 9)) == []
    assert [c.creator_key for c in run(store.find_creators("@A_X", 9))] == ["a"]
    assert len(run(store.find_creators("% B", 9))) == 2
    assert run(store.find_creators("a%b", 9)) == []
