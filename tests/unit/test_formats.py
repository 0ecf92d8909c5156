from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagtide.core import formats as f

AT = datetime(2026, 11, 20, 13, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "–"),
        (0, "0"),
        (999, "999"),
        (9_876, "9,876"),
        (9_999, "9,999"),
        (9_999.7, "10.0 k"),
        (12_345, "12.3 k"),
        (999_949, "999.9 k"),
        (999_950, "1.0 M"),
        (1_234_567, "1.2 M"),
        (39_100_000_000, "39.1 B"),
        (999_960_000_000, "1.0 T"),
        (12_345_000_000_000_000, "12,345.0 T"),
        (-12_345, "−12.3 k"),
        (-5, "−5"),
    ],
)
def test_compact(value: float | None, shown: str) -> None:
    assert f.compact(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "–"),
        (1_200_000, "↑ +1.2 M"),
        (-340, "↓ −340"),
        (0, "→ 0"),
    ],
)
def test_change_reads_without_colour(value: int | None, shown: str) -> None:
    assert f.change(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [(None, "–"), (0.0534, "5.3 %"), (-0.00001, "0.0 %"), (1.5, "150.0 %"), (-0.12, "−12.0 %")],
)
def test_percent(value: float | None, shown: str) -> None:
    assert f.percent(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"), [(0.125, "+12.5 %"), (0.0001, "0.0 %"), (-0.03, "−3.0 %"), (None, "–")]
)
def test_signed_percent(value: float | None, shown: str) -> None:
    assert f.signed_percent(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "–"),
        (-0.5, "−50.0 %"),
        (0.0, "0.0 %"),
        (9.99, "+999.0 %"),
        (10.0, "×11"),
        (1644.939, "×1,646"),
    ],
)
def test_growth_of_any_size(value: float | None, shown: str) -> None:
    assert f.growth(value) == shown


@pytest.mark.parametrize(
    ("duration", "shown"),
    [
        (timedelta(seconds=45), "45 s"),
        (timedelta(minutes=45), "45 min"),
        (timedelta(hours=5, minutes=48), "5.8 h"),
        (timedelta(hours=24), "24 h"),
        (timedelta(days=3), "3 d"),
        (timedelta(days=6, hours=21, minutes=36), "6.9 d"),
        (timedelta(hours=-6), "6 h"),
        (None, "–"),
    ],
)
def test_span(duration: timedelta | None, shown: str) -> None:
    assert f.span(duration) == shown


def test_dates_and_times_are_those_of_the_zone() -> None:
    tokyo = ZoneInfo("Asia/Tokyo")
    late = datetime(2026, 12, 31, 15, 30, tzinfo=UTC)
    assert f.instant_text(late, tokyo) == "1 Jan 2027, 00:30"
    assert f.instant_text(AT, UTC) == "20 Nov 2026, 13:05"
    assert f.date_text(None, UTC) == f.time_text(None, UTC) == "–"


def test_iso_is_utc_with_z() -> None:
    there = AT.replace(microsecond=7).astimezone(timezone(timedelta(hours=5, minutes=30)))
    assert f.iso_utc(there) == "2026-11-20T13:05:00Z"


def test_counted() -> None:
    assert f.counted(1, "video") == "1 video"
    assert f.counted(1_312, "video") == "1,312 videos"
    assert f.counted(0, "entry", "entries") == "0 entries"


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        (None, ""),
        ("plain", "plain"),
        ("two\r\nlines\tand\u2028more", "two lines and more"),
        ("\x1b[31mred\x1b[0m", "[31mred[0m"),
        ("\x9b31mred", "31mred"),
        ("a\u202eb\u2066c\u200fd", "abcd"),
        ("zero\u200b\u200c\u200d\ufeffwidth", "zerowidth"),
        ("hidden\U000e0041\U000e0042", "hidden"),
        ("vs\ufe0f\U000e0101", "vs"),
        ("fill\u3164\u2800er", "filler"),
        ("lone\ud800", "lone"),
        ("mark" + "\u0301" * 50, "mark" + "\u0301" * 4),
        ("\u0301lead", "lead"),
        ("  spaced \u00a0 out  ", "spaced out"),
        ("护肤 😀 สวัสดี", "护肤 😀 สวัสดี"),
    ],
)
def test_clean_text(text: str | None, clean: str) -> None:
    assert f.clean_text(text) == clean


def test_clean_text_cuts_with_an_ellipsis() -> None:
    assert f.clean_text("abcdefghij", 10) == "abcdefghij"
    assert f.clean_text("abcdefghijk", 10) == "abcdefghi…"
    assert f.clean_text("abcde\u0301fghijk", 6) == "abcde\u0301…"


@given(st.text(max_size=80), st.integers(1, 40))
def test_clean_text_is_one_printable_line_and_stays_as_it_is(text: str, limit: int) -> None:
    clean = f.clean_text(text, limit)
    assert all(char.isprintable() or not char.isspace() for char in clean)
    assert clean.encode("utf-8").decode() == clean
    assert "\n" not in clean
    assert f.clean_text(clean, limit) == clean
