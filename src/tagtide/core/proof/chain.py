"""The data part of a capsule: lines of canonical JSON, each hash covering the one before it."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

#: Stands before the first entry.
ORIGIN = "0" * 64
#: Around the data part in the file; nothing between them belongs to the page.
BEGIN = b'<script type="application/x-tagtide-proof" id="proof">\n'
END = b"</script>"
#: What a signature is over, followed by the head.
SIGNED = "tagtide proof 1 "
#: A longer file is not read, nor written: some 50,000 videos.
LARGEST = 64 * 1024 * 1024
#: Signs that a data part may hold of each kind: what is read takes memory by them, not by length.
_MOST_SIGNS = {b"\n": 400_000, b"{": 1_000_000, b"[": 1_000_000, b",": 10_000_000}

_LINE = re.compile(rb"([0-9a-f]{64}) (\{.*\})", re.DOTALL)
_SEAL_KEYS = {"entries", "head", "kind", "signature"}


class Malformed(Exception):
    """The bytes are not what the format asks for; ``str()`` says where."""


class NoCapsule(Malformed):
    """There is no data part at all."""


_ENCODER = json.JSONEncoder(
    allow_nan=False, ensure_ascii=True, separators=(",", ":"), sort_keys=True
)


def canonical(value: Mapping[str, Any]) -> str:
    """The one way to write an entry: ASCII, sorted keys, no spaces, no ``<``, ``>`` or ``&``."""
    text = _ENCODER.encode(value)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def link(before: str, text: str) -> str:
    """The hash of an entry, which covers the hash of the entry before it."""
    return hashlib.sha256(f"{before} {text}".encode("ascii")).hexdigest()


def page_hash(page: tuple[bytes, bytes]) -> str:
    """SHA-256 of a page: what stands before the data part, and behind it."""
    return hashlib.sha256(b"".join(page)).hexdigest()


@dataclass(frozen=True, slots=True)
class Line:
    """One entry as it stands in the file."""

    hash: str
    text: str
    #: None where the text is no canonical JSON object.
    entry: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class Seal:
    """What closes the chain."""

    entries: int
    head: str
    #: Ed25519 over `SIGNED` and the head, in hexadecimal; None without one.
    signature: str | None


@dataclass(frozen=True, slots=True)
class Parts:
    """A file taken apart."""

    lines: tuple[Line, ...]
    seal: Seal
    #: Everything around the data part.
    page: bytes


@dataclass(frozen=True, slots=True)
class Break:
    """A place where the chain does not hold."""

    #: Number of the entry, as it should be.
    entry: int
    #: ``changed``, ``missing``, ``added``, ``moved``.
    problem: str
    #: The line that stands there; None for a missing one.
    line: Line | None = None


# --- writing --------------------------------------------------------------------------------------


class Chain:
    """Entries in their order, numbered and hashed as they come."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self.head = ORIGIN

    def add(self, entry: Mapping[str, Any]) -> dict[str, Any]:
        """Append an entry and return it as it stands there, with its number."""
        numbered = {**entry, "n": len(self._lines)}
        text = canonical(numbered)
        self.head = link(self.head, text)
        self._lines.append(f"{self.head} {text}\n")
        return numbered

    def sealed(self, signature: str | None) -> bytes:
        """The whole data part, with its markers."""
        seal = {
            "entries": len(self._lines),
            "head": self.head,
            "kind": "seal",
            "signature": signature,
        }
        data = "".join(self._lines) + canonical(seal) + "\n"
        return BEGIN + data.encode("ascii") + END


# --- reading --------------------------------------------------------------------------------------


def take_apart(file: bytes) -> Parts:
    """The data part and the page of a file. Raises `Malformed` and `NoCapsule`."""
    start = file.find(BEGIN)
    if start < 0:
        raise NoCapsule("there is no data part")
    stop = file.find(END, start + len(BEGIN))
    if stop < 0:
        raise Malformed("the data part does not end")
    page = file[:start] + file[stop + len(END) :]
    if BEGIN in page:
        raise Malformed("there are two data parts")
    data = file[start + len(BEGIN) : stop]
    if any(data.count(sign) > most for sign, most in _MOST_SIGNS.items()):
        raise Malformed("it holds more than any capsule does")
    if not data.endswith(b"\n"):
        raise Malformed("the data part does not end with a line")
    *entries, seal = data[:-1].split(b"\n")
    return Parts(tuple(_line(line) for line in entries), _seal(seal), page)


def _line(line: bytes) -> Line:
    found = _LINE.fullmatch(line)
    if found is None:
        return Line("", line.decode("ascii", "replace"), None)
    text = found[2].decode("ascii", "replace")
    return Line(found[1].decode("ascii"), text, parse(text))


def parse(text: str) -> Mapping[str, Any] | None:
    """The object that a canonical text stands for; None when it is anything else."""
    try:
        value = json.loads(text)
        # Also finds what JSON lets pass: a key that stands twice, NaN, spaces, another order.
        return value if isinstance(value, dict) and canonical(value) == text else None
    except (ValueError, RecursionError, OverflowError):
        return None


def _seal(line: bytes) -> Seal:
    value = parse(line.decode("ascii", "replace"))
    if value is None or value.get("kind") != "seal" or set(value) != _SEAL_KEYS:
        raise Malformed("the last line is no seal")
    entries, head, signature = value["entries"], value["head"], value["signature"]
    if type(entries) is not int or not _is_hex(head, 64):
        raise Malformed("the seal is damaged")
    if signature is not None and not _is_hex(signature, 128):
        raise Malformed("the signature in the seal is damaged")
    return Seal(entries, head, signature)


def _is_hex(value: object, length: int) -> bool:
    return isinstance(value, str) and bool(re.fullmatch(f"[0-9a-f]{{{length}}}", value))


# --- judging --------------------------------------------------------------------------------------


def breaks(lines: Sequence[Line]) -> list[Break]:
    """Where the chain does not hold, by entry; empty when it does.

    Each link is judged from the hash that stands before it, so that one changed entry does not
    make every later one wrong.
    """
    numbers = [_number(line) for line in lines]
    found = _missing(numbers)
    seen: set[int] = set()
    before, last = ORIGIN, -1
    for place, (line, number) in enumerate(zip(lines, numbers, strict=True)):
        if number is None:
            found.append(Break(place, "changed", line))
        elif link(before, line.text) != line.hash:
            problem = _problem(number, last, seen)
            found += [Break(number, problem, line)] if problem else []
        last = place if number is None else number
        before = line.hash
        seen.add(last)
    if not found and numbers != list(range(len(lines))):
        place = next(i for i, number in enumerate(numbers) if number != i)
        found.append(Break(place, "moved", lines[place]))
    return sorted(found, key=lambda b: b.entry)


def _number(line: Line) -> int | None:
    number = None if line.entry is None else line.entry.get("n")
    return number if type(number) is int and number >= 0 else None


def _missing(numbers: Sequence[int | None]) -> list[Break]:
    here = {place if number is None else number for place, number in enumerate(numbers)}
    # A number that no file of this length can hold says nothing about what is missing.
    beyond = min(max(here, default=-1), 2 * len(numbers)) + 1
    return [Break(number, "missing") for number in range(beyond) if number not in here]


def _problem(number: int, last: int, seen: set[int]) -> str | None:
    """What is wrong with an entry whose hash does not follow from the one before it."""
    if number == last + 1:
        return "changed"
    if number in seen:
        return "added"
    # Behind a gap it is not this entry that is wrong.
    return "moved" if number < last else None
