"""Lists as files: written while they are read, so that their length does not matter."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any

from fastapi.responses import StreamingResponse

from tagtide.core.periods import zone_or_utc
from tagtide.exports import export_chunk
from tagtide.models import Campaign

_MEDIA_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "jsonl": "application/x-ndjson; charset=utf-8",
}


def export_file(
    name: str,
    kind: str,
    campaign: Campaign,
    batches: AsyncIterator[Sequence[Any]],
    style: str = "csv",
    *,
    raw: bool = False,
) -> StreamingResponse:
    """A CSV file for a spreadsheet, or JSON lines, with the campaign's number in its name.

    ``raw`` leaves what a spreadsheet would run in CSV as it is.
    """
    file = f"{name}-{campaign.campaign_id}.{style}"
    return StreamingResponse(
        _lines(kind, campaign, batches, style, raw=raw),
        media_type=_MEDIA_TYPES[style],
        headers={"Content-Disposition": f'attachment; filename="{file}"'},
    )


async def _lines(
    kind: str,
    campaign: Campaign,
    batches: AsyncIterator[Sequence[Any]],
    style: str,
    *,
    raw: bool,
) -> AsyncIterator[str]:
    zone = zone_or_utc(campaign.timezone)
    yield export_chunk(kind, (), style, is_first=True, raw=raw, zone=zone)
    async for rows in batches:
        yield export_chunk(kind, rows, style, raw=raw, zone=zone)
