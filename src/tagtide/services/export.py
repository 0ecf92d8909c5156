"""Data out, in batches: however long the history is, only one of them is in memory.

Creators are the exception: they are ranked, and for that all videos of the campaign are looked at.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from tagtide.core.metrics import creators
from tagtide.models import Campaign
from tagtide.services.context import Context

_BEFORE_ALL = datetime(1970, 1, 1, tzinfo=UTC)
_MOMENT = timedelta(microseconds=1)
#: Rows of a batch of readings, and of videos (each with the feeds it was seen in).
_READINGS, _VIDEOS = 5_000, 500
#: More alerts than this no campaign has.
_ALERTS = 100_000


async def export_batches(
    context: Context, campaign: Campaign, kind: str, *, since: datetime | None = None
) -> AsyncIterator[Sequence[Any]]:
    """Rows of an export as `exports.export_rows` takes them, batch by batch.

    Args:
        context: Ports and policies.
        campaign: Whose data.
        kind: ``videos``, ``creators``, ``readings`` or ``alerts``.
        since: Readings only from then on.

    Raises `StorageError`.
    """
    if kind == "alerts":
        yield await context.store.alerts(campaign_id=campaign.campaign_id, limit=_ALERTS)
    elif kind == "readings":
        for hashtag in campaign.hashtags:
            async for readings in _readings(context, hashtag.name, since or _BEFORE_ALL):
                yield readings
    elif kind == "creators":
        yield creators(await context.store.known_videos(campaign.campaign_id))
    else:
        async for videos in _videos(context, campaign.campaign_id):
            yield videos


async def _readings(
    context: Context, hashtag: str, since: datetime
) -> AsyncIterator[Sequence[Any]]:
    after = since - _MOMENT
    while found := await context.store.hashtag_readings_after(hashtag, after, _READINGS):
        yield found
        after = found[-1].read_at


async def _videos(context: Context, campaign_id: int) -> AsyncIterator[Sequence[Any]]:
    after = ""
    while ids := await context.store.video_ids_after(campaign_id, after, _VIDEOS):
        yield await context.store.known_videos(campaign_id, video_ids=ids)
        after = ids[-1]
