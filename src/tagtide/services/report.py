"""Reports: gather what was read, build, keep. They read nothing from the API and spend nothing.

`report_*` keep what they made; `read_*` write nothing at all.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from tagtide.core.charts.campaign import Line
from tagtide.core.coverage import Completeness, completeness
from tagtide.core.detect.virality import FITTED_BEFORE, FITTED_WITHIN
from tagtide.core.formats import clean_text
from tagtide.core.language import Language, speaking
from tagtide.core.messages import Block
from tagtide.core.messages.campaign import campaign_blocks, daily_blocks
from tagtide.core.messages.document import to_document
from tagtide.core.messages.weekly import weekly_blocks
from tagtide.core.periods import start_of_day
from tagtide.core.reports.campaign import CampaignFacts, CampaignReport, build_campaign, build_daily
from tagtide.core.reports.collect import (
    CollectedHashtag,
    CollectFacts,
    CollectSummary,
    build_collect_summary,
)
from tagtide.core.reports.events import events_between
from tagtide.core.reports.facts import HashtagFacts
from tagtide.core.reports.trend import TREND, Trend, share_of_voice
from tagtide.core.reports.weekly import WeeklyFacts, WeeklyHashtagFacts, WeeklyReport, build_weekly
from tagtide.core.velocity import HISTORY
from tagtide.errors import NotFound
from tagtide.languages import check_code, find_language
from tagtide.models import (
    Campaign,
    HashtagLevel,
    HashtagOutcome,
    HashtagReading,
    Job,
    Role,
)
from tagtide.ports import GainPoint, KnownVideo, RunSummary, StoredReport
from tagtide.services.collect import CollectResult
from tagtide.services.context import Context

_DAY = timedelta(days=1)
_WEEK = timedelta(days=7)
#: Growth is added up per six hours.
_WINDOW, _WINDOWS_A_DAY = timedelta(hours=6), 4
#: Competitors with a line of their own in a chart; the share of voice counts all of them.
_RIVALS = 4
#: Of more alerts than a chart can mark, the newest are looked at.
_ALERTS = 200
#: How far from the wished instant an earlier reading may lie.
_DAY_TOLERANCE = timedelta(hours=12)


def report_language(
    context: Context, campaign: Campaign | None, asked: str | None = None
) -> Language:
    """What a report speaks: as asked, else as its campaign, else as the installation.

    Figures and the clock look as the campaign sets them, where it does. Raises `InvalidInput` for
    an asked language that there is not.
    """
    own = None if campaign is None else campaign.language
    found = find_language(own or context.language if asked is None else check_code(asked))
    return found if campaign is None else found.looking(campaign.numbers, campaign.clock)


async def report_daily(
    context: Context, campaign: Campaign, language: str | None = None
) -> CampaignReport:
    """The daily monitor of a campaign, kept as the report of its day."""
    report = build_daily(await read_facts(context, campaign, "daily"))
    return await keep_campaign(context, campaign, report, language)


async def report_campaign(
    context: Context, campaign: Campaign, language: str | None = None
) -> CampaignReport:
    """The campaign report, kept as the report of its day."""
    return await keep_campaign(context, campaign, await read_campaign(context, campaign), language)


async def keep_campaign(
    context: Context, campaign: Campaign, report: CampaignReport, language: str | None = None
) -> CampaignReport:
    """Keep a campaign or daily report as that of its day."""
    with speaking(report_language(context, campaign, language)):
        blocks = daily_blocks(report) if report.kind == "daily" else campaign_blocks(report)
        # Without the list of videos: the next report needs the totals, and readings are kept.
        body = report.as_dict(videos=False)
    await keep_report(context, campaign, report.kind, report.on, body, blocks)
    return report


async def report_weekly(
    context: Context, campaign: Campaign, language: str | None = None
) -> WeeklyReport:
    """The weekly ranking of own and competitors' hashtags, kept as the report of its day."""
    spoken = report_language(context, campaign, language)
    report = await read_weekly(context, campaign)
    with speaking(spoken):
        body, blocks = report.as_dict(), weekly_blocks(report)
    await keep_report(context, campaign, "weekly", report.on, body, blocks)
    return report


async def keep_report(
    context: Context,
    campaign: Campaign,
    kind: str,
    on: date,
    body: dict[str, Any],
    blocks: Sequence[Block],
) -> None:
    """Keep what a report says as that of its kind and day, in the language it was said in."""
    await context.store.put_report(
        StoredReport(
            campaign_id=campaign.campaign_id,
            kind=kind,
            on=on,
            made_at=context.clock.now(),
            body=body,
            document=to_document(blocks),
        )
    )


async def read_campaign(context: Context, campaign: Campaign) -> CampaignReport:
    """The campaign report without keeping it: writes nothing."""
    return build_campaign(await read_campaign_facts(context, campaign))


async def read_campaign_facts(context: Context, campaign: Campaign) -> CampaignFacts:
    """What the campaign report is made from."""
    facts = await read_facts(context, campaign, "campaign")
    trend = await read_trend(context, campaign, facts.as_of - TREND, facts.as_of)
    return replace(facts, trend=trend)


async def read_weekly(context: Context, campaign: Campaign) -> WeeklyReport:
    """The weekly ranking without keeping it: writes nothing."""
    store, as_of = context.store, await _as_of(context, campaign)
    weeks = campaign.rules.rolling_weeks + 1
    since = as_of - _WEEK * weeks - _WEEK / 2
    outcomes = _last_outcomes(await store.runs(campaign_id=campaign.campaign_id, limit=30))
    hashtags = []
    for tag in campaign.hashtags:
        readings = await store.hashtag_readings(tag.name, since, as_of)
        if not readings:
            readings = await _last_good(context, tag.name)
        hashtags.append(
            WeeklyHashtagFacts(hashtag=tag, readings=readings, outcome=outcomes.get(tag.name))
        )
    facts = WeeklyFacts(
        campaign=campaign,
        as_of=as_of,
        hashtags=hashtags,
        videos=await store.known_videos(campaign.campaign_id),
        earlier=await store.video_readings_near(campaign.campaign_id, as_of - _WEEK, _WEEK / 2),
        trend=await read_trend(context, campaign, as_of - _WEEK, as_of, every=1),
    )
    return build_weekly(facts)


async def collect_summary(context: Context, result: CollectResult) -> CollectSummary:
    """What a collection brought, in the form people and JSON read it."""
    campaign = result.campaign
    run = (await context.store.run(result.run_id)).run
    hashtags = [
        CollectedHashtag(
            outcome=outcome,
            held=await _held(context, campaign, outcome.hashtag, run.finished_at or run.started_at),
        )
        for outcome in result.outcomes
    ]
    return build_collect_summary(
        CollectFacts(
            campaign=campaign.name,
            timezone=campaign.timezone,
            run_id=result.run_id,
            at=run.started_at,
            hashtags=hashtags,
            high_priority=result.high_priority,
            newly_high_priority=result.new_high_priority,
            credits_used=result.credits_used,
            credits_remaining=result.credits_remaining,
        )
    )


# --- gathering ------------------------------------------------------------------------------------


async def _as_of(context: Context, campaign: Campaign) -> datetime:
    newest = await context.store.newest_reading_at(campaign.campaign_id)
    if newest is None:
        raise NotFound(
            f"nothing has been read for {campaign.name} yet",
            hint="Run `tagtide track` and `tagtide collect` first.",
        )
    return newest


async def read_facts(context: Context, campaign: Campaign, kind: str) -> CampaignFacts:
    """What reports of a campaign have in common; what came before is the last one of ``kind``."""
    store, as_of = context.store, await _as_of(context, campaign)
    midnight = start_of_day(as_of, campaign.timezone)
    spent = await store.spent(midnight, campaign.campaign_id)
    reports = await store.reports(campaign.campaign_id, kind, limit=2)
    today = as_of.astimezone(ZoneInfo(campaign.timezone)).date()
    videos = await store.known_videos(campaign.campaign_id, role=Role.OWN)
    return CampaignFacts(
        campaign=campaign,
        as_of=as_of,
        videos=videos,
        earlier=await store.video_readings_near(campaign.campaign_id, as_of - _DAY, _DAY_TOLERANCE),
        week_before=await store.video_readings_near(
            campaign.campaign_id, as_of - FITTED_BEFORE, FITTED_WITHIN
        ),
        hashtags=await _hashtag_facts(context, campaign, videos),
        credits_used=spent.charged + spent.unknown,
        price_per_credit=context.price_per_credit,
        previous=next((r.body for r in reports if r.on < today), None),
        alerts=await store.firing(campaign.campaign_id),
        valuation=context.valuation,
    )


async def read_trend(
    context: Context,
    campaign: Campaign,
    since: datetime,
    until: datetime,
    every: int = _WINDOWS_A_DAY,
) -> Trend:
    """Growth between two instants beside the competitors that gained most, and what happened.

    ``every`` is how many times six hours one step of it takes: a day.
    """
    store, number = context.store, campaign.campaign_id
    rivals = [hashtag.name for hashtag in campaign.competitors()]
    step = every * _WINDOW
    points = await store.gains(number, since, until, every=every, apart=rivals)
    begin = next((point.begins_at for point in points if point.hashtag is None), since)
    levels = {one.hashtag: one.readings[0] for one in await store.hashtags_at(number, [since])}
    own = [hashtag.name for hashtag in campaign.own()]
    is_known = any(level and level.read_at <= since for level in map(levels.get, own))
    if begin > since and not is_known:
        # What competitors gained before the own hashtags were read has nothing beside it.
        first = await store.gains(number, begin, min(begin + step, until), apart=rivals)
        points = [*_beside(first, begin), *(one for one in points if one.begins_at > begin)]
    gained: Counter[str | None] = Counter()
    for point in points:
        gained[point.hashtag] += point.new_views
    rivals.sort(key=lambda name: -gained[name])
    shown = [(None, own), *((name, [name]) for name in rivals)]
    views = tuple(_line(name, names, points, levels, "view_count", step) for name, names in shown)
    videos = tuple(_line(name, names, points, levels, "video_count", step) for name, names in shown)
    begin = max(since, begin)
    lines = {None, *rivals[:_RIVALS]}
    return Trend(
        since=begin,
        until=until,
        own=len(own),
        views=views[: _RIVALS + 1],
        videos=videos[: _RIVALS + 1],
        share_of_views=share_of_voice(views[0], views[1:]),
        share_of_videos=share_of_voice(videos[0], videos[1:]),
        events=events_between(
            campaign,
            begin,
            until,
            alerts=await store.campaign_alerts(number, since=begin, limit=_ALERTS),
            corrections=[
                (point.begins_at, point.hashtag)
                for point in points
                if point.corrections and point.hashtag in lines
            ],
        ),
    )


def _beside(windows: Sequence[GainPoint], begin: datetime) -> list[GainPoint]:
    """The first stretch of each series: of competitors, what came after the first own window."""
    series: dict[str | None, list[GainPoint]] = defaultdict(list)
    for one in windows:
        series[one.hashtag].append(one)
    first = series[None][0].begins_at
    return [_added(name, found, begin, first) for name, found in series.items()]


def _added(
    name: str | None, windows: Sequence[GainPoint], begin: datetime, first: datetime
) -> GainPoint:
    counted = [one for one in windows if name is None or one.begins_at > first]
    return replace(
        windows[-1],
        begins_at=begin,
        new_views=sum(one.new_views for one in counted),
        new_videos=sum(one.new_videos for one in counted),
        corrections=sum(one.corrections for one in counted),
    )


def _line(
    name: str | None,
    names: Sequence[str],
    points: Sequence[GainPoint],
    levels: Mapping[str, HashtagLevel | None],
    counter: str,
    step: timedelta,
) -> Line:
    known: list[int | None] = [getattr(levels.get(one), counter, None) for one in names]
    own = [point for point in points if point.hashtag == name]
    gains = tuple(
        (point.begins_at + step, point.new_views if counter == "view_count" else point.new_videos)
        for point in own
    )
    return Line(
        # Whoever tells it names the own ones in their language.
        name="" if name is None else f"#{clean_text(name, 40)}",
        # A sum with a part missing is no level to measure growth from.
        base=None if None in known else sum(level or 0 for level in known),
        gains=gains,
        begins_at=own[0].begins_at if own else None,
    )


async def _hashtag_facts(
    context: Context, campaign: Campaign, videos: Sequence[KnownVideo]
) -> list[HashtagFacts]:
    runs = await context.store.runs(campaign_id=campaign.campaign_id, limit=30)
    outcomes = _last_outcomes(runs)
    states = await context.store.hashtag_states([h.name for h in campaign.hashtags])
    published = _published(videos)
    found = []
    for tag in campaign.hashtags:
        latest = states[tag.name].latest
        earlier = await _day_before(context, latest) if latest else None
        held = None
        if tag.role is Role.OWN and tag.feed and latest is not None:
            held = _held_between(published.get(tag.name, []), earlier, latest)
        found.append(
            HashtagFacts(
                hashtag=tag,
                latest=latest,
                earlier=earlier,
                history=await _history(context, earlier, latest),
                outcome=outcomes.get(tag.name),
                held=held,
            )
        )
    return found


async def _day_before(context: Context, latest: HashtagReading) -> HashtagReading | None:
    return await context.store.reading_near(
        latest.hashtag, latest.read_at - _DAY, before=latest.read_at, tolerance=_DAY_TOLERANCE
    )


async def _history(
    context: Context, earlier: HashtagReading | None, latest: HashtagReading | None
) -> list[HashtagReading]:
    """What tells stale and corrected counters at both ends of a day."""
    if earlier is None or latest is None:
        return []
    return await context.store.hashtag_readings(
        latest.hashtag, earlier.read_at - HISTORY, latest.read_at - timedelta(microseconds=1)
    )


async def _last_good(context: Context, name: str) -> list[HashtagReading]:
    latest = (await context.store.hashtag_states([name]))[name].latest
    return [latest] if latest else []


def _last_outcomes(runs: Sequence[RunSummary]) -> dict[str, HashtagOutcome]:
    """Per hashtag, how the newest finished run that tried it ended; totals count before feeds."""
    found: dict[str, HashtagOutcome] = {}
    for job in (Job.TRACK, Job.COLLECT):
        for summary in runs:
            if summary.run.job is not job or summary.run.finished_at is None:
                continue
            for outcome in summary.outcomes:
                found.setdefault(outcome.hashtag, outcome)
    return found


async def _held(
    context: Context, campaign: Campaign, hashtag: str, ended_at: datetime
) -> Completeness | None:
    """Completeness after a collection, against the totals of the last day as `track` read them."""
    latest = (await context.store.hashtag_states([hashtag]))[hashtag].latest
    if latest is None or latest.read_at > ended_at:
        return None
    videos = await context.store.known_videos(campaign.campaign_id, hashtags=[hashtag])
    published = _published(videos).get(hashtag, [])
    return _held_between(published, await _day_before(context, latest), latest)


def _published(videos: Sequence[KnownVideo]) -> dict[str, list[datetime]]:
    """By hashtag, when the held videos under it were published, in order."""
    found: dict[str, list[datetime]] = defaultdict(list)
    for video in videos:
        if video.created_at is not None:
            for name in {video.hashtag, *video.hashtags}:
                found[name].append(video.created_at)
    for times in found.values():
        times.sort()
    return found


def _held_between(
    published: Sequence[datetime],
    earlier: HashtagReading | None,
    latest: HashtagReading,
) -> Completeness | None:
    """Held videos published between two readings, over the growth of the video count.

    Counted by the instant of publication: an old video that the feed shows for the first time says
    nothing about how many of the new ones are held. None before the second reading: nothing is
    known then, not even that no new video is held.
    """
    if earlier is None:
        return None
    held = bisect_right(published, latest.read_at) - bisect_right(published, earlier.read_at)
    return completeness(held, earlier, latest)
