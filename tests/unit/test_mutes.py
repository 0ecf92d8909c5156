"""Mutes: what they cover, and how long they last."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tagtide.core.mutes import mute_of, parse_until
from tagtide.errors import InvalidInput
from tagtide.models import Alert, AlertState, Mute, Rule

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)


def alert(**changes: Any) -> Alert:
    values: dict[str, Any] = {
        "alert_id": "a1",
        "fingerprint": "f",
        "campaign_id": 1,
        "rule": Rule.GROWTH,
        "hashtag": "glow",
        "video_id": None,
        "state": AlertState.FIRING,
        "opened_at": NOW,
        "updated_at": NOW,
        "resolved_at": None,
        "value": 1.0,
        "threshold": 1.0,
        "peak": 1.0,
        "reason": "",
        "url": "",
    }
    return Alert(**values | changes)


def mute(hours: float = 1, **what: Any) -> Mute:
    until = NOW + timedelta(hours=hours)
    return Mute(mute_id=f"m{hours}", created_at=NOW, until=until, by="ana", **what)


@pytest.mark.parametrize(
    ("what", "covers"),
    [
        ({"alert_id": "a1"}, True),
        ({"alert_id": "a2"}, False),
        ({"hashtag": "glow"}, True),
        ({"hashtag": "shine"}, False),
        ({"hashtag": "glow", "rule": Rule.GROWTH}, True),
        ({"hashtag": "glow", "rule": Rule.NEW_VIDEOS}, False),
        ({"campaign_id": 1}, True),
        ({"campaign_id": 2}, False),
        ({"campaign_id": 2, "hashtag": "glow"}, False),
        # One that names nothing mutes nothing.
        ({}, False),
        ({"hashtag": "glow", "ended_at": NOW}, False),
    ],
)
def test_what_a_mute_covers(what: dict[str, Any], covers: bool) -> None:
    assert (mute_of(alert(), [mute(**what)], NOW) is not None) is covers


def test_a_mute_ends_at_its_instant() -> None:
    one = mute(1, campaign_id=1)
    assert mute_of(alert(), [one], one.until - timedelta(microseconds=1)) is one
    assert mute_of(alert(), [one], one.until) is None


def test_of_several_the_longest_counts() -> None:
    mutes = [mute(1, campaign_id=1), mute(3, hashtag="glow"), mute(2, alert_id="a1")]
    assert mute_of(alert(), mutes, NOW) is mutes[1]


@pytest.mark.parametrize(
    ("text", "zone", "until"),
    [
        ("45m", "UTC", "2026-11-26T12:45:00+00:00"),
        ("12h", "UTC", "2026-11-27T00:00:00+00:00"),
        (" 3D ", "UTC", "2026-11-29T12:00:00+00:00"),
        ("2 w", "UTC", "2026-12-10T12:00:00+00:00"),
        ("2026-12-01T08:00", "UTC", "2026-12-01T08:00:00+00:00"),
        ("2026-12-01T08:00", "Europe/Paris", "2026-12-01T07:00:00+00:00"),
        ("2026-12-01T08:00Z", "Europe/Paris", "2026-12-01T08:00:00+00:00"),
        ("2026-12-01 08:00-05:00", "UTC", "2026-12-01T13:00:00+00:00"),
        ("2026-12-01", "Asia/Tokyo", "2026-11-30T15:00:00+00:00"),
    ],
)
def test_when_a_mute_ends(text: str, zone: str, until: str) -> None:
    assert parse_until(text, NOW, zone).isoformat() == until


@pytest.mark.parametrize(
    "text",
    ["", "3", "3x", "tomorrow", "-3d", "0m", "2020-01-01", "2026-11-26T12:00", "400d", "99999w",
     "2199-01-01", "9999-12-31T23:59-14:00", "2026-13-01", "3d\n; rm"],
)  # fmt: skip
def test_no_end_of_a_mute(text: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_until(text, NOW)
    assert caught.value.hint
    assert "\n" not in str(caught.value)
