"""The door at /mcp: which hosts, pages and tokens come in, and what becomes of the others."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
from hostile_world import settings

from tagtide.bootstrap import open_app
from tagtide.core.access import Scope
from tagtide.jobs import Health
from tagtide.mcp import open_endpoint
from tagtide.services.accounts import make_token
from tagtide.web import make_app

GOOD = {"authorization": "Bearer good"}
OWN = "http://localhost:8765"
EVIL = "http://evil.example"
ASKED = {"accept": "application/json, text/event-stream", "content-type": "application/json"}
LIST = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}

Act = Callable[[httpx2.AsyncClient], Awaitable[None]]


def at_the_door(folder: Path, act: Act, *, is_on: bool = True, **more: str) -> None:
    """Act on the pages with the door in them.

    ``good``, ``reader`` and ``ended`` stand for tokens, the first of the scope operate.
    """

    async def main() -> None:
        loaded = settings(folder, **more)
        async with open_app(loaded, source=False) as app, open_endpoint(loaded) as endpoint:
            tokens = {}
            for name, scope in (("good", Scope.OPERATE), ("reader", Scope.READ)):
                _, tokens[name] = await make_token(app.accounts, name, scope, by="test")
            moment = timedelta(microseconds=1)
            _, tokens["ended"] = await make_token(
                app.accounts, "ended", Scope.ADMIN, by="test", expires_in=moment
            )
            # Open to whoever sits at this machine: that lets no agent in.
            served = make_app(app, Health(), is_open=True, agents=endpoint if is_on else None)

            async def named(request: httpx2.Request) -> None:
                shown = request.headers.get("authorization", "").removeprefix("Bearer ")
                if shown in tokens:
                    request.headers["authorization"] = f"Bearer {tokens[shown]}"

            async with httpx2.AsyncClient(
                transport=httpx2.ASGITransport(app=served),
                base_url=OWN,
                headers=ASKED,
                event_hooks={"request": [named]},
            ) as client:
                await act(client)

    asyncio.run(main())


#: Host, Origin, token, and the status.
MATRIX = [
    ("localhost:8765", None, "good", 200),
    ("127.0.0.1:8765", None, "good", 200),
    ("[::1]:8765", None, "good", 200),
    ("localhost:8765", OWN, "good", 200),
    ("localhost:8765", None, "reader", 200),
    # Another name for this machine: rebinding.
    ("evil.example", None, "good", 421),
    ("evil.example", "http://evil.example", "good", 421),
    ("evil.example:8765", "http://evil.example:8765", None, 421),
    ("localhost.evil.example", None, "good", 421),
    ("", None, "good", 421),
    # A foreign page.
    ("localhost:8765", EVIL, "good", 403),
    ("localhost:8765", EVIL, None, 403),
    ("localhost:8765", "http://localhost:9999", "good", 403),
    ("localhost:8765", "http://localhost:8765.evil.example", "good", 403),
    ("localhost:8765", "null", "good", 403),
    ("127.0.0.1:8765", OWN, "good", 403),
    # No token, or none that is known.
    ("localhost:8765", None, None, 403),
    ("localhost:8765", OWN, None, 401),
    ("localhost:8765", OWN, "wrong", 401),
    ("localhost:8765", None, "wrong", 401),
    ("localhost:8765", None, "ended", 401),
    ("localhost:8765", None, "", 401),
]


def test_hosts_pages_and_tokens(tmp_path: Path) -> None:
    async def act(client: httpx2.AsyncClient) -> None:
        for host, origin, token, status in MATRIX:
            headers = {"host": host}
            headers |= {"origin": origin} if origin else {}
            headers |= {"authorization": f"Bearer {token}"} if token is not None else {}
            answer = await client.post("/mcp", json=LIST, headers=headers)
            assert answer.status_code == status, (host, origin, token, answer.text)
            assert ("tools" in answer.text) is (status == 200)
            assert "access-control-allow-origin" not in answer.headers
            if status == 401:
                assert answer.headers["www-authenticate"].startswith("Bearer")
                assert answer.json()["error"]["code"] == -32_000

    at_the_door(tmp_path, act)


def test_a_page_that_asks_first_is_not_told_to_come_in(tmp_path: Path) -> None:
    async def act(client: httpx2.AsyncClient) -> None:
        headers = {"origin": EVIL, "access-control-request-headers": "authorization"}
        for method in ("OPTIONS", "GET", "DELETE", "PUT"):
            answer = await client.request(method, "/mcp", headers=headers | GOOD)
            assert answer.status_code in {403, 405}
            assert "access-control-allow-origin" not in answer.headers

    at_the_door(tmp_path, act)


def test_without_the_setting_there_is_nothing(tmp_path: Path) -> None:
    async def act(client: httpx2.AsyncClient) -> None:
        assert (await client.post("/mcp", json=LIST, headers=GOOD)).status_code == 404

    at_the_door(tmp_path, act, is_on=False)


async def call(client: httpx2.AsyncClient, name: str, token: str = "good") -> dict[str, Any]:
    body = LIST | {"method": "tools/call", "params": {"name": name, "arguments": {}}}
    headers = {"authorization": f"Bearer {token}"}
    found: dict[str, Any] = (await client.post("/mcp", json=body, headers=headers)).json()
    return found


def test_a_reading_token_gets_no_tool_that_acts(tmp_path: Path) -> None:
    async def act(client: httpx2.AsyncClient) -> None:
        names = {}
        for token in ("good", "reader"):
            headers = {"authorization": f"Bearer {token}"}
            listed = (await client.post("/mcp", json=LIST, headers=headers)).json()
            names[token] = {t["name"] for t in listed["result"]["tools"]}
        assert names["good"] - names["reader"] == {"start_run", "acknowledge_alert", "mute_alert"}
        assert (await call(client, "mute_alert", "reader"))["error"]["code"] == -32_602
        assert (await call(client, "mute_alert"))["result"]["isError"]

    on = {"TAGTIDE_MCP__MAY_CHANGE": "true", "TAGTIDE_MCP__MAY_SPEND": "true"}
    at_the_door(tmp_path, act, **on)


def test_each_token_has_its_pace(tmp_path: Path) -> None:
    async def act(client: httpx2.AsyncClient) -> None:
        codes = [(await call(client, "credits")).get("error", {}).get("code") for _ in range(8)]
        assert codes == [None] * 5 + [-32_000] * 3
        assert "result" in await call(client, "credits", "reader")

    at_the_door(tmp_path, act, TAGTIDE_MCP__CALLS_PER_MINUTE="5")


def test_a_large_body_is_refused(tmp_path: Path) -> None:
    async def act(client: httpx2.AsyncClient) -> None:
        body = json.dumps(LIST | {"params": {"x": "a" * 1_048_576}})
        answer = await client.post("/mcp", content=body, headers=GOOD)
        assert answer.status_code == 413

    at_the_door(tmp_path, act)


def test_junk_over_http_is_answered_with_errors(tmp_path: Path) -> None:
    async def act(client: httpx2.AsyncClient) -> None:
        junk = [b"", b"{", b"[]", b"null", b"\xff\xfe", b"[" * 5_000, b'{"jsonrpc":"2.0"}', b'"a"']
        for body in junk:
            answer = await client.post("/mcp", content=body, headers=GOOD)
            assert 400 <= answer.status_code < 500, body
        wrong = GOOD | {"mcp-protocol-version": "1999-01-01"}
        assert (await client.post("/mcp", json=LIST, headers=wrong)).status_code == 400
        assert "result" in await call(client, "list_campaigns")

    at_the_door(tmp_path, act)
