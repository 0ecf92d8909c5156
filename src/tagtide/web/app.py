"""The pages of a running process as an ASGI application."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import structlog

from tagtide.bootstrap import App
from tagtide.errors import TagtideError
from tagtide.jobs import Health, Readiness
from tagtide.settings import LOOPBACK
from tagtide.web.metrics import CONTENT_TYPE, exposition
from tagtide.web.overview import gather
from tagtide.web.pages import render_overview, stylesheet

if TYPE_CHECKING:
    from fastapi import FastAPI, Request, Response

_log = structlog.get_logger(__name__)

#: Addresses that listen on every interface: then the name in the request cannot be known.
_EVERYWHERE = frozenset({"0.0.0.0", "::", ""})  # noqa: S104 - compared with, not bound to

_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "interest-cohort=()",
    "Cache-Control": "no-store",
}

Next = Callable[["Request"], Awaitable["Response"]]


def make_app(app: App, health: Health) -> FastAPI:
    """The status pages of a process.

    Every route only reads. Requests for a host that is neither this machine nor the configured one
    are refused, so that a foreign page cannot read these through a name it controls.

    Args:
        app: The open application.
        health: How the process is doing; an empty `Health` where no schedules run.
    """
    from fastapi import FastAPI, Response
    from fastapi.responses import HTMLResponse, JSONResponse, PlainTextResponse

    web = FastAPI(title="tagtide", docs_url=None, redoc_url=None, openapi_url=None)
    allowed = _allowed_hosts(app.loaded.settings.web.host)

    @web.middleware("http")
    async def guard(request: Request, call_next: Next) -> Response:
        if allowed and host_of(request.headers.get("host", "")) not in allowed:
            return _guarded(PlainTextResponse("This host name is not served here.\n", 421))
        try:
            return _guarded(await call_next(request))
        except Exception as error:  # noqa: BLE001 - the framework would print a traceback of it
            return failed(request, error)

    def failed(request: Request, error: Exception) -> Response:
        number = app.context.clock.token()[:8]
        _log.error("page_failed", path=request.url.path, number=number, exc_info=error)
        text = f"This page could not be made. The log has the details under {number}.\n"
        return _guarded(PlainTextResponse(text, 500))

    @web.exception_handler(TagtideError)
    async def refused(request: Request, error: TagtideError) -> Response:
        _log.warning("page_refused", path=request.url.path, error=str(error))
        return PlainTextResponse(f"{error}\n{error.hint}\n", 503)

    @web.get("/healthz", response_model=None)
    async def healthz() -> Response:
        return PlainTextResponse("ok\n")

    @web.get("/readyz", response_model=None)
    async def readyz() -> Response:
        body = {
            "status": health.readiness.value,
            "reasons": sorted(condition.value for condition in health.conditions),
            "details": {c.value: text for c, text in sorted(health.conditions.items())},
        }
        return JSONResponse(body, 503 if health.readiness is Readiness.DOWN else 200)

    @web.get("/metrics", response_model=None)
    async def metrics() -> Response:
        return Response(await exposition(app, health), media_type=CONTENT_TYPE)

    @web.get("/", response_model=None)
    async def overview() -> Response:
        return HTMLResponse(render_overview(await gather(app, health)))

    @web.get("/tagtide.css", response_model=None)
    async def style() -> Response:
        return Response(stylesheet(), media_type="text/css")

    return web


def _allowed_hosts(host: str) -> frozenset[str]:
    """Names that requests may carry; empty where any may."""
    return frozenset() if host in _EVERYWHERE else LOOPBACK | {host.casefold()}


def host_of(header: str) -> str:
    """The name in a Host header, without port and brackets."""
    if header.startswith("["):
        return header[1:].partition("]")[0]
    return header.partition(":")[0].casefold()


def _guarded(response: Response) -> Response:
    response.headers.update(_HEADERS)
    return response
