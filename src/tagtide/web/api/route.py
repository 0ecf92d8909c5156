"""What every route of the API has: a description of its failures, and an ETag on what it reads."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.routing import APIRoute

PREFIX = "/api/v1"
_READ = "private, no-cache"


class ApiRoute(APIRoute):
    """Answers to GET carry an ETag; who has the same already gets 304 and no body."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler of the route, with the ETag around it."""
        inner = super().get_route_handler()

        async def handler(request: Request) -> Response:
            response = await inner(request)
            if request.method != "GET" or response.status_code != 200 or not _has_body(response):
                return response
            tag = etag_of(bytes(response.body))
            headers = {"ETag": tag, "Cache-Control": _READ}
            if matches(request.headers.get("if-none-match"), tag):
                return Response(status_code=304, headers=headers)
            response.headers.update(headers)
            return response

        return handler


def api_router(tag: str) -> APIRouter:
    """Routes of one topic."""
    return APIRouter(prefix=PREFIX, tags=[tag], route_class=ApiRoute)


def etag_of(body: bytes) -> str:
    """Changes when the answer does."""
    return f'"{hashlib.sha256(body).hexdigest()[:32]}"'


def matches(header: str | None, tag: str) -> bool:
    """Whether an ``If-None-Match`` or ``If-Match`` header names the tag."""
    if header is None:
        return False
    given = {part.strip().removeprefix("W/") for part in header.split(",")}
    return "*" in given or tag in given


def _has_body(response: Response) -> bool:
    return isinstance(getattr(response, "body", None), bytes | memoryview)
