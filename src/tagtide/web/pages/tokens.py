"""Every token, for admins."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response

from tagtide.core.access import Scope
from tagtide.errors import Conflict, InvalidInput, NotFound
from tagtide.ports import ApiToken
from tagtide.services.accounts import make_token
from tagtide.services.views.accounts import view_tokens
from tagtide.web.forms import fields_of, number_of, see
from tagtide.web.frame import page, shared_of, visitor_of
from tagtide.web.pages.account import EXPIRIES, error_status, error_text, token_fields


def router() -> APIRouter:
    """Routes of the page."""
    routes = APIRouter()
    add = routes.add_api_route
    add("/settings/tokens", tokens, methods=["GET"], response_model=None)
    add("/settings/tokens", create, methods=["POST"], response_model=None)
    add("/settings/tokens/{token_id}/revoke", revoke, methods=["POST"], response_model=None)
    return routes


async def tokens(request: Request) -> Response:
    """The page."""
    is_done = request.query_params.get("done") == "revoked"
    return await _show(request, done="The token is no good any more." if is_done else "")


async def create(request: Request) -> Response:
    """Make a token of the installation; its secret is on this page and nowhere else."""
    fields, accounts = await fields_of(request), shared_of(request).app.accounts
    try:
        scope, expires_in = token_fields(fields.get("scope"), fields.get("expires"))
        by = visitor_of(request).by
        name = fields.get("name", "")
        token, secret = await make_token(accounts, name, scope, by=by, expires_in=expires_in)
    except (InvalidInput, Conflict) as error:
        return await _show(request, problem=error_text(error), status=error_status(error))
    return await _show(request, made=token, secret=secret)


async def revoke(request: Request, token_id: str) -> Response:
    """End a token of anybody."""
    await fields_of(request)
    number = number_of(token_id)
    if number is None:
        raise NotFound("There is no such token any more.")
    app = shared_of(request).app
    now = app.context.clock.now()
    await app.store.revoke_token(number, visitor_of(request).by, now)
    return see("/settings/tokens?done=revoked")


async def _show(
    request: Request,
    *,
    done: str = "",
    problem: str = "",
    made: ApiToken | None = None,
    secret: str = "",
    status: int = 200,
) -> Response:
    view = await view_tokens(shared_of(request).app.accounts)
    facts: dict[str, Any] = {"done": done, "problem": problem, "made": made, "secret": secret}
    return await page(
        request,
        "tokens.html.j2",
        status=status,
        view=view,
        expiries=EXPIRIES,
        scopes=tuple(Scope),
        **facts,
    )
