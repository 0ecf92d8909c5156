"""A report as a message: what it says, what it says first, and what it never leads to."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from report_examples import CAMPAIGN, campaign_facts, weekly_facts
from report_facts import NOW
from tagtide.channels.webhook import encode
from tagtide.core.language import speaking
from tagtide.core.messages.campaign import campaign_blocks, daily_blocks
from tagtide.core.messages.notice import Look, as_text, notice
from tagtide.core.messages.report_message import (
    ReportAddresses,
    figures_of,
    report_payload,
    what_is_missing,
)
from tagtide.core.messages.style import Style
from tagtide.core.messages.weekly import weekly_blocks
from tagtide.core.reports.campaign import build_campaign, build_daily
from tagtide.core.reports.weekly import build_weekly
from tagtide.core.subscriptions import fingerprint, is_mail_address, masked_address, parse_files
from tagtide.errors import InvalidInput
from tagtide.languages import find_language
from tagtide.models import MessageFile

SCHEMA = Path(__file__).resolve().parents[2] / "docs" / "webhook.schema.json"
VALIDATOR = jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text("utf-8")))
HOME = "https://tagtide.example.com"
ADDRESSES = ReportAddresses(
    report=f"{HOME}/shared/s", charts=f"{HOME}/shared/s", unsubscribe=f"{HOME}/unsubscribe/u"
)
FILES = (
    MessageFile(name="c.png", media_type="image/png", content=b"1", shows="It grew"),
    MessageFile(name="r.pdf", media_type="application/pdf", content=b"12"),
)


def payload(kind: str, **changes: Any) -> dict[str, Any]:
    if kind == "weekly":
        report = build_weekly(weekly_facts())
        blocks = weekly_blocks(report)
    else:
        campaign = build_daily(campaign_facts()) if kind == "daily" else build_campaign(_facts())
        report = campaign  # type: ignore[assignment]
        blocks = daily_blocks(campaign) if kind == "daily" else campaign_blocks(campaign)
    values: dict[str, Any] = {
        "kind": kind,
        "title": f"{kind}: Glow up",
        "day": report.on,
        "as_of": report.as_of,
        "blocks": blocks,
        "missing": what_is_missing(blocks, report.as_of, report.as_of),
        "addresses": ADDRESSES,
        "files": FILES,
    }
    return report_payload(CAMPAIGN, **values | changes)


def _facts() -> Any:
    return campaign_facts()


@pytest.mark.parametrize("kind", ["daily", "campaign", "weekly"])
def test_every_kind_is_as_the_schema_says_and_fits_a_webhook(kind: str) -> None:
    made = payload(kind)
    received = json.loads(encode(made))
    VALIDATOR.validate(received)
    assert received == made
    assert made["sentence"]
    assert 3 <= len(made["figures"]) <= 8
    assert any(figure["change"] for figure in made["figures"])
    assert made["attachments"] == [{"name": "r.pdf", "media_type": "application/pdf", "size": 2}]


def test_one_that_could_not_be_made_is_as_the_schema_says_too() -> None:
    made = payload("daily", as_of=None, blocks=(), missing=["There is none."], files=())
    VALIDATOR.validate(json.loads(encode(made)))
    assert (made["sentence"], made["figures"], made["charts"]) == (None, [], [])
    said = notice(made, Look(home=f"{HOME}/"), str)
    assert as_text(said).startswith("There is none.\n")


def test_a_weekly_report_has_its_first_rows_as_figures() -> None:
    report = build_weekly(weekly_facts())
    found = figures_of(weekly_blocks(report))
    assert [figure.label for figure in found] == [f"#{row.hashtag}" for row in report.rows]
    assert [figure.number for figure in found] == [row.view_count for row in report.rows]


def test_old_readings_are_said_before_hashtags_that_failed() -> None:
    report = build_daily(campaign_facts())
    blocks = daily_blocks(report)
    fresh = what_is_missing(blocks, report.as_of, report.as_of + timedelta(hours=24))
    old = what_is_missing(blocks, report.as_of, report.as_of + timedelta(hours=25))
    assert old[0].startswith("The newest reading is 25 h old")
    assert old[1:] == fresh
    text = as_text(notice(payload("daily", missing=old), Look(), str))
    assert text.index("25 h old") < text.index("new videos since")


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/shared/s",
        f"{HOME}.evil.example/",
        f"{HOME}/shared/s\r\nBcc: x@y.test",
        f"{HOME}/shared/<s>",
        f"{HOME}/shared/s'onclick=",
        f"{HOME}/{'a' * 1000}",
        "javascript:alert(1)",
        7,
        None,
    ],
)
def test_it_leads_to_our_own_pages_alone(url: Any) -> None:
    made = payload("campaign")
    made |= {"url": url, "unsubscribe": url, "charts": [{"title": "x", "url": url}]}
    said = notice(made, Look(home=f"{HOME}/"), str)
    assert (said.report, said.unsubscribe) == (None, None)
    assert [picture.url for picture in said.pictures] == [None]
    good = notice(payload("campaign"), Look(home=f"{HOME}/"), str)
    assert good.report == f"{HOME}/shared/s"
    assert good.unsubscribe == f"{HOME}/unsubscribe/u"


def test_addresses_files_and_likes() -> None:
    assert masked_address("ana@ours.test") == "a***@ours.test"
    assert is_mail_address("a.b+c@x-y.example.com")
    assert not is_mail_address("a@b\n")
    assert parse_files(["XLSX", "pdf", "pdf"]) == ("pdf", "xlsx")
    with pytest.raises(InvalidInput):
        parse_files(["exe"])
    ours = fingerprint(1, "daily", "mail", "Ana", "ana@ours.test")
    assert ours == fingerprint(1, "daily", "mail", "Ben", "ANA@ours.test")
    assert ours != fingerprint(1, "daily", "mail", "ana@ours.test", None)


def test_a_german_report_is_told_in_german_and_its_figures_stay_as_they_look() -> None:
    with speaking(find_language("de").looking("1.234,5", None)):
        made = payload("daily")
        old = what_is_missing((), NOW - timedelta(days=2), NOW)
    assert old == [
        "Die neueste Messung liegt 2 Tage zurück: Was danach geschah, steht nicht in diesem "
        "Bericht."
    ]
    assert made["language"] == "de"
    other = Style("1,234.5")
    said = notice(made, Look(style=other, home=f"{HOME}/", find_language=find_language), str)
    assert [value for _, value in said.facts] == [
        " ".join(filter(None, (f["value"], f["change"], f"({f['note']})" if f["note"] else "")))
        for f in made["figures"]
    ]
    assert any(re.search(r"\d,\d", value) for _, value in said.facts)
    assert (said.report_label, said.note) == ("Bericht öffnen", "Angehängt: r.pdf.")
    assert said.text == made["sentence"]
    # What a payload calls a language is no path, and English where there is none.
    strange = notice(made | {"language": "../../x"}, Look(find_language=find_language), str)
    assert strange.language == "en"
