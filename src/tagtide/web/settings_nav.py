"""Places within the settings."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import Request

from tagtide.core.access import Need
from tagtide.web.access import need_of
from tagtide.web.frame import visitor_of


@dataclass(frozen=True, slots=True)
class Tab:
    """One of them."""

    name: str
    path: str


_TABS = (
    Tab("Campaigns", "/settings"),
    Tab("Channels", "/settings/channels"),
    Tab("Schedules", "/settings/schedules"),
    Tab("Mutes", "/settings/mutes"),
    Tab("Users", "/settings/users"),
    Tab("Tokens", "/settings/tokens"),
    Tab("About", "/settings/about"),
)


def tabs_of(request: Request) -> list[Tab]:
    """Those whose page exists and is open to the visitor."""
    visitor, paths = visitor_of(request), request.app.state.paths
    return [
        tab
        for tab in _TABS
        if tab.path in paths and visitor.may(need_of("GET", tab.path) or Need.ADMIN)
    ]
