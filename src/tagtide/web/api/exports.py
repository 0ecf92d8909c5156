"""Exports, streamed: however long they are, the server holds one batch."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import StreamingResponse

from tagtide.core.access import Need
from tagtide.core.desk import RightsChannel
from tagtide.errors import InvalidInput
from tagtide.ports.browse import VideoFilter
from tagtide.services.export import export_batches, parse_use
from tagtide.services.views.lists import video_batches
from tagtide.web.api.campaigns import CampaignId
from tagtide.web.api.params import PLAIN
from tagtide.web.api.problem import described
from tagtide.web.api.route import api_router
from tagtide.web.api.watching import VideosWanted
from tagtide.web.download import export_file
from tagtide.web.frame import shared_of, visitor_of

Kind = Literal["videos", "creators", "readings", "alerts", "rights"]
Style = Literal["csv", "jsonl"]
Raw = Annotated[
    bool, Query(description="CSV for machines: text as it is, no defence against formulas.")
]
Cleared = Annotated[
    RightsChannel | None,
    Query(description="Videos that may be used there at this instant, and no others."),
]
Territory = Annotated[
    str | None, Query(max_length=40, pattern=PLAIN, description="With `cleared`: in this country.")
]
Codes = Annotated[
    bool, Query(description="Rights: Spark codes in full; for operators, masked for others.")
]


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
        asked: VideosWanted,
        cleared: Cleared = None,
        territory: Territory = None,
        spark_codes: Codes = False,
        raw: Raw = False,
    ) -> StreamingResponse:
        """Videos, creators, readings, alerts or rights of a campaign."""
        context = shared_of(request).app.context
        campaign = await context.store.campaign_by_id(campaign_id)
        wanted = asked.of(campaign_id)
        use = parse_use(cleared, territory) if cleared else None
        _check(kind, wanted, use, territory, with_codes=spark_codes)
        if kind == "videos" and use is None and wanted != VideoFilter(campaign_id=campaign_id):
            batches: AsyncIterator[Sequence[Any]] = video_batches(context, wanted)
        else:
            with_codes = spark_codes and visitor_of(request).may(Need.OPERATE)
            batches = export_batches(
                context, campaign, kind, since=asked.since, use=use, with_codes=with_codes
            )
        return export_file(kind, kind, campaign, batches, style, raw=raw)

    return routes


def _check(
    kind: str,
    wanted: VideoFilter,
    use: tuple[RightsChannel, str | None] | None,
    territory: str | None,
    *,
    with_codes: bool,
) -> None:
    """Refuse what would be ignored: whoever asks for it would take the file for something else."""
    is_filtered = replace(wanted, since=None) != VideoFilter(campaign_id=wanted.campaign_id)
    if (use is not None or is_filtered) and kind != "videos":
        raise InvalidInput("Only videos can be filtered, and cleared.")
    if use is not None and (is_filtered or wanted.since is not None):
        raise InvalidInput("`cleared` goes with no other filter.")
    if territory and use is None:
        raise InvalidInput("`territory` goes with `cleared`.")
    if with_codes and kind != "rights":
        raise InvalidInput("`spark_codes` goes with rights.")
    if wanted.since is not None and kind not in {"videos", "readings"}:
        raise InvalidInput("`since` goes with videos and readings.")
