"""Settings: campaigns with their next runs, channels with what they do, the installation itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from tagtide.core.campaign_version import campaign_version
from tagtide.core.planning import Phase, campaign_phase
from tagtide.core.schedule import Schedule, effective_schedule, rhythm_of, wrapup_slot
from tagtide.errors import InvalidInput
from tagtide.models import (
    Campaign,
    Delivery,
    DeliveryState,
    Job,
    Mute,
)
from tagtide.ports import DatabaseFacts, HashtagState
from tagtide.services.context import Context
from tagtide.services.deliveries import Standing, standings

#: Next runs that are told.
_NEXT = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class JobPlan:
    """When a job of a campaign runs."""

    job: Job
    #: Own expression of the campaign; None: the installation's.
    own: str | None
    #: In words; None where it cannot be read.
    rhythm: str | None
    #: The next ones; none while the campaign is not running.
    next_at: tuple[datetime, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignSettings:
    """A campaign with all it is set to."""

    campaign: Campaign
    #: To notice that somebody has changed it meanwhile.
    version: str
    phase: Phase
    plans: tuple[JobPlan, ...]
    #: Hashtags that are paused after failures.
    paused: tuple[HashtagState, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelLine:
    """A channel and what it does."""

    name: str
    standing: Standing
    #: The newest message that was sent.
    last: Delivery | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MuteLine:
    """A mute in force, with the name of its campaign."""

    mute: Mute
    campaign: str | None


async def view_campaign_settings(
    context: Context, campaigns: Sequence[Campaign], schedules: Mapping[Job, str]
) -> list[CampaignSettings]:
    """The campaigns with what they are set to. Raises `StorageError`."""
    now = context.clock.now()
    states = await context.store.hashtag_states(
        sorted({h.name for c in campaigns for h in c.hashtags})
    )
    return [
        CampaignSettings(
            campaign=campaign,
            version=campaign_version(campaign),
            phase=campaign_phase(campaign, now),
            plans=tuple(plan_of(campaign, job, schedules, now) for job in Job),
            paused=tuple(
                states[h.name] for h in campaign.hashtags if states[h.name].paused_at is not None
            ),
        )
        for campaign in campaigns
    ]


def plan_of(campaign: Campaign, job: Job, schedules: Mapping[Job, str], now: datetime) -> JobPlan:
    """When a job of the campaign runs."""
    try:
        schedule = effective_schedule(campaign, job, schedules)
    except InvalidInput:
        return JobPlan(job=job, own=campaign.schedules.get(job), rhythm=None, next_at=())
    return JobPlan(
        job=job,
        own=campaign.schedules.get(job),
        rhythm=rhythm_of(job, schedule),
        next_at=_next_slots(campaign, job, schedule, now),
    )


def _next_slots(
    campaign: Campaign, job: Job, schedule: Schedule, now: datetime
) -> tuple[datetime, ...]:
    if job is Job.REPORT_WRAPUP:
        slot = wrapup_slot(campaign, schedule)
        return (slot,) if slot is not None and slot > now else ()
    found: list[datetime] = []
    while campaign_phase(campaign, now) is Phase.RUNNING and len(found) < _NEXT:
        found.append(schedule.next_after(found[-1] if found else now))
    return tuple(at for at in found if campaign_phase(campaign, at) is Phase.RUNNING)


async def view_channels(context: Context) -> list[ChannelLine]:
    """Every configured channel. Raises `StorageError`."""
    found = []
    for name, standing in (await standings(context)).items():
        sent = await context.store.deliveries(state=DeliveryState.SENT, channel=name, limit=1)
        found.append(ChannelLine(name=name, standing=standing, last=sent[0] if sent else None))
    return found


async def view_mutes(context: Context) -> list[MuteLine]:
    """Mutes in force, by their end. Raises `StorageError`."""
    names = {c.campaign_id: c.name for c in await context.store.campaigns()}
    return [
        MuteLine(mute=mute, campaign=names.get(mute.campaign_id or 0))
        for mute in await context.store.mutes(context.clock.now())
    ]


async def view_database(context: Context) -> DatabaseFacts:
    """What keeps everything. Raises `StorageError`."""
    return await context.store.database_facts()
