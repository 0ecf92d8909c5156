"""The API: campaigns round trip, lost updates, cached reads, streamed exports, problems."""

from __future__ import annotations

import asyncio
import csv
import io
import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import pytest
from test_web_pages import pages, tell_a_story

from tagtide.bootstrap import App
from tagtide.core.access import Scope
from tagtide.jobs import Health
from tagtide.models import Campaign
from tagtide.services.accounts import make_token
from tagtide.services.campaigns import _KEYS
from tagtide.web import make_app
from tagtide.web.api.campaigns import CampaignSettings

OWN = {"origin": "http://localhost"}
SPRING = {"name": "Spring", "hashtags": ["glow"], "competitors": ["aura"], "timezone": "Asia/Tokyo"}
#: Everything a campaign can be set to.
FULL = {
    **SPRING,
    "competitor_feeds": True,
    "numbers": "1.234,5",
    "clock": "12h",
    "language": "de",
    "thresholds": {"glow": 50},
    "starts_on": "2026-03-01",
    "ends_on": "2026-06-01",
    "rules": {"growth": 0.9, "enabled": ["growth"]},
    "channels": ["team"],
    "page_budget": 3,
    "credits_per_day": 40,
    "schedules": {"track": "0 */6 * * *"},
    "request": "May we, {creator}?",
}

#: What a file can set, the API can.
SETTABLE = {"name", *_KEYS}

Act = Callable[[App, httpx2.AsyncClient], Awaitable[None]]


def at_the_api(folder: Path, act: Act) -> None:
    async def main() -> None:
        async with pages(folder) as (app, _):
            served = httpx2.ASGITransport(app=make_app(app, Health(), is_open=True))
            # In the open demo one may operate, not administer.
            _, token = await make_token(app.accounts, "tests", Scope.ADMIN, by="tests")
            headers = {**OWN, "authorization": f"Bearer {token}"}
            async with httpx2.AsyncClient(
                transport=served, base_url="http://localhost", headers=headers
            ) as client:
                await act(app, client)

    asyncio.run(main())


def test_everything_a_campaign_can_be_set_to_is_tried() -> None:
    assert set(FULL) == set(CampaignSettings.model_fields) == SETTABLE


@pytest.mark.parametrize("settings", [SPRING, FULL], ids=["few", "all"])
def test_what_get_gives_put_takes(tmp_path: Path, settings: dict[str, Any]) -> None:
    async def act(app: App, client: httpx2.AsyncClient) -> None:
        made = await client.post("/api/v1/campaigns", json=settings)
        assert made.status_code == 201
        place = made.headers["location"]
        got = await client.get(place)
        assert got.json() == made.json()
        sent = {k: v for k, v in got.json().items() if k != "campaign_id"}
        before = await app.store.campaigns()
        put = await client.put(place, json=sent, headers={"if-match": got.headers["etag"]})
        assert put.json() == got.json()
        assert await app.store.campaigns() == before
        changed = await client.put(place, json={**SPRING, "page_budget": 4})
        assert changed.json()["page_budget"] == 4
        assert (await client.delete(place)).status_code == 204
        assert (await client.get(place)).status_code == 404
        assert (await client.get("/api/v1/campaigns")).json() == {"campaigns": []}

    at_the_api(tmp_path, act)


def test_a_lost_update_is_refused(tmp_path: Path) -> None:
    async def act(_: App, client: httpx2.AsyncClient) -> None:
        place = (await client.post("/api/v1/campaigns", json=SPRING)).headers["location"]
        tag = (await client.get(place)).headers["etag"]
        mine = {**SPRING, "page_budget": 5}
        assert (await client.put(place, json=mine, headers={"if-match": tag})).status_code == 200
        late = await client.put(place, json=SPRING, headers={"if-match": tag})
        assert late.status_code == 412
        assert late.json()["hint"] == "Read it again."
        assert (await client.get(place)).json()["page_budget"] == 5

    at_the_api(tmp_path, act)


def test_a_name_is_not_taken_twice(tmp_path: Path) -> None:
    async def act(_: App, client: httpx2.AsyncClient) -> None:
        await client.post("/api/v1/campaigns", json=SPRING)
        again = await client.post("/api/v1/campaigns", json=SPRING)
        other = await client.post("/api/v1/campaigns", json={**SPRING, "name": "Autumn"})
        renamed = await client.put(other.headers["location"], json=SPRING)
        for answer in (again, renamed):
            assert answer.status_code == 409
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.json()["code"] == "conflict"

    at_the_api(tmp_path, act)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"hashtags": []}, "hashtags"),
        ({"owner": "me"}, "owner"),
        ({"campaign_id": 7}, "campaign_id"),
        ({"timezone": "Europe/Pariss"}, "Pariss"),
        ({"hashtags": ["a b"]}, "a b"),
        ({"page_budget": 0}, "page_budget"),
        ({"page_budget": "2"}, "page_budget"),
        ({"rules": {"growht": 1}}, "growht"),
        ({"schedules": {"track": "* * * * *"}}, "minutes"),
        ({"starts_on": "2026-05-01", "ends_on": "2026-04-01"}, "before it starts"),
    ],
)
def test_what_cannot_be_used_is_named(tmp_path: Path, change: dict[str, Any], says: str) -> None:
    async def act(app: App, client: httpx2.AsyncClient) -> None:
        answer = await client.post("/api/v1/campaigns", json=SPRING | change)
        assert answer.status_code == 422
        assert says in answer.text
        assert await app.store.campaigns() == []

    at_the_api(tmp_path, act)


def test_what_did_not_change_is_not_sent_again(tmp_path: Path) -> None:
    async def act(app: App, client: httpx2.AsyncClient) -> None:
        await tell_a_story(app)
        first = await client.get("/api/v1/campaigns")
        again = await client.get(
            "/api/v1/campaigns", headers={"if-none-match": first.headers["etag"]}
        )
        assert (again.status_code, again.content) == (304, b"")
        await client.post("/api/v1/campaigns", json=SPRING)
        changed = await client.get(
            "/api/v1/campaigns", headers={"if-none-match": first.headers["etag"]}
        )
        assert changed.status_code == 200
        assert changed.headers["cache-control"] == "private, no-cache"

    at_the_api(tmp_path, act)


def test_a_repeated_request_is_done_once(tmp_path: Path) -> None:
    async def act(app: App, client: httpx2.AsyncClient) -> None:
        key = {"idempotency-key": "order 7"}
        first = await client.post("/api/v1/campaigns", json=SPRING, headers=key)
        again = await client.post("/api/v1/campaigns", json=SPRING, headers=key)
        assert (again.status_code, again.json()) == (201, first.json())
        assert again.headers["location"] == first.headers["location"]
        assert again.headers["idempotent-replayed"] == "true"
        assert len(await app.store.campaigns()) == 1
        other = await client.post(
            "/api/v1/campaigns", json={**SPRING, "name": "Autumn"}, headers=key
        )
        assert other.status_code == 422
        assert "another request" in other.json()["detail"]
        # What failed may be tried again under its key.
        late = {"idempotency-key": "order 8"}
        bad = await client.post("/api/v1/campaigns", json=SPRING, headers=late)
        assert bad.status_code == 409
        good = await client.post(
            "/api/v1/campaigns", json={**SPRING, "name": "Winter"}, headers=late
        )
        assert good.status_code == 201
        for odd in ("", " ", "x" * 201):
            answer = await client.post(
                "/api/v1/campaigns", json=SPRING, headers={"idempotency-key": odd}
            )
            assert answer.status_code == 422

    at_the_api(tmp_path, act)


def test_today_is_what_the_page_says(tmp_path: Path) -> None:
    async def act(app: App, client: httpx2.AsyncClient) -> None:
        await tell_a_story(app)
        today = (await client.get("/api/v1/today")).json()
        (line,) = today["campaigns"]
        assert line["new_views"] == 234_567
        assert line["leader"]["hashtag"] == "glow"
        assert today["now"].endswith("Z")
        assert today["firing"] == len(today["alerts"]) == 1
        assert today["purse"]["balance"] is None
        page = (await client.get("/")).text
        assert 'title="+234,567' in page

    at_the_api(tmp_path, act)


@pytest.mark.parametrize("style", ["csv", "jsonl"])
def test_exports_are_streamed_whole(tmp_path: Path, style: str) -> None:
    async def act(app: App, client: httpx2.AsyncClient) -> None:
        campaign = await tell_a_story(app)
        place = f"/api/v1/campaigns/{campaign.campaign_id}/exports/readings.{style}"
        answer = await client.get(place)
        assert answer.status_code == 200
        assert "attachment" in answer.headers["content-disposition"]
        text = answer.text.removeprefix("\ufeff")
        rows = (
            list(csv.DictReader(io.StringIO(text, newline="")))
            if style == "csv"
            else [json.loads(line) for line in text.splitlines()]
        )
        assert [str(row["view_count"]) for row in rows] == ["1000000", "1234567"]
        empty = await client.get(place.replace("readings", "videos"))
        assert empty.text.startswith("\ufeffvideo_id," if style == "csv" else "")

    at_the_api(tmp_path, act)


@pytest.mark.parametrize("path", ["/api/v1/campaigns/9", "/api/v1/none"])
def test_what_is_not_there_is_a_problem(tmp_path: Path, path: str) -> None:
    async def act(_: App, client: httpx2.AsyncClient) -> None:
        answer = await client.get(path)
        assert answer.status_code == 404
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["status"] == 404

    at_the_api(tmp_path, act)


def test_who_is_overtaken_between_the_look_and_the_write_changes_nothing(tmp_path: Path) -> None:
    async def act(app: App, client: httpx2.AsyncClient) -> None:
        made = await client.post("/api/v1/campaigns", json=SPRING)
        place, number = made.headers["location"], made.json()["campaign_id"]
        tag = (await client.get(place)).headers["etag"]
        store = app.store
        look = store.campaign_by_id

        async def overtaken(campaign_id: int) -> Campaign:
            found = await look(campaign_id)
            await store.replace_campaign(replace(found, page_budget=9))
            return found

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(store, "campaign_by_id", overtaken)
            late = await client.put(place, json=SPRING, headers={"if-match": tag})
        assert late.status_code == 409
        assert (await store.campaign_by_id(number)).page_budget == 9

    at_the_api(tmp_path, act)
