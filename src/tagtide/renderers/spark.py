"""Curves of a few values, as characters and as points."""

from __future__ import annotations

from collections.abc import Sequence

_BARS = "▁▂▃▄▅▆▇█"
_GAP = "·"


def bars(values: Sequence[float | None]) -> str:
    """One character per value between the least and the largest; a dot is a gap.

    The scale holds 0, so that the height of a bar is its size, unless all values are below 0.
    """
    known = [value for value in values if value is not None]
    if not known:
        return ""
    low, high = min(0.0, *known), max(0.0, *known)
    span = high - low
    steps = len(_BARS) - 1
    return "".join(
        _GAP if value is None else _BARS[round((value - low) / span * steps) if span else 0]
        for value in values
    )


def segments(
    values: Sequence[float | None], width: float, height: float
) -> list[list[tuple[float, float]]]:
    """Points of the curve in a box whose y grows downwards; a gap starts a new segment."""
    known = [value for value in values if value is not None]
    if not known:
        return []
    low, high = min(0.0, *known), max(0.0, *known)
    span = (high - low) or 1.0
    step = width / max(len(values) - 1, 1)
    found: list[list[tuple[float, float]]] = [[]]
    for index, value in enumerate(values):
        if value is None:
            found.append([])
        else:
            y = height - (value - low) / span * height
            found[-1].append((round(index * step, 1), round(y, 1)))
    return [points for points in found if points]
