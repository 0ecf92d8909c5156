"""Alerts on pages: the list, one with all that explains it, and what people do about them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from browse_world import HOSTILE, NOW, Marks, alert, open_pages, reading, seen, sighting
from web_lab import opened

from tagtide.bootstrap import App
from tagtide.core.access import Role as UserRole
from tagtide.errors import InvalidInput
from tagtide.models import (
    AlertEvent,
    AlertState,
    Campaign,
    CampaignHashtag,
    Mute,
    Notification,
    Role,
    Rule,
)
from tagtide.ports import Changes
from tagtide.web.pages.alerts import target_of, until_of

DAY = timedelta(days=1)


@dataclass
class World:
    app: App
    web: httpx2.AsyncClient
    campaign: Campaign

    async def get(self, path: str) -> httpx2.Response:
        return await self.web.get(path)

    async def post(self, path: str, is_own: bool = True, **fields: Any) -> httpx2.Response:
        headers = {"origin": "http://localhost"} if is_own else {}
        return await self.web.post(path, data={"sent": "1", **fields}, headers=headers)


@contextlib.asynccontextmanager
async def world(folder: Path) -> AsyncIterator[World]:
    async with open_pages(folder) as (app, web):
        campaign = await app.store.add_campaign(
            Campaign(
                name="Lumen",
                hashtags=(
                    CampaignHashtag(name="glow"),
                    CampaignHashtag(name="aura", role=Role.COMPETITOR),
                ),
                timezone="Europe/Paris",
            )
        )
        yield World(app, web, campaign)


def check(folder: Path, body: Callable[[World], Any]) -> None:
    async def main() -> None:
        async with world(folder) as at:
            await body(at)

    asyncio.run(main())


def growth(at: World, alert_id: str = "a1", **more: Any) -> Any:
    facts: dict[str, Any] = {
        "rule": Rule.GROWTH,
        "video_id": None,
        "fingerprint": alert_id,
        "reason": "The views of #glow grew by 60 %.",
        "opened_at": NOW - timedelta(hours=2),
        "fired_at": NOW - timedelta(hours=2),
    }
    return alert(at.campaign.campaign_id, alert_id=alert_id, **facts | more)


EXPLANATION: dict[str, Any] = {
    "sentence": "60 % of +100 views is one video by @ann, 5 h old.",
    "measure": "views",
    "since": "2026-03-02T04:00:00Z",
    "until": "2026-03-02T10:00:00Z",
    "hours": 6.0,
    "delta": 100,
    "low": 90,
    "high": 110,
    "videos": [
        {
            "video_id": "71",
            "author_username": "ann",
            "url": "https://www.tiktok.com/@ann/video/71",
            "is_new": True,
            "age_hours": 5.0,
            "gained": 60,
            "share": 0.6,
        }
    ],
    "creators": [{"author_username": "ann", "videos": 1, "gained": 60, "share": 0.6}],
    "new": {"videos": 1, "gained": 60, "share": 0.6},
    "known": {"videos": 3, "gained": 10, "share": 0.1},
    "unseen": {"low": 20, "high": 40, "share": 0.3},
    "left_out": 2,
    "read_since": None,
    "read_until": None,
    "over": None,
    "without": {
        "video_id": "71",
        "author_username": "ann",
        "videos": 1,
        "value": 30,
        "ratio": 0.15,
        "fires": False,
    },
    "pattern": None,
    "doubt": "rounding_step",
}


# --- the list -------------------------------------------------------------------------------------


def test_the_list_teaches_while_it_is_empty(tmp_path: Path) -> None:
    async def body(at: World) -> None:
        page = (await at.get("/alerts")).text
        assert "Nothing is out of the usual." in page
        assert "There has been no alert yet." in page

    check(tmp_path, body)


def test_the_list_says_who_has_what_in_hand_and_what_is_muted(tmp_path: Path) -> None:
    async def body(at: World) -> None:
        mute = Mute(
            mute_id="m1",
            created_at=NOW,
            until=NOW + 3 * DAY,
            by="bea",
            campaign_id=at.campaign.campaign_id,
            hashtag="glow",
        )
        await at.app.store.commit(
            Changes(
                alerts=(
                    growth(at, "a1", data={"explanation": EXPLANATION}),
                    growth(at, "a2", hashtag="aura", reason="Second."),
                    growth(at, "a3", hashtag="aura", state=AlertState.RESOLVED, resolved_at=NOW),
                )
            )
        )
        await at.app.store.add_mute(mute)
        await at.app.store.acknowledge("a2", by="cem", note="I call them.", now=NOW)
        page = (await at.get("/alerts")).text
        assert "2 alerts fire; 1 of them nobody has in hand." in page
        assert "in hand: <bdi>cem</bdi>" in page
        assert "I call them." in page
        assert "muted in 3 d to go" in page or "muted 3 d" in page
        assert "60 % of +100 views is one video by @ann" in page
        assert page.index("Second.") < page.index("resolved</span>")
        assert page.count('action="/alerts/a1/ack"') == 1
        assert 'action="/alerts/a2/ack"' not in page
        assert 'action="/alerts/mutes/m1/end"' in page
        only = (await at.get("/alerts?state=resolved")).text
        assert "/alerts/a3" in only
        assert "/alerts/a1" not in only
        assert "No alert fits this filter" in (await at.get("/alerts?hashtag=none")).text

    check(tmp_path, body)


def test_pages_of_the_list_follow_each_other(tmp_path: Path) -> None:
    async def body(at: World) -> None:
        many = tuple(
            growth(at, f"a{n:03}", opened_at=NOW - n * timedelta(hours=1)) for n in range(120)
        )
        await at.app.store.commit(Changes(alerts=many))
        found: list[str] = []
        path = "/alerts?rule=growth"
        for _ in range(3):
            page = (await at.get(path)).text
            found += [f"a{n:03}" for n in range(120) if f'href="/alerts/a{n:03}"' in page]
            nexts = [h for h in links(page) if "after=" in h]
            path = nexts[0] if nexts else ""
        assert found == [f"a{n:03}" for n in range(120)]
        assert path == ""

    check(tmp_path, body)


def links(page: str) -> list[str]:
    marks = Marks()
    marks.feed(page)
    return [value for name, value in marks.attributes if name == "href"]


@pytest.mark.parametrize("query", ["state=x", "rule=x", "campaign=x", "campaign=-1", "hashtag=a b"])
def test_a_filter_that_is_none_is_refused_in_words(tmp_path: Path, query: str) -> None:
    async def body(at: World) -> None:
        assert (await at.get(f"/alerts?{query}")).status_code == 422

    check(tmp_path, body)


# --- one alert ------------------------------------------------------------------------------------


def test_one_alert_shows_its_course_its_parts_and_its_history(tmp_path: Path) -> None:
    async def body(at: World) -> None:
        # Fifteen days of 100 views in six hours, give or take, then a jump.
        views, readings = 1_000, []
        for n in range(60):
            readings.append(reading("glow", NOW - timedelta(hours=2 + 6 * (60 - n)), views, 10 + n))
            views += 100 + n % 7
        readings.append(reading("glow", NOW - timedelta(hours=2), views + 5_000, 71))
        event = AlertEvent(
            alert_id="a1",
            at=NOW,
            from_state=None,
            to_state=AlertState.FIRING,
            reason="threshold_passed",
            told=True,
        )
        message = Notification(
            notification_id="n1",
            channel="slack",
            alert_id="a1",
            kind="firing",
            created_at=NOW,
            due_at=NOW,
            payload={},
        )
        found = growth(at, data={"measure": "views", "explanation": EXPLANATION})
        await at.app.store.commit(
            Changes(
                readings=tuple(readings),
                alerts=(found,),
                alert_events=(event,),
                notifications=(message,),
            )
        )
        page = (await at.get("/alerts/a1")).text
        assert "#glow left its usual range at 2 Mar 2026, 11:00: 5,103 views in 6 h, above" in page
        assert "that of the same hours of up to four earlier weeks" in page
        assert "@ann, 5 h old" in page
        assert 'href="/videos/71"' in page
        assert "3 other videos held" in page
        assert "not seen in any video held" in page
        assert "30.0 %" in page
        assert "Without the largest part, the video of @ann, 30 views (+15.0 %) are left" in page
        assert "the rule would not have fired." in page
        assert "the true change lies between 90 and 110" in page
        assert "Firing: it passed its threshold" in page
        assert "people were told" in page
        assert "waits to be sent" in page
        assert 'hx-get="/alerts/a1/backtest"' in page
        assert '<a href="/alerts/a1/backtest">' in page
        assert (await at.get("/alerts/a1/backtest")).status_code == 200

    check(tmp_path, body)


def test_without_weeks_the_days_before_say_what_is_usual(tmp_path: Path) -> None:
    async def body(at: World) -> None:
        first = NOW - timedelta(hours=2) - 5 * DAY
        readings = tuple(
            reading("glow", first + timedelta(hours=6 * n), 100 * n + (900 if n == 20 else 0), n)
            for n in range(21)
        )
        await at.app.store.commit(Changes(readings=readings, alerts=(growth(at),)))
        page = (await at.get("/alerts/a1")).text
        assert "the same hours of up to seven days before" in page
        assert "left its usual range" in page

    check(tmp_path, body)


@pytest.mark.parametrize(
    "data",
    [
        {"explanation": "text"},
        {"explanation": {"sentence": "x"}},
        {"explanation": {**EXPLANATION, "measure": "x"}},
        {"explanation": {**EXPLANATION, "videos": [{}]}},
        {"measure": "nonsense"},
        {"since": "never", "elapsed_hours": "x", "usual_low": 1, "usual_high": 2, "new_videos": 3},
    ],
)
def test_facts_of_another_shape_break_no_page(tmp_path: Path, data: dict[str, Any]) -> None:
    async def body(at: World) -> None:
        readings = tuple(reading("glow", NOW - n * DAY, None, None) for n in (2, 1))
        await at.app.store.commit(Changes(readings=readings, alerts=(growth(at, data=data),)))
        page = await at.get("/alerts/a1")
        assert page.status_code == 200
        assert "What the change is made of" not in page.text
        assert "No chart yet." in page.text

    check(tmp_path, body)


def test_an_alert_about_tagtide_has_no_rule_to_replay(tmp_path: Path) -> None:
    async def body(at: World) -> None:
        own = replace(growth(at), campaign_id=None, rule=Rule.SELF, hashtag=None, condition="auth")
        await at.app.store.commit(Changes(alerts=(own,)))
        page = (await at.get("/alerts/a1")).text
        assert "/backtest" not in page
        assert "No chart yet" not in page
        assert '<option value="campaign">' not in page
        replayed = (await at.get("/alerts/a1/backtest")).text
        assert "Only rules of a campaign that is in service" in replayed

    check(tmp_path, body)


def test_what_is_not_there_is_not_found(tmp_path: Path) -> None:
    async def body(at: World) -> None:
        for path in ("/alerts/none", "/alerts/none/backtest", "/alerts/%00", "/alerts/%3Cb%3E"):
            assert (await at.get(path)).status_code == 404, path
        for path in ("/alerts/none/ack", "/alerts/none/mute"):
            assert (await at.post(path)).status_code == 404, path

    check(tmp_path, body)


@pytest.mark.parametrize("text", HOSTILE)
def test_strangers_text_stays_text(tmp_path: Path, text: str) -> None:
    async def body(at: World) -> None:
        bad = {**EXPLANATION, "sentence": text}
        bad["videos"] = [{**EXPLANATION["videos"][0], "author_username": text, "video_id": text}]
        bad["without"] = {**EXPLANATION["without"], "author_username": text}
        found = growth(at, reason=text, url=text, data={"measure": "views", "explanation": bad})
        event = AlertEvent(
            alert_id="a1",
            at=NOW,
            from_state=None,
            to_state=AlertState.FIRING,
            reason=text[:30],
            by=text,
            note=text,
        )
        await at.app.store.commit(Changes(alerts=(found,), alert_events=(event,)))
        for path in ("/alerts", "/alerts/a1", "/alerts/a1/backtest"):
            answer = await at.get(path)
            assert answer.status_code == 200
            Marks.check(answer.text)

    check(tmp_path, body)


# --- what people do -------------------------------------------------------------------------------


def test_taking_in_hand_is_in_the_history(tmp_path: Path) -> None:
    async def body(at: World) -> None:
        await at.app.store.commit(Changes(alerts=(growth(at),)))
        answer = await at.post("/alerts/a1/ack", note="I look.", back="/alerts?state=firing")
        assert answer.status_code == 303
        assert answer.headers["location"] == "/alerts?state=firing"
        found = await at.app.store.alert("a1")
        assert found.acked_at == NOW
        assert found.ack_note == "I look."
        page = (await at.get("/alerts/a1")).text
        assert "was taken in hand by <bdi>demo</bdi>" in page
        assert 'action="/alerts/a1/ack"' not in page
        # Only own paths are gone back to.
        for back in ("https://evil.example/", "//evil.example", "/\\evil.example", ""):
            answer = await at.post("/alerts/a1/ack", back=back)
            assert answer.headers["location"] == "/alerts/a1"
        over = growth(at, "a2", state=AlertState.RESOLVED, resolved_at=NOW)
        await at.app.store.commit(Changes(alerts=(over,)))
        assert (await at.post("/alerts/a2/ack")).status_code == 409
        assert (await at.post("/alerts/a1/ack", note="x" * 501)).status_code == 422

    check(tmp_path, body)


def test_several_are_taken_in_hand_at_once(tmp_path: Path) -> None:
    async def body(at: World) -> None:
        over = growth(at, "a3", state=AlertState.RESOLVED, resolved_at=NOW)
        await at.app.store.commit(Changes(alerts=(growth(at, "a1"), growth(at, "a2"), over)))
        answer = await at.post("/alerts/ack", alert_id=["a1", "a2", "a3"])
        assert answer.status_code == 303
        assert (await at.app.store.alert("a2")).acked_by == "demo"
        assert (await at.app.store.alert("a3")).acked_by is None
        assert (await at.post("/alerts/ack")).status_code == 422

    check(tmp_path, body)


def test_muting_and_ending_a_mute(tmp_path: Path) -> None:
    async def body(at: World) -> None:
        await at.app.store.commit(Changes(alerts=(growth(at),)))
        for scope, until in (
            ("alert", "over"),
            ("hashtag", "7d"),
            ("rule", "1h"),
            ("campaign", "24h"),
        ):
            answer = await at.post("/alerts/a1/mute", scope=scope, until=until, reason="Party.")
            assert answer.status_code == 303, scope
        mutes = {m.until - NOW: m for m in await at.app.store.mutes(NOW)}
        assert mutes[365 * DAY].alert_id == "a1"
        assert mutes[7 * DAY].hashtag == "glow"
        assert mutes[timedelta(hours=1)].rule is Rule.GROWTH
        assert mutes[DAY].campaign_id == at.campaign.campaign_id
        assert (await at.get("/alerts/a1")).text.count("Party.") == 5
        # A day and an hour of the campaign's zone.
        await at.post("/alerts/a1/mute", scope="hashtag", own="2026-03-05T10:00", until="1h")
        assert NOW + timedelta(days=2, hours=21) in {m.until for m in await at.app.store.mutes(NOW)}
        for mute in await at.app.store.mutes(NOW):
            assert (await at.post(f"/alerts/mutes/{mute.mute_id}/end")).status_code == 303
        assert await at.app.store.mutes(NOW) == []
        # Ending what is over is no trouble.
        assert (await at.post("/alerts/mutes/gone/end")).status_code == 303
        for bad in (
            {"scope": "hashtag", "until": "over"},
            {"scope": "world"},
            {"until": "3y"},
            {"own": "yesterday"},
            {"own": "2020-01-01T00:00"},
        ):
            assert (await at.post("/alerts/a1/mute", **bad)).status_code == 422, bad
        assert await at.app.store.mutes(NOW) == []

    check(tmp_path, body)


ACTS = ("/alerts/ack", "/alerts/a1/ack", "/alerts/a1/mute", "/alerts/mutes/m1/end")


def test_viewers_change_nothing_and_see_no_buttons(tmp_path: Path) -> None:
    async def main() -> None:
        async with opened(tmp_path) as lab, lab.browser() as browser:
            await lab.user("ana", UserRole.ADMIN)
            await lab.user("vi", UserRole.VIEWER)
            await lab.user("op", UserRole.OPERATOR)
            campaign = await lab.app.store.add_campaign(
                Campaign(name="Lumen", hashtags=(CampaignHashtag(name="glow"),))
            )
            found = alert(campaign.campaign_id, video_id=None, rule=Rule.GROWTH)
            await lab.app.store.commit(Changes(alerts=(found,)))
            for path in ACTS:
                assert (await browser.post(path, alert_id="a1")).status_code in {303, 401}
            assert (await browser.get("/alerts")).status_code in {303, 401}
            await browser.log_in("vi")
            for path in ACTS:
                assert (await browser.post(path, alert_id="a1")).status_code == 403, path
            assert (await lab.app.store.alert("a1")).acked_at is None
            assert await lab.app.store.mutes(NOW) == []
            for shown in ("/alerts", "/alerts/a1"):
                page = (await browser.get(shown)).text
                assert "A video went viral." in page
                assert 'action="/alerts' not in page.replace('action="/alerts">', "")
                assert "Take in hand" not in page
                assert "Mute" not in page
            await browser.log_in("op")
            assert (await browser.post("/alerts/a1/ack", note="Mine.")).status_code == 303
            assert (await lab.app.store.alert("a1")).acked_by == "op"

    asyncio.run(main())


@pytest.mark.parametrize("path", ACTS)
def test_foreign_pages_change_nothing(tmp_path: Path, path: str) -> None:
    async def body(at: World) -> None:
        await at.app.store.commit(Changes(alerts=(growth(at),)))
        assert (await at.post(path, is_own=False, alert_id="a1")).status_code == 403
        assert (await at.get(path)).status_code in {404, 405}
        assert (await at.app.store.alert("a1")).acked_at is None
        assert await at.app.store.mutes(NOW) == []

    check(tmp_path, body)


def test_what_a_form_means() -> None:
    about = alert(1)
    with pytest.raises(InvalidInput):
        target_of(about, None, "campaign")
    assert target_of(about, None, "alert").alert_id == "a1"
    assert until_of({}, "alert") == "24h"
    assert until_of({"until": "1h", "own": " 2026-01-01T00:00 "}, "alert") == "2026-01-01T00:00"


def test_a_viral_alert_shows_the_curve_of_its_video(tmp_path: Path) -> None:
    async def body(at: World) -> None:
        number = at.campaign.campaign_id
        crowd = sighting(*(seen(n, 100 + n) for n in range(1, 30)), campaign_ids=(number,))
        top = sighting(seen(50, 90_000), campaign_ids=(number,))
        video_id = top.videos[0].video.video_id
        await at.app.store.commit(
            Changes(
                sightings=(crowd, top),
                alerts=(alert(number, video_id=video_id), alert(number, alert_id="a2",
                        fingerprint="g", video_id="404")),
            )
        )  # fmt: skip
        page = (await at.get("/alerts/a1")).text
        assert "where" in page
        assert "are usual:" in page
        assert f'href="/videos/{video_id}"' in page
        assert "The video is not held any more." in (await at.get("/alerts/a2")).text

    check(tmp_path, body)
