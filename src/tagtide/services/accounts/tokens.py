"""Tokens for programs."""

from __future__ import annotations

from datetime import timedelta

from tagtide.core.access import LARGEST_SCOPE, Role, Scope, may_give
from tagtide.core.names import parse_token_name
from tagtide.errors import InvalidInput
from tagtide.ports import ApiToken, NewToken, User
from tagtide.services.accounts.context import AccountContext, secret_hash

#: What a token begins with, so that it is recognised where it should not be.
TOKEN_PREFIX = "tt_"  # noqa: S105 - what all of them begin with
_LONGEST = timedelta(days=3660)


async def make_token(
    accounts: AccountContext,
    name: str,
    scope: Scope,
    *,
    by: str,
    user: User | None = None,
    expires_in: timedelta | None = None,
) -> tuple[ApiToken, str]:
    """Make a token; its secret is returned this once and kept nowhere.

    Args:
        accounts: Ports and policy.
        name: What it is for.
        scope: What it may do at most.
        by: Who makes it, for the history.
        user: Whose it is; a token never may more than its user. None: the installation's.
        expires_in: None for one that does not expire.

    Raises `InvalidInput`, `Conflict` when the user has a token of that name.
    """
    name = parse_token_name(name)
    if user is not None:
        _check_scope(user.role, scope)
    if expires_in is not None and not timedelta() < expires_in <= _LONGEST:
        raise InvalidInput(
            "A token lives between a moment and ten years.", hint="Write 90d, or leave it out."
        )
    now = accounts.clock.now()
    secret = TOKEN_PREFIX + accounts.clock.token()
    new = NewToken(
        name=name,
        scope=scope,
        secret_hash=secret_hash(secret),
        user_id=user.user_id if user else None,
        expires_at=now + expires_in if expires_in is not None else None,
    )
    return await accounts.store.add_token(new, by, now), secret


def _check_scope(role: Role, scope: Scope) -> None:
    if not may_give(role, scope):
        raise InvalidInput(
            f"A {role.value} cannot make a token of the scope {scope.value}.",
            hint=f"The largest is {LARGEST_SCOPE[role].value}.",
        )
