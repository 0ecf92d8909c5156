"""The REST API under ``/api/v1``: the same facts and the same acts as the pages, as data."""

from __future__ import annotations

from functools import cache

from starlette.routing import BaseRoute

from tagtide.web.api import (
    accounts,
    alerts,
    campaigns,
    desk,
    exports,
    installation,
    links,
    reports,
    rules,
    subscriptions,
    today,
    watching,
    work,
)


@cache
def api_routes() -> tuple[BaseRoute, ...]:
    """The routes of every topic; each lets nobody in by itself (`ApiRoute`).

    Made once for all applications of a process: to describe what they answer takes half a second.
    """
    topics = (
        today,
        campaigns,
        rules,
        watching,
        alerts,
        desk,
        work,
        reports,
        links,
        subscriptions,
        exports,
        installation,
        accounts,
    )
    return tuple(route for topic in topics for route in topic.router().routes)
