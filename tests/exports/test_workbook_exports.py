"""Exports as workbooks: typed, in as many sheets as they fill, in memory that does not grow."""

from __future__ import annotations

import random
import subprocess
import sys
from io import BytesIO
from pathlib import Path

import pytest
from test_exports import FILLED, ROWS, TEXTS

import tagtide.exports.xlsx
from report_facts import NOW, AVideo, counters
from spreadsheet_texts import CORPUS
from tagtide.core.spreadsheet import fitting
from tagtide.errors import InvalidInput
from tagtide.exports import KINDS
from tagtide.exports.xlsx import WorkbookExport
from workbook_reader import ReadBook, instant, read_workbook


def exported(kind: str, rows: object, folder: Path, timezone: str = "UTC") -> ReadBook:
    file = BytesIO()
    book = WorkbookExport(kind, file, folder=folder, created=NOW, timezone=timezone)
    book.add(rows)  # type: ignore[arg-type]
    book.close()
    assert [*folder.iterdir()] == [], "nothing is left behind"
    return read_workbook(file.getvalue())


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_its_columns_and_rows(kind: str, tmp_path: Path) -> None:
    book = exported(kind, ROWS[kind], tmp_path)
    assert book.dangers == []
    sheet = book.sheets[kind]
    assert [title.removesuffix(" (UTC)") for title in sheet.titles] == [*KINDS[kind][0]]
    assert max(row for row, _ in sheet.cells) == len(ROWS[kind])
    assert sheet.frozen == (1, 0)
    last = f"{chr(64 + len(sheet.titles))}{len(ROWS[kind]) + 1}"
    assert f'<dimension ref="A1:{last}"/>'.encode() in book.parts["xl/worksheets/sheet1.xml"]
    assert sheet.filtered is not None


def test_a_video_in_the_zone_of_its_campaign(tmp_path: Path) -> None:
    sheet = exported("videos", ROWS["videos"], tmp_path, "Pacific/Auckland").sheets["videos"]
    first = {title: sheet.cells.get((1, c)) for c, title in enumerate(sheet.titles)}
    assert first["video_id"] == "7500000000000000001"
    assert first["view_count"] == 12_345.0
    assert first["engagement_rate"] == 0.076954
    assert first["high_priority"] is True
    assert first["author_followers"] is None
    assert first["hashtags"] == "glowup newglow"
    assert str(instant(first["created_at (Pacific/Auckland)"])) == "2026-11-17 20:00:00"
    assert str(instant(first["collected_date"])) == "2026-11-21 00:00:00"
    shown = {title: sheet.formats.get((1, c)) for c, title in enumerate(sheet.titles)}
    assert shown["view_count"] == "#,##0"
    assert shown["engagement_rate"] == "0.0%"
    assert shown["collected_date"] == "yyyy-mm-dd"


@pytest.mark.parametrize(("kind", "column", "field"), TEXTS)
def test_no_text_computes_leads_or_shifts(
    kind: str, column: str, field: str, tmp_path: Path
) -> None:
    rows = [FILLED[kind](field, text) for text in CORPUS]
    book = exported(kind, rows, tmp_path)
    assert book.dangers == []
    sheet = book.sheets[kind]
    assert sheet.column(column) == [fitting(text) or None for text in CORPUS]
    plain = exported(kind, [FILLED[kind](field, "plain")] * len(CORPUS), tmp_path).sheets[kind]
    # Whatever stands in one column, every other is what it was.
    for title in sheet.titles:
        if title not in (column, "url"):
            assert sheet.column(title) == plain.column(title)


def test_a_sheet_that_is_full_is_followed_by_another(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(tagtide.exports.xlsx, "MOST_ROWS", 4)
    videos = [AVideo(str(n), counters(n)) for n in range(7)]
    book = exported("videos", videos, tmp_path)
    assert [*book.sheets] == ["videos", "videos 2", "videos 3"]
    ids = [book.sheets[name].column("video_id") for name in book.sheets]
    assert ids == [["0", "1", "2"], ["3", "4", "5"], ["6"]]
    assert [sheet.filtered for sheet in book.sheets.values()] == ["A1:T4", "A1:T4", "A1:T2"]
    assert exported("videos", videos[:3], tmp_path).sheets.keys() == {"videos"}


def test_no_rows_are_a_sheet_with_titles(tmp_path: Path) -> None:
    sheet = exported("readings", [], tmp_path).sheets["readings"]
    assert sheet.titles[:2] == ["subject", "hashtag"]
    assert sheet.filtered is None


def test_an_unknown_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput) as caught:
        exported("nothing", [], tmp_path)
    assert caught.value.hint


_MANY = """
import re, sys
from datetime import datetime, timedelta, UTC
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from report_facts import NOW, totals_at
from tagtide.exports.xlsx import WorkbookExport
file = Path(sys.argv[2]) / "many.xlsx"
with file.open("wb") as stream:
    book = WorkbookExport("readings", stream, folder=Path(sys.argv[2]), created=NOW)
    for batch in range(int(sys.argv[3])):
        start = NOW + timedelta(minutes=5_000 * batch)
        book.add(totals_at("glowup", start + timedelta(minutes=n), n, n) for n in range(5_000))
    book.close()
# What getrusage says begins with the memory of the process that started this one.
print(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1])
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux says what a process had at most")
def test_memory_does_not_grow_with_the_rows(tmp_path: Path) -> None:
    def peak(batches: int) -> int:
        tests = str(Path(__file__).resolve().parents[1])
        done = subprocess.run(
            [sys.executable, "-c", _MANY, tests, str(tmp_path), str(batches)],
            capture_output=True,
            check=True,
        )
        return int(done.stdout)

    few, many = peak(1), peak(16)
    # The rows alone are 50 MB of XML, and the library would make something of each.
    assert many < few + 4_000


@pytest.mark.prove
def test_a_hundred_thousand_generated_texts_come_back(tmp_path: Path) -> None:
    """Of what formulas, delimiters, markup and escapes are made of, at every length to 12."""
    chance = random.Random(20261120)
    parts = [*"=+-@＝＋－＠\t\r\n\0 '\",;|<>&_xr/0aé😀\u202e\ufeff\uffff", "<r>", "</r>", "_x0000_"]
    texts = ["".join(chance.choices(parts, k=n % 12 + 1)) for n in range(100_000)]
    book = exported("videos", [AVideo("1", counters(5), caption=t) for t in texts], tmp_path)
    assert book.dangers == []
    assert book.sheets["videos"].column("title") == texts
    assert book.sheets["videos"].column("view_count") == [5.0] * len(texts)
