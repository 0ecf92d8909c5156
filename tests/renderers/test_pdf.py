"""Charts as pictures, and reports as PDF: right, the same twice, and apart from the world."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import struct
import subprocess
import sys
import threading
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from report_examples import BLOCKS, every_kind
from tagtide.core.charts.base import Chart, single
from tagtide.core.messages import Block, Cell, Column, Heading, Paragraph, Table
from tagtide.core.messages.document import from_document, to_document
from tagtide.errors import RenderingFailed
from tagtide.renderers import render_html, render_markdown, render_pdf, render_text
from tagtide.renderers.look import FAMILIES, FONTS, LARGEST_LOGO, Brand
from tagtide.renderers.press import Pages, environ, press

AS_OF = datetime(2026, 3, 2, 8, 30, tzinfo=UTC)


def png_chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


#: One red pixel.
PNG = (
    b"\x89PNG\r\n\x1a\n"
    + png_chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0))
    + png_chunk(b"IDAT", zlib.compress(b"\0\xff\0\0"))
    + png_chunk(b"IEND", b"")
)


def chart(name: str = "rates", label: str = "one") -> Chart:
    values = [{"part": label, "videos": 3}, {"part": "two", "videos": 5}]
    return Chart(
        name=name,
        title="Most are in the second part",
        subtitle="Videos by part",
        spec=single(
            values,
            mark={"type": "bar"},
            encoding={
                "x": {"field": "part", "type": "nominal"},
                "y": {"field": "videos", "type": "quantitative"},
            },
        ),
        columns=("Part", "Videos"),
        rows=((label, "3"), ("two", "5")),
    )


def streams(pdf: bytes) -> bytes:
    """What stands in the compressed streams of a PDF."""
    found = []
    for part in pdf.split(b"stream\n")[1:]:
        try:
            found.append(zlib.decompressobj().decompress(part))
        except zlib.error:
            continue
    return b"\n".join(found)


def test_a_report_is_a_pdf_with_its_title_and_its_date() -> None:
    pdf = render_pdf([*BLOCKS["campaign"], chart()], "Campaign report: Glow", AS_OF)
    assert pdf.startswith(b"%PDF-")
    assert b"2026-03-02T08:30:00" in pdf
    assert b"Campaign report: Glow" in pdf
    # Tagged for screen readers.
    assert b"/StructTreeRoot" in pdf


@pytest.mark.parametrize("what", ["weekly", "empty", "first_day"])
def test_every_report_can_be_set(what: str) -> None:
    assert render_pdf(BLOCKS[what], what, AS_OF).startswith(b"%PDF-")


def test_blocks_of_every_kind_can_be_set() -> None:
    """A table without rows, and rows without columns of texts, are set as well."""
    numbers = Table("Numbers", (Column("No."),), ((Cell("1"),),))
    blocks = [*every_kind(), chart(), Table("None", (), ()), numbers]
    assert render_pdf(blocks, "", AS_OF).startswith(b"%PDF-")


@pytest.mark.prove
def test_the_same_report_has_the_same_bytes_in_every_process() -> None:
    blocks = [*BLOCKS["campaign"], chart()]
    assert render_pdf(blocks, "a", AS_OF) == render_pdf(blocks, "a", AS_OF)
    assert render_html(blocks, "a") == render_html(blocks, "a")
    assert render_pdf(blocks, "a", AS_OF) != render_pdf(blocks, "b", AS_OF)


def test_a_chart_is_drawn_in_every_medium() -> None:
    html = render_html([chart()], "A report")
    assert html.count("data:image/svg+xml;base64,") == 2
    assert "<td><bdi>one</bdi></td>" in html
    assert "Most are in the second part" in render_text([chart()])
    assert "*Most are in the second part*" in render_markdown([chart()])
    assert press([chart()], png=True).png["rates"].startswith(b"\x89PNG")


def test_a_chart_is_kept_with_its_report() -> None:
    assert from_document(to_document([Heading("A"), chart()])) == [Heading("A"), chart()]


def test_whoever_hands_a_report_out_is_named_with_a_logo() -> None:
    brand = Brand(name='Agency "A" & Co.', colour="#a6457f", logo=PNG)
    html = render_html(BLOCKS["daily"], "a", brand)
    assert "Agency &#34;A&#34; &amp; Co." in html
    assert "data:image/png;base64," in html
    assert "#a6457f" in html
    assert render_pdf(BLOCKS["daily"], "a", AS_OF, brand) != render_pdf(BLOCKS["daily"], "a", AS_OF)


@pytest.mark.parametrize(
    "wrong",
    [
        {"colour": "red"},
        {"colour": "#fff;}*{background:url(//evil.example)"},
        {"logo": b"<svg onload=alert(1)>"},
        {"logo": b""},
        {"logo": PNG + bytes(LARGEST_LOGO)},
    ],
)
def test_a_brand_that_would_be_more_than_a_name_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"colour|logo"):
        Brand(**wrong)  # type: ignore[arg-type]


def test_the_fonts_hold_what_captions_are_written_in() -> None:
    """A letter that no font has comes out as the same box for every letter."""

    def drawn(text: str) -> bytes:
        return streams(render_pdf([Paragraph(text)], "a", AS_OF))

    families = {path.name for path in FONTS.glob("*.?tf")}
    assert len(families) >= len(FAMILIES)
    box = drawn("\U00013000\U00013000")
    for text in ("日本", "한국", "عرب", "ไทย", "👀🔥", "★↑"):
        assert drawn(text) != box, text


def hostile(port: int = 9) -> list[Block]:
    """Sixty texts and charts that would fetch, read or run something if anything took them up."""
    home = f"http://127.0.0.1:{port}/x"
    texts = [
        '#image("/etc/passwd")', '#read("/etc/passwd")', '#include "/etc/passwd"',
        '#import "@preview/cetz:0.3.4"', f'#link("{home}")[x]', "#sys.inputs", "#panic()",
        '#plugin("/etc/passwd")', "$integral$", "*a* _b_ `c`", "#set page(fill: red)", "<label>",
        f'<img src="{home}">', f"<image href='{home}'/>", f'<use xlink:href="{home}#a"/>',
        f"<style>@import '{home}';</style>", f"url({home})", "&xxe;", "<!ENTITY x SYSTEM 'file:///etc/passwd'>",
        f"![x]({home})", "{{7*7}}", "\\u{41}", "//comment", "/* comment */", "#", "@ref", "= head",
    ]  # fmt: skip
    addresses = [
        home, "file:///etc/passwd", "data:text/html,x", "javascript:1", "//127.0.0.1/x",
        f"https://www.tiktok.com@127.0.0.1:{port}/", "/etc/passwd", "../../../etc/passwd",
    ]  # fmt: skip
    blocks: list[Block] = [Paragraph(text) for text in texts]
    blocks += [
        Table("T", (Column(text),), ((Cell(text, link=address),),))
        for text, address in zip(texts, addresses, strict=False)
    ]
    blocks += [chart(f"label-{n}", text) for n, text in enumerate(texts)]
    return blocks


class Listener:
    """A port of this machine, and who knocked at it."""

    def __init__(self) -> None:
        self.knocks: list[object] = []
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._socket.settimeout(0.1)
        self.port: int = self._socket.getsockname()[1]
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._wait)
        self._thread.start()

    def _wait(self) -> None:
        while not self._done.is_set():
            with contextlib.suppress(TimeoutError):
                self.knocks.append(self._socket.accept())

    def close(self) -> None:
        self._done.set()
        self._thread.join()
        self._socket.close()


@pytest.fixture
def listener() -> Iterator[Listener]:
    found = Listener()
    yield found
    found.close()


def test_hostile_documents_fetch_and_read_nothing(listener: Listener, tmp_path: Path) -> None:
    blocks = hostile(listener.port)
    assert len(blocks) >= 60
    pdf = render_pdf(blocks, '#read("/etc/passwd")', AS_OF)
    html = render_html(blocks, "a")
    secret = Path("/etc/passwd").read_bytes().splitlines()[0]
    assert secret not in streams(pdf) + pdf + html.encode()
    assert b"/URI" not in pdf
    assert listener.knocks == []


def test_data_of_charts_from_elsewhere_are_not_fetched(listener: Listener) -> None:
    """Our own specs never ask for any; a stored one may have been tampered with."""
    secret = Path("/etc/passwd").read_text().splitlines()[0].partition(":")[2]
    for url in (f"http://127.0.0.1:{listener.port}/x.json", "file:///etc/passwd"):
        spec = {
            **single([]),
            "data": {"url": url, "format": {"type": "dsv", "delimiter": ":"}},
            "mark": "text",
            "encoding": {"text": {"field": "root"}},
        }
        other = Chart(name="a", title="", subtitle="", spec=spec, columns=(), rows=())
        with contextlib.suppress(RenderingFailed):
            assert secret not in press([other]).svg["a"]["light"]
    assert listener.knocks == []


def test_the_listener_hears(listener: Listener) -> None:
    """The negative control of the two above."""
    socket.create_connection(("127.0.0.1", listener.port)).close()
    for _ in range(20):
        if listener.knocks:
            break
        threading.Event().wait(0.1)
    assert len(listener.knocks) == 1


@pytest.mark.skipif(shutil.which("strace") is None, reason="there is no strace here")
def test_the_process_that_sets_pages_connects_to_nothing_and_opens_only_its_own(
    tmp_path: Path,
) -> None:
    log = tmp_path / "calls"
    request = tmp_path / "request.json"
    # The request as `press` writes it, caught from the pipe.
    catcher = tmp_path / "python"
    catcher.write_text(f"#!/bin/sh\ncat > {request}\n")
    catcher.chmod(0o755)
    real = sys.executable
    try:
        sys.executable = str(catcher)
        with pytest.raises(RenderingFailed):
            render_pdf(hostile(), "a", AS_OF)
    finally:
        sys.executable = real
    subprocess.run(
        ["strace", "-f", "-e", "trace=openat,open,connect", "-o", log, real, "-P", "-m",
         "tagtide.renderers.press"],
        stdin=request.open(), capture_output=True, check=True, timeout=120, cwd=tmp_path,
        env=environ() | {"PATH": os.environ["PATH"]},
    )  # fmt: skip
    calls = log.read_text().splitlines()
    assert not [call for call in calls if "connect(" in call and "AF_UNIX" not in call]
    opened = {call.split('"')[1] for call in calls if "open" in call and '"' in call}
    assert any(str(FONTS) in path for path in opened)
    allowed = (
        sys.prefix, sys.base_prefix, str(FONTS.parents[2]), "/usr/", "/lib", "/proc/", "/sys/",
        "/etc/ld.so", "/etc/localtime", "/dev/", "/etc/fonts", "/nonexistent/",
    )  # fmt: skip
    strange = {path for path in opened if path.startswith("/") and not path.startswith(allowed)}
    assert strange == set()


def test_a_program_that_fails_is_a_clear_error() -> None:
    with pytest.raises(RenderingFailed, match="could not be made"):
        press(pages=Pages(program='#read("/etc/passwd")', data={}, instant=0))


def test_a_process_that_dies_is_a_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(RenderingFailed, match="ended with 1"):
        render_pdf(BLOCKS["campaign"], "a", AS_OF)
