"""The first account, logging in and out, and the own password."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import structlog

from tagtide.core.access import Gate, Identity, Role, SetUp, judge_login, judge_set_up
from tagtide.core.names import parse_user_name
from tagtide.core.passwords import check_password
from tagtide.errors import InvalidInput, NotFound
from tagtide.ports import AccountAct, Attempt, NewSession, NewUser, User
from tagtide.services.accounts.context import AccountContext, Caller, secret_hash

_log = structlog.get_logger(__name__)


class LoginReason(StrEnum):
    """How a login ended."""

    OK = "ok"
    #: No such user, or another password; which of the two is nobody's business.
    WRONG = "wrong"
    #: Too many wrong passwords for this account, or from this address.
    ACCOUNT = "account"
    ADDRESS = "address"


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """What became of a login."""

    reason: LoginReason
    user: User | None = None
    #: What the browser keeps; shown once.
    secret: str | None = None
    #: When the next password is looked at, where it is not looked at now.
    until: datetime | None = None


async def new_set_up_token(accounts: AccountContext) -> str | None:
    """A new token for the first account, which ends the one before; None when there is one."""
    if await accounts.store.has_users():
        return None
    token = accounts.clock.token()
    is_kept = await accounts.store.put_set_up_hash(secret_hash(token), accounts.clock.now())
    return token if is_kept else None


async def set_up(
    accounts: AccountContext,
    name: str,
    password: str,
    client: Caller,
    *,
    token: str | None,
    is_local: bool,
) -> tuple[SetUp, Login | None]:
    """Make the first account, an admin, and log it in.

    Args:
        accounts: Ports and policy.
        name: As it was typed.
        password: As it was typed.
        client: Where the request comes from.
        token: The set-up token, if one was shown.
        is_local: Only this machine can reach the server.

    Raises `InvalidInput` for a name or a password that is not taken.
    """
    verdict = judge_set_up(
        has_users=await accounts.store.has_users(),
        is_local=is_local,
        shown=secret_hash(token) if token is not None else None,
        stored=await accounts.store.set_up_hash(),
    )
    if not verdict.is_allowed:
        return verdict, None
    name = parse_user_name(name)
    hashed = await accounts.passwords.hash(check_password(password, name))
    new = NewUser(name=name, role=Role.ADMIN, password_hash=hashed)
    user = await accounts.store.add_first_user(new, accounts.clock.now())
    if user is None:
        return SetUp.DONE, None
    return verdict, await _start_session(accounts, user, hashed, client)


async def log_in(accounts: AccountContext, name: str, password: str, client: Caller) -> Login:
    """Look at a password and start a session.

    Takes as long for a name that nobody has as for a wrong password.
    """
    known_name = _readable(name)
    attempt = _attempt(accounts, known_name or name, client)
    found = await accounts.store.password_of(known_name or "")
    refused = await _knock(accounts, attempt)
    if refused is not None:
        return refused
    user, hashed = found if found is not None else (None, None)
    is_right = await accounts.passwords.verify(hashed, password)
    if user is None or hashed is None or not is_right:
        # A name that nobody has may be a password in the wrong field.
        _log.warning("login_failed", user=user.name if user else None, address=client.network)
        return Login(reason=LoginReason.WRONG)
    hashed = await _rehashed(accounts, user, hashed, password)
    login = await _start_session(accounts, user, hashed, client)
    if login.reason is LoginReason.OK:
        await accounts.store.forget_attempts(attempt.name_hash, attempt.address)
    return login


async def log_out(accounts: AccountContext, who: Identity) -> None:
    """End the session behind an identity; nothing for one without."""
    if who.user_id is not None and who.session_id is not None:
        await accounts.store.revoke_sessions(
            who.user_id,
            who.name,
            accounts.clock.now(),
            session_id=who.session_id,
            act=AccountAct.LOGGED_OUT,
        )


async def change_own_password(
    accounts: AccountContext,
    who: Identity,
    current: str,
    new: str,
    client: Caller,
    *,
    revoke_tokens: bool = False,
) -> Login:
    """Change the password of the one who is logged in.

    All sessions end, in this browser a new one begins. Raises `InvalidInput` for a password that is
    not taken, `NotFound` when the account is gone.
    """
    found = await accounts.store.password_of(who.name)
    if found is None or found[0].user_id != who.user_id:
        raise NotFound("There is no such account any more.")
    user, hashed = found
    fresh = check_password(new, user.name)
    attempt = _attempt(accounts, user.name, client)
    refused = await _knock(accounts, attempt)
    if refused is not None:
        return refused
    if not await accounts.passwords.verify(hashed, current):
        _log.warning("login_failed", user=user.name, address=client.network)
        return Login(reason=LoginReason.WRONG)
    await accounts.store.forget_attempts(attempt.name_hash, attempt.address)
    if current == new:
        raise InvalidInput("The new password is the old one.")
    hashed = await accounts.passwords.hash(fresh)
    now = accounts.clock.now()
    await accounts.store.change_password(
        user.user_id, hashed, user.name, now, revoke_tokens=revoke_tokens
    )
    return await _start_session(accounts, user, hashed, client)


# --- parts ----------------------------------------------------------------------------------------


def attempt_key(name: str) -> str:
    """Under which the wrong passwords of a name are counted."""
    return secret_hash(f"name:{name[:1000]}")


def _attempt(accounts: AccountContext, name: str, client: Caller) -> Attempt:
    at = accounts.clock.now()
    return Attempt(name_hash=attempt_key(name), address=client.network, at=at)


def _readable(name: str) -> str | None:
    try:
        return parse_user_name(name)
    except InvalidInput:
        return None


async def _knock(accounts: AccountContext, attempt: Attempt) -> Login | None:
    """Note that a password is about to be looked at; a refusal when it will not be."""
    failures = await accounts.store.begin_attempt(attempt, accounts.policy)
    gate = judge_login(failures, accounts.policy)
    if gate.reason is Gate.OPEN:
        return None
    _log.warning("login_throttled", by=gate.reason.value, address=attempt.address)
    return Login(reason=LoginReason(gate.reason.value), until=gate.until)


async def _rehashed(accounts: AccountContext, user: User, hashed: str, password: str) -> str:
    if not accounts.passwords.needs_rehash(hashed):
        return hashed
    again = await accounts.passwords.hash(password)
    await accounts.store.put_hash(user.user_id, hashed, again)
    return again


async def _start_session(accounts: AccountContext, user: User, proof: str, client: Caller) -> Login:
    secret = accounts.clock.token()
    new = NewSession(
        user_id=user.user_id,
        secret_hash=secret_hash(secret),
        address=client.network,
        agent=client.shown_agent,
    )
    now = accounts.clock.now()
    known = await accounts.store.add_session(proof, new, accounts.policy, now)
    if known is None:
        return Login(reason=LoginReason.WRONG)
    return Login(reason=LoginReason.OK, secret=secret, user=known.user)
