"""The pages, one file each: a route gathers facts from `services.views` and shows a template."""

from __future__ import annotations

from fastapi import APIRouter

from tagtide.web.pages import account, entrance, today, tokens, users
from tagtide.web.pages import desk, today


def routers() -> list[APIRouter]:
    """The routes of every page."""
    return [
        today.router(),
        entrance.router(),
        account.router(),
        users.router(),
        tokens.router(),
    ]
    return [today.router(), desk.router()]
