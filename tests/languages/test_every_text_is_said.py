"""No text of a report stands beside the catalogue: a language that marks what it says shows it.

Every sentence is put in brackets, every value in it stands outside of them. What has letters and
stands outside is a stranger's word, a name, or a text that nobody could translate.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest

from language_worlds import CLOSE, NAMES, OPEN, PSEUDO, appendix_of, blocks_of, reports
from tagtide import renderers
from tagtide.core.language import speaking
from tagtide.core.messages import Block, BulletList, Chart, Note
from tagtide.core.messages.document import to_document
from tagtide.models import Reason
from tagtide.renderers import pdf
from tagtide.renderers.press import Printed
from workbook_reader import read_workbook

REPORTS = reports()
_LETTERS = re.compile(r"[^\W\d_][\w]*")
#: Handles and addresses are names as they are.
_ADDRESS, _HANDLE = re.compile(r"https?://\S+"), re.compile(r"[@#][\w.]+")
#: No column cuts a caption before that.
_CUT = 20
#: Keys of a chart's spec whose values people read.
_TOLD = frozenset({"title", "said", "when", "line", "rate", "hours", "what", "text"})
#: Codes for machines that stand in workbooks as such.
_CODES = frozenset(reason.value for reason in Reason)


def outside(text: str) -> list[str]:
    """Words of a text that are in no brackets, and no names."""
    depth, kept = 0, []
    for char in text:
        depth += (char == OPEN) - (char == CLOSE)
        kept.append(" " if depth or char == CLOSE else char)
    words = [word.casefold() for word in _LETTERS.findall("".join(kept))]
    return [word for word in words if word not in NAMES and word.rstrip("0123456789") not in NAMES]


def untold(texts: Iterable[str], foreign: Iterable[str] = ()) -> list[str]:
    """Texts with something outside, but for what strangers wrote."""
    theirs = sorted(filter(None, foreign), key=len, reverse=True)
    found = []
    for text in texts:
        bare = _ADDRESS.sub(" ", text)
        for one in theirs:
            bare = bare.replace(one, " ")
            if len(one) > _CUT:
                bare = re.sub(rf"{re.escape(one[:_CUT])}[^{OPEN}{CLOSE}…]*…", " ", bare)
        if outside(_HANDLE.sub(" ", bare)):
            found.append(text)
    return found


def captions(name: str) -> set[str]:
    """What strangers wrote in a report, also where it is cut, and reasons told in English."""
    blocks = told(name)
    foreign = {cell.text for block in blocks for cell in _cells(block) if cell.foreign}
    english = {
        cell.text for b in blocks if isinstance(b, BulletList) for cell in b.items if cell.language
    }
    report = getattr(REPORTS[name], "report", REPORTS[name])
    held = [getattr(one, "video", one) for one in getattr(report, "videos", ())]
    written = {video.caption for video in held}
    names = {video.author_nickname or "" for video in held}
    return {*english, *written, *names, *(text for text in foreign if OPEN not in text)}


def _cells(block: Block) -> Iterator[Any]:
    for row in getattr(block, "rows", ()):
        yield from (cell for cell in row if not isinstance(cell, str))


def told(name: str) -> list[Block]:
    with speaking(PSEUDO):
        return blocks_of(REPORTS[name])


@pytest.fixture(autouse=True)
def marking(monkeypatch: pytest.MonkeyPatch) -> None:
    """Media speak the language of a report, which nobody ships."""
    monkeypatch.setattr(renderers, "find_language", lambda _: PSEUDO)


def strings(part: object, key: str = "") -> Iterator[str]:
    """Texts of a document that people read."""
    if isinstance(part, str):
        if key not in _SILENT:
            yield part
    elif isinstance(part, dict):
        for name, value in part.items():
            if name == "spec":
                yield from _of_spec(value)
            else:
                yield from strings(value, name)
    elif isinstance(part, list):
        for value in part:
            yield from strings(value, key)


#: Of a document, and what no person sees.
_SILENT = frozenset({"block", "tone", "kind", "link", "url", "name", "language", "value"})


def _of_spec(part: Any, key: str = "") -> Iterator[str]:
    if isinstance(part, str):
        if key in _TOLD:
            yield part
    elif isinstance(part, dict):
        for name, value in part.items():
            yield from _of_spec(value, name)
    elif isinstance(part, list):
        for value in part:
            yield from _of_spec(value, key)


@pytest.mark.parametrize("name", REPORTS)
def test_blocks(name: str) -> None:
    assert untold(strings(to_document(told(name))), captions(name)) == []


@pytest.mark.parametrize("name", REPORTS)
def test_text_and_markdown(name: str) -> None:
    blocks = told(name)
    foreign = captions(name)
    text = renderers.render_text(blocks, 4_000)
    assert untold(text.splitlines(), foreign) == []
    # Escapes go, so that words of strangers are found again.
    markdown = re.sub(r"\]\([^)]*\)", " ", renderers.render_markdown(blocks)).replace("\\", "")
    assert untold(markdown.splitlines(), foreign) == []
    narrow = renderers.render_text([b for b in blocks if not isinstance(b, BulletList)], 90)
    assert untold(line for line in narrow.splitlines() if "Not shown" in line) == []


@pytest.mark.parametrize("name", REPORTS)
def test_json(name: str) -> None:
    """Sentences follow the language; keys, codes and names do not."""
    with speaking(PSEUDO):
        body = REPORTS[name].as_dict()
    found = list(_sentences(body))
    assert found or name in {"empty", "creator"}
    assert untold(found) == []


def _sentences(part: Any, key: str = "") -> Iterator[str]:
    if isinstance(part, str) and key in {"statement", "sentence", "anomaly_reason"}:
        yield part
    for name, value in part.items() if isinstance(part, dict) else ():
        yield from _sentences(value, name)
    for value in part if isinstance(part, list) else ():
        yield from _sentences(value, key)


class _Page(HTMLParser):
    """Texts and the attributes that are read out or shown."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._is_style = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._is_style = tag == "style"
        self.found += [v or "" for k, v in attrs if k in ("title", "alt", "aria-label")]

    def handle_data(self, data: str) -> None:
        if not self._is_style:
            self.found.append(data)


def test_html(monkeypatch: pytest.MonkeyPatch) -> None:
    blocks = told("campaign")
    # What is drawn stands in the specs, and those are looked at above.
    drawn = {b.name: {"light": "", "dark": ""} for b in blocks if isinstance(b, Chart)}
    monkeypatch.setattr("tagtide.renderers.html.press", lambda *_, **__: Printed(svg=drawn))
    page = _Page()
    page.feed(renderers.render_html(blocks, "Glow up"))
    assert len(page.found) > 400
    assert untold(page.found, captions("campaign")) == []


@pytest.mark.parametrize("name", REPORTS)
def test_what_a_pdf_is_set_from(name: str) -> None:
    with speaking(PSEUDO):
        data = [pdf._block(block) for block in told(name)]
    texts = strings(json.loads(json.dumps(data)))
    assert untold(texts, captions(name)) == []


@pytest.mark.parametrize("name", REPORTS)
def test_workbook(name: str) -> None:
    report = REPORTS[name]
    with speaking(PSEUDO):
        appendix = appendix_of(report)
    made = renderers.render_xlsx(
        told(name), as_of=report.as_of, timezone=report.timezone, appendix=appendix
    )
    book = read_workbook(made)
    foreign = captions(name)
    assert untold(book.sheets) == []
    for sheet in book.sheets.values():
        texts = [v for v in sheet.cells.values() if isinstance(v, str) and v not in _CODES]
        assert untold(texts, foreign) == [], sheet.name
        literals = re.findall(r'"([^"]*)"', " ".join(sheet.formats.values()))
        assert untold(literals) == [], sheet.name


# --- controls -------------------------------------------------------------------------------------


def test_a_text_beside_the_catalogue_is_found() -> None:
    blocks = [*told("campaign"), Note("Views rest on videos.")]
    assert untold(strings(to_document(blocks)), captions("campaign")) == ["Views rest on videos."]


def test_a_word_put_into_a_sentence_as_a_value_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tagtide.core.messages.words.say_many", lambda n, *_, **__: f"{n} videos")
    found = untold(strings(to_document(told("campaign_poor"))), captions("campaign_poor"))
    assert "13 videos" in found


def test_a_title_in_a_chart_is_found() -> None:
    blocks = told("campaign")
    chart = next(block for block in blocks if isinstance(block, Chart))
    spec = {**chart.spec, "title": "left in English"}
    assert untold(strings(to_document([replace(chart, spec=spec)]))) == ["left in English"]
