"""What the first page reads: every campaign at once, from newest counters and rollups."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from types import MappingProxyType
from typing import Any

from sqlalchemy import (
    Connection,
    Select,
    and_,
    bindparam,
    func,
    select,
)

from tagtide.models import AlertState, Charge, HashtagLevel, Role, Status
from tagtide.ports import FreshVideo, HashtagPace, RunSummary, WindowTotal
from tagtide.storage import tables as t
from tagtide.storage.ledger import KEPT, SETTLED
from tagtide.storage.prepared import Prepared
from tagtide.storage.rows import Topic, level_columns
from tagtide.storage.runs import outcomes, run_of

#: How far back an earlier reading is looked for.
_LONGEST_SILENCE = timedelta(days=10)


class Overviews(Topic):
    """The part of the store behind the first page."""

    async def hashtag_pace(self, since: datetime) -> list[HashtagPace]:
        """Every own hashtag of every campaign, now and at the newest reading up to ``since``."""
        return await self._db.read(lambda c: _pace(c, since))

    async def window_totals(self, since: datetime) -> list[WindowTotal]:
        """Growth of the own hashtags by campaign and six hours, in order of time."""
        return await self._db.read(
            lambda c: [
                WindowTotal(campaign_id=number, window_at=at, new_views=int(views), hashtags=count)
                for number, at, views, count in _TOTALS.rows(c, {"since": since})
            ]
        )

    async def daily_credits(self, since: datetime) -> dict[date, int]:
        """By day (UTC), credits charged or perhaps charged."""
        now = self._clock.now()
        known = {
            day: (at, total)
            for day, (at, total) in self._credits.items()
            # Never the whole of a day that is asked for in part.
            if since <= _midnight(day)
            and day < (at - SETTLED).date()
            and timedelta() <= now - at < KEPT
        }
        days = _days(since, now)
        missing = {day: span for day, span in days.items() if day not in known}
        if missing:
            read = await self._db.read(lambda c: _credits(c, missing))
            known |= {day: (now, total) for day, total in read.items()}
        # One value, so that a reader in between sees the old one or the new one.
        self._credits = {d: found for d, found in known.items() if since <= _midnight(d)}
        return {day: total for day in days if (total := known[day][1]) is not None}

    #: By day, when its credits were summed, and the sum; what is over changes no more.
    _credits: Mapping[date, tuple[datetime, int | None]] = MappingProxyType({})

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
        return await self._db.read(lambda c: _failed(c, query))

    async def firing_counts(self) -> dict[int | None, int]:
        """By campaign, alerts that fire; None are those of tagtide itself."""
        alert = t.alert.c
        query = (
            select(alert.campaign_id, func.count())
            .where(alert.state == AlertState.FIRING)
            .group_by(alert.campaign_id)
        )
        return await self._db.read(lambda c: {row[0]: row[1] for row in c.execute(query)})


_held, _hashtag, _reading = t.campaign_hashtag.c, t.hashtag.c, t.hashtag_reading.c
_sums, _ledger = t.campaign_window.c, t.ledger.c
_TOTALS = Prepared(
    select(
        _sums.campaign_id,
        _sums.window_at,
        _sums.view_change,
        _sums.hashtags,
    )
    .join(t.campaign, t.campaign.c.id == _sums.campaign_id)
    .where(t.campaign.c.removed_at.is_(None), _sums.window_at >= bindparam("since"))
    .order_by(_sums.campaign_id, _sums.window_at)
)
#: Asks for nothing but what `ix_ledger_budget` holds.
_OF_DAY = Prepared(
    select(func.sum(_ledger.credits))
    .where(_ledger.reserved_at >= bindparam("since"), _ledger.reserved_at < bindparam("until"))
    .where((_ledger.state == Charge.CHARGED.value) | (_ledger.state == Charge.UNKNOWN.value))
)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _days(since: datetime, now: datetime) -> dict[date, tuple[datetime, datetime]]:
    """Days up to now with the part of each that is asked for."""
    found: dict[date, tuple[datetime, datetime]] = {}
    while since <= now:
        day = since.astimezone(UTC).date()
        found[day] = since, _midnight(day) + timedelta(days=1)
        since = found[day][1]
    return found


def _credits(
    connection: Connection, days: Mapping[date, tuple[datetime, datetime]]
) -> dict[date, int | None]:
    """A sum for each day: to group tens of thousands of rows by day is to sort them."""
    found: dict[date, int | None] = {}
    for day, (since, until) in days.items():
        (total,) = _OF_DAY.one(connection, {"since": since, "until": until})
        found[day] = None if total is None else int(total)
    return found


_OWN = _held.role == Role.OWN.value
_WATCHED = Prepared(
    select(_held.campaign_id, _hashtag.id, _hashtag.name, *level_columns(t.hashtag))
    .join_from(t.campaign_hashtag, t.campaign, t.campaign.c.id == _held.campaign_id)
    .join(t.hashtag, _hashtag.id == _held.hashtag_key)
    .where(t.campaign.c.removed_at.is_(None), _OWN)
    .order_by(_held.campaign_id, _held.position)
)
_earlier = t.hashtag_reading.alias("earlier").c
_BASES = Prepared(
    select(_reading.hashtag_key, *level_columns(t.hashtag_reading))
    .join_from(t.hashtag, t.hashtag_reading, _reading.hashtag_key == _hashtag.id)
    .where(_hashtag.id.in_(select(_held.hashtag_key).where(_OWN)))
    .where(
        _reading.read_at
        == select(_earlier.read_at)
        .where(_earlier.hashtag_key == _hashtag.id)
        .where(_earlier.read_at <= bindparam("at"), _earlier.read_at >= bindparam("since"))
        .order_by(_earlier.read_at.desc())
        .limit(1)
        .correlate(t.hashtag)
        .scalar_subquery()
    )
)


def _pace(connection: Connection, since: datetime) -> list[HashtagPace]:
    asked = {"at": since, "since": since - _LONGEST_SILENCE}
    bases = {
        key: HashtagLevel._make(level) for key, *level in _BASES.rows(connection, asked, tuple)
    }
    return [
        HashtagPace(
            campaign_id=campaign_id,
            hashtag=name,
            hashtag_key=key,
            latest=HashtagLevel._make(level) if level[1] is not None else None,
            base=bases.get(key),
        )
        for campaign_id, key, name, *level in _WATCHED.rows(connection, {}, tuple)
    ]


def _failed(connection: Connection, query: Select[Any]) -> list[RunSummary]:
    """Runs with those of their outcomes that are not as they should be."""
    runs = [run_of(row) for row in connection.execute(query)]
    bad = (Status.PARTIAL, Status.FAILED)
    ended = outcomes(connection, [run.run_id for run in runs], bad)
    return [RunSummary(run=run, outcomes=tuple(ended.get(run.run_id, {}).values())) for run in runs]
