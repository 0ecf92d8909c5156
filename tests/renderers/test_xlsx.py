"""Workbooks: what stands in each cell, what never does, and that the bytes are the same."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import fields, replace
from datetime import UTC, date, datetime, timedelta
from io import BytesIO
from pathlib import Path
from xml.etree import ElementTree as ET
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tagtide.workbook
from report_examples import (
    BLOCKS,
    HOSTILE_BLOCKS,
    campaign_facts,
    every_kind,
    weekly_facts,
)
from report_facts import NOW, AVideo, counters
from spreadsheet_texts import CORPUS
from tagtide.core.messages import Cell, Column, Figure, Heading, KeyFigures, Kind, Note, Table
from tagtide.core.messages.appendix import FullTable, campaign_appendix, weekly_appendix
from tagtide.core.messages.campaign import campaign_blocks, daily_blocks
from tagtide.core.messages.weekly import weekly_blocks
from tagtide.core.reports.campaign import CampaignReport, build_campaign, build_daily
from tagtide.core.reports.weekly import build_weekly
from tagtide.core.spreadsheet import LONGEST_TEXT, could_compute, defend, fitting, sheet_name
from tagtide.renderers import render_xlsx
from tagtide.renderers.xlsx import number_format
from tagtide.workbook import Look, Workbook
from workbook_reader import ReadBook, ReadSheet, Value, instant, read_workbook

PARIS = "Europe/Paris"


def of_campaign(report: CampaignReport) -> ReadBook:
    blocks = daily_blocks(report) if report.kind == "daily" else campaign_blocks(report)
    return read_workbook(
        render_xlsx(
            blocks,
            as_of=report.as_of,
            timezone=report.timezone,
            appendix=campaign_appendix(report),
        )
    )


@pytest.fixture(scope="module")
def report() -> CampaignReport:
    return build_campaign(campaign_facts())


@pytest.fixture(scope="module")
def book(report: CampaignReport) -> ReadBook:
    return of_campaign(report)


def put(*values: object, look: Look | None = None) -> ReadSheet:
    """Values below each other, as the one module that writes cells writes them."""
    file = BytesIO()
    workbook = Workbook(file, created=NOW, zone=ZoneInfo(PARIS))
    sheet = workbook.sheet("Values")
    for row, value in enumerate(values):
        sheet.put(row, 0, value, look or Look())  # type: ignore[arg-type]
    workbook.close()
    read = read_workbook(file.getvalue())
    assert read.dangers == []
    return read.sheets["Values"]


# --- strangers' text ------------------------------------------------------------------------------


def test_no_text_of_the_corpus_computes_leads_or_shifts_in_any_text_column() -> None:
    columns = [f.name for f in fields(AVideo) if f.type == "str" or f.type == "str | None"]
    assert {"caption", "author_username", "author_nickname", "author_sec_uid"} <= set(columns)
    videos = [
        AVideo(str(10**18 + n), counters(n + 1, 1, 1, 1, 1), author_key=str(n))
        for n in range(len(CORPUS))
    ]
    for column in ("caption", "author_username", "author_nickname", "hashtag"):
        filled = [replace(v, **{column: t}) for v, t in zip(videos, CORPUS, strict=True)]
        report = build_campaign(replace(campaign_facts(), videos=filled))
        book = of_campaign(report)
        assert book.dangers == []
        sheet = book.sheets["All videos"]
        title = {
            "caption": "Caption",
            "author_username": "Creator",
            "author_nickname": "Creator's name",
            "hashtag": "First under",
        }[column]
        # The table begins with the most views.
        assert sheet.column(title) == [fitting(text) or None for text in reversed(CORPUS)]
        assert sheet.column("Views") == [float(n) for n in range(len(CORPUS), 0, -1)]
        assert sheet.column("Video") == [v.video_id for v in reversed(videos)]
        at = sheet.titles.index(title)
        assert {row for row, c in sheet.quoted if c == at} == {
            row for row, text in enumerate(reversed(CORPUS), 1) if could_compute(text)
        }


def test_what_a_csv_defends_at_its_beginning_a_workbook_marks() -> None:
    """The two agree: the apostrophe is in the text there, and beside it here."""
    for text in CORPUS:
        assert could_compute(text) == (text != "" and defend(text)[:1] == "'" != text[:1]) or (
            text.startswith("'")
        )


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(max_size=30), max_size=20))
def test_every_text_comes_back(texts: list[str]) -> None:
    sheet = put(*texts)
    assert [sheet.cells.get((row, 0)) for row in range(len(texts))] == [t or None for t in texts]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text("<r>/&_x0a=\r\n\t \0😀", max_size=24), max_size=20))
def test_every_text_of_markup_comes_back(texts: list[str]) -> None:
    marked = [f"<r>{text}</r>" for text in texts]
    sheet = put(*marked)
    assert [sheet.cells[row, 0] for row in range(len(texts))] == marked


def test_a_text_that_is_too_long_ends_in_an_ellipsis() -> None:
    """Excel counts UTF-16 units, and calls a file with more than 32,767 in a cell broken."""
    texts = [
        "a" * 40_000,
        "😀" * 20_000,
        "a" + "😀" * 20_000,
        "a" * 32_767,
        "<r>" * 20_000 + "</r>",
    ]
    for text, value in zip(texts, put(*texts).cells.values(), strict=True):
        assert isinstance(value, str)
        assert len(value.encode("utf-16-le")) // 2 <= LONGEST_TEXT
        assert value == text or (value.endswith("…") and text.startswith(value[:-1]))
    assert fitting("a" * 32_767) == "a" * 32_767


def test_a_lone_surrogate_does_not_break_the_file() -> None:
    assert put("a\ud800b").cells[0, 0] == "a\ufffdb"


@pytest.mark.parametrize("what", HOSTILE_BLOCKS)
def test_hostile_reports_hold_nothing_that_computes_or_leads(what: str) -> None:
    book = read_workbook(render_xlsx(HOSTILE_BLOCKS[what], as_of=NOW, timezone="UTC"))
    assert book.dangers == []


def test_links_stand_as_text_beside_and_lead_to_tiktok_alone() -> None:
    rows = tuple(
        (Cell(str(n), link=link),)
        for n, link in enumerate(
            ["https://www.tiktok.com/@jane/video/7", "https://evil.example", "=1+1", None]
        )
    )
    blocks = [Table("Linked", (Column("Video"),), rows)]
    sheet = read_workbook(render_xlsx(blocks, as_of=NOW, timezone="UTC")).sheets["Linked"]
    assert sheet.titles == ["Video", "Video link"]
    assert sheet.column("Video link") == ["https://www.tiktok.com/@jane/video/7", *[None] * 3]


def write_as_formula(sheet, row, column, text, shown):
    sheet.write_formula(row, column, "=1+1", shown)


def write_as_link(sheet, row, column, text, shown):
    sheet.write_url(row, column, "https://evil.example", shown, text)


def write_as_markup(sheet, row, column, text, shown):
    sheet.write_string(row, column, text, shown)


@pytest.mark.parametrize("write", [write_as_formula, write_as_link, write_as_markup])
def test_the_checks_notice_what_they_are_for(write, monkeypatch: pytest.MonkeyPatch) -> None:
    """Negative controls: the same texts by the other calls of the library."""
    texts = ["a", "<r></si><si><t>x</t></si><si><r></r>", "last"]
    assert [*put(*texts).cells.values()] == texts

    def put_text(self, row, column, text, look):
        write(self._sheet, row, column, text, self._book.format(look))

    monkeypatch.setattr(tagtide.workbook.Sheet, "_put_text", put_text)
    assert not holds(*texts)


def holds(*texts: str) -> bool:
    try:
        return [*put(*texts).cells.values()] == [*texts]
    except (AssertionError, ET.ParseError):
        return False


# --- numbers, dates, names ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0, 0.0),
        (-3, -3.0),
        (1.5, 1.5),
        (2**53, float(2**53)),
        (2**53 + 1, "9007199254740993"),
        (-(10**30), str(-(10**30))),
        (True, True),
        (False, False),
        (None, None),
        ("", None),
        (float("nan"), None),
        (float("inf"), None),
    ],
)
def test_values_are_what_they_are(value: object, expected: Value | None) -> None:
    assert repr(put(value).cells.get((0, 0))) == repr(expected)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (datetime(2026, 11, 20, 7, 5, 9, tzinfo=UTC), "2026-11-20 08:05:09"),
        (datetime(2026, 7, 1, 23, tzinfo=UTC), "2026-07-02 01:00:00"),
        (datetime(2026, 10, 25, 0, 30, tzinfo=UTC), "2026-10-25 02:30:00"),
        (datetime(2026, 10, 25, 1, 30, tzinfo=UTC), "2026-10-25 02:30:00"),
        (date(2026, 11, 20), "2026-11-20 00:00:00"),
        (datetime(9999, 12, 30, tzinfo=UTC), "9999-12-30 01:00:00"),
    ],
)
def test_dates_are_on_the_wall_clock_of_the_zone(value: date, expected: str) -> None:
    assert str(instant(put(value).cells[0, 0])) == expected


def test_dates_that_no_spreadsheet_counts_are_text() -> None:
    sheet = put(datetime(1, 1, 1, tzinfo=UTC), datetime.max.replace(tzinfo=UTC), date(1899, 1, 1))
    assert [*sheet.cells.values()] == ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "1899-01-01"]


@pytest.mark.parametrize(
    ("text", "value", "expected"),
    [
        ("12.3 k", 12_345, "#,##0"),
        ("9,876", 9_876, "#,##0"),
        ("39.1 B", 39_100_000_000, "#,##0"),
        ("5.3 %", 0.053, "0.0%"),
        ("+12.5 %", 0.125, "+0.0%;-0.0%;0.0%"),
        ("↑ +1.2 M", 1_200_000, "+#,##0;-#,##0;#,##0"),
        ("↓ −340*", -340, '+#,##0"*";-#,##0"*";#,##0"*"'),
        ("↑ +1.2 M*†", 1_200_000, '+#,##0"*†";-#,##0"*†";#,##0"*†"'),
        ("50.2 ×", 50.21, '#,##0.0" ×"'),
        ("3.4", 3.41, "#,##0.0"),
        ("$0.045", 0.045, "#,##0.000"),
        ("24.2 h", 24.2, '#,##0.0" h"'),
        ("3 d", 72.0, '#,##0.0" h"'),
        ("+12 new", 12, '+#,##0" new";-#,##0" new";#,##0" new"'),
        ("newest", NOW, "yyyy-mm-dd hh:mm"),
    ],
)
def test_a_number_is_shown_as_its_text_shows_it(text: str, value: object, expected: str) -> None:
    assert number_format(text, value) == expected  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("title", "taken", "expected"),
    [
        ("Top videos by views", [], "Top videos by views"),
        ("High priority: 5 videos", [], "High priority 5 videos"),
        ("a[b]c:d*e?f/g\\h", [], "a b c d e f g h"),
        ("'quoted'", [], "quoted"),
        ("", [], "Sheet"),
        ("''", [], "Sheet"),
        ("History", [], "History of it"),
        ("Videos", ["videos"], "Videos 2"),
        ("Videos", ["videos", "videos 2"], "Videos 3"),
        ("x" * 40, [], "x" * 31),
        ("x" * 40, ["x" * 31], "x" * 29 + " 2"),
        ("x" * 30 + "'y", [], "x" * 30),
        ("😀" * 20, [], "😀" * 15),
        ("a\nb\0c", [], "a bc"),
    ],
)
def test_names_of_sheets(title: str, taken: list[str], expected: str) -> None:
    assert sheet_name(title, taken) == expected


@settings(max_examples=40, deadline=None)
@given(st.lists(st.text(max_size=40), min_size=1, max_size=6))
def test_excel_takes_every_name_of_a_sheet(titles: list[str]) -> None:
    blocks = [Table(title, (Column("a"),), ()) for title in titles]
    book = read_workbook(render_xlsx(blocks, as_of=NOW, timezone="UTC"))
    names = [name.casefold() for name in book.sheets]
    assert len(set(names)) == len(titles) + 2
    for name in book.sheets:
        assert 0 < len(name.encode("utf-16-le")) // 2 <= 31
        assert not set(name) & set("[]:*?/\\")
        assert name.strip("'") == name


# --- reports --------------------------------------------------------------------------------------


def test_a_campaign_report_has_these_sheets(book: ReadBook) -> None:
    assert book.dangers == []
    assert [*book.sheets] == [
        "Summary",
        "Viral videos",
        "Top videos by views",
        "Top videos by engagement",
        "Top creators by views",
        "High priority 5 videos",
        "Hashtags",
        "Competitors",
        "Rates chart",
        "Engagement rates",
        "Hashtags beside the campaign's",
        "Receipts",
        "All videos",
        "All creators",
        "All hashtags",
        "Definitions",
    ]


def test_the_summary_says_what_the_report_says(report: CampaignReport, book: ReadBook) -> None:
    said = book.sheets["Summary"].cells
    assert said[0, 0] == "Glow up: campaign report, 20 Nov 2026"
    assert str(said[1, 0]).startswith("3 new videos since 19 Nov 2026")
    figures = {
        said[row, 0]: (said.get((row, 1)), said.get((row, 2)), said.get((row, 3)))
        for row in range(30)
        if (row, 0) in said
    }
    assert figures["Views"] == (5_120_110.0, 1_532_460.0, "over 12 of 13 videos")
    assert figures["Videos"] == (13.0, 3.0, "31 of 47 new videos held")
    assert figures["Median rate"] == (report.rates.median, None, "over 12 of 13 videos")


def test_every_figure_equals_that_of_the_json(report: CampaignReport, book: ReadBook) -> None:
    body = report.as_dict()
    sheet = book.sheets["All videos"]
    by_id = {v["video_id"]: v for v in body["videos"]}
    assert len(by_id) == len(sheet.column("Video")) == 13
    for name, key in {
        "Views": "view_count",
        "Likes": "like_count",
        "Comments": "comment_count",
        "Shares": "share_count",
        "Saves": "save_count",
        "Engagement": "engagement",
        "Followers": "author_followers",
        "Caption": "title",
        "Link": "url",
        "High priority": "high_priority",
    }.items():
        wanted = [by_id[i][key] for i in sheet.column("Video")]  # type: ignore[index]
        assert sheet.column(name) == wanted, name
    zone = ZoneInfo(PARIS)
    for name, key in {"Created": "created_at", "Read": "read_at"}.items():
        wanted = [
            datetime.fromisoformat(by_id[i][key]).astimezone(zone).replace(tzinfo=None)  # type: ignore[index]
            for i in sheet.column("Video")
        ]
        assert [*map(instant, sheet.column(f"{name} ({PARIS})"))] == wanted
    rates = dict(zip(sheet.column("Video"), sheet.column("Rate"), strict=True))
    assert rates == pytest.approx({i: v["engagement_rate"] for i, v in by_id.items()}, abs=1e-6)
    assert sum(v for v in sheet.column("Views") if v is not None) == body["total_views"]  # type: ignore[misc]


def test_columns_have_formats_titles_that_stay_and_filters(book: ReadBook) -> None:
    sheet = book.sheets["All videos"]
    assert sheet.frozen == (1, 1)
    assert sheet.filtered == "A1:U14"
    shown = {title: sheet.formats.get((1, c)) for c, title in enumerate(sheet.titles)}
    assert shown["Views"] == "#,##0"
    assert shown["Rate"] == "0.0%"
    assert shown[f"Created ({PARIS})"] == "yyyy-mm-dd hh:mm"
    for one in book.sheets.values():
        assert all(8 <= width <= 101 for width in one.widths), one.name
    assert book.sheets["Competitors"].formats[1, 3] == '+#,##0"*";-#,##0"*";#,##0"*"'


def test_every_column_is_defined(report: CampaignReport, book: ReadBook) -> None:
    sheet = book.sheets["Definitions"]
    told = set(zip(sheet.column("Sheet"), sheet.column("Word"), strict=True))
    for table in campaign_appendix(report):
        assert {(table.title, field.title) for field in table.fields} <= told
    assert "Wall clock of Europe/Paris." in sheet.column("Meaning")


def test_a_weekly_report_has_every_week_beside_its_curve() -> None:
    report = build_weekly(weekly_facts())
    content = render_xlsx(
        weekly_blocks(report),
        as_of=report.as_of,
        timezone=report.timezone,
        appendix=weekly_appendix(report),
    )
    book = read_workbook(content)
    assert book.dangers == []
    sheet, rows = book.sheets["All hashtags"], report.rows
    weeks = ["4 weeks before", "3 weeks before", "2 weeks before", "1 week before", "This week"]
    assert sheet.titles[-5:] == weeks
    for at, row in enumerate(rows):
        history = [None] * (5 - len(row.history)) + [*row.history]
        assert [sheet.column(week)[at] for week in weeks] == history
    assert sheet.column("Views") == [row.view_count for row in rows]
    trend = book.sheets["Hashtags by views"]
    assert trend.titles[-5:] == [f"Trend {n}" for n in range(1, 6)]
    part = next(p.decode() for p in book.parts.values() if b"sparkline>" in p)
    first = trend.titles.index("Trend 1")
    assert (first, trend.titles.index("Trend")) == (12, 10)
    assert "<xm:f>'Hashtags by views'!M2:Q2</xm:f><xm:sqref>K2</xm:sqref>" in part


def test_a_report_without_videos_and_one_with_a_single_video() -> None:
    nothing = of_campaign(build_campaign(replace(campaign_facts(), videos=[])))
    assert nothing.dangers == []
    assert [*nothing.sheets["All videos"].titles][:2] == ["Video", "Link"]
    assert nothing.sheets["All videos"].filtered is None
    one = of_campaign(build_daily(replace(campaign_facts(), videos=campaign_facts().videos[:1])))
    assert len(one.sheets["All videos"].column("Video")) == 1


def test_what_nobody_knows_is_an_empty_cell() -> None:
    video = AVideo("1", counters(None, None, None, None, None), created_at=None)
    sheet = of_campaign(build_campaign(replace(campaign_facts(), videos=[video]))).sheets[
        "All videos"
    ]
    for title in ("Views", "Likes", "Engagement", "Rate", f"Created ({PARIS})"):
        assert sheet.column(title) == [None]


def test_every_kind_of_block_is_written() -> None:
    book = read_workbook(render_xlsx(every_kind(), as_of=NOW, timezone="UTC"))
    assert book.dangers == []
    said = {str(value) for sheet in book.sheets.values() for value in sheet.cells.values()}
    for block in every_kind():
        for text in (getattr(block, "text", ""), getattr(block, "label", "")):
            assert any(text in one for one in said), text


def test_texts_of_reports_without_values_stay_texts() -> None:
    """Reports that older versions kept have texts alone."""
    blocks = [
        Heading("Old", level=1),
        Note("a note"),
        KeyFigures((Figure("Views", "12.3 k", "↑ +1.2 k"), Figure("Likes", "–"))),
        Table("T", (Column("Views", Kind.NUMBER),), ((Cell("12.3 k"),), (Cell("–"),))),
    ]
    book = read_workbook(render_xlsx(blocks, as_of=NOW, timezone="UTC"))
    assert "12.3 k" in book.sheets["Summary"].cells.values()
    assert book.sheets["T"].column("Views") == ["12.3 k"]


@pytest.mark.parametrize("what", BLOCKS)
def test_every_example_is_written(what: str) -> None:
    assert read_workbook(render_xlsx(BLOCKS[what], as_of=NOW, timezone=PARIS)).dangers == []


# --- the same bytes -------------------------------------------------------------------------------

_BUILD = """
import sys, hashlib
sys.path[:0] = sys.argv[1:]
from report_examples import campaign_facts
from tagtide.core.messages.appendix import campaign_appendix
from tagtide.core.messages.campaign import campaign_blocks
from tagtide.core.reports.campaign import build_campaign
from tagtide.renderers import render_xlsx
report = build_campaign(campaign_facts())
content = render_xlsx(campaign_blocks(report), as_of=report.as_of, timezone=report.timezone,
                      appendix=campaign_appendix(report))
print(hashlib.sha256(content).hexdigest())
"""


def test_two_processes_make_the_same_bytes() -> None:
    tests = str(Path(__file__).resolve().parents[1])
    found = set()
    for seed, zone in (("1", "UTC"), ("2", "Asia/Tokyo")):
        environment = {"PYTHONHASHSEED": seed, "TZ": zone, "LC_ALL": "C.UTF-8"}
        done = subprocess.run(
            [sys.executable, "-c", _BUILD, tests], env=environment, capture_output=True, check=True
        )
        found.add(done.stdout)
    assert len(found) == 1


def test_the_date_of_the_file_is_the_instant_of_the_report(book: ReadBook) -> None:
    core = book.parts["docProps/core.xml"].decode()
    assert core.count("2026-11-20T07:00:00Z") == 2


# --- size -----------------------------------------------------------------------------------------


def many_videos(count: int) -> list[AVideo]:
    return [
        AVideo(
            str(7 * 10**18 + n),
            counters(1_000 + n, n % 900, n % 50, n % 40, n % 30),
            author_key=str(n % 3_000),
            author_username=f"creator{n % 3_000}",
            caption=f"caption number {n} #glowup",
            created_at=NOW - timedelta(minutes=n),
        )
        for n in range(count)
    ]


def test_ten_thousand_videos() -> None:
    report = build_campaign(replace(campaign_facts(), videos=many_videos(10_000), earlier={}))
    book = of_campaign(report)
    sheet = book.sheets["All videos"]
    assert len(sheet.column("Video")) == 10_000
    assert sum(v for v in sheet.column("Views") if isinstance(v, float)) == (
        report.totals.views.total
    )
    assert isinstance(campaign_appendix(report)[0], FullTable)
