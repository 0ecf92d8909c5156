"""Users and tokens, for admins. What is a secret is told once, and remembered nowhere."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Path, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from tagtide.core.access import Role, Scope
from tagtide.errors import InvalidInput, NotFound
from tagtide.ports import ApiToken, User
from tagtide.services.accounts import (
    add_user,
    edit_user,
    make_token,
    remove_user,
    set_password,
)
from tagtide.services.views.accounts import TokensView, UsersView, view_tokens, view_users
from tagtide.web.api.params import BIGGEST, PLAIN
from tagtide.web.api.problem import described
from tagtide.web.api.route import api_router, tell_once
from tagtide.web.frame import shared_of, visitor_of

_LONGEST_DAYS = 3660

RowNumber = Annotated[int, Path(ge=1, le=BIGGEST)]


class UserWanted(BaseModel):
    """A user who is to be added."""

    model_config = ConfigDict(extra="forbid", strict=True)

    name: str = Field(min_length=1, max_length=200, pattern=PLAIN)
    role: Annotated[Role, Field(strict=False)]
    password: str | None = Field(
        None, max_length=1_000, repr=False, description="Without it one is made, and told once."
    )


class UserChange(BaseModel):
    """What is to be different about a user."""

    model_config = ConfigDict(extra="forbid", strict=True)

    name: str | None = Field(None, min_length=1, max_length=200, pattern=PLAIN)
    role: Annotated[Role, Field(strict=False)] | None = None


class TokenWanted(BaseModel):
    """A token of the installation that is to be made."""

    model_config = ConfigDict(extra="forbid", strict=True)

    name: str = Field(min_length=1, max_length=200, pattern=PLAIN)
    scope: Annotated[Scope, Field(strict=False)]
    expires_in_days: int | None = Field(
        None, ge=1, le=_LONGEST_DAYS, description="Without it the token does not expire."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class UserWithPassword:
    """A user, and the password that was made for them."""

    user: User
    #: Told this once; None for one that was given, or told before.
    password: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenWithSecret:
    """A token, and what a program shows."""

    token: ApiToken
    #: Told this once; None when it was told before.
    secret: str | None


def router() -> APIRouter:
    """Routes of the topic."""
    routes = api_router("accounts")
    _add_users(routes)
    _add_user_acts(routes)
    _add_tokens(routes)
    return routes


def _add_users(routes: APIRouter) -> None:
    @routes.get("/users", responses=described())
    async def list_users(request: Request) -> UsersView:
        """Everybody who may log in, and what happened to accounts lately."""
        return await view_users(shared_of(request).app.accounts, visitor_of(request))

    @routes.post("/users", status_code=201, responses=described(409, 413))
    async def create_user(
        request: Request, response: Response, wanted: UserWanted
    ) -> UserWithPassword:
        """Add a user. A password that is made here is told once, also under an idempotency key."""
        app = shared_of(request).app
        tell_once(request, "password")
        made = None if wanted.password is not None else app.context.clock.token()
        password = wanted.password if made is None else made
        by = visitor_of(request).by
        user = await add_user(app.accounts, wanted.name, password or "", wanted.role, by=by)
        response.headers["Location"] = f"{request.url.path}/{user.user_id}"
        return UserWithPassword(user=user, password=made)

    @routes.get("/users/{user_id}", responses=described(404))
    async def get_user(request: Request, user_id: RowNumber) -> User:
        """One user."""
        return await _user(request, user_id)

    @routes.patch("/users/{user_id}", responses=described(404, 409, 413))
    async def change_user(request: Request, user_id: RowNumber, change: UserChange) -> User:
        """Another name, or another role, which ends all sessions of the user."""
        user = await _user(request, user_id)
        return await edit_user(
            shared_of(request).app.accounts,
            user,
            by=visitor_of(request).by,
            name=change.name,
            role=change.role if change.role is not user.role else None,
        )

    @routes.delete("/users/{user_id}", status_code=204, responses=described(404, 409))
    async def delete_user(request: Request, user_id: RowNumber) -> None:
        """Take a user out: all sessions and tokens end, and the name is free again."""
        user = await _user(request, user_id)
        await remove_user(shared_of(request).app.accounts, user, by=visitor_of(request).by)


def _add_user_acts(routes: APIRouter) -> None:
    @routes.post("/users/{user_id}/password", responses=described(404))
    async def new_password(request: Request, user_id: RowNumber) -> UserWithPassword:
        """Make another password, told this once; all sessions of the user end."""
        app, user = shared_of(request).app, await _user(request, user_id)
        if user.user_id == visitor_of(request).user_id:
            # Whoever finds a token or an open session must not be able to keep it.
            raise InvalidInput(
                "Your own password is changed under Account, where the present one is asked for."
            )
        tell_once(request, "password")
        made = app.context.clock.token()
        await set_password(app.accounts, user, made, by=visitor_of(request).by)
        return UserWithPassword(user=await _user(request, user_id), password=made)

    @routes.post("/users/{user_id}/logout", status_code=204, responses=described(404))
    async def end_sessions(request: Request, user_id: RowNumber) -> None:
        """End all sessions of a user; tokens live on."""
        app, user = shared_of(request).app, await _user(request, user_id)
        now = app.context.clock.now()
        await app.store.revoke_sessions(user.user_id, visitor_of(request).by, now)


def _add_tokens(routes: APIRouter) -> None:
    @routes.get("/tokens", responses=described())
    async def list_tokens(request: Request) -> TokensView:
        """Every token, of users and of the installation."""
        return await view_tokens(shared_of(request).app.accounts)

    @routes.post("/tokens", status_code=201, responses=described(409, 413))
    async def create_token(request: Request, wanted: TokenWanted) -> TokenWithSecret:
        """Make a token of the installation. Its secret is told once, also under a key."""
        tell_once(request, "secret")
        days = wanted.expires_in_days
        token, secret = await make_token(
            shared_of(request).app.accounts,
            wanted.name,
            wanted.scope,
            by=visitor_of(request).by,
            expires_in=None if days is None else timedelta(days=days),
        )
        return TokenWithSecret(token=token, secret=secret)

    @routes.delete("/tokens/{token_id}", status_code=204, responses=described(404))
    async def revoke_token(request: Request, token_id: RowNumber) -> None:
        """End a token of anybody."""
        app = shared_of(request).app
        now = app.context.clock.now()
        await app.store.revoke_token(token_id, visitor_of(request).by, now)


async def _user(request: Request, user_id: int) -> User:
    for user in await shared_of(request).app.store.users():
        if user.user_id == user_id:
            return user
    raise NotFound("There is no such user any more.")
