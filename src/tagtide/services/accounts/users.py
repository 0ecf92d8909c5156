"""Users, as an admin manages them."""

from __future__ import annotations

from tagtide.core.access import Role
from tagtide.core.names import parse_user_name
from tagtide.core.passwords import check_password
from tagtide.ports import NewUser, User
from tagtide.services.accounts.context import AccountContext
from tagtide.services.accounts.logins import attempt_key


async def add_user(
    accounts: AccountContext, name: str, password: str, role: Role, *, by: str
) -> User:
    """Add a user. Raises `InvalidInput`, `Conflict`."""
    name = parse_user_name(name)
    hashed = await accounts.passwords.hash(check_password(password, name))
    new = NewUser(name=name, role=role, password_hash=hashed)
    return await accounts.store.add_user(new, by, accounts.clock.now())


async def edit_user(
    accounts: AccountContext,
    user: User,
    *,
    by: str,
    name: str | None = None,
    role: Role | None = None,
) -> User:
    """Rename a user, or give another role, which ends all sessions of the user.

    Tokens live on and may do less, or more, from then on: a token never may more than its user.
    Raises `InvalidInput`, `NotFound`, `Conflict`.
    """
    new_name = parse_user_name(name) if name is not None else None
    now = accounts.clock.now()
    return await accounts.store.change_user(user.user_id, by, now, name=new_name, role=role)


async def set_password(
    accounts: AccountContext, user: User, password: str, *, by: str, revoke_tokens: bool = False
) -> None:
    """Give a user another password; all sessions (and tokens) of the user end, and so does the
    wait after wrong passwords.

    Raises `InvalidInput`, `NotFound`.
    """
    hashed = await accounts.passwords.hash(check_password(password, user.name))
    now = accounts.clock.now()
    await accounts.store.change_password(user.user_id, hashed, by, now, revoke_tokens=revoke_tokens)
    await accounts.store.forget_attempts(attempt_key(user.name))


async def remove_user(accounts: AccountContext, user: User, *, by: str) -> None:
    """Remove a user with all sessions and tokens. Raises `NotFound`, `Conflict` (last admin)."""
    await accounts.store.remove_user(user.user_id, by, accounts.clock.now())
