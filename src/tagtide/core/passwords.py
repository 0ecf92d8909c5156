"""Which passwords are taken.

Length counts, not the kinds of characters. What everybody tries first is refused.
"""

from __future__ import annotations

import re
import unicodedata
from enum import StrEnum

from tagtide.errors import InvalidInput

SHORTEST = 10
#: Of the encoded text: nobody types more, and a hash of more takes longer.
MOST_BYTES = 1024


class PasswordVerdict(StrEnum):
    """Whether a password is taken, and why not."""

    GOOD = "good"
    TOO_SHORT = "too_short"
    TOO_LONG = "too_long"
    UNREADABLE = "unreadable"
    IS_NAME = "is_name"
    COMMON = "common"


_SENTENCES = {
    PasswordVerdict.TOO_SHORT: f"The password is shorter than {SHORTEST} characters.",
    PasswordVerdict.TOO_LONG: f"The password is longer than {MOST_BYTES} bytes.",
    PasswordVerdict.UNREADABLE: "The password holds characters that cannot be stored.",
    PasswordVerdict.IS_NAME: "The password is little more than the name of the user.",
    PasswordVerdict.COMMON: "That password is among the first that everybody tries.",
}
_HINT = f"Take at least {SHORTEST} characters; a few unrelated words are good and easy to keep."

#: What is left of the commonest passwords once digits and signs around them are taken away.
_COMMON_WORDS = """
    abc abcd abcdef abcdefg abcdefgh abcdefghij access admin administrator adminadmin asdf asdfasdf
    asdfgh asdfghjkl baseball basketball batman changeme charlie computer correcthorsebatterystaple
    default demo dragon facebook flower football freedom geheim google hallo hello helloworld
    iloveyou instagram internet jennifer jordan letmein liverpool login loveyou manager marketing
    master michael michelle minecraft monkey motdepasse mustang ninja operator pass passpass passw
    passwd password passwordpassword passwort pikachu pokemon princess qazwsx qazwsxedc qwer qwert
    qwerty qwertyqwerty qwertyui qwertyuiop qwertz qwertzuiop root samsung scavio secret shadow
    starwars summer sunshine superman tagtide test testing testtest tiktok tiktoktiktok trustno
    user viewer welcome whatever winter zaq zxcvbn zxcvbnm
"""
_COMMON = """
    1q2w3e4r5t 1q2w3e4r5t6y 1qaz2wsx3edc 1qaz2wsx3edc4rfv 1qazxsw23edc a1b2c3d4e5 a123456789
    abc123abc123 q1w2e3r4t5 q1w2e3r4t5y6 qwe123qwe123 pass1word1 passw0rd123 p@ssw0rd123
    p@ssw0rd1234 p@ssword123 passw0rd1234 zaq12wsxcde3 zaq1xsw2cde3 1a2b3c4d5e
"""
#: Digits and signs around a word that are still guessed.
_AROUND = 8
_DIGIT_RUNS = ("01234567890123456789", "98765432109876543210")


def normal_password(text: str) -> str:
    """The same text, whichever keyboard composed its letters."""
    return unicodedata.normalize("NFC", text)


def judge_password(password: str, name: str) -> PasswordVerdict:
    """Whether a password is taken for a user of that name."""
    text = normal_password(password)
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        return PasswordVerdict.UNREADABLE
    if size > MOST_BYTES:
        return PasswordVerdict.TOO_LONG
    if len(text) < SHORTEST:
        return PasswordVerdict.TOO_SHORT
    folded = text.casefold()
    name = name.casefold()
    if name and (folded == name or _bare(folded) in {name, name.partition("@")[0]}):
        return PasswordVerdict.IS_NAME
    return PasswordVerdict.COMMON if _is_common(folded) else PasswordVerdict.GOOD


def check_password(password: str, name: str) -> str:
    """The password as it is kept. Raises `InvalidInput` with what is wrong; never repeats it."""
    verdict = judge_password(password, name)
    if verdict is not PasswordVerdict.GOOD:
        raise InvalidInput(_SENTENCES[verdict], hint=_HINT)
    return normal_password(password)


def _bare(folded: str) -> str:
    """Without digits and signs at either end."""
    return re.sub(r"^[\W\d_]+|[\W\d_]+$", "", folded)


def _is_common(folded: str) -> bool:
    if len(set(folded)) < 4 or _is_digit_run(folded) or folded in _COMMON.split():
        return True
    bare = _bare(folded)
    around = folded.replace(bare, "", 1)
    # Many digits that are no run are as good as any other password.
    return bare in _COMMON_WORDS.split() and (len(around) <= _AROUND or _is_digit_run(around))


def _is_digit_run(folded: str) -> bool:
    return folded.isdigit() and any(folded[:10] in run for run in _DIGIT_RUNS)
