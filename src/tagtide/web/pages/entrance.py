"""The way in and out: the first account, logging in, logging out, and who is turned away."""

from __future__ import annotations

from math import ceil

from fastapi import APIRouter, Request, Response

from tagtide.core.access import How, SetUp, Verdict
from tagtide.errors import InvalidInput
from tagtide.services.accounts import Login, LoginReason, log_in, log_out, set_up
from tagtide.web.api.problem import problem
from tagtide.web.api.route import PREFIX
from tagtide.web.forms import fields_of, local_path, see
from tagtide.web.frame import alone, shared_of, visitor_of, with_query
from tagtide.web.identity import (
    NotLetIn,
    bearer_of,
    client_of,
    drop_session,
    is_from_here,
    keep_session,
)

#: Pages that would lead in a circle after a login.
_ENTRANCES = ("/login", "/logout", "/setup")

_SET_UP = {
    SetUp.TOKEN_NEEDED: "The set-up token is missing. It stands on the console of tagtide serve.",
    SetUp.TOKEN_WRONG: "That is not the set-up token, or no longer: each start prints another one.",
}
_NOT_ALLOWED = {
    Verdict.ROLE: "Your role does not allow this; an admin can give you another one.",
    Verdict.SCOPE: "The scope of the token does not allow this.",
    Verdict.NO_PERSON: "This is about an account: log in as a person.",
}


def router() -> APIRouter:
    """Routes of set-up, login and logout."""
    routes = APIRouter()
    routes.add_api_route("/setup", set_up_page, methods=["GET"], response_model=None)
    routes.add_api_route("/setup", make_first_account, methods=["POST"], response_model=None)
    routes.add_api_route("/login", login_page, methods=["GET"], response_model=None)
    routes.add_api_route("/login", take_login, methods=["POST"], response_model=None)
    routes.add_api_route("/logout", take_logout, methods=["POST"], response_model=None)
    return routes


# --- the first account ----------------------------------------------------------------------------


async def set_up_page(request: Request) -> Response:
    """The form of the first account; the login where there is one already."""
    if shared_of(request).is_open:
        return see("/")
    if await shared_of(request).app.store.has_users():
        return see("/login")
    return _set_up_form(request, token=request.query_params.get("token", ""))


async def make_first_account(request: Request) -> Response:
    """Make the first account and log it in."""
    if shared_of(request).is_open:
        return see("/")
    fields = await fields_of(request)
    name, token = fields.get("name", ""), fields.get("token", "").strip()
    try:
        verdict, login = await set_up(
            shared_of(request).app.accounts,
            name,
            fields.get("password", ""),
            client_of(request),
            token=token or None,
            is_local=is_from_here(request),
        )
    except InvalidInput as error:
        return _set_up_form(request, token=token, name=name, problem=_text(error), status=422)
    if verdict is SetUp.DONE:
        return see("/login")
    if login is None:
        # A wrong token is not shown again: the field for the right one is.
        return _set_up_form(request, name=name, problem=_SET_UP[verdict], status=403)
    return _let_in(request, login, "/")


def _set_up_form(
    request: Request, *, token: str = "", name: str = "", problem: str = "", status: int = 200
) -> Response:
    return alone(
        request,
        "setup.html.j2",
        status=status,
        token=token,
        name=name,
        problem=problem,
        needs_token=not is_from_here(request),
    )


# --- logging in and out ---------------------------------------------------------------------------


async def login_page(request: Request) -> Response:
    """The form; onwards for those who are logged in, the set-up where nobody can be."""
    target = _after_login(request.query_params.get("next"))
    if visitor_of(request).how in {How.SESSION, How.OPEN}:
        return see(target)
    if not await shared_of(request).app.store.has_users():
        return see("/setup")
    return _login_form(request, target=target)


async def take_login(request: Request) -> Response:
    """Look at a name and a password."""
    fields = await fields_of(request)
    name, target = fields.get("name", ""), _after_login(fields.get("next"))
    accounts = shared_of(request).app.accounts
    login = await log_in(accounts, name, fields.get("password", ""), client_of(request))
    if login.reason is LoginReason.OK:
        # Whoever was logged in here before is so no more.
        await log_out(accounts, visitor_of(request))
        return _let_in(request, login, target)
    text, wait = _refusal(request, login)
    status = 401 if login.reason is LoginReason.WRONG else 429
    answer = _login_form(request, target=target, name=name, problem=text, status=status)
    if wait is not None:
        answer.headers["Retry-After"] = str(wait)
    return answer


async def take_logout(request: Request) -> Response:
    """End the session, if there is one."""
    await log_out(shared_of(request).app.accounts, visitor_of(request))
    answer = see("/login")
    drop_session(request, answer)
    return answer


def login_problem(request: Request, login: Login) -> str:
    """Why a password was not taken, in words."""
    return _refusal(request, login)[0]


def _refusal(request: Request, login: Login) -> tuple[str, int | None]:
    """In words, and the seconds to wait."""
    if login.reason is LoginReason.WRONG:
        return "The name or the password is not right.", None
    now = shared_of(request).app.context.clock.now()
    wait = ceil((login.until - now).total_seconds()) if login.until else 60
    minutes = max(1, ceil(wait / 60))
    where = "for this account" if login.reason is LoginReason.ACCOUNT else "from your address"
    when = "in a minute" if minutes == 1 else f"in {minutes} minutes"
    return f"Too many wrong passwords {where}. Try again {when}.", max(1, wait)


def _login_form(
    request: Request, *, target: str, name: str = "", problem: str = "", status: int = 200
) -> Response:
    return alone(request, "login.html.j2", status=status, target=target, name=name, problem=problem)


def _let_in(request: Request, login: Login, target: str) -> Response:
    answer = see(target)
    assert login.secret is not None
    keep_session(request, answer, login.secret)
    return answer


def _after_login(text: str | None) -> str:
    path = local_path(text)
    return "/" if path.partition("?")[0] in _ENTRANCES else path


def _text(error: InvalidInput) -> str:
    return f"{error} {error.hint}".strip()


# --- who is turned away ---------------------------------------------------------------------------


async def turned_away(request: Request, error: NotLetIn) -> Response:
    """The answer to a request whose identity does not meet the need of its route."""
    if request.url.path.startswith(f"{PREFIX}/") or bearer_of(request) is not None:
        return _problem(error)
    if error.verdict is not Verdict.NOBODY:
        return _sentence(request, 403, "Not allowed", _NOT_ALLOWED[error.verdict])
    has_users = await shared_of(request).app.store.has_users()
    here = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    onwards = here if request.method == "GET" else None
    entrance = with_query("/login", next=_after_login(onwards)) if has_users else "/setup"
    if request.headers.get("hx-request") == "true":
        return Response(status_code=401, headers={"HX-Redirect": entrance})
    if request.method in {"GET", "HEAD"}:
        return see(entrance)
    text = "You are not logged in, or not any more. Nothing was changed."
    return _sentence(request, 401, "Log in first", text)


def _problem(error: NotLetIn) -> Response:
    if error.verdict is not Verdict.NOBODY:
        return problem(403, _NOT_ALLOWED[error.verdict], code=error.verdict.value)
    detail = "Nobody is logged in, and no token was shown."
    if error.who.problem:
        detail = f"What was shown is {error.who.problem.value}."
    answer = problem(
        401, detail, code=error.verdict.value, hint="Send a token: Authorization: Bearer tt_..."
    )
    answer.headers["WWW-Authenticate"] = 'Bearer realm="tagtide"'
    return answer


def _sentence(request: Request, status: int, title: str, message: str) -> Response:
    return alone(request, "trouble.html.j2", status=status, title=title, message=message, hint="")
