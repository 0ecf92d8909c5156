"""Templates with closed placeholders, figures and instants in a channel's style, notices."""

from __future__ import annotations

import copy
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagtide.core.language import NUMBERS
from tagtide.core.messages.notice import Look, as_text, notice, placeholder_values
from tagtide.core.messages.style import Style
from tagtide.core.messages.template import PLACEHOLDERS, parse_template
from tagtide.errors import InvalidInput

ALERT: dict[str, Any] = {
    "type": "alert.firing",
    "alert": {
        "alert_id": "a1",
        "rule": "new_videos",
        "campaign": "Summer",
        "timezone": "America/New_York",
        "hashtag": "glow",
        "state": "firing",
        "value": 1_312.0,
        "threshold": 200.0,
        "reason": "1,312 new videos in 6.1 h by @top1.5, 200 were allowed.",
        "explanation": {"sentence": "One video made 61.5 % of it."},
        "url": "https://www.tiktok.com/tag/glow",
        "opened_at": "2026-07-01T18:05:00Z",
        "updated_at": "2026-07-01T18:05:00Z",
        "resolved_at": None,
        "top_videos": [{"author_username": "tide", "view_count": 1_204_000}],
        "new_videos": 1_312,
        "views_per_hour": 48_200.0,
        "elapsed_hours": 6.1,
    },
}


def same(text: str) -> str:
    return text


def filled(wording: str, look: Look | None = None) -> str:
    style = (look or Look()).style
    values = placeholder_values("alert.firing", ALERT["alert"], style, same)
    return parse_template(wording).filled(values)


@pytest.mark.parametrize(
    ("wording", "shown"),
    [
        ("{kind}: #{hashtag}", "Alert: #glow"),
        ("{campaign} {rule} {state}", "Summer new videos firing"),
        ("{new_videos} of {threshold}", "1,312 of 200"),
        ("{value}", "1,312"),
        ("{views_per_hour}/h over {elapsed_hours} h", "48.2 k/h over 6.1 h"),
        ("{opened_at}", "1 Jul 2026, 14:05 (America/New_York)"),
        ("{resolved_at}", "–"),
        ("{top_creator} {top_views}", "@tide 1.2 M"),
        ("{explanation}", "One video made 61.5 % of it."),
        ("{url}", "https://www.tiktok.com/tag/glow"),
        ("{alert_id}", "a1"),
        ("{{hashtag}}", "{hashtag}"),
        ("{{{hashtag}}}", "{glow}"),
        ("no placeholder", "no placeholder"),
        ("", ""),
        ("100 % $hashtag %(hashtag)s", "100 % $hashtag %(hashtag)s"),
    ],
)
def test_wordings(wording: str, shown: str) -> None:
    assert filled(wording) == shown


@pytest.mark.parametrize(
    ("wording", "said"),
    [
        ("{hashtagg}", "{hashtag}"),
        ("{Hashtag}", "{hashtag}"),
        ("{view_per_hour}", "{views_per_hour}"),
        ("{zzz}", "there are kind, campaign"),
        ("{hashtag.upper}", "only a name"),
        ("{hashtag.__class__.__mro__}", "only a name"),
        ("{hashtag[0]}", "only a name"),
        ("{hashtag!r}", "only a name"),
        ("{hashtag:>1000000000}", "only a name"),
        ("{0}", "only a name"),
        ("{}", "only a name"),
        ("{ hashtag }", "only a name"),
        ("{hashtag", "no partner"),
        ("hashtag}", "no partner"),
        ("{{hashtag}", "no partner"),
        ("{%raw%}", "only a name"),
        ("{hashtag\n}", "only a name"),
        ("{\u202egalthsah}", "only a name"),
        ("x" * 2_001, "2,000 characters"),
    ],
)
def test_wordings_that_are_refused(wording: str, said: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_template(wording)
    assert said in str(caught.value)
    assert str(caught.value).isprintable()


def test_every_placeholder_has_a_value_and_unknown_is_a_dash() -> None:
    assert placeholder_values("alert.firing", ALERT["alert"], Style(), same).keys() == (
        PLACEHOLDERS.keys()
    )
    empty = placeholder_values("alert.firing", {}, Style(), same)
    assert {name for name, value in empty.items() if value != "–"} == {"kind"}


@given(st.text(max_size=200))
def test_what_is_put_in_is_never_read_as_a_wording(text: str) -> None:
    values = dict.fromkeys(PLACEHOLDERS, text)
    assert parse_template("<{reason}|{url}>").filled(values) == f"<{text}|{text}>"


@given(st.text(alphabet="{}ab_", max_size=30))
def test_a_wording_is_taken_whole_or_refused(text: str) -> None:
    try:
        template = parse_template(text)
    except InvalidInput:
        return
    # Nothing but doubled braces was in it: no placeholder has such a name.
    assert template.filled({}) == text.replace("{{", "{").replace("}}", "}")


@pytest.mark.parametrize(
    ("numbers", "shown"),
    [
        ("1,234.5", "1,312 48.2 k 6.1"),
        ("1.234,5", "1.312 48,2 k 6,1"),
        ("1 234,5", "1\u00a0312 48,2 k 6,1"),
        ("1'234.5", "1\u2019312 48.2 k 6.1"),
        ("1234.5", "1312 48.2 k 6.1"),
    ],
)
def test_numbers(numbers: str, shown: str) -> None:
    look = Look(style=Style(numbers))
    assert filled("{new_videos} {views_per_hour} {elapsed_hours}", look) == shown
    assert set(NUMBERS) >= {numbers}


def test_numbers_in_our_sentences_follow_and_strangers_names_do_not() -> None:
    look = Look(style=Style("1.234,5"))
    assert filled("{reason}", look) == "1.312 new videos in 6,1 h by @top1.5, 200 were allowed."
    assert filled("{explanation}", look) == "One video made 61,5 % of it."


def test_what_a_campaign_is_set_to_goes_before_what_the_channel_is_set_to() -> None:
    alert = {**ALERT["alert"], "numbers": "1.234,5", "clock": "12h"}
    said = notice({**ALERT, "alert": alert}, Look(style=Style("1 234,5", "24h")), same)
    facts = dict(said.facts)
    assert (facts["New videos"], facts["Measured over"]) == ("1.312", "6,1 h")
    assert facts["Began"] == "1 Jul 2026, 2:05 pm (America/New_York)"
    odd = {**ALERT["alert"], "numbers": "1/2", "clock": 5}
    assert dict(notice({**ALERT, "alert": odd}, Look(), same).facts)["New videos"] == "1,312"


@pytest.mark.parametrize(
    ("hour", "minute", "shown"),
    [(0, 5, "12:05 am"), (11, 59, "11:59 am"), (12, 0, "12:00 pm"), (23, 1, "11:01 pm")],
)
def test_a_clock_of_twelve_hours(hour: int, minute: int, shown: str) -> None:
    at = datetime(2026, 11, 20, hour, minute, tzinfo=UTC)
    assert Style(clock="12h").instant(at, ZoneInfo("UTC")) == f"20 Nov 2026, {shown} (UTC)"


def test_the_hour_that_comes_twice_has_its_zone() -> None:
    zone = ZoneInfo("Europe/Paris")
    shown = Style().instant(datetime(2026, 10, 25, 1, 30, tzinfo=UTC), zone)
    assert shown == "25 Oct 2026, 02:30 (Europe/Paris)"


# --- notices --------------------------------------------------------------------------------------


def test_an_alert_says_everything_once() -> None:
    said = notice(ALERT, Look(home="https://ours.example/"), same)
    assert said.title == "Alert: #glow"
    assert said.text.startswith("1,312 new videos")
    assert said.explanation == "One video made 61.5 % of it."
    assert dict(said.facts)["Began"] == "1 Jul 2026, 14:05 (America/New_York)"
    assert "Ended" not in dict(said.facts)
    text = as_text(said)
    for part in (said.text, said.explanation, "@tide - 1.2 M views", "https://ours.example/"):
        assert text.count(part) == 1


def test_a_wording_of_ones_own_replaces_title_and_text() -> None:
    look = Look(title=parse_template("{hashtag}!\nx"), text=parse_template("{reason}\n{url}"))
    said = notice(ALERT, look, str.upper)
    assert said.title == "GLOW! x"
    assert said.text.splitlines()[1] == "https://www.tiktok.com/tag/glow"
    assert said.text.startswith("1,312 NEW VIDEOS")
    assert said.explanation == ""


def test_a_digest() -> None:
    items = [copy.deepcopy(ALERT["alert"]) for _ in range(20)]
    period = {"since": "2026-07-01T00:00:00Z", "until": "2026-07-02T00:00:00Z"}
    digest = {"type": "digest", "campaign": "Summer", "timezone": "UTC", "period": period}
    said = notice({**digest, "items": items, "more": 4}, Look(), same)
    assert said.title == "Digest: 24 alerts, Summer"
    assert said.text == "From 1 Jul 2026, 00:00 (UTC) to 2 Jul 2026, 00:00 (UTC)."
    assert len(said.items) == 15
    assert said.note.startswith("9 more alerts")
    assert said.items[0][0].startswith("Firing, #glow: 1,312 new videos")
    empty = notice({"type": "digest"}, Look(), same)
    assert (empty.title, empty.items, empty.note) == ("Digest: 0 alerts", (), "")


def test_tagtide_about_itself() -> None:
    begun = {"type": "self.firing", "condition": "credits", "message": "None left.", "hint": "Buy."}
    said = notice(begun, Look(), same)
    assert (said.title, said.text, said.note) == ("tagtide needs attention", "None left.", "Buy.")
    ended = notice({**begun, "type": "self.resolved"}, Look(), same)
    assert (ended.title, ended.note, ended.is_good_news) == ("tagtide works again", "", True)


_JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(
    st.sampled_from(["alert.firing", "digest", "self.firing", "test", "new.kind"]),
    st.dictionaries(st.sampled_from([*ALERT["alert"], "items", "period", "more"]), _JSON),
)
def test_no_payload_makes_it_fail(kind: str, facts: dict[str, Any]) -> None:
    for payload in ({"type": kind, "alert": facts}, {"type": kind, **facts}, facts):
        said = notice(payload, Look(title=parse_template("{url}{reason}")), same)
        assert isinstance(as_text(said), str)
        assert "\n" not in said.title
