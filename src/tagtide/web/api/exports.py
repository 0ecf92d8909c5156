"""Exports, streamed: however long they are, the server holds one batch."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import StreamingResponse

from tagtide.core.periods import zone_or_utc
from tagtide.exports import export_chunk
from tagtide.models import Campaign
from tagtide.services.export import export_batches
from tagtide.web.api.campaigns import CampaignId
from tagtide.web.api.params import Instant
from tagtide.web.api.problem import described
from tagtide.web.api.route import api_router
from tagtide.web.frame import Shared, shared_of

Kind = Literal["videos", "creators", "readings", "alerts"]
Style = Literal["csv", "jsonl"]
Since = Annotated[Instant | None, Query(description="Readings only from then on.")]
Raw = Annotated[
    bool, Query(description="CSV for machines: text as it is, no defence against formulas.")
]

MEDIA_TYPES: dict[str, str] = {
    "csv": "text/csv; charset=utf-8",
    "jsonl": "application/x-ndjson; charset=utf-8",
}


def router() -> APIRouter:
    """Routes of the topic."""
    routes = api_router("exports")

    @routes.get(
        "/campaigns/{campaign_id}/exports/{kind}.{style}",
        response_class=StreamingResponse,
        responses={
            **described(404),
            200: {
                "description": "Rows as they are read. A stream that breaks off is not complete.",
                "content": {"text/csv": {}, "application/x-ndjson": {}},
            },
        },
    )
    async def export(
        request: Request,
        campaign_id: CampaignId,
        kind: Kind,
        style: Style,
        since: Since = None,
        raw: Raw = False,
    ) -> StreamingResponse:
        """Videos, creators, readings or alerts of a campaign."""
        shared = shared_of(request)
        campaign = await shared.app.context.store.campaign_by_id(campaign_id)
        name = f"{kind}-{campaign_id}.{style}"
        return StreamingResponse(
            _lines(shared, campaign, kind, style, since=since, raw=raw),
            media_type=MEDIA_TYPES[style],
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )

    return routes


async def _lines(
    shared: Shared,
    campaign: Campaign,
    kind: Kind,
    style: Style,
    *,
    since: Instant | None,
    raw: bool,
) -> AsyncIterator[str]:
    zone = zone_or_utc(campaign.timezone)
    yield export_chunk(kind, (), style, is_first=True, raw=raw, zone=zone)
    async for rows in export_batches(shared.app.context, campaign, kind, since=since):
        yield export_chunk(kind, rows, style, raw=raw, zone=zone)
