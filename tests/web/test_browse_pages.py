"""Videos, creators and the search on pages."""

from __future__ import annotations

import asyncio
import contextlib
import csv
import io
import re
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path
from time import process_time
from typing import Any
from urllib.parse import quote

import httpx2
import pytest
from browse_world import HOSTILE, NOW, Marks, alert, open_pages, seen, sighting

from tagtide.bootstrap import App
from tagtide.models import Campaign, CampaignHashtag, Creator, Role
from tagtide.ports import Changes
from tagtide.services.views.lists import video_id_in

DAY = timedelta(days=1)


@contextlib.asynccontextmanager
async def world(folder: Path) -> AsyncIterator[tuple[App, httpx2.AsyncClient]]:
    async with open_pages(folder) as (app, web):
        for name in ("Lumen", "Other one"):
            await app.store.add_campaign(
                Campaign(
                    name=name,
                    hashtags=(
                        CampaignHashtag(name="glow"),
                        CampaignHashtag(name="aura", role=Role.COMPETITOR),
                    ),
                    timezone="Europe/Paris",
                )
            )
        yield app, web


def check(folder: Path, body: Callable[[App, httpx2.AsyncClient], Any]) -> None:
    async def main() -> None:
        async with world(folder) as (app, web):
            await body(app, web)

    asyncio.run(main())


async def store(app: App, *videos: Any, **more: Any) -> None:
    await app.store.commit(Changes(sightings=(sighting(*videos, **more),)))


# --- one video ------------------------------------------------------------------------------------


def test_a_video_stands_against_its_campaign(tmp_path: Path) -> None:
    async def body(app: App, web: httpx2.AsyncClient) -> None:
        await store(app, *(seen(n, 1_000 + n) for n in range(1, 40)), at=NOW - 25 * DAY / 24)
        await store(app, seen(50, 5_000), at=NOW - 26 * DAY / 24, campaign_ids=(1, 2))
        await store(app, seen(50, 90_000), campaign_ids=(1, 2))
        await store(app, seen(50, 90_000), hashtag="aura", campaign_ids=(1, 2))
        video_id = seen(50).video.video_id
        await app.store.commit(
            Changes(high_priority=((1, video_id, NOW),), alerts=(alert(1, video_id=video_id),))
        )
        page = (await web.get(f"/videos/{video_id}")).text
        assert "90.0 k views at an engagement rate of" in page
        assert "it gained 85.0 k in the last 25 h it was read." in page
        assert "Rank 1 of 40 for its age:" in page
        assert "past the mark that one in 100 ordinary videos passes" in page
        assert "are usual:" in page
        assert "High priority in <bdi>Lumen</bdi>" in page
        assert 'href="/alerts/a1"' in page
        assert f'href="https://www.tiktok.com/@user10/video/{video_id}"' in page
        assert 'href="/creators/sec10"' in page
        assert "<bdi>#aura</bdi>" in page
        desk = f"/desk?tab=all&amp;video={video_id}&amp;in=1#detail"
        assert f'href="{desk}">On the desk: new<' in page
        assert "90,000" in page
        assert "5,000" in page
        # Saves were never said: a dash with a reason.
        assert "not in this answer of TikTok" in page
        # Within the other campaign there is nothing to compare it with.
        other = (await web.get(f"/videos/{video_id}?campaign=2")).text
        assert "It cannot be ranked yet" in other

    check(tmp_path, body)


def test_what_is_not_known_of_a_video_is_said(tmp_path: Path) -> None:
    async def body(app: App, web: httpx2.AsyncClient) -> None:
        await store(app, seen(1, None, created_at=None, caption=""), at=NOW - 9 * DAY)
        page = (await web.get(f"/videos/{seen(1).video.video_id}")).text
        assert "Its views are not known." in page
        assert "No caption" in page
        assert "publication time not known" in page
        assert "When it was published is not known, so it cannot be compared by age." in page
        assert "not seen lately" in page
        assert "this does not say that the video was removed" in page
        assert "It was not flagged." in page
        assert ">0<" not in re.sub(r"<script.*?</script>", "", page, flags=re.DOTALL)
        for campaign in await app.store.campaigns():
            await app.store.remove_campaign(campaign.campaign_id, NOW)
        page = (await web.get(f"/videos/{seen(1).video.video_id}")).text
        assert "No campaign in service holds it" in page

    check(tmp_path, body)


def test_videos_and_creators_that_are_not_there(tmp_path: Path) -> None:
    async def body(app: App, web: httpx2.AsyncClient) -> None:
        for path in (
            "/videos/1",
            "/videos/%00",
            "/videos/x'--",
            "/creators/none",
            "/creators/a/b",
            "/campaigns/9/videos",
            "/campaigns/x/videos",
            "/campaigns/9/creators",
            "/campaigns/99999999999999999999/videos",
            "/campaigns/9/videos.csv",
        ):
            assert (await web.get(path)).status_code == 404, path

    check(tmp_path, body)


# --- lists ----------------------------------------------------------------------------------------


def shown(page: str) -> list[str]:
    return re.findall(r'<th scope="row" class="wrap"><a href="/videos/7(\d+)', page)


def next_of(page: str) -> str | None:
    found = re.search(r'href="([^"]*after=[^"]*)" rel="next"', page)
    return found[1].replace("&amp;", "&") if found else None


def test_a_list_is_filtered_sorted_and_paged(tmp_path: Path) -> None:
    async def body(app: App, web: httpx2.AsyncClient) -> None:
        await store(app, *(seen(n, n) for n in range(120)), at=NOW - 3 * DAY)
        await store(app, seen(500, None, caption="50% off Übung"), hashtag="aura")
        await store(app, *(seen(n, 5) for n in range(600, 603)), campaign_ids=(2,))
        path: str | None = "/campaigns/1/videos?sort=views"
        found: list[str] = []
        while path:
            page = (await web.get(path)).text
            found += shown(page)
            path = next_of(page)
        assert len(found) == 121
        assert [int(x) for x in found[:3]] == [119, 118, 117]
        assert int(found[-1]) == 500
        for query, kept in (
            ("since=24h", [500]),
            ("since=2026-03-02", [500]),
            ("hashtag=aura", [500]),
            ("text=50%25+off", [500]),
            ("text=%C3%9Cbung", [500]),
            ("creator=user7&min_views=80", [87]),
            ("min_views=118", [119, 118]),
            ("priority=1", []),
            ("viral=1", []),
        ):
            page = (await web.get(f"/campaigns/1/videos?{query}")).text
            assert [int(x) for x in shown(page)] == kept, query
            if not kept:
                assert "No video fits this filter." in page
        for bad in ("sort=x", "since=never", "since=0001-01-01", "min_views=-1", "hashtag=a b"):
            assert (await web.get(f"/campaigns/1/videos?{bad}")).status_code == 422, bad
        assert "No creator fits" in (await web.get("/campaigns/1/creators?text=nobody")).text

    check(tmp_path, body)


def test_an_export_holds_what_the_filter_keeps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tagtide.services.views.lists._BATCH", 7)

    async def body(app: App, web: httpx2.AsyncClient) -> None:
        await store(app, *(seen(n, n, caption="=1+1") for n in range(30)))
        answer = await web.get("/campaigns/1/videos.csv?min_views=10")
        assert answer.headers["content-type"] == "text/csv; charset=utf-8"
        assert answer.headers["content-disposition"] == 'attachment; filename="videos-1.csv"'
        rows = list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"))))
        assert sorted(int(row["view_count"]) for row in rows) == list(range(10, 30))
        assert {row["title"] for row in rows} == {"'=1+1"}

    check(tmp_path, body)


def test_lists_teach_while_they_are_empty(tmp_path: Path) -> None:
    async def body(app: App, web: httpx2.AsyncClient) -> None:
        assert "No video yet." in (await web.get("/campaigns/1/videos")).text
        assert "No creator yet." in (await web.get("/campaigns/1/creators")).text

    check(tmp_path, body)


def test_creators_of_a_campaign_in_a_list(tmp_path: Path) -> None:
    async def body(app: App, web: httpx2.AsyncClient) -> None:
        await store(app, *(seen(n, 100 + n) for n in range(120)))
        page = (await web.get("/campaigns/1/creators?sort=videos&min_videos=3")).text
        assert page.count('<th scope="row"><a href="/creators/') == 40
        assert "followers are not known" in page
        assert re.search(r"\d\.\d % <span class=\"soft\">\d+\.\d % to \d+\.\d %", page)
        assert (await web.get("/campaigns/1/creators?sort=x")).status_code == 422

    check(tmp_path, body)


# --- one creator ----------------------------------------------------------------------------------


def test_a_creator_with_videos_in_two_campaigns(tmp_path: Path) -> None:
    async def body(app: App, web: httpx2.AsyncClient) -> None:
        await store(app, *(seen(n, 100 + n) for n in range(120)))
        await store(app, seen(1, 101), seen(200, 900_000, created_at=NOW - 9 * DAY),
                    campaign_ids=(2,))  # fmt: skip
        page = (await web.get("/creators/sec2")).text
        assert "3 videos with" in page
        assert "in 1 campaign." in page
        page = (await web.get("/creators/sec0")).text
        assert "4 videos with 900.4 k views" in page
        assert "in 2 campaigns." in page
        assert "tier unknown" in page
        assert "4 videos within" in page
        assert len(re.findall(r'href="/desk\?tab=all[^"]*#detail">new<', page)) == 4
        assert "name mixes scripts" not in page
        for campaign in await app.store.campaigns():
            await app.store.remove_campaign(campaign.campaign_id, NOW)
        gone = (await web.get("/creators/sec0")).text
        assert "No campaign in service holds a video of theirs." in gone

    check(tmp_path, body)


def test_a_creator_on_one_page_as_a_file(tmp_path: Path) -> None:
    async def body(app: App, web: httpx2.AsyncClient) -> None:
        await store(app, *(seen(n, 100 + n) for n in range(120)))
        page = (await web.get("/creators/sec2")).text
        assert 'href="/reports/creator.pdf?creator=sec2"' in page
        told = await web.get("/reports/creator.json?creator=sec2")
        assert told.json()["videos_held"] == 3
        assert told.headers["content-disposition"].startswith("attachment")
        over_api = "/api/v1/reports/creator.{}?creator_key=sec2&campaign_id=1"
        body = (await web.get(over_api.format("json"))).json()
        assert body == told.json() | {"campaign": "Lumen"}
        html = await web.get(over_api.format("html"))
        assert html.headers["content-type"] == "text/html; charset=utf-8"
        assert "default-src 'none'" in html.headers["content-security-policy"]
        assert (await web.get(over_api.format("md"))).text.startswith("# ")
        assert (await web.get(over_api.format("xlsx"))).content.startswith(b"PK")
        assert (await web.get(over_api.format("exe"))).status_code == 422
        for address in (
            "/reports/creator.exe?creator=sec2",
            "/reports/creator.pdf",
            "/reports/creator.pdf?creator=nobody",
            "/reports/creator.pdf?creator=sec2&campaign=2",
            "/api/v1/reports/creator.pdf?creator_key=nobody",
        ):
            assert (await web.get(address)).status_code == 404, address

    check(tmp_path, body)


def test_a_creator_whose_name_passes_for_another(tmp_path: Path) -> None:
    async def body(app: App, web: httpx2.AsyncClient) -> None:
        fake = Creator(
            creator_key="@x/../y",
            sec_uid=None,
            uid=None,
            username="nik\N{CYRILLIC SMALL LETTER IE}",
            nickname=None,
            follower_count=12_345,
        )
        await store(app, seen(1, 5, creator=fake))
        page = await web.get(f"/creators/{quote('@x/../y', safe='')}")
        assert page.status_code == 200
        assert "name mixes scripts" in page.text
        assert ">micro<" in page.text

    check(tmp_path, body)


# --- search ---------------------------------------------------------------------------------------


def test_the_search_finds_by_kind(tmp_path: Path) -> None:
    async def body(app: App, web: httpx2.AsyncClient) -> None:
        await store(app, *(seen(n, n) for n in range(60)))
        assert "What are you looking for?" in (await web.get("/search")).text
        assert "That is too short" in (await web.get("/search?q=x")).text
        nothing = (await web.get("/search?q=<b>zz</b>")).text
        assert "Nothing is called “<bdi>&lt;b&gt;zz&lt;/b&gt;</bdi>”." in nothing
        page = (await web.get("/search?q=%23glow")).text
        assert 'href="/campaigns/1/hashtags/glow"' in page
        assert 'href="/campaigns/1"' in (await web.get("/search?q=LUM")).text
        page = (await web.get("/search?q=@user7")).text
        assert 'href="/creators/sec7"' in page
        page = (await web.get("/search?q=caption")).text
        assert len(re.findall(r'href="/videos/', page)) == 20
        link = quote("https://www.tiktok.com/@a/video/7000000003?x=1")
        page = (await web.get(f"/search?q={link}")).text
        assert re.findall(r'href="/videos/(\d+)"', page) == ["7000000003"]
        for text in (
            "%%",
            "__",
            "a" * 5000,
            "' OR 1=1",
            "\\",
            "\ud83d".encode("utf-16", "surrogatepass").hex(),
        ):
            assert (await web.get("/search", params={"q": text})).status_code == 200

    check(tmp_path, body)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("https://www.tiktok.com/@a/video/71?x=2", "71"),
        ("/video/", "/video/"),
        ("/video/x", "/video/x"),
        ("glow", "glow"),
    ],
)
def test_the_id_in_an_address(text: str, found: str) -> None:
    assert video_id_in(text) == found


# --- strangers, and many --------------------------------------------------------------------------


@pytest.mark.parametrize("text", HOSTILE)
def test_strangers_text_stays_text(tmp_path: Path, text: str) -> None:
    async def body(app: App, web: httpx2.AsyncClient) -> None:
        bad = Creator(
            creator_key=text, sec_uid=text, uid=None, username=text, nickname=text, region=text
        )
        await store(app, seen(1, 5, caption=text, creator=bad), *(seen(n, n) for n in range(2, 20)))
        await store(app, seen(1, 8, caption=text, creator=bad), at=NOW)
        video_id = seen(1).video.video_id
        await app.store.commit(
            Changes(alerts=(alert(1, video_id=video_id, reason=text, hashtag=None),))
        )
        for path in (
            f"/videos/{video_id}",
            f"/creators/{quote(text, safe='')}",
            "/campaigns/1/videos",
            "/campaigns/1/creators",
            f"/campaigns/1/videos?text={quote(text, safe='')}&creator={quote(text, safe='')}",
            f"/campaigns/1/creators?text={quote(text, safe='')}",
            f"/search?q={quote(text, safe='')}",
            "/search?q=caption",
        ):
            answer = await web.get(path)
            assert answer.status_code == 200, path
            Marks.check(answer.text)

    check(tmp_path, body)


def test_ten_thousand_videos_make_no_page_slow(tmp_path: Path) -> None:
    async def body(app: App, web: httpx2.AsyncClient) -> None:
        for start in range(0, 10_000, 500):
            await store(app, *(seen(n, n * 37 % 9_973) for n in range(start, start + 500)),
                        at=NOW - timedelta(minutes=start))  # fmt: skip
        paths = (
            "/campaigns/1/videos",
            "/campaigns/1/videos?sort=age_score&text=7",
            "/campaigns/1/creators",
            f"/videos/{seen(77).video.video_id}",
            "/creators/sec7",
            "/search?q=zzzz",
        )
        for path in paths:
            await web.get(path)
            began = process_time()
            answer = await web.get(path)
            # Far below what going through the campaign row by row would take, on any machine.
            assert process_time() - began < 1.5, path
            assert answer.status_code == 200
            assert len(answer.content) < 400_000, path

    check(tmp_path, body)
