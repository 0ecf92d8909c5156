"""The pages, one file each: a route gathers facts from `services.views` and shows a template."""

from __future__ import annotations

from fastapi import APIRouter

from tagtide.web.pages import (
    account,
    campaign_settings,
    desk,
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
    runs,
    spending,
    campaign_settings,
    rules,
    installation,
    users,
    tokens,
    account,
    entrance,
)
from tagtide.web.pages import campaigns, hashtag, reports, today, weekly


def routers() -> list[APIRouter]:
    """The routes of every page."""
    return [page.router() for page in _PAGES]
    return [
        today.router(),
        campaigns.router(),
        weekly.router(),
        hashtag.router(),
        reports.router(),
    ]
