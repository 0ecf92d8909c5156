"""Which passwords are taken, how they are hashed, and which user names there can be."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagtide.core.names import parse_token_name, parse_user_name
from tagtide.core.passwords import PasswordVerdict, check_password, judge_password
from tagtide.errors import InvalidInput
from tagtide.passwords import ArgonPasswords

V = PasswordVerdict


@pytest.mark.parametrize(
    ("password", "verdict"),
    [
        ("correct horse battery", V.GOOD),
        # Any kind of character will do, and no kind is asked for.
        ("lowercaseonly", V.GOOD),
        ("82731 49506", V.GOOD),
        ("日本語のパスワード十分", V.GOOD),
        ("   spaces count   ", V.GOOD),
        ("x" * 9, V.TOO_SHORT),
        ("kumquatjz", V.TOO_SHORT),
        ("kumquatjzs", V.GOOD),
        ("", V.TOO_SHORT),
        ("kq" * 512, V.COMMON),
        ("kumquat " * 128, V.GOOD),
        ("kumquat " * 128 + "k", V.TOO_LONG),
        ("é" * 513, V.TOO_LONG),
        ("kumquat\ud800 jz", V.UNREADABLE),
        ("1234567890", V.COMMON),
        ("0987654321", V.COMMON),
        ("12345678901234", V.COMMON),
        ("aaaaaaaaaaaa", V.COMMON),
        ("Password123!", V.COMMON),
        ("password1234567890", V.COMMON),
        ("!!Tagtide2026", V.COMMON),
        ("QWERTYUIOP", V.COMMON),
        ("1q2w3e4r5t", V.COMMON),
        ("ana.example", V.IS_NAME),
        ("ANA.example1", V.IS_NAME),
        ("2026ana.example!", V.IS_NAME),
        ("ana.example is my name", V.GOOD),
    ],
)
def test_passwords(password: str, verdict: PasswordVerdict) -> None:
    assert judge_password(password, "ana.example") is verdict
    if verdict is V.GOOD:
        assert check_password(password, "ana.example")
        return
    with pytest.raises(InvalidInput) as refused:
        check_password(password, "ana.example")
    # The sentence says what to do and never what was typed.
    assert "10 characters" in refused.value.hint
    assert not password or password not in f"{refused.value} {refused.value.hint}"


def test_the_part_before_the_at_is_the_name_too() -> None:
    assert judge_password("bernadette1", "bernadette@example.com") is V.IS_NAME


@given(st.text(max_size=60), st.text(max_size=20))
def test_every_text_gets_a_verdict(password: str, name: str) -> None:
    verdict = judge_password(password, name)
    assert (verdict is V.GOOD) <= (len(password.encode(errors="replace")) >= 10)


def test_the_same_letters_of_another_keyboard_are_the_same_password() -> None:
    composed, decomposed = "caf\u00e9 au lait", "cafe\u0301 au lait"
    assert check_password(composed, "ana") == check_password(decomposed, "ana")

    async def main() -> None:
        passwords = ArgonPasswords(memory_kib=8, passes=1)
        assert await passwords.verify(await passwords.hash(composed), decomposed)

    asyncio.run(main())


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        (" Ana ", "ana"),
        ("ana@Example.com", "ana@example.com"),
        ("ANA_B-2.c+d", "ana_b-2.c+d"),
        ("Ａna", "ana"),
        ("Øystein", "øystein"),
        ("李娜", "李娜"),
        ("x" * 64, "x" * 64),
    ],
)
def test_user_names(typed: str, stored: str) -> None:
    assert parse_user_name(typed) == stored
    assert parse_user_name(stored) == stored


@pytest.mark.parametrize(
    "typed",
    ["", "  ", "-ana", ".ana", "_ana", "a b", "a\nb", "a\x00b", "a/b", "a<b", 'a"b', "a\u202eb",
     "a\u200bb", "x" * 65, "a,b", "a;b", "a'b", "😀"],
)  # fmt: skip
def test_other_user_names_are_refused(typed: str) -> None:
    with pytest.raises(InvalidInput):
        parse_user_name(typed)


@given(st.text(max_size=80))
def test_stored_names_stay_as_they_are(text: str) -> None:
    try:
        name = parse_user_name(text)
    except InvalidInput:
        return
    assert parse_user_name(name) == name
    assert name.isprintable()


def test_token_names_are_titles() -> None:
    assert parse_token_name("  Weekly   sheet ") == "Weekly sheet"
    for bad in ("", "a\x1bb", "x" * 81):
        with pytest.raises(InvalidInput, match="token name"):
            parse_token_name(bad)


# --- hashes ---------------------------------------------------------------------------------------


def test_hashes_have_their_own_salt_and_know_their_password() -> None:
    async def main() -> None:
        passwords = ArgonPasswords(memory_kib=64, passes=1)
        one, two = await passwords.hash("kumquat jam"), await passwords.hash("kumquat jam")
        assert one != two
        assert one.startswith("$argon2id$")
        assert "kumquat" not in one
        assert await passwords.verify(one, "kumquat jam")
        assert not await passwords.verify(one, "kumquat jan")
        assert not await passwords.verify(one, "")
        assert not await passwords.verify(one, "\ud800")
        assert not await passwords.verify(one, "k" * 2000)
        assert not await passwords.verify("not a hash", "kumquat jam")

    asyncio.run(main())


def test_the_cost_is_that_of_rfc_9106_and_old_hashes_are_noticed() -> None:
    async def main() -> None:
        old = await ArgonPasswords(memory_kib=64, passes=1).hash("kumquat jam")
        now = ArgonPasswords()
        assert now.needs_rehash(old)
        new = await now.hash("kumquat jam")
        assert "$m=65536,t=3," in new
        assert not now.needs_rehash(new)

    asyncio.run(main())


def test_nobodys_hash_costs_what_a_real_one_costs() -> None:
    """Not measured in seconds: the parameters are the cost."""

    async def main() -> None:
        from argon2 import extract_parameters

        passwords = ArgonPasswords(memory_kib=64, passes=2)
        real = extract_parameters(await passwords.hash("kumquat jam"))
        nobodys = extract_parameters(passwords._nobodys)
        assert nobodys == real
        assert not await passwords.verify(None, "kumquat jam")

    asyncio.run(main())
