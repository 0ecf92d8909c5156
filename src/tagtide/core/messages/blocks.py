"""The blocks a message is made of, and the only addresses it may hold."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from tagtide.core.charts.base import Chart
from tagtide.core.language import say

#: What stands behind a text that shows it; None is unknown, or text alone. A rate is a fraction, a
#: span its hours, an instant aware.
Value = int | float | bool | datetime | None


class Tone(StrEnum):
    """What a colour may add; never the only carrier of a meaning."""

    PLAIN = "plain"
    UP = "up"
    DOWN = "down"
    WARN = "warn"
    MUTED = "muted"


class Kind(StrEnum):
    """What a column holds; decides its alignment."""

    TEXT = "text"
    NUMBER = "number"
    CHANGE = "change"
    INSTANT = "instant"
    SPARKLINE = "sparkline"
    #: Copied into a command or a search field, so never cut.
    ID = "id"

    @property
    def right(self) -> bool:
        """Whether its cells end on one line, as figures do."""
        return self in (Kind.NUMBER, Kind.CHANGE)


@dataclass(frozen=True, slots=True)
class Heading:
    """A title; level 1 opens a report."""

    text: str
    level: int = 2
    #: Of the report that it opens.
    language: str = "en"


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A sentence or two. ``lead`` marks the one that says what changed."""

    text: str
    lead: bool = False


@dataclass(frozen=True, slots=True)
class Figure:
    """A number with its name, the change behind it, and what it rests on."""

    label: str
    value: str
    change: str = ""
    note: str = ""
    tone: Tone = Tone.PLAIN
    #: Behind ``value`` and ``change``.
    number: Value = None
    change_number: Value = None


@dataclass(frozen=True, slots=True)
class KeyFigures:
    """Numbers that are read together."""

    figures: tuple[Figure, ...]


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table."""

    title: str
    kind: Kind = Kind.TEXT
    #: May be left out, and said to be, where there is no room for all.
    minor: bool = False


@dataclass(frozen=True, slots=True)
class Cell:
    """One value of a table."""

    text: str
    link: str | None = None
    #: The exact value behind a short one, for hover and copy.
    exact: str | None = None
    tone: Tone = Tone.PLAIN
    #: Written by a stranger: isolate its direction.
    foreign: bool = False
    #: Of a sparkline; None is a gap.
    values: tuple[float | None, ...] = ()
    #: Behind ``text``, for media that compute.
    value: Value = None
    #: Of the text where it is not that of the report.
    language: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under typed columns; ``empty`` is said when there are none, else `nothing` is."""

    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    empty: str = ""
    note: str = ""

    @property
    def nothing(self) -> str:
        """What is said where there are no rows."""
        return self.empty or say("Nothing yet.")


@dataclass(frozen=True, slots=True)
class BulletList:
    """Short items."""

    items: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Link:
    """One page to open; renderers refuse every address but TikTok's."""

    text: str
    url: str


@dataclass(frozen=True, slots=True)
class Note:
    """A remark on method or on what is missing."""

    text: str
    tone: Tone = Tone.MUTED


@dataclass(frozen=True, slots=True)
class Sparkline:
    """A curve of few values; None is a gap."""

    label: str
    values: tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class Definition:
    """A term and what it means here."""

    term: str
    meaning: str


@dataclass(frozen=True, slots=True)
class Definitions:
    """What the terms of a report mean; stands at its end."""

    terms: tuple[Definition, ...]
    title: str = "What the terms mean"


def language_of(blocks: Iterable[object]) -> str:
    """The language that a report says it is in: its first title has it."""
    first = next((block for block in blocks if isinstance(block, Heading)), None)
    return "en" if first is None else first.language


Block = (
    Heading
    | Paragraph
    | KeyFigures
    | Table
    | BulletList
    | Link
    | Note
    | Sparkline
    | Chart
    | Definitions
)

_TIKTOK = re.compile(
    r"https://www\.tiktok\.com/(@[\w.%-]{0,64}(/video/\d{1,24})?|tag/[\w.%·-]{1,300})"
)


def safe_link(url: str | None) -> str | None:
    """The address if it is a video, a creator or a hashtag on TikTok; else None."""
    return url if url and _TIKTOK.fullmatch(url) else None


def creator_url(username: str | None) -> str | None:
    """Public page of a creator; None without a handle."""
    return safe_link(f"https://www.tiktok.com/@{username}") if username else None
