"""What every chart is made of."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tagtide.core.language import ENGLISH, NUMBERS, say, say_as, spoken

SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A chart as data, and the same as a table for whoever cannot see it.

    The spec holds no colours, fonts or sizes of text: the medium brings those. Titles are not in it
    either, so that they are text in every medium.
    """

    #: Names the chart within its page or document: letters and dashes.
    name: str
    #: The finding, as a sentence.
    title: str
    #: Measure and unit, and the zone of the time axis.
    subtitle: str
    #: A Vega-Lite object whose data stand inside it; JSON types only.
    spec: Mapping[str, Any]
    #: Heads of the table, and its rows as people read them.
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def single(values: list[dict[str, Any]], height: int = 240, **more: Any) -> dict[str, Any]:
    """A spec as wide as its place, over ``values``; its axes speak the language of the moment."""
    locale = _locale()
    return {
        "$schema": SCHEMA,
        "width": "container",
        "height": height,
        "autosize": {"type": "fit-x", "contains": "padding"},
        "data": {"values": values},
        **({"config": {"locale": locale}} if locale else {}),
        **more,
    }


def _locale() -> dict[str, Any]:
    """How axes write numbers and dates, where that is not how the drawing program does."""
    thousands, point = NUMBERS[spoken().numbers]
    number = {"decimal": point, "thousands": thousands, "grouping": [3], "currency": ["", ""]}
    if spoken().catalogue is None:
        return {} if spoken().numbers == ENGLISH.numbers else {"number": number}
    short = say_as("twelve short months", "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec").split()
    # Only the short months are drawn, yet a locale is whole or it is none.
    names = {"months": short, "shortMonths": short, "days": ["-"] * 7, "shortDays": ["-"] * 7}
    formats = {"dateTime": "%c", "date": "%x", "time": "%X", "periods": ["am", "pm"]}
    return {"number": number, "time": formats | names}


def amounts(form: str = "~s") -> dict[str, Any]:
    """Parts of an axis that shows thousands, millions and billions short."""
    if spoken().catalogue is None:
        return {"format": form}
    # The program knows one letter for each in every language.
    said = f"format(datum.value, '{form}')"
    for letter, word in (
        ("k", say("{number} k", number="")),
        ("M", say("{number} M", number="")),
        ("G", say("{number} B", number="")),
    ):
        said = f"replace({said}, '{letter}', {json.dumps(word, ensure_ascii=False)})"
    return {"format": form, "labelExpr": said}


def percents(form: str) -> dict[str, Any]:
    """Parts of an axis that shows fractions as percent."""
    if spoken().catalogue is None:
        return {"format": form}
    said = say("{number} %", number="")
    return {
        "format": form,
        "labelExpr": f"replace(datum.label, '%', {json.dumps(said, ensure_ascii=False)})",
    }
