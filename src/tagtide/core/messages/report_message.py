"""A report as a message: what it says in a few lines, what is missing, where the rest is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from tagtide.core.charts.base import Chart
from tagtide.core.formats import clean_text, iso_utc, span
from tagtide.core.language import say, spoken
from tagtide.core.messages.blocks import (
    Block,
    Figure,
    KeyFigures,
    Kind,
    Note,
    Paragraph,
    Table,
    Tone,
    Value,
    language_of,
)
from tagtide.models import Campaign, MessageFile

#: Figures, charts and remarks of a message at most.
MOST_FIGURES, MOST_CHARTS, MOST_MISSING = 8, 2, 6
#: A report on older readings says so.
FRESH = timedelta(days=1)
_LINE = 600


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportAddresses:
    """Where a message leads; None leads nowhere."""

    #: The frozen copy, or the page of reports.
    report: str | None = None
    #: In front of ``chart-1.png``; None has no pictures to fetch.
    charts: str | None = None
    #: Where whoever has the message can stop it.
    unsubscribe: str | None = None


def report_payload(
    campaign: Campaign,
    *,
    kind: str,
    title: str,
    day: date,
    as_of: datetime | None,
    blocks: Sequence[Block],
    missing: Sequence[str],
    addresses: ReportAddresses,
    files: Sequence[MessageFile] = (),
) -> dict[str, Any]:
    """The neutral message of `docs/webhook.schema.json`.

    Args:
        campaign: Whose report it is.
        kind: Of the report.
        title: What the report is called.
        day: Its day.
        as_of: Its newest reading; None when there is no report.
        blocks: The report; empty when there is none.
        missing: What is not in it, the gravest first.
        addresses: Where it leads.
        files: What goes with it; of pictures within the text only their titles are said.
    """
    return {
        "version": 1,
        "type": "report",
        "campaign": campaign.name,
        "timezone": campaign.timezone,
        "language": language_of(blocks) if blocks else spoken().code,
        "kind": kind,
        "day": day.isoformat(),
        "as_of": iso_utc(as_of) if as_of else None,
        "title": title,
        "sentence": sentence_of(blocks),
        "figures": [_figure(one) for one in figures_of(blocks)],
        "missing": [clean_text(one, _LINE) for one in missing][:MOST_MISSING],
        "url": addresses.report,
        "charts": [
            {
                "title": chart.title,
                "url": f"{addresses.charts}/chart-{number}.png" if addresses.charts else None,
            }
            for number, chart in enumerate(charts_of(blocks), 1)
        ],
        "attachments": [
            {"name": file.name, "media_type": file.media_type, "size": len(file.content)}
            for file in files
            if file.shows is None
        ],
        **({"unsubscribe": addresses.unsubscribe} if addresses.unsubscribe else {}),
    }


def what_is_missing(blocks: Sequence[Block], as_of: datetime, now: datetime) -> list[str]:
    """What a reader must know first: readings that are old, and hashtags that were not read.

    The first in the language of the moment, the others in that of the report.
    """
    found = []
    if now - as_of > FRESH:
        age = span(now - as_of)
        found.append(
            say(
                "The newest reading is {age} old: this report says nothing of what came after it.",
                age=age,
            )
        )
    found += [block.text for block in blocks if isinstance(block, Note) and block.tone is Tone.WARN]
    return found


def sentence_of(blocks: Sequence[Block]) -> str | None:
    """The sentence that says what changed; None without one."""
    leads = (block.text for block in blocks if isinstance(block, Paragraph) and block.lead)
    return next(leads, None)


def charts_of(blocks: Sequence[Block]) -> list[Chart]:
    """The charts that a message shows, in the order of the report."""
    charts = [block for block in blocks if isinstance(block, Chart) and block.rows]
    return charts[:MOST_CHARTS]


def figures_of(blocks: Sequence[Block]) -> tuple[Figure, ...]:
    """Its key figures; of a report without any, the first rows of its first table with changes."""
    for block in blocks:
        if isinstance(block, KeyFigures):
            return block.figures[:MOST_FIGURES]
    for block in blocks:
        if isinstance(block, Table) and (found := _rows_as_figures(block)):
            return found
    return ()


def _rows_as_figures(table: Table) -> tuple[Figure, ...]:
    kinds = [column.kind for column in table.columns]
    # A number without a head is a rank.
    heads = [n for n, column in enumerate(table.columns) if column.title]
    name = next((n for n in heads if kinds[n] is Kind.TEXT), None)
    value = next((n for n in heads if kinds[n] is Kind.NUMBER), None)
    change = next((n for n in heads if kinds[n] is Kind.CHANGE), None)
    if name is None or value is None or change is None:
        return ()
    return tuple(
        Figure(
            row[name].text,
            row[value].text,
            row[change].text,
            table.columns[value].title.lower(),
            number=row[value].value,
            change_number=row[change].value,
        )
        for row in table.rows[:MOST_FIGURES]
    )


def _figure(one: Figure) -> dict[str, Any]:
    return {
        "label": one.label,
        "value": one.value,
        "change": one.change,
        "note": one.note,
        "number": _number(one.number),
        "change_number": _number(one.change_number),
    }


def _number(value: Value) -> int | float | None:
    return value if type(value) in {int, float} else None  # type: ignore[return-value]
