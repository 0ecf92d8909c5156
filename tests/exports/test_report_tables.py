"""Complete tables of reports as CSV."""

from __future__ import annotations

import csv
import io

from report_examples import campaign_facts
from spreadsheet_texts import CORPUS
from tagtide.core.messages.appendix import Field, Form, FullTable, campaign_appendix
from tagtide.core.reports.campaign import build_campaign
from tagtide.core.spreadsheet import defend, encodable, undefend
from tagtide.exports.csv import table_text


def test_every_video_with_what_is_known_and_nothing_for_what_is_not() -> None:
    report = build_campaign(campaign_facts())
    table = campaign_appendix(report)[0]
    head, *rows = csv.reader(io.StringIO(table_text(table), newline=""))
    assert head == [field.title for field in table.fields]
    assert len(rows) == len(report.videos) > 1
    for row, values in zip(rows, table.rows, strict=True):
        for cell, value in zip(row, values, strict=True):
            if value is None:
                assert cell == ""
            elif isinstance(value, bool | int | float):
                assert float(cell) == value
    assert any(cell.endswith("Z") for cell in rows[0])


def test_a_strangers_text_is_no_formula_and_shifts_no_column() -> None:
    fields = (Field("Caption", Form.TEXT, ""), Field("Videos", Form.COUNT, ""))
    table = FullTable("All", fields, tuple((text, 7) for text in CORPUS))
    _, *rows = csv.reader(io.StringIO(table_text(table), newline=""))
    assert [row[1:] for row in rows] == [["7"]] * len(CORPUS)
    for text, (cell, _) in zip(CORPUS, rows, strict=True):
        assert cell == defend(encodable(text))
        assert undefend(cell) == encodable(text)
