"""The desk as a page: it shows what is so, its forms do what they say, and strangers stay text."""

from __future__ import annotations

import asyncio
import contextlib
import csv
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest

from tagtide.bootstrap import App, open_app
from tagtide.clock import SimulatedClock
from tagtide.core.access import Scope
from tagtide.jobs import Health
from tagtide.models import (
    Campaign,
    CampaignHashtag,
    CounterSource,
    Creator,
    Video,
    VideoCounters,
    VideoSeen,
)
from tagtide.ports import Changes, Sighting
from tagtide.services.accounts import make_token
from tagtide.services.desk import DeskTarget, RightTyped, change, labelling, moving, noting
from tagtide.services.views.desk import view_desk_video
from tagtide.settings import load
from tagtide.web import make_app

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
CODE = "#s3cret/code+=="
HOSTILE = '"><script>alert(1)</script>{{ 7*7 }}\u202e'
OURS = {"origin": "http://localhost", "sec-fetch-site": "same-origin"}


def video(number: int) -> str:
    return str(7_300_000_000_000_000_000 + number)


def seen(number: int) -> VideoSeen:
    name = f"user{number}"
    creator = Creator(creator_key=name, sec_uid=name, uid=None, username=name, nickname=None)
    counters = VideoCounters(
        view_count=None if number == 3 else 1_000 * number,
        like_count=1,
        comment_count=1,
        share_count=1,
        save_count=None,
        source=CounterSource.STATS_V2,
    )
    made = Video(video_id=video(number), creator=creator, caption=HOSTILE, created_at=None)
    return VideoSeen(video=made, counters=counters)


@contextlib.asynccontextmanager
async def desk(
    folder: Path, *, is_open: bool = True
) -> AsyncIterator[tuple[App, httpx2.AsyncClient]]:
    """The pages over a campaign with forty videos, those with odd numbers of high priority."""
    environ = {"TAGTIDE_DATABASE_URL": "sqlite://", "TAGTIDE_API_URL": "http://127.0.0.1:9"}
    loaded = load(environ=environ, cwd=folder)
    async with open_app(loaded, clock=SimulatedClock(NOW)) as app:
        campaign = await app.store.add_campaign(
            Campaign(name="Glow", hashtags=(CampaignHashtag(name="glow"),))
        )
        sightings = tuple(
            Sighting(
                hashtag="glow",
                campaign_ids=(campaign.campaign_id,),
                read_at=NOW - timedelta(hours=number),
                videos=(seen(number),),
                run_id=None,
            )
            for number in range(1, 41)
        )
        marks = tuple((campaign.campaign_id, video(n), NOW) for n in range(1, 41, 2))
        await app.store.commit(Changes(sightings=sightings, high_priority=marks))
        made = make_app(app, Health(), is_open=is_open)
        transport = httpx2.ASGITransport(app=made)
        shown = {}
        if not is_open:
            _, secret = await make_token(app.accounts, "reader", Scope.READ, by="a test", user=None)
            shown["authorization"] = f"Bearer {secret}"
        async with httpx2.AsyncClient(
            transport=transport, base_url="http://localhost", headers=shown
        ) as client:
            yield app, client


async def post(client: httpx2.AsyncClient, path: str, **fields: str | list[str]) -> httpx2.Response:
    return await client.post(path, data=fields, headers=OURS)


def target(number: int, version: int = 0) -> str:
    return f"1.{video(number)}.{version}"


def said(answer: httpx2.Response) -> dict[str, list[str]]:
    assert answer.status_code == 303, answer.text
    parts = urlsplit(answer.headers["location"])
    assert (parts.netloc, parts.path) == ("", "/desk")
    return parse_qs(parts.query)


async def grant(app: App, number: int) -> None:
    right = RightTyped(
        channels=("organic,spark",), spark_code=CODE, spark_expires="30d", evidence=(HOSTILE,)
    )
    done = moving("granted", by="ann", right=right)
    outcome = await change(app.context, DeskTarget(video=video(number)), done)
    assert outcome.is_done


def test_the_inbox_and_every_other_list(tmp_path: Path) -> None:
    async def main() -> None:
        async with desk(tmp_path) as (app, client):
            await grant(app, 2)
            inbox = (await client.get("/desk")).text
            assert "20 new high-priority videos to judge, 1 video with rights." in inbox
            assert inbox.count("<li data-item") == 21
            for tab in ("new", "shortlisted", "asked", "declined", "expired", "revoked", "all"):
                answer = await client.get("/desk", params={"tab": tab})
                assert answer.status_code == 200
                rows = {"new": 30, "all": 30}.get(tab, 0)
                assert answer.text.count("<li data-item") == rows
            assert (await client.get("/desk", params={"tab": "nonsense"})).status_code == 422
            assert (await client.get("/desk", params={"video": "77"})).status_code == 404

    asyncio.run(main())


def test_pages_of_a_list(tmp_path: Path) -> None:
    async def main() -> None:
        async with desk(tmp_path) as (_, client):
            first = (await client.get("/desk?tab=all")).text
            (following,) = re.findall(r'href="(/desk\?[^"]*)" rel="next"', first)
            second = (await client.get(following.replace("&amp;", "&"))).text
            shown = [re.findall(r'id="v(\d+)"', text) for text in (first, second)]
            assert [len(ids) for ids in shown] == [30, 10]
            assert not set(shown[0]) & set(shown[1])

    asyncio.run(main())


def test_strangers_words_stay_text(tmp_path: Path) -> None:
    async def main() -> None:
        async with desk(tmp_path) as (app, client):
            await grant(app, 1)
            await change(app.context, DeskTarget(video=video(1)), noting(HOSTILE, by="ann"))
            found = (await client.get("/desk", params={"video": video(1), "q": HOSTILE})).text
            assert "<script>alert" not in found
            assert "49" not in re.sub(r"nonce[^>]*", "", found).split("<main")[1][:200]
            # What was searched for stands in its field as it was typed.
            assert "\u202e" not in found.split("Ends within", 1)[1]

    asyncio.run(main())


def test_triage_with_plain_forms(tmp_path: Path) -> None:
    async def main() -> None:
        async with desk(tmp_path) as (app, client):
            back = "/desk?tab=new&at=1"
            answer = await post(client, "/desk/move", video=target(1), to="shortlisted", back=back)
            assert said(answer) == {"tab": ["new"], "at": ["1"], "n": ["1"]}
            shown = (await client.get(answer.headers["location"])).text
            assert "1 video changed." in shown
            await post(client, "/desk/move", video=target(1, 1), to="asked")
            await post(client, "/desk/note", video=target(1, 2), note="hello\nthere")
            await post(client, "/desk/label", video=target(1, 3), add="reel, summer")
            await post(client, "/desk/assign", video=target(1, 4), me="1")
            right = {
                "channel": ["organic", "website"], "territory": "FR", "edits": "no",
                "fee": "150 EUR", "expires": "90d", "evidence": "yes", "spark_expires": "",
            }  # fmt: skip
            answer = await post(client, "/desk/move", video=target(1, 5), to="granted", **right)
            assert said(answer)["n"] == ["1"]
            answer = await post(client, "/desk/label", video=target(1, 6), remove="reel")
            view = await view_desk_video(app.context, DeskTarget(video=video(1)))
            assert (view.line.state.value, view.line.labels) == ("granted", ("summer",))
            assert view.line.assignee == "demo"
            assert [c.value for c in view.rights[0].channels] == ["organic", "website"]
            assert "Hi @user1" in view.history[1].data["request"]
            await post(client, "/desk/move", video=target(1, 7), to="revoked", right="6")
            await post(client, "/desk/move", video=target(1, 8), to="undo")
            view = await view_desk_video(app.context, DeskTarget(video=video(1)))
            assert view.line.state.value == "granted"
            assert {step.by for step in view.history} == {"demo"}

    asyncio.run(main())


def test_of_many_each_ends_by_itself(tmp_path: Path) -> None:
    async def main() -> None:
        async with desk(tmp_path) as (app, client):
            await grant(app, 1)
            chosen = [target(1, 1), target(2), target(3, 9), target(4)]
            answer = await post(client, "/desk/move", video=chosen, to="declined")
            assert said(answer) == {"n": ["2"], "left": ["2"], "why": ["rights_stand"]}
            shown = (await client.get(answer.headers["location"])).text
            assert "2 videos not changed. Its rights stand: revoke them first." in shown
            assert (await post(client, "/desk/move", to="declined")).status_code == 422
            bad = await post(client, "/desk/move", video="1.nope.0", to="declined")
            assert bad.status_code == 422

    asyncio.run(main())


def test_a_form_that_cannot_be_used_says_why(tmp_path: Path) -> None:
    async def main() -> None:
        async with desk(tmp_path) as (_, client):
            right = {"to": "granted", "channel": "spark", "spark_code": CODE}
            answer = await post(client, "/desk/move", video=target(1), **right)
            assert answer.status_code == 422
            assert "The Spark code has no end." in answer.text
            assert "s3cret" not in answer.text

    asyncio.run(main())


@pytest.mark.parametrize(
    "back", ["https://evil.example/desk", "//evil.example/desk", "/settings", "javascript:x", ""]
)
def test_an_action_never_leads_to_another_place(tmp_path: Path, back: str) -> None:
    async def main() -> None:
        async with desk(tmp_path) as (_, client):
            answer = await post(client, "/desk/move", video=target(1), to="asked", back=back)
            assert said(answer) == {"n": ["1"]}

    asyncio.run(main())


def test_whoever_may_only_read_sees_no_code_and_changes_nothing(tmp_path: Path) -> None:
    async def main() -> None:
        async with desk(tmp_path, is_open=False) as (app, client):
            await grant(app, 1)
            page = await client.get("/desk", params={"video": video(1)})
            assert page.status_code == 200
            assert "s3cret" not in page.text
            assert "…+==" in page.text
            assert "/desk/move" not in page.text
            for path in ("move", "note", "label", "assign"):
                answer = await post(client, f"/desk/{path}", video=target(2), to="asked")
                assert answer.status_code == 403
            foreign = await client.post("/desk/move", data={"video": target(2), "to": "asked"})
            assert foreign.status_code == 403
            view = await view_desk_video(app.context, DeskTarget(video=video(2)))
            assert view.history == ()

    asyncio.run(main())


def test_looking_changes_nothing_and_an_operator_sees_the_code(tmp_path: Path) -> None:
    async def main() -> None:
        async with desk(tmp_path) as (app, client):
            await grant(app, 1)
            await change(app.context, DeskTarget(video=video(1)), labelling(["x"], [], by="a"))
            query = {"video": video(1), "to": "declined", "grant": "1", "n": "1", "why": "<b>"}
            page = await client.get("/desk", params=query)
            assert CODE in page.text.replace("&#43;", "+")
            assert "<b>" not in page.text
            view = await view_desk_video(app.context, DeskTarget(video=video(1)))
            assert len(view.history) == 2

    asyncio.run(main())


def test_files_of_what_is_cleared_and_of_every_right(tmp_path: Path) -> None:
    async def main() -> None:
        async with desk(tmp_path) as (app, client):
            await grant(app, 1)
            cleared = await client.get("/desk/cleared.csv?campaign=1&channel=organic&territory=")
            assert "cleared-organic-1.csv" in cleared.headers["content-disposition"]
            assert [row["video_id"] for row in rows(cleared)] == [video(1)]
            assert rows(await client.get("/desk/cleared.csv?campaign=1&channel=website")) == []
            (right,) = rows(await client.get("/desk/rights.csv?campaign=1"))
            assert right["video_id"] == video(1)
            assert CODE not in right.values()
            for query, status in (
                ("campaign=1&channel=radio", 422),
                ("campaign=1&channel=", 422),
                ("campaign=1&channel=website&territory=nowhere", 422),
                ("campaign=9&channel=website", 404),
                ("channel=website", 404),
            ):
                answer = await client.get(f"/desk/cleared.csv?{query}")
                assert answer.status_code == status, query

    asyncio.run(main())


def rows(answer: httpx2.Response) -> list[dict[str, str]]:
    assert answer.status_code == 200, answer.text
    return list(csv.DictReader(answer.text.lstrip("\ufeff").splitlines()))
