"""Set-aside changes come back as they were."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from tagtide.models import (
    Charge,
    CounterSource,
    Creator,
    HashtagReading,
    Video,
    VideoCounters,
    VideoSeen,
)
from tagtide.ports import Changes, Settlement, Sighting
from tagtide.spool import decode, encode

instants = st.datetimes(
    min_value=datetime(2000, 1, 1),  # noqa: DTZ001 - hypothesis adds the zone
    max_value=datetime(2100, 1, 1),  # noqa: DTZ001 - hypothesis adds the zone
    timezones=st.just(UTC),
)
counts = st.none() | st.integers(0, 2**63 - 1)
texts = st.text(max_size=20)
creators = st.builds(
    Creator,
    creator_key=texts,
    sec_uid=st.none() | texts,
    uid=st.none() | texts,
    username=st.none() | texts,
    nickname=st.none() | texts,
    follower_count=counts,
)
videos = st.builds(
    Video,
    video_id=st.from_regex(r"[0-9]{1,20}", fullmatch=True),
    creator=creators,
    caption=texts,
    created_at=st.none() | instants,
    duration=st.none() | st.floats(0, 1e4),
    hashtags=st.lists(texts, max_size=3).map(tuple),
)
counters = st.builds(
    VideoCounters,
    view_count=counts,
    like_count=counts,
    comment_count=counts,
    share_count=counts,
    save_count=counts,
    source=st.sampled_from(CounterSource),
)
sightings = st.builds(
    Sighting,
    hashtag=texts,
    campaign_ids=st.lists(st.integers(1, 9), max_size=3).map(tuple),
    read_at=instants,
    videos=st.lists(st.builds(VideoSeen, video=videos, counters=counters), max_size=3).map(tuple),
    run_id=st.none() | st.integers(1, 9),
)
readings = st.builds(
    HashtagReading,
    hashtag=texts,
    hashtag_id=st.none() | texts,
    read_at=instants,
    view_count=counts,
    view_source=st.none() | st.sampled_from(CounterSource),
    view_unit=st.integers(1, 10**8),
    video_count=counts,
    video_source=st.none() | st.sampled_from(CounterSource),
    video_unit=st.integers(1, 100),
    flags=st.lists(texts, max_size=2).map(tuple),
)
settlements = st.builds(
    Settlement,
    entry_id=st.integers(1, 99),
    charge=st.sampled_from(Charge),
    credits=st.integers(0, 2),
    settled_at=instants,
    credits_remaining=counts,
)
changes = st.builds(
    Changes,
    readings=st.lists(readings, max_size=2).map(tuple),
    sightings=st.lists(sightings, max_size=2).map(tuple),
    creators=st.lists(creators, max_size=2).map(tuple),
    high_priority=st.lists(st.tuples(st.integers(1, 9), texts, instants), max_size=2).map(tuple),
    settlements=st.lists(settlements, max_size=2).map(tuple),
)


@given(changes)
def test_what_was_set_aside_comes_back_equal(value: Changes) -> None:
    assert decode(Changes, json.loads(json.dumps(encode(value)))) == value
