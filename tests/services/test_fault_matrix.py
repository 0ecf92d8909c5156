"""What the data API can do wrong, and what is left of it: one table, every endpoint, every store.

The local server is the oracle of the money: what it charged must be what the ledger says, but for
the rows that the ledger itself calls unknown.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from lab import HOUR, IMPATIENT, LONG_AGO, START, Lab, lab
from small_world import Clip, SmallWorld, Tag, crowd

from conftest_postgres import new_database
from tagtide.cli.exits import run_exit_code
from tagtide.models import Alert, AlertState, Campaign, Reason, Status
from tagtide.ports import LedgerTotals
from tagtide.services.collect import CollectResult
from tagtide.services.track import TrackResult
from tagtide.simulator import FAULTS, FaultRule

OK, FAILED = Status.OK, Status.FAILED
POSTGRES = pytest.mark.postgres


@dataclass(frozen=True)
class End:
    """How the hashtag ends, and what its calls cost."""

    status: Status
    reason: Reason = Reason.NONE
    attempts: int = 1
    charged: int = 0
    unknown: int = 0
    not_charged: int = 0


def ok(reason: Reason = Reason.NONE, **counts: int) -> End:
    return End(OK, reason, **({"charged": 1} | counts))


def lost(reason: Reason, **counts: int) -> End:
    return End(FAILED, reason, **({"charged": 1} | counts))


def refused(reason: Reason) -> End:
    return End(FAILED, reason, not_charged=1)


#: Three attempts, of none of which anybody knows whether it was billed.
UPSTREAM = End(FAILED, Reason.UPSTREAM, attempts=3, unknown=3)
#: Sent, never answered: one more attempt, both unknown.
CUT = End(FAILED, Reason.CONNECTION, attempts=2, unknown=2)
SILENT = End(FAILED, Reason.TIMEOUT, attempts=2, unknown=2)
UNDECODABLE, OVERSIZE = lost(Reason.UNDECODABLE), lost(Reason.OVERSIZE)
SCHEMA = lost(Reason.SCHEMA)
#: The feed of a hashtag that is not there is asked for, once.
MISDIRECTED = End(FAILED, Reason.NOT_FOUND, attempts=2, charged=1, unknown=1)
CROWDED = End(FAILED, Reason.RATE_LIMITED, attempts=4, not_charged=4)
WAITED = ok(attempts=2, not_charged=1)


@dataclass(frozen=True)
class Row:
    """A fault, and how a call of the totals and a call of the feed end under it."""

    fault: str
    totals: End
    feed: End
    options: dict[str, Any] = field(default_factory=dict)
    #: Where it ends otherwise when the id of the hashtag is asked for.
    resolving: End | None = None
    #: How often it strikes; None is always.
    times: int | None = None
    billed: bool | None = None

    def __str__(self) -> str:
        return "-".join([self.fault, *(f"{k}={v}" for k, v in self.options.items())])


def same(fault: str, end: End, **more: Any) -> Row:
    return Row(fault, end, end, **more)


TABLE = [
    # refused: never repeated
    same("status_400", refused(Reason.BAD_REQUEST)),
    same("status_404", refused(Reason.NOT_FOUND)),
    same("status_404", lost(Reason.NOT_FOUND), billed=True),
    same("status_410", refused(Reason.BAD_REQUEST)),
    same("status_422", refused(Reason.BAD_REQUEST)),
    # too many calls in flight: waited for, never billed
    same("status_429", WAITED, options={"seconds": 7}, times=1),
    same("status_429_reset", WAITED, options={"at": 90}, times=1),
    same("status_429_bare", ok(attempts=4, not_charged=3), times=3),
    same("status_429", CROWDED, options={"seconds": 300}),
    # broken upstream: repeated twice
    same("status_500", UPSTREAM),
    same("status_502_html", UPSTREAM),
    same("status_503", UPSTREAM),
    same("status_504", UPSTREAM),
    same("status_503", ok(attempts=3, unknown=2), times=2),
    # the request is gone and nobody answers: sent again once
    same("refuse", CUT),
    same("reset", CUT),
    same("reset_mid_body", CUT),
    same("reset", ok(attempts=2, unknown=1), times=1),
    same("timeout", SILENT),
    same("drip", SILENT, options={"bytes_per_second": 20}),
    # an answer that is none: paid for, not repeated, not believed
    same("redirect", End(FAILED, Reason.REDIRECT, unknown=1)),
    same("truncated_json", UNDECODABLE),
    same("html_200", UNDECODABLE),
    same("empty_200", UNDECODABLE),
    same("json_list_200", UNDECODABLE),
    same("wrong_content_type", UNDECODABLE),
    same("invalid_utf8", UNDECODABLE),
    same("bom", UNDECODABLE),
    same("nan", UNDECODABLE),
    same("huge_body", OVERSIZE, options={"mib": 17}),
    same("gzip_bomb", OVERSIZE, options={"mib": 17}),
    same("deep_json", OVERSIZE),
    same("long_integer", OVERSIZE),
    same("many_items", OVERSIZE),
    # a payload of another form
    Row("wrong_types", totals=ok(), feed=SCHEMA),
    same("renamed_fields", SCHEMA),
    same("missing_stats", SCHEMA),
    # counters that cannot be: unknown, the rest is kept
    same("null_stats", ok()),
    same("null_counters", ok()),
    same("negative_counters", ok()),
    same("int32_wrap", ok()),
    same("zero_video_count", ok()),
    same("rounded_only", ok()),
    same("counter_reset", ok()),
    same("counter_drop", ok()),
    same("hashtag_id_change", ok(), resolving=MISDIRECTED),
    same("extra_fields", ok()),
    # pages that repeat themselves
    same("duplicates_in_page", ok()),
    same("duplicates_across_pages", ok()),
    same("out_of_order", ok()),
    same("empty_page", ok()),
    same("cursor_stuck", ok()),
]  # fmt: skip


def test_the_table_knows_every_fault_of_the_server() -> None:
    elsewhere = {
        "status_401", "status_402", "status_403", "page2_fails", "has_more_forever", "stale",
        "stale_repeat",
    }  # fmt: skip
    assert {row.fault for row in TABLE} | elsewhere == set(FAULTS)


# --- the rig: one installation per store, new hashtags for each case ------------------------------


@dataclass
class Rig:
    """An open installation that lives through all cases of one store."""

    runner: asyncio.Runner
    bench: Lab
    numbers: Iterator[int] = field(default_factory=itertools.count)

    def run(self, case: Callable[[Lab, Case], Awaitable[None]], row: Row, endpoint: str) -> None:
        async def lived() -> None:
            async with asyncio.timeout(60):
                await case(self.bench, Case(row, endpoint, next(self.numbers)))

        self.runner.run(lived())


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgres", marks=POSTGRES)])
def rig(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    url = f"sqlite:///{tmp_path_factory.mktemp('matrix')}/tagtide.db"
    if request.param == "postgres":
        url = new_database()
    with asyncio.Runner() as runner:
        stack = contextlib.AsyncExitStack()
        opened = lab(SmallWorld(START), database=url, settings=IMPATIENT, credits=10**6)
        yield Rig(runner, runner.run(stack.enter_async_context(opened)))
        runner.run(stack.aclose())


@dataclass(frozen=True)
class Case:
    """One row of the table on one endpoint."""

    row: Row
    endpoint: str
    number: int

    @property
    def struck(self) -> str:
        return f"struck{self.number}"

    @property
    def healthy(self) -> str:
        return f"healthy{self.number}"

    async def campaign(self, bench: Lab) -> Campaign:
        """Both hashtags gain 300 videos in 6 hours, which alerts; one video of a feed is viral."""
        born, first = bench.clock.now() - 5 * HOUR, 1_000 * self.number
        viral = Clip(number=first, created=born, views=90_000, views_per_hour=100)
        own = (viral, *crowd(born, 24, first=first + 1))
        other = crowd(born, 24, first=first + 500)
        bench.world.tags[self.struck] = Tag(videos_per_hour=50, feed=own)
        bench.world.tags[self.healthy] = Tag(videos_per_hour=50, feed=other)
        return await bench.add(
            f"Case {self.number}", own=[self.struck, self.healthy], page_budget=1
        )

    def strike(self, bench: Lab) -> None:
        options = dict(self.row.options)
        if "at" in options:
            options["at"] += bench.clock.now().timestamp()
        rule = FaultRule(
            fault=self.row.fault,
            endpoint=self.endpoint,
            hashtag=self.struck,
            times=self.row.times,
            billed=self.row.billed,
            options=options,
        )
        bench.fail(rule)


@dataclass(frozen=True)
class Books:
    """Money and alerts at one instant."""

    calls: int
    server_charged: int
    spent: LedgerTotals
    alerts: list[Alert]
    messages: int


async def books(bench: Lab, campaign: Campaign) -> Books:
    return Books(
        calls=len(bench.calls()),
        server_charged=bench.server.charged,
        spent=await bench.spent(campaign),
        alerts=await bench.store.alerts(campaign_id=campaign.campaign_id),
        messages=len(await bench.store.undelivered()),
    )


# --- what must hold after any fault ---------------------------------------------------------------


async def examine(
    bench: Lab,
    case: Case,
    campaign: Campaign,
    before: Books,
    run: TrackResult | CollectResult,
    end: End,
) -> None:
    after = await books(bench, campaign)
    outcomes = {o.hashtag: o for o in (await bench.store.run(run.run_id)).outcomes}
    struck, healthy = outcomes[case.struck], outcomes[case.healthy]
    assert (struck.status, struck.reason) == (end.status, end.reason), struck
    assert healthy.status is OK
    assert run_exit_code([(run.status, run.reason)]) == (0 if end.status is OK else 3)
    follow_ups = after.calls - before.calls - end.attempts - healthy.credits
    # A feed that follows a resolved id; nothing else may be called.
    assert follow_ups == struck.credits - end.charged
    examine_money(before, after, end, struck.credits + healthy.credits)
    await examine_readings(bench, case, campaign)
    examine_alerts(case, before, after, end)


def examine_money(before: Books, after: Books, end: End, credits_told: int) -> None:
    charged = after.spent.charged - before.spent.charged
    unknown = after.spent.unknown - before.spent.unknown
    at_server = after.server_charged - before.server_charged
    assert charged == credits_told
    assert charged <= at_server <= charged + unknown
    assert unknown == end.unknown
    assert after.spent.not_charged_calls - before.spent.not_charged_calls == end.not_charged
    assert after.spent.reserved == 0
    assert after.spent.calls - before.spent.calls == after.calls - before.calls


async def examine_readings(bench: Lab, case: Case, campaign: Campaign) -> None:
    """The world holds no zero: one that is stored was invented, unless the server states it."""
    for name in (case.struck, case.healthy):
        for reading in await bench.store.hashtag_readings(name, LONG_AGO, bench.clock.now()):
            assert reading.view_count != 0
            assert reading.video_count != 0
    for video in await bench.store.known_videos(campaign.campaign_id):
        assert video.counters.view_count != 0 or case.row.fault == "counter_reset"


def examine_alerts(case: Case, before: Books, after: Books, end: End) -> None:
    """No fault raises, ends, or tells anything; a failed read does not even change a figure."""
    assert [a.alert_id for a in after.alerts] == [a.alert_id for a in before.alerts]
    assert all(a.state is AlertState.FIRING for a in after.alerts)
    assert after.messages == before.messages
    if end.status is FAILED:
        untouched = [a for a in before.alerts if a.hashtag == case.struck]
        assert [a for a in after.alerts if a.hashtag == case.struck] == untouched


# --- the endpoints --------------------------------------------------------------------------------


async def tracked(bench: Lab, case: Case) -> None:
    campaign = await case.campaign(bench)
    bench.fail()
    await bench.track(campaign)
    bench.clock.advance(6 * HOUR)
    await bench.track(campaign)
    before = await books(bench, campaign)
    assert len(before.alerts) == 2
    bench.clock.advance(6 * HOUR)
    case.strike(bench)
    await examine(bench, case, campaign, before, await bench.track(campaign), case.row.totals)


async def collected(bench: Lab, case: Case) -> None:
    campaign = await case.campaign(bench)
    bench.fail()
    await bench.collect(campaign)
    before = await books(bench, campaign)
    assert len(before.alerts) == 1
    bench.clock.advance(12 * HOUR)
    case.strike(bench)
    await examine(bench, case, campaign, before, await bench.collect(campaign), case.row.feed)


async def resolved(bench: Lab, case: Case) -> None:
    campaign = await case.campaign(bench)
    campaign = replace(campaign, rules=replace(campaign.rules, enabled=()))
    before = await books(bench, campaign)
    case.strike(bench)
    end = case.row.resolving or case.row.totals
    await examine(bench, case, campaign, before, await bench.collect(campaign), end)


@pytest.mark.parametrize("row", TABLE, ids=str)
def test_totals_while_tracking(rig: Rig, row: Row) -> None:
    rig.run(tracked, row, "hashtag")


@pytest.mark.parametrize("row", TABLE, ids=str)
def test_feed_while_collecting(rig: Rig, row: Row) -> None:
    rig.run(collected, row, "hashtag/videos")


@pytest.mark.parametrize("row", TABLE, ids=str)
def test_totals_while_collecting(rig: Rig, row: Row) -> None:
    rig.run(resolved, row, "hashtag")


# --- two faults in a row --------------------------------------------------------------------------

#: One fault of each kind of handling.
KINDS = [
    row
    for row in TABLE
    if str(row)
    in {
        "status_400", "status_429_bare", "status_500", "refuse", "reset", "redirect", "html_200",
        "long_integer", "renamed_fields", "null_counters", "zero_video_count", "counter_drop",
    }
]  # fmt: skip


@pytest.mark.prove
@pytest.mark.parametrize("second", KINDS, ids=str)
@pytest.mark.parametrize("first", KINDS, ids=str)
def test_one_fault_after_another(rig: Rig, first: Row, second: Row) -> None:
    """Whatever follows on what: the money is right, nothing is invented, nothing is told."""

    async def case(bench: Lab, case: Case) -> None:
        campaign = await case.campaign(bench)
        bench.fail()
        await bench.track(campaign)
        bench.clock.advance(6 * HOUR)
        await bench.track(campaign)
        before = await books(bench, campaign)
        for row in (first, second):
            bench.clock.advance(6 * HOUR)
            replace(case, row=row).strike(bench)
            await bench.track(campaign)
        after = await books(bench, campaign)
        charged = after.spent.charged - before.spent.charged
        unknown = after.spent.unknown - before.spent.unknown
        assert charged <= after.server_charged - before.server_charged <= charged + unknown
        assert after.spent.reserved == 0
        await examine_readings(bench, case, campaign)
        assert [a.alert_id for a in after.alerts] == [a.alert_id for a in before.alerts]
        assert all(a.state is AlertState.FIRING for a in after.alerts)
        assert after.messages == before.messages

    rig.run(case, first, "hashtag")
