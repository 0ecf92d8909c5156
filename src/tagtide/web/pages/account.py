"""The own account: password, sessions, tokens."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from fastapi import APIRouter, Request, Response

from tagtide.core.access import Scope
from tagtide.errors import Conflict, InvalidInput, NotFound
from tagtide.ports import ApiToken
from tagtide.services.accounts import LoginReason, change_own_password, make_token
from tagtide.services.views.accounts import view_account
from tagtide.web.forms import fields_of, number_of, see
from tagtide.web.frame import page, shared_of, visitor_of
from tagtide.web.identity import client_of, keep_session
from tagtide.web.pages.entrance import login_problem

#: What was done, by the word in the address: a closed list, so that nobody else writes here.
_DONE = {
    "password": "The password is changed; every other session has ended.",
    "session": "The session has ended.",
    "token": "The token is no good any more.",
}
#: How long a token may be good, in days; none is for ever.
EXPIRIES = {"30": "30 days", "90": "90 days", "365": "a year", "": "for ever"}


def router() -> APIRouter:
    """Routes of the page."""
    routes = APIRouter()
    add = routes.add_api_route
    add("/account", account, methods=["GET"], response_model=None)
    add("/account/password", change_password, methods=["POST"], response_model=None)
    add("/account/sessions/revoke", revoke_session, methods=["POST"], response_model=None)
    add("/account/tokens", create_token, methods=["POST"], response_model=None)
    add("/account/tokens/revoke", revoke_token, methods=["POST"], response_model=None)
    return routes


async def account(request: Request) -> Response:
    """The page."""
    return await _show(request, done=_DONE.get(request.query_params.get("done", ""), ""))


async def change_password(request: Request) -> Response:
    """Another password; this browser stays logged in, all others do not."""
    fields = await fields_of(request)
    try:
        login = await change_own_password(
            shared_of(request).app.accounts,
            visitor_of(request),
            fields.get("current", ""),
            fields.get("new", ""),
            client_of(request),
            revoke_tokens=fields.get("revoke_tokens") == "yes",
        )
    except InvalidInput as error:
        return await _show(request, problem=error_text(error), status=422)
    if login.reason is not LoginReason.OK or login.secret is None:
        status = 403 if login.reason is LoginReason.WRONG else 429
        wrong = "The present password is not right."
        text = wrong if status == 403 else login_problem(request, login)
        return await _show(request, problem=text, status=status)
    answer = see("/account?done=password")
    keep_session(request, answer, login.secret)
    return answer


async def revoke_session(request: Request) -> Response:
    """End one of the own sessions, or all but this one."""
    fields, who = await fields_of(request), visitor_of(request)
    assert who.user_id is not None
    store, now = shared_of(request).app.store, shared_of(request).app.context.clock.now()
    session_id = number_of(fields.get("session_id"))
    if session_id is not None:
        await store.revoke_sessions(who.user_id, who.name, now, session_id=session_id)
    elif fields.get("session_id") == "others":
        for one in await store.sessions(who.user_id):
            if one.session_id != who.session_id:
                await store.revoke_sessions(who.user_id, who.name, now, session_id=one.session_id)
    return see("/account?done=session")


async def create_token(request: Request) -> Response:
    """Make a token of one's own; its secret is on this page and nowhere else."""
    fields, accounts = await fields_of(request), shared_of(request).app.accounts
    try:
        scope, expires_in = token_fields(fields.get("scope"), fields.get("expires"))
        user = await accounts.store.user(visitor_of(request).name)
        token, secret = await make_token(
            accounts,
            fields.get("name", ""),
            scope,
            by=user.name,
            user=user,
            expires_in=expires_in,
        )
    except (InvalidInput, Conflict) as error:
        return await _show(request, problem=error_text(error), status=error_status(error))
    return await _show(request, made=token, secret=secret)


async def revoke_token(request: Request) -> Response:
    """End one of the own tokens."""
    fields, who = await fields_of(request), visitor_of(request)
    token_id = number_of(fields.get("token_id"))
    if token_id is None:
        raise NotFound("There is no such token any more.")
    app = shared_of(request).app
    now = app.context.clock.now()
    await app.store.revoke_token(token_id, who.name, now, user_id=who.user_id)
    return see("/account?done=token")


async def _show(
    request: Request,
    *,
    done: str = "",
    problem: str = "",
    made: ApiToken | None = None,
    secret: str = "",
    status: int = 200,
) -> Response:
    view = await view_account(shared_of(request).app.accounts, visitor_of(request))
    facts: dict[str, Any] = {"done": done, "problem": problem, "made": made, "secret": secret}
    return await page(
        request, "account.html.j2", status=status, view=view, expiries=EXPIRIES, **facts
    )


# --- shared with the pages of admins --------------------------------------------------------------


def token_fields(scope: str | None, expires: str | None) -> tuple[Scope, timedelta | None]:
    """Scope and life of a token, as a form says them. Raises `InvalidInput`."""
    if scope not in {one.value for one in Scope} or (expires or "") not in EXPIRIES:
        raise InvalidInput("Choose a scope and how long the token is good.")
    return Scope(scope), timedelta(days=int(expires)) if expires else None


def error_text(error: InvalidInput | Conflict) -> str:
    """What is wrong and what to do."""
    return f"{error} {error.hint}".strip()


def error_status(error: InvalidInput | Conflict) -> int:
    """Of the page that says so."""
    return 409 if isinstance(error, Conflict) else 422
