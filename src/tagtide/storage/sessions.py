"""Logins, sessions and tokens."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, func, select, update
from sqlalchemy.exc import IntegrityError

from tagtide.core.access import AccessPolicy, Failures, Gate, Scope, judge_login
from tagtide.errors import Conflict, NotFound
from tagtide.ports import (
    AccountAct,
    ApiToken,
    Attempt,
    KnownSecret,
    NewSession,
    NewToken,
    Session,
    User,
)
from tagtide.storage import tables as t
from tagtide.storage.rows import Topic
from tagtide.storage.users import alone, end_sessions, put_event, user_of

_user = t.user_account.c


class Sessions(Topic):
    """The part of the store that knows who is logged in, and which programs may ask."""

    async def begin_attempt(self, attempt: Attempt, policy: AccessPolicy) -> Failures:
        """Wrong passwords so far, and note this one if it will be looked at."""
        return await self._db.write(lambda c: _begin(c, attempt, policy))

    async def add_session(
        self, proof: str, session: NewSession, policy: AccessPolicy, now: datetime
    ) -> KnownSecret | None:
        """Note a login; None when the password is another one by now."""
        return await self._db.write(lambda c: _log_in(c, proof, session, policy, now))

    async def forget_attempts(self, name_hash: str, address: str | None = None) -> None:
        """Forget the wrong passwords of an account, all or those from one address."""
        await self._db.write(lambda c: _forget(c, name_hash, address))

    async def session_of(self, secret_hash: str) -> KnownSecret | None:
        """The session with that secret; None when there is none."""
        query = (
            select(t.user_account, *_named("s", t.session))
            .join(t.session, t.session.c.user_id == _user.id)
            .where((t.session.c.secret_hash == secret_hash) & _user.removed_at.is_(None))
        )

        def read(connection: Connection) -> KnownSecret | None:
            row = connection.execute(query).one_or_none()
            if row is None:
                return None
            return KnownSecret(user=user_of(row), session=_session(row, "s_"))

        return await self._db.read(read)

    async def token_of(self, secret_hash: str) -> KnownSecret | None:
        """The token with that secret; None when there is none."""
        query = _TOKENS.where(t.api_token.c.secret_hash == secret_hash)

        def read(connection: Connection) -> KnownSecret | None:
            row = connection.execute(query).one_or_none()
            if row is None:
                return None
            user = user_of(row) if row.t_user_id is not None else None
            return KnownSecret(user=user, token=_token(row))

        return await self._db.read(read)

    async def note_use(
        self, now: datetime, *, session_id: int | None = None, token_id: int | None = None
    ) -> None:
        """Note the last use of a session or a token."""
        statement = (
            update(t.session).where(t.session.c.id == session_id).values(seen_at=now)
            if session_id is not None
            else update(t.api_token).where(t.api_token.c.id == token_id).values(used_at=now)
        )
        await self._db.write(lambda c: c.execute(statement))

    async def sessions(self, user_id: int) -> list[Session]:
        """Those of a user, last used first."""
        query = (
            select(t.session)
            .where(t.session.c.user_id == user_id)
            .order_by(t.session.c.seen_at.desc(), t.session.c.id.desc())
        )
        return await self._db.read(lambda c: [_session(row) for row in c.execute(query)])

    async def revoke_sessions(
        self,
        user_id: int,
        by: str,
        now: datetime,
        *,
        session_id: int | None = None,
        act: AccountAct = AccountAct.SESSION_REVOKED,
    ) -> int:
        """End one session of a user, or all; return how many."""

        def revoke(connection: Connection) -> int:
            ended = end_sessions(connection, user_id, session_id)
            if ended:
                row = connection.execute(select(t.user_account).where(_user.id == user_id)).one()
                put_event(connection, act, user_of(row), by, now)
            return ended

        return await self._db.write(revoke)

    async def add_token(self, token: NewToken, by: str, now: datetime) -> ApiToken:
        """Store a token. Raises `Conflict`, `NotFound`."""
        return await self._db.write(lambda c: _add_token(c, token, by, now))

    async def tokens(self, user_id: int | None = None) -> list[ApiToken]:
        """Those of a user, or all, by name."""
        query = _TOKENS.order_by(t.api_token.c.name, t.api_token.c.id)
        if user_id is not None:
            query = query.where(t.api_token.c.user_id == user_id)
        return await self._db.read(lambda c: [_token(row) for row in c.execute(query)])

    async def revoke_token(
        self, token_id: int, by: str, now: datetime, *, user_id: int | None = None
    ) -> None:
        """End a token, if it is that user's where one is given. Raises `NotFound`."""

        def revoke(connection: Connection) -> None:
            query = _TOKENS.where(t.api_token.c.id == token_id)
            if user_id is not None:
                query = query.where(t.api_token.c.user_id == user_id)
            row = connection.execute(query).one_or_none()
            if row is None:
                raise NotFound("There is no such token any more.")
            connection.execute(delete(t.api_token).where(t.api_token.c.id == token_id))
            user = user_of(row) if row.t_user_id is not None else None
            put_event(connection, AccountAct.TOKEN_REVOKED, user, by, now, detail=row.t_name)

        await self._db.write(revoke)


def _named(prefix: str, table: Any) -> list[Any]:
    return [column.label(f"{prefix}_{column.name}") for column in table.c]


_TOKENS = select(t.user_account, *_named("t", t.api_token)).select_from(
    t.api_token.outerjoin(t.user_account, _user.id == t.api_token.c.user_id)
)


# --- logging in -----------------------------------------------------------------------------------


def _begin(connection: Connection, attempt: Attempt, policy: AccessPolicy) -> Failures:
    tried = t.login_attempt.c
    alone(connection, t.login_attempt)
    connection.execute(delete(t.login_attempt).where(tried.at <= attempt.at - policy.window))

    def count(where: Any) -> Any:
        query = select(func.count().label("many"), func.min(tried.at).label("oldest"))
        return connection.execute(query.where(where)).one()

    account = count(tried.name_hash == attempt.name_hash)
    address = count(tried.address == attempt.address)
    failures = Failures(
        by_account=account.many,
        by_address=address.many,
        oldest_by_account=account.oldest,
        oldest_by_address=address.oldest,
    )
    if judge_login(failures, policy).reason is Gate.OPEN:
        row = {"name_hash": attempt.name_hash, "address": attempt.address, "at": attempt.at}
        connection.execute(t.login_attempt.insert(), row)
    return failures


def _log_in(
    connection: Connection, proof: str, session: NewSession, policy: AccessPolicy, now: datetime
) -> KnownSecret | None:
    this = (_user.id == session.user_id) & (_user.password_hash == proof)
    query = select(t.user_account).where(this).with_for_update()
    if connection.execute(query).one_or_none() is None:
        return None
    connection.execute(update(t.user_account).where(this).values(login_at=now))
    old = (t.session.c.made_at <= now - policy.longest) | (t.session.c.seen_at <= now - policy.idle)
    connection.execute(delete(t.session).where(old))
    row = {
        "user_id": session.user_id,
        "secret_hash": session.secret_hash,
        "made_at": now,
        "seen_at": now,
        "address": session.address,
        "agent": session.agent,
    }
    added = connection.execute(t.session.insert().returning(t.session), row).one()
    user = user_of(connection.execute(query).one())
    put_event(connection, AccountAct.LOGGED_IN, user, user.name, now, detail=session.address)
    return KnownSecret(user=user, session=_session(added))


def _forget(connection: Connection, name_hash: str, address: str | None) -> None:
    theirs = t.login_attempt.c.name_hash == name_hash
    if address is not None:
        theirs &= t.login_attempt.c.address == address
    connection.execute(delete(t.login_attempt).where(theirs))


# --- sessions and tokens --------------------------------------------------------------------------


def _session(row: Any, prefix: str = "") -> Session:
    found = row._mapping  # noqa: SLF001 - the documented way to columns by name
    return Session(
        session_id=found[f"{prefix}id"],
        user_id=found[f"{prefix}user_id"],
        made_at=found[f"{prefix}made_at"],
        seen_at=found[f"{prefix}seen_at"],
        address=found[f"{prefix}address"],
        agent=found[f"{prefix}agent"],
    )


def _token(row: Any) -> ApiToken:
    return ApiToken(
        token_id=row.t_id,
        name=row.t_name,
        scope=Scope(row.t_scope),
        user_id=row.t_user_id,
        user_name=row.name,
        made_at=row.t_made_at,
        expires_at=row.t_expires_at,
        used_at=row.t_used_at,
    )


def _add_token(connection: Connection, token: NewToken, by: str, now: datetime) -> ApiToken:
    owner: User | None = None
    if token.user_id is None:
        alone(connection, t.api_token)
    else:
        in_use = (_user.id == token.user_id) & _user.removed_at.is_(None)
        found = connection.execute(select(t.user_account).where(in_use).with_for_update())
        row = found.one_or_none()
        if row is None:
            raise NotFound("There is no such user any more.")
        owner = user_of(row)
    same = t.api_token.c.name == token.name
    # NULL equals nothing, so the constraint does not see tokens of nobody.
    same &= t.api_token.c.user_id.is_not_distinct_from(token.user_id)
    if connection.execute(select(t.api_token.c.id).where(same)).first() is not None:
        raise _token_taken(token.name)
    values = {
        "name": token.name,
        "scope": token.scope,
        "secret_hash": token.secret_hash,
        "user_id": token.user_id,
        "made_at": now,
        "expires_at": token.expires_at,
    }
    try:
        result = connection.execute(t.api_token.insert().returning(t.api_token.c.id), values)
    except IntegrityError as error:
        raise _token_taken(token.name) from error
    detail = f"{token.name} ({token.scope.value})"
    put_event(connection, AccountAct.TOKEN_MADE, owner, by, now, detail=detail)
    added = _TOKENS.where(t.api_token.c.id == result.scalar_one())
    return _token(connection.execute(added).one())


def _token_taken(name: str) -> Conflict:
    return Conflict(
        f"There is a token named {name!r} already.", hint="Revoke it, or choose another name."
    )
