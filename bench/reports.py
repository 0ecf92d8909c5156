"""reports: the campaign report in every format at 10,000 videos, and 5 million rows out.

Hypothesis: a report costs what it shows, never what is stored: 5 million readings behind it change
nothing; and an export of 5 million rows takes the memory of a tenth of them.

Method: the world of `bench.pages_world` (the campaign of 400 hashtags and 10,000 videos). Each
format in a process of its own that opens the database, reads and renders, in turn; the processor's
time of it and its children from what was read to the last byte, medians, and the largest resident
set of either. Then 5 million readings into a file of each kind, and a tenth of them.

Control: what reading takes, in the same processes; and the tenth.
"""

from __future__ import annotations

import asyncio
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench.figures import Figure, Result
from bench.pages import opened, world_file
from bench.pages_world import NOW, Size, build
from tagtide.core.messages.appendix import campaign_appendix
from tagtide.core.messages.campaign import campaign_blocks
from tagtide.core.reports.campaign import CampaignReport
from tagtide.exports import export_rows
from tagtide.exports.xlsx import WorkbookExport
from tagtide.models import CounterSource, HashtagReading
from tagtide.renderers import render_html, render_json, render_pdf, render_xlsx
from tagtide.services.report import read_campaign

#: Seconds of the processor for one report.
TARGETS = {"json": 0.5, "html": 1.5, "xlsx": 3.0, "pdf": 3.0}
_MEMORY_MB = 300.0
_ROWS = {"csv": 5_000_000, "jsonl": 5_000_000, "xlsx": 5_000_000}
_BEGIN = datetime(2017, 1, 1, tzinfo=UTC)
_BATCH = 5_000


def run(*, quick: bool) -> Result:
    """Measure."""
    size = Size(instants=12 if quick else 240)
    path = world_file(size)
    if not path.exists():
        build(path, size)
    found: dict[str, list[dict[str, float]]] = {style: [] for style in TARGETS}
    for _ in range(1 if quick else 5):
        for style, measured in found.items():
            measured.append(_child("report", style, str(path)))
    figures = [_report(style, found[style]) for style in TARGETS]
    figures.append(_memory(found, size))
    with tempfile.TemporaryDirectory() as folder:
        for style, count in _ROWS.items():
            rows = count // 100 if quick else count
            done = _child("rows", style, str(Path(folder) / f"rows.{style}"), str(rows))
            few = _child("rows", style, str(Path(folder) / f"few.{style}"), str(rows // 10))
            figures.append(_rows(style, rows, done, few))
    return Result(name="reports", figures=figures, facts=dict(found))


def _child(*arguments: str) -> dict[str, float]:
    done = subprocess.run(
        [sys.executable, "-m", "bench.reports", *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parent.parent,
    )
    if done.returncode:
        raise SystemExit(done.stderr)
    return dict(json.loads(done.stdout))


def _report(style: str, runs: list[dict[str, float]]) -> Figure:
    read, clock = (statistics.median(one[key] for one in runs) for key in ("read", "clock"))
    size, memory = (max(one[key] for one in runs) for key in ("bytes", "mb"))
    return Figure(
        name=f"campaign report of 10,000 videos as {style}",
        value=statistics.median(one["seconds"] for one in runs),
        target=TARGETS[style],
        at_most=True,
        unit=" s",
        against=(
            f"of the processor; on the clock {clock:.2f} s; reading it from the database takes "
            f"{read:.2f} s; {size / 1e3:,.0f} kB, {memory:.0f} MB"
        ),
    )


def _memory(found: dict[str, list[dict[str, float]]], size: Size) -> Figure:
    return Figure(
        name="campaign report, memory at most",
        value=max(one["mb"] for runs in found.values() for one in runs),
        target=_MEMORY_MB,
        at_most=True,
        unit=" MB",
        against=f"largest resident set; {size.readings:,} readings are stored",
    )


def _rows(style: str, rows: int, done: dict[str, float], few: dict[str, float]) -> Figure:
    return Figure(
        name=f"{rows:,} readings as {style}, memory",
        value=done["mb"],
        target=_MEMORY_MB,
        at_most=True,
        unit=" MB",
        against=(
            f"a tenth of them: {few['mb']:.0f} MB; {rows / done['seconds']:,.0f} rows a second of "
            f"the processor; {done['bytes'] / 1e6:,.0f} MB"
        ),
    )


# --- the processes --------------------------------------------------------------------------------


async def _read(path: Path) -> CampaignReport:
    async with opened(path) as app:
        return await read_campaign(app.context, await app.store.campaign("Campaign 0"))


def _rendered(style: str, report: CampaignReport) -> int:
    """As the command does; returns the size."""
    title = f"Campaign report: {report.campaign}"
    if style == "json":
        return len(render_json(report.as_dict()))
    blocks = campaign_blocks(report)
    if style == "html":
        return len(render_html(blocks, title))
    if style == "pdf":
        return len(render_pdf(blocks, title, report.as_of))
    appendix = campaign_appendix(report)
    return len(render_xlsx(blocks, as_of=NOW, timezone=report.timezone, appendix=appendix))


def _written(style: str, path: Path, count: int) -> int:
    """Rows of one hashtag into a file; returns its size."""
    if style == "xlsx":
        with path.open("wb") as file:
            book = WorkbookExport("readings", file, folder=path.parent, created=NOW)
            for batch in _batches(count):
                book.add(batch)
            book.close()
    else:
        with path.open("w", encoding="utf-8", newline="") as stream:
            for batch in _batches(count):
                export_rows("readings", batch, style, stream, header=False)
    return path.stat().st_size


def _batches(count: int) -> Iterator[list[object]]:
    for first in range(0, count, _BATCH):
        yield [
            HashtagReading(
                hashtag="glowup",
                hashtag_id="7100000000001",
                read_at=_BEGIN + timedelta(minutes=n),
                view_count=39_000_000_000 + n * 997,
                view_source=CounterSource.STATS_V2,
                view_unit=1,
                video_count=4_000_000 + n,
                video_source=CounterSource.STATS,
                video_unit=1,
            )
            for n in range(first, min(first + _BATCH, count))
        ]


def _spent() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def _peak() -> int:
    """Largest resident set of this process in kB; what getrusage says begins with its parent's."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0])


def _main(what: str, style: str, path: str, *more: str) -> None:
    report = asyncio.run(_read(Path(path))) if what == "report" else None
    read, clock = _spent(), time.perf_counter()
    if report is not None:
        size = _rendered(style, report)
    else:
        size = _written(style, Path(path), int(more[0]))
    found = {
        "read": read - _START,
        "seconds": _spent() - read,
        "clock": time.perf_counter() - clock,
        "mb": max(_peak(), resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss) / 1024,
        "bytes": size,
    }
    print(json.dumps(found))


if __name__ == "__main__":
    _START = _spent()
    _main(*sys.argv[1:])
