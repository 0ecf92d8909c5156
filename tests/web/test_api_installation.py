"""The installation over the API: channels, schedules, paused hashtags, the balance, reports."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from test_alert_pages import growth
from test_web_campaigns import paused
from test_web_pages import tell_a_story
from work_pages import DAY, NOW, OWN, Desk, desk

from tagtide.core.access import Need
from tagtide.errors import DeliveryError
from tagtide.models import AlertState, Job, Notification, Usage
from tagtide.ports import Changes, QueueChange, StoredReport
from tagtide.services.report import report_weekly
from tagtide.web import live

API = "/api/v1"

Act = Callable[[Desk], Awaitable[None]]


def at_the_api(
    folder: Path, monkeypatch: pytest.MonkeyPatch, act: Act, level: Need = Need.ADMIN, **more: Any
) -> None:
    async def main() -> None:
        async with desk(folder, monkeypatch, level=level, **more) as at:
            at.client.headers.update(OWN)
            await act(at)

    asyncio.run(main())


# --- channels -------------------------------------------------------------------------------------


@pytest.mark.parametrize("level", [Need.READ, Need.OPERATE, Need.ADMIN])
def test_where_channels_lead_is_for_operators_and_never_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, level: Need
) -> None:
    async def act(at: Desk) -> None:
        answer = await at.client.get(f"{API}/channels")
        team = {c["channel"]: c for c in answer.json()["channels"]}["team"]
        assert (team["kind"], team["failing_since"], team["waiting"]) == ("slack", None, 0)
        assert (team["target"] is None) is (level is Need.READ)
        about = (await at.client.get(f"{API}/about")).json()
        assert (about["database_url"] is None) is (level is not Need.ADMIN)
        assert (about["status"], about["runs_schedules"]) == ("ok", False)
        for path in ("channels", "about", "schedules"):
            assert "secret" not in (await at.client.get(f"{API}/{path}")).text
        for act_on in ("test", "enable", "replay"):
            answer = await at.client.post(f"{API}/channels/nobody/{act_on}")
            assert answer.status_code == (404 if level is Need.ADMIN else 403)

    at_the_api(tmp_path, monkeypatch, act, level)


def test_a_test_message_says_what_became_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[Notification] = []

    class Channel:
        name = "team"

        async def send(self, notification: Notification) -> None:
            sent.append(notification)
            if len(sent) > 1:
                raise DeliveryError("It was refused.", hint="Set a new address.")

        async def aclose(self) -> None:
            """Nothing to close."""

    monkeypatch.setattr(live, "make_channel", lambda *_: Channel())

    async def act(at: Desk) -> None:
        place = f"{API}/channels/team/test"
        assert (await at.client.post(place)).json()["error"] is None
        assert sent[0].kind == "test"
        refused = (await at.client.post(place)).json()
        assert refused["error"].startswith("It was refused.")
        assert refused["hint"] == "Set a new address."

    at_the_api(tmp_path, monkeypatch, act)


def test_what_was_given_up_is_sent_once_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def act(at: Desk) -> None:
        message = Notification(
            notification_id="n1",
            channel="crm",
            alert_id=None,
            kind="firing",
            created_at=NOW - DAY,
            due_at=NOW,
            payload={},
        )
        await at.app.store.commit(Changes(notifications=(message,)))
        dead = QueueChange(channel="crm", fence=0, at=NOW, given_up=("n1",), reason="No.")
        assert await at.app.store.change_queue(dead)

        async def crm() -> tuple[int, int]:
            found = (await at.client.get(f"{API}/channels")).json()["channels"]
            one = {c["channel"]: c for c in found}["crm"]
            return one["waiting"], one["dead"]

        assert await crm() == (0, 1)
        assert (await at.client.post(f"{API}/channels/crm/replay")).status_code == 204
        assert await crm() == (1, 0)
        assert (await at.client.post(f"{API}/channels/crm/enable")).status_code == 204

    at_the_api(tmp_path, monkeypatch, act)


# --- schedules and the balance --------------------------------------------------------------------


def test_schedules_say_what_runs_next_and_what_is_paused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def act(at: Desk) -> None:
        stored = await at.add(schedules={Job.TRACK: "0 */6 * * *"})
        gone = await paused(at.app)
        body = (await at.client.get(f"{API}/schedules")).json()
        assert {job["job"] for job in body["jobs"]} == {job.value for job in Job}
        # A campaign without an end is never wrapped up.
        planned = {job["job"]: len(job["next_at"]) for job in body["jobs"]}
        assert planned.pop("report_wrapup") == 0
        assert set(planned.values()) == {3}
        plans = {plan["campaign"]: plan for plan in body["campaigns"]}
        own = {job["job"]: job["own"] for job in plans["Lumen"]["jobs"]}
        assert (own["track"], own["collect"]) == ("0 */6 * * *", None)
        assert plans["Lumen"]["calls_per_day"] > 0
        (one,) = plans["Gone"]["paused"]
        assert (one["hashtag"], one["reason"]) == ("gone", "not_found")
        place = f"{API}/campaigns/{gone.campaign_id}/hashtags"
        assert (await at.client.post(f"{place}/other/resume")).status_code == 404
        assert (await at.client.post(f"{place}/%23Gone/resume")).status_code == 204
        only = {"campaign_id": gone.campaign_id}
        (plan,) = (await at.client.get(f"{API}/schedules", params=only)).json()["campaigns"]
        assert plan["paused"] == []
        assert stored.campaign_id != gone.campaign_id

    at_the_api(tmp_path, monkeypatch, act, Need.OPERATE)


class Source:
    async def usage(self) -> Usage:
        return Usage(credit_balance=4_321, plan="free")

    async def aclose(self) -> None:
        """Nothing to close."""


@pytest.mark.parametrize("can_call", [True, False])
def test_the_balance_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, can_call: bool
) -> None:
    async def act(at: Desk) -> None:
        answer = await at.client.post(f"{API}/balance/refresh")
        assert answer.status_code == (200 if can_call else 422)
        balance = (await at.client.get(f"{API}/balance")).json()["balance"]
        assert balance == (answer.json()["balance"] if can_call else None)
        if can_call:
            assert balance["credits_remaining"] == 4_321

    more: dict[str, Any] = {"source_of": Source()} if can_call else {"source": False}
    at_the_api(tmp_path, monkeypatch, act, Need.OPERATE, **more)


# --- what else the pages show ---------------------------------------------------------------------


def test_every_campaign_in_a_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def act(at: Desk) -> None:
        await tell_a_story(at.app)
        (row,) = (await at.client.get(f"{API}/overview")).json()["campaigns"]
        assert row["line"]["new_views"] == 234_567
        assert row["competitors"] == 1

    at_the_api(tmp_path, monkeypatch, act, Need.READ)


def test_several_alerts_are_taken_in_hand_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def act(at: Desk) -> None:
        of = SimpleNamespace(campaign=await at.add())
        over = growth(of, "a3", state=AlertState.RESOLVED, resolved_at=NOW)
        await at.app.store.commit(Changes(alerts=(growth(of, "a1"), growth(of, "a2"), over)))
        place = f"{API}/alerts/acknowledge"
        named = {"alert_ids": ["a1", "a3", "a2", "a1"], "note": "on it"}
        taken = (await at.client.post(place, json=named)).json()["alerts"]
        assert [one["alert_id"] for one in taken] == ["a1", "a2"]
        assert (await at.app.store.alert("a2")).acked_by == "ana"
        assert (await at.app.store.alert("a3")).acked_by is None
        assert (await at.client.post(place, json=named)).json()["alerts"] == []
        assert (await at.client.post(place, json={"alert_ids": ["none"]})).status_code == 404
        assert (await at.client.post(place, json={"alert_ids": []})).status_code == 422

    at_the_api(tmp_path, monkeypatch, act, Need.OPERATE)


def test_kept_reports_are_listed_and_given_as_they_were(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def act(at: Desk) -> None:
        campaign = await tell_a_story(at.app)
        number = campaign.campaign_id
        weekly = f"{API}/campaigns/{number}/weekly"
        none = (await at.client.get(weekly)).json()
        assert (none["on"], none["hashtags"], none["days"]) == (None, [], [])
        made = await report_weekly(at.app.context, campaign)
        for day in range(1, 64):
            body = {"week": f"of day {day}"}
            kept = StoredReport(
                campaign_id=number,
                kind="daily",
                on=date.fromordinal(date(2026, 1, 1).toordinal() + day),
                made_at=NOW,
                body=body,
            )
            await at.app.store.put_report(kept)
        first = (await at.client.get(f"{API}/reports")).json()
        assert (len(first["reports"]), first["has_more"]) == (60, True)
        last = (await at.client.get(f"{API}/reports", params={"page": 2})).json()
        assert (len(last["reports"]), last["has_more"]) == (4, False)
        only = (await at.client.get(f"{API}/reports", params={"kind": "weekly"})).json()["reports"]
        assert [(r["campaign"], r["kind"], r["on"]) for r in only] == [
            ("Lumen", "weekly", made.on.isoformat())
        ]
        place = f"{API}/reports/{number}/weekly/{made.on.isoformat()}"
        answer = await at.client.get(place)
        assert answer.json() == made.as_dict()
        assert answer.headers["etag"]
        table = (await at.client.get(weekly)).json()
        assert (table["on"], table["week"]) == (made.on.isoformat(), made.as_dict()["week"])
        assert table["hashtags"] == made.as_dict()["hashtags"]
        for odd, status in (
            (f"{API}/reports/{number}/weekly/2020-01-01", 404),
            (f"{API}/reports/{number}/yearly/2026-01-01", 404),
            (f"{API}/reports/{number}/weekly/soon", 422),
            (f"{API}/reports?kind=yearly", 422),
            (f"{weekly}?day=2020-01-01", 404),
        ):
            assert (await at.client.get(odd)).status_code == status, odd

    at_the_api(tmp_path, monkeypatch, act, Need.READ)
