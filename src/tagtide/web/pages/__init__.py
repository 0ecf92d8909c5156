"""The pages, one file each: a route gathers facts from `services.views` and shows a template."""

from __future__ import annotations

from fastapi import APIRouter

from tagtide.web.pages import (
    account,
    campaign_settings,
    campaigns,
    desk,
    entrance,
    hashtag,
    installation,
    reports,
    rules,
    runs,
    spending,
    today,
    tokens,
    users,
    weekly,
    alerts,
    creators,
    desk,
    entrance,
    search,
    today,
    tokens,
    users,
    videos,
)

_PAGES = (
    today,
    campaigns,
    hashtag,
    weekly,
    reports,
    alerts,
    videos,
    creators,
    search,
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


def routers() -> list[APIRouter]:
    """The routes of every page."""
    return [page.router() for page in _PAGES]
