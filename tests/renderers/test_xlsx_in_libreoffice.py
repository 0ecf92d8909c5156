"""Workbooks as a spreadsheet program reads them: nothing is computed, and every number is there."""

from __future__ import annotations

import csv
import io
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from report_examples import campaign_facts, weekly_facts
from report_facts import NOW, AVideo, counters
from spreadsheet_texts import CORPUS
from tagtide.core.charts.campaign import rates_chart
from tagtide.core.messages import Block
from tagtide.core.messages.appendix import FullTable, campaign_appendix, weekly_appendix
from tagtide.core.messages.campaign import campaign_blocks
from tagtide.core.messages.weekly import weekly_blocks
from tagtide.core.reports.campaign import build_campaign
from tagtide.core.reports.weekly import build_weekly
from tagtide.exports.xlsx import WorkbookExport
from tagtide.renderers import render_xlsx

pytestmark = [
    pytest.mark.prove,
    pytest.mark.skipif(shutil.which("soffice") is None, reason="LibreOffice is not installed"),
]
#: Comma, quote, UTF-8, every text in quotes, values as they are and no formulas, every sheet.
_CSV = "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,true,false,false,false,false,-1"
#: What the program itself does not keep in a text: other controls than tab and line end.
_LOST = {chr(point) for point in range(32)} - {"\t", "\n"} | {"\ufffe", "\uffff"}


def converted(book: Path, to: str) -> None:
    profile = book.parent / "profile"
    command = ["soffice", f"-env:UserInstallation=file://{profile}", "--headless"]
    command += ["--convert-to", to, "--outdir", str(book.parent), str(book)]
    subprocess.run(command, check=True, capture_output=True, timeout=300)


def sheets_of(book: Path) -> dict[str, list[dict[str, str]]]:
    converted(book, _CSV)
    found = {}
    for file in book.parent.glob(f"{book.stem}-*.csv"):
        text = file.read_bytes().decode("utf-8-sig")
        lines = csv.reader(io.StringIO(text, newline=""), strict=True)
        titles = next(lines)
        name = file.stem.removeprefix(f"{book.stem}-")
        found[name] = [dict(zip(titles, line, strict=True)) for line in lines]
    return found


def written(folder: Path, blocks: list[Block], appendix: tuple[FullTable, ...]) -> Path:
    book = folder / "book.xlsx"
    book.write_bytes(render_xlsx(blocks, as_of=NOW, timezone="Europe/Paris", appendix=appendix))
    return book


def test_a_hostile_campaign_report_is_read_as_it_was_written(tmp_path: Path) -> None:
    texts = [text for text in CORPUS if text and not set(text) & (_LOST | {"\ud800"})]
    assert len(texts) > 220
    videos = [
        AVideo(
            str(10**18 + n),
            counters(n + 1, 2, 3, 4, 5),
            author_key=str(n),
            author_nickname=text,
            caption=text,
        )
        for n, text in enumerate(texts)
    ]
    report = build_campaign(replace(campaign_facts(), videos=videos))
    blocks = [*campaign_blocks(report), rates_chart(report.rates, None)]
    book = written(tmp_path, blocks, campaign_appendix(report))
    rows = sheets_of(book)["All videos"]
    assert [row["Caption"] for row in rows] == [*reversed(texts)]
    assert [row["Creator's name"] for row in rows] == [*reversed(texts)]
    assert [row["Video"] for row in rows] == [v.video_id for v in reversed(videos)]
    assert [int(row["Views"]) for row in rows] == [*range(len(texts), 0, -1)]
    assert {row["Likes"] for row in rows} == {"2"}
    converted(book, "pdf")
    assert (tmp_path / "book.pdf").stat().st_size > 20_000


def test_figures_of_a_campaign_report(tmp_path: Path) -> None:
    report = build_campaign(campaign_facts())
    sheets = sheets_of(written(tmp_path, campaign_blocks(report), campaign_appendix(report)))
    rows = sheets["All videos"]
    assert sum(int(row["Views"]) for row in rows if row["Views"]) == report.totals.views.total
    assert sum(int(row["Likes"]) for row in rows if row["Likes"]) == report.totals.likes.total
    known = [float(row["Rate"].rstrip("%")) / 100 for row in rows if row["Rate"]]
    assert sum(known) / len(known) == pytest.approx(report.rates.mean, abs=1e-4)
    assert {row["Read (Europe/Paris)"] for row in rows} == {"2026-11-20 08:00:00"}
    assert sum(row["High priority"] == "TRUE" for row in rows) == len(report.high_priority)


def test_figures_of_a_weekly_report(tmp_path: Path) -> None:
    report = build_weekly(weekly_facts())
    sheets = sheets_of(written(tmp_path, weekly_blocks(report), weekly_appendix(report)))
    views = [row["Views"] for row in sheets["All hashtags"]]
    assert [int(v) if v else None for v in views] == [row.view_count for row in report.rows]


def test_an_export_over_two_sheets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tagtide.exports.xlsx.MOST_ROWS", 101)
    book = tmp_path / "videos.xlsx"
    with book.open("wb") as file:
        export = WorkbookExport("videos", file, folder=tmp_path, created=NOW)
        export.add(AVideo(str(n), counters(n)) for n in range(150))
        export.close()
    sheets = sheets_of(book)
    views = [int(row["view_count"]) for name in ("videos", "videos 2") for row in sheets[name]]
    assert views == [*range(150)]
