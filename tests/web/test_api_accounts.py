"""Users and tokens over the API: managed by admins alone, and no secret is kept anywhere."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest
from web_lab import GOOD, HOME, Browser, Lab, opened

from tagtide.core.access import Role, Scope
from tagtide.ports import AccountAct

USERS, TOKENS = "/api/v1/users", "/api/v1/tokens"

Act = Callable[[Lab, httpx2.AsyncClient], Awaitable[None]]


def as_admin(folder: Path, act: Act, **settings: str) -> None:
    """Act with the token of an admin."""

    async def main() -> None:
        async with opened(folder, **settings) as lab:
            boss = await lab.user("boss", Role.ADMIN)
            token = await lab.token(Scope.ADMIN, boss)
            async with lab.browser(authorization=f"Bearer {token}") as browser:
                await act(lab, browser.inner)

    asyncio.run(main())


async def logs_in(lab: Lab, name: str, password: str) -> bool:
    async with lab.browser() as browser:
        answer = await browser.post("/login", name=name, password=password)
        return answer.status_code == 303


async def made(client: httpx2.AsyncClient, name: str = "eve", **facts: Any) -> dict[str, Any]:
    answer = await client.post(USERS, json={"name": name, "role": "viewer", **facts})
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_a_user_is_added_with_a_password_that_is_told_once(tmp_path: Path) -> None:
    async def act(lab: Lab, client: httpx2.AsyncClient) -> None:
        body = await made(client)
        assert await logs_in(lab, "eve", body["password"])
        number = body["user"]["user_id"]
        for path in (USERS, f"{USERS}/{number}"):
            assert body["password"] not in (await client.get(path)).text
        assert (await client.get(f"{USERS}/{number}")).json()["role"] == "viewer"
        given = await made(client, "adam", password=GOOD)
        assert given["password"] is None
        assert await logs_in(lab, "adam", GOOD)
        names = [line["user"]["name"] for line in (await client.get(USERS)).json()["users"]]
        assert names == ["adam", "boss", "eve"]

    as_admin(tmp_path, act)


@pytest.mark.parametrize(
    ("facts", "status"),
    [
        ({"name": "boss"}, 409),
        ({"name": ""}, 422),
        ({"name": "a\u202eb"}, 422),
        ({"role": "root"}, 422),
        ({"password": "short"}, 422),
        ({"password": ""}, 422),
        ({"is_admin": True}, 422),
    ],
)
def test_a_user_that_cannot_be(tmp_path: Path, facts: dict[str, Any], status: int) -> None:
    async def act(lab: Lab, client: httpx2.AsyncClient) -> None:
        answer = await client.post(USERS, json={"name": "eve", "role": "viewer", **facts})
        assert answer.status_code == status, answer.text
        assert len(await lab.app.store.users()) == 1

    as_admin(tmp_path, act)


def test_another_role_ends_sessions_and_the_last_admin_stays(tmp_path: Path) -> None:
    async def act(lab: Lab, client: httpx2.AsyncClient) -> None:
        body = await made(client, password=GOOD)
        place = f"{USERS}/{body['user']['user_id']}"
        async with lab.browser() as browser:
            await browser.log_in("eve")
            same = await client.patch(place, json={"role": "viewer"})
            assert same.json()["role"] == "viewer"
            assert (await browser.get("/")).status_code == 200
            changed = await client.patch(place, json={"role": "operator", "name": "eva"})
            assert (changed.json()["role"], changed.json()["name"]) == ("operator", "eva")
            assert (await browser.get("/")).status_code == 303
        boss = next(u for u in await lab.app.store.users() if u.name == "boss")
        mine = f"{USERS}/{boss.user_id}"
        for answer in (
            await client.patch(mine, json={"role": "viewer"}),
            await client.delete(mine),
            await client.patch(place, json={"name": "boss"}),
        ):
            assert (answer.status_code, answer.json()["code"]) == (409, "conflict")

    as_admin(tmp_path, act)


def test_who_is_taken_out_cannot_come_back(tmp_path: Path) -> None:
    async def act(lab: Lab, client: httpx2.AsyncClient) -> None:
        body = await made(client, password=GOOD)
        eve = next(u for u in await lab.app.store.users() if u.name == "eve")
        theirs = {"authorization": f"Bearer {await lab.token(Scope.READ, eve)}"}
        async with lab.browser() as browser:
            await browser.log_in("eve")
            place = f"{USERS}/{body['user']['user_id']}"
            assert (await browser.inner.get("/api/v1/today", headers=theirs)).status_code == 200
            assert (await client.delete(place)).status_code == 204
            assert (await browser.get("/")).status_code == 303
            assert (await browser.inner.get("/api/v1/today", headers=theirs)).status_code == 401
            assert not await logs_in(lab, "eve", GOOD)
            assert (await client.delete(place)).status_code == 404

    as_admin(tmp_path, act)


def test_a_new_password_and_the_end_of_sessions(tmp_path: Path) -> None:
    async def act(lab: Lab, client: httpx2.AsyncClient) -> None:
        body = await made(client, password=GOOD)
        place = f"{USERS}/{body['user']['user_id']}"
        async with lab.browser() as browser:
            await browser.log_in("eve")
            assert (await client.post(f"{place}/logout")).status_code == 204
            assert (await browser.get("/")).status_code == 303
            await browser.log_in("eve")
            new = (await client.post(f"{place}/password")).json()["password"]
            assert (await browser.get("/")).status_code == 303
            assert not await logs_in(lab, "eve", GOOD)
            assert await logs_in(lab, "eve", new)
        boss = next(u for u in await lab.app.store.users() if u.name == "boss")
        # Whoever finds a token must not be able to make the account theirs.
        own = await client.post(f"{USERS}/{boss.user_id}/password")
        assert own.status_code == 422
        assert await logs_in(lab, "boss", GOOD)

    as_admin(tmp_path, act)


def test_a_token_is_told_once_and_ends_when_it_is_revoked(tmp_path: Path) -> None:
    async def act(lab: Lab, client: httpx2.AsyncClient) -> None:
        wanted = {"name": "nightly", "scope": "read", "expires_in_days": 90}
        answer = await client.post(TOKENS, json=wanted)
        assert answer.status_code == 201
        body = answer.json()
        assert body["secret"].startswith("tt_")
        assert body["secret"] not in (await client.get(TOKENS)).text
        async with lab.browser(authorization=f"Bearer {body['secret']}") as program:
            assert (await program.get("/api/v1/today")).status_code == 200
            assert (await program.get(USERS)).status_code == 403
            place = f"{TOKENS}/{body['token']['token_id']}"
            assert (await client.delete(place)).status_code == 204
            assert (await program.get("/api/v1/today")).status_code == 401
        assert (await client.delete(place)).status_code == 404
        for odd in ({"scope": "root"}, {"expires_in_days": 0}, {"name": "\u202e"}, {"user_id": 1}):
            assert (await client.post(TOKENS, json=wanted | odd)).status_code == 422
        twice = [await client.post(TOKENS, json=wanted) for _ in range(2)]
        assert [answer.status_code for answer in twice] == [201, 409]

    as_admin(tmp_path, act)


def test_secrets_are_in_no_row_and_a_repeated_request_makes_nothing(tmp_path: Path) -> None:
    file = tmp_path / "tagtide.db"

    async def act(lab: Lab, client: httpx2.AsyncClient) -> None:
        eve = (await made(client))["user"]["user_id"]
        secrets = []
        for path, body, field in (
            (TOKENS, {"name": "nightly", "scope": "read"}, "secret"),
            (USERS, {"name": "adam", "role": "viewer"}, "password"),
            (f"{USERS}/{eve}/password", None, "password"),
        ):
            key = {"idempotency-key": f"one {path}"}
            first = await client.post(path, json=body, headers=key)
            again = await client.post(path, json=body, headers=key)
            assert first.status_code == again.status_code
            assert again.headers["idempotent-replayed"] == "true"
            assert again.json() == {**first.json(), field: None}
            secrets.append(first.json()[field])
        assert len(await lab.app.store.users()) == 3
        assert await logs_in(lab, "adam", secrets[1])
        with sqlite3.connect(file) as database:
            rows = "\n".join(database.iterdump())
        assert "nightly" in rows
        assert [secret for secret in secrets if secret in rows] == []

    as_admin(tmp_path, act, database_url=f"sqlite:///{file}")


def test_what_was_done_is_in_the_history(tmp_path: Path) -> None:
    async def act(lab: Lab, client: httpx2.AsyncClient) -> None:
        await made(client)
        await client.post(TOKENS, json={"name": "nightly", "scope": "admin"})
        events = (await client.get(USERS)).json()["events"]
        done = {(event["act"], event["by"]) for event in events}
        by = "token admin of boss"
        assert {(AccountAct.USER_ADDED, by), (AccountAct.TOKEN_MADE, by)} <= done

    as_admin(tmp_path, act)


def test_an_admin_who_is_logged_in_may_too_from_our_pages_only(tmp_path: Path) -> None:
    async def main() -> None:
        async with opened(tmp_path) as lab, lab.browser() as browser:
            await lab.user("boss", Role.ADMIN)
            await browser.log_in("boss")
            assert await statuses(browser) == [201, 403, 403]

    async def statuses(browser: Browser) -> list[int]:
        return [
            (
                await browser.inner.post(
                    TOKENS, json={"name": "n", "scope": "read"}, headers={"origin": origin}
                )
            ).status_code
            for origin in (HOME, "https://evil.example", "null")
        ]

    asyncio.run(main())
