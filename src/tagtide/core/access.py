"""Who may do what: roles of people, scopes of tokens, and for how long a session is good.

An identity is what a request has proved; a need is what a route asks for. Every decision says why.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class Role(StrEnum):
    """What a user may do; each may do all that the one before may."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    ADMIN = "admin"


class Scope(StrEnum):
    """What a token may do, at most."""

    READ = "read"
    OPERATE = "operate"
    ADMIN = "admin"


class Need(StrEnum):
    """What a route asks for."""

    PUBLIC = "public"
    READ = "read"
    OPERATE = "operate"
    ADMIN = "admin"
    #: A person who is logged in, about the own account: never a token, never an open demo.
    ACCOUNT = "account"


class How(StrEnum):
    """How an identity was proved."""

    NOBODY = "nobody"
    SESSION = "session"
    TOKEN = "token"  # noqa: S105 - a word, no secret
    #: No login was asked for: a demo on this machine.
    OPEN = "open"


class Problem(StrEnum):
    """Why a session or a token that was shown proves nothing."""

    NONE = ""
    #: Never given out, revoked, or misspelt.
    UNKNOWN = "unknown"
    EXPIRED = "expired"
    #: Not used for too long.
    IDLE = "idle"


class Verdict(StrEnum):
    """Whether a need is met, and why."""

    PUBLIC = "public"
    GRANTED = "granted"
    #: Nobody is logged in.
    NOBODY = "nobody"
    #: The role of the person is too small.
    ROLE = "role"
    #: The scope of the token is too small.
    SCOPE = "scope"
    #: Only a person who is logged in may do that.
    NO_PERSON = "no_person"

    @property
    def is_granted(self) -> bool:
        """Whether the request goes on."""
        return self in {Verdict.PUBLIC, Verdict.GRANTED}


_ROLES = {Role.VIEWER: 1, Role.OPERATOR: 2, Role.ADMIN: 3}
_SCOPES = {Scope.READ: 1, Scope.OPERATE: 2, Scope.ADMIN: 3}
_NEEDS = {Need.READ: 1, Need.OPERATE: 2, Need.ADMIN: 3}
#: The largest scope that a user of a role may give to a token.
LARGEST_SCOPE = {
    Role.VIEWER: Scope.READ,
    Role.OPERATOR: Scope.OPERATE,
    Role.ADMIN: Scope.ADMIN,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who a request comes from, as far as it was proved."""

    how: How = How.NOBODY
    #: The user; None for nobody, for an open demo and for a token of no user.
    user_id: int | None = None
    #: Of the user, or of the token.
    name: str = ""
    #: Of the user, also behind a token.
    role: Role | None = None
    #: Of the token.
    scope: Scope | None = None
    session_id: int | None = None
    token_id: int | None = None
    #: What was wrong with what was shown.
    problem: Problem = Problem.NONE

    def may(self, need: Need) -> bool:
        """Whether a route that asks for this is open to it; `allowed` says why."""
        return allowed(self, need).is_granted

    @property
    def by(self) -> str:
        """Who did it, as a history says."""
        return f"token {self.name}" if self.how is How.TOKEN else self.name

    @property
    def key(self) -> str | None:
        """Tells identities apart in what is kept for each; None for nobody."""
        match self.how:
            case How.SESSION:
                return f"user:{self.user_id}"
            case How.TOKEN:
                return f"token:{self.token_id}"
            case How.OPEN:
                return "open"
            case _:
                return None


NOBODY = Identity()
#: The demo on this machine: whoever opens it works in it.
OPEN_DEMO = Identity(how=How.OPEN, name="demo", role=Role.OPERATOR)


def allowed(identity: Identity, need: Need) -> Verdict:
    """Whether an identity meets a need.

    A token may do what its scope says and what the role of its user says, whichever is less.
    """
    if need is Need.PUBLIC:
        return Verdict.PUBLIC
    if identity.how is How.NOBODY:
        return Verdict.NOBODY
    if need is Need.ACCOUNT:
        return Verdict.GRANTED if identity.how is How.SESSION else Verdict.NO_PERSON
    if identity.how is How.TOKEN and (
        identity.scope is None or _SCOPES[identity.scope] < _NEEDS[need]
    ):
        return Verdict.SCOPE
    if identity.role is None:
        # A token that was made on the command line belongs to nobody; its scope is all there is.
        is_free = identity.how is How.TOKEN and identity.user_id is None
        return Verdict.GRANTED if is_free else Verdict.ROLE
    return Verdict.GRANTED if _ROLES[identity.role] >= _NEEDS[need] else Verdict.ROLE


def may_give(role: Role, scope: Scope) -> bool:
    """Whether a user of that role may make a token of that scope."""
    return _SCOPES[scope] <= _SCOPES[LARGEST_SCOPE[role]]


# --- sessions and tokens --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessPolicy:
    """How long a session is good, and how many wrong passwords are borne."""

    #: Without a request.
    idle: timedelta = timedelta(hours=12)
    #: Since the login, whatever happens.
    longest: timedelta = timedelta(days=30)
    #: Wrong passwords within ``window``, for one account and from one address.
    failures: int = 10
    window: timedelta = timedelta(minutes=15)


#: How exactly the last use is kept: a write per request would be dear.
SEEN_STEP = timedelta(minutes=1)


def session_problem(
    policy: AccessPolicy, *, made_at: datetime, seen_at: datetime, now: datetime
) -> Problem:
    """Whether a session is still good."""
    if now - made_at >= policy.longest:
        return Problem.EXPIRED
    return Problem.IDLE if now - seen_at >= policy.idle else Problem.NONE


def token_problem(*, expires_at: datetime | None, now: datetime) -> Problem:
    """Whether a token is still good."""
    is_over = expires_at is not None and now >= expires_at
    return Problem.EXPIRED if is_over else Problem.NONE


def is_worth_noting(seen_at: datetime | None, now: datetime) -> bool:
    """Whether a use is so much later than the last one noted that it is written down."""
    return seen_at is None or now - seen_at >= SEEN_STEP


# --- logging in -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Failures:
    """Wrong passwords of the last while."""

    by_account: int
    by_address: int
    #: The oldest of each; None when there is none.
    oldest_by_account: datetime | None = None
    oldest_by_address: datetime | None = None


class Gate(StrEnum):
    """Why a password is looked at, or is not."""

    OPEN = "open"
    ACCOUNT = "account"
    ADDRESS = "address"


@dataclass(frozen=True, slots=True)
class LoginGate:
    """Whether one more password is looked at."""

    reason: Gate
    #: When the next one will be; None when it is now.
    until: datetime | None = None


def judge_login(failures: Failures, policy: AccessPolicy) -> LoginGate:
    """Whether one more password is looked at, after those that were wrong within the window.

    What is refused here does not count: a person who comes back after the wait is let in, however
    often somebody else has knocked meanwhile.
    """
    if failures.by_address >= policy.failures:
        return LoginGate(Gate.ADDRESS, _end(failures.oldest_by_address, policy))
    if failures.by_account >= policy.failures:
        return LoginGate(Gate.ACCOUNT, _end(failures.oldest_by_account, policy))
    return LoginGate(Gate.OPEN)


def _end(oldest: datetime | None, policy: AccessPolicy) -> datetime | None:
    return None if oldest is None else oldest + policy.window


# --- the first account ----------------------------------------------------------------------------


class SetUp(StrEnum):
    """Whether the first account may be made, and why."""

    #: The request comes from this machine to this machine.
    LOCAL = "local"
    #: It shows the token of the console.
    TOKEN = "token"  # noqa: S105 - a word, no secret
    #: There is an account already.
    DONE = "done"
    TOKEN_NEEDED = "token_needed"  # noqa: S105
    TOKEN_WRONG = "token_wrong"  # noqa: S105

    @property
    def is_allowed(self) -> bool:
        """Whether it may be made."""
        return self in {SetUp.LOCAL, SetUp.TOKEN}


def judge_set_up(
    *, has_users: bool, is_local: bool, shown: str | None, stored: str | None
) -> SetUp:
    """Whether a request may make the first account.

    Args:
        has_users: There is, or was, an account.
        is_local: Only this machine can reach the server.
        shown: Hash of the token that was shown, if one was.
        stored: Hash of the token that stands on the console.
    """
    if has_users:
        return SetUp.DONE
    if shown is not None:
        return SetUp.TOKEN if shown == stored else SetUp.TOKEN_WRONG
    return SetUp.LOCAL if is_local else SetUp.TOKEN_NEEDED


# --- the last look --------------------------------------------------------------------------------

#: Looks that lie closer together are one visit.
VISIT = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class Look:
    """When a person last looked, and when before that visit: what changed since is news."""

    at: datetime
    before: datetime | None = None


def next_look(last: Look | None, now: datetime) -> Look:
    """The look at ``now``; to load a page again does not make its news old."""
    if last is None:
        return Look(now)
    if now <= last.at:
        return last
    return Look(now, last.before if now - last.at < VISIT else last.at)
