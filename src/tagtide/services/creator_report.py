"""One creator on one page: gather and build. Reads nothing from the API and writes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from statistics import median

from tagtide.core.creators import Tier, cadence_of, tier_of
from tagtide.core.desk import Right, RightsChannel, replay
from tagtide.core.detect.virality import (
    FITTED_BEFORE,
    FITTED_WITHIN,
    AgeScore,
    campaign_scores,
)
from tagtide.core.messages.creator import CURVES
from tagtide.core.metrics import known_sum
from tagtide.core.reports.creator import CreatorReport, GrantedRight, HeldVideo, InCampaign
from tagtide.errors import InvalidInput, NotFound
from tagtide.models import Campaign, Creator, Role, VideoReading, video_url
from tagtide.ports import DeskRecord
from tagtide.services.context import Context
from tagtide.services.views.creator import (
    CreatorStake,
    CreatorVideo,
    CreatorView,
    pooled_rate,
    rates_of,
    view_creator,
)

#: Fewer videos have no middle worth the name.
_MIDDLE_OF = 5
#: Creators whose handle or name holds the asked one, among whom it is looked for.
_LIKE_IT = 1000


async def find_creator(context: Context, name: str) -> Creator:
    """By handle, with or without @, else by key. Raises `NotFound`, `InvalidInput`."""
    handle = name.strip().removeprefix("@").casefold()
    if not handle:
        raise InvalidInput("Which creator is not said.", hint="Give a handle: @NAME.")
    found = [
        one
        for one in await context.store.find_creators(handle, _LIKE_IT)
        if (one.username or "").casefold() == handle
    ]
    if len(found) > 1:
        raise InvalidInput(
            f"{len(found)} creators have had the handle @{handle[:40]}.",
            hint=f"Give the key of one: {', '.join(one.creator_key for one in found[:5])}.",
        )
    if found:
        return found[0]
    try:
        return await context.store.creator_file(name.strip())
    except NotFound:
        raise NotFound(
            f"No creator with the handle @{handle[:40]} is known.",
            hint="`tagtide creators` lists those of a campaign.",
        ) from None


async def read_creator(
    context: Context, creator_key: str, campaign: Campaign | None = None
) -> CreatorReport:
    """The page, of one campaign or of all in service. Raises `NotFound`."""
    view = await view_creator(context, creator_key)
    stakes = [s for s in view.stakes if campaign is None or _is(s.campaign, campaign)]
    videos = [
        v for v in view.videos if campaign is None or any(_is(c, campaign) for c in v.campaigns)
    ]
    if campaign is not None and not videos:
        raise NotFound(
            f"{campaign.name} holds no video of theirs.",
            hint="Leave the campaign out to see every campaign.",
        )
    instants = [await context.store.newest_reading_at(s.campaign.campaign_id) for s in stakes]
    as_of = max((at for at in instants if at is not None), default=view.now)
    scores = await _scores(context, stakes, as_of)
    counters = [one.video.counters for one in videos]
    zones = {stake.campaign.timezone for stake in stakes}
    return CreatorReport(
        creator=view.creator,
        tier=view.tier,
        looks_like_another=view.looks_like_another,
        within=None if campaign is None else campaign.name,
        timezone=zones.pop() if len(zones) == 1 else "UTC",
        as_of=as_of,
        videos=tuple(_held(one, campaign, scores) for one in videos),
        is_cut=view.is_cut,
        views=known_sum(c.view_count for c in counters),
        engagement=known_sum(c.engagement for c in counters),
        engagement_rate=pooled_rate(counters),
        cadence=cadence_of(v.video.created_at for v in videos if v.video.created_at is not None),
        campaigns=tuple([await _in_campaign(context, stake, view.tier) for stake in stakes]),
        rights=await _rights(context, view, stakes, as_of),
        curves=await _curves(context, videos, as_of),
    )


def _is(one: Campaign, other: Campaign) -> bool:
    return one.campaign_id == other.campaign_id


def _held(one: CreatorVideo, campaign: Campaign | None, scores: dict[str, AgeScore]) -> HeldVideo:
    return HeldVideo(
        video=one.video,
        campaigns=tuple(c.name for c in one.campaigns if campaign is None or _is(c, campaign)),
        desk=tuple(
            (c.name, state.value) for c, state in one.desk if campaign is None or _is(c, campaign)
        ),
        score=scores.get(one.video.video_id),
    )


async def _scores(
    context: Context, stakes: Sequence[CreatorStake], as_of: datetime
) -> dict[str, AgeScore]:
    """By video, against the campaign that sees it stand out most."""
    found: dict[str, AgeScore] = {}
    for stake in stakes:
        number = stake.campaign.campaign_id
        videos = await context.store.known_videos(number, role=Role.OWN)
        before = await context.store.video_readings_near(
            number, as_of - FITTED_BEFORE, FITTED_WITHIN
        )
        scores = campaign_scores(videos, as_of, before, stake.campaign.rules.viral_min_others)
        for key, score in scores.items():
            if key not in found or score.z > found[key].z:
                found[key] = score
    return found


async def _in_campaign(context: Context, stake: CreatorStake, tier: Tier | None) -> InCampaign:
    crowd = await context.store.crowd_videos(stake.campaign.campaign_id)
    alike = [v for v in crowd if tier is not None and tier_of(v.author_followers) is tier]
    rates, tier_rates = (rates_of(v.counters for v in found) for found in (crowd, alike))
    return InCampaign(
        campaign=stake.campaign.name,
        videos=stake.videos,
        views=stake.view_count,
        high_priority_videos=stake.high_priority_videos,
        rate=stake.engagement_rate,
        crowd_rate=_middle(rates),
        tier_rate=_middle(tier_rates),
        crowd_videos=len(rates),
        tier_videos=len(tier_rates),
    )


def _middle(rates: Sequence[float]) -> float | None:
    return median(rates) if len(rates) >= _MIDDLE_OF else None


async def _rights(
    context: Context, view: CreatorView, stakes: Sequence[CreatorStake], as_of: datetime
) -> tuple[GrantedRight, ...]:
    """Of their videos; what stands comes first, and of that what ends first."""
    theirs = {one.video.video_id for one in view.videos}
    records = [
        (stake.campaign, record)
        for stake in stakes
        for record in await context.store.desk_with_rights(stake.campaign.campaign_id)
        if record.video.video_id in theirs
    ]
    at = max([as_of, *(step.at for _, record in records for step in record.steps)])
    found = [
        _granted(campaign, record, right, at)
        for campaign, record in records
        for right in replay(record.steps, record.rights).rights
        if not right.is_withdrawn
    ]
    return tuple(
        sorted(
            found,
            key=lambda one: (
                one.status != "standing",
                one.expires_at is None,
                one.expires_at or at,
                one.video_id,
            ),
        )
    )


def _granted(campaign: Campaign, record: DeskRecord, right: Right, at: datetime) -> GrantedRight:
    status = "standing" if right.stands_at(at) else "expired"
    if right.revoked_at is not None and right.revoked_at <= at:
        status = "revoked"
    return GrantedRight(
        campaign=campaign.name,
        video_id=record.video.video_id,
        url=video_url(record.video.video_id, record.video.author_username),
        status=status,
        channels=tuple(c.value for c in RightsChannel if c in right.channels),
        territory=right.territory,
        edits=right.edits,
        granted_at=right.granted_at,
        expires_at=right.ends_at(),
        spark_expires_at=right.spark_expires_at if right.spark_code is not None else None,
    )


async def _curves(
    context: Context, videos: Sequence[CreatorVideo], as_of: datetime
) -> dict[str, list[VideoReading]]:
    return {
        one.video.video_id: [
            reading
            for reading in await context.store.video_history(one.video.video_id)
            if reading.read_at <= as_of
        ]
        for one in videos[:CURVES]
    }
