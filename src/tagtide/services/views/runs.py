"""Runs: what was due, what was read, what was missed and why; and one run in full."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from tagtide.models import (
    Campaign,
    Charge,
    HashtagOutcome,
    Job,
    Role,
    Run,
    Status,
)
from tagtide.ports import (
    NOT_SENT,
    Balance,
    LedgerEntry,
    LedgerFilter,
    RunFilter,
    RunSummary,
    SlotMark,
)
from tagtide.services.by_hand import Offer, offers
from tagtide.services.context import Context

#: Rows of the timeline, and runs on a page.
_ROWS, _RUNS = 30, 40
#: Campaigns for which runs can be started from one page.
_OFFERED = 8
#: Rows of the ledger of one run that are read.
_LEDGER = 5000


@dataclass(frozen=True, slots=True, kw_only=True)
class RunLine:
    """A run in one row."""

    summary: RunSummary
    #: None when it is no longer in service.
    campaign: str | None
    timezone: str
    #: Somebody is at work on it. A run without an end that nobody is at work on was interrupted.
    is_live: bool
    hashtags_read: int
    videos_new: int

    @property
    def is_interrupted(self) -> bool:
        """It was broken off, and nobody has taken it up."""
        return self.summary.run.finished_at is None and not self.is_live


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelineRow:
    """One hashtag of one campaign, with how its slots ended, in order of time."""

    campaign_id: int
    campaign: str
    hashtag: str
    role: Role
    marks: tuple[SlotMark, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunsView:
    """Everything on the page."""

    now: datetime
    wanted: RunFilter
    #: Every campaign in service: (id, name).
    campaigns: tuple[tuple[int, str], ...]
    #: Time zone of all shown campaigns; UTC where they differ.
    timezone: str
    rows: tuple[TimelineRow, ...]
    #: Hashtags that are not in the timeline; those that are had most trouble.
    rows_left_out: int
    #: Runs that nobody is at work on although they have no end.
    interrupted: frozenset[int]
    runs: tuple[RunLine, ...]
    #: The next page begins behind this run; None on the last.
    next_before: int | None
    run_counts: Mapping[Status, int]
    #: Hashtags that were due, over all slots, and those that were read, wholly or partly.
    due: int
    read: int
    missed: Mapping[Status, int]
    offers: tuple[Offer, ...]
    #: Campaigns for which no run is offered here.
    offers_left_out: int
    balance: Balance | None


@dataclass(frozen=True, slots=True, kw_only=True)
class HashtagWork:
    """What was asked for one hashtag in a run, and what came of it."""

    hashtag: str
    #: None for one that the campaign does not hold any more.
    role: Role | None
    #: None while it waits, or was never reached.
    outcome: HashtagOutcome | None
    #: Feed pages asked for at most; None where totals are read.
    pages_asked: int | None
    #: Calls that were sent, and what became of their credits.
    calls: int
    credits: int
    unknown: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RunView:
    """One run in full."""

    now: datetime
    line: RunLine
    hashtags: tuple[HashtagWork, ...]
    videos_new: int
    new_views: int | None
    calls: int
    #: Charged by the ledger, and what may have been.
    credits: int
    unknown: int
    entries: tuple[LedgerEntry, ...]
    entries_left_out: int
    #: Changes when the run does.
    mark: str


async def view_runs(context: Context, wanted: RunFilter, *, before: int | None = None) -> RunsView:
    """Gather the page of runs. Raises `StorageError`."""
    store, now = context.store, context.clock.now()
    everything = await store.campaigns()
    chosen = [c for c in everything if wanted.campaign_id in {None, c.campaign_id}]
    live = {run.run_id for run in await store.live_runs(now)}
    bare = await store.bare_runs(wanted)
    found = await store.runs_page(wanted, before=before, limit=_RUNS + 1)
    counts = await store.outcome_counts(wanted)
    by_id = {c.campaign_id: c for c in everything}
    missed_whole = _missed_whole(bare, by_id)
    zones = {c.timezone for c in chosen}
    offered = chosen[:_OFFERED]
    return RunsView(
        now=now,
        wanted=wanted,
        campaigns=tuple((c.campaign_id, c.name) for c in everything),
        timezone=zones.pop() if len(zones) == 1 else "UTC",
        rows=await _timeline(context, wanted, chosen, bare),
        rows_left_out=max(0, sum(len(c.hashtags) for c in chosen) - _ROWS),
        interrupted=frozenset(
            r.run_id for r in bare if r.status is Status.RUNNING and r.run_id not in live
        ),
        runs=tuple(_line(s, by_id, live) for s in found[:_RUNS]),
        next_before=found[_RUNS - 1].run.run_id if len(found) > _RUNS else None,
        run_counts=await store.run_counts(wanted),
        due=sum(counts.values()) + sum(missed_whole.values()),
        read=counts.get(Status.OK, 0) + counts.get(Status.PARTIAL, 0),
        missed={
            status: counts.get(status, 0) + missed_whole.get(status, 0)
            for status in (Status.FAILED, Status.SKIPPED)
        },
        offers=tuple(await offers(context, offered)),
        offers_left_out=len(chosen) - len(offered),
        balance=await store.balance(),
    )


def mark_of(runs: Iterable[RunSummary]) -> str:
    """Changes when a run begins, ends, or a hashtag of it does."""
    facts = [(s.run.run_id, s.run.status.value, len(s.outcomes)) for s in runs]
    return hashlib.sha256(repr(facts).encode()).hexdigest()[:16]


def asked_hashtags(campaign: Campaign, job: Job) -> list[str]:
    """Hashtags that a run of the job reads."""
    return [h.name for h in campaign.hashtags if h.feed or job is not Job.COLLECT]


def _missed_whole(bare: Iterable[Run], by_id: Mapping[int, Campaign]) -> dict[Status, int]:
    """Hashtags of runs that ended before any hashtag did."""
    found: dict[Status, int] = defaultdict(int)
    for run in bare:
        campaign = by_id.get(run.campaign_id)
        if campaign is not None and run.status in {Status.FAILED, Status.SKIPPED}:
            found[run.status] += len(asked_hashtags(campaign, run.job))
    return found


def _line(summary: RunSummary, by_id: Mapping[int, Campaign], live: set[int]) -> RunLine:
    campaign = by_id.get(summary.run.campaign_id)
    read = (Status.OK, Status.PARTIAL)
    return RunLine(
        summary=summary,
        campaign=campaign.name if campaign else None,
        timezone=campaign.timezone if campaign else "UTC",
        is_live=summary.run.run_id in live,
        hashtags_read=sum(o.status in read for o in summary.outcomes),
        videos_new=sum(o.videos_new for o in summary.outcomes),
    )


# --- the timeline ---------------------------------------------------------------------------------


async def _timeline(
    context: Context, wanted: RunFilter, chosen: Sequence[Campaign], bare: Sequence[Run]
) -> tuple[TimelineRow, ...]:
    rows = [(c, h) for c in chosen for h in c.hashtags]
    if len(rows) > _ROWS:
        worst = await context.store.troubled(wanted, _ROWS)
        order = {(w.campaign_id, w.hashtag): place for place, w in enumerate(worst)}
        rows.sort(key=lambda row: order.get((row[0].campaign_id, row[1].name), _ROWS))
        rows = rows[:_ROWS]
    marks: dict[tuple[int, str], list[SlotMark]] = defaultdict(list)
    for mark in await context.store.slot_marks(
        wanted, sorted({c.campaign_id for c, _ in rows}), sorted({h.name for _, h in rows})
    ):
        marks[mark.campaign_id, mark.hashtag].append(mark)
    for campaign in {c.campaign_id: c for c, _ in rows}.values():
        _spread(campaign, bare, marks)
    return tuple(
        TimelineRow(
            campaign_id=campaign.campaign_id,
            campaign=campaign.name,
            hashtag=hashtag.name,
            role=hashtag.role,
            marks=tuple(
                sorted(
                    marks[campaign.campaign_id, hashtag.name],
                    key=lambda mark: (mark.slot_at, mark.run_id),
                )
            ),
        )
        for campaign, hashtag in rows
    )


def _spread(
    campaign: Campaign, runs: Iterable[Run], marks: dict[tuple[int, str], list[SlotMark]]
) -> None:
    """What holds for a run as a whole holds for each of its hashtags that has no outcome."""
    for run in runs:
        if run.campaign_id != campaign.campaign_id:
            continue
        for name in asked_hashtags(campaign, run.job):
            known = marks[campaign.campaign_id, name]
            if all(mark.run_id != run.run_id for mark in known):
                known.append(
                    SlotMark(
                        run_id=run.run_id,
                        job=run.job,
                        campaign_id=run.campaign_id,
                        hashtag=name,
                        slot_at=run.slot_at,
                        status=run.status,
                        reason=run.reason,
                    )
                )


# --- one run --------------------------------------------------------------------------------------


async def view_run(context: Context, run_id: int, *, shown: int = 50) -> RunView:
    """Gather the page of one run. Raises `NotFound`, `StorageError`."""
    store, now = context.store, context.clock.now()
    summary = await store.run(run_id)
    by_id = {c.campaign_id: c for c in await store.campaigns()}
    live = {run.run_id for run in await store.live_runs(now)}
    entries = await store.ledger_page(LedgerFilter(run_id=run_id), limit=_LEDGER)
    sent = [e for e in entries if e.note != NOT_SENT]
    views = [o.new_views for o in summary.outcomes if o.new_views is not None]
    line = _line(summary, by_id, live)
    return RunView(
        now=now,
        line=line,
        hashtags=tuple(_works(summary, by_id.get(summary.run.campaign_id), sent)),
        videos_new=line.videos_new,
        new_views=sum(views) if views else None,
        calls=len(sent),
        credits=_sum(sent, Charge.CHARGED),
        unknown=_sum(sent, Charge.UNKNOWN),
        entries=tuple(entries[:shown]),
        entries_left_out=len(entries[shown:]),
        mark=mark_of([summary]),
    )


def _sum(entries: Iterable[LedgerEntry], charge: Charge) -> int:
    return sum(entry.credits for entry in entries if entry.state is charge)


def _works(
    summary: RunSummary, campaign: Campaign | None, sent: Iterable[LedgerEntry]
) -> Iterable[HashtagWork]:
    run = summary.run
    calls: dict[str, list[LedgerEntry]] = defaultdict(list)
    for entry in sent:
        calls[entry.hashtag or ""].append(entry)
    ended = {outcome.hashtag: outcome for outcome in summary.outcomes}
    roles = {h.name: h.role for h in campaign.hashtags} if campaign else {}
    # A run that ended asked for what it has outcomes of; the campaign may have changed since.
    asked = asked_hashtags(campaign, run.job) if campaign and run.finished_at is None else []
    is_bare = not ended and run.status in {Status.SKIPPED, Status.FAILED}
    if is_bare and campaign and run.job in {Job.COLLECT, Job.TRACK}:
        asked = asked_hashtags(campaign, run.job)
    for name in dict.fromkeys([*ended, *asked]):
        outcome = ended.get(name)
        if outcome is None and is_bare:
            outcome = HashtagOutcome(hashtag=name, status=run.status, reason=run.reason)
        pages = campaign.page_budget if campaign and run.job is Job.COLLECT else None
        yield HashtagWork(
            hashtag=name,
            role=roles.get(name),
            outcome=outcome,
            pages_asked=pages,
            calls=len(calls[name]),
            credits=_sum(calls[name], Charge.CHARGED),
            unknown=_sum(calls[name], Charge.UNKNOWN),
        )
