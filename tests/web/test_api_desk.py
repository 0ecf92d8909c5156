"""The review desk over the API: what it lists, what each step does, and who sees a Spark code."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest
from test_desk_page import CODE, OURS, desk, grant, video

from tagtide.bootstrap import App
from tagtide.core.access import Scope
from tagtide.services.accounts import make_token
from tagtide.services.desk import DeskTarget, change, moving

DESK = "/api/v1/desk"
GIVEN = {
    "step": "grant",
    "channels": ["organic", "spark"],
    "territory": "FR,DE",
    "fee": "150 EUR",
    "expires": "1y",
    "evidence": ["yes, do"],
    "spark_code": CODE,
    "spark_expires": "30d",
}

Act = Callable[[App, httpx2.AsyncClient], Awaitable[None]]


def at_the_desk(folder: Path, act: Act) -> None:
    async def main() -> None:
        async with desk(folder) as (app, client):
            client.headers.update(OURS)
            await act(app, client)

    asyncio.run(main())


def place(number: int, rest: str = "") -> str:
    return f"/api/v1/campaigns/1/desk/{video(number)}{rest}"


async def step(client: httpx2.AsyncClient, number: int, **facts: Any) -> httpx2.Response:
    wanted = {"step": facts}
    return await client.post(place(number, "/steps"), json=wanted)


def test_every_video_is_listed_once_page_by_page(tmp_path: Path) -> None:
    async def act(_: App, client: httpx2.AsyncClient) -> None:
        query: dict[str, Any] = {"everything": "true", "limit": 7}
        found: list[str] = []
        while True:
            body = (await client.get(DESK, params=query)).json()
            found += [line["video_id"] for line in body["videos"]]
            if body["next_after"] is None:
                break
            query["after"] = body["next_after"]
        assert found == [video(number) for number in range(1, 41)]
        assert (body["counts"]["new"], body["new_high_priority"]) == (40, 20)
        # Unknown is null, never 0.
        views = {line["video_id"]: line["view_count"] for line in body["videos"]}
        assert views.get(video(40)) == 40_000
        third = (await client.get(place(3))).json()["line"]
        assert third["view_count"] is None

    at_the_desk(tmp_path, act)


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ({}, {1, 2, 3, 4, 5, 6, 7, 9, 11}),
        ({"state": "shortlisted"}, {2}),
        ({"state": ["asked", "granted"]}, {4, 6}),
        ({"assignee": "bob"}, {2}),
        ({"everything": True, "assignee": "-", "limit": 3}, {1, 3, 4}),
        ({"everything": True, "label": "summer"}, {8}),
        ({"everything": True, "creator": "@user8"}, {8}),
        ({"everything": True, "text": "user9"}, {9}),
        ({"everything": True, "high_priority": True, "limit": 2}, {1, 3}),
        ({"everything": True, "hashtag": "#glow", "limit": 1}, {1}),
        ({"everything": True, "hashtag": "else"}, set()),
        ({"state": "granted", "ending": "40d"}, {6}),
        ({"state": "granted", "ending": "2d"}, set()),
        ({"everything": True, "sort": "views", "limit": 2}, {39, 40}),
    ],
)
def test_the_list_is_filtered(tmp_path: Path, query: dict[str, Any], numbers: set[int]) -> None:
    async def act(app: App, client: httpx2.AsyncClient) -> None:
        await step(client, 2, step="shortlist")
        await step(client, 2, step="assign", assignee="bob")
        await step(client, 4, step="ask")
        await grant(app, 6)
        await step(client, 8, step="label", add=["Summer", "best"])
        body = (await client.get(DESK, params={"limit": 9, **query})).json()
        found = {int(line["video_id"]) - int(video(0)) for line in body["videos"]}
        assert found == numbers
        assert body["labels"] == ["best", "summer"]
        assert body["assignees"] == ["bob"]

    at_the_desk(tmp_path, act)


def test_a_video_goes_through_its_states_and_its_history_says_so(tmp_path: Path) -> None:
    async def act(_: App, client: httpx2.AsyncClient) -> None:
        for number, (facts, state) in enumerate(
            [
                ({"step": "shortlist", "note": "lovely light"}, "shortlisted"),
                ({"step": "ask", "channels": ["ads"], "duration": "90d"}, "asked"),
                (GIVEN, "granted"),
                ({"step": "note", "note": "paid"}, "granted"),
                ({"step": "revoke"}, "revoked"),
                ({"step": "undo"}, "granted"),
            ],
            1,
        ):
            answer = await step(client, 2, **facts)
            assert answer.status_code == 200, answer.text
            body = answer.json()
            assert (body["done"], body["state"], body["version"]) == (True, state, number)
            # A Spark code goes in, and never comes back with what was done.
            assert CODE not in answer.text
        found = (await client.get(place(2))).json()
        kinds = [line["kind"] for line in found["history"]]
        assert kinds == ["move", "move", "grant", "note", "revoke", "undo"]
        assert found["history"][0]["note"] == "lovely light"
        assert {line["by"] for line in found["history"]} == {"demo"}
        assert "90 days" in found["history"][1]["data"]["request"]
        assert found["history"][4]["is_undone"] is True
        (right,) = found["rights"]
        assert (right["fee_amount"], right["fee_currency"]) == ("150", "EUR")
        assert (right["territory"], right["status"]) == (["FR", "DE"], "standing")
        cleared = {line["channel"]: line["is_cleared"] for line in found["clearance"]}
        assert cleared["organic"]
        assert not cleared["tv"]

    at_the_desk(tmp_path, act)


@pytest.mark.parametrize(
    ("facts", "status", "code"),
    [
        ({"step": "revoke"}, 409, "not_from_here"),
        ({"step": "reopen"}, 409, "same_state"),
        ({"step": "undo"}, 409, "nothing_to_undo"),
        ({"step": "label"}, 409, "nothing_changes"),
        ({"step": "grant", "channels": []}, 422, "invalid_input"),
        ({"step": "grant", "channels": ["moon"]}, 422, "invalid_input"),
        ({"step": "grant", "channels": ["spark"], "spark_code": CODE}, 422, "invalid_input"),
        ({"step": "grant", "channels": ["ads"], "expires": "yesterday"}, 422, "invalid_input"),
        ({"step": "note", "note": " "}, 409, "nothing_changes"),
        ({"step": "note", "note": ""}, 422, "invalid_input"),
        ({"step": "note", "note": "x", "to": "granted"}, 422, "invalid_input"),
        ({"step": "expire"}, 422, "invalid_input"),
        ({"step": "assign", "assignee": "\u202ebob"}, 422, "invalid_input"),
    ],
)
def test_what_cannot_be_done_changes_nothing(
    tmp_path: Path, facts: dict[str, Any], status: int, code: str
) -> None:
    async def act(_: App, client: httpx2.AsyncClient) -> None:
        answer = await step(client, 2, **facts)
        assert answer.status_code == status, answer.text
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["code"] == code
        assert CODE not in answer.text
        assert (await client.get(place(2))).json()["history"] == []

    at_the_desk(tmp_path, act)


def test_who_was_slower_is_told(tmp_path: Path) -> None:
    async def act(_: App, client: httpx2.AsyncClient) -> None:
        mine = {"version": 0, "step": {"step": "shortlist"}}
        late = {"version": 0, "step": {"step": "decline"}}
        assert (await client.post(place(2, "/steps"), json=mine)).status_code == 200
        answer = await client.post(place(2, "/steps"), json=late)
        assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
        assert (await client.get(place(2))).json()["line"]["state"] == "shortlisted"

    at_the_desk(tmp_path, act)


def test_of_many_each_ends_by_itself(tmp_path: Path) -> None:
    async def act(_: App, client: httpx2.AsyncClient) -> None:
        await step(client, 3, step="shortlist")
        named = [{"campaign_id": 1, "video_id": video(n)} for n in (2, 3, 4, 77)]
        named[2]["version"] = 5
        wanted = {"videos": named, "step": {"step": "shortlist", "note": "for June"}}
        answer = await client.post(f"{DESK}/steps", json=wanted)
        assert answer.status_code == 200
        outcomes = answer.json()["outcomes"]
        assert [one["done"] for one in outcomes] == [True, False, False, False]
        reasons = [one["reason"] for one in outcomes]
        assert reasons == ["moved", "same_state", "conflict", "not_found"]
        assert all(one["message"] for one in outcomes[1:])
        lost = {"videos": [{"campaign_id": 9, "video_id": video(2)}], "step": {"step": "undo"}}
        assert (await client.post(f"{DESK}/steps", json=lost)).status_code == 404
        both = {"videos": named[:2], "step": GIVEN}
        assert (await client.post(f"{DESK}/steps", json=both)).status_code == 422

    at_the_desk(tmp_path, act)


def test_a_repeated_step_is_done_once(tmp_path: Path) -> None:
    async def act(_: App, client: httpx2.AsyncClient) -> None:
        wanted = {"step": {"step": "note", "note": "called"}}
        key = {"idempotency-key": "call 1"}
        first = await client.post(place(2, "/steps"), json=wanted, headers=key)
        again = await client.post(place(2, "/steps"), json=wanted, headers=key)
        assert first.json() == again.json()
        assert again.headers["idempotent-replayed"] == "true"
        assert len((await client.get(place(2))).json()["history"]) == 1
        # What was refused may be tried again under its key, and is a problem each time.
        late = {"idempotency-key": "undo 1"}
        for _ in range(2):
            refused = await client.post(
                place(4, "/steps"), json={"step": {"step": "undo"}}, headers=late
            )
            assert refused.status_code == 409
            assert refused.headers["content-type"] == "application/problem+json"
        await step(client, 4, step="shortlist")
        done = await client.post(place(4, "/steps"), json={"step": {"step": "undo"}}, headers=late)
        assert done.status_code == 200

    at_the_desk(tmp_path, act)


def test_only_operators_get_spark_codes(tmp_path: Path) -> None:
    async def act(app: App, client: httpx2.AsyncClient) -> None:
        await grant(app, 6)
        tokens = {
            scope: (await make_token(app.accounts, scope, scope, by="t"))[1] for scope in Scope
        }
        for scope, token in tokens.items():
            headers = {"authorization": f"Bearer {token}"}
            for path in (place(6), "/api/v1/campaigns/1/rights", f"{DESK}?everything=true"):
                answer = await client.get(path, headers=headers)
                assert answer.status_code == 200
                expected = scope is not Scope.READ and not path.startswith(DESK)
                assert (CODE in answer.text) == expected, (scope, path)
        masked = await client.get(
            place(6), headers={"authorization": f"Bearer {tokens[Scope.READ]}"}
        )
        assert masked.json()["rights"][0]["spark_code"] not in {None, CODE}

    at_the_desk(tmp_path, act)


def test_the_ledger_page_by_page(tmp_path: Path) -> None:
    async def act(app: App, client: httpx2.AsyncClient) -> None:
        for number in (2, 4, 6):
            await grant(app, number)
        await grant(app, 4)
        undone = DeskTarget(video=video(6))
        assert (await change(app.context, undone, moving("revoked", by="ann"))).is_done
        query: dict[str, Any] = {"limit": 1}
        found = []
        while True:
            body = (await client.get("/api/v1/campaigns/1/rights", params=query)).json()
            found += [(r["line"]["video_id"], r["right"]["right"]) for r in body["rights"]]
            if body["next_after"] is None:
                break
            query["after"] = body["next_after"]
        assert found == [(video(2), 1), (video(4), 1), (video(4), 2), (video(6), 1)]
        only = {"status": "revoked"}
        body = (await client.get("/api/v1/campaigns/1/rights", params=only)).json()
        assert [r["line"]["video_id"] for r in body["rights"]] == [video(6)]

    at_the_desk(tmp_path, act)


def test_the_text_that_asks(tmp_path: Path) -> None:
    async def act(_: App, client: httpx2.AsyncClient) -> None:
        plain = (await client.get(place(2))).json()["request"]
        asked = await client.get(place(2, "/request"))
        assert asked.json() == {"request": plain}
        terms = {"channel": ["ads", "email"], "territory": "FR", "duration": "90d", "fee": "9 EUR"}
        text = (await client.get(place(2, "/request"), params=terms)).json()["request"]
        assert "@user2" in text
        assert "90 days" in text
        assert text != plain
        odd = await client.get(place(2, "/request"), params={"duration": "soon"})
        assert odd.status_code == 422
        assert (await client.get(place(77, "/request"))).status_code == 404

    at_the_desk(tmp_path, act)
