"""Users, sessions, tokens and their history, on every engine."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import datetime, timedelta

import pytest
from storage_samples import HOUR, NOON, SteppedClock, run

from tagtide.core.access import AccessPolicy, Look, Role, Scope
from tagtide.errors import Conflict, NotFound
from tagtide.ports import (
    AccountAct,
    AccountEvent,
    Attempt,
    KnownSecret,
    NewSession,
    NewToken,
    NewUser,
    User,
)
from tagtide.storage.store import SqlStore, open_store

POLICY = AccessPolicy()
MINUTE = timedelta(minutes=1)


def new(name: str, role: Role = Role.VIEWER) -> NewUser:
    return NewUser(name=name, role=role, password_hash=f"hash of {name}")


def add(store: SqlStore, name: str, role: Role = Role.VIEWER) -> User:
    return run(store.add_user(new(name, role), "root", NOON))


def log_in(store: SqlStore, user: User, secret: str, at: datetime = NOON) -> KnownSecret | None:
    session = NewSession(
        user_id=user.user_id, secret_hash=secret, address="192.0.2.1", agent="Firefox"
    )
    return run(store.add_session(f"hash of {user.name}", session, POLICY, at))


def token(name: str, user: User | None = None, scope: Scope = Scope.READ) -> NewToken:
    return NewToken(
        name=name,
        scope=scope,
        secret_hash=f"secret of {name}{user.name if user else ''}",
        user_id=user.user_id if user else None,
        expires_at=NOON + HOUR,
    )


def acts(store: SqlStore, user: User | None = None) -> list[tuple[str, str, str, str]]:
    events = run(store.account_events(user_id=user.user_id if user else None))
    return [(e.act.value, e.by, e.user_name, e.detail) for e in reversed(events)]


# --- users ----------------------------------------------------------------------------------------


def test_users_are_kept_by_name(store: SqlStore) -> None:
    assert not run(store.has_users())
    ana = add(store, "ana", Role.ADMIN)
    ben = add(store, "ben")
    assert run(store.has_users())
    assert run(store.users()) == [ana, ben]
    assert run(store.user("ben")) == ben
    assert (ben.created_at, ben.password_at, ben.login_at) == (NOON, NOON, None)
    assert run(store.password_of("ana")) == (ana, "hash of ana")
    assert run(store.password_of("carl")) is None
    with pytest.raises(NotFound, match="carl") as missed:
        run(store.user("carl"))
    assert "users list" in missed.value.hint
    with pytest.raises(NotFound) as near:
        run(store.user("bem"))
    assert "'ben'" in near.value.hint


def test_a_name_is_taken_once(store: SqlStore) -> None:
    ana, _ = add(store, "ana", Role.ADMIN), add(store, "ben")
    with pytest.raises(Conflict, match="'ben'"):
        add(store, "ben")
    with pytest.raises(Conflict, match="'ben'"):
        run(store.change_user(ana.user_id, "root", NOON, name="ben"))
    assert run(store.user("ana")) == ana
    assert [act for act, *_ in acts(store)] == ["user_added", "user_added"]


def test_users_change_and_the_history_says_by_whom(store: SqlStore) -> None:
    add(store, "ana", Role.ADMIN)
    ben = add(store, "ben")
    log_in(store, ben, "s1")
    changed = run(
        store.change_user(ben.user_id, "ana", NOON + HOUR, name="benno", role=Role.OPERATOR)
    )
    assert (changed.name, changed.role) == ("benno", Role.OPERATOR)
    assert run(store.users())[1] == changed
    # The role is another one: whoever was logged in as ben is not any more.
    assert run(store.session_of("s1")) is None
    # To say the same again is no news.
    run(store.change_user(ben.user_id, "ana", NOON + HOUR, name="benno", role=Role.OPERATOR))
    assert acts(store, ben) == [
        ("user_added", "root", "ben", "viewer"),
        ("logged_in", "ben", "ben", "192.0.2.1"),
        ("user_renamed", "ana", "ben", "now benno"),
        ("role_changed", "ana", "ben", "viewer to operator"),
    ]


def test_renaming_ends_no_session(store: SqlStore) -> None:
    ben = add(store, "ben")
    log_in(store, ben, "s1")
    run(store.change_user(ben.user_id, "root", NOON, name="benno"))
    known = run(store.session_of("s1"))
    assert known is not None
    assert known.user is not None
    assert known.user.name == "benno"


def test_a_removed_user_is_gone_and_the_name_is_free(store: SqlStore) -> None:
    ana, ben = add(store, "ana", Role.ADMIN), add(store, "ben")
    log_in(store, ben, "s1")
    run(store.add_token(token("bot", ben), "ben", NOON))
    run(store.put_look(f"user:{ben.user_id}", Look(NOON)))
    run(store.remove_user(ben.user_id, "ana", NOON))
    assert run(store.users()) == [ana]
    assert run(store.password_of("ben")) is None
    assert run(store.session_of("s1")) is None
    assert run(store.token_of("secret of botben")) is None
    assert run(store.tokens()) == []
    assert run(store.look(f"user:{ben.user_id}")) is None
    for change in (
        store.remove_user(ben.user_id, "ana", NOON),
        store.change_user(ben.user_id, "ana", NOON, role=Role.ADMIN),
        store.change_password(ben.user_id, "h", "ana", NOON, revoke_tokens=False),
        store.add_token(token("bot", ben), "ben", NOON),
    ):
        with pytest.raises(NotFound):
            run(change)
    assert log_in(store, ben, "s2") is None
    again = add(store, "ben")
    assert again.user_id != ben.user_id
    assert acts(store, ben)[-1] == ("user_removed", "ana", "ben", "")


def test_the_last_admin_stays(store: SqlStore) -> None:
    ana, ben = add(store, "ana", Role.ADMIN), add(store, "ben", Role.ADMIN)
    run(store.change_user(ben.user_id, "ana", NOON, role=Role.OPERATOR))
    with pytest.raises(Conflict, match="last admin"):
        run(store.remove_user(ana.user_id, "ben", NOON))
    with pytest.raises(Conflict, match="last admin"):
        run(store.change_user(ana.user_id, "ben", NOON, role=Role.VIEWER))
    assert run(store.user("ana")).role is Role.ADMIN
    run(store.change_user(ben.user_id, "ana", NOON, role=Role.ADMIN))
    run(store.remove_user(ana.user_id, "ben", NOON))
    assert [user.name for user in run(store.users())] == ["ben"]


def test_of_two_admins_who_remove_each_other_one_stays(url: str, clock: SteppedClock) -> None:
    count = 1 if url == "sqlite://" else 2

    async def main() -> list[str]:
        stores = [await open_store(url, clock=clock, migrate=True) for _ in range(count)]
        ana = await stores[0].add_user(new("ana", Role.ADMIN), "root", NOON)
        ben = await stores[0].add_user(new("ben", Role.ADMIN), "root", NOON)
        await asyncio.gather(
            stores[0].remove_user(ben.user_id, "ana", NOON),
            stores[-1].remove_user(ana.user_id, "ben", NOON),
            return_exceptions=True,
        )
        left = [user.name for user in await stores[0].users()]
        for store in stores:
            await store.aclose()
        return left

    assert len(run(main())) == 1


# --- the first account ----------------------------------------------------------------------------


def test_the_set_up_token_is_replaced_and_then_forgotten(store: SqlStore) -> None:
    assert run(store.set_up_hash()) is None
    assert run(store.put_set_up_hash("one", NOON))
    assert run(store.put_set_up_hash("two", NOON))
    assert run(store.set_up_hash()) == "two"
    ana = run(store.add_first_user(new("ana", Role.ADMIN), NOON))
    assert ana is not None
    assert run(store.set_up_hash()) is None
    assert not run(store.put_set_up_hash("three", NOON))
    assert run(store.set_up_hash()) is None
    assert acts(store) == [("set_up", "set-up", "ana", "")]


def test_a_user_of_the_command_line_ends_the_set_up(store: SqlStore) -> None:
    run(store.put_set_up_hash("one", NOON))
    add(store, "ana", Role.ADMIN)
    assert run(store.set_up_hash()) is None
    assert run(store.add_first_user(new("eve", Role.ADMIN), NOON)) is None
    assert [user.name for user in run(store.users())] == ["ana"]


def test_two_set_ups_at_once_make_one_account(url: str, clock: SteppedClock) -> None:
    count = 1 if url == "sqlite://" else 3

    async def main() -> list[User | None]:
        stores = [await open_store(url, clock=clock, migrate=True) for _ in range(count)]
        made = await asyncio.gather(
            *(
                stores[n % count].add_first_user(new(f"user{n}", Role.ADMIN), NOON)
                for n in range(12)
            )
        )
        assert len(await stores[0].users()) == 1
        for store in stores:
            await store.aclose()
        return made

    assert sum(user is not None for user in run(main())) == 1


# --- logging in -----------------------------------------------------------------------------------


def knock(store: SqlStore, name: str, address: str, at: datetime = NOON) -> tuple[int, int]:
    attempt = Attempt(name_hash=name, address=address, at=at)
    failures = run(store.begin_attempt(attempt, POLICY))
    return failures.by_account, failures.by_address


def test_wrong_passwords_are_counted_per_account_and_per_address(store: SqlStore) -> None:
    assert [knock(store, "ana", "here") for _ in range(3)] == [(0, 0), (1, 1), (2, 2)]
    assert knock(store, "ben", "here") == (0, 3)
    assert knock(store, "ana", "there") == (3, 0)
    assert knock(store, "carl", "elsewhere") == (0, 0)


def test_what_is_refused_does_not_count(store: SqlStore) -> None:
    for minute in range(10):
        knock(store, "ana", f"h{minute}", NOON + minute * MINUTE)
    for _ in range(5):
        assert knock(store, "ana", "x", NOON + 14 * MINUTE) == (10, 0)
    assert knock(store, "ben", "x", NOON + 14 * MINUTE) == (0, 0)
    # The first of the ten is out of the window.
    assert knock(store, "ana", "x", NOON + 15 * MINUTE) == (9, 1)
    assert knock(store, "ana", "x", NOON + 15.5 * MINUTE) == (10, 2)
    failures = run(
        store.begin_attempt(Attempt(name_hash="ana", address="y", at=NOON + 15.5 * MINUTE), POLICY)
    )
    assert failures.oldest_by_account == NOON + MINUTE
    assert failures.oldest_by_address is None


def test_a_hundred_at_once_are_no_more_than_ten(url: str, clock: SteppedClock) -> None:
    count = 1 if url == "sqlite://" else 2

    async def main() -> Counter[bool]:
        stores = [await open_store(url, clock=clock, migrate=True) for _ in range(count)]
        found = await asyncio.gather(
            *(
                stores[n % count].begin_attempt(
                    Attempt(name_hash="ana", address=f"h{n}", at=NOON), POLICY
                )
                for n in range(100)
            )
        )
        for store in stores:
            await store.aclose()
        return Counter(f.by_account < POLICY.failures for f in found)

    assert run(main()) == {True: 10, False: 90}


def test_a_login_forgets_the_wrong_passwords_of_that_address(store: SqlStore) -> None:
    for name, address in [("ana", "here"), ("ana", "there"), ("ben", "here")]:
        knock(store, name, address)
    run(store.forget_attempts("ana", "here"))
    assert knock(store, "ana", "here") == (1, 1)
    run(store.forget_attempts("ana"))
    assert knock(store, "ana", "there") == (0, 0)
    assert knock(store, "ben", "here") == (1, 1)


# --- sessions -------------------------------------------------------------------------------------


def test_sessions_are_found_by_their_secret(store: SqlStore) -> None:
    ana, ben = add(store, "ana", Role.ADMIN), add(store, "ben")
    first = log_in(store, ana, "s1", NOON + HOUR)
    log_in(store, ana, "s2", NOON + 2 * HOUR)
    log_in(store, ben, "s3", NOON + 2 * HOUR)
    assert first is not None
    assert first.user is not None
    assert first.session is not None
    assert first.user.login_at == NOON + HOUR
    known = run(store.session_of("s1"))
    assert known is not None
    assert known.session == first.session
    assert known.user is not None
    assert known.user.name == "ana"
    assert run(store.session_of("s9")) is None
    run(store.note_use(NOON + 3 * HOUR, session_id=first.session.session_id))
    mine = run(store.sessions(ana.user_id))
    assert [s.seen_at for s in mine] == [NOON + 3 * HOUR, NOON + 2 * HOUR]
    assert {(s.address, s.agent) for s in mine} == {("192.0.2.1", "Firefox")}


def test_a_login_forgets_sessions_that_are_over(store: SqlStore) -> None:
    ana, ben = add(store, "ana", Role.ADMIN), add(store, "ben")
    log_in(store, ben, "old")
    log_in(store, ana, "new", NOON + POLICY.idle)
    assert run(store.session_of("old")) is None
    assert run(store.session_of("new")) is not None


def test_a_password_that_was_changed_meanwhile_starts_no_session(store: SqlStore) -> None:
    ana = add(store, "ana", Role.ADMIN)
    run(store.change_password(ana.user_id, "another", "ana", NOON, revoke_tokens=False))
    assert log_in(store, ana, "s1") is None
    assert run(store.sessions(ana.user_id)) == []
    assert "logged_in" not in {act for act, *_ in acts(store)}


def test_a_new_password_ends_sessions_and_by_choice_tokens(store: SqlStore) -> None:
    ana, ben = add(store, "ana", Role.ADMIN), add(store, "ben")
    for user, secret in [(ana, "s1"), (ana, "s2"), (ben, "s3")]:
        log_in(store, user, secret)
    run(store.add_token(token("bot", ana), "ana", NOON))
    run(store.add_token(token("bot", ben), "ben", NOON))
    run(store.change_password(ana.user_id, "h2", "ana", NOON + HOUR, revoke_tokens=False))
    assert run(store.sessions(ana.user_id)) == []
    assert run(store.session_of("s1")) is None
    assert len(run(store.sessions(ben.user_id))) == 1
    assert len(run(store.tokens(ana.user_id))) == 1
    assert run(store.user("ana")).password_at == NOON + HOUR
    run(store.change_password(ana.user_id, "h3", "ben", NOON + HOUR, revoke_tokens=True))
    assert run(store.tokens(ana.user_id)) == []
    assert len(run(store.tokens(ben.user_id))) == 1
    assert [(act, by, detail) for act, by, _, detail in acts(store, ana)[-2:]] == [
        ("password_changed", "ana", ""),
        ("password_changed", "ben", "tokens revoked"),
    ]


def test_a_hash_is_renewed_only_while_it_is_the_one(store: SqlStore) -> None:
    ana = add(store, "ana", Role.ADMIN)
    run(store.put_hash(ana.user_id, "another", "h2"))
    assert run(store.password_of("ana")) == (ana, "hash of ana")
    run(store.put_hash(ana.user_id, "hash of ana", "h2"))
    assert run(store.password_of("ana")) == (ana, "h2")


def test_sessions_are_revoked_one_or_all_and_only_those_of_the_user(store: SqlStore) -> None:
    ana, ben = add(store, "ana", Role.ADMIN), add(store, "ben")
    for user, secret in [(ana, "s1"), (ana, "s2"), (ben, "s3")]:
        log_in(store, user, secret)
    bens = run(store.sessions(ben.user_id))[0].session_id
    assert run(store.revoke_sessions(ana.user_id, "ana", NOON, session_id=bens)) == 0
    assert run(store.session_of("s3")) is not None
    newest = run(store.sessions(ana.user_id))[0].session_id
    ended = run(
        store.revoke_sessions(
            ana.user_id, "ana", NOON, session_id=newest, act=AccountAct.LOGGED_OUT
        )
    )
    assert ended == 1
    assert run(store.session_of("s2")) is None
    assert run(store.revoke_sessions(ana.user_id, "ana", NOON)) == 1
    assert run(store.revoke_sessions(ana.user_id, "ana", NOON)) == 0
    assert [act for act, *_ in acts(store, ana)][-2:] == ["logged_out", "session_revoked"]


# --- tokens ---------------------------------------------------------------------------------------


def test_tokens_are_found_by_their_secret(store: SqlStore) -> None:
    ana = add(store, "ana", Role.ADMIN)
    made = run(store.add_token(token("sheet", ana, Scope.OPERATE), "ana", NOON))
    free = run(store.add_token(token("cron"), "command line", NOON))
    assert (made.user_name, made.scope, made.expires_at, made.used_at) == (
        "ana", Scope.OPERATE, NOON + HOUR, None,
    )  # fmt: skip
    assert (free.user_id, free.user_name) == (None, None)
    known = run(store.token_of("secret of sheetana"))
    assert known is not None
    assert (known.token, known.user) == (made, ana)
    known = run(store.token_of("secret of cron"))
    assert known is not None
    assert (known.token, known.user) == (free, None)
    assert run(store.token_of("secret of nothing")) is None
    run(store.note_use(NOON + MINUTE, token_id=free.token_id))
    assert [t.used_at for t in run(store.tokens())] == [NOON + MINUTE, None]
    assert run(store.tokens(ana.user_id)) == [made]


def test_a_token_name_is_taken_once_per_owner(store: SqlStore) -> None:
    ana, ben = add(store, "ana", Role.ADMIN), add(store, "ben")
    for owner in (ana, ben, None):
        run(store.add_token(token("bot", owner), "root", NOON))
        with pytest.raises(Conflict, match="'bot'"):
            run(store.add_token(token("bot", owner), "root", NOON))


def test_tokens_are_revoked_by_their_owner_or_by_anybody_who_may(store: SqlStore) -> None:
    ana, ben = add(store, "ana", Role.ADMIN), add(store, "ben")
    made = run(store.add_token(token("bot", ben), "ben", NOON))
    with pytest.raises(NotFound):
        run(store.revoke_token(made.token_id, "ana", NOON, user_id=ana.user_id))
    run(store.revoke_token(made.token_id, "ana", NOON))
    with pytest.raises(NotFound):
        run(store.revoke_token(made.token_id, "ana", NOON))
    assert acts(store, ben)[-2:] == [
        ("token_made", "ben", "ben", "bot (read)"),
        ("token_revoked", "ana", "ben", "bot"),
    ]


# --- the history, the last look -------------------------------------------------------------------


def test_the_history_only_grows(store: SqlStore) -> None:
    ana = add(store, "ana", Role.ADMIN)
    event = AccountEvent(
        at=NOON, act=AccountAct.LOGGED_IN, by="ana", user_id=ana.user_id, user_name="ana"
    )
    for _ in range(3):
        run(store.note(event))
    events = run(store.account_events(limit=2))
    assert events == [event, event]
    assert len(run(store.account_events())) == 4


def test_a_look_replaces_the_one_before(store: SqlStore) -> None:
    assert run(store.look("user:1")) is None
    run(store.put_look("user:1", Look(NOON)))
    run(store.put_look("open", Look(NOON + HOUR)))
    run(store.put_look("user:1", Look(NOON + HOUR, NOON)))
    assert run(store.look("user:1")) == Look(NOON + HOUR, NOON)
    assert run(store.look("open")) == Look(NOON + HOUR)


def test_nothing_that_is_kept_lets_its_reader_in(store: SqlStore) -> None:
    """Of a session and a token the store has only what it was given: the hash."""
    ana = add(store, "ana", Role.ADMIN)
    session, made = log_in(store, ana, "s1"), run(store.add_token(token("bot", ana), "ana", NOON))
    assert "s1" not in repr(session)
    assert "secret of bot" not in repr(made)
    assert "hash of ana" not in repr(run(store.users()))
