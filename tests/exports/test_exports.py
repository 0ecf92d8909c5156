from __future__ import annotations

import csv
import io
import json
from dataclasses import fields, replace
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from report_facts import NOW, AVideo, counters, reading, totals_at
from spreadsheet_texts import CORPUS
from tagtide.core.desk import DeskState, RightsChannel
from tagtide.core.metrics import creators
from tagtide.core.spreadsheet import defend, undefend
from tagtide.errors import InvalidInput
from tagtide.exports import KINDS, export_rows
from tagtide.models import Alert, AlertState, Rule
from tagtide.services.views.desk import DeskLine, LedgerRight, RightLine, RightStatus

VIDEO = AVideo(
    "7500000000000000001",
    counters(12_345, 900, 40, 10, 7),
    caption='A "quoted", two\nline caption 护肤',
    author_followers=None,
    high_priority_at=NOW,
    hashtags=("glowup", "newglow"),
    first_seen_at=NOW + timedelta(hours=5),
)
FIRST_COLUMNS = [
    "video_id",
    "hashtag",
    "author_username",
    "author_sec_uid",
    "title",
    "view_count",
    "like_count",
    "comment_count",
    "share_count",
    "engagement_rate",
    "high_priority",
    "created_at",
    "collected_date",
]

ALERT = Alert(
    alert_id="a1",
    fingerprint="f",
    campaign_id=1,
    rule=Rule.GROWTH,
    hashtag="glowup",
    video_id=None,
    state=AlertState.FIRING,
    opened_at=NOW,
    updated_at=NOW,
    resolved_at=None,
    value=1.5,
    threshold=0.5,
    peak=1.5,
    reason="=cmd",
    url="https://www.tiktok.com/tag/glowup",
)
LINE = DeskLine(
    campaign_id=1,
    campaign="Glow",
    timezone="UTC",
    video_id="1",
    url="https://www.tiktok.com/@a/video/1",
    hashtag="glowup",
    author_username="=cmd",
    author_followers=None,
    caption="",
    view_count=None,
    engagement_rate=None,
    high_priority=False,
    created_at=None,
    first_seen_at=NOW,
    read_at=NOW,
    state=DeskState.GRANTED,
    version=1,
    assignee=None,
    labels=(),
    asked_at=None,
    changed_at=NOW,
    changed_by="ann",
    next_end_at=None,
)
RIGHT = RightLine(
    right=1,
    status=RightStatus.STANDING,
    channels=(RightsChannel.ORGANIC, RightsChannel.WEBSITE),
    territory=("FR",),
    edits=None,
    is_paid=True,
    fee_amount="150.00",
    fee_currency="EUR",
    fee_note=None,
    granted_at=NOW,
    expires_at=None,
    revoked_at=None,
    evidence="@yes",
    evidence_url=None,
    evidence_at=None,
    spark_code=None,
    spark_expires_at=None,
    recorded_at=NOW,
    recorded_by="ann",
)
ROWS = {
    "rights": [LedgerRight(line=LINE, right=RIGHT)],
    "videos": [VIDEO, replace(VIDEO, video_id="2", counters=counters(None, None))],
    "creators": creators([VIDEO]),
    "readings": [totals_at("glowup", NOW, 5, None), reading("2", NOW, counters(5, 1))],
    "alerts": [ALERT],
}


#: By kind: the text columns that anyone outside may fill, and a row with a text in one of them.
FILLED = {
    "videos": lambda column, text: AVideo("1", counters(5), **{column: text}),
    "creators": lambda column, text: creators([AVideo("1", counters(5), **{column: text})])[0],
    "alerts": lambda column, text: replace(ALERT, **{column: text}),
    "rights": lambda column, text: (
        LedgerRight(line=replace(LINE, **{column: text}), right=RIGHT)
        if column in {field.name for field in fields(LINE)}
        else LedgerRight(line=LINE, right=replace(RIGHT, **{column: text}))
    ),
}
TEXTS = [
    ("videos", "title", "caption"),
    ("videos", "author_username", "author_username"),
    ("videos", "author_sec_uid", "author_sec_uid"),
    ("videos", "hashtag", "hashtag"),
    ("creators", "author_username", "author_username"),
    ("creators", "author_nickname", "author_nickname"),
    ("creators", "author_sec_uid", "author_sec_uid"),
    ("alerts", "reason", "reason"),
    ("alerts", "hashtag", "hashtag"),
    ("alerts", "url", "url"),
    ("rights", "author_username", "author_username"),
    ("rights", "campaign", "campaign"),
    ("rights", "evidence", "evidence"),
    ("rights", "evidence_url", "evidence_url"),
    ("rights", "fee_note", "fee_note"),
    ("rights", "spark_code", "spark_code"),
    ("rights", "recorded_by", "recorded_by"),
]


def written(kind: str, rows: object, format_: str = "csv", **options: object) -> str:
    stream = io.StringIO(newline="")
    export_rows(kind, rows, format_, stream, **options)  # type: ignore[arg-type]
    return stream.getvalue()


def parsed(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline=""), strict=True))


def test_videos_have_the_promised_columns_in_order() -> None:
    header = written("videos", []).removesuffix("\r\n").split(",")
    assert header[:13] == FIRST_COLUMNS
    assert header[13:] == [
        "save_count",
        "engagement",
        "author_followers",
        "hashtags",
        "first_seen_at",
        "read_at",
        "url",
    ]


def test_a_video_as_csv() -> None:
    first, unknown = parsed(written("videos", ROWS["videos"], zone=ZoneInfo("Pacific/Auckland")))
    expected = {
        "video_id": "7500000000000000001",
        "title": 'A "quoted", two\nline caption 护肤',
        "view_count": "12345",
        "engagement_rate": "0.076954",
        "high_priority": "1",
        "created_at": "2026-11-17T07:00:00Z",
        "collected_date": "2026-11-21",
        "author_followers": "",
        "hashtags": "glowup newglow",
        "url": "https://www.tiktok.com/@jane/video/7500000000000000001",
    }
    assert {key: first[key] for key in expected} == expected
    assert (unknown["view_count"], unknown["engagement_rate"], unknown["engagement"]) == (
        "",
        "",
        "",
    )


def test_a_video_as_json_lines() -> None:
    first, unknown = map(json.loads, written("videos", ROWS["videos"], "jsonl").splitlines())
    assert first["video_id"] == "7500000000000000001"
    assert first["title"] == VIDEO.caption
    assert (first["view_count"], first["high_priority"]) == (12_345, True)
    assert first["hashtags"] == ["glowup", "newglow"]
    assert unknown["view_count"] is None


@pytest.mark.parametrize("format_", ["csv", "jsonl"])
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_in_every_format(kind: str, format_: str) -> None:
    stream = io.StringIO(newline="")
    assert export_rows(kind, ROWS[kind], format_, stream) == len(ROWS[kind])
    text = stream.getvalue()
    rows = parsed(text) if format_ == "csv" else [json.loads(line) for line in text.splitlines()]
    assert [tuple(row) for row in rows] == [KINDS[kind][0]] * len(ROWS[kind])


def test_rows_are_streamed() -> None:
    stream = io.StringIO(newline="")

    def rows():
        yield VIDEO
        assert VIDEO.video_id in stream.getvalue()
        yield VIDEO

    assert export_rows("videos", rows(), "csv", stream) == 2


def test_byte_order_mark_only_when_asked() -> None:
    assert written("videos", [], bom=True).startswith("\ufeffvideo_id,")
    assert written("videos", []).startswith("video_id,")


@pytest.mark.parametrize(("kind", "format_"), [("nothing", "csv"), ("videos", "xls")])
def test_unknown_kinds_and_formats_are_refused(kind: str, format_: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        written(kind, [], format_)
    assert caught.value.hint


# --- formulas -------------------------------------------------------------------------------------

FORMULA = "=+-@\t\r\n\0＝＋－＠"
SKIPPED = " '\"\ufeff\u00a0\u3000\u200b"


def test_the_corpus_is_large_enough() -> None:
    assert len(set(CORPUS)) >= 250


@pytest.mark.parametrize(("kind", "column", "field"), TEXTS)
def test_no_text_of_the_corpus_is_a_formula_in_any_column(
    kind: str, column: str, field: str
) -> None:
    rows = parsed(written(kind, [FILLED[kind](field, text) for text in CORPUS]))
    (plain,) = parsed(written(kind, [FILLED[kind](field, "plain")]))
    assert len(rows) == len(CORPUS)
    for row, text in zip(rows, CORPUS, strict=True):
        assert None not in row, "no column was shifted"
        assert {**row, column: "", "url": ""} == {**plain, column: "", "url": ""}
        assert not starts_a_formula(row[column])
        assert undefend(row[column]) == text
        for delimiter in ",;|\t\n":
            assert not any(
                starts_a_formula(cell, later=True) for cell in row[column].split(delimiter)[1:]
            )


def test_the_judge_sees_the_formulas_of_a_file_without_the_defence() -> None:
    """Negative control: the same corpus as it is."""
    rows = parsed(written("videos", [FILLED["videos"]("caption", t) for t in CORPUS], raw=True))
    computed = [row["title"] for row in rows if starts_a_formula(row["title"])]
    assert len(computed) > 100


def starts_a_formula(cell: str, *, later: bool = False) -> bool:
    """What a spreadsheet would compute: judged without the pattern under test."""
    if cell.startswith("'"):
        return False
    rest = cell.lstrip('"\ufeff' if later else SKIPPED)
    return rest[:1] in set("=+-@＝＋－＠" if later else FORMULA)


def test_raw_text_is_for_machines() -> None:
    (row,) = parsed(written("videos", [replace(VIDEO, caption="=1+1")], raw=True))
    assert row["title"] == "=1+1"


def test_ordinary_text_stays_as_it_is() -> None:
    for text in ("thanks, @jane - love it", "a-b", "5 - 3", "x = y", "it's"):
        assert defend(text) == text


@settings(max_examples=400, deadline=None)
@given(st.text("=+-@\t\r\n\0＝ ',;|\"\ufeffa", max_size=12) | st.text(max_size=30))
def test_every_text_comes_back(text: str) -> None:
    assert undefend(defend(text)) == text
    assert not starts_a_formula(defend(text))


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_a_row_survives_the_file(text: str) -> None:
    (row,) = parsed(written("videos", [replace(VIDEO, caption=text)]))
    assert undefend(row["title"]) == text
    (line,) = written("videos", [replace(VIDEO, caption=text)], "jsonl").splitlines()
    assert json.loads(line)["title"] == text


@pytest.mark.parametrize("format_", ["csv", "jsonl"])
def test_a_lone_surrogate_does_not_break_the_file(format_: str) -> None:
    text = written("videos", [replace(VIDEO, caption="a\ud800b")], format_)
    assert text.encode("utf-8")


def test_negative_numbers_are_numbers() -> None:
    (row,) = parsed(written("alerts", [replace(ALERT, value=-2.5)]))
    assert (row["value"], row["reason"]) == ("-2.5", "'=cmd")
