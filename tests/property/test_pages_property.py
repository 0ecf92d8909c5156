"""What must hold whatever strangers and counters say: short cuts agree with the long way."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from statistics import fmean
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagtide.core.creators import rate_spread
from tagtide.core.formats import _SPACES, clean_text
from tagtide.core.messages.blocks import (
    Cell,
    Column,
    Figure,
    Heading,
    KeyFigures,
    Kind,
    Note,
    Paragraph,
    Sparkline,
    Table,
    Tone,
)
from tagtide.core.messages.document import from_document, lead_of, to_document
from tagtide.core.metrics import KnownSum
from tagtide.core.velocity import measure_change
from tagtide.models import CounterSource, HashtagReading
from tagtide.ports import VideoFigures
from tagtide.services.views.campaign_videos import video_totals
from tagtide.web.frame import chart_rows, environment

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
COUNTS = st.one_of(st.none(), st.integers(0, 3), st.integers(0, 2**63), st.integers(900, 1100))
SOURCES = st.sampled_from([CounterSource.STATS_V2, CounterSource.STATS])
UNITS = st.sampled_from([1, 100, 1000])


@st.composite
def readings(draw: st.DrawFn, at: datetime) -> HashtagReading:
    return HashtagReading(
        hashtag="glow",
        hashtag_id=draw(st.sampled_from([None, "1", "2"])),
        read_at=at,
        view_count=draw(COUNTS),
        view_source=draw(SOURCES),
        view_unit=draw(UNITS),
        video_count=draw(COUNTS),
        video_source=draw(SOURCES),
        video_unit=draw(UNITS),
    )


@given(readings(NOON), readings(NOON + timedelta(hours=6)))
def test_two_readings_alone_say_what_a_series_of_two_says(
    then: HashtagReading, now: HashtagReading
) -> None:
    # The same reading once more makes no other series, but takes the long way.
    assert measure_change(now, then) == measure_change(now, then, [then])


@given(st.text(st.characters(max_codepoint=0x2FF), max_size=30), st.integers(0, 30))
def test_plain_text_is_cleaned_as_any_other(text: str, limit: int) -> None:
    # A letter that is not ASCII behind it takes the long way.
    long_way = clean_text(f"{text} é", 100)
    assert clean_text(text, 98) == long_way.removesuffix("é").strip() if text.strip() else True
    assert len(clean_text(text, limit)) <= max(limit, 0) * 5
    assert not _SPACES.search(clean_text(text, limit).replace(" ", ""))


TEXT = st.text(max_size=20)
TYPED = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.datetimes(timezones=st.just(UTC)).map(lambda at: at.replace(fold=0))
)
CELLS = st.builds(
    Cell,
    TEXT,
    link=st.none() | TEXT,
    exact=st.none() | TEXT,
    tone=st.sampled_from(Tone),
    foreign=st.booleans(),
    values=st.lists(st.none() | st.integers(-5, 5).map(float), max_size=3).map(tuple),
    value=TYPED,
)
BLOCKS = st.one_of(
    st.builds(Heading, TEXT, level=st.integers(1, 3)),
    st.builds(Paragraph, TEXT, lead=st.booleans()),
    st.builds(Note, TEXT, tone=st.sampled_from(Tone)),
    st.builds(Sparkline, TEXT, st.just((1.0, None, 2.0))),
    st.builds(
        KeyFigures,
        st.lists(
            st.builds(Figure, TEXT, TEXT, tone=st.sampled_from(Tone), number=TYPED), max_size=2
        ).map(tuple),
    ),
    st.builds(
        Table,
        TEXT,
        st.lists(st.builds(Column, TEXT, st.sampled_from(Kind)), max_size=2).map(tuple),
        st.lists(st.lists(CELLS, max_size=2).map(tuple), max_size=2).map(tuple),
    ),
)


@given(st.lists(BLOCKS, max_size=4))
def test_a_document_is_read_as_it_was_written(blocks: list[object]) -> None:
    kept = json.loads(json.dumps(to_document(blocks)))  # type: ignore[arg-type]
    # repr: True and 1 are equal, and are not the same.
    assert repr(from_document(kept)) == repr(blocks)


@given(st.lists(BLOCKS, max_size=3))
def test_what_a_later_version_adds_to_a_block_does_not_hide_the_report(
    blocks: list[object],
) -> None:
    later = json.loads(json.dumps(to_document(blocks)))  # type: ignore[arg-type]
    for part in parts_of(later):
        part["added_later"] = {"a": [1]}
    assert from_document(later) == blocks


def parts_of(found: Any) -> Iterator[dict[str, Any]]:
    if isinstance(found, list):
        for one in found:
            yield from parts_of(one)
    elif isinstance(found, dict):
        for one in list(found.values()):
            yield from parts_of(one)
        yield found


# --- short ways -----------------------------------------------------------------------------------

_some = st.one_of(st.none(), st.integers(0, 3), st.integers(0, 2**62))
_figures = st.builds(
    VideoFigures,
    video_id=st.uuids().map(str),
    creator_key=st.integers(1, 4),
    view_count=_some,
    like_count=_some,
    comment_count=_some,
    share_count=_some,
    save_count=_some,
    is_new=st.integers(0, 1),
    is_own=st.just(1),
)


@given(st.lists(_figures, max_size=30))
def test_sums_by_column_are_those_video_by_video(videos: list[VideoFigures]) -> None:
    found = video_totals(videos)
    rates, engagements = [], []
    for video in videos:
        parts = (video.like_count, video.comment_count, video.share_count)
        engagement = None if None in parts else sum(part or 0 for part in parts)
        engagements.append(engagement)
        if engagement is not None and video.view_count:
            rates.append((engagement, video.view_count))
    assert found.videos == len(videos)
    assert found.creators == len({video.creator_key for video in videos})
    for name in ("view", "like", "comment", "share", "save"):
        values = [getattr(video, f"{name}_count") for video in videos]
        assert getattr(found, f"{name}s") == _by_hand(values)
    assert found.engagement == _by_hand(engagements)
    assert (found.rates.known, found.rates.unknown) == (len(rates), len(videos) - len(rates))
    if rates:
        assert found.rates.pooled == sum(e for e, _ in rates) / sum(v for _, v in rates)
        assert found.rates.mean == fmean(e / v for e, v in rates)
    for part in found.rates.histogram:
        within = [e / v for e, v in rates if part.low <= e / v < (part.high or math.inf)]
        assert part.videos == len(within)


def _by_hand(values: list[int | None]) -> KnownSum:
    total = known = unknown = 0
    for value in values:
        if value is None:
            unknown += 1
        else:
            known, total = known + 1, total + value
    return KnownSum(total if known or not unknown else None, known, unknown)


@given(st.lists(st.lists(st.floats(0, 3), max_size=4), max_size=40))
def test_creators_with_one_video_scatter_as_all_others(groups: list[list[float]]) -> None:
    found = rate_spread(dict(enumerate(groups)))
    roots = [[math.sqrt(rate) for rate in group] for group in groups if group]
    count, total = len(roots), sum(map(len, roots))
    assert (found is None) == (count < 10 or total <= count)
    if found is None:
        return
    mean = math.fsum(x for g in roots for x in g) / total
    means = [fmean(g) for g in roots]
    within = math.fsum((x - m) ** 2 for g, m in zip(roots, means, strict=True) for x in g)
    around = math.fsum(len(g) * (m - mean) ** 2 for g, m in zip(roots, means, strict=True))
    size = (total - sum(len(g) ** 2 for g in roots) / total) / (count - 1)
    assert found.mean == mean
    assert found.within == pytest.approx(within / (total - count), abs=1e-15)
    wanted = max(0.0, (around / (count - 1) - within / (total - count)) / size)
    assert found.between == pytest.approx(wanted, abs=1e-12)
    assert (found.creators, found.videos) == (count, total)


_CELLS = st.text(st.characters(exclude_characters="\x1e\x1f"))


@given(st.lists(st.lists(_CELLS, min_size=1, max_size=4), max_size=4))
def test_rows_behind_a_chart_are_as_a_template_writes_them(rows: list[list[str]]) -> None:
    template = environment().from_string(
        "{% for row in rows %}<tr>{% for cell in row %}<td{% if not loop.first %}"
        ' class="n"{% endif %}><bdi>{{ cell }}</bdi></td>{% endfor %}</tr>{% endfor %}'
    )
    assert chart_rows(rows) == template.render(rows=rows)
    # What stands between cells here opens none in a text.
    torn = [[f"\x1e{cell}\x1f" for cell in row] for row in rows]
    assert chart_rows(torn) == chart_rows(rows)


_said = st.one_of(st.builds(Paragraph, st.text(), lead=st.booleans()), st.builds(Note, st.text()))


@given(blocks=st.lists(_said, max_size=4))
def test_the_first_sentence_of_a_document_is_read_alone(blocks: list[Paragraph | Note]) -> None:
    leads = [b.text for b in blocks if isinstance(b, Paragraph) and b.lead]
    assert lead_of(json.loads(json.dumps(to_document(blocks)))) == (leads[0] if leads else "")
