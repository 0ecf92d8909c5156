"""Lists as files: written while they are read, so that their length does not matter."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any

from fastapi.responses import StreamingResponse

from tagtide.core.periods import zone_or_utc
from tagtide.exports import export_chunk
from tagtide.models import Campaign


def csv_file(
    name: str, kind: str, campaign: Campaign, batches: AsyncIterator[Sequence[Any]]
) -> StreamingResponse:
    """A CSV file for a spreadsheet, with the campaign's number in its name."""
    return StreamingResponse(
        _lines(kind, campaign, batches),
        media_type="text/csv; charset=utf-8",
        headers={
            "Content-Disposition": f'attachment; filename="{name}-{campaign.campaign_id}.csv"'
        },
    )


async def _lines(
    kind: str, campaign: Campaign, batches: AsyncIterator[Sequence[Any]]
) -> AsyncIterator[str]:
    zone = zone_or_utc(campaign.timezone)
    yield export_chunk(kind, (), "csv", is_first=True, zone=zone)
    async for rows in batches:
        yield export_chunk(kind, rows, "csv", zone=zone)
