"""Runs and ledger as people look through them: pages by key, counts by period."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    Connection,
    Integer,
    Select,
    case,
    exists,
    func,
    literal_column,
    or_,
    select,
    text,
    type_coerce,
)

from tagtide.models import Charge, Job, Reason, Run, Status
from tagtide.ports import (
    NOT_SENT,
    DatabaseFacts,
    LedgerEntry,
    LedgerFilter,
    RunFilter,
    RunSummary,
    SlotMark,
    SpendingCell,
    Troubled,
)
from tagtide.storage import schema
from tagtide.storage import tables as t
from tagtide.storage.ledger import KEPT, SETTLED
from tagtide.storage.rows import Topic
from tagtide.storage.runs import run_of, summaries

#: A run that was started so lately may not have claimed its first slot yet.
_JUST_NOW = timedelta(seconds=60)
#: Jobs that read hashtags.
_READING = (Job.COLLECT, Job.TRACK)
_EPOCH = date(1970, 1, 1)
_MICROS_PER_DAY = 86_400_000_000


class Work(Topic):
    """The part of the store behind the pages about runs and credits."""

    async def runs_page(
        self, wanted: RunFilter, *, before: int | None = None, limit: int = 50
    ) -> list[RunSummary]:
        """Newest first; with ``before`` those that are older than that run."""
        query = _those(select(t.run), wanted).order_by(t.run.c.id.desc()).limit(limit)
        if wanted.status is not None:
            query = query.where(t.run.c.status == wanted.status)
        if before is not None:
            query = query.where(t.run.c.id < before)
        return await self._db.read(lambda c: summaries(c, query))

    async def run_counts(self, wanted: RunFilter) -> dict[Status, int]:
        """How many runs ended how."""
        query = _those(select(t.run.c.status, func.count()), wanted).group_by(t.run.c.status)
        return await self._db.read(lambda c: {Status(row[0]): row[1] for row in c.execute(query)})

    async def outcome_counts(self, wanted: RunFilter) -> dict[Status, int]:
        """How many hashtags ended how, over all runs."""
        ended = t.run_hashtag.c
        query = _those(
            select(ended.status, func.count()).join_from(
                t.run, t.run_hashtag, ended.run_id == t.run.c.id
            ),
            wanted,
        ).group_by(ended.status)
        return await self._db.read(lambda c: {Status(row[0]): row[1] for row in c.execute(query)})

    async def troubled(self, wanted: RunFilter, limit: int) -> list[Troubled]:
        """Hashtags that failed, wholly or partly; most often first."""
        return await self._db.read(lambda c: _troubled(c, wanted, limit))

    async def slot_marks(
        self, wanted: RunFilter, campaign_ids: Sequence[int], hashtags: Sequence[str]
    ) -> list[SlotMark]:
        """Outcomes of these hashtags in these campaigns, in order of time."""
        return await self._db.read(lambda c: _slot_marks(c, wanted, campaign_ids, hashtags))

    async def bare_runs(self, wanted: RunFilter) -> list[Run]:
        """Runs that read data and are under way, or ended without an outcome of any hashtag."""
        run = t.run.c
        bare = ~exists().where(t.run_hashtag.c.run_id == run.id)
        query = (
            _those(select(t.run), wanted)
            .where(run.job.in_(_READING), or_(run.status == Status.RUNNING, bare))
            .order_by(run.id)
        )
        return await self._db.read(lambda c: [run_of(row) for row in c.execute(query)])

    async def live_runs(self, now: datetime) -> list[Run]:
        """Runs that somebody is at work on."""
        run, slot = t.run.c, t.slot.c
        held = exists().where(slot.run_id == run.id, slot.done_at.is_(None), slot.lease_until > now)
        query = (
            select(t.run)
            .where(run.finished_at.is_(None), or_(held, run.started_at > now - _JUST_NOW))
            .order_by(run.id)
        )
        return await self._db.read(lambda c: [run_of(row) for row in c.execute(query)])

    async def ledger_page(
        self, wanted: LedgerFilter, *, before: int | None = None, limit: int = 100
    ) -> list[LedgerEntry]:
        """Newest first; with ``before`` those that are older than that row."""
        query = _ledger(wanted).order_by(t.ledger.c.id.desc()).limit(limit)
        if before is not None:
            query = query.where(t.ledger.c.id < before)
        return await self._db.read(lambda c: [_entry(row) for row in c.execute(query)])

    async def spending_cells(self, since: date) -> list[SpendingCell]:
        """What was sent from a day on, in order of days."""
        now = self._clock.now()
        kept = self._days_of_spending(since, now)
        if kept is not None:
            first_open, known = kept
            fresh = await self._db.read(lambda c: _spending_cells(c, first_open))
            return [cell for cell in known if cell.on >= since] + fresh
        found = await self._db.read(lambda c: _spending_cells(c, since))
        # One value, so that a reader in between sees the old one or the new one.
        self._spending = since, now, found
        return found

    #: First day, instant and cells of the newest full look; what is over changes no more.
    _spending: tuple[date, datetime, list[SpendingCell]] | None = None

    def _days_of_spending(
        self, since: date, now: datetime
    ) -> tuple[date, list[SpendingCell]] | None:
        """Cells of days that are over, and the first day to be looked at; None: look at all."""
        if self._spending is None:
            return None
        first, at, cells = self._spending
        if since < first or not timedelta() <= now - at < KEPT:
            return None
        open_from = max(since, (at - SETTLED).date())
        return open_from, [cell for cell in cells if cell.on < open_from]

    async def fired_counts(self, since: datetime) -> dict[int, int]:
        """By campaign, alerts that fired from an instant on."""
        alert = t.alert.c
        query = (
            select(alert.campaign_id, func.count())
            .where(alert.fired_at >= since, alert.campaign_id.is_not(None))
            .group_by(alert.campaign_id)
        )
        return await self._db.read(lambda c: {row[0]: row[1] for row in c.execute(query)})

    async def database_facts(self) -> DatabaseFacts:
        """Kind, size and version of the database."""
        return await self._db.read(_database_facts)


def _those(query: Select[Any], wanted: RunFilter) -> Select[Any]:
    """Narrowed to the filter, its status left aside."""
    run = t.run.c
    if wanted.since is not None:
        # A run never starts before its slot; the index is on the start.
        query = query.where(run.started_at >= wanted.since, run.slot_at >= wanted.since)
    if wanted.campaign_id is not None:
        query = query.where(run.campaign_id == wanted.campaign_id)
    if wanted.job is not None:
        query = query.where(run.job == wanted.job)
    return query


def _troubled(connection: Connection, wanted: RunFilter, limit: int) -> list[Troubled]:
    run, ended = t.run.c, t.run_hashtag.c
    count = func.count().label("count")
    worst = (
        _those(
            select(run.campaign_id, ended.hashtag_key, count).join_from(
                t.run, t.run_hashtag, ended.run_id == run.id
            ),
            wanted,
        )
        .where(ended.status.in_([Status.FAILED, Status.PARTIAL]))
        .group_by(run.campaign_id, ended.hashtag_key)
        .order_by(literal_column("3 DESC"), run.campaign_id, ended.hashtag_key)
        .limit(limit)
        .subquery()
    )
    query = (
        select(worst.c.campaign_id, t.hashtag.c.name, worst.c.count)
        .join_from(worst, t.hashtag, t.hashtag.c.id == worst.c.hashtag_key)
        .order_by(worst.c.count.desc(), worst.c.campaign_id, t.hashtag.c.name)
    )
    return [
        Troubled(campaign_id=number, hashtag=name, count=count)
        for number, name, count in connection.execute(query)
    ]


def _slot_marks(
    connection: Connection,
    wanted: RunFilter,
    campaign_ids: Sequence[int],
    hashtags: Sequence[str],
) -> list[SlotMark]:
    run, ended = t.run.c, t.run_hashtag.c
    columns = (run.id, run.job, run.campaign_id, run.slot_at, ended.status, ended.reason)
    query = (
        _those(
            select(*columns, t.hashtag.c.name)
            .join_from(t.run, t.run_hashtag, ended.run_id == run.id)
            .join(t.hashtag, t.hashtag.c.id == ended.hashtag_key),
            wanted,
        )
        .where(run.campaign_id.in_(campaign_ids), t.hashtag.c.name.in_(hashtags))
        .order_by(run.slot_at, run.id)
    )
    return [
        SlotMark(
            run_id=row.id,
            job=Job(row.job),
            campaign_id=row.campaign_id,
            hashtag=row.name,
            slot_at=row.slot_at,
            status=Status(row.status),
            reason=Reason(row.reason),
        )
        for row in connection.execute(query)
    ]


def _ledger(wanted: LedgerFilter) -> Select[Any]:
    row = t.ledger.c
    query = (
        select(
            t.ledger,
            t.run.c.job,
            t.campaign.c.name.label("campaign"),
            t.hashtag.c.name.label("hashtag"),
        )
        .outerjoin_from(t.ledger, t.run, t.run.c.id == row.run_id)
        .outerjoin(t.campaign, t.campaign.c.id == row.campaign_id)
        .outerjoin(t.hashtag, t.hashtag.c.id == row.hashtag_key)
    )
    given = {
        row.run_id: wanted.run_id,
        row.campaign_id: wanted.campaign_id,
        row.endpoint: wanted.endpoint,
    }
    for column, value in given.items():
        if value is not None:
            query = query.where(column == value)
    if wanted.state is not None:
        # As a literal: a partial index is not chosen for a bound value.
        query = query.where(row.state == literal_column(f"'{wanted.state.value}'"))
    if wanted.since is not None:
        query = query.where(row.reserved_at >= wanted.since)
    if wanted.until is not None:
        query = query.where(row.reserved_at < wanted.until)
    return query


def _entry(row: Any) -> LedgerEntry:
    return LedgerEntry(
        entry_id=row.id,
        run_id=row.run_id,
        job=Job(row.job) if row.job is not None else None,
        campaign_id=row.campaign_id,
        campaign=row.campaign,
        hashtag=row.hashtag,
        endpoint=row.endpoint,
        state=Charge(row.state),
        credits=row.credits,
        reserved_at=row.reserved_at,
        settled_at=row.settled_at,
        credits_remaining=row.credits_remaining,
        note=row.note,
    )


def _spending_cells(connection: Connection, since: date) -> list[SpendingCell]:
    row, midnight = t.ledger.c, datetime.combine(since, time(), UTC)
    micros = type_coerce(row.reserved_at, BigInteger)
    day = type_coerce(micros.op("/")(literal_column(str(_MICROS_PER_DAY))), Integer).label("day")

    def credits_in(state: Charge) -> Any:
        return func.sum(case((row.state == state, row.credits), else_=0))

    # By run first: the job stands on the run, and there are a few calls to each.
    per_run = (
        select(
            day,
            row.run_id,
            row.campaign_id,
            row.endpoint,
            func.count().label("calls"),
            credits_in(Charge.CHARGED).label("charged"),
            credits_in(Charge.UNKNOWN).label("unknown"),
        )
        .where(row.reserved_at >= midnight, row.note != NOT_SENT)
        .group_by(literal_column("1"), row.run_id, row.campaign_id, row.endpoint)
        .subquery()
    )
    one = per_run.c
    query = (
        select(
            one.day,
            one.campaign_id,
            t.run.c.job,
            one.endpoint,
            func.sum(one.calls),
            func.sum(one.charged),
            func.sum(one.unknown),
        )
        .outerjoin_from(per_run, t.run, t.run.c.id == one.run_id)
        .group_by(one.day, one.campaign_id, t.run.c.job, one.endpoint)
        .order_by(one.day)
    )
    return [
        SpendingCell(
            on=_EPOCH + timedelta(days=days),
            campaign_id=number,
            job=Job(job) if job is not None else None,
            endpoint=endpoint,
            calls=int(calls),
            credits=int(charged),
            unknown=int(unknown),
        )
        for days, number, job, endpoint, calls, charged, unknown in connection.execute(query)
    ]


def _database_facts(connection: Connection) -> DatabaseFacts:
    if connection.dialect.name == "postgresql":
        version = str(connection.execute(text("SHOW server_version")).scalar())
        size = connection.execute(text("SELECT pg_database_size(current_database())")).scalar()
        return DatabaseFacts(
            engine=f"PostgreSQL {version.partition(' ')[0]}", size_bytes=size, schema=schema.HEAD
        )
    pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
    page = connection.exec_driver_sql("PRAGMA page_size").scalar()
    version = str(connection.execute(text("SELECT sqlite_version()")).scalar())
    return DatabaseFacts(
        engine=f"SQLite {version}",
        size_bytes=pages * page if pages is not None and page is not None else None,
        schema=schema.HEAD,
    )
