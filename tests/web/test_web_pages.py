"""The status pages: what they say, what they never do, and what strangers cannot do to them."""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import httpx2
import pytest

import tagtide.web
from tagtide.bootstrap import App, open_app
from tagtide.clock import SimulatedClock
from tagtide.errors import Conflict, StorageUnavailable
from tagtide.jobs import Condition, Health
from tagtide.models import (
    Alert,
    AlertState,
    Campaign,
    CampaignHashtag,
    CounterSource,
    HashtagOutcome,
    HashtagReading,
    Job,
    Notification,
    Reason,
    Role,
    Rule,
    Status,
)
from tagtide.ports import CampaignName, Changes, Claim, QueueChange
from tagtide.settings import load
from tagtide.web import listen, make_app, serve_overview
from tagtide.web.access import ACCESS
from tagtide.web.agents import router as agents_router
from tagtide.web.api import api_routes
from tagtide.web.api.route import ApiRoute
from tagtide.web.assets import address
from tagtide.web.frame import _places
from tagtide.web.guard import host_of
from tagtide.web.pages import routers
from tagtide.web.words import JOBS, RULES, STATUSES, ago, tiktok_only

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '" onmouseover="alert(1)',
    "javascript:alert(1)",
    "{{ 7*7 }}{% raw %}",
    "\u202egnp.exe\u2066",
    "a\x00b\x1b[31m",
]

Client = Callable[..., Awaitable[httpx2.Response]]


@contextlib.asynccontextmanager
async def pages(
    folder: Path, health: Health | None = None, host: str = "127.0.0.1"
) -> AsyncIterator[tuple[App, Client]]:
    """The pages over a store in memory, without a socket."""
    environ = {
        "TAGTIDE_DATABASE_URL": "sqlite://",
        "TAGTIDE_API_URL": "http://127.0.0.1:9",
        "TAGTIDE_WEB__HOST": host,
    }
    loaded = load(environ=environ, cwd=folder)
    async with open_app(loaded, clock=SimulatedClock(NOW)) as app:
        # What the application raises, the server would print: it must raise nothing.
        transport = httpx2.ASGITransport(app=make_app(app, health or Health(), is_open=True))
        async with httpx2.AsyncClient(transport=transport, base_url="http://localhost") as client:

            async def get(path: str, **headers: str) -> httpx2.Response:
                return await client.get(path, headers=headers)

            yield app, get


def reading(name: str, at: datetime, views: int | None, videos: int | None) -> HashtagReading:
    return HashtagReading(
        hashtag=name,
        hashtag_id="1",
        read_at=at,
        view_count=views,
        view_source=CounterSource.STATS_V2 if views is not None else None,
        view_unit=1,
        video_count=videos,
        video_source=CounterSource.STATS_V2 if videos is not None else None,
        video_unit=1,
    )


def alert(campaign_id: int, **more: Any) -> Alert:
    facts: dict[str, Any] = {
        "alert_id": "a1",
        "fingerprint": "f",
        "campaign_id": campaign_id,
        "rule": Rule.VIRAL_VIDEO,
        "hashtag": "glow",
        "video_id": "7",
        "state": AlertState.FIRING,
        "opened_at": NOW - timedelta(hours=1),
        "updated_at": NOW - timedelta(hours=1),
        "resolved_at": None,
        "value": 12.0,
        "threshold": 10.0,
        "peak": 12.0,
        "reason": "A video went viral.",
        "url": "https://www.tiktok.com/tag/glow",
    }
    return Alert(**facts | more)


async def tell_a_story(app: App) -> Campaign:
    """A campaign with a day of readings, a competitor that nobody could read, and an alert."""
    store = app.store
    campaign = await store.add_campaign(
        Campaign(
            name="Lumen",
            hashtags=(
                CampaignHashtag(name="glow"),
                CampaignHashtag(name="aura", role=Role.COMPETITOR),
            ),
            timezone="Europe/Paris",
            created_at=NOW - timedelta(days=9),
        )
    )
    slot_at = NOW - timedelta(hours=1)
    run = await store.start_run(Job.TRACK, campaign.campaign_id, slot_at, "schedule", slot_at)
    lease = timedelta(minutes=1)
    claim = await store.claim_slot(Job.TRACK, "aura", slot_at, run.run_id, slot_at, lease)
    assert isinstance(claim, Claim)
    failed = HashtagOutcome(hashtag="aura", status=Status.FAILED, reason=Reason.UPSTREAM)
    await store.commit(Changes(outcome=failed, outcome_claim=claim))
    first = reading("glow", NOW - timedelta(hours=24), 1_000_000, 400)
    latest = reading("glow", NOW - timedelta(hours=1), 1_234_567, 431)
    await store.commit(Changes(readings=(first, latest), alerts=(alert(campaign.campaign_id),)))
    await store.finish_run(run.run_id, Status.PARTIAL, Reason.UPSTREAM, slot_at, Changes())
    return campaign


def test_the_overview_says_what_changed(tmp_path: Path) -> None:
    async def main() -> None:
        async with pages(tmp_path) as (app, get):
            await tell_a_story(app)
            page = (await get("/")).text
        assert "#glow gained 234.6 k views and 31 videos in 23 h." in page
        assert 'title="1,234,567 · sum over 1 of 1 own hashtags">1.2 M<' in page
        assert "↑ +234.6 k" in page
        assert "A video went viral." in page
        assert "partly done: the data API had an error" in page
        assert "#aura</bdi> failed" in page
        assert "Times are Europe/Paris" in page
        # Unknown is a dash with a reason, never 0.
        assert '–<span class="unseen"> the provider has not said yet</span>' in page

    asyncio.run(main())


def test_an_empty_installation_teaches(tmp_path: Path) -> None:
    async def main() -> None:
        async with pages(tmp_path) as (_, get):
            assert "tagtide campaign add" in (await get("/")).text

    asyncio.run(main())


class Marks(HTMLParser):
    """Every element and attribute of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += [(name, value or "") for name, value in attrs]


@pytest.mark.parametrize("text", HOSTILE)
def test_strangers_text_stays_text(tmp_path: Path, text: str) -> None:
    video = {"video_id": "7", "author_username": text, "view_count": 3, "caption": text}

    async def main() -> str:
        async with pages(tmp_path) as (app, get):
            campaign = await tell_a_story(app)
            bad = alert(
                campaign.campaign_id,
                alert_id="a2",
                fingerprint="g",
                reason=text,
                data={
                    "top_videos": [video | {"url": text}, video | {"url": "https://evil.example/"}]
                },
            )
            await app.store.commit(Changes(alerts=(bad,)))
            return (await get("/")).text

    page = asyncio.run(main())
    marks = Marks()
    marks.feed(page)
    assert not marks.tags & {"img", "iframe", "object", "base"}
    assert page.count("<script") == len(re.findall(r'<script nonce="[0-9a-f]{32}" src="/', page))
    assert not [name for name, _ in marks.attributes if name.startswith("on")]
    links = [value for name, value in marks.attributes if name == "href"]
    assert all(re.match(r"/|#main|data:,$|https://www\.tiktok\.com/", x) for x in links)
    assert not set("\u202e\u2066\x00\x1b") & set(page)


@pytest.mark.parametrize(
    "path", ["/", "/healthz", "/readyz", "/metrics", address("tagtide.css"), "/none"]
)
def test_every_answer_is_guarded(tmp_path: Path, path: str) -> None:
    async def main() -> None:
        async with pages(tmp_path) as (_, get):
            headers = (await get(path)).headers
            policy = headers["content-security-policy"]
            assert re.match(r"default-src 'none'; script-src 'nonce-[0-9a-f]{32}'; ", policy)
            assert "frame-ancestors 'none'" in policy
            assert "unsafe" not in policy
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["referrer-policy"] == "same-origin"
            refused = await get(path, host="evil.example")
            assert refused.status_code == 421
            assert "tagtide" not in refused.text

    asyncio.run(main())


@pytest.mark.parametrize(
    ("configured", "asked", "status"),
    [
        ("127.0.0.1", "localhost:8765", 200),
        ("127.0.0.1", "127.0.0.1", 200),
        ("127.0.0.1", "[::1]:8765", 200),
        ("127.0.0.1", "localhost.evil.example", 421),
        ("127.0.0.1", "", 421),
        ("watch.example", "watch.example:80", 200),
        ("0.0.0.0", "10.0.0.3", 200),
    ],
)
def test_hosts(tmp_path: Path, configured: str, asked: str, status: int) -> None:
    async def main() -> None:
        async with pages(tmp_path, host=configured) as (_, get):
            assert (await get("/healthz", host=asked)).status_code == status

    asyncio.run(main())


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_reading_routes_change_nothing(tmp_path: Path, method: str) -> None:
    async def main() -> None:
        async with pages(tmp_path) as (app, _):
            transport = httpx2.ASGITransport(app=make_app(app, Health(), is_open=True))
            own = {"origin": "http://localhost"}
            async with httpx2.AsyncClient(transport=transport, base_url="http://localhost") as web:
                for path in ("/", "/healthz", "/readyz", "/metrics", address("tagtide.css")):
                    assert (await web.request(method, path, headers=own)).status_code == 405

    asyncio.run(main())


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 403),
        ({"origin": "https://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": "http://localhost:81"}, 403),
        ({"origin": "http://localhost", "sec-fetch-site": "cross-site"}, 403),
        ({"origin": "http://localhost", "sec-fetch-site": "same-site"}, 403),
        ({"sec-fetch-site": "same-origin"}, 403),
        ({"authorization": "Basic x"}, 403),
        ({"origin": "http://localhost", "sec-fetch-site": "same-origin"}, 405),
        ({"origin": "http://localhost"}, 405),
        ({"authorization": "Bearer x"}, 405),
    ],
)
def test_changes_come_from_our_pages_or_with_a_token(
    tmp_path: Path, headers: dict[str, str], status: int
) -> None:
    async def main() -> None:
        async with pages(tmp_path) as (app, _):
            transport = httpx2.ASGITransport(app=make_app(app, Health(), is_open=True))
            async with httpx2.AsyncClient(transport=transport, base_url="http://localhost") as web:
                assert (await web.post("/", headers=headers)).status_code == status

    asyncio.run(main())


def test_every_route_is_in_the_access_table() -> None:
    included = [route for one in [*routers(), agents_router(None)] for route in one.routes]
    declared = {
        (method, route.path) for route in [*included, *api_routes()] for method in route.methods
    }
    probes = {(m, p) for m, p in ACCESS if p in {"/healthz", "/readyz", "/metrics"}}
    assets = {("GET", "/assets/{digest}/{name}"), ("GET", "/api/v1/openapi.json")}
    assert declared | probes | assets == set(ACCESS)


def test_every_route_of_the_api_is_behind_its_door() -> None:
    assert all(isinstance(route, ApiRoute) for route in api_routes())


def test_a_route_that_was_forgotten_is_open_to_nobody(tmp_path: Path) -> None:
    async def main() -> None:
        async with pages(tmp_path) as (_, get):
            assert (await get("/")).status_code == 200
            forgotten = ACCESS.pop(("GET", "/"))
            try:
                assert (await get("/")).status_code == 403
            finally:
                ACCESS[("GET", "/")] = forgotten

    asyncio.run(main())


def test_templates_escape_and_quote() -> None:
    folder = Path(tagtide.web.__file__).parent / "templates"
    found = list(folder.glob("*.j2"))
    assert len(found) > 3
    for file in found:
        text = file.read_text(encoding="utf-8")
        assert not re.search(r"\|\s*safe\b|autoescape|Markup", text), file
        assert not re.search(r"<[a-z][^>{]*\s(?:on[a-z]+|style)\s*=", text), file
        # A table scrolls within its place, so that no page is wider than a phone.
        for table in re.finditer(r"<table", text):
            assert re.search(r'<div class="scroll[^>]*>\s*$', text[: table.start()]), file
        # Every attribute that holds a value of ours is quoted.
        assert not re.search(r"\s[a-z-]+=\{\{", text), file


@pytest.mark.parametrize(
    ("conditions", "status", "word"),
    [
        ([], 200, "ok"),
        ([Condition.CREDITS], 200, "degraded"),
        ([Condition.DATABASE, Condition.AUTH], 200, "degraded"),
        ([Condition.DISK], 503, "down"),
        ([Condition.STARTING], 503, "down"),
    ],
)
def test_readiness(tmp_path: Path, conditions: list[Condition], status: int, word: str) -> None:
    health = Health()
    for condition in conditions:
        health.set(condition, "A sentence.")

    async def main() -> None:
        async with pages(tmp_path, health) as (_, get):
            answer = await get("/readyz")
            assert answer.status_code == status
            assert answer.json()["status"] == word
            assert answer.json()["reasons"] == sorted(c.value for c in conditions)
            page = (await get("/")).text
            assert page.count("A sentence.") == len(conditions)

    asyncio.run(main())


def test_metrics_hold_figures_and_no_names(tmp_path: Path) -> None:
    health = Health()
    health.runs[Job.TRACK, Status.FAILED, Reason.UPSTREAM] += 3
    health.lateness[Job.TRACK] = 4.5

    async def main() -> str:
        async with pages(tmp_path, health) as (app, get):
            await tell_a_story(app)
            return (await get("/metrics")).text

    text = asyncio.run(main())
    assert 'tagtide_runs_total{job="track",reason="upstream",status="failed"} 3.0' in text
    assert 'tagtide_slot_lateness_seconds{job="track"} 4.5' in text
    assert 'tagtide_alerts_firing{rule="viral_video"} 1.0' in text
    for name in ("Lumen", "glow", "sk_"):
        assert name not in text


def test_what_was_not_delivered_is_on_the_page_and_in_the_figures(tmp_path: Path) -> None:
    async def main() -> tuple[str, str]:
        async with pages(tmp_path) as (app, get):
            message = Notification(
                notification_id="n1",
                channel="crm",
                alert_id="a1",
                kind="firing",
                created_at=NOW - timedelta(hours=2),
                due_at=NOW,
                payload={"type": "alert.firing", "alert": {"reason": "It <b>grew</b>."}},
            )
            waiting = replace(message, notification_id="n2")
            await app.store.commit(Changes(notifications=(message, waiting)))
            dead = QueueChange(
                channel="crm", fence=0, at=NOW, given_up=("n1",), reason="It was <i>refused</i>."
            )
            assert await app.store.change_queue(dead)
            return (await get("/")).text, (await get("/metrics")).text

    page, figures = asyncio.run(main())
    assert "Messages that were given up" in page
    assert "It &lt;b&gt;grew&lt;/b&gt;." in page
    assert "It was &lt;i&gt;refused&lt;/i&gt;." in page
    assert 'tagtide_outbox{channel="crm",state="dead"} 1.0' in figures
    assert 'tagtide_outbox{channel="crm",state="waiting"} 1.0' in figures
    assert 'tagtide_outbox_oldest_seconds{channel="crm"} 7200.0' in figures
    assert 'tagtide_endpoint{channel="crm",state="failing"} 0.0' in figures


def test_a_lost_database_leaves_the_process_answering(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object) -> None:
        raise StorageUnavailable("The database does not answer.")

    async def main() -> None:
        async with pages(tmp_path) as (app, get):
            monkeypatch.setattr(app.store, "campaigns", away)
            monkeypatch.setattr(app.store, "spent", away)
            assert (await get("/healthz")).status_code == 200
            assert "tagtide_db_errors_total 1.0" in (await get("/metrics")).text
            page = await get("/")
            assert page.status_code == 503
            assert "The database does not answer." in page.text

    asyncio.run(main())


def test_a_fault_of_ours_has_a_number_and_no_details(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object) -> None:
        raise RuntimeError("the secret is sk_live_1")

    async def main() -> None:
        async with pages(tmp_path) as (app, get):
            monkeypatch.setattr(app.store, "campaigns", broken)
            page = await get("/")
            assert page.status_code == 500
            assert "sk_live" not in page.text
            assert "The log has the details under" in page.text
            assert page.headers["x-content-type-options"] == "nosniff"

    asyncio.run(main())


def test_the_overview_alone_on_a_socket(tmp_path: Path) -> None:
    async def main() -> None:
        async with pages(tmp_path) as (app, _):
            told: asyncio.Future[str] = asyncio.get_running_loop().create_future()
            async with asyncio.TaskGroup() as group:
                task = group.create_task(serve_overview(app, "127.0.0.1", 0, told.set_result))
                address = await told
                async with httpx2.AsyncClient(trust_env=False) as client:
                    assert (await client.get(address + "healthz")).text == "ok\n"
                task.cancel()

    asyncio.run(main())


def test_a_taken_port_is_a_conflict() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(Conflict, match="is in use"):
            listen("127.0.0.1", taken.getsockname()[1])


@pytest.mark.parametrize(
    ("header", "host"),
    [("a.b:80", "a.b"), ("A.B", "a.b"), ("[::1]:80", "::1"), ("[::1]", "::1"), ("", "")],
)
def test_host_of(header: str, host: str) -> None:
    assert host_of(header) == host


def test_every_code_has_words_for_people() -> None:
    assert set(RULES) == set(Rule)
    assert set(JOBS) == set(Job)
    assert set(STATUSES) == set(Status)


def test_words() -> None:
    assert ago(NOW - timedelta(hours=3), NOW) == "3 h ago"
    assert ago(NOW + timedelta(minutes=20), NOW) == "in 20 min"
    assert ago(None, NOW) == "–"
    assert tiktok_only("https://www.tiktok.com/tag/a") != ""
    assert tiktok_only("https://www.tiktok.com.evil.example/") == ""
    assert tiktok_only("javascript:alert(1)") == ""


def test_places_to_go_to_are_written_again_when_a_name_changes() -> None:
    one = CampaignName(campaign_id=1, name="<b>One", hashtags=("a&b", "c"))
    said = _places((one,))
    assert said == _places((replace(one),))
    assert "&lt;b&gt;One" in said
    assert '<a href="/campaigns/1/hashtags/a%26b"><bdi>#a&amp;b</bdi>' in said
    assert "#d" in _places((replace(one, hashtags=("d",)),))
    assert "#d" not in _places((one,))
