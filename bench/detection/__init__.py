"""detection: every table of docs/detection.md; its parts also run alone (detection.null ...)."""

from __future__ import annotations

import importlib

from bench.figures import Result

PARTS = ("null", "bursts", "hashtags", "levels", "series", "speed")


def run(*, quick: bool) -> Result:
    """All parts."""
    parts = [importlib.import_module(f"bench.detection.{part}").run(quick=quick) for part in PARTS]
    return Result(
        name="detection",
        figures=[figure for part in parts for figure in part.figures],
        facts={part.name: part.facts for part in parts},
    )
