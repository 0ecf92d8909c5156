"""Who may do what, and for how long: tables."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagtide.core.access import (
    LARGEST_SCOPE,
    NOBODY,
    OPEN_DEMO,
    AccessPolicy,
    Failures,
    Gate,
    How,
    Identity,
    Look,
    Need,
    Problem,
    Role,
    Scope,
    SetUp,
    Verdict,
    allowed,
    is_worth_noting,
    judge_login,
    judge_set_up,
    may_give,
    next_look,
    session_problem,
    token_problem,
)

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
POLICY = AccessPolicy()
LEVELS = [Need.READ, Need.OPERATE, Need.ADMIN]


def person(role: Role) -> Identity:
    return Identity(how=How.SESSION, user_id=1, name="ana", role=role, session_id=7)


def program(scope: Scope, role: Role | None = None) -> Identity:
    owner = 1 if role else None
    return Identity(how=How.TOKEN, user_id=owner, name="bot", role=role, scope=scope, token_id=3)


@pytest.mark.parametrize(
    ("identity", "granted", "otherwise"),
    [
        (NOBODY, 0, Verdict.NOBODY),
        (Identity(problem=Problem.IDLE), 0, Verdict.NOBODY),
        (person(Role.VIEWER), 1, Verdict.ROLE),
        (person(Role.OPERATOR), 2, Verdict.ROLE),
        (person(Role.ADMIN), 3, Verdict.ROLE),
        (OPEN_DEMO, 2, Verdict.ROLE),
        (program(Scope.READ), 1, Verdict.SCOPE),
        (program(Scope.OPERATE), 2, Verdict.SCOPE),
        (program(Scope.ADMIN), 3, Verdict.SCOPE),
        (program(Scope.READ, Role.ADMIN), 1, Verdict.SCOPE),
        # The user was made a viewer after the token was made.
        (program(Scope.ADMIN, Role.VIEWER), 1, Verdict.ROLE),
        (program(Scope.OPERATE, Role.VIEWER), 1, None),
        # What cannot be: it may nothing.
        (Identity(how=How.SESSION, user_id=1), 0, Verdict.ROLE),
        (Identity(how=How.TOKEN, user_id=1, scope=Scope.ADMIN), 0, Verdict.ROLE),
        (Identity(how=How.TOKEN), 0, Verdict.SCOPE),
    ],
)
def test_each_identity_may_what_its_level_says(
    identity: Identity, granted: int, otherwise: Verdict | None
) -> None:
    found = [allowed(identity, need) for need in LEVELS]
    assert [verdict.is_granted for verdict in found] == [n < granted for n in range(3)]
    if otherwise is not None:
        assert set(found[granted:]) <= {otherwise}
    assert allowed(identity, Need.PUBLIC) is Verdict.PUBLIC


def test_the_own_account_is_for_people_who_are_logged_in() -> None:
    assert allowed(person(Role.VIEWER), Need.ACCOUNT) is Verdict.GRANTED
    assert allowed(program(Scope.ADMIN, Role.ADMIN), Need.ACCOUNT) is Verdict.NO_PERSON
    assert allowed(OPEN_DEMO, Need.ACCOUNT) is Verdict.NO_PERSON
    assert allowed(NOBODY, Need.ACCOUNT) is Verdict.NOBODY


@given(st.sampled_from(Role), st.sampled_from(Scope), st.sampled_from(LEVELS))
def test_a_token_never_may_more_than_its_user(role: Role, scope: Scope, need: Need) -> None:
    if allowed(program(scope, role), need).is_granted:
        assert allowed(person(role), need).is_granted
        assert allowed(program(scope), need).is_granted


def test_nobody_gives_away_more_than_they_have() -> None:
    given_away = {(r, s) for r in Role for s in Scope if may_give(r, s)}
    assert given_away == {
        (Role.VIEWER, Scope.READ),
        (Role.OPERATOR, Scope.READ),
        (Role.OPERATOR, Scope.OPERATE),
        *((Role.ADMIN, scope) for scope in Scope),
    }
    assert all(may_give(role, scope) for role, scope in LARGEST_SCOPE.items())


def test_identities_are_told_apart() -> None:
    keys = [NOBODY.key, OPEN_DEMO.key, person(Role.ADMIN).key, program(Scope.READ).key]
    assert keys == [None, "open", "user:1", "token:3"]


H = timedelta(hours=1)


@pytest.mark.parametrize(
    ("age", "silence", "problem"),
    [
        (H, H, Problem.NONE),
        (12 * H, 12 * H - timedelta(microseconds=1), Problem.NONE),
        (12 * H, 12 * H, Problem.IDLE),
        (30 * 24 * H - timedelta(microseconds=1), 0 * H, Problem.NONE),
        (30 * 24 * H, 0 * H, Problem.EXPIRED),
        # The clock stepped back.
        (-H, -H, Problem.NONE),
    ],
)
def test_a_session_ends(age: timedelta, silence: timedelta, problem: Problem) -> None:
    found = session_problem(POLICY, made_at=NOW - age, seen_at=NOW - silence, now=NOW)
    assert found is problem


def test_a_token_ends_at_its_instant() -> None:
    assert token_problem(expires_at=None, now=NOW) is Problem.NONE
    assert token_problem(expires_at=NOW + H, now=NOW) is Problem.NONE
    assert token_problem(expires_at=NOW, now=NOW) is Problem.EXPIRED


def test_a_use_is_noted_once_a_minute() -> None:
    minute = timedelta(minutes=1)
    assert is_worth_noting(None, NOW)
    assert is_worth_noting(NOW - minute, NOW)
    assert not is_worth_noting(NOW - minute * 0.9, NOW)
    assert not is_worth_noting(NOW + minute, NOW)


@pytest.mark.parametrize(
    ("account", "address", "gate", "minutes"),
    [
        (0, 0, Gate.OPEN, None),
        (9, 9, Gate.OPEN, None),
        (10, 0, Gate.ACCOUNT, 5),
        (0, 10, Gate.ADDRESS, 3),
        (10, 10, Gate.ADDRESS, 3),
    ],
)
def test_ten_wrong_passwords_are_borne(
    account: int, address: int, gate: Gate, minutes: int | None
) -> None:
    failures = Failures(
        by_account=account,
        by_address=address,
        oldest_by_account=NOW - timedelta(minutes=10),
        oldest_by_address=NOW - timedelta(minutes=12),
    )
    found = judge_login(failures, POLICY)
    until = None if minutes is None else NOW + timedelta(minutes=minutes)
    assert (found.reason, found.until) == (gate, until)


@pytest.mark.parametrize(
    ("has_users", "is_local", "shown", "verdict"),
    [
        (False, True, None, SetUp.LOCAL),
        (False, False, None, SetUp.TOKEN_NEEDED),
        (False, False, "t", SetUp.TOKEN),
        (False, False, "x", SetUp.TOKEN_WRONG),
        # A wrong one is refused also where none is needed.
        (False, True, "x", SetUp.TOKEN_WRONG),
        (True, True, "t", SetUp.DONE),
        (True, True, None, SetUp.DONE),
    ],
)
def test_the_first_account_needs_the_console_or_this_machine(
    has_users: bool, is_local: bool, shown: str | None, verdict: SetUp
) -> None:
    found = judge_set_up(has_users=has_users, is_local=is_local, shown=shown, stored="t")
    assert found is verdict
    assert found.is_allowed == (verdict in {SetUp.LOCAL, SetUp.TOKEN})


def test_without_a_stored_token_none_is_right() -> None:
    found = judge_set_up(has_users=False, is_local=False, shown="t", stored=None)
    assert found is SetUp.TOKEN_WRONG


def test_what_is_new_stays_new_for_a_visit() -> None:
    first = next_look(None, NOW)
    assert first == Look(NOW)
    again = next_look(first, NOW + timedelta(minutes=10))
    assert again == Look(NOW + timedelta(minutes=10))
    evening = NOW + 8 * H
    second = next_look(again, evening)
    assert second == Look(evening, again.at)
    reloaded = next_look(second, evening + timedelta(minutes=29))
    assert reloaded.before == again.at
    # A clock that stepped back moves nothing.
    assert next_look(second, NOW) == second


@given(st.lists(st.integers(0, 5000), min_size=1, max_size=30))
def test_looks_only_move_forward(minutes: list[int]) -> None:
    look = None
    at = NOW
    for step in minutes:
        at += timedelta(minutes=step)
        new = next_look(look, at)
        assert new.at == at
        assert new.before is None or new.before <= new.at
        if look is not None and look.before is not None:
            assert new.before is not None
            assert new.before >= look.before
        look = new
