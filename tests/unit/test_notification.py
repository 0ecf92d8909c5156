"""The neutral message: plain JSON that the published schema describes."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagtide.core.messages.notification import (
    alert_facts,
    check_payload,
    digest_payload,
    notification_payload,
    self_payload,
)
from tagtide.models import Alert, AlertState, Rule

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
SCHEMA = json.loads(
    (Path(__file__).resolve().parents[2] / "docs" / "webhook.schema.json").read_text("utf-8")
)
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)

ALERT = Alert(
    alert_id="a1",
    fingerprint="f",
    campaign_id=1,
    rule=Rule.NEW_VIDEOS,
    hashtag="glow",
    video_id=None,
    state=AlertState.FIRING,
    opened_at=NOW,
    updated_at=NOW,
    resolved_at=None,
    value=250.0,
    threshold=200.0,
    peak=250.0,
    reason="It is 250.",
    url="https://www.tiktok.com/tag/glow",
    data={"new_videos": 250, "elapsed_hours": 6.0},
)
VIDEO = {
    "video_id": "7350810998023949599",
    "author_username": None,
    "view_count": None,
    "url": "https://www.tiktok.com/@_/video/7350810998023949599",
    "caption": "<!channel>",
}


def checked(payload: dict[str, Any]) -> dict[str, Any]:
    """The payload as a receiver reads it; it must be as the schema says."""
    received = json.loads(json.dumps(payload, allow_nan=False))
    VALIDATOR.validate(received)
    assert received == payload
    return dict(received)


@pytest.mark.parametrize(
    ("kind", "kind_of_message"),
    [("firing", "alert.firing"), ("update", "alert.updated"), ("resolved", "alert.resolved")],
)
def test_an_alert_with_every_field(kind: str, kind_of_message: str) -> None:
    ended = replace(ALERT, state=AlertState.RESOLVED, resolved_at=NOW + timedelta(hours=1))
    alert = ended if kind == "resolved" else ALERT
    payload = checked(notification_payload(alert, "Summer", kind, timezone="Europe/Paris"))
    assert (payload["version"], payload["type"]) == (1, kind_of_message)
    assert payload["alert"] == {
        "alert_id": "a1",
        "rule": "new_videos",
        "campaign": "Summer",
        "timezone": "Europe/Paris",
        "numbers": None,
        "clock": None,
        "hashtag": "glow",
        "video_id": None,
        "state": "resolved" if kind == "resolved" else "firing",
        "value": 250,
        "threshold": 200,
        "reason": "It is 250.",
        "explanation": None,
        "url": "https://www.tiktok.com/tag/glow",
        "opened_at": "2026-03-01T12:00:00Z",
        "updated_at": "2026-03-01T12:00:00Z",
        "resolved_at": "2026-03-01T13:00:00Z" if kind == "resolved" else None,
        "top_videos": [],
        "new_videos": 250,
        "views_per_hour": None,
        "elapsed_hours": 6.0,
    }


def test_an_explanation_and_videos_go_with_it() -> None:
    explained = {"sentence": "One video made 61 % of it.", "shares": [0.61]}
    alert = replace(ALERT, data={"explanation": explained, "top_videos": [VIDEO]})
    facts = checked(notification_payload(alert, "Summer", "firing"))["alert"]
    assert facts["explanation"] == explained
    assert facts["top_videos"] == [VIDEO]
    assert facts["new_videos"] is None


def test_a_digest() -> None:
    items = [alert_facts(ALERT, "Summer"), alert_facts(ALERT, "Winter")]
    made = checked(digest_payload(items, since=NOW - timedelta(days=1), until=NOW, more=3))
    assert made["period"] == {"since": "2026-02-28T12:00:00Z", "until": "2026-03-01T12:00:00Z"}
    assert (made["campaign"], made["more"], len(made["items"])) == (None, 3, 2)
    checked(digest_payload([], since=NOW, until=NOW, campaign="Summer", timezone="Asia/Tokyo"))


def test_a_message_about_tagtide_itself() -> None:
    begun = checked(self_payload("credits", "There are no credits left.", "Add some."))
    ended = checked(self_payload("credits", "There are credits again.", is_firing=False))
    assert (begun["type"], begun["hint"]) == ("self.firing", "Add some.")
    assert (ended["type"], ended["hint"]) == ("self.resolved", None)
    assert begun["condition"] == ended["condition"]


def test_a_test_message_says_that_it_is_one() -> None:
    made = checked(check_payload("team", NOW))
    assert made["type"] == "test"
    assert "Test" in made["text"]


@given(
    st.text(),
    st.one_of(st.none(), st.integers(0, 2**63 - 1)),
    st.one_of(st.none(), st.floats(0, 1e12)),
)
def test_whatever_strangers_write_it_is_as_the_schema_says(
    text: str, count: int | None, rate: float | None
) -> None:
    video = VIDEO | {"caption": text, "author_username": text, "view_count": count}
    data = {"top_videos": [video], "new_videos": count, "views_per_hour": rate}
    alert = replace(ALERT, reason=text, hashtag=text, data=data)
    checked(notification_payload(alert, text, "firing"))


@pytest.mark.parametrize(
    "broken",
    [
        {"version": 2},
        {"type": "alert.escalated"},
        {"alert": None},
        {"alert": {"alert_id": "a1"}},
    ],
)
def test_the_schema_refuses_what_is_no_message(broken: dict[str, Any]) -> None:
    payload = notification_payload(ALERT, "Summer", "firing")
    assert not VALIDATOR.is_valid(payload | broken)
