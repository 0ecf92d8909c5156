"""Set-up, logins, users, tokens and identities over a real store, in simulated time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from tagtide.clock import SimulatedClock
from tagtide.core.access import AccessPolicy, How, Identity, Problem, Role, Scope, SetUp
from tagtide.errors import Conflict, InvalidInput, NotFound, StorageReadOnly
from tagtide.passwords import ArgonPasswords
from tagtide.ports import User
from tagtide.services.accounts import (
    TOKEN_PREFIX,
    AccountContext,
    Caller,
    Login,
    LoginReason,
    add_user,
    change_own_password,
    edit_user,
    identify,
    log_in,
    log_out,
    make_token,
    new_set_up_token,
    note_look,
    remove_user,
    set_password,
    set_up,
)
from tagtide.storage.store import open_store

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
HERE = Caller("192.0.2.7", "Firefox\x1b[31m on Linux")
GOOD, OTHER = "kumquat marmalade", "another marmalade"


@dataclass
class CountedPasswords:
    """Real hashes, cheap ones, and how often each kind of work was done."""

    inner: ArgonPasswords = field(default_factory=lambda: ArgonPasswords(memory_kib=8, passes=1))
    verified: list[bool] = field(default_factory=list)
    hashed: int = 0
    before: Callable[[], Awaitable[None]] | None = None

    async def hash(self, password: str) -> str:
        self.hashed += 1
        return await self.inner.hash(password)

    async def verify(self, password_hash: str | None, password: str) -> bool:
        self.verified.append(password_hash is not None)
        result = await self.inner.verify(password_hash, password)
        if self.before is not None:
            await self.before()
        return result

    def needs_rehash(self, password_hash: str) -> bool:
        return self.inner.needs_rehash(password_hash)


@asynccontextmanager
async def opened() -> AsyncIterator[tuple[AccountContext, SimulatedClock, CountedPasswords]]:
    clock, passwords = SimulatedClock(NOW), CountedPasswords()
    store = await open_store("sqlite://", clock=clock, migrate=True)
    yield (
        AccountContext(store=store, passwords=passwords, clock=clock, policy=AccessPolicy()),
        clock,
        passwords,
    )
    await store.aclose()


async def with_admin(accounts: AccountContext) -> User:
    return await add_user(accounts, "ana", GOOD, Role.ADMIN, by="command line")


async def logged_in(accounts: AccountContext, name: str = "ana", password: str = GOOD) -> Login:
    login = await log_in(accounts, name, password, HERE)
    assert login.reason is LoginReason.OK
    return login


def in_lab(test: Callable[..., Awaitable[None]]) -> Callable[[], None]:
    """Run a coroutine function with what it asks for."""

    def run() -> None:
        async def main() -> None:
            async with opened() as lab:
                await test(*lab)

        asyncio.run(main())

    run.__name__ = test.__name__
    return run


# --- the first account ----------------------------------------------------------------------------


@in_lab
async def test_set_up_with_the_token_of_the_console(accounts, clock, passwords) -> None:
    token = await new_set_up_token(accounts)
    assert token is not None
    assert len(token) >= 22
    for shown in (None, "", "x", token[:-1], token.upper() + "x"):
        verdict, login = await set_up(accounts, "eve", GOOD, HERE, token=shown, is_local=False)
        assert not verdict.is_allowed
        assert login is None
    # Nobody can make the server hash without having the token.
    assert passwords.hashed == 0
    verdict, login = await set_up(accounts, "Ana", GOOD, HERE, token=token, is_local=False)
    assert verdict is SetUp.TOKEN
    assert login is not None
    assert login.user is not None
    assert (login.user.name, login.user.role) == ("ana", Role.ADMIN)
    who = await identify(accounts, session=login.secret)
    assert (who.how, who.role) == (How.SESSION, Role.ADMIN)
    # It is used up, and so is the way without one.
    for is_local in (True, False):
        verdict, login = await set_up(accounts, "eve", GOOD, HERE, token=token, is_local=is_local)
        assert (verdict, login) == (SetUp.DONE, None)
    assert await new_set_up_token(accounts) is None


@in_lab
async def test_a_later_start_prints_another_token(accounts, clock, passwords) -> None:
    first, second = await new_set_up_token(accounts), await new_set_up_token(accounts)
    verdict, _ = await set_up(accounts, "ana", GOOD, HERE, token=first, is_local=False)
    assert verdict is SetUp.TOKEN_WRONG
    verdict, _ = await set_up(accounts, "ana", GOOD, HERE, token=second, is_local=False)
    assert verdict is SetUp.TOKEN


@in_lab
async def test_on_this_machine_no_token_is_needed(accounts, clock, passwords) -> None:
    with pytest.raises(InvalidInput):
        await set_up(accounts, "ana", "short", HERE, token=None, is_local=True)
    verdict, login = await set_up(accounts, "ana", GOOD, HERE, token=None, is_local=True)
    assert verdict is SetUp.LOCAL
    assert login is not None


@in_lab
async def test_set_ups_at_once_make_one_account(accounts, clock, passwords) -> None:
    token = await new_set_up_token(accounts)
    found = await asyncio.gather(
        *(set_up(accounts, f"user{n}", GOOD, HERE, token=token, is_local=False) for n in range(8))
    )
    assert sum(login is not None for _, login in found) == 1
    assert len(await accounts.store.users()) == 1


# --- logging in -----------------------------------------------------------------------------------


@in_lab
async def test_a_login_and_its_end(accounts, clock, passwords) -> None:
    ana = await with_admin(accounts)
    login = await logged_in(accounts, " ANA ")
    assert login.secret is not None
    who = await identify(accounts, session=login.secret)
    assert who == Identity(
        how=How.SESSION, user_id=ana.user_id, name="ana", role=Role.ADMIN, session_id=1
    )
    session = (await accounts.store.sessions(ana.user_id))[0]
    assert (session.address, session.agent) == ("192.0.2.7", "Firefox[31m on Linux")
    await log_out(accounts, who)
    assert (await identify(accounts, session=login.secret)).problem is Problem.UNKNOWN
    await log_out(accounts, who)


@in_lab
async def test_unknown_names_cost_the_same_work(accounts, clock, passwords) -> None:
    await with_admin(accounts)
    for name in ("ana", "nobody", "", "\x00", "a b", "x" * 5000, "' OR 1=1 --"):
        passwords.verified.clear()
        login = await log_in(accounts, name, "wrong password", HERE)
        assert login == Login(reason=LoginReason.WRONG)
        # One verification each; for a name that nobody has, of a hash nobody has.
        assert passwords.verified == [name == "ana"]


@in_lab
async def test_brute_force_on_one_account_is_slowed_from_everywhere(
    accounts, clock, passwords
) -> None:
    await with_admin(accounts)
    for n in range(10):
        login = await log_in(accounts, "ana", f"guess number {n}", Caller(f"192.0.2.{n}"))
        assert login.reason is LoginReason.WRONG
        clock.advance(timedelta(seconds=10))
    passwords.verified.clear()
    # Also the right one is not looked at any more.
    login = await log_in(accounts, "ana", GOOD, Caller("198.51.100.1"))
    assert (login.reason, login.secret) == (LoginReason.ACCOUNT, None)
    assert login.until == NOW + timedelta(minutes=15)
    assert passwords.verified == []
    clock.set(login.until)
    await logged_in(accounts)


@in_lab
async def test_brute_force_from_one_address_is_slowed_over_all_accounts(
    accounts, clock, passwords
) -> None:
    await with_admin(accounts)
    for n in range(10):
        # One household has 2^64 addresses of IPv6.
        await log_in(accounts, f"user{n}", "the same guess", Caller(f"2001:db8::{n:x}"))
    login = await log_in(accounts, "ana", GOOD, Caller("2001:db8::ffff:1"))
    assert login.reason is LoginReason.ADDRESS
    await logged_in(accounts)
    again = await log_in(accounts, "user11", GOOD, Caller("2001:db8:0:1::1"))
    assert again.reason is LoginReason.WRONG


@in_lab
async def test_guesses_at_once_are_no_more_than_ten(accounts, clock, passwords) -> None:
    await with_admin(accounts)
    found = await asyncio.gather(
        *(log_in(accounts, "ana", f"guess number {n}", Caller(f"h{n}")) for n in range(60))
    )
    assert sum(login.reason is LoginReason.WRONG for login in found) == 10
    assert len(passwords.verified) == 10


@in_lab
async def test_a_right_password_ends_the_count_of_that_address(accounts, clock, passwords) -> None:
    await with_admin(accounts)
    for _ in range(5):
        for n in range(3):
            await log_in(accounts, "ana", f"guess number {n}", HERE)
        await logged_in(accounts)


@in_lab
async def test_the_own_account_does_not_reset_the_count_of_a_guesser(
    accounts, clock, passwords
) -> None:
    await with_admin(accounts)
    await add_user(accounts, "eve", OTHER, Role.VIEWER, by="ana")
    found = []
    for n in range(12):
        found.append((await log_in(accounts, "ana", f"guess number {n}", HERE)).reason)
        await log_in(accounts, "eve", OTHER, HERE)
    assert found.count(LoginReason.WRONG) == 10


@in_lab
async def test_old_hashes_are_renewed_at_the_login(accounts, clock, passwords) -> None:
    ana = await with_admin(accounts)
    passwords.inner = ArgonPasswords(memory_kib=16, passes=2)
    await logged_in(accounts)
    found = await accounts.store.password_of("ana")
    assert found is not None
    assert found[0].user_id == ana.user_id
    assert "m=16,t=2" in found[1]
    await logged_in(accounts)


@in_lab
async def test_a_password_changed_during_the_login_is_the_one_that_counts(
    accounts, clock, passwords
) -> None:
    ana = await with_admin(accounts)

    async def meanwhile() -> None:
        passwords.before = None
        await set_password(accounts, ana, OTHER, by="command line")

    passwords.before = meanwhile
    assert (await log_in(accounts, "ana", GOOD, HERE)).reason is LoginReason.WRONG
    assert await accounts.store.sessions(ana.user_id) == []


# --- sessions -------------------------------------------------------------------------------------


@in_lab
async def test_a_session_lives_while_it_is_used_and_not_for_ever(
    accounts, clock, passwords
) -> None:
    await with_admin(accounts)
    login = await logged_in(accounts)
    used = await logged_in(accounts)
    last = None
    for _ in range(70):
        clock.advance(timedelta(hours=11, minutes=55))
        who = await identify(accounts, session=used.secret)
        if who.how is How.NOBODY:
            last = who.problem
            break
    assert last is Problem.EXPIRED
    assert clock.now() - NOW >= timedelta(days=30)
    assert (await identify(accounts, session=login.secret)).problem in {
        Problem.IDLE, Problem.EXPIRED,
    }  # fmt: skip


@in_lab
async def test_an_idle_session_is_over_after_twelve_hours(accounts, clock, passwords) -> None:
    await with_admin(accounts)
    login = await logged_in(accounts)
    clock.advance(timedelta(hours=12))
    assert (await identify(accounts, session=login.secret)).problem is Problem.IDLE


@pytest.mark.parametrize(
    "secret", ["", "x", "tt_", "a" * 19, "a" * 201, "é" * 32, "\ud800" * 32, "a b" * 10, "0" * 32]
)
def test_what_is_no_secret_proves_nothing(secret: str) -> None:
    async def main() -> None:
        async with opened() as (accounts, _, _):
            await with_admin(accounts)
            for shown in ({"session": secret}, {"token": secret}):
                who = await identify(accounts, **shown)
                assert (who.how, who.problem) == (How.NOBODY, Problem.UNKNOWN)

    asyncio.run(main())


@in_lab
async def test_a_token_makes_the_session_count_for_nothing(accounts, clock, passwords) -> None:
    await with_admin(accounts)
    login = await logged_in(accounts)
    for token in ("", "x", TOKEN_PREFIX + "0" * 32, login.secret):
        who = await identify(accounts, session=login.secret, token=token)
        assert who.how is How.NOBODY
    _, secret = await make_token(accounts, "bot", Scope.READ, by="command line")
    who = await identify(accounts, session=login.secret, token=secret)
    assert (who.how, who.scope, who.role, who.user_id) == (How.TOKEN, Scope.READ, None, None)
    # Neither can stand in the place of the other.
    assert (await identify(accounts, session=secret)).how is How.NOBODY


@in_lab
async def test_a_store_that_cannot_be_written_still_knows_people(
    accounts, clock, passwords
) -> None:
    await with_admin(accounts)
    login = await logged_in(accounts)
    clock.advance(timedelta(hours=1))

    async def refuse(*_: object, **__: object) -> None:
        raise StorageReadOnly

    for name in ("note_use", "put_look"):
        setattr(accounts.store, name, refuse)
    who = await identify(accounts, session=login.secret)
    assert who.name == "ana"
    assert (await note_look(accounts, who)).before is None


# --- passwords and roles --------------------------------------------------------------------------


@in_lab
async def test_a_changed_password_ends_every_other_session(accounts, clock, passwords) -> None:
    ana = await with_admin(accounts)
    first, second = await logged_in(accounts), await logged_in(accounts)
    _, token = await make_token(accounts, "bot", Scope.READ, by="ana", user=ana)
    who = await identify(accounts, session=first.secret)
    wrong = await change_own_password(accounts, who, "wrong password", OTHER, HERE)
    assert wrong.reason is LoginReason.WRONG
    with pytest.raises(InvalidInput):
        await change_own_password(accounts, who, GOOD, "short", HERE)
    with pytest.raises(InvalidInput):
        await change_own_password(accounts, who, GOOD, GOOD, HERE)
    changed = await change_own_password(accounts, who, GOOD, OTHER, HERE)
    assert changed.reason is LoginReason.OK
    for old in (first, second):
        assert (await identify(accounts, session=old.secret)).problem is Problem.UNKNOWN
    assert (await identify(accounts, session=changed.secret)).name == "ana"
    assert (await identify(accounts, token=token)).how is How.TOKEN
    assert (await log_in(accounts, "ana", GOOD, HERE)).reason is LoginReason.WRONG
    who = await identify(accounts, session=changed.secret)
    await change_own_password(accounts, who, OTHER, GOOD, HERE, revoke_tokens=True)
    assert (await identify(accounts, token=token)).how is How.NOBODY


@in_lab
async def test_a_stolen_session_cannot_guess_the_password(accounts, clock, passwords) -> None:
    await with_admin(accounts)
    who = await identify(accounts, session=(await logged_in(accounts)).secret)
    reasons = [
        (await change_own_password(accounts, who, f"guess number {n}", OTHER, HERE)).reason
        for n in range(12)
    ]
    assert reasons.count(LoginReason.WRONG) == 10


@in_lab
async def test_an_admin_sets_a_password_and_ends_the_wait(accounts, clock, passwords) -> None:
    await with_admin(accounts)
    ben = await add_user(accounts, "ben", OTHER, Role.VIEWER, by="ana")
    session = await logged_in(accounts, "ben", OTHER)
    for n in range(10):
        await log_in(accounts, "ben", f"guess number {n}", Caller(f"h{n}"))
    await set_password(accounts, ben, "a third marmalade", by="ana")
    assert (await identify(accounts, session=session.secret)).how is How.NOBODY
    await logged_in(accounts, "ben", "a third marmalade")


@in_lab
async def test_another_role_counts_at_once(accounts, clock, passwords) -> None:
    await with_admin(accounts)
    ben = await add_user(accounts, "ben", OTHER, Role.OPERATOR, by="ana")
    session = await logged_in(accounts, "ben", OTHER)
    _, token = await make_token(accounts, "bot", Scope.OPERATE, by="ben", user=ben)
    await edit_user(accounts, ben, by="ana", role=Role.VIEWER)
    assert (await identify(accounts, session=session.secret)).how is How.NOBODY
    who = await identify(accounts, token=token)
    assert (who.scope, who.role) == (Scope.OPERATE, Role.VIEWER)
    await remove_user(accounts, ben, by="ana")
    assert (await identify(accounts, token=token)).how is How.NOBODY
    with pytest.raises(NotFound):
        await change_own_password(
            accounts, Identity(how=How.SESSION, user_id=ben.user_id, name="ben"), OTHER, GOOD, HERE
        )


@in_lab
async def test_an_account_of_the_same_name_is_not_the_same(accounts, clock, passwords) -> None:
    await with_admin(accounts)
    old = await add_user(accounts, "ben", OTHER, Role.VIEWER, by="ana")
    await remove_user(accounts, old, by="ana")
    await add_user(accounts, "ben", OTHER, Role.VIEWER, by="ana")
    ghost = Identity(how=How.SESSION, user_id=old.user_id, name="ben", session_id=1)
    with pytest.raises(NotFound):
        await change_own_password(accounts, ghost, OTHER, GOOD, HERE)


# --- tokens ---------------------------------------------------------------------------------------


@in_lab
async def test_tokens_are_shown_once_and_end(accounts, clock, passwords) -> None:
    ana = await with_admin(accounts)
    made, secret = await make_token(
        accounts, " Weekly  sheet ", Scope.READ, by="ana", user=ana, expires_in=timedelta(days=90)
    )
    assert secret.startswith(TOKEN_PREFIX)
    assert len(secret) >= len(TOKEN_PREFIX) + 22
    assert (made.name, made.used_at) == ("Weekly sheet", None)
    assert secret not in repr(await accounts.store.tokens())
    clock.advance(timedelta(days=89))
    who = await identify(accounts, token=secret)
    assert (who.how, who.name, who.role) == (How.TOKEN, "Weekly sheet", Role.ADMIN)
    assert (await accounts.store.tokens())[0].used_at == clock.now()
    clock.advance(timedelta(days=1))
    assert (await identify(accounts, token=secret)).problem is Problem.EXPIRED
    with pytest.raises(Conflict):
        await make_token(accounts, "Weekly sheet", Scope.READ, by="ana", user=ana)


@in_lab
async def test_nobody_makes_a_token_that_may_more(accounts, clock, passwords) -> None:
    await with_admin(accounts)
    ben = await add_user(accounts, "ben", OTHER, Role.VIEWER, by="ana")
    with pytest.raises(InvalidInput, match="viewer"):
        await make_token(accounts, "bot", Scope.OPERATE, by="ben", user=ben)
    for days in (0, -1, 4000):
        with pytest.raises(InvalidInput):
            await make_token(
                accounts, "bot", Scope.READ, by="ben", user=ben, expires_in=timedelta(days=days)
            )
    assert await accounts.store.tokens() == []


# --- looks ----------------------------------------------------------------------------------------


@in_lab
async def test_what_changed_since_the_last_look(accounts, clock, passwords) -> None:
    await with_admin(accounts)
    who = await identify(accounts, session=(await logged_in(accounts)).secret)
    assert (await note_look(accounts, who)).before is None
    clock.advance(timedelta(hours=8))
    assert (await note_look(accounts, who)).before == NOW
    clock.advance(timedelta(minutes=5))
    assert (await note_look(accounts, who)).before == NOW
    bot = Identity(how=How.TOKEN, token_id=1)
    assert (await note_look(accounts, bot)).before is None
    assert (await note_look(accounts, Identity())).before is None


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8::1", "2001:db8::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", "unknown"),
        ("<b>", "<b>"),
    ],
)
def test_what_counts_as_one_address(address: str, network: str) -> None:
    assert Caller(address).network == network
