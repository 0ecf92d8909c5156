"""Rules of a campaign over the API: read, replaced, tried before they are saved, presets."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from test_web_pages import alert
from test_web_settings import tell_a_burst
from work_pages import OWN, Desk, desk

from tagtide.core.access import Need
from tagtide.models import Campaign, Rule
from tagtide.ports import Changes

Act = Callable[[Desk, Campaign, str], Awaitable[None]]


def with_rules(
    folder: Path, monkeypatch: pytest.MonkeyPatch, act: Act, level: Need = Need.ADMIN
) -> None:
    async def main() -> None:
        async with desk(folder, monkeypatch, level=level) as at:
            at.client.headers.update(OWN)
            stored = await at.add(channels=("team",), request="May we, {creator}?")
            await act(at, stored, f"/api/v1/campaigns/{stored.campaign_id}/rules")

    asyncio.run(main())


def test_what_get_gives_put_takes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def act(at: Desk, stored: Campaign, place: str) -> None:
        got = await at.client.get(place)
        assert got.json()["rules"]["growth"] == 0.5
        tag = {"if-match": got.headers["etag"]}
        put = await at.client.put(place, json=got.json(), headers=tag)
        assert put.json() == got.json()
        assert put.headers["etag"] == got.headers["etag"]
        assert await at.app.store.campaign("Lumen") == stored
        wanted = {
            "rules": {"growth": 1e-05, "reopen_hours": 1e-07, "enabled": ["growth"]},
            "thresholds": {"#Glow": 500, "aura": 7},
        }
        changed = await at.client.put(place, json=wanted, headers=tag)
        assert changed.status_code == 200
        found = await at.app.store.campaign("Lumen")
        assert (found.rules.growth, found.rules.enabled) == (1e-05, (Rule.GROWTH,))
        assert {h.name: h.threshold for h in found.hashtags} == {"glow": 500, "aura": 7}
        # Whatever else it is set to stays as it was.
        assert (found.channels, found.request) == (stored.channels, stored.request)
        assert found.hashtags[1].feed is False
        late = await at.client.put(place, json={}, headers=tag)
        assert (late.status_code, late.json()["code"]) == (412, "precondition_failed")
        # The smallest numbers have the same tag however they are written.
        fresh = (await at.client.get(place)).headers["etag"]
        assert fresh == changed.headers["etag"]
        again = await at.client.put(place, json={}, headers={"if-match": fresh})
        assert again.json()["rules"]["growth"] == 0.5
        assert again.json()["thresholds"] == {}

    with_rules(tmp_path, monkeypatch, act)


@pytest.mark.parametrize(
    ("wanted", "says"),
    [
        ({"rules": {"growht": 1}}, "growht"),
        ({"rules": {"growth": -1}}, "above 0"),
        ({"rules": {"new_videos": 1.5}}, "whole number"),
        ({"rules": {"enabled": ["self"]}}, "no campaign can switch"),
        ({"rules": {"enabled": "growth"}}, "rules"),
        ({"thresholds": {"nobody": 5}}, "does not have"),
        ({"thresholds": {"glow": 0}}, "at least 1"),
        ({"thresholds": {"glow": True}}, "glow"),
        ({"channels": []}, "channels"),
    ],
)
def test_rules_that_cannot_be_are_neither_tried_nor_saved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wanted: dict[str, Any], says: str
) -> None:
    async def act(at: Desk, stored: Campaign, place: str) -> None:
        for answer in (
            await at.client.put(place, json=wanted),
            await at.client.post(f"{place}/try", json=wanted),
        ):
            assert answer.status_code == 422
            assert says in answer.text
        assert await at.app.store.campaign("Lumen") == stored

    with_rules(tmp_path, monkeypatch, act)


def test_a_change_is_tried_before_it_is_saved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def act(at: Desk, stored: Campaign, place: str) -> None:
        wanted = {"rules": {"new_videos": 400}}
        unread = await at.client.post(f"{place}/try", json=wanted)
        assert unread.json() == {"days": 60, "rules": []}
        await tell_a_burst(at.app)
        (tried,) = (await at.client.post(f"{place}/try", json=wanted)).json()["rules"]
        assert tried["rule"] == "new_videos"
        assert (tried["before"]["fired"], tried["after"]["fired"]) == (1, 0)
        assert tried["after"]["setting"] == "new_videos=400"
        (episode,) = tried["before"]["episodes"]
        assert episode["reason"].startswith("#glow gained 300 new videos")
        off = {"rules": {"enabled": ["growth"]}}
        found = (await at.client.post(f"{place}/try", json=off)).json()["rules"]
        assert {one["rule"]: one["after"] for one in found}["new_videos"] is None
        assert (await at.client.post(f"{place}/try", json={})).json()["rules"] == []
        assert await at.app.store.campaign("Lumen") == stored
        # Who may try may not save.
        assert (await at.client.put(place, json=wanted)).status_code == 403

    with_rules(tmp_path, monkeypatch, act, level=Need.OPERATE)


def test_presets_come_from_the_history(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def act(at: Desk, stored: Campaign, place: str) -> None:
        ask = {"rule": "new_videos"}
        assert (await at.client.get(f"{place}/presets", params=ask)).status_code == 404
        assert (await at.client.get(f"{place}/presets")).status_code == 422
        await tell_a_burst(at.app)
        found = (await at.client.get(f"{place}/presets", params=ask)).json()["presets"]
        assert [one["preset"] for one in found] == ["sensitive", "balanced", "strict"]
        assert {one["key"] for one in found} == {"new_videos"}
        assert found[0]["value"] <= found[2]["value"]
        # The setting is as good as it says: what it would have done is what a try says.
        wanted = {"rules": {found[2]["key"]: found[2]["value"]}}
        (tried,) = (await at.client.post(f"{place}/try", json=wanted)).json()["rules"]
        assert tried["after"]["fired"] == found[2]["fired"]
        assert await at.app.store.campaign("Lumen") == stored

    with_rules(tmp_path, monkeypatch, act)


def test_the_rule_of_an_alert_is_replayed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def act(at: Desk, stored: Campaign, _: str) -> None:
        facts = {"rule": Rule.NEW_VIDEOS, "hashtag": "glow", "video_id": None}
        await at.app.store.commit(Changes(alerts=(alert(stored.campaign_id, **facts),)))
        place = "/api/v1/alerts/a1/backtest"
        unread = (await at.client.get(place)).json()
        assert unread["test"] is None
        assert unread["why_not"]
        await tell_a_burst(at.app)
        found = (await at.client.get(place)).json()
        assert (found["test"]["fired"], found["why_not"]) == (1, None)
        assert (await at.client.get("/api/v1/alerts/none/backtest")).status_code == 404

    with_rules(tmp_path, monkeypatch, act, level=Need.READ)
