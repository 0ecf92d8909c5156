"""The own account, all users, all tokens: what their pages, the API and an agent see."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from tagtide.core.access import (
    Identity,
    Problem,
    Role,
    Scope,
    may_give,
    session_problem,
    token_problem,
)
from tagtide.errors import NotFound
from tagtide.ports import AccountEvent, ApiToken, Session, User
from tagtide.services.accounts import AccountContext

_EVENTS = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionLine:
    """A session, and when it ends unless it is used."""

    session: Session
    ends_at: datetime
    #: The one in which this is read.
    is_this: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenLine:
    """A token, and whether it is still good."""

    token: ApiToken
    is_over: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountView:
    """The account of the one who reads."""

    user: User
    sessions: tuple[SessionLine, ...]
    tokens: tuple[TokenLine, ...]
    #: Scopes that the own tokens may have.
    scopes: tuple[Scope, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class UserLine:
    """A user, and what is open."""

    user: User
    sessions: int
    tokens: int
    is_self: bool
    #: Can neither be removed nor made less.
    is_last_admin: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class UsersView:
    """Everybody who may log in, and what happened lately."""

    users: tuple[UserLine, ...]
    events: tuple[AccountEvent, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TokensView:
    """Every token, of users and of the installation."""

    tokens: tuple[TokenLine, ...]


async def view_account(accounts: AccountContext, who: Identity) -> AccountView:
    """The own account. Raises `NotFound` when it is gone."""
    users = await accounts.store.users()
    user = next((user for user in users if user.user_id == who.user_id), None)
    if user is None:
        raise NotFound("There is no such account any more.")
    return AccountView(
        user=user,
        sessions=tuple(
            SessionLine(
                session=one,
                ends_at=min(
                    one.seen_at + accounts.policy.idle, one.made_at + accounts.policy.longest
                ),
                is_this=one.session_id == who.session_id,
            )
            for one in await _open_sessions(accounts, user)
        ),
        tokens=_token_lines(accounts, await accounts.store.tokens(user.user_id)),
        scopes=tuple(scope for scope in Scope if may_give(user.role, scope)),
    )


async def view_users(accounts: AccountContext, who: Identity) -> UsersView:
    """Every user."""
    users = await accounts.store.users()
    tokens = await accounts.store.tokens()
    admins = sum(user.role is Role.ADMIN for user in users)
    return UsersView(
        users=tuple(
            [
                UserLine(
                    user=user,
                    sessions=len(await _open_sessions(accounts, user)),
                    tokens=sum(token.user_id == user.user_id for token in tokens),
                    is_self=user.user_id == who.user_id,
                    is_last_admin=user.role is Role.ADMIN and admins == 1,
                )
                for user in users
            ]
        ),
        events=tuple(await accounts.store.account_events(limit=_EVENTS)),
    )


async def view_tokens(accounts: AccountContext) -> TokensView:
    """Every token."""
    return TokensView(tokens=_token_lines(accounts, await accounts.store.tokens()))


async def _open_sessions(accounts: AccountContext, user: User) -> list[Session]:
    now = accounts.clock.now()
    return [
        one
        for one in await accounts.store.sessions(user.user_id)
        if session_problem(accounts.policy, made_at=one.made_at, seen_at=one.seen_at, now=now)
        is Problem.NONE
    ]


def _token_lines(accounts: AccountContext, tokens: list[ApiToken]) -> tuple[TokenLine, ...]:
    now = accounts.clock.now()
    return tuple(
        TokenLine(
            token=token,
            is_over=token_problem(expires_at=token.expires_at, now=now) is not Problem.NONE,
        )
        for token in tokens
    )
