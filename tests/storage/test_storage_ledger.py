from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from storage_samples import HOUR, NOON, SteppedClock, campaign, run, started

from tagtide.errors import BudgetExceeded, InvalidInput
from tagtide.models import Charge
from tagtide.ports import Balance, BudgetLimit, LedgerLine, Reservation, Settlement
from tagtide.storage.store import SqlStore, open_store


def call(cost: int = 1, campaign_id: int | None = None) -> Reservation:
    return Reservation(
        run_id=None, campaign_id=campaign_id, hashtag="ours", endpoint="videos", credits=cost
    )


def today(most: int, campaign_id: int | None = None) -> BudgetLimit:
    return BudgetLimit(credits=most, since=NOON, period="today", campaign_id=campaign_id)


def settled(entry: int, charge: Charge, cost: int = 1, **facts: object) -> Settlement:
    values = {"entry_id": entry, "charge": charge, "credits": cost, "settled_at": NOON} | facts
    return Settlement(**values)  # type: ignore[arg-type]


def test_a_reservation_within_the_limit_is_written_in_order(store: SqlStore) -> None:
    ids = run(store.reserve([call(2), call(3)], [today(5)], NOON))
    assert ids == sorted(ids)
    assert run(store.spent(NOON)).reserved == 5


def test_a_reservation_beyond_any_limit_writes_nothing(store: SqlStore) -> None:
    run(store.reserve([call(3)], [today(5)], NOON))
    with pytest.raises(BudgetExceeded, match=r"3 of 5 credits today .* 3 more"):
        run(store.reserve([call(1), call(2)], [today(100), today(5)], NOON))
    assert run(store.spent(NOON)).reserved == 3


@pytest.mark.parametrize(
    ("charge", "left"),
    [(Charge.CHARGED, 0), (Charge.UNKNOWN, 0), (Charge.RESERVED, 0), (Charge.NOT_CHARGED, 1)],
)
def test_what_counts_against_a_budget(store: SqlStore, charge: Charge, left: int) -> None:
    (entry,) = run(store.reserve([call()], [], NOON))
    run(store.settle([settled(entry, charge)]))
    if left:
        run(store.reserve([call()], [today(1)], NOON))
    else:
        with pytest.raises(BudgetExceeded):
            run(store.reserve([call()], [today(1)], NOON))


def test_a_limit_of_agents_counts_only_their_runs(store: SqlStore) -> None:
    scheduled = started(store).run_id
    agents = started(store, NOON + HOUR, "agent").run_id
    limit = BudgetLimit(credits=3, since=NOON, period="today for agents", trigger="agent")

    def of(number: int | None, cost: int) -> Reservation:
        return replace(call(cost), run_id=number)

    run(store.reserve([of(scheduled, 50), of(None, 50)], [], NOON))
    run(store.reserve([of(agents, 2)], [limit], NOON))
    with pytest.raises(BudgetExceeded, match="2 of 3 credits today for agents"):
        run(store.reserve([of(agents, 2)], [limit], NOON))
    run(store.reserve([of(agents, 1)], [limit], NOON))


def test_a_limit_begins_with_its_period(store: SqlStore) -> None:
    run(store.reserve([call(5)], [], NOON - HOUR))
    run(store.reserve([call(5)], [today(5)], NOON))


def test_the_limit_of_a_campaign_counts_that_campaign(store: SqlStore) -> None:
    one = run(store.add_campaign(campaign("One"))).campaign_id
    two = run(store.add_campaign(campaign("Two"))).campaign_id
    run(store.reserve([call(5, one)], [today(5, one)], NOON))
    run(store.reserve([call(5, two)], [today(5, one), today(5, two)], NOON))
    with pytest.raises(BudgetExceeded):
        run(store.reserve([call(1, one)], [today(5, one)], NOON))


def test_a_later_word_about_a_call_replaces_the_earlier(store: SqlStore) -> None:
    (entry,) = run(store.reserve([call()], [], NOON))
    run(store.settle([settled(entry, Charge.UNKNOWN)]))
    run(store.settle([settled(entry, Charge.CHARGED, 2)]))
    totals = run(store.spent(NOON))
    assert (totals.charged, totals.unknown, totals.calls) == (2, 0, 1)


def test_spending_by_everything(store: SqlStore) -> None:
    one = started(store)
    for endpoint, hours, cost in (("videos", 0, 1), ("hashtag", 13, 5), ("videos", 13, 1)):
        reservation = Reservation(
            run_id=one.run_id, campaign_id=1, hashtag=None, endpoint=endpoint, credits=cost
        )
        (entry,) = run(store.reserve([reservation], [], NOON + hours * HOUR))
        run(store.settle([settled(entry, Charge.CHARGED, cost)]))
    (lost,) = run(store.reserve([call()], [], NOON))
    run(store.settle([settled(lost, Charge.UNKNOWN)]))

    def lines(by: str) -> list[LedgerLine]:
        return run(store.spending(NOON, by))

    def line(key: str, calls: int, cost: int, unknown: int = 0) -> LedgerLine:
        return LedgerLine(key=key, calls=calls, credits=cost, unknown=unknown)

    assert lines("campaign") == [line("Spring", 3, 7), line("", 1, 0, 1)]
    assert lines("job") == [line("collect", 3, 7), line("", 1, 0, 1)]
    assert lines("endpoint") == [line("hashtag", 1, 5), line("videos", 3, 2, 1)]
    assert lines("day") == [line("2026-03-01", 2, 1, 1), line("2026-03-02", 2, 6)]
    assert run(store.spent(NOON + HOUR, 1)).charged == 6
    with pytest.raises(InvalidInput, match="colour"):
        lines("colour")


def test_the_balance_is_the_newest_statement(store: SqlStore) -> None:
    assert run(store.balance()) is None
    run(store.record_balance(Balance(credits_remaining=100, read_at=NOON, plan="free")))
    (entry,) = run(store.reserve([call()], [], NOON))
    later = settled(entry, Charge.CHARGED, settled_at=NOON + HOUR, credits_remaining=99)
    run(store.settle([later]))
    run(store.record_balance(Balance(credits_remaining=7, read_at=NOON - HOUR, plan="old")))
    expected = Balance(credits_remaining=99, read_at=NOON + HOUR, plan="free")
    assert run(store.balance()) == expected


def test_many_reservers_at_once_never_pass_the_limit(store: SqlStore) -> None:
    async def try_one() -> int:
        try:
            return len(await store.reserve([call(), call()], [today(25)], NOON))
        except BudgetExceeded:
            return 0

    async def try_all() -> list[int]:
        return await asyncio.gather(*(try_one() for _ in range(40)))

    assert sum(run(try_all())) == 24
    assert run(store.spent(NOON)).reserved == 24


def test_reservers_in_two_processes_never_pass_the_limit(sqlite_url: str) -> None:
    # Two stores on one file share nothing but the file, as two processes do.
    async def all_at_once() -> list[int]:
        stores = [await open_store(sqlite_url, clock=SteppedClock()) for _ in range(2)]

        async def try_one(store: SqlStore) -> int:
            try:
                return len(await store.reserve([call()], [today(10)], NOON))
            except BudgetExceeded:
                return 0

        done = await asyncio.gather(*(try_one(store) for store in stores for _ in range(12)))
        for store in stores:
            await store.aclose()
        return done

    assert sum(run(all_at_once())) == 10


_STEPS = st.lists(
    st.tuples(
        st.integers(1, 4),
        st.sampled_from([None, 1]),
        st.sampled_from([None, Charge.CHARGED, Charge.UNKNOWN, Charge.NOT_CHARGED]),
    ),
    max_size=12,
)


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(steps=_STEPS, day=st.integers(0, 12), own=st.integers(0, 8))
def test_no_order_of_calls_passes_a_limit(
    sqlite_url: str, steps: list[tuple[int, int | None, Charge | None]], day: int, own: int
) -> None:
    async def play() -> None:
        store = await open_store("sqlite://", clock=SteppedClock())
        await store.add_campaign(campaign())
        limits = [today(day), today(own, 1)]
        for cost, campaign_id, charge in steps:
            try:
                (entry,) = await store.reserve([call(cost, campaign_id)], limits, NOON)
            except BudgetExceeded:
                continue
            if charge is not None:
                await store.settle([settled(entry, charge, cost)])
            for limit in limits:
                used = await store.spent(NOON, limit.campaign_id)
                assert used.charged + used.unknown + used.reserved <= limit.credits
        await store.aclose()

    run(play())


def test_microseconds_survive(store: SqlStore) -> None:
    at = NOON + timedelta(microseconds=1)
    run(store.record_balance(Balance(credits_remaining=1, read_at=at)))
    found = run(store.balance())
    assert found is not None
    assert found.read_at == at
    assert found.read_at.tzinfo is not None
