"""The sums that a viral video is compared with. Only videos near them are fetched: none that could
be viral may be left out."""

from __future__ import annotations

from functools import reduce

from hypothesis import given, settings
from hypothesis import strategies as st

from tagtide.core.crowd import Crowd
from tagtide.models import CounterSource, VideoCounters

COUNT = st.none() | st.integers(0, 2_000) | st.integers(0, 2**63 - 1)
COUNTERS = st.builds(
    VideoCounters,
    view_count=COUNT,
    like_count=COUNT,
    comment_count=st.none() | st.integers(0, 50),
    share_count=st.integers(0, 50),
    save_count=st.none(),
    source=st.just(CounterSource.STATS),
)


def crowd_of(videos: list[VideoCounters]) -> Crowd:
    known = [v for v in videos if v.view_count is not None]
    return Crowd(
        count=len(known),
        views=sum(v.view_count or 0 for v in known),
        engagement=sum(v.engagement or 0 for v in known),
    )


@given(st.lists(COUNTERS, max_size=12))
def test_what_is_added_one_by_one_can_be_taken_away_again(videos: list[VideoCounters]) -> None:
    crowd = reduce(Crowd.including, videos, Crowd())
    assert crowd == crowd_of(videos)
    for place, one in enumerate(videos):
        assert crowd.without(one) == crowd_of(videos[:place] + videos[place + 1 :])


@settings(max_examples=800, derandomize=True, deadline=None)
@given(st.lists(COUNTERS, max_size=12), st.floats(0.1, 100))
def test_whatever_tops_the_crowd_reaches_the_marks(
    videos: list[VideoCounters], factor: float
) -> None:
    crowd = crowd_of(videos)
    views, engagement = crowd.marks(factor)
    for counters in videos:
        if crowd.is_topped_by(counters, factor):
            assert (counters.view_count is not None and counters.view_count >= views) or (
                counters.engagement is not None and float(counters.engagement) >= engagement
            )
