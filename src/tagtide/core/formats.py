"""How numbers, instants and strangers' text look to a person. Never used for machines.

They follow the language of the moment (`core.language`), which is English unless somebody says
otherwise, and never the locale of the machine: the same report has the same bytes everywhere.
Unknown is `DASH`, never 0.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache

from tagtide.core.language import figure, say, say_as, spoken

#: What stands for an unknown value.
DASH = "–"
MINUS = "−"
UP, DOWN, LEVEL = "↑", "↓", "→"

_STEPS = ((1_000, "k"), (1_000_000, "M"), (1_000_000_000, "B"), (1_000_000_000_000, "T"))
#: A change of so much and more is told as a multiple: +164,494 % says nothing to anybody.
_TIMES_FROM = 10.0


def whole(value: float | None) -> str:
    """A number in full, rounded to a whole one: ``1,234,567``."""
    if value is None:
        return DASH
    return figure(f"{round(value):,}").replace("-", MINUS)


def compact(value: float | None) -> str:
    """A number short enough for a column: ``9,876``, ``12.3 k``, ``1.2 M``, ``39.1 B``."""
    if value is None:
        return DASH
    size = abs(value)
    if round(size) < 10_000:
        return whole(value)
    for step, unit in _STEPS:
        scaled = round(size / step, 1)
        if scaled < 1_000 or unit == "T":
            break
    return _stepped(figure(f"{MINUS if value < 0 else ''}{scaled:,.1f}"), unit)


def _stepped(number: str, unit: str) -> str:
    if unit == "k":
        return say("{number} k", number=number)
    if unit == "M":
        return say("{number} M", number=number)
    if unit == "B":
        return say("{number} B", number=number)
    return say("{number} T", number=number)


def step_units() -> tuple[str, ...]:
    """What stands behind thousands, millions and so on, with the space before it."""
    return tuple(_stepped("", unit) for _, unit in _STEPS)


def arrow(value: float | None) -> str:
    """The direction of a change; `DASH` when it is unknown."""
    if value is None:
        return DASH
    return UP if value > 0 else DOWN if value < 0 else LEVEL


def signed(value: float | None) -> str:
    """A change with its sign: ``+1.2 M``, ``−340``, ``0``."""
    if value is None:
        return DASH
    return f"+{compact(value)}" if value > 0 else compact(value)


def signed_whole(value: float | None) -> str:
    """A change in full with its sign: ``+1,234,567``."""
    if value is None:
        return DASH
    return f"+{whole(value)}" if value > 0 else whole(value)


def change(value: float | None) -> str:
    """A change with arrow and sign, readable without colour: ``↑ +1.2 M``."""
    return DASH if value is None else f"{arrow(value)} {signed(value)}"


def percent(fraction: float | None) -> str:
    """A fraction as percent with one decimal: ``5.3 %``."""
    return DASH if fraction is None else f"{decimal(fraction * 100)} %"


def signed_percent(fraction: float | None) -> str:
    """A relative change: ``+12.5 %``, ``−3.0 %``, ``0.0 %``."""
    text = percent(fraction)
    return f"+{text}" if fraction is not None and round(fraction * 100, 1) > 0 else text


def growth(fraction: float | None) -> str:
    """A relative change that may be of any size: ``+12.5 %``; from eleven times on ``×1,646``."""
    if fraction is None or fraction < _TIMES_FROM:
        return signed_percent(fraction)
    return f"×{whole(round(1 + fraction))}"


def decimal(value: float | None, places: int = 1) -> str:
    """A plain number with a fixed count of decimals: ``3.4``."""
    if value is None:
        return DASH
    return figure(f"{_zero_without_sign(value, places):,.{places}f}").replace("-", MINUS)


def signed_decimal(value: float) -> str:
    """A plain number with its sign and one decimal: ``+3.4``, ``+0.0``."""
    return figure(f"{value:+.1f}").replace("-", MINUS)


def short(value: float) -> str:
    """A plain number with a decimal where it has one: ``5``, ``2.5``."""
    return figure(_short(value)).replace("-", MINUS)


def span(duration: timedelta | None) -> str:
    """A duration in its natural unit: ``45 s``, ``45 min``, ``5.8 h``, ``3 d``. Sign is dropped."""
    if duration is None:
        return DASH
    seconds = abs(duration.total_seconds())
    if seconds < 90:
        return _timed(str(round(seconds)), "s")
    if seconds < 90 * 60:
        return _timed(str(round(seconds / 60)), "min")
    if seconds < 48 * 3600:
        return _timed(figure(_short(seconds / 3600)), "h")
    return _timed(figure(_short(seconds / 86400)), "d")


def _timed(number: str, unit: str) -> str:
    if unit == "s":
        return say("{number} s", number=number)
    if unit == "min":
        return say("{number} min", number=number)
    if unit == "h":
        return say("{number} h", number=number)
    return say("{number} d", number=number)


def span_units() -> tuple[str, ...]:
    """What stands behind a duration, with the space before it: seconds up to days."""
    return tuple(_timed("", unit) for unit in ("s", "min", "h", "d"))


def span_of_hours(hours: float | None) -> str:
    """`span` of a count of hours."""
    return DASH if hours is None else span(timedelta(hours=hours))


def date_text(instant: datetime | None, zone: tzinfo) -> str:
    """The date of an instant in a zone: ``20 Nov 2026``."""
    if instant is None:
        return DASH
    local = instant.astimezone(zone)
    months = say_as("twelve months", "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec")
    return say_as(
        "date",
        "{day} {month} {year}",
        day=local.day,
        month=_names(months)[local.month - 1],
        year=local.year,
    )


@lru_cache(maxsize=16)
def _names(spaced: str) -> list[str]:
    return spaced.split()


def time_text(instant: datetime | None, zone: tzinfo) -> str:
    """The time of day of an instant in a zone: ``14:05``. Does not name the zone."""
    return DASH if instant is None else time_of_day(instant, zone, spoken().clock)


def time_of_day(instant: datetime, zone: tzinfo, clock: str) -> str:
    """The time of day on a clock of `CLOCKS`: ``14:05``, ``2:05 pm``."""
    local = instant.astimezone(zone)
    if clock == "24h":
        return f"{local:%H:%M}"
    return f"{local.hour % 12 or 12}:{local:%M} {'am' if local.hour < 12 else 'pm'}"


def instant_text(instant: datetime | None, zone: tzinfo) -> str:
    """Date and time in a zone: ``20 Nov 2026, 14:05``."""
    if instant is None:
        return DASH
    return f"{date_text(instant, zone)}, {time_text(instant, zone)}"


def iso_utc(instant: datetime) -> str:
    """ISO 8601 in UTC with ``Z``, whole seconds; for machines and for `as_dict` of reports."""
    return instant.astimezone(UTC).replace(microsecond=0, tzinfo=None).isoformat() + "Z"


def counted(count: int, one: str, many: str | None = None) -> str:
    """A count with its noun: ``1 video``, ``312 videos``."""
    return f"{whole(count)} {one if count == 1 else many or one + 's'}"


# --- strangers' text ------------------------------------------------------------------------------

#: Letters that show nothing: Hangul fillers, the braille blank, the grapheme joiner.
_INVISIBLE = frozenset("\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0\u034f")
_MARKS_PER_LETTER = 4
_SPACES = re.compile(r"\s+")


def clean_text(text: str | None, limit: int = 200) -> str:
    """One safe line of plain text from a stranger's.

    Takes out control, bidirectional, zero-width, tag, private and surrogate characters and
    variation selectors, turns every kind of space and line end into one space, keeps at most four
    combining marks on a letter and at most ``limit`` letters (the last is an ellipsis when
    something was cut). Does NOT escape anything: that is for each medium to do. Never for storage.
    """
    if text and len(text) <= limit and text.isascii() and text.isprintable():
        return _SPACES.sub(" ", text).strip()
    kept: list[str] = []
    letters = marks = 0
    for char in _SPACES.sub(" ", (text or "")[: limit * 16]):
        category = unicodedata.category(char)
        if category in ("Zl", "Zp", "Zs"):
            char = " "  # noqa: PLW2901 - one space stands for every kind of it
        elif _is_unprintable(char, category):
            continue
        if category in ("Mn", "Me", "Mc"):
            marks += 1
            if marks > _MARKS_PER_LETTER or not kept:
                continue
        else:
            marks, letters = 0, letters + 1
            if letters > limit:
                return _cut("".join(kept), limit)
        kept.append(char)
    return _SPACES.sub(" ", "".join(kept)).strip()


def _is_unprintable(char: str, category: str) -> bool:
    point = ord(char)
    return (
        category in ("Cc", "Cf", "Co", "Cs")
        or char in _INVISIBLE
        or 0xFE00 <= point <= 0xFE0F
        or 0xE0000 <= point <= 0xE0FFF
        or 0xFDD0 <= point <= 0xFDEF
        or point & 0xFFFE == 0xFFFE
    )


def _cut(text: str, limit: int) -> str:
    text = _SPACES.sub(" ", text).strip()
    end = len(text)
    while end and unicodedata.combining(text[end - 1]):
        end -= 1
    return text[: max(end - 1, 0)].rstrip() + "…" if limit > 0 else ""


def _short(value: float) -> str:
    return f"{value:,.1f}".removesuffix(".0")


def _zero_without_sign(value: float, places: int) -> float:
    return round(value, places) + 0.0
