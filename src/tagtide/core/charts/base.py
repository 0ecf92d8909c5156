"""What every chart is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

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
    """A spec as wide as its place, over ``values``."""
    return {
        "$schema": SCHEMA,
        "width": "container",
        "height": height,
        "autosize": {"type": "fit-x", "contains": "padding"},
        "data": {"values": values},
        **more,
    }
