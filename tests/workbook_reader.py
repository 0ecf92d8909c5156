"""A workbook as its XML says it, read with the standard library alone."""

from __future__ import annotations

import io
import re
import zipfile
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from xml.etree import ElementTree as ET

MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_ESCAPED = re.compile("_x([0-9A-Fa-f]{4})_")
_EPOCH = datetime(1899, 12, 30)  # noqa: DTZ001 - a wall clock
Value = str | float | bool


@dataclass(frozen=True)
class ReadSheet:
    name: str
    #: By row and column, from 0.
    cells: dict[tuple[int, int], Value]
    #: Number format of each cell.
    formats: dict[tuple[int, int], str]
    #: Cells that Excel shows with an apostrophe before them.
    quoted: frozenset[tuple[int, int]]
    widths: tuple[float, ...]
    frozen: tuple[int, int]
    filtered: str | None

    @property
    def titles(self) -> list[str]:
        return [str(v) for (row, _), v in sorted(self.cells.items()) if row == 0]

    def column(self, title: str) -> list[Value | None]:
        """The values under a title, from the first row to the last of the sheet."""
        at = next(c for (row, c), v in self.cells.items() if row == 0 and v == title)
        last = max(row for row, _ in self.cells)
        return [self.cells.get((row, at)) for row in range(1, last + 1)]


@dataclass(frozen=True)
class ReadBook:
    sheets: dict[str, ReadSheet]
    #: Whatever could compute or lead elsewhere.
    dangers: list[str] = field(default_factory=list)
    parts: dict[str, bytes] = field(default_factory=dict)


def read_workbook(content: bytes) -> ReadBook:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        parts = {name: archive.read(name) for name in archive.namelist()}
    trees = {name: ET.fromstring(part) for name, part in parts.items() if is_xml(name)}
    strings = [_text(si) for si in trees.get("xl/sharedStrings.xml", ET.Element("x"))]
    styles = _styles(trees["xl/styles.xml"])
    targets = {
        one.attrib["Id"]: f"xl/{one.attrib['Target']}"
        for one in trees["xl/_rels/workbook.xml.rels"]
    }
    sheets = {}
    for entry in trees["xl/workbook.xml"].iter(f"{MAIN}sheet"):
        name = entry.attrib["name"]
        assert name not in sheets
        sheets[name] = _sheet(name, trees[targets[entry.attrib[_RELATION]]], strings, styles)
    return ReadBook(sheets, [*_dangers(parts, trees)], parts)


def is_xml(name: str) -> bool:
    return name.endswith((".xml", ".rels"))


def instant(days: Value | None) -> datetime:
    """The wall clock that a number of days stands for, to the second."""
    assert isinstance(days, float)
    return _EPOCH + timedelta(seconds=round(days * 86_400))


def _dangers(parts: dict[str, bytes], trees: dict[str, ET.Element]):
    for name, part in parts.items():
        if b"<!DOCTYPE" in part or b"<!ENTITY" in part:
            yield f"{name}: a document type"
        if not is_xml(name):
            yield f"{name}: not XML"
    for name, tree in trees.items():
        for one in tree.iter():
            tag = one.tag.rpartition("}")[2]
            if one.tag == f"{MAIN}f" or tag in ("hyperlink", "hlinkClick", "ddeLink", "oleObject"):
                yield f"{name}: {tag} {one.text}"
            if tag in ("externalReference", "connection", "definedName"):
                said = one.attrib.get("name", "")
                if not said.startswith(("_xlnm.Print_Titles", "_xlnm._FilterDatabase")):
                    yield f"{name}: {tag} {said}"
            if tag == "Relationship" and one.attrib.get("TargetMode") == "External":
                yield f"{name}: leads to {one.attrib['Target']}"


def _text(node: ET.Element) -> str:
    """Plain or in runs; undoes what stands for characters that XML cannot hold."""
    return "".join(
        _ESCAPED.sub(lambda match: chr(int(match[1], 16)), t.text or "")
        for t in node.iter(f"{MAIN}t")
    )


def _styles(tree: ET.Element) -> list[tuple[str, bool]]:
    formats = {n.attrib["numFmtId"]: n.attrib["formatCode"] for n in tree.iter(f"{MAIN}numFmt")}
    builtin = {"0": "", "1": "0", "3": "#,##0", "10": "0.00%"}
    found = tree.find(f"{MAIN}cellXfs")
    assert found is not None
    return [
        (
            formats.get(xf.attrib["numFmtId"]) or builtin[xf.attrib["numFmtId"]],
            xf.attrib.get("quotePrefix") == "1",
        )
        for xf in found
    ]


def _sheet(
    name: str, tree: ET.Element, strings: list[str], styles: list[tuple[str, bool]]
) -> ReadSheet:
    cells: dict[tuple[int, int], Value] = {}
    formats, quoted = {}, set()
    for cell in tree.iter(f"{MAIN}c"):
        place = place_of(cell.attrib["r"])
        formats[place], is_quoted = styles[int(cell.attrib.get("s", "0"))]
        if is_quoted:
            quoted.add(place)
        if (value := _value(cell, strings)) is not None:
            cells[place] = value
    pane, filtered = tree.find(f".//{MAIN}pane"), tree.find(f"{MAIN}autoFilter")
    frozen = (0, 0)
    if pane is not None:
        frozen = int(pane.attrib.get("ySplit", 0)), int(pane.attrib.get("xSplit", 0))
    return ReadSheet(
        name,
        cells,
        formats,
        frozenset(quoted),
        tuple(float(c.attrib["width"]) for c in tree.iter(f"{MAIN}col")),
        frozen,
        None if filtered is None else filtered.attrib["ref"],
    )


def _value(cell: ET.Element, strings: list[str]) -> Value | None:
    kind, value = cell.attrib.get("t"), cell.find(f"{MAIN}v")
    if kind == "inlineStr":
        return _text(cell)
    if value is None or value.text is None:
        return None
    if kind == "s":
        return strings[int(value.text)]
    if kind == "b":
        return value.text == "1"
    assert kind is None, kind
    return float(value.text)


def place_of(reference: str) -> tuple[int, int]:
    letters, digits = re.fullmatch("([A-Z]+)([0-9]+)", reference).groups()  # type: ignore[union-attr]
    column = 0
    for letter in letters:
        column = column * 26 + ord(letter) - 64
    return int(digits) - 1, column - 1
