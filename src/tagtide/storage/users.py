"""Users and their history; what each was shown last."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from difflib import get_close_matches
from typing import Any

from sqlalchemy import Connection, Table, delete, func, select, text, update
from sqlalchemy.exc import IntegrityError

from tagtide.core.access import Look, Role
from tagtide.errors import Conflict, NotFound
from tagtide.ports import AccountAct, AccountEvent, NewUser, User
from tagtide.storage import tables as t
from tagtide.storage.rows import Topic, insert

_IN_USE = t.user_account.c.removed_at.is_(None)
#: Who made the first account.
_SET_UP_BY = "set-up"


class Users(Topic):
    """The part of the store that knows people; sessions and tokens have their own."""

    async def has_users(self) -> bool:
        """Whether there is, or ever was, a user."""
        return await self._db.read(_has_users)

    async def users(self) -> list[User]:
        """All, by name."""
        query = select(t.user_account).where(_IN_USE).order_by(t.user_account.c.name)
        return await self._db.read(lambda c: [user_of(row) for row in c.execute(query)])

    async def user(self, name: str) -> User:
        """One by name. Raises `NotFound` with the nearest name as hint."""
        return await self._db.read(lambda c: _by_name(c, name))

    async def password_of(self, name: str) -> tuple[User, str] | None:
        """A user and the hash of the password; None when there is no such user."""
        query = select(t.user_account).where(_IN_USE & (t.user_account.c.name == name))

        def read(connection: Connection) -> tuple[User, str] | None:
            row = connection.execute(query).one_or_none()
            return None if row is None else (user_of(row), row.password_hash)

        return await self._db.read(read)

    async def add_first_user(self, user: NewUser, now: datetime) -> User | None:
        """Add an admin unless there ever was a user; None then."""

        def add(connection: Connection) -> User | None:
            alone(connection, t.user_account)
            if _has_users(connection):
                return None
            added = _add(connection, user, now)
            connection.execute(delete(t.set_up))
            put_event(connection, AccountAct.SET_UP, added, _SET_UP_BY, now)
            return added

        return await self._db.write(add)

    async def add_user(self, user: NewUser, by: str, now: datetime) -> User:
        """Store a new user. Raises `Conflict`."""

        def add(connection: Connection) -> User:
            added = _add(connection, user, now)
            connection.execute(delete(t.set_up))
            put_event(connection, AccountAct.USER_ADDED, added, by, now, detail=user.role.value)
            return added

        return await self._db.write(add)

    async def change_user(
        self,
        user_id: int,
        by: str,
        now: datetime,
        *,
        name: str | None = None,
        role: Role | None = None,
    ) -> User:
        """Rename, or give another role, which ends all sessions. Raises `NotFound`, `Conflict`."""
        return await self._db.write(lambda c: _change(c, user_id, by, now, name, role))

    async def change_password(
        self, user_id: int, password_hash: str, by: str, now: datetime, *, revoke_tokens: bool
    ) -> None:
        """Store another password and end all sessions (and tokens). Raises `NotFound`."""

        def change(connection: Connection) -> None:
            user = _by_id(connection, user_id)
            values = {"password_hash": password_hash, "password_at": now}
            _set(connection, user_id, values)
            end_sessions(connection, user_id)
            detail = ""
            if revoke_tokens:
                end_tokens(connection, user_id)
                detail = "tokens revoked"
            put_event(connection, AccountAct.PASSWORD_CHANGED, user, by, now, detail=detail)

        await self._db.write(change)

    async def put_hash(self, user_id: int, old: str, new: str) -> None:
        """Store the same password hashed anew, unless it was changed meanwhile."""
        this = (t.user_account.c.id == user_id) & (t.user_account.c.password_hash == old)
        statement = update(t.user_account).where(this).values(password_hash=new)
        await self._db.write(lambda c: c.execute(statement))

    async def remove_user(self, user_id: int, by: str, now: datetime) -> None:
        """End all sessions and tokens, free the name. Raises `NotFound`, `Conflict`."""

        def remove(connection: Connection) -> None:
            alone(connection, t.user_account)
            user = _by_id(connection, user_id)
            _keep_an_admin(connection, user)
            _set(connection, user_id, {"removed_at": now, "password_hash": None})
            end_sessions(connection, user_id)
            end_tokens(connection, user_id)
            connection.execute(delete(t.looked).where(t.looked.c.who == f"user:{user_id}"))
            put_event(connection, AccountAct.USER_REMOVED, user, by, now)

        await self._db.write(remove)

    async def note(self, event: AccountEvent) -> None:
        """Add a line to the history."""
        await self._db.write(lambda c: c.execute(t.account_event.insert(), asdict(event)))

    async def account_events(
        self, *, user_id: int | None = None, limit: int = 100
    ) -> list[AccountEvent]:
        """The history, newest first."""
        query = select(t.account_event).order_by(t.account_event.c.id.desc()).limit(limit)
        if user_id is not None:
            query = query.where(t.account_event.c.user_id == user_id)
        return await self._db.read(lambda c: [_event(row) for row in c.execute(query)])

    async def set_up_hash(self) -> str | None:
        """Hash of the set-up token; None when there is none."""
        query = select(t.set_up.c.secret_hash)
        return await self._db.read(lambda c: c.execute(query).scalar())

    async def put_set_up_hash(self, secret_hash: str, now: datetime) -> bool:
        """Replace the set-up token; False when there ever was a user."""
        row = {"secret_hash": secret_hash, "made_at": now}

        def put(connection: Connection) -> bool:
            alone(connection, t.user_account)
            if _has_users(connection):
                return False
            statement = insert(connection, t.set_up).values(id=1, **row)
            connection.execute(statement.on_conflict_do_update(index_elements=["id"], set_=row))
            return True

        return await self._db.write(put)

    async def look(self, who: str) -> Look | None:
        """When somebody last looked; None before the first time."""
        query = select(t.looked).where(t.looked.c.who == who)

        def read(connection: Connection) -> Look | None:
            row = connection.execute(query).one_or_none()
            return None if row is None else Look(row.at, row.before)

        return await self._db.read(read)

    async def put_look(self, who: str, look: Look) -> None:
        """Keep it."""
        values = {"at": look.at, "before": look.before}

        def put(connection: Connection) -> None:
            statement = insert(connection, t.looked).values(who=who, **values)
            connection.execute(statement.on_conflict_do_update(index_elements=["who"], set_=values))

        await self._db.write(put)


def alone(connection: Connection, table: Table) -> None:
    """Until the end of the transaction nobody else decides by what is in a table."""
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"LOCK TABLE {table.name} IN SHARE ROW EXCLUSIVE MODE"))


def end_sessions(connection: Connection, user_id: int, session_id: int | None = None) -> int:
    """Forget the sessions of a user, or one of them; return how many."""
    theirs = t.session.c.user_id == user_id
    if session_id is not None:
        theirs &= t.session.c.id == session_id
    return connection.execute(delete(t.session).where(theirs)).rowcount


def end_tokens(connection: Connection, user_id: int) -> None:
    """Forget the tokens of a user."""
    connection.execute(delete(t.api_token).where(t.api_token.c.user_id == user_id))


def put_event(
    connection: Connection,
    act: AccountAct,
    user: User | None,
    by: str,
    now: datetime,
    *,
    detail: str = "",
) -> None:
    """Add a line to the history."""
    row = {
        "at": now,
        "act": act,
        "by": by,
        "user_id": user.user_id if user else None,
        "user_name": user.name if user else "",
        "detail": detail,
    }
    connection.execute(t.account_event.insert(), row)


def user_of(row: Any) -> User:
    """A row of `user_account`."""
    return User(
        user_id=row.id,
        name=row.name,
        role=Role(row.role),
        created_at=row.created_at,
        login_at=row.login_at,
        password_at=row.password_at,
    )


def _has_users(connection: Connection) -> bool:
    return connection.execute(select(t.user_account.c.id).limit(1)).scalar() is not None


def _by_id(connection: Connection, user_id: int) -> User:
    query = select(t.user_account).where(_IN_USE & (t.user_account.c.id == user_id))
    row = connection.execute(query.with_for_update()).one_or_none()
    if row is None:
        raise NotFound("There is no such user any more.")
    return user_of(row)


def _by_name(connection: Connection, name: str) -> User:
    query = select(t.user_account).where(_IN_USE)
    row = connection.execute(query.where(t.user_account.c.name == name)).one_or_none()
    if row is not None:
        return user_of(row)
    names = [other.name for other in connection.execute(query)]
    near = get_close_matches(name, names, n=1, cutoff=0.5)
    hint = f"Did you mean {near[0]!r}?" if near else "`tagtide users list` shows them."
    raise NotFound(f"There is no user named {name!r}.", hint=hint)


def _add(connection: Connection, user: NewUser, now: datetime) -> User:
    row = {
        "name": user.name,
        "role": user.role,
        "password_hash": user.password_hash,
        "created_at": now,
        "password_at": now,
    }
    try:
        added = connection.execute(t.user_account.insert().returning(t.user_account), row)
        return user_of(added.one())
    except IntegrityError as error:
        raise _name_taken(user.name) from error


def _name_taken(name: str) -> Conflict:
    return Conflict(
        f"There is a user named {name!r} already.",
        hint="Choose another name, or change that user with `tagtide users edit`.",
    )


def _set(connection: Connection, user_id: int, values: dict[str, Any]) -> None:
    statement = update(t.user_account).where(t.user_account.c.id == user_id)
    connection.execute(statement.values(values))


def _change(
    connection: Connection,
    user_id: int,
    by: str,
    now: datetime,
    name: str | None,
    role: Role | None,
) -> User:
    alone(connection, t.user_account)
    user = _by_id(connection, user_id)
    if name is not None and name != user.name:
        try:
            _set(connection, user_id, {"name": name})
        except IntegrityError as error:
            raise _name_taken(name) from error
        put_event(connection, AccountAct.USER_RENAMED, user, by, now, detail=f"now {name}")
    if role is not None and role is not user.role:
        if role is not Role.ADMIN:
            _keep_an_admin(connection, user)
        _set(connection, user_id, {"role": role})
        end_sessions(connection, user_id)
        detail = f"{user.role.value} to {role.value}"
        put_event(connection, AccountAct.ROLE_CHANGED, user, by, now, detail=detail)
    return _by_id(connection, user_id)


def _keep_an_admin(connection: Connection, user: User) -> None:
    """Refuse to go on when a user is the last admin."""
    if user.role is not Role.ADMIN:
        return
    admins = select(func.count()).where(_IN_USE & (t.user_account.c.role == Role.ADMIN))
    if connection.execute(admins).scalar_one() < 2:
        raise Conflict(
            f"{user.name} is the last admin; without one nobody could manage users.",
            hint="Make somebody else an admin first.",
        )


def _event(row: Any) -> AccountEvent:
    return AccountEvent(
        at=row.at,
        act=AccountAct(row.act),
        by=row.by,
        user_id=row.user_id,
        user_name=row.user_name,
        detail=row.detail,
    )
