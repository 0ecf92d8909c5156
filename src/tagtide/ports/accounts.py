"""Users, their sessions and tokens: what is kept of them, and how passwords are hashed.

Of a password a hash is kept, of a session, a token and the set-up token the SHA-256 of what the
holder has: whoever reads the database can log in as nobody.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from tagtide.core.access import AccessPolicy, Failures, Look, Role, Scope


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """A person with a name, a password and a role."""

    user_id: int
    name: str
    role: Role
    created_at: datetime
    #: The last time a password was accepted; None before the first.
    login_at: datetime | None = None
    password_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A browser in which a user is logged in."""

    session_id: int
    user_id: int
    made_at: datetime
    seen_at: datetime
    #: Where the login came from, as the server saw it; strangers' text.
    address: str
    agent: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiToken:
    """What a program shows instead of a password."""

    token_id: int
    name: str
    scope: Scope
    #: Whose it is; None for one that was made on the command line.
    user_id: int | None
    user_name: str | None
    made_at: datetime
    #: None for one that does not expire.
    expires_at: datetime | None = None
    #: None before its first use.
    used_at: datetime | None = None


class AccountAct(StrEnum):
    """What happened to accounts; the kinds of lines of their history."""

    SET_UP = "set_up"
    USER_ADDED = "user_added"
    USER_RENAMED = "user_renamed"
    ROLE_CHANGED = "role_changed"
    USER_REMOVED = "user_removed"
    PASSWORD_CHANGED = "password_changed"  # noqa: S105 - a word, no secret
    LOGGED_IN = "logged_in"
    LOGGED_OUT = "logged_out"
    SESSION_REVOKED = "session_revoked"
    TOKEN_MADE = "token_made"  # noqa: S105
    TOKEN_REVOKED = "token_revoked"  # noqa: S105


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountEvent:
    """One line of the history of accounts; never changed, never removed."""

    at: datetime
    act: AccountAct
    #: Who did it: the name of a user, ``command line`` or ``set-up``.
    by: str
    #: The user it was done to, by id and by the name of then.
    user_id: int | None = None
    user_name: str = ""
    #: What else there is to know, such as the old and the new role.
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewUser:
    """A user who is to be stored."""

    name: str
    role: Role
    password_hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSession:
    """A session that is to be stored."""

    user_id: int
    secret_hash: str
    address: str
    agent: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NewToken:
    """A token that is to be stored."""

    name: str
    scope: Scope
    secret_hash: str
    user_id: int | None
    expires_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownSecret:
    """What belongs to a session or a token that was shown."""

    user: User | None
    session: Session | None = None
    token: ApiToken | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One password that is about to be looked at."""

    #: Of the name as it was typed: somebody may have typed a password there.
    name_hash: str
    address: str
    at: datetime


class AccountStore(Protocol):
    """Users, sessions, tokens and their history."""

    # --- users ---

    async def has_users(self) -> bool:
        """Whether there is, or ever was, a user."""

    async def users(self) -> list[User]:
        """All, by name."""

    async def user(self, name: str) -> User:
        """One by name. Raises `NotFound` with the nearest name as hint."""

    async def password_of(self, name: str) -> tuple[User, str] | None:
        """A user and the hash of the password; None when there is no such user."""

    async def add_first_user(self, user: NewUser, now: datetime) -> User | None:
        """Add an admin and forget the set-up token, unless there ever was a user; None then.

        Of any number of calls at once exactly one adds a user.
        """

    async def add_user(self, user: NewUser, by: str, now: datetime) -> User:
        """Store a new user. Raises `Conflict` if the name is taken."""

    async def change_user(
        self,
        user_id: int,
        by: str,
        now: datetime,
        *,
        name: str | None = None,
        role: Role | None = None,
    ) -> User:
        """Rename a user, or give another role, which ends all sessions of the user.

        Raises `NotFound`; `Conflict` when the name is taken or the last admin would be none.
        """

    async def change_password(
        self, user_id: int, password_hash: str, by: str, now: datetime, *, revoke_tokens: bool
    ) -> None:
        """Store another password and end all sessions (and tokens). Raises `NotFound`."""

    async def put_hash(self, user_id: int, old: str, new: str) -> None:
        """Store the same password hashed anew, unless it was changed meanwhile."""

    async def remove_user(self, user_id: int, by: str, now: datetime) -> None:
        """End all sessions and tokens of a user, and take the user out; the name is free again.

        Raises `NotFound`, `Conflict` for the last admin.
        """

    # --- logging in ---

    async def begin_attempt(self, attempt: Attempt, policy: AccessPolicy) -> Failures:
        """Wrong passwords within the window so far, and note this one if it will be looked at.

        It counts as wrong until `add_session` says otherwise, so that a hundred at once are no more
        than a hundred one after the other.
        """

    async def add_session(
        self, proof: str, session: NewSession, policy: AccessPolicy, now: datetime
    ) -> KnownSecret | None:
        """Note a login and forget sessions that are over.

        None, and nothing is written, when the hash of the password is no longer ``proof``: it was
        changed, or the user removed, while it was being looked at.
        """

    async def forget_attempts(self, name_hash: str, address: str | None = None) -> None:
        """Forget the wrong passwords of an account, all or those from one address."""

    async def note(self, event: AccountEvent) -> None:
        """Add a line to the history."""

    async def account_events(
        self, *, user_id: int | None = None, limit: int = 100
    ) -> list[AccountEvent]:
        """The history, newest first."""

    # --- sessions and tokens ---

    async def session_of(self, secret_hash: str) -> KnownSecret | None:
        """The session with that secret; None when there is none."""

    async def token_of(self, secret_hash: str) -> KnownSecret | None:
        """The token with that secret; None when there is none."""

    async def note_use(
        self, now: datetime, *, session_id: int | None = None, token_id: int | None = None
    ) -> None:
        """Note the last use of a session or a token."""

    async def sessions(self, user_id: int) -> list[Session]:
        """Those of a user, last used first; also those that are over and not yet forgotten."""

    async def revoke_sessions(
        self,
        user_id: int,
        by: str,
        now: datetime,
        *,
        session_id: int | None = None,
        act: AccountAct = AccountAct.SESSION_REVOKED,
    ) -> int:
        """End one session of a user, or all; return how many. ``act`` is what the history says."""

    async def add_token(self, token: NewToken, by: str, now: datetime) -> ApiToken:
        """Store a token. Raises `Conflict` if its user has one of that name, `NotFound`."""

    async def tokens(self, user_id: int | None = None) -> list[ApiToken]:
        """Those of a user, or all, by name."""

    async def revoke_token(
        self, token_id: int, by: str, now: datetime, *, user_id: int | None = None
    ) -> None:
        """End a token, if it is that user's where one is given. Raises `NotFound`."""

    # --- the first account, the last look ---

    async def set_up_hash(self) -> str | None:
        """Hash of the set-up token; None when there is none."""

    async def put_set_up_hash(self, secret_hash: str, now: datetime) -> bool:
        """Replace the set-up token; False, and nothing is written, when there ever was a user."""

    async def look(self, who: str) -> Look | None:
        """When somebody last looked at what is new; None before the first time."""

    async def put_look(self, who: str, look: Look) -> None:
        """Keep it."""


class Passwords(Protocol):
    """How passwords are hashed and compared; slow on purpose, so never on the event loop."""

    async def hash(self, password: str) -> str:
        """A hash with its salt and its cost in it."""

    async def verify(self, password_hash: str | None, password: str) -> bool:
        """Whether a password belongs to a hash; for None the same work, and False."""

    def needs_rehash(self, password_hash: str) -> bool:
        """Whether it was made with another cost than hashes are made with now."""
