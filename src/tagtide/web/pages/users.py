"""Users, for admins."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response

from tagtide.core.access import Role
from tagtide.errors import Conflict, InvalidInput, NotFound
from tagtide.ports import User
from tagtide.services.accounts import add_user, edit_user, remove_user, set_password
from tagtide.services.views.accounts import view_users
from tagtide.web.forms import fields_of, see
from tagtide.web.frame import page, shared_of, visitor_of
from tagtide.web.pages.account import error_status, error_text

_DONE = {
    "changed": "The user is changed.",
    "logout": "All sessions of the user have ended.",
    "removed": "The user is removed and cannot log in any more.",
}


def router() -> APIRouter:
    """Routes of the page."""
    routes = APIRouter()
    add = routes.add_api_route
    add("/settings/users", users, methods=["GET"], response_model=None)
    add("/settings/users", create, methods=["POST"], response_model=None)
    add("/settings/users/{user_id}", change, methods=["POST"], response_model=None)
    add("/settings/users/{user_id}/password", password, methods=["POST"], response_model=None)
    add("/settings/users/{user_id}/logout", logout, methods=["POST"], response_model=None)
    add("/settings/users/{user_id}/remove", remove, methods=["POST"], response_model=None)
    return routes


async def users(request: Request) -> Response:
    """The page."""
    return await _show(request, done=_DONE.get(request.query_params.get("done", ""), ""))


async def create(request: Request) -> Response:
    """Add a user; a password that was made here is on this page and nowhere else."""
    fields, app = await fields_of(request), shared_of(request).app
    given = fields.get("password", "")
    secret = "" if given else app.context.clock.token()
    try:
        role = _role(fields.get("role"))
        by = visitor_of(request).by
        user = await add_user(app.accounts, fields.get("name", ""), given or secret, role, by=by)
    except (InvalidInput, Conflict) as error:
        return await _show(request, problem=error_text(error), status=error_status(error))
    return await _show(request, made=user, secret=secret)


async def change(request: Request, user_id: str) -> Response:
    """Another role."""
    fields, app = await fields_of(request), shared_of(request).app
    try:
        role = _role(fields.get("role"))
        user = await _user(request, user_id)
        await edit_user(app.accounts, user, by=visitor_of(request).by, role=role)
    except (InvalidInput, Conflict) as error:
        return await _show(request, problem=error_text(error), status=error_status(error))
    return see("/settings/users?done=changed")


async def password(request: Request, user_id: str) -> Response:
    """A new password, made here, shown this once; ends all sessions of the user."""
    await fields_of(request)
    app, user = shared_of(request).app, await _user(request, user_id)
    if user.user_id == visitor_of(request).user_id:
        # Whoever finds an open session must not be able to keep it.
        text = "Change your own password under Account, where the present one is asked for."
        return await _show(request, problem=text, status=422)
    secret = app.context.clock.token()
    await set_password(app.accounts, user, secret, by=visitor_of(request).by)
    return await _show(request, made=user, secret=secret)


async def logout(request: Request, user_id: str) -> Response:
    """End all sessions of a user."""
    await fields_of(request)
    app, user = shared_of(request).app, await _user(request, user_id)
    now = app.context.clock.now()
    await app.store.revoke_sessions(user.user_id, visitor_of(request).by, now)
    return see("/settings/users?done=logout")


async def remove(request: Request, user_id: str) -> Response:
    """Remove a user; the name has to be typed, so that it is the one that was meant."""
    fields, app = await fields_of(request), shared_of(request).app
    user = await _user(request, user_id)
    if fields.get("confirm", "").strip().casefold() != user.name:
        problem = f"Type {user.name} to remove that user."
        return await _show(request, problem=problem, status=422)
    try:
        await remove_user(app.accounts, user, by=visitor_of(request).by)
    except Conflict as error:
        return await _show(request, problem=error_text(error), status=error_status(error))
    return see("/settings/users?done=removed")


async def _show(
    request: Request,
    *,
    done: str = "",
    problem: str = "",
    made: User | None = None,
    secret: str = "",
    status: int = 200,
) -> Response:
    view = await view_users(shared_of(request).app.accounts, visitor_of(request))
    facts: dict[str, Any] = {"done": done, "problem": problem, "made": made, "secret": secret}
    return await page(
        request,
        "users.html.j2",
        status=status,
        view=view,
        roles=[role.value for role in Role],
        **facts,
    )


async def _user(request: Request, user_id: str) -> User:
    for user in await shared_of(request).app.store.users():
        if str(user.user_id) == user_id:
            return user
    raise NotFound("There is no such user any more.")


def _role(text: str | None) -> Role:
    if text not in {role.value for role in Role}:
        raise InvalidInput("Choose a role: viewer, operator or admin.")
    return Role(text)
