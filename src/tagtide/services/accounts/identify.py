"""Who a request comes from."""

from __future__ import annotations

import re

import structlog

from tagtide.core.access import (
    NOBODY,
    How,
    Identity,
    Look,
    Problem,
    is_worth_noting,
    next_look,
    session_problem,
    token_problem,
)
from tagtide.errors import StorageError
from tagtide.services.accounts.context import AccountContext, secret_hash

_log = structlog.get_logger(__name__)

#: What sessions and tokens can look like; nothing else is looked up.
_SECRET = re.compile(r"[A-Za-z0-9_-]{20,200}")


async def identify(
    accounts: AccountContext, *, session: str | None = None, token: str | None = None
) -> Identity:
    """The identity behind what a request shows; nobody, with the problem, where it is no good.

    A token that is shown makes the session count for nothing, even when the token is no good: a
    foreign page that sets one header must not act with the reader's session.
    """
    if token is not None:
        return await _by_token(accounts, token)
    if session is not None:
        return await _by_session(accounts, session)
    return NOBODY


async def _by_session(accounts: AccountContext, secret: str) -> Identity:
    known = None
    if _SECRET.fullmatch(secret):
        known = await accounts.store.session_of(secret_hash(secret))
    if known is None or known.session is None or known.user is None:
        return Identity(problem=Problem.UNKNOWN)
    session, user, now = known.session, known.user, accounts.clock.now()
    problem = session_problem(
        accounts.policy, made_at=session.made_at, seen_at=session.seen_at, now=now
    )
    if problem is not Problem.NONE:
        return Identity(problem=problem)
    if is_worth_noting(session.seen_at, now):
        await _note_use(accounts, session_id=session.session_id)
    return Identity(
        how=How.SESSION,
        user_id=user.user_id,
        name=user.name,
        role=user.role,
        session_id=session.session_id,
    )


async def _by_token(accounts: AccountContext, secret: str) -> Identity:
    known = None
    if _SECRET.fullmatch(secret):
        known = await accounts.store.token_of(secret_hash(secret))
    if known is None or known.token is None:
        return Identity(problem=Problem.UNKNOWN)
    token, now = known.token, accounts.clock.now()
    problem = token_problem(expires_at=token.expires_at, now=now)
    if problem is not Problem.NONE:
        return Identity(problem=problem)
    if is_worth_noting(token.used_at, now):
        await _note_use(accounts, token_id=token.token_id)
    return Identity(
        how=How.TOKEN,
        user_id=token.user_id,
        name=token.name,
        role=known.user.role if known.user else None,
        scope=token.scope,
        token_id=token.token_id,
    )


async def _note_use(
    accounts: AccountContext, *, session_id: int | None = None, token_id: int | None = None
) -> None:
    """A database that cannot be written must not keep people from reading what it holds."""
    try:
        now = accounts.clock.now()
        await accounts.store.note_use(now, session_id=session_id, token_id=token_id)
    except StorageError as error:
        _log.warning("use_not_noted", error=str(error))


async def note_look(accounts: AccountContext, who: Identity) -> Look:
    """Note that somebody looks at what is new; what changed since ``before`` is new to them."""
    now = accounts.clock.now()
    if who.key is None:
        return Look(now)
    last = await accounts.store.look(who.key)
    look = next_look(last, now)
    if last is None or is_worth_noting(last.at, now):
        try:
            await accounts.store.put_look(who.key, look)
        except StorageError as error:
            _log.warning("look_not_noted", error=str(error))
    return look
