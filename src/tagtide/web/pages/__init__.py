"""The pages, one file each: a route gathers facts from `services.views` and shows a template."""

from __future__ import annotations

from fastapi import APIRouter

from tagtide.web.pages import (
    account,
    desk,
    entrance,
    campaign_settings,
    entrance,
    installation,
    rules,
    runs,
    spending,
    today,
    tokens,
    users,
)

_PAGES = (
    today,
    desk,
    entrance,
    account,
    users,
    tokens,
)


def routers() -> list[APIRouter]:
    """The routes of every page."""
    return [page.router() for page in _PAGES]
    return [
        today.router(),
        entrance.router(),
        account.router(),
        users.router(),
        tokens.router(),
        runs.router(),
        spending.router(),
        campaign_settings.router(),
        rules.router(),
        installation.router(),
    ]
