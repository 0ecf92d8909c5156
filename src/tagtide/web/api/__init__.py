"""The REST API under ``/api/v1``: the same facts and the same acts as the pages, as data."""

from __future__ import annotations

from fastapi import APIRouter

from tagtide.web.api import campaigns, exports, today


def api_routers() -> list[APIRouter]:
    """The routes of every topic."""
    return [topic.router() for topic in (today, campaigns, exports)]
