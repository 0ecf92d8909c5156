"""The credit ledger: a row for every paid call, written before it is sent."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Integer,
    and_,
    bindparam,
    case,
    func,
    literal_column,
    or_,
    select,
    text,
    type_coerce,
    update,
)

from tagtide.errors import BudgetExceeded, InvalidInput
from tagtide.models import Charge
from tagtide.ports import (
    NOT_SENT,
    Balance,
    BudgetLimit,
    LedgerLine,
    LedgerTotals,
    Reservation,
    Settlement,
)
from tagtide.storage import tables as t
from tagtide.storage.prepared import Prepared, PreparedInsert
from tagtide.storage.rows import Topic, hashtag_keys

#: Held while a reservation is checked and written, so that two of them never see the same rest.
_BUDGET_LOCK = 7_461_702_312
_COUNTS = (Charge.RESERVED, Charge.CHARGED, Charge.UNKNOWN)
#: A reservation outside any run that is older than this belongs to nobody any more.
_ORPHAN_AGE = timedelta(minutes=10)
#: After so long the rows of a day are settled, and how long the sums of such days are kept.
SETTLED, KEPT = timedelta(days=2), timedelta(minutes=30)
_MICROS_PER_DAY = 86_400_000_000


class Ledger(Topic):
    """The money part of the store."""

    async def reserve(
        self, reservations: Sequence[Reservation], limits: Sequence[BudgetLimit], now: datetime
    ) -> list[int]:
        """Write ``reserved`` rows, return their ids. Raises `BudgetExceeded`, writing nothing."""
        return await self._db.write(lambda c: _reserve(c, reservations, limits, now))

    async def settle(self, settlements: Sequence[Settlement]) -> None:
        """Say what became of reservations; a later word replaces an earlier one."""
        await self._db.write(lambda c: settle(c, settlements))

    async def spent(self, since: datetime, campaign_id: int | None = None) -> LedgerTotals:
        """Credits by state of rows reserved since then; calls that were never sent do not count."""
        return await self._db.read(lambda c: _spent(c, since, campaign_id))

    async def spending(self, since: datetime, by: str) -> list[LedgerLine]:
        """Lines by ``campaign``, ``job``, ``endpoint`` or ``day``. Raises `InvalidInput`."""
        return await self._db.read(lambda c: _spending(c, since, by))

    async def record_balance(self, balance: Balance) -> None:
        """Keep what the provider said, unless something newer is known."""
        await self._db.write(lambda c: put_balance(c, balance))

    async def balance(self) -> Balance | None:
        """The provider's newest statement; None before the first."""
        return await self._db.read(_balance)

    async def newest_note(self, notes: Sequence[str]) -> tuple[str, datetime] | None:
        """Note and instant of the newest settled row with one of these notes."""
        row = t.ledger.c
        query = (
            select(row.note, row.settled_at)
            .where(row.note.in_(notes), row.settled_at.is_not(None))
            .order_by(row.id.desc())
            .limit(1)
        )

        def newest(connection: Connection) -> tuple[str, datetime] | None:
            found = connection.execute(query).one_or_none()
            return None if found is None else (found.note, found.settled_at)

        return await self._db.read(newest)


def _reserve(
    connection: Connection,
    reservations: Sequence[Reservation],
    limits: Sequence[BudgetLimit],
    now: datetime,
) -> list[int]:
    if limits and connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _BUDGET_LOCK})
    for limit in limits:
        _refuse_beyond(connection, limit, reservations)
    # One by one: what a statement of many rows returns is in no promised order.
    rows = _rows(connection, reservations, now)
    return [int(_RESERVE.run(connection, [row])[0][0]) for row in rows]


_RESERVE = PreparedInsert(
    t.ledger,
    ["run_id", "campaign_id", "hashtag_key", "endpoint", "state", "credits", "reserved_at"],
    returning=[t.ledger.c.id],
)


def _refuse_beyond(
    connection: Connection, limit: BudgetLimit, reservations: Iterable[Reservation]
) -> None:
    own = [r.credits for r in reservations if limit.campaign_id in (None, r.campaign_id)]
    if not own:
        return
    used = connection.execute(_used(limit)).scalar_one()
    if used + sum(own) > limit.credits:
        raise BudgetExceeded(
            f"{used} of {limit.credits} credits {limit.period} are spent or reserved; "
            f"{sum(own)} more are not allowed."
        )


def _used(limit: BudgetLimit) -> Any:
    total = func.coalesce(func.sum(t.ledger.c.credits), 0)
    query = select(total).where(
        t.ledger.c.reserved_at >= limit.since, t.ledger.c.state.in_(_COUNTS)
    )
    if limit.campaign_id is not None:
        query = query.where(t.ledger.c.campaign_id == limit.campaign_id)
    if limit.trigger is not None:
        query = query.join_from(t.ledger, t.run, t.run.c.id == t.ledger.c.run_id).where(
            t.run.c.trigger == limit.trigger
        )
    return query


def _rows(
    connection: Connection, reservations: Sequence[Reservation], now: datetime
) -> list[dict[str, Any]]:
    keys = hashtag_keys(connection, (r.hashtag for r in reservations if r.hashtag))
    return [
        {
            "run_id": r.run_id,
            "campaign_id": r.campaign_id,
            "hashtag_key": keys[r.hashtag] if r.hashtag else None,
            "endpoint": r.endpoint,
            "state": Charge.RESERVED,
            "credits": r.credits,
            "reserved_at": now,
        }
        for r in reservations
    ]


_SETTLE = Prepared(
    update(t.ledger)
    .where(t.ledger.c.id == bindparam("entry_id"))
    .values(
        state=bindparam("new_state"),
        credits=bindparam("new_credits"),
        settled_at=bindparam("at"),
        credits_remaining=bindparam("remaining"),
        note=bindparam("new_note"),
    )
)


def settle(connection: Connection, settlements: Sequence[Settlement]) -> None:
    """Write settlements and the balance that the newest of them states."""
    if not settlements:
        return
    _SETTLE.run_many(
        connection,
        [
            {
                "entry_id": s.entry_id,
                "new_state": s.charge,
                "new_credits": s.credits,
                "at": s.settled_at,
                "remaining": s.credits_remaining,
                "new_note": s.note,
            }
            for s in settlements
        ],
    )
    stated = [s for s in settlements if s.credits_remaining is not None]
    if stated:
        last = max(stated, key=lambda s: s.settled_at)
        assert last.credits_remaining is not None
        put_balance(
            connection, Balance(credits_remaining=last.credits_remaining, read_at=last.settled_at)
        )


def put_balance(connection: Connection, balance: Balance) -> None:
    """Replace the stored balance by a newer one; a plan that is not stated stays as it was."""
    row = {
        "id": 1,
        "credits_remaining": balance.credits_remaining,
        "read_at": balance.read_at,
        "plan": balance.plan,
    }
    _PUT_BALANCE.run(connection, [row])


def _if_newer(statement: Any) -> Any:
    new = statement.excluded
    return statement.on_conflict_do_update(
        index_elements=["id"],
        set_={
            "credits_remaining": new.credits_remaining,
            "read_at": new.read_at,
            "plan": func.coalesce(new.plan, t.balance.c.plan),
        },
        where=t.balance.c.read_at <= new.read_at,
    )


_PUT_BALANCE = PreparedInsert(
    t.balance, ["id", "credits_remaining", "read_at", "plan"], complete=_if_newer
)


def _balance(connection: Connection) -> Balance | None:
    row = connection.execute(select(t.balance)).one_or_none()
    if row is None:
        return None
    return Balance(credits_remaining=row.credits_remaining, read_at=row.read_at, plan=row.plan)


def _sum_in(state: Charge) -> ColumnElement[int]:
    counted = case((t.ledger.c.state == state, t.ledger.c.credits), else_=0)
    return func.coalesce(func.sum(counted), 0)


def _was_sent() -> ColumnElement[bool]:
    return t.ledger.c.note != NOT_SENT


def _spent(connection: Connection, since: datetime, campaign_id: int | None) -> LedgerTotals:
    not_charged = case((t.ledger.c.state == Charge.NOT_CHARGED, 1), else_=0)
    query = select(
        _sum_in(Charge.CHARGED).label("charged"),
        _sum_in(Charge.UNKNOWN).label("unknown"),
        _sum_in(Charge.RESERVED).label("reserved"),
        func.coalesce(func.sum(not_charged), 0).label("not_charged_calls"),
        func.count().label("calls"),
    ).where(t.ledger.c.reserved_at >= since, _was_sent())
    if campaign_id is not None:
        query = query.where(t.ledger.c.campaign_id == campaign_id)
    row = connection.execute(query).one()
    return LedgerTotals(**{name: int(value) for name, value in row._mapping.items()})  # noqa: SLF001 - SQLAlchemy's public name for it


def _spending(connection: Connection, since: datetime, by: str) -> list[LedgerLine]:
    sources: dict[str, tuple[Any, Any]] = {
        "campaign": (t.campaign.c.name, t.ledger.outerjoin(t.campaign)),
        "job": (t.run.c.job, t.ledger.outerjoin(t.run, t.run.c.id == t.ledger.c.run_id)),
        "endpoint": (t.ledger.c.endpoint, t.ledger),
        "day": (_day(), t.ledger),
    }
    if by not in sources:
        raise InvalidInput(f"Spending is grouped by {', '.join(sources)}, not by {by!r}.")
    key, tables = sources[by]
    query = (
        select(
            key.label("key"),
            func.count().label("calls"),
            _sum_in(Charge.CHARGED).label("charged"),
            _sum_in(Charge.UNKNOWN).label("unknown"),
        )
        .select_from(tables)
        .where(t.ledger.c.reserved_at >= since, _was_sent())
        .group_by(literal_column("1"))
        .order_by(literal_column("1" if by == "day" else "3 DESC"), literal_column("1"))
    )
    return [_line(row, by) for row in connection.execute(query)]


def _day() -> ColumnElement[int]:
    micros = type_coerce(t.ledger.c.reserved_at, BigInteger)
    return type_coerce(micros.op("/")(literal_column(str(_MICROS_PER_DAY))), Integer)


def _line(row: Any, by: str) -> LedgerLine:
    key = str(date(1970, 1, 1) + timedelta(days=row.key)) if by == "day" else row.key or ""
    return LedgerLine(key=key, calls=row.calls, credits=int(row.charged), unknown=int(row.unknown))


def charged_to_run(connection: Connection, run_id: int, hashtag_key: int | None = None) -> int:
    """Credits charged to a run, or to one hashtag of it."""
    query = select(_sum_in(Charge.CHARGED)).where(t.ledger.c.run_id == run_id)
    if hashtag_key is not None:
        query = query.where(t.ledger.c.hashtag_key == hashtag_key)
    return int(connection.execute(query).scalar_one())


def release_unsent(connection: Connection, run_id: int, now: datetime) -> None:
    """What a run reserved and never sent costs nothing."""
    connection.execute(
        update(t.ledger)
        .where(t.ledger.c.run_id == run_id, t.ledger.c.state == Charge.RESERVED)
        .values(state=Charge.NOT_CHARGED, credits=0, settled_at=now, note=NOT_SENT)
    )


def give_up(connection: Connection, run_id: int, hashtag_key: int, now: datetime) -> None:
    """Reservations of one hashtag of a run become ``unknown``: its owner is gone."""
    connection.execute(
        update(t.ledger)
        .where(t.ledger.c.run_id == run_id, t.ledger.c.hashtag_key == hashtag_key)
        .where(t.ledger.c.state == Charge.RESERVED)
        .values(state=Charge.UNKNOWN, settled_at=now, note="interrupted")
    )


def give_up_orphans(connection: Connection, now: datetime) -> int:
    """Reservations of nobody alive become ``unknown``: they may have been sent and billed."""
    alive = select(t.slot.c.run_id).where(t.slot.c.done_at.is_(None), t.slot.c.lease_until > now)
    orphaned = or_(
        and_(t.ledger.c.run_id.is_not(None), t.ledger.c.run_id.not_in(alive)),
        and_(t.ledger.c.run_id.is_(None), t.ledger.c.reserved_at < now - _ORPHAN_AGE),
    )
    done = connection.execute(
        update(t.ledger)
        .where(t.ledger.c.state == Charge.RESERVED, orphaned)
        .values(state=Charge.UNKNOWN, settled_at=now, note="interrupted")
    )
    return done.rowcount
