"""Campaigns, hashtags, the weekly report and kept reports: what the pages say, and to whom."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from urllib.parse import quote

import httpx2
import pytest
from test_web_pages import HOSTILE, NOW, Client, alert, pages, reading, tell_a_story

from tagtide.bootstrap import App
from tagtide.core.access import Scope
from tagtide.jobs import Health
from tagtide.models import (
    Campaign,
    CampaignHashtag,
    CounterSource,
    Creator,
    HashtagOutcome,
    Job,
    Reason,
    Role,
    Status,
    Video,
    VideoCounters,
    VideoSeen,
)
from tagtide.ports import Changes, Claim, Sighting, StoredReport
from tagtide.services.accounts import make_token
from tagtide.services.report import report_daily, report_weekly
from tagtide.web import make_app
from workbook_reader import read_workbook

HOUR = timedelta(hours=1)
Story = Callable[[App, Client], Awaitable[None]]
LONG = "w" * 280
RIGHT_TO_LEFT = "عطر_الصباح"


def told(folder: Path, story: Story) -> None:
    async def main() -> None:
        async with pages(folder) as (app, get):
            await story(app, get)

    asyncio.run(main())


def seen(number: int, views: int | None, caption: str = "hello", name: str = "ann") -> VideoSeen:
    creator = Creator(
        creator_key=f"sec{number % 4}", sec_uid=None, uid=None, username=name, nickname=name
    )
    video = Video(
        video_id=str(7_000_000 + number),
        creator=creator,
        caption=caption,
        created_at=NOW - 3 * HOUR,
    )
    counters = VideoCounters(
        view_count=views,
        like_count=None if views is None else views // 10,
        comment_count=0,
        share_count=0,
        save_count=None,
        source=CounterSource.STATISTICS,
    )
    return VideoSeen(video=video, counters=counters)


async def see(app: App, campaign: Campaign, *videos: VideoSeen, hashtag: str = "glow") -> None:
    page = Sighting(
        hashtag=hashtag,
        campaign_ids=(campaign.campaign_id,),
        read_at=NOW - HOUR,
        videos=videos,
        run_id=None,
    )
    await app.store.commit(Changes(sightings=(page,)))


@contextlib.asynccontextmanager
async def served(app: App, *, is_open: bool) -> AsyncIterator[httpx2.AsyncClient]:
    """Somebody who operates (the open demo), or else a reader with a token."""
    headers = {"origin": "http://localhost"}
    if not is_open:
        _, secret = await make_token(app.accounts, "reader", Scope.READ, by="a test", user=None)
        headers["authorization"] = f"Bearer {secret}"
    transport = httpx2.ASGITransport(app=make_app(app, Health(), is_open=is_open))
    async with httpx2.AsyncClient(
        transport=transport, base_url="http://localhost", headers=headers
    ) as web:
        yield web


def of(campaign: Campaign, *rest: str) -> str:
    return "/".join([f"/campaigns/{campaign.campaign_id}", *rest])


# --- what they say --------------------------------------------------------------------------------


def test_without_a_campaign_the_pages_say_what_will_be_there(tmp_path: Path) -> None:
    async def story(_: App, get: Client) -> None:
        listed = (await get("/campaigns")).text
        assert "There is no campaign yet." in listed
        assert "tagtide campaign add" in listed
        assert "First there must be a campaign." in (await get("/reports")).text
        for path in ("/campaigns/1", "/campaigns/1/weekly", "/campaigns/1/hashtags/glow"):
            answer = await get(path)
            assert answer.status_code == 404
            assert "There is no such campaign." in answer.text

    told(tmp_path, story)


def test_a_campaign_that_was_never_read(tmp_path: Path) -> None:
    async def story(app: App, get: Client) -> None:
        own = (CampaignHashtag(name="new"),)
        campaign = await app.store.add_campaign(Campaign(name="New", hashtags=own))
        assert "Nothing has been read yet." in (await get(of(campaign))).text
        videos = (await get(of(campaign, "content"))).text
        assert "No video of this campaign is held yet." in videos
        assert "no reading yet" in (await get(of(campaign, "hashtags"))).text
        assert "#new has not been read yet." in (await get(of(campaign, "hashtags", "new"))).text
        weekly = (await get(of(campaign, "weekly"))).text
        assert "There is no weekly report of this campaign yet." in weekly
        # Unknown is a dash with its reason; nothing claims to be 0.
        assert re.search(
            r"<dt>Views</dt><dd><a[^>]*><span[^>]*>–<span", (await get(of(campaign))).text
        )

    told(tmp_path, story)


def test_growth_is_told_with_its_span_and_its_sample(tmp_path: Path) -> None:
    async def story(app: App, get: Client) -> None:
        campaign = await tell_a_story(app)
        await see(app, campaign, *(seen(n, 1000 * n) for n in range(1, 4)), seen(4, None))
        text = (await get(of(campaign) + "?period=24h")).text
        assert "1 own hashtag gained" in text
        assert "1 of 1 own hashtag" in text
        assert "of 4 in all" in text
        videos = (await get(of(campaign, "content"))).text
        assert "4 new videos by 4 creators in 7 days, with 6,000 views so far." in videos
        assert "known of 3, unknown of 1" in videos
        assert "median of 3 videos" in videos
        tags = (await get(of(campaign, "hashtags"))).text
        assert tags.index("#glow") < tags.index("#aura")
        listed = (await get("/campaigns")).text
        assert "Lumen gained" in listed
        assert re.search(r">\s*4 of \d", listed) or "4 held" in listed

    told(tmp_path, story)


def test_one_video_is_no_crowd(tmp_path: Path) -> None:
    async def story(app: App, get: Client) -> None:
        campaign = await tell_a_story(app)
        await see(app, campaign, seen(1, 500))
        text = (await get(of(campaign, "content"))).text
        assert "1 new video by 1 creator in 7 days, with 500 views so far." in text
        assert "Half of the videos have an engagement rate above 10.0 %" in text

    told(tmp_path, story)


def test_the_page_of_a_hashtag_holds_its_rows_and_its_rules(tmp_path: Path) -> None:
    async def story(app: App, get: Client) -> None:
        campaign = await tell_a_story(app)
        odd = replace(
            reading("glow", NOW - 2 * HOUR, None, 420), flags=("view_count:negative",), run_id=None
        )
        await app.store.commit(Changes(readings=(odd,)))
        text = (await get(of(campaign, "hashtags", "glow"))).text
        assert "view count: negative" in text
        assert "TikTok did not say" in text
        assert "statsV2" in text
        assert "the threshold is 200 per 6 h" in text
        assert "It has learned nothing of this hashtag yet." in text
        # What the campaign does not hold has no page in it.
        assert (await get(of(campaign, "hashtags", "other"))).status_code == 404

    told(tmp_path, story)


def test_readings_are_paged_from_the_newest_on(tmp_path: Path) -> None:
    async def story(app: App, get: Client) -> None:
        campaign = await tell_a_story(app)
        found = tuple(reading("aura", NOW - n * HOUR, 5_000 - n, None) for n in range(1, 121))
        await app.store.commit(Changes(readings=found))
        path, shown = of(campaign, "hashtags", "aura"), []
        while path:
            text = (await get(path)).text
            shown += re.findall(r'<td class="n">(4,\d{3})</td>', text)
            link = re.search(r'href="([^"]*before=[^"]*)" rel="next"', text)
            path = link[1].replace("&amp;", "&") if link else ""
        assert shown == [f"{5_000 - n:,}" for n in range(1, 121)]

    told(tmp_path, story)


def test_a_read_that_failed_is_hatched(tmp_path: Path) -> None:
    async def story(app: App, get: Client) -> None:
        campaign = await tell_a_story(app)
        glow = (await get(of(campaign, "hashtags", "glow"))).text
        aura = (await get(of(campaign, "hashtags", "aura"))).text
        assert "hatched" not in glow
        assert "hatched: reads that failed" in aura
        assert "the data API had an error" in aura

    told(tmp_path, story)


async def paused(app: App) -> Campaign:
    """A hashtag that the API refused three times."""
    store = app.store
    own = (CampaignHashtag(name="gone"),)
    campaign = await store.add_campaign(Campaign(name="Gone", hashtags=own))
    for n in range(3):
        at = NOW - (5 - n) * HOUR
        run = await store.start_run(Job.TRACK, campaign.campaign_id, at, "schedule", at)
        claim = await store.claim_slot(Job.TRACK, "gone", at, run.run_id, at, HOUR)
        assert isinstance(claim, Claim)
        bad = HashtagOutcome(hashtag="gone", status=Status.FAILED, reason=Reason.NOT_FOUND)
        await store.commit(Changes(outcome=bad, outcome_claim=claim))
        await store.finish_run(run.run_id, Status.FAILED, Reason.NOT_FOUND, at, Changes())
    return campaign


def test_an_operator_ends_a_pause_and_nobody_else(tmp_path: Path) -> None:
    async def story(app: App, get: Client) -> None:
        campaign = await paused(app)
        path = of(campaign, "hashtags", "gone")
        for is_open, status in ((False, 403), (True, 303)):
            async with served(app, is_open=is_open) as web:
                text = (await web.get(path)).text
                assert "#gone is paused: nothing there to read." in text
                assert ("An operator can end the pause." in text) is not is_open
                assert ("Read it again" in text) is is_open
                answer = await web.post(f"{path}/resume", data={"back": path})
                assert answer.status_code == status
                state = (await app.store.hashtag_states(["gone"]))["gone"]
                assert (state.paused_at is None) is is_open
        assert answer.headers["location"] == path
        assert "is paused" not in (await get(path)).text

    told(tmp_path, story)


# --- periods --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "status", "said"),
    [
        ("period=24h", 200, "1 Mar 2026, 13:00 to 2 Mar 2026, 13:00"),
        ("period=28d", 200, "2 Feb 2026, 13:00 to 2 Mar 2026, 13:00"),
        ("period=campaign", 200, "21 Feb 2026, 13:00 to 2 Mar 2026, 13:00"),
        ("from=2026-02-25&to=2026-02-26", 200, "25 Feb 2026, 00:00 to 27 Feb 2026, 00:00"),
        ("from=2026-03-01", 200, "1 Mar 2026, 00:00 to 2 Mar 2026, 13:00"),
        ("period=week", 422, "There is no period"),
        ("from=2026-03-02&to=2026-03-01", 422, "the last day is before the first"),
        ("from=2026-03-09", 422, "This is no period"),
        ("from=x", 422, "is not one"),
        ("to=2026-03-01", 422, "is not one"),
        ("from=0001-01-01&to=9999-12-31", 422, "is not one"),
        ("period=%3Cscript%3E", 422, "&lt;script&gt;"),
    ],
)
def test_periods_are_those_of_the_campaigns_zone(
    tmp_path: Path, query: str, status: int, said: str
) -> None:
    async def story(app: App, get: Client) -> None:
        campaign = await tell_a_story(app)
        for path in (of(campaign), of(campaign, "hashtags"), of(campaign, "hashtags", "glow")):
            answer = await get(f"{path}?{query}")
            assert answer.status_code == status, path
            assert said in answer.text, path

    told(tmp_path, story)


# --- reports --------------------------------------------------------------------------------------


def test_a_report_is_a_document_of_its_own_under_its_own_policy(tmp_path: Path) -> None:
    async def story(app: App, get: Client) -> None:
        campaign = await tell_a_story(app)
        await see(app, campaign, seen(1, 5_000, caption="<script>alert(1)</script>"))
        report = await report_daily(app.context, campaign)
        root = f"/reports/{campaign.campaign_id}/daily/{report.on}"
        shown = await get(f"{root}.html")
        policy = shown.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "sandbox" in policy
        assert "unsafe-inline" not in policy
        assert "nonce" not in policy
        assert shown.headers.get_list("content-security-policy") == [policy]
        assert "<script>alert" not in shown.text
        assert "&lt;script&gt;" in shown.text
        body = json.loads((await get(f"{root}.json")).text)
        assert body["total_videos"] == 1
        text = await get(f"{root}.md")
        assert "attachment" in text.headers["content-disposition"]
        assert text.text.startswith("# ")
        assert (await get(f"{root}.pdf")).content.startswith(b"%PDF-")
        sheets = await get(f"{root}.xlsx")
        assert "attachment" in sheets.headers["content-disposition"]
        book = read_workbook(sheets.content)
        assert book.dangers == []
        assert 5_000.0 in book.sheets["Top videos by engagement"].column("Views")
        assert (await get(f"{root}.docx")).status_code == 404
        assert (
            await get(f"/reports/{campaign.campaign_id}/daily/2020-01-01.html")
        ).status_code == 404
        assert (
            await get(f"/reports/{campaign.campaign_id}/other/{report.on}.html")
        ).status_code == 404
        listed = (await get("/reports")).text
        assert f'href="{root}.html"' in listed

    told(tmp_path, story)


def test_a_report_of_an_older_version_is_there_as_json(tmp_path: Path) -> None:
    async def story(app: App, get: Client) -> None:
        campaign = await tell_a_story(app)
        old = StoredReport(
            campaign_id=campaign.campaign_id,
            kind="weekly",
            on=date(2026, 2, 23),
            made_at=NOW,
            body={"week": "2026-W09", "hashtags": [], "as_of": "2026-02-23T08:00:00Z"},
        )
        await app.store.put_report(old)
        root = f"/reports/{campaign.campaign_id}/weekly/2026-02-23"
        assert (await get(f"{root}.html")).status_code == 404
        assert (await get(f"{root}.json")).status_code == 200
        assert f'href="{root}.html"' not in (await get("/reports")).text
        weekly = (await get(of(campaign, "weekly"))).text
        assert "What changed this week is not known." in weekly
        # One whose blocks nobody knows any more is the same.
        await app.store.put_report(replace(old, document=[{"block": "Hologram"}]))
        assert (await get(f"{root}.html")).status_code == 404

    told(tmp_path, story)


def test_the_weekly_report_as_a_table(tmp_path: Path) -> None:
    async def story(app: App, get: Client) -> None:
        campaign = await tell_a_story(app)
        weeks = tuple(
            reading("glow", NOW - timedelta(days=7 * n, hours=2), 900_000 - 10_000 * n, 300 - n)
            for n in range(1, 6)
        )
        await app.store.commit(Changes(readings=weeks))
        report = await report_weekly(app.context, campaign)
        text = (await get(of(campaign, "weekly"))).text
        assert "spike" in text
        assert "scatters from the usual week of" in text
        assert "never read" in text
        assert (await get(of(campaign, "weekly") + f"?day={report.on}&rows=all")).status_code == 200
        for day in ("2020-01-01", "x", "'"):
            assert (await get(of(campaign, "weekly") + f"?day={day}")).status_code == 404

    told(tmp_path, story)


def test_making_a_report_is_for_operators(tmp_path: Path) -> None:
    async def story(app: App, get: Client) -> None:
        campaign = await tell_a_story(app)
        fields = {"campaign": str(campaign.campaign_id), "kind": "weekly", "back": "//evil.example"}
        for is_open, status, kept in ((False, 403, 0), (True, 303, 1)):
            async with served(app, is_open=is_open) as web:
                assert ("Make one now" in (await web.get("/reports")).text) is is_open
                answer = await web.post("/reports", data=fields)
                assert answer.status_code == status
                assert len(await app.store.report_names()) == kept
                if is_open:
                    assert answer.headers["location"] == "/reports"
                    bad = await web.post("/reports", data=fields | {"kind": "x"})
                    assert bad.status_code == 422

    told(tmp_path, story)


# --- strangers ------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", [*HOSTILE, LONG, RIGHT_TO_LEFT, "👩‍🚀 #x"])
def test_what_strangers_write_stays_text(tmp_path: Path, text: str) -> None:
    async def story(app: App, get: Client) -> None:
        own = (CampaignHashtag(name="glow"), CampaignHashtag(name=text, role=Role.COMPETITOR))
        campaign = await app.store.add_campaign(
            Campaign(name=text, hashtags=own, created_at=NOW - timedelta(days=9))
        )
        readings = tuple(
            reading(tag.name, NOW - n * HOUR, 50_000 - 100 * n, 40) for tag in own for n in (1, 30)
        )
        told_of = alert(campaign.campaign_id, reason=text, fired_at=NOW - HOUR)
        await app.store.commit(Changes(readings=readings, alerts=(told_of,)))
        await see(app, campaign, *(seen(n, 900 * n, text, text) for n in range(1, 5)))
        await report_weekly(app.context, campaign)
        await report_daily(app.context, campaign)
        paths = ["/campaigns", "/reports", *(of(campaign, *p) for p in PAGES)]
        paths.append(of(campaign, "hashtags", quote(text, safe="")))
        for path in paths:
            answer = await get(path)
            # A name with a slash is no hashtag, and has no page.
            is_none = "/" in text and path is paths[-1]
            assert answer.status_code == (404 if is_none else 200), path
            page = re.sub(
                r"<script type=\"application/json\">.*?</script>", "", answer.text, flags=re.DOTALL
            )
            for trace in ("<script>alert", "<img src=x", 'onmouseover="', "49{%", "\u202e", "\x1b"):
                assert trace not in page, path
            assert 'href="javascript:' not in page, path

    told(tmp_path, story)


PAGES = ((), ("content",), ("hashtags",), ("weekly",), ("hashtags", "glow"))
