"""What the first page reads: every campaign at once, from newest counters and rollups."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Float, and_, cast, func, select

from tagtide.models import AlertState, HashtagReading, Role, Status
from tagtide.ports import FreshVideo, HashtagPace, RunSummary, WindowTotal
from tagtide.storage import tables as t
from tagtide.storage.rows import Topic, hashtag_reading_of
from tagtide.storage.runs import summaries

#: How far back an earlier reading is looked for.
_LONGEST_SILENCE = timedelta(days=10)


class Overviews(Topic):
    """The part of the store behind the first page."""

    async def hashtag_pace(self, since: datetime) -> list[HashtagPace]:
        """Every hashtag of every campaign, now and at the newest reading up to ``since``."""
        return await self._db.read(lambda c: _pace(c, since))

    async def window_totals(self, since: datetime) -> list[WindowTotal]:
        """By campaign and six hours, in order of time; own hashtags only."""
        window, held = t.hashtag_window.c, t.campaign_hashtag.c
        # As floating-point numbers: a sum of hostile counters is larger than an integer.
        total = func.sum(cast(window.last_view_count, Float))
        query = (
            select(held.campaign_id, window.window_at, total, func.count())
            .join_from(t.campaign_hashtag, t.hashtag_window, window.hashtag_key == held.hashtag_key)
            .join(t.campaign, t.campaign.c.id == held.campaign_id)
            .where(t.campaign.c.removed_at.is_(None), held.role == Role.OWN)
            .where(window.window_at >= since, window.last_view_count.is_not(None))
            .group_by(held.campaign_id, window.window_at)
            .order_by(held.campaign_id, window.window_at)
        )
        return await self._db.read(
            lambda c: [
                WindowTotal(campaign_id=number, window_at=at, view_count=int(views), hashtags=count)
                for number, at, views, count in c.execute(query)
            ]
        )

    async def fresh_priority(self, since: datetime, limit: int) -> list[FreshVideo]:
        """Videos that became high priority after ``since``, those with most views first."""
        held = t.campaign_video.c
        query = (
            select(held.campaign_id, t.video.c.video_id, held.high_priority_at)
            .join_from(t.campaign_video, t.video, t.video.c.id == held.video_key)
            .join(t.campaign, t.campaign.c.id == held.campaign_id)
            .where(held.high_priority_at > since, t.campaign.c.removed_at.is_(None))
            .order_by(t.video.c.view_count.desc(), t.video.c.video_id)
            .limit(limit)
        )
        return await self._db.read(
            lambda c: [
                FreshVideo(campaign_id=number, video_id=video_id, high_priority_at=at)
                for number, video_id, at in c.execute(query)
            ]
        )

    async def new_video_counts(self, since: datetime) -> dict[int, int]:
        """By campaign, videos first seen after ``since``."""
        held = t.campaign_video.c
        query = (
            select(t.campaign.c.id, func.count())
            .join_from(
                t.campaign,
                t.campaign_video,
                and_(held.campaign_id == t.campaign.c.id, held.first_seen_at > since),
            )
            .where(t.campaign.c.removed_at.is_(None))
            .group_by(t.campaign.c.id)
        )
        return await self._db.read(lambda c: {row[0]: row[1] for row in c.execute(query)})

    async def failed_runs(self, since: datetime, limit: int) -> list[RunSummary]:
        """Runs that ended as partial or failed after ``since``, newest first."""
        run = t.run.c
        query = (
            select(t.run)
            .where(run.started_at > since, run.status.in_([Status.PARTIAL, Status.FAILED]))
            .order_by(run.started_at.desc(), run.id.desc())
            .limit(limit)
        )
        return await self._db.read(lambda c: summaries(c, query))

    async def firing_counts(self) -> dict[int | None, int]:
        """By campaign, alerts that fire; None are those of tagtide itself."""
        alert = t.alert.c
        query = (
            select(alert.campaign_id, func.count())
            .where(alert.state == AlertState.FIRING)
            .group_by(alert.campaign_id)
        )
        return await self._db.read(lambda c: {row[0]: row[1] for row in c.execute(query)})


def _pace(connection: Connection, since: datetime) -> list[HashtagPace]:
    held, hashtag, reading = t.campaign_hashtag.c, t.hashtag.c, t.hashtag_reading
    earlier = reading.alias("earlier")
    base_at = (
        select(earlier.c.read_at)
        .where(earlier.c.hashtag_key == hashtag.id, earlier.c.read_at <= since)
        .where(earlier.c.read_at >= since - _LONGEST_SILENCE)
        .order_by(earlier.c.read_at.desc())
        .limit(1)
        .correlate(t.hashtag)
        .scalar_subquery()
    )
    base = reading.alias("base")
    query = (
        select(held.campaign_id, held.role, t.hashtag, *[c.label(f"base_{c.name}") for c in base.c])
        .join_from(t.campaign_hashtag, t.campaign, t.campaign.c.id == held.campaign_id)
        .join(t.hashtag, hashtag.id == held.hashtag_key)
        .outerjoin(base, and_(base.c.hashtag_key == hashtag.id, base.c.read_at == base_at))
        .where(t.campaign.c.removed_at.is_(None))
        .order_by(held.campaign_id, held.position)
    )
    return [
        HashtagPace(
            campaign_id=row.campaign_id,
            hashtag=row.name,
            role=Role(row.role),
            latest=hashtag_reading_of(row, row.name) if row.read_at is not None else None,
            base=_base(row),
        )
        for row in connection.execute(query)
    ]


def _base(row: Any) -> HashtagReading | None:
    if row.base_read_at is None:
        return None
    return HashtagReading(
        hashtag=row.name,
        hashtag_id=row.base_tiktok_id,
        read_at=row.base_read_at,
        view_count=row.base_view_count,
        view_source=row.base_view_source,
        view_unit=row.base_view_unit,
        video_count=row.base_video_count,
        video_source=row.base_video_source,
        video_unit=row.base_video_unit,
    )
