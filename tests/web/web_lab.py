"""The whole server over a store in memory, without a socket, and browsers that look at it."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import httpx2
import pytest
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts

from tagtide.bootstrap import App, open_app
from tagtide.clock import SimulatedClock
from tagtide.core.access import Role, Scope
from tagtide.jobs import Health
from tagtide.passwords import ArgonPasswords
from tagtide.ports import User
from tagtide.services.accounts import add_user, make_token
from tagtide.settings import load
from tagtide.web import make_app

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
HOME = "http://localhost"
PUBLIC = "https://tagtide.example.com"
GOOD = "kumquat marmalade"


@dataclass
class Lab:
    """A server, and what is behind it."""

    app: App
    asgi: Any
    clock: SimulatedClock
    #: Undone when the server is gone.
    patch: pytest.MonkeyPatch

    @property
    def web(self) -> FastAPI:
        return cast("FastAPI", self.asgi._inner)

    @contextlib.asynccontextmanager
    async def browser(
        self, home: str = HOME, peer: str = "127.0.0.1", **headers: str
    ) -> AsyncIterator[Browser]:
        transport = httpx2.ASGITransport(app=self.asgi, client=(peer, 4711))
        async with httpx2.AsyncClient(transport=transport, base_url=home, headers=headers) as inner:
            yield Browser(inner, home)

    async def user(self, name: str, role: Role, password: str = GOOD) -> User:
        return await add_user(self.app.accounts, name, password, role, by="command line")

    async def token(self, scope: Scope, user: User | None = None) -> str:
        name = f"{scope.value} of {user.name if user else 'nobody'}"
        _, secret = await make_token(self.app.accounts, name, scope, by="command line", user=user)
        return secret


@dataclass
class Browser:
    """Somebody at the pages; sends what a browser sends with a form of our pages."""

    inner: httpx2.AsyncClient
    home: str

    async def get(self, path: str, **headers: str) -> httpx2.Response:
        return await self.inner.get(path, headers=headers)

    async def post(self, path: str, **fields: str) -> httpx2.Response:
        own = {
            "origin": self.home,
            "sec-fetch-site": "same-origin",
            "content-type": "application/x-www-form-urlencoded",
        }
        return await self.inner.post(path, data=fields, headers=own)

    async def log_in(self, name: str, password: str = GOOD) -> httpx2.Response:
        answer = await self.post("/login", name=name, password=password)
        assert answer.status_code == 303, answer.text
        return answer

    @property
    def session(self) -> str | None:
        cookies = {cookie.name: cookie.value for cookie in self.inner.cookies.jar}
        return cookies.get("tagtide") or cookies.get("__Host-tagtide")


@contextlib.asynccontextmanager
async def opened(
    folder: Path, *, is_open: bool | None = None, **settings: str
) -> AsyncIterator[Lab]:
    """A server with settings such as ``web__host``."""
    environ = {
        "TAGTIDE_DATABASE_URL": "sqlite://",
        "TAGTIDE_API_URL": "http://127.0.0.1:9",
        **{f"TAGTIDE_{key.upper()}": value for key, value in settings.items()},
    }
    clock = SimulatedClock(NOW)
    async with open_app(load(environ=environ, cwd=folder), clock=clock) as real:
        cheap = ArgonPasswords(memory_kib=8, passes=1)
        app = replace(real, accounts=replace(real.accounts, passwords=cheap))
        with pytest.MonkeyPatch.context() as patch:
            yield Lab(app, make_app(app, Health(), is_open=is_open), clock, patch)


def routes_of(web: FastAPI) -> Iterator[tuple[str, Any]]:
    """Every method and route of a server, as its router has them."""
    for route in iter_route_contexts(web.routes):
        for method in sorted(route.methods or ()):
            yield method, route
