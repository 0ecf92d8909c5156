"""A change decomposed into videos: shares, what is unseen, the verdict without the largest."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from report_facts import AVideo, counters, reading
from tagtide.core.explain import Doubt, Explanation, Moved, explain
from tagtide.core.formats import clean_text
from tagtide.core.rules import Measure
from tagtide.models import CounterSource, VideoReading

HOUR = timedelta(hours=1)
UNTIL = datetime(2026, 11, 20, 12, tzinfo=UTC)
SINCE = UNTIL - 6 * HOUR


def moved(measure: Measure = Measure.VIEWS, delta: int | None = 1_200_000, **more: Any) -> Moved:
    facts: dict[str, Any] = {"low": delta, "high": delta, "base": 2_000_000} | more
    return Moved(hashtag="glow", measure=measure, since=SINCE, until=UNTIL, delta=delta, **facts)


def video(name: str, views: int | None, *, age: float | None = 100.0, **more: Any) -> AVideo:
    created = None if age is None else UNTIL - age * HOUR
    facts: dict[str, Any] = {
        "author_key": name, "author_username": name, "created_at": created, "read_at": UNTIL,
    }  # fmt: skip
    return AVideo(name, counters(views), **(facts | more))


def then(hours: float = 6.0, **views: int | None) -> dict[str, VideoReading]:
    return {k: reading(k, UNTIL - hours * HOUR, counters(v)) for k, v in views.items()}


def relative(**more: Any) -> dict[str, Any]:
    return {"bar": 0.5, "is_relative": True} | more


# --- views ----------------------------------------------------------------------------------------


def test_one_video_made_most_of_it() -> None:
    said = explain(
        moved(**relative()),
        [video("eve", 1_084_000, age=9), video("ann", 50_000, age=200), video("bob", 70_000)],
        then(eve=100_000, ann=10_000, bob=70_000),
    )
    top = said.parts[0]
    assert (top.video_id, top.gained, round(top.share or 0, 2)) == ("eve", 984_000, 0.82)
    assert (said.unseen_low, said.unseen_high) == (176_000, 176_000)
    assert said.without is not None
    # (1.2 M - 984 k) / (2 M - 100 k)
    assert (round(said.without.ratio or 0, 3), said.without.fires) == (0.114, False)
    assert said.sentence == (
        "82 % of +1.2 M views is one video by @eve, 9 h old; 3 % is 1 other video held; 15 % was "
        "not seen in any video held. Without that video +11 %: the rule would not have fired."
    )


def test_a_new_video_counts_with_all_it_has() -> None:
    said = explain(moved(delta=1_000), [video("new", 400, age=2), video("old", 900)], then(old=700))
    assert (said.new.videos, said.new.gained, said.known.videos, said.known.gained) == (
        1, 400, 1, 200,
    )  # fmt: skip
    assert said.unseen_share == pytest.approx(0.4)
    assert "new videos made 40 %" in said.sentence


def test_an_old_video_that_is_seen_for_the_first_time_is_left_out() -> None:
    said = explain(moved(), [video("old", 900_000), video("undated", 900_000, age=None)], {})
    assert (said.parts, said.left_out, said.unseen_low) == ((), 2, 1_200_000)
    assert said.sentence == (
        "What made +1.2 M views is not known: none of the 2 videos held was read at both ends."
    )
    assert said.without is None


def test_no_video_is_held() -> None:
    assert "no video of the hashtag is held" in explain(moved(), [], {}).sentence


def test_readings_further_back_are_told_with_their_own_span() -> None:
    further = then(30.0, eve=100_000, ann=10_000)
    said = explain(moved(), [video("eve", 1_000_000), video("ann", 110_000)], {}, further)
    assert (said.parts, said.new.gained + said.known.gained) == ((), 0)
    assert said.over is not None
    assert (said.over.hours, said.over.videos, said.over.gained) == (30, 2, 1_000_000)
    assert said.unseen_share == 1.0
    assert said.without is None
    assert said.sentence == (
        "What made +1.2 M views in 6 h is not known: no video held was read at both ends. Within "
        "30 h 2 videos read at both ends gained 1.0 M views, 90 % of it one video by @eve, 4.2 d "
        "old."
    )


@pytest.mark.parametrize(("hours", "counts"), [(7.4, True), (7.6, False), (3.0, True)])
def test_near_is_a_quarter_of_the_span(hours: float, counts: bool) -> None:
    said = explain(moved(), [video("eve", 500)], then(hours, eve=100))
    assert bool(said.parts) is counts
    assert bool(said.over) is not counts


def test_what_cannot_be_compared_is_left_out() -> None:
    other = {"eve": reading("eve", SINCE, counters(1, source=CounterSource.STATS))}
    assert explain(moved(), [video("eve", 900)], other).left_out == 1
    assert explain(moved(), [video("eve", None)], then(eve=1)).left_out == 1
    assert explain(moved(), [video("eve", 900)], then(eve=None)).left_out == 1
    assert explain(moved(), [video("eve", 900, read_at=SINCE)], then(eve=1)).left_out == 1
    assert explain(moved(), [video("eve", 900)], then(0.0, eve=1)).left_out == 1


def test_a_fall_is_no_part() -> None:
    said = explain(moved(), [video("eve", 50)], then(eve=900))
    assert (said.parts[0].gained, said.known.gained) == (0, 0)
    assert "None of +1.2 M views was seen in the 1 video held" in said.sentence


# --- doubts ---------------------------------------------------------------------------------------


def test_rounding_widens_what_was_not_seen() -> None:
    said = explain(
        moved(delta=500_000, low=400_001, high=599_999), [video("eve", 300_000, age=1)], {}
    )
    assert (said.unseen_low, said.unseen_high, said.doubt) == (100_001, 299_999, Doubt.NONE)


def test_one_step_of_a_rounded_counter_is_told() -> None:
    said = explain(moved(delta=100_000, low=1, high=199_999), [], {})
    assert said.doubt is Doubt.ROUNDING_STEP
    assert "moved by one: the true change lies between 1 and 200.0 k" in said.sentence


def test_a_leap_that_the_largest_videos_do_not_share_is_doubted() -> None:
    held = [video("eve", 1_500_000), video("ann", 110_000)]
    said = explain(moved(), held, then(eve=1_495_000, ann=100_000))
    assert said.doubt is Doubt.NOT_IN_VIDEOS
    assert "TikTok may have corrected the counter" in said.sentence
    # Held videos that are a small part of the hashtag say nothing about it.
    assert explain(moved(), held[1:], then(ann=100_000)).doubt is Doubt.NONE
    grown = explain(moved(), held, then(eve=900_000, ann=100_000))
    assert grown.doubt is Doubt.NONE


def test_a_counter_that_lags_behind_its_videos() -> None:
    said = explain(moved(delta=1_000), [video("eve", 5_000, age=1)], {})
    assert said.doubt is Doubt.COUNTER_BEHIND
    assert (said.parts[0].share, said.unseen_low, said.unseen_share) == (1.0, 0, 0.0)
    assert "gained 5,000, more than the counter says" in said.sentence


# --- videos ---------------------------------------------------------------------------------------


def fresh(count: int, author: str, minutes: float = 17, **more: Any) -> list[AVideo]:
    return [
        video(f"{author}{i}", 10, age=(i + 1) * minutes / 60, author_key=author,
              author_username=author, **more)
        for i in range(count)
    ]  # fmt: skip


def test_who_made_the_new_videos() -> None:
    count = moved(Measure.VIDEO_COUNT, 47, base=5_000, bar=40)
    said = explain(count, [*fresh(18, "eve"), *fresh(13, "ann"), video("old", 5)], {})
    assert [(c.author_username, c.videos) for c in said.creators] == [("eve", 18), ("ann", 13)]
    assert (said.parts, said.unseen_low, said.unseen_high) == ((), 16, 16)
    assert said.without is not None
    assert (said.without.value, said.without.fires) == (29, False)
    assert said.sentence == (
        "31 of 47 new videos are held, 18 of them by @eve (2 creators in all); the other 16 were "
        "not seen. Without the 18 of @eve 29 new videos: the rule would not have fired."
    )


def test_a_burst_is_told_neutrally() -> None:
    count = moved(Measure.VIDEO_COUNT, 8, base=5_000)
    held = [
        v for n in range(8) for v in fresh(1, f"bot{n}", n + 1, caption="Buy THIS now, friends")
    ]
    said = explain(count, held, {})
    assert said.pattern is not None
    assert (said.pattern.within_ten_minutes, said.pattern.same_caption) == (8, 8)
    assert said.sentence.endswith(
        "8 of them were published within 10 min and 8 share one caption, which is unusual."
    )
    spread = [
        v for n in range(8) for v in fresh(1, f"c{n}", 30 * (n + 1), caption=f"my day no. {n}")
    ]
    assert "unusual" not in explain(count, spread, {}).sentence


def test_videos_seen_leave_the_rest_unknown() -> None:
    seen = moved(Measure.VIDEOS_SEEN, 25, high=None, base=None)
    said = explain(seen, fresh(12, "eve"), {})
    assert (said.unseen_high, said.unseen_share) == (None, None)
    assert said.as_dict()["unseen"] == {"low": 13, "high": None, "share": None}


def test_engagement_is_that_of_the_held_videos() -> None:
    bar = moved(Measure.ENGAGEMENT, None, base=None, **relative())
    now = [AVideo(k, counters(10**6, n), author_username=k, created_at=UNTIL - 100 * HOUR,
                  read_at=UNTIL) for k, n in (("eve", 9_000), ("ann", 4_100))]  # fmt: skip
    before = {k: reading(k, SINCE, counters(10, n)) for k, n in (("eve", 4_000), ("ann", 4_000))}
    said = explain(bar, now, before)
    assert (said.delta, said.unseen_low, said.unseen_high) == (5_100, 0, 0)
    assert said.without is not None
    assert (said.without.ratio, said.without.fires) == (0.025, False)
    assert "likes, comments and shares of the videos held is one video by @eve" in said.sentence


def test_a_rule_whose_bar_is_not_known_gets_no_verdict() -> None:
    said = explain(moved(), [video("eve", 1_000_000, age=1)], {})
    assert said.without is not None
    assert said.without.fires is None
    assert "Without" not in said.sentence


# --- what always holds ----------------------------------------------------------------------------

KEYS = {
    "sentence", "measure", "since", "until", "hours", "delta", "low", "high", "videos", "creators",
    "new", "known", "unseen", "left_out", "read_since", "read_until", "over", "without", "pattern",
    "doubt",
}  # fmt: skip
HOSTILE = (
    st.sampled_from(["\u202eevil\u200b", "<script>", "a\nb\x00", "@", "", "名前" * 40]) | st.text()
)
COUNTS = st.none() | st.integers(0, 10**9)


@st.composite
def explained(draw: st.DrawFn) -> Explanation:
    measure = draw(st.sampled_from(Measure))
    delta = None if measure is Measure.ENGAGEMENT else draw(st.integers(0, 10**8))
    slack = draw(st.sampled_from([0, 0, 99, 99_999]))
    high = None if measure is Measure.VIDEOS_SEEN else (delta or 0) + slack
    videos, near, far = [], {}, {}
    for number in range(draw(st.integers(0, 8))):
        name = str(number)
        age = draw(st.none() | st.floats(-1, 500))
        read = UNTIL - draw(st.floats(-0.1, 12)) * HOUR
        videos.append(
            video(
                name, draw(COUNTS), age=age, read_at=read, caption=draw(HOSTILE),
                author_username=draw(st.none() | HOSTILE), author_key=draw(st.sampled_from("abc")),
            )
        )  # fmt: skip
        near |= (
            then(draw(st.floats(4.5, 7.5)), **{name: draw(COUNTS)}) if draw(st.booleans()) else {}
        )
        far |= then(draw(st.floats(8, 50)), **{name: draw(COUNTS)}) if draw(st.booleans()) else {}
    change = moved(
        measure, delta,
        low=None if delta is None else max(delta - slack, 0),
        high=high if delta is not None else None,
        base=draw(st.none() | st.integers(0, 10**9)),
        bar=draw(st.none() | st.floats(0, 10**6)),
        is_relative=draw(st.booleans()),
    )  # fmt: skip
    return explain(change, videos, near, far)


@settings(max_examples=60)
@given(explained())
def test_shares_are_parts_of_one_whole_and_the_remainder_is_never_negative(e: Explanation) -> None:
    shares = [part.share for part in e.parts if part.share is not None]
    assert sum(shares) <= 1 + 1e-9
    assert all(share >= 0 for share in shares)
    assert sum(c.share or 0 for c in e.creators) <= 1 + 1e-9
    if e.unseen_share is not None and (e.new.share is not None or e.known.share is not None):
        whole = (e.new.share or 0) + (e.known.share or 0) + e.unseen_share
        assert whole == pytest.approx(1)
    assert e.unseen_low >= 0
    assert e.unseen_high is None or e.unseen_high >= e.unseen_low
    assert e.without is None or e.without.value >= 0


@settings(max_examples=60)
@given(explained())
def test_the_data_have_one_shape_and_the_sentence_is_one_safe_line(e: Explanation) -> None:
    body = e.as_dict()
    assert set(body) == KEYS
    json.dumps(body, allow_nan=False)
    assert e.sentence
    for text in (e.sentence, *(c["author_username"] or "x" for c in body["creators"])):
        assert clean_text(text, 2_000) == text
        assert not set(text) & set("\u202e\u200b\n\x00")
    assert len(e.sentence) < 900
    assert len(json.dumps(body)) < 8_000
