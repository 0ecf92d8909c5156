"""The pages, one file each: a route gathers facts from `services.views` and shows a template."""

from __future__ import annotations

from fastapi import APIRouter

from tagtide.web.pages import today


def routers() -> list[APIRouter]:
    """The routes of every page."""
    return [today.router()]
