"""The pages of runs: slots and their outcomes, one run, streams, and runs started by hand."""

from __future__ import annotations

import asyncio
import json
import re
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx2
import pytest
from work_pages import DAY, NOW, Desk, desk

from tagtide.core.access import Need
from tagtide.errors import BudgetExceeded, CreditsExhausted
from tagtide.models import (
    Answer,
    Campaign,
    CampaignHashtag,
    Charge,
    CounterSource,
    HashtagOutcome,
    HashtagTotals,
    Job,
    Reason,
    Run,
    Status,
    Usage,
)
from tagtide.ports import Balance, Changes, Claim, Reservation, RunFilter, Settlement
from tagtide.services.by_hand import offers
from tagtide.services.views.runs import view_run, view_runs
from tagtide.web import listen, serve_pages
from tagtide.web.live import MOST_STREAMS, Streams

HOUR = timedelta(hours=1)


class Source:
    """A data API that answers when it is let."""

    name = "test"
    max_in_flight = 5

    def __init__(self, balance: int | None = 100) -> None:
        self.may_answer = asyncio.Event()
        self.asked = 0
        self.balance = balance
        self.fault: Exception | None = None

    async def hashtag(self, *, name: str | None = None, hashtag_id: str | None = None) -> Any:
        self.asked += 1
        await self.may_answer.wait()
        if self.fault is not None:
            raise self.fault
        totals = HashtagTotals(
            hashtag_id="7",
            title=name or "glow",
            view_count=1000,
            view_source=CounterSource.STATS_V2,
            view_unit=1,
            video_count=50,
            video_source=CounterSource.STATS_V2,
            video_unit=1,
        )
        return Answer(
            value=totals, credits_used=1, credits_remaining=self.balance, payload_hash="x"
        )

    async def usage(self) -> Usage:
        return Usage(plan="free", credit_balance=self.balance)

    async def aclose(self) -> None:
        """Nothing to close."""


async def ran(
    app: Any,
    campaign: Campaign,
    at: datetime,
    outcomes: dict[str, Status],
    *,
    job: Job = Job.TRACK,
    reason: Reason = Reason.NONE,
    finish: bool = True,
) -> Run:
    """A run with these outcomes, and a call for each hashtag."""
    store = app.store
    run = await store.start_run(job, campaign.campaign_id, at, "schedule", at)
    for name, status in outcomes.items():
        claim = await store.claim_slot(job, name, at, run.run_id, at, HOUR)
        assert isinstance(claim, Claim)
        reservation = Reservation(
            run_id=run.run_id,
            campaign_id=campaign.campaign_id,
            hashtag=name,
            endpoint="hashtag",
        )
        (entry,) = await store.reserve([reservation], [], at)
        charge = Charge.CHARGED if status is Status.OK else Charge.UNKNOWN
        settled = Settlement(entry_id=entry, charge=charge, credits=1, settled_at=at, note="ok")
        await store.settle([settled])
        outcome = HashtagOutcome(
            hashtag=name,
            status=status,
            reason=Reason.NONE if status is Status.OK else Reason.UPSTREAM,
            detail="" if status is Status.OK else "It <b>broke</b>.",
        )
        await store.commit(Changes(outcome=outcome, outcome_claim=claim))
    if finish:
        statuses = {*outcomes.values()}
        whole = statuses.pop() if len(statuses) == 1 else Status.PARTIAL
        await store.finish_run(run.run_id, whole, reason, at, Changes())
    return run


async def skipped(app: Any, campaign: Campaign, at: datetime) -> Run:
    run = await app.store.start_run(Job.TRACK, campaign.campaign_id, at, "catch_up", at)
    await app.store.finish_run(run.run_id, Status.SKIPPED, Reason.DOWNTIME, at, Changes())
    return run


def test_the_page_says_what_was_due_read_and_missed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> None:
        async with desk(tmp_path, monkeypatch) as at:
            campaign = await at.add()
            both = {"glow": Status.OK, "aura": Status.OK}
            for hours in (30, 24, 18):
                await ran(at.app, campaign, NOW - hours * HOUR, both)
            await ran(at.app, campaign, NOW - 12 * HOUR, {**both, "aura": Status.FAILED})
            missed = await skipped(at.app, campaign, NOW - 6 * HOUR)
            text = await at.get("/runs")
        assert (
            "70.0 % of what was due in 7 days was read: 7 of 10 hashtag slots; "
            "1 failed and 2 skipped." in text
        )
        # The slot that nobody ran is shown with each hashtag, with its reason in words.
        label = "Tracking 2 Mar 2026, 07:00: skipped, tagtide was not running"
        assert text.count(f'href="/runs/{missed.run_id}" title="{label}" aria-label="{label}"') == 2
        # Not by colour alone: each mark holds a sign.
        assert re.search(r'<a class="mark failed"[^>]*>✕</a>', text)
        assert "Times are Europe/Paris" in text

    asyncio.run(main())


def test_filters_narrow_the_page_and_nonsense_in_them_is_left_aside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> None:
        async with desk(tmp_path, monkeypatch) as at:
            one, two = await at.add("One"), await at.add("Two")
            for hours in range(1, 4):
                await ran(at.app, one, NOW - hours * HOUR, {"glow": Status.OK})
            await ran(at.app, two, NOW - HOUR * 5, {"glow": Status.FAILED})
            listed = re.compile(r'<th scope="row"><a href="/runs/(\d+)">')

            async def ids(query: str) -> list[int]:
                return [int(n) for n in listed.findall(await at.get(f"/runs?{query}"))]

            assert await ids("") == [4, 3, 2, 1]
            assert await ids(f"campaign={two.campaign_id}") == [4]
            assert await ids("status=failed") == [4]
            assert await ids("job=collect") == []
            assert await ids("before=3") == [2, 1]
            for nonsense in (
                "campaign=x&job=%00&status=oh&period=9y&before=-1",
                "before=9e9",
                f"campaign={10**30}",
                "campaign=%F0%9F%98%80&before=٣",
            ):
                assert await ids(nonsense) == [4, 3, 2, 1]
            assert "Nothing was due" in await at.get("/runs?period=24h&job=collect")

    asyncio.run(main())


@pytest.mark.parametrize("period", ["24h", "7d", "28d"])
def test_every_slot_of_a_period_has_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, period: str
) -> None:
    """Also over the change of the clocks, and where there are too many to show one by one."""

    async def main() -> None:
        async with desk(tmp_path, monkeypatch) as at:
            at.clock.set(datetime(2026, 3, 31, 12, tzinfo=NOW.tzinfo))
            campaign, now = await at.add(), at.clock.now()
            for hours in range(1, 23):
                await ran(at.app, campaign, now - hours * HOUR, {"glow": Status.OK})
            await ran(at.app, campaign, now - 3 * DAY, {"glow": Status.FAILED})
            text = await at.get(f"/runs?period={period}")
        table = text[text.index('<table class="slots">') : text.index("</table>")]
        glow = table[table.index("#glow") : table.index("#aura")]
        single = len(re.findall(r'<a class="mark ok"', glow))
        counted = sum(map(int, re.findall(r"✓</span>(\d+)<", glow)))
        assert single + counted == 22
        assert ("✕" in glow) is (period != "24h")

    asyncio.run(main())


def test_a_page_with_nothing_teaches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        async with desk(tmp_path, monkeypatch) as at:
            text = await at.get("/runs")
            assert "There is no campaign yet" in text
            assert "Runs appear here as the schedules start them" in text
            await at.get("/runs/1", 404)
            for wrong in ("0", "-1", "x", "9" * 30, "1;drop", "%00"):
                await at.get(f"/runs/{wrong}", 404)

    asyncio.run(main())


def test_a_run_says_what_was_asked_got_missed_and_paid(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> None:
        async with desk(tmp_path, monkeypatch) as at:
            campaign = await at.add()
            run = await ran(
                at.app, campaign, NOW - HOUR, {"glow": Status.OK, "aura": Status.FAILED}
            )
            view = await view_run(at.app.context, run.run_id)
            assert (view.calls, view.credits, view.unknown) == (2, 1, 1)
            assert [(w.hashtag, w.calls, w.credits, w.unknown) for w in view.hashtags] == [
                ("aura", 1, 0, 1),
                ("glow", 1, 1, 0),
            ]
            text = await at.get(f"/runs/{run.run_id}")
        assert "Read 1 of 2 hashtags." in text
        assert "It &lt;b&gt;broke&lt;/b&gt;." in text
        assert "and 1 that may have been charged" in text
        assert f'href="/credits/ledger?run={run.run_id}"' in text
        assert "data-events" not in text

    asyncio.run(main())


def test_a_run_that_nobody_is_at_work_on_is_interrupted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> None:
        async with desk(tmp_path, monkeypatch) as at:
            campaign = await at.add()
            run = await ran(at.app, campaign, NOW, {"glow": Status.OK}, finish=False)
            text = await at.get(f"/runs/{run.run_id}")
            assert "1 of 2 hashtags have ended so far." in text
            assert f'data-events="/runs/events?run={run.run_id}"' in text
            assert "waits for its turn" in text
            at.clock.advance(2 * HOUR)
            text = await at.get(f"/runs/{run.run_id}")
            assert "It was broken off after 1 of 2 hashtags; what was read is kept." in text
            assert "data-events" not in text
            assert ": interrupted" in await at.get("/runs")

    asyncio.run(main())


def test_a_campaign_that_was_removed_leaves_its_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> None:
        async with desk(tmp_path, monkeypatch) as at:
            campaign = await at.add()
            run = await ran(at.app, campaign, NOW - HOUR, {"glow": Status.OK})
            await at.app.store.remove_campaign(campaign.campaign_id, NOW)
            assert "the campaign was removed" in await at.get("/runs")
            assert "Read 1 of 1 hashtag" in await at.get(f"/runs/{run.run_id}")

    asyncio.run(main())


def test_the_timeline_shows_those_with_most_trouble(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> None:
        async with desk(tmp_path, monkeypatch) as at:
            tags = tuple(CampaignHashtag(name=f"t{n}") for n in range(40))
            campaign = await at.add("Many", hashtags=tags)
            await ran(at.app, campaign, NOW - HOUR, {"t37": Status.FAILED, "t38": Status.OK})
            wanted = RunFilter(since=NOW - DAY, campaign_id=campaign.campaign_id)
            view = await view_runs(at.app.context, wanted)
            assert len(view.rows) == 30
            assert view.rows_left_out == 10
            assert view.rows[0].hashtag == "t37"

    asyncio.run(main())


# --- started by hand ------------------------------------------------------------------------------


async def settled(at: Desk) -> None:
    """Until nothing runs any more."""
    while at.live.runs._tasks:
        await asyncio.sleep(0.01)


def test_the_price_of_a_first_collection_counts_asking_for_ids(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> None:
        async with desk(tmp_path, monkeypatch, level=Need.OPERATE, source_of=Source()) as at:
            campaign = await at.add()
            found = {o.job: o.credits for o in await offers(at.app.context, [campaign])}
            feeds = sum(hashtag.feed for hashtag in campaign.hashtags)
            assert found[Job.COLLECT] == feeds * (campaign.page_budget + 1)
            assert found[Job.TRACK] == len(campaign.hashtags)

    asyncio.run(main())


def test_the_price_is_shown_and_the_run_goes_on_without_the_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> None:
        source = Source()
        async with desk(tmp_path, monkeypatch, level=Need.OPERATE, source_of=source) as at:
            campaign = await at.add()
            await at.app.store.record_balance(Balance(credits_remaining=1204, read_at=NOW))
            text = await at.get("/runs")
            assert "about 2 credits; 1,204 left" in text
            assert source.asked == 0
            begun = await at.post("/runs", campaign=campaign.campaign_id, job="track")
            assert begun.status_code == 303
            assert begun.headers["location"] == "/runs/1"
            # The answer came before the data API has answered anything.
            assert not source.may_answer.is_set()
            assert "Under way: watch it" in await at.get("/runs")
            again = await at.post("/runs", campaign=campaign.campaign_id, job="track")
            assert again.status_code == 409
            assert "is being read already" in again.text
            source.may_answer.set()
            await settled(at)
            summary = await at.app.store.run(1)
            assert (summary.run.status, summary.run.trigger) == (Status.OK, "manual")
            assert at.health.runs[Job.TRACK, Status.OK, Reason.NONE] == 1
            assert source.asked == 2

    asyncio.run(main())


def test_of_two_who_press_at_once_one_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> None:
        source = Source()
        async with desk(tmp_path, monkeypatch, source_of=source) as at:
            campaign = await at.add()
            answers = await asyncio.gather(
                *(at.post("/runs", campaign=campaign.campaign_id, job="track") for _ in range(2))
            )
            assert sorted(a.status_code for a in answers) == [303, 409]
            source.may_answer.set()
            await settled(at)
            assert len(await at.app.store.runs()) == 1

    asyncio.run(main())


def test_a_run_of_another_process_is_under_way_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> None:
        async with desk(tmp_path, monkeypatch, source_of=Source()) as at:
            campaign = await at.add()
            await ran(at.app, campaign, NOW, {}, finish=False)
            answer = await at.post("/runs", campaign=campaign.campaign_id, job="track")
            assert answer.status_code == 409
            assert len(await at.app.store.runs()) == 1

    asyncio.run(main())


@pytest.mark.parametrize(("asked", "status"), [(0, 402), (None, 402), (5, 303)])
def test_without_credits_nothing_is_started_unless_some_were_added(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked: int | None, status: int
) -> None:
    async def main() -> None:
        source = Source(balance=asked)
        source.may_answer.set()
        async with desk(tmp_path, monkeypatch, source_of=source) as at:
            campaign = await at.add()
            await at.app.store.record_balance(Balance(credits_remaining=0, read_at=NOW - HOUR))
            answer = await at.post("/runs", campaign=campaign.campaign_id, job="track")
            assert answer.status_code == status
            await settled(at)
            assert len(await at.app.store.runs()) == (status == 303)
            assert (source.asked > 0) is (status == 303)

    asyncio.run(main())


def test_a_budget_that_is_spent_starts_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> None:
        async with desk(tmp_path, monkeypatch, source_of=Source()) as at:
            campaign = await at.add(credits_per_day=0)
            with pytest.raises(BudgetExceeded):
                await at.live.runs.start(campaign, Job.TRACK)
            assert "The budget is spent" in await at.get("/runs")
            assert await at.app.store.runs() == []

    asyncio.run(main())


def test_a_run_that_fails_ends_with_its_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> None:
        for fault, reason in (
            (CreditsExhausted(), Reason.CREDITS),
            (RuntimeError("sk_live_1"), Reason.INTERNAL),
        ):
            source = Source()
            source.fault = fault
            source.may_answer.set()
            async with desk(tmp_path, monkeypatch, source_of=source) as at:
                campaign = await at.add()
                await at.post("/runs", campaign=campaign.campaign_id, job="track")
                await settled(at)
                (summary,) = await at.app.store.runs()
                assert (summary.run.status, summary.run.reason) == (Status.FAILED, reason)
                assert "sk_live" not in await at.get(f"/runs/{summary.run.run_id}")

    asyncio.run(main())


def test_when_the_process_stops_a_run_keeps_what_it_has_and_can_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> None:
        source = Source()
        async with desk(tmp_path, monkeypatch, source_of=source) as at:
            campaign = await at.add()
            async with at.live.runs.open(grace=0.05):
                run = await at.live.runs.start(campaign, Job.TRACK)
                while not source.asked:
                    await asyncio.sleep(0.01)
            assert not at.live.runs.can_start
            assert (await at.app.store.run(run.run_id)).run.finished_at is None
            # Its leases are let go: whoever presses next goes on with the same run.
            at.clock.advance(timedelta(seconds=61))
            source.may_answer.set()
            async with at.live.runs.open():
                again = await at.live.runs.start(campaign, Job.TRACK)
                await settled(at)
            assert again.run_id == run.run_id
            assert (await at.app.store.run(run.run_id)).run.status is Status.OK

    asyncio.run(main())


def test_a_run_that_ends_in_time_is_not_broken_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> None:
        source = Source()
        async with desk(tmp_path, monkeypatch, source_of=source) as at:
            campaign = await at.add()
            async with at.live.runs.open(grace=5):
                run = await at.live.runs.start(campaign, Job.TRACK)
                asyncio.get_running_loop().call_later(0.2, source.may_answer.set)
            assert (await at.app.store.run(run.run_id)).run.status is Status.OK

    asyncio.run(main())


def test_where_nothing_can_be_called_the_page_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> None:
        async with desk(tmp_path, monkeypatch, source=False) as at:
            campaign = await at.add()
            text = await at.get("/runs")
            assert "Runs cannot be started here." in text
            assert "Track now" not in text
            answer = await at.post("/runs", campaign=campaign.campaign_id, job="track")
            assert answer.status_code == 422
            assert "only shows what is stored" in answer.text
            assert (await at.post("/credits/refresh", back="/credits")).status_code == 422

    asyncio.run(main())


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"job": "track"}, 404),
        ({"campaign": "99", "job": "track"}, 404),
        ({"campaign": "'; drop table run; --", "job": "track"}, 404),
        ({"campaign": "1"}, 422),
        ({"campaign": "1", "job": "report_daily"}, 422),
        ({"campaign": "1", "job": "<script>"}, 422),
    ],
)
def test_what_cannot_be_started_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fields: dict[str, str], status: int
) -> None:
    async def main() -> None:
        async with desk(tmp_path, monkeypatch, source_of=Source()) as at:
            await at.add()
            assert (await at.post("/runs", **fields)).status_code == status
            assert await at.app.store.runs() == []

    asyncio.run(main())


def test_who_may_only_read_starts_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        async with desk(tmp_path, monkeypatch, level=Need.READ, source_of=Source()) as at:
            await at.add()
            assert "An operator can start a run here." in await at.get("/runs")
            assert (await at.post("/runs", campaign=1, job="track")).status_code == 403
            assert await at.app.store.runs() == []

    asyncio.run(main())


# --- streams --------------------------------------------------------------------------------------


def told(lines: list[str]) -> list[tuple[str, dict[str, Any]]]:
    events = []
    for name, data in pairwise(lines):
        if name.startswith("event: ") and data.startswith("data: "):
            events.append((name.removeprefix("event: "), json.loads(data.removeprefix("data: "))))
    return events


def test_a_run_is_followed_over_a_socket_until_it_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> None:
        source = Source()
        async with desk(tmp_path, monkeypatch, source_of=source) as at:
            campaign = await at.add()
            address: asyncio.Future[str] = asyncio.get_running_loop().create_future()
            with listen("127.0.0.1", 0) as sock:
                async with asyncio.TaskGroup() as group:
                    serving = group.create_task(
                        serve_pages(at.app, at.health, sock, address.set_result)
                    )
                    base = (await address).rstrip("/")
                    async with httpx2.AsyncClient(trust_env=False, base_url=base) as client:
                        begun = await client.post(
                            "/runs",
                            data={"campaign": campaign.campaign_id, "job": "track"},
                            headers={"origin": base},
                        )
                        assert begun.status_code == 303
                        asyncio.get_running_loop().call_later(0.3, source.may_answer.set)
                        async with client.stream("GET", "/runs/events?run=1") as answer:
                            assert answer.headers["content-type"].startswith("text/event-stream")
                            assert answer.headers["cache-control"] == "no-store"
                            lines = [line async for line in answer.aiter_lines()]
                    serving.cancel()
            events = told(lines)
            assert events[0][0] == "state"
            assert events[-1] == ("end", {"run_id": 1})
            assert {b["hashtag"] for n, b in events if n == "outcome"} == {"glow", "aura"}
            (ended,) = [body for name, body in events if name == "run"]
            assert (ended["status"], ended["credits_used"]) == ("ok", 2)

    asyncio.run(main())


def test_a_reader_who_goes_away_leaves_a_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> None:
        async with desk(tmp_path, monkeypatch, source_of=Source()) as at:
            address: asyncio.Future[str] = asyncio.get_running_loop().create_future()
            from tagtide.web import live as live_module

            opened: list[Streams] = []
            first = live_module.Streams.__init__

            def seen(self: Streams, *args: Any, **options: Any) -> None:
                first(self, *args, **options)
                self._look, self._heartbeat = 0.05, 0.1
                opened.append(self)

            monkeypatch.setattr(live_module.Streams, "__init__", seen)
            with listen("127.0.0.1", 0) as sock:
                async with asyncio.TaskGroup() as group:
                    serving = group.create_task(
                        serve_pages(at.app, at.health, sock, address.set_result)
                    )
                    base = (await address).rstrip("/")
                    (streams,) = opened
                    async with httpx2.AsyncClient(trust_env=False, base_url=base) as client:
                        async with client.stream("GET", "/runs/events") as answer:
                            async for line in answer.aiter_lines():
                                if line == ": still here":
                                    break
                            assert streams._open == 1
                        for _ in range(200):
                            if not streams._open:
                                break
                            await asyncio.sleep(0.02)
                        assert streams._open == 0
                        # As many as there may be; the next one is told so.
                        streams._open = MOST_STREAMS
                        assert (await client.get("/runs/events")).status_code == 503
                        streams._open = 0
                        # A stream that is open does not hold up the end of the process.
                        async with client.stream("GET", "/runs/events") as answer:
                            began = asyncio.get_running_loop().time()
                            serving.cancel()
                            async for _ in answer.aiter_lines():
                                pass
                            assert asyncio.get_running_loop().time() - began < 2.5

    asyncio.run(main())


def test_a_name_of_strangers_begins_no_event(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> None:
        async with desk(tmp_path, monkeypatch) as at:
            campaign = await at.add()
            run = await ran(at.app, campaign, NOW, {"glow": Status.OK}, finish=False)
            streams = Streams(at.app.store, look=0.01)
            found: list[bytes] = []
            async for chunk in streams.events(run.run_id):
                found.append(chunk)
                if len(found) == 1:
                    claim = await at.app.store.claim_slot(
                        Job.TRACK, "aura", NOW, run.run_id, NOW, HOUR
                    )
                    bad = HashtagOutcome(hashtag="aura", status=Status.OK, detail="\nevent: evil")
                    await at.app.store.commit(Changes(outcome=bad, outcome_claim=claim))
                    await at.app.store.finish_run(
                        run.run_id, Status.OK, Reason.NONE, NOW, Changes()
                    )
            assert all(chunk.count(b"\n") == 3 for chunk in found)
            assert b"evil" not in b"".join(found)
            assert found[-1].startswith(b"event: end")

    asyncio.run(main())
