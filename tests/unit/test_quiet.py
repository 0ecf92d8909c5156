from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagtide.core.quiet import QuietHours, parse_digest
from tagtide.errors import InvalidInput

NIGHT = "22:00-08:00 Europe/Paris"


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("hours", "now", "end"),
    [
        (NIGHT, "2026-01-10 20:59", None),
        (NIGHT, "2026-01-10 21:00", "2026-01-11 07:00"),
        (NIGHT, "2026-01-11 03:00", "2026-01-11 07:00"),
        (NIGHT, "2026-01-11 06:59", "2026-01-11 07:00"),
        (NIGHT, "2026-01-11 07:00", None),
        (NIGHT, "2026-07-10 20:00", "2026-07-11 06:00"),
        # The night of the change has an hour less, or one more.
        (NIGHT, "2026-03-28 21:00", "2026-03-29 06:00"),
        (NIGHT, "2026-10-24 20:00", "2026-10-25 07:00"),
        ("12:00-14:00 UTC", "2026-01-10 13:00", "2026-01-10 14:00"),
        ("12:00-14:00 UTC", "2026-01-10 14:00", None),
        # 02:30 does not exist on this night: quiet ends when the clocks have jumped.
        ("22:00-02:30 Europe/Paris", "2026-03-29 00:30", "2026-03-29 01:00"),
        # 02:30 comes twice: in the second hour it is quiet until the second.
        ("22:00-02:30 Europe/Paris", "2026-10-25 01:15", "2026-10-25 01:30"),
    ],
)
def test_when_quiet_ends(hours: str, now: str, end: str | None) -> None:
    found = QuietHours.parse(hours).end_after(at(now))
    assert found == (at(end) if end else None)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "22-8",
        "22:00-08:00",
        "25:00-08:00 UTC",
        "22:00-08:60 UTC",
        "22:00-22:00 UTC",
        "22:00-08:00 Europe/Pariss",
        "22:00-08:00 ../etc",
        "22:00 - 08:00 UTC",
    ],
)
def test_what_are_no_quiet_hours(text: str) -> None:
    with pytest.raises(InvalidInput):
        QuietHours.parse(text)


times = st.integers(0, 24 * 60 - 1)
zones = st.sampled_from(
    ["UTC", "Europe/Paris", "America/Santiago", "Australia/Lord_Howe", "Asia/Kathmandu"]
)
minutes = st.integers(0, 17 * 365 * 24 * 60)


@given(times, times, zones, minutes)
def test_the_end_is_later_within_a_day_and_no_longer_quiet(
    begin: int, end: int, zone: str, minute: int
) -> None:
    if begin == end:
        return
    text = f"{begin // 60:02}:{begin % 60:02}-{end // 60:02}:{end % 60:02} {zone}"
    quiet, now = QuietHours.parse(text), at("2020-01-01") + timedelta(minutes=minute)
    over = quiet.end_after(now)
    if over is None:
        assert not quiet.is_quiet(now)
        return
    assert now < over <= now + timedelta(hours=25)
    # Where clocks go back over the end, the hour that comes twice may be quiet twice.
    assert not quiet.is_quiet(over) or quiet.end_after(over) - over <= timedelta(hours=1)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("09:00 Europe/Paris", "0 9 * * * Europe/Paris"),
        ("9:05", "5 9 * * * UTC"),
        ("0 9 * * 1-5 Europe/Paris", "0 9 * * 1-5 Europe/Paris"),
        ("0 9 * * *", "0 9 * * * UTC"),
    ],
)
def test_when_the_digest_goes_out(text: str, shown: str) -> None:
    assert str(parse_digest(text)) == shown


@pytest.mark.parametrize("text", ["", "9", "24:00 UTC", "09:00 Nowhere", "* * * * *", "noon"])
def test_what_is_no_time_for_a_digest(text: str) -> None:
    with pytest.raises(InvalidInput):
        parse_digest(text)
