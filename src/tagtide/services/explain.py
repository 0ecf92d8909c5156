"""Load what explains a change: the held videos of its hashtag near both ends. Spends nothing."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from tagtide.core.explain import NEAR, Moved, explain
from tagtide.models import Campaign, VideoReading
from tagtide.services.context import Context

#: Bands further back, newest first, whose readings are told with their own span: the collection of
#: the day, the one before, and that of a day more.
_FURTHER = (timedelta(hours=12), timedelta(hours=12), timedelta(hours=24))


async def explain_change(context: Context, campaign: Campaign, moved: Moved) -> dict[str, Any]:
    """What a change of a hashtag is made of, for `Alert.data["explanation"]`.

    For whichever rule judged it. Rests on the videos of that hashtag that the campaign holds.
    """
    store, tags = context.store, [moved.hashtag]
    videos = await store.known_videos(campaign.campaign_id, hashtags=tags)
    if not videos:
        return explain(moved, (), {}).as_dict()
    span = moved.until - moved.since
    earlier = await store.video_readings_near(
        campaign.campaign_id, moved.since, span * NEAR, hashtags=tags
    )
    further: dict[str, VideoReading] = {}
    until = moved.since - span * NEAR
    for band in _FURTHER:
        found = await store.video_readings_near(
            campaign.campaign_id, until - band / 2, band / 2, hashtags=tags
        )
        further = found | further
        until -= band
    return explain(moved, videos, earlier, further).as_dict()
