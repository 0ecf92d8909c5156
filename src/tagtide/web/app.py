"""The pages and probes of a running process as an ASGI application."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from typing import cast

import structlog
from fastapi import Depends, FastAPI, HTTPException, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, PlainTextResponse
from starlette.exceptions import HTTPException as AnyHTTPException

from tagtide.bootstrap import App
from tagtide.core.access import Need, allowed
from tagtide.errors import (
    BudgetExceeded,
    ConfigError,
    Conflict,
    InvalidInput,
    NotFound,
    SourceError,
    TagtideError,
)
from tagtide.jobs import Health, Readiness
from tagtide.web.access import need_of
from tagtide.web.agents import router as agents_router
from tagtide.web.api import api_routes
from tagtide.web.api.problem import problem
from tagtide.web.api.route import PREFIX
from tagtide.web.assets import CHARTS, FOREVER, ChartProgram, assets
from tagtide.web.forms import refuse_other_bodies
from tagtide.web.frame import Shared, alone, shared_of, visitor_of
from tagtide.web.guard import FAILED, Application, Guard, failure_number, shown_path
from tagtide.web.identity import NotLetIn, identity_of
from tagtide.web.live import Live
from tagtide.web.metrics import CONTENT_TYPE, exposition
from tagtide.web.pages import routers
from tagtide.web.pages.entrance import turned_away

_log = structlog.get_logger(__name__)

#: Status of an answer by error; the first that fits.
_STATUS: tuple[tuple[type[TagtideError], int], ...] = (
    (NotFound, 404),
    (Conflict, 409),
    (InvalidInput, 422),
    (ConfigError, 422),
    (BudgetExceeded, 402),
    (SourceError, 502),
)


def make_app(
    app: App,
    health: Health,
    *,
    is_open: bool | None = None,
    charts: ChartProgram | None = None,
    live: Live | None = None,
    agents: Application | None = None,
) -> Application:
    """Everything that a process serves.

    Args:
        app: The open application.
        health: How the process is doing; an empty `Health` where no schedules run.
        is_open: Whether whoever reaches the pages may operate without an account; None does as
            ``[web] open_on_loopback`` says.
        charts: The program that draws charts, where somebody looks after it.
        live: Runs by hand and streams, entered while this is served; None takes no runs.
        agents: What answers agents; None does not answer them.
    """
    web = FastAPI(
        title="tagtide",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        dependencies=[Depends(let_in)],
    )
    web.state.let_in = let_in
    if is_open is None:
        is_open = app.loaded.settings.web.open_on_loopback
    web.state.shared = Shared(
        app=app, health=health, is_open=is_open, live=live or Live(app, health)
    )
    _add_probes(web, app, health)
    _add_assets(web, charts or ChartProgram())
    found = routers()
    for router in found:
        web.include_router(router, include_in_schema=False)
    # Not included but taken as they are: an inclusion would make every one of them anew.
    web.router.routes.extend(api_routes())
    web.include_router(agents_router(agents))
    _add_description(web)
    _add_failures(web)
    web.state.paths = frozenset(
        path for router in found for route in router.routes if (path := getattr(route, "path", ""))
    )
    settings = app.loaded.settings.web
    return Guard(
        cast("Application", web),
        clock=app.context.clock,
        host=settings.host,
        public_url=settings.public_url,
    )


def _add_description(web: FastAPI) -> None:
    @web.get(f"{PREFIX}/openapi.json", include_in_schema=False, response_model=None)
    async def openapi() -> Response:
        return JSONResponse(web.openapi())


async def let_in(request: Request) -> None:
    """Let a request in if its route is open to whoever asks. Raises `NotLetIn`."""
    need = need_of(request.method, request.scope["route"].path)
    if need is None:
        raise HTTPException(403, "This route is in no access table.")
    who = request.state.visitor = await identity_of(request)
    verdict = allowed(who, need)
    if not verdict.is_granted:
        raise NotLetIn(verdict, who)
    refuse_other_bodies(request)


def _add_probes(web: FastAPI, app: App, health: Health) -> None:
    @web.get("/healthz", response_model=None, include_in_schema=False)
    async def healthz() -> Response:
        return PlainTextResponse("ok\n")

    @web.get("/readyz", response_model=None, include_in_schema=False)
    async def readyz(request: Request) -> Response:
        body: dict[str, object] = {
            "status": health.readiness.value,
            "reasons": sorted(condition.value for condition in health.conditions),
        }
        if visitor_of(request).may(Need.READ):
            body["details"] = {c.value: text for c, text in sorted(health.conditions.items())}
        return JSONResponse(body, 503 if health.readiness is Readiness.DOWN else 200)

    @web.get("/metrics", response_model=None, include_in_schema=False)
    async def metrics() -> Response:
        return Response(await exposition(app, health), media_type=CONTENT_TYPE)


def _add_assets(web: FastAPI, charts: ChartProgram) -> None:
    @web.get("/assets/{digest}/{name}", response_model=None, include_in_schema=False)
    async def asset(request: Request, digest: str, name: str) -> Response:
        takes_gzip = "gzip" in request.headers.get("accept-encoding", "")
        if name == CHARTS:
            script = await charts.script()
            media, plain, packed = "text/javascript; charset=utf-8", script.plain, script.gzipped
        else:
            found = assets().get(name)
            if found is None or found.digest != digest:
                raise HTTPException(404, "There is no such file.")
            media, plain, packed = found.media_type, found.plain, found.gzipped
        headers = {"Cache-Control": FOREVER, "Vary": "Accept-Encoding"}
        if takes_gzip:
            headers["Content-Encoding"] = "gzip"
        return Response(packed if takes_gzip else plain, media_type=media, headers=headers)


def _add_failures(web: FastAPI) -> None:
    @web.exception_handler(TagtideError)
    async def refused(request: Request, error: TagtideError) -> Response:
        status = next((code for kind, code in _STATUS if isinstance(error, kind)), 503)
        _log.warning("page_refused", path=shown_path(request.url.path), error=str(error))
        return trouble(request, status, str(error), error.hint, code=error.code)

    @web.exception_handler(NotLetIn)
    async def not_let_in(request: Request, error: NotLetIn) -> Response:
        return await turned_away(request, error)

    @web.exception_handler(RequestValidationError)
    async def not_understood(request: Request, error: RequestValidationError) -> Response:
        text = "The request was not understood."
        return trouble(request, 422, text, "", code="invalid_input", errors=_parts(error))

    @web.exception_handler(AnyHTTPException)
    async def missing(request: Request, error: AnyHTTPException) -> Response:
        text = "There is no such page." if error.status_code == 404 else str(error.detail)
        response = trouble(request, error.status_code, text, "")
        response.headers.update(error.headers or {})
        return response

    @web.exception_handler(Exception)
    async def failed(request: Request, _: Exception) -> Response:
        # The guard logs it under the same number: the framework raises it once more.
        number = failure_number(request.scope, shared_of(request).app.context.clock)
        return trouble(request, 500, FAILED.format(number), "")


def _parts(error: RequestValidationError) -> list[str]:
    """What was wrong, by place; what was sent is not repeated."""
    return [f"{'.'.join(map(str, e['loc']))}: {e['msg']}"[:300] for e in error.errors()][:20]


def trouble(
    request: Request,
    status: int,
    message: str,
    hint: str,
    *,
    code: str | None = None,
    errors: Sequence[str] = (),
) -> Response:
    """What is wrong and what to do: a page, or for the API a problem."""
    if request.url.path.startswith(f"{PREFIX}/"):
        name = code or HTTPStatus(status).name.lower()
        return problem(status, message, code=name, hint=hint, errors=errors)
    titles = {404: "Not found", 403: "Not allowed", 409: "In the way", 422: "Not understood"}
    return alone(
        request,
        "trouble.html.j2",
        status=status,
        title=titles.get(status, "This did not work"),
        message=message,
        hint=hint,
    )
