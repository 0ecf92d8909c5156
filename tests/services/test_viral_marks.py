"""Only videos near the crowd are fetched: none that could be viral may be left out."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace

from hypothesis import given, settings
from hypothesis import strategies as st

from tagtide.models import CounterSource, VideoCounters
from tagtide.ports import Crowd
from tagtide.services.evaluate import _marks, _tops

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


@settings(max_examples=2_000, derandomize=True, deadline=None)
@given(st.lists(COUNTERS, max_size=12), st.floats(0.1, 100))
def test_whatever_tops_the_crowd_reaches_the_marks(
    videos: list[VideoCounters], factor: float
) -> None:
    crowd = crowd_of(videos)
    views, engagement = _marks(crowd, factor)
    for counters in videos:
        video = SimpleNamespace(counters=counters, read_at=datetime(2026, 1, 1, tzinfo=UTC))
        if _tops(crowd, video, factor):  # type: ignore[arg-type]
            assert (counters.view_count is not None and counters.view_count >= views) or (
                counters.engagement is not None and float(counters.engagement) >= engagement
            )
