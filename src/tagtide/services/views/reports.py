"""Stored reports: their list, one of them, and the weekly one as rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from tagtide.core.language import say, speaking
from tagtide.core.messages import Block
from tagtide.core.messages.document import from_document, language_in, lead_of
from tagtide.errors import NotFound
from tagtide.languages import find_language
from tagtide.models import Campaign, Job
from tagtide.ports import ReportName, StoredReport
from tagtide.services.context import Context
from tagtide.services.views.campaign import CampaignHead, view_head
from tagtide.services.views.today import NextRun, next_run

#: Kinds that are kept, in the order in which people look for them.
KINDS = ("daily", "campaign", "weekly", "wrapup")
TITLES = {
    "daily": "Daily report",
    "campaign": "Campaign report",
    "weekly": "Weekly report",
    "wrapup": "End of campaign",
}
REPORTS_A_PAGE = 60
_WEEKS = 12
#: The job that makes each of them on schedule.
JOBS = {
    "daily": Job.REPORT_DAILY,
    "campaign": Job.REPORT_CAMPAIGN,
    "weekly": Job.REPORT_WEEKLY,
    "wrapup": Job.REPORT_WRAPUP,
}


def report_title(kind: str, campaign: str, language: str) -> str:
    """What a report in a language is called in the head of a file."""
    with speaking(find_language(language)):
        if kind == "daily":
            return say("Daily report: {campaign}", campaign=campaign)
        if kind == "weekly":
            return say("Weekly report: {campaign}", campaign=campaign)
        if kind == "wrapup":
            return say("End of campaign: {campaign}", campaign=campaign)
        return say("Campaign report: {campaign}", campaign=campaign)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportLine:
    """A stored report with the name of its campaign."""

    name: ReportName
    campaign: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportsView:
    """The list."""

    now: datetime
    campaigns: tuple[tuple[int, str], ...]
    campaign_id: int | None
    kind: str | None
    reports: tuple[ReportLine, ...]
    page: int
    has_more: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportView:
    """One report."""

    campaign: Campaign
    report: StoredReport
    #: As it was shown to people; None for one that an older version kept.
    blocks: tuple[Block, ...] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WeeklyView:
    """The weekly report of a campaign; ``body`` is the documented JSON object."""

    now: datetime
    head: CampaignHead
    report: StoredReport | None
    #: The first sentence of the report; empty where nobody kept it.
    sentence: str
    #: Of that sentence, and of others in its rows.
    language: str
    rows: tuple[Mapping[str, Any], ...]
    emerging: tuple[Mapping[str, Any], ...]
    page: int
    pages: int
    #: Days of the reports before and after.
    days: tuple[date, ...]
    next_report: NextRun | None


async def view_reports(
    context: Context, *, campaign_id: int | None = None, kind: str | None = None, page: int = 1
) -> ReportsView:
    """Gather the list, newest first. Raises `StorageError`."""
    store, page = context.store, max(page, 1)
    names = {c.campaign_id: c.name for c in await store.campaign_names()}
    found = await store.report_names(
        campaign_id=campaign_id,
        kind=kind,
        limit=REPORTS_A_PAGE + 1,
        offset=(page - 1) * REPORTS_A_PAGE,
    )
    return ReportsView(
        now=context.clock.now(),
        campaigns=tuple(names.items()),
        campaign_id=campaign_id,
        kind=kind,
        reports=tuple(
            ReportLine(name=one, campaign=names.get(one.campaign_id, ""))
            for one in found[:REPORTS_A_PAGE]
        ),
        page=page,
        has_more=len(found) > REPORTS_A_PAGE,
    )


async def view_report(context: Context, campaign_id: int, kind: str, on: date) -> ReportView:
    """One stored report. Raises `NotFound`."""
    if kind not in KINDS:
        raise NotFound("There is no such kind of report.", hint=f"Kinds are {', '.join(KINDS)}.")
    campaign = await context.store.campaign_by_id(campaign_id)
    report = await context.store.report_on(campaign_id, kind, on)
    return ReportView(campaign=campaign, report=report, blocks=_blocks(report))


async def view_weekly(
    context: Context,
    campaign: Campaign,
    *,
    schedules: Mapping[Job, str],
    on: date | None = None,
    page: int = 1,
    rows_a_page: int | None = 100,
) -> WeeklyView:
    """The weekly report of a day, the newest without one. Raises `NotFound`."""
    store, now = context.store, context.clock.now()
    names = await store.report_names(campaign_id=campaign.campaign_id, kind="weekly", limit=_WEEKS)
    day = on or (names[0].on if names else None)
    report = None
    if day is not None:
        report = await store.report_on(campaign.campaign_id, "weekly", day)
    body = report.body if report is not None else {}
    rows: Sequence[Mapping[str, Any]] = body.get("hashtags") or ()
    size = rows_a_page or max(len(rows), 1)
    pages = max(1, -(-len(rows) // size))
    page = min(max(page, 1), pages)
    return WeeklyView(
        now=now,
        head=view_head(campaign, schedules, now),
        report=report,
        sentence=lead_of(report.document or ()) if report is not None else "",
        language=language_in(report.document or ()) if report is not None else "en",
        rows=tuple(rows[(page - 1) * size : page * size]),
        emerging=tuple(body.get("emerging") or ()),
        page=page,
        pages=pages,
        days=tuple(name.on for name in names),
        next_report=next_run(campaign, (JOBS["weekly"],), schedules, now),
    )


def _blocks(report: StoredReport) -> tuple[Block, ...] | None:
    if report.document is None:
        return None
    try:
        return tuple(from_document(report.document))
    except ValueError:
        return None
