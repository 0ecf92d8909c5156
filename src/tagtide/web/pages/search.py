"""The search over campaigns, hashtags, creators and captions."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from tagtide.services.views.lists import SHORTEST, view_search
from tagtide.web.frame import page, shared_of


def router() -> APIRouter:
    """Route of the page."""
    routes = APIRouter()

    @routes.get("/search", response_model=None)
    async def search(request: Request) -> Response:
        query = request.query_params.get("q", "")
        view = await view_search(shared_of(request).app.context, query)
        return await page(request, "search.html.j2", view=view, shortest=SHORTEST)

    return routes
