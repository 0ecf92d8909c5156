"""Reports in German: in every medium, with the figures of the English ones, and in German alone."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest

from language_worlds import appendix_of, blocks_of, reports
from tagtide.core.charts.campaign import rates_chart
from tagtide.core.language import ENGLISH, Language, speaking
from tagtide.core.messages import (
    Block,
    BulletList,
    Cell,
    Chart,
    Heading,
    KeyFigures,
    Table,
    language_of,
)
from tagtide.core.messages.document import from_document, language_in, to_document
from tagtide.core.reports.campaign import CampaignReport
from tagtide.languages import find_language
from tagtide.renderers import (
    render_html,
    render_json,
    render_markdown,
    render_pdf,
    render_text,
    render_xlsx,
)
from tagtide.renderers.press import press
from workbook_reader import read_workbook

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
import catalogue  # a tool, not a package

REPORTS = reports()
GERMAN = find_language("de")
#: English as the code writes it, where German says something else.
TEXTS = [
    text
    for message in catalogue.of_language("de")
    if message.id
    for text, said in zip(
        [*message.id] if isinstance(message.id, tuple) else [message.id],
        [*message.string] if isinstance(message.string, tuple) else [message.string],
        strict=True,
    )
    if text != said
]
WHOLE = frozenset(text for text in TEXTS if "{" not in text and not text[:1].isdigit())
#: Parts of sentences that cannot be anything else.
PARTS = sorted(
    {
        part.strip()
        for text in TEXTS
        for part in re.split(r"\{\w+\}", text)
        if len(part.split()) >= 3 or len(part.strip()) >= 14
    }
)


def told(name: str, language: Language = GERMAN) -> list[Block]:
    with speaking(language):
        return blocks_of(REPORTS[name])


def english_in(texts: Sequence[str]) -> list[str]:
    """Texts of the code that were not translated."""
    joined = re.sub(r"\s+", " ", "\n".join(texts))
    whole = [text for text in texts if text.strip() in WHOLE]
    return whole + [part for part in PARTS if part in joined]


def without_alerts(blocks: Sequence[Block]) -> list[Block]:
    """Their reasons were told when they fired, in English, and say that they are."""
    return [b for b in blocks if not (isinstance(b, BulletList) and b.items[0].language)]


# --- every medium ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", REPORTS)
def test_text_and_markdown_are_german(name: str) -> None:
    blocks = without_alerts(told(name))
    assert english_in(render_text(blocks, 100).splitlines()) == []
    assert english_in(render_text(blocks, 60).splitlines()) == []
    cells = re.split(r"\s*\|\s*|\n", render_markdown(blocks))
    assert english_in(cells) == []
    with speaking(GERMAN):
        body = json.loads(render_json(REPORTS[name].as_dict()))
    assert english_in([*_sentences(body)]) == []


def _sentences(part: Any, key: str = "") -> Iterator[str]:
    if isinstance(part, str) and key in {"statement", "sentence", "anomaly_reason"}:
        yield part
    for inner, value in part.items() if isinstance(part, dict) else ():
        yield from _sentences(value, inner)
    for value in part if isinstance(part, list) else ():
        yield from _sentences(value, key)


@pytest.fixture(scope="module")
def page() -> str:
    return render_html(told("campaign"), "Kampagnenbericht: Glow up")


def test_a_page_is_german_and_says_so(page: str) -> None:
    assert '<html lang="de">' in page
    assert "<summary>Als Tabelle</summary>" in page
    # Reasons of alerts are as they were told, and say in which language.
    assert page.count('<li class="plain" lang="en">') == 5
    texts = re.sub(r"<style>.*?</style>|<li [^>]*lang=.*?</li>", "", page, flags=re.DOTALL)
    shown = re.findall(r'(?:title|alt|aria-label)="([^"]*)"', texts)
    assert english_in([*shown, *re.sub(r"<[^>]*>", "\n", texts).splitlines()]) == []


def test_axes_are_german() -> None:
    with speaking(GERMAN):
        chart = rates_chart(REPORTS["campaign"].rates, None)  # type: ignore[union-attr]
    growth = next(b for b in told("campaign") if isinstance(b, Chart) and b.name == "views")
    [drawn, rates] = [one["light"] for one in press([growth, chart]).svg.values()]
    labels = re.findall(r">([^<>]+)</text>", drawn)
    assert {"8. Nov", "25. Okt", "+20 %", "#rivalskin"} <= {*labels}
    assert "6 bis 8 %" in rates


def test_a_pdf_says_its_language() -> None:
    pdf = render_pdf(told("weekly"), "Wochenbericht", REPORTS["weekly"].as_of)
    assert b"/Lang(de)" in pdf
    assert pdf == render_pdf(told("weekly"), "Wochenbericht", REPORTS["weekly"].as_of)


@pytest.mark.parametrize("name", ["campaign", "weekly"])
def test_a_workbook_is_german(name: str) -> None:
    report = REPORTS[name]
    with speaking(GERMAN):
        appendix = appendix_of(report)
    blocks = without_alerts(told(name))
    made = render_xlsx(blocks, as_of=report.as_of, timezone=report.timezone, appendix=appendix)
    book = read_workbook(made)
    assert {"Überblick", "Begriffe", "Alle Hashtags"} <= {*book.sheets}
    texts = [str(value) for sheet in book.sheets.values() for value in sheet.cells.values()]
    assert english_in([*book.sheets, *texts]) == []
    formats = {f for sheet in book.sheets.values() for f in sheet.formats.values()}
    assert ('#,##0.0" Std."' in formats) == (name == "campaign")


def test_a_kept_report_stays_in_its_language() -> None:
    """Whoever opens it speaks what they speak; what a medium adds is in that of the report."""
    kept = from_document(json.loads(json.dumps(to_document(told("weekly")))))
    assert language_of(kept) == language_in(to_document(kept)) == "de"
    with speaking(ENGLISH):
        assert render_text(kept, 90) == render_text(told("weekly"), 90)
    with speaking(GERMAN):
        assert render_text(told("weekly", ENGLISH), 90) == render_text(told("weekly", ENGLISH), 90)
        assert "Not shown in 90 columns" in render_text(told("weekly", ENGLISH), 90)
    older = [Heading("Of an older version", level=1)]
    assert language_of(from_document(to_document(older))) == language_in(to_document(older)) == "en"
    assert "language" not in to_document(told("weekly", ENGLISH))[0]


# --- the same figures -----------------------------------------------------------------------------

_UNITS = {"k": "Tsd.", "M": "Mio.", "B": "Mrd.", "h": "Std.", "d": "Tage", "min": "Min."}


def figures(blocks: Sequence[Block]) -> list[tuple[object, str]]:
    """Every value with what is shown for it."""
    found: list[tuple[object, str]] = []
    for block in blocks:
        if isinstance(block, KeyFigures):
            found += [(f.number, f.value) for f in block.figures]
            found += [(f.change_number, f.change) for f in block.figures]
        elif isinstance(block, Table):
            found += [(c.value, c.text) for row in block.rows for c in row]
            found += [(c.values, "") for row in block.rows for c in row]
    return found


@pytest.mark.parametrize("name", REPORTS)
def test_figures_are_those_of_the_english_report(name: str) -> None:
    english, german = figures(told(name, ENGLISH)), figures(told(name))
    assert [value for value, _ in english] == [value for value, _ in german]
    compared = 0
    for (value, said), (_, gesagt) in zip(english, german, strict=True):
        shown = re.fullmatch(r"([^\w]*[\d.,]+)(?: (\w+))?( ?[%×*†]*)", said)
        if isinstance(value, (int, float)) and shown and (shown[2] or "k") in _UNITS:
            number, unit, mark = shown.groups()
            number = number.translate({ord(","): ".", ord("."): ","})
            assert gesagt == f"{number}{f' {_UNITS[unit]}' if unit else ''}{mark}"
            compared += 1
    assert compared >= 10 or name in ("empty", "weekly_first")


@pytest.mark.parametrize("name", REPORTS)
def test_json_has_the_same_keys_and_values(name: str) -> None:
    """But for the sentences."""

    def bare(part: Any) -> Any:
        if isinstance(part, dict):
            told = {"statement", "sentence", "anomaly_reason"}
            return {k: bare(v) for k, v in part.items() if k not in told}
        return [bare(v) for v in part] if isinstance(part, list) else part

    with speaking(GERMAN):
        german = REPORTS[name].as_dict()
    assert bare(german) == bare(REPORTS[name].as_dict())
    assert [*german] == [*REPORTS[name].as_dict()]


# --- one language at a time -----------------------------------------------------------------------


def test_languages_do_not_meet_in_threads() -> None:
    wanted = {code: render_text(told("campaign", find_language(code))) for code in ("en", "de")}
    together = Barrier(4)

    def render(code: str) -> list[str]:
        with speaking(find_language(code)):
            together.wait(20)
            return [render_text(blocks_of(REPORTS["campaign"])) for _ in range(3)]

    with ThreadPoolExecutor(4) as pool:
        codes = ["en", "de", "en", "de"]
        for code, made in zip(codes, pool.map(render, codes), strict=True):
            assert set(made) == {wanted[code]}


def test_languages_do_not_meet_in_tasks() -> None:
    async def tell(code: str) -> list[str]:
        said = []
        with speaking(find_language(code)):
            for _ in range(3):
                await asyncio.sleep(0)
                said.append(render_text(blocks_of(REPORTS["weekly"])))
        return said

    async def both() -> tuple[list[str], list[str]]:
        return await asyncio.gather(tell("en"), tell("de"))

    english, german = asyncio.run(both())
    assert {*english} == {render_text(told("weekly", ENGLISH))}
    assert {*german} == {render_text(told("weekly"))}


_PROGRAM = """
import sys
from language_worlds import blocks_of, reports
from tagtide.core.language import speaking
from tagtide.languages import find_language
from tagtide.renderers import render_text
with speaking(find_language("de")):
    sys.stdout.buffer.write(render_text(blocks_of(reports()["weekly"])).encode())
"""


def test_the_machine_has_no_say_in_the_language() -> None:
    environment = {"LANGUAGE": "fr", "LC_ALL": "C", "PYTHONPATH": ":".join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM], capture_output=True, check=True, env=environment
    )
    assert done.stdout.decode() == render_text(told("weekly"))


def test_reasons_of_alerts_are_marked_only_where_they_stand_apart() -> None:
    def marks(language: Language) -> set[str]:
        lists = [b for b in told("campaign", language) if isinstance(b, BulletList)]
        cells: list[Cell] = [cell for block in lists for cell in block.items]
        return {cell.language for cell in cells}

    assert marks(ENGLISH) == {""}
    assert marks(GERMAN) == {"", "en"}


def test_the_example_is_one() -> None:
    report = REPORTS["campaign"]
    assert isinstance(report, CampaignReport)
    assert len(PARTS) > 150
    assert len(WHOLE) > 130
    assert english_in(render_text(told("campaign", ENGLISH)).splitlines()) != []


@pytest.mark.parametrize("name", REPORTS)
def test_axes_of_amounts_say_thousands_and_millions_in_words(name: str) -> None:
    """The drawing program knows one letter for them, which is none of ours."""

    def axes(part: Any) -> Iterator[dict[str, Any]]:
        if isinstance(part, dict):
            if "format" in part and str(part["format"]).endswith("s"):
                yield part
            for value in part.values():
                yield from axes(value)
        for value in part if isinstance(part, list) else ():
            yield from axes(value)

    for language, words in ((GERMAN, {"Tsd.", "Mio.", "Mrd."}), (ENGLISH, set())):
        charts = [block for block in told(name, language) if isinstance(block, Chart)]
        for axis in (axis for chart in charts for axis in axes(chart.spec)):
            assert {*re.findall(r"[A-Z]\w+\.", axis.get("labelExpr", ""))} == words
