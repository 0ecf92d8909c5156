"""What must hold whatever strangers and counters say: short cuts agree with the long way."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

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
from tagtide.core.messages.document import from_document, to_document
from tagtide.core.velocity import measure_change
from tagtide.models import CounterSource, HashtagReading

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
