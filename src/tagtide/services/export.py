"""Data out, in batches: however long the history is, only one of them is in memory.

Creators are the exception: they are ranked, and for that all videos of the campaign are looked at.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from tagtide.core.desk import RightsChannel
from tagtide.core.desk.parse import parse_channels, parse_territory
from tagtide.core.metrics import creators
from tagtide.errors import InvalidInput
from tagtide.models import Campaign
from tagtide.services.context import Context
from tagtide.services.views.desk import cleared_videos, view_rights

_BEFORE_ALL = datetime(1970, 1, 1, tzinfo=UTC)
_MOMENT = timedelta(microseconds=1)
#: Rows of a batch of readings, and of videos (each with the feeds it was seen in).
_READINGS, _VIDEOS = 5_000, 500
#: More alerts than this no campaign has.
_ALERTS = 100_000


async def export_batches(
    context: Context,
    campaign: Campaign,
    kind: str,
    *,
    since: datetime | None = None,
    use: tuple[RightsChannel, str | None] | None = None,
    with_codes: bool = False,
) -> AsyncIterator[Sequence[Any]]:
    """Rows of an export as `exports.export_rows` takes them, batch by batch.

    Args:
        context: Ports and policies.
        campaign: Whose data.
        kind: ``videos``, ``creators``, ``readings``, ``alerts`` or ``rights``.
        since: Readings only from then on. Those of hashtags come first, then those of videos.
        use: Videos only that may be used now in this channel and territory.
        with_codes: Rights with their Spark codes in full.

    Raises `StorageError`.
    """
    if kind == "alerts":
        yield await context.store.alerts(campaign_id=campaign.campaign_id, limit=_ALERTS)
    elif kind == "readings":
        for hashtag in campaign.hashtags:
            async for readings in _readings(context, hashtag.name, since or _BEFORE_ALL):
                yield readings
        async for counters in _video_readings(context, campaign.campaign_id, since or _BEFORE_ALL):
            yield counters
    elif kind == "creators":
        yield creators(await context.store.known_videos(campaign.campaign_id))
    elif kind == "rights":
        yield await view_rights(context, campaign, may_see_codes=with_codes)
    elif use is not None:
        yield await cleared_videos(context, campaign, *use)
    else:
        async for videos in _videos(context, campaign.campaign_id):
            yield videos


def parse_use(channel: str, territory: str | None) -> tuple[RightsChannel, str | None]:
    """One rights channel and one territory at most. Raises `InvalidInput`."""
    channels, codes = parse_channels([channel]), parse_territory(territory)
    if len(channels) != 1 or len(codes) > 1:
        raise InvalidInput("Name one rights channel, and one territory at most.")
    return channels[0], codes[0] if codes else None


async def _readings(
    context: Context, hashtag: str, since: datetime
) -> AsyncIterator[Sequence[Any]]:
    after = since - _MOMENT
    while found := await context.store.hashtag_readings_after(hashtag, after, _READINGS):
        yield found
        after = found[-1].read_at


async def _video_readings(
    context: Context, campaign_id: int, since: datetime
) -> AsyncIterator[Sequence[Any]]:
    after: tuple[str, datetime] | None = None
    while found := await context.store.video_readings_after(campaign_id, after, since, _READINGS):
        yield found
        after = found[-1].video_id, found[-1].read_at


async def _videos(context: Context, campaign_id: int) -> AsyncIterator[Sequence[Any]]:
    after = ""
    while ids := await context.store.video_ids_after(campaign_id, after, _VIDEOS):
        yield await context.store.known_videos(campaign_id, video_ids=ids)
        after = ids[-1]
