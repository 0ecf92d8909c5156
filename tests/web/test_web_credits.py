"""The pages of credits: what was spent on what, what is left, how long it lasts."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest
from work_pages import DAY, NOW, desk

from tagtide.core.access import Need
from tagtide.core.charts.credits import burn_down
from tagtide.core.forecast import forecast_month
from tagtide.models import Charge
from tagtide.ports import NOT_SENT, Balance, Reservation, Settlement
from tagtide.services.context import BudgetPolicy
from tagtide.services.views.credits import view_credits


async def paid(app: object, campaign_id: int | None, at, charge=Charge.CHARGED, count=1, note="ok"):  # type: ignore[no-untyped-def]
    store = app.store  # type: ignore[attr-defined]
    reservation = Reservation(
        run_id=None, campaign_id=campaign_id, hashtag="glow", endpoint="hashtag"
    )
    for _ in range(count):
        (entry,) = await store.reserve([reservation], [], at)
        cost = 0 if charge is Charge.NOT_CHARGED else 1
        await store.settle(
            [Settlement(entry_id=entry, charge=charge, credits=cost, settled_at=at, note=note)]
        )


def test_spending_is_told_by_campaign_and_what_it_brought(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> None:
        async with desk(tmp_path, monkeypatch) as at:
            campaign = await at.add()
            gone = await at.add("Gone")
            await paid(at.app, campaign.campaign_id, NOW - DAY, count=3)
            await paid(at.app, campaign.campaign_id, NOW, Charge.UNKNOWN, note="timeout")
            await paid(at.app, campaign.campaign_id, NOW, Charge.NOT_CHARGED, note=NOT_SENT)
            await paid(at.app, gone.campaign_id, NOW - DAY)
            await paid(at.app, None, NOW - 40 * DAY)
            await at.app.store.remove_campaign(gone.campaign_id, NOW)
            view = await view_credits(at.app.context, schedules=at.app.schedules)
            assert [(c.campaign, c.share.credits, c.share.unknown) for c in view.campaigns] == [
                ("Lumen", 3, 1),
                (None, 1, 0),
            ]
            assert view.campaigns[0].credits_per_new_video is None
            assert (view.total.credits, view.total.unknown, view.total.calls) == (4, 1, 5)
            assert dict(view.daily)[(NOW - DAY).date()] == 4
            assert view.forecast.low is None
            text = await at.get("/credits")
            assert "1 credit of the last 30 days may or may not have been charged" in text
            assert "None in service" in text
            assert '–<span class="unseen"> no new video</span>' in text
            assert '<span class="unseen"> the provider has not said yet</span>' in text
            ledger = await at.get("/credits/ledger?charge=unknown")
            assert ledger.count("<tr data-item") == 1
            assert 'unknown<span class="soft">: the data API did not answer in time' in ledger
            assert (await at.get("/credits/ledger")).count("<tr data-item") == 6
            assert (await at.get("/credits/ledger?period=all")).count("<tr data-item") == 7
            one_day = await at.get("/credits/ledger?day=2026-03-01")
            assert one_day.count("<tr data-item") == 4
            for nonsense in (
                "day=x&before=x&campaign=x&charge=x&endpoint=x&period=x&run=-1",
                "day=0001-01-01",
                "day=9999-12-31",
            ):
                await at.get(f"/credits/ledger?{nonsense}")

    asyncio.run(main())


def test_pages_of_the_ledger_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        async with desk(tmp_path, monkeypatch) as at:
            await paid(at.app, None, NOW, count=101)
            first = await at.get("/credits/ledger")
            assert first.count("<tr data-item") == 100
            assert "before=2&amp;period=30d" in first
            second = await at.get("/credits/ledger?before=2")
            assert second.count("<tr data-item") == 1
            assert "Older rows</a>" not in second

    asyncio.run(main())


def test_the_forecast_has_a_band_once_there_are_days(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> None:
        async with desk(tmp_path, monkeypatch) as at:
            campaign = await at.add()
            context = at.app.context
            object.__setattr__(context, "budget", BudgetPolicy(credits_per_month=100))
            for days in range(1, 11):
                await paid(at.app, campaign.campaign_id, NOW - days * DAY, count=4 + days % 3)
            await at.app.store.record_balance(Balance(credits_remaining=1204, read_at=NOW))
            view = await view_credits(context, schedules=at.app.schedules)
            forecast = view.forecast
            assert forecast.low is not None
            assert forecast.high is not None
            assert forecast.spent <= forecast.low < forecast.expected < forecast.high
            assert view.month_limit == 100
            text = await at.get("/credits")
            assert "month&#39;s budget of 100 ends before the month" in text
            assert "1,204" in text

    asyncio.run(main())


def test_asking_for_the_balance_is_for_operators(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> None:
        async with desk(tmp_path, monkeypatch, level=Need.READ) as at:
            assert (await at.post("/credits/refresh", back="/credits")).status_code == 403
            assert "Ask the provider" not in await at.get("/credits")

    asyncio.run(main())


@pytest.mark.parametrize(
    ("daily", "low_is_known"), [([], False), ([5, 5], False), ([5, 5, 5], True), ([0, 9, 3], True)]
)
def test_a_forecast_says_what_it_rests_on(daily: list[int], low_is_known: bool) -> None:
    found = forecast_month(10, daily, 10.0, 7.0)
    assert (found.low is not None) is low_is_known
    assert found.days == (len(daily) if low_is_known else 0)
    if not low_is_known:
        assert found.expected == 10 + 7.0 * 10
    else:
        assert found.low is not None
        assert found.low >= 10
        assert found.expected == 10 + 10 * sum(daily) / len(daily)


def test_more_scatter_and_fewer_days_widen_the_band() -> None:
    def width(daily: list[int]) -> float:
        found = forecast_month(10_000, daily, 10.0, 7.0)
        assert found.low is not None
        assert found.high is not None
        return found.high - found.low

    assert width([5, 5, 5, 5]) == 0
    assert width([0, 10] * 10) < width([0, 20] * 10)
    assert width([0, 10] * 10) < width([0, 10] * 2)


def test_the_chart_is_the_table() -> None:
    begin = NOW.date().replace(day=1)
    daily = [(begin, 10), (begin + timedelta(days=1), 5)]
    forecast = forecast_month(15, [10, 11, 12], 29.5, 7.0)
    last = begin.replace(day=31)
    chart = burn_down(daily, 100, forecast, last)
    assert chart.rows == (("1 Mar", "10", "90"), ("2 Mar", "5", "85"))
    values = chart.spec["data"]["values"]
    assert [v["value"] for v in values if v["kind"] == "spent"] == [90, 85]
    ahead = [v for v in values if v["kind"] == "forecast"]
    assert ahead[0]["value"] == 85
    assert ahead[-1]["low"] <= ahead[-1]["value"] <= ahead[-1]["high"]
    assert "of 100 credits will have been spent" in chart.title
    # Without a limit the same is told the other way round.
    assert burn_down(daily, None, forecast, last).rows[1] == ("2 Mar", "5", "15")
