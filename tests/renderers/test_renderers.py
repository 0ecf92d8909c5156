"""One suite of the same cases over every renderer of blocks."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from report_examples import BLOCKS, HOSTILE_BLOCKS, every_kind
from tagtide.core.formats import clean_text
from tagtide.core.messages import (
    Block,
    BulletList,
    Cell,
    Column,
    Figure,
    Heading,
    KeyFigures,
    Kind,
    Link,
    Note,
    Paragraph,
    Table,
    Tone,
)
from tagtide.renderers import render_html, render_json, render_markdown, render_text

Render = Callable[[list[Block]], str]

RENDERERS: dict[str, Render] = {
    "text": render_text,
    "text-narrow": lambda blocks: render_text(blocks, 44),
    "color": lambda blocks: render_text(blocks, color=True),
    "markdown": render_markdown,
    "html": lambda blocks: render_html(blocks, "A report"),
}

HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "{{ 7 * 7 }} {% raw %}",
    "[red]markup[/red] :smile: [link=https://evil.example]x[/link]",
    "[a](javascript:alert(1)) ![i](https://evil.example/x.png)",
    "**bold** _it_ `code` ~~gone~~ | pipe | <b>b</b> &amp; &lt;",
    "\x1b[31mred\x1b]8;;https://evil.example\x07link\x9b2J",
    "line\nbreak\r\n# heading\u2028- item",
    "\u202eright to left\u2066 and \u200bzero width\U000e0041",
    "# heading",
    "1. item",
    "> quote",
    "---",
    "===",
    "```",
    "https://evil.example/ www.evil.example me@evil.example",
    "a" + "\u0301" * 500,
    "x" * 5_000,
    "",
]


class Page(HTMLParser):
    """What a browser would make of a page: text, elements, addresses."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.text: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes.extend(attrs)

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    @property
    def links(self) -> list[str]:
        return [value or "" for name, value in self.attributes if name in ("href", "src", "action")]


def markdown_page(source: str) -> Page:
    return Page(MarkdownIt("commonmark").enable(["table", "strikethrough"]).render(source))


@pytest.mark.parametrize("name", RENDERERS)
@pytest.mark.parametrize("what", BLOCKS)
def test_every_report_renders(name: str, what: str) -> None:
    written = RENDERERS[name](BLOCKS[what])
    assert written.endswith("\n")
    assert not written.endswith("\n\n")
    assert written == RENDERERS[name](BLOCKS[what]), "same data, same bytes"


@pytest.mark.parametrize("name", RENDERERS)
def test_every_kind_of_block_says_all_it_holds(name: str) -> None:
    written = RENDERERS[name](every_kind())
    flat = re.sub(r"\x1b\[[0-9;]*m", "", written).replace("\\", "")
    for word in ("Title", "Lead", "Body", "Label", "1.2 M", "↑ +5", "rests on", "Column", "cell"):
        assert word in flat, word
    for word in ("remark", "warning", "item", "Nothing here", "https://www.tiktok.com/tag/glow"):
        assert word in flat, word
    assert "▁" in flat
    assert "█" in flat


@pytest.mark.parametrize("name", RENDERERS)
@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_stays_text(name: str, text: str) -> None:
    written = RENDERERS[name](with_text(text))
    if name == "color":
        written = re.sub(r"\x1b\[[0-9;]*m", "", written)
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b\u202a-\u202e\u2066-\u2069]", written)
    assert not re.search("[\U000e0000-\U000e0fff]", written)
    page = Page(written) if name == "html" else None
    page = markdown_page(written) if name == "markdown" else page
    if page is not None:
        assert not {"script", "img", "b", "em", "code", "s", "del", "blockquote", "li"} & set(
            page.tags
        ) - {"blockquote", "li"}
        assert all(link.startswith("https://www.tiktok.com/") for link in page.links)
        assert not any(name.startswith("on") for name, _ in page.attributes)


@pytest.mark.parametrize("text", HOSTILE)
def test_markdown_has_the_same_structure_whatever_the_text(text: str) -> None:
    assert (
        markdown_page(render_markdown(with_text(text))).tags
        == markdown_page(render_markdown(with_text("plain"))).tags
    )


@settings(max_examples=50, deadline=None)
@given(st.text(max_size=60), st.text("\\`*_{}[]<>()#+-.!|~$&:/@=ab1 ", max_size=40))
def test_any_text_keeps_the_structure_of_markdown_and_html(free: str, marks: str) -> None:
    for text in (free, marks):
        shown = markdown_page(render_markdown(with_text(text)))
        assert shown.tags == markdown_page(render_markdown(with_text("plain"))).tags
        page = Page(render_html(with_text(text), text))
        assert page.tags == Page(render_html(with_text("plain"), "plain")).tags


@settings(max_examples=40, deadline=None)
@given(st.text(max_size=80), st.integers(40, 120))
def test_text_never_passes_the_width(text: str, width: int) -> None:
    from rich.cells import cell_len

    lines = render_text(with_text(text), width).split("\n")
    assert max(cell_len(line) for line in lines) <= width


STARTS = ["# a", "#", "###### b #", "- a", "-", "+ a", "* a", "1. a", "12) b", "1.", "> a", ">a"]
RULES = [
    "---",
    "- - -",
    "***",
    "___",
    "===",
    "=",
    "```",
    "~~~",
    "| a | b |",
    "    code",
    "<!--",
    "[a]: b",
]


@settings(max_examples=150, deadline=None)
@given(st.sampled_from([*STARTS, *RULES]) | st.text("#-+*=>_~`1.) a", min_size=1, max_size=8))
def test_a_text_alone_on_its_line_is_a_paragraph(text: str) -> None:
    def bare(said: str) -> list[Block]:
        return [Paragraph("first"), Paragraph(said), Note(said), Heading(said), Link(said, "")]

    if clean_text(text):
        page = markdown_page(render_markdown(bare(text)))
        assert page.tags == ["p", "p", "p", "h2", "p"]
        assert "".join(page.text).count(clean_text(text)) >= 4


def with_text(text: str) -> list[Block]:
    """A stranger's text in every place a block has."""
    table = Table(
        f"t {text}",
        (Column("Text"), Column("Number", Kind.NUMBER)),
        (
            (Cell(text, foreign=True), Cell("1")),
            (Cell(text, link="https://evil.example/"), Cell("2")),
        ),
        note=f"n {text}",
    )
    return [
        Heading(f"h {text}", level=1),
        Paragraph(f"p {text}", lead=True),
        Paragraph(f"p {text}"),
        Note(f"n {text}", Tone.WARN),
        KeyFigures((Figure(f"l {text}", "1", "2", f"n {text}"),)),
        table,
        BulletList((Cell(f"i {text}", link="javascript:alert(1)"),)),
        Link(f"a {text}", f"https://www.tiktok.com@evil.example/{text}"),
    ]


# --- each medium ----------------------------------------------------------------------------------


@pytest.mark.parametrize("what", BLOCKS)
def test_the_page_asks_nobody_for_anything(what: str) -> None:
    written = render_html(BLOCKS[what], "A report")
    page = Page(written)
    assert not {"script", "link", "iframe", "object", "form", "base"} & set(page.tags)
    # Charts are pictures within the page.
    homes = ("https://www.tiktok.com/", "data:image/svg+xml;base64,")
    addresses = [*page.links, *(value or "" for name, value in page.attributes if name == "srcset")]
    assert all(address.startswith(homes) for address in addresses)
    assert "url(" not in written
    assert "@import" not in written
    assert "default-src 'none'" in written


def test_foreign_text_is_isolated_in_the_page() -> None:
    assert "<bdi>" in render_html(BLOCKS["daily"], "A report")


def test_text_has_no_escape_sequences_without_colour() -> None:
    assert "\x1b" not in render_text(BLOCKS["daily"])
    assert "\x1b[" in render_text(BLOCKS["daily"], color=True)


def test_wide_letters_keep_the_columns_of_a_table_aligned() -> None:
    from rich.cells import cell_len

    rows = tuple((Cell(name), Cell("1,000")) for name in ("plain", "护肤日常", "😀😀", "สวัสดี"))
    table = Table("T", (Column("Name"), Column("Views", Kind.NUMBER)), rows)
    lines = [line for line in render_text([table]).split("\n") if line.endswith("1,000")]
    assert len(lines) == 4
    assert len({cell_len(line) for line in lines}) == 1


def test_a_table_too_wide_for_the_terminal_becomes_records() -> None:
    narrow = render_text(BLOCKS["weekly"], 44)
    assert re.search(r"^Hashtag +#glowup$", narrow, re.MULTILINE)
    assert re.search(r"^Verdict +spike", narrow, re.MULTILINE)


@pytest.mark.parametrize("width", [40, 60, 80, 100, 140])
def test_an_identifier_is_never_cut(width: int) -> None:
    columns = (Column("Creator"), Column("Caption"), Column("Video", Kind.ID), Column("Why"))
    row = (Cell("@" + "c" * 24), Cell("word " * 20), Cell("7706547385810041772"), Cell("why " * 9))
    assert "7706547385810041772" in render_text([Table("T", columns, (row,))], width)


def test_the_last_column_takes_the_room_there_is() -> None:
    sentence = "The video has views, many times the mean of the other videos of the campaign."
    columns = (Column("Alert"), Column("Why"))
    text = render_text([Table("Alerts", columns, ((Cell("6b15feec"), Cell(sentence)),))], 100)
    assert sentence in text


def test_minor_columns_go_first_and_are_named() -> None:
    assert "Not shown in 80 columns: Whose, Videos." in render_text(BLOCKS["weekly"], 80)
    assert "Not shown" not in render_text(BLOCKS["weekly"], 120)


def test_json_is_the_report_with_stable_order() -> None:
    body = {"b": 1, "a": [None, 0.5, "é 护肤"], "c": {"z": True}}
    written = render_json(body)
    assert json.loads(written) == body
    assert list(json.loads(written)) == ["b", "a", "c"]
    assert written.endswith("}\n")
    assert "护肤" in written


@given(st.text())
def test_json_is_safe_on_a_terminal_and_loses_nothing(text: str) -> None:
    written = render_json({"title": text})
    assert json.loads(written) == {"title": text}
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e]", written)


def test_json_refuses_what_is_no_number() -> None:
    with pytest.raises(ValueError, match="JSON"):
        render_json({"a": float("nan")})


@pytest.mark.parametrize("what", HOSTILE_BLOCKS)
@pytest.mark.parametrize("name", RENDERERS)
def test_reports_on_hostile_videos_render(name: str, what: str) -> None:
    written = RENDERERS[name](HOSTILE_BLOCKS[what])
    assert "evil.example/" not in written or name != "html" or 'href="https://evil' not in written
