"""Small builders for what the store keeps, with values that are easy to follow."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from tagtide.models import (
    Alert,
    AlertState,
    Campaign,
    CampaignHashtag,
    CounterSource,
    Creator,
    HashtagLevel,
    HashtagReading,
    Job,
    Notification,
    Role,
    Rule,
    Run,
    Video,
    VideoCounters,
    VideoSeen,
)
from tagtide.ports import Claim, Sighting
from tagtide.storage.store import SqlStore

T = TypeVar("T")

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
LEASE = timedelta(seconds=120)


def run(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(work)


class SteppedClock:
    """A clock that moves when it is told to; sleeping moves it too."""

    def __init__(self) -> None:
        self.at = NOON

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return self.at.timestamp()

    async def sleep(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)
        await asyncio.sleep(0)

    def random(self) -> float:
        return 0.5

    def token(self) -> str:
        return "token"


def campaign(name: str = "Spring", **changes: Any) -> Campaign:
    values: dict[str, Any] = {
        "name": name,
        "hashtags": (
            CampaignHashtag(name="ours", threshold=500),
            CampaignHashtag(name="also", feed=False),
            CampaignHashtag(name="theirs", role=Role.COMPETITOR),
        ),
        "timezone": "Europe/Paris",
        "numbers": "1.234,5",
        "clock": "24h",
    }
    return Campaign(**values | changes)


def counters(views: int | None = 100, **changes: Any) -> VideoCounters:
    values: dict[str, Any] = {
        "view_count": views,
        "like_count": 10,
        "comment_count": 2,
        "share_count": 1,
        "save_count": None,
        "source": CounterSource.STATS_V2,
    }
    return VideoCounters(**values | changes)


def seen(number: int, views: int | None = 100, **changes: Any) -> VideoSeen:
    creator = Creator(
        creator_key=f"sec{number}",
        sec_uid=f"sec{number}",
        uid=None,
        username=f"user{number}",
        nickname="Nick \N{SNOWMAN}",
    )
    values: dict[str, Any] = {
        "video_id": str(7_000_000_000_000_000_000 + number),
        "creator": creator,
        "caption": "hello '); DROP TABLE video; --",
        "created_at": NOON - HOUR,
        "hashtags": ("ours", "spring"),
    }
    return VideoSeen(video=Video(**values | changes), counters=counters(views))


def sighting(
    *videos: VideoSeen,
    at: datetime = NOON,
    hashtag: str = "ours",
    campaign_ids: tuple[int, ...] = (1,),
    run_id: int | None = None,
) -> Sighting:
    return Sighting(
        hashtag=hashtag, campaign_ids=campaign_ids, read_at=at, videos=videos, run_id=run_id
    )


def reading(views: int | None = 1000, at: datetime = NOON, **changes: Any) -> HashtagReading:
    values: dict[str, Any] = {
        "hashtag": "ours",
        "hashtag_id": "42",
        "read_at": at,
        "view_count": views,
        "view_source": CounterSource.STATS_V2,
        "view_unit": 1,
        "video_count": None,
        "video_source": None,
        "video_unit": 1,
        "payload_hash": "ab" * 32,
        "flags": ("video_count:zero",),
    }
    return HashtagReading(**values | changes)


def level_of(found: HashtagReading) -> HashtagLevel:
    return HashtagLevel._make(getattr(found, name) for name in HashtagLevel._fields)


def alert(alert_id: str = "a1", **changes: Any) -> Alert:
    values: dict[str, Any] = {
        "alert_id": alert_id,
        "fingerprint": "1:growth:ours",
        "campaign_id": 1,
        "rule": Rule.GROWTH,
        "hashtag": "ours",
        "video_id": None,
        "state": AlertState.FIRING,
        "opened_at": NOON,
        "updated_at": NOON,
        "resolved_at": None,
        "value": 0.7,
        "threshold": 0.5,
        "peak": 0.7,
        "reason": "grew by 70 %",
        "url": "https://www.tiktok.com/tag/ours",
        "data": {"span_hours": 6.5},
    }
    return Alert(**values | changes)


def notification(notification_id: str = "n1", **changes: Any) -> Notification:
    values: dict[str, Any] = {
        "notification_id": notification_id,
        "channel": "slack",
        "alert_id": "a1",
        "kind": "firing",
        "created_at": NOON,
        "due_at": NOON,
        "payload": {"text": "grew"},
    }
    return Notification(**values | changes)


def started(store: SqlStore, slot_at: datetime = NOON, trigger: str = "schedule") -> Run:
    """The run of a campaign that is added on the way, if it is not there yet."""
    if not run(store.campaigns()):
        run(store.add_campaign(campaign()))
    (first,) = run(store.campaigns())[:1]
    return run(store.start_run(Job.COLLECT, first.campaign_id, slot_at, trigger, slot_at))


def claimed(store: SqlStore, run_id: int, hashtag: str = "ours", at: datetime = NOON) -> Claim:
    claim = run(store.claim_slot(Job.COLLECT, hashtag, NOON, run_id, at, LEASE))
    assert isinstance(claim, Claim)
    return claim
