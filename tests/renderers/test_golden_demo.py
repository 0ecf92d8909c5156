"""Reports of the demo's world in each medium, file by file. A change to one is a change to read.

To write them anew: `python tests/renderers/test_golden_demo.py`.
"""

from __future__ import annotations

import asyncio
import hashlib
import platform
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "services"))
from lab import Lab, lab

from tagtide.core.language import speaking
from tagtide.core.messages import Block
from tagtide.core.messages.appendix import FullTable, campaign_appendix, weekly_appendix
from tagtide.core.messages.campaign import campaign_blocks, daily_blocks
from tagtide.core.messages.weekly import weekly_blocks
from tagtide.languages import find_language
from tagtide.models import Campaign
from tagtide.renderers import (
    render_html,
    render_json,
    render_markdown,
    render_pdf,
    render_text,
    render_xlsx,
)
from tagtide.services.report import report_campaign, report_daily, report_weekly
from tagtide.simulator import DEMO_COMPETITORS, DEMO_OWN, demo_world
from workbook_reader import read_workbook

FOLDER = Path(__file__).parent / "golden" / "demo"
NOW = datetime(2026, 3, 30, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
#: Rows of a sheet: complete tables of hundreds of videos are not for reading.
_ROWS = 12


@dataclass(frozen=True)
class Told:
    """A report of the demo's world."""

    title: str
    as_of: datetime
    body: dict[str, Any]
    blocks: Sequence[Block]
    appendix: Sequence[FullTable]


def live() -> dict[str, Told]:
    """Two days of the demo's world, and its reports; one of them in German, too."""
    told: dict[str, Told] = {}

    async def story() -> None:
        start = NOW - 48 * HOUR
        async with lab(demo_world(11, NOW), start=start, credits=1_000_000) as bench:
            campaign = await bench.add(
                "Lumen glow",
                own=DEMO_OWN,
                competitors=DEMO_COMPETITORS,
                timezone="Europe/Paris",
                page_budget=2,
            )
            await _lived(bench, campaign)
            told.update(await _told(bench, campaign))

    asyncio.run(story())
    return told


async def _lived(bench: Lab, campaign: Campaign) -> None:
    while True:
        await bench.track(campaign)
        if bench.clock.now().hour == 12:
            await bench.collect(campaign)
        if bench.clock.now() >= NOW:
            return
        bench.clock.advance(6 * HOUR)


async def _told(bench: Lab, campaign: Campaign) -> dict[str, Told]:
    daily = await report_daily(bench.context, campaign)
    report = await report_campaign(bench.context, campaign)
    weekly = await report_weekly(bench.context, campaign)
    with speaking(find_language("de")):
        german = campaign_blocks(report)
    return {
        "german": Told("Kampagne", report.as_of, {}, german, ()),
        "daily": Told("Daily", daily.as_of, daily.as_dict(videos=False), daily_blocks(daily), ()),
        "campaign": Told(
            "Campaign",
            report.as_of,
            report.as_dict(videos=False),
            campaign_blocks(report),
            campaign_appendix(report),
        ),
        "weekly": Told(
            "Weekly",
            weekly.as_of,
            weekly.as_dict(),
            weekly_blocks(weekly),
            weekly_appendix(weekly),
        ),
    }


def _workbook(told: Told) -> str:
    """Sheets as text: a line a row, cells by tab, kinds of cells in their quotes."""
    content = render_xlsx(
        told.blocks, as_of=told.as_of, timezone="Europe/Paris", appendix=told.appendix
    )
    lines = []
    for name, sheet in read_workbook(content).sheets.items():
        lines.append(f"[{name}] frozen {sheet.frozen}, filter {sheet.filtered}")
        last = max((row for row, _ in sheet.cells), default=-1)
        for row in range(min(last + 1, _ROWS)):
            cells = [sheet.cells.get((row, column)) for column in range(len(sheet.widths) or 12)]
            lines.append("\t".join("" if cell is None else repr(cell) for cell in cells).rstrip())
        lines.append(f"{last + 1} rows")
    return "\n".join(lines) + "\n"


def _pdf(told: Told) -> str:
    return hashlib.sha256(render_pdf(told.blocks, told.title, told.as_of)).hexdigest() + "\n"


MEDIA: dict[str, Callable[[Told], str]] = {
    "txt": lambda told: render_text(told.blocks),
    "md": lambda told: render_markdown(told.blocks),
    "json": lambda told: render_json(told.body),
    "html": lambda told: render_html(told.blocks, told.title),
    "xlsx.txt": _workbook,
    "pdf.sha256": _pdf,
}
FILES = [(what, style) for what in ("daily", "campaign", "weekly") for style in MEDIA]
FILES += [("german", "txt"), ("german", "pdf.sha256")]


@pytest.fixture(scope="module")
def world() -> dict[str, Told]:
    return live()


@pytest.mark.parametrize(("what", "style"), FILES)
def test_a_report_of_the_demo_reads_as_agreed(
    world: dict[str, Told], what: str, style: str
) -> None:
    if style == "pdf.sha256" and (sys.platform, platform.machine()) != ("linux", "x86_64"):
        pytest.skip("the last digit of a coordinate may differ on another processor")
    agreed = (FOLDER / f"{what}.{style}").read_bytes().decode()
    assert MEDIA[style](world[what]) == agreed


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    found = live()
    for one, style in FILES:
        (FOLDER / f"{one}.{style}").write_bytes(MEDIA[style](found[one]).encode())
