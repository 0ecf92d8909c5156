"""The door for agents at /mcp: who comes in, and in whose name."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from tagtide.core.access import How, Need
from tagtide.web.frame import visitor_of
from tagtide.web.guard import Application, is_same_origin

PATH: Final = "/mcp"
_TOKEN_WANTED = {"WWW-Authenticate": 'Bearer realm="tagtide"'}
#: JSON-RPC's code for an error of the server's own making.
_REFUSED = -32_000


def router(endpoint: Application | None) -> APIRouter:
    """The route; without an endpoint, which is the default, there is nothing behind it."""
    routes = APIRouter()

    @routes.post(PATH, response_model=None, include_in_schema=False)
    async def agents(request: Request) -> Response:
        if endpoint is None:
            raise HTTPException(404, "There is no such page.")
        if request.headers.get("origin") is not None and not is_same_origin(request.headers):
            return _refused(403, "This request comes from a foreign page.")
        agent = agent_of(request)
        if agent is None:
            return _refused(401, "This needs an Authorization header with a token.")
        request.scope["agent"] = agent
        return _Handed(endpoint)

    return routes


def agent_of(request: Request) -> dict[str, object] | None:
    """What is known of the token behind a request; None without one that is good.

    A session or an open demo is a person at a page, and never an agent.
    """
    who = visitor_of(request)
    if who.how is not How.TOKEN or not who.may(Need.READ):
        return None
    return {"key": who.key, "may_operate": who.may(Need.OPERATE)}


def _refused(status: int, message: str) -> Response:
    body = {"jsonrpc": "2.0", "id": None, "error": {"code": _REFUSED, "message": message}}
    return JSONResponse(body, status, headers=_TOKEN_WANTED if status == 401 else None)


class _Handed(Response):
    """Lets another application answer the request."""

    def __init__(self, application: Application) -> None:
        super().__init__()
        self._application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._application(scope, receive, send)
