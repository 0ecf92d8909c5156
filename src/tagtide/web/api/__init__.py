"""The REST API under ``/api/v1``: the same facts and the same acts as the pages, as data."""

from __future__ import annotations

from fastapi import APIRouter

from tagtide.web.api import alerts, campaigns, exports, today, watching, work


def api_routers() -> list[APIRouter]:
    """The routes of every topic."""
    return [topic.router() for topic in (today, campaigns, watching, alerts, work, exports)]
