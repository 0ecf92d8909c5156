"""A report handed out by a link: frozen, for whoever has it, until it ends."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import httpx2
import pytest
from test_web_campaigns import see, seen
from test_web_pages import NOW, tell_a_story

from tagtide.bootstrap import App, open_app
from tagtide.clock import SimulatedClock
from tagtide.core.access import Scope
from tagtide.jobs import Health
from tagtide.services.accounts import make_token
from tagtide.services.report import report_daily, report_weekly
from tagtide.settings import load
from tagtide.web import make_app

Ask = Callable[..., Awaitable[httpx2.Response]]


@asynccontextmanager
async def served(folder: Path) -> AsyncIterator[tuple[App, SimulatedClock, Ask]]:
    """The pages with accounts on, and an operator's token."""
    clock = SimulatedClock(NOW)
    environ = {
        "TAGTIDE_DATABASE_URL": f"sqlite:///{folder}/tagtide.db",
        "TAGTIDE_API_URL": "http://127.0.0.1:9",
    }
    async with open_app(load(environ=environ, cwd=folder), clock=clock) as app:
        secrets = {}
        for scope in (Scope.READ, Scope.OPERATE):
            _, secrets[scope] = await make_token(app.accounts, scope.value, scope, by="test")
        transport = httpx2.ASGITransport(app=make_app(app, Health()))
        async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:

            async def ask(
                method: str, path: str, scope: Scope | None = None, **fields: str
            ) -> httpx2.Response:
                headers = {"Authorization": f"Bearer {secrets[scope]}"} if scope else {}
                if method == "POST":
                    headers["Origin"] = "http://127.0.0.1"
                    return await client.post(path, data={"back": "/", **fields}, headers=headers)
                return await client.get(path, headers=headers)

            yield app, clock, ask


def told(folder: Path, story: Callable[[App, SimulatedClock, Ask, str], Awaitable[None]]) -> None:
    """Tell a story in which a report was made; ``root`` is its address."""

    async def main() -> None:
        async with served(folder) as (app, clock, ask):
            campaign = await tell_a_story(app)
            await see(app, campaign, seen(1, 5_000, caption="first <b>words</b>"))
            report = await report_daily(app.context, campaign)
            await story(app, clock, ask, f"/reports/{campaign.campaign_id}/daily/{report.on}")

    asyncio.run(main())


async def linked(ask: Ask, root: str, **fields: str) -> str:
    """The path of a new link."""
    answer = await ask("POST", f"{root}/share", Scope.OPERATE, **fields)
    assert answer.status_code == 200, answer.text
    found = re.search(r"<code>http://127\.0\.0\.1(/shared/[0-9a-f]{32})</code>", answer.text)
    assert found is not None
    return found[1]


def test_whoever_has_the_link_sees_the_report_as_it_was(tmp_path: Path) -> None:
    async def story(app: App, clock: SimulatedClock, ask: Ask, root: str) -> None:
        link = await linked(ask, root)
        shown = await ask("GET", link)
        assert shown.status_code == 200
        assert "first &lt;b&gt;words" in shown.text
        assert shown.headers["x-robots-tag"] == "noindex, nofollow"
        assert shown.headers["cache-control"] == "private, no-store"
        assert "script-src" not in shown.headers["content-security-policy"]
        # The report of the day is made again; the copy stays what it was.
        (campaign,) = await app.store.campaigns()
        await see(app, campaign, seen(2, 9_000_000, caption="second"))
        await report_daily(app.context, campaign)
        assert "second" in (await ask("GET", f"{root}.html", Scope.READ)).text
        assert (await ask("GET", link)).text == shown.text
        assert (await ask("GET", f"{link}/report.pdf")).content.startswith(b"%PDF-")
        assert (await ask("GET", f"{link}/report.docx")).status_code == 404
        listed = (await ask("GET", "/reports/links", Scope.READ)).text
        assert "3 times" in listed
        assert link not in listed

    told(tmp_path, story)


def test_a_link_ends_and_says_no_more_than_that(tmp_path: Path) -> None:
    async def story(app: App, clock: SimulatedClock, ask: Ask, root: str) -> None:
        ended, over, good = [await linked(ask, root, expires="7") for _ in range(3)]
        (share, *_) = [s for s in await app.store.shares() if s.share_id == 1]
        answer = await ask("POST", f"/reports/links/{share.share_id}/revoke", Scope.OPERATE)
        assert answer.status_code == 303
        never = (await ask("GET", "/shared/" + "0" * 32)).text
        assert (await ask("GET", good)).status_code == 200
        assert (await ask("GET", ended)).status_code == 404
        assert (await ask("GET", ended)).text == never
        clock.advance(timedelta(days=8))
        assert (await ask("GET", over)).status_code == 404
        assert (await ask("GET", f"{over}/report.pdf")).status_code == 404
        assert "has ended, or was never made" in never

    told(tmp_path, story)


def test_only_operators_make_and_end_links(tmp_path: Path) -> None:
    async def story(app: App, clock: SimulatedClock, ask: Ask, root: str) -> None:
        for scope, status in ((Scope.READ, 403), (None, 401)):
            assert (await ask("POST", f"{root}/share", scope)).status_code == status
            assert (await ask("POST", "/reports/links/1/revoke", scope)).status_code == status
        assert await app.store.shares() == []
        assert "Make a link" not in (await ask("GET", "/reports", Scope.READ)).text
        assert "Make a link" in (await ask("GET", "/reports", Scope.OPERATE)).text

    told(tmp_path, story)


@pytest.mark.parametrize("expires", ["0", "-1", "9999", "x", "1e9"])
def test_a_life_that_is_not_offered_is_refused(tmp_path: Path, expires: str) -> None:
    async def story(app: App, clock: SimulatedClock, ask: Ask, root: str) -> None:
        answer = await ask("POST", f"{root}/share", Scope.OPERATE, expires=expires)
        assert answer.status_code == 422
        assert await app.store.shares() == []

    told(tmp_path, story)


def test_a_report_is_handed_out_in_its_language_and_pages_around_say_so(tmp_path: Path) -> None:
    async def story(app: App, clock: SimulatedClock, ask: Ask, root: str) -> None:
        (campaign,) = await app.store.campaigns()
        await report_daily(app.context, campaign, "de")
        await report_weekly(app.context, campaign, "de")
        page = (await ask("GET", await linked(ask, root))).text
        assert '<html lang="de">' in page
        assert "<title>Tagesbericht: " in page
        kept = await ask("GET", f"{root}.md", Scope.READ)
        assert "Tagesbericht" in kept.text
        weekly = (await ask("GET", f"/campaigns/{campaign.campaign_id}/weekly", Scope.READ)).text
        assert '<html lang="en"' in weekly
        assert re.search(r'<h1 class="lead" lang="de">Was sich in dieser Woche', weekly)
        assert re.search(r'<span class="soft small" lang="de">', weekly)

    told(tmp_path, story)


def test_programs_make_list_and_end_links(tmp_path: Path) -> None:
    async def main() -> None:
        async with served(tmp_path) as (app, _, ask):
            campaign = await tell_a_story(app)
            await see(app, campaign, seen(1, 5_000, caption="first"))
            report = await report_daily(app.context, campaign)
            root = f"/api/v1/reports/{campaign.campaign_id}/daily/{report.on}/links"
            _, secret = await make_token(app.accounts, "program", Scope.OPERATE, by="test")
            transport = httpx2.ASGITransport(app=make_app(app, Health()))
            headers = {"Authorization": f"Bearer {secret}"}
            async with httpx2.AsyncClient(
                transport=transport, base_url="http://127.0.0.1", headers=headers
            ) as client:
                key = {"Idempotency-Key": "monday"}
                made = await client.post(root, json={"expires_in_days": 7}, headers=key)
                assert made.status_code == 201, made.text
                path = made.json()["url"].removeprefix("http://127.0.0.1")
                assert (await ask("GET", path)).status_code == 200
                again = await client.post(root, json={"expires_in_days": 7}, headers=key)
                assert again.json()["link"]["link_id"] == made.json()["link"]["link_id"]
                assert again.json()["url"] is None
                for body in ({"expires_in_days": 0}, {"expires_in_days": 367}, {"days": 7}):
                    assert (await client.post(root, json=body)).status_code == 422
                missing = root.replace(str(report.on), "2020-01-01")
                assert (await client.post(missing, json={})).status_code == 404
                (link,) = (await client.get("/api/v1/reports/links")).json()["links"]
                assert (link["is_good"], link["opened"]) == (True, 1)
                assert secret not in str(link)
                ended = await client.delete(f"/api/v1/reports/links/{link['link_id']}")
                assert ended.json()["is_good"] is False
                assert (await ask("GET", path)).status_code == 404
                assert (await client.delete("/api/v1/reports/links/99")).status_code == 404

    asyncio.run(main())
