"""What tests of the pages about runs, credits and settings work with."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tagtide.bootstrap import App, open_app
from tagtide.clock import SimulatedClock
from tagtide.core.access import How, Identity, Need
from tagtide.core.access import Role as AccountRole
from tagtide.jobs import Health
from tagtide.models import Campaign, CampaignHashtag, Role
from tagtide.settings import load
from tagtide.web import app as web_app
from tagtide.web import make_app
from tagtide.web.live import Live

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)
_ROLES = {
    Need.READ: AccountRole.VIEWER,
    Need.OPERATE: AccountRole.OPERATOR,
    Need.ADMIN: AccountRole.ADMIN,
}
OWN = {"origin": "http://localhost"}

SETTINGS = """
[api]
url = "http://127.0.0.1:9"
[channels.team]
kind = "slack"
url = "https://hooks.slack.com/services/T00/B00/verysecret"
[channels.crm]
kind = "webhook"
url = "https://crm.example/hooks/alsosecret"
"""


@dataclass
class Desk:
    """The pages over a store in memory, as somebody sees them."""

    app: App
    live: Live
    client: httpx2.AsyncClient
    clock: SimulatedClock
    health: Health

    async def get(self, path: str, status: int = 200) -> str:
        answer = await self.client.get(path)
        assert answer.status_code == status, answer.text
        return answer.text

    async def post(self, path: str, /, **fields: Any) -> httpx2.Response:
        return await self.client.post(path, data=fields, headers=OWN)

    async def add(self, name: str = "Lumen", **more: Any) -> Campaign:
        facts: dict[str, Any] = {
            "hashtags": (
                CampaignHashtag(name="glow"),
                CampaignHashtag(name="aura", role=Role.COMPETITOR, feed=False),
            ),
            "timezone": "Europe/Paris",
            "created_at": self.clock.now() - 9 * DAY,
        }
        return await self.app.store.add_campaign(Campaign(name=name, **facts | more))


@contextlib.asynccontextmanager
async def desk(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    level: Need = Need.ADMIN,
    source: bool = True,
    source_of: Any = None,
) -> AsyncIterator[Desk]:
    """Args: level of the visitor; whether the data API may be called; a data API to call."""
    file = folder / "tagtide.toml"
    file.write_text(SETTINGS, encoding="utf-8")
    file.chmod(0o600)
    loaded = load(config=str(file), environ={"TAGTIDE_DATABASE_URL": "sqlite://"}, cwd=folder)

    async def somebody(_: Any) -> Identity:
        return Identity(how=How.SESSION, user_id=1, name="ana", role=_ROLES[level])

    monkeypatch.setattr(web_app, "identity_of", somebody)
    clock, health = SimulatedClock(NOW), Health()
    async with open_app(loaded, clock=clock, source=source) as opened:
        chosen = source_of or opened.context.source
        app = replace(opened, context=replace(opened.context, source=chosen))
        live = Live(app, health)
        transport = httpx2.ASGITransport(app=make_app(app, health, live=live))
        async with (
            live.open(),
            httpx2.AsyncClient(transport=transport, base_url="http://localhost") as client,
        ):
            yield Desk(app, live, client, clock, health)
