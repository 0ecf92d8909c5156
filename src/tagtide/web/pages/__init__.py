"""The pages, one file each: a route gathers facts from `services.views` and shows a template."""

from __future__ import annotations

from fastapi import APIRouter

from tagtide.web.pages import (
    account,
    alerts,
    campaign_settings,
    campaigns,
    creators,
    desk,
    entrance,
    hashtag,
    installation,
    reports,
    rules,
    runs,
    search,
    shares,
    spending,
    subscriptions,
    today,
    tokens,
    users,
    videos,
    weekly,
)

_PAGES = (
    today,
    campaigns,
    hashtag,
    weekly,
    shares,
    subscriptions,
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
