"""Runs and slots: who does what, who may write, and how it ended."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cache
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, Select, bindparam, exists, literal_column, select, update

from tagtide.errors import LeaseLost, NotFound
from tagtide.models import HashtagOutcome, Job, Reason, Run, Status
from tagtide.ports import (
    Changes,
    Claim,
    Progress,
    RunSummary,
    SightingEffect,
    SlotTaken,
)
from tagtide.storage import tables as t
from tagtide.storage.alerts import put_alerts, put_events
from tagtide.storage.detectors import put_detector_states
from tagtide.storage.hashtag_totals import put_hashtag_reading
from tagtide.storage.ledger import charged_to_run, give_up, give_up_orphans, release_unsent, settle
from tagtide.storage.outbox import enqueue
from tagtide.storage.prepared import Prepared, PreparedIn, PreparedInsert
from tagtide.storage.rows import Topic, hashtag_key, hashtag_keys, insert_missing
from tagtide.storage.sightings import (
    mark_high_priority,
    put_creators,
    put_sighting,
)

#: Failures that say "there is no such hashtag" ...
_REFUSALS = (Reason.NOT_FOUND, Reason.BAD_REQUEST)
#: ... and how many of them in a row pause it.
_REFUSALS_TO_PAUSE = 3
#: Runs that are looked through for what ended lately.
_RECENT_RUNS = 500


class Runs(Topic):
    """The part of the store that keeps work from being done twice, or lost."""

    async def start_run(
        self, job: Job, campaign_id: int, slot_at: datetime, trigger: str, now: datetime
    ) -> Run:
        """Start the run of (job, campaign, instant), or return the one that exists."""
        row = {
            "job": job,
            "campaign_id": campaign_id,
            "slot_at": slot_at,
            "trigger": trigger,
            "started_at": now,
            "status": Status.RUNNING,
            "reason": Reason.NONE,
        }
        return await self._db.write(lambda c: _start(c, row))

    async def finish_run(
        self, run_id: int, status: Status, reason: Reason, now: datetime, changes: Changes
    ) -> None:
        """End a run together with what it leads to; unsent reservations are released."""
        await self._db.write(lambda c: _finish(c, run_id, status, reason, now, changes))

    async def claim_slot(
        self,
        job: Job,
        hashtag: str,
        slot_at: datetime,
        run_id: int,
        now: datetime,
        lease: timedelta,
    ) -> Claim | SlotTaken:
        """Claim a slot that is free or abandoned."""
        return await self._db.write(
            lambda c: _claim(c, job, hashtag, slot_at, run_id=run_id, now=now, lease=lease)
        )

    async def renew_run(self, run_id: int, lease_until: datetime) -> None:
        """Extend the lease of every unfinished slot of a run."""
        await self._db.write(lambda c: _renew(c, run_id, lease_until))

    async def interrupted_run(
        self, job: Job, campaign_id: int, since: datetime, now: datetime
    ) -> Run | None:
        """Newest manual run started after ``since`` that stopped without an end."""
        return await self._db.read(lambda c: _interrupted(c, job, campaign_id, since, now))

    async def recover(self, now: datetime) -> int:
        """Turn reservations of dead runs into ``unknown``; return how many."""
        return await self._db.write(lambda c: give_up_orphans(c, now))

    async def last_slot(self, job: Job, campaign_id: int) -> datetime | None:
        """Newest scheduled or catch-up slot of a job that was started."""
        query = (
            select(t.run.c.slot_at)
            .where(t.run.c.job == job, t.run.c.campaign_id == campaign_id)
            .where(t.run.c.trigger.not_in(("manual", "agent")))
            .order_by(t.run.c.slot_at.desc())
            .limit(1)
        )
        return await self._db.read(lambda c: c.execute(query).scalar_one_or_none())

    async def newest_run(
        self, job: Job, campaign_id: int, statuses: Sequence[Status]
    ) -> Run | None:
        """The newest run that ended with one of these statuses."""
        query = (
            select(t.run)
            .where(t.run.c.job == job, t.run.c.campaign_id == campaign_id)
            .where(t.run.c.status.in_(statuses), t.run.c.finished_at.is_not(None))
            .order_by(t.run.c.slot_at.desc())
            .limit(1)
        )

        def newest(connection: Connection) -> Run | None:
            row = connection.execute(query).one_or_none()
            return None if row is None else run_of(row)

        return await self._db.read(newest)

    async def ended_since(self, since: datetime) -> list[HashtagOutcome]:
        """Outcomes of hashtags that were really tried, of runs started since then."""
        return await self._db.read(lambda c: _ended_since(c, since))

    async def runs(
        self, *, campaign_id: int | None = None, job: Job | None = None, limit: int = 50
    ) -> list[RunSummary]:
        """Newest first, with the outcome of each hashtag."""
        query = select(t.run).order_by(t.run.c.id.desc()).limit(limit)
        if campaign_id is not None:
            query = query.where(t.run.c.campaign_id == campaign_id)
        if job is not None:
            query = query.where(t.run.c.job == job)
        return await self._db.read(lambda c: summaries(c, query))

    async def run(self, run_id: int) -> RunSummary:
        """One run. Raises `NotFound`."""
        query = select(t.run).where(t.run.c.id == run_id)
        found = await self._db.read(lambda c: summaries(c, query))
        if not found:
            raise NotFound(f"There is no run {run_id}.")
        return found[0]

    async def commit(self, changes: Changes) -> list[SightingEffect]:
        """Write one decision, or nothing at all. Raises `LeaseLost`, `Conflict`."""
        now = self._clock.now()
        return await self._db.write(lambda c: apply(c, changes, now))


def _start(connection: Connection, row: dict[str, Any]) -> Run:
    insert_missing(connection, t.run, [row])
    same = [t.run.c[name] == row[name] for name in ("job", "campaign_id", "slot_at")]
    return run_of(connection.execute(select(t.run).where(*same)).one())


def _finish(
    connection: Connection,
    run_id: int,
    status: Status,
    reason: Reason,
    now: datetime,
    changes: Changes,
) -> None:
    apply(connection, changes, now, run_id)
    keys = hashtag_keys(connection, [o.hashtag for o in changes.unclaimed])
    for outcome in changes.unclaimed:
        _put_outcome(connection, run_id, keys[outcome.hashtag], outcome)
    release_unsent(connection, run_id, now)
    end = {
        "finished_at": now,
        "status": status,
        "reason": reason,
        "credits": charged_to_run(connection, run_id),
    }
    done = connection.execute(update(t.run).where(t.run.c.id == run_id).values(end))
    if not done.rowcount:
        raise NotFound(f"There is no run {run_id}.")


# --- one decision, one transaction ----------------------------------------------------------------


def apply(
    connection: Connection, changes: Changes, now: datetime, run_id: int | None = None
) -> list[SightingEffect]:
    """Write everything a decision wants; ``run_id`` takes an outcome that has no claim."""
    if changes.progress is not None:
        _advance(connection, changes.progress)
    for reading in changes.readings:
        put_hashtag_reading(connection, reading)
    put_detector_states(connection, changes.detectors)
    effects = [e for sighting in changes.sightings for e in put_sighting(connection, sighting)]
    put_creators(connection, changes.creators)
    mark_high_priority(connection, changes.high_priority)
    settle(connection, changes.settlements)
    put_alerts(connection, changes.alerts)
    put_events(connection, changes.alert_events)
    enqueue(connection, changes.notifications)
    if changes.progress is not None:
        _count(connection, changes.progress.claim, effects, changes)
    if changes.outcome is not None:
        _end_hashtag(connection, changes.outcome, changes.outcome_claim, now, run_id)
    return effects


def _advance(connection: Connection, progress: Progress) -> None:
    where_to_go_on = {
        "new_cursor": progress.cursor,
        "new_pages": progress.pages,
        "until": progress.lease_until,
    }
    _fenced(connection, _ADVANCE, progress.claim, where_to_go_on)


def _fenced(
    connection: Connection, change: Prepared, claim: Claim, values: dict[str, object]
) -> None:
    mine = {"slot": claim.slot_id, "my_fence": claim.fence}
    if not change.run(connection, mine | values):
        raise LeaseLost


_THIS_SLOT = t.slot.c.id == bindparam("slot")
_MINE = update(t.slot).where(
    _THIS_SLOT, t.slot.c.fence == bindparam("my_fence"), t.slot.c.done_at.is_(None)
)
_ADVANCE = Prepared(
    _MINE.values(
        cursor=bindparam("new_cursor"),
        pages=bindparam("new_pages"),
        lease_until=bindparam("until"),
    )
)
_END = Prepared(_MINE.values(done_at=bindparam("at"), lease_until=bindparam("at")))


def _count(
    connection: Connection, claim: Claim, effects: Sequence[SightingEffect], changes: Changes
) -> None:
    if not effects:
        return
    campaign_id = _OWNER.one(connection, {"run": claim.run_id}).campaign_id
    views = {s.video.video_id: s.counters for one in changes.sightings for s in one.videos}
    new = sum(campaign_id in effect.new_in for effect in effects)
    gained = 0
    for effect in effects:
        count = views[effect.video_id].view_count or 0
        if campaign_id in effect.new_in:
            gained += count
        elif effect.previous is not None and effect.previous.counters.view_count is not None:
            gained += max(0, count - effect.previous.counters.view_count)
    _COUNT.run(connection, {"slot": claim.slot_id, "new": new, "gained": gained})


_OWNER = Prepared(select(t.run.c.campaign_id).where(t.run.c.id == bindparam("run")))
_COUNT = Prepared(
    update(t.slot)
    .where(_THIS_SLOT)
    .values(
        videos_new=t.slot.c.videos_new + bindparam("new"),
        new_views=t.slot.c.new_views + bindparam("gained"),
    )
)


def _end_hashtag(
    connection: Connection,
    outcome: HashtagOutcome,
    claim: Claim | None,
    now: datetime,
    run_id: int | None,
) -> None:
    if claim is not None:
        _fenced(connection, _END, claim, {"at": now})
        run_id = claim.run_id
    if run_id is None:
        raise ValueError("an outcome needs the claim it ends")
    key = hashtag_key(connection, outcome.hashtag)
    _put_outcome(connection, run_id, key, outcome)
    _count_failure(connection, key, outcome, now)


def _put_outcome(connection: Connection, run_id: int, key: int, outcome: HashtagOutcome) -> None:
    row = {name: getattr(outcome, name) for name in _OUTCOME}
    _PUT_OUTCOME.run(connection, [row | {"run_id": run_id, "hashtag_key": key}])


_OUTCOME = (
    "status", "reason", "videos_seen", "videos_new", "new_views", "pages", "credits", "detail",
)  # fmt: skip


def _instead(statement: Any) -> Any:
    new = {name: statement.excluded[name] for name in _OUTCOME}
    return statement.on_conflict_do_update(index_elements=["run_id", "hashtag_key"], set_=new)


_PUT_OUTCOME = PreparedInsert(
    t.run_hashtag, ["run_id", "hashtag_key", *_OUTCOME], complete=_instead
)


def _count_failure(
    connection: Connection, key: int, outcome: HashtagOutcome, now: datetime
) -> None:
    if outcome.status in (Status.OK, Status.PARTIAL):
        _CLEAR_FAILURES.run(connection, {"hashtag": key})
    elif outcome.status is Status.FAILED:
        this = t.hashtag.c.id == key
        row = connection.execute(select(t.hashtag).where(this)).one()
        refusals = row.refusals + 1 if outcome.reason in _REFUSALS else 0
        # A probe of a paused hashtag that is refused again pauses it for another day.
        paused_at = now if refusals >= _REFUSALS_TO_PAUSE else row.paused_at
        failed = {
            "failures": row.failures + 1,
            "refusals": refusals,
            "failure_reason": outcome.reason,
            "paused_at": paused_at,
        }
        connection.execute(update(t.hashtag).where(this).values(failed))


_CLEAR_FAILURES = Prepared(
    update(t.hashtag)
    .where(t.hashtag.c.id == bindparam("hashtag"), t.hashtag.c.failures > 0)
    .values(failures=0, refusals=0, failure_reason=Reason.NONE, paused_at=None)
)


# --- slots ----------------------------------------------------------------------------------------


def _claim(
    connection: Connection,
    job: Job,
    hashtag: str,
    slot_at: datetime,
    *,
    run_id: int,
    now: datetime,
    lease: timedelta,
) -> Claim | SlotTaken:
    key = hashtag_key(connection, hashtag)
    slot = {"job": job, "hashtag_key": key, "slot_at": slot_at}
    first = {"run_id": run_id, "lease_until": now + lease, "fence": 1}
    if added := _ADD_SLOT.run(connection, [slot | first]):
        # Nobody has had it before: there is nothing to take over.
        return Claim(slot_id=added[0][0], fence=1, run_id=run_id)
    same = [t.slot.c[name] == value for name, value in slot.items()]
    row = connection.execute(select(t.slot).where(*same).with_for_update()).one()
    if row.done_at is not None:
        outcome = outcomes(connection, [row.run_id]).get(row.run_id, {}).get(hashtag)
        return SlotTaken(done=True, run_id=row.run_id, outcome=outcome)
    if row.lease_until > now:
        return SlotTaken(done=False, run_id=row.run_id, outcome=None)
    # Calls that were under way when the last owner died may have been billed.
    give_up(connection, row.run_id, key, now)
    return _take(connection, row, run_id, now + lease)


_ADD_SLOT = PreparedInsert(
    t.slot,
    ["job", "hashtag_key", "slot_at", "run_id", "lease_until", "fence"],
    returning=[t.slot.c.id],
)


def _take(connection: Connection, row: Any, run_id: int, lease_until: datetime) -> Claim:
    inherited = row.credits
    if row.run_id != run_id:
        inherited += charged_to_run(connection, row.run_id, row.hashtag_key)
        _inherit_videos(connection, row, run_id)
    owner = {
        "run_id": run_id,
        "fence": row.fence + 1,
        "lease_until": lease_until,
        "credits": inherited,
    }
    connection.execute(update(t.slot).where(t.slot.c.id == row.id).values(owner))
    return Claim(
        slot_id=row.id,
        fence=row.fence + 1,
        run_id=run_id,
        cursor=row.cursor,
        pages=row.pages,
        seen=_seen(connection, run_id, row.hashtag_key),
        videos_new=row.videos_new,
        new_views=row.new_views,
        credits=inherited + charged_to_run(connection, run_id, row.hashtag_key),
    )


def _inherit_videos(connection: Connection, slot: Any, run_id: int) -> None:
    seen = t.run_video.c.run_id == slot.run_id, t.run_video.c.hashtag_key == slot.hashtag_key
    videos = connection.execute(select(t.run_video.c.video_key).where(*seen)).scalars()
    rows = [{"run_id": run_id, "hashtag_key": slot.hashtag_key, "video_key": key} for key in videos]
    insert_missing(connection, t.run_video, rows)


def _seen(connection: Connection, run_id: int, hashtag_key: int) -> frozenset[str]:
    query = (
        select(t.video.c.video_id)
        .join(t.run_video, t.run_video.c.video_key == t.video.c.id)
        .where(t.run_video.c.run_id == run_id, t.run_video.c.hashtag_key == hashtag_key)
    )
    return frozenset(connection.execute(query).scalars())


# --- reading --------------------------------------------------------------------------------------


def _renew(connection: Connection, run_id: int, lease_until: datetime) -> None:
    connection.execute(
        update(t.slot)
        .where(t.slot.c.run_id == run_id, t.slot.c.done_at.is_(None))
        .values(lease_until=lease_until)
    )


def _interrupted(
    connection: Connection, job: Job, campaign_id: int, since: datetime, now: datetime
) -> Run | None:
    held = exists().where(
        t.slot.c.run_id == t.run.c.id, t.slot.c.done_at.is_(None), t.slot.c.lease_until > now
    )
    query = (
        select(t.run)
        .where(t.run.c.job == job, t.run.c.campaign_id == campaign_id)
        .where(t.run.c.trigger == "manual", t.run.c.finished_at.is_(None))
        .where(t.run.c.started_at > since, ~held)
        .order_by(t.run.c.started_at.desc(), t.run.c.id.desc())
        .limit(1)
    )
    row = connection.execute(query).one_or_none()
    return None if row is None else run_of(row)


def summaries(connection: Connection, query: Select[Any]) -> list[RunSummary]:
    """Rows of `run` with the outcome of each hashtag, in the order of the query."""
    runs = [run_of(row) for row in connection.execute(query)]
    ended = outcomes(connection, [run.run_id for run in runs])
    return [RunSummary(run=run, outcomes=tuple(ended.get(run.run_id, {}).values())) for run in runs]


def _ended_since(connection: Connection, since: datetime) -> list[HashtagOutcome]:
    # By key from the newest back: no index holds the instants, and old runs are not looked at.
    newest = select(t.run.c.id, t.run.c.started_at).order_by(t.run.c.id.desc()).limit(_RECENT_RUNS)
    recent = [row.id for row in connection.execute(newest) if row.started_at >= since]
    tried = (Status.OK, Status.PARTIAL, Status.FAILED)
    found = outcomes(connection, recent)
    return [
        outcome
        for ended in found.values()
        for outcome in ended.values()
        if outcome.status in tried and outcome.reason is not Reason.SHARED
    ]


def outcomes(
    connection: Connection, run_ids: Sequence[int], statuses: Sequence[Status] = ()
) -> dict[int, dict[str, HashtagOutcome]]:
    """Outcomes by run and hashtag, hashtags by name; with ``statuses`` only those."""
    found: dict[int, dict[str, HashtagOutcome]] = {}
    rows = _ended(tuple(s.value for s in statuses)).rows(connection, run_ids, None, tuple)
    for run_id, name, status, reason, *counts in sorted(rows, key=itemgetter(1)):
        seen, new, new_views, pages, credits_charged, detail = counts
        found.setdefault(run_id, {})[name] = HashtagOutcome(
            hashtag=name,
            status=Status(status),
            reason=Reason(reason),
            videos_seen=seen,
            videos_new=new,
            new_views=new_views,
            pages=pages,
            credits=credits_charged,
            detail=detail,
        )
    return found


@cache
def _ended(statuses: tuple[str, ...]) -> PreparedIn:
    """Outcomes of runs, thousands on a page; with ``statuses`` only those."""
    ended = t.run_hashtag.c
    query = select(
        ended.run_id,
        t.hashtag.c.name,
        ended.status,
        ended.reason,
        ended.videos_seen,
        ended.videos_new,
        ended.new_views,
        ended.pages,
        ended.credits,
        ended.detail,
    ).join(t.hashtag, t.hashtag.c.id == ended.hashtag_key)
    if statuses:
        query = query.where(ended.status.in_([literal_column(f"'{one}'") for one in statuses]))
    return PreparedIn(ended.run_id, query.where)


def run_of(row: Any) -> Run:
    """A row of `run`."""
    return Run(
        run_id=row.id,
        job=Job(row.job),
        campaign_id=row.campaign_id,
        slot_at=row.slot_at,
        trigger=row.trigger,
        started_at=row.started_at,
        finished_at=row.finished_at,
        status=Status(row.status),
        reason=Reason(row.reason),
        credits=row.credits,
    )
