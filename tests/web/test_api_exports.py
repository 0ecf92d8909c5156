"""Exports over the API: filtered, only what is cleared, rights; nothing asked for is ignored."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest
from test_desk_page import CODE, desk, grant, video

from tagtide.bootstrap import App
from tagtide.core.access import Scope
from tagtide.services.accounts import make_token

EXPORTS = "/api/v1/campaigns/1/exports"

Act = Callable[[App, httpx2.AsyncClient], Awaitable[None]]


def at_the_desk(folder: Path, act: Act) -> None:
    async def main() -> None:
        async with desk(folder) as (app, client):
            await grant(app, 6)
            await act(app, client)

    asyncio.run(main())


async def rows(client: httpx2.AsyncClient, kind: str, **query: Any) -> list[dict[str, Any]]:
    answer = await client.get(f"{EXPORTS}/{kind}.jsonl", params=query)
    assert answer.status_code == 200, answer.text
    return [json.loads(line) for line in answer.text.splitlines()]


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ({}, range(1, 41)),
        ({"cleared": "organic"}, [6]),
        ({"cleared": "organic", "territory": "FR"}, []),
        ({"cleared": "tv"}, []),
        ({"min_views": 39_000}, [39, 40]),
        ({"creator": "user9"}, [9]),
        ({"high_priority": True, "min_views": 38_000}, [39]),
        ({"since": "2026-03-02T09:30:00Z"}, [1, 2]),
        ({"hashtag": "else"}, []),
    ],
)
def test_videos_are_filtered_as_their_list_is(
    tmp_path: Path, query: dict[str, Any], numbers: list[int]
) -> None:
    async def act(_: App, client: httpx2.AsyncClient) -> None:
        found = [row["video_id"] for row in await rows(client, "videos", **query)]
        assert sorted(found) == [video(number) for number in numbers]
        if not {"cleared", "since"} & {*query} and query:
            listed = (await client.get("/api/v1/campaigns/1/videos", params=query)).json()
            assert sorted(v["video_id"] for v in listed["videos"]) == sorted(found)
        text = (await client.get(f"{EXPORTS}/videos.csv", params=query)).text
        assert text.count("\r\n73") == len(found)

    at_the_desk(tmp_path, act)


def test_spark_codes_only_for_operators_who_ask(tmp_path: Path) -> None:
    async def act(app: App, client: httpx2.AsyncClient) -> None:
        for scope in Scope:
            _, token = await make_token(app.accounts, scope, scope, by="t")
            client.headers["authorization"] = f"Bearer {token}"
            for query in ({}, {"spark_codes": True}):
                (row,) = await rows(client, "rights", **query)
                assert (row["video_id"], row["status"]) == (video(6), "standing")
                is_whole = bool(query) and scope is not Scope.READ
                assert (row["spark_code"] == CODE) is is_whole
                assert (CODE in json.dumps(row)) is is_whole

    at_the_desk(tmp_path, act)


@pytest.mark.parametrize(
    ("kind", "query"),
    [
        ("creators", {"min_views": 5}),
        ("alerts", {"since": "2026-03-02T09:30:00Z"}),
        ("rights", {"cleared": "ads"}),
        ("videos", {"territory": "FR"}),
        ("videos", {"cleared": "ads", "territory": "FR,DE"}),
        ("videos", {"cleared": "ads", "text": "glow"}),
        ("videos", {"cleared": "moon"}),
        ("videos", {"spark_codes": True}),
        ("everything", {}),
    ],
)
def test_what_would_be_ignored_is_refused(tmp_path: Path, kind: str, query: dict[str, Any]) -> None:
    async def act(_: App, client: httpx2.AsyncClient) -> None:
        answer = await client.get(f"{EXPORTS}/{kind}.csv", params=query)
        assert answer.status_code == 422
        assert answer.headers["content-type"] == "application/problem+json"

    at_the_desk(tmp_path, act)
