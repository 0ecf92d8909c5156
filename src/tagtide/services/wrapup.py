"""The wrap-up of a campaign: gather its whole period, build, keep. Reads nothing from the API."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from tagtide.core.daily_gains import DailyGains, daily_gains
from tagtide.core.desk import DeskState, RightsChannel, replay
from tagtide.core.language import speaking
from tagtide.core.lift import BEFORE, Counted, Lift, LiftReason, Unmeasured, measure_lift
from tagtide.core.messages.wrapup import wrapup_blocks
from tagtide.core.names import parse_hashtag
from tagtide.core.periods import whole_campaign, zone_or_utc
from tagtide.core.reports.campaign import build_campaign
from tagtide.core.reports.facts import HashtagFacts, hashtag_line
from tagtide.core.reports.wrapup import (
    CampaignSpan,
    ClearedVideo,
    Coverage,
    HashtagCover,
    RightsObtained,
    SpentOn,
    WrapUp,
    WrapUpFacts,
    build_wrapup,
)
from tagtide.core.velocity import HISTORY
from tagtide.errors import InvalidInput, NotFound
from tagtide.models import (
    Alert,
    Campaign,
    HashtagReading,
    Job,
    Status,
    video_url,
)
from tagtide.ports import DeskRecord, RunFilter
from tagtide.services.context import Context
from tagtide.services.report import keep_report, read_facts, read_trend, report_language

_DAY = timedelta(days=1)
#: Unrest of a hashtag is learned from weeks further back than its level.
_LOOK_BACK = 2 * BEFORE * _DAY + HISTORY
#: Lines of the rankings.
_TOP = 10
_MOST_ALERTS = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class WrapUpWish:
    """What a person may choose about the report."""

    #: First day of the campaign itself, where its hashtags were watched before; None: its start.
    launched: date | None = None
    #: Hashtags to compare with; none: the campaign's competitors.
    controls: tuple[str, ...] = ()


async def report_wrapup(
    context: Context,
    campaign: Campaign,
    language: str | None = None,
    *,
    wish: WrapUpWish | None = None,
) -> WrapUp:
    """The wrap-up, kept as the report of the day of its newest reading."""
    spoken = report_language(context, campaign, language)
    report = await read_wrapup(context, campaign, wish)
    with speaking(spoken):
        body, blocks = report.as_dict(videos=False), wrapup_blocks(report)
    await keep_report(context, campaign, "wrapup", report.on, body, blocks)
    return report


async def read_wrapup(
    context: Context, campaign: Campaign, wish: WrapUpWish | None = None
) -> WrapUp:
    """The wrap-up without keeping it: writes nothing. Raises `NotFound`, `InvalidInput`."""
    wish = wish or WrapUpWish()
    facts = await read_facts(context, campaign, "campaign")
    span = _span(campaign, facts.as_of, wish.launched)
    trend = await read_trend(context, campaign, span.since, span.until)
    controls = _chosen(campaign, wish.controls)
    names = list(dict.fromkeys([*(h.name for h in campaign.hashtags), *controls]))
    readings = {
        name: await context.store.window_readings(name, span.since - _LOOK_BACK, span.until)
        for name in names
    }
    zone = zone_or_utc(campaign.timezone)
    gains = {name: daily_gains(found, zone) for name, found in readings.items()}
    return build_wrapup(
        WrapUpFacts(
            report=build_campaign(replace(facts, trend=trend), top=_TOP),
            span=span,
            hashtags=[
                hashtag_line(one, facts.as_of)
                for one in _from_begin_to_end(facts.hashtags, readings, span)
            ],
            trend=trend,
            lift=_lift(campaign, gains, controls, span),
            rights=await _rights(context, campaign, facts.as_of),
            alerts=await _alerts(context, campaign, span),
            spending=await _spending(context, campaign, span),
            coverage=await _coverage(context, campaign, gains, span),
        )
    )


# --- the period -----------------------------------------------------------------------------------


def _span(campaign: Campaign, as_of: datetime, launched: date | None) -> CampaignSpan:
    zone = zone_or_utc(campaign.timezone)
    begins = launched or campaign.starts_on
    if launched is not None and campaign.ends_on is not None and launched > campaign.ends_on:
        raise InvalidInput(
            f"The campaign ended on {campaign.ends_on}, before {launched}.",
            hint="Name another day with --launched.",
        )
    if begins is not None and begins > as_of.astimezone(zone).date():
        if launched is None:
            raise NotFound(
                f"Nothing has been read of {campaign.name} since it began on {begins}.",
                hint="Wait for the first readings.",
            )
        raise InvalidInput(
            f"The campaign began on {begins}, after its newest reading.",
            hint="Name another day with --launched.",
        )
    period = whole_campaign(begins, campaign.ends_on, campaign.created_at, campaign.timezone, as_of)
    return CampaignSpan(
        since=period.since,
        until=period.until,
        first_day=period.since.astimezone(zone).date(),
        last_day=(period.until - timedelta(microseconds=1)).astimezone(zone).date(),
        starts_on=begins,
        ends_on=campaign.ends_on,
    )


def _from_begin_to_end(
    facts: Sequence[HashtagFacts],
    readings: dict[str, list[HashtagReading]],
    span: CampaignSpan,
) -> list[HashtagFacts]:
    """Each hashtag at its reading nearest to the begin, else the first after it, and its last."""
    found = []
    for one in facts:
        known = [r for r in readings[one.hashtag.name] if r.view_count or r.video_count]
        within = [r for r in known if r.read_at > span.since - _DAY / 2]
        latest = known[-1] if known else None
        earlier = None
        if latest is not None and len(within) > 1:
            near = [r for r in within if r.read_at <= span.since + _DAY / 2]
            earlier = min(near or within, key=lambda r: abs(r.read_at - span.since))
        found.append(
            HashtagFacts(
                hashtag=one.hashtag,
                latest=latest,
                earlier=earlier if earlier is not latest else None,
                history=known[:-1],
                outcome=one.outcome,
                held=None,
            )
        )
    return found


# --- lift -----------------------------------------------------------------------------------------


def _chosen(campaign: Campaign, wished: Sequence[str]) -> list[str]:
    if not wished:
        return [hashtag.name for hashtag in campaign.competitors()]
    names = list(dict.fromkeys(parse_hashtag(name) for name in wished))
    own = {hashtag.name for hashtag in campaign.own()} & set(names)
    if own:
        raise InvalidInput(
            f"#{min(own)} is the campaign's own hashtag and cannot be its control.",
            hint="Name hashtags that took no part in the campaign.",
        )
    return names


def _lift(
    campaign: Campaign,
    gains: dict[str, DailyGains],
    controls: Sequence[str],
    span: CampaignSpan,
) -> Lift | Unmeasured:
    if span.starts_on is None:
        return Unmeasured(reason=LiftReason.NO_START)
    return measure_lift(
        [Counted(hashtag=h.name, gains=gains[h.name]) for h in campaign.own()],
        [Counted(hashtag=name, gains=gains[name]) for name in controls],
        span.starts_on,
        span.last_day,
    )


# --- what was obtained and what it cost -----------------------------------------------------------


async def _rights(context: Context, campaign: Campaign, as_of: datetime) -> RightsObtained:
    """As the desk stood at the newest reading, or at its own newest step where that is later."""
    records = await context.store.desk_with_rights(campaign.campaign_id)
    at = max([as_of, *(step.at for record in records for step in record.steps)])
    counts = await context.store.desk_counts([campaign.campaign_id], at)
    found = [one for record in records if (one := _cleared(record, at)) is not None]
    return RightsObtained(
        at=at,
        states={state.value: counts.states.get(state, 0) for state in DeskState},
        cleared=tuple(
            sorted(found, key=lambda one: (one.until is None, one.until or at, one.video_id))
        ),
    )


def _cleared(record: DeskRecord, at: datetime) -> ClearedVideo | None:
    item, video = replay(record.steps, record.rights), record.video
    standing = item.standing(at)
    if not standing:
        return None
    ends = [right.ends_at() for right in standing]
    ends += [right.spark_expires_at for right in standing if right.spark_code is not None]
    channels = {channel for right in standing for channel in right.channels}
    return ClearedVideo(
        video_id=video.video_id,
        url=video_url(video.video_id, video.author_username),
        author_username=video.author_username,
        author_nickname=video.author_nickname,
        channels=tuple(channel.value for channel in RightsChannel if channel in channels),
        territory=tuple(sorted({place for right in standing for place in right.territory})),
        until=min((end for end in ends if end is not None and end > at), default=None),
    )


async def _alerts(context: Context, campaign: Campaign, span: CampaignSpan) -> list[Alert]:
    found = await context.store.campaign_alerts(
        campaign.campaign_id, since=span.since, limit=_MOST_ALERTS
    )
    return [alert for alert in found if span.since <= alert.opened_at <= span.until]


async def _spending(context: Context, campaign: Campaign, span: CampaignSpan) -> list[SpentOn]:
    """By what for, over the days of the campaign (UTC)."""
    calls: dict[Job | None, tuple[int, int]] = {}
    for cell in await context.store.spending_cells(span.since.date()):
        if cell.campaign_id == campaign.campaign_id and cell.on <= span.until.date():
            before = calls.get(cell.job, (0, 0))
            spent = cell.credits + cell.unknown
            calls[cell.job] = before[0] + cell.calls, before[1] + spent
    lines = [SpentOn(job=job, calls=count, credits=spent) for job, (count, spent) in calls.items()]
    return sorted(lines, key=lambda line: (-line.credits, str(line.job)))


async def _coverage(
    context: Context,
    campaign: Campaign,
    gains: dict[str, DailyGains],
    span: CampaignSpan,
) -> Coverage:
    days = [span.first_day + n * _DAY for n in range(span.days)]
    own = [gains[h.name].read_on for h in campaign.own()]
    runs: Counter[Status] = Counter()
    outcomes: Counter[Status] = Counter()
    for job in (Job.TRACK, Job.COLLECT):
        wanted = RunFilter(since=span.since, campaign_id=campaign.campaign_id, job=job)
        runs.update(await context.store.run_counts(wanted))
        outcomes.update(await context.store.outcome_counts(wanted))
    return Coverage(
        hashtags=tuple(
            HashtagCover(
                hashtag=h.name,
                role=h.role,
                days_read=sum(day in gains[h.name].read_on for day in days),
                days=span.days,
            )
            for h in campaign.hashtags
        ),
        days_without=tuple(day for day in days if not any(day in read for read in own)),
        runs=runs,
        outcomes=outcomes,
    )
